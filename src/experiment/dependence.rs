//! What goes down with what: the graph of dependencies, its single points of failure and its
//! minimal cut sets, without playing anything.
//!
//! A fault is a key that is gone, a grant that is revoked, or a location or a manager that cannot be reached, for longer
//! than every grace. What an entity needs is said by its system; where it says nothing, it needs
//! everything that its process listens to.

#[cfg(test)]
mod tests;

use super::Model;
use crate::engine::EntityId;
use crate::systems::contract::Need;
use crate::systems::spec::{EntityKind, Role};
use std::collections::{BTreeMap, BTreeSet};

/// The largest cut sets that are looked for.
pub const ORDER_MAX: usize = 3;
/// Pairs of sets that are joined for one entity and one order before that order is given up: a
/// fraction of a second, and less than 100 MiB.
const WORK_MAX: usize = 400_000;
/// The same for all entities together.
const WORK_ALL_MAX: usize = 20 * WORK_MAX;

/// Faults that together take an entity down, in order; none of them can be left out.
pub type CutSet = Vec<EntityId>;
type Family = BTreeSet<CutSet>;

/// The minimal cut sets of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuts {
    /// The sets, smaller ones first.
    pub sets: Vec<CutSet>,
    /// Up to this many faults every set is listed.
    pub complete_to: usize,
}

/// What one fault does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Radius {
    /// The entities that go down with it, in order; not itself.
    pub down: Vec<EntityId>,
    /// The entities that stay up and lose something that they can do without.
    pub weakened: Vec<EntityId>,
}

/// The graph of dependencies.
pub struct Dependence {
    /// What each entity needs, by number.
    needs: Vec<Need>,
    /// Whether each entity can have a fault of its own.
    faults: Vec<bool>,
    /// The entities, needed ones before those that need them (as far as there are no circles).
    order: Vec<usize>,
    /// The faults that alone take each entity down.
    singles: Vec<BTreeSet<EntityId>>,
}

impl Dependence {
    /// The graph of a model: keys, the services that keys depend on, and parts of either that
    /// others listen to (grants) have faults, unless they serve in every state (quotas).
    pub fn of(model: &Model) -> Dependence {
        let kinds = (0..).map(EntityId).zip(model.entities().map(|(_, kind)| kind));
        let fails = |kind: &EntityKind| kind.states.iter().any(|state| !state.serves);
        let faults = kinds.map(|(entity, kind)| match kind.role {
            Role::Service | Role::Key => fails(kind),
            Role::Part => model.is_heard(entity) && fails(kind),
            Role::System | Role::Client => false,
        });
        Dependence::new(model.needs(), faults.collect())
    }

    /// A graph of entities by number: what each needs, and whether it has faults of its own.
    pub fn new(needs: Vec<Need>, faults: Vec<bool>) -> Dependence {
        let order = order(&needs);
        let mut graph = Dependence { needs, faults, order, singles: Vec::new() };
        graph.singles = graph.all_singles();
        graph
    }

    /// Everything that can have a fault of its own.
    pub fn faults(&self) -> impl Iterator<Item = EntityId> {
        (0..).map(EntityId).zip(&self.faults).filter(|(_, fault)| **fault).map(|(entity, _)| entity)
    }

    /// What each fault does, by fault.
    pub fn radii(&self) -> BTreeMap<EntityId, Radius> {
        let mut radii: BTreeMap<EntityId, Radius> =
            self.faults().map(|fault| (fault, Radius::default())).collect();
        let touched = self.all_touched();
        for (entity, (singles, touched)) in
            (0..).map(EntityId).zip(self.singles.iter().zip(&touched))
        {
            for fault in singles.iter().filter(|fault| **fault != entity) {
                radii.entry(*fault).or_default().down.push(entity);
            }
            for fault in touched.difference(singles) {
                radii.entry(*fault).or_default().weakened.push(entity);
            }
        }
        radii
    }

    /// The minimal cut sets of some entities, each with up to [`ORDER_MAX`] faults.
    pub fn cuts(&self, of: &[EntityId]) -> Vec<Cuts> {
        let mut wanted = vec![false; self.needs.len()];
        let mut open: Vec<EntityId> = of.to_vec();
        while let Some(entity) = open.pop() {
            let number = entity.0 as usize;
            if !std::mem::replace(&mut wanted[number], true) {
                leaves(&self.needs[number], &mut |entity, _| open.push(entity));
            }
        }
        let mut families: Vec<(Family, usize)> = vec![(Family::new(), ORDER_MAX); self.needs.len()];
        // Once is enough where there are no circles; on a circle cut sets travel round it.
        let mut work = WORK_ALL_MAX;
        let mut changed = true;
        while changed {
            changed = false;
            for &number in self.order.iter().filter(|&&number| wanted[number]) {
                let family = self.family(number, &families, &mut work);
                if family != families[number] {
                    changed = true;
                    families[number] = family;
                }
            }
        }
        of.iter().map(|entity| cuts(&families[entity.0 as usize])).collect()
    }

    /// The minimal cut sets of an entity from those of what it needs.
    fn family(
        &self,
        number: usize,
        families: &[(Family, usize)],
        work: &mut usize,
    ) -> (Family, usize) {
        let mut order = ORDER_MAX;
        leaves(&self.needs[number], &mut |entity, _| {
            order = order.min(families[entity.0 as usize].1);
        });
        while order > 1 {
            let small = |entity: EntityId| -> Family {
                let sets = families[entity.0 as usize].0.iter();
                sets.filter(|set| set.len() <= order).cloned().collect()
            };
            let most = WORK_MAX.min(*work);
            let mut left = most;
            let found = breaks(&self.needs[number], &small, order, &mut left);
            *work -= most - left;
            if let Some(mut family) = found {
                family.extend(self.own(number).map(|entity| vec![entity]));
                return (minimal(family), order);
            }
            order -= 1;
        }
        (self.singles[number].iter().map(|fault| vec![*fault]).collect(), 1)
    }

    fn own(&self, number: usize) -> Option<EntityId> {
        self.faults[number].then_some(EntityId(number as u32))
    }

    /// The faults that alone take each entity down.
    fn all_singles(&self) -> Vec<BTreeSet<EntityId>> {
        let mut all = vec![BTreeSet::new(); self.needs.len()];
        let mut changed = true;
        while changed {
            changed = false;
            for &number in &self.order {
                let mut singles = single_breaks(&self.needs[number], &all);
                singles.extend(self.own(number));
                if singles != all[number] {
                    changed = true;
                    all[number] = singles;
                }
            }
        }
        all
    }

    /// The faults that take away something that each entity needs or might, directly or not.
    fn all_touched(&self) -> Vec<BTreeSet<EntityId>> {
        let mut all = vec![BTreeSet::new(); self.needs.len()];
        let mut changed = true;
        while changed {
            changed = false;
            for &number in &self.order {
                let mut touched = BTreeSet::new();
                leaves(&self.needs[number], &mut |entity, whole| {
                    let inner = entity.0 as usize;
                    if whole {
                        touched.extend(self.singles[inner].iter().chain(&all[inner]).copied());
                    } else {
                        touched.insert(entity);
                    }
                });
                if touched != all[number] {
                    changed = true;
                    all[number] = touched;
                }
            }
        }
        all
    }
}

fn cuts((family, complete_to): &(Family, usize)) -> Cuts {
    let mut sets: Vec<CutSet> = family.iter().cloned().collect();
    sets.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    Cuts { sets, complete_to: *complete_to }
}

/// Visits the entities that a need names, with whether all that they need counts.
fn leaves(need: &Need, visit: &mut impl FnMut(EntityId, bool)) {
    match need {
        Need::Works(entity) => visit(*entity, true),
        Need::Intact(entity) => visit(*entity, false),
        Need::AtLeast(_, of) => of.iter().for_each(|need| leaves(need, visit)),
    }
}

/// The numbers, needed ones first. On a circle the order is any, but always the same.
fn order(needs: &[Need]) -> Vec<usize> {
    let mut order = Vec::with_capacity(needs.len());
    let mut seen = vec![false; needs.len()];
    for start in 0..needs.len() {
        let mut open = vec![(start, false)];
        while let Some((number, inner_done)) = open.pop() {
            if inner_done {
                order.push(number);
            } else if !std::mem::replace(&mut seen[number], true) {
                open.push((number, true));
                leaves(&needs[number], &mut |entity, _| open.push((entity.0 as usize, false)));
            }
        }
    }
    order
}

/// The faults that alone leave a need unmet.
fn single_breaks(need: &Need, singles: &[BTreeSet<EntityId>]) -> BTreeSet<EntityId> {
    match need {
        Need::Works(entity) => singles[entity.0 as usize].clone(),
        Need::Intact(entity) => BTreeSet::from([*entity]),
        Need::AtLeast(least, of) => {
            let enough = (of.len() + 1).saturating_sub(*least);
            let mut counts: BTreeMap<EntityId, usize> = BTreeMap::new();
            for inner in of {
                for fault in single_breaks(inner, singles) {
                    *counts.entry(fault).or_default() += 1;
                }
            }
            counts
                .into_iter()
                .filter(|(_, count)| *count >= enough)
                .map(|(fault, _)| fault)
                .collect()
        }
    }
}

/// The minimal sets of faults, up to an order, that leave a need unmet; `None` if finding them is
/// too much work.
fn breaks(
    need: &Need,
    of_entity: &impl Fn(EntityId) -> Family,
    order: usize,
    work: &mut usize,
) -> Option<Family> {
    match need {
        Need::Works(entity) => Some(of_entity(*entity)),
        Need::Intact(entity) => Some(Family::from([vec![*entity]])),
        Need::AtLeast(least, of) => {
            let enough = (of.len() + 1).saturating_sub(*least);
            // The sets that leave at least so many of the needs seen so far unmet.
            let mut at_least = vec![Family::new(); enough + 1];
            at_least[0].insert(Vec::new());
            for inner in of {
                let family = breaks(inner, of_entity, order, work)?;
                for count in (1..=enough).rev() {
                    let joined = join(&at_least[count - 1], &family, order, work)?;
                    if !joined.is_empty() {
                        let mut all = std::mem::take(&mut at_least[count]);
                        all.extend(joined);
                        at_least[count] = minimal(all);
                    }
                }
            }
            at_least.pop()
        }
    }
}

/// Every set of the one family with every set of the other, as far as they are small enough.
fn join(a: &Family, b: &Family, order: usize, work: &mut usize) -> Option<Family> {
    let mut joined = Family::new();
    for left in a {
        if left.len() == order {
            // There is no room for anything that it does not have.
            *work = work.checked_sub(1)?;
            joined.extend(parts(left).any(|part| b.contains(&part)).then(|| left.clone()));
            continue;
        }
        *work = work.checked_sub(b.len())?;
        for right in b {
            let mut both = left.clone();
            both.extend(right.iter().filter(|fault| !left.contains(fault)));
            if both.len() <= order {
                both.sort_unstable();
                joined.insert(both);
            }
        }
    }
    Some(joined)
}

/// Every part of a set, itself last. Sets have at most [`ORDER_MAX`] faults: few parts.
fn parts(set: &CutSet) -> impl Iterator<Item = CutSet> + '_ {
    (0..1_usize << set.len()).map(|mask| {
        let part = set.iter().enumerate().filter(|(place, _)| mask & (1 << place) != 0);
        part.map(|(_, fault)| *fault).collect()
    })
}

/// The sets that have no other of the family inside them.
fn minimal(family: Family) -> Family {
    let smaller =
        |set: &&CutSet| parts(set).any(|part| part.len() < set.len() && family.contains(&part));
    family.iter().filter(|set| !smaller(set)).cloned().collect()
}
