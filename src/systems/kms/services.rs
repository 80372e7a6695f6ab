//! What keys hang on, as a scenario names it: Cloud KMS in a location, external managers, quotas.

use crate::systems::spec::{
    Default, EntityKind, How, Kind, Look, ParamSpec, Role, StateSpec, TableSpec, measure, param,
};

/// Replicas or links of one manager.
const UNITS_MAX: u64 = 1_000;

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
const MANAGER: EntityKind = EntityKind {
    name: "external key manager",
    role: Role::Service,
    states: SERVICE_STATES,
    measures: &[],
};

/// The request quota of the keys of a project, a location and a protection level.
pub(super) const QUOTA: EntityKind = EntityKind {
    name: "request quota",
    role: Role::Service,
    states: &[
        StateSpec {
            name: "within-quota",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Good,
            doc: "Every request is let through.",
        },
        StateSpec {
            name: "over-quota",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Partial,
            doc: "More requests come in a second than the quota allows: the excess is refused, or (soft enforcement) only told.",
        },
    ],
    measures: &[measure(
        "over-quota-time",
        "s",
        How::TimeIn(&["over-quota"]),
        "Time in which more requests came than the quota allows.",
    )],
};

/// What one quota has of its own.
pub(super) const QUOTAS: TableSpec = TableSpec {
    entity: None,
    params: &[
        ParamSpec {
            name: "limit",
            kind: Kind::Rate,
            default: Default::Absent,
            source: "KMS-24",
            doc: "Requests that it allows; `model.kms.quota-hsm` or `quota-ekm` when absent.",
        },
        ParamSpec {
            name: "enforcement",
            kind: Kind::Choice(&["hard", "soft"]),
            default: Default::Absent,
            source: "KMS-27",
            doc: "Is what exceeds it refused? `model.kms.quota-enforcement` when absent.",
        },
    ],
};

const fn units(name: &'static str, source: &'static str, doc: &'static str) -> ParamSpec {
    let (kind, default) = (Kind::Count(1, UNITS_MAX), Default::Value("1"));
    ParamSpec { name, kind, default, source, doc }
}

const fn life(name: &'static str, source: &'static str, doc: &'static str) -> ParamSpec {
    ParamSpec { name, kind: Kind::Distribution, default: Default::Absent, source, doc }
}

/// The table of an external manager.
pub(super) const MANAGERS: TableSpec = TableSpec {
    entity: Some(&MANAGER),
    params: &[
        units("replicas", "assumed, EKM-05", "Replicas in failure domains of their own."),
        units("replicas-needed", "assumed, EKM-05", "How many of them must be up."),
        life(
            "replica-failure",
            "BT-49",
            "Of each replica, from the end of a repair to the next failure; it never fails when absent. No statistics are known; FRQ-04 assumes 12 outages a year.",
        ),
        life(
            "replica-repair",
            "BT-49",
            "How long the repair of a replica takes; FRQ-04 assumes a median of 25 min and a 95th percentile of 2 h.",
        ),
        units("links", "assumed, EKM-06", "Network links from Google Cloud to the manager."),
        units("links-needed", "assumed, EKM-06", "How many of them must be up."),
        life(
            "link-failure",
            "EKM-06",
            "Of each link, from the end of a repair to the next failure; it never fails when absent. Reference topologies are available 99.9 % or 99.99 % of the time.",
        ),
        life("link-repair", "EKM-06", "How long the repair of a link takes."),
        param(
            "latency",
            Kind::Distribution,
            Default::Value("{ lognormal = { median = \"30ms\", p95 = \"80ms\" } }"),
            "assumed, EKM-02",
            "How long one call takes. A request fails if every try takes longer than `model.kms.ekm-timeout`; a share below one in a million counts as none.",
        ),
        param(
            "regions",
            Kind::List(&Kind::Location),
            Default::Absent,
            "BT-51",
            "Locations that the manager supports; every one when absent.",
        ),
    ],
};
