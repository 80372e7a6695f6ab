//! Set-up rules: what a scenario may not say, and what runs without keys.

use crate::world::{ONE, THREE, World};

#[test]
fn bt_01_without_keys_nothing_that_happens_to_keys_matters() {
    let plain = r#"
[keys.east]
location = "us-east1"
[bigtable.a.clusters.east]
zone = "us-east1-b"
[bigtable.a.clusters.west]
zone = "us-west1-a"
"#;
    let played = World::new("48h", plain)
        .at("1h", "disable-key key=east")
        .during("2h", "20h", "kms-outage location=everywhere")
        .play();
    assert_eq!(played.transitions("bigtable.a"), []);
    assert_eq!(played.measure("bigtable.a.availability"), 1.0);
    assert_eq!(played.measure("bigtable.a.sweeps"), 0.0);
    assert!(played.is_undefined("bigtable.a.time-to-lockout"));
}

#[test]
fn bt_05_a_shared_key_takes_every_instance_that_uses_it_down() {
    let two = format!("{ONE}\n[bigtable.b.clusters.east]\nzone = \"us-east1-c\"\nkey = \"east\"\n");
    let played = World::new("12h", &two).at("1h 2m", "disable-key key=east").play();
    // Denied at 1 h 2 m 30 s, found by both at 1 h 5 m.
    for instance in ["bigtable.a", "bigtable.b"] {
        assert_eq!(played.state_at(instance, "1h 4m 59s"), "serving");
        assert_eq!(played.state_at(instance, "1h 5m"), "disabled");
    }
    // 144 sweeps each, 3 operations a sweep, for one key.
    assert_eq!(played.measure("keys.east.kms-operations"), 2.0 * 144.0 * 3.0);
}

#[test]
fn bt_06_a_key_comes_from_the_region_of_its_cluster() {
    let found = World::new("1h", ONE).set("keys.east.location=us-west1").diagnostics();
    assert_eq!(found, ["key-region"]);
    let found = World::new("1h", ONE).set("keys.east.location=global").diagnostics();
    assert_eq!(found, ["key-region"]);
    assert!(World::new("1h", ONE).diagnostics().is_empty());
}

#[test]
fn bt_15_every_cluster_has_a_key_or_none_has() {
    let without = format!("{ONE}\n[bigtable.a.clusters.west]\nzone = \"us-west1-a\"\n");
    assert_eq!(World::new("1h", &without).diagnostics(), ["cluster-without-key"]);
}

#[test]
fn bt_19_an_instance_with_keys_does_not_go_without() {
    let without = format!("{THREE}\n[bigtable.a.clusters.plain]\nzone = \"us-west1-b\"\n");
    assert_eq!(World::new("1h", &without).diagnostics(), ["cluster-without-key"]);
}

#[test]
fn bt_52_mixing_external_and_other_keys_is_a_warning() {
    let mixed = r#"
[ekm.safe]
[keys.east]
location = "us-east1"
protection = "external"
ekm = "safe"
[keys.west]
location = "us-west1"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.a.clusters.west]
zone = "us-west1-a"
key = "west"
"#;
    let world = World::new("1h", mixed);
    assert_eq!(world.diagnostics(), ["mixed-external-keys"]);
    // It can be played.
    assert_eq!(world.play().measure("bigtable.a.downtime"), 0.0);
}

#[test]
fn br_01_one_cluster_per_zone_in_at_most_eight_regions() {
    let twice = format!("{ONE}\n[bigtable.a.clusters.b]\nzone = \"us-east1-b\"\nkey = \"east\"\n");
    assert_eq!(World::new("1h", &twice).diagnostics(), ["zone-taken"]);
    let clusters = |regions: usize| -> String {
        (1..=regions)
            .map(|n| {
                format!(
                    "[keys.k{n}]\nlocation = \"us-east{n}\"\n\
                     [bigtable.a.clusters.c{n}]\nzone = \"us-east{n}-b\"\nkey = \"k{n}\"\n"
                )
            })
            .collect()
    };
    assert!(World::new("1h", &clusters(8)).diagnostics().is_empty());
    assert_eq!(World::new("1h", &clusters(9)).diagnostics().len(), 1);
}

#[test]
fn br_16_an_instance_has_at_most_a_thousand_tables() {
    assert!(World::new("1h", ONE).set("bigtable.a.tables=1000").diagnostics().is_empty());
    let found = World::new("1h", ONE).set("bigtable.a.tables=1001").diagnostics();
    assert_eq!(found, ["out-of-range"]);
}
