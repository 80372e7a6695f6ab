//! Distributions of durations, drawn by inverse transform.
//!
//! One fraction of a random stream becomes one duration through the inverse of the distribution
//! function. The draw is therefore monotone in the fraction (two variants of a scenario that share
//! a stream share their luck), and truncation needs no repetition. Every probability is carried as
//! the pair (below, above), so that neither tail loses digits to a subtraction from 1.
//!
//! The functions of the mathematics library are those of the `libm` crate: same bits everywhere.

mod bounds;
mod poisson;
mod shape;
mod special;
mod text;

pub use poisson::poisson;
pub use special::{gamma_p_inverse, gamma_pair, normal_quantile, normal_survival};

use crate::engine::random::RandomStream;
use crate::engine::time::SimDuration;
use crate::limits::{EMPIRICAL_VALUES_MAX, MIXTURE_COMPONENTS_MAX};

/// The 95th percentile of the standard normal distribution.
const Z95: f64 = 1.6448536269514722;
/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.3263478740408408;
/// How far the weights of a mixture may be from a sum of 1: room for sums of decimal fractions.
const WEIGHT_SUM_TOLERANCE: f64 = 1e-9;

/// A distribution of durations.
///
/// [`Display`](std::fmt::Display) writes the value that a scenario file takes.
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

#[cfg(test)]
mod tests;
