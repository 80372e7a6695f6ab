//! Experiments as users meet them: the same bytes for any number of threads, after any
//! interruption and from any number of shards; nothing is mixed up. (tests/coverage.rs asks
//! whether intervals hold the truth.)

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An instance of two clusters with outages at random, and what a sweep varies.
const SCENARIO: &str = r#"schema = 1
[scenario]
name = "two-clusters"
start = 2026-01-01T00:00:00Z
horizon = "60d"
seed = 3
[keys.a]
location = "us-east1"
[keys.b]
location = "us-west1"
[bigtable.o]
tables = 4
[bigtable.o.clusters.east]
zone = "us-east1-b"
key = "a"
[bigtable.o.clusters.west]
zone = "us-west1-a"
key = "b"
[[hazards]]
name = "kms"
do = "kms-outage"
location = "everywhere"
every = { exponential = { mean = "10d" } }
lasts = { exponential = { mean = "45m" } }
"#;

const SWEEP: &str = r#"
[sweep]
replications = 12
baseline = { length = "45m", tables = "few" }
[sweep.factors]
length = { path = "hazards.0.lasts.exponential.mean", levels = ["45m", "2h"] }
tables.alternatives.few = { "bigtable.o.tables" = 4 }
tables.alternatives.many = { "bigtable.o.tables" = 400, "bigtable.o.replication-lag" = "5s" }
"#;

struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cmeksim"));
    command.args(args).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

fn call(args: &[&str]) -> Done {
    let output = program(args).output().unwrap();
    Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with a scenario in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(scenario: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s.toml"), scenario).unwrap();
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Calls a command on the scenario, with results in a folder of that name.
    fn call(&self, command: &str, out: &str, more: &[&str]) -> Done {
        self.draw(command, out, &[more, &["--no-charts"]].concat())
    }

    /// The same with charts.
    fn draw(&self, command: &str, out: &str, more: &[&str]) -> Done {
        let (file, out) = (self.path("s.toml"), self.path(out));
        let args = [command, file.to_str().unwrap(), "--out", out.to_str().unwrap()];
        call(&[&args, more].concat())
    }

    fn good(&self, command: &str, out: &str, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
        let done = self.call(command, out, more);
        assert_eq!(done.code, Some(0), "{}", done.err);
        files(&self.path(out))
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries.map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

fn same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert!(a.keys().eq(b.keys()), "{:?} and {:?}", a.keys(), b.keys());
    for (name, bytes) in a {
        assert!(*bytes == b[name], "{name} differs");
    }
}

fn json(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Value {
    serde_json::from_slice(&files[name]).unwrap()
}

/// The rows of a CSV file, each by the names of its columns.
fn rows(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(bytes).deserialize().map(|row| row.unwrap()).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    let narrow = ["--precision", "20%", "--min", "20", "--max", "400"];
    let sweep = place.good("sweep", "sweep-1", &["--jobs", "1"]);
    let fixed = place.good("replicate", "fixed-1", &["-n", "70", "--jobs", "1"]);
    let grown = place.good("replicate", "grown-1", &[&narrow[..], &["--jobs", "1"]].concat());
    for jobs in ["2", "3", "5", "8", "16"] {
        let out = |name: &str| format!("{name}-{jobs}");
        same(&sweep, &place.good("sweep", &out("sweep"), &["--jobs", jobs]));
        same(&fixed, &place.good("replicate", &out("fixed"), &["-n", "70", "--jobs", jobs]));
        let more = [&narrow[..], &["--jobs", jobs]].concat();
        same(&grown, &place.good("replicate", &out("grown"), &more));
    }
    let told = json(&grown, "summary.json");
    let (reached, of) = (&told["precision"]["reached"], &told["precision"]["of"]);
    assert_eq!(reached, of, "{told:#}");
    assert!(told["replications"].as_u64().unwrap() > 20, "{told:#}");
}

/// The points of a sweep against its baseline: by hand from the replications of two `replicate`s, and
/// as `compare` says, with worlds as well. A precision that is played in blocks pairs them alike.
#[test]
fn a_sweep_tells_the_differences_from_its_baseline() {
    let sweep = "[sweep]\nreplications = 12\nbaseline = { length = \"45m\" }\n[sweep.factors]\n\
                 length = { path = \"hazards.0.lasts.exponential.mean\", \
                 levels = [\"20m\", \"45m\", \"2h\"] }\n";
    let uncertain = "[uncertain]\ndraws = 3\n[uncertain.factors]\n\
                     \"model.bigtable.kms-grace\" = [\"30m\", \"1h\"]\n";
    let measure = "bigtable.o.clusters.east.downtime";
    for unknown in ["", uncertain] {
        let place = Place::new(&format!("{SCENARIO}{sweep}{unknown}"));
        let found = rows(&place.good("sweep", "s", &[])["differences.csv"]);
        let points: Vec<&str> = found.iter().map(|row| row["point"].as_str()).collect();
        assert!(points.contains(&"0") && !points.contains(&"1") && points.contains(&"2"));
        let long = "hazards.0.lasts.exponential.mean=\"2h\"";
        let (b, longer) = (place.path("b.toml"), SCENARIO.replace("45m", "2h"));
        fs::write(&b, format!("{longer}{unknown}")).unwrap();
        let args = ["compare", place.path("s.toml").to_str().unwrap(), b.to_str().unwrap()]
            .map(str::to_owned);
        let out = place.path("c").to_str().unwrap().to_owned();
        let more = ["-n", "12", "--quiet", "--out", out.as_str()];
        let args: Vec<&str> = args.iter().map(String::as_str).chain(more).collect();
        assert_eq!(call(&args).code, Some(0));
        let mut of_two: Vec<_> = found.into_iter().filter(|row| row["point"] == "2").collect();
        let own = of_two.iter().find(|row| row["measure"] == measure).unwrap().clone();
        of_two.iter_mut().for_each(|row| drop(row.remove("point")));
        assert_eq!(of_two, rows(&files(&place.path("c"))["differences.csv"]));
        if !unknown.is_empty() {
            continue;
        }
        let values = |out: &str, set: &[&str]| -> Vec<f64> {
            let all = rows(
                &place.good("replicate", out, &[&["-n", "12"], set].concat())["replications.csv"],
            );
            all.iter().map(|row| row[measure].parse().unwrap()).collect()
        };
        let (base, other) = (values("a", &[]), values("b", &["--set", long]));
        let each: Vec<f64> = base.iter().zip(&other).map(|(a, b)| b - a).collect();
        let mean = each.iter().sum::<f64>() / 12.0;
        let spread = each.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / 11.0;
        // t(0.975, 11), from any table.
        let half = 2.200985160 * (spread / 12.0).sqrt();
        for (name, wanted) in
            [("difference", mean), ("ci_low", mean - half), ("ci_high", mean + half)]
        {
            let told: f64 = own[name].parse().unwrap();
            assert!((told - wanted).abs() < 1e-6 * wanted.abs(), "{name}: {told} is not {wanted}");
        }
        assert_eq!(own["n"], "12");
        let fixed = place.good("sweep", "f", &["-n", "12"]);
        let asked = ["--precision", "0.0001%", "--min", "4", "--max", "12"];
        let blocks = place.good("sweep", "p", &asked);
        assert!(fixed["differences.csv"] == blocks["differences.csv"]);
        let drawn = place.draw("sweep", "d", &["-n", "12"]);
        assert!(drawn.out.contains("is the baseline"), "{}", drawn.out);
        let svg = &files(&place.path("d"))[&format!("differences.{}.svg", "bigtable.o.downtime")];
        assert!(String::from_utf8_lossy(svg).contains("baseline length = 45m"));
    }
}

#[test]
fn a_torn_ledger_is_mended_to_the_same_bytes() {
    let place = Place::new(SCENARIO);
    let whole = place.good("replicate", "out", &["-n", "40"]);
    let ledger = &whole["ledger.bin"];
    let cuts = [0, 1, 15, 16, 17, 23, 24, 400, ledger.len() / 2, ledger.len() - 1];
    let record = (ledger.len() - 3_000) / 40;
    for cut in cuts.into_iter().chain((1..8).map(|n| ledger.len() - n * record - n)) {
        fs::write(place.path("out/ledger.bin"), &ledger[..cut]).unwrap();
        fs::remove_file(place.path("out/manifest.json")).unwrap();
        same(&whole, &place.good("replicate", "out", &["-n", "40", "--jobs", "2"]));
    }
    // One flipped bit in the middle, and rubbish at the end.
    let mut flipped = ledger.clone();
    flipped[ledger.len() / 2] ^= 4;
    fs::write(place.path("out/ledger.bin"), &flipped).unwrap();
    same(&whole, &place.good("replicate", "out", &["-n", "40"]));
    fs::write(place.path("out/ledger.bin"), [&ledger[..], b"rubbish"].concat()).unwrap();
    same(&whole, &place.good("replicate", "out", &["-n", "40"]));
}

#[test]
fn more_replications_go_on_from_those_there_are() {
    let place = Place::new(SCENARIO);
    place.good("replicate", "out", &["-n", "30"]);
    let done = place.call("replicate", "out", &["-n", "50"]);
    assert!(done.err.contains("30 cells are done already"), "{}", done.err);
    let grown = files(&place.path("out"));
    same(&grown, &place.good("replicate", "fresh", &["-n", "50"]));
    // Fewer replications use the first of them; the ledger keeps all.
    let mut fewer = place.good("replicate", "out", &["-n", "30"]);
    let mut few = place.good("replicate", "few", &["-n", "30"]);
    fewer.remove("ledger.bin");
    few.remove("ledger.bin");
    same(&fewer, &few);
}

/// Starts a long experiment, ends it with a signal once it has begun, and gives how it ended.
#[cfg(unix)]
fn interrupted(place: &Place, signal: &str, more: &[&str]) -> Done {
    let (file, out) = (place.path("s.toml"), place.path("out"));
    let args = ["replicate", file.to_str().unwrap(), "--no-charts", "--out", out.to_str().unwrap()];
    let mut command = program(&[&args, more].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ledger = out.join("ledger.bin");
    while fs::metadata(&ledger).map_or(0, |data| data.len()) < 20_000 {
        std::thread::yield_now();
    }
    let kill = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[cfg(unix)]
#[test]
fn killed_at_any_moment_it_goes_on() {
    let more = ["-n", "20000", "--jobs", "2"];
    let place = Place::new(SCENARIO);
    let done = interrupted(&place, "-KILL", &more);
    assert_eq!(done.code, None);
    assert!(!place.path("out/manifest.json").exists() && !place.path("out/summary.json").exists());
    // So many that the kill comes before the end; to compare, fewer are enough.
    let less = ["-n", "300", "--jobs", "2"];
    let mut on = place.good("replicate", "out", &less);
    let mut whole = place.good("replicate", "whole", &less);
    on.remove("ledger.bin");
    whole.remove("ledger.bin");
    same(&on, &whole);
}

#[cfg(unix)]
#[test]
fn an_interruption_says_how_to_go_on() {
    let place = Place::new(SCENARIO);
    let done = interrupted(&place, "-INT", &["-n", "1000000"]);
    assert_eq!(done.code, Some(130), "{}", done.err);
    assert!(done.err.contains("the same command goes on from there"), "{}", done.err);
    assert!(done.out.is_empty() && !done.err.contains("left"), "no progress without a terminal");
}

#[test]
fn shards_are_the_same_bytes_as_one_machine() {
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    let whole = place.good("sweep", "whole", &["-n", "7"]);
    for of in [1, 2, 5] {
        let mut folders = Vec::new();
        for shard in (1..=of).rev() {
            let out = format!("{shard}-of-{of}");
            place.good("sweep", &out, &["-n", "7", "--shard", &format!("{shard}/{of}")]);
            folders.push(place.path(&out).to_str().unwrap().to_owned());
        }
        let merged = place.path(&format!("merged-{of}"));
        let mut args = vec!["merge", "--no-charts", "--out", merged.to_str().unwrap()];
        args.extend(folders.iter().map(String::as_str));
        let done = call(&args);
        assert_eq!(done.code, Some(0), "{}", done.err);
        same(&whole, &files(&merged));
    }
}

#[test]
fn what_is_no_set_of_shards_is_refused() {
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    for shard in ["1/3", "2/3", "3/3"] {
        place.good("sweep", &shard.replace('/', "-"), &["-n", "5", "--shard", shard]);
    }
    place.good("sweep", "other", &["-n", "6", "--shard", "3/3"]);
    place.good("sweep", "four", &["-n", "5", "--shard", "3/4"]);
    place.good("sweep", "whole", &["-n", "5"]);
    let text = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let merge = |names: &[&str]| {
        let folders: Vec<String> = names.iter().map(|name| text(name)).collect();
        let out = text("merged");
        let mut args = vec!["merge", "--no-charts", "--out", &out];
        args.extend(folders.iter().map(String::as_str));
        let done = call(&args);
        assert_eq!(done.code, Some(2), "{}", done.err);
        done.err
    };
    assert!(merge(&["1-3", "3-3"]).contains("of 3 shards these are missing: 2"));
    assert!(merge(&["1-3", "1-3"]).contains("are the same shard, 1 of 3"));
    let other = merge(&["1-3", "2-3", "other"]);
    assert!(other.contains("other replications per point: 5 there, 6 here"), "{other}");
    assert!(merge(&["1-3", "four"]).contains("3 shards there, 4 here"));
    assert!(merge(&["whole"]).contains("is no shard, but a whole sweep"));
    let ledger = place.path("2-3/ledger.bin");
    let bytes = fs::read(&ledger).unwrap();
    fs::write(&ledger, &bytes[..bytes.len() - 1]).unwrap();
    let torn = merge(&["1-3", "2-3", "3-3"]);
    assert!(torn.contains("is not done: it has 6 of its 7 cells; run it again"), "{torn}");
    place.good("sweep", "2-3", &["-n", "5", "--shard", "2/3"]);
    let (one, two, three) = (text("1-3"), text("2-3"), text("3-3"));
    assert_eq!(
        call(&["merge", "--no-charts", "--out", &text("merged"), &one, &two, &three]).code,
        Some(0)
    );
    same(&files(&place.path("whole")), &files(&place.path("merged")));
}

#[test]
fn the_cells_of_another_experiment_are_left_alone() {
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    let before = place.good("sweep", "out", &[]);
    let refused = |more: &[&str], why: &str| {
        let done = place.call("sweep", "out", more);
        assert_eq!(done.code, Some(2), "{}", done.err);
        assert!(done.err.contains(why) && done.err.contains("--fresh"), "{}", done.err);
        same(&before, &files(&place.path("out")));
    };
    refused(&["--seed", "4"], "another seed: 3 there, 4 here");
    refused(&["-n", "9"], "other replications per point: 12 there, 9 here");
    refused(&["--set", "bigtable.o.tables=5"], "none there, bigtable.o.tables=5 here");
    refused(&["--shard", "1/2"], "another shard: all cells there, 1/2 here");
    let done = place.call("replicate", "out", &[]);
    assert!(done.err.contains("another command: sweep there, replicate here"), "{}", done.err);
    fs::write(place.path("s.toml"), format!("{SCENARIO}{SWEEP}# new\n")).unwrap();
    refused(&[], "another scenario: its text differs from line");
    let fresh = place.good("sweep", "out", &["--fresh"]);
    same(&fresh, &place.good("sweep", "new", &[]));
    // A folder with other people's files.
    fs::create_dir(place.path("theirs")).unwrap();
    fs::write(place.path("theirs/notes.txt"), "mine").unwrap();
    let done = place.call("sweep", "theirs", &[]);
    assert_eq!(done.code, Some(3), "{}", done.err);
    assert_eq!(files(&place.path("theirs")).len(), 1);
    fs::write(place.path("theirs/ledger.bin"), "a ledger of someone else's making").unwrap();
    let done = place.call("sweep", "theirs", &[]);
    assert_eq!(done.code, Some(3), "{}", done.err);
    assert!(done.err.contains("it is no ledger of this version"), "{}", done.err);
}

#[test]
fn a_file_that_the_scenario_names_belongs_to_it() {
    let named = SCENARIO.replace(
        "lasts = { exponential = { mean = \"45m\" } }",
        "lasts = { empirical = { file = \"lengths.csv\" } }",
    );
    let place = Place::new(&named);
    fs::write(place.path("lengths.csv"), "1m\n5m\n2h\n").unwrap();
    place.good("replicate", "out", &["-n", "20"]);
    fs::write(place.path("lengths.csv"), "1m\n5m\n3h\n").unwrap();
    let done = place.call("replicate", "out", &["-n", "20"]);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("the file lengths.csv, which the scenario names, differs"));
}

#[test]
fn every_level_is_checked_before_anything_runs() {
    let sweep = "[sweep.factors]\n\
                 \"hazards.0.lasts.exponential.mean\" = [\"45m\", \"45\"]\n\
                 \"bigtable.o.tables\" = [4, 4000]\n\
                 \"bigtable.o.tabels\" = [4]\n";
    let place = Place::new(&format!("{SCENARIO}{sweep}"));
    let done = place.call("sweep", "out", &[]);
    assert_eq!(done.code, Some(2), "{}", done.err);
    for said in ["`45` has no unit", "`tables` is 4000", "`tabels` is not a key"] {
        assert!(done.err.contains(said), "{said}: {}", done.err);
    }
    // Each at the level's own place.
    for place in ["s.toml:26:46", "s.toml:27:27", "s.toml:28:1"] {
        assert!(done.err.contains(place), "{place}: {}", done.err);
    }
    assert!(!done.err.contains("at the point"), "{}", done.err);
    assert!(!place.path("out").exists());
    // What no level does alone, two of them do together.
    let sweep = "[sweep.factors]\n\
                 \"keys.a.location\" = [\"us-east1\", \"us-west1\"]\n\
                 \"bigtable.o.clusters.east.zone\" = [\"us-east1-b\", \"us-west1-b\"]\n";
    let place = Place::new(&format!("{SCENARIO}{sweep}"));
    let done = place.call("sweep", "out", &[]);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("key-region"), "{}", done.err);
}

#[test]
fn factors_can_come_from_the_command_line() {
    let place = Place::new(SCENARIO);
    let factor = ["--factor", "hazards.0.lasts.exponential.mean=45m,2h", "--factor"];
    let more = [&factor[..], &["bigtable.o.tables=4,8", "-n", "5"]].concat();
    let found = place.good("sweep", "out", &more);
    let points = rows(&found["points.csv"]);
    assert_eq!(points.len(), 4);
    // By name; the last goes fastest.
    assert_eq!(points[1]["bigtable.o.tables"], "4");
    assert_eq!(points[1]["hazards.0.lasts.exponential.mean"], "2h");
    let done = place.call("sweep", "none", &[]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("the scenario has no [sweep]"), "{}", done.err);
}

#[test]
fn too_much_is_counted_before_it_is_done() {
    let levels: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let levels = levels.join(", ");
    let sweep = format!(
        "[sweep.factors]\n\"bigtable.o.tables\" = [{levels}]\n\
         other = {{ path = \"scenario.seed\", levels = [{levels}] }}\n"
    );
    let place = Place::new(&format!("{SCENARIO}{sweep}"));
    let done = place.call("sweep", "out", &[]);
    assert_eq!(done.code, Some(4), "{}", done.err);
    assert!(done.err.contains("the sweep has 10201 points, more than 10000"), "{}", done.err);
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    let done = place.call("sweep", "out", &["-n", "100000000"]);
    assert_eq!(done.code, Some(4), "{}", done.err);
    assert!(done.err.contains("4 points with 100000000 replications"), "{}", done.err);
    assert!(!place.path("out").exists());
}

#[test]
fn objectives_are_judged_on_the_interval() {
    let with = |condition: &str| {
        let objective = format!("[[objectives]]\nmeasure = \"bigtable.o.downtime\"\n{condition}\n");
        let place = Place::new(&format!("{SCENARIO}{objective}"));
        let done = place.call("replicate", "out", &["-n", "400"]);
        let told = json(&files(&place.path("out")), "summary.json");
        (done.code, told["objectives"][0]["verdict"].as_str().unwrap().to_owned())
    };
    // The mean is near 70 minutes, known to about 8.
    assert_eq!(with("at-most = \"4h\""), (Some(0), "pass".to_owned()));
    assert_eq!(with("at-least = \"4h\""), (Some(5), "fail".to_owned()));
    assert_eq!(with("at-most = \"71m\""), (Some(6), "inconclusive".to_owned()));
}

/// Where no random number is drawn, every replication is the same by construction: an objective on what
/// has no upper end passes or fails. Where one is drawn, the same values in all replications are still
/// no proof, and worlds differ though nothing is drawn in any of them.
#[test]
fn what_is_not_left_to_chance_passes_or_fails() {
    let certain = "schema = 1\n[scenario]\nname = \"cost\"\nstart = 2026-06-01T00:00:00Z\n\
                   horizon = \"30d\"\n[keys.a]\nlocation = \"us-east1\"\n[bigtable.o]\ntables = 10\n\
                   [bigtable.o.clusters.a]\nzone = \"us-east1-b\"\nkey = \"a\"\n\
                   [model]\nbigtable.sweep-phase = \"spread\"\n";
    // 10 tables x 8,640 validations x 3 operations at USD 0.03 for 10,000, and USD 0.06 for the version.
    let of = |more: &str, at_most: &str| {
        let objective = format!(
            "[[objectives]]\nmeasure = \"keys.a.kms-cost-usd\"\nat-most = {at_most}\n{more}"
        );
        let place = Place::new(&format!("{certain}{objective}"));
        let done = place.call("replicate", "out", &["-n", "20"]);
        let found = files(&place.path("out"));
        let estimates = rows(&found["estimates.csv"]);
        let cost = estimates.into_iter().find(|row| row["measure"] == "keys.a.kms-cost-usd");
        let cost = cost.unwrap();
        let cells = ["mean", "ci_low", "ci_high", "method", "other_max"].map(|c| cost[c].clone());
        // From the ledger alone it is the same.
        let again = place.call("replicate", "out", &["-n", "20"]);
        assert!(again.code == done.code && found == files(&place.path("out")));
        (done.code, cells)
    };
    let (code, [mean, low, high, method, other]) = of("", "0.9");
    assert!(code == Some(0) && (mean.parse::<f64>().unwrap() - 0.8376).abs() < 1e-9, "{mean}");
    assert!(low == mean && high == mean && method == "nothing random" && other.is_empty());
    assert_eq!(of("", "0.8").0, Some(5));
    let hazard = "[[hazards]]\nname = \"x\"\ndo = \"kms-outage\"\nlocation = \"us-east1\"\n\
                  every = { exponential = { mean = \"9000d\" } }\nlasts = \"1h\"\n";
    let (code, cells) = of(hazard, "0.9");
    assert_eq!((code, cells[3].as_str()), (Some(6), "same value, zero-event bound"), "{cells:?}");
    let uncertain = "[uncertain]\ndraws = 3\n[uncertain.factors]\n\
                     t = { path = \"model.kms.disable-propagation\", levels = [\"1s\", \"2s\"] }\n";
    assert_eq!(of(uncertain, "0.9").0, Some(6));
}

/// A precision is reached at once where nothing is left to chance, also by what is zero.
#[test]
fn what_is_not_left_to_chance_needs_no_more_replications() {
    let place = Place::new(
        &SCENARIO[..SCENARIO.find("[[hazards]]").unwrap()]
            .replace("[keys.a]", "[model]\nbigtable.sweep-phase = \"spread\"\n[keys.a]"),
    );
    let found = place.good("replicate", "out", &["--precision", "5%", "--min", "20"]);
    let told = json(&found, "summary.json");
    assert_eq!((&told["replications"], &told["precision"]["reached"]), (&20.into(), &1.into()));
}

#[test]
fn estimates_say_how_they_came_about() {
    let place = Place::new(SCENARIO);
    let found = place.good("replicate", "out", &["-n", "60"]);
    let estimates = rows(&found["estimates.csv"]);
    let of = |measure: &str| {
        estimates
            .iter()
            .find(|row| row["measure"] == measure)
            .unwrap_or_else(|| panic!("{measure}"))
    };
    assert_eq!(of("bigtable.o.downtime")["method"], "Student t");
    let never = of("bigtable.o.irreversible");
    assert_eq!(
        (never["mean"].as_str(), never["method"].as_str()),
        ("0", "same value, zero-event bound")
    );
    // 1 - 0.05^(1/60)
    assert!((never["ci_high"].parse::<f64>().unwrap() - 0.048_703).abs() < 1e-6);
    let sweeps = of("bigtable.o.sweeps");
    assert_eq!((sweeps["ci_low"].as_str(), sweeps["ci_high"].as_str()), ("", ""));
    assert!(!sweeps["other_max"].is_empty());
    let told = json(&found, "summary.json");
    let warnings = told["warnings"].to_string();
    assert!(warnings.contains("too few replications for the 99 % quantile: 60"), "{warnings}");
    // One row per replication, and the mean is theirs.
    let replications = rows(&found["replications.csv"]);
    assert_eq!(replications.len(), 60);
    let values = replications.iter().map(|row| row["bigtable.o.downtime"].parse::<f64>().unwrap());
    let mean = values.sum::<f64>() / 60.0;
    let told = of("bigtable.o.downtime")["mean"].parse::<f64>().unwrap();
    assert!((mean - told).abs() < 1e-6, "{mean} {told}");
}

#[test]
fn one_replication_is_that_of_run() {
    let place = Place::new(SCENARIO);
    let run = json(&place.good("run", "run", &[]), "summary.json");
    let found = place.good("replicate", "out", &["-n", "3"]);
    let first = &rows(&found["replications.csv"])[0];
    for (path, value) in run["measures"].as_object().unwrap() {
        let told = &first[path.as_str()];
        match value.as_f64() {
            // The reader of JSON is off by a bit now and then.
            Some(value) => {
                let told: f64 = told.parse().unwrap();
                assert!((told - value).abs() <= 1e-15 * value.abs(), "{path}: {told} {value}");
            }
            None => assert!(told.is_empty(), "{path}: {told}"),
        }
    }
}

#[test]
fn design_points_share_their_luck() {
    let place = Place::new(SCENARIO);
    let tables = ["--factor", "bigtable.o.tables=4,8", "-n", "10"];
    let found = place.good("sweep", "out", &tables);
    // Outages of Cloud KMS have streams of their own: the same at every point.
    let estimates = rows(&found["sweep.csv"]);
    let of = |point: &str| {
        let fits = |row: &&BTreeMap<String, String>| {
            row["point"] == point && row["measure"] == "keys.a.unreachable-time"
        };
        estimates.iter().find(fits).unwrap()["mean"].clone()
    };
    assert_eq!(of("0"), of("1"));
}

/// Chance and ignorance apart: the mean length of outages is known only to lie in a range.
#[test]
fn ignorance_is_told_apart_from_chance() {
    let uncertain = "[uncertain]\ndraws = 40\n[uncertain.factors]\n\
                     length = { path = \"hazards.0.lasts.exponential.mean\", from = \"5m\", \
                     to = \"5h\", scale = \"log\" }\n";
    let place = Place::new(&format!("{SCENARIO}{uncertain}"));
    let found = place.good("replicate", "out", &["-n", "50"]);
    assert_eq!(rows(&found["worlds.csv"]).len(), 40);
    let apart = rows(&found["uncertainty.csv"]);
    let number = |measure: &str, column: &str| {
        let row = apart.iter().find(|row| row["measure"] == measure).unwrap();
        row[column].parse::<f64>().unwrap()
    };
    let downtime = |column: &str| number("bigtable.o.downtime", column);
    assert!(downtime("ignorance_sd") > 3_600.0 && downtime("chance_sd") > 3_600.0);
    assert!(downtime("mean_p5") < downtime("mean_p50"));
    assert!(downtime("mean_p50") < downtime("mean_p95"));
    // What does not hang on the length has no spread that is not chance.
    let estimates = rows(&found["estimates.csv"]);
    let row = estimates.iter().find(|row| row["measure"] == "bigtable.o.downtime").unwrap();
    assert_eq!((row["n"].as_str(), row["method"].as_str()), ("2000", "Student t over worlds"));
    let done = place.call("replicate", "p", &["--precision", "5%"]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("--precision is about chance alone"), "{}", done.err);
}

#[test]
fn wrong_arguments_are_told() {
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    for (command, more, why) in [
        ("replicate", &["--precision", "wide"][..], "--precision takes a share such as 5%"),
        ("replicate", &["--precision", "0%"], "--precision takes a share such as 5%"),
        (
            "replicate",
            &["--precision", "0.1"],
            "the unit of bigtable.o.downtime is s; give a precision in that unit, such as 10m,",
        ),
        (
            "replicate",
            &["--precision", "5%", "--measure", "nothing-like-it"],
            "there is no measure `nothing-like-it`; name one as in estimates.csv, such as `bigtable.o.",
        ),
        ("sweep", &["--factor", "bigtable.o.tables"], "--> --factor:1:1"),
        (
            "replicate",
            &["--precision", "5%", "--measure", "bigtable.o.downtme"],
            "did you mean `bigtable.o.downtime`?",
        ),
        ("replicate", &["--precision", "5%", "--min", "9", "--max", "5"], "--max is below --min"),
        ("sweep", &["--shard", "3/2"], "--shard takes I/N"),
        ("sweep", &["--shard", "0/2"], "--shard takes I/N"),
    ] {
        let done = place.call(command, "out", more);
        assert_eq!(done.code, Some(2), "{more:?}: {}", done.err);
        assert!(done.err.contains(why), "{more:?}: {}", done.err);
        assert!(!place.path("out").exists(), "{more:?}");
    }
}

#[test]
fn screen_and_json_say_the_same() {
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    let shown = place.call("sweep", "out", &[]);
    assert!(shown.out.contains("4 points, 12 replications at each"), "{}", shown.out);
    assert!(shown.out.contains("baseline"), "{}", shown.out);
    let told = place.call("sweep", "out", &["--format", "json"]);
    assert_eq!(told.out.as_bytes(), files(&place.path("out"))["summary.json"]);
    assert_eq!(place.call("sweep", "out", &["--quiet"]).out, "");
}

#[test]
fn charts_show_what_was_found() {
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    assert_eq!(place.draw("replicate", "r", &["-n", "40"]).code, Some(0));
    assert_eq!(place.draw("sweep", "s", &[]).code, Some(0));
    let names = |out: &str| -> Vec<String> {
        let all = files(&place.path(out));
        all.keys().filter_map(|name| name.strip_suffix(".svg").map(str::to_owned)).collect()
    };
    let of = |kind: &str| format!("{kind}.bigtable.o.downtime");
    assert_eq!(names("r"), ["convergence", "distribution", "exceedance"].map(of));
    assert_eq!(names("s"), ["differences", "distributions", "factor", "heatmap"].map(of));
    for (out, name, said) in [
        ("r", of("distribution"), "Distribution of bigtable.o.downtime"),
        ("s", of("factor"), "bigtable.o.downtime by length"),
        ("s", of("differences"), "bigtable.o.downtime against the baseline"),
        ("s", of("heatmap"), "bigtable.o.downtime by length and tables"),
        ("s", of("distributions"), "Distribution of bigtable.o.downtime at each point"),
    ] {
        let picture = String::from_utf8(files(&place.path(out))[&format!("{name}.svg")].clone());
        let picture = picture.unwrap();
        assert!(picture.contains(said), "{name}: {said}");
        assert!(files(&place.path(out))[&format!("{name}.png")].starts_with(b"\x89PNG"));
    }
}
