//! The constants and switches of Dataflow, with where they come from.

use crate::engine::SimDuration;
use crate::systems::spec::{Default, Kind, ParamSpec, param};

const DAY: u64 = 86_400;

/// Constants and switches under `[model]`.
pub(super) const MODEL: &[ParamSpec] = &[
    param(
        "check-period",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::from_secs(DAY)),
        Default::Value("\"5m\""),
        "assumed, DF-20, Q-06",
        "Time between two key validations of a job.",
    ),
    param(
        "check-phase",
        Kind::Choice(&["random", "aligned"]),
        Default::Value("\"random\""),
        "assumed, DF-20",
        "Phase of the validations: random, or all at multiples of the period from the start.",
    ),
    param(
        "kms-ops-per-check",
        Kind::Count(1, 1000),
        Default::Value("2"),
        "assumed, DF-27",
        "Cloud KMS operations of one validation.",
    ),
    param(
        "halt-delay",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"1m\", p95 = \"5m\" } }"),
        "assumed, DF-22",
        "From finding the key unusable until all ingestion and processing is halted.",
    ),
    param(
        "cleanup",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"3m\", p95 = \"10m\" } }"),
        "assumed, DF-23",
        "How long the clean-up of a job's resources takes.",
    ),
    param(
        "stuck-cancel",
        Kind::Fraction,
        Default::Value("0.02"),
        "assumed, DJ-04",
        "Probability that a cancellation does not end by itself.",
    ),
    param(
        "force-cancel-after",
        Kind::Duration(SimDuration::ZERO, SimDuration::MAX),
        Default::Value("\"30m\""),
        "DJ-04",
        "From a cancellation until it can be forced.",
    ),
    param(
        "force-cancel",
        Kind::Choice(&["at-once", "by-event"]),
        Default::Value("\"at-once\""),
        "assumed, DJ-04",
        "Whether a cancellation that is stuck is forced as soon as it can be, or only by an event.",
    ),
    param(
        "transient-grace",
        Kind::Duration(SimDuration::ZERO, SimDuration::MAX),
        Default::Value("\"1h\""),
        "assumed, Q-05",
        "How long a job goes on while nothing is known of its key.",
    ),
    param(
        "snapshot-ttl",
        Kind::Duration(SimDuration::from_secs(1), SimDuration::MAX),
        Default::Value("\"7d\""),
        "DJ-07",
        "Lifetime of snapshots that do not say it.",
    ),
    param(
        "snapshot-time",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"1m\", p95 = \"5m\" } }"),
        "assumed, DJ-06",
        "How long it takes to take a snapshot.",
    ),
    param(
        "batch-attempts",
        Kind::Count(1, 1000),
        Default::Value("4"),
        "DJ-09",
        "How many times a failing bundle of a batch job is tried.",
    ),
    param(
        "batch-retry",
        Kind::Distribution,
        Default::Value("{ exponential = { mean = \"30s\" } }"),
        "assumed, DJ-09",
        "Time between two tries of a failing bundle.",
    ),
    param(
        "start-time",
        Kind::Distribution,
        Default::Value("{ lognormal = { median = \"3m\", p95 = \"6m\" } }"),
        "assumed, DJ-11",
        "From the creation of a job until its workers are there.",
    ),
    param(
        "worker-restart",
        Kind::Distribution,
        Default::Value("{ exponential = { mean = \"1d\" } }"),
        "assumed, Q-07",
        "Time between two restarts of a worker of a job.",
    ),
    param(
        "compute-engine-revoked",
        Kind::Choice(&["next-restart", "as-dataflow"]),
        Default::Value("\"next-restart\""),
        "assumed, Q-07",
        "When a job halts whose Compute Engine agent is denied: at the next restart of a worker, or at the next check.",
    ),
    param(
        "vm-stop",
        Kind::Distribution,
        Default::Value("{ uniform = { from = \"0s\", to = \"7h\" } }"),
        "assumed, PD-02",
        "From the revocation of the key of a disk until a VM that is set to stop then has stopped.",
    ),
    param(
        "concurrent-jobs",
        Kind::Count(1, 1_000_000),
        Default::Absent,
        "DJ-12",
        "Jobs of one project that may run at the same time; as many as there are when absent.",
    ),
    param(
        "scale-up-after",
        Kind::Distribution,
        Default::Value("\"3m\""),
        "assumed, DJ-11",
        "How long elements wait before more workers are there.",
    ),
    param(
        "scale-down-after",
        Kind::Distribution,
        Default::Value("\"10m\""),
        "assumed, DJ-11",
        "How long no elements wait before the workers are fewer again.",
    ),
];
