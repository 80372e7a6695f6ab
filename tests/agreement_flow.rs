//! Jobs and what they read and write against a second implementation of them: random small chains,
//! every entity at every second, every element in its place.

#[path = "support/agree.rs"]
mod agree;
#[path = "reference/flow.rs"]
mod flow;
#[path = "reference/flow_belt.rs"]
mod flow_belt;
#[path = "reference/flow_generate.rs"]
mod flow_generate;
#[path = "reference/flow_jobs.rs"]
mod flow_jobs;
#[path = "reference/flow_keys.rs"]
mod flow_keys;
#[path = "reference/flow_plan.rs"]
mod flow_plan;
#[path = "reference/flow_stores.rs"]
mod flow_stores;

use agree::{all_agree, all_are_noticed, manner};
use cmeksim::engine::{Budget, Trace};
use cmeksim::experiment::Model;
use cmeksim::experiment::outcome::Measures;
use cmeksim::scenario::read::{Overrides, read};
use cmeksim::systems::contract::SweepMode;
use flow::{Histories, Mistake};
use flow_plan::{Act, Event, Job, Kind, Plan, Store, Topic};
use proptest::prelude::*;

const SCENARIOS: u64 = 1_000;
const NS: u64 = 1_000_000_000;

/// What the product says of a plan.
struct Product {
    histories: Histories,
    measures: Measures,
}

/// Reads and plays the plan; a panic is one more way to disagree.
fn product(plan: &Plan) -> Result<Product, String> {
    std::panic::catch_unwind(|| play(plan)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("the product panics: {}", text.unwrap_or("without words")))
    })
}

/// The model of a plan, read the public way.
fn model(plan: &Plan) -> Result<Model, String> {
    let text = plan.toml();
    let scenario =
        read("chain.toml", text.as_bytes(), &Overrides::default(), &|_| Err("no files".into()))
            .map_err(|(found, sources)| cmeksim::diag::render(&found, &sources, false))?;
    Ok(Model::new(&scenario))
}

fn play(plan: &Plan) -> Result<Product, String> {
    let model = model(plan)?;
    let play = |sweeps| {
        let trace = model.replicate(1, 0, sweeps, Budget::default());
        trace.map_err(|halt| format!("the product stopped: {halt:?}"))
    };
    let decisive = play(SweepMode::Decisive)?;
    if plan.seed.is_multiple_of(4) {
        let all = play(SweepMode::All)?;
        if decisive.fingerprint() != all.fingerprint() {
            return Err("fingerprints of decisive and of all checks differ".to_owned());
        }
    }
    let histories = histories(&model, &decisive);
    Ok(Product { histories, measures: model.outcome(decisive).measures })
}

/// The states of each entity at whole seconds. What follows from an empty queue comes within a
/// second, and up to a few nanoseconds of rounding late: it counts from the second after it.
fn histories(model: &Model, trace: &Trace) -> Histories {
    let entities: Vec<_> = model.entities().collect();
    let mut states: Vec<Vec<(u64, &'static str)>> = Vec::new();
    for (number, (_, kind)) in entities.iter().enumerate() {
        states.push(vec![(0, kind.states[usize::from(model.initial()[number])].name)]);
    }
    for record in &trace.records {
        let number = usize::try_from(record.entity.0).expect("a few entities");
        let history = &mut states[number];
        let second = (record.at.ns().saturating_sub(NS / 1_000)).div_ceil(NS);
        let to = entities[number].1.states[usize::from(record.to)].name;
        if history.last().is_some_and(|(since, _)| *since == second) {
            history.pop();
        }
        if history.last().is_none_or(|(_, last)| *last != to) {
            history.push((second, to));
        }
    }
    entities.iter().map(|(path, _)| (*path).to_owned()).zip(states).collect()
}

/// Compares both implementations; tells the first difference.
fn compare(plan: &Plan) -> Result<(), String> {
    compare_with(&product(plan)?, plan, None)
}

/// Compares what the product says with what the reference does, or would by a mistake.
fn compare_with(product: &Product, plan: &Plan, mistake: Option<Mistake>) -> Result<(), String> {
    let reference = flow::run(plan, mistake);
    let mut first: Option<(u64, String)> = None;
    for (path, states) in &reference.histories {
        let Some(ours) = product.histories.get(path) else {
            return Err(format!("the product has no entity `{path}`"));
        };
        if let Some((at, text)) = difference(path, states, ours, plan.horizon)
            && first.as_ref().is_none_or(|(earlier, _)| at < *earlier)
        {
            first = Some((at, text));
        }
    }
    if let Some((_, text)) = first {
        return Err(text);
    }
    let known = |path: &str| {
        let others = ["quotas.", "bigtable."];
        reference.histories.contains_key(path) || others.iter().any(|of| path.starts_with(of))
    };
    if let Some(more) = product.histories.keys().find(|path| !known(path)) {
        return Err(format!("the product has one more entity: {more}"));
    }
    for (path, value, by) in reference.measures {
        same(&path, product.measures.get(&path), value, by)?;
    }
    Ok(())
}

fn same(
    path: &str,
    product: Option<&Option<f64>>,
    reference: Option<f64>,
    by: f64,
) -> Result<(), String> {
    let Some(product) = product else {
        return Err(format!("the product has no measure `{path}`"));
    };
    let alike = match (product, reference) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= by,
        (ours, theirs) => ours.is_none() && theirs.is_none(),
    };
    let (_, name) = path.rsplit_once('.').unwrap_or_default();
    let text = || format!("{name} of {path}: product {product:?} reference {reference:?}");
    if alike { Ok(()) } else { Err(text()) }
}

/// The first second at which an entity is in different states.
fn difference(
    path: &str,
    reference: &[(u64, &'static str)],
    product: &[(u64, &'static str)],
    horizon: u64,
) -> Option<(u64, String)> {
    let at = |list: &[(u64, &'static str)], second: u64| {
        let next = list.partition_point(|(since, _)| *since <= second);
        list[next - 1].1
    };
    let changes = reference.iter().chain(product).map(|(since, _)| *since);
    let wrong = changes.filter(|second| at(reference, *second) != at(product, *second));
    let second = wrong.filter(|second| *second < horizon).min()?;
    let (ours, theirs) = (at(product, second), at(reference, second));
    let kind = path.split('.').next().unwrap_or_default();
    let text = format!(
        "{kind}: product `{ours}`, reference `{theirs}`, {path} at second {second}\n  product:   \
         {product:?}\n  reference: {reference:?}"
    );
    Some((second, text))
}

/// The smallest plan that still disagrees in the same manner: events and all that nothing else
/// needs are left out one by one.
fn shrink(mut plan: Plan, alike: impl Fn(&Plan) -> bool) -> Plan {
    loop {
        let mut smaller: Vec<Plan> = Vec::new();
        for number in 0..plan.events.len() {
            let mut copy = plan.clone();
            copy.events.remove(number);
            smaller.push(copy);
        }
        for number in 0..plan.jobs.len() {
            let mut copy = plan.clone();
            copy.jobs[number].relaunch = None;
            copy.jobs[number].temp = None;
            copy.jobs[number].queue_time = 0;
            copy.jobs[number].sinks.truncate(1);
            let less = format!("{:?}", copy.jobs) != format!("{:?}", plan.jobs);
            smaller.extend(less.then_some(copy));
        }
        if plan.jobs.len() > 1 {
            let mut copy = plan.clone();
            let last = copy.jobs.pop().expect("more than one");
            copy.events.retain(|event| !format!("{:?}", event.act).contains(&last.name));
            smaller.push(copy);
        }
        match smaller.into_iter().find(&alike) {
            Some(smaller) => plan = smaller,
            None => return plan,
        }
    }
}

/// What a person needs to look into a disagreement: the smallest scenario that shows it.
fn complaint(seed: u64, manner_of_it: &str) -> String {
    let alike = |plan: &Plan| compare(plan).is_err_and(|text| manner(&text) == manner_of_it);
    let small = shrink(flow_generate::plan(seed), alike);
    let text = compare(&small).expect_err("shrinking keeps the disagreement");
    format!("from chain {seed}: {text}\n\n{}\n", small.toml())
}

#[test]
fn the_product_agrees_with_the_reference_at_every_second() {
    all_agree(SCENARIOS, flow_generate::plan, compare, complaint);
}

#[test]
fn a_reference_with_a_mistake_disagrees() {
    all_are_noticed(Mistake::ALL, SCENARIOS, flow_generate::plan, product, compare_with);
}

/// What is somewhere and what came, of a job.
fn adds_up(measures: &Measures, job: &str) -> Result<(), String> {
    let get = |name: &str| measures[&format!("{job}.elements-{name}")].unwrap_or(f64::NAN);
    let sum: f64 = ["written", "waiting", "in-flight", "expired", "lost"].map(get).iter().sum();
    // The sum of five numbers that were rounded to a fraction of a billionth each.
    let arrived = get("arrived");
    let alike = (sum - arrived).abs() <= 1e-12 * arrived.max(1.0);
    if alike { Ok(()) } else { Err(format!("{job}: {sum} of {arrived} are somewhere")) }
}

/// What comes into the source of each job is what others have written and published.
fn passes_on(plan: &Plan, measures: &Measures, job: &Job) -> Result<(), String> {
    let get = |path: String| measures.get(&path).copied().flatten().unwrap_or(0.0);
    let (into, published) = match job.source.split_once(".subscriptions.") {
        Some((topic, _)) => (topic, get(format!("{topic}.messages-published"))),
        None => return Ok(()),
    };
    let writers = plan.jobs.iter().filter(|job| job.sinks.iter().any(|sink| sink == into));
    let of = |job: &Job, name: &str| get(format!("{}.elements-{name}", job.path()));
    let wrote = writers.map(|job| of(job, "written") + of(job, "duplicated")).sum::<f64>();
    let (came, arrived) = (published + wrote, of(job, "arrived"));
    let alike = (came - arrived).abs() <= 1e-9 * arrived.max(1.0);
    let text = || format!("{}: {came} were written and published, {arrived} came", job.path());
    if alike { Ok(()) } else { Err(text()) }
}

#[test]
fn every_element_of_1_000_random_chains_is_in_one_place() {
    let (mut lost, mut expired, mut twice) = (0, 0, 0);
    for seed in 0..1_000 {
        // Other chains than those above.
        let plan = flow_generate::plan(1_000_000 + seed);
        let model = model(&plan).unwrap_or_else(|wrong| panic!("chain {seed}: {wrong}"));
        let trace = model.replicate(1, 0, SweepMode::Decisive, Budget::default());
        let measures = model.outcome(trace.expect("the budget is ample")).measures;
        for job in &plan.jobs {
            let path = job.path();
            let found = adds_up(&measures, &path).and_then(|()| passes_on(&plan, &measures, job));
            found.unwrap_or_else(|wrong| panic!("chain {seed}: {wrong}\n{}", plan.toml()));
            let some =
                |name: &str| u32::from(measures[&format!("{path}.elements-{name}")] > Some(0.0));
            lost += some("lost");
            expired += some("expired");
            twice += some("duplicated");
        }
    }
    // All of it happens, and often.
    assert!(lost > 50 && expired > 50 && twice > 50, "{lost} {expired} {twice}");
}

/// A topic, a job and a sink that is out for a while, after an hour.
fn stop(arrival: u64, capacity: u64, lasts: u64, horizon: u64) -> Plan {
    let topic = Topic {
        name: "t".to_owned(),
        key: None,
        publishes: vec![arrival],
        drops: false,
        subscriptions: vec![("s".to_owned(), 31 * 86_400)],
    };
    let mut plan = flow_generate::plan(0);
    let job = Job {
        key: None,
        batch: None,
        source: "pubsub.t.subscriptions.s".to_owned(),
        arrivals: 0,
        sinks: vec!["bigtable.b".to_owned()],
        capacity,
        temp: None,
        absent: false,
        ..plan.jobs[0].clone()
    };
    let act = Act::FlowOutage { entity: "bigtable.b".to_owned(), lasts };
    let sink = Store { name: "b".to_owned(), kind: Kind::Instance, key: None, streamed: 0 };
    plan.horizon = horizon;
    plan.keys.clear();
    (plan.topics, plan.stores, plan.jobs) = (vec![topic], vec![sink], vec![job]);
    plan.events = vec![Event { at: 3_600, act }];
    plan
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A stop of length d at arrival a and capacity c leaves a backlog of a d, which is gone after
    /// a d / (c - a).
    #[test]
    fn a_stop_leaves_a_backlog_that_is_gone_after_its_closed_form(
        arrival in 1_u64..2_000,
        more in 1_u64..3_000,
        lasts in 1_u64..20_000,
    ) {
        let backlog = (arrival * lasts) as f64;
        let catch_up = backlog / more as f64;
        let horizon = 3_600 + lasts + catch_up as u64 + 600;
        let plan = stop(arrival, arrival + more, lasts, horizon);
        let model = model(&plan).map_err(TestCaseError::fail)?;
        let trace = model.replicate(1, 0, SweepMode::Decisive, Budget::default());
        let trace = trace.map_err(|halt| TestCaseError::fail(format!("{halt:?}")))?;
        let measures = model.outcome(trace).measures;
        let get = |name: &str| measures[&format!("{}.{name}", plan.jobs[0].path())].unwrap_or(0.0);
        // Times are whole nanoseconds.
        prop_assert!((get("backlog-peak") - backlog).abs() <= 1e-6 * backlog);
        prop_assert!((get("catch-up-time") - catch_up).abs() <= 1e-6 * catch_up.max(1.0));
        prop_assert_eq!(get("elements-lost"), 0.0);
        prop_assert_eq!(get("elements-waiting"), 0.0);
    }
}
