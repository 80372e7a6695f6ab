//! One job: its states, what its key checks find, and how its work fares.

use super::keys::{CHECK, Keys, Principal};
use super::launch::Launch;
use super::plan::{JobPlan, state};
use super::snapshot::Snapshot;
use crate::engine::trace::Charge;
use crate::engine::{
    Class, Effects, EntityId, Happening, Process, Seq, SimDuration, SimTime, StateId, Streams,
};
use crate::systems::contract::{Command, LazyStream, Message, SweepMode};
use crate::systems::flow::{Course, News, Order};
use crate::systems::guard::{Finding, Grace, GraceReset, Known};
use crate::systems::operations;
use std::borrow::Cow;

/// Numbers of the commands that a job understands.
pub(super) mod code {
    pub(in super::super) const LAUNCH: u16 = 1;
    pub(in super::super) const UPDATE: u16 = 2;
    pub(in super::super) const DRAIN: u16 = 3;
    pub(in super::super) const CANCEL: u16 = 4;
    pub(in super::super) const FORCE_CANCEL: u16 = 5;
    pub(in super::super) const SNAPSHOT: u16 = 6;
    pub(in super::super) const OUTAGE: u16 = 7;
}

/// What a timer of a job is for. Checks have numbers of their own above these.
pub(super) mod timer {
    pub(in super::super) const GRACE: u32 = 0;
    pub(in super::super) const HALT: u32 = 1;
    pub(in super::super) const CLEAN: u32 = 2;
    pub(in super::super) const FORCE: u32 = 3;
    pub(in super::super) const QUEUE: u32 = 4;
    pub(in super::super) const START: u32 = 5;
    pub(in super::super) const RETRY: u32 = 6;
    pub(in super::super) const SCALE: u32 = 7;
    pub(in super::super) const RELAUNCH: u32 = 8;
    pub(in super::super) const RESTART: u32 = 9;
    pub(in super::super) const STOP: u32 = 10;
    /// The first of those of snapshots: two each.
    pub(in super::super) const SNAPSHOT: u32 = 16;
}

/// What a job is at, apart from how its work fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not created, or ended.
    None,
    /// Being created.
    Queued,
    Pending,
    Running,
    Draining,
    /// Cancelled, and not yet halted.
    Cancelling,
    /// Halted, and not yet cleaned up.
    Cleaning,
}

/// A cancellation under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cancel {
    pub(super) since: SimTime,
    pub(super) cause: Option<Seq>,
    /// The user asked for it.
    pub(super) by_user: bool,
}

pub(super) struct Draws {
    pub(super) creation: LazyStream,
    pub(super) queue: LazyStream,
    pub(super) start: LazyStream,
    pub(super) halt: LazyStream,
    pub(super) cleanup: LazyStream,
    pub(super) stuck: LazyStream,
    pub(super) retry: LazyStream,
    pub(super) restart: LazyStream,
    pub(super) scaling: LazyStream,
    pub(super) relaunch: LazyStream,
    pub(super) vm_stop: LazyStream,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) cancelled: u64,
    pub(super) failed: u64,
    pub(super) launches: u64,
    pub(super) refused: u64,
    pub(super) partly_protected: u64,
}

pub(super) struct Job<'a> {
    pub(super) plan: &'a JobPlan,
    pub(super) keys: Option<Keys<'a>>,
    pub(super) phase: Phase,
    pub(super) draws: Draws,
    pub(super) course: Course,
    /// The record that the present course goes back to, then the one of its end.
    course_cause: Option<Seq>,
    /// Tries of a failing bundle of a batch job.
    attempt: u64,
    /// The input of a batch job is there and not yet written.
    pub(super) has_input: bool,
    pub(super) behind: bool,
    pub(super) scaled: bool,
    pub(super) cancel: Option<Cancel>,
    pub(super) launch: Option<Launch>,
    pub(super) attempts_left: u64,
    pub(super) ended_by: Option<Seq>,
    /// The next restart of a worker.
    pub(super) restart: SimTime,
    /// The VMs of the workers will stop, for their key is revoked.
    pub(super) stops: bool,
    /// When the present job was created.
    pub(super) created: SimTime,
    pub(super) partly_protected_since: Option<SimTime>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) tally: Tally,
    /// Since when it has been in its present state, and the record of that.
    entered: (SimTime, Option<Seq>),
}

impl<'a> Job<'a> {
    pub(super) fn new(plan: &'a JobPlan, streams: &Streams, mode: SweepMode) -> Job<'a> {
        let lazy = |number| LazyStream::new(streams, number);
        let names = &plan.streams;
        let runs = plan.runs_at_start;
        let keys = plan.key.as_ref().map(|key| {
            let (phases, luck) = (lazy(names.phases), lazy(names.luck));
            Keys::new(key, &plan.constants, runs, phases, luck, mode)
        });
        Job {
            plan,
            keys,
            phase: if runs { Phase::Running } else { Phase::None },
            draws: Draws {
                creation: lazy(names.creation),
                queue: lazy(names.queue),
                start: lazy(names.start),
                halt: lazy(names.halt),
                cleanup: lazy(names.cleanup),
                stuck: lazy(names.stuck),
                retry: lazy(names.retry),
                restart: lazy(names.restart),
                scaling: lazy(names.scaling),
                relaunch: lazy(names.relaunch),
                vm_stop: lazy(names.vm_stop),
            },
            course: Course::Flows,
            course_cause: None,
            attempt: 0,
            has_input: false,
            behind: false,
            scaled: false,
            cancel: None,
            launch: None,
            attempts_left: 0,
            ended_by: None,
            restart: SimTime::START,
            stops: false,
            created: SimTime::START,
            partly_protected_since: (runs && plan.partly_protected).then_some(SimTime::START),
            snapshots: plan.snapshots.iter().map(|s| Snapshot::new(lazy(s.time))).collect(),
            tally: Tally::default(),
            entered: (SimTime::START, None),
        }
    }

    pub(super) fn order(&self, order: Order, fx: &mut Effects<Message>) {
        fx.publish(self.plan.entity, Message::Order(order), None);
    }

    /// Puts the job into a state, and charges the one it leaves.
    pub(super) fn enter(
        &mut self,
        to: StateId,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        if to != fx.state(self.plan.entity) {
            self.charge(fx);
        }
        let from = fx.state(self.plan.entity);
        let seq = fx.enter(self.plan.entity, to, rule, cause, detail);
        if from != to {
            self.entered = (fx.now(), Some(seq));
        }
        seq
    }

    /// Charges the present stay, if the job gets nowhere in it.
    fn charge(&self, fx: &mut Effects<Message>) {
        let entity = self.plan.entity;
        let spec = &super::describe::JOB.states[usize::from(fx.state(entity))];
        let charged = [
            state::STARVED,
            state::BACK_PRESSURED,
            state::QUEUED,
            state::PENDING,
            state::CLEANING,
            state::UPDATED,
            state::CANCELLED,
            state::FAILED,
        ];
        if let ((from, Some(seq)), true) = (self.entered, charged.contains(&fx.state(entity))) {
            let (state, phase, to) = (spec.name, spec.name, fx.now());
            fx.charge(Charge { entity, state, phase, cause: Some(seq), from, to });
        }
    }

    pub(super) fn note(
        &self,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) {
        fx.note(self.plan.entity, rule, cause, detail);
    }

    /// Is there a job that reads, or writes what it has read?
    pub(super) fn works(&self) -> bool {
        [Phase::Running, Phase::Draining].contains(&self.phase)
    }

    /// Shows how a running job fares.
    fn show(&mut self, rule: &'static str, cause: Option<Seq>, fx: &mut Effects<Message>) {
        if self.phase != Phase::Running {
            return;
        }
        let waits = self.keys.as_ref().is_some_and(|keys| keys.grace.since.is_some());
        let (to, detail) = match self.course {
            Course::Starved => (state::STARVED, "its own key is not to blame: nothing comes"),
            Course::Blocked => {
                (state::BACK_PRESSURED, "its own key is not to blame: nothing can be written")
            }
            Course::Flows if waits => (state::UNCONFIRMED, "no answer about the key"),
            Course::Flows => (state::RUNNING, ""),
        };
        if to != fx.state(self.plan.entity) {
            self.enter(to, rule, cause, detail, fx);
        }
    }

    /// DF-20: the job checks its key.
    fn check(&mut self, subject: u32, fx: &mut Effects<Message>) {
        let Some(keys) = &mut self.keys else { return };
        let (check, answer) = keys.checks.check(subject, fx);
        keys.log_check(check, answer, (self.plan.entity, self.created), fx);
        let watch = &keys.checks.watch;
        let found = watch.finding(subject, answer, keys.grace, GraceReset::AnySuccess);
        let cause = keys.cause(Principal::Dataflow);
        if let Some(finding) = found {
            fx.used("model.dataflow.check-period");
            fx.used("model.dataflow.check-phase");
            keys.refused(answer, cause, fx);
            match finding {
                Finding::Usable => self.key_answers("Q-05", cause, fx),
                Finding::LostContact => self.lost_contact(cause, fx),
                Finding::Denied => {
                    keys.checks.watch.learn(subject, Known::Wholly);
                    self.deny(answer, Principal::Dataflow, cause, fx);
                }
            }
        }
        if let Some(keys) = &mut self.keys
            && [Phase::Running, Phase::Draining].contains(&self.phase)
        {
            keys.plan_check(Some(check), fx);
        }
    }

    /// Contact: whatever was in doubt is over.
    fn key_answers(&mut self, rule: &'static str, cause: Option<Seq>, fx: &mut Effects<Message>) {
        if let Some(keys) = &mut self.keys {
            keys.checks.watch.forget();
            keys.grace = Grace::default();
        }
        fx.cancel(timer::GRACE);
        self.show(rule, cause, fx);
    }

    /// a check without an answer starts the grace.
    fn lost_contact(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        fx.used("model.dataflow.transient-grace");
        let grace = self.plan.constants.transient_grace;
        if let Some(keys) = &mut self.keys {
            keys.grace = Grace { since: Some(fx.now()), expired: false };
            keys.grace_cause = cause;
        }
        if grace.is_zero() {
            return self.grace_over(fx);
        }
        fx.after(timer::GRACE, grace, Class::Due);
        let stalls = self.course != Course::Flows || self.phase != Phase::Running;
        if stalls {
            self.note("Q-05", cause, "no answer about the key: the grace runs", fx);
        }
        self.show("Q-05", cause, fx);
    }

    /// nothing has been heard of the key for too long.
    fn grace_over(&mut self, fx: &mut Effects<Message>) {
        let cause = self.keys.as_ref().and_then(|keys| keys.grace_cause);
        let detail = "nothing has been heard of the key for too long";
        self.begin_cancel("Q-05", cause, detail.to_owned(), fx);
    }

    /// Something is told of the key or of a grant.
    fn hear(
        &mut self,
        about: EntityId,
        message: &Message,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let Some(keys) = &mut self.keys else { return };
        if !keys.hear(about, message, cause, fx.now()) {
            return;
        }
        self.snapshots_hear(fx);
        match self.phase {
            Phase::Running | Phase::Draining => {
                if let Some(keys) = &mut self.keys {
                    keys.plan_check(None, fx);
                }
                self.watch_workers(fx);
            }
            Phase::Queued | Phase::Pending => self.creation_hears(fx),
            Phase::None | Phase::Cancelling | Phase::Cleaning => {}
        }
    }

    fn news(&mut self, news: News, cause: Option<Seq>, fx: &mut Effects<Message>) {
        match news {
            News::Course(course) => self.fares(course, cause, fx),
            News::Behind(behind) => {
                self.behind = behind;
                self.scale(fx);
            }
            News::Empty if self.phase == Phase::Draining => {
                self.end(state::DRAINED, "DJ-05", None, "everything read is written", fx);
            }
            News::Empty if self.phase == Phase::Running && !self.plan.streaming => {
                self.has_input = false;
                self.end(state::DONE, "DJ-02", None, "everything is written", fx);
            }
            News::Empty | News::Read(_) | News::Withheld(_) | News::Inflow(_) => {}
        }
    }

    /// How the work of the job fares from now on.
    fn fares(&mut self, course: Course, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let before = std::mem::replace(&mut self.course, course);
        let rule = match (course, before) {
            (Course::Starved, _) | (Course::Flows, Course::Starved) => "FL-02",
            (Course::Blocked, _) | (Course::Flows, _) if self.plan.streaming => "DJ-09",
            (Course::Blocked | Course::Flows, _) => "FL-03",
        };
        let own = self.entered.1.filter(|_| self.phase == Phase::Running);
        self.course_cause = cause.or(own).or(self.course_cause);
        self.show(rule, self.course_cause, fx);
        if !self.plan.streaming && self.phase == Phase::Running {
            if course == Course::Flows {
                fx.cancel(timer::RETRY);
            } else if before == Course::Flows {
                self.attempt = 1;
                self.wait_for_retry(fx);
            }
        }
    }

    /// DJ-09: a bundle of a batch job has failed; it is tried again.
    fn wait_for_retry(&mut self, fx: &mut Effects<Message>) {
        fx.used("model.dataflow.batch-retry");
        if self.attempt >= self.plan.constants.batch_attempts {
            let detail = format!("a bundle has failed {} times", self.attempt);
            let cause = self.entered.1;
            self.tally.failed += 1;
            self.order(Order::Halt, fx);
            self.order(Order::Discard, fx);
            self.end(state::FAILED, "DJ-09", cause, detail, fx);
            return self.relaunch_later(fx);
        }
        let wait = self.plan.constants.batch_retry.sample(self.draws.retry.get());
        fx.after(timer::RETRY, wait, Class::Due);
    }

    /// There is no job any more, by whatever end.
    pub(super) fn end(
        &mut self,
        to: StateId,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) {
        let cause = cause.or(self.entered.1).or(self.launch.and_then(|launch| launch.cause));
        let seq = self.enter(to, rule, cause, detail, fx);
        self.phase = Phase::None;
        self.course = Course::Flows;
        self.ended_by = Some(seq);
        (self.cancel, self.launch) = (None, None);
        for timer in timer::GRACE..=timer::STOP {
            fx.cancel(timer);
        }
        self.stops = false;
        if let Some(keys) = &mut self.keys {
            keys.close(fx);
        }
        self.snapshots_end(seq, fx);
        if let Some(since) = self.partly_protected_since.take() {
            self.tally.partly_protected += fx.now().saturating_since(since).ns();
        }
        // What drained or is done stands still from now on.
        if [state::DRAINED, state::DONE].contains(&to) {
            self.order(Order::Halt, fx);
        }
    }

    /// FL-05: something that the job reads or writes is out of service, or back.
    fn end_fails(
        &self,
        entity: EntityId,
        (begins, occurrence): (bool, u32),
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let Some((_, path)) = self.plan.ends.iter().find(|(end, _)| *end == entity) else {
            return;
        };
        let detail = if begins {
            format!("{path} is out of service, for reasons of its own")
        } else {
            format!("{path} is in service again")
        };
        let seq = fx.note(self.plan.entity, "FL-05", cause, detail);
        let order = Order::Shut { entity, occurrence, shut: begins };
        fx.publish(self.plan.entity, Message::Order(order), Some(seq));
    }

    fn command(
        &mut self,
        command: Command,
        turn: (bool, u32),
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        match command.code {
            code::OUTAGE => self.end_fails(EntityId(command.a), turn, cause, fx),
            code::LAUNCH => self.launch_by_hand(command, cause, fx),
            code::UPDATE => self.update(cause, fx),
            code::DRAIN => self.drain(cause, fx),
            code::CANCEL => self.cancel_by_hand(cause, fx),
            code::FORCE_CANCEL => self.force_by_hand(cause, fx),
            code::SNAPSHOT => self.take_snapshot(command.a as usize, cause, fx),
            other => panic!("command {other} is not for a job"),
        }
    }

    fn on_timer(&mut self, number: u32, fx: &mut Effects<Message>) {
        match number {
            timer::GRACE => self.grace_over(fx),
            timer::HALT => self.halt(fx),
            timer::CLEAN | timer::FORCE => self.cancelled(number == timer::FORCE, fx),
            timer::QUEUE => self.leaves_queue(fx),
            timer::START => self.started(fx),
            timer::RETRY => {
                self.attempt += 1;
                self.wait_for_retry(fx);
            }
            timer::SCALE => self.scale_now(fx),
            timer::RELAUNCH => self.relaunch(fx),
            timer::RESTART => self.worker_restarts(fx),
            timer::STOP => self.workers_stop(fx),
            check if check >= CHECK => self.check(check - CHECK, fx),
            snapshot => self.snapshot_timer(snapshot - timer::SNAPSHOT, fx),
        }
    }
}

impl Process<Message> for Job<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        if let Some(keys) = &mut self.keys {
            keys.checks.watch.rounds.mark(fx.marks());
        }
        if self.phase != Phase::Running {
            return;
        }
        if let Some(keys) = &mut self.keys {
            keys.checks.start(fx);
            keys.tell_load(true, fx);
        }
        self.next_restart();
        if !self.plan.streaming {
            self.has_input = true;
            self.order(Order::Supply, fx);
        }
        self.order(Order::Run, fx);
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(number) => self.on_timer(number, fx),
            Happening::Message { to, message, cause } => match message {
                Message::Command { command, begins, occurrence } => {
                    self.command(command, (begins, occurrence), cause, fx);
                }
                Message::News(news) => self.news(news, cause, fx),
                Message::Standing(_)
                | Message::Version { .. }
                | Message::Primary(_)
                | Message::Grant(_)
                | Message::Refused { .. }
                | Message::Errors(_)
                | Message::Mistaken(_)
                | Message::Load(_)
                | Message::Stale(_)
                | Message::Order(_) => self.hear(to, &message, cause, fx),
            },
            Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        self.charge(fx);
        if let Some(since) = self.partly_protected_since {
            self.tally.partly_protected += fx.now().saturating_since(since).ns();
        }
        let mut made = 0;
        if let Some(keys) = &mut self.keys {
            let mut parts = keys.checks.made_at_marks(fx);
            made = parts.last().copied().unwrap_or(0);
            fx.checks(made);
            for part in &mut parts {
                *part *= self.plan.constants.operations_per_check;
            }
            operations::tell(keys.plan.entity, self.plan.entity, &parts, fx);
        }
        let tally = self.tally;
        let partly = SimDuration::from_ns(tally.partly_protected).unwrap_or(SimDuration::MAX);
        let counts = [
            ("checks", made),
            ("cancelled", tally.cancelled),
            ("failed", tally.failed),
            ("launches", tally.launches),
            ("launches-refused", tally.refused),
        ];
        for (name, count) in counts {
            fx.measure(self.plan.entity, name, Some(count as f64));
        }
        fx.measure(self.plan.entity, "partly-protected-time", Some(partly.seconds()));
    }
}
