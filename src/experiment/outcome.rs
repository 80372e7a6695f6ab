//! What one replication yields: its timeline and its measures.

use super::Model;
use crate::engine::trace::{Record, Seq};
use crate::engine::{EntityId, SimDuration, SimTime, StateId, Trace};
use crate::scenario::{Bound, Condition};
use crate::systems::contract::Plan;
use crate::systems::operations::Price;
use crate::systems::spec::{COMMON_MEASURES, EntityKind, How, MeasureSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    pub measures: Measures,
}

/// The measures of a model: the same for every replication.
pub struct Catalogue {
    /// Their paths, in order.
    paths: Vec<String>,
    /// Of each entity, its measures.
    places: Vec<Vec<Place>>,
    /// Measures made of other measures, each after those it is made of.
    derived: Vec<Derived>,
    price: Price,
}

/// A measure made of other measures.
struct Derived {
    place: usize,
    from: From,
}

enum From {
    Priced(usize),
    Copied(usize),
    Zero,
    Sum(Vec<usize>),
}

/// A measure of an entity.
struct Place {
    spec: &'static MeasureSpec,
    /// Its place among the paths.
    place: usize,
    /// The states whose time it is made of, a bit for each.
    states: u32,
}

/// No kind of entity has more states: a mask has a bit for each.
const STATES_MAX: usize = 32;

/// The states that a measure is made of, a bit for each.
fn mask(kind: &EntityKind, spec: &MeasureSpec) -> u32 {
    let How::TimeIn(names) = spec.how else { return 0 };
    let named = (0..).zip(kind.states).filter(|(_, state)| names.contains(&state.name));
    named.map(|(number, _): (u32, _)| 1 << number).sum()
}

impl Catalogue {
    /// The measures of the entities of a plan.
    pub(super) fn new(plan: &Plan) -> Catalogue {
        let mut places: Vec<Vec<Place>> = Vec::new();
        let mut sorted: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (number, (path, kind)) in plan.entities().enumerate() {
            let of = |spec| Place { spec, place: 0, states: mask(kind, spec) };
            let own: Vec<Place> = measures_of(kind).map(of).collect();
            for (index, Place { spec, .. }) in own.iter().enumerate() {
                sorted.insert(format!("{path}.{}", spec.name), (number, index));
            }
            places.push(own);
        }
        for (place, &(number, index)) in sorted.values().enumerate() {
            places[number][index].place = place;
        }
        let logged = |entity: u32| plan.logged.contains(&EntityId(entity));
        let mut derived: Vec<Derived> =
            (0..).zip(&places).flat_map(|(entity, own)| derived_of(own, logged(entity))).collect();
        derived.sort_by_key(|measure| matches!(measure.from, From::Sum(_)));
        let paths = sorted.into_keys().collect();
        Catalogue { paths, places, derived, price: plan.price }
    }

    /// The paths, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

/// Those measures of an entity that are made of others.
fn derived_of(own: &[Place], logged: bool) -> Vec<Derived> {
    let named = |name: &str| {
        let found = own.iter().find(|other| other.spec.name == name);
        found.expect("a measure is made of measures of the same entity").place
    };
    let from = |how| match how {
        How::Priced(name) => Some(From::Priced(named(name))),
        How::Logged(name) if logged => Some(From::Copied(named(name))),
        How::Logged(_) => Some(From::Zero),
        How::Sum(names) => Some(From::Sum(names.iter().map(|name| named(name)).collect())),
        How::Told
        | How::Counted
        | How::TimeIn(_)
        | How::FirstError
        | How::Lockout
        | How::Recovery
        | How::Irreversible
        | How::Common => None,
    };
    let of =
        |measure: &Place| from(measure.spec.how).map(|from| Derived { place: measure.place, from });
    own.iter().filter_map(of).collect()
}

/// Measures by path, in the order of their paths.
#[derive(Clone)]
pub struct Measures {
    catalogue: Arc<Catalogue>,
    values: Vec<Option<f64>>,
}

impl Measures {
    /// The measure with a path, if there is one.
    pub fn get(&self, path: &str) -> Option<&Option<f64>> {
        let place = self.catalogue.paths.binary_search_by(|known| known.as_str().cmp(path)).ok()?;
        self.values.get(place)
    }

    /// Every path with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        self.catalogue.paths.iter().map(String::as_str).zip(self.values.iter().copied())
    }
}

impl std::ops::Index<&str> for Measures {
    type Output = Option<f64>;

    fn index(&self, path: &str) -> &Option<f64> {
        match self.get(path) {
            Some(value) => value,
            None => panic!("the model has no measure `{path}`"),
        }
    }
}

impl PartialEq for Measures {
    fn eq(&self, other: &Measures) -> bool {
        self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for Measures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl serde::Serialize for Measures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The measures of a kind of entity.
pub fn measures_of(kind: &'static EntityKind) -> impl Iterator<Item = &'static MeasureSpec> {
    COMMON_MEASURES.iter().chain(kind.measures)
}

impl Outcome {
    pub(super) fn new(model: &Model, trace: Trace) -> Outcome {
        let timeline = timeline(model, &trace);
        let first_root = first_root(model, &trace);
        let catalogue = &model.catalogue;
        let mut values: Vec<Option<Option<f64>>> = vec![None; catalogue.paths.len()];
        for &(entity, name, value) in &trace.measures {
            let places = &catalogue.places[entity.0 as usize];
            let Place { place, .. } = *places
                .iter()
                .find(|known| known.spec.name == name)
                .expect("a process tells measures that its entities' kinds describe");
            let sum = values[place].unwrap_or(Some(0.0));
            values[place] = Some(sum.zip(value).map(|(sum, value)| sum + value));
        }
        for ((stays, places), (_, kind)) in
            timeline.iter().zip(&catalogue.places).zip(model.entities())
        {
            let common = Common::of(kind, stays);
            for known in places {
                if values[known.place].is_none() {
                    let value = derive(known, kind, stays, &common, first_root, model.horizon());
                    values[known.place] = Some(value);
                }
            }
        }
        let mut values: Vec<Option<f64>> = values.into_iter().map(Option::flatten).collect();
        for measure in &catalogue.derived {
            values[measure.place] = match &measure.from {
                // Counts are whole numbers that a float keeps exactly.
                From::Priced(count) => values[*count].map(|c| catalogue.price.of(c as u64)),
                From::Copied(other) => values[*other],
                From::Zero => Some(0.0),
                From::Sum(parts) => parts.iter().map(|part| values[*part]).sum(),
            };
        }
        let measures = Measures { catalogue: catalogue.clone(), values };
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

/// The instant from which the times to something run: of the first root event. What is no fault by
/// itself counts only if something stops serving, or a system is disturbed, because of it.
fn first_root(model: &Model, trace: &Trace) -> Option<SimTime> {
    let records = || (0..).zip(&trace.records);
    let is_quiet = |seq: Seq| trace.no_faults.binary_search(&seq).is_ok();
    let (first, record) = records().find(|(_, record)| record.cause.is_none())?;
    if !is_quiet(first) {
        return Some(record.at);
    }
    let kinds: Vec<&EntityKind> = model.entities().map(|(_, kind)| kind).collect();
    let mut roots: Vec<Seq> = Vec::with_capacity(trace.records.len());
    let mut found: Option<Seq> = None;
    for (seq, record) in records() {
        let root = record.cause.map_or(seq, |cause| roots[cause as usize]);
        roots.push(root);
        let counts = record.cause.is_none() && !is_quiet(seq);
        if (counts || disturbs(record, kinds[record.entity.0 as usize]))
            && found.is_none_or(|earlier| root < earlier)
        {
            found = Some(root);
        }
    }
    found.map(|seq| trace.records[seq as usize].at)
}

/// Does something stop serving, or does a system leave the state in which all is well?
fn disturbs(record: &Record, kind: &EntityKind) -> bool {
    let serves = |state: StateId| kind.states[usize::from(state)].serves;
    let is_system = || kind.measures.iter().any(|measure| measure.how == How::FirstError);
    record.from != record.to
        && ((serves(record.from) && !serves(record.to)) || (record.to != 0 && is_system()))
}

/// The states of each entity over time.
fn timeline(model: &Model, trace: &Trace) -> Vec<Vec<Stay>> {
    let end = SimTime::START.saturating_add(model.horizon());
    let mut counts = vec![1; model.initial().len()];
    for record in trace.records.iter().filter(|record| record.from != record.to) {
        counts[record.entity.0 as usize] += 1;
    }
    let first = |(&state, count): (&StateId, usize)| {
        let mut stays = Vec::with_capacity(count);
        stays.push(Stay { state, from: SimTime::START, to: end, cause: None });
        stays
    };
    let mut timeline: Vec<Vec<Stay>> = model.initial().iter().zip(counts).map(first).collect();
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

/// What the measures of an entity are made of that follow from its states.
struct Common {
    down: u64,
    outages: u64,
    longest: u64,
    /// Time in each state.
    inside: [u64; STATES_MAX],
}

impl Common {
    fn of(kind: &EntityKind, stays: &[Stay]) -> Common {
        let mut common = Common { down: 0, outages: 0, longest: 0, inside: [0; STATES_MAX] };
        let mut current = 0;
        for stay in stays {
            let length = stay.to.saturating_since(stay.from).ns();
            if length == 0 {
                continue;
            }
            common.inside[usize::from(stay.state)] += length;
            if kind.states[usize::from(stay.state)].serves {
                current = 0;
                continue;
            }
            common.outages += u64::from(current == 0);
            current += length;
            common.down += length;
            common.longest = common.longest.max(current);
        }
        common
    }

    /// Nanoseconds in the states of a mask.
    fn inside(&self, mut mask: u32) -> u64 {
        let mut inside = 0;
        while mask != 0 {
            inside += self.inside[mask.trailing_zeros() as usize];
            mask &= mask - 1;
        }
        inside
    }

    fn measure(&self, name: &str, horizon: SimDuration) -> f64 {
        match name {
            "availability" if horizon.is_zero() => 1.0,
            "availability" => (horizon.ns() - self.down) as f64 / horizon.ns() as f64,
            "downtime" => seconds(self.down),
            "outages" => self.outages as f64,
            "longest-outage" => seconds(self.longest),
            other => panic!("`{other}` is not a common measure"),
        }
    }
}

/// A measure that follows from the states alone.
fn derive(
    measure: &Place,
    kind: &EntityKind,
    stays: &[Stay],
    common: &Common,
    first_root: Option<SimTime>,
    horizon: SimDuration,
) -> Option<f64> {
    let state = |stay: &Stay| &kind.states[usize::from(stay.state)];
    let since_root = |at: SimTime| at.since(first_root?).map(SimDuration::seconds);
    match measure.spec.how {
        How::Told | How::Priced(_) | How::Logged(_) | How::Sum(_) => None,
        How::Counted => Some(0.0),
        How::Common => Some(common.measure(measure.spec.name, horizon)),
        How::TimeIn(_) => Some(seconds(common.inside(measure.states))),
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
