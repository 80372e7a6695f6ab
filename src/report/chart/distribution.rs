//! How often values come: a histogram over the empirical distribution curve, with intervals.

use super::axis::LABEL;
use super::canvas::{Anchor, ChartError, Picture, Point, Scene, WIDTH, ink};
use super::estimate::Estimate;
use super::font;
use super::frame::{EDGE, empty, heading, note};
use super::lane::{Lane, Upright};
use super::numbers::Unit;
use super::palette::{BLACK, GREY, TRACK, WHITE, rgb};
use super::panel::{Caption, Panel, Reference, labels_width, whole, y_title};
use super::ruler::{Fit, Quantity, Ruler, Tick};
use super::series::{self, BAND};
use super::strokes::{held, marker, thin};
use super::tally::{Bars, Parted, Tally};
use crate::report::words::counted;
use plotters::style::RGBColor;

/// How values of replications are distributed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// Title, subtitle, number and method; a number of 0 is counted from the values.
    pub caption: Caption,
    /// What the values are. `Scale::Auto` is logarithmic for long tails, and by nines for
    /// availabilities that reach far.
    pub x: Quantity,
    /// Values, and how often each came.
    pub values: Vec<(f64, u64)>,
    /// Mean with its interval.
    pub mean: Option<Estimate>,
    /// Quantiles (0.5 is the median) with their intervals.
    pub quantiles: Vec<(f64, Estimate)>,
    /// Limits and goals; the first [`Distribution::REFERENCES_MAX`] are drawn.
    pub references: Vec<Reference>,
}

const HISTOGRAM: f64 = 190.0;
const CURVE: f64 = 150.0;
const BETWEEN: f64 = 30.0;
/// Width of the column of estimates and of a value that stands apart.
const COLUMN: f64 = 236.0;
const SLOT: f64 = 78.0;
const SLOT_GAP: f64 = 16.0;
const INSET: f64 = 10.0;
const ROWS_MAX: usize = 8;
const FILL: RGBColor = rgb(0x7f_b5_d8);
const MEAN: RGBColor = rgb(0xb0_45_00);

/// Where values stand: apart at the ends, or on the axis between.
struct Layout {
    parted: Parted,
    left: f64,
    right: f64,
    panel: Panel,
}

impl Distribution {
    /// References that are drawn.
    pub const REFERENCES_MAX: usize = 5;

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
        let tally = Tally::new(&self.values);
        let mut caption = self.caption.clone();
        if caption.n == 0 {
            caption.n = tally.n;
        }
        let mut scene = Scene::new(&caption.title, &self.description(&tally));
        let y = heading(&mut scene, &caption.title, &caption.line(""));
        if tally.n == 0 {
            let end = empty(&mut scene, y, "no replication has a defined value");
            return (scene, end + 6.0);
        }
        let layout = self.layout(&tally);
        let lane = Lane::new(self.uprights(&layout), WIDTH - EDGE);
        let title = "share of replications in each bar";
        let ruler = heights(&tally, &layout, self.x.unit);
        let top = y_title(&mut scene, EDGE, y, title, &ruler) + lane.height() + 4.0;
        let upper = Panel { top, bottom: top + HISTOGRAM, y: ruler, ..layout.panel.clone() };
        let top = upper.bottom + BETWEEN;
        let lower = Panel { top, bottom: top + CURVE, y: shares(&tally, &layout), ..upper.clone() };
        self.draw_histogram(&mut scene, &upper, &layout, &tally);
        let ticks = layout.beside(lower.x_ticks());
        y_title(
            &mut scene,
            EDGE,
            upper.bottom + 7.0,
            "share of replications at or below",
            &lower.y,
        );
        draw_curve(&mut scene, &lower, &layout, &tally);
        lane.draw(&mut scene, &[(upper.top, upper.bottom), (lower.top, lower.bottom)]);
        draw_bar_shares(&mut scene, &upper, &layout, &tally);
        self.draw_quantiles(&mut scene, &lower, &layout);
        lower.frame(&mut scene);
        lower.y_labels_at(&mut scene, layout.left);
        layout.slot_labels(&mut scene, lower.bottom, self.x.unit);
        let end = lower.x_labels(&mut scene, &ticks);
        let end = lower.x_title(&mut scene, end, &self.x.label);
        let column = self.draw_column(&mut scene, upper.top);
        let end = self.draw_notes(&mut scene, end.max(column), &layout, &tally);
        (scene, end + 8.0)
    }

    fn layout(&self, tally: &Tally) -> Layout {
        let scale = tally.scale(&self.x);
        let parted = tally.part(scale);
        let quantity = self.x.clone().on(scale);
        let points = parted.rest.points.clone();
        let inside = |v: &f64| {
            let apart = |p: Option<(f64, u64)>| p.is_some_and(|p| p.0 == *v);
            v.is_finite() && !apart(parted.low) && !apart(parted.high)
        };
        let shown = self.references.iter().take(Self::REFERENCES_MAX).map(|r| r.at);
        let values: Vec<f64> = points.iter().map(|p| p.0).chain(shown.filter(inside)).collect();
        let fit = Fit { steps: 8.0, round: false, zero: false };
        let x = Ruler::new(&quantity, values.iter().copied(), fit);
        let labels = heights_of(&parted, tally, self.x.unit, &x);
        let left = EDGE + labels_width(&labels, HISTOGRAM).max(44.0);
        let right = WIDTH - EDGE - COLUMN - 14.0;
        let slot = SLOT + SLOT_GAP;
        // Bars of single values need room at the ends.
        let inset = if parted.rest.few() { INSET } else { 0.0 };
        let x0 = left + inset + if parted.low.is_some() { slot } else { 0.0 };
        let x1 = right - inset - if parted.high.is_some() { slot } else { 0.0 };
        let panel = Panel { x0, x1, top: 0.0, bottom: 0.0, x, y: labels };
        Layout { parted, left, right, panel }
    }

    fn uprights(&self, layout: &Layout) -> Vec<Upright> {
        let shown = self.references.iter().take(Self::REFERENCES_MAX);
        let shown = shown.filter(|r| r.at.is_finite());
        let mut uprights: Vec<Upright> = shown
            .map(|r| {
                let label = r.told(self.x.unit);
                Upright::reference(layout.place(r.at), &label)
            })
            .collect();
        if let Some(mean) = self.mean.filter(|mean| mean.value.is_finite()) {
            let label = format!("mean {}", mean.told(self.x.unit));
            let x = layout.place(mean.value);
            uprights.push(Upright { x, label, color: MEAN, dashed: false });
        }
        uprights
    }

    fn draw_histogram(&self, scene: &mut Scene, panel: &Panel, layout: &Layout, tally: &Tally) {
        if let Some((low, high)) = self.mean.and_then(|mean| mean.known()) {
            let (from, to) = (layout.place(low), layout.place(high));
            scene.area(
                vec![(from, panel.top, panel.bottom), (to, panel.top, panel.bottom)],
                MEAN,
                BAND,
            );
        }
        panel.grid(scene);
        let unit = self.x.unit;
        match layout.parted.rest.bars(unit, &panel.x) {
            Bars::Single(points) => {
                for (value, count) in points {
                    let (x, y) = panel.at(value, tally.share(count));
                    let told = told(tally, count);
                    scene.hover(&format!("{}: {told}", unit.told(value)), |scene| {
                        scene.rect((x - 5.0, y), (x + 5.0, panel.bottom), FILL);
                        scene.rect((x - 5.0, y), (x + 5.0, y + 1.5), series::color(0));
                    });
                }
            }
            Bars::Binned(bins) => {
                let room = panel.x1 - panel.x0;
                for bin in bins.iter().filter(|bin| bin.count > 0) {
                    let (a, b) = (panel.x0 + bin.low * room, panel.x0 + bin.high * room);
                    // What is not nothing is seen.
                    let y = panel.up(tally.share(bin.count)).min(panel.bottom - 1.5);
                    let (low, high) = (panel.x.value(bin.low), panel.x.value(bin.high));
                    let ends = format!("{} to {}", unit.told(low), unit.told(high));
                    scene.hover(&format!("{ends}: {}", told(tally, bin.count)), |scene| {
                        scene.rect((a + 0.4, y), (b - 0.4, panel.bottom), FILL);
                        scene.rect((a + 0.4, y), (b - 0.4, y + 1.2), series::color(0));
                    });
                }
            }
        }
        for (value, count, x) in layout.slots() {
            let y = panel.bottom - tally.share(count) * HISTOGRAM;
            let words = format!("exactly {}: {}", unit.told(value), told(tally, count));
            scene.hover(&words, |scene| {
                scene.rect((x, panel.top), (x + SLOT, panel.bottom), TRACK);
                scene.rect((x, y.min(panel.bottom - 1.5)), (x + SLOT, panel.bottom), FILL);
                let middle = ink(SIZE, BLACK).bold().anchor(Anchor::Middle);
                let text = Unit::Share.told(tally.share(count));
                let base = if y - panel.top > 22.0 { y - 6.0 } else { y + 17.0 };
                scene.text((x + SLOT / 2.0, base), &text, middle);
            });
            scene.rect((x, panel.bottom - 0.5), (x + SLOT, panel.bottom + 0.5), GREY);
        }
        panel.frame(scene);
        if layout.parted.rest.few() {
            let base = panel.bottom;
            scene.rect((panel.x0 - INSET, base - 0.5), (panel.x1 + INSET, base + 0.5), GREY);
        }
        panel.y_labels_at(scene, layout.left);
    }

    /// Points of quantiles on the curve, with level whiskers.
    fn draw_quantiles(&self, scene: &mut Scene, panel: &Panel, layout: &Layout) {
        let (unit, low, high) = (self.x.unit, layout.left, layout.right);
        for (share, estimate) in self.quantiles.iter().take(ROWS_MAX) {
            if !estimate.value.is_finite() || !panel.y.holds(*share) {
                continue;
            }
            let at: Point = (layout.place(estimate.value), panel.up(*share));
            let words = format!("{}: {}", quantile_name(*share), estimate.words(unit));
            scene.hover(&words, |scene| {
                if let Some((from, to)) = estimate.known() {
                    let ends = (layout.place(from).max(low), layout.place(to).min(high));
                    let known = (from.is_finite(), to.is_finite());
                    series::whisker_to(scene, ((ends.0, at.1), (ends.1, at.1)), known, BLACK);
                }
                scene.bands(vec![marker(0, at, 5.2)], WHITE);
                scene.bands(vec![marker(0, at, 3.9)], BLACK);
            });
        }
    }

    /// The estimates in words; returns where they end.
    fn draw_column(&self, scene: &mut Scene, top: f64) -> f64 {
        let x = WIDTH - EDGE - COLUMN + 8.0;
        let unit = self.x.unit;
        let mean = self.mean.iter().map(|mean| ("mean".to_string(), mean, MEAN, true));
        let quantiles = self.quantiles.iter().take(ROWS_MAX);
        let quantiles = quantiles.map(|(p, estimate)| (quantile_name(*p), estimate, BLACK, false));
        let rows: Vec<_> = mean.chain(quantiles).collect();
        let mut y = top;
        for (name, estimate, color, is_mean) in rows {
            if is_mean {
                scene.rect((x + 3.0, y + 1.0), (x + 5.0, y + 15.0), color);
            } else {
                scene.bands(vec![marker(0, (x + 4.0, y + 8.0), 3.9)], color);
            }
            let start = x + 16.0;
            let wide = scene.text((start, y + 12.0), &name, ink(SIZE, GREY)) * 1.06;
            let told = font::fit(&estimate.told(unit), SIZE, true, COLUMN - 34.0 - wide);
            scene.text((start + wide + 8.0, y + 12.0), &told, ink(SIZE, BLACK).bold());
            let between = estimate.between(unit);
            let between = if between.is_empty() { "no interval".into() } else { between };
            let between = font::fit(&between, LABEL, false, (COLUMN - 26.0) / 1.06);
            scene.text((start, y + 27.0), &between, ink(LABEL, GREY));
            y += 39.0;
        }
        y
    }

    fn draw_notes(&self, scene: &mut Scene, y: f64, layout: &Layout, tally: &Tally) -> f64 {
        let mut words = Vec::new();
        for (value, count, _) in layout.slots() {
            words.push(format!(
                "apart, with a height of its own: exactly {} in {}",
                self.x.unit.told(value),
                told(tally, count)
            ));
        }
        if let [(value, _)] = tally.points.as_slice() {
            words.push(format!("every value is {}", self.x.unit.told(*value)));
        }
        match tally.undefined {
            0 => {}
            1 => words.push("1 undefined value left out".into()),
            n => words.push(format!("{} undefined values left out", whole(n))),
        }
        let more = self.quantiles.len().saturating_sub(ROWS_MAX);
        if more > 0 {
            words.push(format!("+{}", counted(more, "more quantile")));
        }
        let more = self.references.len().saturating_sub(Self::REFERENCES_MAX);
        if more > 0 {
            words.push(format!("+{}", counted(more, "more reference")));
        }
        note(scene, y + 2.0, &words.join("; "))
    }

    fn description(&self, tally: &Tally) -> String {
        let unit = self.x.unit;
        let mut words =
            format!("Distribution of {} of {}.", counted(tally.n, "value"), self.x.label);
        if let Some(mean) = self.mean {
            words.push_str(&format!(" Mean {}.", mean.words(unit)));
        }
        for (share, estimate) in self.quantiles.iter().take(ROWS_MAX) {
            words.push_str(&format!(" {}: {}.", quantile_name(*share), estimate.words(unit)));
        }
        words
    }
}

const SIZE: f64 = series::SIZE;

impl Layout {
    /// Place of a value: in its slot, or on the axis.
    fn place(&self, value: f64) -> f64 {
        for (apart, _, x) in self.slots() {
            if value == apart {
                return x + SLOT / 2.0;
            }
        }
        if self.parted.low.is_some_and(|p| value < p.0) {
            return self.left;
        }
        if self.parted.high.is_some_and(|p| value > p.0) {
            return self.right;
        }
        self.panel.across(value)
    }

    /// Values that stand apart: value, count, left end.
    fn slots(&self) -> impl Iterator<Item = (f64, u64, f64)> {
        let low = self.parted.low.map(|p| (p.0, p.1, self.left));
        let high = self.parted.high.map(|p| (p.0, p.1, self.right - SLOT));
        low.into_iter().chain(high)
    }

    /// Ticks whose labels do not reach under values that stand apart.
    fn beside(&self, mut ticks: Vec<Tick>) -> Vec<Tick> {
        let panel = &self.panel;
        ticks.retain(|tick| {
            let half = font::width(&tick.label, LABEL, false) * 1.05 / 2.0;
            let (x, slack) = (panel.across(tick.value), SLOT_GAP / 2.0);
            let left = self.parted.low.is_none() || x - half >= panel.x0 - slack;
            left && (self.parted.high.is_none() || x + half <= panel.x1 + slack)
        });
        ticks
    }

    fn slot_labels(&self, scene: &mut Scene, bottom: f64, unit: Unit) {
        for (value, _, x) in self.slots() {
            scene.rect((x, bottom - 0.5), (x + SLOT, bottom + 0.5), GREY);
            let text = format!("exactly {}", unit.told(value));
            let text = font::fit(&text, LABEL, false, (SLOT + 6.0) / 1.05);
            let middle = ink(LABEL, BLACK).anchor(Anchor::Middle);
            scene.text((x + SLOT / 2.0, bottom + 17.0), &text, middle);
        }
    }
}

/// The shares of single values: over their bars, or beside them where that would leave the plot.
fn draw_bar_shares(scene: &mut Scene, panel: &Panel, layout: &Layout, tally: &Tally) {
    if !layout.parted.rest.few() {
        return;
    }
    let mut free = f64::NEG_INFINITY;
    for (value, count) in &layout.parted.rest.points {
        let (x, y) = panel.at(*value, tally.share(*count));
        let text = Unit::Share.told(tally.share(*count));
        let width = font::width(&text, LABEL, false) * 1.05;
        let (least, most) = (panel.x0 - INSET + 2.0, panel.x1 + INSET - 2.0 - width);
        let (left, base) = if y - panel.top > 14.0 {
            ((x - width / 2.0).clamp(least, most.max(least)), y - 4.0)
        } else if x + 8.0 > most {
            (x - 8.0 - width, y + 12.0)
        } else {
            (x + 8.0, y + 12.0)
        };
        if left > free {
            // No line behind the text.
            scene.rect((left, base - 9.0), (left + width, base + 2.0), WHITE);
            scene.text((left + width * 0.025, base), &text, ink(LABEL, BLACK));
            free = left + width + 4.0;
        }
    }
}

/// A count in words.
pub(super) fn told(tally: &Tally, count: u64) -> String {
    let share = Unit::Share.told(tally.share(count));
    format!("{share} ({} of {})", whole(count), whole(tally.n))
}

/// `median`, or `95 % quantile`.
pub(super) fn quantile_name(share: f64) -> String {
    if share == 0.5 { "median".into() } else { format!("{} quantile", Unit::Share.told(share)) }
}

/// The vertical axis of the histogram.
fn heights(tally: &Tally, layout: &Layout, unit: Unit) -> Ruler {
    heights_of(&layout.parted, tally, unit, &layout.panel.x)
}

fn heights_of(parted: &Parted, tally: &Tally, unit: Unit, x: &Ruler) -> Ruler {
    let most = match parted.rest.bars(unit, x) {
        Bars::Single(points) => points.iter().map(|p| p.1).max(),
        Bars::Binned(bins) => bins.iter().map(|bin| bin.count).max(),
    };
    // Room above for the share that is written over a bar.
    let room = if parted.rest.few() { 1.12 } else { 1.0 };
    let most = (tally.share(most.unwrap_or(1)) * room).min(1.0);
    let fit = Fit { steps: 4.0, round: true, zero: true };
    Ruler::new(&Quantity::new("", Unit::Share), [0.0, most].into_iter(), fit)
}

/// The vertical axis of the curve: only the part in which it rises, where that is short.
fn shares(tally: &Tally, layout: &Layout) -> Ruler {
    let part = |point: Option<(f64, u64)>, least: f64| {
        let share = point.map_or(0.0, |p| tally.share(p.1));
        if share >= least { share } else { 0.0 }
    };
    let ends = [part(layout.parted.low, 0.5), 1.0 - part(layout.parted.high, 0.8)];
    let fit = Fit { steps: 4.0, round: true, zero: false };
    Ruler::new(&Quantity::new("", Unit::Share), ends.into_iter(), fit)
}

/// The empirical distribution curve.
fn draw_curve(scene: &mut Scene, panel: &Panel, layout: &Layout, tally: &Tally) {
    panel.grid(scene);
    let mut below = 0.0;
    let mut end = layout.right;
    let mut points: Vec<Point> = Vec::new();
    if panel.y.holds(0.0) {
        points.push((layout.left, panel.up(0.0)));
    }
    for (value, count) in &tally.points {
        below += tally.share(*count);
        if !panel.y.holds(below.min(1.0)) {
            // The jump to all leaves the axis: the line ends below it.
            end = layout.place(*value);
            break;
        }
        points.push((layout.place(*value), panel.up(below.min(1.0))));
    }
    let line = held(&thin(&points), end);
    scene.hover("share of replications at or below", |scene| {
        scene.strokes(vec![line], 2.0, series::color(0));
    });
    scene.rect((layout.left, panel.bottom - 0.5), (layout.right, panel.bottom + 0.5), GREY);
}
