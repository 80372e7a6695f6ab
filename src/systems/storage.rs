//! Cloud Storage buckets with customer-managed keys.
//!
//! Modelled: the key is asked when objects are read or written, and its answer trusted for a while.
//! Not modelled: keys of single objects, object life cycles, the metadata (which stays readable).

use super::contract::{LazyStream, Message, Plan, Spawn, SweepMode, model};
use super::guard::on_use::{Delay, Habits, OnUse, STATES, Served};
use super::kms;
use super::operations;
use super::spec::{
    Confidence, Default, EntityKind, How, Kind, Node, ParamSpec, Protection, Role, Rule, System,
    TableSpec, Use, measure, param,
};
use crate::engine::{Effects, EntityId, Happening, Process, StreamNumber, Streams};

/// Cloud Storage.
pub const SYSTEM: System = System {
    name: "storage",
    tables: TABLES,
    model: MODEL,
    rules: RULES,
    uses,
    protects: Some(&PROTECTION),
    build,
    ..System::PLAIN
};

const CMEK_PAGE: &str =
    "https://docs.cloud.google.com/storage/docs/encryption/customer-managed-keys";

const RULES: &[Rule] = &[Rule {
    id: "GCS-01",
    text: "While a key is disabled, objects encrypted with it cannot be accessed; their metadata stays readable. No cadence, grace or deletion clock is documented: the key is checked on use, with an answer trusted for up to 5 minutes (assumed).",
    source: CMEK_PAGE,
    confidence: Confidence::Vague,
}];

const PROTECTION: Protection = Protection {
    table: "storage",
    covered: &[("contents of the objects", "GCS-01")],
    uncovered: &[("object metadata: names, sizes, dates", "GCS-01")],
};

const BUCKET: EntityKind = EntityKind {
    name: "Cloud Storage bucket",
    role: Role::System,
    states: STATES,
    measures: &[
        measure("kms-operations", "count", How::Told, "Cryptographic operations asked of its key."),
        measure(
            "operations-cost-usd",
            "USD",
            How::Priced("kms-operations"),
            "Price of these operations.",
        ),
    ],
};

const TABLES: &[ParamSpec] = &[param(
    "storage",
    Kind::Named(&TableSpec {
        entity: Some(&BUCKET),
        params: &[
            param(
                "key",
                Kind::Reference("keys"),
                Default::Absent,
                "GCS-01",
                "Default key of the bucket; without one nothing depends on a key.",
            ),
            param(
                "project",
                Kind::Text,
                Default::Absent,
                "",
                "Project of the bucket, whose service agent uses the key.",
            ),
            param(
                "requests",
                Kind::Rate,
                Default::Value("\"0/s\""),
                "",
                "Reads and writes of objects per unit of time, each an operation of the key while the bucket works (assumed).",
            ),
        ],
    }),
    Default::Absent,
    "",
    "Cloud Storage buckets.",
)];

const MODEL: &[ParamSpec] = &[
    param(
        "effect-delay",
        Kind::Distribution,
        Default::Value("{ uniform = { from = \"0s\", to = \"5m\" } }"),
        "assumed, GCS-01",
        "How long the last answer of the key is trusted.",
    ),
    param(
        "recovery",
        Kind::Distribution,
        Default::Value("\"0s\""),
        "assumed, GCS-01",
        "From a usable key until objects can be accessed.",
    ),
];

fn uses(root: &Node) -> Vec<Use> {
    root.named("storage").filter_map(|(name, bucket)| used(name, bucket)).collect()
}

fn used(name: &str, bucket: &Node) -> Option<Use> {
    Some(Use {
        key: bucket.get("key")?.text().to_owned(),
        principal: "storage-agent",
        project: bucket.get("project").map(|project| project.text().to_owned()),
        by: format!("storage.{name}"),
    })
}

struct BucketPlan {
    entity: EntityId,
    key: Option<(EntityId, Habits)>,
    requests: f64,
    delays: StreamNumber,
}

fn build(root: &Node, plan: &mut Plan) {
    let constants = model(root, "storage");
    let delay = |name: &str, constant| Delay {
        dist: constants.at(name).dist().clone(),
        constant,
        rule: "GCS-01",
    };
    for (name, bucket) in root.named("storage") {
        let path = format!("storage.{name}");
        let entity = plan.entity(&path);
        let used = used(name, bucket);
        let key = used.as_ref().map(|used| {
            let habits = Habits {
                entity,
                key: plan.entity(&used.key),
                quota: kms::quota_path(kms::table(root, &used.key)).map(|path| plan.entity(&path)),
                version: kms::primary_at_start(kms::table(root, &used.key)),
                denied: delay("effect-delay", "model.storage.effect-delay"),
                unreachable: delay("effect-delay", "model.storage.effect-delay"),
                back: delay("recovery", "model.storage.recovery"),
                slow: None,
                deletion: None,
            };
            (plan.entity(&used.key), habits)
        });
        let requests = bucket.at("requests").number();
        let delays = StreamNumber::of(&path, "access");
        let process =
            plan.process(&[entity], Box::new(BucketPlan { entity, key, requests, delays }));
        if let Some(used) = &used {
            plan.depend(process, used);
        }
    }
}

impl Spawn for BucketPlan {
    fn spawn<'a>(&'a self, streams: Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let delays = || LazyStream::new(streams, self.delays);
        let thing = self.key.as_ref().map(|(_, habits)| OnUse::new(habits, delays()));
        Box::new(Bucket { plan: self, thing, served: Served::default() })
    }
}

struct Bucket<'a> {
    plan: &'a BucketPlan,
    thing: Option<OnUse<'a>>,
    served: Served,
}

impl Process<Message> for Bucket<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        if let Some(thing) = &self.thing {
            thing.start(self.plan.requests, fx);
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        if let Some(thing) = &mut self.thing {
            thing.on_event(&what, fx);
            self.served.follow(self.plan.entity, STATES, fx);
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        if let Some((key, _)) = self.plan.key {
            let stretches = self.served.stretches(fx.now());
            operations::tell_served(key, self.plan.entity, self.plan.requests, &stretches, fx);
        }
    }
}
