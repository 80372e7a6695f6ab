//! What systems say of the flows of a scenario, and the networks that follow from it.

use super::amount::{Amount, ELEMENT, rate};
use super::network::Network;
use super::ratio::Ratio;
use crate::engine::{EntityId, Process, SimDuration, Streams};
use crate::systems::contract::{Message, Plan, Spawn, SweepMode};
use crate::systems::spec::EntityKind;
use std::collections::BTreeMap;

/// How fast elements come from outside: at one rate, or at another each hour of the day (UTC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrivals {
    by_hour: Vec<Amount>,
    /// Nanoseconds from midnight to the start of the scenario.
    offset: u64,
}

const HOUR: u64 = 3_600_000_000_000;

impl Arrivals {
    /// Elements per second: one rate, or one for each hour of the day that the scenario starts in
    /// so many nanoseconds after midnight.
    pub fn new(per_second: &[f64], offset: u64) -> Arrivals {
        let by_hour: Vec<Amount> = per_second.iter().map(|&x| rate(x)).collect();
        Arrivals { by_hour, offset }
    }

    fn place(&self, now: u64) -> usize {
        ((self.offset + now) / HOUR % self.by_hour.len().max(1) as u64) as usize
    }

    pub(super) fn at(&self, now: u64) -> Amount {
        self.by_hour.get(self.place(now)).copied().unwrap_or(0)
    }

    /// How long until the rate changes, if it ever does.
    pub(super) fn next_change(&self, now: u64) -> Option<u64> {
        let rate = self.at(now);
        if self.by_hour.iter().all(|other| *other == rate) {
            return None;
        }
        let mut at = now;
        loop {
            at += HOUR - (self.offset + at) % HOUR;
            if self.at(at) != rate {
                return Some(at - now);
            }
        }
    }

    fn most(&self) -> Amount {
        self.by_hour.iter().copied().max().unwrap_or(0)
    }
}

/// Somebody outside who publishes to an entity that jobs read from.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// What is published to.
    pub to: EntityId,
    /// How much.
    pub arrivals: Arrivals,
    /// What cannot be published is kept and published later; else it is dropped.
    pub buffers: bool,
    /// How many times its greatest rate it publishes at while it has something kept.
    pub catch_up: u64,
}

/// A queue that systems name: what is published to an entity waits in it to be read.
#[derive(Clone, Copy, Debug)]
pub struct Subscription {
    /// The queue.
    pub entity: EntityId,
    /// What is published to.
    pub of: EntityId,
    /// How long an element waits before it is gone.
    pub retention: Option<SimDuration>,
}

/// Where a job writes to.
#[derive(Clone, Copy, Debug)]
pub struct Sink {
    /// What it writes to.
    pub entity: EntityId,
    /// Rows for each element read.
    pub ratio: Ratio,
}

/// A job: reads from queues, and writes what it has read some time later.
#[derive(Clone, Debug)]
pub struct Job {
    /// The job.
    pub entity: EntityId,
    /// What it reads: subscriptions, or any other entity.
    pub sources: Vec<EntityId>,
    /// What it writes each element to.
    pub sinks: Vec<Sink>,
    /// What must work besides, so that it can write.
    pub needs: Vec<EntityId>,
    /// What comes into its sources from outside, where they are no subscriptions.
    pub arrivals: Arrivals,
    /// How long that waits.
    pub retention: Option<SimDuration>,
    /// Elements that a batch job reads.
    pub batch: Option<u64>,
    /// Elements per second at most: usually, and at the upper bound of its autoscaling.
    pub capacity: (f64, f64),
    /// From reading an element to writing it.
    pub latency: SimDuration,
    /// From reading an element to acknowledging it to the source.
    pub acknowledged_after: SimDuration,
    /// Elements written again are there twice.
    pub duplicates: bool,
    /// How many snapshots it may have.
    pub snapshots: usize,
}

/// What systems say of flows while they are built.
#[derive(Default)]
pub struct Draft {
    /// Everybody who publishes.
    pub publishers: Vec<Publisher>,
    /// Every queue with an entity of its own.
    pub subscriptions: Vec<Subscription>,
    /// Every job.
    pub jobs: Vec<Job>,
    /// Entities that are told what streaming jobs write to them.
    pub told: Vec<EntityId>,
}

/// Where a publisher's elements go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Hub(usize),
    Queue(usize),
}

pub(super) struct PublisherPlan {
    pub(super) target: Target,
    pub(super) arrivals: Arrivals,
    pub(super) buffers: bool,
    pub(super) burst: Amount,
}

/// Something that is published or written to, and read from.
pub(super) struct HubPlan {
    pub(super) entity: EntityId,
    /// Jobs that write to it, each with the place of it among their sinks.
    pub(super) writers: Vec<(usize, usize)>,
    /// It is told what streaming jobs write to it.
    pub(super) told: bool,
}

pub(super) struct QueuePlan {
    /// The entity that is read: a subscription, or what a job reads without one.
    pub(super) source: EntityId,
    /// It is a subscription, which is told of its own.
    pub(super) own: bool,
    pub(super) hub: Option<usize>,
    pub(super) retention: Option<u64>,
    pub(super) reader: Option<usize>,
    /// Those who publish to it.
    pub(super) publishers: Vec<usize>,
}

pub(super) struct JobPlan {
    pub(super) entity: EntityId,
    pub(super) queues: Vec<usize>,
    pub(super) sinks: Vec<Sink>,
    /// What must work so that it can write: its sinks and what it needs besides.
    pub(super) gates: Vec<EntityId>,
    pub(super) capacity: [Amount; 2],
    pub(super) batch: Option<Amount>,
    pub(super) latency: u64,
    pub(super) acknowledged_after: u64,
    pub(super) duplicates: bool,
    pub(super) snapshots: usize,
}

/// Flows that hang together: nothing in one network depends on another.
pub(super) struct NetworkPlan {
    pub(super) publishers: Vec<PublisherPlan>,
    pub(super) hubs: Vec<HubPlan>,
    pub(super) queues: Vec<QueuePlan>,
    pub(super) jobs: Vec<JobPlan>,
    /// The entities whose states matter, with their kinds.
    pub(super) entities: BTreeMap<EntityId, &'static EntityKind>,
}

/// Groups of entities that flows connect.
struct Groups {
    leader: BTreeMap<EntityId, EntityId>,
}

impl Groups {
    fn find(&mut self, entity: EntityId) -> EntityId {
        let leader = *self.leader.entry(entity).or_insert(entity);
        if leader == entity {
            return entity;
        }
        let root = self.find(leader);
        self.leader.insert(entity, root);
        root
    }

    fn join(&mut self, a: EntityId, b: EntityId) {
        let (a, b) = (self.find(a), self.find(b));
        self.leader.insert(a.max(b), a.min(b));
    }
}

/// Makes a process of each network.
pub(super) fn build(draft: &Draft, plan: &mut Plan) {
    let mut groups = Groups { leader: BTreeMap::new() };
    for publisher in &draft.publishers {
        groups.find(publisher.to);
    }
    for queue in &draft.subscriptions {
        groups.join(queue.entity, queue.of);
    }
    for job in &draft.jobs {
        let sinks = job.sinks.iter().map(|sink| &sink.entity);
        for other in job.sources.iter().chain(sinks).chain(&job.needs) {
            groups.join(job.entity, *other);
        }
    }
    let mut parts: BTreeMap<EntityId, Draft> = BTreeMap::new();
    let mut part = |entity| groups.find(entity);
    for publisher in &draft.publishers {
        parts.entry(part(publisher.to)).or_default().publishers.push(publisher.clone());
    }
    for queue in &draft.subscriptions {
        parts.entry(part(queue.of)).or_default().subscriptions.push(*queue);
    }
    for job in &draft.jobs {
        parts.entry(part(job.entity)).or_default().jobs.push(job.clone());
    }
    for part in parts.into_values() {
        let network = network(&part, &draft.told, plan);
        let entities: Vec<EntityId> = network.entities.keys().copied().collect();
        let own = network.queues.iter().filter(|queue| queue.own).map(|queue| queue.source);
        let heard: Vec<EntityId> = network.jobs.iter().map(|job| job.entity).chain(own).collect();
        let process = plan.process(&[], Box::new(network));
        for entity in entities {
            plan.watch(process, entity);
        }
        for entity in heard {
            plan.subscribe(process, entity);
        }
    }
}

fn network(draft: &Draft, told: &[EntityId], plan: &Plan) -> NetworkPlan {
    let mut network = NetworkPlan {
        publishers: Vec::new(),
        hubs: Vec::new(),
        queues: Vec::new(),
        jobs: Vec::new(),
        entities: BTreeMap::new(),
    };
    for queue in &draft.subscriptions {
        let hub = Some(network.hub(queue.of));
        let retention = queue.retention.map(SimDuration::ns);
        let source = queue.entity;
        let (reader, publishers) = (None, Vec::new());
        network.queues.push(QueuePlan { source, own: true, hub, retention, reader, publishers });
    }
    for publisher in &draft.publishers {
        let burst = publisher.arrivals.most() * Amount::from(publisher.catch_up);
        let target = Target::Hub(network.hub(publisher.to));
        let (arrivals, buffers) = (publisher.arrivals.clone(), publisher.buffers);
        network.publishers.push(PublisherPlan { target, arrivals, buffers, burst });
    }
    for job in &draft.jobs {
        for (place, sink) in job.sinks.iter().enumerate() {
            let hub = network.hub(sink.entity);
            network.hubs[hub].writers.push((network.jobs.len(), place));
        }
        let capacity = [rate(job.capacity.0), rate(job.capacity.1)];
        network.jobs.push(JobPlan {
            entity: job.entity,
            queues: Vec::new(),
            sinks: job.sinks.clone(),
            gates: job.sinks.iter().map(|sink| sink.entity).chain(job.needs.clone()).collect(),
            capacity,
            batch: job.batch.map(|count| Amount::from(count) * ELEMENT),
            latency: job.latency.ns(),
            acknowledged_after: job.acknowledged_after.ns(),
            duplicates: job.duplicates,
            snapshots: job.snapshots,
        });
    }
    for (number, job) in draft.jobs.iter().enumerate() {
        for (place, &source) in job.sources.iter().enumerate() {
            let queue = network.source(number, job, source, place == 0);
            network.queues[queue].reader = Some(number);
            network.jobs[number].queues.push(queue);
        }
    }
    for (number, queue) in network.queues.iter_mut().enumerate() {
        let to = |target: Target| match target {
            Target::Hub(hub) => queue.hub == Some(hub),
            Target::Queue(queue) => queue == number,
        };
        let all = network.publishers.iter().enumerate();
        queue.publishers = all.filter(|(_, own)| to(own.target)).map(|(place, _)| place).collect();
    }
    for hub in &mut network.hubs {
        hub.told = told.contains(&hub.entity);
    }
    let hubs = network.hubs.iter().map(|hub| hub.entity);
    let sources = network.queues.iter().map(|queue| queue.source);
    let jobs = network.jobs.iter().map(|job| job.entity);
    let gates = network.jobs.iter().flat_map(|job| job.gates.iter().copied());
    let all: Vec<EntityId> = hubs.chain(sources).chain(jobs).chain(gates).collect();
    network.entities = all.into_iter().map(|entity| (entity, plan.kind(entity))).collect();
    network
}

impl NetworkPlan {
    fn hub(&mut self, entity: EntityId) -> usize {
        let known = self.hubs.iter().position(|hub| hub.entity == entity);
        known.unwrap_or_else(|| {
            self.hubs.push(HubPlan { entity, writers: Vec::new(), told: false });
            self.hubs.len() - 1
        })
    }

    /// The queue that a job reads a source from. Where the source is no subscription, the queue is
    /// the job's own: in it waits what other jobs write to the source, and, in that of the first
    /// source, what comes from outside.
    fn source(&mut self, number: usize, job: &Job, source: EntityId, first: bool) -> usize {
        let known = self.queues.iter().position(|queue| queue.own && queue.source == source);
        if let Some(queue) = known {
            return queue;
        }
        let written = self.jobs.iter().flat_map(|job| &job.sinks).any(|sink| sink.entity == source);
        let hub = (written && job.batch.is_none()).then(|| self.hub(source));
        let retention = job.retention.map(SimDuration::ns);
        let reader = Some(number);
        let publishers = Vec::new();
        self.queues.push(QueuePlan { source, own: false, hub, retention, reader, publishers });
        let queue = self.queues.len() - 1;
        if first && job.arrivals.most() > 0 {
            let (target, arrivals) = (Target::Queue(queue), job.arrivals.clone());
            self.publishers.push(PublisherPlan { target, arrivals, buffers: true, burst: 0 });
        }
        queue
    }
}

impl Spawn for NetworkPlan {
    fn spawn<'a>(&'a self, _: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Network::new(self))
    }
}
