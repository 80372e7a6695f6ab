//! A value with its interval, and a line of such values.

use super::canvas::{Scene, clean};
use super::numbers::{Unit, VALUE_MAX};
use super::panel::{Panel, Reference};
use super::ruler::Fit;
use super::series::{self, BAND};
use super::strokes::dashed;

/// A value and the interval it is known to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The value; left out if undefined.
    pub value: f64,
    /// Both ends, if there is an interval; an infinite end is not known.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// A value of which no interval is known.
    pub fn bare(value: f64) -> Estimate {
        Estimate { value, interval: None }
    }

    /// A value with its interval.
    pub fn within(value: f64, low: f64, high: f64) -> Estimate {
        Estimate { value, interval: Some((low, high)) }
    }

    /// The interval, if both ends are numbers.
    pub(super) fn known(&self) -> Option<(f64, f64)> {
        let (low, high) = self.interval?;
        let held = |v: f64| v.clamp(-VALUE_MAX, VALUE_MAX);
        (!low.is_nan() && !high.is_nan()).then(|| {
            let (low, high) = (low.min(high), low.max(high));
            let held_low = if low.is_finite() { held(low) } else { low };
            (held_low, if high.is_finite() { held(high) } else { high })
        })
    }

    /// The value and the ends that are finite.
    pub(super) fn reach(&self) -> impl Iterator<Item = f64> + Clone + use<> {
        let ends = self.known().map_or([f64::NAN, f64::NAN], |(low, high)| [low, high]);
        let all = [self.value, ends[0], ends[1]];
        all.into_iter().filter(|v| v.is_finite())
    }

    /// Digits that the width of the interval asks for.
    fn step(&self, unit: Unit) -> f64 {
        let width = self.known().map_or(0.0, |(low, high)| high - low);
        // Zero has no digits of its own.
        let digits = if self.value == 0.0 && width.is_finite() { width } else { self.value };
        let grain = unit.grain(digits);
        if width.is_finite() && width > self.value.abs() * 1e-9 {
            grain.min(width / 20.0)
        } else {
            grain
        }
    }

    /// The value as text.
    pub(super) fn told(&self, unit: Unit) -> String {
        if self.value.is_finite() {
            unit.fine(self.value, self.step(unit))
        } else {
            "undefined".into()
        }
    }

    /// The interval as text; empty if there is none.
    pub(super) fn between(&self, unit: Unit) -> String {
        let Some((low, high)) = self.known() else { return String::new() };
        let step = self.step(unit);
        let words = |value: f64| unit.fine(value, step.min(unit.grain(value)));
        match (low.is_finite(), high.is_finite()) {
            (true, true) => format!("{} to {}", words(low), words(high)),
            (true, false) => format!("at least {}", words(low)),
            (false, true) => format!("at most {}", words(high)),
            (false, false) => "not bounded".into(),
        }
    }

    /// Value and interval as text.
    pub(super) fn words(&self, unit: Unit) -> String {
        match self.between(unit) {
            between if between.is_empty() => self.told(unit),
            between => format!("{} ({between})", self.told(unit)),
        }
    }
}

/// A series of estimates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Name, written at the end of the line.
    pub label: String,
    /// Places and values; where a value is undefined, the line is broken.
    pub points: Vec<(f64, Estimate)>,
}

/// Points that still get markers, and series that still get tinted bands.
const MARKERS_MAX: usize = 24;
const BANDS_MAX: usize = 4;

/// How all curves of a plot are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) x: Unit,
    pub(super) y: Unit,
    /// Tints between the ends of intervals; else each has a whisker.
    pub(super) bands: bool,
}

impl Manner {
    pub(super) fn new(x: Unit, y: Unit, curves: &[Curve]) -> Manner {
        let runs = |curve: &Curve| curve.points.len() > 2;
        Manner { x, y, bands: curves.len() <= BANDS_MAX && curves.iter().any(runs) }
    }
}

impl Curve {
    /// The points that can be drawn, in order of their places.
    fn sorted(&self) -> Vec<(f64, Estimate)> {
        let mut points: Vec<(f64, Estimate)> =
            self.points.iter().filter(|p| p.0.is_finite()).copied().collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    }

    pub(super) fn marked(&self) -> bool {
        self.points.len() <= MARKERS_MAX
    }

    /// The last value that can be drawn.
    pub(super) fn last(&self) -> Option<(f64, f64)> {
        let defined = |p: &&(f64, Estimate)| p.1.value.is_finite();
        self.sorted().iter().rfind(defined).map(|(x, estimate)| (*x, estimate.value))
    }

    /// Values that cannot be drawn.
    pub(super) fn undefined(&self) -> usize {
        let wrong = |p: &&(f64, Estimate)| !p.0.is_finite() || !p.1.value.is_finite();
        self.points.iter().filter(wrong).count()
    }

    /// Is there anything to draw?
    pub(super) fn is_empty(&self) -> bool {
        self.undefined() == self.points.len()
    }

    /// The tint or the whiskers.
    pub(super) fn draw_intervals(
        &self,
        scene: &mut Scene,
        panel: &Panel,
        index: usize,
        manner: Manner,
    ) {
        let points = self.sorted();
        for run in points.split(|p| !p.1.value.is_finite() || p.1.known().is_none()) {
            let strip: Vec<(f64, f64, f64)> = run
                .iter()
                .filter_map(|(x, estimate)| {
                    let (low, high) = estimate.known()?;
                    Some((panel.across(*x), panel.up(high), panel.up(low)))
                })
                .collect();
            if manner.bands && strip.len() > 1 {
                scene.area(thin_strip(&strip), series::color(index), BAND);
            } else if self.marked() {
                for (x, high, low) in strip {
                    // Whiskers of several series at one place stand side by side.
                    let x = x + shift(index);
                    series::whisker(scene, ((x, high), (x, low)), series::color(index));
                }
            }
        }
    }

    /// The line with its markers.
    pub(super) fn draw_line(&self, scene: &mut Scene, panel: &Panel, index: usize, manner: Manner) {
        let points = self.sorted();
        let (label, color) = (clean(&self.label), series::color(index));
        let moved = if manner.bands { 0.0 } else { shift(index) };
        let place = |p: &(f64, Estimate)| {
            let (x, y) = panel.at(p.0, p.1.value);
            (x + moved, y)
        };
        for run in points.split(|p| !p.1.value.is_finite()) {
            let line: Vec<(f64, f64)> =
                super::strokes::thin(&run.iter().map(place).collect::<Vec<_>>());
            scene.hover(&label, |scene| {
                scene.strokes(dashed(&line, series::dash(index)), series::width(index), color);
            });
        }
        if !self.marked() {
            return;
        }
        for p in points.iter().filter(|p| p.1.value.is_finite()) {
            let start = if label.is_empty() { String::new() } else { format!("{label}, ") };
            let told = format!("{start}{}: {}", manner.x.told(p.0), p.1.words(manner.y));
            scene.hover(&told, |scene| series::mark(scene, index, place(p)));
        }
    }
}

/// A strip with at most two places for each pixel: where it begins there, and how far it reaches.
fn thin_strip(strip: &[(f64, f64, f64)]) -> Vec<(f64, f64, f64)> {
    let column = |p: &(f64, f64, f64)| p.0.floor();
    let runs = strip.chunk_by(|a, b| column(a) == column(b));
    runs.flat_map(|run| {
        let reach = run.iter().copied().reduce(|a, b| (b.0, a.1.min(b.1), a.2.max(b.2)));
        let first = run.first().filter(|_| run.len() > 1).copied();
        first.into_iter().chain(reach)
    })
    .collect()
}

/// How far the whiskers of a series stand from their place.
fn shift(index: usize) -> f64 {
    [0.0, 3.0, -3.0, 6.0, -6.0].get(index % 5).copied().unwrap_or(0.0)
}

/// All finite values of curves and references.
pub(super) fn reach<'a>(
    curves: &'a [Curve],
    references: &'a [Reference],
) -> impl Iterator<Item = f64> + Clone + 'a {
    let points = curves.iter().flat_map(|curve| curve.points.iter());
    points
        .filter(|p| p.0.is_finite() && p.1.value.is_finite())
        .flat_map(|p| p.1.reach())
        .chain(references.iter().map(|r| r.at).filter(|v| v.is_finite()))
}

/// How a vertical axis fits values: from zero, unless that would hide how they differ.
pub(super) fn fit(values: impl Iterator<Item = f64>, steps: f64) -> Fit {
    let (low, high) = super::ruler::ends(values);
    Fit { steps, round: true, zero: low >= 0.0 && low < high * 0.5 }
}
