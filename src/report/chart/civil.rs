//! Civil time in UTC by whole numbers: no time-zone data, no range that fails.

const DAY: i64 = 86_400;
/// Seconds from 1970 to the end of year 9999; starts beyond are held here.
const UNIX_MAX: i64 = 253_402_300_799;

/// A UTC date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) second_of_day: i64,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Unix seconds held in years 1 to 9999.
pub(super) fn held(unix_s: i64) -> i64 {
    unix_s.clamp(-62_135_596_800, UNIX_MAX)
}

impl Civil {
    /// The civil time of unix seconds.
    pub(super) fn at(unix_s: i64) -> Civil {
        let days = unix_s.div_euclid(DAY) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Civil { year, month, day, second_of_day: unix_s.rem_euclid(DAY) }
    }

    /// `Mar`.
    pub(super) fn month_name(&self) -> &'static str {
        let index = usize::try_from(self.month - 1).unwrap_or(0);
        MONTHS.get(index).copied().unwrap_or("")
    }

    /// `Mar 02`.
    pub(super) fn date(&self) -> String {
        format!("{} {:02}", self.month_name(), self.day)
    }

    /// `08:00`, or `08:00:05` where seconds matter.
    pub(super) fn clock(&self, seconds: bool) -> String {
        let s = self.second_of_day;
        let short = format!("{:02}:{:02}", s / 3_600, s / 60 % 60);
        if seconds { format!("{short}:{:02}", s % 60) } else { short }
    }

    /// `2026-03-02 08:00`, with seconds if they are not zero.
    pub(super) fn full(&self) -> String {
        let clock = self.clock(self.second_of_day % 60 != 0);
        format!("{:04}-{:02}-{:02} {clock}", self.year, self.month, self.day)
    }
}

/// Unix seconds of the first instant of a month; months past December run into the next years.
pub(super) fn month_start(year: i64, month0: i64) -> i64 {
    let (year, month) = (year + month0.div_euclid(12), month0.rem_euclid(12) + 1);
    let y = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    days * DAY
}
