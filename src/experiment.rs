//! Playing a scenario: from a checked scenario to what each replication yields.

pub mod estimates;
pub mod judge;
pub mod ledger;
pub mod outcome;
pub mod plan;
pub mod precision;
pub mod run;
pub mod script;
pub mod study;

use crate::engine::{Budget, EntityId, Halt, SimDuration, Simulation, Streams, Trace};
use crate::scenario::Scenario;
use crate::systems::contract::{Plan, SweepMode};
use crate::systems::spec::EntityKind;
use outcome::{Catalogue, Outcome};
use std::sync::Arc;

/// A scenario made ready to be played: the same for every replication.
pub struct Model {
    plan: Plan,
    catalogue: Arc<Catalogue>,
    horizon: SimDuration,
}

impl Model {
    /// Makes a scenario ready.
    pub fn new(scenario: &Scenario) -> Model {
        let mut plan = Plan::new(&scenario.entities);
        for system in crate::systems::ALL {
            (system.build)(&scenario.root, &mut plan);
        }
        script::build(scenario, &mut plan);
        let catalogue = Arc::new(Catalogue::new(plan.entities()));
        Model { plan, catalogue, horizon: scenario.horizon }
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
        let streams = Streams::new(seed, replication);
        let processes = self.plan.spawns.iter().map(|spawn| spawn.spawn(streams, sweeps)).collect();
        Simulation::new(&self.plan.layout, processes, self.horizon, budget).run()
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

    /// How long is played.
    pub fn horizon(&self) -> SimDuration {
        self.horizon
    }

    /// Number of the state each entity starts in.
    pub fn initial(&self) -> &[u8] {
        &self.plan.layout.initial
    }
}
