//! The calendar's hold model: take the next due timer and set it again, with 10, 1,000 and 100,000
//! pending, beside a plain `BinaryHeap` that can neither move nor remove.

use cmeksim::engine::{Calendar, Class, RandomStream, SimTime, StreamNumber, Streams, TimerKey};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

const PENDING: [u32; 3] = [10, 1_000, 100_000];

fn draws() -> RandomStream {
    Streams::new(1, 0).stream(StreamNumber::of("hold", "times"))
}

/// An instant up to about four seconds after `ns`.
fn later(ns: u64, draws: &mut RandomStream) -> SimTime {
    SimTime::from_ns(ns + u64::from(draws.next_u32())).expect("far below the limit")
}

fn hold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hold");
    for pending in PENDING {
        group.bench_with_input(
            BenchmarkId::new("calendar", pending),
            &pending,
            |bencher, &pending| {
                let mut draws = draws();
                let mut calendar = Calendar::default();
                for number in 0..pending {
                    calendar.set(TimerKey::new(0, number), later(0, &mut draws), Class::Due);
                }
                bencher.iter(|| {
                    let due = calendar.pop().expect("never empty");
                    calendar.set(due.key, later(due.at.ns(), &mut draws), Class::Due);
                    black_box(due.at)
                });
            },
        );
        group.bench_with_input(
            BenchmarkId::new("calendar, moved in place", pending),
            &pending,
            |bencher, &pending| {
                let mut draws = draws();
                let mut calendar = Calendar::default();
                for number in 0..pending {
                    calendar.set(TimerKey::new(0, number), later(0, &mut draws), Class::Due);
                }
                let mut number = 0;
                bencher.iter(|| {
                    number = (number + 7) % pending;
                    calendar.set(TimerKey::new(0, number), later(0, &mut draws), Class::Due);
                    black_box(calendar.len())
                });
            },
        );
        group.bench_with_input(
            BenchmarkId::new("binary heap", pending),
            &pending,
            |bencher, &pending| {
                let mut draws = draws();
                let mut heap: BinaryHeap<Reverse<(u64, u32)>> = (0..pending)
                    .map(|number| Reverse((later(0, &mut draws).ns(), number)))
                    .collect();
                bencher.iter(|| {
                    let Reverse((at, number)) = heap.pop().expect("never empty");
                    heap.push(Reverse((later(at, &mut draws).ns(), number)));
                    black_box(at)
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, hold);
criterion_main!(benches);
