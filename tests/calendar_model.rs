//! Shows that the calendar gives its timers back in the documented total order (instant, class,
//! key), whatever was set, moved and cancelled before. It plays a million random operations, and
//! every sequence of up to five, against a calendar that is nothing but an ordered set.

use cmeksim::engine::{Calendar, Class, RandomStream, SimTime, StreamNumber, Streams, TimerKey};
use std::collections::{BTreeMap, BTreeSet};

/// The classes in the order in which the documentation says they go.
const CLASSES: [Class; 6] =
    [Class::Horizon, Class::Root, Class::Change, Class::Check, Class::Due, Class::Clock];

/// A timer by process and local number.
type Key = (u32, u32);

/// The calendar as one would write it without a thought for speed.
#[derive(Clone, Default)]
struct Naive {
    due: BTreeMap<Key, (u64, usize)>,
    order: BTreeSet<(u64, usize, Key)>,
}

impl Naive {
    fn set(&mut self, key: Key, at: u64, class: usize) {
        self.cancel(key);
        self.due.insert(key, (at, class));
        self.order.insert((at, class, key));
    }

    fn cancel(&mut self, key: Key) -> bool {
        match self.due.remove(&key) {
            Some((at, class)) => self.order.remove(&(at, class, key)),
            None => false,
        }
    }

    fn pop(&mut self) -> Option<(u64, Key)> {
        let (at, _, key) = self.order.pop_first()?;
        self.due.remove(&key);
        Some((at, key))
    }
}

/// One thing done to a calendar.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Set(Key, u64, usize),
    Cancel(Key),
    Pop,
}

/// Both calendars side by side.
#[derive(Clone, Default)]
struct Pair {
    calendar: Calendar,
    naive: Naive,
}

impl Pair {
    /// Does it to both; tells where they differ.
    fn apply(&mut self, operation: Operation) -> Result<(), String> {
        let Pair { calendar, naive } = self;
        let agree = match operation {
            Operation::Set((process, local), at, class) => {
                let instant = SimTime::from_ns(at).expect("a legal instant");
                calendar.set(TimerKey::new(process, local), instant, CLASSES[class]);
                naive.set((process, local), at, class);
                true
            }
            Operation::Cancel((process, local)) => {
                calendar.cancel(TimerKey::new(process, local)) == naive.cancel((process, local))
            }
            Operation::Pop => {
                let due = calendar.pop();
                due.map(|due| (due.at.ns(), (due.key.process(), due.key.local()))) == naive.pop()
            }
        };
        let size = calendar.len() == naive.due.len()
            && calendar.is_empty() == naive.due.is_empty()
            && naive.due.len() == naive.order.len();
        if agree && size { Ok(()) } else { Err(format!("they differ after {operation:?}")) }
    }

    /// Pops until nothing is left.
    fn empty(mut self) -> Result<(), String> {
        while !self.naive.due.is_empty() {
            self.apply(Operation::Pop)?;
        }
        self.apply(Operation::Pop)
    }
}

/// A random operation on few or many timers, with instants that often coincide.
fn random(stream: &mut RandomStream, timers: u32, instants: u32) -> Operation {
    // Keys at both ends of what a key can hold, so that a carry between the fields would show.
    let key = |number: u32| match number % 4 {
        0 => (number, 0),
        1 => (number / 4, u32::MAX),
        2 => ((1 << 28) - 1 - number, number),
        _ => (0, number),
    };
    let key = key(stream.below(timers));
    match stream.below(10) {
        0..6 => {
            let at = match stream.below(64) {
                0 => SimTime::MAX.ns(),
                1 => SimTime::MAX.ns() - 1,
                _ => u64::from(stream.below(instants)),
            };
            Operation::Set(key, at, stream.below(6) as usize)
        }
        6..8 => Operation::Cancel(key),
        _ => Operation::Pop,
    }
}

#[test]
fn a_million_random_operations_agree_with_an_ordered_set() {
    for (name, count, timers, instants) in [
        ("few timers, all ties", 250_000, 6, 3),
        ("some timers, many ties", 250_000, 60, 20),
        ("many timers", 250_000, 4_000, 50),
        ("many timers, few ties", 250_000, 4_000, u32::MAX),
    ] {
        let mut stream = Streams::new(20_260_302, 0).stream(StreamNumber::of("calendar", name));
        let mut pair = Pair::default();
        for number in 0..count {
            let operation = random(&mut stream, timers, instants);
            pair.apply(operation).unwrap_or_else(|why| panic!("{name}, operation {number}: {why}"));
        }
        pair.empty().unwrap_or_else(|why| panic!("{name}, at the end: {why}"));
    }
}

#[test]
fn all_sequences_of_up_to_five_operations_agree() {
    let keys = [(0, 0), (0, 1), (1, 0)];
    let mut operations = vec![Operation::Pop];
    for key in keys {
        operations.push(Operation::Cancel(key));
        // Two instants and two neighbouring classes: every way two timers can lie to each other.
        for at in [5, 6] {
            operations.extend([2, 3].map(|class| Operation::Set(key, at, class)));
        }
    }
    fn walk(pair: &Pair, left: u32, operations: &[Operation], seen: &mut u64) {
        *seen += 1;
        if let Err(why) = pair.clone().empty() {
            panic!("after a sequence, popping all: {why}");
        }
        if left == 0 {
            return;
        }
        for &operation in operations {
            let mut next = pair.clone();
            next.apply(operation).unwrap_or_else(|why| panic!("{why}"));
            walk(&next, left - 1, operations, seen);
        }
    }
    let mut seen = 0;
    walk(&Pair::default(), 5, &operations, &mut seen);
    // 16 operations: 16^0 + ... + 16^5 sequences.
    assert_eq!(seen, (16u64.pow(6) - 1) / 15);
}

#[test]
fn a_wrong_order_would_be_found() {
    // The naive calendar is told another class than the real one: the pair must notice.
    let mut pair = Pair::default();
    pair.apply(Operation::Set((0, 0), 5, 3)).unwrap();
    pair.apply(Operation::Set((0, 1), 5, 4)).unwrap();
    pair.naive.set((0, 0), 5, 5);
    assert!(pair.apply(Operation::Pop).is_err());
}
