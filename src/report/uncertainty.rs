//! Chance and ignorance apart: what commands tell of the worlds of `[uncertain]`.

use super::tables::{number, table, text};
use crate::experiment::estimates::Ignorance;
use crate::scenario::sweep::Uncertain;

/// The columns of a spread in `uncertainty.csv`, after what it is the spread of.
pub(super) const SPREAD: [&str; 6] =
    ["worlds", "chance_sd", "ignorance_sd", "mean_p5", "mean_p50", "mean_p95"];

/// Their cells.
pub(super) fn spread(apart: &Ignorance) -> impl Iterator<Item = String> {
    let spread = [Some(apart.chance), Some(apart.ignorance)].into_iter().chain(apart.means);
    std::iter::once(apart.worlds.to_string()).chain(spread.map(number))
}

/// `worlds.csv`: the values of what is uncertain in each world. The names of a scenario's
/// parameters come after what tells it from another.
pub(super) fn worlds<'a>(all: impl IntoIterator<Item = (&'a str, &'a Uncertain)>) -> Vec<u8> {
    let all: Vec<(&str, &Uncertain)> = all.into_iter().collect();
    let named = |(before, one): &(&str, &Uncertain)| -> Vec<String> {
        one.factors.iter().map(|factor| format!("{before}{factor}")).collect()
    };
    let names: Vec<String> = all.iter().flat_map(named).collect();
    let count = all.iter().map(|(_, one)| one.draws.len()).max().unwrap_or(0);
    let labels = |world: usize| {
        let draws = all.iter().filter_map(|(_, one)| one.draws.get(world));
        draws.flat_map(|draw| &draw.labels).cloned().collect::<Vec<String>>()
    };
    levels("world", &names, (0..count).map(labels))
}

/// A table of numbered choices: a column for each name.
pub(super) fn levels(
    first: &str,
    names: &[String],
    labels: impl Iterator<Item = Vec<String>>,
) -> Vec<u8> {
    let names: Vec<String> = names.iter().map(|name| text(name)).collect();
    let head: Vec<&str> = std::iter::once(first).chain(names.iter().map(String::as_str)).collect();
    let rows = labels.enumerate().map(|(number, labels)| {
        std::iter::once(number.to_string())
            .chain(labels.iter().map(|label| text(label)))
            .collect::<Vec<_>>()
    });
    table(&head, rows)
}

/// What a line that tells how much was played says of worlds, before and after it; nothing if all
/// is known.
pub(super) fn in_worlds(worlds: usize) -> (String, &'static str) {
    if worlds > 1 {
        (format!("{worlds} worlds with "), ": intervals are over worlds")
    } else {
        (String::new(), "")
    }
}

/// The spread in words.
pub(super) fn told(apart: &Ignorance, quantity: impl Fn(f64) -> String) -> String {
    format!(
        "standard deviation by chance {}, by ignorance {}",
        quantity(apart.chance),
        quantity(apart.ignorance)
    )
}
