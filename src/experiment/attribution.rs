//! What systems were down for: which event is charged with the time of a replication, and the shares
//! of the downtime by root cause and phase over replications.
//!
//! Cells are pure functions, so what they were down for is found by playing them once more: nothing
//! of it has to be kept for those who do not ask.

use super::outcome::{Outcome, Stay};
use super::plan::Cell;
use super::study::Study;
use crate::engine::trace::{Charge, Seq};
use crate::engine::{EntityId, Halt, SimTime};
use crate::stats::special::student_quantile;
use crate::stats::{CONFIDENCE, Moments};
use crate::systems::spec::{EntityKind, Role, StateSpec};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Cells of a world that are played before their times are added up.
const STRETCH: u64 = 4_096;

/// What a time is charged to: an entity, its root cause in words, and a phase.
type Part = (String, String, &'static str);
/// The times of a replication, in nanoseconds.
type Times = BTreeMap<Part, u64>;

/// A part of the downtime of a system.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Path of the system.
    pub entity: String,
    /// The root event, in words; empty if nothing led to it.
    pub root: String,
    /// Part of the course of things.
    pub phase: &'static str,
    /// Replications in which there was such a time.
    pub seen: u64,
    /// Mean time of a replication, in seconds.
    pub seconds: f64,
    /// Its interval, by Student's t; nothing if all observations are the same.
    pub interval: Option<(f64, f64)>,
    /// Share of the downtime of the system, all replications together.
    pub share: f64,
    /// Its interval, by the ratio estimator; nothing if the share does not vary.
    pub share_interval: Option<(f64, f64)>,
}

/// Why there are no shares.
#[derive(Debug)]
pub enum Stop {
    /// The user does not want them any more.
    Interrupted,
    /// A cell met a limit of its budget.
    Failed(Cell, Halt),
}

/// A root event in words.
pub fn root_in_words(entities: &[(&str, &EntityKind)], outcome: &Outcome, root: Seq) -> String {
    let record = &outcome.trace.records[root as usize];
    let (path, kind) = entities[record.entity.0 as usize];
    match (record.from == record.to, record.detail.is_empty()) {
        (_, false) => format!("{path}: {}", record.detail),
        (false, true) => format!("{path}: {}", kind.states[usize::from(record.to)].name),
        (true, true) => path.to_owned(),
    }
}

/// A stretch of the time of an entity in one state: its phase, its root, and its ends.
pub struct Stretch {
    /// Name of the state.
    pub state: &'static str,
    /// Part of the course of things.
    pub phase: &'static str,
    /// The root event.
    pub root: Option<Seq>,
    /// Its start.
    pub from: SimTime,
    /// Its end.
    pub to: SimTime,
}

/// The downtime of every system in one replication, by root cause and phase.
fn times(entities: &[(&str, &EntityKind)], outcome: &Outcome) -> Times {
    let mut times = Times::new();
    let systems = (0..).map(EntityId).zip(entities);
    for (entity, (path, _)) in systems.filter(|(_, (_, kind))| kind.role == Role::System) {
        let stretches = downtime(entity, entities, outcome);
        for Stretch { phase, root, from, to, .. } in stretches.iter().filter(|s| s.from < s.to) {
            let root = root.map(|root| root_in_words(entities, outcome, root));
            let part = ((*path).to_owned(), root.unwrap_or_default(), *phase);
            *times.entry(part).or_default() += to.saturating_since(*from).ns();
        }
    }
    times
}

/// The time that an entity charges to phases, in the order of time, each stretch to the event that
/// began its trouble.
pub fn charged(
    entity: EntityId,
    entities: &[(&str, &EntityKind)],
    outcome: &Outcome,
) -> Vec<Stretch> {
    let trace = &outcome.trace;
    let own = trace.charges.iter().filter(|charge| charge.entity == entity);
    let stretch = |charge: &Charge| Stretch {
        state: charge.state,
        phase: charge.phase,
        root: charge.cause.map(|cause| trace.root(cause)),
        from: charge.from,
        to: charge.to,
    };
    let mut charged: Vec<Stretch> = own.map(stretch).collect();
    settle(&mut charged, |root| ends_a_fault(entities, outcome, root));
    charged
}

/// The downtime of a system in the order of time. Where it does not charge all of it to phases, its
/// states are the phases.
fn downtime(entity: EntityId, entities: &[(&str, &EntityKind)], outcome: &Outcome) -> Vec<Stretch> {
    let trace = &outcome.trace;
    let place = entity.0 as usize;
    let states = entities[place].1.states;
    let serves = |name: &str| states.iter().any(|state| state.name == name && state.serves);
    let stays = outcome.timeline[place].iter().map(|stay| (&states[usize::from(stay.state)], stay));
    let stays = stays.filter(|(state, _)| !state.serves);
    let stretch = |(state, stay): (&StateSpec, &Stay)| Stretch {
        state: state.name,
        phase: state.name,
        root: stay.cause.map(|cause| trace.root(cause)),
        from: stay.from,
        to: stay.to,
    };
    let mut by_state: Vec<Stretch> = stays.map(stretch).collect();
    let mut charged = charged(entity, entities, outcome);
    charged.retain(|stretch| !serves(stretch.state));
    let length = |stretches: &[Stretch]| -> u64 {
        stretches.iter().map(|one| one.to.saturating_since(one.from).ns()).sum()
    };
    if length(&charged) == length(&by_state) {
        return charged;
    }
    settle(&mut by_state, |root| ends_a_fault(entities, outcome, root));
    by_state
}

/// Is a root event the end of a fault?
fn ends_a_fault(entities: &[(&str, &EntityKind)], outcome: &Outcome, root: Seq) -> bool {
    let record = &outcome.trace.records[root as usize];
    let states = entities[record.entity.0 as usize].1.states;
    let serves = |state: u8| states[usize::from(state)].serves;
    serves(record.to) && !serves(record.from)
}

/// What is found when one fault is over comes of another: it is charged to the root of the last
/// stretch of the same outage and phase, or else to what came before it in that outage.
fn settle(stretches: &mut [Stretch], ends_a_fault: impl Fn(Seq) -> bool) {
    for at in 0..stretches.len() {
        if !stretches[at].root.is_some_and(&ends_a_fault) {
            continue;
        }
        let start = (0..at).rev().take_while(|one| stretches[*one].to == stretches[*one + 1].from);
        let same: Vec<usize> = start.collect();
        let phase = stretches[at].phase;
        let found = same.iter().find(|one| stretches[**one].phase == phase).or(same.first());
        if let Some(root) = found.map(|one| stretches[*one].root) {
            stretches[at].root = root;
        }
    }
}

/// What is known of a part so far.
#[derive(Default)]
struct Tally {
    seen: u64,
    moments: Moments,
    squares: f64,
    /// Sum of its products with the downtime of its system.
    products: f64,
}

/// The observations so far: replications, or the means of worlds.
#[derive(Default)]
struct Sums {
    count: u64,
    parts: BTreeMap<Part, Tally>,
    /// The downtime of each system: its sum, and that of its squares.
    systems: BTreeMap<String, (f64, f64)>,
}

impl Sums {
    /// Takes an observation: seconds of each part, and in how many replications each was seen.
    fn push(&mut self, seconds: &BTreeMap<Part, (f64, u64)>) {
        let mut whole: BTreeMap<&str, f64> = BTreeMap::new();
        for ((entity, ..), (value, _)) in seconds {
            *whole.entry(entity).or_default() += value;
        }
        for (part, &(value, seen)) in seconds {
            let tally = self.parts.entry(part.clone()).or_default();
            let unseen = self.count - tally.moments.count();
            tally.moments.merge(&Moments::of_runs(&[(0.0, unseen)]));
            tally.moments.push(value);
            tally.seen += seen;
            tally.squares += value * value;
            tally.products += value * whole.get(part.0.as_str()).copied().unwrap_or(0.0);
        }
        for (entity, value) in whole {
            let system = self.systems.entry(entity.to_owned()).or_default();
            *system = (system.0 + value, system.1 + value * value);
        }
        self.count += 1;
    }

    fn shares(self, horizon: f64) -> Vec<Share> {
        let n = self.count as f64;
        let t = (self.count > 1).then(|| student_quantile(0.5 + CONFIDENCE / 2.0, n - 1.0));
        let share = |((entity, root, phase), mut tally): (Part, Tally)| {
            let (sum, squares) = self.systems.get(&entity).copied().unwrap_or_default();
            let unseen = self.count - tally.moments.count();
            tally.moments.merge(&Moments::of_runs(&[(0.0, unseen)]));
            let seconds = tally.moments.mean().unwrap_or(0.0);
            let half = tally.moments.half_width().filter(|half| *half > 0.0);
            let share = if sum > 0.0 { seconds * n / sum } else { 0.0 };
            // What is left of the part's time when its share of the downtime is taken off.
            let rest = tally.squares - 2.0 * share * tally.products + share * share * squares;
            // Less than this is rounding.
            let varies = rest > 1e-12 * (tally.squares + share * share * squares);
            let error = t.filter(|_| varies).map(|t| t * libm::sqrt(rest * n / (n - 1.0)) / sum);
            Share {
                entity,
                root,
                phase,
                seen: tally.seen,
                seconds,
                interval: half.map(|h| ((seconds - h).max(0.0), (seconds + h).min(horizon))),
                share: share.min(1.0),
                share_interval: error.map(|e| ((share - e).max(0.0), (share + e).min(1.0))),
            }
        };
        self.parts.into_iter().map(share).collect()
    }
}

/// Plays the replications of a design point once more, and takes the downtime of its systems apart.
/// `done` is told how many cells were played, and says whether to go on.
///
/// # Errors
/// `done` says to stop, or a cell cannot be played.
pub fn shares(
    study: &Study,
    design: usize,
    replications: u64,
    mut done: impl FnMut(u64) -> bool,
) -> Result<Vec<Share>, Stop> {
    let worlds = study.worlds();
    let mut sums = Sums::default();
    for world in 0..worlds {
        let point = design * worlds + world;
        let mut whole: BTreeMap<Part, (u64, u64)> = BTreeMap::new();
        for from in (0..replications).step_by(STRETCH as usize) {
            let to = (from + STRETCH).min(replications);
            let play = |worker: &mut super::study::Worker, replication: u64| {
                let cell = Cell { point, replication };
                let outcome = worker.outcome(cell).map_err(|halt| Stop::Failed(cell, halt))?;
                Ok(times(&worker.entities(), &outcome))
            };
            let cells = (from..to).into_par_iter();
            let played: Vec<Result<Times, Stop>> =
                cells.map_init(|| study.worker(point), play).collect();
            for times in played {
                let mut once = BTreeMap::new();
                for (part, ns) in times? {
                    if worlds == 1 {
                        once.insert(part, (ns as f64 / 1e9, 1));
                    } else {
                        let (sum, seen) = whole.entry(part).or_default();
                        (*sum, *seen) = (*sum + ns, *seen + 1);
                    }
                }
                if worlds == 1 {
                    sums.push(&once);
                }
            }
            if !done(to - from) {
                return Err(Stop::Interrupted);
            }
        }
        if worlds > 1 {
            let mean = |ns: u64| ns as f64 / 1e9 / replications as f64;
            let means = whole.into_iter().map(|(part, (ns, seen))| (part, (mean(ns), seen)));
            sums.push(&means.collect());
        }
    }
    Ok(sums.shares(study.horizon(design).seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A denial that goes on when an outage is over is still the denial; what comes of it later too.
    #[test]
    fn the_end_of_a_fault_is_no_root_cause() {
        let at = |ns: u64| SimTime::from_ns(ns).unwrap();
        let one = |phase, root, from, to| Stretch {
            state: "down",
            phase,
            root: Some(root),
            from: at(from),
            to: at(to),
        };
        let mut all = vec![
            one("denied", 1, 0, 10),
            one("unreachable", 2, 10, 20),
            one("denied", 3, 20, 30),
            one("deleted", 3, 30, 40),
            one("denied", 3, 50, 60),
        ];
        settle(&mut all, |root| root == 3);
        let roots: Vec<u64> = all.iter().map(|one| u64::from(one.root.unwrap())).collect();
        assert_eq!(roots, [1, 2, 1, 1, 3], "the last is an outage of its own");
    }

    fn part(root: &str) -> Part {
        ("s".to_owned(), root.to_owned(), "down")
    }

    /// By hand: a has 2, 0, 4 s and b 1, 3, 0 s, so that a has 6 of 10 s. Left of a when 0.6 of the
    /// downtime 3, 3, 4 is taken off: 0.2, -1.8, 1.6, whose squares add up to 5.84; t(0.975, 2) is
    /// 4.302653, and 4.302653 x sqrt(5.84 x 3 / 2) / 10 = 1.2735.
    #[test]
    fn shares_are_sums_in_the_head() {
        let mut sums = Sums::default();
        for (a, b) in [(2.0, 1.0), (0.0, 3.0), (4.0, 0.0)] {
            let pairs = [(part("a"), (a, 1)), (part("b"), (b, 1))];
            sums.push(&pairs.into_iter().filter(|(_, (value, _))| *value > 0.0).collect());
        }
        let found = sums.shares(1e6);
        let [a, b] = &found[..] else { panic!("{found:?}") };
        assert_eq!((a.root.as_str(), a.seen, a.seconds), ("a", 2, 2.0));
        assert!((a.share - 0.6).abs() < 1e-12 && (b.share - 0.4).abs() < 1e-12);
        // The mean of a is 2 with standard deviation 2.
        let (low, high) = a.interval.unwrap();
        assert!(low == 0.0 && (high - 2.0 - 4.302_653 * 2.0 / 3f64.sqrt()).abs() < 1e-5);
        assert_eq!(a.share_interval, Some((0.0, 1.0)));
        let error = 4.302_653 * (5.84f64 * 3.0 / 2.0).sqrt() / 10.0;
        let mut many = Sums::default();
        for _ in 0..400 {
            for (a, b) in [(2.0, 1.0), (0.0, 3.0), (4.0, 0.0)] {
                let pairs = [(part("a"), (a, 1)), (part("b"), (b, 1))];
                many.push(&pairs.into_iter().filter(|(_, (value, _))| *value > 0.0).collect());
            }
        }
        // 400 times as many: the square root of 400 x 3 - 1 over 2 narrower, and t = 1.961950.
        let (low, high) = many.shares(1e6)[0].share_interval.unwrap();
        let narrower = error * 1.961_950 / 4.302_653 * (2.0f64 / 1_199.0).sqrt();
        assert!(((high - low) / 2.0 - narrower).abs() < 1e-6, "{low} {high} {narrower}");
    }

    /// What is down for one reason alone has a share of 1 that does not vary.
    #[test]
    fn the_only_part_has_no_interval() {
        let mut sums = Sums::default();
        for value in [1.1, 2.3, 0.7] {
            sums.push(&BTreeMap::from([(part("a"), (value, 1))]));
        }
        let found = sums.shares(1e6);
        assert!((found[0].share - 1.0).abs() < 1e-12);
        assert_eq!(found[0].share_interval, None);
    }
}
