//! Cloud Storage buckets with customer-managed keys.
//!
//! Modelled: the key is asked when objects are read or written, and its answer trusted for a while.
//! Not modelled: keys of single objects, object life cycles, the metadata (which stays readable).

use super::guard::on_use::STATES;
use super::kms;
use super::spec::{
    Confidence, Default, EntityKind, How, Kind, ParamSpec, Protection, Role, Rule, System,
    TableSpec, measure, param,
};
use super::store::{Manner, Waits};

/// Cloud Storage.
pub const SYSTEM: System = System {
    name: "storage",
    tables: TABLES,
    model: MODEL,
    rules: RULES,
    uses: |root| MANNER.uses(root),
    protects: Some(&PROTECTION),
    build: |root, plan| MANNER.build(root, plan, |_, bucket| Box::new(bucket)),
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

/// How buckets use their keys.
const MANNER: Manner = Manner {
    system: "storage",
    facts: kms::quota_and_primary,
    principal: "storage-agent",
    requests: "requests",
    denied: Waits("model.storage.effect-delay", "GCS-01"),
    unreachable: Waits("model.storage.effect-delay", "GCS-01"),
    back: Waits("model.storage.recovery", "GCS-01"),
    slow: None,
    deletion: None,
};
