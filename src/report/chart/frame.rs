//! What all charts share: title, wrapped text, grid and labels of the time axis, notes below.

use super::axis::{LABEL, TimeAxis};
use super::canvas::{Anchor, Scene, WIDTH, clean, ink};
use super::font;
use super::palette::{BLACK, GREY, RULE};

/// Space to the edges of the picture.
pub(super) const EDGE: f64 = 16.0;
/// Space to the right of the plot: half a label of the axis.
pub(super) const RIGHT: f64 = 36.0;

/// Title and subtitle; returns where they end.
pub(super) fn heading(scene: &mut Scene, title: &str, subtitle: &str) -> f64 {
    let mut y = 12.0;
    for line in wrap(&clean(title), 17.0, true, WIDTH - 2.0 * EDGE, 2) {
        scene.text((EDGE, y + 16.0), &line, ink(17.0, BLACK).bold());
        y += 23.0;
    }
    for line in wrap(&clean(subtitle), 12.0, false, WIDTH - 2.0 * EDGE, 3) {
        scene.text((EDGE, y + 12.0), &line, ink(12.0, GREY));
        y += 17.0;
    }
    y + 6.0
}

/// Lines of text that fit into `room`; the last of at most `lines_max` ends in an ellipsis.
pub(super) fn wrap(text: &str, size: f64, bold: bool, room: f64, lines_max: usize) -> Vec<String> {
    // Browsers without the typeface may set text a little wider.
    let room = room / 1.06;
    let mut lines: Vec<String> = Vec::new();
    let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
    while words.peek().is_some() {
        let mut line = String::new();
        let last = lines.len() + 1 == lines_max;
        while let Some(word) = words.peek() {
            let longer =
                if line.is_empty() { (*word).to_string() } else { format!("{line} {word}") };
            if !last && !line.is_empty() && font::width(&longer, size, bold) > room {
                break;
            }
            line = longer;
            words.next();
        }
        lines.push(font::fit(&line, size, bold, room));
    }
    lines
}

/// Vertical grid lines.
pub(super) fn time_grid(scene: &mut Scene, axis: &TimeAxis, top: f64, bottom: f64) {
    for tick in axis.ticks() {
        // Ticks that start a day or a year stand out.
        let color = if tick.context.is_empty() { RULE } else { super::palette::rgb(0xb8_b8_b8) };
        scene.rect((tick.x - 0.5, top), (tick.x + 0.5, bottom), color);
    }
}

/// Axis line, ticks, labels and title; returns where they end.
pub(super) fn time_labels(scene: &mut Scene, axis: &TimeAxis, bottom: f64) -> f64 {
    scene.rect((axis.x0, bottom - 0.5), (axis.x1, bottom + 0.5), GREY);
    let middle = ink(LABEL, BLACK).anchor(Anchor::Middle);
    let ticks = axis.ticks();
    let lines = if ticks.iter().all(|tick| tick.context.is_empty()) { 34.0 } else { 48.0 };
    for tick in ticks {
        scene.rect((tick.x - 0.5, bottom), (tick.x + 0.5, bottom + 5.0), GREY);
        scene.text((tick.label_x, bottom + 17.0), &tick.label, middle);
        scene.text((tick.context_x, bottom + 31.0), &tick.context, middle.bold());
    }
    scene.text((axis.x0, bottom + lines), &axis.title(), ink(LABEL, GREY));
    bottom + lines + 6.0
}

/// A note under the chart; returns where it ends.
pub(super) fn note(scene: &mut Scene, y: f64, text: &str) -> f64 {
    let mut y = y;
    for (i, line) in wrap(text, 12.0, false, WIDTH - 2.0 * EDGE, 3).iter().enumerate() {
        y += if i == 0 { 14.0 } else { 16.0 };
        scene.text((EDGE, y), line, ink(12.0, GREY));
    }
    if text.is_empty() { y } else { y + 6.0 }
}

/// Says in the middle of an empty plot that it is empty.
pub(super) fn empty(scene: &mut Scene, top: f64, why: &str) -> f64 {
    let bottom = top + 80.0;
    scene.rect((EDGE, top), (WIDTH - EDGE, bottom), super::palette::TRACK);
    let words =
        if why.is_empty() { "Nothing to show".into() } else { format!("Nothing to show: {why}") };
    let middle = ink(14.0, GREY).anchor(Anchor::Middle);
    scene.text((WIDTH / 2.0, f64::midpoint(top, bottom) + 5.0), &words, middle);
    bottom + 10.0
}
