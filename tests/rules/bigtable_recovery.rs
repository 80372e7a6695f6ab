//! Coming back: detection of the enabled key, bring-up, and its measures.

use crate::world::{ONE, THREE, World, secs};

#[test]
fn bt_38_access_returns_when_a_sweep_finds_the_key_enabled() {
    // Down 2 h 5 m, enabled 10 h 1 m, found 10 h 5 m, brought up in 10 m.
    let played = World::new("12h", THREE)
        .at("1h 2m", "disable-key key=east")
        .at("10h 1m", "enable-key key=east")
        .play();
    for cluster in ["east", "eu", "west"] {
        let told = played.transitions(&format!("bigtable.a.clusters.{cluster}"));
        assert_eq!(told[1], (secs("10h 5m"), "bringing-up", "BT-38"), "{cluster}");
        assert_eq!((told[2].0, told[2].1), (secs("10h 15m"), "serving"), "{cluster}");
    }
    assert_eq!(played.measure("bigtable.a.downtime"), secs("8h"));
    assert_eq!(played.measure("bigtable.a.degraded-time"), secs("1h 10m"));
    assert_eq!(played.measure("bigtable.a.outages"), 1.0);
    assert_eq!(played.measure("bigtable.a.longest-outage"), secs("8h"));
    // From the root event at 1 h 2 m.
    assert_eq!(played.measure("bigtable.a.time-to-first-error"), secs("3m"));
    assert_eq!(played.measure("bigtable.a.time-to-lockout"), secs("1h 3m"));
    assert_eq!(played.measure("bigtable.a.time-to-recovery"), secs("9h 13m"));
    assert_eq!(played.measure("bigtable.a.irreversible"), 0.0);
}

#[test]
fn bt_38_every_denied_key_must_be_back() {
    // East and west are denied; east alone does not bring the instance back.
    let played = World::new("12h", THREE)
        .at("1h 2m", "disable-key key=east")
        .at("1h 2m", "disable-key key=west")
        .at("5h 1m", "enable-key key=east")
        .at("8h 1m", "enable-key key=west")
        .play();
    assert_eq!(played.state_at("bigtable.a", "5h 10m"), "disabled");
    assert_eq!(played.state_at("bigtable.a", "8h 4m"), "disabled");
    assert_eq!(played.state_at("bigtable.a", "8h 15m"), "serving");
}

#[test]
fn bt_38_a_key_disabled_again_during_the_bring_up_takes_the_cluster_down_again() {
    // Found enabled at 3 h 5 m, disabled at 3 h 6 m, denied 3 h 6 m 30 s, found at 3 h 10 m, in
    // the middle of a bring-up that would have ended at 3 h 15 m.
    let played = World::new("6h", ONE)
        .at("1h 2m", "disable-key key=east")
        .at("3h 1m", "enable-key key=east")
        .at("3h 6m", "disable-key key=east")
        .play();
    let states: Vec<_> =
        played.transitions("bigtable.a.clusters.east").iter().map(|t| (t.0, t.1)).collect();
    assert_eq!(
        states,
        [(secs("1h 5m"), "disabled"), (secs("3h 5m"), "bringing-up"), (secs("3h 10m"), "disabled")]
    );
    assert!(played.is_undefined("bigtable.a.time-to-recovery"));
    assert_eq!(played.measure("bigtable.a.outages"), 2.0);
}

#[test]
fn bt_39_a_falling_share_of_requests_times_out_during_the_bring_up() {
    // 100/s x 600 s x half of 0.2.
    let world = World::new("12h", ONE)
        .add("[bigtable.a.app-profiles.p]\nreads = \"60/s\"\nwrites = \"40/s\"")
        .at("1h 2m", "disable-key key=east")
        .at("10h 1m", "enable-key key=east");
    let timeouts = "bigtable.a.app-profiles.p.failed-requests.deadline-exceeded";
    let played = world.clone().play();
    played.near(timeouts, 6_000.0);
    // Refused from 1 h 5 m to 10 h 5 m.
    played.near("bigtable.a.app-profiles.p.failed-requests", 9.0 * 3_600.0 * 100.0 + 6_000.0);
    played.near("bigtable.a.app-profiles.p.requests", 12.0 * 3_600.0 * 100.0);
    world.clone().set("model.bigtable.bringup-timeouts=0.5").play().near(timeouts, 15_000.0);
    world.clone().set("model.bigtable.bringup-timeouts=0.0").play().near(timeouts, 0.0);
    // Cut by the horizon half way: the share has fallen from 0.2 to 0.1, mean 0.15 over 300 s.
    let cut = world.clone().set("scenario.horizon=10h 10m").play();
    cut.near(timeouts, 4_500.0);
    // Cut by a second denial at 10 h 10 m (disabled 10 h 6 m) likewise.
    world.at("10h 6m", "disable-key key=east").play().near(timeouts, 4_500.0);
}
