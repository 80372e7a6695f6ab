//! Texts with a unit: spans of time, instants, rates; and the form of names and places.

use super::tree::quote;
use crate::engine::SimDuration;
use crate::limits::{HORIZON_NS_MAX, RATE_MAX};

/// What keeps a text from being read.
pub(super) struct Problem {
    /// The code of the diagnostic.
    pub(super) code: &'static str,
    /// The fact.
    pub(super) message: String,
    /// What to write instead.
    pub(super) help: String,
}

fn problem<T>(
    code: &'static str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Result<T, Problem> {
    Err(Problem { code, message: message.into(), help: help.into() })
}

const DURATION_HELP: &str =
    "write a number with a unit, such as \"250ms\", \"30s\", \"5m\", \"1h 30m\" or \"7d\"";
const UNITS: &[(&str, u64)] = &[
    ("s", 1),
    ("sec", 1),
    ("second", 1),
    ("m", 60),
    ("min", 60),
    ("minute", 60),
    ("h", 3_600),
    ("hour", 3_600),
    ("d", 86_400),
    ("day", 86_400),
];

/// What to write for a bare number where a unit belongs.
pub(super) fn with_unit(number: &str) -> String {
    let number = number.trim_start_matches('-');
    format!("write \"{number}s\" for seconds, \"{number}m\" for minutes or \"{number}h\" for hours")
}

/// A span of time: `"5m"`, `"1h 30m"`, `"PT5M"`, `"250ms"`; a day has 24 hours.
pub(super) fn duration(text: &str) -> Result<SimDuration, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return problem("unreadable-duration", "an empty text is no length of time", DURATION_HELP);
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b".+-_eE".contains(&b)) {
        return problem("missing-unit", format!("{} has no unit", quote(text)), with_unit(text));
    }
    let Ok(span) = text.parse::<jiff::Span>() else {
        let digits = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if digits.len() < text.len() && ["ms", "s", "m", "h", "d", "w"].contains(&digits) {
            return too_long(text);
        }
        let message = format!("{} is not a length of time", quote(text));
        return problem("unreadable-duration", message, DURATION_HELP);
    };
    if span.get_years() != 0 || span.get_months() != 0 {
        return problem(
            "unreadable-duration",
            format!("{} counts months or years, whose length varies", quote(text)),
            "write days, such as \"30d\" or \"365d\"",
        );
    }
    let parts: [(i128, i128); 8] = [
        (span.get_weeks().into(), 604_800_000_000_000),
        (span.get_days().into(), 86_400_000_000_000),
        (span.get_hours().into(), 3_600_000_000_000),
        (span.get_minutes().into(), 60_000_000_000),
        (span.get_seconds().into(), 1_000_000_000),
        (span.get_milliseconds().into(), 1_000_000),
        (span.get_microseconds().into(), 1_000),
        (span.get_nanoseconds().into(), 1),
    ];
    let ns: i128 = parts.iter().map(|(count, unit)| count * unit).sum();
    if ns < 0 {
        let message = format!("{} is negative", quote(text));
        return problem("out-of-range", message, "write a length of time of zero or more");
    }
    match u64::try_from(ns).ok().and_then(SimDuration::from_ns) {
        Some(span) => Ok(span),
        None => too_long(text),
    }
}

fn too_long<T>(text: &str) -> Result<T, Problem> {
    let days = HORIZON_NS_MAX / 86_400_000_000_000;
    let message = format!("{} is longer than {days} days, the longest time there is", quote(text));
    problem("limit-duration", message, format!("write at most \"{days}d\""))
}

/// How narrow an interval is wanted: its half-width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    /// A share of the estimate; of a share near to one, a share of what it lacks to one.
    Relative(f64),
    /// So much, in the unit of the measure.
    Absolute(f64),
    /// So many seconds.
    Seconds(f64),
}

/// What stands after `--precision`: `5%`, `0.001`, `10m`.
///
/// # Errors
/// It is none of these, or not above zero.
pub fn precision(text: &str) -> Result<Precision, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    let found = match text.trim().strip_suffix('%') {
        Some(share) => number(share).map(|share| Precision::Relative(share / 100.0)),
        None => number(text)
            .map(Precision::Absolute)
            .or_else(|| duration(text).ok().map(|span| Precision::Seconds(span.seconds()))),
    };
    let above = |precision: &Precision| match *precision {
        Precision::Relative(x) | Precision::Absolute(x) | Precision::Seconds(x) => x > 0.0,
    };
    found.filter(above).ok_or_else(|| {
        format!(
            "--precision takes a share such as 5%, a number such as 0.001 or a length of \
                 time such as 10m, above zero, not {}",
            quote(text)
        )
    })
}

/// So many per unit of time, as a number per second: `"300/s"`, `"18000/min"`.
pub(super) fn rate(text: &str) -> Result<f64, Problem> {
    const HELP: &str = "write a number per unit of time, such as \"300/s\", \"18000/min\", \
                        \"1e6/h\" or \"5/d\"";
    let Some((number, unit)) = text.split_once('/') else {
        if let Ok(number) = text.trim().parse::<f64>() {
            let help = format!("write \"{number}/s\" for so many per second");
            return problem("missing-unit", format!("{} has no unit", quote(text)), help);
        }
        return problem("unreadable-rate", format!("{} is not a rate", quote(text)), HELP);
    };
    let Some((_, seconds)) = UNITS.iter().find(|(name, _)| *name == unit.trim()) else {
        let message = format!("{} is not a unit of time", quote(unit));
        return problem("unreadable-rate", message, HELP);
    };
    let Ok(number) = number.trim().parse::<f64>() else {
        return problem("unreadable-rate", format!("{} is not a number", quote(number)), HELP);
    };
    if !number.is_finite() {
        return problem("not-finite", format!("{} is not a finite number", quote(text)), HELP);
    }
    if number < 0.0 {
        let message = format!("{} is negative", quote(text));
        return problem("out-of-range", message, "write a rate of zero or more");
    }
    // `+ 0.0` turns a negative zero into zero.
    let rate = number / *seconds as f64 + 0.0;
    if rate > RATE_MAX {
        let message = format!("{} is more than {RATE_MAX} per second", quote(text));
        return problem("out-of-range", message, "write a rate of at most \"1e9/s\"");
    }
    Ok(rate)
}

/// An instant with its offset from UTC.
pub(super) fn timestamp(text: &str) -> Result<jiff::Timestamp, Problem> {
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    if let Ok(civil) = text.parse::<jiff::civil::DateTime>() {
        let message = format!("{} has no offset from UTC", quote(text));
        let help = format!("write `{civil}Z` for UTC, or `{civil}+01:00`");
        return problem("missing-offset", message, help);
    }
    let message = format!("{} is not an instant", quote(text));
    problem("unreadable-instant", message, "write a date and time such as `2026-03-02T08:00:00Z`")
}

/// Is this a place of Google Cloud: lower case, such as `us-east1` or `global`?
pub(super) fn location(text: &str) -> Result<(), Problem> {
    let shaped = text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if shaped {
        return Ok(());
    }
    let message = format!("{} is not the name of a location", quote(text));
    problem("location-form", message, "write a location such as \"us-east1\" or \"global\"")
}

/// Is this a zone: a region and a letter, such as `us-east1-b`?
pub(super) fn zone(text: &str) -> Result<(), Problem> {
    let split = text.rsplit_once('-');
    let shaped = split.is_some_and(|(region, letter)| {
        letter.len() == 1
            && letter.bytes().all(|b| b.is_ascii_lowercase())
            && region.ends_with(|c: char| c.is_ascii_digit())
            && location(region).is_ok()
    });
    if shaped {
        return Ok(());
    }
    let is_region = text.ends_with(|c: char| c.is_ascii_digit()) && location(text).is_ok();
    let (message, example) = if is_region {
        (format!("{} is a region, not a zone", quote(text)), format!("{text}-b"))
    } else {
        (format!("{} is not the name of a zone", quote(text)), "us-east1-b".to_owned())
    };
    problem("zone-form", message, format!("write a region and a letter, such as \"{example}\""))
}

/// Can this be the name of something: lower case letters, digits and hyphens?
pub(super) fn name(text: &str) -> Result<(), Problem> {
    let max = crate::limits::NAME_BYTES_MAX;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() || text.starts_with('-') || !text.bytes().all(allowed) {
        let mut better: String = text
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(max)
            .collect();
        better = better.trim_matches('-').to_owned();
        let example =
            if better.is_empty() { String::new() } else { format!(", such as `{better}`") };
        return problem(
            "name-letters",
            format!("{} cannot be a name", quote(text)),
            format!("use lower case letters, digits and hyphens, no hyphen first{example}"),
        );
    }
    if text.len() > max {
        let message = format!("the name {} has {} bytes, more than {max}", quote(text), text.len());
        return problem("limit-name-bytes", message, format!("use at most {max} characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_and_know_their_units() {
        let ns = |text| duration(text).map(SimDuration::ns).map_err(|p| p.code);
        let second = 1_000_000_000;
        assert_eq!(ns("5m"), Ok(300 * second));
        assert_eq!(ns("PT5M"), Ok(300 * second));
        assert_eq!(ns("1h 30m"), Ok(5_400 * second));
        assert_eq!(ns("1.5h"), Ok(5_400 * second));
        assert_eq!(ns("250ms"), Ok(second / 4));
        assert_eq!(ns("2w"), Ok(14 * 86_400 * second));
        assert_eq!(ns("1d 2h 3m 4.25s"), Ok(93_784_250_000_000));
        assert_eq!(ns("0.000000001s"), Ok(1));
        assert_eq!(ns("4611686018.427387904s"), Ok(HORIZON_NS_MAX));
        assert_eq!(ns("4611686018.427387905s"), Err("limit-duration"));
        assert_eq!(ns("999999999999999d"), Err("limit-duration"));
        assert_eq!(ns("300"), Err("missing-unit"));
        assert_eq!(ns("1mo"), Err("unreadable-duration"));
        assert_eq!(ns("1y"), Err("unreadable-duration"));
        assert_eq!(ns("-5m"), Err("out-of-range"));
        assert_eq!(ns("5 parsecs"), Err("unreadable-duration"));
        assert_eq!(ns(""), Err("unreadable-duration"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_is_read(ns in 0..=HORIZON_NS_MAX) {
            let span = SimDuration::from_ns(ns).unwrap();
            proptest::prop_assert_eq!(duration(&span.to_string()).ok(), Some(span));
        }

        #[test]
        fn no_text_panics(
            text in "\\PC{0,30}",
            like in "-?P?T?[0-9.,]{0,22} ?[a-zµ]{0,6}/?[a-z]{0,4}",
        ) {
            for text in [text, like] {
                let _ = (duration(&text).is_ok(), rate(&text).is_ok(), timestamp(&text).is_ok());
                let _ = (zone(&text).is_ok(), location(&text).is_ok(), name(&text).is_ok());
            }
        }
    }

    #[test]
    fn rates_are_per_second() {
        let per_second = |text| rate(text).map_err(|p| p.code);
        assert_eq!(per_second("300/s"), Ok(300.0));
        assert_eq!(per_second("18000/min"), Ok(300.0));
        assert_eq!(per_second("3.6e6/h"), Ok(1000.0));
        assert_eq!(per_second("86400/d"), Ok(1.0));
        assert_eq!(per_second("300"), Err("missing-unit"));
        assert_eq!(per_second("nan/s"), Err("not-finite"));
        assert_eq!(per_second("-1/s"), Err("out-of-range"));
        assert_eq!(per_second("1e9/s"), Ok(1e9));
        assert_eq!(per_second("1.000001e9/s"), Err("out-of-range"));
        assert_eq!(per_second("1e308/s"), Err("out-of-range"));
        assert_eq!(per_second("1/fortnight"), Err("unreadable-rate"));
    }

    #[test]
    fn names_and_places_have_their_form() {
        assert!(name("orders-east2").is_ok() && name("2x").is_ok());
        assert!(name("").is_err() && name("-a").is_err() && name("A").is_err());
        assert!(name(&"a".repeat(63)).is_ok() && name(&"a".repeat(64)).is_err());
        assert!(zone("us-east1-b").is_ok() && zone("us-east1").is_err() && zone("b").is_err());
        assert!(location("global").is_ok() && location("US").is_err());
    }
}
