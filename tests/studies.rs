//! `compare` and `sensitivity` through the public path, against scenarios whose answers are sums
//! in the head.

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

/// The same bytes for any number of threads.
#[test]
fn threads_change_nothing() {
    let place = Place::new();
    let a = place.file("a.toml", &text("a", "5h", ""));
    let b = place.file("b.toml", &text("b", "6h", "[model]\nkms.disable-propagation = \"5m\"\n"));
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let measure = "services.shop.downtime";
    for (name, args) in [
        ("compare", vec!["compare", a, b, "-n", "700"]),
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
        assert_eq!(with("1"), with("5"), "{name}");
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
