//! Events, hazards and responses: what happens, when, and how long it lasts.

use super::reader::{Knows, Reader, listed};
use super::tree::{Item, Raw, quote};
use super::units;
use crate::diag::{Diagnostic, Span};
use crate::engine::{Dist, SimTime};
use crate::limits::ENTRIES_MAX;
use crate::scenario::{Clock, Entry, Hazard, Response};
use crate::systems;
use crate::systems::spec::{
    ActionSpec, Default, EntityKind, Kind, Node, ParamSpec, Planned, System, TableSpec, Value,
};
use std::collections::{BTreeMap, BTreeSet};

const fn required(name: &'static str, kind: Kind, doc: &'static str) -> ParamSpec {
    ParamSpec { name, kind, default: Default::Required, source: "", doc }
}

const DO: ParamSpec = required("do", Kind::Text, "What happens.");

/// The keys of `[[events]]` besides those of the action.
pub(crate) const EVENT: &[ParamSpec] = &[required("at", Kind::Instant, "When it happens."), DO];

/// The keys of `[[hazards]]` besides those of the action.
pub(crate) const HAZARD: &[ParamSpec] = &[
    required("name", Kind::Text, "Its name, which also names its random streams."),
    required("every", Kind::Distribution, "From the end of one to the start of the next."),
    ParamSpec {
        name: "beta",
        kind: Kind::Fraction,
        default: Default::Absent,
        source: "",
        doc: "Of a hazard with several targets, the share of the occurrences that have a common cause. Each target then has occurrences of its own, `every` / (1 - `beta`) apart, and all together have common ones, `every` / `beta` apart. When absent, every occurrence hits all targets.",
    },
    ParamSpec {
        name: "crew",
        kind: Kind::Reference("crews"),
        default: Default::Absent,
        source: "CR-01",
        doc: "The crew that repairs it: `lasts` then is the repair, which begins when a member is free. When absent, the repair begins at once.",
    },
    ParamSpec {
        name: "while",
        kind: Kind::Table(&WHILE),
        default: Default::Absent,
        source: "CR-03",
        doc: "When its clock runs: `every` is counted only while the entity is in one of the states. When absent, it always runs.",
    },
    DO,
];

const WHILE: TableSpec = TableSpec {
    entity: None,
    params: &[
        required("entity", Kind::Entity(None), "Path of the entity that is watched."),
        required("states", Kind::List(&Kind::Text), "The states in which the clock runs."),
    ],
};

/// The keys of `[[responses]]` besides those of the action.
pub(crate) const RESPONSE: &[ParamSpec] = &[
    required("when", Kind::Table(&WHEN), "What is waited for."),
    ParamSpec {
        name: "after",
        kind: Kind::Distribution,
        default: Default::Value("\"0s\""),
        source: "",
        doc: "How long it takes to react.",
    },
    DO,
];

const WHEN: TableSpec = TableSpec {
    entity: None,
    params: &[
        required("entity", Kind::Text, "Path of the entity that is watched."),
        required("state", Kind::Text, "The state that it enters."),
    ],
};

/// The key of actions that have a length.
pub(crate) const LASTS: &[ParamSpec] =
    &[required("lasts", Kind::Distribution, "How long it lasts.")];

/// A table of `events`, `hazards` or `responses` with its action.
struct Read {
    system: &'static System,
    action: &'static ActionSpec,
    nodes: BTreeMap<String, Node>,
}

impl Read {
    /// The entry, and the table as it was read.
    fn entry<T>(self, item: &Item, at: T) -> (Entry<T>, Node) {
        let node =
            |value| Node { value, span: item.span.clone(), origin: item.origin(), source: "" };
        let lasts = self.nodes.get("lasts").filter(|_| self.action.lasts);
        let entry = Entry {
            at,
            action: self.action,
            system: self.system.name,
            params: self.own(item),
            lasts: lasts.map(|node| node.dist().clone()),
            span: item.span.clone(),
        };
        (entry, node(Value::Table(self.nodes)))
    }

    /// The action's own parameters.
    fn own(&self, item: &Item) -> Node {
        let own = |name: &str| self.action.params.iter().any(|spec| spec.name == name);
        let params = self.nodes.iter().filter(|(name, _)| own(name));
        let params = params.map(|(name, node)| (name.clone(), node.clone())).collect();
        let (span, origin) = (item.span.clone(), item.origin());
        Node { value: Value::Table(params), span, origin, source: "" }
    }

    fn dist(&self, name: &str) -> Option<Dist> {
        self.nodes.get(name).map(|node| node.dist().clone())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.nodes.get(name).map(Node::text)
    }
}

/// Does an action have no more than one target? All of a kind count as several.
fn has_one_target<T>(entry: &Entry<T>) -> bool {
    let lists = entry.action.params.iter().filter(|spec| matches!(spec.kind, Kind::References(..)));
    let targets = lists.filter_map(|spec| entry.params.get(spec.name));
    targets.into_iter().all(|node| match &node.value {
        Value::List(items) => items.iter().map(Node::text).collect::<BTreeSet<_>>().len() < 2,
        Value::Tagged(..) => false,
        _ => true,
    })
}

impl Reader<'_> {
    /// The tables of a list of tables, within the limit.
    pub(super) fn tables<'t>(&mut self, root: &'t Item, name: &str) -> &'t [Item] {
        let Some(entry) = root.table().and_then(|table| table.get(name)) else { return &[] };
        if entry.item.implied {
            let message = format!("the scenario has no `{name}`");
            let help = format!("write them in the file, each below `[[{name}]]`");
            self.tell("unknown-path", &entry.key, message, "there are none", help);
            return &[];
        }
        let Raw::List(items) = &entry.item.raw else {
            let message = format!("`{name}` is {}, not a list of tables", entry.item.found());
            let help = format!("write `[[{name}]]`, with two brackets, above every entry");
            self.tell("wrong-type", &entry.item.span, message, entry.item.found(), help);
            return &[];
        };
        if items.len() > ENTRIES_MAX {
            let count = items.len();
            let message = format!("`{name}` has {count} entries, more than {ENTRIES_MAX}");
            let help = "split the scenario into several files";
            self.tell("limit-entries", &entry.item.span, message, "too many", help);
            return &[];
        }
        items
    }

    /// Everything that happens at known instants.
    pub(super) fn events(&mut self, root: &Item) -> Vec<(Entry<SimTime>, Node)> {
        let mut entries = Vec::new();
        for (at, item) in self.tables(root, "events").iter().enumerate() {
            let Some(read) = self.action(item, &format!("events.{at}"), EVENT) else { continue };
            let Some(node) = read.nodes.get("at") else { continue };
            let instant = node.instant();
            if let Some(horizon) = self.horizon
                && instant.ns() > horizon.ns()
            {
                let message = "the event lies after the horizon, so it never happens";
                let help =
                    format!("lengthen `scenario.horizon` of \"{horizon}\", or move the event");
                let warning =
                    Diagnostic::warning("event-after-horizon", node.span.clone(), message);
                self.found.push(warning.label("after the horizon").help(help));
            }
            entries.push(read.entry(item, instant));
        }
        entries
    }

    /// Everything that happens at random.
    pub(super) fn hazards(&mut self, root: &Item) -> Vec<(Hazard, Node)> {
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, item) in self.tables(root, "hazards").iter().enumerate() {
            self.hazard_name(item, &mut seen);
            self.clock_states(item);
            let Some(read) = self.action(item, &format!("hazards.{at}"), HAZARD) else { continue };
            let Some(every) = read.dist("every") else { continue };
            let Some(name) = read.text("name").map(str::to_owned) else { continue };
            let beta = read.nodes.get("beta").map(Node::number);
            let crew = read.text("crew").map(str::to_owned);
            if let (Some(crew), None) = (read.nodes.get("crew"), read.nodes.get("lasts")) {
                let message = format!("`{}` has no length, so nobody repairs it", read.action.name);
                let help = "leave `crew` out; what takes it back is an entry of its own";
                self.tell("crew-without-repair", &crew.span, message, "nothing to repair", help);
            }
            let clock = read.nodes.get("while").map(|clock| Clock {
                entity: clock.at("entity").text().to_owned(),
                states: clock.at("states").list().iter().map(|s| s.text().to_owned()).collect(),
            });
            let (entry, node) = read.entry(item, every);
            if let (Some(beta), true) = (node.get("beta"), has_one_target(&entry)) {
                let message =
                    format!("hazard {} has one target, so nothing is common", quote(&name));
                let help = "name several targets in a list, or leave `beta` out";
                self.tell("beta-without-targets", &beta.span, message, "common to what?", help);
            }
            entries.push((Hazard { name, beta, crew, clock, entry }, node));
        }
        entries
    }

    /// Checks the states of a hazard's clock, whatever else is wrong with it.
    fn clock_states(&mut self, item: &Item) -> Option<()> {
        let clock = item.table()?.get("while")?.item.table()?;
        let kind = self.known.get(clock.get("entity")?.item.text()?).copied()?;
        let Raw::List(states) = &clock.get("states")?.item.raw else { return None };
        for state in states {
            if let Some(text) = state.text() {
                self.state(kind, text, &state.span);
            }
        }
        Some(())
    }

    /// Checks the name of a hazard, whatever else is wrong with it.
    fn hazard_name(&mut self, item: &Item, seen: &mut BTreeSet<String>) {
        let Some(name) = item.table().and_then(|table| table.get("name")) else { return };
        let Some(text) = name.item.text() else { return };
        if self.take(units::name(text), &name.item, "name").is_some()
            && !seen.insert(text.to_owned())
        {
            let message = format!("two hazards have the name {}", quote(text));
            let help = "give every hazard a name of its own: it names its random streams";
            self.tell("duplicate-name", &name.item.span, message, "given before", help);
        }
    }

    /// Everything that people and automation do.
    pub(super) fn responses(&mut self, root: &Item) -> Vec<(Response, Node)> {
        let mut entries = Vec::new();
        for (at, item) in self.tables(root, "responses").iter().enumerate() {
            let watched = self.watched(item);
            let path = format!("responses.{at}");
            let Some(read) = self.action(item, &path, RESPONSE) else { continue };
            let Some((entity, state)) = watched else { continue };
            let Some(after) = read.dist("after") else { continue };
            let (entry, node) = read.entry(item, after);
            entries.push((Response { entity, state, entry }, node));
        }
        entries
    }

    /// The entity and the state that a response waits for, whatever else is wrong with it.
    fn watched(&mut self, item: &Item) -> Option<(String, String)> {
        let when = item.table()?.get("when")?.item.table()?;
        let (entity, state) = (&when.get("entity")?.item, &when.get("state")?.item);
        let kind = self.entity(entity.text()?, entity)?;
        let text = state.text()?;
        self.state(kind, text, &state.span)?;
        Some((entity.text()?.to_owned(), text.to_owned()))
    }

    /// Does a kind of entity have a state of that name?
    fn state(&mut self, kind: &EntityKind, text: &str, span: &Option<Span>) -> Option<()> {
        let names = kind.states.iter().flat_map(|state| [Some(state.name), state.alias]).flatten();
        let names: BTreeSet<&str> = names.collect();
        if names.contains(text) {
            return Some(());
        }
        let message = format!("a {} has no state {}", kind.name, quote(text));
        let help = match self.near(text, names.iter().copied()) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => format!("its states are {}", listed(names)),
        };
        self.tell("unknown-state", span, message, "no such state", help);
        None
    }

    /// The kind of the entity at a path.
    fn entity(&mut self, path: &str, item: &Item) -> Option<&'static EntityKind> {
        if let Some(kind) = self.known.get(path) {
            return Some(kind);
        }
        if self.may_exist(path) {
            return None;
        }
        let message = format!("there is no entity {}", quote(path));
        let help = self.nearest_entity(path);
        self.tell("unknown-entity", &item.span, message, "no such entity", help);
        None
    }

    /// Could this path be an entity that no table names, which is not known for the tables have
    /// mistakes?
    pub(super) fn may_exist(&self, path: &str) -> bool {
        let first = path.split('.').next();
        // A table may say something of entities that it does not name.
        let names = |table: &ParamSpec| match &table.kind {
            Kind::Named(spec) => spec.entity.is_some(),
            _ => true,
        };
        let named = systems::tables().any(|table| Some(table.name) == first && names(table));
        self.knows != Knows::All && !named
    }

    /// The nearest entity, or all of them.
    pub(super) fn nearest_entity(&self, path: &str) -> String {
        let known = || self.known.keys().map(String::as_str);
        match self.near(path, known()) {
            Some(name) => format!("did you mean `{name}`?"),
            None if self.known.is_empty() => "the scenario has none".to_owned(),
            None => format!("the entities are {}", listed(known())),
        }
    }

    /// One table with a `do`, its own keys and those of its action.
    fn action(&mut self, item: &Item, path: &str, own: &'static [ParamSpec]) -> Option<Read> {
        let table = item.table();
        let word = table.and_then(|table| table.get("do"));
        let text = word.and_then(|entry| entry.item.text());
        let Some((system, action)) = text.and_then(systems::action) else {
            if let (Some(text), Some(entry)) = (text, word) {
                self.unknown_action(text, &entry.item);
            }
            // What the other keys mean is not known; only its own ones can be read.
            let all: Vec<&str> = table.into_iter().flat_map(|t| t.keys()).map(|k| &**k).collect();
            self.params(&[own], item, path, &all);
            return None;
        };
        let mut more = Vec::new();
        let mut groups = vec![own, action.params];
        if action.lasts {
            groups.push(LASTS);
        } else if let Some(entry) = table.and_then(|table| table.get("lasts")) {
            let message = format!("`{}` has no length", action.name);
            let help = "remove `lasts`; what takes it back is an event of its own";
            self.tell("unexpected-lasts", &entry.key, message, "not taken", help);
            more.push("lasts");
        }
        let known: Vec<&str> = groups.iter().copied().flatten().map(|spec| spec.name).collect();
        let place = format!("do.{}", action.name);
        let mut wrong = false;
        for (name, entry) in table.into_iter().flatten() {
            if !known.contains(&name.as_str()) && self.impossible(&place, name, &entry.key) {
                more.push(name.as_str());
                wrong = true;
            }
        }
        let nodes = self.params(&groups, item, path, &more).filter(|_| !wrong)?;
        let read = Read { system, action, nodes };
        self.actions_read.push(Planned {
            system,
            action,
            params: read.own(item),
            repeats: own.iter().all(|spec| spec.name != "at"),
            every: read.dist("every"),
            lasts: read.dist("lasts").filter(|_| action.lasts),
            span: item.span.clone(),
        });
        Some(read)
    }

    fn unknown_action(&mut self, text: &str, item: &Item) {
        if self.impossible("do", text, &item.span) {
            return;
        }
        let names = || systems::ALL.iter().flat_map(|s| s.actions).map(|action| action.name);
        let help = match self.near(text, names()) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => format!("write one of {}", listed(names())),
        };
        let message = format!("nothing is known that does {}", quote(text));
        self.tell("unknown-action", &item.span, message, "no such action", help);
    }

    /// An instant of the scenario: an offset from its start, or absolute.
    pub(super) fn instant(&mut self, item: &Item, name: &str) -> Option<SimTime> {
        let absolute = match &item.raw {
            Raw::Date(text) => units::timestamp(text),
            Raw::Text(text) => match (units::timestamp(text), units::duration(text)) {
                (Err(_), Ok(offset)) => return SimTime::START.checked_add(offset),
                (Err(problem), Err(offset)) if problem.code != "missing-offset" => {
                    let mut problem = offset;
                    if problem.code == "out-of-range" {
                        problem.code = "before-start";
                        problem.message = format!("{} lies before the start", quote(text));
                        problem.help = "write an offset of zero or more, such as \"2h\"".to_owned();
                    }
                    Err(problem)
                }
                (instant, _) => instant,
            },
            Raw::Whole(_) | Raw::Float(_) => {
                let offset = self.duration(item, name)?;
                return SimTime::START.checked_add(offset);
            }
            _ => {
                let wanted = "an offset from the start or an instant";
                self.wrong_type(item, name, wanted, "\"2h\"");
                return None;
            }
        };
        let instant = self.take(absolute, item, name)?;
        self.since_start(instant, item)
    }

    fn since_start(&mut self, instant: jiff::Timestamp, item: &Item) -> Option<SimTime> {
        // Without a start, which has been told, no instant can be placed.
        let Some(start) = self.start else { return Some(SimTime::START) };
        let ns = instant.as_nanosecond() - start.as_nanosecond();
        if ns < 0 {
            let message = format!("{instant} lies before the start");
            let help = format!("write an instant from {start} on, or an offset such as \"2h\"");
            self.tell("before-start", &item.span, message, "before the start", help);
            return None;
        }
        let time = u64::try_from(ns).ok().and_then(SimTime::from_ns);
        if time.is_none() {
            let message = format!("{instant} is later than any run can last");
            let help = format!("write an instant within the horizon after {start}");
            self.tell("limit-duration", &item.span, message, "too late", help);
        }
        time
    }
}
