//! Closed forms of this model's own mechanics (7.1 to 7.6), as a user meets them: a scenario file,
//! `cmeksim replicate`, and the intervals of `estimates.csv`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

type Row = BTreeMap<String, String>;

/// The estimates of an instance `i` with so many clusters, each with a key of its own, with an app
/// profile of its first cluster.
fn estimates(horizon: &str, clusters: usize, n: u64, rest: &str) -> Vec<Row> {
    let mut text = format!(
        "schema = 1\n[scenario]\nname = \"s\"\nstart = 2026-03-02T08:00:00Z\nhorizon = \"{horizon}\"\nseed = 7\n"
    );
    for c in 0..clusters {
        text += &format!(
            "[keys.k{c}]\nlocation = \"us-east{c}\"\n[bigtable.i.clusters.c{c}]\nzone = \"us-east{c}-b\"\nkey = \"k{c}\"\n"
        );
    }
    text += rest;
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("s.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cmeksim"));
    command.args(["replicate", "s.toml", "--no-charts", "--quiet", "--out", "out", "-n"]);
    let output = command.arg(n.to_string()).current_dir(place.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = csv::Reader::from_path(place.path().join("out/estimates.csv"));
    table.unwrap().deserialize().map(|row| row.unwrap()).collect()
}

/// The interval of a mean holds the truth, and is no wider than this share of the truth.
fn holds(rows: &[Row], measure: &str, truth: f64, method: &str, share: f64) {
    let row = rows.iter().find(|row| row["measure"] == measure).unwrap();
    let [low, high] = ["ci_low", "ci_high"].map(|name| row[name].parse::<f64>().unwrap());
    assert!(low <= truth && truth <= high, "{measure}: {truth} is not in {low} to {high}");
    assert!((high - low) / 2.0 <= share * truth, "{measure}: {low} to {high} is wide");
    assert_eq!(row["method"], method, "{measure}");
}

/// An hour of grace that ends on the second, and nothing after it takes time.
const GRACE: &str = "[model]\nbigtable.sweep-period = \"1s\"\nbigtable.sweep-phase = \"aligned\"\n\
    bigtable.kms-grace = \"60m\"\nbigtable.grace-from = \"outage-start\"\n\
    bigtable.offline-ramp = \"0s\"\nbigtable.bringup = \"0s\"\n";

/// 7.1 with m = 60 min: offline with probability exp(-1), for 22.0727664702865 min in the mean.
#[test]
fn an_outage_outlasts_the_grace() {
    let outage = "[bigtable.i]\ntables = 1\n[[events]]\nat = \"1h\"\ndo = \"kms-outage\"\n\
        location = \"us-east0\"\nlasts = { exponential = { mean = \"60m\" } }\n";
    let rows = estimates("30d", 1, 10_000, &format!("{outage}{GRACE}"));
    holds(&rows, "bigtable.i.outages", 0.367_879_441_171_442, "Wilson", 0.03);
    holds(&rows, "bigtable.i.downtime", 22.072_766_470_286_5 * 60.0, "Student t", 0.05);
}

/// 7.2 with m = 90 min: 1.75767586111808E-04 of the time in the long run.
#[test]
fn outages_alternate_with_service() {
    let outages = "[bigtable.i]\ntables = 1\n[[hazards]]\nname = \"outage\"\ndo = \"kms-outage\"\n\
        location = \"us-east0\"\nevery = { exponential = { mean = \"262800m\" } }\n\
        lasts = { exponential = { mean = \"90m\" } }\n";
    let rows = estimates("36500d", 1, 400, &format!("{outages}{GRACE}"));
    let seconds = 1.757_675_861_118_08e-4 * 36_500.0 * 86_400.0;
    holds(&rows, "bigtable.i.downtime", seconds, "Student t", 0.05);
}

/// 7.3: with 1, 4 and 12 tables the first of them is validated 5 / (n + 1) min after the denial.
#[test]
fn the_first_validation_finds_the_denial() {
    for tables in [1.0, 4.0, 12.0] {
        let denied = format!(
            "[bigtable.i]\ntables = {tables}\n[bigtable.i.app-profiles.p]\nreads = \"1/s\"\n\
             [[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k0\"\n\
             [model]\nkms.disable-propagation = \"0s\"\n"
        );
        let rows = estimates("6h", 1, 4_000, &denied);
        let measure = "bigtable.i.app-profiles.p.time-to-first-error";
        holds(&rows, measure, 300.0 / (tables + 1.0), "Student t", 0.05);
    }
}

/// 7.4: it takes 1.89 min in the mean until the disabled key is denied: 11 h less that are left.
#[test]
fn a_change_propagates() {
    let disabled = "[[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k0\"\n\
        [model]\nkms.disable-propagation = { mixture = [ { weight = 0.99, exponential = { mean = \"1m\" } }, \
        { weight = 0.01, uniform = { from = \"0s\", to = \"180m\" } } ] }\n";
    let rows = estimates("12h", 1, 20_000, disabled);
    holds(&rows, "keys.k0.denied-time", 39_600.0 - 113.4, "Student t", 0.000_3);
}

/// 7.5: 2 more clusters in steps of 30 min in the mean: all are down an hour after the detection.
#[test]
fn the_cascade_takes_its_steps() {
    let denied = "[bigtable.i]\ntables = 1\n[bigtable.i.app-profiles.p]\nreads = \"1/s\"\n\
        [[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k0\"\n\
        [model]\nkms.disable-propagation = \"0s\"\nbigtable.sweep-period = \"1s\"\n\
        bigtable.cascade-step = { exponential = { mean = \"30m\" } }\n\
        bigtable.cascade-total-max = \"90d\"\nbigtable.reroute-delay = \"0s\"\n";
    let rows = estimates("20d", 3, 4_000, denied);
    holds(&rows, "bigtable.i.time-to-lockout", 3_600.0, "Student t", 0.05);
}

/// 7.6: 20 writes a second and a lag of 2 s in the mean: 40 writes, and their variance is 40.
#[test]
fn writes_at_risk_are_those_of_the_lag() {
    let denied = "[bigtable.i]\ntables = 1\nreplication-lag = { exponential = { mean = \"2s\" } }\n\
        [bigtable.i.app-profiles.p]\nrouting = { single-cluster = \"c0\" }\nwrites = \"20/s\"\n\
        [[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k0\"\n\
        [model]\nkms.disable-propagation = \"0s\"\nbigtable.cascade-step = \"3h\"\n";
    let rows = estimates("2h", 2, 4_000, denied);
    holds(&rows, "bigtable.i.writes-at-risk", 40.0, "Student t", 0.01);
    let row = rows.iter().find(|row| row["measure"] == "bigtable.i.writes-at-risk").unwrap();
    let std_dev: f64 = row["std_dev"].parse().unwrap();
    let variance = std_dev * std_dev;
    // Five standard errors of the variance of 4,000 Poisson numbers.
    assert!((variance - 40.0).abs() < 5.0 * 40.0 * (2.0f64 / 4_000.0).sqrt(), "{variance}");
}
