//! The graph against brute force: every set of at most three faults, put in and played through.

use super::{CutSet, Dependence, ORDER_MAX};
use crate::engine::{EntityId, RandomStream, StreamNumber, Streams};
use crate::systems::contract::Need;
use std::collections::BTreeSet;

/// Does a need hold, when these entities do not work and these have a fault? Written apart from
/// the code under test.
fn holds(need: &Need, down: &[bool], faults: &[EntityId]) -> bool {
    match need {
        Need::Works(entity) => !down[entity.0 as usize],
        Need::Intact(entity) => !faults.contains(entity),
        Need::AtLeast(least, of) => {
            of.iter().filter(|need| holds(need, down, faults)).count() >= *least
        }
    }
}

/// The entities that are down with these faults: from all up, until nothing else goes down.
fn down(needs: &[Need], faults: &[EntityId]) -> Vec<bool> {
    let mut down: Vec<bool> =
        (0..needs.len()).map(|number| faults.contains(&EntityId(number as u32))).collect();
    loop {
        let more: Vec<usize> =
            (0..needs.len()).filter(|&n| !down[n] && !holds(&needs[n], &down, faults)).collect();
        if more.is_empty() {
            return down;
        }
        more.into_iter().for_each(|number| down[number] = true);
    }
}

/// Every set of one to three faults.
fn subsets(faults: &[EntityId]) -> Vec<CutSet> {
    let mut all: Vec<CutSet> = vec![Vec::new()];
    for fault in faults {
        let with: Vec<CutSet> = all
            .iter()
            .filter(|set| set.len() < ORDER_MAX)
            .map(|set| set.iter().copied().chain([*fault]).collect())
            .collect();
        all.extend(with);
    }
    all.retain(|set| !set.is_empty());
    all
}

fn brute(needs: &[Need], faults: &[EntityId], entity: usize) -> BTreeSet<CutSet> {
    let cutting: BTreeSet<CutSet> =
        subsets(faults).into_iter().filter(|set| down(needs, set)[entity]).collect();
    let minimal = |set: &CutSet| {
        !cutting
            .iter()
            .any(|other| other.len() < set.len() && other.iter().all(|fault| set.contains(fault)))
    };
    cutting.iter().filter(|set| minimal(set)).cloned().collect()
}

/// A need over some of the first `below` entities, nested at most twice.
fn need(stream: &mut RandomStream, below: u32, faults: u32, depth: u32) -> Need {
    if depth == 0 || stream.below(3) == 0 {
        return if stream.below(4) == 0 {
            Need::Intact(EntityId(stream.below(faults)))
        } else {
            Need::Works(EntityId(stream.below(below)))
        };
    }
    let of: Vec<Need> =
        (0..=stream.below(3)).map(|_| need(stream, below, faults, depth - 1)).collect();
    Need::AtLeast(1 + stream.below(of.len() as u32) as usize, of)
}

/// A world of seven things with faults and nine that need some of the things before them; in
/// every third world also of things after them, so that there are circles.
fn world(number: u64) -> (Vec<Need>, Vec<bool>) {
    const FAULTS: u32 = 7;
    const ALL: u32 = 16;
    let mut stream = Streams::new(5, number).stream(StreamNumber::of("world", "graph"));
    let mut needs = Vec::new();
    for entity in 0..ALL {
        let below = if number.is_multiple_of(3) { ALL } else { entity };
        needs.push(match entity {
            0 | 1 => Need::AtLeast(0, Vec::new()),
            // Things with faults may need each other, as a key needs its location.
            _ => need(&mut stream, below, FAULTS, if entity < FAULTS { 1 } else { 2 }),
        });
    }
    (needs, (0..ALL).map(|entity| entity < FAULTS).collect())
}

#[test]
fn random_graphs_agree_with_brute_force() {
    let (mut sets, mut largest, mut weakened) = (0, 0, 0);
    for number in 0..300 {
        let (needs, faulty) = world(number);
        let graph = Dependence::new(needs.clone(), faulty);
        let faults: Vec<EntityId> = graph.faults().collect();
        assert_eq!(faults.len(), 7);
        let entities: Vec<EntityId> = (0..16).map(EntityId).collect();
        for (entity, cuts) in graph.cuts(&entities).into_iter().enumerate() {
            assert_eq!(cuts.complete_to, ORDER_MAX);
            assert!(cuts.sets.is_sorted_by_key(|set| set.len()));
            let found: BTreeSet<CutSet> = cuts.sets.iter().cloned().collect();
            let expected = brute(&needs, &faults, entity);
            assert_eq!(found, expected, "world {number}, entity {entity}: {needs:#?}");
            sets += found.len();
            largest += found.iter().filter(|set| set.len() == ORDER_MAX).count();
        }
        for (fault, radius) in graph.radii() {
            let down = down(&needs, &[fault]);
            let expected: Vec<EntityId> = entities
                .iter()
                .copied()
                .filter(|entity| *entity != fault && down[entity.0 as usize])
                .collect();
            assert_eq!(radius.down, expected, "world {number}, {fault:?}: {needs:#?}");
            assert!(radius.weakened.iter().all(|entity| !down[entity.0 as usize]));
            weakened += radius.weakened.len();
        }
    }
    // The worlds are worth the name.
    assert!(sets > 3_000 && largest > 100 && weakened > 500, "{sets} {largest} {weakened}");
}

/// Two clusters on two keys of two locations, and a service that needs one of them: worked out by
/// hand.
#[test]
fn a_redundant_pair_has_cut_sets_of_two() {
    let works = |number| Need::Works(EntityId(number));
    let all = |of: Vec<Need>| Need::AtLeast(of.len(), of);
    // 0, 1: locations; 2, 3: keys; 4, 5: systems; 6: any of the two; 7: both.
    let needs = vec![
        all(Vec::new()),
        all(Vec::new()),
        all(vec![works(0)]),
        all(vec![works(1)]),
        all(vec![works(2)]),
        all(vec![works(3)]),
        Need::AtLeast(1, vec![works(4), works(5)]),
        all(vec![works(4), works(5)]),
    ];
    let graph = Dependence::new(needs, (0..8).map(|number| number < 4).collect());
    let sets = |of: u32| graph.cuts(&[EntityId(of)]).remove(0).sets;
    let ids = |of: &[u32]| of.iter().copied().map(EntityId).collect::<CutSet>();
    assert_eq!(sets(7), [ids(&[0]), ids(&[1]), ids(&[2]), ids(&[3])]);
    assert_eq!(sets(6), [ids(&[0, 1]), ids(&[0, 3]), ids(&[1, 2]), ids(&[2, 3])]);
    let radii = graph.radii();
    assert_eq!(radii[&EntityId(0)].down, ids(&[2, 4, 7]));
    assert_eq!(radii[&EntityId(0)].weakened, ids(&[6]));
    assert_eq!(radii[&EntityId(3)].down, ids(&[5, 7]));
}

/// Where there are too many sets of three to look at, the order that is complete is told, and
/// single faults are exact all the same.
#[test]
fn an_order_that_is_too_much_work_is_given_up() {
    // Three groups of 200 faults each in series, and the three in parallel: 8 million sets.
    let group = |from: u32| {
        let of: Vec<Need> = (from..from + 200).map(|n| Need::Works(EntityId(n))).collect();
        Need::AtLeast(of.len(), of)
    };
    let mut needs = vec![Need::AtLeast(0, Vec::new()); 600];
    needs.push(Need::AtLeast(1, vec![group(0), group(200), group(400)]));
    needs.push(Need::AtLeast(2, vec![Need::Works(EntityId(600)), Need::Works(EntityId(7))]));
    let graph = Dependence::new(needs, (0..602).map(|number| number < 600).collect());
    let cuts = graph.cuts(&[EntityId(600), EntityId(601)]);
    assert_eq!((cuts[0].complete_to, cuts[0].sets.len()), (2, 0));
    assert_eq!((cuts[1].complete_to, cuts[1].sets.clone()), (2, vec![vec![EntityId(7)]]));
}
