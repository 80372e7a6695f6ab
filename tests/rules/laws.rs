//! Responses, hazards, and what holds of every trace (the helper checks the rest on every run).

use crate::world::{ONE, THREE, World, secs, seeds};

#[test]
fn response_reacts_once_after_its_delay_and_is_caused_by_the_state() {
    // Locked out at 2 h 5 m, enabled 40 minutes later at the instant of a sweep, which sees it.
    let played = World::new("12h", THREE)
        .at("1h 2m", "disable-key key=east")
        .when("bigtable.a", "disabled", "40m", "enable-key key=east")
        .play();
    assert_eq!(played.transitions("keys.east").last().unwrap().0, secs("2h 45m"));
    assert_eq!(played.state_at("bigtable.a.clusters.east", "2h 45m"), "bringing-up");
    let chain = played.chain("bigtable.a.clusters.east", "bringing-up");
    let path: Vec<_> = chain.iter().map(|(path, _)| path.as_str()).collect();
    // The enabling, the state it reacts to, and the event that began it all.
    assert_eq!(path[..3], ["bigtable.a.clusters.east", "keys.east", "bigtable.a"], "{chain:?}");
    assert_eq!(chain.last().unwrap(), &("keys.east".to_owned(), "KMS-02"), "{chain:?}");
    assert_eq!(played.measure("bigtable.a.downtime"), secs("40m"));
}

#[test]
fn response_waits_for_the_alias_it_names() {
    // `disabled` and `offline` are both down; a response to one does not react to the other.
    let world = World::new("12h", THREE)
        .during("1h 2m", "5h", "kms-outage location=everywhere")
        .when("bigtable.a", "disabled", "10m", "disable-key key=west");
    assert_eq!(
        world.play().transitions("keys.west").iter().filter(|t| t.1 == "disabling").count(),
        0
    );
    for state in ["offline", "down"] {
        let played = World::new("12h", THREE)
            .during("1h 2m", "5h", "kms-outage location=us-east1")
            .when("bigtable.a", state, "10m", "disable-key key=west")
            .play();
        assert_eq!(played.transitions("keys.west")[0].0, secs("2h 17m"), "{state}");
    }
}

#[test]
fn response_reacts_to_each_time_the_state_is_entered_but_not_while_it_is_at_it() {
    // The key is disabled at 1 h 2 m and 4 h 2 m, found three minutes later, and enabled 20 m
    // after that each time.
    let played = World::new("12h", ONE)
        .at("1h 2m", "disable-key key=east")
        .at("4h 2m", "disable-key key=east")
        .when("bigtable.a", "disabled", "20m", "enable-key key=east")
        .play();
    let enabled: Vec<_> =
        played.transitions("keys.east").iter().filter(|t| t.1 == "enabled").map(|t| t.0).collect();
    assert_eq!(enabled, [secs("1h 25m"), secs("4h 25m")]);
    // A response that takes 5 h is under way when the state is entered again: it acts once, at
    // 6 h 5 m, though enabled by hand between.
    let played = World::new("20h", ONE)
        .at("1h 2m", "disable-key key=east")
        .at("2h", "enable-key key=east")
        .at("3h 2m", "disable-key key=east")
        .when("bigtable.a", "disabled", "5h", "enable-key key=east")
        .play();
    let told: Vec<_> =
        played.transitions("keys.east").iter().filter(|t| t.1 == "enabled").map(|t| t.0).collect();
    assert_eq!(told, [secs("2h"), secs("6h 5m")]);
}

#[test]
fn response_that_lasts_begins_and_ends() {
    // The lockout at 2 h 5 m brings an outage of 30 m, ten minutes later.
    let world = World::new("12h", THREE).at("1h 2m", "disable-key key=east").add(
        "[[responses]]\nwhen = { entity = \"bigtable.a\", state = \"disabled\" }\nafter = \"10m\"\n\
         do = \"kms-outage\"\nlocation = \"us-west1\"\nlasts = \"30m\"",
    );
    let played = world.play();
    played.expect(
        "kms.us-west1",
        &[("2h 15m", "unavailable", "BT-43"), ("2h 45m", "available", "BT-43")],
    );
    let chain = played.chain("kms.us-west1", "available");
    assert_eq!(chain.last().unwrap().0, "keys.east", "{chain:?}");
}

#[test]
fn hazard_comes_again_one_spacing_after_the_end_of_the_last() {
    // Every 10 h for 30 m: 10 h, 20 h 30 m, 31 h, 41 h 30 m.
    let hazard = "[[hazards]]\nname = \"h\"\ndo = \"kms-outage\"\nlocation = \"us-east1\"\n\
                  every = \"10h\"\nlasts = \"30m\"";
    let played = World::new("48h", ONE).add(hazard).play();
    let told: Vec<_> = played.transitions("kms.us-east1").iter().map(|t| t.0).collect();
    let expected = ["10h", "10h 30m", "20h 30m", "21h", "31h", "31h 30m", "41h 30m", "42h"];
    assert_eq!(told, expected.map(secs));
    assert_eq!(played.measure("kms.us-east1.downtime"), 4.0 * 1_800.0);
    // Each beginning is a root.
    assert_eq!(played.chain("kms.us-east1", "unavailable").len(), 1);
}

#[test]
fn hazard_without_a_length_comes_every_spacing() {
    let hazard = "[[hazards]]\nname = \"h\"\ndo = \"disable-key\"\nkey = \"east\"\nevery = \"5h\"";
    let played = World::new("24h", ONE)
        .add(hazard)
        .when("bigtable.a", "disabled", "1h", "enable-key key=east")
        .play();
    // 5, 10, 15, 20 h.
    let told: Vec<_> = played
        .transitions("keys.east")
        .iter()
        .filter(|t| t.1 == "disabling")
        .map(|t| t.0)
        .collect();
    assert_eq!(told, ["5h", "10h", "15h", "20h"].map(secs));
}

#[test]
fn random_hazards_and_responses_obey_the_laws_on_many_seeds() {
    // Everything at once with the product's own constants: the helper compares decisive sweeps
    // with all sweeps, walks the causes and adds up the charges.
    let world = World::with_defaults("20d", THREE)
        .set("bigtable.a.tables=4")
        .set("keys.eu.destroy-wait=5d")
        .add(
            r#"
[bigtable.a.app-profiles.p]
reads = "100/s"
writes = "10/s"
[bigtable.a.app-profiles.q]
writes = "5/s"
routing = { single-cluster = "eu" }
[bigtable.a.backups.b]
cluster = "west"
[[hazards]]
name = "outages"
do = "kms-outage"
location = "us-east1"
error-fraction = 0.8
every = { exponential = { mean = "1d" } }
lasts = { lognormal = { median = "1h", p95 = "6h" } }
[[hazards]]
name = "everywhere"
do = "kms-outage"
location = "everywhere"
every = { exponential = { mean = "3d" } }
lasts = { lognormal = { median = "40m", p95 = "4h" } }
[[hazards]]
name = "mistakes"
do = "disable-key"
key = "west"
every = { exponential = { mean = "2d" } }
[[hazards]]
name = "worse-mistakes"
do = "schedule-destroy"
key = "eu"
every = { exponential = { mean = "15d" } }
[[responses]]
when = { entity = "bigtable.a", state = "disabled" }
after = { lognormal = { median = "15m", p95 = "4h" } }
do = "enable-key"
key = "west"
[[responses]]
when = { entity = "keys.eu", state = "destroy-scheduled" }
after = { exponential = { mean = "4d" } }
do = "restore-key"
key = "eu"
[[responses]]
when = { entity = "keys.eu", state = "disabled" }
after = "30m"
do = "enable-key"
key = "eu"
"#,
        );
    for seed in seeds(40) {
        world.seeded(seed);
    }
}

#[test]
fn times_run_from_the_first_root_event() {
    // The first root event is an outage that harms nobody, at 30 m.
    let played = World::new("12h", THREE)
        .during("30m", "1m", "kms-outage location=us-west1")
        .at("1h 2m", "disable-key key=east")
        .at("10h 1m", "enable-key key=east")
        .play();
    assert_eq!(played.measure("bigtable.a.time-to-first-error"), secs("35m"));
    assert_eq!(played.measure("bigtable.a.time-to-lockout"), secs("1h 35m"));
    assert_eq!(played.measure("bigtable.a.time-to-recovery"), secs("9h 45m"));
}

#[test]
fn charges_add_up_to_downtime_and_degraded_time() {
    // 8 h down and 1 h 10 m degraded, of one cause.
    let played = World::new("12h", THREE)
        .at("1h 2m", "disable-key key=east")
        .at("10h 1m", "enable-key key=east")
        .play();
    assert_eq!(played.charged("bigtable.a", "down"), secs("8h"));
    assert_eq!(played.charged("bigtable.a", "degraded"), secs("1h 10m"));
}

#[test]
fn the_run_covers_the_start_and_not_the_horizon() {
    // What is due at the horizon is not part of the run.
    let played = World::new("1h 5m", ONE).at("1h 2m", "disable-key key=east").play();
    assert_eq!(played.transitions("bigtable.a.clusters.east"), []);
    assert_eq!(played.measure("bigtable.a.sweeps"), 13.0);
}
