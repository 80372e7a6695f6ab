//! Bigtable with customer-managed keys: instances, clusters, app profiles, backups.
//!
//! Modelled: key validation per table and cluster, the cascade over all clusters after a denial,
//! the hour of grace without contact, recovery, destruction and deletion, refused admin
//! operations, replication with writes at risk, routing and failed requests.
//! Not modelled: load and latency, autoscaling, garbage collection, conflicts between writes.

mod account;
mod admin;
mod build;
mod describe;
mod instance;
mod plan;
mod requests;
mod rules;
mod shutdown;
mod writes;

use super::spec::System;

/// Bigtable.
pub const SYSTEM: System = System {
    name: "bigtable",
    tables: describe::TABLES,
    model: describe::MODEL,
    rules: rules::RULES,
    actions: describe::ACTIONS,
    derived: |_| Vec::new(),
    check: build::check,
    build: build::build,
    compile: build::compile,
};
