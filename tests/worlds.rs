//! Bounds for what was never seen: with `[uncertain]` they count worlds, and at a design point they end where
//! its own horizon does.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

#[path = "support/place.rs"]
mod place;

use place::{Place, files};
use std::collections::BTreeMap;

/// Nothing happens here in all likelihood, though it could.
const QUIET: &str = "schema = 1\n[scenario]\nname = \"quiet\"\nstart = 2026-06-01T00:00:00Z\n\
                     horizon = \"10d\"\n[keys.a]\nlocation = \"us-east1\"\n[bigtable.o]\ntables = 1\n\
                     [bigtable.o.clusters.a]\nzone = \"us-east1-b\"\nkey = \"a\"\n\
                     [[hazards]]\nname = \"x\"\ndo = \"kms-outage\"\nlocation = \"us-east1\"\n\
                     every = { exponential = { mean = \"50000d\" } }\nlasts = \"1h\"\n";

fn uncertain(draws: u32) -> String {
    let factor = "path = \"bigtable.o.tables\", levels = [1, 2]";
    format!("{QUIET}[uncertain]\ndraws = {draws}\n[uncertain.factors]\nt = {{ {factor} }}\n")
}

/// The rows of a measure, in order.
fn rows(place: &Place, file: &str, measure: &str) -> Vec<BTreeMap<String, String>> {
    let text = &files(&place.path("out"))[file];
    let all = csv::Reader::from_reader(&text[..]).into_deserialize().map(Result::unwrap);
    all.filter(|row: &BTreeMap<String, String>| row["measure"] == measure).collect()
}

/// Calls a command; gives what it shows.
fn call(place: &Place, args: &[&str]) -> String {
    let done = place.call(&[args, &["--out", "out", "--no-charts"]].concat());
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    done.out
}

fn near(cell: &str, wanted: f64) {
    let found: f64 = cell.parse().unwrap();
    assert!((found - wanted).abs() < 1e-4 * wanted, "{found} is not {wanted}");
}

/// Four worlds with fifty replications each: 1 - 0.05^(1/4), and not 1 - 0.05^(1/200).
#[test]
fn the_bound_for_what_was_never_seen_counts_worlds() {
    let place = Place::new(&uncertain(4));
    let told = call(&place, &["replicate", "s.toml", "-n", "50"]);
    assert!(told.contains("quantiles have no intervals"), "{told}");
    let down = rows(&place, "estimates.csv", "bigtable.o.downtime").remove(0);
    near(&down["other_max"], 0.527_129);
    near(&down["ci_high"], 0.527_129 * 864_000.0);
    assert_eq!((down["p50"].as_str(), down["p50_low"].as_str()), ("0", ""));
    let never = rows(&place, "estimates.csv", "bigtable.o.time-to-lockout").remove(0);
    near(&never["other_max"], 0.527_129);
}

/// One replication in each world: every one is an observation of its own. 1 - 0.05^(1/40).
#[test]
fn a_replication_in_each_world_counts_for_itself() {
    let place = Place::new(&uncertain(40));
    let told = call(&place, &["replicate", "s.toml", "-n", "1"]);
    assert!(!told.contains("quantiles have no intervals"), "{told}");
    let down = rows(&place, "estimates.csv", "bigtable.o.downtime").remove(0);
    near(&down["other_max"], 0.072_157);
    assert_eq!(down["p50_low"], "0");
}

/// An objective that it never comes passes, with how sure that is: 1 - 0.05^(1/20).
#[test]
fn what_is_never_defined_has_a_bound() {
    let objective = "[[objectives]]\nmeasure = \"bigtable.o.time-to-lockout\"\nnever = true\n";
    let place = Place::new(&format!("{QUIET}{objective}"));
    let told = call(&place, &["replicate", "s.toml", "-n", "20"]);
    assert!(
        told.contains("pass (mean -, undefined in 20 replications, defined in at most 13.9"),
        "{told}"
    );
    near(&rows(&place, "estimates.csv", "bigtable.o.time-to-lockout")[0]["other_max"], 0.139_108);
}

#[test]
fn a_time_ends_with_the_horizon_of_its_own_point() {
    let factor = "h = { path = \"scenario.horizon\", levels = [\"1d\", \"10d\"] }\n";
    let place = Place::new(&format!("{QUIET}[sweep]\n[sweep.factors]\n{factor}"));
    place.good(&["sweep", "s.toml", "-n", "20", "--out", "out", "--no-charts"]);
    let found = rows(&place, "sweep.csv", "bigtable.o.downtime");
    near(&found[0]["ci_high"], 0.139_108 * 86_400.0);
    near(&found[1]["ci_high"], 0.139_108 * 864_000.0);
}

/// Outages of 1 to 23 hours at random in three replications: the interval of their mean by Student's t, plus
/// or minus 2.48 standard deviations, would reach beyond the day that there is.
#[test]
fn a_part_of_the_downtime_ends_with_the_horizon_of_its_own_point() {
    let outage = "[services.shop]\nall-of = [\"keys.a\"]\n[[events]]\nat = \"1s\"\ndo = \"kms-outage\"\n\
                  location = \"us-east1\"\nlasts = { uniform = { from = \"1h\", to = \"23h\" } }\n";
    let factor = "h = { path = \"scenario.horizon\", levels = [\"1d\", \"10d\"] }\n";
    let place = Place::new(&format!("{QUIET}{outage}[sweep]\n[sweep.factors]\n{factor}"));
    call(&place, &["sweep", "s.toml", "-n", "3", "--attribution"]);
    let text = &files(&place.path("out"))["attribution.csv"];
    let all = csv::Reader::from_reader(&text[..]).into_deserialize().map(Result::unwrap);
    let shop = all.filter(|row: &BTreeMap<String, String>| row["entity"] == "services.shop");
    let [day, days] = &shop.collect::<Vec<_>>()[..] else { panic!("a part at each point") };
    assert_eq!(day["seconds"], days["seconds"]);
    assert_eq!(day["ci_high"], "86400");
    assert!(days["ci_high"].parse::<f64>().unwrap() > 86_400.0, "{days:?}");
}
