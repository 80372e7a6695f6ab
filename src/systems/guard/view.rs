//! What one caller learns of one key: its answers as a whole, version by version, and through the
//! caller's own grant.

use crate::engine::{Seq, SimTime};
use crate::systems::contract::{Denial, Message, Standing};

/// What a caller knows of one version.
#[derive(Clone, Copy, Debug, Default)]
struct Version {
    /// Why the version itself denies.
    own: Option<Denial>,
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
    /// The latest records about the key, and about the grant.
    key_cause: Option<Seq>,
    grant_cause: Option<Seq>,
    latest: Option<Seq>,
}

impl KeyView {
    /// What is known of a key at first, whose primary version this is.
    pub fn of(primary: u32) -> KeyView {
        KeyView {
            whole: Standing::GRANTED,
            grant: None,
            versions: vec![Version::default()],
            primary,
            key_cause: None,
            grant_cause: None,
            latest: None,
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
                self.key_cause = cause;
            }
            Message::Primary(number) => {
                self.primary = number;
                self.key_cause = cause;
            }
            Message::Grant(denied) => {
                self.grant = denied;
                self.grant_cause = cause;
            }
            Message::Refused { .. }
            | Message::Errors(_)
            | Message::Mistaken(_)
            | Message::Load(_)
            | Message::Stale(_)
            | Message::Command { .. } => return false,
        }
        self.latest = cause;
        let several = self.versions.len() > 1;
        let whole = self.whole.denied.map(|(denial, _)| denial);
        for version in &mut self.versions {
            let own = if several { version.own } else { whole };
            // IAM is asked before the key; what is gone for good is told before everything.
            let gone = own.filter(|denial| *denial == Denial::Destroyed);
            let denial = gone.or(self.grant).or(own).or(whole);
            let since = version.denied.map_or(now, |(_, since)| since);
            version.denied = denial.map(|denial| (denial, since));
        }
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

    fn version(&self, number: u32) -> Version {
        let known = self.versions.len().min(number as usize);
        self.versions[known.saturating_sub(1)]
    }

    /// Why requests are denied whatever version they need, if they are.
    pub fn whole(&self) -> Option<Denial> {
        self.whole.denied.map(|(denial, _)| denial)
    }

    /// BT-24: is this version denied by itself while the key has others that are not?
    pub fn partly_denied(&self, version: u32) -> bool {
        self.grant.is_none() && self.whole.denied.is_none() && self.version(version).own.is_some()
    }

    /// The record that the answer to a request that needs this version goes back to.
    pub fn cause(&self, version: u32) -> Option<Seq> {
        let by_grant = self.grant.is_some()
            && self.version(version).denied.map(|(denial, _)| denial) == self.grant;
        if by_grant { self.grant_cause } else { self.latest }
    }
}
