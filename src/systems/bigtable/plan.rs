//! An instance as the scenario describes it: the same for every replication.

use super::writes::Lags;
use crate::engine::{Dist, EntityId, SimDuration, StateId, StreamNumber};
use crate::systems::guard::{GraceReset, Phasing};
use crate::systems::policy::Policy;

/// States of an instance by number.
pub(super) mod instance_state {
    use super::StateId;
    pub(in super::super) const SERVING: StateId = 0;
    pub(in super::super) const DEGRADED: StateId = 1;
    pub(in super::super) const DOWN_DISABLED: StateId = 2;
    pub(in super::super) const DOWN_OFFLINE: StateId = 3;
    pub(in super::super) const INACCESSIBLE: StateId = 4;
    pub(in super::super) const DELETED: StateId = 5;
}

/// States of a cluster by number.
pub(super) mod cluster_state {
    use super::StateId;
    pub(in super::super) const SERVING: StateId = 0;
    pub(in super::super) const CACHED: StateId = 1;
    pub(in super::super) const BRINGING_UP: StateId = 2;
    pub(in super::super) const PARTLY_READABLE: StateId = 3;
    pub(in super::super) const DISABLED: StateId = 4;
    pub(in super::super) const OFFLINE: StateId = 5;
    pub(in super::super) const INACCESSIBLE: StateId = 6;
    pub(in super::super) const DELETED: StateId = 7;
    pub(in super::super) const ABSENT: StateId = 8;
}

/// States of an app profile by number.
pub(super) mod profile_state {
    use super::StateId;
    pub(in super::super) const SERVING: StateId = 0;
    pub(in super::super) const DEGRADED: StateId = 1;
    pub(in super::super) const FAILING_DENIED: StateId = 2;
    pub(in super::super) const FAILING_UNREACHABLE: StateId = 3;
}

/// States of a backup by number.
pub(super) mod backup_state {
    use super::StateId;
    pub(in super::super) const READY: StateId = 0;
    pub(in super::super) const UNUSABLE: StateId = 1;
    pub(in super::super) const INACCESSIBLE: StateId = 2;
    pub(in super::super) const DELETED: StateId = 3;
    pub(in super::super) const ABSENT: StateId = 4;
}

/// Whose calls a grace counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GraceTimer {
    Cluster,
    Table,
    Instance,
}

/// The model constants of Bigtable.
pub(super) struct Constants {
    pub(super) sweep_period: SimDuration,
    pub(super) phasing: Phasing,
    pub(super) operations_per_sweep: u64,
    pub(super) cascade_step: Dist,
    /// The constant that the cascade's step was taken from.
    pub(super) cascade_step_name: &'static str,
    pub(super) cascade_total_max: SimDuration,
    pub(super) cascade_random: bool,
    pub(super) grace: SimDuration,
    pub(super) grace_timer: GraceTimer,
    pub(super) grace_from_outage: bool,
    pub(super) grace_takes_instance: bool,
    pub(super) grace_reset: GraceReset,
    pub(super) offline_ramp: Dist,
    pub(super) bringup: Dist,
    pub(super) bringup_timeouts: f64,
    pub(super) best_effort_errors: f64,
    pub(super) delete_after: SimDuration,
    pub(super) deletes_any_disabled: bool,
    pub(super) error_split: f64,
    pub(super) route_around: bool,
    pub(super) reroute_delay: SimDuration,
    pub(super) writes_kept: bool,
    /// BT-12: from a new primary version until the tables of a cluster are protected by it.
    pub(super) rewrap_delay: Dist,
    /// BT-24: probability that a cluster with one unusable version is treated as fully disabled.
    pub(super) partial_spreads: f64,
}

/// A cluster.
pub(super) struct ClusterPlan {
    pub(super) entity: EntityId,
    pub(super) name: String,
    pub(super) key: Option<EntityId>,
    pub(super) grant: Option<EntityId>,
    /// The quota that its key's requests count against.
    pub(super) quota: Option<EntityId>,
    /// The version that protects its tables at the start.
    pub(super) version: u32,
    pub(super) present: bool,
    pub(super) phases: StreamNumber,
    pub(super) luck: StreamNumber,
    pub(super) ramp: StreamNumber,
    pub(super) bringup: StreamNumber,
    pub(super) at_risk: StreamNumber,
    pub(super) rewrap: StreamNumber,
    pub(super) partial: StreamNumber,
}

/// Where the requests of an app profile go.
pub(super) enum Routing {
    Single(usize),
    Multi {
        /// Share of the requests, and clusters from nearest to farthest.
        origins: Vec<(f64, Vec<usize>)>,
    },
}

/// An app profile.
pub(super) struct ProfilePlan {
    pub(super) entity: EntityId,
    pub(super) routing: Routing,
    /// Per second.
    pub(super) reads: f64,
    pub(super) writes: f64,
}

/// A backup.
pub(super) struct BackupPlan {
    pub(super) entity: EntityId,
    pub(super) cluster: usize,
    /// BT-22: the key version that it is pinned to; the primary when it is taken if absent.
    pub(super) version: Option<u32>,
    pub(super) present: bool,
}

/// An instance.
pub(super) struct InstancePlan {
    pub(super) entity: EntityId,
    pub(super) tables: u32,
    /// BT-20: the organization policy at the start.
    pub(super) policy: Policy,
    pub(super) constants: Constants,
    pub(super) clusters: Vec<ClusterPlan>,
    pub(super) profiles: Vec<ProfilePlan>,
    pub(super) backups: Vec<BackupPlan>,
    pub(super) lags: Lags,
    pub(super) cascade_order: StreamNumber,
    pub(super) cascade_step: StreamNumber,
}

impl InstancePlan {
    /// BT-22: the key version that a backup is pinned to at the start.
    pub(super) fn pinned(&self, backup: &BackupPlan) -> u32 {
        backup.version.unwrap_or(self.clusters[backup.cluster].version)
    }
}
