//! Experiments on the CMEK year: how two threads do against one, how much of a sweep is spent in
//! the engine, and how many cells are played in a second: `cargo bench --bench experiment`.
//!
//! With a number behind `--` so many replications are played by the command, to look at its memory
//! from outside: `/usr/bin/time -v cargo bench --bench experiment -- 1000000`.

#[path = "support/clock.rs"]
mod clock;

use cmeksim::engine::Budget;
use cmeksim::exit::Exit;
use cmeksim::experiment::Model;
use cmeksim::scenario::read::{Overrides, read};
use cmeksim::systems::contract::SweepMode;
use std::hint::black_box;
use std::path::Path;
use tempfile::TempDir;

const CLUSTERS: [(&str, &str); 3] = [("us-east1", "b"), ("us-west1", "a"), ("europe-west1", "c")];
/// Points of the sweep.
const POINTS: u64 = 10;

/// The CMEK year of `benches/year.rs` as text, and a sweep over the length of its outages.
fn year() -> String {
    let mut text = "schema = 1\n[scenario]\nname = \"cmek-year\"\nstart = 2026-01-01T00:00:00Z\n\
                    horizon = \"365d\"\nseed = 1\n[bigtable.b]\ntables = 10\n"
        .to_owned();
    for (region, zone) in CLUSTERS {
        text += &format!(
            "[keys.{region}]\nlocation = \"{region}\"\n\
             [bigtable.b.clusters.{region}]\nzone = \"{region}-{zone}\"\nkey = \"{region}\"\n"
        );
    }
    text += "[[hazards]]\nname = \"outage\"\ndo = \"kms-outage\"\nlocation = \"everywhere\"\n\
             every = { exponential = { mean = \"30d\" } }\n\
             lasts = { exponential = { mean = \"45m\" } }\n";
    let lasts = "path = \"hazards.0.lasts.exponential.mean\", from = \"40m\", to = \"50m\"";
    text += &format!("[sweep.factors]\nlength = {{ {lasts}, steps = {POINTS} }}\n");
    text
}

/// Rounds of which the best counts.
const ROUNDS: usize = 50;

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"))
}

/// The command as users call it, with its results in a new folder.
fn command(file: &Path, words: &str) -> TempDir {
    let folder = temporary();
    let out = folder.path().join("out");
    let mut words = words.split(' ').map(str::to_owned);
    let name = words.next().unwrap_or_default();
    let mut args = vec!["cmeksim".to_owned(), name, file.display().to_string()];
    args.extend(words);
    args.extend(["--out".to_owned(), out.display().to_string()]);
    args.extend(["--quiet", "--no-charts"].map(str::to_owned));
    let exit = cmeksim::cli::main(args.into_iter().map(Into::into));
    assert_eq!(exit, Exit::Success);
    folder
}

/// The engine alone, split over threads of their own: what a machine has to give.
fn engine(count: u64, threads: u64) -> Option<TempDir> {
    std::thread::scope(|scope| {
        (0..threads).for_each(|_| drop(scope.spawn(|| alone(count / threads))));
    });
    None
}

/// The engine alone: replications with trace and measures, nothing written.
fn alone(count: u64) {
    let none = |_: &str| Err("no files".to_owned());
    let model = match read("year", year().as_bytes(), &Overrides::default(), &none) {
        Ok(scenario) => Model::new(&scenario),
        Err((found, _)) => panic!("the scenario is sound: {found:?}"),
    };
    for replication in 0..count {
        match model.replicate(1, replication, SweepMode::Decisive, Budget::default()) {
            Ok(trace) => drop(black_box(model.outcome(trace))),
            Err(halt) => panic!("{halt}"),
        }
    }
}

fn main() {
    let folder = temporary();
    let file = &folder.path().join("year.toml");
    std::fs::write(file, year()).unwrap_or_else(|error| panic!("{error}"));
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse::<u64>().ok());
    if let Some(count) = asked {
        let [time] = clock::best(1, [&mut || command(file, &format!("replicate -n {count}"))]);
        println!("{count} replications in {time:.1} s, {:.0} cells a second", count as f64 / time);
        return;
    }
    const CELLS: u64 = 10_000;
    let replicate = |jobs: u64| command(file, &format!("replicate -n {CELLS} --jobs {jobs}"));
    let each = CELLS / POINTS;
    let [one, two, engine_one, engine_two, sweep] = clock::best(
        ROUNDS,
        [
            &mut || Some(replicate(1)),
            &mut || Some(replicate(2)),
            &mut || engine(CELLS, 1),
            &mut || engine(CELLS, 2),
            &mut || Some(command(file, &format!("sweep -n {each} --jobs 1"))),
        ],
    );
    for (what, time) in [
        ("replications, 1 thread ", one),
        ("replications, 2 threads", two),
        ("in a sweep, 1 thread   ", sweep),
        ("engine alone, 1 thread ", engine_one),
    ] {
        println!("{CELLS} {what}    {:>8.0} cells a second", CELLS as f64 / time);
    }
    println!("  2 threads against 1            {:>8.2} x  (promised: at least 1.8)", one / two);
    println!(
        "  the engine alone, split in two {:>8.2} x  (what the machine has to give)",
        engine_one / engine_two
    );
    println!(
        "engine share of a sweep          {:>8.1} %  (promised: at least 90 %)",
        100.0 * engine_one / sweep
    );
}
