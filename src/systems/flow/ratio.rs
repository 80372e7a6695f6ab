//! Rows written for elements read, exactly, and what comes out of it as a rate.

use super::amount::{Amount, elements};

/// So many rows for every so many elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Rows.
    pub rows: u32,
    /// For so many elements, at least one.
    pub of: u32,
}

impl Ratio {
    /// A row for each element.
    pub const ONE: Ratio = Ratio { rows: 1, of: 1 };
    /// The most of both numbers.
    pub const MOST: u32 = 1_000_000;

    /// Reads `3`, or `3/1000`.
    pub fn read(text: &str) -> Option<Ratio> {
        let (rows, of) = text.split_once('/').unwrap_or((text, "1"));
        let number = |text: &str| {
            let number = text.trim().parse::<u32>().ok()?;
            (1..=Ratio::MOST).contains(&number).then_some(number)
        };
        Some(Ratio { rows: number(rows)?, of: number(of)? })
    }

    /// As a number, for limits and texts.
    pub fn value(self) -> f64 {
        f64::from(self.rows) / f64::from(self.of)
    }
}

/// What a job has written to one of its sinks. A rate is a whole number of units per nanosecond, so
/// of rows less than a unit per nanosecond stay behind; they are carried to the last digit:
/// elements times `rows` are rows times `of` plus what is carried, at every instant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Output {
    /// Rows written.
    pub(super) rows: Amount,
    /// What is carried, in parts of a unit: `of` of them make one.
    pub(super) carried: Amount,
}

impl Output {
    /// Rows per nanosecond while so many elements per nanosecond are written.
    pub(super) fn rate(ratio: Ratio, rate: Amount) -> Amount {
        rate * Amount::from(ratio.rows) / Amount::from(ratio.of)
    }

    /// Elements have been written at this rate for so many nanoseconds.
    pub(super) fn advance(&mut self, ratio: Ratio, rate: Amount, span: Amount) {
        self.rows += Output::rate(ratio, rate) * span;
        self.carried += rate * Amount::from(ratio.rows) % Amount::from(ratio.of) * span;
    }

    /// Nothing appears and nothing disappears between elements and rows.
    pub(super) fn is_conserved(&self, ratio: Ratio, elements: Amount) -> bool {
        elements * Amount::from(ratio.rows) == self.rows * Amount::from(ratio.of) + self.carried
    }
}

/// A rate in whole rows per second, and billionths of a row per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inflow {
    whole: u64,
    billionths: u32,
}

/// Units per nanosecond of one row per second.
const PER_SECOND: Amount = 1_000_000_000;

impl Inflow {
    pub(super) fn of(rate: Amount) -> Inflow {
        let whole = u64::try_from(rate / PER_SECOND).unwrap_or(u64::MAX);
        Inflow { whole, billionths: (rate % PER_SECOND) as u32 }
    }

    /// Rows in so many nanoseconds, in units of 10^-18.
    pub fn over(self, ns: u64) -> u128 {
        let rate = Amount::from(self.whole) * PER_SECOND + Amount::from(self.billionths);
        rate * Amount::from(ns)
    }

    /// Rows for people and tables.
    pub fn rows(units: u128) -> f64 {
        elements(units)
    }
}

#[cfg(test)]
mod tests {
    use super::super::amount::ELEMENT;
    use super::*;

    #[test]
    fn ratios_are_read() {
        assert_eq!(Ratio::read("3"), Some(Ratio { rows: 3, of: 1 }));
        assert_eq!(Ratio::read(" 1 / 60 "), Some(Ratio { rows: 1, of: 60 }));
        for wrong in ["", "0", "1/0", "-1", "0.5", "1/2/3", "2000000", "1/", "/2"] {
            assert_eq!(Ratio::read(wrong), None, "{wrong}");
        }
        assert_eq!(Ratio::read("3/4").map(Ratio::value), Some(0.75));
    }

    /// 100/s for a second and a nanosecond, one row for seven: 100 x 10^9 / 7 = 14,285,714,285 and
    /// 5 sevenths of a unit in each of 1,000,000,001 ns.
    #[test]
    fn what_is_no_whole_unit_is_carried() {
        let (ratio, rate) = (Ratio { rows: 1, of: 7 }, 100 * PER_SECOND);
        let mut output = Output::default();
        output.advance(ratio, rate, 1_000_000_000);
        output.advance(ratio, rate, 1);
        assert_eq!(output.rows, 14_285_714_285 * 1_000_000_001);
        assert_eq!(output.carried, 5 * 1_000_000_001);
        assert!(output.is_conserved(ratio, rate * 1_000_000_001));
        assert!(!output.is_conserved(ratio, rate * 1_000_000_001 + 1));
    }

    #[test]
    fn an_inflow_keeps_every_digit() {
        let rate = 12_345 * PER_SECOND + 678;
        let inflow = Inflow::of(rate);
        assert_eq!(inflow.over(1_000_000_000), rate * 1_000_000_000);
        assert_eq!(Inflow::rows(3 * ELEMENT), 3.0);
    }
}
