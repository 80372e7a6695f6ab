//! What systems were down for, over replications.

use super::Findings;
use crate::experiment::attribution::Share;
use crate::report::summary::{one_line, quantity};
use crate::report::tables::{number, table, text};
use std::fmt::Write as _;

/// Parts that fit on a screen.
const PARTS_MAX: usize = 10;

/// `attribution.csv`: the downtime of each system by root cause and phase, at each design point.
pub fn csv(findings: &Findings, apart: &[Vec<Share>]) -> Vec<u8> {
    let sweep = findings.sweep().is_some();
    let head = [
        "entity",
        "root_event",
        "phase",
        "replications",
        "seconds",
        "ci_low",
        "ci_high",
        "share",
        "share_low",
        "share_high",
    ];
    let head: Vec<&str> = sweep.then_some("point").into_iter().chain(head).collect();
    let points = findings.points.iter().zip(apart);
    let rows = points.flat_map(|(point, shares)| {
        shares.iter().map(move |share| {
            let mut row: Vec<String> = sweep.then(|| point.point.to_string()).into_iter().collect();
            row.extend([text(&share.entity), text(&share.root), share.phase.to_owned()]);
            row.push(share.seen.to_string());
            let [low, high] = ends(share.interval);
            row.extend([number(Some(share.seconds)), low, high]);
            let [low, high] = ends(share.share_interval);
            row.extend([number(Some(share.share)), low, high]);
            row
        })
    });
    table(&head, rows)
}

fn ends(interval: Option<(f64, f64)>) -> [String; 2] {
    let (low, high) = interval.unzip();
    [number(low), number(high)]
}

/// The largest parts, for an experiment with one design point.
pub fn screen(findings: &Findings, apart: &[Vec<Share>]) -> String {
    let mut out = String::new();
    let [shares] = apart else { return out };
    if findings.sweep().is_some() || shares.is_empty() {
        return out;
    }
    let mut shown: Vec<&Share> = shares.iter().collect();
    shown.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let _ = writeln!(out, "\nWhat the downtime is made of (share, 95 % interval)");
    for share in shown.iter().take(PARTS_MAX) {
        let part = |value: f64| quantity(Some(value), "fraction");
        let interval = match share.share_interval {
            Some((low, high)) => format!("{} to {}", part(low), part(high)),
            None => "no interval".to_owned(),
        };
        let root = if share.root.is_empty() { "no event" } else { &share.root };
        let _ = writeln!(
            out,
            "  {}: {} ({interval})  {}, {}",
            share.entity,
            part(share.share),
            one_line(root),
            share.phase
        );
    }
    if shown.len() > PARTS_MAX {
        let _ = writeln!(out, "  ... {} more in attribution.csv", shown.len() - PARTS_MAX);
    }
    out
}
