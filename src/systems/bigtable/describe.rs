//! What a scenario may say of Bigtable: tables, constants, events, states, measures.

use crate::engine::SimDuration;
use crate::limits::VERSIONS_MAX;
use crate::systems::spec::{
    Default, EntityKind, How, Kind, Look, ParamSpec, Role, StateSpec, TableSpec, measure, param,
};

const fn state(name: &'static str, serves: bool, look: Look, doc: &'static str) -> StateSpec {
    StateSpec { name, alias: None, serves, irreversible: false, look, doc }
}

/// States of an instance.
pub(super) const INSTANCE: EntityKind = EntityKind {
    name: "Bigtable instance",
    role: Role::System,
    states: &[
        state("serving", true, Look::Good, "All clusters serve."),
        state(
            "degraded",
            true,
            Look::Partial,
            "Some clusters serve, or one is being brought back.",
        ),
        StateSpec {
            name: "down",
            alias: Some("disabled"),
            serves: false,
            irreversible: false,
            look: Look::Denied,
            doc: "No cluster serves: a key is denied.",
        },
        StateSpec {
            name: "down",
            alias: Some("offline"),
            serves: false,
            irreversible: false,
            look: Look::Unreachable,
            doc: "No cluster serves: a key could not be reached for longer than the grace.",
        },
        StateSpec {
            name: "inaccessible",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "A key of the instance has been destroyed: its data can never be read again.",
        },
        StateSpec {
            name: "deleted",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "Deleted, by the user or after 30 days without a usable key.",
        },
    ],
    measures: &[
        measure(
            "degraded-time",
            "s",
            How::TimeIn(&["degraded"]),
            "Time in which some clusters serve, or one is being brought back.",
        ),
        measure(
            "time-to-first-error",
            "s",
            How::FirstError,
            "From the first root event until a cluster of the instance stops serving.",
        ),
        measure(
            "time-to-lockout",
            "s",
            How::Lockout,
            "From the first root event until no cluster serves.",
        ),
        measure(
            "time-to-recovery",
            "s",
            How::Recovery,
            "From the first root event until all clusters serve again, after the last disturbance.",
        ),
        measure(
            "irreversible",
            "count",
            How::Irreversible,
            "1 if the instance ends inaccessible for good or deleted, else 0.",
        ),
        measure(
            "writes-at-risk",
            "count",
            How::Told,
            "Acknowledged writes that no other cluster had when their cluster went down; a copy on a cluster that goes down next counts as one; empty without replication.",
        ),
        measure(
            "writes-at-risk-age",
            "s",
            How::Told,
            "Age of the oldest of them when its cluster went down: the recovery point (RPO) of a loss.",
        ),
        measure("writes-delayed", "count", How::Told, "Writes at risk whose cluster came back."),
        measure(
            "writes-lost",
            "count",
            How::Told,
            "Writes at risk whose key was destroyed or whose cluster was deleted.",
        ),
        measure(
            "admin-blocked-time",
            "s",
            How::Told,
            "Time in which the operations of BT-36 are refused.",
        ),
        measure(
            "undefined-behaviour",
            "count",
            How::Counted,
            "Times that tables met an unusable version of a key with usable ones, for which no behaviour is documented (BT-24): the outcome was drawn.",
        ),
        measure(
            "recovery-points-available",
            "count",
            How::Told,
            "Backups that can be restored from at the end.",
        ),
        measure(
            "recovery-points-lost",
            "count",
            How::Told,
            "Backups that were lost with their key version, cluster or instance (not those that the user deleted).",
        ),
        measure(
            "kms-operations",
            "count",
            How::Counted,
            "Cryptographic operations that the instance asked of its keys.",
        ),
        measure(
            "operations-cost-usd",
            "USD",
            How::Priced("kms-operations"),
            "Price of these operations.",
        ),
        measure(
            "sweeps",
            "count",
            How::Told,
            "Key validations made, over all tables and clusters.",
        ),
    ],
};

/// States of a cluster.
pub(super) const CLUSTER: EntityKind = EntityKind {
    name: "Bigtable cluster",
    role: Role::Part,
    states: &[
        state("serving", true, Look::Good, "Serves; its last key validation was granted."),
        state(
            "cached",
            true,
            Look::Waning,
            "Serves on cached keys, best effort: the key cannot be reached.",
        ),
        state(
            "bringing-up",
            true,
            Look::Returning,
            "Coming back: a falling share of the requests times out.",
        ),
        state(
            "partly-readable",
            true,
            Look::Partial,
            "Tables that are bound to an unusable key version cannot be read; the others serve.",
        ),
        state(
            "disabled",
            false,
            Look::Denied,
            "Taken down because a key of the instance is denied.",
        ),
        state(
            "offline",
            false,
            Look::Unreachable,
            "Taken down because a key of the instance could not be reached for longer than the grace.",
        ),
        StateSpec {
            name: "inaccessible",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "Lost with a destroyed key of the instance.",
        },
        StateSpec {
            name: "deleted",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "Deleted with its instance.",
        },
        state(
            "absent",
            false,
            Look::Absent,
            "Not created yet, or deleted by the user: it can be created (again).",
        ),
    ],
    measures: &[],
};

/// States of an app profile.
pub(super) const PROFILE: EntityKind = EntityKind {
    name: "Bigtable app profile",
    role: Role::Client,
    states: &[
        state(
            "serving",
            true,
            Look::Good,
            "Requests succeed (but for the best-effort losses of BT-48).",
        ),
        state("degraded", true, Look::Partial, "Some requests fail."),
        StateSpec {
            name: "failing",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Denied,
            doc: "Every request fails: a key is denied.",
        },
        StateSpec {
            name: "failing",
            alias: Some("unreachable"),
            serves: false,
            irreversible: false,
            look: Look::Unreachable,
            doc: "Every request fails: a key could not be reached for longer than the grace.",
        },
    ],
    measures: &[
        measure("requests", "count", How::Told, "Requests made."),
        measure(
            "failed-requests",
            "count",
            How::Told,
            "Requests that failed, all codes together (an expected number).",
        ),
        measure(
            "failed-requests.failed-precondition",
            "count",
            How::Told,
            "Requests refused with FAILED_PRECONDITION.",
        ),
        measure(
            "failed-requests.not-found",
            "count",
            How::Told,
            "Requests refused with NOT_FOUND.",
        ),
        measure(
            "failed-requests.deadline-exceeded",
            "count",
            How::Told,
            "Requests that timed out while a cluster was being brought back.",
        ),
        measure(
            "failed-requests.unavailable",
            "count",
            How::Told,
            "Best-effort losses while a cluster serves on cached keys.",
        ),
        measure(
            "sla-downtime",
            "s",
            How::Told,
            "Time in periods of five minutes or more with more than 5 % errors (BR-11).",
        ),
        measure(
            "time-to-first-error",
            "s",
            How::FirstError,
            "From the first root event until a request fails because a cluster is down or coming back.",
        ),
        measure(
            "time-to-lockout",
            "s",
            How::Lockout,
            "From the first root event until every request fails.",
        ),
        measure(
            "time-to-recovery",
            "s",
            How::Recovery,
            "From the first root event until requests succeed again, after the last disturbance.",
        ),
    ],
};

/// States of a backup.
pub(super) const BACKUP: EntityKind = EntityKind {
    name: "Bigtable backup",
    role: Role::Part,
    states: &[
        state("ready", true, Look::Good, "Can be restored from."),
        state(
            "unusable",
            false,
            Look::Denied,
            "The key version that it is pinned to is denied or unreachable.",
        ),
        StateSpec {
            name: "inaccessible",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "The key version that it is pinned to is destroyed.",
        },
        StateSpec {
            name: "deleted",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "Deleted.",
        },
        state("absent", false, Look::Absent, "Not taken yet."),
    ],
    measures: &[],
};

const CLUSTERS: TableSpec = TableSpec {
    entity: Some(&CLUSTER),
    params: &[
        param(
            "zone",
            Kind::Zone,
            Default::Required,
            "BR-01",
            "Zone of the cluster; at most one cluster per zone.",
        ),
        param(
            "key",
            Kind::Reference("keys"),
            Default::Absent,
            "BT-15",
            "Key that protects the cluster, from its own region; without one in every cluster the instance is not a CMEK instance.",
        ),
        param(
            "initially",
            Kind::Choice(&["present", "absent"]),
            Default::Value("\"present\""),
            "",
            "An absent cluster is made by a `create-cluster` event.",
        ),
    ],
};

const PROFILES: TableSpec = TableSpec {
    entity: Some(&PROFILE),
    params: &[
        param(
            "routing",
            Kind::Tagged(&[
                ("multi-cluster", None),
                ("row-affinity", None),
                ("single-cluster", Some(&Kind::Reference("bigtable.{0}.clusters"))),
            ]),
            Default::Value("\"multi-cluster\""),
            "BR-05, BR-06, BR-07",
            "Where requests go: the nearest available cluster, or always one.",
        ),
        param(
            "prefers",
            Kind::List(&Kind::Reference("bigtable.{0}.clusters")),
            Default::Absent,
            "BR-05",
            "Clusters from nearest to farthest; those not named follow by name.",
        ),
        param(
            "traffic",
            Kind::Shares("bigtable.{0}.clusters"),
            Default::Absent,
            "BT-30",
            "Share of the requests that each cluster is nearest to; all to the first of `prefers` when absent.",
        ),
        param(
            "reads",
            Kind::Rate,
            Default::Value("\"0/s\""),
            "",
            "Read requests per unit of time.",
        ),
        param(
            "writes",
            Kind::Rate,
            Default::Value("\"0/s\""),
            "",
            "Write requests per unit of time.",
        ),
    ],
};

const BACKUPS: TableSpec = TableSpec {
    entity: Some(&BACKUP),
    params: &[
        param(
            "cluster",
            Kind::Reference("bigtable.{0}.clusters"),
            Default::Required,
            "BT-21",
            "The cluster that stores the backup.",
        ),
        param(
            "key-version",
            Kind::Count(1, VERSIONS_MAX as u64),
            Default::Absent,
            "BT-22",
            "Number of the key version that it is pinned to; the primary when it is taken if absent.",
        ),
        param(
            "initially",
            Kind::Choice(&["present", "absent"]),
            Default::Value("\"present\""),
            "",
            "An absent backup is taken by a `create-backup` event.",
        ),
    ],
};

const INSTANCES: TableSpec = TableSpec {
    entity: Some(&INSTANCE),
    params: &[
        param(
            "project",
            Kind::Text,
            Default::Absent,
            "BT-05, BT-16",
            "Project of the instance, whose service agent uses the keys; all instances that name none are of one project.",
        ),
        param("tables", Kind::Count(0, 1000), Default::Value("1"), "BR-16", "Number of tables."),
        param(
            "replication-lag",
            Kind::Distribution,
            Default::Absent,
            "BR-03",
            "Replication lag of every pair of clusters; the model's lags by region when absent.",
        ),
        param("clusters", Kind::Named(&CLUSTERS), Default::Required, "", "Clusters."),
        param("app-profiles", Kind::Named(&PROFILES), Default::Absent, "", "App profiles."),
        param("backups", Kind::Named(&BACKUPS), Default::Absent, "", "Backups."),
    ],
};

/// The tables of a scenario that are Bigtable's.
pub(super) const TABLES: &[ParamSpec] =
    &[param("bigtable", Kind::Named(&INSTANCES), Default::Absent, "", "Bigtable instances.")];

/// Constants and switches under `[model]`.
pub(super) const MODEL: &[ParamSpec] = &[
    param(
        "sweep-period",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::from_secs(86_400)),
        Default::Value("\"5m\""),
        "BT-27",
        "Time between two key validations of a table in a cluster.",
    ),
    param(
        "sweep-phase",
        Kind::Choice(&["random", "aligned", "spread"]),
        Default::Value("\"random\""),
        "assumed, Q-16",
        "Phases of the validations: independent and random, all at multiples of the period from the start, or spread evenly over the tables of a cluster.",
    ),
    param(
        "kms-ops-per-sweep",
        Kind::Count(1, 1000),
        Default::Value("3"),
        "BT-14",
        "Cloud KMS operations of one validation.",
    ),
    param(
        "cascade-pace",
        Kind::Choice(&["fast", "typical", "slow"]),
        Default::Value("\"typical\""),
        "assumed, BT-32",
        "Median time between two clusters of a cascade: 5 min, 30 min or 2 h; the 95th percentile is four times that.",
    ),
    param(
        "cascade-step",
        Kind::Distribution,
        Default::Absent,
        "assumed, BT-32",
        "Time between two clusters of a cascade, instead of a pace.",
    ),
    param(
        "cascade-total-max",
        Kind::Duration(SimDuration::ZERO, SimDuration::MAX),
        Default::Value("\"6h\""),
        "assumed, BT-32",
        "Longest time from the first cluster of a cascade to the last.",
    ),
    param(
        "cascade-order",
        Kind::Choice(&["random", "by-name"]),
        Default::Value("\"random\""),
        "assumed, Q-03",
        "Order in which a cascade takes the other clusters.",
    ),
    param(
        "kms-grace",
        Kind::Duration(SimDuration::ZERO, SimDuration::MAX),
        Default::Value("\"1h\""),
        "BT-44, BT-50",
        "How long an instance serves on cached keys without contact.",
    ),
    param(
        "grace-timer",
        Kind::Choice(&["cluster", "table", "instance"]),
        Default::Value("\"cluster\""),
        "assumed, Q-04",
        "Whose failed and successful calls the grace counts.",
    ),
    param(
        "grace-from",
        Kind::Choice(&["first-failed-call", "outage-start"]),
        Default::Value("\"first-failed-call\""),
        "assumed, Q-04",
        "When the grace starts.",
    ),
    param(
        "grace-scope",
        Kind::Choice(&["instance", "cluster"]),
        Default::Value("\"instance\""),
        "assumed, Q-04",
        "What is taken offline when the grace is over.",
    ),
    param(
        "grace-reset",
        Kind::Choice(&["any-success", "outage-end"]),
        Default::Value("\"any-success\""),
        "assumed, Q-12",
        "What ends the grace: any successful call, or only one with no outage in progress.",
    ),
    param(
        "offline-ramp",
        Kind::Distribution,
        Default::Value("{ uniform = { from = \"0s\", to = \"5m\" } }"),
        "assumed, BT-45",
        "From the end of the grace until a cluster is offline.",
    ),
    param(
        "bringup",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"2m\", p95 = \"15m\" } }"),
        "assumed, BT-38",
        "How long a cluster takes to come back.",
    ),
    param(
        "bringup-timeouts",
        Kind::Fraction,
        Default::Value("0.2"),
        "assumed, BT-39",
        "Share of requests that time out when a cluster starts to come back; falls linearly to none.",
    ),
    param(
        "best-effort-errors",
        Kind::Fraction,
        Default::Value("0.001"),
        "assumed, BT-48",
        "Share of requests that fail while a cluster serves on cached keys.",
    ),
    param(
        "delete-after",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::MAX),
        Default::Value("\"30d\""),
        "BT-41",
        "How long a key may be unusable before what it protects is deleted.",
    ),
    param(
        "deletion-clock",
        Kind::Choice(&["user-triggered-only", "any-disabled"]),
        Default::Value("\"user-triggered-only\""),
        "BT-41, BT-42",
        "What the deletion clock counts: time without a key by the user's action, or any time a cluster is down.",
    ),
    param(
        "rewrap-delay",
        Kind::Distribution,
        Default::Value("{ uniform = { from = \"0s\", to = \"5m\" } }"),
        "assumed, BT-12",
        "From a new primary key version until all tables of a cluster are protected by it.",
    ),
    param(
        "partial-spreads",
        Kind::Fraction,
        Default::Value("0.5"),
        "assumed, BT-24",
        "Probability that a cluster of which one key version is unusable is treated as if its key were disabled; else only the tables bound to that version fail.",
    ),
    param(
        "error-split",
        Kind::Fraction,
        Default::Value("0.9"),
        "assumed, BT-31",
        "Share of the refused requests that get FAILED_PRECONDITION; the rest get NOT_FOUND.",
    ),
    param(
        "replication-lag-same-region",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"300ms\", p95 = \"2s\" } }"),
        "assumed, BR-03",
        "Replication lag between clusters of one region.",
    ),
    param(
        "replication-lag-cross-region",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"1s\", p95 = \"10s\" } }"),
        "assumed, BR-03",
        "Replication lag between clusters of different regions.",
    ),
    param(
        "cmek-latency-factor",
        Kind::Amount,
        Default::Value("1.0"),
        "BT-04",
        "Replication between clusters with keys takes so many times as long as between others.",
    ),
    param(
        "route-around-disabled",
        Kind::Bool,
        Default::Value("true"),
        "assumed, Q-02",
        "Does multi-cluster routing avoid a cluster that is down because of a key?",
    ),
    param(
        "reroute-delay",
        Kind::Duration(SimDuration::ZERO, SimDuration::from_secs(3600)),
        Default::Value("\"10s\""),
        "assumed, Q-02",
        "How long multi-cluster routing still sends requests to a cluster that went down.",
    ),
    param(
        "acknowledged-writes",
        Kind::Choice(&["kept", "lost"]),
        Default::Value("\"kept\""),
        "assumed, Q-14",
        "Are acknowledged writes that no other cluster has kept on a cluster that goes down?",
    ),
];
