//! Cloud KMS in one location: its outages, its stale data, its mistakes.

use super::code::{LATENCY, MISTAKEN, OUTAGE, STALE};
use super::spells::{Spells, percent};
use crate::engine::{Effects, EntityId, Happening, Process, Seq, StateId, Streams};
use crate::systems::contract::{Command, Message, Spawn, SweepMode};
use std::borrow::Cow;

pub(super) struct ServicePlan {
    pub(super) entity: EntityId,
}

impl Spawn for ServicePlan {
    fn spawn<'a>(&'a self, _: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let (outages, slow, mistakes) = (Spells::default(), Spells::default(), Spells::default());
        Box::new(Service { plan: self, outages, slow, mistakes, stale: 0 })
    }
}

/// The state of a service that leaves this share of the requests without an answer.
pub(super) fn state_of(errors: f64) -> StateId {
    if errors >= 1.0 { 2 } else { StateId::from(errors > 0.0) }
}

/// Cloud KMS in one location.
struct Service<'a> {
    plan: &'a ServicePlan,
    outages: Spells,
    /// Spells of long calls, with the share of the requests that they make fail.
    slow: Spells,
    /// Spells of mistaken denials.
    mistakes: Spells,
    /// Number of spells of stale data in progress.
    stale: u32,
}

impl Service<'_> {
    /// The share of the requests that stays without an answer.
    fn errors(&self) -> f64 {
        1.0 - (1.0 - self.outages.share()) * (1.0 - self.slow.largest().unwrap_or(0.0))
    }

    /// KMS-33: calls take longer than the deadline, or as long as usual again.
    fn latency(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        for constant in ["model.kms.call-deadline", "model.kms.ekm-attempts"] {
            fx.used(constant);
        }
        let before = self.errors();
        self.slow.change(occurrence, begins, command.value);
        let lost = percent(self.slow.largest().unwrap_or(0.0));
        let detail = if !begins && self.slow.count() == 0 {
            "calls take as long as usual again".to_owned()
        } else {
            format!("calls take long: {lost} of the requests fail by the deadline")
        };
        self.tell(before, "KMS-33", cause, detail, fx);
    }

    /// Records a change, and tells subscribers if their answers change.
    fn tell(
        &mut self,
        before: f64,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) {
        let after = self.errors();
        let seq = fx.enter(self.plan.entity, state_of(after), rule, cause, detail);
        if before != after {
            fx.publish(self.plan.entity, Message::Errors(after), Some(seq));
        }
    }

    fn outage(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let before = self.errors();
        self.outages.change(occurrence, begins, command.value);
        let detail = self.outages.outage_in_words(begins, command.value);
        // While an outage lasts, requests stay without an answer.
        self.tell(before, "BT-43", cause, detail, fx);
    }

    /// INC-09: Cloud KMS denies by mistake.
    fn mistaken(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        self.mistakes.change(occurrence, begins, command.value);
        let detail = match (begins, self.mistakes.count()) {
            (true, _) => format!("denies by mistake: {} of the requests", percent(command.value)),
            (false, 0) => "judges requests rightly again".to_owned(),
            (false, _) => "one spell of mistaken denials is over, another goes on".to_owned(),
        };
        let seq = fx.note(self.plan.entity, "INC-09", cause, detail);
        fx.publish(self.plan.entity, Message::Mistaken(self.mistakes.share()), Some(seq));
    }

    /// KMS-14: changes on their way are stuck while the data is stale.
    fn stale(&mut self, begins: bool, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.stale = if begins { self.stale + 1 } else { self.stale.saturating_sub(1) };
        let detail =
            if begins { "stale data: changes of keys are stuck" } else { "data is fresh again" };
        let seq = fx.note(self.plan.entity, "KMS-14", cause, detail);
        fx.publish(self.plan.entity, Message::Stale(self.stale > 0), Some(seq));
    }
}

impl Process<Message> for Service<'_> {
    fn start(&mut self, _: &mut Effects<Message>) {}

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        if let Happening::Message {
            message: Message::Command { command, begins, occurrence },
            cause,
            ..
        } = what
        {
            match command.code {
                OUTAGE => self.outage(command, begins, occurrence, cause, fx),
                LATENCY => self.latency(command, begins, occurrence, cause, fx),
                STALE => self.stale(begins, cause, fx),
                MISTAKEN => self.mistaken(command, begins, occurrence, cause, fx),
                other => panic!("command {other} is not for Cloud KMS in a location"),
            }
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}
