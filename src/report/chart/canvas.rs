//! The scene: shapes in CSS pixels, collected once and then drawn as SVG and as PNG.

use super::{font, raster, svg};
use plotters::style::{RGBColor, WHITE};
use std::fmt;

/// Width of every chart in CSS pixels: A4 landscape.
pub(super) const WIDTH: f64 = 1100.0;
/// Characters of any one text that is shown or told on hovering.
const TEXT_CHARS_MAX: usize = 400;
/// Tallest chart in CSS pixels; the layouts stay far below.
const HEIGHT_MAX: f64 = 8000.0;

/// A chart drawn twice from one scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// A whole SVG document, fit to stand in a page as it is.
    pub svg: String,
    /// A PNG file at two pixels per CSS pixel.
    pub png: Vec<u8>,
}

/// Why a chart could not be drawn. No data causes this: only a broken build or lack of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartError {
    /// The typeface that is built in could not be read.
    Font,
    /// A backend of the drawing library refused.
    Backend(String),
    /// The pixels could not be written as PNG.
    Png(String),
}

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChartError::Font => f.write_str("the built-in typeface cannot be read"),
            ChartError::Backend(why) => write!(f, "the chart cannot be drawn: {why}"),
            ChartError::Png(why) => write!(f, "the chart cannot be written as PNG: {why}"),
        }
    }
}

impl std::error::Error for ChartError {}

/// A point in CSS pixels.
pub(super) type Point = (f64, f64);

/// Which point of a text its place names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// One thing to draw.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// A filled rectangle between two corners.
    Rect(Point, Point),
    /// Filled polygons that make one texture.
    Bands(Vec<Vec<Point>>),
    /// The area between two lines: places from left to right, each with both heights.
    Area(Vec<(f64, f64, f64)>),
    /// Open lines of one width.
    Strokes(Vec<Vec<Point>>, f64),
    /// A text on its baseline.
    Text { at: Point, text: String, size: f64, bold: bool, anchor: Anchor },
}

/// A shape with its colour and the hover group it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) shape: Shape,
    pub(super) color: RGBColor,
    pub(super) alpha: f64,
    pub(super) group: Option<usize>,
}

/// Everything of one chart.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) height: f64,
    pub(super) items: Vec<Item>,
    pub(super) hovers: Vec<String>,
    open: Option<usize>,
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) color: RGBColor,
    pub(super) anchor: Anchor,
}

/// A regular text that starts at its place.
pub(super) fn ink(size: f64, color: RGBColor) -> Ink {
    Ink { size, bold: false, color, anchor: Anchor::Left }
}

impl Ink {
    pub(super) fn bold(self) -> Ink {
        Ink { bold: true, ..self }
    }

    pub(super) fn anchor(self, anchor: Anchor) -> Ink {
        Ink { anchor, ..self }
    }
}

impl Scene {
    pub(super) fn new(title: &str, description: &str) -> Scene {
        Scene { title: clean(title), description: clean(description), ..Scene::default() }
    }

    /// What is drawn by `inner` tells `text` when the pointer rests on it.
    pub(super) fn hover(&mut self, text: &str, inner: impl FnOnce(&mut Scene)) {
        let text = clean(text);
        if text.is_empty() || self.open.is_some() {
            inner(self);
            return;
        }
        self.open = Some(self.hovers.len());
        self.hovers.push(text);
        inner(self);
        self.open = None;
    }

    pub(super) fn push(&mut self, shape: Shape, color: RGBColor, alpha: f64) {
        self.items.push(Item { shape, color, alpha, group: self.open });
    }

    pub(super) fn rect(&mut self, a: Point, b: Point, color: RGBColor) {
        self.push(Shape::Rect(a, b), color, 1.0);
    }

    pub(super) fn bands(&mut self, bands: Vec<Vec<Point>>, color: RGBColor) {
        if !bands.is_empty() {
            self.push(Shape::Bands(bands), color, 1.0);
        }
    }

    /// A tint between two lines, through which what lies below still shows.
    pub(super) fn area(&mut self, strip: Vec<(f64, f64, f64)>, color: RGBColor, alpha: f64) {
        if strip.len() > 1 {
            self.push(Shape::Area(strip), color, alpha);
        }
    }

    pub(super) fn strokes(&mut self, lines: Vec<Vec<Point>>, width: f64, color: RGBColor) {
        let lines: Vec<_> = lines.into_iter().filter(|line| line.len() > 1).collect();
        if !lines.is_empty() {
            self.push(Shape::Strokes(lines, width), color, 1.0);
        }
    }

    /// Writes a cleaned text and returns its width.
    pub(super) fn text(&mut self, at: Point, text: &str, ink: Ink) -> f64 {
        let text = clean(text);
        let width = font::width(&text, ink.size, ink.bold);
        if !text.is_empty() {
            let Ink { size, bold, color, anchor } = ink;
            self.push(Shape::Text { at, text, size, bold, anchor }, color, 1.0);
        }
        width
    }

    /// Draws the scene with both backends.
    pub(super) fn picture(mut self, height: f64) -> Result<Picture, ChartError> {
        if !font::ready() {
            return Err(ChartError::Font);
        }
        self.height = height.clamp(40.0, HEIGHT_MAX).ceil();
        // A ground of its own, for pages that are dark.
        let ground = Shape::Rect((0.0, 0.0), (WIDTH, self.height));
        self.items.insert(0, Item { shape: ground, color: WHITE, alpha: 1.0, group: None });
        let (svg, png) = rayon::join(|| svg::render(&self), || raster::render(&self));
        Ok(Picture { svg: svg?, png: png? })
    }
}

impl Shape {
    /// Top and bottom of what is drawn, in CSS pixels.
    pub(super) fn reach(&self) -> (f64, f64) {
        let span = |points: &mut dyn Iterator<Item = f64>, slack: f64| {
            let start = (f64::INFINITY, f64::NEG_INFINITY);
            let (low, high) = points.fold(start, |(a, b), y| (a.min(y), b.max(y)));
            (low - slack, high + slack)
        };
        match self {
            Shape::Rect(a, b) => span(&mut [a.1, b.1].into_iter(), 0.0),
            Shape::Bands(bands) => span(&mut bands.iter().flatten().map(|p| p.1), 1.0),
            Shape::Area(strip) => {
                span(&mut strip.iter().flat_map(|(_, low, high)| [*low, *high]), 1.0)
            }
            Shape::Strokes(lines, width) => span(&mut lines.iter().flatten().map(|p| p.1), *width),
            Shape::Text { at, size, .. } => (at.1 - 1.3 * size, at.1 + 0.5 * size),
        }
    }
}

/// A text fit for XML and for one line: control and direction characters are dropped, white space
/// becomes a space, and what is too long is cut.
pub(super) fn clean(text: &str) -> String {
    let kept = |c: char| {
        let direction = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}');
        let never = matches!(c, '\u{fff0}'..='\u{ffff}') || u32::from(c) & 0xfffe == 0xfffe;
        !(c.is_control() || direction || never)
    };
    let wide = |c: char| c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2009}' | '\u{202f}');
    let spaced = text.chars().map(|c| if wide(c) { ' ' } else { c });
    let mut shown: String = spaced.filter(|c| kept(*c)).take(TEXT_CHARS_MAX + 1).collect();
    if shown.chars().count() > TEXT_CHARS_MAX {
        shown = shown.chars().take(TEXT_CHARS_MAX - 1).collect();
        shown.push('…');
    }
    shown.trim().to_string()
}

/// A length as a whole number of small pixels; what is undefined or far away is held near.
pub(super) fn grid(value: f64, k: f64) -> i32 {
    let scaled = (value * k).round();
    if scaled.is_nan() { 0 } else { scaled.clamp(-200_000.0, 200_000.0) as i32 }
}
