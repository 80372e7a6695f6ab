//! The network against closed forms, against a second-by-second implementation, and at random.

use super::plan;
use super::{Access, Arrivals, Job, News, Order, Publisher, Ratio, Sink, Subscription};
use crate::engine::{
    Budget, Class, Effects, EntityId, Happening, Process, SimDuration, SimTime, Simulation,
    StateId, Streams, Trace,
};
use crate::systems::contract::{Message, Plan, Spawn, SweepMode};
use crate::systems::spec::{EntityKind, Look, Role, StateSpec};
use std::collections::BTreeMap;

const fn state(name: &'static str, serves: bool, irreversible: bool) -> StateSpec {
    StateSpec { name, alias: None, serves, irreversible, look: Look::Good, doc: "" }
}

/// Something that works, does not, or is gone.
static THING: EntityKind = EntityKind {
    name: "thing",
    role: Role::System,
    states: &[
        state("works", true, false),
        state("broken", false, false),
        state("gone", false, true),
    ],
    measures: &[],
};

const WORKS: StateId = 0;
const BROKEN: StateId = 1;

/// What is done to the network: an entity enters a state, or a job is told something.
#[derive(Clone, Copy, Debug)]
enum Act {
    Enter(&'static str, StateId),
    Tell(&'static str, Order),
}

struct DriverPlan {
    acts: Vec<(u64, EntityId, Act)>,
}

struct Driving<'a>(&'a DriverPlan);

impl Spawn for DriverPlan {
    fn spawn<'a>(&'a self, _: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Driving(self))
    }
}

impl Process<Message> for Driving<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        for (number, act) in (0..).zip(&self.0.acts) {
            fx.at(number, SimTime::from_ns(act.0).unwrap(), Class::Root);
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(number) => match self.0.acts[number as usize] {
                (_, entity, Act::Enter(_, state)) => {
                    fx.enter(entity, state, "FL-01", None, "");
                }
                (_, entity, Act::Tell(_, order)) => fx.publish(entity, Message::Order(order), None),
            },
            Happening::Message { to, message: Message::News(News::Course(course)), cause } => {
                fx.note(to, "FL-02", cause, format!("{course:?}"));
            }
            Happening::Message { to, message: Message::News(News::Empty), .. } => {
                fx.note(to, "FL-03", None, "empty");
            }
            Happening::Message { .. } | Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}

const SECOND: u64 = 1_000_000_000;

fn span(seconds: u64) -> SimDuration {
    SimDuration::from_secs(seconds)
}

/// A world of things by name, with flows between them.
struct World {
    plan: Plan,
    acts: Vec<(u64, Act)>,
}

impl World {
    fn new(names: &[&'static str]) -> World {
        let kinds: BTreeMap<String, &'static EntityKind> =
            names.iter().map(|name| ((*name).to_owned(), &THING)).collect();
        World { plan: Plan::new(&kinds), acts: Vec::new() }
    }

    fn id(&self, name: &str) -> EntityId {
        self.plan.entity(name)
    }

    fn publish(&mut self, to: &str, rates: &[f64], buffers: bool) {
        let (to, arrivals) = (self.id(to), Arrivals::new(rates, 0));
        self.plan.flows.publishers.push(Publisher { to, arrivals, buffers, catch_up: 10 });
    }

    fn subscribe(&mut self, name: &str, of: &str, retention: Option<u64>) {
        let (entity, of) = (self.id(name), self.id(of));
        let retention = retention.map(span);
        self.plan.flows.subscriptions.push(Subscription { entity, of, retention });
    }

    fn job(&mut self, name: &str, sources: &[&str], sinks: &[&str], capacity: f64) -> &mut Job {
        let job = Job {
            entity: self.id(name),
            sources: sources.iter().map(|name| self.id(name)).collect(),
            sinks: sinks
                .iter()
                .map(|name| Sink { entity: self.id(name), ratio: Ratio::ONE })
                .collect(),
            needs: Vec::new(),
            arrivals: Arrivals::new(&[0.0], 0),
            retention: None,
            batch: None,
            capacity: (capacity, capacity),
            latency: span(10),
            acknowledged_after: span(4),
            duplicates: true,
            snapshots: 1,
        };
        self.plan.flows.jobs.push(job);
        self.plan.flows.jobs.last_mut().unwrap()
    }

    fn at(&mut self, second: u64, act: Act) -> &mut World {
        self.acts.push((second * SECOND, act));
        self
    }

    /// Plays it for so many seconds; gives the trace and the measures by name.
    fn play(mut self, seconds: u64) -> Ended {
        let draft = std::mem::take(&mut self.plan.flows);
        plan::build(&draft, &mut self.plan);
        let name = |act: &Act| match act {
            Act::Enter(name, _) | Act::Tell(name, _) => *name,
        };
        let acts =
            self.acts.iter().map(|(at, act)| (*at, self.plan.entity(name(act)), *act)).collect();
        let all: Vec<EntityId> = (0..).map(EntityId).take(self.plan.entities().count()).collect();
        self.plan.process(&all, Box::new(DriverPlan { acts }));
        let streams = Streams::new(1, 0);
        let processes = self
            .plan
            .spawns
            .iter()
            .map(|spawn| spawn.spawn(&streams, SweepMode::Decisive))
            .collect();
        let trace = Simulation::new(&self.plan.layout, processes, span(seconds), Budget::default())
            .run()
            .unwrap();
        let paths: Vec<String> = self.plan.entities().map(|(path, _)| path.to_owned()).collect();
        Ended { trace, paths }
    }
}

struct Ended {
    trace: Trace,
    paths: Vec<String>,
}

impl Ended {
    fn get(&self, entity: &str, measure: &str) -> Option<f64> {
        let own = self
            .trace
            .measures
            .iter()
            .find(|(id, name, _)| self.paths[id.0 as usize] == entity && *name == measure);
        own.unwrap_or_else(|| panic!("{entity}.{measure}")).2
    }

    fn is(&self, entity: &str, measure: &str, expected: f64) {
        assert_eq!(self.get(entity, measure), Some(expected), "{entity}.{measure}");
    }

    /// The points of a level, in seconds.
    fn level(&self, entity: &str, name: &str) -> Vec<(f64, f64)> {
        let own =
            self.trace.levels.iter().filter(|level| {
                self.paths[level.entity.0 as usize] == entity && level.name == name
            });
        own.map(|level| (level.at.seconds(), level.value)).collect()
    }

    /// What was told of an entity: second, rule, detail.
    fn told(&self, entity: &str) -> Vec<(f64, &str)> {
        let own = self.trace.records.iter().filter(|record| {
            self.paths[record.entity.0 as usize] == entity && record.from == record.to
        });
        own.map(|record| (record.at.seconds(), &*record.detail)).collect()
    }
}

fn one_job(rates: &[f64], retention: Option<u64>, capacity: f64) -> World {
    let mut world = World::new(&["job", "sink", "sub", "topic"]);
    world.publish("topic", rates, true);
    world.subscribe("sub", "topic", retention);
    world.job("job", &["sub"], &["sink"], capacity);
    world.at(0, Act::Tell("job", Order::Run));
    world
}

#[test]
fn a_steady_flow_is_in_flight_for_the_latency() {
    let ended = one_job(&[100.0], Some(600), 250.0).play(1_000);
    ended.is("job", "elements-arrived", 100_000.0);
    ended.is("job", "elements-written", 99_000.0);
    ended.is("job", "elements-in-flight", 1_000.0);
    ended.is("job", "elements-waiting", 0.0);
    ended.is("job", "watermark-age-peak", 10.0);
    assert_eq!(ended.get("job", "catch-up-time"), None);
    assert_eq!(ended.told("job"), []);
    // The age rises to the latency while the conveyor fills, and stays there.
    assert_eq!(ended.level("job", "watermark-age"), [(0.0, 0.0), (10.0, 10.0), (1_000.0, 10.0)]);
}

#[test]
fn a_stop_leaves_a_backlog_that_is_gone_after_its_closed_form() {
    // Arrival a = 100/s, capacity c = 250/s, a stop of d = 300 s: a backlog of a d = 30,000 that is
    // gone after a d / (c - a) = 200 s. Neither number is a multiple of a step of anything.
    for (arrival, capacity, stop) in [(100.0, 250.0, 300), (7.0, 9.5, 123), (333.0, 334.0, 59)] {
        let mut world = one_job(&[arrival], None, capacity);
        world.at(500, Act::Enter("sink", BROKEN)).at(500 + stop, Act::Enter("sink", WORKS));
        let ended = world.play(100_000);
        let backlog = arrival * stop as f64;
        let catch_up = backlog / (capacity - arrival);
        ended.is("job", "backlog-peak", backlog);
        let took = ended.get("job", "catch-up-time").unwrap();
        assert!((took - catch_up).abs() <= 2e-9, "{took} instead of {catch_up}");
        let levels = ended.level("job", "backlog");
        let top = levels.iter().position(|point| point.1 == backlog).unwrap();
        assert_eq!(levels[top - 1], (500.0, 0.0));
        assert_eq!(levels[top].0, (500 + stop) as f64);
        assert!((levels[top + 1].0 - levels[top].0 - catch_up).abs() <= 1e-8, "{levels:?}");
        // The conveyor stood still: the oldest had been read just before the end of the latency.
        ended.is("job", "watermark-age-peak", 10.0 + stop as f64);
        ended.is("job", "elements-lost", 0.0);
    }
}

#[test]
fn a_closed_source_starves_and_a_closed_sink_blocks() {
    let mut world = one_job(&[100.0], None, 250.0);
    world.at(100, Act::Enter("sub", BROKEN)).at(200, Act::Enter("sub", WORKS));
    world.at(300, Act::Enter("sink", BROKEN)).at(400, Act::Enter("sink", WORKS));
    world.at(500, Act::Enter("topic", BROKEN)).at(600, Act::Enter("topic", WORKS));
    let ended = world.play(1_000);
    let told = ended.told("job");
    let expected = [
        (100.0, "Starved"),
        (200.0, "Flows"),
        (300.0, "Blocked"),
        (400.0, "Flows"),
        (500.0, "Starved"),
        (600.0, "Flows"),
    ];
    assert_eq!(told, expected);
    // What was told before each of them is its cause: that something failed, or came back.
    let told = ended.trace.records.iter().zip(0..).filter_map(|(record, seq)| {
        let cause = &ended.trace.records[record.cause? as usize];
        Some((seq, record.at == cause.at))
    });
    assert_eq!(told.filter(|(_, same)| *same).count(), 6);
    // The publisher kept 100 s of messages, and sent them at ten times its rate.
    ended.is("topic", "messages-kept-peak", 10_000.0);
    ended.is("topic", "messages-published", 100_000.0);
    ended.is("topic", "messages-dropped", 0.0);
}

#[test]
fn publishers_that_do_not_buffer_drop() {
    let mut world = World::new(&["job", "sink", "sub", "topic"]);
    world.publish("topic", &[100.0], false);
    world.subscribe("sub", "topic", None);
    world.job("job", &["sub"], &["sink"], 250.0);
    world.at(0, Act::Tell("job", Order::Run));
    world.at(500, Act::Enter("topic", BROKEN)).at(600, Act::Enter("topic", WORKS));
    let ended = world.play(1_000);
    ended.is("topic", "messages-dropped", 10_000.0);
    ended.is("job", "elements-arrived", 90_000.0);
}

#[test]
fn starvation_runs_down_a_chain_after_what_was_in_flight() {
    let mut world = World::new(&["a", "b", "c", "s1", "s2", "s3", "t1", "t2", "t3", "z"]);
    world.publish("t1", &[10.0], true);
    for (sub, topic) in [("s1", "t1"), ("s2", "t2"), ("s3", "t3")] {
        world.subscribe(sub, topic, None);
    }
    for (job, sub, sink) in [("a", "s1", "t2"), ("b", "s2", "t3"), ("c", "s3", "z")] {
        world.job(job, &[sub], &[sink], 25.0);
        world.at(0, Act::Tell(job, Order::Run));
    }
    // The driver shows a starved job as broken, as a system would.
    world.at(100, Act::Enter("s1", BROKEN)).at(100, Act::Enter("a", BROKEN));
    world.at(110, Act::Enter("b", BROKEN));
    let ended = world.play(200);
    assert_eq!(ended.told("a"), [(100.0, "Starved")]);
    assert_eq!(ended.told("b"), [(110.0, "Starved")]);
    assert_eq!(ended.told("c"), [(120.0, "Starved")]);
}

#[test]
fn capacity_is_shared_among_sources() {
    let mut world = World::new(&["job", "p", "q", "sp", "sq"]);
    for (topic, sub, rate) in [("p", "sp", 10.0), ("q", "sq", 100.0)] {
        world.publish(topic, &[rate], true);
        world.subscribe(sub, topic, None);
    }
    world.job("job", &["sp", "sq"], &[], 60.0);
    world.at(0, Act::Tell("job", Order::Run));
    let ended = world.play(1_000);
    // The small one gets all it needs, the large one the rest: 50 of 100.
    ended.is("sp", "backlog-left", 0.0);
    ended.is("sq", "backlog-left", 50_000.0);
}

#[test]
fn the_rate_may_change_by_the_hour() {
    let rates: Vec<f64> = (0..24).map(|hour| if hour == 1 { 200.0 } else { 50.0 }).collect();
    let ended = one_job(&rates, None, 100.0).play(4 * 3_600);
    // From 1 h to 2 h there come 200 - 100 too many: 360,000, worked off at 50/s in 2 h.
    ended.is("job", "backlog-peak", 360_000.0);
    ended.is("job", "elements-arrived", 3.0 * 180_000.0 + 720_000.0);
    ended.is("job", "catch-up-time", 3.0 * 3_600.0);
    // The last of the busy hour waited for the longest: 3,600 s of capacity 100 came in at 200.
    let age = ended.get("job", "watermark-age-peak").unwrap();
    assert!((age - 3_610.0).abs() < 1e-6, "{age}");
}

#[test]
fn work_in_flight_is_redelivered_or_lost() {
    // 10 s in flight at 100/s, acknowledged after 4 s: 400 come again, 600 are lost.
    let mut world = one_job(&[100.0], None, 250.0);
    world.at(100, Act::Tell("job", Order::Halt)).at(100, Act::Tell("job", Order::Discard));
    world.at(200, Act::Tell("job", Order::Run));
    let ended = world.play(1_000);
    ended.is("job", "elements-redelivered", 400.0);
    ended.is("job", "elements-lost", 600.0);
    ended.is("job", "elements-duplicated", 0.0);
    ended.is("job", "backlog-peak", 10_400.0);
    ended.is("job", "elements-written", 100_000.0 - 600.0 - 1_000.0);
}

#[test]
fn what_was_written_before_it_was_acknowledged_comes_twice() {
    let mut world = one_job(&[100.0], None, 250.0);
    world.plan.flows.jobs[0].acknowledged_after = span(25);
    world.at(100, Act::Tell("job", Order::Halt)).at(100, Act::Tell("job", Order::Discard));
    world.at(200, Act::Tell("job", Order::Run));
    let ended = world.play(1_000);
    // 15 s of written elements are not acknowledged: 1,500; with the 1,000 in flight 2,500.
    ended.is("job", "elements-redelivered", 2_500.0);
    ended.is("job", "elements-duplicated", 1_500.0);
    ended.is("job", "elements-lost", 0.0);
    ended.is("job", "elements-written", 99_000.0);
}

#[test]
fn a_snapshot_brings_back_what_it_kept() {
    for (sources, lost, duplicated) in [(false, 600.0, 600.0), (true, 0.0, 9_400.0 + 600.0)] {
        let mut world = one_job(&[100.0], None, 250.0);
        world.at(100, Act::Tell("job", Order::Keep { slot: 0, sources }));
        world.at(200, Act::Tell("job", Order::Halt)).at(200, Act::Tell("job", Order::Discard));
        world.at(300, Act::Tell("job", Order::Restore(0))).at(300, Act::Tell("job", Order::Run));
        let ended = world.play(1_000);
        // At 100 s, 600 were acknowledged and not written; they were written by 110 s and come
        // again. Without the sources, what was acknowledged and not written at 200 s is lost; with
        // them, everything from 9,600 on comes again, of which 19,000 - 9,600 was written.
        ended.is("job", "elements-lost", lost);
        ended.is("job", "elements-duplicated", duplicated);
        ended.is("job", "elements-arrived", 100_000.0);
    }
}

#[test]
fn a_drained_job_has_written_everything_it_read() {
    let mut world = one_job(&[100.0], None, 250.0);
    world.at(100, Act::Tell("job", Order::Drain));
    let ended = world.play(200);
    assert_eq!(ended.told("job"), [(110.0, "empty")]);
    ended.is("job", "elements-written", 10_000.0);
    ended.is("job", "elements-waiting", 10_000.0);
}

#[test]
fn a_batch_job_ends_when_its_input_is_written() {
    let mut world = World::new(&["job", "lake", "sink"]);
    let job = world.job("job", &["lake"], &["sink"], 100.0);
    job.batch = Some(50_000);
    world.at(10, Act::Tell("job", Order::Supply)).at(10, Act::Tell("job", Order::Run));
    world.at(100, Act::Enter("sink", BROKEN)).at(160, Act::Enter("sink", WORKS));
    let ended = world.play(1_000);
    // 500 s of reading, 10 s in flight, 60 s of standing still.
    let told = ended.told("job");
    let (at, what) = told[2];
    assert!((at - 580.0).abs() < 1e-6 && what == "empty", "{told:?}");
    ended.is("job", "elements-written", 50_000.0);
    ended.is("job", "elements-waiting", 0.0);
}

#[test]
fn what_waits_in_a_source_that_is_gone_is_lost() {
    let mut world = one_job(&[100.0], None, 250.0);
    world.at(100, Act::Enter("sub", BROKEN)).at(200, Act::Enter("sub", 2));
    let ended = world.play(300);
    ended.is("job", "elements-lost", 20_000.0);
    ended.is("job", "elements-written", 10_000.0);
}

/// Expiry by a second implementation that goes second by second and message by message: arrivals
/// in whole messages per second, each gone a retention after it was published.
struct BruteForce {
    waiting: std::collections::VecDeque<u64>,
    expired: u64,
    read: u64,
}

impl BruteForce {
    /// One second from `now` on: messages come at an even pace, and as many are read.
    fn second(&mut self, now: u64, arrival: u64, capacity: u64, retention: u64) {
        // Units of a hundredth of a second: rates divide it.
        for tick in 0..100 {
            let at = now * 100 + tick;
            for _ in 0..arrival / 100 {
                self.waiting.push_back(at);
            }
            while self.waiting.front().is_some_and(|published| published + retention * 100 <= at) {
                self.waiting.pop_front();
                self.expired += 1;
            }
            for _ in 0..capacity / 100 {
                self.read += u64::from(self.waiting.pop_front().is_some());
            }
        }
    }
}

#[test]
fn expiry_agrees_with_a_count_of_single_messages() {
    let retention = 600;
    let rates: Vec<f64> = (0..24).map(|hour| [300.0, 100.0, 500.0][hour % 3]).collect();
    // Reading stops and goes on, slower than messages come, so that some expire while it reads.
    for (stops, capacity) in [(vec![(100, 2_000)], 400), (vec![(500, 900), (1_000, 5_000)], 200)] {
        let mut world = one_job(&rates, Some(retention), capacity as f64);
        let mut brute = BruteForce { waiting: [].into(), expired: 0, read: 0 };
        for &(from, to) in &stops {
            world.at(from, Act::Enter("sub", BROKEN)).at(to, Act::Enter("sub", WORKS));
        }
        let end = 9_000;
        for now in 0..end {
            let arrival = [300, 100, 500][(now / 3_600 % 3) as usize];
            let stopped = stops.iter().any(|(from, to)| (*from..*to).contains(&now));
            brute.second(now, arrival, if stopped { 0 } else { capacity }, retention);
        }
        let ended = world.play(end);
        let expired = ended.get("job", "elements-expired").unwrap();
        let waiting = ended.get("job", "elements-waiting").unwrap();
        assert!(brute.expired > 50_000, "{}", brute.expired);
        // A hundredth of a second of arrivals is the grain of the other implementation.
        assert!((expired - brute.expired as f64).abs() <= 10.0, "{expired} {}", brute.expired);
        let left = brute.waiting.len() as f64;
        assert!((waiting - left).abs() <= 10.0, "{waiting} {left}");
        assert!(ended.get("job", "watermark-age-peak").unwrap() <= 610.0 + 1e-6 + 4_000.0);
    }
}

/// What a made-up chain does is drawn from a hash, so that every one of them can be repeated.
fn draw(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

const NAMES: [[&str; 3]; 4] =
    [["j0", "s0", "t0"], ["j1", "s1", "t1"], ["j2", "s2", "t2"], ["j3", "s3", "t3"]];

/// A chain of one to four jobs with random rates, faults, cancellations and snapshots. Conservation
/// is checked by the network at each of its events.
fn random_chain(seed: u64) -> Ended {
    let mut luck = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let stages = 1 + draw(&mut luck, 4) as usize;
    let mut names: Vec<&str> = NAMES.iter().take(stages).flatten().copied().collect();
    names.push("z");
    let mut world = World::new(&names);
    let rates: Vec<f64> = (0..24).map(|_| draw(&mut luck, 90_000) as f64 / 7.0).collect();
    world.publish(
        "t0",
        if draw(&mut luck, 2) == 0 { &rates } else { &rates[..1] },
        !seed.is_multiple_of(3),
    );
    for stage in 0..stages {
        let [job, sub, topic] = NAMES[stage];
        let next = if stage + 1 < stages { NAMES[stage + 1][2] } else { "z" };
        let retention = (draw(&mut luck, 3) > 0).then(|| 60 + draw(&mut luck, 7_000));
        world.subscribe(sub, topic, retention);
        let capacity = 1.0 + draw(&mut luck, 100_000) as f64 / 3.0;
        let (latency, after) = (1 + draw(&mut luck, 300), draw(&mut luck, 400));
        let own = world.job(job, &[sub], &[next], capacity);
        own.latency = span(latency);
        own.acknowledged_after = span(after);
        own.capacity.1 = capacity * 3.0;
        let mut number = || 1 + draw(&mut luck, 60) as u32;
        own.sinks[0].ratio = Ratio { rows: number(), of: number() };
        world.at(draw(&mut luck, 50), Act::Tell(job, Order::Run));
        for _ in 0..draw(&mut luck, 12) {
            let at = draw(&mut luck, 9_000);
            let later = at + draw(&mut luck, 3_000);
            let era = draw(&mut luck, at + 1);
            let access = |access| {
                let time = |second| SimTime::from_ns(second * SECOND).unwrap();
                Act::Tell(sub, Order::Access { from: time(era), until: time(at), access })
            };
            match draw(&mut luck, 8) {
                0 => world.at(at, Act::Enter(sub, BROKEN)).at(later, Act::Enter(sub, WORKS)),
                1 => world.at(at, Act::Enter(topic, BROKEN)).at(later, Act::Enter(topic, WORKS)),
                2 => world.at(at, Act::Enter(next, BROKEN)).at(later, Act::Enter(next, WORKS)),
                3 => world.at(at, Act::Tell(job, Order::Scale(draw(&mut luck, 2) == 0))),
                4 => world
                    .at(
                        at,
                        Act::Tell(job, Order::Keep { slot: 0, sources: seed.is_multiple_of(2) }),
                    )
                    .at(at, Act::Tell(job, Order::Drain))
                    .at(later, Act::Tell(job, Order::Run)),
                5 => world.at(at, access(Access::Shut)).at(later, access(Access::Open)),
                6 => world.at(at, access(Access::Shut)).at(later, access(Access::Lost)),
                _ => world
                    .at(at, Act::Tell(job, Order::Halt))
                    .at(at, Act::Tell(job, Order::Discard))
                    .at(later, Act::Tell(job, Order::Restore(0)))
                    .at(later, Act::Tell(job, Order::Run)),
            };
        }
    }
    world.play(10_000)
}

#[test]
fn a_thousand_random_chains_keep_all_of_their_elements() {
    let (mut expired, mut lost, mut twice) = (0, 0, 0);
    for seed in 0..1_000 {
        let ended = random_chain(seed);
        for [job, ..] in NAMES {
            if !ended.paths.iter().any(|path| path == job) {
                continue;
            }
            let get = |name: &str| ended.get(job, name).unwrap();
            let sum = ["written", "waiting", "in-flight", "expired", "lost"]
                .map(|name| get(&format!("elements-{name}")))
                .iter()
                .sum::<f64>();
            let arrived = get("elements-arrived");
            assert!((sum - arrived).abs() <= 1e-9 * arrived.max(1.0), "seed {seed}: {job}");
            expired += u32::from(get("elements-expired") > 0.0);
            lost += u32::from(get("elements-lost") > 0.0);
            twice += u32::from(get("elements-duplicated") > 0.0);
        }
    }
    // All of it happens, and often.
    assert!(expired > 100 && lost > 100 && twice > 100, "{expired} {lost} {twice}");
}
