//! Morris screening (Morris 1991, with the mean of absolute effects of Campolongo 2007): which of
//! many inputs matter, at the cost of a few points per input.

use super::Moments;
use crate::engine::RandomStream;

/// Levels of the grid that trajectories walk on.
pub const LEVELS: u32 = 4;

/// A walk through the cube that moves each coordinate once.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// Its points: one more than there are dimensions.
    pub points: Vec<Vec<f64>>,
    /// The dimension that each step moves, and by how much.
    pub steps: Vec<(usize, f64)>,
}

/// What a dimension does, over all trajectories.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Mean of the elementary effects: its sign says in which direction.
    pub mu: f64,
    /// Mean of their absolute values: how much the dimension matters.
    pub mu_star: f64,
    /// Half the width of the 95 % interval of `mu_star`; absent with one trajectory, or where all
    /// effects are of the same size.
    pub mu_star_half: Option<f64>,
    /// Their standard deviation: how much the effect depends on where one stands.
    pub sigma: Option<f64>,
    /// How many elementary effects there were.
    pub count: u64,
}

/// So many walks. Each starts at a random point of the grid and moves the coordinates in random
/// order by 2/3 of the cube: with four levels all of them are equally likely.
pub fn trajectories(count: usize, dims: usize, stream: &mut RandomStream) -> Vec<Trajectory> {
    let half = LEVELS / 2;
    let step = f64::from(half) / f64::from(LEVELS - 1);
    let level = |place: u32| f64::from(place) / f64::from(LEVELS - 1);
    let one = |stream: &mut RandomStream| {
        let mut places: Vec<u32> = (0..dims).map(|_| stream.below(LEVELS)).collect();
        let mut order: Vec<usize> = (0..dims).collect();
        stream.shuffle(&mut order);
        let at = |places: &[u32]| places.iter().map(|place| level(*place)).collect::<Vec<f64>>();
        let mut points = vec![at(&places)];
        let mut steps = Vec::new();
        for dim in order {
            let up = places[dim] < half;
            places[dim] = if up { places[dim] + half } else { places[dim] - half };
            points.push(at(&places));
            steps.push((dim, if up { step } else { -step }));
        }
        Trajectory { points, steps }
    };
    (0..count).map(|_| one(stream)).collect()
}

/// The effects, from the value at each point of each trajectory. A step with an undefined end
/// tells nothing.
pub fn effects(
    trajectories: &[Trajectory],
    values: &[Vec<Option<f64>>],
    dims: usize,
) -> Vec<Effect> {
    let mut plain = vec![Moments::default(); dims];
    let mut absolute = vec![Moments::default(); dims];
    for (trajectory, values) in trajectories.iter().zip(values) {
        for ((dim, step), pair) in trajectory.steps.iter().zip(values.windows(2)) {
            if let [Some(before), Some(after)] = pair {
                let effect = (after - before) / step;
                plain[*dim].push(effect);
                absolute[*dim].push(libm::fabs(effect));
            }
        }
    }
    let effect = |(plain, absolute): (Moments, Moments)| Effect {
        mu: plain.mean().unwrap_or(0.0),
        mu_star: absolute.mean().unwrap_or(0.0),
        mu_star_half: absolute.half_width().filter(|half| *half > 0.0),
        sigma: plain.std_dev(),
        count: plain.count(),
    };
    plain.into_iter().zip(absolute).map(effect).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamNumber, Streams};

    fn screen(count: usize, dims: usize, f: impl Fn(&[f64]) -> f64) -> Vec<Effect> {
        let mut stream = Streams::new(3, 0).stream(StreamNumber::of("morris", "test"));
        let walks = trajectories(count, dims, &mut stream);
        let value = |walk: &Trajectory| walk.points.iter().map(|x| Some(f(x))).collect();
        let values: Vec<Vec<Option<f64>>> = walks.iter().map(value).collect();
        effects(&walks, &values, dims)
    }

    #[test]
    fn a_walk_moves_each_coordinate_once_and_stays_in_the_cube() {
        let mut stream = Streams::new(3, 0).stream(StreamNumber::of("morris", "walk"));
        let mut seen = [0; LEVELS as usize];
        for walk in trajectories(500, 6, &mut stream) {
            assert_eq!((walk.points.len(), walk.steps.len()), (7, 6));
            let mut moved: Vec<usize> = walk.steps.iter().map(|(dim, _)| *dim).collect();
            for ((dim, step), pair) in walk.steps.iter().zip(walk.points.windows(2)) {
                for (other, (before, after)) in pair[0].iter().zip(&pair[1]).enumerate() {
                    let change = after - before;
                    let wanted = if other == *dim { *step } else { 0.0 };
                    assert!((change - wanted).abs() < 1e-15);
                }
                assert!((step.abs() - 2.0 / 3.0).abs() < 1e-15);
            }
            moved.sort_unstable();
            assert_eq!(moved, [0, 1, 2, 3, 4, 5]);
            for x in walk.points.iter().flatten() {
                assert!((0.0..=1.0).contains(x));
                seen[(x * 3.0).round() as usize] += 1;
            }
        }
        // 21,000 coordinates, each level equally likely.
        assert!(seen.iter().all(|count| (4_900..5_600).contains(count)), "{seen:?}");
    }

    /// Of a linear function the elementary effects are its coefficients, everywhere.
    #[test]
    fn a_linear_function_has_its_coefficients_as_effects() {
        let effects = screen(10, 4, |x| 3.0 * x[0] - 2.0 * x[1] + 0.5 * x[2]);
        for (effect, slope) in effects.iter().zip([3.0, -2.0, 0.5, 0.0_f64]) {
            assert!((effect.mu - slope).abs() < 1e-12);
            assert!((effect.mu_star - slope.abs()).abs() < 1e-12);
            assert!(effect.sigma.unwrap() < 1e-12 && effect.count == 10);
        }
    }

    /// Of x0 x1 the effect of one is the other's place: mean 1/2, variance 5/36 over the grid
    /// (0, 1/3, 2/3, 1). Of (x2 - 1/2)^2 a step of 2/3 from a to a + 2/3 gives 2a - 1/3, that is
    /// -1/3 or 1/3, each half of the time: the mean is zero and the dimension matters all the same.
    #[test]
    fn interactions_and_curvature_show() {
        let effects = screen(4_000, 3, |x| x[0] * x[1] + (x[2] - 0.5) * (x[2] - 0.5));
        for effect in &effects[..2] {
            assert!((effect.mu - 0.5).abs() < 0.03, "{effect:?}");
            assert!((effect.sigma.unwrap() - (5.0_f64 / 36.0).sqrt()).abs() < 0.02, "{effect:?}");
        }
        assert!(effects[2].mu.abs() < 0.02, "{:?}", effects[2]);
        assert!((effects[2].mu_star - 1.0 / 3.0).abs() < 1e-12, "{:?}", effects[2]);
        assert!((effects[2].sigma.unwrap() - 1.0 / 3.0).abs() < 0.01, "{:?}", effects[2]);
    }

    #[test]
    fn undefined_values_tell_nothing() {
        let mut stream = Streams::new(3, 0).stream(StreamNumber::of("morris", "gaps"));
        let walks = trajectories(3, 2, &mut stream);
        let values = vec![vec![Some(1.0), None, Some(2.0)]; 3];
        let effects = effects(&walks, &values, 2);
        assert!(effects.iter().all(|effect| effect.count == 0 && effect.sigma.is_none()));
    }
}
