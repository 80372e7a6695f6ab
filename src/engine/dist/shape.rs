//! The shapes with a density, without bounds: quantile, distribution function, expectation.

use super::Shape;
use super::special::{gamma_at, gamma_pair, minus_ln, normal_at, normal_survival};

impl Shape {
    /// The duration with probability `p` below and `q` above, in seconds.
    pub(super) fn seconds_at(&self, p: f64, q: f64) -> f64 {
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
    pub(super) fn pair(&self, x: f64) -> (f64, f64) {
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
    pub(super) fn mean(&self) -> f64 {
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
    pub(super) fn partial_mean(&self, low: f64, high: f64) -> Option<f64> {
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
}
