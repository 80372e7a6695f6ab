//! What `compare` tells: the differences of two scenarios.

use super::SCHEMA;
use super::files::sha256;
use super::parts::left_alone;
use super::summary::quantity;
use super::tables::{number, table, text};
use crate::experiment::compare::{Compared, Comparison};
use crate::scenario::Scenario;
use crate::stats::paired::Verdict;
use crate::systems::spec::Role;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A finished comparison.
pub struct Pair<'a> {
    /// The first scenario.
    pub a: &'a Scenario,
    /// The second.
    pub b: &'a Scenario,
    /// The seed of both.
    pub seed: u64,
    /// Replications of each.
    pub replications: u64,
    /// What was found.
    pub comparison: &'a Comparison,
}

#[derive(Serialize)]
struct Side<'a> {
    name: &'a str,
    description: &'a str,
    start: String,
    horizon_s: f64,
    sha256: String,
}

#[derive(Serialize)]
struct One {
    unit: &'static str,
    n: u64,
    undefined: u64,
    mean_a: Option<f64>,
    mean_b: Option<f64>,
    difference: Option<f64>,
    ci_low: Option<f64>,
    ci_high: Option<f64>,
    verdict: &'static str,
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    version: &'static str,
    command: &'static str,
    a: Side<'a>,
    b: Side<'a>,
    seed: u64,
    replications: u64,
    differences: BTreeMap<&'a str, One>,
    only_a: &'a [String],
    only_b: &'a [String],
    warnings: Vec<String>,
}

fn side(scenario: &Scenario) -> Side<'_> {
    let source = scenario.sources.0.first().map_or("", |source| source.text.as_str());
    Side {
        name: &scenario.name,
        description: &scenario.description,
        start: scenario.start.to_string(),
        horizon_s: scenario.horizon.seconds(),
        sha256: sha256(source.as_bytes()),
    }
}

/// What a reader must know before trusting the numbers.
fn warnings(pair: &Pair) -> Vec<String> {
    let (a, b) = (pair.a, pair.b);
    let mut found: Vec<String> =
        [a, b].into_iter().filter_map(|one| left_alone(one, "compare")).collect();
    if a.horizon != b.horizon {
        found.push(format!(
            "the horizons differ ({} and {}): sums and times over them do too",
            a.horizon, b.horizon
        ));
    }
    if pair.replications == 1 {
        found.push("one replication of each: no interval can be given".to_owned());
    }
    found.push(
        "intervals are of 95 % each, by Student's t on the differences of replications that share \
         their luck; of many measures some miss by chance"
            .to_owned(),
    );
    found
}

/// `summary.json` of a comparison.
pub fn json(pair: &Pair) -> Vec<u8> {
    let one = |compared: &'_ Compared| One {
        unit: compared.unit,
        n: compared.difference.n,
        undefined: compared.difference.undefined,
        mean_a: compared.difference.mean_a,
        mean_b: compared.difference.mean_b,
        difference: compared.difference.difference,
        ci_low: compared.difference.ci_low,
        ci_high: compared.difference.ci_high,
        verdict: compared.difference.verdict.word(),
    };
    let both = &pair.comparison.both;
    let summary = Json {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: "compare",
        a: side(pair.a),
        b: side(pair.b),
        seed: pair.seed,
        replications: pair.replications,
        differences: both.iter().map(|compared| (compared.path.as_str(), one(compared))).collect(),
        only_a: &pair.comparison.only_a,
        only_b: &pair.comparison.only_b,
        warnings: warnings(pair),
    };
    let mut bytes = serde_json::to_vec_pretty(&summary).expect("a summary is plain data");
    bytes.push(b'\n');
    bytes
}

/// `differences.csv`.
pub fn differences(pair: &Pair) -> Vec<u8> {
    let header = [
        "measure",
        "unit",
        "n",
        "undefined",
        "mean_a",
        "mean_b",
        "difference",
        "ci_low",
        "ci_high",
        "std_dev",
        "gain",
        "verdict",
    ];
    let rows = pair.comparison.both.iter().map(|compared| {
        let found = &compared.difference;
        let mut row = vec![
            text(&compared.path),
            compared.unit.to_owned(),
            found.n.to_string(),
            found.undefined.to_string(),
        ];
        let numbers = [
            found.mean_a,
            found.mean_b,
            found.difference,
            found.ci_low,
            found.ci_high,
            found.std_dev,
            found.gain,
        ];
        row.extend(numbers.map(number));
        row.push(found.verdict.word().to_owned());
        row
    });
    table(&header, rows)
}

/// Rows that fit on a screen.
const ROWS_MAX: usize = 16;

/// A difference with its sign.
pub(super) fn signed(value: Option<f64>, unit: &str) -> String {
    match value {
        None => "undefined".to_owned(),
        Some(value) if value < 0.0 => format!("-{}", points(-value, unit)),
        Some(value) => format!("+{}", points(value, unit)),
    }
}

/// A difference of shares is told in points of a percentage.
fn points(value: f64, unit: &str) -> String {
    if unit == "fraction" {
        format!("{:.4} points", value * 100.0)
    } else {
        quantity(Some(value), unit)
    }
}

/// The comparison on one screen.
pub fn screen(pair: &Pair) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} against {}  ({} replications of each, seed {})",
        pair.b.name, pair.a.name, pair.replications, pair.seed
    );
    let shown = |compared: &&Compared| {
        let name = compared.path.rsplit_once('.').map_or("", |(_, name)| name);
        let main = ["availability", "downtime", "writes-lost", "irreversible"].contains(&name);
        [Role::System, Role::Client].contains(&compared.role)
            && (main || compared.difference.verdict != Verdict::Same)
    };
    let mut rows: Vec<&Compared> = pair.comparison.both.iter().filter(shown).collect();
    let told = |verdict: Verdict| [Verdict::Lower, Verdict::Higher].contains(&verdict);
    let all = rows.len();
    // What differs comes first if there is no room for all.
    if all > ROWS_MAX {
        rows.sort_by_key(|compared| !told(compared.difference.verdict));
        rows.truncate(ROWS_MAX);
        rows.sort_by(|a, b| a.path.cmp(&b.path));
    }
    let width = rows.iter().map(|compared| compared.path.len()).max().unwrap_or(0);
    let _ = writeln!(
        out,
        "\n{:width$}  {:>16}  {:>16}  {:>18}  95 % interval",
        "", pair.a.name, pair.b.name, "difference"
    );
    for compared in rows {
        let (found, unit) = (&compared.difference, compared.unit);
        let interval = match (found.verdict, found.ci_low.zip(found.ci_high)) {
            (Verdict::Same, _) => format!("the same in all {} pairs", found.n),
            (_, Some((low, high))) => format!(
                "{} to {}{}",
                signed(Some(low), unit),
                signed(Some(high), unit),
                if told(found.verdict) { "" } else { "  (unclear)" }
            ),
            (Verdict::Unclear, None) => "none".to_owned(),
            (_, None) => format!("exactly this in all {} pairs", found.n),
        };
        let _ = writeln!(
            out,
            "{:width$}  {:>16}  {:>16}  {:>18}  {interval}",
            compared.path,
            quantity(found.mean_a, unit),
            quantity(found.mean_b, unit),
            signed(found.difference, unit),
        );
    }
    if all > ROWS_MAX {
        let _ = writeln!(out, "... {} more in differences.csv", all - ROWS_MAX);
    }
    for warning in warnings(pair) {
        let _ = writeln!(out, "\nNote: {warning}");
    }
    out
}
