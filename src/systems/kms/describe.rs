//! What a scenario may say of keys and managers: tables, states, measures, constants.

use super::services::MANAGERS;
use crate::engine::SimDuration;
use crate::limits::VERSIONS_MAX;
use crate::systems::spec::{
    Default, EntityKind, How, Kind, Look, MeasureSpec, PRINCIPALS, ParamSpec, Role, StateSpec,
    TableSpec,
};

/// The states of a key version (KMS-01).
const VERSION_STATES: &[&str] = &[
    "pending-generation",
    "pending-import",
    "enabled",
    "disabled",
    "destroy-scheduled",
    "destroyed",
    "import-failed",
    "generation-failed",
    "pending-external-destruction",
    "external-destruction-failed",
];

const MILLISECOND: SimDuration = match SimDuration::from_ns(1_000_000) {
    Some(span) => span,
    None => SimDuration::ZERO,
};

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
            name: "partly-disabled",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Partial,
            doc: "Some versions are disabled or scheduled for destruction: what is bound to them cannot be read.",
        },
        StateSpec {
            name: "impaired",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Partial,
            doc: "Part of the requests fail: Cloud KMS or the external manager is partly down, over its quota, or denies by mistake.",
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
            name: "no-primary",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Denied,
            doc: "The primary version is not enabled: nothing new can be encrypted.",
        },
        StateSpec {
            name: "denying",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Denied,
            doc: "Every request is denied though versions are enabled: its reason is not allowed, the external manager denies it, or Cloud KMS does by mistake; or no version has material yet.",
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
            irreversible: false,
            look: Look::Gone,
            doc: "The material of every version is gone; only imported material can be imported again (KMS-07).",
        },
    ],
    measures: &[
        MeasureSpec {
            name: "denied-time",
            unit: "s",
            how: How::TimeIn(&[
                "no-primary",
                "denying",
                "disabled",
                "destroy-scheduled",
                "destroyed",
            ]),
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
        MeasureSpec {
            name: "version-cost-usd",
            unit: "USD",
            how: How::Counted,
            doc: "Price of its versions for as long as they are not destroyed (a month has 30 days).",
        },
        MeasureSpec {
            name: "operations-cost-usd",
            unit: "USD",
            how: How::Priced("kms-operations"),
            doc: "Price of the operations asked of it.",
        },
        MeasureSpec {
            name: "kms-cost-usd",
            unit: "USD",
            how: How::Sum(&["version-cost-usd", "operations-cost-usd"]),
            doc: "Price of its versions and of the operations asked of it.",
        },
        MeasureSpec {
            name: "admin-activity-entries",
            unit: "count",
            how: How::Counted,
            doc: "Entries in the Admin Activity audit log: calls that change the key or who may use it, refused ones too.",
        },
        MeasureSpec {
            name: "data-access-entries",
            unit: "count",
            how: How::Logged("kms-operations"),
            doc: "Entries in the Data Access audit log: the operations asked of it, if `data-access-logs` is on.",
        },
        MeasureSpec {
            name: "audit-entries",
            unit: "count",
            how: How::Sum(&["admin-activity-entries", "data-access-entries"]),
            doc: "Entries in Cloud Audit Logs, both kinds together.",
        },
    ],
};

const fn grant_state(name: &'static str, serves: bool, look: Look, doc: &'static str) -> StateSpec {
    StateSpec { name, alias: None, serves, irreversible: false, look, doc }
}

/// The grant of one principal on one key.
pub(super) const GRANT: EntityKind = EntityKind {
    name: "grant",
    role: Role::Part,
    states: &[
        grant_state("granted", true, Look::Good, "The principal may use the key."),
        grant_state(
            "revoking",
            true,
            Look::Waning,
            "Taken away, and still usable until the change has propagated.",
        ),
        grant_state(
            "restoring",
            false,
            Look::Returning,
            "Given back, and still denied until the change has propagated.",
        ),
        grant_state("revoked", false, Look::Denied, "The principal has no role on the key."),
        grant_state(
            "blocked",
            false,
            Look::Denied,
            "A service perimeter is between the principal and the key.",
        ),
    ],
    measures: &[MeasureSpec {
        name: "denied-time",
        unit: "s",
        how: How::TimeIn(&["restoring", "revoked", "blocked"]),
        doc: "Time in which the principal is denied.",
    }],
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
            name: "project",
            kind: Kind::Text,
            default: Default::Absent,
            source: "DF-29",
            doc: "Project that holds the key, whose quota its requests count against; all keys that name none are of one project.",
        },
        ParamSpec {
            name: "direct-load",
            kind: Kind::Rate,
            default: Default::Absent,
            source: "KMS-22",
            doc: "Requests that callers outside the scenario make to the key all the time; none when absent.",
        },
        ParamSpec {
            name: "state",
            kind: Kind::Choice(&["enabled", "disabled"]),
            default: Default::Value("\"enabled\""),
            source: "KMS-01",
            doc: "State at the start, of a key with one version; a key that starts disabled has been so for longer than any propagation.",
        },
        ParamSpec {
            name: "versions",
            kind: Kind::List(&Kind::Choice(VERSION_STATES)),
            default: Default::Absent,
            source: "KMS-01",
            doc: "State of each version at the start, from version 1 on; one version in `state` when absent.",
        },
        ParamSpec {
            name: "primary",
            kind: Kind::Count(1, VERSIONS_MAX as u64),
            default: Default::Absent,
            source: "KMS-13",
            doc: "Number of the primary version at the start; the newest when absent.",
        },
        ParamSpec {
            name: "rotation-period",
            kind: Kind::Duration(days(1), SimDuration::from_secs(876_000 * 3_600)),
            default: Default::Absent,
            source: "KMS-17",
            doc: "Time between two automatic rotations; none when absent.",
        },
        ParamSpec {
            name: "next-rotation",
            kind: Kind::Instant,
            default: Default::Absent,
            source: "KMS-17",
            doc: "The first automatic rotation; one period after the start when absent.",
        },
        ParamSpec {
            name: "imported",
            kind: Kind::Bool,
            default: Default::Value("false"),
            source: "KMS-07",
            doc: "Was its material imported? Only then can it be imported again after its destruction.",
        },
        ParamSpec {
            name: "grants",
            kind: Kind::Words(PRINCIPALS),
            default: Default::Absent,
            source: "BT-16",
            doc: "Principals that have the Encrypter/Decrypter role at the start; all that need it when absent.",
        },
        ParamSpec {
            name: "allowed-access-reasons",
            kind: Kind::Words(super::build::REASONS),
            default: Default::Absent,
            source: "KMS-20",
            doc: "Reasons that the key's policy allows; an empty list denies everything, and all are allowed when absent.",
        },
        ParamSpec {
            name: "external-destruction-works",
            kind: Kind::Bool,
            default: Default::Value("true"),
            source: "KMS-01",
            doc: "Of a key in a VPC: does the external manager destroy the material when it is told to?",
        },
        ParamSpec {
            name: "path",
            kind: Kind::Text,
            default: Default::Absent,
            source: "BT-15",
            doc: "Its resource name: `projects/P/locations/L/keyRings/R/cryptoKeys/K`; an invented one in audit logs when absent.",
        },
        ParamSpec {
            name: "autokey",
            kind: Kind::Bool,
            default: Default::Value("false"),
            source: "KMS-18",
            doc: "Was it made by Autokey, which makes one key per resource type, project and location?",
        },
        ParamSpec {
            name: "data-access-logs",
            kind: Kind::Bool,
            default: Default::Value("false"),
            source: "BT-13, DF-32",
            doc: "Are Data Access audit logs switched on for it?",
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
    ParamSpec {
        name: crate::systems::policy::PATH,
        kind: Kind::Table(&super::policy::TABLE),
        default: Default::Absent,
        source: "BT-20, KMS-05, KMS-16",
        doc: "Constraints of the organization policy, as Google names them. They bind what is created, not what is there.",
    },
];

/// Constants under `[model]`.
pub(super) const MODEL: &[ParamSpec] = &[
    ParamSpec {
        name: "primary-propagation",
        kind: Kind::Distribution,
        default: Default::Value(
            "{ mixture = [ { weight = 0.99, lognormal = { median = \"30s\", p95 = \"60s\" } }, { weight = 0.01, log-uniform = { from = \"60s\", to = \"4h\" } } ] }",
        ),
        source: "assumed, KMS-13, KMS-12",
        doc: "From a change of the primary version until callers encrypt with it.",
    },
    ParamSpec {
        name: "generation-time",
        kind: Kind::Distribution,
        default: Default::Value("\"0s\""),
        source: "assumed, KMS-01",
        doc: "How long a new version is pending generation.",
    },
    ParamSpec {
        name: "import-time",
        kind: Kind::Distribution,
        default: Default::Value("\"1m\""),
        source: "assumed, KMS-07",
        doc: "How long a version is pending import.",
    },
    ParamSpec {
        name: "external-destruction-time",
        kind: Kind::Distribution,
        default: Default::Value("\"1m\""),
        source: "assumed, KMS-01",
        doc: "How long an external manager takes to destroy material that Cloud KMS tells it to.",
    },
    ParamSpec {
        name: "policy-propagation",
        kind: Kind::Distribution,
        default: Default::Value("{ lognormal = { median = \"2m\", p95 = \"7m\", max = \"60m\" } }"),
        source: "IAM-01",
        doc: "From a change of an IAM policy until callers are denied or granted.",
    },
    ParamSpec {
        name: "group-propagation",
        kind: Kind::Distribution,
        default: Default::Value("{ lognormal = { median = \"5m\", p99 = \"4h\" } }"),
        source: "assumed, IAM-02",
        doc: "From an addition to a group until callers are granted.",
    },
    ParamSpec {
        name: "group-removal-factor",
        kind: Kind::Amount,
        default: Default::Value("2.0"),
        source: "assumed, IAM-03",
        doc: "A removal from a group takes so many times as long as an addition.",
    },
    ParamSpec {
        name: "perimeter-propagation",
        kind: Kind::Distribution,
        default: Default::Value("{ lognormal = { median = \"2m\", p95 = \"7m\", max = \"60m\" } }"),
        source: "assumed, BT-35, IAM-01",
        doc: "From a change of a service perimeter until callers are denied or granted.",
    },
    ParamSpec {
        name: "access-reason",
        kind: Kind::Choice(super::build::REASONS),
        default: Default::Value("\"google-initiated-system-operation\""),
        source: "assumed, KMS-19",
        doc: "The reason that key validations and other requests of systems give.",
    },
    ParamSpec {
        name: "ekm-timeout",
        kind: Kind::Duration(MILLISECOND, SimDuration::from_secs(3_600)),
        default: Default::Value("\"150ms\""),
        source: "EKM-02",
        doc: "A call of an external manager that takes longer has failed.",
    },
    ParamSpec {
        name: "ekm-attempts",
        kind: Kind::Count(1, 100),
        default: Default::Value("5"),
        source: "assumed, KMS-28",
        doc: "How often a system tries a request whose call fails, each try with a latency of its own. The pauses (0.1 s, times 1.3 each) are less than a second in all and take no time here.",
    },
    ParamSpec {
        name: "manager-denial-sticks",
        kind: Kind::Bool,
        default: Default::Value("true"),
        source: "EKM-09",
        doc: "Does Cloud EKM disable a key version when the external manager denies a request? If not, the denial ends when the manager grants again.",
    },
    ParamSpec {
        name: "quota-hsm",
        kind: Kind::Rate,
        default: Default::Value("\"500/s\""),
        source: "KMS-25",
        doc: "Requests to HSM keys that a project may get in a location.",
    },
    ParamSpec {
        name: "quota-ekm",
        kind: Kind::Rate,
        default: Default::Value("\"100/s\""),
        source: "assumed, KMS-26",
        doc: "Requests to external keys that a project may get in a location.",
    },
    ParamSpec {
        name: "quota-enforcement",
        kind: Kind::Choice(&["hard", "soft"]),
        default: Default::Value("\"hard\""),
        source: "assumed, KMS-27",
        doc: "Is what exceeds a quota refused, or answered and only told?",
    },
    ParamSpec {
        name: "organization-policy-propagation",
        kind: Kind::Distribution,
        default: Default::Value("{ uniform = { from = \"0s\", to = \"15m\" } }"),
        source: "assumed, IAM-04",
        doc: "From a change of an organization policy until it is enforced.",
    },
    ParamSpec {
        name: "price-date",
        kind: Kind::Text,
        default: Default::Value("\"2025-03-17\""),
        source: "KMS-29",
        doc: "Date of the price list.",
    },
    ParamSpec {
        name: "price-operations",
        kind: Kind::Amount,
        default: Default::Value("0.03"),
        source: "KMS-30",
        doc: "US dollars per 10,000 cryptographic operations, to the billionth of a dollar.",
    },
    ParamSpec {
        name: "price-version-software",
        kind: Kind::Amount,
        default: Default::Value("0.06"),
        source: "KMS-29",
        doc: "US dollars per software key version and month.",
    },
    ParamSpec {
        name: "price-version-hsm",
        kind: Kind::Amount,
        default: Default::Value("1.0"),
        source: "KMS-29",
        doc: "US dollars per HSM key version and month.",
    },
    ParamSpec {
        name: "price-version-external",
        kind: Kind::Amount,
        default: Default::Value("3.0"),
        source: "KMS-29",
        doc: "US dollars per external key version and month.",
    },
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
