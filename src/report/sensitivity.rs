//! What `sensitivity` tells: which constants a measure hangs on.

mod chart;

pub use chart::tornado;

use super::SCHEMA;
use super::compare::signed;
use super::files::sha256;
use super::parts::left_alone;
use super::tables::{number, table, text};
use crate::experiment::ranges::{Doubt, Span};
use crate::experiment::sensitivity::Found;
use crate::report::compare::all_of;
use crate::report::words::{are_of, counted};
use crate::scenario::Scenario;
use crate::stats::morris::Effect;
use crate::stats::paired::Verdict;
use crate::stats::sobol::Indices;
use serde::Serialize;
use std::fmt::Write as _;

/// A finished study.
pub struct Study<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// `tornado`, `morris` or `sobol`.
    pub method: &'static str,
    /// The measure.
    pub measure: &'a str,
    /// Its unit.
    pub unit: &'static str,
    /// Replications at each point.
    pub replications: u64,
    /// How many points were played.
    pub points: usize,
    /// What was varied.
    pub doubts: &'a [Doubt],
    /// What is in doubt and has no range.
    pub fixed: &'a [String],
    /// What was found.
    pub found: &'a Found,
}

#[derive(Serialize)]
struct Ranked {
    parameter: String,
    /// How much it matters, in the method's own measure.
    strength: Option<f64>,
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    version: &'static str,
    command: &'static str,
    scenario: &'a str,
    sha256: String,
    seed: u64,
    method: &'static str,
    measure: &'a str,
    unit: &'static str,
    replications: u64,
    points: usize,
    ranking: Vec<Ranked>,
    not_varied: &'a [String],
    warnings: Vec<String>,
}

/// How strong each constant is, in the order of the constants: the largest absolute difference, the
/// mean absolute effect, or the total share of the variance.
fn strengths(study: &Study) -> Vec<Option<f64>> {
    let mut strengths = vec![None; study.doubts.len()];
    match study.found {
        Found::Tornado(swings) => {
            for swing in swings {
                let size = swing.difference.difference.map(libm::fabs);
                if let Some(known) = strengths.get_mut(swing.doubt) {
                    *known = match (*known, size) {
                        (Some(a), Some(b)) => Some(f64::max(a, b)),
                        (a, b) => a.or(b),
                    };
                }
            }
        }
        Found::Morris(effects) => {
            let of = |effect: &Effect| (effect.count > 0).then_some(effect.mu_star);
            strengths = effects.iter().map(of).collect();
        }
        Found::Sobol(_, Some(indices)) => {
            strengths = indices.iter().map(|index| Some(index.total.value)).collect();
        }
        Found::Sobol(_, None) => {}
    }
    strengths
}

/// The constants, strongest first; equals keep their order.
fn ranking(study: &Study) -> Vec<(usize, Option<f64>)> {
    let mut order: Vec<(usize, Option<f64>)> = strengths(study).into_iter().enumerate().collect();
    let key = |strength: Option<f64>| strength.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|a, b| key(b.1).total_cmp(&key(a.1)).then(a.0.cmp(&b.0)));
    order
}

fn warnings(study: &Study) -> Vec<String> {
    let mut found: Vec<String> = left_alone(study.scenario, "sensitivity").into_iter().collect();
    match study.found {
        Found::Tornado(_) => {
            found.push("one at a time: what constants do together does not show".to_owned())
        }
        Found::Morris(_) => found.push(
            "screening: effects are per whole range of a constant, in the unit of the measure"
                .to_owned(),
        ),
        Found::Sobol(rows, indices) => {
            let all = study.points / (study.doubts.len() + 2);
            if *rows < all {
                found.push(format!(
                    "{} left out, for the measure is undefined at some of their points",
                    are_of((all - rows) as u64, all as u64, "row")
                ));
            }
            if indices.is_none() {
                found.push("the measure does not vary: nothing to explain".to_owned());
            }
        }
    }
    found.push(format!(
        "the measure at a point is the mean of {} with the same luck as at all other points: \
         chance is held fixed, not averaged away",
        counted(study.replications, "replication")
    ));
    if study.scenario.uncertain.is_some() {
        found.push("uncertain parameters have the values that the file gives them".to_owned());
    }
    found
}

/// `summary.json` of a study.
pub fn json(study: &Study) -> Vec<u8> {
    let source = study.scenario.sources.0.first().map_or("", |source| source.text.as_str());
    let ranked = |(place, strength): (usize, Option<f64>)| Ranked {
        parameter: study.doubts[place].path.clone(),
        strength,
    };
    let summary = Json {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: "sensitivity",
        scenario: &study.scenario.name,
        sha256: sha256(source.as_bytes()),
        seed: study.scenario.seed,
        method: study.method,
        measure: study.measure,
        unit: study.unit,
        replications: study.replications,
        points: study.points,
        ranking: ranking(study).into_iter().map(ranked).collect(),
        not_varied: study.fixed,
        warnings: warnings(study),
    };
    let mut bytes = serde_json::to_vec_pretty(&summary).expect("a summary is plain data");
    bytes.push(b'\n');
    bytes
}

/// `parameters.csv`: what was varied, and between what.
pub fn parameters(study: &Study) -> Vec<u8> {
    let header = ["parameter", "base", "low", "high", "levels", "source", "range"];
    let rows = study.doubts.iter().map(|doubt| {
        let listed = |words: &[String]| words.join(" | ");
        let (low, high, levels) = match &doubt.span {
            Span::Listed(words) => (String::new(), String::new(), listed(words)),
            Span::Times(..) | Span::Scaled(_) | Span::Odds(_) | Span::Whole(..) => {
                (doubt.span.at(0.0), doubt.span.at(1.0), String::new())
            }
        };
        let cells = [&doubt.path, &doubt.base, &low, &high, &levels];
        let mut row: Vec<String> = cells.map(|cell| text(cell)).to_vec();
        row.extend([doubt.source.to_owned(), doubt.range.to_owned()]);
        row
    });
    table(&header, rows)
}

/// `sensitivity.csv`: columns depend on the method.
pub fn results(study: &Study) -> Vec<u8> {
    let path = |place: usize| text(&study.doubts[place].path);
    match study.found {
        Found::Tornado(swings) => {
            let header = [
                "parameter",
                "level",
                "n",
                "undefined",
                "mean",
                "difference",
                "ci_low",
                "ci_high",
                "verdict",
            ];
            let rows = swings.iter().map(|swing| {
                let found = &swing.difference;
                let mut row = vec![
                    path(swing.doubt),
                    text(&swing.level),
                    found.n.to_string(),
                    found.undefined.to_string(),
                ];
                let numbers = [found.mean_b, found.difference, found.ci_low, found.ci_high];
                row.extend(numbers.map(number));
                row.push(found.verdict.word().to_owned());
                row
            });
            table(&header, rows)
        }
        Found::Morris(effects) => {
            let header = [
                "parameter",
                "effects",
                "mu",
                "mu_star",
                "mu_star_ci_low",
                "mu_star_ci_high",
                "sigma",
            ];
            let rows = effects.iter().enumerate().map(|(place, effect)| {
                let some = (effect.count > 0).then_some(());
                let end = |sign: f64| effect.mu_star_half.map(|half| effect.mu_star + sign * half);
                let mut row = vec![path(place), effect.count.to_string()];
                let numbers = [
                    some.map(|()| effect.mu),
                    some.map(|()| effect.mu_star),
                    end(-1.0).map(|low| low.max(0.0)),
                    end(1.0),
                    effect.sigma,
                ];
                row.extend(numbers.map(number));
                row
            });
            table(&header, rows)
        }
        Found::Sobol(_, indices) => {
            let header = [
                "parameter",
                "first",
                "first_ci_low",
                "first_ci_high",
                "total",
                "total_ci_low",
                "total_ci_high",
            ];
            let rows =
                indices.iter().flatten().enumerate().map(|(place, index): (usize, &Indices)| {
                    let shares = [index.first, index.total];
                    let numbers = shares.iter().flat_map(|share| {
                        let ends = share.ends();
                        [Some(share.value), ends.map(|(low, _)| low), ends.map(|(_, high)| high)]
                    });
                    [path(place)].into_iter().chain(numbers.map(number)).collect::<Vec<_>>()
                });
            table(&header, rows)
        }
    }
}

/// Rows that fit on a screen.
const ROWS_MAX: usize = 16;

/// The study on one screen, strongest first.
pub fn screen(study: &Study) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "What {} hangs on: {} in doubt, {}, {} each ({})",
        study.measure,
        counted(study.doubts.len(), "constant"),
        counted(study.points, "point"),
        counted(study.replications, "replication"),
        study.method
    );
    // What makes no difference at all is told in one line.
    let (order, without): (Vec<_>, Vec<_>) =
        ranking(study).into_iter().partition(|(_, strength)| *strength != Some(0.0));
    let shown = &order[..order.len().min(ROWS_MAX)];
    if !shown.is_empty() {
        let _ = writeln!(out, "{}", told(study));
    }
    let width = shown.iter().map(|(place, _)| study.doubts[*place].path.len()).max().unwrap_or(0);
    let _ = writeln!(out);
    for (place, _) in shown {
        let doubt = &study.doubts[*place];
        let _ = writeln!(out, "{:width$}  {}", doubt.path, line(study, *place));
    }
    if order.len() > shown.len() {
        let _ = writeln!(out, "... {} more in sensitivity.csv", order.len() - shown.len());
    }
    if !without.is_empty() {
        let names: Vec<&str> =
            without.iter().map(|(place, _)| study.doubts[*place].path.as_str()).collect();
        let _ = writeln!(out, "\nMade no difference at any point: {}", names.join(", "));
    }
    if !study.fixed.is_empty() {
        let names = study.fixed.join(", ");
        let _ = writeln!(out, "\nNot varied, for a value that nothing scales: {names}");
    }
    for warning in warnings(study) {
        let _ = writeln!(out, "\nNote: {warning}");
    }
    out
}

/// What the numbers are, and how their intervals came about.
fn told(study: &Study) -> String {
    let (measure, unit) = (study.measure, study.unit);
    match study.found {
        Found::Tornado(swings) if swings.iter().all(|swing| swing.difference.certain) => format!(
            "Difference of {measure} to the scenario as it is; no random number is drawn in any \
             replication"
        ),
        Found::Tornado(_) => format!(
            "Difference of the mean of {measure} to the scenario as it is: paired, 95 % intervals \
             by Student's t"
        ),
        Found::Morris(_) => format!(
            "Effect on the mean of {measure} per whole range, in {unit}: mu* is the mean of its \
             size with the 95 % interval by Student's t, mu its mean, sigma its standard deviation"
        ),
        Found::Sobol(..) => {
            format!(
                "Share of the variance of the mean of {measure}, with 95 % intervals by Student's t over \
 parts of the design"
            )
        }
    }
}

/// A level in words that fit on a line.
fn words(study: &Study, doubt: usize, level: &str) -> String {
    match &study.doubts[doubt].span {
        Span::Scaled(_) if level == study.doubts[doubt].span.at(0.0) => "half as long".to_owned(),
        Span::Scaled(_) => "twice as long".to_owned(),
        Span::Odds(_) => level.parse().map_or(level.to_owned(), |x: f64| format!("{x:.3}")),
        Span::Listed(_) | Span::Times(..) | Span::Whole(..) => level.to_owned(),
    }
}

/// What was found of one constant, in words.
fn line(study: &Study, place: usize) -> String {
    let unit = study.unit;
    match study.found {
        Found::Tornado(swings) => {
            let own = swings.iter().filter(|swing| swing.doubt == place);
            let one = own.map(|swing| {
                let found = &swing.difference;
                let interval = match (found.verdict, found.ci_low.zip(found.ci_high)) {
                    (_, Some(_)) if found.certain => "exactly: nothing is random".to_owned(),
                    (_, Some((low, high))) => {
                        format!("{} to {}", signed(Some(low), unit), signed(Some(high), unit))
                    }
                    (Verdict::Unclear, None) => "no interval".to_owned(),
                    (_, None) => format!("exactly, in {}", all_of(found.n)),
                };
                let level = words(study, swing.doubt, &swing.level);
                format!("{level}: {} ({interval})", signed(found.difference, unit))
            });
            one.collect::<Vec<_>>().join("; ")
        }
        Found::Morris(effects) => effects.get(place).map_or(String::new(), |effect| {
            let half = effect.mu_star_half.map_or(String::new(), |half| format!(" +- {half:.4}"));
            let sigma = effect.sigma.map_or(String::new(), |sigma| format!(", sigma {sigma:.4}"));
            format!("mu* {:.4}{half}, mu {:.4}{sigma}", effect.mu_star, effect.mu)
        }),
        Found::Sobol(_, indices) => {
            indices.as_ref().and_then(|indices| indices.get(place)).map_or(String::new(), |index| {
                let share = |share: crate::stats::sobol::Share| {
                    let ends = share.ends().map(|(low, high)| format!(" ({low:.3} to {high:.3})"));
                    format!("{:.3}{}", share.value, ends.unwrap_or_default())
                };
                format!("total {}, alone {}", share(index.total), share(index.first))
            })
        }
    }
}
