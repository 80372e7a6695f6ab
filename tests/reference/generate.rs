//! Random small scenarios, the same for the same number on every machine.

use super::courses;
use super::plan::{
    Act, Backup, Cluster, Constants, DeletionClock, Event, GraceFrom, GraceScope, Instance, Key,
    Manager, Plan, Profile, Routing, SweepPhase, Units,
};

pub(crate) const HOUR: u64 = 3600;
pub(crate) const DAY: u64 = 24 * HOUR;

/// A generator of its own (SplitMix64), so that nothing is shared with what is tested.
pub(crate) struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number from `low` to `high`, both possible.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.below(from.len() as u64)).expect("a small list")]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for index in (1..list.len()).rev() {
            let other = usize::try_from(self.below(index as u64 + 1)).expect("a small list");
            list.swap(index, other);
        }
    }

    /// A number of seconds up to one of `most`: zero in `zero` of a hundred cases, else on the
    /// grid.
    pub(crate) fn seconds(&mut self, zero: u64, most: &[u64], grid: u64) -> u64 {
        let most = *self.pick(most);
        if self.chance(zero) { 0 } else { self.within(1, (most / grid).max(1)) * grid }
    }

    /// The first `count` of the names in a random order.
    fn names(&mut self, from: &[&str], count: u64) -> Vec<String> {
        let mut names: Vec<String> = from.iter().map(ToString::to_string).collect();
        self.shuffle(&mut names);
        names.truncate(usize::try_from(count).expect("a small list"));
        names
    }
}

const REGIONS: &[&str] =
    &["us-east1", "us-west1", "us-central1", "europe-west1", "europe-north1", "asia-east1"];

/// What the events of a scenario are mostly about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Theme {
    Denials,
    Outages,
    Everything,
    Destruction,
}

/// The random scenario of this number.
pub(crate) fn plan(seed: u64) -> Plan {
    let mut dice = Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let dice = &mut dice;
    let theme = match dice.below(100) {
        0..30 => Theme::Denials,
        30..60 => Theme::Outages,
        60..92 => Theme::Everything,
        _ => Theme::Destruction,
    };
    // A coarse grid makes things coincide.
    let grid = *dice.pick(&[1, 1, 60, 60, 300]);
    let horizon = match theme {
        Theme::Destruction => DAY + dice.within(1, 20) * HOUR,
        _ if dice.chance(10) => dice.within(8, 20) * HOUR,
        _ => dice.within(1, 7) * HOUR + dice.below(HOUR),
    };
    let constants = constants(dice, theme, grid);
    let mut plan = Plan {
        seed,
        horizon,
        constants,
        managers: Vec::new(),
        limits: Vec::new(),
        keys: Vec::new(),
        instances: Vec::new(),
        events: Vec::new(),
    };
    let external = *dice.pick(&[0, 0, 40, 100]);
    if external > 0 {
        let count = dice.within(1, 2);
        let names = dice.names(&["thales", "fortanix", "acme"], count);
        plan.managers = names.into_iter().map(|name| manager(dice, name, horizon, grid)).collect();
    }
    let sharing = *dice.pick(&[20, 50, 90]);
    let count = *dice.pick(&[1, 1, 1, 2, 2, 3]);
    for name in dice.names(&["orders", "archive", "users", "zeta"], count) {
        let instance = instance(dice, name, &mut plan, external, sharing);
        plan.instances.push(instance);
    }
    if plan.keys.is_empty() {
        new_key(dice, &mut plan, "us-east1".to_owned(), external);
    }
    dice.shuffle(&mut plan.keys);
    limits(dice, &mut plan);
    events(dice, theme, grid, &mut plan);
    name_possible_versions(&mut plan);
    plan
}

/// An external manager; two of five have replicas or links that fail.
fn manager(dice: &mut Dice, name: String, horizon: u64, grid: u64) -> Manager {
    let fails = dice.chance(40);
    let mut units = || {
        let count = dice.within(1, 3);
        let mut spans = |most: u64| -> Vec<u64> {
            (0..dice.within(1, 2)).map(|_| dice.within(1, (most / grid).max(1)) * grid).collect()
        };
        let (failures, repairs) = (spans(horizon), spans(2 * HOUR));
        let lives = fails && dice.chance(60);
        Units {
            count,
            needed: dice.within(1, count),
            failures: if lives { failures } else { Vec::new() },
            repairs: if lives { repairs } else { Vec::new() },
        }
    };
    let units = [units(), units()];
    let latency_ms = *dice.pick(&[30, 30, 30, 30, 30, 30, 30, 150, 150, 151, 2_000]);
    Manager { name, units, latency_ms }
}

/// Some quotas have limits of their own: none at all, or a few requests per second.
fn limits(dice: &mut Dice, plan: &mut Plan) {
    let levels = plan.keys.iter().filter_map(|key| match (&key.manager, key.hsm) {
        (Some(_), _) => Some(format!("{}-external", key.location)),
        (None, true) => Some(format!("{}-hsm", key.location)),
        (None, false) => None,
    });
    let mut names: Vec<String> = levels.collect();
    names.sort();
    names.dedup();
    for name in names {
        if dice.chance(12) {
            let limit = *dice.pick(&[0, 0, 1, 5, 10, 100]);
            plan.limits.push((name, limit));
        }
    }
}

/// A command may name a version that is not there yet, but not one that never is.
fn name_possible_versions(plan: &mut Plan) {
    let makes = |act: &Act, name: &String| {
        matches!(
            act,
            Act::CreateVersion { key, .. }
                | Act::Rotate { key, .. }
                | Act::Import { key, version: None, .. }
            if key == name
        )
    };
    let most: Vec<(String, u64)> = plan
        .keys
        .iter()
        .map(|key| {
            let made = plan.events.iter().filter(|event| makes(&event.act, &key.name)).count();
            (key.name.clone(), (key.versions.len() + made) as u64)
        })
        .collect();
    let most =
        |name: &String| most.iter().find(|(key, _)| key == name).map_or(1, |(_, most)| *most);
    for event in &mut plan.events {
        match &mut event.act {
            Act::Disable { key, version: Some(version) }
            | Act::Enable { key, version: Some(version) }
            | Act::Schedule { key, version: Some(version) }
            | Act::Restore { key, version: Some(version) }
            | Act::Import { key, version: Some(version), .. }
            | Act::SetPrimary { key, version } => *version = (*version).min(most(key)),
            _ => {}
        }
    }
}

fn constants(dice: &mut Dice, theme: Theme, grid: u64) -> Constants {
    let sweep_period = match grid {
        1 => dice.within(5, 50) * 12,
        60 => dice.within(1, 10) * 60,
        _ => 300,
    };
    let destruction = theme == Theme::Destruction;
    Constants {
        disable_propagation: dice.seconds(30, &[120, 600, HOUR], grid),
        enable_propagation: dice.seconds(60, &[1200], grid),
        destroy_wait: if dice.chance(70) { DAY } else { DAY + dice.within(1, 4) * HOUR },
        sweep_period,
        sweep_phase: if dice.chance(50) { SweepPhase::Aligned } else { SweepPhase::Spread },
        grace: dice.seconds(12, &[600, HOUR, 2 * HOUR], grid),
        grace_from: if dice.chance(80) { GraceFrom::FirstFailure } else { GraceFrom::OutageStart },
        grace_scope: if dice.chance(65) { GraceScope::Instance } else { GraceScope::Cluster },
        offline_ramp: dice.seconds(25, &[900, 900, HOUR], grid),
        cascade_step: dice.seconds(15, &[300, 1800, 2 * HOUR], grid),
        cascade_total_max: if dice.chance(70) { 6 * HOUR } else { dice.seconds(10, &[HOUR], grid) },
        bringup: dice.seconds(30, &[300, 900, HOUR], grid),
        bringup_timeouts: dice.chance(75),
        delete_after: match dice.below(4) {
            _ if destruction => dice.within(10, 40) * HOUR,
            0 => dice.within(1, 60) * 60,
            1 => dice.within(1, 8) * HOUR,
            _ => 30 * DAY,
        },
        deletion_clock: if dice.chance(60) {
            DeletionClock::UserTriggeredOnly
        } else {
            DeletionClock::AnyDisabled
        },
        route_around_disabled: dice.chance(75),
        reroute_delay: dice.seconds(30, &[900], grid),
        primary_propagation: dice.seconds(25, &[120, 600], grid),
        rewrap_delay: dice.seconds(20, &[300, HOUR, 3 * HOUR], grid),
        policy: dice.seconds(20, &[120, 900], grid),
        group: dice.seconds(20, &[300, 1800], grid),
        group_removal: dice.within(1, 3),
        perimeter: dice.seconds(30, &[300], grid),
        partial_spreads: dice.chance(50),
        generation: dice.seconds(55, &[60, 600, HOUR], grid),
        import: dice.seconds(30, &[60, 600, HOUR], grid),
        external_destruction: dice.seconds(30, &[600], grid),
        quota_hsm: *dice.pick(&[1_000_000, 1_000_000, 1_000_000, 500, 2]),
        quota_ekm: *dice.pick(&[1_000_000, 1_000_000, 1_000_000, 100, 2]),
        soft: dice.chance(15),
    }
}

const STATES: &[&str] = &[
    "enabled",
    "enabled",
    "enabled",
    "enabled",
    "disabled",
    "disabled",
    "destroy-scheduled",
    "destroyed",
    "pending-generation",
    "pending-generation",
    "pending-import",
    "import-failed",
    "generation-failed",
];

fn new_key(dice: &mut Dice, plan: &mut Plan, location: String, external: u64) -> String {
    let name = format!("key{}", plan.keys.len());
    let manager = dice.chance(external).then(|| dice.pick(&plan.managers).name.clone());
    let vpc = manager.is_some() && dice.chance(30);
    let hsm = manager.is_none() && dice.chance(15);
    let destroy_wait = dice.chance(20).then(|| DAY + dice.within(0, 2) * HOUR);
    let count = *dice.pick(&[1, 1, 1, 2, 2, 3]);
    let primary = if dice.chance(70) { count } else { dice.within(1, count) };
    let odd = dice.chance(12);
    let state = |_| match dice.below(12) {
        _ if !odd => "enabled",
        0 if vpc => "pending-external-destruction",
        1 if vpc => "external-destruction-failed",
        _ => *dice.pick(STATES),
    };
    let versions: Vec<&str> = (0..count).map(state).collect();
    let imported = versions.iter().any(|state| state.contains("import")) || dice.chance(15);
    let throttled = manager.is_some() || hsm;
    let direct = if throttled && dice.chance(15) { dice.within(1, 20) } else { 0 };
    let next_rotation = dice.chance(20).then(|| dice.below(plan.horizon));
    let name_of = name.clone();
    plan.keys.push(Key {
        name: name_of,
        location,
        manager,
        vpc,
        hsm,
        imported,
        direct,
        destroy_wait,
        versions,
        primary,
        next_rotation,
    });
    name
}

fn instance(
    dice: &mut Dice,
    name: String,
    plan: &mut Plan,
    external: u64,
    sharing: u64,
) -> Instance {
    let tables = *dice.pick(&[0, 1, 1, 1, 2, 2, 3, 4]);
    let count = *dice.pick(&[1, 2, 2, 3, 3, 4]);
    let keyless = dice.chance(4);
    // Two clusters in one region may share a key.
    let one_region_each = dice.chance(70);
    let mut regions = dice.names(REGIONS, 4);
    let mut clusters = Vec::new();
    for (number, name) in
        dice.names(&["east", "west", "north", "b1", "b2"], count).iter().enumerate()
    {
        if number > 0 && !one_region_each && dice.chance(50) {
            regions[number] = regions[number - 1].clone();
        }
        let letter = ["a", "b", "c", "d"][number];
        let location = regions[number].clone();
        let known: Vec<String> =
            plan.keys.iter().filter(|k| k.location == location).map(|k| k.name.clone()).collect();
        let key = match (keyless, known.is_empty()) {
            (true, _) => None,
            (false, false) if dice.chance(sharing) => Some(dice.pick(&known).clone()),
            (false, _) => Some(new_key(dice, plan, location.clone(), external)),
        };
        clusters.push(Cluster { name: name.clone(), zone: format!("{location}-{letter}"), key });
    }
    let mut profiles = Vec::new();
    let count = dice.below(3);
    for name in dice.names(&["serving", "batch"], count) {
        let mut names: Vec<String> = clusters.iter().map(|c| c.name.clone()).collect();
        dice.shuffle(&mut names);
        // Clusters that share a region as the nearest are preferred by distance: not generated.
        let routing = if dice.chance(30) || !one_region_each {
            Routing::Single(names[0].clone())
        } else {
            names.truncate(usize::try_from(dice.below(names.len() as u64 + 1)).expect("few"));
            Routing::Multi { prefers: names }
        };
        profiles.push(Profile { name, routing });
    }
    let project = dice.chance(40).then(|| (*dice.pick(&["sales", "stock"])).to_owned());
    let mut backups = Vec::new();
    let count = dice.below(3);
    for name in dice.names(&["nightly", "weekly"], count) {
        let cluster = dice.pick(&clusters).clone();
        let versions = |name: &String| plan.keys.iter().find(|key| key.name == *name);
        let versions =
            cluster.key.as_ref().and_then(versions).map_or(0, |key| key.versions.len() as u64);
        let present = dice.chance(70);
        let pinned = present && versions > 0 && dice.chance(40);
        let version = pinned.then(|| dice.within(1, versions));
        backups.push(Backup { name, cluster: cluster.name, version, present });
    }
    Instance { name, project, backups, tables, clusters, profiles }
}

/// What the administrator of a key would find: to draw commands that mostly are legal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admin {
    Enabled,
    Disabled,
    Scheduled,
}

fn events(dice: &mut Dice, theme: Theme, grid: u64, plan: &mut Plan) {
    let mut left = dice.within(1, 12);
    // Most things happen early, so that what they lead to is seen.
    let late = if theme == Theme::Destruction { HOUR * 6 } else { plan.horizon };
    let late = if dice.chance(50) { late / 2 } else { late };
    if theme == Theme::Destruction {
        left = left.max(3);
    }
    while left >= 3 && dice.chance(if plan.events.is_empty() { 70 } else { 40 }) {
        let start = instant(dice, late, grid, plan, &[]);
        let course = courses::course(dice, theme == Theme::Destruction, start, grid, plan);
        left = left.saturating_sub(course.len() as u64);
        plan.events.extend(course);
    }
    let mut times: Vec<u64> = plan.events.iter().map(|event| event.at).collect();
    let known = times.len();
    for _ in 0..left {
        let late = if dice.chance(15) { plan.horizon } else { late };
        times.push(instant(dice, late, grid, plan, &times));
    }
    let mut times = times.split_off(known);
    times.sort_unstable();
    let mut admins = vec![Admin::Enabled; plan.keys.len()];
    for at in times {
        let act = act(dice, theme, grid, plan, &mut admins);
        plan.events.push(Event { at, act });
    }
    if dice.chance(30) {
        dice.shuffle(&mut plan.events);
    }
}

/// An instant: of a sweep, some constant after another event, or any on the grid.
fn instant(dice: &mut Dice, late: u64, grid: u64, plan: &Plan, others: &[u64]) -> u64 {
    let c = &plan.constants;
    match dice.below(10) {
        0..3 => dice.below(late / c.sweep_period + 1) * c.sweep_period,
        3..6 if !others.is_empty() => {
            let after = [
                0,
                0,
                1,
                c.disable_propagation,
                c.enable_propagation,
                c.grace,
                c.grace + c.offline_ramp,
                c.cascade_step,
                c.sweep_period,
                c.bringup,
                c.destroy_wait,
            ];
            dice.pick(others) + dice.pick(&after)
        }
        _ => dice.below(late / grid + 1) * grid,
    }
}

fn act(dice: &mut Dice, theme: Theme, grid: u64, plan: &Plan, admins: &mut [Admin]) -> Act {
    let (commands, outages) = match theme {
        Theme::Denials => (75, 15),
        Theme::Outages => (20, 70),
        Theme::Everything => (45, 35),
        Theme::Destruction => (70, 20),
    };
    let kind = dice.below(100);
    if kind < commands {
        let index = usize::try_from(dice.below(plan.keys.len() as u64)).expect("few keys");
        let key = plan.keys[index].name.clone();
        if dice.chance(35) {
            return other_command(dice, grid, index, plan);
        }
        let count = plan.keys[index].versions.len() as u64;
        let version = dice.chance(35).then(|| dice.within(1, count + 1));
        return command(dice, theme, (key, version), &mut admins[index]);
    }
    let location = dice.pick(&plan.keys).location.clone();
    let around = *dice.pick(&[0, plan.constants.grace, plan.constants.sweep_period]);
    let lasts = (around + dice.seconds(0, &[300, HOUR, 3 * HOUR], grid)).max(1);
    if kind < commands + outages {
        let everywhere = dice.chance(25);
        return match dice.below(10) {
            0..5 => Act::KmsOutage { location: (!everywhere).then_some(location), lasts },
            5..8 if !plan.managers.is_empty() => {
                let manager = (!everywhere).then(|| dice.pick(&plan.managers).name.clone());
                if dice.chance(70) {
                    return Act::EkmOutage { manager, lasts };
                }
                let ms = *dice.pick(&[20, 150, 151, 500]);
                Act::Latency { manager, ms, lasts }
            }
            5..8 => Act::KmsOutage { location: Some(location), lasts },
            _ => Act::KmsStale { location, lasts },
        };
    }
    let instance = dice.pick(&plan.instances).name.clone();
    let count = dice.within(1, 3);
    match dice.below(10) {
        0..4 if plan.constants.sweep_phase == SweepPhase::Aligned => {
            Act::CreateTable { instance, count }
        }
        0..7 => Act::DeleteTable { instance, count },
        7..9 => Act::ModifyColumnFamily { instance },
        _ if dice.chance(50) => Act::DeleteInstance { instance },
        _ => Act::DeleteTable { instance, count },
    }
}

/// What else is done to a key: versions, roles, perimeters, denials by its manager.
fn other_command(dice: &mut Dice, grid: u64, index: usize, plan: &Plan) -> Act {
    let name = plan.keys[index].name.clone();
    let key = || name.clone();
    let lasts = dice.seconds(0, &[300, HOUR, 3 * HOUR], grid).max(1);
    let users = plan.instances.iter().filter(|instance| {
        instance.clusters.iter().any(|cluster| cluster.key.as_ref() == Some(&name))
    });
    let users: Vec<&Instance> = users.collect();
    let count = plan.keys[index].versions.len() as u64;
    let fails = dice.chance(12);
    let throttled = plan.keys[index].manager.is_some() || plan.keys[index].hsm;
    match dice.below(14) {
        0 => Act::CreateVersion { key: key(), fails },
        1 | 2 => Act::Rotate { key: key(), fails },
        3 => Act::SetPrimary { key: key(), version: dice.within(1, count + 1) },
        11 | 12 if plan.keys[index].imported => {
            let version = dice.chance(60).then(|| dice.within(1, count));
            Act::Import { key: key(), version, fails }
        }
        10 | 13 if throttled => Act::Load { key: key(), rate: dice.within(1, 30), lasts },
        4..=6 if !users.is_empty() => {
            let project = dice.pick(&users).project.clone().filter(|_| dice.chance(50));
            Act::Role { key: key(), project, off: dice.chance(60), group: dice.chance(40) }
        }
        7 if !users.is_empty() => Act::Perimeter { key: key(), lasts },
        8 if plan.keys[index].manager.is_some() => Act::EkmDeny { key: key(), lasts },
        _ => {
            let absent = |instance: &&Instance| instance.backups.iter().any(|b| !b.present);
            let able: Vec<&Instance> = plan.instances.iter().filter(absent).collect();
            if able.is_empty() {
                return Act::Rotate { key: key(), fails };
            }
            let instance = *dice.pick(&able);
            let absent: Vec<&Backup> = instance.backups.iter().filter(|b| !b.present).collect();
            let backup = dice.pick(&absent).name.clone();
            Act::CreateBackup { instance: instance.name.clone(), backup }
        }
    }
}

/// A command to a key; four of five are legal, as far as the order of the file tells.
fn command(
    dice: &mut Dice,
    theme: Theme,
    (key, version): (String, Option<u64>),
    admin: &mut Admin,
) -> Act {
    let legal = dice.chance(80);
    let schedules = if theme == Theme::Destruction { 60 } else { 25 };
    let choice = match *admin {
        _ if !legal => dice.below(4),
        Admin::Enabled if dice.chance(schedules) => 2,
        Admin::Enabled => 0,
        Admin::Disabled if dice.chance(schedules) => 2,
        Admin::Disabled => 1,
        Admin::Scheduled => 3,
    };
    match (choice, *admin) {
        (0, Admin::Enabled) | (3, Admin::Scheduled) => *admin = Admin::Disabled,
        (1, Admin::Disabled) => *admin = Admin::Enabled,
        (2, Admin::Enabled | Admin::Disabled) => *admin = Admin::Scheduled,
        _ => {}
    }
    match choice {
        0 => Act::Disable { key, version },
        1 => Act::Enable { key, version },
        2 => Act::Schedule { key, version },
        _ => Act::Restore { key, version },
    }
}
