//! `compare`, `sensitivity` and `steady`: differences of two scenarios, what a measure hangs on, and
//! the long run.

mod kept;

use super::experiment::{JOBS_MAX, Named, pool, progress, world, wrong};
use super::{Common, Format, color, load, print, refused, say, tell};
use crate::diag::{self, Diagnostic, Sources};
use crate::engine::Halt;
use crate::engine::SimDuration;
use crate::exit::Exit;
use crate::experiment::Model;
use crate::experiment::compare::compare as play;
use crate::experiment::ledger::Identity;
use crate::experiment::outcome::measures_of;
use crate::experiment::ranges::{self, Doubt};
use crate::experiment::sensitivity::{Course, Failed, Found, Question};
use crate::experiment::steady::{Long, steady as play_long};
use crate::report::files::{self, Made};
use crate::report::{compare as differences, sensitivity as studies, steady as long_run};
use crate::scenario::read::{Overrides, Template, time};
use crate::scenario::{Scenario, resolved};
use clap::{Args, ValueEnum};
use kept::Kept;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Replications of a study at most: what one is for is done long before.
const REPLICATIONS_MAX: u64 = 10_000_000;
/// Walks of a screening, or rows of a design of shares, at most.
const SIZE_MAX: u64 = 1 << 16;

/// What both commands take.
#[derive(Args)]
struct Options {
    #[command(flatten)]
    common: Common,
    /// Folder for the results [default: output/<scenario name>/<command>].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Threads [default: one per core]. The results are the same for any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=JOBS_MAX))]
    jobs: Option<u64>,
    /// Say nothing but errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Args)]
pub(super) struct CompareArgs {
    /// The first scenario: what the other one is compared with.
    a: PathBuf,
    /// The second scenario.
    b: PathBuf,
    #[command(flatten)]
    options: Options,
    /// Replications of each.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(1..=REPLICATIONS_MAX))]
    replications: u64,
}

/// How a study looks for what matters.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Every constant alone, at the ends of its range.
    Tornado,
    /// Morris screening: mean and spread of elementary effects.
    Morris,
    /// Shares of variance: first-order and total indices.
    Sobol,
}

#[derive(Args)]
pub(super) struct SensitivityArgs {
    /// The scenario file.
    file: PathBuf,
    #[command(flatten)]
    options: Options,
    /// The measure in question: a path as in summary.json.
    #[arg(long, value_name = "PATH")]
    measure: String,
    /// How to look.
    #[arg(long, value_enum, default_value_t = Method::Tornado)]
    method: Method,
    /// What is varied: `assumed` (every constant that is assumed or vague), or paths of constants
    /// with commas between them.
    #[arg(long, value_name = "PATHS", default_value = "assumed")]
    over: String,
    /// Replications at each point [default: 200; of sobol 20].
    #[arg(short = 'n', long, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=REPLICATIONS_MAX))]
    replications: Option<u64>,
    /// Walks of morris [default: 20], or rows of sobol [default: 256].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=SIZE_MAX))]
    size: Option<u64>,
    /// Throw away what an earlier study left in the folder.
    #[arg(long)]
    fresh: bool,
}

#[derive(Args)]
pub(super) struct SteadyArgs {
    /// The scenario file, with a long horizon.
    file: PathBuf,
    #[command(flatten)]
    options: Options,
    /// Time at the start of every run that is left out.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    warm_up: String,
    /// Batches that the rest of each run is cut into.
    #[arg(long, value_name = "N", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(2..=100_000))]
    batches: u64,
    /// Runs.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=10_000))]
    replications: u64,
}

fn read(file: &Path, common: &Common) -> Result<(Template, Named), Exit> {
    let bytes = load(file).map_err(|error| {
        say(&format!("error: cannot read {}: {error}", file.display()));
        Exit::World
    })?;
    let named = Named::new(file.parent().unwrap_or(Path::new(".")));
    let overrides = Overrides { sets: common.set.clone(), seed: common.seed };
    let template = Template::new(&file.display().to_string(), &bytes, &overrides);
    Ok((template.map_err(|wrong| refuse(wrong, common.format))?, named))
}

fn refuse((found, sources): (Vec<Diagnostic>, Sources), format: Format) -> Exit {
    tell(&found, &sources, format).err().unwrap_or(refused(&found))
}

fn limit(halt: Halt) -> Exit {
    say(&format!("error: {halt}; make the scenario smaller or its horizon shorter"));
    Exit::Limit
}

/// The scenario of a template, with its warnings told.
fn scenario(template: &Template, named: &Named, options: &Options) -> Result<Scenario, Exit> {
    let files = |name: &str| named.get(name);
    let scenario = template.scenario(&[], &files);
    let scenario = scenario.map_err(|wrong| refuse(wrong, options.common.format))?;
    if !options.quiet && !scenario.warnings.is_empty() {
        say(diag::render(&scenario.warnings, &scenario.sources, color()).trim_end());
    }
    Ok(scenario)
}

fn source(scenario: &Scenario) -> &str {
    scenario.sources.0.first().map_or("", |source| source.text.as_str())
}

/// What the command line asked for, by the names of its options.
type Asked = BTreeMap<&'static str, serde_json::Value>;

fn folder(options: &Options, command: &str, first: &Scenario) -> PathBuf {
    let usual = || Path::new("output").join(&first.name).join(command);
    options.out.clone().unwrap_or_else(usual)
}

/// Writes files with their manifest, and shows what they say.
fn finish(
    options: &Options,
    command: &'static str,
    first: &Scenario,
    all: &[(String, Vec<u8>)],
    asked: Asked,
    (summary, screen): (&[u8], &str),
) -> Result<Exit, Exit> {
    let made = Made {
        schema: crate::report::SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command,
        scenario: first.name.clone(),
        scenario_sha256: files::sha256(source(first).as_bytes()),
        set: options.common.set.clone(),
        seed: first.seed,
        seed_given: options.common.seed.is_some(),
        options: asked,
        sweeps: "decisive",
    };
    let folder = folder(options, command, first);
    files::write_all(&folder, all, &made).map_err(world)?;
    match options.common.format {
        Format::Json => print(&String::from_utf8_lossy(summary))?,
        Format::Text if !options.quiet => {
            print(screen)?;
            print(&format!("\nFiles: {}\n", folder.display()))?;
        }
        Format::Text => {}
    }
    Ok(Exit::Success)
}

pub(super) fn compare(args: &CompareArgs) -> Result<Exit, Exit> {
    let options = &args.options;
    let (template, named) = read(&args.a, &options.common)?;
    let a = scenario(&template, &named, options)?;
    let (template, named) = read(&args.b, &options.common)?;
    let b = scenario(&template, &named, options)?;
    let pool = pool(options.jobs)?;
    let bar = progress(args.replications, 0, options.quiet);
    let found = play(&a, &b, a.seed, args.replications, &pool, || bar.inc(1));
    bar.finish_and_clear();
    let comparison = found.map_err(limit)?;
    if comparison.both.is_empty() {
        return Err(wrong("the scenarios have no measure in common: name their entities alike"));
    }
    let pair = differences::Pair {
        a: &a,
        b: &b,
        seed: a.seed,
        replications: args.replications,
        comparison: &comparison,
    };
    let summary = differences::json(&pair);
    let all = vec![
        ("a.toml".to_owned(), source(&a).as_bytes().to_vec()),
        ("b.toml".to_owned(), source(&b).as_bytes().to_vec()),
        ("resolved-a.toml".to_owned(), resolved::resolved(&a).into_bytes()),
        ("resolved-b.toml".to_owned(), resolved::resolved(&b).into_bytes()),
        ("differences.csv".to_owned(), differences::differences(&pair)),
        ("summary.json".to_owned(), summary.clone()),
    ];
    let asked = Asked::from([("replications", args.replications.into())]);
    finish(options, "compare", &a, &all, asked, (&summary, &differences::screen(&pair)))
}

/// The unit of a measure of the scenario.
fn unit(scenario: &Scenario, measure: &str) -> Result<&'static str, Exit> {
    let split = measure.rsplit_once('.');
    let paths = || {
        scenario.entities.iter().flat_map(|(path, kind)| {
            measures_of(kind).map(move |spec| (format!("{path}.{}", spec.name), spec.unit))
        })
    };
    // A measure may have a dot in its name, so that paths are compared whole.
    let found = split.and_then(|_| paths().find(|(path, _)| path == measure));
    found.map(|(_, unit)| unit).ok_or_else(|| {
        let all: Vec<String> = paths().map(|(path, _)| path).take(1_000).collect();
        let help = match diag::nearest(measure, all.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a path as in summary.json, such as `bigtable.NAME.downtime`".to_owned(),
        };
        wrong(&format!("the scenario has no measure `{measure}`; {help}"))
    })
}

/// What is varied, and what is in doubt and cannot be.
fn over(scenario: &Scenario, text: &str) -> Result<(Vec<Doubt>, Vec<String>), Exit> {
    let (doubts, fixed) = if text.trim() == "assumed" {
        ranges::doubts(scenario)
    } else {
        let paths: Vec<&str> = text.split(',').map(str::trim).collect();
        if paths.iter().enumerate().any(|(place, path)| paths[..place].contains(path)) {
            return Err(wrong("--over names a constant twice"));
        }
        (ranges::named(scenario, &paths).map_err(|error| wrong(&error))?, Vec::new())
    };
    if doubts.is_empty() {
        return Err(wrong("there is nothing to vary"));
    }
    Ok((doubts, fixed))
}

pub(super) fn sensitivity(args: &SensitivityArgs) -> Result<Exit, Exit> {
    let options = &args.options;
    let (template, named) = read(&args.file, &options.common)?;
    let base = scenario(&template, &named, options)?;
    let unit = unit(&base, &args.measure)?;
    let (doubts, fixed) = over(&base, &args.over)?;
    let pool = pool(options.jobs)?;
    let files = |name: &str| named.get(name);
    let usual = if args.method == Method::Sobol { 20 } else { 200 };
    let replications = args.replications.unwrap_or(usual);
    let question = Question {
        template: &template,
        files: &files,
        seed: base.seed,
        measure: &args.measure,
        replications,
        doubts: &doubts,
    };
    // Points of a walk of morris, or of a row of sobol, besides one for each constant.
    let columns = if args.method == Method::Sobol { 2 } else { 1 };
    let (method, points) = match args.method {
        Method::Tornado => ("tornado", question.tornado_points()),
        Method::Morris => ("morris", args.size() * (doubts.len() + columns)),
        Method::Sobol => ("sobol", args.size() * (doubts.len() + columns)),
    };
    let mut asked = Asked::from([
        ("measure", args.measure.as_str().into()),
        ("method", method.into()),
        ("over", args.over.as_str().into()),
        ("replications", replications.into()),
    ]);
    if args.method != Method::Tornado {
        asked.insert("size", (points / (doubts.len() + columns)).into());
    }
    let identity = Identity {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: told(&asked),
        scenario: source(&base).to_owned(),
        set: options.common.set.clone(),
        seed: base.seed,
        seed_given: options.common.seed.is_some(),
        files: named.texts(),
        blocks: Some(vec![replications]),
        shard: None,
        points,
        columns: vec![args.measure.clone()],
        constants: Vec::new(),
    };
    let into = folder(options, "sensitivity", &base);
    let mut kept = Kept::open(&into, &identity, replications, args.fresh, options.quiet)?;
    let found = study(args, &question, points, &pool, &mut kept, &into)?;
    let study = studies::Study {
        scenario: &base,
        method,
        measure: &args.measure,
        unit,
        replications,
        points,
        doubts: &doubts,
        fixed: &fixed,
        found: &found,
    };
    let summary = studies::json(&study);
    let picture = studies::tornado(&study).map_err(|error| {
        say(&format!("error: cannot draw a chart: {error}"));
        Exit::World
    })?;
    let mut all = vec![
        ("scenario.toml".to_owned(), source(&base).as_bytes().to_vec()),
        ("resolved.toml".to_owned(), resolved::resolved(&base).into_bytes()),
        ("parameters.csv".to_owned(), studies::parameters(&study)),
        ("sensitivity.csv".to_owned(), studies::results(&study)),
        ("summary.json".to_owned(), summary.clone()),
    ];
    if let Some(picture) = picture {
        all.push(("tornado.svg".to_owned(), picture.svg.into_bytes()));
        all.push(("tornado.png".to_owned(), picture.png));
    }
    finish(options, "sensitivity", &base, &all, asked, (&summary, &studies::screen(&study)))
}

impl SensitivityArgs {
    /// Walks of morris, or rows of sobol.
    fn size(&self) -> usize {
        let usual = if self.method == Method::Sobol { 256 } else { 20 };
        self.size.unwrap_or(usual) as usize
    }
}

/// A study in words, to tell it from another.
fn told(asked: &Asked) -> String {
    let words = asked.iter().filter(|(name, _)| **name != "replications").map(|(name, value)| {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" --{name} {plain}")
    });
    format!("sensitivity{}", words.collect::<String>())
}

/// Plays a study, from where an interruption left it.
fn study(
    args: &SensitivityArgs,
    question: &Question,
    points: usize,
    pool: &rayon::ThreadPool,
    kept: &mut Kept,
    folder: &Path,
) -> Result<Found, Exit> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    // Without a handler Ctrl-C ends the program at once, which the ledger survives as well.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let known = std::mem::take(&mut kept.known);
    let bar = progress(points as u64, known.len() as u64, args.options.quiet);
    let mut keep = |values: &_| {
        bar.inc(1);
        kept.keep(values).map_err(|()| Failed::NotKept)
    };
    let course = Course { pool, known, keep: &mut keep, interrupted: &interrupted };
    let found = match args.method {
        Method::Tornado => question.tornado(course),
        Method::Morris => question.morris(args.size(), course),
        Method::Sobol => question.sobol(args.size(), course),
    };
    bar.finish_and_clear();
    let done = kept.sync()?;
    found.map_err(|failed| match failed {
        Failed::Point(found, sources) => refuse((found, sources), args.options.common.format),
        Failed::Limit(halt) => limit(halt),
        Failed::Room => wrong("sobol takes at most 128 constants: name fewer with --over"),
        Failed::NotKept => match kept.failure.take() {
            Some(failure) => world(failure),
            None => Exit::World,
        },
        Failed::Interrupted => {
            say(&format!(
                "interrupted: {done} of {points} points are kept in {}; the same command goes on \
                 from there",
                folder.display()
            ));
            Exit::Interrupted
        }
    })
}

pub(super) fn steady(args: &SteadyArgs) -> Result<Exit, Exit> {
    let options = &args.options;
    let warm_up = time(&args.warm_up).ok_or_else(|| {
        wrong(&format!("--warm-up takes a length of time, such as \"30d\", not `{}`", args.warm_up))
    })?;
    let (template, named) = read(&args.file, &options.common)?;
    let base = scenario(&template, &named, options)?;
    let kept = base.horizon.ns().saturating_sub(warm_up.ns());
    if SimDuration::from_ns(kept / args.batches).is_none_or(|batch| batch.is_zero()) {
        return Err(wrong(&format!(
            "nothing of the horizon of {} is left after the warm-up; give a shorter --warm-up",
            base.horizon
        )));
    }
    let long =
        Long { warm_up, batches: args.batches, replications: args.replications, seed: base.seed };
    let pool = pool(options.jobs)?;
    let bar = progress(args.replications, 0, options.quiet);
    let found = play_long(&Model::new(&base), &long, &pool, || bar.inc(1));
    bar.finish_and_clear();
    let found = found.map_err(limit)?;
    let steady = long_run::Steady { scenario: &base, long, found: &found };
    let summary = long_run::json(&steady);
    let all = vec![
        ("scenario.toml".to_owned(), source(&base).as_bytes().to_vec()),
        ("resolved.toml".to_owned(), resolved::resolved(&base).into_bytes()),
        ("steady.csv".to_owned(), long_run::results(&steady)),
        ("summary.json".to_owned(), summary.clone()),
    ];
    let asked = Asked::from([
        ("warm-up", args.warm_up.as_str().into()),
        ("batches", args.batches.into()),
        ("replications", args.replications.into()),
    ]);
    finish(options, "steady", &base, &all, asked, (&summary, &long_run::screen(&steady)))
}
