//! A second implementation of the model, written from the fact sheet alone: it knows nothing of
//! events, calendars or causes, but asks every cluster every second what is due.

pub(crate) mod bigtable;
pub(crate) mod courses;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod plan;
pub(crate) mod shrink;

use bigtable::InstanceState;
use keys::Keys;
use plan::{Act, Plan};

/// A deliberate mistake, to see that the comparison notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// A lost contact starts a grace although the key is known to be denied (against BT-47).
    GraceWhenDenied,
    /// Contact does not end a grace (against Q-12).
    ContactKeepsGrace,
    /// A denial takes down its own cluster only (against BT-29).
    NoCascade,
    /// The destruction of a key changes nothing (against BT-40).
    DestructionIgnored,
    /// Tables can be created while a cluster is down (against BT-36).
    CreateWhileDown,
    /// A restored version is enabled (against KMS-06).
    RestoringEnables,
    /// Callers encrypt with a new primary version at once (against KMS-13).
    PrimaryAtOnce,
    /// A denial by the external manager ends with its cause (against EKM-09).
    NothingSticks,
    /// A removal from a group is as fast as an addition (against IAM-03).
    GroupRemovalIsFast,
    /// Revoking the role of one project's agent revokes all (against BT-16).
    RevocationHitsAll,
    /// Backups need the primary version, whatever they were taken with (against BT-22).
    BackupsFollowThePrimary,
    /// Tables are wrapped anew though a version cannot be used (against BT-12).
    WrapsWhatCannotBeRead,
    /// One unusable version never holds more down than its tables (against BT-24).
    NothingSpreads,
}

impl Mistake {
    pub(crate) const ALL: &[Mistake] = &[
        Mistake::GraceWhenDenied,
        Mistake::ContactKeepsGrace,
        Mistake::NoCascade,
        Mistake::DestructionIgnored,
        Mistake::CreateWhileDown,
        Mistake::RestoringEnables,
        Mistake::PrimaryAtOnce,
        Mistake::NothingSticks,
        Mistake::GroupRemovalIsFast,
        Mistake::RevocationHitsAll,
        Mistake::BackupsFollowThePrimary,
        Mistake::WrapsWhatCannotBeRead,
        Mistake::NothingSpreads,
    ];
}

/// The states of one entity: from which second on it is in which state.
pub(crate) struct History {
    pub(crate) path: String,
    pub(crate) states: Vec<(u64, &'static str)>,
}

/// What the reference says of a plan.
pub(crate) struct Outcome {
    pub(crate) histories: Vec<History>,
    /// The second of the first root event.
    pub(crate) first_root: Option<u64>,
    /// Measures that do not follow from the states alone, by path.
    pub(crate) measures: Vec<(String, f64)>,
}

/// Plays the plan second by second.
pub(crate) fn run(plan: &Plan, mistake: Option<Mistake>) -> Outcome {
    let mut keys = Keys::new(plan, mistake);
    let mut sorted: Vec<_> = plan.instances.iter().collect();
    sorted.sort_by_key(|instance| &instance.name);
    let mut instances: Vec<InstanceState> = sorted
        .iter()
        .map(|instance| InstanceState::new(instance, &plan.constants, &keys, mistake))
        .collect();
    let mut histories: Vec<History> = paths(&keys, &instances)
        .into_iter()
        .map(|path| History { path, states: Vec::new() })
        .collect();
    let mut first_root = None;
    for now in 0..plan.horizon {
        keys.tick();
        for event in &plan.events {
            if event.at == now {
                first_root.get_or_insert(now);
                root(&event.act, now, &mut keys, &mut instances);
                keys.watch(now);
                for instance in &mut instances {
                    instance.hear(&keys, now);
                }
            }
        }
        if keys.arrivals(now) {
            first_root.get_or_insert(now);
        }
        for instance in &mut instances {
            instance.hear(&keys, now);
            instance.destructions(&keys);
        }
        for instance in &mut instances {
            instance.sweeps(&mut keys, now);
        }
        // What validations made stick is heard as well.
        for instance in &mut instances {
            instance.hear(&keys, now);
            instance.due(&keys, now);
        }
        for instance in &mut instances {
            instance.deletion(now);
        }
        note(&keys, &instances, now, &mut histories);
        keys.account();
        for instance in &mut instances {
            instance.account(now);
        }
    }
    let mut measures = keys.measures();
    measures.extend(instances.iter().flat_map(|instance| instance.measures(plan.horizon)));
    Outcome { histories, first_root, measures }
}

/// A root event happens.
fn root(act: &Act, now: u64, keys: &mut Keys, instances: &mut [InstanceState]) {
    let find = |name: &String| {
        instances.iter().position(|i| i.name == *name).expect("an event names a known instance")
    };
    match act {
        Act::Disable { key, version } => keys.disable(keys.find(key), *version),
        Act::Enable { key, version } => keys.enable(keys.find(key), *version),
        Act::Schedule { key, version } => keys.schedule(keys.find(key), *version, now),
        Act::Restore { key, version } => keys.restore(keys.find(key), *version),
        Act::CreateVersion { key } => keys.create(keys.find(key)),
        Act::Rotate { key } => keys.rotate(keys.find(key)),
        Act::SetPrimary { key, version } => keys.make_primary(keys.find(key), *version),
        Act::Role { key, project, off, group } => {
            keys.role(keys.find(key), project.as_ref(), *off, *group);
        }
        Act::Perimeter { key, lasts } => keys.perimeter(keys.find(key), now + lasts),
        Act::EkmDeny { key, lasts } => keys.manager_denies(keys.find(key), now + lasts),
        Act::CreateBackup { instance, backup } => {
            instances[find(instance)].create_backup(backup, keys);
        }
        Act::KmsOutage { location, lasts } => keys.kms_outage(location.as_deref(), now + lasts),
        Act::KmsStale { location, lasts } => keys.kms_stale(location, now + lasts),
        Act::EkmOutage { manager, lasts } => keys.ekm_outage(manager.as_deref(), now + lasts),
        Act::CreateTable { instance, count } => {
            instances[find(instance)].create_tables(*count, keys);
        }
        Act::DeleteTable { instance, count } => {
            instances[find(instance)].delete_tables(*count, now)
        }
        Act::DeleteInstance { instance } => instances[find(instance)].delete(),
        Act::ModifyColumnFamily { .. } => {}
    }
}

/// The paths of all entities, in the order of [`each`].
fn paths(keys: &Keys, instances: &[InstanceState]) -> Vec<String> {
    let locations = keys.locations.iter().map(|place| format!("kms.{}", place.name));
    let managers = keys.managers.iter().map(|place| format!("ekm.{}", place.name));
    let states = keys.keys.iter().map(|key| format!("keys.{}", key.name));
    let tables = instances.iter().flat_map(InstanceState::paths);
    let grants = keys.grants.iter().map(|grant| keys.grant_path(grant));
    let quotas = keys.quotas.iter().cloned();
    let services = locations.chain(managers).chain(quotas);
    services.chain(states).chain(grants).chain(tables).collect()
}

/// Notes the state of every entity at the end of a second, where it is a new one.
fn note(keys: &Keys, instances: &[InstanceState], now: u64, histories: &mut [History]) {
    let mut histories = histories.iter_mut();
    each(keys, instances, |state| {
        let history = histories.next().expect("as many states as paths");
        if history.states.last().is_none_or(|(_, last)| *last != state) {
            history.states.push((now, state));
        }
    });
}

/// Tells the state of every entity, in the order of [`paths`].
fn each(keys: &Keys, instances: &[InstanceState], mut tell: impl FnMut(&'static str)) {
    for place in keys.locations.iter().chain(&keys.managers) {
        tell(place.state());
    }
    for _ in &keys.quotas {
        tell("within-quota");
    }
    for key in 0..keys.keys.len() {
        tell(keys.state(key));
    }
    for grant in 0..keys.grants.len() {
        tell(keys.grant_state(grant));
    }
    for instance in instances {
        instance.states(&mut tell);
    }
}
