//! Which of the constants in doubt matters for a measure?

use super::Model;
use super::ordered::in_pieces;
use super::ranges::Doubt;
use crate::diag::{Diagnostic, Sources};
use crate::engine::{Budget, Halt, StreamNumber, Streams};
use crate::experiment::study::Files;
use crate::scenario::read::{Template, point};
use crate::stats::Moments;
use crate::stats::morris::{self, Effect};
use crate::stats::paired::{Difference, Paired};
use crate::stats::sobol::{self, Indices};
use crate::systems::contract::SweepMode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a study ended early.
#[derive(Debug)]
pub enum Failed {
    /// A point is no sound scenario.
    Point(Vec<Diagnostic>, Sources),
    /// A replication met a limit of its budget.
    Limit(Halt),
    /// There are more points or constants than a design has room for.
    Room,
    /// The user interrupted it; what was kept stays.
    Interrupted,
    /// What was found could not be kept.
    NotKept,
}

/// How a study is played: on which threads, from where on, and what is kept on the way.
pub struct Course<'a> {
    /// The threads.
    pub pool: &'a rayon::ThreadPool,
    /// The values of the first points, from before an interruption.
    pub known: Vec<Values>,
    /// Keeps the values of the next point; may fail.
    pub keep: &'a mut dyn FnMut(&Values) -> Result<(), Failed>,
    /// The user wants it to end.
    pub interrupted: &'a AtomicBool,
}

/// Points that are played before they are kept.
const KEPT_AT_ONCE: u64 = 32;

/// What is studied.
pub struct Question<'a> {
    /// The scenario.
    pub template: &'a Template,
    /// What it names.
    pub files: &'a Files<'a>,
    /// The seed of the scenario.
    pub seed: u64,
    /// The measure.
    pub measure: &'a str,
    /// Replications at each point; all points share their luck.
    pub replications: u64,
    /// The constants that are varied.
    pub doubts: &'a [Doubt],
}

/// A constant at a value other than that of the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Swing {
    /// Place of the constant among those that are varied.
    pub doubt: usize,
    /// The value.
    pub level: String,
    /// The measure there minus that of the scenario.
    pub difference: Difference,
}

/// What a study found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// One at a time.
    Tornado(Vec<Swing>),
    /// Morris screening.
    Morris(Vec<Effect>),
    /// Shares of variance, and how many rows of the design count. No shares where nothing varies.
    Sobol(usize, Option<Vec<Indices>>),
}

/// The measure at a point: a value per replication.
pub type Values = Vec<Option<f64>>;

impl Question<'_> {
    /// The measure at each point: a value per replication.
    fn play(
        &self,
        count: usize,
        values: impl Fn(usize) -> Option<Vec<(String, String)>> + Sync,
        course: Course<'_>,
    ) -> Result<Vec<Values>, Failed> {
        let Course { pool, known: mut all, keep, interrupted } = course;
        let at = |number: u64| -> Result<Values, Failed> {
            if interrupted.load(Ordering::Relaxed) {
                return Err(Failed::Interrupted);
            }
            let values = values(number as usize).ok_or(Failed::Room)?;
            let point = point(&values).ok_or(Failed::Room)?;
            let read = self.template.scenario(&[&point], self.files);
            let scenario = read.map_err(|(found, sources)| Failed::Point(found, sources))?;
            let model = Model::new(&scenario);
            let one = |replication: u64| {
                if interrupted.load(Ordering::Relaxed) {
                    return Err(Failed::Interrupted);
                }
                let trace = model
                    .replicate(self.seed, replication, SweepMode::Decisive, Budget::default())
                    .map_err(Failed::Limit)?;
                Ok(model.outcome(trace).measures.get(self.measure).copied().flatten())
            };
            (0..self.replications).map(one).collect::<Result<Values, Failed>>()
        };
        let rest = all.len() as u64..count as u64;
        in_pieces(KEPT_AT_ONCE, rest, pool, at, |_, values| {
            keep(&values)?;
            all.push(values);
            Ok(())
        })?;
        Ok(all)
    }

    /// The values of the constants at a point of the unit cube.
    fn at(&self, shares: &[f64]) -> Vec<(String, String)> {
        let pairs = self.doubts.iter().zip(shares);
        pairs.map(|(doubt, share)| (doubt.path.clone(), doubt.span.at(*share))).collect()
    }

    /// How many points one at a time takes.
    pub fn tornado_points(&self) -> usize {
        1 + self.doubts.iter().map(|doubt| doubt.span.levels(&doubt.base).len()).sum::<usize>()
    }

    /// Every constant alone, at each end of its range.
    ///
    /// # Errors
    /// A point is no sound scenario, a replication met a limit, or it ended early.
    pub fn tornado(&self, course: Course<'_>) -> Result<Found, Failed> {
        let mut points = vec![Vec::new()];
        let mut swings = Vec::new();
        for (place, doubt) in self.doubts.iter().enumerate() {
            for level in doubt.span.levels(&doubt.base) {
                points.push(vec![(doubt.path.clone(), level.clone())]);
                swings.push((place, level));
            }
        }
        let played = self.play(points.len(), |point| points.get(point).cloned(), course)?;
        let (base, others) = played.split_first().ok_or(Failed::Room)?;
        let swing = |((doubt, level), values): ((usize, String), &Values)| {
            let mut paired = Paired::default();
            base.iter().zip(values).for_each(|(a, b)| paired.push(*a, *b));
            Swing { doubt, level, difference: paired.estimate() }
        };
        Ok(Found::Tornado(swings.into_iter().zip(others).map(swing).collect()))
    }

    /// Morris screening by so many walks.
    ///
    /// # Errors
    /// A point is no sound scenario, a replication met a limit, or it ended early.
    pub fn morris(&self, walks: usize, course: Course<'_>) -> Result<Found, Failed> {
        let dims = self.doubts.len();
        let number = StreamNumber::of("sensitivity", "morris");
        let walks =
            morris::trajectories(walks, dims, &mut Streams::new(self.seed, 0).stream(number));
        // What a point writes is made when it is played: thousands of texts take seconds.
        let points: Vec<&Vec<f64>> = walks.iter().flat_map(|walk| &walk.points).collect();
        let at = |point: usize| points.get(point).map(|shares| self.at(shares));
        let means = means(&self.play(points.len(), at, course)?);
        let values: Vec<Values> = means.chunks(dims + 1).map(<[_]>::to_vec).collect();
        Ok(Found::Morris(morris::effects(&walks, &values, dims)))
    }

    /// Shares of variance, by so many rows of Saltelli's design.
    ///
    /// # Errors
    /// A point is no sound scenario, a replication met a limit, or the design is too large.
    pub fn sobol(&self, rows: usize, course: Course<'_>) -> Result<Found, Failed> {
        let dims = self.doubts.len();
        let number = StreamNumber::of("sensitivity", "sobol");
        let mut stream = Streams::new(self.seed, 0).stream(number);
        let shares = sobol::points(rows, dims, &mut stream).ok_or(Failed::Room)?;
        let at = |point: usize| shares.get(point).map(|shares| self.at(shares));
        let means = means(&self.play(shares.len(), at, course)?);
        let (count, indices) = sobol::indices(&means, dims);
        Ok(Found::Sobol(count, indices))
    }
}

/// The mean of each point over the replications in which the measure is defined.
fn means(played: &[Values]) -> Values {
    let mean = |values: &Values| {
        let mut moments = Moments::default();
        values.iter().flatten().for_each(|value| moments.push(*value));
        moments.mean()
    };
    played.iter().map(mean).collect()
}
