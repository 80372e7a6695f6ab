//! The long run: availability after a warm-up, by batch means.

use super::Model;
use super::estimates::{Ignorance, apart, over_worlds};
use super::outcome::Stay;
use super::plan::Cell;
use super::rows::{Batch, Row};
use super::run::Cells;
use super::study::Study;
use crate::engine::{Budget, Halt, SimDuration, SimTime};
use crate::stats::Moments;
use crate::stats::batch::{BatchMeans, Batches, WarmUp, batch_means};
use crate::systems::contract::SweepMode;
use crate::systems::spec::EntityKind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Slices of a whole run in which a transient is looked for.
const SLICES: u64 = 20;

/// What is asked of the long run.
#[derive(Clone, Copy, Debug)]
pub struct Long {
    /// What is left out at the start of every run.
    pub warm_up: SimDuration,
    /// Batches of what remains.
    pub batches: u64,
    /// Runs, in each world.
    pub replications: u64,
}

/// The availability of an entity in the long run.
#[derive(Clone, Debug, PartialEq)]
pub struct Availability {
    /// Its path.
    pub entity: String,
    /// Batch means over all runs. With several worlds the interval is over their means.
    pub means: BatchMeans,
    /// What of the spread of the batches is ignorance, where something is uncertain.
    pub ignorance: Option<Ignorance>,
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
fn shares(stays: &[Stay], kind: &EntityKind, parts: &[Stretch], shares: &mut [f64]) {
    let mut first = 0;
    for (part, share) in parts.iter().zip(shares) {
        while stays.get(first).is_some_and(|stay| stay.to <= part.from) {
            first += 1;
        }
        let inside = stays.iter().skip(first).take_while(|stay| stay.from < part.to);
        let serving = inside.filter(|stay| kind.states[usize::from(stay.state)].serves);
        let ns: u64 = serving
            .map(|stay| stay.to.min(part.to).saturating_since(stay.from.max(part.from)).ns())
            .sum();
        *share = ns as f64 / part.to.saturating_since(part.from).ns() as f64;
    }
}

/// Long runs of a scenario, all of one length.
pub struct Runs<'a> {
    study: &'a Study<'a>,
    /// Paths of the entities of any world, in order.
    entities: Vec<&'a str>,
    slices: Vec<Stretch>,
    batches: Vec<Stretch>,
}

impl<'a> Runs<'a> {
    /// The runs of a scenario whose worlds have one horizon.
    pub fn new(study: &'a Study<'a>, long: &Long) -> Runs<'a> {
        let end = SimTime::START.saturating_add(study.horizons().1);
        let whole = Stretch { from: SimTime::START, to: end };
        let kept = Stretch { from: SimTime::START.saturating_add(long.warm_up), to: end };
        let (slices, batches) = (whole.parts(SLICES), kept.parts(long.batches));
        Runs { study, entities: study.entities(), slices, batches }
    }

    /// Paths of the entities.
    pub fn entities(&self) -> &[&'a str] {
        &self.entities
    }

    /// Values of each entity in a row: a share for each slice of the whole run, then one for each
    /// batch.
    pub fn each(&self) -> usize {
        self.slices.len() + self.batches.len()
    }
}

/// What plays the runs of a world.
pub struct Player {
    model: Arc<Model>,
    seed: u64,
    /// The place in the model of each entity, where this world has it.
    places: Vec<Option<usize>>,
}

impl Cells for Runs<'_> {
    type Player<'p>
        = Player
    where
        Self: 'p;
    type Error = Halt;

    fn player(&self, world: usize) -> Result<Player, Halt> {
        let (model, seed) = self.study.model(world);
        let known: BTreeMap<&str, usize> =
            model.entities().map(|(path, _)| path).zip(0..).collect();
        let places = self.entities.iter().map(|path| known.get(path).copied()).collect();
        Ok(Player { seed, places, model })
    }

    fn room(&self, cells: usize) -> Batch {
        Batch::new(self.entities.len() * self.each(), 0, cells)
    }

    fn play(&self, player: &mut Player, cell: Cell, to: &mut Batch) -> Result<(), Halt> {
        let (luck, budget) = (self.study.luck(cell), Budget::default());
        let trace = player.model.replicate(player.seed, luck, SweepMode::Decisive, budget)?;
        let outcome = player.model.outcome(trace);
        let kinds: Vec<&'static EntityKind> =
            player.model.entities().map(|(_, kind)| kind).collect();
        let row = to.add();
        for (place, values) in player.places.iter().zip(row.values.chunks_mut(self.each())) {
            // A world that lacks an entity leaves its values undefined.
            let found = place.and_then(|place| outcome.timeline.get(place).zip(kinds.get(place)));
            if let Some((stays, kind)) = found {
                let (slices, batches) = values.split_at_mut(self.slices.len());
                shares(stays, kind, &self.slices, slices);
                shares(stays, kind, &self.batches, batches);
            }
        }
        Ok(())
    }
}

/// Takes the rows of runs in the order of their numbers.
pub struct Fold<'a> {
    runs: &'a Runs<'a>,
    /// Of each entity, the batches of each world.
    batches: Vec<Vec<Batches>>,
    warm_up: Vec<WarmUp>,
}

impl<'a> Fold<'a> {
    /// Nothing yet.
    pub fn new(runs: &'a Runs<'a>) -> Fold<'a> {
        let count = runs.entities.len();
        let worlds = vec![Batches::default(); runs.study.worlds()];
        Fold { runs, batches: vec![worlds; count], warm_up: vec![WarmUp::default(); count] }
    }

    /// Takes the next run of a world.
    pub fn push(&mut self, world: usize, row: Row<'_>) {
        let entities = self.batches.iter_mut().zip(&mut self.warm_up);
        for ((worlds, warm_up), values) in entities.zip(row.values.chunks(self.runs.each())) {
            let (slices, batches) = values.split_at(self.runs.slices.len().min(values.len()));
            // This world may not have the entity.
            if let Some(own) = worlds.get_mut(world).filter(|_| !values.iter().any(|v| v.is_nan()))
            {
                warm_up.push(slices);
                batches.iter().for_each(|share| own.push(*share));
            }
        }
    }

    /// What the runs say, entity by entity.
    pub fn found(&self) -> Vec<Availability> {
        let slice = |count: usize| {
            let part = self.runs.slices.get(count.checked_sub(1)?)?;
            Some(part.to.saturating_since(SimTime::START))
        };
        let one = |(place, path): (usize, &&str)| {
            let mut means = batch_means(&self.batches[place])?;
            let worlds: Vec<Moments> = self.batches[place].iter().map(Batches::moments).collect();
            let ignorance = apart(&worlds);
            if worlds.len() > 1 {
                let ends = over_worlds(&worlds).filter(|_| ignorance.is_some());
                means.half = ends.map(|(low, high)| (high - low) / 2.0);
            }
            let needed = self.warm_up[place].found();
            let needed = needed.map(|count| slice(count).unwrap_or(SimDuration::ZERO));
            Some(Availability { entity: (*path).to_owned(), means, ignorance, needed })
        };
        self.runs.entities.iter().enumerate().filter_map(one).collect()
    }
}
