//! How numbers read: steps that are round in their unit, digits as fine as needed, units that fit.

/// What numbers are, and so how they read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Plain numbers.
    #[default]
    Number,
    /// Numbers of things, with k, M, G for large ones.
    Count,
    /// Shares from 0 to 1, shown as per cent.
    Share,
    /// Differences of shares, shown in percentage points: a difference is no share of anything.
    Points,
    /// Seconds, shown as ms, s, min, h or d.
    Seconds,
    /// Amounts of money in US dollars.
    Usd,
}

/// Values beyond this are drawn at the edge.
pub(super) const VALUE_MAX: f64 = 1e15;
/// Shares closer to one than this are one.
pub(super) const WHOLE: f64 = 1e-12;
/// Stands between a number and its unit, and between groups of digits.
pub(super) const THIN: char = '\u{2009}';
/// Digits, points and spaces of a number that somebody chose: with more it was computed.
pub(in crate::report) const CHOSEN_LETTERS_MAX: usize = 9;
/// Units of time, longest first.
const TIMES: [(f64, &str); 7] = [
    (86_400.0, "d"),
    (3_600.0, "h"),
    (60.0, "min"),
    (1.0, "s"),
    (1e-3, "ms"),
    (1e-6, "µs"),
    (1e-9, "ns"),
];

impl Unit {
    /// A tick of an axis whose ticks lie `step` apart and whose largest value is `peak`.
    pub(super) fn tick(self, value: f64, step: f64, peak: f64) -> String {
        match self {
            Unit::Share => share(value, step),
            Unit::Points => points(value, step),
            Unit::Count | Unit::Number => scaled(value, step, peak),
            Unit::Usd => usd(&scaled(value, step, peak)),
            Unit::Seconds => seconds_alike(value, step, peak),
        }
    }

    /// A value for itself, to three digits that matter.
    pub(in crate::report) fn told(self, value: f64) -> String {
        self.fine(value, self.grain(value))
    }

    /// A value that somebody chose, such as a level of a factor: a time in the unit in which it has
    /// the fewest digits, if there is one in which it has few.
    pub(in crate::report) fn chosen(self, value: f64) -> String {
        let exact = |(unit, name): &(f64, &'static str)| {
            let number = plain(value / unit, 0.01);
            let same = (value / unit * 100.0 - (value / unit * 100.0).round()).abs() < 1e-6;
            let few = number.chars().count() <= CHOSEN_LETTERS_MAX;
            (same && few && value.abs() >= unit * 0.0999).then_some((number, *name))
        };
        let found = TIMES.iter().filter_map(exact);
        // Of equals the first, which is the longest unit.
        match found.min_by_key(|(number, _)| number.chars().count()) {
            Some((number, name)) if self == Unit::Seconds && value != 0.0 => {
                format!("{number}{THIN}{name}")
            }
            _ => self.told(value),
        }
    }

    /// A value for itself, with digits as fine as a step.
    pub(super) fn fine(self, value: f64, step: f64) -> String {
        if value.abs() > VALUE_MAX {
            return format!("{value:.2e}").replace('-', "\u{2212}");
        }
        match self {
            Unit::Share => share(value, step),
            Unit::Points => points(value, step),
            Unit::Count | Unit::Number => scaled(value, step, value.abs()),
            Unit::Usd => usd(&scaled(value, step, value.abs())),
            Unit::Seconds => {
                let size = value.abs();
                if size < 1e-12 {
                    return "0".into();
                }
                let found = TIMES.into_iter().find(|(unit, _)| size >= unit * 0.999_999);
                let (unit, name) = found.unwrap_or((1e-9, "ns"));
                format!("{}{THIN}{name}", plain(value / unit, step / unit))
            }
        }
    }

    /// A step that keeps three digits of a value.
    pub(super) fn grain(self, value: f64) -> f64 {
        let size = value.abs().max(WHOLE);
        let three = |size: f64| libm::pow(10.0, libm::floor(libm::log10(size)) - 2.0);
        match self {
            // Near to one, it is the rest that counts.
            Unit::Share => {
                let rest = (1.0 - value).abs();
                three(if rest < WHOLE { size } else { size.min(rest) }).clamp(WHOLE, 0.001)
            }
            Unit::Count if size < 1e5 && size.fract() == 0.0 => 1.0,
            Unit::Seconds => {
                let found = TIMES.into_iter().find(|(unit, _)| size >= unit * 0.999_999);
                let unit = found.map_or(1e-9, |(unit, _)| unit);
                three(size / unit) * unit
            }
            _ => three(size),
        }
    }

    /// A step between ticks, round in this unit and at least `least`.
    pub(super) fn step(self, least: f64) -> f64 {
        match self {
            Unit::Seconds => seconds_step(least),
            Unit::Count if least > 0.2 => round_step(least).max(1.0),
            _ => round_step(least),
        }
    }
}

/// Per cent, with digits as fine as a step between shares.
fn share(value: f64, step: f64) -> String {
    format!("{}{THIN}%", hundredths(value, step))
}

/// Percentage points, likewise.
fn points(value: f64, step: f64) -> String {
    format!("{}{THIN}pp", hundredths(value, step))
}

fn hundredths(value: f64, step: f64) -> String {
    let (value, step) = (value * 100.0, step * 100.0);
    // What cannot be a share is told all the same, but in few letters.
    if value.abs() < 1e6 { plain(value, step) } else { count(value, step) }
}

/// A sign before the dollar, none after it.
fn usd(number: &str) -> String {
    match number.strip_prefix('\u{2212}') {
        Some(rest) => format!("\u{2212}${rest}"),
        None => format!("${number}"),
    }
}

/// A number in the unit (k, M, G, T) that fits the largest beside it.
fn scaled(value: f64, step: f64, peak: f64) -> String {
    let units = [(1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e5, 1e3, "k")];
    let found = units.into_iter().find(|(least, ..)| peak >= *least);
    match found {
        Some((_, unit, name)) if value != 0.0 => {
            format!("{}{THIN}{name}", plain(value / unit, step / unit))
        }
        _ => plain(value, step),
    }
}

/// A time in the unit that fits all ticks of an axis: whole or half steps.
fn seconds_alike(value: f64, step: f64, peak: f64) -> String {
    if value.abs() < step / 1000.0 {
        return "0".into();
    }
    let fits = |unit: f64| {
        let halves = step / unit * 2.0;
        peak >= unit * 0.999_999 && halves > 0.999 && (halves - halves.round()).abs() < 1e-6
    };
    match TIMES.into_iter().find(|(unit, _)| fits(*unit)) {
        Some((unit, name)) => format!("{}{THIN}{name}", plain(value / unit, step / unit)),
        None => seconds(value, step),
    }
}

/// 1, 2 or 5 times a power of ten, at or above a positive value.
pub(super) fn round_step(least: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(least.max(1e-12))));
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= least * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// Steps that are round in the unit a reader uses for them.
pub(super) fn seconds_step(least: f64) -> f64 {
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
pub(super) fn count(value: f64, step: f64) -> String {
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
    let mut digits: usize = 0;
    let mut fine = step.abs().max(WHOLE);
    while fine < 0.999_999 && digits < 12 {
        fine *= 10.0;
        digits += 1;
    }
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

pub(super) fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// `250 ms`, `90 s`, `15 min`, `6 h`, `30 d`: the unit follows the step and the value.
pub(super) fn seconds(value: f64, step: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    let whole = |unit: f64| step < unit / 2.0 || (value / unit).fract().abs() < 1e-9;
    let found = TIMES.iter().find(|(unit, _)| size >= *unit * 0.999_999 && whole(*unit));
    let (unit, name) = found.unwrap_or(&(1e-9, "ns"));
    format!("{}{THIN}{name}", plain(value / unit, (step / unit).clamp(0.01, 1.0)))
}
