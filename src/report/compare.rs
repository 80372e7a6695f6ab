//! What `compare` tells: the differences of two scenarios.

use super::SCHEMA;
use super::files::sha256;
use super::parts::left_alone;
use super::summary::quantity;
use super::tables::{number, table, text};
use super::uncertainty::{self, SPREAD, in_worlds, spread};
use crate::experiment::compare::Compared;
use crate::experiment::study::Column;
use crate::report::words::counted;
use crate::scenario::Scenario;
use crate::stats::paired::{Difference, Verdict};
use crate::systems::spec::Role;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A finished comparison.
pub struct Comparison<'a> {
    /// The first scenario.
    pub a: &'a Scenario,
    /// The second, with the seed of the first.
    pub b: &'a Scenario,
    /// Worlds that both were played in: one if nothing is uncertain.
    pub worlds: usize,
    /// Replications of each in each world.
    pub replications: u64,
    /// The measures of both, in the order of their paths.
    pub both: &'a [Compared],
    /// Measures of the first alone, and of the second alone.
    pub only: [Vec<&'a str>; 2],
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
    #[serde(skip_serializing_if = "Option::is_none")]
    chance_sd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignorance_sd: Option<f64>,
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
    worlds: usize,
    differences: BTreeMap<&'a str, One>,
    only_a: &'a [&'a str],
    only_b: &'a [&'a str],
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
fn warnings(pair: &Comparison) -> Vec<String> {
    let (a, b) = (pair.a, pair.b);
    let mut found: Vec<String> =
        [a, b].into_iter().filter_map(|one| left_alone(one, "compare")).collect();
    if a.horizon != b.horizon {
        found.push(format!(
            "the horizons differ ({} and {}): sums and times over them do too",
            a.horizon, b.horizon
        ));
    }
    found.extend(named_otherwise(pair));
    if pair.both.iter().all(|compared| compared.difference.certain) {
        let note = "no random number is drawn in either: all pairs are the same by construction";
        found.push(note.to_owned());
        return found;
    }
    if pair.replications == 1 && pair.worlds == 1 {
        found.push("one replication of each: no interval can be given".to_owned());
    }
    let taken = match pair.worlds {
        1 => "the differences of replications that share their luck",
        _ => "the mean differences of worlds, in which replications share their luck",
    };
    found.push(format!(
        "intervals are of 95 % each, by Student's t on {taken}; of many measures some miss by \
         chance"
    ));
    found
}

/// What is uncertain goes in pairs by its names: where they do not say what is the same.
fn named_otherwise(pair: &Comparison) -> Vec<String> {
    let named = |one: &Scenario| -> Vec<(String, Vec<String>)> {
        let uncertain = one.uncertain.as_ref();
        let pairs = uncertain.map(|all| all.factors.iter().cloned().zip(all.paths.iter().cloned()));
        pairs.into_iter().flatten().collect()
    };
    let of_b = named(pair.b);
    let mut found = Vec::new();
    for (name, paths) in named(pair.a) {
        for (other, others) in &of_b {
            let common = paths.iter().find(|path| others.contains(path));
            match common {
                Some(path) if name != *other => found.push(format!(
                    "{path} is uncertain as `{name}` in {} and as `{other}` in {}, each with draws \
                     of its own: give it one name in both",
                    pair.a.name, pair.b.name
                )),
                None if name == *other => found.push(format!(
                    "`{name}` draws alike for {} in {} and for {} in {}: if these are not one \
                     unknown, give them two names",
                    paths.join(" and "),
                    pair.a.name,
                    others.join(" and "),
                    pair.b.name
                )),
                Some(_) | None => {}
            }
        }
    }
    found
}

/// `summary.json` of a comparison.
pub fn json(pair: &Comparison) -> Vec<u8> {
    let one = |compared: &'_ Compared| One {
        unit: compared.column.unit,
        n: compared.difference.n,
        undefined: compared.difference.undefined,
        mean_a: compared.difference.mean_a,
        mean_b: compared.difference.mean_b,
        difference: compared.difference.difference,
        ci_low: compared.difference.ci_low,
        ci_high: compared.difference.ci_high,
        verdict: compared.difference.verdict.word(),
        chance_sd: compared.ignorance.map(|apart| apart.chance),
        ignorance_sd: compared.ignorance.map(|apart| apart.ignorance),
    };
    let [only_a, only_b] = &pair.only;
    let summary = Json {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: "compare",
        a: side(pair.a),
        b: side(pair.b),
        seed: pair.a.seed,
        replications: pair.replications,
        worlds: pair.worlds,
        differences: pair
            .both
            .iter()
            .map(|compared| (compared.column.path.as_str(), one(compared)))
            .collect(),
        only_a,
        only_b,
        warnings: warnings(pair),
    };
    let mut bytes = serde_json::to_vec_pretty(&summary).expect("a summary is plain data");
    bytes.push(b'\n');
    bytes
}

/// The columns of a difference, after what it is of.
pub(super) const DIFFERENCE: [&str; 12] = [
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

/// The cells of a difference.
pub(super) fn cells(column: &Column, found: &Difference) -> Vec<String> {
    let mut row = vec![
        text(&column.path),
        column.unit.to_owned(),
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
}

/// `differences.csv`.
pub fn differences(pair: &Comparison) -> Vec<u8> {
    let rows = pair.both.iter().map(|compared| cells(&compared.column, &compared.difference));
    table(&DIFFERENCE, rows)
}

/// `worlds.csv`: what is uncertain in each world, first of the one scenario, then of the other.
pub fn worlds(pair: &Comparison) -> Vec<u8> {
    let sides = [("a.", pair.a), ("b.", pair.b)];
    let sides = sides.into_iter();
    uncertainty::worlds(sides.filter_map(|(before, one)| Some((before, one.uncertain.as_ref()?))))
}

/// `uncertainty.csv`: chance and ignorance of the differences apart.
pub fn uncertainty(pair: &Comparison) -> Vec<u8> {
    let rows = pair.both.iter().filter_map(|compared| {
        let column = &compared.column;
        let mut row = vec![text(&column.path), column.unit.to_owned()];
        row.extend(spread(&compared.ignorance?));
        Some(row)
    });
    table(&[&["measure", "unit"], &SPREAD[..]].concat(), rows)
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

/// All pairs, however many there are.
pub(super) fn all_of(pairs: u64) -> String {
    if pairs == 1 { "the only pair".to_owned() } else { format!("all {pairs} pairs") }
}

/// The comparison on one screen.
pub fn screen(pair: &Comparison) -> String {
    let mut out = String::new();
    let (before, after) = in_worlds(pair.worlds);
    let _ = writeln!(
        out,
        "{} against {}  ({before}{} of each, seed {}{after})",
        pair.b.name,
        pair.a.name,
        counted(pair.replications, "replication"),
        pair.a.seed
    );
    let shown = |compared: &&Compared| {
        let column = &compared.column;
        let name = column.path.rsplit_once('.').map_or("", |(_, name)| name);
        let main = ["availability", "downtime", "writes-lost", "irreversible"].contains(&name);
        [Role::System, Role::Client].contains(&column.role)
            && (main || compared.difference.verdict != Verdict::Same)
    };
    let mut rows: Vec<&Compared> = pair.both.iter().filter(shown).collect();
    let told = |verdict: Verdict| [Verdict::Lower, Verdict::Higher].contains(&verdict);
    let all = rows.len();
    // What differs comes first if there is no room for all.
    if all > ROWS_MAX {
        rows.sort_by_key(|compared| !told(compared.difference.verdict));
        rows.truncate(ROWS_MAX);
        rows.sort_by(|a, b| a.column.path.cmp(&b.column.path));
    }
    let width = rows.iter().map(|compared| compared.column.path.len()).max().unwrap_or(0);
    let _ = writeln!(
        out,
        "\n{:width$}  {:>16}  {:>16}  {:>18}  95 % interval",
        "", pair.a.name, pair.b.name, "difference"
    );
    for compared in rows {
        let (found, unit) = (&compared.difference, compared.column.unit);
        let interval = match (found.verdict, found.ci_low.zip(found.ci_high)) {
            (Verdict::Same, _) => format!("the same in {}", all_of(found.n)),
            (_, Some(_)) if found.certain => "exactly this: nothing is random".to_owned(),
            (_, Some((low, high))) => format!(
                "{} to {}{}",
                signed(Some(low), unit),
                signed(Some(high), unit),
                if told(found.verdict) { "" } else { "  (unclear)" }
            ),
            (Verdict::Unclear, None) => "none".to_owned(),
            (_, None) => format!("exactly this in {}", all_of(found.n)),
        };
        let _ = writeln!(
            out,
            "{:width$}  {:>16}  {:>16}  {:>18}  {interval}",
            compared.column.path,
            quantity(found.mean_a, unit),
            quantity(found.mean_b, unit),
            signed(found.difference, unit),
        );
        if let Some(apart) = &compared.ignorance {
            let _ =
                writeln!(out, "{:width$}  {}", "", uncertainty::told(apart, |sd| points(sd, unit)));
        }
    }
    if all > ROWS_MAX {
        let _ = writeln!(out, "... {} more in differences.csv", all - ROWS_MAX);
    }
    for warning in warnings(pair) {
        let _ = writeln!(out, "\nNote: {warning}");
    }
    out
}
