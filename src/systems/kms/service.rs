//! Cloud KMS in one location, or one external manager: its outages and its stale data.

use super::code::{MISTAKEN, OUTAGE, STALE};
use crate::engine::{Effects, EntityId, Happening, Process, Seq, StateId, Streams};
use crate::systems::contract::{Command, Message, Spawn, SweepMode};
use std::borrow::Cow;

pub(super) struct ServicePlan {
    pub(super) entity: EntityId,
    /// The rule that its outages play.
    pub(super) rule: &'static str,
}

impl Spawn for ServicePlan {
    fn spawn<'a>(&'a self, _: Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Service { plan: self, outages: Vec::new(), mistakes: Vec::new(), stale: 0 })
    }
}

/// Cloud KMS in one location, or one external manager.
struct Service<'a> {
    plan: &'a ServicePlan,
    /// Occurrence and error fraction of each outage in progress.
    outages: Vec<(u32, f64)>,
    /// Occurrence and share of denied requests of each spell of mistaken denials in progress.
    mistakes: Vec<(u32, f64)>,
    /// Number of spells of stale data in progress.
    stale: u32,
}

impl Service<'_> {
    fn outage(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let before = self.errors();
        if begins {
            self.outages.push((occurrence, command.value));
        } else {
            self.outages.retain(|(number, _)| *number != occurrence);
        }
        let after = self.errors();
        let state = if after >= 1.0 { 2 } else { StateId::from(after > 0.0) };
        let others = self.outages.len() > usize::from(begins);
        let detail = match (begins, others) {
            (true, false) => Cow::from("outage begins"),
            (true, true) => "another outage begins".into(),
            (false, false) => "outage is over".into(),
            (false, true) => "one outage is over, another goes on".into(),
        };
        let detail = if begins && command.value < 1.0 {
            format!("{detail}: {} of the requests fail", percent(command.value)).into()
        } else {
            detail
        };
        // While an outage lasts, requests stay without an answer.
        let seq = fx.enter(self.plan.entity, state, self.plan.rule, cause, detail);
        if before != after {
            fx.publish(self.plan.entity, Message::Errors(after), Some(seq));
        }
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
        self.mistakes.retain(|(number, _)| *number != occurrence);
        if begins {
            self.mistakes.push((occurrence, command.value));
        }
        let share = 1.0 - self.mistakes.iter().map(|(_, denied)| 1.0 - denied).product::<f64>();
        let detail = if begins {
            format!("denies by mistake: {} of the requests", percent(command.value))
        } else {
            "judges requests rightly again".to_owned()
        };
        let seq = fx.note(self.plan.entity, "INC-09", cause, detail);
        fx.publish(self.plan.entity, Message::Mistaken(share), Some(seq));
    }

    /// Outages in progress fail requests independently of each other.
    fn errors(&self) -> f64 {
        1.0 - self.outages.iter().map(|(_, errors)| 1.0 - errors).product::<f64>()
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

/// A fraction as a percentage without needless digits.
fn percent(fraction: f64) -> String {
    format!("{} %", (fraction * 1e6).round() / 1e4)
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
                STALE => self.stale(begins, cause, fx),
                MISTAKEN => self.mistaken(command, begins, occurrence, cause, fx),
                other => panic!("command {other} is not for a service"),
            }
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}
