//! Plays cells on all cores and hands them on in their order.

use super::plan::{Cell, Plan};
use super::study::{Study, Worker};
use crate::engine::Halt;
use rayon::{Scope, ThreadPool};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Cells that a thread plays before it hands them on, at the most: few enough that little is lost by
/// an interruption, many enough that handing on costs nothing.
const BATCH_MAX: u64 = 64;
/// Batches that each thread gets at least, if there are cells enough, so that all end together.
const BATCHES: u64 = 16;
/// Batches that are played ahead of the oldest that is not done, per thread.
const AHEAD: u64 = 4;

/// What a cell yields, in the columns of its study.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Every measure; NaN is undefined.
    pub values: Vec<f64>,
    /// The model constants it drew on: a bit for each of the study's.
    pub used: Vec<u64>,
}

/// How an experiment ended.
#[derive(Debug, PartialEq)]
pub enum End {
    /// All cells are done, or as many as were wanted.
    Done,
    /// The user interrupted it; what was handed on stays.
    Interrupted,
    /// A cell met a limit of its budget.
    Limit(Cell, Halt),
}

/// Goes on, or has enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More.
    Continue,
    /// Enough.
    Stop,
}

/// Cells with numbers from `first` on, and what ended them early.
struct Played {
    first: u64,
    rows: Vec<Row>,
    end: Option<End>,
}

/// Sends what a thread has played, also when it panics: the one who waits must not wait for ever.
struct Reply {
    played: Option<Played>,
    to: Sender<Option<Played>>,
}

impl Drop for Reply {
    fn drop(&mut self) {
        // If nobody listens any more, nobody needs it.
        let _ = self.to.send(self.played.take());
    }
}

/// Plays the cells of a range of numbers. `take` gets each stretch of rows in the order of their
/// numbers, with the number of the first, whatever thread played them and when.
///
/// # Errors
/// What `take` fails with.
pub fn play<E>(
    study: &Study,
    plan: &Plan,
    numbers: Range<u64>,
    pool: &ThreadPool,
    interrupted: &AtomicBool,
    mut take: impl FnMut(u64, &[Row]) -> Result<Flow, E>,
) -> Result<End, E> {
    let stop = AtomicBool::new(false);
    let halted = || stop.load(Ordering::Relaxed) || interrupted.load(Ordering::Relaxed);
    let (to, from): (_, Receiver<Option<Played>>) = channel();
    let threads = pool.current_num_threads() as u64;
    let ahead = AHEAD * threads;
    let batch = ((numbers.end - numbers.start) / (BATCHES * threads)).clamp(1, BATCH_MAX);
    pool.in_place_scope(|scope| {
        let (mut next, mut under_way) = (numbers.start, 0);
        let mut waiting: BTreeMap<u64, Played> = BTreeMap::new();
        let mut wanted = numbers.start;
        let done = loop {
            while next < numbers.end && under_way < ahead && !halted() {
                let length = plan.cell(next).1.min(batch).min(numbers.end - next);
                spawn(scope, study, plan, next..next + length, &halted, to.clone());
                next += length;
                under_way += 1;
            }
            let Some(played) = waiting.remove(&wanted) else {
                if under_way as usize == waiting.len() {
                    break Ok(if wanted < numbers.end { End::Interrupted } else { End::Done });
                }
                match from.recv() {
                    Ok(Some(played)) => {
                        waiting.insert(played.first, played);
                        continue;
                    }
                    // A thread panicked: the scope passes it on.
                    Ok(None) | Err(_) => break Ok(End::Interrupted),
                }
            };
            under_way -= 1;
            wanted += played.rows.len() as u64;
            match take(played.first, &played.rows) {
                Err(error) => break Err(error),
                Ok(Flow::Stop) => break Ok(End::Done),
                Ok(Flow::Continue) => {}
            }
            if let Some(end) = played.end {
                break Ok(end);
            }
        };
        stop.store(true, Ordering::Relaxed);
        done
    })
}

fn spawn<'s>(
    scope: &Scope<'s>,
    study: &'s Study,
    plan: &'s Plan,
    numbers: Range<u64>,
    halted: &'s (impl Fn() -> bool + Sync),
    to: Sender<Option<Played>>,
) {
    scope.spawn(move |_| {
        let mut reply = Reply { played: None, to };
        let mut played = Played { first: numbers.start, rows: Vec::new(), end: None };
        let mut worker: Option<Worker> = None;
        for number in numbers {
            if halted() {
                played.end = Some(End::Interrupted);
                break;
            }
            let cell = plan.cell(number).0;
            let worker = worker.get_or_insert_with(|| study.worker(cell.point));
            match worker.play(cell) {
                Ok(row) => played.rows.push(row),
                Err(halt) => {
                    played.end = Some(End::Limit(cell, halt));
                    break;
                }
            }
        }
        reply.played = Some(played);
    });
}
