//! Backups: the key version that they are pinned to, what they can be restored into, what loses
//! them.

use crate::versions::steady;
use crate::world::{ONE, THREE, World, secs};

/// One cluster; a backup taken before the start, and one that is still to be taken.
fn world(horizon: &str) -> World {
    steady(World::new(horizon, ONE)).add(
        r#"
[bigtable.a.backups.old]
cluster = "east"
[bigtable.a.backups.new]
cluster = "east"
initially = "absent"
"#,
    )
}

const OLD: &str = "bigtable.a.backups.old";
const NEW: &str = "bigtable.a.backups.new";

#[test]
fn bt_22_a_backup_stays_with_the_version_it_was_taken_with() {
    // Version 2 protects all tables from 1 h 3 m on; the new backup is taken with it at 2 h.
    let world =
        world("6h").at("1h", "rotate-key key=east").at("2h", "create-backup instance=a backup=new");
    let played = world.clone().at("3h", "disable-key key=east version=1").play();
    played.expect(NEW, &[("2h", "ready", "BT-22")]);
    // Silently: the cluster serves, and nobody is told.
    played.expect(OLD, &[("3h 30s", "unusable", "BT-22")]);
    assert_eq!(played.transitions("bigtable.a"), []);
    assert_eq!(played.measure("bigtable.a.recovery-points-available"), 1.0);
    assert_eq!(played.measure("bigtable.a.recovery-points-lost"), 0.0);
    // With the other version it is the other way round.
    let played = world.at("3h", "disable-key key=east version=2").play();
    assert_eq!(played.transitions(OLD), []);
    assert_eq!(played.transitions(NEW).last(), Some(&(secs("3h 30s"), "unusable", "BT-22")));
}

#[test]
fn bt_22_a_version_that_is_destroyed_takes_its_backups_along() {
    let played = world("60h")
        .set("keys.east.destroy-wait=1d")
        .at("1h", "rotate-key key=east")
        .at("3h", "schedule-destroy key=east version=1")
        .play();
    played.expect(OLD, &[("3h 30s", "unusable", "BT-22"), ("27h", "inaccessible", "BT-22")]);
    assert_eq!(played.transitions("bigtable.a"), []);
    assert_eq!(played.measure("bigtable.a.recovery-points-available"), 0.0);
    assert_eq!(played.measure("bigtable.a.recovery-points-lost"), 1.0);
}

#[test]
fn bt_22_the_version_may_be_said() {
    let played = world("5h")
        .set("keys.east.versions=[\"enabled\", \"enabled\"]")
        .set("bigtable.a.backups.old.key-version=1")
        .at("1h", "disable-key key=east version=1")
        .play();
    played.expect(OLD, &[("1h 30s", "unusable", "BT-22")]);
    assert_eq!(played.transitions("bigtable.a"), []);
}

#[test]
fn bt_22_a_backup_is_taken_once_and_needs_the_key() {
    let backup = "create-backup instance=a backup=new";
    // Denied from 1 h 2 m 30 s, found at 1 h 5 m: refused before and after the finding.
    let played = world("8h")
        .at("1h 2m", "disable-key key=east")
        .at("1h 4m", backup)
        .at("2h", backup)
        .at("3h", "enable-key key=east")
        .at("4h", backup)
        .at("5h", backup)
        .play();
    let told = played.noted("bigtable.a");
    let expected = [(secs("1h 4m"), "BT-22"), (secs("2h"), "BR-13"), (secs("5h"), "BT-22")];
    assert_eq!(told, expected, "{}", played.story());
    played.expect(NEW, &[("4h", "ready", "BT-22")]);
}

#[test]
fn bt_22_backups_are_not_among_the_operations_that_a_disabled_cluster_blocks() {
    // East is down from 1 h 5 m, west from 2 h 5 m.
    let played = World::new("6h", THREE)
        .add("[bigtable.a.backups.b]\ncluster = \"west\"\ninitially = \"absent\"")
        .add("[bigtable.a.backups.c]\ncluster = \"west\"\ninitially = \"absent\"")
        .at("1h 2m", "disable-key key=east")
        .at("1h 30m", "create-backup instance=a backup=b")
        .at("3h", "create-backup instance=a backup=c")
        .play();
    played.expect("bigtable.a.backups.b", &[("1h 30m", "ready", "BT-22")]);
    assert_eq!(played.noted("bigtable.a"), [(secs("3h"), "BR-13")]);
}

#[test]
fn bt_21_a_key_disabled_as_a_whole_is_told_as_that() {
    let played = world("6h")
        .set("keys.east.versions=[\"enabled\", \"enabled\"]")
        .at("1h", "disable-key key=east")
        .at("2h", "enable-key key=east")
        .play();
    played.expect(OLD, &[("1h 30s", "unusable", "BT-21"), ("2h", "ready", "BT-21")]);
}

#[test]
fn bt_21_backups_are_lost_with_their_cluster_but_not_by_the_user_s_own_deletion() {
    let played = World::new("6h", THREE)
        .add("[bigtable.a.backups.b]\ncluster = \"west\"")
        .add("[bigtable.a.backups.c]\ncluster = \"eu\"")
        .add("[bigtable.a.backups.d]\ncluster = \"east\"")
        .at("1h", "delete-cluster instance=a cluster=west")
        .at("2h", "delete-backup instance=a backup=c")
        .play();
    played.expect("bigtable.a.backups.b", &[("1h", "deleted", "BT-21")]);
    played.expect("bigtable.a.backups.c", &[("2h", "deleted", "BT-37")]);
    assert_eq!(played.measure("bigtable.a.recovery-points-lost"), 1.0);
    assert_eq!(played.measure("bigtable.a.recovery-points-available"), 1.0);
}

#[test]
fn bt_21_backups_are_lost_with_their_instance() {
    // Deleted after 30 days; the one of east was unusable until then, not lost.
    let played = World::new("40d", THREE)
        .add("[bigtable.a.backups.b]\ncluster = \"west\"")
        .add("[bigtable.a.backups.d]\ncluster = \"east\"")
        .at("1h", "disable-key key=east")
        .play();
    assert_eq!(played.state_at("bigtable.a.backups.b", "30d"), "ready");
    assert_eq!(played.state_at("bigtable.a.backups.b", "31d"), "deleted");
    assert_eq!(played.measure("bigtable.a.recovery-points-lost"), 2.0);
    assert_eq!(played.measure("bigtable.a.recovery-points-available"), 0.0);
}

/// The instance of [`THREE`] with a backup on west, and another instance on a fourth key.
fn two() -> World {
    World::new("12h", THREE).add(
        r#"
[keys.asia]
location = "asia-east1"
[bigtable.a.backups.b]
cluster = "west"
[bigtable.z.clusters.asia]
zone = "asia-east1-a"
key = "asia"
"#,
    )
}

const INTO: &str = "restore-table instance=a backup=b into=z";

#[test]
fn bt_21_a_backup_on_a_healthy_key_is_restored_into_another_instance() {
    // All of a is down from 2 h 5 m on; the backup's own key is well. One table more makes one
    // sweep more every five minutes from 6 h 5 m to 11 h 55 m: 71.
    let down = two().at("1h 2m", "disable-key key=east");
    let played = down.clone().at("6h 1m", INTO).play();
    assert_eq!(played.measure("bigtable.z.sweeps"), 144.0 + 71.0);
    // Into its own instance it is refused.
    let played = down.at("6h 1m", "restore-table instance=a backup=b").play();
    assert_eq!(played.noted("bigtable.a"), [(secs("6h 1m"), "BT-36")]);
}

#[test]
fn bt_21_restoring_needs_the_keys_of_both_sides() {
    let refused = |world: World| {
        let played = world.play();
        assert_eq!(played.measure("bigtable.z.sweeps"), 144.0);
        played.noted("bigtable.z")
    };
    // The backup's key; the receiver's, before it is found and after.
    let west = two().at("1h 2m", "disable-key key=west").at("6h 1m", INTO);
    assert_eq!(refused(west), [(secs("6h 1m"), "BT-21")]);
    let asia = two().at("1h 2m", "disable-key key=asia").at("1h 3m", INTO).at("6h", INTO);
    assert_eq!(refused(asia), [(secs("1h 3m"), "BT-21"), (secs("6h"), "BT-36")]);
}
