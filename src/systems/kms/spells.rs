//! What lasts, and may go on several times at once.

use std::borrow::Cow;

/// Shares of the requests that spells in progress hit, by occurrence.
#[derive(Default)]
pub(super) struct Spells(Vec<(u32, f64)>);

impl Spells {
    /// A spell begins or ends.
    pub(super) fn change(&mut self, occurrence: u32, begins: bool, share: f64) {
        self.0.retain(|(number, _)| *number != occurrence);
        if begins {
            self.0.push((occurrence, share));
        }
    }

    /// Number of spells in progress.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The share that any of them hits: they hit requests independently of each other.
    pub(super) fn share(&self) -> f64 {
        1.0 - self.0.iter().map(|(_, share)| 1.0 - share).product::<f64>()
    }

    /// The largest share of one of them, if there is one.
    pub(super) fn largest(&self) -> Option<f64> {
        self.0.iter().map(|(_, share)| *share).max_by(f64::total_cmp)
    }

    /// In words, that an outage begins or is over, after it has.
    pub(super) fn outage_in_words(&self, begins: bool, share: f64) -> Cow<'static, str> {
        let others = self.count() > usize::from(begins);
        let what = match (begins, others) {
            (true, false) => "outage begins",
            (true, true) => "another outage begins",
            (false, false) => "outage is over",
            (false, true) => "one outage is over, another goes on",
        };
        if begins && share < 1.0 {
            format!("{what}: {} of the requests fail", percent(share)).into()
        } else {
            what.into()
        }
    }
}

/// A fraction as a percentage without needless digits.
pub(super) fn percent(fraction: f64) -> String {
    format!("{} %", (fraction * 1e6).round() / 1e4)
}
