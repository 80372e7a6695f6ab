//! Many small plots of one kind with the same axes.

use super::axis::LABEL;
use super::canvas::{Anchor, ChartError, Picture, Scene, WIDTH, clean, ink};
use super::estimate::{Curve, Estimate, Manner, fit, reach};
use super::factor::{across, places, undefined};
use super::font;
use super::frame::{EDGE, empty, heading, note};
use super::numbers::Unit;
use super::palette::{BLACK, GREY, RULE, rgb};
use super::panel::{Caption, Panel, Reference, axis_title, labels_width, whole};
use super::ruler::{Fit, Quantity, Ruler, Tick};
use super::series::{self, Look};
use super::tally::{Bars, Parted, Tally};
use crate::report::words::counted;

/// What the small plots show.
#[derive(Clone, Debug, PartialEq)]
pub enum Panels {
    /// Lines with bands: a title and its curves; curves of one label look alike everywhere.
    Lines(Vec<(String, Vec<Curve>)>),
    /// Dots with intervals over names, which the places of points count from 0: the names, and of
    /// each plot a title and its series. The axis of the values lies across.
    Rows(Vec<String>, Vec<(String, Vec<Curve>)>),
    /// Points that nothing joins, each in every plot: what is varied there, with an axis of its own,
    /// and the places of the points along it with their values.
    Dots(Vec<(Quantity, Vec<(f64, Estimate)>)>),
    /// Histograms: a title, and values with how often each came.
    Values(Vec<(String, Vec<(f64, u64)>)>),
}

impl Default for Panels {
    fn default() -> Panels {
        Panels::Lines(Vec::new())
    }
}

/// A grid of small plots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multiples {
    /// Title, subtitle, number and method.
    pub caption: Caption,
    /// The horizontal axis that all share; of [`Panels::Dots`] each has its own.
    pub x: Quantity,
    /// The vertical axis that all share; histograms have shares there, whatever is given.
    pub y: Quantity,
    /// The plots, from left to right and downwards; the first [`Multiples::PANELS_MAX`] are drawn.
    pub panels: Panels,
    /// Limits and goals: levels among lines, upright among histograms.
    pub references: Vec<Reference>,
}

const HEIGHT: f64 = 120.0;
const HEADER: f64 = 22.0;
/// A second line above a plot.
const LINE: f64 = 15.0;
/// Room for half a label at each end of an axis.
const GAP: f64 = 40.0;
const TITLE: f64 = 11.5;
const BINS: usize = 30;
const FILL: plotters::style::RGBColor = rgb(0x7f_b5_d8);

/// Places of the small plots.
pub(super) struct Grid {
    columns: usize,
    x0: f64,
    width: f64,
    top: f64,
    count: usize,
    /// Room for what stands above each plot.
    header: f64,
    /// Height of each plot.
    height: f64,
    /// Room below each plot for labels of its own; without, only the lowest have some.
    below: f64,
}

impl Grid {
    pub(super) fn new(count: usize, labels: f64, top: f64) -> Grid {
        let columns = match count {
            0..=3 => count.max(1),
            4 => 2,
            5 | 6 | 9 => 3,
            _ => 4,
        };
        let x0 = EDGE + labels;
        let room = WIDTH - EDGE - 14.0 - x0 - GAP * (columns - 1) as f64;
        Grid {
            columns,
            x0,
            width: room / columns as f64,
            top,
            count,
            header: HEADER,
            height: HEIGHT,
            below: 0.0,
        }
    }

    /// The same, with plots of another height.
    pub(super) fn with_height(self, height: f64) -> Grid {
        Grid { height, ..self }
    }

    /// The same, with labels below each plot.
    pub(super) fn with_room_below(self, below: f64) -> Grid {
        Grid { below, ..self }
    }

    /// From the top of a row to that of the next.
    fn step(&self) -> f64 {
        self.height + self.header + self.below + 8.0
    }

    /// The plot of a number.
    pub(super) fn panel(&self, i: usize, x: &Ruler, y: &Ruler) -> Panel {
        let (column, row) = (i % self.columns, i / self.columns);
        let x0 = self.x0 + (self.width + GAP) * column as f64;
        let top = self.top + self.step() * row as f64 + self.header;
        let (x, y) = (x.clone(), y.clone());
        Panel { x0, x1: x0 + self.width, top, bottom: top + self.height, x, y }
    }

    pub(super) fn is_left(&self, i: usize) -> bool {
        i.is_multiple_of(self.columns)
    }

    /// Does no plot stand right below?
    pub(super) fn is_lowest(&self, i: usize) -> bool {
        self.below > 0.0 || i + self.columns >= self.count
    }

    /// Where the last row ends.
    pub(super) fn bottom(&self) -> f64 {
        let rows = self.count.div_ceil(self.columns);
        self.top + self.step() * rows as f64 - 8.0
    }
}

impl Multiples {
    /// Plots that are drawn; a note counts the rest.
    pub const PANELS_MAX: usize = 40;

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
        let count = match &self.panels {
            Panels::Lines(panels) | Panels::Rows(_, panels) => panels.len(),
            Panels::Values(panels) => panels.len(),
            Panels::Dots(panels) => panels.len(),
        };
        let over: Vec<&str> = match &self.panels {
            Panels::Dots(panels) => panels.iter().map(|(x, _)| x.label.as_str()).collect(),
            _ => vec![self.x.label.as_str()],
        };
        let over = over.join(", ");
        let words = format!("{count} small plots of {} over {over}.", self.y.label);
        let mut scene = Scene::new(&self.caption.title, &words);
        let per = if matches!(self.panels, Panels::Values(_)) { "plot" } else { "point" };
        let y = heading(&mut scene, &self.caption.title, &self.caption.line(per));
        let (end, mut notes) = match &self.panels {
            Panels::Lines(panels) => {
                let shown = panels.get(..Self::PANELS_MAX).unwrap_or(panels);
                self.lines(&mut scene, y, shown)
            }
            Panels::Rows(names, panels) => {
                let shown = panels.get(..Self::PANELS_MAX).unwrap_or(panels);
                super::rows::draw(self, &mut scene, y, (names, shown))
            }
            Panels::Dots(panels) => {
                let shown = panels.get(..Self::PANELS_MAX).unwrap_or(panels);
                super::scatter::draw(self, &mut scene, y, shown)
            }
            Panels::Values(panels) => {
                let shown = panels.get(..Self::PANELS_MAX).unwrap_or(panels);
                self.values(&mut scene, y, shown)
            }
        };
        if count > Self::PANELS_MAX {
            notes.push(format!("+{}", counted(count - Self::PANELS_MAX, "more plot")));
        }
        let end = note(&mut scene, end + 2.0, &notes.join("; "));
        (scene, end + 8.0)
    }

    fn lines(
        &self,
        scene: &mut Scene,
        y: f64,
        shown: &[(String, Vec<Curve>)],
    ) -> (f64, Vec<String>) {
        let all: Vec<Curve> = shown.iter().flat_map(|(_, curves)| curves.clone()).collect();
        if all.iter().all(Curve::is_empty) {
            return (empty(scene, y, "no value is defined"), Vec::new());
        }
        let mut labels: Vec<String> = Vec::new();
        for curve in &all {
            if !labels.contains(&curve.label) {
                labels.push(curve.label.clone());
            }
        }
        let mut keys: Vec<(Look, String)> = labels
            .iter()
            .enumerate()
            .filter(|(_, label)| !clean(label).is_empty())
            .take(30)
            .map(|(index, label)| (Look::Series { index, marked: true }, label.clone()))
            .collect();
        let references: Vec<&Reference> =
            self.references.iter().filter(|r| r.at.is_finite()).take(3).collect();
        keys.extend(references.iter().map(|r| (Look::Reference, r.told(self.y.unit))));
        let y = series::legend(scene, &keys, y);
        let values = reach(&all, &self.references);
        let scale = Ruler::new(&self.y, values.clone(), fit(values, 3.0));
        let ruler = across(&self.x, &places(&all));
        let y = title(scene, y, &axis_title(&self.y.label, &scale));
        let grid = Grid::new(shown.len(), labels_width(&scale, HEIGHT), y);
        let widest = shown.iter().map(|(_, curves)| curves.len()).max().unwrap_or(0);
        let longest = all.iter().map(|curve| curve.points.len()).max().unwrap_or(0);
        let bands = widest <= 4 && longest > 2;
        let manner = Manner { x: self.x.unit, y: self.y.unit, bands };
        for (i, (name, curves)) in shown.iter().enumerate() {
            let panel = grid.panel(i, &ruler, &scale);
            header(scene, &panel, name, "", false);
            panel.grid(scene);
            let index = |curve: &Curve| labels.iter().position(|l| *l == curve.label).unwrap_or(0);
            for curve in curves {
                curve.draw_intervals(scene, &panel, index(curve), manner);
            }
            references.iter().for_each(|reference| panel.level(scene, reference));
            for curve in curves {
                curve.draw_line(scene, &panel, index(curve), manner);
            }
            axes(scene, &grid, i, &panel);
        }
        let end = self.title_below(scene, &grid, &self.x.label, &ruler);
        (end, undefined(&all).into_iter().collect())
    }

    fn values(
        &self,
        scene: &mut Scene,
        y: f64,
        shown: &[(String, Vec<(f64, u64)>)],
    ) -> (f64, Vec<String>) {
        let pooled: Vec<(f64, u64)> = shown.iter().flat_map(|(_, values)| values.clone()).collect();
        let pooled = Tally::new(&pooled);
        if pooled.n == 0 {
            return (empty(scene, y, "no value is defined"), Vec::new());
        }
        let scale = pooled.scale(&self.x);
        let parted = pooled.part(scale);
        let tallies: Vec<Tally> = shown.iter().map(|(_, values)| Tally::new(values)).collect();
        let fit = Fit { steps: 4.0, round: false, zero: false };
        let at = parted.rest.points.iter().map(|p| p.0);
        let references: Vec<&Reference> =
            self.references.iter().filter(|r| r.at.is_finite()).take(3).collect();
        let at: Vec<f64> = at.chain(references.iter().map(|r| r.at)).collect();
        let x = Ruler::new(&self.x.clone().on(scale), at.iter().copied(), fit);
        let bars: Vec<Vec<(f64, f64, f64)>> =
            tallies.iter().map(|tally| bars(tally, &parted, &x)).collect();
        let most = bars.iter().flatten().map(|bar| bar.2).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let fit = Fit { steps: 3.0, round: true, zero: true };
        let share = Quantity::new("", Unit::Share);
        let scale = Ruler::new(&share, [0.0, most].into_iter(), fit);
        let keys: Vec<(Look, String)> =
            references.iter().map(|r| (Look::Reference, r.told(self.x.unit))).collect();
        let y = series::legend(scene, &keys, y);
        let y = title(scene, y, "share of replications in each bar");
        let mut grid = Grid::new(shown.len(), labels_width(&scale, HEIGHT), y);
        let remarks: Vec<String> = tallies
            .iter()
            .map(|tally| remark(tally, self.caption.n, &parted, self.x.unit))
            .collect();
        let mut pairs = shown.iter().map(|(name, _)| name).zip(&remarks);
        if pairs.any(|(name, remark)| !beside(name, remark, grid.width)) {
            grid.header += LINE;
        }
        for (i, ((name, _), (remark, bars))) in
            shown.iter().zip(remarks.iter().zip(&bars)).enumerate()
        {
            let panel = grid.panel(i, &x, &scale);
            header(scene, &panel, name, remark, grid.header > HEADER);
            panel.grid(scene);
            draw_bars(scene, &panel, bars, self.x.unit);
            if bars.iter().all(|bar| bar.2 <= 0.0) {
                let words = if tallies[i].n == 0 { "no value" } else { "no other value" };
                let middle = ink(LABEL, GREY).anchor(Anchor::Middle);
                let x = f64::midpoint(panel.x0, panel.x1);
                scene.text((x, f64::midpoint(panel.top, panel.bottom) + 4.0), words, middle);
            }
            for reference in &references {
                let x = panel.across(reference.at);
                let line = super::strokes::dashed(
                    &[(x, panel.top), (x, panel.bottom)],
                    &series::REFERENCE_DASH,
                );
                scene.strokes(line, 1.4, series::REFERENCE);
            }
            axes(scene, &grid, i, &panel);
        }
        let end = self.title_below(scene, &grid, &self.x.label, &x);
        (end, value_notes(&pooled, &parted, self.x.unit))
    }

    /// Name of the horizontal axis, below all plots; returns where it ends.
    pub(super) fn title_below(&self, scene: &mut Scene, grid: &Grid, name: &str, x: &Ruler) -> f64 {
        let bottom = grid.bottom() + 20.0;
        let title = axis_title(name, x);
        let text = font::fit(&title, LABEL, false, (WIDTH - 2.0 * EDGE - 20.0) / 1.06);
        let right = ink(LABEL, GREY).anchor(Anchor::Right);
        scene.text((WIDTH - EDGE - 14.0, bottom + 13.0), &text, right);
        bottom + 18.0
    }
}

/// Name of the vertical axis, above all plots; returns where it ends.
pub(super) fn title(scene: &mut Scene, y: f64, text: &str) -> f64 {
    let text = font::fit(text, LABEL, false, (WIDTH - 2.0 * EDGE) / 1.06);
    scene.text((EDGE, y + 12.0), &text, ink(LABEL, GREY));
    if text.is_empty() { y } else { y + 18.0 }
}

/// Do title and remark fit side by side? Bold letters are wider than those that are measured.
fn beside(name: &str, remark: &str, room: f64) -> bool {
    let wide = font::width(&clean(name), TITLE, false) * 1.2;
    wide + 8.0 + font::width(remark, LABEL, false) * 1.06 <= room
}

/// Title and remark above one plot: side by side, or the remark in a line of its own.
pub(super) fn header(scene: &mut Scene, panel: &Panel, name: &str, remark: &str, stacked: bool) {
    let room = panel.x1 - panel.x0;
    let remark = font::fit(remark, LABEL, false, room / 1.06);
    let (right, y) = (ink(LABEL, GREY).anchor(Anchor::Right), panel.top - 6.0);
    let (wide, y) = if stacked {
        scene.text((panel.x0, y), &remark, ink(LABEL, GREY));
        (0.0, y - LINE)
    } else {
        (scene.text((panel.x1, y), &remark, right) * 1.06 + 8.0, y)
    };
    let name = clean(name);
    let text = font::fit_name(&name, TITLE, (room - wide) / 1.2);
    scene.hover(if text == name { "" } else { &name }, |scene| {
        scene.text((panel.x0, y), &text, ink(TITLE, BLACK).bold());
    });
}

/// Labels only at the left and at the bottom of the grid.
pub(super) fn axes(scene: &mut Scene, grid: &Grid, i: usize, panel: &Panel) {
    panel.frame(scene);
    scene.rect((panel.x0 - 0.5, panel.top), (panel.x0 + 0.5, panel.bottom), RULE);
    if grid.is_left(i) {
        panel.y_labels(scene);
    }
    if grid.is_lowest(i) {
        label_ticks(scene, panel);
    }
}

/// Labels below a plot, but none that would reach into the next one.
pub(super) fn label_ticks(scene: &mut Scene, panel: &Panel) {
    let inside = |tick: &Tick| {
        let half = font::width(&tick.label, LABEL, false) * 1.05 / 2.0;
        let (x, slack) = (panel.across(tick.value), GAP / 2.0 - 2.0);
        x - half >= panel.x0 - slack && x + half <= panel.x1 + slack
    };
    let ticks: Vec<Tick> = panel.x_ticks().into_iter().filter(inside).collect();
    panel.x_labels(scene, &ticks);
}

/// Bars of one plot: both places on the axis, and the share of all its replications.
fn bars(tally: &Tally, parted: &Parted, x: &Ruler) -> Vec<(f64, f64, f64)> {
    let apart =
        |value: f64| [parted.low, parted.high].into_iter().flatten().any(|point| point.0 == value);
    let rest: Vec<(f64, u64)> = tally.points.iter().filter(|p| !apart(p.0)).copied().collect();
    let rest = Tally::new(&rest);
    let bin = |low: f64, high: f64, count: u64| (low, high, tally.share(count));
    if parted.rest.few() {
        let single = |p: &(f64, u64)| bin(x.share(p.0) - 0.01, x.share(p.0) + 0.01, p.1);
        return rest.points.iter().map(single).collect();
    }
    let (low, high) = super::ruler::ends(parted.rest.points.iter().map(|p| p.0));
    match rest.binned(x, (x.share(low), x.share(high)), BINS) {
        Bars::Binned(bins) => bins.iter().map(|b| bin(b.low, b.high, b.count)).collect(),
        Bars::Single(_) => Vec::new(),
    }
}

fn draw_bars(scene: &mut Scene, panel: &Panel, bars: &[(f64, f64, f64)], unit: Unit) {
    let room = panel.x1 - panel.x0;
    for (low, high, share) in bars.iter().filter(|bar| bar.2 > 0.0) {
        let a = (panel.x0 + low * room).max(panel.x0);
        let b = (panel.x0 + high * room).min(panel.x1);
        let y = panel.up(*share).min(panel.bottom - 1.2);
        let ends = format!(
            "{} to {}",
            unit.told(panel.x.value(low.max(0.0))),
            unit.told(panel.x.value(high.min(1.0)))
        );
        scene.hover(&format!("{ends}: {}", Unit::Share.told(*share)), |scene| {
            scene.rect((a + 0.3, y), (b - 0.3, panel.bottom), FILL);
            scene.rect((a + 0.3, y), (b - 0.3, y + 1.0), series::color(0));
        });
    }
}

/// The share of the values in a plot that stand apart, and their number where it is not `n`.
fn remark(tally: &Tally, n: u64, parted: &Parted, unit: Unit) -> String {
    let mut words = Vec::new();
    if tally.n != n {
        words.push(format!("n = {}", whole(tally.n)));
    }
    for (value, _) in [parted.low, parted.high].into_iter().flatten() {
        let count = tally.points.iter().find(|p| p.0 == value).map_or(0, |p| p.1);
        if count > 0 {
            let share = Unit::Share.told(tally.share(count));
            words.push(format!("{share} exactly {}", unit.told(value)));
        }
    }
    words.join(", ")
}

fn value_notes(pooled: &Tally, parted: &Parted, unit: Unit) -> Vec<String> {
    let mut words: Vec<String> = [parted.low, parted.high]
        .into_iter()
        .flatten()
        .map(|(value, _)| format!("not in the bars: values of exactly {}", unit.told(value)))
        .collect();
    if pooled.undefined > 0 {
        words.push(format!("{} undefined values left out", whole(pooled.undefined)));
    }
    words
}
