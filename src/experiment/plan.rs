//! Which cells an experiment has, and in which order they count.

use crate::limits::CELLS_MAX;

/// One replication at one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The point: a design point, or one world of it.
    pub point: usize,
    /// The replication at that point, from 0.
    pub replication: u64,
}

/// The cells of an experiment. Replications come in blocks: a block is played at every point
/// before the next one begins, so that all points have as many replications at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    points: u64,
    /// Where each block ends, as a number of replications; rising.
    ends: Vec<u64>,
}

impl Plan {
    /// So many replications at each point. Absent if there are too many cells.
    pub fn fixed(points: usize, replications: u64) -> Option<Plan> {
        Plan::of(points, vec![replications])
    }

    /// From so many replications up to so many: each block is a quarter of what came before it.
    pub fn growing(points: usize, min: u64, max: u64) -> Option<Plan> {
        let mut ends = vec![min.min(max)];
        while let Some(last) = ends.last().copied().filter(|last| *last < max) {
            ends.push((last + last / 4 + 1).min(max));
        }
        Plan::of(points, ends)
    }

    fn of(points: usize, ends: Vec<u64>) -> Option<Plan> {
        let points = points as u64;
        let cells = ends.last()?.checked_mul(points)?;
        (cells <= CELLS_MAX).then_some(Plan { points, ends })
    }

    /// How many points there are.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// How many cells there are at most.
    pub fn cells(&self) -> u64 {
        self.points * self.ends.last().copied().unwrap_or(0)
    }

    /// Where each block ends, as a number of replications.
    pub fn ends(&self) -> &[u64] {
        &self.ends
    }

    /// Replications at every point once so many cells are done; absent within a block.
    pub fn complete(&self, cells: u64) -> Option<u64> {
        let replications = cells.checked_div(self.points)?;
        let whole = cells.is_multiple_of(self.points);
        (whole && self.ends.contains(&replications)).then_some(replications)
    }

    /// Start and length of the block that a replication is in.
    fn block(&self, replication: u64) -> (u64, u64) {
        let place = self.ends.partition_point(|end| *end <= replication);
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        let end = self.ends.get(place).copied().unwrap_or(u64::MAX);
        (start, end - start)
    }

    /// The cell with a number, and how many of the numbers that follow are at the same point.
    pub fn cell(&self, number: u64) -> (Cell, u64) {
        let (start, length) = self.block(number / self.points);
        let inside = number - start * self.points;
        let (point, replication) = (inside / length, inside % length);
        let cell = Cell { point: point as usize, replication: start + replication };
        (cell, length - replication)
    }

    /// The number of a cell.
    pub fn number(&self, cell: Cell) -> u64 {
        let (start, length) = self.block(cell.replication);
        start * self.points + cell.point as u64 * length + cell.replication - start
    }

    /// The stretches of numbers that hold the first replications of a point, in order.
    pub fn stretches(&self, point: usize, replications: u64) -> Vec<std::ops::Range<u64>> {
        let mut stretches = Vec::new();
        let mut start = 0;
        for end in self.ends.iter().map(|end| (*end).min(replications)) {
            if end > start {
                let first = self.number(Cell { point, replication: start });
                stretches.push(first..first + end - start);
            }
            start = end;
        }
        stretches
    }

    /// The slice of the cells that falls to shard `shard` of `of`, counted from 1.
    pub fn slice(&self, shard: u64, of: u64) -> std::ops::Range<u64> {
        let cut = |part: u64| {
            let cells = u128::from(self.cells()) * u128::from(part) / u128::from(of.max(1));
            cells as u64
        };
        cut(shard.saturating_sub(1))..cut(shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_cells_are_one_to_one() {
        let plan = Plan::growing(3, 4, 11).unwrap();
        assert_eq!(plan.ends(), [4, 6, 8, 11]);
        let mut seen = vec![0u64; 3];
        for number in 0..plan.cells() {
            let (cell, rest) = plan.cell(number);
            assert_eq!(plan.number(cell), number);
            // Each point's replications come in order.
            assert_eq!(seen[cell.point], cell.replication);
            seen[cell.point] += 1;
            let last = plan.cell(number + rest - 1).0;
            assert_eq!(last.point, cell.point);
        }
        assert_eq!(seen, [11, 11, 11]);
        let whole: Vec<u64> = (0..=33).filter_map(|cells| plan.complete(cells)).collect();
        assert_eq!(whole, [4, 6, 8, 11]);
    }

    #[test]
    fn stretches_are_a_points_own_cells() {
        let plan = Plan::growing(3, 4, 11).unwrap();
        let numbers: Vec<u64> = plan.stretches(1, 8).into_iter().flatten().collect();
        let cells: Vec<Cell> = numbers.iter().map(|number| plan.cell(*number).0).collect();
        assert!(cells.iter().all(|cell| cell.point == 1));
        assert!(cells.iter().map(|cell| cell.replication).eq(0..8));
    }

    #[test]
    fn shards_are_all_cells_once() {
        let plan = Plan::fixed(7, 13).unwrap();
        for of in [1, 2, 3, 16, 200] {
            let all: Vec<u64> = (1..=of).flat_map(|shard| plan.slice(shard, of)).collect();
            assert!(all.into_iter().eq(0..91));
        }
    }

    #[test]
    fn too_many_cells_are_no_plan() {
        assert!(Plan::fixed(10, CELLS_MAX / 10).is_some());
        assert!(Plan::fixed(10, CELLS_MAX / 10 + 1).is_none());
        assert!(Plan::fixed(usize::MAX, u64::MAX).is_none());
    }
}
