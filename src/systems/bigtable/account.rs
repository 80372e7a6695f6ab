//! What an instance's time, requests and writes come to.

use super::instance::{Cluster, Instance};
use super::plan::{
    BackupPlan, InstancePlan, Routing, backup_state, cluster_state, instance_state, profile_state,
};
use super::requests::{Errors, Ledger, Treatment};
use super::writes::{AtRisk, Peer, Written, at_risk};
use crate::engine::trace::Charge;
use crate::engine::{Effects, Seq, SimDuration, SimTime, StateId};
use crate::systems::contract::{Answer, Denial, Message};
use std::collections::BTreeMap;

/// What a stretch of time is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Blame {
    state: &'static str,
    phase: &'static str,
    cause: Option<Seq>,
}

/// A stop of replication between one cluster and another, or all others.
struct Partition {
    occurrence: u32,
    one: usize,
    other: Option<usize>,
    since: SimTime,
}

/// The books of an instance.
pub(super) struct Account {
    blame: Option<(Blame, SimTime)>,
    ledgers: Vec<Ledger>,
    written: Vec<Written>,
    /// Writes at risk that a cluster holds while it is down.
    held: Vec<u64>,
    at_risk: u64,
    oldest: f64,
    delayed: u64,
    lost: u64,
    partitions: Vec<Partition>,
    /// The record of each new table's creation, by cluster and number of the table there.
    created: BTreeMap<(usize, u32), Seq>,
    blocked_since: Option<SimTime>,
    blocked: u64,
    /// Backups lost with their key version, cluster or instance.
    backups_lost: u64,
}

impl Account {
    pub(super) fn new(plan: &InstancePlan) -> Account {
        Account {
            blame: None,
            ledgers: plan.profiles.iter().map(|_| Ledger::default()).collect(),
            written: plan.clusters.iter().map(|_| Written::default()).collect(),
            held: vec![0; plan.clusters.len()],
            at_risk: 0,
            oldest: 0.0,
            delayed: 0,
            lost: 0,
            partitions: Vec::new(),
            created: BTreeMap::new(),
            blocked_since: None,
            blocked: 0,
            backups_lost: 0,
        }
    }

    /// A table was created by that record.
    pub(super) fn creates(&mut self, c: usize, table: u32, seq: Seq) {
        self.created.insert((c, table), seq);
    }

    /// The record of a new table's creation.
    pub(super) fn created(&self, c: usize, table: u32) -> Option<Seq> {
        self.created.get(&(c, table)).copied()
    }

    /// A backup in that state is deleted, not by the user's wish; what was inaccessible was lost
    /// before.
    pub(super) fn lose_backup(&mut self, state: StateId) {
        self.backups_lost += u64::from(state < backup_state::INACCESSIBLE);
    }

    /// Replication stops or goes on.
    pub(super) fn partition(
        &mut self,
        occurrence: u32,
        one: usize,
        other: Option<usize>,
        begins: bool,
        now: SimTime,
    ) {
        if begins {
            self.partitions.push(Partition { occurrence, one, other, since: now });
        } else {
            self.partitions.retain(|partition| partition.occurrence != occurrence);
        }
    }

    /// Since when two clusters have been cut off from each other, if they are.
    fn cut_off_since(&self, a: usize, b: usize) -> Option<SimTime> {
        let cuts = |partition: &Partition| match partition.other {
            Some(other) => [(a, b), (b, a)].contains(&(partition.one, other)),
            None => partition.one == a || partition.one == b,
        };
        self.partitions.iter().filter(|partition| cuts(partition)).map(|p| p.since).min()
    }
}

impl Instance<'_> {
    /// Brings everything that follows from the clusters' states up to date.
    pub(super) fn settle(&mut self, fx: &mut Effects<Message>) {
        self.settle_instance(fx);
        if !self.plan.profiles.is_empty() {
            let (rule, cause) = self.last_cluster_record(fx);
            self.settle_requests(rule, cause, fx);
        }
        // While nothing is wrong, nothing else can follow.
        let serving = fx.state(self.plan.entity) == instance_state::SERVING;
        if !serving || self.account.blame.is_some() {
            self.settle_admin(fx);
            self.settle_blame(fx);
        }
    }

    fn settle_instance(&mut self, fx: &mut Effects<Message>) {
        if !self.alive() {
            return;
        }
        let (mut some, mut all_down, mut partly) = (false, true, false);
        for (c, cluster) in self.clusters.iter().enumerate().filter(|(_, c)| c.present) {
            some |= cluster.down.is_some();
            all_down &= cluster.down.is_some();
            partly |= cluster.rising.is_some() || self.is_partly_readable(c);
        }
        let entity = self.plan.entity;
        let before = fx.state(entity);
        let state = match (all_down, some || partly) {
            (true, _)
                if [instance_state::DOWN_DISABLED, instance_state::DOWN_OFFLINE]
                    .contains(&before) =>
            {
                before
            }
            (true, _) if self.denial() => instance_state::DOWN_DISABLED,
            (true, _) => instance_state::DOWN_OFFLINE,
            (false, true) => instance_state::DEGRADED,
            (false, false) => instance_state::SERVING,
        };
        if state != before {
            let (rule, cause) = self.last_cluster_record(fx);
            fx.enter(entity, state, rule, cause, "");
        }
    }

    /// The latest transition of one of the clusters: what the instance's state follows from.
    fn last_cluster_record(&self, fx: &Effects<Message>) -> (&'static str, Option<Seq>) {
        let own = |entity| self.plan.clusters.iter().any(|cluster| cluster.entity == entity);
        fx.last_record(own).map_or(("BT-29", None), |(seq, rule)| (rule, Some(seq)))
    }

    /// BT-21: a backup can be read while the key of the cluster that stores it is usable.
    pub(super) fn settle_backups(&mut self, fx: &mut Effects<Message>) {
        for (backup, &version) in self.plan.backups.iter().zip(&self.backups) {
            let cluster = &self.clusters[backup.cluster];
            let Some(watch) = &cluster.watch else { continue };
            let standing = watch.view().standing(version);
            let state = match (standing.denied, standing.certain()) {
                (Some((Denial::Destroyed, _)), _) => backup_state::INACCESSIBLE,
                (_, Some(Answer::Granted)) | (None, None) => backup_state::READY,
                // Of a version that is denied, luck brings no request through.
                (Some(_), None) | (_, Some(Answer::Denied(_) | Answer::Unreachable)) => {
                    backup_state::UNUSABLE
                }
            };
            let before = fx.state(backup.entity);
            if before >= backup_state::INACCESSIBLE || before == state {
                continue;
            }
            if state == backup_state::INACCESSIBLE {
                self.account.backups_lost += 1;
            }
            // BT-22: Bigtable does not follow the version's state, so nobody is told.
            let (rule, detail) = if watch.view().partly_denied(version) {
                ("BT-22", format!("pinned to key version {version}, which is unusable: no alert"))
            } else {
                ("BT-21", String::new())
            };
            fx.enter(backup.entity, state, rule, watch.view().cause(version), detail);
        }
    }

    /// How a cluster treats the requests that reach it.
    fn treatment(&self, c: usize, fx: &Effects<Message>) -> Treatment {
        let cluster = &self.clusters[c];
        match fx.state(self.plan.clusters[c].entity) {
            cluster_state::CACHED => Treatment::BestEffort,
            cluster_state::BRINGING_UP => match cluster.rising {
                Some(rising) => Treatment::BringingUp { since: rising.since, until: rising.until },
                None => Treatment::Serves,
            },
            cluster_state::SERVING | cluster_state::PARTLY_READABLE => Treatment::Serves,
            cluster_state::DELETED | cluster_state::ABSENT => Treatment::Gone,
            _ => Treatment::Refuses,
        }
    }

    /// Where requests that prefer clusters in this order go (BR-05, Q-02).
    fn target(&self, order: &[usize]) -> usize {
        let there = || order.iter().copied().filter(|&c| self.clusters[c].present);
        let nearest = there().next().unwrap_or(order[0]);
        if self.plan.constants.route_around {
            there().find(|&c| !self.clusters[c].avoided).unwrap_or(nearest)
        } else {
            nearest
        }
    }

    /// Follows the requests of each app profile; what changes does so by this rule and cause.
    pub(super) fn settle_requests(
        &mut self,
        rule: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let plan = self.plan;
        if plan.profiles.is_empty() {
            return;
        }
        let mut write_rates = vec![0.0; self.clusters.len()];
        for (p, profile) in plan.profiles.iter().enumerate() {
            let targets: Vec<(f64, usize)> = match &profile.routing {
                Routing::Single(c) => vec![(1.0, *c)],
                Routing::Multi { origins } => {
                    origins.iter().map(|(share, order)| (*share, self.target(order))).collect()
                }
            };
            let mut errors = Errors::default();
            for (share, c) in targets {
                let treatment = self.treatment(c, fx);
                if matches!(treatment, Treatment::Refuses | Treatment::Gone) {
                    errors.add(share, treatment, &plan.constants);
                    continue;
                }
                // BT-24: whatever it does with the others, it refuses what it cannot read.
                let served = share * self.readable(c);
                errors.add(share - served, Treatment::Refuses, &plan.constants);
                errors.add(served, treatment, &plan.constants);
                write_rates[c] += served * profile.writes;
            }
            let state = match (errors.state(), fx.state(profile.entity)) {
                // Why it began to fail is what it shows as long as it fails.
                (profile_state::FAILING_DENIED, profile_state::FAILING_UNREACHABLE) => {
                    profile_state::FAILING_UNREACHABLE
                }
                (profile_state::FAILING_DENIED, before)
                    if before != profile_state::FAILING_DENIED
                        && self.alive()
                        && !self.denial() =>
                {
                    profile_state::FAILING_UNREACHABLE
                }
                (state, _) => state,
            };
            self.account.ledgers[p].set(errors, profile, &plan.constants, fx);
            if state != fx.state(profile.entity) {
                fx.enter(profile.entity, state, rule, cause, "");
            }
        }
        for (written, rate) in self.account.written.iter_mut().zip(write_rates) {
            written.set(fx.now(), rate);
        }
    }

    /// BT-36: admin operations are refused while a cluster is down.
    fn settle_admin(&mut self, fx: &Effects<Message>) {
        let down = |cluster: &Cluster| cluster.present && cluster.down.is_some();
        let blocked = !self.deleted && (self.lost || self.clusters.iter().any(down));
        let account = &mut self.account;
        match (blocked, account.blocked_since) {
            (true, None) => account.blocked_since = Some(fx.now()),
            (false, Some(since)) => {
                account.blocked += fx.now().saturating_since(since).ns();
                account.blocked_since = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Charges the time in which the instance does not fully serve.
    pub(super) fn settle_blame(&mut self, fx: &mut Effects<Message>) {
        let serving = fx.state(self.plan.entity) == instance_state::SERVING;
        if serving && self.account.blame.is_none() {
            return;
        }
        let blame = self.blame(fx);
        if blame == self.account.blame.map(|(blame, _)| blame) {
            return;
        }
        let before = std::mem::replace(&mut self.account.blame, blame.map(|b| (b, fx.now())));
        if let Some((Blame { state, phase, cause }, from)) = before {
            let (entity, to) = (self.plan.entity, fx.now());
            fx.charge(Charge { entity, state, phase, cause, from, to });
        }
    }

    /// What the present moment is charged to: the earliest fault that still holds, or what is left
    /// of it.
    fn blame(&self, fx: &Effects<Message>) -> Option<Blame> {
        let state = match fx.state(self.plan.entity) {
            instance_state::SERVING => return None,
            instance_state::DEGRADED => "degraded",
            instance_state::INACCESSIBLE => {
                return self.irreversible(fx, "inaccessible", "destroyed");
            }
            instance_state::DELETED => return self.irreversible(fx, "deleted", "deleted"),
            _ => "down",
        };
        let failing = |c: usize| {
            let watch = self.clusters[c].watch.as_ref();
            watch.is_some_and(|watch| !watch.is_granted())
        };
        let denials = (0..self.clusters.len()).filter_map(|c| {
            let (since, seq) = self.clusters[c].denied.filter(|_| self.clusters[c].present)?;
            let phase = if state == "down" { "denied" } else { "cascade" };
            Some((!failing(c), since, phase, Some(seq)))
        });
        let silences = (0..self.clusters.len()).flat_map(|c| {
            self.graces[c].iter().filter(|slot| slot.grace.expired).filter_map(move |slot| {
                Some((!failing(c), slot.grace.since?, "grace-over", slot.cause))
            })
        });
        let fault =
            denials.chain(silences).min_by_key(|(over, since, _, seq)| (*over, *since, *seq));
        let (phase, cause) = match fault {
            Some((false, _, phase, cause)) => (phase, cause),
            Some((true, _, _, cause)) => ("detection", cause),
            None => match self.clusters.iter().find_map(|cluster| cluster.rising) {
                Some(rising) => ("bring-up", Some(rising.fault)),
                None => ("version", self.unreadable_since(fx)),
            },
        };
        Some(Blame { state, phase, cause })
    }

    /// BT-24: the record of the cluster some of whose tables cannot be read.
    fn unreadable_since(&self, fx: &Effects<Message>) -> Option<Seq> {
        let place = (0..self.clusters.len()).find(|&c| self.is_partly_readable(c))?;
        let own = self.plan.clusters[place].entity;
        fx.last_record(|entity| entity == own).map(|(seq, _)| seq)
    }

    fn irreversible(
        &self,
        fx: &Effects<Message>,
        state: &'static str,
        phase: &'static str,
    ) -> Option<Blame> {
        let own = self.plan.entity;
        let known = self.account.blame.map(|(blame, _)| blame).filter(|blame| blame.state == state);
        let cause = || fx.last_record(|entity| entity == own).map(|(seq, _)| seq);
        Some(known.unwrap_or_else(|| Blame { state, phase, cause: cause() }))
    }

    /// BT-34: a cluster goes down now: draws the writes that it alone has.
    pub(super) fn writes_at_risk(&mut self, c: usize, fx: &mut Effects<Message>) {
        if !self.replicates() || !self.clusters[c].present {
            return;
        }
        let now = fx.now();
        let peers: Vec<Peer> = (0..self.clusters.len())
            .filter(|&peer| peer != c && self.clusters[peer].present)
            .map(|peer| {
                let down = self.clusters[peer].down.map(|down| down.since);
                let cut = self.account.cut_off_since(c, peer);
                let since = [down, cut].into_iter().flatten().min();
                let blocked = since.map_or(SimDuration::ZERO, |since| now.saturating_since(since));
                Peer { cluster: peer, blocked }
            })
            .collect();
        let written = std::mem::take(&mut self.account.written[c]);
        let stream = self.clusters[c].at_risk.get();
        let AtRisk { count, age } = at_risk(&self.plan.lags, c, &peers, &written, now, stream);
        self.account.written[c] = written;
        for peer in &peers {
            if let Some(constant) = self.plan.lags.constant(c, peer.cluster) {
                fx.used(constant);
            }
        }
        fx.used("model.bigtable.acknowledged-writes");
        self.account.at_risk = self.account.at_risk.saturating_add(count);
        self.account.oldest = self.account.oldest.max(age);
        if self.plan.constants.writes_kept {
            self.account.held[c] = self.account.held[c].saturating_add(count);
        } else {
            self.account.lost = self.account.lost.saturating_add(count);
        }
        self.tell_held(fx);
    }

    /// Are there writes, and a second cluster to take them?
    fn replicates(&self) -> bool {
        let present = self.clusters.iter().filter(|cluster| cluster.present).count();
        present > 1 && self.plan.profiles.iter().any(|profile| profile.writes > 0.0)
    }

    fn tell_held(&self, fx: &mut Effects<Message>) {
        let held: f64 = self.account.held.iter().map(|count| *count as f64).sum();
        fx.level(self.plan.entity, "writes-at-risk", held);
    }

    /// The cluster is back: its writes were only delayed.
    pub(super) fn writes_return(&mut self, c: usize, fx: &mut Effects<Message>) {
        let count = std::mem::take(&mut self.account.held[c]);
        self.account.delayed = self.account.delayed.saturating_add(count);
        if count > 0 {
            self.tell_held(fx);
        }
    }

    /// The cluster is gone: its writes are lost.
    pub(super) fn writes_are_lost(&mut self, c: usize, fx: &mut Effects<Message>) {
        let count = std::mem::take(&mut self.account.held[c]);
        self.account.lost = self.account.lost.saturating_add(count);
        if count > 0 {
            self.tell_held(fx);
        }
    }

    /// Tells the measures that no transition shows.
    pub(super) fn finish_account(&mut self, fx: &mut Effects<Message>) {
        let plan = self.plan;
        for (ledger, profile) in self.account.ledgers.iter_mut().zip(&plan.profiles) {
            ledger.finish(profile, &plan.constants, fx);
        }
        let now = fx.now();
        if let Some((Blame { state, phase, cause }, from)) = self.account.blame.take() {
            fx.charge(Charge { entity: plan.entity, state, phase, cause, from, to: now });
        }
        let account = &self.account;
        let open = account.blocked_since.map_or(0, |since| now.saturating_since(since).ns());
        let blocked = SimDuration::from_ns(account.blocked + open).unwrap_or(SimDuration::MAX);
        fx.measure(plan.entity, "admin-blocked-time", Some(blocked.seconds()));
        let replicated = plan.clusters.len() > 1;
        let count = |number: u64| replicated.then_some(number as f64);
        fx.measure(plan.entity, "writes-at-risk", count(account.at_risk));
        fx.measure(plan.entity, "writes-at-risk-age", replicated.then_some(account.oldest));
        fx.measure(plan.entity, "writes-delayed", count(account.delayed));
        fx.measure(plan.entity, "writes-lost", count(account.lost));
        if !plan.backups.is_empty() {
            let ready = |backup: &&BackupPlan| fx.state(backup.entity) == backup_state::READY;
            let available = plan.backups.iter().filter(ready).count() as f64;
            fx.measure(plan.entity, "recovery-points-available", Some(available));
            let lost = account.backups_lost as f64;
            fx.measure(plan.entity, "recovery-points-lost", Some(lost));
        }
    }
}
