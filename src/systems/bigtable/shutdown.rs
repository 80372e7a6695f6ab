//! How clusters go down and come back: cascade, grace over, bring-up, destruction, deletion.

use super::instance::{Cluster, Down, Instance, Rising, Timer};
use super::plan::{backup_state, cluster_state, instance_state};
use super::versions::Denied;
use crate::engine::{Class, Effects, Seq, SimDuration, StateId};
use crate::systems::contract::{Answer, Message};
use crate::systems::guard::Known;
use std::borrow::Cow;

impl Instance<'_> {
    /// Is a key of the instance known to be denied?
    pub(super) fn denial(&self) -> bool {
        self.clusters.iter().any(|cluster| cluster.present && cluster.denied.is_some())
    }

    /// Must a cluster be offline because a grace is over?
    fn offline(&self, c: usize) -> bool {
        let expired = |c: usize| self.graces_of(c).iter().any(|slot| slot.grace.expired);
        if self.plan.constants.grace_takes_instance {
            (0..self.clusters.len()).any(|c| self.clusters[c].present && expired(c))
        } else {
            expired(c)
        }
    }

    /// BT-29: the check of a table finds the key of a cluster denied. The cluster goes down at once,
    /// and the others follow one at a time.
    pub(super) fn found_denied(
        &mut self,
        c: usize,
        table: u32,
        answer: Answer,
        fx: &mut Effects<Message>,
    ) {
        let Some(Denied { before, now }) = self.note_denial(c, table, answer, fx) else { return };
        let alone = now == Known::Partly { spreads: false };
        if alone && before != now {
            self.some_unreadable(c, table, fx);
        }
        // What is denied already may have been found again, or by tables that need another version.
        let held = !alone && self.clusters[c].denied.is_some();
        if alone || held {
            self.nothing_holds(c);
            self.watch_deletion_of_key(c, fx);
            // Contact was made: what only silence or the whole key held down comes back.
            let cause = self.cause(c, table);
            self.recover("BT-24", cause, fx);
            self.settle(fx);
            return;
        }
        let partly = now != Known::Wholly;
        let first = !self.denial();
        let cause = self.cause(c, table);
        let entity = self.plan.clusters[c].entity;
        // BT-33: with several keys denied, each cluster goes down at its own sweep.
        let (rule, detail) = match (partly, first) {
            (true, _) => ("BT-24", "one key version is unusable: treated as a disabled key"),
            (false, true) => ("BT-29", "a key validation found the key denied"),
            (false, false) => ("BT-33", "a key validation found the key denied"),
        };
        let seq = if self.clusters[c].down.is_none() {
            self.go_down(c, cluster_state::DISABLED, rule, cause, detail, fx)
        } else {
            fx.enter(entity, cluster_state::DISABLED, rule, cause, detail)
        };
        self.clusters[c].denied = Some((fx.now(), seq));
        if partly {
            self.watch_deletion_of_key(c, fx);
        }
        if first {
            self.start_cascade(c, seq, fx);
        }
        // Contact was made: what only the silence held down is no longer held down by it.
        self.stop_what_is_over(fx);
        self.settle(fx);
    }

    /// BT-32: draws when each of the other clusters has its turn.
    fn start_cascade(&mut self, first: usize, cause: Seq, fx: &mut Effects<Message>) {
        let mut order: Vec<usize> = (0..self.clusters.len())
            .filter(|&c| c != first && self.clusters[c].present && self.clusters[c].down.is_none())
            .collect();
        if order.is_empty() {
            return;
        }
        let constants = &self.plan.constants;
        if order.len() > 1 {
            fx.used("model.bigtable.cascade-order");
        }
        fx.used(constants.cascade_step_name);
        fx.used("model.bigtable.cascade-total-max");
        let (order_stream, step_stream) = self.cascade_streams();
        if constants.cascade_random {
            order_stream.shuffle(&mut order);
        }
        let steps: Vec<SimDuration> =
            order.iter().map(|_| constants.cascade_step.sample(step_stream)).collect();
        let mut total = SimDuration::ZERO;
        for (c, step) in order.into_iter().zip(steps) {
            total = total.checked_add(step).unwrap_or(SimDuration::MAX);
            total = total.min(constants.cascade_total_max);
            self.clusters[c].cascading = Some(cause);
            fx.after(Timer::Cascade.of(c, 0), total, Class::Due);
        }
    }

    /// A cluster's turn in the cascade has come.
    pub(super) fn cascade_reaches(&mut self, c: usize, fx: &mut Effects<Message>) {
        let cause = self.clusters[c].cascading.take();
        let detail = "another cluster of the instance has a denied key";
        self.go_down(c, cluster_state::DISABLED, "BT-29", cause, detail, fx);
        self.settle(fx);
    }

    /// BT-45: contact was lost for as long as the grace lasts.
    pub(super) fn grace_over(&mut self, row: usize, place: usize, fx: &mut Effects<Message>) {
        let plan = self.plan;
        let slot = self.grace_mut(row, place);
        slot.grace.expired = true;
        let cause = slot.cause;
        let due: Vec<usize> = (0..self.clusters.len())
            .filter(|&c| {
                let cluster = &self.clusters[c];
                let up = cluster.present && cluster.down.is_none();
                up && cluster.ramping.is_none() && self.offline(c)
            })
            .collect();
        let detail = if due.is_empty() {
            "a further grace is over without contact"
        } else {
            "no contact for the whole grace: taking clusters offline begins"
        };
        let seq = fx.note(plan.entity, "BT-45", cause, detail);
        self.grace_mut(row, place).cause = Some(seq);
        fx.used("model.bigtable.grace-scope");
        for c in due {
            fx.used("model.bigtable.offline-ramp");
            let ramp = plan.constants.offline_ramp.sample(self.ramp_stream(c));
            self.clusters[c].ramping = Some(seq);
            fx.after(Timer::Ramp.of(c, 0), ramp, Class::Due);
        }
        self.settle(fx);
    }

    /// BT-45: a cluster goes offline.
    pub(super) fn ramp_over(&mut self, c: usize, fx: &mut Effects<Message>) {
        let cause = self.clusters[c].ramping.take();
        if self.clusters[c].down.is_none() {
            let detail = "taken offline as protection";
            self.go_down(c, cluster_state::OFFLINE, "BT-45", cause, detail, fx);
            self.settle(fx);
        }
    }

    /// Takes a cluster down.
    fn go_down(
        &mut self,
        c: usize,
        state: StateId,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let plan = self.plan;
        self.writes_at_risk(c, fx);
        let seq = fx.enter(plan.clusters[c].entity, state, rule, cause, detail);
        if self.clusters[c].rising.take().is_some() {
            fx.cancel(Timer::BringUp.of(c, 0));
        }
        if self.clusters[c].cascading.take().is_some() {
            fx.cancel(Timer::Cascade.of(c, 0));
        }
        if self.clusters[c].ramping.take().is_some() {
            fx.cancel(Timer::Ramp.of(c, 0));
        }
        self.clusters[c].down = Some(Down { since: fx.now(), cause: seq });
        if !plan.profiles.is_empty() {
            fx.used("model.bigtable.route-around-disabled");
            fx.used("model.bigtable.error-split");
        }
        if plan.constants.route_around && !plan.profiles.is_empty() {
            fx.used("model.bigtable.reroute-delay");
            if plan.constants.reroute_delay.is_zero() {
                self.clusters[c].avoided = true;
            } else {
                fx.after(Timer::Reroute.of(c, 0), plan.constants.reroute_delay, Class::Due);
            }
        }
        if plan.constants.deletes_any_disabled {
            fx.after(Timer::Deletion.of(c, 0), plan.constants.delete_after, Class::Clock);
        }
        seq
    }

    /// Calls off what is on its way for a reason that is over.
    fn stop_what_is_over(&mut self, fx: &mut Effects<Message>) {
        let denial = self.denial();
        for c in 0..self.clusters.len() {
            if !denial && self.clusters[c].cascading.take().is_some() {
                fx.cancel(Timer::Cascade.of(c, 0));
            }
            if self.clusters[c].ramping.is_some() && !self.offline(c) {
                self.clusters[c].ramping = None;
                fx.cancel(Timer::Ramp.of(c, 0));
            }
        }
    }

    /// BT-38, BT-46: brings back every cluster that nothing holds down any longer.
    pub(super) fn recover(
        &mut self,
        rule: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let idle = |cluster: &Cluster| {
            cluster.down.is_none() && cluster.cascading.is_none() && cluster.ramping.is_none()
        };
        if self.clusters.iter().all(idle) {
            self.settle_blame(fx);
            return;
        }
        self.stop_what_is_over(fx);
        if !self.denial() {
            for c in 0..self.clusters.len() {
                if self.clusters[c].present && self.clusters[c].down.is_some() && !self.offline(c) {
                    self.bring_up(c, rule, cause, fx);
                }
            }
        }
        self.settle(fx);
    }

    fn bring_up(
        &mut self,
        c: usize,
        rule: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let plan = self.plan;
        let fault =
            self.clusters[c].down.take().expect("a cluster is brought up when it is down").cause;
        fx.used("model.bigtable.bringup");
        if !plan.profiles.is_empty() {
            fx.used("model.bigtable.bringup-timeouts");
        }
        let length = plan.constants.bringup.sample(self.bringup_stream(c));
        let cluster = &mut self.clusters[c];
        cluster.avoided = false;
        if !length.is_zero() {
            let until = fx.now().saturating_add(length);
            cluster.rising = Some(Rising { since: fx.now(), until, fault });
            fx.at(Timer::BringUp.of(c, 0), until, Class::Due);
        }
        fx.cancel(Timer::Reroute.of(c, 0));
        if plan.constants.deletes_any_disabled {
            fx.cancel(Timer::Deletion.of(c, 0));
        }
        let detail = if rule == "BT-28" {
            "without a table there is nothing to validate: nothing holds it down"
        } else if rule == "BT-36" {
            "the cluster that held it down is deleted"
        } else if rule == "BT-24" {
            "one key version is still unusable, but holds back only the tables that need it"
        } else {
            "a key validation found every key usable again"
        };
        fx.enter(plan.clusters[c].entity, self.up_state(c), rule, cause, detail);
        self.writes_return(c, fx);
    }

    /// BT-39: bring-up is over.
    pub(super) fn brought_up(&mut self, c: usize, fx: &mut Effects<Message>) {
        let fault = self.clusters[c].rising.take().map(|rising| rising.fault);
        fx.enter(self.plan.clusters[c].entity, self.up_state(c), "BT-39", fault, "brought back");
        self.settle(fx);
    }

    /// BT-41: while the user keeps a key unusable, a clock runs; recovery of the key resets it.
    pub(super) fn watch_deletion_of_key(&self, c: usize, fx: &mut Effects<Message>) {
        let constants = &self.plan.constants;
        if constants.deletes_any_disabled || self.deleted {
            return;
        }
        match self.key_gone_since(c) {
            Some(since) => {
                let at = since.saturating_add(constants.delete_after).max(fx.now());
                fx.at(Timer::Deletion.of(c, 0), at, Class::Clock);
            }
            None => fx.cancel(Timer::Deletion.of(c, 0)),
        }
    }

    /// BT-41, BT-42: the clock has run out.
    pub(super) fn too_long_without_key(&mut self, c: usize, fx: &mut Effects<Message>) {
        let constants = &self.plan.constants;
        let (rule, cause) = if constants.deletes_any_disabled {
            ("BT-42", self.clusters[c].down.map(|down| down.cause))
        } else {
            ("BT-41", self.cause(c, u32::MAX))
        };
        let name = &self.plan.clusters[c].name;
        let detail =
            format!("deleted: cluster {name} without a usable key for {}", constants.delete_after);
        self.delete(rule, cause, detail, fx);
    }

    /// BT-40: a key is destroyed, and with it the instance.
    pub(super) fn lose(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.lost = true;
        let plan = self.plan;
        self.end_of_all(fx);
        let detail = "a key of the instance is destroyed";
        for (other, cluster) in plan.clusters.iter().enumerate() {
            if self.clusters[other].present {
                fx.enter(cluster.entity, cluster_state::INACCESSIBLE, "BT-40", cause, detail);
            }
        }
        fx.enter(plan.entity, instance_state::INACCESSIBLE, "BT-40", cause, detail);
        self.settle(fx);
    }

    /// Deletes the instance with all it has.
    pub(super) fn delete(
        &mut self,
        rule: &'static str,
        cause: Option<Seq>,
        detail: String,
        fx: &mut Effects<Message>,
    ) {
        if self.deleted {
            return;
        }
        self.deleted = true;
        let plan = self.plan;
        self.end_of_all(fx);
        let seq = fx.enter(plan.entity, instance_state::DELETED, rule, cause, detail);
        for (c, cluster) in plan.clusters.iter().enumerate() {
            fx.cancel(Timer::Deletion.of(c, 0));
            if self.clusters[c].present {
                fx.enter(
                    cluster.entity,
                    cluster_state::DELETED,
                    rule,
                    Some(seq),
                    "deleted with its instance",
                );
                self.stop_sweeps(c, fx);
            }
        }
        for backup in &plan.backups {
            let state = fx.state(backup.entity);
            if state != backup_state::DELETED && state != backup_state::ABSENT {
                let detail = "deleted with its instance";
                fx.enter(backup.entity, backup_state::DELETED, rule, Some(seq), detail);
                self.account.lose_backup(state);
            }
        }
        self.tell_load(Some(seq), fx);
        self.settle(fx);
    }

    /// A cluster is validated no more.
    pub(super) fn stop_sweeps(&mut self, c: usize, fx: &mut Effects<Message>) {
        while let Some(table) = self.table_leaves(c, fx) {
            self.no_more_sweeps(c, table, fx);
        }
    }

    /// Calls off what was on its way for a cluster.
    pub(super) fn call_off(&mut self, c: usize, fx: &mut Effects<Message>) {
        let cluster = &mut self.clusters[c];
        cluster.cascading = None;
        cluster.ramping = None;
        cluster.rising = None;
        cluster.rewrap = None;
        cluster.rewrap_waits = false;
        for timer in [Timer::Cascade, Timer::Ramp, Timer::BringUp, Timer::Reroute, Timer::Rewrap] {
            fx.cancel(timer.of(c, 0));
        }
        if let Some(check) = cluster.planned.take() {
            fx.cancel(Timer::Sweep.of(c, check.subject));
        }
    }

    /// Nothing comes back any more: calls off all that was on its way.
    fn end_of_all(&mut self, fx: &mut Effects<Message>) {
        for c in 0..self.clusters.len() {
            if self.clusters[c].down.is_none() {
                self.writes_at_risk(c, fx);
            }
            self.writes_are_lost(c, fx);
            self.call_off(c, fx);
            for place in 0..self.graces[c].len() {
                fx.cancel(Timer::Grace.of(c, place as u32));
            }
        }
    }
}
