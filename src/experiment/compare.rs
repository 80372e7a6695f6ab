//! Two scenarios that meet the same luck: their differences, measure by measure.

use super::Model;
use super::ordered::ordered;
use super::outcome::measures_of;
use crate::engine::{Budget, Halt};
use crate::scenario::Scenario;
use crate::stats::paired::{Difference, Paired};
use crate::systems::contract::SweepMode;
use crate::systems::spec::Role;

/// The difference of a measure that both scenarios have.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Path of the measure.
    pub path: String,
    /// Its unit.
    pub unit: &'static str,
    /// What its entity is to a reader.
    pub role: Role,
    /// Second minus first.
    pub difference: Difference,
}

/// What two scenarios have in common, and what not.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The measures of both, in the order of their paths.
    pub both: Vec<Compared>,
    /// Measures of the first alone.
    pub only_a: Vec<String>,
    /// Measures of the second alone.
    pub only_b: Vec<String>,
}

/// Paths, units and roles of the measures of a scenario, in the order of the paths.
fn measures(scenario: &Scenario) -> Vec<(String, &'static str, Role)> {
    let of = |(path, kind): (&String, &&'static crate::systems::spec::EntityKind)| {
        let (path, role) = (path.clone(), kind.role);
        measures_of(kind).map(move |spec| (format!("{path}.{}", spec.name), spec.unit, role))
    };
    let mut all: Vec<_> = scenario.entities.iter().flat_map(of).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Plays both scenarios with the same seed: every stream of chance that both have by name gives
/// both the same draws. `done` hears of every pair of replications.
///
/// # Errors
/// A replication met a limit of its budget.
pub fn compare(
    a: &Scenario,
    b: &Scenario,
    seed: u64,
    replications: u64,
    pool: &rayon::ThreadPool,
    done: impl Fn() + Sync,
) -> Result<Comparison, Halt> {
    let (model_a, model_b) = (Model::new(a), Model::new(b));
    let (of_a, of_b) = (measures(a), measures(b));
    let has = |all: &[(String, &str, Role)], path: &str| {
        all.binary_search_by(|known| known.0.as_str().cmp(path)).is_ok()
    };
    let (both, only_a): (Vec<_>, Vec<_>) =
        of_a.into_iter().partition(|(path, ..)| has(&of_b, path));
    let known: Vec<(String, &str, Role)> = both.clone();
    let only_b = of_b.into_iter().filter(|(path, ..)| !has(&known, path));
    let values = |model: &Model, replication: u64| -> Result<Vec<Option<f64>>, Halt> {
        let trace = model.replicate(seed, replication, SweepMode::Decisive, Budget::default())?;
        let outcome = model.outcome(trace);
        Ok(both.iter().map(|(path, ..)| outcome.measures.get(path).copied().flatten()).collect())
    };
    let mut pairs = vec![Paired::default(); both.len()];
    let work = |replication: u64| {
        let pair = (values(&model_a, replication)?, values(&model_b, replication)?);
        done();
        Ok(pair)
    };
    ordered(0..replications, pool, work, |_, (a, b)| {
        for (pair, (a, b)) in pairs.iter_mut().zip(a.into_iter().zip(b)) {
            pair.push(a, b);
        }
    })?;
    let names = |(path, ..): (String, &str, Role)| path;
    let only_b = only_b.map(names).collect();
    let both = both.into_iter().zip(&pairs).map(|((path, unit, role), pair)| Compared {
        path,
        unit,
        role,
        difference: pair.estimate(),
    });
    Ok(Comparison { both: both.collect(), only_a: only_a.into_iter().map(names).collect(), only_b })
}
