//! Special functions: the normal and the incomplete gamma functions and their inverses.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// -ln q, where p + q = 1.
pub(super) fn minus_ln(p: f64, q: f64) -> f64 {
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
pub(super) fn normal_at(p: f64, q: f64) -> f64 {
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
pub(super) fn power_over_factorial(a: f64, x: f64) -> f64 {
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
pub(super) fn gamma_at(a: f64, p: f64, q: f64) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::dist::{Z95, Z99};
    use statrs::function::gamma::{gamma_lr, gamma_ur};

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
}
