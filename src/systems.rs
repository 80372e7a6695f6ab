//! The systems that depend on keys, and the key services themselves: one file each.

pub mod bigquery;
pub mod bigtable;
pub mod contract;
pub mod crew;
pub mod dataflow;
pub mod flow;
pub mod guard;
pub mod kms;
pub mod operations;
pub mod policy;
pub mod pubsub;
pub mod service;
pub mod spec;
pub mod storage;
pub mod store;

use spec::{ActionSpec, EntityKind, ParamSpec, Rule, System};

/// Every system of the model. A new one is a file in this folder and a line here.
pub const ALL: &[&System] = &[
    &kms::SYSTEM,
    &bigtable::SYSTEM,
    &bigquery::SYSTEM,
    &storage::SYSTEM,
    &pubsub::SYSTEM,
    &dataflow::SYSTEM,
    &flow::SYSTEM,
    &service::SYSTEM,
    &crew::SYSTEM,
];

/// Every rule that the model is made of, in the order of the systems.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    ALL.iter().flat_map(|system| system.rules)
}

/// The rule with an id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

/// The action that a word after `do` names, with the system it belongs to.
pub fn action(name: &str) -> Option<(&'static System, &'static ActionSpec)> {
    ALL.iter().find_map(|system| {
        let action = system.actions.iter().find(|action| action.name == name)?;
        Some((*system, action))
    })
}

/// Why something that a user looks for in a place can never be, if that is so.
pub fn impossible(place: &str, name: &str) -> Option<&'static spec::Impossible> {
    let fits = |pattern: &str| {
        let (mut wanted, mut given) = (pattern.split('.'), place.split('.'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(own)) if part == "*" || part == own => {}
                _ => return false,
            }
        }
    };
    let all = ALL.iter().flat_map(|system| system.impossible);
    all.into_iter().find(|known| known.names.contains(&name) && fits(known.place))
}

/// The top-level tables of all systems.
pub fn tables() -> impl Iterator<Item = &'static ParamSpec> {
    ALL.iter().flat_map(|system| system.tables)
}

/// The entities of a checked scenario by path, in the order of their ids.
pub fn entities(root: &spec::Node) -> std::collections::BTreeMap<String, &'static EntityKind> {
    let mut found = std::collections::BTreeMap::new();
    for system in ALL {
        for param in system.tables {
            if let (spec::Kind::Named(table), Some(node)) = (&param.kind, root.get(param.name)) {
                collect(param.name, table, node, &mut found);
            }
        }
        found.extend((system.derived)(root));
    }
    found
}

/// Adds the entities of one table of named tables, and of those inside it.
fn collect(
    prefix: &str,
    table: &'static spec::TableSpec,
    node: &spec::Node,
    found: &mut std::collections::BTreeMap<String, &'static EntityKind>,
) {
    for (name, entry) in node.table() {
        let path = format!("{prefix}.{name}");
        for param in table.params {
            if let (spec::Kind::Named(inner), Some(node)) = (&param.kind, entry.get(param.name)) {
                collect(&format!("{path}.{}", param.name), inner, node, found);
            }
        }
        if let Some(kind) = table.entity {
            found.insert(path, kind);
        }
    }
}
