//! What became of the work of jobs: their elements, and the times in which a job ran and produced
//! nothing, each with its cause.

use super::Run;
use super::summary::{count, one_line, quantity, shares};
use crate::engine::trace::Seq;
use crate::systems::spec::{EntityKind, How};
use serde::Serialize;
use std::fmt::Write as _;

/// A time in which a job ran and produced nothing, by the root event behind it.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Stall {
    /// Path of the job.
    pub entity: String,
    /// What the time was: nothing came, or nothing could be written.
    pub state: &'static str,
    /// How long it was, all times with this cause together.
    pub seconds: f64,
    /// The root event, as a `seq` of `events.csv`.
    pub root: Option<Seq>,
    /// The root event in words.
    pub cause: String,
}

/// States in which an entity of this kind runs and gets nowhere: those of its `stalled-time`.
fn stalled_in(kind: &EntityKind) -> &'static [&'static str] {
    let measure = kind.measures.iter().find(|measure| measure.name == "stalled-time");
    match measure.map(|measure| measure.how) {
        Some(How::TimeIn(states)) => states,
        Some(_) | None => &[],
    }
}

/// Every such time of a run, in the order of the entities.
pub fn stalls(run: &Run) -> Vec<Stall> {
    let stalled =
        |share: &super::summary::Share| stalled_in(run.kind(share.entity)).contains(&share.state);
    let stall = |share: super::summary::Share| Stall {
        entity: run.path(share.entity).to_owned(),
        state: share.state,
        seconds: share.span.seconds(),
        root: share.root,
        cause: share.root.map_or_else(String::new, |root| run.root_in_words(root)),
    };
    shares(run).into_iter().filter(stalled).map(stall).collect()
}

/// Lines that fit on a screen.
const LINES_MAX: usize = 12;

/// The section of the screen: nothing where there is no job.
pub(super) fn screen(run: &Run, out: &mut String) {
    let mut lines = Vec::new();
    let stalls = stalls(run);
    for (path, kind) in &run.entities {
        let value =
            |name: &str| run.outcome.measures.get(&format!("{path}.{name}")).copied().flatten();
        if value("withheld-time").is_some_and(|time| time > 0.0) {
            let span = quantity(value("withheld-time"), "s");
            lines.push(format!(
                "{path} held messages back for {span}: their key version was not usable"
            ));
        }
        if kind.measures.iter().all(|measure| measure.name != "elements-arrived") {
            continue;
        }
        let number = |name: &str| value(name).unwrap_or(0.0).round();
        let mut line = format!(
            "{path}: {} of {} elements written",
            count(number("elements-written")),
            count(number("elements-arrived"))
        );
        if number("backlog-peak") > 0.0 {
            let _ = write!(line, "; at most {} waited", count(number("backlog-peak")));
            if value("watermark-age-peak").is_some() {
                let _ =
                    write!(line, ", the oldest {} old", quantity(value("watermark-age-peak"), "s"));
            }
        }
        for (name, words) in [
            ("elements-lost", "lost"),
            ("elements-expired", "expired"),
            ("elements-duplicated", "written twice"),
        ] {
            if number(name) > 0.0 {
                let _ = write!(line, "; {} {words}", count(number(name)));
            }
        }
        lines.push(line);
        for stall in stalls.iter().filter(|stall| stall.entity == *path) {
            let span = quantity(Some(stall.seconds), "s");
            let (state, cause) = (stall.state, &stall.cause);
            let at = stall.root.map_or_else(String::new, |root| {
                let at = run.outcome.trace.records[root as usize].at;
                format!(", +{}", quantity(Some(at.seconds()), "s"))
            });
            lines.push(one_line(&format!(
                "{path} was {state} for {span}, and no key of its own is to blame: {cause}{at}"
            )));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\nWork");
    }
    for line in lines.iter().take(LINES_MAX) {
        let _ = writeln!(out, "  {line}");
    }
    if lines.len() > LINES_MAX {
        let _ = writeln!(out, "  ... {} more in summary.json", lines.len() - LINES_MAX);
    }
}
