//! Reads a scenario: from bytes to a checked [`Scenario`], or every mistake in one go.
//!
//! The steps: the bytes become a tree of raw values (`tree`), `--set` writes into it (`set`), the
//! descriptions of the systems say what each value may be (`reader`, `compound`, `dist`, `units`),
//! and then events, hazards and responses (`entries`) and objectives and expectations (`bounds`)
//! are read, which refer to what the tables name; `sweep` reads what an experiment varies. Nothing here knows a parameter of a product:
//! whatever a system describes is read, and nothing else is.

mod bounds;
mod compound;
mod dist;
mod entries;
mod factor;
mod point;
mod reader;
mod set;
mod sweep;
mod template;
mod tree;
mod units;
mod varied;

pub(crate) use bounds::{CONDITIONS, EXPECT, OBJECTIVE};
pub(crate) use entries::{EVENT, HAZARD, LASTS, RESPONSE};
pub(super) use factor::Assignment;
pub use point::{point, scaled, time};
pub use set::factor;
pub use template::Template;
pub use units::{Precision, precision};

use super::Scenario;
use crate::diag::{Diagnostic, Sources};
use crate::engine::SimDuration;
use crate::limits::ENTITIES_MAX;
use crate::systems;
use crate::systems::spec::{
    Default, EntityKind, Kind, Node, Origin, ParamSpec, Planned, TableSpec, Value, World,
};
use reader::{Knows, Reader, Scope};
use std::collections::BTreeMap;
use tree::{Item, Raw};

/// What the command line says besides the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The texts after `--set`, each `PATH=VALUE`, applied in this order.
    pub sets: Vec<String>,
    /// The number after `--seed`, which wins over everything else.
    pub seed: Option<u64>,
}

const fn param(name: &'static str, kind: Kind, default: Default, doc: &'static str) -> ParamSpec {
    ParamSpec { name, kind, default, source: "", doc }
}

/// The keys of `[scenario]`; `start` is read apart, for it is the instant all others count from.
pub(crate) const SCENARIO: &[ParamSpec] = &[
    param("name", Kind::Text, Default::Required, "Its name, and that of its output folder."),
    param("description", Kind::Text, Default::Value("\"\""), "What it shows."),
    param(
        "horizon",
        Kind::Duration(SHORTEST, SimDuration::MAX),
        Default::Required,
        "How long it is played.",
    ),
    param("seed", Kind::Count(0, SEED_MAX), Default::Value("1"), "Seed of every random stream."),
];

/// The largest seed: what a whole number in TOML can hold.
const SEED_MAX: u64 = i64::MAX as u64;
const SHORTEST: SimDuration = match SimDuration::from_ns(1) {
    Some(span) => span,
    None => SimDuration::ZERO,
};

/// The lists of tables at the top of a scenario.
pub(crate) const LISTS: &[&str] = &["events", "hazards", "responses", "objectives", "expect"];

/// Reads a scenario file.
///
/// `name` is how the file is called in diagnostics. `files` loads what the scenario names, by a
/// path relative to the scenario. All mistakes come back at once, in the order of their places.
pub fn read(
    name: &str,
    bytes: &[u8],
    overrides: &Overrides,
    files: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Scenario, (Vec<Diagnostic>, Sources)> {
    Template::new(name, bytes, overrides)?.scenario(&[], files)
}

/// Diagnostics in the order of their places, each once.
fn sorted(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let place = |wrong: &Diagnostic| {
        wrong.span.as_ref().map(|span| (span.source, span.range.start, span.range.end))
    };
    found.sort_by(|a, b| (place(a), a.code, &a.message).cmp(&(place(b), b.code, &b.message)));
    found.dedup();
    found
}

impl Reader<'_> {
    /// The whole scenario; nothing if a part of it is missing, in which case that has been told.
    fn scenario(&mut self, root: &Item) -> Option<Scenario> {
        self.top_level(root);
        let mut nodes = BTreeMap::new();
        nodes.extend(self.schema(root).map(|node| ("schema".to_owned(), node)));
        let head = self.head(root);
        self.named_entities(root);
        if self.known.len() > ENTITIES_MAX {
            let message = format!("the scenario has more than {ENTITIES_MAX} entities");
            let help = "split the scenario into several files";
            let wrong = Diagnostic::error("limit-entities", None, message).help(help);
            self.found.push(wrong);
            return None;
        }
        let before = self.found.len();
        nodes.extend(self.system_tables(root));
        nodes.insert("model".to_owned(), self.model(root));
        nodes.extend(head.clone().map(|node| ("scenario".to_owned(), node)));
        let node =
            |value| Node { value, span: root.span.clone(), origin: Origin::File, source: "" };
        let mut tree = node(Value::Table(nodes));
        self.all_entities(&tree, before);
        if self.knows == Knows::All && head.is_some() && tree.get("schema").is_some() {
            for system in systems::ALL {
                (system.check)(&tree, &mut self.found);
            }
        }
        let (events, event_nodes) = unzip(self.events(root));
        let (hazards, hazard_nodes) = unzip(self.hazards(root));
        let (responses, response_nodes) = unzip(self.responses(root));
        if self.knows == Knows::All {
            let planned = std::mem::take(&mut self.actions_read);
            let world = World { root: &tree, entities: &self.known, planned: &planned };
            for Planned { system, action, params, .. } in &planned {
                (system.check_action)(action.name, params, &world, &mut self.found);
            }
            for system in systems::ALL {
                (system.check_world)(&world, &mut self.found);
            }
        }
        let (objectives, objective_nodes) = unzip(self.bounds(root, "objectives", OBJECTIVE));
        let (expect, expect_nodes) = unzip(self.bounds(root, "expect", EXPECT));
        let seed = head.as_ref().map_or(1, |head| head.at("seed").count());
        let sweep = self.sweep(root, seed);
        let uncertain = self.uncertain(root, seed);
        self.factors_apart();
        let head = head?;
        let lists = [event_nodes, hazard_nodes, response_nodes, objective_nodes, expect_nodes];
        if let Value::Table(nodes) = &mut tree.value {
            let lists = LISTS.iter().zip(lists).filter(|(_, list)| !list.is_empty());
            nodes.extend(lists.map(|(name, list)| ((*name).to_owned(), node(Value::List(list)))));
        }
        Some(Scenario {
            name: head.at("name").text().to_owned(),
            description: head.at("description").text().to_owned(),
            start: self.start?,
            horizon: self.horizon?,
            seed: head.at("seed").count(),
            root: tree,
            entities: std::mem::take(&mut self.known),
            events,
            hazards,
            responses,
            objectives,
            expect,
            sweep,
            uncertain,
            warnings: Vec::new(),
            sources: Sources::default(),
        })
    }

    /// Tells of everything at the top that is no part of a scenario.
    fn top_level(&mut self, root: &Item) {
        let mut known = vec!["schema", "scenario", "model", "sweep", "uncertain"];
        known.extend(systems::tables().map(|table| table.name));
        known.extend(LISTS);
        if let Some(table) = root.table() {
            self.unknown_keys(table, &known, "");
        }
    }

    /// The version of the form of the file.
    fn schema(&mut self, root: &Item) -> Option<Node> {
        const HELP: &str = "write `schema = 1` above everything else";
        let Some(entry) = root.table().and_then(|table| table.get("schema")) else {
            self.tell("missing-key", &root.span, "`schema` is missing", "here", HELP);
            return None;
        };
        let item = &entry.item;
        if !matches!(item.raw, Raw::Whole(Some(1))) {
            let message = "this version reads scenarios of schema 1 only";
            self.tell("wrong-schema", &item.span, message, "not 1", HELP);
            return None;
        }
        let (span, origin) = (item.span.clone(), item.origin());
        Some(Node { value: Value::Count(1), span, origin, source: "" })
    }

    /// The table `scenario`, with the start and the horizon that the entries need.
    fn head(&mut self, root: &Item) -> Option<Node> {
        let Some(entry) = root.table().and_then(|table| table.get("scenario")) else {
            let help = "add `[scenario]` with `name`, `start` and `horizon`";
            self.tell("missing-key", &root.span, "`scenario` is missing", "here", help);
            return None;
        };
        let item = &entry.item;
        let start = item.table().and_then(|table| table.get("start"));
        let start = match start {
            Some(entry) => self.start(&entry.item),
            None if item.table().is_some() => {
                let help = "add `start = 2026-03-02T08:00:00Z`";
                let message = "`start` is missing from `scenario`";
                self.tell("missing-key", &item.span, message, "here", help);
                None
            }
            None => None,
        };
        if let Some(name) = item.table().and_then(|table| table.get("name"))
            && let Some(text) = name.item.text()
        {
            self.take(units::name(text), &name.item, "name");
        }
        // The horizon is needed even where another key is wrong.
        let horizon = item.table().and_then(|table| table.get("horizon"));
        let horizon = horizon.and_then(|entry| entry.item.text());
        self.horizon = horizon.and_then(|text| units::duration(text).ok());
        let mut nodes = self.params(&[SCENARIO], item, "scenario", &["start"])?;
        nodes.insert("start".to_owned(), start?);
        let (span, origin) = (item.span.clone(), item.origin());
        Some(Node { value: Value::Table(nodes), span, origin, source: "" })
    }

    /// The instant that offsets count from.
    fn start(&mut self, item: &Item) -> Option<Node> {
        let (Raw::Text(text) | Raw::Date(text)) = &item.raw else {
            self.wrong_type(item, "start", "a date and time", "2026-03-02T08:00:00Z");
            return None;
        };
        let start = self.take(units::timestamp(text), item, "start")?;
        self.start = Some(start);
        let value = Value::Text(start.to_string());
        Some(Node { value, span: item.span.clone(), origin: item.origin(), source: "" })
    }

    /// Notes the entities that tables name, right or wrong, so that references find them.
    fn named_entities(&mut self, root: &Item) {
        for param in systems::tables() {
            let entry = root.table().and_then(|table| table.get(param.name));
            if let (Kind::Named(spec), Some(entry)) = (&param.kind, entry) {
                collect(param.name, spec, &entry.item, &mut self.known);
            }
        }
    }

    /// The tables of the systems; those with a mistake are left out.
    fn system_tables(&mut self, root: &Item) -> BTreeMap<String, Node> {
        let mut nodes = BTreeMap::new();
        let Some(entries) = root.table() else { return nodes };
        for system in systems::ALL {
            let scope = Scope { path: "", entries, params: &[system.tables] };
            nodes.extend(self.known_params(scope, root).unwrap_or_default());
        }
        nodes
    }

    /// The constants of every system, below its name.
    fn model(&mut self, root: &Item) -> Node {
        let nothing = Item {
            raw: Raw::Table(tree::Table::new()),
            span: None,
            origin: Origin::Default,
            implied: false,
        };
        let entry = root.table().and_then(|table| table.get("model"));
        let model = entry.map_or(&nothing, |entry| &entry.item);
        if let Some(table) = model.table() {
            let names: Vec<&str> = systems::ALL.iter().map(|system| system.name).collect();
            self.unknown_keys(table, &names, "model");
        } else {
            self.params(&[], model, "model", &[]);
        }
        let mut nodes = BTreeMap::new();
        for system in systems::ALL {
            let entry = model.table().and_then(|table| table.get(system.name));
            let item = entry.map_or(&nothing, |entry| &entry.item);
            let path = format!("model.{}", system.name);
            let table = self.params(&[system.model], item, &path, &[]).unwrap_or_default();
            let (span, origin) = (item.span.clone(), item.origin());
            let node = Node { value: Value::Table(table), span, origin, source: "" };
            nodes.insert(system.name.to_owned(), node);
        }
        let (span, origin) = (model.span.clone(), model.origin());
        Node { value: Value::Table(nodes), span, origin, source: "" }
    }

    /// Adds the entities that no table names, where the tables have no mistakes, and looks up the
    /// references that waited for them.
    fn all_entities(&mut self, tree: &Node, before: usize) {
        if self.found.len() > before {
            self.knows = Knows::NamedOnly;
            return;
        }
        self.knows = Knows::All;
        self.known = systems::entities(tree);
        let waiting = std::mem::take(&mut self.waiting);
        for (path, mut wrong) in waiting {
            if !self.known.contains_key(&path) {
                if wrong.code == "unknown-entity" {
                    wrong = wrong.help(self.nearest_entity(&path));
                }
                self.found.push(wrong);
                self.knows = Knows::NamedOnly;
            }
        }
    }
}

/// Notes the entities of one table of named tables, and of those inside it.
fn collect(
    prefix: &str,
    spec: &'static TableSpec,
    item: &Item,
    known: &mut BTreeMap<String, &'static EntityKind>,
) {
    for (name, entry) in item.table().into_iter().flatten() {
        let path = format!("{prefix}.{name}");
        for param in spec.params {
            let inner = entry.item.table().and_then(|table| table.get(param.name));
            if let (Kind::Named(spec), Some(inner)) = (&param.kind, inner) {
                collect(&format!("{path}.{}", param.name), spec, &inner.item, known);
            }
        }
        known.extend(spec.entity.filter(|_| !entry.item.implied).map(|kind| (path, kind)));
    }
}

fn unzip<T>(pairs: Vec<(T, Node)>) -> (Vec<T>, Vec<Node>) {
    pairs.into_iter().unzip()
}

#[cfg(test)]
mod tests;
