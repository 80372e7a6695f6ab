//! Poisson numbers by inverse transform.

use super::special::{gamma_pair, normal_at, power_over_factorial};

/// The largest fraction below 1 on the grid of 2^-53.
pub(super) const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

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
    use crate::engine::dist::tests::stream;
    use statrs::distribution::{DiscreteCDF, Poisson};

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
}
