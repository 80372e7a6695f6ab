//! Differences of measures, replication by replication of the same luck, world by world.

use super::estimates::{Ignorance, apart, over_worlds};
use super::rows::Rows;
use super::study::Study;
use crate::stats::Moments;
use crate::stats::paired::{Difference, Paired};
use rayon::prelude::*;

/// Takes the pairs of each measure in the order of their replications.
pub struct Differences {
    pairs: Vec<Paired>,
    /// Of each world, the differences of each measure; nothing if all is known.
    worlds: Vec<Vec<Moments>>,
    /// Was a random number drawn in any of the replications?
    drawn: bool,
}

impl Differences {
    /// Nothing yet of so many measures.
    pub fn new(measures: usize, worlds: usize) -> Differences {
        let worlds = if worlds > 1 { worlds } else { 0 };
        Differences {
            pairs: vec![Paired::default(); measures],
            worlds: vec![vec![Moments::default(); measures]; worlds],
            drawn: false,
        }
    }

    /// Notes whether replications drew a random number: where none did, all are the same.
    pub fn drew(&mut self, drawn: bool) {
        self.drawn |= drawn;
    }

    /// Takes the values of all measures in the next pair of replications of a world.
    pub fn push(&mut self, world: usize, values: impl Iterator<Item = (f64, f64)>) {
        let mut moments = self.worlds.get_mut(world).into_iter().flatten();
        for (pair, values) in self.pairs.iter_mut().zip(values) {
            take(pair, moments.next(), values);
        }
    }

    /// Takes the values in the next pairs of replications of a world: those of a measure and a pair by
    /// their places. Measures are independent of each other, so that each can be taken by another
    /// thread.
    fn push_all(
        &mut self,
        world: usize,
        count: usize,
        values: impl Fn(usize, usize) -> (f64, f64) + Sync,
    ) {
        let all = |place: usize, pair: &mut Paired, mut moments: Option<&mut Moments>| {
            (0..count).for_each(|at| take(pair, moments.as_deref_mut(), values(place, at)));
        };
        let pairs = self.pairs.par_iter_mut().enumerate();
        match self.worlds.get_mut(world) {
            Some(moments) => pairs.zip(moments).for_each(|((n, pair), m)| all(n, pair, Some(m))),
            None => pairs.for_each(|(n, pair)| all(n, pair, None)),
        }
    }

    /// What the pairs say, measure by measure, and what of their spread is ignorance, where something
    /// is uncertain.
    pub fn found(&self) -> impl Iterator<Item = (Difference, Option<Ignorance>)> {
        self.pairs.iter().enumerate().map(|(place, pair)| {
            let worlds: Vec<Moments> = self.worlds.iter().map(|moments| moments[place]).collect();
            let ignorance = apart(&worlds);
            let ends = over_worlds(&worlds).filter(|_| ignorance.is_some());
            let mut difference = pair.estimate();
            // Worlds differ for another reason.
            if !self.drawn && self.worlds.is_empty() {
                difference = difference.certain();
            }
            (ends.map_or(difference, |ends| difference.with_interval(ends)), ignorance)
        })
    }
}

/// Takes the two values of a measure in a pair of replications, of a world if there are several.
fn take(pair: &mut Paired, moments: Option<&mut Moments>, (a, b): (f64, f64)) {
    let difference = pair.push(Some(a), Some(b));
    if let Some((moments, difference)) = moments.zip(difference) {
        moments.push(difference);
    }
}

/// A design point of a sweep against its baseline.
#[derive(Clone, Debug)]
pub struct Against {
    /// The design point.
    pub point: usize,
    /// Each measure that both have, by its column: the point minus the baseline.
    pub measures: Vec<(usize, Difference)>,
}

/// Takes the rows of a design point together with those of the baseline.
pub struct Contrast<'a> {
    study: &'a Study<'a>,
    point: usize,
    columns: Vec<usize>,
    differences: Differences,
}

impl<'a> Contrast<'a> {
    /// Nothing yet.
    pub fn new(study: &'a Study<'a>, baseline: usize, point: usize) -> Contrast<'a> {
        let worlds = study.worlds();
        let of_base = study.own(baseline * worlds);
        let own = study.own(point * worlds).iter().copied();
        let columns: Vec<usize> =
            own.filter(|column| of_base.binary_search(column).is_ok()).collect();
        let differences = Differences::new(columns.len(), worlds);
        Contrast { study, point, columns, differences }
    }

    /// Takes the same replications of one world of both.
    pub fn push(&mut self, world: usize, of_base: Rows<'_>, own: Rows<'_>) {
        let columns = &self.columns;
        let drawn = |rows: Rows<'_>| rows.iter().any(|row| self.study.drawn(row.used));
        self.differences.drew(drawn(of_base) || drawn(own));
        self.differences.push_all(world, own.len().min(of_base.len()), |measure, number| {
            let value = |rows: Rows<'_>| rows.at(number).values[columns[measure]];
            (value(of_base), value(own))
        });
    }

    /// What the rows say.
    pub fn found(self) -> Against {
        let found = self.differences.found().map(|(difference, _)| difference);
        let measures = self.columns.iter().copied().zip(found).collect();
        Against { point: self.point, measures }
    }
}
