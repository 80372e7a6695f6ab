//! Worlds made at random: whatever happens in whatever order, decisive sweeps tell the story of
//! all sweeps, causes lead to roots and charges add up (the helper checks all of it).

use crate::world::{Played, World};

/// A plain congruential generator: these worlds only have to be many and the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % count
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const TABLES: &str = r#"
[ekm.safe]
[keys.east]
location = "us-east1"
protection = "external"
ekm = "safe"
destroy-wait = "1d"
[keys.west]
location = "us-west1"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.a.clusters.twin]
zone = "us-east1-c"
key = "east"
[bigtable.a.clusters.west]
zone = "us-west1-a"
key = "west"
[bigtable.a.clusters.new]
zone = "us-west1-b"
key = "west"
initially = "absent"
[bigtable.a.app-profiles.p]
reads = "10/s"
writes = "3/s"
traffic = { east = 0.7, west = 0.3 }
[bigtable.a.app-profiles.q]
writes = "1/s"
routing = { single-cluster = "new" }
[bigtable.a.backups.b]
cluster = "twin"
[services.either]
any-of = ["bigtable.a.clusters.east", "bigtable.a.clusters.west"]
[services.two]
at-least = 2
of = ["keys.east", "keys.west", "bigtable.a.clusters.twin"]
[services.all]
all-of = ["services.either", "bigtable.a.app-profiles.p"]
any-of = ["services.two", "kms.us-west1"]
"#;

const ACTS: &[&str] = &[
    "disable-key key=east",
    "disable-key key=west",
    "enable-key key=east",
    "enable-key key=east",
    "enable-key key=west",
    "enable-key key=west",
    "schedule-destroy key=east",
    "restore-key key=east",
    "create-table instance=a",
    "create-table instance=a count=3",
    "delete-table instance=a",
    "delete-table instance=a count=2",
    "modify-column-family instance=a",
    "restore-table instance=a backup=b",
    "create-cluster instance=a cluster=new",
    "delete-backup instance=a backup=b",
    "delete-cluster instance=a cluster=twin",
    "delete-cluster instance=a cluster=new",
];

/// Those of them that delete no cluster: deleting one during its ramp is a case of its own.
const GENTLE: usize = ACTS.len() - 2;

const LASTING: &[&str] = &[
    "kms-outage location=us-east1",
    "kms-outage location=us-west1 error-fraction=0.6",
    "kms-outage location=everywhere",
    "kms-outage location=everywhere error-fraction=0.3",
    "ekm-outage ekm=safe",
    "ekm-outage ekm=safe error-fraction=0.8",
    "kms-stale location=us-east1",
    "replication-partition instance=a cluster=east",
    "replication-partition instance=a cluster=west peer=twin",
];

const CHOICES: &[(&str, &[&str])] = &[
    ("model.bigtable.sweep-phase", &["aligned", "spread", "random"]),
    ("model.bigtable.cascade-order", &["by-name", "random"]),
    ("model.bigtable.cascade-step", &["0s", "5m", "30m"]),
    ("model.bigtable.kms-grace", &["0s", "10m", "1h"]),
    ("model.bigtable.grace-timer", &["cluster", "table", "instance"]),
    ("model.bigtable.grace-from", &["first-failed-call", "outage-start"]),
    ("model.bigtable.grace-scope", &["instance", "cluster"]),
    ("model.bigtable.grace-reset", &["any-success", "outage-end"]),
    ("model.bigtable.offline-ramp", &["0s", "2m", "5m"]),
    ("model.bigtable.bringup", &["0s", "5m", "10m"]),
    ("model.bigtable.deletion-clock", &["user-triggered-only", "any-disabled"]),
    // Seven seconds, so that no deletion falls on the instant of a sweep.
    ("model.bigtable.delete-after", &["6h 7s", "30d"]),
    ("model.bigtable.route-around-disabled", &["true", "false"]),
    ("model.bigtable.reroute-delay", &["0s", "10s", "5m"]),
    ("model.bigtable.acknowledged-writes", &["kept", "lost"]),
    ("model.kms.disable-propagation", &["0s", "30s", "5m"]),
    ("model.kms.enable-propagation", &["0s", "5m"]),
    ("bigtable.a.tables", &["0", "1", "3"]),
    ("keys.west.state", &["enabled", "enabled", "disabled"]),
];

/// A world whose events fall on whole multiples of 150 s, so that many things meet at one instant.
fn world(number: u64) -> World {
    let mut dice = Dice(number);
    for _ in 0..8 {
        dice.below(2);
    }
    let mut world = World::new("2d", TABLES);
    let mut acts = ACTS;
    for (path, values) in CHOICES {
        let value = dice.pick(values);
        if *path == "model.bigtable.offline-ramp" && value != "0s" {
            acts = &ACTS[..GENTLE];
        }
        world = world.set(&format!("{path}={value}"));
    }
    for _ in 0..4 + dice.below(14) {
        let at = format!("{}s", 150 * dice.below(700));
        world = if dice.below(3) > 0 {
            world.at(&at, dice.pick(acts))
        } else {
            let lasts = format!("{}s", 150 * dice.below(120));
            world.during(&at, &lasts, dice.pick(LASTING))
        };
    }
    if dice.below(3) == 0 {
        let state = dice.pick(&["disabled", "offline", "degraded"]);
        let after = dice.pick(&["0s", "5m", "1h"]);
        world = world.when(
            "bigtable.a",
            state,
            after,
            dice.pick(&["enable-key key=east", "enable-key key=west"]),
        );
    }
    world
}

/// Members, and how many of them are needed.
type Group<'a> = (usize, &'a [&'a str]);

/// The services of every world: conditions that must all hold.
const SERVICES: &[(&str, &[Group<'static>])] = &[
    ("services.either", &[(1, &["bigtable.a.clusters.east", "bigtable.a.clusters.west"])]),
    ("services.two", &[(2, &["keys.east", "keys.west", "bigtable.a.clusters.twin"])]),
    (
        "services.all",
        &[
            (2, &["services.either", "bigtable.a.app-profiles.p"]),
            (1, &["services.two", "kms.us-west1"]),
        ],
    ),
];

/// At every instant at which a member changes: the services are what counting their members says.
fn services_are_what_their_members_make_them(played: &Played) {
    for (service, groups) in SERVICES {
        let members = || groups.iter().flat_map(|(_, of)| of.iter().copied());
        let mut instants: Vec<u64> = members().flat_map(|path| played.changes(path)).collect();
        instants.push(0);
        for at in instants {
            let holds = groups.iter().all(|(needed, of)| {
                of.iter().filter(|path| played.serves(path, at)).count() >= *needed
            });
            let wanted = match (holds, members().all(|path| played.is_best(path, at))) {
                (false, _) => "down",
                (true, true) => "up",
                (true, false) => "degraded",
            };
            assert_eq!(played.state_of(service, at), wanted, "{service} at {at} ns");
        }
    }
}

#[test]
fn every_random_world_obeys_the_laws() {
    for number in 0..400 {
        services_are_what_their_members_make_them(&world(number).seeded(number));
    }
}
