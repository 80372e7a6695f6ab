//! Request quotas of hardware and external keys.

use crate::world::{World, secs};

/// A cluster of `tables` tables on a key of this protection level.
fn cluster(protection: &str, tables: u32) -> String {
    let mut text = format!("[keys.east]\nlocation = \"us-east1\"\nprotection = \"{protection}\"\n");
    if protection.starts_with("external") {
        text.push_str("ekm = \"safe\"\n[ekm.safe]\n");
    }
    text + &format!(
        "[bigtable.a]\ntables = {tables}\n[bigtable.a.clusters.east]\nzone = \"us-east1-b\"\n\
         key = \"east\"\n"
    )
}

/// A key that direct callers ask so many times a second, and nobody else.
fn direct(protection: &str, rate: &str) -> String {
    let mut text = format!(
        "[keys.east]\nlocation = \"us-east1\"\nprotection = \"{protection}\"\ndirect-load = \"{rate}\"\n"
    );
    if protection.starts_with("external") {
        text.push_str("ekm = \"safe\"\n[ekm.safe]\n");
    }
    text
}

const HSM: &str = "quotas.us-east1-hsm";
const EXTERNAL: &str = "quotas.us-east1-external";

#[test]
fn kms_21_the_number_of_versions_is_not_what_is_limited() {
    // But this model keeps 4,096 of a key.
    let versions = vec!["\"enabled\""; 4_095].join(", ");
    let key = format!("[keys.east]\nlocation = \"us-east1\"\nversions = [{versions}]\n");
    let played = World::new("10h", &key)
        .at("1h", "create-version key=east")
        .at("2h", "create-version key=east")
        .play();
    let told = played.notes("keys.east");
    assert_eq!((told[0].0, told[0].1), (secs("1h"), "KMS-01"));
    assert_eq!((told[1].0, told[1].1), (secs("2h"), "KMS-21"));
}

#[test]
fn kms_22_the_project_of_the_key_pays_for_all_callers() {
    // 100 tables x 3 operations in 300 s are one request a second and cluster.
    let world = World::new("10h", &cluster("hsm", 100))
        .set("model.bigtable.sweep-phase=spread")
        .set("model.kms.quota-hsm=1.5/s");
    world.play().expect(HSM, &[]);
    // Direct callers add to it for as long as they do, here from 1 h to 3 h; at 1.5 the quota is
    // used up and not exceeded.
    let used = world.clone().during("1h", "2h", "key-load key=east rate=0.5/s").play();
    used.expect(HSM, &[]);
    let played = world
        .during("1h", "2h", "key-load key=east rate=0.5/s")
        .during("2h", "30m", "key-load key=east rate=1/s")
        .play();
    played.expect(HSM, &[("2h", "over-quota", "KMS-24"), ("2h 30m", "within-quota", "KMS-24")]);
    assert_eq!(
        played.chain(HSM, "over-quota"),
        [(HSM.to_owned(), "KMS-24"), ("keys.east".to_owned(), "KMS-22")]
    );
    assert_eq!(played.measure("quotas.us-east1-hsm.over-quota-time"), secs("30m"));
    // 2.5 requests a second, 1.5 allowed.
    let told = played.story();
    assert!(told.contains("2.5 requests in a second, 1.5 allowed: 40 % are refused"), "{told}");
}

#[test]
fn kms_22_tables_and_clusters_that_come_and_go_change_the_load() {
    // 50 tables x 3 operations in 300 s: half a request a second and cluster; 1.2 are allowed.
    let two = cluster("hsm", 50)
        + "[bigtable.a.clusters.twin]\nzone = \"us-east1-c\"\nkey = \"east\"\ninitially = \"absent\"\n";
    for phase in ["spread", "random"] {
        let played = World::new("20h", &two)
            .set(&format!("model.bigtable.sweep-phase={phase}"))
            .set("model.kms.quota-hsm=1.2/s")
            // One request a second.
            .at("1h", "create-table instance=a count=50")
            // One and a half.
            .at("2h", "create-table instance=a count=50")
            // One again, then two by the second cluster, then one.
            .at("3h", "delete-table instance=a count=50")
            .at("4h", "create-cluster instance=a cluster=twin")
            .at("5h", "delete-cluster instance=a cluster=twin")
            .at("6h", "create-table instance=a count=100")
            .at("7h", "delete-instance instance=a")
            .play();
        let told: Vec<_> = played.transitions(HSM).iter().map(|t| (t.0, t.1)).collect();
        let expected = [
            ("2h", "over-quota"),
            ("3h", "within-quota"),
            ("4h", "over-quota"),
            ("5h", "within-quota"),
            ("6h", "over-quota"),
            ("7h", "within-quota"),
        ];
        assert_eq!(told, expected.map(|(at, state)| (secs(at), state)), "{phase}");
    }
}

#[test]
fn kms_23_direct_callers_have_a_quota_of_their_own_which_is_told() {
    // 60,000 a minute are 1,000 a second, whatever the protection level.
    for protection in ["software", "hsm"] {
        let world = |rate: &str| World::new("1h", &direct(protection, rate));
        assert!(world("1000/s").diagnostics().is_empty());
        assert_eq!(world("1001/s").diagnostics(), ["calling-project-quota"]);
        assert_eq!(world("60001/min").diagnostics(), ["calling-project-quota"]);
    }
    let both = "[keys.a]\nlocation = \"us-east1\"\ndirect-load = \"600/s\"\n\
                [keys.b]\nlocation = \"us-west1\"\ndirect-load = \"600/s\"\n";
    assert_eq!(World::new("1h", both).diagnostics(), ["calling-project-quota"]);
    let event = World::new("5h", &direct("software", "1/s"));
    let found = event.during("1h", "1h", "key-load key=east rate=2000/s").diagnostics();
    assert_eq!(found, ["calling-project-quota"]);
}

#[test]
fn kms_24_aligned_validations_meet_the_quota_in_one_second_of_each_period() {
    // 1,000 tables x 3 operations at once: 3,000 in one second of every 300, from the start on.
    let world = World::new("1h", &cluster("hsm", 1_000));
    let played = world.play();
    assert_eq!(played.measure("quotas.us-east1-hsm.over-quota-time"), 12.0);
    for (at, quota, key) in [
        ("0s", "over-quota", "impaired"),
        ("1s", "within-quota", "enabled"),
        ("4m 59s", "within-quota", "enabled"),
        ("5m", "over-quota", "impaired"),
        ("5m 1s", "within-quota", "enabled"),
    ] {
        assert_eq!(played.state_at(HSM, at), quota, "{at}");
        assert_eq!(played.state_at("keys.east", at), key, "{at}");
    }
    let told = played.story();
    let refused = "3000 requests in a second, 500 allowed: 83.3333 % are refused";
    assert!(told.contains(refused), "{told}");
    // Some calls of each burst succeed, so the grace never runs out.
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
    // As many as allowed are not too many, and one more is.
    world.clone().set("model.kms.quota-hsm=3000/s").play().expect(HSM, &[]);
    let played = world.clone().set("model.kms.quota-hsm=2999/s").play();
    assert_eq!(played.measure("quotas.us-east1-hsm.over-quota-time"), 12.0);
    // The same load spread over the period is 10 a second.
    world.set("model.bigtable.sweep-phase=spread").play().expect(HSM, &[]);
}

#[test]
fn kms_24_bursts_come_on_top_of_what_is_asked_all_the_time() {
    // 100 tables: 300 at once. Direct callers add 250: over in the seconds of the bursts. From 30 m
    // on they add 350 more: over all the time, 900 in the bursts.
    let played = World::new("1h", &cluster("hsm", 100))
        .set("keys.east.direct-load=250/s")
        .during("30m", "1h", "key-load key=east rate=350/s")
        .play();
    // Bursts at 0, 5, ..., 25 min.
    assert_eq!(played.measure("quotas.us-east1-hsm.over-quota-time"), 6.0 + 1_800.0);
    let told = played.story();
    assert!(told.contains("550 requests in a second, 500 allowed: 9.0909 % are refused"), "{told}");
    assert!(told.contains("600 requests in a second, 500 allowed: 16.6667 % are"), "{told}");
    assert!(told.contains("900 requests in a second, 500 allowed: 44.4444 % are"), "{told}");
    // Periods of a second or less are no bursts: 3 operations of one table in each second.
    let played = World::new("1m", &cluster("hsm", 1))
        .set("model.bigtable.sweep-period=1s")
        .set("model.kms.quota-hsm=2/s")
        .play();
    assert_eq!(played.measure("quotas.us-east1-hsm.over-quota-time"), 60.0);
}

#[test]
fn kms_25_hsm_keys_may_get_500_requests_a_second() {
    assert_eq!(
        World::new("1h", &direct("hsm", "500/s")).play().state_at(HSM, "0s"),
        "within-quota"
    );
    let over = World::new("1h", &direct("hsm", "501/s")).play();
    assert_eq!(over.state_at(HSM, "0s"), "over-quota");
    assert_eq!(over.state_at("keys.east", "0s"), "impaired");
    assert_eq!(over.measure("quotas.us-east1-hsm.over-quota-time"), 3_600.0);
}

#[test]
fn kms_26_external_keys_have_a_smaller_quota_of_their_own() {
    for protection in ["external", "external-vpc"] {
        let played = World::new("1h", &direct(protection, "100/s")).play();
        assert_eq!(played.state_at(EXTERNAL, "0s"), "within-quota");
        let played = World::new("1h", &direct(protection, "101/s")).play();
        assert_eq!(played.state_at(EXTERNAL, "0s"), "over-quota");
        assert_eq!(played.state_at("keys.east", "0s"), "impaired");
        // Cloud KMS refuses before the manager is asked.
        assert_eq!(played.state_at("ekm.safe", "0s"), "available");
    }
}

#[test]
fn kms_27_soft_enforcement_answers_what_exceeds_the_quota() {
    let played =
        World::new("1h", &direct("hsm", "900/s")).set("model.kms.quota-enforcement=soft").play();
    assert_eq!(played.measure("quotas.us-east1-hsm.over-quota-time"), 3_600.0);
    assert_eq!(played.noted(HSM), [(0.0, "KMS-27")]);
    played.expect("keys.east", &[]);
}

#[test]
fn df_28_software_keys_use_no_quota() {
    let played = World::new(
        "1h",
        &(direct("software", "999/s")
            + "[keys.h]\nlocation = \"us-east1\"\nprotection = \"hsm\"\n"),
    )
    .during("10m", "10m", "key-load key=everywhere rate=400/s")
    .play();
    played.expect("keys.east", &[]);
    assert_eq!(played.noted("keys.east"), [(600.0, "DF-28"), (1_200.0, "DF-28")]);
    // What they are asked counts against no other key's quota either.
    played.expect(HSM, &[]);
}

#[test]
fn df_29_each_project_location_and_level_has_a_quota() {
    let key = |name: &str, rest: &str| format!("[keys.{name}]\ndirect-load = \"90/s\"\n{rest}\n");
    let hsm = "protection = \"hsm\"\nlocation = \"us-east1\"";
    let west = "protection = \"hsm\"\nlocation = \"us-west1\"";
    let external = "protection = \"external\"\nekm = \"safe\"\nlocation = \"us-east1\"";
    let text = format!(
        "[ekm.safe]\n{}{}{}{}{}",
        key("one", hsm),
        key("two", hsm),
        key("west", west),
        key("elsewhere", &format!("{hsm}\nproject = \"prod\"")),
        key("outside", external),
    );
    // Only the two keys of one domain make more than 100 a second together.
    let played = World::new("1h", &text).set("model.kms.quota-hsm=100/s").play();
    let over = |quota: &str| played.measure(&format!("quotas.{quota}.over-quota-time"));
    assert_eq!(over("us-east1-hsm"), 3_600.0);
    for quota in ["us-west1-hsm", "us-east1-hsm-in-prod", "us-east1-external"] {
        assert_eq!(over(quota), 0.0, "{quota}");
    }
    for (name, state) in [
        ("one", "impaired"),
        ("two", "impaired"),
        ("west", "enabled"),
        ("elsewhere", "enabled"),
        ("outside", "enabled"),
    ] {
        assert_eq!(played.state_at(&format!("keys.{name}"), "30m"), state, "{name}");
    }
    let named = World::new("1h", &key("one", &format!("{hsm}\nproject = \"a.b\"")));
    assert_eq!(named.diagnostics(), ["project-form"]);
}

#[test]
fn q_17_what_exceeds_a_quota_is_unreachable_and_not_denied() {
    // The sweep of one table is 3 requests, as many as allowed. From 1 h 2 m on three in a million
    // are answered: found at 1 h 5 m, the grace ends at 2 h 5 m, offline after a ramp of 2 min.
    let played = World::new("10h", &cluster("hsm", 1))
        .set("model.kms.quota-hsm=3/s")
        .during("1h 2m", "5h", "key-load key=east rate=1000000/s")
        .play();
    assert_eq!(played.state_at("keys.east", "1h 1m"), "enabled");
    assert_eq!(played.state_at("keys.east", "1h 2m"), "impaired");
    assert_eq!(played.measure("keys.east.denied-time"), 0.0);
    assert_eq!(played.state_at("bigtable.a.clusters.east", "1h 5m"), "cached");
    assert_eq!(played.state_at("bigtable.a", "2h 6m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "2h 7m"), "offline");
    assert_eq!(played.chain("bigtable.a", "offline").last().unwrap().1, "KMS-22");
    // A quota of nothing leaves every request without an answer.
    let none = World::new("1h", &direct("hsm", "1/s")).set("model.kms.quota-hsm=0/s").play();
    assert_eq!(none.measure("keys.east.unreachable-time"), 3_600.0);
    // Together with an outage of half of the requests: 1 - 0.5 x 0.5.
    let played = World::new("10h", &direct("hsm", "1000/s"))
        .during("1h", "1h", "kms-outage location=us-east1 error-fraction=0.5")
        .play();
    assert_eq!(played.state_at("keys.east", "1h 30m"), "impaired");
}

#[test]
fn kms_22_buckets_and_datasets_count_too() {
    let text = "[keys.eu]\nlocation = \"europe-west1\"\nprotection = \"hsm\"\n\
                [storage.temp]\nkey = \"eu\"\nrequests = \"4/s\"\n\
                [bigquery.sales]\nkey = \"eu\"\nqueries = \"3/s\"\n";
    // Seven a second; seven and a half from 1 h to 2 h.
    let played = World::new("10h", text)
        .set("model.kms.quota-hsm=7/s")
        .during("1h", "1h", "key-load key=eu rate=0.5/s")
        .play();
    let told: Vec<_> = played.transitions("quotas.europe-west1-hsm");
    assert_eq!(told, [(3_600.0, "over-quota", "KMS-24"), (7_200.0, "within-quota", "KMS-24")]);
}

#[test]
fn kms_24_bursts_go_back_to_the_load_that_makes_them() {
    // Over by the tables alone at each multiple of 5 min; from 7 min to 17 min by direct callers too.
    let played = World::new("1h", &cluster("hsm", 1_000))
        .during("7m", "10m", "key-load key=east rate=600/s")
        .play();
    let trace = &played.outcome.trace;
    let roots = |from: f64, to: f64| -> Vec<u32> {
        let within = trace.records.iter().enumerate().filter(|(_, record)| {
            let at = record.at.seconds();
            at >= from && at < to && record.rule == "KMS-24"
        });
        within.map(|(seq, _)| trace.root(seq as u32)).collect()
    };
    let (before, during, after) =
        (roots(0.0, 420.0), roots(420.0, 1_020.0), roots(1_021.0, 3_600.0));
    assert!(before.iter().all(|root| *root == before[0]) && before.len() == 4, "{before:?}");
    assert!(during.iter().all(|root| trace.records[*root as usize].rule == "KMS-22"), "{during:?}");
    assert!(after.iter().all(|root| *root == before[0]) && after.len() > 10, "{after:?}");
}
