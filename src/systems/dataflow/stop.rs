//! How a job ends: cancelled because of its key or by its user, forced, or drained.

use super::job::{Cancel, Job, Phase, timer};
use super::keys::Principal;
use super::plan::state;
use crate::engine::{Class, Effects, Seq};
use crate::systems::contract::{Answer, Denial, Message};
use crate::systems::flow::Order;

impl Job<'_> {
    /// DF-17, DF-20, DF-21: a principal of the job has been denied.
    pub(super) fn deny(
        &mut self,
        answer: Answer,
        who: Principal,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let Answer::Denied(denial) = answer else { return };
        let rule = match (who, denial) {
            (Principal::ComputeEngine, _) => "DF-21",
            (
                Principal::Dataflow,
                Denial::Disabled | Denial::DestroyScheduled | Denial::Destroyed | Denial::NotReady,
            ) => "DF-17",
            (
                Principal::Dataflow,
                Denial::RoleRevoked
                | Denial::Perimeter
                | Denial::Justification
                | Denial::Manager
                | Denial::ManagerNow
                | Denial::Mistaken,
            ) => "DF-20",
        };
        let disk = match who {
            Principal::ComputeEngine => "a worker cannot attach its disk: ",
            Principal::Dataflow => "",
        };
        let detail = format!("{disk}the key is {} ({})", denial.words(), who.words());
        self.begin_cancel(rule, cause, detail, fx);
    }

    /// The key is not usable: the job is cancelled, and halts as soon as possible (DF-22).
    pub(super) fn begin_cancel(
        &mut self,
        rule: &'static str,
        cause: Option<Seq>,
        detail: String,
        fx: &mut Effects<Message>,
    ) {
        if !self.works() {
            return;
        }
        fx.used("model.dataflow.halt-delay");
        let seq = if self.phase == Phase::Draining {
            // DJ-02: a job that drains is not shown as cancelling.
            fx.note(self.plan.entity, "DJ-05", cause, format!("the drain is given up: {detail}"))
        } else {
            self.enter(state::CANCELLING, rule, cause, detail, fx)
        };
        self.phase = Phase::Cancelling;
        self.cancel = Some(Cancel { since: fx.now(), cause: Some(seq), by_user: false });
        self.stop_watching(fx);
        let wait = self.plan.constants.halt_delay.sample(self.draws.halt.get());
        fx.after(timer::HALT, wait, Class::Due);
    }

    /// Nothing that the key may still answer matters any more.
    fn stop_watching(&mut self, fx: &mut Effects<Message>) {
        for timer in [timer::GRACE, timer::RETRY, timer::SCALE, timer::RESTART, timer::STOP] {
            fx.cancel(timer);
        }
        if let Some(keys) = &mut self.keys {
            keys.close(fx);
        }
    }

    /// DF-22: all ingestion and processing is halted; DF-23: the clean-up begins.
    pub(super) fn halt(&mut self, fx: &mut Effects<Message>) {
        let Some(cancel) = self.cancel else { return };
        self.order(Order::Halt, fx);
        self.order(Order::Discard, fx);
        self.phase = Phase::Cleaning;
        let rule = if cancel.by_user { "DJ-03" } else { "DF-22" };
        let seq = self.enter(state::CLEANING, rule, cancel.cause, "", fx);
        self.snapshots_end(seq, fx);
        fx.used("model.dataflow.stuck-cancel");
        let constants = &self.plan.constants;
        let stuck = self.draws.stuck.get().open01() < constants.stuck_cancel;
        self.cancel = Some(Cancel { cause: Some(seq), ..cancel });
        if stuck {
            self.note("DJ-04", Some(seq), "the cancellation does not end by itself", fx);
            fx.used("model.dataflow.force-cancel");
            if constants.force_cancel_at_once {
                let at = cancel.since.saturating_add(constants.force_cancel_after);
                fx.at(timer::FORCE, at.max(fx.now()), Class::Due);
            }
            return;
        }
        fx.used("model.dataflow.cleanup");
        let wait = constants.cleanup.sample(self.draws.cleanup.get());
        fx.after(timer::CLEAN, wait, Class::Due);
    }

    /// The job is cancelled for good.
    pub(super) fn cancelled(&mut self, forced: bool, fx: &mut Effects<Message>) {
        let Some(cancel) = self.cancel else { return };
        let rule = match (forced, cancel.by_user) {
            (true, _) => "DJ-04",
            (false, true) => "DJ-03",
            (false, false) => "DF-23",
        };
        let detail = if forced { "forced" } else { "its resources are cleaned up" };
        self.tally.cancelled += 1;
        self.end(state::CANCELLED, rule, cancel.cause, detail, fx);
        if !cancel.by_user {
            self.relaunch_later(fx);
        }
    }

    /// DJ-03: the user cancels the job: it stops at once.
    pub(super) fn cancel_by_hand(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        match self.phase {
            Phase::Running | Phase::Draining => {
                let seq = if self.phase == Phase::Running {
                    self.enter(state::CANCELLING, "DJ-03", cause, "cancelled by the user", fx)
                } else {
                    fx.note(self.plan.entity, "DJ-03", cause, "cancelled by the user")
                };
                self.phase = Phase::Cancelling;
                let since = fx.now();
                self.cancel = Some(Cancel { since, cause: Some(seq), by_user: true });
                self.stop_watching(fx);
                self.halt(fx);
            }
            Phase::Queued | Phase::Pending => {
                self.tally.cancelled += 1;
                self.order(Order::Discard, fx);
                self.end(state::CANCELLED, "DJ-03", cause, "cancelled by the user", fx);
            }
            Phase::None | Phase::Cancelling | Phase::Cleaning => {
                self.note("DJ-02", cause, "cancel-job changes nothing: no job runs", fx);
            }
        }
    }

    /// DJ-04: a cancellation that is stuck is forced.
    pub(super) fn force_by_hand(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let Some(cancel) = self.cancel else {
            return self.note(
                "DJ-04",
                cause,
                "force-cancel-job is refused: no cancellation goes on",
                fx,
            );
        };
        let open = cancel.since.saturating_add(self.plan.constants.force_cancel_after);
        if fx.now() < open {
            let detail = "force-cancel-job is refused: the cancellation is too recent";
            return self.note("DJ-04", cause, detail, fx);
        }
        if self.phase == Phase::Cancelling {
            self.order(Order::Halt, fx);
            self.order(Order::Discard, fx);
        }
        self.cancel = Some(Cancel { cause, ..cancel });
        self.cancelled(true, fx);
    }

    /// DJ-05: the job stops reading and finishes what it has read.
    pub(super) fn drain(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let refusal = match self.phase {
            _ if !self.plan.streaming => Some("it is no streaming job"),
            Phase::Running => None,
            Phase::Draining => Some("it drains already"),
            Phase::None | Phase::Queued | Phase::Pending | Phase::Cancelling | Phase::Cleaning => {
                Some("it does not run")
            }
        };
        if let Some(why) = refusal {
            return self.note("DJ-05", cause, format!("drain-job is refused: {why}"), fx);
        }
        let standing = self.keys.as_ref().map(|keys| keys.standing(Principal::Dataflow));
        if let Some(Answer::Denied(denial)) = standing.and_then(|standing| standing.certain()) {
            let detail =
                format!("drained with a key that is {}: cancelled instead", denial.words());
            return self.begin_cancel("DJ-05", cause, detail, fx);
        }
        self.phase = Phase::Draining;
        self.enter(state::DRAINING, "DJ-05", cause, "", fx);
        self.order(Order::Drain, fx);
    }
}
