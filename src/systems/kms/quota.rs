//! Request quotas of hardware and external keys: what all callers ask of the keys of a project, a
//! location and a protection level, against a limit that is enforced second by second.

use super::key::Key;
use super::spells::percent;
use super::{NEGLIGIBLE_SHARE, quota_path};
use crate::diag::Diagnostic;
use crate::engine::{
    Class, Effects, EntityId, Happening, Process, Seq, SimDuration, SimTime, Streams,
};
use crate::systems::contract::{Command, Load, Message, Plan, Spawn, SweepMode};
use crate::systems::spec::{Kind, Node, ParamSpec};
use std::collections::{BTreeMap, BTreeSet};

/// States of a quota by number.
mod shown {
    use crate::engine::StateId;
    pub(super) const WITHIN: StateId = 0;
    pub(super) const OVER: StateId = 1;
}

/// How long a limit counts requests: a second (KMS-24).
const SECOND: u64 = 1_000_000_000;

pub(super) struct QuotaPlan {
    entity: EntityId,
    /// Requests per second.
    limit: f64,
    /// KMS-27: what is over the limit is answered all the same.
    soft: bool,
    /// The constants that these were taken from.
    constants: Vec<&'static str>,
    /// Requests per second that callers outside the scenario make all the time.
    direct: f64,
}

/// Makes a process of each quota.
pub(super) fn build(root: &Node, constants: &Node, plan: &mut Plan) {
    let mut quotas: BTreeMap<String, QuotaPlan> = BTreeMap::new();
    for (_, key) in root.named("keys") {
        let Some(path) = quota_path(key) else { continue };
        let (name, constant) = if super::is_external(key) {
            ("quota-ekm", "model.kms.quota-ekm")
        } else {
            ("quota-hsm", "model.kms.quota-hsm")
        };
        let entity = plan.entity(&path);
        let own = root.named("quotas").find(|(name, _)| path.strip_prefix(PREFIX) == Some(*name));
        let own = |param: &str| own.and_then(|(_, quota)| quota.get(param));
        let (limit, enforcement) = (own("limit"), own("enforcement"));
        let taken =
            [(limit.is_none(), constant), (enforcement.is_none(), "model.kms.quota-enforcement")];
        let quota = quotas.entry(path).or_insert_with(|| QuotaPlan {
            entity,
            limit: limit.unwrap_or_else(|| constants.at(name)).number(),
            soft: enforcement.unwrap_or_else(|| constants.at("quota-enforcement")).text() == "soft",
            constants: taken
                .into_iter()
                .filter(|(taken, _)| *taken)
                .map(|(_, name)| name)
                .collect(),
            direct: 0.0,
        });
        quota.direct += key.get("direct-load").map_or(0.0, Node::number);
    }
    for quota in quotas.into_values() {
        if quota.share(quota.direct) > 0.0 {
            plan.starts_in(quota.entity, shown::OVER);
        }
        plan.process(&[quota.entity], Box::new(quota));
    }
}

/// The quotas that a scenario gives something of their own are those of its keys.
fn check_names(root: &Node, found: &mut Vec<Diagnostic>) {
    let paths: BTreeSet<String> =
        root.named("keys").filter_map(|(_, key)| quota_path(key)).collect();
    let known: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix(PREFIX)).collect();
    for (name, quota) in root.named("quotas").filter(|(name, _)| !known.contains(name)) {
        let help = match known.as_slice() {
            [] => "take it out: software keys have no quota (DF-28)".to_owned(),
            known => format!("the quotas of these keys are {}", known.join(", ")),
        };
        found.push(
            Diagnostic::error(
                "unused-quota",
                quota.span.clone(),
                format!("no key of the scenario counts against a quota `{name}` (DF-29)"),
            )
            .label("nobody's quota")
            .help(help),
        );
    }
}

/// What the path of every quota begins with.
const PREFIX: &str = "quotas.";

/// KMS-23: 60,000 cryptographic requests a minute, in requests per second.
const CALLING_PROJECT_MAX: f64 = 60_000.0 / 60.0;

/// KMS-23: callers outside the scenario have a quota of their own project, which this model only
/// tells of. Whose project that is, it does not know: all of them are held against one.
pub(super) fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    let loads = || root.named("keys").filter_map(|(_, key)| key.get("direct-load"));
    let largest = loads().max_by(|a, b| a.number().total_cmp(&b.number()));
    let all: f64 = loads().map(Node::number).sum();
    if let Some(load) = largest {
        check_calling_project(all, load, found);
    }
    check_projects(root, found);
    check_names(root, found);
}

/// The project of a key, or of what uses one, becomes part of paths.
fn check_projects(root: &Node, found: &mut Vec<Diagnostic>) {
    let named = |table: &&ParamSpec| matches!(table.kind, Kind::Named(_));
    for table in crate::systems::tables().filter(named) {
        for (name, entry) in root.named(table.name) {
            let Some(project) = entry.get("project") else { continue };
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if project.text().is_empty() || !project.text().chars().all(fits) {
                found.push(
                    Diagnostic::error(
                        "project-form",
                        project.span.clone(),
                        format!(
                            "the project of `{}.{name}` is not the id of a project",
                            table.name
                        ),
                    )
                    .label("not an id")
                    .help("write letters, digits and hyphens, such as \"keys-prod\""),
                );
            }
        }
    }
}

/// KMS-23, for a rate that callers outside the scenario add.
pub(super) fn check_calling_project(rate: f64, load: &Node, found: &mut Vec<Diagnostic>) {
    if rate > CALLING_PROJECT_MAX {
        found.push(
            Diagnostic::warning(
                "calling-project-quota",
                load.span.clone(),
                format!("direct callers make {rate} requests per second; one calling project may make {CALLING_PROJECT_MAX} (KMS-23)"),
            )
            .label("direct load")
            .help("lower it, unless the callers are of several projects"),
        );
    }
}

impl QuotaPlan {
    /// the share of the requests over the limit at a rate, if that is more than nothing.
    fn share(&self, rate: f64) -> f64 {
        let share = if rate > self.limit { 1.0 - self.limit / rate } else { 0.0 };
        if share < NEGLIGIBLE_SHARE { 0.0 } else { share }
    }
}

impl Spawn for QuotaPlan {
    fn spawn<'a>(&'a self, _: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Quota {
            plan: self,
            rate: self.direct,
            bursts: BTreeMap::new(),
            told: 0.0,
            cause: None,
            base: None,
        })
    }
}

/// A quota.
struct Quota<'a> {
    plan: &'a QuotaPlan,
    /// Requests per second that are spread over time.
    rate: f64,
    /// Requests that come in one second at each multiple of a period.
    bursts: BTreeMap<SimDuration, f64>,
    /// The share that was over the limit when last told.
    told: f64,
    /// The record that the latest change of the load goes back to.
    cause: Option<Seq>,
    /// The first record of the load that is there from the start.
    base: Option<Seq>,
}

/// The timer of the next second in which something changes.
const TURN: u32 = 0;

impl Quota<'_> {
    fn load(&mut self, load: Load, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.cause = cause.or(self.cause);
        self.rate += load.per_second;
        if load.every.ns() <= SECOND {
            // Bursts in every second are no bursts.
            self.rate += load.at_once / load.every.seconds().max(1e-9);
        } else if load.at_once != 0.0 {
            let burst = self.bursts.entry(load.every).or_default();
            *burst += load.at_once;
            // Bursts are whole numbers of requests.
            if *burst < 0.5 {
                self.bursts.remove(&load.every);
            }
        }
        self.settle(fx);
        // What is asked from now on is what was asked before there was more.
        if load.per_second < 0.0 || load.at_once < 0.0 {
            self.cause = self.base.or(self.cause);
        }
    }

    /// Requests that come in the second of this instant.
    fn demand(&self, now: SimTime) -> f64 {
        let at_once = self.bursts.iter().filter(|(every, _)| now.ns() % every.ns() < SECOND);
        self.rate + at_once.map(|(_, requests)| requests).sum::<f64>()
    }

    /// KMS-24: holds what is asked in this second against the limit.
    fn settle(&mut self, fx: &mut Effects<Message>) {
        let demand = self.demand(fx.now());
        let share = self.plan.share(demand);
        if share != self.told {
            self.tell(demand, share, fx);
        }
        self.plan_turn(fx);
    }

    fn tell(&mut self, demand: f64, share: f64, fx: &mut Effects<Message>) {
        self.told = share;
        let plan = self.plan;
        for constant in &plan.constants {
            fx.used(constant);
        }
        let state = if share > 0.0 { shown::OVER } else { shown::WITHIN };
        let rounded = (demand * 1e3).round() / 1e3;
        let asked = format!("{rounded} requests in a second, {} allowed", plan.limit);
        let (rule, detail) = match (share > 0.0, plan.soft) {
            (true, false) => ("KMS-24", format!("{asked}: {} are refused", percent(share))),
            (true, true) => ("KMS-27", format!("{asked}: all are answered, enforcement is soft")),
            (false, _) => ("KMS-24", asked),
        };
        let seq = fx.enter(plan.entity, state, rule, self.cause, detail);
        if self.cause.is_none() {
            fx.no_fault(seq);
            (self.cause, self.base) = (Some(seq), Some(seq));
        }
        if !plan.soft {
            fx.publish(plan.entity, Message::Errors(share), Some(seq));
        }
    }

    /// Plans the next second in which a burst begins or is over. Bursts that never exceed the limit
    /// change nothing.
    fn plan_turn(&mut self, fx: &mut Effects<Message>) {
        let most = self.rate + self.bursts.values().sum::<f64>();
        if self.bursts.is_empty() || self.plan.share(most) == 0.0 {
            fx.cancel(TURN);
            return;
        }
        let next = |every: &SimDuration| {
            let into = fx.now().ns() % every.ns();
            if into < SECOND { SECOND - into } else { every.ns() - into }
        };
        let wait = self.bursts.keys().map(next).min().and_then(SimDuration::from_ns);
        fx.after(TURN, wait.unwrap_or(SimDuration::MAX), Class::Change);
    }
}

impl Process<Message> for Quota<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        self.settle(fx);
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(_) => self.settle(fx),
            Happening::Message { message: Message::Load(load), cause, .. } => {
                self.load(load, cause, fx);
            }
            Happening::Message { .. } | Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}

impl Key<'_> {
    /// KMS-22: callers outside the scenario ask more of the key, or stop that.
    pub(super) fn direct_load(
        &mut self,
        command: Command,
        begins: bool,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let (rate, sign) = (command.value, if begins { 1.0 } else { -1.0 });
        let change = if begins { "more" } else { "fewer" };
        let (rule, detail) = match self.plan.quota {
            Some(_) => {
                ("KMS-22", format!("direct callers make {rate} requests per second {change}"))
            }
            None => (
                "DF-28",
                format!(
                    "direct callers make {rate} requests per second {change}: a software key has no quota"
                ),
            ),
        };
        let seq = fx.note(self.plan.entity, rule, cause, detail);
        if let Some(quota) = self.plan.quota {
            fx.send(quota, Message::Load(Load::steady(sign * rate)), Some(seq));
        }
    }
}
