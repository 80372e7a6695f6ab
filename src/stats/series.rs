//! One measure over replications: values in, an estimate with its uncertainty out.

use super::moments::Moments;
use super::proportion::{never_seen, wilson};
use super::quantile::{Quantile, ranks};
use super::sketch::{Scale, Values};

/// Runs of recent values that are put to the others together, which is cheaper than one by one.
const RECENT_MAX: usize = 64;

/// The values of one measure, in the order of their replications.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The values that came last, with how many times in a row: most measures seldom change. They
    /// are in nothing of what follows yet.
    recent: Vec<(f64, u64)>,
    tally: Tally,
    values: Values,
    undefined: u64,
    /// What every value is known to lie in, whatever the replications show.
    range: Option<(f64, f64)>,
}

/// What is counted of values.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tally {
    moments: Moments,
    min: f64,
    max: f64,
    at_min: u64,
    at_max: u64,
    /// Are all values 0 or 1, and how many are 1? Where not, these are counted no more.
    binary: bool,
    ones: u64,
}

/// How the mean and its interval came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// There is no value.
    Nothing,
    /// There is one value, and no interval.
    Single,
    /// All values are the same; the interval, where there is one, is the bound for what was never
    /// seen.
    Same,
    /// Nothing is left to chance: the value is the only one there can be.
    Certain,
    /// All values are 0 or 1: the interval of Wilson for a probability.
    Wilson,
    /// Student's t for the mean.
    Student,
    /// Student's t for the mean of the means of several worlds.
    Worlds,
}

impl Method {
    /// The words beside the number.
    pub fn words(self) -> &'static str {
        match self {
            Method::Nothing => "none",
            Method::Single => "single value",
            Method::Same => "same value, zero-event bound",
            Method::Certain => "nothing random",
            Method::Wilson => "Wilson",
            Method::Student => "Student t",
            Method::Worlds => "Student t over worlds",
        }
    }
}

/// What replications say of a measure. Absent is undefined: there is no number to give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Replications in which the measure is defined.
    pub n: u64,
    /// Replications in which it is not.
    pub undefined: u64,
    /// Mean of the defined values.
    pub mean: Option<f64>,
    /// Lower end of the 95 % interval of the mean.
    pub ci_low: Option<f64>,
    /// Upper end of it.
    pub ci_high: Option<f64>,
    /// Standard deviation.
    pub std_dev: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// 5 % quantile.
    pub p5: Quantile,
    /// Median.
    pub p50: Quantile,
    /// 95 % quantile.
    pub p95: Quantile,
    /// 99 % quantile.
    pub p99: Quantile,
    /// Largest value.
    pub max: Option<f64>,
    /// How the mean and its interval came about.
    pub method: Method,
    /// Do quantiles come from the values themselves, not from a histogram?
    pub exact: bool,
    /// Where all values are the same, or none is defined: upper bound of the probability of another,
    /// or of any, 95 %, one-sided.
    pub other_max: Option<f64>,
    /// How many values (of several worlds: of their means) differ from the smallest, or from the
    /// largest, whichever are fewer: an interval by Student's t that rests on a handful of events is
    /// too narrow.
    pub events: u64,
}

impl Estimate {
    /// How its quantiles came about, with their error.
    pub fn quantiles(&self) -> &'static str {
        if self.exact { "order statistics" } else { "histogram, 0.1 %" }
    }

    /// The same where nothing is left to chance: every other replication would show the same, so that
    /// the value is its own interval. What is undefined stays so.
    #[must_use]
    pub fn certain(self) -> Estimate {
        let known = |of: Quantile| Quantile { low: of.value, high: of.value, ..of };
        Estimate {
            ci_low: self.mean,
            ci_high: self.mean,
            std_dev: self.mean.map(|_| 0.0),
            p5: known(self.p5),
            p50: known(self.p50),
            p95: known(self.p95),
            p99: known(self.p99),
            method: Method::Certain,
            other_max: None,
            ..self
        }
    }

    /// The same, with the interval of the mean over worlds, and how many of their means differ.
    #[must_use]
    pub fn with_interval(self, (low, high): (f64, f64), events: u64) -> Estimate {
        Estimate { ci_low: Some(low), ci_high: Some(high), method: Method::Worlds, events, ..self }
    }
}

impl Series {
    /// No values yet.
    pub fn new(scale: Scale) -> Series {
        Series {
            recent: Vec::new(),
            tally: Tally::new(),
            values: Values::new(scale),
            undefined: 0,
            range: (scale == Scale::Fraction).then_some((0.0, 1.0)),
        }
    }

    /// The same, with every value known to lie from `low` to `high`: what gives the mean an
    /// interval even where all replications show the same.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Series {
        Series { range: Some((low, high)), ..self }
    }

    /// Takes the value of one more replication; `None` is undefined.
    pub fn push(&mut self, value: Option<f64>) {
        self.extend([value.unwrap_or(f64::NAN)]);
    }

    /// Takes the values of more replications; what is not finite is undefined.
    pub fn extend(&mut self, values: impl IntoIterator<Item = f64>) {
        let (mut last, mut count) = self.recent.pop().unwrap_or((f64::NAN, 0));
        for value in values {
            if value == last {
                count += 1;
            } else if !value.is_finite() {
                self.undefined += 1;
            } else {
                if count > 0 {
                    self.recent.push((last, count));
                    if self.recent.len() == RECENT_MAX {
                        self.settle();
                    }
                }
                (last, count) = (value, 1);
            }
        }
        if count > 0 {
            self.recent.push((last, count));
        }
    }

    /// Puts the recent values to the others.
    fn settle(&mut self) {
        self.tally.push(&self.recent);
        self.values.push(&self.recent);
        self.recent.clear();
    }

    /// What differs for nearly all series that are not the same, to find those that are.
    pub fn mark(&mut self) -> impl Ord + use<> {
        self.settle();
        let Tally { moments, min, max, .. } = self.tally;
        let bits = [moments.mean(), moments.variance(), Some(min), Some(max)];
        (moments.count(), bits.map(|number| number.map(f64::to_bits)), self.undefined)
    }

    /// The defined values in ascending order with how often each occurs, for distributions and
    /// exceedance curves.
    pub fn sorted(&mut self) -> Vec<(f64, u64)> {
        self.settle();
        self.values.sorted()
    }

    /// Lets go of the values, which are counted already: what there is to say of them was said.
    pub fn let_go(&mut self) {
        self.settle();
        self.recent = Vec::new();
        self.values.let_go();
    }

    /// The mean and its interval as in [`Series::estimate`], which also sorts values for quantiles.
    pub fn mean(&self) -> (Option<f64>, Option<(f64, f64)>) {
        // On the way nothing is settled: looking must not move the last bits of what comes.
        let mut tally = self.tally;
        tally.push(&self.recent);
        (tally.mean(), tally.interval(self.range, None).1)
    }

    /// What the values so far say, each an observation of its own.
    pub fn estimate(&mut self) -> Estimate {
        self.estimate_in(None)
    }

    /// What the values so far say. Where several of them are of one world, they are alike, and only
    /// worlds are independent of each other: then the bound for what was never seen counts these,
    /// and everything else is left without an interval.
    pub fn estimate_in(&mut self, worlds: Option<u64>) -> Estimate {
        self.settle();
        let tally = self.tally;
        let n = tally.moments.count();
        let (method, interval) = tally.interval(self.range, worlds);
        let any = |value: f64| (n > 0).then_some(value);
        let bare = |of: Quantile| Quantile { low: None, high: None, ..of };
        let quantiles = self.quantiles([0.05, 0.5, 0.95, 0.99]);
        let [p5, p50, p95, p99] = if worlds.is_some() { quantiles.map(bare) } else { quantiles };
        // What was never defined may be so in another replication, as anything that was never seen.
        let tries = if n == 0 { self.undefined } else { n };
        let unseen = tries > 0 && [Method::Same, Method::Nothing].contains(&method);
        Estimate {
            n,
            undefined: self.undefined,
            mean: tally.mean(),
            ci_low: interval.map(|(low, _)| low),
            ci_high: interval.map(|(_, high)| high),
            std_dev: tally.moments.std_dev(),
            min: any(tally.min),
            p5,
            p50,
            p95,
            p99,
            max: any(tally.max),
            method,
            exact: self.values.is_exact(),
            other_max: unseen.then(|| never_seen(worlds.unwrap_or(tries))),
            events: tally.events(),
        }
    }

    /// Quantiles with their intervals.
    pub fn quantiles<const N: usize>(&mut self, asked: [f64; N]) -> [Quantile; N] {
        self.settle();
        let Tally { moments, min, max, .. } = self.tally;
        let n = moments.count();
        if n == 0 {
            return [Quantile::default(); N];
        }
        let ordered = self.values.ordered();
        asked.map(|p| {
            let ranks = ranks(n, p);
            // A histogram knows the ends only roughly.
            let found = ordered.at([Some(ranks.at), ranks.low, ranks.high]);
            let [value, low, high] = found.map(|value| value.map(|value| value.clamp(min, max)));
            Quantile { value, low, high }
        })
    }
}

/// How many values differ from the smallest, or from the largest, whichever are fewer.
pub fn events(values: impl Iterator<Item = f64>) -> u64 {
    let mut tally = Tally::new();
    tally.push(&values.map(|value| (value, 1)).collect::<Vec<_>>());
    tally.events()
}

impl Tally {
    fn new() -> Tally {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        let moments = Moments::default();
        Tally { moments, min, max, at_min: 0, at_max: 0, binary: true, ones: 0 }
    }

    /// Takes values with how often they came in a row.
    fn push(&mut self, runs: &[(f64, u64)]) {
        self.moments.merge(&Moments::of_runs(runs));
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for &(value, _) in runs {
            min = if value < min { value } else { min };
            max = if value > max { value } else { max };
        }
        let times = |of: f64| -> u64 {
            runs.iter().map(|&(value, count)| if value == of { count } else { 0 }).sum()
        };
        if min < self.min {
            (self.min, self.at_min) = (min, 0);
        }
        if min == self.min {
            self.at_min += times(min);
        }
        if max > self.max {
            (self.max, self.at_max) = (max, 0);
        }
        if max == self.max {
            self.at_max += times(max);
        }
        if self.binary {
            self.ones += times(1.0);
            self.binary = runs.iter().all(|&(value, _)| value == 0.0 || value == 1.0);
        }
    }

    fn events(&self) -> u64 {
        self.moments.count() - self.at_min.max(self.at_max)
    }

    /// The mean.
    fn mean(&self) -> Option<f64> {
        // Rounding must not make the mean of equal values another value.
        let same = self.moments.count() > 0 && self.min == self.max;
        if same { Some(self.min) } else { self.moments.mean() }
    }

    /// The interval of the mean, and how it came about; of values of so many worlds, if they hang
    /// together in these.
    fn interval(
        &self,
        range: Option<(f64, f64)>,
        worlds: Option<u64>,
    ) -> (Method, Option<(f64, f64)>) {
        let n = self.moments.count();
        match n {
            0 => return (Method::Nothing, None),
            1 if range.is_none() => return (Method::Single, None),
            _ => {}
        }
        if self.min == self.max {
            let value = self.min;
            let other = never_seen(worlds.unwrap_or(n));
            // With probability `other` at most, the value is another one of the range.
            let bound = |(low, high): (f64, f64)| {
                (value + other * (low - value).min(0.0), value + other * (high - value).max(0.0))
            };
            return (Method::Same, range.map(bound));
        }
        if worlds.is_some() {
            return (Method::Worlds, None);
        }
        if self.binary {
            return (Method::Wilson, Some(wilson(self.ones, n)));
        }
        let ends = self.moments.mean().zip(self.moments.half_width());
        (Method::Student, ends.map(|(mean, half)| (mean - half, mean + half)))
    }
}

#[cfg(test)]
mod tests;
