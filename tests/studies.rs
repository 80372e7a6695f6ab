//! `compare`, `sensitivity` and `steady` through the public path, against scenarios whose answers are
//! sums in the head.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use assert_cmd::Command;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A key that is disabled at 1 h and enabled at an instant, and a service that needs it: the
/// service is down from the end of the one propagation to the end of the other.
fn text(name: &str, back: &str, rest: &str) -> String {
    format!(
        "schema = 1\n[scenario]\nname = \"{name}\"\nstart = 2026-03-02T08:00:00Z\nhorizon = \"10h\"\n\
         [keys.k]\nlocation = \"us-east1\"\n[services.shop]\nall-of = [\"keys.k\"]\n\
         [[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k\"\n\
         [[events]]\nat = \"{back}\"\ndo = \"enable-key\"\nkey = \"k\"\n{rest}"
    )
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs a command into a folder of its own; gives its exit code, its folder and its summary.
    fn run(&self, args: &[&str], out: &str) -> (Option<i32>, PathBuf, String) {
        let folder = self.0.path().join(out);
        let mut command = Command::cargo_bin("cmeksim").unwrap();
        let done = command.args(args).arg("--out").arg(&folder).output().unwrap();
        let said =
            String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
        (done.status.code(), folder, said)
    }
}

/// The rows of a CSV file, by column name.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn row<'a>(
    rows: &'a [BTreeMap<String, String>],
    column: &str,
    value: &str,
) -> &'a BTreeMap<String, String> {
    rows.iter().find(|row| row[column] == value).unwrap_or_else(|| panic!("no {value}: {rows:?}"))
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {row:?}"))
}

/// Both scenarios draw the same propagation, so that the difference is the hour that separates
/// them, in every pair: no interval, and no doubt.
#[test]
fn common_random_numbers_cancel_what_is_common() {
    let place = Place::new();
    let a = place.file("a.toml", &text("a", "5h", ""));
    let b = place.file("b.toml", &text("b", "6h", ""));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let (code, folder, said) = place.run(&["compare", a, b, "-n", "50"], "out");
    assert_eq!(code, Some(0), "{said}");
    let found = rows(&folder.join("differences.csv"));
    let down = row(&found, "measure", "services.shop.downtime");
    assert!((number(down, "difference") - 3_600.0).abs() < 1e-6, "{down:?}");
    assert_eq!(down["verdict"], "higher");
    assert_eq!(row(&found, "measure", "services.shop.outages")["verdict"], "same");
    let summary: Value =
        serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["differences"]["services.shop.outages"]["difference"], 0.0);
    assert_eq!((&summary["replications"], &summary["command"]), (&50.into(), &"compare".into()));
    // The other way round the sign changes, and nothing else.
    let (_, other, _) = place.run(&["compare", b, a, "-n", "50"], "other");
    let found = rows(&other.join("differences.csv"));
    let back = row(&found, "measure", "services.shop.downtime");
    assert!((number(back, "difference") + 3_600.0).abs() < 1e-6 && back["verdict"] == "lower");
}

/// Propagation twice as long, with draws by inversion: the downtime is shorter by the propagation
/// itself, whose mean is 600 s. The interval holds it and is narrow.
#[test]
fn a_difference_that_varies_has_an_interval() {
    let place = Place::new();
    let model = |mean: &str| {
        format!("[model]\nkms.disable-propagation = {{ exponential = {{ mean = \"{mean}\" }} }}\n")
    };
    let a = place.file("a.toml", &text("a", "9h", &model("10m")));
    let b = place.file("b.toml", &text("b", "9h", &model("20m")));
    let args = ["compare", a.to_str().unwrap(), b.to_str().unwrap(), "-n", "4000"];
    let (code, folder, said) = place.run(&args, "out");
    assert_eq!(code, Some(0), "{said}");
    let found = rows(&folder.join("differences.csv"));
    let down = row(&found, "measure", "services.shop.downtime");
    let (low, high) = (number(down, "ci_low"), number(down, "ci_high"));
    assert!(low < -600.0 && -600.0 < high && high - low < 45.0, "{down:?}");
    // var a = m^2, var b = 4 m^2, var (b - a) = m^2.
    assert!((number(down, "gain") - 5.0).abs() < 0.2, "{down:?}");
}

/// Downtime = 4 h - disable-propagation + enable-propagation, 10 min and 20 min, each from half to
/// twice: one at a time +5 min, -10 min, -10 min, +20 min.
#[test]
fn one_at_a_time_is_a_sum_in_the_head() {
    let place = Place::new();
    let constants =
        "[model]\nkms.disable-propagation = \"10m\"\nkms.enable-propagation = \"20m\"\n";
    let file = place.file("a.toml", &text("a", "5h", constants));
    let file = file.to_str().unwrap();
    let both = "model.kms.disable-propagation,model.kms.enable-propagation";
    let args = ["sensitivity", file, "--measure", "services.shop.downtime", "--over", both];
    let (code, folder, said) = place.run(&[&args[..], &["-n", "5"]].concat(), "out");
    assert_eq!(code, Some(0), "{said}");
    let found: Vec<f64> =
        rows(&folder.join("sensitivity.csv")).iter().map(|row| number(row, "difference")).collect();
    assert_eq!(found, [300.0, -600.0, -600.0, 1_200.0]);
    let summary: Value =
        serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["ranking"][0]["parameter"], "model.kms.enable-propagation");
    assert_eq!(summary["ranking"][0]["strength"], 1_200.0);

    // With u, v uniform on (0, 1): -10 min 4^u / 2 + 20 min 4^v / 2 is a sum, whose variances are
    // as 1 to 4: shares 0.2 and 0.8, alone and in total.
    let sobol = [&args[..], &["--method", "sobol", "--size", "1024", "-n", "1"]].concat();
    let (code, folder, said) = place.run(&sobol, "sobol");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("95 % intervals by Student's t over parts of the design"), "{said}");
    for (found, share) in rows(&folder.join("sensitivity.csv")).iter().zip([0.2, 0.8]) {
        for kind in ["first", "total"] {
            assert!((number(found, kind) - share).abs() < 0.02, "{found:?}");
            let (low, high) = (format!("{kind}_ci_low"), format!("{kind}_ci_high"));
            assert!(number(found, &low) - 0.02 < share && share < number(found, &high) + 0.02);
        }
    }

    // Over two thirds of the range 4^u moves from 1 to 4^(2/3) or from 4^(1/3) to 4: per whole
    // range 3/2 (4^(2/3) - 1) or 3/2 (4 - 4^(1/3)), each half of the time; times 5 or 10 min.
    let morris = [&args[..], &["--method", "morris", "--size", "400", "-n", "1"]].concat();
    let (code, folder, said) = place.run(&morris, "morris");
    assert_eq!(code, Some(0), "{said}");
    let third = 1.587_401_051_968_199_4; // 4^(1/3)
    let (low, high) = (1.5 * (third * third - 1.0), 1.5 * (4.0 - third));
    for (found, minutes) in rows(&folder.join("sensitivity.csv")).iter().zip([-5.0, 10.0]) {
        let mean: f64 = 60.0 * minutes * (low + high) / 2.0;
        let half = number(found, "mu_star_ci_high") - number(found, "mu_star");
        assert!((number(found, "mu_star") - mean.abs()).abs() < 1.5 * half, "{found:?} {mean}");
        assert!((number(found, "mu") - mean).abs() < 1.5 * half, "{found:?} {mean}");
        assert!(half < 0.05 * mean.abs(), "{found:?}");
    }
}

/// Everything assumed or vague is varied, and nothing else; a constant of zero has no range.
#[test]
fn the_constants_in_doubt_are_those_assumed_or_vague() {
    let place = Place::new();
    let file = place.file("a.toml", &text("a", "5h", "[model]\nbigtable.reroute-delay = \"0s\"\n"));
    let args = ["sensitivity", file.to_str().unwrap(), "--measure", "services.shop.downtime"];
    let (code, folder, said) = place.run(&[&args[..], &["-n", "3"]].concat(), "out");
    assert_eq!(code, Some(0), "{said}");
    let varied = rows(&folder.join("parameters.csv"));
    let sources: Vec<&str> = varied.iter().map(|row| row["source"].as_str()).collect();
    assert!(sources.iter().filter(|source| source.starts_with("assumed")).count() > 10);
    assert!(varied.iter().all(|row| row["parameter"] != "model.bigtable.sweep-period"), "BT-27");
    let wait = row(&varied, "parameter", "model.kms.destroy-wait");
    assert_eq!((wait["range"].as_str(), wait["high"].as_str()), ("KMS-05", "\"120d\""));
    let summary: Value =
        serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    assert!(
        summary["not_varied"].as_array().unwrap().contains(&"model.bigtable.reroute-delay".into())
    );
    // The key's own propagation is all that its service hangs on.
    assert_eq!(summary["ranking"][0]["parameter"], "model.kms.disable-propagation");
    assert_eq!(summary["ranking"][1]["strength"], 0.0);
}

/// How long it takes until an enabled key works again is not known.
const ENABLE: &str = "\"model.kms.enable-propagation\" = [\"20m\", \"30m\", \"60m\"]\n";

fn uncertain(factors: &str, draws: usize) -> String {
    format!("[uncertain]\ndraws = {draws}\n[uncertain.factors]\n{factors}")
}

/// Both propagations.
fn model(disable: &str, enable: &str) -> String {
    format!("[model]\nkms.disable-propagation = {disable}\nkms.enable-propagation = {enable}\n")
}

fn summary(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap()
}

/// Minutes of a parameter in each world.
fn minutes(folder: &Path, column: &str) -> Vec<f64> {
    let value = |row: &BTreeMap<String, String>| match row[column].as_str() {
        "20m" => 20.0,
        "30m" => 30.0,
        "60m" => 60.0,
        other => panic!("{other}"),
    };
    rows(&folder.join("worlds.csv")).iter().map(value).collect()
}

/// Mean and standard deviation, by their definitions.
fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// t(0.975, 7), from tables.
const T7: f64 = 2.364_624;

/// What both do not know is the same in both: down for 4 h less 10 or 5 min, and for the minutes of
/// the world besides. The worlds cancel, so that the difference is 5 min in every pair; also where
/// the second file has another seed of its own.
#[test]
fn worlds_of_both_are_the_same_where_they_say_the_same() {
    let place = Place::new();
    let unknown = uncertain(ENABLE, 8);
    let a = place.file("a.toml", &text("a", "5h", &(model("\"10m\"", "\"20m\"") + &unknown)));
    let other = text("b", "5h", &(model("\"5m\"", "\"30m\"") + &unknown));
    let b = place.file("b.toml", &other.replace("[keys.k]", "seed = 99\n[keys.k]"));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let (code, folder, said) = place.run(&["compare", a, b, "-n", "3"], "out");
    assert_eq!(code, Some(0), "{said}");
    let in_a = minutes(&folder, "a.model.kms.enable-propagation");
    assert_eq!(in_a, minutes(&folder, "b.model.kms.enable-propagation"));
    assert!(spread(&in_a).1 > 0.0, "the worlds differ: {in_a:?}");
    let found = rows(&folder.join("differences.csv"));
    let down = row(&found, "measure", "services.shop.downtime");
    assert!((number(down, "difference") - 300.0).abs() < 1e-6, "{down:?}");
    assert!((number(down, "mean_a") - 60.0 * (230.0 + spread(&in_a).0)).abs() < 1e-6, "{down:?}");
    assert_eq!((down["n"].as_str(), down["verdict"].as_str()), ("24", "higher"));
    assert!(down["ci_low"].is_empty() && number(down, "std_dev") < 1e-6, "{down:?}");
    let apart = rows(&folder.join("uncertainty.csv"));
    let down = row(&apart, "measure", "services.shop.downtime");
    assert_eq!((number(down, "chance_sd"), number(down, "ignorance_sd")), (0.0, 0.0), "{down:?}");
    assert!(
        said.contains("(8 worlds with 3 replications of each, seed 1: intervals are over worlds)"),
        "{said}"
    );
    // A file against itself: no pair differs, in no world.
    let (_, folder, said) = place.run(&["compare", a, a, "-n", "3"], "same");
    assert!(!said.contains("uncertain]"), "{said}");
    assert!(rows(&folder.join("differences.csv")).iter().all(|row| row["verdict"] == "same"));
}

/// What only one of them does not know varies there alone: the difference is that of the minutes of
/// the world to 20 min, nothing of it by chance, and its interval is that of eight worlds.
#[test]
fn a_parameter_of_one_alone_varies_there_alone() {
    let place = Place::new();
    let fixed = model("\"10m\"", "\"20m\"");
    let a = place.file("a.toml", &text("a", "5h", &fixed));
    let b = place.file("b.toml", &text("b", "5h", &(fixed.clone() + &uncertain(ENABLE, 8))));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    for (args, sign) in [([a, b], 1.0), ([b, a], -1.0)] {
        let args = ["compare", args[0], args[1], "-n", "3"];
        let (code, folder, said) = place.run(&args, &format!("out{sign}"));
        assert_eq!(code, Some(0), "{said}");
        let side = if sign > 0.0 { "b" } else { "a" };
        let worlds = minutes(&folder, &format!("{side}.model.kms.enable-propagation"));
        let differences: Vec<f64> =
            worlds.iter().map(|minutes| sign * 60.0 * (minutes - 20.0)).collect();
        let (mean, sd) = spread(&differences);
        let half = T7 * sd / 8.0f64.sqrt();
        let found = rows(&folder.join("differences.csv"));
        let down = row(&found, "measure", "services.shop.downtime");
        assert!((number(down, "difference") - mean).abs() < 1e-6, "{down:?}");
        assert!((number(down, "ci_low") - (mean - half)).abs() < 1e-3, "{down:?} {mean} {half}");
        assert!((number(down, "ci_high") - (mean + half)).abs() < 1e-3, "{down:?} {mean} {half}");
        let apart = rows(&folder.join("uncertainty.csv"));
        let down = row(&apart, "measure", "services.shop.downtime");
        assert_eq!((down["worlds"].as_str(), number(down, "chance_sd")), ("8", 0.0), "{down:?}");
        assert!((number(down, "ignorance_sd") - sd).abs() < 1e-6, "{down:?} {sd}");
        let told = &summary(&folder)["differences"]["services.shop.downtime"];
        assert!((told["ignorance_sd"].as_f64().unwrap() - sd).abs() < 1e-6, "{told}");
        assert_eq!((&told["chance_sd"], &summary(&folder)["worlds"]), (&0.0.into(), &8.into()));
        assert!(said.contains("standard deviation by chance 0s, by ignorance "), "{said}");
    }
}

/// Chance besides: the first is down from a time with exponential delay (mean 600 s) on, the second
/// from 600 s on. The standard deviation of the difference within a world is that of the delay, 600 s,
/// and between worlds that of their minutes.
#[test]
fn chance_and_ignorance_of_a_difference_are_told_apart() {
    let place = Place::new();
    let delay = "{ exponential = { mean = \"10m\" } }";
    let a = place.file("a.toml", &text("a", "9h", &model(delay, "\"20m\"")));
    let known = model("\"10m\"", "\"20m\"");
    let b = place.file("b.toml", &text("b", "9h", &(known + &uncertain(ENABLE, 8))));
    let args = ["compare", a.to_str().unwrap(), b.to_str().unwrap(), "-n", "2000"];
    let (code, folder, said) = place.run(&args, "out");
    assert_eq!(code, Some(0), "{said}");
    let worlds = minutes(&folder, "b.model.kms.enable-propagation");
    let (mean, sd) =
        spread(&worlds.iter().map(|minutes| 60.0 * (minutes - 20.0)).collect::<Vec<_>>());
    let apart = rows(&folder.join("uncertainty.csv"));
    let down = row(&apart, "measure", "services.shop.downtime");
    // The standard error of a standard deviation of 16,000 exponential delays is 600 / 126.
    assert!((number(down, "chance_sd") - 600.0).abs() < 20.0, "{down:?}");
    // Each mean of a world is off by 13 s or so.
    assert!((number(down, "ignorance_sd") - sd).abs() < 30.0, "{down:?} {sd}");
    let found = rows(&folder.join("differences.csv"));
    let down = row(&found, "measure", "services.shop.downtime");
    assert!((number(down, "difference") - mean).abs() < 20.0, "{down:?} {mean}");
    // The interval counts worlds: that of 16,000 replications would be some 20 s wide.
    let half = (number(down, "ci_high") - number(down, "ci_low")) / 2.0;
    assert!((half - T7 * sd / 8.0f64.sqrt()).abs() < 30.0 && half > 300.0, "{down:?} {half}");
}

#[test]
fn worlds_that_make_no_pairs_are_refused_and_odd_names_are_told() {
    let place = Place::new();
    let a = place.file("a.toml", &text("a", "5h", &uncertain(ENABLE, 8)));
    let b = place.file("b.toml", &text("b", "5h", &uncertain(ENABLE, 5)));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let (code, folder, said) = place.run(&["compare", a, b], "out");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("has 8 worlds and the second 5"), "{said}");
    assert!(said.contains("--set uncertain.draws=8") && !folder.exists(), "{said}");
    let set = ["--set", "uncertain.draws=8", "-n", "2"];
    let (code, _, said) = place.run(&[&["compare", a, b], &set[..]].concat(), "out");
    assert_eq!(code, Some(0), "{said}");
    let named = "back = { path = \"model.kms.enable-propagation\", from = \"20m\", to = \"1h\" }\n";
    let c = place.file("c.toml", &text("c", "5h", &uncertain(named, 8)));
    let (code, folder, said) = place.run(&["compare", a, c.to_str().unwrap(), "-n", "2"], "c");
    assert_eq!(code, Some(0), "{said}");
    let note = "model.kms.enable-propagation is uncertain as `model.kms.enable-propagation` in a and \
                as `back` in c";
    assert!(summary(&folder)["warnings"].to_string().contains(note), "{said}");
    let other =
        "back = { path = \"model.kms.disable-propagation\", from = \"20m\", to = \"1h\" }\n";
    let d = place.file("d.toml", &text("d", "5h", &uncertain(other, 8)));
    let args = ["compare", c.to_str().unwrap(), d.to_str().unwrap(), "-n", "2"];
    let (_, folder, said) = place.run(&args, "d");
    let note = "`back` draws alike for model.kms.enable-propagation in c and for \
                model.kms.disable-propagation in d";
    assert!(summary(&folder)["warnings"].to_string().contains(note), "{said}");
}

/// Two batches of 5 h, in each of which the key is away for an hour less 10 min and for the minutes of
/// the world besides: batches of a world are equal, so that all spread is ignorance, and the interval
/// that of eight worlds.
#[test]
fn a_long_run_of_what_nobody_knows_has_an_interval_over_worlds() {
    let place = Place::new();
    let again = "[[events]]\nat = \"6h\"\ndo = \"disable-key\"\nkey = \"k\"\n\
                 [[events]]\nat = \"7h\"\ndo = \"enable-key\"\nkey = \"k\"\n";
    let rest = format!("{again}{}{}", model("\"10m\"", "\"20m\""), uncertain(ENABLE, 8));
    let file = place.file("a.toml", &text("a", "2h", &rest));
    let args = ["steady", file.to_str().unwrap(), "--batches", "2", "-n", "3"];
    let (code, folder, said) = place.run(&args, "out");
    assert_eq!(code, Some(0), "{said}");
    let worlds = minutes(&folder, "model.kms.enable-propagation");
    let serves: Vec<f64> = worlds.iter().map(|minutes| 1.0 - (50.0 + minutes) / 300.0).collect();
    let (mean, sd) = spread(&serves);
    let half = T7 * sd / 8.0f64.sqrt();
    let found = rows(&folder.join("steady.csv"));
    let shop = row(&found, "entity", "services.shop");
    assert_eq!(shop["batches"], "48");
    assert!((number(shop, "availability") - mean).abs() < 1e-9, "{shop:?} {mean}");
    assert!((number(shop, "ci_low") - (mean - half)).abs() < 1e-6, "{shop:?} {half}");
    assert!((number(shop, "ci_high") - (mean + half)).abs() < 1e-6, "{shop:?} {half}");
    let apart = rows(&folder.join("uncertainty.csv"));
    let shop = row(&apart, "entity", "services.shop");
    assert!(number(shop, "chance_sd") < 1e-9, "{shop:?}");
    assert!((number(shop, "ignorance_sd") - sd).abs() < 1e-9, "{shop:?} {sd}");
    let told = summary(&folder);
    assert!(
        (told["uncertainty"]["services.shop"]["ignorance_sd"].as_f64().unwrap() - sd).abs() < 1e-9
    );
    assert_eq!(
        (&told["worlds"], &told["method"]),
        (&8.into(), &"means of worlds, Student t".into())
    );
    assert!(said.contains("(8 worlds with 3 runs of "), "{said}");
    // Batches of one length need one horizon.
    let horizons = uncertain("\"scenario.horizon\" = [\"10h\", \"11h\"]\n", 8);
    let file = place.file("h.toml", &text("h", "2h", &horizons));
    let (code, _, said) = place.run(&["steady", file.to_str().unwrap()], "h");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("take scenario.horizon out of [uncertain]"), "{said}");
}

/// The same bytes for any number of threads.
#[test]
fn threads_change_nothing() {
    let place = Place::new();
    let a = place.file("a.toml", &text("a", "5h", ""));
    let b = place.file("b.toml", &text("b", "6h", "[model]\nkms.disable-propagation = \"5m\"\n"));
    let c = place.file("c.toml", &text("c", "5h", &uncertain(ENABLE, 3)));
    let (a, b, c) = (a.to_str().unwrap(), b.to_str().unwrap(), c.to_str().unwrap());
    let measure = "services.shop.downtime";
    for (name, args) in [
        ("compare", vec!["compare", a, b, "-n", "700"]),
        ("worlds", vec!["compare", a, c, "-n", "300"]),
        ("steady", vec!["steady", a, "-n", "300"]),
        ("long-worlds", vec!["steady", c, "-n", "200"]),
        ("tornado", vec!["sensitivity", a, "--measure", measure, "-n", "20"]),
        ("morris", vec!["sensitivity", a, "--measure", measure, "--method", "morris", "-n", "3"]),
    ] {
        let with = |jobs: &str| {
            let mut args = args.clone();
            args.extend(["--jobs", jobs]);
            let (code, folder, said) = place.run(&args, &format!("{name}-{jobs}"));
            assert_eq!(code, Some(0), "{said}");
            fs::read(folder.join("manifest.json")).unwrap()
        };
        assert_eq!(with("1"), with("4"), "{name}");
    }
}

#[test]
fn what_is_wrong_is_told_with_what_to_write() {
    let place = Place::new();
    let a = place.file("a.toml", &text("a", "5h", ""));
    let other = place.file(
        "other.toml",
        &text("other", "5h", "")
            .replace("keys.k", "keys.z")
            .replace("key = \"k\"", "key = \"z\"")
            .replace("us-east1", "us-west1")
            .replace("services.shop", "services.pub"),
    );
    let (a, other) = (a.to_str().unwrap(), other.to_str().unwrap());
    let measure = ["sensitivity", a, "--measure"];
    for (args, expected) in [
        (vec!["compare", a, other], "no measure in common"),
        (
            [&measure[..], &["services.shop.downtim"]].concat(),
            "did you mean `services.shop.downtime`?",
        ),
        (
            [&measure[..], &["services.shop.downtime", "--over", "model.kms.destroy-wai"]].concat(),
            "did you mean `model.kms.destroy-wait`?",
        ),
        (
            [&measure[..], &["services.shop.downtime", "--over", "model.kms.enable-propagation"]]
                .concat(),
            "has no range",
        ),
        (
            [
                &measure[..],
                &[
                    "services.shop.downtime",
                    "--over",
                    "model.kms.destroy-wait,model.kms.destroy-wait",
                ],
            ]
            .concat(),
            "twice",
        ),
    ] {
        let (code, folder, said) = place.run(&args, "wrong");
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
        assert!(!folder.exists());
    }
}
