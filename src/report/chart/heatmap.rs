//! How a value depends on two factors: a cell for each pair of levels.
//!
//! Equal steps of colour are equal steps of the value, or equal factors where values span more than
//! two decades: else all but the largest would look alike.

use super::axis::LABEL;
use super::canvas::{Anchor, ChartError, Picture, Point, Scene, WIDTH, clean, ink};
use super::estimate::Estimate;
use super::font;
use super::frame::{EDGE, empty, heading, note};
use super::gradient;
use super::palette::{BLACK, GREY, TRACK, WHITE, rgb};
use super::panel::{Caption, axis_title};
use super::ruler::{Fit, Quantity, Ruler, Scale};
use super::series::SIZE;
use crate::report::words::counted;
use plotters::style::RGBColor;

/// One factor of a [`HeatMap`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// What is varied.
    pub label: String,
    /// Its levels as text, in order.
    pub names: Vec<String>,
}

/// Values over the levels of two factors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatMap {
    /// Title, subtitle, number and method.
    pub caption: Caption,
    /// Levels from left to right.
    pub x: Levels,
    /// Levels from bottom to top.
    pub y: Levels,
    /// What the values are; `Scale::Auto` is linear, or logarithmic where values span more than two
    /// decades and none is negative. Zeros then have a colour of their own.
    pub value: Quantity,
    /// A row for each level of `y`, with a value for each level of `x`; missing and undefined ones
    /// are shown as such.
    pub cells: Vec<Vec<Option<Estimate>>>,
}

/// Width of the colour bar with its labels.
const BAR: f64 = 130.0;
const CELL_MAX: f64 = 150.0;
/// Widest name of the vertical factor.
const NAME_MAX: f64 = 500.0;
const HEIGHT_MAX: f64 = 560.0;

/// What values may span, as a factor, and still have equal steps.
const SPAN_MAX: f64 = 100.0;
/// Height of the box under the bar that shows the colour of zero, and the room that it takes.
const BOX: f64 = 12.0;
const BOX_ROOM: f64 = 24.0;

/// How values become colours.
struct Colors {
    ruler: Ruler,
    /// Has zero a colour of its own, outside of the ruler?
    zero: bool,
}

impl Colors {
    fn new(quantity: &Quantity, values: &[f64]) -> Colors {
        let fit = Fit { steps: 5.0, round: false, zero: false };
        let positive = || values.iter().copied().filter(|value| *value > 0.0);
        let low = positive().fold(f64::INFINITY, f64::min);
        let high = positive().fold(0.0, f64::max);
        let factors = quantity.scale == Scale::Auto
            && values.iter().all(|value| *value >= 0.0)
            && high / SPAN_MAX > low;
        if !factors {
            let ruler = Ruler::new(quantity, values.iter().copied(), fit);
            return Colors { ruler, zero: false };
        }
        let ruler = Ruler::new(&quantity.clone().on(Scale::Log), positive(), fit);
        Colors { ruler, zero: values.contains(&0.0) }
    }

    /// Is a value shown outside of the scale?
    fn apart(&self, value: f64) -> bool {
        self.zero && value == 0.0
    }

    fn fill(&self, value: f64) -> RGBColor {
        if self.apart(value) { WHITE } else { gradient::color(self.ruler.share(value)) }
    }
}

/// Places of the cells.
struct Grid {
    x0: f64,
    top: f64,
    width: f64,
    height: f64,
    columns: usize,
    rows: usize,
}

impl HeatMap {
    /// Levels of each factor that are drawn; a note counts the rest.
    pub const LEVELS_MAX: usize = 80;

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
        let columns = self.x.names.len().min(Self::LEVELS_MAX);
        let rows = self.y.names.len().min(Self::LEVELS_MAX);
        let words = format!(
            "{} by {} ({}) and {} ({}).",
            self.value.label,
            self.x.label,
            counted(columns, "level"),
            self.y.label,
            counted(rows, "level")
        );
        let mut scene = Scene::new(&self.caption.title, &words);
        let y = heading(&mut scene, &self.caption.title, &self.caption.line("cell"));
        let pairs = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let values: Vec<f64> =
            pairs.clone().filter_map(|(row, column)| self.value(row, column)).collect();
        if values.is_empty() {
            let end = empty(&mut scene, y, "no cell has a defined value");
            return (scene, end + 6.0);
        }
        let colors = Colors::new(&self.value, &values);
        let grid = self.grid(y, columns, rows);
        let title = font::fit(&clean(&self.y.label), LABEL, false, NAME_MAX);
        scene.text((EDGE, y + 12.0), &title, ink(LABEL, GREY));
        let printed = self.printed(&grid, pairs.clone());
        for (row, column) in pairs {
            self.draw_cell(&mut scene, &grid, &colors, (row, column), printed);
        }
        self.draw_rows(&mut scene, &grid);
        let end = self.draw_columns(&mut scene, &grid);
        let bar = self.draw_bar(&mut scene, &grid, &colors, y);
        let end = note(&mut scene, end.max(bar) + 2.0, &self.left_out(columns, rows));
        (scene, end + 8.0)
    }

    fn estimate(&self, row: usize, column: usize) -> Option<Estimate> {
        *self.cells.get(row)?.get(column)?
    }

    fn value(&self, row: usize, column: usize) -> Option<f64> {
        self.estimate(row, column).map(|e| e.value).filter(|v| v.is_finite())
    }

    fn grid(&self, y: f64, columns: usize, rows: usize) -> Grid {
        let width = |name: &String| font::width(&clean(name), SIZE, false);
        let widest = self.y.names.iter().take(rows).map(width).fold(0.0, f64::max);
        let x0 = (EDGE + widest * 1.06 + 12.0).clamp(60.0, 260.0);
        let room = WIDTH - EDGE - BAR - 24.0 - x0;
        Grid {
            x0,
            top: y + 24.0,
            width: (room / columns as f64).min(CELL_MAX),
            height: (HEIGHT_MAX / rows as f64).clamp(7.0, 44.0),
            columns,
            rows,
        }
    }

    /// Do the values fit into the cells, and with their intervals?
    fn printed(&self, grid: &Grid, pairs: impl Iterator<Item = (usize, usize)>) -> (bool, bool) {
        let (mut value, mut both) = (grid.height >= 15.0, grid.height >= 34.0);
        for estimate in pairs.filter_map(|(row, column)| self.estimate(row, column)) {
            let room = (grid.width - 6.0) / 1.06;
            value &= font::width(&estimate.told(self.value.unit), LABEL, false) <= room;
            both &= font::width(&estimate.between(self.value.unit), 9.0, false) <= room;
        }
        (value, value && both)
    }

    fn draw_cell(
        &self,
        scene: &mut Scene,
        grid: &Grid,
        colors: &Colors,
        (row, column): (usize, usize),
        printed: (bool, bool),
    ) {
        let (a, b) = grid.corners(row, column);
        let inset = if grid.width.min(grid.height) > 10.0 { 0.5 } else { 0.0 };
        let (a, b) = ((a.0 + inset, a.1 + inset), (b.0 - inset, b.1 - inset));
        let name = |levels: &Levels, i: usize| {
            let name = levels.names.get(i).map_or("", String::as_str);
            format!("{} {name}", levels.label)
        };
        let place = format!("{}, {}", name(&self.x, column), name(&self.y, row));
        let unit = self.value.unit;
        let estimate = self.estimate(row, column).filter(|e| e.value.is_finite());
        let Some(estimate) = estimate else {
            scene.hover(&format!("{place}: no value"), |scene| {
                scene.rect(a, b, TRACK);
                scene.strokes(vec![vec![a, b], vec![(a.0, b.1), (b.0, a.1)]], 0.8, NONE);
            });
            return;
        };
        let fill = colors.fill(estimate.value);
        scene.hover(&format!("{place}: {}", estimate.words(unit)), |scene| {
            scene.rect(a, b, fill);
            if colors.apart(estimate.value) {
                outline(scene, a, b);
            }
            let ink = ink(LABEL, gradient::text_on(fill)).anchor(Anchor::Middle);
            let (x, y) = (f64::midpoint(a.0, b.0), f64::midpoint(a.1, b.1));
            let between = if printed.1 { estimate.between(unit) } else { String::new() };
            if printed.0 {
                let base = if between.is_empty() { y + 4.0 } else { y - 1.0 };
                scene.text((x, base), &estimate.told(unit), ink);
            }
            scene.text((x, y + 12.0), &between, super::canvas::Ink { size: 9.0, ..ink });
        });
    }

    fn draw_rows(&self, scene: &mut Scene, grid: &Grid) {
        let every = (14.0 / grid.height).ceil().max(1.0) as usize;
        for (row, name) in self.y.names.iter().take(grid.rows).enumerate().step_by(every) {
            let (a, b) = grid.corners(row, 0);
            let name = clean(name);
            let text = font::fit_name(&name, SIZE, (grid.x0 - EDGE - 8.0) / 1.05);
            let right = ink(SIZE, BLACK).anchor(Anchor::Right);
            scene.hover(if text == name { "" } else { &name }, |scene| {
                scene.text((grid.x0 - 7.0, f64::midpoint(a.1, b.1) + 4.2), &text, right);
            });
        }
    }

    /// Names of columns: all, shortened a little, or every so many; returns where they end.
    fn draw_columns(&self, scene: &mut Scene, grid: &Grid) -> f64 {
        let names: Vec<String> =
            self.x.names.iter().take(grid.columns).map(|name| clean(name)).collect();
        let widest = names.iter().map(|n| font::width(n, LABEL, false)).fold(0.0, f64::max) * 1.06;
        let needed = (widest + 8.0).min(90.0);
        let every = (needed / grid.width).ceil().max(1.0) as usize;
        let bottom = grid.bottom();
        for (column, name) in names.iter().enumerate().step_by(every) {
            let (a, b) = grid.corners(0, column);
            let room = (grid.width * every as f64 - 6.0) / 1.06;
            let text = font::fit_name(name, LABEL, room);
            let half = font::width(&text, LABEL, false) * 1.06 / 2.0;
            let x = f64::midpoint(a.0, b.0);
            let inside = x.max(EDGE + half);
            scene.hover(if text == *name { "" } else { name }, |scene| {
                let middle = ink(LABEL, BLACK).anchor(Anchor::Middle);
                scene.text((inside, bottom + 15.0), &text, middle);
            });
        }
        let title = clean(&self.x.label);
        let right = grid.x0 + grid.width * grid.columns as f64;
        let wide = font::width(&title, LABEL, false) * 1.06;
        let x = right.max(EDGE + wide).min(WIDTH - EDGE);
        let title = font::fit(&title, LABEL, false, (WIDTH - 2.0 * EDGE) / 1.06);
        scene.text((x, bottom + 32.0), &title, ink(LABEL, GREY).anchor(Anchor::Right));
        bottom + 38.0
    }

    /// The colour bar; returns where it ends.
    fn draw_bar(&self, scene: &mut Scene, grid: &Grid, colors: &Colors, y: f64) -> f64 {
        let ruler = &colors.ruler;
        let x = grid.x0 + grid.width * grid.columns as f64 + 24.0;
        let (top, end) = (grid.top, grid.bottom().max(grid.top + 120.0));
        let bottom = if colors.zero { end - BOX_ROOM } else { end };
        let wide = (font::width(&clean(&self.y.label), LABEL, false) * 1.06).min(NAME_MAX * 1.06);
        let title = axis_title(&self.value.label, ruler);
        let room = WIDTH - EDGE - (EDGE + wide + 16.0);
        let title = font::fit(&title, LABEL, false, room.max(0.0) / 1.06);
        // Over the bar, or further to the left where it is long.
        let left = x.min(WIDTH - EDGE - font::width(&title, LABEL, false) * 1.06);
        scene.text((left.max(EDGE + wide + 16.0), y + 12.0), &title, ink(LABEL, GREY));
        let steps = 100;
        let part = (bottom - top) / f64::from(steps);
        for i in 0..steps {
            let share = (f64::from(i) + 0.5) / f64::from(steps);
            let low = bottom - part * f64::from(i);
            // A little longer, so that no seam shows.
            let high = (low - part - 0.4).max(top);
            scene.rect((x, high), (x + 18.0, low), gradient::color(share));
        }
        for tick in ruler.ticks(bottom - top, false) {
            let y = bottom - tick.share * (bottom - top);
            scene.rect((x + 18.0, y - 0.5), (x + 22.0, y + 0.5), GREY);
            let text = font::fit(&tick.label, LABEL, false, BAR - 30.0);
            scene.text((x + 26.0, y + 4.0), &text, ink(LABEL, BLACK));
        }
        if let Some(gap) = ruler.gap() {
            let y = bottom - gap * (bottom - top);
            scene.rect((x - 2.0, y - 1.5), (x + 20.0, y + 1.5), WHITE);
        }
        if colors.zero {
            let (a, b) = ((x, end - BOX), (x + 18.0, end));
            scene.rect(a, b, WHITE);
            outline(scene, a, b);
            scene.text((x + 26.0, end - 2.0), &self.value.unit.chosen(0.0), ink(LABEL, BLACK));
        }
        end + 8.0
    }

    fn left_out(&self, columns: usize, rows: usize) -> String {
        let mut words = Vec::new();
        let pairs = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let missing = pairs.filter(|(row, column)| self.value(*row, *column).is_none()).count();
        match missing {
            0 => {}
            n => words.push(format!("crossed out: {} without a value", counted(n, "cell"))),
        }
        let more = |levels: &Levels, shown: usize| {
            let more = levels.names.len() - shown;
            (more > 0).then(|| format!("+{} of {}", counted(more, "more level"), levels.label))
        };
        words.extend(more(&self.x, columns));
        words.extend(more(&self.y, rows));
        words.join("; ")
    }
}

const NONE: plotters::style::RGBColor = rgb(0xb8_b8_b8);

/// The edge of what is white on white.
fn outline(scene: &mut Scene, a: Point, b: Point) {
    let edge = vec![a, (b.0, a.1), b, (a.0, b.1), a];
    scene.strokes(vec![edge], 0.8, NONE);
}

impl Grid {
    fn bottom(&self) -> f64 {
        self.top + self.height * self.rows as f64
    }

    /// Opposite corners of a cell; rows run upwards.
    fn corners(&self, row: usize, column: usize) -> ((f64, f64), (f64, f64)) {
        let x = self.x0 + self.width * column as f64;
        let y = self.bottom() - self.height * (row + 1) as f64;
        ((x, y), (x + self.width, y + self.height))
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::Unit;
    use super::*;

    fn colors(values: &[f64]) -> Colors {
        Colors::new(&Quantity::new("downtime", Unit::Seconds), values)
    }

    /// Equal factors are equal steps of colour once values span more than two decades.
    #[test]
    fn values_over_many_decades_have_a_logarithmic_scale() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let wide = colors(&[1.0, 10.0, 1e3, 1e6]);
        let share = |value: f64| wide.ruler.share(value);
        assert!(wide.ruler.is_log() && !wide.zero);
        assert!(near(share(10.0) - share(1.0), (share(1e6) - share(1e3)) / 3.0));
        assert_eq!(wide.ruler.remark(), " (log scale)");
        for steps in [&[1.0, 100.0][..], &[0.0, 1.0, 100.0], &[-1.0, 1e6], &[0.0], &[0.0, 1e6]] {
            let equal = colors(steps);
            assert!(!equal.ruler.is_log() && !equal.zero, "{steps:?}");
        }
        // A scale that was asked for stays.
        let quantity = Quantity::new("downtime", Unit::Seconds).on(Scale::Linear);
        assert!(!Colors::new(&quantity, &[1.0, 1e6]).ruler.is_log());
    }

    /// Zero has no logarithm: it is white, which no value of the scale is.
    #[test]
    fn zero_has_a_colour_of_its_own() {
        let some = colors(&[0.0, 1.0, 1e3]);
        assert!(some.ruler.is_log() && some.zero);
        assert_eq!(some.fill(0.0), WHITE);
        assert!([1.0, 30.0, 1e3].iter().all(|value| some.fill(*value) != WHITE));
        let cell = |value: f64| Some(Estimate::bare(value));
        let levels =
            |label: &str| Levels { label: label.into(), names: vec!["one".into(), "two".into()] };
        let mut map = HeatMap {
            caption: Caption::default(),
            x: levels("x"),
            y: levels("y"),
            value: Quantity::new("downtime", Unit::Seconds),
            cells: vec![vec![cell(0.0), cell(1.0)], vec![None, cell(1e3)]],
        };
        let svg = map.draw().unwrap().svg;
        assert!(svg.contains(">downtime (log scale)<"), "{svg}");
        assert!(svg.contains("crossed out: 1 cell without a value"), "{svg}");
        map.cells[1][1] = cell(2.0);
        assert!(!map.draw().unwrap().svg.contains("log scale"));
    }
}
