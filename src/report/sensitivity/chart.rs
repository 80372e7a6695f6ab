//! The tornado of a study that varied one constant at a time.

use super::{Study, words};
use crate::experiment::ranges::Span;
use crate::experiment::sensitivity::{Found, Swing as Varied};
use crate::report::chart::{
    Caption, ChartError, Estimate, Picture, Quantity, Swing, Tornado, Unit,
};
use std::collections::BTreeMap;

/// The tornado of a study, if its method has one.
///
/// # Errors
/// A backend failed.
pub fn tornado(study: &Study) -> Result<Option<Picture>, ChartError> {
    let Found::Tornado(swings) = study.found else { return Ok(None) };
    let unit = match study.unit {
        "s" => Unit::Seconds,
        "fraction" => Unit::Points,
        "USD" => Unit::Usd,
        _ => Unit::Count,
    };
    // What each constant was found to do, where that is defined.
    let mut found: BTreeMap<usize, Vec<(&Varied, f64)>> = BTreeMap::new();
    for swing in swings {
        let own = found.entry(swing.doubt).or_default();
        own.extend(swing.difference.difference.map(|value| (swing, value)));
    }
    let label = |doubt: usize| {
        let path = study.doubts.get(doubt).map_or("", |doubt| doubt.path.as_str());
        path.strip_prefix("model.").unwrap_or(path).to_owned()
    };
    let varied = found.len();
    let moves = |own: &Vec<(&Varied, f64)>| own.is_empty() || own.iter().any(|(_, by)| *by != 0.0);
    found.retain(|_, own| moves(own));
    let still = varied - found.len();
    let rows = found.into_iter().map(|(doubt, own)| {
        let [low, high] = ends(study, doubt, &own);
        Swing { label: label(doubt), low, high }
    });
    let chart = Tornado {
        caption: Caption {
            title: format!("{}: what {} hangs on", study.scenario.name, study.measure),
            subtitle: format!(
                "Seed {}. Each constant alone, at the values with the lowest and the highest mean: its own may be one. {}.",
                study.scenario.seed,
                match still {
                    1 => "1 other moves nothing".to_owned(),
                    _ => format!("{still} others move nothing"),
                }
            ),
            n: study.replications,
            method: "Paired differences, 95 % intervals by Student's t".to_owned(),
        },
        x: match unit {
            Unit::Points => {
                Quantity::new("difference to the scenario as it is in percentage points (pp)", unit)
            }
            _ => Quantity::new("difference to the scenario as it is", unit),
        },
        baseline: Estimate::bare(0.0),
        settings: ["at the value with the lowest mean", "at the value with the highest mean"]
            .map(str::to_owned),
        swings: rows.collect(),
        references: Vec::new(),
    };
    chart.draw().map(Some)
}

/// An end of a row: a value in words, and the difference there.
type End = (String, Estimate);

/// The values with the lowest and with the highest mean. The value that the scenario has counts as
/// well: where all others move the mean one way, it is the other end.
fn ends(study: &Study, doubt: usize, own: &[(&Varied, f64)]) -> [End; 2] {
    let told = |swing: &Varied| (words(study, doubt, &swing.level), estimate(swing));
    // A defined difference of its own is nothing; without any result there is no end at all.
    let value = if own.is_empty() { f64::NAN } else { 0.0 };
    let as_it_is = || (base(study, doubt), Estimate::bare(value));
    let by = |one: &&(&Varied, f64), other: &&(&Varied, f64)| one.1.total_cmp(&other.1);
    let low = own.iter().min_by(by).filter(|(_, value)| *value < 0.0);
    let high = own.iter().max_by(by).filter(|(_, value)| *value > 0.0);
    [low, high].map(|end| end.map_or_else(as_it_is, |(swing, _)| told(swing)))
}

/// The value that the scenario has, in words that fit on a line.
fn base(study: &Study, doubt: usize) -> String {
    match study.doubts.get(doubt) {
        Some(doubt) if !matches!(doubt.span, Span::Scaled(_)) => doubt.base.clone(),
        _ => "as it is".to_owned(),
    }
}

/// A difference with its interval.
fn estimate(swing: &Varied) -> Estimate {
    let found = &swing.difference;
    let value = found.difference.unwrap_or(f64::NAN);
    Estimate { value, interval: found.ci_low.zip(found.ci_high) }
}
