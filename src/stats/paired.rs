//! Differences of two alternatives that met the same luck (common random numbers).

use super::Moments;

/// Differences that spread by so little of the values themselves are rounding.
const ROUNDING: f64 = 1e-12;

/// Pairs of values, one per replication.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Paired {
    a: Moments,
    b: Moments,
    difference: Moments,
    /// Replications in which a value of the pair is undefined.
    undefined: u64,
    smaller: u64,
    greater: u64,
}

/// What pairs say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Pairs in which both values are defined.
    pub n: u64,
    /// Pairs in which one is not.
    pub undefined: u64,
    /// Mean of the first alternative over these pairs.
    pub mean_a: Option<f64>,
    /// Of the second.
    pub mean_b: Option<f64>,
    /// Mean of second minus first.
    pub difference: Option<f64>,
    /// Lower end of its 95 % interval.
    pub ci_low: Option<f64>,
    /// Upper end of it.
    pub ci_high: Option<f64>,
    /// Standard deviation of the differences.
    pub std_dev: Option<f64>,
    /// How much wider the interval would be without common random numbers, as a ratio of
    /// variances; absent where the differences do not vary.
    pub gain: Option<f64>,
    /// What the interval says.
    pub verdict: Verdict,
    /// Is nothing left to chance, so that the difference is its own interval?
    pub certain: bool,
}

/// What the interval of a difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every pair is equal.
    Same,
    /// The interval lies below zero, or all pairs differ by the same amount below zero.
    Lower,
    /// The interval lies above zero, or all pairs differ by the same amount above zero.
    Higher,
    /// It holds zero, or there are too few pairs.
    Unclear,
}

impl Verdict {
    /// What an interval says.
    fn of(low: f64, high: f64) -> Verdict {
        if high < 0.0 {
            Verdict::Lower
        } else if low > 0.0 {
            Verdict::Higher
        } else {
            Verdict::Unclear
        }
    }

    /// The word in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Lower => "lower",
            Verdict::Higher => "higher",
            Verdict::Unclear => "unclear",
        }
    }
}

impl Difference {
    /// The same with an interval of the mean that is found otherwise: that of the pairs holds only
    /// if they do not hang together.
    #[must_use]
    pub fn with_interval(self, (low, high): (f64, f64)) -> Difference {
        let verdict = match self.verdict {
            Verdict::Same => Verdict::Same,
            Verdict::Lower | Verdict::Higher | Verdict::Unclear => Verdict::of(low, high),
        };
        Difference { ci_low: Some(low), ci_high: Some(high), verdict, ..self }
    }

    /// The same where nothing is left to chance: every other pair would show the same, so that the
    /// difference is its own interval.
    #[must_use]
    pub fn certain(self) -> Difference {
        let verdict = match self.difference {
            Some(0.0) => Verdict::Same,
            Some(found) => Verdict::of(found, found),
            None => self.verdict,
        };
        let (ci_low, ci_high) = (self.difference, self.difference);
        let std_dev = self.difference.map(|_| 0.0);
        Difference { ci_low, ci_high, std_dev, verdict, certain: true, ..self }
    }
}

impl Paired {
    /// Takes the values of one replication; gives their difference, if both are defined.
    pub fn push(&mut self, a: Option<f64>, b: Option<f64>) -> Option<f64> {
        let defined = |value: Option<f64>| value.filter(|value| value.is_finite());
        let (Some(a), Some(b)) = (defined(a), defined(b)) else {
            self.undefined += 1;
            return None;
        };
        self.a.push(a);
        self.b.push(b);
        self.difference.push(b - a);
        self.smaller += u64::from(b < a);
        self.greater += u64::from(b > a);
        Some(b - a)
    }

    /// What the pairs so far say. Equal pairs say so, without an interval: that they never differ
    /// is not shown by a few of them.
    pub fn estimate(&self) -> Difference {
        let n = self.difference.count();
        let same = n > 0 && self.smaller + self.greater == 0;
        let mean = self.difference.mean().map(|mean| if same { 0.0 } else { mean });
        // Differences of large numbers vary in their last digits where the numbers do not.
        let largest = |one: &Moments| one.mean().map_or(0.0, libm::fabs);
        let noise = ROUNDING * largest(&self.a).max(largest(&self.b));
        let std_dev = self.difference.std_dev().map(|own| if own <= noise { 0.0 } else { own });
        // Where all pairs differ by the same, nothing says how far another pair could be off.
        let half = self.difference.half_width().filter(|_| std_dev.is_some_and(|own| own > 0.0));
        let ends = mean.zip(half).map(|(mean, half)| (mean - half, mean + half));
        let constant = half.is_none() && n > 1;
        let verdict = match ends {
            _ if same => Verdict::Same,
            None if constant && self.smaller == n => Verdict::Lower,
            None if constant && self.greater == n => Verdict::Higher,
            Some((low, high)) => Verdict::of(low, high),
            None => Verdict::Unclear,
        };
        let variances = self.a.variance().zip(self.b.variance());
        let own = std_dev.filter(|own| *own > 0.0).map(|own| own * own);
        Difference {
            n,
            undefined: self.undefined,
            mean_a: self.a.mean(),
            mean_b: self.b.mean(),
            difference: mean,
            ci_low: ends.map(|(low, _)| low),
            ci_high: ends.map(|(_, high)| high),
            std_dev,
            gain: variances.zip(own).map(|((a, b), own)| (a + b) / own),
            verdict,
            certain: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(f64, f64)]) -> Difference {
        let mut paired = Paired::default();
        for (a, b) in pairs {
            paired.push(Some(*a), Some(*b));
        }
        paired.estimate()
    }

    /// The sleep data of Student (1908), extra hours of sleep under two drugs: mean difference
    /// 1.58, t = 4.0621 with 9 degrees of freedom, 95 % interval 0.7001 to 2.4599 (published in
    /// many textbooks, and by `t.test` of R).
    #[test]
    fn students_sleep_data_give_the_published_interval() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let pairs: Vec<(f64, f64)> = first.into_iter().zip(second).collect();
        let found = of(&pairs);
        assert!((found.difference.unwrap() - 1.58).abs() < 1e-12);
        assert!((found.ci_low.unwrap() - 0.700_114_2).abs() < 1e-6, "{found:?}");
        assert!((found.ci_high.unwrap() - 2.459_885_8).abs() < 1e-6, "{found:?}");
        assert_eq!((found.verdict, found.n), (Verdict::Higher, 10));
        // Variances 3.200556 and 4.009000, of the differences 1.512889.
        assert!((found.gain.unwrap() - 7.209_556 / 1.512_889).abs() < 1e-4, "{found:?}");
        let other: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (*b, *a)).collect();
        assert_eq!(of(&other).verdict, Verdict::Lower);
    }

    #[test]
    fn rounding_is_no_spread() {
        let found = of(&[(0.1 + 0.2, 1e5 + 0.3), (0.3, 1e5 + 0.1 + 0.2), (0.3, 1e5 + 0.3)]);
        assert_eq!((found.verdict, found.std_dev), (Verdict::Higher, Some(0.0)));
        assert_eq!((found.ci_low, found.gain), (None, None));
        assert!(of(&[(0.0, 1e-9), (0.0, 2e-9)]).std_dev.unwrap() > 0.0);
    }

    #[test]
    fn equal_pairs_have_no_interval() {
        let found = of(&[(0.1, 0.1), (0.7, 0.7), (0.3, 0.3)]);
        assert_eq!((found.verdict, found.difference), (Verdict::Same, Some(0.0)));
        assert_eq!((found.ci_low, found.ci_high, found.gain), (None, None, None));
    }

    #[test]
    fn pairs_that_differ_by_the_same_have_a_verdict_and_no_interval() {
        let found = of(&[(1.0, 3.0), (5.0, 7.0), (2.0, 4.0)]);
        assert_eq!((found.verdict, found.difference), (Verdict::Higher, Some(2.0)));
        assert_eq!((found.ci_low, found.ci_high), (None, None));
        assert_eq!(of(&[(3.0, 1.0), (7.0, 5.0)]).verdict, Verdict::Lower);
    }

    #[test]
    fn one_pair_is_unclear_and_undefined_ones_are_counted() {
        let found = of(&[(1.0, 2.0)]);
        assert_eq!(
            (found.verdict, found.ci_low, found.difference),
            (Verdict::Unclear, None, Some(1.0))
        );
        let mut paired = Paired::default();
        paired.push(None, Some(1.0));
        paired.push(Some(f64::NAN), Some(1.0));
        let found = paired.estimate();
        assert_eq!((found.n, found.undefined, found.difference), (0, 2, None));
        assert_eq!(found.verdict, Verdict::Unclear);
    }
}
