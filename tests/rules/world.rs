//! Small worlds, played through the public path: a scenario text, a model, a replication.

use cmeksim::engine::{Budget, EntityId, SimTime, Trace};
use cmeksim::experiment::{Model, outcome::Outcome, outcome::Stay};
use cmeksim::scenario::Scenario;
use cmeksim::scenario::read::{Overrides, read};
use cmeksim::systems::contract::SweepMode;
use cmeksim::systems::spec::StateSpec;
use std::collections::BTreeMap;

/// One cluster with one key.
pub(crate) const ONE: &str = r#"
[keys.east]
location = "us-east1"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
"#;

/// Three clusters with a key each; by name: east, eu, west.
pub(crate) const THREE: &str = r#"
[keys.east]
location = "us-east1"
[keys.eu]
location = "europe-west1"
[keys.west]
location = "us-west1"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.a.clusters.eu]
zone = "europe-west1-c"
key = "eu"
[bigtable.a.clusters.west]
zone = "us-west1-a"
key = "west"
"#;

/// Constants that make every time a sum in the head.
const CALM: &[&str] = &[
    "model.kms.disable-propagation=30s",
    "model.bigtable.sweep-phase=aligned",
    "model.bigtable.cascade-step=30m",
    "model.bigtable.cascade-order=by-name",
    "model.bigtable.offline-ramp=2m",
    "model.bigtable.bringup=10m",
    "model.bigtable.replication-lag-same-region=2s",
    "model.bigtable.replication-lag-cross-region=10s",
    "model.pubsub.decrypt-phase=aligned",
    "model.pubsub.recovery-delivery=6m",
    "model.pubsub.recovery-publish=30m",
    "model.dataflow.check-phase=aligned",
    "model.dataflow.halt-delay=1m",
    "model.dataflow.cleanup=3m",
    "model.dataflow.stuck-cancel=0",
    "model.dataflow.start-time=4m",
    "model.dataflow.batch-retry=30s",
    "model.dataflow.worker-restart=7h",
    "model.dataflow.snapshot-time=2m",
];

/// A scenario in the making.
#[derive(Clone, Debug)]
pub(crate) struct World {
    text: String,
    sets: Vec<String>,
}

impl World {
    /// A world with these tables and constant times, played for `horizon`.
    pub(crate) fn new(horizon: &str, tables: &str) -> World {
        let mut world = World::with_defaults(horizon, tables);
        world.sets = CALM.iter().map(|set| (*set).to_owned()).collect();
        world
    }

    /// A world with the product's own constants.
    pub(crate) fn with_defaults(horizon: &str, tables: &str) -> World {
        let text = format!(
            "schema = 1\n[scenario]\nname = \"world\"\nstart = 2026-03-02T08:00:00Z\n\
             horizon = \"{horizon}\"\n{tables}\n"
        );
        World { text, sets: Vec::new() }
    }

    /// Writes a value over the file's.
    pub(crate) fn set(mut self, set: &str) -> World {
        self.sets.push(set.to_owned());
        self
    }

    /// Adds lines at the end.
    pub(crate) fn add(mut self, text: &str) -> World {
        self.text.push_str(text);
        self.text.push('\n');
        self
    }

    /// Adds an event; `what` is the action and its parameters: `disable-key key=east`.
    pub(crate) fn at(self, at: &str, what: &str) -> World {
        let entry = act(what);
        self.add(&format!("[[events]]\nat = \"{at}\"\n{entry}"))
    }

    /// Adds an event that lasts.
    pub(crate) fn during(self, at: &str, lasts: &str, what: &str) -> World {
        let entry = act(what);
        self.add(&format!("[[events]]\nat = \"{at}\"\nlasts = \"{lasts}\"\n{entry}"))
    }

    /// Adds a response to a state.
    pub(crate) fn when(self, entity: &str, state: &str, after: &str, what: &str) -> World {
        let entry = act(what);
        self.add(&format!(
            "[[responses]]\nwhen = {{ entity = \"{entity}\", state = \"{state}\" }}\n\
             after = \"{after}\"\n{entry}"
        ))
    }

    /// Codes of everything that is told of the scenario, errors and warnings.
    pub(crate) fn diagnostics(&self) -> Vec<&'static str> {
        let overrides = Overrides { sets: self.sets.clone(), seed: None };
        let files = |_: &str| Err("no files here".to_owned());
        let found = match read("world.toml", self.text.as_bytes(), &overrides, &files) {
            Ok(scenario) => scenario.warnings,
            Err((found, _)) => found,
        };
        found.iter().map(|diagnostic| diagnostic.code).collect()
    }

    /// Messages of everything that is told of the scenario.
    pub(crate) fn messages(&self) -> Vec<String> {
        let overrides = Overrides { sets: self.sets.clone(), seed: None };
        let files = |_: &str| Err("no files here".to_owned());
        let found = match read("world.toml", self.text.as_bytes(), &overrides, &files) {
            Ok(scenario) => scenario.warnings,
            Err((found, _)) => found,
        };
        found.into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    /// The scenario made ready.
    pub(crate) fn model(&self) -> Model {
        Model::new(&self.scenario())
    }

    /// The scenario as it is read.
    pub(crate) fn scenario(&self) -> Scenario {
        let overrides = Overrides { sets: self.sets.clone(), seed: None };
        let files = |_: &str| Err("no files here".to_owned());
        match read("world.toml", self.text.as_bytes(), &overrides, &files) {
            Ok(scenario) => scenario,
            Err((found, sources)) => {
                panic!("{}\n{}", self.text, cmeksim::diag::render(&found, &sources, false))
            }
        }
    }

    /// Plays it with seed 1.
    pub(crate) fn play(&self) -> Played {
        self.seeded(1)
    }

    /// Plays it both ways and holds both against the laws that every run obeys.
    pub(crate) fn seeded(&self, seed: u64) -> Played {
        let model = self.model();
        let played = Played::new(model, seed, SweepMode::Decisive);
        let all = Played::new(self.model(), seed, SweepMode::All);
        assert_eq!(
            played.story(),
            all.story(),
            "seed {seed}: decisive sweeps tell another story than all sweeps\n{}",
            self.text
        );
        assert_eq!(played.outcome.trace.fingerprint(), all.outcome.trace.fingerprint());
        assert_eq!(played.outcome.measures, all.outcome.measures, "seed {seed}");
        assert_eq!(played.outcome.trace.checks, all.outcome.trace.checks, "seed {seed}");
        played.check_causes();
        played.check_charges();
        played.check_timeline();
        played
    }
}

/// `kms-outage location=us-east1 error-fraction=0.5` as lines of TOML.
fn act(what: &str) -> String {
    let mut words = what.split_whitespace();
    let mut entry = format!("do = \"{}\"\n", words.next().unwrap());
    for word in words {
        let (key, value) = word.split_once('=').unwrap();
        let bare = value.parse::<f64>().is_ok() || value == "true" || value == "false";
        let value = if bare { value.to_owned() } else { format!("\"{value}\"") };
        entry.push_str(&format!("{key} = {value}\n"));
    }
    entry
}

/// A replication with what it came to.
pub(crate) struct Played {
    model: Model,
    pub(crate) outcome: Outcome,
}

/// Seconds of `"2h 5m 30s"`.
pub(crate) fn secs(text: &str) -> f64 {
    let piece = |piece: &str| {
        let (number, unit) = piece.split_at(piece.find(|c: char| c.is_alphabetic()).unwrap());
        let unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            other => panic!("no unit: {other}"),
        };
        number.parse::<f64>().unwrap() * unit
    };
    text.split_whitespace().map(piece).sum()
}

fn instant(text: &str) -> SimTime {
    SimTime::from_ns((secs(text) * 1e9).round() as u64).unwrap()
}

impl Played {
    fn new(model: Model, seed: u64, mode: SweepMode) -> Played {
        let trace = model.replicate(seed, 0, mode, Budget::default()).unwrap();
        let outcome = model.outcome(trace);
        Played { model, outcome }
    }

    fn trace(&self) -> &Trace {
        &self.outcome.trace
    }

    fn entity(&self, path: &str) -> EntityId {
        self.model.entity(path)
    }

    fn spec(&self, entity: EntityId, state: u8) -> &'static StateSpec {
        let (_, kind) = self.model.entities().nth(entity.0 as usize).unwrap();
        &kind.states[usize::from(state)]
    }

    /// The alias of a state, which tells more, or its name.
    fn name(&self, entity: EntityId, state: u8) -> &'static str {
        let spec = self.spec(entity, state);
        spec.alias.unwrap_or(spec.name)
    }

    fn stays(&self, path: &str) -> &[Stay] {
        &self.outcome.timeline[self.entity(path).0 as usize]
    }

    /// The state of an entity at an offset (after everything that happens at that instant).
    pub(crate) fn state_at(&self, path: &str, at: &str) -> &'static str {
        let stay = self.stays(path).iter().rev().find(|stay| stay.from <= instant(at)).unwrap();
        self.name(self.entity(path), stay.state)
    }

    /// The instants, in nanoseconds, at which an entity changes its state.
    pub(crate) fn changes(&self, path: &str) -> impl Iterator<Item = u64> {
        self.stays(path).iter().map(|stay| stay.from.ns())
    }

    /// The number of the state that an entity is in after all that happens at an instant.
    fn state_number(&self, path: &str, ns: u64) -> u8 {
        self.stays(path).iter().rev().find(|stay| stay.from.ns() <= ns).unwrap().state
    }

    /// The name of that state.
    pub(crate) fn state_of(&self, path: &str, ns: u64) -> &'static str {
        self.name(self.entity(path), self.state_number(path, ns))
    }

    /// Does the entity serve in that state?
    pub(crate) fn serves(&self, path: &str, ns: u64) -> bool {
        self.spec(self.entity(path), self.state_number(path, ns)).serves
    }

    /// Is it the best state that the entity has?
    pub(crate) fn is_best(&self, path: &str, ns: u64) -> bool {
        self.state_number(path, ns) == 0
    }

    /// A measure that is defined.
    pub(crate) fn measure(&self, path: &str) -> f64 {
        match self.outcome.measures.get(path) {
            Some(Some(value)) => *value,
            Some(None) => panic!("{path} is undefined\n{}", self.story()),
            None => panic!("{path} is no measure"),
        }
    }

    /// A measure is there and has no value.
    pub(crate) fn is_undefined(&self, path: &str) -> bool {
        self.outcome.measures.get(path).unwrap_or_else(|| panic!("{path} is no measure")).is_none()
    }

    /// A measure is within a billionth of a value (sums of fractions, numbers of requests).
    pub(crate) fn near(&self, path: &str, expected: f64) {
        let got = self.measure(path);
        let close = (got - expected).abs() <= 1e-9 * expected.abs().max(1.0);
        assert!(close, "{path} is {got}, not {expected}\n{}", self.story());
    }

    /// A number of random arrivals is within five standard deviations of its mean.
    pub(crate) fn about(&self, path: &str, expected: f64) {
        let got = self.measure(path);
        let close = (got - expected).abs() <= 5.0 * expected.sqrt();
        assert!(close, "{path} is {got}, not about {expected}\n{}", self.story());
    }

    /// The age of the oldest of many random arrivals within a time is just below that time.
    pub(crate) fn just_below(&self, path: &str, limit: f64) {
        let got = self.measure(path);
        let close = got <= limit && got > limit - 0.1;
        assert!(close, "{path} is {got}, not just below {limit}\n{}", self.story());
    }

    /// Every transition of an entity: offset in seconds, new state, rule.
    pub(crate) fn transitions(&self, path: &str) -> Vec<(f64, &'static str, &'static str)> {
        let entity = self.entity(path);
        let own = self.trace().records.iter().filter(|r| r.entity == entity && r.from != r.to);
        own.map(|r| (r.at.seconds(), self.name(entity, r.to), r.rule)).collect()
    }

    /// Everything told of an entity that changed no state: offset in seconds, rule, detail.
    pub(crate) fn notes(&self, path: &str) -> Vec<(f64, &'static str, String)> {
        let entity = self.entity(path);
        let own = self.trace().records.iter().filter(|r| r.entity == entity && r.from == r.to);
        own.map(|r| (r.at.seconds(), r.rule, r.detail.to_string())).collect()
    }

    /// Offsets and rules of the notes alone.
    pub(crate) fn noted(&self, path: &str) -> Vec<(f64, &'static str)> {
        self.notes(path).into_iter().map(|(at, rule, _)| (at, rule)).collect()
    }

    /// Demands these transitions of an entity, with offsets as durations.
    #[track_caller]
    pub(crate) fn expect(&self, path: &str, expected: &[(&str, &str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(at, to, rule)| (secs(at), *to, *rule)).collect();
        assert_eq!(self.transitions(path), expected, "{path}\n{}", self.story());
    }

    /// The records from the entering of a state back to the root: entity path and rule.
    pub(crate) fn chain(&self, path: &str, state: &str) -> Vec<(String, &'static str)> {
        let entity = self.entity(path);
        let found =
            self.trace().records.iter().position(|r| {
                r.entity == entity && r.from != r.to && self.name(entity, r.to) == state
            });
        let mut seq = found.unwrap_or_else(|| panic!("never {state}\n{}", self.story()));
        let mut chain = Vec::new();
        loop {
            let record = &self.trace().records[seq];
            chain.push((self.path(record.entity), record.rule));
            match record.cause {
                Some(cause) => seq = cause as usize,
                None => return chain,
            }
        }
    }

    /// What was told when an entity last entered a state.
    pub(crate) fn told(&self, path: &str, state: &str) -> String {
        let entity = self.entity(path);
        let mut own = self.trace().records.iter().rev();
        let found =
            own.find(|r| r.entity == entity && r.from != r.to && self.name(entity, r.to) == state);
        found.unwrap_or_else(|| panic!("never {state}\n{}", self.story())).detail.to_string()
    }

    fn path(&self, entity: EntityId) -> String {
        self.model.entities().nth(entity.0 as usize).unwrap().0.to_owned()
    }

    /// Every record as a line.
    pub(crate) fn story(&self) -> String {
        let mut lines = String::new();
        for (seq, r) in self.trace().records.iter().enumerate() {
            let (from, to) = (self.name(r.entity, r.from), self.name(r.entity, r.to));
            lines.push_str(&format!(
                "{seq:3} {:>10.3} {} {from} -> {to} {} by {:?} {}\n",
                r.at.seconds(),
                self.path(r.entity),
                r.rule,
                r.cause,
                r.detail
            ));
        }
        lines
    }

    /// Seconds charged to an entity for a state.
    pub(crate) fn charged(&self, path: &str, state: &str) -> f64 {
        let entity = self.entity(path);
        let own = self.trace().charges.iter().filter(|c| c.entity == entity && c.state == state);
        let ns: u64 = own.map(|c| c.to.saturating_since(c.from).ns()).sum();
        ns as f64 / 1e9
    }

    /// Causes come before effects in number and in time, and lead to a root; the rule is known.
    fn check_causes(&self) {
        let records = &self.trace().records;
        for (seq, record) in records.iter().enumerate() {
            if let Some(cause) = record.cause {
                assert!((cause as usize) < seq, "record {seq}\n{}", self.story());
                assert!(records[cause as usize].at <= record.at, "record {seq}\n{}", self.story());
                let root = &records[self.trace().root(seq as u32) as usize];
                assert!(root.cause.is_none());
            }
            assert!(
                cmeksim::systems::rule(record.rule).is_some_and(|rule| rule.id == record.rule),
                "rule {} is not in the list",
                record.rule
            );
        }
        assert!(records.is_sorted_by_key(|record| record.at));
    }

    /// The time charged to causes is the downtime and the degraded time, to the nanosecond.
    fn check_charges(&self) {
        let mut charged: BTreeMap<(EntityId, &str), u64> = BTreeMap::new();
        for charge in &self.trace().charges {
            assert!(charge.from < charge.to, "a charge of nothing");
            assert!(charge.cause.is_some(), "a charge to nobody");
            *charged.entry((charge.entity, charge.state)).or_default() +=
                charge.to.saturating_since(charge.from).ns();
        }
        for (number, (path, kind)) in (0..).zip(self.model.entities()) {
            if kind.name != "Bigtable instance" {
                continue;
            }
            let spent = |wanted: &dyn Fn(&StateSpec) -> bool| -> u64 {
                let stays = self.outcome.timeline[number as usize].iter();
                let within = stays.filter(|s| wanted(self.spec(EntityId(number), s.state)));
                within.map(|stay| stay.to.saturating_since(stay.from).ns()).sum()
            };
            let of = |wanted: &dyn Fn(&str) -> bool| -> u64 {
                let own = charged.iter().filter(|((e, s), _)| e.0 == number && wanted(s));
                own.map(|(_, ns)| ns).sum()
            };
            assert_eq!(
                of(&|state| state == "degraded"),
                spent(&|spec| spec.name == "degraded"),
                "{path}: degraded time is charged\n{}\n{:#?}",
                self.story(),
                self.trace().charges
            );
            assert_eq!(
                of(&|state| state != "degraded"),
                spent(&|spec| !spec.serves),
                "{path}: downtime is charged\n{}\n{:#?}",
                self.story(),
                self.trace().charges
            );
        }
    }

    /// The stays of every entity cover the run without a gap, and nothing leaves a final state
    /// but for another final one.
    fn check_timeline(&self) {
        let end = SimTime::START.saturating_add(self.model.horizon());
        for (number, stays) in self.outcome.timeline.iter().enumerate() {
            let spec = |stay: &Stay| self.spec(EntityId(number as u32), stay.state);
            assert_eq!(stays[0].from, SimTime::START);
            assert_eq!(stays.last().unwrap().to, end);
            for pair in stays.windows(2) {
                assert_eq!(pair[0].to, pair[1].from);
                assert!(
                    !spec(&pair[0]).irreversible || spec(&pair[1]).irreversible,
                    "{} is back from the dead\n{}",
                    self.path(EntityId(number as u32)),
                    self.story()
                );
            }
        }
    }
}

/// Names and numbers of replications for laws that luck takes part in.
pub(crate) fn seeds(count: u64) -> impl Iterator<Item = u64> {
    1..=count
}
