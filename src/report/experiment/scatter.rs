//! Sweeps whose points fill ranges: no two share a level, so nothing joins them.

use super::Findings;
use super::charts::{Raised, at_point, method, references, source, unit};
use super::panels::{axis, named, numeric};
use crate::report::chart::{CHOSEN_LETTERS_MAX, Caption, Multiples, Panels, Quantity, Unit};
use crate::scenario::sweep::{Design, Point, Sweep};

/// Do the points fill ranges, and not a grid?
fn fills(sweep: &Sweep) -> bool {
    matches!(sweep.design, Design::LatinHypercube | Design::Sobol)
}

/// The factors with numbers of a sweep whose points fill ranges; none of any other.
fn spread(sweep: &Sweep) -> Vec<usize> {
    let factors = 0..sweep.factors.len();
    factors.filter(|factor| fills(sweep) && numeric(sweep, *factor)).collect()
}

/// A level in few letters: what the design computed has three digits. (points.csv has them all.)
pub(super) fn told(sweep: &Sweep, point: &Point, factor: usize) -> String {
    let label = &point.labels[factor];
    if !fills(sweep) || label.chars().count() <= CHOSEN_LETTERS_MAX {
        return label.clone();
    }
    let end = label.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(label.len());
    let (number, rest) = label.split_at(end);
    let short = match (point.amounts[factor], number.parse()) {
        (Some((seconds, "s")), _) => Unit::Seconds.chosen(seconds),
        (Some(_), Ok(number)) => format!("{}{rest}", Unit::Number.told(number)),
        _ => label.clone(),
    };
    short.replace('\u{2009}', " ")
}

/// A point in words of few letters: `grace = 1h, keys = one-key`.
pub(super) fn words(sweep: &Sweep, point: &Point) -> String {
    let pair =
        |(factor, name): (usize, &String)| format!("{name} = {}", told(sweep, point, factor));
    sweep.factors.iter().enumerate().map(pair).collect::<Vec<String>>().join(", ")
}

/// The mean of a measure at all points over each factor with numbers. Says whether it has a chart:
/// there is none of a grid.
pub(super) fn of_points(
    findings: &Findings,
    sweep: &Sweep,
    column: usize,
    charts: &mut Vec<Raised>,
) -> bool {
    let spread = spread(sweep);
    if spread.is_empty() {
        return false;
    }
    let about = &findings.study.columns[column];
    let plot = |factor: &usize| {
        let places = findings.points.iter().filter_map(|point| {
            let (amount, _) = sweep.points[point.point].amounts[*factor]?;
            Some((amount, at_point(findings, point, column)?))
        });
        (axis(sweep, *factor), places.collect())
    };
    let names: Vec<usize> =
        (0..sweep.factors.len()).filter(|factor| !spread.contains(factor)).collect();
    let also = match names.as_slice() {
        [] => String::new(),
        names => format!("; {} varied as well", named(sweep, names)),
    };
    let chart = Multiples {
        caption: Caption {
            title: format!("{} by {}", about.path, named(sweep, &spread)),
            subtitle: format!("{}: each point of the design in every plot{also}", source(findings)),
            n: findings.pooled(),
            method: method(findings, column),
        },
        x: Quantity::default(),
        y: Quantity::new(&about.path, unit(about)),
        panels: Panels::Dots(spread.iter().map(plot).collect()),
        references: references(findings, about),
    };
    charts.push((format!("factor.{}", about.path), Box::new(move || chart.draw())));
    true
}
