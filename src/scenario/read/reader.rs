//! Reads raw values by their descriptions, and collects every mistake on the way.

use super::LISTS;
use super::tree::{self, Item, Mark, Raw, Table, quote};
use super::units::{self, Problem};
use super::varied::Varied;
use crate::diag::{self, Diagnostic, Span};
use crate::limits::{AMOUNT_MAX, TEXT_BYTES_MAX};
use crate::stats::memo::Memo;
use crate::systems;
use crate::systems::spec::{
    Default, EntityKind, Kind, Node, Origin, ParamSpec, Planned, TableSpec, Value,
};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What reads the values of one scenario.
pub(super) struct Reader<'a> {
    /// Every mistake so far.
    pub(super) found: Vec<Diagnostic>,
    /// Loads a file that the scenario names.
    pub(super) files: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    /// Every entity that references are looked up in.
    pub(super) known: BTreeMap<String, &'static EntityKind>,
    /// How much `known` knows.
    pub(super) knows: Knows,
    /// References that wait for the entities that no table names.
    pub(super) waiting: Vec<(String, Diagnostic)>,
    /// The actions of events, hazards and responses, to be checked when all is known.
    pub(super) actions_read: Vec<Planned>,
    /// The start of the scenario, once read.
    pub(super) start: Option<jiff::Timestamp>,
    /// The horizon of the scenario, once read.
    pub(super) horizon: Option<crate::engine::SimDuration>,
    /// The factors read so far, and what they write.
    pub(super) varied: Vec<Varied>,
}

/// How much is known about entities while a reference is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knows {
    /// Those that tables name; what no table names is looked up again later.
    Named,
    /// Those that tables name; the others are not known, for the tables have mistakes.
    NamedOnly,
    /// All.
    All,
}

/// The table that a value stands in.
#[derive(Clone, Copy)]
pub(super) struct Scope<'t> {
    /// Its path: `bigtable.orders.clusters.east`, `events.3`.
    pub(super) path: &'t str,
    /// Its raw entries, to look other parameters up in.
    pub(super) entries: &'t Table,
    /// Its parameters, in groups.
    pub(super) params: &'t [&'static [ParamSpec]],
}

/// The parameter that a value belongs to.
#[derive(Clone, Copy)]
pub(super) struct Param<'t> {
    /// Its key.
    pub(super) name: &'t str,
    /// The source of its default.
    pub(super) source: &'static str,
}

impl Reader<'_> {
    /// Notes a mistake at a value.
    pub(super) fn tell(
        &mut self,
        code: &'static str,
        span: &Option<Span>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let wrong = Diagnostic::error(code, span.clone(), message);
        self.found.push(wrong.label(label).help(help));
    }

    /// The known name that is meant, if one is near. It is looked for among the first thousand
    /// names and for the first thousand mistakes, so that no scenario takes minutes to refuse.
    pub(super) fn near<'n>(
        &self,
        word: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Option<&'n str> {
        const MOST: usize = 1_000;
        if self.found.len() > MOST {
            return None;
        }
        diag::nearest(word, known.into_iter().take(MOST))
    }

    /// Notes what keeps a text from being read.
    pub(super) fn tell_problem(&mut self, problem: Problem, item: &Item, name: &str) {
        let label = format!("the value of `{name}`");
        self.tell(problem.code, &item.span, problem.message, label, problem.help);
    }

    /// The value of a result, or nothing after its problem is told.
    pub(super) fn take<T>(
        &mut self,
        result: Result<T, Problem>,
        item: &Item,
        name: &str,
    ) -> Option<T> {
        result.map_err(|problem| self.tell_problem(problem, item, name)).ok()
    }

    /// Tells of every key of a table that is not among the known ones.
    pub(super) fn unknown_keys(&mut self, table: &Table, known: &[&str], path: &str) {
        for (key, entry) in table {
            if known.contains(&key.as_str()) {
                continue;
            }
            if self.impossible(path, key, &entry.key) {
                continue;
            }
            let place = if path.is_empty() { "a scenario".to_owned() } else { format!("`{path}`") };
            let help = match self.near(key, known.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None if known.is_empty() => "it takes no keys; leave it empty".to_owned(),
                None => format!("its keys are {}", listed(known.iter().copied())),
            };
            let message = format!("{} is not a key of {place}", quote(key));
            self.tell("unknown-key", &entry.key, message, "not known here", help);
        }
    }

    /// Tells why something can never be, if that is what is asked for.
    pub(super) fn impossible(&mut self, place: &str, name: &str, span: &Option<Span>) -> bool {
        let Some(known) = systems::impossible(place, name) else { return false };
        let message = format!("{} is not possible: {} ({})", quote(name), known.why, known.rule);
        self.tell("never-possible", span, message, "never possible", known.instead);
        true
    }

    /// The parameters of a table with their defaults, or nothing if any of them is wrong.
    /// `more` are keys that somebody else reads.
    pub(super) fn params(
        &mut self,
        params: &[&'static [ParamSpec]],
        item: &Item,
        path: &str,
        more: &[&str],
    ) -> Option<BTreeMap<String, Node>> {
        let Some(entries) = item.table() else {
            let message = format!("`{path}` is {}, not a table", item.found());
            let help = match path.rsplit_once('.') {
                // An entry of a list of tables, or a table in one.
                Some((list, at)) if at.parse::<usize>().is_ok() => {
                    format!("write `[[{list}]]` and its keys below")
                }
                Some((entry, name)) if LISTS.iter().any(|list| entry.starts_with(list)) => {
                    format!("write `{name} = {{ ... }}`")
                }
                _ => format!("write `[{path}]` and its keys below"),
            };
            self.tell("wrong-type", &item.span, message, item.found(), help);
            return None;
        };
        let specs = params.iter().copied().flatten();
        let known: Vec<&str> = specs.map(|spec| spec.name).chain(more.iter().copied()).collect();
        let before = self.found.len();
        self.unknown_keys(entries, &known, path);
        let nodes = self.known_params(Scope { path, entries, params }, item);
        (self.found.len() == before).then_some(nodes?)
    }

    /// The same, whatever else stands in the table.
    pub(super) fn known_params(
        &mut self,
        scope: Scope<'_>,
        item: &Item,
    ) -> Option<BTreeMap<String, Node>> {
        let before = self.found.len();
        let mut nodes = BTreeMap::new();
        for spec in scope.params.iter().copied().flatten() {
            if let Some(node) = self.param(spec, item, scope) {
                nodes.insert(spec.name.to_owned(), node);
            }
        }
        (self.found.len() == before).then_some(nodes)
    }

    /// One parameter: as given, or its default.
    fn param(&mut self, spec: &'static ParamSpec, table: &Item, scope: Scope<'_>) -> Option<Node> {
        if let Some(entry) = scope.entries.get(spec.name) {
            let param = Param { name: spec.name, source: spec.source };
            return self.value(&spec.kind, &entry.item, param, scope);
        }
        match spec.default {
            Default::Absent => None,
            Default::Required => {
                let place = if scope.path.is_empty() { "the scenario" } else { scope.path };
                let message = format!("`{}` is missing from `{place}`", spec.name);
                let message = message.replace("`the scenario`", "the scenario");
                let help = self.missing_help(spec, scope);
                self.tell("missing-key", &table.span, message, "here", help);
                None
            }
            Default::Value(text) => self.default(spec, text, scope),
        }
    }

    /// What to write for a missing parameter.
    fn missing_help(&self, spec: &ParamSpec, scope: Scope<'_>) -> String {
        match &spec.kind {
            Kind::Named(_) if scope.path.is_empty() => format!("add `[{}.NAME]`", spec.name),
            Kind::Named(_) => format!("add `[{}.{}.NAME]`", scope.path, spec.name),
            kind => format!("add `{} = {}`", spec.name, self.example(kind, scope)),
        }
    }

    /// A default, read like anything else.
    fn default(
        &mut self,
        spec: &'static ParamSpec,
        text: &'static str,
        scope: Scope<'_>,
    ) -> Option<Node> {
        // Every entity has them, at every design point.
        thread_local! {
            static KNOWN: Memo<&'static str, Option<Rc<Item>>> = const { Memo::new() };
        }
        let mark = Mark { place: None, origin: Origin::Default };
        let parsed = || tree::value(text, mark, &mut self.found).map(Rc::new);
        let item = KNOWN.with(|known| known.get(text, parsed))?;
        self.value(&spec.kind, &item, Param { name: spec.name, source: spec.source }, scope)
    }

    /// One value by its description.
    pub(super) fn value(
        &mut self,
        kind: &'static Kind,
        item: &Item,
        param: Param<'_>,
        scope: Scope<'_>,
    ) -> Option<Node> {
        let value = match kind {
            Kind::Bool => self.bool(item, param.name).map(Value::Bool),
            Kind::Count(low, high) => self.count(item, param.name, *low, *high).map(Value::Count),
            Kind::Fraction => self.fraction(item, param.name).map(Value::Number),
            Kind::Amount => self.amount(item, param.name).map(Value::Number),
            Kind::Duration(low, high) => {
                let span = self.duration(item, param.name)?;
                if span < *low || span > *high {
                    let message = format!("`{}` is {span}, outside of its bounds", param.name);
                    let help = format!("write a time from \"{low}\" to \"{high}\"");
                    self.tell("out-of-range", &item.span, message, "out of range", help);
                    return None;
                }
                Some(Value::Duration(span))
            }
            Kind::Distribution => self.dist(item, param.name).map(Value::Dist),
            Kind::Instant => self.instant(item, param.name).map(Value::Instant),
            Kind::Rate => {
                let text = self.unit_text(item, param.name, "a rate", "\"300/s\"")?;
                self.take(units::rate(text), item, param.name).map(Value::Number)
            }
            Kind::Text => self.free_text(item, param.name).map(Value::Text),
            Kind::Location => self.formed(item, param.name, units::location, "\"us-east1\""),
            Kind::Zone => self.formed(item, param.name, units::zone, "\"us-east1-b\""),
            Kind::Choice(words) => self.choice(item, param.name, words).map(Value::Choice),
            Kind::Reference(pattern) => {
                self.reference(pattern, None, item, param.name, scope).map(Value::Reference)
            }
            Kind::References(pattern, word) => self.references(pattern, word, item, param, scope),
            Kind::Words(words) => self.words(words, item, param),
            Kind::Entity(word) => self.any_entity(*word, item, param.name),
            Kind::List(kind) => self.list(kind, item, param, scope),
            Kind::Tagged(tags) => self.tagged(tags, item, param, scope),
            Kind::Shares(pattern) => self.shares(pattern, item, param.name, scope),
            Kind::Table(spec) => {
                let path = below(scope.path, param.name);
                self.params(&[spec.params], item, &path, &[]).map(Value::Table)
            }
            Kind::Named(spec) => self.named(spec, item, param, scope),
        }?;
        let (span, origin) = (item.span.clone(), item.origin());
        Some(Node { value, span, origin, source: param.source })
    }

    /// Tells that a value is of another type than its parameter takes.
    pub(super) fn wrong_type(&mut self, item: &Item, name: &str, wanted: &str, example: &str) {
        let message = format!("`{name}` takes {wanted}, not {}", item.found());
        let help = format!("write {wanted}, such as `{name} = {example}`");
        self.tell("wrong-type", &item.span, message, item.found(), help);
    }

    fn bool(&mut self, item: &Item, name: &str) -> Option<bool> {
        let Raw::Bool(truth) = item.raw else {
            self.wrong_type(item, name, "`true` or `false`", "true");
            return None;
        };
        Some(truth)
    }

    pub(super) fn count(&mut self, item: &Item, name: &str, low: u64, high: u64) -> Option<u64> {
        let Raw::Whole(number) = item.raw else {
            let example = match item.text().and_then(|text| text.trim().parse::<u64>().ok()) {
                Some(number) => number.clamp(low, high).to_string(),
                None => 12.clamp(low, high).to_string(),
            };
            self.wrong_type(item, name, "a whole number", &example);
            return None;
        };
        let count = number.and_then(|n| u64::try_from(n).ok());
        let inside = count.filter(|n| (low..=high).contains(n));
        if inside.is_none() {
            let message = match number {
                Some(number) => format!("`{name}` is {number}, outside of its bounds"),
                None => format!("`{name}` is outside of its bounds"),
            };
            let help = format!("write a whole number from {low} to {high}");
            self.tell("out-of-range", &item.span, message, "out of range", help);
        }
        inside
    }

    /// A finite number.
    pub(super) fn number(&mut self, item: &Item, name: &str, example: &str) -> Option<f64> {
        let number = match item.raw {
            Raw::Float(number) => number,
            Raw::Whole(Some(number)) => number as f64,
            Raw::Whole(None) => f64::INFINITY,
            _ => {
                self.wrong_type(item, name, "a number", example);
                return None;
            }
        };
        if !number.is_finite() {
            let message = format!("`{name}` is not a finite number");
            let help = format!("write a number, such as `{example}`");
            self.tell("not-finite", &item.span, message, "not finite", help);
            return None;
        }
        // `+ 0.0` turns a negative zero into zero.
        Some(number + 0.0)
    }

    fn amount(&mut self, item: &Item, name: &str) -> Option<f64> {
        let number = self.number(item, name, "0.03")?;
        if (0.0..=AMOUNT_MAX).contains(&number) {
            return Some(number);
        }
        let message = format!("`{name}` is {number}, outside of its bounds");
        let help = format!("write a number from 0 to {AMOUNT_MAX}");
        self.tell("out-of-range", &item.span, message, "out of range", help);
        None
    }

    fn fraction(&mut self, item: &Item, name: &str) -> Option<f64> {
        let percent = item.text().and_then(|text| text.trim().strip_suffix('%'));
        let percent = percent.and_then(|text| text.trim().parse::<f64>().ok());
        let example = percent.map_or(0.5, |percent| percent / 100.0).to_string();
        let number = self.number(item, name, &example)?;
        if (0.0..=1.0).contains(&number) {
            return Some(number);
        }
        let message = format!("`{name}` is {number}, outside of its bounds");
        let help = if number > 1.0 && number <= 100.0 {
            format!("write a number from 0 to 1: `{}` for {number} %", number / 100.0)
        } else {
            "write a number from 0 to 1".to_owned()
        };
        self.tell("out-of-range", &item.span, message, "out of range", help);
        None
    }

    /// The text of a value with a unit; bare numbers are told to have none.
    fn unit_text<'i>(
        &mut self,
        item: &'i Item,
        name: &str,
        wanted: &str,
        example: &str,
    ) -> Option<&'i str> {
        let number = match &item.raw {
            Raw::Text(text) => return Some(text),
            Raw::Whole(Some(number)) => number.to_string(),
            Raw::Float(number) if number.is_finite() => number.to_string(),
            _ => {
                self.wrong_type(item, name, wanted, example);
                return None;
            }
        };
        let help = match wanted {
            "a rate" => {
                format!("write \"{}/s\" for so many per second", number.trim_start_matches('-'))
            }
            _ => units::with_unit(&number),
        };
        let message = format!("`{name}` has no unit");
        self.tell("missing-unit", &item.span, message, "a bare number", help);
        None
    }

    /// A span of time.
    pub(super) fn duration(
        &mut self,
        item: &Item,
        name: &str,
    ) -> Option<crate::engine::SimDuration> {
        let text = self.unit_text(item, name, "a length of time", "\"5m\"")?;
        self.take(units::duration(text), item, name)
    }

    /// A text within the limit.
    pub(super) fn free_text(&mut self, item: &Item, name: &str) -> Option<String> {
        let Some(text) = item.text() else {
            self.wrong_type(item, name, "a text", "\"...\"");
            return None;
        };
        if text.len() > TEXT_BYTES_MAX {
            let length = text.len();
            let message = format!("`{name}` has {length} bytes, more than {TEXT_BYTES_MAX}");
            let help = "say it in a page at the most";
            self.tell("limit-text-bytes", &item.span, message, "too long", help);
            return None;
        }
        Some(text.to_owned())
    }

    fn formed(
        &mut self,
        item: &Item,
        name: &str,
        form: fn(&str) -> Result<(), Problem>,
        example: &str,
    ) -> Option<Value> {
        let Some(text) = item.text() else {
            self.wrong_type(item, name, "a text", example);
            return None;
        };
        self.take(form(text), item, name)?;
        Some(Value::Text(text.to_owned()))
    }

    pub(super) fn choice(
        &mut self,
        item: &Item,
        name: &str,
        words: &'static [&'static str],
    ) -> Option<&'static str> {
        let Some(text) = item.text() else {
            let first = words.first().copied().unwrap_or_default();
            self.wrong_type(item, name, "a word", &format!("\"{first}\""));
            return None;
        };
        let word = words.iter().find(|word| **word == text).copied();
        if word.is_none() {
            self.unknown_word(item, text, name, words);
        }
        word
    }

    /// Tells that a word is none of those that a parameter takes.
    pub(super) fn unknown_word(&mut self, item: &Item, text: &str, name: &str, words: &[&str]) {
        let message = format!("`{name}` takes no {}", quote(text));
        let help = match self.near(text, words.iter().copied()) {
            Some(word) => format!("did you mean \"{word}\"? it takes {}", listed(words.to_vec())),
            None => format!("write one of {}", listed(words.to_vec())),
        };
        self.tell("unknown-word", &item.span, message, "not one of its words", help);
    }

    fn named(
        &mut self,
        spec: &'static TableSpec,
        item: &Item,
        param: Param<'_>,
        scope: Scope<'_>,
    ) -> Option<Value> {
        let path = below(scope.path, param.name);
        let Some(table) = item.table() else {
            let message = format!("`{path}` is {}, not a table", item.found());
            let help = format!("write `[{path}.NAME]`, with a name of your own");
            self.tell("wrong-type", &item.span, message, item.found(), help);
            return None;
        };
        let required =
            |spec: &ParamSpec| spec.name == param.name && matches!(spec.default, Default::Required);
        if table.is_empty() && scope.params.iter().copied().flatten().any(required) {
            let message = format!("`{path}` is empty");
            let help = format!("add `[{path}.NAME]`, with a name of your own");
            self.tell("empty-table", &item.span, message, "nothing in it", help);
            return None;
        }
        let before = self.found.len();
        let mut nodes = BTreeMap::new();
        for (name, entry) in table {
            if let Err(problem) = units::name(name) {
                self.tell(problem.code, &entry.key, problem.message, "a name", problem.help);
            }
            let path = below(&path, name);
            if entry.item.implied {
                let others =
                    table.iter().filter(|(_, e)| !e.item.implied).map(|(name, _)| name.as_str());
                let help = match self.near(name, others) {
                    Some(other) => format!("did you mean `{other}`?"),
                    None => format!("to add it, give the whole table: `{path}={{ ... }}`"),
                };
                let message = format!("{} is not in the scenario", quote(&path));
                self.tell("unknown-path", &entry.key, message, "no such name", help);
                continue;
            }
            if let Some(inner) = self.params(&[spec.params], &entry.item, &path, &[]) {
                let (span, origin) = (entry.item.span.clone(), entry.item.origin());
                let value = Value::Table(inner);
                nodes.insert(name.clone(), Node { value, span, origin, source: "" });
            }
        }
        (self.found.len() == before).then_some(Value::Table(nodes))
    }
}

/// A path with one more name.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Names in a help text: at most twenty, then how many more there are.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
