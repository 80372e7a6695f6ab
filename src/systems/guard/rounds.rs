//! The rounds of a watch: when each subject (a table of a cluster) is checked.
//!
//! Random phases are never sorted and never looked at one by one: the period is halved again and
//! again, how many of the phases lie in a left half is the number of heads in as many coin tosses,
//! and within the last, small part (a cell) the phases are in no order. So the next check after an
//! instant costs one cell, however many subjects there are.

use crate::engine::{SimDuration, SimTime};
use crate::systems::contract::LazyStream;

/// How the phases of the checks of one watch lie in the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phasing {
    /// Independent and uniform.
    Random,
    /// All at multiples of the period.
    Aligned,
    /// Evenly spread: the first at zero.
    Spread,
}

impl Phasing {
    /// The phasing that a scenario calls by a word.
    pub fn named(word: &str) -> Phasing {
        if word == "aligned" {
            Phasing::Aligned
        } else if word == "spread" {
            Phasing::Spread
        } else {
            Phasing::Random
        }
    }
}

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// When.
    pub at: SimTime,
    /// Of which subject.
    pub subject: u32,
}

/// Random phases of the subjects that are there from the start.
struct Cells {
    /// Where each cell's subjects begin, and the end of the last.
    begins: Vec<u32>,
    /// Place of each subject's phase within its cell, of 2^16.
    places: Vec<u16>,
}

/// Subjects of a cell on average, at the most: a cell is looked through one by one.
const CELL_SUBJECTS_MAX: u32 = 32;

impl Cells {
    fn draw(count: u32, stream: &mut LazyStream) -> Cells {
        let stream = stream.get();
        let mut sizes = vec![count];
        while sizes.len() as u32 * CELL_SUBJECTS_MAX < count {
            let halves = sizes.iter().flat_map(|&size| {
                let mut heads = 0;
                let mut tosses = size;
                while tosses > 0 {
                    let now = tosses.min(64);
                    heads += (stream.next_u64() >> (64 - now)).count_ones();
                    tosses -= now;
                }
                [heads, size - heads]
            });
            sizes = halves.collect();
        }
        let mut begins = Vec::with_capacity(sizes.len() + 1);
        begins.push(0);
        let mut sum = 0;
        for size in sizes {
            sum += size;
            begins.push(sum);
        }
        let mut words = vec![0u32; (count as usize).div_ceil(2)];
        stream.fill_u32(&mut words);
        let places = words.iter().flat_map(|&word| [word as u16, (word >> 16) as u16]);
        Cells { begins, places: places.take(count as usize).collect() }
    }

    fn len(&self) -> u64 {
        self.begins.len() as u64 - 1
    }

    /// Bits of a place in the whole period: there are as many cells as some power of two.
    fn bits(&self) -> u32 {
        16 + self.len().trailing_zeros()
    }

    /// The phase of a subject of a cell.
    fn phase(&self, cell: u64, subject: u32, period: u64) -> u64 {
        let place = cell << 16 | u64::from(self.places[subject as usize]);
        match place.checked_mul(period) {
            Some(product) => product >> self.bits(),
            None => ((u128::from(place) * u128::from(period)) >> self.bits()) as u64,
        }
    }

    /// A place in the whole period before which all phases are before this one.
    fn place(&self, phase: u64, period: u64) -> u64 {
        if phase >> (63 - self.bits()) == 0 {
            (phase << self.bits()) / period
        } else {
            ((u128::from(phase) << self.bits()) / u128::from(period)) as u64
        }
    }

    /// The phases and subjects of a cell.
    fn of(&self, cell: u64, period: u64) -> impl Iterator<Item = (u64, u32)> {
        let subjects = self.begins[cell as usize]..self.begins[cell as usize + 1];
        subjects.map(move |subject| (self.phase(cell, subject, period), subject))
    }

    /// The first phase and subject that are not below these, of the subjects that are there.
    fn first(
        &self,
        least: (u64, u32),
        period: u64,
        there: impl Fn(u32) -> bool,
    ) -> Option<(u64, u32)> {
        let place = self.place(least.0, period);
        let one_each = period >> self.bits() > 0;
        (place >> 16..self.len()).find_map(|cell| {
            // Places have the order of their phases.
            let place = place.saturating_sub(cell << 16);
            let begin = self.begins[cell as usize];
            let places = &self.places[begin as usize..self.begins[cell as usize + 1] as usize];
            let soonest = places.iter().copied().filter(|own| u64::from(*own) >= place).min()?;
            let first = places.iter().position(|own| *own == soonest).unwrap_or_default();
            let subject = begin + first as u32;
            let entry = (self.phase(cell, subject, period), subject);
            if one_each && entry >= least && there(subject) {
                return Some(entry);
            }
            self.of(cell, period).filter(|entry| *entry >= least && there(entry.1)).min()
        })
    }

    /// The phases and subjects of all cells.
    fn all(&self, period: u64) -> impl Iterator<Item = (u64, u32)> {
        (0..self.len()).flat_map(move |cell| self.of(cell, period))
    }
}

/// The periodic checks of some subjects: one per subject and period.
pub struct Rounds {
    /// Time between two checks of a subject.
    pub(super) period: u64,
    phasing: Phasing,
    stream: LazyStream,
    /// Subjects from the start.
    first: u32,
    /// Their phases, drawn when first needed, if they are random.
    cells: Option<Cells>,
    /// Those of them that have left, by number.
    gone: Vec<u32>,
    /// Phase and number of subjects that joined later, in order.
    joined: Vec<(u64, u32)>,
    /// Number that the next subject gets.
    next: u32,
    /// Checks that subjects did not make before they joined, and those they made before they left:
    /// what the present ones would have made since the start is put right by this.
    correction: i128,
    /// Instants that checks are counted up to, and the counts of those that are past.
    marks: Vec<SimTime>,
    made_at: Vec<u64>,
}

impl Rounds {
    /// Checks of `count` subjects from the start on.
    pub fn new(period: SimDuration, phasing: Phasing, count: u32, stream: LazyStream) -> Rounds {
        assert!(!period.is_zero(), "a period is not zero");
        Rounds {
            period: period.ns(),
            phasing,
            stream,
            first: count,
            cells: None,
            gone: Vec::new(),
            joined: Vec::new(),
            next: count,
            correction: 0,
            marks: Vec::new(),
            made_at: Vec::new(),
        }
    }

    /// Counts the checks up to these instants, which come in order.
    pub fn mark(&mut self, marks: &[SimTime]) {
        self.marks = marks.to_vec();
    }

    /// Checks made before each mark that is past, and before now.
    pub fn made_at_marks(&mut self, now: SimTime) -> Vec<u64> {
        self.pass_marks(now);
        let all = self.made_before(now);
        self.made_at.iter().copied().chain([all]).collect()
    }

    /// Counts up to the marks that are past. A count is exact only for those who are present, so
    /// this comes before anybody joins or leaves.
    fn pass_marks(&mut self, now: SimTime) {
        while let Some(&mark) = self.marks.get(self.made_at.len()).filter(|mark| **mark <= now) {
            let made = self.made_before(mark);
            self.made_at.push(made);
        }
    }

    /// Number of subjects.
    pub fn count(&self) -> u32 {
        self.first - self.gone.len() as u32 + self.joined.len() as u32
    }

    /// Draws random phases, if that is still to do.
    fn born(&mut self) {
        if self.phasing == Phasing::Random && self.cells.is_none() {
            self.cells = Some(Cells::draw(self.first, &mut self.stream));
        }
    }

    /// The phase of a subject that is spread.
    fn spread(&self, subject: u32) -> u64 {
        let count = u128::from(self.first.max(1));
        (u128::from(self.period) * u128::from(subject) / count) as u64
    }

    /// Phase and number of every subject from the start that is still there.
    fn present(&self) -> Box<dyn Iterator<Item = (u64, u32)> + '_> {
        let all: Box<dyn Iterator<Item = (u64, u32)>> = match (self.phasing, &self.cells) {
            (Phasing::Random, Some(cells)) => Box::new(cells.all(self.period)),
            (Phasing::Random | Phasing::Aligned, _) => Box::new((0..self.first).map(|s| (0, s))),
            (Phasing::Spread, _) => Box::new((0..self.first).map(|s| (self.spread(s), s))),
        };
        Box::new(all.filter(|(_, subject)| self.gone.binary_search(subject).is_err()))
    }

    /// Adds a subject now; gives its first check. With random phases that is within a period;
    /// otherwise it keeps step with the others (aligned), or starts at once (spread).
    pub fn join(&mut self, now: SimTime) -> Check {
        self.born();
        self.pass_marks(now);
        let subject = self.next;
        self.next += 1;
        let wait = match self.phasing {
            Phasing::Random => {
                let draw = self.stream.get().next_u32();
                ((u128::from(draw) * u128::from(self.period)) >> 32) as u64
            }
            Phasing::Aligned => (self.period - now.ns() % self.period) % self.period,
            Phasing::Spread => 0,
        };
        let phase = (now.ns() + wait) % self.period;
        self.correction -= i128::from(self.made(phase, now));
        let place = self.joined.partition_point(|entry| *entry < (phase, subject));
        self.joined.insert(place, (phase, subject));
        Check { at: now.saturating_add(SimDuration::from_ns(wait).unwrap_or_default()), subject }
    }

    /// Takes a subject out: the newest, and of those from the start with random phases any, since
    /// their numbers say nothing of their age. Gives its number. `had_turn` tells whether a check
    /// of a subject at this very instant has been made.
    pub fn leave(&mut self, now: SimTime, had_turn: impl Fn(u32) -> bool) -> Option<u32> {
        self.born();
        self.pass_marks(now);
        let newest =
            self.joined.iter().enumerate().max_by_key(|(_, (_, subject))| *subject).map(|(p, _)| p);
        let (phase, subject) = match newest {
            Some(place) => self.joined.remove(place),
            None => {
                let left = self.first - self.gone.len() as u32;
                let which = match self.phasing {
                    _ if left == 0 => return None,
                    Phasing::Random => self.stream.get().below(left),
                    Phasing::Aligned | Phasing::Spread => left - 1,
                };
                let entry = self.present().nth(which as usize)?;
                let place = self.gone.partition_point(|subject| *subject < entry.1);
                self.gone.insert(place, entry.1);
                entry
            }
        };
        let due_now = now.ns() % self.period == phase && had_turn(subject);
        self.correction += i128::from(self.made(phase, now) + u64::from(due_now));
        Some(subject)
    }

    /// Checks in `[start, until)` of a subject with this phase.
    fn made(&self, phase: u64, until: SimTime) -> u64 {
        until.ns().saturating_sub(phase).div_ceil(self.period)
    }

    /// Checks made by all subjects before an instant: exact, and without counting them one by one.
    pub fn made_before(&mut self, until: SimTime) -> u64 {
        let (whole, rest) = (until.ns() / self.period, until.ns() % self.period);
        let mut begun = 0;
        if rest > 0 {
            self.born();
            let phases = self.present().chain(self.joined.iter().copied());
            begun = phases.filter(|(phase, _)| *phase < rest).count() as u64;
        }
        let sum = i128::from(u64::from(self.count()) * whole + begun) + self.correction;
        u64::try_from(sum).expect("a subject leaves after it joins")
    }

    /// The first check at or after an instant.
    pub fn from(&mut self, from: SimTime) -> Option<Check> {
        self.next(from, 0)
    }

    /// The check after this one, over all subjects.
    pub fn after(&mut self, check: Check) -> Option<Check> {
        self.next(check.at, check.subject + 1)
    }

    /// The first check that is not before the instant and, at the instant itself, not of a subject
    /// with a lower number.
    fn next(&mut self, from: SimTime, subject_min: u32) -> Option<Check> {
        self.born();
        let (round, phase) = (from.ns() / self.period, from.ns() % self.period);
        let (round, (phase, subject)) = match self.in_round((phase, subject_min)) {
            Some(entry) => (round, entry),
            None => (round + 1, self.in_round((0, 0))?),
        };
        let at = SimTime::from_ns(round.checked_mul(self.period)?.checked_add(phase)?)?;
        Some(Check { at, subject })
    }

    /// The first phase and subject of a round that are not below these.
    fn in_round(&self, least: (u64, u32)) -> Option<(u64, u32)> {
        let all = self.gone.is_empty();
        let there = |subject: u32| all || self.gone.binary_search(&subject).is_err();
        let first = match (self.phasing, &self.cells) {
            (Phasing::Random, Some(cells)) => cells.first(least, self.period, there),
            (Phasing::Random | Phasing::Aligned, _) => {
                let from = if least.0 == 0 { least.1 } else { self.first };
                (from..self.first).find(|&subject| there(subject)).map(|subject| (0, subject))
            }
            (Phasing::Spread, _) => {
                let below = u128::from(least.0) * u128::from(self.first) / u128::from(self.period);
                (below as u32..self.first)
                    .map(|subject| (self.spread(subject), subject))
                    .find(|entry| *entry >= least && there(entry.1))
            }
        };
        let place = self.joined.partition_point(|entry| *entry < least);
        first.into_iter().chain(self.joined.get(place).copied()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamNumber, Streams};

    fn rounds(phasing: Phasing, count: u32, seed: u64) -> Rounds {
        let stream = LazyStream::new(&Streams::new(seed, 0), StreamNumber::of("c", "sweep-phase"));
        Rounds::new(SimDuration::from_secs(300), phasing, count, stream)
    }

    /// Walking check by check meets each subject once a period, in order, and the counts agree.
    #[test]
    fn walking_and_counting_agree() {
        for phasing in [Phasing::Random, Phasing::Aligned, Phasing::Spread] {
            for count in [0, 1, 2, 31, 32, 33, 100, 1000] {
                let mut rounds = rounds(phasing, count, 7);
                let end = SimTime::from_ns(2_750_000_000_001).unwrap();
                let mut check = rounds.from(SimTime::START);
                let mut walked: Vec<Check> = Vec::new();
                while let Some(now) = check.filter(|check| check.at < end) {
                    assert!(walked.last().is_none_or(|last| *last < now), "{phasing:?} {count}");
                    walked.push(now);
                    check = rounds.after(now);
                }
                assert_eq!(walked.len() as u64, rounds.made_before(end), "{phasing:?} {count}");
                for subject in 0..count {
                    let own: Vec<u64> =
                        walked.iter().filter(|c| c.subject == subject).map(|c| c.at.ns()).collect();
                    assert!(own.len() >= 9, "{phasing:?} {count} {subject}");
                    assert!(own.windows(2).all(|pair| pair[1] - pair[0] == 300_000_000_000));
                }
            }
        }
    }

    /// Joining and leaving keep the count exact.
    #[test]
    fn counts_follow_those_who_come_and_go() {
        for phasing in [Phasing::Random, Phasing::Aligned, Phasing::Spread] {
            let at = |seconds: u64| SimTime::from_ns(seconds * 1_000_000_000).unwrap();
            let mut rounds = rounds(phasing, 3, 1);
            let joined = rounds.join(at(1000));
            assert!(joined.at >= at(1000) && joined.at < at(1300));
            assert_eq!(rounds.leave(at(2000), |_| false), Some(joined.subject));
            let made =
                |until: SimTime| until.saturating_since(joined.at).ns().div_ceil(300_000_000_000);
            assert_eq!(rounds.made_before(at(3000)), 30 + made(at(2000)), "{phasing:?}");
            while rounds.leave(at(3000), |_| false).is_some() {}
            assert_eq!(rounds.count(), 0);
            assert_eq!(rounds.from(at(3000)), None);
            assert_eq!(rounds.made_before(at(9000)), 30 + made(at(2000)), "{phasing:?}");
        }
    }

    /// Counts up to marks are what is counted when the run ends at the mark, whoever comes and goes
    /// later, also where that happens at the mark itself.
    #[test]
    fn counts_up_to_marks_do_not_depend_on_what_comes_later() {
        let at = |seconds: u64| SimTime::from_ns(seconds * 1_000_000_000).unwrap();
        for phasing in [Phasing::Random, Phasing::Aligned, Phasing::Spread] {
            let marks = [at(1000), at(2000), at(2000), at(2750), at(5000)];
            let play = |marks: &[SimTime], end: SimTime| {
                let mut rounds = rounds(phasing, 3, 5);
                rounds.mark(marks);
                for (when, joins) in [(900, true), (2000, true), (2600, false), (4000, false)] {
                    match (at(when) < end, joins) {
                        (false, _) => {}
                        (true, true) => drop(rounds.join(at(when))),
                        (true, false) => assert!(rounds.leave(at(when), |_| false).is_some()),
                    }
                }
                rounds.made_at_marks(end)
            };
            let alone: Vec<u64> = marks.iter().map(|mark| play(&[], *mark)[0]).collect();
            assert_eq!(play(&marks, at(6000))[..5], alone, "{phasing:?}");
        }
    }

    /// Phases are uniform: the first of n after a fixed instant comes after period / (n + 1) on
    /// average (closed form 7.3), also where the period is cut into many cells.
    #[test]
    fn random_phases_are_uniform() {
        for (count, from) in [(1u32, 17u64), (12, 0), (100, 123), (1000, 299)] {
            let from = SimTime::from_ns(from * 1_000_000_000).unwrap();
            let waits: Vec<f64> = (0..4000)
                .map(|seed| {
                    let check = rounds(Phasing::Random, count, seed).from(from).unwrap();
                    check.at.saturating_since(from).seconds()
                })
                .collect();
            let mean = waits.iter().sum::<f64>() / 4000.0;
            let n = f64::from(count);
            let expected = 300.0 / (n + 1.0);
            // Standard deviation of the minimum of n uniforms.
            let sd = 300.0 * (n / ((n + 1.0) * (n + 1.0) * (n + 2.0))).sqrt();
            let error = (mean - expected).abs() / (sd / 4000f64.sqrt());
            assert!(error < 4.0, "{count}: {mean} instead of {expected}");
        }
    }
}
