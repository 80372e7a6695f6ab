//! What downtime is made of, over replications: `--attribution`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A bucket whose key is disabled from 1 h to 3 h, and cannot be reached from 10 h to 16 h; nothing is
/// drawn. The end of the outage leads to nothing: the key is enabled by then.
const BUCKET: &str = r#"
schema = 1
[scenario]
name = "bucket"
start = 2026-03-02T08:00:00Z
horizon = "24h"
[keys.a]
location = "us-east1"
[storage.b]
key = "a"
[[events]]
at = "1h"
do = "disable-key"
key = "a"
[[events]]
at = "3h"
do = "enable-key"
key = "a"
[[events]]
at = "10h"
do = "kms-outage"
location = "us-east1"
lasts = "6h"
[model]
kms.disable-propagation = "0s"
kms.enable-propagation = "0s"
storage.effect-delay = "0s"
storage.recovery = "0s"
"#;

/// An instance, a bucket and a service of both, with two kinds of faults at random.
const RANDOM: &str = r#"
schema = 1
[scenario]
name = "random"
start = 2026-03-02T08:00:00Z
horizon = "90d"
seed = 3
[keys.a]
location = "us-east1"
[bigtable.o.clusters.east]
zone = "us-east1-b"
key = "a"
[storage.b]
key = "a"
[services.x]
all-of = ["bigtable.o", "storage.b"]
[[hazards]]
name = "outage"
do = "kms-outage"
location = "us-east1"
every = { exponential = { mean = "20d" } }
lasts = { exponential = { mean = "90m" } }
[[hazards]]
name = "mistake"
do = "disable-key"
key = "a"
every = { exponential = { mean = "20d" } }
[[responses]]
when = { entity = "keys.a", state = "disabled" }
after = { exponential = { mean = "2h" } }
do = "enable-key"
key = "a"
[sweep.factors]
"bigtable.o.tables" = [1, 20]
"#;

type Row = BTreeMap<String, String>;

fn call(folder: &Path, scenario: &str, out: &str, args: &[&str]) -> Output {
    fs::write(folder.join("s.toml"), scenario).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cmeksim"));
    command.args([args[0], "s.toml", "--no-charts", "--out", out]).args(&args[1..]);
    command.current_dir(folder).output().unwrap()
}

fn done(folder: &Path, scenario: &str, out: &str, args: &[&str]) -> String {
    let output = call(folder, scenario, out, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn rows(path: &Path) -> Vec<Row> {
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap()
}

/// Worked out by hand: 2 h of denial and 6 h of silence are 8 h, of which they are 25 % and 75 %.
#[test]
fn downtime_is_taken_apart_by_root_and_phase() {
    let place = tempfile::tempdir().unwrap();
    let shown = done(place.path(), BUCKET, "out", &["replicate", "-n", "3", "--attribution"]);
    let found = rows(&place.path().join("out/attribution.csv"));
    let told: Vec<(&str, &str, f64, f64)> = found
        .iter()
        .map(|row| {
            let [root, phase] = ["root_event", "phase"].map(|name| row[name].as_str());
            (root, phase, number(row, "seconds"), number(row, "share"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("keys.a: disabled", "denied", 7_200.0, 0.25),
            ("kms.us-east1: outage begins", "unreachable", 21_600.0, 0.75),
        ]
    );
    // Nothing varies, so that there is no interval, and no interval of no width.
    assert!(found.iter().all(|row| row["ci_low"].is_empty() && row["share_high"].is_empty()));
    assert!(
        shown.contains("storage.b: 75.00 % (no interval)  kms.us-east1: outage begins"),
        "{shown}"
    );
    done(place.path(), BUCKET, "without", &["replicate", "-n", "3"]);
    assert!(!place.path().join("without/attribution.csv").exists());
}

/// A denial that is there again when an outage is over is still that denial: 1 h to 20 h, less the 6 h
/// of the outage in between.
#[test]
fn the_end_of_an_outage_is_no_root_cause() {
    let place = tempfile::tempdir().unwrap();
    let late = BUCKET.replace("at = \"3h\"", "at = \"20h\"");
    done(place.path(), &late, "out", &["replicate", "-n", "2", "--attribution"]);
    let found = rows(&place.path().join("out/attribution.csv"));
    let told: Vec<(&str, f64)> =
        found.iter().map(|row| (row["root_event"].as_str(), number(row, "seconds"))).collect();
    let hours = |hours: f64| hours * 3_600.0;
    assert_eq!(
        told,
        [("keys.a: disabled", hours(13.0)), ("kms.us-east1: outage begins", hours(6.0))]
    );
}

/// What the parts of a system add up to is its downtime, at every point, with several threads, and
/// when the cells were there already.
#[test]
fn parts_add_up_to_the_downtime() {
    let place = tempfile::tempdir().unwrap();
    let sweep = ["sweep", "-n", "60", "--attribution", "--jobs"];
    done(place.path(), RANDOM, "one", &[&sweep[..], &["1"]].concat());
    let found = rows(&place.path().join("one/attribution.csv"));
    let estimates = rows(&place.path().join("one/sweep.csv"));
    for point in ["0", "1"] {
        for system in ["bigtable.o", "storage.b", "services.x"] {
            let own = || found.iter().filter(|r| r["point"] == point && r["entity"] == system);
            let sum = |column: &str| own().map(|row| number(row, column)).sum::<f64>();
            let path = format!("{system}.downtime");
            let whole = estimates.iter().find(|r| r["point"] == point && r["measure"] == path);
            let whole = number(whole.unwrap(), "mean");
            assert!(whole > 0.0 && (sum("seconds") / whole - 1.0).abs() < 1e-9, "{path}");
            assert!((sum("share") - 1.0).abs() < 1e-9, "{path}");
            for root in ["keys.a: disabled", "kms.us-east1: outage begins"] {
                let of = own().filter(|row| row["root_event"] == root);
                let known = |row: &Row| number(row, "share_low") < number(row, "share_high");
                assert!(of.filter(|row| number(row, "replications") > 9.0).any(known), "{root}");
            }
        }
    }
    let table = |out: &str| fs::read(place.path().join(out).join("attribution.csv")).unwrap();
    done(place.path(), RANDOM, "two", &["sweep", "-n", "60"]);
    done(place.path(), RANDOM, "two", &[&sweep[..], &["3"]].concat());
    assert!(table("one") == table("two"));
    for shard in ["1/2", "2/2"] {
        let out = shard.replace('/', "-");
        done(place.path(), RANDOM, &out, &["sweep", "-n", "60", "--shard", shard]);
    }
    let mut merge = Command::new(env!("CARGO_BIN_EXE_cmeksim"));
    merge.args(["merge", "1-2", "2-2", "--no-charts", "--out", "merged", "--attribution"]);
    assert!(merge.current_dir(place.path()).output().unwrap().status.success());
    assert!(table("one") == table("merged"));
    let manifest = |out: &str| fs::read(place.path().join(out).join("manifest.json")).unwrap();
    assert!(manifest("one") == manifest("merged"));
}

/// With parameters that nobody knows, worlds are the observations.
#[test]
fn worlds_are_the_observations() {
    let place = tempfile::tempdir().unwrap();
    let unknown = "[uncertain]\ndraws = 5\n[uncertain.factors]\n\
                   often = { path = \"hazards.0.every.exponential.mean\", from = \"5d\", to = \"50d\" }\n";
    let scenario = format!("{RANDOM}{unknown}");
    done(place.path(), &scenario, "out", &["replicate", "-n", "20", "--attribution"]);
    let found = rows(&place.path().join("out/attribution.csv"));
    let estimates = rows(&place.path().join("out/estimates.csv"));
    let of = |row: &&Row| row["entity"] == "storage.b";
    let sum: f64 = found.iter().filter(of).map(|row| number(row, "seconds")).sum();
    let whole = estimates.iter().find(|row| row["measure"] == "storage.b.downtime").unwrap();
    assert!((sum / number(whole, "mean") - 1.0).abs() < 1e-9);
    let seen = found.iter().map(|row| number(row, "replications")).fold(0.0, f64::max);
    assert!(seen > 5.0 && seen <= 100.0, "{seen}");
}

/// The screen names how quantiles came about, as the table does.
#[test]
fn quantiles_have_their_method_beside_them() {
    let place = tempfile::tempdir().unwrap();
    let few = done(place.path(), BUCKET, "few", &["replicate", "-n", "3"]);
    assert!(few.contains("Quantiles by: order statistics (docs"), "{few}");
    let many = done(place.path(), BUCKET, "many", &["replicate", "-n", "10001"]);
    assert!(many.contains("Quantiles by: histogram, 0.1 % (docs"), "{many}");
}

/// The bytes of every file of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
    entries.map(|entry| (name(&entry), fs::read(entry.path()).unwrap())).collect()
}

/// Ctrl-C while the downtime is taken apart: the cells are kept, nothing else is written, and the same
/// command goes on to the same bytes. So it is when all cells were there from the start.
#[cfg(unix)]
#[test]
fn an_interruption_keeps_the_cells() {
    use std::process::{Child, Stdio};
    use std::time::Duration;
    const ARGS: [&str; 4] = ["replicate", "-n", "6000", "--attribution"];
    let place = tempfile::tempdir().unwrap();
    done(place.path(), RANDOM, "whole", &ARGS);
    let whole = files(&place.path().join("whole"));
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cmeksim"));
        command.args([ARGS[0], "s.toml", "--no-charts", "--out", "out"]).args(&ARGS[1..]);
        command.current_dir(place.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let interrupt = |child: Child| {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let done = child.wait_with_output().unwrap();
        (done.status.code(), done.stdout, String::from_utf8(done.stderr).unwrap())
    };
    let kept = |(code, stdout, said): (Option<i32>, Vec<u8>, String)| {
        assert_eq!(code, Some(130), "{said}");
        let words = "interrupted: the cells are kept; the same command goes on from there";
        assert!(said.contains(words) && stdout.is_empty(), "{said}");
        let left = files(&place.path().join("out"));
        assert_eq!(left.keys().collect::<Vec<_>>(), ["ledger.bin"]);
        assert!(left["ledger.bin"] == whole["ledger.bin"]);
    };
    let child = start();
    let ledger = place.path().join("out/ledger.bin");
    let all = whole["ledger.bin"].len() as u64;
    while fs::metadata(&ledger).map_or(0, |data| data.len()) < all {
        std::thread::yield_now();
    }
    kept(interrupt(child));
    // Nothing shows from when on the second command hears it: too early, it just ends. It plays all
    // cells from then on, so that a quarter longer each time does not miss it.
    let longer = std::iter::successors(Some(20), |ms| Some(ms + ms / 4));
    let later = longer.take(40).map(|ms: u64| {
        let child = start();
        std::thread::sleep(Duration::from_millis(ms));
        interrupt(child)
    });
    kept(later.into_iter().find(|(code, ..)| code.is_some()).unwrap());
    done(place.path(), RANDOM, "out", &ARGS);
    assert!(files(&place.path().join("out")) == whole);
}

/// Either of two buckets is enough; one cannot reach its key from 10 h to 12 h, the other from 11 h to 14 h.
/// Worked out by hand: 1 h without the first, 1 h without both, 2 h without the second.
const TWO: &str = r#"
schema = 1
[scenario]
name = "two"
start = 2026-03-02T08:00:00Z
horizon = "24h"
[keys.a]
location = "us-east1"
[keys.b]
location = "us-west1"
[storage.a]
key = "a"
[storage.b]
key = "b"
[services.x]
any-of = ["storage.a", "storage.b"]
[[events]]
at = "10h"
do = "kms-outage"
location = "us-east1"
lasts = "2h"
[[events]]
at = "11h"
do = "kms-outage"
location = "us-west1"
lasts = "3h"
[model]
storage.effect-delay = "0s"
storage.recovery = "0s"
"#;

/// A single run charges the event that began the trouble as well, and not the end of the first outage
/// with what the second leaves; over replications the same event has the same time.
#[test]
fn a_run_charges_the_same_events() {
    let place = tempfile::tempdir().unwrap();
    done(place.path(), TWO, "run", &["run"]);
    done(place.path(), TWO, "many", &["replicate", "-n", "1", "--attribution"]);
    let told = |out: &str, kind: &str| -> Vec<(String, String, f64)> {
        let found = rows(&place.path().join(out).join("attribution.csv"));
        let own = found.iter().filter(|row| row["entity"] == "services.x");
        own.map(|row| (row[kind].clone(), row["root_event"].clone(), number(row, "seconds")))
            .collect()
    };
    let [east, west] = ["us-east1", "us-west1"].map(|at| format!("kms.{at}: outage begins"));
    let [degraded, down, members] = ["degraded", "down", "members"].map(str::to_owned);
    assert_eq!(
        told("run", "state"),
        [
            (degraded.clone(), east, 3_600.0),
            (degraded, west.clone(), 7_200.0),
            (down, west.clone(), 3_600.0)
        ]
    );
    assert_eq!(told("many", "phase"), [(members, west, 3_600.0)]);
}
