//! Numbers of key versions that a scenario names: each must be one that can be there.

use super::actions::paths;
use crate::diag::Diagnostic;
use crate::engine::SimDuration;
use crate::limits::VERSIONS_MAX;
use crate::systems::spec::{Node, Planned, Value, World};
use std::collections::BTreeMap;

/// Number of versions of a key at the start.
fn at_start(key: &Node) -> u64 {
    key.get("versions").map_or(1, |versions| versions.list().len() as u64)
}

/// Something is bound to a version of a key from the start: that version must be there.
pub fn check_bound(
    by: &str,
    key_path: &str,
    root: &Node,
    number: &Node,
    found: &mut Vec<Diagnostic>,
) {
    let name = key_path.strip_prefix("keys.").unwrap_or(key_path);
    let Some(key) = root.at("keys").get(name) else { return };
    let count = at_start(key);
    if number.count() > count {
        let message = format!(
            "{by} is bound to version {} of key `{name}`, which has {count} at the start",
            number.count()
        );
        found.push(
            Diagnostic::error("no-such-version", number.span.clone(), message)
                .label("not a version of the key")
                .help(format!(
                    "write a number from 1 to {count}, or list more `versions` of the key"
                )),
        );
    }
}

/// How many versions each key has at the start and at the most.
struct Counts<'w> {
    keys: BTreeMap<&'w str, (u64, u64)>,
}

impl<'w> Counts<'w> {
    fn new(world: &'w World) -> Counts<'w> {
        let start = |(name, key): (&'w str, &'w Node)| {
            let count = at_start(key);
            (name, (count, count.saturating_add(rotations(key, world))))
        };
        let mut keys: BTreeMap<&str, (u64, u64)> = world.root.named("keys").map(start).collect();
        let mut of_all = 0u64;
        for planned in of_kms(world).filter(|planned| makes_one(planned)) {
            let made = if planned.repeats { u64::MAX } else { 1 };
            match names(planned) {
                None => of_all = of_all.saturating_add(made),
                Some(names) => {
                    for name in names {
                        if let Some((_, most)) = keys.get_mut(name) {
                            *most = most.saturating_add(made);
                        }
                    }
                }
            }
        }
        for (_, most) in keys.values_mut() {
            *most = most.saturating_add(of_all).min(VERSIONS_MAX as u64);
        }
        Counts { keys }
    }
}

fn of_kms<'w>(world: &'w World) -> impl Iterator<Item = &'w Planned> {
    world.planned.iter().filter(|planned| planned.system.name == "kms")
}

/// Does an action make a version?
fn makes_one(planned: &Planned) -> bool {
    let again = planned.params.get("version").is_some();
    let makes = ["create-version", "rotate-key", "import-version"];
    makes.contains(&planned.action.name) && !again
}

/// The names of the keys that an action is done to; nothing if it is done to all.
fn names(planned: &Planned) -> Option<impl Iterator<Item = &str>> {
    let key = planned.params.get("key")?;
    let all = matches!(key.value, Value::Tagged(..));
    (!all).then(|| paths(key).into_iter().filter_map(|path| path.strip_prefix("keys.")))
}

/// Events, hazards and responses name versions that are there at the start or can come to be.
pub(super) fn check(world: &World, found: &mut Vec<Diagnostic>) {
    let counts = Counts::new(world);
    let most_of_all = counts.keys.iter().max_by_key(|(_, (_, most))| *most);
    for planned in of_kms(world) {
        let Some(number) = planned.params.get("version") else { continue };
        let never = |(_, (_, most)): &(&&str, &(u64, u64))| *most < number.count();
        // Of all keys, those that have the version are meant.
        let without = match names(planned) {
            None => most_of_all.filter(never),
            Some(mut names) => names.find_map(|name| counts.keys.get_key_value(name).filter(never)),
        };
        let Some((name, (count, most))) = without else { continue };
        let message = format!(
            "key `{name}` has {count} versions at the start and never more than {most}, so {} is none",
            number.count()
        );
        found.push(
            Diagnostic::error("no-such-version", number.span.clone(), message)
                .label("never a version of the key")
                .help(format!(
                    "write a number from 1 to {most}, or make the version by a `create-version`, `rotate-key` or `import-version` event"
                )),
        );
    }
}

/// KMS-17: automatic rotations of a key within the horizon.
fn rotations(key: &Node, world: &World) -> u64 {
    let Some(period) = key.get("rotation-period").map(Node::duration) else { return 0 };
    let scenario = world.root.get("scenario");
    let horizon = scenario.map_or(SimDuration::MAX, |s| s.at("horizon").duration());
    let first = key.get("next-rotation").map_or(period.ns(), |next| next.instant().ns());
    let left = horizon.ns().saturating_sub(first);
    left.div_ceil(period.ns().max(1))
}
