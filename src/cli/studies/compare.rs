//! `compare`: the differences of two scenarios that meet the same luck.

use super::super::cells::{Course, wrong};
use super::super::experiment::{limit, pool};
use super::{Asked, File, Options, REPLICATIONS_MAX, finish, folder, plan, refuse, source, warn};
use crate::exit::Exit;
use crate::experiment::compare::{Fold, Pair};
use crate::experiment::ledger::{Identity, Text};
use crate::experiment::rows::Row;
use crate::experiment::study::{DRAWN, Study};
use crate::report::compare as differences;
use crate::report::words::counted;
use crate::scenario::{Scenario, resolved};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct CompareArgs {
    /// The first scenario: what the other one is compared with.
    a: PathBuf,
    /// The second scenario.
    b: PathBuf,
    #[command(flatten)]
    options: Options,
    /// Replications of each, in each world.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u64).range(1..=REPLICATIONS_MAX))]
    replications: u64,
}

/// The second scenario, with the seed of the first: what both have by name draws alike.
fn second(args: &CompareArgs, seed: u64) -> Result<(File, Scenario), Exit> {
    let options = &args.options;
    let file = File::read(&args.b, &options.common, options.common.seed)?;
    let scenario = file.base(options)?;
    if scenario.seed == seed {
        return Ok((file, scenario));
    }
    let file = File::read(&args.b, &options.common, Some(seed))?;
    let scenario = file.base(options)?;
    Ok((file, scenario))
}

/// How many worlds both are played in.
fn worlds(a: &Scenario, b: &Scenario) -> Result<usize, Exit> {
    let draws = |one: &Scenario| one.uncertain.as_ref().map(|uncertain| uncertain.draws.len());
    match (draws(a), draws(b)) {
        (Some(of_a), Some(of_b)) if of_a != of_b => Err(wrong(&format!(
            "the first scenario has {} and the second {of_b}, which go in pairs; give both the same \
             number with `draws` under [uncertain], or with --set uncertain.draws={}",
            counted(of_a, "world"),
            of_a.max(of_b)
        ))),
        (of_a, of_b) => Ok(of_a.or(of_b).unwrap_or(1)),
    }
}

pub(in crate::cli) fn compare(args: &CompareArgs) -> Result<Exit, Exit> {
    let options = &args.options;
    let file_a = File::read(&args.a, &options.common, options.common.seed)?;
    let a = file_a.base(options)?;
    let (file_b, b) = second(args, a.seed)?;
    let worlds = worlds(&a, &b)?;
    let plan = plan(worlds, args.replications)?;
    let pool = pool(options.jobs)?;
    let (files_a, files_b) =
        (|name: &str| file_a.named.get(name), |name: &str| file_b.named.get(name));
    let refuse = |wrong| refuse(wrong, options.common.format);
    let study_a = Study::in_worlds(&file_a.template, &files_a, &a, worlds, &pool);
    let study_b = Study::in_worlds(&file_b.template, &files_b, &b, worlds, &pool);
    let (study_a, study_b) = (study_a.map_err(refuse)?, study_b.map_err(refuse)?);
    warn(&study_a.warnings, &a.sources, options);
    warn(&study_b.warnings, &b.sources, options);
    let pair = Pair::new(&study_a, &study_b);
    let columns: Vec<String> = pair.both().map(|column| column.path.clone()).collect();
    if columns.is_empty() {
        return Err(wrong("the scenarios have no measure in common: name their entities alike"));
    }
    let (named, overrides) = (file_a.named.texts(), &file_a.overrides);
    let text = Text { scenario: source(&b).to_owned(), files: file_b.named.texts() };
    let identity = Identity {
        second: Some(text),
        each: 2,
        bits: vec![DRAWN.to_owned()],
        ..Identity::of_study(&a, "compare".to_owned(), overrides, named, &plan, columns)
    };
    let into = folder(options, "compare", &a);
    let mut fold = Fold::new(&pair);
    let mut take = |number: u64, row: Row<'_>| fold.push(plan.cell(number).0.point, row);
    let course = Course::study(&plan, &into, options.quiet);
    let mut ledger = course.open_study(&identity, options.fresh, &mut take)?;
    let failed = |cell, halt| limit(cell, "", halt);
    course.play(&pair, &mut ledger, &pool, &mut take, failed)?;
    let found = differences::Comparison {
        a: &a,
        b: &b,
        worlds,
        replications: args.replications,
        both: &fold.compared(),
        only: pair.apart(),
    };
    let summary = differences::json(&found);
    let mut all = vec![
        ("a.toml".to_owned(), source(&a).as_bytes().to_vec()),
        ("b.toml".to_owned(), source(&b).as_bytes().to_vec()),
        ("resolved-a.toml".to_owned(), resolved::resolved(&a).into_bytes()),
        ("resolved-b.toml".to_owned(), resolved::resolved(&b).into_bytes()),
        ("differences.csv".to_owned(), differences::differences(&found)),
        ("summary.json".to_owned(), summary.clone()),
    ];
    if worlds > 1 {
        all.push(("worlds.csv".to_owned(), differences::worlds(&found)));
        all.push(("uncertainty.csv".to_owned(), differences::uncertainty(&found)));
    }
    let asked = Asked::from([("replications", args.replications.into())]);
    finish(options, "compare", &a, all, asked, (&summary, &differences::screen(&found)))
}
