//! Statistics: from the values of replications to estimates that say how sure they are.
//!
//! Nothing here knows a scenario. Values arrive in the order of their replications, so that the
//! same values give the same bits whatever computed them first.

pub mod batch;
pub mod design;
pub(crate) mod memo;
pub mod moments;
pub mod morris;
pub mod paired;
pub mod proportion;
pub mod quantile;
pub mod series;
pub mod sketch;
pub mod sobol;
pub mod special;

pub use moments::Moments;
pub use quantile::Quantile;
pub use series::{Estimate, Method, Series, events};
pub use sketch::{EXACT_MAX, Scale};

/// Confidence of every interval: two-sided, 2.5 % on either side.
pub const CONFIDENCE: f64 = 0.95;
