//! The CMEK year: 3 clusters x 10 tables, a Cloud KMS outage every 30 days on average that lasts
//! 45 minutes on average, one simulated year, no files written.
//!
//! The baseline is the naive loop: a `BinaryHeap` with one event per sweep, 3.15 million of them.
//! Besides criterion's figures, the ratios that the project promises are printed, measured in the
//! same run: `cargo bench --bench year`.

#[path = "support/clock.rs"]
mod clock;

use cmeksim::engine::{Budget, Dist, SimDuration, StreamNumber, Streams};
use cmeksim::experiment::Model;
use cmeksim::scenario::read::{Overrides, read};
use cmeksim::systems::contract::SweepMode;
use criterion::{Criterion, criterion_group};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

const CLUSTERS: [(&str, &str); 3] = [("us-east1", "b"), ("us-west1", "a"), ("europe-west1", "c")];

/// The scenario as text.
fn year(tables: u32, days: u32, every_days: u32) -> String {
    let mut text = format!(
        "schema = 1\n[scenario]\nname = \"cmek-year\"\nstart = 2026-01-01T00:00:00Z\n\
         horizon = \"{days}d\"\nseed = 1\n[bigtable.b]\ntables = {tables}\n"
    );
    for (region, zone) in CLUSTERS {
        text += &format!(
            "[keys.{region}]\nlocation = \"{region}\"\n\
             [bigtable.b.clusters.{region}]\nzone = \"{region}-{zone}\"\nkey = \"{region}\"\n"
        );
    }
    text += &format!(
        "[[hazards]]\nname = \"outage\"\ndo = \"kms-outage\"\nlocation = \"everywhere\"\n\
         every = {{ exponential = {{ mean = \"{every_days}d\" }} }}\n\
         lasts = {{ exponential = {{ mean = \"45m\" }} }}\n"
    );
    text
}

fn model(tables: u32, days: u32, every_days: u32) -> Model {
    let text = year(tables, days, every_days);
    let none = |_: &str| Err("no files".to_owned());
    match read("year", text.as_bytes(), &Overrides::default(), &none) {
        Ok(scenario) => Model::new(&scenario),
        Err((found, _)) => panic!("the scenario is sound: {found:?}"),
    }
}

/// One replication with trace and measures; gives the instance's downtime.
fn replicate(model: &Model, replication: u64, sweeps: SweepMode) -> f64 {
    let trace = match model.replicate(1, replication, sweeps, Budget::default()) {
        Ok(trace) => trace,
        Err(halt) => panic!("{halt}"),
    };
    model.outcome(trace).measures["bigtable.b.downtime"].unwrap_or(f64::NAN)
}

/// An event of the naive loop.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    OutageBegins,
    OutageEnds,
    Sweep { cluster: u32, table: u32 },
    GraceOver { cluster: u32, lost: u64 },
    Offline { cluster: u32, lost: u64 },
    Back { cluster: u32 },
}

/// A cluster of the naive loop.
#[derive(Clone, Copy, Default)]
struct Cluster {
    /// When contact was lost.
    lost: Option<u64>,
    offline_since: Option<u64>,
    downtime: u64,
    sweeps: u64,
}

/// The naive loop: every sweep of every table is an event on a binary heap, in the textbook's
/// order (time, class, sequence). It plays contact, grace, going offline and coming back, and keeps
/// no trace and no measures but downtime and sweeps.
fn naive(replication: u64) -> u64 {
    const PERIOD: u64 = 300_000_000_000;
    const YEAR: u64 = 365 * 86_400_000_000_000;
    const HOUR: u64 = 3_600_000_000_000;
    let mut draws = Streams::new(1, replication).stream(StreamNumber::of("naive", "all"));
    let dist = |seconds| Dist::exponential(SimDuration::from_secs(seconds)).expect("a mean");
    let (spacing, length) = (dist(30 * 86_400), dist(45 * 60));
    let ramp = Dist::uniform(SimDuration::ZERO, SimDuration::from_secs(300)).expect("a range");
    let bringup = Dist::lognormal_p95(SimDuration::from_secs(120), SimDuration::from_secs(900))
        .expect("both");
    let mut heap: BinaryHeap<Reverse<(u64, u8, u64, Event)>> = BinaryHeap::new();
    let mut sequence = 0;
    let mut push = |heap: &mut BinaryHeap<_>, at: u64, class: u8, event: Event| {
        sequence += 1;
        heap.push(Reverse((at, class, sequence, event)));
    };
    push(&mut heap, spacing.sample(&mut draws).ns(), 1, Event::OutageBegins);
    for number in 0..30 {
        let phase = ((u128::from(draws.next_u32()) * u128::from(PERIOD)) >> 32) as u64;
        push(&mut heap, phase, 3, Event::Sweep { cluster: number / 10, table: number % 10 });
    }
    let mut reachable = true;
    let mut clusters = [Cluster::default(); 3];
    while let Some(Reverse((now, _, _, event))) = heap.pop() {
        if now >= YEAR {
            break;
        }
        match event {
            Event::OutageBegins => {
                reachable = false;
                push(&mut heap, now + length.sample(&mut draws).ns(), 2, Event::OutageEnds);
            }
            Event::OutageEnds => {
                reachable = true;
                push(&mut heap, now + spacing.sample(&mut draws).ns(), 1, Event::OutageBegins);
            }
            Event::Sweep { cluster, table } => {
                push(&mut heap, now + PERIOD, 3, Event::Sweep { cluster, table });
                let state = &mut clusters[cluster as usize];
                state.sweeps += 1;
                match (reachable, state.lost) {
                    (false, None) => {
                        state.lost = Some(now);
                        push(&mut heap, now + HOUR, 4, Event::GraceOver { cluster, lost: now });
                    }
                    (true, Some(_)) => {
                        state.lost = None;
                        if state.offline_since.is_some() {
                            let back = now + bringup.sample(&mut draws).ns();
                            push(&mut heap, back, 4, Event::Back { cluster });
                        }
                    }
                    (true, None) | (false, Some(_)) => {}
                }
            }
            Event::GraceOver { cluster, lost } => {
                if clusters[cluster as usize].lost == Some(lost) {
                    let offline = now + ramp.sample(&mut draws).ns();
                    push(&mut heap, offline, 4, Event::Offline { cluster, lost });
                }
            }
            Event::Offline { cluster, lost } => {
                let state = &mut clusters[cluster as usize];
                if state.lost == Some(lost) {
                    state.offline_since.get_or_insert(now);
                }
            }
            Event::Back { cluster } => {
                let state = &mut clusters[cluster as usize];
                if let Some(since) = state.offline_since.take() {
                    state.downtime += now - since;
                }
            }
        }
    }
    clusters.iter().map(|cluster| cluster.downtime + cluster.sweeps).sum()
}

fn figures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cmek-year");
    group.sample_size(10).bench_function("naive loop", |bencher| {
        let mut replication = 0;
        bencher.iter(|| {
            replication += 1;
            black_box(naive(replication))
        });
    });
    for (name, tables, days, every) in [
        ("10 tables", 10, 365, 30),
        ("1,000 tables", 1000, 365, 30),
        ("10 years, as many outages", 10, 3650, 300),
    ] {
        let model = model(tables, days, every);
        group.sample_size(50).bench_function(format!("decisive sweeps, {name}"), |bencher| {
            let mut replication = 0;
            bencher.iter(|| {
                replication += 1;
                black_box(replicate(&model, replication, SweepMode::Decisive))
            });
        });
    }
    let ten = model(10, 365, 30);
    group.sample_size(10).bench_function("all sweeps, 10 tables", |bencher| {
        bencher.iter(|| black_box(replicate(&ten, 1, SweepMode::All)));
    });
    group.finish();
}

/// The ratios promised, measured in this very run.
fn ratios() {
    const ROUNDS: usize = 25;
    const CALLS: u64 = 100;
    let (ten, thousand, idle) = (model(10, 365, 30), model(1000, 365, 30), model(10, 3650, 300));
    let decisive = |model: &Model| {
        let sum: f64 = (0..CALLS).map(|at| replicate(model, at, SweepMode::Decisive)).sum();
        black_box(sum);
    };
    let times = clock::best(
        ROUNDS,
        [&mut || decisive(&ten), &mut || decisive(&thousand), &mut || decisive(&idle), &mut || {
            black_box(naive(1));
        }],
    );
    let [ten_s, thousand_s, idle_s] = [times[0], times[1], times[2]].map(|all| all / CALLS as f64);
    let naive_s = times[3];
    println!("naive loop                          {:>10.1} us", naive_s * 1e6);
    println!("full model, decisive sweeps         {:>10.1} us", ten_s * 1e6);
    println!(
        "  times faster than the naive loop  {:>10.0}    (promised: at least 2,000)",
        naive_s / ten_s
    );
    println!(
        "1,000 tables instead of 10          {:>10.2} x  (promised: at most 1.5)",
        thousand_s / ten_s
    );
    println!(
        "10 years with as many outages       {:>10.2} x  (promised: no growth with idle time)",
        idle_s / ten_s
    );
}

criterion_group!(benches, figures);

fn main() {
    // With arguments of one's own (a filter, a profile) only criterion's part is wanted.
    if std::env::args().skip(1).all(|argument| argument == "--bench") {
        ratios();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
