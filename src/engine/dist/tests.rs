//! Samplers against their own formulas, and frozen samples.

mod frozen;

use super::poisson::BELOW_ONE;
use super::*;
use crate::engine::random::{StreamNumber, Streams};
use statrs::distribution::{ChiSquared, ContinuousCDF};

const DRAWS: usize = 1_000_000;

pub(super) fn stream(purpose: &str) -> RandomStream {
    Streams::new(20_260_101, 0).stream(StreamNumber::of("dist", purpose))
}

fn s(seconds: u64) -> SimDuration {
    SimDuration::from_secs(seconds)
}

fn propagation() -> Dist {
    let usual = Dist::lognormal_p95(s(30), s(60)).unwrap();
    let slow = Dist::log_uniform(s(60), s(14_400)).unwrap();
    Dist::mixture(vec![(0.99, usual), (0.01, slow)]).unwrap()
}

/// Continuous distributions of every shape, with and without bounds.
fn continuous() -> Vec<Dist> {
    let cut = |dist: Result<Dist, String>, min: Option<u64>, max: Option<u64>| {
        dist.unwrap().bounded(min.map(s), max.map(s)).unwrap()
    };
    vec![
        Dist::uniform(s(0), s(300)).unwrap(),
        cut(Dist::uniform(s(0), s(300)), Some(30), Some(400)),
        Dist::log_uniform(s(60), s(14_400)).unwrap(),
        cut(Dist::log_uniform(s(60), s(14_400)), None, Some(600)),
        Dist::exponential(s(2700)).unwrap(),
        cut(Dist::exponential(s(60)), Some(600), None),
        cut(Dist::exponential(s(60)), Some(600), Some(700)),
        Dist::lognormal_p95(s(1800), s(7200)).unwrap(),
        Dist::lognormal_p99(s(1800), s(7200)).unwrap(),
        cut(Dist::lognormal_p95(s(1800), s(7200)), Some(600), Some(3600)),
        cut(Dist::lognormal_p95(s(30), s(60)), Some(240), None),
        Dist::weibull(s(3600), 1.5).unwrap(),
        Dist::weibull(s(3600), 0.7).unwrap(),
        cut(Dist::weibull(s(3600), 1.5), Some(300), Some(5000)),
        Dist::gamma(s(600), 0.5).unwrap(),
        Dist::gamma(s(600), 4.0).unwrap(),
        Dist::gamma(s(600), 400.0).unwrap(),
        cut(Dist::gamma(s(600), 2.0), Some(1200), None),
        Dist::triangular(s(60), s(100), s(300)).unwrap(),
        Dist::triangular(s(60), s(60), s(300)).unwrap(),
        propagation(),
        cut(Ok(propagation()), Some(20), Some(7200)),
        cut(
            Dist::mixture(vec![
                (0.5, Dist::triangular(s(0), s(50), s(100)).unwrap()),
                (0.5, cut(Dist::exponential(s(60)), None, Some(90))),
            ]),
            Some(20),
            Some(70),
        ),
    ]
}

/// The expectation of `g` by the trapezium rule over normal quantiles: knows nothing of the
/// closed forms.
fn expectation(dist: &Dist, g: impl Fn(f64) -> f64) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for i in -4000..=4000 {
        let z = f64::from(i) / 500.0;
        let weight = libm::exp(-z * z / 2.0);
        sum += weight * g(dist.quantile(normal_survival(-z)));
        weights += weight;
    }
    sum / weights
}

#[test]
fn samples_fit_mean_variance_and_quantiles() {
    let chi = ChiSquared::new(49.0).unwrap();
    for (i, dist) in continuous().into_iter().enumerate() {
        let mut stream = stream(&format!("fit {i}"));
        let edges: Vec<f64> = (1..50).map(|b| dist.quantile(f64::from(b) / 50.0)).collect();
        let mean = dist.mean();
        let variance = expectation(&dist, |x| (x - mean) * (x - mean));
        let mut counts = [0.0; 50];
        let (mut m1, mut m2, mut m4) = (0.0, 0.0, 0.0);
        for _ in 0..DRAWS {
            let x = dist.sample(&mut stream).seconds();
            counts[edges.partition_point(|edge| *edge < x)] += 1.0;
            let square = (x - mean) * (x - mean);
            (m1, m2, m4) = (m1 + x, m2 + square, m4 + square * square);
        }
        let n = DRAWS as f64;
        (m1, m2, m4) = (m1 / n, m2 / n, m4 / n);
        let off = (m1 - mean) / libm::sqrt(variance / n);
        assert!(off.abs() < 5.0, "{dist}: mean {m1}, not {mean} ({off} standard errors)");
        let off = (m2 - variance) / libm::sqrt((m4 - m2 * m2) / n);
        assert!(off.abs() < 5.0, "{dist}: variance {m2}, not {variance} ({off} errors)");
        let expected = n / 50.0;
        let chi2: f64 = counts.iter().map(|c| (c - expected) * (c - expected) / expected).sum();
        let p = chi.sf(chi2);
        assert!(p > 1e-3, "{dist}: chi-square {chi2}, p = {p}");
    }
}

#[test]
fn mean_agrees_with_the_integral_of_the_quantiles() {
    for dist in continuous() {
        let (mean, integral) = (dist.mean(), expectation(&dist, |x| x));
        // The kinks of mixtures cost the trapezium rule some digits.
        let bound = if matches!(dist.shape, Shape::Mixture { .. }) { 1e-4 } else { 1e-6 };
        assert!((mean / integral - 1.0).abs() < bound, "{dist}: {mean} {integral}");
    }
}

#[test]
fn means_of_truncated_flat_weibulls_join_up() {
    // The closed form is used from 1/60 on, the integral below.
    let mean = |shape: f64| {
        let dist = Dist::weibull(s(60), shape).unwrap();
        dist.bounded(Some(s(1)), Some(s(3600))).unwrap().mean()
    };
    let edge = 1.0 / 60.0;
    let (closed, integral) = (mean(edge), mean(edge * (1.0 - 1e-9)));
    assert!((closed / integral - 1.0).abs() < 1e-6, "{closed} {integral}");
    assert!(mean(1e-3) > 1.0 && mean(1e-3) < 3600.0);
    assert_eq!(Dist::weibull(s(60), 1e-3).unwrap().mean(), f64::INFINITY);
}

#[test]
fn narrow_bounds_keep_their_mean_inside() {
    for dist in continuous().into_iter().filter(|dist| !dist.is_bounded()) {
        let middle = SimDuration::from_seconds_f64(dist.quantile(0.3));
        let next = middle.checked_add(SimDuration::from_ns(1000).unwrap());
        if let Ok(narrow) = dist.bounded(Some(middle), next) {
            let mean = narrow.mean();
            assert!(mean >= middle.seconds() && mean <= next.unwrap().seconds(), "{narrow}");
        }
    }
}

#[test]
fn mean_of_the_key_propagation_mixture() {
    // 0.99 * 32.8 s + 0.01 * 2616.5 s
    assert!((propagation().mean() - 59.0).abs() < 1.0, "{}", propagation().mean());
    // Reference: 0.99 Exp(1 min) + 0.01 U(0, 180 min).
    let other = Dist::mixture(vec![
        (0.99, Dist::exponential(s(60)).unwrap()),
        (0.01, Dist::uniform(s(0), s(10_800)).unwrap()),
    ])
    .unwrap();
    assert!((other.mean() - 1.89 * 60.0).abs() < 1e-9);
    assert!((other.survival(300.0) - 0.016_393).abs() < 5e-7);
}

#[test]
fn survival_inverts_quantile() {
    for dist in continuous() {
        for p in [1e-9, 1e-6, 1e-3, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999, 1.0 - 1e-9] {
            let (x, q) = (dist.quantile(p), 1.0 - p);
            let got = dist.survival(x);
            assert!((got - q).abs() < 1e-11, "{dist} at {p}: {got} is not {q}");
        }
        let low = dist.quantile(0.0);
        assert!((dist.survival(low) - 1.0).abs() < 1e-15, "{dist}");
        assert!((dist.survival(low - 1.0) - 1.0).abs() < 1e-15, "{dist}");
        assert_eq!(dist.survival(dist.support_max()), 0.0, "{dist}");
        assert_eq!(dist.quantile(1.0), dist.support_max());
        assert!(dist.quantile(f64::NAN).is_nan() && dist.survival(f64::NAN).is_nan());
    }
}

#[test]
fn lognormal_is_given_by_its_percentiles() {
    let p95 = Dist::lognormal_p95(s(1800), s(7200)).unwrap();
    assert!((p95.quantile(0.5) - 1800.0).abs() < 1e-9);
    assert!((p95.quantile(0.95) - 7200.0).abs() < 1e-8);
    let p99 = Dist::lognormal_p99(s(1800), s(7200)).unwrap();
    assert!((p99.quantile(0.99) - 7200.0).abs() < 1e-8);
}

#[test]
fn bounded_samples_stay_inside() {
    for (i, dist) in continuous().into_iter().enumerate() {
        let mut stream = stream(&format!("bounds {i}"));
        for _ in 0..20_000 {
            let x = dist.sample(&mut stream);
            assert!(dist.least <= x && x <= dist.most, "{dist}: {x}");
        }
    }
    let far = Dist::exponential(s(60)).unwrap().bounded(Some(s(600)), None).unwrap();
    // Without memory: the mean beyond 10 min is 10 min and the mean.
    assert!((far.mean() - 660.0).abs() < 1e-6, "{}", far.mean());
    assert!((far.quantile(0.5) - 600.0 - 60.0 * std::f64::consts::LN_2).abs() < 1e-9);
}

#[test]
fn a_bounded_mixture_reweighs_its_components() {
    let dist = propagation().bounded(Some(s(3600)), None).unwrap();
    // The usual case never takes an hour; what remains is log-uniform on 1 h to 4 h.
    let mean = 10_800.0 / libm::log(4.0);
    assert!((dist.mean() / mean - 1.0).abs() < 1e-6, "{}", dist.mean());
    assert!((dist.quantile(0.5) - 7200.0).abs() < 0.01);
    assert_eq!(dist.support_max(), f64::INFINITY);
}

#[test]
fn empirical_values_come_equally_often() {
    let values = [5, 1, 3, 3].map(s).to_vec();
    let dist = Dist::empirical(values).unwrap();
    assert_eq!((dist.mean(), dist.support_max()), (3.0, 5.0));
    assert_eq!((dist.survival(0.9), dist.survival(1.0), dist.survival(3.0)), (1.0, 0.75, 0.25));
    assert_eq!((dist.quantile(0.2), dist.quantile(0.5), dist.quantile(0.9)), (1.0, 3.0, 5.0));
    let mut stream = stream("empirical");
    let mut counts = [0; 6];
    for _ in 0..DRAWS {
        counts[dist.sample(&mut stream).seconds() as usize] += 1;
    }
    assert!((counts[1] - 250_000i32).abs() < 2200, "{counts:?}");
    assert!((counts[3] - 500_000i32).abs() < 2500, "{counts:?}");
    assert_eq!(counts.iter().sum::<i32>(), DRAWS as i32);
    let cut = dist.bounded(Some(s(2)), Some(s(4))).unwrap();
    assert_eq!((cut.mean(), cut.survival(2.9), cut.survival(3.0)), (3.0, 1.0, 0.0));
    assert_eq!(cut.sample(&mut stream), s(3));
}

#[test]
fn each_shape_takes_its_number_of_draws() {
    let count = |dist: &Dist| {
        let fresh = stream("count");
        let mut used = fresh.clone();
        dist.sample(&mut used);
        let next = used.next_u64();
        let mut sought = fresh;
        (0..4).find(|draw| {
            sought.seek(*draw);
            sought.next_u64() == next
        })
    };
    assert_eq!(count(&Dist::constant(s(1))), Some(0));
    assert_eq!(count(&Dist::empirical(vec![s(1)]).unwrap()), Some(1));
    for dist in continuous() {
        let expected = if matches!(dist.shape, Shape::Mixture { .. }) { 2 } else { 1 };
        assert_eq!(count(&dist), Some(expected), "{dist}");
    }
    let fixed = Dist::mixture(vec![(1.0, Dist::constant(s(1)))]).unwrap();
    assert_eq!(count(&fixed), Some(2));
}

#[test]
fn constructors_refuse_what_makes_no_sense() {
    let (zero, one, two) = (s(0), s(1), s(2));
    let refused: Vec<(Result<Dist, String>, &str)> = vec![
        (Dist::uniform(two, one), "from must be shorter than to, but 2s is not shorter"),
        (Dist::uniform(one, one), "from must be shorter than to"),
        (Dist::log_uniform(zero, one), "from must be longer than 0s"),
        (Dist::log_uniform(two, one), "from must be shorter than to"),
        (Dist::exponential(zero), "mean must be longer than 0s"),
        (Dist::lognormal_p95(zero, one), "median must be longer than 0s"),
        (Dist::lognormal_p95(one, one), "median must be shorter than p95"),
        (Dist::lognormal_p99(two, one), "median must be shorter than p99"),
        (Dist::weibull(zero, 1.0), "scale must be longer than 0s"),
        (Dist::gamma(zero, 1.0), "mean must be longer than 0s"),
        (Dist::gamma(one, 1e-300), "shape must be between"),
        (Dist::triangular(one, zero, two), "min, mode and max must be in this order"),
        (Dist::triangular(zero, two, one), "min, mode and max must be in this order"),
        (Dist::triangular(one, one, one), "min must be shorter than max"),
        (Dist::mixture(vec![]), "at least one component"),
        (Dist::mixture(vec![(0.5, Dist::constant(one))]), "add up to 1, but they make 0.5"),
        (Dist::mixture(vec![(1.0, propagation())]), "cannot be a mixture"),
        (
            Dist::mixture(vec![(1.0 / 33.0, Dist::constant(one)); 33]),
            "at most 32 components, but this one has 33",
        ),
        (Dist::empirical(vec![]), "at least one value"),
        (Dist::empirical(vec![one; EMPIRICAL_VALUES_MAX + 1]), "at most 100000 values"),
    ];
    for (result, part) in refused {
        let message = result.unwrap_err();
        assert!(message.contains(part), "{message}");
        assert!(message.starts_with(|c: char| c.is_ascii_lowercase()), "{message}");
    }
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -1.0] {
        assert!(Dist::weibull(one, bad).is_err(), "{bad}");
        assert!(Dist::gamma(one, bad).is_err(), "{bad}");
        let parts = vec![(bad, Dist::constant(one)), (1.0, Dist::constant(one))];
        assert!(Dist::mixture(parts).is_err(), "{bad}");
    }
    assert!(Dist::mixture(vec![(1.0 / 32.0, Dist::constant(one)); 32]).is_ok());
    assert!(Dist::empirical(vec![one; EMPIRICAL_VALUES_MAX]).is_ok());
}

#[test]
fn bounds_refuse_what_makes_no_sense() {
    let (one, two, hour) = (Some(s(1)), Some(s(2)), Some(s(3600)));
    let exponential = Dist::exponential(s(1)).unwrap();
    let uniform = Dist::uniform(s(10), s(20)).unwrap();
    let triangular = Dist::triangular(s(0), s(1), s(2)).unwrap();
    let refused = [
        (exponential.clone().bounded(two, one), "min must not exceed max, but 2s is longer"),
        (exponential.clone().bounded(two, two), "probability below 1e-12"),
        (exponential.clone().bounded(hour, None), "above 1h has a probability below 1e-12"),
        (exponential.clone().bounded(one, two).unwrap().bounded(one, None), "bounds already"),
        (uniform.clone().bounded(None, two), "below 2s has a probability below 1e-12"),
        (uniform.bounded(hour, None), "probability below 1e-12"),
        (triangular.bounded(one, None), "takes no bounds"),
        (Dist::constant(s(3)).bounded(one, two), "between 1s and 2s, but it is always 3s"),
        (Dist::empirical(vec![s(3)]).unwrap().bounded(one, two), "probability below 1e-12"),
        (propagation().bounded(Some(s(90_000)), None), "probability below 1e-12"),
    ];
    for (result, part) in refused {
        let message = result.unwrap_err();
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(exponential.clone().bounded(None, None), Ok(exponential));
    let inside = Dist::constant(s(2)).bounded(one, two).unwrap();
    assert_eq!(inside.as_constant(), Some(s(2)));
    assert_eq!(propagation().as_constant(), None);
}

#[test]
fn prints_what_a_scenario_file_takes() {
    let text = |dist: Dist| dist.to_string();
    assert_eq!(text(Dist::constant(s(300))), "\"5m\"");
    assert_eq!(
        text(Dist::lognormal_p95(s(1800), s(7200)).unwrap()),
        r#"{ lognormal = { median = "30m", p95 = "2h" } }"#
    );
    assert_eq!(
        text(Dist::lognormal_p99(s(1), s(2)).unwrap().bounded(None, Some(s(9))).unwrap()),
        r#"{ lognormal = { median = "1s", p99 = "2s", max = "9s" } }"#
    );
    assert_eq!(
        text(Dist::uniform(s(0), s(300)).unwrap()),
        r#"{ uniform = { from = "0s", to = "5m" } }"#
    );
    assert_eq!(
        text(Dist::log_uniform(s(60), s(14_400)).unwrap()),
        r#"{ log-uniform = { from = "1m", to = "4h" } }"#
    );
    let exponential = Dist::exponential(s(2700)).unwrap();
    assert_eq!(
        text(exponential.bounded(Some(s(1)), Some(s(5400))).unwrap()),
        r#"{ exponential = { mean = "45m", min = "1s", max = "1h 30m" } }"#
    );
    assert_eq!(
        text(Dist::weibull(s(3600), 1.5).unwrap()),
        r#"{ weibull = { scale = "1h", shape = 1.5 } }"#
    );
    assert_eq!(
        text(Dist::gamma(s(3600), 2.0).unwrap()),
        r#"{ gamma = { mean = "1h", shape = 2.0 } }"#
    );
    assert_eq!(
        text(Dist::triangular(s(0), s(60), s(120)).unwrap()),
        r#"{ triangular = { min = "0s", mode = "1m", max = "2m" } }"#
    );
    assert_eq!(
        text(Dist::empirical(vec![s(120), s(60)]).unwrap()),
        r#"{ empirical = { values = ["1m", "2m"] } }"#
    );
    let usual = Dist::lognormal_p95(s(30), s(60)).unwrap();
    let mixture = Dist::mixture(vec![(0.99, usual), (0.01, Dist::constant(s(9)))]).unwrap();
    let inner = concat!(
        r#"mixture = [{ weight = 0.99, lognormal = { median = "30s", p95 = "1m" } }, "#,
        r#"{ weight = 0.01, constant = "9s" }]"#
    );
    assert_eq!(text(mixture.clone()), format!("{{ {inner} }}"));
    let bounded = mixture.bounded(None, Some(s(3600))).unwrap();
    assert_eq!(text(bounded), format!("{{ {inner}, max = \"1h\" }}"));
}

#[test]
fn extreme_parameters_never_panic() {
    let ns = |ns| SimDuration::from_ns(ns).unwrap();
    let (tiny, huge) = (ns(1), SimDuration::MAX);
    let nearly = huge.saturating_sub(tiny);
    let mut dists = vec![
        Dist::constant(huge),
        Dist::uniform(s(0), huge).unwrap(),
        Dist::uniform(nearly, huge).unwrap(),
        Dist::log_uniform(tiny, huge).unwrap(),
        Dist::log_uniform(nearly, huge).unwrap(),
        Dist::exponential(tiny).unwrap(),
        Dist::exponential(huge).unwrap(),
        Dist::lognormal_p95(tiny, huge).unwrap(),
        Dist::lognormal_p99(nearly, huge).unwrap(),
        Dist::triangular(s(0), s(0), huge).unwrap(),
        Dist::triangular(s(0), huge, huge).unwrap(),
        Dist::triangular(nearly, huge, huge).unwrap(),
        Dist::empirical(vec![s(0), huge]).unwrap(),
    ];
    for scale in [tiny, s(1), huge] {
        for shape in [5e-324, 1e-280, 1e-20, 1e-3, 0.1, 1.0, 201.0, 1e6, 1e15, 1e280, f64::MAX] {
            dists.extend(Dist::weibull(scale, shape));
            dists.extend(Dist::gamma(scale, shape));
        }
    }
    let parts: Vec<(f64, Dist)> = dists.iter().map(|dist| (0.0625, dist.clone())).collect();
    dists.extend(parts.chunks(16).map(|some| Dist::mixture(some.to_vec())).filter_map(Result::ok));
    let mut all = Vec::new();
    for dist in dists {
        for min in [None, Some(s(0)), Some(tiny), Some(s(3600)), Some(nearly)] {
            for max in [None, Some(tiny), Some(s(3600)), Some(nearly), Some(huge)] {
                all.extend(dist.clone().bounded(min, max));
            }
        }
    }
    assert!(all.len() > 300, "{}", all.len());
    let mut stream = stream("extreme");
    for dist in all {
        for _ in 0..20 {
            let x = dist.sample(&mut stream);
            assert!(dist.least <= x && x <= dist.most, "{dist}");
        }
        for p in [f64::MIN_POSITIVE, 1e-300, 1e-16, 0.5, BELOW_ONE] {
            let x = dist.quantile(p);
            assert!(!x.is_nan() && x >= 0.0, "{dist} at {p}: {x}");
        }
        for x in [f64::NEG_INFINITY, -1.0, 0.0, 1e-300, 1.0, 1e300, f64::INFINITY] {
            let q = dist.survival(x);
            assert!((0.0..=1.0 + 1e-12).contains(&q), "{dist} beyond {x}: {q}");
        }
        assert!(!dist.mean().is_nan() && dist.mean() >= 0.0, "{dist}");
    }
}
