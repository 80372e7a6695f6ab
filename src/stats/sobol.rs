//! Variance-based sensitivity (Sobol' 1993): the share of an output's variance that each input
//! explains alone (first order), and the share that is left unexplained without it (total).

use super::Moments;
use super::design;
use crate::engine::RandomStream;

/// Resamples of a bootstrap interval.
const RESAMPLES: usize = 1_000;

/// The points at which the output is needed, in the order of Saltelli (2010): for every row of two
/// independent samples A and B the point of A, the point of B, and for each dimension the point of
/// A with that coordinate of B.
pub fn points(rows: usize, dims: usize, seed: u64) -> Option<Vec<Vec<f64>>> {
    let both = design::sobol(rows, 2 * dims, seed)?;
    let mut points = Vec::with_capacity(rows * (dims + 2));
    for row in both {
        let (a, b) = row.split_at(dims);
        points.push(a.to_vec());
        points.push(b.to_vec());
        for dim in 0..dims {
            let mut mixed = a.to_vec();
            mixed[dim] = b[dim];
            points.push(mixed);
        }
    }
    Some(points)
}

/// A share of variance with its bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The estimate. Chance can make it a little less than 0 or more than 1.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

/// The shares of one dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Indices {
    /// What it explains alone (Jansen's estimator).
    pub first: Share,
    /// What is left unexplained without it, alone or together with others (Jansen's estimator).
    pub total: Share,
}

/// The indices, from the values at [`points`]. Rows with an undefined value tell nothing and are
/// left out; the number of those that count is given. `None` where the output does not vary.
pub fn indices(
    values: &[Option<f64>],
    dims: usize,
    stream: &mut RandomStream,
) -> (usize, Option<Vec<Indices>>) {
    let rows: Vec<Vec<f64>> = values
        .chunks_exact(dims + 2)
        .filter_map(|row| row.iter().copied().collect::<Option<Vec<f64>>>())
        .collect();
    let all: Vec<usize> = (0..rows.len()).collect();
    let Some(estimate) = shares(&rows, &all, dims) else { return (rows.len(), None) };
    let mut spread: Vec<[Vec<f64>; 2]> = vec![[Vec::new(), Vec::new()]; dims];
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    for _ in 0..RESAMPLES {
        let picked: Vec<usize> = rows.iter().map(|_| stream.below(count) as usize).collect();
        // A resample of equal values has no shares.
        for (spread, pair) in
            spread.iter_mut().zip(shares(&rows, &picked, dims).unwrap_or_default())
        {
            spread.iter_mut().zip(pair).for_each(|(values, value)| values.push(value));
        }
    }
    let share = |value: f64, mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let last = values.len().saturating_sub(1) as f64;
        let at = |p: f64| values.get((p * last + 0.5) as usize).copied().unwrap_or(value);
        Share { value, low: at(0.025), high: at(0.975) }
    };
    let one = |([first, total], [firsts, totals]): ([f64; 2], [Vec<f64>; 2])| Indices {
        first: share(first, firsts),
        total: share(total, totals),
    };
    (rows.len(), Some(estimate.into_iter().zip(spread).map(one).collect()))
}

/// First and total share of each dimension over these rows.
fn shares(rows: &[Vec<f64>], picked: &[usize], dims: usize) -> Option<Vec<[f64; 2]>> {
    let mut moments = Moments::default();
    for &row in picked {
        moments.push(rows[row][0]);
        moments.push(rows[row][1]);
    }
    let variance = moments.variance().filter(|variance| *variance > 0.0)?;
    let one = |dim: usize| {
        let mean = |of: usize| {
            let square = |row: &usize| {
                let apart = rows[*row][of] - rows[*row][dim + 2];
                apart * apart
            };
            picked.iter().map(square).sum::<f64>() / (2.0 * picked.len() as f64)
        };
        [1.0 - mean(1) / variance, mean(0) / variance]
    };
    Some((0..dims).map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamNumber, Streams};
    use std::f64::consts::PI;

    fn analyse(rows: usize, dims: usize, f: impl Fn(&[f64]) -> f64) -> Vec<Indices> {
        let points = points(rows, dims, 11).unwrap();
        assert_eq!(points.len(), rows * (dims + 2));
        let values: Vec<Option<f64>> = points.iter().map(|x| Some(f(x))).collect();
        let mut stream = Streams::new(3, 0).stream(StreamNumber::of("sobol", "test"));
        let (count, indices) = indices(&values, dims, &mut stream);
        assert_eq!(count, rows);
        indices.unwrap()
    }

    fn check(found: &[Indices], first: &[f64], total: &[f64], within: f64) {
        for ((found, first), total) in found.iter().zip(first).zip(total) {
            for (share, expected) in [(found.first, first), (found.total, total)] {
                assert!((share.value - expected).abs() < within, "{expected}: {found:?}");
                assert!(share.low <= share.value && share.value <= share.high, "{found:?}");
                assert!(share.low - within <= *expected && *expected <= share.high + within);
            }
        }
    }

    /// Ishigami and Homma (1990), a = 7, b = 0.1, on (-pi, pi)^3. Published: first order 0.3139,
    /// 0.4424, 0; total 0.5576, 0.4424, 0.2437.
    #[test]
    fn the_ishigami_function_has_the_published_indices() {
        let f = |x: &[f64]| {
            let at = |x: f64| PI * (2.0 * x - 1.0);
            let (a, b, c) = (at(x[0]), at(x[1]), at(x[2]));
            libm::sin(a) + 7.0 * libm::sin(b) * libm::sin(b) + 0.1 * c * c * c * c * libm::sin(a)
        };
        let found = analyse(1 << 13, 3, f);
        check(&found, &[0.3139, 0.4424, 0.0], &[0.5576, 0.4424, 0.2437], 0.01);
    }

    /// The g-function of Sobol', a product of (|4x - 2| + a) / (1 + a): V_i = 1/(3 (1 + a_i)^2),
    /// V = product of (1 + V_i) - 1, S_i = V_i / V, ST_i = V_i product of (1 + V_j), j not i, / V.
    #[test]
    fn the_g_function_has_the_indices_of_its_formula() {
        let a = [0.0, 1.0, 4.5, 9.0, 99.0];
        let f = |x: &[f64]| {
            let pairs = x.iter().zip(a);
            pairs.map(|(x, a)| ((4.0 * x - 2.0).abs() + a) / (1.0 + a)).product::<f64>()
        };
        let own: Vec<f64> = a.iter().map(|a| 1.0 / (3.0 * (1.0 + a) * (1.0 + a))).collect();
        let all: f64 = own.iter().map(|v| 1.0 + v).product();
        let first: Vec<f64> = own.iter().map(|v| v / (all - 1.0)).collect();
        let total: Vec<f64> = own.iter().map(|v| v * all / (1.0 + v) / (all - 1.0)).collect();
        // Published (with three more inputs of a = 99): 0.7165, 0.1791, 0.0237, 0.0072, 0.0001.
        assert!((first[0] - 0.7162).abs() < 0.001 && (first[1] - 0.1790).abs() < 0.001);
        check(&analyse(1 << 13, 5, f), &first, &total, 0.01);
    }

    /// A linear function of uniform inputs: shares are squares of coefficients, 9/13.25, 4/13.25,
    /// 0.25/13.25, and totals are the same.
    #[test]
    fn a_linear_function_has_squares_of_its_coefficients() {
        let shares = [9.0 / 13.25, 4.0 / 13.25, 0.25 / 13.25, 0.0];
        let found = analyse(1 << 12, 4, |x| 3.0 * x[0] - 2.0 * x[1] + 0.5 * x[2]);
        check(&found, &shares, &shares, 0.005);
    }

    /// The intervals mean what they say: over a hundred seeds nominal 95 % intervals of small
    /// samples hold the true total share about as often.
    #[test]
    fn bootstrap_intervals_cover() {
        let mut covered = 0;
        for seed in 0..100 {
            let points = points(128, 2, seed).unwrap();
            // x0 + x1 + 4 x0' x1' with x' = x - 1/2: V0 = V1 = 1/12, V01 = 16/144 = 1/9.
            let f = |x: &Vec<f64>| x[0] + x[1] + 4.0 * (x[0] - 0.5) * (x[1] - 0.5);
            let values: Vec<Option<f64>> = points.iter().map(|x| Some(f(x))).collect();
            let mut stream = Streams::new(seed, 0).stream(StreamNumber::of("sobol", "cover"));
            let found = indices(&values, 2, &mut stream).1.unwrap();
            let total = (1.0 / 12.0 + 1.0 / 9.0) / (1.0 / 6.0 + 1.0 / 9.0);
            covered += usize::from(found[0].total.low <= total && total <= found[0].total.high);
        }
        // Even points make the estimate better than the bootstrap of independent rows expects.
        assert!(covered >= 90, "{covered}");
    }

    #[test]
    fn nothing_varies_and_nothing_is_defined() {
        let mut stream = Streams::new(3, 0).stream(StreamNumber::of("sobol", "none"));
        assert_eq!(indices(&[Some(2.0); 8], 2, &mut stream), (2, None));
        assert_eq!(indices(&[None; 8], 2, &mut stream), (0, None));
        let gaps =
            [None, Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(2.0), Some(1.0), Some(2.0)];
        assert_eq!(indices(&gaps, 2, &mut stream).0, 1);
    }
}
