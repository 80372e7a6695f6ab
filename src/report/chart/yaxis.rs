//! The value axis: its range, round ticks and how numbers read.

use super::axis::LABEL;
use super::font;
use super::numbers::{THIN, VALUE_MAX, count, round_step, seconds, seconds_step, trim_zeros};

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
