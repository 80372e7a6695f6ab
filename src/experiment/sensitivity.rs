//! Which of the constants in doubt matters for a measure?

use super::Model;
use super::plan::Cell;
use super::ranges::Doubt;
use super::rows::{Batch, Row};
use super::run::Cells;
use super::study::{Files, Made};
use crate::diag::{Diagnostic, Sources};
use crate::engine::{Budget, Halt, StreamNumber, Streams};
use crate::scenario::read::{Template, point};
use crate::stats::Moments;
use crate::stats::morris::{self, Effect, Trajectory};
use crate::stats::paired::{Difference, Paired};
use crate::stats::sobol::{self, Indices};
use crate::systems::contract::SweepMode;
use std::sync::Arc;

/// Why a point cannot be played.
#[derive(Clone, Debug)]
pub enum Failed {
    /// It is no sound scenario.
    Point(Vec<Diagnostic>, Sources),
    /// A replication met a limit of its budget.
    Limit(Halt),
    /// A design has no such point.
    Room,
}

/// The points of a study.
pub enum Design {
    /// The scenario, then every constant alone at each end of its range.
    Tornado(Vec<(usize, String)>),
    /// Walks that move each constant once.
    Morris(Vec<Trajectory>),
    /// The rows of Saltelli's design: shares of the ranges.
    Sobol(Vec<Vec<f64>>),
}

impl Design {
    /// One at a time.
    pub fn tornado(doubts: &[Doubt]) -> Design {
        let levels = |(place, doubt): (usize, &Doubt)| {
            doubt.span.levels(&doubt.base).into_iter().map(move |level| (place, level))
        };
        Design::Tornado(doubts.iter().enumerate().flat_map(levels).collect())
    }

    /// So many walks of Morris' screening.
    pub fn morris(walks: usize, doubts: &[Doubt], seed: u64) -> Design {
        let number = StreamNumber::of("sensitivity", "morris");
        let mut stream = Streams::new(seed, 0).stream(number);
        Design::Morris(morris::trajectories(walks, doubts.len(), &mut stream))
    }

    /// So many rows of Saltelli's design. Absent if there are too many constants for it.
    pub fn sobol(rows: usize, doubts: &[Doubt], seed: u64) -> Option<Design> {
        let number = StreamNumber::of("sensitivity", "sobol");
        let mut stream = Streams::new(seed, 0).stream(number);
        sobol::points(rows, doubts.len(), &mut stream).map(Design::Sobol)
    }

    /// How many points it has.
    pub fn points(&self) -> usize {
        match self {
            Design::Tornado(swings) => 1 + swings.len(),
            Design::Morris(walks) => walks.iter().map(|walk| walk.points.len()).sum(),
            Design::Sobol(points) => points.len(),
        }
    }

    /// What a point writes into the scenario. It is made when the point is played: thousands of
    /// texts take seconds.
    fn at(&self, point: usize, doubts: &[Doubt]) -> Option<Vec<(String, String)>> {
        let inside = |shares: &[f64]| {
            let pairs = doubts.iter().zip(shares);
            pairs.map(|(doubt, share)| (doubt.path.clone(), doubt.span.at(*share))).collect()
        };
        match self {
            Design::Tornado(swings) => match point.checked_sub(1) {
                None => Some(Vec::new()),
                Some(swing) => {
                    let (doubt, level) = swings.get(swing)?;
                    Some(vec![(doubts.get(*doubt)?.path.clone(), level.clone())])
                }
            },
            Design::Morris(walks) => {
                let each = doubts.len() + 1;
                let walk = walks.get(point / each)?;
                walk.points.get(point % each).map(|shares| inside(shares))
            }
            Design::Sobol(points) => points.get(point).map(|shares| inside(shares)),
        }
    }
}

/// What is studied.
pub struct Question<'a> {
    template: &'a Template,
    files: &'a Files<'a>,
    seed: u64,
    measure: &'a str,
    /// The constants that are varied.
    doubts: &'a [Doubt],
    design: &'a Design,
    models: Made<Result<Arc<Model>, Failed>>,
}

impl<'a> Question<'a> {
    /// A question to a scenario and what it names.
    pub fn new(
        (template, files): (&'a Template, &'a Files<'a>),
        seed: u64,
        measure: &'a str,
        doubts: &'a [Doubt],
        design: &'a Design,
    ) -> Question<'a> {
        Question { template, files, seed, measure, doubts, design, models: Made::new() }
    }
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

impl Cells for Question<'_> {
    type Player<'p>
        = Arc<Model>
    where
        Self: 'p;
    type Error = Failed;

    fn player(&self, number: usize) -> Result<Arc<Model>, Failed> {
        self.models.get(number, || {
            let values = self.design.at(number, self.doubts).ok_or(Failed::Room)?;
            let point = point(&values).ok_or(Failed::Room)?;
            let read = self.template.scenario(&[&point], self.files);
            let scenario = read.map_err(|(found, sources)| Failed::Point(found, sources))?;
            Ok(Arc::new(Model::new(&scenario)))
        })
    }

    fn room(&self, cells: usize) -> Batch {
        Batch::new(1, 1, cells)
    }

    /// All points share their luck.
    fn play(&self, model: &mut Arc<Model>, cell: Cell, to: &mut Batch) -> Result<(), Failed> {
        let (streams, budget) = (Streams::new(self.seed, cell.replication), Budget::default());
        let trace = model.replicate_with(&streams, SweepMode::Decisive, budget);
        let outcome = model.outcome(trace.map_err(Failed::Limit)?);
        let row = to.add();
        row.used[0] = u64::from(streams.drawn());
        let value = outcome.measures.get(self.measure).copied().flatten();
        row.values[0] = value.unwrap_or(f64::NAN);
        Ok(())
    }
}

/// What the values of the points come to, taken point by point.
pub struct Answer<'a> {
    question: &'a Question<'a>,
    /// The values of the scenario itself, where others are compared with it.
    base: Vec<Option<f64>>,
    swings: Vec<Paired>,
    means: Vec<Moments>,
    /// Was a random number drawn in any replication?
    drawn: bool,
}

impl<'a> Answer<'a> {
    /// Nothing yet.
    pub fn new(question: &'a Question<'a>) -> Answer<'a> {
        let (swings, means) = match question.design {
            Design::Tornado(swings) => (swings.len(), 0),
            Design::Morris(_) | Design::Sobol(_) => (0, question.design.points()),
        };
        Answer {
            question,
            base: Vec::new(),
            swings: vec![Paired::default(); swings],
            means: vec![Moments::default(); means],
            drawn: false,
        }
    }

    /// Takes the row of the next cell.
    pub fn push(&mut self, cell: Cell, row: Row<'_>) {
        self.drawn |= row.used != [0];
        let value = row.values.first().copied().filter(|value| !value.is_nan());
        if let Some(means) = self.means.get_mut(cell.point) {
            value.into_iter().for_each(|value| means.push(value));
        } else if let Some(swing) = cell.point.checked_sub(1) {
            let base = self.base.get(cell.replication as usize).copied().flatten();
            self.swings[swing].push(base, value);
        } else {
            self.base.push(value);
        }
    }

    /// What all values together say. Replications in which the measure is undefined do not count.
    pub fn found(&self) -> Found {
        let Question { doubts, design, .. } = *self.question;
        let dims = doubts.len();
        let means: Vec<Option<f64>> = self.means.iter().map(Moments::mean).collect();
        match design {
            Design::Tornado(swings) => {
                let of = |paired: &Paired| match self.drawn {
                    true => paired.estimate(),
                    false => paired.estimate().certain(),
                };
                let swing = |((doubt, level), paired): (&(usize, String), &Paired)| Swing {
                    doubt: *doubt,
                    level: level.clone(),
                    difference: of(paired),
                };
                Found::Tornado(swings.iter().zip(&self.swings).map(swing).collect())
            }
            Design::Morris(walks) => {
                let values: Vec<Vec<Option<f64>>> =
                    means.chunks(dims + 1).map(<[_]>::to_vec).collect();
                Found::Morris(morris::effects(walks, &values, dims))
            }
            Design::Sobol(_) => {
                let (count, indices) = sobol::indices(&means, dims);
                Found::Sobol(count, indices)
            }
        }
    }
}
