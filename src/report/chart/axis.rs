//! The time axis: places of instants, and ticks at round UTC times with labels that do not touch.

use super::canvas::WIDTH;
use super::civil::{Civil, held, month_start};
use super::font;
use crate::engine::{SimDuration, SimTime};

/// Size of axis labels in CSS pixels.
pub(super) const LABEL: f64 = 11.0;
/// Least space between two labels.
const GAP: f64 = 20.0;
/// Ticks beyond this many are not even tried.
const TICKS_MAX: i128 = 64;
const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

/// A span of time laid on a stretch of CSS pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeAxis {
    start_s: i64,
    span_ns: u64,
    pub(super) x0: f64,
    pub(super) x1: f64,
}

/// One tick: its place, the label under it, and a second line where the day or year changes.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) label: String,
    pub(super) context: String,
    /// Where labels stand: moved inwards at the edges of the picture.
    pub(super) label_x: f64,
    pub(super) context_x: f64,
}

#[derive(Clone, Copy)]
enum Step {
    /// Nanoseconds.
    Fixed(i128),
    Months(i64),
}

impl TimeAxis {
    pub(super) fn new(start_unix_s: i64, horizon: SimDuration, x0: f64, x1: f64) -> TimeAxis {
        TimeAxis { start_s: held(start_unix_s), span_ns: horizon.ns().max(1), x0, x1 }
    }

    /// Place of an instant, held inside the axis.
    pub(super) fn x(&self, at: SimTime) -> f64 {
        let share = at.ns().min(self.span_ns) as f64 / self.span_ns as f64;
        self.x0 + share * (self.x1 - self.x0)
    }

    /// The end of the axis.
    pub(super) fn end(&self) -> SimTime {
        SimTime::from_ns(self.span_ns).unwrap_or(SimTime::MAX)
    }

    /// An instant as UTC text.
    pub(super) fn stamp(&self, at: SimTime) -> String {
        Civil::at(self.unix_s(at)).full()
    }

    fn unix_s(&self, at: SimTime) -> i64 {
        self.start_s.saturating_add_unsigned(at.ns() / 1_000_000_000)
    }

    /// Title of the axis, with the whole dates that the labels leave out.
    pub(super) fn title(&self) -> String {
        format!("Time (UTC), {} to {}", self.stamp(SimTime::START), self.stamp(self.end()))
    }

    /// The finest ticks whose labels have room.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let mut fewest = Vec::new();
        for step in steps() {
            let length = match step {
                Step::Fixed(ns) => ns,
                Step::Months(count) => i128::from(count) * 30 * DAY,
            };
            if i128::from(self.span_ns) / length > TICKS_MAX {
                continue;
            }
            let ticks = self.labelled(step);
            let room = ticks.windows(2).all(|pair| match pair {
                [a, b] => {
                    let half = (text_width(&a.label) + text_width(&b.label)) / 2.0;
                    b.label_x - a.label_x >= half + GAP
                }
                _ => true,
            });
            if room && !ticks.is_empty() {
                return thin_contexts(ticks);
            }
            if !ticks.is_empty() {
                fewest = ticks;
            }
        }
        fewest.truncate(1);
        fewest
    }

    /// Instants of a step, in nanoseconds since the start.
    fn instants(&self, step: Step) -> Vec<i128> {
        let (span, start) = (i128::from(self.span_ns), i128::from(self.start_s) * SECOND);
        match step {
            Step::Fixed(ns) => {
                // Below a second from the start; weeks from a Monday; all else from 1970.
                let shift = if ns < SECOND {
                    0
                } else if ns % (7 * DAY) == 0 {
                    start + 3 * DAY
                } else {
                    start
                };
                let first = (ns - shift.rem_euclid(ns)) % ns;
                (0..=TICKS_MAX).map(|i| first + i * ns).take_while(|at| *at <= span).collect()
            }
            Step::Months(count) => {
                let first = Civil::at(self.start_s);
                let month0 = (first.year * 12 + first.month - 1).div_euclid(count) * count;
                (0..=80)
                    .map(|i| i128::from(month_start(0, month0 + i * count)) * SECOND - start)
                    .skip_while(|at| *at < 0)
                    .take_while(|at| *at <= span)
                    .collect()
            }
        }
    }

    fn labelled(&self, step: Step) -> Vec<Tick> {
        let mut last: Option<Civil> = None;
        let instants = self.instants(step);
        let place = |ns: i128| {
            let at = u64::try_from(ns).ok().and_then(SimTime::from_ns).unwrap_or(SimTime::START);
            (self.x(at), Civil::at(self.unix_s(at)))
        };
        let tick = |ns: i128| {
            let (x, civil) = place(ns);
            let (label, context) = words(step, ns, civil, last);
            last = Some(civil);
            let inside = |text: &str| {
                let half = text_width(text) / 2.0 + 4.0;
                x.max(half).min(WIDTH - half)
            };
            let (label_x, context_x) = (inside(&label), inside(&context));
            Tick { x, label, context, label_x, context_x }
        };
        instants.into_iter().map(tick).collect()
    }
}

fn text_width(text: &str) -> f64 {
    font::width(text, LABEL, false) * 1.05
}

/// Drops second lines that would touch the one before.
fn thin_contexts(mut ticks: Vec<Tick>) -> Vec<Tick> {
    let mut free = f64::NEG_INFINITY;
    for tick in &mut ticks {
        let half = text_width(&tick.context) / 2.0;
        if tick.context.is_empty() || tick.context_x - half < free {
            tick.context.clear();
        } else {
            free = tick.context_x + half + 8.0;
        }
    }
    ticks
}

/// Label and second line of a tick, given the tick before.
fn words(step: Step, ns: i128, civil: Civil, last: Option<Civil>) -> (String, String) {
    let year = civil.year.to_string();
    let new_year = last.is_none_or(|last| last.year != civil.year);
    let changed = |new: bool, text: String| if new { text } else { String::new() };
    match step {
        Step::Months(count) if count % 12 == 0 => (year, String::new()),
        Step::Months(_) => (civil.month_name().to_string(), changed(new_year, year)),
        Step::Fixed(length) if length >= DAY => (civil.date(), changed(new_year, year)),
        Step::Fixed(length) if length >= SECOND => {
            let new_day =
                last.is_none_or(|last| (last.month, last.day) != (civil.month, civil.day));
            let date = if last.is_some() && new_year {
                format!("{year} {}", civil.date())
            } else {
                civil.date()
            };
            (civil.clock(length < 60 * SECOND), changed(new_day, date))
        }
        Step::Fixed(length) => {
            let unit = if length >= 1_000_000 {
                (1_000_000, "ms")
            } else if length >= 1_000 {
                (1_000, "µs")
            } else {
                (1, "ns")
            };
            let start = changed(last.is_none(), civil.clock(true));
            (format!("+{} {}", ns / unit.0, unit.1), start)
        }
    }
}

/// All steps, finest first.
fn steps() -> impl Iterator<Item = Step> {
    let small = (0..9).flat_map(|power| {
        let unit = (0..power).fold(1_i128, |product, _| product * 10);
        [unit, 2 * unit, 5 * unit]
    });
    let seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800];
    let longer = [21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600];
    let months = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1_200];
    small
        .chain(seconds.into_iter().chain(longer).map(|s| s * SECOND))
        .map(Step::Fixed)
        .chain(months.into_iter().map(Step::Months))
}
