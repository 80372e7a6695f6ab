//! Set-up rules of external keys and their managers, told before anything runs.

use super::is_external;
use crate::diag::Diagnostic;
use crate::systems::spec::Node;

/// Set-up rules of one key.
pub(super) fn check_key(name: &str, key: &Node, root: &Node, found: &mut Vec<Diagnostic>) {
    check_manager(name, key, found);
    check_path(name, key, found);
    check_regions(name, key, root, found);
}

/// EKM-01: an external key needs its manager, and only an external key has one.
fn check_manager(name: &str, key: &Node, found: &mut Vec<Diagnostic>) {
    match (is_external(key), key.get("ekm")) {
        (true, None) => found.push(
            Diagnostic::error(
                "external-key-without-manager",
                key.at("protection").span.clone().or_else(|| key.span.clone()),
                format!("external key `{name}` has no external key manager (EKM-01)"),
            )
            .label("kept outside Google Cloud")
            .help("declare a manager with `[ekm.NAME]` and add `ekm = \"NAME\"` to the key"),
        ),
        (false, Some(manager)) => found.push(
            Diagnostic::error(
                "manager-of-internal-key",
                manager.span.clone(),
                format!("key `{name}` is not external, so it has no external key manager"),
            )
            .label("a manager")
            .help("write `protection = \"external\"`, or take `ekm` out"),
        ),
        (true, Some(_)) | (false, None) => {}
    }
}

/// Is a location a region? Others are multi-regions, some of them without a hyphen (`us`,
/// `europe`, `nam4`), or `global`.
fn is_region(location: &str) -> bool {
    let ends_in_digit = location.ends_with(|c: char| c.is_ascii_digit());
    location.matches('-').count() == 1 && ends_in_digit
}

/// EKM-07: a key that is reached through a VPC is regional.
fn check_path(name: &str, key: &Node, found: &mut Vec<Diagnostic>) {
    let location = key.at("location");
    if key.at("protection").text() == "external-vpc" && !is_region(location.text()) {
        found.push(
            Diagnostic::error(
                "vpc-key-location",
                location.span.clone(),
                format!(
                    "key `{name}` is reached through a VPC, so it cannot be in {}, which is no region (EKM-07)",
                    location.text()
                ),
            )
            .label("not a region")
            .help("choose a region, or write `protection = \"external\"` for the way through the internet"),
        );
    }
}

/// BT-51: the manager supports the location of the key.
fn check_regions(name: &str, key: &Node, root: &Node, found: &mut Vec<Diagnostic>) {
    let Some(ekm) = key.get("ekm") else { return };
    let manager = ekm.text().strip_prefix("ekm.").and_then(|name| root.at("ekm").get(name));
    let Some(regions) = manager.and_then(|manager| manager.get("regions")) else { return };
    let names: Vec<&str> = regions.list().iter().map(Node::text).collect();
    let location = key.at("location").text();
    if !names.contains(&location) {
        found.push(
            Diagnostic::error(
                "manager-region",
                ekm.span.clone(),
                format!("key `{name}` is in {location}, where its external manager does not work (BT-51)"),
            )
            .label(format!("works in {}", names.join(", ")))
            .help(format!("add \"{location}\" to the `regions` of the manager, or choose another one")),
        );
    }
}

/// Set-up rules of the managers.
pub(super) fn check_managers(root: &Node, found: &mut Vec<Diagnostic>) {
    for (name, manager) in root.named("ekm") {
        for word in ["replica", "link"] {
            check_units(name, manager, word, found);
        }
        let replicas = manager.at("replicas");
        if let (Some(failure), true) = (manager.get("replica-failure"), replicas.count() < 2) {
            found.push(
                Diagnostic::warning(
                    "single-replica",
                    replicas.span.clone().or_else(|| failure.span.clone()),
                    format!("manager `{name}` has one replica, which fails; at least two in failure domains of their own are advised (EKM-05)"),
                )
                .label("one replica")
                .help("write `replicas = 2`, or more"),
            );
        }
    }
}

/// The units of one kind fit together.
fn check_units(name: &str, manager: &Node, word: &str, found: &mut Vec<Diagnostic>) {
    let (count, needed) = (manager.at(&format!("{word}s")), manager.at(&format!("{word}s-needed")));
    if needed.count() > count.count() {
        found.push(
            Diagnostic::error(
                "needs-too-many",
                needed.span.clone().or_else(|| count.span.clone()),
                format!(
                    "manager `{name}` needs {} {word}s, but {word}s = {}",
                    needed.count(),
                    count.count()
                ),
            )
            .label("more than there are")
            .help(format!("raise `{word}s`, or lower `{word}s-needed`")),
        );
    }
    let (failure, repair) = (format!("{word}-failure"), format!("{word}-repair"));
    let (given, missing) = match (manager.get(&failure), manager.get(&repair)) {
        (Some(node), None) => (node, repair),
        (None, Some(node)) => (node, failure),
        (Some(_), Some(_)) | (None, None) => return,
    };
    found.push(
        Diagnostic::error(
            "failure-without-repair",
            given.span.clone(),
            format!(
                "the {word}s of manager `{name}` have a time to failure or to repair, but not both"
            ),
        )
        .label("one of two")
        .help(format!("add `{missing}` with a distribution")),
    );
}
