//! Do nominal 95 % intervals hold the truth in 95 % of experiments? Every kind of interval that a
//! command prints is asked that, against a truth that is worked out by hand, with one experiment
//! for each seed from 0 on, from the scenario file to the printed interval.
//!
//! `cargo test` asks it with 120 experiments, and fails where chance would one time in a hundred.
//! A thousand experiments take minutes and print how many intervals held:
//!
//! ```sh
//! cargo test --release --test coverage -- --ignored --nocapture
//! ```
//!
//! There between 936 and 964 of 1,000 have to hold (two standard deviations, 6.9, to either side).
//! Where only whole numbers decide (places of order statistics, counts), no interval attains 95 %
//! exactly: then the probability that one holds the truth is worked out by the binomial law, and has to
//! be within those bounds itself (for n = 2604 it is 94.99 to 95.23 %).

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

use cmeksim::stats::Moments;
use cmeksim::stats::proportion::{clopper_pearson, never_seen, wilson};
use cmeksim::stats::quantile::ranks;
use rayon::prelude::*;
use statrs::distribution::{Binomial, Discrete, DiscreteCDF};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const NOMINAL: f64 = 0.95;
/// Experiments in `cargo test`, and in the campaign.
const FEW: u64 = 120;
const MANY: u64 = 1_000;

// --- the bounds

/// How many of so many experiments hold with a probability, but for one time in a hundred.
fn by_chance(of: u64, p: f64) -> (u64, u64) {
    let law = Binomial::new(p, of).unwrap();
    (law.inverse_cdf(0.005), law.inverse_cdf(0.995))
}

/// The probability of a set of numbers of successes in n tries.
fn probability(n: u64, p: f64, of: impl Fn(u64) -> bool) -> f64 {
    let law = Binomial::new(p, n).unwrap();
    (0..=n).filter(|k| of(*k)).map(|k| law.pmf(k)).sum()
}

/// With what probability does the interval of the quantile of p among n values hold the quantile?
/// So many values as the binomial law says are below it: the interval holds it if these are at
/// least `low` and fewer than `high`.
fn of_quantile(n: u64, p: f64) -> f64 {
    let ranks = ranks(n, p);
    let (low, high) = (ranks.low.unwrap_or(0), ranks.high.unwrap_or(n + 1));
    let attained = probability(n, p, |below| low <= below && below < high);
    assert!(attained >= NOMINAL, "the interval of the {p} quantile of {n} values: {attained}");
    attained
}

/// With what probability does an interval of a probability hold it?
fn of_share(n: u64, p: f64, interval: impl Fn(u64, u64) -> (f64, f64)) -> f64 {
    probability(n, p, |k| {
        let (low, high) = interval(k, n);
        low <= p && p <= high
    })
}

/// What is claimed of one kind of interval.
struct Claim {
    name: &'static str,
    /// The probability that an interval holds the truth.
    attained: f64,
}

fn claim(name: &'static str, attained: f64) -> Claim {
    Claim { name, attained }
}

/// An experiment of a seed tells of each claim whether the interval held.
fn campaign(experiments: u64, claims: &[Claim], one: impl Fn(u64) -> Vec<bool> + Send + Sync) {
    // More threads than cores, for commands wait for the disk.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    let held: Vec<Vec<bool>> = pool.install(|| (0..experiments).into_par_iter().map(one).collect());
    let mut wrong = Vec::new();
    for (place, claim) in claims.iter().enumerate() {
        let count = held.iter().filter(|held| held[place]).count() as u64;
        let (low, high) = match experiments {
            MANY => (936, 964),
            _ => by_chance(experiments, claim.attained),
        };
        let line = format!(
            "{count:5} of {experiments} ({low} to {high}, {:.2} % expected)  {}",
            100.0 * claim.attained,
            claim.name
        );
        println!("{line}");
        if !(low..=high).contains(&count) {
            wrong.push(line);
        }
        assert!((0.936..=0.964).contains(&claim.attained), "{}: {}", claim.name, claim.attained);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

// --- the commands

/// A row of a CSV file by column name.
type Row = BTreeMap<String, String>;

/// A folder for scenarios and results.
struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, String)]) -> Place {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Place(folder)
    }

    /// Runs a command with a seed; gives the folder of its results, which the next command with
    /// that seed throws away.
    fn call(&self, seed: u64, command: &str, files: &[&str], more: &str) -> PathBuf {
        let out = self.0.path().join(format!("out-{seed}"));
        let _ = fs::remove_dir_all(&out);
        let done = Command::new(env!("CARGO_BIN_EXE_cmeksim"))
            .arg(command)
            .args(files.iter().map(|name| self.0.path().join(name)))
            .args(["--quiet", "--jobs", "1", "--seed", &seed.to_string(), "--out"])
            .arg(&out)
            .args(more.split_whitespace())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        out
    }

    /// Throws the results of a seed away.
    fn done(&self, seed: u64) {
        fs::remove_dir_all(self.0.path().join(format!("out-{seed}"))).unwrap();
    }
}

/// The rows of a file by the cell in a column.
fn rows(path: &Path, key: &str) -> BTreeMap<String, Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows = reader.deserialize().map(Result::<Row, _>::unwrap);
    rows.map(|row| (row[key].clone(), row)).collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {row:?}"))
}

/// Does the interval between two columns hold the truth?
fn between(row: &Row, (low, high): (&str, &str), truth: f64) -> bool {
    number(row, low) <= truth && truth <= number(row, high)
}

fn holds(row: &Row, truth: f64) -> bool {
    between(row, ("ci_low", "ci_high"), truth)
}

fn head(name: &str, horizon: &str) -> String {
    format!(
        "schema = 1\n[scenario]\nname = \"{name}\"\nstart = 2026-01-01T00:00:00Z\n\
         horizon = \"{horizon}\"\n"
    )
}

// --- the scenarios and their truths

/// A sum that is normal but for a trifle: twelve outages of Cloud KMS on days of their own, each of
/// a length even between nothing and a bound. Its downtime has a mean of six bounds, no skewness,
/// and an excess kurtosis of -1.2 / 12, so that Student's t means what it says even for n = 3,
/// where it is 2.2 times as wide as the normal law would have it.
fn twelve(name: &str, bound: &str) -> String {
    let mut text = head(name, "20d") + "[keys.a]\nlocation = \"us-east1\"\n";
    for day in 1..=12 {
        text += &format!(
            "[[events]]\nat = \"{day}d\"\ndo = \"kms-outage\"\nlocation = \"us-east1\"\n\
             lasts = {{ uniform = {{ from = \"0s\", to = \"{bound}\" }} }}\n"
        );
    }
    text
}

/// closed-forms.md 7.1: one outage of Cloud KMS, exponential of a mean m, and an instance that is
/// taken offline after a grace g and is back when it ends: offline with the probability
/// exp(-g/m), for m exp(-g/m) on average. (Checks come every second, so that what is back is found
/// up to a second late: nothing beside standard errors of minutes.)
fn outage(mean: &str, grace: &str) -> String {
    head("one-outage", "60d")
        + &format!(
            r#"[keys.a]
location = "us-east1"
[bigtable.o]
tables = 1
[bigtable.o.clusters.east]
zone = "us-east1-b"
key = "a"
[[events]]
at = "1d"
do = "kms-outage"
location = "us-east1"
lasts = {{ exponential = {{ mean = "{mean}" }} }}
[model]
bigtable.kms-grace = "{grace}"
bigtable.offline-ramp = "0s"
bigtable.bringup = "0s"
bigtable.grace-from = "outage-start"
bigtable.sweep-period = "1s"
bigtable.sweep-phase = "aligned"
"#
        )
}

/// A key that is disabled at 1 h and enabled at 5 h, and a service that needs it: it is down for
/// 4 h, less the propagation of the one, and the propagation of the other.
fn disabled(model: &str) -> String {
    head("disabled", "10h")
        + "[keys.k]\nlocation = \"us-east1\"\n[services.shop]\nall-of = [\"keys.k\"]\n\
           [[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k\"\n\
           [[events]]\nat = \"5h\"\ndo = \"enable-key\"\nkey = \"k\"\n[model]\n"
        + model
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;

// --- the experiments

/// `replicate`: Student's t of a mean.
fn means(experiments: u64) {
    let place = Place::new(&[("s.toml", twelve("sum", "2h"))]);
    let claims = [claim("replicate: Student t of a mean, n = 3", NOMINAL)];
    campaign(experiments, &claims, |seed| {
        let out = place.call(seed, "replicate", &["s.toml"], "-n 3 --no-charts");
        let row = &rows(&out.join("estimates.csv"), "measure")["kms.us-east1.downtime"];
        assert_eq!(row["method"], "Student t");
        place.done(seed);
        vec![holds(row, 12.0 * HOUR)]
    });
}

/// `replicate`: means and quantiles of exponential lengths, and probabilities. For n = 2604 the
/// intervals of all four quantiles attain 95.19 to 95.23 %, and that of Wilson 95.00 %; for n = 400
/// the steps between places are larger, and the former attain 96.0 to 96.2 %.
fn outages(experiments: u64, n: u64) {
    let place = Place::new(&[("s.toml", outage("90m", "60m"))]);
    // P(L > 60 min), and 90 min times it.
    let beyond: f64 = 0.513_417_119_032_592;
    let offline = 46.207_540_712_933_3 * MINUTE;
    // P(L > x) for the share of the exceedance chart: x = 3 h, exp(-2).
    let rare: f64 = 0.135_335_283_236_613;
    let of = [("p5", 0.05), ("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];
    let claims = [
        claim("replicate: Student t of a mean of exponential lengths", NOMINAL),
        claim("replicate: Student t of a mean with half of its values zero", NOMINAL),
        claim("replicate: Wilson", of_share(n, beyond, wilson)),
        claim("exceedance chart: Clopper and Pearson", of_share(n, rare, clopper_pearson)),
        claim("replicate: order statistics, p5", of_quantile(n, 0.05)),
        claim("replicate: order statistics, p50", of_quantile(n, 0.5)),
        claim("replicate: order statistics, p95", of_quantile(n, 0.95)),
        claim("replicate: order statistics, p99", of_quantile(n, 0.99)),
    ];
    campaign(experiments, &claims, |seed| {
        let out = place.call(seed, "replicate", &["s.toml"], &format!("-n {n} --no-charts"));
        let all = rows(&out.join("estimates.csv"), "measure");
        let (length, went) = (&all["kms.us-east1.downtime"], &all["bigtable.o.outages"]);
        assert_eq!((&*length["method"], &*went["method"]), ("Student t", "Wilson"));
        let mut values = csv::Reader::from_path(out.join("replications.csv")).unwrap();
        let column = values.headers().unwrap().iter().position(|c| c == "kms.us-east1.downtime");
        let lengths = values.records().map(|row| row.unwrap()[column.unwrap()].to_owned());
        let above = lengths.filter(|length| length.parse::<f64>().unwrap() > 3.0 * HOUR).count();
        let (low, high) = clopper_pearson(above as u64, n);
        let mut held = vec![
            holds(length, 90.0 * MINUTE),
            holds(&all["bigtable.o.downtime"], offline),
            holds(went, beyond),
            low <= rare && rare <= high,
        ];
        // The quantile of p of an exponential length: -m ln(1 - p).
        held.extend(of.map(|(name, p)| {
            let ends = (&*format!("{name}_low"), &*format!("{name}_high"));
            between(length, ends, -90.0 * MINUTE * libm::log1p(-p))
        }));
        place.done(seed);
        held
    });
}

/// `replicate`: the bound of what was never seen. With n = 59 it is 4.95 %; an outage goes beyond an
/// hour with 5 % (m = 1 h / ln 20), and never does in 59 with 0.95^59 = 4.85 %: then the bound is
/// below the truth.
fn never(experiments: u64) {
    let place = Place::new(&[("s.toml", outage("1201712ms", "60m"))]);
    // 0.95^58 = 5.10 %: with one less the bound holds.
    assert!(never_seen(59) < 0.05 && never_seen(58) > 0.05);
    let truth = 1.0 - libm::pow(0.95, 59.0);
    let claims = [claim("replicate: bound of what was never seen (one-sided)", truth)];
    campaign(experiments, &claims, |seed| {
        let out = place.call(seed, "replicate", &["s.toml"], "-n 59 --no-charts");
        let row = &rows(&out.join("estimates.csv"), "measure")["bigtable.o.outages"];
        place.done(seed);
        vec![row["other_max"].is_empty() || number(row, "other_max") >= 0.05]
    });
}

/// `compare`: with common random numbers the sums of twelve lengths up to 2 h and up to 3 h differ
/// by the sum of twelve lengths up to 1 h, 6 h on average. Two graces, 60 min and 30 min, differ by
/// 90 min (exp(-1/3) - exp(-2/3)) offline.
fn differences(experiments: u64) {
    let place = Place::new(&[
        ("a.toml", twelve("two", "2h")),
        ("b.toml", twelve("three", "3h")),
        ("long.toml", outage("90m", "60m")),
        ("short.toml", outage("90m", "30m")),
    ]);
    let claims = [
        claim("compare: Student t of paired differences, n = 3", NOMINAL),
        claim("compare: Student t of what another grace saves", NOMINAL),
    ];
    let apart = 90.0 * MINUTE * (libm::exp(-1.0 / 3.0) - libm::exp(-2.0 / 3.0));
    campaign(experiments, &claims, |seed| {
        let out = place.call(seed, "compare", &["a.toml", "b.toml"], "-n 3");
        let sums = rows(&out.join("differences.csv"), "measure");
        let out = place.call(seed, "compare", &["long.toml", "short.toml"], "-n 200");
        let graces = rows(&out.join("differences.csv"), "measure");
        place.done(seed);
        let (sum, offline) = (&sums["kms.us-east1.downtime"], &graces["bigtable.o.downtime"]);
        vec![holds(sum, 6.0 * HOUR), holds(offline, apart)]
    });
}

/// `steady`: two components in series, up for 100 h and down for 5 h on average, each with a
/// repairman of its own (closed-forms.md 3.1): (100 / 105)^2.
fn long_run(experiments: u64) {
    let mut text = head("series", "21000h");
    for n in 1..=2 {
        text += &format!(
            "[keys.k{n}]\nlocation = \"place-c{n}\"\n[[hazards]]\nname = \"c{n}\"\n\
             do = \"kms-outage\"\nlocation = \"place-c{n}\"\n\
             every = {{ exponential = {{ mean = \"100h\" }} }}\n\
             lasts = {{ exponential = {{ mean = \"5h\" }} }}\n"
        );
    }
    text += "[services.both]\nall-of = [\"kms.place-c1\", \"kms.place-c2\"]\n";
    let place = Place::new(&[("s.toml", text)]);
    let claims = [claim("steady: Student t of 20 batch means", NOMINAL)];
    campaign(experiments, &claims, |seed| {
        let out = place.call(seed, "steady", &["s.toml"], "--batches 20 -n 1 --warm-up 1000h");
        let found = rows(&out.join("steady.csv"), "entity");
        place.done(seed);
        vec![holds(&found["services.both"], 0.907_029_478_458_050)]
    });
}

/// `replicate` with `[uncertain]`: the bound of the first of the twelve lengths is even between 1 h
/// and 3 h, so that the mean over worlds is that of bounds of 2 h. What a world adds to its mean is
/// even, and what four replications add to it is nearly normal.
fn worlds(experiments: u64) {
    let uncertain = "[uncertain]\ndraws = 6\n[uncertain.factors]\n\
                     length = { path = \"events.0.lasts.uniform.to\", from = \"1h\", to = \"3h\" }\n";
    let place = Place::new(&[("s.toml", twelve("worlds", "2h") + uncertain)]);
    let claims = [claim("replicate: Student t over 6 worlds", NOMINAL)];
    campaign(experiments, &claims, |seed| {
        let out = place.call(seed, "replicate", &["s.toml"], "-n 4 --no-charts");
        let row = &rows(&out.join("estimates.csv"), "measure")["kms.us-east1.downtime"];
        assert_eq!(row["method"], "Student t over worlds");
        place.done(seed);
        vec![holds(row, 12.0 * HOUR)]
    });
}

const BOTH: &str = "--measure services.shop.downtime \
                    --over model.kms.disable-propagation,model.kms.enable-propagation";

/// `sensitivity --method tornado`: a propagation of up to 20 min, even, twice as long takes another
/// 10 min off the downtime on average.
fn tornado(experiments: u64) {
    let model = "kms.disable-propagation = { uniform = { from = \"0s\", to = \"20m\" } }\n\
                 kms.enable-propagation = { uniform = { from = \"0s\", to = \"20m\" } }\n";
    let place = Place::new(&[("s.toml", disabled(model))]);
    let claims = [
        claim("tornado: Student t of the difference of a level, disabling", NOMINAL),
        claim("tornado: Student t of the difference of a level, enabling", NOMINAL),
    ];
    campaign(experiments, &claims, |seed| {
        let out = place.call(seed, "sensitivity", &["s.toml"], &format!("{BOTH} -n 10"));
        let mut reader = csv::Reader::from_path(out.join("sensitivity.csv")).unwrap();
        let rows: Vec<Row> = reader.deserialize().map(Result::unwrap).collect();
        place.done(seed);
        // Half and twice the one, half and twice the other.
        vec![holds(&rows[1], -10.0 * MINUTE), holds(&rows[3], 10.0 * MINUTE)]
    });
}

/// `sensitivity --method morris`: propagations of 10 and 20 min from half to twice are 4^u times
/// half of them. Over two thirds of its range a walk goes from u = 0 to 2/3 or from 1/3 to 1, as
/// likely as not: per whole range 3/2 (4^(2/3) - 1) or 3/2 (4 - 4^(1/3)) times 5 or 10 min. The
/// interval holds the mean if the walks of the one kind are neither too few nor too many.
fn morris(experiments: u64) {
    let third: f64 = 1.587_401_051_968_199_4; // 4^(1/3)
    let mean = 1.5 * ((third * third - 1.0) + (4.0 - third)) / 2.0;
    let attained = probability(32, 0.5, |k| {
        let mut moments = Moments::default();
        (0..32).for_each(|walk| moments.push(f64::from(u8::from(walk < k))));
        (moments.mean().unwrap() - 0.5).abs() <= moments.half_width().unwrap()
    });
    let model = "kms.disable-propagation = \"10m\"\nkms.enable-propagation = \"20m\"\n";
    let place = Place::new(&[("s.toml", disabled(model))]);
    let claims = [
        claim("morris: Student t of 32 absolute effects, disabling", attained),
        claim("morris: Student t of 32 absolute effects, enabling", attained),
    ];
    campaign(experiments, &claims, |seed| {
        let more = format!("{BOTH} --method morris --size 32 -n 1");
        let out = place.call(seed, "sensitivity", &["s.toml"], &more);
        let found = rows(&out.join("sensitivity.csv"), "parameter");
        place.done(seed);
        let held = |path: &str, minutes: f64| {
            let ends = ("mu_star_ci_low", "mu_star_ci_high");
            between(&found[path], ends, minutes * MINUTE * mean)
        };
        vec![held("model.kms.disable-propagation", 5.0), held("model.kms.enable-propagation", 10.0)]
    });
}

/// `sensitivity --method sobol`: the downtime is a sum, 10 min 4^v / 2 longer and 5 min 4^u shorter,
/// whose variances are as 4 to 1: shares of 0.8 and 0.2, alone and in total. (256 rows are the default.)
fn shares(experiments: u64) {
    let model = "kms.disable-propagation = \"10m\"\nkms.enable-propagation = \"20m\"\n";
    let place = Place::new(&[("s.toml", disabled(model))]);
    let claims = [
        claim("sobol: Student t of a first-order share of 0.2", NOMINAL),
        claim("sobol: Student t of a total share of 0.2", NOMINAL),
        claim("sobol: Student t of a first-order share of 0.8", NOMINAL),
        claim("sobol: Student t of a total share of 0.8", NOMINAL),
    ];
    campaign(experiments, &claims, |seed| {
        let more = format!("{BOTH} --method sobol --size 256 -n 1");
        let out = place.call(seed, "sensitivity", &["s.toml"], &more);
        let found = rows(&out.join("sensitivity.csv"), "parameter");
        place.done(seed);
        let held = |path: &str, share: f64| {
            ["first", "total"].map(|kind| {
                let ends = (&*format!("{kind}_ci_low"), &*format!("{kind}_ci_high"));
                between(&found[path], ends, share)
            })
        };
        let one = held("model.kms.disable-propagation", 0.2);
        let other = held("model.kms.enable-propagation", 0.8);
        [one, other].concat()
    });
}

/// `replicate --precision`: the mean of exponential lengths to 10 % (about 400 replications). Who
/// looks at an interval again and again until it is narrow stops too soon now and then.
fn sequential(experiments: u64) {
    let place = Place::new(&[("s.toml", outage("90m", "60m"))]);
    let claims = [claim("replicate --precision 10%: Student t of a mean", NOMINAL)];
    campaign(experiments, &claims, |seed| {
        let more = "--precision 10% --measure kms.us-east1.downtime --no-charts";
        let out = place.call(seed, "replicate", &["s.toml"], more);
        let row = &rows(&out.join("estimates.csv"), "measure")["kms.us-east1.downtime"];
        place.done(seed);
        vec![holds(row, 90.0 * MINUTE)]
    });
}

mod few {
    use super::*;

    #[test]
    fn means_are_covered() {
        means(FEW);
    }

    #[test]
    fn probabilities_and_quantiles_are_covered() {
        outages(FEW, 400);
    }

    #[test]
    fn what_was_never_seen_is_covered() {
        never(FEW);
    }

    #[test]
    fn differences_are_covered() {
        differences(FEW);
    }

    #[test]
    fn the_long_run_is_covered() {
        long_run(FEW);
    }

    #[test]
    fn means_over_worlds_are_covered() {
        worlds(FEW);
    }

    #[test]
    fn levels_are_covered() {
        tornado(FEW);
    }

    #[test]
    fn effects_are_covered() {
        morris(FEW);
    }
}

/// `cargo test --release --test coverage -- --ignored --nocapture`
#[test]
#[ignore = "a thousand experiments of each kind take minutes"]
fn a_thousand_experiments_of_each_kind() {
    means(MANY);
    outages(MANY, 2_604);
    never(MANY);
    differences(MANY);
    long_run(MANY);
    worlds(MANY);
    tornado(MANY);
    morris(MANY);
    shares(MANY);
    sequential(MANY);
}
