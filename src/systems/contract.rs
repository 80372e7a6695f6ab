//! What a key and a system that depends on it say to each other, and how systems become processes.

use super::flow;
use super::operations::Price;
use super::spec::{EntityKind, Node, Use};
use crate::engine::{
    EntityId, Layout, Process, RandomStream, SimDuration, SimTime, StateId, Streams,
};
use std::collections::{BTreeMap, BTreeSet};

/// Why a key denies a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The key is disabled.
    Disabled,
    /// The key is scheduled for destruction.
    DestroyScheduled,
    /// The key's material is gone.
    Destroyed,
    /// The key has no material yet: it is still being generated or imported, or that failed.
    NotReady,
    /// The caller's role on the key is revoked.
    RoleRevoked,
    /// A VPC Service Controls perimeter keeps the caller from the key.
    Perimeter,
    /// The key's policy does not allow the reason that the request gives.
    Justification,
    /// The external manager denies the request, and Cloud EKM disables the version for it.
    Manager,
    /// The external manager denies the request, which changes nothing about the version.
    ManagerNow,
    /// Cloud KMS denies by mistake: nobody has taken anything away.
    Mistaken,
}

impl Denial {
    /// Did the user cause it (BT-41)?
    pub fn by_user(self) -> bool {
        self != Denial::Mistaken
    }

    /// In words, after "the key is" or "requests are".
    pub fn words(self) -> &'static str {
        match self {
            Denial::Disabled => "disabled",
            Denial::DestroyScheduled => "scheduled for destruction",
            Denial::Destroyed => "destroyed",
            Denial::NotReady => "not ready",
            Denial::RoleRevoked => "denied: the role is revoked",
            Denial::Perimeter => "denied: a service perimeter is in the way",
            Denial::Justification => "denied: the reason is not allowed",
            Denial::Manager | Denial::ManagerNow => "denied by the external manager",
            Denial::Mistaken => "denied by mistake",
        }
    }
}

/// What a key answers to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The request is granted.
    Granted,
    /// The request is refused, for a reason that the user gave cause for.
    Denied(Denial),
    /// There is no answer.
    Unreachable,
}

/// What a key answers from now on, until it says otherwise: the answer changes only at known
/// instants, but in a partial outage each request has its own luck.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Share of the requests that Cloud KMS leaves without an answer.
    pub kms_errors: f64,
    /// Share of the requests that the external manager leaves without an answer.
    pub ekm_errors: f64,
    /// Share of the answered requests that are denied by mistake.
    pub mistaken: f64,
    /// Since when no request at all has had an answer, if that is so.
    pub silent_since: Option<SimTime>,
    /// Why requests are denied, and since when.
    pub denied: Option<(Denial, SimTime)>,
}

impl Standing {
    /// A key that grants everything.
    pub const GRANTED: Standing = Standing {
        kms_errors: 0.0,
        ekm_errors: 0.0,
        mistaken: 0.0,
        silent_since: None,
        denied: None,
    };

    /// The answer to a request whose luck is `draw`, uniform on (0, 1). Cloud KMS itself denies
    /// what is disabled, so the external manager is asked only for keys that are not (EKM-01).
    pub fn answer(&self, draw: f64) -> Answer {
        if draw < self.kms_errors {
            return Answer::Unreachable;
        }
        let mut draw = draw - self.kms_errors;
        let mut reached = 1.0 - self.kms_errors;
        if draw < reached * self.mistaken {
            return Answer::Denied(Denial::Mistaken);
        }
        draw -= reached * self.mistaken;
        reached *= 1.0 - self.mistaken;
        if self.asks_manager() && draw < reached * self.ekm_errors {
            return Answer::Unreachable;
        }
        match self.denied {
            Some((denial, _)) => Answer::Denied(denial),
            None => Answer::Granted,
        }
    }

    /// Does a request get as far as the external manager?
    fn asks_manager(&self) -> bool {
        let manager = |denial| matches!(denial, Denial::Manager | Denial::ManagerNow);
        self.denied.is_none_or(|(denial, _)| manager(denial))
    }

    /// The one answer that every request gets, if luck has no part in it.
    pub fn certain(&self) -> Option<Answer> {
        let ekm = if self.asks_manager() { self.ekm_errors } else { 0.0 };
        // Denied is denied, mistaken or not; but what the manager denies sticks (EKM-09).
        let sticks = self.denied.is_some_and(|(denial, _)| denial == Denial::Manager);
        let same = self.denied.is_some() && ekm == 0.0 && !sticks;
        let mistaken = if same { 0.0 } else { self.mistaken };
        // Whoever gets past Cloud KMS stays without an answer of the manager.
        if self.kms_errors >= 1.0 || (ekm >= 1.0 && mistaken == 0.0) {
            return Some(Answer::Unreachable);
        }
        let lucky = |errors: f64| errors > 0.0 && errors < 1.0;
        if self.kms_errors < 1.0
            && (lucky(self.kms_errors) || lucky(mistaken) || (mistaken < 1.0 && lucky(ekm)))
        {
            return None;
        }
        Some(self.answer(0.5))
    }

    /// Can some requests stay without an answer?
    pub fn impaired(&self) -> bool {
        self.kms_errors > 0.0 || (self.asks_manager() && self.ekm_errors > 0.0)
    }
}

/// Something asked of an entity by an event, a hazard or a response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    /// Whom.
    pub to: EntityId,
    /// What: a number of the receiving system's own.
    pub code: u16,
    /// A fraction that goes with it.
    pub value: f64,
    /// A number that goes with it.
    pub a: u32,
    /// Another.
    pub b: u32,
}

impl Command {
    /// A command with nothing that goes with it.
    pub fn new(to: EntityId, code: u16) -> Command {
        Command { to, code, value: 0.0, a: 0, b: 0 }
    }
}

/// A change of the requests that one caller makes of the keys of a quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Requests per second, spread over time.
    pub per_second: f64,
    /// Requests in one second, at every multiple of a period from the start.
    pub at_once: f64,
    /// That period.
    pub every: SimDuration,
}

impl Load {
    /// Requests spread over time.
    pub fn steady(per_second: f64) -> Load {
        Load { per_second, at_once: 0.0, every: SimDuration::ZERO }
    }
}

/// What processes tell each other.
#[derive(Clone, Copy, Debug)]
pub enum Message {
    /// Of a key: what it answers from now on, all versions together.
    Standing(Standing),
    /// Of a key with several versions: what one of them answers from now on.
    Version {
        /// Its number, from 1.
        number: u32,
        /// Why requests that need it are denied.
        denied: Option<Denial>,
    },
    /// Of a key: callers encrypt with this version from now on.
    Primary(u32),
    /// Of a grant: why its principal is denied, if it is.
    Grant(Option<Denial>),
    /// To a key: the external manager has just denied a request that needed this version.
    Refused {
        /// Its number.
        version: u32,
    },
    /// Of Cloud KMS in a location, of an external manager, or of a quota: the share of requests
    /// that it leaves without an answer from now on.
    Errors(f64),
    /// Of Cloud KMS in a location: the share of requests that it denies by mistake from now on.
    Mistaken(f64),
    /// To a quota: what one caller asks of its keys changes by so much.
    Load(Load),
    /// Of Cloud KMS in a location: changes of keys are stuck, or move again.
    Stale(bool),
    /// To an entity: something is asked of it.
    Command {
        /// What.
        command: Command,
        /// Something that lasts begins (or simply happens), or it ends.
        begins: bool,
        /// Tells apart what goes on at the same time.
        occurrence: u32,
    },
    /// Of a job: what it does from now on.
    Order(flow::Order),
    /// To a job: what has become of it.
    News(flow::News),
}

/// How key validations are scheduled. Both ways give the same trajectory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SweepMode {
    /// Only those that change something.
    #[default]
    Decisive,
    /// Every one.
    All,
}

/// Makes the process of one replication from what is the same for all of them.
pub trait Spawn: Send + Sync {
    /// The process, with its own random streams.
    fn spawn<'a>(&'a self, streams: &Streams, sweeps: SweepMode) -> Box<dyn Process<Message> + 'a>;
}

/// What has to work for an entity to work: an edge of the graph of dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The entity works, with all that it needs itself.
    Works(EntityId),
    /// The entity itself has not failed, whatever it needs.
    Intact(EntityId),
    /// At least so many of these are met.
    AtLeast(usize, Vec<Need>),
}

/// The processes of a design point, and who is who among them.
pub struct Plan {
    ids: BTreeMap<String, EntityId>,
    kinds: Vec<&'static EntityKind>,
    needs: BTreeMap<EntityId, Need>,
    /// Who speaks for whom, who listens to whom.
    pub layout: Layout,
    /// The processes, in order.
    pub spawns: Vec<Box<dyn Spawn>>,
    /// Numbers among the constants that a system's `build` leaves for its `compile`.
    pub numbers: BTreeMap<&'static str, f64>,
    /// What operations of keys cost.
    pub price: Price,
    /// Keys whose requests are written to Data Access audit logs (BT-13).
    pub logged: BTreeSet<EntityId>,
    /// The project of each key that says its path.
    pub projects: BTreeMap<EntityId, String>,
    /// What flows between the systems.
    pub flows: flow::Draft,
}

/// No process speaks for an entity yet.
const NOBODY: u32 = u32::MAX;

impl Plan {
    /// A plan for these entities, by path.
    pub fn new(entities: &BTreeMap<String, &'static EntityKind>) -> Plan {
        let ids = entities.keys().cloned().zip((0..).map(EntityId)).collect();
        let count = entities.len();
        let layout = Layout {
            homes: vec![NOBODY; count],
            initial: vec![0; count],
            subscribers: vec![Vec::new(); count],
            watchers: vec![Vec::new(); count],
        };
        Plan {
            ids,
            kinds: entities.values().copied().collect(),
            needs: BTreeMap::new(),
            layout,
            spawns: Vec::new(),
            numbers: BTreeMap::new(),
            price: Price::default(),
            logged: BTreeSet::new(),
            projects: BTreeMap::new(),
            flows: flow::Draft::default(),
        }
    }

    /// The entity with a path that the scenario is known to have.
    pub fn entity(&self, path: &str) -> EntityId {
        match self.ids.get(path) {
            Some(id) => *id,
            None => panic!("`{path}` is an entity of the scenario"),
        }
    }

    /// The path and the kind of every entity, in the order of their ids.
    pub fn entities(&self) -> impl Iterator<Item = (&str, &'static EntityKind)> {
        self.ids.keys().map(String::as_str).zip(self.kinds.iter().copied())
    }

    /// The kind of an entity.
    pub fn kind(&self, entity: EntityId) -> &'static EntityKind {
        self.kinds[entity.0 as usize]
    }

    /// Adds a process that speaks for some entities; gives its number.
    pub fn process(&mut self, speaks_for: &[EntityId], spawn: Box<dyn Spawn>) -> u32 {
        let number = u32::try_from(self.spawns.len()).expect("entities are limited");
        for entity in speaks_for {
            let home = &mut self.layout.homes[entity.0 as usize];
            assert_eq!(*home, NOBODY, "one process speaks for an entity");
            *home = number;
        }
        self.spawns.push(spawn);
        number
    }

    /// Lets a process hear what an entity publishes.
    pub fn subscribe(&mut self, process: u32, about: EntityId) {
        let subscribers = &mut self.layout.subscribers[about.0 as usize];
        if !subscribers.contains(&process) {
            subscribers.push(process);
        }
    }

    /// Lets a process hear what one of its keys answers it: the key and the grant that it needs.
    pub fn depend(&mut self, process: u32, use_of: &Use) {
        let (key, grant) = (self.entity(&use_of.key), self.entity(&use_of.grant()));
        self.subscribe(process, key);
        self.subscribe(process, grant);
    }

    /// Lets a process hear of an entity's transitions.
    pub fn watch(&mut self, process: u32, entity: EntityId) {
        let watchers = &mut self.layout.watchers[entity.0 as usize];
        if !watchers.contains(&process) {
            watchers.push(process);
        }
    }

    /// Says what an entity needs. Without this it needs everything that its process listens to.
    pub fn needs(&mut self, entity: EntityId, need: Need) {
        self.needs.insert(entity, need);
    }

    /// Does a process that does not speak for the entity listen to it?
    pub fn is_heard(&self, entity: EntityId) -> bool {
        let place = entity.0 as usize;
        let home = self.layout.homes[place];
        self.layout.subscribers[place].iter().any(|process| *process != home)
    }

    /// What each entity needs, in the order of their ids.
    pub fn all_needs(&self) -> Vec<Need> {
        let homes = &self.layout.homes;
        let mut heard: BTreeMap<u32, Vec<EntityId>> = BTreeMap::new();
        for (about, processes) in (0..).map(EntityId).zip(&self.layout.subscribers) {
            // What a process tells itself is no dependency.
            let others = processes.iter().filter(|process| **process != homes[about.0 as usize]);
            others.for_each(|process| heard.entry(*process).or_default().push(about));
        }
        let listens = |home: &u32| -> Need {
            let of: Vec<Need> =
                heard.get(home).into_iter().flatten().map(|about| Need::Works(*about)).collect();
            Need::AtLeast(of.len(), of)
        };
        let told = (0..).map(|number| self.needs.get(&EntityId(number)));
        homes
            .iter()
            .zip(told)
            .map(|(home, told)| told.cloned().unwrap_or_else(|| listens(home)))
            .collect()
    }

    /// Says that an entity starts in another state than the first of its kind.
    pub fn starts_in(&mut self, entity: EntityId, state: StateId) {
        self.layout.initial[entity.0 as usize] = state;
    }
}

/// A node of the model constants of a system.
pub fn model<'a>(root: &'a Node, system: &str) -> &'a Node {
    root.at("model").at(system)
}

/// A stream that is made when it is first drawn from: most streams of a run never are.
pub struct LazyStream {
    streams: Streams,
    number: crate::engine::StreamNumber,
    stream: Option<Box<RandomStream>>,
}

impl LazyStream {
    /// The stream of that number.
    pub fn new(streams: &Streams, number: crate::engine::StreamNumber) -> LazyStream {
        LazyStream { streams: streams.clone(), number, stream: None }
    }

    /// The stream itself.
    pub fn get(&mut self) -> &mut RandomStream {
        let LazyStream { streams, number, stream } = self;
        stream.get_or_insert_with(|| Box::new(streams.stream(*number)))
    }
}
