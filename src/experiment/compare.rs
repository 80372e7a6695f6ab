//! Two scenarios that meet the same luck: their differences, measure by measure.

use super::differences::Differences;
use super::estimates::Ignorance;
use super::plan::Cell;
use super::rows::{Batch, Row};
use super::run::Cells;
use super::study::{Column, Study, Worker};
use crate::engine::Halt;
use crate::stats::paired::Difference;

/// The difference of a measure that both scenarios have.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The measure.
    pub column: Column,
    /// Second minus first.
    pub difference: Difference,
    /// What of the spread of the differences is ignorance, where something is uncertain.
    pub ignorance: Option<Ignorance>,
}

/// Two scenarios, each in as many worlds as the other.
pub struct Pair<'a> {
    a: &'a Study<'a>,
    b: &'a Study<'a>,
    /// The columns of each measure that both have, in the order of the paths.
    both: Vec<(usize, usize)>,
}

impl<'a> Pair<'a> {
    /// Puts two scenarios side by side.
    pub fn new(a: &'a Study<'a>, b: &'a Study<'a>) -> Pair<'a> {
        let both = a.columns.iter().enumerate();
        let both = both.filter_map(|(place, column)| Some((place, b.column(&column.path)?)));
        Pair { a, b, both: both.collect() }
    }

    /// The measures of both.
    pub fn both(&self) -> impl Iterator<Item = &'a Column> {
        self.both.iter().map(|(place, _)| &self.a.columns[*place])
    }

    /// Measures of the first alone, and of the second alone.
    pub fn apart(&self) -> [Vec<&'a str>; 2] {
        let only = |one: &'a Study, other: &Study| {
            let paths = one.columns.iter().map(|column| column.path.as_str());
            paths.filter(|path| other.column(path).is_none()).collect()
        };
        [only(self.a, self.b), only(self.b, self.a)]
    }
}

/// A row holds the values of the first scenario, then those of the second, measure by measure, and
/// whether either drew a random number.
impl Cells for Pair<'_> {
    type Player<'p>
        = [(Worker<'p>, Batch); 2]
    where
        Self: 'p;
    type Error = Halt;

    fn player(&self, world: usize) -> Result<Self::Player<'_>, Halt> {
        let a = self.a.worker(world);
        // With one seed, every stream of chance that both have by name gives both the same draws.
        let b = self.b.worker(world).with_seed(a.seed());
        // Each has room for its row, which is used for every cell.
        Ok([(a, self.a.room(1)), (b, self.b.room(1))])
    }

    fn room(&self, cells: usize) -> Batch {
        Batch::new(2 * self.both.len(), 1, cells)
    }

    fn play(
        &self,
        sides: &mut [(Worker<'_>, Batch); 2],
        cell: Cell,
        to: &mut Batch,
    ) -> Result<(), Halt> {
        for (worker, row) in sides.iter_mut() {
            row.clear();
            worker.play(cell, row)?;
        }
        let [of_a, of_b] = sides.each_ref().map(|(_, row)| row.rows().at(0));
        let row = to.add();
        row.used[0] = u64::from(self.a.drawn(of_a.used) || self.b.drawn(of_b.used));
        let (to_a, to_b) = row.values.split_at_mut(self.both.len());
        for ((to_a, to_b), (a, b)) in to_a.iter_mut().zip(to_b).zip(&self.both) {
            (*to_a, *to_b) = (of_a.values[*a], of_b.values[*b]);
        }
        Ok(())
    }
}

/// Takes the rows of pairs in the order of their numbers.
pub struct Fold<'a> {
    pair: &'a Pair<'a>,
    differences: Differences,
}

impl<'a> Fold<'a> {
    /// Nothing yet.
    pub fn new(pair: &'a Pair<'a>) -> Fold<'a> {
        Fold { pair, differences: Differences::new(pair.both.len(), pair.a.worlds()) }
    }

    /// Takes the next pair of replications of a world.
    pub fn push(&mut self, world: usize, row: Row<'_>) {
        let (a, b) = row.values.split_at(self.pair.both.len().min(row.values.len()));
        self.differences.drew(row.used != [0]);
        self.differences.push(world, a.iter().copied().zip(b.iter().copied()));
    }

    /// What the pairs say, measure by measure.
    pub fn compared(&self) -> Vec<Compared> {
        let pairs = self.pair.both().zip(self.differences.found());
        pairs
            .map(|(column, (difference, ignorance))| Compared {
                column: column.clone(),
                difference,
                ignorance,
            })
            .collect()
    }
}
