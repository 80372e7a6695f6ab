//! Cloud KMS and external key managers: keys, their answers, and what makes the answers change.
//!
//! Modelled: the states of a key (all its versions together), propagation of changes, the wait
//! before destruction, outages of Cloud KMS by location and of external managers.
//! Source pages are named in the rules.

mod describe;
mod key;
mod service;

use super::contract::{Command, Plan, model};
use super::spec::{EntityKind, Node, System, Value};
use crate::diag::Diagnostic;
use crate::engine::StreamNumber;
use describe::SERVICE;
use key::KeyPlan;
use service::ServicePlan;

/// Cloud KMS with its external managers.
pub const SYSTEM: System = System {
    name: "kms",
    tables: describe::TABLES,
    model: describe::MODEL,
    rules: describe::RULES,
    actions: describe::ACTIONS,
    derived,
    check,
    build,
    compile,
};

/// Cloud KMS is there in each location that holds a key.
fn derived(root: &Node) -> Vec<(String, &'static EntityKind)> {
    root.named("keys").map(|(_, key)| (service_path(key), &SERVICE)).collect()
}

fn service_path(key: &Node) -> String {
    format!("kms.{}", key.at("location").text())
}

/// Is this the table of an external key?
pub fn is_external(key: &Node) -> bool {
    key.at("protection").text().starts_with("external")
}

/// EKM-01: an external key needs its manager, and only an external key has one.
fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    for (name, key) in root.named("keys") {
        match (is_external(key), key.get("ekm")) {
            (true, None) => found.push(
                Diagnostic::error(
                    "external-key-without-manager",
                    key.at("protection").span.clone().or_else(|| key.span.clone()),
                    format!("external key `{name}` has no external key manager (EKM-01)"),
                )
                .label("kept outside Google Cloud")
                .help("declare a manager with `[ekm.NAME]` and add `ekm = \"NAME\"` to the key"),
            ),
            (false, Some(manager)) => found.push(
                Diagnostic::error(
                    "manager-of-internal-key",
                    manager.span.clone(),
                    format!("key `{name}` is not external, so it has no external key manager"),
                )
                .label("a manager")
                .help("write `protection = \"external\"`, or take `ekm` out"),
            ),
            (true, Some(_)) | (false, None) => {}
        }
    }
}

/// Numbers of the commands that keys and services understand.
mod code {
    pub(super) const DISABLE: u16 = 1;
    pub(super) const ENABLE: u16 = 2;
    pub(super) const SCHEDULE: u16 = 3;
    pub(super) const RESTORE: u16 = 4;
    pub(super) const OUTAGE: u16 = 5;
    pub(super) const STALE: u16 = 6;
}

/// Commands for one checked action.
fn compile(action: &str, params: &Node, plan: &Plan) -> Vec<Command> {
    let key = |code| vec![Command::new(plan.entity(params.at("key").text()), code)];
    match action {
        "disable-key" => key(code::DISABLE),
        "enable-key" => key(code::ENABLE),
        "schedule-destroy" => key(code::SCHEDULE),
        "restore-key" => key(code::RESTORE),
        "kms-outage" => services(params.at("location"), "kms.", code::OUTAGE, params, plan),
        "ekm-outage" => services(params.at("ekm"), "ekm.", code::OUTAGE, params, plan),
        "kms-stale" => services(params.at("location"), "kms.", code::STALE, params, plan),
        other => panic!("`{other}` is not an action of Cloud KMS"),
    }
}

/// The same command for one service, or for all of a kind.
fn services(place: &Node, prefix: &str, code: u16, params: &Node, plan: &Plan) -> Vec<Command> {
    let value = params.get("error-fraction").map_or(1.0, Node::number);
    let command = |path: &str| Command { value, ..Command::new(plan.entity(path), code) };
    match &place.value {
        Value::Reference(path) => vec![command(path)],
        _ => plan
            .entities()
            .filter(|(path, _)| path.starts_with(prefix))
            .map(|(path, _)| command(path))
            .collect(),
    }
}

/// Makes a process of each key, location and manager.
fn build(root: &Node, plan: &mut Plan) {
    let services: Vec<ServicePlan> = plan
        .entities()
        .filter_map(|(path, _)| {
            let rule = match path.split('.').next()? {
                "kms" => "BT-43",
                "ekm" => "EKM-01",
                _ => return None,
            };
            Some(ServicePlan { entity: plan.entity(path), rule })
        })
        .collect();
    for service in services {
        plan.process(&[service.entity], Box::new(service));
    }
    let constants = model(root, "kms");
    for (name, key) in root.named("keys") {
        let path = format!("keys.{name}");
        let entity = plan.entity(&path);
        let kms = plan.entity(&service_path(key));
        let ekm = key.get("ekm").map(|ekm| plan.entity(ekm.text()));
        let disabled = key.at("state").text() == "disabled";
        if disabled {
            plan.starts_in(entity, key::shown::DISABLED);
        }
        let wait = key.get("destroy-wait").unwrap_or_else(|| constants.at("destroy-wait"));
        let process = plan.process(
            &[entity],
            Box::new(KeyPlan {
                entity,
                kms,
                ekm,
                disabled,
                destroy_wait: wait.duration(),
                disable: constants.at("disable-propagation").dist().clone(),
                enable: constants.at("enable-propagation").dist().clone(),
                delays: StreamNumber::of(&path, "propagation"),
            }),
        );
        plan.subscribe(process, kms);
        if let Some(ekm) = ekm {
            plan.subscribe(process, ekm);
        }
    }
}
