//! The smallest scenario that still shows a disagreement.

use super::plan::{Act, Event, Plan};

/// A smaller plan that still fails: parts are left out one by one as long as it does.
pub(crate) fn shrink(mut plan: Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    loop {
        let smaller = smaller(&plan).into_iter().find(&fails);
        match smaller {
            Some(smaller) => plan = smaller,
            None => return plan,
        }
    }
}

/// The plan with one part left out, in every way.
fn smaller(plan: &Plan) -> Vec<Plan> {
    let mut found = Vec::new();
    let mut without = |change: &dyn Fn(&mut Plan)| {
        let mut copy = plan.clone();
        change(&mut copy);
        found.push(copy);
    };
    for index in 0..plan.limits.len() {
        without(&|plan| drop(plan.limits.remove(index)));
    }
    for index in 0..plan.managers.len() {
        for kind in 0..2 {
            if !plan.managers[index].units[kind].failures.is_empty() {
                without(&|plan| {
                    plan.managers[index].units[kind].failures.clear();
                    plan.managers[index].units[kind].repairs.clear();
                });
            }
        }
    }
    for index in 0..plan.events.len() {
        without(&|plan| drop(plan.events.remove(index)));
    }
    for (number, instance) in plan.instances.iter().enumerate() {
        if plan.instances.len() > 1 {
            without(&|plan| {
                plan.instances.remove(number);
                plan.events.retain(|event| named(&event.act) != Some(&instance.name));
            });
        }
        for index in 0..instance.profiles.len() {
            without(&|plan| drop(plan.instances[number].profiles.remove(index)));
        }
        for (index, backup) in instance.backups.iter().enumerate() {
            let made = |event: &Event| matches!(&event.act, Act::CreateBackup { backup: name, .. } if *name == backup.name);
            if !plan.events.iter().any(made) {
                without(&|plan| drop(plan.instances[number].backups.remove(index)));
            }
        }
        let roles = |event: &Event| matches!(event.act, Act::Role { .. } | Act::Perimeter { .. });
        let free = instance.profiles.is_empty() && instance.backups.is_empty();
        if free && instance.clusters.len() > 1 && !plan.events.iter().any(roles) {
            for index in 0..instance.clusters.len() {
                without(&|plan| drop(plan.instances[number].clusters.remove(index)));
            }
        }
        if instance.tables > 1 {
            without(&|plan| plan.instances[number].tables = 1);
        }
    }
    for index in 0..plan.keys.len() {
        let key = &plan.keys[index];
        let used = plan.instances.iter().flat_map(|i| &i.clusters);
        let used = used.filter_map(|cluster| cluster.key.as_ref()).any(|name| *name == key.name);
        let acted = plan.events.iter().any(|event| named(&event.act) == Some(&key.name));
        if plan.keys.len() > 1 && !used && !acted {
            // The limit of a quota that no key counts against is a mistake.
            let place = key.location.clone();
            let limited = |(quota, _): &(String, u64)| quota.starts_with(&place);
            if plan.limits.iter().any(limited) {
                continue;
            }
            without(&|plan| {
                plan.keys.remove(index);
                if plan.keys.iter().all(|key| key.location != place) {
                    plan.events.retain(|event| named(&event.act) != Some(&place));
                }
            });
        }
    }
    found.retain(|smaller| !smaller.events.is_empty());
    found
}

/// What an action is done to.
fn named(act: &Act) -> Option<&String> {
    match act {
        Act::Disable { key, .. } | Act::Enable { key, .. } => Some(key),
        Act::Schedule { key, .. } | Act::Restore { key, .. } => Some(key),
        Act::CreateVersion { key, .. } | Act::Rotate { key, .. } => Some(key),
        Act::SetPrimary { key, .. } | Act::Import { key, .. } | Act::Load { key, .. } => Some(key),
        Act::Role { key, .. } | Act::Perimeter { key, .. } | Act::EkmDeny { key, .. } => Some(key),
        Act::CreateBackup { instance, .. } => Some(instance),
        Act::KmsOutage { location, .. } => location.as_ref(),
        Act::KmsStale { location, .. } => Some(location),
        Act::EkmOutage { manager, .. } | Act::Latency { manager, .. } => manager.as_ref(),
        Act::CreateTable { instance, .. }
        | Act::DeleteTable { instance, .. }
        | Act::ModifyColumnFamily { instance }
        | Act::DeleteInstance { instance } => Some(instance),
    }
}
