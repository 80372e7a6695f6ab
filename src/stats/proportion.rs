//! Probabilities from counts: how often something happened in so many tries.

use super::CONFIDENCE;
use super::special::beta_inverse;
use crate::engine::dist::normal_quantile;

/// The interval of Wilson (1927) for a probability seen `k` times in `n`: near its nominal
/// coverage for every probability, and never outside of 0 to 1.
pub fn wilson(k: u64, n: u64) -> (f64, f64) {
    let (k, n) = (k as f64, n as f64);
    let z = normal_quantile(0.5 + CONFIDENCE / 2.0);
    let square = z * z;
    let middle = (k + square / 2.0) / (n + square);
    let half = z / (n + square) * libm::sqrt(k * (n - k) / n + square / 4.0);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The interval of Clopper and Pearson (1934): covers at least as often as it says, whatever the
/// probability is.
pub fn clopper_pearson(k: u64, n: u64) -> (f64, f64) {
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let (yes, no) = (k as f64, (n - k) as f64);
    let low = if k == 0 { 0.0 } else { beta_inverse(yes, no + 1.0, tail) };
    let high = if k == n { 1.0 } else { beta_inverse(yes + 1.0, no, 1.0 - tail) };
    (low, high)
}

/// What never happened in `n` tries has at most this probability, with 95 % confidence, one-sided:
/// 1 - 0.05^(1/n), about 3 in n.
pub fn never_seen(n: u64) -> f64 {
    // As -expm1(ln 0.05 / n), which keeps its digits for large n.
    -libm::expm1(libm::log(1.0 - CONFIDENCE) / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: (f64, f64), b: (f64, f64)) {
        assert!((a.0 - b.0).abs() < 5e-7 && (a.1 - b.1).abs() < 5e-7, "{a:?} is not {b:?}");
    }

    /// R: prop.test(k, n, correct = FALSE), and by hand for k = 0: z^2 / (n + z^2).
    #[test]
    fn wilson_is_as_published() {
        near(wilson(0, 10), (0.0, 0.277_532_8));
        near(wilson(5, 10), (0.236_593_1, 0.763_406_9));
        near(wilson(10, 10), (0.722_467_2, 1.0));
    }

    /// The closed forms at the ends, and R: binom.test(5, 10).
    #[test]
    fn clopper_pearson_is_as_published() {
        near(clopper_pearson(0, 10), (0.0, 1.0 - libm::pow(0.025, 0.1)));
        near(clopper_pearson(10, 10), (libm::pow(0.025, 0.1), 1.0));
        near(clopper_pearson(5, 10), (0.187_086_0, 0.812_914_0));
    }

    #[test]
    fn zero_events_have_the_bound_of_closed_forms() {
        assert!((never_seen(1000) - 0.002_991_249_545).abs() < 1e-12);
        assert!((never_seen(1) - 0.95).abs() < 1e-15);
    }
}
