//! How available Cloud KMS and external managers are as a scenario describes them, held against what
//! is promised and advised.

use super::actions::paths;
use super::manager::Calls;
use crate::diag::Diagnostic;
use crate::systems::contract::model;
use crate::systems::spec::{Node, Planned, Value, World};

/// KMS-31: share of the time in which the SLA lets Cloud KMS be down for service accounts.
const SLA_DOWNTIME: f64 = 0.0001;
/// KMS-32: an error rate up to this is no downtime.
const SLA_ERRORS: f64 = 0.1;

pub(super) fn check(world: &World, found: &mut Vec<Diagnostic>) {
    check_locations(world, found);
    check_managers(world, found);
}

/// The share of the time in which a hazard goes on, on average.
fn share_of_time(hazard: &Planned) -> f64 {
    let (Some(every), Some(lasts)) = (&hazard.every, &hazard.lasts) else { return 0.0 };
    let (gap, length) = (every.mean(), lasts.mean());
    if gap.is_finite() && length.is_finite() && gap + length > 0.0 {
        length / (gap + length)
    } else {
        0.0
    }
}

/// Does an action reach the entity at a path by one of its parameters?
fn reaches(planned: &Planned, param: &str, path: &str) -> bool {
    planned
        .params
        .get(param)
        .is_some_and(|node| matches!(node.value, Value::Tagged(..)) || paths(node).contains(&path))
}

/// KMS-32: does an outage have an error rate that counts as downtime?
fn is_outage(hazard: &Planned, action: &str) -> bool {
    let errors = || hazard.params.get("error-fraction").map_or(1.0, Node::number);
    hazard.action.name == action && errors() > SLA_ERRORS
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}

/// KMS-31: hazards that take Cloud KMS down for longer than its SLA allows, each by itself.
fn check_locations(world: &World, found: &mut Vec<Diagnostic>) {
    for hazard in world.planned.iter().filter(|planned| is_outage(planned, "kms-outage")) {
        let down = share_of_time(hazard);
        if down > SLA_DOWNTIME {
            let message = format!(
                "this hazard leaves Cloud KMS down {} of the time, more than the {} that its SLA lets pass without credits (KMS-31)",
                percent(down),
                percent(SLA_DOWNTIME)
            );
            found.push(
                Diagnostic::warning("kms-availability", hazard.span.clone(), message)
                    .label("this hazard")
                    .help("let it happen less often or last shorter, unless worse than the SLA is what you ask about"),
            );
        }
    }
}

/// EKM-10: managers that are less available than Cloud KMS.
fn check_managers(world: &World, found: &mut Vec<Diagnostic>) {
    let constants = model(world.root, "kms");
    let calls = Calls {
        timeout: constants.at("ekm-timeout").duration().seconds(),
        attempts: constants.at("ekm-attempts").count(),
    };
    for (name, manager) in world.root.named("ekm") {
        let counts = |hazard: &Planned| {
            let late = |node: &Node| calls.too_late(node.dist()) > SLA_ERRORS;
            let slow = hazard.action.name == "ekm-latency";
            is_outage(hazard, "ekm-outage")
                || (slow && hazard.params.get("latency").is_some_and(late))
        };
        let path = format!("ekm.{name}");
        let hazards = world.planned.iter().filter(|planned| reaches(planned, "ekm", &path));
        let hazards = hazards.filter(|hazard| counts(hazard));
        let spared = hazards.map(|hazard| 1.0 - share_of_time(hazard)).product::<f64>();
        let late = calls.too_late(manager.at("latency").dist());
        let up = ["replica", "link"].iter().map(|word| enough_up(manager, word)).product::<f64>();
        let up = up * spared * (1.0 - late);
        if 1.0 - up > SLA_DOWNTIME {
            let message = format!(
                "manager `{name}` answers {} of the time as described; to be at least as available as Cloud KMS, {} by its SLA, is advised (EKM-10)",
                percent(up),
                percent(1.0 - SLA_DOWNTIME)
            );
            found.push(
                Diagnostic::warning("manager-availability", manager.span.clone(), message)
                    .label("this manager")
                    .help("more replicas and links than are needed make it more available (EKM-05, EKM-06)"),
            );
        }
    }
}

/// The probability that enough units of one kind are up: k out of n, each by itself.
fn enough_up(manager: &Node, word: &str) -> f64 {
    let part = |what: &str| manager.get(&format!("{word}-{what}")).map(|node| node.dist().mean());
    let (Some(failure), Some(repair)) = (part("failure"), part("repair")) else { return 1.0 };
    if !failure.is_finite() || !repair.is_finite() || failure + repair <= 0.0 {
        return 1.0;
    }
    let one = failure / (failure + repair);
    let count = manager.at(&format!("{word}s")).count() as usize;
    let needed = manager.at(&format!("{word}s-needed")).count() as usize;
    // The distribution of the number of units that are up, unit by unit.
    let mut up = vec![0.0; count + 1];
    up[0] = 1.0;
    for known in 0..count {
        for number in (0..=known).rev() {
            up[number + 1] += up[number] * one;
            up[number] *= 1.0 - one;
        }
    }
    up.iter().skip(needed).sum::<f64>().min(1.0)
}
