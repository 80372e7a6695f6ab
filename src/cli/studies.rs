//! `compare`, `sensitivity` and `steady`: differences of two scenarios, what a measure hangs on, and
//! the long run.

mod compare;
mod sensitivity;
mod steady;

pub(super) use compare::{CompareArgs, compare};
pub(super) use sensitivity::{SensitivityArgs, sensitivity};
pub(super) use steady::{SteadyArgs, steady};

use super::cells::unwritten;
use super::experiment::{JOBS_MAX, Named};
use super::{Common, Format, color, load, print, refused, say, tell};
use crate::diag::{self, Diagnostic, Sources};
use crate::exit::Exit;
use crate::experiment::plan::Plan;
use crate::limits::CELLS_MAX;
use crate::report::files::{self, Files, Made};
use crate::report::words::counted;
use crate::scenario::Scenario;
use crate::scenario::read::{Overrides, Template};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Replications of a study at most: what one is for is done long before.
const REPLICATIONS_MAX: u64 = 10_000_000;

/// What all of them take.
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
    /// Throw away what an earlier study left in the folder.
    #[arg(long)]
    fresh: bool,
    /// Say nothing but errors.
    #[arg(long)]
    quiet: bool,
}

/// A scenario file as it is read again and again.
struct File {
    template: Template,
    named: Named,
    overrides: Overrides,
}

impl File {
    fn read(file: &Path, common: &Common, seed: Option<u64>) -> Result<File, Exit> {
        let bytes = load(file).map_err(|error| {
            say(&format!("error: cannot read {}: {error}", file.display()));
            Exit::World
        })?;
        let named = Named::new(file.parent().unwrap_or(Path::new(".")));
        let overrides = Overrides { sets: common.set.clone(), seed };
        let template = Template::new(&file.display().to_string(), &bytes, &overrides);
        let template = template.map_err(|wrong| refuse(wrong, common.format))?;
        Ok(File { template, named, overrides })
    }

    /// The scenario without any point's values.
    fn base(&self, options: &Options) -> Result<Scenario, Exit> {
        let scenario = self.template.scenario(&[], &|name| self.named.get(name));
        scenario.map_err(|wrong| refuse(wrong, options.common.format))
    }
}

fn refuse((found, sources): (Vec<Diagnostic>, Sources), format: Format) -> Exit {
    tell(&found, &sources, format).err().unwrap_or(refused(&found))
}

/// Tells warnings.
fn warn(warnings: &[Diagnostic], sources: &Sources, options: &Options) {
    if !options.quiet && !warnings.is_empty() {
        say(diag::render(warnings, sources, color()).trim_end());
    }
}

/// So many replications in so many worlds.
fn plan(worlds: usize, replications: u64) -> Result<Plan, Exit> {
    Plan::fixed(worlds, replications).ok_or_else(|| {
        say(&format!(
            "error: {} with {} make more than {CELLS_MAX} cells; give fewer draws or replications",
            counted(worlds, "world"),
            counted(replications, "replication")
        ));
        Exit::Limit
    })
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
    all: Files,
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
    files::write_all(&folder, all, &made).map_err(unwritten)?;
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

/// A study in words, to tell it from another. The number of its replications is told apart.
fn told(command: &str, asked: &Asked) -> String {
    let words = asked.iter().filter(|(name, _)| **name != "replications").map(|(name, value)| {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" --{name} {plain}")
    });
    format!("{command}{}", words.collect::<String>())
}
