//! An experiment made ready: its points, the columns of what they yield, and how to play a cell.

use super::Model;
use super::outcome::{Outcome, measures_of};
use super::plan::Cell;
use super::rows::Batch;
use super::run::Cells;
use crate::diag::{Diagnostic, Severity, Sources};
use crate::engine::{Budget, Halt, SimDuration, Streams, Trace};
use crate::limits::DIAGNOSTICS_SHOWN_MAX;
use crate::scenario::Scenario;
use crate::scenario::read::Template;
use crate::scenario::sweep::{Point, Sweep, Uncertain};
use crate::systems;
use crate::systems::contract::SweepMode;
use crate::systems::spec::{EntityKind, How, Origin, Role};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

/// Loads what a scenario names, from any thread.
pub type Files<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + Sync + 'a;

/// A column: a measure of any of the points.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Path of the measure.
    pub path: String,
    /// Bytes of the path that name its entity.
    pub entity: usize,
    /// Its unit.
    pub unit: &'static str,
    /// What all its values lie in, where that is known; of a span of time, up to a horizon.
    pub range: Option<(f64, f64)>,
    /// What its entity is to a reader.
    pub role: Role,
}

/// The columns that a scenario's measures fill, in the order of their paths.
fn columns(scenario: &Scenario) -> impl Iterator<Item = Column> {
    let horizon = scenario.horizon.seconds();
    scenario.entities.iter().flat_map(move |(path, kind)| {
        measures_of(kind).map(move |spec| Column {
            path: format!("{path}.{}", spec.name),
            entity: path.len(),
            unit: spec.unit,
            range: match (spec.how, spec.unit) {
                (How::Irreversible, _) | (_, "fraction") => Some((0.0, 1.0)),
                // What is told may look beyond the horizon, and counts have no upper end.
                (How::Told | How::Counted | How::Priced(_) | How::Logged(_) | How::Sum(_), _)
                | (How::Common, "count") => None,
                (
                    How::TimeIn(_) | How::FirstError | How::Lockout | How::Recovery | How::Common,
                    _,
                ) => Some((0.0, horizon)),
            },
            role: kind.role,
        })
    })
}

/// The model constants that no source gives a number for and that a scenario leaves at their
/// default: what a result may hang on without saying so.
fn constants(scenario: &Scenario) -> Vec<String> {
    let mut found = Vec::new();
    for system in systems::ALL {
        let node = systems::contract::model(&scenario.root, system.name);
        for spec in system.model.iter().filter(|spec| spec.source.starts_with("assumed")) {
            if node.get(spec.name).is_some_and(|node| node.origin == Origin::Default) {
                found.push(format!("model.{}.{}", system.name, spec.name));
            }
        }
    }
    found.sort_unstable();
    found
}

/// Models that are kept ready: those of the points that are being played.
const MODELS_KEPT: usize = 32;

/// What is made of a point, once.
type Slot<T> = Arc<OnceLock<T>>;

/// What is made of the points that are being played, for all threads.
pub(super) struct Made<T>(Mutex<Vec<(usize, Slot<T>)>>);

impl<T: Clone> Made<T> {
    /// Nothing yet.
    pub(super) fn new() -> Made<T> {
        Made(Mutex::new(Vec::new()))
    }

    /// What is made of some points already.
    fn already(made: Vec<(usize, T)>) -> Made<T> {
        let slot = |(point, made)| (point, Slot::new(OnceLock::from(made)));
        Made(Mutex::new(made.into_iter().map(slot).collect()))
    }

    /// What is made of a point, when it is first asked for.
    pub(super) fn get(&self, point: usize, make: impl FnOnce() -> T) -> T {
        let slot = {
            let mut kept = match self.0.lock() {
                Ok(kept) => kept,
                // The list is whole whoever panicked.
                Err(poisoned) => poisoned.into_inner(),
            };
            match kept.iter().find(|(known, _)| *known == point) {
                Some((_, slot)) => slot.clone(),
                None => {
                    if kept.len() >= MODELS_KEPT {
                        kept.remove(0);
                    }
                    let slot = Slot::default();
                    kept.push((point, slot.clone()));
                    slot
                }
            }
        };
        slot.get_or_init(make).clone()
    }
}

/// An experiment made ready.
pub struct Study<'a> {
    template: &'a Template,
    files: &'a Files<'a>,
    /// What each point writes into the scenario: a design point, a world, both or nothing.
    points: Vec<Vec<&'a Point>>,
    /// Names of the factors of each part of a point.
    factors: Vec<&'a [String]>,
    /// How many worlds each design point has.
    worlds: usize,
    /// The scenario without any point's values.
    pub base: &'a Scenario,
    /// What is measured at any point, in the order of the paths.
    pub columns: Vec<Column>,
    /// The columns that points fill: each set once.
    sets: Vec<Vec<usize>>,
    /// Which set each point fills.
    set_of: Vec<usize>,
    /// The assumed constants left at their default, in order.
    pub constants: Vec<String>,
    /// Warnings of the points.
    pub warnings: Vec<Diagnostic>,
    /// The horizon of each point.
    horizons: Vec<SimDuration>,
    models: Made<(Arc<Model>, u64)>,
}

/// A point to be read: its index, and what it writes into the scenario.
type Read = Result<Sound, Vec<Diagnostic>>;

/// What a sound point has.
struct Sound {
    columns: Vec<Column>,
    warnings: Vec<Diagnostic>,
    horizon: SimDuration,
    /// Its model with its seed, if it is one of the first: they are played first.
    model: Option<(Arc<Model>, u64)>,
}

/// Every design point in every world.
fn points<'a>(
    sweep: Option<&'a Sweep>,
    uncertain: Option<&'a Uncertain>,
    worlds: usize,
) -> Vec<Vec<&'a Point>> {
    let design: Vec<Option<&Point>> =
        sweep.map_or(vec![None], |sweep| sweep.points.iter().map(Some).collect());
    let world = |world: usize| uncertain.and_then(|uncertain| uncertain.draws.get(world));
    design
        .iter()
        .flat_map(|point| {
            (0..worlds).map(move |number| point.iter().copied().chain(world(number)).collect())
        })
        .collect()
}

impl<'a> Study<'a> {
    /// Reads every point before anything runs: all mistakes of all levels come back at once.
    ///
    /// # Errors
    /// A point is no sound scenario.
    pub fn new(
        template: &'a Template,
        files: &'a Files<'a>,
        base: &'a Scenario,
        sweep: bool,
        pool: &rayon::ThreadPool,
    ) -> Result<Study<'a>, (Vec<Diagnostic>, Sources)> {
        let sweep = base.sweep.as_ref().filter(|_| sweep);
        let worlds = base.uncertain.as_ref().map_or(1, |uncertain| uncertain.draws.len());
        Study::of((template, files), base, sweep, worlds, pool)
    }

    /// The scenario alone, in so many worlds: those of `[uncertain]`, or else all alike.
    ///
    /// # Errors
    /// A world is no sound scenario.
    pub fn in_worlds(
        template: &'a Template,
        files: &'a Files<'a>,
        base: &'a Scenario,
        worlds: usize,
        pool: &rayon::ThreadPool,
    ) -> Result<Study<'a>, (Vec<Diagnostic>, Sources)> {
        Study::of((template, files), base, None, worlds, pool)
    }

    fn of(
        (template, files): (&'a Template, &'a Files<'a>),
        base: &'a Scenario,
        sweep: Option<&'a Sweep>,
        worlds: usize,
        pool: &rayon::ThreadPool,
    ) -> Result<Study<'a>, (Vec<Diagnostic>, Sources)> {
        let unknown = base.uncertain.as_ref().map(|uncertain| uncertain.factors.as_slice());
        let varied = sweep.map(|sweep| sweep.factors.as_slice());
        let factors: Vec<&[String]> = varied.into_iter().chain(unknown).collect();
        let points = points(sweep, base.uncertain.as_ref(), worlds);
        let read = |(place, point): (usize, &Vec<&Point>)| -> Read {
            let scenario = template.scenario(point, files).map_err(|(found, _)| found)?;
            let model = || (Arc::new(Model::new(&scenario)), scenario.seed);
            Ok(Sound {
                model: (place < MODELS_KEPT).then(model),
                columns: columns(&scenario).collect(),
                horizon: scenario.horizon,
                warnings: scenario.warnings,
            })
        };
        // Where nothing is written into the scenario, all points are the first.
        let one = points.iter().all(Vec::is_empty);
        let different = if one { &points[..1] } else { &points };
        let read: Vec<Read> = pool.install(|| different.par_iter().enumerate().map(read).collect());
        let mut found = Vec::new();
        let mut warnings = base.warnings.clone();
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        let (mut path_sets, mut set_of): (Vec<Vec<String>>, _) = (Vec::new(), Vec::new());
        let (mut models, mut horizons) = (Vec::new(), Vec::new());
        for (place, (point, read)) in points.iter().zip(read).enumerate() {
            match read {
                Ok(sound) => {
                    models.extend(sound.model.map(|model| (place, model)));
                    horizons.push(sound.horizon);
                    note(&mut warnings, sound.warnings, point, &factors);
                    let own: Vec<String> =
                        sound.columns.iter().map(|column| column.path.clone()).collect();
                    let known = path_sets.iter().position(|set| *set == own);
                    set_of.push(known.unwrap_or(path_sets.len()));
                    if known.is_none() {
                        path_sets.push(own);
                        let pairs = sound.columns.into_iter().map(|c| (c.path.clone(), c));
                        columns.extend(pairs);
                    }
                }
                Err(wrong) => note(&mut found, wrong, point, &factors),
            }
        }
        set_of.resize(points.len(), 0);
        if found.iter().any(|wrong| wrong.severity == Severity::Error) {
            let place = |d: &Diagnostic| d.span.as_ref().map(|s| (s.source, s.range.start));
            found.sort_by_key(place);
            return Err((found, base.sources.clone()));
        }
        let place: BTreeMap<String, usize> = columns.keys().cloned().zip(0..).collect();
        let places = |set: Vec<String>| {
            let mut places: Vec<usize> =
                set.iter().filter_map(|path| place.get(path).copied()).collect();
            places.sort_unstable();
            places
        };
        let sets = path_sets.into_iter().map(places).collect();
        let columns = columns.into_values();
        // Points that write nothing into the scenario are one.
        horizons.resize(points.len(), base.horizon);
        Ok(Study {
            template,
            files,
            factors,
            worlds,
            base,
            columns: columns.collect(),
            sets,
            set_of,
            constants: constants(base),
            warnings,
            horizons,
            models: Made::already(models),
            points,
        })
    }

    /// How many points are played: design points times worlds.
    pub fn points(&self) -> usize {
        self.points.len()
    }

    /// How many worlds each design point has: one if nothing is uncertain.
    pub fn worlds(&self) -> usize {
        self.worlds
    }

    /// Paths of the entities of any point, in order.
    pub fn entities(&self) -> Vec<&str> {
        let all = self.columns.iter().map(|column| &column.path[..column.entity]);
        all.collect::<BTreeSet<&str>>().into_iter().collect()
    }

    /// The columns that a point fills, in order.
    pub fn own(&self, point: usize) -> &[usize] {
        &self.sets[self.set_of[point]]
    }

    /// The shortest and the longest horizon of any point.
    pub fn horizons(&self) -> (SimDuration, SimDuration) {
        let all = || self.horizons.iter().copied();
        let base = self.base.horizon;
        (all().min().unwrap_or(base), all().max().unwrap_or(base))
    }

    /// The longest horizon of the worlds of a design point.
    pub(super) fn horizon(&self, point: usize) -> SimDuration {
        let worlds = self.horizons.iter().skip(point * self.worlds).take(self.worlds);
        worlds.copied().max().unwrap_or(self.base.horizon)
    }

    /// What all values of a column lie in at a design point, where that is known.
    pub(super) fn range(&self, point: usize, column: usize) -> Option<(f64, f64)> {
        let Column { range, unit, .. } = &self.columns[column];
        let (low, high) = (*range)?;
        Some((low, if *unit == "s" { self.horizon(point).seconds() } else { high }))
    }

    /// Words of the bits of a row.
    pub(super) fn used_words(&self) -> usize {
        self.constants.len() / 64 + 1
    }

    /// The bit of a row that tells whether a random number was drawn, after those of the constants:
    /// its word, and what of that.
    fn drawn_bit(&self) -> (usize, u64) {
        let place = self.constants.len();
        (place / 64, 1 << (place % 64))
    }

    /// Was a random number drawn in any of the rows that have these bits together?
    pub(super) fn drawn(&self, used: &[u64]) -> bool {
        let (word, bit) = self.drawn_bit();
        used.get(word).is_none_or(|word| word & bit != 0)
    }

    /// What the bits of a row tell, in their order.
    pub(super) fn bits(&self) -> Vec<String> {
        self.constants.iter().cloned().chain([DRAWN.to_owned()]).collect()
    }

    /// A point in words; empty if it writes nothing.
    pub fn words(&self, point: usize) -> String {
        words(&self.factors, &self.points[point])
    }

    /// The column with a path.
    pub fn column(&self, path: &str) -> Option<usize> {
        self.columns.binary_search_by(|column| column.path.as_str().cmp(path)).ok()
    }

    /// The model of a point with its seed, made when it is first asked for.
    pub(super) fn model(&self, point: usize) -> (Arc<Model>, u64) {
        // Points that write nothing into the scenario are one.
        let same = if self.points[point].is_empty() { 0 } else { point };
        self.models.get(same, || {
            let scenario = self.template.scenario(&self.points[point], self.files);
            match scenario {
                Ok(scenario) => (Arc::new(Model::new(&scenario)), scenario.seed),
                Err((found, _)) => panic!("point {point} was read before: {found:?}"),
            }
        })
    }

    /// Which luck a cell meets: every world has its own; design points share it (common random
    /// numbers).
    pub(super) fn luck(&self, cell: Cell) -> u64 {
        let worlds = self.worlds as u64;
        cell.replication * worlds + cell.point as u64 % worlds
    }

    /// What plays the cells of a point.
    pub fn worker(&self, point: usize) -> Worker<'_> {
        let (model, seed) = self.model(point);
        let places = self.own(point);
        // Measures and columns are both in the order of their paths.
        debug_assert!(model.measures().eq(places.iter().map(|at| self.columns[*at].path.as_str())));
        Worker { places, model, seed, study: self, known: Vec::new() }
    }
}

impl Cells for Study<'_> {
    type Player<'a>
        = Worker<'a>
    where
        Self: 'a;
    type Error = Halt;

    fn player(&self, point: usize) -> Result<Worker<'_>, Halt> {
        Ok(self.worker(point))
    }

    fn room(&self, cells: usize) -> Batch {
        Batch::new(self.columns.len(), self.used_words(), cells)
    }

    fn play(&self, worker: &mut Worker<'_>, cell: Cell, to: &mut Batch) -> Result<(), Halt> {
        worker.play(cell, to)
    }
}

/// What the bit of a row tells that says whether it drew a random number.
pub const DRAWN: &str = "a random number";

/// A point in words.
fn words(factors: &[&[String]], point: &[&Point]) -> String {
    let pairs = point.iter().zip(factors);
    pairs.map(|(point, factors)| point.words(factors)).collect::<Vec<_>>().join(", ")
}

/// What introduces the first point that has a finding, and what says that more have it.
const AT_POINT: &str = " (at the point ";
const OTHERS: &str = ", among others)";
const FURTHER: &str = " (at further points with other numbers)";

/// A message without its numbers and the point it is of.
fn wording(message: &str) -> String {
    let start = message.split_once(AT_POINT).map_or(message, |(start, _)| start);
    let start = start.strip_suffix(FURTHER).unwrap_or(start);
    start.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect()
}

/// Says of a finding that more points have it.
fn among_others(message: &mut String) {
    if message.ends_with(OTHERS) || message.ends_with(FURTHER) {
        return;
    }
    match message.strip_suffix(')').filter(|start| start.contains(AT_POINT)) {
        Some(start) => *message = format!("{start}{OTHERS}"),
        None => message.push_str(FURTHER),
    }
}

/// Adds what is not yet known. What is wrong at none of a point's own values is told with the
/// first point that has it, for it may come from several of them together.
pub(super) fn note(
    known: &mut Vec<Diagnostic>,
    more: Vec<Diagnostic>,
    point: &[&Point],
    names: &[&[String]],
) {
    for mut wrong in more {
        let again = |old: &Diagnostic| {
            old.span == wrong.span
                && old.code == wrong.code
                && old.message.starts_with(&wrong.message)
        };
        if known.len() >= DIAGNOSTICS_SHOWN_MAX || known.iter().any(again) {
            continue;
        }
        let own = |place| point.iter().any(|point| point.said_at(place));
        if !point.is_empty() && !wrong.span.as_ref().is_some_and(own) {
            // A warning that differs from point to point in a number only is told once.
            let alike = |old: &&mut Diagnostic| {
                wrong.severity == Severity::Warning
                    && old.span == wrong.span
                    && old.code == wrong.code
                    && wording(&old.message) == wording(&wrong.message)
            };
            if let Some(old) = known.iter_mut().find(alike) {
                among_others(&mut old.message);
                continue;
            }
            wrong.message = format!("{}{AT_POINT}{})", wrong.message, words(names, point));
        }
        known.push(wrong);
    }
}

/// Plays the cells of one point.
pub struct Worker<'a> {
    study: &'a Study<'a>,
    model: Arc<Model>,
    seed: u64,
    /// The column of each measure of the model.
    places: &'a [usize],
    /// The constants met so far with their places among the study's.
    known: Vec<(&'static str, Option<usize>)>,
}

impl Worker<'_> {
    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Worker { seed, ..self }
    }

    /// The place of a constant among the study's.
    fn place(&mut self, constant: &'static str) -> Option<usize> {
        // The place of a text tells it apart faster than its letters do.
        let known = self.known.iter().find(|(known, _)| std::ptr::eq(*known, constant));
        if let Some((_, place)) = known {
            return *place;
        }
        let place = self.study.constants.binary_search_by(|other| other.as_str().cmp(constant));
        self.known.push((constant, place.ok()));
        place.ok()
    }

    /// The trace of a cell, and whether it drew a random number.
    fn trace(&self, cell: Cell) -> Result<(Trace, bool), Halt> {
        let streams = Streams::new(self.seed, self.study.luck(cell));
        let (sweeps, budget) = (SweepMode::Decisive, Budget::default());
        let trace = self.model.replicate_with(&streams, sweeps, budget)?;
        Ok((trace, streams.drawn()))
    }

    /// What a cell yields besides numbers.
    pub(super) fn outcome(&self, cell: Cell) -> Result<Outcome, Halt> {
        Ok(self.model.outcome(self.trace(cell)?.0))
    }

    /// Path and kind of every entity of the point, in the order of their ids.
    pub(super) fn entities(&self) -> Vec<(&str, &'static EntityKind)> {
        self.model.entities().collect()
    }

    /// Plays a cell, and adds its row: a pure function of the scenario, the point, the seed and the
    /// replication.
    ///
    /// # Errors
    /// A limit of the budget was reached.
    pub fn play(&mut self, cell: Cell, to: &mut Batch) -> Result<(), Halt> {
        let study = self.study;
        let (trace, drawn) = self.trace(cell)?;
        let row = to.add();
        if drawn {
            let (word, bit) = study.drawn_bit();
            row.used[word] |= bit;
        }
        for constant in &trace.used {
            if let Some(place) = self.place(constant) {
                row.used[place / 64] |= 1 << (place % 64);
            }
        }
        let outcome = self.model.outcome(trace);
        for (place, (_, value)) in self.places.iter().zip(outcome.measures.iter()) {
            row.values[*place] = value.unwrap_or(f64::NAN);
        }
        Ok(())
    }
}
