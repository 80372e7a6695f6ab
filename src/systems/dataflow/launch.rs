//! How a job comes to be: created by hand or by automation, from scratch, from a snapshot, or in
//! place of another.

use super::job::{Job, Phase, timer};
use super::keys::Principal;
use super::plan::{snapshot_state, state};
use crate::engine::{Class, Effects, EntityId, Seq, StateId};
use crate::systems::contract::{Answer, Command, Denial, Message};
use crate::systems::flow::{Course, Order};

/// A job that is being created.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launch {
    /// The snapshot to start from.
    snapshot: Option<usize>,
    /// It takes the place of another job, with its state.
    replaces: bool,
    /// The record that it goes back to.
    pub(super) cause: Option<Seq>,
}

/// Why a job cannot be created.
struct Refusal {
    to: StateId,
    rule: &'static str,
    detail: String,
    cause: Option<Seq>,
}

/// Dataflow's own words (DF-33, DF-34) for a key that it cannot use.
fn refusal(key: &str, external: bool, answer: Answer, who: Principal) -> Option<Refusal> {
    let failed = |rule, detail| Some(Refusal { to: state::FAILED, rule, detail, cause: None });
    let invalid = format!("Workflow failed. Causes: Cloud KMS key {key} cannot be validated.");
    match answer {
        Answer::Granted => None,
        Answer::Denied(
            denial @ (Denial::Disabled
            | Denial::DestroyScheduled
            | Denial::Destroyed
            | Denial::NotReady),
        ) => failed("DF-33", format!("{invalid} The key is {}.", denial.words())),
        Answer::Denied(
            Denial::RoleRevoked
            | Denial::Perimeter
            | Denial::Justification
            | Denial::Manager
            | Denial::ManagerNow
            | Denial::Mistaken,
        ) => failed(
            "DF-34",
            format!(
                "Workflow failed. Causes: Cloud KMS key Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '{key}' (or it may not exist). cannot be validated. It is denied to {}.",
                who.words()
            ),
        ),
        Answer::Unreachable if external => Some(Refusal {
            to: state::CANCELLED,
            rule: "DF-19",
            detail: "the external key is unavailable during the creation".to_owned(),
            cause: None,
        }),
        Answer::Unreachable => failed("Q-15", format!("{invalid} Cloud KMS does not answer.")),
    }
}

impl Job<'_> {
    /// Can a job be created now? Both principals ask the key (DF-12), and the buckets must serve.
    fn creation(&mut self, fx: &mut Effects<Message>) -> Option<Refusal> {
        let luck = &mut self.draws.creation;
        if let Some(keys) = &self.keys {
            for who in [Principal::Dataflow, Principal::ComputeEngine] {
                let standing = keys.standing(who);
                let answer =
                    standing.certain().unwrap_or_else(|| standing.answer(luck.get().open01()));
                let plan = keys.plan;
                if let Some(refusal) = refusal(&plan.path, plan.external, answer, who) {
                    let cause = keys.cause(who);
                    keys.refused(answer, cause, fx);
                    return Some(Refusal { cause, ..refusal });
                }
            }
        }
        self.shut_bucket(fx)
    }

    /// DF-14: a bucket that is needed and does not serve.
    fn shut_bucket(&self, fx: &Effects<Message>) -> Option<Refusal> {
        let shut = self
            .plan
            .buckets
            .iter()
            .find(|bucket| !bucket.serves[usize::from(fx.state(bucket.entity))])?;
        let cause = fx.last_record(|entity| entity == shut.entity).map(|(seq, _)| seq);
        let detail = format!("the {} cannot be used", shut.what);
        Some(Refusal { to: state::FAILED, rule: "DF-14", detail, cause })
    }

    /// While a job is being created, its key becomes unusable for certain.
    pub(super) fn creation_hears(&mut self, fx: &mut Effects<Message>) {
        let Some(keys) = &self.keys else { return };
        for who in [Principal::Dataflow, Principal::ComputeEngine] {
            let Some(answer) = keys.standing(who).certain() else { continue };
            // Without an answer, only an external key ends the creation at once (DF-19).
            let waits = answer == Answer::Unreachable && !keys.plan.external;
            let refusal = refusal(&keys.plan.path, keys.plan.external, answer, who);
            if let Some(refusal) = refusal.filter(|_| !waits) {
                let cause = keys.cause(who);
                return self.refuse(Refusal { cause, ..refusal }, fx);
            }
        }
    }

    /// A job cannot be created: it fails, or is cancelled.
    fn refuse(&mut self, refusal: Refusal, fx: &mut Effects<Message>) {
        self.tally.refused += 1;
        if refusal.to == state::CANCELLED {
            self.tally.cancelled += 1;
        } else {
            self.tally.failed += 1;
        }
        let asked = self.launch.and_then(|launch| launch.cause);
        if self.launch.is_some_and(|launch| launch.replaces) {
            // The job that was to be replaced is gone, and its work with it.
            self.order(Order::Discard, fx);
        }
        self.end(refusal.to, refusal.rule, refusal.cause.or(asked), refusal.detail, fx);
        self.relaunch_later(fx);
    }

    /// Somebody creates the job.
    pub(super) fn launch_by_hand(
        &mut self,
        command: Command,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let snapshot = (command.a != u32::MAX).then_some(command.a as usize);
        self.launch(snapshot, cause, fx);
    }

    fn launch(&mut self, snapshot: Option<usize>, cause: Option<Seq>, fx: &mut Effects<Message>) {
        if self.phase != Phase::None {
            return self.note("DJ-02", cause, "launch-job is refused: there is a job already", fx);
        }
        if let Some(jobs) = self.too_many(fx) {
            self.tally.launches += 1;
            self.tally.refused += 1;
            let detail =
                format!("launch-job is refused: {jobs} jobs run in the project, no more may");
            self.ended_by = Some(fx.note(self.plan.entity, "DJ-12", cause, detail));
            return self.relaunch_later(fx);
        }
        let entity = snapshot.map(|slot| self.plan.snapshots[slot].entity);
        if entity.is_some_and(|entity| fx.state(entity) != snapshot_state::READY) {
            self.tally.launches += 1;
            self.tally.refused += 1;
            self.note("DJ-06", cause, "launch-job is refused: the snapshot is not ready", fx);
            return;
        }
        self.create(Launch { snapshot, replaces: false, cause }, fx);
    }

    /// DJ-12: as many jobs run in the project as may.
    fn too_many(&self, fx: &Effects<Message>) -> Option<u64> {
        let limit = self.plan.constants.concurrent_jobs?;
        let runs = |job: &&EntityId| fx.state(**job) <= state::CLEANING;
        let jobs = self.plan.siblings.iter().filter(runs).count() as u64;
        (jobs >= limit).then_some(jobs)
    }

    /// The creation of a job begins.
    fn create(&mut self, launch: Launch, fx: &mut Effects<Message>) {
        fx.cancel(timer::RELAUNCH);
        self.tally.launches += 1;
        self.launch = Some(launch);
        self.created = fx.now();
        if let Some(keys) = &mut self.keys {
            keys.bind();
        }
        if let Some(refusal) = self.creation(fx) {
            return self.refuse(refusal, fx);
        }
        let wait = self.plan.queue_time.sample(self.draws.queue.get());
        if wait.is_zero() {
            return self.start_workers(launch.cause, fx);
        }
        self.phase = Phase::Queued;
        self.enter(state::QUEUED, "DJ-01", launch.cause, "", fx);
        fx.after(timer::QUEUE, wait, Class::Due);
    }

    pub(super) fn leaves_queue(&mut self, fx: &mut Effects<Message>) {
        let cause = fx.last_record(|entity| entity == self.plan.entity).map(|(seq, _)| seq);
        self.start_workers(cause, fx);
    }

    fn start_workers(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.phase = Phase::Pending;
        let seq = self.enter(state::PENDING, "DJ-11", cause, "", fx);
        self.launch = self.launch.map(|launch| Launch { cause: Some(seq), ..launch });
        fx.used("model.dataflow.start-time");
        let wait = self.plan.constants.start_time.sample(self.draws.start.get());
        fx.after(timer::START, wait, Class::Due);
    }

    /// The workers are there: the job runs, if its key is still usable.
    pub(super) fn started(&mut self, fx: &mut Effects<Message>) {
        if let Some(refusal) = self.creation(fx) {
            return self.refuse(refusal, fx);
        }
        let Some(launch) = self.launch.take() else { return };
        self.phase = Phase::Running;
        self.course = Course::Flows;
        self.attempts_left = 0;
        let detail = match (launch.snapshot, launch.replaces) {
            (Some(_), _) => "from a snapshot",
            (None, true) => "with the state of the job before",
            (None, false) => "from scratch",
        };
        self.enter(state::RUNNING, "DJ-11", launch.cause, detail, fx);
        if self.plan.partly_protected && self.tally.launches == 1 {
            self.note("DF-05", launch.cause, "all user data is under the key from now on", fx);
        }
        self.unscaled(fx);
        if let Some(slot) = launch.snapshot {
            self.order(Order::Restore(slot as u32), fx);
        }
        if !self.plan.streaming {
            self.order(if self.has_input { Order::Rewind } else { Order::Supply }, fx);
            self.has_input = true;
        }
        self.order(Order::Run, fx);
        self.restart = fx.now();
        self.next_restart();
        if let Some(keys) = &mut self.keys {
            keys.checks.join(keys.version, fx);
            keys.tell_load(true, fx);
            keys.plan_check(None, fx);
        }
        self.watch_workers(fx);
    }

    /// DJ-02: a new job takes the place of a running one, with its state.
    pub(super) fn update(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        if self.phase != Phase::Running || !self.plan.streaming {
            let detail = "update-job is refused: only a running streaming job can be replaced";
            return self.note("DJ-02", cause, detail, fx);
        }
        let refusal = self.creation(fx);
        if let Some(refusal) = refusal {
            self.tally.launches += 1;
            self.tally.refused += 1;
            let detail = format!("update-job is refused: {}", refusal.detail);
            return self.note(refusal.rule, cause, detail, fx);
        }
        self.order(Order::Halt, fx);
        self.end(state::UPDATED, "DJ-02", cause, "", fx);
        let cause = self.ended_by;
        self.create(Launch { snapshot: None, replaces: true, cause }, fx);
    }

    /// Automation creates a new job some time after one has ended by a fault.
    pub(super) fn relaunch_later(&mut self, fx: &mut Effects<Message>) {
        let Some(policy) = &self.plan.relaunch else { return };
        let first = self.attempts_left == 0;
        let after = if first { &policy.after } else { &policy.every };
        if first {
            self.attempts_left = policy.attempts + 1;
        }
        self.attempts_left -= 1;
        if self.attempts_left == 0 {
            return self.note("DJ-03", self.ended_by, "automation gives up", fx);
        }
        let wait = after.sample(self.draws.relaunch.get());
        fx.after(timer::RELAUNCH, wait, Class::Due);
    }

    pub(super) fn relaunch(&mut self, fx: &mut Effects<Message>) {
        let wanted = self.plan.relaunch.as_ref().is_some_and(|policy| policy.from_snapshot);
        let snapshot = if wanted { self.newest_snapshot(fx) } else { None };
        self.launch(snapshot, self.ended_by, fx);
    }
}
