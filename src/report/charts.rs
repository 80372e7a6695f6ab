//! Which charts a run raises, and what is drawn in them.

use super::chart::{
    Bar, Caption, ChartError, Flow, FlowChart, Mark, Picture, Reference, Row, Series, Span,
    StepChart, TimelineChart, YAxis,
};
use super::{Run, summary, tables};
use crate::engine::{EntityId, SimDuration};
use crate::report::words::counted;
use crate::systems::spec::{Node, Role};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Every chart of a run, by the name of its files.
///
/// # Errors
/// A backend failed.
pub fn all(run: &Run) -> Result<Vec<(&'static str, Picture)>, ChartError> {
    type Raised = fn(&Run) -> Option<Result<Picture, ChartError>>;
    let charts: [(&str, Raised); 4] = [
        ("timeline", |run| Some(timeline(run).draw())),
        ("availability", |run| Some(availability(run).draw())),
        ("writes", |run| Some(writes(run)?.draw())),
        ("flows", |run| Some(flows(run)?.draw())),
    ];
    let drawn = charts.into_par_iter().filter_map(|(name, raised)| {
        raised(run).map(|picture| picture.map(|picture| (name, picture)))
    });
    drawn.collect()
}

fn subtitle(run: &Run) -> String {
    // First what must not be cut off where a description is long.
    format!("One replication, seed {}. {}", run.scenario.seed, run.scenario.description)
}

/// Root events as marks, and what is lost for good.
fn marks(run: &Run) -> Vec<Mark> {
    let records = run.outcome.trace.records.iter().enumerate();
    let ends = |record: &crate::engine::Record| {
        let kind = run.kind(record.entity);
        let state = &kind.states[usize::from(record.to)];
        record.from != record.to
            && state.irreversible
            && [Role::Key, Role::System].contains(&kind.role)
    };
    records
        .filter(|(_, record)| record.cause.is_none() || ends(record))
        .map(|(seq, record)| {
            let words = run.root_in_words(u32::try_from(seq).unwrap_or(u32::MAX));
            Mark {
                at: record.at,
                hover: format!("{}: {words} [{}]", run.instant(record.at), record.rule),
                label: words,
            }
        })
        .collect()
}

/// A path without the name of its system.
fn short(path: &str) -> &str {
    path.split_once('.').map_or(path, |(_, rest)| rest)
}

/// What lines are called: paths without the name of their system, unless two would be the same.
fn names<'p, T>(
    mut series: Vec<T>,
    path: impl Fn(&T) -> &'p str,
    label: impl Fn(&mut T, String),
) -> Vec<T> {
    let mut often: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &series {
        *often.entry(short(path(one))).or_default() += 1;
    }
    for one in &mut series {
        let (full, brief) = (path(one), short(path(one)));
        let name = if often.get(brief).is_some_and(|times| *times > 1) { full } else { brief };
        label(one, name.to_owned());
    }
    series
}

/// The heading that an entity's row stands under, and its name there.
fn place(path: &str, kind: &str) -> (String, String) {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        [kind, name] if ["keys", "kms", "ekm", "quotas", "services"].contains(kind) => {
            ((*kind).to_owned(), (*name).to_owned())
        }
        // What it is: the last word of its kind, as in `Dataflow job`.
        [system, name] => {
            (format!("{system}.{name}"), kind.rsplit(' ').next().unwrap_or(kind).to_owned())
        }
        [system, name, kind, rest @ ..] => (
            format!("{system}.{name}"),
            format!("{} {}", kind.trim_end_matches('s'), rest.join(".")),
        ),
        _ => (String::new(), path.to_owned()),
    }
}

/// Rows in the order of a reader's questions: services, keys, then each system with its parts.
/// Where there are too many, those in which nothing happens are left out; their number is given.
fn order(run: &Run) -> (Vec<EntityId>, usize) {
    let group = |path: &str| path.split('.').take(2).collect::<Vec<_>>().join(".");
    let touched = |entity: &EntityId| run.outcome.timeline[entity.0 as usize].len() > 1;
    let mut rows: Vec<EntityId> = (0..).map(EntityId).take(run.entities.len()).collect();
    // A grant is an edge that nobody wrote down: it is drawn when something happens to it.
    rows.retain(|entity| touched(entity) || !run.path(*entity).contains(".grants."));
    let all = rows.len();
    let crowded = all > TimelineChart::ROWS_MAX;
    if crowded && rows.iter().any(touched) {
        rows.retain(touched);
    }
    rows.sort_by_key(|&entity| {
        let (path, role) = (run.path(entity), run.kind(entity).role);
        let group = if role < Role::System { String::new() } else { group(path) };
        (role.min(Role::System), group, role, path)
    });
    let left_out = all - rows.len();
    (rows, left_out)
}

fn timeline(run: &Run) -> TimelineChart {
    let records = &run.outcome.trace.records;
    let (rows, left_out) = order(run);
    let rows = rows.into_iter().map(|entity| {
        let number = entity.0 as usize;
        let (path, kind) = run.entities[number];
        let (group, label) = place(path, kind.name);
        let bars = run.outcome.timeline[number].iter().map(|stay| {
            let state = &kind.states[usize::from(stay.state)];
            let rule = stay.cause.map_or("at the start", |seq| records[seq as usize].rule);
            let span = summary::quantity(Some(stay.to.saturating_since(stay.from).seconds()), "s");
            Bar {
                from: stay.from,
                to: stay.to,
                state: state.name.to_owned(),
                look: state.look,
                hover: format!(
                    "{path} {} from {} for {span} [{rule}]",
                    state.name,
                    run.instant(stay.from)
                ),
            }
        });
        Row { label, group, bars: bars.collect() }
    });
    TimelineChart {
        title: format!("{}: states over time", run.scenario.name),
        subtitle: match left_out {
            0 => subtitle(run),
            _ => {
                let rows = counted(left_out, "row");
                format!("Without {rows} in which nothing happens. {}", subtitle(run))
            }
        },
        start_unix_s: run.scenario.start.as_second(),
        horizon: run.model.horizon(),
        rows: rows.collect(),
        marks: marks(run),
    }
}

/// Availability of profiles and systems, the worst first; the chart counts those it leaves out.
fn availability(run: &Run) -> StepChart {
    let mut series: Vec<(f64, &str, Series)> = Vec::new();
    for (entity, points) in tables::availability_levels(run) {
        let path = run.path(entity);
        let shown = [Role::System, Role::Client].contains(&run.kind(entity).role);
        if shown {
            let measure =
                run.outcome.measures.get(&format!("{path}.availability")).copied().flatten();
            let one = Series { label: String::new(), points, steps: true };
            series.push((measure.unwrap_or(1.0), path, one));
        }
    }
    series.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    let drawn = series.iter().take(StepChart::SERIES_MAX).map(|(_, path, _)| *path);
    let told = what_serves(drawn);
    let series = names(series, |one| one.1, |one, name| one.2.label = name);
    StepChart {
        title: format!("{}: availability over time", run.scenario.name),
        subtitle: format!("{} {told}", subtitle(run)),
        start_unix_s: run.scenario.start.as_second(),
        horizon: run.model.horizon(),
        y_label: "availability".to_owned(),
        y: YAxis::Share,
        series: series.into_iter().map(|(_, _, series)| series).collect(),
        marks: marks(run),
    }
}

/// What it means that something is available, for what is drawn.
fn what_serves<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let (mut profiles, mut instances, mut others) = (false, false, false);
    for path in paths {
        match path.split('.').collect::<Vec<_>>().as_slice() {
            [_, _, "app-profiles", _] => profiles = true,
            ["bigtable", _] => instances = true,
            _ => others = true,
        }
    }
    let any = profiles || instances;
    let words = [
        (profiles, "App profiles: share of requests served"),
        (instances, "Instances: 100\u{a0}% while any cluster serves"),
        (others && any, "All else: 100\u{a0}% while it serves"),
        (others && !any, "100\u{a0}% while it serves"),
    ];
    let words: Vec<&str> = words.into_iter().filter(|word| word.0).map(|word| word.1).collect();
    if words.is_empty() { String::new() } else { format!("{}.", words.join(". ")) }
}

/// Writes at risk over time, if there ever are any: where most are, first.
fn writes(run: &Run) -> Option<StepChart> {
    let levels = run.outcome.trace.levels.iter().filter(|level| level.name == "writes-at-risk");
    let mut series: BTreeMap<&str, Series> = BTreeMap::new();
    for level in levels {
        let entry = series.entry(run.path(level.entity)).or_insert_with(|| Series {
            label: String::new(),
            points: vec![(crate::engine::SimTime::START, 0.0)],
            steps: true,
        });
        entry.points.push((level.at, level.value));
    }
    let peak = |series: &Series| series.points.iter().map(|p| p.1).fold(0.0, f64::max);
    let mut series: Vec<(&str, Series)> = series.into_iter().collect();
    series.sort_by(|(_, a), (_, b)| peak(b).total_cmp(&peak(a)));
    let series = names(series, |one| one.0, |one, name| one.1.label = name);
    (!series.is_empty()).then(|| StepChart {
        title: format!(
            "{}: acknowledged writes that only a cluster that is down has",
            run.scenario.name
        ),
        subtitle: format!(
            "{} They return with their cluster, or are lost with its key.",
            subtitle(run)
        ),
        start_unix_s: run.scenario.start.as_second(),
        horizon: SimDuration::from_ns(run.model.horizon().ns()).unwrap_or_default(),
        y_label: "writes at risk".to_owned(),
        y: YAxis::Count,
        series: series.into_iter().map(|(_, series)| series).collect(),
        marks: marks(run),
    })
}

/// Backlog and watermark age of jobs and subscriptions over time, if anything flows.
fn flows(run: &Run) -> Option<FlowChart> {
    let mut flows: BTreeMap<EntityId, Flow> = BTreeMap::new();
    let levels = run.outcome.trace.levels.iter();
    let mut points: Vec<_> = levels.filter(|level| tables::FLOWS.contains(&level.name)).collect();
    // A point is known only when the line bends after it.
    points.sort_by_key(|level| level.at);
    for level in points {
        let flow = flows.entry(level.entity).or_default();
        let [backlog, _] = tables::FLOWS;
        let line = if level.name == backlog { &mut flow.backlog } else { &mut flow.age };
        line.push((level.at, level.value));
    }
    // A subscription that a job reads alone has the same line as the job.
    let of_jobs: Vec<_> = flows
        .values()
        .filter(|flow| !flow.age.is_empty())
        .map(|flow| flow.backlog.clone())
        .collect();
    flows.retain(|_, flow| !flow.age.is_empty() || !of_jobs.contains(&flow.backlog));
    if flows.is_empty() {
        return None;
    }
    let flows: Vec<(EntityId, Flow)> = flows.into_iter().collect();
    let flows = names(flows, |flow| run.path(flow.0), |flow, name| flow.1.label = name);
    Some(FlowChart {
        caption: Caption {
            title: format!("{}: what waits, and how old it is", run.scenario.name),
            subtitle: subtitle(run),
            ..Caption::default()
        },
        start_unix_s: run.scenario.start.as_second(),
        horizon: run.model.horizon(),
        flows: flows.into_iter().map(|(_, flow)| flow).collect(),
        retentions: retentions(run),
        outages: outages(run),
        marks: marks(run),
    })
}

/// The retention of each subscription: what is older is gone.
fn retentions(run: &Run) -> Vec<Reference> {
    let root = &run.scenario.root;
    let usual = root.at("model").at("pubsub").at("retention").duration();
    let mut found: BTreeMap<SimDuration, Vec<&str>> = BTreeMap::new();
    for (_, topic) in root.named("pubsub") {
        for (name, subscription) in topic.named("subscriptions") {
            let own = subscription.get("retention").map_or(usual, Node::duration);
            // What the topic keeps is there for every subscription (PS-08).
            let kept = topic.get("retention").map_or(own, Node::duration);
            found.entry(own.max(kept)).or_default().push(name);
        }
    }
    let all = found.len() == 1;
    let label = |names: &[&str]| {
        if all { "retention".to_owned() } else { format!("retention of {}", names.join(", ")) }
    };
    found
        .iter()
        .map(|(span, names)| Reference { at: span.seconds(), label: label(names) })
        .collect()
}

/// The spans in which keys and services do not serve.
fn outages(run: &Run) -> Vec<Span> {
    let mut spans = Vec::new();
    for (number, stays) in run.outcome.timeline.iter().enumerate() {
        let (path, kind) = run.entities[number];
        if ![Role::Key, Role::Service].contains(&kind.role) {
            continue;
        }
        for stay in stays.iter().filter(|stay| !kind.states[usize::from(stay.state)].serves) {
            let state = kind.states[usize::from(stay.state)].name;
            spans.push(Span { from: stay.from, to: stay.to, label: format!("{path} {state}") });
        }
    }
    spans
}
