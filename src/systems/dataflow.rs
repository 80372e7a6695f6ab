//! Dataflow with customer-managed keys: jobs, their snapshots, and what becomes of their work.
//!
//! Modelled: the states of a job, its periodic key validation, halt, clean-up and cancellation after a
//! denial, a grace without contact, draining, snapshots, creation and relaunch, retries of batch
//! jobs, autoscaling between two bounds, work in flight, starvation and back-pressure.
//! Not modelled: single workers and their disks, hot keys, windows and late data, prices of workers.
//!
//! Readings that the documents leave open, besides the switches under `[model]`: a job is bound to
//! the version of its key that was primary when it was created; what stops a bundle of a batch job
//! stops all of them; a worker that cannot be restarted because nothing is known of its key (no
//! denial) is waited for; a job that is being created asks for its key when it is submitted and when
//! its workers are there.

mod build;
mod check;
mod constants;
mod describe;
mod job;
mod keys;
mod launch;
mod plan;
mod rules;
mod snapshot;
mod stop;
mod workers;

use super::spec::System;

/// Dataflow.
pub const SYSTEM: System = System {
    name: "dataflow",
    tables: describe::TABLES,
    model: constants::MODEL,
    rules: rules::RULES,
    actions: describe::ACTIONS,
    check: check::check,
    check_action: check::check_action,
    uses: build::uses,
    protects: Some(&describe::PROTECTION),
    build: build::build,
    compile: build::compile,
    ..System::PLAIN
};
