//! The guard: how a system watches a key by periodic checks and how long it trusts what it knew.
//!
//! The same machine serves every system; a system says what a finding means for it. Only checks
//! that find something new matter. The next one is arithmetic on phases and period, and a draw
//! per check where luck decides.

mod rounds;

pub use rounds::{Check, Phasing, Rounds};

use super::contract::{Answer, LazyStream, Standing};
use crate::engine::SimTime;

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
