//! From bytes to a tree of raw values that know their place and who said them.

use crate::diag::{Diagnostic, Span};
use crate::limits::{NESTING_MAX, SCENARIO_BYTES_MAX};
use crate::scenario::resolved::quoted;
use crate::systems::spec::Origin;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};
use toml_parser::parser::{EventReceiver, parse_document, parse_value};
use toml_parser::{ErrorSink, Source};

/// A raw value with its place and who said it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The value.
    pub(super) raw: Raw,
    /// Where it stands; `None` for defaults.
    pub(super) span: Option<Span>,
    /// Who said it.
    pub(super) origin: Origin,
    /// Did a `--set` make this table on the way to a value below it?
    pub(super) implied: bool,
}

/// A value as TOML knows it.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    /// A text.
    Text(String),
    /// A whole number; `None` beyond 128 bits.
    Whole(Option<i128>),
    /// A number with a point or an exponent, `inf` or `nan`.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date, a time or both, as RFC 3339 writes it.
    Date(String),
    /// A list.
    List(Vec<Item>),
    /// A table.
    Table(Table),
}

/// The entries of a table by key.
pub(super) type Table = BTreeMap<String, Entry>;

/// A value in a table, with the place of its key.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where the key stands; `None` in defaults.
    pub(super) key: Option<Span>,
    /// The value.
    pub(super) item: Item,
}

impl Item {
    /// The entries, if this is a table.
    pub(super) fn table(&self) -> Option<&Table> {
        match &self.raw {
            Raw::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.raw {
            Raw::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a reader would call this value.
    pub(super) fn found(&self) -> &'static str {
        match &self.raw {
            Raw::Text(_) => "a text",
            Raw::Whole(_) => "a whole number",
            Raw::Float(_) => "a number",
            Raw::Bool(_) => "a truth value",
            Raw::Date(_) => "a date or time",
            Raw::List(_) => "a list",
            Raw::Table(_) => "a table",
        }
    }

    /// Who said this value: a `--set` if it said any part of it.
    pub(super) fn origin(&self) -> Origin {
        let inner = |mut items: Box<dyn Iterator<Item = &Item> + '_>| {
            if items.any(|item| item.origin() == Origin::Set) { Origin::Set } else { self.origin }
        };
        match &self.raw {
            Raw::List(items) => inner(Box::new(items.iter())),
            Raw::Table(table) => inner(Box::new(table.values().map(|entry| &entry.item))),
            _ => self.origin,
        }
    }
}

/// How the places and the author of a parsed text are noted.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    /// Which input text, with the byte at which the parsed piece begins; `None` for defaults.
    pub(super) place: Option<(usize, usize)>,
    /// Who said it.
    pub(super) origin: Origin,
}

impl Mark {
    fn span(&self, range: std::ops::Range<usize>) -> Option<Span> {
        let (source, offset) = self.place?;
        Some(Span { source, range: range.start + offset..range.end + offset })
    }
}

/// The text of a scenario file, or what keeps it from being one. The second part is the text to
/// show in diagnostics, whatever the bytes are.
pub(super) fn decode(bytes: &[u8]) -> (Result<(), Diagnostic>, String) {
    if bytes.len() > SCENARIO_BYTES_MAX {
        let message = format!(
            "the scenario has {} bytes, more than the {SCENARIO_BYTES_MAX} that are read",
            bytes.len()
        );
        let found = Diagnostic::error("limit-scenario-bytes", None, message)
            .help("split the scenario into several files");
        return (Err(found), String::new());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => (Ok(()), text.to_owned()),
        Err(error) => {
            let start = error.valid_up_to();
            let text = String::from_utf8_lossy(bytes).into_owned();
            let span = Some(Span { source: 0, range: start..start + '\u{fffd}'.len_utf8() });
            let byte = bytes.get(start).copied().unwrap_or_default();
            let found = Diagnostic::error("not-utf8", span, "the file is not UTF-8 text")
                .label(format!("byte 0x{byte:02x} begins no character"))
                .help("save the file as UTF-8");
            (Err(found), text)
        }
    }
}

/// The root table of a scenario file. With a mistake of form the tree is `None`; keys that are
/// given twice are told, and the tree holds the first.
pub(super) fn document(text: &str, found: &mut Vec<Diagnostic>) -> Option<Item> {
    let mark = Mark { place: Some((0, 0)), origin: Origin::File };
    let mut depth = Depth::default();
    parse_document(&Source::new(text).lex().into_vec(), &mut depth, &mut ());
    if let Some(range) = depth.exceeded {
        found.push(nesting(mark.span(range)));
        return None;
    }
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut sound = true;
    for error in &errors {
        sound &= syntax(error, text, mark, found);
    }
    if !sound {
        return None;
    }
    Some(Item {
        raw: Raw::Table(table(tree.get_ref(), mark)),
        span: mark.span(0..0),
        origin: Origin::File,
        implied: false,
    })
}

/// One TOML value: of a `--set`, or a default.
pub(super) fn value(text: &str, mark: Mark, found: &mut Vec<Diagnostic>) -> Option<Item> {
    let mut depth = Depth::default();
    parse_value(&Source::new(text).lex().into_vec(), &mut depth, &mut ());
    if let Some(range) = depth.exceeded {
        found.push(nesting(mark.span(range)));
        return None;
    }
    let (tree, errors) = DeValue::parse_recoverable(text);
    let mut sound = true;
    for error in &errors {
        sound &= syntax(error, text, mark, found);
    }
    sound.then(|| item(tree.get_ref(), tree.span(), mark))
}

/// Tells one mistake of the TOML parser. Does the tree stand all the same?
fn syntax(error: &toml::de::Error, text: &str, mark: Mark, found: &mut Vec<Diagnostic>) -> bool {
    let range = error.span().unwrap_or(text.len()..text.len());
    let piece = text.get(range.clone()).unwrap_or_default();
    let span = mark.span(range);
    let message = error.message();
    if message == "duplicate key" {
        found.push(
            Diagnostic::error("duplicate-key", span, format!("{} is given twice", quote(piece)))
                .label("given before")
                .help("keep one of the two"),
        );
        return true;
    }
    let help = if message.contains("string") || message.contains("quote") {
        "close a text with the quote it opens with, on the same line: \"like this\""
    } else if message.contains("comment") {
        "remove the control character"
    } else if message.contains("dotted") {
        "give the whole table in one place"
    } else if message.contains("unclosed") {
        "close every bracket and brace that is opened"
    } else {
        "write `key = value`, with texts in double quotes, or a `[table]` header"
    };
    let mut words = message.to_owned();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    let words = words
        .replace("invalid ", "unreadable ")
        .replace("basic string", "text")
        .replace("literal string", "text");
    found.push(Diagnostic::error("syntax", span, words).label("not TOML here").help(help));
    false
}

fn nesting(span: Option<Span>) -> Diagnostic {
    let message = format!("tables and lists are nested deeper than {NESTING_MAX}");
    Diagnostic::error("limit-nesting", span, message)
        .label("too deep")
        .help("no part of a scenario needs to be nested so deep; remove the outer levels")
}

fn item(value: &DeValue<'_>, range: std::ops::Range<usize>, mark: Mark) -> Item {
    let raw = match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            Raw::Whole(i128::from_str_radix(number.as_str(), number.radix()).ok())
        }
        DeValue::Float(number) => Raw::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Raw::Bool(*truth),
        DeValue::Datetime(date) => Raw::Date(date.to_string()),
        DeValue::Array(items) => {
            Raw::List(items.iter().map(|inner| item(inner.get_ref(), inner.span(), mark)).collect())
        }
        DeValue::Table(inner) => Raw::Table(table(inner, mark)),
    };
    Item { raw, span: mark.span(range), origin: mark.origin, implied: false }
}

fn table(entries: &DeTable<'_>, mark: Mark) -> Table {
    let entry = |key: std::ops::Range<usize>, value: &toml::Spanned<DeValue<'_>>| Entry {
        key: mark.span(key),
        item: item(value.get_ref(), value.span(), mark),
    };
    entries.iter().map(|(key, value)| (key.to_string(), entry(key.span(), value))).collect()
}

/// A value as TOML on one line.
pub(super) fn text(item: &Item) -> String {
    let listed = |pieces: Vec<String>| pieces.join(", ");
    match &item.raw {
        Raw::Text(text) => quoted(text),
        Raw::Whole(number) => number.map_or("0".to_owned(), |number| number.to_string()),
        Raw::Float(number) => format!("{number:?}"),
        Raw::Bool(truth) => truth.to_string(),
        Raw::Date(date) => date.clone(),
        Raw::List(items) => format!("[{}]", listed(items.iter().map(text).collect())),
        Raw::Table(table) => {
            let bare = |key: &str| {
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                !key.is_empty() && key.chars().all(plain)
            };
            let key = |key: &str| if bare(key) { key.to_owned() } else { quoted(key) };
            let entry =
                |(name, entry): (&String, &Entry)| format!("{} = {}", key(name), text(&entry.item));
            format!("{{ {} }}", listed(table.iter().map(entry).collect()))
        }
    }
}

/// A piece of the user's text in a message: in backticks, and cut where it is long.
pub(super) fn quote(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return format!("`{text}`");
    }
    let start: String = text.chars().take(SHOWN).collect();
    format!("`{start}...`")
}

/// Follows how deep a text nests without building anything, so that no text can exhaust the
/// stack: neither by brackets nor by dotted keys.
#[derive(Default)]
struct Depth {
    /// Dots in the header of the current table.
    header: usize,
    in_header: bool,
    /// Dots in the current key of the document.
    keys: usize,
    /// For every open bracket, the dots in its current key.
    open: Vec<usize>,
    exceeded: Option<std::ops::Range<usize>>,
}

impl Depth {
    fn check(&mut self, span: toml_parser::Span) -> bool {
        let depth = 1 + self.header + self.keys + self.open.len() + self.open.iter().sum::<usize>();
        if depth > NESTING_MAX && self.exceeded.is_none() {
            self.exceeded = Some(span.start()..span.end());
        }
        depth <= NESTING_MAX
    }

    fn open(&mut self, span: toml_parser::Span) -> bool {
        self.open.push(0);
        let allowed = self.check(span);
        if !allowed {
            self.open.pop();
        }
        allowed
    }

    fn start_header(&mut self) {
        *self = Depth {
            header: 1,
            in_header: true,
            exceeded: self.exceeded.take(),
            ..Depth::default()
        };
    }
}

impl EventReceiver for Depth {
    fn std_table_open(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.start_header();
    }

    fn array_table_open(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.start_header();
    }

    fn std_table_close(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.in_header = false;
    }

    fn array_table_close(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.in_header = false;
    }

    fn inline_table_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) -> bool {
        self.open(span)
    }

    fn inline_table_close(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.open.pop();
    }

    fn array_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) -> bool {
        self.open(span)
    }

    fn array_close(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.open.pop();
    }

    fn key_sep(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        let dots = match self.open.last_mut() {
            Some(dots) => dots,
            None if self.in_header => &mut self.header,
            None => &mut self.keys,
        };
        *dots += 1;
        self.check(span);
    }

    fn value_sep(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        if let Some(dots) = self.open.last_mut() {
            *dots = 0;
        }
    }

    fn newline(&mut self, _: toml_parser::Span, _: &mut dyn ErrorSink) {
        if self.open.is_empty() {
            self.in_header = false;
            self.keys = 0;
        }
    }
}
