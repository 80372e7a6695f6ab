//! The checked tree of a scenario.

use crate::diag::Span;
use crate::engine::{Dist, SimDuration, SimTime};
use std::collections::BTreeMap;

/// A checked value with where it came from.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands in an input text; `None` for defaults.
    pub span: Option<Span>,
    /// Who said it.
    pub origin: Origin,
    /// The `source` of its parameter: rule ids, `assumed`, or empty.
    pub source: &'static str,
}

/// Who said a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The scenario file.
    File,
    /// A `--set` (or `--seed`) on the command line.
    Set,
    /// Nobody: the parameter's default.
    Default,
}

/// A checked value.
#[derive(Clone, Debug)]
pub enum Value {
    /// See [`Kind::Bool`](super::Kind::Bool).
    Bool(bool),
    /// See [`Kind::Count`](super::Kind::Count).
    Count(u64),
    /// A fraction, an amount, or a rate per second.
    Number(f64),
    /// See [`Kind::Duration`](super::Kind::Duration).
    Duration(SimDuration),
    /// See [`Kind::Distribution`](super::Kind::Distribution).
    Dist(Dist),
    /// See [`Kind::Instant`](super::Kind::Instant).
    Instant(SimTime),
    /// A text, location or zone.
    Text(String),
    /// See [`Kind::Choice`](super::Kind::Choice).
    Choice(&'static str),
    /// The full path of an entity.
    Reference(String),
    /// See [`Kind::Tagged`](super::Kind::Tagged) and [`Kind::References`](super::Kind::References) (whose word is a tag alone).
    Tagged(&'static str, Option<Box<Node>>),
    /// See [`Kind::List`](super::Kind::List) and [`Kind::Words`](super::Kind::Words).
    List(Vec<Node>),
    /// See [`Kind::Shares`](super::Kind::Shares): entity path to fraction.
    Shares(BTreeMap<String, f64>),
    /// A table of either kind.
    Table(BTreeMap<String, Node>),
}

/// Reading a checked tree. Every reader states what the description promised; asking for a
/// parameter that is not described is our bug and stops the program.
impl Node {
    /// The node at a key of this table, if present.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.table().get(name)
    }

    /// The node at a key of this table that always has one.
    pub fn at(&self, name: &str) -> &Node {
        self.get(name)
            .unwrap_or_else(|| panic!("parameter `{name}` is described as always present"))
    }

    /// The entries of a table, by name.
    pub fn table(&self) -> &BTreeMap<String, Node> {
        match &self.value {
            Value::Table(entries) => entries,
            other => panic!("described as a table: {other:?}"),
        }
    }

    /// The named tables below a key: none if the key is absent.
    pub fn named(&self, name: &str) -> impl Iterator<Item = (&str, &Node)> {
        self.get(name).into_iter().flat_map(|n| n.table().iter().map(|(k, v)| (k.as_str(), v)))
    }

    /// A truth value.
    pub fn bool(&self) -> bool {
        match self.value {
            Value::Bool(b) => b,
            ref other => panic!("described as a truth value: {other:?}"),
        }
    }

    /// A count.
    pub fn count(&self) -> u64 {
        match self.value {
            Value::Count(n) => n,
            ref other => panic!("described as a count: {other:?}"),
        }
    }

    /// A fraction, amount or rate.
    pub fn number(&self) -> f64 {
        match self.value {
            Value::Number(x) => x,
            ref other => panic!("described as a number: {other:?}"),
        }
    }

    /// A duration.
    pub fn duration(&self) -> SimDuration {
        match self.value {
            Value::Duration(d) => d,
            ref other => panic!("described as a duration: {other:?}"),
        }
    }

    /// A distribution.
    pub fn dist(&self) -> &Dist {
        match &self.value {
            Value::Dist(d) => d,
            other => panic!("described as a distribution: {other:?}"),
        }
    }

    /// An instant.
    pub fn instant(&self) -> SimTime {
        match self.value {
            Value::Instant(t) => t,
            ref other => panic!("described as an instant: {other:?}"),
        }
    }

    /// A text, location, zone, choice or entity path.
    pub fn text(&self) -> &str {
        match &self.value {
            Value::Text(t) | Value::Reference(t) => t,
            Value::Choice(word) => word,
            other => panic!("described as text: {other:?}"),
        }
    }

    /// The tag of a tagged value with its inner value.
    pub fn tagged(&self) -> (&'static str, Option<&Node>) {
        match &self.value {
            Value::Tagged(tag, inner) => (tag, inner.as_deref()),
            other => panic!("described as tagged: {other:?}"),
        }
    }

    /// The items of a list.
    pub fn list(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            other => panic!("described as a list: {other:?}"),
        }
    }

    /// Fractions by entity path.
    pub fn shares(&self) -> &BTreeMap<String, f64> {
        match &self.value {
            Value::Shares(shares) => shares,
            other => panic!("described as shares: {other:?}"),
        }
    }
}
