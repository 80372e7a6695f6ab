//! The rules of Dataflow with customer-managed keys, with their sources.

use crate::systems::spec::{Confidence::*, Rule};

const SEED: &str = "Dataflow CMEK page (seed document 000)";
const STOP: &str = "https://cloud.google.com/dataflow/pipelines/stopping-a-pipeline";
const JOBS: &str =
    "https://github.com/googleapis/googleapis/blob/master/google/dataflow/v1beta3/jobs.proto";
const OWN: &str = "decision of this model";

/// The rules, in the order of the fact sheet.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "DF-01",
        text: "Dataflow encrypts content at rest by default, with keys that Google runs: a job without a key of its own hangs on no key but those of its sources and sinks.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-02",
        text: "Batch and streaming pipelines can be protected, and can read or write protected sources and sinks: a job hangs on its own key and on those of each of them.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-03",
        text: "What a pipeline reads from the user's sources is encrypted, apart from the data keys of some streaming jobs.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-04",
        text: "In batch jobs everything, data keys included, is always under the key.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-05",
        text: "In streaming jobs created after 2024-03-07 all user data is under the key.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-06",
        text: "In streaming jobs created before 2024-03-07 the data keys of windowing, grouping and joining are not covered; draining or cancelling and restarting the job mends that.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-07",
        text: "Job metadata is never under the key: names, parameters, pipeline graph, job ids, worker addresses.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-08",
        text: "The key covers the Persistent Disks of the workers; service-side shuffle and Streaming Engine state are taken to be covered too.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-09",
        text: "The key chosen at the creation of a job protects its state for as long as the job lives.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-10",
        text: "Key and job must be in the same region; global and multi-region keys are not accepted.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-11",
        text: "It takes the Apache Beam SDK for Java 2.13.0, for Python 2.13.0 or for Go 2.40.0, or later.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-12",
        text: "Two principals need the role on the key: the Dataflow service account and the Compute Engine service account.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-13",
        text: "Keys may live in another project than the job; each project has its own service accounts.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-14",
        text: "With a key, the temporary location must be given; the buckets for temporary and staged files can have keys of their own.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-15",
        text: "The key of a sink in which new objects are created must be passed to the connector, and the service agent of each source and sink needs the role on its key; without it that source or sink refuses, whatever the job's own key answers.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-16",
        text: "Autokey can create the key ring, the key, the service agent and the role on demand. Such a key behaves like any other: whoever uses a key holds its role from the start unless the scenario says otherwise.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-17",
        text: "Disabling the key and destroying it both cancel the jobs that use it, and this cannot be undone.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-18",
        text: "An external key is disabled or destroyed in the external key manager: its denial is what cancels the jobs, and Cloud KMS shows nothing of it before.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-19",
        text: "If an external key becomes unavailable while a job is being created, the job is cancelled.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-20",
        text: "Running jobs check periodically that the Dataflow service account can use the key.",
        source: SEED,
        confidence: Vague,
    },
    Rule {
        id: "DF-21",
        text: "Dataflow's access can be taken away by revoking the role of the Compute Engine service account.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-22",
        text: "If an encrypt or decrypt request fails, Dataflow halts all ingestion and processing as soon as possible.",
        source: SEED,
        confidence: Vague,
    },
    Rule {
        id: "DF-23",
        text: "The clean-up of the job's cloud resources begins immediately after that.",
        source: SEED,
        confidence: Vague,
    },
    Rule {
        id: "DF-24",
        text: "For jobs with Streaming Engine a snapshot before disabling the key is advised.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-25",
        text: "Key versions can be destroyed; keys and key rings cannot be deleted and cost nothing to keep: after its destruction a version costs nothing, and the key is still there.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-26",
        text: "There is no quota on the number of keys and key rings and no charge for their existence: only versions and operations have a price.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-27",
        text: "Pipelines use the key when they touch protected sources or sinks and when pipeline state is fetched; modelled as so many operations per check.",
        source: SEED,
        confidence: Vague,
    },
    Rule {
        id: "DF-30",
        text: "Dataflow charges nothing extra for a key: each use of it by a job is billed as an operation, at the rate of the key.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-31",
        text: "Dataflow gives the id of the job as context to Cloud KMS, so that audit logs show each use of a key by each job; a job that is created anew has another id.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-33",
        text: "A job whose key cannot be validated fails at its creation.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-34",
        text: "A job whose principals lack the permission to use the key fails at its creation.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-35",
        text: "A key in another region than the job cannot protect the job's resources.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-36",
        text: "The first use of a key can ask for missing grants on both service accounts: new jobs fail until both have propagated.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DF-37",
        text: "Which key a job uses is shown on the job's panel and as `serviceKmsKeyName` in its description, for sources and sinks in their own tools; here `resolved.toml` names the keys of all of them.",
        source: SEED,
        confidence: Documented,
    },
    Rule {
        id: "DJ-01",
        text: "A job is queued, pending, stopped, running, draining, cancelling or being cleaned up, and ends as done, failed, cancelled, updated or drained.",
        source: JOBS,
        confidence: Documented,
    },
    Rule {
        id: "DJ-02",
        text: "Legal moves: queued to pending or cancelled; pending to running or failed; running to done, failed, updated, draining, cancelling; draining to drained, cancelled or failed; cancelling to cancelled or failed.",
        source: JOBS,
        confidence: Documented,
    },
    Rule {
        id: "DJ-03",
        text: "Cancelling stops all ingestion and processing at once and may lose data in flight; a cancelled job cannot be restarted, only created anew.",
        source: STOP,
        confidence: Documented,
    },
    Rule {
        id: "DJ-04",
        text: "A forced cancel may be asked for only if a normal one was tried at least 30 minutes earlier.",
        source: "https://cloud.google.com/sdk/gcloud/reference/dataflow/jobs/cancel",
        confidence: Documented,
    },
    Rule {
        id: "DJ-05",
        text: "Draining is for streaming jobs: they stop reading and finish what is buffered; with a key that is not usable it becomes a cancellation (assumed).",
        source: STOP,
        confidence: Documented,
    },
    Rule {
        id: "DJ-06",
        text: "A snapshot keeps the state of a running streaming job, and a new job can start from it.",
        source: "https://cloud.google.com/dataflow/docs/guides/using-snapshots",
        confidence: Documented,
    },
    Rule {
        id: "DJ-07",
        text: "A snapshot lives for seven days by default; it can include the Pub/Sub sources.",
        source: "https://cloud.google.com/sdk/gcloud/reference/dataflow/snapshots/create",
        confidence: Documented,
    },
    Rule {
        id: "DJ-08",
        text: "A snapshot is pending, running, ready, failed or deleted; a key fault before it is ready makes it fail (assumed).",
        source: "https://github.com/googleapis/googleapis/blob/master/google/dataflow/v1beta3/snapshots.proto",
        confidence: Documented,
    },
    Rule {
        id: "DJ-09",
        text: "In a batch job a failing bundle is tried four times, then the whole pipeline fails; in a streaming job it is tried for ever and the pipeline can stall.",
        source: "https://cloud.google.com/dataflow/docs/resources/faq",
        confidence: Documented,
    },
    Rule {
        id: "DJ-10",
        text: "The main health metrics are the age of the data watermark and the longest wait of an element; in this model both are the age of the oldest element that waits or is in flight.",
        source: "https://cloud.google.com/monitoring/api/metrics_gcp",
        confidence: Vague,
    },
    Rule {
        id: "DJ-11",
        text: "Starting workers for a new job takes a few minutes.",
        source: "no official figure; practitioners' notes",
        confidence: Assumed,
    },
    Rule {
        id: "DJ-12",
        text: "The number of jobs that run at the same time in a project can be limited; a job beyond the limit is not created (assumed), and automation tries again. No limit by default.",
        source: "https://cloud.google.com/dataflow/quotas",
        confidence: Vague,
    },
    Rule {
        id: "PD-01",
        text: "A VM can be set to stop when the key of a disk that is attached to it is revoked; by default nothing happens: a disk in use goes on working until it is detached or its VM restarts, and what restarts cannot attach it.",
        source: "https://docs.cloud.google.com/dotnet/docs/reference/Google.Cloud.Compute.V1/latest/Google.Cloud.Compute.V1.Instance.Types.KeyRevocationActionType",
        confidence: Documented,
    },
    Rule {
        id: "PD-02",
        text: "The delay of that stop is not documented: within 7 hours. Taken of a job whose VMs have stopped: it is cancelled as if a worker could not restart.",
        source: "https://cloud.google.com/compute/docs/disks/customer-managed-encryption",
        confidence: Vague,
    },
    Rule {
        id: "Q-05",
        text: "Open: does a running job survive an outage of Cloud KMS or of the external manager? Default: it goes on for `transient-grace`, then it is halted; 0 s is the literal reading.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "Q-06",
        text: "Open: the period of the key check. Default: 5 minutes, as in sibling services.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "Q-07",
        text: "Open: the page revokes the Compute Engine account, but jobs check with the Dataflow account. Default: workers go on until their next restart, autoscaling fails at once.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "Q-08",
        text: "Open: does disabling a key cancel jobs directly? Default: by propagation and check, without another signal.",
        source: OWN,
        confidence: Assumed,
    },
    Rule {
        id: "Q-18",
        text: "Open: does cancelling acknowledge Pub/Sub messages? Messages that are not acknowledged stay in the subscription; work that is acknowledged and not written is lost.",
        source: OWN,
        confidence: Assumed,
    },
];
