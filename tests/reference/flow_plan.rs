//! A small chain of jobs and what it reads and writes as plain data, and its text. All times are
//! whole seconds, all rates whole elements per second, all distributions constants, so that a loop
//! over seconds can play it exactly.

use std::fmt::Write as _;

/// The constants of the model, in seconds where they are times.
#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) disable_propagation: u64,
    pub(crate) policy_propagation: u64,
    pub(crate) destroy_wait: u64,
    pub(crate) decrypt_cache: u64,
    pub(crate) zones: u64,
    pub(crate) spread: bool,
    pub(crate) recovery_delivery: u64,
    pub(crate) recovery_publish: u64,
    pub(crate) publisher_catch_up: u64,
    pub(crate) check_period: u64,
    pub(crate) halt_delay: u64,
    pub(crate) cleanup: u64,
    pub(crate) stuck: bool,
    pub(crate) force_cancel_after: u64,
    pub(crate) force_by_event: bool,
    pub(crate) transient_grace: u64,
    pub(crate) snapshot_time: u64,
    pub(crate) snapshot_ttl: u64,
    pub(crate) batch_attempts: u64,
    pub(crate) batch_retry: u64,
    pub(crate) start_time: u64,
    pub(crate) worker_restart: u64,
    pub(crate) as_dataflow: bool,
    pub(crate) dataset_effect: u64,
    pub(crate) dataset_outage: u64,
    pub(crate) dataset_recovery: u64,
    pub(crate) dataset_slow: u64,
    pub(crate) dataset_delete: u64,
    pub(crate) rows_window: u64,
    pub(crate) rows_usable: u64,
    pub(crate) bucket_effect: u64,
    pub(crate) bucket_recovery: u64,
}

/// A key; `external` ones hang on the one external manager, `vault`.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) location: &'static str,
    pub(crate) external: bool,
}

/// A topic with its subscriptions: their retentions, if they say one.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    /// Messages per second from outside: one rate, or one for each hour of the day.
    pub(crate) publishes: Vec<u64>,
    pub(crate) drops: bool,
    pub(crate) subscriptions: Vec<(String, u64)>,
}

/// What is no topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dataset,
    Bucket,
    /// A Bigtable instance without a key: it always serves.
    Instance,
}

#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) key: Option<String>,
    /// Rows per second that others stream into a dataset.
    pub(crate) streamed: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Relaunch {
    pub(crate) after: u64,
    pub(crate) every: u64,
    pub(crate) attempts: u64,
    pub(crate) from_snapshot: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) ttl: Option<u64>,
    pub(crate) sources: bool,
}

/// A job; `source` and `sinks` are paths.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    pub(crate) engine: bool,
    /// Elements of a batch job.
    pub(crate) batch: Option<u64>,
    pub(crate) source: String,
    pub(crate) arrivals: u64,
    pub(crate) retention: Option<u64>,
    pub(crate) sinks: Vec<String>,
    pub(crate) capacity: u64,
    pub(crate) latency: u64,
    pub(crate) acknowledged_after: u64,
    pub(crate) idempotent: bool,
    pub(crate) temp: Option<String>,
    pub(crate) absent: bool,
    pub(crate) queue_time: u64,
    pub(crate) relaunch: Option<Relaunch>,
    pub(crate) snapshots: Vec<Snapshot>,
}

/// Who uses a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Principal {
    Bigquery,
    ComputeEngine,
    Dataflow,
    Pubsub,
    Storage,
}

impl Principal {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Principal::Bigquery => "bigquery-agent",
            Principal::ComputeEngine => "compute-engine-agent",
            Principal::Dataflow => "dataflow-service-account",
            Principal::Pubsub => "pubsub-agent",
            Principal::Storage => "storage-agent",
        }
    }
}

/// What a root event does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Disable { key: String },
    Enable { key: String },
    Schedule { key: String },
    Restore { key: String },
    Role { key: String, principal: Principal, off: bool },
    KmsOutage { location: Option<&'static str>, lasts: u64 },
    EkmOutage { lasts: u64 },
    FlowOutage { entity: String, lasts: u64 },
    Launch { job: String, snapshot: Option<String> },
    Update { job: String },
    Drain { job: String },
    Cancel { job: String },
    ForceCancel { job: String },
    Snapshot { job: String, snapshot: String },
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: u64,
    pub(crate) act: Act,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) horizon: u64,
    pub(crate) constants: Constants,
    pub(crate) keys: Vec<Key>,
    pub(crate) topics: Vec<Topic>,
    pub(crate) stores: Vec<Store>,
    /// From the first of the chain to the last.
    pub(crate) jobs: Vec<Job>,
    pub(crate) events: Vec<Event>,
}

impl Store {
    pub(crate) fn path(&self) -> String {
        let system = match self.kind {
            Kind::Dataset => "bigquery",
            Kind::Bucket => "storage",
            Kind::Instance => "bigtable",
        };
        format!("{system}.{}", self.name)
    }
}

impl Topic {
    pub(crate) fn path(&self) -> String {
        format!("pubsub.{}", self.name)
    }
}

impl Job {
    pub(crate) fn path(&self) -> String {
        format!("dataflow.{}", self.name)
    }
}

impl Plan {
    /// Who uses which key: the grants of the scenario, each once.
    pub(crate) fn uses(&self) -> Vec<(String, Principal)> {
        let mut uses = Vec::new();
        let topics = self.topics.iter().map(|t| (&t.key, Principal::Pubsub));
        let stores = self.stores.iter().filter_map(|store| match store.kind {
            Kind::Dataset => Some((&store.key, Principal::Bigquery)),
            Kind::Bucket => Some((&store.key, Principal::Storage)),
            Kind::Instance => None,
        });
        let of = |principal| self.jobs.iter().map(move |job| (&job.key, principal));
        let all = topics.chain(stores);
        for (key, principal) in
            all.chain(of(Principal::Dataflow)).chain(of(Principal::ComputeEngine))
        {
            if let Some(key) = key
                && !uses.contains(&(key.clone(), principal))
            {
                uses.push((key.clone(), principal));
            }
        }
        uses
    }

    /// The text of the scenario file.
    pub(crate) fn toml(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("writing to a string succeeds");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "schema = 1\n\n[scenario]\nname = \"chain-{}\"", self.seed)?;
        let horizon = self.horizon;
        writeln!(text, "start = 2026-03-02T08:00:00Z\nhorizon = \"{horizon}s\"\nseed = 1\n")?;
        if self.keys.iter().any(|key| key.external) {
            writeln!(text, "[ekm.vault]")?;
        }
        for key in &self.keys {
            writeln!(text, "[keys.{}]\nlocation = \"{}\"", key.name, key.location)?;
            if key.external {
                writeln!(text, "protection = \"external\"\nekm = \"vault\"")?;
            }
        }
        for topic in &self.topics {
            topic.write(text)?;
        }
        for store in &self.stores {
            writeln!(text, "[{}]", store.path())?;
            if store.kind == Kind::Instance {
                writeln!(text, "[{}.clusters.c]\nzone = \"us-east1-b\"", store.path())?;
            }
            if let Some(key) = &store.key {
                writeln!(text, "key = \"{key}\"")?;
            }
            if store.streamed > 0 {
                writeln!(text, "streamed-rows = \"{}/s\"", store.streamed)?;
            }
        }
        for job in &self.jobs {
            job.write(text)?;
        }
        for event in &self.events {
            writeln!(text, "\n[[events]]\nat = \"{}s\"\n{}", event.at, event.act.lines())?;
        }
        self.constants.write(text)
    }
}

impl Topic {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "[{}]", self.path())?;
        if let Some(key) = &self.key {
            writeln!(text, "key = \"{key}\"")?;
        }
        match self.publishes[..] {
            [] => {}
            [rate] => writeln!(text, "publishes = \"{rate}/s\"")?,
            _ => {
                let rates: Vec<String> =
                    self.publishes.iter().map(|rate| format!("{rate}/s")).collect();
                writeln!(text, "publishes-by-hour = {rates:?}")?;
            }
        }
        if self.drops {
            writeln!(text, "publishers = \"drop\"")?;
        }
        for (name, retention) in &self.subscriptions {
            writeln!(text, "[{}.subscriptions.{name}]", self.path())?;
            writeln!(text, "retention = \"{retention}s\"")?;
        }
        Ok(())
    }
}

impl Job {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let path = self.path();
        writeln!(text, "\n[{path}]\nregion = \"us-east1\"\nsources = [\"{}\"]", self.source)?;
        writeln!(text, "sinks = {:?}\ncapacity = \"{}/s\"", self.sinks, self.capacity)?;
        writeln!(text, "latency = \"{}s\"", self.latency)?;
        writeln!(text, "acknowledged-after = \"{}s\"", self.acknowledged_after)?;
        if let Some(key) = &self.key {
            writeln!(text, "key = \"{key}\"")?;
        }
        let temp = self.temp.as_deref().unwrap_or("default-encryption");
        writeln!(text, "temp-location = \"{temp}\"")?;
        if let Some(elements) = self.batch {
            writeln!(text, "mode = \"batch\"\nelements = {elements}")?;
        }
        if !self.engine {
            writeln!(text, "streaming-engine = false")?;
        }
        if self.arrivals > 0 {
            writeln!(text, "arrivals = \"{}/s\"", self.arrivals)?;
        }
        if let Some(retention) = self.retention {
            writeln!(text, "retention = \"{retention}s\"")?;
        }
        if self.idempotent {
            writeln!(text, "writes = \"idempotent\"")?;
        }
        if self.absent {
            writeln!(text, "initially = \"absent\"")?;
        }
        writeln!(text, "queue-time = \"{}s\"", self.queue_time)?;
        if let Some(relaunch) = &self.relaunch {
            let Relaunch { after, every, attempts, from_snapshot } = relaunch;
            let from = if *from_snapshot { "snapshot" } else { "scratch" };
            writeln!(text, "[{path}.relaunch]\nafter = \"{after}s\"\nevery = \"{every}s\"")?;
            writeln!(text, "attempts = {attempts}\nfrom = \"{from}\"")?;
        }
        for Snapshot { name, ttl, sources } in &self.snapshots {
            writeln!(text, "[{path}.snapshots.{name}]\nsources = {sources}")?;
            if let Some(ttl) = ttl {
                writeln!(text, "ttl = \"{ttl}s\"")?;
            }
        }
        Ok(())
    }
}

impl Act {
    fn lines(&self) -> String {
        let of_key = |what: &str, key: &String| format!("do = \"{what}\"\nkey = \"{key}\"");
        let of_job = |what: &str, job: &String| format!("do = \"{what}\"\njob = \"{job}\"");
        match self {
            Act::Disable { key } => of_key("disable-key", key),
            Act::Enable { key } => of_key("enable-key", key),
            Act::Schedule { key } => of_key("schedule-destroy", key),
            Act::Restore { key } => of_key("restore-key", key),
            Act::Role { key, principal, off } => {
                let what = of_key(if *off { "revoke-grant" } else { "grant" }, key);
                format!("{what}\nprincipal = \"{}\"", principal.name())
            }
            Act::KmsOutage { location, lasts } => {
                let location = location.unwrap_or("everywhere");
                format!("do = \"kms-outage\"\nlocation = \"{location}\"\nlasts = \"{lasts}s\"")
            }
            Act::EkmOutage { lasts } => {
                format!("do = \"ekm-outage\"\nekm = \"vault\"\nlasts = \"{lasts}s\"")
            }
            Act::FlowOutage { entity, lasts } => {
                format!("do = \"flow-outage\"\nentity = \"{entity}\"\nlasts = \"{lasts}s\"")
            }
            Act::Launch { job, snapshot } => {
                let from = snapshot.as_ref().map(|name| format!("\nsnapshot = \"{name}\""));
                of_job("launch-job", job) + &from.unwrap_or_default()
            }
            Act::Update { job } => of_job("update-job", job),
            Act::Drain { job } => of_job("drain-job", job),
            Act::Cancel { job } => of_job("cancel-job", job),
            Act::ForceCancel { job } => of_job("force-cancel-job", job),
            Act::Snapshot { job, snapshot } => {
                of_job("snapshot-job", job) + &format!("\nsnapshot = \"{snapshot}\"")
            }
        }
    }
}

impl Constants {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n[model]")?;
        for (path, seconds) in [
            ("kms.disable-propagation", self.disable_propagation),
            ("kms.policy-propagation", self.policy_propagation),
            ("kms.destroy-wait", self.destroy_wait),
            ("pubsub.decrypt-cache", self.decrypt_cache),
            ("pubsub.recovery-delivery", self.recovery_delivery),
            ("pubsub.recovery-publish", self.recovery_publish),
            ("dataflow.check-period", self.check_period),
            ("dataflow.halt-delay", self.halt_delay),
            ("dataflow.cleanup", self.cleanup),
            ("dataflow.force-cancel-after", self.force_cancel_after),
            ("dataflow.transient-grace", self.transient_grace),
            ("dataflow.snapshot-time", self.snapshot_time),
            ("dataflow.snapshot-ttl", self.snapshot_ttl),
            ("dataflow.batch-retry", self.batch_retry),
            ("dataflow.start-time", self.start_time),
            ("dataflow.worker-restart", self.worker_restart),
            ("bigquery.effect-delay", self.dataset_effect),
            ("bigquery.outage-delay", self.dataset_outage),
            ("bigquery.recovery", self.dataset_recovery),
            ("bigquery.slow-after-return", self.dataset_slow),
            ("bigquery.delete-after", self.dataset_delete),
            ("bigquery.rows-window", self.rows_window),
            ("bigquery.rows-usable", self.rows_usable),
            ("storage.effect-delay", self.bucket_effect),
            ("storage.recovery", self.bucket_recovery),
        ] {
            writeln!(text, "{path} = \"{seconds}s\"")?;
        }
        let phase = if self.spread { "spread" } else { "aligned" };
        writeln!(text, "pubsub.decrypt-phase = \"{phase}\"\npubsub.zones = {}", self.zones)?;
        writeln!(text, "pubsub.publisher-catch-up = {}", self.publisher_catch_up)?;
        writeln!(text, "dataflow.check-phase = \"aligned\"")?;
        writeln!(text, "dataflow.stuck-cancel = {}.0", u8::from(self.stuck))?;
        let force = if self.force_by_event { "by-event" } else { "at-once" };
        writeln!(text, "dataflow.force-cancel = \"{force}\"")?;
        writeln!(text, "dataflow.batch-attempts = {}", self.batch_attempts)?;
        let revoked = if self.as_dataflow { "as-dataflow" } else { "next-restart" };
        writeln!(text, "dataflow.compute-engine-revoked = \"{revoked}\"")
    }
}
