//! The CSV files of an experiment. Columns are documented in `docs/outputs.md`.

use super::Findings;
use crate::experiment::estimates::Measured;
use crate::experiment::study::Study;
use crate::report::compare;
use crate::report::tables::{push_number, table, text};
use crate::report::uncertainty;
use csv::StringRecord;
use std::fmt::Write as _;

/// The columns of an estimate, after `measure` and `unit`.
const ESTIMATE: [&str; 23] = [
    "n",
    "mean",
    "ci_low",
    "ci_high",
    "std_dev",
    "min",
    "p5",
    "p50",
    "p95",
    "p99",
    "max",
    "undefined",
    "method",
    "other_max",
    "p5_low",
    "p5_high",
    "p50_low",
    "p50_high",
    "p95_low",
    "p95_high",
    "p99_low",
    "p99_high",
    "quantiles",
];

/// A row of estimates, of which there may be very many: its cells are made in one place.
struct Row {
    record: StringRecord,
    cell: String,
}

impl Row {
    fn text(&mut self, cell: &str) {
        self.record.push_field(cell);
    }

    fn number(&mut self, value: Option<f64>) {
        self.cell.clear();
        if let Some(value) = value {
            push_number(&mut self.cell, value);
        }
        self.record.push_field(&self.cell);
    }

    fn count(&mut self, count: u64) {
        self.cell.clear();
        let _ = write!(self.cell, "{count}");
        self.record.push_field(&self.cell);
    }
}

fn row(study: &Study, point: Option<usize>, measured: &Measured) -> StringRecord {
    let column = &study.columns[measured.column];
    let estimate = &measured.estimate;
    let record = StringRecord::with_capacity(256, 3 + ESTIMATE.len());
    let mut row = Row { record, cell: String::with_capacity(32) };
    if let Some(point) = point {
        row.count(point as u64);
    }
    row.text(&text(&column.path));
    row.text(column.unit);
    row.count(estimate.n);
    for value in [
        estimate.mean,
        estimate.ci_low,
        estimate.ci_high,
        estimate.std_dev,
        estimate.min,
        estimate.p5.value,
        estimate.p50.value,
        estimate.p95.value,
        estimate.p99.value,
        estimate.max,
    ] {
        row.number(value);
    }
    row.count(estimate.undefined);
    row.text(estimate.method.words());
    row.number(estimate.other_max);
    for quantile in [estimate.p5, estimate.p50, estimate.p95, estimate.p99] {
        row.number(quantile.low);
        row.number(quantile.high);
    }
    row.text(estimate.quantiles());
    row.record
}

/// `estimates.csv`: one row per measure. With more than one design point, `sweep.csv`: one row per
/// point and measure.
pub fn estimates(findings: &Findings) -> Vec<u8> {
    let sweep = findings.sweep().is_some();
    let head = sweep.then_some("point").into_iter().chain(["measure", "unit"]).chain(ESTIMATE);
    let rows = findings.points.iter().flat_map(|point| {
        let own = sweep.then_some(point.point);
        point.measures.iter().map(move |measured| row(findings.study, own, measured))
    });
    table(&head.collect::<Vec<_>>(), rows)
}

/// `points.csv`: the levels of each design point.
pub fn points(findings: &Findings) -> Option<Vec<u8>> {
    let sweep = findings.sweep()?;
    let labels = sweep.points.iter().map(|point| point.labels.clone());
    Some(uncertainty::levels("point", &sweep.factors, labels))
}

/// `worlds.csv`: the values of what is uncertain in each world.
pub fn worlds(findings: &Findings) -> Option<Vec<u8>> {
    findings.uncertain().map(|uncertain| uncertainty::worlds([("", uncertain)]))
}

/// `uncertainty.csv`: chance and ignorance apart.
pub fn uncertainty(findings: &Findings) -> Option<Vec<u8>> {
    findings.uncertain()?;
    let sweep = findings.sweep().is_some();
    let head =
        sweep.then_some("point").into_iter().chain(["measure", "unit"]).chain(uncertainty::SPREAD);
    let rows = findings.points.iter().flat_map(|point| {
        point.measures.iter().filter_map(move |measured| {
            let apart = measured.ignorance?;
            let column = &findings.study.columns[measured.column];
            let mut row = Vec::new();
            row.extend(sweep.then(|| point.point.to_string()));
            row.extend([text(&column.path), column.unit.to_owned()]);
            row.extend(uncertainty::spread(&apart));
            Some(row)
        })
    });
    Some(table(&head.collect::<Vec<_>>(), rows))
}

/// `differences.csv`: the other points against the baseline, one row per point and measure.
pub fn differences(findings: &Findings) -> Option<Vec<u8>> {
    findings.sweep()?.baseline?;
    let rows = findings.against.iter().flat_map(|against| {
        against.measures.iter().map(|(column, difference)| {
            let mut row = vec![against.point.to_string()];
            row.extend(compare::cells(&findings.study.columns[*column], difference));
            row
        })
    });
    Some(table(&[&["point"], &compare::DIFFERENCE[..]].concat(), rows))
}

/// The first line of `replications.csv`.
pub fn replications_head(study: &Study) -> Vec<u8> {
    let world = (study.worlds() > 1).then(|| "world".to_owned());
    let paths = study.columns.iter().map(|column| text(&column.path));
    let names: Vec<String> =
        std::iter::once("replication".to_owned()).chain(world).chain(paths).collect();
    table(&names.iter().map(String::as_str).collect::<Vec<_>>(), std::iter::empty::<StringRecord>())
}

/// One line of `replications.csv`: numbers only, which need no quotes.
pub fn replication(study: &Study, replication: u64, world: usize, values: &[f64]) -> Vec<u8> {
    let mut line = replication.to_string();
    if study.worlds() > 1 {
        let _ = write!(line, ",{world}");
    }
    for value in values {
        line.push(',');
        push_number(&mut line, *value);
    }
    line.push('\n');
    line.into_bytes()
}
