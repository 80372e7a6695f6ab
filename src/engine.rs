//! The event engine: clock, calendar, processes, random streams, trace. It knows no cloud product.

pub mod calendar;
pub mod dist;
pub mod process;
pub mod random;
pub mod simulation;
pub mod time;
pub mod trace;

pub use calendar::{Calendar, Class, TimerKey};
pub use dist::Dist;
pub use process::{Effects, EntityId, Happening, Process, StateId};
pub use random::{RandomStream, StreamNumber, Streams};
pub use simulation::{AUDIT_ENTRIES, Budget, Detail, Halt, Layout, Simulation};
pub use time::{SimDuration, SimTime};
pub use trace::{Call, Record, Seq, Tally, Trace};
