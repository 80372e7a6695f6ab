//! Pub/Sub with customer-managed keys: topics, subscriptions, and what becomes of messages.
//!
//! Modelled: the data keys of a topic that each zone decrypts every six minutes, publishing and
//! delivery that stop when the key is gone and come back in their own time, retention, publishers
//! that keep or drop what they cannot publish.
//! Messages that depend on older versions of the key wait while these are not usable; a subscription
//! that no job reads expires.
//! Not modelled: ordering keys, filters, dead letters, push endpoints, quotas, seeking.
//!
//! Readings that the documents leave open: a topic is served while at least one zone of its region
//! holds a data key; older messages cannot be read from the instant at which the last zone has failed
//! to decrypt their data key; a subscription is idle while no job of the scenario reads from it,
//! whether it delivers or not; a topic of which only some zones lost their data key is whole again with their
//! next decryption; a new data key that cannot be encrypted leaves the last one in use.

mod backlog;
mod build;
mod describe;
mod topic;

use super::spec::System;

/// Pub/Sub.
pub const SYSTEM: System = System {
    name: "pubsub",
    tables: describe::TABLES,
    model: describe::MODEL,
    rules: describe::RULES,
    check: build::check,
    uses: build::uses,
    build: build::build,
    ..System::PLAIN
};
