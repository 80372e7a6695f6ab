//! Many small plots over names: in each a row for every name, with a dot and an interval for every
//! series.

use super::axis::LABEL;
use super::canvas::{Anchor, Scene, clean, ink};
use super::estimate::{Curve, fit, reach};
use super::factor::undefined;
use super::font;
use super::frame::empty;
use super::multiples::{Grid, Multiples, header, label_ticks, title};
use super::palette::{BLACK, RULE, TRACK};
use super::panel::{Panel, Reference};
use super::ruler::Ruler;
use super::series::{self, Look, REFERENCE, REFERENCE_DASH};
use super::strokes::dashed;
use crate::report::words::counted;

/// Rows of each plot; a note counts the rest.
const ROWS_MAX: usize = 20;
/// Height of one dot, and space around the dots of a row.
const DOT: f64 = 11.0;
const GAP: f64 = 9.0;
/// Widest name of a row.
const NAMES_MAX: f64 = 200.0;
/// Series in the legend.
const KEYS_MAX: usize = 30;

/// Height of a row with dots for so many series.
fn row_height(series: usize) -> f64 {
    DOT * series.max(1) as f64 + GAP
}

/// The labels of all curves, each once.
fn labels(curves: &[Curve]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for curve in curves {
        if !labels.contains(&curve.label) {
            labels.push(curve.label.clone());
        }
    }
    labels
}

/// Draws the plots below `y`; returns where they end, and what is to be noted.
pub(super) fn draw(
    chart: &Multiples,
    scene: &mut Scene,
    y: f64,
    (names, shown): (&[String], &[(String, Vec<Curve>)]),
) -> (f64, Vec<String>) {
    let all: Vec<Curve> = shown.iter().flat_map(|(_, curves)| curves.clone()).collect();
    if names.is_empty() || all.iter().all(Curve::is_empty) {
        return (empty(scene, y, "no value is defined"), Vec::new());
    }
    let mut notes: Vec<String> = undefined(&all).into_iter().collect();
    if names.len() > ROWS_MAX {
        notes.push(format!("+{} in each plot", counted(names.len() - ROWS_MAX, "more row")));
    }
    let names = names.get(..ROWS_MAX).unwrap_or(names);
    let labels = labels(&all);
    let references: Vec<&Reference> =
        chart.references.iter().filter(|r| r.at.is_finite()).take(3).collect();
    let dots = labels.iter().enumerate().filter(|(_, label)| !clean(label).is_empty());
    let mut keys: Vec<(Look, String)> =
        dots.take(KEYS_MAX).map(|(index, label)| (Look::Dot { index }, label.clone())).collect();
    keys.extend(references.iter().map(|r| (Look::Reference, r.told(chart.y.unit))));
    let y = series::legend(scene, &keys, y);
    let y = title(scene, y, &chart.x.label);
    let values = reach(&all, &chart.references);
    let ruler = Ruler::new(&chart.y, values.clone(), fit(values, 4.0));
    let width = |name: &String| font::width(&clean(name), LABEL, false) * 1.06;
    let widest = names.iter().map(width).fold(0.0, f64::max).clamp(30.0, NAMES_MAX);
    let height = row_height(labels.len()) * names.len() as f64 + 6.0;
    let grid = Grid::new(shown.len(), widest + 10.0, y).with_height(height);
    for (i, (name, curves)) in shown.iter().enumerate() {
        let panel = grid.panel(i, &ruler, &ruler);
        header(scene, &panel, name, "", false);
        let plot = Plot { panel: &panel, labels: &labels, names, chart };
        plot.draw(scene, curves, &references);
        if grid.is_left(i) {
            plot.draw_names(scene, widest);
        }
        panel.frame(scene);
        if grid.is_lowest(i) {
            label_ticks(scene, &panel);
        }
    }
    let end = chart.title_below(scene, &grid, &chart.y.label, &ruler);
    (end, notes)
}

struct Plot<'a> {
    panel: &'a Panel,
    labels: &'a [String],
    names: &'a [String],
    chart: &'a Multiples,
}

impl Plot<'_> {
    /// Where a row begins.
    fn top(&self, row: usize) -> f64 {
        self.panel.top + 3.0 + row_height(self.labels.len()) * row as f64
    }

    fn draw(&self, scene: &mut Scene, curves: &[Curve], references: &[&Reference]) {
        let panel = self.panel;
        let height = row_height(self.labels.len());
        for row in (0..self.names.len()).step_by(2) {
            let top = self.top(row);
            scene.rect((panel.x0, top), (panel.x1, top + height), TRACK);
        }
        for tick in panel.x_ticks() {
            let x = panel.across(tick.value);
            scene.rect((x - 0.5, panel.top), (x + 0.5, panel.bottom), RULE);
        }
        for reference in references {
            let x = panel.across(reference.at);
            let line = dashed(&[(x, panel.top), (x, panel.bottom)], &REFERENCE_DASH);
            scene.hover(&reference.label, |scene| scene.strokes(line, 1.4, REFERENCE));
        }
        for curve in curves {
            let index = self.labels.iter().position(|label| *label == curve.label).unwrap_or(0);
            for (row, name) in self.names.iter().enumerate() {
                let found = curve.points.iter().find(|point| point.0 == row as f64);
                let Some((_, estimate)) = found.filter(|point| point.1.value.is_finite()) else {
                    continue;
                };
                let y = self.top(row) + GAP / 2.0 + DOT * (index as f64 + 0.5);
                let color = series::color(index);
                let words = estimate.words(self.chart.y.unit);
                let told = format!("{}, {}: {words}", clean(name), clean(&curve.label));
                scene.hover(&told, |scene| {
                    if let Some((low, high)) = estimate.known() {
                        let ends = ((panel.across(low), y), (panel.across(high), y));
                        series::whisker(scene, ends, color);
                    }
                    series::mark(scene, index, (panel.across(estimate.value), y));
                });
            }
        }
    }

    /// The names of the rows, to the left.
    fn draw_names(&self, scene: &mut Scene, widest: f64) {
        for (row, name) in self.names.iter().enumerate() {
            let name = clean(name);
            let text = font::fit_name(&name, LABEL, widest / 1.06);
            let y = self.top(row) + row_height(self.labels.len()) / 2.0 + 4.0;
            scene.hover(if text == name { "" } else { &name }, |scene| {
                let right = ink(LABEL, BLACK).anchor(Anchor::Right);
                scene.text((self.panel.x0 - 7.0, y), &text, right);
            });
        }
    }
}
