//! Values and how often they came: shares, single values that come often, and bars.

use super::numbers::{Unit, VALUE_MAX, WHOLE};
use super::ruler::{Quantity, Ruler, Scale};

/// Fewer different values than this are shown one by one.
const FEW: usize = 12;
/// Bars of a histogram.
const BINS_MIN: f64 = 8.0;
const BINS_MAX: f64 = 60.0;
/// Largest factor between values and their middle that equal steps still show.
const TAIL: f64 = 50.0;

/// Sorted values, each once, with their counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) points: Vec<(f64, u64)>,
    /// All that are defined.
    pub(super) n: u64,
    /// Those that are not.
    pub(super) undefined: u64,
}

/// A bar between two places of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bin {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) count: u64,
}

/// What a histogram shows.
#[derive(Clone, Debug)]
pub(super) enum Bars {
    /// A few different values, each with its count.
    Single(Vec<(f64, u64)>),
    /// Counts between places from 0 to 1 on the axis.
    Binned(Vec<Bin>),
}

/// Values at the ends that come so often that they would dwarf the rest.
#[derive(Clone, Debug, Default)]
pub(super) struct Parted {
    pub(super) low: Option<(f64, u64)>,
    pub(super) high: Option<(f64, u64)>,
    pub(super) rest: Tally,
}

impl Tally {
    pub(super) fn new(values: &[(f64, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (value, count) in values {
            if value.is_finite() {
                // Minus zero is zero.
                tally.points.push((value.clamp(-VALUE_MAX, VALUE_MAX) + 0.0, *count));
            } else {
                tally.undefined = tally.undefined.saturating_add(*count);
            }
        }
        tally.points.retain(|(_, count)| *count > 0);
        tally.points.sort_by(|a, b| a.0.total_cmp(&b.0));
        tally.points.dedup_by(|b, a| {
            let same = a.0 == b.0;
            if same {
                a.1 = a.1.saturating_add(b.1);
            }
            same
        });
        tally.n = tally.points.iter().fold(0, |n, (_, count)| n.saturating_add(*count));
        tally
    }

    /// A count as a share of all.
    pub(super) fn share(&self, count: u64) -> f64 {
        if self.n == 0 { 0.0 } else { count as f64 / self.n as f64 }
    }

    /// The smallest value that at least a share of all do not exceed.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let wanted = share * self.n as f64;
        let mut seen = 0.0;
        for (value, count) in &self.points {
            seen += *count as f64;
            if seen >= wanted {
                return *value;
            }
        }
        self.points.last().map_or(0.0, |p| p.0)
    }

    /// The scale that suits these values.
    pub(super) fn scale(&self, quantity: &Quantity) -> Scale {
        let above = |least: f64| self.points.iter().filter(move |p| p.0 > least);
        match quantity.scale {
            Scale::Auto => {}
            scale => return scale,
        }
        let (low, high) = super::ruler::ends(self.points.iter().map(|p| p.0));
        if low < 0.0 || above(0.0).count() <= FEW {
            return Scale::Linear;
        }
        let rest = Tally::new(&above(0.0).copied().collect::<Vec<_>>());
        if quantity.unit == Unit::Share {
            let below: Vec<(f64, u64)> =
                rest.points.iter().filter(|p| p.0 < 1.0 - WHOLE).copied().collect();
            let below = Tally::new(&below);
            let missing = |share| 1.0 - below.quantile(share);
            let wide = missing(0.0) / missing(0.5).max(WHOLE) > 20.0;
            let near = high <= 1.0 && below.quantile(0.5) > 0.9;
            return if below.n > 0 && near && wide { Scale::Nines } else { Scale::Linear };
        }
        if high / rest.quantile(0.5) > TAIL { Scale::Log } else { Scale::Linear }
    }

    /// Parts what a scale cannot hold, or what would dwarf the rest.
    pub(super) fn part(&self, scale: Scale) -> Parted {
        let different = self.points.len();
        let often = |point: &(f64, u64)| {
            let share = self.share(point.1);
            (different > FEW && share >= 0.05) || (different > 2 && share >= 0.6)
        };
        let positive = self.points.first().is_some_and(|p| p.0 == 0.0) && different > 1;
        let low = self.points.first().copied();
        let low = low.filter(|p| (scale == Scale::Log && positive) || (often(p) && p.0 <= 1e14));
        let high = self.points.last().copied().filter(|_| different > 1);
        let whole = |p: &(f64, u64)| scale == Scale::Nines && p.0 >= 1.0 - WHOLE;
        let high = high.filter(|p| whole(p) || often(p));
        let apart =
            |value: f64| low.is_some_and(|p| p.0 == value) || high.is_some_and(|p| p.0 == value);
        let points: Vec<(f64, u64)> = self.points.iter().filter(|p| !apart(p.0)).copied().collect();
        if points.is_empty() {
            return Parted { low: None, high: None, rest: self.clone() };
        }
        Parted { low, high, rest: Tally::new(&points) }
    }

    /// Is each value shown for itself?
    pub(super) fn few(&self) -> bool {
        self.points.len() <= FEW
    }

    /// Bars on an axis: width by the rule of Freedman and Diaconis.
    pub(super) fn bars(&self, unit: Unit, ruler: &Ruler) -> Bars {
        if self.few() {
            return Bars::Single(self.points.clone());
        }
        let (low, high) = super::ruler::ends(self.points.iter().map(|p| p.0));
        let whole = self.points.iter().all(|p| p.0.fract() == 0.0);
        if unit == Unit::Count && whole && high - low <= BINS_MAX && !ruler.is_log() {
            let bin = |p: &(f64, u64)| Bin {
                low: ruler.share(p.0 - 0.5),
                high: ruler.share(p.0 + 0.5),
                count: p.1,
            };
            return Bars::Binned(self.points.iter().map(bin).collect());
        }
        let (from, to) = (ruler.share(low), ruler.share(high));
        let spread = ruler.share(self.quantile(0.75)) - ruler.share(self.quantile(0.25));
        let cube = libm::cbrt(self.n as f64);
        let most = BINS_MAX.min(libm::sqrt(self.n as f64) * 2.0).max(BINS_MIN);
        let wanted = if spread > 0.0 { (to - from) * cube / (2.0 * spread) } else { 3.0 * cube };
        self.binned(ruler, (from, to), wanted.clamp(BINS_MIN, most).round() as usize)
    }

    /// Counts in bins of one width between two places of an axis.
    pub(super) fn binned(&self, ruler: &Ruler, (from, to): (f64, f64), bins: usize) -> Bars {
        let width = ((to - from) / bins as f64).max(1e-9);
        let place = |i: usize| from + width * i as f64;
        let mut counted: Vec<Bin> =
            (0..bins).map(|i| Bin { low: place(i), high: place(i + 1), count: 0 }).collect();
        for (value, count) in &self.points {
            let at = ((ruler.share(*value) - from) / width).max(0.0) as usize;
            if let Some(bin) = counted.get_mut(at.min(bins - 1)) {
                bin.count = bin.count.saturating_add(*count);
            }
        }
        Bars::Binned(counted)
    }
}
