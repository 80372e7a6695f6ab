//! Named alternatives: one row each, with a dot and an interval for every series.

use super::axis::LABEL;
use super::canvas::{Anchor, Scene, WIDTH, clean, ink};
use super::estimate::{Curve, Estimate, reach};
use super::factor::FactorChart;
use super::font;
use super::frame::EDGE;
use super::lane::{Lane, Upright};
use super::palette::{BLACK, GREY, RULE, TRACK};
use super::panel::Panel;
use super::ruler::{Fit, Ruler, ends};
use super::series::{self, Look, SIZE};

/// Rows that are drawn.
pub(super) const ROWS_MAX: usize = 60;
/// Height of one dot with its text, and space between rows.
const DOT: f64 = 15.0;
const GAP: f64 = 8.0;
const NAMES_MAX: f64 = 300.0;
const COLUMN_MAX: f64 = 300.0;

/// Draws rows of dots below `y`; returns where they end.
pub(super) fn rows(
    scene: &mut Scene,
    y: f64,
    (label, names): (&str, &[String]),
    chart: &FactorChart,
    shown: &[Curve],
) -> f64 {
    let names = names.get(..ROWS_MAX).unwrap_or(names);
    let mut y = y;
    if shown.iter().any(|curve| !clean(&curve.label).is_empty()) {
        let key = |(index, curve): (usize, &Curve)| (Look::Dot { index }, curve.label.clone());
        let keys: Vec<(Look, String)> = shown.iter().enumerate().map(key).collect();
        y = series::legend(scene, &keys, y);
    }
    let unit = chart.y.unit;
    let height = DOT * shown.len().max(1) as f64 + GAP;
    let words = |estimate: &Estimate| font::width(&estimate.words(unit), LABEL, false);
    let estimates = || shown.iter().flat_map(|curve| curve.points.iter().map(|p| &p.1));
    let column = (estimates().map(words).fold(40.0, f64::max) * 1.05).min(COLUMN_MAX);
    let widest =
        names.iter().map(|name| font::width(&clean(name), SIZE, false)).fold(0.0, f64::max);
    let x0 = (EDGE + widest * 1.06 + 14.0).clamp(90.0, NAMES_MAX);
    let x1 = WIDTH - EDGE - column - 26.0;
    let values = reach(shown, &chart.references);
    let (low, high) = ends(values.clone());
    let fit = Fit { steps: 8.0, round: true, zero: low >= 0.0 && low < high * 0.5 };
    let ruler = Ruler::new(&chart.y, values, fit);
    // Rows stand below each other, so the vertical axis measures rows.
    let mut panel = Panel { x0, x1, top: 0.0, bottom: 0.0, x: ruler.clone(), y: ruler };
    let references = chart.references.iter().filter(|r| r.at.is_finite());
    let uprights = references.map(|r| Upright::reference(panel.across(r.at), &r.told(unit)));
    let lane = Lane::new(uprights.collect(), WIDTH - EDGE);
    // A long name of the factor has a line of its own above the labels of references.
    let label = clean(label);
    let long = font::width(&label, LABEL, false) * 1.06 > x0 - EDGE;
    let text = font::fit_name(&label, LABEL, (WIDTH - 2.0 * EDGE) / 1.06);
    scene.text((EDGE, y + 12.0), &text, ink(LABEL, GREY));
    let y = if long && lane.height() > 0.0 { y + 16.0 } else { y };
    panel.top = y + lane.height().max(18.0);
    panel.bottom = panel.top + 6.0 + height * names.len() as f64;
    for i in (0..names.len()).step_by(2) {
        let top = panel.top + 3.0 + height * i as f64;
        scene.rect((EDGE, top), (WIDTH - EDGE, top + height), TRACK);
    }
    let ticks = panel.x_ticks();
    for tick in &ticks {
        let x = panel.across(tick.value);
        scene.rect((x - 0.5, panel.top), (x + 0.5, panel.bottom), RULE);
    }
    lane.draw(scene, &[(panel.top, panel.bottom)]);
    for (i, name) in names.iter().enumerate() {
        row(scene, &panel, (i, name), panel.top + 3.0 + height * i as f64, (unit, shown));
    }
    panel.frame(scene);
    let end = panel.x_labels(scene, &ticks);
    panel.x_title(scene, end, &chart.y.label)
}

fn row(
    scene: &mut Scene,
    panel: &Panel,
    (number, name): (usize, &str),
    top: f64,
    (unit, shown): (super::Unit, &[Curve]),
) {
    let name = clean(name);
    let height = DOT * shown.len().max(1) as f64 + GAP;
    let text = font::fit_name(&name, SIZE, (panel.x0 - EDGE - 12.0) / 1.05);
    scene.hover(if text == name { "" } else { &name }, |scene| {
        let right = ink(SIZE, BLACK).anchor(Anchor::Right);
        scene.text((panel.x0 - 10.0, top + height / 2.0 + 4.2), &text, right);
    });
    for (index, curve) in shown.iter().enumerate() {
        let y = top + GAP / 2.0 + DOT * (index as f64 + 0.5);
        let found = curve.points.iter().find(|p| p.0 == number as f64);
        let estimate = found.map(|p| p.1);
        let words = estimate.map_or_else(|| "no value".to_string(), |e| e.words(unit));
        let defined = estimate.filter(|e| e.value.is_finite());
        scene.hover(&format!("{name}, {}: {words}", clean(&curve.label)), |scene| {
            if let Some(estimate) = defined {
                let color = series::color(index);
                if let Some((low, high)) = estimate.known() {
                    let ends = ((panel.across(low), y), (panel.across(high), y));
                    series::whisker(scene, ends, color);
                }
                series::mark(scene, index, (panel.across(estimate.value), y));
            }
            let color = if defined.is_some() { BLACK } else { GREY };
            let room = (WIDTH - EDGE - panel.x1 - 22.0) / 1.02;
            let words = font::fit(&words, LABEL, false, room);
            scene.text((panel.x1 + 22.0, y + 4.0), &words, ink(LABEL, color));
        });
    }
}
