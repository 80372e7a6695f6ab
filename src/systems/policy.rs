//! Constraints of the organization policy, as every system that creates something under keys has
//! to obey them: what they forbid, and how a change of them reaches those who enforce them.

use super::contract::{Command, Plan};
use super::spec::{Node, Value};
use crate::engine::EntityId;
use std::collections::BTreeSet;

/// The table of a scenario, and the path of the entity that stands for it.
pub const PATH: &str = "organization-policy";

/// Services must not create resources without a customer-managed key.
pub const NON_CMEK_SERVICES: &str = "gcp.restrictNonCmekServices";
/// Only keys of these projects may protect new resources.
pub const KEY_PROJECTS: &str = "gcp.restrictCmekCryptoKeyProjects";
/// New keys have at least this wait before destruction.
pub const MINIMUM_WAIT: &str = "cloudkms.minimumDestroyScheduledDuration";
/// A version is disabled before its destruction is scheduled.
pub const DISABLE_FIRST: &str = "cloudkms.disableBeforeDestroy";

/// The services that [`NON_CMEK_SERVICES`] can name here, in the order of their bits.
pub const SERVICES: &[&str] = &[
    "bigtable.googleapis.com",
    "dataflow.googleapis.com",
    "pubsub.googleapis.com",
    "storage.googleapis.com",
    "bigquery.googleapis.com",
];

/// Numbers of the commands that change a policy; those who enforce it are told the same.
pub mod code {
    /// `a`: a bit for each of the services that need keys.
    pub const SERVICES: u16 = 900;
    /// `a`: a key; `b`: whether it is of a project that is not allowed.
    pub const KEY: u16 = 901;
    /// `a`: whether versions have to be disabled first.
    pub const DISABLE_FIRST: u16 = 902;
}

/// A constraint in the tables of a scenario, by its full name.
pub fn constraint<'n>(root: &'n Node, name: &str) -> Option<&'n Node> {
    let (group, name) = name.split_once('.')?;
    root.get(PATH)?.get(group)?.get(name)
}

/// Services as bits.
pub fn services(list: &[Node]) -> u32 {
    let bit = |node: &Node| SERVICES.iter().position(|known| *known == node.text());
    list.iter().filter_map(bit).fold(0, |bits, place| bits | 1 << place)
}

/// Is a project among those that a list allows? Without a list, all are.
pub fn allows(list: Option<&Node>, project: &str) -> bool {
    let Some(Node { value: Value::List(items), .. }) = list else { return true };
    items.iter().any(|item| named_project(item.text()) == Some(project))
}

/// The project of a value such as `under:projects/P` or `projects/P`.
pub fn named_project(text: &str) -> Option<&str> {
    let name = text.strip_prefix("under:").unwrap_or(text).strip_prefix("projects/")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// What is enforced at present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    services: u32,
    /// Keys of projects that are not allowed.
    foreign: BTreeSet<EntityId>,
    /// [`DISABLE_FIRST`] is on.
    pub disable_first: bool,
}

impl Policy {
    /// What is enforced at the start. Keys that do not say their path are taken as allowed.
    pub fn at_start(root: &Node, plan: &Plan) -> Policy {
        let allowed = constraint(root, KEY_PROJECTS);
        let foreign = plan.projects.iter().filter(|(_, project)| !allows(allowed, project));
        Policy {
            services: constraint(root, NON_CMEK_SERVICES).map_or(0, |list| services(list.list())),
            foreign: foreign.map(|(key, _)| *key).collect(),
            disable_first: constraint(root, DISABLE_FIRST).is_some_and(Node::bool),
        }
    }

    /// Takes in a change; gives whether it was one.
    pub fn hear(&mut self, command: Command) -> bool {
        match command.code {
            code::SERVICES => self.services = command.a,
            code::KEY if command.b != 0 => drop(self.foreign.insert(EntityId(command.a))),
            code::KEY => drop(self.foreign.remove(&EntityId(command.a))),
            code::DISABLE_FIRST => self.disable_first = command.a != 0,
            _ => return false,
        }
        true
    }

    /// BT-20: why a service may not create something under this key, or without one.
    pub fn forbids(&self, service: &str, key: Option<EntityId>) -> Option<&'static str> {
        let bit = SERVICES.iter().position(|known| *known == service).map_or(0, |place| 1 << place);
        match key {
            None if self.services & bit != 0 => {
                Some("constraints/gcp.restrictNonCmekServices demands a key")
            }
            Some(key) if self.foreign.contains(&key) => {
                Some("constraints/gcp.restrictCmekCryptoKeyProjects forbids the project of its key")
            }
            None | Some(_) => None,
        }
    }
}

/// Subscribes a process to the policy, if the scenario has one.
pub fn obey(root: &Node, process: u32, plan: &mut Plan) {
    if root.get(PATH).is_some() {
        let policy = plan.entity(PATH);
        plan.subscribe(process, policy);
    }
}
