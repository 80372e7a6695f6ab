//! How things react: a process handles what happens to it and says what it wants done.

use super::calendar::{Calendar, Class, TimerKey};
use super::simulation::{Detail, Layout};
use super::time::{SimDuration, SimTime};
use super::trace::{Call, Charge, Level, Record, Seq, Tally, Trace};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Number of a named thing with states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub u32);

/// Number of a state within its kind of entity.
pub type StateId = u8;

/// What happens to a process.
#[derive(Clone, Copy, Debug)]
pub enum Happening<M> {
    /// One of its own timers is due.
    Timer(u32),
    /// Another process (or itself) tells it something, at this same instant.
    Message {
        /// The entity that it is told of or for.
        to: EntityId,
        /// What it is told.
        message: M,
        /// The record that led to it.
        cause: Option<Seq>,
    },
    /// An entity that it watches has entered a state.
    Entered {
        /// Which.
        entity: EntityId,
        /// The state.
        state: StateId,
        /// The record of the transition.
        cause: Seq,
    },
}

/// Something that reacts. A process speaks for one or more entities.
pub trait Process<M> {
    /// Called once at the start, in the order of the processes.
    fn start(&mut self, fx: &mut Effects<M>);

    /// Called for everything that happens to it.
    fn on_event(&mut self, what: Happening<M>, fx: &mut Effects<M>);

    /// Called once at the horizon: tells the measures that no transition shows.
    fn finish(&mut self, fx: &mut Effects<M>);
}

/// A message on its way; it arrives at the instant it is sent.
pub(super) struct Mail<M> {
    pub(super) process: u32,
    pub(super) what: Happening<M>,
}

/// All that a handler may do. It gets no calendar: what it asks for is done after it returns, in
/// the order it was asked for, so no handler ever runs inside another.
pub struct Effects<'a, M> {
    pub(super) now: SimTime,
    pub(super) horizon: SimTime,
    /// Class and key of the last timer that was due at this instant, in the calendar's order.
    pub(super) reached: u64,
    pub(super) process: u32,
    pub(super) layout: &'a Layout,
    pub(super) detail: &'a Detail,
    /// Requests told one by one so far.
    pub(super) called: u64,
    pub(super) states: Vec<StateId>,
    pub(super) trace: Trace,
    pub(super) timers: Vec<(TimerKey, Option<(SimTime, Class)>)>,
    pub(super) mail: VecDeque<Mail<M>>,
}

impl<'a, M: Copy> Effects<'a, M> {
    /// The instant of this reaction.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// The instant at which the run ends.
    pub fn horizon(&self) -> SimTime {
        self.horizon
    }

    /// Would one of the process's own timers, due at this very instant, have had its turn by now?
    pub fn passed(&self, timer: u32, class: Class) -> bool {
        TimerKey::new(self.process, timer).within(class) <= self.reached
    }

    /// Sets (or moves) one of the process's own timers.
    pub fn at(&mut self, timer: u32, at: SimTime, class: Class) {
        assert!(at >= self.now, "a timer is never set into the past");
        self.timers.push((TimerKey::new(self.process, timer), Some((at, class))));
    }

    /// Sets (or moves) a timer by a delay from now.
    pub fn after(&mut self, timer: u32, delay: SimDuration, class: Class) {
        self.at(timer, self.now.saturating_add(delay), class);
    }

    /// Takes one of the process's own timers off.
    pub fn cancel(&mut self, timer: u32) {
        self.timers.push((TimerKey::new(self.process, timer), None));
    }

    /// Tells an entity something.
    pub fn send(&mut self, to: EntityId, message: M, cause: Option<Seq>) {
        let process = self.layout.homes[to.0 as usize];
        self.mail.push_back(Mail { process, what: Happening::Message { to, message, cause } });
    }

    /// Tells every subscriber of an entity something about it.
    pub fn publish(&mut self, about: EntityId, message: M, cause: Option<Seq>) {
        let layout = self.layout;
        for &process in &layout.subscribers[about.0 as usize] {
            self.mail.push_back(Mail {
                process,
                what: Happening::Message { to: about, message, cause },
            });
        }
    }

    /// The state an entity is in.
    pub fn state(&self, entity: EntityId) -> StateId {
        self.states[entity.0 as usize]
    }

    /// The state of every entity, by number.
    pub fn states(&self) -> &[StateId] {
        &self.states
    }

    /// Puts an entity into a state by a rule. Entering the state it is in is recorded too: use it
    /// for what changes nothing and is worth telling (a refused operation).
    pub fn enter(
        &mut self,
        entity: EntityId,
        to: StateId,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Seq {
        let seq = self.next_record();
        assert!(cause.is_none_or(|cause| cause < seq), "a cause comes before its effect");
        let from = std::mem::replace(&mut self.states[entity.0 as usize], to);
        self.trace.records.push(Record {
            at: self.now,
            entity,
            from,
            to,
            rule,
            cause,
            detail: detail.into(),
        });
        if from != to {
            let layout = self.layout;
            for &process in &layout.watchers[entity.0 as usize] {
                self.mail.push_back(Mail {
                    process,
                    what: Happening::Entered { entity, state: to, cause: seq },
                });
            }
        }
        seq
    }

    /// Records something worth telling about an entity whose state does not change.
    pub fn note(
        &mut self,
        entity: EntityId,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Seq {
        self.enter(entity, self.state(entity), rule, cause, detail)
    }

    /// Marks a root record as no fault by itself: it tells what was so at the start, or is upkeep.
    pub fn no_fault(&mut self, root: Seq) {
        self.trace.no_faults.push(root);
    }

    /// Sets a level of an entity from now on.
    pub fn level(&mut self, entity: EntityId, name: &'static str, value: f64) {
        self.level_at(self.now, entity, name, value);
    }

    /// Sets a level from an instant that is past or now.
    pub fn level_at(&mut self, at: SimTime, entity: EntityId, name: &'static str, value: f64) {
        assert!(value.is_finite(), "a level is a finite number");
        self.trace.levels.push(Level { at, entity, name, value });
    }

    /// Charges a stretch of time.
    pub fn charge(&mut self, charge: Charge) {
        if charge.from < charge.to {
            self.trace.charges.push(charge);
        }
    }

    /// Tells a measure of an entity; `None` is undefined.
    pub fn measure(&mut self, entity: EntityId, name: &'static str, value: Option<f64>) {
        assert!(value.is_none_or(f64::is_finite), "a measure is a finite number or undefined");
        self.trace.measures.push((entity, name, value));
    }

    /// Remembers that the run depended on a model constant.
    pub fn used(&mut self, constant: &'static str) {
        // The place of a text tells it apart faster than its letters do.
        let known = self.trace.used.iter().any(|used| std::ptr::eq(*used, constant));
        if !known {
            self.trace.used.push(constant);
        }
    }

    /// Counts periodic checks.
    pub fn checks(&mut self, count: u64) {
        self.trace.checks = self.trace.checks.saturating_add(count);
    }

    /// The instants that requests are counted up to, besides the horizon: none unless the run was
    /// asked for such parts.
    pub fn marks(&self) -> &'a [SimTime] {
        &self.detail.marks
    }

    /// Is the run asked for the requests of each of its parts?
    pub fn tells_parts(&self) -> bool {
        self.detail.parts
    }

    /// Counts requests of one part of the run.
    pub fn tally(&mut self, tally: Tally) {
        self.trace.tallies.push(tally);
    }

    /// Is the run asked for the requests that systems make of an entity, one by one?
    pub fn logs_requests_of(&self, entity: EntityId) -> bool {
        self.detail.calls && self.detail.requests_of.contains(&entity)
    }

    /// Tells of a request, if the run is asked for them.
    pub fn call(&mut self, call: Call) {
        if self.detail.calls {
            self.called = self.called.saturating_add(u64::from(call.count));
            self.trace.calls.push(call);
        }
    }

    /// The number that the next record gets.
    pub fn next_record(&self) -> Seq {
        Seq::try_from(self.trace.records.len()).expect("records are limited")
    }

    /// The latest record of an entity that fits, with its rule.
    pub fn last_record(&self, fits: impl Fn(EntityId) -> bool) -> Option<(Seq, &'static str)> {
        let found =
            self.trace.records.iter().enumerate().rev().find(|(_, record)| fits(record.entity));
        found.map(|(seq, record)| (seq as Seq, record.rule))
    }

    /// Applies the timers asked for.
    pub(super) fn settle(&mut self, calendar: &mut Calendar) {
        for (key, due) in self.timers.drain(..) {
            match due {
                Some((at, class)) => calendar.set(key, at, class),
                None => {
                    calendar.cancel(key);
                }
            }
        }
    }
}
