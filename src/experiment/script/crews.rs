//! Repair crews: who repairs what, and what waits.

use crate::engine::{Effects, EntityId, Seq, SimTime};
use crate::scenario::Scenario;
use crate::systems::contract::{Command, Message, Plan};
use crate::systems::crew::{BUSY, FREE, QUEUE_PEAK, REPAIRS, WAITING_TIME};
use std::collections::VecDeque;

/// A crew of the scenario.
pub(super) struct CrewPlan {
    pub(super) entity: EntityId,
    /// How many faults it repairs at the same time.
    size: usize,
}

/// The crews of a scenario.
pub(super) fn plans(scenario: &Scenario, plan: &Plan) -> Vec<CrewPlan> {
    let crew = |(name, crew): (&str, &crate::systems::spec::Node)| CrewPlan {
        entity: plan.entity(&format!("crews.{name}")),
        size: usize::try_from(crew.at("size").count()).unwrap_or(usize::MAX),
    };
    scenario.root.named("crews").map(crew).collect()
}

/// What the script tells itself about a crew, once what it did to the world has happened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// A fault asks for a member.
    Asks,
    /// A repair is done.
    Done,
}

/// Lets a crew have its turn about a fault: the one of the hazard with this number.
pub(super) fn tell(crew: &CrewPlan, turn: Turn, hazard: usize, fx: &mut Effects<Message>) {
    let command = Command { a: hazard as u32, ..Command::new(crew.entity, 0) };
    let message = Message::Command { command, begins: turn == Turn::Asks, occurrence: 0 };
    fx.send(crew.entity, message, None);
}

/// A fault that waits.
struct Waiting {
    hazard: usize,
    since: SimTime,
}

/// A crew at work.
pub(super) struct Crew<'a> {
    plan: &'a CrewPlan,
    at_work: usize,
    queue: VecDeque<Waiting>,
    repairs: u64,
    /// In seconds, all faults together.
    waited: f64,
    peak: usize,
}

impl<'a> Crew<'a> {
    pub(super) fn new(plan: &'a CrewPlan) -> Crew<'a> {
        let queue = VecDeque::new();
        Crew { plan, at_work: 0, queue, repairs: 0, waited: 0.0, peak: 0 }
    }

    /// CR-01, CR-02: a fault asks for a member. Does its repair begin?
    pub(super) fn asked(
        &mut self,
        hazard: usize,
        name: &str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> bool {
        let size = self.plan.size;
        if self.at_work == size {
            self.queue.push_back(Waiting { hazard, since: fx.now() });
            self.peak = self.peak.max(self.queue.len());
            let detail = format!("{name} waits, number {} in the queue", self.queue.len());
            fx.note(self.plan.entity, "CR-02", cause, detail);
            return false;
        }
        self.at_work += 1;
        self.repairs += 1;
        let state = if self.at_work == size { BUSY } else { FREE };
        let detail = format!("the repair of {name} begins: {} of {size} at work", self.at_work);
        fx.enter(self.plan.entity, state, "CR-01", cause, detail);
        true
    }

    /// CR-01, CR-02: a repair is done. The hazard whose repair begins now, if any waits.
    pub(super) fn done(
        &mut self,
        name: impl Fn(usize) -> String,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Option<usize> {
        let Some(next) = self.queue.pop_front() else {
            self.at_work -= 1;
            let detail = format!("{} of {} at work", self.at_work, self.plan.size);
            fx.enter(self.plan.entity, FREE, "CR-01", cause, detail);
            return None;
        };
        let waited = fx.now().saturating_since(next.since);
        self.waited += waited.seconds();
        self.repairs += 1;
        let detail = format!("the repair of {} begins after {waited}", name(next.hazard));
        fx.note(self.plan.entity, "CR-02", cause, detail);
        Some(next.hazard)
    }

    /// Tells what no transition shows. What still waits has waited until now.
    pub(super) fn finish(&self, fx: &mut Effects<Message>) {
        let open =
            self.queue.iter().map(|waiting| fx.now().saturating_since(waiting.since).seconds());
        let waited = self.waited + open.sum::<f64>();
        fx.measure(self.plan.entity, REPAIRS, Some(self.repairs as f64));
        fx.measure(self.plan.entity, WAITING_TIME, Some(waited));
        fx.measure(self.plan.entity, QUEUE_PEAK, Some(self.peak as f64));
    }
}
