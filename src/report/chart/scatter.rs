//! Points that nothing joins over several numbers: a small plot for each, with an axis of its own.

use super::axis::LABEL;
use super::canvas::Scene;
use super::estimate::{Curve, Estimate, fit, reach};
use super::factor::{across, places, undefined};
use super::frame::empty;
use super::multiples::{Grid, Multiples, axes, header, title};
use super::palette::GREY;
use super::panel::{Panel, Reference, axis_title, labels_width};
use super::ruler::{Quantity, Ruler};
use super::series::{self, Look};
use super::strokes::marker;
use std::collections::BTreeSet;

/// Points of which each still has its interval and tells its numbers; more would hide each other.
const WHISKERS_MAX: usize = 120;
/// Points that are nearer than this to one that is drawn would not show.
const NEAR: f64 = 2.0;
/// Room for the labels of an axis below each plot.
const TICKS: f64 = 20.0;

/// Draws a plot for each number that is varied; returns where they end, and what to note.
pub(super) fn draw(
    chart: &Multiples,
    scene: &mut Scene,
    y: f64,
    shown: &[(Quantity, Vec<(f64, Estimate)>)],
) -> (f64, Vec<String>) {
    let all: Vec<Curve> = shown
        .iter()
        .map(|(_, points)| Curve { label: String::new(), points: points.clone() })
        .collect();
    if all.iter().all(Curve::is_empty) {
        return (empty(scene, y, "no value is defined"), Vec::new());
    }
    let references: Vec<&Reference> =
        chart.references.iter().filter(|r| r.at.is_finite()).take(3).collect();
    let keys: Vec<(Look, String)> =
        references.iter().map(|r| (Look::Reference, r.told(chart.y.unit))).collect();
    let y = series::legend(scene, &keys, y);
    let height = match shown.len() {
        0 | 1 => 300.0,
        2..=4 => 190.0,
        _ => 130.0,
    };
    let values = reach(&all, &chart.references);
    let scale = Ruler::new(&chart.y, values.clone(), fit(values, height / 45.0));
    let y = title(scene, y, &axis_title(&chart.y.label, &scale));
    let grid = Grid::new(shown.len(), labels_width(&scale, height), y);
    let grid = grid.with_height(height).with_room_below(TICKS);
    for (i, ((x, _), curve)) in shown.iter().zip(&all).enumerate() {
        let ruler = across(x, &places(std::slice::from_ref(curve)));
        let panel = grid.panel(i, &ruler, &scale);
        header(scene, &panel, &axis_title(&x.label, &ruler), "", false);
        panel.grid(scene);
        references.iter().for_each(|reference| panel.level(scene, reference));
        dots(scene, &panel, &curve.points, (x, &chart.y));
        axes(scene, &grid, i, &panel);
    }
    let mut notes: Vec<String> = Vec::new();
    let most = all.iter().map(|curve| curve.points.len()).max().unwrap_or(0);
    if most > WHISKERS_MAX {
        notes.push(format!("intervals of more than {WHISKERS_MAX} points are not drawn"));
    }
    // Each plot shows the same points: what is undefined is so in all of them.
    notes.extend(all.first().and_then(|first| undefined(std::slice::from_ref(first))));
    (grid.bottom() + LABEL, notes)
}

/// The points of one plot: few with their intervals and numbers, many as smaller dots.
fn dots(
    scene: &mut Scene,
    panel: &Panel,
    points: &[(f64, Estimate)],
    (x, y): (&Quantity, &Quantity),
) {
    let drawn = || points.iter().filter(|(at, found)| at.is_finite() && found.value.is_finite());
    if points.len() > WHISKERS_MAX {
        let cell = |(at, found): &(f64, Estimate)| {
            let (across, up) = panel.at(*at, found.value);
            ((across / NEAR).round() as i64, (up / NEAR).round() as i64)
        };
        let cells: BTreeSet<(i64, i64)> = drawn().map(cell).collect();
        let place = |(across, up): (i64, i64)| (across as f64 * NEAR, up as f64 * NEAR);
        let shapes = cells.into_iter().map(|cell| marker(0, place(cell), 1.6)).collect();
        scene.bands(shapes, series::color(0));
        return;
    }
    for (at, found) in drawn() {
        if let Some((low, high)) = found.known() {
            let across = panel.across(*at);
            let ends = ((across, panel.up(high)), (across, panel.up(low)));
            series::whisker(scene, ends, GREY);
        }
    }
    for (at, found) in drawn() {
        let told = format!("{} = {}: {}", x.label, x.unit.told(*at), found.words(y.unit));
        scene.hover(&told, |scene| series::mark(scene, 0, panel.at(*at, found.value)));
    }
}
