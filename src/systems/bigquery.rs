//! BigQuery datasets with customer-managed keys.
//!
//! Modelled: the key is asked when tables are read or written, the effect of a change comes within
//! an hour, streamed rows need the key in the 48 hours after their insertion, tables are deleted
//! after 60 days without it, and are slow for a while after its return.
//! Not modelled: queries one by one, tables with keys of their own, storage that is copied elsewhere.

use super::contract::{LazyStream, Message, Plan, Spawn, SweepMode, model};
use super::guard::on_use::{Delay, Habits, OnUse, STATES, Served};
use super::kms;
use super::operations;
use super::spec::{
    Confidence, Default, EntityKind, How, Kind, Node, ParamSpec, Protection, Role, Rule, System,
    TableSpec, Use, measure, param,
};
use crate::engine::{
    Effects, EntityId, Happening, Process, SimDuration, SimTime, StreamNumber, Streams,
};

/// BigQuery.
pub const SYSTEM: System = System {
    name: "bigquery",
    tables: TABLES,
    model: MODEL,
    rules: RULES,
    uses,
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
            "Rows that were streamed into its tables (an expected number).",
        ),
        measure(
            "rows-at-risk",
            "count",
            How::Told,
            "Streamed rows that may be lost, for the key was not usable for 24 hours in a row in the 48 hours after their insertion; after the horizon the key is taken to stay as it is.",
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

fn uses(root: &Node) -> Vec<Use> {
    root.named("bigquery").filter_map(|(name, dataset)| used(name, dataset)).collect()
}

fn used(name: &str, dataset: &Node) -> Option<Use> {
    Some(Use {
        key: dataset.get("key")?.text().to_owned(),
        principal: "bigquery-agent",
        project: dataset.get("project").map(|project| project.text().to_owned()),
        by: format!("bigquery.{name}"),
    })
}

struct DatasetPlan {
    entity: EntityId,
    key: Option<(EntityId, Habits)>,
    queries: f64,
    rows: f64,
    window: SimDuration,
    needed: SimDuration,
    delays: StreamNumber,
}

fn build(root: &Node, plan: &mut Plan) {
    let constants = model(root, "bigquery");
    let delay = |name: &str, constant, rule| Delay {
        dist: constants.at(name).dist().clone(),
        constant,
        rule,
    };
    for (name, dataset) in root.named("bigquery") {
        let path = format!("bigquery.{name}");
        let entity = plan.entity(&path);
        let used = used(name, dataset);
        let key = used.as_ref().map(|used| {
            let primary = || kms::primary_at_start(kms::table(root, &used.key));
            let version = dataset.get("key-version").map(|version| version.count() as u32);
            let habits = Habits {
                entity,
                key: plan.entity(&used.key),
                quota: kms::quota_path(kms::table(root, &used.key)).map(|path| plan.entity(&path)),
                version: version.unwrap_or_else(primary),
                denied: delay("effect-delay", "model.bigquery.effect-delay", "BQ-02"),
                unreachable: delay("outage-delay", "model.bigquery.outage-delay", "BQ-02"),
                back: delay("recovery", "model.bigquery.recovery", "BQ-03"),
                slow: Some(delay("slow-after-return", "model.bigquery.slow-after-return", "BQ-04")),
                deletion: Some((constants.at("delete-after").duration(), "BQ-06")),
            };
            (plan.entity(&used.key), habits)
        });
        let plan_of_it = DatasetPlan {
            entity,
            key,
            queries: dataset.at("queries").number(),
            rows: dataset.at("streamed-rows").number(),
            window: constants.at("rows-window").duration(),
            needed: constants.at("rows-usable").duration(),
            delays: StreamNumber::of(&path, "access"),
        };
        let process = plan.process(&[entity], Box::new(plan_of_it));
        if let Some(used) = &used {
            plan.depend(process, used);
        }
    }
}

impl Spawn for DatasetPlan {
    fn spawn<'a>(&'a self, streams: Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let delays = || LazyStream::new(streams, self.delays);
        let thing = self.key.as_ref().map(|(_, habits)| OnUse::new(habits, delays()));
        Box::new(Dataset {
            plan: self,
            thing,
            served: Served::default(),
            usable: vec![(SimTime::START, None)],
        })
    }
}

struct Dataset<'a> {
    plan: &'a DatasetPlan,
    thing: Option<OnUse<'a>>,
    served: Served,
    /// Stretches in which the key was usable, the last one open while it is.
    usable: Vec<(SimTime, Option<SimTime>)>,
}

impl Dataset<'_> {
    /// Follows whether the key can be used.
    fn follow_key(&mut self, now: SimTime) {
        let Some(thing) = &self.thing else { return };
        let open = self.usable.last().is_some_and(|(_, end)| end.is_none());
        match (thing.is_usable(), open) {
            (true, false) => self.usable.push((now, None)),
            (false, true) => {
                if let Some((_, end)) = self.usable.last_mut() {
                    *end = Some(now);
                }
            }
            (true, true) | (false, false) => {}
        }
    }

    /// BQ-05: seconds of insertion time whose rows are at risk. A row of time t is safe if a usable
    /// stretch [a, b) covers the needed time within (t, t + window): if t is from a - (window -
    /// needed) to b - needed, for a stretch that is long enough.
    fn seconds_at_risk(&self, now: SimTime) -> f64 {
        let (window, needed) = (self.plan.window.ns(), self.plan.needed.ns());
        let mut at_risk = 0;
        for &(from, to) in self.served.stretches(now).iter() {
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
            at_risk += to.ns() - reached;
        }
        SimDuration::from_ns(at_risk).unwrap_or(SimDuration::MAX).seconds()
    }
}

impl Process<Message> for Dataset<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        if let Some(thing) = &self.thing {
            thing.start(self.plan.queries, fx);
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        if let Some(thing) = &mut self.thing {
            thing.on_event(&what, fx);
            self.follow_key(fx.now());
            self.served.follow(self.plan.entity, STATES, fx);
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        let (entity, now) = (self.plan.entity, fx.now());
        let seconds = self.served.until(now);
        fx.measure(entity, "rows-streamed", Some(self.plan.rows * seconds));
        let risk = self.seconds_at_risk(now);
        fx.measure(entity, "rows-at-risk", Some(self.plan.rows * risk));
        if let Some((key, _)) = self.plan.key {
            let stretches = self.served.stretches(now);
            operations::tell_served(key, entity, self.plan.queries, &stretches, fx);
        }
    }
}
