//! Set-up rules: what a scenario may not say, and what runs without keys.

use crate::world::{ONE, THREE, World};
use cmeksim::report::{Run, summary};

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

#[test]
fn br_17_a_global_or_multi_region_key_is_not_accepted() {
    for location in ["global", "us", "europe", "eur4"] {
        let world = World::new("1h", ONE).set(&format!("keys.east.location={location}"));
        assert_eq!(world.diagnostics(), ["key-region"], "{location}");
        assert!(world.messages()[0].contains("(BR-17, BT-06)"), "{location}");
    }
    let near = World::new("1h", ONE).set("keys.east.location=us-east4");
    assert!(near.messages()[0].ends_with("(BT-06)"));
}

#[test]
fn bt_10_bt_11_the_summary_says_what_the_keys_protect_and_what_they_do_not() {
    let json = |tables: &str| {
        let scenario = World::new("1h", tables).scenario();
        let model = cmeksim::experiment::Model::new(&scenario);
        let sweeps = cmeksim::systems::contract::SweepMode::Decisive;
        let trace = model.replicate(1, 0, sweeps, cmeksim::engine::Budget::default()).unwrap();
        let outcome = model.outcome(trace);
        let run = Run::new(&scenario, &model, &outcome, sweeps);
        let json: serde_json::Value = serde_json::from_slice(&summary::json(&run)).unwrap();
        (json["protection"].clone(), summary::screen(&run))
    };
    let (protection, screen) = json(ONE);
    assert_eq!(protection[0]["system"], "bigtable");
    assert_eq!(protection[0]["under"]["bigtable.a.clusters.east"], "keys.east");
    let rules = |classes: &str| -> Vec<String> {
        let classes = protection[0][classes].as_array().unwrap();
        classes.iter().map(|class| class["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rules("covered"), ["BT-10", "BT-21"]);
    assert_eq!(rules("uncovered"), ["BT-11"; 4]);
    assert!(screen.contains("on SSD and on HDD [BT-10]"), "{screen}");
    assert!(screen.contains("debugging data"), "{screen}");
    // Where nothing is under a key, there is nothing to say.
    let (protection, screen) = json("[bigtable.a.clusters.east]\nzone = \"us-east1-b\"\n");
    assert_eq!(protection, serde_json::json!([]));
    assert!(!screen.contains("HDD"));
}

#[test]
fn bt_11_every_class_of_data_has_a_rule_of_the_list() {
    let all = cmeksim::systems::ALL.iter().filter_map(|system| system.protects);
    for protection in all {
        for (data, rule) in protection.covered.iter().chain(protection.uncovered) {
            assert!(cmeksim::systems::rule(rule).is_some(), "{data}: {rule}");
        }
    }
}

#[test]
fn bt_17_a_key_is_set_on_clusters_only() {
    for table in ["bigtable.a", "bigtable.a.app-profiles.p", "bigtable.a.backups.b"] {
        let world = World::new("1h", ONE)
            .add("[bigtable.a.app-profiles.p]\nreads = \"1/s\"\nrouting = \"multi-cluster\"")
            .add("[bigtable.a.backups.b]\ncluster = \"east\"")
            .set(&format!("{table}.key=east"));
        assert_eq!(world.diagnostics(), ["never-possible"], "{table}");
        assert!(world.messages()[0].contains("(BT-17)"), "{table}");
    }
    for (what, rule) in [
        ("create-table instance=a key=east", "BT-17"),
        ("create-cluster instance=a cluster=east key=east", "BT-15"),
    ] {
        let world = World::new("1h", ONE).at("10m", what);
        assert_eq!(world.diagnostics(), ["never-possible"], "{what}");
        assert!(world.messages()[0].contains(rule), "{what}");
    }
}

#[test]
fn bt_18_the_key_of_a_cluster_can_never_be_changed() {
    for what in ["change-cluster-key", "set-cluster-key", "update-cluster"] {
        let world = World::new("1h", ONE).at("10m", &format!("{what} cluster=east key=east"));
        assert_eq!(world.diagnostics(), ["never-possible"], "{what}");
        assert!(world.messages()[0].contains("(BT-18)"), "{what}");
    }
}

#[test]
fn bt_19_keys_cannot_be_added_or_taken_away() {
    let world = World::new("1h", ONE).at("10m", "disable-cmek instance=a");
    assert_eq!(world.diagnostics(), ["never-possible"]);
    assert!(world.messages()[0].contains("(BT-19)"));
}

#[test]
fn bt_53_is_for_information_only() {
    // How the work is done has no effect: no event and no constant goes back to it.
    let sources = |rule: &str| {
        let systems = cmeksim::systems::ALL.iter();
        systems
            .flat_map(|s| s.actions.iter().map(|a| a.rule).chain(s.model.iter().map(|m| m.source)))
            .filter(|source| source.contains(rule))
            .count()
    };
    assert_eq!(sources("BT-53"), 0);
    assert!(sources("BT-27") > 0);
}

#[test]
fn kms_18_autokey_makes_one_key_per_resource_type_project_and_location() {
    let two = |second: &str| {
        format!(
            "{ONE}autokey_here = 1\n[keys.other]\nlocation = \"us-east1\"\nautokey = true\n\
             [bigtable.b]\n{second}\n[bigtable.b.clusters.east]\nzone = \"us-east1-c\"\n\
             key = \"other\"\n"
        )
        .replace("autokey_here = 1\n", "")
    };
    let world = |second: &str| World::new("1h", &two(second)).set("keys.east.autokey=true");
    assert_eq!(world("").diagnostics(), ["autokey-keys"]);
    // Another project has its own; a key that somebody made by hand does not count.
    assert!(world("project = \"p2\"").diagnostics().is_empty());
    assert!(world("").set("keys.other.autokey=false").diagnostics().is_empty());
    // It can be played, and what happens to a shared one happens to all.
    assert_eq!(world("").play().measure("bigtable.a.downtime"), 0.0);
}

#[test]
fn bt_15_a_key_path_has_the_form_of_the_cloud_and_names_the_location() {
    let path = |path: &str| World::new("1h", ONE).set(&format!("keys.east.path={path}"));
    let good = "projects/p/locations/us-east1/keyRings/r/cryptoKeys/k";
    assert!(path(good).diagnostics().is_empty());
    for wrong in ["k", "projects/p/locations/us-east1/keyRings/r", "projects/p/keys/k"] {
        let world = path(wrong);
        assert_eq!(world.diagnostics(), ["key-path"], "{wrong}");
        let text = format!("Cloud KMS key {wrong} cannot be validated.");
        assert!(world.messages()[0].ends_with(&text), "{wrong}");
    }
    let elsewhere = "projects/p/locations/us-west1/keyRings/r/cryptoKeys/k";
    assert_eq!(path(elsewhere).diagnostics(), ["key-path-location"]);
    let twice = World::new("1h", THREE)
        .set("keys.west.location=us-east1")
        .set("bigtable.a.clusters.west.zone=us-east1-c")
        .set(&format!("keys.east.path={good}"))
        .set(&format!("keys.west.path={good}"));
    assert_eq!(twice.diagnostics(), ["key-path-taken"]);
}
