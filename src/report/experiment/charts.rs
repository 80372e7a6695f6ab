//! The charts of an experiment.

use super::{Findings, panels, scatter};
use crate::experiment::estimates::PointEstimates;
use crate::experiment::study::Column;
use crate::report::chart::{
    Caption, ChartError, ConvergenceChart, Curve, Distribution, Estimate, ExceedanceChart, Factor,
    FactorChart, HeatMap, Levels, Picture, Quantity, Reference, Unit,
};
use crate::report::words::counted;
use crate::scenario::Condition;
use crate::scenario::sweep::Sweep;
use crate::stats::proportion::clopper_pearson;
use crate::stats::{Estimate as Found, Quantile};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// The values of a measure that is shown in charts.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The design point they come from.
    pub point: usize,
    /// Its column.
    pub column: usize,
    /// Its values, with how often each came.
    pub values: Vec<(f64, u64)>,
    /// The mean with its interval after so many replications; empty in a sweep.
    pub running: Vec<Running>,
}

/// The mean of a measure after so many replications, with its interval.
pub type Running = (u64, Option<f64>, Option<(f64, f64)>);

/// All charts, by the names of their files without endings.
///
/// # Errors
/// A chart could not be drawn.
pub fn all(findings: &Findings) -> Result<Vec<(String, Picture)>, ChartError> {
    let mut charts = Vec::new();
    match findings.sweep() {
        Some(sweep) => {
            for column in findings.columns() {
                if !scatter::of_points(findings, sweep, column, &mut charts) {
                    of_sweep(findings, sweep, column, &mut charts);
                    panels::of_means(findings, sweep, column, &mut charts);
                }
                panels::of_differences(findings, sweep, column, &mut charts);
                panels::of_values(findings, sweep, column, &mut charts);
            }
        }
        None => {
            for shown in &findings.shown {
                of_measure(findings, shown, &mut charts);
            }
        }
    }
    charts.into_par_iter().map(|(name, draw)| Ok((name, draw()?))).collect()
}

/// A chart by the name of its files, and what draws it on whatever thread is free.
pub(super) type Raised<'a> = (String, Box<dyn FnOnce() -> Result<Picture, ChartError> + Send + 'a>);

pub(super) fn unit(column: &Column) -> Unit {
    match column.unit {
        "s" => Unit::Seconds,
        "fraction" => Unit::Share,
        "USD" => Unit::Usd,
        _ => Unit::Count,
    }
}

/// A mean with its interval.
fn mean(found: &Found, unit: Unit) -> Estimate {
    let value = found.mean.unwrap_or(f64::NAN);
    let ends = found.ci_low.zip(found.ci_high);
    Estimate { value, interval: ends.map(|ends| held(ends, unit)) }
}

/// The part of an interval in which a measure can be: none is below zero, no share above one.
fn held((low, high): (f64, f64), unit: Unit) -> (f64, f64) {
    let most = if unit == Unit::Share { 1.0 } else { f64::INFINITY };
    (low.clamp(0.0, most), high.clamp(0.0, most))
}

/// A quantile with its interval, whose ends may be unknown.
fn quantile(found: Quantile) -> Estimate {
    let value = found.value.unwrap_or(f64::NAN);
    let (low, high) = (found.low, found.high);
    let ends = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
    Estimate { value, interval: low.or(high).map(|_| ends) }
}

/// The bounds that objectives set for a measure.
pub(super) fn references(findings: &Findings, column: &Column) -> Vec<Reference> {
    let of = findings.study.base.objectives.iter();
    let own = of.filter(|bound| format!("{}.{}", bound.entity, bound.measure) == column.path);
    let line = |at: f64| Reference { at, label: "objective".into() };
    let lines = own.flat_map(|bound| match bound.condition {
        Condition::Within { low, high } => [low, high].into_iter().flatten().map(line).collect(),
        Condition::Never => Vec::new(),
    });
    lines.collect()
}

/// What the chart of a mean that settles is called.
const CONVERGENCE: &str = "Convergence";

fn of_measure<'a>(findings: &'a Findings, shown: &'a Shown, charts: &mut Vec<Raised<'a>>) {
    let column = &findings.study.columns[shown.column];
    let measured = findings.points.iter().flat_map(|point| &point.measures);
    let Some(found) = measured.into_iter().find(|measured| measured.column == shown.column) else {
        return;
    };
    let estimate = &found.estimate;
    let all = estimate.n + estimate.undefined;
    let undefined = match estimate.undefined {
        0 => String::new(),
        undefined => format!(". Undefined in {undefined} of {}", counted(all, "replication")),
    };
    let caption = |what: &str, method: &str| Caption {
        title: format!("{what} of {}", column.path),
        subtitle: format!("{}{undefined}", source(findings)),
        n: if what == CONVERGENCE { all } else { estimate.n },
        method: method.to_owned(),
    };
    let x = Quantity::new(&column.path, unit(column));
    let references = references(findings, column);
    let chart = Distribution {
        caption: caption(
            "Distribution",
            "95 % intervals: mean as in estimates.csv, order statistics",
        ),
        x: x.clone(),
        values: shown.values.clone(),
        mean: Some(mean(estimate, unit(column))),
        quantiles: vec![
            (0.5, quantile(estimate.p50)),
            (0.95, quantile(estimate.p95)),
            (0.99, quantile(estimate.p99)),
        ],
        references: references.clone(),
    };
    charts.push((format!("distribution.{}", column.path), Box::new(move || chart.draw())));
    if column.unit != "fraction" {
        let (_, horizon) = findings.study.horizons();
        let days = horizon.seconds() / 86_400.0;
        let year = (364.0..=366.0).contains(&days);
        let period = if year { "year".into() } else { horizon.to_string() };
        let caption = caption("Exceedance", "95 % intervals by Clopper and Pearson");
        let (x, references) = (x.clone(), references.clone());
        let draw = move || {
            let (any, points) = ExceedanceChart::points(&shown.values, clopper_pearson);
            ExceedanceChart { caption, x, any, points, period, references }.draw()
        };
        charts.push((format!("exceedance.{}", column.path), Box::new(draw)));
    }
    if !shown.running.is_empty() {
        let running = shown.running.iter().map(|(n, mean, ends)| {
            let value = mean.unwrap_or(f64::NAN);
            let interval = ends.map(|ends| held(ends, unit(column)));
            (*n, Estimate { value, interval })
        });
        let chart = ConvergenceChart {
            caption: caption(CONVERGENCE, "95 % intervals of the mean as in estimates.csv"),
            y: x,
            running: running.collect(),
            references,
        };
        charts.push((format!("convergence.{}", column.path), Box::new(move || chart.draw())));
    }
}

/// Where numbers come from: the scenario and its seed.
pub(super) fn source(findings: &Findings) -> String {
    let base = findings.study.base;
    format!("{}, seed {}", base.name, base.seed)
}

/// How the means of a sweep and their intervals came about.
pub(super) fn method(findings: &Findings, column: usize) -> String {
    let found = findings.points.iter().flat_map(|point| &point.measures);
    let mut own = found.filter(|measured| measured.column == column).map(|one| &one.estimate);
    let bare = own.any(|found| found.mean.is_some() && found.ci_low.is_none());
    let none = if bare { ", where replications differ" } else { "" };
    format!("Mean with its 95 % interval{none}")
}

/// The mean of a measure at a point that has it; not a number where it is undefined.
pub(super) fn at_point(
    findings: &Findings,
    point: &PointEstimates,
    column: usize,
) -> Option<Estimate> {
    let found = point.measures.iter().find(|measured| measured.column == column)?;
    Some(mean(&found.estimate, unit(&findings.study.columns[column])))
}

/// Curves over the factor of the axis, one for each choice of the others.
fn curves(findings: &Findings, sweep: &Sweep, column: usize, axis: usize) -> Vec<Curve> {
    let names = panels::levels(sweep, axis);
    // Lines in the order of the levels in the file.
    let mut curves: Vec<Curve> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for point in &findings.points {
        let Some(estimate) = at_point(findings, point, column) else { continue };
        let own = &sweep.points[point.point];
        let others = (0..sweep.factors.len()).filter(|factor| *factor != axis);
        let words: Vec<&str> = others.map(|factor| own.labels[factor].as_str()).collect();
        let place = panels::place_of(sweep, &names, own, axis);
        let label = words.join(", ");
        let at = *known.entry(label.clone()).or_insert_with(|| {
            curves.push(Curve { label, points: Vec::new() });
            curves.len() - 1
        });
        curves[at].points.push((place, estimate));
    }
    for curve in &mut curves {
        curve.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    curves
}

fn of_sweep(findings: &Findings, sweep: &Sweep, column: usize, charts: &mut Vec<Raised>) {
    let about = &findings.study.columns[column];
    let caption = |what: &str, lines: &str| Caption {
        title: format!("{} by {what}", about.path),
        subtitle: format!("{}{lines}", source(findings)),
        n: findings.pooled(),
        method: method(findings, column),
    };
    let levels = |factor: usize| -> Vec<String> {
        panels::levels(sweep, factor).into_iter().map(str::to_owned).collect()
    };
    let axis = panels::along(sweep);
    let (factor, kind) = if panels::numeric(sweep, axis) {
        (Factor::Numbers(panels::axis(sweep, axis)), "lines")
    } else {
        (Factor::Names(sweep.factors[axis].clone(), levels(axis)), "dots")
    };
    let others: Vec<usize> = (0..sweep.factors.len()).filter(|factor| *factor != axis).collect();
    let lines = match others.as_slice() {
        [] => String::new(),
        others => format!(": {kind} by {}", panels::named(sweep, others)),
    };
    let chart = FactorChart {
        caption: caption(&sweep.factors[axis], &lines),
        factor,
        y: Quantity::new(&about.path, unit(about)),
        series: curves(findings, sweep, column, axis),
        references: references(findings, about),
    };
    charts.push((format!("factor.{}", about.path), Box::new(move || chart.draw())));
    if sweep.factors.len() == 2 {
        let (x, y) = (levels(0), levels(1));
        let mut cells = vec![vec![None; x.len()]; y.len()];
        for point in &findings.points {
            let own = &sweep.points[point.point].labels;
            let column_of = x.iter().position(|name| *name == own[0]);
            let row_of = y.iter().position(|name| *name == own[1]);
            if let Some((row, place)) = row_of.zip(column_of) {
                cells[row][place] = at_point(findings, point, column);
            }
        }
        let chart = HeatMap {
            caption: caption(&format!("{} and {}", sweep.factors[0], sweep.factors[1]), ""),
            x: Levels { label: sweep.factors[0].clone(), names: x },
            y: Levels { label: sweep.factors[1].clone(), names: y },
            value: Quantity::new(&about.path, unit(about)),
            cells,
        };
        charts.push((format!("heatmap.{}", about.path), Box::new(move || chart.draw())));
    }
}
