//! What an experiment varies: factors with their levels, and the design points made of them.

use super::read::Assignment;
use crate::diag::Span;
use crate::systems::spec::Origin;

/// `[sweep]`: what the user varies.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// How the points are made of the factors.
    pub design: Design,
    /// Names of the factors, in order.
    pub factors: Vec<String>,
    /// The design points, in order.
    pub points: Vec<Point>,
    /// The point that others are compared with.
    pub baseline: Option<usize>,
    /// Replications per point, where the file says so.
    pub replications: Option<u64>,
    /// The table as TOML, line by line, with who said it.
    pub lines: Vec<(String, Origin)>,
    /// Where it stands.
    pub span: Option<Span>,
}

/// `[uncertain]`: what nobody knows, drawn anew for every round of an outer loop.
#[derive(Clone, Debug)]
pub struct Uncertain {
    /// Names of the parameters, in order.
    pub factors: Vec<String>,
    /// What each of them writes in any world: paths of the scenario, in order.
    pub paths: Vec<Vec<String>>,
    /// One possible world after the other: each is as likely as any other.
    pub draws: Vec<Point>,
    /// The table as TOML, line by line, with who said it.
    pub lines: Vec<(String, Origin)>,
    /// Where it stands.
    pub span: Option<Span>,
}

/// How design points are made of factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// Every level of each factor with every level of the others.
    Grid,
    /// The first levels together, the second levels together, and so on.
    Zip,
    /// Points of a Latin hypercube.
    LatinHypercube,
    /// The first points of the Sobol sequence, scrambled by the seed.
    Sobol,
}

impl Design {
    /// The words of a scenario file.
    pub const WORDS: [&str; 4] = ["grid", "zip", "latin-hypercube", "sobol"];

    /// The design that a word names.
    pub fn of_word(word: &str) -> Option<Design> {
        let all = [Design::Grid, Design::Zip, Design::LatinHypercube, Design::Sobol];
        Design::WORDS.iter().zip(all).find(|(known, _)| **known == word).map(|(_, design)| design)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Design::Grid => "grid",
            Design::Zip => "zip",
            Design::LatinHypercube => "latin-hypercube",
            Design::Sobol => "sobol",
        }
    }
}

/// One choice of a level for every factor.
#[derive(Clone, Debug, Default)]
pub struct Point {
    /// The levels as texts, in the order of the factors.
    pub labels: Vec<String>,
    /// Those that are numbers, with `s` for lengths of time.
    pub amounts: Vec<Option<(f64, &'static str)>>,
    /// What is written into the scenario.
    pub(super) values: Vec<Assignment>,
}

impl Point {
    /// Does a place in the input belong to one of its values?
    pub fn said_at(&self, place: &Span) -> bool {
        let inside = |span: &Option<Span>| {
            span.as_ref().is_some_and(|span| {
                span.source == place.source
                    && span.range.start <= place.range.start
                    && place.range.end <= span.range.end
            })
        };
        self.values.iter().any(|value| value.said_at(inside))
    }

    /// The paths that it writes into the scenario.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| value.path())
    }

    /// The point in words: `grace = 1h, keys = one-key`.
    pub fn words(&self, factors: &[String]) -> String {
        let pairs = factors.iter().zip(&self.labels);
        pairs.map(|(factor, label)| format!("{factor} = {label}")).collect::<Vec<_>>().join(", ")
    }
}
