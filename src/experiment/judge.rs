//! Objectives over replications: judged on the confidence interval of the mean, not on the mean.

use crate::scenario::{Bound, Condition};
use crate::stats::{Estimate, Method};

/// What replications say of an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It holds over the whole interval.
    Pass,
    /// Some of the interval is on the wrong side: more replications may tell.
    Inconclusive,
    /// It holds nowhere in the interval.
    Fail,
}

impl Verdict {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Fail => "fail",
        }
    }
}

/// Judges a bound on the mean of a measure.
pub fn judge(bound: &Bound, estimate: &Estimate) -> Verdict {
    let (low, high) = match bound.condition {
        // Seen once is seen; that it never comes can only be seen so far.
        Condition::Never if estimate.n == 0 => return Verdict::Pass,
        Condition::Never => return Verdict::Fail,
        Condition::Within { low, high } => (low, high),
    };
    let ends = estimate.ci_low.zip(estimate.ci_high);
    let Some((from, to)) = ends else {
        // Where nothing is left to chance, what is undefined stays undefined, as in a single run.
        let certain = estimate.method == Method::Certain;
        return if certain { Verdict::Fail } else { Verdict::Inconclusive };
    };
    let holds = low.is_none_or(|low| from >= low) && high.is_none_or(|high| to <= high);
    let nowhere = low.is_some_and(|low| to < low) || high.is_some_and(|high| from > high);
    match (nowhere, holds) {
        (true, _) => Verdict::Fail,
        // Where the measure is undefined, nothing is known of it.
        (false, true) if estimate.undefined == 0 => Verdict::Pass,
        (false, _) => Verdict::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Scale, Series};

    fn bound(low: Option<f64>, high: Option<f64>) -> Bound {
        Bound {
            entity: "a".into(),
            measure: "b".into(),
            unit: "s",
            condition: Condition::Within { low, high },
            because: String::new(),
            span: None,
        }
    }

    fn estimate(values: &[Option<f64>]) -> Estimate {
        let mut series = Series::new(Scale::Seconds);
        values.iter().for_each(|value| series.push(*value));
        series.estimate()
    }

    /// Mean 10, interval 10 +- 2.262157 x 1.054093 / sqrt(10) = 9.246 to 10.754.
    fn ten() -> Estimate {
        estimate(&[9.0, 11.0].repeat(5).into_iter().map(Some).collect::<Vec<_>>())
    }

    #[test]
    fn the_interval_decides() {
        let ten = ten();
        let at_most = |x| judge(&bound(None, Some(x)), &ten);
        let at_least = |x| judge(&bound(Some(x), None), &ten);
        assert_eq!(at_most(10.8), Verdict::Pass);
        assert_eq!(at_most(10.1), Verdict::Inconclusive);
        assert_eq!(at_most(9.9), Verdict::Inconclusive);
        assert_eq!(at_most(9.2), Verdict::Fail);
        assert_eq!(at_least(9.2), Verdict::Pass);
        assert_eq!(at_least(10.0), Verdict::Inconclusive);
        assert_eq!(at_least(10.8), Verdict::Fail);
        assert_eq!(judge(&bound(Some(9.0), Some(11.0)), &ten), Verdict::Pass);
        assert_eq!(judge(&bound(Some(9.5), Some(11.0)), &ten), Verdict::Inconclusive);
        assert_eq!(judge(&bound(Some(11.0), Some(12.0)), &ten), Verdict::Fail);
    }

    #[test]
    fn what_is_undefined_does_not_pass() {
        let mut some = ten();
        some.undefined = 1;
        assert_eq!(judge(&bound(None, Some(11.0)), &some), Verdict::Inconclusive);
        assert_eq!(judge(&bound(None, Some(9.0)), &some), Verdict::Fail);
        assert_eq!(judge(&bound(None, Some(9.0)), &estimate(&[None])), Verdict::Inconclusive);
    }

    /// A cost has no upper end, so that equal values alone say nothing of it.
    #[test]
    fn what_is_certain_passes_or_fails() {
        let same = estimate(&[Some(10.0); 400]);
        let none = estimate(&[None; 400]);
        for (condition, of_ten, of_none) in [
            (bound(None, Some(10.0)), Verdict::Pass, Verdict::Fail),
            (bound(None, Some(9.9)), Verdict::Fail, Verdict::Fail),
            (bound(Some(10.0), None), Verdict::Pass, Verdict::Fail),
            (bound(Some(10.1), None), Verdict::Fail, Verdict::Fail),
        ] {
            assert_eq!(judge(&condition, &same), Verdict::Inconclusive);
            assert_eq!(judge(&condition, &same.certain()), of_ten);
            assert_eq!(judge(&condition, &none), Verdict::Inconclusive);
            assert_eq!(judge(&condition, &none.certain()), of_none);
        }
    }

    #[test]
    fn never_fails_at_the_first_sight() {
        let never = Bound { condition: Condition::Never, ..bound(None, None) };
        assert_eq!(judge(&never, &estimate(&[None, None])), Verdict::Pass);
        assert_eq!(judge(&never, &estimate(&[None, Some(1.0)])), Verdict::Fail);
    }
}
