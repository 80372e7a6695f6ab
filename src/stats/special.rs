//! The incomplete beta function, and what follows from it: Student's t and the binomial.

use super::memo::Memo;

/// Terms of the continued fraction: enough for parameters up to 10^10.
const TERMS_MAX: u32 = 100_000;

/// The regularized incomplete beta function I_x(a, b), for a and b above 0.
///
/// Lentz's evaluation of the continued fraction, on the side where it converges fast
/// (*Numerical Recipes*, section 6.4). Accurate to 1e-12 for a + b up to a thousand; beyond, the
/// logarithms of gamma functions cost up to a digit per factor of ten.
pub fn beta_inc(a: f64, b: f64, x: f64) -> f64 {
    if a.is_nan() || b.is_nan() || x.is_nan() || a <= 0.0 || b <= 0.0 {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let ln_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - ln_beta);
    let value = if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    };
    value.clamp(0.0, 1.0)
}

/// The continued fraction of the incomplete beta function.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if libm::fabs(value) < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..=TERMS_MAX {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            step = c * d;
            value *= step;
        }
        if libm::fabs(step - 1.0) < f64::EPSILON {
            break;
        }
    }
    value
}

/// The place in `[low, high]` where a function that does not fall crosses zero, by halving.
fn crossing(mut low: f64, mut high: f64, function: impl Fn(f64) -> f64) -> f64 {
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if function(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The `x` at which I_x(a, b) is `p`.
pub fn beta_inverse(a: f64, b: f64, p: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    crossing(0.0, 1.0, |x| beta_inc(a, b, x) - p)
}

/// The probability that a Student t number with `df` degrees of freedom is at most `t`.
pub fn student_cdf(t: f64, df: f64) -> f64 {
    let tail = 0.5 * beta_inc(df / 2.0, 0.5, df / (df + t * t));
    if t < 0.0 { tail } else { 1.0 - tail }
}

/// The Student t number with `df` degrees of freedom that has probability `p` below it.
pub fn student_quantile(p: f64, df: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if p == 0.5 {
        return 0.0;
    }
    if p < 0.5 {
        return -student_quantile(1.0 - p, df);
    }
    thread_local! {
        static KNOWN: Memo<(u64, u64), f64> = const { Memo::new() };
    }
    KNOWN.with(|known| known.get((p.to_bits(), df.to_bits()), || student_above(p, df)))
}

/// The quantile above the middle.
fn student_above(p: f64, df: f64) -> f64 {
    let mut high = 2.0;
    while student_cdf(high, df) < p && high < 1e300 {
        high *= 2.0;
    }
    crossing(0.0, high, |t| student_cdf(t, df) - p)
}

/// The probability of at most `k` successes in `n` tries of probability `p` each.
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    1.0 - beta_inc(k as f64 + 1.0, (n - k) as f64, p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

    fn near(a: f64, b: f64, digits: f64) {
        assert!((a - b).abs() <= digits * b.abs().max(1e-3), "{a} is not {b}");
    }

    #[test]
    fn student_quantiles_are_those_of_the_tables() {
        // Published: any table of Student's t, two-sided 95 %.
        for (df, t) in
            [(1.0, 12.706205), (2.0, 4.302653), (9.0, 2.262157), (30.0, 2.042272), (99.0, 1.984217)]
        {
            near(student_quantile(0.975, df), t, 1e-6);
            near(student_quantile(0.025, df), -t, 1e-6);
        }
        for df in [1.0, 3.0, 17.0, 250.0, 9_999.0, 999_999.0] {
            for p in [0.6, 0.9, 0.975, 0.995] {
                let other = StudentsT::new(0.0, 1.0, df).unwrap();
                near(student_cdf(student_quantile(p, df), df), p, 1e-9);
                near(other.cdf(student_quantile(p, df)), p, 1e-8);
            }
        }
        assert_eq!(student_quantile(0.5, 3.0), 0.0);
        assert!(student_quantile(0.5, 0.0).is_nan() && student_quantile(1.5, 3.0).is_nan());
    }

    #[test]
    fn beta_agrees_with_another_program() {
        for (a, b) in [(0.5, 0.5), (1.0, 3.0), (2.5, 7.0), (40.0, 961.0), (5_000.0, 5_000.0)] {
            let other = Beta::new(a, b).unwrap();
            for p in [0.001, 0.025, 0.3, 0.5, 0.9, 0.975] {
                let x = beta_inverse(a, b, p);
                near(other.cdf(x), p, 1e-8);
            }
        }
        assert_eq!(beta_inc(2.0, 3.0, 0.0), 0.0);
        assert_eq!(beta_inc(2.0, 3.0, 1.0), 1.0);
        assert!(beta_inc(0.0, 3.0, 0.5).is_nan());
    }

    #[test]
    fn binomial_agrees_with_another_program() {
        for (n, p) in [(1, 0.5), (10, 0.05), (100, 0.95), (10_000, 0.5)] {
            let other = Binomial::new(p, n).unwrap();
            for k in [0, n / 20, n / 2, n - 1, n] {
                let (a, b) = (binomial_cdf(k, n, p), other.cdf(k));
                assert!((a - b).abs() < 1e-10, "{k} of {n} at {p}: {a} is not {b}");
            }
        }
    }
}
