//! Operations of administrators: what a disabled cluster blocks, and what always works.

use crate::world::{ONE, THREE, World, secs};

/// Three clusters, two backups, a fourth cluster that does not exist yet.
fn world() -> World {
    World::new("12h", THREE).add(
        r#"
[bigtable.a.clusters.new]
zone = "us-east1-c"
key = "east"
initially = "absent"
[bigtable.a.backups.in-east]
cluster = "east"
[bigtable.a.backups.in-west]
cluster = "west"
"#,
    )
}

/// East is down from 1 h 5 m; the last cluster at 2 h 5 m; back at 10 h 5 m.
fn down() -> World {
    world().at("1h 2m", "disable-key key=east").at("10h 1m", "enable-key key=east")
}

const FIVE: [&str; 5] = [
    "create-cluster instance=a cluster=new",
    "delete-cluster instance=a cluster=west",
    "create-table instance=a",
    "modify-column-family instance=a",
    "restore-table instance=a backup=in-west",
];

#[test]
fn bt_21_a_backup_goes_with_the_key_of_the_cluster_that_stores_it() {
    // Denied from 1 h 2 m 30 s to 10 h 1 m, found at 1 h 5 m and at 10 h 5 m.
    let played = down().play();
    let path = "bigtable.a.backups.in-east";
    assert_eq!(played.state_at(path, "1h 2m"), "ready");
    assert_eq!(played.state_at(path, "1h 5m"), "unusable");
    assert_eq!(played.state_at(path, "10h"), "unusable");
    assert_eq!(played.state_at(path, "10h 5m"), "ready");
    assert!(played.transitions(path).iter().all(|t| t.2 == "BT-21"));
}

#[test]
fn bt_21_a_restored_table_is_protected_by_the_keys_of_the_clusters_that_receive_it() {
    // One table more in every cluster from 6 h 1 m on: 3 x (12 x 6 - 1) = 213 sweeps more.
    let base = world().play().measure("bigtable.a.sweeps");
    let played = world().at("6h 1m", "restore-table instance=a backup=in-west").play();
    assert_eq!(played.measure("bigtable.a.sweeps") - base, 213.0);
}

#[test]
fn bt_23_a_new_table_is_first_validated_within_five_minutes() {
    // One table makes 288 sweeps a day; two more, created at 12 h 1 m, make one every five minutes
    // from 12 h 5 m to 23 h 55 m: 143 each.
    let world = World::new("24h", ONE).at("12h 1m", "create-table instance=a count=2");
    let played = world.play();
    assert_eq!(played.measure("bigtable.a.sweeps"), 288.0 + 286.0);
    let told = played.noted("bigtable.a");
    assert!(told.contains(&(secs("12h 1m"), "BT-23")), "{told:?}");
    // Random phases: between 143 and 144 each.
    let random = world.set("model.bigtable.sweep-phase=random");
    for seed in 1..=20 {
        let sweeps = random.seeded(seed).measure("bigtable.a.sweeps") - 288.0;
        assert!((286.0..=288.0).contains(&sweeps), "{sweeps}");
    }
}

#[test]
fn bt_36_one_disabled_cluster_blocks_five_operations_for_the_whole_instance() {
    // At 1 h 10 m only east is down; at 5 h all are.
    for what in FIVE {
        for at in ["1h 10m", "5h"] {
            let played = down().at(at, what).play();
            let told = played.notes("bigtable.a");
            let all: Vec<_> = told
                .into_iter()
                .chain(played.notes("bigtable.a.clusters.new"))
                .chain(played.notes("bigtable.a.clusters.west"))
                .chain(played.notes("bigtable.a.backups.in-west"))
                .filter(|note| note.0 == secs(at) && note.1 == "BT-36")
                .collect();
            assert_eq!(all.len(), 1, "{what} at {at}\n{}", played.story());
            assert_eq!(played.state_at("bigtable.a.clusters.new", "11h"), "absent", "{what}");
            assert_eq!(played.state_at("bigtable.a.clusters.west", "11h"), "serving", "{what}");
            // Nothing was created: as many sweeps as without it.
            assert_eq!(
                played.measure("bigtable.a.sweeps"),
                down().play().measure("bigtable.a.sweeps"),
                "{what}"
            );
        }
    }
}

#[test]
fn bt_36_operations_are_blocked_from_the_first_cluster_down_to_the_last_one_back() {
    // From 1 h 5 m to 10 h 5 m.
    assert_eq!(down().play().measure("bigtable.a.admin-blocked-time"), secs("9h"));
    // Offline clusters block them as well, serving on cached keys does not: 2 h 7 m to 6 h 5 m.
    let played = world().during("1h 2m", "5h", "kms-outage location=everywhere").play();
    assert_eq!(played.measure("bigtable.a.admin-blocked-time"), secs("3h 58m"));
    assert_eq!(world().play().measure("bigtable.a.admin-blocked-time"), 0.0);
}

#[test]
fn bt_36_a_cluster_is_created_only_with_a_usable_key() {
    // While all is well it comes to be, and is validated from then on.
    let made = world().at("3h 1m", "create-cluster instance=a cluster=new").play();
    assert_eq!(made.state_at("bigtable.a.clusters.new", "3h"), "absent");
    assert_eq!(made.state_at("bigtable.a.clusters.new", "3h 1m"), "serving");
    // 9 h from 3 h on are 108 sweeps, without that of 3 h itself.
    assert_eq!(made.measure("bigtable.a.sweeps"), 3.0 * 144.0 + 107.0);
    // Its key is denied, and nobody has found out yet.
    let denied = world()
        .at("3h 1m", "disable-key key=east")
        .at("3h 2m", "create-cluster instance=a cluster=new")
        .play();
    assert_eq!(denied.state_at("bigtable.a.clusters.new", "3h 4m"), "absent");
}

#[test]
fn q_15_no_cluster_is_created_while_its_key_cannot_be_reached() {
    let away = world()
        .during("3h 1m", "1h", "kms-outage location=us-east1")
        .at("3h 2m", "create-cluster instance=a cluster=new")
        .play();
    assert_eq!(away.state_at("bigtable.a.clusters.new", "11h"), "absent");
}

#[test]
fn bt_36_a_cluster_created_later_takes_part_in_the_cascade() {
    let played = world()
        .at("3h 1m", "create-cluster instance=a cluster=new")
        .at("5h 2m", "disable-key key=west")
        .play();
    // West at 5 h 5 m, then east, eu and new, half an hour apart.
    assert_eq!(played.transitions("bigtable.a.clusters.new").last().unwrap().0, secs("6h 35m"));
    assert_eq!(played.state_at("bigtable.a", "6h 34m"), "degraded");
    assert_eq!(played.state_at("bigtable.a", "6h 35m"), "disabled");
}

#[test]
fn bt_36_a_deleted_cluster_no_longer_takes_the_instance_down() {
    let played = world()
        .at("1h", "delete-cluster instance=a cluster=east")
        .at("1h 2m", "disable-key key=east")
        .play();
    assert_eq!(played.state_at("bigtable.a.clusters.east", "1h"), "absent");
    assert_eq!(played.transitions("bigtable.a.clusters.west"), []);
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
    // 12 sweeps of east up to 55 m (that of 1 h finds it gone), 144 of each of the others.
    assert_eq!(played.measure("bigtable.a.sweeps"), 12.0 + 288.0);
}

#[test]
fn bt_37_deleting_an_instance_a_table_or_a_backup_is_always_allowed() {
    let played = down()
        .set("bigtable.a.tables=3")
        .at("5h 1m", "delete-table instance=a")
        .at("5h 2m", "delete-backup instance=a backup=in-west")
        .at("6h 1m", "delete-instance instance=a")
        .play();
    assert_eq!(
        played.transitions("bigtable.a.backups.in-west").last(),
        Some(&(secs("5h 2m"), "deleted", "BT-37"))
    );
    for path in ["bigtable.a", "bigtable.a.clusters.east", "bigtable.a.clusters.west"] {
        assert_eq!(played.transitions(path).last(), Some(&(secs("6h 1m"), "deleted", "BT-37")));
    }
    assert_eq!(played.state_at("bigtable.a", "11h"), "deleted");
    assert!(played.noted("bigtable.a").contains(&(secs("5h 1m"), "BT-37")), "{}", played.story());
    assert_eq!(played.measure("bigtable.a.irreversible"), 1.0);
}

#[test]
fn bt_37_deleting_tables_ends_their_validation() {
    // Three tables to 6 h, two afterwards: 6 h 1 m is after the sweep of 6 h, so the third makes
    // 73 sweeps per cluster.
    let world = World::new("12h", ONE).set("bigtable.a.tables=3");
    let played = world.clone().at("6h 1m", "delete-table instance=a").play();
    assert_eq!(played.measure("bigtable.a.sweeps"), 2.0 * 144.0 + 73.0);
    // All of them gone: nothing is validated any more (BT-28), and a denial is never found.
    let played = world
        .at("6h 1m", "delete-table instance=a count=3")
        .at("7h", "disable-key key=east")
        .play();
    assert_eq!(played.measure("bigtable.a.sweeps"), 3.0 * 73.0);
    assert_eq!(played.transitions("bigtable.a"), []);
}

#[test]
fn bt_37_the_newest_tables_go_first() {
    // Spread: tables at 0, 100 s and 200 s; without the last, a denial at 1 h 2 m 30 s, between
    // the sweeps of 1 h 1 m 40 s and 1 h 3 m 20 s, is found at 1 h 5 m.
    let world = World::new("12h", ONE)
        .set("bigtable.a.tables=3")
        .set("model.bigtable.sweep-phase=spread")
        .at("1h 2m", "disable-key key=east");
    let all = world.clone().play();
    assert_eq!(all.transitions("bigtable.a.clusters.east")[0].0, secs("1h 3m 20s"));
    let two = world.at("30m", "delete-table instance=a").play();
    assert_eq!(two.transitions("bigtable.a.clusters.east")[0].0, secs("1h 5m"));
}

#[test]
fn bt_40_nothing_can_be_restored_from_a_backup_whose_key_is_gone() {
    // The backup is in a cluster with a healthy key; then in one whose key is destroyed.
    let world = World::new("60h", THREE)
        .add("[bigtable.a.backups.b]\ncluster = \"east\"")
        .set("keys.east.destroy-wait=1d")
        .at("1h 2m", "schedule-destroy key=east")
        .at("30h", "restore-table instance=a backup=b");
    let played = world.play();
    let told = played.notes("bigtable.a");
    assert!(told.iter().any(|n| n.0 == secs("30h")), "{}", played.story());
    assert_eq!(played.state_at("bigtable.a.backups.b", "40h"), "inaccessible");
}

#[test]
fn bt_41_deleting_the_cluster_of_a_denied_key_stops_its_clock() {
    // Denied at 1 h 2 m 30 s, its cluster deleted before anybody has found out.
    let played = World::new("40d", THREE)
        .at("1h 2m", "disable-key key=east")
        .at("1h 3m", "delete-cluster instance=a cluster=east")
        .play();
    assert_eq!(played.transitions("bigtable.a"), []);
}
