//! What charts and summaries of sweeps say of what is varied.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

use std::fs;
use std::process::Command;

/// An instance whose key is disabled and enabled again at random.
const SCENARIO: &str = r#"schema = 1
[scenario]
name = "varied"
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
name = "mistake"
do = "disable-key"
key = "a"
every = { exponential = { mean = "10d" } }
[[responses]]
when = { entity = "keys.a", state = "disabled" }
after = { exponential = { mean = "45m" } }
do = "enable-key"
key = "a"
"#;

/// Plays an experiment on the scenario with more tables: a folder with the results, and the screen.
fn played(command: &str, tables: &str, more: &[&str]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("s.toml"), folder.path().join("out"));
    fs::write(&file, format!("{SCENARIO}{tables}")).unwrap();
    let args = [command, file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let mut program = Command::new(env!("CARGO_BIN_EXE_cmeksim"));
    let done = program.args(args).args(more).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    (folder, String::from_utf8(done.stdout).unwrap())
}

fn result(folder: &tempfile::TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join("out").join(name)).unwrap()
}

/// What a factor varies is not among the constants that were left at their default, whether it
/// writes them alone or with others.
#[test]
fn what_is_varied_is_not_left_at_its_default() {
    let phase = "model.bigtable.sweep-phase";
    let sweep = r#"
[sweep]
replications = 4
[sweep.factors]
phase.alternatives.quick = { "bigtable.o.tables" = 4, "model.bigtable.sweep-phase" = "aligned" }
phase.alternatives.usual = { "bigtable.o.tables" = 4 }
"#;
    let uncertain = r#"
[uncertain]
draws = 3
[uncertain.factors]
"model.bigtable.sweep-phase" = ["aligned", "random"]
"model.bigtable.bringup" = ["1m", "9m"]
"#;
    let bringup = "model.bigtable.bringup";
    for (command, tables, listed) in [
        ("replicate", String::new(), [true, true]),
        ("sweep", sweep.to_owned(), [false, true]),
        // A command that plays only the scenario itself varies nothing.
        ("replicate", sweep.to_owned(), [true, true]),
        ("replicate", uncertain.to_owned(), [false, false]),
    ] {
        let more: &[&str] = if command == "sweep" { &[] } else { &["-n", "4"] };
        let (folder, screen) = played(command, &tables, &[more, &["--no-charts"]].concat());
        let summary: serde_json::Value =
            serde_json::from_str(&result(&folder, "summary.json")).unwrap();
        let all = summary["assumptions"].as_array().unwrap();
        for (path, listed) in [phase, bringup].into_iter().zip(listed) {
            let found = all.iter().any(|one| one["parameter"] == path);
            assert_eq!(found, listed, "{command} {tables}: {path}");
            assert_eq!(screen.contains(&format!("{path} = ")), listed, "{path}: {screen}");
        }
    }
}

/// The value that the scenario has is an end of its row where all others move the mean one way: no
/// constant has one bar twice, and none points the wrong way.
#[test]
fn a_row_of_a_tornado_may_end_at_the_scenario_itself() {
    let more = ["--measure", "bigtable.o.downtime", "--method", "tornado", "-n", "8"];
    let (folder, _) = played("sensitivity", "", &more);
    let svg = result(&folder, "tornado.svg");
    let rows: Vec<&str> = svg
        .split("<title>")
        .filter(|part| part.starts_with("kms.disable-propagation = "))
        .collect();
    assert_eq!(rows.len(), 2, "{svg}");
    let own = rows.iter().filter(|part| part.contains("as it is: 0</title>")).count();
    assert_eq!(own, 1, "{rows:?}");
}
