//! Keys: their states, propagation, destruction, staleness, partial outages, external managers.

use crate::world::{ONE, THREE, World, secs, seeds};
use cmeksim::engine::Budget;
use cmeksim::systems::contract::SweepMode;

/// A key with nothing that depends on it.
const KEY: &str = "[keys.east]\nlocation = \"us-east1\"\n";

/// A key in an external manager.
const EXTERNAL: &str = r#"
[ekm.safe]
[keys.east]
location = "us-east1"
protection = "external"
ekm = "safe"
"#;

#[test]
fn kms_01_only_an_enabled_key_serves() {
    // Starts disabled: denied from the start to the enabling at 2 h, and never "disabling".
    let played = World::new("10h", KEY)
        .set("keys.east.state=disabled")
        .at("2h", "enable-key key=east")
        .play();
    assert_eq!(played.state_at("keys.east", "0s"), "disabled");
    played.expect("keys.east", &[("2h", "enabled", "KMS-09")]);
    assert_eq!(played.measure("keys.east.downtime"), 7_200.0);
    assert_eq!(played.measure("keys.east.denied-time"), 7_200.0);
    assert_eq!(played.measure("keys.east.availability"), 0.8);
}

#[test]
fn kms_01_illegal_moves_are_told_and_change_nothing() {
    // Enabling what is enabled, disabling what is disabled, enabling what waits for destruction
    // (it must be restored first), restoring what is not scheduled.
    let played = World::new("10h", KEY)
        .at("1h", "enable-key key=east")
        .at("2h", "restore-key key=east")
        .at("3h", "disable-key key=east")
        .at("4h", "disable-key key=east")
        .at("5h", "restore-key key=east")
        .at("6h", "schedule-destroy key=east")
        .at("7h", "enable-key key=east")
        .at("8h", "disable-key key=east")
        .play();
    let states: Vec<_> = played.transitions("keys.east").iter().map(|t| (t.0, t.1)).collect();
    assert_eq!(
        states,
        [
            (secs("3h"), "disabling"),
            (secs("3h 30s"), "disabled"),
            (secs("6h"), "destroy-scheduled")
        ],
        "{}",
        played.story()
    );
    let told: Vec<_> = played.noted("keys.east").iter().map(|n| n.0 / 3_600.0).collect();
    assert_eq!(told, [1.0, 2.0, 4.0, 5.0, 7.0, 8.0], "{}", played.story());
}

#[test]
fn kms_02_a_scheduled_key_refuses_at_once_like_a_disabled_one_and_a_destroyed_one_for_good() {
    // Scheduled at 1 h, usable for 30 s more, destroyed 24 h after the scheduling, not after the
    // propagation.
    let played = World::new("48h", KEY)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east")
        .play();
    let at: Vec<_> = played.transitions("keys.east").iter().map(|t| (t.0, t.1)).collect();
    assert_eq!(
        at,
        [
            (secs("1h"), "disabling"),
            (secs("1h 30s"), "destroy-scheduled"),
            (secs("25h"), "destroyed")
        ]
    );
    // From 1 h 30 s to the end.
    assert_eq!(played.measure("keys.east.denied-time"), secs("48h") - secs("1h 30s"));
}

#[test]
fn kms_03_only_enabled_or_disabled_keys_can_be_scheduled() {
    // Scheduling again does not move the destruction: 1 h + 24 h. After it nothing does.
    let played = World::new("48h", KEY)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east")
        .at("5h", "schedule-destroy key=east")
        .at("30h", "schedule-destroy key=east")
        .play();
    assert_eq!(played.state_at("keys.east", "24h 59m 59s"), "destroy-scheduled");
    assert_eq!(played.state_at("keys.east", "25h"), "destroyed");
    let refused: Vec<_> = played.noted("keys.east").iter().map(|n| n.0).collect();
    assert_eq!(refused, [secs("5h"), secs("30h")], "{}", played.story());
    assert_eq!(played.noted("keys.east")[0].1, "KMS-03");
}

#[test]
fn kms_04_the_wait_is_the_key_s_own_or_the_model_s() {
    let two = "[keys.own]\nlocation = \"us-east1\"\ndestroy-wait = \"2d\"\n\
               [keys.plain]\nlocation = \"us-east1\"\n";
    let world = World::new("40d", two)
        .at("1h", "schedule-destroy key=own")
        .at("1h", "schedule-destroy key=plain");
    // 30 days by default.
    let played = world.play();
    assert_eq!(played.transitions("keys.own").last().unwrap().0, secs("2d 1h"));
    assert_eq!(played.transitions("keys.plain").last().unwrap().0, secs("30d 1h"));
    // The model's constant moves only the key that does not say it.
    let played = world.set("model.kms.destroy-wait=7d").play();
    assert_eq!(played.transitions("keys.own").last().unwrap().0, secs("2d 1h"));
    assert_eq!(played.transitions("keys.plain").last().unwrap().0, secs("7d 1h"));
}

#[test]
fn kms_05_waits_go_from_one_day_to_120() {
    let world = World::new("1h", KEY);
    for (wait, codes) in [("1d", 0), ("120d", 0), ("23h", 1), ("121d", 1)] {
        for path in ["keys.east.destroy-wait", "model.kms.destroy-wait"] {
            let found = world.clone().set(&format!("{path}={wait}")).diagnostics();
            assert_eq!(found.len(), codes, "{path} {wait} {found:?}");
            assert!(found.iter().all(|code| *code == "out-of-range"), "{found:?}");
        }
    }
}

#[test]
fn kms_06_restoring_leaves_a_disabled_key_that_needs_enabling() {
    let played = World::new("60d", KEY)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east")
        .at("10h", "restore-key key=east")
        .at("20h", "enable-key key=east")
        .play();
    assert_eq!(played.state_at("keys.east", "9h"), "destroy-scheduled");
    assert_eq!(played.state_at("keys.east", "10h"), "disabled");
    assert_eq!(played.state_at("keys.east", "19h 59m"), "disabled");
    assert_eq!(played.state_at("keys.east", "20h"), "enabled");
    assert!(played.transitions("keys.east").contains(&(secs("10h"), "disabled", "KMS-06")));
    // The destruction was taken back for good.
    assert_eq!(played.state_at("keys.east", "59d"), "enabled");
    assert_eq!(played.measure("keys.east.denied-time"), secs("20h") - secs("1h 30s"));
}

#[test]
fn kms_06_restoring_before_the_schedule_has_propagated_never_enables() {
    // Scheduled at 1 h, restored 10 s later: the key is disabled, so its callers are denied as
    // soon as either change has reached them, at the latest 30 s after the restoring.
    let played = World::new("3h", KEY)
        .at("1h", "schedule-destroy key=east")
        .at("1h 10s", "restore-key key=east")
        .play();
    assert_eq!(played.state_at("keys.east", "1h 5s"), "disabling");
    assert_eq!(played.state_at("keys.east", "1h 40s"), "disabled");
    assert_eq!(played.state_at("keys.east", "2h"), "disabled");
}

#[test]
fn kms_07_nothing_brings_a_destroyed_key_back() {
    let played = World::new("60h", KEY)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east")
        .at("26h", "restore-key key=east")
        .at("27h", "enable-key key=east")
        .at("28h", "disable-key key=east")
        .play();
    assert_eq!(played.state_at("keys.east", "59h"), "destroyed");
    let told = played.noted("keys.east");
    assert_eq!(
        told.iter().map(|n| n.0).collect::<Vec<_>>(),
        [secs("26h"), secs("27h"), secs("28h")]
    );
    assert!(told.iter().any(|n| n.1 == "KMS-07"), "{told:?}");
}

#[test]
fn kms_07_restoring_at_the_instant_of_the_destruction_is_in_time() {
    // Root events come before their consequences at one instant.
    let world = World::new("60h", KEY)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "schedule-destroy key=east");
    let saved = world.clone().at("25h", "restore-key key=east").play();
    assert_eq!(saved.state_at("keys.east", "59h"), "disabled");
    let late = world.at("25h 1s", "restore-key key=east").play();
    assert_eq!(late.state_at("keys.east", "59h"), "destroyed");
}

#[test]
fn kms_09_enabling_is_immediate() {
    let played = World::new("5h", KEY)
        .at("1h", "disable-key key=east")
        .at("2h", "enable-key key=east")
        .play();
    assert_eq!(played.transitions("keys.east").last(), Some(&(7_200.0, "enabled", "KMS-09")));
    // Between the propagation and the enabling.
    assert_eq!(played.measure("keys.east.denied-time"), 3_600.0 - 30.0);
}

#[test]
fn kms_09_a_propagation_of_enabling_may_be_set() {
    let played = World::new("5h", KEY)
        .set("model.kms.enable-propagation=45s")
        .at("1h", "disable-key key=east")
        .at("2h", "enable-key key=east")
        .play();
    // Denied from 1 h 30 s to 2 h 45 s.
    assert_eq!(played.measure("keys.east.denied-time"), 3_600.0 + 15.0);
}

#[test]
fn kms_10_a_disabled_key_stays_usable_until_the_change_has_propagated() {
    let played = World::new("5h", KEY).at("1h", "disable-key key=east").play();
    let at: Vec<_> = played.transitions("keys.east").iter().map(|t| (t.0, t.1)).collect();
    assert_eq!(at, [(3_600.0, "disabling"), (3_630.0, "disabled")]);
    assert_eq!(played.measure("keys.east.downtime"), 4.0 * 3_600.0 - 30.0);
    assert!(["KMS-10", "KMS-12"].contains(&played.transitions("keys.east")[1].2));
}

#[test]
fn kms_10_a_later_change_supersedes_one_on_its_way() {
    // Enabled 20 s after the disabling, before it has propagated: nobody is ever denied.
    let played = World::new("5h", KEY)
        .at("1h", "disable-key key=east")
        .at("1h 20s", "enable-key key=east")
        .play();
    assert_eq!(played.measure("keys.east.denied-time"), 0.0);
    assert_eq!(played.state_at("keys.east", "1h 10s"), "disabling");
    assert_eq!(played.state_at("keys.east", "1h 20s"), "enabled");
    assert_eq!(played.state_at("keys.east", "4h"), "enabled");
    // And the other way round: an enabling under way, then a disabling. The key has been denied
    // since 1 h 30 s and stays so.
    let played = World::new("5h", KEY)
        .set("model.kms.enable-propagation=10m")
        .at("1h", "disable-key key=east")
        .at("2h", "enable-key key=east")
        .at("2h 5m", "disable-key key=east")
        .play();
    assert_eq!(played.measure("keys.east.denied-time"), 4.0 * 3_600.0 - 30.0, "{}", played.story());
}

/// How long a key stays usable after its disabling, by the product's own constants.
fn propagations(count: u64) -> Vec<f64> {
    let model = World::with_defaults("6h", KEY).at("1h", "disable-key key=east").model();
    let denied = |seed| {
        let trace = model.replicate(seed, 0, SweepMode::Decisive, Budget::default()).unwrap();
        model.outcome(trace).measures["keys.east.denied-time"].unwrap()
    };
    seeds(count).map(|seed| 5.0 * 3_600.0 - denied(seed)).collect()
}

#[test]
fn kms_11_exceptional_propagations_take_hours_but_never_more_than_four() {
    // The tail is log-uniform from 60 s to 4 h, with weight 1 %: of 4,000, 40 are in it, and a
    // share ln(14400/3600)/ln(240) = 0.253 of those take over an hour: 10 expected, sd 3.2.
    let all = propagations(4_000);
    assert!(all.iter().all(|p| *p > 0.0 && *p <= 14_400.0));
    let hours = all.iter().filter(|p| **p > 3_600.0).count();
    assert!((1..=23).contains(&hours), "{hours}");
}

#[test]
fn kms_12_propagation_is_the_documented_mixture_by_default() {
    // Half of 99 % within 30 s: 0.495, sd of the share of 4,000 is 0.0079. Within 60 s:
    // 0.99 x 0.95 = 0.9405, sd 0.0037. Four standard deviations either way.
    let all = propagations(4_000);
    let share = |limit: f64| all.iter().filter(|p| **p <= limit).count() as f64 / 4_000.0;
    assert!((share(30.0) - 0.495).abs() < 0.032, "{}", share(30.0));
    assert!((share(60.0) - 0.9405).abs() < 0.015, "{}", share(60.0));
    // Mean 59 s; its standard deviation is about 14400/sqrt(2 ln 240) x 0.1 = 435 s, so the mean
    // of 4,000 has 6.9 s.
    let mean = all.iter().sum::<f64>() / 4_000.0;
    assert!((mean - 59.0).abs() < 28.0, "{mean}");
}

#[test]
fn q_01_the_bound_of_the_propagation_is_the_users_to_choose() {
    // The older page's bound: with all changes in the tail and a cut at 3 h, none takes longer, and
    // of 1,000 log-uniform ones from 60 s a share ln(3/2)/ln(180) = 0.078 takes more than 2 h: 78
    // expected, standard deviation 8.5.
    let model = World::with_defaults("6h", KEY)
        .set("model.kms.disable-propagation={ log-uniform = { from = \"60s\", to = \"3h\" } }")
        .at("1h", "disable-key key=east")
        .model();
    let all: Vec<f64> = seeds(1_000)
        .map(|seed| {
            let trace = model.replicate(seed, 0, SweepMode::Decisive, Budget::default()).unwrap();
            5.0 * 3_600.0 - model.outcome(trace).measures["keys.east.denied-time"].unwrap()
        })
        .collect();
    assert!(all.iter().all(|p| (60.0..=10_800.0).contains(p)));
    let long = all.iter().filter(|p| **p > 7_200.0).count();
    assert!((44..=112).contains(&long), "{long}");
}

#[test]
fn q_09_disabling_a_key_denies_everything_that_is_on_it() {
    // Two clusters of one instance share a key: both find it denied at 1 h 5 m, without a cascade.
    let played = World::new("2h", THREE)
        .set("bigtable.a.clusters.west.zone=us-east1-c")
        .set("bigtable.a.clusters.west.key=east")
        .at("1h 2m", "disable-key key=east")
        .play();
    assert_eq!(played.state_at("bigtable.a.clusters.east", "1h 5m"), "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.west", "1h 5m"), "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.eu", "1h 5m"), "serving");
}

#[test]
fn kms_14_staleness_freezes_changes_on_their_way() {
    // Disabled at 1 h; at 1 h 10 s changes freeze for 2 h, with 20 s of the propagation to go.
    let played = World::new("6h", KEY)
        .at("1h", "disable-key key=east")
        .during("1h 10s", "2h", "kms-stale location=us-east1")
        .play();
    assert_eq!(played.state_at("keys.east", "3h 29s"), "disabling");
    assert_eq!(played.state_at("keys.east", "3h 30s"), "disabled");
    // Staleness is told of the location, begin and end.
    assert_eq!(played.noted("kms.us-east1"), [(3_610.0, "KMS-14"), (10_810.0, "KMS-14")]);
}

#[test]
fn kms_14_staleness_holds_back_even_what_takes_no_time() {
    // Disabling without delay is stuck until 3 h.
    let played = World::new("6h", KEY)
        .set("model.kms.disable-propagation=0s")
        .during("1h", "2h", "kms-stale location=everywhere")
        .at("2h", "disable-key key=east")
        .play();
    assert_eq!(played.state_at("keys.east", "2h 59m"), "disabling");
    assert_eq!(played.state_at("keys.east", "3h"), "disabled");
}

#[test]
fn kms_09_enabling_is_immediate_even_while_changes_are_stuck() {
    // A strongly consistent change is never on its way, so nothing can hold it up.
    let played = World::new("6h", KEY)
        .set("keys.east.state=disabled")
        .during("1h", "2h", "kms-stale location=us-east1")
        .at("2h", "enable-key key=east")
        .play();
    played.expect("keys.east", &[("2h", "enabled", "KMS-09")]);
}

#[test]
fn kms_14_staleness_of_one_location_leaves_others_alone_and_may_overlap() {
    let two = "[keys.east]\nlocation = \"us-east1\"\n[keys.west]\nlocation = \"us-west1\"\n";
    let played = World::new("9h", two)
        .during("1h", "2h", "kms-stale location=us-east1")
        .during("2h", "3h", "kms-stale location=everywhere")
        .at("1h 30m", "disable-key key=east")
        .at("1h 30m", "disable-key key=west")
        .play();
    assert_eq!(played.state_at("keys.west", "1h 31m"), "disabled");
    // Stale from 1 h to 5 h without a gap.
    assert_eq!(played.state_at("keys.east", "4h 59m"), "disabling");
    assert_eq!(played.state_at("keys.east", "5h 1m"), "disabled");
}

#[test]
fn kms_16_disabling_before_destroying_works_and_the_wait_counts_from_the_scheduling() {
    let played = World::new("60h", KEY)
        .set("keys.east.destroy-wait=1d")
        .at("1h", "disable-key key=east")
        .at("10h", "schedule-destroy key=east")
        .play();
    let at: Vec<_> = played.transitions("keys.east").iter().map(|t| (t.0, t.1)).collect();
    assert_eq!(
        at,
        [
            (secs("1h"), "disabling"),
            (secs("1h 30s"), "disabled"),
            (secs("10h"), "destroy-scheduled"),
            (secs("34h"), "destroyed")
        ]
    );
}

#[test]
fn kms_32_a_partial_outage_impairs_the_key_and_a_total_one_makes_it_unreachable() {
    let world = World::new("10h", KEY);
    let part =
        world.clone().during("1h", "2h", "kms-outage location=us-east1 error-fraction=0.5").play();
    part.expect("kms.us-east1", &[("1h", "degraded", "BT-43"), ("3h", "available", "BT-43")]);
    assert_eq!(part.state_at("keys.east", "2h"), "impaired");
    assert_eq!(part.measure("keys.east.unreachable-time"), 0.0);
    assert_eq!(part.measure("keys.east.downtime"), 0.0);
    let whole = world.during("1h", "2h", "kms-outage location=us-east1").play();
    assert_eq!(whole.state_at("keys.east", "2h"), "unreachable");
    assert_eq!(whole.measure("keys.east.unreachable-time"), 7_200.0);
    assert_eq!(whole.state_at("keys.east", "3h"), "enabled");
}

#[test]
fn kms_32_luck_is_the_same_however_sweeps_are_scheduled() {
    // Random phases, many tables: the helper demands that decisive sweeps and all sweeps agree.
    for seed in seeds(50) {
        for fraction in ["0.5", "0.9"] {
            let played = World::with_defaults("9h", THREE)
                .set("bigtable.a.tables=7")
                .set("model.bigtable.kms-grace=10m")
                .during(
                    "1h",
                    "5h",
                    &format!("kms-outage location=us-east1 error-fraction={fraction}"),
                )
                .at("4h", "disable-key key=west")
                .at("6h", "enable-key key=west")
                .seeded(seed);
            assert_eq!(played.state_at("kms.us-east1", "5h"), "degraded");
        }
    }
}

#[test]
fn kms_32_luck_is_the_same_for_every_grace_timer() {
    for seed in seeds(50) {
        for timer in ["cluster", "table", "instance"] {
            for reset in ["any-success", "outage-end"] {
                World::with_defaults("7h", THREE)
                    .set("bigtable.a.tables=3")
                    .set("model.bigtable.kms-grace=12m")
                    .set(&format!("model.bigtable.grace-timer={timer}"))
                    .set(&format!("model.bigtable.grace-reset={reset}"))
                    .set("model.bigtable.grace-scope=cluster")
                    .during("1h", "3h", "kms-outage location=everywhere error-fraction=0.7")
                    .during("2h", "1h", "kms-outage location=us-west1 error-fraction=0.5")
                    .seeded(seed);
            }
        }
    }
}

#[test]
fn kms_32_the_luck_of_a_sweep_is_a_fair_coin() {
    // Grace zero, ramp zero, bring-up zero, one table, aligned: every one of the 120 sweeps of
    // the 10 h outage that fails takes the cluster down and every one that succeeds brings it
    // back. Share of the outage down: one half, sd sqrt(0.25/(120 x 40)) = 0.0072 over 40 seeds.
    let world = World::new("12h", ONE)
        .set("model.bigtable.kms-grace=0s")
        .set("model.bigtable.offline-ramp=0s")
        .set("model.bigtable.bringup=0s")
        .during("1h", "10h", "kms-outage location=us-east1 error-fraction=0.5");
    let down: f64 = seeds(40).map(|seed| world.seeded(seed).measure("bigtable.a.downtime")).sum();
    let share = down / (40.0 * 36_000.0);
    assert!((share - 0.5).abs() < 0.03, "{share}");
}

#[test]
fn kms_32_overlapping_partial_outages_add_up_to_an_outage_only_when_total() {
    // While both last the key is impaired; the end of one leaves the other.
    let played = World::new("10h", KEY)
        .during("1h", "4h", "kms-outage location=us-east1 error-fraction=0.5")
        .during("2h", "1h", "kms-outage location=us-east1")
        .play();
    assert_eq!(played.state_at("keys.east", "1h 30m"), "impaired");
    assert_eq!(played.state_at("keys.east", "2h 30m"), "unreachable");
    assert_eq!(played.state_at("keys.east", "3h 30m"), "impaired");
    assert_eq!(played.state_at("keys.east", "5h"), "enabled");
}

#[test]
fn ekm_01_an_external_key_fails_with_its_manager() {
    let played = World::new("10h", EXTERNAL).during("1h", "2h", "ekm-outage ekm=safe").play();
    played.expect("ekm.safe", &[("1h", "unavailable", "EKM-01"), ("3h", "available", "EKM-01")]);
    let at: Vec<_> = played.transitions("keys.east").iter().map(|t| (t.0, t.1)).collect();
    assert_eq!(at, [(3_600.0, "unreachable"), (10_800.0, "enabled")]);
    assert_eq!(played.state_at("kms.us-east1", "2h"), "available");
}

#[test]
fn ekm_01_denied_wins_over_the_manager_and_a_kms_outage_over_denied() {
    // Cloud KMS denies a disabled key without asking the manager; without Cloud KMS there is no
    // answer at all.
    let played = World::new("10h", EXTERNAL)
        .at("1h", "disable-key key=east")
        .during("2h", "4h", "ekm-outage ekm=everywhere")
        .during("3h", "1h", "kms-outage location=us-east1")
        .at("5h", "enable-key key=east")
        .play();
    assert_eq!(played.state_at("keys.east", "2h 30m"), "disabled");
    assert_eq!(played.state_at("keys.east", "3h 30m"), "unreachable");
    assert_eq!(played.state_at("keys.east", "4h 30m"), "disabled");
    // Enabled, but its manager is still down until 6 h.
    assert_eq!(played.state_at("keys.east", "5h 30m"), "unreachable");
    assert_eq!(played.state_at("keys.east", "6h"), "enabled");
}

#[test]
fn ekm_01_external_keys_and_managers_go_together() {
    let found = World::new("1h", KEY).set("keys.east.protection=external").diagnostics();
    assert_eq!(found, ["external-key-without-manager"]);
    let found = World::new("1h", EXTERNAL).set("keys.east.protection=hsm").diagnostics();
    assert_eq!(found, ["manager-of-internal-key"]);
}

#[test]
fn ekm_04_a_manager_that_is_partly_down_impairs_the_key() {
    let played = World::new("10h", EXTERNAL)
        .during("1h", "2h", "ekm-outage ekm=safe error-fraction=0.3")
        .play();
    assert_eq!(played.state_at("ekm.safe", "2h"), "degraded");
    assert_eq!(played.state_at("keys.east", "2h"), "impaired");
    assert_eq!(played.measure("keys.east.unreachable-time"), 0.0);
}

#[test]
fn bt_43_an_outage_of_cloud_kms_hits_the_keys_of_its_location() {
    let two = "[keys.east]\nlocation = \"us-east1\"\n[keys.west]\nlocation = \"us-west1\"\n";
    let played = World::new("10h", two)
        .during("1h", "30m", "kms-outage location=us-east1")
        .during("4h", "1h", "kms-outage location=everywhere")
        .play();
    assert_eq!(played.measure("keys.east.unreachable-time"), 5_400.0);
    assert_eq!(played.measure("keys.west.unreachable-time"), 3_600.0);
    assert_eq!(played.measure("kms.us-west1.downtime"), 3_600.0);
    assert_eq!(played.measure("kms.us-east1.outages"), 2.0);
    assert_eq!(
        played.transitions("keys.west"),
        [(secs("4h"), "unreachable", "BT-43"), (secs("5h"), "enabled", "BT-43")]
    );
}
