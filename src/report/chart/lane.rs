//! Labels in a lane above a plot, each at the head of its upright line. A label that would be
//! crossed by a line to its right stands in a higher row, so nothing ever crosses a label.

use super::axis::LABEL;
use super::canvas::{Scene, ink};
use super::font;
use super::series::{REFERENCE, REFERENCE_DASH};
use super::strokes::dashed;
use plotters::style::RGBColor;

const ROW: f64 = 15.0;
/// Space below the labels, so that they do not touch labels beside the plot.
const LIFT: f64 = 6.0;
/// Rows of labels; further labels are left out.
const ROWS_MAX: usize = 8;
const LABEL_MAX: f64 = 300.0;

/// An upright line with a label.
#[derive(Clone, Debug)]
pub(super) struct Upright {
    pub(super) x: f64,
    pub(super) label: String,
    pub(super) color: RGBColor,
    /// Dashed, as references are?
    pub(super) dashed: bool,
}

impl Upright {
    pub(super) fn reference(x: f64, label: &str) -> Upright {
        Upright { x, label: super::canvas::clean(label), color: REFERENCE, dashed: true }
    }
}

/// Uprights with the rows of their labels.
pub(super) struct Lane {
    placed: Vec<(Upright, usize, String)>,
    rows: usize,
}

impl Lane {
    /// Rows for labels that end at `limit`.
    pub(super) fn new(mut uprights: Vec<Upright>, limit: f64) -> Lane {
        uprights.sort_by(|a, b| a.x.total_cmp(&b.x));
        let mut placed: Vec<(Upright, usize, String)> = Vec::new();
        for upright in uprights.into_iter().rev() {
            let room = (limit - upright.x - 4.0).clamp(0.0, LABEL_MAX) / 1.05;
            let text = font::fit_name(&upright.label, LABEL, room);
            let end = upright.x + 10.0 + font::width(&text, LABEL, false) * 1.05;
            let below = placed.iter().filter(|(other, ..)| other.x < end);
            let row = below.map(|(_, row, _)| row + 1).max().unwrap_or(0);
            placed.push((upright, row, text));
        }
        placed.retain(|(_, row, _)| *row < ROWS_MAX);
        let labelled = placed.iter().filter(|(_, _, text)| !text.is_empty());
        let rows = labelled.map(|(_, row, _)| row + 1).max().unwrap_or(0);
        Lane { placed, rows }
    }

    /// Height of the lane.
    pub(super) fn height(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.rows as f64 * ROW + LIFT }
    }

    /// Lines from the labels down through plots, given by top and bottom; the lane ends where the
    /// first begins.
    pub(super) fn draw(&self, scene: &mut Scene, plots: &[(f64, f64)]) {
        let top = plots.first().map_or(0.0, |plot| plot.0);
        for (upright, row, text) in &self.placed {
            let base = top - LIFT - *row as f64 * ROW;
            let pattern: &[f64] = if upright.dashed { &REFERENCE_DASH } else { &[] };
            scene.hover(&upright.label, |scene| {
                for (i, (from, to)) in plots.iter().enumerate() {
                    let from = if i == 0 { base - ROW + 3.0 } else { *from };
                    let line = [(upright.x, from), (upright.x, *to)];
                    scene.strokes(dashed(&line, pattern), 1.4, upright.color);
                }
                scene.text((upright.x + 4.0, base - 4.5), text, ink(LABEL, upright.color));
            });
        }
    }
}
