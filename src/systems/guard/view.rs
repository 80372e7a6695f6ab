//! What one caller learns of one key: its answers as a whole, version by version, and through the
//! caller's own grant.

use crate::engine::{Seq, SimTime};
use crate::systems::contract::{Answer, Denial, Message, Standing};

/// What a caller knows of one version.
#[derive(Clone, Copy, Debug, Default)]
struct Version {
    /// Why the version itself denies, and the latest record of that.
    own: Option<Denial>,
    cause: Option<Seq>,
    /// Why the caller is denied when it needs the version, and since when without a break.
    denied: Option<(Denial, SimTime)>,
}

/// What one caller learns of one key. While the key has one version, version and key are the same.
#[derive(Clone, Debug)]
pub struct KeyView {
    whole: Standing,
    grant: Option<Denial>,
    versions: Vec<Version>,
    primary: u32,
    /// Why the caller is denied whatever version it needs, and since when without a break.
    denied: Option<(Denial, SimTime)>,
    /// The latest records about the key as a whole, and about the grant.
    key_cause: Option<Seq>,
    grant_cause: Option<Seq>,
}

impl KeyView {
    /// What is known of a key at first, whose primary version this is.
    pub fn of(primary: u32) -> KeyView {
        KeyView {
            whole: Standing::GRANTED,
            grant: None,
            versions: vec![Version::default()],
            primary,
            denied: None,
            key_cause: None,
            grant_cause: None,
        }
    }

    /// Takes in a message about the key or the grant; gives whether it was one.
    pub fn hear(&mut self, message: &Message, cause: Option<Seq>, now: SimTime) -> bool {
        match *message {
            Message::Standing(standing) => {
                self.whole = standing;
                self.key_cause = cause;
            }
            Message::Version { number, denied } => {
                let place = number as usize;
                if self.versions.len() < place {
                    self.versions.resize(place, Version::default());
                }
                self.versions[place - 1].own = denied;
                self.versions[place - 1].cause = cause;
            }
            Message::Primary(number) => self.primary = number,
            Message::Grant(denied) => {
                self.grant = denied;
                self.grant_cause = cause;
            }
            Message::Refused { .. }
            | Message::Errors(_)
            | Message::Mistaken(_)
            | Message::Load(_)
            | Message::Stale(_)
            | Message::Order(_)
            | Message::News(_)
            | Message::Command { .. } => return false,
        }
        let since = |before: Option<(Denial, SimTime)>| before.map_or(now, |(_, since)| since);
        // IAM is asked before the key; what is gone for good is told before everything.
        let first = |own: Option<Denial>| {
            let gone = own.filter(|denial| *denial == Denial::Destroyed);
            gone.or(self.grant).or(own)
        };
        let several = self.versions.len() > 1;
        let whole = self.whole.denied.map(|(denial, _)| denial);
        for version in &mut self.versions {
            let own = if several { version.own } else { whole };
            let denial = first(own).or(whole);
            version.denied = denial.map(|denial| (denial, since(version.denied)));
        }
        self.denied = first(whole).map(|denial| (denial, since(self.denied)));
        true
    }

    /// The version that new data is protected by.
    pub fn primary(&self) -> u32 {
        self.primary
    }

    /// What a request that needs this version is answered.
    pub fn standing(&self, version: u32) -> Standing {
        Standing { denied: self.version(version).denied, ..self.whole }
    }

    /// Of a key with one version nobody tells which it is; of one with several that are told of one
    /// by one, what is not told yet is as the whole key is.
    fn version(&self, number: u32) -> Version {
        match self.versions.as_slice() {
            [only] => *only,
            several => several
                .get((number as usize).saturating_sub(1))
                .copied()
                .unwrap_or(Version { denied: self.denied, ..Version::default() }),
        }
    }

    /// Why requests are denied whatever version they need, grant or not, if the key itself is.
    pub fn whole(&self) -> Option<Denial> {
        self.whole.denied.map(|(denial, _)| denial)
    }

    /// Why the caller is denied whatever version it needs, if it is, and since when.
    pub fn denied(&self) -> Option<(Denial, SimTime)> {
        self.denied
    }

    /// BT-24: is this version denied by itself while the key has others that are not?
    pub fn partly_denied(&self, version: u32) -> bool {
        self.denied.is_none() && self.version(version).own.is_some()
    }

    /// The record that the answer to a request that needs this version goes back to.
    pub fn cause(&self, version: u32) -> Option<Seq> {
        let known = self.version(version);
        let denial = known.denied.map(|(denial, _)| denial);
        if self.standing(version).certain() == Some(Answer::Unreachable) {
            self.key_cause
        } else if denial.is_none() {
            self.key_cause.max(known.cause).max(self.grant_cause)
        } else if denial == self.grant {
            self.grant_cause
        } else {
            // Of a key with one version, only the key as a whole is told of.
            known.own.and(known.cause).or(self.key_cause)
        }
    }
}
