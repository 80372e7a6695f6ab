//! Replication: which acknowledged writes no other cluster has when a cluster goes down (BT-34).
//!
//! Writes arrive as a Poisson process and each reaches each other cluster after a lag of its own
//! (BR-03). A write of age `a` is at risk if every lag is longer than `a`; thinning a Poisson
//! process gives a Poisson number, so count and age of the oldest are drawn from their exact
//! distributions without playing any write.

use crate::engine::{Dist, RandomStream, SimDuration, SimTime};

/// Quantiles of a lag at which the integral over ages is cut into panels: within a panel the
/// survival function is smooth even where lags are constant.
const CUTS: [f64; 11] =
    [0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.999_99, 0.999_999_9];

/// Nodes and weights of the 5-point Gauss-Legendre rule on (-1, 1).
const GAUSS: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.906_179_845_938_664, 0.236_926_885_056_189_1),
];

/// The lag of one pair of clusters.
struct Lag {
    dist: Dist,
    cuts: Vec<f64>,
    /// It takes so many times as long.
    factor: f64,
    /// The model constant it was taken from.
    constant: Option<&'static str>,
}

/// The replication lags of an instance: none where a cluster meets itself.
pub(super) struct Lags {
    pairs: Vec<Vec<Option<Lag>>>,
}

impl Lags {
    /// Lags of `count` clusters, as `of(from, to)` says, with the model constant they come from;
    /// each so many times as long as that.
    pub(super) fn new<'d>(
        count: usize,
        factor: f64,
        of: impl Fn(usize, usize) -> (&'d Dist, Option<&'static str>),
    ) -> Lags {
        // A lag of no time at all is one of next to none.
        let factor = factor.max(f64::MIN_POSITIVE);
        let lag = |from: usize, to: usize| {
            (from != to).then(|| {
                let (dist, constant) = of(from, to);
                let cuts = CUTS.iter().map(|&p| dist.quantile(p) * factor).collect();
                Lag { dist: dist.clone(), cuts, factor, constant }
            })
        };
        Lags {
            pairs: (0..count).map(|from| (0..count).map(|to| lag(from, to)).collect()).collect(),
        }
    }
}

impl Lags {
    /// The model constant that the lag of a pair was taken from.
    pub(super) fn constant(&self, from: usize, to: usize) -> Option<&'static str> {
        self.pairs[from][to].as_ref()?.constant
    }
}

/// The rate of acknowledged writes of a cluster over time.
#[derive(Default)]
pub(super) struct Written {
    /// From when, and how many per second; the last holds on.
    rates: Vec<(SimTime, f64)>,
}

impl Written {
    /// The rate is this from now on.
    pub(super) fn set(&mut self, now: SimTime, rate: f64) {
        if self.rates.last().map_or(rate == 0.0, |(_, last)| *last == rate) {
            return;
        }
        match self.rates.last_mut() {
            Some((at, last)) if *at == now => *last = rate,
            _ => self.rates.push((now, rate)),
        }
    }

    /// Stretches of constant rate as ages from young to old: (youngest, oldest, rate).
    fn ages(&self, now: SimTime) -> Vec<(f64, f64, f64)> {
        let age = |at: SimTime| now.saturating_since(at).seconds();
        let ends = self.rates.iter().skip(1).map(|(at, _)| age(*at)).chain([0.0]);
        let mut stretches: Vec<_> = self
            .rates
            .iter()
            .zip(ends)
            .map(|((at, rate), end)| (end, age(*at), *rate))
            .filter(|(from, to, rate)| from < to && *rate > 0.0)
            .collect();
        stretches.reverse();
        stretches
    }
}

/// Acknowledged writes that only one cluster has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AtRisk {
    /// How many.
    pub(super) count: u64,
    /// Age of the oldest, in seconds.
    pub(super) age: f64,
}

/// A cluster that writes are replicated to, and for how long it has not received anything.
pub(super) struct Peer {
    pub(super) cluster: usize,
    pub(super) blocked: SimDuration,
}

/// The expected number of writes at risk, as an integral over ages in panels.
struct Exposure<'l> {
    peers: Vec<(&'l Lag, f64)>,
    /// Youngest and oldest age, rate, expected number within.
    panels: Vec<(f64, f64, f64, f64)>,
}

impl<'l> Exposure<'l> {
    fn new(lags: &'l Lags, from: usize, peers: &[Peer], written: &Written, now: SimTime) -> Self {
        let peers: Vec<(&Lag, f64)> = peers
            .iter()
            .filter_map(|peer| {
                Some((lags.pairs[from][peer.cluster].as_ref()?, peer.blocked.seconds()))
            })
            .collect();
        let mut cuts: Vec<f64> = peers
            .iter()
            .flat_map(|(lag, blocked)| {
                lag.cuts.iter().map(move |cut| cut + blocked).chain([*blocked])
            })
            .collect();
        cuts.sort_by(f64::total_cmp);
        let mut exposure = Exposure { peers, panels: Vec::new() };
        for (youngest, oldest, rate) in written.ages(now) {
            let mut low = youngest;
            let inner: Vec<f64> =
                cuts.iter().copied().filter(|cut| *cut > youngest && *cut < oldest).collect();
            for high in inner.into_iter().chain([oldest]) {
                if high > low {
                    let number = rate * exposure.integral(low, high);
                    exposure.panels.push((low, high, rate, number));
                    low = high;
                }
            }
        }
        exposure
    }

    /// Share of the writes of an age that no other cluster has.
    fn share(&self, age: f64) -> f64 {
        self.peers
            .iter()
            .map(
                |(lag, blocked)| {
                    if age < *blocked {
                        1.0
                    } else {
                        lag.dist.survival((age - blocked) / lag.factor)
                    }
                },
            )
            .product()
    }

    fn integral(&self, low: f64, high: f64) -> f64 {
        let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
        half * GAUSS.iter().map(|(x, weight)| weight * self.share(middle + half * x)).sum::<f64>()
    }

    fn mean(&self) -> f64 {
        self.panels.iter().map(|(_, _, _, number)| number).sum()
    }

    /// The age beyond which this expected number of writes lies.
    fn age_with_tail(&self, tail: f64) -> f64 {
        let mut left = tail;
        for (low, high, rate, number) in self.panels.iter().rev() {
            if left > *number {
                left -= number;
                continue;
            }
            // The number beyond an age falls as the age grows: bisect within the panel.
            let (mut near, mut far) = (*low, *high);
            for _ in 0..40 {
                let middle = (near + far) / 2.0;
                if rate * self.integral(middle, *high) > left {
                    near = middle;
                } else {
                    far = middle;
                }
            }
            return (near + far) / 2.0;
        }
        self.panels.first().map_or(0.0, |(low, ..)| *low)
    }
}

/// Draws the writes at risk of a cluster that goes down now: two draws, the count and the age of
/// the oldest.
pub(super) fn at_risk(
    lags: &Lags,
    from: usize,
    peers: &[Peer],
    written: &Written,
    now: SimTime,
    stream: &mut RandomStream,
) -> AtRisk {
    let exposure = Exposure::new(lags, from, peers, written, now);
    let mean = exposure.mean();
    let count = crate::engine::dist::poisson(mean, stream.open01());
    let u = stream.open01();
    if count == 0 {
        return AtRisk::default();
    }
    // The oldest of n is younger than x with the n-th power of the share younger than x.
    let share_older = -libm::expm1(libm::log(u) / count as f64);
    AtRisk { count, age: exposure.age_with_tail(mean * share_older) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamNumber, Streams};

    fn at(seconds: u64) -> SimTime {
        SimTime::from_ns(seconds * 1_000_000_000).unwrap()
    }

    fn exposure_mean(dist: &Dist, blocked: u64, written: &Written, now: SimTime) -> f64 {
        let lags = Lags::new(2, 1.0, |_, _| (dist, None));
        let peers = [Peer { cluster: 1, blocked: SimDuration::from_secs(blocked) }];
        Exposure::new(&lags, 0, &peers, written, now).mean()
    }

    #[test]
    fn br_03_expected_number_is_rate_times_mean_lag() {
        let mut written = Written::default();
        written.set(at(0), 300.0);
        let seconds = SimDuration::from_secs;
        for dist in [
            Dist::constant(seconds(2)),
            Dist::exponential(seconds(2)).unwrap(),
            Dist::uniform(seconds(1), seconds(3)).unwrap(),
            Dist::lognormal_p95(seconds(1), seconds(10)).unwrap(),
        ] {
            let mean = exposure_mean(&dist, 0, &written, at(1_000_000));
            let expected = 300.0 * dist.mean();
            assert!((mean / expected - 1.0).abs() < 2e-3, "{dist}: {mean} instead of {expected}");
        }
    }

    #[test]
    fn br_03_a_partition_leaves_all_writes_since_its_start_behind() {
        let mut written = Written::default();
        written.set(at(0), 10.0);
        let dist = Dist::constant(SimDuration::from_secs(2));
        // 60 s without replication and a lag of 2 s: what was written in the last 62 s.
        let mean = exposure_mean(&dist, 60, &written, at(1000));
        assert!((mean - 620.0).abs() < 1e-6, "{mean}");
    }

    #[test]
    fn only_what_was_written_counts() {
        let mut written = Written::default();
        written.set(at(0), 10.0);
        written.set(at(990), 0.0);
        written.set(at(995), 4.0);
        let dist = Dist::constant(SimDuration::from_secs(20));
        // Ages 0 to 5 at 4/s, 5 to 10 at none, 10 to 20 at 10/s.
        let mean = exposure_mean(&dist, 0, &written, at(1000));
        assert!((mean - 120.0).abs() < 1e-6, "{mean}");
    }

    #[test]
    fn the_oldest_is_no_older_than_the_lag() {
        let mut written = Written::default();
        written.set(at(0), 100.0);
        let dist = Dist::constant(SimDuration::from_secs(5));
        let lags = Lags::new(2, 1.0, |_, _| (&dist, None));
        let mut stream = Streams::new(1, 0).stream(StreamNumber::of("a", "b"));
        for _ in 0..100 {
            let peers = [Peer { cluster: 1, blocked: SimDuration::ZERO }];
            let risk = at_risk(&lags, 0, &peers, &written, at(1000), &mut stream);
            // About 500 writes evenly spread over 5 s.
            assert!(risk.count > 350 && risk.count < 650, "{risk:?}");
            assert!(risk.age <= 5.0 && risk.age > 4.5, "{risk:?}");
        }
    }
}
