//! The simulation clock: instants and spans in whole nanoseconds.
//!
//! Time is an integer, so that sums do not drift and equal instants are equal. Arithmetic is
//! checked: what does not fit is `None`, never a wrapped value.

use crate::limits::HORIZON_NS_MAX;
use std::fmt;

/// An instant, in nanoseconds since the start of the scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A span of simulated time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(u64);

const NS_PER_SECOND: u64 = 1_000_000_000;

impl SimTime {
    /// The start of the scenario.
    pub const START: SimTime = SimTime(0);
    /// The latest instant that can be named.
    pub const MAX: SimTime = SimTime(HORIZON_NS_MAX);

    /// The instant `ns` nanoseconds after the start; `None` past [`SimTime::MAX`].
    pub const fn from_ns(ns: u64) -> Option<SimTime> {
        if ns <= HORIZON_NS_MAX { Some(SimTime(ns)) } else { None }
    }

    /// Nanoseconds since the start.
    pub const fn ns(self) -> u64 {
        self.0
    }

    /// Seconds since the start, for output.
    pub fn seconds(self) -> f64 {
        SimDuration(self.0).seconds()
    }

    /// This instant plus a span; `None` past [`SimTime::MAX`].
    pub fn checked_add(self, span: SimDuration) -> Option<SimTime> {
        SimTime::from_ns(self.0.checked_add(span.0)?)
    }

    /// This instant plus a span, or [`SimTime::MAX`]: for what is due "never" as far as a run sees.
    pub fn saturating_add(self, span: SimDuration) -> SimTime {
        self.checked_add(span).unwrap_or(SimTime::MAX)
    }

    /// The span since an earlier instant; `None` if `earlier` is later.
    pub fn since(self, earlier: SimTime) -> Option<SimDuration> {
        self.0.checked_sub(earlier.0).map(SimDuration)
    }

    /// The span since an earlier instant, or zero.
    pub fn saturating_since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration(0);
    /// The longest span.
    pub const MAX: SimDuration = SimDuration(HORIZON_NS_MAX);

    /// A span of `ns` nanoseconds; `None` past [`SimDuration::MAX`].
    pub const fn from_ns(ns: u64) -> Option<SimDuration> {
        if ns <= HORIZON_NS_MAX { Some(SimDuration(ns)) } else { None }
    }

    /// A span of whole seconds, for constants; saturates at [`SimDuration::MAX`].
    pub const fn from_secs(seconds: u64) -> SimDuration {
        let ns = seconds.saturating_mul(NS_PER_SECOND);
        if ns <= HORIZON_NS_MAX { SimDuration(ns) } else { SimDuration::MAX }
    }

    /// The span nearest to a number of seconds, for sampled values: negative and undefined values
    /// become zero, too long ones [`SimDuration::MAX`].
    pub fn from_seconds_f64(seconds: f64) -> SimDuration {
        let ns = seconds * 1e9;
        if ns.is_nan() || ns <= 0.0 {
            SimDuration::ZERO
        } else if ns >= HORIZON_NS_MAX as f64 {
            SimDuration::MAX
        } else {
            SimDuration((ns + 0.5) as u64)
        }
    }

    /// Nanoseconds.
    pub const fn ns(self) -> u64 {
        self.0
    }

    /// Seconds, correctly rounded for spans below 104 days and to 1 part in 10^15 beyond.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NS_PER_SECOND as f64
    }

    /// Sum, if it fits.
    pub fn checked_add(self, other: SimDuration) -> Option<SimDuration> {
        SimDuration::from_ns(self.0.checked_add(other.0)?)
    }

    /// Difference, or zero.
    pub fn saturating_sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(other.0))
    }

    /// Is this no time at all?
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Writes a span the way a scenario file takes it: `1d 2h 5m 30.25s`.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (whole, fraction) = (self.0 / NS_PER_SECOND, self.0 % NS_PER_SECOND);
        let mut parts = Vec::new();
        let units = [("d", whole / 86_400), ("h", whole / 3_600 % 24), ("m", whole / 60 % 60)];
        for (unit, count) in units {
            if count > 0 {
                parts.push(format!("{count}{unit}"));
            }
        }
        let seconds = whole % 60;
        if fraction > 0 && whole == 0 && fraction % 1_000_000 == 0 {
            parts.push(format!("{}ms", fraction / 1_000_000));
        } else if fraction > 0 {
            let digits = format!("{fraction:09}");
            parts.push(format!("{seconds}.{}s", digits.trim_end_matches('0')));
        } else if seconds > 0 {
            parts.push(format!("{seconds}s"));
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_checked_at_the_limit_and_one_past_it() {
        let last = SimTime::from_ns(HORIZON_NS_MAX - 1).unwrap();
        let one = SimDuration::from_ns(1).unwrap();
        assert_eq!(last.checked_add(one), Some(SimTime::MAX));
        assert_eq!(SimTime::MAX.checked_add(one), None);
        assert_eq!(SimTime::MAX.saturating_add(one), SimTime::MAX);
        assert_eq!(SimTime::from_ns(HORIZON_NS_MAX + 1), None);
        assert_eq!(SimDuration::from_ns(HORIZON_NS_MAX + 1), None);
        assert_eq!(SimDuration::MAX.checked_add(one), None);
    }

    #[test]
    fn spans_run_forward_only() {
        let (a, b) = (SimTime::from_ns(5).unwrap(), SimTime::from_ns(7).unwrap());
        assert_eq!(b.since(a), SimDuration::from_ns(2));
        assert_eq!(a.since(b), None);
        assert_eq!(a.saturating_since(b), SimDuration::ZERO);
    }

    #[test]
    fn seconds_round_to_the_nearest_nanosecond() {
        assert_eq!(SimDuration::from_seconds_f64(1.5e-9).ns(), 2);
        assert_eq!(SimDuration::from_seconds_f64(f64::NAN), SimDuration::ZERO);
        assert_eq!(SimDuration::from_seconds_f64(-1.0), SimDuration::ZERO);
        assert_eq!(SimDuration::from_seconds_f64(f64::INFINITY), SimDuration::MAX);
    }

    #[test]
    fn spans_print_with_units() {
        let text = |ns| SimDuration::from_ns(ns).unwrap().to_string();
        assert_eq!(text(0), "0s");
        assert_eq!(text(150_000_000), "150ms");
        assert_eq!(text(300_000_000_000), "5m");
        assert_eq!(text(93_784_250_000_000), "1d 2h 3m 4.25s");
        assert_eq!(text(1), "0.000000001s");
    }
}
