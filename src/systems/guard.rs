//! The guard: how a system watches a key by periodic checks and how long it trusts what it knew.
//!
//! The same machine serves every system; a system says what a finding means for it. Only checks
//! that find something new matter. The next one is arithmetic on phases and period, and a draw
//! per check where luck decides.

mod checks;
pub mod on_use;
mod rounds;
mod view;

pub use checks::Checks;
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

/// What subjects know of the key version that they need, since they last reached it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// It can be used.
    #[default]
    Usable,
    /// It is denied, while other versions of the key are not (BT-24). It may all the same hold
    /// back more than those who need it.
    Partly {
        /// Does it?
        spreads: bool,
    },
    /// It is denied as the whole key is.
    Wholly,
}

impl Known {
    /// Does it hold back more than those who need the version?
    pub fn holds(self) -> bool {
        matches!(self, Known::Wholly | Known::Partly { spreads: true })
    }
}

/// Subjects that need the same key version.
#[derive(Clone, Copy, Debug)]
struct Group {
    version: u32,
    /// What the key answers at present to requests that need that version.
    standing: Standing,
    /// The one answer to all of them, if luck has no part in it.
    certain: Option<Answer>,
    known: Known,
    /// Number of present subjects.
    count: u32,
}

impl Group {
    fn new(version: u32, standing: Standing, known: Known, count: u32) -> Group {
        Group { version, standing, certain: standing.certain(), known, count }
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
        let group = Group::new(version, Standing::GRANTED, Known::Usable, rounds.count());
        let view = KeyView::of(version);
        Watch { rounds, view, groups: vec![group], others: Vec::new(), luck }
    }

    /// Takes in what the key or the grant tells; gives whether it was that.
    pub fn hear(&mut self, message: &Message, cause: Option<Seq>, now: SimTime) -> bool {
        let heard = self.view.hear(message, cause, now);
        if heard {
            for group in &mut self.groups {
                let standing = self.view.standing(group.version);
                *group = Group::new(group.version, standing, group.known, group.count);
            }
        }
        heard
    }

    /// What is known of the key.
    pub fn view(&self) -> &KeyView {
        &self.view
    }

    fn group(&self, subject: u32) -> usize {
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

    /// The groups that have subjects; without any subject, the first.
    fn needed(&self) -> impl Iterator<Item = &Group> {
        let nobody = self.rounds.count() == 0;
        let groups = self.groups.iter().enumerate();
        let fits =
            move |(place, group): &(usize, &Group)| group.count > 0 || (nobody && *place == 0);
        groups.filter(fits).map(|(_, group)| group)
    }

    /// What the key answers at present to each version that is needed.
    pub fn standings(&self) -> impl Iterator<Item = Standing> {
        self.needed().map(|group| group.standing)
    }

    /// Is every request granted, whatever version it needs?
    pub fn is_granted(&self) -> bool {
        self.needed().all(|group| group.certain == Some(Answer::Granted))
    }

    /// Does luck have no part in any answer at present?
    pub fn is_certain(&self) -> bool {
        self.standings().all(|standing| standing.certain().is_some())
    }

    /// What a subject's group knows of its version.
    pub fn known(&self, subject: u32) -> Known {
        self.groups[self.group(subject)].known
    }

    /// The group of a subject knows this of its version from now on.
    pub fn learn(&mut self, subject: u32, known: Known) {
        let group = self.group(subject);
        self.groups[group].known = known;
    }

    /// Nothing is known of a denial any more.
    pub fn forget(&mut self) {
        for group in &mut self.groups {
            group.known = Known::Usable;
        }
    }

    /// Does a group know of a denial that holds back more than its own subjects?
    pub fn is_held(&self) -> bool {
        self.groups.iter().any(|group| group.known.holds())
    }

    /// Since when that has been so of versions that are denied while others are not.
    pub fn held_since(&self) -> Option<SimTime> {
        let held = |group: &&Group| group.known == Known::Partly { spreads: true };
        let held = self.groups.iter().filter(held);
        held.filter_map(|group| group.standing.denied.map(|(_, since)| since)).min()
    }

    /// Number of present subjects that are alone held back by the version that they need.
    pub fn held_alone(&self) -> u32 {
        let alone = |group: &&Group| group.known == Known::Partly { spreads: false };
        self.groups.iter().filter(alone).map(|group| group.count).sum()
    }

    /// A new subject needs this version.
    pub fn bind(&mut self, subject: u32, version: u32) {
        let known = self.groups.iter().position(|group| group.version == version);
        let group = known.unwrap_or_else(|| {
            let standing = self.view.standing(version);
            self.groups.push(Group::new(version, standing, Known::Usable, 0));
            self.groups.len() - 1
        });
        self.groups[group].count += 1;
        if group != 0 {
            let place = self.others.partition_point(|entry| entry.0 < subject);
            self.others.insert(place, (subject, group));
        }
    }

    /// A subject has left the rounds. What a group without a subject knew is not known any more.
    pub fn left(&mut self, subject: u32) {
        let group = self.group(subject);
        if let Ok(place) = self.others.binary_search_by_key(&subject, |entry| entry.0) {
            self.others.remove(place);
        }
        let group = &mut self.groups[group];
        group.count -= 1;
        if group.count == 0 {
            group.known = Known::Usable;
        }
    }

    /// Every subject needs this version, which can be used, from now on. That the cluster was held
    /// back is known until a check finds otherwise.
    pub fn bind_all(&mut self, version: u32) {
        let known = if self.is_held() { Known::Wholly } else { Known::Usable };
        let (standing, count) = (self.view.standing(version), self.rounds.count());
        self.groups = vec![Group::new(version, standing, known, count)];
        self.others.clear();
    }

    /// Does every subject need this version and no other?
    pub fn all_need(&self, version: u32) -> bool {
        self.needed().all(|group| group.version == version)
    }

    /// Do all subjects need the same version?
    fn is_uniform(&self) -> bool {
        self.groups.len() == 1
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

    /// Does a group know of the denial of its version, and whether the whole key is denied?
    fn is_known_so(&self, group: &Group) -> bool {
        match group.known {
            Known::Usable => false,
            Known::Partly { .. } => self.view.partly_denied(group.version),
            Known::Wholly => !self.view.partly_denied(group.version),
        }
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
        let denied = group.known != Known::Usable;
        let waiting = grace.since.is_some();
        let resets = waiting && (reset == GraceReset::AnySuccess || !group.standing.impaired());
        match answer {
            Answer::Granted if denied || resets => Some(Finding::Usable),
            // EKM-09: whoever meets the manager's denial makes it stick.
            Answer::Denied(Denial::Manager) => Some(Finding::Denied),
            Answer::Denied(_) if resets || !self.is_known_so(group) => Some(Finding::Denied),
            // BT-47: a key known as denied has no grace.
            Answer::Unreachable if !denied && !waiting => Some(Finding::LostContact),
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
        let certain = self.groups.iter().all(|group| group.certain.is_some());
        let tries = match self.groups[0].certain {
            Some(answer) if shared && self.is_uniform() => {
                self.finding(0, answer, grace(0), reset)?;
                1
            }
            Some(_) if certain => u64::from(self.rounds.count()),
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
