//! The CMEK year: 3 clusters x 10 tables, a Cloud KMS outage every 30 days on average that lasts
//! 45 minutes on average, one simulated year, no files written.
//!
//! The baseline is the naive loop: a `BinaryHeap` with one event per sweep, 3.15 million of them.
//! Besides criterion's figures, the ratios that the project promises are printed, measured in the
//! same run: `cargo bench --bench year`.

use cmeksim::engine::{Budget, Dist, RandomStream, SimDuration, StreamNumber, Streams};
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

/// The naive loop: every sweep of every table is an event on a binary heap. It plays contact,
/// grace and going offline, and keeps no trace and no measures but the time offline.
fn naive(replication: u64) -> u64 {
    const PERIOD: u64 = 300_000_000_000;
    const YEAR: u64 = 365 * 86_400_000_000_000;
    const HOUR: u64 = 3_600_000_000_000;
    let mut draws = Streams::new(1, replication).stream(StreamNumber::of("naive", "all"));
    let spacing = Dist::exponential(SimDuration::from_secs(30 * 86_400)).expect("a mean");
    let length = Dist::exponential(SimDuration::from_secs(45 * 60)).expect("a mean");
    let outage = |after: u64, draws: &mut RandomStream| {
        let begin = after + spacing.sample(draws).ns();
        (begin, begin + length.sample(draws).ns())
    };
    let mut current = outage(0, &mut draws);
    let mut heap: BinaryHeap<Reverse<(u64, u32)>> = (0..30)
        .map(|table| {
            Reverse((((u128::from(draws.next_u32()) * u128::from(PERIOD)) >> 32) as u64, table))
        })
        .collect();
    let mut since: [Option<u64>; 3] = [None; 3];
    let mut offline: Option<u64> = None;
    let mut time_offline = 0;
    while let Some(Reverse((now, table))) = heap.pop() {
        if now >= YEAR {
            break;
        }
        if now >= current.1 {
            current = outage(current.1, &mut draws);
        }
        let cluster = (table / 10) as usize;
        if now >= current.0 {
            let first = *since[cluster].get_or_insert(now);
            if now - first >= HOUR && offline.is_none() {
                offline = Some(now);
            }
        } else {
            since[cluster] = None;
            if let Some(begin) = offline.take() {
                time_offline += now - begin;
            }
        }
        heap.push(Reverse((now + PERIOD, table)));
    }
    time_offline
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

/// Seconds per call, the median of several rounds.
#[expect(clippy::disallowed_types, reason = "a benchmark is about the clock")]
fn seconds(rounds: usize, calls: u64, mut call: impl FnMut(u64)) -> f64 {
    let mut times: Vec<f64> = (0..rounds as u64)
        .map(|round| {
            let begin = std::time::Instant::now();
            for number in 0..calls {
                call(round * calls + number);
            }
            begin.elapsed().as_secs_f64() / calls as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

/// The ratios promised, measured in this very run.
fn ratios() {
    let (ten, thousand, idle) = (model(10, 365, 30), model(1000, 365, 30), model(10, 3650, 300));
    let decisive = |model: &Model| {
        seconds(9, 200, |number| {
            black_box(replicate(model, number, SweepMode::Decisive));
        })
    };
    let (ten_s, thousand_s, idle_s) = (decisive(&ten), decisive(&thousand), decisive(&idle));
    let naive_s = seconds(3, 2, |number| {
        black_box(naive(number));
    });
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
