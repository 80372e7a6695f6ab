//! Shows that the mechanics of the model reproduce the closed forms that describe them: grace,
//! detection, propagation, cascade, writes at risk. Each scenario is played many times at a fixed
//! seed, and the 99.9 % interval of the estimate has to be narrow and to cover the formula's value.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/scenario.rs"]
mod support;

use cmeksim::engine::{Budget, EntityId, SimTime, StateId, Trace};
use cmeksim::experiment::Model;
use cmeksim::systems::contract::SweepMode;
use support::scenario;

/// The normal quantile of a two-sided 99.9 % interval.
const Z999: f64 = 3.290_526_731_491_926;

/// What many replications estimate.
struct Estimate {
    value: f64,
    /// Half of the width of the 99.9 % interval.
    half: f64,
}

/// The mean of a sample.
fn mean(sample: &[f64]) -> Estimate {
    let n = sample.len() as f64;
    let value = sample.iter().sum::<f64>() / n;
    let variance = sample.iter().map(|x| (x - value) * (x - value)).sum::<f64>() / (n - 1.0);
    Estimate { value, half: Z999 * (variance / n).sqrt() }
}

/// The variance of a sample; its own variance is (m4 - m2^2) / n for large n.
fn variance(sample: &[f64]) -> Estimate {
    let n = sample.len() as f64;
    let centre = sample.iter().sum::<f64>() / n;
    let squares: Vec<f64> = sample.iter().map(|x| (x - centre) * (x - centre)).collect();
    let Estimate { value, half } = mean(&squares);
    Estimate { value: value * n / (n - 1.0), half }
}

/// Does the interval cover the formula's value, with a half-width of at most `share` of it?
fn judge(estimate: &Estimate, formula: f64, share: f64) -> Result<(), String> {
    let Estimate { value, half } = estimate;
    if (value - formula).abs() > *half {
        Err(format!("{value} +- {half} misses {formula}"))
    } else if *half > share * formula {
        Err(format!("{half} is more than {share} of {formula}"))
    } else if *half <= 0.0 {
        Err(format!("{value} without uncertainty"))
    } else {
        Ok(())
    }
}

fn agrees(what: &str, estimate: &Estimate, formula: f64, share: f64) {
    println!("{what}: {:.6} +- {:.6}, formula {formula:.6}", estimate.value, estimate.half);
    judge(estimate, formula, share).unwrap_or_else(|why| panic!("{what}: {why}"));
}

/// One replication.
fn play(model: &Model, seed: u64, replication: u64) -> Trace {
    model
        .replicate(seed, replication, SweepMode::Decisive, Budget::default())
        .unwrap_or_else(|halt| panic!("{halt}"))
}

/// An entity and one of its states, by path and name (or alias).
fn state(model: &Model, path: &str, name: &str) -> (EntityId, StateId) {
    let (_, kind) = model.entities().find(|(found, _)| *found == path).expect(path);
    let mut states = kind.states.iter();
    let number = states.position(|state| state.name == name || state.alias == Some(name));
    (model.entity(path), StateId::try_from(number.expect(name)).unwrap())
}

/// When an entity first enters a state.
fn first_in(trace: &Trace, (entity, state): (EntityId, StateId)) -> Option<SimTime> {
    let mut records = trace.records.iter();
    let enters = records
        .find(|record| record.entity == entity && record.to == state && record.from != record.to);
    enters.map(|record| record.at)
}

/// A number of each of the replications 0, 1, 2, ...
fn replications(model: &Model, seed: u64, count: u64, of: impl Fn(&Trace) -> f64) -> Vec<f64> {
    (0..count).map(|replication| of(&play(model, seed, replication))).collect()
}

/// Minutes from one instant to another.
fn minutes(from: SimTime, to: SimTime) -> f64 {
    to.saturating_since(from).seconds() / 60.0
}

/// One instance `i` of one table, with clusters c0, c1, ... in zones of their own, each with a key
/// k0, k1, ... in its region.
fn instance(name: &str, horizon: &str, clusters: usize, rest: &str) -> String {
    let mut text = format!(
        "schema = 1\n[scenario]\nname = \"{name}\"\nstart = 2026-03-02T08:00:00Z\nhorizon = \"{horizon}\"\n"
    );
    for c in 0..clusters {
        text += &format!(
            "[keys.k{c}]\nlocation = \"us-east{c}\"\n[bigtable.i.clusters.c{c}]\nzone = \"us-east{c}-b\"\nkey = \"k{c}\"\n"
        );
    }
    text + rest
}

/// 7.1: an outage of Exp(m) against a grace g takes the instance offline with probability
/// exp(-g/m), for m exp(-g/m) on average.
///
/// The formula knows no detection: the grace counts from the outage's start, contact is back at
/// its very end, going offline and coming back take no time. Here: sweeps aligned at every second,
/// an outage that starts at one of them, ramp and bring-up of zero, one cluster. What is left is
/// the wait for the sweep after the end, on average half a second of about three hours: 0.02 % at
/// most of the means below. Whether the instance goes offline is exact, since the sweep at the
/// grace's very end still counts as contact.
#[test]
fn offline_after_the_grace() {
    for (m, probability, minutes_offline, count) in [
        (30, 0.135335283236613, 4.06005849709838, 72_000),
        (60, 0.367879441171442, 22.0727664702865, 30_000),
        (90, 0.513417119032592, 46.2075407129333, 20_000),
        (240, 0.778800783071405, 186.912187937137, 12_000),
    ] {
        let text = instance(
            "grace",
            "30d",
            1,
            &format!(
                "[bigtable.i]\ntables = 1
[[events]]\nat = \"1h\"\ndo = \"kms-outage\"\nlocation = \"us-east0\"\nlasts = {{ exponential = {{ mean = \"{m}m\" }} }}
[model]\nbigtable.sweep-period = \"1s\"\nbigtable.sweep-phase = \"aligned\"\nbigtable.kms-grace = \"60m\"
bigtable.grace-from = \"outage-start\"\nbigtable.offline-ramp = \"0s\"\nbigtable.bringup = \"0s\"\n"
            ),
        );
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let offline = replications(&model, 71, count, |trace| {
            let outcome = model.outcome(trace.clone());
            outcome.measures["bigtable.i.downtime"].unwrap() / 60.0
        });
        let went: Vec<f64> = offline.iter().map(|time| f64::from(u8::from(*time > 0.0))).collect();
        agrees(&format!("7.1 m = {m}: P(offline)"), &mean(&went), probability, 0.05);
        agrees(&format!("7.1 m = {m}: minutes offline"), &mean(&offline), minutes_offline, 0.05);
    }
}

/// 7.2: outages of Exp(m) that alternate with Exp(u) of quiet leave the instance unavailable for
/// m exp(-g/m) / (u + m) of the time in the long run.
///
/// As for 7.1; a run starts quiet, which lowers its share by m in the horizon's 36,500 days.
#[test]
fn long_run_unavailability() {
    for (m, formula) in [(30, 1.54474698363900e-5), (90, 1.75767586111808e-4)] {
        let text = instance(
            "long-run",
            "36500d",
            1,
            &format!(
                "[bigtable.i]\ntables = 1
[[hazards]]\nname = \"outage\"\nevery = {{ exponential = {{ mean = \"262800m\" }} }}
do = \"kms-outage\"\nlocation = \"us-east0\"\nlasts = {{ exponential = {{ mean = \"{m}m\" }} }}
[model]\nbigtable.sweep-period = \"1s\"\nbigtable.sweep-phase = \"aligned\"\nbigtable.kms-grace = \"60m\"
bigtable.grace-from = \"outage-start\"\nbigtable.offline-ramp = \"0s\"\nbigtable.bringup = \"0s\"\n"
            ),
        );
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let share = replications(&model, 72, 400, |trace| {
            1.0 - model.outcome(trace.clone()).measures["bigtable.i.availability"].unwrap()
        });
        agrees(&format!("7.2 m = {m}: unavailability"), &mean(&share), formula, 0.05);
    }
}

/// The first and the last table of one cluster to find an outage, in minutes after its start.
///
/// With a grace per table, each table that finds the outage starts a grace of its own, and the
/// record of its end comes exactly one grace (1 h) later: so the records of BT-45 are the tables'
/// detections, one each.
fn detections(model: &Model, tables: usize, trace: &Trace) -> (f64, f64) {
    let start = first_in(trace, state(model, "kms.us-east0", "unavailable")).unwrap();
    let i = model.entity("bigtable.i");
    let found: Vec<f64> = trace
        .records
        .iter()
        .filter(|record| record.entity == i && record.rule == "BT-45" && record.from == record.to)
        .map(|record| minutes(start, record.at) - 60.0)
        .collect();
    assert_eq!(found.len(), tables);
    (found[0], found[tables - 1])
}

fn detection(tables: usize, phase: &str) -> String {
    instance(
        "detection",
        "8h",
        1,
        &format!(
            "[bigtable.i]\ntables = {tables}
[[hazards]]\nname = \"outage\"\nevery = {{ uniform = {{ from = \"1h\", to = \"65m\" }} }}\ndo = \"kms-outage\"\nlocation = \"us-east0\"\nlasts = \"10h\"
[model]\nbigtable.sweep-phase = \"{phase}\"\nbigtable.grace-timer = \"table\"\nbigtable.kms-grace = \"1h\"\nbigtable.offline-ramp = \"2h\"\n"
        ),
    )
}

/// 7.3: of n tables swept every 5 min at independent random phases, the first finds an outage
/// after 5/(n+1) min on average and the last after 5n/(n+1) min.
#[test]
fn detection_with_random_phases() {
    for (n, first, last) in
        [(1, 2.5, 2.5), (2, 5.0 / 3.0, 10.0 / 3.0), (4, 1.0, 4.0), (12, 5.0 / 13.0, 60.0 / 13.0)]
    {
        let scenario = scenario(&detection(n, "random"));
        let model = Model::new(&scenario);
        let both: Vec<(f64, f64)> =
            (0..25_000).map(|r| detections(&model, n, &play(&model, 73, r))).collect();
        let (firsts, lasts): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
        agrees(&format!("7.3 n = {n}: first"), &mean(&firsts), first, 0.025);
        agrees(&format!("7.3 n = {n}: last"), &mean(&lasts), last, 0.025);
    }
}

/// 7.3, if all tables are swept at the same instants: first and last coincide, 2.5 min after an
/// outage that starts at a random instant (of a hazard, uniform over one period).
#[test]
fn detection_with_aligned_phases() {
    for n in [1, 4] {
        let scenario = scenario(&detection(n, "aligned"));
        let model = Model::new(&scenario);
        let firsts = replications(&model, 73, 15_000, |trace| {
            let (first, last) = detections(&model, n, trace);
            assert_eq!(first, last);
            first
        });
        agrees(&format!("7.3 aligned, n = {n}"), &mean(&firsts), 2.5, 0.02);
    }
}

/// 7.4: disabling propagates as 0.99 Exp(1 min) + 0.01 U(0, 180 min): mean 1.89 min, and with
/// probability 0.016393 it takes more than 5 min.
#[test]
fn propagation_mixture() {
    let text = "schema = 1\n[scenario]\nname = \"propagation\"\nstart = 2026-03-02T08:00:00Z\nhorizon = \"12h\"
[keys.k]\nlocation = \"us-east1\"
[[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k\"
[model]\nkms.disable-propagation = { mixture = [ { weight = 0.99, exponential = { mean = \"1m\" } }, { weight = 0.01, uniform = { from = \"0s\", to = \"180m\" } } ] }\n";
    let scenario = scenario(text);
    let model = Model::new(&scenario);
    let (key, disabled) = state(&model, "keys.k", "disabled");
    let delays = replications(&model, 74, 300_000, |trace| {
        minutes(trace.records[0].at, first_in(trace, (key, disabled)).expect("within 12 h"))
    });
    agrees("7.4: mean", &mean(&delays), 1.89, 0.05);
    let late: Vec<f64> = delays.iter().map(|delay| f64::from(u8::from(*delay > 5.0))).collect();
    agrees("7.4: P(> 5 min)", &mean(&late), 0.016_393, 0.05);
}

/// Minutes from the first detection until the instance is down, until the single-cluster profile
/// fails, and until the multi-cluster profile fails.
fn cascade(model: &Model, trace: &Trace) -> [f64; 3] {
    let reach = |path: &str, name: &str| first_in(trace, state(model, path, name)).unwrap();
    let detected = reach("bigtable.i.clusters.c0", "disabled");
    [
        reach("bigtable.i", "disabled"),
        reach("bigtable.i.app-profiles.single", "failing"),
        reach("bigtable.i.app-profiles.multi", "failing"),
    ]
    .map(|at| minutes(detected, at))
}

/// 7.5: a cascade reaches c clusters after the first, one at a time, with steps of mean s: the
/// instance is down after c s on average. Multi-cluster routing fails at that very instant and not
/// before; a profile bound to one of the c clusters fails after (c + 1) s / 2 if the order is
/// random.
///
/// The formula knows no longest cascade and no delay of routing: `cascade-total-max` is out of
/// reach and `reroute-delay` is zero. The mean does not depend on the steps' distribution.
#[test]
fn cascade_takes_one_cluster_at_a_time() {
    for (c, step, order, count) in [
        (1, "{ exponential = { mean = \"30m\" } }", "random", 30_000),
        (2, "{ exponential = { mean = \"30m\" } }", "random", 20_000),
        (5, "{ uniform = { from = \"0s\", to = \"1h\" } }", "random", 15_000),
        (5, "{ exponential = { mean = \"30m\" } }", "by-name", 15_000),
    ] {
        let text = instance(
            "cascade",
            "100d",
            c + 1,
            &format!(
                "[bigtable.i]\ntables = 3
[bigtable.i.app-profiles.single]\nrouting = {{ single-cluster = \"c1\" }}\nreads = \"1/s\"
[bigtable.i.app-profiles.multi]\nreads = \"1/s\"
[[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k0\"
[model]\nkms.disable-propagation = \"0s\"\nbigtable.cascade-step = {step}\nbigtable.cascade-order = \"{order}\"
bigtable.cascade-total-max = \"90d\"\nbigtable.delete-after = \"1000d\"\nbigtable.reroute-delay = \"0s\"\n"
            ),
        );
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let all: Vec<[f64; 3]> =
            (0..count).map(|r| cascade(&model, &play(&model, 75, r))).collect();
        assert!(all.iter().all(|[down, single, multi]| multi == down && single <= down));
        let column = |place: usize| all.iter().map(|row| row[place]).collect::<Vec<f64>>();
        let c = c as f64;
        agrees(&format!("7.5 c = {c} {order}: down"), &mean(&column(0)), 30.0 * c, 0.03);
        // By name the cluster c1 is the first of the others.
        let single = if order == "random" { (c + 1.0) * 15.0 } else { 30.0 };
        agrees(&format!("7.5 c = {c} {order}: single"), &mean(&column(1)), single, 0.03);
    }
}

/// 7.6: with Poisson writes at rate w and independent lags, the writes that only their cluster has
/// at a random instant are Poisson with mean w E[L] (M/G/infinity).
///
/// All writes go to the cluster whose key is disabled, which goes down at a sweep of random phase,
/// long after the start; the horizon comes before the cascade reaches the other cluster.
#[test]
fn writes_at_risk_are_poisson() {
    for (lag, mean_lag) in [
        ("{ exponential = { mean = \"2s\" } }", 2.0),
        ("{ uniform = { from = \"0s\", to = \"6s\" } }", 3.0),
        ("\"5s\"", 5.0),
        // mu = ln 1, sigma = ln 4 / z(0.95): the mean is exp(sigma^2 / 2).
        ("{ lognormal = { median = \"1s\", p95 = \"4s\" } }", 1.426_411_610_713_471),
    ] {
        let text = instance(
            "writes",
            "2h",
            2,
            &format!(
                "[bigtable.i]\ntables = 1\nreplication-lag = {lag}
[bigtable.i.app-profiles.single]\nrouting = {{ single-cluster = \"c0\" }}\nwrites = \"20/s\"
[[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k0\"
[model]\nkms.disable-propagation = \"0s\"\nbigtable.cascade-step = \"3h\"\n"
            ),
        );
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let count = replications(&model, 76, 30_000, |trace| {
            let told = trace.measures.iter().find(|(_, name, _)| *name == "writes-at-risk");
            told.and_then(|(_, _, value)| *value).expect("the instance is replicated")
        });
        agrees(&format!("7.6 {lag}: mean"), &mean(&count), 20.0 * mean_lag, 0.02);
        agrees(&format!("7.6 {lag}: variance"), &variance(&count), 20.0 * mean_lag, 0.05);
    }
}

/// The check of this file can fail: on a formula that is wrong by a tenth, on too few
/// replications, and on a number without uncertainty.
#[test]
fn a_wrong_formula_would_be_found() {
    let sample: Vec<f64> = (0..10_000).map(|i| f64::from(i % 100)).collect();
    assert_eq!(judge(&mean(&sample), 49.5, 0.02), Ok(()));
    assert!(judge(&mean(&sample), 54.5, 0.1).is_err_and(|why| why.contains("misses")));
    assert!(judge(&mean(&sample[..100]), 49.5, 0.02).is_err_and(|why| why.contains("more than")));
    assert!(judge(&mean(&[1.0; 9]), 1.0, 0.02).is_err_and(|why| why.contains("uncertainty")));
    assert!(judge(&variance(&sample), 833.25, 0.05).is_ok());
    assert!(judge(&variance(&sample), 916.0, 0.05).is_err());
}

/// 3.1: units that fail and are repaired on their own are up together, k out of n, as often as the
/// binomial distribution of their availabilities says, whatever the distribution of the repairs.
///
/// An external manager of three replicas, of which two are needed, behind two links, of which one
/// is needed: up time 100 h, repair 5 h each. A run starts with everything up, which lowers its
/// unavailability by less than 5 h in 876,000 h.
#[test]
fn k_out_of_n() {
    let formula = 1.0 - 0.993413238311197 * 0.997732426303855;
    for repair in ["exponential = { mean = \"5h\" }", "gamma = { mean = \"5h\", shape = 4.0 }"] {
        let text = format!(
            "schema = 1\n[scenario]\nname = \"units\"\nstart = 2026-03-02T08:00:00Z
horizon = \"36500d\"\n[ekm.vault]\nreplicas = 3\nreplicas-needed = 2\nlinks = 2
replica-failure = {{ exponential = {{ mean = \"100h\" }} }}\nreplica-repair = {{ {repair} }}
link-failure = {{ weibull = {{ scale = \"112.837917h\", shape = 2.0 }} }}\nlink-repair = {{ {repair} }}\n"
        );
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let down = replications(&model, 73, 30, |trace| {
            1.0 - model.outcome(trace.clone()).measures["ekm.vault.availability"].unwrap()
        });
        agrees(&format!("3.1 {repair}: unavailability"), &mean(&down), formula, 0.05);
    }
}

/// The beta factor: of a hazard with rate 1/m that hits n targets, each target has its own
/// occurrences with rate (1 - b)/m, and all have common ones with rate b/m. With outages of mean d,
/// A_own = m/(1-b) / (m/(1-b) + d) and A_common = m/b / (m/b + d); a target is up A_own A_common of
/// the time, and all are down at once 1 - A_common (1 - (1 - A_own)^n) of it.
#[test]
fn common_causes() {
    let (m, d) = (100.0, 5.0);
    for beta in [0.0, 0.2, 1.0] {
        let up = |share: f64| if share == 0.0 { 1.0 } else { (m / share) / (m / share + d) };
        let (own, common) = (up(1.0 - beta), up(beta));
        let text = format!(
            "schema = 1\n[scenario]\nname = \"common\"\nstart = 2026-03-02T08:00:00Z
horizon = \"36500d\"\n[keys.a]\nlocation = \"us-east1\"\n[keys.b]\nlocation = \"us-west1\"
[[hazards]]\nname = \"outage\"\ndo = \"kms-outage\"\nlocation = [\"us-east1\", \"us-west1\"]
beta = {beta:?}\nevery = {{ exponential = {{ mean = \"100h\" }} }}
lasts = {{ exponential = {{ mean = \"5h\" }} }}\n"
        );
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let places =
            ["kms.us-east1", "kms.us-west1"].map(|path| state(&model, path, "unavailable"));
        let (mut one, mut both) = (Vec::new(), Vec::new());
        for replication in 0..30 {
            let outcome = model.outcome(play(&model, 74, replication));
            let down = places.map(|(entity, state)| {
                let stays = outcome.timeline[entity.0 as usize].iter();
                let down = stays.filter(|stay| stay.state == state);
                down.map(|stay| (stay.from.seconds(), stay.to.seconds())).collect::<Vec<_>>()
            });
            let whole = 36_500.0 * 86_400.0;
            one.push(down[0].iter().map(|(from, to)| to - from).sum::<f64>() / whole);
            both.push(common_length(&down[0], &down[1]) / whole);
        }
        let formula = 1.0 - own * common;
        agrees(&format!("beta = {beta}: one down"), &mean(&one), formula, 0.05);
        let formula = 1.0 - common * (1.0 - (1.0 - own) * (1.0 - own));
        agrees(&format!("beta = {beta}: both down"), &mean(&both), formula, 0.05);
    }
}

/// Length of what two ordered lists of stretches have in common.
fn common_length(a: &[(f64, f64)], b: &[(f64, f64)]) -> f64 {
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    while i < a.len() && j < b.len() {
        sum += (a[i].1.min(b[j].1) - a[i].0.max(b[j].0)).max(0.0);
        if a[i].1 < b[j].1 { i += 1 } else { j += 1 }
    }
    sum
}
