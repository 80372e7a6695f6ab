//! Set-up rules of jobs, told before anything runs.

use crate::diag::Diagnostic;
use crate::systems::flow::{self, Ratio};
use crate::systems::spec::{Node, Value, World};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is wrong with the jobs of a scenario.
pub(super) fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    for (name, job) in root.named("dataflow") {
        if let Some(key) = job.get("key") {
            check_key(root, name, job, key, found);
        }
        check_sdk(name, job, found);
        check_mode(name, job, found);
        check_ends(name, job, found);
        check_ratios(name, job, found);
        flow::check_arrivals(job, "arrivals", found);
    }
    check_readers(root, found);
    check_cycles(root, found);
}

/// Is this the name of a region, and not `global` or a multi-region such as `europe`?
fn is_region(location: &str) -> bool {
    location.contains('-') && location.ends_with(|c: char| c.is_ascii_digit())
}

/// DF-10, DF-14, DF-35: place of the key, and the temporary location.
fn check_key(root: &Node, name: &str, job: &Node, key: &Node, found: &mut Vec<Diagnostic>) {
    let path = key.text().strip_prefix("keys.").unwrap_or(key.text());
    let table = root.at("keys").at(path);
    let location = table.at("location").text();
    let shown = table.get("path").map_or_else(|| key.text(), Node::text);
    let region = job.at("region").text();
    if !is_region(location) {
        found.push(
            Diagnostic::error(
                "key-not-regional",
                key.span.clone(),
                format!("job `{name}` has a key in `{location}`: global and multi-region keys are not supported (DF-10)"),
            )
            .label(format!("a key in {location}"))
            .help(format!("choose a key with `location = \"{region}\"`")),
        );
    } else if location != region {
        found.push(
            Diagnostic::error(
                "job-key-region",
                key.span.clone(),
                format!("job `{name}` is in {region}, but its key is in {location}: \"Workflow failed. Causes: Cloud KMS key {shown} can't protect resources for this job. Make sure the region of the KMS key matches the Dataflow region.\" (DF-35)"),
            )
            .label(format!("a key in {location}"))
            .help(format!("choose a key with `location = \"{region}\"`")),
        );
    }
    if job.get("temp-location").is_none() {
        found.push(
            Diagnostic::error(
                "temp-location",
                job.span.clone(),
                format!("job `{name}` has a key, but no location for temporary files, which Dataflow does not create then (DF-14)"),
            )
            .label("this job")
            .help("add `temp-location = \"default-encryption\"`, or the path of a bucket"),
        );
    }
}

/// DF-11: languages with the first version that knows keys.
const SDKS: [(&str, [u64; 3]); 3] =
    [("java", [2, 13, 0]), ("python", [2, 13, 0]), ("go", [2, 40, 0])];

fn version(text: &str) -> Option<[u64; 3]> {
    let mut parts = text.split('.').map(|part| part.parse::<u64>().ok());
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

fn check_sdk(name: &str, job: &Node, found: &mut Vec<Diagnostic>) {
    let Some(sdk) = job.get("sdk") else { return };
    let (language, text) = sdk.text().split_once(' ').unwrap_or((sdk.text(), ""));
    let known = SDKS.iter().find(|(known, _)| *known == language);
    let (Some((_, least)), Some(version)) = (known, version(text)) else {
        found.push(
            Diagnostic::error(
                "sdk-form",
                sdk.span.clone(),
                format!("job `{name}` has an SDK that cannot be read"),
            )
            .label("a language and a version")
            .help("write \"java\", \"python\" or \"go\" and a version, such as \"python 2.58.0\""),
        );
        return;
    };
    if version < *least && job.get("key").is_some() {
        let [major, minor, patch] = least;
        found.push(
            Diagnostic::error(
                "sdk-too-old",
                sdk.span.clone(),
                format!("job `{name}` has a key, which the Apache Beam SDK for {language} knows only from {major}.{minor}.{patch} on (DF-11)"),
            )
            .label("too old")
            .help(format!("write \"{language} {major}.{minor}.{patch}\" or a later version")),
        );
    }
}

/// What goes with a batch job only, and with a streaming job only.
fn check_mode(name: &str, job: &Node, found: &mut Vec<Diagnostic>) {
    let batch = job.at("mode").text() == "batch";
    match (batch, job.get("elements")) {
        (true, None) => found.push(
            Diagnostic::error(
                "batch-elements",
                job.span.clone(),
                format!("batch job `{name}` does not say how much it reads"),
            )
            .label("this job")
            .help("add `elements = NUMBER`"),
        ),
        (false, Some(elements)) => found.push(
            Diagnostic::error(
                "batch-elements",
                elements.span.clone(),
                format!("streaming job `{name}` reads for ever, not a number of elements"),
            )
            .label("for batch jobs")
            .help("write `arrivals = RATE` instead, or `mode = \"batch\"`"),
        ),
        (true, Some(_)) | (false, None) => {}
    }
    let usual = job.at("capacity").number();
    if let Some(most) = job.get("capacity-max").filter(|most| most.number() < usual) {
        found.push(
            Diagnostic::error(
                "capacity-bounds",
                most.span.clone(),
                format!("job `{name}` has a capacity above its upper bound"),
            )
            .label("below `capacity`")
            .help("swap `capacity` and `capacity-max`"),
        );
    }
}

/// The entities of a list, with where they stand.
fn paths<'a>(job: &'a Node, list: &str) -> impl Iterator<Item = (&'a str, &'a Node)> {
    let nodes = job.get(list).map_or(&[][..], Node::list).iter();
    nodes.filter_map(|node| {
        let Value::Reference(path) = &node.value else { return None };
        Some((path.as_str(), node))
    })
}

fn is_subscription(path: &str) -> bool {
    path.starts_with("pubsub.") && path.contains(".subscriptions.")
}

/// What jobs read from and write to, and the topics of the subscriptions that they read.
pub(super) fn ends(job: &Node) -> BTreeSet<&str> {
    let own = ["sources", "sinks"].into_iter().flat_map(|list| paths(job, list));
    let topic = |path| is_subscription(path).then(|| path.split(".subscriptions.").next());
    own.flat_map(|(path, _)| [Some(path), topic(path).flatten()]).flatten().collect()
}

/// FL-05: what is to be out of service has to be in the way of some job.
pub(super) fn check_action(
    action: &str,
    params: &Node,
    world: &World,
    found: &mut Vec<Diagnostic>,
) {
    if action != "flow-outage" {
        return;
    }
    let entity = params.at("entity");
    let known: BTreeSet<&str> =
        world.root.named("dataflow").flat_map(|(_, job)| ends(job)).collect();
    if known.contains(entity.text()) {
        return;
    }
    let names: Vec<String> = known.into_iter().map(|path| format!("\"{path}\"")).collect();
    let help = if names.is_empty() {
        "add a job that reads from it or writes to it".to_owned()
    } else {
        format!("name what a job reads from or writes to: {}", names.join(", "))
    };
    found.push(
        Diagnostic::error(
            "no-flow",
            entity.span.clone(),
            format!("no job reads from `{0}` or writes to it", entity.text()),
        )
        .label("nothing would change")
        .help(help),
    );
}

/// What can be read, and what can be written to.
fn check_ends(name: &str, job: &Node, found: &mut Vec<Diagnostic>) {
    let never = |path: &str| {
        ["keys.", "kms.", "ekm.", "dataflow."].iter().any(|prefix| path.starts_with(prefix))
    };
    let mut tell = |node: &Node, path: &str, end: &str, help: String| {
        found.push(
            Diagnostic::error(
                "no-end-of-a-flow",
                node.span.clone(),
                format!("job `{name}` cannot {end} `{path}`"),
            )
            .label(format!("not something to {end}"))
            .help(help),
        );
    };
    const ENDS: &str = "name a topic or subscription, a Bigtable instance or app profile, or another system that holds data";
    for (path, node) in paths(job, "sources") {
        let topic = path.starts_with("pubsub.") && !is_subscription(path);
        if never(path) {
            tell(node, path, "read", ENDS.to_owned());
        } else if topic {
            let help = format!("name one of its subscriptions: \"{path}.subscriptions.NAME\"");
            tell(node, path, "read", help);
        }
    }
    for (path, node) in paths(job, "sinks") {
        if never(path) {
            tell(node, path, "write to", ENDS.to_owned());
        } else if is_subscription(path) {
            let topic = path.split(".subscriptions.").next().unwrap_or(path);
            tell(node, path, "write to", format!("name its topic: \"{topic}\""));
        }
    }
}

/// FL-06: a ratio for each sink.
fn check_ratios(name: &str, job: &Node, found: &mut Vec<Diagnostic>) {
    let Some(ratios) = job.get("ratios") else { return };
    let sinks = job.get("sinks").map_or(0, |sinks| sinks.list().len());
    let count = ratios.list().len();
    if count != sinks {
        found.push(
            Diagnostic::error(
                "sink-ratios",
                ratios.span.clone(),
                format!("job `{name}` has {sinks} sinks and {count} ratios"),
            )
            .label("one for each sink")
            .help("write as many ratios as there are in `sinks`, in the same order"),
        );
    }
    for ratio in ratios.list().iter().filter(|ratio| Ratio::read(ratio.text()).is_none()) {
        found.push(
            Diagnostic::error(
                "ratio-form",
                ratio.span.clone(),
                format!("job `{name}` has a ratio that cannot be read"),
            )
            .label("rows for elements")
            .help(format!(
                "write \"ROWS\" or \"ROWS/ELEMENTS\", such as \"1/60\", each from 1 to {}",
                Ratio::MOST
            )),
        );
    }
}

/// A subscription delivers each message to one job.
fn check_readers(root: &Node, found: &mut Vec<Diagnostic>) {
    let mut readers: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, job) in root.named("dataflow") {
        for (path, node) in paths(job, "sources").filter(|(path, _)| is_subscription(path)) {
            if let Some(other) = readers.insert(path, name) {
                found.push(
                    Diagnostic::error(
                        "source-taken",
                        node.span.clone(),
                        format!("jobs `{other}` and `{name}` read the same subscription"),
                    )
                    .label("read by another job")
                    .help("give each job a subscription of its own"),
                );
            }
        }
    }
}

/// What a source gets its elements from: a subscription from its topic, everything else from itself.
fn origin(path: &str) -> &str {
    if is_subscription(path) { path.split(".subscriptions.").next().unwrap_or(path) } else { path }
}

/// Elements that come back to where they were read would never end.
fn check_cycles(root: &Node, found: &mut Vec<Diagnostic>) {
    let mut readers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, job) in root.named("dataflow") {
        for (path, _) in paths(job, "sources") {
            readers.entry(origin(path)).or_default().push(name);
        }
    }
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, job) in root.named("dataflow") {
        let after = paths(job, "sinks").filter_map(|(path, _)| readers.get(path)).flatten();
        next.insert(name, after.copied().collect());
    }
    // A job that nobody in doubt comes after is not part of a circle, nor one that comes after
    // nobody in doubt.
    for _ in 0..2 {
        next = without_ends(next);
        next = reversed(&next);
    }
    let Some(name) = next.keys().next() else { return };
    let others: Vec<&str> = next.keys().copied().skip(1).take(5).collect();
    let through = match others.is_empty() {
        true => String::new(),
        false => format!(" through {}", others.join(", ")),
    };
    let job = root.named("dataflow").find(|(other, _)| other == name).map(|(_, job)| job);
    found.push(
        Diagnostic::error(
            "flow-cycle",
            job.and_then(|job| job.get("sinks")).and_then(|sinks| sinks.span.clone()),
            format!(
                "what job `{name}` writes comes back to it{through}, so that its elements never end"
            ),
        )
        .label("leads back to its own sources")
        .help("break the circle: let one of its jobs write somewhere else"),
    );
}

type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Takes out, again and again, the jobs that no other job comes after.
fn without_ends<'a>(mut next: Edges<'a>) -> Edges<'a> {
    let before = reversed(&next);
    let mut ends: Vec<&str> =
        next.iter().filter(|(_, after)| after.is_empty()).map(|(name, _)| *name).collect();
    while let Some(end) = ends.pop() {
        next.remove(end);
        for name in before.get(end).into_iter().flatten() {
            if let Some(after) = next.get_mut(name)
                && after.remove(end)
                && after.is_empty()
            {
                ends.push(name);
            }
        }
    }
    next
}

/// The same with every edge the other way round.
fn reversed<'a>(next: &Edges<'a>) -> Edges<'a> {
    let mut before: Edges<'a> = next.keys().map(|name| (*name, BTreeSet::new())).collect();
    for (name, after) in next {
        for other in after {
            if let Some(entry) = before.get_mut(other) {
                entry.insert(name);
            }
        }
    }
    before
}
