//! The guard: how a system watches a key by periodic checks and how long it trusts what it knew.
//!
//! The same machine serves every system; a system says what a finding means for it. Only checks
//! that find something new matter. The next one is arithmetic on phases and period, and a draw
//! per check where luck decides.

use super::contract::{Answer, LazyStream, Standing};
use crate::engine::{SimDuration, SimTime};

/// How the phases of the checks of one watch lie in the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phasing {
    /// Independent and uniform.
    Random,
    /// All at multiples of the period.
    Aligned,
    /// Evenly spread: the first at zero.
    Spread,
}

/// The periodic checks of some subjects (the tables of a cluster): one per subject and period.
pub struct Rounds {
    period: u64,
    phasing: Phasing,
    phases: LazyStream,
    /// Subjects from the start whose phases have not been needed yet.
    unborn: u32,
    /// Phase and number of each subject, in order; empty while all are unborn.
    subjects: Vec<(u64, u32)>,
    /// Number that the next subject gets.
    next: u32,
    /// Checks made by subjects up to the instant they joined or left, to be taken from or added
    /// to what the present ones have made since the start.
    correction: i128,
}

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// When.
    pub at: SimTime,
    /// Of which subject.
    pub subject: u32,
}

impl Rounds {
    /// Checks of `count` subjects from the start on.
    pub fn new(period: SimDuration, phasing: Phasing, count: u32, phases: LazyStream) -> Rounds {
        assert!(!period.is_zero(), "a period is not zero");
        Rounds {
            period: period.ns(),
            phasing,
            phases,
            unborn: count,
            subjects: Vec::new(),
            next: count,
            correction: 0,
        }
    }

    /// Number of subjects.
    pub fn count(&self) -> u32 {
        self.unborn + self.subjects.len() as u32
    }

    /// Draws the phases of the first subjects.
    fn born(&mut self) {
        if self.unborn == 0 {
            return;
        }
        let count = std::mem::take(&mut self.unborn);
        let period = u128::from(self.period);
        let mut phases: Vec<(u64, u32)> = match self.phasing {
            Phasing::Aligned => (0..count).map(|subject| (0, subject)).collect(),
            Phasing::Spread => (0..count)
                .map(|subject| ((period * u128::from(subject) / u128::from(count)) as u64, subject))
                .collect(),
            Phasing::Random => {
                let mut draws = vec![0u32; count as usize];
                self.phases.get().fill_u32(&mut draws);
                let phase = |draw: u32| ((u128::from(draw) * period) >> 32) as u64;
                draws.into_iter().map(phase).zip(0..).collect()
            }
        };
        phases.sort_unstable();
        self.subjects = phases;
    }

    /// Adds a subject now; gives its first check. With random phases that is within a period;
    /// otherwise it keeps step with the others (aligned), or starts at once (spread).
    pub fn join(&mut self, now: SimTime) -> Check {
        self.born();
        let subject = self.next;
        self.next += 1;
        let wait = match self.phasing {
            Phasing::Random => {
                let draw = self.phases.get().next_u32();
                ((u128::from(draw) * u128::from(self.period)) >> 32) as u64
            }
            Phasing::Aligned => (self.period - now.ns() % self.period) % self.period,
            Phasing::Spread => 0,
        };
        let phase = (now.ns() + wait) % self.period;
        self.correction -= i128::from(self.made(phase, now));
        let place = self.subjects.partition_point(|entry| *entry < (phase, subject));
        self.subjects.insert(place, (phase, subject));
        Check { at: now.saturating_add(SimDuration::from_ns(wait).unwrap_or_default()), subject }
    }

    /// Takes the newest subject out; gives its number.
    pub fn leave(&mut self, now: SimTime) -> Option<u32> {
        self.born();
        let (place, entry) =
            self.subjects.iter().copied().enumerate().max_by_key(|(_, (_, subject))| *subject)?;
        self.subjects.remove(place);
        self.correction += i128::from(self.made(entry.0, now));
        Some(entry.1)
    }

    /// Takes all subjects out.
    pub fn leave_all(&mut self, now: SimTime) {
        while self.count() > 0 {
            self.leave(now);
        }
    }

    /// Checks in `[start, until)` of a subject with this phase.
    fn made(&self, phase: u64, until: SimTime) -> u64 {
        until.ns().saturating_sub(phase).div_ceil(self.period)
    }

    /// Checks made by all subjects before an instant: exact, and without counting them one by one.
    pub fn made_before(&mut self, until: SimTime) -> u64 {
        let (whole, rest) = (until.ns() / self.period, until.ns() % self.period);
        if rest > 0 {
            self.born();
        }
        let begun = self.subjects.partition_point(|(phase, _)| *phase < rest) as u64;
        let sum = i128::from(u64::from(self.count()) * whole + begun) + self.correction;
        u64::try_from(sum).expect("a subject leaves after it joins")
    }

    /// The first check at or after an instant.
    pub fn from(&mut self, from: SimTime) -> Option<Check> {
        self.next(from, 0)
    }

    /// The check after this one, over all subjects.
    pub fn after(&mut self, check: Check) -> Option<Check> {
        self.next(check.at, check.subject + 1)
    }

    /// The first check that is not before the instant and, at the instant itself, not of a subject
    /// with a lower number.
    fn next(&mut self, from: SimTime, subject_min: u32) -> Option<Check> {
        self.born();
        let (round, phase) = (from.ns() / self.period, from.ns() % self.period);
        let place = self.subjects.partition_point(|entry| *entry < (phase, subject_min));
        let (round, (phase, subject)) = match self.subjects.get(place) {
            Some(entry) => (round, *entry),
            None => (round + 1, *self.subjects.first()?),
        };
        let at = SimTime::from_ns(round.checked_mul(self.period)?.checked_add(phase)?)?;
        Some(Check { at, subject })
    }
}

/// A grace: for how long a system goes on without contact.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Grace {
    /// The instant it counts from, while contact is lost.
    pub since: Option<SimTime>,
    /// It is over.
    pub expired: bool,
}

/// What an answer changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Contact, and the key is granted: whatever was wrong is over.
    Usable,
    /// Contact, and the key is denied.
    Denied,
    /// The first call without an answer.
    LostContact,
}

/// Does contact end the grace when some calls may still fail?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraceReset {
    /// Any success does.
    AnySuccess,
    /// Only when no outage is in progress.
    OutageEnd,
}

/// Bits of a check's address that tell subjects apart.
const SUBJECT_BITS: u32 = 20;

/// One watch: some subjects' checks of one key.
pub struct Watch {
    /// The checks.
    pub rounds: Rounds,
    /// What the key answers at present.
    pub standing: Standing,
    /// The key was denied when last reached.
    pub denied: bool,
    luck: LazyStream,
}

impl Watch {
    /// A watch of a key that grants everything so far.
    pub fn new(rounds: Rounds, luck: LazyStream) -> Watch {
        Watch { rounds, standing: Standing::GRANTED, denied: false, luck }
    }

    /// What the key answers to one check. The luck of a check is addressed by its subject and its
    /// number, so it is the same whichever other checks are looked at.
    pub fn answer(&mut self, check: Check) -> Answer {
        if let Some(answer) = self.standing.certain() {
            return answer;
        }
        let number = check.at.ns() / self.rounds.period;
        let stream = self.luck.get();
        stream.seek(number << SUBJECT_BITS | u64::from(check.subject));
        self.standing.answer(stream.open01())
    }

    /// What an answer would change.
    pub fn finding(&self, answer: Answer, grace: Grace, reset: GraceReset) -> Option<Finding> {
        let waiting = grace.since.is_some();
        let resets = waiting && (reset == GraceReset::AnySuccess || !self.standing.impaired());
        match answer {
            Answer::Granted if self.denied || resets => Some(Finding::Usable),
            Answer::Denied(_) if !self.denied || resets => Some(Finding::Denied),
            // BT-47: a key known as denied has no grace.
            Answer::Unreachable if !self.denied && !waiting => Some(Finding::LostContact),
            Answer::Granted | Answer::Denied(_) | Answer::Unreachable => None,
        }
    }

    /// The first check from `from` on and before `until` that finds something new. `from` is asked
    /// only if there can be one. `grace` tells the grace of a subject; `shared` says that all
    /// subjects have the same.
    pub fn decisive(
        &mut self,
        from: impl FnOnce(&mut Rounds) -> Option<Check>,
        until: SimTime,
        shared: bool,
        reset: GraceReset,
        grace: impl Fn(u32) -> Grace,
    ) -> Option<Check> {
        // Where luck has no part, what one round does not find is not found later either.
        let certain = self.standing.certain();
        let tries = match certain {
            Some(answer) if shared => {
                self.finding(answer, grace(0), reset)?;
                1
            }
            Some(_) => u64::from(self.rounds.count()),
            None => u64::MAX,
        };
        let mut next = from(&mut self.rounds);
        for _ in 0..tries {
            let check = next.filter(|check| check.at < until)?;
            let answer = self.answer(check);
            if self.finding(answer, grace(check.subject), reset).is_some() {
                return Some(check);
            }
            next = self.rounds.after(check);
        }
        None
    }
}
