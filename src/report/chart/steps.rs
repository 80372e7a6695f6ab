//! Values over time: held until the next point, or joined by lines.

use super::axis::{LABEL, TimeAxis};
use super::canvas::{Anchor, ChartError, Picture, Point, Scene, WIDTH, ink};
use super::frame::{EDGE, RIGHT, empty, heading, note, time_grid, time_labels};
use super::marks::{Mark, Marks};
use super::palette::{BLACK, GREY, RULE};
use super::series::{self, End, Look};
use super::strokes::{dashed, held, thin};
use super::yaxis::{ValueAxis, YAxis};
use crate::engine::{SimDuration, SimTime};

/// One line of a [`StepChart`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name, written at the end of the line.
    pub label: String,
    /// Values from instants on; undefined ones are left out and counted.
    pub points: Vec<(SimTime, f64)>,
    /// Does a value hold until the next point and to the horizon? Else points are joined.
    pub steps: bool,
}

/// How values run over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepChart {
    /// Title line.
    pub title: String,
    /// What the reader should know, under the title.
    pub subtitle: String,
    /// Start of the axis, in unix seconds.
    pub start_unix_s: i64,
    /// Length of the axis.
    pub horizon: SimDuration,
    /// What the values are, with the unit.
    pub y_label: String,
    /// How they read.
    pub y: YAxis,
    /// Lines; the first [`StepChart::SERIES_MAX`] are drawn.
    pub series: Vec<Series>,
    /// Events, as vertical lines.
    pub marks: Vec<Mark>,
}

const PLOT: f64 = 300.0;
/// Markers of one line, at most.
const MARKERS_MAX: usize = 12;

/// A series as it is drawn: in pixels, with its style.
struct Line<'a> {
    label: &'a str,
    points: Vec<Point>,
    path: Vec<Point>,
    hovers: Vec<String>,
    index: usize,
}

impl StepChart {
    /// Series that are drawn; a note counts the rest.
    pub const SERIES_MAX: usize = 12;

    /// Draws the chart as SVG and PNG.
    ///
    /// # Errors
    ///
    /// If the built-in typeface or the drawing library fail; never because of the data.
    pub fn draw(&self) -> Result<Picture, ChartError> {
        let series = self.series.get(..Self::SERIES_MAX).unwrap_or(&self.series);
        let values = series.iter().flat_map(|s| &s.points).map(|p| p.1).filter(|v| v.is_finite());
        let scale = ValueAxis::new(self.y, values.clone());
        let x0 = EDGE + scale.label_width() * 1.06 + 10.0;
        let names = series.iter().map(|s| s.label.as_str());
        let x1 = WIDTH - series::ends_width(names).max(RIGHT - 12.0) - 12.0;
        let axis = TimeAxis::new(self.start_unix_s, self.horizon, x0, x1);
        let marks = Marks::place(&self.marks, &axis);
        let mut scene = Scene::new(&self.title, &self.description(&axis, &marks));
        let mut y = heading(&mut scene, &self.title, &self.subtitle);
        if values.count() == 0 || self.horizon.is_zero() {
            let end = empty(&mut scene, y, "");
            let end = note(&mut scene, end, &self.left_out(series));
            return scene.picture(end + 6.0);
        }
        scene.text((EDGE, y + 12.0), &self.y_label, ink(LABEL, GREY));
        let top = y + 25.0 + marks.lane();
        let bottom = top + PLOT;
        let lane = top - 3.0;
        let scale = scale.between(top, bottom);
        time_grid(&mut scene, &axis, top, bottom);
        draw_values(&mut scene, &scale, &axis);
        y = time_labels(&mut scene, &axis, bottom);
        let lines: Vec<Line<'_>> = series
            .iter()
            .enumerate()
            .map(|(index, series)| line(series, index, &axis, &scale))
            .filter(|line| !line.points.is_empty())
            .collect();
        marks.draw_lines(&mut scene, &axis, lane, bottom);
        marks.draw_flags(&mut scene, &axis, lane);
        for line in &lines {
            draw_line(&mut scene, line);
        }
        draw_names(&mut scene, &lines, x1, top, bottom);
        y = marks.list(&mut scene, &axis, y + 4.0);
        y = note(&mut scene, y, &self.left_out(series));
        scene.picture(y + 10.0)
    }

    fn description(&self, axis: &TimeAxis, marks: &Marks<'_>) -> String {
        let names: Vec<&str> = self.series.iter().take(8).map(|s| s.label.as_str()).collect();
        format!(
            "{} over time, UTC, from {} to {}. {} series: {}.{}",
            self.y_label,
            axis.stamp(SimTime::START),
            axis.stamp(axis.end()),
            self.series.len(),
            names.join(", "),
            marks.summary(axis)
        )
    }

    /// What is not drawn, in words.
    fn left_out(&self, series: &[Series]) -> String {
        let mut words = Vec::new();
        let more = self.series.len() - series.len();
        if more > 0 {
            words.push(format!("+{more} more series"));
        }
        let points = || series.iter().flat_map(|s| &s.points);
        let undefined = points().filter(|p| !p.1.is_finite()).count();
        if undefined > 0 {
            let values = if undefined == 1 { "value" } else { "values" };
            words.push(format!("{undefined} undefined {values} left out"));
        }
        words.join("; ")
    }
}

/// Grid and labels of the value axis.
fn draw_values(scene: &mut Scene, scale: &ValueAxis, axis: &TimeAxis) {
    for (value, label) in scale.ticks() {
        let y = scale.y(value);
        scene.rect((axis.x0, y - 0.5), (axis.x1, y + 0.5), RULE);
        let right = ink(LABEL, BLACK).anchor(Anchor::Right);
        scene.text((axis.x0 - 7.0, y + 4.0), &label, right);
    }
}

fn line<'a>(series: &'a Series, index: usize, axis: &TimeAxis, scale: &ValueAxis) -> Line<'a> {
    let inside = |p: &&(SimTime, f64)| p.1.is_finite() && p.0 <= axis.end();
    let mut defined: Vec<(SimTime, f64)> = series.points.iter().filter(inside).copied().collect();
    defined.sort_by_key(|p| p.0);
    let points: Vec<Point> = defined.iter().map(|p| (axis.x(p.0), scale.y(p.1))).collect();
    let shown = thin(&points);
    let path = if series.steps { held(&shown, axis.x1) } else { shown };
    let hovers = if defined.len() > MARKERS_MAX {
        Vec::new()
    } else {
        let told = |p: &(SimTime, f64)| {
            format!("{}, {} UTC: {}", series.label, axis.stamp(p.0), scale.told(p.1))
        };
        defined.iter().map(told).collect()
    };
    Line { label: &series.label, points, path, hovers, index }
}

fn draw_line(scene: &mut Scene, line: &Line<'_>) {
    scene.hover(line.label, |scene| {
        let lines = dashed(&line.path, series::dash(line.index));
        scene.strokes(lines, series::width(line.index), series::color(line.index));
    });
    for (point, hover) in line.points.iter().zip(&line.hovers) {
        scene.hover(hover, |scene| series::mark(scene, line.index, *point));
    }
}

/// Names at the right, each at the height where its line ends.
fn draw_names(scene: &mut Scene, lines: &[Line<'_>], x1: f64, top: f64, bottom: f64) {
    let end = |line: &Line<'_>| End {
        label: line.label.to_owned(),
        y: line.path.last().map_or(bottom, |p| p.1),
        look: Look::Series { index: line.index, marked: !line.hovers.is_empty() },
    };
    let ends = lines.iter().map(end).collect();
    series::draw_ends(scene, ends, x1, top, bottom);
}
