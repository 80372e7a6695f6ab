//! Distributions of durations, drawn by inverse transform.
//!
//! One fraction of a random stream becomes one duration through the inverse of the distribution
//! function. The draw is therefore monotone in the fraction (two variants of a scenario that share
//! a stream share their luck), and truncation needs no repetition. Every probability is carried as
//! the pair (below, above), so that neither tail loses digits to a subtraction from 1.
//!
//! The functions of the mathematics library are those of the `libm` crate: same bits everywhere.

use crate::engine::random::RandomStream;
use crate::engine::time::SimDuration;
use crate::limits::{EMPIRICAL_VALUES_MAX, MIXTURE_COMPONENTS_MAX};
use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::fmt;

/// The 95th percentile of the standard normal distribution.
const Z95: f64 = 1.6448536269514722;
/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.3263478740408408;
/// How far the weights of a mixture may be from a sum of 1: room for sums of decimal fractions.
const WEIGHT_SUM_TOLERANCE: f64 = 1e-9;
/// The least probability of an interval to which a distribution can be cut: below it, the bounds
/// are a mistake rather than a choice.
const BOUNDED_PROBABILITY_MIN: f64 = 1e-12;
/// The largest fraction below 1 on the grid of 2^-53.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

/// A distribution of durations.
///
/// [`fmt::Display`] writes the value that a scenario file takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Dist {
    shape: Shape,
    bounds: Option<Bounds>,
    /// No sample is shorter; keeps the last bit of a rounding inside.
    least: SimDuration,
    /// No sample is longer.
    most: SimDuration,
}

/// What was written, with the constants that sampling needs.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Constant(SimDuration),
    Uniform { from: SimDuration, to: SimDuration },
    LogUniform { from: SimDuration, to: SimDuration, ln_ratio: f64 },
    Exponential { mean: SimDuration },
    Lognormal { median: SimDuration, tail: SimDuration, percent: u8, mu: f64, sigma: f64 },
    Weibull { scale: SimDuration, shape: f64 },
    Gamma { mean: SimDuration, shape: f64, scale: f64 },
    Triangular { min: SimDuration, mode: SimDuration, max: SimDuration },
    Mixture { written: Vec<(f64, Dist)>, parts: Vec<Part> },
    Empirical { values: Vec<SimDuration>, first: usize, end: usize },
}

/// A component of a mixture as it is sampled: its share within the bounds, and what is left of it.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    weight: f64,
    /// The sum of the weights up to and including this one.
    weight_to: f64,
    dist: Dist,
}

/// A truncation: as written, and as probabilities of the distribution without it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bounds {
    min: Option<SimDuration>,
    max: Option<SimDuration>,
    /// P(X <= min).
    below: f64,
    /// P(X > max).
    above: f64,
    /// P(min < X <= max).
    width: f64,
}

impl Dist {
    /// The same duration every time. Sampling draws nothing.
    pub fn constant(value: SimDuration) -> Dist {
        Dist { shape: Shape::Constant(value), bounds: None, least: value, most: value }
    }

    /// Every duration between `from` and `to` equally likely.
    pub fn uniform(from: SimDuration, to: SimDuration) -> Result<Dist, String> {
        check_order("from", from, "to", to)?;
        Ok(Dist::new(Shape::Uniform { from, to }, from, to))
    }

    /// Every order of magnitude between `from` and `to` equally likely.
    pub fn log_uniform(from: SimDuration, to: SimDuration) -> Result<Dist, String> {
        check_positive("from", from)?;
        check_order("from", from, "to", to)?;
        let ln_ratio = ln_ratio(from, to);
        Ok(Dist::new(Shape::LogUniform { from, to, ln_ratio }, from, to))
    }

    /// The time to the next of events that come at a constant rate.
    pub fn exponential(mean: SimDuration) -> Result<Dist, String> {
        check_positive("mean", mean)?;
        Ok(Dist::unlimited(Shape::Exponential { mean }))
    }

    /// A lognormal distribution by its median and its 95th percentile.
    pub fn lognormal_p95(median: SimDuration, p95: SimDuration) -> Result<Dist, String> {
        Dist::lognormal(median, p95, 95, Z95)
    }

    /// A lognormal distribution by its median and its 99th percentile.
    pub fn lognormal_p99(median: SimDuration, p99: SimDuration) -> Result<Dist, String> {
        Dist::lognormal(median, p99, 99, Z99)
    }

    fn lognormal(
        median: SimDuration,
        tail: SimDuration,
        percent: u8,
        z: f64,
    ) -> Result<Dist, String> {
        check_positive("median", median)?;
        check_order("median", median, if percent == 95 { "p95" } else { "p99" }, tail)?;
        let mu = libm::log(median.seconds());
        let sigma = ln_ratio(median, tail) / z;
        Ok(Dist::unlimited(Shape::Lognormal { median, tail, percent, mu, sigma }))
    }

    /// A Weibull distribution: wear-out for a shape above 1, early failures below.
    pub fn weibull(scale: SimDuration, shape: f64) -> Result<Dist, String> {
        check_positive("scale", scale)?;
        check_factor("shape", shape)?;
        Ok(Dist::unlimited(Shape::Weibull { scale, shape }))
    }

    /// A gamma distribution by its mean; the squared coefficient of variation is `1 / shape`.
    pub fn gamma(mean: SimDuration, shape: f64) -> Result<Dist, String> {
        check_positive("mean", mean)?;
        check_factor("shape", shape)?;
        let scale = mean.seconds() / shape;
        if !(1e-290..=1e290).contains(&shape) {
            return Err(format!("shape must be between 1e-290 and 1e290, but it is {shape:?}"));
        }
        Ok(Dist::unlimited(Shape::Gamma { mean, shape, scale }))
    }

    /// A triangular distribution: a guess of the least, the most likely and the greatest duration.
    pub fn triangular(
        min: SimDuration,
        mode: SimDuration,
        max: SimDuration,
    ) -> Result<Dist, String> {
        if min > mode || mode > max {
            return Err(format!(
                "min, mode and max must be in this order, but they are {min}, {mode} and {max}"
            ));
        }
        check_order("min", min, "max", max)?;
        Ok(Dist::new(Shape::Triangular { min, mode, max }, min, max))
    }

    /// One of several distributions, each with the probability `weight`.
    ///
    /// The weights must add up to 1 within 1e-9; what is left of the difference is divided among
    /// them. A component cannot be a mixture itself: a sample then takes two draws, always.
    pub fn mixture(components: Vec<(f64, Dist)>) -> Result<Dist, String> {
        if components.is_empty() {
            return Err("a mixture needs at least one component".to_string());
        }
        if components.len() > MIXTURE_COMPONENTS_MAX {
            return Err(format!(
                "a mixture takes at most {MIXTURE_COMPONENTS_MAX} components, but this one has {}",
                components.len()
            ));
        }
        let mut sum = 0.0;
        for (weight, dist) in &components {
            check_factor("weight", *weight)?;
            if matches!(dist.shape, Shape::Mixture { .. }) {
                return Err("a component of a mixture cannot be a mixture; list its components \
                            in the outer one, with their weights multiplied"
                    .to_string());
            }
            sum += weight;
        }
        // The sum may be infinite, but is always a number.
        if libm::fabs(sum - 1.0) > WEIGHT_SUM_TOLERANCE {
            return Err(format!("the weights of a mixture must add up to 1, but they make {sum}"));
        }
        let parts = parts_of(components.iter().map(|(w, dist)| (*w, dist.clone())).collect());
        Ok(Dist::of_parts(components, parts, None))
    }

    /// One of the given durations, each equally likely; a duration given twice counts twice.
    pub fn empirical(mut values: Vec<SimDuration>) -> Result<Dist, String> {
        if values.len() > EMPIRICAL_VALUES_MAX {
            return Err(format!(
                "an empirical distribution takes at most {EMPIRICAL_VALUES_MAX} values, but this \
                 one has {}",
                values.len()
            ));
        }
        values.sort_unstable();
        let (Some(&least), Some(&most)) = (values.first(), values.last()) else {
            return Err("an empirical distribution needs at least one value".to_string());
        };
        let end = values.len();
        Ok(Dist::new(Shape::Empirical { values, first: 0, end }, least, most))
    }

    /// This distribution under the condition that the duration is from `min` to `max`.
    ///
    /// A constant stays what it is, but must lie inside. A triangular distribution has bounds of
    /// its own and takes no others.
    pub fn bounded(
        self,
        min: Option<SimDuration>,
        max: Option<SimDuration>,
    ) -> Result<Dist, String> {
        if min.is_none() && max.is_none() {
            return Ok(self);
        }
        if matches!(self.shape, Shape::Triangular { .. }) {
            return Err(
                "a triangular distribution takes no bounds besides its own min and max".to_string()
            );
        }
        if self.is_bounded() {
            return Err(
                "the distribution has bounds already; give min and max together".to_string()
            );
        }
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            return Err(format!("min must not exceed max, but {min} is longer than {max}"));
        }
        let range = match (min, max) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("above {min}"),
            (None, Some(max)) => format!("below {max}"),
            (None, None) => String::new(),
        };
        if let Shape::Constant(value) = self.shape {
            let inside = min.is_none_or(|min| min <= value) && max.is_none_or(|max| value <= max);
            return if inside {
                Ok(self)
            } else {
                Err(format!("the duration must be {range}, but it is always {value}"))
            };
        }
        match self.truncated(min, max) {
            Some((dist, probability)) if probability >= BOUNDED_PROBABILITY_MIN => Ok(dist),
            _ => Err(format!(
                "a duration {range} has a probability below 1e-12; widen the bounds to where the \
                 distribution has its values"
            )),
        }
    }

    /// A sample.
    ///
    /// Takes exactly one [`RandomStream::open01`] for every shape except two: a constant takes
    /// none, and a mixture takes two, one for the component and one for the value (also if the
    /// component is a constant). So the place in the stream never depends on the values drawn.
    pub fn sample(&self, stream: &mut RandomStream) -> SimDuration {
        match &self.shape {
            Shape::Constant(value) => *value,
            Shape::Mixture { parts, .. } => {
                let (choice, u) = (stream.open01(), stream.open01());
                let chosen = parts.iter().find(|part| choice < part.weight_to).or(parts.last());
                chosen.map_or(self.least, |part| part.dist.sample_at(u))
            }
            _ => self.sample_at(stream.open01()),
        }
    }

    /// The duration below which the fraction `p` of the samples lies, in seconds.
    ///
    /// At or below 0 it is the lower end of the support, at or above 1 the upper, which may be
    /// infinite. Exact to rounding, except that for a mixture it is found by bisection.
    pub fn quantile(&self, p: f64) -> f64 {
        if p.is_nan() {
            p
        } else if p <= 0.0 {
            self.support_min()
        } else if p >= 1.0 {
            self.support_max()
        } else if let Shape::Mixture { parts, .. } = &self.shape {
            let each = parts.iter().map(|part| part.dist.quantile(p));
            let low = each.clone().fold(f64::INFINITY, f64::min);
            let high = each.fold(0.0, f64::max);
            // The smaller of the two probabilities decides: it has the digits.
            let reached = |x: f64| {
                let (below, above) = self.pair(x);
                if p < 0.5 { below >= p } else { above <= 1.0 - p }
            };
            // Floats from 0 up have the order of their bits: at most 64 halvings to the nearest.
            let (mut low, mut high) = (low.max(0.0).to_bits(), high.max(0.0).to_bits());
            while low < high {
                let middle = low + (high - low) / 2;
                if reached(f64::from_bits(middle)) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            f64::from_bits(high)
        } else {
            self.seconds_at(p, 1.0 - p)
        }
    }

    /// The probability that a duration is longer than this many seconds.
    pub fn survival(&self, seconds: f64) -> f64 {
        if seconds.is_nan() { seconds } else { self.pair(seconds).1 }
    }

    /// The expectation in seconds; infinite for a Weibull shape below 0.006.
    ///
    /// Closed forms, also under bounds (they are the partial expectations, which are exact where
    /// the integral of the survival function would need thousands of points). Samples are cut at
    /// [`SimDuration::MAX`], the expectation is not.
    pub fn mean(&self) -> f64 {
        match &self.shape {
            Shape::Constant(value) => value.seconds(),
            Shape::Mixture { parts, .. } => {
                parts.iter().map(|part| part.weight * part.dist.mean()).sum()
            }
            Shape::Empirical { values, first, end } => {
                let kept = values.get(*first..*end).unwrap_or_default();
                kept.iter().map(|value| value.seconds()).sum::<f64>() / kept.len() as f64
            }
            shape => match self.bounds {
                None => shape.mean(),
                Some(bounds) => {
                    let (low, high) = (self.support_min(), self.support_max());
                    if low >= high {
                        return low;
                    }
                    let mean = match shape.partial_mean(low, high) {
                        Some(partial) => partial / bounds.width,
                        None => self.mean_by_integral(low, high),
                    };
                    // Rounding must not lift the mean of a narrow interval out of it.
                    mean.clamp(low, high)
                }
            },
        }
    }

    /// The one value of a constant, `None` for every other shape.
    pub fn as_constant(&self) -> Option<SimDuration> {
        match self.shape {
            Shape::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The least upper bound of the durations in seconds; may be infinite.
    pub fn support_max(&self) -> f64 {
        match &self.shape {
            Shape::Mixture { parts, .. } => {
                parts.iter().map(|part| part.dist.support_max()).fold(0.0, f64::max)
            }
            _ if self.most == SimDuration::MAX && self.is_unlimited() => f64::INFINITY,
            _ => self.most.seconds(),
        }
    }

    fn support_min(&self) -> f64 {
        self.least.seconds()
    }

    /// Has the distribution no upper end of its own or by its bounds?
    fn is_unlimited(&self) -> bool {
        use Shape::*;
        let endless = matches!(
            self.shape,
            Exponential { .. } | Lognormal { .. } | Weibull { .. } | Gamma { .. }
        );
        endless && self.bounds.is_none_or(|bounds| bounds.max.is_none())
    }

    /// Has it been truncated? A mixture or an empirical distribution keeps only the bounds' text
    /// and applies them to its components or values.
    fn is_bounded(&self) -> bool {
        self.bounds.is_some()
    }

    fn new(shape: Shape, least: SimDuration, most: SimDuration) -> Dist {
        Dist { shape, bounds: None, least, most }
    }

    fn unlimited(shape: Shape) -> Dist {
        Dist::new(shape, SimDuration::ZERO, SimDuration::MAX)
    }

    fn of_parts(written: Vec<(f64, Dist)>, parts: Vec<Part>, bounds: Option<Bounds>) -> Dist {
        let least = parts.iter().map(|part| part.dist.least).min().unwrap_or_default();
        let most = parts.iter().map(|part| part.dist.most).max().unwrap_or_default();
        Dist { shape: Shape::Mixture { written, parts }, bounds, least, most }
    }

    /// The distribution within `min` and `max` (and its own bounds), and the probability of being
    /// there; `None` if that is zero.
    fn truncated(&self, min: Option<SimDuration>, max: Option<SimDuration>) -> Option<(Dist, f64)> {
        let least = self.least.max(min.unwrap_or(SimDuration::ZERO));
        let most = self.most.min(max.unwrap_or(SimDuration::MAX));
        if least > most {
            return None;
        }
        let old = self.bounds;
        let mut bounds = Bounds {
            min: later(old.and_then(|old| old.min), min),
            max: earlier(old.and_then(|old| old.max), max),
            below: 0.0,
            above: 0.0,
            width: 1.0,
        };
        match &self.shape {
            Shape::Constant(_) => Some((self.clone(), 1.0)),
            Shape::Empirical { values, first, end } => {
                let before = values.partition_point(|value| *value < least).max(*first);
                let after = values.partition_point(|value| *value <= most).min(*end);
                let kept = values.get(before..after)?;
                let (least, most) = (*kept.first()?, *kept.last()?);
                let probability = kept.len() as f64 / (end - first) as f64;
                let values = values.clone();
                let shape = Shape::Empirical { values, first: before, end: after };
                Some((Dist { shape, bounds: Some(bounds), least, most }, probability))
            }
            Shape::Mixture { written, parts } => {
                let kept: Vec<(f64, Dist)> = parts
                    .iter()
                    .filter_map(|part| {
                        let (dist, probability) = part.dist.truncated(min, max)?;
                        Some((part.weight * probability, dist))
                    })
                    .collect();
                let probability = kept.iter().map(|(weight, _)| weight).sum();
                if probability <= 0.0 {
                    return None;
                }
                let dist = Dist::of_parts(written.clone(), parts_of(kept), Some(bounds));
                Some((dist, probability))
            }
            shape => {
                let (low, not_low) = bounds.min.map_or((0.0, 1.0), |min| shape.pair(min.seconds()));
                let (not_high, high) =
                    bounds.max.map_or((1.0, 0.0), |max| shape.pair(max.seconds()));
                // The difference of the smaller pair has the digits.
                let width = if low > 0.5 { not_low - high } else { not_high - low };
                if width.is_nan() || width <= 0.0 {
                    return None;
                }
                (bounds.below, bounds.above, bounds.width) = (low, high, width);
                let whole = old.map_or(1.0, |old| old.width);
                let dist = Dist { shape: shape.clone(), bounds: Some(bounds), least, most };
                Some((dist, width / whole))
            }
        }
    }

    /// The sample at a fraction; not for mixtures.
    fn sample_at(&self, u: f64) -> SimDuration {
        match &self.shape {
            Shape::Constant(value) => *value,
            Shape::Empirical { values, first, end } => {
                values.get(pick(u, *first, *end)).copied().unwrap_or(self.least)
            }
            _ => {
                let seconds = self.seconds_at(u, 1.0 - u);
                SimDuration::from_seconds_f64(seconds).clamp(self.least, self.most)
            }
        }
    }

    /// The duration with probability `p` below and `q` above, in seconds; not for mixtures.
    fn seconds_at(&self, p: f64, q: f64) -> f64 {
        match &self.shape {
            Shape::Constant(value) => value.seconds(),
            Shape::Empirical { values, first, end } => values
                .get(pick(p, *first, *end))
                .map_or(self.support_min(), |value| value.seconds()),
            shape => match self.bounds {
                None => shape.seconds_at(p, q),
                Some(bounds) => {
                    let p = bounds.below + p * bounds.width;
                    let q = bounds.above + q * bounds.width;
                    shape.seconds_at(p, q).clamp(self.support_min(), self.support_max())
                }
            },
        }
    }

    /// P(X <= x) and P(X > x).
    fn pair(&self, x: f64) -> (f64, f64) {
        let share = |part: usize, whole: usize| part as f64 / whole as f64;
        match &self.shape {
            Shape::Constant(value) => {
                if value.seconds() > x {
                    (0.0, 1.0)
                } else {
                    (1.0, 0.0)
                }
            }
            Shape::Empirical { values, first, end } => {
                let kept = values.get(*first..*end).unwrap_or_default();
                let below = kept.partition_point(|value| value.seconds() <= x);
                (share(below, kept.len()), share(kept.len() - below, kept.len()))
            }
            Shape::Mixture { parts, .. } => {
                let pairs = parts.iter().map(|part| (part.weight, part.dist.pair(x)));
                let sum = |(p, q), (w, pair): (f64, (f64, f64))| (p + w * pair.0, q + w * pair.1);
                let (p, q): (f64, f64) = pairs.fold((0.0, 0.0), sum);
                // The weights add up to 1 but for the last bit.
                (p.min(1.0), q.min(1.0))
            }
            shape => match self.bounds {
                None => shape.pair(x),
                Some(_) if x < self.support_min() => (0.0, 1.0),
                Some(_) if x >= self.support_max() => (1.0, 0.0),
                Some(bounds) => {
                    let (below, above) = shape.pair(x);
                    let p = ((below - bounds.below) / bounds.width).clamp(0.0, 1.0);
                    let q = ((above - bounds.above) / bounds.width).clamp(0.0, 1.0);
                    // The outer pair that is smaller has the digits.
                    if below < above { (p, 1.0 - p) } else { (1.0 - q, q) }
                }
            },
        }
    }

    /// The expectation as low + the integral of the survival function, for shapes so flat that the
    /// closed form overflows: on them the integrand is smooth in the logarithm of the duration.
    fn mean_by_integral(&self, low: f64, high: f64) -> f64 {
        if high.is_infinite() {
            return high;
        }
        let top = libm::log(high);
        // What is cut off below is at most e^-45 of `high`.
        let bottom = if low > 0.0 { libm::log(low).max(top - 45.0) } else { top - 45.0 };
        let start = libm::exp(bottom);
        const STEPS: u32 = 4096;
        let step = (top - bottom) / f64::from(STEPS);
        let mut sum = 0.0;
        for i in 0..=STEPS {
            let x = libm::exp(bottom + f64::from(i) * step);
            let factor = match i {
                0 | STEPS => 1.0,
                _ if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            sum += factor * x * self.pair(x.min(high)).1;
        }
        start + sum * step / 3.0
    }
}

/// The shapes with a density, without bounds.
impl Shape {
    /// The duration with probability `p` below and `q` above, in seconds.
    fn seconds_at(&self, p: f64, q: f64) -> f64 {
        match self {
            Shape::Uniform { from, to } => {
                let (from, to) = (from.seconds(), to.seconds());
                if p < 0.5 { from + p * (to - from) } else { to - q * (to - from) }
            }
            Shape::LogUniform { from, to, ln_ratio } => {
                if p < 0.5 {
                    from.seconds() * libm::exp(p * ln_ratio)
                } else {
                    to.seconds() * libm::exp(-q * ln_ratio)
                }
            }
            Shape::Exponential { mean } => mean.seconds() * minus_ln(p, q),
            Shape::Lognormal { mu, sigma, .. } => libm::exp(mu + sigma * normal_at(p, q)),
            Shape::Weibull { scale, shape } => {
                scale.seconds() * libm::pow(minus_ln(p, q), 1.0 / shape)
            }
            Shape::Gamma { shape, scale, .. } => scale * gamma_at(*shape, p, q),
            Shape::Triangular { min, mode, max } => {
                let (min, mode, max) = (min.seconds(), mode.seconds(), max.seconds());
                let whole = max - min;
                if p * whole < mode - min {
                    min + libm::sqrt(p * whole * (mode - min))
                } else {
                    max - libm::sqrt(q * whole * (max - mode))
                }
            }
            Shape::Constant(_) | Shape::Mixture { .. } | Shape::Empirical { .. } => f64::NAN,
        }
    }

    /// P(X <= x) and P(X > x).
    fn pair(&self, x: f64) -> (f64, f64) {
        let exponential = |t: f64| (-libm::expm1(-t), libm::exp(-t));
        // Ends first: they may be the same float, or the logarithm may not exist.
        let (low, high) = match self {
            Shape::Uniform { from, to } | Shape::LogUniform { from, to, .. } => {
                (from.seconds(), to.seconds())
            }
            Shape::Triangular { min, max, .. } => (min.seconds(), max.seconds()),
            _ => (0.0, f64::INFINITY),
        };
        if x < low {
            return (0.0, 1.0);
        }
        if x >= high {
            return (1.0, 0.0);
        }
        match self {
            Shape::Uniform { from, to } => {
                let (from, to) = (from.seconds(), to.seconds());
                let whole = to - from;
                ((x - from) / whole, (to - x) / whole)
            }
            Shape::LogUniform { from, to, ln_ratio } => {
                let (from, to) = (from.seconds(), to.seconds());
                (libm::log(x / from) / ln_ratio, libm::log(to / x) / ln_ratio)
            }
            Shape::Exponential { mean } => exponential(x / mean.seconds()),
            Shape::Lognormal { mu, sigma, .. } => {
                let z = (libm::log(x) - mu) / sigma;
                (normal_survival(-z), normal_survival(z))
            }
            Shape::Weibull { scale, shape } => exponential(libm::pow(x / scale.seconds(), *shape)),
            Shape::Gamma { shape, scale, .. } => gamma_pair(*shape, x / scale),
            Shape::Triangular { min, mode, max } => {
                let (min, mode, max) = (min.seconds(), mode.seconds(), max.seconds());
                let whole = max - min;
                if x < mode {
                    let p = (x - min) * (x - min) / (whole * (mode - min));
                    (p, 1.0 - p)
                } else {
                    let q = (max - x) * (max - x) / (whole * (max - mode));
                    (1.0 - q, q)
                }
            }
            Shape::Constant(_) | Shape::Mixture { .. } | Shape::Empirical { .. } => {
                (f64::NAN, f64::NAN)
            }
        }
    }

    /// The expectation in seconds.
    fn mean(&self) -> f64 {
        match self {
            Shape::Uniform { from, to } => from.seconds() + (to.seconds() - from.seconds()) / 2.0,
            Shape::LogUniform { from, to, ln_ratio } => (to.seconds() - from.seconds()) / ln_ratio,
            Shape::Exponential { mean } | Shape::Gamma { mean, .. } => mean.seconds(),
            Shape::Lognormal { mu, sigma, .. } => libm::exp(mu + sigma * sigma / 2.0),
            Shape::Weibull { scale, shape } => scale.seconds() * libm::tgamma(1.0 + 1.0 / shape),
            Shape::Triangular { min, mode, max } => {
                (min.seconds() + mode.seconds() + max.seconds()) / 3.0
            }
            Shape::Constant(_) | Shape::Mixture { .. } | Shape::Empirical { .. } => f64::NAN,
        }
    }

    /// The expectation of X where it lies in [low, high], and of 0 elsewhere; `None` if it cannot
    /// be had as a share of the whole expectation, because that is infinite or nearly so.
    fn partial_mean(&self, low: f64, high: f64) -> Option<f64> {
        let between = |low: (f64, f64), high: (f64, f64)| {
            if low.0 > 0.5 { low.1 - high.1 } else { high.0 - low.0 }
        };
        let gamma = |a: f64, low: f64, high: f64| between(gamma_pair(a, low), gamma_pair(a, high));
        let whole = self.mean();
        if !whole.is_finite() {
            return None;
        }
        Some(match self {
            Shape::Uniform { from, to } => {
                (high - low) / (to.seconds() - from.seconds()) * (low + (high - low) / 2.0)
            }
            Shape::LogUniform { ln_ratio, .. } => (high - low) / ln_ratio,
            // The density times x is, up to a factor, the density of a shape one step further.
            Shape::Exponential { mean } => {
                let mean = mean.seconds();
                whole * gamma(2.0, low / mean, high / mean)
            }
            Shape::Gamma { shape, scale, .. } => {
                whole * gamma(shape + 1.0, low / scale, high / scale)
            }
            Shape::Lognormal { mu, sigma, .. } => {
                let pair = |x: f64| {
                    let z = (libm::log(x) - mu) / sigma - sigma;
                    (normal_survival(-z), normal_survival(z))
                };
                whole * between(pair(low), pair(high))
            }
            // So flat that the two factors would leave the range of the floats.
            Shape::Weibull { shape, .. } if *shape < 1.0 / 60.0 => return None,
            Shape::Weibull { scale, shape } => {
                let power = |x: f64| libm::pow(x / scale.seconds(), *shape);
                whole * gamma(1.0 + 1.0 / shape, power(low), power(high))
            }
            Shape::Triangular { mode, .. } => {
                // The integral of x times the density, which is a parabola on either side of the
                // mode: Simpson's rule is exact on each.
                let mode = mode.seconds().clamp(low, high);
                let simpson = |a: f64, b: f64| {
                    let middle = a + (b - a) / 2.0;
                    // Half of the trapezium of the density, from the exact distribution function.
                    let left = between(self.pair(a), self.pair(middle));
                    let right = between(self.pair(middle), self.pair(b));
                    // On a linear density f: f(a) = (3 left - right) / (b - a), and so on.
                    let ends = (3.0 * left - right, 3.0 * right - left);
                    (a * ends.0 + 4.0 * middle * (left + right) + b * ends.1) / 6.0
                };
                simpson(low, mode) + simpson(mode, high)
            }
            Shape::Constant(_) | Shape::Mixture { .. } | Shape::Empirical { .. } => return None,
        })
    }

    /// The keyword and the inner keys of the TOML table, without bounds; not for constants.
    fn keys(&self) -> (&'static str, String) {
        match self {
            Shape::Uniform { from, to } => ("uniform", format!("from = \"{from}\", to = \"{to}\"")),
            Shape::LogUniform { from, to, .. } => {
                ("log-uniform", format!("from = \"{from}\", to = \"{to}\""))
            }
            Shape::Exponential { mean } => ("exponential", format!("mean = \"{mean}\"")),
            Shape::Lognormal { median, tail, percent, .. } => {
                ("lognormal", format!("median = \"{median}\", p{percent} = \"{tail}\""))
            }
            // `{:?}` keeps the decimal point that makes a TOML float.
            Shape::Weibull { scale, shape } => {
                ("weibull", format!("scale = \"{scale}\", shape = {shape:?}"))
            }
            Shape::Gamma { mean, shape, .. } => {
                ("gamma", format!("mean = \"{mean}\", shape = {shape:?}"))
            }
            Shape::Triangular { min, mode, max } => {
                ("triangular", format!("min = \"{min}\", mode = \"{mode}\", max = \"{max}\""))
            }
            Shape::Empirical { values, .. } => {
                let values: Vec<String> = values.iter().map(|v| format!("\"{v}\"")).collect();
                ("empirical", format!("values = [{}]", values.join(", ")))
            }
            Shape::Constant(value) => ("constant", format!("\"{value}\"")),
            Shape::Mixture { written, .. } => {
                let parts: Vec<String> = written
                    .iter()
                    .map(|(weight, dist)| format!("{{ weight = {weight:?}, {} }}", dist.entry()))
                    .collect();
                ("mixture", format!("[{}]", parts.join(", ")))
            }
        }
    }
}

impl Dist {
    /// The `key = value` of the TOML table. A constant within a mixture has the key `constant`,
    /// and the bounds of a mixture stand beside it, since its value is a list.
    fn entry(&self) -> String {
        let (word, mut keys) = self.shape.keys();
        let mut limits = String::new();
        if let Some(bounds) = self.bounds {
            for (name, bound) in [("min", bounds.min), ("max", bounds.max)] {
                if let Some(bound) = bound {
                    limits.push_str(&format!(", {name} = \"{bound}\""));
                }
            }
        }
        match self.shape {
            Shape::Constant(_) | Shape::Mixture { .. } => format!("{word} = {keys}{limits}"),
            _ => {
                keys.push_str(&limits);
                format!("{word} = {{ {keys} }}")
            }
        }
    }
}

/// Writes the value that a scenario file takes: `"5m"` or `{ exponential = { mean = "45m" } }`.
impl fmt::Display for Dist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Constant(value) => write!(f, "\"{value}\""),
            _ => write!(f, "{{ {} }}", self.entry()),
        }
    }
}

fn check_positive(name: &str, value: SimDuration) -> Result<(), String> {
    if value.is_zero() { Err(format!("{name} must be longer than 0s")) } else { Ok(()) }
}

fn check_order(low: &str, a: SimDuration, high: &str, b: SimDuration) -> Result<(), String> {
    if a < b {
        Ok(())
    } else {
        Err(format!("{low} must be shorter than {high}, but {a} is not shorter than {b}"))
    }
}

fn check_factor(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(format!("{name} must be a number above 0, but it is {value}"))
    }
}

/// ln(to / from), of 1 part in 10^15 also if the two are nearly equal.
fn ln_ratio(from: SimDuration, to: SimDuration) -> f64 {
    libm::log1p(to.saturating_sub(from).ns() as f64 / from.ns() as f64)
}

/// The later of two lower bounds, of which either may be absent.
fn later(a: Option<SimDuration>, b: Option<SimDuration>) -> Option<SimDuration> {
    a.max(b)
}

/// The earlier of two upper bounds, of which either may be absent.
fn earlier(a: Option<SimDuration>, b: Option<SimDuration>) -> Option<SimDuration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => a.or(b),
    }
}

/// Components as they are sampled, with weights that add up to 1.
fn parts_of(components: Vec<(f64, Dist)>) -> Vec<Part> {
    let sum: f64 = components.iter().map(|(weight, _)| weight).sum();
    let mut weight_to = 0.0;
    let mut parts = Vec::new();
    for (weight, dist) in components {
        let weight = weight / sum;
        weight_to += weight;
        parts.push(Part { weight, weight_to, dist });
    }
    parts
}

/// The place from `first` to `end - 1` at a fraction.
fn pick(u: f64, first: usize, end: usize) -> usize {
    let count = end.saturating_sub(first);
    first + ((u * count as f64) as usize).min(count.saturating_sub(1))
}

/// -ln q, where p + q = 1.
fn minus_ln(p: f64, q: f64) -> f64 {
    if p < 0.5 { -libm::log1p(-p) } else { -libm::log(q) }
}

fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// The standard normal quantile of `p`, to 1 part in 10^15; infinite at 0 and 1, NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    if (0.0..=1.0).contains(&p) { normal_at(p, 1.0 - p) } else { f64::NAN }
}

/// The probability that a standard normal number is above `z`.
pub fn normal_survival(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// The standard normal number with `p` below and `q` above: Wichura's algorithm AS 241.
fn normal_at(p: f64, q: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ];
    const B: [f64; 8] = [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        0.599_832_206_555_887_9,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ];
    let centre = p - 0.5;
    if libm::fabs(centre) <= 0.425 {
        let r = 0.180625 - centre * centre;
        return centre * polynomial(r, &A) / polynomial(r, &B);
    }
    let tail = p.min(q);
    if tail <= 0.0 {
        return if p < q { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let r = libm::sqrt(-libm::log(tail));
    let z = if r <= 5.0 {
        polynomial(r - 1.6, &C) / polynomial(r - 1.6, &D)
    } else {
        polynomial(r - 5.0, &E) / polynomial(r - 5.0, &F)
    };
    if p < q { -z } else { z }
}

/// The regularized incomplete gamma functions P(a, x) and Q(a, x) = 1 - P(a, x).
///
/// The smaller of the two is accurate relative to itself, to 1e-13 or better. `a` must be above 0.
pub fn gamma_pair(a: f64, x: f64) -> (f64, f64) {
    if a.is_nan() || x.is_nan() || a <= 0.0 {
        return (f64::NAN, f64::NAN);
    }
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if x.is_infinite() {
        return (1.0, 0.0);
    }
    let spread = libm::sqrt(a);
    if a > 200.0 && libm::fabs(x - a) < 12.0 * spread {
        return gamma_pair_by_quadrature(a, x);
    }
    if a > 200.0 && libm::fabs(x - a) > 60.0 * spread {
        // Below 1e-300, or so near to it that nobody can tell.
        return if x < a { (0.0, 1.0) } else { (1.0, 0.0) };
    }
    // Far more than either expansion needs for `a` up to 200; further out, where it may stop
    // short, the smaller probability is below 1e-30.
    const TERMS_MAX: u32 = 2000;
    if x < a + 1.0 {
        // P = x^a e^-x / Gamma(a + 1) * (1 + x / (a + 1) + x^2 / (a + 1)(a + 2) + ...)
        let (mut term, mut sum, mut n) = (1.0, 1.0, a);
        for _ in 0..TERMS_MAX {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * (f64::EPSILON / 4.0) {
                break;
            }
        }
        let p = (sum * power_over_factorial(a, x)).clamp(0.0, 1.0);
        (p, 1.0 - p)
    } else {
        // Q = x^a e^-x / Gamma(a) * the continued fraction, by Lentz's method.
        const TINY: f64 = 1e-300;
        let mut b = x + 1.0 - a;
        let mut c = 1.0 / TINY;
        let mut d = 1.0 / b;
        let mut fraction = d;
        for i in 1..=TERMS_MAX {
            let i = f64::from(i);
            let numerator = -i * (i - a);
            b += 2.0;
            d = numerator * d + b;
            if libm::fabs(d) < TINY {
                d = TINY;
            }
            c = b + numerator / c;
            if libm::fabs(c) < TINY {
                c = TINY;
            }
            d = 1.0 / d;
            fraction *= d * c;
            if libm::fabs(d * c - 1.0) < f64::EPSILON {
                break;
            }
        }
        let q = (fraction * a * power_over_factorial(a, x)).clamp(0.0, 1.0);
        (1.0 - q, q)
    }
}

/// x^a e^-x / Gamma(a + 1): the Poisson probability of `a`, also between the integers.
fn power_over_factorial(a: f64, x: f64) -> f64 {
    if a < 10.0 {
        return libm::exp(a * libm::log(x) - x) / libm::tgamma(a + 1.0);
    }
    let root = libm::sqrt(2.0 * PI * a);
    libm::exp(a * log1p_minus((x - a) / a) - stirling_rest(a)) / root
}

/// ln Gamma(a + 1) - ln(sqrt(2 pi a) (a / e)^a), for `a` from 10.
fn stirling_rest(a: f64) -> f64 {
    const TERMS: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360360.0,
        1.0 / 156.0,
    ];
    polynomial(1.0 / (a * a), &TERMS) / a
}

/// ln(1 + d) - d, without the cancellation for small d.
fn log1p_minus(d: f64) -> f64 {
    if libm::fabs(d) > 0.4 {
        return libm::log1p(d) - d;
    }
    // ln(1 + d) = 2 artanh r
    let r = d / (2.0 + d);
    let square = r * r;
    let (mut power, mut sum, mut n) = (1.0, 0.0, 3.0);
    while power > f64::EPSILON / 8.0 {
        sum += power / n;
        power *= square;
        n += 2.0;
    }
    r * (2.0 * square * sum - d)
}

/// P(a, x) and Q(a, x) for large `a` and `x` near to it, at the same cost for every `a`: the
/// integral of the density from `x` outward to where nothing is left, by Gauss-Legendre.
fn gamma_pair_by_quadrature(a: f64, x: f64) -> (f64, f64) {
    /// Nodes and weights of the rule of 32 points; it is symmetric.
    const RULE: [(f64, f64); 16] = [
        (0.9972638618494816, 0.007018610009470096),
        (0.9856115115452684, 0.01627439473090567),
        (0.9647622555875064, 0.02539206530926206),
        (0.9349060759377397, 0.03427386291302143),
        (0.8963211557660521, 0.04283589802222668),
        (0.84936761373257, 0.050998059262376175),
        (0.7944837959679424, 0.058684093478535544),
        (0.7321821187402897, 0.06582222277636185),
        (0.6630442669302152, 0.0723457941088485),
        (0.5877157572407623, 0.07819389578707031),
        (0.5068999089322294, 0.08331192422694675),
        (0.42135127613063533, 0.08765209300440381),
        (0.33186860228212767, 0.09117387869576389),
        (0.23928736225213706, 0.09384439908080457),
        (0.1444719615827965, 0.09563872007927486),
        (0.04830766568773832, 0.0965400885147278),
    ];
    let peak = a - 1.0;
    let spread = libm::sqrt(peak);
    let z = (x - peak) / spread;
    let outward = if z < 0.0 { -1.0 } else { 1.0 };
    // Over this many spreads the density falls by e^-60, by the normal approximation.
    let steps = libm::sqrt(z * z + 120.0) - libm::fabs(z);
    let mut sum = 0.0;
    for (node, weight) in RULE {
        for node in [node, -node] {
            // Relative to the peak, so that the digits of x - peak are kept.
            let d = (z + outward * steps * (node + 1.0) / 2.0) / spread;
            if d > -1.0 {
                sum += weight * libm::exp(peak * log1p_minus(d));
            }
        }
    }
    // The density at the peak times the spread is e^-rest / sqrt(2 pi).
    let tail = sum * steps / 2.0 * libm::exp(-stirling_rest(peak)) / libm::sqrt(2.0 * PI);
    let tail = tail.clamp(0.0, 1.0);
    if z < 0.0 { (tail, 1.0 - tail) } else { (1.0 - tail, tail) }
}

/// The `x` with P(a, x) = `p` and Q(a, x) = `q`, where p + q = 1: Halley's method from a close
/// guess, on the smaller of the two.
fn gamma_at(a: f64, p: f64, q: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if q <= 0.0 {
        return f64::INFINITY;
    }
    // For small x, P(a, x) is x^a / Gamma(a + 1) but for a factor near to e^-x.
    let small = if a < 100.0 {
        libm::exp((libm::log(p) + libm::lgamma(a + 1.0)) / a)
    } else {
        f64::INFINITY
    };
    if small < 1e-16 {
        return small;
    }
    let mut x = if small < 0.2 * a.min(1.0) {
        small
    } else if a > 1.0 {
        // Wilson and Hilferty.
        let c = 1.0 / (9.0 * a);
        let root = 1.0 - c + normal_at(p, q) * libm::sqrt(c);
        let guess = a * root * root * root;
        if root > 0.0 && guess > 0.1 * small.min(a) { guess } else { small.min(a) }
    } else {
        let t = 1.0 - a * (0.253 + a * 0.12);
        if p < t { libm::pow(p / t, 1.0 / a) } else { 1.0 - libm::log(q / (1.0 - t)) }
    };
    // Two or three steps as a rule; the limit is for where only rounding is left to improve on.
    for _ in 0..24 {
        if x.is_nan() || x <= 0.0 || x.is_infinite() {
            break;
        }
        let (below, above) = gamma_pair(a, x);
        let error = if p < q { below - p } else { q - above };
        let density = power_over_factorial(a, x) * (a / x);
        if density.is_nan() || density <= 0.0 {
            break;
        }
        let newton = error / density;
        let curve = (newton * ((a - 1.0) / x - 1.0)).clamp(-1.0, 1.0);
        let step = newton / (1.0 - 0.5 * curve);
        let next = x - step;
        // Never by more than a factor of 4: the guess may be far off in a tail.
        let next = if next.is_nan() { break } else { next.clamp(x / 4.0, x * 4.0) };
        let change = libm::fabs(next - x);
        x = next;
        // Convergence is cubic: the next step would be below the last bit.
        if change <= 1e-7 * x * libm::fmin(1.0, 1.0 / libm::sqrt(a)) {
            break;
        }
    }
    x
}

/// The `x` at which the regularized incomplete gamma function P(a, x) is `p`; infinite for 1.
pub fn gamma_p_inverse(a: f64, p: f64) -> f64 {
    if a > 0.0 && a.is_finite() && (0.0..=1.0).contains(&p) {
        gamma_at(a, p, 1.0 - p)
    } else {
        f64::NAN
    }
}

/// The Poisson number at the fraction `u`: the least `k` with P(K <= k) >= `u`.
///
/// A few steps from the corrected normal approximation, for every mean. (A walk from the mode would
/// take sqrt(mean) steps, and lose the tails to the rounding of as many sums.) Above a mean of 1e10
/// the approximation itself is the result, which is then within one of the right number. A mean
/// that is negative or no number counts as 0.
pub fn poisson(mean: f64, u: f64) -> u64 {
    if mean.is_nan() || u.is_nan() || mean <= 0.0 || u <= 0.0 {
        return 0;
    }
    if mean.is_infinite() {
        return u64::MAX;
    }
    let u = u.min(BELOW_ONE);
    let above_u = 1.0 - u;
    let mut k = 0.0;
    if mean > 10.0 {
        let z = normal_at(u, above_u);
        let number = mean + z * libm::sqrt(mean) + (z * z - 1.0) / 6.0;
        k = libm::ceil(number - 0.5).max(0.0);
        if mean > 1e10 {
            // The conversion saturates.
            return k as u64;
        }
    }
    let mut probability = power_over_factorial(k, mean);
    let (above, below) = gamma_pair(k + 1.0, mean);
    // By how much P(K <= k) exceeds `u`, from the smaller tail, which has the digits.
    let mut excess = if u < 0.5 { below - u } else { above_u - above };
    if excess >= 0.0 {
        while k > 0.0 && excess >= probability {
            excess -= probability;
            probability *= k / mean;
            k -= 1.0;
        }
    } else {
        while excess < 0.0 && probability > 0.0 {
            k += 1.0;
            probability *= mean / k;
            excess += probability;
        }
    }
    k as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::{StreamNumber, Streams};
    use statrs::distribution::{ChiSquared, ContinuousCDF, DiscreteCDF, Poisson};
    use statrs::function::gamma::{gamma_lr, gamma_ur};

    const DRAWS: usize = 1_000_000;

    fn stream(purpose: &str) -> RandomStream {
        Streams::new(20_260_101, 0).stream(StreamNumber::of("dist", purpose))
    }

    fn s(seconds: u64) -> SimDuration {
        SimDuration::from_secs(seconds)
    }

    fn propagation() -> Dist {
        let usual = Dist::lognormal_p95(s(30), s(60)).unwrap();
        let slow = Dist::log_uniform(s(60), s(14_400)).unwrap();
        Dist::mixture(vec![(0.99, usual), (0.01, slow)]).unwrap()
    }

    /// Continuous distributions of every shape, with and without bounds.
    fn continuous() -> Vec<Dist> {
        let cut = |dist: Result<Dist, String>, min: Option<u64>, max: Option<u64>| {
            dist.unwrap().bounded(min.map(s), max.map(s)).unwrap()
        };
        vec![
            Dist::uniform(s(0), s(300)).unwrap(),
            cut(Dist::uniform(s(0), s(300)), Some(30), Some(400)),
            Dist::log_uniform(s(60), s(14_400)).unwrap(),
            cut(Dist::log_uniform(s(60), s(14_400)), None, Some(600)),
            Dist::exponential(s(2700)).unwrap(),
            cut(Dist::exponential(s(60)), Some(600), None),
            cut(Dist::exponential(s(60)), Some(600), Some(700)),
            Dist::lognormal_p95(s(1800), s(7200)).unwrap(),
            Dist::lognormal_p99(s(1800), s(7200)).unwrap(),
            cut(Dist::lognormal_p95(s(1800), s(7200)), Some(600), Some(3600)),
            cut(Dist::lognormal_p95(s(30), s(60)), Some(240), None),
            Dist::weibull(s(3600), 1.5).unwrap(),
            Dist::weibull(s(3600), 0.7).unwrap(),
            cut(Dist::weibull(s(3600), 1.5), Some(300), Some(5000)),
            Dist::gamma(s(600), 0.5).unwrap(),
            Dist::gamma(s(600), 4.0).unwrap(),
            Dist::gamma(s(600), 400.0).unwrap(),
            cut(Dist::gamma(s(600), 2.0), Some(1200), None),
            Dist::triangular(s(60), s(100), s(300)).unwrap(),
            Dist::triangular(s(60), s(60), s(300)).unwrap(),
            propagation(),
            cut(Ok(propagation()), Some(20), Some(7200)),
            cut(
                Dist::mixture(vec![
                    (0.5, Dist::triangular(s(0), s(50), s(100)).unwrap()),
                    (0.5, cut(Dist::exponential(s(60)), None, Some(90))),
                ]),
                Some(20),
                Some(70),
            ),
        ]
    }

    /// The expectation of `g` by the trapezium rule over normal quantiles: knows nothing of the
    /// closed forms.
    fn expectation(dist: &Dist, g: impl Fn(f64) -> f64) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for i in -4000..=4000 {
            let z = f64::from(i) / 500.0;
            let weight = libm::exp(-z * z / 2.0);
            sum += weight * g(dist.quantile(normal_survival(-z)));
            weights += weight;
        }
        sum / weights
    }

    #[test]
    fn samples_fit_mean_variance_and_quantiles() {
        let chi = ChiSquared::new(49.0).unwrap();
        for (i, dist) in continuous().into_iter().enumerate() {
            let mut stream = stream(&format!("fit {i}"));
            let edges: Vec<f64> = (1..50).map(|b| dist.quantile(f64::from(b) / 50.0)).collect();
            let mean = dist.mean();
            let variance = expectation(&dist, |x| (x - mean) * (x - mean));
            let mut counts = [0.0; 50];
            let (mut m1, mut m2, mut m4) = (0.0, 0.0, 0.0);
            for _ in 0..DRAWS {
                let x = dist.sample(&mut stream).seconds();
                counts[edges.partition_point(|edge| *edge < x)] += 1.0;
                let square = (x - mean) * (x - mean);
                (m1, m2, m4) = (m1 + x, m2 + square, m4 + square * square);
            }
            let n = DRAWS as f64;
            (m1, m2, m4) = (m1 / n, m2 / n, m4 / n);
            let off = (m1 - mean) / libm::sqrt(variance / n);
            assert!(off.abs() < 5.0, "{dist}: mean {m1}, not {mean} ({off} standard errors)");
            let off = (m2 - variance) / libm::sqrt((m4 - m2 * m2) / n);
            assert!(off.abs() < 5.0, "{dist}: variance {m2}, not {variance} ({off} errors)");
            let expected = n / 50.0;
            let chi2: f64 = counts.iter().map(|c| (c - expected) * (c - expected) / expected).sum();
            let p = chi.sf(chi2);
            assert!(p > 1e-3, "{dist}: chi-square {chi2}, p = {p}");
        }
    }

    #[test]
    fn mean_agrees_with_the_integral_of_the_quantiles() {
        for dist in continuous() {
            let (mean, integral) = (dist.mean(), expectation(&dist, |x| x));
            // The kinks of mixtures cost the trapezium rule some digits.
            let bound = if matches!(dist.shape, Shape::Mixture { .. }) { 1e-4 } else { 1e-6 };
            assert!((mean / integral - 1.0).abs() < bound, "{dist}: {mean} {integral}");
        }
    }

    #[test]
    fn means_of_truncated_flat_weibulls_join_up() {
        // The closed form is used from 1/60 on, the integral below.
        let mean = |shape: f64| {
            let dist = Dist::weibull(s(60), shape).unwrap();
            dist.bounded(Some(s(1)), Some(s(3600))).unwrap().mean()
        };
        let edge = 1.0 / 60.0;
        let (closed, integral) = (mean(edge), mean(edge * (1.0 - 1e-9)));
        assert!((closed / integral - 1.0).abs() < 1e-6, "{closed} {integral}");
        assert!(mean(1e-3) > 1.0 && mean(1e-3) < 3600.0);
        assert_eq!(Dist::weibull(s(60), 1e-3).unwrap().mean(), f64::INFINITY);
    }

    #[test]
    fn narrow_bounds_keep_their_mean_inside() {
        for dist in continuous().into_iter().filter(|dist| !dist.is_bounded()) {
            let middle = SimDuration::from_seconds_f64(dist.quantile(0.3));
            let next = middle.checked_add(SimDuration::from_ns(1000).unwrap());
            if let Ok(narrow) = dist.bounded(Some(middle), next) {
                let mean = narrow.mean();
                assert!(mean >= middle.seconds() && mean <= next.unwrap().seconds(), "{narrow}");
            }
        }
    }

    #[test]
    fn mean_of_the_key_propagation_mixture() {
        // 0.99 * 32.8 s + 0.01 * 2616.5 s
        assert!((propagation().mean() - 59.0).abs() < 1.0, "{}", propagation().mean());
        // Reference: 0.99 Exp(1 min) + 0.01 U(0, 180 min).
        let other = Dist::mixture(vec![
            (0.99, Dist::exponential(s(60)).unwrap()),
            (0.01, Dist::uniform(s(0), s(10_800)).unwrap()),
        ])
        .unwrap();
        assert!((other.mean() - 1.89 * 60.0).abs() < 1e-9);
        assert!((other.survival(300.0) - 0.016_393).abs() < 5e-7);
    }

    #[test]
    fn survival_inverts_quantile() {
        for dist in continuous() {
            for p in [1e-9, 1e-6, 1e-3, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999, 1.0 - 1e-9] {
                let (x, q) = (dist.quantile(p), 1.0 - p);
                let got = dist.survival(x);
                assert!((got - q).abs() < 1e-11, "{dist} at {p}: {got} is not {q}");
            }
            let low = dist.quantile(0.0);
            assert!((dist.survival(low) - 1.0).abs() < 1e-15, "{dist}");
            assert!((dist.survival(low - 1.0) - 1.0).abs() < 1e-15, "{dist}");
            assert_eq!(dist.survival(dist.support_max()), 0.0, "{dist}");
            assert_eq!(dist.quantile(1.0), dist.support_max());
            assert!(dist.quantile(f64::NAN).is_nan() && dist.survival(f64::NAN).is_nan());
        }
    }

    #[test]
    fn lognormal_is_given_by_its_percentiles() {
        let p95 = Dist::lognormal_p95(s(1800), s(7200)).unwrap();
        assert!((p95.quantile(0.5) - 1800.0).abs() < 1e-9);
        assert!((p95.quantile(0.95) - 7200.0).abs() < 1e-8);
        let p99 = Dist::lognormal_p99(s(1800), s(7200)).unwrap();
        assert!((p99.quantile(0.99) - 7200.0).abs() < 1e-8);
    }

    #[test]
    fn bounded_samples_stay_inside() {
        for (i, dist) in continuous().into_iter().enumerate() {
            let mut stream = stream(&format!("bounds {i}"));
            for _ in 0..20_000 {
                let x = dist.sample(&mut stream);
                assert!(dist.least <= x && x <= dist.most, "{dist}: {x}");
            }
        }
        let far = Dist::exponential(s(60)).unwrap().bounded(Some(s(600)), None).unwrap();
        // Without memory: the mean beyond 10 min is 10 min and the mean.
        assert!((far.mean() - 660.0).abs() < 1e-6, "{}", far.mean());
        assert!((far.quantile(0.5) - 600.0 - 60.0 * std::f64::consts::LN_2).abs() < 1e-9);
    }

    #[test]
    fn a_bounded_mixture_reweighs_its_components() {
        let dist = propagation().bounded(Some(s(3600)), None).unwrap();
        // The usual case never takes an hour; what remains is log-uniform on 1 h to 4 h.
        let mean = 10_800.0 / libm::log(4.0);
        assert!((dist.mean() / mean - 1.0).abs() < 1e-6, "{}", dist.mean());
        assert!((dist.quantile(0.5) - 7200.0).abs() < 0.01);
        assert_eq!(dist.support_max(), f64::INFINITY);
    }

    #[test]
    fn empirical_values_come_equally_often() {
        let values = [5, 1, 3, 3].map(s).to_vec();
        let dist = Dist::empirical(values).unwrap();
        assert_eq!((dist.mean(), dist.support_max()), (3.0, 5.0));
        assert_eq!((dist.survival(0.9), dist.survival(1.0), dist.survival(3.0)), (1.0, 0.75, 0.25));
        assert_eq!((dist.quantile(0.2), dist.quantile(0.5), dist.quantile(0.9)), (1.0, 3.0, 5.0));
        let mut stream = stream("empirical");
        let mut counts = [0; 6];
        for _ in 0..DRAWS {
            counts[dist.sample(&mut stream).seconds() as usize] += 1;
        }
        assert!((counts[1] - 250_000i32).abs() < 2200, "{counts:?}");
        assert!((counts[3] - 500_000i32).abs() < 2500, "{counts:?}");
        assert_eq!(counts.iter().sum::<i32>(), DRAWS as i32);
        let cut = dist.bounded(Some(s(2)), Some(s(4))).unwrap();
        assert_eq!((cut.mean(), cut.survival(2.9), cut.survival(3.0)), (3.0, 1.0, 0.0));
        assert_eq!(cut.sample(&mut stream), s(3));
    }

    #[test]
    fn each_shape_takes_its_number_of_draws() {
        let count = |dist: &Dist| {
            let fresh = stream("count");
            let mut used = fresh.clone();
            dist.sample(&mut used);
            let next = used.next_u64();
            let mut sought = fresh;
            (0..4).find(|draw| {
                sought.seek(*draw);
                sought.next_u64() == next
            })
        };
        assert_eq!(count(&Dist::constant(s(1))), Some(0));
        assert_eq!(count(&Dist::empirical(vec![s(1)]).unwrap()), Some(1));
        for dist in continuous() {
            let expected = if matches!(dist.shape, Shape::Mixture { .. }) { 2 } else { 1 };
            assert_eq!(count(&dist), Some(expected), "{dist}");
        }
        let fixed = Dist::mixture(vec![(1.0, Dist::constant(s(1)))]).unwrap();
        assert_eq!(count(&fixed), Some(2));
    }

    #[test]
    fn constructors_refuse_what_makes_no_sense() {
        let (zero, one, two) = (s(0), s(1), s(2));
        let refused: Vec<(Result<Dist, String>, &str)> = vec![
            (Dist::uniform(two, one), "from must be shorter than to, but 2s is not shorter"),
            (Dist::uniform(one, one), "from must be shorter than to"),
            (Dist::log_uniform(zero, one), "from must be longer than 0s"),
            (Dist::log_uniform(two, one), "from must be shorter than to"),
            (Dist::exponential(zero), "mean must be longer than 0s"),
            (Dist::lognormal_p95(zero, one), "median must be longer than 0s"),
            (Dist::lognormal_p95(one, one), "median must be shorter than p95"),
            (Dist::lognormal_p99(two, one), "median must be shorter than p99"),
            (Dist::weibull(zero, 1.0), "scale must be longer than 0s"),
            (Dist::gamma(zero, 1.0), "mean must be longer than 0s"),
            (Dist::gamma(one, 1e-300), "shape must be between"),
            (Dist::triangular(one, zero, two), "min, mode and max must be in this order"),
            (Dist::triangular(zero, two, one), "min, mode and max must be in this order"),
            (Dist::triangular(one, one, one), "min must be shorter than max"),
            (Dist::mixture(vec![]), "at least one component"),
            (Dist::mixture(vec![(0.5, Dist::constant(one))]), "add up to 1, but they make 0.5"),
            (Dist::mixture(vec![(1.0, propagation())]), "cannot be a mixture"),
            (
                Dist::mixture(vec![(1.0 / 33.0, Dist::constant(one)); 33]),
                "at most 32 components, but this one has 33",
            ),
            (Dist::empirical(vec![]), "at least one value"),
            (Dist::empirical(vec![one; EMPIRICAL_VALUES_MAX + 1]), "at most 100000 values"),
        ];
        for (result, part) in refused {
            let message = result.unwrap_err();
            assert!(message.contains(part), "{message}");
            assert!(message.starts_with(|c: char| c.is_ascii_lowercase()), "{message}");
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -1.0] {
            assert!(Dist::weibull(one, bad).is_err(), "{bad}");
            assert!(Dist::gamma(one, bad).is_err(), "{bad}");
            let parts = vec![(bad, Dist::constant(one)), (1.0, Dist::constant(one))];
            assert!(Dist::mixture(parts).is_err(), "{bad}");
        }
        assert!(Dist::mixture(vec![(1.0 / 32.0, Dist::constant(one)); 32]).is_ok());
        assert!(Dist::empirical(vec![one; EMPIRICAL_VALUES_MAX]).is_ok());
    }

    #[test]
    fn bounds_refuse_what_makes_no_sense() {
        let (one, two, hour) = (Some(s(1)), Some(s(2)), Some(s(3600)));
        let exponential = Dist::exponential(s(1)).unwrap();
        let uniform = Dist::uniform(s(10), s(20)).unwrap();
        let triangular = Dist::triangular(s(0), s(1), s(2)).unwrap();
        let refused = [
            (exponential.clone().bounded(two, one), "min must not exceed max, but 2s is longer"),
            (exponential.clone().bounded(two, two), "probability below 1e-12"),
            (exponential.clone().bounded(hour, None), "above 1h has a probability below 1e-12"),
            (exponential.clone().bounded(one, two).unwrap().bounded(one, None), "bounds already"),
            (uniform.clone().bounded(None, two), "below 2s has a probability below 1e-12"),
            (uniform.bounded(hour, None), "probability below 1e-12"),
            (triangular.bounded(one, None), "takes no bounds"),
            (Dist::constant(s(3)).bounded(one, two), "between 1s and 2s, but it is always 3s"),
            (Dist::empirical(vec![s(3)]).unwrap().bounded(one, two), "probability below 1e-12"),
            (propagation().bounded(Some(s(90_000)), None), "probability below 1e-12"),
        ];
        for (result, part) in refused {
            let message = result.unwrap_err();
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(exponential.clone().bounded(None, None), Ok(exponential));
        let inside = Dist::constant(s(2)).bounded(one, two).unwrap();
        assert_eq!(inside.as_constant(), Some(s(2)));
        assert_eq!(propagation().as_constant(), None);
    }

    #[test]
    fn prints_what_a_scenario_file_takes() {
        let text = |dist: Dist| dist.to_string();
        assert_eq!(text(Dist::constant(s(300))), "\"5m\"");
        assert_eq!(
            text(Dist::lognormal_p95(s(1800), s(7200)).unwrap()),
            r#"{ lognormal = { median = "30m", p95 = "2h" } }"#
        );
        assert_eq!(
            text(Dist::lognormal_p99(s(1), s(2)).unwrap().bounded(None, Some(s(9))).unwrap()),
            r#"{ lognormal = { median = "1s", p99 = "2s", max = "9s" } }"#
        );
        assert_eq!(
            text(Dist::uniform(s(0), s(300)).unwrap()),
            r#"{ uniform = { from = "0s", to = "5m" } }"#
        );
        assert_eq!(
            text(Dist::log_uniform(s(60), s(14_400)).unwrap()),
            r#"{ log-uniform = { from = "1m", to = "4h" } }"#
        );
        let exponential = Dist::exponential(s(2700)).unwrap();
        assert_eq!(
            text(exponential.bounded(Some(s(1)), Some(s(5400))).unwrap()),
            r#"{ exponential = { mean = "45m", min = "1s", max = "1h 30m" } }"#
        );
        assert_eq!(
            text(Dist::weibull(s(3600), 1.5).unwrap()),
            r#"{ weibull = { scale = "1h", shape = 1.5 } }"#
        );
        assert_eq!(
            text(Dist::gamma(s(3600), 2.0).unwrap()),
            r#"{ gamma = { mean = "1h", shape = 2.0 } }"#
        );
        assert_eq!(
            text(Dist::triangular(s(0), s(60), s(120)).unwrap()),
            r#"{ triangular = { min = "0s", mode = "1m", max = "2m" } }"#
        );
        assert_eq!(
            text(Dist::empirical(vec![s(120), s(60)]).unwrap()),
            r#"{ empirical = { values = ["1m", "2m"] } }"#
        );
        let usual = Dist::lognormal_p95(s(30), s(60)).unwrap();
        let mixture = Dist::mixture(vec![(0.99, usual), (0.01, Dist::constant(s(9)))]).unwrap();
        let inner = concat!(
            r#"mixture = [{ weight = 0.99, lognormal = { median = "30s", p95 = "1m" } }, "#,
            r#"{ weight = 0.01, constant = "9s" }]"#
        );
        assert_eq!(text(mixture.clone()), format!("{{ {inner} }}"));
        let bounded = mixture.bounded(None, Some(s(3600))).unwrap();
        assert_eq!(text(bounded), format!("{{ {inner}, max = \"1h\" }}"));
    }

    #[test]
    fn extreme_parameters_never_panic() {
        let ns = |ns| SimDuration::from_ns(ns).unwrap();
        let (tiny, huge) = (ns(1), SimDuration::MAX);
        let nearly = huge.saturating_sub(tiny);
        let mut dists = vec![
            Dist::constant(huge),
            Dist::uniform(s(0), huge).unwrap(),
            Dist::uniform(nearly, huge).unwrap(),
            Dist::log_uniform(tiny, huge).unwrap(),
            Dist::log_uniform(nearly, huge).unwrap(),
            Dist::exponential(tiny).unwrap(),
            Dist::exponential(huge).unwrap(),
            Dist::lognormal_p95(tiny, huge).unwrap(),
            Dist::lognormal_p99(nearly, huge).unwrap(),
            Dist::triangular(s(0), s(0), huge).unwrap(),
            Dist::triangular(s(0), huge, huge).unwrap(),
            Dist::triangular(nearly, huge, huge).unwrap(),
            Dist::empirical(vec![s(0), huge]).unwrap(),
        ];
        for scale in [tiny, s(1), huge] {
            for shape in [5e-324, 1e-280, 1e-20, 1e-3, 0.1, 1.0, 201.0, 1e6, 1e15, 1e280, f64::MAX]
            {
                dists.extend(Dist::weibull(scale, shape));
                dists.extend(Dist::gamma(scale, shape));
            }
        }
        let parts: Vec<(f64, Dist)> = dists.iter().map(|dist| (0.0625, dist.clone())).collect();
        dists.extend(
            parts.chunks(16).map(|some| Dist::mixture(some.to_vec())).filter_map(Result::ok),
        );
        let mut all = Vec::new();
        for dist in dists {
            for min in [None, Some(s(0)), Some(tiny), Some(s(3600)), Some(nearly)] {
                for max in [None, Some(tiny), Some(s(3600)), Some(nearly), Some(huge)] {
                    all.extend(dist.clone().bounded(min, max));
                }
            }
        }
        assert!(all.len() > 300, "{}", all.len());
        let mut stream = stream("extreme");
        for dist in all {
            for _ in 0..20 {
                let x = dist.sample(&mut stream);
                assert!(dist.least <= x && x <= dist.most, "{dist}");
            }
            for p in [f64::MIN_POSITIVE, 1e-300, 1e-16, 0.5, BELOW_ONE] {
                let x = dist.quantile(p);
                assert!(!x.is_nan() && x >= 0.0, "{dist} at {p}: {x}");
            }
            for x in [f64::NEG_INFINITY, -1.0, 0.0, 1e-300, 1.0, 1e300, f64::INFINITY] {
                let q = dist.survival(x);
                assert!((0.0..=1.0 + 1e-12).contains(&q), "{dist} beyond {x}: {q}");
            }
            assert!(!dist.mean().is_nan() && dist.mean() >= 0.0, "{dist}");
        }
    }

    #[test]
    fn normal_functions_invert_each_other() {
        assert_eq!(normal_quantile(0.5), 0.0);
        assert!((normal_quantile(0.95) - Z95).abs() < 1e-15);
        assert!((normal_quantile(0.99) - Z99).abs() < 1e-15);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(-0.1).is_nan() && normal_quantile(f64::NAN).is_nan());
        let mut z = -37.0;
        while z < 8.0 {
            let p = normal_survival(-z);
            let back = normal_quantile(p);
            // Near 1, the spacing of the floats is what limits.
            let bound = 4e-15 * (1.0 + z.abs())
                + 2e-16 / libm::exp(-z * z / 2.0).max(1e-18) * f64::from(z > 0.0);
            assert!((back - z).abs() < bound, "{z}: {back}");
            z += 0.037;
        }
    }

    #[test]
    fn incomplete_gamma_agrees_with_statrs() {
        for a in [1e-3, 0.1, 0.5, 1.0, 2.5, 9.9, 10.1, 50.0, 199.0, 201.0, 900.0] {
            for z in [-6.0, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, 6.0] {
                let x = a * libm::exp(z / libm::sqrt(a));
                let (p, q) = gamma_pair(a, x);
                let (p_ref, q_ref) = (gamma_lr(a, x), gamma_ur(a, x));
                // statrs holds about 11 digits.
                assert!((p - p_ref).abs() <= 1e-10, "P({a}, {x}): {p} {p_ref}");
                assert!((q - q_ref).abs() <= 1e-10, "Q({a}, {x}): {q} {q_ref}");
            }
        }
        assert_eq!(gamma_pair(2.0, 0.0), (0.0, 1.0));
        assert_eq!(gamma_pair(2.0, f64::INFINITY), (1.0, 0.0));
        assert!(gamma_pair(0.0, 1.0).0.is_nan());
    }

    #[test]
    fn both_ways_to_the_incomplete_gamma_agree_where_they_meet() {
        for a in [200.0, 250.0, 400.0] {
            for z in [-7.0, -4.0, -1.0, 0.3, 2.0, 5.0, 8.0, 11.0] {
                let x = a + z * libm::sqrt(a);
                let quadrature = gamma_pair_by_quadrature(a, x);
                // One step of the recurrence P(a, x) - P(a + 1, x) joins neighbours.
                let next = gamma_pair_by_quadrature(a + 1.0, x);
                let step = power_over_factorial(a, x);
                assert!(((quadrature.0 - next.0) - step).abs() < 1e-14 + 1e-12 * step);
                if a == 200.0 {
                    let series = gamma_pair(a, x);
                    let error = if z < 0.0 {
                        quadrature.0 / series.0 - 1.0
                    } else {
                        quadrature.1 / series.1 - 1.0
                    };
                    assert!(error.abs() < 1e-12, "{a} {z}: {error:e}");
                }
            }
        }
    }

    #[test]
    fn inverse_gamma_inverts() {
        for a in [1e-3, 0.02, 0.3, 0.9, 1.0, 1.1, 3.0, 30.0, 150.0, 201.0, 1e4, 1e8, 1e12] {
            for p in [1e-14, 1e-9, 1e-4, 0.01, 0.2, 0.5, 0.8, 0.99, 1.0 - 1e-6, 1.0 - 1e-12] {
                let x = gamma_p_inverse(a, p);
                let (below, above) = gamma_pair(a, x);
                let error = if p < 0.5 { below / p - 1.0 } else { (above - (1.0 - p)) / (1.0 - p) };
                // A digit of x is worth sqrt(a) digits of p.
                let bound = 1e-11 + 1e-15 * libm::sqrt(a);
                let smallest = a < 0.1 && x < 1e-280;
                assert!(
                    smallest || error.abs() < bound.max(1e-16 / (1.0 - p).max(1e-16)),
                    "{a} {p}: {x} {error:e}"
                );
            }
        }
        assert_eq!(gamma_p_inverse(2.0, 0.0), 0.0);
        assert_eq!(gamma_p_inverse(2.0, 1.0), f64::INFINITY);
        assert!(gamma_p_inverse(-1.0, 0.5).is_nan() && gamma_p_inverse(2.0, 2.0).is_nan());
    }

    #[test]
    fn poisson_is_the_inverse_of_its_distribution() {
        for mean in [1e-9, 0.3, 1.0, 7.5, 9.99, 10.0, 25.3, 400.0, 1e4] {
            let reference = Poisson::new(mean).unwrap();
            for u in [1e-12, 1e-6, 0.01, 0.3, 0.5, 0.77, 0.99, 1.0 - 1e-6, 1.0 - 1e-9] {
                let k = poisson(mean, u);
                assert!(reference.cdf(k) >= u - 1e-9, "{mean} {u}: {k}");
                assert!(k == 0 || reference.cdf(k - 1) < u + 1e-9, "{mean} {u}: {k}");
            }
        }
        let mut stream = stream("poisson");
        for mean in [0.7, 30.0, 5e3] {
            let n = 200_000;
            let draws: Vec<f64> = (0..n).map(|_| poisson(mean, stream.open01()) as f64).collect();
            let m1 = draws.iter().sum::<f64>() / f64::from(n);
            let m2 = draws.iter().map(|k| (k - mean) * (k - mean)).sum::<f64>() / f64::from(n);
            let n = f64::from(n);
            assert!((m1 - mean).abs() < 5.0 * libm::sqrt(mean / n), "{mean}: {m1}");
            let error = libm::sqrt((mean + 2.0 * mean * mean) / n);
            assert!((m2 - mean).abs() < 5.0 * error, "{mean}: {m2}");
        }
    }

    #[test]
    fn poisson_takes_any_mean() {
        for u in [1e-12, 0.1, 0.5, 0.9, 1.0 - 1e-12] {
            // The walk and the approximation, on both sides of the change.
            let (walk, formula) = (poisson(1e10, u), poisson(1e10 + 0.001, u));
            assert!(walk.abs_diff(formula) <= 1, "{u}: {walk} {formula}");
        }
        for mean in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(poisson(mean, 0.9), 0);
        }
        assert_eq!(poisson(f64::INFINITY, 0.5), u64::MAX);
        assert_eq!(poisson(5.0, f64::NAN), 0);
        assert_eq!(poisson(5.0, -1.0), 0);
        assert_eq!(poisson(5.0, 1.0), poisson(5.0, BELOW_ONE));
        assert!(poisson(1e10, 2.0) > 10_000_000_000);
        assert_eq!(poisson(5e-324, 0.5), 0);
    }

    #[test]
    fn samples_are_frozen_bit_for_bit() {
        let expected: &[[u64; 16]] = &[
            [
                64006903323,
                186111487854,
                137789878687,
                183907939423,
                86263141428,
                148871077455,
                87524919794,
                57414134766,
                189052057292,
                256080331326,
                193187860760,
                127584291033,
                285060617385,
                206139380352,
                146750145693,
                97054569331,
            ],
            [
                87606212991,
                197500339069,
                154010890818,
                195517145480,
                107636827285,
                163983969709,
                108772427815,
                81672721289,
                200146851562,
                260472298193,
                203869074684,
                144825861929,
                286554555647,
                215525442317,
                162075131123,
                117349112397,
            ],
            [
                193189900959,
                1797905119481,
                743671796276,
                1726965784633,
                290112370018,
                910541946411,
                296877472403,
                171268363135,
                1897131159425,
                6455088413666,
                2046025192616,
                617177089881,
                10960563200222,
                2592201864337,
                875936059808,
                353334333853,
            ],
            [
                98063546319,
                250335750986,
                172763043406,
                246137460292,
                116330891186,
                188099731331,
                117462971471,
                93224851364,
                256049996768,
                428304221346,
                264308290795,
                159746819580,
                534999416473,
                291932548263,
                185062490608,
                126376546002,
            ],
            [
                647945787858,
                2615118664718,
                1660202823736,
                2563377226119,
                915399492549,
                1851252868144,
                931385959531,
                573552207479,
                2685747693495,
                5187834597608,
                2788319406481,
                1495459803450,
                8099410374285,
                3137323218706,
                1813624696421,
                1055282434707,
            ],
            [
                614398795286,
                658113748105,
                636893396083,
                656963938358,
                620342210946,
                641138952625,
                620697465767,
                612745604611,
                659683282078,
                715285213280,
                661962653477,
                633232440077,
                779986897206,
                669718293749,
                640302771032,
                623450720771,
            ],
            [
                611401282074,
                641973891146,
                627965392211,
                641258627719,
                615934400516,
                630901051503,
                616201950859,
                610121690723,
                642941867095,
                670732754131,
                644330271766,
                625383151181,
                688371837937,
                648898409032,
                630327941984,
                618262119079,
            ],
            [
                921178636258,
                2330471884366,
                1651449055640,
                2292984419069,
                1122244215156,
                1785746720785,
                1133933017619,
                862575400192,
                2381814042450,
                4368514385373,
                2456740347921,
                1535721887212,
                7211917578687,
                2715166588269,
                1759268913179,
                1223692008031,
            ],
            [
                1120908684170,
                2160646500510,
                1693649374421,
                2136014044203,
                1288829693746,
                1789910432768,
                1298306689196,
                1070005750666,
                2194195228145,
                3369237472764,
                2242777227431,
                1608844640950,
                4802521219792,
                2407124762574,
                1771104524970,
                1370155886504,
            ],
            [
                1006557563934,
                1915682176984,
                1508452193162,
                1894986878631,
                1148626351424,
                1594324185169,
                1156852912307,
                965298885635,
                1943683881578,
                2749154019348,
                1983839850954,
                1432490733410,
                3262633661887,
                2115945368368,
                1577593688973,
                1219738495330,
            ],
            [
                244763305428,
                259545857557,
                252309252184,
                259150783995,
                246744628426,
                253747855212,
                246863339572,
                244213769894,
                260085698482,
                279624695133,
                260870820546,
                251072427366,
                303401098927,
                263552296818,
                253464152198,
                247784440998,
            ],
            [
                1390227170161,
                3524148969762,
                2603159367554,
                3477509611791,
                1750385752039,
                2799220785025,
                1770705960310,
                1281667273567,
                3587320111295,
                5563960934594,
                3678084244282,
                2427969093017,
                7487938359789,
                3978928793118,
                2761160203806,
                1924446302443,
            ],
            [
                468638626955,
                3439417037259,
                1797150623743,
                3342615632653,
                767762061957,
                2099725258182,
                786987989432,
                393706671626,
                3572883487670,
                9151184185080,
                3769399373010,
                1547913749143,
                17292553545050,
                4461068876753,
                2039022464556,
                940702769074,
            ],
            [
                1277463531732,
                2866842490247,
                2214683987757,
                2835512605408,
                1561675676031,
                2358945196882,
                1577611086079,
                1191396798565,
                2908956109296,
                4007077558562,
                2968804512601,
                2083667124467,
                4621411934205,
                3161369478876,
                2331146499155,
                1697707451592,
            ],
            [
                43957854675,
                463142992122,
                224545911526,
                449058420832,
                81501599293,
                268199981176,
                84018556958,
                35198621229,
                482548474991,
                1265626277500,
                511086716660,
                188910137796,
                2308949622011,
                611116027474,
                259416430775,
                104465922920,
            ],
            [
                354287815969,
                642939931278,
                522176134219,
                636874106454,
                406112620526,
                548123119273,
                408969019630,
                338109469372,
                651151278471,
                908188019353,
                662941373060,
                498819970131,
                1163959183061,
                701975293480,
                543099898621,
                430395669970,
            ],
            [
                575981586253,
                608736327804,
                596440832195,
                608153652791,
                582847757180,
                599217273093,
                583209613661,
                573707677144,
                609519904852,
                631600575349,
                610634778491,
                593868510129,
                650245654524,
                614244190392,
                598686121131,
                585874635259,
            ],
            [
                1289352443509,
                1554158493305,
                1426689191886,
                1547297246222,
                1325887706573,
                1452341015900,
                1328065556955,
                1279155566373,
                1563516459735,
                1889950171172,
                1577090650513,
                1404505111350,
                2260336570398,
                1623139663951,
                1447294983177,
                1344921952824,
            ],
            [
                105683517250,
                165010511730,
                138898729334,
                163710859962,
                115073264854,
                144498785834,
                115619922896,
                102987973876,
                166764603677,
                216171920052,
                169271494010,
                133908117493,
                251109293129,
                177453277712,
                143411441385,
                119802139560,
            ],
            [
                87136958206,
                152126424497,
                123522400027,
                150702727316,
                97422911350,
                129656954563,
                98021745231,
                84184138384,
                154047935952,
                208170939320,
                156794096720,
                118055458665,
                246442913988,
                165756791709,
                128465828398,
                102603134046,
            ],
            [
                34135552466,
                33859890867,
                29880986603,
                20767467349,
                46736037409,
                27710303925,
                36845397191,
                24735521099,
                39221148118,
                38413659708,
                31770786213,
                40320883034,
                40996966209,
                23479865707,
                31998576503,
                15659340639,
            ],
            [
                36714845377,
                36451014300,
                32694354284,
                24842782888,
                49036006432,
                30699915699,
                39326513404,
                28065276870,
                41638088430,
                40850481774,
                34465285335,
                42713553263,
                43376179018,
                27000926316,
                34680510885,
                21639337202,
            ],
            [
                51993490200,
                51711263420,
                47287171854,
                33288251112,
                59539540522,
                36502112722,
                49510934543,
                39962561918,
                56747033843,
                56053854207,
                42551794481,
                57651731719,
                58185233782,
                37916329482,
                42883357813,
                25046738424,
            ],
        ];
        let mut got = Vec::new();
        for dist in continuous() {
            let mut stream = stream("frozen");
            let samples: [u64; 16] = std::array::from_fn(|_| dist.sample(&mut stream).ns());
            got.push(samples);
        }
        assert_eq!(got.len(), expected.len(), "{got:?}");
        for ((got, expected), dist) in got.iter().zip(expected).zip(continuous()) {
            assert_eq!(got, expected, "{dist}");
        }
    }
}
