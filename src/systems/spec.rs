//! How a system describes itself: its tables in a scenario file, its entities with their states,
//! its events, its model constants, its rules and its measures.
//!
//! Everything that reads, checks, documents or prints a scenario works from these descriptions,
//! so a new system needs no code outside its own file.

mod node;

pub use node::{Node, Origin, Value};

use crate::diag::{Diagnostic, Span};
use crate::engine::{Dist, SimDuration};
use std::collections::BTreeMap;

/// A documented fact about a real system that the model is made of.
#[derive(Debug)]
pub struct Rule {
    /// Stable id, for example `BT-29`.
    pub id: &'static str,
    /// The fact, in our words.
    pub text: &'static str,
    /// Where it is documented.
    pub source: &'static str,
    /// How sure the source makes us.
    pub confidence: Confidence,
}

/// How sure the source of a fact makes us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Documented.
    Documented,
    /// Documented, but vague: a bound, an adverb, or a secondary source.
    Vague,
    /// Our own modelling assumption.
    Assumed,
}

impl Confidence {
    /// The word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Confidence::Documented => "documented",
            Confidence::Vague => "vague",
            Confidence::Assumed => "assumed",
        }
    }
}

/// What a value in a scenario file may be.
#[derive(Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds (both included).
    Count(u64, u64),
    /// A number from 0 to 1.
    Fraction,
    /// A span of time with a unit, within bounds (both included): `"5m"`.
    Duration(SimDuration, SimDuration),
    /// A duration (constant) or one externally tagged table: `{ lognormal = { ... } }`.
    Distribution,
    /// An offset from the start (`"2h"`) or an absolute instant (`2026-03-02T08:00:00Z`).
    Instant,
    /// A number that is not negative: an amount of money.
    Amount,
    /// So many per unit of time: `"300/s"`. Read as a number per second.
    Rate,
    /// Free text.
    Text,
    /// A place of Google Cloud in lower case: `us-east1`, `global`, `europe`.
    Location,
    /// A zone: a region and a letter, `us-east1-b`.
    Zone,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The name of an entity whose path is this pattern plus the name. In a pattern `{param}`
    /// stands for the name another parameter of the same table refers to, and `{0}` for the first
    /// name in the path of the table that holds the parameter: in `bigtable.orders.app-profiles.p`
    /// the pattern `bigtable.{0}.clusters` means `bigtable.orders.clusters`. The full path of an
    /// entity that fits the pattern is taken as well.
    Reference(&'static str),
    /// A reference, a list of references, or this word, which means all of them.
    References(&'static str, &'static str),
    /// A list of some of these words; an empty list says none of them.
    Words(&'static [&'static str]),
    /// The full path of an entity of any kind; or this word, if there is one.
    Entity(Option<&'static str>),
    /// A list of values, at least one.
    List(&'static Kind),
    /// One of these words, each either alone or with a value: `"a"` or `{ b = 5 }`.
    Tagged(&'static [(&'static str, Option<&'static Kind>)]),
    /// Fractions by name that add up to 1: `{ east = 0.6, west = 0.4 }`. The names are references.
    Shares(&'static str),
    /// A table with these parameters.
    Table(&'static TableSpec),
    /// A table of named tables; the names are the user's.
    Named(&'static TableSpec),
}

/// What a parameter is when the scenario is silent.
#[derive(Debug)]
pub enum Default {
    /// The scenario must say it.
    Required,
    /// It is left out.
    Absent,
    /// This TOML value, read like any other: `"\"5m\""`, `"true"`, `"{ uniform = { ... } }"`.
    Value(&'static str),
}

/// One parameter of a table.
#[derive(Debug)]
pub struct ParamSpec {
    /// Its key, in kebab-case.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is when not given.
    pub default: Default,
    /// The rule ids its default comes from (`"BT-27"`), `"assumed"` in front where no source
    /// gives the number (`"assumed, BT-45"`), or empty where there is nothing to cite.
    pub source: &'static str,
    /// What it means, one sentence.
    pub doc: &'static str,
}

/// A parameter of a table, in one line.
pub const fn param(
    name: &'static str,
    kind: Kind,
    default: Default,
    source: &'static str,
    doc: &'static str,
) -> ParamSpec {
    ParamSpec { name, kind, default, source, doc }
}

/// The parameters of a table, and the entity that a named table stands for.
#[derive(Debug)]
pub struct TableSpec {
    /// Its parameters.
    pub params: &'static [ParamSpec],
    /// What a table of this kind is in the model, if it has states of its own.
    pub entity: Option<&'static EntityKind>,
}

/// A kind of thing with states.
#[derive(Debug)]
pub struct EntityKind {
    /// Google Cloud's word for it.
    pub name: &'static str,
    /// What it is to a reader.
    pub role: Role,
    /// Its states; the first is the one it starts in unless its system says otherwise.
    pub states: &'static [StateSpec],
    /// What is measured of it, besides what is measured of everything with states.
    pub measures: &'static [MeasureSpec],
}

/// What an entity is to a reader: what is shown first, and of what only the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Something that keys depend on.
    Service,
    /// A key.
    Key,
    /// A system that depends on keys.
    System,
    /// A part of a system.
    Part,
    /// One who uses a system.
    Client,
}

/// One state.
#[derive(Debug)]
pub struct StateSpec {
    /// Its name in timelines.
    pub name: &'static str,
    /// A second name that responses may wait for.
    pub alias: Option<&'static str>,
    /// Does the entity do its work in this state?
    pub serves: bool,
    /// Does it never come back?
    pub irreversible: bool,
    /// How it is drawn.
    pub look: Look,
    /// What it means, one sentence.
    pub doc: &'static str,
}

/// How a state is drawn: the colour and the pattern follow from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// Works as it should.
    Good,
    /// Works, on borrowed time or on its way down.
    Waning,
    /// Works in part.
    Partial,
    /// Coming back.
    Returning,
    /// Down because access is denied.
    Denied,
    /// Down because something cannot be reached.
    Unreachable,
    /// Down for good.
    Gone,
    /// Does not exist (yet, or any more) by the user's own wish.
    Absent,
}

/// One thing measured.
#[derive(Debug)]
pub struct MeasureSpec {
    /// Its name: the last part of the measure's path.
    pub name: &'static str,
    /// `s`, `count`, `fraction` or `USD`.
    pub unit: &'static str,
    /// How it comes about.
    pub how: How,
    /// What it means, one sentence.
    pub doc: &'static str,
}

/// Something measured, in one line.
pub const fn measure(
    name: &'static str,
    unit: &'static str,
    how: How,
    doc: &'static str,
) -> MeasureSpec {
    MeasureSpec { name, unit, how, doc }
}

/// How a measure comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The entity's process tells it; told more than once, it adds up.
    Told,
    /// As told, and zero if no process tells it.
    Counted,
    /// Time in these states.
    TimeIn(&'static [&'static str]),
    /// From the first root event until the entity first leaves its best state.
    FirstError,
    /// From the first root event until the entity first does not serve.
    Lockout,
    /// From the first root event until the entity is back in its best state for good.
    Recovery,
    /// 1 if the entity ends in an irreversible state, else 0.
    Irreversible,
    /// One of the measures of everything with states.
    Common,
    /// The price of as many operations as another measure of the entity counts (KMS-30).
    Priced(&'static str),
    /// Another measure of the entity, if its requests are logged (BT-13); zero else.
    Logged(&'static str),
    /// The sum of other measures of the entity.
    Sum(&'static [&'static str]),
}

/// Measures of everything with states.
pub const COMMON_MEASURES: &[MeasureSpec] = &[
    MeasureSpec {
        name: "availability",
        unit: "fraction",
        how: How::Common,
        doc: "Share of the time in which it serves; of an app profile, share of its requests served.",
    },
    MeasureSpec {
        name: "downtime",
        unit: "s",
        how: How::Common,
        doc: "Time in which it does not serve.",
    },
    MeasureSpec {
        name: "outages",
        unit: "count",
        how: How::Common,
        doc: "Number of separate times it stopped serving.",
    },
    MeasureSpec {
        name: "longest-outage",
        unit: "s",
        how: How::Common,
        doc: "The longest of them, cut at the horizon.",
    },
];

/// Something that can be made to happen: the `do` of an event, a hazard or a response.
#[derive(Debug)]
pub struct ActionSpec {
    /// The word after `do`.
    pub name: &'static str,
    /// Whether it has a length (`lasts`): never, or always.
    pub lasts: bool,
    /// Its parameters besides `at`, `do`, `lasts`.
    pub params: &'static [ParamSpec],
    /// The rule it plays.
    pub rule: &'static str,
    /// What it means, one sentence.
    pub doc: &'static str,
}

/// One use of a key: an edge of its own, for its grant can be revoked alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Path of the key.
    pub key: String,
    /// Who asks the key: one of [`PRINCIPALS`].
    pub principal: &'static str,
    /// The project whose agent that is; the scenario's one project if it names none.
    pub project: Option<String>,
    /// Path of the entity that depends on it.
    pub by: String,
}

impl Use {
    /// Path of the grant that the use needs.
    pub fn grant(&self) -> String {
        match &self.project {
            None => format!("{}.grants.{}", self.key, self.principal),
            Some(project) => format!("{}.grants.{}-in-{project}", self.key, self.principal),
        }
    }
}

/// The service accounts that ask keys on behalf of a system.
pub const PRINCIPALS: &[&str] = &[
    "bigtable-agent",
    "dataflow-service-account",
    "compute-engine-agent",
    "pubsub-agent",
    "storage-agent",
    "bigquery-agent",
];

/// What a key protects of a system's data, and what stays under Google's own keys.
#[derive(Debug)]
pub struct Protection {
    /// The table of the scenario whose entries it is about.
    pub table: &'static str,
    /// Classes of data that the key protects, each with the rule that says so.
    pub covered: &'static [(&'static str, &'static str)],
    /// Classes of data that it does not protect.
    pub uncovered: &'static [(&'static str, &'static str)],
}

/// Something that users look for and that the real system never allows.
#[derive(Debug)]
pub struct Impossible {
    /// Where it is looked for: the path of a table with `*` for names (`bigtable.*.backups.*`),
    /// `do` for an event, `do.ACTION` for a parameter of one.
    pub place: &'static str,
    /// What it is called there.
    pub names: &'static [&'static str],
    /// The rule that forbids it.
    pub rule: &'static str,
    /// Why.
    pub why: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// An event, a hazard or a response as it was read.
pub struct Planned {
    /// Whose action it is.
    pub system: &'static System,
    /// What happens.
    pub action: &'static ActionSpec,
    /// The action's own parameters.
    pub params: Node,
    /// Can it happen more than once? Hazards and responses can.
    pub repeats: bool,
    /// Of a hazard: from the end of one to the start of the next.
    pub every: Option<Dist>,
    /// How long it lasts.
    pub lasts: Option<Dist>,
    /// Its table.
    pub span: Option<Span>,
}

/// The checked tables and the entities of a scenario, and what happens in it.
pub struct World<'a> {
    /// The checked tables.
    pub root: &'a Node,
    /// Every entity by path.
    pub entities: &'a BTreeMap<String, &'static EntityKind>,
    /// Every event, hazard and response.
    pub planned: &'a [Planned],
}

/// Everything a system says of itself.
pub struct System {
    /// Its name, which is also the prefix of its model constants.
    pub name: &'static str,
    /// Its top-level tables.
    pub tables: &'static [ParamSpec],
    /// Its constants under `[model]`, in the table of its name.
    pub model: &'static [ParamSpec],
    /// The rules it plays.
    pub rules: &'static [Rule],
    /// The events it understands.
    pub actions: &'static [ActionSpec],
    /// Entities that no table of the scenario names, as path and kind, from the checked tables
    /// (for example one Cloud KMS per location that has a key).
    pub derived: fn(root: &Node) -> Vec<(String, &'static EntityKind)>,
    /// Documented set-up rules, told before anything runs.
    pub check: fn(root: &Node, found: &mut Vec<Diagnostic>),
    /// What is wrong with one checked event (its parameters) in this world, told before anything
    /// runs.
    pub check_action: fn(action: &str, params: &Node, world: &World, found: &mut Vec<Diagnostic>),
    /// What is wrong with everything together, told before anything runs.
    pub check_world: fn(world: &World, found: &mut Vec<Diagnostic>),
    /// Which keys its entities use, and as whom.
    pub uses: fn(root: &Node) -> Vec<Use>,
    /// What a key protects of a system's data, and what it does not.
    pub protects: Option<&'static Protection>,
    /// What the real system never allows, to say why where it is looked for.
    pub impossible: &'static [Impossible],
    /// Makes the processes of one design point.
    pub build: fn(root: &Node, plan: &mut super::contract::Plan),
    /// Turns one checked event (its parameters) into commands for entities.
    pub compile: fn(
        action: &str,
        params: &Node,
        plan: &super::contract::Plan,
    ) -> Vec<super::contract::Command>,
}

impl System {
    /// A system that says nothing: what a real one leaves out.
    pub const PLAIN: System = System {
        name: "",
        tables: &[],
        model: &[],
        rules: &[],
        actions: &[],
        derived: |_| Vec::new(),
        check: |_, _| {},
        check_action: |_, _, _, _| {},
        check_world: |_, _| {},
        uses: |_| Vec::new(),
        protects: None,
        impossible: &[],
        build: |_, _| {},
        compile: |action, _, _| panic!("`{action}` is not an action of this system"),
    };
}
