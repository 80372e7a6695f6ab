//! The key of a job as its two principals see it.

use super::plan::{Constants, KeyPlan};
use crate::engine::{Call, Effects, EntityId, Seq, SimTime};
use crate::systems::contract::{Answer, Denial, LazyStream, Load, Message, Standing, SweepMode};
use crate::systems::guard::{Check, Checks, Grace, GraceReset, KeyView, Rounds, Watch};
use crate::systems::operations;

/// The first of the timers of the checks.
pub(super) const CHECK: u32 = 1 << 20;

/// Who asks the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// The Dataflow service account, which checks the key.
    Dataflow,
    /// The Compute Engine agent, which attaches disks.
    ComputeEngine,
}

impl Principal {
    pub(super) fn words(self) -> &'static str {
        match self {
            Principal::Dataflow => "the Dataflow service account",
            Principal::ComputeEngine => "the Compute Engine agent",
        }
    }
}

/// The key of a job.
pub(super) struct Keys<'a> {
    pub(super) plan: &'a KeyPlan,
    pub(super) checks: Checks,
    /// What the Compute Engine agent knows of the key.
    agent: KeyView,
    /// The version that protects the state of the job (DF-09).
    pub(super) version: u32,
    /// While nothing is known of the key.
    pub(super) grace: Grace,
    /// Requests of one check, and per second.
    operations: u32,
    rate: f64,
    /// The quota knows of the checks.
    loads: bool,
    pub(super) grace_cause: Option<Seq>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(
        plan: &'a KeyPlan,
        constants: &Constants,
        runs: bool,
        phases: LazyStream,
        luck: LazyStream,
        mode: SweepMode,
    ) -> Keys<'a> {
        let (period, count) = (constants.check_period, u32::from(runs));
        let rounds = Rounds::new(period, constants.phasing, count, phases);
        Keys {
            plan,
            checks: Checks::new(Watch::new(rounds, plan.version, luck), mode, CHECK),
            agent: KeyView::of(plan.version),
            version: plan.version,
            grace: Grace::default(),
            operations: constants.operations_per_check as u32,
            rate: constants.operations_per_check as f64 / period.seconds(),
            loads: false,
            grace_cause: None,
        }
    }

    /// Takes in what is told of the key or of one of the grants; gives whether it was that.
    pub(super) fn hear(
        &mut self,
        about: EntityId,
        message: &Message,
        cause: Option<Seq>,
        now: SimTime,
    ) -> bool {
        let [dataflow, agent] = self.plan.grants;
        let own = about != agent && self.checks.watch.hear(message, cause, now);
        let others = about != dataflow && self.agent.hear(message, cause, now);
        own || others
    }

    /// What the key answers a principal from now on.
    pub(super) fn standing(&self, who: Principal) -> Standing {
        match who {
            Principal::Dataflow => self.checks.watch.view().standing(self.version),
            Principal::ComputeEngine => self.agent.standing(self.version),
        }
    }

    /// The record that this goes back to.
    pub(super) fn cause(&self, who: Principal) -> Option<Seq> {
        match who {
            Principal::Dataflow => self.checks.watch.view().cause(self.version),
            Principal::ComputeEngine => self.agent.cause(self.version),
        }
    }

    /// A new job is bound to the version that is primary now.
    pub(super) fn bind(&mut self) {
        self.version = self.checks.watch.view().primary();
        self.checks.watch.bind_all(self.version);
        self.checks.watch.forget();
    }

    /// Plans the next check that finds something new.
    pub(super) fn plan_check(&mut self, done: Option<Check>, fx: &mut Effects<Message>) {
        let grace = self.grace;
        let news = |watch: &Watch, subject: u32, answer: Answer| {
            watch.finding(subject, answer, grace, GraceReset::AnySuccess).is_some()
        };
        self.checks.plan(done, news, fx);
    }

    /// EKM-09: whoever meets the manager's denial makes it stick.
    pub(super) fn refused(&self, answer: Answer, cause: Option<Seq>, fx: &mut Effects<Message>) {
        if answer == Answer::Denied(Denial::Manager) {
            fx.send(self.plan.entity, Message::Refused { version: self.version }, cause);
        }
    }

    /// DF-31: the operations of a check, for the Data Access log of the key, with the job as context.
    /// Which they are is not documented: one is taken as an encryption, the others as decryptions.
    pub(super) fn log_check(
        &self,
        check: Check,
        answer: Answer,
        (job, created): (EntityId, SimTime),
        fx: &mut Effects<Message>,
    ) {
        if !fx.logs_requests_of(self.plan.entity) {
            return;
        }
        let (status, why) = operations::status(answer);
        for (method, count) in [("Encrypt", 1), ("Decrypt", self.operations - 1)] {
            if count > 0 {
                fx.call(Call {
                    at: check.at,
                    to: self.plan.entity,
                    by: Some(job),
                    job: Some(created),
                    grant: Some(self.plan.grants[0]),
                    method,
                    part: self.version,
                    count,
                    status,
                    why: why.into(),
                    record: None,
                });
            }
        }
    }

    /// DF-29: tells the quota of the key whether the job checks it.
    pub(super) fn tell_load(&mut self, loads: bool, fx: &mut Effects<Message>) {
        if loads == std::mem::replace(&mut self.loads, loads) {
            return;
        }
        if let Some(quota) = self.plan.quota {
            let rate = if loads { self.rate } else { -self.rate };
            fx.send(quota, Message::Load(Load::steady(rate)), None);
        }
    }

    /// The job has ended: nobody checks its key any more.
    pub(super) fn close(&mut self, fx: &mut Effects<Message>) {
        self.tell_load(false, fx);
        self.checks.leave(fx);
        self.checks.watch.forget();
        self.grace = Grace::default();
    }
}
