//! How a value depends on one factor: lines with bands over numbers, rows of dots over names.

use super::canvas::{ChartError, Picture, Scene, WIDTH, clean};
use super::estimate::{Curve, Manner, fit, reach};
use super::frame::{EDGE, RIGHT, empty, heading, note};
use super::numbers::Unit;
use super::panel::{Caption, END_ROOM, Panel, Reference, labels_width, y_title};
use super::ruler::{Fit, Quantity, Ruler, Scale, ends};
use super::series::{self, End, Look};
use crate::report::words::counted;

/// What is varied.
#[derive(Clone, Debug, PartialEq)]
pub enum Factor {
    /// Numbers: the places of the points. `Scale::Auto` is logarithmic over a factor of 50.
    Numbers(Quantity),
    /// Alternatives with names, in order: the place of a point is the number of its name, from 0.
    Names(String, Vec<String>),
}

impl Default for Factor {
    fn default() -> Factor {
        Factor::Names(String::new(), Vec::new())
    }
}

/// How values depend on one factor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FactorChart {
    /// Title, subtitle, number and method.
    pub caption: Caption,
    /// What is varied.
    pub factor: Factor,
    /// What the values are; `Scale::Auto` is linear.
    pub y: Quantity,
    /// Lines; the first [`FactorChart::SERIES_MAX`] are drawn.
    pub series: Vec<Curve>,
    /// Limits, goals, baselines.
    pub references: Vec<Reference>,
}

const PLOT: f64 = 320.0;

impl FactorChart {
    /// Series that are drawn; a note counts the rest.
    pub const SERIES_MAX: usize = 12;

    /// Draws the chart as SVG and PNG.
    ///
    /// # Errors
    ///
    /// If the built-in typeface or the drawing library fail; never because of the data.
    pub fn draw(&self) -> Result<Picture, ChartError> {
        let (scene, height) = self.scene();
        scene.picture(height)
    }

    pub(super) fn scene(&self) -> (Scene, f64) {
        let shown = self.series.get(..Self::SERIES_MAX).unwrap_or(&self.series);
        let mut scene = Scene::new(&self.caption.title, &self.description());
        let y = heading(&mut scene, &self.caption.title, &self.caption.line("point"));
        if shown.iter().all(Curve::is_empty) {
            let end = empty(&mut scene, y, "no value is defined");
            return (scene, end + 6.0);
        }
        let y = match &self.factor {
            Factor::Numbers(x) => self.lines(&mut scene, y, x, shown),
            Factor::Names(label, names) => {
                super::forest::rows(&mut scene, y, (label, names), self, shown)
            }
        };
        let y = note(&mut scene, y + 4.0, &self.left_out(shown));
        (scene, y + 8.0)
    }

    fn lines(&self, scene: &mut Scene, y: f64, x: &Quantity, shown: &[Curve]) -> f64 {
        let values = reach(shown, &self.references);
        let scale = Ruler::new(&self.y, values.clone(), fit(values, 6.0));
        let references = self.references.iter().filter(|r| r.at.is_finite());
        let told: Vec<String> = references.clone().map(|r| r.told(self.y.unit)).collect();
        let labels = shown.iter().map(|s| s.label.as_str());
        let labels: Vec<&str> = labels.chain(told.iter().map(String::as_str)).collect();
        let names = labels.iter().any(|label| !clean(label).is_empty());
        let right =
            if names { series::ends_width(labels.into_iter()) } else { RIGHT.max(END_ROOM) };
        let x0 = EDGE + labels_width(&scale, PLOT);
        let top = y_title(scene, EDGE, y, &self.y.label, &scale) + 4.0;
        let places = places(shown);
        let ruler = across(x, &places);
        let (x1, bottom) = (WIDTH - right.max(RIGHT) - 12.0, top + PLOT);
        let panel = Panel { x0, x1, top, bottom, x: ruler, y: scale };
        let ticks = panel.x.at(&places, x1 - x0).unwrap_or_else(|| panel.x_ticks());
        panel.grid_at(scene, &ticks);
        panel.frame(scene);
        let manner = Manner::new(x.unit, self.y.unit, shown);
        for (index, curve) in shown.iter().enumerate() {
            curve.draw_intervals(scene, &panel, index, manner);
        }
        references.clone().for_each(|reference| panel.level(scene, reference));
        for (index, curve) in shown.iter().enumerate() {
            curve.draw_line(scene, &panel, index, manner);
        }
        panel.y_labels(scene);
        let below = panel.x_labels(scene, &ticks);
        let below = panel.x_title(scene, below, &x.label);
        if names {
            let mut ends: Vec<End> = curve_ends(shown, &panel).collect();
            ends.extend(references.map(|reference| End {
                label: reference.told(self.y.unit),
                y: panel.up(reference.at),
                look: Look::Reference,
            }));
            series::draw_ends(scene, ends, x1, top, bottom);
        }
        below
    }

    fn description(&self) -> String {
        let factor = match &self.factor {
            Factor::Numbers(x) => x.label.as_str(),
            Factor::Names(label, _) => label.as_str(),
        };
        let names: Vec<&str> = self.series.iter().take(8).map(|s| s.label.as_str()).collect();
        format!("{} by {factor}. {} series: {}.", self.y.label, self.series.len(), names.join(", "))
    }

    fn left_out(&self, shown: &[Curve]) -> String {
        let mut words = Vec::new();
        let more = self.series.len() - shown.len();
        if more > 0 {
            words.push(format!("+{more} more series"));
        }
        if let Factor::Names(_, names) = &self.factor
            && names.len() > super::forest::ROWS_MAX
        {
            words.push(format!("+{}", counted(names.len() - super::forest::ROWS_MAX, "more row")));
        }
        words.extend(undefined(shown));
        words.join("; ")
    }
}

/// How many values could not be drawn, in words.
pub(super) fn undefined(shown: &[Curve]) -> Option<String> {
    match shown.iter().map(Curve::undefined).sum::<usize>() {
        0 => None,
        1 => Some("1 undefined value left out".into()),
        n => Some(format!("{n} undefined values left out")),
    }
}

/// Names of curves at their last values.
pub(super) fn curve_ends<'a>(
    shown: &'a [Curve],
    panel: &'a Panel,
) -> impl Iterator<Item = End> + 'a {
    shown.iter().enumerate().filter_map(|(index, curve)| {
        let (_, value) = curve.last()?;
        let look = Look::Series { index, marked: curve.marked() };
        Some(End { label: curve.label.clone(), y: panel.up(value), look })
    })
}

/// All places of points that can be drawn, each once, in order: an undefined one far away must not
/// press the others together.
pub(super) fn places(shown: &[Curve]) -> Vec<f64> {
    let points = shown.iter().flat_map(|curve| &curve.points);
    let drawn = points.filter(|p| p.0.is_finite() && p.1.value.is_finite());
    let mut places: Vec<f64> = drawn.map(|p| p.0).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    places
}

/// The axis of a factor with numbers.
pub(super) fn across(x: &Quantity, places: &[f64]) -> Ruler {
    let (low, high) = ends(places.iter().copied());
    let wide = places.len() > 2 && low > 0.0 && high / low >= 50.0;
    let scale = match x.scale {
        Scale::Auto if wide && x.unit != Unit::Share => Scale::Log,
        scale => scale,
    };
    let quantity = x.clone().on(scale);
    Ruler::new(&quantity, places.iter().copied(), Fit { steps: 8.0, round: false, zero: false })
}
