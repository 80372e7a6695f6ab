//! Cells that are played into a ledger: whatever ends the program, the same command goes on.

use super::say;
use crate::exit::Exit;
use crate::experiment::ledger::Identity;
use crate::experiment::plan::{Cell, Plan};
use crate::experiment::rows::{Row, Rows};
use crate::experiment::run::{Cells, End, Flow, play};
use crate::report::files::Failure;
use crate::report::ledger::{Ledger, Refusal};
use crate::report::words::{are, are_of};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Was Ctrl-C pressed while cells were played?
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C is heard. Without a handler it ends the program at once, which ledgers survive
/// as well.
pub(super) fn hear_interruptions() {
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
}

/// Was the program interrupted?
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// An error of the user's, with what to do instead.
pub(super) fn wrong(text: &str) -> Exit {
    say(&format!("error: {text}"));
    Exit::Input
}

pub(super) fn world(failure: Failure) -> Exit {
    say(&format!("error: {failure}"));
    Exit::World
}

/// The results of cells that are all in the ledger could not be written.
pub(super) fn unwritten(failure: Failure) -> Exit {
    say(&format!("error: {failure}; all cells are kept: the same command writes them once it can"));
    Exit::World
}

/// What takes the rows of cells in their order: those in the ledger, then those that are played.
pub(super) trait Taker: Send {
    /// Takes the rows of the next cells, which are all of one point and of one block of its
    /// replications.
    fn take(&mut self, first: u64, rows: Rows<'_>) -> Flow;

    /// What to tell of the rows so far, beside how many there are.
    fn message(&self) -> Option<String> {
        None
    }
}

impl<F: FnMut(u64, Row<'_>) + Send> Taker for F {
    fn take(&mut self, first: u64, rows: Rows<'_>) -> Flow {
        (first..).zip(rows.iter()).for_each(|(number, row)| self(number, row));
        Flow::Continue
    }
}

/// Cells on their way into the ledger of a folder.
pub(super) struct Course<'a> {
    pub(super) plan: &'a Plan,
    /// The cells that are wanted.
    pub(super) numbers: Range<u64>,
    pub(super) folder: &'a Path,
    pub(super) quiet: bool,
}

/// Does the ledger of a folder have all cells of its study, so that nothing is lost with it?
fn is_done(folder: &Path) -> bool {
    let Ok((ledger, identity)) = Ledger::read_only(folder, |_| 0) else { return false };
    // An experiment that can grow says nowhere where it ends.
    let each = identity.blocks.as_deref().and_then(|blocks| blocks.last());
    each.is_some_and(|each| ledger.cells().end >= each.saturating_mul(identity.points as u64))
}

impl<'a> Course<'a> {
    /// All cells of a study.
    pub(super) fn study(plan: &'a Plan, folder: &'a Path, quiet: bool) -> Course<'a> {
        Course { plan, numbers: 0..plan.cells(), folder, quiet }
    }

    /// Opens the ledger of the folder, or begins one.
    pub(super) fn open(
        &self,
        identity: &Identity,
        fresh: bool,
        taker: &mut dyn Taker,
    ) -> Result<Ledger, Exit> {
        self.refused(self.try_open(identity, fresh, taker))
    }

    /// The same for a study. With another number of replications it goes on from what is there, if
    /// these are the same cells. Another one that is done is written anew, as the results of a run
    /// are; a part of it is in the way.
    pub(super) fn open_study(
        &self,
        identity: &Identity,
        fresh: bool,
        taker: &mut dyn Taker,
    ) -> Result<Ledger, Exit> {
        // What is refused was not read, so that nothing of it was taken.
        let mut ledger = self.try_open(identity, fresh, taker);
        if matches!(ledger, Err(Refusal::Other(_))) {
            if Ledger::resize(self.folder, identity).map_err(world)? {
                ledger = self.try_open(identity, false, taker);
            } else if is_done(self.folder) {
                ledger = self.try_open(identity, true, taker);
            }
        }
        self.refused(ledger)
    }

    fn try_open(
        &self,
        identity: &Identity,
        fresh: bool,
        taker: &mut dyn Taker,
    ) -> Result<Ledger, Refusal> {
        let end = self.numbers.end;
        let mut each = |number: u64, row: Row<'_>| {
            if number < end {
                taker.take(number, row.into());
            }
        };
        Ledger::open(self.folder, identity, self.numbers.start, fresh, &mut each)
    }

    fn refused(&self, ledger: Result<Ledger, Refusal>) -> Result<Ledger, Exit> {
        ledger.map_err(|refusal| match refusal {
            Refusal::World(failure) => world(failure),
            Refusal::Other(difference) => wrong(&format!(
                "{} holds the cells of another experiment ({difference}); name another folder \
                 with --out, or throw them away with --fresh",
                self.folder.display()
            )),
        })
    }

    /// Plays what the ledger does not hold yet. `failed` tells of a cell that cannot be played.
    pub(super) fn play<C: Cells>(
        &self,
        cells: &C,
        ledger: &mut Ledger,
        pool: &rayon::ThreadPool,
        taker: &mut dyn Taker,
        failed: impl FnOnce(Cell, C::Error) -> Exit,
    ) -> Result<(), Exit> {
        let from = ledger.cells().end;
        let Range { start, end } = self.numbers;
        if from >= end {
            return Ok(());
        }
        if from > start && !self.quiet {
            say(&format!("{} done already; going on with the rest", are(from - start, "cell")));
        }
        hear_interruptions();
        let bar = progress(end - start, from - start, self.quiet);
        let ended = play(cells, self.plan, from..end, pool, &INTERRUPTED, |first, rows| {
            let flow = taker.take(first, rows);
            ledger.append(rows)?;
            bar.inc(rows.len() as u64);
            if let Some(message) = (!bar.is_hidden()).then(|| taker.message()).flatten() {
                bar.set_message(message);
            }
            Ok(flow)
        });
        bar.finish_and_clear();
        let ended = ended.map_err(world)?;
        if !matches!(ended, End::Done) {
            ledger.sync().map_err(world)?;
        }
        match ended {
            End::Done => Ok(()),
            End::Interrupted => {
                say(&format!(
                    "interrupted: {} kept in {}; the same command goes on from there",
                    are_of(ledger.cells().end - start, end - start, "cell"),
                    self.folder.display()
                ));
                Err(Exit::Interrupted)
            }
            End::Failed(cell, error) => Err(failed(cell, error)),
        }
    }
}

/// Cells done and time left, on a terminal.
pub(super) fn progress(cells: u64, done: u64, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    progress_on(target, cells, done)
}

fn progress_on(target: ProgressDrawTarget, cells: u64, done: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(cells), target).with_position(done);
    let style = ProgressStyle::with_template(
        "{wide_bar} {human_pos} of {human_len} cells, {per_sec}, {msg} {eta} left",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.reset_eta();
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// A terminal that keeps what is written to it.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            140
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_terminal_shows_cells_precision_and_time_left() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let bar = progress_on(target, 12_000, 2_000);
        bar.inc(1_000);
        bar.set_message("1 of 3 intervals narrow enough,");
        bar.tick();
        let shown = paper.0.lock().unwrap().clone();
        assert!(shown.contains(" 3,000 of 12,000 cells, "), "{shown}");
        assert!(shown.contains("/s, 1 of 3 intervals narrow enough, "), "{shown}");
        assert!(shown.trim_end().ends_with(" left"), "{shown}");
    }
}
