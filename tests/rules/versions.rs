//! Versions of a key: their states, rotation, and what is bound to them.

use crate::world::{ONE, THREE, World, secs};

/// Constants that make every time a sum in the head: callers know a new primary after one minute,
/// and tables are wrapped anew two minutes later.
pub(crate) fn steady(world: World) -> World {
    world.set("model.kms.primary-propagation=1m").set("model.bigtable.rewrap-delay=2m")
}

/// A key with these versions that nothing depends on.
fn key(versions: &str) -> String {
    format!("[keys.east]\nlocation = \"us-east1\"\nversions = [{versions}]\n")
}

fn alone(horizon: &str, versions: &str) -> World {
    steady(World::new(horizon, &key(versions)))
}

const TWO: &str = "\"enabled\", \"enabled\"";

#[test]
fn kms_01_each_of_the_ten_states_allows_its_moves_and_no_other() {
    // The commands, and the states in which they are legal: disabling of what is enabled, enabling
    // of what is disabled, scheduling of both (KMS-03), restoring of what is scheduled (KMS-06),
    // importing again of imported material that is gone, failed or still on its way (KMS-07).
    let commands: [(&str, &[&str]); 6] = [
        ("disable-key", &["enabled"]),
        ("enable-key", &["disabled"]),
        ("schedule-destroy", &["enabled", "disabled"]),
        ("restore-key", &["destroy-scheduled"]),
        ("set-primary", &["enabled"]),
        ("import-version", &["destroyed", "import-failed", "pending-import"]),
    ];
    let states = [
        "pending-generation",
        "pending-import",
        "enabled",
        "disabled",
        "destroy-scheduled",
        "destroyed",
        "import-failed",
        "generation-failed",
        "pending-external-destruction",
        "external-destruction-failed",
    ];
    for state in states {
        for (command, legal) in commands {
            let tables = format!(
                "[ekm.safe]\n[keys.east]\nlocation = \"us-east1\"\nprotection = \"external-vpc\"\n\
                 ekm = \"safe\"\nimported = true\nversions = [\"enabled\", \"{state}\"]\nprimary = 1"
            );
            let played = steady(World::new("5h", &tables))
                .set("model.kms.generation-time=10h")
                .set("model.kms.import-time=10h")
                .set("model.kms.external-destruction-time=10h")
                .at("1h", &format!("{command} key=east version=2"))
                .play();
            let mut records = played.notes("keys.east");
            records.retain(|(at, _, _)| *at > 0.0);
            let refused = records.iter().any(|(at, _, detail)| {
                *at == 3_600.0 && (detail.contains("refused") || detail.contains("nothing"))
            });
            assert_eq!(!refused, legal.contains(&state), "{command} {state}\n{}", played.story());
            if refused {
                assert_eq!(records.len(), 1, "{command} {state}\n{}", played.story());
                assert_eq!(played.transitions("keys.east"), [], "{command} {state}");
            }
        }
    }
}

#[test]
fn kms_01_a_version_is_generated_for_a_while_or_fails_to_be() {
    // Made at 1 h, generated at 1 h 10 m. The first version is disabled at 2 h: if the second is
    // there, part of the key is left (without its primary), else nothing is.
    let world = alone("5h", "\"enabled\"").set("model.kms.generation-time=10m");
    let world = |fails: &str| {
        world
            .clone()
            .at("1h", &format!("create-version key=east fails={fails}"))
            .at("2h", "disable-key key=east")
            .at("2h 30m", "enable-key key=east version=1")
            .at("3h", "disable-key key=east version=1")
    };
    let works = world("false").play();
    assert_eq!(works.noted("keys.east")[..2], [(3_600.0, "KMS-01"), (4_200.0, "KMS-01")]);
    works.expect(
        "keys.east",
        &[
            // All versions are, so nothing serves.
            ("2h", "disabling", "KMS-02"),
            ("2h 30s", "disabled", "KMS-12"),
            ("2h 30m", "partly-disabled", "KMS-09"),
            ("3h", "disabling", "KMS-02"),
            ("3h 30s", "disabled", "KMS-12"),
        ],
    );
    let fails = world("true").play();
    assert!(fails.notes("keys.east")[1].2.contains("failed"), "{}", fails.story());
    // What was never made is neither disabled nor in the way.
    fails.expect(
        "keys.east",
        &[
            ("2h", "disabling", "KMS-02"),
            ("2h 30s", "disabled", "KMS-12"),
            ("2h 30m", "enabled", "KMS-09"),
            ("3h", "disabling", "KMS-02"),
            ("3h 30s", "disabled", "KMS-12"),
        ],
    );
}

#[test]
fn kms_01_the_external_manager_destroys_or_fails_to() {
    // Scheduled at 1 h for a day later; the manager takes ten minutes.
    let tables = "[ekm.safe]\n[keys.east]\nlocation = \"us-east1\"\nprotection = \"external-vpc\"\n\
                  ekm = \"safe\"\ndestroy-wait = \"1d\"";
    let world = World::new("60h", tables)
        .set("model.kms.external-destruction-time=10m")
        .at("1h", "schedule-destroy key=east")
        .at("30h", "restore-key key=east");
    for (works, said) in [("true", "has destroyed"), ("false", "could not destroy")] {
        let played =
            world.clone().set(&format!("keys.east.external-destruction-works={works}")).play();
        played.expect(
            "keys.east",
            &[
                ("1h", "disabling", "KMS-03"),
                ("1h 30s", "destroy-scheduled", "KMS-12"),
                ("25h", "destroyed", "KMS-01"),
            ],
        );
        let told = played.notes("keys.east");
        assert_eq!((told[0].0, told[0].1), (secs("25h 10m"), "KMS-01"));
        assert!(told[0].2.contains(said), "{told:?}");
        // Nothing is restored any more.
        assert_eq!(told[1].0, secs("30h"), "{told:?}");
        assert!(told[1].2.contains("refused"), "{told:?}");
    }
}

#[test]
fn kms_02_one_version_is_disabled_and_enabled_by_itself() {
    let played = alone("5h", TWO)
        .at("1h", "disable-key key=east version=1")
        .at("2h", "enable-key key=east version=1")
        .play();
    played.expect("keys.east", &[("1h", "partly-disabled", "KMS-02"), ("2h", "enabled", "KMS-09")]);
    assert_eq!(played.measure("keys.east.denied-time"), 0.0);
    // Of the primary version: nothing new can be encrypted from 1 h 30 s to 2 h.
    let played = alone("5h", TWO)
        .at("1h", "disable-key key=east version=2")
        .at("2h", "enable-key key=east version=2")
        .play();
    played.expect(
        "keys.east",
        &[
            ("1h", "partly-disabled", "KMS-02"),
            ("1h 30s", "no-primary", "KMS-12"),
            ("2h", "enabled", "KMS-09"),
        ],
    );
    assert_eq!(played.measure("keys.east.denied-time"), 3_570.0);
}

#[test]
fn kms_02_a_version_that_is_not_there_is_told() {
    // It comes to be an hour later.
    let played = alone("5h", TWO)
        .at("1h", "disable-key key=east version=3")
        .at("2h", "create-version key=east")
        .play();
    assert_eq!(played.noted("keys.east"), [(3_600.0, "KMS-01"), (7_200.0, "KMS-01")]);
    assert_eq!(played.transitions("keys.east"), []);
}

#[test]
fn kms_03_a_scheduled_version_cannot_be_scheduled_again() {
    // The second command names all versions: it schedules the other one alone.
    let played = alone("60h", TWO)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east version=1")
        .at("2h", "schedule-destroy key=east version=1")
        .at("5h", "schedule-destroy key=east")
        .play();
    let refused: Vec<_> =
        played.notes("keys.east").into_iter().filter(|n| n.1 == "KMS-03").collect();
    assert_eq!(refused[0].0, secs("2h"), "{}", played.story());
    assert!(refused[0].2.starts_with("version 1: "), "{refused:?}");
    // Version 1 at 25 h, version 2 at 29 h.
    played.expect(
        "keys.east",
        &[
            ("1h", "partly-disabled", "KMS-03"),
            ("5h", "disabling", "KMS-03"),
            ("5h 30s", "destroy-scheduled", "KMS-12"),
            ("29h", "destroyed", "KMS-02"),
        ],
    );
}

#[test]
fn kms_04_the_wait_counts_for_each_version_from_its_own_scheduling() {
    // Version 1 is gone at 25 h: the key is left with version 2 and is whole again.
    let played = alone("60h", TWO)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east version=1")
        .play();
    played
        .expect("keys.east", &[("1h", "partly-disabled", "KMS-03"), ("25h", "enabled", "KMS-02")]);
    // And what is gone cannot be enabled.
    let played = alone("60h", TWO)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east version=1")
        .at("26h", "enable-key key=east version=1")
        .play();
    assert!(played.noted("keys.east").contains(&(secs("26h"), "KMS-07")), "{}", played.story());
}

#[test]
fn kms_06_a_restored_version_is_disabled() {
    let played = alone("60h", TWO)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east version=1")
        .at("2h", "enable-key key=east version=1")
        .at("3h", "restore-key key=east version=1")
        .at("30h", "enable-key key=east version=1")
        .play();
    // Enabling is refused while it is scheduled, and needed after the restoring.
    assert!(played.noted("keys.east").contains(&(secs("2h"), "KMS-06")), "{}", played.story());
    played
        .expect("keys.east", &[("1h", "partly-disabled", "KMS-03"), ("30h", "enabled", "KMS-09")]);
}

#[test]
fn kms_07_imported_material_is_imported_again() {
    // Destroyed at 25 h, imported from 30 h on for one minute.
    let world = World::new("60h", &key("\"enabled\""))
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east")
        .at("30h", "import-version key=east version=1");
    let played = world.clone().set("keys.east.imported=true").play();
    played.expect(
        "keys.east",
        &[
            ("1h", "disabling", "KMS-03"),
            ("1h 30s", "destroy-scheduled", "KMS-12"),
            ("25h", "destroyed", "KMS-02"),
            ("30h", "denying", "KMS-07"),
            ("30h 1m", "enabled", "KMS-07"),
        ],
    );
    // What was generated cannot be.
    let played = world.play();
    assert_eq!(played.state_at("keys.east", "59h"), "destroyed");
    assert_eq!(played.noted("keys.east"), [(secs("30h"), "KMS-07")]);
}

#[test]
fn kms_07_an_import_makes_a_version_that_is_not_the_primary_or_fails() {
    let world = alone("10h", "\"enabled\"").set("keys.east.imported=true");
    let played = world
        .clone()
        .at("1h", "import-version key=east")
        .at("2h", "disable-key key=east version=1")
        .play();
    // Version 1 is still the primary, and version 2 is there.
    played.expect(
        "keys.east",
        &[("2h", "partly-disabled", "KMS-02"), ("2h 30s", "no-primary", "KMS-12")],
    );
    // An import that fails can be repeated; what has material cannot be imported again.
    let played = world
        .at("1h", "import-version key=east fails=true")
        .at("2h", "import-version key=east version=2")
        .at("3h", "import-version key=east version=2")
        .play();
    let told: Vec<_> = played.noted("keys.east");
    assert_eq!(
        told,
        [
            (secs("1h"), "KMS-07"),
            (secs("1h 1m"), "KMS-01"),
            (secs("2h"), "KMS-07"),
            (secs("2h 1m"), "KMS-07"),
            (secs("3h"), "KMS-07"),
        ]
    );
    assert!(played.notes("keys.east")[4].2.contains("refused"), "{}", played.story());
}

#[test]
fn kms_13_callers_encrypt_with_the_old_primary_for_a_while() {
    // The new primary is known at 2 h 1 m. The old one is disabled at 2 h 10 s and denied from
    // 2 h 40 s on: for 20 s nothing can be encrypted.
    let played = alone("5h", "\"enabled\"")
        .at("1h", "create-version key=east")
        .at("2h", "set-primary key=east version=2")
        .at("2h 10s", "disable-key key=east version=1")
        .play();
    played.expect(
        "keys.east",
        &[
            ("2h 10s", "partly-disabled", "KMS-02"),
            ("2h 40s", "no-primary", "KMS-12"),
            ("2h 1m", "partly-disabled", "KMS-13"),
        ],
    );
    assert_eq!(played.measure("keys.east.denied-time"), 20.0);
    // The change goes back to the command, whatever happened to the version since.
    let chain = played.chain("keys.east", "no-primary");
    assert_eq!(chain, [("keys.east".to_owned(), "KMS-12"), ("keys.east".to_owned(), "KMS-02")]);
}

#[test]
fn kms_13_the_primary_made_the_primary_again_changes_nothing() {
    // The change made at 2 h arrives at 2 h 1 m all the same.
    let played = alone("5h", TWO)
        .set("keys.east.primary=1")
        .at("2h", "set-primary key=east version=2")
        .at("2h 30s", "set-primary key=east version=2")
        .play();
    let told = played.noted("keys.east");
    assert_eq!(told.iter().map(|n| n.0).collect::<Vec<_>>(), ["2h", "2h 30s", "2h 1m"].map(secs));
    // Another one takes its place: from then on it is a minute again.
    let played = alone("5h", TWO)
        .set("keys.east.primary=1")
        .at("2h", "set-primary key=east version=2")
        .at("2h 30s", "set-primary key=east version=1")
        .play();
    let told = played.notes("keys.east");
    assert_eq!(told.last().unwrap().0, secs("2h 1m 30s"), "{}", played.story());
    assert!(told.last().unwrap().2.contains("version 1"), "{told:?}");
}

/// US dollars of software versions that were billed for so many hours together.
fn dollars(hours: f64) -> f64 {
    0.06 * hours / 720.0
}

#[test]
fn kms_17_versions_come_by_the_period() {
    // At 24 h and 48 h; each is billed from then on: 60 + 36 + 12 hours.
    let world = alone("60h", "\"enabled\"").set("keys.east.rotation-period=1d");
    world.play().near("keys.east.version-cost-usd", dollars(108.0));
    // At 5 h, 29 h and 53 h: 60 + 55 + 31 + 7.
    let played = world.set("keys.east.next-rotation=5h").play();
    played.near("keys.east.version-cost-usd", dollars(153.0));
    assert_eq!(played.noted("keys.east")[0], (secs("5h"), "KMS-17"));
    // The old version is not needed for anything new: 5 h 1 m.
    assert_eq!(played.noted("keys.east")[2], (secs("5h 1m"), "KMS-13"));
}

#[test]
fn kms_17_none_is_made_while_no_version_is_enabled() {
    // Not at 24 h, again at 48 h: 60 + 12 hours.
    let played = alone("60h", "\"enabled\"")
        .set("keys.east.rotation-period=1d")
        .at("1h", "disable-key key=east")
        .at("30h", "enable-key key=east")
        .play();
    played.near("keys.east.version-cost-usd", dollars(72.0));
    assert!(played.noted("keys.east").contains(&(secs("24h"), "KMS-17")), "{}", played.story());
}

#[test]
fn kms_17_a_rotation_by_hand_makes_a_new_primary() {
    let played = alone("10h", "\"enabled\"")
        .at("1h", "rotate-key key=east")
        .at("2h", "disable-key key=east version=1")
        .play();
    // The old one is not the primary any more.
    played.expect("keys.east", &[("2h", "partly-disabled", "KMS-02")]);
    // A rotation that fails leaves the primary alone: disabling it leaves nothing.
    let played = alone("10h", "\"enabled\"")
        .at("1h", "rotate-key key=east fails=true")
        .at("2h", "disable-key key=east version=1")
        .play();
    played.expect("keys.east", &[("2h", "disabling", "KMS-02"), ("2h 30s", "disabled", "KMS-12")]);
}

#[test]
fn kms_17_periods_go_from_one_day_to_876000_hours() {
    let world = alone("1h", "\"enabled\"");
    for (period, codes) in [("24h", 0), ("876000h", 0), ("23h", 1), ("876001h", 1)] {
        let found = world.clone().set(&format!("keys.east.rotation-period={period}")).diagnostics();
        assert_eq!(found.len(), codes, "{period} {found:?}");
    }
}

#[test]
fn kms_21_there_is_room_for_4096_versions() {
    let versions = |count: usize| vec!["\"enabled\""; count].join(",");
    let world = |count| alone("5h", &versions(count)).at("1h", "create-version key=east");
    let played = world(4095).play();
    assert_eq!(played.noted("keys.east"), [(3_600.0, "KMS-01")]);
    let played = world(4096).play();
    assert_eq!(played.noted("keys.east"), [(3_600.0, "KMS-21")]);
    played.near("keys.east.version-cost-usd", dollars(5.0 * 4096.0));
}

#[test]
fn kms_29_a_version_costs_until_it_is_destroyed() {
    // Version 1: disabled at 10 d, scheduled at 20 d, destroyed at 21 d. Version 2 is made at
    // 30 d. Of 60 d: 21 + 30 days.
    let world = |more: &str| {
        let tables = format!("[keys.east]\nlocation = \"us-east1\"\ndestroy-wait = \"1d\"\n{more}");
        World::new("60d", &tables)
            .at("10d", "disable-key key=east")
            .at("20d", "schedule-destroy key=east")
            .at("30d", "create-version key=east")
            .play()
    };
    let external = "protection = \"external\"\nekm = \"safe\"\n[ekm.safe]";
    for (more, price) in [("", 0.06), ("protection = \"hsm\"", 1.0), (external, 3.0)] {
        world(more).near("keys.east.version-cost-usd", price * 51.0 / 30.0);
    }
}

#[test]
fn q_09_an_event_that_names_no_version_acts_on_all() {
    let played =
        alone("5h", TWO).at("1h", "disable-key key=east").at("2h", "enable-key key=east").play();
    played.expect(
        "keys.east",
        &[
            ("1h", "disabling", "KMS-02"),
            ("1h 30s", "disabled", "KMS-12"),
            ("2h", "enabled", "KMS-09"),
        ],
    );
    // All versions at once: destroyed together.
    let played = alone("60h", TWO)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east")
        .play();
    assert_eq!(played.transitions("keys.east").last(), Some(&(secs("25h"), "destroyed", "KMS-02")));
}

/// The cluster of [`ONE`].
const EAST: &str = "bigtable.a.clusters.east";

#[test]
fn bt_12_all_tables_are_wrapped_anew_after_a_rotation() {
    // Known at 1 h 1 m, wrapped at 1 h 3 m. From then on nothing needs version 1.
    let played = steady(World::new("5h", ONE))
        .at("1h", "rotate-key key=east")
        .at("1h 10m", "disable-key key=east version=1")
        .play();
    assert_eq!(played.noted(EAST), [(secs("1h 3m"), "BT-12")]);
    assert_eq!(played.transitions(EAST), []);
    assert_eq!(played.measure("bigtable.a.undefined-behaviour"), 0.0);
    // Everything hangs on version 2 instead.
    let played = steady(World::new("5h", ONE))
        .at("1h", "rotate-key key=east")
        .at("1h 11m", "disable-key key=east version=2")
        .set("model.bigtable.partial-spreads=1")
        .play();
    played.expect(EAST, &[("1h 15m", "disabled", "BT-24")]);
}

#[test]
fn bt_12_wrapping_waits_while_a_version_cannot_be_used() {
    // Version 1 is denied from 1 h 2 m 30 s on, before the wrapping of 1 h 3 m, and usable at
    // 2 h 2 m: wrapped at once, so everything is readable again.
    let world = steady(World::new("5h", ONE))
        .at("1h", "rotate-key key=east")
        .at("1h 2m", "disable-key key=east version=1")
        .at("2h 2m", "enable-key key=east version=1");
    let played = world.clone().set("model.bigtable.partial-spreads=0").play();
    played.expect(EAST, &[("1h 5m", "partly-readable", "BT-24"), ("2h 2m", "serving", "BT-12")]);
    played.expect("bigtable.a", &[("1h 5m", "degraded", "BT-24"), ("2h 2m", "serving", "BT-12")]);
    // What was down comes back when a validation has seen it, at 2 h 5 m.
    let played = world.set("model.bigtable.partial-spreads=1").play();
    assert_eq!(played.noted(EAST), [(secs("2h 2m"), "BT-12")]);
    played.expect(
        EAST,
        &[
            ("1h 5m", "disabled", "BT-24"),
            ("2h 5m", "bringing-up", "BT-38"),
            ("2h 15m", "serving", "BT-39"),
        ],
    );
}

#[test]
fn bt_12_a_primary_that_changes_back_is_wrapped_by_no_one() {
    // Version 2 is primary for callers from 1 h 1 m, version 1 again from 1 h 2 m: before 1 h 3 m.
    let played = steady(World::new("5h", ONE))
        .set("keys.east.versions=[\"enabled\", \"enabled\"]")
        .set("keys.east.primary=1")
        .at("1h", "set-primary key=east version=2")
        .at("1h 1m", "set-primary key=east version=1")
        .at("2h", "disable-key key=east version=2")
        .at("3h", "enable-key key=east version=2")
        .play();
    assert_eq!(played.noted(EAST), []);
    assert_eq!(played.transitions(EAST), []);
}

/// Three tables bound to version 1 and one to version 2: rotated at 30 m, one more table at 40 m,
/// and nothing is wrapped anew. 100 requests per second.
fn bound(horizon: &str, spreads: &str) -> World {
    World::new(horizon, ONE)
        .add("[bigtable.a.app-profiles.p]\nreads = \"100/s\"")
        .set("bigtable.a.tables=3")
        .set("model.kms.primary-propagation=1m")
        .set("model.bigtable.rewrap-delay=900d")
        .set(&format!("model.bigtable.partial-spreads={spreads}"))
        .set("model.bigtable.route-around-disabled=false")
        .at("30m", "rotate-key key=east")
        .at("40m", "create-table instance=a")
}

#[test]
fn bt_24_only_the_tables_of_the_version_cannot_be_read() {
    // Denied from 1 h 2 m 30 s, found at 1 h 5 m; enabled at 2 h 2 m, found at 2 h 5 m: three
    // requests of four fail for an hour.
    let played = bound("5h", "0")
        .at("1h 2m", "disable-key key=east version=1")
        .at("2h 2m", "enable-key key=east version=1")
        .play();
    played.expect(EAST, &[("1h 5m", "partly-readable", "BT-24"), ("2h 5m", "serving", "BT-24")]);
    played.expect("bigtable.a", &[("1h 5m", "degraded", "BT-24"), ("2h 5m", "serving", "BT-24")]);
    played.expect(
        "bigtable.a.app-profiles.p",
        &[("1h 5m", "degraded", "BT-24"), ("2h 5m", "serving", "BT-24")],
    );
    played.near("bigtable.a.app-profiles.p.failed-requests", 270_000.0);
    assert_eq!(played.measure("bigtable.a.undefined-behaviour"), 1.0);
    // The other version: one of four.
    let played = bound("5h", "0")
        .at("1h 2m", "disable-key key=east version=2")
        .at("2h 2m", "enable-key key=east version=2")
        .play();
    played.near("bigtable.a.app-profiles.p.failed-requests", 90_000.0);
}

#[test]
fn bt_24_or_the_cluster_is_treated_as_if_its_key_were_disabled() {
    let played = bound("5h", "1")
        .at("1h 2m", "disable-key key=east version=1")
        .at("2h 2m", "enable-key key=east version=1")
        .play();
    played.expect(
        EAST,
        &[
            ("1h 5m", "disabled", "BT-24"),
            ("2h 5m", "bringing-up", "BT-38"),
            ("2h 15m", "serving", "BT-39"),
        ],
    );
    assert_eq!(played.measure("bigtable.a.undefined-behaviour"), 1.0);
    assert_eq!(played.measure("bigtable.a.downtime"), 3_600.0);
    // So the others follow (BT-29).
    let played = World::new("5h", THREE)
        .set("keys.east.versions=[\"enabled\", \"enabled\"]")
        .set("model.bigtable.partial-spreads=1")
        .at("1h 2m", "disable-key key=east version=2")
        .play();
    played.expect("bigtable.a.clusters.west", &[("2h 5m", "disabled", "BT-29")]);
}

#[test]
fn bt_24_a_failing_table_fails_on_cached_keys_too() {
    // Half of the tables cannot be read. From 1 h 30 m to 1 h 50 m nothing is answered: then one in
    // a thousand of the others fails as well (BT-48), from the sweep of 1 h 30 m to that of
    // 1 h 50 m.
    let played = bound("2h", "0")
        .set("bigtable.a.tables=1")
        .at("1h 2m", "disable-key key=east version=1")
        .during("1h 28m", "21m", "kms-outage location=us-east1")
        .play();
    assert_eq!(played.state_at(EAST, "1h 40m"), "cached");
    let failed = 100.0 * (55.0 * 60.0 * 0.5 + 20.0 * 60.0 * 0.5 * 0.001);
    played.near("bigtable.a.app-profiles.p.failed-requests", failed);
}

#[test]
fn bt_24_a_key_disabled_as_a_whole_is_found_after_one_of_its_versions() {
    // All tables need version 1. It alone is found at 1 h 5 m, the whole key at 2 h 5 m. Version 2
    // is enabled at 3 h 2 m: again one version is denied alone, which is drawn anew at 3 h 5 m.
    let played = World::new("6h", ONE)
        .set("keys.east.versions=[\"enabled\", \"enabled\"]")
        .set("keys.east.primary=1")
        .set("model.bigtable.partial-spreads=0")
        .at("1h 2m", "disable-key key=east version=1")
        .at("2h 2m", "disable-key key=east")
        .at("3h 2m", "enable-key key=east version=2")
        .at("4h 2m", "enable-key key=east version=1")
        .play();
    played.expect(
        EAST,
        &[
            ("1h 5m", "partly-readable", "BT-24"),
            ("2h 5m", "disabled", "BT-29"),
            ("3h 5m", "bringing-up", "BT-24"),
            ("3h 15m", "partly-readable", "BT-39"),
            ("4h 5m", "serving", "BT-24"),
        ],
    );
    assert_eq!(played.measure("bigtable.a.undefined-behaviour"), 2.0);
}

#[test]
fn bt_24_the_cause_is_the_change_of_that_version() {
    // Between the disabling and its finding another version is made, and the role is touched.
    let played = World::new("5h", ONE)
        .set("keys.east.versions=[\"enabled\", \"enabled\"]")
        .set("model.bigtable.partial-spreads=0")
        .at("1h 2m", "disable-key key=east version=2")
        .at("1h 3m", "create-version key=east")
        .play();
    let chain = played.chain(EAST, "partly-readable");
    let own = |rule| ("keys.east".to_owned(), rule);
    assert_eq!(chain, [(EAST.to_owned(), "BT-24"), own("KMS-12"), own("KMS-02")]);
}

#[test]
fn bt_24_the_deletion_clock_runs_if_the_version_holds_the_cluster_down() {
    // Denied from 1 h 2 m 30 s on.
    let world = |spreads| bound("45d", spreads).at("1h 2m", "disable-key key=east version=1");
    let deleted = |at: &'static str| Some((secs(at), "deleted", "BT-41"));
    let last = |world: World| world.play().transitions("bigtable.a").last().copied();
    assert_eq!(last(world("1")), deleted("30d 1h 2m 30s"));
    // Only some tables: the cluster is in use.
    assert_eq!(last(world("0")), Some((secs("1h 5m"), "degraded", "BT-24")));
    // It counts from when the whole key is denied.
    let whole = world("0").at("10d 2m", "disable-key key=east");
    assert_eq!(last(whole), deleted("40d 2m 30s"));
    // And not while the version can be used.
    let back = world("1").at("20d", "enable-key key=east version=1");
    assert_eq!(last(back), Some((secs("20d 10m"), "serving", "BT-39")));
}

#[test]
fn bt_24_a_version_that_no_table_needs_holds_nothing_back() {
    // The only table of version 2 is found unreadable at 1 h 5 m, and deleted at 2 h 2 m.
    let world = |spreads| {
        bound("5h", spreads)
            .at("1h 2m", "disable-key key=east version=2")
            .at("2h 2m", "delete-table instance=a")
            .play()
    };
    world("0")
        .expect(EAST, &[("1h 5m", "partly-readable", "BT-24"), ("2h 2m", "serving", "BT-28")]);
    assert_eq!(world("0").state_at("bigtable.a", "2h 2m"), "serving");
    world("1").expect(
        EAST,
        &[
            ("1h 5m", "disabled", "BT-24"),
            ("2h 2m", "bringing-up", "BT-28"),
            ("2h 12m", "serving", "BT-39"),
        ],
    );
}

#[test]
fn bt_24_obeys_the_laws_on_many_seeds() {
    // Versions come, go and are disabled at random: the helper compares decisive sweeps with all
    // sweeps, walks the causes and adds up the charges.
    let hazard = |name: &str, what: &str, every: &str| {
        format!(
            "[[hazards]]\nname = \"{name}\"\ndo = \"{what}\"\nkey = \"east\"\n\
             every = {{ exponential = {{ mean = \"{every}\" }} }}\n"
        )
    };
    let version = |name: &str, what: &str, number: u32| {
        hazard(name, what, "9h") + &format!("version = {number}\n")
    };
    let world = World::with_defaults("6d", THREE)
        .set("bigtable.a.tables=4")
        .set("keys.east.versions=[\"enabled\", \"enabled\"]")
        .add("[bigtable.a.app-profiles.p]\nreads = \"10/s\"\nwrites = \"1/s\"")
        .add("[bigtable.a.backups.b]\ncluster = \"east\"")
        .add(&hazard("rotations", "rotate-key", "1d"))
        .add(&hazard("mistakes", "disable-key", "30h"))
        .add(&hazard("repairs", "enable-key", "5h"))
        .add(&version("one", "disable-key", 1))
        .add(&version("two", "disable-key", 2))
        .add(&version("three", "disable-key", 3))
        .add("[[hazards]]\nname = \"tables\"\ndo = \"create-table\"\ninstance = \"a\"\nevery = \"7h\"")
        .add("[[hazards]]\nname = \"fewer\"\ndo = \"delete-table\"\ninstance = \"a\"\nevery = \"11h\"");
    for seed in crate::world::seeds(25) {
        world.seeded(seed);
    }
}
