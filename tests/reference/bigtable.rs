//! Bigtable instances, second by second, as sections 1 and 4 of the fact sheet tell it.

use super::Mistake;
use super::keys::{Answer, Keys};
use super::plan::{
    Backup, Constants, DeletionClock, GraceFrom, GraceScope, Instance, REQUESTS_PER_SECOND,
    Routing, SweepPhase, region,
};
use std::collections::BTreeMap;

/// What is known of a version that is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// As the whole key is.
    Wholly,
    /// Alone, and the cluster is treated as if the whole key were (BT-24).
    Spreads,
    /// Alone, and only the tables that need it cannot be read.
    Alone,
}

/// A backup.
#[derive(Clone, Debug)]
struct BackupState {
    name: String,
    cluster: usize,
    version: usize,
    state: &'static str,
}

/// What a cluster knows of a key it cannot reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grace {
    None,
    /// Running until this second.
    Running(u64),
    /// Over, until contact.
    Over,
}

/// Whether a cluster takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Up,
    /// Up, and being brought back until this second.
    BringingUp(u64),
    Disabled,
    Offline,
}

#[derive(Clone, Debug)]
struct ClusterState {
    name: String,
    key: Option<usize>,
    grant: usize,
    /// The key version that each table needs.
    bound: Vec<usize>,
    /// What the last contact about each version said; usable if it is not there.
    known: BTreeMap<usize, Known>,
    /// Since when each version is denied, and the whole key.
    denied_since: BTreeMap<Option<usize>, u64>,
    /// The version that callers encrypt with, as the cluster has heard.
    primary: usize,
    /// When the tables are to be wrapped anew, and whether that waits.
    rewrap_at: Option<u64>,
    rewrap_waits: bool,
    grace: Grace,
    condition: Condition,
    /// When its ramp takes it offline.
    ramp: Option<u64>,
    /// When the cascade comes to it.
    turn: Option<u64>,
    /// Since when it is down.
    down_since: Option<u64>,
    /// Routing has noticed that it is down.
    avoided: bool,
}

/// Whether the instance still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Alive,
    Inaccessible,
    Deleted,
}

#[derive(Clone, Debug)]
struct ProfileState {
    name: String,
    /// Clusters in the order in which requests prefer them.
    order: Vec<usize>,
    single: bool,
    /// Seconds' worth of requests that failed.
    failed: f64,
}

/// One instance with its clusters and profiles in the order of their names.
#[derive(Clone, Debug)]
pub(crate) struct InstanceState {
    pub(crate) name: String,
    constants: Constants,
    mistake: Option<Mistake>,
    clusters: Vec<ClusterState>,
    profiles: Vec<ProfileState>,
    backups: Vec<BackupState>,
    lost_backups: u64,
    /// Times that one version was found denied alone.
    undefined: u64,
    /// Second within the period at which each table is validated.
    phases: Vec<u64>,
    fate: Fate,
    /// Validations made, one per table and cluster.
    sweeps: u64,
    /// Seconds in which the operations of BT-36 are refused.
    blocked: u64,
}

impl ClusterState {
    fn up(&self) -> bool {
        matches!(self.condition, Condition::Up | Condition::BringingUp(_))
    }

    /// Does a denial hold the whole cluster down?
    fn denied(&self) -> bool {
        self.known.values().any(|known| *known != Known::Alone)
    }

    /// Number of tables that cannot be read although the cluster is up.
    fn unreadable(&self) -> usize {
        let alone = |version: &&usize| self.known.get(version) == Some(&Known::Alone);
        self.bound.iter().filter(alone).count()
    }

    fn bringing_up(&self) -> bool {
        matches!(self.condition, Condition::BringingUp(_))
    }
}

impl InstanceState {
    pub(crate) fn new(
        instance: &Instance,
        constants: &Constants,
        keys: &Keys,
        mistake: Option<Mistake>,
    ) -> InstanceState {
        let mut sorted: Vec<_> = instance.clusters.iter().collect();
        sorted.sort_by_key(|cluster| &cluster.name);
        let clusters: Vec<ClusterState> = sorted
            .iter()
            .map(|cluster| ClusterState {
                name: cluster.name.clone(),
                key: cluster.key.as_ref().map(|key| keys.find(key)),
                grant: cluster
                    .key
                    .as_ref()
                    .map_or(0, |key| keys.grant(keys.find(key), &instance.project)),
                bound: cluster.key.as_ref().map_or(Vec::new(), |key| {
                    vec![keys.primary(keys.find(key)); instance.tables as usize]
                }),
                known: BTreeMap::new(),
                denied_since: BTreeMap::new(),
                primary: cluster.key.as_ref().map_or(0, |key| keys.primary(keys.find(key))),
                rewrap_at: None,
                rewrap_waits: false,
                grace: Grace::None,
                condition: Condition::Up,
                ramp: None,
                turn: None,
                down_since: None,
                avoided: false,
            })
            .collect();
        let find = |name: &String| {
            clusters.iter().position(|c| c.name == *name).expect("a profile names its clusters")
        };
        let mut profiles: Vec<ProfileState> = Vec::new();
        for profile in &instance.profiles {
            let order = match &profile.routing {
                Routing::Single(cluster) => vec![find(cluster)],
                Routing::Multi { prefers } => {
                    let mut order: Vec<usize> = prefers.iter().map(find).collect();
                    for index in 0..clusters.len() {
                        if !order.contains(&index) {
                            order.push(index);
                        }
                    }
                    let near = region(&sorted[order[0]].zone);
                    order.sort_by_key(|index| region(&sorted[*index].zone) != near);
                    order
                }
            };
            let single = matches!(profile.routing, Routing::Single(_));
            profiles.push(ProfileState { name: profile.name.clone(), order, single, failed: 0.0 });
        }
        let backup = |backup: &Backup| {
            let cluster = find(&backup.cluster);
            let version = backup.version.map_or(clusters[cluster].primary, |v| v as usize - 1);
            let state = if backup.present { "ready" } else { "absent" };
            BackupState { name: backup.name.clone(), cluster, version, state }
        };
        let backups = instance.backups.iter().map(backup).collect();
        let count = instance.tables;
        let phase = |table| match constants.sweep_phase {
            SweepPhase::Aligned => 0,
            SweepPhase::Spread => constants.sweep_period * table / count,
        };
        InstanceState {
            name: instance.name.clone(),
            constants: constants.clone(),
            mistake,
            clusters,
            profiles,
            backups,
            lost_backups: 0,
            undefined: 0,
            phases: (0..count).map(phase).collect(),
            fate: Fate::Alive,
            sweeps: 0,
            blocked: 0,
        }
    }

    /// `create-table`: refused while a cluster is down (BT-36).
    pub(crate) fn create_tables(&mut self, count: u64, keys: &Keys) {
        if !self.refuses() || self.mistake == Some(Mistake::CreateWhileDown) {
            assert_eq!(self.constants.sweep_phase, SweepPhase::Aligned, "only aligned is defined");
            self.phases.extend((0..count).map(|_| 0));
            for cluster in &mut self.clusters {
                if let Some(key) = cluster.key {
                    cluster.bound.extend((0..count).map(|_| keys.primary(key)));
                }
            }
        }
    }

    /// Number of tables in clusters that are validated with a key.
    pub(crate) fn validated_with(&self, key: usize) -> u64 {
        let own = self.clusters.iter().filter(|cluster| cluster.key == Some(key)).count();
        if self.fate == Fate::Deleted { 0 } else { (own * self.phases.len()) as u64 }
    }

    fn refuses(&self) -> bool {
        self.fate != Fate::Alive || self.clusters.iter().any(|cluster| !cluster.up())
    }

    /// `delete-table`: allowed as long as there are enough tables (BT-37); takes the newest.
    pub(crate) fn delete_tables(&mut self, count: u64, now: u64) {
        let left = (self.phases.len() as u64).checked_sub(count);
        if let Some(left) = left
            && self.fate != Fate::Deleted
        {
            let left = usize::try_from(left).expect("a handful of tables");
            self.phases.truncate(left);
            // Decided by the product, not by the fact sheet: without a table nothing is validated
            // (BT-28), so what was known of the keys is forgotten and holds nothing down.
            // So of a version that no table needs any more.
            for cluster in &mut self.clusters {
                cluster.bound.truncate(left);
                let bound = &cluster.bound;
                cluster.known.retain(|version, _| bound.contains(version));
                if left == 0 && self.fate == Fate::Alive && cluster.key.is_some() {
                    cluster.grace = Grace::None;
                }
            }
            if self.fate == Fate::Alive {
                self.contact(now);
            }
        }
    }

    /// `delete-instance`, or the end of a deletion clock. Backups go with it.
    pub(crate) fn delete(&mut self) {
        self.fate = Fate::Deleted;
        for backup in &mut self.backups {
            if backup.state != "absent" && backup.state != "deleted" {
                self.lost_backups += u64::from(backup.state != "inaccessible");
                backup.state = "deleted";
            }
        }
    }

    /// `create-backup`: needs a cluster that is up, and its key (BT-22).
    pub(crate) fn create_backup(&mut self, name: &str, keys: &mut Keys) {
        let fits = |backup: &&mut BackupState| backup.name == name;
        let backup = self.backups.iter_mut().find(fits).expect("an event names a known backup");
        let cluster = &self.clusters[backup.cluster];
        if self.fate != Fate::Alive || !cluster.up() || backup.state != "absent" {
            return;
        }
        if let Some(key) = cluster.key {
            let primary = keys.primary(key);
            let answer = keys.answer(key, primary, cluster.grant);
            if answer == Answer::Manager && self.mistake != Some(Mistake::OnlySweepsStick) {
                keys.stick(key, primary);
            }
            if answer != Answer::Granted {
                return;
            }
            backup.version = primary;
        }
        backup.state = "ready";
    }

    /// What the keys tell is heard: new primary versions, and since when what is denied. A
    /// wrapping that waits goes on as soon as it can (BT-12).
    pub(crate) fn hear(&mut self, keys: &Keys, now: u64) {
        for cluster in &mut self.clusters {
            let Some(key) = cluster.key else { continue };
            let grant = cluster.grant;
            let versions = (0..keys.count(key)).map(Some);
            for version in versions.chain([None]) {
                let denied = match version {
                    Some(version) => keys.denied(key, version, grant),
                    None => keys.wholly_denied(key, grant),
                };
                if denied {
                    cluster.denied_since.entry(version).or_insert(now);
                } else {
                    cluster.denied_since.remove(&version);
                }
            }
            if cluster.primary != keys.primary(key) {
                cluster.primary = keys.primary(key);
                cluster.rewrap_waits = false;
                let done = cluster.bound.iter().all(|version| *version == cluster.primary);
                let done = done && !cluster.bound.is_empty();
                cluster.rewrap_at = (!done).then_some(now + self.constants.rewrap_delay);
            }
        }
        for index in 0..self.clusters.len() {
            if self.clusters[index].rewrap_waits {
                self.rewrap(index, keys);
            }
        }
        self.settle_backups(keys);
    }

    /// BT-21, BT-22: a backup can be read while its key version can be used.
    fn settle_backups(&mut self, keys: &Keys) {
        for backup in &mut self.backups {
            let cluster = &self.clusters[backup.cluster];
            let Some(key) = cluster.key else { continue };
            if !["ready", "unusable"].contains(&backup.state) {
                continue;
            }
            let follows = self.mistake == Some(Mistake::BackupsFollowThePrimary);
            let version = if follows { keys.primary(key) } else { backup.version };
            backup.state = if keys.gone(key, version) {
                self.lost_backups += 1;
                "inaccessible"
            } else {
                match keys.answer(key, version, cluster.grant) {
                    Answer::Granted => "ready",
                    // Some requests are answered: by what the key says of the version.
                    Answer::Luck if !keys.denied(key, version, cluster.grant) => "ready",
                    _ => "unusable",
                }
            };
        }
    }

    /// All tables of a cluster are wrapped anew, if every version that takes part can be used;
    /// else that waits (BT-12).
    fn rewrap(&mut self, index: usize, keys: &Keys) {
        let cluster = &mut self.clusters[index];
        let Some(key) = cluster.key else { return };
        let usable = |version: &usize| {
            keys.answer(key, *version, cluster.grant) == Answer::Granted
                || self.mistake == Some(Mistake::WrapsWhatCannotBeRead)
        };
        let all = cluster.bound.iter().all(usable) && usable(&cluster.primary);
        cluster.rewrap_waits = !all;
        if all && self.fate == Fate::Alive {
            // That the cluster was held down is known until a validation finds otherwise.
            let held = cluster.denied();
            cluster.known.clear();
            if held && !cluster.bound.is_empty() {
                cluster.known.insert(cluster.primary, Known::Wholly);
            }
            let primary = cluster.primary;
            cluster.bound.iter_mut().for_each(|version| *version = primary);
        }
    }

    /// A key was destroyed: the instance is lost if it has a cluster with such a key (BT-40).
    pub(crate) fn destructions(&mut self, keys: &Keys) {
        let hit = self.clusters.iter().any(|c| c.key.is_some_and(|key| keys.destroyed(key)));
        if hit && self.fate == Fate::Alive && self.mistake != Some(Mistake::DestructionIgnored) {
            self.fate = Fate::Inaccessible;
        }
    }

    /// The validations due at `now`, cluster by cluster and table by table.
    pub(crate) fn sweeps(&mut self, keys: &mut Keys, now: u64) {
        let second = now % self.constants.sweep_period;
        for cluster in 0..self.clusters.len() {
            let Some(key) = self.clusters[cluster].key else { continue };
            for table in 0..self.phases.len() {
                if self.phases[table] == second && self.fate != Fate::Deleted {
                    self.sweeps += 1;
                    keys.asked(key);
                    if self.fate == Fate::Alive {
                        self.sweep(cluster, table, key, keys, now);
                    }
                }
            }
        }
    }

    fn sweep(&mut self, index: usize, table: usize, key: usize, keys: &mut Keys, now: u64) {
        let cluster = &mut self.clusters[index];
        let version = cluster.bound[table];
        match keys.answer(key, version, cluster.grant) {
            Answer::Luck => {
                keys.luck_met.get_or_insert(now);
            }
            Answer::None => {
                // A key known to be denied has no grace (BT-47).
                let known = cluster.known.contains_key(&version)
                    && self.mistake != Some(Mistake::GraceWhenDenied);
                if !known && cluster.grace == Grace::None {
                    let from = match self.constants.grace_from {
                        GraceFrom::FirstFailure => now,
                        GraceFrom::OutageStart => {
                            keys.silent_since(key).expect("a silent key is watched")
                        }
                    };
                    cluster.grace = Grace::Running(from + self.constants.grace);
                }
            }
            answer @ (Answer::Denied | Answer::Manager) => {
                let held = cluster.denied();
                let whole = keys.wholly_denied(key, cluster.grant);
                let before = cluster.known.get(&version).copied();
                let known = match before {
                    _ if whole => Known::Wholly,
                    Some(known @ (Known::Spreads | Known::Alone)) => known,
                    Some(Known::Wholly) | None => {
                        self.undefined += 1;
                        let ignored = self.mistake == Some(Mistake::NothingSpreads);
                        if self.constants.partial_spreads && !ignored {
                            Known::Spreads
                        } else {
                            Known::Alone
                        }
                    }
                };
                cluster.known.insert(version, known);
                cluster.grace = Grace::None;
                if !held && cluster.denied() {
                    self.denial_found(index, now);
                }
                self.contact(now);
                if answer == Answer::Manager {
                    keys.stick(key, version);
                    keys.watch(now);
                }
            }
            Answer::Granted => {
                cluster.known.remove(&version);
                if self.mistake != Some(Mistake::ContactKeepsGrace) {
                    cluster.grace = Grace::None;
                }
                self.contact(now);
            }
        }
    }

    /// A cluster hears for the first time that its key is denied (BT-29).
    fn denial_found(&mut self, index: usize, now: u64) {
        match self.clusters[index].condition {
            Condition::Up | Condition::BringingUp(_) => {
                self.go_down(index, Condition::Disabled, now);
            }
            Condition::Offline => self.clusters[index].condition = Condition::Disabled,
            Condition::Disabled => {}
        }
        let others = || (0..self.clusters.len()).filter(|other| *other != index);
        let first = others().all(|other| !self.clusters[other].denied());
        if first && self.mistake != Some(Mistake::NoCascade) {
            let up: Vec<usize> = others().filter(|other| self.clusters[*other].up()).collect();
            let mut wait = 0;
            for other in up {
                wait += self.constants.cascade_step;
                let capped = wait.min(self.constants.cascade_total_max);
                self.clusters[other].turn = Some(now + capped);
            }
        }
    }

    /// After a validation that got an answer: what nothing holds down any longer comes back.
    fn contact(&mut self, now: u64) {
        let denied = self.clusters.iter().any(ClusterState::denied);
        let over = self.clusters.iter().any(|cluster| cluster.grace == Grace::Over);
        for cluster in &mut self.clusters {
            let concerned = match self.constants.grace_scope {
                GraceScope::Instance => over,
                GraceScope::Cluster => cluster.grace == Grace::Over,
            };
            if !denied {
                cluster.turn = None;
            }
            if !concerned {
                cluster.ramp = None;
            }
            if !denied && !concerned && !cluster.up() {
                cluster.down_since = None;
                cluster.avoided = false;
                cluster.condition = match self.constants.bringup {
                    0 => Condition::Up,
                    lasts => Condition::BringingUp(now + lasts),
                };
            }
        }
    }

    fn go_down(&mut self, index: usize, to: Condition, now: u64) {
        let cluster = &mut self.clusters[index];
        cluster.condition = to;
        cluster.down_since = Some(now);
        cluster.turn = None;
        cluster.ramp = None;
    }

    /// What is due at `now`: ends of graces, ramps, turns of the cascade, ends of bring-ups,
    /// detours; each cluster by cluster.
    pub(crate) fn due(&mut self, keys: &Keys, now: u64) {
        if self.fate != Fate::Alive {
            return;
        }
        for index in 0..self.clusters.len() {
            if self.clusters[index].rewrap_at.is_some_and(|at| at <= now) {
                self.clusters[index].rewrap_at = None;
                self.rewrap(index, keys);
            }
        }
        for index in 0..self.clusters.len() {
            if let Grace::Running(until) = self.clusters[index].grace
                && until <= now
            {
                self.clusters[index].grace = Grace::Over;
                for other in 0..self.clusters.len() {
                    let concerned =
                        self.constants.grace_scope == GraceScope::Instance || other == index;
                    let cluster = &mut self.clusters[other];
                    if concerned && cluster.up() && cluster.ramp.is_none() {
                        cluster.ramp = Some(now + self.constants.offline_ramp);
                    }
                }
            }
        }
        for index in 0..self.clusters.len() {
            if self.clusters[index].ramp.is_some_and(|at| at <= now) {
                self.clusters[index].ramp = None;
                if self.clusters[index].up() {
                    self.go_down(index, Condition::Offline, now);
                }
            }
        }
        for index in 0..self.clusters.len() {
            if self.clusters[index].turn.is_some_and(|at| at <= now) {
                self.clusters[index].turn = None;
                if self.clusters[index].up() {
                    self.go_down(index, Condition::Disabled, now);
                }
            }
        }
        for cluster in &mut self.clusters {
            if matches!(cluster.condition, Condition::BringingUp(until) if until <= now) {
                cluster.condition = Condition::Up;
            }
        }
        let delay = self.constants.reroute_delay;
        for cluster in &mut self.clusters {
            if cluster.down_since.is_some_and(|since| since + delay <= now) {
                cluster.avoided = true;
            }
        }
    }

    /// Deletion after a time without the key (BT-41, BT-42).
    pub(crate) fn deletion(&mut self, now: u64) {
        if self.fate == Fate::Deleted {
            return;
        }
        for index in 0..self.clusters.len() {
            let cluster = &self.clusters[index];
            let since = match self.constants.deletion_clock {
                DeletionClock::UserTriggeredOnly => {
                    // The whole key, or one version that is treated as the whole key (BT-24).
                    let spreads = |known: &&Known| **known == Known::Spreads;
                    let one = cluster.known.iter().filter(|(_, known)| spreads(known));
                    let meant = one.map(|(version, _)| Some(*version)).chain([None]);
                    meant.filter_map(|meant| cluster.denied_since.get(&meant).copied()).min()
                }
                DeletionClock::AnyDisabled => cluster.down_since,
            };
            if since.is_some_and(|since| since + self.constants.delete_after <= now) {
                self.delete();
            }
        }
    }

    /// The states of the instance, its clusters and its profiles, in a fixed order.
    pub(crate) fn states(&self, mut tell: impl FnMut(&'static str)) {
        let up = self.clusters.iter().filter(|cluster| cluster.up()).count();
        let partly = |c: &ClusterState| c.bringing_up() || c.unreadable() > 0;
        let bringing_up = self.clusters.iter().any(partly);
        tell(match self.fate {
            Fate::Deleted => "deleted",
            Fate::Inaccessible => "inaccessible",
            Fate::Alive if up == 0 => "down",
            Fate::Alive if up < self.clusters.len() || bringing_up => "degraded",
            Fate::Alive => "serving",
        });
        for cluster in &self.clusters {
            tell(match (self.fate, cluster.condition) {
                (Fate::Deleted, _) => "deleted",
                (Fate::Inaccessible, _) => "inaccessible",
                (_, Condition::Disabled) => "disabled",
                (_, Condition::Offline) => "offline",
                (_, Condition::BringingUp(_)) => "bringing-up",
                (_, Condition::Up) if cluster.grace != Grace::None => "cached",
                (_, Condition::Up) if cluster.unreadable() > 0 => "partly-readable",
                (_, Condition::Up) => "serving",
            });
        }
        for profile in &self.profiles {
            let target = self.target(profile);
            let unreadable = target.unreadable();
            tell(match target.condition {
                _ if self.fate != Fate::Alive => "failing",
                Condition::Disabled | Condition::Offline => "failing",
                _ if unreadable > 0 && unreadable == target.bound.len() => "failing",
                _ if unreadable > 0 => "degraded",
                Condition::BringingUp(_) if self.constants.bringup_timeouts => "degraded",
                Condition::Up | Condition::BringingUp(_) => "serving",
            });
        }
        for backup in &self.backups {
            tell(backup.state);
        }
    }

    /// The cluster that takes the requests of a profile.
    fn target(&self, profile: &ProfileState) -> &ClusterState {
        let around = !profile.single && self.constants.route_around_disabled;
        let free = profile.order.iter().find(|index| !self.clusters[**index].avoided);
        match free {
            Some(free) if around => &self.clusters[*free],
            _ => &self.clusters[profile.order[0]],
        }
    }

    /// Adds up what this second contributes to measures.
    pub(crate) fn account(&mut self, now: u64) {
        self.blocked += u64::from(self.refuses() && self.fate != Fate::Deleted);
        for index in 0..self.profiles.len() {
            let target = self.target(&self.profiles[index]);
            let failed = match target.condition {
                _ if self.fate != Fate::Alive => 1.0,
                Condition::Disabled | Condition::Offline => 1.0,
                // One in five, falling to none in a straight line (BT-39).
                Condition::BringingUp(until) if self.constants.bringup_timeouts => {
                    0.2 * ((until - now) as f64 - 0.5) / self.constants.bringup as f64
                }
                // Best effort on cached keys (BT-48).
                Condition::Up if target.grace != Grace::None => 0.001,
                Condition::Up | Condition::BringingUp(_) => 0.0,
            };
            let readable = 1.0 - target.unreadable() as f64 / target.bound.len().max(1) as f64;
            let failed = if target.up() && self.fate == Fate::Alive {
                1.0 - readable + readable * failed
            } else {
                failed
            };
            self.profiles[index].failed += failed;
        }
    }

    /// What [`InstanceState::account`] added up, by path.
    pub(crate) fn measures(&self, horizon: u64) -> Vec<(String, f64)> {
        let path = format!("bigtable.{}", self.name);
        let mut measures = vec![
            (format!("{path}.sweeps"), self.sweeps as f64),
            (format!("{path}.admin-blocked-time"), self.blocked as f64),
            (format!("{path}.undefined-behaviour"), self.undefined as f64),
        ];
        if !self.backups.is_empty() {
            let ready = self.backups.iter().filter(|backup| backup.state == "ready").count();
            measures.push((format!("{path}.recovery-points-available"), ready as f64));
            measures.push((format!("{path}.recovery-points-lost"), self.lost_backups as f64));
        }
        for profile in &self.profiles {
            let path = format!("{path}.app-profiles.{}", profile.name);
            let requests = REQUESTS_PER_SECOND * horizon as f64;
            let failed = REQUESTS_PER_SECOND * profile.failed;
            measures.push((format!("{path}.requests"), requests));
            measures.push((format!("{path}.failed-requests"), failed));
            measures.push((format!("{path}.availability"), 1.0 - failed / requests));
        }
        measures
    }

    /// The paths of what [`InstanceState::states`] tells of.
    pub(crate) fn paths(&self) -> Vec<String> {
        let instance = format!("bigtable.{}", self.name);
        let clusters = self.clusters.iter().map(|c| format!("{instance}.clusters.{}", c.name));
        let profiles = self.profiles.iter().map(|p| format!("{instance}.app-profiles.{}", p.name));
        let mut paths = vec![instance.clone()];
        paths.extend(clusters);
        paths.extend(profiles);
        paths.extend(self.backups.iter().map(|b| format!("{instance}.backups.{}", b.name)));
        paths
    }
}
