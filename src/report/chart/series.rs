//! How series look: colours, dashes and markers by their number, names at the ends of their lines,
//! and the legend strip above a plot.

use super::canvas::{Point, Scene, WIDTH, clean, ink};
use super::font;
use super::frame::EDGE;
use super::palette::{BLACK, GREY, WHITE, rgb};
use super::strokes::{dashed, marker};
use plotters::style::RGBColor;

/// Size of names in CSS pixels.
pub(super) const SIZE: f64 = 12.0;
/// Length of the line sample before a name.
const SAMPLE: f64 = 34.0;
const NAMES_MAX: f64 = 260.0;
/// Least and usual distance of names above each other.
const NAME_STEP: f64 = 19.0;
const NAME_LEAST: f64 = 13.5;
const COLORS: [u32; 7] =
    [0x00_72_b2, 0xd5_5e_00, 0x00_8f_68, 0xb0_5a_93, 0x1a_1a_1a, 0x9a_6a_00, 0x3a_9a_d9];
const DASHES: [&[f64]; 4] = [&[], &[9.0, 4.0], &[3.0, 3.0], &[12.0, 3.0, 3.0, 3.0]];
/// Dashes and colour of lines that are no data: limits, goals, baselines.
pub(super) const REFERENCE_DASH: [f64; 2] = [6.0, 3.0];
pub(super) const REFERENCE: RGBColor = rgb(0x2b_2b_6b);
/// How strong the tint of a band is.
pub(super) const BAND: f64 = 0.2;

pub(super) fn color(index: usize) -> RGBColor {
    rgb(COLORS.get(index % COLORS.len()).copied().unwrap_or(0))
}

pub(super) fn dash(index: usize) -> &'static [f64] {
    DASHES.get(index % DASHES.len()).copied().unwrap_or(&[])
}

/// Earlier lines are thicker, so that they still show under later ones.
pub(super) fn width(index: usize) -> f64 {
    match index {
        0 => 3.0,
        1 => 2.4,
        _ => 1.9,
    }
}

/// A marker with a white rim.
pub(super) fn mark(scene: &mut Scene, index: usize, at: Point) {
    scene.bands(vec![marker(index, at, 5.4)], WHITE);
    scene.bands(vec![marker(index, at, 4.0)], color(index));
}

/// What a sample in a legend shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Look {
    /// A line of a series, with or without its marker.
    Series { index: usize, marked: bool },
    /// The marker of a series with its interval.
    Dot { index: usize },
    /// A tint, such as a band.
    Tint { color: RGBColor, alpha: f64 },
    /// A reference line.
    Reference,
    /// A thin line with end marks: an interval.
    Whisker,
    /// Nothing: a remark.
    Bare,
}

impl Look {
    /// Draws the sample around the height `y`, from `x` on.
    pub(super) fn sample(self, scene: &mut Scene, x: f64, y: f64, length: f64) {
        let (a, b) = ((x, y), (x + length, y));
        let middle = (x + length / 2.0, y);
        match self {
            Look::Series { index, marked } => {
                scene.strokes(dashed(&[a, b], dash(index)), width(index), color(index));
                if marked {
                    mark(scene, index, middle);
                }
            }
            Look::Dot { index } => {
                whisker(scene, (a, b), color(index));
                mark(scene, index, middle);
            }
            Look::Tint { color, alpha } => {
                scene.area(vec![(x, y - 6.0, y + 6.0), (b.0, y - 6.0, y + 6.0)], color, alpha);
            }
            Look::Reference => {
                scene.strokes(dashed(&[a, b], &REFERENCE_DASH), 1.4, REFERENCE);
            }
            Look::Whisker => whisker(scene, (a, b), BLACK),
            Look::Bare => {}
        }
    }
}

/// A thin line, level or upright, with a short stroke across each end.
pub(super) fn whisker(scene: &mut Scene, ends: (Point, Point), color: RGBColor) {
    whisker_to(scene, ends, (true, true), color);
}

/// The same, without a stroke at an end that is not known.
pub(super) fn whisker_to(
    scene: &mut Scene,
    (a, b): (Point, Point),
    known: (bool, bool),
    color: RGBColor,
) {
    let cross = |p: Point| {
        let (dx, dy) = if a.1 == b.1 { (0.0, 3.5) } else { (3.5, 0.0) };
        vec![(p.0 - dx, p.1 - dy), (p.0 + dx, p.1 + dy)]
    };
    let mut lines: Vec<Vec<Point>> = Vec::new();
    lines.extend(known.0.then(|| cross(a)));
    lines.extend(known.1.then(|| cross(b)));
    if a != b {
        lines.push(vec![a, b]);
    }
    scene.strokes(lines, 1.3, color);
}

/// A name at the right of a plot, at the height where its line ends.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) label: String,
    pub(super) y: f64,
    pub(super) look: Look,
}

/// Room for names to the right of a plot.
pub(super) fn ends_width<'a>(labels: impl Iterator<Item = &'a str>) -> f64 {
    let width = |label: &str| font::width(&clean(label), SIZE, false) * 1.08;
    let widest = labels.map(width).fold(0.0, f64::max);
    (widest + SAMPLE + 26.0).min(NAMES_MAX)
}

/// Names at the right, moved apart where they would touch.
pub(super) fn draw_ends(scene: &mut Scene, mut ends: Vec<End>, x1: f64, top: f64, bottom: f64) {
    // The sort is stable: what ends at one height keeps its order.
    ends.sort_by(|a, b| a.y.total_cmp(&b.y));
    let room = (bottom - top - 6.0) / ends.len().max(1) as f64;
    let step = room.clamp(NAME_LEAST, NAME_STEP);
    let mut places: Vec<f64> = Vec::new();
    for end in &ends {
        let free = places.last().map_or(top + 4.0, |last| last + step);
        places.push(end.y.max(free));
    }
    let mut limit = bottom - 2.0;
    for place in places.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - step;
    }
    for (end, y) in ends.into_iter().zip(places) {
        let label = clean(&end.label);
        let text = font::fit_name(&label, SIZE, (WIDTH - x1 - SAMPLE - 28.0) / 1.03);
        scene.hover(&label, |scene| {
            let leader = vec![(x1 + 1.0, end.y), (x1 + 13.0, y)];
            scene.strokes(vec![leader], 0.8, GREY);
            end.look.sample(scene, x1 + 14.0, y, SAMPLE);
            scene.text((x1 + 14.0 + SAMPLE + 6.0, y + 4.2), &text, ink(SIZE, BLACK));
        });
    }
}

/// A strip of samples with their names; wraps to further lines; returns where it ends.
pub(super) fn legend(scene: &mut Scene, keys: &[(Look, String)], top: f64) -> f64 {
    const LENGTH: f64 = 28.0;
    let (mut x, mut y) = (EDGE, top);
    for (look, label) in keys {
        let label = clean(label);
        let text = font::fit_name(&label, SIZE, (WIDTH - 2.0 * EDGE - LENGTH - 10.0) / 1.06);
        let sample = if *look == Look::Bare { 0.0 } else { LENGTH + 6.0 };
        let width = sample + font::width(&text, SIZE, false) * 1.06 + 22.0;
        if x > EDGE && x + width - 22.0 > WIDTH - EDGE {
            (x, y) = (EDGE, y + 20.0);
        }
        scene.hover(if text == label { "" } else { &label }, |scene| {
            look.sample(scene, x, y + 8.5, LENGTH);
            scene.text((x + sample, y + 12.8), &text, ink(SIZE, BLACK));
        });
        x += width;
    }
    if keys.is_empty() { y } else { y + 26.0 }
}
