//! A queue between those who publish and one who reads: first in, first out, with a retention.

use super::amount::{Amount, time_to};
use super::ranges::{Range, Ranges};

/// A stretch of time in which elements arrive at one rate; it ends where the next begins.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    /// Its start, in nanoseconds.
    from: u64,
    /// Elements that arrived before it.
    before: Amount,
    rate: Amount,
}

/// Everything that ever arrived: when, and in what order.
#[derive(Clone, Debug)]
pub(super) struct History {
    pieces: Vec<Arrival>,
}

impl History {
    fn new() -> History {
        History { pieces: vec![Arrival { from: 0, before: 0, rate: 0 }] }
    }

    fn piece_at(&self, at: u64) -> usize {
        self.pieces.partition_point(|piece| piece.from <= at) - 1
    }

    /// Elements arrived up to an instant.
    pub(super) fn until(&self, at: u64) -> Amount {
        let piece = &self.pieces[self.piece_at(at)];
        piece.before + piece.rate * Amount::from(at - piece.from)
    }

    /// Elements arrive at this rate from now on.
    fn set_rate(&mut self, now: u64, rate: Amount) {
        let last = self.pieces.len() - 1;
        if self.pieces[last].rate == rate {
            return;
        }
        let before = self.until(now);
        if self.pieces[last].from == now {
            self.pieces[last].rate = rate;
        } else {
            self.pieces.push(Arrival { from: now, before, rate });
        }
    }

    fn rate(&self) -> Amount {
        self.pieces[self.pieces.len() - 1].rate
    }

    /// The rate just after an instant, and when it changes next.
    fn rate_at(&self, at: u64) -> (Amount, Option<u64>) {
        let place = self.piece_at(at);
        (self.pieces[place].rate, self.pieces.get(place + 1).map(|next| next.from))
    }

    /// When the element at a place arrived; `now` if it has not.
    pub(super) fn time_of(&self, place: Amount, now: u64) -> u64 {
        // The last piece that begins at or before the place holds it.
        let piece = self.pieces.partition_point(|piece| piece.before <= place) - 1;
        let piece = &self.pieces[piece];
        if piece.rate == 0 {
            return now;
        }
        let offset = (place - piece.before) / piece.rate;
        u64::try_from(offset).map_or(now, |offset| piece.from.saturating_add(offset)).min(now)
    }

    /// When the element just before a place arrived.
    fn time_before(&self, place: Amount, now: u64) -> u64 {
        let piece = self.pieces.partition_point(|piece| piece.before < place).saturating_sub(1);
        let piece = &self.pieces[piece];
        if piece.rate == 0 {
            return piece.from.min(now);
        }
        let offset = place.saturating_sub(piece.before).div_ceil(piece.rate);
        u64::try_from(offset).map_or(now, |offset| piece.from.saturating_add(offset)).min(now)
    }

    /// How densely elements arrived around a place: per nanosecond.
    fn density(&self, place: Amount) -> Amount {
        let piece = self.pieces.partition_point(|piece| piece.before <= place) - 1;
        self.pieces[piece].rate
    }

    /// The first place after this one at which the rate of arrival had changed.
    fn change_after(&self, place: Amount) -> Option<Amount> {
        let next = self.pieces.partition_point(|piece| piece.before <= place);
        self.pieces.get(next).map(|piece| piece.before)
    }
}

/// What a reader took out of a queue in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) ranges: Vec<Range>,
    /// When the first and the last of them had arrived.
    pub(super) arrived: (u64, u64),
}

/// A queue with the fate of everything that arrived in it.
///
/// An element is in one place only: it waits, it is withheld, it is in flight in a job, or it is
/// written, expired or lost. What was written and comes again (after a redelivery, or from a snapshot) stays written.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) history: History,
    retention: Option<u64>,
    synced: u64,
    /// What waits.
    pub(super) waiting: Ranges,
    /// What waits and cannot be delivered.
    pub(super) withheld: Ranges,
    /// Where that is so of whatever comes back, and where what comes back is lost.
    shut: Ranges,
    gone: Ranges,
    /// What is taken per nanosecond.
    pub(super) serve: Amount,
    pub(super) written: Ranges,
    pub(super) expired: Ranges,
    pub(super) lost: Ranges,
    /// Elements written again.
    pub(super) duplicated: Amount,
    /// Elements given back by a job that ended.
    pub(super) redelivered: Amount,
    /// A batch job has done with everything below this place.
    pub(super) done_before: Amount,
    pub(super) peak: Amount,
}

impl Queue {
    pub(super) fn new(retention: Option<u64>) -> Queue {
        Queue {
            history: History::new(),
            retention,
            synced: 0,
            waiting: Ranges::default(),
            withheld: Ranges::default(),
            shut: Ranges::default(),
            gone: Ranges::default(),
            serve: 0,
            written: Ranges::default(),
            expired: Ranges::default(),
            lost: Ranges::default(),
            duplicated: 0,
            redelivered: 0,
            done_before: 0,
            peak: 0,
        }
    }

    /// Elements arrived so far.
    pub(super) fn arrived(&self) -> Amount {
        self.history.until(self.synced)
    }

    pub(super) fn arrival_rate(&self) -> Amount {
        self.history.rate()
    }

    pub(super) fn set_arrival_rate(&mut self, rate: Amount) {
        self.history.set_rate(self.synced, rate);
    }

    /// What waits, withheld or not.
    pub(super) fn backlog(&self) -> Amount {
        self.waiting.total() + self.withheld.total()
    }

    /// Places below this one are past their retention.
    fn limit(&self, now: u64) -> Amount {
        match self.retention.and_then(|retention| now.checked_sub(retention)) {
            Some(at) => self.history.until(at),
            None => 0,
        }
    }

    /// Brings the queue to an instant; gives what was taken since the last. What is taken leaves
    /// from the front; what is older than the retention then is gone.
    pub(super) fn sync(&mut self, now: u64) -> Taken {
        let span = Amount::from(now - self.synced);
        let before = self.history.until(self.synced);
        self.waiting.add((before, self.history.until(now)));
        let head = self.waiting.first();
        let first = head.map_or(now, |head| self.history.time_of(head, now));
        let ranges = self.waiting.take_first(self.serve * span);
        let took: Amount = ranges.iter().map(|range| range.1 - range.0).sum();
        assert_eq!(took, self.serve * span, "no more is taken than there is");
        self.synced = now;
        self.expire(now);
        let next = self.waiting.first().unwrap_or_else(|| self.arrived());
        let last = self.history.time_before(next, now).max(first);
        self.peak = self.peak.max(self.backlog());
        Taken { ranges, arrived: (first, last) }
    }

    fn expire(&mut self, now: u64) {
        let past = (0, self.limit(now));
        for range in self.waiting.remove(past).into_iter().chain(self.withheld.remove(past)) {
            for part in self.written.missing(range) {
                self.expired.add(part);
            }
        }
    }

    /// Everything ends: what waits is lost.
    pub(super) fn lose_all(&mut self) {
        self.lose_waiting((0, Amount::MAX));
    }

    /// What waits of these is lost.
    pub(super) fn lose_waiting(&mut self, range: Range) {
        let waited = self.waiting.remove(range);
        for part in waited.into_iter().chain(self.withheld.remove(range)) {
            self.lose(part);
        }
    }

    /// These will never be delivered again.
    pub(super) fn lose_for_good(&mut self, range: Range) {
        self.gone.add(range);
        self.lose_waiting(range);
    }

    /// The places of what came in from an instant on, up to another that is past.
    pub(super) fn came(&self, from: u64, until: u64) -> Range {
        (self.history.until(from), self.history.until(until.min(self.synced)))
    }

    /// These cannot be delivered any more, wherever they come from.
    pub(super) fn withhold(&mut self, range: Range) {
        self.shut.add(range);
        for part in self.waiting.remove(range) {
            self.withheld.add(part);
        }
    }

    /// These can be delivered again.
    pub(super) fn release(&mut self, range: Range) {
        self.shut.remove(range);
        for part in self.withheld.remove(range) {
            self.waiting.add(part);
        }
    }

    /// These wait, or are withheld, or lost.
    fn line_up(&mut self, range: Range) {
        self.waiting.add(range);
        let common = |own: Range| (own.0.max(range.0), own.1.min(range.1));
        for shut in self.shut.parts() {
            for part in self.waiting.remove(common(shut)) {
                self.withheld.add(part);
            }
        }
        let gone: Vec<Range> = self.gone.parts().map(common).collect();
        for part in gone {
            self.lose_waiting(part);
        }
    }

    /// These will never be written.
    pub(super) fn lose(&mut self, range: Range) {
        for part in self.written.missing(range) {
            self.lost.add(part);
        }
    }

    /// These wait again; but for those that are past their retention, which are gone.
    pub(super) fn give_back(&mut self, range: Range, now: u64) {
        let limit = self.limit(now).clamp(range.0, range.1);
        for part in self.written.missing((range.0, limit)) {
            for part in self.lost.missing(part) {
                self.expired.add(part);
            }
        }
        self.lost.remove((limit, range.1));
        self.line_up((limit, range.1));
        self.peak = self.peak.max(self.backlog());
    }

    /// These are in a job again, wherever they had gone.
    pub(super) fn bring_back(&mut self, range: Range) {
        for set in [&mut self.lost, &mut self.expired, &mut self.waiting, &mut self.withheld] {
            set.remove(range);
        }
    }

    /// These are written; tells how many of them for the first time.
    pub(super) fn write(&mut self, range: Range) -> Amount {
        let new = self.written.add(range);
        self.duplicated += range.1 - range.0 - new;
        new
    }

    /// Everything that arrived is in one place (`in_flight` are the ranges in the job).
    pub(super) fn is_conserved(&self, in_flight: impl Iterator<Item = Range>) -> bool {
        let unwritten = |range: Range| range.1 - range.0 - self.written.overlap(range);
        let waiting = self.standing().map(unwritten).sum::<Amount>();
        let sum = self.written.total()
            + self.expired.total()
            + self.lost.total()
            + waiting
            + in_flight.map(unwritten).sum::<Amount>();
        sum == self.arrived()
    }

    /// Everything that waits, withheld or not.
    pub(super) fn standing(&self) -> impl Iterator<Item = Range> {
        self.waiting.parts().chain(self.withheld.parts())
    }

    /// When the oldest element that waits had arrived.
    pub(super) fn oldest(&self) -> Option<u64> {
        let head = self.waiting.first().into_iter().chain(self.withheld.first()).min()?;
        Some(self.history.time_of(head, self.synced))
    }

    /// Does the retention take elements now, faster than they are read?
    pub(super) fn expires(&self) -> bool {
        let head = self.waiting.first();
        let at_limit = head.is_some_and(|head| head == self.limit(self.synced));
        at_limit && self.limit_rate() > self.serve
    }

    fn limit_rate(&self) -> Amount {
        let at = self.retention.and_then(|retention| self.synced.checked_sub(retention));
        at.map_or(0, |at| self.history.rate_at(at).0)
    }

    /// How fast, in time of arrival, the oldest element moves on: as a fraction of real time.
    pub(super) fn pace(&self) -> (Amount, Amount) {
        let own = self.waiting.first().filter(|_| !self.expires());
        own.map_or((1, 1), |head| (self.serve, self.history.density(head)))
    }

    /// How fast the backlog grows (or, negative, shrinks), in units per nanosecond.
    pub(super) fn slope(&self) -> i128 {
        let leaves = if self.expires() { self.limit_rate() } else { self.serve };
        self.arrival_rate() as i128 - leaves as i128
    }

    /// How long until the retention reaches what is withheld, or the end of the first part of it.
    fn withheld_expires(&self) -> Option<u64> {
        let (from, to) = self.withheld.parts().next()?;
        let due = |at: u64| Some(at.checked_add(self.retention?)?.saturating_sub(self.synced));
        match due(self.history.time_of(from, self.synced))? {
            0 => Some(due(self.history.time_before(to, self.synced))?.max(1)),
            wait => Some(wait),
        }
    }

    /// How long until something about the queue changes by itself.
    pub(super) fn next_change(&self) -> Option<u64> {
        let now = self.synced;
        let mut next: Option<u64> = None;
        let mut at_most = |wait: u64| next = Some(next.map_or(wait, |next| next.min(wait)));
        if let Some(wait) = self.withheld_expires() {
            at_most(wait);
        }
        let arrival = self.arrival_rate();
        if self.waiting.total() == 0 && arrival <= self.serve {
            return next;
        }
        let head = self.waiting.first().unwrap_or_else(|| self.arrived());
        if self.serve > arrival {
            let emptying = self.serve - arrival;
            at_most(u64::try_from(self.waiting.total() / emptying).unwrap_or(u64::MAX).max(1));
        }
        // Where elements arrived at another rate, the age of the oldest changes its course.
        let leaves = if self.expires() { self.limit_rate() } else { self.serve };
        if leaves > 0 {
            let bends = [self.history.change_after(head), self.waiting.gap()];
            for place in bends.into_iter().flatten().filter(|place| *place > head) {
                at_most(time_to(place - head, leaves));
            }
        }
        if let Some(retention) = self.retention {
            let (rate, change) = match now.checked_sub(retention) {
                Some(at) => self.history.rate_at(at),
                // Nothing is old enough yet.
                None => (0, Some(0)),
            };
            if let Some(change) = change {
                at_most((change + retention - now).max(1));
            }
            let ahead = head - self.limit(now).min(head);
            if rate > self.serve && ahead > 0 {
                at_most(time_to(ahead, rate - self.serve));
            }
        }
        next
    }
}
