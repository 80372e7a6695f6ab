//! From an outcome to what users read: tables, charts, texts, files.

pub mod audit;
pub mod chart;
pub mod charts;
pub mod compare;
pub mod docs;
pub mod experiment;
pub mod files;
pub mod folder;
pub mod ledger;
pub mod parts;
pub mod risks;
pub mod rules;
pub mod sensitivity;
pub mod steady;
pub mod summary;
pub mod tables;
mod uncertainty;
pub mod words;
pub mod work;

use crate::engine::trace::Seq;
use crate::engine::{EntityId, SimTime};
use crate::experiment::Model;
use crate::experiment::attribution::root_in_words;
use crate::experiment::outcome::Outcome;
use crate::scenario::Scenario;
use crate::systems::contract::SweepMode;
use crate::systems::spec::EntityKind;

/// Version of the shapes of all output files.
pub const SCHEMA: u32 = 1;

/// One finished run with everything that a reader may ask of it.
pub struct Run<'a> {
    /// What was played.
    pub scenario: &'a Scenario,
    /// What it was made into.
    pub model: &'a Model,
    /// What it yielded.
    pub outcome: &'a Outcome,
    /// How sweeps were scheduled.
    pub sweeps: SweepMode,
    /// Path and kind of each entity.
    pub entities: Vec<(&'a str, &'static EntityKind)>,
}

impl<'a> Run<'a> {
    /// A finished run.
    pub fn new(
        scenario: &'a Scenario,
        model: &'a Model,
        outcome: &'a Outcome,
        sweeps: SweepMode,
    ) -> Run<'a> {
        let entities = model.entities().collect();
        Run { scenario, model, outcome, sweeps, entities }
    }

    /// The instant as RFC 3339 text in UTC.
    pub fn instant(&self, at: SimTime) -> String {
        let offset = jiff::SignedDuration::from_nanos(i64::try_from(at.ns()).unwrap_or(i64::MAX));
        match self.scenario.start.checked_add(offset) {
            Ok(instant) => instant.to_string(),
            // Past the year 9999: the calendar of jiff ends there.
            Err(_) => format!("{}+{}s", self.scenario.start, at.seconds()),
        }
    }

    /// The calendar month, in UTC, that is so many after the month of the start: `2026-03`.
    pub fn month(&self, number: u32) -> String {
        let start = self.scenario.start.to_zoned(jiff::tz::TimeZone::UTC);
        let span = jiff::Span::new().try_months(number).ok();
        let first = start.date().first_of_month();
        let date = span.and_then(|span| first.checked_add(span).ok()).unwrap_or(first);
        format!("{:04}-{:02}", date.year(), date.month())
    }

    /// The path of an entity.
    pub fn path(&self, entity: EntityId) -> &'a str {
        self.entities[entity.0 as usize].0
    }

    /// The kind of an entity.
    pub fn kind(&self, entity: EntityId) -> &'static EntityKind {
        self.entities[entity.0 as usize].1
    }

    /// The name of a state of an entity.
    pub fn state(&self, entity: EntityId, state: u8) -> &'static str {
        self.entities[entity.0 as usize].1.states[usize::from(state)].name
    }

    /// A root event in words.
    pub fn root_in_words(&self, seq: Seq) -> String {
        root_in_words(&self.entities, self.outcome, seq)
    }
}
