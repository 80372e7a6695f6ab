//! What an instance and its parts need, for the graph of dependencies: as at the start, and of
//! faults that last for longer than every grace.

use super::plan::{ClusterPlan, InstancePlan, Routing};
use crate::engine::EntityId;
use crate::systems::contract::{Need, Plan};

/// The key of a cluster, and the grant to use it.
fn use_of(cluster: &ClusterPlan) -> impl Iterator<Item = EntityId> {
    cluster.key.into_iter().chain(cluster.grant)
}

fn all(of: Vec<Need>) -> Need {
    Need::AtLeast(of.len(), of)
}

/// BT-29: a key that is denied (or a grant that is revoked) takes the whole instance down. Q-04: a key that cannot be reached
/// takes down the instance or its own clusters. BT-28: without tables no key is ever asked.
pub(super) fn needs(instance: &InstancePlan, plan: &mut Plan) {
    let present = || instance.clusters.iter().filter(|cluster| cluster.present);
    let uses: Vec<EntityId> = present().filter(|_| instance.tables > 0).flat_map(use_of).collect();
    let works = || uses.iter().copied().map(Need::Works).collect();
    let intact = || all(uses.iter().copied().map(Need::Intact).collect());
    let whole = instance.constants.grace_takes_instance;
    for cluster in &instance.clusters {
        let own = cluster.key.filter(|key| uses.contains(key)).map(Need::Works);
        let need =
            if whole { all(works()) } else { all([intact()].into_iter().chain(own).collect()) };
        plan.needs(cluster.entity, need);
    }
    let any = Need::AtLeast(1, present().map(|cluster| Need::Works(cluster.entity)).collect());
    plan.needs(instance.entity, any.clone());
    for profile in &instance.profiles {
        let need = match profile.routing {
            Routing::Single(cluster) => Need::Works(instance.clusters[cluster].entity),
            Routing::Multi { .. } => any.clone(),
        };
        plan.needs(profile.entity, need);
    }
    for backup in &instance.backups {
        // BT-21: a backup needs the key of the cluster that stores it.
        let own = use_of(&instance.clusters[backup.cluster]).map(Need::Works);
        plan.needs(backup.entity, all(own.collect()));
    }
}
