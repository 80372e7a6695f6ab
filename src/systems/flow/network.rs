//! A network in motion: it moves from one change of a rate to the next, and in between everything
//! flows evenly.

use super::account::Ledger;
use super::amount::{Amount, shares};
use super::conveyor::{Conveyor, Part, Piece};
use super::plan::{JobPlan, NetworkPlan, Target};
use super::queue::Queue;
use super::ratio::{Inflow, Output};
use super::{Access, Course, News, Order};
use crate::engine::{Class, Effects, EntityId, Happening, Process, Seq, SimDuration};
use crate::systems::contract::Message;
use std::collections::{BTreeMap, BTreeSet};

/// What a job is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Off,
    Runs,
    Drains,
}

/// What a snapshot keeps: what the job had acknowledged and not yet written, and where it was in
/// each of its sources.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) conveyor: Conveyor,
    /// The lowest place of each source that was not acknowledged, if the sources are part of it.
    pub(super) heads: Option<Vec<Amount>>,
}

pub(super) struct Job {
    pub(super) mode: Mode,
    scaled: bool,
    /// From reading to writing.
    pub(super) conveyor: Conveyor,
    /// What is written and not yet acknowledged.
    pub(super) unacknowledged: Option<Conveyor>,
    /// What each sink got.
    pub(super) outputs: Vec<Output>,
    /// Elements that were passed on, those written again included unless that has no effect.
    written: Amount,
    pub(super) kept: Vec<Option<Kept>>,
    moves: bool,
    intake: Amount,
    course: Course,
    behind: bool,
    told_end: bool,
    pub(super) ledger: Ledger,
}

pub(super) struct Publisher {
    rate: Amount,
    out: Amount,
    pub(super) buffer: Amount,
    pub(super) buffer_peak: Amount,
    pub(super) published: Amount,
    pub(super) dropped: Amount,
}

/// What is known of an entity: whether it works, and the record of its last transition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Condition {
    serves: bool,
    ended: bool,
    record: Option<Seq>,
}

pub(super) struct Network<'a> {
    pub(super) plan: &'a NetworkPlan,
    pub(super) now: u64,
    pub(super) publishers: Vec<Publisher>,
    pub(super) queues: Vec<Queue>,
    /// Elements that arrive all at once, for a batch job: within the next nanosecond.
    pulses: Vec<Amount>,
    pub(super) jobs: Vec<Job>,
    pub(super) conditions: BTreeMap<EntityId, Condition>,
    /// What is out of service for reasons of its own, with the occurrences of that.
    shut: BTreeMap<EntityId, BTreeSet<u32>>,
    /// Ledgers of the subscriptions.
    pub(super) ledgers: Vec<Ledger>,
    /// What the hubs that are told know of what is written to them.
    inflows: Vec<Inflow>,
    /// What the subscriptions know: a job reads from them, something is withheld.
    notices: Vec<(bool, bool)>,
}

/// The timer of the next change.
const NEXT: u32 = 0;

fn job(plan: &JobPlan) -> Job {
    let tail = plan.acknowledged_after.saturating_sub(plan.latency);
    Job {
        mode: Mode::Off,
        scaled: false,
        conveyor: Conveyor::new(plan.latency),
        unacknowledged: (tail > 0).then(|| Conveyor::new(tail)),
        outputs: vec![Output::default(); plan.sinks.len()],
        written: 0,
        kept: vec![None; plan.snapshots],
        moves: false,
        intake: 0,
        course: Course::Flows,
        behind: false,
        told_end: false,
        ledger: Ledger::default(),
    }
}

impl Job {
    /// Units per nanosecond that it passes on while it moves. What an idempotent job writes again
    /// changes nothing in its sinks.
    fn rate_out(&self, plan: &JobPlan, queues: &[Queue]) -> Amount {
        if plan.duplicates {
            self.conveyor.rate_out()
        } else {
            self.conveyor.new_out(|queue| &queues[queue].written)
        }
    }

    /// How long until an idempotent job goes over from what is new to what it writes again, or back,
    /// as far as that is known yet.
    fn next_turn(&self, plan: &JobPlan, queues: &[Queue]) -> Option<u64> {
        if plan.duplicates {
            return None;
        }
        let again = |&queue: &usize| {
            let queue = &queues[queue];
            queue.serve > 0 && queue.waiting.parts().any(|range| queue.written.overlap(range) > 0)
        };
        let turn = self.conveyor.next_turn(|queue| &queues[queue].written);
        turn.or_else(|| plan.queues.iter().any(again).then_some(plan.latency.max(1)))
    }
}

impl<'a> Network<'a> {
    pub(super) fn new(plan: &'a NetworkPlan) -> Network<'a> {
        let publisher =
            |_| Publisher { rate: 0, out: 0, buffer: 0, buffer_peak: 0, published: 0, dropped: 0 };
        Network {
            plan,
            now: 0,
            publishers: plan.publishers.iter().map(publisher).collect(),
            queues: plan.queues.iter().map(|queue| Queue::new(queue.retention)).collect(),
            pulses: vec![0; plan.queues.len()],
            jobs: plan.jobs.iter().map(job).collect(),
            conditions: BTreeMap::new(),
            shut: BTreeMap::new(),
            ledgers: plan.queues.iter().map(|_| Ledger::default()).collect(),
            inflows: vec![Inflow::default(); plan.hubs.len()],
            notices: vec![(false, false); plan.queues.len()],
        }
    }

    fn condition(&self, entity: EntityId) -> Condition {
        self.conditions.get(&entity).copied().unwrap_or_default()
    }

    /// Notes the state an entity is in.
    fn observe(&mut self, entity: EntityId, record: Option<Seq>, fx: &Effects<Message>) {
        let Some(kind) = self.plan.entities.get(&entity) else { return };
        let state = &kind.states[usize::from(fx.state(entity))];
        // A job that stands still does so too while it is being cancelled.
        let stands = self.job_of(entity).is_some_and(|job| self.jobs[job].course != Course::Flows);
        let open = self.shut.get(&entity).is_none_or(BTreeSet::is_empty);
        let serves = state.serves && open && !stands;
        let condition = Condition { serves, ended: state.irreversible, record };
        self.conditions.insert(entity, condition);
    }

    /// Everything has flowed at the present rates since the last change.
    fn sync(&mut self, now: u64) {
        let span = now - self.now;
        if span == 0 {
            return;
        }
        let since = self.now;
        self.now = now;
        for (publisher, plan) in self.publishers.iter_mut().zip(&self.plan.publishers) {
            publisher.flow(Amount::from(span), plan.buffers);
        }
        self.pulses.fill(0);
        let mut taken: Vec<_> = self.queues.iter_mut().map(|queue| Some(queue.sync(now))).collect();
        self.lose_what_is_gone();
        for (job, plan) in self.jobs.iter_mut().zip(&self.plan.jobs) {
            // One that nothing is delivered to does not catch up with what waits.
            if job.moves && job.behind && job.intake > 0 {
                job.ledger.catch_up += span;
            }
            if !job.moves {
                continue;
            }
            let parts = plan.queues.iter().filter_map(|&number| {
                let (rate, taken) = (self.queues[number].serve, taken[number].take()?);
                let ranges = taken.ranges.into();
                (rate > 0).then_some(Part { queue: number, rate, ranges, arrived: taken.arrived })
            });
            let entering = Piece { length: span, parts: parts.collect() };
            let rate = job.rate_out(plan, &self.queues);
            for (output, sink) in job.outputs.iter_mut().zip(&plan.sinks) {
                output.advance(sink.ratio, rate, Amount::from(span));
            }
            for piece in job.conveyor.advance(entering) {
                // The oldest leaves at this very instant, and was there just before it.
                job.ledger.left = piece.last_arrived().map(|came| now - came);
                for (queue, range) in piece.ranges() {
                    let new = self.queues[queue].write(range);
                    job.written += if plan.duplicates { range.1 - range.0 } else { new };
                }
                if let Some(tail) = &mut job.unacknowledged {
                    tail.advance(piece);
                }
            }
        }
        self.check(since);
    }

    /// FL-01: nothing appears and nothing disappears.
    fn check(&self, since: u64) {
        for (number, queue) in self.queues.iter().enumerate() {
            let reader = self.plan.queues[number].reader.map(|job| &self.jobs[job]);
            let inside = reader.into_iter().flat_map(|job| job.conveyor.ranges());
            let own = inside.filter(|(queue, _)| *queue == number).map(|(_, range)| range);
            assert!(
                queue.is_conserved(own),
                "queue {number} keeps all of its elements from {since} to {} ns",
                self.now
            );
        }
        // FL-06: and nothing between what is written and what comes of it in each sink.
        for (job, plan) in self.jobs.iter().zip(&self.plan.jobs) {
            for (output, sink) in job.outputs.iter().zip(&plan.sinks) {
                assert!(
                    output.is_conserved(sink.ratio, job.written),
                    "a job writes what it has read"
                );
            }
        }
    }

    fn can_write(&self, plan: &JobPlan) -> bool {
        plan.gates.iter().all(|gate| self.condition(*gate).serves)
    }

    /// Sets all rates from now on, tells the jobs what has become of them, and plans the next
    /// change.
    fn solve(&mut self, fx: &mut Effects<Message>) {
        let mut waits: Vec<u64> = Vec::new();
        for number in 0..self.publishers.len() {
            waits.extend(self.publish(number));
        }
        for number in 0..self.jobs.len() {
            let plan = &self.plan.jobs[number];
            self.jobs[number].moves = self.jobs[number].mode != Mode::Off && self.can_write(plan);
        }
        for number in 0..self.queues.len() {
            let rate = self.inflow(number);
            self.queues[number].set_arrival_rate(rate);
            self.queues[number].serve = 0;
            if self.pulses[number] > 0 {
                waits.push(1);
            }
        }
        for number in 0..self.jobs.len() {
            self.read(number);
            let job = &self.jobs[number];
            if job.moves {
                let plan = &self.plan.jobs[number];
                let reads = plan.queues.iter().filter(|&&queue| self.queues[queue].serve > 0);
                let entering = reads.map(|&number| {
                    let queue = &self.queues[number];
                    (number, queue.serve, queue.pace())
                });
                let steady = job.conveyor.is_steady(&entering.collect::<Vec<_>>());
                let fresh = (!steady).then_some(plan.latency);
                waits.extend(job.conveyor.next_change().or(fresh));
                waits.extend(job.next_turn(plan, &self.queues));
            }
        }
        waits.extend(self.queues.iter().filter_map(Queue::next_change));
        self.keep_books(fx);
        for number in 0..self.jobs.len() {
            self.tell(number, fx);
        }
        self.tell_ends(fx);
        match waits.into_iter().min().and_then(SimDuration::from_ns) {
            Some(wait) => fx.after(NEXT, wait, Class::Due),
            None => fx.cancel(NEXT),
        }
    }

    /// What a publisher sends from now on; gives how long until that changes by itself.
    fn publish(&mut self, number: usize) -> Option<u64> {
        let plan = &self.plan.publishers[number];
        let open = match plan.target {
            Target::Hub(hub) => self.condition(self.plan.hubs[hub].entity).serves,
            Target::Queue(_) => true,
        };
        let publisher = &mut self.publishers[number];
        publisher.rate = plan.arrivals.at(self.now);
        publisher.out = match (open, publisher.buffer) {
            (false, _) => 0,
            (true, 0) => publisher.rate,
            (true, kept) => plan.burst.max(publisher.rate).min(publisher.rate + kept),
        };
        let step = plan.arrivals.next_change(self.now);
        let faster = publisher.out.saturating_sub(publisher.rate);
        let emptied = (publisher.buffer > 0 && faster > 0)
            .then(|| u64::try_from(publisher.buffer / faster).unwrap_or(u64::MAX).max(1));
        step.into_iter().chain(emptied).min()
    }

    /// What a job writes to one of its sinks per nanosecond.
    fn output(&self, (job, place): (usize, usize)) -> Amount {
        let (plan, job) = (&self.plan.jobs[job], &self.jobs[job]);
        let ratio = plan.sinks[place].ratio;
        if job.moves { Output::rate(ratio, job.rate_out(plan, &self.queues)) } else { 0 }
    }

    /// What arrives in a queue per nanosecond.
    fn inflow(&self, queue: usize) -> Amount {
        let plan = &self.plan.queues[queue];
        let published = plan.publishers.iter().map(|&number| self.publishers[number].out);
        let writers = plan.hub.map_or(&[][..], |hub| &self.plan.hubs[hub].writers);
        let written = writers.iter().map(|&writer| self.output(writer));
        self.pulses[queue] + published.chain(written).sum::<Amount>()
    }

    /// What a job reads from each of its queues from now on.
    fn read(&mut self, number: usize) {
        let plan = &self.plan.jobs[number];
        let reads = self.jobs[number].moves && self.jobs[number].mode == Mode::Runs;
        let demand = |&queue: &usize| {
            let open = reads && self.condition(self.plan.queues[queue].source).serves;
            let queue = &self.queues[queue];
            if open { queue.arrival_rate() + queue.waiting.total() } else { 0 }
        };
        let demands: Vec<Amount> = plan.queues.iter().map(demand).collect();
        let given = shares(&demands, plan.capacity[usize::from(self.jobs[number].scaled)]);
        for (&queue, &serve) in plan.queues.iter().zip(&given) {
            self.queues[queue].serve = serve;
        }
        self.jobs[number].intake = given.iter().sum();
    }

    /// Tells a job what has become of it, if that is news.
    fn tell(&mut self, number: usize, fx: &mut Effects<Message>) {
        let plan = &self.plan.jobs[number];
        let entity = plan.entity;
        let (course, cause) = self.course(number);
        let waiting: Amount = plan.queues.iter().map(|&q| self.queues[q].waiting.total()).sum();
        let growing = plan.queues.iter().any(|&q| self.queues[q].slope() > 0);
        let coming: Amount = plan.queues.iter().map(|&q| self.queues[q].arrival_rate()).sum();
        let job = &mut self.jobs[number];
        if job.mode == Mode::Off {
            return;
        }
        if course != job.course {
            job.course = course;
            fx.send(entity, Message::News(News::Course(course)), cause);
        }
        let behind = waiting > 0 || growing;
        if behind != job.behind {
            job.behind = behind;
            fx.send(entity, Message::News(News::Behind(behind)), None);
        }
        let all_in = match job.mode {
            Mode::Off => false,
            Mode::Runs => plan.batch.is_some() && waiting == 0 && coming == 0,
            Mode::Drains => true,
        };
        if all_in && !job.told_end && job.conveyor.content() == 0 {
            job.told_end = true;
            let batch = job.mode == Mode::Runs;
            // A job that is done with everything has acknowledged everything.
            if let Some(tail) = &mut job.unacknowledged {
                tail.clear(u64::MAX);
            }
            fx.send(entity, Message::News(News::Empty), None);
            if batch {
                self.finish_input(number);
            }
        }
    }

    /// Tells what jobs read from and write to what has become of it, if that is news.
    fn tell_ends(&mut self, fx: &mut Effects<Message>) {
        for (number, plan) in self.plan.hubs.iter().enumerate().filter(|(_, hub)| hub.told) {
            let streams = |writer: &&(usize, usize)| self.plan.jobs[writer.0].batch.is_none();
            let writers = plan.writers.iter().filter(streams);
            let inflow = Inflow::of(writers.map(|&writer| self.output(writer)).sum());
            if inflow != std::mem::replace(&mut self.inflows[number], inflow) {
                fx.send(plan.entity, Message::News(News::Inflow(inflow)), None);
            }
        }
        for (number, plan) in self.plan.queues.iter().enumerate().filter(|(_, queue)| queue.own) {
            let read = plan.reader.is_some_and(|job| self.jobs[job].mode == Mode::Runs);
            let withheld = self.queues[number].withheld.total() > 0;
            let before = std::mem::replace(&mut self.notices[number], (read, withheld));
            if read != before.0 {
                let reader = plan.reader.map(|job| self.condition(self.plan.jobs[job].entity));
                let cause = reader.and_then(|reader| reader.record);
                fx.send(plan.source, Message::News(News::Read(read)), cause);
            }
            if withheld != before.1 {
                fx.send(plan.source, Message::News(News::Withheld(withheld)), None);
            }
        }
    }

    /// PS-07: what came into a subscription in some time can be delivered, or not any more.
    fn give_access(&mut self, source: EntityId, (from, until): (u64, u64), access: Access) {
        for (queue, plan) in self.queues.iter_mut().zip(&self.plan.queues) {
            if plan.own && plan.source == source {
                let range = queue.came(from, until);
                match access {
                    Access::Open => queue.release(range),
                    Access::Shut => queue.withhold(range),
                    Access::Lost => queue.lose_for_good(range),
                }
            }
        }
    }

    /// How a job fares, and the record that made it so.
    fn course(&self, number: usize) -> (Course, Option<Seq>) {
        let (plan, job) = (&self.plan.jobs[number], &self.jobs[number]);
        let refuses = plan.gates.iter().map(|gate| self.condition(*gate)).find(|gate| !gate.serves);
        if let Some(gate) = refuses {
            return (Course::Blocked, gate.record);
        }
        if job.intake > 0 || job.mode != Mode::Runs {
            return (Course::Flows, self.latest_change(plan));
        }
        let faults = plan.queues.iter().filter_map(|&queue| self.fault(queue));
        match faults.min() {
            Some(cause) => (Course::Starved, cause),
            None => (Course::Flows, self.latest_change(plan)),
        }
    }

    /// The latest record of what a job reads from or writes to: what ends a stall.
    fn latest_change(&self, plan: &JobPlan) -> Option<Seq> {
        let sources = plan.queues.iter().map(|&queue| &self.plan.queues[queue]);
        let hubs = sources.clone().filter_map(|queue| queue.hub).map(|hub| &self.plan.hubs[hub]);
        let writers =
            hubs.clone().flat_map(|hub| &hub.writers).map(|&(job, _)| self.plan.jobs[job].entity);
        let all = sources.map(|queue| queue.source).chain(hubs.map(|hub| hub.entity));
        let all = all.chain(plan.gates.iter().copied()).chain(writers);
        all.filter_map(|entity| self.condition(entity).record).max()
    }

    /// What keeps a queue from delivering, if something does: the record of it.
    fn fault(&self, queue: usize) -> Option<Option<Seq>> {
        let plan = &self.plan.queues[queue];
        let source = self.condition(plan.source);
        if !source.serves {
            return Some(source.record);
        }
        if self.queues[queue].arrival_rate() > 0 {
            return None;
        }
        // Nothing comes: because nothing can be published, or because those who write do not.
        let hub = &self.plan.hubs[plan.hub?];
        let closed = self.condition(hub.entity);
        if !closed.serves {
            return Some(closed.record);
        }
        let writers =
            hub.writers.iter().map(|&(job, _)| self.condition(self.plan.jobs[job].entity));
        let stopped = writers.filter(|writer| !writer.serves).filter_map(|writer| writer.record);
        stopped.min().map(Some)
    }

    fn order(&mut self, number: usize, order: Order, cause: Option<Seq>, fx: &Effects<Message>) {
        let job = &mut self.jobs[number];
        match order {
            Order::Run => {
                job.mode = Mode::Runs;
                (job.course, job.told_end) = (Course::Flows, false);
            }
            Order::Drain => (job.mode, job.told_end) = (Mode::Drains, false),
            Order::Halt => (job.mode, job.course, job.behind) = (Mode::Off, Course::Flows, false),
            Order::Scale(up) => job.scaled = up,
            Order::Supply => {
                if let (Some(amount), [queue, ..]) =
                    (self.plan.jobs[number].batch, self.plan.jobs[number].queues.as_slice())
                {
                    self.pulses[*queue] = amount;
                }
            }
            Order::Discard => self.discard(number),
            Order::Rewind => self.rewind(number),
            Order::Keep { slot, sources } => self.keep(number, slot as usize, sources),
            Order::Restore(slot) => self.restore(number, slot as usize),
            // Told of subscriptions, not of jobs.
            Order::Access { .. } => {}
            Order::Shut { entity, occurrence, shut } => {
                let known = self.shut.entry(entity).or_default();
                let news = if shut { known.insert(occurrence) } else { known.remove(&occurrence) };
                if news {
                    self.observe(entity, cause, fx);
                }
            }
        }
    }

    /// The jobs that concern an entity, for orders.
    fn job_of(&self, entity: EntityId) -> Option<usize> {
        self.plan.jobs.iter().position(|job| job.entity == entity)
    }

    /// What waited in a source that is gone for good is lost.
    fn lose_what_is_gone(&mut self) {
        for (queue, plan) in self.queues.iter_mut().zip(&self.plan.queues) {
            let source = self.conditions.get(&plan.source).copied().unwrap_or_default();
            if source.ended {
                queue.lose_all();
            }
        }
    }
}

impl Publisher {
    fn flow(&mut self, span: Amount, buffers: bool) {
        let (came, went) = (self.rate * span, self.out * span);
        self.published += went;
        if buffers {
            self.buffer = self.buffer + came - went;
            self.buffer_peak = self.buffer_peak.max(self.buffer);
        } else {
            self.dropped += came - went;
        }
    }
}

impl Process<Message> for Network<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        let entities: Vec<EntityId> = self.plan.entities.keys().copied().collect();
        for entity in entities {
            self.observe(entity, None, fx);
        }
        self.solve(fx);
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        self.sync(fx.now().ns());
        // What jumps has a value before and one after.
        self.keep_books(fx);
        match what {
            Happening::Timer(_) => {}
            Happening::Entered { entity, cause, .. } => {
                self.observe(entity, Some(cause), fx);
                self.lose_what_is_gone();
            }
            Happening::Message { to, message, cause } => {
                if let Message::Order(Order::Access { from, until, access }) = message {
                    self.give_access(to, (from.ns(), until.ns()), access);
                } else if let (Message::Order(order), Some(job)) = (message, self.job_of(to)) {
                    self.order(job, order, cause, fx);
                }
            }
        }
        self.solve(fx);
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        self.sync(fx.now().ns());
        self.close_books(fx);
    }
}
