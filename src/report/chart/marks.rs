//! Root events: vertical lines with numbered flags, named directly if there is room, else in a list.

use super::axis::TimeAxis;
use super::canvas::{Anchor, Scene, WIDTH, clean, ink};
use super::font;
use super::frame::EDGE;
use super::palette::{BLACK, WHITE, rgb};
use crate::engine::SimTime;
use plotters::style::RGBColor;

/// An event that other things follow from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: SimTime,
    /// What happened, in a few words.
    pub label: String,
    /// What the pointer tells.
    pub hover: String,
}

/// Height of the lane of flags above the plot.
pub(super) const LANE: f64 = 26.0;
const FLAG: RGBColor = rgb(0x2b_2b_6b);
const SIZE: f64 = 11.0;
/// Marks that still get lines through the plot.
const LINES_MAX: usize = 60;
/// Lines of the list below the chart.
const LIST_ROWS: usize = 8;
/// Lines that are filled before a second column is begun.
const LIST_COLUMN: usize = 4;
/// Widest name that is written beside its line, and how many may be.
const NAME_MAX: f64 = 260.0;
const NAMED_MAX: usize = 40;
/// Space between a name and the next line.
const GAP: f64 = 5.0;

/// Marks in order of time, with the flags that have room.
pub(super) struct Marks<'a> {
    marks: Vec<&'a Mark>,
    flags: Vec<Flag>,
    direct: bool,
}

/// One flag for one mark or for neighbours that would overlap.
struct Flag {
    x: f64,
    left: f64,
    first: usize,
    last: usize,
    text: String,
}

impl Flag {
    fn width(&self) -> f64 {
        font::width(&self.text, SIZE, true) * 1.05 + 8.0
    }

    fn join(&mut self, other: &Flag, x1: f64) {
        self.last = other.last;
        self.text = format!("{}–{}", self.first + 1, self.last + 1);
        self.left = self.x.min(x1 - self.width());
    }
}

impl<'a> Marks<'a> {
    /// Sorts the marks inside the horizon and places their flags.
    pub(super) fn place(marks: &'a [Mark], axis: &TimeAxis) -> Marks<'a> {
        let mut marks: Vec<&Mark> = marks.iter().filter(|mark| mark.at <= axis.end()).collect();
        marks.sort_by_key(|mark| mark.at);
        let limit = WIDTH - EDGE;
        if let Some(flags) = name_flags(&marks, axis, limit) {
            return Marks { marks, flags, direct: true };
        }
        let mut flags: Vec<Flag> = Vec::new();
        for flag in number_flags(&marks, axis, limit) {
            flags.push(flag);
            while let [.., a, b] = flags.as_mut_slice() {
                if a.left + a.width() + 2.0 <= b.left {
                    break;
                }
                a.join(b, limit);
                flags.pop();
            }
        }
        Marks { marks, flags, direct: false }
    }

    /// Is there nothing to draw?
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Height of the lane of flags.
    pub(super) fn lane(&self) -> f64 {
        if self.is_empty() { 0.0 } else { LANE }
    }

    /// Lines through the plot; the lane of flags ends at `top`. Very many lines would bury the
    /// plot, so they become short ticks under the flags.
    pub(super) fn draw_lines(&self, scene: &mut Scene, axis: &TimeAxis, top: f64, bottom: f64) {
        let bottom = if self.marks.len() > LINES_MAX { top + 3.0 } else { bottom };
        let mut last = f64::NEG_INFINITY;
        for mark in &self.marks {
            let x = axis.x(mark.at);
            if x - last >= 1.0 {
                scene.hover(&told(mark, axis), |scene| {
                    scene.rect((x - 0.6, top - 4.0), (x + 0.6, bottom), FLAG);
                });
                last = x;
            }
        }
    }

    /// Flags in the lane above the plot.
    pub(super) fn draw_flags(&self, scene: &mut Scene, axis: &TimeAxis, top: f64) {
        for flag in &self.flags {
            let hover = self.hover(flag, axis);
            scene.hover(&hover, |scene| {
                let (y, right) = (top - LANE + 1.0, flag.left + flag.width());
                scene.rect((flag.x - 0.6, y), (flag.x + 0.6, top), FLAG);
                let center = f64::midpoint(flag.left, right);
                let style = ink(SIZE, WHITE).bold().anchor(Anchor::Middle);
                scene.rect((flag.left - 0.6, y), (right, y + 17.0), FLAG);
                scene.text((center, y + 12.6), &flag.text, style);
            });
        }
    }

    fn hover(&self, flag: &Flag, axis: &TimeAxis) -> String {
        let range = self.marks.get(flag.first..=flag.last).unwrap_or(&[]);
        let mut words: Vec<String> = range.iter().take(4).map(|mark| told(mark, axis)).collect();
        if range.len() > 4 {
            words.push(format!("and {} more", range.len() - 4));
        }
        words.join("; ")
    }

    /// The numbered list below the chart; returns where it ends.
    pub(super) fn list(&self, scene: &mut Scene, axis: &TimeAxis, y: f64) -> f64 {
        if self.is_empty() || self.direct {
            return y;
        }
        let room = WIDTH - 2.0 * EDGE;
        let line = |mark: &Mark| format!("{}  {}", axis.stamp(mark.at), clean(&mark.label));
        // Only so many can be shown at all: at least 200 pixels each.
        let shown = LIST_ROWS * 5;
        let lines: Vec<String> = self.marks.iter().take(shown).map(|mark| line(mark)).collect();
        let number = font::width(&lines.len().to_string(), SIZE, true) + 10.0;
        let widest = lines.iter().map(|l| font::width(l, SIZE, false)).fold(0.0, f64::max) * 1.06;
        let column = (widest + number + 24.0).clamp(200.0, room);
        let columns = ((room / column) as usize).max(1);
        let kept = self.marks.len().min(columns * LIST_ROWS);
        let rows = kept.div_ceil(columns).max(kept.min(LIST_COLUMN)).max(1);
        let step = room / columns as f64;
        scene.text((EDGE, y + 14.0), "Events", ink(12.0, BLACK).bold());
        let top = y + 20.0;
        for (i, line) in lines.iter().take(kept).enumerate() {
            let (column, row) = ((i / rows) as f64, (i % rows) as f64);
            let (x, base) = (EDGE + column * step, top + row * 17.0 + 12.0);
            let right = ink(SIZE, FLAG).bold().anchor(Anchor::Right);
            scene.text((x + number - 8.0, base), &(i + 1).to_string(), right);
            let text = font::fit(line, SIZE, false, (step - number - 10.0) / 1.05);
            scene.text((x + number, base), &text, ink(SIZE, BLACK));
        }
        let end = top + rows as f64 * 17.0;
        let more = self.marks.len() - kept;
        if more == 0 {
            return end + 6.0;
        }
        scene.text((EDGE, end + 12.0), &format!("and {more} more"), ink(SIZE, BLACK));
        end + 22.0
    }

    /// The events in one sentence.
    pub(super) fn summary(&self, axis: &TimeAxis) -> String {
        let words: Vec<String> = self.marks.iter().take(5).map(|mark| told(mark, axis)).collect();
        match self.marks.len() {
            0 => String::new(),
            n if n > 5 => format!(" Events: {}; and {} more.", words.join("; "), n - 5),
            _ => format!(" Events: {}.", words.join("; ")),
        }
    }
}

fn told(mark: &Mark, axis: &TimeAxis) -> String {
    let words = if mark.hover.is_empty() { &mark.label } else { &mark.hover };
    format!("{} UTC: {}", axis.stamp(mark.at), clean(words))
}

/// A numbered flag per mark; each hangs to the right of its line, or to the left at the right edge.
fn number_flags(marks: &[&Mark], axis: &TimeAxis, limit: f64) -> Vec<Flag> {
    let flag = |(i, mark): (usize, &&Mark)| {
        let x = axis.x(mark.at);
        let mut flag = Flag { x, left: x, first: i, last: i, text: (i + 1).to_string() };
        flag.left = x.min(limit - flag.width());
        flag
    };
    marks.iter().enumerate().map(flag).collect()
}

/// Flags with names, to the right or else to the left of their lines; `None` if one has no room.
fn name_flags(marks: &[&Mark], axis: &TimeAxis, limit: f64) -> Option<Vec<Flag>> {
    if marks.len() > NAMED_MAX {
        return None;
    }
    let mut flags: Vec<Flag> = Vec::new();
    let mut free = EDGE;
    for (i, mark) in marks.iter().enumerate() {
        let x = axis.x(mark.at);
        let mut flag = Flag { x, left: x, first: i, last: i, text: clean(&mark.label) };
        let width = flag.width();
        let next = marks.get(i + 1).map_or(limit, |mark| axis.x(mark.at) - GAP);
        let named = !flag.text.is_empty() && width <= NAME_MAX && x >= free - GAP;
        if named && x + width <= next.min(limit) && x >= free {
            free = x + width + GAP;
        } else if named && x - width >= free {
            flag.left = x - width;
            free = x + GAP;
        } else {
            return None;
        }
        flags.push(flag);
    }
    Some(flags)
}
