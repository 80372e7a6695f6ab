//! Hostile texts and undefined numbers through every output: whatever a scenario or a trace says,
//! CSV, JSON, TOML and SVG stay well-formed, no cell is a formula, no number is NaN.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

use cmeksim::engine::EntityId;
use cmeksim::engine::trace::Level;
use cmeksim::engine::{Budget, SimTime, Trace};
use cmeksim::experiment::Model;
use cmeksim::report::{Run, charts, summary, tables};
use cmeksim::scenario::read::{Overrides, read};
use cmeksim::scenario::{Scenario, resolved};
use cmeksim::systems::contract::SweepMode;
use proptest::prelude::*;
use std::borrow::Cow;

/// A short run in which something happens. Texts are put in as JSON strings, which TOML reads too.
fn scenario_text(description: &str, because: &str) -> String {
    let quoted = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        // What TOML wants escaped and JSON does not.
        text.replace('\u{7f}', "\\u007F")
    };
    format!(
        r#"
schema = 1
[scenario]
name = "hostile"
description = {}
start = 2026-03-02T08:00:00Z
horizon = "6h"
seed = 3
[keys.a]
location = "us-east1"
[keys.b]
location = "us-west1"
[bigtable.orders]
[bigtable.orders.clusters.east]
zone = "us-east1-b"
key = "a"
[bigtable.orders.clusters.west]
zone = "us-west1-a"
key = "b"
[bigtable.orders.app-profiles.serving]
writes = "300/s"
[[events]]
at = "10m"
do = "disable-key"
key = "a"
[[events]]
at = "5h"
do = "enable-key"
key = "a"
[[expect]]
measure = "bigtable.orders.downtime"
at-most = "6h"
because = {}
"#,
        quoted(description),
        quoted(because)
    )
}

fn scenario(description: &str, because: &str) -> Scenario {
    let text = scenario_text(description, because);
    let none = |_: &str| Err(String::new());
    match read("hostile.toml", text.as_bytes(), &Overrides::default(), &none) {
        Ok(scenario) => scenario,
        Err((found, _)) => panic!("{found:?}"),
    }
}

/// Plays a scenario, lets `change` put something into what is told, and shows the run to `look`.
fn with_run(
    scenario: &Scenario,
    change: impl FnOnce(&mut Trace),
    path: Option<&str>,
    look: impl FnOnce(&Run),
) {
    let model = Model::new(scenario);
    let mut trace =
        model.replicate(scenario.seed, 0, SweepMode::Decisive, Budget::default()).unwrap();
    change(&mut trace);
    let outcome = model.outcome(trace);
    let mut run = Run::new(scenario, &model, &outcome, SweepMode::Decisive);
    // No scenario can name an entity like this; the writers do not count on that.
    if let Some(path) = path {
        let last = run.entities.len() - 1;
        run.entities[last].0 = path;
    }
    look(&run);
}

/// The cells of a CSV file, by a strict reader: every row has the header's length.
fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// What a text becomes in a cell, in the words of `docs/outputs.md`.
fn as_cell(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@') => format!("'{clean}"),
        _ => clean,
    }
}

fn check_table(bytes: &[u8], numbers: &[usize]) -> Vec<Vec<String>> {
    let rows = cells(bytes);
    for row in &rows {
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
            assert!(!cell.chars().any(char::is_control), "{cell:?}");
        }
    }
    for row in rows.iter().skip(1) {
        for cell in numbers.iter().map(|&column| &row[column]).filter(|cell| !cell.is_empty()) {
            assert!(cell.parse::<f64>().unwrap().is_finite(), "{cell:?}");
        }
    }
    rows
}

/// All tables of a run. The columns that hold numbers are named by position.
fn check_tables(run: &Run) -> Vec<Vec<Vec<String>>> {
    [
        (tables::events(run), &[0, 2, 7][..]),
        (tables::timeline(run), &[4, 6]),
        (tables::availability(run), &[1, 3]),
        (tables::attribution(run), &[3, 5]),
        (tables::writes(run), &[1, 3]),
    ]
    .into_iter()
    .map(|(bytes, numbers)| check_table(&bytes, numbers))
    .collect()
}

/// Is it well-formed XML, as far as the charts use it: balanced elements, quoted attributes each
/// once, known entities, no forbidden character?
fn check_svg(svg: &str) {
    for c in svg.chars() {
        let allowed = matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || c >= '\u{10000}';
        assert!(allowed, "{c:?} is not allowed in XML");
    }
    for piece in svg.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "apos;"];
        assert!(known.iter().any(|entity| piece.starts_with(entity)), "&{piece:.20}");
    }
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some((text, tag)) = rest.split_once('<') {
        assert!(!text.contains('>'), "a stray > in {text:?}");
        assert!(!open.is_empty() || text.trim().is_empty(), "text outside of the root: {text:?}");
        let (tag, after) = tag.split_once('>').expect("every < has its >");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let (tag, empty) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let name = tag.split_whitespace().next().expect("an element has a name");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name:?}");
        assert!(!["script", "foreignObject", "image", "a"].contains(&name), "{name}");
        attributes(&tag[name.len()..]);
        if !empty {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} stay open, {rest:?} is left");
    for number in ["NaN", "nan", "inf", "Infinity"] {
        for mark in ["\"", " ", ","] {
            assert!(!svg.contains(&format!("=\"{number}{mark}")), "{number} in an attribute");
        }
    }
}

fn attributes(mut text: &str) {
    let mut seen = std::collections::BTreeSet::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return;
        }
        let (name, value) = text.split_once("=\"").expect("an attribute has a quoted value");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-:".contains(c)), "{name:?}");
        assert!(!name.starts_with("on") && !name.ends_with("href"), "{name}");
        assert!(seen.insert(name), "{name} twice");
        let (value, after) = value.split_once('"').expect("a value ends");
        assert!(!value.contains('<'), "{value:?}");
        text = after;
    }
}

/// Texts that have broken programs before, and any others.
fn hostile() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "'=1",
        "\"",
        "\"\"",
        "'",
        ",",
        ";",
        "\r\n",
        "\n",
        "\u{0}",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{202e}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10ffff}",
        "]]>",
        "<!--",
        "-->",
        "<script>alert(1)</script>",
        "</title>",
        "</svg>",
        "<svg onload=x>",
        "&",
        "&amp;",
        "&#0;",
        "%s",
        "{}",
        "\\",
        "\\n",
        "NaN",
        "inf",
        "=cmd|' /C calc'!A0",
        "🦀",
        "é",
        "e\u{301}",
        "##",
        "[x]",
        "${x}",
        "x",
    ]);
    let pieces = prop::collection::vec(nasty, 0..6).prop_map(|pieces| pieces.concat());
    prop_oneof![4 => pieces, 2 => any::<String>(), 1 => "[ -~]{0,300}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_texts_stay_in_their_cells(
        description in hostile(), because in hostile(), detail in hostile(), path in hostile(),
    ) {
        let scenario = scenario(&description, &because);
        let put = |trace: &mut Trace| {
            trace.records[0].detail = Cow::Owned(detail.clone());
        };
        with_run(&scenario, put, Some(&path), |run| {
            let tables = check_tables(run);
            assert_eq!(tables[0][1][8], as_cell(&detail));
            let last = tables[1].last().unwrap();
            assert_eq!(last[0], as_cell(&path));

            let text = summary::json(run);
            let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(json["scenario"]["description"], description.as_str());
            // An empty reason is left out.
            let told = json["expectations"][0]["because"].as_str().unwrap_or_default();
            assert_eq!(told, because);

            let resolved = resolved::resolved(&scenario);
            let none = |_: &str| Err(String::new());
            let again = read("resolved.toml", resolved.as_bytes(), &Overrides::default(), &none);
            let again = again.unwrap_or_else(|(found, _)| panic!("{found:?}\n{resolved}"));
            assert_eq!(&again.description, &description);
            assert_eq!(&again.expect[0].because, &because);

            let screen = summary::screen(run);
            let control = |c: char| c.is_control() && c != '\n';
            assert!(!screen.contains(control), "{screen:?}");
        });
    }

    #[test]
    fn undefined_numbers_never_show(value in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0])) {
        let scenario = scenario("", "");
        let put = |trace: &mut Trace| {
            for name in ["availability", "writes-at-risk"] {
                let at = SimTime::from_ns(1_000).unwrap();
                trace.levels.push(Level { at, entity: EntityId(0), name, value });
            }
            for name in ["availability", "downtime", "outages", "writes-at-risk", "writes-lost"] {
                trace.measures.push((EntityId(0), name, Some(value)));
            }
        };
        with_run(&scenario, put, None, |run| {
            check_tables(run);
            let json: serde_json::Value = serde_json::from_slice(&summary::json(run)).unwrap();
            let measures = json["measures"].as_object().unwrap();
            assert!(measures.values().all(|value| value.is_null() || value.is_number()));
            let screen = summary::screen(run);
            assert!(!screen.contains("NaN") && !screen.contains("inf"), "{screen}");
        });
    }
}

proptest! {
    // Charts are drawn twice, as SVG and as pixels, so there are fewer of them.
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn charts_stay_well_formed(
        description in hostile(), detail in hostile(), path in hostile(),
        value in prop::sample::select(vec![0.5, f64::NAN, f64::INFINITY]),
    ) {
        let scenario = scenario(&description, "because");
        let put = |trace: &mut Trace| {
            trace.records[0].detail = Cow::Owned(detail.clone());
            for name in ["availability", "writes-at-risk"] {
                let at = SimTime::from_ns(1_000).unwrap();
                trace.levels.push(Level { at, entity: EntityId(0), name, value });
            }
        };
        with_run(&scenario, put, Some(&path), |run| {
            let pictures = charts::all(run).unwrap();
            assert_eq!(pictures.len(), 3);
            for (_, picture) in pictures {
                check_svg(&picture.svg);
                assert!(picture.png.starts_with(b"\x89PNG\r\n\x1a\n"));
            }
        });
    }
}

/// A run that met what no document describes says so wherever its numbers stand.
#[test]
fn undefined_behaviour_is_told_with_the_numbers() {
    let told = |more: &str| {
        let text = scenario_text("", "").replace("do = \"disable-key\"", more);
        let text = text.replace("[keys.a]", "[keys.a]\nversions = [\"enabled\", \"enabled\"]");
        let none = |_: &str| Err(String::new());
        let scenario = read("x.toml", text.as_bytes(), &Overrides::default(), &none);
        let mut found = (String::new(), String::new());
        with_run(
            &scenario.ok().unwrap(),
            |_| {},
            None,
            |run| {
                let json: serde_json::Value = serde_json::from_slice(&summary::json(run)).unwrap();
                found = (json["warnings"].to_string(), summary::screen(run));
            },
        );
        found
    };
    let words =
        "ndefined behaviour: bigtable.orders met an unusable key version beside usable ones once";
    let (json, screen) = told("do = \"disable-key\"\nversion = 2");
    assert!(json.contains(words), "{json}");
    assert!(screen.contains(words), "{screen}");
    let (json, screen) = told("do = \"disable-key\"");
    assert!(!json.contains("ndefined behaviour"), "{json}");
    assert!(!screen.contains("ndefined behaviour"), "{screen}");
}

#[test]
fn the_check_of_svg_finds_what_is_wrong() {
    check_svg("<svg a=\"1\"><title>x &amp; y</title><g><path d=\"M0,0\"/></g></svg>\n");
    for wrong in [
        "<svg>",
        "<svg></g></svg>",
        "<svg a=1></svg>",
        "<svg a=\"1\" a=\"2\"></svg>",
        "<svg>&nbsp;</svg>",
        "<svg>\u{1}</svg>",
        "<svg><script></script></svg>",
        "<svg x=\"NaN\"></svg>",
        "<svg></svg>x",
    ] {
        assert!(std::panic::catch_unwind(|| check_svg(wrong)).is_err(), "{wrong}");
    }
}

/// The pictures of a run, by name.
fn pictures(text: &str) -> std::collections::BTreeMap<&'static str, String> {
    let none = |_: &str| Err(String::new());
    let scenario = read("x.toml", text.as_bytes(), &Overrides::default(), &none);
    let mut found = std::collections::BTreeMap::new();
    with_run(
        &scenario.ok().unwrap(),
        |_| {},
        None,
        |run| {
            let all = charts::all(run).unwrap();
            found = all.into_iter().map(|(name, picture)| (name, picture.svg)).collect();
        },
    );
    found
}

/// A system of every kind, three of them with one name, and a job that feeds two of them.
const OF_EVERY_KIND: &str = r#"
[pubsub.orders]
publishes = "10/s"
key = "b"
[pubsub.orders.subscriptions.book]
[storage.orders]
key = "b"
[bigquery.ledger]
key = "b"
[dataflow.book]
region = "us-west1"
sources = ["pubsub.orders.subscriptions.book"]
sinks = ["storage.orders", "bigquery.ledger"]
capacity = "100/s"
"#;

/// Every row is called what its documents call it, and what has no app profile is not told of any.
#[test]
fn rows_have_the_words_of_their_documents() {
    let all = pictures(&format!("{}{OF_EVERY_KIND}", scenario_text("", "")));
    let rows = &all["timeline"];
    for word in [
        "instance",
        "cluster east",
        "app-profile serving",
        "topic",
        "subscription book",
        "bucket",
        "dataset",
        "job",
    ] {
        assert!(rows.contains(&format!(">{word}</text>")), "{word}: {rows}");
    }
    assert_eq!(rows.matches(">instance</text>").count(), 1);
    assert!(all["availability"].contains("All else: 100"));
    let alone = scenario_text("", "")
        .replace("[bigtable.orders.app-profiles.serving]\nwrites = \"300/s\"\n", "");
    let svg = &pictures(&alone)["availability"];
    assert!(svg.contains("Instances: 100") && !svg.contains("App profiles"), "{svg}");
}

/// Two systems of one name are told apart, and what is not drawn is counted.
#[test]
fn lines_are_told_apart_and_counted() {
    let mut text = format!("{}{OF_EVERY_KIND}", scenario_text("", ""));
    let svg = &pictures(&text)["availability"];
    for name in ["bigtable.orders", "pubsub.orders", "storage.orders", "book", "ledger"] {
        assert!(svg.contains(&format!(">{name}</text>")), "{name}: {svg}");
    }
    assert!(!svg.contains(">orders</text>") && !svg.contains("more series"), "{svg}");
    for number in 0..30 {
        text.push_str(&format!("[storage.s{number}]\nkey = \"b\"\n"));
    }
    let svg = &pictures(&text)["availability"];
    // 30 buckets more than the instance, its profile, the topic, the bucket, the dataset and the job.
    assert!(svg.contains("+24 more series"), "{svg}");
    // The one that is down comes first.
    assert!(svg.contains(">bigtable.orders</text>"), "{svg}");
}
