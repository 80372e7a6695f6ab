//! Rates that may change by the hour, and limits, as a scenario says them.

use super::plan::Arrivals;
use super::ratio::Ratio;
use crate::diag::Diagnostic;
use crate::limits::FLOW_ELEMENTS_MAX;
use crate::systems::spec::Node;

/// Nanoseconds from midnight (UTC) to the start of the scenario.
fn offset(root: &Node) -> u64 {
    const DAY: i128 = 86_400_000_000_000;
    let start = root.at("scenario").at("start").text();
    let start = start.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_nanosecond);
    u64::try_from(start.rem_euclid(DAY)).unwrap_or(0)
}

fn by_hour<'a>(table: &'a Node, name: &str) -> Option<&'a Node> {
    table.get(&format!("{name}-by-hour"))
}

/// The rates that a table says with `name`, or hour by hour with `name-by-hour`.
pub fn arrivals(root: &Node, table: &Node, name: &str) -> Arrivals {
    let rates: Vec<f64> = match by_hour(table, name) {
        Some(hours) => hours.list().iter().map(Node::number).collect(),
        None => vec![table.at(name).number()],
    };
    Arrivals::new(&rates, offset(root))
}

/// Rates by the hour are 24, and there is no other rate beside them.
pub fn check_arrivals(table: &Node, name: &str, found: &mut Vec<Diagnostic>) {
    let Some(hours) = by_hour(table, name) else { return };
    let count = hours.list().len();
    if count != 24 {
        found.push(
            Diagnostic::error(
                "hours-of-day",
                hours.span.clone(),
                format!("`{name}-by-hour` has {count} rates, not one for each hour of the day"),
            )
            .label(format!("{count} rates"))
            .help("write 24 rates, the first for the hour from 00:00 UTC"),
        );
    }
    let constant = table.at(name);
    // Zero is what is written where nothing was said.
    if constant.number() > 0.0 {
        found.push(
            Diagnostic::error(
                "two-rates",
                constant.span.clone(),
                format!("`{name}` and `{name}-by-hour` exclude each other"),
            )
            .label("one rate for all hours")
            .help(format!("keep `{name}` or `{name}-by-hour`")),
        );
    }
}

/// The greatest rate that a table says.
fn most(table: &Node, name: &str) -> f64 {
    let hours = by_hour(table, name).map_or(&[][..], Node::list).iter().map(Node::number);
    let one = table.get(name).map(Node::number);
    hours.chain(one).fold(0.0, f64::max)
}

/// Everything that can ever flow must be countable to the last unit.
pub(super) fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    let horizon = root.at("scenario").at("horizon").duration().seconds();
    let topics = root.named("pubsub").map(|(_, topic)| most(topic, "publishes"));
    let jobs = root.named("dataflow").map(|(_, job)| {
        let capacity = most(job, "capacity").max(most(job, "capacity-max"));
        let batch = job.get("elements").map_or(0.0, |count| count.count() as f64 / horizon);
        // What it writes counts as well, and rows are counted in parts of their ratio.
        let ratios = job.get("ratios").map_or(&[][..], Node::list).iter();
        let rows = ratios.filter_map(|ratio| Ratio::read(ratio.text())).map(|ratio| ratio.rows);
        most(job, "arrivals") + batch + capacity * f64::from(rows.max().unwrap_or(1))
    });
    let sum: f64 = topics.chain(jobs).sum::<f64>() * horizon;
    if sum > FLOW_ELEMENTS_MAX {
        found.push(
            Diagnostic::error(
                "limit-flow-elements",
                root.at("scenario").at("horizon").span.clone(),
                format!("up to {sum:.1e} elements flow until the horizon"),
            )
            .label("so far")
            .help(format!(
                "lower the rates or shorten the horizon: at most {FLOW_ELEMENTS_MAX:.0e} elements can be counted exactly"
            )),
        );
    }
}
