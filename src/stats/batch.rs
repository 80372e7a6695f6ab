//! Long runs: means over batches of one run, and how long it takes to forget how it began.

use super::Moments;
use super::proportion::never_seen;

/// What the batches of a long run say of its long-run mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMeans {
    /// How many batches.
    pub batches: u64,
    /// How many observations that do not hang together: batches, or worlds if there are several.
    pub independent: u64,
    /// Their mean.
    pub mean: f64,
    /// Half the width of its 95 % interval, by Student's t on the batches; absent where all of
    /// them are equal.
    pub half: Option<f64>,
    /// Correlation of neighbouring batches.
    pub lag1: Option<f64>,
}

impl BatchMeans {
    /// Where all batches are equal: upper bound of the probability of another value.
    pub fn other_max(&self) -> Option<f64> {
        self.half.is_none().then(|| never_seen(self.independent))
    }

    /// Are neighbouring batches more alike than chance makes them? Then batches are too short, and
    /// the interval is too narrow.
    pub fn correlated(&self) -> bool {
        // Of independent batches the correlation is about normal with variance 1/n.
        let most = 1.645 / libm::sqrt(self.batches.max(1) as f64);
        self.lag1.is_some_and(|lag1| lag1 > most)
    }
}

/// Means of equal batches, taken in order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Batches {
    moments: Moments,
    first: f64,
    last: f64,
    /// Sum over neighbours of the products of their distances from the first.
    products: f64,
}

impl Batches {
    /// Takes the next batch.
    pub fn push(&mut self, value: f64) {
        if self.moments.count() == 0 {
            self.first = value;
        } else {
            self.products += (self.last - self.first) * (value - self.first);
        }
        self.last = value;
        self.moments.push(value);
    }

    /// Mean and spread of the batches.
    pub fn moments(&self) -> Moments {
        self.moments
    }

    /// Sum over neighbours of the products of their distances from the mean.
    fn pairs(&self) -> f64 {
        let n = self.moments.count() as f64;
        let (mean, last) =
            (self.moments.mean().unwrap_or(0.0) - self.first, self.last - self.first);
        // With distances d from the first, whose sum is n times their mean m:
        // sum (d - m)(d' - m) = sum d d' - m (2 n m - last) + (n - 1) m^2.
        self.products - (n + 1.0) * mean * mean + mean * last
    }

    /// Sum of squared distances from the mean.
    fn squares(&self) -> f64 {
        let n = self.moments.count().max(1) as f64;
        self.moments.variance().unwrap_or(0.0) * (n - 1.0)
    }
}

/// The batches of several worlds taken together (Law, *Simulation Modeling and Analysis*, section
/// 9.5.3). Neighbours are of one world, and told from the mean of it. `None` for fewer than two.
pub fn batch_means(worlds: &[Batches]) -> Option<BatchMeans> {
    let mut moments = Moments::default();
    worlds.iter().for_each(|world| moments.merge(&world.moments));
    let varies = moments.variance()? > 0.0;
    let sum = |of: fn(&Batches) -> f64| worlds.iter().map(of).sum::<f64>();
    let squares = sum(Batches::squares);
    let known = worlds.iter().filter(|world| world.moments.count() > 0).count() as u64;
    Some(BatchMeans {
        batches: moments.count(),
        independent: if worlds.len() > 1 { known } else { moments.count() },
        mean: moments.mean()?,
        half: moments.half_width().filter(|_| varies),
        lag1: (squares > 0.0).then(|| sum(Batches::pairs) / squares),
    })
}

/// How many of the first batches differ from the second half of the run, as far as replications
/// show: what a warm-up should take away.
///
/// For each batch in turn the differences between it and the mean of the second half of its own
/// run are taken over the replications; the first batch whose interval holds zero ends the search.
/// The intervals together have 95 % (Bonferroni).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WarmUp {
    /// Of each batch of the first half, its differences.
    differences: Vec<Moments>,
}

impl WarmUp {
    /// Takes the batch means of the next replication; all have as many.
    pub fn push(&mut self, run: &[f64]) {
        let (first, second) = run.split_at(run.len() / 2);
        self.differences.resize(first.len(), Moments::default());
        let later = second.iter().sum::<f64>() / second.len() as f64;
        let pairs = self.differences.iter_mut().zip(first);
        pairs.for_each(|(moments, batch)| moments.push(batch - later));
    }

    /// How many batches differ. `None` with fewer than two replications or four batches, or where
    /// every batch of the first half differs.
    pub fn found(&self) -> Option<usize> {
        let half = self.differences.len();
        let runs = self.differences.first()?.count();
        if runs < 2 || half < 2 {
            return None;
        }
        let level = 1.0 - (1.0 - super::CONFIDENCE) / half as f64;
        let t = super::special::student_quantile(0.5 + level / 2.0, (runs - 1) as f64);
        let differs = |moments: &Moments| {
            let spread = moments.variance().unwrap_or(0.0) / moments.count() as f64;
            moments.mean().is_some_and(|mean| libm::fabs(mean) > t * libm::sqrt(spread))
        };
        self.differences.iter().position(|moments| !differs(moments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{RandomStream, StreamNumber, Streams};

    fn batch_means(values: &[f64]) -> Option<BatchMeans> {
        let mut batches = Batches::default();
        values.iter().for_each(|value| batches.push(*value));
        super::batch_means(&[batches])
    }

    fn warm_up(runs: &[Vec<f64>]) -> Option<usize> {
        let mut warm_up = WarmUp::default();
        runs.iter().for_each(|run| warm_up.push(run));
        warm_up.found()
    }

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

    /// Two worlds, each worked out by hand: squares 10 and 10, neighbours 4 and -2 about means 3
    /// and 13; together mean 8, and nothing of the ten between them in the correlation.
    #[test]
    fn worlds_are_told_from_their_own_means() {
        let mut worlds = [Batches::default(); 2];
        [1.0, 2.0, 3.0, 4.0, 5.0].iter().for_each(|value| worlds[0].push(*value));
        // Distances 0, -2, 1, 2, -1: products 0 - 2 + 2 - 2 = -2, squares 0 + 4 + 1 + 4 + 1.
        [13.0, 11.0, 14.0, 15.0, 12.0].iter().for_each(|value| worlds[1].push(*value));
        let found = super::batch_means(&worlds).unwrap();
        assert_eq!((found.batches, found.mean), (10, 8.0));
        assert!((found.lag1.unwrap() - (4.0 - 2.0) / 20.0).abs() < 1e-12, "{found:?}");
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
