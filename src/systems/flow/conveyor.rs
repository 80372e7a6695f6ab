//! What a job has read and not yet let go: a conveyor of fixed length that moves while the job
//! works, and stands still while it does not.

use super::amount::Amount;
use super::ranges::{Range, Ranges};
use std::collections::{BTreeMap, VecDeque};

/// Nanoseconds of age that do not matter.
const GRAIN: u128 = 1_000;

/// Do two paces (as fractions) part by more than the grain within a span? What does not fit in a
/// whole number is compared as floating-point numbers: nothing but the number of events hangs on it.
fn bent(a: (u128, u128), b: (u128, u128), span: u128) -> bool {
    let pace = |(up, down): (u128, u128)| up as f64 / down.max(1) as f64;
    (pace(a) - pace(b)).abs() * span as f64 > GRAIN as f64
}

/// Elements of one queue on a piece of the conveyor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Which of the job's queues they came from.
    pub(super) queue: usize,
    /// How densely they lie, in units per nanosecond.
    pub(super) rate: Amount,
    /// Which they are, from the first that leaves to the last.
    pub(super) ranges: VecDeque<Range>,
    /// When the first and the last of them had arrived in the queue.
    pub(super) arrived: (u64, u64),
}

impl Piece {
    /// When the oldest of the last elements on it had arrived, if its end is not empty.
    pub(super) fn last_arrived(&self) -> Option<u64> {
        let parts = self.parts.iter().filter(|part| part.rate > 0);
        parts.map(|part| part.arrived.1).min()
    }
}

impl Part {
    /// Splits off what lies on the first `span` of `length` nanoseconds.
    fn split(&mut self, span: u64, length: u64) -> Part {
        let mut left = self.rate * Amount::from(span);
        let mut ranges = VecDeque::new();
        while left > 0 {
            let Some(range) = self.ranges.front_mut() else { break };
            let size = left.min(range.1 - range.0);
            ranges.push_back((range.0, range.0 + size));
            range.0 += size;
            left -= size;
            if range.0 == range.1 {
                self.ranges.pop_front();
            }
        }
        let (first, last) = self.arrived;
        let part = u128::from(last - first) * u128::from(span) / u128::from(length.max(1));
        let middle = first + part as u64;
        self.arrived.0 = middle;
        Part { queue: self.queue, rate: self.rate, ranges, arrived: (first, middle) }
    }

    /// Do the elements of `next` follow those of this part without a gap?
    fn joins(&self, next: &Part) -> bool {
        match (self.ranges.back(), next.ranges.front()) {
            (Some(last), Some(first)) => last.1 == first.0,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

/// A piece of the conveyor that is loaded evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Nanoseconds that it takes to pass.
    pub(super) length: u64,
    pub(super) parts: Vec<Part>,
}

impl Piece {
    fn empty(length: u64) -> Piece {
        Piece { length, parts: Vec::new() }
    }

    /// Units per nanosecond.
    fn rate(&self) -> Amount {
        self.parts.iter().map(|part| part.rate).sum()
    }

    fn split(&mut self, span: u64) -> Piece {
        let length = self.length;
        let parts = self.parts.iter_mut().map(|part| part.split(span, length)).collect();
        self.length -= span;
        Piece { length: span, parts }
    }

    /// Does what follows leave as this did: at the same rate, and, to a microsecond, with its age
    /// on the same course? A piece of less than a microsecond has no course.
    fn is_like(&self, next: &Piece) -> bool {
        let (length, next_length) = (u128::from(self.length), u128::from(next.length));
        let even = |own: &Part, other: &Part| {
            let (a, b) = (own.arrived, other.arrived);
            let paces = [(u128::from(a.1 - a.0), length), (u128::from(b.1 - b.0), next_length)];
            let short = length.min(next_length) < GRAIN;
            let bend = !short && bent(paces[0], paces[1], length.max(next_length));
            own.queue == other.queue
                && own.rate == other.rate
                && !bend
                && a.1.abs_diff(b.0) <= GRAIN as u64
        };
        self.parts.len() == next.parts.len()
            && self.parts.iter().zip(&next.parts).all(|(own, other)| even(own, other))
    }

    fn goes_on(&self, next: &Piece) -> bool {
        let mut pairs = self.parts.iter().zip(&next.parts);
        self.is_like(next) && pairs.all(|(own, other)| own.joins(other))
    }

    /// Everything on it.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (usize, Range)> {
        let own = |part: &Part| (part.queue, part.ranges.clone());
        self.parts
            .iter()
            .map(own)
            .flat_map(|(queue, ranges)| ranges.into_iter().map(move |range| (queue, range)))
    }
}

/// The conveyor: pieces from the one that leaves next to the one that came last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conveyor {
    pieces: VecDeque<Piece>,
    length: u64,
}

impl Conveyor {
    /// An empty conveyor that takes so many nanoseconds from end to end.
    pub(super) fn new(length: u64) -> Conveyor {
        Conveyor { pieces: VecDeque::from([Piece::empty(length)]), length }
    }

    /// Moves on by the length of the piece that comes in; gives the pieces that leave.
    pub(super) fn advance(&mut self, entering: Piece) -> Vec<Piece> {
        let mut left = entering.length;
        match self.pieces.back_mut() {
            Some(last) if last.goes_on(&entering) => {
                last.length += entering.length;
                for (own, new) in last.parts.iter_mut().zip(entering.parts) {
                    own.arrived.1 = new.arrived.1;
                    for range in new.ranges {
                        match own.ranges.back_mut() {
                            Some(end) if end.1 == range.0 => end.1 = range.1,
                            Some(_) | None => own.ranges.push_back(range),
                        }
                    }
                }
            }
            Some(_) | None => self.pieces.push_back(entering),
        }
        let mut leaving = Vec::new();
        while left > 0 {
            let Some(front) = self.pieces.front_mut() else { break };
            if front.length <= left {
                left -= front.length;
                leaving.extend(self.pieces.pop_front());
            } else {
                leaving.push(front.split(left));
                left = 0;
            }
        }
        leaving
    }

    /// Units per nanosecond that leave while it moves.
    pub(super) fn rate_out(&self) -> Amount {
        self.pieces.front().map_or(0, Piece::rate)
    }

    /// Units that leave within the next nanosecond while it moves, and were not written before.
    pub(super) fn new_out<'a>(&self, written: impl Fn(usize) -> &'a Ranges) -> Amount {
        let new = |part: &Part| {
            let mut left = part.rate;
            let mut new = 0;
            for range in &part.ranges {
                let next = (range.0, range.1.min(range.0 + left));
                left -= next.1 - next.0;
                new += next.1 - next.0 - written(part.queue).overlap(next);
            }
            new
        };
        self.pieces.front().map_or(0, |piece| piece.parts.iter().map(new).sum())
    }

    /// How long it moves until, of some queue, what was written before leaves after what was not,
    /// or the other way round. A nanosecond in which both leave stands for itself.
    pub(super) fn next_turn<'a>(&self, written: impl Fn(usize) -> &'a Ranges) -> Option<u64> {
        let mut known: BTreeMap<usize, bool> = BTreeMap::new();
        let mut before = 0;
        for piece in &self.pieces {
            let mut turns = Vec::new();
            for part in piece.parts.iter().filter(|part| part.rate > 0) {
                let mut units = 0;
                let pieces =
                    part.ranges.iter().flat_map(|range| written(part.queue).pieces(*range));
                for (range, again) in pieces {
                    if known.insert(part.queue, again).is_some_and(|was| was != again) {
                        turns.push(before + (units / part.rate) as u64);
                        break;
                    }
                    units += range.1 - range.0;
                }
            }
            if let Some(turn) = turns.into_iter().min() {
                return Some(turn.max(1));
            }
            before += piece.length;
        }
        // What comes in behind what was written before may be new.
        known.into_values().any(|again| again).then_some(before.max(1))
    }

    /// How long it moves until what leaves changes: its rate, or the course of its age.
    pub(super) fn next_change(&self) -> Option<u64> {
        let mut span = 0;
        let mut last: Option<&Piece> = None;
        for piece in &self.pieces {
            if last.is_some_and(|last| !last.is_like(piece)) {
                return Some(span);
            }
            span += piece.length;
            if last.is_none() || u128::from(piece.length) >= GRAIN {
                last = Some(piece);
            }
        }
        None
    }

    /// Does what comes in go on as what came last did? Of each queue its rate, and how fast it moves
    /// on in time of arrival.
    pub(super) fn is_steady(&self, entering: &[(usize, Amount, (Amount, Amount))]) -> bool {
        let Some(last) = self.pieces.back() else { return false };
        let length = u128::from(last.length);
        let short = length < GRAIN;
        let like = |(part, (queue, rate, pace)): (&Part, &(usize, Amount, (Amount, Amount)))| {
            let spread = u128::from(part.arrived.1 - part.arrived.0);
            // `spread / length` and `pace` differ by less than a microsecond over the piece.
            let most = length.max(u128::from(self.length)) + GRAIN;
            let bend = !short && bent((spread, length), *pace, most);
            part.queue == *queue && part.rate == *rate && !bend
        };
        last.parts.len() == entering.len() && last.parts.iter().zip(entering).all(like)
    }

    /// Everything on it.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (usize, Range)> {
        self.pieces.iter().flat_map(Piece::ranges)
    }

    /// How much is on it.
    pub(super) fn content(&self) -> Amount {
        self.pieces.iter().map(|piece| piece.rate() * Amount::from(piece.length)).sum()
    }

    /// When the oldest element on it had arrived in its queue.
    pub(super) fn oldest(&self) -> Option<u64> {
        let mut loaded = self.pieces.iter().filter(|piece| piece.rate() > 0);
        let parts = loaded.next()?.parts.iter().filter(|part| part.rate > 0);
        parts.map(|part| part.arrived.0).min()
    }

    /// Takes everything off: what has been on it for less than `age` nanoseconds, and the rest.
    pub(super) fn clear(&mut self, age: u64) -> (Vec<Piece>, Vec<Piece>) {
        let mut pieces = std::mem::replace(self, Conveyor::new(self.length)).pieces;
        let mut old = Vec::new();
        let mut left = self.length - age.min(self.length);
        while left > 0 {
            let Some(front) = pieces.front_mut() else { break };
            if front.length <= left {
                left -= front.length;
                old.extend(pieces.pop_front());
            } else {
                old.push(front.split(left));
                left = 0;
            }
        }
        (pieces.into(), old)
    }

    /// A copy of what has been on it for `age` nanoseconds or longer, where it lies.
    pub(super) fn older_than(&self, age: u64) -> Conveyor {
        let mut copy = self.clone();
        let (young, old) = copy.clear(age);
        copy.pieces = old.into();
        let length = young.iter().map(|piece| piece.length).sum();
        if length > 0 {
            copy.pieces.push_back(Piece::empty(length));
        }
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(length: u64, rate: Amount, from: Amount) -> Piece {
        let end = from + rate * Amount::from(length);
        let ranges = if rate > 0 { VecDeque::from([(from, end)]) } else { VecDeque::new() };
        Piece { length, parts: vec![Part { queue: 0, rate, ranges, arrived: (0, length) }] }
    }

    #[test]
    fn what_comes_in_leaves_after_the_length() {
        let mut conveyor = Conveyor::new(10);
        assert_eq!(conveyor.advance(piece(4, 3, 0)), [Piece::empty(4)]);
        assert_eq!((conveyor.rate_out(), conveyor.content()), (0, 12));
        assert_eq!(conveyor.next_change(), Some(6));
        assert_eq!(conveyor.advance(piece(6, 0, 12)), [Piece::empty(6)]);
        assert_eq!((conveyor.rate_out(), conveyor.next_change()), (3, Some(4)));
        let left = conveyor.advance(piece(2, 0, 12));
        assert_eq!(left[0].ranges().collect::<Vec<_>>(), [(0, (0, 6))]);
        let (young, old) = conveyor.clear(7);
        assert!(young.iter().all(|piece| piece.rate() == 0));
        assert_eq!(old.iter().flat_map(Piece::ranges).collect::<Vec<_>>(), [(0, (6, 12))]);
        assert_eq!(conveyor, Conveyor::new(10));
    }

    /// Three units a nanosecond, from place 0 on: 4 to 10 were written before.
    #[test]
    fn what_was_written_before_is_told_apart() {
        let mut conveyor = Conveyor::new(10);
        conveyor.advance(piece(10, 3, 0));
        let mut written = Ranges::default();
        assert_eq!((conveyor.new_out(|_| &written), conveyor.next_turn(|_| &written)), (3, None));
        written.add((4, 10));
        // 0 to 3 are new; of 3 to 6 only 3 is; 6 to 9 are not; of 9 to 12 only 10 and 11 are.
        let expected = [(3, Some(1)), (1, Some(1)), (0, Some(1)), (2, Some(1)), (3, None)];
        for (place, expected) in expected.into_iter().enumerate() {
            let found = (conveyor.new_out(|_| &written), conveyor.next_turn(|_| &written));
            assert_eq!(found, expected, "after {place} ns");
            conveyor.advance(Piece::empty(1));
        }
    }

    #[test]
    fn a_long_piece_passes_through() {
        let mut conveyor = Conveyor::new(10);
        let left = conveyor.advance(piece(25, 2, 0));
        let passed: Vec<_> = left.iter().flat_map(Piece::ranges).collect();
        assert_eq!(passed, [(0, (0, 30))]);
        assert_eq!((conveyor.content(), conveyor.rate_out()), (20, 2));
        assert_eq!(conveyor.next_change(), None);
        // Going on as before makes no second piece.
        let mut more = piece(5, 2, 50);
        more.parts[0].arrived = (25, 30);
        conveyor.advance(more);
        assert_eq!(conveyor.pieces.len(), 1);
        assert_eq!(conveyor.older_than(4).content(), 12);
    }
}
