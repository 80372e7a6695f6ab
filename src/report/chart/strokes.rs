//! Lines of series: thinned to what can be seen, cut into dashes, with markers.

use super::canvas::Point;

/// Longest line, in pixels, that is cut into dashes: longer ones fill the plot anyway.
const DASHED_MAX: f64 = 12_000.0;

/// Points of a line in pixels, thinned: at most first, lowest, highest and last of each pixel.
pub(super) fn thin(points: &[Point]) -> Vec<Point> {
    let column = |p: &Point| p.0.floor();
    points
        .chunk_by(|a, b| column(a) == column(b))
        .flat_map(|run| {
            let mut kept: Vec<Point> = Vec::new();
            if run.len() <= 4 {
                kept.extend(run);
                return kept;
            }
            let lowest = run.iter().enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1));
            let highest = run.iter().enumerate().min_by(|a, b| a.1.1.total_cmp(&b.1.1));
            let mut order: Vec<usize> = vec![0, run.len() - 1];
            order.extend(lowest.map(|(i, _)| i));
            order.extend(highest.map(|(i, _)| i));
            order.sort_unstable();
            order.dedup();
            kept.extend(order.into_iter().filter_map(|i| run.get(i)));
            kept
        })
        .collect()
}

/// The line of a value that holds until the next point, and to the end.
pub(super) fn held(points: &[Point], end: f64) -> Vec<Point> {
    let mut line: Vec<Point> = Vec::with_capacity(points.len() * 2 + 1);
    for point in points {
        if let Some(last) = line.last().copied() {
            let level = line.iter().rev().take(2).filter(|p| p.1 == point.1).count();
            if last.1 != point.1 {
                line.push((point.0, last.1));
            } else if level == 2 {
                line.pop();
            }
        }
        line.push(*point);
    }
    if let Some(last) = line.last().copied() {
        line.push((end, last.1));
    }
    line
}

/// Cuts a line into dashes: lengths drawn and left out in turn; an empty pattern is a whole line.
pub(super) fn dashed(line: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    let least = 1.0;
    let long = line.windows(2).map(|pair| match pair {
        [a, b] => (a.0 - b.0).abs() + (a.1 - b.1).abs(),
        _ => 0.0,
    });
    if long.sum::<f64>() > DASHED_MAX
        || pattern.is_empty()
        || pattern.iter().any(|length| *length < least)
    {
        return vec![line.to_vec()];
    }
    let mut turn = 0;
    let mut left = pattern.first().copied().unwrap_or(least);
    let mut dashes = Vec::new();
    let mut dash: Vec<Point> = line.first().copied().into_iter().collect();
    for pair in line.windows(2) {
        let [from, to] = pair else { continue };
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = (dx * dx + dy * dy).sqrt();
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let point = (from.0 + dx * done / length, from.1 + dy * done / length);
            if turn % 2 == 0 {
                dash.push(point);
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![point];
            }
            turn += 1;
            left = pattern.get(turn % pattern.len()).copied().unwrap_or(least);
        }
        left -= length - done;
        if turn % 2 == 0 {
            dash.push(*to);
        }
    }
    dashes.push(dash);
    dashes
}

/// The outline of a marker: circle, square, triangle or diamond in turn.
pub(super) fn marker(kind: usize, at: Point, size: f64) -> Vec<Point> {
    let corners: &[Point] = match kind % 4 {
        0 => &[
            (1.0, 0.0),
            (0.87, 0.5),
            (0.5, 0.87),
            (0.0, 1.0),
            (-0.5, 0.87),
            (-0.87, 0.5),
            (-1.0, 0.0),
            (-0.87, -0.5),
            (-0.5, -0.87),
            (0.0, -1.0),
            (0.5, -0.87),
            (0.87, -0.5),
        ],
        1 => &[(0.9, 0.9), (-0.9, 0.9), (-0.9, -0.9), (0.9, -0.9)],
        2 => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
        _ => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
    };
    corners.iter().map(|c| (at.0 + c.0 * size, at.1 + c.1 * size)).collect()
}
