//! What a command leaves alone of a scenario: nothing is ignored without a word.

use crate::diag::{Sources, Span};
use crate::scenario::{Bound, Scenario};

/// The parts of a scenario that say what is asked of it, and the commands that use each.
const USED_BY: [(&str, &[&str]); 4] = [
    ("[sweep]", &["sweep", "merge"]),
    ("[uncertain]", &["replicate", "sweep", "merge", "compare", "steady"]),
    ("[[objectives]]", &["run", "replicate", "sweep", "merge"]),
    ("[[expect]]", &["run"]),
];

/// Where a part stands, as `file:line`.
fn place(span: Option<&Span>, sources: &Sources) -> Option<String> {
    let span = span?;
    let source = sources.0.get(span.source)?;
    let before = source.text.get(..span.range.start)?;
    let name = crate::diag::plain(&source.name);
    Some(format!(" ({name}:{})", 1 + before.matches('\n').count()))
}

/// The parts of a scenario that a command leaves alone, in words with their places; nothing if it
/// uses all that there is.
pub fn left_alone(scenario: &Scenario, command: &str) -> Option<String> {
    let first = |bounds: &[Bound]| bounds.first().map(|bound| bound.span.clone());
    let there: [Option<Option<Span>>; 4] = [
        scenario.sweep.as_ref().map(|sweep| sweep.span.clone()),
        scenario.uncertain.as_ref().map(|uncertain| uncertain.span.clone()),
        first(&scenario.objectives),
        first(&scenario.expect),
    ];
    let parts: Vec<String> = USED_BY
        .iter()
        .zip(there)
        .filter(|((_, users), _)| !users.contains(&command))
        .filter_map(|((part, _), span)| {
            let place = place(span?.as_ref(), &scenario.sources).unwrap_or_default();
            Some(format!("{part}{place}"))
        })
        .collect();
    let uncertain = scenario.uncertain.is_some() && !USED_BY[1].1.contains(&command);
    let values = if uncertain { ": what is uncertain has the values of the file" } else { "" };
    (!parts.is_empty()).then(|| format!("`{command}` leaves {} alone{values}", parts.join(", ")))
}
