//! What flows between systems: elements that arrive, wait, are in flight, are written, expire or are
//! lost.
//!
//! A flow is a fluid that runs in straight lines: between two changes of a rate everything grows
//! evenly, so a run costs one event per change, however many elements there are and however long it
//! lasts. Numbers are whole (see `amount`), so what arrived is at every instant exactly what was
//! written, waits, is in flight, has expired or is lost; every run checks that.
//!
//! Systems say who publishes, what waits where, and which jobs there are (`Draft`). Whether an end
//! of a flow works follows from the state of its entity alone (`StateSpec::serves`), so every
//! system with states can be a source or a sink. A job is told what has become of it by [`News`],
//! and says what it does by [`Order`].
//!
//! Modelled: one capacity of a job for all elements, first in first out, retention, acknowledgement
//! and loss of work in flight, a ratio of rows written to elements read for each sink, elements that
//! cannot be delivered for a time. Not modelled: elements of different size or cost, hot keys, late
//! data, ratios that change.

mod account;
mod amount;
mod conveyor;
mod fate;
mod network;
mod plan;
mod queue;
mod ranges;
mod ratio;
mod read;
mod rules;
#[cfg(test)]
mod tests;

pub use plan::{Arrivals, Draft, Job, Publisher, Sink, Subscription};
pub use ratio::{Inflow, Ratio};
pub use read::{arrivals, check_arrivals};

use super::spec::System;
use crate::engine::{EntityId, SimTime};

/// What becomes of elements that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// They can be delivered.
    Open,
    /// They cannot, and stay.
    Shut,
    /// They never will be.
    Lost,
}

/// What a job does from now on, or what becomes of what waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It reads and writes.
    Run,
    /// It reads no more, and writes what it has read.
    Drain,
    /// It stands still, with what it has in flight.
    Halt,
    /// It ends: what it has in flight goes back to the source, or is lost.
    Discard,
    /// It works at the upper bound of its autoscaling, or no more.
    Scale(bool),
    /// The input of a batch job is there.
    Supply,
    /// A batch job begins again with the input it had.
    Rewind,
    /// A snapshot is made: of what is in flight, and of where it is in the sources.
    Keep {
        /// Which snapshot.
        slot: u32,
        /// The sources are part of it.
        sources: bool,
    },
    /// It begins with what a snapshot kept.
    Restore(u32),
    /// Of a subscription: what came into it in this time can be delivered, or cannot any more.
    Access {
        /// From this instant on.
        from: SimTime,
        /// Up to this one.
        until: SimTime,
        /// Which.
        access: Access,
    },
    /// Something that it reads or writes does not work, for reasons of its own; or that is over.
    Shut {
        /// What.
        entity: EntityId,
        /// Tells apart what goes on at the same time.
        occurrence: u32,
        /// It begins, or it is over.
        shut: bool,
    },
}

/// How a job fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Elements flow, or there are none to flow.
    Flows,
    /// Nothing comes, and something is to blame for it.
    Starved,
    /// Nothing can be written.
    Blocked,
}

/// What a job is told, or an entity that jobs read from or write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// How it fares from now on.
    Course(Course),
    /// Elements wait, or they do no more.
    Behind(bool),
    /// It has written everything that there was: a job that drains, or a batch job.
    Empty,
    /// To a subscription: a job reads from it, or none does any more.
    Read(bool),
    /// To a subscription: something waits in it that cannot be delivered, or nothing does any more.
    Withheld(bool),
    /// To what asked for it: this is what streaming jobs write to it from now on.
    Inflow(Inflow),
}

/// The flows between systems.
pub const SYSTEM: System = System {
    name: "flow",
    rules: rules::RULES,
    check: read::check,
    build: |_, plan| {
        let draft = std::mem::take(&mut plan.flows);
        plan::build(&draft, plan);
    },
    ..System::PLAIN
};
