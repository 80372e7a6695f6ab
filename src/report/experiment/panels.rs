//! Small multiples of a sweep: what one plot would have too many lines for.

use super::Findings;
use super::charts::{Raised, at_point, method, references, source, unit};
use super::scatter::{told, words};
use crate::experiment::study::Column;
use crate::report::chart::{
    Caption, Curve, Estimate, Factor, FactorChart, Multiples, Panels, Quantity, Reference, Unit,
};
use crate::scenario::sweep::{Point, Sweep};
use std::collections::{BTreeMap, BTreeSet};

/// Factors of a sweep that one plot of lines can show.
const FACTORS_OF_A_PLOT: usize = 2;

/// What is varied along the lines, from line to line, and from plot to plot.
struct Roles {
    axis: usize,
    lines: usize,
    plots: Vec<usize>,
}

/// The levels of a factor, in the order of the points.
pub(super) fn levels(sweep: &Sweep, factor: usize) -> Vec<&str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let names = sweep.points.iter().map(|point| point.labels[factor].as_str());
    names.filter(|name| seen.insert(name)).collect()
}

/// Are all levels of a factor numbers?
pub(super) fn numeric(sweep: &Sweep, factor: usize) -> bool {
    sweep.points.iter().all(|point| point.amounts[factor].is_some())
}

/// The axis of a factor with numbers.
pub(super) fn axis(sweep: &Sweep, factor: usize) -> Quantity {
    let times = |of: &Option<(f64, &str)>| of.is_some_and(|(_, unit)| unit == "s");
    let spans = sweep.points.iter().any(|point| times(&point.amounts[factor]));
    Quantity::new(&sweep.factors[factor], if spans { Unit::Seconds } else { Unit::Number })
}

/// The factor along the axis: of those with numbers, or else of all, the first with most levels.
pub(super) fn along(sweep: &Sweep) -> usize {
    let steps = |factor: &usize| levels(sweep, *factor).len();
    let factors = || (0..sweep.factors.len()).rev();
    // The first of those with most levels: `max_by_key` alone would take the last.
    let of_numbers = factors().filter(|factor| numeric(sweep, *factor)).max_by_key(steps);
    of_numbers.or(factors().max_by_key(steps)).unwrap_or(0)
}

/// The place of a point along a factor: its number, or that of its name.
pub(super) fn place_of(sweep: &Sweep, names: &[&str], point: &Point, factor: usize) -> f64 {
    if numeric(sweep, factor) {
        return point.amounts[factor].map_or(f64::NAN, |(amount, _)| amount);
    }
    names.iter().position(|name| *name == point.labels[factor]).unwrap_or(0) as f64
}

/// A line for each level of the factor with the fewest, and a plot for each choice of the rest.
/// Nothing if one plot has room for all.
fn roles(sweep: &Sweep) -> Option<Roles> {
    let count = sweep.factors.len();
    let steps = |factor: &usize| levels(sweep, *factor).len();
    let axis = along(sweep);
    let others = || (0..count).filter(move |factor| *factor != axis);
    let lines = others().min_by_key(steps)?;
    let plots: Vec<usize> = others().filter(|factor| *factor != lines).collect();
    (count > FACTORS_OF_A_PLOT).then_some(Roles { axis, lines, plots })
}

/// Factors by their names.
pub(super) fn named(sweep: &Sweep, factors: &[usize]) -> String {
    let names: Vec<&str> = factors.iter().map(|at| sweep.factors[*at].as_str()).collect();
    names.join(", ")
}

/// A measure at each point against the baseline, if the sweep names one.
pub(super) fn of_differences(
    findings: &Findings,
    sweep: &Sweep,
    column: usize,
    charts: &mut Vec<Raised>,
) {
    let Some(baseline) = sweep.baseline else { return };
    let about = &findings.study.columns[column];
    let words = |point: usize| words(sweep, &sweep.points[point]);
    let found = || findings.against.iter().map(|against| against.point);
    let estimate = |point: usize| {
        let found = findings.against(point, column);
        let value = found.and_then(|found| found.difference).unwrap_or(f64::NAN);
        let interval = found.and_then(|found| found.ci_low.zip(found.ci_high));
        Estimate { value, interval }
    };
    let points = found().enumerate().map(|(place, point)| (place as f64, estimate(point)));
    let chart = FactorChart {
        caption: Caption {
            title: format!("{} against the baseline", about.path),
            subtitle: format!("{}: baseline {}", source(findings), words(baseline)),
            n: findings.pooled(),
            method:
                "Mean difference of replications that share their luck, with its 95 % interval \
                     where they differ"
                    .to_owned(),
        },
        factor: Factor::Names("point".to_owned(), found().map(words).collect()),
        y: match unit(about) {
            Unit::Share => {
                let label = format!("difference of {} in percentage points (pp)", about.path);
                Quantity::new(&label, Unit::Points)
            }
            unit => Quantity::new(&format!("difference of {}", about.path), unit),
        },
        series: vec![Curve { label: String::new(), points: points.collect() }],
        references: vec![Reference { at: 0.0, label: "baseline".to_owned() }],
    };
    charts.push((format!("differences.{}", about.path), Box::new(move || chart.draw())));
}

/// The mean of a measure over three factors or more: small plots of lines.
pub(super) fn of_means(
    findings: &Findings,
    sweep: &Sweep,
    column: usize,
    charts: &mut Vec<Raised>,
) {
    let Some(Roles { axis: along, lines, plots }) = roles(sweep) else { return };
    let about = &findings.study.columns[column];
    let mut titles: Vec<String> = Vec::new();
    let mut panels: Vec<BTreeMap<usize, Curve>> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let names: BTreeMap<&str, usize> = levels(sweep, lines).into_iter().zip(0..).collect();
    let steps = levels(sweep, along);
    for point in &findings.points {
        let Some(estimate) = at_point(findings, point, column) else { continue };
        let own = &sweep.points[point.point];
        let told = |factor: usize| format!("{} = {}", sweep.factors[factor], own.labels[factor]);
        let words: Vec<String> = plots.iter().map(|factor| told(*factor)).collect();
        let title = words.join(", ");
        let place = *places.entry(title.clone()).or_insert_with(|| {
            titles.push(title);
            panels.push(BTreeMap::new());
            panels.len() - 1
        });
        let line = names.get(own.labels[lines].as_str()).copied().unwrap_or(0);
        let curve = panels[place]
            .entry(line)
            .or_insert_with(|| Curve { label: told(lines), points: Vec::new() });
        curve.points.push((place_of(sweep, &steps, own, along), estimate));
    }
    let panels = panels.into_iter().map(|curves| curves.into_values().collect());
    let panels = titles.into_iter().zip(panels).collect();
    let (x, panels, lines_or_dots) = if numeric(sweep, along) {
        (axis(sweep, along), Panels::Lines(panels), "lines")
    } else {
        let names = steps.into_iter().map(str::to_owned).collect();
        let x = Quantity::new(&sweep.factors[along], Unit::Number);
        (x, Panels::Rows(names, panels), "dots")
    };
    let chart = Multiples {
        caption: Caption {
            title: format!("{} by {}", about.path, sweep.factors[along]),
            subtitle: format!(
                "{}: plots by {}, {lines_or_dots} by {}",
                source(findings),
                named(sweep, &plots),
                sweep.factors[lines]
            ),
            n: findings.pooled(),
            method: method(findings, column),
        },
        x,
        y: Quantity::new(&about.path, unit(about)),
        panels,
        references: references(findings, about),
    };
    charts.push((format!("multiples.{}", about.path), Box::new(move || chart.draw())));
}

/// How a measure is distributed at each point: small histograms. Nothing if it does not vary, or if
/// there are more points than plots.
pub(super) fn of_values(
    findings: &Findings,
    sweep: &Sweep,
    column: usize,
    charts: &mut Vec<Raised>,
) {
    let about: &Column = &findings.study.columns[column];
    let shown: Vec<_> = findings.shown.iter().filter(|shown| shown.column == column).collect();
    if shown.len() < 2 || shown.iter().all(|shown| shown.values.len() < 2) {
        return;
    }
    let panels = shown.into_iter().map(|shown| {
        let own = &sweep.points[shown.point];
        let levels = (0..sweep.factors.len()).map(|factor| told(sweep, own, factor));
        (levels.collect::<Vec<String>>().join(", "), shown.values.clone())
    });
    let chart = Multiples {
        caption: Caption {
            title: format!("Distribution of {} at each point", about.path),
            subtitle: format!("{}: {}", source(findings), sweep.factors.join(", ")),
            n: findings.pooled(),
            method: "One value per replication".into(),
        },
        x: Quantity::new(&about.path, unit(about)),
        y: Quantity::new("", Unit::Share),
        panels: Panels::Values(panels.collect()),
        references: references(findings, about),
    };
    charts.push((format!("distributions.{}", about.path), Box::new(move || chart.draw())));
}
