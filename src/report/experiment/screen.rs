//! What an experiment found, on one screen.

use super::scatter::words;
use super::summary::assumptions;
use super::{Findings, Judged, candidates};
use crate::experiment::estimates::{Measured, PointEstimates};
use crate::report::compare::signed;
use crate::report::summary::{condition, one_line, quantity};
use crate::report::words::counted;
use crate::stats::{Estimate, Method};
use crate::systems::spec::Role;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Measures shown of each system and client.
const SHOWN: [&str; 4] = ["availability", "downtime", "outages", "longest-outage"];
/// Entities that fit on a screen.
const ENTITIES_MAX: usize = 6;
/// Points that fit on a screen.
const POINTS_MAX: usize = 40;
/// Verdicts that fit on a screen.
const VERDICTS_MAX: usize = 12;
/// Warnings that fit on a screen.
const WARNINGS_MAX: usize = 8;

/// The findings on one screen.
pub fn screen(findings: &Findings) -> String {
    let mut out = String::new();
    let scenario = findings.study.base;
    let _ = writeln!(
        out,
        "{}  ({} from {}, seed {})",
        scenario.name, scenario.horizon, scenario.start, scenario.seed
    );
    if !scenario.description.is_empty() {
        let _ = writeln!(out, "{}", one_line(&scenario.description));
    }
    let worlds = findings.study.worlds();
    let each = counted(findings.replications, "replication");
    let points_of = counted(findings.points.len(), "point");
    let _ = match (findings.sweep(), worlds) {
        (None, 1) => writeln!(out, "{each}"),
        (None, _) => {
            writeln!(out, "{worlds} worlds, {each} in each: intervals are over worlds")
        }
        (Some(_), 1) => writeln!(out, "{points_of}, {each} at each"),
        (Some(_), _) => writeln!(out, "{points_of}, {worlds} worlds, {each} in each"),
    };
    match findings.sweep() {
        None => findings.points.iter().for_each(|point| estimates(findings, point, &mut out)),
        Some(_) => points(findings, &mut out),
    }
    verdicts(findings, &mut out);
    let warnings = findings.warnings();
    if !warnings.is_empty() {
        let _ = writeln!(out, "\nBefore trusting the numbers");
        for warning in warnings.iter().take(WARNINGS_MAX) {
            let _ = writeln!(out, "  {}", one_line(warning));
        }
        if warnings.len() > WARNINGS_MAX {
            let _ = writeln!(out, "  ... {} more in summary.json", warnings.len() - WARNINGS_MAX);
        }
    }
    let assumed = assumptions(findings);
    if !assumed.is_empty() {
        let _ = writeln!(out, "\nAssumed, for no source gives a number (see summary.json)");
        for assumption in &assumed {
            let _ = writeln!(out, "  {} = {}", assumption.parameter, assumption.value);
        }
    }
    out
}

/// The interval of a mean in words.
fn interval(estimate: &Estimate, unit: &str) -> String {
    match (estimate.ci_low, estimate.ci_high, estimate.other_max) {
        (Some(low), Some(high), _) => {
            format!("{} to {}", quantity(Some(low), unit), quantity(Some(high), unit))
        }
        (_, _, Some(other)) => {
            let what = if estimate.n == 0 { "defined" } else { "another value" };
            format!("{what} in at most {}", quantity(Some(other), "fraction"))
        }
        _ => "no interval".to_owned(),
    }
}

/// A number of a measure; a measure without values has none.
fn cell(value: Option<f64>, unit: &str) -> String {
    if value.is_none() { "-".to_owned() } else { quantity(value, unit) }
}

/// The estimates of the systems and clients of a point.
fn estimates(findings: &Findings, point: &PointEstimates, out: &mut String) {
    let study = findings.study;
    let entity = |measured: &Measured| {
        let column = &study.columns[measured.column];
        let (path, name) = column.path.rsplit_once('.').unwrap_or((&column.path, ""));
        let shown = [Role::System, Role::Client].contains(&column.role) && SHOWN.contains(&name);
        shown.then(|| (path.to_owned(), name.to_owned()))
    };
    let downtime = |path: &str| {
        let column = study.column(&format!("{path}.downtime"));
        let of = point.measures.iter().find(|measured| Some(measured.column) == column);
        of.and_then(|measured| measured.estimate.mean).unwrap_or(0.0)
    };
    let mut paths: Vec<String> =
        point.measures.iter().filter_map(entity).map(|(path, _)| path).collect();
    paths.dedup();
    let all = paths.len();
    paths.sort_by(|a, b| downtime(b).total_cmp(&downtime(a)).then(a.cmp(b)));
    paths.truncate(ENTITIES_MAX);
    paths.sort_unstable();
    if paths.is_empty() {
        return;
    }
    let (mut methods, mut quantiles) = (BTreeSet::new(), BTreeSet::new());
    let _ = writeln!(
        out,
        "\n{:16}  {:>14}  {:>32}  {:>14}  {:>14}  {:>14}",
        "", "mean", "95 % interval of the mean", "median", "95 % quantile", "max"
    );
    for path in &paths {
        let _ = writeln!(out, "{path}");
        for name in SHOWN {
            let column = study.column(&format!("{path}.{name}"));
            let found = point.measures.iter().find(|measured| Some(measured.column) == column);
            let Some(measured) = found else { continue };
            let (of, unit) = (&measured.estimate, study.columns[measured.column].unit);
            methods.insert(of.method.words());
            quantiles.insert(of.quantiles());
            let _ = writeln!(
                out,
                "  {name:14}  {:>14}  {:>32}  {:>14}  {:>14}  {:>14}{}",
                cell(of.mean, unit),
                interval(of, unit),
                cell(of.p50.value, unit),
                cell(of.p95.value, unit),
                cell(of.max, unit),
                match of.undefined {
                    0 => String::new(),
                    undefined => format!("  (undefined in {undefined})"),
                }
            );
        }
    }
    if all > paths.len() {
        let more = all - paths.len();
        let _ =
            writeln!(out, "... {more} more in estimates.csv; shown are those with most downtime");
    }
    told(&methods, &quantiles, out);
}

/// How the intervals and the quantiles on the screen came about.
fn told(methods: &BTreeSet<&str>, quantiles: &BTreeSet<&str>, out: &mut String) {
    if methods.is_empty() {
        return;
    }
    let names = |of: &BTreeSet<&str>| of.iter().copied().collect::<Vec<&str>>().join("; ");
    let _ = write!(out, "Intervals by: {}", names(methods));
    if !quantiles.is_empty() {
        let _ = write!(out, ". Quantiles by: {}", names(quantiles));
    }
    let _ = writeln!(out, " (docs/experiments.md)");
}

/// One measure at each point: the first objective's, or else the downtime of the system that charts
/// show first; if none is ever down, of the first.
fn points(findings: &Findings, out: &mut String) {
    let study = findings.study;
    let Some(sweep) = findings.sweep() else { return };
    let first = study.base.objectives.first();
    let objective = first.and_then(|b| study.column(&format!("{}.{}", b.entity, b.measure)));
    let downtime = || findings.columns().into_iter().chain(candidates(study)).next();
    let Some(column) = objective.or_else(downtime) else { return };
    let _ = writeln!(out, "\n{}", study.columns[column].path);
    let unit = study.columns[column].unit;
    let labels = |point: &PointEstimates| words(sweep, &sweep.points[point.point]);
    let shown = || findings.points.iter().take(POINTS_MAX);
    let width = shown().map(|point| labels(point).chars().count()).max().unwrap_or(0);
    let mut methods = BTreeSet::new();
    let against = if sweep.baseline.is_some() { "  difference from the baseline" } else { "" };
    let _ = writeln!(
        out,
        "{:>5}  {:width$}  {:>14}  {:>32}{against}",
        "point", "", "mean", "95 % interval of the mean"
    );
    for point in shown() {
        let found = point.measures.iter().find(|measured| measured.column == column);
        let (mean, ends) = match found {
            Some(Measured { estimate, .. }) if estimate.method != Method::Nothing => {
                methods.insert(estimate.method.words());
                (cell(estimate.mean, unit), interval(estimate, unit))
            }
            _ => ("-".to_owned(), String::new()),
        };
        let base = difference(findings, point.point, column);
        let label = one_line(&labels(point));
        let _ = writeln!(out, "{:>5}  {label:width$}  {mean:>14}  {ends:>32}{base}", point.point);
    }
    if findings.points.len() > POINTS_MAX {
        let _ = writeln!(out, "... {} more in sweep.csv", findings.points.len() - POINTS_MAX);
    }
    told(&methods, &BTreeSet::new(), out);
}

/// What makes a point differ from the baseline, if there is one.
fn difference(findings: &Findings, point: usize, column: usize) -> String {
    if findings.sweep().and_then(|sweep| sweep.baseline) == Some(point) {
        return "  is the baseline".to_owned();
    }
    match findings.against(point, column) {
        None => String::new(),
        Some(found) => {
            let unit = findings.study.columns[column].unit;
            format!("  {} ({})", signed(found.difference, unit), found.verdict.word())
        }
    }
}

/// What the objectives come to.
fn verdicts(findings: &Findings, out: &mut String) {
    if findings.study.base.objectives.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nObjectives, judged on the 95 % interval of the mean");
    let several = findings.sweep().is_some();
    let all: Vec<(usize, Judged)> = findings
        .points
        .iter()
        .flat_map(|point| findings.judged(point).map(move |judged| (point.point, judged)))
        .collect();
    for (point, Judged { bound, measured, verdict }) in all.iter().take(VERDICTS_MAX) {
        let mean = measured.and_then(|measured| measured.estimate.mean);
        let at = if several { format!("point {point}: ") } else { String::new() };
        let undefined = match measured.map_or(0, |measured| measured.estimate.undefined) {
            0 => String::new(),
            undefined => format!(", undefined in {}", counted(undefined, "replication")),
        };
        // That it never comes is known up to a bound.
        let unseen = match measured.map(|measured| &measured.estimate) {
            Some(estimate) if estimate.n == 0 && estimate.other_max.is_some() => {
                format!(", {} of all", interval(estimate, bound.unit))
            }
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "  {at}{}.{} {}: {} (mean {}{undefined}{unseen})",
            bound.entity,
            bound.measure,
            condition(bound),
            verdict.word(),
            cell(mean, bound.unit),
        );
    }
    if all.len() > VERDICTS_MAX {
        let _ = writeln!(out, "  ... {} more in summary.json", all.len() - VERDICTS_MAX);
    }
}
