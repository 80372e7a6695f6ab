//! The workers of a job: their restarts, and how many there are.

use super::job::{Job, timer};
use super::keys::Principal;
use crate::engine::{Class, Effects, SimDuration};
use crate::systems::contract::{Answer, Message};
use crate::systems::flow::Order;

impl Job<'_> {
    /// while the Compute Engine agent is denied, the next worker that restarts cannot attach
    /// its disk.
    pub(super) fn watch_workers(&mut self, fx: &mut Effects<Message>) {
        let Some(keys) = &mut self.keys else { return };
        let answer = keys.standing(Principal::ComputeEngine).certain();
        if !matches!(answer, Some(Answer::Denied(_))) {
            fx.cancel(timer::RESTART);
            fx.cancel(timer::STOP);
            self.stops = false;
            return;
        }
        let constants = &self.plan.constants;
        if self.plan.stops_on_revocation && !std::mem::replace(&mut self.stops, true) {
            fx.used("model.dataflow.vm-stop");
            let wait = constants.vm_stop.sample(self.draws.vm_stop.get());
            fx.after(timer::STOP, wait, Class::Due);
        }
        fx.used("model.dataflow.compute-engine-revoked");
        if constants.agent_as_service_account {
            if let Some(next) = keys.checks.watch.rounds.from(fx.now()) {
                // The check itself comes first, and is made.
                fx.at(timer::RESTART, next.at, Class::Due);
            }
            return;
        }
        fx.used("model.dataflow.worker-restart");
        // A restart at the instant of the denial meets it, unless it has had its turn.
        while self.restart < fx.now()
            || (self.restart == fx.now() && fx.passed(timer::RESTART, Class::Check))
        {
            self.next_restart();
        }
        fx.at(timer::RESTART, self.restart, Class::Check);
    }

    /// Draws the next restart of a worker after the last one.
    pub(super) fn next_restart(&mut self) {
        let wait = self.plan.constants.worker_restart.sample(self.draws.restart.get());
        // Workers that restart all the time are no workers.
        let wait = wait.max(SimDuration::from_secs(1));
        self.restart = self.restart.saturating_add(wait);
    }

    /// PD-02: the VMs of the workers stop, for the key of their disks is revoked.
    pub(super) fn workers_stop(&mut self, fx: &mut Effects<Message>) {
        let Some(keys) = &self.keys else { return };
        let who = Principal::ComputeEngine;
        let cause = keys.cause(who);
        if let Some(Answer::Denied(denial)) = keys.standing(who).certain() {
            let detail =
                format!("its VMs have stopped: the key is {} ({})", denial.words(), who.words());
            self.begin_cancel("PD-02", cause, detail, fx);
        }
    }

    pub(super) fn worker_restarts(&mut self, fx: &mut Effects<Message>) {
        let Some(keys) = &self.keys else { return };
        let cause = keys.cause(Principal::ComputeEngine);
        let answer = keys.standing(Principal::ComputeEngine).certain();
        if let Some(answer @ Answer::Denied(_)) = answer
            && self.works()
        {
            self.deny(answer, Principal::ComputeEngine, cause, fx);
        }
    }

    /// Sets the workers right for what waits.
    pub(super) fn scale(&mut self, fx: &mut Effects<Message>) {
        if !self.plan.autoscales {
            return;
        }
        if self.behind == self.scaled || !self.works() {
            return fx.cancel(timer::SCALE);
        }
        let constants = &self.plan.constants;
        let (name, after) = if self.behind {
            ("model.dataflow.scale-up-after", &constants.scale_up_after)
        } else {
            ("model.dataflow.scale-down-after", &constants.scale_down_after)
        };
        fx.used(name);
        let wait = after.sample(self.draws.scaling.get());
        fx.after(timer::SCALE, wait, Class::Due);
    }

    pub(super) fn scale_now(&mut self, fx: &mut Effects<Message>) {
        let denied = self.keys.as_ref().and_then(|keys| {
            let answer = keys.standing(Principal::ComputeEngine).certain();
            answer
                .filter(|answer| *answer != Answer::Granted)
                .map(|_| keys.cause(Principal::ComputeEngine))
        });
        if let (true, Some(cause)) = (self.behind, denied) {
            self.note(
                "Q-07",
                cause,
                "autoscaling fails: new workers cannot attach their disks",
                fx,
            );
            // Tried again as long as it is needed.
            let again = self.plan.constants.scale_up_after.sample(self.draws.scaling.get());
            return fx.after(timer::SCALE, again.max(SimDuration::from_secs(60)), Class::Due);
        }
        self.scaled = self.behind;
        self.order(Order::Scale(self.scaled), fx);
    }

    /// A new job has the workers that it begins with.
    pub(super) fn unscaled(&mut self, fx: &mut Effects<Message>) {
        (self.scaled, self.behind) = (false, false);
        self.order(Order::Scale(false), fx);
    }
}
