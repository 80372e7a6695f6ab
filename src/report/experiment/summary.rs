//! `summary.json` of an experiment.

use super::{Findings, Judged};
use crate::experiment::estimates::{Measured, PointEstimates};
use crate::report::SCHEMA;
use crate::report::files::sha256;
use crate::report::summary::{Assumption, assumed, condition};
use crate::scenario::sweep::{Point, Sweep};
use crate::stats::Quantile;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Serialize)]
struct ScenarioJson<'a> {
    name: &'a str,
    description: &'a str,
    start: String,
    horizon_s: f64,
    sha256: String,
}

/// A quantile with its interval.
#[derive(Serialize)]
struct QuantileJson {
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

impl From<Quantile> for QuantileJson {
    fn from(quantile: Quantile) -> QuantileJson {
        QuantileJson { value: quantile.value, low: quantile.low, high: quantile.high }
    }
}

/// An estimate; the spread taken apart where something is uncertain.
#[derive(Serialize)]
struct EstimateJson {
    unit: &'static str,
    n: u64,
    undefined: u64,
    mean: Option<f64>,
    ci_low: Option<f64>,
    ci_high: Option<f64>,
    method: &'static str,
    other_max: Option<f64>,
    std_dev: Option<f64>,
    min: Option<f64>,
    p5: QuantileJson,
    p50: QuantileJson,
    p95: QuantileJson,
    p99: QuantileJson,
    max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chance_sd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignorance_sd: Option<f64>,
}

#[derive(Serialize)]
struct ObjectiveJson {
    measure: String,
    condition: String,
    mean: Option<f64>,
    ci_low: Option<f64>,
    ci_high: Option<f64>,
    undefined: u64,
    verdict: &'static str,
}

#[derive(Serialize)]
struct PointJson<'a> {
    point: usize,
    factors: BTreeMap<&'a str, &'a str>,
    objectives: Vec<ObjectiveJson>,
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    version: &'static str,
    command: &'static str,
    scenario: ScenarioJson<'a>,
    seed: u64,
    replications: u64,
    worlds: usize,
    confidence: f64,
    precision: &'a Option<super::Reached>,
    #[serde(skip_serializing_if = "Option::is_none")]
    design: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<usize>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimates: Option<BTreeMap<&'a str, EstimateJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objectives: Option<Vec<ObjectiveJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<Vec<PointJson<'a>>>,
    warnings: Vec<String>,
    assumptions: Vec<Assumption>,
}

fn estimate(unit: &'static str, measured: &Measured) -> EstimateJson {
    let of = &measured.estimate;
    EstimateJson {
        unit,
        n: of.n,
        undefined: of.undefined,
        mean: of.mean,
        ci_low: of.ci_low,
        ci_high: of.ci_high,
        method: of.method.words(),
        other_max: of.other_max,
        std_dev: of.std_dev,
        min: of.min,
        p5: of.p5.into(),
        p50: of.p50.into(),
        p95: of.p95.into(),
        p99: of.p99.into(),
        max: of.max,
        chance_sd: measured.ignorance.map(|apart| apart.chance),
        ignorance_sd: measured.ignorance.map(|apart| apart.ignorance),
    }
}

fn objective(judged: Judged) -> ObjectiveJson {
    let Judged { bound, measured, verdict } = judged;
    let of = measured.map(|measured| &measured.estimate);
    ObjectiveJson {
        measure: format!("{}.{}", bound.entity, bound.measure),
        condition: condition(bound),
        mean: of.and_then(|of| of.mean),
        ci_low: of.and_then(|of| of.ci_low),
        ci_high: of.and_then(|of| of.ci_high),
        undefined: of.map_or(0, |of| of.undefined),
        verdict: verdict.word(),
    }
}

fn estimates<'a>(
    findings: &'a Findings<'a>,
    point: &'a PointEstimates,
) -> BTreeMap<&'a str, EstimateJson> {
    let named = point.measures.iter().map(|measured| {
        let column = &findings.study.columns[measured.column];
        (column.path.as_str(), estimate(column.unit, measured))
    });
    named.collect()
}

/// A point of a sweep. Its estimates stand in sweep.csv: there may be a million of them.
fn point<'a>(
    findings: &'a Findings<'a>,
    sweep: &'a Sweep,
    point: &'a PointEstimates,
) -> PointJson<'a> {
    let labels = sweep.points[point.point].labels.iter().map(String::as_str);
    PointJson {
        point: point.point,
        factors: sweep.factors.iter().map(String::as_str).zip(labels).collect(),
        objectives: findings.judged(point).map(objective).collect(),
    }
}

/// The paths that some point or world of the experiment writes.
fn varied<'a>(findings: &'a Findings<'a>) -> BTreeSet<&'a str> {
    let design = findings.sweep().into_iter().flat_map(|sweep| &sweep.points);
    let unknown = findings.uncertain().into_iter().flat_map(|uncertain| &uncertain.paths);
    design.flat_map(Point::paths).chain(unknown.flatten().map(String::as_str)).collect()
}

/// Does one path lead to the other, or into it? `a.b` leads into `a.b.median`.
fn meets(one: &str, other: &str) -> bool {
    let into = |path: &str, start: &str| {
        path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    into(one, other) || into(other, one)
}

/// The assumed constants that any replication drew on. What a factor varies is not left at its
/// default, though the scenario itself does not set it.
pub(super) fn assumptions(findings: &Findings) -> Vec<Assumption> {
    let study = findings.study;
    let varied = varied(findings);
    let used = |path: &str| {
        if varied.iter().any(|written| meets(path, written)) {
            return false;
        }
        let place = study.constants.iter().position(|constant| constant == path);
        place.is_some_and(|place| {
            let drew = |point: &PointEstimates| point.used[place / 64] >> (place % 64) & 1 == 1;
            findings.points.iter().any(drew)
        })
    };
    assumed(&study.base.root, used)
}

/// `summary.json`.
pub fn json(findings: &Findings) -> Vec<u8> {
    let scenario = findings.study.base;
    let text = scenario.sources.0.first().map_or("", |source| source.text.as_str());
    let alone = findings.points.first().filter(|_| findings.sweep().is_none());
    let summary = Json {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: findings.command,
        scenario: ScenarioJson {
            name: &scenario.name,
            description: &scenario.description,
            start: scenario.start.to_string(),
            horizon_s: scenario.horizon.seconds(),
            sha256: sha256(text.as_bytes()),
        },
        seed: scenario.seed,
        replications: findings.replications,
        worlds: findings.study.worlds(),
        confidence: crate::stats::CONFIDENCE,
        precision: &findings.precision,
        design: findings.sweep().map(|sweep| sweep.design.word()),
        baseline: findings.sweep().and_then(|sweep| sweep.baseline),
        verdict: findings.verdict().word(),
        estimates: alone.map(|alone| estimates(findings, alone)),
        objectives: alone.map(|alone| findings.judged(alone).map(objective).collect()),
        points: findings
            .sweep()
            .map(|sweep| findings.points.iter().map(|each| point(findings, sweep, each)).collect()),
        warnings: findings.warnings(),
        assumptions: assumptions(findings),
    };
    let mut bytes = serde_json::to_vec_pretty(&summary).expect("a summary is plain data");
    bytes.push(b'\n');
    bytes
}
