//! A second implementation of the model, written from the fact sheet alone: it knows nothing of
//! events, calendars or causes, but asks every cluster every second what is due.

pub(crate) mod bigtable;
pub(crate) mod courses;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod plan;
pub(crate) mod services;
pub(crate) mod shrink;

use bigtable::InstanceState;
use keys::Keys;
use plan::{Act, Plan};
use std::collections::BTreeMap;

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
    /// A new version has its material at once (against KMS-01).
    GeneratedAtOnce,
    /// A version without material serves from the start (against KMS-01).
    PendingServes,
    /// Imports never fail (against KMS-01).
    ImportsSucceed,
    /// What was scheduled before the start is never destroyed (against KMS-04).
    OldScheduleForgotten,
    /// One replica and one link are always enough (against EKM-05, EKM-06).
    OneUnitIsEnough,
    /// Links have no part in whether a manager answers (against EKM-06).
    NoLinks,
    /// A manager may take as long as it likes (against EKM-02).
    NoTimeout,
    /// Nothing is refused for a quota (against KMS-24).
    QuotasIgnored,
    /// Soft enforcement refuses as well (against KMS-27).
    AlwaysHard,
    /// A quota has no limit of its own.
    OneLimitForAll,
    /// An admin operation that meets a denial by the manager does not make it stick (against
    /// EKM-09).
    OnlySweepsStick,
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
        Mistake::GeneratedAtOnce,
        Mistake::PendingServes,
        Mistake::ImportsSucceed,
        Mistake::OldScheduleForgotten,
        Mistake::OneUnitIsEnough,
        Mistake::NoLinks,
        Mistake::NoTimeout,
        Mistake::QuotasIgnored,
        Mistake::AlwaysHard,
        Mistake::OneLimitForAll,
        Mistake::OnlySweepsStick,
    ];
}

/// The states of one entity: from which second on it is in which state.
pub(crate) struct History {
    pub(crate) path: String,
    pub(crate) states: Vec<(u64, &'static str)>,
}

/// States in which an entity does not serve.
pub(crate) const NOT_SERVING: &[&str] = &[
    "unavailable",
    "unreachable",
    "disabled",
    "destroy-scheduled",
    "destroyed",
    "down",
    "offline",
    "inaccessible",
    "deleted",
    "failing",
    "no-primary",
    "denying",
    "restoring",
    "revoked",
    "blocked",
    "unusable",
    "absent",
];

/// What luck decided, as the product drew it: what follows from that is worked out anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct Luck {
    /// By manager, kind (replica or link) and number: the seconds of failures and repairs in turn.
    pub(crate) turns: BTreeMap<(String, usize, u64), Vec<u64>>,
}

impl Luck {
    /// The spells in which a unit is down.
    pub(crate) fn down(&self, manager: &str, kind: usize, unit: u64) -> Vec<(u64, u64)> {
        let turns = self.turns.get(&(manager.to_owned(), kind, unit)).map_or(&[][..], |t| t);
        let spell = |turn: &[u64]| (turn[0], turn.get(1).copied().unwrap_or(u64::MAX));
        turns.chunks(2).map(spell).collect()
    }

    /// Is every time to a failure and of a repair one of those that the plan allows?
    pub(crate) fn fits(&self, plan: &Plan) -> bool {
        let fits = |manager: &plan::Manager, kind: usize, turns: &[u64]| {
            let units = &manager.units[kind];
            let ends = turns.iter().zip([0].iter().chain(turns)).map(|(to, from)| to - from);
            ends.enumerate()
                .all(|(turn, lasts)| [&units.failures, &units.repairs][turn % 2].contains(&lasts))
        };
        let managers = plan.managers.iter();
        let of = |name: &String| managers.clone().find(|manager| manager.name == *name);
        let mut all = self.turns.iter();
        all.all(|((name, kind, unit), turns)| {
            of(name).is_some_and(|m| *unit <= m.units[*kind].count && fits(m, *kind, turns))
        })
    }

    fn first(&self) -> Option<u64> {
        self.turns.values().filter_map(|turns| turns.first().copied()).min()
    }
}

/// When the clock of the times to something starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// At this second, or never.
    At(Option<u64>),
    /// That hangs on what led to what, which this implementation does not know.
    Unsure,
}

/// What the reference says of a plan.
pub(crate) struct Outcome {
    pub(crate) histories: Vec<History>,
    pub(crate) clock: Clock,
    /// From this second on luck decides, so that nothing is known.
    pub(crate) known_until: u64,
    /// Measures that do not follow from the states alone, by path.
    pub(crate) measures: Vec<(String, f64)>,
}

/// Plays the plan second by second.
pub(crate) fn run(plan: &Plan, luck: &Luck, mistake: Option<Mistake>) -> Outcome {
    let mut keys = Keys::new(plan, luck, mistake);
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
    let load = |keys: &mut Keys, instances: &[InstanceState], now: u64| {
        let with = |key: usize| instances.iter().map(|i| i.validated_with(key)).sum();
        keys.hear_load(with, now);
    };
    for now in 0..plan.horizon {
        keys.tick();
        for event in &plan.events {
            if event.at == now {
                root(&event.act, now, &mut keys, &mut instances);
                load(&mut keys, &instances, now);
                for instance in &mut instances {
                    instance.hear(&keys, now);
                }
            }
        }
        if now == 0 {
            load(&mut keys, &instances, now);
        }
        keys.arrivals(now);
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
        load(&mut keys, &instances, now);
        note(&keys, &instances, now, &mut histories);
        keys.account();
        for instance in &mut instances {
            instance.account(now);
        }
    }
    let mut measures = keys.measures();
    measures.extend(instances.iter().flat_map(|instance| instance.measures(plan.horizon)));
    let clock = clock(plan, luck, &keys, &histories);
    let known_until = keys.luck_met.unwrap_or(plan.horizon);
    Outcome { histories, clock, known_until, measures }
}

/// The clock starts at the first event or failure. What was so at the start, and rotations that a
/// key makes by itself, start it only if something stops serving by them.
fn clock(plan: &Plan, luck: &Luck, keys: &Keys, histories: &[History]) -> Clock {
    let events = plan.events.iter().map(|event| event.at).filter(|at| *at < plan.horizon);
    let proper = events.chain(luck.first()).chain(keys.harmful.iter().copied()).min();
    let over = histories.iter().any(|history| history.states.iter().any(|s| s.1 == "over-quota"));
    let denied = plan.keys.iter().any(|key| key.versions.iter().any(|state| *state != "enabled"));
    let slow = plan.managers.iter().any(|manager| manager.latency_ms > plan::TIMEOUT_MS);
    if !over && !denied && !slow {
        return Clock::At(proper);
    }
    let harm = histories.iter().flat_map(|history| {
        let system = history.path.starts_with("bigtable.");
        let good = |state: &str| matches!(state, "serving" | "ready" | "cached" | "bringing-up");
        let bad = move |state: &&(u64, &str)| {
            if system {
                !good(state.1) && state.1 != "absent"
            } else {
                NOT_SERVING.contains(&state.1)
            }
        };
        history.states.iter().find(bad).map(|(since, _)| *since)
    });
    match (harm.min(), proper) {
        (None, _) => Clock::At(proper),
        (Some(harm), _) if !over && proper.is_none_or(|proper| harm < proper) => {
            // A key that is denied from the start is harm of its own, which takes nothing down.
            let system = |history: &&History| history.path.starts_with("bigtable.");
            let of_systems = histories.iter().filter(system);
            let any = of_systems.flat_map(|h| &h.states).any(|(_, state)| *state == "down");
            if any && proper.is_none() { Clock::At(Some(0)) } else { Clock::Unsure }
        }
        _ => Clock::Unsure,
    }
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
        Act::CreateVersion { key, fails } => keys.create(keys.find(key), false, *fails, now),
        Act::Rotate { key, fails } => keys.create(keys.find(key), true, *fails, now),
        Act::Import { key, version, fails } => {
            keys.import(keys.find(key), *version, *fails, now);
        }
        Act::Load { key, rate, lasts } => keys.load(keys.find(key), *rate, now + lasts),
        Act::Latency { manager, ms, lasts } => {
            keys.ekm_latency(manager.as_deref(), *ms, now + lasts);
        }
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
    let quotas = keys.quotas.iter().map(|quota| quota.path.clone());
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
    keys.locations.iter().for_each(|place| tell(place.state()));
    keys.managers.iter().for_each(|manager| tell(manager.state()));
    keys.quotas.iter().for_each(|quota| tell(quota.state()));
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
