//! The command line: the only file that prints. Data goes to stdout, talk to stderr.

mod cells;
mod experiment;
mod studies;

use crate::diag::{self, Diagnostic, Severity, Sources};
use crate::engine::{AUDIT_ENTRIES, Budget};
use crate::exit::Exit;
use crate::experiment::Model;
use crate::experiment::check::check_points;
use crate::limits;
use crate::report::files::{self, Made};
use crate::report::parts::left_alone;
use crate::report::risks::{Risk, Risks};
use crate::report::{Run, audit, charts, rules, summary, tables};
use crate::scenario::read::{Overrides, Template, read};
use crate::scenario::{Scenario, resolved};
use crate::systems;
use crate::systems::contract::SweepMode;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

/// What happens to data systems, minute by minute, when the key they depend on goes away.
#[derive(Parser)]
#[command(name = "cmeksim", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  cmeksim run scenarios/one-key-disabled.toml
  cmeksim replicate scenarios/a-year-of-random-outages.toml -n 10000
  cmeksim check scenarios/*.toml
  cmeksim rules BT-29

Exit codes: 0 success; 2 wrong input; 3 disk or permissions; 4 a limit was reached;
5 an objective or expectation failed; 6 an objective is inconclusive; 101 a bug of cmeksim;
130 interrupted.";

#[derive(Subcommand)]
enum Command {
    /// Play one replication of a scenario and write its timeline, charts and summary.
    #[command(after_help = "Examples:
  cmeksim run scenarios/one-key-disabled.toml
  cmeksim run scenarios/one-key-disabled.toml --set model.bigtable.cascade-pace=fast --seed 7
  cmeksim run my.toml --out /tmp/result --format json --no-charts")]
    Run(RunArgs),
    /// Play many replications and estimate every measure, each with its interval.
    #[command(after_help = "Examples:
  cmeksim replicate scenarios/a-year-of-random-outages.toml
  cmeksim replicate my.toml -n 10000 --jobs 4
  cmeksim replicate my.toml --precision 5% --measure bigtable.orders.downtime")]
    Replicate(experiment::ReplicateArgs),
    /// Play the design points of a scenario, each with many replications.
    #[command(after_help = "Examples:
  cmeksim sweep my.toml
  cmeksim sweep my.toml --factor model.bigtable.cascade-pace=fast,typical,slow -n 200
  cmeksim sweep my.toml --shard 2/4 --out /tmp/shard-2")]
    Sweep(experiment::SweepArgs),
    /// Put the shards of a sweep together: the same bytes as from one machine.
    #[command(after_help = "Examples:
  cmeksim merge /tmp/shard-1 /tmp/shard-2 --out /tmp/whole")]
    Merge(experiment::MergeArgs),
    /// Play two scenarios with the same luck and tell their differences, with intervals.
    #[command(after_help = "Examples:
  cmeksim compare one-key.toml key-per-cluster.toml
  cmeksim compare a.toml b.toml -n 10000 --format json")]
    Compare(studies::CompareArgs),
    /// Find which of the assumed constants a measure hangs on.
    #[command(after_help = "Examples:
  cmeksim sensitivity my.toml --measure bigtable.orders.downtime
  cmeksim sensitivity my.toml --measure bigtable.orders.downtime --method morris
  cmeksim sensitivity my.toml --measure bigtable.orders.downtime --method sobol \\
      --over model.bigtable.cascade-pace,model.bigtable.bringup")]
    Sensitivity(studies::SensitivityArgs),
    /// Estimate availability in the long run, after a warm-up, by batch means.
    #[command(after_help = "Examples:
  cmeksim steady my.toml --warm-up 30d
  cmeksim steady my.toml --set scenario.horizon=36500d --batches 50 -n 4")]
    Steady(studies::SteadyArgs),
    /// Check scenario files: form, references, documented set-up rules. Nothing is simulated.
    #[command(after_help = "Examples:
  cmeksim check scenarios/*.toml
  cmeksim check my.toml --format json")]
    Check(CheckArgs),
    /// Show the documented rules the model is made of, with sources and constants.
    #[command(after_help = "Examples:
  cmeksim rules
  cmeksim rules BT-29
  cmeksim rules --format json")]
    Rules(RulesArgs),
}

#[derive(Args)]
struct Common {
    /// Replace or add one value: a path as in the file, and a TOML value (repeatable).
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Seed of every random stream, instead of the scenario's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// How to print what goes to stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Args)]
struct RunArgs {
    /// The scenario file.
    file: PathBuf,
    #[command(flatten)]
    common: Common,
    /// Folder for the results [default: output/<scenario name>/run].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Say nothing but errors.
    #[arg(long)]
    quiet: bool,
    /// Draw no charts.
    #[arg(long)]
    no_charts: bool,
    /// Schedule only the sweeps that change something, or all of them: the results are the same.
    #[arg(long, value_enum, default_value_t = Sweeps::Decisive)]
    sweeps: Sweeps,
    /// Write synthetic Cloud Audit Logs entries of the keys, one JSON object per line.
    #[arg(long)]
    audit_log: bool,
}

#[derive(Args)]
struct CheckArgs {
    /// The scenario files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct RulesArgs {
    /// The id of one rule, for example BT-29.
    id: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sweeps {
    Decisive,
    All,
}

/// Runs the program.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let wrong = error.use_stderr();
            let _ = error.print();
            return if wrong { Exit::Input } else { Exit::Success };
        }
    };
    let done = match &cli.command {
        Command::Run(args) => run(args),
        Command::Replicate(args) => experiment::replicate(args),
        Command::Sweep(args) => experiment::sweep(args),
        Command::Merge(args) => experiment::merge(args),
        Command::Compare(args) => studies::compare(args),
        Command::Sensitivity(args) => studies::sensitivity(args),
        Command::Steady(args) => studies::steady(args),
        Command::Check(args) => check(args),
        Command::Rules(args) => list_rules(args),
    };
    done.unwrap_or_else(|exit| exit)
}

/// Prints to stdout; a reader that has gone away is no error of ours.
fn print(text: &str) -> Result<(), Exit> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Exit::Success),
        Err(error) => {
            say(&format!("error: cannot print: {error}"));
            Err(Exit::World)
        }
    }
}

/// Talks to the user on stderr.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn color() -> bool {
    std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Reads at most one byte more than a scenario may have.
fn load(path: &Path) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let most = limits::SCENARIO_BYTES_MAX as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// A scenario, or its mistakes; a file that cannot be read is an error of the world.
fn scenario(
    path: &Path,
    common: &Common,
) -> Result<Result<Scenario, (Vec<Diagnostic>, Sources)>, Exit> {
    let bytes = load(path).map_err(|error| {
        say(&format!("error: cannot read {}: {error}", path.display()));
        Exit::World
    })?;
    let overrides = Overrides { sets: common.set.clone(), seed: common.seed };
    let folder = path.parent().unwrap_or(Path::new("."));
    let files = |name: &str| load(&folder.join(name));
    Ok(read(&path.display().to_string(), &bytes, &overrides, &files))
}

/// Tells diagnostics: as text on stderr, or as JSON on stdout.
fn tell(found: &[Diagnostic], sources: &Sources, format: Format) -> Result<(), Exit> {
    match format {
        Format::Text => {
            if !found.is_empty() {
                say(diag::render(found, sources, color()).trim_end());
            }
            Ok(())
        }
        Format::Json => print(&to_json(&diag::to_json(found, sources))),
    }
}

fn to_json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("outputs are plain data");
    text.push('\n');
    text
}

fn run(args: &RunArgs) -> Result<Exit, Exit> {
    let format = args.common.format;
    let scenario = match scenario(&args.file, &args.common)? {
        Ok(scenario) => scenario,
        Err((found, sources)) => {
            tell(&found, &sources, format)?;
            return Ok(refused(&found));
        }
    };
    if !args.quiet && !scenario.warnings.is_empty() {
        say(diag::render(&scenario.warnings, &scenario.sources, color()).trim_end());
    }
    if let Some(parts) = left_alone(&scenario, "run").filter(|_| !args.quiet) {
        say(&format!("note: {parts}"));
    }
    let model = Model::new(&scenario);
    let sweeps = match args.sweeps {
        // Every request is an entry of its own, so every sweep is an event.
        _ if args.audit_log && model.logs_data_access() => SweepMode::All,
        Sweeps::Decisive => SweepMode::Decisive,
        Sweeps::All => SweepMode::All,
    };
    let played = model.run_in_detail(scenario.seed, sweeps, Budget::default(), args.audit_log);
    let trace = played.map_err(|halt| {
        let less = if halt.what == AUDIT_ENTRIES {
            "; switch `data-access-logs` off for some keys, or leave --audit-log out: the measure `audit-entries` counts them all the same"
        } else {
            ""
        };
        say(&format!("error: {halt}; make the scenario smaller or its horizon shorter{less}"));
        Exit::Limit
    })?;
    let outcome = model.outcome(trace);
    let run = Run::new(&scenario, &model, &outcome, sweeps);
    let folder =
        args.out.clone().unwrap_or_else(|| Path::new("output").join(&scenario.name).join("run"));
    write(&run, args, &folder)?;
    match format {
        Format::Json => print(&String::from_utf8_lossy(&summary::json(&run)))?,
        Format::Text if !args.quiet => {
            print(&summary::screen(&run))?;
            print(&format!("\nFiles: {}\n", folder.display()))?;
        }
        Format::Text => {}
    }
    Ok(judged(&run))
}

/// The budgets that a scenario can already be seen to exceed: entities, horizon, design points.
const BUDGETS: [&str; 3] = ["limit-entities", "limit-duration", "limit-points"];

/// The exit code of a refused scenario: a limit if there is nothing else wrong with it.
fn refused(found: &[Diagnostic]) -> Exit {
    let mut errors = found.iter().filter(|told| told.severity == Severity::Error);
    if errors.all(|told| BUDGETS.contains(&told.code)) { Exit::Limit } else { Exit::Input }
}

/// Writes every file of a run.
fn write(run: &Run, args: &RunArgs, folder: &Path) -> Result<(), Exit> {
    let source = &run.scenario.sources.0[0].text;
    let risks = Risks::of(run.model);
    let mut all = vec![
        ("scenario.toml".to_owned(), source.clone().into_bytes()),
        ("resolved.toml".to_owned(), resolved::resolved(run.scenario).into_bytes()),
        ("summary.json".to_owned(), summary::json(run)),
        ("events.csv".to_owned(), tables::events(run)),
        ("timeline.csv".to_owned(), tables::timeline(run)),
        ("availability.csv".to_owned(), tables::availability(run)),
        ("attribution.csv".to_owned(), tables::attribution(run)),
        ("writes.csv".to_owned(), tables::writes(run)),
        ("operations.csv".to_owned(), tables::operations(run)),
        ("flows.csv".to_owned(), tables::flows(run)),
        ("blast-radius.csv".to_owned(), risks.blast_radius()),
        ("cut-sets.csv".to_owned(), risks.cut_sets()),
    ];
    if args.audit_log {
        all.push(("audit-log.jsonl".to_owned(), audit::lines(run)));
    }
    if !args.no_charts {
        let pictures = charts::all(run).map_err(|error| {
            say(&format!("error: cannot draw a chart: {error}; try --no-charts"));
            Exit::World
        })?;
        for (name, picture) in pictures {
            all.push((format!("{name}.svg"), picture.svg.into_bytes()));
            all.push((format!("{name}.png"), picture.png));
        }
    }
    let made = Made {
        schema: crate::report::SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: "run",
        scenario: run.scenario.name.clone(),
        scenario_sha256: files::sha256(source.as_bytes()),
        set: args.common.set.clone(),
        seed: run.scenario.seed,
        seed_given: args.common.seed.is_some(),
        options: BTreeMap::from([
            ("audit-log", args.audit_log.into()),
            ("no-charts", args.no_charts.into()),
        ]),
        sweeps: if run.sweeps == SweepMode::All { "all" } else { "decisive" },
    };
    files::write_all(folder, all, &made).map_err(|failure| {
        say(&format!("error: {failure}"));
        Exit::World
    })
}

/// The exit code that objectives and expectations ask for.
fn judged(run: &Run) -> Exit {
    let bounds = run.scenario.objectives.iter().chain(&run.scenario.expect);
    let failed = bounds.filter(|bound| !run.outcome.judge(bound).1).count();
    if failed == 0 {
        return Exit::Success;
    }
    say(&format!("{failed} of the objectives and expectations failed"));
    Exit::Failed
}

/// What `check --format json` says of one file.
#[derive(serde::Serialize)]
struct Checked {
    file: String,
    ok: bool,
    risks: Vec<Risk>,
    points: Option<Points>,
    #[serde(flatten)]
    told: diag::DiagnosticsJson,
}

/// Points of an experiment that were read.
#[derive(Clone, Copy, serde::Serialize)]
struct Points {
    read: usize,
    of: usize,
}

impl Points {
    fn words(self) -> String {
        let Points { read, of } = self;
        match (read == of, of) {
            (true, 1) => ", and so is its one point".to_owned(),
            (true, _) => format!(", and so are its {of} points"),
            (false, _) => {
                format!(", and so are {read} of its {of} points, with as many levels as fit")
            }
        }
    }
}

/// What is wrong with a scenario or a point of its experiments, and its model if nothing is.
type Sound = (Vec<Diagnostic>, Sources, Option<Model>, Option<Points>);

/// Reads a scenario, and the points of its experiments.
fn sound(file: &Path, common: &Common, pool: &rayon::ThreadPool) -> Result<Sound, Exit> {
    let bytes = load(file).map_err(|error| {
        say(&format!("error: cannot read {}: {error}", file.display()));
        Exit::World
    })?;
    let named = experiment::Named::new(file.parent().unwrap_or(Path::new(".")));
    let files = |name: &str| named.get(name);
    let overrides = Overrides { sets: common.set.clone(), seed: common.seed };
    let template = Template::new(&file.display().to_string(), &bytes, &overrides);
    let base = match template.and_then(|template| Ok((template.scenario(&[], &files)?, template))) {
        Ok(base) => base,
        Err((found, sources)) => return Ok((found, sources, None, None)),
    };
    let (scenario, template) = base;
    let checked = check_points(&template, &files, &scenario, pool);
    let points = (checked.of > 0).then_some(Points { read: checked.read, of: checked.of });
    let wrong = checked.found.iter().any(|told| told.severity == Severity::Error);
    let model = (!wrong).then(|| Model::new(&scenario));
    Ok((checked.found, scenario.sources, model, points))
}

fn check(args: &CheckArgs) -> Result<Exit, Exit> {
    let mut worst = Exit::Success;
    let mut told = Vec::new();
    let pool = experiment::pool(None)?;
    for file in &args.files {
        let (found, sources, model, points) = match sound(file, &args.common, &pool) {
            Ok(checked) => checked,
            // Told already; the other files are checked all the same.
            Err(exit) => {
                worst = worst.max(exit);
                continue;
            }
        };
        if model.is_none() {
            worst = worst.max(Exit::Input);
        }
        let risks = model.as_ref().map(Risks::of);
        match args.common.format {
            Format::Json => told.push(Checked {
                file: diag::plain(&file.display().to_string()),
                ok: model.is_some(),
                risks: risks.map(|risks| risks.list()).unwrap_or_default(),
                points,
                told: diag::to_json(&found, &sources),
            }),
            Format::Text => {
                tell(&found, &sources, Format::Text)?;
                if let Some(risks) = risks {
                    let points = points.map_or(String::new(), |points| points.words());
                    print(&format!("{}: ok{points}\n{}", file.display(), risks.screen()))?;
                }
            }
        }
    }
    if args.common.format == Format::Json {
        print(&to_json(&told))?;
    }
    Ok(worst)
}

fn list_rules(args: &RulesArgs) -> Result<Exit, Exit> {
    let all =
        systems::ALL.iter().flat_map(|system| system.rules.iter().map(move |rule| (*system, rule)));
    let wanted: Vec<_> = match &args.id {
        None => all.collect(),
        Some(id) => all.filter(|(_, rule)| rule.id.eq_ignore_ascii_case(id)).collect(),
    };
    if let (true, Some(id)) = (wanted.is_empty(), &args.id) {
        let near = diag::nearest(&id.to_uppercase(), systems::rules().map(|rule| rule.id));
        let help = near.map_or("`cmeksim rules` lists them all".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
        say(&format!("error: the model has no rule `{id}`; {help}"));
        return Ok(Exit::Input);
    }
    match args.format {
        Format::Json => {
            let plain: Vec<_> =
                wanted.iter().map(|(system, rule)| rules::plain(system, rule)).collect();
            print(&to_json(&plain))?;
        }
        Format::Text => {
            let texts: Vec<String> =
                wanted.iter().map(|(system, rule)| rules::text(system, rule)).collect();
            print(&texts.join("\n"))?;
        }
    }
    Ok(Exit::Success)
}
