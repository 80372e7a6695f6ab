//! The summary of a run: as JSON, and on one screen.

use super::risks::{Risk, Risks};
use super::work::{self, Stall};
use super::{Run, SCHEMA};
use crate::diag::{self, Severity};
use crate::engine::trace::Seq;
use crate::engine::{EntityId, SimDuration};
use crate::experiment::attribution::{Stretch, charged};
use crate::experiment::outcome::Measures;
use crate::scenario::{Bound, Condition};
use crate::systems;
use crate::systems::spec::{Default, Node, Origin, ParamSpec, Role};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A share of an entity's time, charged to a root event and a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Whose time.
    pub entity: EntityId,
    /// What the time was.
    pub state: &'static str,
    /// Part of the course of things.
    pub phase: &'static str,
    /// The event that began the trouble, as a `seq` of `events.csv`.
    pub root: Option<Seq>,
    /// How much.
    pub span: SimDuration,
}

/// The charged time of a run, summed by entity, state, root and phase. Sums are of whole
/// nanoseconds, so the shares of a state add up to its time exactly.
pub fn shares(run: &Run) -> Vec<Share> {
    let mut sums: BTreeMap<(EntityId, &str, Option<Seq>, &str), u64> = BTreeMap::new();
    let charging: BTreeSet<EntityId> = run.outcome.trace.charges.iter().map(|c| c.entity).collect();
    for entity in charging {
        for Stretch { state, phase, root, from, to } in charged(entity, &run.entities, run.outcome)
        {
            *sums.entry((entity, state, root, phase)).or_default() +=
                to.saturating_since(from).ns();
        }
    }
    sums.into_iter()
        .map(|((entity, state, root, phase), ns)| Share {
            entity,
            state,
            phase,
            root,
            span: SimDuration::from_ns(ns).unwrap_or(SimDuration::MAX),
        })
        .collect()
}

/// A constant that no source gives, and that the result hangs on.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Assumption {
    /// Its path.
    pub parameter: String,
    /// Its value, as a scenario file writes it.
    pub value: String,
    /// What it means.
    pub meaning: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

/// The assumed constants that the run drew on and that the user left at their default.
pub fn assumptions(run: &Run) -> Vec<Assumption> {
    let used = |path: &str| run.outcome.trace.used.contains(&path);
    assumed(&run.scenario.root, used)
}

/// The assumed constants that something drew on and that the user left at their default.
pub(super) fn assumed(root: &Node, used: impl Fn(&str) -> bool) -> Vec<Assumption> {
    let mut found = Vec::new();
    for system in systems::ALL {
        let node = systems::contract::model(root, system.name);
        for spec in system.model {
            let path = format!("model.{}.{}", system.name, spec.name);
            let default = node.get(spec.name).is_some_and(|node| node.origin == Origin::Default);
            if default && spec.source.starts_with("assumed") && used(&path) {
                found.push(Assumption {
                    parameter: path,
                    value: value_of(spec),
                    meaning: spec.doc,
                    source: spec.source,
                });
            }
        }
    }
    found
}

fn value_of(spec: &ParamSpec) -> String {
    match spec.default {
        Default::Value(text) => text.to_owned(),
        Default::Required | Default::Absent => String::new(),
    }
}

/// A bound with its value and verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Path of the measure.
    pub measure: String,
    /// What must hold.
    pub condition: String,
    /// What it is.
    pub value: Option<f64>,
    /// `pass` or `fail`.
    pub verdict: &'static str,
    /// Why it must hold.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub because: String,
}

/// Judges bounds against a run.
pub fn verdicts(run: &Run, bounds: &[Bound]) -> Vec<Verdict> {
    bounds
        .iter()
        .map(|bound| {
            let (value, holds) = run.outcome.judge(bound);
            Verdict {
                measure: format!("{}.{}", bound.entity, bound.measure),
                condition: condition(bound),
                value,
                verdict: if holds { "pass" } else { "fail" },
                because: bound.because.clone(),
            }
        })
        .collect()
}

pub(super) fn condition(bound: &Bound) -> String {
    let show = |value: f64| quantity(Some(value), bound.unit);
    match bound.condition {
        Condition::Never => "never".to_owned(),
        Condition::Within { low: Some(low), high: Some(high) } if low == high => {
            format!("exactly {}", show(low))
        }
        Condition::Within { low: Some(low), high: Some(high) } => {
            format!("between {} and {}", show(low), show(high))
        }
        Condition::Within { low: Some(low), high: None } => format!("at least {}", show(low)),
        Condition::Within { low: None, high: Some(high) } => format!("at most {}", show(high)),
        Condition::Within { low: None, high: None } => "any value".to_owned(),
    }
}

/// A measure with its unit, for people: durations in words, shares in percent.
pub fn quantity(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else {
        // A duration that does not exist is the time to something that never comes.
        return if unit == "s" { "never" } else { "undefined" }.to_owned();
    };
    if !value.is_finite() {
        return "undefined".to_owned();
    }
    match unit {
        "s" => rounded(SimDuration::from_seconds_f64(value)).to_string(),
        "fraction" => percent(value),
        "USD" => format!("USD {value:.2}"),
        _ => count(value),
    }
}

/// A duration that people read: to the second above a minute, to the millisecond below.
fn rounded(span: SimDuration) -> SimDuration {
    let grain = if span >= SimDuration::from_secs(60) { 1_000_000_000 } else { 1_000_000 };
    SimDuration::from_ns((span.ns() + grain / 2) / grain * grain).unwrap_or(span)
}

/// A share with as many digits as tell it from one and from zero: 99.998 %, not 100 %.
fn percent(share: f64) -> String {
    if share == 1.0 || share == 0.0 {
        return format!("{} %", share * 100.0);
    }
    let mut digits = 2;
    let mut gap = (1.0 - share).abs().min(share.abs()) * 100.0;
    while gap < 0.05 && digits < 9 {
        gap *= 10.0;
        digits += 1;
    }
    format!("{:.digits$} %", share * 100.0)
}

/// A number with thousands kept apart.
pub(super) fn count(value: f64) -> String {
    if !value.is_finite() {
        return "undefined".to_owned();
    }
    if value.abs() < 10.0 && value.fract() != 0.0 {
        return format!("{value:.3}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        if place > 0 && left % 3 == 0 && digit != '-' && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[derive(Serialize)]
struct ScenarioJson<'a> {
    name: &'a str,
    description: &'a str,
    start: String,
    horizon_s: f64,
    sha256: String,
}

/// What the keys of a scenario protect of a system's data, and what they do not.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Protected {
    /// The system.
    pub system: &'static str,
    /// Its entities whose data is under a key, with that key.
    pub under: BTreeMap<String, String>,
    /// Classes of data that the keys protect.
    pub covered: Vec<DataClass>,
    /// Classes of data that stay under Google's own keys.
    pub uncovered: Vec<DataClass>,
}

/// A class of data, with the rule that says how it is protected.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct DataClass {
    /// In words.
    pub data: &'static str,
    /// The rule.
    pub rule: &'static str,
}

/// What is protected of each system that uses a key.
pub fn protection(run: &Run) -> Vec<Protected> {
    let class = |&(data, rule): &(&'static str, &'static str)| DataClass { data, rule };
    let of = |system: &&'static systems::spec::System| {
        let protects = system.protects?;
        let uses = (system.uses)(&run.scenario.root);
        let under: BTreeMap<String, String> =
            uses.into_iter().map(|used| (used.by, used.key)).collect();
        (!under.is_empty()).then(|| Protected {
            system: system.name,
            under,
            covered: protects.covered.iter().map(class).collect(),
            uncovered: protects.uncovered.iter().map(class).collect(),
        })
    };
    systems::ALL.iter().filter_map(of).collect()
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    version: &'static str,
    command: &'static str,
    scenario: ScenarioJson<'a>,
    seed: u64,
    fingerprint: String,
    measures: &'a Measures,
    objectives: Vec<Verdict>,
    expectations: Vec<Verdict>,
    protection: Vec<Protected>,
    risks: Vec<Risk>,
    stalls: Vec<Stall>,
    warnings: Vec<String>,
    assumptions: Vec<Assumption>,
}

/// The warnings that a reader must know before trusting the numbers.
pub fn warnings(run: &Run) -> Vec<String> {
    let told = run.scenario.warnings.iter().filter(|d| d.severity == Severity::Warning);
    let told = told.map(|diagnostic| diagnostic.message.clone());
    told.chain(undefined(run)).chain([ONE_REPLICATION.to_owned()]).collect()
}

/// BT-24: where the run met what no document describes, so that its outcome was drawn.
fn undefined(run: &Run) -> Vec<String> {
    let met = |path: &str| value(run, path, "undefined-behaviour").filter(|times| *times > 0.0);
    let told = run.entities.iter().filter_map(|(path, _)| Some((path, met(path)?)));
    told.map(|(path, times)| {
        let times = if times == 1.0 { "once".to_owned() } else { format!("{} times", count(times)) };
        format!(
            "undefined behaviour: {path} met an unusable key version beside usable ones {times}, for which no behaviour is documented (BT-24): what followed was drawn"
        )
    })
    .collect()
}

/// The trajectory's fingerprint as text.
pub fn fingerprint(run: &Run) -> String {
    format!("{:016x}", run.outcome.trace.fingerprint())
}

/// `summary.json`.
pub fn json(run: &Run) -> Vec<u8> {
    let scenario = run.scenario;
    let summary = Json {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: "run",
        scenario: ScenarioJson {
            name: &scenario.name,
            description: &scenario.description,
            start: scenario.start.to_string(),
            horizon_s: scenario.horizon.seconds(),
            sha256: super::files::sha256(scenario.sources.0[0].text.as_bytes()),
        },
        seed: scenario.seed,
        fingerprint: fingerprint(run),
        measures: &run.outcome.measures,
        objectives: verdicts(run, &scenario.objectives),
        expectations: verdicts(run, &scenario.expect),
        protection: protection(run),
        risks: Risks::of(run.model).list(),
        stalls: work::stalls(run),
        warnings: warnings(run),
        assumptions: assumptions(run),
    };
    let mut bytes = serde_json::to_vec_pretty(&summary).expect("a summary is plain data");
    bytes.push(b'\n');
    bytes
}

/// A text on one line, without anything that a terminal obeys.
pub(super) fn one_line(text: &str) -> String {
    let pieces = text.split(['\n', '\r', '\t']).filter(|piece| !piece.trim().is_empty());
    diag::plain(&pieces.collect::<Vec<_>>().join(" "))
}

/// Lines of the course of events that fit on a screen.
const LINES_MAX: usize = 16;
/// Verdicts that fit on a screen beside everything else.
const VERDICTS_MAX: usize = 5;
/// Rows of entities that fit on a screen.
const ROWS_MAX: usize = 12;

/// The summary on one screen.
pub fn screen(run: &Run) -> String {
    let mut out = String::new();
    let scenario = run.scenario;
    let _ = writeln!(
        out,
        "{}  ({} from {}, seed {})",
        scenario.name, scenario.horizon, scenario.start, scenario.seed
    );
    if !scenario.description.is_empty() {
        let _ = writeln!(out, "{}", one_line(&scenario.description));
    }
    course(run, &mut out);
    table(run, &mut out);
    work::screen(run, &mut out);
    losses(run, &mut out);
    protected(run, &mut out);
    judgements(run, &mut out);
    let assumed = assumptions(run);
    if !assumed.is_empty() {
        let _ = writeln!(out, "\nAssumed, for no source gives a number (see summary.json)");
        for assumption in &assumed {
            let _ = writeln!(out, "  {} = {}", assumption.parameter, assumption.value);
        }
    }
    let undefined = undefined(run);
    if !undefined.is_empty() {
        out.push('\n');
    }
    for warning in undefined.iter().take(ROWS_MAX) {
        let _ = writeln!(out, "{}", capital(warning));
    }
    let _ = writeln!(out, "\n{}", capital(ONE_REPLICATION));
    out
}

/// The words that stand for the uncertainty that a single run cannot state.
const ONE_REPLICATION: &str =
    "one replication: every number is one draw of chance, without a statement of its uncertainty";

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// What happened when: root events, and the transitions of keys and systems.
fn course(run: &Run, out: &mut String) {
    let _ = writeln!(out, "\nWhat happened");
    let telling: Vec<(usize, &crate::engine::Record)> = run
        .outcome
        .trace
        .records
        .iter()
        .enumerate()
        .filter(|(_, record)| {
            let role = run.kind(record.entity).role;
            let moves = record.from != record.to;
            record.cause.is_none() || (moves && [Role::Key, Role::System].contains(&role))
        })
        .collect();
    if telling.is_empty() {
        let _ = writeln!(out, "  nothing");
    }
    let skipped = telling.len().saturating_sub(LINES_MAX);
    let head = if skipped > 0 { LINES_MAX / 2 } else { telling.len() };
    for (place, (_, record)) in telling.iter().enumerate() {
        if place >= head && place < head + skipped {
            if place == head {
                let _ = writeln!(out, "  ... {skipped} more in events.csv");
            }
            continue;
        }
        let offset = rounded(SimDuration::from_ns(record.at.ns()).unwrap_or(SimDuration::MAX));
        let name = |state| run.state(record.entity, state);
        let states = format!("{} -> {}", name(record.from), name(record.to));
        let words = match (record.detail.as_ref(), record.from == record.to) {
            ("", true) => String::new(),
            ("", false) => format!("  {states}"),
            (detail, true) => format!(": {detail}"),
            (detail, false) => format!(": {detail} ({states})"),
        };
        let path = run.path(record.entity);
        let _ = writeln!(
            out,
            "  {:>14}  {} [{}]",
            format!("+{offset}"),
            one_line(&format!("{path}{words}")),
            record.rule
        );
    }
}

fn value(run: &Run, path: &str, measure: &str) -> Option<f64> {
    run.outcome.measures.get(&format!("{path}.{measure}")).copied().flatten()
}

/// Availability and downtime of the systems (not of keys, and not of every cluster).
fn table(run: &Run, out: &mut String) {
    let shown: Vec<&str> = run
        .entities
        .iter()
        .filter(|(_, kind)| [Role::System, Role::Client].contains(&kind.role))
        .map(|(path, _)| *path)
        .collect();
    if shown.is_empty() {
        return;
    }
    let mut worst = shown.clone();
    let downtime = |path: &str| value(run, path, "downtime").unwrap_or(0.0);
    worst.sort_by(|a, b| downtime(b).total_cmp(&downtime(a)).then(a.cmp(b)));
    worst.truncate(ROWS_MAX);
    worst.sort_unstable();
    let width = worst.iter().map(|path| path.len()).max().unwrap_or(0);
    let _ = writeln!(
        out,
        "\n{:width$}  {:>13}  {:>16}  {:>7}  {:>16}",
        "", "availability", "downtime", "outages", "longest outage"
    );
    for path in &worst {
        let cell = |measure, unit| quantity(value(run, path, measure), unit);
        let _ = writeln!(
            out,
            "{path:width$}  {:>13}  {:>16}  {:>7}  {:>16}",
            cell("availability", "fraction"),
            cell("downtime", "s"),
            cell("outages", "count"),
            cell("longest-outage", "s"),
        );
    }
    if shown.len() > worst.len() {
        let _ = writeln!(
            out,
            "... {} more in summary.json; shown are those with most downtime",
            shown.len() - worst.len()
        );
    }
}

/// What was lost, and what stays so.
fn losses(run: &Run, out: &mut String) {
    let mut lines = Vec::new();
    for (path, kind) in &run.entities {
        if kind.measures.iter().all(|measure| measure.name != "irreversible") {
            continue;
        }
        if value(run, path, "irreversible") == Some(1.0) {
            let last = run.outcome.timeline[run.model.entity(path).0 as usize].last();
            let state = last.map_or("", |stay| run.state(run.model.entity(path), stay.state));
            lines.push(format!("{path} is {state}: irreversible"));
        } else if value(run, path, "time-to-lockout").is_some()
            && value(run, path, "time-to-recovery").is_none()
        {
            lines.push(format!("{path} is not back by the horizon, but can come back"));
        }
        let writes = |measure| value(run, path, measure).unwrap_or(0.0);
        if writes("writes-at-risk") > 0.0 {
            lines.push(format!(
                "{path}: {} acknowledged writes at risk (the oldest {} old), {} delayed, {} lost",
                count(writes("writes-at-risk")),
                quantity(value(run, path, "writes-at-risk-age"), "s"),
                count(writes("writes-delayed")),
                count(writes("writes-lost")),
            ));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\nLosses");
    }
    let more = lines.len().saturating_sub(ROWS_MAX);
    for line in lines.iter().take(ROWS_MAX) {
        let _ = writeln!(out, "  {line}");
    }
    if more > 0 {
        let _ = writeln!(out, "  ... {more} more in summary.json");
    }
}

/// What the keys protect, and what they do not.
fn protected(run: &Run, out: &mut String) {
    for system in protection(run) {
        let words = |classes: &[DataClass]| {
            // Neighbours with the same rule share its citation.
            let by_rule = classes.chunk_by(|one, next| one.rule == next.rule).map(|same| {
                let data: Vec<&str> = same.iter().map(|class| class.data).collect();
                format!("{} [{}]", data.join("; "), same[0].rule)
            });
            by_rule.collect::<Vec<_>>().join("; ")
        };
        let _ = writeln!(out, "\nUnder the keys of {}: {}", system.system, words(&system.covered));
        if !system.uncovered.is_empty() {
            let _ = writeln!(out, "Not under them: {}", words(&system.uncovered));
        }
    }
}

/// Objectives and expectations.
fn judgements(run: &Run, out: &mut String) {
    for (title, bounds) in
        [("Objectives", &run.scenario.objectives), ("Expectations", &run.scenario.expect)]
    {
        if bounds.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{title}");
        let judged = verdicts(run, bounds);
        let passed = judged.iter().filter(|verdict| verdict.verdict == "pass").count();
        // On one screen: what passed is counted, what failed is shown.
        let crowded = judged.len() > VERDICTS_MAX;
        if crowded {
            let _ = writeln!(out, "  {passed} of {} pass", judged.len());
        }
        let told = |verdict: &Verdict| !crowded || verdict.verdict == "fail";
        for (verdict, bound) in
            judged.iter().zip(bounds).filter(|(verdict, _)| told(verdict)).take(ROWS_MAX)
        {
            let is = quantity(verdict.value, bound.unit);
            let _ = writeln!(
                out,
                "  {}  {} is {is}, wanted {}",
                verdict.verdict, verdict.measure, verdict.condition
            );
        }
    }
}
