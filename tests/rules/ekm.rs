//! External managers: replicas and links, latency against the timeout, denials that stick; reasons
//! that are refused; mistaken denials.

use crate::world::{World, secs, seeds};

/// A manager with these parameters, and a key in it that nothing depends on.
fn manager(params: &str) -> String {
    format!(
        "[ekm.safe]\n{params}\n[keys.east]\nlocation = \"us-east1\"\nprotection = \"external\"\n\
         ekm = \"safe\"\n"
    )
}

/// One cluster of one table on an external key.
fn cluster() -> String {
    manager("") + "[bigtable.a.clusters.east]\nzone = \"us-east1-b\"\nkey = \"east\"\n"
}

/// An action with a list among its parameters, as an event.
fn event(at: &str, lasts: &str, entry: &str) -> String {
    let lasts = if lasts.is_empty() { String::new() } else { format!("lasts = \"{lasts}\"\n") };
    format!("[[events]]\nat = \"{at}\"\n{lasts}{entry}\n")
}

#[test]
fn ekm_02_a_call_that_takes_longer_than_the_timeout_has_failed() {
    // 150 ms: a manager that always takes 150 ms answers, one that takes a little longer never does.
    let within = World::new("10h", &manager("latency = \"150ms\"")).play();
    within.expect("ekm.safe", &[]);
    within.expect("keys.east", &[]);
    let late = World::new("10h", &manager("latency = \"151ms\""));
    let played = late.play();
    assert_eq!(played.state_at("ekm.safe", "0s"), "unavailable");
    assert_eq!(played.measure("ekm.safe.downtime"), 36_000.0);
    assert_eq!(played.measure("keys.east.unreachable-time"), 36_000.0);
    // The timeout is a constant of the model.
    late.set("model.kms.ekm-timeout=151ms").play().expect("ekm.safe", &[]);
}

#[test]
fn ekm_02_the_usual_latency_makes_no_request_fail_that_is_tried_five_times() {
    // Lognormal, median 30 ms, p95 80 ms: sigma = ln(80/30) / 1.644854 = 0.596310, and 150 ms is
    // ln(5) / sigma = 2.69900 sigmas out: 0.3477 % of single calls. Five in a row: 5e-13, which
    // counts as none; two: 1.2e-5; three: 4.2e-8, none again.
    let world = World::new("1h", &manager(""));
    world.play().expect("ekm.safe", &[]);
    for (attempts, state) in [(1, "degraded"), (2, "degraded"), (3, "available")] {
        let played = world.clone().set(&format!("model.kms.ekm-attempts={attempts}")).play();
        assert_eq!(played.state_at("ekm.safe", "30m"), state, "{attempts}");
    }
    let once = world.set("model.kms.ekm-attempts=1").play();
    let (_, rule, detail) = once.notes("ekm.safe").remove(0);
    assert_eq!(rule, "EKM-02");
    assert_eq!(detail, "slow from the start: 0.3477 % of the requests fail by timeouts");
}

#[test]
fn kms_28_a_request_fails_only_if_each_of_its_tries_does() {
    // Uniform from 0 to 300 ms: every second call is too late, one in 2^n of n in a row.
    let half = manager("latency = { uniform = { from = \"0s\", to = \"300ms\" } }");
    for (attempts, lost) in [(1, "50 %"), (2, "25 %"), (5, "3.125 %"), (20, "none")] {
        let set = format!("model.kms.ekm-attempts={attempts}");
        let played = World::new("1h", &half).set(&set).play();
        let told = played.notes("ekm.safe");
        if lost == "none" {
            // One in 1,048,576 is less than one in a million.
            assert!(told.is_empty(), "{told:?}");
        } else {
            assert!(told[0].2.contains(&format!(" {lost} of the requests")), "{told:?}");
            assert_eq!(played.state_at("keys.east", "30m"), "impaired");
        }
    }
}

#[test]
fn kms_28_the_share_that_fails_is_the_share_of_sweeps_that_fail() {
    // One try, every second call too late; grace, ramp and bring-up zero: the cluster is down after
    // every sweep that fails. Share of 119 sweeps x 40 seeds: sd sqrt(0.25 / 4760) = 0.0072.
    let world = World::new("10h", &cluster())
        .set("model.kms.ekm-attempts=1")
        .set("model.bigtable.kms-grace=0s")
        .set("model.bigtable.offline-ramp=0s")
        .set("model.bigtable.bringup=0s")
        .add(&event(
            "2m",
            "20h",
            "do = \"ekm-latency\"\nekm = \"safe\"\nlatency.uniform = { from = \"0s\", to = \"300ms\" }",
        ));
    let down: f64 = seeds(40).map(|seed| world.seeded(seed).measure("bigtable.a.downtime")).sum();
    let share = down / (40.0 * 119.0 * 300.0);
    assert!((share - 0.5).abs() < 0.03, "{share}");
}

#[test]
fn ekm_03_a_degradation_shifts_the_latency_and_shows_as_failed_access() {
    let slow = |at: &str, lasts: &str, latency: &str| {
        event(at, lasts, &format!("do = \"ekm-latency\"\nekm = \"safe\"\nlatency = {latency}"))
    };
    let half = "{ uniform = { from = \"100ms\", to = \"200ms\" } }";
    let played = World::new("10h", &manager(""))
        .add(&slow("1h", "4h", half))
        // Slower than that for an hour, and one that is faster and so does not count.
        .add(&slow("2h", "1h", "\"2s\""))
        .add(&slow("4h", "2h", "\"10ms\""))
        .play();
    played.expect(
        "ekm.safe",
        &[
            ("1h", "degraded", "EKM-03"),
            ("2h", "unavailable", "EKM-03"),
            ("3h", "degraded", "EKM-03"),
            ("5h", "available", "EKM-03"),
        ],
    );
    played.expect(
        "keys.east",
        &[
            ("1h", "impaired", "EKM-01"),
            ("2h", "unreachable", "EKM-01"),
            ("3h", "impaired", "EKM-01"),
            ("5h", "enabled", "EKM-01"),
        ],
    );
    // Faster than usual instead of slow.
    let played =
        World::new("10h", &manager("latency = \"1s\"")).add(&slow("1h", "2h", "\"10ms\"")).play();
    assert_eq!(played.measure("ekm.safe.downtime"), secs("8h"));
    // With an outage of a part of the requests both count.
    let played = World::new("10h", &manager(""))
        .during("1h", "2h", "ekm-outage ekm=safe error-fraction=0.5")
        .add(&slow("1h 30m", "1h", "\"2s\""))
        .play();
    assert_eq!(played.measure("keys.east.unreachable-time"), secs("1h"));
}

#[test]
fn ekm_05_enough_replicas_must_be_up() {
    // Both fail after 10 h and are repaired after 1 h, at the same instants: one after the other.
    let life = "replica-failure = \"10h\"\nreplica-repair = \"1h\"\n";
    let world = World::new("24h", &manager(&format!("replicas = 2\n{life}")));
    let played = world.play();
    // 10 h to 11 h, and 21 h to 22 h.
    played.expect(
        "ekm.safe",
        &[
            ("10h", "unavailable", "EKM-05"),
            ("11h", "available", "EKM-05"),
            ("21h", "unavailable", "EKM-05"),
            ("22h", "available", "EKM-05"),
        ],
    );
    let told: Vec<String> = played.notes("ekm.safe").into_iter().map(|note| note.2).collect();
    assert_eq!(told[0], "replica 1 fails: 1 of 2 are up, 1 needed");
    assert_eq!(told[1], "replica 2 is repaired: 2 of 2 are up, 1 needed");
    assert_eq!(played.measure("keys.east.unreachable-time"), secs("2h"));
    // What was repaired goes back to what had failed.
    let chain = played.chain("ekm.safe", "available");
    assert_eq!(chain, vec![("ekm.safe".to_owned(), "EKM-05"); 2]);
    // Where both are needed, the first failure is enough.
    let both = world.set("ekm.safe.replicas-needed=2").play();
    assert_eq!(both.notes("ekm.safe")[0].2, "replica 2 fails: 0 of 2 are up, 2 needed");
    // Each replica has its own luck.
    let random = "replicas = 2\nreplica-failure = { exponential = { mean = \"10h\" } }\n\
                  replica-repair = \"1h\"\n";
    let played = World::new("200h", &manager(random)).play();
    let failed = |n: usize| {
        let all = played.story();
        all.lines().filter(|line| line.contains(&format!("replica {n} fails"))).count()
    };
    assert!(failed(1) > 5 && failed(2) > 5);
    assert!(played.measure("ekm.safe.downtime") < secs("20h"));
}

#[test]
fn ekm_05_one_replica_that_fails_is_a_warning() {
    let life = "replica-failure = \"10h\"\nreplica-repair = \"1h\"\n";
    let found = |params: &str| {
        let mut found = World::new("1h", &manager(params)).diagnostics();
        // Another warning, for which one of two replicas in eleven hours is too many (EKM-10).
        found.retain(|code| *code != "manager-availability");
        found
    };
    assert_eq!(found(life), ["single-replica"]);
    assert!(found(&format!("replicas = 2\n{life}")).is_empty());
    assert!(found("replicas = 1\n").is_empty());
    assert_eq!(found("replicas = 2\nreplicas-needed = 3\n"), ["needs-too-many"]);
    assert_eq!(found("links-needed = 2\n"), ["needs-too-many"]);
    assert_eq!(found("replicas = 2\nreplica-failure = \"10h\"\n"), ["failure-without-repair"]);
    assert_eq!(found("link-repair = \"10h\"\n"), ["failure-without-repair"]);
}

#[test]
fn ekm_06_links_are_in_series_with_replicas() {
    // The link is down at 4 h to 4 h 30 m, 8 h 30 m, 13 h, 17 h 30 m, 22 h to 22 h 30 m; the
    // replicas at 10 h to 11 h and 21 h to 22 h: 5 x 30 min + 2 x 1 h.
    let params = "replicas = 2\nreplica-failure = \"10h\"\nreplica-repair = \"1h\"\n\
                  link-failure = \"4h\"\nlink-repair = \"30m\"\n";
    let world = World::new("24h", &manager(params));
    let played = world.play();
    assert_eq!(played.measure("ekm.safe.downtime"), secs("4h 30m"));
    assert_eq!(played.transitions("ekm.safe")[0], (secs("4h"), "unavailable", "EKM-06"));
    // At 22 h the replicas are back at the instant at which the link fails.
    assert_eq!(played.measure("ekm.safe.outages"), 6.0);
    // A second link on the same schedule changes nothing; with an outage of the manager on top the
    // shares still add up to no more than everything.
    let played = world
        .set("ekm.safe.links=2")
        .during("4h 15m", "1h", "ekm-outage ekm=safe error-fraction=0.5")
        .play();
    assert_eq!(played.measure("ekm.safe.downtime"), secs("4h 30m"));
    assert_eq!(played.state_at("ekm.safe", "5h"), "degraded");
}

#[test]
fn ekm_07_a_key_behind_a_vpc_is_regional() {
    let world = World::new("1h", &manager("")).set("keys.east.protection=external-vpc");
    assert!(world.diagnostics().is_empty());
    for location in ["global", "us", "europe", "nam4", "nam-eur-asia1"] {
        let there = world.clone().set(&format!("keys.east.location={location}"));
        assert_eq!(there.diagnostics(), ["vpc-key-location"], "{location}");
        // The way through the internet is open to all.
        assert!(there.set("keys.east.protection=external").diagnostics().is_empty(), "{location}");
    }
    for location in ["northamerica-northeast1", "europe-west12", "me-central1"] {
        let there = world.clone().set(&format!("keys.east.location={location}"));
        assert!(there.diagnostics().is_empty(), "{location}");
    }
}

#[test]
fn bt_51_a_manager_supports_the_location_of_its_keys() {
    let found = |regions: &str| World::new("1h", &manager(regions)).diagnostics();
    assert!(found("regions = [\"us-west1\", \"us-east1\"]").is_empty());
    assert_eq!(found("regions = [\"us-west1\"]"), ["manager-region"]);
}

#[test]
fn ekm_08_a_denial_of_the_manager_looks_permanent_and_may_be_transient() {
    // Nobody asks: nothing sticks. Denied, not unreachable; other keys of the manager are granted.
    let other =
        "[keys.other]\nlocation = \"us-east1\"\nprotection = \"external\"\nekm = \"safe\"\n";
    let played =
        World::new("10h", &(manager("") + other)).during("1h", "2h", "ekm-deny key=east").play();
    played.expect("keys.east", &[("1h", "denying", "EKM-08"), ("3h", "enabled", "EKM-08")]);
    played.expect("keys.other", &[]);
    assert_eq!(played.measure("keys.east.denied-time"), secs("2h"));
    assert_eq!(played.measure("ekm.safe.downtime"), 0.0);
    // A manager that is down denies nothing.
    let played = World::new("10h", &cluster())
        .during("1h", "4h", "ekm-outage ekm=safe")
        .during("2h", "1h", "ekm-deny key=east")
        .play();
    assert_eq!(played.measure("keys.east.denied-time"), 0.0);
    assert_eq!(played.measure("keys.east.unreachable-time"), secs("4h"));
}

#[test]
fn ekm_09_a_denial_that_a_request_meets_sticks_until_the_key_is_enabled() {
    // Denied from 1 h 2 m to 2 h 2 m; the sweep of 1 h 5 m meets it.
    let world = World::new("10h", &cluster()).during("1h 2m", "1h", "ekm-deny key=east");
    let played = world.play();
    played.expect("keys.east", &[("1h 2m", "denying", "EKM-08"), ("1h 5m", "disabled", "EKM-09")]);
    played.expect("bigtable.a", &[("1h 5m", "disabled", "BT-29")]);
    assert_eq!(
        played.chain("keys.east", "disabled"),
        [("keys.east".to_owned(), "EKM-09"), ("keys.east".to_owned(), "EKM-08")]
    );
    // Enabled at 5 h 1 m, found at 5 h 5 m, back after a bring-up of 10 min.
    let enabled = world.clone().at("5h 1m", "enable-key key=east").play();
    assert_eq!(enabled.transitions("keys.east")[2], (secs("5h 1m"), "enabled", "KMS-09"));
    assert_eq!(enabled.state_at("bigtable.a", "5h 14m"), "degraded");
    assert_eq!(enabled.state_at("bigtable.a", "5h 15m"), "serving");
    // Enabled before the manager grants again: the next sweep meets the denial once more.
    let early = world.at("1h 31m", "enable-key key=east").play();
    early.expect(
        "keys.east",
        &[
            ("1h 2m", "denying", "EKM-08"),
            ("1h 5m", "disabled", "EKM-09"),
            ("1h 31m", "denying", "KMS-09"),
            ("1h 35m", "disabled", "EKM-09"),
        ],
    );
    assert_eq!(early.state_at("bigtable.a", "9h"), "disabled");
}

#[test]
fn ekm_09_rotating_the_key_ends_a_denial_that_stuck_and_nothing_else_does() {
    let world = World::new("20h", &cluster()).during("1h 2m", "1h", "ekm-deny key=east");
    let rotated = world.clone().at("5h 1m", "rotate-key key=east").play();
    assert_eq!(rotated.transitions("keys.east")[2], (secs("5h 1m"), "enabled", "KMS-17"));
    assert_eq!(rotated.state_at("bigtable.a", "5h 15m"), "serving");
    // A version that does not become the primary leaves the old one as it is.
    let created = world.clone().at("5h 1m", "create-version key=east").play();
    assert_eq!(created.state_at("bigtable.a", "19h"), "disabled");
    // Nor does a rotation that fails, or (assumed) an automatic one, which needs an enabled version.
    let failed =
        world.clone().add(&event("5h 1m", "", "do = \"rotate-key\"\nkey = \"east\"\nfails = true"));
    assert_eq!(failed.play().state_at("bigtable.a", "19h"), "disabled");
    let automatic =
        world.clone().set("keys.east.rotation-period=1d").set("keys.east.next-rotation=6h").play();
    assert_eq!(automatic.state_at("keys.east", "19h"), "disabled");
    // Who disables the version that is disabled already wants it to stay so.
    let wanted = world.at("4h", "disable-key key=east").at("5h 1m", "rotate-key key=east").play();
    assert_eq!(wanted.state_at("keys.east", "19h"), "partly-disabled");
    assert_eq!(wanted.state_at("bigtable.a", "19h"), "disabled");
}

#[test]
fn ekm_09_only_the_version_that_was_asked_for_is_disabled() {
    // Two versions, the table bound to the second, which is the primary.
    let two = cluster()
        .replace("ekm = \"safe\"\n", "ekm = \"safe\"\nversions = [\"enabled\", \"enabled\"]\n");
    let played = World::new("10h", &two).during("1h 2m", "1h", "ekm-deny key=east").play();
    assert_eq!(played.state_at("keys.east", "1h 30m"), "denying");
    // The primary is gone, the other version is granted again.
    assert_eq!(played.state_at("keys.east", "3h"), "no-primary");
    let told = played.notes("keys.east");
    assert_eq!(told[0].1, "EKM-09");
    assert_eq!(told[0].2, "version 2: disabled by Cloud EKM until it is enabled or rotated");
}

#[test]
fn ekm_09_denials_need_not_stick() {
    // The denial ends with the manager's, at 2 h 2 m; found at 2 h 5 m, back at 2 h 15 m.
    let played = World::new("10h", &cluster())
        .set("model.kms.manager-denial-sticks=false")
        .during("1h 2m", "1h", "ekm-deny key=east")
        .play();
    played.expect("keys.east", &[("1h 2m", "denying", "EKM-08"), ("2h 2m", "enabled", "EKM-08")]);
    assert_eq!(played.state_at("bigtable.a", "1h 5m"), "disabled");
    assert_eq!(played.state_at("bigtable.a", "2h 15m"), "serving");
}

#[test]
fn ekm_09_sticks_as_well_where_cloud_kms_denies_most_requests_by_mistake() {
    // Six of ten requests never reach the manager; of 35 sweeps one does, but for 1 in 10 million.
    for seed in seeds(20) {
        let played = World::new("5h", &cluster())
            .during("1h 2m", "3h", "ekm-deny key=east")
            .during("1h 2m", "3h", "kms-false-denial location=us-east1 denied-fraction=0.6")
            .seeded(seed);
        assert_eq!(played.state_at("keys.east", "4h"), "disabled", "{}", played.story());
    }
}

#[test]
fn ekm_09_is_about_external_keys() {
    let software = "[keys.east]\nlocation = \"us-east1\"\n";
    let found = World::new("5h", software).during("1h", "1h", "ekm-deny key=east").diagnostics();
    assert_eq!(found, ["not-external"]);
}

/// Refuses these reasons from 1 h 2 m on for an hour.
fn refuse(reasons: &str) -> String {
    event("1h 2m", "1h", &format!("do = \"kaj-deny\"\nkey = \"east\"\nreasons = {reasons}"))
}

const OWN_REASON: &str = "[\"google-initiated-system-operation\", \"customer-initiated-access\"]";
const OTHER_REASON: &str = "[\"google-initiated-review\"]";

#[test]
fn kms_19_requests_whose_reason_is_refused_are_denied() {
    let software = "[keys.east]\nlocation = \"us-east1\"\n[bigtable.a.clusters.east]\n\
                    zone = \"us-east1-b\"\nkey = \"east\"\n";
    let played = World::new("10h", software).add(&refuse(OWN_REASON)).play();
    // Of a key in Cloud KMS nothing sticks: found at 1 h 5 m, over at 2 h 2 m, found at 2 h 5 m.
    played.expect("keys.east", &[("1h 2m", "denying", "KMS-19"), ("2h 2m", "enabled", "KMS-19")]);
    assert_eq!(played.state_at("bigtable.a", "1h 4m"), "serving");
    assert_eq!(played.state_at("bigtable.a", "1h 5m"), "disabled");
    assert_eq!(played.state_at("bigtable.a", "2h 15m"), "serving");
    // Other reasons are none of the systems' business.
    let played = World::new("10h", software).add(&refuse(OTHER_REASON)).play();
    played.expect("keys.east", &[]);
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
    // Unless that is the reason they give.
    let played = World::new("10h", software)
        .set("model.kms.access-reason=google-initiated-review")
        .add(&refuse(OTHER_REASON))
        .play();
    assert_eq!(played.measure("keys.east.denied-time"), secs("1h"));
}

#[test]
fn kms_19_of_an_external_key_the_manager_refuses_so_it_sticks() {
    let played = World::new("10h", &cluster()).add(&refuse(OWN_REASON)).play();
    played.expect("keys.east", &[("1h 2m", "denying", "KMS-19"), ("1h 5m", "disabled", "EKM-09")]);
    assert_eq!(played.state_at("bigtable.a", "9h"), "disabled");
}

#[test]
fn kms_20_only_the_reasons_on_the_list_are_allowed() {
    let allow = |at: &str, reasons: &str| {
        event(at, "", &format!("do = \"set-allowed-reasons\"\nkey = \"east\"\nreasons = {reasons}"))
    };
    let key = "[keys.east]\nlocation = \"us-east1\"\n";
    // An empty list denies everything, at once.
    let played = World::new("10h", key)
        .add(&allow("1h", "[]"))
        .add(&allow("2h", OTHER_REASON))
        .add(&allow("3h", OWN_REASON))
        .play();
    played.expect("keys.east", &[("1h", "denying", "KMS-20"), ("3h", "enabled", "KMS-20")]);
    let listed = |reasons: &str| format!("{key}allowed-access-reasons = {reasons}\n");
    for (reasons, state) in [("[]", "denying"), (OTHER_REASON, "denying"), (OWN_REASON, "enabled")]
    {
        let played = World::new("10h", &listed(reasons)).play();
        assert_eq!(played.state_at("keys.east", "0s"), state, "{reasons}");
    }
    // The policy is Cloud KMS's own, so of an external key nothing sticks.
    let played = World::new("10h", &cluster())
        .add(&allow("1h 2m", "[]"))
        .add(&allow("2h 2m", OWN_REASON))
        .play();
    assert_eq!(played.state_at("bigtable.a", "1h 5m"), "disabled");
    assert_eq!(played.state_at("bigtable.a", "2h 15m"), "serving");
}

#[test]
fn inc_09_a_mistaken_denial_is_taken_for_a_denial() {
    // From 1 h 2 m on for 30 min: found at 1 h 5 m, gone at 1 h 32 m, found at 1 h 35 m, back at
    // 1 h 45 m. No grace, though nobody has taken anything away.
    let software = "[keys.east]\nlocation = \"us-east1\"\n[bigtable.a.clusters.east]\n\
                    zone = \"us-east1-b\"\nkey = \"east\"\n";
    let world = World::new("60d", software);
    let played = world.clone().during("1h 2m", "30m", "kms-false-denial location=us-east1").play();
    played.expect("keys.east", &[("1h 2m", "denying", "INC-09"), ("1h 32m", "enabled", "INC-09")]);
    assert_eq!(played.measure("keys.east.denied-time"), secs("30m"));
    assert_eq!(played.noted("kms.us-east1"), [(3_720.0, "INC-09"), (5_520.0, "INC-09")]);
    played.expect(
        "bigtable.a",
        &[
            ("1h 5m", "disabled", "BT-29"),
            ("1h 35m", "degraded", "BT-38"),
            ("1h 45m", "serving", "BT-39"),
        ],
    );
    // BT-41: 40 days of it delete nothing, since the user has not disabled the key.
    let long = world.clone().during("1h 2m", "40d", "kms-false-denial location=us-east1").play();
    assert_eq!(long.measure("bigtable.a.irreversible"), 0.0);
    assert_eq!(
        world.at("1h", "disable-key key=east").play().measure("bigtable.a.irreversible"),
        1.0
    );
}

#[test]
fn inc_09_a_share_of_mistaken_denials_is_luck_and_spells_add_up() {
    let key = "[keys.east]\nlocation = \"us-east1\"\n";
    let played = World::new("10h", key)
        .during("1h", "3h", "kms-false-denial location=us-east1 denied-fraction=0.5")
        .during("2h", "1h", "kms-false-denial location=us-east1")
        .play();
    played.expect(
        "keys.east",
        &[
            ("1h", "impaired", "INC-09"),
            ("2h", "denying", "INC-09"),
            ("3h", "impaired", "INC-09"),
            ("4h", "enabled", "INC-09"),
        ],
    );
    // Without Cloud KMS there is no answer, not even a mistaken one.
    let played = World::new("10h", key)
        .during("1h", "3h", "kms-false-denial location=us-east1")
        .during("2h", "1h", "kms-outage location=us-east1")
        .play();
    assert_eq!(played.state_at("keys.east", "2h 30m"), "unreachable");
    assert_eq!(played.state_at("keys.east", "3h 30m"), "denying");
}

#[test]
fn ekm_09_requests_of_buckets_and_datasets_meet_denials_as_well() {
    // Denied from 1 h to 2 h. Reads of the bucket fail 3 min later, and then the denial sticks.
    for (name, table, constant) in [
        ("storage.temp", "requests = \"4/s\"", "storage"),
        ("bigquery.sales", "queries = \"4/s\"", "bigquery"),
    ] {
        let text = format!("{}[{name}]\nkey = \"east\"\n{table}\n", manager(""));
        let played = World::new("10h", &text)
            .set(&format!("model.{constant}.effect-delay=3m"))
            .during("1h", "1h", "ekm-deny key=east")
            .at("1h 30m", "enable-key key=east")
            .play();
        // Enabled too early: the next request, at once, meets the denial again.
        played.expect(
            "keys.east",
            &[
                ("1h", "denying", "EKM-08"),
                ("1h 3m", "disabled", "EKM-09"),
                ("1h 30m", "denying", "KMS-09"),
                ("1h 30m", "disabled", "EKM-09"),
            ],
        );
        assert_eq!(played.state_at(name, "9h"), "denied");
    }
}
