//! From bars to pieces that can be seen: short bars get a least width, and those that share a pixel
//! column become one piece with the worst look.

use super::axis::TimeAxis;
use super::timeline::Bar;
use crate::systems::spec::Look;

/// Least width of a piece in CSS pixels, and width of a column.
const LEAST: f64 = 2.0;
/// Pieces of one row that are wider than a column.
const PIECES_MAX: usize = 1_000;

/// One rectangle of a row.
pub(super) struct Piece {
    pub(super) x0: f64,
    pub(super) x1: f64,
    pub(super) look: Look,
    pub(super) state: String,
    pub(super) hover: String,
}

/// Short bars of one column.
#[derive(Clone, Copy)]
struct Column {
    worst: usize,
    look: Look,
    count: usize,
    /// Are all in the same state?
    same: bool,
}

/// The pieces of a row in drawing order: narrow ones last, the worst on top.
pub(super) fn pieces(bars: &[Bar], axis: &TimeAxis) -> Vec<Piece> {
    let columns_count = ((axis.x1 - axis.x0) / LEAST).ceil().max(1.0) as usize;
    let mut columns: Vec<Option<Column>> = vec![None; columns_count];
    let mut pieces = Vec::new();
    for (i, bar) in bars.iter().enumerate() {
        let to = bar.to.min(axis.end());
        if bar.from >= to {
            continue;
        }
        let (x0, x1) = (axis.x(bar.from), axis.x(to));
        if x1 - x0 >= LEAST {
            pieces.push(whole(bar, x0, x1));
            continue;
        }
        let at = (((x0 - axis.x0) / LEAST) as usize).min(columns_count - 1);
        let Some(column) = columns.get_mut(at) else { continue };
        let worse = column.is_none_or(|old| old.look.severity() < bar.look.severity());
        let count = column.map_or(0, |old| old.count) + 1;
        let same = column.is_none_or(|old| old.same && same_state(bars, old.worst, i));
        *column = match *column {
            Some(old) if !worse => Some(Column { count, same, ..old }),
            _ => Some(Column { worst: i, look: bar.look, count, same }),
        };
    }
    // Stays that do not overlap are far fewer.
    pieces.truncate(PIECES_MAX);
    pieces.extend(short_pieces(bars, axis, &columns));
    pieces.sort_by_key(
        |piece| {
            if piece.x1 - piece.x0 < 2.0 * LEAST { piece.look.severity() } else { 0 }
        },
    );
    pieces
}

fn same_state(bars: &[Bar], a: usize, b: usize) -> bool {
    match (bars.get(a), bars.get(b)) {
        (Some(a), Some(b)) => a.look == b.look && a.state == b.state,
        _ => false,
    }
}

fn whole(bar: &Bar, x0: f64, x1: f64) -> Piece {
    let hover = if bar.hover.is_empty() { bar.state.clone() } else { bar.hover.clone() };
    Piece { x0, x1, look: bar.look, state: bar.state.clone(), hover }
}

/// A piece per column; neighbours of one look that both stand for many become one.
fn short_pieces(bars: &[Bar], axis: &TimeAxis, columns: &[Option<Column>]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut run: Option<(usize, Column)> = None;
    let mut close = |run: Option<(usize, Column)>, end: usize| {
        let Some((start, column)) = run else { return };
        let Some(bar) = bars.get(column.worst) else { return };
        let place = |i: usize| (axis.x0 + i as f64 * LEAST).min(axis.x1);
        let mut piece = if column.count == 1 {
            let x0 = axis.x(bar.from).min(axis.x1 - LEAST);
            whole(bar, x0, x0 + LEAST)
        } else {
            whole(bar, place(start).min(axis.x1 - LEAST), place(end))
        };
        if column.count > 1 && column.same {
            piece.hover = format!("{} short stays here: {}", column.count, bar.state);
        } else if column.count > 1 {
            piece.hover = format!("{} short states here, the worst: {}", column.count, piece.hover);
            piece.state = format!("{} short states", column.count);
        }
        pieces.push(piece);
    };
    for (i, column) in columns.iter().enumerate() {
        run = match (run, *column) {
            (Some((start, old)), Some(new))
                if old.look == new.look && old.count > 1 && new.count > 1 =>
            {
                let same = old.same && new.same && same_state(bars, old.worst, new.worst);
                Some((start, Column { count: old.count + new.count, same, ..old }))
            }
            (old, new) => {
                close(old, i);
                new.map(|new| (i, new))
            }
        };
    }
    close(run, columns.len());
    pieces
}
