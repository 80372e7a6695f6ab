//! The model against a second implementation of it: 1,000 random small scenarios, every entity,
//! every second.

#[path = "support/agree.rs"]
mod agree;
mod reference;

use agree::{all_agree, all_are_noticed, manner};
use cmeksim::diag::{Diagnostic, Sources};
use cmeksim::engine::{Budget, Trace};
use cmeksim::experiment::Model;
use cmeksim::experiment::outcome::Measures;
use cmeksim::scenario::read::{Overrides, read};
use cmeksim::systems::contract::SweepMode;
use reference::plan::Plan;
use reference::{Clock, History, Luck, Mistake, NOT_SERVING};
use reference::{generate, shrink};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const SCENARIOS: u64 = 1_000;
const NS: u64 = 1_000_000_000;

/// From which second on each entity is in which state, by path.
type Histories = BTreeMap<String, Vec<(u64, &'static str)>>;

/// What the product says of a plan.
struct Product {
    histories: Histories,
    measures: Measures,
    luck: Luck,
}

/// Reads and plays the plan; a panic is one more way to disagree.
fn product(plan: &Plan) -> Result<Product, String> {
    std::panic::catch_unwind(|| play(plan)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("the product panics: {}", text.unwrap_or("without words")))
    })
}

/// Reads and plays the plan, both ways of scheduling the sweeps.
fn play(plan: &Plan) -> Result<Product, String> {
    let text = plan.toml();
    let overrides = Overrides { sets: vec![], seed: None };
    let scenario = read("random.toml", text.as_bytes(), &overrides, &|_| Err("no files".into()))
        .map_err(|(found, sources)| told(&found, &sources))?;
    let model = Model::new(&scenario);
    let play = |sweeps| {
        let trace = model.replicate(1, 0, sweeps, Budget::default());
        trace.map_err(|halt| format!("the product stopped: {halt:?}"))
    };
    let decisive = play(SweepMode::Decisive)?;
    let all = play(SweepMode::All)?;
    let histories = histories(&model, &decisive)?;
    let luck = luck(&model, &decisive);
    if !luck.fits(plan) {
        return Err(format!("replicas or links fail at other times than they may: {luck:?}"));
    }
    if decisive.fingerprint() != all.fingerprint() {
        return Err(format!(
            "fingerprints of decisive and of all sweeps differ\n{}",
            parting(&model, &decisive, &all)
        ));
    }
    if decisive.checks != all.checks {
        return Err(format!("{} checks if decisive, {} if all", decisive.checks, all.checks));
    }
    let measures = model.outcome(decisive).measures;
    for (path, value) in model.outcome(all).measures.iter() {
        let decisive = measures[path];
        if decisive.map(f64::to_bits) != value.map(f64::to_bits) {
            return Err(format!("{path} is {decisive:?} if decisive, {value:?} if all"));
        }
    }
    Ok(Product { histories, measures, luck })
}

/// When replicas and links of managers failed and were repaired, as the trace tells it.
fn luck(model: &Model, trace: &Trace) -> Luck {
    let entities: Vec<_> = model.entities().map(|(path, _)| path).collect();
    let mut luck = Luck::default();
    for record in &trace.records {
        let path = entities[usize::try_from(record.entity.0).expect("a few entities")];
        let words: Vec<&str> = record.detail.split([' ', ':']).collect();
        let kind = ["replica", "link"].iter().position(|word| words.first() == Some(word));
        if let (Some(manager), Some(kind)) = (path.strip_prefix("ekm."), kind) {
            let unit = words[1].parse().expect("units have numbers");
            let turns = luck.turns.entry((manager.to_owned(), kind, unit)).or_default();
            assert_eq!(turns.len() % 2 == 0, words[2] == "fails", "{}", record.detail);
            turns.push(record.at.ns() / NS);
        }
    }
    luck
}

fn told(found: &[Diagnostic], _: &Sources) -> String {
    let lines = found.iter().map(|wrong| {
        format!(
            "{}: {} ({})",
            wrong.code,
            wrong.message,
            wrong.help.as_deref().unwrap_or("no help")
        )
    });
    format!("the product refuses the scenario:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// The states of each entity; a state left within its second is not told.
fn histories(model: &Model, trace: &Trace) -> Result<Histories, String> {
    let entities: Vec<_> = model.entities().collect();
    let mut states: Vec<Vec<(u64, &'static str)>> = Vec::new();
    for (number, (_, kind)) in entities.iter().enumerate() {
        states.push(vec![(0, kind.states[usize::from(model.initial()[number])].name)]);
    }
    for record in &trace.records {
        let number = usize::try_from(record.entity.0).expect("a few entities");
        let (path, kind) = entities[number];
        let (at, history) = (record.at.ns(), &mut states[number]);
        if at % NS != 0 || at >= model.horizon().ns() {
            return Err(format!("{path} changes at {at} ns"));
        }
        let from = kind.states[usize::from(record.from)].name;
        let to = kind.states[usize::from(record.to)].name;
        let &(since, last) = history.last().expect("a history has a beginning");
        if last != from {
            return Err(format!("{path} leaves `{from}` at {at} ns, but it was in `{last}`"));
        }
        if since == at / NS {
            history.pop();
        }
        if history.last().is_none_or(|(_, last)| *last != to) {
            history.push((at / NS, to));
        }
    }
    Ok(entities.iter().map(|(path, _)| (*path).to_owned()).zip(states).collect())
}

/// Where two traces part.
fn parting(model: &Model, a: &Trace, b: &Trace) -> String {
    let place = a.records.iter().zip(&b.records).position(|(a, b)| a != b);
    let place = place.unwrap_or(a.records.len().min(b.records.len()));
    let entities: Vec<_> = model.entities().collect();
    let tell = |trace: &Trace| {
        trace.records.get(place).map_or("nothing".to_owned(), |record| {
            let (path, kind) = entities[usize::try_from(record.entity.0).expect("few entities")];
            let state = |state| kind.states[usize::from(state)].name;
            let (from, to) = (state(record.from), state(record.to));
            format!(
                "{} s: {path} {from} -> {to} by {} after {:?} ({})",
                record.at.seconds(),
                record.rule,
                record.cause,
                record.detail
            )
        })
    };
    format!("record {place}\n  decisive: {}\n  all:      {}", tell(a), tell(b))
}

/// Compares both implementations; tells the first difference.
fn compare(plan: &Plan) -> Result<(), String> {
    compare_with(&product(plan)?, plan, None)
}

/// Compares what the product says with what the reference does, or would by a mistake.
fn compare_with(product: &Product, plan: &Plan, mistake: Option<Mistake>) -> Result<(), String> {
    let reference = reference::run(plan, &product.luck, mistake);
    let until = reference.known_until;
    let mut first: Option<(u64, String)> = None;
    for history in &reference.histories {
        let Some(states) = product.histories.get(&history.path) else {
            return Err(format!("the product has no entity `{}`", history.path));
        };
        if let Some((at, text)) = difference(history, states)
            && at < until
            && first.as_ref().is_none_or(|(earlier, _)| at < *earlier)
        {
            first = Some((at, text));
        }
    }
    if let Some((_, text)) = first {
        return Err(text);
    }
    if product.histories.len() != reference.histories.len() {
        let known = |path: &String| reference.histories.iter().any(|h| h.path == *path);
        let more = product.histories.keys().filter(|path| !known(path));
        return Err(format!("the product has more entities: {:?}", more.collect::<Vec<_>>()));
    }
    if until < plan.horizon {
        return Ok(());
    }
    let from_states = reference.histories.iter().flat_map(|history| measures(plan, history));
    for (path, value) in from_states.chain(reference.measures) {
        same(&path, product.measures.get(&path), Some(value))?;
    }
    if let Clock::At(first_root) = reference.clock {
        for (path, value) in reference.histories.iter().flat_map(|h| times(first_root, h)) {
            same(&path, product.measures.get(&path), value)?;
        }
    }
    Ok(())
}

/// Compares a measure; sums of many parts may differ in their last digits.
fn same(path: &str, product: Option<&Option<f64>>, reference: Option<f64>) -> Result<(), String> {
    let Some(product) = product else {
        return Err(format!("the product has no measure `{path}`"));
    };
    let alike = match (product, reference) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
        (ours, theirs) => ours.is_none() && theirs.is_none(),
    };
    let (_, name) = path.rsplit_once('.').unwrap_or_default();
    let text = || format!("{name} of {path}: product {product:?} reference {reference:?}");
    if alike { Ok(()) } else { Err(text()) }
}

/// The first second at which an entity is in different states.
fn difference(reference: &History, product: &[(u64, &'static str)]) -> Option<(u64, String)> {
    let at = |list: &[(u64, &'static str)], second: u64| {
        let next = list.partition_point(|(since, _)| *since <= second);
        list[next - 1].1
    };
    let changes = reference.states.iter().chain(product).map(|(since, _)| *since);
    let wrong = changes.filter(|second| at(&reference.states, *second) != at(product, *second));
    let second = wrong.min()?;
    let mut text = format!("{} at second {second}: ", reference.path);
    let (ours, theirs) = (at(&reference.states, second), at(product, second));
    write!(text, "product `{theirs}`, reference `{ours}`").expect("strings take all");
    write!(text, "\n  product:   {product:?}\n  reference: {:?}", reference.states)
        .expect("strings take all");
    Some((second, text))
}

/// Measures that follow from the states.
fn measures(plan: &Plan, history: &History) -> Vec<(String, f64)> {
    let ends = history.states.iter().skip(1).map(|(since, _)| *since).chain([plan.horizon]);
    let stays: Vec<(&str, u64)> = history
        .states
        .iter()
        .zip(ends)
        .map(|((since, state), end)| (*state, end - since))
        .collect();
    let spent = |wanted: &dyn Fn(&str) -> bool| {
        stays.iter().filter(|(state, _)| wanted(state)).map(|(_, lasts)| *lasts).sum::<u64>()
    };
    let mut outages: Vec<u64> = Vec::new();
    let mut served = true;
    for (state, lasts) in &stays {
        let serves = !NOT_SERVING.contains(state);
        match outages.last_mut() {
            Some(last) if !serves && !served => *last += lasts,
            _ if !serves => outages.push(*lasts),
            _ => {}
        }
        served = serves;
    }
    let path = &history.path;
    let of = |name: &str, value: u64| (format!("{path}.{name}"), value as f64);
    let downtime = spent(&|state| NOT_SERVING.contains(&state));
    let mut measures = vec![
        of("downtime", downtime),
        of("outages", outages.len() as u64),
        of("longest-outage", outages.iter().copied().max().unwrap_or(0)),
    ];
    if !path.contains(".app-profiles.") {
        let share = 1.0 - downtime as f64 / plan.horizon as f64;
        measures.push((format!("{path}.availability"), share));
    }
    if path.starts_with("keys.") && !path.contains(".grants.") {
        measures.push(of("unreachable-time", spent(&|state| state == "unreachable")));
    }
    if path.starts_with("quotas.") {
        measures.push(of("over-quota-time", spent(&|state| state == "over-quota")));
    }
    if path.starts_with("bigtable.") && path.matches('.').count() == 1 {
        measures.push(of("degraded-time", spent(&|state| state == "degraded")));
    }
    measures
}

/// The changes of an entity: its history without the state it began in.
fn changes(history: &History) -> impl Iterator<Item = (u64, &'static str)> {
    let began = |state: &str| matches!(state, "serving" | "enabled" | "available");
    let states = history.states.iter().copied();
    states.skip_while(move |(since, state)| *since == 0 && began(state))
}

/// Times from the first disturbance on, of instances and app profiles.
fn times(first_root: Option<u64>, history: &History) -> Vec<(String, Option<f64>)> {
    let path = &history.path;
    let profile = path.contains(".app-profiles.");
    if !profile && (!path.starts_with("bigtable.") || path.matches('.').count() != 1) {
        return Vec::new();
    }
    let since_root = |second: u64| first_root.map(|root| (second - root) as f64);
    let find = |wanted: &dyn Fn(&str) -> bool| {
        let found = changes(history).find(|(_, state)| wanted(state));
        found.and_then(|(since, _)| since_root(since))
    };
    let recovery = match changes(history).last() {
        Some((since, "serving")) => since_root(since),
        _ => None,
    };
    vec![
        (format!("{path}.time-to-first-error"), find(&|state| state != "serving")),
        (format!("{path}.time-to-lockout"), find(&|state| NOT_SERVING.contains(&state))),
        (format!("{path}.time-to-recovery"), recovery),
    ]
}

/// What a person needs to look into a disagreement: the smallest scenario that shows it.
fn complaint(seed: u64, manner_of_it: &str) -> String {
    let alike = |plan: &Plan| compare(plan).is_err_and(|text| manner(&text) == manner_of_it);
    let small = shrink::shrink(generate::plan(seed), alike);
    let text = compare(&small).expect_err("shrinking keeps the disagreement");
    format!("from scenario {seed}: {text}\n\n{}\n", small.toml())
}

#[test]
fn the_product_agrees_with_the_reference_at_every_second() {
    all_agree(SCENARIOS, generate::plan, compare, complaint);
}

#[test]
fn a_reference_with_a_mistake_disagrees() {
    all_are_noticed(Mistake::ALL, SCENARIOS, generate::plan, product, compare_with);
}
