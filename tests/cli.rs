//! The command line as users meet it: the built program, its exit codes, its texts and its files.
//!
//! The help texts are golden files in `tests/cli`; `CMEKSIM_BLESS=1` rewrites them.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const GOOD: &str = "scenarios/one-key-disabled.toml";

/// How a call of the program ended.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program in the folder of the repository, with nothing of the caller's terminal.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cmeksim"));
    command.current_dir(root()).stdin(Stdio::null());
    for name in ["COLUMNS", "NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
        command.env_remove(name);
    }
    command
}

fn done(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn call(args: &[&str]) -> Done {
    done(program().args(args))
}

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Plays the shipped scenario into a folder.
fn run_into(folder: &Path, more: &[&str]) -> Done {
    done(program().args(["run", GOOD, "--out"]).arg(folder).args(more))
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> Vec<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// A scenario in a folder of its own, changed from the shipped one.
fn changed(folder: &Path, name: &str, change: impl Fn(String) -> String) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, change(fs::read_to_string(root().join(GOOD)).unwrap())).unwrap();
    path
}

/// The first column of the first table below a heading of `docs/outputs.md`.
fn documented(heading: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/outputs.md")).unwrap();
    let start = format!("### {heading}\n");
    let (_, section) = page.split_once(&start).unwrap_or_else(|| panic!("no heading {heading:?}"));
    let lines = section.lines().take_while(|line| !line.starts_with('#'));
    let table = lines.skip_while(|line| !line.starts_with('|')).take_while(|l| l.starts_with('|'));
    let cell = |line: &str| line.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned();
    table.skip(2).map(cell).collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn help_texts_are_golden() {
    let bless = std::env::var_os("CMEKSIM_BLESS").is_some();
    for (file, args) in [
        ("help.txt", &["--help"][..]),
        ("help-run.txt", &["run", "--help"]),
        ("help-replicate.txt", &["replicate", "--help"]),
        ("help-sweep.txt", &["sweep", "--help"]),
        ("help-merge.txt", &["merge", "--help"]),
        ("help-check.txt", &["check", "--help"]),
        ("help-compare.txt", &["compare", "--help"]),
        ("help-sensitivity.txt", &["sensitivity", "--help"]),
        ("help-steady.txt", &["steady", "--help"]),
        ("help-rules.txt", &["rules", "--help"]),
    ] {
        let done = call(args);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{args:?}");
        assert!(done.out.lines().all(|line| line.chars().count() <= 120), "{args:?} is too wide");
        let path = root().join("tests/cli").join(file);
        if bless {
            fs::write(&path, &done.out).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap();
        assert_eq!(done.out, golden, "{file} differs; CMEKSIM_BLESS=1 rewrites it");
    }
}

#[test]
fn without_a_command_there_is_help_and_exit_2() {
    let done = call(&[]);
    assert_eq!((done.code, done.out.as_str()), (Some(2), ""));
    assert!(done.err.contains("Usage: cmeksim <COMMAND>"), "{}", done.err);
}

#[test]
fn wrong_arguments_exit_2() {
    for args in [
        &["fly"][..],
        &["run"],
        &["check"],
        &["run", GOOD, "--sed", "1"],
        &["run", GOOD, "--seed", "-1"],
        &["run", GOOD, "--seed", "9223372036854775808"],
        &["run", GOOD, "--format", "yaml"],
        &["rules", "BT-29", "BT-30"],
    ] {
        let done = call(args);
        assert_eq!((done.code, done.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(done.err.starts_with("error: "), "{args:?}: {}", done.err);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let done = call(&["--version"]);
    assert_eq!(done.code, Some(0));
    assert_eq!(done.out, format!("cmeksim {}\n", env!("CARGO_PKG_VERSION")));
}

/// BT-29: any of the keys takes the instance down, and any of their locations and grants does.
const GOOD_RISKS: &str = "  bigtable.orders goes down with any of keys.orders-east, \
    keys.orders-eu, keys.orders-west, kms.europe-west1, kms.us-east1, kms.us-west1 and 3 more\n";

#[test]
fn check_tells_of_each_file() {
    let folder = temp();
    let bad = changed(folder.path(), "bad.toml", |text| text.replace("tables = 12", "tabels = 12"));
    let worse = changed(folder.path(), "worse.toml", |_| "schema = ".to_owned());
    let (bad, worse) = (bad.to_str().unwrap(), worse.to_str().unwrap());

    let good = call(&["check", GOOD]);
    assert_eq!((good.code, good.err.as_str()), (Some(0), ""));
    assert_eq!(good.out, format!("{GOOD}: ok\n{GOOD_RISKS}"));

    let all = call(&["check", bad, GOOD, worse]);
    assert_eq!(all.code, Some(2));
    assert_eq!(all.out, format!("{GOOD}: ok\n{GOOD_RISKS}"));
    assert!(all.err.contains("did you mean `tables`?"), "{}", all.err);
    assert!(all.err.contains("bad.toml") && all.err.contains("worse.toml"), "{}", all.err);

    let all = call(&["check", bad, GOOD, worse, "--format", "json"]);
    assert_eq!((all.code, all.err.as_str()), (Some(2), ""));
    let told: Value = serde_json::from_str(&all.out).unwrap();
    let told = told.as_array().unwrap();
    let files: Vec<_> = told.iter().map(|one| (&one["file"], &one["ok"])).collect();
    let expected = [(bad, false), (GOOD, true), (worse, false)]
        .map(|(file, ok)| (Value::from(file), Value::from(ok)));
    assert_eq!(files, expected.iter().map(|(file, ok)| (file, ok)).collect::<Vec<_>>());
    for one in told {
        assert_eq!(sorted(keys(one)), sorted(documented("`check --format json`")));
        assert_eq!(one["diagnostics"].as_array().unwrap().is_empty(), one["ok"] == true);
        for diagnostic in one["diagnostics"].as_array().unwrap() {
            assert_eq!(sorted(keys(diagnostic)), sorted(documented("One of `diagnostics`")));
        }
    }
    assert_eq!(told[0]["diagnostics"][0]["code"], "unknown-key");
}

#[test]
fn check_goes_on_after_a_file_that_cannot_be_read() {
    let done = call(&["check", "no-such-file.toml", GOOD]);
    assert_eq!(done.code, Some(3));
    assert_eq!(done.out, format!("{GOOD}: ok\n{GOOD_RISKS}"));
    assert!(done.err.contains("cannot read no-such-file.toml"), "{}", done.err);
    let done = call(&["check", "no-such-file.toml", GOOD, "--format", "json"]);
    assert_eq!(done.code, Some(3));
    let told: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(told[0]["file"], GOOD);
}

#[test]
fn run_refuses_what_check_refuses() {
    let folder = temp();
    let out = folder.path().join("out");
    let bad = changed(folder.path(), "bad.toml", |text| text.replace("48h", "48"));
    let done = done(program().arg("run").arg(&bad).arg("--out").arg(&out));
    assert_eq!((done.code, done.out.as_str()), (Some(2), ""));
    assert!(done.err.contains("has no unit"), "{}", done.err);
    let done = run_into(&out, &["--set", "keys.orders-east.location=us-west1"]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("orders-east"), "{}", done.err);
    let done = run_into(&out, &["--set", "scenario.horizon"]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("PATH=VALUE"), "{}", done.err);
    let done = run_into(&out, &["--set", "scenario.horizon", "--format", "json"]);
    let told: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(keys(&told), ["diagnostics", "more"]);
    assert!(!out.exists(), "nothing is written for a wrong scenario");
}

#[test]
fn missing_files_exit_3() {
    for command in ["run", "check"] {
        let done = call(&[command, "no-such-file.toml"]);
        assert_eq!((done.code, done.out.as_str()), (Some(3), ""));
        assert!(done.err.contains("cannot read no-such-file.toml"), "{}", done.err);
    }
    let done = call(&["run", "scenarios"]);
    assert_eq!((done.code, done.out.as_str()), (Some(3), ""), "a folder is no scenario");
}

#[test]
fn rules_are_listed_and_found() {
    let all = call(&["rules"]);
    assert_eq!((all.code, all.err.as_str()), (Some(0), ""));
    assert!(
        all.out.contains("KMS-01 (") && all.out.contains("BT-29 (") && all.out.contains("Q-16")
    );
    let one = call(&["rules", "BT-29"]);
    assert_eq!((one.code, one.err.as_str()), (Some(0), ""));
    assert!(one.out.starts_with("BT-29 (documented)\n"), "{}", one.out);
    assert_eq!(call(&["rules", "bt-29"]).out, one.out);
    let constant = call(&["rules", "bt-27"]);
    assert!(constant.out.contains("model.bigtable.sweep-period = \"5m\""), "{}", constant.out);
}

#[test]
fn unknown_rules_exit_2_and_name_the_nearest() {
    let done = call(&["rules", "XX-1"]);
    assert_eq!((done.code, done.out.as_str()), (Some(2), ""));
    assert!(done.err.contains("the model has no rule `XX-1`"), "{}", done.err);
    let done = call(&["rules", "BT29"]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("did you mean `BT-29`?"), "{}", done.err);
    let done = call(&["rules", "nothing-like-a-rule"]);
    assert!(done.err.contains("`cmeksim rules` lists them all"), "{}", done.err);
}

#[test]
fn rules_as_json_have_the_documented_fields() {
    for args in [&["rules", "--format", "json"][..], &["rules", "BT-27", "--format", "json"]] {
        let done = call(args);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
        let rules: Value = serde_json::from_str(&done.out).unwrap();
        for rule in rules.as_array().unwrap() {
            assert_eq!(sorted(keys(rule)), sorted(documented("`rules --format json`")));
        }
    }
}

#[test]
fn run_writes_its_documented_files() {
    let folder = temp();
    let done =
        run_into(folder.path(), &["--set", "model.bigtable.cascade-pace=fast", "--audit-log"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let manifest = json(&folder.path().join("manifest.json"));
    assert_eq!(sorted(keys(&manifest)), sorted(documented("`manifest.json`")));
    assert_eq!(manifest["set"], serde_json::json!(["model.bigtable.cascade-pace=fast"]));
    let listed: BTreeSet<String> = keys(&manifest["files"]).into_iter().collect();
    for (name, hash) in manifest["files"].as_object().unwrap() {
        let bytes = fs::read(folder.path().join(name)).unwrap();
        let found: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash.as_str().unwrap(), found, "{name}");
    }
    let scenario = fs::read(root().join(GOOD)).unwrap();
    assert_eq!(fs::read(folder.path().join("scenario.toml")).unwrap(), scenario);
    let hash: String = Sha256::digest(&scenario).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(manifest["scenario_sha256"], hash);
    let mut expected = listed.clone();
    expected.insert("manifest.json".to_owned());
    assert_eq!(names(folder.path()), expected, "no other file is left behind");
    let mut documented: BTreeSet<String> = documented("Files of a run").into_iter().collect();
    // Nothing flows in this scenario.
    assert!(documented.remove("flows.svg") && documented.remove("flows.png"));
    assert_eq!(documented, expected);

    let summary = json(&folder.path().join("summary.json"));
    assert_eq!(sorted(keys(&summary)), sorted(self::documented("`summary.json`")));
    assert_eq!(summary["schema"], 1);
}

#[test]
fn csv_files_have_the_documented_columns() {
    let folder = temp();
    let done = run_into(folder.path(), &["--no-charts"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let tables: Vec<String> =
        names(folder.path()).into_iter().filter(|name| name.ends_with(".csv")).collect();
    assert_eq!(tables.len(), 9);
    for name in tables {
        let mut reader = csv::Reader::from_path(folder.path().join(&name)).unwrap();
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(header, documented(&format!("`{name}`")), "{name}");
        // The reader refuses rows of another length.
        let rows = reader.records().map(Result::unwrap).count();
        // Nothing flows in this scenario.
        assert!(rows > 0 || name == "flows.csv", "{name} is empty");
    }
}

#[test]
fn run_as_json_prints_the_summary() {
    let folder = temp();
    let done = run_into(folder.path(), &["--format", "json", "--no-charts"]);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    assert_eq!(done.out, fs::read_to_string(folder.path().join("summary.json")).unwrap());
    let summary: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(summary["command"], "run");
    assert_eq!(summary["seed"], 42);
}

#[test]
fn quiet_prints_nothing() {
    let folder = temp();
    let done = run_into(folder.path(), &["--quiet", "--no-charts"]);
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (Some(0), "", ""));
    assert!(folder.path().join("manifest.json").is_file());
}

#[test]
fn the_seed_of_the_command_line_wins() {
    let folder = temp();
    let done = run_into(
        folder.path(),
        &["--format", "json", "--no-charts", "--set", "scenario.seed=5", "--seed", "6"],
    );
    let summary: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(summary["seed"], 6);
    let resolved = fs::read_to_string(folder.path().join("resolved.toml")).unwrap();
    assert!(resolved.contains("seed = 6 # --set"), "{resolved}");
}

#[test]
fn a_failed_expectation_exits_5_after_writing_everything() {
    let folder = temp();
    let done = run_into(
        folder.path(),
        &[
            "--no-charts",
            "--set",
            "objectives=[{ measure = 'bigtable.orders.writes-lost', exactly = 5 }]",
        ],
    );
    assert_eq!(done.code, Some(5));
    assert!(done.err.contains("1 of the objectives and expectations failed"), "{}", done.err);
    assert!(done.out.contains("  fail  bigtable.orders.writes-lost"), "{}", done.out);
    assert!(folder.path().join("manifest.json").is_file());
}

#[test]
fn a_horizon_past_the_limit_exits_4_unless_something_else_is_wrong() {
    let folder = temp();
    let long = ["--no-charts", "--set", "scenario.horizon=60000d"];
    let done = run_into(folder.path(), &long);
    assert_eq!(done.code, Some(4), "{}", done.err);
    assert!(done.err.contains("limit-duration"), "{}", done.err);
    let both = [&long[..], &["--set", "bigtable.orders.tables=many"]].concat();
    assert_eq!(run_into(folder.path(), &both).code, Some(2));
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let folder = temp();
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let done = run_into(folder.path(), &["--no-charts"]);
    assert_eq!((done.code, done.out.as_str()), (Some(3), ""));
    assert!(done.err.contains("name another folder with --out"), "{}", done.err);
    assert_eq!(names(folder.path()), BTreeSet::from(["thesis.txt".to_owned()]));
    assert_eq!(fs::read_to_string(folder.path().join("thesis.txt")).unwrap(), "years of work");
}

#[test]
fn a_second_run_replaces_the_first() {
    let folder = temp();
    assert_eq!(run_into(folder.path(), &[]).code, Some(0));
    let first = names(folder.path());
    assert!(first.contains("timeline.svg") && first.contains("timeline.png"));
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    assert_eq!(run_into(folder.path(), &["--no-charts"]).code, Some(0));
    let second = names(folder.path());
    let picture = |name: &String| name.ends_with(".svg") || name.ends_with(".png");
    assert!(!second.iter().any(picture), "stale pictures are removed: {second:?}");
    let kept: BTreeSet<String> = first.into_iter().filter(|name| !picture(name)).collect();
    let without_notes: BTreeSet<String> =
        second.iter().filter(|name| *name != "notes.txt").cloned().collect();
    assert_eq!(without_notes, kept);
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "mine");
}

#[test]
fn equal_runs_give_equal_bytes() {
    let (first, second) = (temp(), temp());
    assert_eq!(run_into(first.path(), &[]).code, Some(0));
    assert_eq!(run_into(second.path(), &["--sweeps", "decisive", "--seed", "42"]).code, Some(0));
    assert_eq!(names(first.path()), names(second.path()));
    // The seed's origin is part of `resolved.toml`, and so of the manifest.
    for name in names(first.path()) {
        if name != "resolved.toml" && name != "manifest.json" {
            let bytes = |folder: &Path| fs::read(folder.join(&name)).unwrap();
            assert!(bytes(first.path()) == bytes(second.path()), "{name} differs");
        }
    }
}

#[test]
fn by_default_results_go_below_output() {
    let folder = temp();
    let file = root().join(GOOD);
    let done = done(program().current_dir(folder.path()).arg("run").arg(&file).arg("--no-charts"));
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(folder.path().join("output/one-key-disabled/run/manifest.json").is_file());
    let told = Path::new("output").join("one-key-disabled").join("run");
    assert!(done.out.ends_with(&format!("\nFiles: {}\n", told.display())), "{}", done.out);
}

#[test]
fn unwritable_folders_exit_3() {
    let folder = temp();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    for out in [file.clone(), file.join("below")] {
        let done = run_into(&out, &["--no-charts"]);
        assert_eq!((done.code, done.out.as_str()), (Some(3), ""));
        assert!(done.err.starts_with("error: cannot make the folder"), "{}", done.err);
        assert!(done.err.contains("name another folder with --out"), "{}", done.err);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
}

#[cfg(unix)]
#[test]
fn folders_without_permission_exit_3() {
    use std::os::unix::fs::PermissionsExt;
    let folder = temp();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write anywhere.
    if fs::write(out.join("probe"), "").is_err() {
        let done = run_into(&out, &["--no-charts"]);
        assert_eq!((done.code, done.out.as_str()), (Some(3), ""));
        assert!(done.err.contains("error: cannot write"), "{}", done.err);
    }
    fs::set_permissions(&out, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    let folder = temp();
    let out = folder.path().to_str().unwrap();
    for args in [
        &["rules"][..],
        &["rules", "--format", "json"],
        &["check", GOOD],
        &["check", GOOD, "--format", "json"],
        &["run", GOOD, "--no-charts", "--out", out],
        &["run", GOOD, "--no-charts", "--format", "json", "--out", out],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = done(program().args(args).stdout(writer));
        assert_eq!(done.code, Some(0), "{args:?}: {}", done.err);
        assert_eq!(done.err, "", "{args:?}");
    }
    // Nor do errors that nobody hears stop the program from telling by its exit code.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(done(program().args(["rules", "XX-1"]).stderr(writer)).code, Some(2));
}

#[test]
fn colour_is_for_terminals_only() {
    let folder = temp();
    let bad = changed(folder.path(), "bad.toml", |text| text.replace("tables = 12", "tables = -1"));
    let done = done(program().arg("check").arg(&bad));
    assert_eq!(done.code, Some(2));
    assert!(!done.err.contains('\u{1b}'), "{:?}", done.err);
}

/// On a terminal there is colour, unless NO_COLOR says otherwise. `script` of util-linux makes the
/// terminal; where it is missing there is nothing to see.
#[cfg(target_os = "linux")]
#[test]
fn no_color_is_honoured_on_a_terminal() {
    let folder = temp();
    let bad = changed(folder.path(), "bad.toml", |text| text.replace("tables = 12", "tables = -1"));
    let on_terminal = |no_color: &str| {
        let line = format!("'{}' check '{}'", env!("CARGO_BIN_EXE_cmeksim"), bad.display());
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).env("TERM", "xterm");
        command.env("NO_COLOR", no_color);
        command.output().ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (Some(plain), Some(coloured)) = (on_terminal("1"), on_terminal("")) else { return };
    if coloured.contains("out of range") {
        assert!(coloured.contains('\u{1b}'), "{coloured:?}");
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
    }
}
