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
}

impl Mistake {
    pub(crate) const ALL: &[Mistake] = &[
        Mistake::GraceWhenDenied,
        Mistake::ContactKeepsGrace,
        Mistake::NoCascade,
        Mistake::DestructionIgnored,
        Mistake::CreateWhileDown,
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
    let mut keys = Keys::new(plan);
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
            }
        }
        if keys.arrivals(now) {
            for instance in &mut instances {
                instance.destructions(&keys);
            }
        }
        for instance in &mut instances {
            instance.sweeps(&mut keys, now);
        }
        for instance in &mut instances {
            instance.due(now);
        }
        for instance in &mut instances {
            instance.deletion(&keys, now);
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
        Act::Disable { key } => keys.disable(keys.find(key), now),
        Act::Enable { key } => keys.enable(keys.find(key), now),
        Act::Schedule { key } => keys.schedule(keys.find(key), now),
        Act::Restore { key } => keys.restore(keys.find(key), now),
        Act::KmsOutage { location, lasts } => keys.kms_outage(location.as_deref(), now + lasts),
        Act::KmsStale { location, lasts } => keys.kms_stale(location, now + lasts),
        Act::EkmOutage { manager, lasts } => keys.ekm_outage(manager.as_deref(), now + lasts),
        Act::CreateTable { instance, count } => instances[find(instance)].create_tables(*count),
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
    locations.chain(managers).chain(states).chain(tables).collect()
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
    for key in 0..keys.keys.len() {
        tell(keys.state(key));
    }
    for instance in instances {
        instance.states(&mut tell);
    }
}
