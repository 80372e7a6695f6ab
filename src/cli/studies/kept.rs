//! What a sensitivity study has played so far, kept in a ledger: it goes on after whatever ended it.

use super::super::experiment::{world, wrong};
use super::super::say;
use crate::exit::Exit;
use crate::experiment::ledger::Identity;
use crate::experiment::run::Row;
use crate::experiment::sensitivity::Values;
use crate::report::files::Failure;
use crate::report::ledger::{Ledger, Refusal};
use std::path::Path;

/// The ledger of a study with the values of the points that are done.
pub(super) struct Kept {
    ledger: Ledger,
    replications: u64,
    /// The values of whole points.
    pub(super) known: Vec<Values>,
    /// Values of the point after them that are in the ledger already.
    begun: usize,
    /// Why the disk refused, if it did.
    pub(super) failure: Option<Failure>,
}

fn row(value: Option<f64>) -> Row {
    Row { values: vec![value.unwrap_or(f64::NAN)], used: Vec::new() }
}

/// Does the ledger of a folder have all cells of its study, so that nothing is lost with it?
fn is_done(folder: &Path) -> bool {
    let Ok((ledger, identity)) = Ledger::read_only(folder, |_| 0) else { return false };
    let each = identity.blocks.as_deref().and_then(|blocks| blocks.last()).copied().unwrap_or(0);
    ledger.cells().end >= each.saturating_mul(identity.points as u64)
}

impl Kept {
    /// Opens the ledger of a folder, or begins one. What is left of another study is in the way;
    /// one that is done is written anew, as the results of a run are.
    pub(super) fn open(
        folder: &Path,
        identity: &Identity,
        replications: u64,
        fresh: bool,
        quiet: bool,
    ) -> Result<Kept, Exit> {
        let mut values: Values = Vec::new();
        let open = |fresh: bool, values: &mut Values| {
            let mut each = |_: u64, row: &Row| {
                values.push(row.values.first().copied().filter(|value| !value.is_nan()));
            };
            Ledger::open(folder, identity, 0, fresh, &mut each)
        };
        let ledger = match open(fresh, &mut values) {
            Err(Refusal::Other(_)) if is_done(folder) => open(true, &mut values),
            other => other,
        };
        let ledger = ledger.map_err(|refusal| match refusal {
            Refusal::World(failure) => world(failure),
            Refusal::Other(difference) => wrong(&format!(
                "{} holds a part of another study ({difference}); name another folder with --out, \
                 or throw it away with --fresh",
                folder.display()
            )),
        })?;
        let each = usize::try_from(replications).unwrap_or(usize::MAX).max(1);
        let whole = values.chunks_exact(each);
        let begun = whole.remainder().len();
        let known: Vec<Values> = whole.map(<[_]>::to_vec).collect();
        if !known.is_empty() && !quiet {
            say(&format!("{} points are done already; going on with the rest", known.len()));
        }
        Ok(Kept { ledger, replications, known, begun, failure: None })
    }

    /// Keeps the values of the next point.
    pub(super) fn keep(&mut self, values: &Values) -> Result<(), ()> {
        let begun = std::mem::take(&mut self.begun);
        let rows: Vec<Row> = values.iter().skip(begun).copied().map(row).collect();
        self.ledger.append(&rows).map_err(|failure| self.failure = Some(failure))
    }

    /// Makes all of it last; tells how far the study is, in points.
    pub(super) fn sync(&self) -> Result<u64, Exit> {
        self.ledger.sync().map_err(world)?;
        Ok(self.ledger.cells().end / self.replications.max(1))
    }
}
