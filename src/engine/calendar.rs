//! The calendar (future event list): one timer per thing that can be due, moved and removed by key.

use super::time::SimTime;
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

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

/// The place of a timer that is not pending.
const NOWHERE: u32 = u32::MAX;

/// Pending timers in the total order (time, class, sequence): a binary heap that knows where each
/// timer stands in it. Timers are set again and again, so one that was due or cancelled keeps its
/// number, and all that moves are pairs of a priority and a number.
#[derive(Clone, Default)]
pub struct Calendar {
    /// Every timer that was ever set, by number.
    known: IndexSet<TimerKey, FxBuildHasher>,
    /// Where each of them stands in the heap.
    places: Vec<u32>,
    /// Priority and number; none is before the one at half its place.
    heap: Vec<(u128, u32)>,
}

impl Calendar {
    /// Puts a timer on the calendar, or moves it if it is there.
    pub fn set(&mut self, key: TimerKey, at: SimTime, class: Class) {
        let (number, new) = self.known.insert_full(key);
        if new {
            self.places.push(NOWHERE);
        }
        let entry = (priority(at, class, key), number as u32);
        match self.places[number] {
            NOWHERE => {
                self.heap.push(entry);
                self.rise(self.heap.len() - 1, entry);
            }
            place => self.put(place as usize, entry),
        }
    }

    /// Takes a timer off; tells whether it was pending.
    pub fn cancel(&mut self, key: TimerKey) -> bool {
        let Some(number) = self.known.get_index_of(&key) else { return false };
        let place = self.places[number];
        if place == NOWHERE {
            return false;
        }
        self.remove(place as usize);
        true
    }

    /// Takes the next due timer off.
    pub fn pop(&mut self) -> Option<Due> {
        let &(priority, _) = self.heap.first()?;
        self.remove(0);
        let at = SimTime::from_ns((priority >> 64) as u64).expect("only legal instants are set");
        let place = priority as u64;
        Some(Due { at, key: TimerKey(place & ((1 << KEY_BITS) - 1)), place })
    }

    /// Takes out what stands at a place; the last one fills the gap.
    fn remove(&mut self, place: usize) {
        let (_, number) = self.heap[place];
        self.places[number as usize] = NOWHERE;
        if let Some(last) = self.heap.pop()
            && place < self.heap.len()
        {
            self.put(place, last);
        }
    }

    /// Puts an entry where there is a gap, or near it where it belongs.
    fn put(&mut self, place: usize, entry: (u128, u32)) {
        if place > 0 && entry.0 < self.heap[(place - 1) / 2].0 {
            self.rise(place, entry);
        } else {
            self.sink(place, entry);
        }
    }

    /// Moves a gap up to where the entry belongs.
    fn rise(&mut self, mut place: usize, entry: (u128, u32)) {
        while place > 0 {
            let above = (place - 1) / 2;
            let other = self.heap[above];
            if other.0 <= entry.0 {
                break;
            }
            self.stand(place, other);
            place = above;
        }
        self.stand(place, entry);
    }

    /// Moves a gap down to where the entry belongs.
    fn sink(&mut self, mut place: usize, entry: (u128, u32)) {
        let heap = self.heap.len();
        loop {
            let mut below = 2 * place + 1;
            if below >= heap {
                break;
            }
            if below + 1 < heap && self.heap[below + 1].0 < self.heap[below].0 {
                below += 1;
            }
            let other = self.heap[below];
            if entry.0 <= other.0 {
                break;
            }
            self.stand(place, other);
            place = below;
        }
        self.stand(place, entry);
    }

    /// An entry stands at a place from now on.
    fn stand(&mut self, place: usize, entry: (u128, u32)) {
        self.heap[place] = entry;
        self.places[entry.1 as usize] = place as u32;
    }

    /// Number of pending timers.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Is nothing pending?
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
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
