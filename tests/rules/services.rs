//! Business services: series, parallel, k-of-n, and services of services.

use super::world::{World, secs};

/// Three keys in places of their own: nothing but what a test does to them happens to them.
const KEYS: &str = r#"
[keys.east]
location = "us-east1"
[keys.eu]
location = "europe-west1"
[keys.west]
location = "us-west1"
"#;

fn world(services: &str) -> World {
    World::new("10h", &format!("{KEYS}{services}"))
}

/// A key that is disabled at 1 h denies from 1 h 0 min 30 s on (propagation of 30 s) and serves again as
/// soon as it is enabled, at 2 h: 59 min 30 s without it.
#[test]
fn rb_01_a_service_in_series_is_down_while_any_member_is() {
    let played = world("[services.shop]\nall-of = [\"keys.east\", \"keys.west\"]\n")
        .at("1h", "disable-key key=east")
        .at("2h", "enable-key key=east")
        .at("3h", "disable-key key=west")
        .at("4h", "enable-key key=west")
        .play();
    played.expect(
        "services.shop",
        &[
            ("1h", "degraded", "RB-04"),
            ("1h 30s", "down", "RB-01"),
            ("2h", "up", "RB-01"),
            ("3h", "degraded", "RB-04"),
            ("3h 30s", "down", "RB-01"),
            ("4h", "up", "RB-01"),
        ],
    );
    assert_eq!(played.measure("services.shop.downtime"), 2.0 * secs("59m 30s"));
    assert_eq!(played.measure("services.shop.outages"), 2.0);
    assert_eq!(played.measure("services.shop.longest-outage"), secs("59m 30s"));
    assert_eq!(played.measure("services.shop.degraded-time"), 60.0);
    played.near("services.shop.availability", 1.0 - 7_140.0 / 36_000.0);
    assert_eq!(played.measure("services.shop.time-to-first-error"), 0.0);
    assert_eq!(played.measure("services.shop.time-to-lockout"), 30.0);
    assert_eq!(played.measure("services.shop.time-to-recovery"), secs("3h"));
    assert_eq!(played.charged("services.shop", "down"), 2.0 * secs("59m 30s"));
    assert_eq!(played.charged("services.shop", "degraded"), 60.0);
    let chain = played.chain("services.shop", "down");
    assert_eq!(chain[0], ("services.shop".to_owned(), "RB-01"));
    assert_eq!(chain[1], ("keys.east".to_owned(), "KMS-12"));
}

/// Two keys are disabled at 1 h and at 3 h; both deny from 3 h 0 min 30 s until the first is back at 4 h.
#[test]
fn rb_02_a_service_in_parallel_is_down_while_no_member_serves() {
    let played = world("[services.shop]\nany-of = [\"keys.east\", \"keys.west\"]\n")
        .at("1h", "disable-key key=east")
        .at("3h", "disable-key key=west")
        .at("4h", "enable-key key=east")
        .at("5h", "enable-key key=west")
        .play();
    played.expect(
        "services.shop",
        &[
            ("1h", "degraded", "RB-04"),
            ("3h 30s", "down", "RB-02"),
            ("4h", "degraded", "RB-02"),
            ("5h", "up", "RB-04"),
        ],
    );
    assert_eq!(played.measure("services.shop.downtime"), secs("59m 30s"));
    assert_eq!(played.measure("services.shop.degraded-time"), secs("2h 30s") + secs("1h"));
    assert_eq!(played.charged("services.shop", "down"), secs("59m 30s"));
}

/// Two of three: up with one key denied, down with two (from 2 h 0 min 30 s), up again with two back.
#[test]
fn rb_03_a_service_of_k_of_n_is_up_while_k_members_serve() {
    let three = "of = [\"keys.east\", \"keys.eu\", \"keys.west\"]\n";
    let played = world(&format!(
        "[services.one]\nat-least = 1\n{three}[services.two]\nat-least = 2\n{three}\
         [services.three]\nat-least = 3\n{three}"
    ))
    .at("1h", "disable-key key=east")
    .at("2h", "disable-key key=eu")
    .at("3h", "disable-key key=west")
    .at("4h", "enable-key key=eu")
    .at("5h", "enable-key key=west")
    .at("6h", "enable-key key=east")
    .play();
    let down = |service: &str| played.measure(&format!("services.{service}.downtime"));
    assert_eq!(down("one"), secs("4h") - secs("3h 30s"));
    assert_eq!(down("two"), secs("5h") - secs("2h 30s"));
    assert_eq!(down("three"), secs("6h") - secs("1h 30s"));
    played.expect(
        "services.two",
        &[
            ("1h", "degraded", "RB-04"),
            ("2h 30s", "down", "RB-03"),
            ("5h", "degraded", "RB-03"),
            ("6h", "up", "RB-04"),
        ],
    );
}

/// An outage in one place ends at the instant at which one in the other begins: the service has
/// somewhere to go at every instant, and is degraded throughout.
#[test]
fn rb_04_a_switch_without_a_gap_is_no_outage() {
    let played = world("[services.shop]\nany-of = [\"kms.us-east1\", \"kms.us-west1\"]\n")
        .during("1h", "1h", "kms-outage location=us-east1")
        .during("2h", "1h", "kms-outage location=us-west1")
        .play();
    played.expect("services.shop", &[("1h", "degraded", "RB-04"), ("3h", "up", "RB-04")]);
    assert_eq!(played.measure("services.shop.outages"), 0.0);
    assert!(played.is_undefined("services.shop.time-to-lockout"));
}

/// A partial outage leaves the key serving: the service is degraded and has no downtime. Half of
/// the requests of the key fail.
#[test]
fn rb_04_a_member_that_serves_in_part_serves() {
    let played = world("[services.shop]\nall-of = [\"keys.east\"]\n")
        .during("1h", "1h", "kms-outage location=us-east1 error-fraction=0.5")
        .play();
    played.expect("services.shop", &[("1h", "degraded", "RB-04"), ("2h", "up", "RB-04")]);
    assert_eq!(played.measure("services.shop.availability"), 1.0);
}

/// `shop` needs `pay` and any of two keys; `pay` needs the third key. All of it in one instant:
/// the outer service follows the inner one, and names it as its cause.
#[test]
fn rb_01_services_are_made_of_services() {
    let played = world(
        "[services.shop]\nall-of = [\"services.pay\"]\nany-of = [\"keys.east\", \"keys.eu\"]\n\
         [services.pay]\nall-of = [\"keys.west\"]\n",
    )
    .at("1h", "disable-key key=west")
    .at("2h", "enable-key key=west")
    .at("3h", "disable-key key=east")
    .at("3h", "disable-key key=eu")
    .at("4h", "enable-key key=eu")
    .play();
    played.expect(
        "services.shop",
        &[
            ("1h", "degraded", "RB-04"),
            ("1h 30s", "down", "RB-01"),
            ("2h", "up", "RB-01"),
            ("3h", "degraded", "RB-04"),
            ("3h 30s", "down", "RB-02"),
            ("4h", "degraded", "RB-02"),
        ],
    );
    let chain: Vec<String> =
        played.chain("services.shop", "down").into_iter().map(|(path, _)| path).collect();
    assert_eq!(chain, ["services.shop", "services.pay", "keys.west", "keys.west"]);
}

/// One inner service up and another down at one instant never shows in the outer one, in whatever
/// order their members report.
#[test]
fn rb_02_services_of_services_change_once_per_instant() {
    let played = world(
        "[services.a]\nall-of = [\"kms.us-east1\"]\n[services.z]\nall-of = [\"kms.us-west1\"]\n\
         [services.m]\nany-of = [\"services.a\", \"services.z\"]\n",
    )
    .during("1h", "1h", "kms-outage location=us-west1")
    .during("2h", "1h", "kms-outage location=us-east1")
    .play();
    played.expect("services.m", &[("1h", "degraded", "RB-04"), ("3h", "up", "RB-04")]);
    played.expect("services.z", &[("1h", "down", "RB-01"), ("2h", "up", "RB-01")]);
}

/// What starts disabled is down from the start for the services that need it, at any depth: nobody
/// is charged, for no event caused it.
#[test]
fn rb_01_a_member_that_starts_down_is_down_from_the_start() {
    let played = World::new(
        "10h",
        "[keys.east]\nlocation = \"us-east1\"\nstate = \"disabled\"\n\
         [services.outer]\nall-of = [\"services.inner\"]\n[services.inner]\nall-of = [\"keys.east\"]\n",
    )
    .at("4h", "enable-key key=east")
    .play();
    for service in ["services.outer", "services.inner"] {
        assert_eq!(played.state_at(service, "0s"), "down");
        played.expect(service, &[("4h", "up", "RB-01")]);
        assert_eq!(played.measure(&format!("{service}.downtime")), secs("4h"));
        assert_eq!(played.charged(service, "down"), 0.0);
    }
}

/// A response may wait for a service: it is down at 1 h 0 min 30 s, and someone enables the key 20 min
/// later.
#[test]
fn rb_01_responses_wait_for_services() {
    let played = world("[services.shop]\nall-of = [\"keys.east\"]\n")
        .at("1h", "disable-key key=east")
        .when("services.shop", "down", "20m", "enable-key key=east")
        .play();
    played.expect(
        "services.shop",
        &[("1h", "degraded", "RB-04"), ("1h 30s", "down", "RB-01"), ("1h 20m 30s", "up", "RB-01")],
    );
}
