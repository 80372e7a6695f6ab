//! The long run: availability after a warm-up, by batch means.

use super::Model;
use super::ordered::ordered;
use super::outcome::Stay;
use crate::engine::{Budget, Halt, SimDuration, SimTime};
use crate::stats::batch::{BatchMeans, batch_means, warm_up};
use crate::systems::contract::SweepMode;
use crate::systems::spec::EntityKind;

/// Slices of a whole run in which a transient is looked for.
const SLICES: u64 = 20;

/// What is asked of the long run.
#[derive(Clone, Copy, Debug)]
pub struct Long {
    /// What is left out at the start of every run.
    pub warm_up: SimDuration,
    /// Batches of what remains.
    pub batches: u64,
    /// Runs.
    pub replications: u64,
    /// The seed.
    pub seed: u64,
}

/// The availability of an entity in the long run.
#[derive(Clone, Debug, PartialEq)]
pub struct Availability {
    /// Its path.
    pub entity: String,
    /// Batch means over all runs.
    pub means: BatchMeans,
    /// The warm-up that these runs call for: whole slices of the run whose availability differs
    /// from that of the second half. Absent with one run, or where none is long enough.
    pub needed: Option<SimDuration>,
}

/// The stretch of a run from one instant to another.
#[derive(Clone, Copy)]
struct Stretch {
    from: SimTime,
    to: SimTime,
}

impl Stretch {
    /// So many equal parts.
    fn parts(self, count: u64) -> Vec<Stretch> {
        let length = u128::from(self.to.saturating_since(self.from).ns());
        let at = |part: u64| {
            let ns = length * u128::from(part) / u128::from(count.max(1));
            let offset = u64::try_from(ns).ok().and_then(SimDuration::from_ns);
            self.from.saturating_add(offset.unwrap_or(SimDuration::MAX))
        };
        (0..count).map(|part| Stretch { from: at(part), to: at(part + 1) }).collect()
    }
}

/// The share of each part of a run in which an entity serves. Parts and stays are in order.
fn shares(stays: &[Stay], kind: &EntityKind, parts: &[Stretch]) -> Vec<f64> {
    let mut first = 0;
    let mut shares = Vec::with_capacity(parts.len());
    for part in parts {
        while stays.get(first).is_some_and(|stay| stay.to <= part.from) {
            first += 1;
        }
        let inside = stays.iter().skip(first).take_while(|stay| stay.from < part.to);
        let serving = inside.filter(|stay| kind.states[usize::from(stay.state)].serves);
        let ns: u64 = serving
            .map(|stay| stay.to.min(part.to).saturating_since(stay.from.max(part.from)).ns())
            .sum();
        shares.push(ns as f64 / part.to.saturating_since(part.from).ns() as f64);
    }
    shares
}

/// Plays long runs and takes their batches. `done` hears of every run.
///
/// # Errors
/// A run met a limit of its budget.
pub fn steady(
    model: &Model,
    long: &Long,
    pool: &rayon::ThreadPool,
    done: impl Fn() + Sync,
) -> Result<Vec<Availability>, Halt> {
    let end = SimTime::START.saturating_add(model.horizon());
    let whole = Stretch { from: SimTime::START, to: end };
    let kept = Stretch { from: SimTime::START.saturating_add(long.warm_up), to: end };
    let (slices, batches) = (whole.parts(SLICES), kept.parts(long.batches));
    let kinds: Vec<(&str, &'static EntityKind)> = model.entities().collect();
    let work = |replication: u64| {
        let trace =
            model.replicate(long.seed, replication, SweepMode::Decisive, Budget::default())?;
        let outcome = model.outcome(trace);
        done();
        let of = |parts: &[Stretch]| -> Vec<Vec<f64>> {
            let pairs = outcome.timeline.iter().zip(&kinds);
            pairs.map(|(stays, (_, kind))| shares(stays, kind, parts)).collect()
        };
        Ok((of(&slices), of(&batches)))
    };
    let mut sliced: Vec<Vec<Vec<f64>>> = vec![Vec::new(); kinds.len()];
    let mut batched: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
    ordered(0..long.replications, pool, work, |_, (slices, batches)| {
        let pairs = slices.into_iter().zip(batches);
        for ((all, values), (slice, batch)) in sliced.iter_mut().zip(&mut batched).zip(pairs) {
            all.push(slice);
            values.extend(batch);
        }
    })?;
    let slice = |count: usize| {
        let part = slices.get(count.checked_sub(1)?)?;
        Some(part.to.saturating_since(SimTime::START))
    };
    let mut found = Vec::with_capacity(kinds.len());
    for (place, (path, _)) in kinds.iter().enumerate() {
        let Some(means) = batch_means(&batched[place]) else { continue };
        let needed = warm_up(&sliced[place]).map(|count| slice(count).unwrap_or(SimDuration::ZERO));
        found.push(Availability { entity: (*path).to_owned(), means, needed });
    }
    Ok(found)
}
