//! The value axis: its range, round ticks and how numbers read.

use super::axis::LABEL;
use super::font;

/// What the values of a [`StepChart`](super::StepChart) are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum YAxis {
    /// Shares from 0 to 1, shown as 0 to 100 %; what lies beyond is drawn at the edge.
    #[default]
    Share,
    /// Numbers of things.
    Count,
    /// Seconds, shown with fitting units.
    Seconds,
}

/// Values beyond this are drawn at the edge.
const VALUE_MAX: f64 = 1e15;
const THIN: char = '\u{2009}';

/// Values laid on a stretch of CSS pixels.
pub(super) struct ValueAxis {
    kind: YAxis,
    low: f64,
    high: f64,
    step: f64,
    top: f64,
    bottom: f64,
}

impl ValueAxis {
    /// An axis from zero (or the least value) to a round number at or above the largest.
    pub(super) fn new(kind: YAxis, values: impl Iterator<Item = f64>) -> ValueAxis {
        let (mut low, mut high) = values
            .map(|v| v.clamp(-VALUE_MAX, VALUE_MAX))
            .fold((0.0_f64, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        let step = match kind {
            YAxis::Share => {
                (low, high) = (0.0, 1.0);
                0.2
            }
            YAxis::Count => {
                let span = if high > low { high - low } else { 1.0 };
                let step = round_step(span / 6.0);
                if high.max(-low) >= 5.0 || step >= 1.0 { step.max(1.0) } else { step }
            }
            YAxis::Seconds => seconds_step(if high > low { (high - low) / 5.0 } else { 0.2 }),
        };
        if kind != YAxis::Share {
            low = (low / step).floor() * step;
            high = ((high / step).ceil() * step).max(low + step);
        }
        ValueAxis { kind, low, high, step, top: 0.0, bottom: 1.0 }
    }

    /// Lays the axis between two heights.
    pub(super) fn between(self, top: f64, bottom: f64) -> ValueAxis {
        ValueAxis { top, bottom, ..self }
    }

    /// Height of a value, held inside the plot.
    pub(super) fn y(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.bottom - share * (self.bottom - self.top)
    }

    /// Round values with their labels, lowest first.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let count = ((self.high - self.low) / self.step).round().clamp(0.0, 20.0) as u32;
        let value = |i: u32| self.low + f64::from(i) * self.step;
        (0..=count).map(value).map(|v| (v, self.words(v))).collect()
    }

    /// Width of the widest label.
    pub(super) fn label_width(&self) -> f64 {
        let width = |(_, text): (f64, String)| font::width(&text, LABEL, false);
        self.ticks().into_iter().map(width).fold(0.0, f64::max)
    }

    /// A tick value as text.
    fn words(&self, value: f64) -> String {
        match self.kind {
            YAxis::Share => format!("{:.0}{THIN}%", value * 100.0),
            YAxis::Count => count(value, self.step),
            YAxis::Seconds => seconds(value, self.step),
        }
    }

    /// Any value as text, to as many digits as a reader may want.
    pub(super) fn told(&self, value: f64) -> String {
        match self.kind {
            YAxis::Share => {
                let digits = format!("{:.4}", value * 100.0);
                format!("{}{THIN}%", trim_zeros(&digits))
            }
            YAxis::Count => count(value, 0.001),
            YAxis::Seconds => seconds(value, value.abs() / 1000.0),
        }
    }
}

/// 1, 2 or 5 times a power of ten, at or above a positive value.
fn round_step(least: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(least.max(1e-12))));
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= least * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// Steps that are round in the unit a reader uses for them.
fn seconds_step(least: f64) -> f64 {
    const ROUND: [f64; 15] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
        7_200.0, 21_600.0,
    ];
    if least <= 0.5 {
        return round_step(least);
    }
    let round = ROUND.into_iter().find(|step| *step >= least);
    round.unwrap_or_else(|| {
        if least <= 43_200.0 { 43_200.0 } else { round_step(least / 86_400.0).max(1.0) * 86_400.0 }
    })
}

/// `950`, `12 500`, `1.5 M`: with thin spaces.
fn count(value: f64, step: f64) -> String {
    let size = value.abs();
    for (unit, name) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e5, "k")] {
        if size >= unit {
            let unit = if name == "k" { 1e3 } else { unit };
            return format!("{}{THIN}{name}", plain(value / unit, (step / unit).max(0.001)));
        }
    }
    plain(value, step)
}

/// Digits as fine as the step, thousands parted by thin spaces.
fn plain(value: f64, step: f64) -> String {
    let digits: usize = match step {
        s if s >= 1.0 => 0,
        s if s >= 0.1 => 1,
        s if s >= 0.01 => 2,
        s if s >= 0.001 => 3,
        s if s >= 1e-6 => 6,
        _ => 9,
    };
    let text = format!("{value:.digits$}");
    let text = if digits > 0 { trim_zeros(&text) } else { text.as_str() };
    let (whole, fraction) = text.split_once('.').map_or((text, ""), |(w, f)| (w, f));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("\u{2212}", w));
    let mut grouped = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && whole.len() > 4 && (whole.len() - i).is_multiple_of(3) {
            grouped.push(THIN);
        }
        grouped.push(c);
    }
    let sign = if whole == "0" && fraction.is_empty() { "" } else { sign };
    if fraction.is_empty() {
        format!("{sign}{grouped}")
    } else {
        format!("{sign}{grouped}.{fraction}")
    }
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// `250 ms`, `90 s`, `15 min`, `6 h`, `30 d`: the unit follows the step and the value.
fn seconds(value: f64, step: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    let units: [(f64, &str); 6] =
        [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
    let whole = |unit: f64| step < unit / 2.0 || (value / unit).fract().abs() < 1e-9;
    let found = units.iter().find(|(unit, _)| size >= *unit * 0.999_999 && whole(*unit));
    let (unit, name) = found.unwrap_or(&(1e-9, "ns"));
    format!("{}{THIN}{name}", plain(value / unit, (step / unit).clamp(0.01, 1.0)))
}
