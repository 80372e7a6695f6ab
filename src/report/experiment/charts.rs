//! The charts of an experiment.

use super::Findings;
use crate::experiment::estimates::PointEstimates;
use crate::experiment::study::Column;
use crate::report::chart::{
    Caption, ChartError, ConvergenceChart, Curve, Distribution, Estimate, ExceedanceChart, Factor,
    FactorChart, HeatMap, Levels, Picture, Quantity, Reference, Unit,
};
use crate::scenario::Condition;
use crate::scenario::sweep::Sweep;
use crate::stats::proportion::clopper_pearson;
use crate::stats::{Estimate as Found, Quantile};
use std::collections::BTreeMap;

/// The values of a measure that is shown in charts.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its column.
    pub column: usize,
    /// Its values, with how often each came.
    pub values: Vec<(f64, u64)>,
    /// Mean and half-width after so many replications.
    pub running: Vec<(u64, Option<f64>, Option<f64>)>,
}

/// All charts, by the names of their files without endings.
///
/// # Errors
/// A chart could not be drawn.
pub fn all(findings: &Findings) -> Result<Vec<(String, Picture)>, ChartError> {
    let mut charts = Vec::new();
    match findings.sweep() {
        Some(sweep) => {
            for column in super::shown_columns(findings.study) {
                of_sweep(findings, sweep, column, &mut charts)?;
            }
        }
        None => {
            for shown in &findings.shown {
                of_measure(findings, shown, &mut charts)?;
            }
        }
    }
    Ok(charts)
}

fn unit(column: &Column) -> Unit {
    match column.unit {
        "s" => Unit::Seconds,
        "fraction" => Unit::Share,
        "USD" => Unit::Usd,
        _ => Unit::Count,
    }
}

/// A mean with its interval.
fn mean(found: &Found) -> Estimate {
    let value = found.mean.unwrap_or(f64::NAN);
    Estimate { value, interval: found.ci_low.zip(found.ci_high) }
}

/// A quantile with its interval, whose ends may be unknown.
fn quantile(found: Quantile) -> Estimate {
    let value = found.value.unwrap_or(f64::NAN);
    let (low, high) = (found.low, found.high);
    let ends = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
    Estimate { value, interval: low.or(high).map(|_| ends) }
}

/// The bounds that objectives set for a measure.
fn references(findings: &Findings, column: &Column) -> Vec<Reference> {
    let of = findings.study.base.objectives.iter();
    let own = of.filter(|bound| format!("{}.{}", bound.entity, bound.measure) == column.path);
    let line = |at: f64| Reference { at, label: "objective".into() };
    let lines = own.flat_map(|bound| match bound.condition {
        Condition::Within { low, high } => [low, high].into_iter().flatten().map(line).collect(),
        Condition::Never => Vec::new(),
    });
    lines.collect()
}

fn of_measure(
    findings: &Findings,
    shown: &Shown,
    charts: &mut Vec<(String, Picture)>,
) -> Result<(), ChartError> {
    let column = &findings.study.columns[shown.column];
    let measured = findings.points.iter().flat_map(|point| &point.measures);
    let Some(found) = measured.into_iter().find(|measured| measured.column == shown.column) else {
        return Ok(());
    };
    let estimate = &found.estimate;
    let caption = |what: &str, method: &str| Caption {
        title: format!("{what} of {}", column.path),
        subtitle: findings.study.base.name.clone(),
        n: estimate.n,
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
        mean: Some(mean(estimate)),
        quantiles: vec![
            (0.5, quantile(estimate.p50)),
            (0.95, quantile(estimate.p95)),
            (0.99, quantile(estimate.p99)),
        ],
        references: references.clone(),
    };
    charts.push((format!("distribution.{}", column.path), chart.draw()?));
    if column.unit != "fraction" {
        let (any, points) = ExceedanceChart::points(&shown.values, clopper_pearson);
        let days = findings.study.horizon.seconds() / 86_400.0;
        let year = (364.0..=366.0).contains(&days);
        let period = if year { "year".into() } else { findings.study.horizon.to_string() };
        let caption = caption("Exceedance", "95 % intervals by Clopper and Pearson");
        let chart = ExceedanceChart {
            caption,
            x: x.clone(),
            any,
            points,
            period,
            references: references.clone(),
        };
        charts.push((format!("exceedance.{}", column.path), chart.draw()?));
    }
    if !shown.running.is_empty() {
        let running = shown.running.iter().map(|(n, mean, half)| {
            let value = mean.unwrap_or(f64::NAN);
            (*n, Estimate { value, interval: half.map(|half| (value - half, value + half)) })
        });
        let chart = ConvergenceChart {
            caption: caption("Convergence", "95 % intervals of the mean by Student's t"),
            y: x,
            running: running.collect(),
            references,
        };
        charts.push((format!("convergence.{}", column.path), chart.draw()?));
    }
    Ok(())
}

/// The mean of a measure at a point.
fn at_point(point: &PointEstimates, column: usize) -> Option<Estimate> {
    let found = point.measures.iter().find(|measured| measured.column == column)?;
    found.estimate.mean.map(|_| mean(&found.estimate))
}

fn of_sweep(
    findings: &Findings,
    sweep: &Sweep,
    column: usize,
    charts: &mut Vec<(String, Picture)>,
) -> Result<(), ChartError> {
    let about = &findings.study.columns[column];
    let caption = |what: &str| Caption {
        title: format!("{} by {what}", about.path),
        subtitle: findings.study.base.name.clone(),
        n: findings.replications,
        method: "Mean with its 95 % interval".into(),
    };
    let levels = |factor: usize| {
        let mut names: Vec<String> = Vec::new();
        for point in &sweep.points {
            if !names.contains(&point.labels[factor]) {
                names.push(point.labels[factor].clone());
            }
        }
        names
    };
    // The factor of the horizontal axis: the first whose levels are numbers, or the first.
    let numeric = |factor: usize| sweep.points.iter().all(|point| point.amounts[factor].is_some());
    let axis = (0..sweep.factors.len()).find(|factor| numeric(*factor)).unwrap_or(0);
    let names = levels(axis);
    let factor = if numeric(axis) {
        let spans =
            sweep.points.iter().any(|p| p.amounts[axis].is_some_and(|(_, unit)| unit == "s"));
        let unit = if spans { Unit::Seconds } else { Unit::Number };
        Factor::Numbers(Quantity::new(&sweep.factors[axis], unit))
    } else {
        Factor::Names(sweep.factors[axis].clone(), names.clone())
    };
    let mut curves: BTreeMap<String, Vec<(f64, Estimate)>> = BTreeMap::new();
    for point in &findings.points {
        let Some(estimate) = at_point(point, column) else { continue };
        let own = &sweep.points[point.point];
        let others = (0..sweep.factors.len()).filter(|factor| *factor != axis);
        let words: Vec<&str> = others.map(|factor| own.labels[factor].as_str()).collect();
        let place = match own.amounts[axis].filter(|_| numeric(axis)) {
            Some((amount, _)) => amount,
            None => names.iter().position(|name| *name == own.labels[axis]).unwrap_or(0) as f64,
        };
        curves.entry(words.join(", ")).or_default().push((place, estimate));
    }
    let series = curves.into_iter().map(|(label, mut points)| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Curve { label, points }
    });
    let chart = FactorChart {
        caption: caption(&sweep.factors[axis]),
        factor,
        y: Quantity::new(&about.path, unit(about)),
        series: series.collect(),
        references: references(findings, about),
    };
    charts.push((format!("factor.{}", about.path), chart.draw()?));
    if sweep.factors.len() == 2 {
        let (x, y) = (levels(0), levels(1));
        let mut cells = vec![vec![None; x.len()]; y.len()];
        for point in &findings.points {
            let own = &sweep.points[point.point].labels;
            let column_of = x.iter().position(|name| *name == own[0]);
            let row_of = y.iter().position(|name| *name == own[1]);
            if let Some((row, place)) = row_of.zip(column_of) {
                cells[row][place] = at_point(point, column);
            }
        }
        let chart = HeatMap {
            caption: caption(&format!("{} and {}", sweep.factors[0], sweep.factors[1])),
            x: Levels { label: sweep.factors[0].clone(), names: x },
            y: Levels { label: sweep.factors[1].clone(), names: y },
            value: Quantity::new(&about.path, unit(about)),
            cells,
        };
        charts.push((format!("heatmap.{}", about.path), chart.draw()?));
    }
    Ok(())
}
