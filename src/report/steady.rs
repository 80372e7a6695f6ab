//! What `steady` tells: availability in the long run.

use super::SCHEMA;
use super::files::sha256;
use super::parts::left_alone;
use super::summary::quantity;
use super::tables::{number, table, text};
use super::uncertainty::{self, SPREAD, in_worlds, spread};
use crate::engine::SimDuration;
use crate::experiment::estimates::Ignorance;
use crate::experiment::steady::{Availability, Long};
use crate::report::words::counted;
use crate::scenario::Scenario;
use crate::systems::spec::Role;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Finished long runs.
pub struct Steady<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What was asked.
    pub long: Long,
    /// Worlds: one if nothing is uncertain.
    pub worlds: usize,
    /// What was found, in the order of the paths.
    pub found: &'a [Availability],
}

#[derive(Serialize)]
struct ApartJson {
    chance_sd: f64,
    ignorance_sd: f64,
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    version: &'static str,
    command: &'static str,
    scenario: &'a str,
    sha256: String,
    seed: u64,
    replications: u64,
    worlds: usize,
    warm_up_s: f64,
    horizon_s: f64,
    batches: u64,
    method: &'static str,
    availability: BTreeMap<&'a str, Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<BTreeMap<&'a str, ApartJson>>,
    warnings: Vec<String>,
}

/// What a reader must know before trusting the numbers.
pub fn warnings(steady: &Steady) -> Vec<String> {
    let mut found: Vec<String> = left_alone(steady.scenario, "steady").into_iter().collect();
    let long = steady.long;
    let kept = steady.scenario.horizon.seconds() - long.warm_up.seconds();
    let shown = |names: Vec<&str>| match names.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        [one, rest @ ..] => Some(format!("{one} and {} more", rest.len())),
    };
    let needing = |one: &&Availability| one.needed.is_none_or(|needed| needed > long.warm_up);
    if long.replications > 1 || steady.worlds > 1 {
        let biased: Vec<&Availability> = steady.found.iter().filter(needing).collect();
        let most = biased.iter().filter_map(|one| one.needed).max();
        if let Some(names) = shown(biased.iter().map(|one| one.entity.as_str()).collect()) {
            let help = match most {
                Some(most) => format!("give --warm-up \"{most}\" or more"),
                None => "lengthen the horizon: no start was found that is long enough".to_owned(),
            };
            found.push(format!(
                "the start still shows in {names}: availability there differs from that of the \
                 second half of the runs, so that the long run is estimated with a bias; {help}"
            ));
        }
    } else if long.warm_up.is_zero() {
        found.push(
            "there is no warm-up, and one run cannot show whether the start biases it; give \
             --warm-up, or more runs with -n 10"
                .to_owned(),
        );
    }
    let alike = steady.found.iter().filter(|one| one.means.correlated());
    if let Some(names) = shown(alike.map(|one| one.entity.as_str()).collect()) {
        // Over worlds, what is taken for noise of their means is too little.
        let harm = match steady.worlds {
            1 => "intervals are too narrow",
            _ => "chance is told too small and ignorance too large",
        };
        found.push(format!(
            "neighbouring batches of {names} are alike, so that {harm}; give \
             fewer --batches than {} of {} each, or a longer horizon",
            long.batches,
            quantity(Some(kept / long.batches as f64), "s")
        ));
    }
    found
}

/// `summary.json` of long runs.
pub fn json<'a>(steady: &'a Steady<'a>) -> Vec<u8> {
    let source = steady.scenario.sources.0.first().map_or("", |source| source.text.as_str());
    let summary = Json {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: "steady",
        scenario: &steady.scenario.name,
        sha256: sha256(source.as_bytes()),
        seed: steady.scenario.seed,
        replications: steady.long.replications,
        worlds: steady.worlds,
        warm_up_s: steady.long.warm_up.seconds(),
        horizon_s: steady.scenario.horizon.seconds(),
        batches: steady.long.batches,
        method: match steady.worlds {
            1 => "batch means, Student t",
            _ => "means of worlds, Student t",
        },
        availability: steady
            .found
            .iter()
            .map(|one| (one.entity.as_str(), Some(one.means.mean)))
            .collect(),
        uncertainty: (steady.worlds > 1).then(|| {
            let apart = |one: &'a Availability| {
                let Ignorance { chance, ignorance, .. } = one.ignorance?;
                let apart = ApartJson { chance_sd: chance, ignorance_sd: ignorance };
                Some((one.entity.as_str(), apart))
            };
            steady.found.iter().filter_map(apart).collect()
        }),
        warnings: warnings(steady),
    };
    let mut bytes = serde_json::to_vec_pretty(&summary).expect("a summary is plain data");
    bytes.push(b'\n');
    bytes
}

/// `steady.csv`.
pub fn results(steady: &Steady) -> Vec<u8> {
    let header = [
        "entity",
        "batches",
        "availability",
        "ci_low",
        "ci_high",
        "other_max",
        "lag1",
        "correlated",
        "warm_up_needed_s",
    ];
    let rows = steady.found.iter().map(|one| {
        let means = &one.means;
        let end = |sign: f64| means.half.map(|half| (means.mean + sign * half).clamp(0.0, 1.0));
        let mut row = vec![text(&one.entity), means.batches.to_string()];
        row.extend(
            [Some(means.mean), end(-1.0), end(1.0), means.other_max(), means.lag1].map(number),
        );
        row.push(means.correlated().to_string());
        row.push(number(one.needed.map(SimDuration::seconds)));
        row
    });
    table(&header, rows)
}

/// `worlds.csv`: what is uncertain in each world.
pub fn worlds(steady: &Steady) -> Vec<u8> {
    uncertainty::worlds(steady.scenario.uncertain.as_ref().map(|uncertain| ("", uncertain)))
}

/// `uncertainty.csv`: chance and ignorance of the batches apart.
pub fn uncertainty(steady: &Steady) -> Vec<u8> {
    let rows = steady.found.iter().filter_map(|one| {
        let mut row = vec![text(&one.entity)];
        row.extend(spread(&one.ignorance?));
        Some(row)
    });
    table(&[&["entity"], &SPREAD[..]].concat(), rows)
}

/// Rows that fit on a screen.
const ROWS_MAX: usize = 16;

/// The long run on one screen.
pub fn screen(steady: &Steady) -> String {
    let mut out = String::new();
    let (scenario, long) = (steady.scenario, steady.long);
    let (before, after) = in_worlds(steady.worlds);
    let _ = writeln!(
        out,
        "{} in the long run  ({before}{} of {}, warm-up {}, {} batches each, seed {}{after})\n",
        scenario.name,
        counted(long.replications, "run"),
        scenario.horizon,
        long.warm_up,
        long.batches,
        scenario.seed
    );
    let role = |path: &str| scenario.entities.get(path).map(|kind| kind.role);
    let mut rows: Vec<&Availability> = steady
        .found
        .iter()
        .filter(|one| matches!(role(&one.entity), Some(Role::System | Role::Client)))
        .collect();
    let all = rows.len();
    rows.sort_by(|a, b| a.means.mean.total_cmp(&b.means.mean).then(a.entity.cmp(&b.entity)));
    rows.truncate(ROWS_MAX);
    rows.sort_by(|a, b| a.entity.cmp(&b.entity));
    let width = rows.iter().map(|one| one.entity.len()).max().unwrap_or(0);
    for one in rows {
        let means = &one.means;
        let interval = match means.half {
            Some(half) => format!(
                "{} to {}",
                quantity(Some((means.mean - half).max(0.0)), "fraction"),
                quantity(Some((means.mean + half).min(1.0)), "fraction")
            ),
            None => format!(
                "the same in all {} batches; another value in at most {} of them",
                means.batches,
                quantity(means.other_max(), "fraction")
            ),
        };
        let _ = writeln!(
            out,
            "{:width$}  {:>13}  {interval}",
            one.entity,
            quantity(Some(means.mean), "fraction")
        );
        if let Some(apart) = &one.ignorance {
            let _ = writeln!(
                out,
                "{:width$}  {}",
                "",
                uncertainty::told(apart, |sd| quantity(Some(sd), "fraction"))
            );
        }
    }
    if all > ROWS_MAX {
        let _ = writeln!(out, "... {} more in steady.csv", all - ROWS_MAX);
    }
    for warning in warnings(steady) {
        let _ = writeln!(out, "\nNote: {warning}");
    }
    out
}
