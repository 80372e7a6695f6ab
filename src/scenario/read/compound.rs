//! Lists, tagged values, shares and references: values made of others.

use super::reader::{Knows, Param, Reader, Scope, listed};
use super::tree::{self, Item, Mark, Raw, quote};
use crate::diag::Diagnostic;
use crate::systems;
use crate::systems::spec::{Default, Kind, Node, Origin, Value};
use std::collections::{BTreeMap, BTreeSet};

impl Reader<'_> {
    /// A list with at least one value; no reference twice.
    pub(super) fn list(
        &mut self,
        kind: &'static Kind,
        item: &Item,
        param: Param<'_>,
        scope: Scope<'_>,
    ) -> Option<Value> {
        let Raw::List(items) = &item.raw else {
            let example = format!("[{}]", self.example(kind, scope));
            self.wrong_type(item, param.name, "a list", &example);
            return None;
        };
        if items.is_empty() {
            let message = format!("`{}` is an empty list", param.name);
            let own = scope.params.iter().copied().flatten().find(|spec| spec.name == param.name);
            let help = match own.map(|spec| &spec.default) {
                Some(Default::Required) => "write at least one".to_owned(),
                _ => format!("write at least one, or leave `{}` out", param.name),
            };
            self.tell("empty-list", &item.span, message, "nothing in it", help);
            return None;
        }
        self.items(items, param, false, |reader, inner| reader.value(kind, inner, param, scope))
    }

    /// A list of words, which may be empty.
    pub(super) fn words(
        &mut self,
        words: &'static [&'static str],
        item: &Item,
        param: Param<'_>,
    ) -> Option<Value> {
        let Raw::List(items) = &item.raw else {
            let example = format!("[\"{}\"]", words.first().copied().unwrap_or_default());
            self.wrong_type(item, param.name, "a list", &example);
            return None;
        };
        self.items(items, param, true, |reader, inner| {
            let word = reader.choice(inner, param.name, words)?;
            let (span, origin) = (inner.span.clone(), inner.origin());
            Some(Node { value: Value::Choice(word), span, origin, source: param.source })
        })
    }

    /// One reference, several, or the word that means all.
    pub(super) fn references(
        &mut self,
        pattern: &'static str,
        word: &'static str,
        item: &Item,
        param: Param<'_>,
        scope: Scope<'_>,
    ) -> Option<Value> {
        if item.text() == Some(word) {
            return Some(Value::Tagged(word, None));
        }
        let Raw::List(items) = &item.raw else {
            let path = self.reference(pattern, Some(word), item, param.name, scope)?;
            return Some(Value::Reference(path));
        };
        if items.is_empty() {
            let message = format!("`{}` is an empty list", param.name);
            let help = format!("write at least one name, or \"{word}\"");
            self.tell("empty-list", &item.span, message, "nothing in it", help);
            return None;
        }
        self.items(items, param, true, |reader, inner| {
            let path = reader.reference(pattern, None, inner, param.name, scope)?;
            let (span, origin) = (inner.span.clone(), inner.origin());
            Some(Node { value: Value::Reference(path), span, origin, source: param.source })
        })
    }

    /// The items of a list; no reference twice, and no word either where it is a set.
    fn items(
        &mut self,
        items: &[Item],
        param: Param<'_>,
        set: bool,
        mut read: impl FnMut(&mut Self, &Item) -> Option<Node>,
    ) -> Option<Value> {
        let before = self.found.len();
        let mut nodes = Vec::new();
        let mut seen = BTreeSet::new();
        for inner in items {
            let Some(node) = read(self, inner) else { continue };
            if (matches!(node.value, Value::Reference(_)) || set)
                && !seen.insert(node.text().to_owned())
            {
                self.twice(inner, param.name);
            }
            nodes.push(node);
        }
        (self.found.len() == before).then_some(Value::List(nodes))
    }

    fn twice(&mut self, item: &Item, name: &str) {
        let what = item.text().map(quote).unwrap_or_default();
        let message = format!("`{name}` has {what} twice");
        self.tell("duplicate-item", &item.span, message, "given before", "keep one of the two");
    }

    /// One of some words, alone or with a value.
    pub(super) fn tagged(
        &mut self,
        tags: &'static [(&'static str, Option<&'static Kind>)],
        item: &Item,
        param: Param<'_>,
        scope: Scope<'_>,
    ) -> Option<Value> {
        let words: Vec<&str> = tags.iter().map(|(word, _)| *word).collect();
        let (text, inner) = match &item.raw {
            Raw::Text(text) => (text, None),
            Raw::Table(table) if table.len() == 1 => {
                let (key, entry) = table.first_key_value()?;
                (key, Some(&entry.item))
            }
            _ => {
                let forms: Vec<String> =
                    tags.iter().map(|(word, kind)| self.tag_form(word, *kind, scope)).collect();
                let message = format!("`{}` takes one word, not {}", param.name, item.found());
                let help = format!("write {}", forms.join(" or "));
                self.tell("wrong-type", &item.span, message, item.found(), help);
                return None;
            }
        };
        let Some((word, kind)) = tags.iter().find(|(word, _)| word == text) else {
            self.unknown_word(item, text, param.name, &words);
            return None;
        };
        match (kind, inner) {
            (None, None) => Some(Value::Tagged(word, None)),
            (Some(kind), Some(inner)) => {
                let node = self.value(kind, inner, Param { name: word, ..param }, scope)?;
                Some(Value::Tagged(word, Some(Box::new(node))))
            }
            (kind, _) => {
                let (fact, label) = match kind {
                    Some(_) => (format!("`{word}` needs a value"), "no value"),
                    None => (format!("`{word}` takes no value"), "a value"),
                };
                let form = self.tag_form(word, *kind, scope);
                let help = format!("write `{} = {form}`", param.name);
                self.tell("wrong-type", &item.span, fact, label, help);
                None
            }
        }
    }

    fn tag_form(&self, word: &str, kind: Option<&Kind>, scope: Scope<'_>) -> String {
        match kind {
            Some(kind) => format!("{{ {word} = {} }}", self.example(kind, scope)),
            None => format!("\"{word}\""),
        }
    }

    /// Fractions by name that add up to 1.
    pub(super) fn shares(
        &mut self,
        pattern: &str,
        item: &Item,
        name: &str,
        scope: Scope<'_>,
    ) -> Option<Value> {
        const TOLERANCE: f64 = 1e-9;
        let Some(table) = item.table() else {
            self.wrong_type(item, name, "shares by name", "{ a = 0.6, b = 0.4 }");
            return None;
        };
        let before = self.found.len();
        let mut shares = BTreeMap::new();
        for (key, entry) in table {
            let as_text =
                Item { raw: Raw::Text(key.clone()), span: entry.key.clone(), ..entry.item };
            let path = self.reference(pattern, None, &as_text, name, scope);
            let share = self.share(&entry.item, key);
            if let (Some(path), Some(share)) = (path, share)
                && shares.insert(path, share).is_some()
            {
                self.twice(&as_text, name);
            }
        }
        if self.found.len() > before {
            return None;
        }
        let sum: f64 = shares.values().sum();
        if (sum - 1.0).abs() > TOLERANCE {
            let sum = (sum * 1e12).round() / 1e12;
            let message = format!("the shares of `{name}` add up to {sum}, not to 1");
            let help = "change them so that they add up to 1";
            self.tell("shares-sum", &item.span, message, format!("add up to {sum}"), help);
            return None;
        }
        Some(Value::Shares(shares))
    }

    fn share(&mut self, item: &Item, key: &str) -> Option<f64> {
        let share = self.number(item, key, "0.5")?;
        if !(0.0..=1.0).contains(&share) {
            let message = format!("the share of `{key}` is {share}, outside of its bounds");
            self.tell(
                "out-of-range",
                &item.span,
                message,
                "out of range",
                "write a number from 0 to 1",
            );
            return None;
        }
        Some(share)
    }

    /// The full path of the entity that a text refers to.
    pub(super) fn reference(
        &mut self,
        pattern: &str,
        or: Option<&str>,
        item: &Item,
        name: &str,
        scope: Scope<'_>,
    ) -> Option<String> {
        let Some(text) = item.text() else {
            self.wrong_type(item, name, "a name", "\"NAME\"");
            return None;
        };
        let prefix = match self.prefix(pattern, scope, 0) {
            Ok(prefix) => prefix,
            Err(missing) => {
                let message = format!("`{name}` cannot be looked up without `{missing}`");
                let help = format!("say which one it belongs to: add `{missing} = \"NAME\"`");
                self.tell("unresolved-reference", &item.span, message, "belongs to what?", help);
                return None;
            }
        };
        let path = match text.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('.')) {
            Some(_) => text.to_owned(),
            None => format!("{prefix}.{text}"),
        };
        let short = path.get(prefix.len() + 1..).unwrap_or_default();
        if !short.contains('.') && self.known.contains_key(&path) {
            return Some(path);
        }
        let by_table = systems::tables().any(|t| Some(t.name) == prefix.split('.').next());
        let wrong = self.dangling(text, &prefix, or, by_table, item);
        match self.knows {
            Knows::All => self.found.push(wrong),
            _ if by_table => self.found.push(wrong),
            Knows::NamedOnly => {}
            Knows::Named => {
                self.waiting.push((path.clone(), wrong));
                // Kept until the entities that no table names are known.
                return Some(path);
            }
        }
        None
    }

    /// An entity of any kind by its full path, or a word.
    pub(super) fn any_entity(
        &mut self,
        word: Option<&'static str>,
        item: &Item,
        name: &str,
    ) -> Option<Value> {
        let Some(path) = item.text() else {
            self.wrong_type(item, name, "the path of an entity", "\"keys.NAME\"");
            return None;
        };
        if let Some(word) = word.filter(|word| *word == path) {
            return Some(Value::Tagged(word, None));
        }
        if self.known.contains_key(path) {
            return Some(Value::Reference(path.to_owned()));
        }
        let help = match word.filter(|word| self.near(path, [*word]).is_some()) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => self.nearest_entity(path),
        };
        let wrong = Diagnostic::error(
            "unknown-entity",
            item.span.clone(),
            format!("there is no entity {}", quote(path)),
        )
        .label("no such entity")
        .help(help);
        let by_table = systems::tables().any(|table| Some(table.name) == path.split('.').next());
        match self.knows {
            Knows::Named if !by_table => {
                self.waiting.push((path.to_owned(), wrong));
                // Kept until the entities that no table names are known.
                return Some(Value::Reference(path.to_owned()));
            }
            Knows::NamedOnly if !by_table => {}
            Knows::Named | Knows::NamedOnly | Knows::All => self.found.push(wrong),
        }
        None
    }

    /// Why a reference finds nothing.
    fn dangling(
        &self,
        text: &str,
        prefix: &str,
        or: Option<&str>,
        by_table: bool,
        item: &Item,
    ) -> Diagnostic {
        let mut names = self.names(prefix);
        let none = names.is_empty();
        names.extend(or);
        let help = match self.near(text, names.iter().copied()) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None if none && by_table => format!("there is none yet; add `[{prefix}.NAME]`"),
            None if names.is_empty() => "the scenario has none; leave this out".to_owned(),
            None => format!("write one of {}", listed(names)),
        };
        let message = format!("there is no {} in `{prefix}`", quote(text));
        Diagnostic::error("unknown-reference", item.span.clone(), message)
            .label("refers to nothing")
            .help(help)
    }

    /// The names of the entities whose path is a prefix and a name.
    pub(super) fn names(&self, prefix: &str) -> Vec<&str> {
        let inside = |path: &'_ str| -> Option<usize> {
            let rest = path.strip_prefix(prefix)?.strip_prefix('.')?;
            (!rest.contains('.')).then_some(path.len() - rest.len())
        };
        let from = format!("{prefix}.");
        let to = format!("{prefix}/");
        let below = self.known.range(from..to).map(|(path, _)| path);
        below.filter_map(|path| path.get(inside(path)?..)).collect()
    }

    /// A pattern with its placeholders replaced, or the parameter that it misses.
    fn prefix(&self, pattern: &str, scope: Scope<'_>, depth: usize) -> Result<String, String> {
        let mut parts = Vec::new();
        for part in pattern.split('.') {
            let Some(inner) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) else {
                parts.push(part.to_owned());
                continue;
            };
            let name = if inner == "0" {
                scope.path.split('.').nth(1).map(str::to_owned)
            } else {
                self.sibling(inner, scope, depth)
            };
            parts.push(name.ok_or_else(|| inner.to_owned())?);
        }
        Ok(parts.join("."))
    }

    /// The name that another parameter of the same table refers to.
    fn sibling(&self, name: &str, scope: Scope<'_>, depth: usize) -> Option<String> {
        let spec = scope.params.iter().copied().flatten().find(|spec| spec.name == name)?;
        let text = match (scope.entries.get(name), &spec.default) {
            (Some(entry), _) => entry.item.text()?.to_owned(),
            (None, Default::Value(text)) => {
                let mark = Mark { place: None, origin: Origin::Default };
                tree::value(text, mark, &mut Vec::new())?.text()?.to_owned()
            }
            _ => return None,
        };
        // A parameter that refers to itself in a circle ends here.
        if depth > scope.params.len() + 8 {
            return None;
        }
        if let Kind::Reference(pattern) | Kind::References(pattern, _) = &spec.kind {
            let prefix = self.prefix(pattern, scope, depth + 1).ok()?;
            let rest = text.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('.'));
            return Some(rest.unwrap_or(&text).to_owned());
        }
        Some(text)
    }

    /// A value of this kind as a user might write it.
    pub(super) fn example(&self, kind: &Kind, scope: Scope<'_>) -> String {
        match kind {
            Kind::Bool => "true".to_owned(),
            Kind::Count(low, high) => 12.clamp(*low, *high).to_string(),
            Kind::Fraction => "0.5".to_owned(),
            Kind::Amount => "0.03".to_owned(),
            Kind::Duration(low, high) => {
                let usual = crate::engine::SimDuration::from_secs(300);
                format!("\"{}\"", usual.clamp(*low, *high))
            }
            Kind::Distribution => "\"5m\"".to_owned(),
            Kind::Instant => "\"2h\"".to_owned(),
            Kind::Rate => "\"300/s\"".to_owned(),
            Kind::Text => "\"...\"".to_owned(),
            Kind::Location => "\"us-east1\"".to_owned(),
            Kind::Zone => "\"us-east1-b\"".to_owned(),
            Kind::Choice(words) => format!("\"{}\"", words.first().copied().unwrap_or_default()),
            Kind::Reference(pattern) | Kind::References(pattern, _) => {
                let prefix = self.prefix(pattern, scope, 0).ok();
                let name = prefix.and_then(|p| self.names(&p).first().map(|n| (*n).to_owned()));
                format!("\"{}\"", name.as_deref().unwrap_or("NAME"))
            }
            Kind::Words(words) => format!("[\"{}\"]", words.first().copied().unwrap_or_default()),
            Kind::Entity(Some(word)) => format!("\"{word}\""),
            Kind::Entity(None) => {
                let first = self.known.keys().next().map(String::as_str);
                format!("\"{}\"", first.unwrap_or("pubsub.NAME"))
            }
            Kind::List(kind) => format!("[{}]", self.example(kind, scope)),
            Kind::Tagged(tags) => match tags.first() {
                Some((word, kind)) => self.tag_form(word, *kind, scope),
                None => "\"...\"".to_owned(),
            },
            Kind::Shares(_) => "{ NAME = 1.0 }".to_owned(),
            Kind::Table(_) | Kind::Named(_) => "{ ... }".to_owned(),
        }
    }
}
