//! What is told to the user about an input: one plain value per mistake, rendered elsewhere.

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
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().max(word.len()) / 3)
        .min()
        .map(|(_, name)| name)
}
