//! A numeric axis laid out from 0 to 1: linear, logarithmic, or by the number of nines.

use super::axis::LABEL;
use super::font;
use super::numbers::{Unit, VALUE_MAX, WHOLE};

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// What suits the data: each chart says when that is logarithmic.
    #[default]
    Auto,
    /// Equal steps.
    Linear,
    /// Equal factors; falls back to equal steps where values are not all positive.
    Log,
    /// Availabilities: 90 %, 99 %, 99.9 % in equal steps, and 100 % set apart at the end.
    Nines,
}

/// What an axis shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantity {
    /// What it is called: `downtime per year`.
    pub label: String,
    /// How its numbers read.
    pub unit: Unit,
    /// How they are laid out.
    pub scale: Scale,
}

impl Quantity {
    /// A quantity whose scale suits the data.
    pub fn new(label: &str, unit: Unit) -> Quantity {
        Quantity { label: label.into(), unit, scale: Scale::Auto }
    }

    /// The same on a given scale.
    #[must_use]
    pub fn on(self, scale: Scale) -> Quantity {
        Quantity { scale, ..self }
    }
}

/// How an axis fits its data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// Steps to aim at.
    pub(super) steps: f64,
    /// Does the axis end at ticks?
    pub(super) round: bool,
    /// Does it begin at zero where the scale has one?
    pub(super) zero: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Linear,
    Log,
    Nines,
}

/// Finest part of one that an axis of nines tells from 100 %.
const NINES_MAX: f64 = 9.0;
/// Share of an axis of nines that ends below 100 %, if that occurs.
const BELOW_WHOLE: f64 = 0.9;
/// Ticks that are tried at most.
const TICKS_MAX: usize = 40;
/// Least space between labels side by side, and between lines of labels.
const GAP: f64 = 14.0;
const LINE: f64 = 14.0;

/// One tick: its place from 0 to 1 and its label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) share: f64,
    pub(super) value: f64,
    pub(super) label: String,
}

/// An axis that knows its range.
#[derive(Clone, Debug)]
pub(super) struct Ruler {
    unit: Unit,
    kind: Kind,
    /// Ends of the axis, as laid out (logarithms, numbers of nines).
    low: f64,
    high: f64,
    /// Is a place kept for 100 %?
    whole: bool,
}

impl Ruler {
    /// An axis for finite values; `Scale::Auto` is linear here.
    pub(super) fn new(
        quantity: &Quantity,
        values: impl Iterator<Item = f64> + Clone,
        fit: Fit,
    ) -> Ruler {
        let values = values.filter(|v| v.is_finite()).map(|v| v.clamp(-VALUE_MAX, VALUE_MAX));
        let (low, high) = ends(values.clone());
        let kind = match quantity.scale {
            Scale::Log if low > 0.0 => Kind::Log,
            Scale::Nines => Kind::Nines,
            _ => Kind::Linear,
        };
        let unit = quantity.unit;
        let mut ruler = Ruler { unit, kind, low, high, whole: false };
        match kind {
            Kind::Linear => ruler.fit_linear(fit),
            Kind::Log => ruler.fit_log(fit),
            Kind::Nines => ruler.fit_nines(values, fit),
        }
        ruler
    }

    fn fit_linear(&mut self, fit: Fit) {
        let inside = self.unit == Unit::Share && self.low >= 0.0 && self.high <= 1.0;
        let positive = self.low >= 0.0;
        if fit.zero {
            (self.low, self.high) = (self.low.min(0.0), self.high.max(0.0));
        }
        let size = self.low.abs().max(self.high.abs());
        if self.high - self.low <= size * 1e-9 || size < 1e-12 {
            let pad = match self.unit {
                Unit::Share if inside && self.low > 0.5 => (1.0 - self.low).clamp(0.001, 0.1),
                Unit::Share if inside => (self.low * 0.5).clamp(0.001, 0.1),
                _ => (size * 0.1).max(if self.unit == Unit::Count { 1.0 } else { 1e-6 }),
            };
            let shares = [Unit::Share, Unit::Points].contains(&self.unit);
            let pad = if size < 1e-12 && !shares { 1.0 } else { pad };
            (self.low, self.high) = (self.low - pad, self.high + pad);
        }
        if fit.round {
            let step = self.unit.step((self.high - self.low) / fit.steps);
            self.low = (self.low / step + 1e-9).floor() * step;
            self.high = (self.high / step - 1e-9).ceil() * step;
        } else {
            let pad = (self.high - self.low) * 0.02;
            (self.low, self.high) = (self.low - pad, self.high + pad);
        }
        if positive {
            self.low = self.low.max(0.0);
        }
        if inside {
            self.high = self.high.min(1.0);
        }
    }

    fn fit_log(&mut self, fit: Fit) {
        let (mut low, mut high) = (libm::log10(self.low), libm::log10(self.high));
        if high - low < 1e-6 {
            (low, high) = (low - 0.5, high + 0.5);
        } else if fit.round {
            let (first, last) = ((low + 1e-9).floor(), (high - 1e-9).ceil());
            if high - low > 0.6 {
                (low, high) = (first, last);
            } else {
                let pad = (high - low) * 0.08;
                (low, high) = (low - pad, high + pad);
            }
        } else {
            let pad = (high - low) * 0.02;
            (low, high) = (low - pad, high + pad);
        }
        if self.unit == Unit::Share && self.high <= 1.0 {
            high = high.min(0.0);
        }
        (self.low, self.high) = (low, high.max(low + 1e-3));
    }

    fn fit_nines(&mut self, values: impl Iterator<Item = f64> + Clone, fit: Fit) {
        self.whole = values.clone().any(|v| v >= 1.0 - WHOLE);
        let below = values.filter(|v| *v < 1.0 - WHOLE).map(nines);
        let (low, high) = ends(below.clone());
        let (low, high) = if below.count() == 0 { (1.0, 3.0) } else { (low, high) };
        let wide = if high - low < 1e-6 { 0.5 } else { 0.0 };
        (self.low, self.high) = ((low - wide).max(0.0), high + wide);
        if fit.round && high - low > 0.6 {
            self.low = (self.low + 1e-9).floor();
            self.high = (self.high - 1e-9).ceil();
        } else {
            let pad = (self.high - self.low) * 0.04;
            (self.low, self.high) = ((self.low - pad).max(0.0), self.high + pad);
        }
        self.high = self.high.max(self.low + 1e-3);
    }

    /// What is to be said of the scale.
    pub(super) fn remark(&self) -> &'static str {
        match self.kind {
            Kind::Linear => "",
            Kind::Log => " (log scale)",
            Kind::Nines => " (scale of nines)",
        }
    }

    /// Is it logarithmic?
    pub(super) fn is_log(&self) -> bool {
        self.kind == Kind::Log
    }

    /// Where the break before 100 % stands, if there is one.
    pub(super) fn gap(&self) -> Option<f64> {
        self.whole.then_some(f64::midpoint(BELOW_WHOLE, 1.0) - 0.01)
    }

    /// Place of a value from 0 to 1, held inside.
    pub(super) fn share(&self, value: f64) -> f64 {
        let laid = match self.kind {
            Kind::Linear => value,
            Kind::Log if value <= 0.0 => return 0.0,
            Kind::Log => libm::log10(value),
            Kind::Nines if value >= 1.0 - WHOLE => return 1.0,
            Kind::Nines => nines(value),
        };
        let share = ((laid - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        if share.is_nan() {
            return 0.0;
        }
        if self.whole { share * BELOW_WHOLE } else { share }
    }

    /// The value at a place from 0 to 1.
    pub(super) fn value(&self, share: f64) -> f64 {
        let share = if self.whole { (share / BELOW_WHOLE).min(1.0) } else { share };
        let laid = self.low + share * (self.high - self.low);
        match self.kind {
            Kind::Linear => laid,
            Kind::Log => libm::pow(10.0, laid),
            Kind::Nines => 1.0 - libm::pow(10.0, -laid),
        }
    }

    /// Is a value between the ends?
    pub(super) fn holds(&self, value: f64) -> bool {
        let slack = (self.high - self.low) * 1e-9;
        let inside = |laid: f64| laid >= self.low - slack && laid <= self.high + slack;
        match self.kind {
            Kind::Linear => inside(value),
            Kind::Log => value > 0.0 && inside(libm::log10(value)),
            Kind::Nines if value >= 1.0 - WHOLE => self.whole,
            Kind::Nines => inside(nines(value)),
        }
    }

    /// The finest ticks whose labels have room on `length` pixels, side by side or above each other.
    pub(super) fn ticks(&self, length: f64, across: bool) -> Vec<Tick> {
        let most = if across { length / 30.0 } else { length / (LINE * 1.4) };
        let mut kept: Vec<Tick> = Vec::new();
        for values in self.candidates() {
            let ticks = self.labelled(&values);
            let few = ticks.len() as f64 <= most.max(2.0);
            if few && apart(&ticks, length, across) && ticks.len() > kept.len() {
                kept = ticks;
            }
            if kept.len() >= 3 {
                break;
            }
        }
        kept
    }

    /// Ticks at given values, if there are few and their labels tell them apart and have room side by
    /// side.
    pub(super) fn at(&self, values: &[f64], length: f64) -> Option<Vec<Tick>> {
        let tick = |value: &f64| Tick {
            share: self.share(*value),
            value: *value,
            label: self.unit.chosen(*value),
        };
        let ticks: Vec<Tick> = values.iter().map(tick).collect();
        let told = ticks.windows(2).all(|pair| pair[0].label != pair[1].label);
        (values.len() <= 12 && told && apart(&ticks, length, true)).then_some(ticks)
    }

    /// Sets of round values inside the range, finest first.
    fn candidates(&self) -> Vec<Vec<f64>> {
        let mut sets: Vec<Vec<f64>> = match self.kind {
            Kind::Linear => Vec::new(),
            Kind::Log if self.unit == Unit::Seconds => {
                let mut sets = self.time_sets();
                sets.extend(self.decades());
                sets
            }
            Kind::Log => self.decades(),
            Kind::Nines => self.nine_sets(),
        };
        let (low, high) = (self.value(0.0), self.bound());
        let mut last = 0.0;
        for aim in [8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.5] {
            let step = self.unit.step((high - low) / aim);
            if step > last && step > 0.0 {
                let first = (low / step - 1e-6).ceil();
                let count = ((high / step + 1e-6).floor() - first).clamp(-1.0, 20.0);
                let count = (count + 1.0) as u32;
                sets.push((0..count).map(|i| (first + f64::from(i)) * step).collect());
                last = step;
            }
        }
        sets
    }

    /// The largest value below 100 %.
    fn bound(&self) -> f64 {
        self.value(if self.whole { BELOW_WHOLE } else { 1.0 })
    }

    fn decades(&self) -> Vec<Vec<f64>> {
        let (first, last) = (self.low.floor() as i32, self.high.ceil() as i32);
        let set = |factors: &[f64], every: i32| -> Vec<f64> {
            (first..=last)
                .filter(|power| power.rem_euclid(every) == 0)
                .flat_map(|power| factors.iter().map(move |f| f * power_of_ten(power)))
                .filter(|v| self.holds(*v))
                .take(TICKS_MAX)
                .collect()
        };
        let mut sets = vec![set(&[1.0, 2.0, 5.0], 1), set(&[1.0, 3.0], 1)];
        sets.extend([1, 2, 3, 5, 10].map(|every| set(&[1.0], every)));
        sets
    }

    fn time_sets(&self) -> Vec<Vec<f64>> {
        let (minute, hour, day) = (60.0, 3_600.0, 86_400.0);
        let fine = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0];
        let decimal =
            |unit: f64| [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 1e4, 1e5, 1e6].map(|f| f * unit);
        let small = [1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];
        let mut finest: Vec<f64> = small.to_vec();
        finest.extend(fine);
        finest.extend(fine.map(|f| f * minute));
        finest.extend([1.0, 2.0, 3.0, 6.0, 12.0].map(|f| f * hour));
        finest.extend([1.0, 2.0, 5.0].map(|f| f * day));
        finest.extend(decimal(10.0 * day));
        let mut middle: Vec<f64> = small.to_vec();
        middle.extend([1.0, 10.0, minute, 10.0 * minute, hour, 6.0 * hour]);
        middle.extend(decimal(day));
        let mut coarse: Vec<f64> = vec![1e-9, 1e-6, 1e-3, 1.0, minute, hour];
        coarse.extend([1.0, 10.0, 100.0, 1e3, 1e5, 1e7].map(|f| f * day));
        let held = |set: Vec<f64>| set.into_iter().filter(|v| self.holds(*v)).collect();
        [finest, middle, coarse].map(held).into()
    }

    fn nine_sets(&self) -> Vec<Vec<f64>> {
        let set = |parts: &[f64], every: i32| {
            let mut values = vec![0.0];
            for power in (1..=NINES_MAX as i32).filter(|power| (power - 1) % every == 0) {
                values.extend(parts.iter().map(|part| 1.0 - part * power_of_ten(-power)));
            }
            values.retain(|v| self.holds(*v));
            values.extend(self.whole.then_some(1.0));
            values
        };
        vec![set(&[5.0, 2.0, 1.0], 1), set(&[5.0, 1.0], 1), set(&[1.0], 1), set(&[1.0], 2)]
    }

    fn labelled(&self, values: &[f64]) -> Vec<Tick> {
        let peak = values.iter().fold(0.0_f64, |peak, v| peak.max(v.abs()));
        let gap = |i: usize| {
            let near = [i.checked_sub(1), i.checked_add(1)].into_iter().flatten();
            let here = values.get(i).copied().unwrap_or(0.0);
            let others = near.filter_map(|i| values.get(i)).map(|v| (v - here).abs());
            others.fold(f64::INFINITY, f64::min)
        };
        let words = |(i, value): (usize, f64)| match self.kind {
            Kind::Linear if gap(i).is_finite() => self.unit.tick(value, gap(i), peak),
            _ => self.unit.fine(value, self.unit.grain(value).min(gap(i))),
        };
        let tick = |(i, value): (usize, &f64)| Tick {
            share: self.share(*value),
            value: *value,
            label: words((i, *value)),
        };
        values.iter().enumerate().map(tick).collect()
    }
}

/// Least and largest of values; 0 and 1 if there are none.
pub(super) fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = values.fold(start, |(low, high), v| (low.min(v), high.max(v)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// The number of nines of a share below one.
fn nines(value: f64) -> f64 {
    (-libm::log10(1.0 - value.max(0.0))).clamp(0.0, NINES_MAX)
}

fn power_of_ten(power: i32) -> f64 {
    libm::pow(10.0, f64::from(power))
}

/// Do the labels leave each other room?
fn apart(ticks: &[Tick], length: f64, across: bool) -> bool {
    ticks.windows(2).all(|pair| match pair {
        [a, b] => {
            let room = (b.share - a.share).abs() * length;
            let width = |tick: &Tick| font::width(&tick.label, LABEL, false) * 1.05 / 2.0;
            room >= if across { width(a) + width(b) + GAP } else { LINE }
        }
        _ => true,
    })
}
