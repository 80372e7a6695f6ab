//! From the checked tables of a scenario to the processes of Cloud KMS.

use super::grant::{self, Delays, GrantPlan};
use super::key::{Coordinated, KeyPlan};
use super::manager::{Calls, ManagerPlan};
use super::service::ServicePlan;
use super::version::{STATES, State};
use super::{primary_at_start, quota, quota_path, service_path, uses};
use crate::engine::{SimTime, StreamNumber};
use crate::systems::contract::{Plan, model};
use crate::systems::operations::Price;
use crate::systems::policy::{self, Policy};
use crate::systems::spec::Node;
use std::sync::Arc;

/// KMS-19: the reasons that a request can give, in the order of their bits.
pub(super) const REASONS: &[&str] = &[
    "customer-initiated-support",
    "google-initiated-service",
    "third-party-data-request",
    "google-initiated-review",
    "customer-initiated-access",
    "google-initiated-system-operation",
    "google-response-to-production-alert",
    "customer-authorized-workflow-servicing",
];

/// A set of reasons as bits.
pub(super) fn reasons(list: &[Node]) -> u32 {
    list.iter().map(|node| reason(node.text())).fold(0, |set, bit| set | bit)
}

fn reason(word: &str) -> u32 {
    REASONS.iter().position(|known| *known == word).map_or(0, |place| 1 << place)
}

/// Makes a process of each location, manager, quota, key and grant.
pub(super) fn build(root: &Node, plan: &mut Plan) {
    let constants = model(root, "kms");
    let places = plan.entities().filter(|(path, _)| path.starts_with("kms."));
    let services: Vec<ServicePlan> =
        places.map(|(path, _)| ServicePlan { entity: plan.entity(path) }).collect();
    for service in services {
        plan.process(&[service.entity], Box::new(service));
    }
    let calls = Calls {
        timeout: constants.at("ekm-timeout").duration().seconds(),
        attempts: constants.at("ekm-attempts").count(),
    };
    calls.leave(plan);
    plan.numbers.insert("call-deadline", constants.at("call-deadline").duration().seconds());
    for (name, node) in root.named("ekm") {
        ManagerPlan::new(&format!("ekm.{name}"), node, calls, plan).add(plan);
    }
    quota::build(root, constants, plan);
    let price = model(root, "kms").at("price-operations").number();
    plan.price = Price::per_ten_thousand(price);
    for (name, key) in root.named("keys") {
        let entity = plan.entity(&format!("keys.{name}"));
        if key.at("data-access-logs").bool() {
            plan.logged.insert(entity);
        }
        if let Some(path) = key.get("path").and_then(|path| super::key_path(path.text())) {
            plan.projects.insert(entity, path.project.to_owned());
        }
    }
    super::policy::build(root, plan);
    for (name, key) in root.named("keys") {
        build_key(root, name, key, plan);
    }
    build_grants(root, plan);
}

fn build_key(root: &Node, name: &str, key: &Node, plan: &mut Plan) {
    let constants = model(root, "kms");
    let path = format!("keys.{name}");
    let entity = plan.entity(&path);
    let kms = plan.entity(&service_path(key));
    let ekm = key.get("ekm").map(|ekm| plan.entity(ekm.text()));
    let quota = quota_path(key).map(|quota| plan.entity(&quota));
    let named = |word: &str| STATES.iter().find(|(name, _)| *name == word).map(|(_, state)| *state);
    let state = |word: &str| named(word).expect("a checked state");
    let versions: Vec<State> = match key.get("versions") {
        Some(versions) => versions.list().iter().map(|node| state(node.text())).collect(),
        None => vec![state(key.at("state").text())],
    };
    let primary = primary_at_start(key);
    let wait = key.get("destroy-wait").unwrap_or_else(|| constants.at("destroy-wait"));
    let rotation = key.get("rotation-period").map(|period| {
        let period = period.duration();
        let next = key.get("next-rotation").map(Node::instant);
        (next.unwrap_or(SimTime::START.saturating_add(period)), period)
    });
    let coordinated = (key.at("protection").text() == "external-vpc").then(|| Coordinated {
        takes: constants.at("external-destruction-time").dist().clone(),
        fails: !key.at("external-destruction-works").bool(),
    });
    let dist = |name: &str| constants.at(name).dist().clone();
    let plan_of_key = KeyPlan {
        entity,
        kms,
        ekm,
        quota,
        primary,
        imported: key.at("imported").bool(),
        coordinated,
        destroy_wait: wait.duration(),
        rotation,
        disable: dist("disable-propagation"),
        enable: dist("enable-propagation"),
        primary_change: dist("primary-propagation"),
        generation: dist("generation-time"),
        import: dist("import-time"),
        reason: reason(constants.at("access-reason").text()),
        allowed: key.get("allowed-access-reasons").map_or(u32::MAX, |node| reasons(node.list())),
        sticks: constants.at("manager-denial-sticks").bool(),
        price: price(constants, key),
        disable_first: Policy::at_start(root, plan).disable_first,
        delays: StreamNumber::of(&path, "propagation"),
        primary_delays: StreamNumber::of(&path, "primary-propagation"),
        making: StreamNumber::of(&path, "generation"),
        versions,
    };
    plan.starts_in(entity, plan_of_key.first_state());
    let process = plan.process(&[entity], Box::new(plan_of_key));
    plan.subscribe(process, kms);
    policy::obey(root, process, plan);
    for about in [ekm, quota].into_iter().flatten() {
        plan.subscribe(process, about);
    }
}

/// KMS-29: the price of a version and month at the key's protection level.
fn price(constants: &Node, key: &Node) -> f64 {
    let name = match key.at("protection").text() {
        "software" => "price-version-software",
        "hsm" => "price-version-hsm",
        _ => "price-version-external",
    };
    constants.at(name).number()
}

/// A process of each grant that a system needs.
fn build_grants(root: &Node, plan: &mut Plan) {
    let constants = model(root, "kms");
    let dist = |name: &str| constants.at(name).dist().clone();
    let delays = Arc::new(Delays {
        policy: dist("policy-propagation"),
        group: dist("group-propagation"),
        group_removal: constants.at("group-removal-factor").number(),
        perimeter: dist("perimeter-propagation"),
    });
    let mut needed = uses(root);
    needed.sort_by_key(|used| used.grant());
    needed.dedup_by_key(|used| used.grant());
    for used in needed {
        let path = used.grant();
        let entity = plan.entity(&path);
        let name = used.key.strip_prefix("keys.").unwrap_or_default();
        let listed = root.at("keys").at(name).get("grants");
        let granted =
            listed.is_none_or(|list| list.list().iter().any(|node| node.text() == used.principal));
        if !granted {
            plan.starts_in(entity, grant::shown::REVOKED);
        }
        let grant = GrantPlan {
            entity,
            key: plan.entity(&used.key),
            revoked: !granted,
            delays: delays.clone(),
            stream: StreamNumber::of(&path, "propagation"),
        };
        plan.process(&[entity], Box::new(grant));
    }
}
