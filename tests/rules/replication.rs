//! Writes that only one cluster has: at risk, delayed, lost. Writes come at random, so a number of
//! them is within five standard deviations (roots) of what is expected.

use crate::world::{ONE, THREE, World, secs};

/// 300 writes a second, nearest to east, then eu, then west.
const PROFILE: &str = "[bigtable.a.app-profiles.p]\nwrites = \"300/s\"";

/// East, in us-east1, and west; only two clusters.
const TWO: &str = r#"
[keys.east]
location = "us-east1"
[keys.west]
location = "us-west1"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.a.clusters.west]
zone = "us-west1-a"
key = "west"
"#;

/// East goes at 1 h 5 m, and nothing else: the last cluster follows after the horizon.
fn east_goes() -> World {
    World::new("1h 30m", TWO).add(PROFILE).at("1h 2m", "disable-key key=east")
}

#[test]
fn bt_34_writes_of_the_last_seconds_are_at_risk_when_their_cluster_goes_down() {
    // A lag of 10 s at 300 a second.
    let played = east_goes().play();
    played.about("bigtable.a.writes-at-risk", 3_000.0);
    played.just_below("bigtable.a.writes-at-risk-age", 10.0);
    played.near("bigtable.a.writes-delayed", 0.0);
    played.near("bigtable.a.writes-lost", 0.0);
}

#[test]
fn bt_34_writes_at_risk_return_with_the_key_and_are_lost_with_it() {
    let back = World::new("12h", TWO)
        .add(PROFILE)
        .at("1h 2m", "disable-key key=east")
        .at("1h 20m", "enable-key key=east")
        .play();
    back.about("bigtable.a.writes-at-risk", 3_000.0);
    back.about("bigtable.a.writes-delayed", 3_000.0);
    back.near("bigtable.a.writes-lost", 0.0);
    // Destroyed: all that was at risk in any cluster of the instance.
    let gone = World::new("48h", TWO)
        .add(PROFILE)
        .set("keys.east.destroy-wait=1d")
        .at("1h 2m", "schedule-destroy key=east")
        .play();
    assert_eq!(gone.measure("bigtable.a.writes-lost"), gone.measure("bigtable.a.writes-at-risk"));
    gone.near("bigtable.a.writes-delayed", 0.0);
    gone.about("bigtable.a.writes-lost", 540_000.0);
}

#[test]
fn bt_34_the_last_cluster_has_all_that_was_written_since_it_was_alone() {
    // East goes at 1 h 5 m with 3,000. West takes the writes from 1 h 5 m 10 s on and goes at
    // 1 h 35 m: nobody else has any of them, 300 x 1,790 s. The oldest is 1,790 s old.
    let played = World::new("12h", TWO).add(PROFILE).at("1h 2m", "disable-key key=east").play();
    played.about("bigtable.a.writes-at-risk", 3_000.0 + 537_000.0);
    played.just_below("bigtable.a.writes-at-risk-age", 1_790.0);
}

#[test]
fn bt_34_writes_are_safe_where_the_fastest_peer_has_them() {
    // Z, in us-east1 too, has every write of east after 2 s, west only after 10 s: at 1 h 5 m
    // only those of the last 2 s are nowhere else. Its key is another, so it serves on.
    let z = "[keys.z]\nlocation = \"us-east1\"\n\
             [bigtable.a.clusters.z]\nzone = \"us-east1-c\"\nkey = \"z\"\n";
    let played = World::new("1h 20m", &format!("{TWO}{z}"))
        .add(PROFILE)
        .at("1h 2m", "disable-key key=east")
        .play();
    played.about("bigtable.a.writes-at-risk", 600.0);
    played.just_below("bigtable.a.writes-at-risk-age", 2.0);
    // A cluster without writes has none at risk.
    let played = World::new("1h 20m", &format!("{TWO}{z}"))
        .add(PROFILE)
        .at("1h 2m", "disable-key key=west")
        .play();
    assert_eq!(played.measure("bigtable.a.writes-at-risk"), 0.0);
}

#[test]
fn bt_34_the_number_at_risk_is_rate_times_lag_on_average() {
    // Mean 3,000 with a standard deviation of 55, of 200 runs 3.9.
    let counts: Vec<f64> = (1..=200)
        .map(|seed| east_goes().seeded(seed).measure("bigtable.a.writes-at-risk"))
        .collect();
    let mean = counts.iter().sum::<f64>() / 200.0;
    assert!((mean - 3_000.0).abs() < 16.0, "{mean}");
    // Independent arrivals: the variance is the mean, 3,000; its own sd is 3,000 sqrt(2/199).
    let variance = counts.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / 199.0;
    assert!((variance - 3_000.0).abs() < 1_300.0, "{variance}");
}

#[test]
fn br_02_every_cluster_takes_writes_and_the_shares_are_at_risk_in_their_own() {
    // 60 % are written in east.
    let played =
        east_goes().set("bigtable.a.app-profiles.p.traffic={ east = 0.6, west = 0.4 }").play();
    played.about("bigtable.a.writes-at-risk", 1_800.0);
}

#[test]
fn br_03_lag_depends_on_the_regions_or_is_the_instance_s_own() {
    let here = TWO.replace("us-west1", "us-east1").replace("us-east1-a", "us-east1-c");
    // Clusters of one region: 2 s. The two keys are different, so only east goes.
    let played =
        World::new("1h 30m", &here).add(PROFILE).at("1h 2m", "disable-key key=east").play();
    played.about("bigtable.a.writes-at-risk", 600.0);
    let own = east_goes().set("bigtable.a.replication-lag=25s").play();
    own.about("bigtable.a.writes-at-risk", 7_500.0);
    own.just_below("bigtable.a.writes-at-risk-age", 25.0);
}

#[test]
fn br_03_without_replication_nothing_is_at_risk_by_its_absence() {
    let played = World::new("4h", ONE).add(PROFILE).at("1h 2m", "disable-key key=east").play();
    assert!(played.is_undefined("bigtable.a.writes-at-risk"));
    assert!(played.is_undefined("bigtable.a.writes-at-risk-age"));
}

#[test]
fn br_03_a_partition_lets_the_lag_grow() {
    // Partitioned from 50 m on; at 50 m east's writes up to 49 m 50 s have arrived. East goes at
    // 1 h 5 m with those of 910 s.
    let world = east_goes();
    let cut =
        world.clone().during("50m", "2h", "replication-partition instance=a cluster=east").play();
    cut.just_below("bigtable.a.writes-at-risk-age", 910.0);
    cut.about("bigtable.a.writes-at-risk", 273_000.0);
    let peer = world
        .clone()
        .during("50m", "2h", "replication-partition instance=a cluster=west peer=east")
        .play();
    peer.about("bigtable.a.writes-at-risk", 273_000.0);
    // Over long before: caught up.
    let healed = world.during("10m", "5m", "replication-partition instance=a cluster=east").play();
    healed.about("bigtable.a.writes-at-risk", 3_000.0);
    let told: Vec<_> = healed.notes("bigtable.a.clusters.east");
    assert!(
        told.iter().any(|n| n.0 == secs("10m") && n.1 == "BR-03")
            || healed.noted("bigtable.a").contains(&(secs("10m"), "BR-03")),
        "{}",
        healed.story()
    );
}

#[test]
fn br_03_a_partition_from_one_peer_leaves_the_other() {
    // West cannot be reached, but eu has every write after 10 s.
    let played = World::new("1h 20m", THREE)
        .add(PROFILE)
        .at("1h 2m", "disable-key key=east")
        .during("50m", "2h", "replication-partition instance=a cluster=east peer=west")
        .play();
    played.about("bigtable.a.writes-at-risk", 3_000.0);
}

#[test]
fn q_14_acknowledged_writes_are_kept_until_the_cluster_returns_or_lost() {
    let world = World::new("12h", TWO)
        .add(PROFILE)
        .at("1h 2m", "disable-key key=east")
        .at("1h 20m", "enable-key key=east");
    let kept = world.clone().play();
    let at_risk = kept.measure("bigtable.a.writes-at-risk");
    kept.about("bigtable.a.writes-delayed", 3_000.0);
    assert_eq!(kept.measure("bigtable.a.writes-delayed"), at_risk);
    assert_eq!(kept.measure("bigtable.a.writes-lost"), 0.0);
    let lost = world.set("model.bigtable.acknowledged-writes=lost").play();
    assert_eq!(lost.measure("bigtable.a.writes-lost"), at_risk);
    assert_eq!(lost.measure("bigtable.a.writes-delayed"), 0.0);
}

#[test]
fn bt_41_writes_at_risk_are_lost_with_the_deletion() {
    let played = World::new("40d", TWO).add(PROFILE).at("1h 2m", "disable-key key=east").play();
    assert_eq!(played.state_at("bigtable.a", "39d"), "deleted");
    played.about("bigtable.a.writes-lost", 540_000.0);
}
