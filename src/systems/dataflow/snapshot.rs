//! Snapshots of a job (DJ-06 to DJ-08).

use super::job::{Job, Phase, timer};
use super::keys::Principal;
use super::plan::snapshot_state;
use crate::engine::{Class, Effects, Seq, SimTime};
use crate::systems::contract::{Answer, LazyStream, Message};
use crate::systems::flow::Order;

/// A snapshot.
pub(super) struct Snapshot {
    time: LazyStream,
    /// When it was asked for, and the record of that.
    asked: Option<(SimTime, Seq)>,
}

impl Snapshot {
    pub(super) fn new(time: LazyStream) -> Snapshot {
        Snapshot { time, asked: None }
    }
}

/// Timers of a snapshot: it is ready, its lifetime is over.
const READY: u32 = 0;

fn timer_of(slot: usize, what: u32) -> u32 {
    timer::SNAPSHOT + 2 * slot as u32 + what
}

const OVER: u32 = 1;

impl Job<'_> {
    /// Is the key usable, as far as the Dataflow service account can tell?
    fn key_denies(&self) -> Option<Option<Seq>> {
        let keys = self.keys.as_ref()?;
        let answer = keys.standing(Principal::Dataflow).certain();
        let usable = matches!(answer, None | Some(Answer::Granted));
        (!usable).then(|| keys.cause(Principal::Dataflow))
    }

    /// DJ-06: a snapshot of the running job is asked for.
    pub(super) fn take_snapshot(
        &mut self,
        slot: usize,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let plan = &self.plan.snapshots[slot];
        let present = [snapshot_state::PENDING, snapshot_state::RUNNING, snapshot_state::READY];
        let refusal = if !self.plan.streaming || !self.plan.streaming_engine {
            Some(("DF-24", "it takes a streaming job with Streaming Engine"))
        } else if self.phase != Phase::Running {
            Some(("DJ-06", "the job does not run"))
        } else if present.contains(&fx.state(plan.entity)) {
            Some(("DJ-06", "it is there already"))
        } else {
            None
        };
        if let Some((rule, why)) = refusal {
            fx.note(plan.entity, rule, cause, format!("snapshot-job is refused: {why}"));
            return;
        }
        let asked = fx.enter(plan.entity, snapshot_state::PENDING, "DJ-08", cause, "");
        if let Some(fault) = self.key_denies() {
            let cause = fault.or(Some(asked));
            let detail = "the key of the job is not usable";
            fx.enter(plan.entity, snapshot_state::FAILED, "DJ-08", cause, detail);
            return;
        }
        let seq = fx.enter(plan.entity, snapshot_state::RUNNING, "DJ-08", Some(asked), "");
        self.order(Order::Keep { slot: slot as u32, sources: plan.sources }, fx);
        fx.used("model.dataflow.snapshot-time");
        let snapshot = &mut self.snapshots[slot];
        snapshot.asked = Some((fx.now(), seq));
        let wait = self.plan.constants.snapshot_time.sample(snapshot.time.get());
        fx.after(timer_of(slot, READY), wait, Class::Due);
    }

    pub(super) fn snapshot_timer(&mut self, number: u32, fx: &mut Effects<Message>) {
        let (slot, what) = (number as usize / 2, number % 2);
        let plan = &self.plan.snapshots[slot];
        let asked = self.snapshots[slot].asked.map(|(_, seq)| seq);
        if what == READY {
            let seq = fx.enter(plan.entity, snapshot_state::READY, "DJ-06", asked, "");
            if let Some(asked) = &mut self.snapshots[slot].asked {
                asked.1 = seq;
            }
            fx.after(timer_of(slot, OVER), plan.ttl, Class::Due);
        } else {
            fx.enter(plan.entity, snapshot_state::DELETED, "DJ-07", asked, "its lifetime is over");
        }
    }

    /// The snapshots that are being taken fail, for a reason.
    fn fail_snapshots(&mut self, cause: Option<Seq>, why: &'static str, fx: &mut Effects<Message>) {
        for (slot, plan) in self.plan.snapshots.iter().enumerate() {
            if fx.state(plan.entity) == snapshot_state::RUNNING {
                fx.cancel(timer_of(slot, READY));
                fx.enter(plan.entity, snapshot_state::FAILED, "DJ-08", cause, why);
            }
        }
    }

    /// DJ-08: a key fault makes the snapshots fail that are being taken.
    pub(super) fn snapshots_hear(&mut self, fx: &mut Effects<Message>) {
        if let Some(cause) = self.key_denies() {
            self.fail_snapshots(cause, "the key of the job is not usable", fx);
        }
    }

    /// The job ends: what is being taken fails.
    pub(super) fn snapshots_end(&mut self, cause: Seq, fx: &mut Effects<Message>) {
        self.fail_snapshots(Some(cause), "the job has ended", fx);
    }

    /// The newest snapshot that is ready.
    pub(super) fn newest_snapshot(&self, fx: &Effects<Message>) -> Option<usize> {
        let plans = self.plan.snapshots.iter().enumerate();
        let ready = plans.filter(|(_, plan)| fx.state(plan.entity) == snapshot_state::READY);
        ready.map(|(slot, _)| slot).max_by_key(|slot| self.snapshots[*slot].asked.map(|(at, _)| at))
    }
}
