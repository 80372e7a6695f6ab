//! What an experiment found becomes files and a screen.

use super::super::{Format, print, say};
use crate::exit::Exit;
use crate::experiment::estimates::{Fold, PointEstimates};
use crate::experiment::judge::Verdict;
use crate::experiment::plan::{Cell, Plan};
use crate::experiment::run::Row;
use crate::experiment::study::Study;
use crate::report::chart::Multiples;
use crate::report::experiment::charts::{self, Shown};
use crate::report::experiment::{Findings, Reached, screen, shown_columns, summary, tables};
use crate::report::files::{self, Failure, Made, Stream};
use crate::report::ledger::Ledger;
use crate::scenario::resolved;
use crate::stats::{EXACT_MAX, Moments};
use rayon::prelude::*;
use std::collections::BTreeMap;
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
    pub(super) charts: bool,
    pub(super) seed_given: bool,
    /// What the command line asked for, by the names of its options.
    pub(super) options: BTreeMap<&'static str, serde_json::Value>,
}

/// How the mean of a measure settles, for a chart.
struct Running {
    column: usize,
    count: u64,
    next: u64,
    moments: Moments,
    points: Vec<(u64, Option<f64>, Option<f64>)>,
}

impl Running {
    /// The first number of replications that is looked at.
    const FIRST: u64 = 10;

    fn new(column: usize) -> Running {
        let (moments, points) = (Moments::default(), Vec::new());
        Running { column, count: 0, next: Running::FIRST, moments, points }
    }

    fn push(&mut self, row: &Row) {
        self.count += 1;
        let value = row.values.get(self.column).copied().filter(|value| value.is_finite());
        value.into_iter().for_each(|value| self.moments.push(value));
        if self.count == self.next {
            self.look();
            self.next += self.next / 4;
        }
    }

    fn look(&mut self) {
        self.points.push((self.count, self.moments.mean(), self.moments.half_width()));
    }

    /// The points, with the last replication among them.
    fn points(mut self) -> Vec<(u64, Option<f64>, Option<f64>)> {
        if self.points.last().is_none_or(|(count, ..)| *count < self.count) {
            self.look();
        }
        self.points
    }
}

/// What the rows of a design point come to.
struct Folded<'a> {
    fold: Fold<'a>,
    running: Vec<Running>,
}

impl<'a> Folded<'a> {
    fn new(study: &'a Study, point: usize, columns: &[usize]) -> Folded<'a> {
        let running = columns.iter().copied().map(Running::new).collect();
        Folded { fold: Fold::new(study, point), running }
    }

    fn push(&mut self, world: usize, rows: &[Row]) {
        self.fold.push(world, rows);
        self.running.iter_mut().for_each(|one| rows.iter().for_each(|row| one.push(row)));
    }

    /// The estimates, and what charts show besides.
    fn said(mut self) -> Said {
        let (estimates, point) = (self.fold.estimates(), self.fold.point());
        let shown = |one: Running| {
            let (column, values) = (one.column, self.fold.sorted(one.column));
            Shown { point, column, values, running: one.points() }
        };
        Said { shown: self.running.into_iter().map(shown).collect(), estimates }
    }
}

/// What the rows of a design point say.
#[derive(Clone)]
struct Said {
    estimates: PointEstimates,
    shown: Vec<Shown>,
}

/// The columns whose values charts show.
fn columns(study: &Study, sweep: bool, charts: bool) -> Vec<usize> {
    let fits = !sweep || study.points() / study.worlds() <= Multiples::PANELS_MAX;
    if charts && fits { shown_columns(study) } else { Vec::new() }
}

/// Values that may be kept of all design points together while cells are still played.
const VALUES_MAX: usize = 4_000_000;

/// The rows of all design points, folded while they come. Where there are too many of them to keep
/// something of each, and with several worlds, whose rows do not come in the order in which they are
/// folded, the ledger is read once more instead.
pub(super) struct Early<'a> {
    /// Of each point the rows so far, with how many there are; nothing when all are.
    folded: Vec<(Option<Folded<'a>>, u64)>,
    /// What they say, when all are there.
    said: Vec<Option<Said>>,
    each: u64,
}

impl<'a> Early<'a> {
    /// For so many replications at each point, if there is room.
    pub(super) fn new(study: &'a Study, each: u64, sweep: bool, charts: bool) -> Option<Early<'a>> {
        let kept = usize::try_from(each).unwrap_or(usize::MAX).min(EXACT_MAX);
        let values = study.points().saturating_mul(study.columns.len()).saturating_mul(kept);
        if study.worlds() > 1 || values > VALUES_MAX {
            return None;
        }
        let columns = columns(study, sweep, charts);
        let folded = |point| (Some(Folded::new(study, point, &columns)), 0);
        let folded = (0..study.points()).map(folded).collect();
        Some(Early { folded, said: vec![None; study.points()], each })
    }

    /// Takes the row of the next cell. What the rows of a point say is worked out when all are there,
    /// beside the cells of the points after it; of the last by all threads.
    pub(super) fn push(&mut self, point: usize, row: &Row) {
        let last = point + 1 == self.folded.len();
        let (folded, count) = &mut self.folded[point];
        *count += 1;
        if let Some(folded) = folded {
            folded.push(0, std::slice::from_ref(row));
        }
        if *count == self.each && !last {
            self.said[point] = folded.take().map(Folded::said);
        }
    }

    /// What the rows of each point say, in order.
    fn said(self) -> impl Iterator<Item = Said> {
        let pairs = self.said.into_iter().zip(self.folded);
        pairs.filter_map(|(said, (folded, _))| said.or_else(|| folded.map(Folded::said)))
    }
}

/// What is known of an experiment when all its cells are done.
pub(super) struct Done<'a> {
    pub(super) ledger: Ledger,
    pub(super) early: Option<Early<'a>>,
    pub(super) replications: u64,
    pub(super) precision: Option<Reached>,
}

/// Folds the rows of every design point, and writes and shows what they say.
pub(super) fn finish(
    study: &Study,
    plan: &Plan,
    done: Done,
    output: &Output,
) -> Result<Exit, Exit> {
    let Done { mut ledger, early, replications, precision } = done;
    let worlds = study.worlds();
    let (mut points, mut shown) = (Vec::new(), Vec::new());
    let sweep = output.command == "sweep";
    let columns = columns(study, sweep, output.charts);
    let mut early = early.map(Early::said);
    for point in 0..study.points() / worlds {
        let said = match early.as_mut().and_then(Iterator::next) {
            Some(said) => said,
            None => {
                let mut folded = Folded::new(study, point, &columns);
                for world in 0..worlds {
                    for stretch in plan.stretches(point * worlds + world, replications) {
                        let push = |_: u64, rows: &[Row]| {
                            folded.push(world, rows);
                            Ok(())
                        };
                        ledger.each(stretch, push).map_err(super::world)?;
                    }
                }
                folded.said()
            }
        };
        points.push(said.estimates);
        shown.extend(said.shown);
    }
    if sweep || worlds > 1 {
        // Over several worlds, replications are no sequence of equals.
        shown.iter_mut().for_each(|shown| shown.running.clear());
    }
    let command = output.command;
    let findings = Findings { study, command, replications, points, precision, shown };
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
    if output.charts {
        let pictures = charts::all(findings).map_err(|error| {
            say(&format!("error: cannot draw a chart: {error}; try --no-charts"));
            Exit::World
        })?;
        for (name, picture) in pictures {
            all.push((format!("{name}.svg"), picture.svg.into_bytes()));
            all.push((format!("{name}.png"), picture.png));
        }
    }
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
        seed_given: output.seed_given,
        options: output.options.clone(),
        sweeps: "decisive",
    };
    files::write_with(&output.folder, &all, streams, &made).map_err(super::world)
}

/// `replications.csv`, straight from the ledger.
fn rows(
    findings: &Findings,
    plan: &Plan,
    ledger: &mut Ledger,
    to: &mut (dyn std::io::Write + Send),
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure {
        doing: "write",
        path: PathBuf::from("replications.csv"),
        said: error.to_string(),
    };
    let study = findings.study;
    to.write_all(&tables::replications_head(study)).map_err(failed)?;
    let mut ready: Vec<Vec<u8>> = Vec::new();
    for point in 0..study.points() {
        for stretch in plan.stretches(point, findings.replications) {
            ledger.each(stretch, |first, rows| {
                let line = |(place, row): (usize, &Row)| {
                    let Cell { replication, point } = plan.cell(first + place as u64).0;
                    tables::replication(study, replication, point, &row.values)
                };
                // Lines are written while those after them are made.
                let make = || rows.par_iter().enumerate().map(line).collect();
                let write = || ready.iter().try_for_each(|line| to.write_all(line));
                let (made, written) = rayon::join(make, write);
                ready = made;
                written.map_err(failed)
            })?;
        }
    }
    ready.iter().try_for_each(|line| to.write_all(line)).map_err(failed)
}
