//! One factor: a parameter (or several under one name) with the values it takes.

use super::reader::{Reader, below, listed};
use super::tree::{self, Entry, Item, Raw, Table, quote};
use super::units;
use crate::diag::Span;
use crate::engine::{Dist, SimDuration};
use crate::limits::LEVELS_MAX;
use crate::systems::spec::Origin;

/// A value at a path of the scenario.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Assignment {
    /// The path, as after `--set`.
    pub(super) path: String,
    /// Where the path stands in the input.
    pub(super) span: Option<Span>,
    /// The value.
    pub(super) item: Item,
}

/// One level of a factor.
#[derive(Clone, Debug)]
pub(super) struct Level {
    /// As text.
    pub(super) label: String,
    /// What it writes into the scenario.
    pub(super) values: Vec<Assignment>,
    /// As a number, where it is one, with `s` for lengths of time.
    pub(super) amount: Option<(f64, &'static str)>,
}

/// A factor.
#[derive(Debug)]
pub(super) struct Factor {
    pub(super) name: String,
    pub(super) span: Option<Span>,
    pub(super) kind: Kind,
}

/// What values a factor takes.
#[derive(Debug)]
pub(super) enum Kind {
    /// These.
    Listed(Vec<Level>),
    /// Any between two.
    Range(Range),
    /// Spans of time of this distribution.
    Spread(Assignment, Dist),
}

/// All values between two.
#[derive(Debug)]
pub(super) struct Range {
    at: Assignment,
    from: Amount,
    to: Amount,
    log: bool,
    /// How many levels it has in a grid, and where that stands.
    pub(super) steps: Option<(u64, Option<Span>)>,
}

/// A number with the unit it was written in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Amount {
    Duration(f64),
    Rate(f64),
    Whole(f64),
    Number(f64),
}

impl Amount {
    /// What a raw value says, if it is a number with or without a unit.
    fn of(item: &Item) -> Option<Amount> {
        match &item.raw {
            Raw::Whole(Some(number)) => Some(Amount::Whole(*number as f64)),
            Raw::Float(number) if number.is_finite() => Some(Amount::Number(*number)),
            Raw::Text(text) => match units::duration(text) {
                Ok(span) => Some(Amount::Duration(span.ns() as f64)),
                Err(_) => units::rate(text).ok().map(Amount::Rate),
            },
            _ => None,
        }
    }

    fn value(self) -> f64 {
        match self {
            Amount::Duration(x) | Amount::Rate(x) | Amount::Whole(x) | Amount::Number(x) => x,
        }
    }

    /// Another number of the same unit, as a raw value.
    fn raw(self, value: f64) -> Raw {
        match self {
            Amount::Duration(_) => {
                Raw::Text(SimDuration::from_seconds_f64(value / 1e9).to_string())
            }
            Amount::Rate(_) => Raw::Text(format!("{value}/s")),
            Amount::Whole(_) => Raw::Whole(Some(value as i128)),
            Amount::Number(_) => Raw::Float(value),
        }
    }
}

impl Assignment {
    /// Does its path or its value stand at a place that fits?
    pub(in crate::scenario) fn said_at(&self, fits: impl Fn(&Option<Span>) -> bool) -> bool {
        fits(&self.span) || fits(&self.item.span)
    }

    /// Its path.
    pub(in crate::scenario) fn path(&self) -> &str {
        &self.path
    }

    fn with(&self, raw: Raw) -> Level {
        let item = Item { raw, ..self.item.clone() };
        level(&Assignment { item, ..self.clone() })
    }
}

/// The level that a single value is.
pub(super) fn level(value: &Assignment) -> Level {
    let label = match &value.item.raw {
        Raw::Text(text) => text.clone(),
        _ => tree::text(&value.item),
    };
    let amount = Amount::of(&value.item).map(|amount| match amount {
        Amount::Duration(ns) => (ns / 1e9, "s"),
        Amount::Rate(_) | Amount::Whole(_) | Amount::Number(_) => (amount.value(), ""),
    });
    Level { label, values: vec![value.clone()], amount }
}

impl Range {
    /// The value at a share of the way.
    fn between(&self, share: f64) -> f64 {
        let (from, to) = (self.from.value(), self.to.value());
        if share <= 0.0 {
            from
        } else if share >= 1.0 {
            to
        } else if self.log {
            libm::exp(libm::log(from) + share * libm::log(to / from))
        } else {
            from + share * (to - from)
        }
    }

    /// Evenly spaced levels, both ends included.
    pub(super) fn spaced(&self, steps: u64) -> Vec<Level> {
        let last = steps.saturating_sub(1).max(1) as f64;
        let value = |step: u64| self.rounded(self.between(step as f64 / last));
        (0..steps).map(|step| self.at.with(self.from.raw(value(step)))).collect()
    }

    /// The first of so many levels that is as the one before it, for what is rounded.
    pub(super) fn twice(&self, steps: u64) -> Option<String> {
        let levels = self.spaced(steps);
        let mut pairs = levels.iter().zip(levels.iter().skip(1));
        pairs.find(|(one, next)| one.label == next.label).map(|(one, _)| one.label.clone())
    }

    /// The level at a fraction from 0 to 1: whole numbers are equally likely.
    fn at(&self, share: f64) -> Level {
        let value = match self.from {
            Amount::Whole(from) => {
                let steps = self.to.value() - from + 1.0;
                let place = if self.log {
                    libm::floor(self.between(share) + 0.5)
                } else {
                    from + libm::floor(share * steps)
                };
                place.clamp(from, self.to.value())
            }
            Amount::Duration(_) | Amount::Rate(_) | Amount::Number(_) => self.between(share),
        };
        self.at.with(self.from.raw(value))
    }
}

impl Range {
    fn rounded(&self, value: f64) -> f64 {
        if matches!(self.from, Amount::Whole(_)) { libm::round(value) } else { value }
    }
}

impl Factor {
    /// Every value that it may write, with its path.
    pub(super) fn written(&self) -> Vec<&Assignment> {
        match &self.kind {
            Kind::Listed(levels) => levels.iter().flat_map(|level| &level.values).collect(),
            Kind::Range(range) => vec![&range.at],
            Kind::Spread(value, _) => vec![value],
        }
    }

    /// The level at a fraction between 0 and 1.
    pub(super) fn at(&self, share: f64) -> Option<Level> {
        match &self.kind {
            Kind::Listed(levels) => {
                let place = libm::floor(share * levels.len() as f64) as usize;
                levels.get(place.min(levels.len().saturating_sub(1))).cloned()
            }
            Kind::Range(range) => Some(range.at(share)),
            Kind::Spread(value, dist) => {
                let span = SimDuration::from_seconds_f64(dist.quantile(share));
                Some(value.with(Raw::Text(span.to_string())))
            }
        }
    }
}

/// The keys of a factor that is a table.
const KEYS: [&str; 8] =
    ["path", "levels", "alternatives", "from", "to", "scale", "steps", "distribution"];

impl Reader<'_> {
    /// The factors below `sweep.factors` or `uncertain.factors`. A key is the path of a parameter
    /// (in quotes or in dotted keys) or a name of the user's own.
    pub(super) fn factors(&mut self, item: &Item, place: &str) -> Vec<Factor> {
        let mut factors = Vec::new();
        match item.table() {
            Some(table) => self.factors_below(table, "", place, &mut factors),
            None => self.wrong_type(item, place, "a table", "{ \"PATH\" = [VALUE, VALUE] }"),
        }
        factors
    }

    fn factors_below(&mut self, table: &Table, prefix: &str, place: &str, all: &mut Vec<Factor>) {
        for (key, entry) in table {
            let name = below(prefix, key);
            match &entry.item.raw {
                Raw::List(_) if !name.contains('.') => self.pathless(&name, &entry.item),
                Raw::List(items) => {
                    let levels = self.levels(items, &name, entry, &entry.item);
                    all.extend(levels.map(|levels| Factor {
                        name,
                        span: entry.key.clone(),
                        kind: Kind::Listed(levels),
                    }));
                }
                Raw::Table(inner) if KEYS.iter().any(|key| inner.contains_key(*key)) => {
                    all.extend(self.factor(inner, &name, place, entry));
                }
                Raw::Table(inner) if !inner.is_empty() => {
                    self.factors_below(inner, &name, place, all);
                }
                _ => {
                    let message = format!("the factor {} has no levels", quote(&name));
                    let help = "write `\"PATH\" = [VALUE, VALUE]`, or a table with `path` and \
                                `levels`, with `alternatives`, or with `from` and `to`";
                    self.tell("factor-form", &entry.item.span, message, "no levels", help);
                }
            }
        }
    }

    /// Listed values of the parameter at a path.
    fn levels(
        &mut self,
        items: &[Item],
        path: &str,
        named: &Entry,
        item: &Item,
    ) -> Option<Vec<Level>> {
        if items.is_empty() || items.len() > LEVELS_MAX {
            let message = format!("{} has {} levels", quote(path), items.len());
            let help = format!("write 1 to {LEVELS_MAX} levels");
            self.tell("factor-form", &item.span, message, "the levels", help);
            return None;
        }
        let levels: Vec<Level> = items
            .iter()
            .map(|item| {
                let (path, span) = (path.to_owned(), named.key.clone());
                // A level that is read where another value stood is not in the file there.
                let item = Item { origin: Origin::Set, ..item.clone() };
                level(&Assignment { path, span, item })
            })
            .collect();
        for (place, one) in levels.iter().enumerate() {
            if levels.iter().take(place).any(|other| other.label == one.label) {
                let message = format!("the level {} is given twice", quote(&one.label));
                let span = items.get(place).and_then(|item| item.span.clone());
                self.tell("duplicate-item", &span, message, "given before", "keep one of the two");
                return None;
            }
        }
        Some(levels)
    }

    /// A factor that is a table.
    fn factor(&mut self, table: &Table, name: &str, place: &str, entry: &Entry) -> Option<Factor> {
        let before = self.found.len();
        let spread = place.starts_with("uncertain");
        let known: Vec<&str> =
            KEYS.iter().copied().filter(|key| spread || *key != "distribution").collect();
        self.unknown_keys(table, &known, &below(place, name));
        let kinds = ["levels", "alternatives", "from", "distribution"];
        let given: Vec<&str> = kinds.into_iter().filter(|kind| table.contains_key(*kind)).collect();
        let [kind] = given.as_slice() else {
            let message = match given.len() {
                0 => format!("the factor {} has no levels", quote(name)),
                _ => format!("{} exclude each other", listed(given)),
            };
            let help = "keep one of `levels`, `alternatives`, or `from` with `to`";
            self.tell("factor-form", &entry.item.span, message, "the factor", help);
            return None;
        };
        let kind = if *kind == "alternatives" {
            Kind::Listed(self.alternatives(&table.get("alternatives")?.item, name)?)
        } else {
            let (path, named) = self.factor_path(table, name, entry)?;
            match *kind {
                "levels" => {
                    let inner = table.get("levels")?;
                    let Raw::List(items) = &inner.item.raw else {
                        self.wrong_type(&inner.item, "levels", "a list", "[VALUE, VALUE]");
                        return None;
                    };
                    Kind::Listed(self.levels(items, &path, named, &inner.item)?)
                }
                "from" => Kind::Range(self.range(table, path, named, entry)?),
                _ => {
                    let inner = &table.get("distribution")?.item;
                    let dist = self.dist(inner, "distribution")?;
                    let item = Item { origin: Origin::Set, ..inner.clone() };
                    Kind::Spread(Assignment { path, span: named.key.clone(), item }, dist)
                }
            }
        };
        let factor = Factor { name: name.to_owned(), span: entry.key.clone(), kind };
        (self.found.len() == before).then_some(factor)
    }

    /// The parameter of a factor: its `path`, or its name where that is one.
    fn factor_path<'t>(
        &mut self,
        table: &'t Table,
        name: &str,
        entry: &'t Entry,
    ) -> Option<(String, &'t Entry)> {
        match table.get("path") {
            Some(given) => match given.item.text() {
                Some(path) => Some((path.to_owned(), given)),
                None => {
                    self.wrong_type(&given.item, "path", "a path", "\"model.bigtable.grace\"");
                    None
                }
            },
            None if name.contains('.') => Some((name.to_owned(), entry)),
            None => {
                self.pathless(name, &entry.item);
                None
            }
        }
    }

    fn pathless(&mut self, name: &str, item: &Item) {
        let message = format!("`path` is missing from the factor {}", quote(name));
        let help = "write `NAME = { path = \"PATH\", levels = [...] }`: the path is that of the \
                    parameter whose levels these are";
        self.tell("factor-form", &item.span, message, "here", help);
    }

    /// Several values under one name, and several such names.
    fn alternatives(&mut self, item: &Item, name: &str) -> Option<Vec<Level>> {
        const HELP: &str = "write `alternatives.NAME = { \"PATH\" = VALUE, \"PATH\" = VALUE }`";
        let Some(table) = item.table().filter(|table| !table.is_empty()) else {
            let message = format!("the factor {} has no alternatives", quote(name));
            self.tell("factor-form", &item.span, message, "no names", HELP);
            return None;
        };
        let before = self.found.len();
        let mut levels = Vec::new();
        for (label, entry) in table {
            let Some(values) = entry.item.table() else {
                let message = format!("the alternative {} is no table", quote(label));
                self.tell("factor-form", &entry.item.span, message, entry.item.found(), HELP);
                continue;
            };
            let mut all = Vec::new();
            for (path, value) in values {
                if !path.contains('.') {
                    let message = format!("{} is not the path of a parameter", quote(path));
                    let help = "write the whole path in quotes, such as \"model.bigtable.grace\"";
                    self.tell("factor-form", &value.key, message, "not a path", help);
                    continue;
                }
                let item = Item { origin: Origin::Set, ..value.item.clone() };
                all.push(Assignment { path: path.clone(), span: value.key.clone(), item });
            }
            levels.push(Level { label: label.clone(), values: all, amount: None });
        }
        (self.found.len() == before).then_some(levels)
    }

    /// All values between two.
    fn range(
        &mut self,
        table: &Table,
        path: String,
        named: &Entry,
        entry: &Entry,
    ) -> Option<Range> {
        const HELP: &str = "write `from` and `to` alike: two lengths of time, two rates or two \
                            numbers, the smaller first";
        let from = &table.get("from")?.item;
        let to = table.get("to").map(|to| &to.item);
        let ends = Amount::of(from).zip(to.and_then(Amount::of));
        let alike = |(a, b): &(Amount, Amount)| {
            std::mem::discriminant(a) == std::mem::discriminant(b) && a.value() < b.value()
        };
        // A whole number at one end only is a number like the other.
        let widened = ends.map(|pair| match pair {
            (Amount::Whole(a), Amount::Number(b)) => (Amount::Number(a), Amount::Number(b)),
            (Amount::Number(a), Amount::Whole(b)) => (Amount::Number(a), Amount::Number(b)),
            other => other,
        });
        let Some((low, high)) = widened.filter(alike) else {
            let message = format!("{} has no range", quote(&path));
            self.tell("factor-form", &entry.item.span, message, "no range", HELP);
            return None;
        };
        let log = match table.get("scale") {
            None => false,
            Some(scale) => match scale.item.text() {
                Some("log") => true,
                Some("linear") => false,
                Some(word) => {
                    self.unknown_word(&scale.item, word, "scale", &["linear", "log"]);
                    return None;
                }
                None => {
                    self.wrong_type(&scale.item, "scale", "a word", "\"log\"");
                    return None;
                }
            },
        };
        if log && low.value() <= 0.0 {
            let message = format!("{} has no logarithm at its lower end", quote(&path));
            let help = "begin above zero, or leave `scale` out";
            self.tell("factor-form", &from.span, message, "zero or less", help);
            return None;
        }
        let steps = match table.get("steps") {
            None => None,
            Some(steps) => {
                let count = self.count(&steps.item, "steps", 2, LEVELS_MAX as u64)?;
                Some((count, steps.item.span.clone()))
            }
        };
        let item = Item { origin: Origin::Set, ..from.clone() };
        let at = Assignment { path, span: named.key.clone(), item };
        Some(Range { at, from: low, to: high, log, steps })
    }
}
