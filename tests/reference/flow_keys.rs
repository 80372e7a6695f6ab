//! Keys of one version, grants and outages, second by second: what a key answers to a principal.

use super::flow::Tell;
use super::flow_plan::{Constants, Plan, Principal};

/// What a call with a key comes back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted,
    Denied,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admin {
    Enabled,
    Disabled,
    Scheduled,
    Destroyed,
}

/// One key: what its administrator asked for, and what callers see of it.
struct KeyState {
    name: String,
    location: usize,
    external: bool,
    admin: Admin,
    /// Why callers are denied, if they are.
    denied: Option<Admin>,
    /// When a denial arrives.
    arrives: Option<u64>,
    destroyed_at: Option<u64>,
}

/// One principal's role on one key.
struct Grant {
    key: usize,
    principal: Principal,
    off: bool,
    wanted_off: bool,
    arrives: Option<u64>,
}

/// All keys and what they hang on.
pub(crate) struct Keys {
    keys: Vec<KeyState>,
    grants: Vec<Grant>,
    locations: Vec<(&'static str, Vec<u64>)>,
    /// Ends of the outages of the external manager, if there is one.
    vault: Option<Vec<u64>>,
    constants: Constants,
}

impl Keys {
    pub(crate) fn new(plan: &Plan) -> Keys {
        let mut places: Vec<&'static str> = plan.keys.iter().map(|key| key.location).collect();
        places.sort_unstable();
        places.dedup();
        let keys: Vec<KeyState> = plan
            .keys
            .iter()
            .map(|key| KeyState {
                name: key.name.clone(),
                location: places.iter().position(|p| *p == key.location).expect("listed"),
                external: key.external,
                admin: Admin::Enabled,
                denied: None,
                arrives: None,
                destroyed_at: None,
            })
            .collect();
        let number = |name: &String| keys.iter().position(|k| k.name == *name).expect("known");
        let grants = plan.uses().into_iter().map(|(key, principal)| Grant {
            key: number(&key),
            principal,
            off: false,
            wanted_off: false,
            arrives: None,
        });
        let grants = grants.collect();
        let vault = plan.keys.iter().any(|key| key.external).then(Vec::new);
        let locations = places.into_iter().map(|place| (place, Vec::new())).collect();
        Keys { keys, grants, locations, vault, constants: plan.constants.clone() }
    }

    pub(crate) fn find(&self, name: &str) -> usize {
        self.keys.iter().position(|key| key.name == name).expect("a known key")
    }

    pub(crate) fn disable(&mut self, key: usize, now: u64) {
        if self.keys[key].admin == Admin::Enabled {
            self.deny(key, Admin::Disabled, now);
        }
    }

    /// Legal from enabled and disabled (KMS-03).
    pub(crate) fn schedule(&mut self, key: usize, now: u64) {
        if matches!(self.keys[key].admin, Admin::Enabled | Admin::Disabled) {
            self.deny(key, Admin::Scheduled, now);
            self.keys[key].destroyed_at = Some(now + self.constants.destroy_wait);
        }
    }

    /// Leads to disabled (KMS-06).
    pub(crate) fn restore(&mut self, key: usize, now: u64) {
        if self.keys[key].admin == Admin::Scheduled {
            self.keys[key].destroyed_at = None;
            self.deny(key, Admin::Disabled, now);
        }
    }

    /// Strongly consistent (KMS-09).
    pub(crate) fn enable(&mut self, key: usize) {
        let key = &mut self.keys[key];
        if key.admin == Admin::Disabled {
            (key.admin, key.denied, key.arrives) = (Admin::Enabled, None, None);
        }
    }

    /// A denial, which takes its time; one that is on its way keeps its own.
    fn deny(&mut self, key: usize, why: Admin, now: u64) {
        let key = &mut self.keys[key];
        key.admin = why;
        match key.denied {
            Some(_) => key.denied = Some(why),
            None => {
                key.arrives.get_or_insert(now + self.constants.disable_propagation);
            }
        }
    }

    pub(crate) fn role(&mut self, key: usize, principal: Principal, off: bool, now: u64) {
        let at = now + self.constants.policy_propagation;
        for grant in &mut self.grants {
            if grant.key == key && grant.principal == principal && grant.wanted_off != off {
                grant.wanted_off = off;
                grant.arrives = (grant.off != off).then_some(at);
            }
        }
    }

    pub(crate) fn kms_outage(&mut self, location: Option<&str>, ends: u64) {
        for (place, outages) in &mut self.locations {
            if location.is_none_or(|name| name == *place) {
                outages.push(ends);
            }
        }
    }

    pub(crate) fn ekm_outage(&mut self, ends: u64) {
        if let Some(outages) = &mut self.vault {
            outages.push(ends);
        }
    }

    /// What arrives at `now`.
    pub(crate) fn arrivals(&mut self, now: u64) {
        let outages = self.locations.iter_mut().map(|(_, outages)| outages);
        for outages in outages.chain(&mut self.vault) {
            outages.retain(|end| *end > now);
        }
        for key in &mut self.keys {
            if key.arrives.is_some_and(|at| at <= now) {
                key.arrives = None;
                key.denied = Some(key.admin);
            }
            if key.destroyed_at.is_some_and(|at| at <= now) {
                key.destroyed_at = None;
                (key.admin, key.denied, key.arrives) =
                    (Admin::Destroyed, Some(Admin::Destroyed), None);
            }
        }
        for grant in &mut self.grants {
            if grant.arrives.is_some_and(|at| at <= now) {
                grant.arrives = None;
                grant.off = grant.wanted_off;
            }
        }
    }

    fn kms_out(&self, key: usize) -> bool {
        !self.locations[self.keys[key].location].1.is_empty()
    }

    pub(crate) fn external(&self, key: usize) -> bool {
        self.keys[key].external
    }

    /// Is the manager of an external key out of reach?
    fn manager_out(&self, key: usize) -> bool {
        self.keys[key].external && self.vault.as_ref().is_some_and(|outages| !outages.is_empty())
    }

    /// A silent Cloud KMS hides a denial, a denial by Cloud KMS hides the external manager.
    pub(crate) fn answer(&self, key: usize, principal: Principal) -> Answer {
        let grant = self.grants.iter().find(|g| g.key == key && g.principal == principal);
        if self.kms_out(key) {
            Answer::None
        } else if self.keys[key].denied.is_some() || grant.is_some_and(|grant| grant.off) {
            Answer::Denied
        } else if self.manager_out(key) {
            Answer::None
        } else {
            Answer::Granted
        }
    }

    /// Would the principal be denied, if Cloud KMS could be reached?
    pub(crate) fn denied(&self, key: usize, principal: Principal) -> bool {
        let grant = self.grants.iter().find(|g| g.key == key && g.principal == principal);
        self.keys[key].denied.is_some() || grant.is_some_and(|grant| grant.off)
    }

    pub(crate) fn destroyed(&self, key: usize) -> bool {
        self.keys[key].denied == Some(Admin::Destroyed)
    }

    fn state(&self, index: usize) -> &'static str {
        let key = &self.keys[index];
        let silent = self.kms_out(index) || (self.manager_out(index) && key.denied.is_none());
        match key.denied {
            Some(Admin::Destroyed) => "destroyed",
            _ if silent => "unreachable",
            Some(Admin::Scheduled) => "destroy-scheduled",
            Some(_) => "disabled",
            None if key.admin != Admin::Enabled => "disabling",
            None => "enabled",
        }
    }

    /// The state of every entity, by path.
    pub(crate) fn states(&self, tell: &mut Tell) {
        let place = |out: bool| if out { "unavailable" } else { "available" };
        for (name, outages) in &self.locations {
            tell(&|| format!("kms.{name}"), place(!outages.is_empty()));
        }
        if let Some(outages) = &self.vault {
            tell(&|| "ekm.vault".to_owned(), place(!outages.is_empty()));
        }
        for (number, key) in self.keys.iter().enumerate() {
            tell(&|| format!("keys.{}", key.name), self.state(number));
        }
        for grant in &self.grants {
            let state = match (grant.off, grant.wanted_off) {
                (false, false) => "granted",
                (false, true) => "revoking",
                (true, false) => "restoring",
                (true, true) => "revoked",
            };
            let key = &self.keys[grant.key].name;
            tell(&|| format!("keys.{key}.grants.{}", grant.principal.name()), state);
        }
    }
}
