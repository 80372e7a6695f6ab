//! What a scenario may say of keys and managers, and the rules they follow.

use crate::engine::SimDuration;
use crate::systems::spec::{
    ActionSpec, Confidence::*, Default, EntityKind, How, Kind, Look, MeasureSpec, ParamSpec, Role,
    Rule, StateSpec, TableSpec,
};

/// The rules of Cloud KMS and of external managers.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "KMS-01",
        text: "A key version is in one of ten states; only `enabled` serves cryptographic requests.",
        source: "https://cloud.google.com/kms/docs/key-states",
        confidence: Documented,
    },
    Rule {
        id: "KMS-02",
        text: "Disabled keeps the key material and can be enabled again; scheduled-for-destruction refuses every request; destroyed has no material left and its ciphertext is lost.",
        source: "https://cloud.google.com/kms/docs/key-states",
        confidence: Documented,
    },
    Rule {
        id: "KMS-03",
        text: "Only enabled or disabled versions can be scheduled for destruction.",
        source: "https://cloud.google.com/sdk/gcloud/reference/kms/keys/versions/destroy",
        confidence: Documented,
    },
    Rule {
        id: "KMS-04",
        text: "The wait before destruction is 30 days by default and fixed per key at creation.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-05",
        text: "Organization policy knows minimum waits from 1 to 120 days; older pages describe a 24-hour default.",
        source: "https://docs.cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints",
        confidence: Vague,
    },
    Rule {
        id: "KMS-06",
        text: "Restoring a version that is scheduled for destruction puts it into disabled; a second action, enable, brings data back.",
        source: "https://github.com/googleapis/googleapis/blob/master/google/cloud/kms/v1/service.proto",
        confidence: Documented,
    },
    Rule {
        id: "KMS-07",
        text: "A destroyed version can return only if it was imported and the same material is imported again.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-09",
        text: "Enabling a key version is strongly consistent.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-10",
        text: "Disabling is eventually consistent: the version typically stays usable for up to one minute.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-11",
        text: "In exceptional cases a disabled version stays usable for several hours (three or four, by older pages and the Bigtable page).",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Vague,
    },
    Rule {
        id: "KMS-12",
        text: "An early page gives the shape: about one minute on average, up to three hours for fewer than 1 % of requests. Modelled as 99 % lognormal (30 s, p95 60 s) and 1 % log-uniform (60 s to 4 h), whose mean is 59 s.",
        source: "https://cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-14",
        text: "Cloud KMS may have problems of data freshness: changes on their way are stuck for as long as that lasts.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Vague,
    },
    Rule {
        id: "KMS-16",
        text: "Disabling is advised before destroying, and an organization policy can require it.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-32",
        text: "The SLA counts downtime above an error rate of 10 %: an outage has an error fraction between 0 and 1. Frequent success in a partial outage keeps resetting grace timers (assumed).",
        source: "https://cloud.google.com/kms/sla",
        confidence: Documented,
    },
    Rule {
        id: "Q-01",
        text: "Open: a disable propagates within 3 h, 4 h or \"several hours\", depending on the page. Default: one mixture, cut at 4 h (KMS-12); `model.kms.disable-propagation` takes any other.",
        source: "decision of this model",
        confidence: Assumed,
    },
    Rule {
        id: "Q-09",
        text: "Open: Cloud KMS disables versions, the documents speak of keys. A key that is disabled has all its versions disabled.",
        source: "decision of this model",
        confidence: Assumed,
    },
    Rule {
        id: "EKM-01",
        text: "Every operation on an external key becomes one operation in the partner's system, and fails if that one fails.",
        source: "https://docs.cloud.google.com/kms/docs/ekm-architectures",
        confidence: Documented,
    },
    Rule {
        id: "EKM-04",
        text: "When the external manager is down, integrated services may fail much as if the key were disabled; each system's own grace decides.",
        source: "https://docs.cloud.google.com/kms/docs/ekm-architectures",
        confidence: Documented,
    },
];

const fn days(count: u64) -> SimDuration {
    SimDuration::from_secs(count * 86_400)
}

/// States of a key, as its callers see it.
pub(super) const KEY: EntityKind = EntityKind {
    name: "key",
    role: Role::Key,
    states: &[
        StateSpec {
            name: "enabled",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Good,
            doc: "Every request is granted.",
        },
        StateSpec {
            name: "disabling",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Waning,
            doc: "Disabled or scheduled for destruction, and still usable until the change has propagated.",
        },
        StateSpec {
            name: "impaired",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Partial,
            doc: "Part of the requests fail because Cloud KMS or the external manager is partly down.",
        },
        StateSpec {
            name: "unreachable",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Unreachable,
            doc: "No request is answered: Cloud KMS or the external manager is down.",
        },
        StateSpec {
            name: "disabled",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Denied,
            doc: "Every request is denied; the material is kept.",
        },
        StateSpec {
            name: "destroy-scheduled",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Denied,
            doc: "Every request is denied; the material is destroyed when the wait is over.",
        },
        StateSpec {
            name: "destroyed",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "The material is gone.",
        },
    ],
    measures: &[
        MeasureSpec {
            name: "denied-time",
            unit: "s",
            how: How::TimeIn(&["disabled", "destroy-scheduled", "destroyed"]),
            doc: "Time in which the key denies requests.",
        },
        MeasureSpec {
            name: "unreachable-time",
            unit: "s",
            how: How::TimeIn(&["unreachable"]),
            doc: "Time in which no request to the key is answered.",
        },
        MeasureSpec {
            name: "kms-operations",
            unit: "count",
            how: How::Counted,
            doc: "Cryptographic operations asked of the key by the systems of the scenario.",
        },
    ],
};

const SERVICE_STATES: &[StateSpec] = &[
    StateSpec {
        name: "available",
        alias: None,
        serves: true,
        irreversible: false,
        look: Look::Good,
        doc: "Answers every request.",
    },
    StateSpec {
        name: "degraded",
        alias: None,
        serves: true,
        irreversible: false,
        look: Look::Partial,
        doc: "Leaves part of the requests without an answer.",
    },
    StateSpec {
        name: "unavailable",
        alias: None,
        serves: false,
        irreversible: false,
        look: Look::Unreachable,
        doc: "Leaves every request without an answer.",
    },
];

/// Cloud KMS in one location.
pub(super) const SERVICE: EntityKind = EntityKind {
    name: "Cloud KMS location",
    role: Role::Service,
    states: SERVICE_STATES,
    measures: &[],
};

/// An external key manager.
pub(super) const MANAGER: EntityKind = EntityKind {
    name: "external key manager",
    role: Role::Service,
    states: SERVICE_STATES,
    measures: &[],
};

const KEYS: TableSpec = TableSpec {
    entity: Some(&KEY),
    params: &[
        ParamSpec {
            name: "location",
            kind: Kind::Location,
            default: Default::Required,
            source: "BT-06",
            doc: "Location of the key ring: a region for a key that protects clusters or jobs.",
        },
        ParamSpec {
            name: "protection",
            kind: Kind::Choice(&["software", "hsm", "external", "external-vpc"]),
            default: Default::Value("\"software\""),
            source: "assumed",
            doc: "Protection level; the two external ones need `ekm`.",
        },
        ParamSpec {
            name: "ekm",
            kind: Kind::Reference("ekm"),
            default: Default::Absent,
            source: "EKM-01",
            doc: "The external manager that holds the key's material.",
        },
        ParamSpec {
            name: "state",
            kind: Kind::Choice(&["enabled", "disabled"]),
            default: Default::Value("\"enabled\""),
            source: "KMS-01",
            doc: "State at the start; a key that starts disabled has been so for longer than any propagation.",
        },
        ParamSpec {
            name: "destroy-wait",
            kind: Kind::Duration(days(1), days(120)),
            default: Default::Absent,
            source: "KMS-04, KMS-05",
            doc: "Wait between scheduling the destruction and the destruction; `model.kms.destroy-wait` when absent.",
        },
    ],
};

const MANAGERS: TableSpec = TableSpec { entity: Some(&MANAGER), params: &[] };

const KEY_PARAM: ParamSpec = ParamSpec {
    name: "key",
    kind: Kind::Reference("keys"),
    default: Default::Required,
    source: "",
    doc: "The key.",
};
const KEY_PARAMS: &[ParamSpec] = &[KEY_PARAM];
const ERROR_FRACTION: ParamSpec = ParamSpec {
    name: "error-fraction",
    kind: Kind::Fraction,
    default: Default::Value("1.0"),
    source: "KMS-32",
    doc: "Share of the requests that stay without an answer.",
};
const LOCATION_PARAM: ParamSpec = ParamSpec {
    name: "location",
    kind: Kind::ReferenceOr("kms", "everywhere"),
    default: Default::Required,
    source: "",
    doc: "A location that holds keys of the scenario, or `everywhere`.",
};

/// The tables of a scenario that are of Cloud KMS.
pub(super) const TABLES: &[ParamSpec] = &[
    ParamSpec {
        name: "keys",
        kind: Kind::Named(&KEYS),
        default: Default::Absent,
        source: "",
        doc: "Customer-managed keys.",
    },
    ParamSpec {
        name: "ekm",
        kind: Kind::Named(&MANAGERS),
        default: Default::Absent,
        source: "",
        doc: "External key managers.",
    },
];

/// Constants under `[model]`.
pub(super) const MODEL: &[ParamSpec] = &[
    ParamSpec {
        name: "disable-propagation",
        kind: Kind::Distribution,
        default: Default::Value(
            "{ mixture = [ { weight = 0.99, lognormal = { median = \"30s\", p95 = \"60s\" } }, { weight = 0.01, log-uniform = { from = \"60s\", to = \"4h\" } } ] }",
        ),
        source: "assumed, KMS-12, Q-01",
        doc: "From disabling (or scheduling the destruction of) a key until its callers are denied.",
    },
    ParamSpec {
        name: "enable-propagation",
        kind: Kind::Distribution,
        default: Default::Value("\"0s\""),
        source: "KMS-09",
        doc: "From enabling a key until its callers are granted.",
    },
    ParamSpec {
        name: "destroy-wait",
        kind: Kind::Duration(days(1), days(120)),
        default: Default::Value("\"30d\""),
        source: "KMS-04, KMS-05",
        doc: "Wait between scheduling a destruction and the destruction, for keys that do not say it.",
    },
];

/// Events.
pub(super) const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "disable-key",
        lasts: false,
        params: KEY_PARAMS,
        rule: "KMS-02",
        doc: "Disables all versions of a key.",
    },
    ActionSpec {
        name: "enable-key",
        lasts: false,
        params: KEY_PARAMS,
        rule: "KMS-09",
        doc: "Enables all versions of a disabled key.",
    },
    ActionSpec {
        name: "schedule-destroy",
        lasts: false,
        params: KEY_PARAMS,
        rule: "KMS-03",
        doc: "Schedules the destruction of all versions of a key.",
    },
    ActionSpec {
        name: "restore-key",
        lasts: false,
        params: KEY_PARAMS,
        rule: "KMS-06",
        doc: "Takes the scheduled destruction back; the key is disabled afterwards.",
    },
    ActionSpec {
        name: "kms-outage",
        lasts: true,
        params: &[LOCATION_PARAM, ERROR_FRACTION],
        rule: "BT-43",
        doc: "Cloud KMS leaves requests without an answer.",
    },
    ActionSpec {
        name: "kms-stale",
        lasts: true,
        params: &[LOCATION_PARAM],
        rule: "KMS-14",
        doc: "Changes of keys that are on their way do not arrive for as long as this lasts.",
    },
    ActionSpec {
        name: "ekm-outage",
        lasts: true,
        params: &[
            ParamSpec {
                name: "ekm",
                kind: Kind::ReferenceOr("ekm", "everywhere"),
                default: Default::Required,
                source: "",
                doc: "An external manager, or `everywhere`.",
            },
            ERROR_FRACTION,
        ],
        rule: "EKM-01",
        doc: "An external manager leaves requests without an answer.",
    },
];
