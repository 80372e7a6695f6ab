//! The CSV files of a run. Columns are documented in `docs/outputs.md`.

use super::Run;
use crate::engine::{EntityId, SimTime};
use csv::StringRecord;
use std::collections::BTreeMap;

/// A cell of text that no spreadsheet takes for a formula (CWE-1236).
pub(super) fn text(cell: &str) -> String {
    let clean: String = cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let opens = ['=', '+', '-', '@'];
    if clean.trim_start().starts_with(opens) { format!("'{clean}") } else { clean }
}

/// Adds a number in shortest round-trip form and without an exponent; nothing if it is not finite.
pub(in crate::report) fn push_number(to: &mut String, value: f64) {
    if !value.is_finite() {
        return;
    }
    // `+ 0.0` turns a negative zero into zero.
    let value = value + 0.0;
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value);
    if shortest.contains('e') {
        *to += &value.to_string();
    } else {
        *to += shortest.strip_suffix(".0").unwrap_or(shortest);
    }
}

/// A number as a cell; undefined is an empty one.
pub fn number(value: Option<f64>) -> String {
    let mut cell = String::new();
    if let Some(value) = value {
        push_number(&mut cell, value);
    }
    cell
}

/// Rows to bytes. Writing into memory cannot fail.
pub(super) fn table(
    header: &[&str],
    rows: impl IntoIterator<Item = impl Into<StringRecord>>,
) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(header).expect("memory takes a header");
    for row in rows {
        writer.write_record(&row.into()).expect("memory takes a row of the header's length");
    }
    writer.into_inner().expect("memory is flushed")
}

fn optional(seq: Option<u32>) -> String {
    seq.map_or(String::new(), |seq| seq.to_string())
}

/// `events.csv`: one row per record.
pub fn events(run: &Run) -> Vec<u8> {
    let header = ["seq", "time", "offset_s", "entity", "from", "to", "rule", "cause", "detail"];
    let rows = run.outcome.trace.records.iter().enumerate().map(|(seq, record)| {
        vec![
            seq.to_string(),
            run.instant(record.at),
            number(Some(record.at.seconds())),
            text(run.path(record.entity)),
            run.state(record.entity, record.from).to_owned(),
            run.state(record.entity, record.to).to_owned(),
            record.rule.to_owned(),
            optional(record.cause),
            text(&record.detail),
        ]
    });
    table(&header, rows)
}

/// `timeline.csv`: one row per state an entity was in.
pub fn timeline(run: &Run) -> Vec<u8> {
    let header = ["entity", "state", "from", "to", "duration_s", "rule", "cause"];
    let records = &run.outcome.trace.records;
    let rows = (0..).map(EntityId).zip(&run.outcome.timeline).flat_map(|(entity, stays)| {
        stays.iter().map(move |stay| {
            vec![
                text(run.path(entity)),
                run.state(entity, stay.state).to_owned(),
                run.instant(stay.from),
                run.instant(stay.to),
                number(Some(stay.to.saturating_since(stay.from).seconds())),
                stay.cause.map_or(String::new(), |seq| records[seq as usize].rule.to_owned()),
                optional(stay.cause),
            ]
        })
    });
    table(&header, rows)
}

/// What each entity serves from when on: the share of its requests, or 1 and 0.
pub fn availability_levels(run: &Run) -> Vec<(EntityId, Vec<(SimTime, f64)>)> {
    let mut told: BTreeMap<EntityId, Vec<(SimTime, f64)>> = BTreeMap::new();
    for level in run.outcome.trace.levels.iter().filter(|level| level.name == "availability") {
        told.entry(level.entity).or_default().push((level.at, level.value));
    }
    let mut levels = Vec::new();
    for (entity, stays) in (0..).map(EntityId).zip(&run.outcome.timeline) {
        let states = run.entities[entity.0 as usize].1.states;
        let points = told.remove(&entity).unwrap_or_else(|| {
            let serves = |state: u8| f64::from(u8::from(states[usize::from(state)].serves));
            stays.iter().filter(|s| s.from < s.to).map(|s| (s.from, serves(s.state))).collect()
        });
        let mut changes: Vec<(SimTime, f64)> = Vec::new();
        for (at, value) in points {
            if changes.last().is_none_or(|(_, last)| *last != value) {
                changes.push((at, value));
            }
        }
        levels.push((entity, changes));
    }
    levels
}

/// `availability.csv`: one row per entity and change.
pub fn availability(run: &Run) -> Vec<u8> {
    let header = ["time", "offset_s", "entity", "availability"];
    let mut rows: Vec<(SimTime, EntityId, f64)> = availability_levels(run)
        .into_iter()
        .flat_map(|(entity, changes)| changes.into_iter().map(move |(at, v)| (at, entity, v)))
        .collect();
    rows.sort_by_key(|(at, entity, _)| (*at, *entity));
    table(
        &header,
        rows.into_iter().map(|(at, entity, value)| {
            let path = text(run.path(entity));
            vec![run.instant(at), number(Some(at.seconds())), path, number(Some(value))]
        }),
    )
}

/// `attribution.csv`: the time in which instances did not fully serve, by root event and phase.
pub fn attribution(run: &Run) -> Vec<u8> {
    let header = ["entity", "state", "phase", "root", "root_event", "seconds"];
    let rows = super::summary::shares(run).into_iter().map(|share| {
        vec![
            text(run.path(share.entity)),
            share.state.to_owned(),
            share.phase.to_owned(),
            optional(share.root),
            share.root.map_or(String::new(), |root| text(&run.root_in_words(root))),
            number(Some(share.span.seconds())),
        ]
    });
    table(&header, rows)
}

/// `writes.csv`: acknowledged writes that only a cluster that is down has, at each change.
pub fn writes(run: &Run) -> Vec<u8> {
    let header = ["time", "offset_s", "entity", "writes_at_risk"];
    let levels = run.outcome.trace.levels.iter().filter(|level| level.name == "writes-at-risk");
    let rows = levels.map(|level| {
        let path = text(run.path(level.entity));
        vec![
            run.instant(level.at),
            number(Some(level.at.seconds())),
            path,
            number(Some(level.value)),
        ]
    });
    table(&header, rows)
}

/// `operations.csv`: operations asked of each key by each system, by calendar month.
pub fn operations(run: &Run) -> Vec<u8> {
    let header = ["month", "key", "system", "operations", "cost_usd"];
    let mut sums: BTreeMap<(u32, EntityId, EntityId), u64> = BTreeMap::new();
    for tally in &run.outcome.trace.tallies {
        *sums.entry((tally.part, tally.of, tally.by)).or_default() += tally.count;
    }
    let rows = sums.into_iter().map(|((month, key, system), count)| {
        vec![
            run.month(month),
            text(run.path(key)),
            text(run.path(system)),
            count.to_string(),
            number(Some(run.model.price().of(count))),
        ]
    });
    table(&header, rows)
}

/// Levels that run in straight lines between their points, in the order in which they are drawn.
pub const FLOWS: [&str; 2] = ["backlog", "watermark-age"];

/// `flows.csv`: what waits in front of jobs and in subscriptions, and how old it is, at the ends of
/// the straight lines that these run in.
pub fn flows(run: &Run) -> Vec<u8> {
    let header = ["time", "offset_s", "entity", "quantity", "value"];
    let levels = run.outcome.trace.levels.iter();
    let mut points: Vec<_> = levels.filter(|level| FLOWS.contains(&level.name)).collect();
    // A point is known only when the line bends after it; at one instant the order is that of time.
    points.sort_by_key(|level| (level.at, level.entity, level.name));
    let rows = points.iter().map(|level| {
        vec![
            run.instant(level.at),
            number(Some(level.at.seconds())),
            text(run.path(level.entity)),
            level.name.to_owned(),
            number(Some(level.value)),
        ]
    });
    table(&header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@a", "\t=1", "  =1"] {
            let safe = text(cell);
            assert!(safe.starts_with('\''), "{safe:?}");
        }
        assert_eq!(text("keys.a"), "keys.a");
        assert_eq!(text("a\nb\u{1b}c"), "a b c");
    }

    #[test]
    fn numbers_are_finite_or_empty() {
        assert_eq!(number(Some(0.1)), "0.1");
        assert_eq!(number(Some(1e21)), "1000000000000000000000");
        assert_eq!(number(Some(f64::NAN)), "");
        assert_eq!(number(None), "");
        assert_eq!(number(Some(-0.0)), "0");
    }

    proptest::proptest! {
        /// Of two decimals that are equally short and near, the standard library may take the other.
        #[test]
        fn numbers_are_the_shortest_decimals_that_read_back(
            value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL,
            whole in proptest::num::i64::ANY,
            thousandths in -1_000_000_000_i64..1_000_000_000,
        ) {
            for value in [value, whole as f64, thousandths as f64 / 1e3, 1.0 / thousandths as f64] {
                if value.is_finite() {
                    let cell = number(Some(value));
                    let plain = cell.bytes().all(|b| b.is_ascii_digit() || b".-".contains(&b));
                    proptest::prop_assert!(plain, "{}", cell);
                    proptest::prop_assert_eq!(cell.parse(), Ok(value));
                    proptest::prop_assert_eq!(cell.len(), (value + 0.0).to_string().len());
                }
            }
        }
    }
}
