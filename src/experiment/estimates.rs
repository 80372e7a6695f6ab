//! From the rows of a design point to estimates, with chance and ignorance kept apart.

use super::rows::Rows;
use super::run::BATCH_MAX;
use super::study::Study;
use crate::stats::{Estimate, Moments, Scale, Series, events};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What the replications of a design point say.
#[derive(Clone, Debug)]
pub struct PointEstimates {
    /// The design point.
    pub point: usize,
    /// Each measure it has, in the order of the columns.
    pub measures: Vec<Measured>,
    /// What its replications drew on: a bit for each of the study's constants, and one for chance.
    pub used: Vec<u64>,
}

/// What the replications of a design point say of a measure.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its column.
    pub column: usize,
    /// The estimate over all replications of all worlds.
    pub estimate: Estimate,
    /// What of the spread is ignorance, where something is uncertain.
    pub ignorance: Option<Ignorance>,
}

/// The spread of a measure taken apart: chance would stay if everything were known, ignorance is
/// how much the mean hangs on what is not known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ignorance {
    /// Worlds in which the measure is defined at least twice.
    pub worlds: u64,
    /// Standard deviation within a world, pooled.
    pub chance: f64,
    /// Standard deviation of the true means of the worlds, estimated: that of their observed means
    /// less what chance adds to it.
    pub ignorance: f64,
    /// 5 % quantile, median and 95 % quantile of the observed means of the worlds.
    pub means: [Option<f64>; 3],
}

/// Takes the rows of one design point in the order of their replications.
pub struct Fold<'a> {
    study: &'a Study<'a>,
    point: usize,
    series: Vec<Series>,
    /// Of each world, the moments of each measure; nothing if all is known.
    worlds: Vec<Vec<Moments>>,
    used: Vec<u64>,
}

impl<'a> Fold<'a> {
    /// Nothing yet of a design point.
    pub fn new(study: &'a Study<'a>, point: usize) -> Fold<'a> {
        let own = study.own(point * study.worlds());
        let series = own.iter().map(|column| {
            let series = Series::new(Scale::of_unit(study.columns[*column].unit));
            match study.range(point, *column) {
                Some((low, high)) => series.within(low, high),
                None => series,
            }
        });
        let worlds = if study.worlds() > 1 { study.worlds() } else { 0 };
        Fold {
            study,
            point,
            series: series.collect(),
            worlds: vec![vec![Moments::default(); own.len()]; worlds],
            used: vec![0; study.used_words()],
        }
    }

    /// Takes the rows of the next replications of one of its worlds. Measures are independent of
    /// each other, so that each can be folded by another thread.
    pub fn push(&mut self, world: usize, rows: Rows<'_>) {
        let own = self.study.own(self.point * self.study.worlds());
        let fold = |(column, series): (&usize, &mut Series)| series.extend(rows.column(*column));
        // A batch is folded by the thread that brings it, while the others play the next ones.
        if rows.len() as u64 <= BATCH_MAX {
            own.iter().zip(&mut self.series).for_each(fold);
        } else {
            own.par_iter().zip(&mut self.series).for_each(fold);
        }
        if let Some(moments) = self.worlds.get_mut(world) {
            let fold = |(column, moments): (&usize, &mut Moments)| {
                rows.known(*column).for_each(|value| moments.push(value));
            };
            own.par_iter().zip(moments).for_each(fold);
        }
        for row in rows.iter() {
            for (all, more) in self.used.iter_mut().zip(row.used) {
                *all |= more;
            }
        }
    }

    /// The values of a measure in ascending order with how often each occurs: for charts of
    /// distributions.
    pub fn sorted(&mut self, column: usize) -> Vec<(f64, u64)> {
        let series = self.place(column).and_then(|place| self.series.get_mut(place));
        series.map_or(Vec::new(), Series::sorted)
    }

    /// The mean of a measure so far, with the interval that [`Fold::estimates`] would give it; for
    /// one world.
    pub fn mean(&self, column: usize) -> (Option<f64>, Option<(f64, f64)>) {
        let found = self.place(column).and_then(|place| self.series.get(place));
        let (mean, mut ends) = found.map_or((None, None), Series::mean);
        if self.is_certain() {
            ends = mean.map(|mean| (mean, mean));
        }
        let range = self.study.range(self.point, column);
        let ends = ends.map(|(low, high)| (held(range, low), held(range, high)));
        (mean, ends)
    }

    /// Is it the same in every replication, whatever their luck? Not if it is in several worlds,
    /// which differ for another reason.
    fn is_certain(&self) -> bool {
        self.study.worlds() == 1 && !self.study.drawn(&self.used)
    }

    /// Lets go of the values of all columns but these, whose estimates stand already.
    pub fn let_go(&mut self, but: &[usize]) {
        let own = self.study.own(self.point * self.study.worlds());
        for (column, series) in own.iter().zip(&mut self.series) {
            if !but.contains(column) {
                series.let_go();
            }
        }
    }

    /// The place of a column among those of its design point.
    fn place(&self, column: usize) -> Option<usize> {
        let own = self.study.own(self.point * self.study.worlds());
        own.iter().position(|own| *own == column)
    }

    /// What the rows say.
    pub fn estimates(&mut self) -> PointEstimates {
        let (study, worlds, certain) = (self.study, &self.worlds, self.is_certain());
        let own = study.own(self.point * study.worlds());
        // With worlds it also counts in which of them a value is.
        let same = match worlds.is_empty() {
            true => same(&mut self.series),
            false => (0..own.len()).collect(),
        };
        let firsts = self.series.par_iter_mut().enumerate().filter(|(at, _)| same[*at] == *at);
        let said: BTreeMap<usize, Estimate> =
            firsts.map(|(at, series)| (at, series.estimate_in(clusters(worlds, at)))).collect();
        let measured = |(place, column): (usize, &usize)| {
            let mut estimate = said[&same[place]];
            if certain {
                estimate = estimate.certain();
            }
            let worlds: Vec<Moments> = worlds.iter().map(|moments| moments[place]).collect();
            let ignorance = apart(&worlds);
            if let Some(ends) = over_worlds(&worlds).filter(|_| ignorance.is_some()) {
                estimate =
                    estimate.with_interval(ends, events(worlds.iter().filter_map(Moments::mean)));
            }
            let held = |end: f64| held(study.range(self.point, *column), end);
            estimate.ci_low = estimate.ci_low.map(held);
            estimate.ci_high = estimate.ci_high.map(held);
            Measured { column: *column, estimate, ignorance }
        };
        let measures = own.iter().enumerate().map(measured);
        PointEstimates { point: self.point, measures: measures.collect(), used: self.used.clone() }
    }
}

/// How many worlds the values of a measure come from, where some are of one world: these hang together.
/// Where there is no value, how many worlds there are.
fn clusters(worlds: &[Vec<Moments>], place: usize) -> Option<u64> {
    let counts = || worlds.iter().map(|moments| moments[place].count());
    match counts().filter(|count| *count > 0).count() {
        0 => (!worlds.is_empty()).then_some(worlds.len() as u64),
        known => counts().any(|count| count > 1).then_some(known as u64),
    }
}

/// Of each series, the place of the first that is the same: many measures go together, and what
/// they say is worked out once.
fn same(series: &mut [Series]) -> Vec<usize> {
    let marks: Vec<_> = series.iter_mut().map(Series::mark).collect();
    let mut known: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let first = |(at, mark)| {
        let alike = known.entry(mark).or_default();
        let found = alike.iter().copied().find(|other| series[*other] == series[at]);
        found.unwrap_or_else(|| {
            alike.push(at);
            at
        })
    };
    marks.into_iter().enumerate().map(first).collect()
}

/// The end of an interval where a measure can be: none is below zero, and none beyond its range, nor
/// is its mean.
fn held(range: Option<(f64, f64)>, end: f64) -> f64 {
    let (least, most) = range.unwrap_or((0.0, f64::INFINITY));
    end.clamp(least, most)
}

/// The interval of the mean over worlds, which are drawn independently of each other: the means
/// of the worlds are the observations.
pub(super) fn over_worlds(worlds: &[Moments]) -> Option<(f64, f64)> {
    let mut means = Moments::default();
    worlds.iter().filter_map(Moments::mean).for_each(|mean| means.push(mean));
    let (mean, half) = means.mean().zip(means.half_width())?;
    (half > 0.0).then_some((mean - half, mean + half))
}

/// Takes the spread apart: one-way analysis of variance with random effects.
pub(super) fn apart(worlds: &[Moments]) -> Option<Ignorance> {
    let known: Vec<&Moments> = worlds.iter().filter(|world| world.count() > 1).collect();
    if known.len() < 2 {
        return None;
    }
    let (mut within, mut noise, mut means) = (0.0, 0.0, Moments::default());
    let mut series = Series::new(Scale::Number);
    for world in &known {
        let variance = world.variance()?;
        within += variance;
        noise += variance / world.count() as f64;
        means.push(world.mean()?);
        series.push(world.mean());
    }
    let count = known.len() as f64;
    let between = (means.variance()? - noise / count).max(0.0);
    Some(Ignorance {
        worlds: known.len() as u64,
        chance: libm::sqrt(within / count),
        ignorance: libm::sqrt(between),
        means: series.quantiles([0.05, 0.5, 0.95]).map(|quantile| quantile.value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.push(*value));
        moments
    }

    /// By hand: means 1, 3, 5; variance within 2 each, of the means 4, less 2 / 2 by chance.
    #[test]
    fn chance_and_ignorance_are_taken_apart() {
        let worlds = [of(&[0.0, 2.0]), of(&[2.0, 4.0]), of(&[4.0, 6.0])];
        let found = apart(&worlds).unwrap();
        assert_eq!((found.worlds, found.chance), (3, libm::sqrt(2.0)));
        assert_eq!(found.ignorance, libm::sqrt(3.0));
        assert_eq!(found.means, [Some(1.0), Some(3.0), Some(5.0)]);
        // t(0.975, 2) = 4.302653 times sqrt(4 / 3).
        let (low, high) = over_worlds(&worlds).unwrap();
        assert!((high - 3.0 - 4.968_276).abs() < 1e-5 && (low + 1.968_276).abs() < 1e-5);
    }

    #[test]
    fn what_is_the_same_is_found_whatever_stands_between() {
        let of = |values: &[f64], scale| {
            let mut series = Series::new(scale);
            series.extend(values.iter().copied());
            series
        };
        let (seconds, number) = (Scale::Seconds, Scale::Number);
        let mut series = [
            of(&[1.0, 2.0, 2.0], seconds),
            of(&[1.0, 2.0, 3.0], seconds),
            of(&[1.0, 2.0, 2.0], seconds),
            of(&[1.0, 2.0, 2.0], number),
            // The same moments in another order, and one that is not defined.
            of(&[2.0, 1.0, 2.0], seconds),
            of(&[1.0, 2.0, f64::NAN, 2.0], seconds),
            of(&[1.0, 2.0, 3.0], seconds),
        ];
        assert_eq!(same(&mut series), [0, 1, 0, 3, 4, 5, 1]);
    }

    #[test]
    fn what_chance_explains_is_no_ignorance() {
        let worlds = [of(&[0.0, 10.0]), of(&[1.0, 9.0])];
        assert_eq!(apart(&worlds).unwrap().ignorance, 0.0);
        assert_eq!(apart(&worlds[..1]), None);
    }
}
