//! The timeline: one row per entity, bars for the states it is in.

use super::axis::TimeAxis;
use super::canvas::{Anchor, ChartError, Picture, Scene, WIDTH, clean, ink};
use super::font;
use super::frame::{EDGE, RIGHT, empty, heading, note, time_grid, time_labels};
use super::marks::{Mark, Marks};
use super::merge::{Piece, pieces};
use super::palette::{BLACK, GREY, TRACK, WHITE};
use crate::engine::{SimDuration, SimTime};
use crate::report::words::counted;
use crate::systems::spec::Look;
use std::collections::{BTreeMap, BTreeSet};

/// A stay in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// When it begins.
    pub from: SimTime,
    /// When it ends; a bar that does not end after it begins is left out.
    pub to: SimTime,
    /// Name of the state, written inside where it fits.
    pub state: String,
    /// Colour and texture.
    pub look: Look,
    /// What the pointer tells; the state if empty.
    pub hover: String,
}

/// One entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Name at the left.
    pub label: String,
    /// Heading over neighbouring rows of the same group; none if empty.
    pub group: String,
    /// States, in order of time.
    pub bars: Vec<Bar>,
}

/// Which state each entity is in over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimelineChart {
    /// Title line.
    pub title: String,
    /// What the reader should know, under the title.
    pub subtitle: String,
    /// Start of the axis, in unix seconds.
    pub start_unix_s: i64,
    /// Length of the axis.
    pub horizon: SimDuration,
    /// Rows from top to bottom; the first [`TimelineChart::ROWS_MAX`] are drawn.
    pub rows: Vec<Row>,
    /// Events, as vertical lines.
    pub marks: Vec<Mark>,
}

const ROW: f64 = 22.0;
const BAR: f64 = 17.0;
const HEADER: f64 = 20.0;
const SIZE: f64 = 12.0;
const STATE_SIZE: f64 = 11.0;
/// Names of states that the legend lists for one look.
const LEGEND_STATES: usize = 5;
/// Looks and the states shown in them.
type Legend<'a> = BTreeMap<Look, BTreeSet<&'a str>>;

impl TimelineChart {
    /// Rows that are drawn; a note counts the rest.
    pub const ROWS_MAX: usize = 60;

    /// Draws the chart as SVG and PNG.
    ///
    /// # Errors
    ///
    /// If the built-in typeface or the drawing library fail; never because of the data.
    pub fn draw(&self) -> Result<Picture, ChartError> {
        let rows = self.rows.get(..Self::ROWS_MAX).unwrap_or(&self.rows);
        let axis = TimeAxis::new(self.start_unix_s, self.horizon, margin(rows), WIDTH - RIGHT);
        let marks = Marks::place(&self.marks, &axis);
        let mut scene = Scene::new(&self.title, &self.description(&axis, &marks));
        let mut y = heading(&mut scene, &self.title, &self.subtitle);
        if rows.is_empty() || self.horizon.is_zero() {
            let why = if rows.is_empty() { "no rows" } else { "no time passes" };
            let end = empty(&mut scene, y, why);
            return scene.picture(end);
        }
        y = draw_legend(&mut scene, &self.legend(rows, &axis), y);
        let top = y + marks.lane() + 2.0;
        let places = places(rows, top + 2.0);
        let bottom = places.last().map_or(top, |place| place + ROW) + 2.0;
        for (row, place) in rows.iter().zip(&places) {
            scene.rect((axis.x0, place + 2.5), (axis.x1, place + 2.5 + BAR), TRACK);
            draw_label(&mut scene, row, *place, axis.x0);
        }
        draw_headers(&mut scene, rows, &places, axis.x0);
        time_grid(&mut scene, &axis, top, bottom);
        let pieces: Vec<(f64, Vec<Piece>)> = rows
            .iter()
            .zip(&places)
            .map(|(row, place)| (place + 2.5, pieces(&row.bars, &axis)))
            .collect();
        // Lines of events pass over wide bars, but under what is narrow and under words.
        draw_pieces(&mut scene, &pieces, false);
        marks.draw_lines(&mut scene, &axis, top, bottom);
        draw_pieces(&mut scene, &pieces, true);
        draw_words(&mut scene, &pieces);
        marks.draw_flags(&mut scene, &axis, top);
        y = time_labels(&mut scene, &axis, bottom);
        y = marks.list(&mut scene, &axis, y + 4.0);
        let more = self.rows.len() - rows.len();
        let rest = if more > 0 {
            format!("+{} in timeline.csv", counted(more, "more row"))
        } else {
            String::new()
        };
        y = note(&mut scene, y, &rest);
        scene.picture(y + 10.0)
    }

    fn description(&self, axis: &TimeAxis, marks: &Marks<'_>) -> String {
        let looks: BTreeSet<Look> =
            self.rows.iter().flat_map(|row| &row.bars).map(|bar| bar.look).collect();
        let looks: Vec<&str> = looks.into_iter().map(Look::meaning).collect();
        format!(
            "Timeline of {}, UTC, from {} to {}. Looks: {}.{}",
            counted(self.rows.len(), "row"),
            axis.stamp(SimTime::START),
            axis.stamp(axis.end()),
            looks.join("; "),
            marks.summary(axis)
        )
    }

    fn legend<'a>(&self, rows: &'a [Row], axis: &TimeAxis) -> Legend<'a> {
        let mut legend: Legend<'a> = BTreeMap::new();
        for bar in rows.iter().flat_map(|row| &row.bars) {
            if bar.from < bar.to.min(axis.end()) {
                legend.entry(bar.look).or_default().insert(&bar.state);
            }
        }
        legend
    }
}

/// Left end of the plot: after the longest label.
fn margin(rows: &[Row]) -> f64 {
    let width = |row: &Row| {
        let label = font::width(&clean(&row.label), SIZE, false);
        label.max(font::width(&clean(&row.group), STATE_SIZE, true)) * 1.08
    };
    let widest = rows.iter().map(width).fold(0.0, f64::max);
    (EDGE + widest + 12.0).clamp(90.0, 300.0)
}

/// Top of each row, with room for a header where the group changes.
fn places(rows: &[Row], top: f64) -> Vec<f64> {
    let mut y = top;
    let mut last: Option<&str> = None;
    let mut places = Vec::new();
    for row in rows {
        if last != Some(row.group.as_str()) {
            let first = last.is_none();
            y += match (first, clean(&row.group).is_empty()) {
                (true, true) => 0.0,
                (false, true) => 8.0,
                (_, false) => HEADER,
            };
        }
        last = Some(&row.group);
        places.push(y);
        y += ROW;
    }
    places
}

fn draw_headers(scene: &mut Scene, rows: &[Row], places: &[f64], x0: f64) {
    let mut last: Option<&str> = None;
    for (row, place) in rows.iter().zip(places) {
        if last != Some(row.group.as_str()) {
            let group = clean(&row.group);
            // Bold letters are wider than those that are measured to shorten a name.
            let room = x0 - EDGE - 6.0;
            let fits = font::width(&group, STATE_SIZE, true) <= room / 1.04;
            let short = || font::fit_name(&group, STATE_SIZE, room / 1.2);
            let text = if fits { group.clone() } else { short() };
            let hover = if text == group { "" } else { group.as_str() };
            scene.hover(hover, |scene| {
                scene.text((EDGE, place - 5.0), &text, ink(STATE_SIZE, GREY).bold());
            });
        }
        last = Some(&row.group);
    }
}

fn draw_label(scene: &mut Scene, row: &Row, place: f64, x0: f64) {
    let label = clean(&row.label);
    let text = font::fit_name(&label, SIZE, (x0 - EDGE - 10.0) / 1.04);
    let hover = if text == label { "" } else { label.as_str() };
    scene.hover(hover, |scene| {
        let right = ink(SIZE, BLACK).anchor(Anchor::Right);
        scene.text((x0 - 8.0, place + 15.2), &text, right);
    });
}

/// Width below which a piece is drawn over the lines of events.
const NARROW: f64 = 8.0;

fn draw_pieces(scene: &mut Scene, rows: &[(f64, Vec<Piece>)], narrow: bool) {
    for (top, pieces) in rows {
        for piece in pieces.iter().filter(|piece| (piece.x1 - piece.x0 < NARROW) == narrow) {
            draw_piece(scene, piece, *top);
        }
    }
}

/// The room that the name of a state takes, if it fits.
fn words_width(piece: &Piece, state: &str) -> Option<f64> {
    let needed = font::width(state, STATE_SIZE, false) * 1.06 + 8.0;
    let room = piece.x1 - piece.x0 - 1.0;
    (needed <= room && !state.is_empty() && piece.look != Look::Absent).then_some(needed)
}

fn draw_piece(scene: &mut Scene, piece: &Piece, top: f64) {
    // A white line parts wide neighbours.
    let inset = if piece.x1 - piece.x0 > 5.0 { 0.5 } else { 0.0 };
    let (x0, x1) = (piece.x0 + inset, piece.x1 - inset);
    let bare = words_width(piece, &clean(&piece.state)).map(|width| (x0, x0 + width));
    scene.hover(&piece.hover, |scene| {
        if inset > 0.0 {
            scene.rect((piece.x0, top), (piece.x1, top + BAR), WHITE);
        }
        piece.look.paint(scene, (x0, top), (x1, top + BAR), bare);
    });
}

/// Names of states inside their bars, on a ground that hides lines of events.
fn draw_words(scene: &mut Scene, rows: &[(f64, Vec<Piece>)]) {
    for (top, pieces) in rows {
        for piece in pieces {
            let state = clean(&piece.state);
            let Some(width) = words_width(piece, &state) else { continue };
            let x = piece.x0 + 0.5;
            scene.hover(&piece.hover, |scene| {
                let end = top + BAR - if piece.look == Look::Good { 1.5 } else { 0.0 };
                scene.rect((x + 1.5, *top), (x + width - 2.0, end), piece.look.fill());
                scene.text((x + 4.0, top + 12.6), &state, ink(STATE_SIZE, piece.look.text()));
            });
        }
    }
}

/// The legend strip: a swatch, its meaning and the states shown so; wraps to further lines.
fn draw_legend(scene: &mut Scene, legend: &Legend<'_>, top: f64) -> f64 {
    let (mut x, mut y) = (EDGE, top);
    for (look, states) in legend {
        let meaning = look.meaning();
        let states = names(states, meaning);
        let meaning_width = font::width(meaning, STATE_SIZE, true) * 1.06;
        let room = WIDTH - 2.0 * EDGE - 40.0 - meaning_width;
        let states = font::fit(&states, STATE_SIZE, false, room / 1.06);
        let states_width = font::width(&states, STATE_SIZE, false) * 1.06;
        let width = 34.0 + meaning_width + 6.0 + states_width + 20.0;
        if x > EDGE && x + width > WIDTH - EDGE {
            (x, y) = (EDGE, y + 21.0);
        }
        look.paint(scene, (x, y + 1.0), (x + 28.0, y + 16.0), None);
        scene.text((x + 34.0, y + 12.6), meaning, ink(STATE_SIZE, BLACK).bold());
        scene.text((x + 40.0 + meaning_width, y + 12.6), &states, ink(STATE_SIZE, GREY));
        x += width;
    }
    if legend.is_empty() { y + 4.0 } else { y + 27.0 }
}

/// State names as the legend lists them; what the meaning says already is left out.
fn names(states: &BTreeSet<&str>, meaning: &str) -> String {
    let clean: BTreeSet<String> = states.iter().map(|state| clean(state)).collect();
    let said = |name: &String| !name.is_empty() && name != meaning;
    let all: Vec<String> = clean.into_iter().filter(said).collect();
    let shown: Vec<&str> = all.iter().take(LEGEND_STATES).map(String::as_str).collect();
    match all.len().saturating_sub(LEGEND_STATES) {
        0 if all.is_empty() => String::new(),
        0 => format!("({})", shown.join(", ")),
        more => format!("({} and {more} more)", shown.join(", ")),
    }
}
