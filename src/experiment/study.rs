//! An experiment made ready: its points, the columns of what they yield, and how to play a cell.

use super::Model;
use super::outcome::measures_of;
use super::plan::Cell;
use super::run::Row;
use crate::diag::{Diagnostic, Severity, Sources};
use crate::engine::{Budget, Halt, SimDuration};
use crate::limits::DIAGNOSTICS_SHOWN_MAX;
use crate::scenario::Scenario;
use crate::scenario::read::Template;
use crate::scenario::sweep::Point;
use crate::systems;
use crate::systems::contract::SweepMode;
use crate::systems::spec::{How, Origin, Role};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

/// Loads what a scenario names, from any thread.
pub type Files<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + Sync + 'a;

/// A column: a measure of any of the points.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Path of the measure.
    pub path: String,
    /// Its unit.
    pub unit: &'static str,
    /// What all its values lie in, where that is known.
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

/// The model of a point with its seed, made once.
type Slot = Arc<OnceLock<(Arc<Model>, u64)>>;

/// A model that is made already.
fn slot(model: (Arc<Model>, u64)) -> Slot {
    let slot = OnceLock::new();
    slot.get_or_init(|| model);
    Arc::new(slot)
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
    /// The longest horizon of any point.
    pub horizon: SimDuration,
    models: Mutex<Vec<(usize, Slot)>>,
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
        let nothing: &[Point] = &[];
        let sweep = base.sweep.as_ref().filter(|_| sweep);
        let design = sweep.map_or(nothing, |sweep| &sweep.points);
        let varied = sweep.map(|sweep| sweep.factors.as_slice());
        let unknown = base.uncertain.as_ref().map(|uncertain| uncertain.factors.as_slice());
        let factors: Vec<&[String]> = varied.into_iter().chain(unknown).collect();
        let worlds = base.uncertain.as_ref().map_or(nothing, |uncertain| &uncertain.draws);
        let design: Vec<Option<&Point>> =
            if design.is_empty() { vec![None] } else { design.iter().map(Some).collect() };
        let worlds: Vec<Option<&Point>> =
            if worlds.is_empty() { vec![None] } else { worlds.iter().map(Some).collect() };
        let points: Vec<Vec<&Point>> = design
            .iter()
            .flat_map(|point| {
                worlds.iter().map(|world| point.iter().chain(world).copied().collect())
            })
            .collect();
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
        let read: Vec<Read> = pool.install(|| points.par_iter().enumerate().map(read).collect());
        let mut found = Vec::new();
        let mut warnings = base.warnings.clone();
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        let (mut path_sets, mut set_of): (Vec<Vec<String>>, _) = (Vec::new(), Vec::new());
        let mut horizon = SimDuration::ZERO;
        let mut models = Vec::new();
        for (place, (point, read)) in points.iter().zip(read).enumerate() {
            match read {
                Ok(sound) => {
                    models.extend(sound.model.map(|model| (place, slot(model))));
                    horizon = horizon.max(sound.horizon);
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
        if found.iter().any(|wrong| wrong.severity == Severity::Error) {
            let place = |d: &Diagnostic| d.span.as_ref().map(|s| (s.source, s.range.start));
            found.sort_by_key(place);
            return Err((found, base.sources.clone()));
        }
        // A span of time is bounded by the longest horizon of any point.
        let bounded = |column: Column| Column {
            range: column.range.map(|(low, high)| {
                (low, if column.unit == "s" { horizon.seconds() } else { high })
            }),
            ..column
        };
        let place: BTreeMap<String, usize> = columns.keys().cloned().zip(0..).collect();
        let places = |set: Vec<String>| {
            let mut places: Vec<usize> =
                set.iter().filter_map(|path| place.get(path).copied()).collect();
            places.sort_unstable();
            places
        };
        let sets = path_sets.into_iter().map(places).collect();
        let columns = columns.into_values().map(bounded);
        Ok(Study {
            template,
            files,
            factors,
            worlds: worlds.len(),
            base,
            columns: columns.collect(),
            sets,
            set_of,
            constants: constants(base),
            warnings,
            horizon,
            models: Mutex::new(models),
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

    /// The columns that a point fills, in order.
    pub fn own(&self, point: usize) -> &[usize] {
        &self.sets[self.set_of[point]]
    }

    /// A point in words; empty if it writes nothing.
    pub fn words(&self, point: usize) -> String {
        words(&self.factors, &self.points[point])
    }

    /// The column with a path.
    pub fn column(&self, path: &str) -> Option<usize> {
        self.columns.binary_search_by(|column| column.path.as_str().cmp(path)).ok()
    }

    /// The model of a point, made when it is first asked for.
    fn model(&self, point: usize) -> (Arc<Model>, u64) {
        let slot = {
            let mut kept = match self.models.lock() {
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
        let make = || {
            let scenario = self.template.scenario(&self.points[point], self.files);
            match scenario {
                Ok(scenario) => (Arc::new(Model::new(&scenario)), scenario.seed),
                Err((found, _)) => panic!("point {point} was read before: {found:?}"),
            }
        };
        slot.get_or_init(make).clone()
    }

    /// What plays the cells of a point.
    pub fn worker(&self, point: usize) -> Worker<'_> {
        let (model, seed) = self.model(point);
        let places = model
            .measures()
            .map(|path| self.column(path).expect("the columns hold the measures of every point"));
        Worker { places: places.collect(), model, seed, study: self, known: Vec::new() }
    }
}

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
    places: Vec<usize>,
    /// The constants met so far with their places among the study's.
    known: Vec<(&'static str, Option<usize>)>,
}

impl Worker<'_> {
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

    /// Plays a cell: a pure function of the scenario, the point, the seed and the replication.
    ///
    /// # Errors
    /// A limit of the budget was reached.
    pub fn play(&mut self, cell: Cell) -> Result<Row, Halt> {
        let study = self.study;
        let worlds = study.worlds as u64;
        // Every world has luck of its own; design points share it (common random numbers).
        let luck = cell.replication * worlds + cell.point as u64 % worlds;
        let trace =
            self.model.replicate(self.seed, luck, SweepMode::Decisive, Budget::default())?;
        let mut used = vec![0u64; study.constants.len().div_ceil(64)];
        for constant in &trace.used {
            if let Some(place) = self.place(constant) {
                used[place / 64] |= 1 << (place % 64);
            }
        }
        let mut values = vec![f64::NAN; study.columns.len()];
        let outcome = self.model.outcome(trace);
        for (place, (_, value)) in self.places.iter().zip(outcome.measures.iter()) {
            values[*place] = value.unwrap_or(f64::NAN);
        }
        Ok(Row { values, used })
    }
}
