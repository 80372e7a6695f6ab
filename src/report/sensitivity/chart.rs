//! The tornado of a study that varied one constant at a time.

use super::{Study, words};
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
        "fraction" => Unit::Share,
        "USD" => Unit::Usd,
        _ => Unit::Count,
    };
    let mut ends: BTreeMap<usize, (&Varied, &Varied)> = BTreeMap::new();
    for swing in swings {
        let value = |swing: &Varied| swing.difference.difference;
        let (low, high) = ends.entry(swing.doubt).or_insert((swing, swing));
        if value(swing) < value(low) {
            *low = swing;
        }
        if value(swing) > value(high) {
            *high = swing;
        }
    }
    let label = |doubt: usize| {
        let path = study.doubts.get(doubt).map_or("", |doubt| doubt.path.as_str());
        path.strip_prefix("model.").unwrap_or(path).to_owned()
    };
    let varied = ends.len();
    let moves = |swing: &Varied| swing.difference.difference.is_some_and(|size| size != 0.0);
    ends.retain(|_, (low, high)| moves(low) || moves(high));
    let still = varied - ends.len();
    let rows = ends.into_iter().map(|(doubt, (low, high))| Swing {
        label: label(doubt),
        low: (words(study, doubt, &low.level), estimate(low)),
        high: (words(study, doubt, &high.level), estimate(high)),
    });
    let chart = Tornado {
        caption: Caption {
            title: format!("{}: what {} hangs on", study.scenario.name, study.measure),
            subtitle: format!(
                "Seed {}. Each constant alone, at the values that move the mean down and up most. {}.",
                study.scenario.seed,
                match still {
                    1 => "1 other moves nothing".to_owned(),
                    _ => format!("{still} others move nothing"),
                }
            ),
            n: study.replications,
            method: "Paired differences, 95 % intervals by Student's t".to_owned(),
        },
        x: Quantity::new("difference to the scenario as it is", unit),
        baseline: Estimate::bare(0.0),
        settings: ["at the value with the lowest mean", "at the value with the highest mean"]
            .map(str::to_owned),
        swings: rows.collect(),
        references: Vec::new(),
    };
    chart.draw().map(Some)
}

/// A difference with its interval.
fn estimate(swing: &Varied) -> Estimate {
    let found = &swing.difference;
    let value = found.difference.unwrap_or(f64::NAN);
    Estimate { value, interval: found.ci_low.zip(found.ci_high) }
}
