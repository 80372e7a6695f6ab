//! `replicate`, `sweep` and `merge`: experiments of many cells, with a ledger that survives
//! whatever ends them.

mod merge;
mod output;

pub(in crate::cli) use merge::{MergeArgs, merge};

use super::cells::{Course, Taker, unwritten, world, wrong};
use super::{Common, color, load, refused, say, tell};
use crate::diag;
use crate::engine::Halt;
use crate::exit::Exit;
use crate::experiment::ledger::Identity;
use crate::experiment::plan::{Cell, Plan};
use crate::experiment::precision::{self, Known, Precision, Watch};
use crate::experiment::rows::Rows;
use crate::experiment::run::Flow;
use crate::experiment::study::Study;
use crate::limits::{CELLS_MAX, POINTS_AND_WORLDS_MAX};
use crate::report::experiment::Reached;
use crate::report::ledger::Ledger;
use crate::report::parts::left_alone;
use crate::report::summary::quantity;
use crate::report::words::counted;
use crate::scenario::Scenario;
use crate::scenario::read::{Overrides, Template, factor, precision as read_precision};
use clap::Args;
use output::{Done, Early, Output, finish};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Replications of `replicate`, unless the command line says otherwise.
const REPLICATIONS: u64 = 1_000;
/// Replications at each point of a sweep, unless the file or the command line say otherwise:
/// enough for an interval of the 99 % quantile.
const REPLICATIONS_AT_A_POINT: u64 = 400;
/// Threads that make sense on any machine.
pub(super) const JOBS_MAX: u64 = 1_024;

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
    /// Play everything once more, and tell which root causes and phases make up the downtime
    /// (attribution.csv).
    #[arg(long)]
    attribution: bool,
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
    #[arg(long, value_name = "I/N", conflicts_with_all = ["precision", "attribution"])]
    shard: Option<String>,
}

/// What a scenario names, each read once: the same for every point.
pub(super) struct Named {
    folder: PathBuf,
    known: Mutex<BTreeMap<String, Result<Vec<u8>, String>>>,
}

impl Named {
    /// Nothing read yet; names are below this folder.
    pub(super) fn new(folder: &Path) -> Named {
        Named { folder: folder.to_owned(), known: Mutex::new(BTreeMap::new()) }
    }

    pub(super) fn get(&self, name: &str) -> Result<Vec<u8>, String> {
        let mut known = match self.known.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        known.entry(name.to_owned()).or_insert_with(|| load(&self.folder.join(name))).clone()
    }

    /// The texts of those that could be read.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        let known = match self.known.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let sound = known.iter().filter_map(|(name, read)| Some((name, read.as_ref().ok()?)));
        sound.map(|(name, bytes)| (name.clone(), text(bytes))).collect()
    }
}

pub(super) fn pool(jobs: Option<u64>) -> Result<rayon::ThreadPool, Exit> {
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
    let named = Named::new(file.parent().unwrap_or(Path::new(".")));
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
    if let Some(parts) = left_alone(&base, command).filter(|_| !options.quiet) {
        say(&format!("note: {parts}"));
    }
    check_size(&base, options, varies)?;
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
    let each = options.precision.as_ref().map_or(fixed(&base, options, varies), |_| options.max);
    let early = Early::new(&study, each, varies, !options.no_charts).filter(|_| shard.is_none());
    let mut work = Work { study: &study, plan: &plan, numbers, watch, early, enough: None };
    let ledger = work.play(&folder, &identity, options, &pool)?;
    // Cells whose results are written need not outlast a loss of power; those of a shard are all
    // that there is.
    if let Some((shard, of)) = shard {
        ledger.sync().map_err(world)?;
        if !options.quiet {
            say(&format!(
                "shard {shard} of {of} is done; when all are: cmeksim merge DIR... with {} among \
                 the folders",
                folder.display()
            ));
        }
        return Ok(Exit::Success);
    }
    let reached = work.reached(options);
    let replications = work.replications();
    let mut asked = asked(options, replications, reached.as_ref());
    if options.attribution {
        asked.insert("attribution", true.into());
    }
    if command == "replicate" {
        asked.insert("all-rows", all_rows.into());
    }
    let output = Output {
        command,
        folder,
        set,
        format,
        quiet: options.quiet,
        all_rows,
        charts: !options.no_charts,
        attribution: options.attribution,
        seed_given: options.common.seed.is_some(),
        options: asked,
    };
    let done = Done { ledger, early: work.early, replications, precision: reached };
    pool.install(|| finish(&study, &plan, done, &output))
}

/// What the command line asked for, for the manifest.
fn asked(
    options: &Options,
    replications: u64,
    reached: Option<&Reached>,
) -> BTreeMap<&'static str, serde_json::Value> {
    let mut asked = BTreeMap::from([("no-charts", options.no_charts.into())]);
    match reached {
        None => {
            asked.insert("replications", replications.into());
        }
        Some(reached) => {
            asked.insert("precision", reached.asked.as_str().into());
            asked.insert("measure", reached.measures.clone().into());
            asked.insert("min", options.min.into());
            asked.insert("max", options.max.into());
        }
    }
    asked
}

/// Replications at each point, if there is no precision to reach.
fn fixed(base: &Scenario, options: &Options, varies: bool) -> u64 {
    let file = base.sweep.as_ref().filter(|_| varies).and_then(|sweep| sweep.replications);
    let usual = if varies { REPLICATIONS_AT_A_POINT } else { REPLICATIONS };
    options.replications.or(file).unwrap_or(usual)
}

/// Counts cells before any point is read, for reading a hundred million takes hours by itself.
fn check_size(base: &Scenario, options: &Options, varies: bool) -> Result<(), Exit> {
    let design = base.sweep.as_ref().filter(|_| varies).map_or(1, |sweep| sweep.points.len());
    let worlds = base.uncertain.as_ref().map_or(1, |uncertain| uncertain.draws.len());
    let points = design.saturating_mul(worlds);
    if points > POINTS_AND_WORLDS_MAX {
        say(&format!(
            "error: {} with {} of each are more than {POINTS_AND_WORLDS_MAX}; give fewer levels or \
             draws",
            counted(design, "point"),
            counted(worlds, "world")
        ));
        return Err(Exit::Limit);
    }
    let each = options.precision.as_ref().map_or(fixed(base, options, varies), |_| options.max);
    match Plan::fixed(points, each) {
        Some(_) => Ok(()),
        None => Err(too_many(points, each)),
    }
}

/// A cell met a limit of its budget, at a point in words.
pub(super) fn limit(cell: Cell, point: &str, halt: Halt) -> Exit {
    let at = if point.is_empty() { String::new() } else { format!(" of {point}") };
    say(&format!(
        "error: replication {}{at}: {halt}; make the scenario smaller or its horizon shorter",
        cell.replication
    ));
    Exit::Limit
}

pub(super) fn too_many(points: usize, each: u64) -> Exit {
    say(&format!(
        "error: {} with {} make more than {CELLS_MAX} cells; give fewer levels or replications",
        counted(points, "point"),
        counted(each, "replication")
    ));
    Exit::Limit
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
            let each = fixed(study.base, options, varies);
            (Plan::fixed(points, each), None, each)
        }
    };
    let plan = plan.ok_or_else(|| too_many(points, each))?;
    Ok((plan, watch))
}

/// How far a precision is reached, beside the progress bar.
fn told(Known { reached, of, unknown, widest }: Known, precision: Precision) -> String {
    // Two digits show the way; more of them would only flicker.
    let short = |value: f64| format!("{value:.1e}").parse().unwrap_or(value);
    let of_unit = |value: f64, unit: &str| match unit {
        "USD" => format!("USD {}", short(value)),
        _ => short(value).to_string(),
    };
    let seconds = |value: f64| quantity(Some(value), "s");
    let widths = widest.map(|(wide, unit)| match precision {
        Precision::Relative(wanted) => {
            (format!("{} %", short(100.0 * wide)), format!("{} %", short(100.0 * wanted)))
        }
        Precision::Absolute(wanted) => (of_unit(wide, unit), of_unit(wanted, unit)),
        Precision::Seconds(wanted) => (seconds(wide), seconds(wanted)),
    });
    let mut text = format!("{reached} of {of} intervals narrow enough,");
    if let Some((wide, wanted)) = widths {
        text += &format!(" the widest {wide} ({wanted} asked),");
    }
    if unknown > 0 {
        text += &format!(" {unknown} with nothing seen yet,");
    }
    text
}

/// An experiment on its way.
struct Work<'a> {
    study: &'a Study<'a>,
    plan: &'a Plan,
    numbers: std::ops::Range<u64>,
    watch: Option<Watch<'a>>,
    /// What the rows come to so far.
    early: Option<Early<'a>>,
    /// The number of cells that were enough.
    enough: Option<u64>,
}

impl Taker for Work<'_> {
    /// Takes the rows of the next cells; what comes after enough is left alone.
    fn take(&mut self, first: u64, rows: Rows<'_>) -> Flow {
        if self.enough.is_some() {
            return Flow::Stop;
        }
        let point = self.plan.cell(first).0.point;
        if let Some(early) = &mut self.early {
            early.push(point, rows);
        }
        let Some(watch) = &mut self.watch else { return Flow::Continue };
        watch.push(point, rows);
        let done = first + rows.len() as u64;
        if self.plan.complete(done).is_some() {
            let known = watch.known();
            if known.reached == known.of {
                self.enough = Some(done);
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    fn message(&self) -> Option<String> {
        let watch = self.watch.as_ref()?;
        Some(told(watch.known(), watch.precision()))
    }
}

impl<'a> Work<'a> {
    fn course<'c>(&self, folder: &'c Path, quiet: bool) -> Course<'c>
    where
        'a: 'c,
    {
        Course { plan: self.plan, numbers: self.numbers.clone(), folder, quiet }
    }

    /// Opens the ledger of a folder and plays what it does not hold yet.
    fn play(
        &mut self,
        folder: &Path,
        identity: &Identity,
        options: &Options,
        pool: &rayon::ThreadPool,
    ) -> Result<Ledger, Exit> {
        let (study, course) = (self.study, self.course(folder, options.quiet));
        let mut ledger = course.open(identity, options.fresh, self)?;
        if self.enough.is_none() {
            course.play(study, &mut ledger, pool, self, |cell, halt| {
                limit(cell, &study.words(cell.point), halt)
            })?;
        }
        Ok(ledger)
    }

    /// Replications at every point.
    fn replications(&self) -> u64 {
        let cells = self.enough.unwrap_or(self.numbers.end);
        self.plan.complete(cells).unwrap_or(0)
    }

    /// What became of the wish for a precision.
    fn reached(&self, options: &Options) -> Option<Reached> {
        let (watch, asked) = self.watch.as_ref().zip(options.precision.clone())?;
        let Known { reached, of, .. } = watch.known();
        let paths = watch.columns().iter().map(|column| self.study.columns[*column].path.clone());
        Some(Reached { asked, measures: paths.collect(), reached, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_the_precision_reached() {
        let none = Known { reached: 0, of: 2, unknown: 2, widest: None };
        assert_eq!(
            told(none, Precision::Relative(0.05)),
            "0 of 2 intervals narrow enough, 2 with nothing seen yet,"
        );
        let some = Known { reached: 1, of: 3, unknown: 1, widest: Some((0.0618, "s")) };
        assert_eq!(
            told(some, Precision::Relative(0.05)),
            "1 of 3 intervals narrow enough, the widest 6.2 % (5 % asked), 1 with nothing seen yet,"
        );
        let wide = |value: f64, unit: &'static str| Known {
            reached: 1,
            of: 2,
            unknown: 0,
            widest: Some((value, unit)),
        };
        for (known, precision, words) in [
            (wide(5_400.0, "s"), Precision::Seconds(600.0), "1h 30m (10m asked)"),
            (wide(0.001_234, "fraction"), Precision::Absolute(0.001), "0.0012 (0.001 asked)"),
            (wide(123.4, "USD"), Precision::Absolute(99.0), "USD 120 (USD 99 asked)"),
            (wide(23.4, "count"), Precision::Absolute(10.0), "23 (10 asked)"),
            (wide(2.5, "s"), Precision::Relative(0.5), "250 % (50 % asked)"),
        ] {
            let whole = format!("1 of 2 intervals narrow enough, the widest {words},");
            assert_eq!(told(known, precision), whole);
        }
    }
}
