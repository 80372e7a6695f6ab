//! Backlog and watermark age over time: two plots over one time axis, with outages shaded.

use super::axis::{LABEL, TimeAxis};
use super::canvas::{Anchor, ChartError, Picture, Point, Scene, WIDTH, clean, ink};
use super::estimate::fit;
use super::font;
use super::frame::{EDGE, RIGHT, empty, heading, note, time_grid, time_labels};
use super::marks::{Mark, Marks};
use super::numbers::Unit;
use super::palette::{BLACK, RULE, rgb};
use super::panel::{Caption, Reference, labels_width, y_title};
use super::ruler::{Quantity, Ruler};
use super::series::{self, End, Look, REFERENCE, REFERENCE_DASH};
use super::strokes::{dashed, thin};
use crate::engine::{SimDuration, SimTime};
use crate::report::words::counted;
use plotters::style::RGBColor;

/// One job or subscription.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// Name, written at the ends of its lines.
    pub label: String,
    /// Elements that wait, where the line bends, up to the horizon; two points at one instant are
    /// a jump.
    pub backlog: Vec<(SimTime, f64)>,
    /// Age of the data watermark in seconds, likewise.
    pub age: Vec<(SimTime, f64)>,
}

/// A span in which something is out of order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub from: SimTime,
    /// When it ends.
    pub to: SimTime,
    /// What is out of order.
    pub label: String,
}

/// Backlog and watermark age over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlowChart {
    /// Title, subtitle, number and method.
    pub caption: Caption,
    /// Start of the axis, in unix seconds.
    pub start_unix_s: i64,
    /// Length of the axis.
    pub horizon: SimDuration,
    /// Lines; the first [`FlowChart::FLOWS_MAX`] are drawn.
    pub flows: Vec<Flow>,
    /// Limits of the age in seconds. One far above all ages is told, not drawn.
    pub retentions: Vec<Reference>,
    /// Shaded spans.
    pub outages: Vec<Span>,
    /// Events, as vertical lines.
    pub marks: Vec<Mark>,
}

const PLOT: f64 = 190.0;
const BETWEEN: f64 = 42.0;
/// Height of the line that names a plot, with room for half a label of its axis.
const TITLE: f64 = 25.0;
const SHADE: RGBColor = rgb(0xe4_e0_ec);
const OUTAGE: RGBColor = rgb(0xc9_bf_dc);
/// Rows of named outages above the plots, and their height.
const ROWS_MAX: usize = 3;
const ROW: f64 = 17.0;

/// Number, name and points of a line.
type Line<'a> = (usize, &'a str, &'a [(SimTime, f64)]);

/// One of the two plots.
struct Plot<'a> {
    title: &'a str,
    scale: Ruler,
    top: f64,
    bottom: f64,
    lines: Vec<Line<'a>>,
    references: Vec<&'a Reference>,
}

impl FlowChart {
    /// Lines that are drawn in each plot; a note counts the rest.
    pub const FLOWS_MAX: usize = 10;

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
        let flows = self.flows.get(..Self::FLOWS_MAX).unwrap_or(&self.flows);
        let (near, far) = self.retentions(flows);
        let mut plots = self.plots(flows, &near);
        plots.retain(|plot| plot.lines.iter().any(|line| defined(line.2).next().is_some()));
        let names = flows.iter().map(|f| f.label.as_str());
        let told: Vec<String> = near.iter().map(|r| r.told(Unit::Seconds)).collect();
        let names = names.chain(told.iter().map(String::as_str));
        let labels = plots.iter().map(|p| labels_width(&p.scale, PLOT)).fold(0.0, f64::max);
        let right = WIDTH - series::ends_width(names).max(RIGHT) - 12.0;
        let axis = TimeAxis::new(self.start_unix_s, self.horizon, EDGE + labels, right);
        let marks = Marks::place(&self.marks, &axis);
        let mut scene = Scene::new(&self.caption.title, &self.description(&axis, &marks));
        let y = heading(&mut scene, &self.caption.title, &self.caption.line(""));
        if plots.is_empty() || self.horizon.is_zero() {
            let end = empty(&mut scene, y, "nothing flows");
            return (scene, end + 6.0);
        }
        let rows = self.rows(&axis);
        let used = rows.iter().map(|(_, row)| row + 1).max().unwrap_or(0);
        let lane = y + ROW * used.min(ROWS_MAX) as f64 + if used > 0 { 6.0 } else { 0.0 };
        let first = lane + TITLE + marks.lane();
        let mut top = first;
        for plot in &mut plots {
            plot.top = top;
            plot.bottom = plot.top + PLOT;
            top = plot.bottom + BETWEEN;
        }
        let bottom = plots.last().map_or(top, |plot| plot.bottom);
        draw_outages(&mut scene, &axis, &rows, y);
        for (i, plot) in plots.iter().enumerate() {
            self.draw_shades(&mut scene, &axis, (plot.top, plot.bottom));
            time_grid(&mut scene, &axis, plot.top, plot.bottom);
            let title = if i == 0 { lane } else { plot.top - TITLE };
            plot.draw_values(&mut scene, &axis, title);
            marks.draw_lines(&mut scene, &axis, plot.top, plot.bottom);
        }
        marks.draw_flags(&mut scene, &axis, first);
        for plot in &plots {
            plot.draw(&mut scene, &axis);
        }
        let end = time_labels(&mut scene, &axis, bottom);
        let end = marks.list(&mut scene, &axis, end + 4.0);
        let end = note(&mut scene, end, &self.notes(flows, &far, used));
        (scene, end + 10.0)
    }

    /// Limits that the ages come near to, and those far above.
    fn retentions(&self, flows: &[Flow]) -> (Vec<&Reference>, Vec<&Reference>) {
        let ages = flows.iter().flat_map(|flow| defined(&flow.age)).map(|p| p.1);
        let peak = ages.fold(0.0, f64::max);
        let limits = self.retentions.iter().filter(|r| r.at.is_finite());
        limits.partition(|limit| peak >= limit.at * 0.2)
    }

    fn plots<'a>(&self, flows: &'a [Flow], near: &[&'a Reference]) -> Vec<Plot<'a>> {
        let plot = |title, unit, references: Vec<&'a Reference>, age: bool| {
            let lines: Vec<Line<'_>> = flows
                .iter()
                .enumerate()
                .map(|(i, flow)| {
                    let points = if age { &flow.age } else { &flow.backlog };
                    (i, flow.label.as_str(), points.as_slice())
                })
                .collect();
            let values = lines.iter().flat_map(|line| defined(line.2)).map(|p| p.1);
            let values: Vec<f64> =
                values.chain(references.iter().map(|r| r.at)).chain([0.0]).collect();
            let quantity = Quantity::new("", unit);
            let fit = fit(values.iter().copied(), 4.0);
            let scale = Ruler::new(&quantity, values.iter().copied(), fit);
            Plot { title, scale, top: 0.0, bottom: PLOT, lines, references }
        };
        vec![
            plot("backlog (elements)", Unit::Count, Vec::new(), false),
            plot("age of the data watermark", Unit::Seconds, near.to_vec(), true),
        ]
    }

    /// Outages that can be seen, with the rows in which their names stand.
    fn rows(&self, axis: &TimeAxis) -> Vec<(&Span, usize)> {
        let mut spans: Vec<&Span> =
            self.outages.iter().filter(|s| s.from < s.to && s.from <= axis.end()).collect();
        spans.sort_by(|a, b| (a.from, a.to, &a.label).cmp(&(b.from, b.to, &b.label)));
        let mut free: Vec<f64> = Vec::new();
        let mut rows = Vec::new();
        for span in spans {
            let (from, to) = (axis.x(span.from), axis.x(span.to));
            let wide = font::width(&clean(&span.label), LABEL, false) * 1.06 + 10.0;
            let fits = |end: &f64| *end <= from;
            let row = free.iter().position(fits).unwrap_or(free.len());
            let end = if to - from >= wide { to } else { (to + wide).min(WIDTH - EDGE) } + 4.0;
            match free.get_mut(row) {
                Some(place) => *place = end,
                None => free.push(end),
            }
            rows.push((span, row));
        }
        rows
    }

    /// The union of all outages, so that none is darker than another.
    fn draw_shades(&self, scene: &mut Scene, axis: &TimeAxis, (top, bottom): (f64, f64)) {
        let mut spans: Vec<(f64, f64)> = self
            .outages
            .iter()
            .filter(|s| s.from < s.to && s.from <= axis.end())
            .map(|s| {
                let from = axis.x(s.from);
                (from, axis.x(s.to).max(from + 1.0))
            })
            .collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut reach = f64::NEG_INFINITY;
        for (from, to) in spans {
            if to > reach {
                scene.rect((from.max(reach), top), (to, bottom), SHADE);
                reach = to;
            }
        }
    }

    fn description(&self, axis: &TimeAxis, marks: &Marks<'_>) -> String {
        let names: Vec<&str> = self.flows.iter().take(8).map(|f| f.label.as_str()).collect();
        format!(
            "Backlog and watermark age over time, UTC, from {} to {}: {}. {}.{}",
            axis.stamp(SimTime::START),
            axis.stamp(axis.end()),
            names.join(", "),
            counted(self.outages.len(), "outage"),
            marks.summary(axis)
        )
    }

    fn notes(&self, flows: &[Flow], far: &[&Reference], rows: usize) -> String {
        let mut words: Vec<String> = far
            .iter()
            .take(3)
            .map(|r| format!("{} is far above all ages and not drawn", r.told(Unit::Seconds)))
            .collect();
        let more = self.flows.len() - flows.len();
        if more > 0 {
            words.push(format!("+{}", counted(more, "more flow")));
        }
        if rows > ROWS_MAX {
            words.push("some outages overlap and are shaded without a name".into());
        }
        let points = flows.iter().flat_map(|f| f.backlog.iter().chain(&f.age));
        match points.filter(|p| !p.1.is_finite()).count() {
            0 => {}
            1 => words.push("1 undefined value left out".into()),
            n => words.push(format!("{n} undefined values left out")),
        }
        words.join("; ")
    }
}

fn defined(points: &[(SimTime, f64)]) -> impl Iterator<Item = &(SimTime, f64)> {
    points.iter().filter(|p| p.1.is_finite())
}

/// Names of outages over their spans.
fn draw_outages(scene: &mut Scene, axis: &TimeAxis, rows: &[(&Span, usize)], top: f64) {
    for (span, row) in rows.iter().filter(|(_, row)| *row < ROWS_MAX) {
        let (from, to) = (axis.x(span.from), axis.x(span.to));
        let label = clean(&span.label);
        let told = format!("{label}: {} to {} UTC", axis.stamp(span.from), axis.stamp(span.to));
        let y = top + ROW * *row as f64;
        scene.hover(&told, |scene| {
            scene.rect((from, y + 1.0), (to.max(from + 2.0), y + ROW - 1.0), OUTAGE);
            // Inside the bar if there is room, else after it.
            let wide = font::width(&label, LABEL, false) * 1.06 + 10.0;
            let x = if to - from >= wide { from + 4.0 } else { to.max(from + 2.0) + 4.0 };
            let room = (WIDTH - EDGE - x) / 1.06;
            if room > 30.0 {
                scene.text((x, y + 12.5), &font::fit_name(&label, LABEL, room), ink(LABEL, BLACK));
            }
        });
    }
}

impl Plot<'_> {
    fn y(&self, value: f64) -> f64 {
        self.bottom - self.scale.share(value) * (self.bottom - self.top)
    }

    /// Grid, labels and name of the vertical axis.
    fn draw_values(&self, scene: &mut Scene, axis: &TimeAxis, title: f64) {
        y_title(scene, EDGE, title, self.title, &self.scale);
        for tick in self.scale.ticks(self.bottom - self.top, false) {
            let y = self.y(tick.value);
            scene.rect((axis.x0, y - 0.5), (axis.x1, y + 0.5), RULE);
            let right = ink(LABEL, BLACK).anchor(Anchor::Right);
            scene.text((axis.x0 - 7.0, y + 4.0), &tick.label, right);
        }
    }

    fn draw(&self, scene: &mut Scene, axis: &TimeAxis) {
        let mut ends: Vec<End> = Vec::new();
        for reference in &self.references {
            let y = self.y(reference.at);
            let line = dashed(&[(axis.x0, y), (axis.x1, y)], &REFERENCE_DASH);
            scene.hover(&reference.label, |scene| scene.strokes(line, 1.6, REFERENCE));
            ends.push(End { label: reference.told(Unit::Seconds), y, look: Look::Reference });
        }
        for (index, label, points) in &self.lines {
            let inside = points.iter().filter(|p| p.1.is_finite() && p.0 <= axis.end());
            let mut inside: Vec<(SimTime, f64)> = inside.copied().collect();
            // The sort is stable: a jump keeps its direction.
            inside.sort_by_key(|p| p.0);
            let places: Vec<Point> = inside.iter().map(|p| (axis.x(p.0), self.y(p.1))).collect();
            let line = thin(&places);
            let Some(last) = line.last().copied() else { continue };
            let lines = dashed(&line, series::dash(*index));
            scene.hover(label, |scene| {
                scene.strokes(lines, series::width(*index), series::color(*index));
            });
            let look = Look::Series { index: *index, marked: false };
            ends.push(End { label: (*label).to_owned(), y: last.1, look });
        }
        series::draw_ends(scene, ends, axis.x1, self.top, self.bottom);
    }
}
