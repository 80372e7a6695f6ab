//! Stores of data whose key is asked when they are used: from the tables of a scenario to processes,
//! the same for every system that is one.

use super::contract::{LazyStream, Message, Plan, Spawn, SweepMode, model};
use super::guard::on_use::{Delay, Habits, OnUse, STATES, Served};
use super::operations;
use super::spec::{Node, Use};
use crate::engine::{Effects, EntityId, Happening, Process, SimTime, StreamNumber, Streams};

/// A constant of the model with the rule that a transition after it plays.
pub struct Waits(pub &'static str, pub &'static str);

/// What the stores of a system have in common.
pub struct Manner {
    /// The system: its name, that of its table, and that of its constants.
    pub system: &'static str,
    /// What is known of a key by its path: the path of its quota, and its primary version at the start.
    pub facts: fn(root: &Node, key: &str) -> (Option<String>, u32),
    /// Who asks the key.
    pub principal: &'static str,
    /// The parameter that says how often that is.
    pub requests: &'static str,
    /// From a denial until reads and writes fail.
    pub denied: Waits,
    /// From lost contact until they do.
    pub unreachable: Waits,
    /// From a usable key until they succeed.
    pub back: Waits,
    /// How long the store is slow after that.
    pub slow: Option<Waits>,
    /// After how long without a key it is deleted.
    pub deletion: Option<Waits>,
}

/// A store as the scenario describes it.
pub struct StorePlan {
    /// The store.
    pub entity: EntityId,
    key: Option<Habits>,
    requests: f64,
    delays: StreamNumber,
}

impl Manner {
    fn use_of(&self, name: &str, store: &Node) -> Option<Use> {
        Some(Use {
            key: store.get("key")?.text().to_owned(),
            principal: self.principal,
            project: store.get("project").map(|project| project.text().to_owned()),
            by: format!("{}.{name}", self.system),
        })
    }

    /// Every use of a key by a store.
    pub fn uses(&self, root: &Node) -> Vec<Use> {
        root.named(self.system).filter_map(|(name, store)| self.use_of(name, store)).collect()
    }

    /// Makes a process of each store.
    pub fn build(
        &self,
        root: &Node,
        plan: &mut Plan,
        spawn: impl Fn(&Node, StorePlan) -> Box<dyn Spawn>,
    ) {
        for (name, node) in root.named(self.system) {
            let path = format!("{}.{name}", self.system);
            let used = self.use_of(name, node);
            let store = StorePlan {
                entity: plan.entity(&path),
                key: used.as_ref().map(|used| self.habits(root, &path, node, used, plan)),
                requests: node.at(self.requests).number(),
                delays: StreamNumber::of(&path, "access"),
            };
            let process = plan.process(&[store.entity], spawn(node, store));
            if let Some(used) = &used {
                plan.depend(process, used);
            }
        }
    }

    fn habits(&self, root: &Node, path: &str, node: &Node, used: &Use, plan: &Plan) -> Habits {
        let constants = model(root, self.system);
        let name = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
        let delay = |&Waits(constant, rule): &Waits| {
            let dist = constants.at(name(constant)).dist().clone();
            Delay { dist, constant, rule }
        };
        let (quota, primary) = (self.facts)(root, &used.key);
        let version = node.get("key-version").map(|version| version.count() as u32);
        let deletion =
            |&Waits(constant, rule): &Waits| (constants.at(name(constant)).duration(), rule);
        Habits {
            entity: plan.entity(path),
            key: plan.entity(&used.key),
            quota: quota.map(|path| plan.entity(&path)),
            version: version.unwrap_or(primary),
            denied: delay(&self.denied),
            unreachable: delay(&self.unreachable),
            back: delay(&self.back),
            slow: self.slow.as_ref().map(delay),
            deletion: self.deletion.as_ref().map(deletion),
        }
    }
}

/// A store in a run.
pub struct Store<'a> {
    plan: &'a StorePlan,
    own: Option<OnUse<'a>>,
    served: Served,
}

impl<'a> Store<'a> {
    /// A store whose key is usable so far.
    pub fn new(plan: &'a StorePlan, streams: &Streams) -> Store<'a> {
        let delays = || LazyStream::new(streams, plan.delays);
        let own = plan.key.as_ref().map(|habits| OnUse::new(habits, delays()));
        Store { plan, own, served: Served::default() }
    }

    /// Can its key be used, if it has one?
    pub fn is_usable(&self) -> bool {
        self.own.as_ref().is_none_or(OnUse::is_usable)
    }

    /// The stretches of time in which it served.
    pub fn stretches(&self, now: SimTime) -> Vec<(SimTime, SimTime)> {
        self.served.stretches(now)
    }
}

impl Process<Message> for Store<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        if let Some(own) = &self.own {
            own.start(self.plan.requests, fx);
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        if let Some(own) = &mut self.own {
            own.on_event(&what, fx);
            self.served.follow(self.plan.entity, STATES, fx);
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        if let Some(habits) = &self.plan.key {
            let stretches = self.served.stretches(fx.now());
            let (key, entity) = (habits.key, self.plan.entity);
            operations::tell_served(key, entity, self.plan.requests, &stretches, fx);
        }
    }
}

impl Spawn for StorePlan {
    fn spawn<'a>(&'a self, streams: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Store::new(self, streams))
    }
}
