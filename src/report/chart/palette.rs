//! What a state looks like: a colour that colour-blind readers can tell apart, and a texture that
//! still tells it apart in grey.

use super::canvas::{Point, Scene};
use crate::systems::spec::Look;
use plotters::style::RGBColor;

/// Texture over the fill.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texture {
    Plain,
    Dots,
    Rising,
    Falling,
    Crossed,
    Level,
}

struct Style {
    fill: u32,
    ink: u32,
    text: u32,
    texture: Texture,
}

/// Colour from `0xrrggbb`.
pub(super) const fn rgb(code: u32) -> RGBColor {
    RGBColor((code >> 16) as u8, (code >> 8) as u8, code as u8)
}

pub(super) const BLACK: RGBColor = rgb(0x1a_1a_1a);
pub(super) const GREY: RGBColor = rgb(0x55_55_55);
pub(super) const RULE: RGBColor = rgb(0xdd_dd_dd);
pub(super) const TRACK: RGBColor = rgb(0xf3_f3_f3);
pub(super) const WHITE: RGBColor = rgb(0xff_ff_ff);

impl Look {
    /// Every look, best first.
    pub const ALL: [Look; 8] = [
        Look::Good,
        Look::Waning,
        Look::Partial,
        Look::Returning,
        Look::Denied,
        Look::Unreachable,
        Look::Gone,
        Look::Absent,
    ];

    /// What the legend says of it.
    pub fn meaning(self) -> &'static str {
        match self {
            Look::Good => "works",
            Look::Waning => "works, but not for long",
            Look::Partial => "works in part",
            Look::Returning => "coming back",
            Look::Denied => "denied",
            Look::Unreachable => "unreachable",
            Look::Gone => "lost for good",
            Look::Absent => "not there",
        }
    }

    /// Order for choosing one look for many: nothing there counts least.
    pub(super) fn severity(self) -> u8 {
        if self == Look::Absent { 0 } else { self as u8 + 1 }
    }

    fn style(self) -> Style {
        let of = |fill, ink, text, texture| Style { fill, ink, text, texture };
        match self {
            Look::Good => of(0x9a_d9_c3, 0x2f_7f_66, 0x10_10_10, Texture::Plain),
            Look::Waning => of(0xf5_e6_63, 0x8a_74_00, 0x10_10_10, Texture::Dots),
            Look::Partial => of(0xf2_ab_35, 0x9a_55_00, 0x10_10_10, Texture::Rising),
            Look::Returning => of(0x4f_a6_dd, 0x0a_3f_66, 0x10_10_10, Texture::Falling),
            Look::Denied => of(0xc8_50_0a, 0x7a_2c_00, 0xff_ff_ff, Texture::Crossed),
            Look::Unreachable => of(0x7f_2f_6b, 0xe8_c0_dc, 0xff_ff_ff, Texture::Level),
            Look::Gone => of(0x22_22_22, 0x00_00_00, 0xff_ff_ff, Texture::Plain),
            Look::Absent => of(0x8a_8a_8a, 0x8a_8a_8a, 0x10_10_10, Texture::Plain),
        }
    }

    /// Colour of words inside the bar.
    pub(super) fn text(self) -> RGBColor {
        rgb(self.style().text)
    }

    /// Colour of the bar, under words too.
    pub(super) fn fill(self) -> RGBColor {
        rgb(self.style().fill)
    }

    /// Fills a rectangle; a strip `bare` (left, right) stays without texture, for words.
    pub(super) fn paint(self, scene: &mut Scene, a: Point, b: Point, bare: Option<(f64, f64)>) {
        let style = self.style();
        let (fill, ink) = (rgb(style.fill), rgb(style.ink));
        if self == Look::Absent {
            let middle = f64::midpoint(a.1, b.1);
            scene.rect((a.0, middle - 1.0), (b.0, middle + 1.0), fill);
            return;
        }
        scene.rect(a, b, fill);
        if b.0 - a.0 < 5.0 {
            return;
        }
        let (left, right) = bare.unwrap_or((b.0, b.0));
        for (from, to) in [(a.0, left), (right, b.0)] {
            if to - from > 1.0 {
                scene.bands(texture(style.texture, (from, a.1), (to, b.1)), ink);
            }
        }
        if self == Look::Good {
            scene.rect((a.0, b.1 - 1.5), b, ink);
        }
    }
}

/// Shapes of a texture inside a rectangle. Their places depend on the page and not on the
/// rectangle, so that neighbours match.
fn texture(kind: Texture, a: Point, b: Point) -> Vec<Vec<Point>> {
    match kind {
        Texture::Plain => Vec::new(),
        Texture::Dots => dots(a, b),
        Texture::Rising => slanted(a, b, 1.0, 6.0, 1.6),
        Texture::Falling => slanted(a, b, -1.0, 6.0, 1.6),
        Texture::Crossed => {
            let mut both = slanted(a, b, 1.0, 7.0, 1.3);
            both.extend(slanted(a, b, -1.0, 7.0, 1.3));
            both
        }
        Texture::Level => {
            let rows = multiples(a.1, b.1, 4.0);
            rows.filter(|y| y + 1.2 < b.1 && *y > a.1)
                .map(|y| vec![(a.0, y), (b.0, y), (b.0, y + 1.2), (a.0, y + 1.2)])
                .collect()
        }
    }
}

/// Multiples of a step between two lengths; none if there were absurdly many.
fn multiples(from: f64, to: f64, step: f64) -> impl Iterator<Item = f64> {
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    let last = if last - first > 2_000 { first - 1 } else { last };
    (first..=last).map(move |i| i as f64 * step)
}

fn dots(a: Point, b: Point) -> Vec<Vec<Point>> {
    let mut shapes = Vec::new();
    let half = 1.1;
    for y in multiples(a.1 + half, b.1 - half, 4.0) {
        let shift = if (y / 4.0) as i64 % 2 == 0 { 0.0 } else { 3.0 };
        for x in multiples(a.0 + half - shift, b.0 - half - shift, 6.0) {
            let x = x + shift;
            let (l, r, t, u) = (x - half, x + half, y - half, y + half);
            shapes.push(vec![(l, t), (r, t), (r, u), (l, u)]);
        }
    }
    shapes
}

/// Bands at 45 degrees: where `x + rise * y` lies within `thick` past a multiple of `period`.
fn slanted(a: Point, b: Point, rise: f64, period: f64, thick: f64) -> Vec<Vec<Point>> {
    let corners = vec![(a.0, a.1), (b.0, a.1), (b.0, b.1), (a.0, b.1)];
    let height = |p: &Point| p.0 + rise * p.1;
    let low = corners.iter().map(height).fold(f64::INFINITY, f64::min);
    let high = corners.iter().map(height).fold(f64::NEG_INFINITY, f64::max);
    multiples(low - thick, high, period)
        .map(|from| {
            let above = cut(&corners, |p| height(p) - from);
            cut(&above, |p| from + thick - height(p))
        })
        .filter(|band| band.len() > 2)
        .collect()
}

/// The part of a convex polygon where a linear function is not negative.
fn cut(polygon: &[Point], side: impl Fn(&Point) -> f64) -> Vec<Point> {
    let mut kept = Vec::new();
    for (i, p) in polygon.iter().enumerate() {
        let Some(q) = polygon.get((i + 1) % polygon.len()) else { continue };
        let (at_p, at_q) = (side(p), side(q));
        if at_p >= 0.0 {
            kept.push(*p);
        }
        if (at_p > 0.0 && at_q < 0.0) || (at_p < 0.0 && at_q > 0.0) {
            let share = at_p / (at_p - at_q);
            kept.push((p.0 + share * (q.0 - p.0), p.1 + share * (q.1 - p.1)));
        }
    }
    kept
}
