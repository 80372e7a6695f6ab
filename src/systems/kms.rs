//! Cloud KMS and external key managers: keys, their answers, and what makes the answers change.
//!
//! Modelled: the versions of a key with their states, rotation, import, propagation of changes, the
//! wait before destruction, grants and service perimeters, allowed reasons, outages of Cloud KMS
//! by location, external managers with their replicas, links and latency, denials that stick,
//! mistaken denials, request quotas.
//! Source pages are named in the rules.

mod actions;
mod availability;
mod build;
mod calls;
mod describe;
mod external;
mod grant;
mod key;
mod lifecycle;
mod manager;
mod numbers;
mod path;
mod policy;
mod quota;
mod refusals;
mod rules;
mod service;
mod services;
mod spells;
mod version;

use super::policy::PATH;
use super::spec::{EntityKind, Node, System, Use, World};
use crate::diag::Diagnostic;
use describe::GRANT;
pub use numbers::check_bound;
pub use path::{KeyPath, key_path};
use services::{QUOTA, SERVICE};
use std::collections::BTreeMap;

/// Cloud KMS with its external managers.
pub const SYSTEM: System = System {
    name: "kms",
    tables: describe::TABLES,
    model: describe::MODEL,
    rules: rules::RULES,
    actions: actions::ACTIONS,
    derived,
    check,
    check_action: actions::check,
    check_world,
    build: build::build,
    compile: actions::compile,
    ..System::PLAIN
};

/// Cloud KMS is there in each location that holds a key, a quota for each kind of key that is
/// throttled, and a grant for each use of a key.
fn derived(root: &Node) -> Vec<(String, &'static EntityKind)> {
    let services = root.named("keys").map(|(_, key)| (service_path(key), &SERVICE));
    let quotas = root.named("keys").filter_map(|(_, key)| Some((quota_path(key)?, &QUOTA)));
    let grants = uses(root).into_iter().map(|used| (used.grant(), &GRANT));
    let policy = root.get(PATH).map(|_| (PATH.to_owned(), &policy::POLICY));
    services.chain(quotas).chain(grants).chain(policy).collect()
}

/// Every use of a key by a system.
fn uses(root: &Node) -> Vec<Use> {
    super::ALL.iter().flat_map(|system| (system.uses)(root)).collect()
}

fn service_path(key: &Node) -> String {
    format!("kms.{}", key.at("location").text())
}

/// Path of the quota that requests to the key of a table count against, if any: of the project, the
/// location and the protection level of the key (DF-29). Software keys have none (DF-28).
pub fn quota_path(key: &Node) -> Option<String> {
    let level = match key.at("protection").text() {
        "software" => return None,
        "hsm" => "hsm",
        _ => "external",
    };
    let place = format!("quotas.{}-{level}", key.at("location").text());
    Some(match key.get("project") {
        None => place,
        Some(project) => format!("{place}-in-{}", project.text()),
    })
}

/// Shares of requests below this count as none: one in a million. Luck that rare would cost a run
/// a draw for every request, and shows in no result.
const NEGLIGIBLE_SHARE: f64 = 1e-6;

/// Is this the table of an external key?
pub fn is_external(key: &Node) -> bool {
    key.at("protection").text().starts_with("external")
}

/// Of a key by its path: the path of the quota that its requests count against, if any, and the
/// version that is primary at the start.
pub fn quota_and_primary(root: &Node, key: &str) -> (Option<String>, u32) {
    let table = table(root, key);
    (quota_path(table), primary_at_start(table))
}

/// Number of the version that is primary at the start, from the table of a key.
pub fn primary_at_start(key: &Node) -> u32 {
    let newest = || key.get("versions").map_or(1, |versions| versions.list().len() as u32);
    key.get("primary").map_or_else(newest, |primary| primary.count() as u32)
}

/// The table of the key at a path.
pub fn table<'a>(root: &'a Node, path: &str) -> &'a Node {
    root.at("keys").at(path.strip_prefix("keys.").unwrap_or(path))
}

/// Numbers of the commands that keys, grants and services understand.
mod code {
    pub(super) const DISABLE: u16 = 1;
    pub(super) const ENABLE: u16 = 2;
    pub(super) const SCHEDULE: u16 = 3;
    pub(super) const RESTORE: u16 = 4;
    pub(super) const OUTAGE: u16 = 5;
    pub(super) const STALE: u16 = 6;
    pub(super) const SET_PRIMARY: u16 = 7;
    pub(super) const CREATE_VERSION: u16 = 8;
    pub(super) const ROTATE: u16 = 9;
    pub(super) const IMPORT: u16 = 10;
    pub(super) const ALLOW_REASONS: u16 = 11;
    pub(super) const REFUSE_REASONS: u16 = 12;
    pub(super) const MANAGER_DENIES: u16 = 13;
    pub(super) const MISTAKEN: u16 = 14;
    pub(super) const REVOKE: u16 = 15;
    pub(super) const GRANT: u16 = 16;
    pub(super) const PERIMETER: u16 = 17;
    pub(super) const LATENCY: u16 = 18;
    pub(super) const KEY_LOAD: u16 = 19;
    pub(super) const DELETE: u16 = 20;
}

/// Set-up rules of keys and managers.
fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    for (name, key) in root.named("keys") {
        external::check_key(name, key, root, found);
        check_versions(name, key, found);
        check_grants(name, key, root, found);
    }
    external::check_managers(root, found);
    quota::check(root, found);
    path::check(root, found);
    policy::check(root, found);
    check_autokey(root, found);
}

/// What is wrong with keys, managers and what happens to them together.
fn check_world(world: &World, found: &mut Vec<Diagnostic>) {
    numbers::check(world, found);
    availability::check(world, found);
}

/// KMS-18: Autokey makes one key per resource type, project and location, so what needs two keys
/// of the same three cannot have got both from it.
fn check_autokey(root: &Node, found: &mut Vec<Diagnostic>) {
    let autokey = |path: &str| {
        let name = path.strip_prefix("keys.")?;
        let key = root.at("keys").get(name).filter(|key| key.at("autokey").bool())?;
        Some((name.to_owned(), key))
    };
    let mut made: BTreeMap<(String, Option<String>, String), (String, Use)> = BTreeMap::new();
    for used in uses(root) {
        let Some((name, key)) = autokey(&used.key) else { continue };
        let location = key.at("location").text().to_owned();
        let place = (resource_type(&used.by), used.project.clone(), location);
        match made.get(&place) {
            Some((other, first)) if *other != name => found.push(
                Diagnostic::warning(
                    "autokey-keys",
                    key.at("autokey").span.clone(),
                    format!(
                        "Autokey makes one key per resource type, project and location (KMS-18), but `{}` and `{}` have two of {}: `{other}` and `{name}`",
                        first.by, used.by, place.2
                    ),
                )
                .label("a second key of the same kind")
                .help("let both use one key; what happens to it then happens to both"),
            ),
            Some(_) => {}
            None => drop(made.insert(place, (name, used))),
        }
    }
}

/// The type of a resource from its path: `bigtable.orders.clusters.east` is of `bigtable.clusters`.
fn resource_type(path: &str) -> String {
    path.split('.').step_by(2).collect::<Vec<_>>().join(".")
}

/// KMS-01, KMS-17: the versions of a key fit together.
fn check_versions(name: &str, key: &Node, found: &mut Vec<Diagnostic>) {
    let count = key.get("versions").map_or(1, |versions| versions.list().len() as u64);
    if let Some(primary) = key.get("primary")
        && primary.count() > count
    {
        found.push(
            Diagnostic::error(
                "no-such-version",
                primary.span.clone(),
                format!("key `{name}` has {count} versions, so {} is none", primary.count()),
            )
            .label("not a version of the key")
            .help(format!("write a number from 1 to {count}, or list more `versions`")),
        );
    }
    if let (Some(next), None) = (key.get("next-rotation"), key.get("rotation-period")) {
        found.push(
            Diagnostic::error(
                "rotation-without-period",
                next.span.clone(),
                format!("key `{name}` has a next rotation, but no rotation period (KMS-17)"),
            )
            .label("the first of how many?")
            .help("add `rotation-period = \"90d\"`, or rotate once by a `rotate-key` event"),
        );
    }
    if let (Some(versions), Some(state)) = (key.get("versions"), key.get("state"))
        && state.text() != "enabled"
    {
        found.push(
            Diagnostic::error(
                "state-told-twice",
                state.span.clone(),
                format!("key `{name}` tells its state by `versions` already"),
            )
            .label("told twice")
            .help(format!("take `state` out: `versions` lists {} states", versions.list().len())),
        );
    }
}

/// BT-16, DF-12: whoever uses a key needs its role on it.
fn check_grants(name: &str, key: &Node, root: &Node, found: &mut Vec<Diagnostic>) {
    let Some(grants) = key.get("grants") else { return };
    let path = format!("keys.{name}");
    let granted: Vec<&str> = grants.list().iter().map(Node::text).collect();
    for used in uses(root).iter().filter(|used| used.key == path) {
        if !granted.contains(&used.principal) {
            found.push(
                Diagnostic::warning(
                    "missing-grant",
                    grants.span.clone(),
                    format!(
                        "`{}` uses key `{name}`, but `{}` has no role on it: Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied (BT-16, DF-34)",
                        used.by, used.principal
                    ),
                )
                .label(format!("`{}` is missing", used.principal))
                .help(format!(
                    "add \"{}\", or grant it by an event; it is denied until then",
                    used.principal
                )),
            );
        }
    }
}
