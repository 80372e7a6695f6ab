//! Playing a scenario: from a checked scenario to what each replication yields.

pub mod attribution;
pub mod check;
pub mod compare;
pub mod dependence;
pub mod differences;
pub mod estimates;
pub mod judge;
pub mod ledger;
pub mod outcome;
pub mod plan;
pub mod precision;
pub mod ranges;
pub mod rows;
pub mod run;
pub mod script;
pub mod sensitivity;
pub mod steady;
pub mod study;

use crate::engine::{
    Budget, Detail, EntityId, Halt, SimDuration, SimTime, Simulation, Streams, Trace,
};
use crate::scenario::Scenario;
use crate::systems::contract::{Need, Plan, SweepMode};
use crate::systems::operations::Price;
use crate::systems::spec::EntityKind;
use outcome::{Catalogue, Outcome};
use std::sync::Arc;

/// A scenario made ready to be played: the same for every replication.
pub struct Model {
    plan: Plan,
    catalogue: Arc<Catalogue>,
    horizon: SimDuration,
    /// Where the calendar months of UTC begin within the run.
    months: Vec<SimTime>,
}

impl Model {
    /// Makes a scenario ready.
    pub fn new(scenario: &Scenario) -> Model {
        let mut plan = Plan::new(&scenario.entities);
        for system in crate::systems::ALL {
            (system.build)(&scenario.root, &mut plan);
        }
        script::build(scenario, &mut plan);
        let catalogue = Arc::new(Catalogue::new(&plan));
        let months = months(scenario.start, scenario.horizon);
        Model { plan, catalogue, horizon: scenario.horizon, months }
    }

    /// Plays one replication: a pure function of the scenario, the seed and the replication.
    ///
    /// # Errors
    /// A limit of the budget was reached.
    pub fn replicate(
        &self,
        seed: u64,
        replication: u64,
        sweeps: SweepMode,
        budget: Budget,
    ) -> Result<Trace, Halt> {
        self.replicate_with(&Streams::new(seed, replication), sweeps, budget)
    }

    /// The same with the streams of a replication, which tell afterwards whether chance had a part.
    fn replicate_with(
        &self,
        streams: &Streams,
        sweeps: SweepMode,
        budget: Budget,
    ) -> Result<Trace, Halt> {
        let processes = self.plan.spawns.iter().map(|spawn| spawn.spawn(streams, sweeps)).collect();
        Simulation::new(&self.plan.layout, processes, self.horizon, budget).run()
    }

    /// Plays the first replication and lets it tell what only a single run is asked for: requests
    /// by calendar month, and one by one for an audit log. The trajectory is the same.
    ///
    /// # Errors
    /// A limit of the budget was reached.
    pub fn run_in_detail(
        &self,
        seed: u64,
        sweeps: SweepMode,
        budget: Budget,
        audit_log: bool,
    ) -> Result<Trace, Halt> {
        let detail = Detail {
            marks: self.months.clone(),
            parts: true,
            calls: audit_log,
            requests_of: self.plan.logged.clone(),
        };
        let streams = Streams::new(seed, 0);
        let processes =
            self.plan.spawns.iter().map(|spawn| spawn.spawn(&streams, sweeps)).collect();
        let run = Simulation::new(&self.plan.layout, processes, self.horizon, budget);
        run.telling(&detail).run()
    }

    /// Does any key have Data Access audit logs?
    pub fn logs_data_access(&self) -> bool {
        !self.plan.logged.is_empty()
    }

    /// What operations of keys cost.
    pub fn price(&self) -> Price {
        self.plan.price
    }

    /// What a trace comes to.
    pub fn outcome(&self, trace: Trace) -> Outcome {
        Outcome::new(self, trace)
    }

    /// Path and kind of every entity, in the order of their ids.
    pub fn entities(&self) -> impl Iterator<Item = (&str, &'static EntityKind)> {
        self.plan.entities()
    }

    /// Paths of the measures, in the order of what an outcome holds.
    pub fn measures(&self) -> impl Iterator<Item = &str> {
        self.catalogue.paths()
    }

    /// The entity with a path.
    pub fn entity(&self, path: &str) -> EntityId {
        self.plan.entity(path)
    }

    /// Does something depend on the entity directly?
    pub fn is_heard(&self, entity: EntityId) -> bool {
        self.plan.is_heard(entity)
    }

    /// What each entity needs, in the order of their ids.
    pub fn needs(&self) -> Vec<Need> {
        self.plan.all_needs()
    }

    /// How long is played.
    pub fn horizon(&self) -> SimDuration {
        self.horizon
    }

    /// Number of the state each entity starts in.
    pub fn initial(&self) -> &[u8] {
        &self.plan.layout.initial
    }
}

/// Where the calendar months of UTC begin, after the start and before the horizon.
fn months(start: jiff::Timestamp, horizon: SimDuration) -> Vec<SimTime> {
    let Ok(first) = start.to_zoned(jiff::tz::TimeZone::UTC).first_of_month() else {
        return Vec::new();
    };
    let Ok(first) = first.start_of_day() else { return Vec::new() };
    // Past the year 9999, where the calendar of jiff ends, there are no months.
    let begins = (1..).map_while(|number: i32| {
        let begin = first.checked_add(jiff::Span::new().try_months(number).ok()?).ok()?;
        let offset = begin.timestamp().as_nanosecond() - start.as_nanosecond();
        SimTime::from_ns(u64::try_from(offset).ok()?)
    });
    begins.take_while(|begin| begin.ns() < horizon.ns()).collect()
}
