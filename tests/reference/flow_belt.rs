//! Elements one by one: where each of them waits, what a job has read of them, and what became of
//! those that are gone.

use super::flow::Mistake;
use super::flow_plan::Job;
use std::collections::{BTreeSet, VecDeque};

/// One element that waits: when it came, and its number among those of its queue.
type Waiting = (u64, usize);

/// Elements that wait to be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Waiting>,
    came: Vec<u64>,
    retention: Option<u64>,
    pub(crate) expired: Vec<bool>,
    pub(crate) peak: usize,
    pub(crate) gone: u64,
}

impl Queue {
    pub(crate) fn new(retention: Option<u64>) -> Queue {
        Queue { retention, ..Queue::default() }
    }

    pub(crate) fn push(&mut self, now: u64) {
        self.waiting.push_back((now, self.came.len()));
        self.came.push(now);
        self.expired.push(false);
    }

    /// What came back keeps its age, and its place in the line.
    fn put_back(&mut self, back: &[usize]) {
        self.waiting.extend(back.iter().map(|number| (self.came[*number], *number)));
        self.waiting.make_contiguous().sort_unstable();
    }

    fn take(&mut self) -> Option<usize> {
        self.waiting.pop_front().map(|(_, number)| number)
    }

    /// What has waited for the whole retention by the end of this second is gone.
    pub(crate) fn expire(&mut self, now: u64) {
        let Some(retention) = self.retention else { return };
        while let Some((came, number)) = self.waiting.front().copied() {
            if came + retention > now {
                return;
            }
            self.waiting.pop_front();
            self.expired[number] = true;
            self.gone += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn arrived(&self) -> usize {
        self.came.len()
    }
}

/// What was read in one second of the belt's own time.
#[derive(Clone, Debug)]
struct Load {
    read: u64,
    numbers: Vec<usize>,
    written: bool,
}

/// What a snapshot keeps: what is on the belt and acknowledged, and, if it includes the sources,
/// which elements are not acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    clock: u64,
    loads: Vec<Load>,
    unacknowledged: Option<BTreeSet<usize>>,
    arrived: usize,
}

/// A job's elements.
pub(crate) struct Belt {
    pub(crate) queue: Queue,
    loads: VecDeque<Load>,
    clock: u64,
    latency: u64,
    acknowledged_after: u64,
    idempotent: bool,
    batch: bool,
    /// What earlier inputs of a batch job had.
    done_before: usize,
    written: Vec<bool>,
    lost: Vec<bool>,
    pub(crate) redelivered: u64,
    pub(crate) duplicated: u64,
    pub(crate) oldest: u64,
    pub(crate) catch_up: f64,
    /// Times at which elements began to wait while it worked.
    pub(crate) episodes: u64,
    behind: bool,
    mistake: Option<Mistake>,
}

/// What became of the elements that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fates {
    pub(crate) arrived: u64,
    pub(crate) written: u64,
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
    pub(crate) expired: u64,
    pub(crate) lost: u64,
}

impl Belt {
    pub(crate) fn new(job: &Job, mistake: Option<Mistake>) -> Belt {
        Belt {
            queue: Queue::new(job.retention),
            loads: VecDeque::new(),
            clock: 0,
            latency: job.latency,
            acknowledged_after: job.acknowledged_after,
            idempotent: job.idempotent,
            batch: job.batch.is_some(),
            done_before: 0,
            written: Vec::new(),
            lost: Vec::new(),
            redelivered: 0,
            duplicated: 0,
            oldest: 0,
            catch_up: 0.0,
            episodes: 0,
            behind: false,
            mistake,
        }
    }

    pub(crate) fn push(&mut self, now: u64) {
        self.queue.push(now);
        self.written.push(false);
        self.lost.push(false);
    }

    /// Is there something on it that is not written?
    pub(crate) fn writing(&self) -> bool {
        self.loads.iter().any(|load| !load.written && !load.numbers.is_empty())
    }

    /// Does something come off it right now that is not there already?
    pub(crate) fn delivering(&self) -> bool {
        let new = |number: &usize| !self.idempotent || !self.written[*number];
        let off = |load: &&Load| !load.written && load.read + self.latency <= self.clock;
        // What begins within a second counts from the next one.
        self.loads.iter().filter(off).any(|load| load.numbers.first().is_some_and(new))
    }

    fn acknowledged(&self, load: &Load) -> bool {
        load.read + self.acknowledged_after < self.clock
    }

    /// One second in which it moves, and reads so many elements at most; tells how many elements
    /// it writes, those that are there already included.
    pub(crate) fn step(&mut self, read: u64) -> u64 {
        let mut numbers = Vec::new();
        while (numbers.len() as u64) < read {
            let Some(number) = self.queue.take() else { break };
            numbers.push(number);
        }
        if !numbers.is_empty() {
            self.loads.push_back(Load { read: self.clock, numbers, written: false });
        }
        let mut wrote = 0;
        for load in &mut self.loads {
            if load.read + self.latency > self.clock {
                break;
            }
            if load.written {
                continue;
            }
            load.written = true;
            for number in &load.numbers {
                if !self.written[*number] {
                    wrote += 1;
                } else if !self.idempotent {
                    self.duplicated += u64::from(self.mistake != Some(Mistake::NothingTwice));
                    wrote += 1;
                }
                self.written[*number] = true;
                self.lost[*number] = false;
            }
        }
        self.clock += 1;
        let done = |load: &Load| load.written && self.acknowledged(load);
        let done = self.loads.iter().take_while(|load| done(load)).count();
        self.loads.drain(..done);
        wrote
    }

    /// A mistake: elements are read onto a belt that stands still.
    pub(crate) fn read_ahead(&mut self, read: u64) {
        let numbers: Vec<usize> = (0..read).map_while(|_| self.queue.take()).collect();
        if !numbers.is_empty() {
            self.loads.push_back(Load { read: self.clock, numbers, written: false });
        }
    }

    /// Everything on it has been acknowledged.
    pub(crate) fn acknowledge(&mut self) {
        self.loads.clear();
    }

    /// The job ends: what is acknowledged and not written is lost, what is not acknowledged comes
    /// again (FL-04).
    pub(crate) fn halt(&mut self) {
        let loads = std::mem::take(&mut self.loads);
        let mut back = Vec::new();
        for load in loads {
            // The input of a batch job is there as long as it needs it.
            let acknowledged = match self.mistake {
                _ if self.batch && !load.written => false,
                Some(Mistake::AcknowledgedComesAgain) => false,
                Some(Mistake::AllIsAcknowledged) => true,
                _ => self.acknowledged(&load),
            };
            if !acknowledged {
                back.extend(load.numbers);
            } else if !load.written {
                load.numbers.iter().for_each(|number| self.lost[*number] = !self.written[*number]);
            }
        }
        self.redelivered += back.len() as u64;
        if self.mistake == Some(Mistake::BackIsNew) {
            for number in &back {
                self.queue.came[*number] = self.queue.came.last().copied().unwrap_or(0);
            }
        }
        self.queue.put_back(&back);
    }

    /// A batch job begins again, unless it has read everything: tells whether it has an input.
    pub(crate) fn rewind(&mut self) -> bool {
        let input: Vec<usize> = (self.done_before..self.queue.arrived()).collect();
        self.queue.waiting.clear();
        self.queue.put_back(&input);
        input.iter().for_each(|number| self.lost[*number] = false);
        !input.is_empty()
    }

    /// A batch job has written everything.
    pub(crate) fn finish(&mut self) {
        self.done_before = self.queue.arrived();
        self.loads.clear();
    }

    /// What a snapshot of this instant keeps (DJ-06, DJ-07).
    pub(crate) fn keep(&self, sources: bool) -> Kept {
        let on_the_way = |load: &&Load| !load.written && self.acknowledged(load);
        let unacknowledged = sources.then(|| {
            let waiting = self.queue.waiting.iter().map(|(_, number)| *number);
            let loads = self.loads.iter().filter(|load| !self.acknowledged(load));
            waiting.chain(loads.flat_map(|load| load.numbers.iter().copied())).collect()
        });
        Kept {
            clock: self.clock,
            loads: self.loads.iter().filter(on_the_way).cloned().collect(),
            unacknowledged,
            arrived: self.queue.arrived(),
        }
    }

    /// A new job starts from a snapshot.
    pub(crate) fn restore(&mut self, kept: Kept, now: u64) {
        if self.mistake != Some(Mistake::SnapshotsAreEmpty) {
            self.clock = kept.clock;
            for load in kept.loads {
                load.numbers.iter().for_each(|number| self.lost[*number] = false);
                self.loads.push_back(load);
            }
        }
        let Some(unacknowledged) = kept.unacknowledged else { return };
        if self.mistake == Some(Mistake::SourcesAreLeftOut) {
            return;
        }
        let again = |number: &usize| {
            let young = |retention| self.queue.came[*number] + retention >= now;
            (*number >= kept.arrived || unacknowledged.contains(number))
                && !self.queue.expired[*number]
                && self.queue.retention.is_none_or(young)
        };
        let again: Vec<usize> = (0..self.queue.arrived()).filter(again).collect();
        again.iter().for_each(|number| self.lost[*number] = false);
        // What waits still comes again anyway; what was acknowledged then is so again.
        let waited = std::mem::take(&mut self.queue.waiting);
        self.queue.put_back(&again);
        let again: BTreeSet<usize> = again.into_iter().collect();
        for (came, number) in waited {
            if !again.contains(&number) {
                let old = self.queue.retention.is_some_and(|retention| came + retention < now);
                self.queue.expired[number] = old;
                self.lost[number] = !old && !self.written[number];
            }
        }
    }

    /// What waits in a source that is gone is lost.
    pub(crate) fn lose(&mut self) {
        for (_, number) in std::mem::take(&mut self.queue.waiting) {
            self.lost[number] = !self.written[number];
        }
    }

    /// Notes the age of the oldest element that is not written, at this instant.
    pub(crate) fn watch(&mut self, now: u64) {
        let waits = self.queue.waiting.iter().map(|(_, number)| number).take(1);
        // What was read first is the oldest.
        let mut loads = self.loads.iter().filter(|load| !load.written);
        let loads = loads.next().into_iter().flat_map(|load| &load.numbers);
        let oldest = waits.chain(loads).map(|number| self.queue.came[*number]).min();
        self.oldest = self.oldest.max(oldest.map_or(0, |came| now - came));
    }

    /// Adds up the time in which it works and elements wait: of so many before this second, with
    /// so many more in it.
    pub(crate) fn behind(&mut self, works: bool, before: usize, more: u64, capacity: u64) {
        let share = match (before, self.queue.len()) {
            (_, 1..) => 1.0,
            (0, 0) => 0.0,
            (before, 0) => (before as f64 / (capacity as f64 - more as f64)).min(1.0),
        };
        let behind = works && share > 0.0;
        self.episodes += u64::from(behind && !self.behind);
        self.behind = behind;
        if works {
            self.catch_up += share;
        }
    }

    /// Every element is in one place (FL-01).
    pub(crate) fn fates(&self) -> Fates {
        let mut moving = vec![false; self.written.len()];
        for load in self.loads.iter().filter(|load| !load.written) {
            load.numbers.iter().for_each(|number| moving[*number] = true);
        }
        let mut waits = vec![false; self.written.len()];
        self.queue.waiting.iter().for_each(|(_, number)| waits[*number] = true);
        let mut fates = Fates { arrived: self.written.len() as u64, ..Fates::default() };
        for number in 0..self.written.len() {
            let place = if self.written[number] {
                &mut fates.written
            } else if moving[number] {
                &mut fates.in_flight
            } else if waits[number] {
                &mut fates.waiting
            } else if self.queue.expired[number] {
                &mut fates.expired
            } else {
                assert!(self.lost[number], "an element is nowhere");
                &mut fates.lost
            };
            *place += 1;
        }
        fates
    }
}
