//! Long runs: means over batches of one run, and how long it takes to forget how it began.

use super::Moments;

/// What the batches of a long run say of its long-run mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMeans {
    /// How many batches.
    pub batches: usize,
    /// Their mean.
    pub mean: f64,
    /// Half the width of its 95 % interval, by Student's t on the batches; absent where all of
    /// them are equal.
    pub half: Option<f64>,
    /// Correlation of neighbouring batches.
    pub lag1: Option<f64>,
}

impl BatchMeans {
    /// Are neighbouring batches more alike than chance makes them? Then batches are too short, and
    /// the interval is too narrow.
    pub fn correlated(&self) -> bool {
        // Of independent batches the correlation is about normal with variance 1/n.
        let most = 1.645 / libm::sqrt(self.batches.max(1) as f64);
        self.lag1.is_some_and(|lag1| lag1 > most)
    }
}

/// The means of equal batches, in order, taken together (Law, *Simulation Modeling and Analysis*,
/// section 9.5.3). `None` for fewer than two.
pub fn batch_means(values: &[f64]) -> Option<BatchMeans> {
    if values.len() < 2 {
        return None;
    }
    let mut moments = Moments::default();
    values.iter().for_each(|value| moments.push(*value));
    let mean = moments.mean()?;
    let varies = moments.variance().is_some_and(|variance| variance > 0.0);
    let pairs = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>();
    let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    Some(BatchMeans {
        batches: values.len(),
        mean,
        half: moments.half_width().filter(|_| varies),
        lag1: varies.then(|| pairs / squares),
    })
}

/// How many of the first batches differ from the second half of the run, as far as these
/// replications show: what a warm-up should take away. `runs` are replications, each a row of
/// batch means.
///
/// For each batch in turn the differences between it and the mean of the second half of its own
/// run are taken over the replications; the first batch whose interval holds zero ends the search.
/// The intervals together have 95 % (Bonferroni). `None` with fewer than two replications or four
/// batches, or where every batch of the first half differs.
pub fn warm_up(runs: &[Vec<f64>]) -> Option<usize> {
    let batches = runs.iter().map(Vec::len).min()?;
    if runs.len() < 2 || batches < 4 {
        return None;
    }
    let half = batches / 2;
    let level = 1.0 - (1.0 - super::CONFIDENCE) / half as f64;
    let t = super::special::student_quantile(0.5 + level / 2.0, (runs.len() - 1) as f64);
    let differs = |batch: usize| {
        let mut moments = Moments::default();
        for run in runs {
            let rest = run.get(half..batches).unwrap_or_default();
            let later = rest.iter().sum::<f64>() / rest.len() as f64;
            moments.push(run[batch] - later);
        }
        let spread = moments.variance().unwrap_or(0.0) / moments.count() as f64;
        moments.mean().is_some_and(|mean| libm::fabs(mean) > t * libm::sqrt(spread))
    };
    (0..half).find(|batch| !differs(*batch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{RandomStream, StreamNumber, Streams};

    fn stream(replication: u64) -> RandomStream {
        Streams::new(5, replication).stream(StreamNumber::of("batch", "test"))
    }

    /// Worked out by hand: mean 3, squares 4+1+0+1+4, variance 2.5, t(0.975, 4) = 2.776445;
    /// neighbours (-2)(-1) + 0 + 0 + (1)(2) = 4 over 10.
    #[test]
    fn batches_are_as_worked_out_by_hand() {
        let found = batch_means(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!((found.batches, found.mean), (5, 3.0));
        assert!((found.half.unwrap() - 2.776_445 * 0.5_f64.sqrt()).abs() < 1e-6);
        assert!((found.lag1.unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(batch_means(&[1.0]), None);
        let same = batch_means(&[2.0; 9]).unwrap();
        assert_eq!((same.half, same.lag1, same.correlated()), (None, None, false));
    }

    /// An autoregressive series with coefficient 0.9: its single values are told to be correlated,
    /// batches of 200 are not, and their intervals cover the mean, zero, about as often as they say.
    #[test]
    fn long_enough_batches_of_a_correlated_series_cover_its_mean() {
        let (mut covered, mut warned, mut short) = (0, 0, 0);
        for replication in 0..400 {
            let mut stream = stream(replication);
            let mut value = 0.0;
            let values: Vec<f64> = (0..6_000)
                .map(|_| {
                    value = 0.9 * value + stream.open01() - 0.5;
                    value
                })
                .collect();
            short += usize::from(batch_means(&values[2_000..2_060]).unwrap().correlated());
            let batches: Vec<f64> =
                values.chunks(200).map(|batch| batch.iter().sum::<f64>() / 200.0).collect();
            let found = batch_means(&batches).unwrap();
            covered += usize::from(found.mean.abs() <= found.half.unwrap());
            warned += usize::from(found.correlated());
        }
        // 380 expected, standard deviation 4.4; one in twenty is told to be correlated by chance,
        // a little more for what correlation is left.
        assert!((360..=396).contains(&covered), "{covered}");
        assert!(warned < 60 && short > 390, "{warned} {short}");
    }

    /// A transient that halves with every batch: with noise of a hundredth the first five or six
    /// batches stand out; without a transient none does, at one time in twenty.
    #[test]
    fn a_transient_is_found_and_none_is_not() {
        let run = |replication: u64, start: f64| -> Vec<f64> {
            let mut stream = stream(replication);
            let noise = |stream: &mut RandomStream| 0.02 * (stream.open01() - 0.5);
            (0..20).map(|batch| start / f64::from(1 << batch) + noise(&mut stream)).collect()
        };
        let runs = |start: f64, from: u64| -> Vec<Vec<f64>> {
            (from..from + 30).map(|replication| run(replication, start)).collect()
        };
        assert!((4..=9).contains(&warm_up(&runs(1.0, 0)).unwrap()), "{:?}", warm_up(&runs(1.0, 0)));
        let found = (0..200).filter(|n| warm_up(&runs(0.0, 30 * n)) != Some(0)).count();
        assert!(found <= 10, "{found}");
        assert_eq!(warm_up(&runs(1.0, 0)[..1]), None);
        assert_eq!(warm_up(&[vec![1.0; 3], vec![2.0; 3]]), None);
    }
}
