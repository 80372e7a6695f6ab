//! What is told of flows: levels over time, and measures at the end.

use super::amount::{Amount, elements};
use super::network::Network;
use super::plan::Target;
use super::queue::Queue;
use crate::engine::{Effects, EntityId, SimDuration, SimTime};
use crate::systems::contract::Message;

/// A level that runs in straight lines from point to point: points on the line between their
/// neighbours are left out.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    last: Option<(u64, f64)>,
    open: Option<(u64, f64)>,
}

/// Is the middle one of three points on the straight line between the others?
fn straight(a: (u64, f64), b: (u64, f64), c: (u64, f64)) -> bool {
    const TOLERANCE: f64 = 1e-9;
    if c.0 == a.0 {
        return b.1 == c.1;
    }
    let share = (b.0 - a.0) as f64 / (c.0 - a.0) as f64;
    let expected = a.1 + (c.1 - a.1) * share;
    (b.1 - expected).abs() <= TOLERANCE * (1.0 + a.1.abs().max(c.1.abs()))
        // A jump is told as two points of one instant.
        && (b.0 < c.0 || b.1 == c.1)
}

impl Line {
    /// Adds a point; gives the one that is certain now.
    fn add(&mut self, point: (u64, f64)) -> Option<(u64, f64)> {
        match (self.last, self.open) {
            (None, _) => self.last = Some(point),
            (Some(_), None) => {
                self.open = Some(point);
                return None;
            }
            (Some(last), Some(open)) if straight(last, open, point) => {
                self.open = Some(point);
                return None;
            }
            (Some(_), Some(open)) => (self.last, self.open) = (Some(open), Some(point)),
        }
        self.last
    }
}

/// What is followed of a job or a subscription.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    backlog: Line,
    age: Line,
    backlog_peak: Amount,
    age_peak: u64,
    /// Age of an element that has just been written, at that instant.
    pub(super) left: Option<u64>,
    /// Nanoseconds in which a backlog was worked off.
    pub(super) catch_up: u64,
}

const BACKLOG: &str = "backlog";
const AGE: &str = "watermark-age";

/// Nanoseconds by which an age falls in a jump, and not by rounding.
const JUMP: u64 = 1_000;

fn tell(
    entity: EntityId,
    name: &'static str,
    point: Option<(u64, f64)>,
    fx: &mut Effects<Message>,
) {
    if let Some((at, value)) = point
        && let Some(at) = SimTime::from_ns(at)
    {
        fx.level_at(at, entity, name, value);
    }
}

impl Ledger {
    fn follow(
        &mut self,
        now: u64,
        entity: EntityId,
        backlog: Amount,
        age: Option<u64>,
        fx: &mut Effects<Message>,
    ) {
        self.backlog_peak = self.backlog_peak.max(backlog);
        tell(entity, BACKLOG, self.backlog.add((now, elements(backlog))), fx);
        let left = self.left.take();
        if let Some(age) = age {
            if let Some(left) = left.filter(|left| *left > age + JUMP) {
                self.age_peak = self.age_peak.max(left);
                tell(entity, AGE, self.age.add((now, seconds(left))), fx);
            }
            self.age_peak = self.age_peak.max(age);
            tell(entity, AGE, self.age.add((now, seconds(age))), fx);
        }
    }

    fn close(&mut self, entity: EntityId, fx: &mut Effects<Message>) {
        tell(entity, BACKLOG, self.backlog.open.take(), fx);
        tell(entity, AGE, self.age.open.take(), fx);
    }
}

fn seconds(ns: u64) -> f64 {
    SimDuration::from_ns(ns).unwrap_or(SimDuration::MAX).seconds()
}

impl Network<'_> {
    /// DJ-10: age of the oldest element that a job has not written yet.
    fn age(&self, number: usize) -> u64 {
        let (plan, job) = (&self.plan.jobs[number], &self.jobs[number]);
        let waiting = plan.queues.iter().filter_map(|&queue| self.queues[queue].oldest());
        let oldest = waiting.chain(job.conveyor.oldest()).min();
        oldest.map_or(0, |oldest| self.now.saturating_sub(oldest))
    }

    /// Notes the levels of this instant.
    pub(super) fn keep_books(&mut self, fx: &mut Effects<Message>) {
        let now = self.now;
        for number in 0..self.jobs.len() {
            let plan = &self.plan.jobs[number];
            let backlog = plan.queues.iter().map(|&queue| self.queues[queue].backlog()).sum();
            let age = plan.batch.is_none().then(|| self.age(number));
            self.jobs[number].ledger.follow(now, plan.entity, backlog, age, fx);
        }
        for (number, plan) in self.plan.queues.iter().enumerate().filter(|(_, plan)| plan.own) {
            let backlog = self.queues[number].backlog();
            self.ledgers[number].follow(now, plan.source, backlog, None, fx);
        }
    }

    /// Tells the measures that no transition shows.
    pub(super) fn close_books(&mut self, fx: &mut Effects<Message>) {
        self.keep_books(fx);
        for number in 0..self.jobs.len() {
            self.close_job(number, fx);
        }
        for number in 0..self.queues.len() {
            let (plan, queue) = (&self.plan.queues[number], &self.queues[number]);
            if plan.own {
                self.ledgers[number].close(plan.source, fx);
                let numbers = [
                    ("messages-arrived", queue.arrived()),
                    ("messages-expired", queue.expired.total()),
                    ("backlog-peak", queue.peak),
                    ("backlog-left", queue.backlog()),
                ];
                for (name, amount) in numbers {
                    fx.measure(plan.source, name, Some(elements(amount)));
                }
            }
        }
        for (publisher, plan) in self.publishers.iter().zip(&self.plan.publishers) {
            if let Target::Hub(hub) = plan.target {
                let numbers = [
                    ("messages-published", publisher.published),
                    ("messages-dropped", publisher.dropped),
                    ("messages-kept-peak", publisher.buffer_peak),
                ];
                for (name, amount) in numbers {
                    fx.measure(self.plan.hubs[hub].entity, name, Some(elements(amount)));
                }
            }
        }
    }

    fn close_job(&mut self, number: usize, fx: &mut Effects<Message>) {
        let plan = &self.plan.jobs[number];
        let (entity, streaming) = (plan.entity, plan.batch.is_none());
        let sum = |of: &dyn Fn(&Queue) -> Amount| -> Option<f64> {
            Some(elements(plan.queues.iter().map(|&queue| of(&self.queues[queue])).sum()))
        };
        let unwritten = |(queue, range): (usize, (Amount, Amount))| {
            range.1 - range.0 - self.queues[queue].written.overlap(range)
        };
        let in_flight: Amount = self.jobs[number].conveyor.ranges().map(unwritten).sum();
        let duplicated = sum(&|queue| queue.duplicated).filter(|_| plan.duplicates);
        let waits = |queue: &Queue| {
            let unwritten =
                |range: (Amount, Amount)| range.1 - range.0 - queue.written.overlap(range);
            queue.standing().map(unwritten).sum::<Amount>()
        };
        let measures = [
            ("elements-arrived", sum(&Queue::arrived)),
            ("elements-written", sum(&|queue| queue.written.total())),
            ("elements-waiting", sum(&waits)),
            ("elements-in-flight", Some(elements(in_flight))),
            ("elements-expired", sum(&|queue| queue.expired.total())),
            ("elements-lost", sum(&|queue| queue.lost.total())),
            ("elements-redelivered", sum(&|queue| queue.redelivered)),
            ("elements-duplicated", Some(duplicated.unwrap_or(0.0))),
            (
                "rows-written",
                Some(elements(self.jobs[number].outputs.iter().map(|o| o.rows).sum())),
            ),
        ];
        for (name, value) in measures {
            fx.measure(entity, name, value);
        }
        let ledger = &mut self.jobs[number].ledger;
        ledger.close(entity, fx);
        fx.measure(entity, "backlog-peak", Some(elements(ledger.backlog_peak)));
        let age = streaming.then(|| seconds(ledger.age_peak));
        fx.measure(entity, "watermark-age-peak", age);
        let catch_up = (ledger.catch_up > 0 && streaming).then(|| seconds(ledger.catch_up));
        fx.measure(entity, "catch-up-time", catch_up);
    }
}
