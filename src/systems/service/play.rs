//! The states of services over time.

use crate::engine::trace::Charge;
use crate::engine::{Class, Effects, EntityId, Happening, Process, Seq, SimTime, StateId, Streams};
use crate::systems::contract::{Message, Spawn, SweepMode};
use std::collections::{BTreeMap, BTreeSet};

const UP: StateId = 0;
const DEGRADED: StateId = 1;
const DOWN: StateId = 2;

/// Something that a service needs.
pub(super) struct Member {
    pub(super) entity: EntityId,
    /// In which of its states it serves, by number.
    pub(super) serves: Vec<bool>,
}

impl Member {
    fn serves(&self, states: &[StateId]) -> bool {
        self.serves[usize::from(states[self.entity.0 as usize])]
    }

    /// Is it in its best state?
    fn well(&self, states: &[StateId]) -> bool {
        states[self.entity.0 as usize] == 0
    }
}

/// One condition of a service.
pub(super) struct Group {
    pub(super) rule: &'static str,
    pub(super) needed: usize,
    pub(super) members: Vec<Member>,
}

impl Group {
    fn serving(&self, states: &[StateId]) -> usize {
        self.members.iter().filter(|member| member.serves(states)).count()
    }

    fn holds(&self, states: &[StateId]) -> bool {
        self.serving(states) >= self.needed
    }
}

/// A service: up while every one of its conditions holds.
pub(super) struct ServicePlan {
    pub(super) entity: EntityId,
    pub(super) groups: Vec<Group>,
}

impl ServicePlan {
    /// Its state for these states of all entities.
    pub(super) fn state(&self, states: &[StateId]) -> StateId {
        if !self.groups.iter().all(|group| group.holds(states)) {
            DOWN
        } else if self.members().all(|member| member.well(states)) {
            UP
        } else {
            DEGRADED
        }
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        self.groups.iter().flat_map(|group| &group.members)
    }
}

/// All services, members before those made of them.
pub(super) struct ServicesPlan {
    services: Vec<ServicePlan>,
    /// Of each member, the services that need it, by their place.
    needed_by: BTreeMap<EntityId, Vec<usize>>,
}

impl ServicesPlan {
    pub(super) fn new(services: Vec<ServicePlan>) -> ServicesPlan {
        let mut needed_by: BTreeMap<EntityId, Vec<usize>> = BTreeMap::new();
        for (place, service) in services.iter().enumerate() {
            for member in service.members() {
                needed_by.entry(member.entity).or_default().push(place);
            }
        }
        ServicesPlan { services, needed_by }
    }
}

impl Spawn for ServicesPlan {
    fn spawn<'a>(&'a self, _: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Services {
            plan: self,
            changed: BTreeMap::new(),
            stays: vec![None; self.services.len()],
        })
    }
}

/// A stay of a service in a state that is not its best.
#[derive(Clone, Copy)]
struct Stay {
    cause: Seq,
    from: SimTime,
    /// The rule of the condition that does not hold, of a service that is down.
    rule: &'static str,
}

struct Services<'a> {
    plan: &'a ServicesPlan,
    /// The last record of every entity that has changed at this instant.
    changed: BTreeMap<EntityId, Seq>,
    /// Of each service, the stay that it is in.
    stays: Vec<Option<Stay>>,
}

/// The only timer: everything of this instant has happened.
const SETTLED: u32 = 0;

impl Process<Message> for Services<'_> {
    fn start(&mut self, _: &mut Effects<Message>) {}

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Entered { entity, cause, .. } => {
                self.changed.insert(entity, cause);
                // Last of the instant: a switch without a gap is no outage.
                fx.at(SETTLED, fx.now(), Class::Clock);
            }
            Happening::Timer(_) => self.settle_all(fx),
            Happening::Message { .. } => {}
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        for (place, service) in self.plan.services.iter().enumerate() {
            self.charge(place, service.entity, fx);
        }
    }
}

impl Services<'_> {
    /// Looks at every service that something has changed for, members before those made of them.
    fn settle_all(&mut self, fx: &mut Effects<Message>) {
        let plan = self.plan;
        let needing = |entity: EntityId| plan.needed_by.get(&entity).into_iter().flatten().copied();
        let mut open: BTreeSet<usize> = self.changed.keys().copied().flat_map(needing).collect();
        while let Some(place) = open.pop_first() {
            let service = &plan.services[place];
            if self.settle(place, service, fx) {
                open.extend(needing(service.entity));
            }
        }
        self.changed.clear();
    }

    /// Puts a service into the state that its members ask for. Was it in another?
    fn settle(&mut self, place: usize, service: &ServicePlan, fx: &mut Effects<Message>) -> bool {
        let states = fx.states();
        let (before, after) = (states[service.entity.0 as usize], service.state(states));
        if before == after {
            return false;
        }
        let broken = service.groups.iter().find(|group| !group.holds(states));
        let seq_of = |member: &Member| self.changed.get(&member.entity).copied();
        let latest = |wanted: &dyn Fn(&Member) -> bool| {
            service.members().filter(|member| wanted(member)).filter_map(seq_of).max()
        };
        // What went down is the cause of going down, whatever else happened at that instant.
        let gone = if after == DOWN { latest(&|member| !member.serves(states)) } else { None };
        let Some(cause) = gone.or_else(|| latest(&|_| true)) else { return false };
        let rule = match (broken, self.stays[place]) {
            (Some(group), _) => group.rule,
            (None, Some(stay)) if before == DOWN => stay.rule,
            (None, None) if before == DOWN => {
                // It started down: the condition that holds now is that of what came back.
                let back = |group: &&Group| group.members.iter().any(|m| seq_of(m) == Some(cause));
                service.groups.iter().find(back).map_or("RB-04", |group| group.rule)
            }
            (None, _) => "RB-04",
        };
        let detail = told(service, broken, states);
        self.charge(place, service.entity, fx);
        let seq = fx.enter(service.entity, after, rule, Some(cause), detail);
        self.stays[place] = (after != UP).then_some(Stay { cause: seq, from: fx.now(), rule });
        self.changed.insert(service.entity, seq);
        true
    }

    /// Charges the stay that ends now to what began it.
    fn charge(&mut self, place: usize, entity: EntityId, fx: &mut Effects<Message>) {
        let Some(Stay { cause, from, .. }) = self.stays[place].take() else { return };
        let state = if fx.state(entity) == DOWN { "down" } else { "degraded" };
        let to = fx.now();
        fx.charge(Charge { entity, state, phase: "members", cause: Some(cause), from, to });
    }
}

/// What a reader should know of a transition.
fn told(service: &ServicePlan, broken: Option<&Group>, states: &[StateId]) -> String {
    if let Some(group) = broken {
        let (serving, of, needed) = (group.serving(states), group.members.len(), group.needed);
        return format!("{serving} of {of} serve, {needed} needed");
    }
    let count = service.members().count();
    let serving = service.members().filter(|member| member.serves(states)).count();
    let well = service.members().filter(|member| member.well(states)).count();
    if well == count {
        "every member is in its best state".to_owned()
    } else {
        format!("{serving} of {count} serve, {well} in their best state")
    }
}
