//! What one replication yields: its timeline and its measures.

use super::Model;
use crate::engine::trace::Seq;
use crate::engine::{EntityId, SimDuration, SimTime, StateId, Trace};
use crate::scenario::{Bound, Condition};
use crate::systems::spec::{COMMON_MEASURES, EntityKind, How, MeasureSpec};
use std::collections::BTreeMap;

/// A stretch of time that an entity spent in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The state.
    pub state: StateId,
    /// Its start.
    pub from: SimTime,
    /// Its end, or the horizon.
    pub to: SimTime,
    /// The record that began it; none for the state at the start.
    pub cause: Option<Seq>,
}

/// What one replication yields.
pub struct Outcome {
    /// What the run left behind.
    pub trace: Trace,
    /// The states of each entity over time, by number of the entity.
    pub timeline: Vec<Vec<Stay>>,
    /// Every measure by its path; `None` is undefined.
    pub measures: BTreeMap<String, Option<f64>>,
}

/// The measures of a kind of entity.
pub fn measures_of(kind: &'static EntityKind) -> impl Iterator<Item = &'static MeasureSpec> {
    COMMON_MEASURES.iter().chain(kind.measures)
}

impl Outcome {
    pub(super) fn new(model: &Model, trace: Trace) -> Outcome {
        let timeline = timeline(model, &trace);
        let first_root = trace.records.iter().find(|record| record.cause.is_none()).map(|r| r.at);
        let mut told: BTreeMap<(EntityId, &str), Option<f64>> = BTreeMap::new();
        for &(entity, name, value) in &trace.measures {
            let sum = told.entry((entity, name)).or_insert(Some(0.0));
            *sum = (*sum).zip(value).map(|(sum, value)| sum + value);
        }
        let mut measures = BTreeMap::new();
        for (number, (path, kind)) in (0..).zip(model.entities()) {
            let stays = &timeline[number as usize];
            for spec in measures_of(kind) {
                let value = match told.get(&(EntityId(number), spec.name)) {
                    Some(value) => *value,
                    None => derive(spec, kind, stays, first_root, model.horizon()),
                };
                measures.insert(format!("{path}.{}", spec.name), value);
            }
        }
        Outcome { trace, timeline, measures }
    }

    /// The value of a bound's measure, and whether the bound holds.
    pub fn judge(&self, bound: &Bound) -> (Option<f64>, bool) {
        let path = format!("{}.{}", bound.entity, bound.measure);
        let value = self.measures.get(&path).copied().flatten();
        let holds = match (bound.condition, value) {
            (Condition::Never, value) => value.is_none(),
            (Condition::Within { low, high }, Some(value)) => {
                low.is_none_or(|low| value >= low) && high.is_none_or(|high| value <= high)
            }
            (Condition::Within { .. }, None) => false,
        };
        (value, holds)
    }
}

/// The states of each entity over time.
fn timeline(model: &Model, trace: &Trace) -> Vec<Vec<Stay>> {
    let end = SimTime::START.saturating_add(model.horizon());
    let mut timeline: Vec<Vec<Stay>> = model
        .initial()
        .iter()
        .map(|&state| vec![Stay { state, from: SimTime::START, to: end, cause: None }])
        .collect();
    for (seq, record) in (0..).zip(&trace.records) {
        if record.from == record.to {
            continue;
        }
        let stays = &mut timeline[record.entity.0 as usize];
        if let Some(last) = stays.last_mut() {
            last.to = record.at;
        }
        stays.push(Stay { state: record.to, from: record.at, to: end, cause: Some(seq) });
    }
    timeline
}

/// Seconds of a whole number of nanoseconds.
fn seconds(ns: u64) -> f64 {
    SimDuration::from_ns(ns).unwrap_or(SimDuration::MAX).seconds()
}

fn length(stay: &Stay) -> u64 {
    stay.to.saturating_since(stay.from).ns()
}

/// A measure that follows from the states alone.
fn derive(
    spec: &MeasureSpec,
    kind: &EntityKind,
    stays: &[Stay],
    first_root: Option<SimTime>,
    horizon: SimDuration,
) -> Option<f64> {
    let state = |stay: &Stay| &kind.states[usize::from(stay.state)];
    let since_root = |at: SimTime| at.since(first_root?).map(SimDuration::seconds);
    match spec.how {
        How::Told => None,
        How::Common => Some(common(spec.name, kind, stays, horizon)),
        How::TimeIn(states) => {
            let inside = stays.iter().filter(|stay| states.contains(&state(stay).name));
            Some(seconds(inside.map(length).sum()))
        }
        How::FirstError => {
            let stay = stays.iter().find(|stay| stay.state != 0 && stay.cause.is_some())?;
            since_root(stay.from)
        }
        How::Lockout => {
            let out = |stay: &&Stay| !state(stay).serves && stay.cause.is_some();
            since_root(stays.iter().find(out)?.from)
        }
        How::Recovery => {
            let last = stays.last().filter(|stay| stay.state == 0 && stay.cause.is_some())?;
            since_root(last.from)
        }
        How::Irreversible => {
            Some(f64::from(u8::from(stays.last().is_some_and(|stay| state(stay).irreversible))))
        }
    }
}

/// The measures of everything with states.
fn common(name: &str, kind: &EntityKind, stays: &[Stay], horizon: SimDuration) -> f64 {
    let mut outages: Vec<u64> = Vec::new();
    let mut before_serves = true;
    for stay in stays.iter().filter(|stay| length(stay) > 0) {
        let serves = kind.states[usize::from(stay.state)].serves;
        match (serves, before_serves, outages.last_mut()) {
            (false, false, Some(last)) => *last += length(stay),
            (false, ..) => outages.push(length(stay)),
            (true, ..) => {}
        }
        before_serves = serves;
    }
    let down: u64 = outages.iter().sum();
    match name {
        "availability" if horizon.is_zero() => 1.0,
        "availability" => (horizon.ns() - down) as f64 / horizon.ns() as f64,
        "downtime" => seconds(down),
        "outages" => outages.len() as f64,
        "longest-outage" => seconds(outages.iter().copied().max().unwrap_or(0)),
        other => panic!("`{other}` is not a common measure"),
    }
}
