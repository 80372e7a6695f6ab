//! `cmeksim`: what happens to data systems, minute by minute, when the key they depend on goes away.
//!
//! The route of the data: a scenario file is parsed and checked (`scenario`), its entities are built
//! (`systems`) and played by the event engine (`engine`); the records become an outcome
//! (`experiment`), and the outcome becomes tables, charts and texts (`report`).

pub mod cli;
pub mod diag;
pub mod engine;
pub mod exit;
pub mod experiment;
pub mod limits;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod systems;
