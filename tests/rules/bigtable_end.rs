//! Endings: destroyed keys, deletion after 30 days, which comes first, and what stops the clocks.

use crate::world::{ONE, THREE, World, secs};

/// A backup on east and one on west.
const BACKUPS: &str = r#"
[bigtable.a.backups.in-east]
cluster = "east"
[bigtable.a.backups.in-west]
cluster = "west"
"#;

#[test]
fn bt_40_a_destroyed_key_makes_the_whole_instance_inaccessible_for_good() {
    // Scheduled at 1 h 2 m with a wait of one day: down like after disabling, destroyed at 25 h 2 m.
    let played = World::new("72h", THREE)
        .add(BACKUPS)
        .set("keys.east.destroy-wait=1d")
        .at("1h 2m", "schedule-destroy key=east")
        .at("30h", "enable-key key=east")
        .play();
    assert_eq!(played.state_at("bigtable.a", "2h 5m"), "disabled");
    assert_eq!(played.state_at("bigtable.a", "25h 1m 59s"), "disabled");
    for path in ["bigtable.a", "bigtable.a.clusters.east", "bigtable.a.clusters.west"] {
        assert_eq!(
            played.transitions(path).last(),
            Some(&(secs("25h 2m"), "inaccessible", "BT-40"))
        );
    }
    assert_eq!(played.measure("bigtable.a.irreversible"), 1.0);
    assert!(played.is_undefined("bigtable.a.time-to-recovery"));
    assert_eq!(played.measure("bigtable.a.downtime"), secs("72h") - secs("2h 5m"));
    // The root is the scheduling.
    let chain = played.chain("bigtable.a", "inaccessible");
    assert_eq!(chain.last().unwrap(), &("keys.east".to_owned(), "KMS-03"), "{chain:?}");
    assert_eq!(played.state_at("bigtable.a.backups.in-east", "26h"), "inaccessible");
}

#[test]
fn bt_40_restoring_and_enabling_in_time_saves_the_instance() {
    let world = World::new("72h", THREE)
        .set("keys.east.destroy-wait=1d")
        .at("1h 2m", "schedule-destroy key=east")
        .at("25h", "restore-key key=east");
    // Restored, still disabled.
    assert_eq!(world.clone().play().state_at("bigtable.a", "60h"), "disabled");
    let played = world.at("26h 1m", "enable-key key=east").play();
    assert_eq!(played.state_at("bigtable.a.clusters.west", "26h 5m"), "bringing-up");
    assert_eq!(played.state_at("bigtable.a", "26h 15m"), "serving");
    assert_eq!(played.measure("bigtable.a.irreversible"), 0.0);
}

#[test]
fn bt_40_destruction_ends_the_hour_on_cached_keys_too() {
    // Contact is lost before the scheduling and comes back long after the destruction.
    let played = World::new("72h", ONE)
        .set("keys.east.destroy-wait=1d")
        .during("1h 2m", "40h", "kms-outage location=everywhere")
        .at("1h 30m", "schedule-destroy key=east")
        .play();
    assert_eq!(played.state_at("bigtable.a", "3h"), "offline");
    assert_eq!(played.state_at("bigtable.a", "60h"), "inaccessible");
    assert_eq!(played.measure("bigtable.a.irreversible"), 1.0);
}

#[test]
fn bt_41_after_more_than_thirty_days_the_instance_is_deleted() {
    // Disabled 1 h 2 m, unusable from 1 h 2 m 30 s: deleted 30 d later, once that time has passed.
    let played = World::new("40d", THREE).add(BACKUPS).at("1h 2m", "disable-key key=east").play();
    for path in ["bigtable.a", "bigtable.a.clusters.east", "bigtable.a.clusters.eu"] {
        let told = played.transitions(path);
        assert_eq!(told.last(), Some(&(secs("30d 1h 2m 30s"), "deleted", "BT-41")), "{path}");
    }
    assert_eq!(played.state_at("bigtable.a", "30d 1h 2m 29s"), "disabled");
    assert_eq!(played.state_at("bigtable.a.backups.in-east", "31d"), "deleted");
    assert_eq!(played.measure("bigtable.a.irreversible"), 1.0);
    // The key itself is still there.
    assert_eq!(played.state_at("keys.east", "35d"), "disabled");
}

#[test]
fn bt_41_exactly_thirty_days_is_not_yet_more() {
    let world = World::new("40d", ONE).at("1h 2m", "disable-key key=east");
    // Enabled at the very instant: saved, and found by the sweep of 1 h 5 m of that day.
    let saved = world.clone().at("30d 1h 2m 30s", "enable-key key=east").play();
    assert_eq!(saved.state_at("bigtable.a", "30d 1h 4m"), "disabled");
    assert_eq!(saved.state_at("bigtable.a", "30d 1h 15m"), "serving");
    assert_eq!(saved.measure("bigtable.a.irreversible"), 0.0);
    // A second later, and a sweep later, is too late.
    for late in ["30d 1h 2m 31s", "30d 1h 7m 30s"] {
        let lost = world.clone().at(late, "enable-key key=east").play();
        assert_eq!(lost.transitions("bigtable.a").last().unwrap().0, secs("30d 1h 2m 30s"));
        assert_eq!(lost.state_at("bigtable.a", "39d"), "deleted");
    }
}

#[test]
fn bt_41_the_days_are_consecutive() {
    // Twice 20 days with an hour of use between them: no deletion.
    let played = World::new("45d", ONE)
        .at("1h 2m", "disable-key key=east")
        .at("20d", "enable-key key=east")
        .at("20d 1h", "disable-key key=east")
        .play();
    assert_eq!(played.state_at("bigtable.a", "44d"), "disabled");
    // Unusable since 20 d 1 h 30 s, so at 50 d 1 h 30 s.
    let longer = World::new("60d", ONE)
        .at("1h 2m", "disable-key key=east")
        .at("20d", "enable-key key=east")
        .at("20d 1h", "disable-key key=east")
        .play();
    assert_eq!(longer.transitions("bigtable.a").last().unwrap().0, secs("50d 1h 30s"));
}

#[test]
fn bt_41_scheduling_after_disabling_does_not_start_the_days_anew() {
    // The key is unusable from 1 h 2 m 30 s on, whatever it is called.
    let played = World::new("40d", ONE)
        .set("keys.east.destroy-wait=60d")
        .at("1h 2m", "disable-key key=east")
        .at("10d", "schedule-destroy key=east")
        .at("20d", "restore-key key=east")
        .play();
    let told = played.transitions("bigtable.a");
    assert_eq!(told.last(), Some(&(secs("30d 1h 2m 30s"), "deleted", "BT-41")));
}

#[test]
fn bt_41_the_time_may_be_set_and_a_key_may_start_disabled() {
    let played = World::new("10d", ONE)
        .set("keys.east.state=disabled")
        .set("model.bigtable.sweep-period=11m")
        .set("model.bigtable.delete-after=7d")
        .play();
    assert_eq!(played.transitions("bigtable.a").last(), Some(&(secs("7d"), "deleted", "BT-41")));
}

#[test]
fn bt_42_any_cluster_that_stays_down_for_thirty_days_is_deleted_by_the_later_page() {
    // Contact is lost for 40 days: offline from 2 h 7 m, deleted 30 days later.
    let world = World::new("60d", THREE).during("1h 2m", "40d", "kms-outage location=everywhere");
    let played = world.clone().set("model.bigtable.deletion-clock=any-disabled").play();
    assert_eq!(
        played.transitions("bigtable.a").last(),
        Some(&(secs("30d 2h 7m"), "deleted", "BT-42"))
    );
    // A denied key counts from the time its cluster is down: the sweep of 1 h 3 m.
    let denied = World::new("60d", ONE)
        .set("model.bigtable.sweep-period=7m")
        .set("model.bigtable.deletion-clock=any-disabled")
        .at("1h 2m", "disable-key key=east")
        .play();
    let told = *denied.transitions("bigtable.a").last().unwrap();
    assert_eq!((told.0, told.1), (secs("30d 1h 3m"), "deleted"), "{}", denied.story());
}

#[test]
fn bt_42_contact_at_the_very_end_saves_the_instance() {
    // Outage over at 30 d 2 h 4 m, found at 30 d 2 h 5 m, two minutes before the deletion.
    let world = World::new("60d", ONE).set("model.bigtable.deletion-clock=any-disabled");
    let saved = world.clone().during("1h 2m", "30d 1h 2m", "kms-outage location=everywhere").play();
    assert_eq!(saved.state_at("bigtable.a", "50d"), "serving");
    let lost = world.during("1h 2m", "30d 1h 6m", "kms-outage location=everywhere").play();
    assert_eq!(lost.state_at("bigtable.a", "50d"), "deleted");
}

#[test]
fn q_10_the_key_is_destroyed_before_the_deletion_by_the_time_of_the_propagation() {
    // Scheduled 1 h 2 m: destroyed 30 d 1 h 2 m; the deletion would come at 30 d 1 h 2 m 30 s.
    let world = World::new("60d", THREE).at("1h 2m", "schedule-destroy key=east");
    let played = world.clone().play();
    assert_eq!(
        played.transitions("keys.east").last(),
        Some(&(secs("30d 1h 2m"), "destroyed", "KMS-02"))
    );
    let told = played.transitions("bigtable.a");
    assert!(told.contains(&(secs("30d 1h 2m"), "inaccessible", "BT-40")), "{}", played.story());
    assert_eq!(played.state_at("bigtable.a", "30d 1h 2m 29s"), "inaccessible");
    // With a longer wait the deletion comes first.
    let played = world.set("model.kms.destroy-wait=60d").play();
    let told = played.transitions("bigtable.a");
    assert_eq!(told.last(), Some(&(secs("30d 1h 2m 30s"), "deleted", "BT-41")));
    assert!(told.iter().all(|t| t.1 != "inaccessible"));
}

#[test]
fn q_11_an_outage_of_more_than_thirty_days_deletes_nothing_by_default() {
    let played =
        World::new("60d", THREE).during("1h 2m", "40d", "kms-outage location=everywhere").play();
    assert_eq!(played.state_at("bigtable.a", "40d 1h"), "offline");
    // Over at 40 d 1 h 2 m.
    assert_eq!(played.state_at("bigtable.a", "40d 1h 15m"), "serving");
    assert_eq!(played.measure("bigtable.a.irreversible"), 0.0);
    // An external manager likewise.
    let external =
        ONE.replace("us-east1\"\n[b", "us-east1\"\nprotection = \"external\"\nekm = \"safe\"\n[b");
    let played = World::new("60d", &format!("[ekm.safe]\n{external}"))
        .during("1h 2m", "40d", "ekm-outage ekm=safe")
        .play();
    assert_eq!(played.state_at("bigtable.a", "50d"), "serving");
}

#[test]
fn q_11_what_the_user_denied_counts_on_during_an_outage() {
    // Disabled for good, then an outage from day 5 to day 10: the key is unusable by the user's
    // action all the time.
    let played = World::new("40d", ONE)
        .at("1h 2m", "disable-key key=east")
        .during("5d", "5d", "kms-outage location=everywhere")
        .play();
    assert_eq!(
        played.transitions("bigtable.a").last(),
        Some(&(secs("30d 1h 2m 30s"), "deleted", "BT-41"))
    );
}
