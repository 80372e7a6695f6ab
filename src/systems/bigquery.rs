//! BigQuery datasets with customer-managed keys.
//!
//! Modelled: the key is asked when tables are read or written, the effect of a change comes within
//! an hour, streamed rows need the key in the 48 hours after their insertion, tables are deleted
//! after 60 days without it, and are slow for a while after its return. The rows that streaming jobs
//! write count among the streamed ones; those of batch jobs are taken to be loaded.
//! Not modelled: queries one by one, tables with keys of their own, storage that is copied elsewhere.

use super::contract::{Message, Plan, Spawn, SweepMode, model};
use super::flow::{Inflow, News};
use super::guard::on_use::STATES;
use super::kms;
use super::spec::{
    Confidence, Default, EntityKind, How, Kind, Node, ParamSpec, Protection, Role, Rule, System,
    TableSpec, measure, param,
};
use super::store::{Manner, Store, StorePlan, Waits};
use crate::diag::Diagnostic;
use crate::engine::{Effects, EntityId, Happening, Process, SimDuration, SimTime, Streams};

/// BigQuery.
pub const SYSTEM: System = System {
    name: "bigquery",
    tables: TABLES,
    model: MODEL,
    rules: RULES,
    check,
    uses: |root| MANNER.uses(root),
    protects: Some(&PROTECTION),
    build,
    ..System::PLAIN
};

const CMEK_PAGE: &str = "https://docs.cloud.google.com/bigquery/docs/customer-managed-encryption";

const fn rule(id: &'static str, confidence: Confidence, text: &'static str) -> Rule {
    Rule { id, text, source: CMEK_PAGE, confidence }
}

const RULES: &[Rule] = &[
    rule(
        "BQ-01",
        Confidence::Documented,
        "One decrypt per table and query: the key is checked on use, without a background check.",
    ),
    rule(
        "BQ-02",
        Confidence::Vague,
        "After access is removed the effect comes within an hour; running queries finish. Assumed: without contact the next decrypt fails at once.",
    ),
    rule(
        "BQ-03",
        Confidence::Documented,
        "With the key gone, query, copy, extract and listing fail, and no data can be added.",
    ),
    rule(
        "BQ-04",
        Confidence::Vague,
        "After access returns, query performance may be reduced for several days.",
    ),
    rule(
        "BQ-05",
        Confidence::Documented,
        "Streamed rows need the key to be usable for at least 24 consecutive hours in the 48 hours after insertion, or they may be lost.",
    ),
    rule(
        "BQ-06",
        Confidence::Documented,
        "A table whose key is unusable for 60 consecutive days may be deleted; a mail goes to the billing contact at least 7 days before.",
    ),
    rule(
        "BQ-07",
        Confidence::Documented,
        "Rotation does not re-key existing tables: they stay on the version they were created with.",
    ),
    Rule {
        id: "BQ-08",
        text: "The SLA promises an availability of 99.99 %. The model has no failures of BigQuery's own beside `flow-outage`, so all downtime comes of keys; what goes beyond 0.01 % of the run is measured.",
        source: "https://docs.cloud.google.com/bigquery/docs/reliability-intro",
        confidence: Confidence::Documented,
    },
];

const PROTECTION: Protection = Protection {
    table: "bigquery",
    covered: &[("contents of the tables", "BQ-03")],
    uncovered: &[],
};

const DATASET: EntityKind = EntityKind {
    name: "BigQuery dataset",
    role: Role::System,
    states: STATES,
    measures: &[
        measure("slow-time", "s", How::TimeIn(&["slow"]), "Time with reduced performance."),
        measure(
            "rows-streamed",
            "count",
            How::Told,
            "Rows that were streamed into its tables, by streaming jobs of the scenario and by others (an expected number).",
        ),
        measure(
            "rows-at-risk",
            "count",
            How::Told,
            "Streamed rows that may be lost, for the key was not usable for 24 hours in a row in the 48 hours after their insertion; after the horizon the key is taken to stay as it is.",
        ),
        measure(
            "downtime-beyond-sla",
            "s",
            How::Told,
            "Downtime beyond 0.01 % of the run, which is what the SLA leaves (BQ-08).",
        ),
        measure("kms-operations", "count", How::Told, "Cryptographic operations asked of its key."),
        measure(
            "operations-cost-usd",
            "USD",
            How::Priced("kms-operations"),
            "Price of these operations.",
        ),
        measure(
            "irreversible",
            "count",
            How::Irreversible,
            "1 if the dataset ends inaccessible for good or deleted, else 0.",
        ),
    ],
};

const TABLES: &[ParamSpec] = &[param(
    "bigquery",
    Kind::Named(&TableSpec {
        entity: Some(&DATASET),
        params: &[
            param(
                "key",
                Kind::Reference("keys"),
                Default::Absent,
                "BQ-01",
                "Key of its tables; without one nothing depends on a key.",
            ),
            param(
                "key-version",
                Kind::Count(1, crate::limits::VERSIONS_MAX as u64),
                Default::Absent,
                "BQ-07",
                "Key version that its tables were created with; the primary at the start if absent.",
            ),
            param(
                "project",
                Kind::Text,
                Default::Absent,
                "",
                "Project of the dataset, whose service agent uses the key.",
            ),
            param(
                "queries",
                Kind::Rate,
                Default::Value("\"0/s\""),
                "BQ-01",
                "Tables read or written by queries per unit of time: an operation of the key each.",
            ),
            param(
                "streamed-rows",
                Kind::Rate,
                Default::Value("\"0/s\""),
                "BQ-05",
                "Rows that others than the jobs of the scenario stream into its tables, per unit of time, while it takes them.",
            ),
        ],
    }),
    Default::Absent,
    "",
    "BigQuery datasets.",
)];

const MODEL: &[ParamSpec] = &[
    param(
        "effect-delay",
        Kind::Distribution,
        Default::Value("{ uniform = { from = \"0s\", to = \"1h\" } }"),
        "assumed, BQ-02",
        "From a denied key until reads and writes fail.",
    ),
    param(
        "outage-delay",
        Kind::Distribution,
        Default::Value("\"0s\""),
        "assumed, BQ-02",
        "From lost contact with the key until reads and writes fail.",
    ),
    param(
        "recovery",
        Kind::Distribution,
        Default::Value("\"0s\""),
        "assumed, BQ-02",
        "From a usable key until reads and writes succeed.",
    ),
    param(
        "slow-after-return",
        Kind::Distribution,
        Default::Value("\"2d\""),
        "assumed, BQ-04",
        "How long queries are slow after the return of access.",
    ),
    param(
        "rows-window",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::MAX),
        Default::Value("\"48h\""),
        "BQ-05",
        "Time after its insertion in which a streamed row needs the key.",
    ),
    param(
        "rows-usable",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::MAX),
        Default::Value("\"24h\""),
        "BQ-05",
        "For how long in a row it needs the key in that time.",
    ),
    param(
        "delete-after",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::MAX),
        Default::Value("\"60d\""),
        "BQ-06",
        "How long a key may be unusable before the tables are deleted.",
    ),
];

/// How datasets use their keys.
const MANNER: Manner = Manner {
    system: "bigquery",
    facts: kms::quota_and_primary,
    principal: "bigquery-agent",
    requests: "queries",
    denied: Waits("model.bigquery.effect-delay", "BQ-02"),
    unreachable: Waits("model.bigquery.outage-delay", "BQ-02"),
    back: Waits("model.bigquery.recovery", "BQ-03"),
    slow: Some(Waits("model.bigquery.slow-after-return", "BQ-04")),
    deletion: Some(Waits("model.bigquery.delete-after", "BQ-06")),
};

fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    for (name, dataset) in root.named("bigquery") {
        if let (Some(key), Some(version)) = (dataset.get("key"), dataset.get("key-version")) {
            kms::check_bound(&format!("dataset `{name}`"), key.text(), root, version, found);
        }
    }
}

struct DatasetPlan {
    store: StorePlan,
    rows: f64,
    window: SimDuration,
    needed: SimDuration,
}

fn build(root: &Node, plan: &mut Plan) {
    let constants = model(root, "bigquery");
    let [window, needed] = ["rows-window", "rows-usable"].map(|name| constants.at(name).duration());
    MANNER.build(root, plan, |dataset, store| {
        let rows = dataset.at("streamed-rows").number();
        Box::new(DatasetPlan { store, rows, window, needed })
    });
    let datasets = root.named("bigquery").map(|(name, _)| plan.entity(&format!("bigquery.{name}")));
    let datasets: Vec<EntityId> = datasets.collect();
    plan.flows.told.extend(datasets);
}

impl Spawn for DatasetPlan {
    fn spawn<'a>(&'a self, streams: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Dataset {
            plan: self,
            store: Store::new(&self.store, streams),
            usable: vec![(SimTime::START, None)],
            inflows: Vec::new(),
        })
    }
}

struct Dataset<'a> {
    plan: &'a DatasetPlan,
    store: Store<'a>,
    /// Stretches in which the key was usable, the last one open while it is.
    usable: Vec<(SimTime, Option<SimTime>)>,
    /// What the jobs of the scenario stream into it, from when on.
    inflows: Vec<(SimTime, Inflow)>,
}

impl Dataset<'_> {
    /// Follows whether the key can be used.
    fn follow_key(&mut self, now: SimTime) {
        let open = self.usable.last().is_some_and(|(_, end)| end.is_none());
        match (self.store.is_usable(), open) {
            (true, false) => self.usable.push((now, None)),
            (false, true) => {
                if let Some((_, end)) = self.usable.last_mut() {
                    *end = Some(now);
                }
            }
            (true, true) | (false, false) => {}
        }
    }

    /// BQ-05: nanoseconds of insertion time whose rows are at risk. A row of time t is safe if a
    /// usable stretch [a, b) covers the needed time within (t, t + window): if t is from
    /// a - (window - needed) to b - needed, for a stretch that is long enough.
    fn at_risk(&self, (from, to): (SimTime, SimTime)) -> u64 {
        let (window, needed) = (self.plan.window.ns(), self.plan.needed.ns());
        let mut at_risk = 0;
        let mut reached = from.ns();
        for &(a, b) in &self.usable {
            let end = b.map_or(u64::MAX, SimTime::ns);
            if end - a.ns() < needed || needed > window {
                continue;
            }
            let safe_from = a.ns().saturating_sub(window - needed);
            let safe_to = end.saturating_sub(needed);
            if safe_to <= reached || safe_from >= to.ns() {
                continue;
            }
            at_risk += safe_from.saturating_sub(reached);
            reached = reached.max(safe_to).min(to.ns());
        }
        at_risk + (to.ns() - reached)
    }

    /// Rows that jobs streamed into it, and those of them at risk: sums of whole numbers.
    fn rows_of_jobs(&self, now: SimTime) -> (f64, f64) {
        let ends = self.inflows.iter().skip(1).map(|(at, _)| *at).chain([now]);
        let (mut all, mut at_risk) = (0, 0);
        for (&(from, inflow), to) in self.inflows.iter().zip(ends) {
            all += inflow.over(to.saturating_since(from).ns());
            at_risk += inflow.over(self.at_risk((from, to)));
        }
        (Inflow::rows(all), Inflow::rows(at_risk))
    }
}

fn seconds(ns: u64) -> f64 {
    SimDuration::from_ns(ns).unwrap_or(SimDuration::MAX).seconds()
}

/// BQ-08: the share of the time that the SLA leaves for downtime is one in this.
const SLA: u64 = 10_000;

impl Process<Message> for Dataset<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        self.store.start(fx);
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        if let Happening::Message { message: Message::News(News::Inflow(inflow)), .. } = what {
            return self.inflows.push((fx.now(), inflow));
        }
        self.store.on_event(what, fx);
        self.follow_key(fx.now());
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        let (entity, now) = (self.plan.store.entity, fx.now());
        let stretches = self.store.stretches(now);
        let served = stretches.iter().map(|(from, to)| to.saturating_since(*from).ns()).sum();
        let at_risk = stretches.iter().map(|stretch| self.at_risk(*stretch)).sum();
        let (of_jobs, of_jobs_at_risk) = self.rows_of_jobs(now);
        let down = now.ns() - served;
        let measures = [
            ("rows-streamed", self.plan.rows * seconds(served) + of_jobs),
            ("rows-at-risk", self.plan.rows * seconds(at_risk) + of_jobs_at_risk),
            ("downtime-beyond-sla", seconds(down.saturating_sub(now.ns() / SLA))),
        ];
        for (name, value) in measures {
            fx.measure(entity, name, Some(value));
        }
        self.store.finish(fx);
    }
}
