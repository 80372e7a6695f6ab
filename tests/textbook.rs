//! Textbook values of availability, from a scenario file to an estimate: components that fail and
//! are repaired, in series, in parallel, and k of n. Each estimate's own 95 % interval, widened to
//! 99.9 %, has to hold the published value and has to be narrow.
//!
//! A component is Cloud KMS in a location of its own: it fails at random and is repaired, and
//! nothing else happens to it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/scenario.rs"]
mod support;

use assert_cmd::Command;
use cmeksim::engine::Budget;
use cmeksim::experiment::Model;
use cmeksim::systems::contract::SweepMode;
use std::collections::BTreeMap;
use std::fs;
use support::scenario;

/// The ratio of normal quantiles, 99.9 % to 95 %, two-sided.
const WIDER: f64 = 3.290_526_731_491_926 / 1.959_963_984_540_054;

/// Components that are up for a mean of 100 h and down for a mean of 5 h (Trivedi, chapter 6), and
/// services made of them.
fn trivedi(components: usize, horizon: &str, repair: &str, services: &str) -> String {
    let mut text = format!(
        "schema = 1\n[scenario]\nname = \"textbook\"\nstart = 2026-03-02T08:00:00Z\n\
         horizon = \"{horizon}\"\nseed = 11\n"
    );
    for n in 1..=components {
        text += &format!(
            "[keys.k{n}]\nlocation = \"place-c{n}\"\n[[hazards]]\nname = \"c{n}\"\ndo = \"kms-outage\"\n\
             location = \"place-c{n}\"\nevery = {{ exponential = {{ mean = \"100h\" }} }}\nlasts = {repair}\n"
        );
    }
    text + services
}

/// A service of the first components: which need, and how many.
fn service(name: &str, needs: &str, components: usize) -> String {
    let members: Vec<String> = (1..=components).map(|n| format!("\"kms.place-c{n}\"")).collect();
    format!("[services.{name}]\n{needs} = [{}]\n", members.join(", "))
}

/// The rows of a command's CSV file by their first column; each row by column name.
fn rows(text: &str, args: &[&str], file: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("textbook.toml");
    fs::write(&path, text).unwrap();
    let out = folder.path().join("out");
    let mut command = Command::cargo_bin("cmeksim").unwrap();
    command.arg(args[0]).arg(&path).args(&args[1..]).arg("--quiet").arg("--out").arg(&out);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut reader = csv::Reader::from_path(out.join(file)).unwrap();
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let row = |row: csv::StringRecord| {
        let cells: BTreeMap<String, String> =
            header.iter().cloned().zip(row.iter().map(str::to_owned)).collect();
        (row[0].to_owned(), cells)
    };
    reader.records().map(|found| row(found.unwrap())).collect()
}

/// Does the estimate's own interval hold a value, and is it at most `most` wide to either side?
fn holds(row: &BTreeMap<String, String>, column: &str, value: f64, most: f64) {
    let number = |column: &str| row[column].parse::<f64>().unwrap_or_else(|_| panic!("{row:?}"));
    let mean = number(column);
    let half = (number("ci_high") - number("ci_low")) / 2.0 * WIDER;
    println!("{mean} +- {half}, published {value}");
    assert!((mean - value).abs() <= half, "{mean} +- {half} misses {value}: {row:?}");
    assert!(half > 0.0 && half <= most, "{half} is wider than {most}: {row:?}");
}

/// 3.1: steady availability of one component, of 2 to 5 in series, 2 and 3 in parallel, 2 of 3 and
/// 3 of 5. (4 and 5 in parallel are down for less than a minute in a thousand years.)
#[test]
fn combinations_of_components_have_the_published_availability() {
    let mut services = String::new();
    for n in 2..=5 {
        services += &service(&format!("series-{n}"), "all-of", n);
    }
    services += &service("parallel-2", "any-of", 2);
    services += &service("parallel-3", "any-of", 3);
    services += &service("two-of-three", "at-least = 2\nof", 3);
    services += &service("three-of-five", "at-least = 3\nof", 5);
    let text = trivedi(5, "300000h", "{ exponential = { mean = \"5h\" } }", &services);
    let found = rows(&text, &["steady", "--warm-up", "1000h", "-n", "30"], "steady.csv");
    for (entity, availability, most) in [
        ("kms.place-c1", 0.952380952380952, 0.001),
        ("services.series-2", 0.907029478458050, 0.002),
        ("services.series-3", 0.863837598531476, 0.002),
        ("services.series-4", 0.822702474791882, 0.002),
        ("services.series-5", 0.783526166468459, 0.002),
        ("services.parallel-2", 0.997732426303855, 0.000_2),
        ("services.parallel-3", 0.999892020300184, 0.000_05),
        ("services.two-of-three", 0.993413238311197, 0.000_3),
        ("services.three-of-five", 0.998995862288747, 0.000_1),
    ] {
        holds(&found[entity], "availability", availability, most);
    }
}

/// 3.1: the same mean repair time with other distributions leaves the long run where it is.
/// Weibull of shape 2: scale 5 h / Gamma(3/2) = 20310.826 s. Lognormal of sigma 1: median
/// 5 h / exp(1/2) = 10917.552 s, 95 % quantile that times exp(1.644854) = 56555.667 s.
#[test]
fn the_distribution_of_repairs_does_not_matter_in_the_long_run() {
    for repair in [
        "{ weibull = { scale = \"20310826ms\", shape = 2.0 } }",
        "{ lognormal = { median = \"10917552ms\", p95 = \"56555667ms\" } }",
    ] {
        let text = trivedi(2, "300000h", repair, &service("parallel", "any-of", 2));
        let found = rows(&text, &["steady", "--warm-up", "1000h", "-n", "30"], "steady.csv");
        holds(&found["kms.place-c1"], "availability", 0.952380952380952, 0.001);
        holds(&found["services.parallel"], "availability", 0.997732426303855, 0.000_2);
    }
}

/// 3.1: from a fresh start, AI(10 h) = 0.972279899586100 and A(10 h) = 0.958212210869190.
#[test]
fn a_young_component_has_the_published_availability() {
    let text = trivedi(1, "10h", "{ exponential = { mean = \"5h\" } }", "");
    let found = rows(&text, &["replicate", "-n", "40000", "--no-charts"], "estimates.csv");
    holds(&found["kms.place-c1.availability"], "mean", 0.972279899586100, 0.003);

    let model = Model::new(&scenario(&text));
    let place = model.entity("kms.place-c1").0 as usize;
    let up = (0..40_000).filter(|replication| {
        let trace =
            model.replicate(12, *replication, SweepMode::Decisive, Budget::default()).unwrap();
        model.outcome(trace).timeline[place].last().unwrap().state == 0
    });
    let share = up.count() as f64 / 40_000.0;
    let half = 3.29 * (0.958_f64 * 0.042 / 40_000.0).sqrt();
    assert!((share - 0.958212210869190).abs() < half, "{share}");
}

/// 3.2: a failure every 5000 h and 6 h down: 10.499400719137 h per year of 8760 h.
#[test]
fn a_reliable_component_is_down_for_ten_hours_a_year() {
    let text = trivedi(1, "876000h", "{ exponential = { mean = \"6h\" } }", "")
        .replace("mean = \"100h\"", "mean = \"5000h\"");
    let found = rows(&text, &["steady", "--warm-up", "30000h", "-n", "120"], "steady.csv");
    holds(&found["kms.place-c1"], "availability", 1.0 - 10.499400719137 / 8760.0, 0.000_05);
}

/// 3.3: two units in parallel, 0.01 failures and 0.2 repairs per hour: both are down for the first
/// time after 1150 h on average, however many repairmen there are (Epstein and Hosford). The first
/// unit fails after 50 h on average, and `time-to-lockout` runs from there.
#[test]
fn the_mean_time_to_failure_of_a_pair_is_published() {
    let repair = "{ exponential = { mean = \"5h\" } }";
    let text = trivedi(2, "30000h", repair, &service("pair", "any-of", 2));
    let found = rows(&text, &["replicate", "-n", "10000", "--no-charts"], "estimates.csv");
    let lockout = &found["services.pair.time-to-lockout"];
    assert_eq!(lockout["undefined"], "0");
    holds(lockout, "mean", 1_100.0 * 3_600.0, 45.0 * 3_600.0);
}

/// The same text with one crew for all hazards.
fn with_crew(text: &str, size: u64) -> String {
    let crew = format!("[crews.repair]\nsize = {size}\n");
    text.replace("do = \"kms-outage\"", "crew = \"repair\"\ndo = \"kms-outage\"") + &crew
}

/// 3.3: two units in parallel, 0.01 failures and 0.2 repairs per hour: steady availability with one
/// repairman and with two.
#[test]
fn a_shared_repairman_costs_the_published_availability() {
    let repair = "{ exponential = { mean = \"5h\" } }";
    let text = trivedi(2, "300000h", repair, &service("pair", "any-of", 2));
    for (size, availability) in [(1, 0.995475113122172), (2, 0.997732426303855)] {
        let args = ["steady", "--warm-up", "1000h", "-n", "30"];
        let found = rows(&with_crew(&text, size), &args, "steady.csv");
        holds(&found["services.pair"], "availability", availability, 0.000_3);
    }
}

/// 3.3, MIL-HDBK-338B, 10.7.1.1, case (1): four units in series and one repairman are up for 0.9 of
/// the time if repairs are 38.9210964745911934 times as fast as failures. With a repairman for each the
/// availability would be (mu / (mu + l))^4 = 0.9036.
#[test]
fn four_units_and_one_repairman_have_the_published_ratio() {
    let repair = "{ exponential = { mean = \"1h\" } }";
    let text = trivedi(4, "300000h", repair, &service("series", "all-of", 4))
        .replace("mean = \"100h\"", "mean = \"140115947ms\"");
    let args = ["steady", "--warm-up", "1000h", "-n", "60"];
    let found = rows(&with_crew(&text, 1), &args, "steady.csv");
    holds(&found["services.series"], "availability", 0.9, 0.000_5);
    let found = rows(&with_crew(&text, 4), &args, "steady.csv");
    let pair = (38.921_096_474_591_2_f64 / 39.921_096_474_591_2)
        * (38.921_096_474_591_2 / 39.921_096_474_591_2);
    let all = pair * pair;
    holds(&found["services.series"], "availability", all, 0.000_5);
}

/// 3.4: A fails after 100 h and B after 120 h of operation, each repair takes 10 h, and what still works
/// does not age while the plant is down: failures at 100 (A), 130 (B), 220 (A) and 270 h (B), availability
/// 260/300 to the nanosecond.
#[test]
fn a_schedule_whose_clocks_stand_still_is_a_sum() {
    let text = trivedi(2, "300h", "\"10h\"", &service("plant", "all-of", 2))
        .replacen("every = { exponential = { mean = \"100h\" } }", "every = \"100h\"", 1)
        .replacen("every = { exponential = { mean = \"100h\" } }", "every = \"120h\"", 1)
        .replace(
            "do = \"kms-outage\"",
            "while = { entity = \"services.plant\", states = [\"up\"] }\ndo = \"kms-outage\"",
        );
    let found = rows(&text, &["replicate", "-n", "3", "--no-charts"], "estimates.csv");
    let mean = |measure: &str| found[measure]["mean"].parse::<f64>().unwrap();
    assert_eq!(mean("services.plant.availability"), 260.0 / 300.0);
    assert_eq!(mean("services.plant.outages"), 4.0);
    assert_eq!(mean("kms.place-c2.downtime"), 20.0 * 3_600.0);
    let stays = rows(&text, &["run", "--no-charts"], "events.csv");
    let starts: Vec<(&str, &str)> = stays
        .values()
        .filter(|row| row["to"] == "unavailable")
        .map(|row| (row["offset_s"].as_str(), row["entity"].as_str()))
        .collect();
    let hours = |offset: &str| offset.parse::<f64>().unwrap() / 3_600.0;
    let mut starts: Vec<(f64, &str)> =
        starts.into_iter().map(|(offset, entity)| (hours(offset), entity)).collect();
    starts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (a, b) = ("kms.place-c1", "kms.place-c2");
    assert_eq!(starts, [(100.0, a), (130.0, b), (220.0, a), (270.0, b)]);
}

/// 3.4, with clocks that run on while the system is down: A fails 100 h and B 120 h after it was
/// last repaired, each repair takes 10 h. A is down from 100 h and 210 h, B from 120 h and 250 h:
/// four repairs of 10 h in 300 h of a system in series, availability 260/300 to the nanosecond.
#[test]
fn a_schedule_without_chance_is_a_sum() {
    let fixed = |text: String, n: usize, every: &str| {
        text.replacen(
            "every = { exponential = { mean = \"100h\" } }",
            &format!("every = \"{every}\""),
            n,
        )
    };
    let text = trivedi(2, "300h", "\"10h\"", &service("plant", "all-of", 2));
    let text = fixed(fixed(text, 1, "100h"), 1, "120h");
    let found = rows(&text, &["replicate", "-n", "3", "--no-charts"], "estimates.csv");
    let mean = |measure: &str| found[measure]["mean"].parse::<f64>().unwrap();
    assert_eq!(mean("services.plant.availability"), 260.0 / 300.0);
    assert_eq!(mean("services.plant.downtime"), 40.0 * 3_600.0);
    assert_eq!(mean("services.plant.outages"), 4.0);
    assert_eq!(mean("kms.place-c2.downtime"), 20.0 * 3_600.0);
}

/// 3.5: no failure in 1000 runs has an upper bound, 1 - 0.05^(1/1000).
#[test]
fn no_failure_is_reported_with_its_bound() {
    let text = trivedi(1, "10h", "\"5h\"", "").replace("mean = \"100h\"", "mean = \"1200000h\"");
    let found = rows(&text, &["replicate", "-n", "1000", "--no-charts"], "estimates.csv");
    let bound = found["kms.place-c1.outages"]["other_max"].parse::<f64>().unwrap();
    assert!((bound - 0.002991249545).abs() < 1e-12, "{bound}");
}

/// A start that is not like the long run is told of, and the warm-up that takes it away is named.
#[test]
fn a_missing_warm_up_is_told_of() {
    let repair = "{ exponential = { mean = \"5h\" } }";
    let text = trivedi(1, "200h", repair, "");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("textbook.toml");
    fs::write(&path, text).unwrap();
    let notes = |more: &[&str]| {
        let mut command = Command::cargo_bin("cmeksim").unwrap();
        command
            .arg("steady")
            .arg(&path)
            .args(["--batches", "2", "--out"])
            .arg(folder.path().join("o"));
        let done = command.args(more).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let told = notes(&["-n", "4000"]);
    assert!(told.contains("the start still shows") && told.contains("--warm-up \""), "{told}");
    let told = notes(&["-n", "4000", "--warm-up", "100h"]);
    assert!(!told.contains("the start still shows"), "{told}");
    assert!(notes(&["-n", "1"]).contains("there is no warm-up"));
    assert!(!notes(&["-n", "1", "--warm-up", "100h"]).contains("there is no warm-up"));
}
