//! How an estimate settles with the number of replications.

use super::canvas::{ChartError, Picture, Scene, WIDTH};
use super::estimate::{Curve, Estimate, Manner, fit};
use super::frame::{EDGE, empty, heading, note};
use super::numbers::Unit;
use super::panel::{Caption, Panel, Reference, labels_width, whole, y_title};
use super::ruler::{Fit, Quantity, Ruler, Scale};
use super::series::{self, BAND, End, Look};

/// A running estimate against the number of replications.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConvergenceChart {
    /// Title, subtitle, number and method.
    pub caption: Caption,
    /// What is estimated; `Scale::Auto` is linear.
    pub y: Quantity,
    /// Estimates after so many replications.
    pub running: Vec<(u64, Estimate)>,
    /// Goals, such as a bound that an objective asks for.
    pub references: Vec<Reference>,
}

const PLOT: f64 = 300.0;

impl ConvergenceChart {
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
        let point = |(n, estimate): &(u64, Estimate)| (*n as f64, *estimate);
        let points: Vec<(f64, Estimate)> =
            self.running.iter().filter(|p| p.0 > 0).map(point).collect();
        let curve = Curve { label: "running mean".into(), points };
        let words = format!("{} against the number of replications.", self.y.label);
        let mut scene = Scene::new(&self.caption.title, &words);
        let y = heading(&mut scene, &self.caption.title, &self.caption.line(""));
        let Some((last_n, last)) = curve.last() else {
            let end = empty(&mut scene, y, "no estimate is defined");
            return (scene, end + 6.0);
        };
        let references: Vec<&Reference> =
            self.references.iter().filter(|r| r.at.is_finite()).collect();
        let values = self.range(&curve, last_n);
        let scale = Ruler::new(&self.y, values.iter().copied(), fit(values.iter().copied(), 5.0));
        let unit = self.y.unit;
        let settled = curve.points.iter().rfind(|p| p.0 == last_n).map(|p| p.1);
        let told = settled.map_or(String::new(), |estimate| estimate.told(unit));
        let label = format!("mean {told}");
        let named: Vec<String> = references.iter().map(|r| r.told(unit)).collect();
        let labels = named.iter().map(String::as_str).chain([label.as_str()]);
        let x1 = WIDTH - series::ends_width(labels) - 12.0;
        let keys = [
            (Look::Series { index: 0, marked: false }, "running mean".to_string()),
            (Look::Tint { color: series::color(0), alpha: BAND }, "its interval".to_string()),
            (Look::Bare, settled.map_or(String::new(), |e| end_words(last_n, &e, unit))),
        ];
        let y = series::legend(&mut scene, &keys, y);
        let top = y_title(&mut scene, EDGE, y, &self.y.label, &scale) + 4.0;
        let x = Quantity::new("", Unit::Count).on(Scale::Log);
        let fit = Fit { steps: 6.0, round: false, zero: false };
        let x = Ruler::new(&x, curve.points.iter().map(|p| p.0), fit);
        let x0 = EDGE + labels_width(&scale, PLOT);
        let panel = Panel { x0, x1, top, bottom: top + PLOT, x, y: scale };
        panel.grid(&mut scene);
        panel.frame(&mut scene);
        let manner = Manner { x: Unit::Count, y: unit, bands: curve.points.len() > 1 };
        curve.draw_intervals(&mut scene, &panel, 0, manner);
        references.iter().for_each(|reference| panel.level(&mut scene, reference));
        let mut inside = curve.clone();
        for (_, estimate) in &mut inside.points {
            if !panel.y.holds(estimate.value) {
                estimate.value = f64::NAN;
            }
        }
        inside.draw_line(&mut scene, &panel, 0, manner);
        panel.y_labels(&mut scene);
        let end = panel.x_labels(&mut scene, &panel.x_ticks());
        let end = panel.x_title(&mut scene, end, "number of replications");
        let look = Look::Series { index: 0, marked: curve.marked() };
        let mut ends = vec![End { label, y: panel.up(last), look }];
        ends.extend(references.iter().map(|reference| End {
            label: reference.told(unit),
            y: panel.up(reference.at),
            look: Look::Reference,
        }));
        series::draw_ends(&mut scene, ends, x1, top, panel.bottom);
        let end = note(&mut scene, end + 2.0, &notes(&curve, &panel));
        (scene, end + 8.0)
    }

    /// Values that the vertical axis must hold: all means, and the intervals of the second half (as
    /// drawn), because the first are so wide that they would hide the rest.
    fn range(&self, curve: &Curve, last_n: f64) -> Vec<f64> {
        let first_n = curve.points.iter().map(|p| p.0).fold(last_n, f64::min);
        let half = libm::sqrt(first_n * last_n);
        let late = curve.points.iter().filter(|p| p.0 >= half).flat_map(|p| p.1.reach());
        let means = curve.points.iter().filter(|p| p.0 >= half.min(10.0)).map(|p| p.1.value);
        let references = self.references.iter().map(|r| r.at);
        late.chain(means).chain(references).filter(|v| v.is_finite()).collect()
    }
}

fn end_words(n: f64, estimate: &Estimate, unit: Unit) -> String {
    let between = estimate.between(unit);
    let n = whole(n as u64);
    if between.is_empty() {
        format!("after {n}: {}, no interval", estimate.told(unit))
    } else {
        format!("after {n}: {}", estimate.words(unit))
    }
}

/// What the frame cuts off, in words.
fn notes(curve: &Curve, panel: &Panel) -> String {
    let outside = |p: &&(f64, Estimate)| p.1.reach().any(|v| !panel.y.holds(v));
    let cut = curve.points.iter().filter(outside).map(|p| p.0).fold(0.0, f64::max);
    let mut words = Vec::new();
    if cut > 0.0 {
        words.push(format!("up to n = {} the frame cuts off wider intervals", whole(cut as u64)));
    }
    words.extend(super::factor::undefined(std::slice::from_ref(curve)));
    words.join("; ")
}
