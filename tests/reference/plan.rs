//! A small scenario as plain data, and its text. All times are whole seconds, all distributions
//! constants, so that a loop over seconds can play it exactly.

use std::fmt::Write as _;

/// When the grace for a lost contact begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GraceFrom {
    FirstFailure,
    OutageStart,
}

/// Whom an expired grace takes offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GraceScope {
    Instance,
    Cluster,
}

/// What counts towards automatic deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeletionClock {
    UserTriggeredOnly,
    AnyDisabled,
}

/// Where in the period each table is validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SweepPhase {
    Aligned,
    Spread,
}

/// The constants of the model, in seconds where they are times.
#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) disable_propagation: u64,
    pub(crate) enable_propagation: u64,
    pub(crate) destroy_wait: u64,
    pub(crate) sweep_period: u64,
    pub(crate) sweep_phase: SweepPhase,
    pub(crate) grace: u64,
    pub(crate) grace_from: GraceFrom,
    pub(crate) grace_scope: GraceScope,
    pub(crate) offline_ramp: u64,
    pub(crate) cascade_step: u64,
    pub(crate) cascade_total_max: u64,
    pub(crate) bringup: u64,
    /// Whether requests time out while a cluster is brought up.
    pub(crate) bringup_timeouts: bool,
    pub(crate) delete_after: u64,
    pub(crate) deletion_clock: DeletionClock,
    pub(crate) route_around_disabled: bool,
    pub(crate) reroute_delay: u64,
    pub(crate) primary_propagation: u64,
    pub(crate) rewrap_delay: u64,
    pub(crate) policy: u64,
    pub(crate) group: u64,
    /// A removal from a group takes so many times as long.
    pub(crate) group_removal: u64,
    pub(crate) perimeter: u64,
    /// Is a cluster with one unusable key version treated as if the whole key were disabled?
    pub(crate) partial_spreads: bool,
    /// How long versions are pending generation, import, destruction by their manager.
    pub(crate) generation: u64,
    pub(crate) import: u64,
    pub(crate) external_destruction: u64,
    /// Requests per second that the quotas allow, and whether what exceeds them is answered.
    pub(crate) quota_hsm: u64,
    pub(crate) quota_ekm: u64,
    pub(crate) soft: bool,
}

/// The timeout of a call of an external manager, in milliseconds (EKM-02).
pub(crate) const TIMEOUT_MS: u64 = 150;

/// A key; `manager` makes it an external one.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) manager: Option<String>,
    /// Of an external key: is it reached through a VPC, so that its manager destroys as well?
    pub(crate) vpc: bool,
    pub(crate) hsm: bool,
    pub(crate) imported: bool,
    /// Requests per second of direct callers.
    pub(crate) direct: u64,
    pub(crate) destroy_wait: Option<u64>,
    /// States of the versions at the start, and the number of the primary among them.
    pub(crate) versions: Vec<&'static str>,
    pub(crate) primary: u64,
    /// When it rotates by itself, then every day.
    pub(crate) next_rotation: Option<u64>,
}

/// Replicas or links: how many there are and must be up, and the seconds to a failure and of a
/// repair, each equally likely. They never fail if there is none.
#[derive(Clone, Debug)]
pub(crate) struct Units {
    pub(crate) count: u64,
    pub(crate) needed: u64,
    pub(crate) failures: Vec<u64>,
    pub(crate) repairs: Vec<u64>,
}

/// An external manager.
#[derive(Clone, Debug)]
pub(crate) struct Manager {
    pub(crate) name: String,
    /// Replicas and links.
    pub(crate) units: [Units; 2],
    pub(crate) latency_ms: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) zone: String,
    pub(crate) key: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Routing {
    Single(String),
    Multi { prefers: Vec<String> },
}

#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) routing: Routing,
}

/// A backup; without a version it is pinned to the primary one.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) version: Option<u64>,
    pub(crate) present: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) project: Option<String>,
    pub(crate) backups: Vec<Backup>,
    pub(crate) tables: u64,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) profiles: Vec<Profile>,
}

/// What a root event does. Places of outages: a name, or nothing for everywhere; versions and
/// projects: one, or nothing for all.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Disable { key: String, version: Option<u64> },
    Enable { key: String, version: Option<u64> },
    Schedule { key: String, version: Option<u64> },
    Restore { key: String, version: Option<u64> },
    CreateVersion { key: String, fails: bool },
    Rotate { key: String, fails: bool },
    Import { key: String, version: Option<u64>, fails: bool },
    Load { key: String, rate: u64, lasts: u64 },
    Latency { manager: Option<String>, ms: u64, lasts: u64 },
    SetPrimary { key: String, version: u64 },
    Role { key: String, project: Option<String>, off: bool, group: bool },
    Perimeter { key: String, lasts: u64 },
    EkmDeny { key: String, lasts: u64 },
    CreateBackup { instance: String, backup: String },
    KmsOutage { location: Option<String>, lasts: u64 },
    KmsStale { location: String, lasts: u64 },
    EkmOutage { manager: Option<String>, lasts: u64 },
    CreateTable { instance: String, count: u64 },
    DeleteTable { instance: String, count: u64 },
    ModifyColumnFamily { instance: String },
    DeleteInstance { instance: String },
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: u64,
    pub(crate) act: Act,
}

/// A scenario; names are in the order of the file, which is not their own order.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) horizon: u64,
    pub(crate) constants: Constants,
    pub(crate) managers: Vec<Manager>,
    /// Quotas with a limit of their own, by name.
    pub(crate) limits: Vec<(String, u64)>,
    pub(crate) keys: Vec<Key>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) events: Vec<Event>,
}

/// Reads and writes of every app profile, as [`Instance::write`] says.
pub(crate) const REQUESTS_PER_SECOND: f64 = 11.0;

/// The region of a zone: `us-east1` of `us-east1-b`.
pub(crate) fn region(zone: &str) -> &str {
    zone.rsplit_once('-').expect("a zone is a region and a letter").0
}

impl Plan {
    /// Does a cluster use a key?
    pub(crate) fn uses(&self, key: &str) -> bool {
        let clusters = self.instances.iter().flat_map(|instance| &instance.clusters);
        clusters.filter_map(|cluster| cluster.key.as_ref()).any(|used| used == key)
    }

    /// The text of the scenario file.
    pub(crate) fn toml(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("writing to a string succeeds");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "schema = 1\n\n[scenario]\nname = \"random-{}\"", self.seed)?;
        writeln!(
            text,
            "start = 2026-03-02T08:00:00Z\nhorizon = \"{}s\"\nseed = 1\n",
            self.horizon
        )?;
        for manager in &self.managers {
            manager.write(text)?;
        }
        for (quota, limit) in &self.limits {
            writeln!(text, "[quotas.{quota}]\nlimit = \"{limit}/s\"")?;
        }
        for key in &self.keys {
            writeln!(text, "[keys.{}]\nlocation = \"{}\"", key.name, key.location)?;
            if let Some(manager) = &key.manager {
                let way = if key.vpc { "external-vpc" } else { "external" };
                writeln!(text, "protection = \"{way}\"\nekm = \"{manager}\"")?;
            }
            if key.hsm {
                writeln!(text, "protection = \"hsm\"")?;
            }
            if key.imported {
                writeln!(text, "imported = true")?;
            }
            if key.direct > 0 {
                writeln!(text, "direct-load = \"{}/s\"", key.direct)?;
            }
            if let Some(wait) = key.destroy_wait {
                writeln!(text, "destroy-wait = \"{wait}s\"")?;
            }
            if key.versions != ["enabled"] {
                writeln!(text, "versions = {:?}\nprimary = {}", key.versions, key.primary)?;
            }
            if let Some(next) = key.next_rotation {
                writeln!(text, "rotation-period = \"24h\"\nnext-rotation = \"{next}s\"")?;
            }
        }
        for instance in &self.instances {
            instance.write(text)?;
        }
        for event in &self.events {
            event.write(text)?;
        }
        self.constants.write(text)
    }
}

/// Some spans of seconds, each equally likely.
fn any_of(seconds: &[u64]) -> String {
    let weight = 1.0 / seconds.len() as f64;
    let parts: Vec<String> =
        seconds.iter().map(|s| format!("{{ weight = {weight:?}, constant = \"{s}s\" }}")).collect();
    format!("{{ mixture = [ {} ] }}", parts.join(", "))
}

impl Manager {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "[ekm.{}]\nlatency = \"{}ms\"", self.name, self.latency_ms)?;
        for (word, units) in ["replica", "link"].iter().zip(&self.units) {
            writeln!(text, "{word}s = {}\n{word}s-needed = {}", units.count, units.needed)?;
            if !units.failures.is_empty() {
                writeln!(text, "{word}-failure = {}", any_of(&units.failures))?;
                writeln!(text, "{word}-repair = {}", any_of(&units.repairs))?;
            }
        }
        Ok(())
    }
}

impl Instance {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let path = format!("bigtable.{}", self.name);
        writeln!(text, "\n[{path}]\ntables = {}", self.tables)?;
        if let Some(project) = &self.project {
            writeln!(text, "project = \"{project}\"")?;
        }
        for backup in &self.backups {
            let Backup { name, cluster, version, present } = backup;
            writeln!(text, "[{path}.backups.{name}]\ncluster = \"{cluster}\"")?;
            if let Some(version) = version {
                writeln!(text, "key-version = {version}")?;
            }
            if !present {
                writeln!(text, "initially = \"absent\"")?;
            }
        }
        for cluster in &self.clusters {
            writeln!(text, "[{path}.clusters.{}]\nzone = \"{}\"", cluster.name, cluster.zone)?;
            if let Some(key) = &cluster.key {
                writeln!(text, "key = \"{key}\"")?;
            }
        }
        for profile in &self.profiles {
            writeln!(text, "[{path}.app-profiles.{}]", profile.name)?;
            match &profile.routing {
                Routing::Single(cluster) => {
                    writeln!(text, "routing = {{ single-cluster = \"{cluster}\" }}")?;
                }
                Routing::Multi { prefers } => {
                    writeln!(text, "routing = \"multi-cluster\"")?;
                    if !prefers.is_empty() {
                        writeln!(text, "prefers = {prefers:?}")?;
                    }
                }
            }
            writeln!(text, "reads = \"10/s\"\nwrites = \"1/s\"")?;
        }
        Ok(())
    }
}

impl Event {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n[[events]]\nat = \"{}s\"", self.at)?;
        let everywhere = "everywhere".to_string();
        let lines = match &self.act {
            Act::Disable { key, version } => of_version("disable-key", key, *version),
            Act::Enable { key, version } => of_version("enable-key", key, *version),
            Act::Schedule { key, version } => of_version("schedule-destroy", key, *version),
            Act::Restore { key, version } => of_version("restore-key", key, *version),
            Act::CreateVersion { key, fails } => making("create-version", key, None, *fails),
            Act::Rotate { key, fails } => making("rotate-key", key, None, *fails),
            Act::Import { key, version, fails } => making("import-version", key, *version, *fails),
            Act::Load { key, rate, lasts } => format!(
                "do = \"key-load\"\nkey = \"{key}\"\nrate = \"{rate}/s\"\nlasts = \"{lasts}s\""
            ),
            Act::Latency { manager, ms, lasts } => format!(
                "do = \"ekm-latency\"\nekm = \"{}\"\nlatency = \"{ms}ms\"\nlasts = \"{lasts}s\"",
                manager.as_ref().unwrap_or(&everywhere)
            ),
            Act::SetPrimary { key, version } => of_version("set-primary", key, Some(*version)),
            Act::Role { key, project, off, group } => {
                let what = if *off { "revoke-grant" } else { "grant" };
                let via = if *group { "group" } else { "policy" };
                let of = project.as_ref().map(|project| format!("\nproject = \"{project}\""));
                format!(
                    "do = \"{what}\"\nkey = \"{key}\"\nprincipal = \"bigtable-agent\"\nvia = \"{via}\"{}",
                    of.unwrap_or_default()
                )
            }
            Act::Perimeter { key, lasts } => format!(
                "do = \"vpc-sc-block\"\nkey = \"{key}\"\nprincipal = \"bigtable-agent\"\nlasts = \"{lasts}s\""
            ),
            Act::EkmDeny { key, lasts } => {
                format!("do = \"ekm-deny\"\nkey = \"{key}\"\nlasts = \"{lasts}s\"")
            }
            Act::CreateBackup { instance, backup } => {
                format!("do = \"create-backup\"\ninstance = \"{instance}\"\nbackup = \"{backup}\"")
            }
            Act::KmsOutage { location, lasts } => format!(
                "do = \"kms-outage\"\nlocation = \"{}\"\nlasts = \"{lasts}s\"",
                location.as_ref().unwrap_or(&everywhere)
            ),
            Act::KmsStale { location, lasts } => {
                format!("do = \"kms-stale\"\nlocation = \"{location}\"\nlasts = \"{lasts}s\"")
            }
            Act::EkmOutage { manager, lasts } => format!(
                "do = \"ekm-outage\"\nekm = \"{}\"\nlasts = \"{lasts}s\"",
                manager.as_ref().unwrap_or(&everywhere)
            ),
            Act::CreateTable { instance, count } => {
                format!("do = \"create-table\"\ninstance = \"{instance}\"\ncount = {count}")
            }
            Act::DeleteTable { instance, count } => {
                format!("do = \"delete-table\"\ninstance = \"{instance}\"\ncount = {count}")
            }
            Act::ModifyColumnFamily { instance } => {
                format!("do = \"modify-column-family\"\ninstance = \"{instance}\"")
            }
            Act::DeleteInstance { instance } => {
                format!("do = \"delete-instance\"\ninstance = \"{instance}\"")
            }
        };
        writeln!(text, "{lines}")
    }
}

fn of_version(what: &str, key: &str, version: Option<u64>) -> String {
    let version = version.map(|version| format!("\nversion = {version}"));
    format!("do = \"{what}\"\nkey = \"{key}\"{}", version.unwrap_or_default())
}

fn making(what: &str, key: &str, version: Option<u64>, fails: bool) -> String {
    of_version(what, key, version) + if fails { "\nfails = true" } else { "" }
}

impl Constants {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n[model]")?;
        for (path, seconds) in [
            ("kms.disable-propagation", self.disable_propagation),
            ("kms.enable-propagation", self.enable_propagation),
            ("kms.destroy-wait", self.destroy_wait),
            ("bigtable.sweep-period", self.sweep_period),
            ("bigtable.kms-grace", self.grace),
            ("bigtable.offline-ramp", self.offline_ramp),
            ("bigtable.cascade-step", self.cascade_step),
            ("bigtable.cascade-total-max", self.cascade_total_max),
            ("bigtable.bringup", self.bringup),
            ("bigtable.delete-after", self.delete_after),
            ("bigtable.reroute-delay", self.reroute_delay),
            ("kms.primary-propagation", self.primary_propagation),
            ("kms.policy-propagation", self.policy),
            ("kms.group-propagation", self.group),
            ("kms.perimeter-propagation", self.perimeter),
            ("bigtable.rewrap-delay", self.rewrap_delay),
            ("kms.generation-time", self.generation),
            ("kms.import-time", self.import),
            ("kms.external-destruction-time", self.external_destruction),
        ] {
            writeln!(text, "{path} = \"{seconds}s\"")?;
        }
        let phase = match self.sweep_phase {
            SweepPhase::Aligned => "aligned",
            SweepPhase::Spread => "spread",
        };
        let from = match self.grace_from {
            GraceFrom::FirstFailure => "first-failed-call",
            GraceFrom::OutageStart => "outage-start",
        };
        let scope = match self.grace_scope {
            GraceScope::Instance => "instance",
            GraceScope::Cluster => "cluster",
        };
        let clock = match self.deletion_clock {
            DeletionClock::UserTriggeredOnly => "user-triggered-only",
            DeletionClock::AnyDisabled => "any-disabled",
        };
        writeln!(text, "bigtable.sweep-phase = \"{phase}\"")?;
        writeln!(text, "bigtable.grace-from = \"{from}\"\nbigtable.grace-scope = \"{scope}\"")?;
        writeln!(text, "bigtable.deletion-clock = \"{clock}\"")?;
        writeln!(text, "bigtable.cascade-order = \"by-name\"")?;
        writeln!(text, "kms.group-removal-factor = {}.0", self.group_removal)?;
        writeln!(text, "kms.quota-ekm = \"{}/s\"", self.quota_ekm)?;
        writeln!(text, "kms.quota-hsm = \"{}/s\"", self.quota_hsm)?;
        writeln!(text, "kms.ekm-timeout = \"{TIMEOUT_MS}ms\"")?;
        let enforcement = if self.soft { "soft" } else { "hard" };
        writeln!(text, "kms.quota-enforcement = \"{enforcement}\"")?;
        writeln!(text, "bigtable.partial-spreads = {}", u8::from(self.partial_spreads))?;
        writeln!(text, "bigtable.route-around-disabled = {}", self.route_around_disabled)?;
        let timeouts = if self.bringup_timeouts { "0.2" } else { "0.0" };
        writeln!(text, "bigtable.bringup-timeouts = {timeouts}")
    }
}
