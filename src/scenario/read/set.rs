//! `--set PATH=VALUE` and `--seed`: values that replace or add to those of the file.

use super::Overrides;
use super::factor::Assignment;
use super::tree::{self, Entry, Item, Mark, Raw, Table, quote};
use crate::diag::{Diagnostic, Source, Sources, Span};
use crate::limits::NESTING_MAX;
use crate::scenario::resolved::quoted;
use crate::systems::spec::Origin;

/// Writes every override into the tree, in the order given; the seed comes last.
pub(super) fn apply(
    root: &mut Item,
    overrides: &Overrides,
    sources: &mut Sources,
    found: &mut Vec<Diagnostic>,
) {
    for set in &overrides.sets {
        let source = sources.0.len();
        let option = if set.starts_with(FACTORS) { "--factor" } else { "--set" };
        sources.0.push(Source { name: option.to_owned(), text: set.clone() });
        apply_one(root, set, source, found);
    }
    if let Some(seed) = overrides.seed {
        let source = sources.0.len();
        let text = seed.to_string();
        let span = Some(Span { source, range: 0..text.len() });
        let item = made(Raw::Whole(Some(seed.into())), span.clone());
        sources.0.push(Source { name: "--seed".to_owned(), text });
        let path = [("scenario", span.clone()), ("seed", span)];
        // Where the table is missing, that is what has to be told.
        if root.table().is_some_and(|table| table.contains_key("scenario")) {
            put(root, &path, "scenario.seed", item, found);
        }
    }
}

/// Where factors stand in a scenario.
const FACTORS: &str = "sweep.factors.";

/// `--factor PATH=V1,V2` as the `--set` that says the same. What is no TOML value is a text.
pub fn factor(text: &str) -> String {
    let Some((path, levels)) = text.split_once('=') else { return format!("{FACTORS}{text}") };
    let mut pieces = vec![String::new()];
    let (mut depth, mut quote) = (0usize, None);
    for c in levels.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth = depth.saturating_sub(1),
            _ => {}
        }
        match pieces.last_mut() {
            Some(_) if c == ',' && depth == 0 && quote.is_none() => pieces.push(String::new()),
            Some(piece) => piece.push(c),
            None => {}
        }
    }
    let mark = Mark { place: None, origin: Origin::Set };
    let level = |piece: &String| {
        let word = piece.trim();
        let sound = tree::value(word, mark, &mut Vec::new()).is_some();
        if sound || word.starts_with(['"', '\'', '[', '{']) {
            word.to_owned()
        } else {
            quoted(word)
        }
    };
    let levels: Vec<String> = pieces.iter().map(level).collect();
    format!("sweep.factors.{}=[{}]", path.trim(), levels.join(", "))
}

/// Writes the values of a design point into the tree.
pub(super) fn assign(root: &mut Item, values: &[Assignment], found: &mut Vec<Diagnostic>) {
    for Assignment { path, span, item } in values {
        let segments: Vec<_> = path.split('.').map(|name| (name.trim(), span.clone())).collect();
        if segments.iter().any(|(name, _)| name.is_empty()) || segments.len() > NESTING_MAX {
            let message = format!("{} is not a path", quote(path));
            let help = "write keys with single dots between them, such as `scenario.horizon`";
            let wrong = Diagnostic::error("set-form", span.clone(), message);
            found.push(wrong.label("the path").help(help));
            continue;
        }
        put(root, &segments, path, item.clone(), found);
    }
}

fn apply_one(root: &mut Item, set: &str, source: usize, found: &mut Vec<Diagnostic>) {
    let whole = Some(Span { source, range: 0..set.len() });
    let Some((path, text)) = set.split_once('=') else {
        let message = format!("{} gives no value", quote(set));
        let help = "write PATH=VALUE, such as `scenario.horizon=48h`";
        found.push(Diagnostic::error("set-form", whole, message).label("no `=`").help(help));
        return;
    };
    let mut start = 0;
    let mut segments = Vec::new();
    for piece in path.split('.') {
        let lead = piece.len() - piece.trim_start().len();
        let name = piece.trim();
        let range = start + lead..start + lead + name.len();
        segments.push((name, Some(Span { source, range })));
        start += piece.len() + 1;
    }
    if segments.iter().any(|(name, _)| name.is_empty()) || segments.len() > NESTING_MAX {
        let message = format!("{} is not a path", quote(path));
        let span = Some(Span { source, range: 0..path.len() });
        let help = "write keys with single dots between them, such as `scenario.horizon=48h`";
        found.push(Diagnostic::error("set-form", span, message).label("the path").help(help));
        return;
    }
    if let Some(item) = value(text, source, path.len() + 1, found) {
        put(root, &segments, path, item, found);
    }
}

/// The value after the `=`: TOML, or else the text as it stands.
fn value(text: &str, source: usize, offset: usize, found: &mut Vec<Diagnostic>) -> Option<Item> {
    let word = text.trim();
    let offset = offset + (text.len() - text.trim_start().len());
    let mark = Mark { place: Some((source, offset)), origin: Origin::Set };
    let mut wrong = Vec::new();
    let item = tree::value(word, mark, &mut wrong);
    if item.is_none() && !word.starts_with(['"', '\'', '[', '{']) {
        let span = Some(Span { source, range: offset..offset + word.len() });
        return Some(made(Raw::Text(word.to_owned()), span));
    }
    found.append(&mut wrong);
    item
}

fn made(raw: Raw, span: Option<Span>) -> Item {
    Item { raw, span, origin: Origin::Set, implied: false }
}

/// Puts a value at a path, and tables on the way where there are none.
fn put(
    root: &mut Item,
    segments: &[(&str, Option<Span>)],
    path: &str,
    value: Item,
    found: &mut Vec<Diagnostic>,
) {
    let Some(((last, key), parents)) = segments.split_last() else { return };
    let mut item = root;
    for (at, (name, span)) in parents.iter().enumerate() {
        let Some(next) = step(item, name, span, found, &walked(path, at)) else { return };
        item = next;
    }
    let place = walked(path, parents.len());
    match &mut item.raw {
        Raw::Table(table) => {
            table.insert((*last).to_owned(), Entry { key: key.clone(), item: value });
        }
        Raw::List(items) => {
            if let Some(slot) = slot(items, last, key, found, &place) {
                *slot = value;
            }
        }
        _ => found.push(no_way(item, key, &place)),
    }
}

/// The first segments of a path.
fn walked(path: &str, count: usize) -> String {
    path.split('.').take(count).collect::<Vec<_>>().join(".")
}

/// One step down a path.
fn step<'a>(
    item: &'a mut Item,
    name: &str,
    span: &Option<Span>,
    found: &mut Vec<Diagnostic>,
    place: &str,
) -> Option<&'a mut Item> {
    match item.raw {
        Raw::Table(ref mut table) => {
            let entry = table.entry(name.to_owned()).or_insert_with(|| {
                let mut item = made(Raw::Table(Table::new()), span.clone());
                item.implied = true;
                Entry { key: span.clone(), item }
            });
            Some(&mut entry.item)
        }
        Raw::List(ref mut items) => slot(items, name, span, found, place),
        _ => {
            found.push(no_way(item, span, place));
            None
        }
    }
}

/// The item of a list that a segment counts to.
fn slot<'a>(
    items: &'a mut [Item],
    name: &str,
    span: &Option<Span>,
    found: &mut Vec<Diagnostic>,
    place: &str,
) -> Option<&'a mut Item> {
    let count = items.len();
    let slot = name.parse::<usize>().ok().and_then(|index| items.get_mut(index));
    if slot.is_none() {
        let message = format!("`{place}` has no entry {}", quote(name));
        let help = match count {
            0 => format!("`{place}` is empty; give its entries in the file"),
            _ => format!("count its entries from 0 to {}", count - 1),
        };
        let wrong = Diagnostic::error("unknown-path", span.clone(), message);
        found.push(wrong.label("no such entry").help(help));
    }
    slot
}

fn no_way(item: &Item, span: &Option<Span>, place: &str) -> Diagnostic {
    Diagnostic::error("unknown-path", span.clone(), format!("`{place}` is {}", item.found()))
        .label("nothing is below it")
        .help(format!("write `{place}=VALUE` to replace it"))
}
