//! One run: the clock, the calendar, the processes, and the loop.

use super::calendar::{Calendar, Class, Due, TimerKey};
use super::process::{Effects, EntityId, Happening, Process, StateId};
use super::time::{SimDuration, SimTime};
use super::trace::Trace;
use crate::limits;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;

/// Who is who: the same for every replication of a design point.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The process that speaks for each entity.
    pub homes: Vec<u32>,
    /// The state each entity starts in.
    pub initial: Vec<StateId>,
    /// The processes that are told what an entity publishes.
    pub subscribers: Vec<Vec<u32>>,
    /// The processes that are told of an entity's transitions.
    pub watchers: Vec<Vec<u32>>,
}

/// What a run tells besides its trajectory, which does not depend on it.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// Instants after the start, in order, that requests are counted up to, besides the horizon.
    pub marks: Vec<SimTime>,
    /// Are requests counted by the parts that the marks make?
    pub parts: bool,
    /// Are calls of administrators told one by one?
    pub calls: bool,
    /// The entities that the requests of others are told of one by one.
    pub requests_of: BTreeSet<EntityId>,
}

/// Nothing besides the trajectory.
static NOTHING_ELSE: Detail =
    Detail { marks: Vec::new(), parts: false, calls: false, requests_of: BTreeSet::new() };

/// What a run may use up.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Events in all.
    pub events: u64,
    /// Events at one instant.
    pub events_at_one_instant: u64,
    /// Records.
    pub records: usize,
    /// Requests that are told one by one.
    pub calls: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            events: limits::EVENTS_MAX,
            events_at_one_instant: limits::EVENTS_AT_ONE_INSTANT_MAX,
            records: limits::RECORDS_MAX,
            calls: limits::AUDIT_ENTRIES_MAX,
        }
    }
}

/// Why a run stopped before its horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The simulated instant it had reached.
    pub at: SimTime,
    /// What was used up.
    pub what: &'static str,
    /// How much of it there was.
    pub limit: u64,
}

/// What a run that tells too many requests one by one has used up.
pub const AUDIT_ENTRIES: &str = "audit-log entries";

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Halt { at, what, limit } = self;
        let at = SimDuration::from_ns(at.ns()).unwrap_or(SimDuration::MAX);
        write!(f, "the run reached its limit of {limit} {what} at {at} after the start")
    }
}

/// Room for the records of a common run, so that they are not moved as they grow.
const RECORDS_EXPECTED: usize = 512;
/// Room for what processes tell at the end, and for the constants that they used.
const MEASURES_EXPECTED: usize = 64;
/// Room for what is under way at one instant.
const MAIL_EXPECTED: usize = 32;

/// The timer of the horizon: it belongs to no process.
const HORIZON: TimerKeyParts = (u32::MAX >> 4, 0);
type TimerKeyParts = (u32, u32);

/// One run.
pub struct Simulation<'a, M> {
    processes: Vec<Box<dyn Process<M> + 'a>>,
    calendar: Calendar,
    effects: Effects<'a, M>,
    budget: Budget,
    events: u64,
    events_now: u64,
}

impl<'a, M: Copy> Simulation<'a, M> {
    /// A run of these processes up to a horizon.
    pub fn new(
        layout: &'a Layout,
        processes: Vec<Box<dyn Process<M> + 'a>>,
        horizon: SimDuration,
        budget: Budget,
    ) -> Simulation<'a, M> {
        let effects = Effects {
            now: SimTime::START,
            horizon: SimTime::START.saturating_add(horizon),
            reached: 0,
            process: 0,
            layout,
            detail: &NOTHING_ELSE,
            called: 0,
            states: layout.initial.clone(),
            trace: Trace {
                records: Vec::with_capacity(RECORDS_EXPECTED),
                measures: Vec::with_capacity(MEASURES_EXPECTED),
                used: Vec::with_capacity(MEASURES_EXPECTED),
                ..Trace::default()
            },
            timers: Vec::with_capacity(MAIL_EXPECTED),
            mail: VecDeque::with_capacity(MAIL_EXPECTED),
        };
        Simulation {
            processes,
            calendar: Calendar::default(),
            effects,
            budget,
            events: 0,
            events_now: 0,
        }
    }

    /// Asks the run for more than its trajectory.
    pub fn telling(mut self, detail: &'a Detail) -> Simulation<'a, M> {
        self.effects.detail = detail;
        self
    }

    /// Plays everything before the horizon and returns what was left behind.
    ///
    /// # Errors
    /// A limit of the budget was reached.
    pub fn run(mut self) -> Result<Trace, Halt> {
        let (process, local) = HORIZON;
        self.calendar.set(TimerKey::new(process, local), self.effects.horizon, Class::Horizon);
        self.each(|process, effects| process.start(effects))?;
        while let Some(due) = self.calendar.pop() {
            self.advance(due);
            if due.key.process() == process {
                break;
            }
            self.deliver(due.key.process(), Happening::Timer(due.key.local()))?;
            self.drain()?;
        }
        self.each(|process, effects| process.finish(effects))?;
        self.check_records()?;
        Ok(self.effects.trace)
    }

    /// Calls every process once, in order.
    fn each(
        &mut self,
        mut call: impl FnMut(&mut dyn Process<M>, &mut Effects<'a, M>),
    ) -> Result<(), Halt> {
        for index in 0..self.processes.len() {
            self.effects.process = index as u32;
            call(self.processes[index].as_mut(), &mut self.effects);
            self.effects.settle(&mut self.calendar);
        }
        self.drain()
    }

    /// Moves the clock.
    fn advance(&mut self, due: Due) {
        assert!(due.at >= self.effects.now, "the calendar went back in time");
        if due.at > self.effects.now {
            self.events_now = 0;
            self.effects.reached = 0;
        }
        self.effects.now = due.at;
        self.effects.reached = self.effects.reached.max(due.place);
    }

    /// Delivers everything sent at this instant, first sent first.
    fn drain(&mut self) -> Result<(), Halt> {
        while let Some(mail) = self.effects.mail.pop_front() {
            self.deliver(mail.process, mail.what)?;
        }
        Ok(())
    }

    /// Lets a process react, and does what it asks for.
    fn deliver(&mut self, process: u32, what: Happening<M>) -> Result<(), Halt> {
        self.charge()?;
        self.effects.process = process;
        self.processes[process as usize].on_event(what, &mut self.effects);
        self.effects.settle(&mut self.calendar);
        self.check_records()
    }

    /// Takes one event from the budget.
    fn charge(&mut self) -> Result<(), Halt> {
        self.events += 1;
        self.events_now += 1;
        let halt = |what, limit| Err(Halt { at: self.effects.now, what, limit });
        if self.events > self.budget.events {
            halt("events", self.budget.events)
        } else if self.events_now > self.budget.events_at_one_instant {
            halt("events at one instant", self.budget.events_at_one_instant)
        } else {
            Ok(())
        }
    }

    /// Are there not too many records?
    fn check_records(&self) -> Result<(), Halt> {
        let limit = self.budget.records;
        if self.effects.trace.records.len() > limit {
            return Err(Halt { at: self.effects.now, what: "records", limit: limit as u64 });
        }
        let limit = self.budget.calls;
        if self.effects.called > limit {
            return Err(Halt { at: self.effects.now, what: AUDIT_ENTRIES, limit });
        }
        Ok(())
    }
}
