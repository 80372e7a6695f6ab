//! What a scenario may say of keys and managers: tables, states, measures, constants.

use super::services::{MANAGERS, QUOTAS};
use crate::engine::SimDuration;
use crate::limits::VERSIONS_MAX;
use crate::systems::spec::{
    Default, EntityKind, How, Kind, Look, PRINCIPALS, ParamSpec, Role, StateSpec, TableSpec,
    measure, param,
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
        measure(
            "denied-time",
            "s",
            How::TimeIn(&["no-primary", "denying", "disabled", "destroy-scheduled", "destroyed"]),
            "Time in which the key denies requests.",
        ),
        measure(
            "unreachable-time",
            "s",
            How::TimeIn(&["unreachable"]),
            "Time in which no request to the key is answered.",
        ),
        measure(
            "kms-operations",
            "count",
            How::Counted,
            "Cryptographic operations asked of the key by the systems of the scenario.",
        ),
        measure(
            "version-cost-usd",
            "USD",
            How::Counted,
            "Price of its versions for as long as they are not destroyed (a month has 30 days).",
        ),
        measure(
            "operations-cost-usd",
            "USD",
            How::Priced("kms-operations"),
            "Price of the operations asked of it.",
        ),
        measure(
            "kms-cost-usd",
            "USD",
            How::Sum(&["version-cost-usd", "operations-cost-usd"]),
            "Price of its versions and of the operations asked of it.",
        ),
        measure(
            "admin-activity-entries",
            "count",
            How::Counted,
            "Entries in the Admin Activity audit log: calls that change the key or who may use it, refused ones too.",
        ),
        measure(
            "data-access-entries",
            "count",
            How::Logged("kms-operations"),
            "Entries in the Data Access audit log: the operations asked of it, if `data-access-logs` is on.",
        ),
        measure(
            "audit-entries",
            "count",
            How::Sum(&["admin-activity-entries", "data-access-entries"]),
            "Entries in Cloud Audit Logs, both kinds together.",
        ),
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
    measures: &[measure(
        "denied-time",
        "s",
        How::TimeIn(&["restoring", "revoked", "blocked"]),
        "Time in which the principal is denied.",
    )],
};

const KEYS: TableSpec = TableSpec {
    entity: Some(&KEY),
    params: &[
        param(
            "location",
            Kind::Location,
            Default::Required,
            "BT-06",
            "Location of the key ring: a region for a key that protects clusters or jobs.",
        ),
        param(
            "protection",
            Kind::Choice(&["software", "hsm", "external", "external-vpc"]),
            Default::Value("\"software\""),
            "assumed",
            "Protection level; the two external ones need `ekm`.",
        ),
        param(
            "ekm",
            Kind::Reference("ekm"),
            Default::Absent,
            "EKM-01",
            "The external manager that holds the key's material.",
        ),
        param(
            "project",
            Kind::Text,
            Default::Absent,
            "DF-29",
            "Project that holds the key, whose quota its requests count against; all keys that name none are of one project.",
        ),
        param(
            "direct-load",
            Kind::Rate,
            Default::Absent,
            "KMS-22",
            "Requests that callers outside the scenario make to the key all the time; none when absent.",
        ),
        param(
            "state",
            Kind::Choice(&["enabled", "disabled"]),
            Default::Value("\"enabled\""),
            "KMS-01",
            "State at the start, of a key with one version; a key that starts disabled has been so for longer than any propagation.",
        ),
        param(
            "versions",
            Kind::List(&Kind::Choice(VERSION_STATES)),
            Default::Absent,
            "KMS-01",
            "State of each version at the start, from version 1 on; one version in `state` when absent.",
        ),
        param(
            "primary",
            Kind::Count(1, VERSIONS_MAX as u64),
            Default::Absent,
            "KMS-13",
            "Number of the primary version at the start; the newest when absent.",
        ),
        param(
            "rotation-period",
            Kind::Duration(days(1), SimDuration::from_secs(876_000 * 3_600)),
            Default::Absent,
            "KMS-17",
            "Time between two automatic rotations; none when absent.",
        ),
        param(
            "next-rotation",
            Kind::Instant,
            Default::Absent,
            "KMS-17",
            "The first automatic rotation; one period after the start when absent.",
        ),
        param(
            "imported",
            Kind::Bool,
            Default::Value("false"),
            "KMS-07",
            "Was its material imported? Only then can it be imported again after its destruction.",
        ),
        param(
            "grants",
            Kind::Words(PRINCIPALS),
            Default::Absent,
            "BT-16",
            "Principals that have the Encrypter/Decrypter role at the start; all that need it when absent.",
        ),
        param(
            "allowed-access-reasons",
            Kind::Words(super::build::REASONS),
            Default::Absent,
            "KMS-20",
            "Reasons that the key's policy allows; an empty list denies everything, and all are allowed when absent.",
        ),
        param(
            "external-destruction-works",
            Kind::Bool,
            Default::Value("true"),
            "KMS-01",
            "Of a key in a VPC: does the external manager destroy the material when it is told to?",
        ),
        param(
            "path",
            Kind::Text,
            Default::Absent,
            "BT-15",
            "Its resource name: `projects/P/locations/L/keyRings/R/cryptoKeys/K`; an invented one in audit logs when absent.",
        ),
        param(
            "autokey",
            Kind::Bool,
            Default::Value("false"),
            "KMS-18",
            "Was it made by Autokey, which makes one key per resource type, project and location?",
        ),
        param(
            "data-access-logs",
            Kind::Bool,
            Default::Value("false"),
            "BT-13, DF-32",
            "Are Data Access audit logs switched on for it?",
        ),
        param(
            "destroy-wait",
            Kind::Duration(days(1), days(120)),
            Default::Absent,
            "KMS-04, KMS-05",
            "Wait between scheduling the destruction and the destruction; `model.kms.destroy-wait` when absent.",
        ),
    ],
};

/// The tables of a scenario that are of Cloud KMS.
pub(super) const TABLES: &[ParamSpec] = &[
    param("keys", Kind::Named(&KEYS), Default::Absent, "", "Customer-managed keys."),
    param("ekm", Kind::Named(&MANAGERS), Default::Absent, "", "External key managers."),
    param(
        "quotas",
        Kind::Named(&QUOTAS),
        Default::Absent,
        "",
        "Request quotas with a limit of their own, by name: `LOCATION-hsm` or `LOCATION-external`, and `-in-PROJECT` behind it for keys that name their project.",
    ),
    param(
        crate::systems::policy::PATH,
        Kind::Table(&super::policy::TABLE),
        Default::Absent,
        "BT-20, KMS-05, KMS-16",
        "Constraints of the organization policy, as Google names them. They bind what is created, not what is there.",
    ),
];

/// Constants under `[model]`.
pub(super) const MODEL: &[ParamSpec] = &[
    param(
        "primary-propagation",
        Kind::Distribution,
        Default::Value(
            "{ mixture = [ { weight = 0.99, lognormal = { median = \"30s\", p95 = \"60s\" } }, { weight = 0.01, log-uniform = { from = \"60s\", to = \"4h\" } } ] }",
        ),
        "assumed, KMS-13, KMS-12",
        "From a change of the primary version until callers encrypt with it.",
    ),
    param(
        "call-deadline",
        Kind::Duration(MILLISECOND, SimDuration::from_secs(3_600)),
        Default::Value("\"10s\""),
        "KMS-33",
        "A call of Cloud KMS that takes longer stays without an answer; tried as often as `ekm-attempts` says (KMS-28). Only `kms-latency` makes calls take long.",
    ),
    param(
        "generation-time",
        Kind::Distribution,
        Default::Value("\"0s\""),
        "assumed, KMS-01",
        "How long a new version is pending generation.",
    ),
    param(
        "import-time",
        Kind::Distribution,
        Default::Value("\"1m\""),
        "assumed, KMS-07",
        "How long a version is pending import.",
    ),
    param(
        "external-destruction-time",
        Kind::Distribution,
        Default::Value("\"1m\""),
        "assumed, KMS-01",
        "How long an external manager takes to destroy material that Cloud KMS tells it to.",
    ),
    param(
        "policy-propagation",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"2m\", p95 = \"7m\", max = \"60m\" } }"),
        "IAM-01, KMS-15",
        "From a change of an IAM policy until callers are denied or granted.",
    ),
    param(
        "group-propagation",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"5m\", p99 = \"4h\" } }"),
        "assumed, IAM-02",
        "From an addition to a group until callers are granted.",
    ),
    param(
        "group-removal-factor",
        Kind::Amount,
        Default::Value("2.0"),
        "assumed, IAM-03",
        "A removal from a group takes so many times as long as an addition.",
    ),
    param(
        "perimeter-propagation",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"2m\", p95 = \"7m\", max = \"60m\" } }"),
        "assumed, BT-35, IAM-01",
        "From a change of a service perimeter until callers are denied or granted.",
    ),
    param(
        "access-reason",
        Kind::Choice(super::build::REASONS),
        Default::Value("\"google-initiated-system-operation\""),
        "assumed, KMS-19",
        "The reason that key validations and other requests of systems give.",
    ),
    param(
        "ekm-timeout",
        Kind::Duration(MILLISECOND, SimDuration::from_secs(3_600)),
        Default::Value("\"150ms\""),
        "EKM-02",
        "A call of an external manager that takes longer has failed.",
    ),
    param(
        "ekm-attempts",
        Kind::Count(1, 100),
        Default::Value("5"),
        "assumed, KMS-28",
        "How often a system tries a request whose call fails, each try with a latency of its own. The pauses (0.1 s, times 1.3 each) are less than a second in all and take no time here.",
    ),
    param(
        "manager-denial-sticks",
        Kind::Bool,
        Default::Value("true"),
        "EKM-09",
        "Does Cloud EKM disable a key version when the external manager denies a request? If not, the denial ends when the manager grants again.",
    ),
    param(
        "quota-hsm",
        Kind::Rate,
        Default::Value("\"500/s\""),
        "KMS-25",
        "Requests to HSM keys that a project may get in a location.",
    ),
    param(
        "quota-ekm",
        Kind::Rate,
        Default::Value("\"100/s\""),
        "assumed, KMS-26",
        "Requests to external keys that a project may get in a location.",
    ),
    param(
        "quota-enforcement",
        Kind::Choice(&["hard", "soft"]),
        Default::Value("\"hard\""),
        "assumed, KMS-27",
        "Is what exceeds a quota refused, or answered and only told?",
    ),
    param(
        "organization-policy-propagation",
        Kind::Distribution,
        Default::Value("{ uniform = { from = \"0s\", to = \"15m\" } }"),
        "assumed, IAM-04",
        "From a change of an organization policy until it is enforced.",
    ),
    param(
        "price-date",
        Kind::Text,
        Default::Value("\"2025-03-17\""),
        "KMS-29",
        "Date of the price list.",
    ),
    param(
        "price-operations",
        Kind::Amount,
        Default::Value("0.03"),
        "KMS-30",
        "US dollars per 10,000 cryptographic operations, to the billionth of a dollar.",
    ),
    param(
        "price-version-software",
        Kind::Amount,
        Default::Value("0.06"),
        "KMS-29",
        "US dollars per software key version and month.",
    ),
    param(
        "price-version-hsm",
        Kind::Amount,
        Default::Value("1.0"),
        "KMS-29",
        "US dollars per HSM key version and month.",
    ),
    param(
        "price-version-external",
        Kind::Amount,
        Default::Value("3.0"),
        "KMS-29",
        "US dollars per external key version and month.",
    ),
    param(
        "disable-propagation",
        Kind::Distribution,
        Default::Value(
            "{ mixture = [ { weight = 0.99, lognormal = { median = \"30s\", p95 = \"60s\" } }, { weight = 0.01, log-uniform = { from = \"60s\", to = \"4h\" } } ] }",
        ),
        "assumed, KMS-12, Q-01",
        "From disabling (or scheduling the destruction of) a key until its callers are denied.",
    ),
    param(
        "enable-propagation",
        Kind::Distribution,
        Default::Value("\"0s\""),
        "KMS-09",
        "From enabling a key until its callers are granted.",
    ),
    param(
        "destroy-wait",
        Kind::Duration(days(1), days(120)),
        Default::Value("\"30d\""),
        "KMS-04, KMS-05",
        "Wait between scheduling a destruction and the destruction, for keys that do not say it.",
    ),
];
