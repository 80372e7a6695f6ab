//! What a run leaves behind: its transitions as a causal tree, its levels, its charged time.

use super::process::{EntityId, StateId};
use super::time::SimTime;
use std::borrow::Cow;

/// Number of a record in its trace.
pub type Seq = u32;

/// One transition (or, with equal states, one thing worth telling about an entity).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: SimTime,
    /// Whose.
    pub entity: EntityId,
    /// State before.
    pub from: StateId,
    /// State after.
    pub to: StateId,
    /// Id of the rule that made it.
    pub rule: &'static str,
    /// The record that led to it; root events have none.
    pub cause: Option<Seq>,
    /// What a reader should know besides.
    pub detail: Cow<'static, str>,
}

/// A quantity that holds from an instant until its next entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// From when.
    pub at: SimTime,
    /// Of what.
    pub entity: EntityId,
    /// Which quantity.
    pub name: &'static str,
    /// How much.
    pub value: f64,
}

/// A stretch of an entity's time charged to a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Whose time.
    pub entity: EntityId,
    /// What the time was: the name of the state.
    pub state: &'static str,
    /// Part of the course of things that it belongs to.
    pub phase: &'static str,
    /// A record whose root is charged.
    pub cause: Option<Seq>,
    /// Its start.
    pub from: SimTime,
    /// Its end.
    pub to: SimTime,
}

/// A number of requests that one entity made of another in one part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Whom they were made of.
    pub of: EntityId,
    /// Who made them.
    pub by: EntityId,
    /// The part of the run: how many of the instants of [`Detail::marks`] lie before it.
    ///
    /// [`Detail::marks`]: super::Detail
    pub part: u32,
    /// How many.
    pub count: u64,
}

/// A request that the log of whom it was made of would tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When.
    pub at: SimTime,
    /// Whom it was made of.
    pub to: EntityId,
    /// Who made it; an administrator if nobody of the model.
    pub by: Option<EntityId>,
    /// When the job that made it was created, if it was a job.
    pub job: Option<SimTime>,
    /// The permission that it needed, or that it changes.
    pub grant: Option<EntityId>,
    /// What was asked.
    pub method: &'static str,
    /// Which part of the entity it was about, from 1; 0 for the whole.
    pub part: u32,
    /// How many alike were made.
    pub count: u32,
    /// How it ended, as a gRPC status code: 0 if all went well.
    pub status: u8,
    /// Why it did not go well.
    pub why: Cow<'static, str>,
    /// The record that it led to.
    pub record: Option<Seq>,
}

/// Everything a run leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Transitions, in order.
    pub records: Vec<Record>,
    /// Root records that are no faults by themselves, in order: what was so at the start, upkeep.
    pub no_faults: Vec<Seq>,
    /// Levels, in order.
    pub levels: Vec<Level>,
    /// Charged time.
    pub charges: Vec<Charge>,
    /// Measures that processes tell of their entities at the end.
    pub measures: Vec<(EntityId, &'static str, Option<f64>)>,
    /// Paths of the model constants that a value was taken from, in no order; one may stand here
    /// more than once.
    pub used: Vec<&'static str>,
    /// Periodic checks made, counted exactly.
    pub checks: u64,
    /// Requests by part of the run, where the run was asked for them.
    pub tallies: Vec<Tally>,
    /// Requests one by one, where the run was asked for them.
    pub calls: Vec<Call>,
}

impl Trace {
    /// The root event that a record goes back to.
    pub fn root(&self, mut seq: Seq) -> Seq {
        while let Some(cause) = self.records[seq as usize].cause {
            assert!(cause < seq, "a cause comes before its effect");
            seq = cause;
        }
        seq
    }

    /// Hash of the trajectory: of every transition with its instant, entity, states, rule and
    /// cause. Equal fingerprints mean equal trajectories.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        for record in &self.records {
            hash.word(record.at.ns());
            hash.word(
                u64::from(record.entity.0) << 16
                    | u64::from(record.from) << 8
                    | u64::from(record.to),
            );
            hash.bytes(record.rule.as_bytes());
            hash.word(record.cause.map_or(u64::MAX, u64::from));
        }
        hash.0
    }
}

/// FNV-1a over 64-bit words: the same on every machine and in every version of the program.
struct Fnv(u64);

impl std::default::Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        // FNV's product carries only upwards; folding the high half back lets every bit matter.
        self.0 ^= self.0 >> 32;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }
}
