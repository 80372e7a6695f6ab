//! What else is documented of keys: their deletion, deadlines, what is promised and advised, what
//! admin operations meet, limits of quotas, when the clock of a fault starts.

use crate::world::{ONE, THREE, World, secs, seeds};

/// One cluster on an external key.
const EXTERNAL: &str = r#"
[ekm.safe]
[keys.east]
location = "us-east1"
protection = "external"
ekm = "safe"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
"#;

/// The notes of a key by a rule.
fn noted(played: &crate::world::Played, rule: &str) -> Vec<f64> {
    let own = played.noted("keys.east").into_iter().filter(|(_, id)| *id == rule);
    own.map(|(at, _)| at).collect()
}

#[test]
fn kms_08_a_key_of_destroyed_versions_can_be_deleted_and_nobody_notices() {
    let world = World::new("60h", ONE)
        .set("keys.east.destroy-wait=1d")
        // Enabled, then scheduled for destruction (at 26 h): refused.
        .at("1h", "delete-key key=east")
        .at("2h", "schedule-destroy key=east")
        .at("3h", "delete-key key=east")
        .at("30h", "delete-key key=east")
        // It is there no more.
        .at("31h", "create-version key=east")
        .at("32h", "delete-key key=east");
    let played = world.play();
    assert_eq!(noted(&played, "KMS-08"), [1.0, 3.0, 30.0, 31.0, 32.0].map(|h| h * 3_600.0));
    assert_eq!(played.transitions("keys.east").last(), Some(&(secs("26h"), "destroyed", "KMS-02")));
    // Two refusals and the schedule; one version and the key; two that are not found.
    assert_eq!(played.measure("keys.east.admin-activity-entries"), 7.0);
    // What was imported can be imported again, so it cannot be deleted.
    let imported = world.set("keys.east.imported=true").play();
    assert_eq!(noted(&imported, "KMS-08"), [1.0, 3.0, 30.0, 32.0].map(|h| h * 3_600.0));
    assert_eq!(imported.state_at("keys.east", "31h"), "no-primary");
    // Versions that never got material can go.
    let failed = World::new("5h", ONE)
        .set("keys.east.versions=[\"generation-failed\", \"import-failed\"]")
        .at("1h", "delete-key key=east")
        .at("2h", "rotate-key key=east")
        .play();
    assert_eq!(failed.state_at("keys.east", "4h"), "denying");
}

#[test]
fn kms_15_changes_of_policies_take_seconds_or_minutes_and_never_more_than_an_hour() {
    let world =
        World::with_defaults("3h", ONE).at("1h", "revoke-grant key=east principal=bigtable-agent");
    let after = |world: &World, seed| {
        let all = world.seeded(seed).transitions("keys.east.grants.bigtable-agent");
        all.iter().find(|(_, state, _)| *state == "revoked").unwrap().0 - 3_600.0
    };
    let mut delays: Vec<f64> = seeds(100).map(|seed| after(&world, seed)).collect();
    delays.sort_by(f64::total_cmp);
    assert!(delays[0] > 0.0 && delays[99] <= 3_600.0, "{delays:?}");
    // Median 2 min; sigma = ln(7/2) / 1.645 = 0.762, so that of 100 is off by e^0.38 at the most.
    assert!(delays[50] > 82.0 && delays[50] < 176.0, "{}", delays[50]);
    // The older pages.
    assert_eq!(after(&world.set("model.kms.policy-propagation=5s"), 1), 5.0);
}

#[test]
fn kms_31_hazards_beyond_the_sla_are_a_warning() {
    let hazard = |name: &str, every: &str, more: &str| {
        format!(
            "[[hazards]]\nname = \"{name}\"\ndo = \"kms-outage\"\nevery.exponential.mean = \"{every}\"\n\
             lasts = \"30m\"\n{more}\n"
        )
    };
    let found = |hazards: &str| World::new("1h", ONE).add(hazards).diagnostics();
    let east = "location = \"us-east1\"";
    // 30 min in 180 d and 30 min are 0.0116 %, in 250 d 0.0083 %.
    assert_eq!(found(&hazard("a", "180d", east)), ["kms-availability"]);
    assert!(found(&hazard("a", "250d", east)).is_empty());
    assert_eq!(found(&hazard("a", "180d", "location = \"everywhere\"")), ["kms-availability"]);
    // Each by itself; KMS-32: up to 10 % of errors are no downtime.
    let two = hazard("a", "250d", east) + &hazard("b", "250d", east);
    assert!(found(&two).is_empty());
    let mild = format!("{east}\nerror-fraction = 0.1");
    assert!(found(&hazard("a", "1d", &mild)).is_empty());
    let bad = format!("{east}\nerror-fraction = 0.11");
    assert_eq!(found(&hazard("a", "1d", &bad)), ["kms-availability"]);
}

#[test]
fn kms_33_a_call_that_takes_longer_than_ten_seconds_has_no_answer() {
    // From 1 h on: no contact for an hour, then 2 min of ramp.
    let slow = |latency: &str| {
        World::new("6h", ONE).during(
            "1h",
            "2h",
            &format!("kms-latency location=us-east1 latency={latency}"),
        )
    };
    slow("10s").play().expect("kms.us-east1", &[]);
    let played = slow("10001ms").play();
    played
        .expect("kms.us-east1", &[("1h", "unavailable", "KMS-33"), ("3h", "available", "KMS-33")]);
    assert_eq!(played.measure("keys.east.unreachable-time"), 7_200.0);
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 1m"), "cached");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 2m"), "offline");
    slow("10001ms").set("model.kms.call-deadline=11s").play().expect("kms.us-east1", &[]);
    // Half of the calls too late: one in 32 of five tries. An outage of a part comes on top.
    let half = World::new("6h", ONE).add(
        "[[events]]\nat = \"1h\"\nlasts = \"2h\"\ndo = \"kms-latency\"\nlocation = \"us-east1\"\n\
         latency.uniform = { from = \"0s\", to = \"20s\" }\n",
    );
    let played = half.clone().during("2h", "2h", "kms-outage location=us-east1").play();
    assert_eq!(played.noted("kms.us-east1"), [(secs("3h"), "KMS-33")]);
    played.expect(
        "kms.us-east1",
        &[
            ("1h", "degraded", "KMS-33"),
            ("2h", "unavailable", "BT-43"),
            ("4h", "available", "BT-43"),
        ],
    );
    assert!(half.play().story().contains("3.125 % of the requests fail by the deadline"));
}

#[test]
fn ekm_10_a_manager_that_is_less_available_than_cloud_kms_is_a_warning() {
    let manager = |params: &str| {
        format!(
            "[ekm.safe]\n{params}\n[keys.east]\nlocation = \"us-east1\"\nprotection = \"external\"\n\
             ekm = \"safe\"\n"
        )
    };
    let world = |params: &str| World::new("1h", &manager(params));
    let warned =
        |world: World| world.diagnostics().into_iter().any(|code| code == "manager-availability");
    // One of 1 h in 721 h: 99.86 %; two of which one is enough: 99.9998 %, of which both are
    // needed: 99.72 %.
    let life = "replica-failure.exponential.mean = \"30d\"\nreplica-repair = \"1h\"\n";
    assert!(warned(world(life)));
    assert!(!warned(world(&format!("replicas = 2\n{life}"))));
    assert!(warned(world(&format!("replicas = 2\nreplicas-needed = 2\n{life}"))));
    let link = "link-failure.exponential.mean = \"30d\"\nlink-repair = \"1h\"\n";
    assert!(warned(world(link)));
    assert!(!warned(world(&format!("links = 2\n{link}"))));
    // 2 of 3: 1 - 3 q^2 (1 - q) - q^3 with q = 1/721: 99.9994 %.
    assert!(!warned(world(&format!("replicas = 3\nreplicas-needed = 2\n{life}"))));
    // Latency, and hazards of the scenario.
    assert!(!warned(world("")));
    assert!(warned(world("latency.uniform = { from = \"0s\", to = \"300ms\" }\n")));
    let hazard = "[[hazards]]\nname = \"down\"\ndo = \"ekm-outage\"\nekm = \"safe\"\n\
                  every = \"100d\"\nlasts = \"1h\"\n";
    assert!(warned(world("").add(hazard)));
    let told = world(life).messages().join("\n");
    assert!(told.contains("answers 99.8613 % of the time"), "{told}");
}

/// Two clusters of one instance, with keys or without, and a profile that reads and writes.
fn baseline(keys: bool) -> World {
    let mut text = String::new();
    for (cluster, region) in [("east", "us-east1"), ("west", "us-west1")] {
        let zone = format!("[bigtable.a.clusters.{cluster}]\nzone = \"{region}-b\"\n");
        let key = format!("[keys.{cluster}]\nlocation = \"{region}\"\n{zone}key = \"{cluster}\"\n");
        text += if keys { &key } else { &zone };
    }
    text += "[bigtable.a.app-profiles.p]\nreads = \"70/s\"\nwrites = \"1000/s\"\n\
             prefers = [\"east\"]\n";
    World::new("10h", &text)
}

#[test]
fn bt_02_without_a_fault_an_instance_with_keys_does_what_one_without_does() {
    let [with, without] = [baseline(true), baseline(false)].map(|world| {
        world.at("1h", "create-table instance=a").during(
            "2h",
            "1h",
            "replication-partition instance=a cluster=east",
        )
    });
    let (with, without) = (with.play(), without.play());
    let of_keys = ["kms-operations", "operations-cost-usd", "sweeps"];
    let mut compared = 0;
    for (path, value) in without.outcome.measures.iter() {
        let (_, name) = path.rsplit_once('.').unwrap();
        if !of_keys.contains(&name) {
            assert_eq!(with.outcome.measures[path], value, "{path}");
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
    assert_eq!(without.measure("bigtable.a.app-profiles.p.requests"), 1_070.0 * 36_000.0);
    // What it adds: operations and their price, and a way to fail.
    assert!(with.measure("bigtable.a.sweeps") > 0.0);
    assert_eq!(without.measure("bigtable.a.sweeps"), 0.0);
}

#[test]
fn bt_04_performance_is_comparable_unless_the_model_says_otherwise() {
    // Found at 1 h 5 min: 1,000 writes a second, each 10 s on its way (or twice, or half as long).
    // Enabled again before the cascade takes the other cluster, which has nobody left to be behind.
    let world = baseline(true).at("1h", "disable-key key=east").at("1h 10m", "enable-key key=east");
    for (factor, expected) in [("1.0", 10_000.0), ("2.0", 20_000.0), ("0.5", 5_000.0)] {
        let set = format!("model.bigtable.cmek-latency-factor={factor}");
        let played = world.clone().set(&set).play();
        played.about("bigtable.a.writes-at-risk", expected);
    }
    let played = world.set("model.bigtable.cmek-latency-factor=0.0").play();
    assert_eq!(played.measure("bigtable.a.writes-at-risk"), 0.0);
}

#[test]
fn ekm_09_an_admin_operation_that_meets_the_denial_makes_it_stick() {
    // No table, so no validation.
    let world = |horizon: &str| {
        World::new(horizon, EXTERNAL)
            .set("bigtable.a.tables=0")
            .during("1h", "1h", "ekm-deny key=east")
            .at("3h", "enable-key key=east")
            .add("[bigtable.a.backups.old]\ncluster = \"east\"\n")
            .add("[bigtable.a.backups.new]\ncluster = \"east\"\ninitially = \"absent\"\n")
            .add(
                "[bigtable.a.clusters.twin]\nzone = \"us-east1-c\"\nkey = \"east\"\n\
                 initially = \"absent\"\n",
            )
            .add(
                "[keys.west]\nlocation = \"us-west1\"\n[bigtable.b.clusters.west]\n\
                 zone = \"us-west1-a\"\nkey = \"west\"\n",
            )
    };
    world("5h")
        .play()
        .expect("keys.east", &[("1h", "denying", "EKM-08"), ("2h", "enabled", "EKM-08")]);
    let sticks = [
        ("1h", "denying", "EKM-08"),
        ("1h 10m", "disabled", "EKM-09"),
        ("3h", "enabled", "KMS-09"),
    ];
    for operation in [
        "create-backup instance=a backup=new",
        "create-cluster instance=a cluster=twin",
        "restore-table instance=a backup=old",
        "restore-table instance=a backup=old into=b",
    ] {
        let world = world("5h").at("1h 10m", operation);
        world.play().expect("keys.east", &sticks);
        let mild = world.set("model.kms.manager-denial-sticks=false").play();
        mild.expect("keys.east", &[("1h", "denying", "EKM-08"), ("2h", "enabled", "EKM-08")]);
    }
    // What never gets as far as the key does not: tables are deleted without it.
    let deletes = world("5h").set("bigtable.a.tables=1").set("bigtable.a.tables=0");
    let played = deletes.at("1h 10m", "delete-backup instance=a backup=old").play();
    assert_eq!(played.state_at("keys.east", "2h"), "enabled");
}

#[test]
fn bt_36_a_cluster_that_was_deleted_can_be_created_again() {
    let world = World::new("4h", THREE)
        .at("1h", "delete-cluster instance=a cluster=east")
        .at("2h", "create-cluster instance=a cluster=east");
    let played = world.play();
    played.expect(
        "bigtable.a.clusters.east",
        &[("1h", "absent", "BT-36"), ("2h", "serving", "BT-15")],
    );
    // 48 rounds each; without it from 1 h to 2 h.
    assert_eq!(played.measure("bigtable.a.sweeps"), 48.0 + 48.0 + 36.0);
    assert_eq!(played.transitions("bigtable.a"), []);
    // It is validated and goes down as any other.
    let played = world.at("3h", "disable-key key=east").play();
    assert_eq!(
        played.transitions("bigtable.a.clusters.east").last(),
        Some(&(secs("3h 5m"), "disabled", "BT-29"))
    );
    // What is deleted with its instance stays so.
    let played = World::new("4h", THREE)
        .at("1h", "delete-cluster instance=a cluster=east")
        .at("2h", "delete-instance instance=a")
        .at("3h", "create-cluster instance=a cluster=east")
        .at("3h", "create-cluster instance=a cluster=west")
        .play();
    assert_eq!(played.state_at("bigtable.a.clusters.east", "3h 30m"), "absent");
    assert_eq!(played.state_at("bigtable.a.clusters.west", "3h 30m"), "deleted");
}

#[test]
fn kms_17_a_rotation_that_harms_nothing_does_not_start_the_clock() {
    let first_error = "bigtable.a.time-to-first-error";
    // Disabled at 2 h, found at 2 h 5 min: 5 min, whether the key has rotated before or not.
    let world = World::new("10h", ONE)
        .set("model.kms.primary-propagation=1h")
        .set("keys.east.rotation-period=1d")
        .set("keys.east.next-rotation=1h")
        .at("3h", "disable-key key=east");
    let played = world.play();
    assert_eq!(played.measure(first_error), 300.0);
    // By hand it is an event of the scenario: from 1 h on.
    let by_hand = World::new("10h", ONE)
        .at("1h", "rotate-key key=east")
        .at("3h", "disable-key key=east")
        .play();
    assert_eq!(by_hand.measure(first_error), 7_500.0);
    // The version that the rotation has made is disabled before callers know of it: at 2 h the key
    // has no usable primary version, and that goes back to the rotation.
    let harmful = world.at("1h 30m", "disable-key key=east version=2").play();
    assert_eq!(harmful.state_at("keys.east", "2h"), "no-primary");
    assert_eq!(harmful.measure(first_error), 7_500.0);
    // An automatic rotation alone: nothing to count from, and nothing to count.
    let alone = World::new("10h", ONE)
        .set("keys.east.rotation-period=1d")
        .set("keys.east.next-rotation=1h")
        .play();
    assert!(alone.is_undefined(first_error));
}

#[test]
fn kms_01_what_is_denied_from_the_start_is_told_and_starts_the_clock_if_it_harms() {
    let played = World::new("10h", THREE).set("keys.east.state=disabled").play();
    assert_eq!(played.noted("keys.east"), [(0.0, "KMS-01")]);
    // east at once, the others 30 min and 1 h later.
    assert_eq!(played.measure("bigtable.a.time-to-first-error"), 0.0);
    assert_eq!(played.measure("bigtable.a.time-to-lockout"), 3_600.0);
    let chain = played.chain("bigtable.a.clusters.west", "disabled");
    assert_eq!(chain.last(), Some(&("keys.east".to_owned(), "KMS-01")));
    // An old version that nobody needs harms nothing: from 1 h, found at 1 h 5 min.
    let old = World::new("10h", ONE)
        .set("keys.east.versions=[\"disabled\", \"enabled\"]")
        .at("1h", "disable-key key=east")
        .play();
    assert_eq!(old.measure("bigtable.a.time-to-first-error"), 300.0);
    // So with a role that is missing from the start.
    let grant = World::new("10h", ONE).set("keys.east.grants=[]").play();
    let chain = grant.chain("bigtable.a.clusters.east", "disabled");
    assert_eq!(chain.last(), Some(&("keys.east.grants.bigtable-agent".to_owned(), "BT-16")));
    assert_eq!(grant.measure("bigtable.a.time-to-lockout"), 0.0);
}

#[test]
fn kms_24_a_quota_can_have_a_limit_and_an_enforcement_of_its_own() {
    let hsm = |region: &str| {
        format!(
            "[keys.{region}]\nlocation = \"{region}\"\nprotection = \"hsm\"\n\
             [bigtable.{region}]\ntables = 1000\n[bigtable.{region}.clusters.c]\n\
             zone = \"{region}-b\"\nkey = \"{region}\"\n"
        )
    };
    let over = |played: &crate::world::Played, region: &str| {
        played.measure(&format!("quotas.{region}-hsm.over-quota-time"))
    };
    // 3,000 requests in the first second of each of 12 rounds; 500 are allowed.
    let two = World::new("1h", &(hsm("us-east1") + &hsm("us-west1")));
    let played = two.play();
    assert_eq!([over(&played, "us-east1"), over(&played, "us-west1")], [12.0, 12.0]);
    // One has a limit of its own, to the request.
    let own = two.add("[quotas.us-east1-hsm]\nlimit = \"3000/s\"\n");
    let played = own.play();
    assert_eq!([over(&played, "us-east1"), over(&played, "us-west1")], [0.0, 12.0]);
    let played = own.clone().set("quotas.us-east1-hsm.limit=2999/s").play();
    assert_eq!(over(&played, "us-east1"), 12.0);
    // Nothing allowed: no request has an answer.
    let played = own.clone().set("quotas.us-east1-hsm.limit=0/s").play();
    assert_eq!(played.state_at("keys.us-east1", "5m"), "unreachable");
    assert_eq!(played.state_at("keys.us-west1", "5m"), "impaired");
    // Soft by itself: told, and nothing refused.
    let soft = own.set("quotas.us-east1-hsm.limit=1/s").add("enforcement = \"soft\"\n").play();
    assert_eq!(over(&soft, "us-east1"), 12.0);
    assert_eq!(soft.state_at("keys.us-east1", "5m"), "enabled");
    assert_eq!(soft.state_at("keys.us-west1", "5m"), "impaired");
    // A project is part of the name; others are nobody's.
    let project = World::new("1h", &hsm("us-east1")).set("keys.us-east1.project=p");
    let named = project.clone().add("[quotas.us-east1-hsm-in-p]\nlimit = \"3000/s\"\n").play();
    assert_eq!(named.measure("quotas.us-east1-hsm-in-p.over-quota-time"), 0.0);
    let nobody = project.add("[quotas.us-east1-hsm]\nlimit = \"3000/s\"\n");
    assert_eq!(nobody.diagnostics(), ["unused-quota"]);
}

#[test]
fn kms_01_a_key_whose_next_version_is_being_made_is_not_destroyed() {
    // Bound to version 2, which has its material after 10 min: down at 0, back from 10 min on, and
    // brought up at 20 min. Version 1 was destroyed long ago.
    let played = World::new("5h", ONE)
        .set("keys.east.versions=[\"destroyed\", \"pending-generation\"]")
        .set("model.kms.generation-time=10m")
        .play();
    assert_eq!(played.state_at("keys.east", "0s"), "denying");
    played.expect(
        "bigtable.a",
        &[("0s", "disabled", "BT-29"), ("10m", "degraded", "BT-38"), ("20m", "serving", "BT-39")],
    );
    // One whose generation has failed is no future: the key is gone.
    let failed = World::new("5h", ONE)
        .set("keys.east.versions=[\"destroyed\", \"generation-failed\"]")
        .play();
    assert_eq!(failed.state_at("bigtable.a", "0s"), "inaccessible");
}

#[test]
fn bt_22_a_backup_does_not_care_for_the_versions_before_its_own() {
    let world = World::new("5h", ONE).add("[bigtable.a.backups.old]\ncluster = \"east\"\n");
    let played =
        world.clone().set("keys.east.versions=[\"disabled\", \"destroyed\", \"enabled\"]").play();
    played.expect("bigtable.a.backups.old", &[]);
    assert_eq!(played.measure("bigtable.a.recovery-points-available"), 1.0);
    // Of a version that is denied, an outage of a part of the requests lets none through.
    let played = world
        .set("keys.east.versions=[\"enabled\", \"enabled\"]")
        .set("bigtable.a.backups.old.key-version=1")
        .at("1h", "disable-key key=east version=1")
        .during("2h", "1h", "kms-outage location=us-east1 error-fraction=0.5")
        .play();
    played.expect("bigtable.a.backups.old", &[("1h 30s", "unusable", "BT-22")]);
}

#[test]
fn ekm_01_behind_a_manager_that_is_down_no_request_has_an_answer() {
    // Cloud KMS itself loses some as well: whoever gets through meets the manager.
    let played = World::new("5h", EXTERNAL)
        .during("1h", "2h", "ekm-outage ekm=safe")
        .during("2h", "2h", "kms-outage location=us-east1 error-fraction=0.3")
        .play();
    played.expect(
        "keys.east",
        &[
            ("1h", "unreachable", "EKM-01"),
            ("3h", "impaired", "EKM-01"),
            ("4h", "enabled", "BT-43"),
        ],
    );
    assert_eq!(played.measure("keys.east.unreachable-time"), 7_200.0);
}
