//! The grace of an instance that cannot reach a key: it serves on cached keys for a while.

use super::instance::{GraceSlot, Instance, Timer, slot};
use super::plan::{GraceTimer, cluster_state};
use crate::engine::{Class, Effects, Seq};
use crate::systems::contract::{Message, Standing};
use crate::systems::guard::Grace;

impl Instance<'_> {
    /// BT-44, BT-50: the first call without an answer starts the grace.
    pub(super) fn lost_contact(&mut self, c: usize, table: u32, fx: &mut Effects<Message>) {
        let constants = &self.plan.constants;
        let standing =
            self.clusters[c].watch.as_ref().map_or(Standing::GRANTED, |w| w.standing(table));
        let start = match standing.silent_since {
            Some(since) if constants.grace_from_outage => since,
            Some(_) | None => fx.now(),
        };
        let over = start.saturating_add(constants.grace).max(fx.now());
        let (row, place) = slot(self.plan.constants.grace_timer, c, table);
        let cause = self.cause(c, table);
        for constant in ["model.bigtable.grace-timer", "model.bigtable.grace-from"] {
            fx.used(constant);
        }
        if !self.plan.profiles.is_empty() {
            fx.used("model.bigtable.best-effort-errors");
        }
        let grace = Grace { since: Some(start), expired: false };
        *self.grace_mut(row, place) = GraceSlot { grace, cause };
        fx.at(Timer::Grace.of(row, place as u32), over, Class::Due);
        let rule = if standing.kms_errors > 0.0 { "BT-44" } else { "BT-50" };
        let shown = self.show_cached(c, rule, cause, fx);
        self.grace_mut(row, place).cause = shown.or(cause);
        self.settle_requests(rule, cause, fx);
    }

    /// Contact: the grace is over without harm, or what it led to ends.
    pub(super) fn end_grace(&mut self, c: usize, table: u32, fx: &mut Effects<Message>) {
        let (row, place) = slot(self.plan.constants.grace_timer, c, table);
        if self.grace(c, table).grace.since.is_some() {
            fx.used("model.bigtable.grace-reset");
            *self.grace_mut(row, place) = GraceSlot::default();
            fx.cancel(Timer::Grace.of(row, place as u32));
            let cause = self.cause(c, table);
            self.show_cached(c, "Q-12", cause, fx);
            self.settle_requests("Q-12", cause, fx);
        }
    }

    /// A cluster whose grace starts or ends (all of them where they share it) shows whether it
    /// serves on cached keys; gives the last record made.
    fn show_cached(
        &mut self,
        c: usize,
        rule: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Option<Seq> {
        let all = self.plan.constants.grace_timer == GraceTimer::Instance;
        let concerned = if all { 0..self.clusters.len() } else { c..c + 1 };
        let mut last = None;
        for c in concerned {
            let entity = self.plan.clusters[c].entity;
            let (shown, now) = (fx.state(entity), self.up_state(c));
            let flips =
                [cluster_state::SERVING, cluster_state::CACHED, cluster_state::PARTLY_READABLE];
            if shown != now && flips.contains(&shown) && flips.contains(&now) {
                let detail = if now == cluster_state::CACHED {
                    "no answer about the key: serves on cached keys"
                } else {
                    "the key is reached again"
                };
                last = Some(fx.enter(entity, now, rule, cause, detail));
            }
        }
        last
    }
}
