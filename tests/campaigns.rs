//! Commands that play many cells, beyond what tests/experiments.rs asks of them: small multiples,
//! what a command leaves alone, studies that go on after an interruption, cells that meet a limit.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

#[path = "support/place.rs"]
mod support;

use cmeksim::experiment::plan::Plan;
use cmeksim::experiment::run::{Flow, play};
use cmeksim::experiment::study::Study;
use cmeksim::scenario::read::{Overrides, Template};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use support::{Place, files};

/// An instance of one cluster with outages at random.
const SCENARIO: &str = r#"schema = 1
[scenario]
name = "one-cluster"
start = 2026-01-01T00:00:00Z
horizon = "60d"
seed = 3
[keys.a]
location = "us-east1"
[bigtable.o]
tables = 4
[bigtable.o.clusters.east]
zone = "us-east1-b"
key = "a"
[[hazards]]
name = "kms"
do = "kms-outage"
location = "us-east1"
every = { exponential = { mean = "10d" } }
lasts = { exponential = { mean = "90m" } }
"#;

/// Three factors of which two have numbers.
const SWEEP: &str = r#"
[sweep]
replications = 8
[sweep.factors]
length = { path = "hazards.0.lasts.exponential.mean", levels = ["45m", "2h", "4h"] }
grace = { path = "model.bigtable.kms-grace", levels = ["30m", "1h"] }
pace.alternatives.fast = { "model.bigtable.cascade-pace" = "fast" }
pace.alternatives.slow = { "model.bigtable.cascade-pace" = "slow" }
"#;

/// Two responses that undo each other without delay.
const ENDLESS: &str = r#"
[model]
kms.disable-propagation = "0s"
[[events]]
at = "1h"
do = "disable-key"
key = "a"
[[responses]]
when = { entity = "keys.a", state = "disabled" }
do = "enable-key"
key = "a"
[[responses]]
when = { entity = "keys.a", state = "enabled" }
after = "0s"
do = "disable-key"
key = "a"
"#;

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

/// Lines over the factor with numbers and most levels (length), a line per level of grace, a plot per
/// pace; and a histogram for each of the twelve points.
#[test]
fn a_sweep_of_three_factors_draws_small_multiples() {
    let place = Place::new(&format!("{SCENARIO}{SWEEP}"));
    place.good(&["sweep", "s.toml", "--out", "o", "--quiet"]);
    let all = files(&place.path("o"));
    let svg = |name: &str| String::from_utf8(all[name].clone()).unwrap();
    let lines = svg("multiples.bigtable.o.downtime.svg");
    assert!(lines.contains("one-cluster, seed 3: plots by pace, lines by grace"), "{lines}");
    assert!(lines.contains("2 small plots of bigtable.o.downtime over length"), "{lines}");
    for word in [">pace = fast<", ">pace = slow<", ">grace = 30m<", ">grace = 1h<"] {
        assert!(lines.contains(word), "{word}: {lines}");
    }
    let plots = svg("distributions.bigtable.o.downtime.svg");
    assert!(plots.contains("12 small plots"), "{plots}");
    for name in ["multiples.bigtable.o.downtime.png", "distributions.bigtable.o.downtime.png"] {
        assert!(all[name].starts_with(b"\x89PNG"));
    }
    // What never varies has no distribution.
    let still = ["sweep", "s.toml", "--out", "p", "--quiet", "-n", "1"];
    assert_eq!(place.call(&still).code, Some(0));
    assert!(!files(&place.path("p")).keys().any(|name| name.starts_with("distributions.")));
}

const OBJECTIVE: &str = "[[objectives]]\nmeasure = \"bigtable.o.availability\"\nat-least = 0.5\n";
const EXPECT: &str =
    "[[expect]]\nmeasure = \"bigtable.o.outages\"\nat-least = 0\nbecause = \"it counts\"\n";
const UNCERTAIN: &str = "[uncertain]\ndraws = 3\n[uncertain.factors]\n\
                         \"model.bigtable.kms-grace\" = [\"30m\", \"1h\"]\n";

/// Something else that nobody knows: the grace is swept.
fn beside_the_sweep() -> String {
    UNCERTAIN.replace("bigtable.kms-grace", "kms.disable-propagation")
}

/// Each command names the parts of the file that it does not use, with their lines.
#[test]
fn what_a_command_leaves_alone_is_told() {
    let uncertain = beside_the_sweep();
    let text = format!("{SCENARIO}{SWEEP}{uncertain}{OBJECTIVE}{EXPECT}");
    let place = Place::new(&text);
    let line = |part: &str| 1 + text[..text.find(part).unwrap()].matches('\n').count();
    let at = |part: &str| format!("{part} (s.toml:{})", line(part));
    let (sweep, uncertain) = (at("[sweep]"), at("[uncertain]"));
    let (objectives, expect) = (at("[[objectives]]"), at("[[expect]]"));
    let file = ": what is uncertain has the values of the file";
    let measure = ["--measure", "bigtable.o.downtime", "--over", "model.bigtable.bringup"];
    for (args, wanted) in [
        (vec!["run"], format!("`run` leaves {sweep}, {uncertain} alone{file}")),
        (vec!["replicate"], format!("`replicate` leaves {sweep}, {expect} alone")),
        (vec!["sweep", "-n", "2"], format!("`sweep` leaves {expect} alone")),
        (
            vec!["steady", "--warm-up", "1d"],
            format!("`steady` leaves {sweep}, {objectives}, {expect} alone"),
        ),
        (
            [&["sensitivity", "-n", "2"], measure.as_slice()].concat(),
            format!(
                "`sensitivity` leaves {sweep}, {uncertain}, {objectives}, {expect} alone{file}"
            ),
        ),
        (
            vec!["compare", "s.toml", "-n", "2"],
            format!("`compare` leaves {sweep}, {objectives}, {expect} alone"),
        ),
    ] {
        let mut all = vec![args[0], "s.toml"];
        all.extend(&args[1..]);
        all.extend(["--out", args[0]]);
        if !["steady", "sensitivity", "compare"].contains(&args[0]) {
            all.push("--no-charts");
        }
        if args[0] == "replicate" {
            all.extend(["-n", "2"]);
        }
        let done = place.call(&all);
        assert!([Some(0), Some(6)].contains(&done.code), "{args:?} {}", done.err);
        let said = format!("{}{}", done.out, done.err);
        assert!(said.contains(&wanted), "{wanted}\n--- is not in\n{said}");
        let summary = json(&place.path(args[0]), "summary.json");
        let manifest = json(&place.path(args[0]), "manifest.json");
        // A seed is a number, everywhere.
        assert_eq!((&summary["seed"], &manifest["seed"]), (&3.into(), &3.into()), "{args:?}");
        assert_eq!(manifest["seed_given"], false);
    }
    let place = Place::new(SCENARIO);
    let done = place.call(&["run", "s.toml", "--out", "o", "--no-charts"]);
    assert_eq!(done.code, Some(0));
    assert!(!done.err.contains("alone"), "{}", done.err);
}

/// What a manifest says is enough to make every file of the folder again.
#[test]
fn a_manifest_says_how_to_do_it_again() {
    let place = Place::new(&format!("{SCENARIO}{OBJECTIVE}"));
    let asked = ["--precision", "20%", "--min", "10", "--max", "400", "--seed", "9"];
    let measure = ["--measure", "bigtable.o.downtime", "--set", "bigtable.o.tables=9"];
    let first = [&["replicate", "s.toml", "--out", "a"], &asked[..], &measure[..]].concat();
    assert_eq!(place.call(&first).code, Some(0));
    let made = json(&place.path("a"), "manifest.json");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut again = vec![text(&made["command"]), "a/scenario.toml".into()];
    let mut add = |name: &str, value: &Value| {
        match value {
            Value::Bool(false) => {}
            Value::Bool(true) => again.push(format!("--{name}")),
            Value::Array(items) => {
                items.iter().for_each(|item| again.extend([format!("--{name}"), text(item)]));
            }
            other => again.extend([format!("--{name}"), text(other)]),
        };
    };
    made["options"].as_object().unwrap().iter().for_each(|(name, value)| add(name, value));
    add("set", &made["set"]);
    assert_eq!(made["seed_given"], true);
    add("seed", &made["seed"]);
    again.extend(["--out".into(), "b".into()]);
    let again: Vec<&str> = again.iter().map(String::as_str).collect();
    assert_eq!(place.call(&again).code, Some(0), "{again:?}");
    assert_eq!(files(&place.path("a")), files(&place.path("b")), "{again:?}");

    let fixed = place.call(&[
        "sensitivity",
        "s.toml",
        "--measure",
        "bigtable.o.downtime",
        "--method",
        "morris",
        "--size",
        "3",
        "-n",
        "2",
        "--out",
        "c",
    ]);
    assert_eq!(fixed.code, Some(0), "{}", fixed.err);
    let options = &json(&place.path("c"), "manifest.json")["options"];
    assert_eq!(options["size"], 3);
    assert_eq!(options["replications"], 2);
    assert_eq!(options["method"], "morris");
}

/// Arguments of studies that take a second or so, the last for their replications, and how many
/// these are.
const STUDIES: [(&[&str], &str); 4] = [
    (
        &[
            "sensitivity",
            "s.toml",
            "--measure",
            "bigtable.o.downtime",
            "--method",
            "sobol",
            "--over",
            "model.bigtable.bringup,model.bigtable.kms-grace",
            "--size",
            "256",
            "-n",
        ],
        "60",
    ),
    (&["compare", "s.toml", "t.toml", "-n"], "12000"),
    (&["compare", "s.toml", "u.toml", "-n"], "4000"),
    (&["steady", "u.toml", "--warm-up", "1d", "-n"], "8000"),
];

/// The scenario, another that is compared with it, and one with three worlds.
fn place_of_studies() -> Place {
    let place = Place::new(SCENARIO);
    let other = SCENARIO.replace("mean = \"90m\"", "mean = \"2h\"").replace("seed = 3", "seed = 4");
    fs::write(place.path("t.toml"), &other).unwrap();
    fs::write(place.path("u.toml"), format!("{other}{UNCERTAIN}")).unwrap();
    place
}

fn length(place: &Place, out: &str) -> u64 {
    fs::metadata(place.path(out).join("ledger.bin")).map_or(0, |data| data.len())
}

/// Bytes before the records of a ledger.
fn identity(ledger: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(ledger.get(16..24)?.try_into().ok()?);
    Some(16 + 8 + length as usize + 4)
}

/// A study that is killed goes on where it was, with the bytes of one that was not.
#[test]
fn a_study_goes_on_after_it_was_killed() {
    for (study, count) in STUDIES {
        let place = place_of_studies();
        let with =
            |out, count, more: &[&'static str]| [study, &[count, "--out", out], more].concat();
        let whole = place.call(&with("whole", count, &["--jobs", "1"]));
        assert_eq!(whole.code, Some(0), "{}", whole.err);
        let all = length(&place, "whole");
        let mut kills = 0;
        for part in 1..=3 {
            let mut child = place
                .command(&with("cut", count, &["--quiet"]))
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap();
            while child.try_wait().unwrap().is_none() && length(&place, "cut") < all * part / 4 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            kills += u64::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(kills > 0);
        // A part of another study is not thrown away without a word.
        if length(&place, "cut") < all {
            let other = place.call(&with("cut", "61", &[]));
            assert_eq!(other.code, Some(2), "{}", other.err);
            let differs = format!("{count} there, 61 here");
            assert!(other.err.contains(&differs) && other.err.contains("--fresh"), "{}", other.err);
        }
        let rest = place.call(&with("cut", count, &["--jobs", "4"]));
        assert_eq!(rest.code, Some(0), "{}", rest.err);
        assert!(rest.err.contains("cells are done already"), "{}", rest.err);
        assert_eq!(files(&place.path("whole")), files(&place.path("cut")), "{study:?}");
        // One that is done is written anew, as runs are.
        let other = place.call(&with("cut", "2", &[]));
        assert_eq!((other.code, length(&place, "cut") < all), (Some(0), true), "{}", other.err);
    }
}

/// Wherever a ledger was cut off or damaged, the same command makes the same bytes of it.
#[test]
fn any_part_of_a_ledger_is_gone_on_from() {
    for (study, _) in STUDIES.into_iter().skip(1) {
        let place = place_of_studies();
        let args = [study, &["8", "--out", "o"]].concat();
        assert_eq!(place.call(&args).code, Some(0));
        let whole = files(&place.path("o"));
        let ledger = &whole["ledger.bin"];
        let cells = if study.contains(&"u.toml") { 24 } else { 8 };
        let identity = identity(ledger).unwrap();
        let record = (ledger.len() - identity) / cells;
        assert_eq!(identity + cells * record, ledger.len(), "{study:?}");
        let mut flipped = ledger.clone();
        flipped[identity + 3 * record + 11] ^= 4;
        let mut damaged: Vec<Vec<u8>> = [0, 7, 20, identity - 1, identity, identity + 5]
            .into_iter()
            .chain((1..cells).map(|cell| identity + cell * record + cell))
            .map(|end| ledger[..end].to_vec())
            .collect();
        damaged.extend([flipped, [&ledger[..], b"rubbish"].concat()]);
        for bytes in damaged {
            fs::remove_dir_all(place.path("o")).unwrap();
            fs::create_dir(place.path("o")).unwrap();
            fs::write(place.path("o/ledger.bin"), &bytes).unwrap();
            let done = place.call(&args);
            assert_eq!(done.code, Some(0), "{} bytes: {}", bytes.len(), done.err);
            assert_eq!(whole, files(&place.path("o")), "{} bytes of {study:?}", bytes.len());
        }
    }
}

/// Ctrl-C ends a study with exit code 130 and says how to go on; nothing is half written.
#[cfg(unix)]
#[test]
fn an_interrupted_study_says_how_to_go_on() {
    for (study, _) in STUDIES {
        let place = place_of_studies();
        let args = [study, &["10000", "--out", "o"]].concat();
        let child = place
            .command(&args)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // Once a record is there, Ctrl-C is heard.
        let begun = || {
            let ledger = fs::read(place.path("o/ledger.bin")).ok()?;
            (ledger.len() > identity(&ledger)?).then_some(())
        };
        while begun().is_none() {
            std::thread::yield_now();
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(130), "{study:?}: {said}");
        assert!(
            said.contains(" cells are kept in o; the same command goes on from there"),
            "{said}"
        );
        assert!(done.stdout.is_empty() && !said.contains("left"), "no progress without a terminal");
        assert_eq!(files(&place.path("o")).into_keys().collect::<Vec<_>>(), ["ledger.bin"]);
    }
}

/// A part of another study is refused and the difference named, whatever it is; `--fresh` throws it
/// away.
#[test]
fn a_part_of_another_study_is_refused() {
    let lengths = SCENARIO
        .replace("{ exponential = { mean = \"90m\" } }", "{ empirical = { file = \"l\" } }");
    let compare = ["compare", "s.toml", "v/t.toml", "-n", "4"];
    let steady = ["steady", "s.toml", "-n", "4"];
    type Change = fn(&Place);
    let cases: [(&[&str], &[&str], Change, &str); 9] = [
        (&compare, &[], |_| (), ""),
        (
            &compare,
            &[],
            |place| fs::write(place.path("s.toml"), format!("# new\n{SCENARIO}")).unwrap(),
            "another scenario: its text differs from line 1 on",
        ),
        (
            &compare,
            &[],
            |place| fs::write(place.path("v/t.toml"), format!("{SCENARIO}# new\n")).unwrap(),
            "another second scenario: its text differs from line ",
        ),
        (
            &compare,
            &[],
            |place| fs::write(place.path("v/l"), "2m\n").unwrap(),
            "the file l, which the second scenario names, differs",
        ),
        (
            &compare,
            &["--set", "bigtable.o.tables=9"],
            |_| (),
            "other overrides (--set): none there, bigtable.o.tables=9 here",
        ),
        (&compare, &["--seed", "8"], |_| (), "another seed: 3 there, 8 here"),
        (&steady, &[], |_| (), ""),
        (
            &steady,
            &["--batches", "31"],
            |_| (),
            "another command: steady --batches 30 --warm-up 0s there, steady --batches 31 --warm-up \
             0s here",
        ),
        (
            &["sensitivity", "s.toml", "-n", "2", "--measure", "bigtable.o.downtime"],
            &[],
            |_| (),
            "another command: steady",
        ),
    ];
    for (number, (study, more, change, expected)) in cases.into_iter().enumerate() {
        let place = Place::new(SCENARIO);
        fs::create_dir(place.path("v")).unwrap();
        fs::write(place.path("v/t.toml"), &lengths).unwrap();
        fs::write(place.path("v/l"), "1m\n2h\n").unwrap();
        let first = if study == compare { &compare[..] } else { &steady };
        let done = place.call(&[first, &["--out", "o"]].concat());
        assert_eq!(done.code, Some(0), "{}", done.err);
        let ledger = files(&place.path("o")).remove("ledger.bin").unwrap();
        let half = &ledger[..ledger.len() - 8];
        fs::write(place.path("o/ledger.bin"), half).unwrap();
        change(&place);
        let args = [study, more, &["--out", "o"]].concat();
        let done = place.call(&args);
        if expected.is_empty() {
            assert_eq!(done.code, Some(0), "{number}: {}", done.err);
            assert!(done.err.contains("3 cells are done already"), "{number}: {}", done.err);
            continue;
        }
        assert_eq!(done.code, Some(2), "{number}: {}", done.err);
        assert!(done.err.contains(expected), "{number}: {}", done.err);
        assert_eq!(fs::read(place.path("o/ledger.bin")).unwrap(), half, "{number}");
        let done = place.call(&[&args[..], &["--fresh"]].concat());
        assert_eq!(done.code, Some(0), "{number}: {}", done.err);
    }
    // An experiment that could grow says nowhere that it is done: a study leaves it alone.
    let place = Place::new(SCENARIO);
    assert_eq!(
        place.call(&["replicate", "s.toml", "-n", "3", "--no-charts", "--out", "o"]).code,
        Some(0)
    );
    let done = place.call(&[&steady[..], &["--out", "o"]].concat());
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("another command: replicate there"), "{}", done.err);
}

/// A cell that meets a limit ends the whole with exit code 4, says which cell it was, and leaves no
/// results behind.
#[test]
fn a_cell_that_meets_a_limit_ends_with_exit_code_4() {
    let place = Place::new(&format!("{SCENARIO}{ENDLESS}"));
    let done = place.call(&["replicate", "s.toml", "-n", "3", "--out", "r"]);
    assert_eq!(done.code, Some(4), "{}", done.err);
    assert!(done.err.contains("replication 0: the run reached its limit of"), "{}", done.err);
    assert_eq!(files(&place.path("r")).into_keys().collect::<Vec<_>>(), ["ledger.bin"]);
    // Only the second level has the loop.
    let sweep =
        "[sweep.factors]\nafter = { path = \"responses.1.after\", levels = [\"1d\", \"0s\"] }\n";
    let place = Place::new(&format!("{SCENARIO}{ENDLESS}{sweep}"));
    for jobs in ["1", "4"] {
        let args = ["sweep", "s.toml", "-n", "2", "--out", jobs, "--jobs", jobs];
        let done = place.call(&args);
        assert_eq!(done.code, Some(4), "{}", done.err);
        assert!(done.err.contains("replication 0 of after = 0s: the run reached"), "{}", done.err);
        assert_eq!(files(&place.path(jobs)).into_keys().collect::<Vec<_>>(), ["ledger.bin"]);
        // What was finished before it is kept, and the same again is refused the same.
        let again = place.call(&args);
        assert_eq!((again.code, again.err.contains("2 cells are done already")), (Some(4), true));
    }
}

/// A bug in a worker is not taken for an interruption or an end: the panic goes on in the thread that
/// waits (and so ends the program with exit code 101), and no row of its batch is handed on.
#[test]
fn a_worker_that_panics_ends_the_experiment_as_a_bug() {
    let lengths = SCENARIO
        .replace("{ exponential = { mean = \"90m\" } }", "{ empirical = { file = \"l\" } }");
    // More points than models are kept ready, so that a worker makes that of the last one.
    const POINTS: u64 = 40;
    let levels = (0..POINTS).map(|n| format!("\"{n}h\"")).collect::<Vec<_>>().join(", ");
    let sweep = format!("[sweep.factors]\n\"model.bigtable.kms-grace\" = [{levels}]\n");
    let lengths = lengths + &sweep;
    let reads = AtomicU64::new(0);
    // The file is there for the base and for each point, and gone when a worker makes a model.
    let files = |_: &str| match reads.fetch_add(1, Ordering::SeqCst) {
        0..=POINTS => Ok(b"1m\n2h\n".to_vec()),
        _ => Err("gone".to_owned()),
    };
    let template = Template::new("s.toml", lengths.as_bytes(), &Overrides::default()).ok().unwrap();
    let base = template.scenario(&[], &files).ok().unwrap();
    for threads in [1, 3] {
        reads.store(1, Ordering::SeqCst);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let study = Study::new(&template, &files, &base, true, &pool).ok().unwrap();
        let plan = Plan::fixed(POINTS as usize, 100).unwrap();
        let (last, mut rows) = (plan.cells() - 100..plan.cells(), 0);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            play(&study, &plan, last, &pool, &AtomicBool::new(false), |_, taken| {
                rows += taken.len();
                Ok::<Flow, ()>(Flow::Continue)
            })
        }));
        assert!(ended.is_err(), "{ended:?}");
        assert_eq!(rows, 0);
    }
}

/// `check` reads the points too: a level that no scenario can have is told at its place, with all
/// others at once, and nothing is played.
#[test]
fn a_check_reads_the_points() {
    let sweep = "[sweep.factors]\n\"bigtable.o.tables\" = [4, 4000]\n\
                 \"bigtable.o.clusters.east.zone\" = [\"us-east1-b\", \"europe-west1-b\"]\n";
    let place = Place::new(&format!("{SCENARIO}{sweep}"));
    let done = place.call(&["check", "s.toml"]);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("4000") && done.err.contains("out of range"), "{}", done.err);
    let point =
        "(at the point bigtable.o.clusters.east.zone = europe-west1-b, bigtable.o.tables = 4)";
    assert!(done.err.contains("error[key-region]") && done.err.contains(point), "{}", done.err);
    assert_eq!(done.out, "");

    let sound = Place::new(&format!("{SCENARIO}{SWEEP}{}", beside_the_sweep()));
    let done = sound.call(&["check", "s.toml"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("s.toml: ok, and so are its 36 points\n"), "{}", done.out);
    let told = sound.call(&["check", "s.toml", "--format", "json"]);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told[0]["points"], serde_json::json!({ "read": 36, "of": 36 }));

    // Of a large design as many points as every level needs, and more up to a thousand.
    let levels =
        |count: usize| (1..=count).map(|level| level.to_string()).collect::<Vec<_>>().join(", ");
    let large = |last: usize| {
        format!(
            "{SCENARIO}[sweep.factors]\n\"scenario.seed\" = [{}]\n\"bigtable.o.tables\" = [{}, {last}]\n",
            levels(100),
            levels(99)
        )
    };
    let done = Place::new(&large(100)).call(&["check", "s.toml"]);
    assert!(
        done.out.contains("ok, and so are 1000 of its 10000 points"),
        "{} {}",
        done.out,
        done.err
    );
    let done = Place::new(&large(1001)).call(&["check", "s.toml"]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("1001"), "{}", done.err);
}

/// A warning that every point has with a number of its own is told once, not once for each.
#[test]
fn a_warning_of_many_points_is_told_once() {
    let lengths = "[sweep.factors]\nlength = { path = \"hazards.0.lasts.exponential.mean\", \
                   levels = [\"45m\", \"1h\", \"2h\", \"4h\"] }\n";
    let place = Place::new(&format!("{SCENARIO}{lengths}"));
    let told = "this hazard leaves Cloud KMS down";
    for args in [&["sweep", "s.toml", "-n", "4", "--no-charts"][..], &["check", "s.toml"]] {
        let done = place.call(args);
        assert_eq!(done.err.matches(told).count(), 1, "{}", done.err);
        assert!(done.err.contains("(at further points with other numbers)"), "{}", done.err);
    }
    // Where the file as it stands has nothing to warn of, the first point is named.
    let calm = SCENARIO.replace("mean = \"90m\"", "mean = \"1s\"");
    let done = Place::new(&format!("{calm}{lengths}")).call(&[
        "sweep",
        "s.toml",
        "-n",
        "4",
        "--no-charts",
    ]);
    assert_eq!(done.err.matches(told).count(), 1, "{}", done.err);
    assert!(done.err.contains("(at the point length = 45m, among others)"), "{}", done.err);
}

/// Points times worlds are counted before any of them is read.
#[test]
fn too_many_worlds_of_too_many_points_are_refused_at_once() {
    let levels = (1..=1000).map(|level| level.to_string()).collect::<Vec<_>>().join(", ");
    let many = UNCERTAIN.replace("draws = 3", "draws = 10000");
    let place =
        Place::new(&format!("{SCENARIO}[sweep.factors]\n\"scenario.seed\" = [{levels}]\n{many}"));
    let done = place.call(&["sweep", "s.toml", "-n", "1", "--out", "o"]);
    assert_eq!(done.code, Some(4), "{}", done.err);
    assert!(
        done.err.contains("1000 points with 10000 worlds of each are more than 100000"),
        "{}",
        done.err
    );
    assert!(!place.path("o").exists());
}

/// An interval does not reach beyond what a measure can be: 2 of 400 replications have an outage, so that
/// Student's t alone would go below zero and above one.
#[test]
fn an_interval_ends_where_its_measure_does() {
    let rare = SCENARIO.replace("mean = \"10d\"", "mean = \"6000d\"");
    let place = Place::new(&rare);
    let done = place.call(&["replicate", "s.toml", "-n", "400", "--no-charts", "--out", "o"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let bytes = fs::read(place.path("o/estimates.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(bytes.as_slice());
    let head = rows.headers().unwrap().clone();
    let at = |name: &str| head.iter().position(|column| column == name).unwrap();
    let mut met = 0;
    for row in rows.records() {
        let row = row.unwrap();
        let number = |name: &str| row[at(name)].parse::<f64>().ok();
        let Some((low, high)) = number("ci_low").zip(number("ci_high")) else { continue };
        let most = if &row[at("unit")] == "fraction" { 1.0 } else { f64::INFINITY };
        assert!(low >= 0.0 && high <= most, "{row:?}");
        met += u64::from(&row[at("method")] == "Student t" && (low == 0.0 || high == 1.0));
    }
    assert!(met > 0);
}

/// The screen of a sweep without objectives shows the system that is down for longest, not the first.
#[test]
fn a_sweep_shows_the_system_that_is_down() {
    let calm = "[keys.b]\nlocation = \"us-west1\"\n[bigtable.calm.clusters.west]\nzone = \"us-west1-a\"\nkey = \"b\"\n";
    let place = Place::new(&format!("{SCENARIO}{calm}{SWEEP}"));
    let done = place.call(&["sweep", "s.toml", "--no-charts", "--out", "o"]);
    assert!(done.out.contains("\nbigtable.o.downtime\npoint"), "{}", done.out);
    assert!(!done.out.contains("bigtable.calm.downtime"), "{}", done.out);
    // A bound below a hundredth of a per cent is no zero.
    let done = place.call(&["replicate", "s.toml", "-n", "40000", "--no-charts", "--out", "r"]);
    assert!(done.out.contains("another value in at most 0.007 %"), "{}", done.out);
}

/// Systems that are never down and come first by their names.
const CALM: &str = "[keys.b]\nlocation = \"us-west1\"\n[storage.a]\nkey = \"b\"\n[bigquery.b]\nkey = \"b\"\n\
                    [storage.c]\nkey = \"b\"\n[bigtable.a.clusters.west]\nzone = \"us-west1-a\"\nkey = \"b\"\n";

/// The measures that have a chart of a kind, with the text of each.
fn charts(folder: &Path, kind: &str) -> BTreeMap<String, String> {
    let named = |(name, bytes): (String, Vec<u8>)| {
        let name = name.strip_prefix(kind)?.strip_suffix(".svg")?.to_owned();
        Some((name, String::from_utf8(bytes).unwrap()))
    };
    files(folder).into_iter().filter_map(named).collect()
}

/// Without objectives, charts show the systems that are down for longest; what never is has none.
#[test]
fn charts_show_what_is_down() {
    let place = Place::new(&format!("{SCENARIO}{CALM}{SWEEP}"));
    let shown = |out: &str, kind: &str| -> Vec<String> {
        charts(&place.path(out), kind).into_keys().collect()
    };
    let done = place.call(&["replicate", "s.toml", "-n", "50", "--out", "r"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    for kind in ["distribution.", "exceedance.", "convergence."] {
        assert_eq!(shown("r", kind), ["bigtable.o.downtime"], "{kind}");
    }
    assert_eq!(place.call(&["sweep", "s.toml", "--quiet", "--out", "s"]).code, Some(0));
    for kind in ["factor.", "multiples.", "distributions."] {
        assert_eq!(shown("s", kind), ["bigtable.o.downtime"], "{kind}");
    }
    // The same from the ledger, with nothing folded on the way.
    let again = place.call(&["replicate", "s.toml", "-n", "50", "--out", "r"]);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert_eq!(shown("r", "convergence."), ["bigtable.o.downtime"]);
    // Of four that are down the three with most downtime, and the longest leads the screen.
    let mut more = format!("{SCENARIO}{CALM}{SWEEP}[keys.z]\nlocation = \"us-east1\"\n");
    for name in ["x", "y", "z"] {
        more.push_str(&format!("[storage.{name}]\nkey = \"z\"\n"));
    }
    let place = Place::new(&more);
    let done = place.call(&["replicate", "s.toml", "-n", "50", "--out", "r"]);
    let found: Vec<String> = charts(&place.path("r"), "convergence.").into_keys().collect();
    assert_eq!(found, ["storage.x.downtime", "storage.y.downtime", "storage.z.downtime"]);
    assert!(!done.out.contains("No charts"), "{}", done.out);
    let calm = format!("{SCENARIO}{CALM}").replace(
        "do = \"kms-outage\"\nlocation = \"us-east1\"",
        "do = \"kms-outage\"\nlocation = \"us-central1\"",
    );
    let calm = format!("{calm}[keys.c]\nlocation = \"us-central1\"\n");
    let place = Place::new(&calm);
    let done = place.call(&["replicate", "s.toml", "-n", "20", "--out", "r"]);
    assert!(done.out.contains("No charts: there is no objective"), "{}{}", done.out, done.err);
    assert!(!files(&place.path("r")).keys().any(|name| name.ends_with(".svg")));
}

/// A mean that is the same in all replications has the bound for what was never seen, as in
/// estimates.csv, and not an interval of nothing; undefined replications are told.
#[test]
fn a_mean_that_does_not_move_has_its_bound() {
    let bounds = "[[objectives]]\nmeasure = \"bigtable.a.downtime\"\nat-most = \"1h\"\n\
                  [[objectives]]\nmeasure = \"bigtable.o.time-to-recovery\"\nat-most = \"90d\"\n";
    let scenario = SCENARIO.replace("mean = \"10d\"", "mean = \"60d\"");
    let place = Place::new(&format!("{scenario}{CALM}{bounds}"));
    let done = place.call(&["replicate", "s.toml", "-n", "100", "--quiet", "--out", "r"]);
    assert!([Some(0), Some(6)].contains(&done.code), "{}", done.err);
    let found = charts(&place.path("r"), "convergence.");
    // 60 days times 1 - 0.05^(1/100) are 1.77 days.
    let svg = found["bigtable.a.downtime"].replace('\u{2009}', " ");
    assert!(svg.contains(">after 100: 0 (0 to 1.77 d)<"), "{svg}");
    let svg = found["bigtable.o.time-to-recovery"].replace('\u{2009}', " ");
    assert!(
        svg.contains("of 100 replications") && svg.contains("one-cluster, seed 3. Undefined in "),
        "{svg}"
    );
}

/// Factors that are only names: rows of dots in small plots; what is undefined at a point is counted.
#[test]
fn a_sweep_over_names_draws_small_plots_of_dots() {
    let names = "[sweep]\nreplications = 4\n[sweep.factors]\n\
                 pace.alternatives.fast = { \"model.bigtable.cascade-pace\" = \"fast\" }\n\
                 pace.alternatives.typical = { \"model.bigtable.cascade-pace\" = \"typical\" }\n\
                 pace.alternatives.slow = { \"model.bigtable.cascade-pace\" = \"slow\" }\n\
                 grace.alternatives.none = { \"model.bigtable.kms-grace\" = \"0s\" }\n\
                 grace.alternatives.endless = { \"model.bigtable.kms-grace\" = \"60d\" }\n\
                 scope.alternatives.instance = { \"model.bigtable.grace-scope\" = \"instance\" }\n\
                 scope.alternatives.cluster = { \"model.bigtable.grace-scope\" = \"cluster\" }\n";
    let recovery = "[[objectives]]\nmeasure = \"bigtable.o.time-to-recovery\"\nat-most = \"90d\"\n";
    let place = Place::new(&format!("{SCENARIO}{recovery}{names}"));
    let done = place.call(&["sweep", "s.toml", "--quiet", "--out", "s"]);
    assert!(done.code.is_some_and(|code| code != 101), "{}", done.err);
    let found = charts(&place.path("s"), "multiples.");
    let svg = &found["bigtable.o.time-to-recovery"];
    assert!(svg.contains("one-cluster, seed 3: plots by scope, dots by grace."), "{svg}");
    for word in
        [">fast</text>", ">typical</text>", ">scope = cluster</text>", ">grace = none</text>"]
    {
        assert!(svg.contains(word), "{word}: {svg}");
    }
    // Nothing fails within an endless grace: at six of the twelve points nothing recovers.
    let factor = &charts(&place.path("s"), "factor.")["bigtable.o.time-to-recovery"];
    for svg in [svg, factor] {
        assert!(svg.contains("6 undefined values left out"), "{svg}");
    }
    assert!(factor.contains("one-cluster, seed 3: dots by grace, scope."), "{factor}");
}

/// The chart of a study names what it varied in words, not in half of a distribution.
#[test]
fn a_tornado_tells_its_settings_in_words() {
    let place = Place::new(SCENARIO);
    let done = place.call(&[
        "sensitivity",
        "s.toml",
        "--quiet",
        "--measure",
        "bigtable.o.downtime",
        "--over",
        "model.bigtable.offline-ramp,model.bigtable.bringup",
        "-n",
        "20",
        "--out",
        "t",
    ]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let svg = &charts(&place.path("t"), "tornado")[""];
    for word in
        [">half as long</text>", ">twice as long</text>", ">at the value with the lowest mean<"]
    {
        assert!(svg.contains(word), "{word}: {svg}");
    }
}
