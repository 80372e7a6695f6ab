//! Which constants are in doubt, and between what values: what a sensitivity study varies.
//!
//! A constant is in doubt if no source gives its number (its source says *assumed*) or if a rule it
//! comes from is vague. Where a document gives a range, that is its range; elsewhere the rules of
//! [`Span::of`] hold, which are assumptions of their own.

use crate::engine::SimDuration;
use crate::scenario::Scenario;
use crate::scenario::read::{scaled, time};
use crate::systems;
use crate::systems::spec::{Confidence, Kind, Node, ParamSpec, Value};

/// How far times, shares and numbers go to either side, as a factor.
const FACTOR: f64 = 2.0;

/// Ranges that documents give: path, ends, and where they are said.
const DOCUMENTED: &[(&str, &str, &str, &str)] =
    &[("model.kms.destroy-wait", "1d", "120d", "KMS-05")];

/// The values that a constant may have.
#[derive(Clone, Debug, PartialEq)]
pub enum Span {
    /// Any of these, as TOML.
    Listed(Vec<String>),
    /// A span of time between two, evenly by its logarithm.
    Times(SimDuration, SimDuration),
    /// All times of this TOML value multiplied by [`FACTOR`] or divided by it, evenly by the
    /// logarithm.
    Scaled(String),
    /// A fraction whose odds are multiplied by [`FACTOR`] or divided by it.
    Odds(f64),
    /// A whole number between two.
    Whole(u64, u64),
}

/// A constant in doubt.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// Its path.
    pub path: String,
    /// Its value in the scenario, as TOML.
    pub base: String,
    /// The values that it may have.
    pub span: Span,
    /// The source of its value.
    pub source: &'static str,
    /// Where its range comes from: the id of a rule, or the rule of this module.
    pub range: &'static str,
}

/// A value as TOML.
fn toml(node: &Node) -> Option<String> {
    Some(match &node.value {
        Value::Bool(truth) => truth.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Number(number) => format!("{number:?}"),
        Value::Duration(span) => format!("\"{span}\""),
        Value::Dist(dist) => dist.to_string(),
        Value::Choice(word) => format!("\"{word}\""),
        Value::Instant(_)
        | Value::Text(_)
        | Value::Reference(_)
        | Value::Tagged(..)
        | Value::List(_)
        | Value::Shares(_)
        | Value::Table(_) => return None,
    })
}

impl Span {
    /// The values that a constant of this kind may have, by rule: of a choice every word; times
    /// (and every time of a distribution) from half to twice; fractions with half to twice the
    /// odds; whole numbers from half to twice, within their bounds. Absent where nothing varies.
    fn of(kind: &Kind, node: &Node) -> Option<Span> {
        match (kind, &node.value) {
            (Kind::Bool, _) => Some(Span::Listed(vec!["false".to_owned(), "true".to_owned()])),
            (Kind::Choice(words), _) if words.len() > 1 => {
                Some(Span::Listed(words.iter().map(|word| format!("\"{word}\"")).collect()))
            }
            (Kind::Duration(low, high), Value::Duration(span)) if !span.is_zero() => {
                let times = |factor: f64| SimDuration::from_seconds_f64(span.seconds() * factor);
                let ends = (times(1.0 / FACTOR).max(*low), times(FACTOR).min(*high));
                (ends.0 < ends.1).then_some(Span::Times(ends.0, ends.1))
            }
            (Kind::Distribution, Value::Dist(dist)) => {
                let text = dist.to_string();
                let varies = scaled(&text, FACTOR).is_some_and(|scaled| scaled != text);
                varies.then_some(Span::Scaled(text))
            }
            (Kind::Fraction, Value::Number(share)) if *share > 0.0 && *share < 1.0 => {
                Some(Span::Odds(*share))
            }
            (Kind::Count(low, high), Value::Count(count)) => {
                let ends = ((count / 2).max(*low), count.saturating_mul(2).min(*high));
                (ends.0 < ends.1).then_some(Span::Whole(ends.0, ends.1))
            }
            (_, _) => None,
        }
    }

    /// The value at a share of the way from its lowest (0) to its highest (1), as TOML.
    pub fn at(&self, share: f64) -> String {
        let factor = || libm::pow(FACTOR, 2.0 * share - 1.0);
        match self {
            Span::Listed(words) => {
                let place = libm::floor(share * words.len() as f64) as usize;
                words.get(place.min(words.len().saturating_sub(1))).cloned().unwrap_or_default()
            }
            Span::Times(low, high) => {
                let value = if share <= 0.0 {
                    *low
                } else if share >= 1.0 {
                    *high
                } else {
                    let way = libm::pow(high.seconds() / low.seconds(), share);
                    SimDuration::from_seconds_f64(low.seconds() * way).clamp(*low, *high)
                };
                format!("\"{value}\"")
            }
            Span::Scaled(text) => scaled(text, factor()).unwrap_or_else(|| text.clone()),
            Span::Odds(share) => {
                let odds = share / (1.0 - share) * factor();
                format!("{:?}", odds / (1.0 + odds))
            }
            Span::Whole(low, high) => {
                let count = (high - low + 1) as f64;
                let place = libm::floor(share * count).min(count - 1.0);
                (low + place as u64).to_string()
            }
        }
    }

    /// The values besides the base that stand for the whole range: every word, or both ends.
    pub fn levels(&self, base: &str) -> Vec<String> {
        match self {
            Span::Listed(words) => words.iter().filter(|word| *word != base).cloned().collect(),
            Span::Times(..) | Span::Scaled(_) | Span::Odds(_) | Span::Whole(..) => {
                let ends = [self.at(0.0), self.at(1.0)];
                ends.into_iter().filter(|level| level != base).collect()
            }
        }
    }
}

/// Is a constant with this source in doubt?
fn doubtful(source: &str) -> bool {
    source.split(", ").any(|id| {
        id == "assumed" || systems::rule(id).is_some_and(|r| r.confidence == Confidence::Vague)
    })
}

/// Every constant of a scenario with its path, description and value.
fn constants(scenario: &Scenario) -> impl Iterator<Item = (String, &'static ParamSpec, &Node)> {
    systems::ALL.iter().flat_map(move |system| {
        let node = systems::contract::model(&scenario.root, system.name);
        system.model.iter().filter_map(move |spec| {
            Some((format!("model.{}.{}", system.name, spec.name), spec, node.get(spec.name)?))
        })
    })
}

fn doubt(path: String, spec: &'static ParamSpec, node: &Node) -> Option<Doubt> {
    let base = toml(node)?;
    let documented = DOCUMENTED.iter().find(|(known, ..)| *known == path);
    let (span, range) = match documented {
        Some((_, low, high, rule)) => (Span::Times(time(low)?, time(high)?), *rule),
        None => (
            Span::of(&spec.kind, node)?,
            if matches!(spec.kind, Kind::Bool | Kind::Choice(_)) {
                "every value"
            } else if matches!(spec.kind, Kind::Fraction) {
                "assumed: half to twice the odds"
            } else {
                "assumed: half to twice"
            },
        ),
    };
    Some(Doubt { path, base, span, source: spec.source, range })
}

/// The constants in doubt that a scenario leaves open to vary, and the paths of those in doubt that
/// have no range (a time of zero has none).
pub fn doubts(scenario: &Scenario) -> (Vec<Doubt>, Vec<String>) {
    let (mut found, mut fixed) = (Vec::new(), Vec::new());
    for (path, spec, node) in constants(scenario).filter(|(_, spec, _)| doubtful(spec.source)) {
        match doubt(path.clone(), spec, node) {
            Some(doubt) => found.push(doubt),
            None => fixed.push(path),
        }
    }
    (found, fixed)
}

/// The constants with these paths, in doubt or not; or what is wrong with a path.
///
/// # Errors
/// A path is no constant of the model, or has no range.
pub fn named(scenario: &Scenario, paths: &[&str]) -> Result<Vec<Doubt>, String> {
    let known: Vec<_> = constants(scenario).collect();
    let one = |path: &&str| {
        let Some((_, spec, node)) = known.iter().find(|(name, ..)| name == path) else {
            let near = crate::diag::nearest(path, known.iter().map(|(name, ..)| name.as_str()));
            let help = near.map_or("`cmeksim rules` lists the constants".to_owned(), |near| {
                format!("did you mean `{near}`?")
            });
            return Err(format!("the model has no constant `{path}`; {help}"));
        };
        doubt((*path).to_owned(), spec, node).ok_or_else(|| {
            format!("`{path}` has no range: its value is nothing that can be scaled")
        })
    };
    paths.iter().map(one).collect()
}
