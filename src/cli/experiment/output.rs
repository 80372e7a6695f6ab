//! What an experiment found becomes files and a screen.

use super::super::{Format, print, say};
use crate::exit::Exit;
use crate::experiment::estimates::Fold;
use crate::experiment::judge::Verdict;
use crate::experiment::plan::{Cell, Plan};
use crate::experiment::run::Row;
use crate::experiment::study::Study;
use crate::report::experiment::{Findings, Reached, screen, summary, tables};
use crate::report::files::{self, Failure, Made, Stream};
use crate::report::ledger::Ledger;
use crate::scenario::resolved;
use rayon::prelude::*;
use std::path::PathBuf;

/// Rows of `replications.csv` that are written without being asked for.
const ROWS_MAX: u64 = 100_000;
/// What decides how results are shown and written.
pub(super) struct Output<'a> {
    pub(super) command: &'static str,
    pub(super) folder: PathBuf,
    pub(super) set: &'a [String],
    pub(super) format: Format,
    pub(super) quiet: bool,
    pub(super) all_rows: bool,
}

/// Folds the rows of every design point, and writes and shows what they say.
pub(super) fn finish(
    study: &Study,
    plan: &Plan,
    mut ledger: Ledger,
    replications: u64,
    precision: Option<Reached>,
    output: &Output,
) -> Result<Exit, Exit> {
    let worlds = study.worlds();
    let mut points = Vec::new();
    for point in 0..study.points() / worlds {
        let mut fold = Fold::new(study, point);
        for world in 0..worlds {
            for stretch in plan.stretches(point * worlds + world, replications) {
                let push = |_: u64, rows: &[Row]| {
                    fold.push(world, rows);
                    Ok(())
                };
                ledger.each(stretch, push).map_err(super::world)?;
            }
        }
        points.push(fold.estimates());
    }
    let command = output.command;
    let findings = Findings { study, command, replications, points, precision };
    write(&findings, plan, &mut ledger, output)?;
    match output.format {
        Format::Json => print(&String::from_utf8_lossy(&summary::json(&findings)))?,
        Format::Text if !output.quiet => {
            print(&screen::screen(&findings))?;
            print(&format!("\nFiles: {}\n", output.folder.display()))?;
        }
        Format::Text => {}
    }
    Ok(match findings.verdict() {
        Verdict::Pass => Exit::Success,
        Verdict::Fail => {
            say("an objective failed");
            Exit::Failed
        }
        Verdict::Inconclusive => {
            say("an objective is inconclusive: more replications may tell");
            Exit::Inconclusive
        }
    })
}

/// Writes every file of an experiment.
fn write(
    findings: &Findings,
    plan: &Plan,
    ledger: &mut Ledger,
    output: &Output,
) -> Result<(), Exit> {
    let study = findings.study;
    let source = study.base.sources.0.first().map_or("", |source| source.text.as_str());
    let table = if findings.sweep().is_some() { "sweep.csv" } else { "estimates.csv" };
    let mut all = vec![
        ("scenario.toml".to_owned(), source.as_bytes().to_vec()),
        ("resolved.toml".to_owned(), resolved::resolved(study.base).into_bytes()),
        ("summary.json".to_owned(), summary::json(findings)),
        (table.to_owned(), tables::estimates(findings)),
    ];
    let more = [
        ("points.csv", tables::points(findings)),
        ("worlds.csv", tables::worlds(findings)),
        ("uncertainty.csv", tables::uncertainty(findings)),
    ];
    all.extend(more.into_iter().filter_map(|(name, bytes)| Some((name.to_owned(), bytes?))));
    let mut streams: Vec<(String, Stream)> = Vec::new();
    let count = findings.replications * study.points() as u64;
    if findings.sweep().is_none() && (count <= ROWS_MAX || output.all_rows) {
        let rows: Stream = Box::new(|to| rows(findings, plan, ledger, to));
        streams.push(("replications.csv".to_owned(), rows));
    }
    let made = Made {
        schema: crate::report::SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: output.command,
        scenario: study.base.name.clone(),
        scenario_sha256: files::sha256(source.as_bytes()),
        set: output.set.to_vec(),
        seed: study.base.seed,
        sweeps: "decisive",
    };
    files::write_with(&output.folder, &all, streams, &made).map_err(super::world)
}

/// `replications.csv`, straight from the ledger.
fn rows(
    findings: &Findings,
    plan: &Plan,
    ledger: &mut Ledger,
    to: &mut dyn std::io::Write,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure {
        doing: "write",
        path: PathBuf::from("replications.csv"),
        said: error.to_string(),
    };
    let study = findings.study;
    to.write_all(&tables::replications_head(study)).map_err(failed)?;
    for point in 0..study.points() {
        for stretch in plan.stretches(point, findings.replications) {
            ledger.each(stretch, |first, rows| {
                let line = |(place, row): (usize, &Row)| {
                    let Cell { replication, point } = plan.cell(first + place as u64).0;
                    tables::replication(study, replication, point, &row.values)
                };
                let lines: Vec<Vec<u8>> = rows.par_iter().enumerate().map(line).collect();
                lines.iter().try_for_each(|line| to.write_all(line)).map_err(failed)
            })?;
        }
    }
    Ok(())
}
