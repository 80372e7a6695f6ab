//! Bigtable with customer-managed keys: instances, clusters, app profiles, backups.
//!
//! Modelled: key validation per table and cluster, the cascade over all clusters after a denial,
//! the hour of grace without contact, recovery, destruction and deletion, refused admin
//! operations, replication with writes at risk, routing and failed requests.
//! Not modelled: load and latency, autoscaling, garbage collection, conflicts between writes.
//!
//! Readings that the documents leave open, besides the switches under `[model]`: Bigtable knows of
//! a denial only what a validation has found (BT-25), so a key that is denied but not yet found so
//! when contact is lost gets the grace of BT-44; what has waited for the end of a partition arrives
//! at its end; without a table nothing is known of a key any more, and nothing holds the instance
//! down (BT-28).

mod account;
mod actions;
mod admin;
mod build;
mod describe;
mod grace;
mod instance;
mod load;
mod needs;
mod plan;
mod protection;
mod requests;
mod rules;
mod shutdown;
mod versions;
mod writes;

use super::spec::System;

/// Bigtable.
pub const SYSTEM: System = System {
    name: "bigtable",
    tables: describe::TABLES,
    model: describe::MODEL,
    rules: rules::RULES,
    actions: actions::ACTIONS,
    check: build::check,
    uses: build::uses,
    protects: Some(&protection::PROTECTION),
    impossible: protection::IMPOSSIBLE,
    build: build::build,
    compile: build::compile,
    ..System::PLAIN
};
