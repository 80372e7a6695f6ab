//! One instance: what its key validations find, and what follows from it.

use super::account::Account;
use super::plan::{GraceTimer, InstancePlan, cluster_state};
use crate::engine::{Class, Effects, Happening, Process, RandomStream, Seq, SimTime, Streams};
use crate::systems::contract::{Answer, LazyStream, Message, SweepMode};
use crate::systems::guard::{Check, Finding, Grace, Rounds, Watch};
use crate::systems::operations;
use crate::systems::policy::Policy;

/// Numbers of the commands that an instance understands.
pub(super) mod code {
    pub(in super::super) const CREATE_TABLE: u16 = 1;
    pub(in super::super) const DELETE_TABLE: u16 = 2;
    pub(in super::super) const MODIFY_FAMILY: u16 = 3;
    pub(in super::super) const RESTORE_TABLE: u16 = 4;
    pub(in super::super) const CREATE_CLUSTER: u16 = 5;
    pub(in super::super) const DELETE_CLUSTER: u16 = 6;
    pub(in super::super) const DELETE_BACKUP: u16 = 7;
    pub(in super::super) const DELETE_INSTANCE: u16 = 8;
    pub(in super::super) const PARTITION: u16 = 9;
    pub(in super::super) const CREATE_BACKUP: u16 = 10;
    /// Not of a scenario: somebody wants to read a backup that cannot be read.
    pub(in super::super) const READ_BACKUP: u16 = 11;
}

/// What a timer of an instance is for. Timers of one kind are due in the order of their clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// A key validation of a table in a cluster.
    Sweep,
    /// The first validation of a new table is over.
    Status,
    /// A grace is over.
    Grace,
    /// A cluster goes offline.
    Ramp,
    /// A cluster's turn in the cascade.
    Cascade,
    /// A cluster is back.
    BringUp,
    /// Requests avoid a cluster that is down.
    Reroute,
    /// A cluster has been without a key for too long.
    Deletion,
    /// The tables of a cluster are to be protected by the new primary version.
    Rewrap,
}

const TIMERS: [Timer; 9] = [
    Timer::Sweep,
    Timer::Status,
    Timer::Grace,
    Timer::Ramp,
    Timer::Cascade,
    Timer::BringUp,
    Timer::Reroute,
    Timer::Deletion,
    Timer::Rewrap,
];
const TABLE_BITS: u32 = 20;
const CLUSTER_BITS: u32 = 8;

impl Timer {
    /// The number of the timer of this kind for a cluster (and a table).
    pub(super) fn of(self, cluster: usize, table: u32) -> u32 {
        (self as u32) << (TABLE_BITS + CLUSTER_BITS) | (cluster as u32) << TABLE_BITS | table
    }

    fn parts(number: u32) -> (Timer, usize, u32) {
        let cluster = (number >> TABLE_BITS) as usize & ((1 << CLUSTER_BITS) - 1);
        let kind = TIMERS[(number >> (TABLE_BITS + CLUSTER_BITS)) as usize];
        (kind, cluster, number & ((1 << TABLE_BITS) - 1))
    }
}

/// Why and since when a cluster is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Down {
    pub(super) since: SimTime,
    pub(super) cause: Seq,
}

/// A cluster on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rising {
    pub(super) since: SimTime,
    pub(super) until: SimTime,
    /// The record of what had taken it down.
    pub(super) fault: Seq,
}

/// One grace of an instance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GraceSlot {
    pub(super) grace: Grace,
    /// The record it started with, then the one of its end.
    pub(super) cause: Option<Seq>,
}

/// A cluster.
pub(super) struct Cluster {
    pub(super) present: bool,
    pub(super) watch: Option<Watch>,
    /// The next decisive sweep.
    pub(super) planned: Option<Check>,
    /// The finding that the key is denied: when, and its record.
    pub(super) denied: Option<(SimTime, Seq)>,
    pub(super) down: Option<Down>,
    pub(super) rising: Option<Rising>,
    /// Waits for its turn in a cascade, or to go offline.
    pub(super) cascading: Option<Seq>,
    pub(super) ramping: Option<Seq>,
    /// Requests go elsewhere while it is down.
    pub(super) avoided: bool,
    /// The new primary version waits to protect its tables: the record, once it is due.
    pub(super) rewrap: Option<Seq>,
    pub(super) rewrap_waits: bool,
    pub(super) rewraps: LazyStream,
    pub(super) partial: LazyStream,
    /// Number of tables whose validations the quota of the key knows of.
    pub(super) load_told: u32,
    ramp: LazyStream,
    bringup: LazyStream,
    pub(super) at_risk: LazyStream,
}

/// One instance.
pub(super) struct Instance<'a> {
    pub(super) plan: &'a InstancePlan,
    mode: SweepMode,
    pub(super) clusters: Vec<Cluster>,
    /// By cluster and table as [`GraceTimer`] says; one each for cluster or instance.
    pub(super) graces: Vec<Vec<GraceSlot>>,
    pub(super) tables: u32,
    /// BT-20: what organization policy forbids at present.
    pub(super) policy: Policy,
    /// The key version that each backup is pinned to.
    pub(super) backups: Vec<u32>,
    pub(super) lost: bool,
    pub(super) deleted: bool,
    cascade_order: LazyStream,
    cascade_step: LazyStream,
    pub(super) account: Account,
    /// Sweeps that were events.
    swept: u64,
}

/// Where the grace of a table in a cluster is kept.
pub(super) fn slot(timer: GraceTimer, cluster: usize, table: u32) -> (usize, usize) {
    match timer {
        GraceTimer::Cluster => (cluster, 0),
        GraceTimer::Table => (cluster, table as usize),
        GraceTimer::Instance => (0, 0),
    }
}

fn grace_of(graces: &[Vec<GraceSlot>], timer: GraceTimer, cluster: usize, table: u32) -> GraceSlot {
    let (row, place) = slot(timer, cluster, table);
    graces[row].get(place).copied().unwrap_or_default()
}

impl<'a> Instance<'a> {
    pub(super) fn new(plan: &'a InstancePlan, streams: &Streams, mode: SweepMode) -> Instance<'a> {
        let lazy = |number| LazyStream::new(streams, number);
        let constants = &plan.constants;
        let clusters: Vec<Cluster> = plan
            .clusters
            .iter()
            .map(|cluster| Cluster {
                present: cluster.present,
                watch: cluster.key.map(|_| {
                    let tables = if cluster.present { plan.tables } else { 0 };
                    let (period, phasing) = (constants.sweep_period, constants.phasing);
                    Watch::new(
                        Rounds::new(period, phasing, tables, lazy(cluster.phases)),
                        cluster.version,
                        lazy(cluster.luck),
                    )
                }),
                planned: None,
                denied: None,
                down: None,
                rising: None,
                cascading: None,
                ramping: None,
                avoided: false,
                rewrap: None,
                rewrap_waits: false,
                rewraps: lazy(cluster.rewrap),
                partial: lazy(cluster.partial),
                load_told: 0,
                ramp: lazy(cluster.ramp),
                bringup: lazy(cluster.bringup),
                at_risk: lazy(cluster.at_risk),
            })
            .collect();
        Instance {
            plan,
            mode,
            graces: vec![Vec::new(); clusters.len()],
            account: Account::new(plan),
            clusters,
            tables: plan.tables,
            policy: plan.policy.clone(),
            backups: plan.backups.iter().map(|backup| plan.pinned(backup)).collect(),
            lost: false,
            deleted: false,
            cascade_order: lazy(plan.cascade_order),
            cascade_step: lazy(plan.cascade_step),
            swept: 0,
        }
    }

    /// Is nothing lost or deleted yet?
    pub(super) fn alive(&self) -> bool {
        !self.lost && !self.deleted
    }

    pub(super) fn grace(&self, cluster: usize, table: u32) -> GraceSlot {
        grace_of(&self.graces, self.plan.constants.grace_timer, cluster, table)
    }

    pub(super) fn grace_mut(&mut self, row: usize, place: usize) -> &mut GraceSlot {
        let row = &mut self.graces[row];
        if row.len() <= place {
            row.resize(place + 1, GraceSlot::default());
        }
        &mut row[place]
    }

    /// The graces that a cluster takes part in.
    pub(super) fn graces_of(&self, cluster: usize) -> &[GraceSlot] {
        match self.plan.constants.grace_timer {
            GraceTimer::Cluster | GraceTimer::Table => &self.graces[cluster],
            GraceTimer::Instance => &self.graces[0],
        }
    }

    pub(super) fn ramp_stream(&mut self, cluster: usize) -> &mut RandomStream {
        self.clusters[cluster].ramp.get()
    }

    pub(super) fn bringup_stream(&mut self, cluster: usize) -> &mut RandomStream {
        self.clusters[cluster].bringup.get()
    }

    pub(super) fn cascade_streams(&mut self) -> (&mut RandomStream, &mut RandomStream) {
        (self.cascade_order.get(), self.cascade_step.get())
    }

    /// Plans the next sweep of a cluster that finds something new, after `done` (or from now on).
    pub(super) fn plan_sweep(&mut self, c: usize, done: Option<Check>, fx: &mut Effects<Message>) {
        if self.mode == SweepMode::All {
            return;
        }
        let planned = self.next_decisive(c, done, fx);
        let cluster = &mut self.clusters[c];
        if planned == cluster.planned {
            return;
        }
        if let Some(old) = std::mem::replace(&mut cluster.planned, planned) {
            fx.cancel(Timer::Sweep.of(c, old.subject));
        }
        if let Some(check) = planned {
            fx.at(Timer::Sweep.of(c, check.subject), check.at, Class::Check);
        }
    }

    fn next_decisive(
        &mut self,
        c: usize,
        done: Option<Check>,
        fx: &Effects<Message>,
    ) -> Option<Check> {
        if !self.alive() || !self.clusters[c].present {
            return None;
        }
        let first = |rounds: &mut Rounds| {
            let mut first = match done {
                Some(check) => rounds.after(check),
                None => rounds.from(fx.now()),
            };
            // Sweeps of this very instant that have had their turn are over.
            while let Some(check) = first {
                if check.at > fx.now()
                    || !fx.passed(Timer::Sweep.of(c, check.subject), Class::Check)
                {
                    break;
                }
                first = rounds.after(check);
            }
            first
        };
        let (timer, reset) = (self.plan.constants.grace_timer, self.plan.constants.grace_reset);
        let graces = &self.graces;
        let grace = |table| grace_of(graces, timer, c, table).grace;
        let watch = self.clusters[c].watch.as_mut()?;
        watch.decisive(first, fx.horizon(), timer != GraceTimer::Table, reset, grace)
    }

    /// With every sweep an event: sets the next one of each table from now on.
    pub(super) fn plan_every_sweep(&mut self, c: usize, count: u32, fx: &mut Effects<Message>) {
        if self.mode == SweepMode::Decisive || !self.clusters[c].present {
            return;
        }
        let Some(watch) = &mut self.clusters[c].watch else { return };
        let mut check = watch.rounds.from(fx.now());
        for _ in 0..count {
            let Some(next) = check else { return };
            fx.at(Timer::Sweep.of(c, next.subject), next.at, Class::Check);
            check = watch.rounds.after(next);
        }
    }

    /// The rounds of a cluster gain a table: sets its first sweep.
    pub(super) fn first_sweep(&mut self, c: usize, check: Check, fx: &mut Effects<Message>) {
        if self.mode == SweepMode::All {
            fx.at(Timer::Sweep.of(c, check.subject), check.at, Class::Check);
        }
    }

    /// Takes a table out of the rounds of a cluster; gives its number.
    pub(super) fn table_leaves(&mut self, c: usize, fx: &Effects<Message>) -> Option<u32> {
        let watch = self.clusters[c].watch.as_mut()?;
        let had_turn = |table| fx.passed(Timer::Sweep.of(c, table), Class::Check);
        let table = watch.rounds.leave(fx.now(), had_turn)?;
        watch.left(table);
        Some(table)
    }

    /// The rounds of a cluster have lost a table. What only its validations knew is not known any
    /// more: with the last table (BT-28), whether the key is denied or unreachable.
    pub(super) fn no_more_sweeps(&mut self, c: usize, table: u32, fx: &mut Effects<Message>) {
        fx.cancel(Timer::Status.of(c, table));
        let last = self.clusters[c].watch.as_ref().is_none_or(|watch| watch.rounds.count() == 0);
        match self.plan.constants.grace_timer {
            GraceTimer::Table => self.end_grace(c, table, fx),
            GraceTimer::Cluster if last => self.end_grace(c, 0, fx),
            GraceTimer::Cluster | GraceTimer::Instance => {}
        }
        if last {
            self.forget(c);
        }
        match self.mode {
            SweepMode::All => fx.cancel(Timer::Sweep.of(c, table)),
            SweepMode::Decisive => self.plan_sweep(c, None, fx),
        }
    }

    /// BT-27: the key is validated for a table in a cluster.
    fn sweep(&mut self, c: usize, table: u32, fx: &mut Effects<Message>) {
        let check = Check { at: fx.now(), subject: table };
        if self.mode == SweepMode::All {
            self.swept += 1;
            let again = fx.now().saturating_add(self.plan.constants.sweep_period);
            fx.at(Timer::Sweep.of(c, table), again, Class::Check);
        } else {
            self.clusters[c].planned = None;
        }
        self.log_sweep(c, check, fx);
        if !self.alive() {
            return;
        }
        let grace = self.grace(c, table).grace;
        let reset = self.plan.constants.grace_reset;
        let Some(watch) = &mut self.clusters[c].watch else { return };
        let answer = watch.answer(check);
        if let Some(finding) = watch.finding(table, answer, grace, reset) {
            fx.used("model.bigtable.sweep-phase");
            self.found(c, table, answer, finding, fx);
        }
        // The next one: the finding may have changed what the other clusters look for as well.
        self.plan_all(Some((c, check)), fx);
    }

    /// Plans the next decisive sweep of every cluster.
    pub(super) fn plan_all(&mut self, done: Option<(usize, Check)>, fx: &mut Effects<Message>) {
        if self.mode == SweepMode::All {
            return;
        }
        let shared_by_all = self.plan.constants.grace_timer == GraceTimer::Instance;
        for c in 0..self.clusters.len() {
            match done {
                Some((own, check)) if own == c => self.plan_sweep(c, Some(check), fx),
                Some(_) if !shared_by_all => {}
                Some(_) | None => self.plan_sweep(c, None, fx),
            }
        }
    }

    fn found(
        &mut self,
        c: usize,
        table: u32,
        answer: Answer,
        finding: Finding,
        fx: &mut Effects<Message>,
    ) {
        match finding {
            Finding::LostContact => self.lost_contact(c, table, fx),
            Finding::Denied => {
                self.end_grace(c, table, fx);
                self.found_denied(c, table, answer, fx);
            }
            Finding::Usable => {
                let was_denied = self.found_usable(c, table, fx);
                self.end_grace(c, table, fx);
                let cause = self.cause(c, table);
                self.recover(if was_denied { "BT-38" } else { "BT-46" }, cause, fx);
            }
        }
    }

    /// The record that what the key answers to a table of a cluster goes back to.
    pub(super) fn cause(&self, c: usize, table: u32) -> Option<Seq> {
        let watch = self.clusters[c].watch.as_ref()?;
        watch.view().cause(watch.version(table))
    }

    /// What only validations knew of a cluster's key is not known any more.
    pub(super) fn forget(&mut self, c: usize) {
        let cluster = &mut self.clusters[c];
        cluster.denied = None;
        if let Some(watch) = &mut cluster.watch {
            watch.forget();
        }
    }

    /// The state that a cluster shows while it is up.
    pub(super) fn up_state(&self, c: usize) -> u8 {
        let cluster = &self.clusters[c];
        if cluster.rising.is_some() {
            cluster_state::BRINGING_UP
        } else if cluster.watch.is_some()
            && self.graces_of(c).iter().any(|slot| slot.grace.since.is_some())
        {
            cluster_state::CACHED
        } else if self.is_partly_readable(c) {
            cluster_state::PARTLY_READABLE
        } else {
            cluster_state::SERVING
        }
    }

    fn on_timer(&mut self, number: u32, fx: &mut Effects<Message>) {
        let (timer, c, table) = Timer::parts(number);
        match timer {
            Timer::Sweep => self.sweep(c, table, fx),
            Timer::Status => {
                let name = &self.plan.clusters[c].name;
                let detail = format!("the key status of a new table on cluster {name} is known");
                fx.note(self.plan.entity, "BT-23", self.account.created(c, table), detail);
            }
            Timer::Grace => self.grace_over(c, table as usize, fx),
            Timer::Ramp => self.ramp_over(c, fx),
            Timer::Cascade => self.cascade_reaches(c, fx),
            Timer::BringUp => self.brought_up(c, fx),
            Timer::Reroute => {
                self.clusters[c].avoided = true;
                let cause = self.clusters[c].down.map(|down| down.cause);
                self.settle_requests("Q-02", cause, fx);
            }
            Timer::Deletion => self.too_long_without_key(c, fx),
            Timer::Rewrap => self.rewrap_is_due(c, fx),
        }
    }
}

impl Process<Message> for Instance<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        for watch in self.clusters.iter_mut().filter_map(|cluster| cluster.watch.as_mut()) {
            watch.rounds.mark(fx.marks());
        }
        for c in 0..self.clusters.len() {
            let tables = self.tables;
            self.plan_every_sweep(c, tables, fx);
        }
        self.tell_load(None, fx);
        self.settle(fx);
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(number) => self.on_timer(number, fx),
            Happening::Message { to, message, cause } => match message {
                Message::Standing(_)
                | Message::Version { .. }
                | Message::Primary(_)
                | Message::Grant(_) => self.hear(to, message, cause, fx),
                Message::Command { command, .. } if self.policy.hear(command) => {}
                Message::Command { command, begins, occurrence } => {
                    self.command(command, begins, occurrence, cause, fx);
                }
                Message::Errors(_)
                | Message::Stale(_)
                | Message::Mistaken(_)
                | Message::Refused { .. }
                | Message::Load(_)
                | Message::Order(_)
                | Message::News(_) => {}
            },
            Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        let now = fx.now();
        let mut sweeps = 0;
        for (cluster, plan) in self.clusters.iter_mut().zip(&self.plan.clusters) {
            if let (Some(watch), Some(key)) = (&mut cluster.watch, plan.key) {
                let mut made = watch.rounds.made_at_marks(now);
                sweeps += made.last().copied().unwrap_or(0);
                for count in &mut made {
                    *count *= self.plan.constants.operations_per_sweep;
                }
                operations::tell(key, self.plan.entity, &made, fx);
            }
        }
        if self.mode == SweepMode::All {
            assert_eq!(sweeps, self.swept, "sweeps are counted as they happen");
        }
        fx.checks(sweeps);
        fx.measure(self.plan.entity, "sweeps", Some(sweeps as f64));
        self.finish_account(fx);
    }
}
