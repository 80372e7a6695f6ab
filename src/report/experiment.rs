//! What an experiment found: its tables, its summary, and what is shown on a screen.

pub mod attribution;
pub mod charts;
mod panels;
mod scatter;
pub mod screen;
pub mod summary;
pub mod tables;

use crate::experiment::differences::Against;
use crate::experiment::estimates::{Measured, PointEstimates};
use crate::experiment::judge::{Verdict, judge};
use crate::experiment::study::{Column, Study};
use crate::report::words::counted;
use crate::scenario::Bound;
use crate::scenario::sweep::{Sweep, Uncertain};
use crate::stats::Method;
use crate::stats::paired::Difference;
use crate::stats::quantile::enough_for;
use crate::systems::spec::Role;
use std::collections::BTreeMap;

/// What an experiment found.
pub struct Findings<'a> {
    /// The experiment.
    pub study: &'a Study<'a>,
    /// The command: `replicate` or `sweep`.
    pub command: &'static str,
    /// Replications at each point (of each world, if something is uncertain).
    pub replications: u64,
    /// The estimates of each design point.
    pub points: Vec<PointEstimates>,
    /// The other points of a sweep against its baseline, if it names one.
    pub against: Vec<Against>,
    /// What became of the wish for a precision.
    pub precision: Option<Reached>,
    /// The values of the measures that charts show: of `replicate`, and of a sweep with no more
    /// points than fit a chart.
    pub shown: Vec<charts::Shown>,
}

/// Measures that charts show.
const SHOWN_MAX: usize = 3;

/// The columns that charts may show: the measures of the objectives, or else the downtime of every
/// system.
pub fn candidates(study: &Study) -> Vec<usize> {
    let objectives = study.base.objectives.iter();
    let mut columns: Vec<usize> = objectives
        .filter_map(|bound| study.column(&format!("{}.{}", bound.entity, bound.measure)))
        .collect();
    if columns.is_empty() {
        let downtime = |(_, column): &(usize, &Column)| {
            column.role == Role::System && column.path.ends_with(".downtime")
        };
        return study.columns.iter().enumerate().filter(downtime).map(|(at, _)| at).collect();
    }
    columns.sort_unstable();
    columns.dedup();
    columns.truncate(SHOWN_MAX);
    columns
}

/// The columns that charts show: the measures of the objectives, or else the downtime of the systems
/// that are down for longest, in the mean over all points; of equals the first. What is never down
/// has no chart.
pub fn shown_columns(study: &Study, points: &[PointEstimates]) -> Vec<usize> {
    let columns = candidates(study);
    if !study.base.objectives.is_empty() {
        return columns;
    }
    let mut means: BTreeMap<usize, f64> = columns.into_iter().map(|at| (at, 0.0)).collect();
    for measured in points.iter().flat_map(|point| &point.measures) {
        if let Some(sum) = means.get_mut(&measured.column) {
            *sum += measured.estimate.mean.unwrap_or(0.0);
        }
    }
    let mut ranked: Vec<(usize, f64)> = means.into_iter().filter(|(_, sum)| *sum > 0.0).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().take(SHOWN_MAX).map(|(column, _)| column).collect()
}

/// What became of the wish for a precision.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Reached {
    /// The wish, as given.
    pub asked: String,
    /// The measures it was about.
    pub measures: Vec<String>,
    /// How many intervals are so narrow.
    pub reached: usize,
    /// Of how many.
    pub of: usize,
}

/// An objective with what the replications of a point say of it.
pub struct Judged<'a> {
    /// The objective.
    pub bound: &'a Bound,
    /// What was measured; nothing if the point has no such measure.
    pub measured: Option<&'a Measured>,
    /// What that says.
    pub verdict: Verdict,
}

impl<'a> Findings<'a> {
    /// The columns that charts show.
    pub fn columns(&self) -> Vec<usize> {
        shown_columns(self.study, &self.points)
    }

    /// The sweep, if this is one.
    pub fn sweep(&self) -> Option<&'a Sweep> {
        self.study.base.sweep.as_ref().filter(|_| self.command == "sweep")
    }

    /// A measure of a design point against the baseline.
    pub fn against(&self, point: usize, column: usize) -> Option<&Difference> {
        let place = self.against.binary_search_by_key(&point, |against| against.point).ok()?;
        let measures = &self.against[place].measures;
        let found = measures.binary_search_by_key(&column, |(own, _)| *own).ok()?;
        Some(&measures[found].1)
    }

    /// What is uncertain, if something is.
    pub fn uncertain(&self) -> Option<&'a Uncertain> {
        self.study.base.uncertain.as_ref()
    }

    /// The objectives at a design point.
    pub fn judged(&'a self, point: &'a PointEstimates) -> impl Iterator<Item = Judged<'a>> {
        self.study.base.objectives.iter().map(|bound| {
            let column = self.study.column(&format!("{}.{}", bound.entity, bound.measure));
            let measured = column.and_then(|column| {
                point.measures.iter().find(|measured| measured.column == column)
            });
            let verdict = measured.map_or(Verdict::Inconclusive, |one| judge(bound, &one.estimate));
            Judged { bound, measured, verdict }
        })
    }

    /// The worst verdict that counts: of the baseline, or else of all points.
    pub fn verdict(&self) -> Verdict {
        let baseline = self.sweep().and_then(|sweep| sweep.baseline);
        let counts = |point: &&PointEstimates| baseline.is_none_or(|base| base == point.point);
        let points = self.points.iter().filter(counts);
        let worst = points.flat_map(|point| self.judged(point)).map(|judged| judged.verdict).max();
        worst.unwrap_or(Verdict::Pass)
    }

    /// Replications at each point, of all worlds together.
    pub fn pooled(&self) -> u64 {
        self.replications * self.study.worlds() as u64
    }

    /// What a reader must know before trusting the numbers.
    pub fn warnings(&self) -> Vec<String> {
        let study = self.study;
        let mut all: Vec<String> =
            study.warnings.iter().map(|warning| warning.message.clone()).collect();
        // Where nothing is left to chance, a quantile is its own interval.
        let mut measures = self.points.iter().flat_map(|point| &point.measures);
        let random = measures.any(|measured| measured.estimate.method != Method::Certain);
        let pooled = self.pooled();
        let alike = study.worlds() > 1 && self.replications > 1;
        if alike {
            let note = "quantiles have no intervals: the replications of a world are alike, and \
                        intervals would take them for observations of their own";
            all.push(note.to_owned());
        }
        for (share, name) in [(0.05, "5 %"), (0.5, "50 %"), (0.95, "95 %"), (0.99, "99 %")] {
            let enough = enough_for(share);
            if random && !alike && pooled < enough {
                all.push(format!(
                    "too few replications for the {name} quantile: {pooled}, and {enough} are \
                     needed for an interval with two ends"
                ));
            }
        }
        let few = self.few();
        if let Some((first, count)) = few {
            all.push(format!(
                "{} on fewer than {FEW} {} that differ from the common value: too narrow; the first is \
                 that of {first}",
                match count {
                    1 => "1 interval rests".to_owned(),
                    _ => format!("{count} intervals rest"),
                },
                if study.worlds() > 1 { "worlds" } else { "replications" }
            ));
        }
        if let Some(precision) = self.precision.as_ref().filter(|p| p.reached < p.of) {
            all.push(format!(
                "the precision {} is reached for {} of {}; give more replications with \
                 --max",
                precision.asked,
                precision.reached,
                counted(precision.of, "interval")
            ));
        }
        all
    }

    /// The first measure whose interval rests on a handful of events, and how many there are.
    fn few(&self) -> Option<(String, usize)> {
        let rests = |measured: &&Measured| {
            let estimate = &measured.estimate;
            [Method::Student, Method::Worlds].contains(&estimate.method) && estimate.events < FEW
        };
        let mut found = self.points.iter().flat_map(|point| point.measures.iter().filter(rests));
        let first = found.next()?;
        Some((self.study.columns[first.column].path.clone(), 1 + found.count()))
    }
}

/// So many events make an interval by Student's t about as wide as it should be.
const FEW: u64 = 10;
