//! `replicate`, `sweep` and `merge`: experiments of many cells, with a ledger that survives
//! whatever ends them.

use super::{Common, Format, color, load, print, refused, say, tell};
use crate::diag;
use crate::exit::Exit;
use crate::experiment::estimates::Fold;
use crate::experiment::judge::Verdict;
use crate::experiment::ledger::Identity;
use crate::experiment::plan::{Cell, Plan};
use crate::experiment::precision::{self, Watch};
use crate::experiment::run::{End, Flow, Row, play};
use crate::experiment::study::Study;
use crate::limits::CELLS_MAX;
use crate::report::experiment::{Findings, Reached, screen, summary, tables};
use crate::report::files::{self, Failure, Made, Stream};
use crate::report::ledger::{Ledger, Refusal, identity_in};
use crate::scenario::read::{Overrides, Template, factor, precision as read_precision};
use crate::scenario::{Scenario, resolved};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Replications of `replicate`, unless the command line says otherwise.
const REPLICATIONS: u64 = 1_000;
/// Replications at each point of a sweep, unless the file or the command line say otherwise:
/// enough for an interval of the 99 % quantile.
const REPLICATIONS_AT_A_POINT: u64 = 400;
/// Rows of `replications.csv` that are written without being asked for.
const ROWS_MAX: u64 = 100_000;
/// Threads that make sense on any machine.
const JOBS_MAX: u64 = 1_024;

/// What all experiments take.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    common: Common,
    /// Folder for the results [default: output/<scenario name>/<command>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replications [default: 1000; of a sweep, at each point: `replications` of its file, or 400].
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "precision",
          value_parser = clap::value_parser!(u64).range(1..=CELLS_MAX))]
    replications: Option<u64>,
    /// Go on until intervals are this narrow: their half-width as a share of the estimate (`5%`),
    /// or in the unit of the measure (`0.001`, `10m`).
    #[arg(long, value_name = "P")]
    precision: Option<String>,
    /// A measure that --precision is about (repeatable) [default: those of the objectives, or else
    /// the downtime of every system].
    #[arg(long, value_name = "PATH", requires = "precision")]
    measure: Vec<String>,
    /// Replications before --precision is looked at.
    #[arg(long, value_name = "N", requires = "precision", default_value_t = 100,
          value_parser = clap::value_parser!(u64).range(2..=CELLS_MAX))]
    min: u64,
    /// Replications after which --precision gives up.
    #[arg(long, value_name = "N", requires = "precision", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(2..=CELLS_MAX))]
    max: u64,
    /// Threads [default: one per core]. The results are the same for any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=JOBS_MAX))]
    jobs: Option<u64>,
    /// Throw away what an earlier experiment left in the folder.
    #[arg(long)]
    fresh: bool,
    /// Say nothing but errors.
    #[arg(long)]
    quiet: bool,
    /// Draw no charts.
    #[arg(long)]
    no_charts: bool,
}

#[derive(Args)]
pub(super) struct ReplicateArgs {
    /// The scenario file.
    file: PathBuf,
    #[command(flatten)]
    options: Options,
    /// Write replications.csv also with more than 100,000 rows.
    #[arg(long)]
    all_rows: bool,
}

#[derive(Args)]
pub(super) struct SweepArgs {
    /// The scenario file.
    file: PathBuf,
    #[command(flatten)]
    options: Options,
    /// Add a factor: the path of a parameter and its levels (repeatable).
    #[arg(long, value_name = "PATH=V1,V2")]
    factor: Vec<String>,
    /// Play only slice I of N of the cells; `cmeksim merge` puts the slices together.
    #[arg(long, value_name = "I/N", conflicts_with = "precision")]
    shard: Option<String>,
}

#[derive(Args)]
pub(super) struct MergeArgs {
    /// The folders of all shards, in any order.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Folder for the results [default: output/<scenario name>/sweep].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to print what goes to stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Throw away what an earlier experiment left in the folder.
    #[arg(long)]
    fresh: bool,
    /// Say nothing but errors.
    #[arg(long)]
    quiet: bool,
    /// Draw no charts.
    #[arg(long)]
    no_charts: bool,
}

/// What decides how results are shown and written.
struct Output<'a> {
    command: &'static str,
    folder: PathBuf,
    set: &'a [String],
    format: Format,
    quiet: bool,
    all_rows: bool,
}

/// An error of the user's, with what to do instead.
fn wrong(text: &str) -> Exit {
    say(&format!("error: {text}"));
    Exit::Input
}

fn world(failure: Failure) -> Exit {
    say(&format!("error: {failure}"));
    Exit::World
}

/// What a scenario names, each read once: the same for every point.
struct Named {
    folder: PathBuf,
    known: Mutex<BTreeMap<String, Result<Vec<u8>, String>>>,
}

impl Named {
    fn get(&self, name: &str) -> Result<Vec<u8>, String> {
        let mut known = match self.known.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        known.entry(name.to_owned()).or_insert_with(|| load(&self.folder.join(name))).clone()
    }

    /// The texts of those that could be read.
    fn texts(&self) -> BTreeMap<String, String> {
        let known = match self.known.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let sound = known.iter().filter_map(|(name, read)| Some((name, read.as_ref().ok()?)));
        sound.map(|(name, bytes)| (name.clone(), text(bytes))).collect()
    }
}

fn pool(jobs: Option<u64>) -> Result<rayon::ThreadPool, Exit> {
    let threads = jobs.map_or(0, |jobs| jobs as usize);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| {
        say(&format!("error: cannot start {threads} threads: {error}; give fewer with --jobs"));
        Exit::World
    })
}

pub(super) fn replicate(args: &ReplicateArgs) -> Result<Exit, Exit> {
    let set = &args.options.common.set;
    experiment("replicate", &args.file, &args.options, set, None, args.all_rows)
}

pub(super) fn sweep(args: &SweepArgs) -> Result<Exit, Exit> {
    let mut set = args.options.common.set.clone();
    set.extend(args.factor.iter().map(|text| factor(text)));
    let shard = args.shard.as_deref().map(shard).transpose()?;
    experiment("sweep", &args.file, &args.options, &set, shard, false)
}

fn shard(text: &str) -> Result<(u64, u64), Exit> {
    let parts = text.split_once('/');
    let parts = parts.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parts.filter(|(shard, of)| (1..=*of).contains(shard)).ok_or_else(|| {
        wrong(&format!("--shard takes I/N with I from 1 to N, such as 2/4, not `{text}`"))
    })
}

fn experiment(
    command: &'static str,
    file: &Path,
    options: &Options,
    set: &[String],
    shard: Option<(u64, u64)>,
    all_rows: bool,
) -> Result<Exit, Exit> {
    let format = options.common.format;
    let bytes = load(file).map_err(|error| {
        say(&format!("error: cannot read {}: {error}", file.display()));
        Exit::World
    })?;
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    let named = Named { folder, known: Mutex::new(BTreeMap::new()) };
    let overrides = Overrides { sets: set.to_vec(), seed: options.common.seed };
    let refuse = |(found, sources): (Vec<diag::Diagnostic>, diag::Sources)| {
        tell(&found, &sources, format).err().unwrap_or(refused(&found))
    };
    let template =
        Template::new(&file.display().to_string(), &bytes, &overrides).map_err(refuse)?;
    let files = |name: &str| named.get(name);
    let base = template.scenario(&[], &files).map_err(refuse)?;
    let varies = command == "sweep";
    if varies && base.sweep.is_none() {
        return Err(wrong(
            "the scenario has no [sweep]: add one, or name factors with --factor PATH=V1,V2",
        ));
    }
    let pool = pool(options.jobs)?;
    let study = Study::new(&template, &files, &base, varies, &pool).map_err(refuse)?;
    if !options.quiet && !study.warnings.is_empty() {
        say(diag::render(&study.warnings, &base.sources, color()).trim_end());
    }
    let (plan, watch) = plan(&study, options, varies)?;
    let identity = Identity::new(&study, &plan, command, &overrides, named.texts(), shard);
    let name = shard.map_or(command.to_owned(), |(shard, of)| format!("{command}-{shard}-of-{of}"));
    let folder =
        options.out.clone().unwrap_or_else(|| Path::new("output").join(&base.name).join(name));
    let numbers = shard.map_or(0..plan.cells(), |(shard, of)| plan.slice(shard, of));
    let mut work = Work { study: &study, plan: &plan, numbers, watch, enough: None };
    let mut ledger = work.open(&folder, &identity, options.fresh)?;
    work.play(&mut ledger, &pool, options.quiet, &folder)?;
    if let Some((shard, of)) = shard {
        if !options.quiet {
            say(&format!(
                "shard {shard} of {of} is done; when all are: cmeksim merge DIR... with {} among \
                 the folders",
                folder.display()
            ));
        }
        return Ok(Exit::Success);
    }
    let output = Output { command, folder, set, format, quiet: options.quiet, all_rows };
    let reached = work.reached(options);
    let replications = work.replications();
    finish(&study, &plan, ledger, replications, reached, &output)
}

/// How many cells there are, and what stopping is judged by.
fn plan<'a>(
    study: &'a Study<'a>,
    options: &Options,
    varies: bool,
) -> Result<(Plan, Option<Watch<'a>>), Exit> {
    let points = study.points();
    let (plan, watch, each) = match &options.precision {
        Some(text) => {
            let asked = read_precision(text).map_err(|error| wrong(&error))?;
            if study.worlds() > 1 {
                return Err(wrong(
                    "--precision is about chance alone, and this scenario has [uncertain] \
                     parameters; give a number of replications with -n",
                ));
            }
            if options.max < options.min {
                return Err(wrong("--max is below --min"));
            }
            let columns =
                precision::measures(study, &options.measure, asked).map_err(|e| wrong(&e))?;
            let plan = Plan::growing(points, options.min, options.max);
            (plan, Some(Watch::new(study, asked, columns)), options.max)
        }
        None => {
            let file = study.base.sweep.as_ref().filter(|_| varies).and_then(|s| s.replications);
            let usual = if varies { REPLICATIONS_AT_A_POINT } else { REPLICATIONS };
            let each = options.replications.or(file).unwrap_or(usual);
            (Plan::fixed(points, each), None, each)
        }
    };
    let plan = plan.ok_or_else(|| {
        say(&format!(
            "error: {points} points with {each} replications are more than {CELLS_MAX} cells; give \
             fewer levels or replications"
        ));
        Exit::Limit
    })?;
    Ok((plan, watch))
}

/// An experiment on its way.
struct Work<'a> {
    study: &'a Study<'a>,
    plan: &'a Plan,
    numbers: std::ops::Range<u64>,
    watch: Option<Watch<'a>>,
    /// The number of cells that were enough.
    enough: Option<u64>,
}

impl Work<'_> {
    /// Takes the row of the next cell; what comes after enough is left alone.
    fn take(&mut self, number: u64, row: &Row) -> Flow {
        if self.enough.is_some() {
            return Flow::Stop;
        }
        let Some(watch) = &mut self.watch else { return Flow::Continue };
        watch.push(self.plan.cell(number).0.point, row);
        if self.plan.complete(number + 1).is_some() {
            let (reached, of) = watch.reached();
            if reached == of {
                self.enough = Some(number + 1);
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    fn open(&mut self, folder: &Path, identity: &Identity, fresh: bool) -> Result<Ledger, Exit> {
        let first = self.numbers.start;
        let end = self.numbers.end;
        let mut each = |number: u64, row: &Row| {
            if number < end {
                self.take(number, row);
            }
        };
        Ledger::open(folder, identity, first, fresh, &mut each).map_err(|refusal| match refusal {
            Refusal::World(failure) => world(failure),
            Refusal::Other(difference) => wrong(&format!(
                "{} holds the cells of another experiment ({difference}); name another folder \
                 with --out, or throw them away with --fresh",
                folder.display()
            )),
        })
    }

    /// Plays what the ledger does not hold yet.
    fn play(
        &mut self,
        ledger: &mut Ledger,
        pool: &rayon::ThreadPool,
        quiet: bool,
        folder: &Path,
    ) -> Result<(), Exit> {
        let from = ledger.cells().end;
        let numbers = self.numbers.clone();
        if self.enough.is_some() || from >= numbers.end {
            return Ok(());
        }
        let cells = numbers.end - numbers.start;
        let done = from - numbers.start;
        if done > 0 && !quiet {
            say(&format!("{done} cells are done already; going on with the rest"));
        }
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        // Without a handler Ctrl-C ends the program at once, which the ledger survives as well.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        let bar = progress(cells, done, quiet);
        let (study, plan) = (self.study, self.plan);
        let end = play(study, plan, from..numbers.end, pool, &interrupted, |first, rows| {
            let mut flow = Flow::Continue;
            let mut kept = rows.len();
            for (place, row) in rows.iter().enumerate() {
                flow = self.take(first + place as u64, row);
                if flow == Flow::Stop {
                    kept = place + 1;
                    break;
                }
            }
            ledger.append(&rows[..kept])?;
            bar.inc(kept as u64);
            if let Some(watch) = self.watch.as_ref().filter(|_| !bar.is_hidden()) {
                let (reached, of) = watch.reached();
                bar.set_message(format!("{reached} of {of} intervals narrow enough,"));
            }
            Ok(flow)
        });
        bar.finish_and_clear();
        let end = end.map_err(world)?;
        ledger.sync().map_err(world)?;
        match end {
            End::Done => Ok(()),
            End::Interrupted => {
                let done = ledger.cells().end - numbers.start;
                say(&format!(
                    "interrupted: {done} of {cells} cells are kept in {}; the same command goes on \
                     from there",
                    folder.display()
                ));
                Err(Exit::Interrupted)
            }
            End::Limit(Cell { point, replication }, halt) => {
                let words = study.words(point);
                let at = if words.is_empty() { String::new() } else { format!(" of {words}") };
                say(&format!(
                    "error: replication {replication}{at}: {halt}; make the scenario smaller or its \
                     horizon shorter"
                ));
                Err(Exit::Limit)
            }
        }
    }

    /// Replications at every point.
    fn replications(&self) -> u64 {
        let cells = self.enough.unwrap_or(self.numbers.end);
        self.plan.complete(cells).unwrap_or(0)
    }

    /// What became of the wish for a precision.
    fn reached(&self, options: &Options) -> Option<Reached> {
        let (watch, asked) = self.watch.as_ref().zip(options.precision.clone())?;
        let (reached, of) = watch.reached();
        let paths = watch.columns().iter().map(|column| self.study.columns[*column].path.clone());
        Some(Reached { asked, measures: paths.collect(), reached, of })
    }
}

/// Cells done and time left, on a terminal.
fn progress(cells: u64, done: u64, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(cells), target).with_position(done);
    let style = ProgressStyle::with_template(
        "{wide_bar} {human_pos} of {human_len} cells, {per_sec}, {msg} {eta} left",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.reset_eta();
    bar
}

/// Folds the rows of every design point, and writes and shows what they say.
fn finish(
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
                let push = |_: u64, row: &Row| -> Result<(), Failure> {
                    fold.push(world, row);
                    Ok(())
                };
                ledger.each(stretch, push).map_err(self::world)?;
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
    files::write_with(&output.folder, &all, streams, &made).map_err(world)
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
            ledger.each(stretch, |number, row| {
                let cell = plan.cell(number).0;
                let line = tables::replication(study, cell.replication, cell.point, &row.values);
                to.write_all(&line).map_err(failed)
            })?;
        }
    }
    Ok(())
}

pub(super) fn merge(args: &MergeArgs) -> Result<Exit, Exit> {
    let (identity, folders) = shards(&args.folders)?;
    let seed = identity.seed_given.then_some(identity.seed);
    let overrides = Overrides { sets: identity.set.clone(), seed };
    let files = |name: &str| match identity.files.get(name) {
        Some(text) => Ok(text.clone().into_bytes()),
        None => Err("the shards do not hold it".to_owned()),
    };
    let refuse = |(found, sources): (Vec<diag::Diagnostic>, diag::Sources)| {
        tell(&found, &sources, args.format).err().unwrap_or(refused(&found))
    };
    let template = Template::new("scenario.toml", identity.scenario.as_bytes(), &overrides);
    let template = template.map_err(refuse)?;
    let base: Scenario = template.scenario(&[], &files).map_err(refuse)?;
    let study = Study::new(&template, &files, &base, true, &pool(None)?).map_err(refuse)?;
    let each = identity.blocks.as_deref().and_then(|blocks| blocks.last()).copied().unwrap_or(0);
    let plan = Plan::fixed(study.points(), each)
        .ok_or_else(|| wrong("the shards have more cells than this version plays"))?;
    let files = identity.files.clone();
    let merged = Identity::new(&study, &plan, "sweep", &overrides, files, None);
    let out = args.out.clone();
    let folder = out.unwrap_or_else(|| Path::new("output").join(&base.name).join("sweep"));
    let numbers = 0..plan.cells();
    let mut work = Work { study: &study, plan: &plan, numbers, watch: None, enough: None };
    let mut ledger = work.open(&folder, &merged, args.fresh)?;
    let of = folders.len() as u64;
    for (shard, from) in (1..).zip(&folders) {
        let slice = plan.slice(shard, of);
        let (mut part, _) = Ledger::read_only(from, |_| slice.start).map_err(world)?;
        if part.cells().end < slice.end {
            return Err(wrong(&format!(
                "shard {shard} of {of} in {} is not done: {} of its {} cells are; run it again",
                from.display(),
                part.cells().end - slice.start,
                slice.end - slice.start
            )));
        }
        let from = ledger.cells().end.clamp(slice.start, slice.end);
        let copy = |_: u64, row: &Row| ledger.append(std::slice::from_ref(row));
        part.each(from..slice.end, copy).map_err(world)?;
    }
    ledger.sync().map_err(world)?;
    let output = Output {
        command: "sweep",
        folder,
        set: &identity.set,
        format: args.format,
        quiet: args.quiet,
        all_rows: false,
    };
    finish(&study, &plan, ledger, each, None, &output)
}

/// What the shards are shards of, and their folders in order.
fn shards(folders: &[PathBuf]) -> Result<(Identity, Vec<PathBuf>), Exit> {
    let mut found: BTreeMap<u64, &PathBuf> = BTreeMap::new();
    let mut whole: Option<(Identity, &PathBuf, u64)> = None;
    for folder in folders {
        let mut identity = identity_in(folder).map_err(world)?;
        let Some((shard, of)) = identity.shard.take() else {
            return Err(wrong(&format!("{} is no shard, but a whole sweep", folder.display())));
        };
        if let Some((first, at, count)) = &whole {
            let other = (*count != of).then(|| format!("{count} shards there, {of} here"));
            if let Some(difference) = first.difference(&identity).or(other) {
                return Err(wrong(&format!(
                    "{} and {} are not of the same sweep ({difference})",
                    at.display(),
                    folder.display()
                )));
            }
        }
        if let Some(other) = found.insert(shard, folder) {
            return Err(wrong(&format!(
                "{} and {} are the same shard, {shard} of {of}",
                other.display(),
                folder.display()
            )));
        }
        whole.get_or_insert((identity, folder, of));
    }
    let Some((identity, _, of)) = whole else { return Err(wrong("name the folders of shards")) };
    let missing: Vec<String> =
        (1..=of).filter(|s| !found.contains_key(s)).take(10).map(|s| s.to_string()).collect();
    if !missing.is_empty() {
        return Err(wrong(&format!("of {of} shards these are missing: {}", missing.join(", "))));
    }
    Ok((identity, found.into_values().cloned().collect()))
}
