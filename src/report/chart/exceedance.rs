//! How likely it is that a value is exceeded: from the chance of any at all to the longest tail.

use super::axis::LABEL;
use super::canvas::{ChartError, Picture, Point, Scene, WIDTH, clean, ink};
use super::estimate::Estimate;
use super::font;
use super::frame::{EDGE, empty, heading, note};
use super::lane::{Lane, Upright};
use super::numbers::Unit;
use super::palette::GREY;
use super::panel::{Caption, Panel, Reference, labels_width, whole, y_title};
use super::ruler::{Fit, Quantity, Ruler, Scale};
use super::series::{self, BAND, Look};
use super::strokes::{held, thin};
use super::tally::Tally;
use crate::report::words::counted;

/// A chance to exceed a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exceeding {
    /// The value.
    pub at: f64,
    /// The share of replications above it, with its interval.
    pub share: Estimate,
}

/// The exceedance curve of a quantity that is never negative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExceedanceChart {
    /// Title, subtitle, number and method.
    pub caption: Caption,
    /// What may be exceeded; `Scale::Auto` is logarithmic.
    pub x: Quantity,
    /// The chance of any at all, P(X > 0), with its interval.
    pub any: Estimate,
    /// Chances to exceed positive values: [`ExceedanceChart::points`] makes them.
    pub points: Vec<Exceeding>,
    /// What one replication spans (`year`): chances are then given as one in so many, too.
    pub period: String,
    /// Limits and goals.
    pub references: Vec<Reference>,
}

const PLOT: f64 = 320.0;
/// Points of a curve that are computed: at its end each, before in equal shares.
const TAIL_POINTS: usize = 200;
const BODY_POINTS: u64 = 400;
const REFERENCES_MAX: usize = 5;
const RIGHT_LABELS: f64 = 96.0;

impl ExceedanceChart {
    /// Chances from values and how often each came. `margin` gives the interval of a share from
    /// the number above and the number of all.
    pub fn points(
        values: &[(f64, u64)],
        margin: impl Fn(u64, u64) -> (f64, f64),
    ) -> (Estimate, Vec<Exceeding>) {
        let tally = Tally::new(values);
        if tally.n == 0 {
            return (Estimate::bare(f64::NAN), Vec::new());
        }
        let estimate = |above: u64| {
            let (low, high) = margin(above, tally.n);
            Estimate::within(tally.share(above), low, high)
        };
        let positive: Vec<&(f64, u64)> = tally.points.iter().filter(|p| p.0 > 0.0).collect();
        let mut above = positive.iter().fold(0_u64, |n, p| n.saturating_add(p.1));
        let any = estimate(above);
        let gap = tally.n / BODY_POINTS;
        let mut since = u64::MAX;
        let mut points = Vec::new();
        for (i, (value, count)) in positive.iter().enumerate() {
            above = above.saturating_sub(*count);
            since = since.saturating_add(*count);
            if since >= gap || positive.len() - i <= TAIL_POINTS {
                points.push(Exceeding { at: *value, share: estimate(above) });
                since = 0;
            }
        }
        (any, points)
    }

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
        let mut points: Vec<Exceeding> = self.points.clone();
        points.retain(|p| p.at.is_finite() && p.at > 0.0 && p.share.value.is_finite());
        points.sort_by(|a, b| a.at.total_cmp(&b.at));
        let words = self.any_words();
        let mut scene = Scene::new(
            &self.caption.title,
            &format!("Chance to exceed each value of {}. {words}.", self.x.label),
        );
        let y = heading(&mut scene, &self.caption.title, &self.caption.line(""));
        if points.is_empty() {
            let why = if self.any.value.is_finite() { &words } else { "no value is defined" };
            let end = empty(&mut scene, y, why);
            return (scene, end + 6.0);
        }
        let panel = self.panel(&points);
        let lane = Lane::new(self.uprights(&panel), WIDTH - EDGE);
        let keys = [
            (Look::Series { index: 0, marked: false }, words),
            (Look::Tint { color: series::color(0), alpha: BAND }, "interval".to_string()),
        ];
        let y = series::legend(&mut scene, &keys, y);
        let name = if self.period.is_empty() { "replication" } else { &self.period };
        let title = format!("chance to exceed, per {}", clean(name));
        let top = y_title(&mut scene, EDGE, y, &title, &panel.y) + lane.height() + 4.0;
        let panel = Panel { top, bottom: top + PLOT, ..panel };
        panel.grid(&mut scene);
        self.draw_curve(&mut scene, &panel, &points);
        lane.draw(&mut scene, &[(top, panel.bottom)]);
        panel.frame(&mut scene);
        panel.y_labels(&mut scene);
        self.draw_periods(&mut scene, &panel);
        let end = panel.x_labels(&mut scene, &panel.x_ticks());
        let end = panel.x_title(&mut scene, end, &self.x.label);
        let end = note(&mut scene, end + 2.0, &self.tail_words(&points));
        (scene, end + 8.0)
    }

    fn any_words(&self) -> String {
        let unit = Unit::Share;
        if self.any.value == 0.0 {
            // Never seen is not impossible: only the bound is known.
            let bound = self.any.known().filter(|(_, high)| high.is_finite());
            return bound.map_or("none in any replication, no bound known".into(), |(_, high)| {
                format!("none in any replication; P(X > 0) is at most {}", unit.told(high))
            });
        }
        let none = Estimate {
            value: 1.0 - self.any.value,
            interval: self.any.known().map(|(low, high)| (1.0 - high, 1.0 - low)),
        };
        format!("P(X > 0) = {}; none at all in {}", self.any.words(unit), none.told(unit))
    }

    /// What the end of the curve stands for.
    fn tail_words(&self, points: &[Exceeding]) -> String {
        let Some(last) = points.last() else { return String::new() };
        let largest = self.x.unit.told(last.at);
        let mut words = if last.share.value == 0.0 {
            format!("the largest value is {largest}")
        } else {
            format!("beyond {largest} nothing is given")
        };
        if let (true, Some((_, high))) = (last.share.value == 0.0, last.share.known()) {
            words = format!("{words}; more than that: at most {}", Unit::Share.told(high));
        }
        let more = self.references.len().saturating_sub(REFERENCES_MAX);
        match more {
            0 => words,
            more => format!("{words}; +{}", counted(more, "more reference")),
        }
    }

    fn panel(&self, points: &[Exceeding]) -> Panel {
        let scale = if self.x.scale == Scale::Auto { Scale::Log } else { self.x.scale };
        let shown = self.references.iter().take(REFERENCES_MAX).map(|r| r.at);
        let shown = shown.filter(|at| at.is_finite() && *at > 0.0);
        let at: Vec<f64> = points.iter().map(|p| p.at).chain(shown).collect();
        let fit = Fit { steps: 8.0, round: false, zero: false };
        let x = Ruler::new(&self.x.clone().on(scale), at.iter().copied(), fit);
        let shares: Vec<f64> = points.iter().map(|p| p.share.value).filter(|p| *p > 0.0).collect();
        let least = shares.iter().fold(1.0, |a: f64, b| a.min(*b));
        let most = self.any.reach().fold(least, f64::max).min(1.0);
        let scale = if least < 0.05 { Scale::Log } else { Scale::Linear };
        let quantity = Quantity::new("", Unit::Share).on(scale);
        let fit = Fit { steps: 5.0, round: true, zero: true };
        let y = Ruler::new(&quantity, [least, most].into_iter(), fit);
        let x0 = EDGE + labels_width(&y, PLOT);
        let right = if self.period.is_empty() { 36.0 } else { RIGHT_LABELS };
        Panel { x0, x1: WIDTH - EDGE - right, top: 0.0, bottom: PLOT, x, y }
    }

    fn uprights(&self, panel: &Panel) -> Vec<Upright> {
        let shown = self.references.iter().take(REFERENCES_MAX).filter(|r| r.at.is_finite());
        shown
            .map(|r| {
                let label = r.told(self.x.unit);
                Upright::reference(panel.across(r.at), &label)
            })
            .collect()
    }

    fn draw_curve(&self, scene: &mut Scene, panel: &Panel, points: &[Exceeding]) {
        let start = Exceeding { at: 0.0, share: self.any };
        let all: Vec<&Exceeding> =
            std::iter::once(&start).filter(|p| p.share.value.is_finite()).chain(points).collect();
        let mut strip: Vec<(f64, f64, f64)> = Vec::new();
        for (i, p) in all.iter().enumerate() {
            let from = if p.at > 0.0 { panel.across(p.at) } else { panel.x0 };
            let to = all.get(i + 1).map_or(panel.x1, |next| panel.across(next.at));
            let Some((low, high)) = p.share.known() else { continue };
            let ends = (panel.up(high), panel.up(low));
            strip.extend([(from, ends.0, ends.1), (to, ends.0, ends.1)]);
        }
        scene.area(strip, series::color(0), BAND);
        let place = |p: &&Exceeding| -> Point {
            let x = if p.at > 0.0 { panel.across(p.at) } else { panel.x0 };
            (x, panel.up(p.share.value))
        };
        let line: Vec<Point> = all.iter().map(place).collect();
        let end = line.last().map_or(panel.x1, |p| p.0);
        scene.strokes(vec![held(&thin(&line), end)], 2.4, series::color(0));
        for p in points.iter().rev().take(TAIL_POINTS / 5) {
            let words =
                format!("more than {}: {}", self.x.unit.told(p.at), p.share.words(Unit::Share));
            let at = (panel.across(p.at), panel.up(p.share.value));
            scene.hover(&words, |scene| {
                scene.rect((at.0 - 2.2, at.1 - 2.2), (at.0 + 2.2, at.1 + 2.2), series::color(0));
            });
        }
    }

    /// Chances once more at the right, as one in so many.
    fn draw_periods(&self, scene: &mut Scene, panel: &Panel) {
        if self.period.is_empty() {
            return;
        }
        for tick in panel.y_ticks().iter().filter(|tick| tick.value > 0.0 && tick.value <= 1.0) {
            let every = 1.0 / tick.value;
            let text = if every < 1e6 && (every - every.round()).abs() < 1e-6 {
                format!("1 in {}", whole(every.round() as u64))
            } else {
                format!("1 in {}", Unit::Count.told(every))
            };
            let text = font::fit(&text, LABEL, false, RIGHT_LABELS);
            scene.text((panel.x1 + 9.0, panel.up(tick.value) + 4.0), &text, ink(LABEL, GREY));
        }
    }
}
