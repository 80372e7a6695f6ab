//! A job as the scenario describes it: the same for every replication.

use crate::engine::{Dist, EntityId, SimDuration, StateId, StreamNumber};
use crate::systems::guard::Phasing;

/// States of a job by number.
pub(super) mod state {
    use super::StateId;
    pub(in super::super) const RUNNING: StateId = 0;
    pub(in super::super) const UNCONFIRMED: StateId = 1;
    pub(in super::super) const STARVED: StateId = 2;
    pub(in super::super) const BACK_PRESSURED: StateId = 3;
    pub(in super::super) const QUEUED: StateId = 4;
    pub(in super::super) const PENDING: StateId = 5;
    pub(in super::super) const DRAINING: StateId = 6;
    pub(in super::super) const CANCELLING: StateId = 7;
    pub(in super::super) const CLEANING: StateId = 8;
    pub(in super::super) const DONE: StateId = 9;
    pub(in super::super) const DRAINED: StateId = 10;
    pub(in super::super) const UPDATED: StateId = 11;
    pub(in super::super) const CANCELLED: StateId = 12;
    pub(in super::super) const FAILED: StateId = 13;
    pub(in super::super) const STOPPED: StateId = 14;
}

/// States of a snapshot by number.
pub(super) mod snapshot_state {
    use super::StateId;
    pub(in super::super) const PENDING: StateId = 1;
    pub(in super::super) const RUNNING: StateId = 2;
    pub(in super::super) const READY: StateId = 3;
    pub(in super::super) const FAILED: StateId = 4;
    pub(in super::super) const DELETED: StateId = 5;
}

/// The model constants of Dataflow.
pub(super) struct Constants {
    pub(super) check_period: SimDuration,
    pub(super) phasing: Phasing,
    pub(super) operations_per_check: u64,
    pub(super) halt_delay: Dist,
    pub(super) cleanup: Dist,
    pub(super) stuck_cancel: f64,
    pub(super) force_cancel_after: SimDuration,
    pub(super) force_cancel_at_once: bool,
    pub(super) transient_grace: SimDuration,
    pub(super) snapshot_time: Dist,
    pub(super) batch_attempts: u64,
    pub(super) batch_retry: Dist,
    pub(super) start_time: Dist,
    pub(super) worker_restart: Dist,
    pub(super) agent_as_service_account: bool,
    /// From a revoked key to the stop of the VMs that are set to stop then (PD-02).
    pub(super) vm_stop: Dist,
    /// Jobs of one project that may run at the same time (DJ-12).
    pub(super) concurrent_jobs: Option<u64>,
    pub(super) scale_up_after: Dist,
    pub(super) scale_down_after: Dist,
}

/// The key of a job.
pub(super) struct KeyPlan {
    pub(super) entity: EntityId,
    pub(super) path: String,
    pub(super) external: bool,
    /// The quota that its requests count against (DF-29).
    pub(super) quota: Option<EntityId>,
    /// The version that is primary at the start.
    pub(super) version: u32,
    /// The grants of the Dataflow service account and of the Compute Engine agent.
    pub(super) grants: [EntityId; 2],
}

/// A snapshot.
pub(super) struct SnapshotPlan {
    pub(super) entity: EntityId,
    pub(super) ttl: SimDuration,
    /// The Pub/Sub sources are part of it.
    pub(super) sources: bool,
    pub(super) time: StreamNumber,
}

/// What automation does when a job has ended by a fault.
pub(super) struct Relaunch {
    pub(super) after: Dist,
    pub(super) every: Dist,
    pub(super) attempts: u64,
    pub(super) from_snapshot: bool,
}

/// Streams of a job.
pub(super) struct JobStreams {
    pub(super) phases: StreamNumber,
    pub(super) luck: StreamNumber,
    pub(super) creation: StreamNumber,
    pub(super) queue: StreamNumber,
    pub(super) start: StreamNumber,
    pub(super) halt: StreamNumber,
    pub(super) cleanup: StreamNumber,
    pub(super) stuck: StreamNumber,
    pub(super) retry: StreamNumber,
    pub(super) restart: StreamNumber,
    pub(super) scaling: StreamNumber,
    pub(super) relaunch: StreamNumber,
    pub(super) vm_stop: StreamNumber,
}

/// A bucket that a job needs to be created.
pub(super) struct Bucket {
    pub(super) what: &'static str,
    pub(super) entity: EntityId,
    /// Whether it serves, by the number of its state.
    pub(super) serves: Vec<bool>,
}

/// A job.
pub(super) struct JobPlan {
    pub(super) entity: EntityId,
    pub(super) streaming: bool,
    pub(super) streaming_engine: bool,
    pub(super) key: Option<KeyPlan>,
    /// What it reads from and writes to, with the paths.
    pub(super) ends: Vec<(EntityId, String)>,
    /// Buckets that a job needs to be created.
    pub(super) buckets: Vec<Bucket>,
    /// The other jobs of its project.
    pub(super) siblings: Vec<EntityId>,
    /// Its VMs stop when the key of their disks is revoked (PD-01).
    pub(super) stops_on_revocation: bool,
    pub(super) runs_at_start: bool,
    /// Its data keys are not under the key until it is created anew.
    pub(super) partly_protected: bool,
    pub(super) autoscales: bool,
    pub(super) queue_time: Dist,
    pub(super) relaunch: Option<Relaunch>,
    pub(super) snapshots: Vec<SnapshotPlan>,
    pub(super) constants: Constants,
    pub(super) streams: JobStreams,
}
