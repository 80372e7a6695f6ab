//! A plot with two numeric axes: grid, labels, titles, and places of values.

use super::axis::LABEL;
use super::canvas::{Anchor, Point, Scene, WIDTH, clean, ink};
use super::font;
use super::frame::EDGE;
use super::numbers::{THIN, Unit};
use super::palette::{BLACK, GREY, RULE, WHITE};
use super::ruler::{Ruler, Tick};
use super::series::{REFERENCE, REFERENCE_DASH};
use super::strokes::dashed;

/// A line at a value that is not data: a limit, a goal, a baseline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reference {
    /// Where.
    pub at: f64,
    /// What it is; the chart adds the value.
    pub label: String,
}

impl Reference {
    /// `objective: 1 h`.
    pub(super) fn told(&self, unit: Unit) -> String {
        let (label, value) = (clean(&self.label), unit.told(self.at));
        if label.is_empty() { value } else { format!("{label}: {value}") }
    }
}

/// Title, subtitle, and how the numbers came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caption {
    /// Title line.
    pub title: String,
    /// What the reader should know, under the title.
    pub subtitle: String,
    /// Number of replications (for each point, where there are several); 0 if there are none.
    pub n: u64,
    /// How estimates and intervals were made: `95 % intervals by Student's t`.
    pub method: String,
}

impl Caption {
    /// The line under the title; `per` tells what each number of replications is for.
    pub(super) fn line(&self, per: &str) -> String {
        let mut parts: Vec<String> = Vec::new();
        let sentence = |text: &str| {
            let text = clean(text);
            if text.is_empty() || text.ends_with(['.', '!', '?', ':']) {
                text
            } else {
                format!("{text}.")
            }
        };
        parts.push(sentence(&self.subtitle));
        if self.n > 0 {
            let per = if per.is_empty() { String::new() } else { format!(" per {per}") };
            parts.push(format!("n\u{a0}=\u{a0}{} {}{per}.", whole(self.n), replications(self.n)));
        }
        parts.push(sentence(&self.method));
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }
}

/// A number of things with its digits in groups.
pub(super) fn whole(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && digits.len() > 4 && (digits.len() - i).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(c);
    }
    text
}

pub(super) fn replications(n: u64) -> &'static str {
    if n == 1 { "replication" } else { "replications" }
}

/// A plot in CSS pixels.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) x0: f64,
    pub(super) x1: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) x: Ruler,
    pub(super) y: Ruler,
}

/// Ends of the horizontal axis so that its labels do not leave the picture.
pub(super) const END_ROOM: f64 = 30.0;

/// Room to the left of a plot for the labels of a vertical axis.
pub(super) fn labels_width(y: &Ruler, height: f64) -> f64 {
    let width = |tick: Tick| font::width(&tick.label, LABEL, false);
    y.ticks(height, false).into_iter().map(width).fold(0.0, f64::max) * 1.06 + 10.0
}

impl Panel {
    pub(super) fn across(&self, value: f64) -> f64 {
        self.x0 + self.x.share(value) * (self.x1 - self.x0)
    }

    pub(super) fn up(&self, value: f64) -> f64 {
        self.bottom - self.y.share(value) * (self.bottom - self.top)
    }

    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        (self.across(x), self.up(y))
    }

    pub(super) fn x_ticks(&self) -> Vec<Tick> {
        self.x.ticks(self.x1 - self.x0, true)
    }

    pub(super) fn y_ticks(&self) -> Vec<Tick> {
        self.y.ticks(self.bottom - self.top, false)
    }

    /// Grid lines of both axes.
    pub(super) fn grid(&self, scene: &mut Scene) {
        self.grid_at(scene, &self.x_ticks());
    }

    /// Grid lines of both axes, with given ticks of the horizontal one.
    pub(super) fn grid_at(&self, scene: &mut Scene, ticks: &[Tick]) {
        self.grid_up(scene, ticks);
        for tick in self.y_ticks() {
            let y = self.up(tick.value);
            scene.rect((self.x0, y - 0.5), (self.x1, y + 0.5), RULE);
        }
    }

    /// Grid lines at ticks of the horizontal axis.
    pub(super) fn grid_up(&self, scene: &mut Scene, ticks: &[Tick]) {
        for tick in ticks {
            let x = self.across(tick.value);
            scene.rect((x - 0.5, self.top), (x + 0.5, self.bottom), RULE);
        }
    }

    /// The frame of the plot at its left and bottom.
    pub(super) fn frame(&self, scene: &mut Scene) {
        scene.rect((self.x0, self.bottom - 0.5), (self.x1, self.bottom + 0.5), GREY);
        if let Some(gap) = self.y.gap() {
            let y = self.bottom - gap * (self.bottom - self.top);
            broken(scene, (self.x0, y));
        }
        if let Some(gap) = self.x.gap() {
            broken(scene, (self.x0 + gap * (self.x1 - self.x0), self.bottom));
        }
    }

    /// Labels of the vertical axis.
    pub(super) fn y_labels(&self, scene: &mut Scene) {
        self.y_labels_at(scene, self.x0);
    }

    /// Labels of the vertical axis to the left of a place.
    pub(super) fn y_labels_at(&self, scene: &mut Scene, x: f64) {
        let right = ink(LABEL, BLACK).anchor(Anchor::Right);
        for tick in self.y_ticks() {
            scene.text((x - 7.0, self.up(tick.value) + 4.0), &tick.label, right);
        }
    }

    /// Labels of the horizontal axis; returns where they end.
    pub(super) fn x_labels(&self, scene: &mut Scene, ticks: &[Tick]) -> f64 {
        let middle = ink(LABEL, BLACK).anchor(Anchor::Middle);
        for tick in ticks {
            let x = self.across(tick.value);
            scene.rect((x - 0.5, self.bottom), (x + 0.5, self.bottom + 5.0), GREY);
            scene.text((x, self.bottom + 17.0), &tick.label, middle);
        }
        self.bottom + 20.0
    }

    /// Name of the horizontal axis, at its right end; returns where it ends.
    pub(super) fn x_title(&self, scene: &mut Scene, y: f64, label: &str) -> f64 {
        let title = axis_title(label, &self.x);
        if title.is_empty() {
            return y;
        }
        let room = (self.x1 - EDGE) / 1.06;
        let right = ink(LABEL, GREY).anchor(Anchor::Right);
        scene.text((self.x1, y + 13.0), &font::fit(&title, LABEL, false, room), right);
        y + 17.0
    }

    /// A reference line across the plot, at its height.
    pub(super) fn level(&self, scene: &mut Scene, reference: &Reference) {
        let y = self.up(reference.at);
        let line = dashed(&[(self.x0, y), (self.x1, y)], &REFERENCE_DASH);
        scene.hover(&reference.label, |scene| scene.strokes(line, 1.4, REFERENCE));
    }
}

/// Name of an axis, with a word on a scale that is not linear.
pub(super) fn axis_title(label: &str, ruler: &Ruler) -> String {
    let label = clean(label);
    if label.is_empty() { label } else { format!("{label}{}", ruler.remark()) }
}

/// Name of a vertical axis, above it; returns where it ends.
pub(super) fn y_title(scene: &mut Scene, x: f64, y: f64, label: &str, ruler: &Ruler) -> f64 {
    let title = axis_title(label, ruler);
    if title.is_empty() {
        return y;
    }
    let text = font::fit(&title, LABEL, false, (WIDTH - EDGE - x) / 1.06);
    scene.text((x, y + 12.0), &text, ink(LABEL, GREY));
    y + 20.0
}

/// Two short strokes across an axis: what follows stands apart.
fn broken(scene: &mut Scene, (x, y): Point) {
    scene.bands(
        vec![vec![(x - 5.0, y + 1.0), (x + 5.0, y - 5.0), (x + 5.0, y - 1.0), (x - 5.0, y + 5.0)]],
        WHITE,
    );
    let stroke = |shift: f64| vec![(x - 5.0, y + 3.0 + shift), (x + 5.0, y - 3.0 + shift)];
    scene.strokes(vec![stroke(-2.0), stroke(2.0)], 1.0, GREY);
}
