//! The requests that key validations make, as the quotas of the keys meet them.

use super::instance::Instance;
use crate::engine::{Effects, Seq, SimDuration};
use crate::systems::contract::{Load, Message};
use crate::systems::guard::Phasing;

/// The shortest time between two bursts that are told apart.
const SECOND: SimDuration = SimDuration::from_secs(1);

impl Instance<'_> {
    /// KMS-22: tells the quotas of the keys what has changed since they were last told: each table
    /// in each cluster is validated once a period, all at once if they are aligned.
    pub(super) fn tell_load(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let constants = &self.plan.constants;
        for (cluster, plan) in self.clusters.iter_mut().zip(&self.plan.clusters) {
            let (Some(quota), Some(watch)) = (plan.quota, &cluster.watch) else { continue };
            let (before, after) = (cluster.load_told, watch.rounds.count());
            if before == after {
                continue;
            }
            cluster.load_told = after;
            fx.used("model.bigtable.sweep-phase");
            let tables = f64::from(after) - f64::from(before);
            let requests = tables * constants.operations_per_sweep as f64;
            let every = constants.sweep_period;
            let load = match constants.phasing {
                Phasing::Aligned if every > SECOND => {
                    Load { per_second: 0.0, at_once: requests, every }
                }
                Phasing::Aligned | Phasing::Spread | Phasing::Random => {
                    Load::steady(requests / every.seconds())
                }
            };
            fx.send(quota, Message::Load(load), cause);
        }
    }
}
