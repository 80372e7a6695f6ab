//! The calendar (future event list): one timer per thing that can be due, moved and removed by key.

use super::time::SimTime;
use priority_queue::PriorityQueue;
use rustc_hash::FxBuildHasher;
use std::cmp::Reverse;

/// What goes first at one instant. The order is deliberate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The end of the run: it covers `[start, horizon)`, so what is due at the horizon is not part
    /// of it.
    Horizon = 0,
    /// Root events: the world changes before anybody looks at it.
    Root = 1,
    /// Later consequences of root events (a change has propagated, an outage is over): an
    /// observer at that very instant sees them done.
    Change = 2,
    /// Observations: a check at the instant of a change sees the new state.
    Check = 3,
    /// Periods that are over (a grace, a step, a bring-up): a check that succeeds at the very
    /// instant still counts.
    Due = 4,
    /// Clocks that run out only when "more than" their time has passed: anything at the same
    /// instant may still stop them.
    Clock = 5,
}

/// Names a timer: a process and one of its own timers. At one instant and in one class, timers
/// are due in the order of their keys, which does not depend on what happened before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerKey(u64);

/// Bits of a key that tell a process's own timers apart.
const LOCAL_BITS: u32 = 32;
/// Bits of a priority below the class.
const KEY_BITS: u32 = 60;

impl TimerKey {
    /// The timer `local` of a process; processes are numbered below 2^28.
    pub fn new(process: u32, local: u32) -> TimerKey {
        assert!(process < 1 << (KEY_BITS - LOCAL_BITS), "a process number fits in 28 bits");
        TimerKey(u64::from(process) << LOCAL_BITS | u64::from(local))
    }

    /// The process it belongs to.
    pub fn process(self) -> u32 {
        (self.0 >> LOCAL_BITS) as u32
    }

    /// Its number within the process.
    pub fn local(self) -> u32 {
        self.0 as u32
    }

    /// Its place among the timers of one instant.
    pub(super) fn within(self, class: Class) -> u64 {
        (class as u64) << KEY_BITS | self.0
    }
}

/// Instant, class and sequence as one integer, so that the order is total and cheap to compare.
fn priority(at: SimTime, class: Class, key: TimerKey) -> u128 {
    u128::from(at.ns()) << 64 | u128::from(key.within(class))
}

/// A timer that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: SimTime,
    /// Which.
    pub key: TimerKey,
    /// Its place among the timers of its instant.
    pub(super) place: u64,
}

/// Pending timers in the total order (time, class, sequence).
#[derive(Clone)]
pub struct Calendar {
    timers: PriorityQueue<TimerKey, Reverse<u128>, FxBuildHasher>,
}

/// Room for the timers of a common run.
const TIMERS_EXPECTED: usize = 64;

impl Default for Calendar {
    fn default() -> Calendar {
        Calendar { timers: PriorityQueue::with_capacity_and_default_hasher(TIMERS_EXPECTED) }
    }
}

impl Calendar {
    /// Puts a timer on the calendar, or moves it if it is there.
    pub fn set(&mut self, key: TimerKey, at: SimTime, class: Class) {
        self.timers.push(key, Reverse(priority(at, class, key)));
    }

    /// Takes a timer off; tells whether it was pending.
    pub fn cancel(&mut self, key: TimerKey) -> bool {
        self.timers.remove(&key).is_some()
    }

    /// Takes the next due timer off.
    pub fn pop(&mut self) -> Option<Due> {
        let (key, Reverse(priority)) = self.timers.pop()?;
        let at = SimTime::from_ns((priority >> 64) as u64).expect("only legal instants are set");
        Some(Due { at, key, place: priority as u64 })
    }

    /// Number of pending timers.
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// Is nothing pending?
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: u64) -> SimTime {
        SimTime::from_ns(ns).unwrap()
    }

    #[test]
    fn order_is_time_then_class_then_key() {
        let mut calendar = Calendar::default();
        let key = |local| TimerKey::new(0, local);
        calendar.set(key(4), at(5), Class::Check);
        calendar.set(key(3), at(5), Class::Check);
        calendar.set(key(2), at(5), Class::Clock);
        calendar.set(TimerKey::new(1, 0), at(5), Class::Check);
        calendar.set(key(9), at(5), Class::Root);
        calendar.set(key(8), at(4), Class::Clock);
        calendar.set(key(7), at(5), Class::Horizon);
        let order: Vec<u32> =
            std::iter::from_fn(|| calendar.pop()).map(|due| due.key.local()).collect();
        assert_eq!(order, [8, 7, 9, 3, 4, 0, 2]);
    }

    #[test]
    fn setting_again_moves() {
        let mut calendar = Calendar::default();
        let key = TimerKey::new(3, 1);
        calendar.set(key, at(5), Class::Check);
        calendar.set(key, at(9), Class::Check);
        assert_eq!(calendar.len(), 1);
        assert_eq!(calendar.pop().map(|due| (due.at, due.key)), Some((at(9), key)));
        assert!(!calendar.cancel(key));
    }
}
