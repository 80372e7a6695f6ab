//! Estimates against what is known of their inputs.

use super::*;
use crate::engine::{Dist, SimDuration, StreamNumber, Streams};

fn of(scale: Scale, values: impl IntoIterator<Item = f64>) -> Estimate {
    let mut series = Series::new(scale);
    values.into_iter().for_each(|value| series.push(Some(value)));
    series.estimate()
}

#[test]
fn nothing_is_told_of_nothing() {
    let mut series = Series::new(Scale::Seconds);
    series.push(None);
    series.push(Some(f64::NAN));
    let estimate = series.estimate();
    assert_eq!((estimate.n, estimate.undefined, estimate.mean), (0, 2, None));
    assert_eq!((estimate.method, estimate.max), (Method::Nothing, None));
}

#[test]
fn one_value_has_no_interval() {
    let estimate = of(Scale::Seconds, [4.0]);
    assert_eq!((estimate.mean, estimate.ci_low, estimate.std_dev), (Some(4.0), None, None));
    assert_eq!(estimate.p50, Quantile { value: Some(4.0), low: None, high: None });
    assert_eq!(estimate.method, Method::Single);
}

#[test]
fn undefined_values_are_counted_apart() {
    let mut series = Series::new(Scale::Seconds);
    for value in [Some(1.0), None, Some(3.0)] {
        series.push(value);
    }
    let estimate = series.estimate();
    assert_eq!((estimate.n, estimate.undefined, estimate.mean), (2, 1, Some(2.0)));
}

/// closed-forms.md, 3.5.
#[test]
fn zero_events_are_never_zero_plus_minus_zero() {
    let always_up = of(Scale::Fraction, vec![1.0; 1000]);
    assert_eq!(always_up.mean, Some(1.0));
    assert!((1.0 - always_up.ci_low.unwrap() - 0.002_991_249_545).abs() < 1e-12);
    assert_eq!(always_up.ci_high, Some(1.0));
    let mut never = Series::new(Scale::Number).within(0.0, 1.0);
    (0..1000).for_each(|_| never.push(Some(0.0)));
    let never = never.estimate();
    assert_eq!((never.mean, never.ci_low), (Some(0.0), Some(0.0)));
    assert!((never.ci_high.unwrap() - 0.002_991_249_545).abs() < 1e-12);
    // Without a known range there is no interval, only the probability of another value.
    let unknown = of(Scale::Number, vec![0.0; 1000]);
    assert_eq!((unknown.mean, unknown.ci_low, unknown.ci_high), (Some(0.0), None, None));
    assert!((unknown.other_max.unwrap() - 0.002_991_249_545).abs() < 1e-12);
    assert_eq!(unknown.method, Method::Same);
}

#[test]
fn zeros_and_ones_are_a_probability() {
    let estimate = of(Scale::Number, (0..10).map(|n| f64::from(n % 2)));
    assert_eq!(estimate.method, Method::Wilson);
    assert!((estimate.ci_low.unwrap() - 0.236_593_1).abs() < 1e-6);
    assert_eq!(estimate.events, 5);
}

/// Many runs are settled many times: counts of the ends and of ones go on from one time to the next.
#[test]
fn what_is_counted_goes_on_over_many_runs() {
    // 0, 1, 0, 1, ...: 300 of each.
    let half = of(Scale::Number, (0..600).map(|n| f64::from(n % 2)));
    assert_eq!((half.method, half.mean, half.events), (Method::Wilson, Some(0.5), 300));
    let (low, high) = (half.ci_low.unwrap(), half.ci_high.unwrap());
    // Wilson for 300 of 600, in the head: 0.5 +- 1.96 x sqrt(0.25 / 603.84).
    assert!((low - 0.460_12).abs() < 1e-4 && (high - 0.539_88).abs() < 1e-4, "{low} {high}");
    // One 5 after all of these, or in their midst, and it is a probability no more.
    for at in [0, 333, 599] {
        let mixed =
            of(Scale::Number, (0..600).map(|n| if n == at { 5.0 } else { f64::from(n % 2) }));
        assert_eq!((mixed.method, mixed.max), (Method::Student, Some(5.0)), "{at}");
    }
    // 0, 1, 2, 0, 1, 2, ...: 200 of each, so that 400 differ from the smallest and from the largest.
    let three = of(Scale::Number, (0..600).map(|n| f64::from(n % 3)));
    assert_eq!((three.method, three.events), (Method::Student, 400));
    // 400 are the largest, or the smallest: 200 differ.
    let upper = of(Scale::Number, (0..600).map(|n| f64::from((n % 3).min(1)) + 1.0));
    let lower = of(Scale::Number, (0..600).map(|n| f64::from((n % 3 + 1) / 3) + 1.0));
    assert_eq!((upper.events, lower.events), (200, 200));
}

#[test]
fn the_mean_of_equal_values_is_that_value() {
    let estimate = of(Scale::Seconds, vec![0.1; 1000]);
    assert_eq!((estimate.mean, estimate.std_dev), (Some(0.1), Some(0.0)));
}

#[test]
fn quantiles_are_observed_values_with_intervals() {
    let estimate = of(Scale::Seconds, (1..=1000).rev().map(f64::from));
    assert_eq!(estimate.p5.value, Some(50.0));
    assert_eq!(estimate.p50.value, Some(500.0));
    assert_eq!(estimate.p99.value, Some(990.0));
    assert!(estimate.p50.low < Some(480.0) && estimate.p50.high > Some(520.0));
    assert_eq!(of(Scale::Seconds, (1..=100).map(f64::from)).p99.high, None);
    assert_eq!((estimate.min, estimate.max), (Some(1.0), Some(1000.0)));
}

#[test]
fn the_histogram_gives_nearly_the_same() {
    let value = |n: u32| f64::from(n * 7919 % 100_003);
    let estimate = of(Scale::Seconds, (1..100_003).map(value));
    assert!(!estimate.exact);
    for (quantile, truth) in [(estimate.p5, 5_001.0), (estimate.p50, 50_001.0)] {
        assert!((quantile.value.unwrap() - truth).abs() < 1e-3 * truth + 1.0);
        assert!(quantile.low < quantile.value && quantile.value < quantile.high);
    }
    assert_eq!((estimate.min, estimate.max), (Some(1.0), Some(100_002.0)));
}

/// Share of intervals that cover the truth, over many experiments of `n` draws each.
fn coverage(
    experiments: u64,
    n: usize,
    of: impl Fn(&Estimate) -> (Option<f64>, Option<f64>),
    truth: f64,
) -> f64 {
    let dist = Dist::exponential(SimDuration::from_secs(60)).unwrap();
    let covered = (0..experiments).filter(|experiment| {
        let mut draws = Streams::new(5, *experiment).stream(StreamNumber::of("coverage", "draws"));
        let mut series = Series::new(Scale::Seconds);
        (0..n).for_each(|_| series.push(Some(dist.sample(&mut draws).seconds())));
        let (low, high) = of(&series.estimate());
        low.unwrap() <= truth && truth <= high.unwrap()
    });
    covered.count() as f64 / experiments as f64
}

/// 1,000 experiments: the share covered has a standard deviation of 0.7 %.
#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    let mean = coverage(1000, 200, |e| (e.ci_low, e.ci_high), 60.0);
    assert!((0.93..=0.97).contains(&mean), "{mean}");
    // Order statistics cover at least as often as they say.
    let median = coverage(1000, 200, |e| (e.p50.low, e.p50.high), 60.0 * libm::log(2.0));
    assert!((0.935..=0.98).contains(&median), "{median}");
    let p95 = coverage(1000, 200, |e| (e.p95.low, e.p95.high), 60.0 * libm::log(20.0));
    assert!((0.935..=0.985).contains(&p95), "{p95}");
}
