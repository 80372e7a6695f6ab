//! Short courses of events that lead into corners which independent events seldom reach.

use super::generate::Dice;
use super::plan::{Act, Backup, Event, Instance, Key, Plan};

/// A course of events from `start` on, about one key and what it hangs on.
pub(crate) fn course(
    dice: &mut Dice,
    destruction: bool,
    start: u64,
    grid: u64,
    plan: &Plan,
) -> Vec<Event> {
    let c = &plan.constants;
    let key = dice.pick(&plan.keys).clone();
    let other = dice.pick(&plan.keys).clone();
    let name = || key.name.clone();
    let disable = || Act::Disable { key: name(), version: None };
    let enable = || Act::Enable { key: name(), version: None };
    let schedule = || Act::Schedule { key: name(), version: None };
    let restore = || Act::Restore { key: name(), version: None };
    let some_of = |of: &[u64], dice: &mut Dice| *dice.pick(of);
    let mut some = |most: u64| dice.below(most / grid + 1) * grid;
    let period = c.sweep_period;
    // An outage that outlasts the grace, and may end while ramps run.
    let beyond = (c.grace + some(c.offline_ramp + 2 * period)).max(1);
    let (early, late) = (some(beyond), some(2 * period));
    let spread = some(period + c.cascade_step);
    let soon = some(period);
    let bringup = some(c.bringup);
    let silence_of = |key: &Key, ekm, lasts| match &key.manager {
        Some(manager) if ekm => Act::EkmOutage { manager: Some(manager.clone()), lasts },
        _ => Act::KmsOutage { location: Some(key.location.clone()), lasts },
    };
    let silence = |dice: &mut Dice, lasts| silence_of(&key, dice.chance(50), lasts);
    let stale = |lasts| Act::KmsStale { location: key.location.clone(), lasts };
    let denied = start + c.disable_propagation;
    let mut course: Vec<(u64, Act)> = Vec::new();
    match dice.below(21) {
        // What happens around the instant of destruction.
        _ if destruction && dice.chance(60) => {
            let wait = key.destroy_wait.unwrap_or(c.destroy_wait);
            course.push((start, schedule()));
            let near = (start + wait).saturating_sub(soon);
            course.push((near, silence(dice, beyond)));
            if dice.chance(20) {
                course.push((near + late, restore()));
            }
            let instance = dice.pick(&plan.instances).name.clone();
            course.push((near + late, Act::DeleteTable { instance, count: 1 }));
        }

        // A denial comes during an outage.
        0 => {
            course.push((start, silence(dice, beyond)));
            course.push((start + early, if dice.chance(70) { disable() } else { schedule() }));
            course.push((start + beyond + late + spread, enable()));
        }
        // An outage comes after a denial (BT-47).
        1 => {
            course.push((start, disable()));
            course.push((denied + soon, silence(dice, beyond)));
            course.push((denied + soon + early, enable()));
        }
        // Propagation stands still, twice at a time.
        2 => {
            let lasts = (c.disable_propagation + soon).max(1);
            course.push((start, stale(lasts)));
            course.push((start + early % lasts, stale((late + spread).max(1))));
            course.push((start + late % lasts, disable()));
            if dice.chance(40) {
                course.push((start + late % lasts + soon, enable()));
            }
        }
        // The same, when callers are denied already.
        3 => {
            course.push((start, disable()));
            course.push((denied + soon, stale((beyond + late).max(1))));
            course.push((denied + soon + early, enable()));
            course.push((denied + soon + early + late, schedule()));
        }
        // Two keys in turn.
        4 => {
            course.push((start, disable()));
            course.push((start + spread, Act::Disable { key: other.name.clone(), version: None }));
            course.push((denied + spread + soon, enable()));
            course.push((denied + spread + late, Act::Enable { key: other.name, version: None }));
        }
        // A grant is on its way when the next denial comes.
        5 => {
            course.push((start, disable()));
            course.push((denied + soon, enable()));
            let then = denied + soon + late.min(c.enable_propagation);
            course.push((then, if dice.chance(50) { disable() } else { schedule() }));
            course.push((then + spread, restore()));
            course.push((then + spread + early, enable()));
        }
        // Flapping.
        6 => {
            for round in 0..dice.within(1, 3) {
                course.push((start + round * (soon + late + 1), disable()));
                course.push((start + round * (soon + late + 1) + late, enable()));
            }
        }
        // One silence follows another, or they overlap.
        7 => {
            course.push((start, silence(dice, beyond)));
            let gap = if dice.chance(40) { beyond } else { beyond.saturating_sub(soon) };
            course.push((start + gap, silence(dice, (late + spread).max(1))));
        }
        // A key on its way to destruction, and back.
        8 => {
            course.push((start, disable()));
            course.push((start + early, schedule()));
            course.push((start + early + soon, restore()));
            course.push((start + early + soon + spread, enable()));
        }
        // A denial ends one silence while another has just begun: ramps are called off.
        9 => {
            course.push((start, silence_of(&key, false, beyond)));
            course.push((start + early, disable()));
            let then = (start + beyond).saturating_sub(c.grace.min(late));
            course.push((then, silence_of(&other, false, beyond)));
        }
        // A rotation, and the old version is disabled too early.
        11 | 12 => {
            let old = key.primary;
            course.push((start, Act::Rotate { key: name(), fails: false }));
            let then = start + c.primary_propagation + some_of(&[0, c.rewrap_delay, late], dice);
            let disable = Act::Disable { key: name(), version: Some(old) };
            course.push((then, disable));
            let enable = Act::Enable { key: name(), version: Some(old) };
            course.push((then + early, enable));
        }
        // One version first, then the whole key, and back one by one.
        13 => {
            let one = dice.within(1, key.versions.len() as u64);
            course.push((start, Act::Disable { key: name(), version: Some(one) }));
            course.push((denied + spread, disable()));
            course.push((denied + spread + early, Act::Enable { key: name(), version: Some(one) }));
            course.push((denied + spread + early + late, enable()));
        }
        // A role goes and comes back.
        14 => {
            let (group, project) = (dice.chance(50), None);
            let role = |off| Act::Role { key: name(), project: project.clone(), off, group };
            if plan.uses(&key.name) {
                course.push((start, role(true)));
                course.push((start + early, role(false)));
                course.push((start + early + soon, disable()));
                course.push((start + early + soon + late, enable()));
            }
        }
        // The manager denies for a while, then the key is enabled or rotated.
        15 => {
            if key.manager.is_some() {
                course.push((start, Act::EkmDeny { key: name(), lasts: beyond }));
                let repair = if dice.chance(50) {
                    enable()
                } else {
                    Act::Rotate { key: name(), fails: false }
                };
                course.push((start + early + late, repair));
                course.push((start + beyond + soon, enable()));
            }
        }
        // A backup is taken while the manager denies, before any validation.
        16 | 17 => {
            let stores = |instance: &&Instance| {
                let cluster = |b: &Backup| instance.clusters.iter().find(|c| c.name == b.cluster);
                let on_key =
                    |b: &&Backup| cluster(b).is_some_and(|c| c.key == Some(key.name.clone()));
                instance.backups.iter().any(|b| !b.present && on_key(&b))
            };
            if let (Some(_), Some(instance)) = (&key.manager, plan.instances.iter().find(stores)) {
                let absent = instance.backups.iter().find(|b| !b.present);
                let backup = absent.map_or(String::new(), |backup| backup.name.clone());
                course.push((start, Act::EkmDeny { key: name(), lasts: early.max(1) }));
                let instance = instance.name.clone();
                course.push((start + soon.min(early), Act::CreateBackup { instance, backup }));
                course.push((start + early + late, enable()));
            }
        }
        // The only version is on its way to destruction when a rotation makes another.
        18 => {
            course.push((start, Act::Rotate { key: name(), fails: dice.chance(20) }));
            course.push((start + some_of(&[0, c.generation, late], dice), schedule()));
            course.push((start + c.generation + spread, restore()));
            course.push((start + c.generation + spread + early, enable()));
        }
        // Material that is gone, or never came, is imported again.
        19 => {
            if key.imported {
                let version = Some(dice.within(1, key.versions.len() as u64));
                let import = |fails| Act::Import { key: name(), version, fails };
                course.push((start, import(true)));
                course.push((start + c.import + soon, import(false)));
                course.push((start + c.import + soon + late, disable()));
                course.push((start + c.import + spread + late, enable()));
            }
        }
        // A grace runs out while clusters are brought up after another.
        _ => {
            course.push((start, silence_of(&key, false, beyond)));
            let then = (start + beyond + bringup).saturating_sub(c.grace);
            course.push((then, silence_of(&other, dice.chance(50), beyond)));
            if dice.chance(40) {
                course.push((then + early, Act::Disable { key: other.name, version: None }));
            }
        }
    }
    course.into_iter().map(|(at, act)| Event { at, act }).collect()
}
