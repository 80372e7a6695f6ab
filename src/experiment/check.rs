//! Are the points of an experiment sound scenarios? Nothing is played.

use super::study::{Files, note};
use crate::diag::Diagnostic;
use crate::scenario::Scenario;
use crate::scenario::read::Template;
use crate::scenario::sweep::Point;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Points that are read: seconds on a common machine. The commands that play them read all.
const READ_MAX: usize = 1_000;

/// What was found.
pub struct Checked {
    /// Everything told of the scenario and of its points, in the order of their places.
    pub found: Vec<Diagnostic>,
    /// Points that were read.
    pub read: usize,
    /// Points that there are; none without `[sweep]` and `[uncertain]`.
    pub of: usize,
}

/// So many of the points, those that bring a new level first, so that every level is among them as
/// far as there is room.
fn picked(points: &[Point], most: usize) -> Vec<&Point> {
    let mut seen: BTreeSet<(usize, &str)> = BTreeSet::new();
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for point in points {
        let known = seen.len();
        seen.extend(point.labels.iter().map(String::as_str).enumerate());
        if seen.len() > known { &mut first } else { &mut rest }.push(point);
    }
    first.into_iter().chain(rest).take(most).collect()
}

/// Reads the points of `[sweep]` and the worlds of `[uncertain]`: all mistakes of all levels come
/// at once. Of more than a thousand only some are read.
pub fn check_points(
    template: &Template,
    files: &Files<'_>,
    base: &Scenario,
    pool: &rayon::ThreadPool,
) -> Checked {
    let nothing: &[Point] = &[];
    let design = base.sweep.as_ref().map_or(nothing, |sweep| &sweep.points);
    let worlds = base.uncertain.as_ref().map_or(nothing, |uncertain| &uncertain.draws);
    let varied = base.sweep.as_ref().map(|sweep| sweep.factors.as_slice());
    let unknown = base.uncertain.as_ref().map(|uncertain| uncertain.factors.as_slice());
    let names: Vec<&[String]> = varied.into_iter().chain(unknown).collect();
    let of = match (design.len(), worlds.len()) {
        (0, 0) => 0,
        (design, worlds) => design.max(1).saturating_mul(worlds.max(1)),
    };
    let points: Vec<Vec<&Point>> = if of <= READ_MAX {
        let worlds: Vec<Option<&Point>> = options(worlds);
        options(design)
            .into_iter()
            .flat_map(|point| {
                worlds.iter().map(move |world| point.into_iter().chain(*world).collect())
            })
            .filter(|point: &Vec<&Point>| !point.is_empty())
            .collect()
    } else {
        // Every one of those picked, with the first of the others.
        let of_design = picked(design, READ_MAX).into_iter();
        let of_worlds = picked(worlds, READ_MAX).into_iter().skip(usize::from(!design.is_empty()));
        let (first, world) = (design.first(), worlds.first());
        of_design
            .map(|point| [Some(point), world].into_iter().flatten().collect())
            .chain(of_worlds.map(|world| [first, Some(world)].into_iter().flatten().collect()))
            .collect()
    };
    let read = |point: &Vec<&Point>| match template.scenario(point, files) {
        Ok(scenario) => scenario.warnings,
        Err((found, _)) => found,
    };
    let told: Vec<Vec<Diagnostic>> = pool.install(|| points.par_iter().map(read).collect());
    let mut found = base.warnings.clone();
    for (point, told) in points.iter().zip(told) {
        note(&mut found, told, point, &names);
    }
    let place = |wrong: &Diagnostic| {
        wrong.span.as_ref().map(|span| (span.source, span.range.start, span.range.end))
    };
    found.sort_by_key(place);
    Checked { found, read: points.len(), of }
}

/// Each of the points, or none at all.
fn options(points: &[Point]) -> Vec<Option<&Point>> {
    if points.is_empty() { vec![None] } else { points.iter().map(Some).collect() }
}
