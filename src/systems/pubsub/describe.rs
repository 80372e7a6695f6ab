//! What a scenario may say of Pub/Sub, and the rules it follows.

use crate::engine::SimDuration;
use crate::systems::spec::{
    Confidence::*, Default, EntityKind, How, Kind, Look, ParamSpec, Role, Rule, StateSpec,
    TableSpec, measure, param,
};

const PAGE: &str = "https://docs.cloud.google.com/pubsub/docs/encryption";

/// The rules.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "PS-01",
        text: "For each protected topic a new data key is encrypted and stored every six hours.",
        source: PAGE,
        confidence: Documented,
    },
    Rule {
        id: "PS-02",
        text: "Data keys are decrypted every six minutes, three times, once per zone of the region: without the key, publishing and delivery fail zone by zone within six minutes.",
        source: PAGE,
        confidence: Documented,
    },
    Rule {
        id: "PS-03",
        text: "The estimated use is 21,720 Cloud KMS operations per topic in 30 days: 120 to encrypt and 21,600 to decrypt.",
        source: PAGE,
        confidence: Documented,
    },
    Rule {
        id: "PS-04",
        text: "Without the key, publishing, pull and streaming pull fail with FAILED_PRECONDITION, and push delivery stops.",
        source: PAGE,
        confidence: Documented,
    },
    Rule {
        id: "PS-05",
        text: "After the key is back, delivery resumes within 2 hours and publishing within 12 hours.",
        source: PAGE,
        confidence: Vague,
    },
    Rule {
        id: "PS-06",
        text: "Outages of Cloud KMS of less than a minute rarely matter; a long one has the effect of a revocation.",
        source: PAGE,
        confidence: Documented,
    },
    Rule {
        id: "PS-07",
        text: "Messages may depend on an older version of the key for up to 31 days, for as long as they are kept: a version that is disabled too early holds back the backlog that was published under it.",
        source: PAGE,
        confidence: Documented,
    },
    Rule {
        id: "PS-08",
        text: "A subscription keeps messages for 7 days by default, from 10 minutes to 31 days; what has not been acknowledged by then is gone. What a topic keeps, from 10 minutes to 31 days, is there for all of its subscriptions. A subscription that nobody uses expires after 31 days by default, and its messages with it.",
        source: "https://github.com/googleapis/googleapis/blob/master/google/pubsub/v1/pubsub.proto",
        confidence: Documented,
    },
];

const fn state(
    name: &'static str,
    alias: Option<&'static str>,
    serves: bool,
    look: Look,
    doc: &'static str,
) -> StateSpec {
    StateSpec { name, alias, serves, irreversible: false, look, doc }
}

const LOST: StateSpec = StateSpec {
    name: "lost",
    alias: None,
    serves: false,
    irreversible: true,
    look: Look::Gone,
    doc: "The key has been destroyed, and the messages with it.",
};

/// A topic.
pub(super) const TOPIC: EntityKind = EntityKind {
    name: "Pub/Sub topic",
    role: Role::System,
    states: &[
        state("publishing", None, true, Look::Good, "Messages can be published."),
        state(
            "degraded",
            None,
            true,
            Look::Partial,
            "Some zones have no data key any more; the others serve.",
        ),
        state(
            "refusing",
            Some("denied"),
            false,
            Look::Denied,
            "No zone has a data key: publishing fails because the key is denied.",
        ),
        state(
            "refusing",
            Some("unreachable"),
            false,
            Look::Unreachable,
            "No zone has a data key: publishing fails because the key cannot be reached.",
        ),
        state(
            "recovering",
            None,
            false,
            Look::Returning,
            "The key is back; publishing is not yet.",
        ),
        LOST,
    ],
    measures: &[
        measure(
            "messages-published",
            "count",
            How::Counted,
            "Messages published from outside; what jobs write to it arrives in its subscriptions as well.",
        ),
        measure(
            "messages-dropped",
            "count",
            How::Counted,
            "Messages dropped by publishers that could not publish.",
        ),
        measure(
            "messages-kept-peak",
            "count",
            How::Counted,
            "The most messages that publishers kept because they could not publish.",
        ),
        measure(
            "kms-operations",
            "count",
            How::Counted,
            "Cryptographic operations asked of its key.",
        ),
        measure(
            "operations-cost-usd",
            "USD",
            How::Priced("kms-operations"),
            "Price of these operations.",
        ),
        measure(
            "time-to-first-error",
            "s",
            How::FirstError,
            "From the first root event until a zone fails.",
        ),
        measure(
            "time-to-lockout",
            "s",
            How::Lockout,
            "From the first root event until publishing fails.",
        ),
        measure(
            "time-to-recovery",
            "s",
            How::Recovery,
            "From the first root event until all zones serve again, after the last disturbance.",
        ),
        measure("irreversible", "count", How::Irreversible, "1 if the topic ends lost, else 0."),
    ],
};

/// A subscription.
pub(super) const SUBSCRIPTION: EntityKind = EntityKind {
    name: "Pub/Sub subscription",
    role: Role::Part,
    states: &[
        state("delivering", None, true, Look::Good, "Messages are delivered to who asks for them."),
        state(
            "degraded",
            None,
            true,
            Look::Partial,
            "Some zones have no data key any more; the others deliver.",
        ),
        state(
            "stopped",
            Some("denied"),
            false,
            Look::Denied,
            "Nothing is delivered: the topic's key is denied.",
        ),
        state(
            "stopped",
            Some("unreachable"),
            false,
            Look::Unreachable,
            "Nothing is delivered: the topic's key cannot be reached.",
        ),
        state("recovering", None, false, Look::Returning, "The key is back; delivery is not yet."),
        LOST,
        state(
            "withholding",
            None,
            true,
            Look::Partial,
            "New messages are delivered; older ones wait, for the key version that they depend on is not usable.",
        ),
        StateSpec {
            name: "expired",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "Nobody read from it for too long: it is deleted, and its messages with it.",
        },
    ],
    measures: &[
        measure("messages-arrived", "count", How::Told, "Messages that came into it."),
        measure(
            "messages-expired",
            "count",
            How::Told,
            "Messages gone because nobody read them within the retention (PS-08).",
        ),
        measure("backlog-peak", "count", How::Told, "The most messages that waited in it."),
        measure(
            "withheld-time",
            "s",
            How::TimeIn(&["withholding"]),
            "Time in which messages waited whose key version was not usable (PS-07).",
        ),
        measure(
            "irreversible",
            "count",
            How::Irreversible,
            "1 if the subscription ends lost or expired, else 0.",
        ),
        measure("backlog-left", "count", How::Told, "Messages that wait in it at the horizon."),
    ],
};

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;
const RETENTION: Kind =
    Kind::Duration(SimDuration::from_secs(10 * MINUTE), SimDuration::from_secs(31 * DAY));

const EXPIRES: Kind = Kind::Tagged(&[
    ("never", None),
    ("after", Some(&Kind::Duration(SimDuration::from_secs(DAY), SimDuration::MAX))),
]);

const SUBSCRIPTIONS: TableSpec = TableSpec {
    entity: Some(&SUBSCRIPTION),
    params: &[
        param(
            "retention",
            RETENTION,
            Default::Absent,
            "PS-08",
            "How long a message waits to be read; `model.pubsub.retention` when absent.",
        ),
        param(
            "expires",
            EXPIRES,
            Default::Absent,
            "PS-08",
            "After how long without a reader it is deleted, or `\"never\"`; `model.pubsub.expires` when absent.",
        ),
    ],
};

const TOPICS: TableSpec = TableSpec {
    entity: Some(&TOPIC),
    params: &[
        param(
            "key",
            Kind::Reference("keys"),
            Default::Absent,
            "PS-01",
            "Key that protects the topic and its subscriptions; Google's own when absent.",
        ),
        param(
            "project",
            Kind::Text,
            Default::Absent,
            "PS-04",
            "Project of the topic, whose service agent uses the key; the scenario's one project when absent.",
        ),
        param(
            "publishes",
            Kind::Rate,
            Default::Value("\"0/s\""),
            "",
            "Messages published from outside per unit of time.",
        ),
        param(
            "publishes-by-hour",
            Kind::List(&Kind::Rate),
            Default::Absent,
            "",
            "The same for each hour of the day (UTC): 24 rates.",
        ),
        param(
            "publishers",
            Kind::Choice(&["buffer", "drop"]),
            Default::Value("\"buffer\""),
            "assumed, PS-04",
            "What publishers do with messages that they cannot publish: keep them and publish them later, or drop them.",
        ),
        param(
            "retention",
            RETENTION,
            Default::Absent,
            "PS-08",
            "How long the topic keeps messages: each subscription keeps them for at least so long.",
        ),
        param("subscriptions", Kind::Named(&SUBSCRIPTIONS), Default::Absent, "", "Subscriptions."),
    ],
};

/// The tables of a scenario that are of Pub/Sub.
pub(super) const TABLES: &[ParamSpec] =
    &[param("pubsub", Kind::Named(&TOPICS), Default::Absent, "", "Pub/Sub topics.")];

/// Constants under `[model]`.
pub(super) const MODEL: &[ParamSpec] = &[
    param(
        "decrypt-cache",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::from_secs(DAY)),
        Default::Value("\"6m\""),
        "PS-02",
        "How long a zone uses a data key that it has decrypted.",
    ),
    param("zones", Kind::Count(1, 100), Default::Value("3"), "PS-02", "Zones of a region."),
    param(
        "decrypt-phase",
        Kind::Choice(&["random", "aligned", "spread"]),
        Default::Value("\"random\""),
        "assumed, PS-02",
        "Phases of the zones' decryptions: independent and random, all at multiples of the period from the start, or spread evenly.",
    ),
    param(
        "encrypt-period",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::from_secs(365 * DAY)),
        Default::Value("\"6h\""),
        "PS-01",
        "Time between two new data keys of a topic.",
    ),
    param(
        "retention",
        RETENTION,
        Default::Value("\"7d\""),
        "PS-08",
        "Retention of subscriptions that do not say it.",
    ),
    param(
        "expires",
        EXPIRES,
        Default::Value("{ after = \"31d\" }"),
        "PS-08",
        "After how long without a reader subscriptions are deleted that do not say it.",
    ),
    param(
        "recovery-delivery",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"6m\", p95 = \"2h\", max = \"2h\" } }"),
        "assumed, PS-05",
        "From the return of the key to the return of delivery.",
    ),
    param(
        "recovery-publish",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"10m\", p95 = \"12h\", max = \"12h\" } }"),
        "assumed, PS-05",
        "From the return of the key to the return of publishing.",
    ),
    param(
        "publisher-catch-up",
        Kind::Count(2, 1000),
        Default::Value("10"),
        "assumed, PS-04",
        "How many times its greatest rate a publisher publishes at while it has messages kept.",
    ),
];
