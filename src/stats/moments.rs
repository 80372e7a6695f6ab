//! Mean and variance in one pass.

/// Count, mean and spread of a stream of numbers, by Welford's method: no cancellation however
/// large the mean is against the spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    n: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl Moments {
    /// Takes one more number.
    pub fn push(&mut self, value: f64) {
        self.n += 1;
        let before = value - self.mean;
        if before == 0.0 {
            // It moves nothing: most measures seldom change, and a division is dear.
            return;
        }
        self.mean += before / self.n as f64;
        self.squares += before * (value - self.mean);
    }

    /// The moments of numbers with how often each came in a row, in two passes: that takes one
    /// division, and not one for each number.
    pub fn of_runs(runs: &[(f64, u64)]) -> Moments {
        let Some(&(first, _)) = runs.first() else { return Moments::default() };
        // Measured from one of them, equal numbers have exactly their mean, and no spread.
        let mut moments = Moments { n: 0, mean: first, squares: 0.0 };
        let mut sum = 0.0;
        for &(value, count) in runs {
            moments.n += count;
            sum += (value - first) * count as f64;
        }
        moments.mean += sum / moments.n.max(1) as f64;
        for &(value, count) in runs {
            let apart = value - moments.mean;
            moments.squares += apart * apart * count as f64;
        }
        moments
    }

    /// Takes all the numbers of another, by the rule of Chan, Golub and LeVeque.
    pub fn merge(&mut self, other: &Moments) {
        if other.n == 0 {
            return;
        }
        if self.n == 0 {
            *self = *other;
            return;
        }
        let n = self.n + other.n;
        let apart = other.mean - self.mean;
        let share = other.n as f64 / n as f64;
        self.squares += other.squares + apart * apart * self.n as f64 * share;
        self.mean += apart * share;
        self.n = n;
    }

    /// How many numbers there were.
    pub fn count(&self) -> u64 {
        self.n
    }

    /// Their mean, if there were any.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then_some(self.mean)
    }

    /// The unbiased estimate of their variance, from two on.
    pub fn variance(&self) -> Option<f64> {
        (self.n > 1).then(|| (self.squares / (self.n - 1) as f64).max(0.0))
    }

    /// Its square root.
    pub fn std_dev(&self) -> Option<f64> {
        self.variance().map(libm::sqrt)
    }

    /// Half the width of the confidence interval of the mean, by Student's t.
    pub fn half_width(&self) -> Option<f64> {
        let variance = self.variance()?;
        if variance == 0.0 {
            return Some(0.0);
        }
        let t =
            super::special::student_quantile(0.5 + super::CONFIDENCE / 2.0, (self.n - 1) as f64);
        Some(t * libm::sqrt(variance / self.n as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.push(*value));
        moments
    }

    #[test]
    fn moments_are_those_of_the_definition() {
        let moments = of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(moments.mean(), Some(5.0));
        assert!((moments.variance().unwrap() - 32.0 / 7.0).abs() < 1e-15);
        // t(0.975, 7) = 2.364624
        let half = 2.364624 * (32.0 / 7.0 / 8.0f64).sqrt();
        assert!((moments.half_width().unwrap() - half).abs() < 1e-6);
    }

    #[test]
    fn runs_are_their_numbers() {
        let moments = Moments::of_runs(&[(2.0, 1), (4.0, 3), (5.0, 2), (7.0, 1), (9.0, 1)]);
        assert_eq!((moments.count(), moments.mean()), (8, Some(5.0)));
        assert!((moments.variance().unwrap() - 32.0 / 7.0).abs() < 1e-14);
        let same = Moments::of_runs(&[(0.1, 1_000)]);
        assert_eq!((same.mean(), same.variance()), (Some(0.1), Some(0.0)));
        assert_eq!(Moments::of_runs(&[]), Moments::default());
        let large = Moments::of_runs(&[(1e9 + 4.0, 1), (1e9 + 7.0, 1), (1e9 + 13.0, 2)]);
        assert_eq!((large.mean(), large.variance()), (Some(1e9 + 9.25), Some(20.25)));
    }

    #[test]
    fn a_large_mean_does_not_hide_the_spread() {
        let moments = of(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(moments.variance(), Some(30.0));
    }

    #[test]
    fn few_numbers_have_no_spread() {
        assert_eq!(of(&[]).mean(), None);
        assert_eq!((of(&[3.0]).mean(), of(&[3.0]).variance()), (Some(3.0), None));
        assert_eq!(of(&[3.0]).half_width(), None);
    }

    #[test]
    fn merging_is_like_pushing_all() {
        let values: Vec<f64> = (0..100).map(|n| f64::from(n * n % 37)).collect();
        let (left, right) = values.split_at(31);
        let mut merged = of(left);
        merged.merge(&of(right));
        merged.merge(&of(&[]));
        let all = of(&values);
        assert_eq!(merged.count(), 100);
        assert!((merged.mean().unwrap() - all.mean().unwrap()).abs() < 1e-12);
        assert!((merged.variance().unwrap() - all.variance().unwrap()).abs() < 1e-10);
        let mut empty = of(&[]);
        empty.merge(&all);
        assert_eq!(empty, all);
    }
}
