//! What a scenario may say of Dataflow: tables, constants, events, states, measures.

use crate::engine::SimDuration;
use crate::systems::spec::{
    ActionSpec, Default, EntityKind, How, Kind, Look, ParamSpec, Protection, Role, StateSpec,
    TableSpec, measure, param,
};

const fn state(name: &'static str, serves: bool, look: Look, doc: &'static str) -> StateSpec {
    StateSpec { name, alias: None, serves, irreversible: false, look, doc }
}

/// DF-05 to DF-08: what the key of a job protects.
pub(super) const PROTECTION: Protection = Protection {
    table: "dataflow",
    covered: &[
        ("pipeline state, and everything read from the sources", "DF-03"),
        ("Persistent Disks of the workers, with shuffle and streaming state", "DF-08"),
        ("data keys of batch jobs", "DF-04"),
        ("data keys of streaming jobs created after 2024-03-07", "DF-05"),
    ],
    uncovered: &[
        ("job metadata: names, parameters, pipeline graph, job ids, worker addresses", "DF-07"),
        ("data keys of streaming jobs created before 2024-03-07", "DF-06"),
    ],
};

/// States of a job.
const JOB_STATES: &[StateSpec] = &[
    state("running", true, Look::Good, "Reads and writes, or has nothing to read."),
    state(
        "unconfirmed",
        true,
        Look::Waning,
        "Goes on while nothing is known of its key, for as long as the grace lasts.",
    ),
    state(
        "starved",
        false,
        Look::Unreachable,
        "Runs and reads nothing: what it reads from does not deliver, or gets nothing itself.",
    ),
    state(
        "back-pressured",
        false,
        Look::Unreachable,
        "Runs and writes nothing: something that it writes to refuses.",
    ),
    state("queued", false, Look::Returning, "Submitted, and waits for its turn."),
    state("pending", false, Look::Returning, "Created; its workers are being started."),
    state("draining", true, Look::Waning, "Reads no more, and writes what it has read."),
    state("cancelling", true, Look::Waning, "Cancelled; it stops as soon as possible."),
    state(
        "resource-cleaning-up",
        false,
        Look::Denied,
        "Stopped; its cloud resources are being cleaned up.",
    ),
    state("done", true, Look::Absent, "A batch job that has written everything."),
    state("drained", false, Look::Absent, "Drained: it has written everything that it had read."),
    state("updated", false, Look::Returning, "Replaced by a new job with its state."),
    state("cancelled", false, Look::Gone, "Cancelled for good; a new job must be created."),
    state("failed", false, Look::Gone, "Failed for good; a new job must be created."),
    StateSpec {
        name: "stopped",
        alias: Some("absent"),
        serves: false,
        irreversible: false,
        look: Look::Absent,
        doc: "Not created yet.",
    },
];

/// A job.
pub(super) const JOB: EntityKind = EntityKind {
    name: "Dataflow job",
    role: Role::System,
    states: JOB_STATES,
    measures: &[
        measure(
            "running-time",
            "s",
            How::TimeIn(&["running", "unconfirmed", "draining", "cancelling"]),
            "Time in which it reads or writes, or has nothing to read.",
        ),
        measure(
            "stalled-time",
            "s",
            How::TimeIn(&["starved", "back-pressured"]),
            "Time in which it runs and gets nowhere.",
        ),
        measure(
            "no-job-time",
            "s",
            How::TimeIn(&[
                "queued",
                "pending",
                "resource-cleaning-up",
                "updated",
                "cancelled",
                "failed",
            ]),
            "Time in which no job works: it has ended by a fault, or a new one is being created.",
        ),
        measure(
            "cancelled",
            "count",
            How::Counted,
            "Cancellations, of this job and of those after it.",
        ),
        measure(
            "failed",
            "count",
            How::Counted,
            "Failures, of running jobs and of attempts to create one.",
        ),
        measure("launches", "count", How::Counted, "Attempts to create a new job."),
        measure(
            "launches-refused",
            "count",
            How::Counted,
            "Attempts that came to nothing, because the key, a bucket or a snapshot was not usable or too many jobs ran.",
        ),
        measure("checks", "count", How::Counted, "Key validations made."),
        measure(
            "kms-operations",
            "count",
            How::Counted,
            "Cryptographic operations asked of its key.",
        ),
        measure(
            "backlog-peak",
            "count",
            How::Told,
            "The most elements that waited in its sources.",
        ),
        measure(
            "watermark-age-peak",
            "s",
            How::Told,
            "Greatest age of the oldest element that waited or was in flight (DJ-10); empty for batch jobs.",
        ),
        measure(
            "catch-up-time",
            "s",
            How::Told,
            "Time in which it worked while elements waited; empty if it never did, and for batch jobs.",
        ),
        measure(
            "operations-cost-usd",
            "USD",
            How::Priced("kms-operations"),
            "Price of these operations, at the rate of the key (DF-30).",
        ),
        measure("elements-arrived", "count", How::Told, "Elements that came into its sources."),
        measure("elements-written", "count", How::Told, "Of them, those written at least once."),
        measure(
            "rows-written",
            "count",
            How::Told,
            "Rows that it wrote to its sinks, all sinks together, those written twice included (FL-06).",
        ),
        measure("elements-waiting", "count", How::Told, "Of them, those that wait at the horizon."),
        measure(
            "elements-in-flight",
            "count",
            How::Told,
            "Of them, those read and not yet written at the horizon.",
        ),
        measure(
            "elements-expired",
            "count",
            How::Told,
            "Of them, those gone because nobody read them within the retention.",
        ),
        measure(
            "elements-lost",
            "count",
            How::Told,
            "Of them, those acknowledged and never written, or lost with their source.",
        ),
        measure(
            "elements-redelivered",
            "count",
            How::Told,
            "Elements that came again because a job ended before it acknowledged them.",
        ),
        measure("elements-duplicated", "count", How::Told, "Elements that are in the sinks twice."),
        measure(
            "partly-protected-time",
            "s",
            How::Counted,
            "Time in which a job created before 2024-03-07 works, whose data keys are not under the key (DF-06).",
        ),
        measure(
            "time-to-first-error",
            "s",
            How::FirstError,
            "From the first root event until it first leaves the state running.",
        ),
        measure(
            "time-to-lockout",
            "s",
            How::Lockout,
            "From the first root event until it first gets nowhere.",
        ),
        measure(
            "time-to-recovery",
            "s",
            How::Recovery,
            "From the first root event until it runs again, after the last disturbance.",
        ),
    ],
};

/// A snapshot.
pub(super) const SNAPSHOT: EntityKind = EntityKind {
    name: "Dataflow snapshot",
    role: Role::Part,
    states: &[
        state("absent", false, Look::Absent, "Not taken yet."),
        state("pending", false, Look::Returning, "Asked for."),
        state("running", false, Look::Returning, "Being taken."),
        state("ready", true, Look::Good, "A new job can start from it, if the key is usable."),
        state("failed", false, Look::Gone, "Not taken: the key or the job failed."),
        state("deleted", false, Look::Absent, "Its lifetime is over."),
    ],
    measures: &[],
};

const SNAPSHOTS: TableSpec = TableSpec {
    entity: Some(&SNAPSHOT),
    params: &[
        param(
            "ttl",
            Kind::Duration(SimDuration::from_secs(1), SimDuration::MAX),
            Default::Absent,
            "DJ-07",
            "How long it lives once it is ready; `model.dataflow.snapshot-ttl` when absent.",
        ),
        param(
            "sources",
            Kind::Bool,
            Default::Value("false"),
            "DJ-07",
            "The Pub/Sub sources are part of it: a job that starts from it reads again everything that was not acknowledged then.",
        ),
    ],
};

const RELAUNCH: TableSpec = TableSpec {
    entity: None,
    params: &[
        param(
            "after",
            Kind::Distribution,
            Default::Value("\"0s\""),
            "",
            "From the end of a job by a fault to the first attempt.",
        ),
        param("every", Kind::Distribution, Default::Value("\"10m\""), "", "Between two attempts."),
        param("attempts", Kind::Count(1, 1_000_000), Default::Value("1"), "", "Attempts at most."),
        param(
            "from",
            Kind::Choice(&["scratch", "snapshot"]),
            Default::Value("\"scratch\""),
            "DJ-06",
            "Whether a new job starts with nothing, or from the newest snapshot that is ready, if there is one.",
        ),
    ],
};

const JOBS: TableSpec = TableSpec {
    entity: Some(&JOB),
    params: &[
        param("region", Kind::Location, Default::Required, "DF-10", "Region of the job."),
        param(
            "key",
            Kind::Reference("keys"),
            Default::Absent,
            "DF-09",
            "Key that protects the state of the job, from its own region; Google's own when absent.",
        ),
        param(
            "project",
            Kind::Text,
            Default::Absent,
            "DF-13",
            "Project of the job, whose service accounts use the key; the scenario's one project when absent.",
        ),
        param(
            "mode",
            Kind::Choice(&["streaming", "batch"]),
            Default::Value("\"streaming\""),
            "DF-02",
            "A streaming job reads for ever, a batch job reads its input once.",
        ),
        param(
            "streaming-engine",
            Kind::Bool,
            Default::Value("true"),
            "DF-24, DJ-06",
            "State is kept by Streaming Engine and not on the disks of the workers; only then can there be snapshots.",
        ),
        param(
            "sources",
            Kind::List(&Kind::Entity(None)),
            Default::Required,
            "DF-02",
            "What it reads: subscriptions, or other entities with states of their own.",
        ),
        param(
            "sinks",
            Kind::List(&Kind::Entity(None)),
            Default::Absent,
            "DF-02",
            "What it writes every element to: topics, or other entities with states of their own.",
        ),
        param(
            "ratios",
            Kind::List(&Kind::Text),
            Default::Absent,
            "FL-06",
            "Rows that it writes to each of `sinks` for an element, in their order: `\"1/60\"` for one row of 60 elements, `\"3\"` for three rows of each; one row of each element when absent. A job that writes to a dataset of BigQuery streams its rows if it is a streaming job.",
        ),
        param(
            "arrivals",
            Kind::Rate,
            Default::Value("\"0/s\""),
            "",
            "What comes from outside into its first source, if that is no subscription.",
        ),
        param(
            "arrivals-by-hour",
            Kind::List(&Kind::Rate),
            Default::Absent,
            "",
            "The same for each hour of the day (UTC): 24 rates.",
        ),
        param(
            "retention",
            Kind::Duration(SimDuration::from_secs(1), SimDuration::MAX),
            Default::Absent,
            "",
            "How long elements wait in sources that are no subscriptions; for ever when absent.",
        ),
        param(
            "elements",
            Kind::Count(1, 1_000_000_000_000_000),
            Default::Absent,
            "",
            "Elements that a batch job reads.",
        ),
        param("capacity", Kind::Rate, Default::Required, "", "Elements that it processes at most."),
        param(
            "capacity-max",
            Kind::Rate,
            Default::Absent,
            "",
            "The same at the upper bound of its autoscaling; it does not scale when absent.",
        ),
        param(
            "latency",
            Kind::Duration(SimDuration::from_secs(1), SimDuration::from_secs(30 * 86_400)),
            Default::Value("\"10s\""),
            "assumed",
            "From reading an element to writing it, windows included.",
        ),
        param(
            "acknowledged-after",
            Kind::Duration(SimDuration::ZERO, SimDuration::from_secs(30 * 86_400)),
            Default::Value("\"5s\""),
            "assumed, Q-18",
            "From reading an element to acknowledging it; above the latency, elements are written before they are acknowledged.",
        ),
        param(
            "writes",
            Kind::Choice(&["at-least-once", "idempotent"]),
            Default::Value("\"at-least-once\""),
            "assumed",
            "Whether an element that is written again is in the sinks twice, or changes nothing.",
        ),
        param(
            "temp-location",
            Kind::Entity(Some("default-encryption")),
            Default::Absent,
            "DF-14",
            "The bucket for temporary files, or one without a key of its own; required with a key. A job cannot be created while it does not serve, and a batch job writes to it.",
        ),
        param(
            "staging-location",
            Kind::Entity(Some("default-encryption")),
            Default::Absent,
            "DF-14",
            "The bucket for staged files, or one without a key of its own. A job cannot be created while it does not serve.",
        ),
        param(
            "sdk",
            Kind::Text,
            Default::Absent,
            "DF-11",
            "Apache Beam SDK: language and version, such as \"python 2.58.0\".",
        ),
        param(
            "created",
            Kind::Choice(&["after-2024-03-07", "before-2024-03-07"]),
            Default::Value("\"after-2024-03-07\""),
            "DF-05, DF-06",
            "When the job that runs at the start was created.",
        ),
        param(
            "key-revocation-action",
            Kind::Choice(&["none", "stop"]),
            Default::Value("\"none\""),
            "PD-01",
            "What the VMs of its workers do when the key of their disks is revoked from the Compute Engine agent: go on until they restart, or stop.",
        ),
        param(
            "initially",
            Kind::Choice(&["running", "absent"]),
            Default::Value("\"running\""),
            "",
            "An absent job is created by a `launch-job` event.",
        ),
        param(
            "queue-time",
            Kind::Distribution,
            Default::Value("\"0s\""),
            "assumed, DJ-01",
            "How long a new job is queued before its workers are started.",
        ),
        param(
            "relaunch",
            Kind::Table(&RELAUNCH),
            Default::Absent,
            "DJ-03",
            "Automation that creates a new job when one has ended by a fault.",
        ),
        param(
            "snapshots",
            Kind::Named(&SNAPSHOTS),
            Default::Absent,
            "",
            "Snapshots that events take.",
        ),
    ],
};

/// The tables of a scenario that are of Dataflow.
pub(super) const TABLES: &[ParamSpec] =
    &[param("dataflow", Kind::Named(&JOBS), Default::Absent, "", "Dataflow jobs.")];

const JOB_PARAM: ParamSpec =
    param("job", Kind::Reference("dataflow"), Default::Required, "", "The job.");

const fn action(
    name: &'static str,
    params: &'static [ParamSpec],
    rule: &'static str,
    doc: &'static str,
) -> ActionSpec {
    ActionSpec { name, lasts: false, params, rule, doc }
}

/// Events.
pub(super) const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "flow-outage",
        lasts: true,
        params: &[param(
            "entity",
            Kind::Entity(None),
            Default::Required,
            "",
            "What jobs read from or write to, or the topic of a subscription that they read.",
        )],
        rule: "FL-05",
        doc: "A source or sink of jobs is out of service, for reasons that have nothing to do with keys.",
    },
    action(
        "launch-job",
        &[
            JOB_PARAM,
            param(
                "snapshot",
                Kind::Reference("dataflow.{job}.snapshots"),
                Default::Absent,
                "DJ-06",
                "The snapshot to start from; from scratch when absent.",
            ),
        ],
        "DJ-11",
        "Creates a job that is absent or has ended; it fails while the key is not usable.",
    ),
    action(
        "update-job",
        &[JOB_PARAM],
        "DJ-02",
        "Replaces a running streaming job by a new one with its state.",
    ),
    action(
        "drain-job",
        &[JOB_PARAM],
        "DJ-05",
        "Drains a streaming job: it reads no more, and finishes what it has read.",
    ),
    action("cancel-job", &[JOB_PARAM], "DJ-03", "Cancels a job: it stops at once."),
    action(
        "force-cancel-job",
        &[JOB_PARAM],
        "DJ-04",
        "Ends a cancellation that is stuck; refused within 30 minutes after it.",
    ),
    action(
        "snapshot-job",
        &[
            JOB_PARAM,
            param(
                "snapshot",
                Kind::Reference("dataflow.{job}.snapshots"),
                Default::Required,
                "DJ-06",
                "The snapshot to take.",
            ),
        ],
        "DJ-06",
        "Takes a snapshot of a running streaming job with Streaming Engine.",
    ),
];
