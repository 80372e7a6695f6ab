//! Pub/Sub: zones that lose their data keys, recovery, retention, publishers.

use crate::world::{World, secs, seeds};

/// A protected topic with a subscription that nobody reads.
const TOPIC: &str = r#"
[keys.k]
location = "us-east1"
[pubsub.t]
key = "k"
publishes = "100/s"
[pubsub.t.subscriptions.s]
retention = "10m"
"#;

/// The key is disabled at 1 h 2 m, denied at 1 h 2 m 30 s; all zones decrypt at 1 h 6 m.
fn disabled() -> World {
    World::new("48h", TOPIC).at("1h 2m", "disable-key key=k")
}

#[test]
fn ps_01_a_new_data_key_is_protected_by_the_primary_version_of_its_time() {
    // Data keys are made at 0, 6 h, 12 h, ...: a version that is primary from 1 h on protects them
    // from 6 h on. The old version is disabled at 3 h (30 s later denied), or at 7 h.
    let world = World::new("24h", TOPIC)
        .set("model.kms.primary-propagation=30s")
        .at("1h", "rotate-key key=k");
    let early = world.clone().at("3h", "disable-key key=k version=1").play();
    // The next decryption after 3 h 30 s is at 3 h 6 m; the new data key of 6 h can be decrypted.
    assert_eq!(early.state_at("pubsub.t", "3h 6m"), "denied");
    assert_eq!(early.state_at("pubsub.t", "5h 59m"), "denied");
    assert_eq!(early.state_at("pubsub.t", "6h"), "recovering");
    let late = world.at("7h", "disable-key key=k version=1").play();
    assert_eq!(late.transitions("pubsub.t"), []);
}

#[test]
fn ps_02_zones_lose_their_data_key_one_by_one_within_six_minutes() {
    // Spread over 6 m, the zones decrypt at 0, 2 and 4 m past each multiple of 6 m.
    let played = disabled().set("model.pubsub.decrypt-phase=spread").play();
    let expected = [("1h 4m", "degraded", "PS-02"), ("1h 8m", "denied", "PS-04")];
    played.expect("pubsub.t", &expected);
    played.expect("pubsub.t.subscriptions.s", &expected);
    // Back before the last zone fails: the two that failed are back with their next decryption.
    let played =
        disabled().set("model.pubsub.decrypt-phase=spread").at("1h 7m", "enable-key key=k").play();
    let expected = [("1h 4m", "degraded", "PS-02"), ("1h 12m", "publishing", "PS-02")];
    played.expect("pubsub.t", &expected);
    assert_eq!(played.measure("pubsub.t.downtime"), 0.0);
    // Random phases: the first zone fails within six minutes of the denial, and so does the last.
    let random = disabled().set("model.pubsub.decrypt-phase=random");
    for seed in seeds(100) {
        let played = random.seeded(seed);
        let at: Vec<f64> = played.transitions("pubsub.t").iter().map(|t| t.0).collect();
        let denied = secs("1h 2m 30s");
        assert!(at.len() == 2 && at.iter().all(|at| (denied..denied + 360.0).contains(at)));
    }
}

#[test]
fn ps_03_a_topic_makes_21_720_operations_in_30_days() {
    let played = World::new("30d", TOPIC).play();
    assert_eq!(played.measure("keys.k.kms-operations"), 21_720.0);
}

#[test]
fn ps_04_without_the_key_nothing_is_published_and_nothing_delivered() {
    let played = disabled().play();
    played.expect("pubsub.t", &[("1h 6m", "degraded", "PS-02"), ("1h 6m", "denied", "PS-04")]);
    let chain = played.chain("pubsub.t", "denied");
    assert_eq!(chain.last().unwrap(), &("keys.k".to_owned(), "KMS-02"), "{chain:?}");
    // 3,960 s of publishing at 100/s; then publishers keep what they have.
    played.near("pubsub.t.messages-published", 396_000.0);
    played.near("pubsub.t.messages-kept-peak", 100.0 * (secs("48h") - 3_960.0));
    // Those who do not keep messages drop them.
    let played = disabled().set("pubsub.t.publishers=drop").play();
    played.near("pubsub.t.messages-dropped", 100.0 * (secs("48h") - 3_960.0));
    played.near("pubsub.t.messages-kept-peak", 0.0);
    // A revoked role of the service agent has the same effect: 2 m later, found at 1 h 6 m.
    let played = World::new("3h", TOPIC)
        .set("model.kms.policy-propagation=2m")
        .at("1h 2m", "revoke-grant key=k principal=pubsub-agent")
        .play();
    assert_eq!(played.transitions("pubsub.t")[1], (3_960.0, "denied", "PS-04"));
}

#[test]
fn ps_05_delivery_and_publishing_come_back_in_their_own_time() {
    let played = disabled().at("3h", "enable-key key=k").play();
    let expected = [
        ("1h 6m", "degraded", "PS-02"),
        ("1h 6m", "denied", "PS-04"),
        ("3h", "recovering", "PS-05"),
        ("3h 6m", "delivering", "PS-05"),
    ];
    played.expect("pubsub.t.subscriptions.s", &expected);
    assert_eq!(played.transitions("pubsub.t")[3], (secs("3h 30m"), "publishing", "PS-05"));
    // What was kept for 8,640 s is published at ten times the rate: 96 s + 10 s of what comes
    // meanwhile, and nothing is missing at the end.
    played.near("pubsub.t.messages-published", 100.0 * secs("48h"));
    // Back between two decryptions, it serves in all zones at once.
    let played =
        disabled().set("model.pubsub.recovery-delivery=1m").at("3h 1m", "enable-key key=k").play();
    let found = played.transitions("pubsub.t.subscriptions.s");
    assert_eq!(
        found[2..],
        [(secs("3h 1m"), "recovering", "PS-05"), (secs("3h 2m"), "delivering", "PS-05")]
    );
    // Disabled again at 3 h 10 m, before publishing is back: found at once, and delivery stops
    // with the next decryption.
    let played = disabled()
        .at("3h", "enable-key key=k")
        .at("3h 10m", "disable-key key=k")
        .at("5h", "enable-key key=k")
        .play();
    assert_eq!(played.state_at("pubsub.t", "3h 11m"), "denied");
    assert_eq!(played.state_at("pubsub.t.subscriptions.s", "3h 11m"), "delivering");
    assert_eq!(played.state_at("pubsub.t.subscriptions.s", "3h 12m"), "denied");
    assert_eq!(played.state_at("pubsub.t", "5h 30m"), "publishing");
    // The documented bounds hold for every draw.
    let random = World::with_defaults("48h", TOPIC)
        .at("1h", "disable-key key=k")
        .at("6h", "enable-key key=k");
    for seed in seeds(60) {
        let played = random.seeded(seed);
        let back = |path: &str| played.transitions(path).last().unwrap().0 - secs("6h");
        assert!(back("pubsub.t.subscriptions.s") <= secs("2h 6m"), "seed {seed}");
        assert!(back("pubsub.t") <= secs("12h 6m"), "seed {seed}");
    }
}

#[test]
fn ps_06_short_outages_are_harmless_and_long_ones_are_not() {
    // 50 s between two decryptions harm nobody; 7 m reach the one of 1 h 6 m.
    let world = World::new("3h", TOPIC);
    let played = world.clone().during("1h 1m", "50s", "kms-outage location=everywhere").play();
    assert_eq!(played.transitions("pubsub.t"), []);
    let played = world.during("1h 1m", "7m", "kms-outage location=everywhere").play();
    let expected = [
        ("1h 6m", "degraded", "PS-02"),
        ("1h 6m", "unreachable", "PS-06"),
        ("1h 8m", "recovering", "PS-05"),
        ("1h 38m", "publishing", "PS-05"),
    ];
    played.expect("pubsub.t", &expected);
}

#[test]
fn ps_06_in_a_partial_outage_each_decryption_has_its_own_luck() {
    // Two thirds of the calls fail for 24 h: all three zones at once with probability 8/27 at each
    // of 240 instants, so that publishing stops and comes back again and again.
    let world = World::new("48h", TOPIC).during(
        "1h",
        "24h",
        "kms-outage location=everywhere error-fraction=0.6666667",
    );
    for seed in seeds(5) {
        let played = world.seeded(seed);
        // Delivery is back after 6 m, and stops at three of ten decryptions.
        assert!(played.measure("pubsub.t.subscriptions.s.outages") > 5.0, "seed {seed}");
        assert_eq!(played.state_at("pubsub.t", "26h"), "publishing");
    }
}

#[test]
fn ps_08_what_nobody_reads_within_the_retention_is_gone() {
    // 100/s and 10 m: at most 60,000 wait, everything else of 2 h expires.
    let played = World::new("2h", TOPIC).play();
    played.near("pubsub.t.subscriptions.s.messages-arrived", 720_000.0);
    played.near("pubsub.t.subscriptions.s.backlog-peak", 60_000.0);
    played.near("pubsub.t.subscriptions.s.messages-expired", 660_000.0);
    // Seven days where nothing is said.
    let text = TOPIC.replace("retention = \"10m\"", "");
    let played = World::new("8d", &text).play();
    played.near("pubsub.t.subscriptions.s.backlog-peak", 100.0 * secs("7d"));
    played.near("pubsub.t.subscriptions.s.messages-expired", 100.0 * secs("24h"));
}

#[test]
fn kms_02_the_messages_of_a_topic_are_lost_with_its_key() {
    let played = World::new("40d", TOPIC).at("1h", "schedule-destroy key=k").play();
    // Denied from the propagation on, destroyed after 30 days.
    let last = *played.transitions("pubsub.t").last().unwrap();
    assert_eq!((last.1, last.2), ("lost", "KMS-02"));
    assert_eq!(played.state_at("pubsub.t.subscriptions.s", "39d"), "lost");
    assert_eq!(played.measure("pubsub.t.irreversible"), 1.0);
}

/// A job that reads the subscription, absent at first.
const READER: &str = r#"
[bigtable.b.clusters.c]
zone = "us-east1-b"
[dataflow.j]
region = "us-east1"
sources = ["pubsub.t.subscriptions.s"]
sinks = ["bigtable.b"]
capacity = "250/s"
initially = "absent"
"#;

/// Version 1 protects what is published up to 6 h, version 2 what comes after.
fn rotated() -> World {
    World::new("40h", &(TOPIC.replace("10m", "7d") + READER))
        .set("model.kms.primary-propagation=30s")
        .at("1h", "rotate-key key=k")
}

#[test]
fn ps_07_a_version_disabled_too_early_holds_back_what_was_published_under_it() {
    // Disabled at 8 h, denied 30 s later; the zones decrypt at 8 h 6 m, and the 2,160,000 messages
    // of the first six hours wait. The job of 12 h (running at 12 h 4 m) reads the newer ones.
    let early = rotated().at("8h", "disable-key key=k version=1").at("12h", "launch-job job=j");
    let played = early.clone().play();
    let withheld = ("8h 6m", "withholding", "PS-07");
    played.expect("pubsub.t.subscriptions.s", &[withheld]);
    assert_eq!(played.transitions("pubsub.t"), []);
    assert_eq!(played.transitions("dataflow.j").last().unwrap().1, "running");
    played.near("dataflow.j.elements-waiting", 2_160_000.0);
    // The root is the version of the key.
    let root = played.chain("pubsub.t.subscriptions.s", "withholding").pop().unwrap();
    assert_eq!(root, ("keys.k".to_owned(), "KMS-02"));
    // Enabled again at 20 h, delivered 6 m later: the oldest is then 20 h 6 m old, and written after
    // ten seconds more.
    let played = early.clone().at("20h", "enable-key key=k version=1").play();
    played.expect("pubsub.t.subscriptions.s", &[withheld, ("20h 6m", "delivering", "PS-07")]);
    played.near("dataflow.j.watermark-age-peak", secs("20h 6m 10s"));
    assert_eq!(played.measure("pubsub.t.subscriptions.s.withheld-time"), secs("12h"));
    played.near("dataflow.j.elements-waiting", 0.0);
    played.near("dataflow.j.elements-lost", 0.0);
}

#[test]
fn ps_07_what_is_held_back_expires_with_the_retention_and_is_lost_with_its_version() {
    let early = rotated().at("8h", "disable-key key=k version=1").at("12h", "launch-job job=j");
    // Kept for a day: the first is gone at 24 h, the last of them at 30 h.
    let played = early.clone().set("pubsub.t.subscriptions.s.retention=1d").play();
    played.near("pubsub.t.subscriptions.s.messages-expired", 2_160_000.0);
    played.expect(
        "pubsub.t.subscriptions.s",
        &[("8h 6m", "withholding", "PS-07"), ("30h", "delivering", "PS-07")],
    );
    // Destroyed a day after 8 h.
    let played = rotated()
        .set("keys.k.destroy-wait=1d")
        .at("8h", "schedule-destroy key=k version=1")
        .at("12h", "launch-job job=j")
        .play();
    played.near("dataflow.j.elements-lost", 2_160_000.0);
    played.near("dataflow.j.elements-expired", 0.0);
    played.expect(
        "pubsub.t.subscriptions.s",
        &[("8h 6m", "withholding", "PS-07"), ("32h", "delivering", "PS-07")],
    );
}

#[test]
fn ps_07_a_version_whose_messages_are_read_can_be_disabled() {
    // The job of 7 h has read the 7 h 4 m of messages after 7 h 4 m / 1.5 = 4 h 42 m 40 s.
    let played =
        rotated().at("7h", "launch-job job=j").at("13h", "disable-key key=k version=1").play();
    assert_eq!(played.transitions("pubsub.t.subscriptions.s"), []);
    played.near("dataflow.j.elements-written", 100.0 * (secs("40h") - 10.0));
}

#[test]
fn ps_01_without_its_new_version_a_topic_keeps_its_last_data_key() {
    // Version 2 is disabled from 3 h to 7 h, so that no data key can be made at 6 h; the one of 12 h
    // is under version 2.
    let played = World::new("24h", TOPIC)
        .set("model.kms.primary-propagation=30s")
        .at("1h", "rotate-key key=k")
        .at("3h", "disable-key key=k version=2")
        .at("7h", "enable-key key=k version=2")
        .at("13h", "disable-key key=k version=1")
        .play();
    assert_eq!(played.transitions("pubsub.t"), []);
}

#[test]
fn ps_08_a_topic_keeps_messages_for_all_of_its_subscriptions() {
    let played = World::new("2h", TOPIC).set("pubsub.t.retention=1h").play();
    played.near("pubsub.t.subscriptions.s.backlog-peak", 360_000.0);
}

#[test]
fn ps_08_a_subscription_that_nobody_reads_expires_after_31_days() {
    let played = World::new("40d", TOPIC).play();
    played.expect("pubsub.t.subscriptions.s", &[("31d", "expired", "PS-08")]);
    // What waited is gone, and what comes after.
    assert_eq!(played.measure("pubsub.t.subscriptions.s.backlog-left"), 0.0);
    assert_eq!(played.measure("pubsub.t.subscriptions.s.irreversible"), 1.0);
    let played = World::new("40d", TOPIC).set("pubsub.t.subscriptions.s.expires=\"never\"").play();
    assert_eq!(played.transitions("pubsub.t.subscriptions.s"), []);
    // Read until 5 d, so that it expires at 36 d; a job that comes later finds nothing to read.
    let read = World::new("50d", &(TOPIC.to_owned() + READER))
        .set("dataflow.j.initially=running")
        .at("5d", "cancel-job job=j");
    let played = read.clone().at("40d", "launch-job job=j").play();
    played.expect("pubsub.t.subscriptions.s", &[("36d", "expired", "PS-08")]);
    assert_eq!(played.state_at("dataflow.j", "41d"), "starved");
    // Read again in time, it lives.
    let played = read.at("35d", "launch-job job=j").play();
    assert_eq!(played.transitions("pubsub.t.subscriptions.s"), []);
}

#[test]
fn ps_07_a_snapshot_does_not_bring_back_what_its_version_took_away() {
    // The job stops at 3 h, when the last 5 s are not acknowledged and the 5 s before them are
    // lost; version 1 and what came up to 6 h under it are gone at 32 h. A job that starts from a
    // snapshot of 2 h with its sources finds nothing of it: lost are the unwritten of 3 h - 10 s to
    // 6 h. Only what the snapshot itself holds is written again: the 5 s that were acknowledged then.
    let played = World::new("40h", &(TOPIC.replace("10m", "7d") + READER))
        .set("model.kms.primary-propagation=30s")
        .set("keys.k.destroy-wait=1d")
        .set("dataflow.j.initially=running")
        .add("[dataflow.j.snapshots.x]\nsources = true\n")
        .at("1h", "rotate-key key=k")
        .at("2h", "snapshot-job job=j snapshot=x")
        .at("3h", "cancel-job job=j")
        .at("8h", "schedule-destroy key=k version=1")
        .at("33h", "launch-job job=j snapshot=x")
        .play();
    assert_eq!(played.state_at("dataflow.j", "34h"), "running");
    played.near("dataflow.j.elements-lost", 100.0 * (secs("3h") + 10.0));
    played.near("dataflow.j.elements-duplicated", 500.0);
}
