//! `sensitivity`: which of the constants in doubt matters for a measure?

use super::super::cells::{Course, wrong};
use super::super::experiment::{limit, pool};
use super::super::say;
use super::{Asked, File, Options, REPLICATIONS_MAX, finish, folder, refuse, source, warn};
use crate::diag;
use crate::exit::Exit;
use crate::experiment::ledger::Identity;
use crate::experiment::outcome::measures_of;
use crate::experiment::plan::{Cell, Plan};
use crate::experiment::ranges::{self, Doubt};
use crate::experiment::rows::Row;
use crate::experiment::sensitivity::{Answer, Design, Failed, Question};
use crate::experiment::study::DRAWN;
use crate::limits::CELLS_MAX;
use crate::report::sensitivity as studies;
use crate::report::words::counted;
use crate::scenario::{Scenario, resolved};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Walks of a screening, or rows of a design of shares, at most.
const SIZE_MAX: u64 = 1 << 16;

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

impl Method {
    fn word(self) -> &'static str {
        match self {
            Method::Tornado => "tornado",
            Method::Morris => "morris",
            Method::Sobol => "sobol",
        }
    }
}

#[derive(Args)]
pub(in crate::cli) struct SensitivityArgs {
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

impl SensitivityArgs {
    /// Walks of morris, or rows of sobol.
    fn size(&self) -> usize {
        let usual = if self.method == Method::Sobol { 256 } else { 20 };
        self.size.unwrap_or(usual) as usize
    }

    fn replications(&self) -> u64 {
        self.replications.unwrap_or(if self.method == Method::Sobol { 20 } else { 200 })
    }

    /// What the command line asked for.
    fn asked(&self) -> Asked {
        let mut asked = Asked::from([
            ("measure", self.measure.as_str().into()),
            ("method", self.method.word().into()),
            ("over", self.over.as_str().into()),
            ("replications", self.replications().into()),
        ]);
        if self.method != Method::Tornado {
            asked.insert("size", self.size().into());
        }
        asked
    }

    fn design(&self, doubts: &[Doubt], seed: u64) -> Result<Design, Exit> {
        Ok(match self.method {
            Method::Tornado => Design::tornado(doubts),
            Method::Morris => Design::morris(self.size(), doubts, seed),
            Method::Sobol => Design::sobol(self.size(), doubts, seed).ok_or_else(room)?,
        })
    }
}

fn room() -> Exit {
    wrong("sobol takes at most 128 constants: name fewer with --over")
}

pub(in crate::cli) fn sensitivity(args: &SensitivityArgs) -> Result<Exit, Exit> {
    let options = &args.options;
    let file = File::read(&args.file, &options.common, options.common.seed)?;
    let base = file.base(options)?;
    warn(&base.warnings, &base.sources, options);
    let unit = unit(&base, &args.measure)?;
    let (doubts, fixed) = over(&base, &args.over)?;
    let pool = pool(options.jobs)?;
    let files = |name: &str| file.named.get(name);
    let design = args.design(&doubts, base.seed)?;
    let (points, replications) = (design.points(), args.replications());
    let question =
        Question::new((&file.template, &files), base.seed, &args.measure, &doubts, &design);
    let plan = Plan::fixed(points, replications).ok_or_else(|| {
        say(&format!(
            "error: {} with {} make more than {CELLS_MAX} cells; give fewer replications, or a smaller \
             --size",
            counted(points, "point"),
            counted(replications, "replication")
        ));
        Exit::Limit
    })?;
    let asked = args.asked();
    let (command, columns) = (super::told("sensitivity", &asked), vec![args.measure.clone()]);
    let texts = file.named.texts();
    let identity = Identity {
        bits: vec![DRAWN.to_owned()],
        ..Identity::of_study(&base, command, &file.overrides, texts, &plan, columns)
    };
    let into = folder(options, "sensitivity", &base);
    let mut answer = Answer::new(&question);
    let mut take = |number: u64, row: Row<'_>| answer.push(plan.cell(number).0, row);
    let course = Course::study(&plan, &into, options.quiet);
    let mut ledger = course.open_study(&identity, options.fresh, &mut take)?;
    let failed = |cell: Cell, failed: Failed| match failed {
        Failed::Point(found, sources) => refuse((found, sources), options.common.format),
        Failed::Limit(halt) => limit(cell, "", halt),
        Failed::Room => room(),
    };
    course.play(&question, &mut ledger, &pool, &mut take, failed)?;
    let study = studies::Study {
        scenario: &base,
        method: args.method.word(),
        measure: &args.measure,
        unit,
        replications,
        points,
        doubts: &doubts,
        fixed: &fixed,
        found: &answer.found(),
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
    let screen = studies::screen(&study);
    finish(options, "sensitivity", &base, all, asked, (&summary, &screen))
}
