//! `merge`: the ledgers of all shards become that of the whole sweep.

use super::super::{Format, refused, tell};
use super::output::{Done, Output, finish};
use super::{Work, pool, world, wrong};
use crate::diag;
use crate::exit::Exit;
use crate::experiment::ledger::Identity;
use crate::experiment::plan::Plan;
use crate::experiment::rows::Rows;
use crate::experiment::study::Study;
use crate::report::ledger::{Ledger, identity_in};
use crate::report::words::counted;
use crate::scenario::Scenario;
use crate::scenario::read::{Overrides, Template};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(in crate::cli) struct MergeArgs {
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
    /// Play everything once more, and tell which root causes and phases make up the downtime
    /// (attribution.csv).
    #[arg(long)]
    attribution: bool,
}

pub(in crate::cli) fn merge(args: &MergeArgs) -> Result<Exit, Exit> {
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
    let pool = pool(None)?;
    let study = Study::new(&template, &files, &base, true, &pool).map_err(refuse)?;
    let each = identity.blocks.as_deref().and_then(|blocks| blocks.last()).copied().unwrap_or(0);
    let plan = Plan::fixed(study.points(), each)
        .ok_or_else(|| wrong("the shards have more cells than this version plays"))?;
    let files = identity.files.clone();
    let merged = Identity::new(&study, &plan, "sweep", &overrides, files, None);
    let out = args.out.clone();
    let folder = out.unwrap_or_else(|| Path::new("output").join(&base.name).join("sweep"));
    let numbers = 0..plan.cells();
    let mut work =
        Work { study: &study, plan: &plan, numbers, watch: None, early: None, enough: None };
    let mut ledger = work.course(&folder, args.quiet).open(&merged, args.fresh, &mut work)?;
    let of = folders.len() as u64;
    for (shard, from) in (1..).zip(&folders) {
        let slice = plan.slice(shard, of);
        let (mut part, _) = Ledger::read_only(from, |_| slice.start).map_err(world)?;
        if part.cells().end < slice.end {
            return Err(wrong(&format!(
                "shard {shard} of {of} in {} is not done: it has {} of its {}; run it again",
                from.display(),
                part.cells().end - slice.start,
                counted(slice.end - slice.start, "cell")
            )));
        }
        let from = ledger.cells().end.clamp(slice.start, slice.end);
        let copy = |_: u64, rows: Rows<'_>| ledger.append(rows);
        part.each(from..slice.end, copy).map_err(world)?;
    }
    ledger.sync().map_err(world)?;
    let mut asked =
        BTreeMap::from([("no-charts", args.no_charts.into()), ("replications", each.into())]);
    if args.attribution {
        asked.insert("attribution", true.into());
    }
    let output = Output {
        command: "sweep",
        folder,
        set: &identity.set,
        format: args.format,
        quiet: args.quiet,
        all_rows: false,
        charts: !args.no_charts,
        seed_given: identity.seed_given,
        attribution: args.attribution,
        options: asked,
    };
    let done = Done { ledger, early: None, replications: each, precision: None };
    pool.install(|| finish(&study, &plan, done, &output))
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
            let other =
                (*count != of).then(|| format!("{} there, {of} here", counted(*count, "shard")));
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
