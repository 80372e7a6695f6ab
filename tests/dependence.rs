//! The graph of dependencies against the simulation: each fault alone is played for longer than
//! every grace, and what is down at the end is what the graph says, entity by entity.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/scenario.rs"]
mod support;

use cmeksim::engine::{Budget, EntityId};
use cmeksim::experiment::Model;
use cmeksim::experiment::dependence::Dependence;
use cmeksim::systems::contract::SweepMode;
use support::scenario;

const WORLD: &str = r#"
schema = 1
[scenario]
name = "world"
start = 2026-03-02T08:00:00Z
horizon = "6d"
[ekm.vault]
[keys.east]
location = "us-east1"
[keys.west]
location = "us-west1"
[keys.eu]
location = "europe-west1"
protection = "external"
ekm = "vault"
[keys.asia]
location = "asia-east1"
[keys.spare]
location = "us-east1"
[bigtable.orders.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.orders.clusters.west]
zone = "us-west1-a"
key = "west"
[bigtable.orders.clusters.later]
zone = "asia-east1-a"
key = "asia"
initially = "absent"
[bigtable.orders.app-profiles.any]
reads = "5/s"
[bigtable.orders.app-profiles.east]
routing = { single-cluster = "east" }
reads = "5/s"
[bigtable.orders.backups.b]
cluster = "west"
[bigtable.stock.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.outside.clusters.eu]
zone = "europe-west1-b"
key = "eu"
[bigtable.plain.clusters.a]
zone = "us-east1-b"
[bigtable.empty]
tables = 0
[bigtable.empty.clusters.a]
zone = "us-west1-b"
key = "west"
[services.shop]
all-of = ["bigtable.orders"]
any-of = ["bigtable.stock", "bigtable.outside"]
[services.two]
at-least = 2
of = ["bigtable.orders.app-profiles.east", "bigtable.outside", "bigtable.plain", "keys.spare"]
[services.all]
all-of = ["services.shop", "services.two"]
"#;

/// What is down at the end if one thing has a fault from the first hour on.
fn played(sets: &str, fault: &str) -> Vec<String> {
    let event = match fault.split_once('.').unwrap() {
        ("keys", name) => match name.split_once(".grants.") {
            Some((key, principal)) => {
                format!("do = \"revoke-grant\"\nkey = \"{key}\"\nprincipal = \"{principal}\"")
            }
            None => format!("do = \"disable-key\"\nkey = \"{name}\""),
        },
        ("kms", name) => format!("do = \"kms-outage\"\nlocation = \"{name}\"\nlasts = \"30d\""),
        ("ekm", name) => format!("do = \"ekm-outage\"\nekm = \"{name}\"\nlasts = \"30d\""),
        other => panic!("{other:?}"),
    };
    let model = Model::new(&scenario(&format!("{WORLD}[[events]]\nat = \"1h\"\n{event}\n{sets}")));
    let trace = model.replicate(1, 0, SweepMode::Decisive, Budget::default()).unwrap();
    let outcome = model.outcome(trace);
    let down = model
        .entities()
        .zip(&outcome.timeline)
        .filter(|((_, kind), stays)| !kind.states[usize::from(stays.last().unwrap().state)].serves);
    down.map(|((path, _), _)| path.to_owned()).collect()
}

fn agree(sets: &str) {
    let model = Model::new(&scenario(&format!("{WORLD}{sets}")));
    let paths: Vec<&str> = model.entities().map(|(path, _)| path).collect();
    let path = |entity: &EntityId| paths[entity.0 as usize];
    let radii = Dependence::of(&model).radii();
    assert_eq!(radii.len(), 5 + 4 + 1 + 4, "every key, location, manager and grant");
    let mut some = 0;
    for (fault, radius) in &radii {
        // The fault itself, and the cluster that is not there yet.
        let mut down: Vec<&str> = radius.down.iter().chain([fault]).map(path).collect();
        let absent = "bigtable.orders.clusters.later";
        if !down.contains(&absent) {
            down.push(absent);
        }
        down.sort_unstable();
        assert_eq!(played(sets, path(fault)), down, "{sets} {}", path(fault));
        some += radius.down.len();
    }
    assert!(some > 30, "{some}");
}

#[test]
fn faults_take_down_what_the_graph_says() {
    agree("[model]\nbigtable.cascade-pace = \"fast\"\n");
}

#[test]
fn faults_take_down_what_the_graph_says_if_clusters_go_offline_one_by_one() {
    agree("[model]\nbigtable.cascade-pace = \"fast\"\nbigtable.grace-scope = \"cluster\"\n");
}

/// Worked out by hand for `services.two`, two of: an app profile on the keys `east` and `west`
/// (BT-29), an instance on the external key `eu`, an instance without keys, the key `spare`.
/// (each with the grant to use it). Three of the four have to go: the profile, the external instance and the spare key. The outage
/// of us-east1 takes the profile and the spare key, and any fault of the external key the third.
#[test]
fn cut_sets_of_a_service_are_as_worked_out_by_hand() {
    let model = Model::new(&scenario(WORLD));
    let paths: Vec<&str> = model.entities().map(|(path, _)| path).collect();
    let cuts = Dependence::of(&model).cuts(&[model.entity("services.two")]).remove(0);
    assert_eq!(cuts.complete_to, 3);
    let sets: Vec<String> = cuts
        .sets
        .iter()
        .map(|set| set.iter().map(|e| paths[e.0 as usize]).collect::<Vec<_>>().join(" "))
        .collect();
    let mut expected: Vec<String> = Vec::new();
    let agent = "grants.bigtable-agent";
    let (eu, east, west) =
        (format!("keys.eu.{agent}"), format!("keys.east.{agent}"), format!("keys.west.{agent}"));
    let outside = ["ekm.vault", "keys.eu", "kms.europe-west1", &eu];
    for third in outside {
        expected.push(format!("{third} kms.us-east1"));
        for east in ["keys.east", "keys.west", "kms.us-west1", &east, &west] {
            expected.push(format!("{third} {east} keys.spare"));
        }
    }
    let sorted = |sets: Vec<String>| {
        let mut sets: Vec<Vec<String>> = sets
            .iter()
            .map(|set| {
                let mut names: Vec<String> = set.split(' ').map(str::to_owned).collect();
                names.sort();
                names
            })
            .collect();
        sets.sort();
        sets
    };
    assert_eq!(sorted(sets), sorted(expected));
}
