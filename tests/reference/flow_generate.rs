//! Random chains of jobs, the same for the same number on every machine.

use super::flow_plan::{
    Act, Constants, Event, Job, Key, Kind, Plan, Principal, Relaunch, Snapshot, Store, Topic,
};

const HOUR: u64 = 3_600;

/// A generator of its own (SplitMix64), so that nothing is shared with what is tested.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for index in (1..list.len()).rev() {
            list.swap(index, self.below(index as u64 + 1) as usize);
        }
    }
}

const REGION: &str = "us-east1";

/// The random chain of this number.
pub(crate) fn plan(seed: u64) -> Plan {
    let mut dice = Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed);
    let dice = &mut dice;
    // A coarse grid makes things coincide.
    let grid = dice.pick(&[1, 1, 1, 30, 60]);
    // A day and more, for keys that are destroyed.
    let long = dice.chance(2);
    let horizon = if long { 25 * HOUR } else { dice.within(3_000, 11_000) };
    let constants = constants(dice, grid);
    let mut plan = Plan {
        seed,
        horizon,
        constants,
        keys: Vec::new(),
        topics: Vec::new(),
        stores: Vec::new(),
        jobs: Vec::new(),
        events: Vec::new(),
    };
    chain(dice, &mut plan);
    if plan.keys.is_empty() {
        let _ = key(dice, &mut plan, 0, true);
    }
    if long {
        let key = dice.pick(&plan.keys).name;
        let at = dice.below(1_000);
        plan.events.push(Event { at, act: Act::Schedule { key: key.clone() } });
        if dice.chance(20) {
            plan.events.push(Event { at: at + 600, act: Act::Restore { key } });
        }
    }
    for _ in 0..dice.within(1, 4) {
        let start = dice.below(5_000.min(horizon / 2) / grid + 1) * grid;
        let course = course(dice, start, grid, &plan);
        plan.events.extend(course.into_iter().map(|(at, act)| Event { at, act }));
    }
    plan
}

fn constants(dice: &mut Dice, grid: u64) -> Constants {
    let zones = dice.within(1, 3);
    let mut some = |most: u64| if dice.chance(15) { 0 } else { dice.within(1, most / grid) * grid };
    let disable_propagation = some(180);
    let policy_propagation = some(300);
    let recovery_delivery = some(600);
    let recovery_publish = some(900);
    let halt_delay = some(300);
    let cleanup = some(300);
    let transient_grace = some(1_500);
    let snapshot_time = some(300);
    let batch_retry = some(120).max(1);
    let start_time = some(300);
    let worker_restart = some(2_400).max(60);
    let (dataset_effect, dataset_outage) = (some(900), some(60));
    let (dataset_recovery, dataset_slow) = (some(300), some(1_800));
    let (bucket_effect, bucket_recovery) = (some(300), some(120));
    Constants {
        disable_propagation,
        policy_propagation,
        destroy_wait: 24 * HOUR,
        decrypt_cache: dice.within(1, 8) * 60,
        zones,
        spread: dice.chance(60),
        recovery_delivery,
        recovery_publish,
        publisher_catch_up: dice.within(2, 6),
        check_period: dice.pick(&[60, 120, 300, 300, 420]),
        halt_delay,
        cleanup,
        stuck: dice.chance(12),
        force_cancel_after: dice.pick(&[900, 1_800]),
        force_by_event: dice.chance(30),
        transient_grace,
        snapshot_time,
        snapshot_ttl: dice.pick(&[600, 1_800, 7 * 24 * HOUR]),
        batch_attempts: dice.within(1, 6),
        batch_retry,
        start_time,
        worker_restart,
        as_dataflow: dice.chance(25),
        dataset_effect,
        dataset_outage,
        dataset_recovery,
        dataset_slow,
        dataset_delete: dice.pick(&[1_200, 3_600, 60 * 24 * HOUR]),
        rows_window: dice.pick(&[1_200, 2_400]),
        rows_usable: dice.pick(&[600, 1_100]),
        bucket_effect,
        bucket_recovery,
    }
}

/// The name of a key for something that has one in so many of a hundred cases: a new key, or one
/// that is there already.
fn key(dice: &mut Dice, plan: &mut Plan, none: u64, regional: bool) -> Option<String> {
    if dice.chance(none) {
        return None;
    }
    let fits: Vec<String> = plan
        .keys
        .iter()
        .filter(|key| !regional || key.location == REGION)
        .map(|key| key.name.clone())
        .collect();
    if !fits.is_empty() && dice.chance(25) {
        return Some(dice.pick(&fits));
    }
    let location = if regional || dice.chance(60) { REGION } else { "us-west1" };
    let name = format!("key{}", plan.keys.len());
    plan.keys.push(Key { name: name.clone(), location, external: dice.chance(25) });
    Some(name)
}

fn topic(dice: &mut Dice, plan: &mut Plan, publishes: Vec<u64>) -> (String, String) {
    let name = format!("{}{}", dice.pick(&["orders", "raw", "t"]), plan.topics.len());
    let key = key(dice, plan, 45, false);
    let mut retention = || dice.pick(&[600, 900, 1_800, 7 * 24 * HOUR]);
    let mut subscriptions = vec![("s".to_owned(), retention())];
    if dice.chance(10) {
        subscriptions.push(("audit".to_owned(), 600));
    }
    let topic = Topic { name, key, publishes, drops: dice.chance(30), subscriptions };
    let paths = (topic.path(), format!("{}.subscriptions.s", topic.path()));
    plan.topics.push(topic);
    paths
}

fn store(dice: &mut Dice, plan: &mut Plan) -> String {
    let kind = dice.pick(&[Kind::Dataset, Kind::Dataset, Kind::Bucket, Kind::Instance]);
    let name = format!("{}{}", dice.pick(&["sales", "lake", "b"]), plan.stores.len());
    let key = if kind == Kind::Instance { None } else { key(dice, plan, 20, false) };
    let streamed = if kind == Kind::Dataset && dice.chance(40) { dice.within(1, 5) } else { 0 };
    let store = Store { name, kind, key, streamed };
    let path = store.path();
    plan.stores.push(store);
    path
}

/// One to four jobs, each of which reads what the one before it writes.
fn chain(dice: &mut Dice, plan: &mut Plan) {
    let stages = dice.pick(&[1, 1, 1, 2, 2, 3, 4]);
    let mut names = vec!["alpha", "beta", "gamma", "delta"];
    dice.shuffle(&mut names);
    let rate = dice.within(1, 3);
    let batch = stages == 1 && dice.chance(25);
    let from_store = batch || dice.chance(12);
    let mut source = if from_store {
        store(dice, plan)
    } else {
        let rates =
            if dice.chance(15) { (0..24).map(|_| dice.within(1, 3)).collect() } else { vec![rate] };
        topic(dice, plan, rates).1
    };
    for (stage, name) in names.iter().take(stages).enumerate() {
        let last = stage + 1 == stages;
        let (sink, next) = if last || dice.chance(15) {
            let sink = store(dice, plan);
            (sink.clone(), sink)
        } else {
            let publishes = if dice.chance(10) { vec![1] } else { vec![] };
            topic(dice, plan, publishes)
        };
        let mut sinks = vec![sink];
        if dice.chance(12) {
            sinks.push(store(dice, plan));
        }
        let first_store = stage == 0 && from_store;
        let job = job(dice, plan, name, source, sinks, (first_store, batch, rate));
        plan.jobs.push(job);
        source = next;
    }
}

fn job(
    dice: &mut Dice,
    plan: &mut Plan,
    name: &str,
    source: String,
    sinks: Vec<String>,
    (from_store, batch, rate): (bool, bool, u64),
) -> Job {
    let key = key(dice, plan, 15, true);
    let temp = dice.chance(15).then(|| {
        let stores: Vec<String> = plan.stores.iter().map(Store::path).collect();
        if stores.is_empty() || dice.chance(50) { store(dice, plan) } else { dice.pick(&stores) }
    });
    let capacity = if dice.chance(10) { rate.max(2) - 1 } else { rate + dice.within(1, 6) };
    let latency = dice.pick(&[1, 10, 10, 60, 300]);
    let acknowledged_after = match dice.below(4) {
        0 => 0,
        1 => latency / 2,
        2 => latency,
        _ => latency + dice.within(1, 90),
    };
    let relaunch = dice.chance(35).then(|| Relaunch {
        after: dice.below(20) * 30,
        every: dice.within(1, 10) * 60,
        attempts: dice.within(1, 4),
        from_snapshot: dice.chance(50),
    });
    let engine = dice.chance(90);
    let count = if batch { 0 } else { dice.pick(&[0, 1, 1, 2]) };
    let snapshot = |number: usize, dice: &mut Dice| Snapshot {
        name: ["before", "nightly"][number].to_owned(),
        ttl: dice.chance(40).then(|| dice.within(5, 40) * 60),
        sources: dice.chance(50),
    };
    Job {
        name: name.to_owned(),
        key,
        engine,
        batch: batch.then(|| capacity * dice.within(500, 4_000)),
        source,
        arrivals: if from_store && !batch { rate } else { 0 },
        retention: None,
        sinks,
        capacity,
        latency,
        acknowledged_after,
        idempotent: dice.chance(25),
        temp,
        absent: dice.chance(12),
        queue_time: if dice.chance(70) { 0 } else { dice.within(1, 5) * 30 },
        relaunch,
        snapshots: (0..count).map(|number| snapshot(number, dice)).collect(),
    }
}

/// A course of events that belong together.
fn course(dice: &mut Dice, start: u64, grid: u64, plan: &Plan) -> Vec<(u64, Act)> {
    let job = dice.pick(&plan.jobs);
    let name = || job.name.clone();
    let any = dice.pick(&plan.keys);
    // Mostly a key that something hangs on: of the job, or of any other thing.
    let key = match &job.key {
        Some(own) if dice.chance(50) => own.clone(),
        _ => any.name,
    };
    let location = plan.keys.iter().find(|k| k.name == key).map(|key| key.location);
    let mut some = |most: u64| dice.below(most / grid + 1) * grid;
    let (early, late, lasts) = (some(900), some(2_400), some(2_700).max(grid));
    let snapshot = job.snapshots.first().map(|snapshot| snapshot.name.clone());
    let launch = |from: Option<String>| Act::Launch { job: name(), snapshot: from };
    let picture = |snapshot: &String| Act::Snapshot { job: name(), snapshot: snapshot.clone() };
    let mut course = Vec::new();
    match dice.below(12) {
        // A key goes away and comes back, and a new job is created.
        0..4 => {
            if let Some(snapshot) = snapshot.as_ref().filter(|_| dice.chance(60)) {
                course.push((start, picture(snapshot)));
            }
            course.push((start + early, Act::Disable { key: key.clone() }));
            course.push((start + early + lasts, Act::Enable { key }));
            let from = snapshot.filter(|_| dice.chance(60));
            course.push((start + early + late, launch(from)));
        }
        4 | 5 => {
            let location = location.filter(|_| dice.chance(70));
            course.push((start, Act::KmsOutage { location, lasts }));
            if dice.chance(40) {
                course.push((start + late, launch(None)));
            }
            if dice.chance(30) {
                course.push((start + early, Act::Disable { key: key.clone() }));
                course.push((start + early + late, Act::Enable { key }));
            }
        }
        6 if plan.keys.iter().any(|key| key.external) => {
            course.push((start, launch(None)));
            course.push((start + early / 4, Act::EkmOutage { lasts }));
            course.push((start + late, launch(None)));
        }
        6 | 7 => {
            let uses = plan.uses();
            let mine = |(of, who): &&(String, Principal)| {
                *of == key || job.key.as_ref() == Some(of) || *who == Principal::ComputeEngine
            };
            let mine: Vec<_> = uses.iter().filter(mine).cloned().collect();
            if !mine.is_empty() {
                let (key, principal) = dice.pick(&mine);
                let role = |off| Act::Role { key: key.clone(), principal, off };
                course.push((start, role(true)));
                course.push((start + lasts, role(false)));
                course.push((start + late, launch(None)));
            }
        }
        8 => {
            let mut ends: Vec<String> = job.sinks.clone();
            ends.push(job.source.clone());
            let entity = dice.pick(&ends);
            course.push((start, Act::FlowOutage { entity, lasts }));
        }
        9 => {
            if let Some(snapshot) = snapshot.as_ref().filter(|_| dice.chance(50)) {
                course.push((start, picture(snapshot)));
            }
            course.push((start + early, Act::Drain { job: name() }));
            let from = snapshot.filter(|_| dice.chance(50));
            course.push((start + early + late, launch(from)));
        }
        10 => {
            if let Some(snapshot) = snapshot.as_ref().filter(|_| dice.chance(50)) {
                course.push((start, picture(snapshot)));
            }
            course.push((start + early, Act::Cancel { job: name() }));
            course.push((start + early + late, Act::ForceCancel { job: name() }));
            let from = snapshot.filter(|_| dice.chance(50));
            course.push((start + early + late, launch(from)));
        }
        _ => {
            course.push((start, Act::Update { job: name() }));
            if dice.chance(40) {
                course.push((start + early, Act::Update { job: name() }));
            }
        }
    }
    if dice.chance(15) {
        let force = Act::ForceCancel { job: name() };
        course.push((start + early + 2_000, force));
    }
    course
}
