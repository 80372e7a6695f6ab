//! From the bytes of a scenario file to a [`Scenario`] in which nothing is left to doubt.

pub mod read;
pub mod resolved;
pub mod sweep;

use crate::diag::{Diagnostic, Sources, Span};
use crate::engine::{Dist, SimDuration, SimTime};
use crate::systems::spec::{ActionSpec, EntityKind, Node};
use std::collections::BTreeMap;

/// A checked scenario.
pub struct Scenario {
    /// Its name: also the name of its output folder.
    pub name: String,
    /// What it shows, in the author's words.
    pub description: String,
    /// The instant that offset zero stands for.
    pub start: jiff::Timestamp,
    /// How long it is played.
    pub horizon: SimDuration,
    /// The seed of every random stream.
    pub seed: u64,
    /// The whole tree: `schema`, `scenario`, the systems' tables and `model`, with every default;
    /// and, where the file has them, the lists `events`, `hazards`, `responses`, `objectives` and
    /// `expect` as they were read, for [`resolved::resolved`].
    pub root: Node,
    /// Every entity by path.
    pub entities: BTreeMap<String, &'static EntityKind>,
    /// What happens at known instants, in the order of the file.
    pub events: Vec<Entry<SimTime>>,
    /// What happens at random, in the order of the file.
    pub hazards: Vec<Hazard>,
    /// People and automation that react, in the order of the file.
    pub responses: Vec<Response>,
    /// The user's targets.
    pub objectives: Vec<Bound>,
    /// What the scenario must show if the model is right.
    pub expect: Vec<Bound>,
    /// What a sweep varies, if the file has one.
    pub sweep: Option<sweep::Sweep>,
    /// What is not known of the world, if the file says so.
    pub uncertain: Option<sweep::Uncertain>,
    /// Warnings found while checking.
    pub warnings: Vec<Diagnostic>,
    /// The texts it was read from.
    pub sources: Sources,
}

/// One action with its parameters; `at` says when (an instant, a spacing, a delay).
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// When.
    pub at: T,
    /// What.
    pub action: &'static ActionSpec,
    /// The system whose action it is.
    pub system: &'static str,
    /// Its parameters: a table.
    pub params: Node,
    /// How long it lasts, for actions that have a length.
    pub lasts: Option<Dist>,
    /// Where it stands.
    pub span: Option<Span>,
}

/// Something that happens at random, again and again: the next one comes `every` after the end
/// of the last.
#[derive(Clone, Debug)]
pub struct Hazard {
    /// Its name, which also names its random streams.
    pub name: String,
    /// The share of the occurrences that hit all targets at once; the others hit one target each.
    pub beta: Option<f64>,
    /// Path of the crew whose members repair it; without one the repair begins at once.
    pub crew: Option<String>,
    /// When its clock runs, if not always.
    pub clock: Option<Clock>,
    /// What happens, and the spacing.
    pub entry: Entry<Dist>,
}

/// A clock that runs only while an entity is in one of these states.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Path of the entity.
    pub entity: String,
    /// Names (or aliases) of the states.
    pub states: Vec<String>,
}

/// A reaction to an entity entering a state.
#[derive(Clone, Debug)]
pub struct Response {
    /// Path of the entity that is watched.
    pub entity: String,
    /// Name (or alias) of the state that is waited for.
    pub state: String,
    /// What is done, and after which delay.
    pub entry: Entry<Dist>,
}

/// A bound on a measure, of `[[objectives]]` or `[[expect]]`.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Path of the entity.
    pub entity: String,
    /// Name of the measure.
    pub measure: String,
    /// Its unit.
    pub unit: &'static str,
    /// What must hold.
    pub condition: Condition,
    /// Why it must (of `[[expect]]`; empty for objectives).
    pub because: String,
    /// Where it stands.
    pub span: Option<Span>,
}

/// What must hold of a measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// At least this much, at most this much, or both.
    Within {
        /// `at-least`, or the first of `between`.
        low: Option<f64>,
        /// `at-most`, or the second of `between`.
        high: Option<f64>,
    },
    /// It never comes: the measure is empty.
    Never,
}
