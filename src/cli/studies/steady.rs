//! `steady`: availability in the long run.

use super::super::cells::{Course, wrong};
use super::super::experiment::{limit, pool};
use super::{Asked, File, Options, finish, folder, plan, refuse, source, told, warn};
use crate::engine::SimDuration;
use crate::exit::Exit;
use crate::experiment::ledger::Identity;
use crate::experiment::rows::Row;
use crate::experiment::steady::{Fold, Long, Runs};
use crate::experiment::study::Study;
use crate::report::steady as long_run;
use crate::scenario::read::time;
use crate::scenario::resolved;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct SteadyArgs {
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
    /// Runs, in each world.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=10_000))]
    replications: u64,
}

/// What is asked of runs of such a length.
fn long(args: &SteadyArgs, horizon: SimDuration) -> Result<Long, Exit> {
    let warm_up = time(&args.warm_up).ok_or_else(|| {
        wrong(&format!("--warm-up takes a length of time, such as \"30d\", not `{}`", args.warm_up))
    })?;
    let kept = horizon.ns().saturating_sub(warm_up.ns());
    if SimDuration::from_ns(kept / args.batches).is_none_or(|batch| batch.is_zero()) {
        return Err(wrong(&format!(
            "nothing of the horizon of {horizon} is left after the warm-up; give a shorter \
             --warm-up"
        )));
    }
    Ok(Long { warm_up, batches: args.batches, replications: args.replications })
}

pub(in crate::cli) fn steady(args: &SteadyArgs) -> Result<Exit, Exit> {
    let options = &args.options;
    let file = File::read(&args.file, &options.common, options.common.seed)?;
    let base = file.base(options)?;
    let long = long(args, base.horizon)?;
    let worlds = base.uncertain.as_ref().map_or(1, |uncertain| uncertain.draws.len());
    let plan = plan(worlds, args.replications)?;
    let pool = pool(options.jobs)?;
    let files = |name: &str| file.named.get(name);
    let study = Study::in_worlds(&file.template, &files, &base, worlds, &pool);
    let study = study.map_err(|wrong| refuse(wrong, options.common.format))?;
    warn(&study.warnings, &base.sources, options);
    if study.horizons() != (base.horizon, base.horizon) {
        return Err(wrong(
            "batches of all worlds are of one length: take scenario.horizon out of [uncertain]",
        ));
    }
    let runs = Runs::new(&study, &long);
    let asked = Asked::from([
        ("warm-up", args.warm_up.as_str().into()),
        ("batches", args.batches.into()),
        ("replications", args.replications.into()),
    ]);
    let columns = runs.entities().iter().map(|path| (*path).to_owned()).collect();
    let (texts, command) = (file.named.texts(), told("steady", &asked));
    let identity = Identity {
        each: runs.each(),
        ..Identity::of_study(&base, command, &file.overrides, texts, &plan, columns)
    };
    let into = folder(options, "steady", &base);
    let mut fold = Fold::new(&runs);
    let mut take = |number: u64, row: Row<'_>| fold.push(plan.cell(number).0.point, row);
    let course = Course::study(&plan, &into, options.quiet);
    let mut ledger = course.open_study(&identity, options.fresh, &mut take)?;
    let failed = |cell, halt| limit(cell, "", halt);
    course.play(&runs, &mut ledger, &pool, &mut take, failed)?;
    let steady = long_run::Steady { scenario: &base, long, worlds, found: &fold.found() };
    let summary = long_run::json(&steady);
    let mut all = vec![
        ("scenario.toml".to_owned(), source(&base).as_bytes().to_vec()),
        ("resolved.toml".to_owned(), resolved::resolved(&base).into_bytes()),
        ("steady.csv".to_owned(), long_run::results(&steady)),
        ("summary.json".to_owned(), summary.clone()),
    ];
    if worlds > 1 {
        all.push(("worlds.csv".to_owned(), long_run::worlds(&steady)));
        all.push(("uncertainty.csv".to_owned(), long_run::uncertainty(&steady)));
    }
    finish(options, "steady", &base, all, asked, (&summary, &long_run::screen(&steady)))
}
