//! An external key manager: replicas behind links that fail and are repaired, calls that time out,
//! outages.

use super::NEGLIGIBLE_SHARE;
use super::code::{LATENCY, OUTAGE};
use super::service::state_of;
use super::spells::{Spells, percent};
use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Process, Seq, StreamNumber, Streams,
};
use crate::systems::contract::{Command, LazyStream, Message, Plan, Spawn, SweepMode};
use crate::systems::spec::Node;
use std::borrow::Cow;

/// EKM-02, KMS-28: what bounds a call of a manager.
#[derive(Clone, Copy)]
pub(super) struct Calls {
    /// Seconds after which a call has failed.
    pub(super) timeout: f64,
    /// How often a call is tried.
    pub(super) attempts: u64,
}

impl Calls {
    /// The share of the requests whose every try takes longer than the timeout. The tries of a
    /// request are independent (assumed).
    pub(super) fn too_late(self, latency: &Dist) -> f64 {
        let one = latency.survival(self.timeout);
        let all = (0..self.attempts).map(|_| one).product::<f64>();
        if all < NEGLIGIBLE_SHARE { 0.0 } else { all }
    }

    /// What `build` of the constants leaves for `compile` of a changed latency.
    pub(super) fn leave(self, plan: &mut Plan) {
        plan.numbers.insert("ekm-timeout", self.timeout);
        plan.numbers.insert("ekm-attempts", self.attempts as f64);
    }

    /// KMS-33: what bounds a call of Cloud KMS itself.
    pub(super) fn of_kms(plan: &Plan) -> Calls {
        let deadline = plan.numbers.get("call-deadline").copied().unwrap_or_default();
        Calls { timeout: deadline, ..Calls::of(plan) }
    }

    pub(super) fn of(plan: &Plan) -> Calls {
        let number = |name: &str| plan.numbers.get(name).copied().unwrap_or_default();
        Calls { timeout: number("ekm-timeout"), attempts: number("ekm-attempts") as u64 }
    }
}

/// Units of one kind, of which some must be up: k out of n.
pub(super) struct UnitsPlan {
    word: &'static str,
    rule: &'static str,
    needed: usize,
    /// Streams of the failures and of the repairs of each unit.
    streams: Vec<(StreamNumber, StreamNumber)>,
    /// From the end of a repair to the next failure, and how long a repair takes.
    life: Option<(Dist, Dist)>,
}

impl UnitsPlan {
    /// `word` is "replica" or "link", the stem of the parameters' names.
    fn new(path: &str, node: &Node, word: &'static str, rule: &'static str) -> UnitsPlan {
        let dist = |what: &str| node.get(&format!("{word}-{what}")).map(|node| node.dist().clone());
        let stream = |unit, purpose| StreamNumber::of(&format!("{path}.{word}-{unit}"), purpose);
        let count = node.at(&format!("{word}s")).count();
        UnitsPlan {
            word,
            rule,
            needed: node.at(&format!("{word}s-needed")).count() as usize,
            streams: (1..=count).map(|n| (stream(n, "failure"), stream(n, "repair"))).collect(),
            life: dist("failure").zip(dist("repair")),
        }
    }
}

pub(super) struct ManagerPlan {
    entity: EntityId,
    units: [UnitsPlan; 2],
    /// Share of the requests that its usual latency makes fail.
    too_late: f64,
}

impl ManagerPlan {
    /// The manager of a table `ekm.NAME`.
    pub(super) fn new(path: &str, node: &Node, calls: Calls, plan: &Plan) -> ManagerPlan {
        // EKM-05 is about replicas in failure domains of their own, EKM-06 about links.
        let units = [
            UnitsPlan::new(path, node, "replica", "EKM-05"),
            UnitsPlan::new(path, node, "link", "EKM-06"),
        ];
        let too_late = calls.too_late(node.at("latency").dist());
        ManagerPlan { entity: plan.entity(path), units, too_late }
    }

    /// Adds its process to the plan.
    pub(super) fn add(self, plan: &mut Plan) {
        plan.starts_in(self.entity, state_of(self.too_late));
        plan.process(&[self.entity], Box::new(self));
    }
}

impl Spawn for ManagerPlan {
    fn spawn<'a>(&'a self, streams: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let unit = |(failure, repair): &(StreamNumber, StreamNumber)| Unit {
            up: true,
            failed: None,
            failures: LazyStream::new(streams, *failure),
            repairs: LazyStream::new(streams, *repair),
        };
        let units = |kind: usize| self.units[kind].streams.iter().map(unit).collect();
        Box::new(Manager {
            plan: self,
            units: [units(0), units(1)],
            outages: Spells::default(),
            slow: Spells::default(),
            told: 0.0,
        })
    }
}

/// A replica or a link.
struct Unit {
    up: bool,
    /// The record of its latest failure.
    failed: Option<Seq>,
    failures: LazyStream,
    repairs: LazyStream,
}

/// An external key manager.
struct Manager<'a> {
    plan: &'a ManagerPlan,
    /// Replicas and links.
    units: [Vec<Unit>; 2],
    outages: Spells,
    /// Spells of another latency, with the share of the requests that it makes fail.
    slow: Spells,
    /// What subscribers were told last.
    told: f64,
}

/// Bits of a timer's number that tell the unit; the kind stands above.
const UNIT_BITS: u32 = 16;

impl Manager<'_> {
    fn up(&self, kind: usize) -> usize {
        self.units[kind].iter().filter(|unit| unit.up).count()
    }

    /// EKM-02, EKM-03: the share of the requests that fail by latency alone. Where several
    /// latencies overlap, the slowest counts.
    fn too_late(&self) -> f64 {
        self.slow.largest().unwrap_or(self.plan.too_late)
    }

    /// The share of the requests that stay without an answer. Replicas and links are in series.
    fn errors(&self) -> f64 {
        let down = |kind: usize| self.up(kind) < self.plan.units[kind].needed;
        if down(0) || down(1) {
            return 1.0;
        }
        1.0 - (1.0 - self.outages.share()) * (1.0 - self.too_late())
    }

    /// Records a change, and tells subscribers if their answers change.
    fn record(
        &mut self,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let errors = self.errors();
        let seq = fx.enter(self.plan.entity, state_of(errors), rule, cause, detail);
        if self.told != errors {
            self.told = errors;
            fx.publish(self.plan.entity, Message::Errors(errors), Some(seq));
        }
        seq
    }

    fn uses_the_timeout(&self, fx: &mut Effects<Message>) {
        for constant in ["model.kms.ekm-timeout", "model.kms.ekm-attempts"] {
            fx.used(constant);
        }
    }

    /// A unit fails, or is repaired.
    fn turn(&mut self, timer: u32, fx: &mut Effects<Message>) {
        let kind = (timer >> UNIT_BITS) as usize;
        let place = (timer & ((1 << UNIT_BITS) - 1)) as usize;
        let plan = &self.plan.units[kind];
        let Some((failure, repair)) = &plan.life else { return };
        let unit = &mut self.units[kind][place];
        let fails = unit.up;
        unit.up = !fails;
        let cause = unit.failed.take();
        let (wait, class) = if fails {
            (repair.sample(unit.repairs.get()), Class::Change)
        } else {
            (failure.sample(unit.failures.get()), Class::Root)
        };
        fx.after(timer, wait, class);
        let what = if fails { "fails" } else { "is repaired" };
        let (up, all) = (self.up(kind), self.units[kind].len());
        let detail = format!(
            "{} {} {what}: {up} of {all} are up, {} needed",
            plan.word,
            place + 1,
            plan.needed
        );
        let seq = self.record(plan.rule, cause, detail, fx);
        if fails {
            self.units[kind][place].failed = Some(seq);
        }
    }

    fn command(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        match command.code {
            OUTAGE => {
                self.outages.change(occurrence, begins, command.value);
                let detail = self.outages.outage_in_words(begins, command.value);
                self.record("EKM-01", cause, detail, fx);
            }
            LATENCY => {
                self.uses_the_timeout(fx);
                self.slow.change(occurrence, begins, command.value);
                let lost = format!("{} of the requests fail by timeouts", percent(self.too_late()));
                let detail = match (begins, self.slow.count()) {
                    (true, _) => format!("its latency changes: {lost}"),
                    (false, 0) => format!("its latency is as usual again: {lost}"),
                    (false, _) => format!("one change of its latency is over: {lost}"),
                };
                self.record("EKM-03", cause, detail, fx);
            }
            other => panic!("command {other} is not for an external manager"),
        }
    }
}

impl Process<Message> for Manager<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        if self.plan.too_late > 0.0 {
            self.uses_the_timeout(fx);
            let lost = percent(self.plan.too_late);
            let detail = format!("slow from the start: {lost} of the requests fail by timeouts");
            let seq = self.record("EKM-02", None, detail, fx);
            fx.no_fault(seq);
        }
        for (kind, plan) in self.plan.units.iter().enumerate() {
            let Some((failure, _)) = &plan.life else { continue };
            for (place, unit) in self.units[kind].iter_mut().enumerate() {
                let wait = failure.sample(unit.failures.get());
                fx.after((kind << UNIT_BITS | place) as u32, wait, Class::Root);
            }
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(timer) => self.turn(timer, fx),
            Happening::Message {
                message: Message::Command { command, begins, occurrence },
                cause,
                ..
            } => self.command(command, begins, occurrence, cause, fx),
            Happening::Message { .. } | Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}
