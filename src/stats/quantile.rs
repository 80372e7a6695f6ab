//! Quantiles with intervals that assume no distribution: both ends are observed values.

use super::CONFIDENCE;
use super::memo::Memo;
use super::special::binomial_cdf;

/// A quantile with its interval. An end that the number of values cannot support is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantile {
    /// The quantile: the smallest value with at least that share of the values at or below it.
    pub value: Option<f64>,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end of its interval.
    pub high: Option<f64>,
}

/// The places of a quantile and of the ends of its interval among `n` sorted values, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranks {
    /// Of the quantile.
    pub at: u64,
    /// Of the lower end.
    pub low: Option<u64>,
    /// Of the upper end.
    pub high: Option<u64>,
}

/// The places for the quantile of `p` among `n` values, `n` above zero.
///
/// The number of values below the true quantile is binomial (n, p), whatever they are drawn from.
/// So the value at place `low` is above it with the probability of fewer than `low` successes,
/// and that at place `high` below it with the probability of `high` or more: each at most 2.5 %
/// (David and Nagaraja, *Order Statistics*, section 7.1).
pub fn ranks(n: u64, p: f64) -> Ranks {
    thread_local! {
        static KNOWN: Memo<(u64, u64), Ranks> = const { Memo::new() };
    }
    KNOWN.with(|known| known.get((n, p.to_bits()), || found(n, p)))
}

fn found(n: u64, p: f64) -> Ranks {
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let at = (libm::ceil(p * n as f64 - 1e-9) as u64).clamp(1, n);
    // How many places lie at or below the largest k for which the tail is small.
    let low = last(0, n, |k| binomial_cdf(k, n, p) <= tail).map(|k| k + 1);
    let above = |k: u64| 1.0 - binomial_cdf(k, n, p) > tail;
    let high = match last(0, n, above) {
        None => Some(1),
        Some(k) => Some(k + 2).filter(|high| *high <= n),
    };
    Ranks { at, low, high }
}

/// The last place from `from` up to before `to` where a condition holds that holds up to some
/// place and not after it.
fn last(from: u64, to: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut yes, mut no) = (None, to);
    let mut low = from;
    while low < no {
        let middle = low + (no - low) / 2;
        if holds(middle) {
            yes = Some(middle);
            low = middle + 1;
        } else {
            no = middle;
        }
    }
    yes
}

/// The number of values from which on the quantile of `p` has an interval with both ends.
pub fn enough_for(p: f64) -> u64 {
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let rare = p.min(1.0 - p);
    libm::ceil(libm::log(tail) / libm::log1p(-rare)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For n = 100 the places of the median's interval are 40 and 61 (Conover, table A3).
    #[test]
    fn ranks_are_those_of_the_tables() {
        assert_eq!(ranks(100, 0.5), Ranks { at: 50, low: Some(40), high: Some(61) });
        assert_eq!(ranks(10, 0.5), Ranks { at: 5, low: Some(2), high: Some(9) });
        assert_eq!(ranks(5, 0.5), Ranks { at: 3, low: None, high: None });
        assert_eq!(ranks(6, 0.5), Ranks { at: 3, low: Some(1), high: Some(6) });
        // One value is below the 99 % quantile with 99 %: a lower end, and no upper one.
        assert_eq!(ranks(1, 0.99), Ranks { at: 1, low: Some(1), high: None });
    }

    #[test]
    fn ranks_hold_their_tails_and_no_wider() {
        for n in [7, 40, 368, 1000, 100_000] {
            for p in [0.05, 0.5, 0.95, 0.99] {
                let found = ranks(n, p);
                if let Some(low) = found.low {
                    assert!(binomial_cdf(low - 1, n, p) <= 0.025 + 1e-12);
                    assert!(binomial_cdf(low, n, p) > 0.025 - 1e-12);
                }
                if let Some(high) = found.high {
                    assert!(1.0 - binomial_cdf(high - 1, n, p) <= 0.025 + 1e-12);
                    assert!(1.0 - binomial_cdf(high - 2, n, p) > 0.025 - 1e-12);
                }
            }
        }
    }

    #[test]
    fn enough_is_just_enough() {
        for p in [0.05, 0.5, 0.95, 0.99] {
            let n = enough_for(p);
            let both = |n| ranks(n, p).low.is_some() && ranks(n, p).high.is_some();
            assert!(both(n) && !both(n - 1), "{p}: {n}");
        }
        assert_eq!(enough_for(0.99), 368);
    }
}
