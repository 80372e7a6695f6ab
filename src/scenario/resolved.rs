//! `resolved.toml`: what was really run, every default filled in, with where it came from.
//!
//! The text is a scenario of its own: read again, it gives the same scenario.

use super::Scenario;
use super::read::{CONDITIONS, EVENT, EXPECT, HAZARD, LASTS, LISTS, OBJECTIVE, RESPONSE, SCENARIO};
use crate::engine::SimDuration;
use crate::systems;
use crate::systems::spec::{Kind, Node, Origin, ParamSpec, TableSpec, Value};
use std::fmt::Write;

/// The scenario as TOML, with every default and with the author of every value.
pub fn resolved(scenario: &Scenario) -> String {
    let mut out = Writer { text: String::new() };
    let root = &scenario.root;
    out.line(
        "# What was run: every value, and after it who said it: the scenario file, a `--set`,",
    );
    out.line("# or nobody, with the rules that its default comes from.");
    out.blank();
    if let Some(schema) = root.get("schema") {
        out.leaf("schema", "1", schema);
    }
    let absent = systems::tables().filter(|table| root.get(table.name).is_none());
    absent.for_each(|table| out.absent(table.name));
    if let Some(head) = root.get("scenario") {
        out.header("[scenario]");
        out.scenario(head);
    }
    for system in systems::ALL {
        if let Some(model) = root.get("model").and_then(|model| model.get(system.name)) {
            out.table(&format!("model.{}", system.name), &[system.model], model);
        }
    }
    for table in systems::tables() {
        if let Some(node) = root.get(table.name) {
            out.below(table.name, &table.kind, node);
        }
    }
    let sweep = scenario.sweep.as_ref().map(|sweep| ("sweep", &sweep.lines));
    let uncertain = scenario.uncertain.as_ref().map(|uncertain| ("uncertain", &uncertain.lines));
    for (name, lines) in sweep.into_iter().chain(uncertain) {
        out.header(&format!("[{name}]"));
        for (line, origin) in lines {
            out.line(&format!("{line} # {}", author(*origin)));
        }
    }
    for name in LISTS {
        let entries = root.get(name).map(Node::list).unwrap_or_default();
        for entry in entries {
            out.header(&format!("[[{name}]]"));
            out.entry(name, entry);
        }
    }
    out.text
}

/// The text so far.
struct Writer {
    text: String,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn header(&mut self, header: &str) {
        self.blank();
        self.line(header);
    }

    fn absent(&mut self, name: &str) {
        self.line(&format!("# {name}: not given"));
    }

    /// One value with who said it.
    fn leaf(&mut self, key: &str, value: &str, node: &Node) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "{key} = {value} # {}", said(node));
    }

    fn scenario(&mut self, head: &Node) {
        if let Some(start) = head.get("start") {
            let text = start.text();
            let plain = text.len() >= 20 && text.starts_with(|c: char| c.is_ascii_digit());
            let text = if plain { text.to_owned() } else { quoted(text) };
            self.leaf("start", &text, start);
        }
        self.values("", &[SCENARIO], head);
    }

    /// A table with its header, and the tables below it.
    fn table(&mut self, path: &str, params: &[&'static [ParamSpec]], node: &Node) {
        self.header(&format!("[{path}]"));
        self.values("", params, node);
        for spec in params.iter().copied().flatten() {
            if let Some(inner) = node.get(spec.name) {
                self.below(&format!("{path}.{}", spec.name), &spec.kind, inner);
            }
        }
    }

    /// A parameter that is a table of either kind; others have been written.
    fn below(&mut self, path: &str, kind: &Kind, node: &Node) {
        match kind {
            Kind::Table(TableSpec { params, .. }) => self.table(path, &[params], node),
            Kind::Named(TableSpec { params, .. }) => {
                if node.table().is_empty() {
                    self.header(&format!("[{path}]"));
                }
                for (name, inner) in node.table() {
                    self.table(&format!("{path}.{name}"), &[params], inner);
                }
            }
            _ => {}
        }
    }

    /// The parameters of a table that are no tables themselves; those left out as comments.
    fn values(&mut self, prefix: &str, params: &[&'static [ParamSpec]], node: &Node) {
        for spec in params.iter().copied().flatten() {
            let key = format!("{prefix}{}", spec.name);
            match (node.get(spec.name), &spec.kind) {
                (None, _) => self.absent(&key),
                (Some(_), Kind::Table(_) | Kind::Named(_)) => {}
                (Some(inner), kind) => self.leaf(&key, &value(kind, inner), inner),
            }
        }
    }

    /// One entry of a list of tables.
    fn entry(&mut self, list: &str, node: &Node) {
        let own = match list {
            "events" => EVENT,
            "hazards" => HAZARD,
            "responses" => RESPONSE,
            "objectives" => OBJECTIVE,
            _ => EXPECT,
        };
        self.dotted("", own, node);
        let action = node.get("do").and_then(|word| systems::action(word.text()));
        if let Some((_, action)) = action {
            self.dotted("", action.params, node);
            self.dotted("", if action.lasts { LASTS } else { &[] }, node);
        }
        for key in CONDITIONS {
            if let Some(bound) = node.get(key) {
                self.leaf(key, &plain(bound), bound);
            }
        }
    }

    /// Parameters, with those of inner tables as dotted keys.
    fn dotted(&mut self, prefix: &str, params: &'static [ParamSpec], node: &Node) {
        self.values(prefix, &[params], node);
        for spec in params {
            if let (Kind::Table(table), Some(inner)) = (&spec.kind, node.get(spec.name)) {
                self.dotted(&format!("{prefix}{}.", spec.name), table.params, inner);
            }
        }
    }
}

/// Who said a value.
fn said(node: &Node) -> String {
    match (node.origin, node.source) {
        (Origin::Default, source) if !source.is_empty() => format!("default: {source}"),
        (origin, _) => author(origin).to_owned(),
    }
}

fn author(origin: Origin) -> &'static str {
    match origin {
        Origin::File => "file",
        Origin::Set => "--set",
        Origin::Default => "default",
    }
}

/// A value as TOML, by its description.
fn value(kind: &Kind, node: &Node) -> String {
    match (kind, &node.value) {
        (Kind::Rate, Value::Number(rate)) if *rate < 1e15 => format!("\"{rate}/s\""),
        (Kind::Rate, Value::Number(rate)) => format!("\"{rate:?}/s\""),
        (Kind::References(_, word), Value::Reference(path)) if short(path) == *word => quoted(path),
        (Kind::Entity(_), Value::Reference(path)) => quoted(path),
        (Kind::List(kind), Value::List(items)) => {
            let items: Vec<String> = items.iter().map(|item| value(kind, item)).collect();
            format!("[{}]", items.join(", "))
        }
        (Kind::Tagged(tags), Value::Tagged(word, Some(inner))) => {
            let kind = tags.iter().find(|(tag, _)| tag == word).and_then(|(_, kind)| *kind);
            let text = kind.map_or_else(|| plain(inner), |kind| value(kind, inner));
            format!("{{ {word} = {text} }}")
        }
        _ => plain(node),
    }
}

/// A value as TOML that needs no description.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::Bool(truth) => truth.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Number(number) => format!("{number:?}"),
        Value::Duration(span) => format!("\"{span}\""),
        Value::Dist(dist) => dist.to_string(),
        Value::Instant(instant) => {
            format!("\"{}\"", SimDuration::from_ns(instant.ns()).unwrap_or(SimDuration::MAX))
        }
        Value::Text(text) => quoted(text),
        Value::Choice(word) => quoted(word),
        Value::Reference(path) => quoted(short(path)),
        Value::Tagged(word, None) => quoted(word),
        Value::Tagged(word, Some(inner)) => format!("{{ {word} = {} }}", plain(inner)),
        Value::List(items) => {
            format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", "))
        }
        Value::Shares(shares) => {
            let shares: Vec<String> =
                shares.iter().map(|(path, share)| format!("{} = {share:?}", short(path))).collect();
            format!("{{ {} }}", shares.join(", "))
        }
        Value::Table(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, inner)| format!("{key} = {}", plain(inner))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// The name of an entity: the last part of its path.
fn short(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, name)| name)
}

/// A text in double quotes, as TOML escapes it.
pub(in crate::scenario) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
