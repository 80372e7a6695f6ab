//! Tables and the key versions that protect them: new primary versions, and versions that are
//! unusable while others are not.

use super::instance::{Instance, Timer};
use crate::engine::{Class, Effects, Seq, SimTime};
use crate::systems::contract::{Answer, Denial, Message};

impl Instance<'_> {
    /// The check of a table finds its key version denied. Gives whether that was known, and whether
    /// the key has versions that are not denied (BT-24).
    pub(super) fn note_denial(
        &mut self,
        c: usize,
        table: u32,
        answer: Answer,
        fx: &mut Effects<Message>,
    ) -> (bool, bool) {
        let cause = self.cause(c, table);
        let Some(watch) = &mut self.clusters[c].watch else { return (true, false) };
        let (version, known) = (watch.version(table), watch.is_denied(table));
        let partly = watch.view().partly_denied(version);
        watch.knows(table, true);
        let key = self.plan.clusters[c].key;
        if let (Answer::Denied(Denial::Manager), Some(key)) = (answer, key) {
            fx.send(key, Message::Refused { version }, cause);
        }
        // Another version of the same key was found denied before: the cluster is down for it.
        (known || (self.clusters[c].denied.is_some() && self.clusters[c].down.is_some()), partly)
    }

    /// BT-24: what happens to a cluster of which one key version is unusable is not documented: it
    /// is drawn. Gives whether the cluster is treated as if its key were disabled.
    pub(super) fn spreads(&mut self, c: usize, table: u32, fx: &mut Effects<Message>) -> bool {
        fx.used("model.bigtable.partial-spreads");
        fx.measure(self.plan.entity, "undefined-behaviour", Some(1.0));
        let spreads = self.clusters[c].partial.get().open01() < self.plan.constants.partial_spreads;
        let cause = self.cause(c, table);
        let Some(watch) = &self.clusters[c].watch else { return spreads };
        let version = watch.version(table);
        if !spreads {
            self.clusters[c].unreadable.push(version);
            let detail = format!(
                "undefined behaviour: tables bound to key version {version} cannot be read, the others serve"
            );
            let entity = self.plan.clusters[c].entity;
            let up = self.clusters[c].down.is_none();
            let state = if up { self.up_state(c) } else { fx.state(entity) };
            fx.enter(entity, state, "BT-24", cause, detail);
        }
        spreads
    }

    /// The check of a table finds its key version usable. Gives whether the cluster was known as
    /// denied.
    pub(super) fn found_usable(&mut self, c: usize, table: u32, fx: &mut Effects<Message>) -> bool {
        let cause = self.cause(c, table);
        let Some(watch) = &mut self.clusters[c].watch else { return false };
        let version = watch.version(table);
        watch.knows(table, false);
        let denied: Vec<u32> = watch.denied_versions().collect();
        let cluster = &mut self.clusters[c];
        let before = cluster.unreadable.len();
        cluster.unreadable.retain(|unreadable| *unreadable != version);
        let readable = cluster.unreadable.len() < before;
        // Versions that hold the whole cluster down, not only their own tables.
        let holds = denied.iter().any(|version| !cluster.unreadable.contains(version));
        let was_denied = if holds { false } else { cluster.denied.take().is_some() };
        if readable && cluster.down.is_none() {
            let entity = self.plan.clusters[c].entity;
            let state = self.up_state(c);
            fx.enter(entity, state, "BT-24", cause, "the key version is usable again");
        }
        was_denied
    }

    /// BT-41: since when the user has kept the key of a cluster unusable, if that is so. A version
    /// that holds only its own tables back does not count for the cluster.
    pub(super) fn key_gone_since(&self, c: usize) -> Option<SimTime> {
        let watch = self.clusters[c].watch.as_ref()?;
        let version = watch.version(u32::MAX);
        if watch.view().partly_denied(version) && self.clusters[c].denied.is_none() {
            return None;
        }
        let (denial, since) = watch.standing(u32::MAX).denied?;
        denial.by_user().then_some(since)
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
                if watch.is_uniform() && watch.version(0) == number {
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
        let cause: Option<Seq> = self.clusters[c].rewrap;
        let Some(watch) = &mut self.clusters[c].watch else { return };
        let primary = watch.view().primary();
        let all =
            watch.is_granted() && watch.view().standing(primary).certain() == Some(Answer::Granted);
        self.clusters[c].rewrap_waits = !all;
        if !all || !self.alive() {
            return;
        }
        if let Some(watch) = &mut self.clusters[c].watch {
            watch.bind_all(primary);
        }
        self.clusters[c].rewrap = None;
        self.clusters[c].unreadable.clear();
        let detail = format!("all tables are protected by key version {primary}");
        fx.note(self.plan.clusters[c].entity, "BT-12", cause, detail);
        self.plan_sweep(c, None, fx);
    }
}
