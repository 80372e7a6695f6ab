//! Cloud KMS or an external manager without an answer: grace, offline, and whose timers count.

use crate::world::{ONE, THREE, World, secs};

/// Two clusters, each with a key in a manager of its own.
const MANAGED: &str = r#"
[ekm.safe]
[ekm.vault]
[keys.east]
location = "us-east1"
protection = "external"
ekm = "safe"
[keys.west]
location = "us-west1"
protection = "external"
ekm = "vault"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.a.clusters.west]
zone = "us-west1-a"
key = "west"
"#;

/// Cloud KMS is away from 1 h 2 m: the first failed calls are those of 1 h 5 m, the hour is over
/// at 2 h 5 m, and the ramp takes two minutes more.
fn away(lasts: &str) -> World {
    World::new("12h", THREE).during("1h 2m", lasts, "kms-outage location=everywhere")
}

#[test]
fn bt_43_an_unreachable_key_is_not_a_denied_one() {
    let played = away("5h").play();
    for cluster in ["east", "eu", "west"] {
        let path = format!("bigtable.a.clusters.{cluster}");
        let states: Vec<_> = played.transitions(&path).iter().map(|t| t.1).collect();
        assert_eq!(states, ["cached", "offline", "bringing-up", "serving"]);
    }
    assert!(played.transitions("bigtable.a").iter().all(|t| t.1 != "disabled"));
}

#[test]
fn bt_44_less_than_an_hour_without_contact_is_no_downtime() {
    // Back at 1 h 59 m, seen at 2 h: 55 minutes after the first failed call.
    let played = away("57m").play();
    played.expect(
        "bigtable.a.clusters.east",
        &[("1h 5m", "cached", "BT-44"), ("2h", "serving", "Q-12")],
    );
    assert_eq!(played.transitions("bigtable.a"), []);
    // The hour runs from the first failed call, not from the outage: a contact at the very end of
    // the hour is in time.
    let played = away("1h 2m").play();
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 4m"), "cached");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 5m"), "serving");
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
    // An outage between two sweeps is never noticed.
    let played = away("2m 59s").play();
    assert_eq!(played.transitions("bigtable.a.clusters.east"), []);
}

#[test]
fn bt_44_the_grace_may_be_set() {
    // 1 h 5 m + 20 m + 2 m.
    let played = away("5h").set("model.bigtable.kms-grace=20m").play();
    assert_eq!(played.state_at("bigtable.a", "1h 26m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "1h 27m"), "offline");
}

#[test]
fn bt_45_after_an_hour_without_contact_the_instance_goes_offline() {
    let played = away("5h").play();
    for cluster in ["east", "eu", "west"] {
        let path = format!("bigtable.a.clusters.{cluster}");
        assert_eq!(played.transitions(&path)[1], (secs("2h 7m"), "offline", "BT-45"));
    }
    assert_eq!(played.state_at("bigtable.a", "2h 6m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "2h 7m"), "offline");
    // From 2 h 7 m to the sweep at 6 h 5 m.
    assert_eq!(played.measure("bigtable.a.downtime"), secs("3h 58m"));
    assert_eq!(played.measure("bigtable.a.time-to-lockout"), secs("1h 5m"));
    let chain = played.chain("bigtable.a.clusters.east", "offline");
    assert_eq!(chain.last().unwrap(), &("kms.us-east1".to_owned(), "BT-43"), "{chain:?}");
}

#[test]
fn bt_45_a_contact_during_the_ramp_comes_too_late_or_stops_it_but_never_both() {
    // The ramp takes 8 m: from 2 h 5 m to 2 h 13 m; contact at 2 h 10 m.
    let played = away("1h 6m").set("model.bigtable.offline-ramp=8m").play();
    // Taking offline has begun, is not done, and the key is known to be active (BT-46): serving.
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 9m"), "cached");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 10m"), "serving");
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
}

#[test]
fn bt_46_data_comes_back_when_the_key_is_known_to_be_active() {
    // Over at 6 h 2 m, seen at 6 h 5 m, brought up by 6 h 15 m.
    let played = away("5h").play();
    let told = played.transitions("bigtable.a.clusters.eu");
    assert_eq!(told[2], (secs("6h 5m"), "bringing-up", "BT-46"));
    assert_eq!((told[3].0, told[3].1), (secs("6h 15m"), "serving"));
    assert_eq!(played.measure("bigtable.a.time-to-recovery"), secs("6h 15m") - secs("1h 2m"));
    assert_eq!(played.measure("bigtable.a.degraded-time"), secs("10m"));
}

#[test]
fn bt_46_an_answer_that_the_key_is_denied_is_no_recovery() {
    // Offline; the key is disabled during the outage. Contact comes back at 6 h 5 m with a no.
    let played =
        away("5h").at("3h", "disable-key key=east").at("8h 1m", "enable-key key=east").play();
    assert_eq!(played.state_at("bigtable.a", "6h 4m"), "offline");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "6h 5m"), "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "8h 4m"), "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "8h 5m"), "bringing-up");
    assert_eq!(played.state_at("bigtable.a", "8h 15m"), "serving");
}

#[test]
fn bt_47_a_key_already_disabled_gets_no_grace_and_needs_both() {
    // Disabled and found before contact is lost. Enabling at 3 h 1 m does nothing before contact
    // is back at 5 h.
    let world = World::new("12h", ONE).at("1h 2m", "disable-key key=east").during(
        "2h 2m",
        "2h 58m",
        "kms-outage location=everywhere",
    );
    let played = world.clone().at("3h 1m", "enable-key key=east").play();
    played.expect(
        "bigtable.a.clusters.east",
        &[
            ("1h 5m", "disabled", "BT-29"),
            ("5h", "bringing-up", "BT-38"),
            ("5h 10m", "serving", "BT-39"),
        ],
    );
    // Contact alone does nothing either: enabled at 7 h 1 m, back at 7 h 5 m.
    let played = world.at("7h 1m", "enable-key key=east").play();
    assert_eq!(played.state_at("bigtable.a", "7h 4m"), "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "7h 5m"), "bringing-up");
}

#[test]
fn bt_47_the_cascade_goes_on_while_contact_is_lost() {
    // East is down at 1 h 5 m; the outage from 1 h 12 m does not save the others, and gives none
    // of them an hour.
    let played = World::new("12h", THREE)
        .at("1h 2m", "disable-key key=east")
        .during("1h 12m", "5h", "kms-outage location=everywhere")
        .play();
    assert_eq!(played.state_at("bigtable.a.clusters.eu", "1h 35m"), "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.west", "2h 5m"), "disabled");
    assert_eq!(played.measure("bigtable.a.time-to-lockout"), secs("1h 3m"));
}

#[test]
fn bt_47_silence_about_a_denied_key_starts_no_hour() {
    // East's key is known to be denied and its location goes away at 1 h 12 m. The others, whose
    // keys answer, go down by the cascade, three hours apart, not an hour into the silence.
    let played = World::new("12h", THREE)
        .set("model.bigtable.cascade-step=3h")
        .at("1h 2m", "disable-key key=east")
        .during("1h 12m", "9h", "kms-outage location=us-east1")
        .play();
    played.expect("bigtable.a.clusters.east", &[("1h 5m", "disabled", "BT-29")]);
    played.expect("bigtable.a.clusters.eu", &[("4h 5m", "disabled", "BT-29")]);
    played.expect("bigtable.a.clusters.west", &[("7h 5m", "disabled", "BT-29")]);
    assert_eq!(played.noted("bigtable.a"), []);
}

#[test]
fn bt_47_what_nobody_had_found_before_contact_was_lost_is_found_afterwards() {
    // Denied at 1 h 1 m 30 s, contact lost at 1 h 2 m, first look at 1 h 5 m: for all that is
    // known the key is enabled (BT-25), so nothing "stays" inaccessible and the hour is granted.
    let played = World::new("12h", ONE)
        .at("1h 1m", "disable-key key=east")
        .during("1h 2m", "5h", "kms-outage location=everywhere")
        .play();
    assert_eq!(played.state_at("bigtable.a.clusters.east", "1h 5m"), "cached");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 7m"), "offline");
    // Contact at 6 h 5 m brings the denial to light.
    assert_eq!(played.state_at("bigtable.a.clusters.east", "6h 5m"), "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "11h"), "disabled");
    // A contact within the hour likewise, from serving on cached keys.
    let played = World::new("12h", ONE)
        .at("1h 1m", "disable-key key=east")
        .during("1h 2m", "30m", "kms-outage location=everywhere")
        .play();
    assert_eq!(played.state_at("bigtable.a.clusters.east", "1h 34m"), "cached");
    played.chain("bigtable.a.clusters.east", "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "1h 35m"), "disabled");
}

#[test]
fn bt_48_a_small_share_fails_while_keys_are_cached() {
    let world = away("5h").add(
        "[bigtable.a.app-profiles.p]\nrouting = { single-cluster = \"east\" }\nreads = \"100/s\"",
    );
    // Cached from 1 h 5 m to 2 h 7 m: 3,720 s x 100 x 0.001.
    let played = world.clone().play();
    played.near("bigtable.a.app-profiles.p.failed-requests.unavailable", 372.0);
    let played = world.set("model.bigtable.best-effort-errors=0.05").play();
    played.near("bigtable.a.app-profiles.p.failed-requests.unavailable", 18_600.0);
}

#[test]
fn bt_49_an_external_key_is_only_as_available_as_its_manager() {
    let played = World::new("12h", MANAGED).during("1h 2m", "5h", "ekm-outage ekm=safe").play();
    assert_eq!(played.measure("keys.east.unreachable-time"), secs("5h"));
    assert_eq!(played.measure("keys.west.unreachable-time"), 0.0);
    let chain = played.chain("bigtable.a.clusters.west", "offline");
    assert_eq!(chain.last().unwrap(), &("ekm.safe".to_owned(), "EKM-01"), "{chain:?}");
}

#[test]
fn bt_50_an_external_key_has_the_same_hour_on_cached_keys() {
    let played = World::new("12h", MANAGED).during("1h 2m", "5h", "ekm-outage ekm=safe").play();
    assert_eq!(
        played.transitions("bigtable.a.clusters.east")[..2],
        [(secs("1h 5m"), "cached", "BT-50"), (secs("2h 7m"), "offline", "BT-45")]
    );
    // The instance is taken offline, with the cluster whose manager is well.
    assert_eq!(played.state_at("bigtable.a.clusters.west", "2h 6m"), "serving");
    assert_eq!(played.state_at("bigtable.a.clusters.west", "2h 7m"), "offline");
    assert_eq!(played.state_at("bigtable.a", "6h 15m"), "serving");
    assert_eq!(played.measure("bigtable.a.downtime"), secs("3h 58m"));
}

#[test]
fn q_04_each_cluster_has_its_own_hour_and_the_first_to_run_out_takes_the_instance() {
    // Only us-east1 is away: east's hour takes all three.
    let world = World::new("12h", THREE).during("1h 2m", "5h", "kms-outage location=us-east1");
    let played = world.clone().play();
    for cluster in ["east", "eu", "west"] {
        let path = format!("bigtable.a.clusters.{cluster}");
        assert_eq!(played.state_at(&path, "2h 6m 59s") == "cached", cluster == "east");
        assert_eq!(played.state_at(&path, "2h 7m"), "offline");
        // All come back when east's key answers again.
        assert_eq!(played.state_at(&path, "6h 4m"), "offline");
        assert_eq!(played.state_at(&path, "6h 5m"), "bringing-up");
    }
    // With scope `cluster` only east goes.
    let played = world.set("model.bigtable.grace-scope=cluster").play();
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 7m"), "offline");
    assert_eq!(played.transitions("bigtable.a.clusters.west"), []);
    assert_eq!(played.state_at("bigtable.a", "2h 7m"), "degraded");
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
    // From 2 h 7 m to 6 h 15 m.
    assert_eq!(played.measure("bigtable.a.degraded-time"), secs("4h 8m"));
}

#[test]
fn q_04_the_hour_may_run_from_the_start_of_the_outage() {
    // 1 h 2 m + 1 h + 2 m.
    let played = away("5h").set("model.bigtable.grace-from=outage-start").play();
    assert_eq!(played.transitions("bigtable.a.clusters.east")[0].0, secs("1h 5m"));
    assert_eq!(played.state_at("bigtable.a", "2h 3m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "2h 4m"), "offline");
    // A grace that is over before the first failed call: offline after the ramp, not before the
    // call. 1 h 2 m + 1 m < 1 h 5 m, so 1 h 7 m.
    let played = away("5h")
        .set("model.bigtable.grace-from=outage-start")
        .set("model.bigtable.kms-grace=1m")
        .play();
    assert_eq!(played.state_at("bigtable.a", "1h 6m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "1h 7m"), "offline");
}

/// One cluster, five tables swept a minute apart. Tables 0 to 4 call at minutes 0 to 4 of each
/// five. Contact is lost from 1 h 30 s to 1 h 1 m 30 s (table 1 fails at 1 h 1 m) and again from
/// 1 h 2 m 30 s on (table 2 succeeds at 1 h 2 m, table 3 fails at 1 h 3 m).
fn two_outages(tables: &str) -> World {
    World::new("6h", tables)
        .set("bigtable.a.tables=5")
        .set("model.bigtable.sweep-phase=spread")
        .during("1h 30s", "1m", "kms-outage location=us-east1")
        .during("1h 2m 30s", "4h", "kms-outage location=us-east1")
}

#[test]
fn q_04_the_timer_counts_the_calls_of_a_cluster_a_table_or_the_instance() {
    // Of the cluster: the success of table 2 starts the hour anew, at 1 h 3 m. 2 h 3 m + 2 m.
    let played = two_outages(ONE).play();
    assert_eq!(played.state_at("bigtable.a", "2h 4m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "2h 5m"), "offline");
    // Of a table: table 1 has had no success since 1 h 1 m. 2 h 1 m + 2 m.
    let played = two_outages(ONE).set("model.bigtable.grace-timer=table").play();
    assert_eq!(played.state_at("bigtable.a", "2h 2m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "2h 3m"), "offline");
    // Of the instance: with one cluster the same as of the cluster.
    let played = two_outages(ONE).set("model.bigtable.grace-timer=instance").play();
    assert_eq!(played.state_at("bigtable.a", "2h 4m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "2h 5m"), "offline");
}

#[test]
fn q_04_of_the_instance_any_success_of_any_cluster_counts() {
    // us-east1 alone is away, but the calls of the other clusters succeed every five minutes.
    let played = World::new("12h", THREE)
        .set("model.bigtable.grace-timer=instance")
        .during("1h 2m", "5h", "kms-outage location=us-east1")
        .play();
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
    // With all locations away the hour of the instance runs from the first failed call.
    let played = away("5h").set("model.bigtable.grace-timer=instance").play();
    assert_eq!(played.state_at("bigtable.a", "2h 6m 59s"), "serving");
    assert_eq!(played.state_at("bigtable.a", "2h 7m"), "offline");
}

#[test]
fn q_12_any_successful_contact_starts_the_hour_anew() {
    // Away 1 h 2 m to 1 h 32 m and from 1 h 37 m on: success at 1 h 35 m, next failed call at
    // 1 h 40 m, offline at 2 h 42 m.
    let world = World::new("12h", THREE)
        .during("1h 2m", "30m", "kms-outage location=everywhere")
        .during("1h 37m", "5h", "kms-outage location=everywhere");
    for reset in ["any-success", "outage-end"] {
        // No outage is in progress at 1 h 35 m, so both readings agree.
        let played = world.clone().set(&format!("model.bigtable.grace-reset={reset}")).play();
        assert_eq!(played.state_at("bigtable.a.clusters.east", "1h 36m"), "serving");
        assert_eq!(played.state_at("bigtable.a", "2h 41m 59s"), "serving");
        assert_eq!(played.state_at("bigtable.a", "2h 42m"), "offline");
    }
}

#[test]
fn q_12_a_success_amid_a_partial_outage_counts_or_not() {
    // Half of the calls fail for 6 h, from 1 h 2 m on. One table; its first failed call starts
    // the hour. The chance of twelve failures in a row is 1/4096.
    let world = World::new("12h", ONE).during(
        "1h 2m",
        "6h",
        "kms-outage location=us-east1 error-fraction=0.5",
    );
    for seed in 1..=20 {
        let lenient = world.clone().seeded(seed);
        assert_eq!(lenient.measure("bigtable.a.downtime"), 0.0, "seed {seed}");
        assert!(lenient.transitions("bigtable.a.clusters.east").len() > 10, "seed {seed}");
        // Only a success without an outage in progress counts: the hour is over an hour after
        // the first failed call, two minutes later the cluster is offline.
        let strict = world.clone().set("model.bigtable.grace-reset=outage-end").seeded(seed);
        let told = strict.transitions("bigtable.a.clusters.east");
        assert_eq!((told[0].1, told[1].1), ("cached", "offline"), "{}", strict.story());
        assert_eq!(told[1].0 - told[0].0, secs("1h 2m"), "seed {seed}");
        assert_eq!(told[0].0, lenient.transitions("bigtable.a.clusters.east")[0].0);
    }
}
