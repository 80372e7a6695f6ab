//! The values of a measure in bounded memory: all of them up to a cap, then a histogram.

use hdrhistogram::Histogram;

/// So many values are kept as they are; with more, quantiles come from a histogram.
pub const EXACT_MAX: usize = 10_000;
/// Significant decimal digits of the histogram: a quantile is off by at most 0.1 % of itself.
const DIGITS: u8 = 3;
/// The largest whole number that the histogram takes.
const LARGEST: u64 = 1 << 62;

/// What a measure's numbers stand for: how they become the whole numbers of the histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Seconds, counted in nanoseconds.
    Seconds,
    /// A share from 0 to 1, counted by what it lacks to 1 in steps of 2^-53: the error is
    /// relative to the unavailability, not to the availability.
    Fraction,
    /// Any other number, counted in steps of 2^-20.
    Number,
}

impl Scale {
    /// The scale of a unit of measures.
    pub fn of_unit(unit: &str) -> Scale {
        match unit {
            "s" => Scale::Seconds,
            "fraction" => Scale::Fraction,
            _ => Scale::Number,
        }
    }

    fn step(self) -> f64 {
        match self {
            Scale::Seconds => 1e9,
            Scale::Fraction => 9_007_199_254_740_992.0,
            Scale::Number => 1_048_576.0,
        }
    }

    fn place(self, value: f64) -> f64 {
        if self == Scale::Fraction { 1.0 - value } else { value }
    }
}

/// Histograms of the places above and below zero.
#[derive(Clone, Debug, PartialEq)]
struct Sketch {
    above: Histogram<u64>,
    below: Histogram<u64>,
}

impl Sketch {
    fn new() -> Sketch {
        let empty = || {
            let mut histogram = Histogram::new(DIGITS).expect("three digits are allowed");
            histogram.auto(true);
            histogram
        };
        Sketch { above: empty(), below: empty() }
    }

    fn push(&mut self, value: f64, count: u64, scale: Scale) {
        let place = scale.place(value) * scale.step();
        let whole = libm::round(libm::fabs(place)).min(LARGEST as f64) as u64;
        let histogram = if place < 0.0 { &mut self.below } else { &mut self.above };
        histogram.record_n(whole, count).expect("the histogram grows to what it takes");
    }

    /// Every bucket in the order of its places, with the count of its values.
    fn buckets(&self, scale: Scale) -> Vec<(f64, u64)> {
        let of = |histogram: &Histogram<u64>, sign: f64| {
            let value = |bucket: u64| {
                let place = sign * histogram.median_equivalent(bucket) as f64 / scale.step();
                scale.place(place)
            };
            let buckets = histogram.iter_recorded();
            let found = buckets.map(|b| (value(b.value_iterated_to()), b.count_at_value()));
            found.collect::<Vec<_>>()
        };
        let mut all = of(&self.below, -1.0);
        all.reverse();
        all.extend(of(&self.above, 1.0));
        if scale == Scale::Fraction {
            all.reverse();
        }
        all
    }
}

/// Values in bounded memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    scale: Scale,
    /// Values with how many times in a row they came, and how many there are.
    exact: Vec<(f64, u64)>,
    kept: u64,
    sketch: Option<Box<Sketch>>,
    /// Are all that the sketch has taken whole numbers?
    whole: bool,
}

impl Values {
    /// No values yet.
    pub fn new(scale: Scale) -> Values {
        Values { scale, exact: Vec::new(), kept: 0, sketch: None, whole: true }
    }

    /// Takes values, finite ones, with how many times in a row they came.
    pub fn push(&mut self, runs: &[(f64, u64)]) {
        match &mut self.sketch {
            Some(sketch) => {
                for &(value, count) in runs {
                    self.whole &= value.fract() == 0.0;
                    sketch.push(value, count, self.scale);
                }
            }
            None => {
                self.exact.extend_from_slice(runs);
                self.kept += runs.iter().map(|(_, count)| count).sum::<u64>();
                if self.kept > EXACT_MAX as u64 {
                    self.spill();
                }
            }
        }
    }

    /// Takes all the values of another series of the same scale.
    pub fn merge(&mut self, other: &Values) {
        assert_eq!(self.scale, other.scale, "only like is merged with like");
        self.push(&other.exact);
        if let Some(theirs) = &other.sketch {
            self.spill();
            self.whole &= other.whole;
            if let Some(sketch) = &mut self.sketch {
                let pairs =
                    [(&mut sketch.above, &theirs.above), (&mut sketch.below, &theirs.below)];
                for (own, more) in pairs {
                    own.add(more).expect("the histogram grows to what it takes");
                }
            }
        }
    }

    fn spill(&mut self) {
        let exact = std::mem::take(&mut self.exact);
        self.sketch.get_or_insert_with(|| Box::new(Sketch::new()));
        self.push(&exact);
    }

    /// Lets go of all values.
    pub fn let_go(&mut self) {
        *self = Values::new(self.scale);
    }

    /// Are all values kept as they are?
    pub fn is_exact(&self) -> bool {
        self.sketch.is_none()
    }

    /// The values in ascending order with how often each occurs: as they are up to
    /// [`EXACT_MAX`], then with an error of at most 0.1 % of themselves (a share: of what it lacks
    /// to 1).
    pub fn sorted(&self) -> Vec<(f64, u64)> {
        let ranks = match self.ordered() {
            Ordered::Exact(ranks) => ranks,
            Ordered::Buckets(buckets) => return buckets,
        };
        // Both zeros are one value.
        let same = |one: &u64, next: &u64| one == next || ranked(*one) == ranked(*next);
        ranks.chunk_by(same).map(|run| (ranked(run[0]), run.len() as u64)).collect()
    }

    /// The values in ascending order, to look some of them up.
    pub fn ordered(&self) -> Ordered {
        if let Some(sketch) = &self.sketch {
            let mut buckets = sketch.buckets(self.scale);
            // What is counted in whole numbers is told in whole numbers: exactly, up to 500.
            if self.whole && self.scale == Scale::Number {
                buckets.iter_mut().for_each(|(value, _)| *value = libm::round(*value));
            }
            return Ordered::Buckets(buckets);
        }
        // Whole numbers are sorted several times as fast as pairs.
        let mut ranks: Vec<u64> = Vec::with_capacity(self.kept as usize);
        for &(value, count) in &self.exact {
            match count {
                1 => ranks.push(rank(value)),
                _ => ranks.resize(ranks.len() + count as usize, rank(value)),
            }
        }
        ranks.sort_unstable();
        Ordered::Exact(ranks)
    }
}

/// Values in ascending order.
#[derive(Clone, Debug)]
pub enum Ordered {
    /// Each of them, by its place in the total order of numbers.
    Exact(Vec<u64>),
    /// Those of a histogram, with how often each occurs.
    Buckets(Vec<(f64, u64)>),
}

impl Ordered {
    /// The values at these places among them, which count from 1.
    pub fn at<const N: usize>(&self, places: [Option<u64>; N]) -> [Option<f64>; N] {
        match self {
            Ordered::Exact(ranks) => places.map(|place| {
                let index = usize::try_from(place?).ok()?.checked_sub(1)?;
                ranks.get(index).map(|rank| ranked(*rank))
            }),
            Ordered::Buckets(buckets) => places.map(|place| {
                let (place, mut below) = (place?, 0);
                let reached = |(_, count): &&(f64, u64)| {
                    below += count;
                    below >= place
                };
                buckets.iter().find(reached).map(|(value, _)| *value)
            }),
        }
    }
}

/// The sign of a floating-point number.
const SIGN: u64 = 1 << 63;

/// The place of a number in the total order of all of them.
fn rank(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The number at a place.
fn ranked(rank: u64) -> f64 {
    f64::from_bits(if rank & SIGN == 0 { !rank } else { rank & !SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scale: Scale, values: impl Iterator<Item = f64>) -> Values {
        let mut all = Values::new(scale);
        values.for_each(|value| all.push(&[(value, 1)]));
        all
    }

    /// The value at a place among the sorted ones, from 1.
    fn at(sorted: &[(f64, u64)], rank: u64) -> f64 {
        let mut seen = 0;
        for (value, count) in sorted {
            seen += count;
            if seen >= rank {
                return *value;
            }
        }
        f64::NAN
    }

    #[test]
    fn up_to_the_cap_values_are_exact() {
        let values = of(Scale::Seconds, [3.25, 1.5, 3.25, -2.0].into_iter());
        assert!(values.is_exact());
        assert_eq!(values.sorted(), [(-2.0, 1), (1.5, 1), (3.25, 2)]);
    }

    #[test]
    fn ranks_are_in_the_order_of_their_numbers() {
        let ascending = [f64::MIN, -2.5, -1e-300, -0.0, 0.0, 1e-300, 1.0, 1.5, f64::MAX];
        assert!(ascending.windows(2).all(|pair| rank(pair[0]) < rank(pair[1])));
        assert!(ascending.iter().all(|value| ranked(rank(*value)).to_bits() == value.to_bits()));
    }

    #[test]
    fn a_run_is_its_values() {
        let mut runs = Values::new(Scale::Seconds);
        runs.push(&[(2.0, 3), (1.0, 1), (2.0, 2)]);
        assert_eq!(runs.sorted(), [(1.0, 1), (2.0, 5)]);
        runs.push(&[(1.0, EXACT_MAX as u64 - 6)]);
        assert!(runs.is_exact());
        runs.push(&[(1.0, 1)]);
        assert!(!runs.is_exact());
    }

    #[test]
    fn small_counts_stay_whole_beyond_the_cap() {
        let values = of(Scale::Number, (0..501 * 40).map(|n| f64::from(n % 501)));
        assert!(!values.is_exact());
        let wanted: Vec<(f64, u64)> = (0..501).map(|n| (f64::from(n), 40)).collect();
        assert_eq!(values.sorted(), wanted);
        // One value that is not whole, and nothing is rounded.
        let mut mixed = of(Scale::Number, std::iter::once(0.25));
        mixed.merge(&values);
        assert!(mixed.sorted().iter().any(|(value, _)| (value - 0.25).abs() < 1e-3));
    }

    #[test]
    fn beyond_the_cap_the_error_is_as_stated() {
        let n = 30_000u32;
        for scale in [Scale::Seconds, Scale::Number] {
            let value = |n: u32| f64::from(n) * f64::from(n) / 7.0 - 1e6;
            let values = of(scale, (1..=n).map(value));
            assert!(!values.is_exact());
            let sorted = values.sorted();
            assert_eq!(sorted.iter().map(|(_, count)| count).sum::<u64>(), u64::from(n));
            for rank in (1..=n).step_by(997) {
                let (found, truth) = (at(&sorted, u64::from(rank)), value(rank));
                assert!((found - truth).abs() <= 1e-3 * truth.abs(), "{found} is not {truth}");
            }
        }
    }

    #[test]
    fn shares_near_to_one_keep_their_nines() {
        let n = 30_000u32;
        let value = |n: u32| 1.0 - 1e-9 * f64::from(n);
        let sorted = of(Scale::Fraction, (1..=n).map(value)).sorted();
        for rank in (1..=n).step_by(997) {
            let (found, truth) = (1.0 - at(&sorted, u64::from(rank)), 1.0 - value(n + 1 - rank));
            assert!((found - truth).abs() <= 1e-3 * truth, "{found} is not {truth}");
        }
    }

    #[test]
    fn merging_is_like_pushing_all() {
        let value = |n: u32| f64::from(n * 7919 % 10_007);
        let (small, large) = (|| (0..50).map(value), || (50..30_000).map(value));
        let mut merged = of(Scale::Seconds, small());
        merged.merge(&of(Scale::Seconds, large()));
        assert_eq!(merged.sorted(), of(Scale::Seconds, small().chain(large())).sorted());
        let mut few = of(Scale::Seconds, (0..5).map(value));
        few.merge(&of(Scale::Seconds, (5..9).map(value)));
        assert_eq!(few.sorted(), of(Scale::Seconds, (0..9).map(value)).sorted());
    }

    #[test]
    fn no_finite_value_is_refused() {
        let extremes = [f64::MAX, f64::MIN, 1e300, 0.0, f64::MIN_POSITIVE];
        let values = of(Scale::Number, extremes.into_iter().cycle().take(EXACT_MAX + 10));
        assert!(!values.sorted().is_empty());
    }
}
