//! Cloud KMS and external managers, second by second: what a key answers at an instant.

use super::plan::{Constants, Key, Plan};

/// What a call with a key comes back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted,
    Denied,
    None,
}

/// What the administrator of a key has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admin {
    Enabled,
    Disabled,
    Scheduled,
    Destroyed,
}

/// Why callers are denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Disabled,
    Scheduled,
    Destroyed,
}

/// A change that callers do not see yet.
#[derive(Clone, Copy, Debug)]
struct Change {
    /// A denial with its reason, or a grant.
    denial: Option<Reason>,
    /// Seconds until callers see it; frozen while Cloud KMS is stale.
    left: u64,
}

/// One key.
#[derive(Clone, Debug)]
pub(crate) struct KeyState {
    pub(crate) name: String,
    location: usize,
    manager: Option<usize>,
    destroy_wait: u64,
    admin: Admin,
    denied: Option<Reason>,
    /// Since when callers are denied, whatever the reason.
    denied_since: Option<u64>,
    change: Option<Change>,
    destroy_at: Option<u64>,
    /// Since when no call gets an answer.
    silent_since: Option<u64>,
    /// Seconds in which callers are denied.
    denied_time: u64,
    /// Validations made with it.
    asked: u64,
}

/// A place that can fail: a location of Cloud KMS, or an external manager.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) name: String,
    /// Ends of the outages in progress.
    outages: Vec<u64>,
    /// Ends of the stale spells in progress.
    stale: Vec<u64>,
}

/// All keys and what they hang on.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) locations: Vec<Place>,
    pub(crate) managers: Vec<Place>,
    pub(crate) keys: Vec<KeyState>,
    disable_propagation: u64,
    enable_propagation: u64,
}

impl Keys {
    pub(crate) fn new(plan: &Plan) -> Keys {
        let place = |name: &String| Place { name: name.clone(), ..Place::default() };
        let mut names: Vec<&String> = plan.keys.iter().map(|key| &key.location).collect();
        names.sort();
        names.dedup();
        let locations: Vec<Place> = names.into_iter().map(place).collect();
        let managers: Vec<Place> = plan.managers.iter().map(place).collect();
        let find = |places: &[Place], name: &String| {
            places.iter().position(|p| p.name == *name).expect("a key names a known place")
        };
        let state = |key: &Key| KeyState {
            name: key.name.clone(),
            location: find(&locations, &key.location),
            manager: key.manager.as_ref().map(|name| find(&managers, name)),
            destroy_wait: key.destroy_wait.unwrap_or(plan.constants.destroy_wait),
            admin: Admin::Enabled,
            denied: None,
            denied_since: None,
            change: None,
            destroy_at: None,
            silent_since: None,
            denied_time: 0,
            asked: 0,
        };
        let keys = plan.keys.iter().map(state).collect();
        let Constants { disable_propagation, enable_propagation, .. } = plan.constants;
        Keys { locations, managers, keys, disable_propagation, enable_propagation }
    }

    /// The number of the key with this name.
    pub(crate) fn find(&self, name: &str) -> usize {
        self.keys.iter().position(|key| key.name == name).expect("an event names a known key")
    }

    fn stale(&self, key: usize) -> bool {
        !self.locations[self.keys[key].location].stale.is_empty()
    }

    /// `disable-key`: legal only from enabled.
    pub(crate) fn disable(&mut self, key: usize, now: u64) {
        if self.keys[key].admin == Admin::Enabled {
            self.keys[key].admin = Admin::Disabled;
            self.deny(key, Reason::Disabled, now);
        }
    }

    /// `schedule-destroy`: legal from enabled and disabled (KMS-03).
    pub(crate) fn schedule(&mut self, key: usize, now: u64) {
        if matches!(self.keys[key].admin, Admin::Enabled | Admin::Disabled) {
            self.keys[key].admin = Admin::Scheduled;
            self.keys[key].destroy_at = Some(now + self.keys[key].destroy_wait);
            self.deny(key, Reason::Scheduled, now);
        }
    }

    /// `restore-key`: legal only from scheduled; leads to disabled (KMS-06).
    pub(crate) fn restore(&mut self, key: usize, now: u64) {
        if self.keys[key].admin == Admin::Scheduled {
            self.keys[key].admin = Admin::Disabled;
            self.keys[key].destroy_at = None;
            self.deny(key, Reason::Disabled, now);
        }
    }

    /// `enable-key`: legal only from disabled.
    pub(crate) fn enable(&mut self, key: usize, now: u64) {
        if self.keys[key].admin != Admin::Disabled {
            return;
        }
        self.keys[key].admin = Admin::Enabled;
        // A denial still on its way is called off: callers never notice.
        self.keys[key].change = None;
        if self.keys[key].denied.is_some() {
            if self.enable_propagation == 0 {
                self.keys[key].see(None, now);
            } else {
                self.keys[key].change =
                    Some(Change { denial: None, left: self.enable_propagation });
            }
        }
    }

    fn deny(&mut self, key: usize, reason: Reason, now: u64) {
        let stale = self.stale(key);
        let delay = self.disable_propagation;
        let key = &mut self.keys[key];
        if key.denied.is_some() {
            // Callers stay denied; a grant on its way is superseded.
            key.denied = Some(reason);
            key.change = None;
        } else if let Some(change) = &mut key.change {
            // The denial on its way keeps its arrival time.
            change.denial = Some(reason);
        } else if delay == 0 && !stale {
            key.see(Some(reason), now);
        } else {
            key.change = Some(Change { denial: Some(reason), left: delay });
        }
    }

    /// An outage at a location, or everywhere.
    pub(crate) fn kms_outage(&mut self, location: Option<&str>, ends: u64) {
        begin(&mut self.locations, location, |place| place.outages.push(ends));
    }

    /// An outage of an external manager, or of all.
    pub(crate) fn ekm_outage(&mut self, manager: Option<&str>, ends: u64) {
        begin(&mut self.managers, manager, |place| place.outages.push(ends));
    }

    /// Propagation stands still at a location (KMS-14).
    pub(crate) fn kms_stale(&mut self, location: &str, ends: u64) {
        begin(&mut self.locations, Some(location), |place| place.stale.push(ends));
    }

    /// One second passes: changes not held up by staleness come one second nearer. Called before
    /// the root events of `now`, so that staleness is that of the second before.
    pub(crate) fn tick(&mut self) {
        for key in &mut self.keys {
            if let Some(change) = &mut key.change
                && self.locations[key.location].stale.is_empty()
            {
                // A change due this second may just have been frozen at its last instant.
                change.left = change.left.saturating_sub(1);
            }
        }
    }

    /// What arrives at `now`: ends of outages, then propagated changes, then destructions.
    /// Tells whether a key was destroyed.
    pub(crate) fn arrivals(&mut self, now: u64) -> bool {
        for place in self.locations.iter_mut().chain(&mut self.managers) {
            place.outages.retain(|end| *end > now);
            place.stale.retain(|end| *end > now);
        }
        self.watch(now);
        let mut destroyed = false;
        for key in &mut self.keys {
            if let Some(change) = key.change
                && change.left == 0
                && self.locations[key.location].stale.is_empty()
            {
                key.change = None;
                key.see(change.denial, now);
            }
            if key.destroy_at.is_some_and(|at| at <= now) {
                key.destroy_at = None;
                key.admin = Admin::Destroyed;
                key.change = None;
                key.see(Some(Reason::Destroyed), now);
                destroyed = true;
            }
        }
        self.watch(now);
        destroyed
    }

    /// Notes since when each key is silent. Called whenever an answer may have changed.
    pub(crate) fn watch(&mut self, now: u64) {
        for index in 0..self.keys.len() {
            let silent = self.answer(index) == Answer::None;
            let since = &mut self.keys[index].silent_since;
            *since = if silent { since.or(Some(now)) } else { None };
        }
    }

    /// What a call with this key comes back with: a silent Cloud KMS hides a denial, a denial
    /// hides a silent external manager.
    pub(crate) fn answer(&self, key: usize) -> Answer {
        let key = &self.keys[key];
        if key.denied == Some(Reason::Destroyed) {
            Answer::Denied
        } else if !self.locations[key.location].outages.is_empty() {
            Answer::None
        } else if key.denied.is_some() {
            Answer::Denied
        } else if key.manager.is_some_and(|m| !self.managers[m].outages.is_empty()) {
            Answer::None
        } else {
            Answer::Granted
        }
    }

    /// A table is validated with this key.
    pub(crate) fn asked(&mut self, key: usize) {
        self.keys[key].asked += 1;
    }

    /// Adds up what this second contributes to measures.
    pub(crate) fn account(&mut self) {
        for key in 0..self.keys.len() {
            self.keys[key].denied_time += u64::from(self.answer(key) == Answer::Denied);
        }
    }

    /// What was added up, by path: three operations per validation (BT-14).
    pub(crate) fn measures(&self) -> Vec<(String, f64)> {
        let measures = self.keys.iter().flat_map(|key| {
            let operations = 3.0 * key.asked as f64;
            [
                (format!("keys.{}.denied-time", key.name), key.denied_time as f64),
                (format!("keys.{}.kms-operations", key.name), operations),
            ]
        });
        measures.collect()
    }

    pub(crate) fn destroyed(&self, key: usize) -> bool {
        self.keys[key].admin == Admin::Destroyed
    }

    pub(crate) fn denied_since(&self, key: usize) -> Option<u64> {
        self.keys[key].denied_since
    }

    pub(crate) fn silent_since(&self, key: usize) -> Option<u64> {
        self.keys[key].silent_since
    }

    /// The name of the state that the key is in.
    pub(crate) fn state(&self, key: usize) -> &'static str {
        let answer = self.answer(key);
        let key = &self.keys[key];
        match (key.denied, key.admin) {
            (_, Admin::Destroyed) => "destroyed",
            _ if answer == Answer::None => "unreachable",
            (Some(Reason::Scheduled), _) => "destroy-scheduled",
            (Some(_), _) => "disabled",
            (None, Admin::Enabled) => "enabled",
            (None, _) => "disabling",
        }
    }
}

impl KeyState {
    /// Callers see the key denied for a reason, or granted.
    fn see(&mut self, denial: Option<Reason>, now: u64) {
        self.denied = denial;
        self.denied_since = denial.and(self.denied_since.or(Some(now)));
    }
}

impl Place {
    pub(crate) fn state(&self) -> &'static str {
        if self.outages.is_empty() { "available" } else { "unavailable" }
    }
}

/// Does something to the place of this name, or to all.
fn begin(places: &mut [Place], name: Option<&str>, mut what: impl FnMut(&mut Place)) {
    for place in places {
        if name.is_none_or(|name| name == place.name) {
            what(place);
        }
    }
}
