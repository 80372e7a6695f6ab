//! Tables and the key versions that protect them: new primary versions, and versions that are
//! unusable while others are not.

use super::instance::{Instance, Timer};
use super::plan::cluster_state;
use crate::engine::{Call, Class, Effects, EntityId, Seq, SimTime};
use crate::systems::contract::{Answer, Denial, Message};
use crate::systems::guard::{Check, Known};
use crate::systems::operations;

/// What the check of a table finds out about the denial of its key version.
pub(super) struct Denied {
    /// What was known of it before, and what is from now on.
    pub(super) before: Known,
    pub(super) now: Known,
}

impl Instance<'_> {
    /// A key of the instance, or the grant on it, answers differently from now on.
    pub(super) fn hear(
        &mut self,
        about: EntityId,
        message: Message,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        for c in 0..self.clusters.len() {
            let plan = &self.plan.clusters[c];
            if plan.key != Some(about) && plan.grant != Some(about) {
                continue;
            }
            let Some(watch) = &mut self.clusters[c].watch else { continue };
            if !watch.hear(&message, cause, fx.now()) || !self.clusters[c].present {
                continue;
            }
            self.watch_deletion_of_key(c, fx);
            let destroyed = self.clusters[c].watch.as_ref().and_then(|watch| watch.view().whole());
            if destroyed == Some(Denial::Destroyed) && self.alive() {
                self.lose(cause, fx);
            } else {
                self.plan_rewrap(c, message, cause, fx);
                self.plan_sweep(c, None, fx);
            }
        }
        self.settle_backups(fx);
        self.settle_blame(fx);
    }

    /// BT-13, BT-14: the operations of a validation, for the Data Access log of the key. Which they
    /// are is not documented: one is taken as an encryption and the others as decryptions.
    pub(super) fn log_sweep(&mut self, c: usize, check: Check, fx: &mut Effects<Message>) {
        let plan = &self.plan.clusters[c];
        let Some(key) = plan.key.filter(|key| fx.logs_requests_of(*key)) else { return };
        let Some(watch) = &mut self.clusters[c].watch else { return };
        let (status, why) = operations::status(watch.answer(check));
        let others = self.plan.constants.operations_per_sweep as u32 - 1;
        for (method, count) in [("Encrypt", 1), ("Decrypt", others)] {
            if count > 0 {
                fx.call(Call {
                    at: check.at,
                    to: key,
                    by: Some(plan.entity),
                    job: None,
                    grant: plan.grant,
                    method,
                    part: watch.version(check.subject),
                    count,
                    status,
                    why: why.into(),
                    record: None,
                });
            }
        }
    }

    /// The check of a table finds its key version denied. BT-24: if other versions of the key are
    /// not, what happens to the cluster is not documented, so it is drawn.
    pub(super) fn note_denial(
        &mut self,
        c: usize,
        table: u32,
        answer: Answer,
        fx: &mut Effects<Message>,
    ) -> Option<Denied> {
        let cause = self.cause(c, table);
        let watch = self.clusters[c].watch.as_ref()?;
        let (version, before) = (watch.version(table), watch.known(table));
        let partly = watch.view().partly_denied(version);
        if let (Answer::Denied(Denial::Manager), Some(key)) = (answer, self.plan.clusters[c].key) {
            fx.send(key, Message::Refused { version }, cause);
        }
        let now = match (partly, before) {
            (false, _) => Known::Wholly,
            (true, Known::Partly { .. }) => before,
            (true, Known::Usable | Known::Wholly) => Known::Partly { spreads: self.spreads(c, fx) },
        };
        if let Some(watch) = &mut self.clusters[c].watch {
            watch.learn(table, now);
        }
        Some(Denied { before, now })
    }

    /// BT-24: is a cluster of which one key version is unusable treated as if its key were disabled?
    fn spreads(&mut self, c: usize, fx: &mut Effects<Message>) -> bool {
        fx.used("model.bigtable.partial-spreads");
        fx.measure(self.plan.entity, "undefined-behaviour", Some(1.0));
        self.clusters[c].partial.get().open01() < self.plan.constants.partial_spreads
    }

    /// BT-24: only the tables that are bound to the version of this one cannot be read.
    pub(super) fn some_unreadable(&mut self, c: usize, table: u32, fx: &mut Effects<Message>) {
        let cause = self.cause(c, table);
        let Some(watch) = &self.clusters[c].watch else { return };
        let detail = format!(
            "undefined behaviour: tables bound to key version {} cannot be read, the others serve",
            watch.version(table)
        );
        self.show_readable(c, "BT-24", cause, detail, fx);
    }

    /// A cluster that is up shows whether all its tables can be read.
    fn show_readable(
        &mut self,
        c: usize,
        rule: &'static str,
        cause: Option<Seq>,
        detail: String,
        fx: &mut Effects<Message>,
    ) {
        let entity = self.plan.clusters[c].entity;
        let up = self.clusters[c].down.is_none();
        let state = if up { self.up_state(c) } else { fx.state(entity) };
        fx.enter(entity, state, rule, cause, detail);
    }

    /// BT-28: what held back only tables that are deleted now holds nothing back any more.
    pub(super) fn last_table_of_a_version(
        &mut self,
        c: usize,
        cause: Seq,
        fx: &mut Effects<Message>,
    ) {
        self.nothing_holds(c);
        let shown = fx.state(self.plan.clusters[c].entity);
        if shown == cluster_state::PARTLY_READABLE && !self.is_partly_readable(c) {
            let detail = "no table is left that cannot be read".to_owned();
            self.show_readable(c, "BT-28", Some(cause), detail, fx);
        }
        if self.clusters[c].present {
            self.watch_deletion_of_key(c, fx);
        }
        if self.clusters[c].rewrap_waits {
            self.rewrap_is_due(c, fx);
        }
    }

    /// Forgets the finding that a cluster's key is denied if no group of tables holds it down any
    /// more; gives whether there was one.
    pub(super) fn nothing_holds(&mut self, c: usize) -> bool {
        let held = self.clusters[c].watch.as_ref().is_some_and(|watch| watch.is_held());
        !held && self.clusters[c].denied.take().is_some()
    }

    /// The check of a table finds its key version usable. Gives whether the cluster was known as
    /// denied.
    pub(super) fn found_usable(&mut self, c: usize, table: u32, fx: &mut Effects<Message>) -> bool {
        let cause = self.cause(c, table);
        let Some(watch) = &mut self.clusters[c].watch else { return false };
        let before = watch.known(table);
        watch.learn(table, Known::Usable);
        let was_denied = self.nothing_holds(c);
        if let Known::Partly { spreads } = before {
            self.watch_deletion_of_key(c, fx);
            if !spreads {
                let detail = "the key version is usable again".to_owned();
                self.show_readable(c, "BT-24", cause, detail, fx);
                self.settle(fx);
            }
        }
        was_denied
    }

    /// BT-24: can some tables of a cluster not be read, while it serves the others?
    pub(super) fn is_partly_readable(&self, c: usize) -> bool {
        self.clusters[c].watch.as_ref().is_some_and(|watch| watch.held_alone() > 0)
    }

    /// BT-24: share of the tables of a cluster that can be read; requests go to all alike (assumed).
    pub(super) fn readable(&self, c: usize) -> f64 {
        let Some(watch) = &self.clusters[c].watch else { return 1.0 };
        1.0 - f64::from(watch.held_alone()) / f64::from(watch.rounds.count().max(1))
    }

    /// BT-41: since when the user has kept the key of a cluster unusable, if that is so. A version
    /// that holds only its own tables back does not count for the cluster.
    pub(super) fn key_gone_since(&self, c: usize) -> Option<SimTime> {
        let watch = self.clusters[c].watch.as_ref()?;
        let whole = watch.view().denied().filter(|(denial, _)| denial.by_user());
        let whole = whole.map(|(_, since)| since);
        // BT-24: one version that is treated as the whole key.
        let version = watch.held_since();
        whole.into_iter().chain(version).min()
    }

    /// BT-12: a new primary version protects the tables of a cluster a little later.
    pub(super) fn plan_rewrap(
        &mut self,
        c: usize,
        message: Message,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let Some(watch) = &self.clusters[c].watch else { return };
        match message {
            Message::Primary(number) => {
                let done = watch.all_need(number);
                self.clusters[c].rewrap_waits = false;
                if done {
                    self.clusters[c].rewrap = None;
                    fx.cancel(Timer::Rewrap.of(c, 0));
                    return;
                }
                fx.used("model.bigtable.rewrap-delay");
                self.clusters[c].rewrap = cause;
                let delay = self.plan.constants.rewrap_delay.sample(self.clusters[c].rewraps.get());
                fx.after(Timer::Rewrap.of(c, 0), delay, Class::Due);
            }
            // What could not be done while the key was denied or silent is done as soon as it can.
            Message::Standing(_) | Message::Version { .. } | Message::Grant(_)
                if self.clusters[c].rewrap_waits =>
            {
                self.rewrap_is_due(c, fx);
            }
            _ => {}
        }
    }

    /// BT-12: the intermediate keys of all tables are wrapped anew, if every version that takes part
    /// can be used; else as soon as that is so.
    pub(super) fn rewrap_is_due(&mut self, c: usize, fx: &mut Effects<Message>) {
        let cause = self.clusters[c].rewrap;
        let Some(watch) = &mut self.clusters[c].watch else { return };
        let primary = watch.view().primary();
        let all =
            watch.is_granted() && watch.view().standing(primary).certain() == Some(Answer::Granted);
        self.clusters[c].rewrap_waits = !all;
        if !all || !self.alive() {
            return;
        }
        let partly = self.is_partly_readable(c);
        if let Some(watch) = &mut self.clusters[c].watch {
            watch.bind_all(primary);
        }
        self.clusters[c].rewrap = None;
        let detail = format!("all tables are protected by key version {primary}");
        if partly {
            self.show_readable(c, "BT-12", cause, detail, fx);
            self.settle(fx);
        } else {
            fx.note(self.plan.clusters[c].entity, "BT-12", cause, detail);
        }
        self.plan_sweep(c, None, fx);
    }
}
