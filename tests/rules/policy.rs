//! The organization policy: what is told before a run, and what is refused in it.

use crate::world::{ONE, World, seeds};

const POLICY: &str = "[organization-policy]\n";

/// An instance with a cluster that is to come.
const GROWING: &str = r#"
[keys.east]
location = "us-east1"
path = "projects/own/locations/us-east1/keyRings/r/cryptoKeys/east"
[keys.west]
location = "us-west1"
path = "projects/foreign/locations/us-west1/keyRings/r/cryptoKeys/west"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.a.clusters.west]
zone = "us-west1-a"
key = "west"
initially = "absent"
[bigtable.plain.clusters.one]
zone = "us-east1-b"
[bigtable.plain.clusters.two]
zone = "us-west1-a"
initially = "absent"
"#;

/// A change of the policy at an instant.
fn change(at: &str, constraint: &str, value: &str) -> String {
    format!(
        "[[events]]\nat = \"{at}\"\ndo = \"set-organization-policy\"\n\
         constraint = \"{constraint}\"\n{value}\n"
    )
}

#[test]
fn bt_20_a_policy_binds_what_is_created_and_not_what_is_there() {
    let grow = |world: World| {
        world
            .at("1h", "create-cluster instance=a cluster=west")
            .at("1h", "create-cluster instance=plain cluster=two")
            .play()
    };
    let free = grow(World::new("3h", GROWING));
    assert_eq!(free.state_at("bigtable.a.clusters.west", "1h"), "serving");
    assert_eq!(free.state_at("bigtable.plain.clusters.two", "1h"), "serving");
    let policy = "organization-policy.gcp.restrict";
    let bound = World::new("3h", &format!("{GROWING}{POLICY}"))
        .set(&format!("{policy}NonCmekServices=[\"bigtable.googleapis.com\"]"))
        .set(&format!("{policy}CmekCryptoKeyProjects=[\"under:projects/own\"]"));
    let mut told = bound.diagnostics();
    told.sort_unstable();
    assert_eq!(told, ["policy-key-project", "policy-non-cmek"]);
    let played = grow(bound);
    // What is there serves on; what is to come is refused.
    for (instance, cluster) in [("a", "west"), ("plain", "two")] {
        let instance = format!("bigtable.{instance}");
        assert_eq!(played.state_at(&format!("{instance}.clusters.{cluster}"), "2h"), "absent");
        assert_eq!(played.noted(&instance), [(3_600.0, "BT-20")], "{}", played.story());
        assert_eq!(played.measure(&format!("{instance}.downtime")), 0.0);
    }
    // A policy that names another service or the project binds nothing.
    let other = World::new("3h", &format!("{GROWING}{POLICY}"))
        .set(&format!("{policy}NonCmekServices=[\"pubsub.googleapis.com\"]"))
        .set(&format!("{policy}CmekCryptoKeyProjects=[\"projects/own\", \"projects/foreign\"]"));
    assert!(other.diagnostics().is_empty());
    assert_eq!(grow(other).state_at("bigtable.a.clusters.west", "1h"), "serving");
}

#[test]
fn iam_04_a_change_of_the_policy_is_enforced_later() {
    // Set at 1 h, enforced at 1 h 10 min: the cluster that comes at 1 h 9 min is let through. Lifted
    // at 2 h, enforced at 2 h 10 min.
    let world = |at: &str| {
        World::new("4h", &format!("{GROWING}{POLICY}"))
            .set("model.kms.organization-policy-propagation=10m")
            .add(&change(
                "1h",
                "gcp.restrictCmekCryptoKeyProjects",
                "projects = [\"projects/own\"]",
            ))
            .add(&change("2h", "gcp.restrictCmekCryptoKeyProjects", ""))
            .at(at, "create-cluster instance=a cluster=west")
            .play()
    };
    let state = |at: &str| world(at).state_at("bigtable.a.clusters.west", "3h");
    assert_eq!(state("1h 9m 59s"), "serving");
    assert_eq!(state("1h 11m"), "absent");
    assert_eq!(state("2h 9m 59s"), "absent");
    assert_eq!(state("2h 11m"), "serving");
    world("30m").expect(
        "organization-policy",
        &[
            ("1h", "changing", "IAM-04"),
            ("1h 10m", "in-force", "IAM-04"),
            ("2h", "changing", "IAM-04"),
            ("2h 10m", "in-force", "IAM-04"),
        ],
    );
}

#[test]
fn iam_04_it_takes_up_to_fifteen_minutes() {
    // Uniform from 0 to 15 min: 200 draws have a mean of 450 s with a deviation of 260 / sqrt(200).
    let world = World::with_defaults("1h", &format!("{ONE}{POLICY}")).add(&change(
        "10m",
        "cloudkms.disableBeforeDestroy",
        "enforced = true",
    ));
    let waits: Vec<f64> = seeds(200)
        .map(|seed| {
            let played = world.seeded(seed);
            played.transitions("organization-policy")[1].0 - 600.0
        })
        .collect();
    assert!(waits.iter().all(|wait| (0.0..=900.0).contains(wait)));
    let mean = waits.iter().sum::<f64>() / 200.0;
    assert!((mean - 450.0).abs() < 5.0 * 260.0 / 200f64.sqrt(), "{mean}");
}

#[test]
fn iam_04_the_latest_change_wins_whichever_arrives_first() {
    // On at 1 h, off at 1 h 1 min; both take 10 min, and the first is overtaken.
    let world = World::new("3h", &format!("{ONE}{POLICY}"))
        .set("model.kms.organization-policy-propagation=10m")
        .add(&change("1h", "cloudkms.disableBeforeDestroy", "enforced = true"))
        .add(&change("1h 1m", "cloudkms.disableBeforeDestroy", "enforced = false"))
        .at("1h 10m 30s", "schedule-destroy key=east");
    assert_eq!(world.play().state_at("keys.east", "2h"), "destroy-scheduled");
}

#[test]
fn kms_16_a_version_is_disabled_before_its_destruction_is_scheduled() {
    let world = World::new("6h", &format!("{ONE}{POLICY}"))
        .at("1h", "schedule-destroy key=east")
        .at("2h", "disable-key key=east")
        .at("3h", "schedule-destroy key=east");
    // Without the constraint the first one does it.
    assert_eq!(world.play().state_at("keys.east", "1h 30s"), "destroy-scheduled");
    let played = world.set("organization-policy.cloudkms.disableBeforeDestroy=true").play();
    assert_eq!(played.noted("keys.east"), [(3_600.0, "KMS-16")], "{}", played.story());
    assert_eq!(played.state_at("keys.east", "1h 30m"), "enabled");
    assert_eq!(played.state_at("keys.east", "3h"), "destroy-scheduled");
}

#[test]
fn kms_16_of_several_versions_those_that_are_disabled_are_scheduled() {
    let world = World::new("6h", &format!("{ONE}{POLICY}"))
        .set("keys.east.versions=[\"disabled\", \"enabled\"]")
        .set("organization-policy.cloudkms.disableBeforeDestroy=true")
        .at("1h", "schedule-destroy key=east");
    let played = world.play();
    let told = played.notes("keys.east");
    assert!(told.iter().any(|(_, _, what)| what.starts_with("version 1: scheduled")), "{told:?}");
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
}

#[test]
fn kms_05_a_wait_shorter_than_the_minimum_of_new_keys_is_told() {
    let world = World::new("1h", &format!("{ONE}{POLICY}"));
    let minimum = |days: &str| {
        let set = "organization-policy.cloudkms.minimumDestroyScheduledDuration";
        world.clone().set(&format!("{set}={days}"))
    };
    // 30 d by default (KMS-04).
    assert!(minimum("30d").diagnostics().is_empty());
    assert_eq!(minimum("60d").diagnostics(), ["policy-destroy-wait"]);
    assert!(minimum("60d").set("keys.east.destroy-wait=60d").diagnostics().is_empty());
    assert_eq!(
        minimum("7d").set("keys.east.destroy-wait=1d").diagnostics(),
        ["policy-destroy-wait"]
    );
    // Google knows seven values.
    assert_eq!(minimum("2d").diagnostics(), ["unknown-word"]);
}
