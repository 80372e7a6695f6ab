//! Business services: the availability that the business asks for, put together from that of the
//! entities it needs, as a reliability block diagram does.
//!
//! Modelled: all-of (series), any-of (parallel), k-of-n, and services made of services, to any
//! depth. What happens at one instant is looked at when all of it has happened, so that a
//! switch from one member to another without a gap is no outage.
//! Not modelled: shares of requests. A member serves or it does not, as its own state says.

mod play;

use super::contract::{Need, Plan};
use super::spec::{
    Confidence::*, Default, EntityKind, How, Kind, Look, Node, ParamSpec, Role, Rule, StateSpec,
    System, TableSpec, measure, param,
};
use crate::diag::Diagnostic;
use crate::engine::EntityId;
use crate::limits::{DIAGNOSTICS_SHOWN_MAX, ENTITIES_MAX};
use play::{Group, Member, ServicePlan, ServicesPlan};
use std::collections::{BTreeMap, BTreeSet};

/// Business services.
pub const SYSTEM: System =
    System { name: "services", tables: TABLES, rules: RULES, check, build, ..System::PLAIN };

const RULES: &[Rule] = &[
    Rule {
        id: "RB-01",
        text: "Blocks in series: a service that needs all of its members is up while every one of them serves.",
        source: "IEC 61078:2016, Reliability block diagrams",
        confidence: Documented,
    },
    Rule {
        id: "RB-02",
        text: "Blocks in parallel: a service that needs any of its members is up while at least one of them serves.",
        source: "IEC 61078:2016, Reliability block diagrams",
        confidence: Documented,
    },
    Rule {
        id: "RB-03",
        text: "A k-out-of-n structure is up while at least k of its n members serve; n-out-of-n is series, 1-out-of-n parallel.",
        source: "R. E. Barlow and F. Proschan, Statistical Theory of Reliability and Life Testing (1975), chapter 1",
        confidence: Documented,
    },
    Rule {
        id: "RB-04",
        text: "Of our own: a member counts as serving in every state that serves, also with part of its requests failing; a service that is up while a member is not in its best state is degraded.",
        source: "decision of this model",
        confidence: Assumed,
    },
];

const fn state(name: &'static str, serves: bool, look: Look, doc: &'static str) -> StateSpec {
    StateSpec { name, alias: None, serves, irreversible: false, look, doc }
}

const SERVICE: EntityKind = EntityKind {
    name: "business service",
    role: Role::System,
    states: &[
        state(
            "up",
            true,
            Look::Good,
            "It has what it needs, and every member is in its best state.",
        ),
        state(
            "degraded",
            true,
            Look::Partial,
            "It has what it needs; not every member is in its best state.",
        ),
        state("down", false, Look::Denied, "It lacks members that it needs."),
    ],
    measures: &[
        measure(
            "degraded-time",
            "s",
            How::TimeIn(&["degraded"]),
            "Time in which it serves while a member is not in its best state.",
        ),
        measure(
            "time-to-first-error",
            "s",
            How::FirstError,
            "From the first root event until a member is not in its best state.",
        ),
        measure(
            "time-to-lockout",
            "s",
            How::Lockout,
            "From the first root event until it lacks members that it needs.",
        ),
        measure(
            "time-to-recovery",
            "s",
            How::Recovery,
            "From the first root event until every member is in its best state again, after the last disturbance.",
        ),
    ],
};

const fn members(name: &'static str, source: &'static str, doc: &'static str) -> ParamSpec {
    ParamSpec { name, kind: Kind::List(&Kind::Entity(None)), default: Default::Absent, source, doc }
}

const TABLES: &[ParamSpec] = &[param(
    "services",
    Kind::Named(&TableSpec {
        entity: Some(&SERVICE),
        params: &[
            members("all-of", "RB-01", "Members that it needs, every one of them."),
            members("any-of", "RB-02", "Members of which it needs at least one."),
            members("of", "RB-03", "Members of which it needs `at-least` so many."),
            param(
                "at-least",
                Kind::Count(1, ENTITIES_MAX as u64),
                Default::Absent,
                "RB-03",
                "How many members of `of` it needs: the k of k-of-n.",
            ),
        ],
    }),
    Default::Absent,
    "",
    "Business services; where several conditions are given, all of them must hold.",
)];

/// The conditions of a service: the rule, how many are needed, of which members.
fn groups(service: &Node) -> Vec<(&'static str, usize, Vec<&Node>)> {
    let list = |name: &str| Some(service.get(name)?.list().iter().collect::<Vec<_>>());
    let all = list("all-of").map(|of| ("RB-01", of.len(), of));
    let any = list("any-of").map(|of| ("RB-02", 1, of));
    let some = list("of").map(|of| {
        let needed = service.get("at-least").map_or(0, Node::count);
        ("RB-03", usize::try_from(needed).unwrap_or(usize::MAX), of)
    });
    [all, any, some].into_iter().flatten().collect()
}

/// The path of the service with a name.
fn path(name: &str) -> String {
    format!("services.{name}")
}

fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    for (name, service) in root.named("services") {
        match (service.get("of"), service.get("at-least")) {
            (Some(of), Some(least)) if least.count() > of.list().len() as u64 => {
                let (k, n) = (least.count(), of.list().len());
                let message =
                    format!("service `{name}` needs {k} of {n}, so it is never up (RB-03)");
                found.push(
                    Diagnostic::error("service-above-members", least.span.clone(), message)
                        .label(format!("more than {n}"))
                        .help(format!("write a number from 1 to {n}, or add members to `of`")),
                );
            }
            (Some(of), None) => {
                let message = format!("service `{name}` does not say how many of `of` it needs");
                found.push(
                    Diagnostic::error("service-half-condition", of.span.clone(), message)
                        .label("how many of them?")
                        .help("add `at-least = 2`, or write `all-of` or `any-of`"),
                );
            }
            (None, Some(least)) => {
                let message = format!("service `{name}` does not say of what it needs so many");
                found.push(
                    Diagnostic::error("service-half-condition", least.span.clone(), message)
                        .label("of what?")
                        .help("add `of = [\"ENTITY\", ...]`"),
                );
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        if ["all-of", "any-of", "of", "at-least"].iter().all(|key| service.get(key).is_none()) {
            let message = format!("service `{name}` needs nothing");
            found.push(
                Diagnostic::error("service-without-members", service.span.clone(), message)
                    .label("no condition")
                    .help("add `all-of`, `any-of`, or `of` with `at-least`"),
            );
        }
    }
    let (_, circles) = order(root);
    for name in circles {
        let service = root.at("services").at(name);
        let message = format!("service `{name}` is made of itself, directly or by others");
        found.push(
            Diagnostic::error("service-cycle", service.span.clone(), message)
                .label("part of a circle")
                .help("take one of the services of the circle out of its members"),
        );
    }
}

/// The services, members before those made of them; and those that are part of a circle.
fn order(root: &Node) -> (Vec<&str>, Vec<&str>) {
    let mut inner: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, service) in root.named("services") {
        let own = groups(service).into_iter().flat_map(|(_, _, of)| of);
        inner.insert(name, own.filter_map(|of| of.text().strip_prefix("services.")).collect());
    }
    let mut outer: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, of) in &inner {
        of.iter().for_each(|member| outer.entry(member).or_default().push(name));
    }
    let sorted = peel(&inner, &outer);
    let done: BTreeSet<&str> = sorted.iter().copied().collect();
    if inner.keys().all(|name| done.contains(name)) {
        return (sorted, Vec::new());
    }
    // What is left leads to a circle; what nobody on the way to one is made of is on none.
    let outside: BTreeSet<&str> = peel(&outer, &inner).into_iter().collect();
    let mut circles: Vec<&str> = inner.keys().copied().collect();
    circles.retain(|name| !done.contains(name) && !outside.contains(name));
    // A service between two circles is on none. To tell it from the others is worth the time only
    // where they are few: the list is not shown beyond its limit.
    if circles.len() <= DIAGNOSTICS_SHOWN_MAX {
        circles.retain(|name| leads_to_itself(name, &inner));
    }
    (sorted, circles)
}

/// The names whose ways by `to` all end, nearest to the ends first (Kahn's algorithm).
fn peel<'a>(
    to: &BTreeMap<&'a str, Vec<&'a str>>,
    from: &BTreeMap<&'a str, Vec<&'a str>>,
) -> Vec<&'a str> {
    let all: BTreeSet<&str> = to.keys().chain(from.keys()).copied().collect();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ready: Vec<&str> = Vec::new();
    for name in all {
        match to.get(name).map_or(0, Vec::len) {
            0 => ready.push(name),
            count => {
                open.insert(name, count);
            }
        }
    }
    let mut sorted = Vec::new();
    while let Some(name) = ready.pop() {
        sorted.push(name);
        for next in from.get(name).into_iter().flatten() {
            if let Some(count) = open.get_mut(next) {
                *count -= 1;
                if *count == 0 {
                    open.remove(next);
                    ready.push(next);
                }
            }
        }
    }
    sorted
}

fn leads_to_itself(start: &str, inner: &BTreeMap<&str, Vec<&str>>) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![start];
    while let Some(name) = next.pop() {
        for &member in inner.get(name).into_iter().flatten() {
            if member == start {
                return true;
            }
            if seen.insert(member) {
                next.push(member);
            }
        }
    }
    false
}

/// Makes one process that speaks for all services.
fn build(root: &Node, plan: &mut Plan) {
    let (sorted, _) = order(root);
    let mut services = Vec::new();
    let mut watched: Vec<EntityId> = Vec::new();
    for name in sorted {
        let service = root.at("services").at(name);
        let groups: Vec<Group> = groups(service)
            .into_iter()
            .map(|(rule, needed, of)| Group {
                rule,
                needed,
                members: of.iter().map(|node| member(plan, node.text())).collect(),
            })
            .collect();
        let entity = plan.entity(&path(name));
        let needs = groups.iter().map(|group| {
            let of = group.members.iter().map(|member| Need::Works(member.entity)).collect();
            Need::AtLeast(group.needed, of)
        });
        let needs: Vec<Need> = needs.collect();
        plan.needs(entity, Need::AtLeast(needs.len(), needs));
        watched.extend(groups.iter().flat_map(|group| &group.members).map(|m| m.entity));
        let plan_of = ServicePlan { entity, groups };
        // What starts in another state than its best is so for the services that need it.
        let initial = plan_of.state(&plan.layout.initial);
        plan.starts_in(entity, initial);
        services.push(plan_of);
    }
    if services.is_empty() {
        return;
    }
    let speaks_for: Vec<EntityId> = services.iter().map(|service| service.entity).collect();
    watched.retain(|entity| !speaks_for.contains(entity));
    let process = plan.process(&speaks_for, Box::new(ServicesPlan::new(services)));
    for entity in watched {
        plan.watch(process, entity);
    }
}

fn member(plan: &Plan, path: &str) -> Member {
    let entity = plan.entity(path);
    let states = plan.kind(entity).states.iter();
    Member { entity, serves: states.map(|state| state.serves).collect() }
}
