//! Cloud KMS, grants and external managers, second by second: what a key answers at an instant to
//! one caller that needs one version of it.

use super::plan::{Constants, Key, Plan};
use super::services::{Manager, Place, Quota, begin};
use super::{Luck, Mistake};

/// What a call with a key comes back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted,
    Denied,
    /// Denied by the external manager itself.
    Manager,
    None,
    /// Luck decides: a part of the calls stays without an answer.
    Luck,
}

/// The state of a version as its administrator sees it (KMS-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admin {
    Enabled,
    Disabled,
    Scheduled,
    Destroyed,
    Generating,
    Importing,
    GenerationFailed,
    ImportFailed,
    /// The manager is told to destroy it, or could not.
    Ending,
    NotEnded,
}

impl Admin {
    fn named(name: &str) -> Admin {
        match name {
            "enabled" => Admin::Enabled,
            "disabled" => Admin::Disabled,
            "destroy-scheduled" => Admin::Scheduled,
            "destroyed" => Admin::Destroyed,
            "pending-generation" => Admin::Generating,
            "pending-import" => Admin::Importing,
            "generation-failed" => Admin::GenerationFailed,
            "import-failed" => Admin::ImportFailed,
            "pending-external-destruction" => Admin::Ending,
            "external-destruction-failed" => Admin::NotEnded,
            other => panic!("no state `{other}`"),
        }
    }

    /// Why callers are denied a version in this state: only an enabled one serves (KMS-01).
    fn denial(self) -> Option<Reason> {
        match self {
            Admin::Enabled => None,
            Admin::Disabled => Some(Reason::Disabled),
            Admin::Scheduled => Some(Reason::Scheduled),
            Admin::Destroyed | Admin::Ending | Admin::NotEnded => Some(Reason::Destroyed),
            Admin::Generating | Admin::Importing => Some(Reason::NotReady),
            Admin::GenerationFailed | Admin::ImportFailed => Some(Reason::NotReady),
        }
    }

    /// Will it have material by itself?
    fn pending(self) -> bool {
        matches!(self, Admin::Generating | Admin::Importing)
    }

    /// Is it billed (KMS-29)?
    fn billed(self) -> bool {
        matches!(self, Admin::Enabled | Admin::Disabled | Admin::Scheduled)
    }
}

/// Why callers are denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Disabled,
    Scheduled,
    Destroyed,
    /// It has no material yet, or never got any.
    NotReady,
}

/// A change that callers do not see yet.
#[derive(Clone, Copy, Debug)]
struct Change {
    /// A denial with its reason, or a grant.
    denial: Option<Reason>,
    /// Seconds until callers see it; frozen while Cloud KMS is stale.
    left: u64,
}

/// One version of a key.
#[derive(Clone, Debug)]
struct Version {
    admin: Admin,
    denied: Option<Reason>,
    change: Option<Change>,
    destroy_at: Option<u64>,
    /// When its generation, its import or its destruction by the manager is over; whether that
    /// fails, and whether it is the primary from then on.
    ready_at: Option<u64>,
    fails: bool,
    rotates: bool,
    /// Disabled because the manager denied (EKM-09).
    stuck: bool,
}

impl Version {
    fn new(admin: Admin) -> Version {
        Version {
            admin,
            denied: admin.denial(),
            change: None,
            destroy_at: None,
            ready_at: None,
            fails: false,
            rotates: false,
            stuck: false,
        }
    }

    fn at_start(admin: Admin, destroy_wait: u64, c: &Constants, m: Option<Mistake>) -> Version {
        let mut version = Version::new(admin);
        match admin {
            Admin::Scheduled if m != Some(Mistake::OldScheduleForgotten) => {
                version.destroy_at = Some(destroy_wait);
            }
            Admin::Generating => version.ready_at = Some(c.generation),
            Admin::Importing => version.ready_at = Some(c.import),
            Admin::Ending => version.ready_at = Some(c.external_destruction),
            _ => {}
        }
        if m == Some(Mistake::PendingServes) && admin.pending() {
            version.denied = None;
        }
        version
    }
}

/// One key.
#[derive(Clone, Debug)]
pub(crate) struct KeyState {
    pub(crate) name: String,
    location: usize,
    manager: Option<usize>,
    quota: Option<usize>,
    imported: bool,
    vpc: bool,
    /// US dollars per version and month (KMS-29).
    price: f64,
    destroy_wait: u64,
    versions: Vec<Version>,
    /// The primary version as its administrator set it, and as callers use it.
    primary: usize,
    seen_primary: usize,
    /// Seconds until callers use the new one.
    primary_left: Option<u64>,
    next_rotation: Option<u64>,
    /// Ends of the spells in which the manager denies.
    denies: Vec<u64>,
    /// Since when no call gets an answer.
    silent_since: Option<u64>,
    /// Seconds in which it denies.
    denied_time: u64,
    /// Validations made with it.
    asked: u64,
    /// Seconds of all versions together that are billed.
    billed: u64,
    /// The automatic rotation whose new primary version callers do not know of yet.
    rotated: Option<u64>,
}

/// One way in which a grant can be off.
#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    off: bool,
    wanted_off: bool,
    left: Option<u64>,
}

/// The grant of one project's agent on one key.
#[derive(Clone, Debug)]
pub(crate) struct GrantState {
    pub(crate) key: usize,
    pub(crate) project: Option<String>,
    role: Edge,
    perimeter: Edge,
    /// Ends of the perimeter's spells.
    blocks: Vec<u64>,
    denied_time: u64,
}

/// All keys and what they hang on.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) locations: Vec<Place>,
    pub(crate) managers: Vec<Manager>,
    pub(crate) keys: Vec<KeyState>,
    pub(crate) grants: Vec<GrantState>,
    pub(crate) quotas: Vec<Quota>,
    /// The first second in which luck decided a validation: nobody knows what follows.
    pub(crate) luck_met: Option<u64>,
    /// Automatic rotations that left a key without a usable primary version.
    pub(crate) harmful: Vec<u64>,
    constants: Constants,
    mistake: Option<Mistake>,
}

impl Edge {
    /// The configuration changes; a change back before it has propagated is never seen.
    fn want(&mut self, off: bool, delay: u64) {
        if self.wanted_off != off {
            self.wanted_off = off;
            self.left = (self.off != off).then_some(delay);
        }
    }

    fn arrive(&mut self) {
        if self.left == Some(0) {
            self.left = None;
            self.off = self.wanted_off;
        }
    }
}

impl GrantState {
    fn denied(&self) -> bool {
        self.role.off || self.perimeter.off
    }

    fn state(&self) -> &'static str {
        let wanted = self.role.wanted_off || self.perimeter.wanted_off;
        match (self.denied(), wanted) {
            (false, false) => "granted",
            (false, true) => "revoking",
            (true, false) => "restoring",
            (true, true) if self.role.off => "revoked",
            (true, true) => "blocked",
        }
    }
}

impl KeyState {
    /// Are all versions denied?
    fn whole(&self) -> bool {
        self.versions.iter().all(|version| version.denied.is_some())
    }

    /// Is the key gone for good? Versions that are about to get material are its future, those
    /// that failed to are not.
    fn destroyed(&self) -> bool {
        self.reason() == Some(Reason::Destroyed)
    }

    /// The reason that callers are told when all versions are denied: that of the primary, unless
    /// it is gone and another one is not (decided by the product).
    fn reason(&self) -> Option<Reason> {
        let newest = self.versions.iter().rev();
        let order = std::iter::once(&self.versions[self.seen_primary]).chain(newest);
        let reasons: Vec<Reason> = order.filter_map(|version| version.denied).collect();
        let is = |wanted: &[Reason]| reasons.iter().find(|reason| wanted.contains(reason)).copied();
        let kept = is(&[Reason::Disabled, Reason::Scheduled]);
        let pending = self.versions.iter().any(|version| version.admin.pending());
        let rest = if pending { is(&[Reason::NotReady]) } else { is(&[Reason::Destroyed]) };
        kept.or(rest).or(reasons.first().copied()).filter(|_| self.whole())
    }

    /// The versions that a command is about.
    fn meant(&self, version: Option<u64>) -> std::ops::Range<usize> {
        let count = self.versions.len();
        match version.map(|number| usize::try_from(number).expect("few versions")) {
            None => 0..count,
            Some(number) if number <= count => number - 1..number,
            Some(_) => 0..0,
        }
    }
}

impl Keys {
    pub(crate) fn new(plan: &Plan, luck: &Luck, mistake: Option<Mistake>) -> Keys {
        let place = |name: &String| Place { name: name.clone(), ..Place::default() };
        let mut names: Vec<&String> = plan.keys.iter().map(|key| &key.location).collect();
        names.sort();
        names.dedup();
        let locations: Vec<Place> = names.into_iter().map(place).collect();
        let managers: Vec<Manager> =
            plan.managers.iter().map(|m| Manager::new(m, luck, mistake)).collect();
        let find = |name: &String| {
            locations.iter().position(|p| p.name == *name).expect("a key names a known place")
        };
        let manager = |name: &String| {
            managers.iter().position(|m| m.name == *name).expect("a key names a known manager")
        };
        let quotas = Quota::all(plan, mistake);
        let index = |number: u64| usize::try_from(number).expect("few versions");
        let c = &plan.constants;
        let wait = |key: &Key| key.destroy_wait.unwrap_or(c.destroy_wait);
        let state = |key: &Key| KeyState {
            name: key.name.clone(),
            location: find(&key.location),
            manager: key.manager.as_ref().map(manager),
            quota: quotas.iter().position(|quota| quota.keys.contains(&key.name)),
            imported: key.imported,
            vpc: key.vpc,
            price: match (&key.manager, key.hsm) {
                (Some(_), _) => 3.0,
                (None, true) => 1.0,
                (None, false) => 0.06,
            },
            destroy_wait: wait(key),
            versions: key
                .versions
                .iter()
                .map(|name| Version::at_start(Admin::named(name), wait(key), c, mistake))
                .collect(),
            primary: index(key.primary - 1),
            seen_primary: index(key.primary - 1),
            primary_left: None,
            next_rotation: key.next_rotation,
            denies: Vec::new(),
            silent_since: None,
            denied_time: 0,
            asked: 0,
            billed: 0,
            rotated: None,
        };
        let mut grants: Vec<GrantState> = Vec::new();
        for instance in &plan.instances {
            for name in instance.clusters.iter().filter_map(|cluster| cluster.key.as_ref()) {
                let key = plan.keys.iter().position(|key| key.name == *name).expect("known");
                if grants.iter().all(|g| g.key != key || g.project != instance.project) {
                    grants.push(GrantState {
                        key,
                        project: instance.project.clone(),
                        role: Edge::default(),
                        perimeter: Edge::default(),
                        blocks: Vec::new(),
                        denied_time: 0,
                    });
                }
            }
        }
        let keys = plan.keys.iter().map(state).collect();
        Keys {
            locations,
            managers,
            keys,
            grants,
            quotas,
            luck_met: None,
            harmful: Vec::new(),
            constants: plan.constants.clone(),
            mistake,
        }
    }

    /// The number of the key with this name.
    pub(crate) fn find(&self, name: &str) -> usize {
        self.keys.iter().position(|key| key.name == name).expect("an event names a known key")
    }

    /// The number of the grant of a project's agent on a key.
    pub(crate) fn grant(&self, key: usize, project: &Option<String>) -> usize {
        let fits = |grant: &GrantState| grant.key == key && grant.project == *project;
        self.grants.iter().position(fits).expect("every use has a grant")
    }

    fn stale(&self, key: usize) -> bool {
        !self.locations[self.keys[key].location].stale.is_empty()
    }

    /// `disable-key`: legal only from enabled.
    pub(crate) fn disable(&mut self, key: usize, version: Option<u64>) {
        for v in self.keys[key].meant(version) {
            // Who wants it disabled does not want a rotation to enable it (EKM-09).
            self.keys[key].versions[v].stuck = false;
            if self.keys[key].versions[v].admin == Admin::Enabled {
                self.put(key, v, Admin::Disabled);
                self.deny(key, v, Reason::Disabled);
            }
        }
    }

    /// `schedule-destroy`: legal from enabled and disabled (KMS-03).
    pub(crate) fn schedule(&mut self, key: usize, version: Option<u64>, now: u64) {
        for v in self.keys[key].meant(version) {
            if matches!(self.keys[key].versions[v].admin, Admin::Enabled | Admin::Disabled) {
                self.put(key, v, Admin::Scheduled);
                self.keys[key].versions[v].destroy_at = Some(now + self.keys[key].destroy_wait);
                self.deny(key, v, Reason::Scheduled);
            }
        }
    }

    /// `restore-key`: legal only from scheduled; leads to disabled (KMS-06).
    pub(crate) fn restore(&mut self, key: usize, version: Option<u64>) {
        for v in self.keys[key].meant(version) {
            if self.keys[key].versions[v].admin == Admin::Scheduled {
                self.put(key, v, Admin::Disabled);
                self.keys[key].versions[v].destroy_at = None;
                self.deny(key, v, Reason::Disabled);
                if self.mistake == Some(Mistake::RestoringEnables) {
                    self.enable(key, Some(v as u64 + 1));
                }
            }
        }
    }

    /// `enable-key`: legal only from disabled.
    pub(crate) fn enable(&mut self, key: usize, version: Option<u64>) {
        for v in self.keys[key].meant(version) {
            if self.keys[key].versions[v].admin != Admin::Disabled {
                continue;
            }
            self.put(key, v, Admin::Enabled);
            let left = self.constants.enable_propagation;
            let version = &mut self.keys[key].versions[v];
            // A denial still on its way is called off: callers never notice.
            version.change = None;
            if version.denied.is_some() {
                if left == 0 {
                    version.denied = None;
                } else {
                    version.change = Some(Change { denial: None, left });
                }
            }
        }
    }

    fn put(&mut self, key: usize, v: usize, admin: Admin) {
        self.keys[key].versions[v].admin = admin;
        self.keys[key].versions[v].stuck = false;
    }

    fn deny(&mut self, key: usize, v: usize, reason: Reason) {
        let stale = self.stale(key);
        let delay = self.constants.disable_propagation;
        let version = &mut self.keys[key].versions[v];
        if version.denied.is_some() {
            // Callers stay denied; a grant on its way is superseded.
            version.denied = Some(reason);
            version.change = None;
        } else if let Some(change) = &mut version.change {
            // The denial on its way keeps its arrival time.
            change.denial = Some(reason);
        } else if delay == 0 && !stale {
            version.denied = Some(reason);
        } else {
            version.change = Some(Change { denial: Some(reason), left: delay });
        }
    }

    /// `create-version`: a further version that is not the primary (KMS-01); of a rotation
    /// (KMS-17), it is as soon as it has its material.
    pub(crate) fn create(&mut self, key: usize, rotates: bool, fails: bool, now: u64) {
        let generation = match self.mistake {
            Some(Mistake::GeneratedAtOnce) => 0,
            _ => self.constants.generation,
        };
        let mut version = Version::new(Admin::Generating);
        version.ready_at = Some(now + generation);
        version.rotates = rotates;
        version.fails = fails;
        self.keys[key].versions.push(version);
        if generation == 0 && !fails {
            self.ready(key, self.keys[key].versions.len() - 1);
        }
    }

    /// `import-version`: material for a new version, or again for one that has none (KMS-07).
    pub(crate) fn import(&mut self, key: usize, version: Option<u64>, fails: bool, now: u64) {
        let state = &mut self.keys[key];
        if !state.imported {
            return;
        }
        let place = match version {
            None => {
                state.versions.push(Version::new(Admin::Importing));
                state.versions.len() - 1
            }
            Some(number) => {
                let place = usize::try_from(number - 1).expect("few versions");
                let without = [Admin::Destroyed, Admin::ImportFailed, Admin::Importing];
                match state.versions.get(place) {
                    Some(version) if without.contains(&version.admin) => place,
                    _ => return,
                }
            }
        };
        let version = &mut state.versions[place];
        *version = Version::new(Admin::Importing);
        version.ready_at = Some(now + self.constants.import);
        version.fails = fails && self.mistake != Some(Mistake::ImportsSucceed);
    }

    /// Generation, import or destruction by the manager is over. A rotation ends what stuck to
    /// older versions (EKM-09).
    fn ready(&mut self, key: usize, place: usize) {
        let version = &mut self.keys[key].versions[place];
        version.ready_at = None;
        let admin = match version.admin {
            Admin::Ending => Admin::Destroyed,
            Admin::Generating if version.fails => Admin::GenerationFailed,
            Admin::Importing if version.fails => Admin::ImportFailed,
            _ => Admin::Enabled,
        };
        version.admin = admin;
        version.denied = admin.denial();
        if std::mem::take(&mut version.rotates) && admin == Admin::Enabled {
            for version in &mut self.keys[key].versions {
                if version.stuck {
                    version.stuck = false;
                    version.admin = Admin::Enabled;
                    version.denied = None;
                }
            }
            self.make_primary(key, place as u64 + 1);
        }
    }

    /// `set-primary`: legal for an enabled version; changes nothing for the primary itself.
    pub(crate) fn make_primary(&mut self, key: usize, number: u64) {
        let left = self.constants.primary_propagation;
        let key = &mut self.keys[key];
        let place = usize::try_from(number - 1).expect("few versions");
        let legal = key.versions.get(place).is_some_and(|v| v.admin == Admin::Enabled);
        if legal && key.primary != place {
            key.primary = place;
            key.primary_left = Some(left);
            key.rotated = None;
            if self.mistake == Some(Mistake::PrimaryAtOnce) {
                key.seen_primary = place;
            }
        }
    }

    /// `revoke-grant` and `grant`, of one project or of all.
    pub(crate) fn role(&mut self, key: usize, project: Option<&String>, off: bool, group: bool) {
        let c = &self.constants;
        let slow = self.mistake != Some(Mistake::GroupRemovalIsFast);
        let delay = match (group, off) {
            (false, _) => c.policy,
            (true, false) => c.group,
            // A removal takes longer (IAM-03).
            (true, true) => c.group * if slow { c.group_removal } else { 1 },
        };
        let all = self.mistake == Some(Mistake::RevocationHitsAll);
        for grant in self.grants.iter_mut().filter(|grant| grant.key == key) {
            if all || project.is_none() || grant.project.as_ref() == project {
                grant.role.want(off, delay);
            }
        }
    }

    /// `vpc-sc-block` of the agents of all projects.
    pub(crate) fn perimeter(&mut self, key: usize, ends: u64) {
        let delay = self.constants.perimeter;
        for grant in self.grants.iter_mut().filter(|grant| grant.key == key) {
            grant.blocks.push(ends);
            grant.perimeter.want(true, delay);
        }
    }

    /// `ekm-deny`.
    pub(crate) fn manager_denies(&mut self, key: usize, ends: u64) {
        self.keys[key].denies.push(ends);
    }

    /// A request that needed this version was denied by the manager: Cloud EKM disables it (EKM-09).
    pub(crate) fn stick(&mut self, key: usize, version: usize) {
        let version = &mut self.keys[key].versions[version];
        if version.admin == Admin::Enabled && self.mistake != Some(Mistake::NothingSticks) {
            version.admin = Admin::Disabled;
            version.denied = Some(Reason::Disabled);
            version.stuck = true;
        }
    }

    /// An outage at a location, or everywhere.
    pub(crate) fn kms_outage(&mut self, location: Option<&str>, ends: u64) {
        begin(&mut self.locations, location, |place| place.outages.push(ends));
    }

    /// An outage of an external manager, or of all.
    pub(crate) fn ekm_outage(&mut self, manager: Option<&str>, ends: u64) {
        for place in &mut self.managers {
            if manager.is_none_or(|name| name == place.name) {
                place.outages.push(ends);
            }
        }
    }

    /// `ekm-latency` of a manager, or of all.
    pub(crate) fn ekm_latency(&mut self, manager: Option<&str>, ms: u64, ends: u64) {
        for place in &mut self.managers {
            if manager.is_none_or(|name| name == place.name) {
                place.slow.push((ends, ms));
            }
        }
    }

    /// `key-load`.
    pub(crate) fn load(&mut self, key: usize, rate: u64, ends: u64) {
        if let Some(quota) = self.keys[key].quota {
            self.quotas[quota].spells.push((ends, rate));
        }
    }

    /// Propagation stands still at a location (KMS-14).
    pub(crate) fn kms_stale(&mut self, location: &str, ends: u64) {
        begin(&mut self.locations, Some(location), |place| place.stale.push(ends));
    }

    /// One second passes: changes not held up by staleness come one second nearer. Called before
    /// the root events of `now`, so that staleness is that of the second before.
    pub(crate) fn tick(&mut self) {
        for key in &mut self.keys {
            if !self.locations[key.location].stale.is_empty() {
                continue;
            }
            if let Some(left) = &mut key.primary_left {
                *left = left.saturating_sub(1);
            }
            for change in key.versions.iter_mut().filter_map(|version| version.change.as_mut()) {
                // A change due this second may just have been frozen at its last instant.
                change.left = change.left.saturating_sub(1);
            }
        }
        for grant in &mut self.grants {
            for left in [&mut grant.role.left, &mut grant.perimeter.left].into_iter().flatten() {
                *left -= 1;
            }
        }
    }

    /// What arrives at `now`: ends of outages, then propagated changes, then destructions, new
    /// versions, new primary versions and rotations.
    pub(crate) fn arrivals(&mut self, now: u64) {
        for place in &mut self.locations {
            place.outages.retain(|end| *end > now);
            place.stale.retain(|end| *end > now);
        }
        self.managers.iter_mut().for_each(|manager| manager.pass(now));
        let c = &self.constants;
        for quota in &mut self.quotas {
            quota.spells.retain(|(end, _)| *end > now);
            quota.pass(c.sweep_phase, c.sweep_period, now);
        }
        for index in 0..self.keys.len() {
            // A primary version that callers hear of may be one that they cannot use.
            let changes = self.keys[index].primary_left == Some(0);
            let serves = changes && self.serves(index);
            let key = &mut self.keys[index];
            key.denies.retain(|end| *end > now);
            let fresh = self.locations[key.location].stale.is_empty();
            for version in &mut key.versions {
                if let Some(change) = version.change.filter(|change| change.left == 0 && fresh) {
                    version.change = None;
                    version.denied = change.denial;
                }
                if version.destroy_at.is_some_and(|at| at <= now) {
                    version.destroy_at = None;
                    version.admin = if key.vpc { Admin::Ending } else { Admin::Destroyed };
                    let ends = now + self.constants.external_destruction;
                    version.ready_at = key.vpc.then_some(ends);
                    version.change = None;
                    version.denied = Some(Reason::Destroyed);
                }
            }
            for place in 0..self.keys[index].versions.len() {
                if self.keys[index].versions[place].ready_at.is_some_and(|at| at <= now) {
                    let by_itself = self.keys[index].rotated;
                    self.ready(index, place);
                    self.keys[index].rotated = by_itself;
                }
            }
            let key = &mut self.keys[index];
            if key.next_rotation.is_some_and(|at| at <= now) {
                key.next_rotation = key.next_rotation.map(|at| at + super::generate::DAY);
                if key.versions.iter().any(|version| version.admin == Admin::Enabled) {
                    self.create(index, true, false, now);
                    self.keys[index].rotated = Some(now);
                }
            }
            let key = &mut self.keys[index];
            if key.primary_left == Some(0) && fresh {
                key.primary_left = None;
                key.seen_primary = key.primary;
                let rotated = key.rotated.take();
                if serves && !self.serves(index) {
                    self.harmful.extend(rotated);
                }
            }
        }
        let delay = self.constants.perimeter;
        for grant in &mut self.grants {
            grant.role.arrive();
            grant.perimeter.arrive();
            let before = grant.blocks.len();
            grant.blocks.retain(|end| *end > now);
            if before > 0 && grant.blocks.is_empty() {
                grant.perimeter.want(false, delay);
                grant.perimeter.arrive();
            }
        }
        self.watch(now);
    }

    fn serves(&self, key: usize) -> bool {
        !super::NOT_SERVING.contains(&self.state(key))
    }

    /// Notes since when each key is silent. Called whenever an answer may have changed.
    pub(crate) fn watch(&mut self, now: u64) {
        for index in 0..self.keys.len() {
            let silent = self.silent(index);
            let since = &mut self.keys[index].silent_since;
            *since = if silent { since.or(Some(now)) } else { None };
        }
    }

    fn kms_is_out(&self, key: usize) -> bool {
        !self.locations[self.keys[key].location].outages.is_empty()
    }

    fn manager_is_out(&self, key: usize) -> bool {
        self.keys[key].manager.is_some_and(|m| self.managers[m].is_out())
    }

    /// The share of the requests to a key that its quota refuses.
    fn refused(&self, key: usize) -> f64 {
        self.keys[key].quota.map_or(0.0, |quota| self.quotas[quota].refused())
    }

    fn silent(&self, key: usize) -> bool {
        self.kms_is_out(key)
            || self.refused(key) >= 1.0
            || (self.manager_is_out(key) && !self.keys[key].whole())
    }

    /// What a call of a principal with a version comes back with: a silent Cloud KMS hides a
    /// denial, a denial by Cloud KMS hides the external manager.
    pub(crate) fn answer(&self, key: usize, version: usize, grant: usize) -> Answer {
        let answer = self.answer_of_those_let_through(key, version, grant);
        match self.refused(key) {
            0.0 => answer,
            share if share >= 1.0 => Answer::None,
            _ if answer == Answer::None => Answer::None,
            _ => Answer::Luck,
        }
    }

    /// What a call that no quota refuses comes back with.
    fn answer_of_those_let_through(&self, key: usize, version: usize, grant: usize) -> Answer {
        if self.kms_is_out(key) {
            Answer::None
        } else if self.grants[grant].denied() || self.keys[key].versions[version].denied.is_some() {
            Answer::Denied
        } else if self.manager_is_out(key) {
            Answer::None
        } else if !self.keys[key].denies.is_empty() {
            Answer::Manager
        } else {
            Answer::Granted
        }
    }

    /// Is a principal denied whatever version it needs?
    pub(crate) fn wholly_denied(&self, key: usize, grant: usize) -> bool {
        let state = &self.keys[key];
        self.grants[grant].denied() || state.whole() || !state.denies.is_empty()
    }

    /// Is this version denied, by itself or with the whole key?
    pub(crate) fn denied(&self, key: usize, version: usize, grant: usize) -> bool {
        self.wholly_denied(key, grant) || self.keys[key].versions[version].denied.is_some()
    }

    /// Is the material of this version gone?
    pub(crate) fn gone(&self, key: usize, version: usize) -> bool {
        self.keys[key].versions[version].denied == Some(Reason::Destroyed)
    }

    /// The version that callers encrypt with.
    pub(crate) fn primary(&self, key: usize) -> usize {
        self.keys[key].seen_primary
    }

    pub(crate) fn count(&self, key: usize) -> usize {
        self.keys[key].versions.len()
    }

    /// So many tables in clusters are validated with each key: the quotas hear of it. In the second
    /// that this is new, requests count at once.
    pub(crate) fn hear_load(&mut self, tables: impl Fn(usize) -> u64, now: u64) {
        let c = &self.constants;
        for (number, quota) in self.quotas.iter_mut().enumerate() {
            let keys = self.keys.iter().enumerate();
            let own = keys.filter(|(_, key)| key.quota == Some(number));
            if quota.hear(own.map(|(key, _)| tables(key)).sum()) {
                quota.pass(c.sweep_phase, c.sweep_period, now);
            }
        }
        self.watch(now);
    }

    /// A table is validated with this key.
    pub(crate) fn asked(&mut self, key: usize) {
        self.keys[key].asked += 1;
    }

    /// Adds up what this second contributes to measures.
    pub(crate) fn account(&mut self) {
        for key in 0..self.keys.len() {
            let denies = ["no-primary", "denying", "disabled", "destroy-scheduled", "destroyed"];
            self.keys[key].denied_time += u64::from(denies.contains(&self.state(key)));
            let billed = self.keys[key].versions.iter().filter(|version| version.admin.billed());
            self.keys[key].billed += billed.count() as u64;
        }
        for grant in &mut self.grants {
            grant.denied_time += u64::from(grant.denied());
        }
    }

    /// What was added up, by path: three operations per validation (BT-14).
    pub(crate) fn measures(&self) -> Vec<(String, f64)> {
        let measures = self.keys.iter().flat_map(|key| {
            let operations = 3.0 * key.asked as f64;
            [
                (format!("keys.{}.denied-time", key.name), key.denied_time as f64),
                (format!("keys.{}.kms-operations", key.name), operations),
                (
                    format!("keys.{}.version-cost-usd", key.name),
                    key.billed as f64 / (30.0 * 86_400.0) * key.price,
                ),
            ]
        });
        let grants = self.grants.iter().map(|grant| {
            (format!("{}.denied-time", self.grant_path(grant)), grant.denied_time as f64)
        });
        measures.chain(grants).collect()
    }

    pub(crate) fn grant_path(&self, grant: &GrantState) -> String {
        let of = grant.project.as_ref().map_or(String::new(), |project| format!("-in-{project}"));
        format!("keys.{}.grants.bigtable-agent{of}", self.keys[grant.key].name)
    }

    pub(crate) fn destroyed(&self, key: usize) -> bool {
        self.keys[key].destroyed()
    }

    pub(crate) fn silent_since(&self, key: usize) -> Option<u64> {
        self.keys[key].silent_since
    }

    /// The name of the state that the key is in.
    pub(crate) fn state(&self, index: usize) -> &'static str {
        let key = &self.keys[index];
        let off = |version: &Version| {
            let seen = [Some(Reason::Disabled), Some(Reason::Scheduled)];
            matches!(version.admin, Admin::Disabled | Admin::Scheduled)
                || seen.contains(&version.denied)
        };
        match key.reason() {
            Some(Reason::Destroyed) => "destroyed",
            _ if self.silent(index) => "unreachable",
            Some(Reason::Scheduled) => "destroy-scheduled",
            Some(Reason::Disabled) => "disabled",
            Some(Reason::NotReady) => "denying",
            None if !key.denies.is_empty() => "denying",
            None if self.refused(index) > 0.0 => "impaired",
            None if key.versions[key.seen_primary].denied.is_some() => "no-primary",
            None if key.versions.iter().all(|version| version.admin != Admin::Enabled) => {
                "disabling"
            }
            None if key.versions.iter().any(off) => "partly-disabled",
            None => "enabled",
        }
    }

    /// The state of a grant.
    pub(crate) fn grant_state(&self, grant: usize) -> &'static str {
        self.grants[grant].state()
    }
}
