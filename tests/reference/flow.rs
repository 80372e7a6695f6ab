//! A second implementation of jobs and what they read and write, from the fact sheet alone: it
//! knows nothing of events or rates that change, but goes second by second and element by element.
//!
//! With whole rates and whole seconds nothing is left to rounding at whole seconds: all that
//! happens within a second is that a flow gets less when a queue runs empty, and a queue that gets
//! less and less within a second has at its end what it would have had at an even pace.

use super::flow_belt::{Fates, Queue};
use super::flow_jobs::{JobState, Life};
use super::flow_keys::Keys;
use super::flow_plan::{Act, Plan};
use super::flow_stores::{StoreState, TopicState};
use std::collections::BTreeMap;

/// A deliberate mistake, to see that the comparison notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// A lost contact is a denial (against Q-05).
    NoGrace,
    /// Contact does not end a grace (against ).
    ContactKeepsGrace,
    /// A job stops when its key is found denied (against DF-22).
    HaltsAtOnce,
    /// A denied Compute Engine agent harms no running job (against DF-21).
    RestartsAreHarmless,
    /// Every cancellation ends by itself (against DJ-04).
    NothingSticks,
    /// What was acknowledged comes again (against Q-18).
    AcknowledgedComesAgain,
    /// What was read counts as acknowledged (against Q-18).
    AllIsAcknowledged,
    /// What comes again is as if it were new (against PS-08).
    BackIsNew,
    /// Nothing is in the sinks twice (against FL-04).
    NothingTwice,
    /// Subscriptions keep messages for ever (against PS-08).
    NothingExpires,
    /// One zone without a data key closes a topic (against PS-02).
    OneZoneIsAll,
    /// Delivery comes back with publishing (against PS-05).
    OneRecovery,
    /// Publishers that keep messages drop them, and the other way round (against PS-04).
    PublishersForget,
    /// A batch job tries for ever (against DJ-09).
    BatchTriesForEver,
    /// A job reads while its sinks refuse (against FL-03).
    ReadsWhileBlocked,
    /// A job that gets nothing because of others runs (against FL-02).
    NobodyStarves,
    /// Jobs can be created while Cloud KMS is out (against Q-15).
    CreationIgnoresOutage,
    /// A creation without the external manager fails (against DF-19).
    ManagerFails,
    /// A job can be created without its bucket (against DF-14).
    TempIsOptional,
    /// Automation never gives up (against its bound).
    TriesForEver,
    /// An update starts with nothing (against DJ-02).
    UpdateLoses,
    /// A drain stops at once (against DJ-05).
    DrainCancels,
    /// A key fault does not harm a snapshot that is being taken (against DJ-08).
    SnapshotsSurvive,
    /// Snapshots live for ever (against DJ-07).
    SnapshotsLiveForEver,
    /// A job starts from a snapshot with nothing (against DJ-06).
    SnapshotsAreEmpty,
    /// Snapshots never include their sources (against DJ-07).
    SourcesAreLeftOut,
    /// Streamed rows are always safe (against BQ-05).
    RowsAreSafe,
}

impl Mistake {
    pub(crate) const ALL: &[Mistake] = &[
        Mistake::NoGrace,
        Mistake::ContactKeepsGrace,
        Mistake::HaltsAtOnce,
        Mistake::RestartsAreHarmless,
        Mistake::NothingSticks,
        Mistake::AcknowledgedComesAgain,
        Mistake::AllIsAcknowledged,
        Mistake::BackIsNew,
        Mistake::NothingTwice,
        Mistake::NothingExpires,
        Mistake::OneZoneIsAll,
        Mistake::OneRecovery,
        Mistake::PublishersForget,
        Mistake::BatchTriesForEver,
        Mistake::ReadsWhileBlocked,
        Mistake::NobodyStarves,
        Mistake::CreationIgnoresOutage,
        Mistake::ManagerFails,
        Mistake::TempIsOptional,
        Mistake::TriesForEver,
        Mistake::UpdateLoses,
        Mistake::DrainCancels,
        Mistake::SnapshotsSurvive,
        Mistake::SnapshotsLiveForEver,
        Mistake::SnapshotsAreEmpty,
        Mistake::SourcesAreLeftOut,
        Mistake::RowsAreSafe,
    ];
}

/// A measure by path, and by how much the product's may differ from it.
pub(crate) type Measure = (String, Option<f64>, f64);

/// From which second on each entity is in which state, by path.
pub(crate) type Histories = BTreeMap<String, Vec<(u64, &'static str)>>;

/// Is told the state of each entity, always in the same order, and how to make its path.
pub(crate) type Tell<'a> = dyn FnMut(&dyn Fn() -> String, &'static str) + 'a;

/// What the reference says of a plan.
pub(crate) struct Outcome {
    pub(crate) histories: Histories,
    pub(crate) measures: Vec<Measure>,
}

/// Everything there is.
struct World<'a> {
    plan: &'a Plan,
    keys: Keys,
    stores: Vec<StoreState>,
    topics: Vec<TopicState>,
    jobs: Vec<JobState>,
    /// Subscriptions that no job reads, and all others: the number of their reader.
    unread: BTreeMap<String, Queue>,
    readers: BTreeMap<String, usize>,
    /// What is out of service without a key, and until when.
    outages: Vec<(String, u64)>,
    mistake: Option<Mistake>,
}

/// Plays the plan second by second.
pub(crate) fn run(plan: &Plan, mistake: Option<Mistake>) -> Outcome {
    let mut world = World::new(plan, mistake);
    let mut histories: Vec<(String, Vec<(u64, &'static str)>)> = Vec::new();
    for now in 0..plan.horizon {
        world.second(now);
        let mut entity = 0;
        world.states(&mut |path, state| {
            if entity == histories.len() {
                histories.push((path(), Vec::new()));
            }
            let history = &mut histories[entity].1;
            entity += 1;
            if history.last().is_none_or(|(_, last)| *last != state) {
                history.push((now, state));
            }
        });
        world.flow(now);
    }
    world.watch(plan.horizon);
    for number in 0..world.jobs.len() {
        if world.gone(&plan.jobs[number].source) {
            world.jobs[number].belt.lose();
        }
    }
    let measures = world.measures();
    Outcome { histories: histories.into_iter().collect(), measures }
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, mistake: Option<Mistake>) -> World<'a> {
        let keys = Keys::new(plan);
        let stores = plan.stores.iter().map(|s| StoreState::new(s, plan, &keys, mistake));
        let stores = stores.collect();
        let topics = plan.topics.iter().map(|t| TopicState::new(t, plan, &keys, mistake));
        let topics = topics.collect();
        let mut jobs: Vec<JobState> =
            plan.jobs.iter().map(|job| JobState::new(job, plan, &keys, mistake)).collect();
        let mut unread = BTreeMap::new();
        let readers: BTreeMap<String, usize> =
            plan.jobs.iter().enumerate().map(|(n, job)| (job.source.clone(), n)).collect();
        for topic in &plan.topics {
            for (name, retention) in &topic.subscriptions {
                let path = format!("{}.subscriptions.{name}", topic.path());
                let for_ever = mistake == Some(Mistake::NothingExpires);
                let queue = Queue::new((!for_ever).then_some(*retention));
                match readers.get(&path) {
                    Some(reader) => jobs[*reader].belt.queue = queue,
                    None => drop(unread.insert(path, queue)),
                }
            }
        }
        let outages = Vec::new();
        World { plan, keys, stores, topics, jobs, unread, readers, outages, mistake }
    }

    fn job(&mut self, name: &str) -> &mut JobState {
        let job = self.jobs.iter_mut().find(|job| job.job.name == name);
        job.expect("an event names a known job")
    }

    /// Does what stands at this path take what is written to it, or deliver it?
    fn open(&self, path: &str) -> bool {
        if self.outages.iter().any(|(out, _)| out == path) {
            return false;
        }
        let store = self.stores.iter().find(|store| store.path == path).map(StoreState::serves);
        let topic = self.topics.iter().find(|topic| topic.path == path).map(TopicState::serves);
        let delivers = || self.topics.iter().find_map(|topic| topic.delivers(path));
        store.or(topic).unwrap_or_else(|| delivers().is_some_and(|(serves, _)| serves))
    }

    /// Is a source gone for good?
    fn gone(&self, path: &str) -> bool {
        let store = self.stores.iter().find(|store| store.path == path).map(StoreState::gone);
        let delivers = || self.topics.iter().find_map(|topic| topic.delivers(path));
        store.unwrap_or_else(|| delivers().is_some_and(|(_, lost)| lost))
    }

    /// Can a job be created, as far as its bucket goes?
    fn temp(&self, job: usize) -> bool {
        let temp = self.jobs[job].job.temp.as_ref();
        temp.is_none_or(|path| {
            let store = self.stores.iter().find(|store| store.path == *path);
            store.is_some_and(StoreState::serves)
        })
    }

    /// Everything that happens at this instant.
    fn second(&mut self, now: u64) {
        let plan = self.plan;
        for event in plan.events.iter().filter(|event| event.at == now) {
            self.root(&event.act, now);
        }
        self.keys.arrivals(now);
        self.outages.retain(|(_, end)| *end > now);
        self.hear(now);
        self.topics.iter_mut().for_each(|topic| topic.check(&self.keys, now));
        self.jobs.iter_mut().for_each(|job| job.check(&self.keys, now));
        self.stores.iter_mut().for_each(|store| store.due(now));
        self.topics.iter_mut().for_each(|topic| topic.due(now));
        for number in 0..self.jobs.len() {
            let temp = self.temp(number);
            self.jobs[number].due(&self.keys, temp, now);
        }
        self.stores.iter_mut().for_each(|store| store.clock(now));
        for job in &mut self.jobs {
            if let Some(elements) = job.job.batch.filter(|_| job.fresh_input && job.alive()) {
                job.fresh_input = false;
                (0..elements).for_each(|_| job.belt.push(now));
            }
        }
        // What has just failed may be tried again at once.
        for _ in 0..3 {
            for number in 0..self.jobs.len() {
                self.fares(number, now);
                let temp = self.temp(number);
                self.jobs[number].due(&self.keys, temp, now);
            }
        }
        self.watch(now);
    }

    fn hear(&mut self, now: u64) {
        self.stores.iter_mut().for_each(|store| store.hear(&self.keys, now));
        self.topics.iter_mut().for_each(|topic| topic.hear(&self.keys, now));
        self.jobs.iter_mut().for_each(|job| job.hear(&self.keys, now));
    }

    fn root(&mut self, act: &Act, now: u64) {
        match act {
            Act::Disable { key } => self.keys.disable(self.keys.find(key), now),
            Act::Enable { key } => self.keys.enable(self.keys.find(key)),
            Act::Schedule { key } => self.keys.schedule(self.keys.find(key), now),
            Act::Restore { key } => self.keys.restore(self.keys.find(key), now),
            Act::Role { key, principal, off } => {
                self.keys.role(self.keys.find(key), *principal, *off, now);
            }
            Act::KmsOutage { location, lasts } => self.keys.kms_outage(*location, now + lasts),
            Act::EkmOutage { lasts } => self.keys.ekm_outage(now + lasts),
            Act::FlowOutage { entity, lasts } => self.outages.push((entity.clone(), now + lasts)),
            _ => {
                self.order(act, now);
                return;
            }
        }
        self.hear(now);
    }

    /// What users want of jobs.
    fn order(&mut self, act: &Act, now: u64) {
        let names: Vec<String> = self.jobs.iter().map(|job| job.job.name.clone()).collect();
        let temp = |world: &World, name: &String| {
            world.temp(names.iter().position(|other| other == name).expect("known"))
        };
        match act {
            Act::Launch { job, snapshot } => {
                let temp = temp(self, job);
                let number = names.iter().position(|other| other == job).expect("known");
                self.jobs[number].launch(snapshot.as_deref(), &self.keys, temp, now);
            }
            Act::Update { job } => {
                let temp = temp(self, job);
                let number = names.iter().position(|other| other == job).expect("known");
                self.jobs[number].update(&self.keys, temp, now);
            }
            Act::Drain { job } => {
                let number = names.iter().position(|other| other == job).expect("known");
                self.jobs[number].drain(&self.keys, now);
            }
            Act::Cancel { job } => self.job(job).cancel(now),
            Act::ForceCancel { job } => self.job(job).force(now),
            Act::Snapshot { job, snapshot } => {
                let number = names.iter().position(|other| other == job).expect("known");
                self.jobs[number].snapshot(snapshot, &self.keys, now);
            }
            _ => {}
        }
    }

    /// How a job fares with what it reads and writes; those before it in the chain are known.
    fn fares(&mut self, number: usize, now: u64) {
        let job = &self.jobs[number].job;
        let temp = job.temp.as_ref().filter(|_| job.batch.is_some());
        let blocked = job.sinks.iter().chain(temp).any(|sink| !self.open(sink));
        let source = job.source.clone();
        let shut = !self.open(&source);
        if self.gone(&source) {
            self.jobs[number].belt.lose();
        }
        let dry = self.jobs[number].belt.queue.is_empty() && self.dry(&source);
        let nobody = self.mistake == Some(Mistake::NobodyStarves);
        self.jobs[number].fares(blocked, shut, (shut || dry) && !nobody, now);
    }

    /// Does nothing come into a source because of a fault?
    fn dry(&self, source: &str) -> bool {
        let into = match source.split_once(".subscriptions.") {
            None => source,
            Some((topic, _)) => {
                let state = self.topics.iter().find(|state| state.path == topic);
                if !self.open(topic) {
                    return true;
                }
                if state.is_some_and(TopicState::has_publishers) {
                    return false;
                }
                topic
            }
        };
        if self.jobs.iter().any(|job| job.job.source == into && job.job.arrivals > 0) {
            return false;
        }
        let mut writers =
            self.jobs.iter().filter(|job| job.job.sinks.iter().any(|s| s == into)).peekable();
        writers.peek().is_some() && writers.all(faulty)
    }

    /// One second in which elements move.
    fn flow(&mut self, now: u64) {
        let before: Vec<usize> = self.jobs.iter().map(|job| job.belt.queue.len()).collect();
        let arrived: Vec<usize> = self.jobs.iter().map(|job| job.belt.queue.arrived()).collect();
        for number in 0..self.topics.len() {
            let open = self.open(&self.topics[number].path);
            let count = self.topics[number].publish(open, now);
            self.arrive(number, count, now);
        }
        for (number, before) in before.iter().enumerate() {
            let job = &mut self.jobs[number];
            for _ in 0..job.job.arrivals {
                job.belt.push(now);
            }
            let source = job.job.source.clone();
            let open = self.open(&source);
            let job = &mut self.jobs[number];
            let reads = job.life == Life::Running && open;
            let capacity = job.job.capacity;
            let more = (job.belt.queue.arrived() - arrived[number]) as u64;
            if job.alive() && !job.blocked {
                let wrote = job.belt.step(if reads { capacity } else { 0 });
                job.belt.behind(reads, *before, more, capacity);
                self.write(number, wrote, now);
            } else {
                if self.mistake == Some(Mistake::ReadsWhileBlocked) && job.alive() && reads {
                    job.belt.read_ahead(capacity);
                }
                job.belt.behind(false, *before, more, capacity);
            }
        }
        self.stores.iter_mut().for_each(|store| store.account(&self.keys));
        let unread = self.unread.values_mut();
        for queue in self.jobs.iter_mut().map(|job| &mut job.belt.queue).chain(unread) {
            queue.expire(now);
            queue.peak = queue.peak.max(queue.len());
        }
    }

    /// So many messages come into a topic.
    fn arrive(&mut self, topic: usize, count: u64, now: u64) {
        let topic = &self.plan.topics[topic];
        for (name, _) in &topic.subscriptions {
            let path = format!("{}.subscriptions.{name}", topic.path());
            for _ in 0..count {
                match self.readers.get(&path) {
                    Some(reader) => self.jobs[*reader].belt.push(now),
                    None => self.unread.get_mut(&path).expect("all are listed").push(now),
                }
            }
        }
    }

    /// A job writes so many elements to each of its sinks.
    fn write(&mut self, number: usize, wrote: u64, now: u64) {
        for sink in self.plan.jobs[number].sinks.iter() {
            if let Some(topic) = self.topics.iter().position(|topic| topic.path == *sink) {
                self.arrive(topic, wrote, now);
            }
            let streams = self.plan.jobs[number].batch.is_none();
            if let Some(store) = self.stores.iter_mut().find(|store| store.path == *sink && streams)
            {
                store.take(wrote);
            }
            if let Some(reader) = self.readers.get(sink).copied() {
                (0..wrote).for_each(|_| self.jobs[reader].belt.push(now));
            }
        }
    }

    /// Notes ages and backlogs at an instant.
    fn watch(&mut self, now: u64) {
        for job in &mut self.jobs {
            // What comes back too late is gone before anybody sees it.
            job.belt.queue.expire(now.saturating_sub(1));
            job.belt.watch(now);
            let queue = &mut job.belt.queue;
            queue.peak = queue.peak.max(queue.len());
        }
    }

    fn states(&self, tell: &mut Tell) {
        self.keys.states(tell);
        for store in self.stores.iter().filter(|store| !store.is_instance()) {
            tell(&|| store.path.clone(), store.state());
        }
        self.topics.iter().for_each(|topic| topic.states(tell));
        self.jobs.iter().for_each(|job| job.states(tell));
    }

    fn measures(&self) -> Vec<Measure> {
        let mut all: Vec<Measure> = Vec::new();
        let exact = self.topics.iter().flat_map(TopicState::measures);
        let exact = exact.chain(self.stores.iter().flat_map(StoreState::measures));
        all.extend(exact.map(|(path, value)| (path, Some(value), 0.01)));
        let read = self.readers.iter().map(|(path, n)| (path, &self.jobs[*n].belt.queue));
        for (path, queue) in read.chain(&self.unread).filter(|(path, _)| path.starts_with("pub")) {
            let of = |name: &str| format!("{path}.{name}");
            all.push((of("messages-arrived"), Some(queue.arrived() as f64), 0.01));
            let gone = match self.readers.get(path) {
                Some(reader) => self.jobs[*reader].belt.fates().expired,
                None => queue.gone,
            };
            all.push((of("messages-expired"), Some(gone as f64), 0.01));
            all.push((of("backlog-left"), Some(queue.len() as f64), 0.01));
            all.push((of("backlog-peak"), Some(queue.peak as f64), PEAK));
        }
        // What expires while a job reads is of the very second in which a flow may have changed.
        let expired = self.jobs.iter().any(|job| job.belt.fates().expired > 0);
        let by = if expired { 1.0 } else { 0.01 };
        for (_, _, within) in &mut all {
            *within = f64::max(*within, by);
        }
        for job in &self.jobs {
            all.extend(of_job(job, by));
        }
        all
    }
}

/// A peak may lie within a second: by so many elements more.
const PEAK: f64 = 12.0;

/// Does a job write nothing because of a fault?
fn faulty(job: &JobState) -> bool {
    match job.life {
        Life::Running | Life::Draining => job.blocked || (job.starved && !job.belt.delivering()),
        // There never was anything to read.
        Life::Absent => false,
        _ => true,
    }
}

fn of_job(job: &JobState, by: f64) -> Vec<Measure> {
    let belt = &job.belt;
    let Fates { arrived, written, waiting, in_flight, expired, lost } = belt.fates();
    let counts = &job.counts;
    let flows = [
        ("elements-arrived", arrived),
        ("elements-written", written),
        ("elements-waiting", waiting),
        ("elements-in-flight", in_flight),
        ("elements-expired", expired),
        ("elements-lost", lost),
        ("elements-redelivered", belt.redelivered),
        ("elements-duplicated", belt.duplicated),
    ];
    let exact = [
        ("cancelled", counts.cancelled),
        ("failed", counts.failed),
        ("launches", counts.launches),
        ("launches-refused", counts.refused),
        ("checks", counts.checks),
    ];
    let of = |name: &str| format!("{}.{name}", job.path);
    let flows = flows.iter().map(|(name, value)| (of(name), Some(*value as f64), by));
    let exact = exact.iter().map(|(name, value)| (of(name), Some(*value as f64), 0.01));
    let mut all: Vec<Measure> = flows.chain(exact).collect();
    all.push((of("backlog-peak"), Some(belt.queue.peak as f64), PEAK));
    if job.job.batch.is_none() {
        // Elements of one second are of one age here.
        all.push((of("watermark-age-peak"), Some(belt.oldest as f64), 1.0));
    } else {
        all.push((of("watermark-age-peak"), None, 0.0));
    }
    let caught = (belt.catch_up > 0.0 && job.job.batch.is_none()).then_some(belt.catch_up);
    all.push((of("catch-up-time"), caught, 0.01 + belt.episodes as f64));
    all
}
