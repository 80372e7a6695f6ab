//! A grant: the edge between one key and one principal. Its role can be taken away, and a service
//! perimeter can come between.

use super::code;
use crate::engine::{
    Call, Class, Dist, Effects, EntityId, Happening, Process, Seq, SimDuration, StateId,
    StreamNumber, Streams,
};
use crate::systems::contract::{Command, Denial, LazyStream, Message, Spawn, SweepMode};

/// States of a grant by number.
pub(super) mod shown {
    use crate::engine::StateId;
    pub(in super::super) const GRANTED: StateId = 0;
    pub(in super::super) const REVOKING: StateId = 1;
    pub(in super::super) const RESTORING: StateId = 2;
    pub(in super::super) const REVOKED: StateId = 3;
    pub(in super::super) const BLOCKED: StateId = 4;
}

/// How long changes of a grant take (IAM-01 to IAM-03).
pub(super) struct Delays {
    pub(super) policy: Dist,
    pub(super) group: Dist,
    /// A removal from a group takes so many times as long as an addition.
    pub(super) group_removal: f64,
    pub(super) perimeter: Dist,
}

pub(super) struct GrantPlan {
    pub(super) entity: EntityId,
    pub(super) key: EntityId,
    pub(super) revoked: bool,
    pub(super) delays: std::sync::Arc<Delays>,
    pub(super) stream: StreamNumber,
}

impl Spawn for GrantPlan {
    fn spawn<'a>(&'a self, streams: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let edge = |off| Edge { off, wanted_off: off, rule: "IAM-01", cause: None };
        Box::new(Grant {
            plan: self,
            stream: LazyStream::new(streams, self.stream),
            edges: [edge(self.revoked), edge(false)],
            blocks: Vec::new(),
            told: None,
            policy_calls: 0,
        })
    }
}

/// One way in which a grant can be off: the role, or the perimeter.
#[derive(Clone, Copy)]
struct Edge {
    /// As callers see it.
    off: bool,
    /// As the configuration says.
    wanted_off: bool,
    /// The rule and the record of the change on its way.
    rule: &'static str,
    cause: Option<Seq>,
}

const ROLE: usize = 0;
const PERIMETER: usize = 1;

/// The grant of one principal on one key.
struct Grant<'a> {
    plan: &'a GrantPlan,
    stream: LazyStream,
    edges: [Edge; 2],
    /// Perimeter blocks in progress, by occurrence.
    blocks: Vec<u32>,
    /// What subscribers were told last.
    told: Option<Denial>,
    /// Calls that set the IAM policy of the key.
    policy_calls: u64,
}

impl Grant<'_> {
    fn denial(&self) -> Option<Denial> {
        match self.edges {
            [Edge { off: true, .. }, _] => Some(Denial::RoleRevoked),
            [_, Edge { off: true, .. }] => Some(Denial::Perimeter),
            _ => None,
        }
    }

    fn shown(&self) -> StateId {
        let wanted = self.edges.iter().any(|edge| edge.wanted_off);
        match (self.denial(), wanted) {
            (None, false) => shown::GRANTED,
            (None, true) => shown::REVOKING,
            (Some(_), false) => shown::RESTORING,
            (Some(Denial::Perimeter), true) => shown::BLOCKED,
            (Some(_), true) => shown::REVOKED,
        }
    }

    fn tell(
        &mut self,
        rule: &'static str,
        cause: Option<Seq>,
        detail: String,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let seq = fx.enter(self.plan.entity, self.shown(), rule, cause, detail);
        let denial = self.denial();
        if self.told != denial {
            self.told = denial;
            fx.publish(self.plan.entity, Message::Grant(denial), Some(seq));
        }
        seq
    }

    /// The configuration changes; callers follow when that has propagated. A change back before
    /// that means that they never notice.
    fn want(
        &mut self,
        edge: usize,
        off: bool,
        by_group: bool,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let (rule, what) = match (edge, off, by_group) {
            (PERIMETER, true, _) => ("BT-35", "a service perimeter blocks the principal"),
            (PERIMETER, false, _) => ("BT-35", "the service perimeter lets the principal through"),
            (_, true, false) => ("IAM-01", "the role is revoked"),
            (_, false, false) => ("IAM-01", "the role is granted"),
            (_, true, true) => ("IAM-02", "the principal is removed from the group"),
            (_, false, true) => ("IAM-02", "the principal is added to the group"),
        };
        if self.edges[edge].wanted_off == off {
            let detail = format!("nothing changes: {what} already");
            fx.note(self.plan.entity, rule, cause, detail);
            return;
        }
        self.edges[edge].wanted_off = off;
        if self.edges[edge].off == off {
            fx.cancel(edge as u32);
            self.tell(rule, cause, format!("{what} before the change had propagated"), fx);
            return;
        }
        let delays = &self.plan.delays;
        let (constant, dist) = match (edge, by_group) {
            (PERIMETER, _) => ("model.kms.perimeter-propagation", &delays.perimeter),
            (_, false) => ("model.kms.policy-propagation", &delays.policy),
            (_, true) => ("model.kms.group-propagation", &delays.group),
        };
        fx.used(constant);
        let mut delay = dist.sample(self.stream.get());
        if by_group && off {
            fx.used("model.kms.group-removal-factor");
            delay = SimDuration::from_seconds_f64(delay.seconds() * delays.group_removal);
        }
        let seq = self.tell(rule, cause, what.to_owned(), fx);
        self.edges[edge].rule = rule;
        self.edges[edge].cause = Some(seq);
        fx.after(edge as u32, delay, Class::Change);
    }

    fn command(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let by_group = command.b != 0;
        if !by_group && command.code != code::PERIMETER {
            self.policy_is_set(command.code == code::GRANT, fx);
        }
        match command.code {
            code::REVOKE => self.want(ROLE, true, by_group, cause, fx),
            code::GRANT => self.want(ROLE, false, by_group, cause, fx),
            code::PERIMETER => {
                let before = !self.blocks.is_empty();
                self.blocks.retain(|number| *number != occurrence);
                if begins {
                    self.blocks.push(occurrence);
                }
                let after = !self.blocks.is_empty();
                if before != after {
                    self.want(PERIMETER, after, false, cause, fx);
                }
            }
            other => panic!("command {other} is not for a grant"),
        }
    }

    /// DF-32: the IAM policy of the key is set, which is in its Admin Activity log; a group and a
    /// perimeter are elsewhere.
    fn policy_is_set(&mut self, granted: bool, fx: &mut Effects<Message>) {
        self.policy_calls += 1;
        let call = Call {
            at: fx.now(),
            to: self.plan.key,
            by: None,
            job: None,
            grant: Some(self.plan.entity),
            method: if granted { "SetIamPolicy/ADD" } else { "SetIamPolicy/REMOVE" },
            part: 0,
            count: 1,
            status: 0,
            why: "".into(),
            record: Some(fx.next_record()),
        };
        fx.call(call);
    }

    /// A change has propagated.
    fn arrive(&mut self, edge: usize, fx: &mut Effects<Message>) {
        self.edges[edge].off = self.edges[edge].wanted_off;
        let cause = self.edges[edge].cause.take();
        self.tell(self.edges[edge].rule, cause, "the change has propagated".to_owned(), fx);
    }
}

impl Process<Message> for Grant<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        self.told = self.denial();
        if self.told.is_some() {
            let seq = fx.note(self.plan.entity, "BT-16", None, "no role from the start");
            fx.no_fault(seq);
            fx.publish(self.plan.entity, Message::Grant(self.told), Some(seq));
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(edge) => self.arrive(edge as usize, fx),
            Happening::Message {
                message: Message::Command { command, begins, occurrence },
                cause,
                ..
            } => self.command(command, begins, occurrence, cause, fx),
            Happening::Message { .. } | Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        if self.policy_calls > 0 {
            let calls = self.policy_calls as f64;
            fx.measure(self.plan.key, "admin-activity-entries", Some(calls));
        }
    }
}
