//! Differences that are not left to chance: where no replication draws a random number, every pair shows
//! the same, so that a difference is its own interval.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

#[path = "support/place.rs"]
mod place;

use place::{Place, files};
use std::collections::BTreeMap;

/// Ten tables whose key is asked by a validation every five minutes, 8,640 times in 30 days, with 3
/// operations each: 259,200 operations. Sweeps that are spread draw no phase.
const CERTAIN: &str = "schema = 1\n[scenario]\nname = \"cost\"\nstart = 2026-06-01T00:00:00Z\n\
                       horizon = \"30d\"\n[keys.a]\nlocation = \"us-east1\"\n[bigtable.o]\ntables = 10\n\
                       [bigtable.o.clusters.a]\nzone = \"us-east1-b\"\nkey = \"a\"\n\
                       [model]\nbigtable.sweep-phase = \"spread\"\n";

/// What is drawn, though it hardly ever happens.
const RARE: &str = "[[hazards]]\nname = \"x\"\ndo = \"kms-outage\"\nlocation = \"us-east1\"\n\
                    every = { exponential = { mean = \"50000d\" } }\nlasts = \"1h\"\n";

const OPERATIONS: &str = "bigtable.o.kms-operations";

fn rows(place: &Place, file: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(place.path(file)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// Difference, interval and verdict of a row.
fn told(row: &BTreeMap<String, String>) -> [&str; 4] {
    ["difference", "ci_low", "ci_high", "verdict"].map(|column| row[column].as_str())
}

#[test]
fn a_comparison_of_what_is_certain_is_exact_with_any_number_of_pairs() {
    for pairs in ["1", "5"] {
        let place = Place::new(CERTAIN);
        std::fs::write(place.path("b.toml"), CERTAIN.replace("tables = 10", "tables = 20"))
            .unwrap();
        let done = place.call(&["compare", "s.toml", "b.toml", "-n", pairs, "--out", "out"]);
        assert!(done.code == Some(0) && done.out.contains("exactly this: nothing is random"));
        assert!(!done.out.contains("no interval") && !done.out.contains("Student"), "{}", done.out);
        let found = rows(&place, "out/differences.csv");
        let of = |measure: &str| told(found.iter().find(|row| row["measure"] == measure).unwrap());
        assert_eq!(of(OPERATIONS), ["259200", "259200", "259200", "higher"]);
        assert_eq!(of("bigtable.o.downtime"), ["0", "0", "0", "same"]);
        // From the ledger alone it is the same.
        let before = files(&place.path("out"));
        place.good(&["compare", "s.toml", "b.toml", "-n", pairs, "--out", "out", "--quiet"]);
        assert!(before == files(&place.path("out")));
    }
}

#[test]
fn a_comparison_of_what_may_be_otherwise_has_no_interval_of_no_width() {
    let place = Place::new(CERTAIN);
    let other = CERTAIN.replace("tables = 10", "tables = 20") + RARE;
    std::fs::write(place.path("b.toml"), other).unwrap();
    // Whichever of the two draws.
    for (first, second, difference, verdict) in
        [("s.toml", "b.toml", "259200", "higher"), ("b.toml", "s.toml", "-259200", "lower")]
    {
        let folder = format!("out-{verdict}");
        place.good(&["compare", first, second, "-n", "5", "--out", &folder]);
        let found = rows(&place, &format!("{folder}/differences.csv"));
        let of = |measure: &str| told(found.iter().find(|row| row["measure"] == measure).unwrap());
        assert_eq!(of(OPERATIONS), [difference, "", "", verdict]);
        assert_eq!(of("bigtable.o.downtime"), ["0", "", "", "same"]);
    }
}

#[test]
fn points_of_a_sweep_differ_from_their_baseline_by_what_they_differ() {
    const SWEEP: &str = "[sweep]\nreplications = 4\nbaseline = { tables = 10 }\n[sweep.factors]\n\
                         tables = { path = \"bigtable.o.tables\", levels = [5, 10] }\n";
    let of = |more: &str| {
        let place = Place::new(&format!("{CERTAIN}{more}{SWEEP}"));
        let done = place.call(&["sweep", "s.toml", "--out", "out", "--no-charts"]);
        assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
        let few = done.out.contains("too few replications");
        let found = rows(&place, "out/differences.csv");
        let row = found.iter().find(|row| row["measure"] == OPERATIONS).unwrap();
        (told(row).map(str::to_owned), few)
    };
    let (row, few) = of("");
    assert_eq!(row, ["-129600", "-129600", "-129600", "lower"]);
    assert!(!few, "a quantile of what is certain needs no more replications");
    let (row, few) = of(RARE);
    assert_eq!(row, ["-129600", "", "", "lower"]);
    assert!(few);
}

#[test]
fn a_constant_moves_what_is_certain_by_an_exact_amount() {
    let of = |more: &str| {
        let place = Place::new(&format!("{CERTAIN}{more}"));
        let over = "model.bigtable.kms-ops-per-sweep";
        let args = ["sensitivity", "s.toml", "--measure", OPERATIONS, "--over", over];
        place.good(&[&args[..], &["-n", "3", "--out", "out"]].concat());
        let found = rows(&place, "out/sensitivity.csv");
        found.iter().map(|row| told(row).map(str::to_owned)).collect::<Vec<_>>()
    };
    // One operation for each validation instead of three, and six.
    assert_eq!(
        of(""),
        [
            ["-172800", "-172800", "-172800", "lower"].map(str::to_owned),
            ["259200", "259200", "259200", "higher"].map(str::to_owned)
        ]
    );
    assert_eq!(
        of(RARE),
        [
            ["-172800", "", "", "lower"].map(str::to_owned),
            ["259200", "", "", "higher"].map(str::to_owned)
        ]
    );
}
