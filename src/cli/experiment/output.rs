//! What an experiment found becomes files and a screen.

use super::super::cells::{hear_interruptions, interrupted, progress};
use super::super::{Format, print, say};
use crate::exit::Exit;
use crate::experiment::attribution::{Share, Stop, shares};
use crate::experiment::differences::{Against, Contrast};
use crate::experiment::estimates::{Fold, PointEstimates};
use crate::experiment::judge::Verdict;
use crate::experiment::plan::{Cell, Plan};
use crate::experiment::rows::Rows;
use crate::experiment::study::Study;
use crate::report::chart::Multiples;
use crate::report::experiment::charts::{self, Running, Shown};
use crate::report::experiment::{
    Findings, Reached, attribution, candidates, screen, shown_columns, summary, tables,
};
use crate::report::files::{self, Failure, Files, Made, Stream};
use crate::report::ledger::Ledger;
use crate::scenario::resolved;
use crate::stats::EXACT_MAX;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Is the downtime to be taken apart?
    pub(super) attribution: bool,
    pub(super) seed_given: bool,
    /// What the command line asked for, by the names of its options.
    pub(super) options: BTreeMap<&'static str, serde_json::Value>,
}

/// How the mean of a measure settles, for a chart.
struct Settling {
    column: usize,
    points: Vec<Running>,
}

/// What the rows of a design point come to.
struct Folded<'a> {
    fold: Fold<'a>,
    /// Rows so far, and with how many the means are looked at next, if they are.
    count: u64,
    next: u64,
    settling: Vec<Settling>,
    /// Columns whose values charts may show.
    shown: Arc<[usize]>,
    /// The estimates, if they are worked out.
    said: Option<PointEstimates>,
}

impl<'a> Folded<'a> {
    /// The first number of replications that is looked at.
    const FIRST: u64 = 10;

    /// Means of what may be shown of a sequence are looked at on the way. That costs nothing for a
    /// row: the fold has them, and there are as many looks as a number of replications has digits,
    /// times ten.
    fn new(study: &'a Study, point: usize, looks: &Looks) -> Folded<'a> {
        let columns = if looks.settling { &looks.shown[..] } else { &[] };
        let settling =
            columns.iter().map(|column| Settling { column: *column, points: Vec::new() });
        let (fold, settling): (_, Vec<Settling>) = (Fold::new(study, point), settling.collect());
        let next = if settling.is_empty() { u64::MAX } else { Folded::FIRST };
        let shown = looks.shown.clone();
        Folded { fold, count: 0, next, settling, shown, said: None }
    }

    fn push(&mut self, world: usize, mut rows: Rows<'_>) {
        while !rows.is_empty() {
            let room = usize::try_from(self.next - self.count).unwrap_or(usize::MAX);
            let (now, later) = rows.split_at(rows.len().min(room));
            self.fold.push(world, now);
            self.count += now.len() as u64;
            rows = later;
            if self.count == self.next {
                self.look();
                self.next += self.next / 4;
            }
        }
    }

    fn look(&mut self) {
        for one in &mut self.settling {
            let (mean, ends) = self.fold.mean(one.column);
            one.points.push((self.count, mean, ends));
        }
    }

    /// The estimates, once all rows are there. Values that nothing else shows make room for those
    /// of the next points.
    fn estimates(&mut self) -> PointEstimates {
        let said = self.said.get_or_insert_with(|| {
            let said = self.fold.estimates();
            self.fold.let_go(&self.shown);
            said
        });
        said.clone()
    }

    /// What is shown of a column, with the last replication among the points.
    fn shown(&mut self, point: usize, column: usize) -> Shown {
        let own = self.settling.iter().find(|one| one.column == column);
        let mut running = own.map_or(Vec::new(), |one| one.points.clone());
        if own.is_some() && running.last().is_none_or(|(count, ..)| *count < self.count) {
            let (mean, ends) = self.fold.mean(column);
            running.push((self.count, mean, ends));
        }
        Shown { point, column, values: self.fold.sorted(column), running }
    }
}

/// What is kept of the rows for charts.
struct Looks {
    /// The columns that they may show.
    shown: Arc<[usize]>,
    /// Do they show how the means settle?
    settling: bool,
}

impl Looks {
    /// Over several worlds, replications are no sequence of equals, and a sweep has no room for them.
    fn new(study: &Study, sweep: bool, charts: bool) -> Looks {
        let drawn = charts && (!sweep || few(study));
        let shown = if drawn { candidates(study) } else { Vec::new() };
        Looks { shown: shown.into(), settling: !sweep && study.worlds() == 1 }
    }
}

/// Are there no more design points than fit a chart?
fn few(study: &Study) -> bool {
    study.points() / study.worlds() <= Multiples::PANELS_MAX
}

/// Values that may be kept of all design points together while cells are still played.
const VALUES_MAX: usize = 4_000_000;

/// The rows of all design points, folded while they come. Where there are too many of them to keep
/// something of each, and with several worlds, whose rows do not come in the order in which they are
/// folded, the ledger is read once more instead.
pub(super) struct Early<'a> {
    points: Vec<Folded<'a>>,
    /// Rows of a point when all are there.
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
        let looks = Looks::new(study, sweep, charts);
        let points = (0..study.points()).map(|point| Folded::new(study, point, &looks));
        Some(Early { points: points.collect(), each })
    }

    /// Takes the rows of the next cells of a point. What they say is worked out when all are there,
    /// beside the cells of the points after it.
    pub(super) fn push(&mut self, point: usize, rows: Rows<'_>) {
        let folded = &mut self.points[point];
        folded.push(0, rows);
        if folded.count == self.each {
            folded.estimates();
        }
    }
}

/// What is known of an experiment when all its cells are done.
pub(super) struct Done<'a> {
    pub(super) ledger: Ledger,
    pub(super) early: Option<Early<'a>>,
    pub(super) replications: u64,
    pub(super) precision: Option<Reached>,
}

/// Reads the rows of a design point, and folds them.
fn folded<'a>(
    study: &'a Study,
    plan: &Plan,
    ledger: &mut Ledger,
    (point, replications): (usize, u64),
    looks: &Looks,
) -> Result<Folded<'a>, Exit> {
    let mut folded = Folded::new(study, point, looks);
    let worlds = study.worlds();
    for world in 0..worlds {
        for stretch in plan.stretches(point * worlds + world, replications) {
            let push = |_: u64, rows: Rows<'_>| {
                folded.push(world, rows);
                Ok(())
            };
            ledger.each(stretch, push).map_err(super::world)?;
        }
    }
    Ok(folded)
}

/// The other points of a sweep against its baseline, if it names one: replication by replication.
fn against(
    study: &Study,
    plan: &Plan,
    ledger: &mut Ledger,
    (command, replications): (&str, u64),
) -> Result<Vec<Against>, Exit> {
    let sweep = study.base.sweep.as_ref().filter(|_| command == "sweep");
    let Some(baseline) = sweep.and_then(|sweep| sweep.baseline) else { return Ok(Vec::new()) };
    let worlds = study.worlds();
    let stretches = |point: usize, world: usize| {
        plan.stretches(point * worlds + world, replications).into_iter()
    };
    let of_point = |point: usize| {
        let mut contrast = Contrast::new(study, baseline, point);
        for world in 0..worlds {
            for pair in stretches(baseline, world).zip(stretches(point, world)) {
                let push = |base: Rows<'_>, own: Rows<'_>| contrast.push(world, base, own);
                ledger.each_two(pair, push).map_err(super::world)?;
            }
        }
        Ok(contrast.found())
    };
    (0..study.points() / worlds).filter(|point| *point != baseline).map(of_point).collect()
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
    let sweep = output.command == "sweep";
    let looks = Looks::new(study, sweep, output.charts);
    let few = !sweep || few(study);
    let mut points = Vec::new();
    let mut kept: Vec<Folded> = Vec::new();
    let mut early = early.map(|early| early.points.into_iter());
    for point in 0..study.points() / worlds {
        let mut folded = match early.as_mut().and_then(Iterator::next) {
            Some(folded) => folded,
            None => folded(study, plan, &mut ledger, (point, replications), &looks)?,
        };
        points.push(folded.estimates());
        // Without what was folded early there may be no room for more than one point.
        if few && (early.is_some() || !sweep) {
            kept.push(folded);
        }
    }
    let columns = if output.charts { shown_columns(study, &points) } else { Vec::new() };
    let mut shown = Vec::new();
    if few && !columns.is_empty() {
        for point in 0..points.len() {
            let mut again = None;
            let folded = match kept.get_mut(point) {
                Some(folded) => folded,
                None => {
                    again.insert(folded(study, plan, &mut ledger, (point, replications), &looks)?)
                }
            };
            shown.extend(columns.iter().map(|column| folded.shown(point, *column)));
        }
    }
    drop(kept);
    let against = against(study, plan, &mut ledger, (output.command, replications))?;
    let undrawn = output.charts && columns.is_empty();
    let command = output.command;
    let findings = Findings { study, command, replications, points, against, precision, shown };
    let parts = if output.attribution { taken_apart(&findings, output)? } else { Vec::new() };
    let apart = output.attribution.then_some(parts.as_slice());
    write(&findings, plan, &mut ledger, output, apart)?;
    match output.format {
        Format::Json => print(&String::from_utf8_lossy(&summary::json(&findings)))?,
        Format::Text if !output.quiet => {
            print(&screen::screen(&findings))?;
            print(&attribution::screen(&findings, apart.unwrap_or_default()))?;
            if undrawn {
                print("\nNo charts: there is no objective, and no system was ever down\n")?;
            }
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

/// The downtime at each design point, by root cause and phase.
fn taken_apart(findings: &Findings, output: &Output) -> Result<Vec<Vec<Share>>, Exit> {
    let study = findings.study;
    // Nothing did so yet if all cells were there.
    hear_interruptions();
    let cells = findings.replications * study.points() as u64;
    let bar = progress(cells, 0, output.quiet);
    let of = |point: &PointEstimates| {
        let done = |cells: u64| {
            bar.inc(cells);
            !interrupted()
        };
        shares(study, point.point, findings.replications, done).map_err(|stop| match stop {
            Stop::Failed(cell, halt) => super::limit(cell, &study.words(cell.point), halt),
            Stop::Interrupted => {
                say("interrupted: the cells are kept; the same command goes on from there");
                Exit::Interrupted
            }
        })
    };
    let found = findings.points.iter().map(of).collect();
    bar.finish_and_clear();
    found
}

/// Writes every file of an experiment.
fn write(
    findings: &Findings,
    plan: &Plan,
    ledger: &mut Ledger,
    output: &Output,
    apart: Option<&[Vec<Share>]>,
) -> Result<(), Exit> {
    let study = findings.study;
    let source = study.base.sources.0.first().map_or("", |source| source.text.as_str());
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
    let held = || held(findings, output, apart, source);
    files::write_with(&output.folder, held, streams, &made).map_err(super::unwritten)
}

/// The files of an experiment that are held in memory.
fn held(
    findings: &Findings,
    output: &Output,
    apart: Option<&[Vec<Share>]>,
    source: &str,
) -> Result<Files, Failure> {
    let table = if findings.sweep().is_some() { "sweep.csv" } else { "estimates.csv" };
    let mut all = vec![
        ("scenario.toml".to_owned(), source.as_bytes().to_vec()),
        ("resolved.toml".to_owned(), resolved::resolved(findings.study.base).into_bytes()),
        ("summary.json".to_owned(), summary::json(findings)),
        (table.to_owned(), tables::estimates(findings)),
    ];
    let more = [
        ("points.csv", tables::points(findings)),
        ("differences.csv", tables::differences(findings)),
        ("worlds.csv", tables::worlds(findings)),
        ("uncertainty.csv", tables::uncertainty(findings)),
        ("attribution.csv", apart.map(|apart| attribution::csv(findings, apart))),
    ];
    all.extend(more.into_iter().filter_map(|(name, bytes)| Some((name.to_owned(), bytes?))));
    if output.charts {
        let pictures = charts::all(findings).map_err(|error| Failure {
            doing: "draw",
            path: PathBuf::from("the charts"),
            said: format!("{error}; try --no-charts"),
        })?;
        for (name, picture) in pictures {
            all.push((format!("{name}.svg"), picture.svg.into_bytes()));
            all.push((format!("{name}.png"), picture.png));
        }
    }
    Ok(all)
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
                let line = |place: usize| {
                    let Cell { replication, point } = plan.cell(first + place as u64).0;
                    tables::replication(study, replication, point, rows.at(place).values)
                };
                // Lines are written while those after them are made.
                let make = || (0..rows.len()).into_par_iter().map(line).collect();
                let write = || ready.iter().try_for_each(|line| to.write_all(line));
                let (made, written) = rayon::join(make, write);
                ready = made;
                written.map_err(failed)
            })?;
        }
    }
    ready.iter().try_for_each(|line| to.write_all(line)).map_err(failed)
}
