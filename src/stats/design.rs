//! Points in a cube: where to look when not everything can be looked at.

use crate::engine::RandomStream;

/// Most points of a Sobol' sequence.
pub const SOBOL_POINTS_MAX: usize = 1 << 16;
/// Most dimensions of a Sobol' sequence.
pub const SOBOL_DIMS_MAX: usize = 256;

/// A Latin hypercube (McKay, Beckman and Conover 1979): in every dimension each of the `points`
/// equal slices of (0, 1) holds one coordinate. Points by their number, each with `dims`
/// coordinates. The first dimensions do not depend on how many follow.
pub fn latin_hypercube(points: usize, dims: usize, stream: &mut RandomStream) -> Vec<Vec<f64>> {
    let mut design = vec![Vec::with_capacity(dims); points];
    for _ in 0..dims {
        let mut slices: Vec<usize> = (0..points).collect();
        stream.shuffle(&mut slices);
        for (point, slice) in design.iter_mut().zip(slices) {
            point.push(inside((slice as f64 + stream.open01()) / points as f64));
        }
    }
    design
}

/// The first points of a Sobol' sequence with direction numbers of Joe and Kuo, Owen-scrambled by
/// the seed (Burley 2020): every coordinate lies strictly between 0 and 1. `None` beyond
/// [`SOBOL_POINTS_MAX`] or [`SOBOL_DIMS_MAX`].
pub fn sobol(points: usize, dims: usize, seed: u64) -> Option<Vec<Vec<f64>>> {
    if points > SOBOL_POINTS_MAX || dims > SOBOL_DIMS_MAX {
        return None;
    }
    let seed = (seed ^ (seed >> 32)) as u32;
    // The crate gives multiples of 2^-24 from 0 on; half a step further none of them is an end.
    let coordinate = |point: usize, dim: usize| {
        let low = f64::from(sobol_burley::sample(point as u32, dim as u32, seed));
        inside(low + f64::from(f32::EPSILON) / 4.0)
    };
    let point = |point: usize| (0..dims).map(|dim| coordinate(point, dim)).collect();
    Some((0..points).map(point).collect())
}

/// Rounding must not reach an end: inverse distribution functions are infinite there.
fn inside(share: f64) -> f64 {
    share.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamNumber, Streams};

    fn stream(name: &str) -> RandomStream {
        Streams::new(7, 0).stream(StreamNumber::of("design", name))
    }

    /// How many points fall into each cell of a grid over two dimensions.
    fn cells(design: &[Vec<f64>], dims: (usize, usize), grid: (usize, usize)) -> Vec<usize> {
        let mut counts = vec![0; grid.0 * grid.1];
        for point in design {
            let place = |dim: usize, cells: usize| (point[dim] * cells as f64) as usize;
            counts[place(dims.0, grid.0) * grid.1 + place(dims.1, grid.1)] += 1;
        }
        counts
    }

    #[test]
    fn a_latin_hypercube_has_one_point_in_every_slice() {
        for (points, dims) in [(1, 3), (7, 1), (100, 5), (1_000, 2)] {
            let design = latin_hypercube(points, dims, &mut stream("latin"));
            assert_eq!(design.len(), points);
            for dim in 0..dims {
                assert!(design.iter().all(|point| point[dim] > 0.0 && point[dim] < 1.0));
                assert_eq!(cells(&design, (dim, dim), (points, 1)), vec![1; points], "{points}");
            }
        }
        assert!(latin_hypercube(0, 3, &mut stream("latin")).is_empty());
    }

    #[test]
    fn more_dimensions_leave_the_first_alone() {
        let few = latin_hypercube(50, 2, &mut stream("latin"));
        let many = latin_hypercube(50, 4, &mut stream("latin"));
        assert!(few.iter().zip(&many).all(|(few, many)| few[..] == many[..2]));
        let (few, many) = (sobol(50, 2, 9).unwrap(), sobol(50, 4, 9).unwrap());
        assert!(few.iter().zip(&many).all(|(few, many)| few[..] == many[..2]));
    }

    /// Sobol' points are (t, m, s)-nets: in one dimension exactly one of the first 2^m in each of
    /// 2^m slices, and in the first two dimensions (t = 0) in each box of area 2^-m of any shape.
    #[test]
    fn a_sobol_sequence_fills_every_box() {
        for seed in [0, 1, 1 << 40] {
            let design = sobol(1 << 10, 40, seed).unwrap();
            for dim in 0..40 {
                assert_eq!(cells(&design, (dim, dim), (1 << 10, 1)), vec![1; 1 << 10], "{dim}");
            }
            for split in 0..=10 {
                let grid = (1 << split, 1 << (10 - split));
                assert_eq!(cells(&design, (0, 1), grid), vec![1; 1 << 10], "{split}");
            }
        }
        assert_ne!(sobol(4, 2, 1), sobol(4, 2, 1 << 40));
        assert!(sobol(SOBOL_POINTS_MAX + 1, 1, 0).is_none());
        assert!(sobol(1, SOBOL_DIMS_MAX + 1, 0).is_none());
    }

    /// The integral of a product of four sines, 0: a thousand points miss it by a hundredth of
    /// what chance would.
    #[test]
    fn a_sobol_sequence_integrates_better_than_chance() {
        let design = sobol(1 << 12, 4, 3).unwrap();
        let value = |point: &Vec<f64>| point.iter().map(|x| 2.0 * x).product::<f64>();
        let mean = design.iter().map(value).sum::<f64>() / 4_096.0;
        // The standard deviation of chance: sqrt(((4/3)^4 - 1) / 4096) = 0.023.
        assert!((mean - 1.0).abs() < 0.000_5, "{mean}");
    }

    /// Scenarios promise the same bytes for ever: the first points, frozen.
    #[test]
    fn designs_are_frozen() {
        let design = latin_hypercube(2, 2, &mut stream("frozen"));
        let bits = |design: &[Vec<f64>]| -> Vec<u64> {
            design.iter().flatten().map(|x| x.to_bits()).collect()
        };
        assert_eq!(bits(&design), FROZEN_LATIN);
        assert_eq!(bits(&sobol(2, 2, 5).unwrap()), FROZEN_SOBOL);
    }

    const FROZEN_LATIN: [u64; 4] = [
        4_599_639_491_449_199_716,
        4_598_301_320_389_186_562,
        4_604_404_116_682_917_813,
        4_603_322_428_848_548_666,
    ];
    const FROZEN_SOBOL: [u64; 4] = [
        4_604_061_608_858_091_520,
        4_604_351_033_819_267_072,
        4_589_756_149_489_729_536,
        4_599_298_628_907_958_272,
    ];
}
