//! Plays cells on all cores and hands them on in their order.

use super::plan::{Cell, Plan};
use super::rows::{Batch, Rows};
use rayon::{ThreadPool, Yield};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Cells that a thread plays before it hands them on, at the most: few enough that little is lost by
/// an interruption, many enough that handing on costs nothing.
pub(super) const BATCH_MAX: u64 = 64;
/// Batches that each thread gets at least, if there are cells enough, so that all end together.
const BATCHES: u64 = 16;
/// Batches that are played ahead of the oldest that is not done, per thread.
const AHEAD: u64 = 4;

/// What has cells to play, each on whatever thread is free.
pub trait Cells: Sync {
    /// What plays the cells of one point on one thread.
    type Player<'a>
    where
        Self: 'a;
    /// Why a cell cannot be played.
    type Error: Send;

    /// What plays the cells of a point.
    ///
    /// # Errors
    /// The point cannot be played at all.
    fn player(&self, point: usize) -> Result<Self::Player<'_>, Self::Error>;

    /// Room for the rows of so many cells.
    fn room(&self, cells: usize) -> Batch;

    /// Plays a cell of the player's point, and adds its row. What it yields must not hang on what
    /// was played before.
    ///
    /// # Errors
    /// The cell cannot be played to its end: it has no row.
    fn play(
        &self,
        player: &mut Self::Player<'_>,
        cell: Cell,
        to: &mut Batch,
    ) -> Result<(), Self::Error>;
}

/// How an experiment ended.
#[derive(Debug, PartialEq)]
pub enum End<E> {
    /// All cells are done, or as many as were wanted.
    Done,
    /// The user interrupted it; what was handed on stays.
    Interrupted,
    /// A cell could not be played, mostly because it met a limit of its budget.
    Failed(Cell, E),
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
struct Played<E> {
    first: u64,
    rows: Batch,
    end: Option<End<E>>,
}

/// Sends what a thread has played, also when it panics: the one who waits must not wait for ever.
struct Reply<E> {
    played: Option<Played<E>>,
    to: Sender<Option<Played<E>>>,
}

impl<E> Drop for Reply<E> {
    fn drop(&mut self) {
        // If nobody listens any more, nobody needs it.
        let _ = self.to.send(self.played.take());
    }
}

/// Plays the cells of a range of numbers on the threads of a pool. `take` gets each stretch of rows
/// in the order of their numbers, with the number of the first, whatever thread played them and
/// when; all of a stretch are of one point, and of one block of its replications.
///
/// # Errors
/// What `take` fails with.
pub fn play<C: Cells, E: Send>(
    cells: &C,
    plan: &Plan,
    numbers: Range<u64>,
    pool: &ThreadPool,
    interrupted: &AtomicBool,
    mut take: impl FnMut(u64, Rows<'_>) -> Result<Flow, E> + Send,
) -> Result<End<C::Error>, E> {
    let stop = AtomicBool::new(false);
    let halted = || stop.load(Ordering::Relaxed) || interrupted.load(Ordering::Relaxed);
    let threads = pool.current_num_threads() as u64;
    let batch = ((numbers.end - numbers.start) / (BATCHES * threads)).clamp(1, BATCH_MAX);
    pool.scope_fifo(|scope| {
        let (to, from): (_, Receiver<Option<Played<C::Error>>>) = channel();
        let (mut next, mut under_way) = (numbers.start, 0);
        let mut waiting: BTreeMap<u64, Played<C::Error>> = BTreeMap::new();
        let mut wanted = numbers.start;
        let done = loop {
            while next < numbers.end && under_way < AHEAD * threads && !halted() {
                let length = plan.cell(next).1.min(batch).min(numbers.end - next);
                let work = work(cells, plan, next..next + length, &halted, to.clone());
                scope.spawn_fifo(|_| work());
                next += length;
                under_way += 1;
            }
            let Some(played) = waiting.remove(&wanted) else {
                if under_way as usize == waiting.len() {
                    break Ok(if wanted < numbers.end { End::Interrupted } else { End::Done });
                }
                // Who takes rows is one of the threads, and plays while there is nothing to take.
                let played = from.try_recv().ok().or_else(|| match rayon::yield_now() {
                    Some(Yield::Executed) => None,
                    Some(Yield::Idle) | None => Some(from.recv().ok().flatten()),
                });
                match played {
                    Some(Some(played)) => {
                        waiting.insert(played.first, played);
                        continue;
                    }
                    // A thread panicked: the scope passes it on.
                    Some(None) => break Ok(End::Interrupted),
                    None => continue,
                }
            };
            under_way -= 1;
            wanted += played.rows.len() as u64;
            match take(played.first, played.rows.rows()) {
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

/// Plays the cells of a batch, all of one point, and sends their rows.
fn work<'s, C: Cells>(
    cells: &'s C,
    plan: &'s Plan,
    numbers: Range<u64>,
    halted: &'s (impl Fn() -> bool + Sync),
    to: Sender<Option<Played<C::Error>>>,
) -> impl FnOnce() + Send + 's
where
    C::Error: 's,
{
    move || {
        let mut reply = Reply { played: None, to };
        let rows = cells.room((numbers.end - numbers.start) as usize);
        let mut played = Played { first: numbers.start, rows, end: None };
        let mut player: Option<C::Player<'_>> = None;
        for number in numbers {
            if halted() {
                played.end = Some(End::Interrupted);
                break;
            }
            let cell = plan.cell(number).0;
            let rows = &mut played.rows;
            let done = match &mut player {
                Some(player) => cells.play(player, cell, rows),
                None => {
                    let made = cells.player(cell.point);
                    made.and_then(|made| cells.play(player.insert(made), cell, rows))
                }
            };
            if let Err(error) = done {
                played.end = Some(End::Failed(cell, error));
                break;
            }
        }
        reply.played = Some(played);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Squares of the numbers of cells, up to where there are none.
    struct Squares;

    impl Cells for Squares {
        type Player<'a> = usize;
        type Error = u64;

        fn player(&self, point: usize) -> Result<usize, u64> {
            Ok(point)
        }

        fn room(&self, cells: usize) -> Batch {
            Batch::new(1, 0, cells)
        }

        fn play(&self, point: &mut usize, cell: Cell, to: &mut Batch) -> Result<(), u64> {
            let number = 1_000 * *point as u64 + cell.replication;
            let square = (number * number) as f64;
            if number >= 1_300 {
                return Err(number);
            }
            to.add().values[0] = square;
            Ok(())
        }
    }

    #[test]
    fn results_come_in_order_and_the_first_error_ends_it() {
        let plan = Plan::fixed(2, 1_000).unwrap();
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut taken = Vec::new();
            let end =
                play(&Squares, &plan, 5..2_000, &pool, &AtomicBool::new(false), |first, rows| {
                    taken.extend((first..).zip(rows.column(0)));
                    Ok::<Flow, ()>(Flow::Continue)
                });
            let cell = Cell { point: 1, replication: 300 };
            assert_eq!(end, Ok(End::Failed(cell, 1_300)));
            assert!(taken.into_iter().eq((5..1_300).map(|n: u64| (n, (n * n) as f64))));
        }
    }
}
