//! What is told to the user about an input: one plain value per mistake, and how it
//! is shown.

use crate::limits::DIAGNOSTICS_SHOWN_MAX;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;
use std::ops::Range;

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing runs until this is mended.
    Error,
    /// The scenario runs, but a reader must know this before trusting the numbers.
    Warning,
}

/// A place in one of the input texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which text: an index into [`Sources`].
    pub source: usize,
    /// Bytes of that text.
    pub range: Range<usize>,
}

/// The texts that spans point into: the scenario file first, then one per `--set`.
#[derive(Clone, Debug, Default)]
pub struct Sources(pub Vec<Source>);

/// One input text with the name it is shown under.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file's path as the user gave it, or `--set`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// One thing wrong with an input, or one thing to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name, in kebab-case.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// The fact, in lower case and present tense.
    pub message: String,
    /// Where it is; `None` for what has no single place.
    pub span: Option<Span>,
    /// What the marked piece is.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, span: Option<Span>, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            span,
            label: String::new(),
            help: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, span: Option<Span>, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    /// Says what the marked piece is.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The known name nearest to a misspelt one, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = |name: &str| 1 + name.len().max(word.len()) / 3;
    known
        .into_iter()
        // Texts of very different length are never near, and are not compared at any cost.
        .filter(|name| name.len().abs_diff(word.len()) <= most(name))
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= most(name))
        .min()
        .map(|(_, name)| name)
}

/// Diagnostics as the compiler of Rust shows them: message, place, the marked line, help.
///
/// At most [`DIAGNOSTICS_SHOWN_MAX`] are shown, then how many more there are. No control character
/// of an input reaches the terminal.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(DIAGNOSTICS_SHOWN_MAX) {
        text.push_str(renderer.render(&[group(diagnostic, sources)]).trim_end());
        text.push_str("\n\n");
    }
    let rest = diagnostics.len().saturating_sub(DIAGNOSTICS_SHOWN_MAX);
    if rest > 0 {
        text.push_str(&format!("... and {rest} more\n\n"));
    }
    text
}

/// One diagnostic as the renderer takes it.
fn group<'a>(diagnostic: &Diagnostic, sources: &Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = shown(&diagnostic.message, 0..0).0;
    let mut group = Group::with_title(level.primary_title(message).id(diagnostic.code));
    let source = |span: &Span| sources.0.get(span.source);
    let placed = diagnostic.span.as_ref().and_then(|span| Some((span, source(span)?)));
    if let Some((span, source)) = placed {
        let place = Place::of(&source.text, &span.range);
        let (line, marked) = place.excerpt();
        let name = shown(&source.name, 0..0).0;
        let before = line.get(..marked.start).unwrap_or_default().chars().count();
        let label = shown(&diagnostic.label, 0..0).0;
        let annotation = AnnotationKind::Primary.span(marked).label(label);
        let snippet = Snippet::source(line).line_start(place.line).annotation(annotation);
        if before + 1 == place.column {
            group = group.element(snippet.path(name));
        } else {
            // What is shown is not as long as what was written; the place is that in the input.
            let origin = Origin::path(name).line(place.line).char_column(place.column);
            group = group.element(origin).element(snippet);
        }
    } else if let Some(source) = sources.0.first() {
        group = group.element(Origin::path(shown(&source.name, 0..0).0));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(shown(help, 0..0).0));
    }
    group
}

/// Diagnostics for `--format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticsJson {
    /// The first [`DIAGNOSTICS_SHOWN_MAX`] of them.
    pub diagnostics: Vec<DiagnosticJson>,
    /// How many more there are.
    pub more: usize,
}

/// A diagnostic for `--format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticJson {
    /// Stable name.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The fact.
    pub message: String,
    /// The input: the file's path as given, `--set` or `--seed`.
    pub file: Option<String>,
    /// Line of the place, from 1.
    pub line: Option<usize>,
    /// Column of its first character, from 1.
    pub column: Option<usize>,
    /// Column after its last character on that line.
    pub end: Option<usize>,
    /// What the marked piece is.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// Diagnostics for programs: as many as [`render`] shows, control characters written out alike.
pub fn to_json(diagnostics: &[Diagnostic], sources: &Sources) -> DiagnosticsJson {
    let clean = |text: &str| shown(text, 0..0).0;
    let one = |diagnostic: &Diagnostic| {
        let span = diagnostic.span.as_ref();
        let source = sources.0.get(span.map_or(0, |span| span.source));
        let place = span.zip(source).map(|(span, source)| Place::of(&source.text, &span.range));
        DiagnosticJson {
            code: diagnostic.code,
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: clean(&diagnostic.message),
            file: source.map(|source| clean(&source.name)),
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
            end: place.as_ref().map(|place| place.column + place.marked_chars()),
            label: clean(&diagnostic.label),
            help: diagnostic.help.as_deref().map(clean),
        }
    };
    DiagnosticsJson {
        diagnostics: diagnostics.iter().take(DIAGNOSTICS_SHOWN_MAX).map(one).collect(),
        more: diagnostics.len().saturating_sub(DIAGNOSTICS_SHOWN_MAX),
    }
}

/// The first line of a place, and where in it the place is.
struct Place<'a> {
    /// The whole line, without its end.
    text: &'a str,
    /// The marked bytes of it.
    marked: Range<usize>,
    /// The number of the line, from 1.
    line: usize,
    /// The column of the first marked character, from 1.
    column: usize,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, range: &Range<usize>) -> Place<'a> {
        // A byte order mark is no part of the first line.
        let mark = text.len() - text.trim_start_matches('\u{feff}').len();
        let from = text.floor_char_boundary(range.start.max(mark));
        let to = text.floor_char_boundary(range.end.max(from));
        let (before, after) = text.split_at(from);
        let start = before.rfind('\n').map_or(mark.min(from), |at| at + 1);
        let end = from + after.find('\n').unwrap_or(after.len());
        let line = text.get(start..end).unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let last = line.len();
        let marked = (from - start).min(last)..(to - start).min(last);
        let column = 1 + line.get(..marked.start).unwrap_or_default().chars().count();
        Place { text: line, marked, line: 1 + before.matches('\n').count(), column }
    }

    fn marked_chars(&self) -> usize {
        self.text.get(self.marked.clone()).unwrap_or_default().chars().count()
    }

    /// The line as shown, cut around the marked bytes where it is long.
    fn excerpt(&self) -> (String, Range<usize>) {
        const AROUND: usize = 400;
        let from = self.text.floor_char_boundary(self.marked.start.saturating_sub(AROUND));
        let to = self.text.floor_char_boundary((self.marked.start + AROUND).min(self.text.len()));
        let cut = self.text.get(from..to).unwrap_or_default();
        let marked = self.marked.start - from..self.marked.end.min(to) - from;
        shown(cut, marked)
    }
}

/// A text with its control and direction characters written out: nothing that a terminal obeys.
pub fn plain(text: &str) -> String {
    shown(text, 0..0).0
}

/// A text with its control and direction characters written out, and where a range of it went.
fn shown(text: &str, range: Range<usize>) -> (String, Range<usize>) {
    let mut out = String::with_capacity(text.len());
    let mut moved = range.clone();
    for (at, c) in text.char_indices() {
        if at == range.start {
            moved.start = out.len();
        }
        if at == range.end {
            moved.end = out.len();
        }
        let hidden = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}');
        if hidden || (c.is_control() && c != '\t') {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    if range.start >= text.len() {
        moved.start = out.len();
    }
    if range.end >= text.len() {
        moved.end = out.len();
    }
    (out, moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Sources {
        Sources(vec![Source { name: "a.toml".to_owned(), text: text.to_owned() }])
    }

    fn at(range: Range<usize>) -> Diagnostic {
        let span = Some(Span { source: 0, range });
        Diagnostic::error("code", span, "the fact").label("here").help("write it")
    }

    #[test]
    fn places_count_lines_and_characters() {
        let sources = sources("\u{feff}éa\n\u{1b}é = 1\r\n");
        let place = |range| {
            let json = to_json(&[at(range)], &sources);
            let first = &json.diagnostics[0];
            (first.line.unwrap(), first.column.unwrap(), first.end.unwrap())
        };
        assert_eq!(place(0..3), (1, 1, 1));
        assert_eq!(place(3..5), (1, 1, 2));
        assert_eq!(place(5..6), (1, 2, 3));
        assert_eq!(place(8..10), (2, 2, 3));
        assert_eq!(place(8..99), (2, 2, 7));
    }

    #[test]
    fn places_outside_of_the_text_are_shown_at_its_end() {
        for (from, to) in [(0, 0), (3, 9), (9, 12), (1, 2)] {
            let text = render(&[at(from..to)], &sources("é"), false);
            assert!(text.contains("a.toml:1:"), "{text}");
        }
        let lost = Diagnostic { span: Some(Span { source: 7, range: 0..1 }), ..at(0..0) };
        assert!(render(&[lost], &sources(""), false).starts_with("error[code]: the fact\n"));
    }

    #[test]
    fn the_count_of_those_not_shown_is_told() {
        let many = vec![at(0..1); DIAGNOSTICS_SHOWN_MAX + 3];
        assert!(render(&many, &sources("a"), false).ends_with("... and 3 more\n\n"));
        assert_eq!(to_json(&many, &sources("a")).more, 3);
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("orders-esat", ["orders-east", "orders-west"]), Some("orders-east"));
        assert_eq!(nearest("x", ["orders-east"]), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), ["orders-east"]), None);
    }
}
