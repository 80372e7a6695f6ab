//! Variance-based sensitivity (Sobol' 1993): the share of an output's variance that each input
//! explains alone (first order), and the share that is left unexplained without it (total).

use super::Moments;
use super::design;
use crate::engine::RandomStream;
use std::ops::Range;

/// Independent parts of a design, each scrambled by itself: what their estimates differ by is chance,
/// so that Student's t over them means what it says, while within a part points are even. (A
/// bootstrap of the rows takes them for independent, and its intervals are too wide by far.)
/// L'Ecuyer, Nakayama, Owen and Tuffin, *Confidence intervals for randomized quasi-Monte Carlo
/// estimators* (2023), find this the most dependable of the known ways.
const PARTS: usize = 8;

/// The rows of each part of a design, in order; one row is a part at least.
fn parts(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let count = rows.min(PARTS);
    (0..count).map(move |part| part * rows / count..(part + 1) * rows / count)
}

/// The points at which the output is needed, in the order of Saltelli (2010): for every row of two
/// independent samples A and B the point of A, the point of B, and for each dimension the point of
/// A with that coordinate of B.
pub fn points(rows: usize, dims: usize, stream: &mut RandomStream) -> Option<Vec<Vec<f64>>> {
    let mut points = Vec::with_capacity(rows.saturating_mul(dims + 2));
    for part in parts(rows) {
        for row in design::sobol(part.len(), 2 * dims, stream.next_u64())? {
            let (a, b) = row.split_at(dims);
            points.push(a.to_vec());
            points.push(b.to_vec());
            for dim in 0..dims {
                let mut mixed = a.to_vec();
                mixed[dim] = b[dim];
                points.push(mixed);
            }
        }
    }
    Some(points)
}

/// A share of variance with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The estimate. Chance can make it a little less than 0 or more than 1.
    pub value: f64,
    /// Half the width of the 95 % interval; absent where there is one part, or where all parts
    /// say the same.
    pub half: Option<f64>,
}

impl Share {
    /// The ends of the interval.
    pub fn ends(&self) -> Option<(f64, f64)> {
        self.half.map(|half| (self.value - half, self.value + half))
    }
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
pub fn indices(values: &[Option<f64>], dims: usize) -> (usize, Option<Vec<Indices>>) {
    let all: Vec<Option<Vec<f64>>> =
        values.chunks_exact(dims + 2).map(|row| row.iter().copied().collect()).collect();
    let parts: Vec<Vec<&Vec<f64>>> = parts(all.len())
        .map(|part| all[part].iter().flatten().collect::<Vec<_>>())
        .filter(|rows| !rows.is_empty())
        .collect();
    let count = parts.iter().map(Vec::len).sum();
    let mut both = Moments::default();
    for row in parts.iter().flatten() {
        both.push(row[0]);
        both.push(row[1]);
    }
    let Some((mean, variance)) = both.mean().zip(both.variance().filter(|v| *v > 0.0)) else {
        return (count, None);
    };
    // Half of what changes between two columns, and the spread that it is a share of.
    let change = |row: &Vec<f64>, of: usize, dim: usize| {
        let apart = row[of] - row[dim + 2];
        apart * apart / 2.0
    };
    let spread = |row: &Vec<f64>| {
        let (a, b) = (row[0] - mean, row[1] - mean);
        (a * a + b * b) / 2.0
    };
    let unexplained = |of: usize, dim: usize| {
        let sum = parts.iter().flatten().map(|row| change(row, of, dim)).sum::<f64>();
        let share = sum / (count as f64 * variance);
        // A ratio of two means over the parts, its error to the first order: that of the mean of
        // the numerators less the ratio times the denominators.
        let mut errors = Moments::default();
        for rows in &parts {
            let rest = rows.iter().map(|row| change(row, of, dim) - share * spread(row));
            errors.push(rest.sum::<f64>() * parts.len() as f64 / (count as f64 * variance));
        }
        Share { value: share, half: errors.half_width().filter(|half| *half > 0.0) }
    };
    let one = |dim: usize| {
        let others = unexplained(1, dim);
        Indices { first: Share { value: 1.0 - others.value, ..others }, total: unexplained(0, dim) }
    };
    (count, Some((0..dims).map(one).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamNumber, Streams};
    use std::f64::consts::PI;

    fn analyse(rows: usize, dims: usize, f: impl Fn(&[f64]) -> f64) -> Vec<Indices> {
        let mut stream = Streams::new(11, 0).stream(StreamNumber::of("sobol", "test"));
        let points = points(rows, dims, &mut stream).unwrap();
        assert_eq!(points.len(), rows * (dims + 2));
        let values: Vec<Option<f64>> = points.iter().map(|x| Some(f(x))).collect();
        let (count, indices) = indices(&values, dims);
        assert_eq!(count, rows);
        indices.unwrap()
    }

    fn check(found: &[Indices], first: &[f64], total: &[f64], within: f64) {
        for ((found, first), total) in found.iter().zip(first).zip(total) {
            for (share, expected) in [(found.first, first), (found.total, total)] {
                assert!((share.value - expected).abs() < within, "{expected}: {found:?}");
                assert!(share.half.is_none_or(|half| half < 3.0 * within), "{found:?}");
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

    /// The intervals mean what they say: over a thousand seeds nominal 95 % intervals of small
    /// samples hold the true shares about as often, and are narrower than independent points could
    /// make them.
    #[test]
    fn intervals_cover() {
        let mut covered = [0; 2];
        for seed in 0..1_000 {
            let mut stream = Streams::new(seed, 0).stream(StreamNumber::of("sobol", "cover"));
            let points = points(256, 2, &mut stream).unwrap();
            // x0 + x1 + 4 x0' x1' with x' = x - 1/2: V0 = V1 = 1/12, V01 = 16/144 = 1/9.
            let f = |x: &Vec<f64>| x[0] + x[1] + 4.0 * (x[0] - 0.5) * (x[1] - 0.5);
            let values: Vec<Option<f64>> = points.iter().map(|x| Some(f(x))).collect();
            let found = indices(&values, 2).1.unwrap()[0];
            let all = 1.0 / 6.0 + 1.0 / 9.0;
            let truths = [1.0 / 12.0 / all, (1.0 / 12.0 + 1.0 / 9.0) / all];
            for ((covered, share), truth) in
                covered.iter_mut().zip([found.first, found.total]).zip(truths)
            {
                let (low, high) = share.ends().unwrap();
                *covered += usize::from(low <= truth && truth <= high);
            }
        }
        assert!(covered.iter().all(|count| (936..=964).contains(count)), "{covered:?}");
    }

    /// Every row is in one part, and parts differ by a row at most.
    #[test]
    fn parts_are_all_rows() {
        for rows in [0, 1, 2, 15, 16, 17, 100, 256] {
            let all: Vec<Range<usize>> = parts(rows).collect();
            assert_eq!(all.len(), rows.min(PARTS));
            assert!(all.iter().cloned().flatten().eq(0..rows));
            let sizes = || all.iter().map(ExactSizeIterator::len);
            assert!(sizes().max().unwrap_or(0) <= sizes().min().unwrap_or(0) + 1);
        }
    }

    #[test]
    fn nothing_varies_and_nothing_is_defined() {
        assert_eq!(indices(&[Some(2.0); 8], 2), (2, None));
        assert_eq!(indices(&[None; 8], 2), (0, None));
        let gaps =
            [None, Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(2.0), Some(1.0), Some(2.0)];
        assert_eq!(indices(&gaps, 2).0, 1);
    }
}
