//! What factors write: nothing twice, and nothing but the model.

use super::LISTS;
use super::factor::Factor;
use super::reader::Reader;
use super::tree::quote;
use crate::diag::Span;
use crate::limits::NESTING_MAX;
use std::collections::BTreeMap;
use std::ops::Bound;

/// The names along a path.
type Steps = Vec<String>;

/// A factor of `[sweep]` or `[uncertain]` with the paths that its levels write.
pub(super) struct Varied {
    table: &'static str,
    name: String,
    span: Option<Span>,
    /// Each path once, as it was written and where.
    paths: BTreeMap<Steps, (String, Option<Span>)>,
}

impl Varied {
    pub(super) fn new(table: &'static str, factor: &Factor) -> Varied {
        let mut paths = BTreeMap::new();
        for value in factor.written() {
            // Longer paths are refused where they are followed.
            if let Some(steps) = steps(&value.path) {
                paths.entry(steps).or_insert_with(|| (value.path.clone(), value.span.clone()));
            }
        }
        Varied { table, name: factor.name.clone(), span: factor.span.clone(), paths }
    }

    /// What it is called beside a factor of this table.
    fn beside(&self, other: &Varied) -> String {
        if self.table == other.table {
            return quote(&self.name);
        }
        format!("{} of `{}`", quote(&self.name), self.table)
    }
}

/// The names along a path; nothing if it is longer than any.
fn steps(path: &str) -> Option<Steps> {
    let mut steps: Steps =
        path.split('.').take(NESTING_MAX + 1).map(|name| name.trim().to_owned()).collect();
    if let [list, place, ..] = steps.as_mut_slice()
        && LISTS.contains(&list.as_str())
        && let Ok(number) = place.parse::<usize>()
    {
        // `hazards.00` is `hazards.0`.
        *place = number.to_string();
    }
    (steps.len() <= NESTING_MAX).then_some(steps)
}

/// What stands at the top of a scenario and is the same at all points, in words.
fn fixed(top: &str) -> Option<&'static str> {
    match top {
        "objectives" => Some("objectives are"),
        "expect" => Some("expectations are"),
        "sweep" | "uncertain" => Some("what an experiment varies is"),
        "schema" => Some("the form of the file is"),
        _ => None,
    }
}

/// Which of these paths is the same, above or below a path.
fn met<'m>(before: &'m BTreeMap<Steps, usize>, path: &[String]) -> Option<(&'m [String], usize)> {
    let above = (1..=path.len()).find_map(|count| before.get_key_value(&path[..count]));
    // What is below a path comes right after it in order.
    let next = before.range::<[String], _>((Bound::Excluded(path), Bound::Unbounded)).next();
    let met = above.or(next.filter(|(steps, _)| steps.starts_with(path)));
    met.map(|(steps, place)| (steps.as_slice(), *place))
}

impl Reader<'_> {
    /// Tells of factors that write what another one writes, or what is no part of the model: at
    /// any point one of the two values would be lost without a word.
    pub(super) fn factors_apart(&mut self) {
        let mut varied = std::mem::take(&mut self.varied);
        varied.sort_by_key(|one| one.span.as_ref().map(|span| (span.source, span.range.start)));
        let mut before: BTreeMap<Steps, usize> = BTreeMap::new();
        for (place, one) in varied.iter().enumerate() {
            for (path, (text, span)) in &one.paths {
                if let Some(what) = path.first().and_then(|top| fixed(top)) {
                    self.tell_fixed(text, span, what);
                }
            }
            let paths = one.paths.iter();
            let mut pairs = paths.filter_map(|(path, _)| met(&before, path).zip(Some(path)));
            if let Some(((other, first), path)) = pairs.next() {
                self.tell_both((&varied[first], other), (one, path));
            }
            for path in one.paths.keys() {
                before.entry(path.clone()).or_insert(place);
            }
        }
    }

    fn tell_fixed(&mut self, path: &str, span: &Option<Span>, what: &str) {
        let path = path.trim();
        let message = format!("{} cannot be varied: {what} the same at all points", quote(path));
        let help = match path {
            "schema" => "take it out: a factor varies the model".to_owned(),
            _ => {
                format!("vary the model, and write `--set {path}=VALUE` to set this at all points")
            }
        };
        self.tell("factor-path", span, message, "no part of the model", help);
    }

    fn tell_both(&mut self, first: (&Varied, &[String]), second: (&Varied, &Steps)) {
        let ((one, above), (other, path)) = (first, second);
        let names = (one.beside(other), other.beside(one));
        let (written, own) = (quote(&above.join(".")), quote(&path.join(".")));
        let message = if above == path.as_slice() {
            format!("the factors {} and {} both write {own}", names.0, names.1)
        } else {
            format!(
                "the factors {} and {} write {written} and {own}, one within the other",
                names.0, names.1
            )
        };
        let help = if one.table == other.table {
            "take one of the two out, or write their values as named alternatives of one factor"
        } else {
            "take one of the two out: what is swept is chosen, and is not uncertain"
        };
        let label = format!("written by {} before", names.0);
        let span = other.paths.get(path).and_then(|(_, span)| span.clone());
        self.tell("factor-path", &span, message, label, help);
    }
}
