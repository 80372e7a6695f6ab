//! What charts and summaries of sweeps say of what is varied.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

#[path = "support/place.rs"]
mod place;

use place::{Place, files};

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
fn played(command: &str, tables: &str, more: &[&str]) -> (Place, String) {
    let place = Place::new(&format!("{SCENARIO}{tables}"));
    let done = place.call(&[&[command, "s.toml", "--out", "out"], more].concat());
    assert_eq!(done.code, Some(0), "{}", done.err);
    (place, done.out)
}

fn result(place: &Place, name: &str) -> String {
    String::from_utf8(files(&place.path("out"))[name].clone()).unwrap()
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
        let (place, screen) = played(command, &tables, &[more, &["--no-charts"]].concat());
        let summary: serde_json::Value =
            serde_json::from_str(&result(&place, "summary.json")).unwrap();
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
    let (place, _) = played("sensitivity", "", &more);
    let svg = result(&place, "tornado.svg");
    let rows: Vec<&str> = svg
        .split("<title>")
        .filter(|part| part.starts_with("kms.disable-propagation = "))
        .collect();
    assert_eq!(rows.len(), 2, "{svg}");
    let own = rows.iter().filter(|part| part.contains("as it is: 0</title>")).count();
    assert_eq!(own, 1, "{rows:?}");
}

/// Points that fill ranges are one series of dots over each factor with numbers: all are drawn, and
/// told in few digits.
#[test]
fn points_that_fill_ranges_are_dots() {
    let sweep = r#"
[sweep]
design = "DESIGN"
points = 16
replications = 4
[sweep.factors]
every = { path = "hazards.0.every.exponential.mean", from = "5d", to = "20d" }
tables = { path = "bigtable.o.tables", from = 1, to = 200, scale = "log" }
reaction = { path = "responses.0.after.exponential.mean", from = "5m", to = "50m" }
phase = { path = "model.bigtable.sweep-phase", levels = ["aligned", "random"] }
"#;
    for design in ["latin-hypercube", "sobol"] {
        let (place, screen) = played("sweep", &sweep.replace("DESIGN", design), &[]);
        let svg = result(&place, "factor.bigtable.o.downtime.svg");
        for factor in ["every", "tables", "reaction"] {
            let dots = svg.matches(&format!("<title>{factor} = ")).count();
            assert_eq!(dots, 16, "{design} {factor}: {svg}");
        }
        assert!(svg.contains("phase varied as well") && !svg.contains("more series"), "{svg}");
        assert!(!place.path("out/multiples.bigtable.o.downtime.svg").exists());
        let values = result(&place, "distributions.bigtable.o.downtime.svg");
        let long = |text: &str| {
            let digits = text.split(|c: char| !c.is_ascii_digit()).map(str::len);
            digits.max().unwrap_or(0) > 6
        };
        let names = values.split('<').filter(|part| part.contains("aligned"));
        assert!(!names.clone().any(long), "{:?}", names.collect::<Vec<_>>());
        let rows: Vec<&str> = screen.lines().filter(|line| line.contains("every = ")).collect();
        assert!(rows.len() == 16 && !rows.iter().any(|row| long(row)), "{screen}");
    }
}

/// Replications of all worlds count; differences of shares are percentage points.
#[test]
fn charts_of_sweeps_count_the_replications_of_all_worlds() {
    let tables = r#"
[sweep]
replications = 4
baseline = { tables = 4 }
[sweep.factors]
tables = { path = "bigtable.o.tables", levels = [4, 40] }
[uncertain]
draws = 3
[uncertain.factors]
reaction = { path = "responses.0.after.exponential.mean", from = "5m", to = "50m" }
[[objectives]]
measure = "bigtable.o.downtime"
at-most = "60d"
[[objectives]]
measure = "bigtable.o.availability"
at-least = 0.0
"#;
    let (place, _) = played("sweep", tables, &[]);
    for chart in ["factor", "differences", "distributions"] {
        let svg = result(&place, &format!("{chart}.bigtable.o.downtime.svg"));
        assert!(svg.contains("n\u{a0}=\u{a0}12 replications"), "{chart}: {svg}");
    }
    // What is between two shares is no share.
    let svg = result(&place, "differences.bigtable.o.availability.svg");
    assert!(svg.contains("percentage points (pp)") && svg.contains("\u{2009}pp"), "{svg}");
    assert!(!svg.contains("\u{2009}%"), "{svg}");
}
