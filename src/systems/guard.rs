//! The guard: how a system watches a key by periodic checks and how long it trusts what it knew.
//!
//! The same machine serves every system; a system says what a finding means for it. Only checks
//! that find something new matter. The next one is arithmetic on phases and period, and a draw
//! per check where luck decides.

pub mod on_use;
mod rounds;
mod view;

pub use rounds::{Check, Phasing, Rounds};
pub use view::KeyView;

use super::contract::{Answer, Denial, LazyStream, Message, Standing};
use crate::engine::{Seq, SimTime};

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

/// Subjects that need the same key version.
#[derive(Clone, Copy, Debug)]
struct Group {
    version: u32,
    /// What the key answers at present to requests that need that version.
    standing: Standing,
    /// The one answer to all of them, if luck has no part in it.
    certain: Option<Answer>,
    /// It was denied when last reached.
    denied: bool,
}

impl Group {
    fn new(version: u32, standing: Standing, denied: bool) -> Group {
        Group { version, standing, certain: standing.certain(), denied }
    }
}

/// One watch: some subjects' checks of one key.
pub struct Watch {
    /// The checks.
    pub rounds: Rounds,
    /// What is known of the key.
    view: KeyView,
    /// At least one.
    groups: Vec<Group>,
    /// The group of each subject that is not in the first, by number of the subject.
    others: Vec<(u32, usize)>,
    luck: LazyStream,
}

impl Watch {
    /// A watch of a key that grants everything so far, by subjects that need this version.
    pub fn new(rounds: Rounds, version: u32, luck: LazyStream) -> Watch {
        let group = Group::new(version, Standing::GRANTED, false);
        let view = KeyView::of(version);
        Watch { rounds, view, groups: vec![group], others: Vec::new(), luck }
    }

    /// Takes in what the key or the grant tells; gives whether it was that.
    pub fn hear(&mut self, message: &Message, cause: Option<Seq>, now: SimTime) -> bool {
        let heard = self.view.hear(message, cause, now);
        if heard {
            for group in &mut self.groups {
                *group = Group::new(group.version, self.view.standing(group.version), group.denied);
            }
        }
        heard
    }

    /// What is known of the key.
    pub fn view(&self) -> &KeyView {
        &self.view
    }

    fn group(&self, subject: u32) -> usize {
        if self.others.is_empty() {
            return 0;
        }
        let place = self.others.binary_search_by_key(&subject, |entry| entry.0);
        place.map_or(0, |place| self.others[place].1)
    }

    /// The version that a subject needs.
    pub fn version(&self, subject: u32) -> u32 {
        self.groups[self.group(subject)].version
    }

    /// What the key answers at present to the check of a subject.
    pub fn standing(&self, subject: u32) -> Standing {
        self.groups[self.group(subject)].standing
    }

    /// Is every request granted, whatever version it needs?
    pub fn is_granted(&self) -> bool {
        self.groups.iter().all(|group| group.certain == Some(Answer::Granted))
    }

    /// Was the key denied when a subject's group last reached it?
    pub fn is_denied(&self, subject: u32) -> bool {
        self.groups[self.group(subject)].denied
    }

    /// The group of a subject knows from now on whether the key is denied.
    pub fn knows(&mut self, subject: u32, denied: bool) {
        let group = self.group(subject);
        self.groups[group].denied = denied;
    }

    /// Nothing is known of a denial any more.
    pub fn forget(&mut self) {
        for group in &mut self.groups {
            group.denied = false;
        }
    }

    /// The versions that groups know to be denied.
    pub fn denied_versions(&self) -> impl Iterator<Item = u32> {
        self.groups.iter().filter(|group| group.denied).map(|group| group.version)
    }

    /// A new subject needs this version.
    pub fn bind(&mut self, subject: u32, version: u32) {
        let known = self.groups.iter().position(|group| group.version == version);
        let group = known.unwrap_or_else(|| {
            let standing = self.view.standing(version);
            self.groups.push(Group::new(version, standing, false));
            self.groups.len() - 1
        });
        if group != 0 {
            let place = self.others.partition_point(|entry| entry.0 < subject);
            self.others.insert(place, (subject, group));
        }
    }

    /// Every subject needs this version from now on.
    pub fn bind_all(&mut self, version: u32) {
        let denied = self.groups.iter().any(|group| group.denied);
        self.groups = vec![Group::new(version, self.view.standing(version), denied)];
        self.others.clear();
    }

    /// Do all subjects need the same version?
    pub fn is_uniform(&self) -> bool {
        self.groups.len() == 1
    }

    /// Number of present subjects that need one of these versions.
    pub fn bound_to(&self, versions: &[u32]) -> u32 {
        let hit = |group: usize| versions.contains(&self.groups[group].version);
        let present = |entry: &&(u32, usize)| self.rounds.has(entry.0);
        let others = self.others.iter().filter(present);
        let (mut elsewhere, mut found) = (0, 0);
        for (_, group) in others {
            elsewhere += 1;
            found += u32::from(hit(*group));
        }
        if hit(0) { found + self.rounds.count() - elsewhere } else { found }
    }

    /// What the key answers to one check. The luck of a check is addressed by its subject and its
    /// number, so it is the same whichever other checks are looked at.
    pub fn answer(&mut self, check: Check) -> Answer {
        let Group { standing, certain, .. } = self.groups[self.group(check.subject)];
        if let Some(answer) = certain {
            return answer;
        }
        let number = check.at.ns() / self.rounds.period;
        let stream = self.luck.get();
        stream.seek(number << SUBJECT_BITS | u64::from(check.subject));
        standing.answer(stream.open01())
    }

    /// What an answer to the check of a subject would change.
    pub fn finding(
        &self,
        subject: u32,
        answer: Answer,
        grace: Grace,
        reset: GraceReset,
    ) -> Option<Finding> {
        let group = &self.groups[self.group(subject)];
        let waiting = grace.since.is_some();
        let resets = waiting && (reset == GraceReset::AnySuccess || !group.standing.impaired());
        match answer {
            Answer::Granted if group.denied || resets => Some(Finding::Usable),
            // EKM-09: whoever meets the manager's denial makes it stick.
            Answer::Denied(Denial::Manager) => Some(Finding::Denied),
            Answer::Denied(_) if !group.denied || resets => Some(Finding::Denied),
            // BT-47: a key known as denied has no grace.
            Answer::Unreachable if !group.denied && !waiting => Some(Finding::LostContact),
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
        let tries = match self.groups[0].certain {
            Some(answer) if shared && self.is_uniform() => {
                self.finding(0, answer, grace(0), reset)?;
                1
            }
            Some(_) if self.groups.iter().all(|group| group.certain.is_some()) => {
                u64::from(self.rounds.count())
            }
            Some(_) | None => u64::MAX,
        };
        let mut next = from(&mut self.rounds);
        for _ in 0..tries {
            let check = next.filter(|check| check.at < until)?;
            let answer = self.answer(check);
            if self.finding(check.subject, answer, grace(check.subject), reset).is_some() {
                return Some(check);
            }
            next = self.rounds.after(check);
        }
        None
    }
}
