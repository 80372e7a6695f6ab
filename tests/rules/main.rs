//! One test per rule that changes a state or a number: the id of the rule stands first in the
//! name of its test. Expected times are worked out in the comments from the documents.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod audit;
mod backups;
mod bigtable_admin;
mod bigtable_detection;
mod bigtable_end;
mod bigtable_recovery;
mod bigtable_unreachable;
mod cost;
mod coverage;
mod crews;
mod dataflow_jobs;
mod dataflow_keys;
mod dataflow_launch;
mod ekm;
mod flows;
mod grants;
mod key_side;
mod kms;
mod laws;
mod on_use;
mod policy;
mod pubsub;
mod quotas;
mod replication;
mod requests;
mod services;
mod setup;
mod versions;
mod world;
mod worlds;
