//! Requests of app profiles: routing, errors by code, best effort, SLA downtime.

use crate::world::{ONE, THREE, World, secs};

/// A profile of 100 requests a second with some settings.
fn profile(settings: &str) -> String {
    format!("[bigtable.a.app-profiles.p]\nreads = \"80/s\"\nwrites = \"20/s\"\n{settings}")
}

const P: &str = "bigtable.a.app-profiles.p";

fn p(measure: &str) -> String {
    format!("{P}.{measure}")
}

/// East is down from 1 h 5 m, eu from 1 h 35 m, west from 2 h 5 m; up again at 10 h 5 m.
fn cascade(settings: &str) -> World {
    World::new("12h", THREE)
        .add(&profile(settings))
        .at("1h 2m", "disable-key key=east")
        .at("10h 1m", "enable-key key=east")
}

/// Each cluster has a key in a manager of its own, and every request to a cluster that serves on
/// cached keys fails: an outage of one manager shows what share of the requests goes there.
fn traced(clusters: &[(&str, &str)]) -> World {
    let mut text = String::new();
    for (name, zone) in clusters {
        let region = &zone[..zone.len() - 2];
        text.push_str(&format!(
            "[ekm.{name}]\n[keys.{name}]\nlocation = \"{region}\"\nprotection = \"external\"\n\
             ekm = \"{name}\"\n[bigtable.a.clusters.{name}]\nzone = \"{zone}\"\nkey = \"{name}\"\n"
        ));
    }
    World::new("12h", &text)
        .set("model.bigtable.best-effort-errors=1.0")
        .set("model.bigtable.grace-scope=cluster")
        .set("model.bigtable.reroute-delay=0s")
        .set("model.bigtable.bringup=0s")
}

#[test]
fn bt_30_while_the_cascade_runs_some_requests_succeed_and_some_fail() {
    // 60 % are nearest to east, 40 % to west, and nothing is rerouted: from 1 h 5 m 60 %
    // fail, from 2 h 5 m all do.
    let played = cascade("traffic = { east = 0.6, west = 0.4 }")
        .set("model.bigtable.route-around-disabled=false")
        .set("model.bigtable.bringup=0s")
        .play();
    assert_eq!(played.state_at(P, "1h 4m"), "serving");
    assert_eq!(played.state_at(P, "1h 30m"), "degraded");
    assert_eq!(played.state_at(P, "2h 5m"), "failing");
    played.near(&p("failed-requests"), 3_600.0 * 60.0 + 8.0 * 3_600.0 * 100.0);
    // Availability of a profile is the share of its requests that are served.
    let failed = 3_600.0 * 60.0 + 8.0 * 3_600.0 * 100.0;
    played.near(&p("availability"), 1.0 - failed / (12.0 * 3_600.0 * 100.0));
}

#[test]
fn bt_31_refusals_are_split_between_two_codes() {
    // One cluster, down for 9 h, without a bring-up.
    let world = World::new("12h", ONE)
        .add(&profile(""))
        .set("model.bigtable.bringup=0s")
        .at("1h 2m", "disable-key key=east")
        .at("10h 1m", "enable-key key=east");
    let all = 9.0 * 3_600.0 * 100.0;
    let played = world.clone().play();
    played.near(&p("failed-requests"), all);
    played.near(&p("failed-requests.failed-precondition"), 0.9 * all);
    played.near(&p("failed-requests.not-found"), 0.1 * all);
    let played = world.set("model.bigtable.error-split=0.25").play();
    played.near(&p("failed-requests.failed-precondition"), 0.25 * all);
    played.near(&p("failed-requests.not-found"), 0.75 * all);
    played.near(&p("failed-requests.deadline-exceeded"), 0.0);
    played.near(&p("failed-requests.unavailable"), 0.0);
}

#[test]
fn bt_48_best_effort_losses_leave_a_profile_serving() {
    let played = World::new("12h", ONE)
        .add(&profile(""))
        .during("1h 2m", "30m", "kms-outage location=everywhere")
        .play();
    // From 1 h 5 m to 1 h 35 m one in a thousand.
    played.near(&p("failed-requests.unavailable"), 1_800.0 * 0.1);
    assert_eq!(played.transitions(P), []);
    assert!(played.is_undefined(&p("time-to-first-error")));
}

#[test]
fn br_05_requests_go_to_the_nearest_cluster_that_serves() {
    // East first, then eu, then west: each time ten seconds of errors until requests are
    // rerouted; all fail from 2 h 5 m to 10 h 5 m; then 20 % falling to none for ten minutes.
    let played = cascade("prefers = [\"east\", \"eu\", \"west\"]").play();
    let refused = 2.0 * 1_000.0 + 8.0 * 3_600.0 * 100.0;
    played.near(&p("failed-requests.deadline-exceeded"), 6_000.0);
    played.near(&p("failed-requests"), refused + 6_000.0);
    assert_eq!(played.state_at(P, "1h 5m 5s"), "failing");
    assert_eq!(played.state_at(P, "1h 5m 10s"), "serving");
    assert_eq!(played.state_at(P, "1h 35m 5s"), "failing");
    assert_eq!(played.state_at(P, "1h 35m 10s"), "serving");
    assert_eq!(played.state_at(P, "2h 5m"), "failing");
    assert_eq!(played.state_at(P, "10h 5m"), "degraded");
    assert_eq!(played.state_at(P, "10h 15m"), "serving");
    assert_eq!(played.measure(&p("time-to-first-error")), secs("3m"));
    assert_eq!(played.measure(&p("time-to-recovery")), secs("9h 13m"));
}

#[test]
fn br_05_preferences_are_followed_in_order_and_the_rest_by_name() {
    // West is preferred, so the loss of east and eu is not noticed before west goes at 2 h 5 m.
    let played = cascade("prefers = [\"west\"]").play();
    assert_eq!(played.transitions(P)[0].0, secs("2h 5m"));
    // Without preferences the first by name, east.
    let played = cascade("").play();
    assert_eq!(played.transitions(P)[0].0, secs("1h 5m"));
    // Preferring eu: it goes at 1 h 35 m, ten seconds of errors, and then west, since east is
    // down; west goes at 2 h 5 m.
    let played = cascade("prefers = [\"eu\"]").play();
    played.near(&p("failed-requests"), 1_000.0 + 8.0 * 360_000.0 + 6_000.0);
    assert_eq!(played.state_at(P, "1h 35m 5s"), "failing");
    assert_eq!(played.state_at(P, "1h 36m"), "serving");
}

#[test]
fn br_05_requests_return_to_the_nearest_cluster_when_it_is_back() {
    // Only us-east1's cluster goes (scope cluster), 2 h 7 m to 6 h 5 m; requests are at eu from
    // 2 h 7 m 10 s and back at 6 h 5 m, where a falling share times out: 6,000 in ten minutes.
    let played = World::new("12h", THREE)
        .add(&profile(""))
        .set("model.bigtable.grace-scope=cluster")
        .set("model.bigtable.best-effort-errors=0.0")
        .during("1h 2m", "5h", "kms-outage location=us-east1")
        .play();
    played.near(&p("failed-requests.deadline-exceeded"), 6_000.0);
    played.near(&p("failed-requests"), 7_000.0);
}

#[test]
fn br_05_traffic_shares_go_to_their_own_clusters() {
    let world = traced(&[("b", "us-east1-b"), ("c", "us-east1-c"), ("w", "us-west1-a")])
        .add(&profile("traffic = { b = 0.5, c = 0.2, w = 0.3 }"));
    // Each outage is seen from the sweep at 2 h 5 m to that at 2 h 35 m: 1,800 s x 100 x share.
    for (cluster, share) in [("b", 0.5), ("c", 0.2), ("w", 0.3)] {
        let played =
            world.clone().during("2h 2m", "30m", &format!("ekm-outage ekm={cluster}")).play();
        played.near(&p("failed-requests"), 180_000.0 * share);
    }
}

#[test]
fn br_05_a_share_whose_cluster_is_down_goes_to_its_own_region_first() {
    // Clusters by name: a in another region, b and c in us-east1. C has all the traffic and is
    // offline from 2 h 7 m on; b, in the same region, takes over although a comes first by name.
    let world = traced(&[("a", "us-west1-a"), ("b", "us-east1-b"), ("c", "us-east1-c")])
        .add(&profile("traffic = { c = 1.0 }"))
        .during("1h 2m", "9h", "ekm-outage ekm=c");
    // Cached until 2 h 7 m, all fail: 3,720 s x 100. Then at b none fail,
    world.clone().play().near(&p("failed-requests"), 372_000.0);
    // unless b is cached as well: 4 h 5 m to 4 h 35 m.
    let played = world.clone().during("4h 2m", "30m", "ekm-outage ekm=b").play();
    played.near(&p("failed-requests"), 372_000.0 + 180_000.0);
    // A is not asked.
    let played = world.clone().during("4h 2m", "30m", "ekm-outage ekm=a").play();
    played.near(&p("failed-requests"), 372_000.0);
}

#[test]
fn br_06_single_cluster_routing_has_the_availability_of_its_cluster() {
    // West is down from 2 h 5 m to 10 h 5 m, whatever the others do.
    let played =
        cascade("routing = { single-cluster = \"west\" }").set("model.bigtable.bringup=0s").play();
    let told: Vec<_> = played.transitions(P).iter().map(|t| (t.0, t.1)).collect();
    assert_eq!(told, [(secs("2h 5m"), "failing"), (secs("10h 5m"), "serving")]);
    played.near(&p("failed-requests"), 8.0 * 360_000.0);
    // East from 1 h 5 m on, although the others serve.
    let played =
        cascade("routing = { single-cluster = \"east\" }").set("model.bigtable.bringup=0s").play();
    played.near(&p("failed-requests"), 9.0 * 360_000.0);
}

#[test]
fn br_07_row_affinity_is_treated_as_multi_cluster_routing() {
    let affinity = cascade("routing = \"row-affinity\"\nprefers = [\"eu\"]").play();
    let multi = cascade("prefers = [\"eu\"]").play();
    assert_eq!(affinity.story(), multi.story());
    assert_eq!(affinity.outcome.measures, multi.outcome.measures);
}

#[test]
fn q_02_requests_are_routed_around_a_disabled_cluster_or_not() {
    // Around it, after 40 s at the old place: 4,000 at 1 h 5 m and 4,000 at 1 h 35 m.
    let around = cascade("").set("model.bigtable.reroute-delay=40s").play();
    let end = 8.0 * 360_000.0 + 6_000.0;
    around.near(&p("failed-requests"), 8_000.0 + end);
    // At once: no error before the last cluster is down.
    let at_once = cascade("").set("model.bigtable.reroute-delay=0s").play();
    at_once.near(&p("failed-requests"), end);
    assert_eq!(at_once.state_at(P, "2h 4m 59s"), "serving");
    assert_eq!(at_once.measure(&p("time-to-first-error")), secs("1h 3m"));
    // Not around it: all fail from 1 h 5 m on.
    let not = cascade("").set("model.bigtable.route-around-disabled=false").play();
    not.near(&p("failed-requests"), 3_600.0 * 100.0 + end);
    assert_eq!(not.state_at(P, "1h 30m"), "failing");
    assert_eq!(not.measure(&p("time-to-lockout")), secs("3m"));
}

#[test]
fn br_09_a_cluster_that_is_merely_offline_is_routed_around_like_a_disabled_one() {
    // The switch is about clusters that are down because of a key, denied or unreachable: east is
    // offline from 2 h 7 m to 6 h 5 m.
    let world = World::new("12h", THREE)
        .add(&profile(""))
        .set("model.bigtable.grace-scope=cluster")
        .set("model.bigtable.best-effort-errors=0.0")
        .set("model.bigtable.bringup=0s")
        .during("1h 2m", "5h", "kms-outage location=us-east1");
    world.clone().play().near(&p("failed-requests"), 1_000.0);
    let not = world.set("model.bigtable.route-around-disabled=false").play();
    not.near(&p("failed-requests"), secs("3h 58m") * 100.0);
}

#[test]
fn br_11_sla_downtime_counts_only_five_minutes_or_more_above_five_percent() {
    // Ten seconds of rerouting do not count. Down from 2 h 5 m to 10 h 5 m, and then a falling
    // share of time-outs: 0.2 (1 - t/600) > 0.05 until t = 450 s, which continues the period.
    let played = cascade("").play();
    played.near(&p("sla-downtime"), 8.0 * 3_600.0 + 450.0);
    // Rerouting that takes six minutes counts twice, five minutes exactly too, four not.
    for (delay, counted) in [("6m", 720.0), ("5m", 600.0), ("4m", 0.0), ("4m 59s", 0.0)] {
        let played = cascade("").set(&format!("model.bigtable.reroute-delay={delay}")).play();
        played.near(&p("sla-downtime"), counted + 8.0 * 3_600.0 + 450.0);
    }
}

#[test]
fn br_11_a_falling_error_rate_counts_until_it_crosses_five_percent() {
    // Nothing but a bring-up: only us-east1's cluster goes, requests are rerouted at once and
    // come back at 6 h 5 m to a share of 0.2 that falls for ten minutes: 450 s above 5 %.
    let world = World::new("12h", THREE)
        .add(&profile(""))
        .set("model.bigtable.grace-scope=cluster")
        .set("model.bigtable.reroute-delay=0s")
        .during("1h 2m", "5h", "kms-outage location=us-east1");
    world.clone().play().near(&p("sla-downtime"), 450.0);
    // Of six minutes the part above 5 % is 270 s: too short.
    world.clone().set("model.bigtable.bringup=6m").play().near(&p("sla-downtime"), 0.0);
    // From 0.08 the share crosses at t = 600 (1 - 0.05/0.08) = 225 s; over 20 m at 450 s.
    let lower = world.set("model.bigtable.bringup-timeouts=0.08");
    lower.clone().play().near(&p("sla-downtime"), 0.0);
    lower.set("model.bigtable.bringup=20m").play().near(&p("sla-downtime"), 450.0);
}

#[test]
fn br_11_one_in_a_thousand_is_no_downtime_but_one_in_ten_is() {
    let world = World::new("12h", ONE).add(&profile("")).during(
        "1h 2m",
        "30m",
        "kms-outage location=everywhere",
    );
    world.clone().play().near(&p("sla-downtime"), 0.0);
    // Exactly 5 % is not above it.
    world
        .clone()
        .set("model.bigtable.best-effort-errors=0.05")
        .play()
        .near(&p("sla-downtime"), 0.0);
    // 1 h 5 m to 1 h 35 m.
    world.set("model.bigtable.best-effort-errors=0.1").play().near(&p("sla-downtime"), 1_800.0);
}
