//! The shipped scenarios: what each must show if the model is right, for its own seed and for
//! others; the laws of the engine on each of them; and that a wrong expectation, or a wrong model,
//! is found out.

use cmeksim::diag;
use cmeksim::engine::Budget;
use cmeksim::experiment::Model;
use cmeksim::experiment::outcome::Outcome;
use cmeksim::scenario::read::{Overrides, read};
use cmeksim::scenario::resolved::resolved;
use cmeksim::scenario::{Bound, Scenario};
use cmeksim::systems;
use cmeksim::systems::contract::SweepMode;
use std::path::{Path, PathBuf};

/// Seeds besides its own for which the expectations of each scenario are tried.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=20;

/// Every shipped scenario, in the order of their names.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(&folder).expect("the folder of the scenarios can be read");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scenario in {}", folder.display());
    files
}

fn stem(file: &Path) -> String {
    file.file_stem().expect("a scenario has a name").to_string_lossy().into_owned()
}

fn bytes(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()))
}

/// A scenario from its text.
fn parse(name: &str, bytes: &[u8], overrides: &Overrides) -> Scenario {
    let none = |_: &str| Err("shipped scenarios stand alone".to_owned());
    read(name, bytes, overrides, &none)
        .unwrap_or_else(|(found, sources)| panic!("{}", diag::render(&found, &sources, false)))
}

fn load(file: &Path, overrides: &Overrides) -> Scenario {
    parse(&file.display().to_string(), &bytes(file), overrides)
}

/// The command that repeats a run.
fn command(name: &str, options: &str) -> String {
    format!("cargo run --release -q -- run scenarios/{name}.toml --no-charts{options}")
}

/// A run, and the fingerprint of its trajectory.
fn play(scenario: &Scenario, sweeps: SweepMode) -> (Outcome, u64) {
    let model = Model::new(scenario);
    let trace = model
        .replicate(scenario.seed, 0, sweeps, Budget::default())
        .unwrap_or_else(|halt| panic!("{}: {halt}", scenario.name));
    let fingerprint = trace.fingerprint();
    (model.outcome(trace), fingerprint)
}

/// The expectations that do not hold, in words.
fn broken(scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let words = |bound: &Bound| match outcome.judge(bound) {
        (_, true) => None,
        (value, false) => Some(format!(
            "  {}.{} is {value:?}, wanted {:?}: {}",
            bound.entity, bound.measure, bound.condition, bound.because
        )),
    };
    scenario.expect.iter().filter_map(words).collect()
}

/// Ids of rules in a text: capitals, a hyphen, two digits.
fn cited(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| {
            let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            let capitals = |text: &str| text.bytes().all(|b| b.is_ascii_uppercase());
            word.split_once('-').is_some_and(|(kind, number)| capitals(kind) && digits(number))
        })
        .collect()
}

fn report(what: &str, failures: &[String]) {
    assert!(failures.is_empty(), "{what}:\n{}\n", failures.join("\n"));
}

/// Warnings of scenarios that ask about just what they warn of.
const ASKED_ABOUT: &[(&str, &str)] = &[
    ("sweep-manager-and-grace", "manager-availability"),
    ("sweep-service-and-crew", "manager-availability"),
];

#[test]
fn each_says_what_it_must_show_and_by_which_rules() {
    let mut failures = Vec::new();
    for file in files() {
        let (name, scenario) = (stem(&file), load(&file, &Overrides::default()));
        let mut fail = |what: String| failures.push(format!("{name}: {what}"));
        if scenario.name != name {
            fail(format!("the scenario is called `{}`", scenario.name));
        }
        if scenario.description.trim().is_empty() {
            fail("it has no description".to_owned());
        }
        if scenario.expect.is_empty() {
            fail("it expects nothing".to_owned());
        }
        let asked = |code: &str| ASKED_ABOUT.contains(&(name.as_str(), code));
        for warning in scenario.warnings.iter().filter(|warning| !asked(warning.code)) {
            fail(format!("it gives a warning: {}", warning.message));
        }
        for bound in &scenario.expect {
            let ids = cited(&bound.because);
            let of = format!("the expectation of {}.{}", bound.entity, bound.measure);
            if ids.is_empty() {
                fail(format!("{of} cites no rule: {:?}", bound.because));
            }
            // Dated incidents and frequencies are facts of the reading, not rules of the model.
            let facts = ["INC-", "FRQ-"];
            let rules = ids.iter().filter(|id| !facts.iter().any(|fact| id.starts_with(fact)));
            for id in rules.filter(|id| systems::rule(id).is_none()) {
                fail(format!("{of} cites {id}, which is no rule of the model"));
            }
        }
    }
    report("not well-formed", &failures);
}

#[test]
fn expectations_hold() {
    let mut failures = Vec::new();
    for file in files() {
        let scenario = load(&file, &Overrides::default());
        let broken = broken(&scenario, &play(&scenario, SweepMode::Decisive).0);
        if !broken.is_empty() {
            failures.push(command(&stem(&file), ""));
            failures.extend(broken);
        }
    }
    report("expectations that do not hold; repeat with", &failures);
}

#[test]
fn expectations_hold_for_other_seeds() {
    let mut failures = Vec::new();
    for file in files() {
        for seed in SEEDS {
            let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
            let scenario = load(&file, &overrides);
            let broken = broken(&scenario, &play(&scenario, SweepMode::Decisive).0);
            if !broken.is_empty() {
                failures.push(command(&stem(&file), &format!(" --seed {seed}")));
                failures.extend(broken);
            }
        }
    }
    report("expectations that hang on the seed; repeat with", &failures);
}

#[test]
fn scheduling_every_sweep_changes_nothing() {
    let mut failures = Vec::new();
    for file in files() {
        let (name, scenario) = (stem(&file), load(&file, &Overrides::default()));
        let (decisive, few) = play(&scenario, SweepMode::Decisive);
        let (all, every) = play(&scenario, SweepMode::All);
        if few != every {
            failures.push(format!("  {name}: fingerprints {few:016x} and {every:016x}"));
        }
        for ((path, value), (other_path, other)) in
            decisive.measures.iter().zip(all.measures.iter())
        {
            if (path, value) != (other_path, other) {
                failures.push(format!("  {path}: {value:?} and {other:?}"));
            }
        }
        if decisive.measures.iter().count() != all.measures.iter().count() {
            failures.push(format!("  {name}: not the same measures"));
        }
        if !failures.is_empty() {
            failures.insert(0, command(&name, " --sweeps all"));
            failures.insert(0, command(&name, " --sweeps decisive"));
            break;
        }
    }
    report("the two ways of scheduling sweeps differ; repeat with", &failures);
}

#[test]
fn a_second_run_is_the_same() {
    let mut failures = Vec::new();
    for file in files() {
        let runs = [(); 2].map(|()| {
            let scenario = load(&file, &Overrides::default());
            let (outcome, fingerprint) = play(&scenario, SweepMode::Decisive);
            (outcome.measures, fingerprint)
        });
        if runs[0] != runs[1] {
            failures.push(command(&stem(&file), ""));
        }
    }
    report("two runs differ; repeat twice", &failures);
}

#[test]
fn another_seed_is_another_run() {
    let same = files().iter().all(|file| {
        let runs = [11, 12].map(|seed| {
            let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
            play(&load(file, &overrides), SweepMode::Decisive).1
        });
        runs[0] == runs[1]
    });
    assert!(!same, "no scenario has a fingerprint that the seed changes");
}

#[test]
fn what_was_resolved_gives_the_same_run() {
    let mut failures = Vec::new();
    for file in files() {
        let scenario = load(&file, &Overrides::default());
        let text = resolved(&scenario);
        let again = parse("resolved.toml", text.as_bytes(), &Overrides::default());
        let (first, one) = play(&scenario, SweepMode::Decisive);
        let (second, other) = play(&again, SweepMode::Decisive);
        let expected = broken(&again, &second);
        if one != other || first.measures != second.measures || !expected.is_empty() {
            let name = stem(&file);
            failures.push(command(&name, ""));
            failures.push(format!(
                "cargo run --release -q -- run output/{name}/run/resolved.toml --no-charts"
            ));
            failures.extend(expected);
        }
    }
    report("`resolved.toml` gives another run; repeat with", &failures);
}

/// A wrong expectation must be judged as failed, whichever condition it has.
#[test]
fn a_wrong_expectation_is_found_out() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/kms-down-40-min.toml");
    let right = bytes(&file);
    let wrong = [
        ("bigtable.shop.downtime", "at-least = \"1s\""),
        ("bigtable.shop.downtime", "exactly = \"1ns\""),
        ("bigtable.shop.downtime", "never = true"),
        ("keys.shop.unreachable-time", "at-most = \"39m 59s\""),
        ("keys.shop.unreachable-time", "between = [\"40m 1s\", \"8h\"]"),
        ("keys.shop.unreachable-time", "exactly = \"0s\""),
        ("bigtable.shop.time-to-first-error", "at-most = \"8h\""),
        ("bigtable.shop.time-to-recovery", "at-least = \"0s\""),
        ("bigtable.shop.sweeps", "exactly = 959"),
    ];
    for (measure, condition) in wrong {
        let mut text = right.clone();
        let more =
            format!("\n[[expect]]\nmeasure = \"{measure}\"\n{condition}\nbecause = \"canary\"\n");
        text.extend(more.bytes());
        let scenario = parse("canary.toml", &text, &Overrides::default());
        let broken = broken(&scenario, &play(&scenario, SweepMode::Decisive).0);
        assert_eq!(broken.len(), 1, "{measure} {condition}: {broken:?}");
        assert!(broken[0].contains("canary"), "{measure} {condition}: {broken:?}");
    }
}

/// A model with another constant must not pass: expectations that any model meets show nothing.
#[test]
fn a_wrong_model_is_found_out() {
    let wrong = [
        ("a-year-of-random-outages", "model.bigtable.sweep-period=\"10m\""),
        ("admin-operations-refused", "model.bigtable.sweep-period=\"10m\""),
        ("all-keys-disabled", "model.kms.enable-propagation=\"1h\""),
        ("all-keys-of-one-location", "model.kms.enable-propagation=\"1h\""),
        ("batch-job-and-sink-outage", "model.dataflow.batch-attempts=1000"),
        ("chained-jobs", "model.dataflow.start-time=\"10h\""),
        ("compute-engine-agent-revoked", "model.dataflow.worker-restart=\"18d\""),
        ("dataflow-own-key-disabled", "model.dataflow.start-time=\"2h\""),
        ("dataflow-own-key-disabled", "model.pubsub.retention=\"30m\""),
        ("dataflow-sink-key-disabled", "model.kms.disable-propagation=\"12h\""),
        ("dataflow-source-key-disabled", "model.pubsub.recovery-delivery=\"20h\""),
        ("destruction-not-restored", "model.kms.destroy-wait=\"60d\""),
        ("destruction-restored-in-time", "model.kms.destroy-wait=\"10d\""),
        ("destruction-restored-in-time", "model.bigtable.delete-after=\"19d\""),
        ("disabled-for-31-days", "model.bigtable.delete-after=\"32d\""),
        ("disabled-for-31-days", "model.bigtable.delete-after=\"28d\""),
        ("external-denial-sticks", "model.kms.manager-denial-sticks=false"),
        ("ekm-outage-and-jobs", "model.dataflow.transient-grace=\"10m\""),
        ("ekm-outage-and-jobs-literal", "model.dataflow.transient-grace=\"1h\""),
        ("external-manager-down-90-min", "model.bigtable.kms-grace=\"2h\""),
        ("external-manager-slow", "model.kms.ekm-timeout=\"400ms\""),
        ("fleet-200-instances-20-keys", "model.bigtable.kms-ops-per-sweep=2"),
        ("hsm-quota-exhausted", "model.kms.quota-hsm=\"4000/s\""),
        ("iam-cleanup-everywhere", "model.kms.policy-propagation=\"3h\""),
        ("incident-2020-04-08", "model.bigtable.kms-grace=\"48m\""),
        ("incident-2020-09-25", "model.bigtable.kms-grace=\"0s\""),
        ("incident-2024-06-10-sink", "model.dataflow.batch-retry=\"2h\""),
        ("incident-2025-06-12-dataflow", "model.dataflow.transient-grace=\"3h\""),
        ("incident-2025-06-12-dataflow", "model.dataflow.transient-grace=\"10m\""),
        ("incident-2025-06-12", "model.bigtable.grace-scope=\"cluster\""),
        ("incident-2025-06-12-long", "model.bigtable.kms-grace=\"2h\""),
        ("key-disabled-during-kms-outage", "model.bigtable.kms-grace=\"0s\""),
        ("kms-down-3-h", "model.bigtable.grace-scope=\"cluster\""),
        ("kms-down-40-min", "model.bigtable.kms-grace=\"30m\""),
        ("kms-down-40-min", "model.bigtable.best-effort-errors=0.01"),
        ("kms-flapping", "model.bigtable.sweep-period=\"20m\""),
        ("mistaken-denials", "model.bigtable.sweep-period=\"1h\""),
        ("one-manager-for-all-keys", "model.bigtable.kms-grace=\"2h\""),
        ("nightly-batch-and-kms-outage", "model.dataflow.start-time=\"24h\""),
        ("outage-longer-than-retention", "model.dataflow.halt-delay=\"12h\""),
        ("service-of-instances-and-a-job", "model.dataflow.start-time=\"12h\""),
        ("service-of-instances-and-a-job", "model.kms.disable-propagation=\"7h\""),
        ("snapshot-before-disable", "model.dataflow.snapshot-time=\"12h\""),
        ("old-version-holds-back-the-backlog", "model.pubsub.recovery-delivery=\"6h\""),
        ("one-key-disabled", "model.kms.disable-propagation=\"12h\""),
        ("streamed-rows-at-risk", "model.bigquery.outage-delay=\"1h\""),
        ("one-key-disabled", "model.bigtable.delete-after=\"12h\""),
        ("re-enabled-in-mid-cascade", "model.bigtable.cascade-step=\"10m\""),
        ("re-enabled-in-mid-cascade", "model.bigtable.cascade-order=\"random\""),
        ("replication-partition", "model.bigtable.reroute-delay=\"5m\""),
        ("response-automation", "model.kms.enable-propagation=\"1h\""),
        ("backups-on-another-key", "model.bigtable.sweep-period=\"10m\""),
        ("destruction-restored-but-not-enabled", "model.bigtable.delete-after=\"50d\""),
        ("grant-revoked-and-restored", "model.kms.policy-propagation=\"3h\""),
        ("group-change-takes-hours", "model.kms.group-propagation=\"1s\""),
        ("rotation-old-version-disabled-too-early", "model.kms.disable-propagation=\"10m\""),
        ("terraform-destroys-all-versions", "model.kms.disable-propagation=\"8h\""),
        ("sweep-cascade-and-routing", "model.kms.disable-propagation=\"5h\""),
        ("sweep-clusters-and-keys", "model.bigtable.delete-after=\"1s\""),
        ("sweep-manager-and-grace", "model.bigtable.sweep-period=\"10m\""),
        ("sweep-propagation-tail", "model.kms.disable-propagation=\"5h\""),
        ("sweep-response-and-deletion", "model.bigtable.delete-after=\"5d\""),
        ("sweep-service-and-crew", "model.bigtable.sweep-period=\"10m\""),
        ("sweep-tables-and-cost", "model.bigtable.kms-ops-per-sweep=2"),
        ("sweep-validation-period", "model.bigtable.sweep-period=\"1h\""),
    ];
    let mut failures = Vec::new();
    for file in files() {
        let name = stem(&file);
        let mut tried = false;
        for (_, set) in wrong.iter().filter(|(scenario, _)| *scenario == name) {
            tried = true;
            let passes = SEEDS.take(3).all(|seed| {
                let overrides = Overrides { sets: vec![(*set).to_owned()], seed: Some(seed) };
                let scenario = load(&file, &overrides);
                broken(&scenario, &play(&scenario, SweepMode::Decisive).0).is_empty()
            });
            if passes {
                failures.push(command(&name, &format!(" --set '{set}'")));
            }
        }
        if !tried {
            failures.push(format!("{name}: no wrong model is tried on it"));
        }
    }
    report("expectations that a wrong model meets too; repeat with", &failures);
}
