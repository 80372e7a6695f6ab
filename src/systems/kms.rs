//! Cloud KMS and external key managers: keys, their answers, and what makes the answers change.
//!
//! Modelled: the states of a key (all its versions together), propagation of changes, the wait
//! before destruction, outages of Cloud KMS by location and of external managers.
//! Source pages are named in the rules.

use super::contract::{
    Answer, Command, Denial, LazyStream, Message, Plan, Spawn, Standing, SweepMode, model,
};
use super::spec::{
    ActionSpec, Confidence::*, Default, EntityKind, How, Kind, Look, MeasureSpec, Node, ParamSpec,
    Role, Rule, StateSpec, System, TableSpec, Value,
};
use crate::diag::Diagnostic;
use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Process, Seq, SimDuration, SimTime, StateId,
    StreamNumber, Streams,
};
use std::borrow::Cow;

/// The rules of Cloud KMS and of external managers.
pub const RULES: &[Rule] = &[
    Rule {
        id: "KMS-01",
        text: "A key version is in one of ten states; only `enabled` serves cryptographic requests.",
        source: "https://cloud.google.com/kms/docs/key-states",
        confidence: Documented,
    },
    Rule {
        id: "KMS-02",
        text: "Disabled keeps the key material and can be enabled again; scheduled-for-destruction refuses every request; destroyed has no material left and its ciphertext is lost.",
        source: "https://cloud.google.com/kms/docs/key-states",
        confidence: Documented,
    },
    Rule {
        id: "KMS-03",
        text: "Only enabled or disabled versions can be scheduled for destruction.",
        source: "https://cloud.google.com/sdk/gcloud/reference/kms/keys/versions/destroy",
        confidence: Documented,
    },
    Rule {
        id: "KMS-04",
        text: "The wait before destruction is 30 days by default and fixed per key at creation.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-05",
        text: "Organization policy knows minimum waits from 1 to 120 days; older pages describe a 24-hour default.",
        source: "https://docs.cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints",
        confidence: Vague,
    },
    Rule {
        id: "KMS-06",
        text: "Restoring a version that is scheduled for destruction puts it into disabled; a second action, enable, brings data back.",
        source: "https://github.com/googleapis/googleapis/blob/master/google/cloud/kms/v1/service.proto",
        confidence: Documented,
    },
    Rule {
        id: "KMS-07",
        text: "A destroyed version can return only if it was imported and the same material is imported again.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-09",
        text: "Enabling a key version is strongly consistent.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-10",
        text: "Disabling is eventually consistent: the version typically stays usable for up to one minute.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-11",
        text: "In exceptional cases a disabled version stays usable for several hours (three or four, by older pages and the Bigtable page).",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Vague,
    },
    Rule {
        id: "KMS-12",
        text: "An early page gives the shape: about one minute on average, up to three hours for fewer than 1 % of requests. Modelled as 99 % lognormal (30 s, p95 60 s) and 1 % log-uniform (60 s to 4 h), whose mean is 59 s.",
        source: "https://cloud.google.com/kms/docs/consistency",
        confidence: Documented,
    },
    Rule {
        id: "KMS-14",
        text: "Cloud KMS may have problems of data freshness: changes on their way are stuck for as long as that lasts.",
        source: "https://docs.cloud.google.com/kms/docs/consistency",
        confidence: Vague,
    },
    Rule {
        id: "KMS-16",
        text: "Disabling is advised before destroying, and an organization policy can require it.",
        source: "https://cloud.google.com/kms/docs/destroy-restore",
        confidence: Documented,
    },
    Rule {
        id: "KMS-32",
        text: "The SLA counts downtime above an error rate of 10 %: an outage has an error fraction between 0 and 1. Frequent success in a partial outage keeps resetting grace timers (assumed).",
        source: "https://cloud.google.com/kms/sla",
        confidence: Documented,
    },
    Rule {
        id: "EKM-01",
        text: "Every operation on an external key becomes one operation in the partner's system, and fails if that one fails.",
        source: "https://docs.cloud.google.com/kms/docs/ekm-architectures",
        confidence: Documented,
    },
    Rule {
        id: "EKM-04",
        text: "When the external manager is down, integrated services may fail much as if the key were disabled; each system's own grace decides.",
        source: "https://docs.cloud.google.com/kms/docs/ekm-architectures",
        confidence: Documented,
    },
];

const fn days(count: u64) -> SimDuration {
    SimDuration::from_secs(count * 86_400)
}

/// States of a key, as its callers see it.
pub const KEY: EntityKind = EntityKind {
    name: "key",
    role: Role::Key,
    states: &[
        StateSpec {
            name: "enabled",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Good,
            doc: "Every request is granted.",
        },
        StateSpec {
            name: "disabling",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Waning,
            doc: "Disabled or scheduled for destruction, and still usable until the change has propagated.",
        },
        StateSpec {
            name: "impaired",
            alias: None,
            serves: true,
            irreversible: false,
            look: Look::Partial,
            doc: "Part of the requests fail because Cloud KMS or the external manager is partly down.",
        },
        StateSpec {
            name: "unreachable",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Unreachable,
            doc: "No request is answered: Cloud KMS or the external manager is down.",
        },
        StateSpec {
            name: "disabled",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Denied,
            doc: "Every request is denied; the material is kept.",
        },
        StateSpec {
            name: "destroy-scheduled",
            alias: None,
            serves: false,
            irreversible: false,
            look: Look::Denied,
            doc: "Every request is denied; the material is destroyed when the wait is over.",
        },
        StateSpec {
            name: "destroyed",
            alias: None,
            serves: false,
            irreversible: true,
            look: Look::Gone,
            doc: "The material is gone.",
        },
    ],
    measures: &[
        MeasureSpec {
            name: "denied-time",
            unit: "s",
            how: How::TimeIn(&["disabled", "destroy-scheduled", "destroyed"]),
            doc: "Time in which the key denies requests.",
        },
        MeasureSpec {
            name: "unreachable-time",
            unit: "s",
            how: How::TimeIn(&["unreachable"]),
            doc: "Time in which no request to the key is answered.",
        },
        MeasureSpec {
            name: "kms-operations",
            unit: "count",
            how: How::Counted,
            doc: "Cryptographic operations asked of the key by the systems of the scenario.",
        },
    ],
};

const SERVICE_STATES: &[StateSpec] = &[
    StateSpec {
        name: "available",
        alias: None,
        serves: true,
        irreversible: false,
        look: Look::Good,
        doc: "Answers every request.",
    },
    StateSpec {
        name: "degraded",
        alias: None,
        serves: true,
        irreversible: false,
        look: Look::Partial,
        doc: "Leaves part of the requests without an answer.",
    },
    StateSpec {
        name: "unavailable",
        alias: None,
        serves: false,
        irreversible: false,
        look: Look::Unreachable,
        doc: "Leaves every request without an answer.",
    },
];

/// Cloud KMS in one location.
pub const SERVICE: EntityKind = EntityKind {
    name: "Cloud KMS location",
    role: Role::Service,
    states: SERVICE_STATES,
    measures: &[],
};

/// An external key manager.
pub const MANAGER: EntityKind = EntityKind {
    name: "external key manager",
    role: Role::Service,
    states: SERVICE_STATES,
    measures: &[],
};

const KEYS: TableSpec = TableSpec {
    entity: Some(&KEY),
    params: &[
        ParamSpec {
            name: "location",
            kind: Kind::Location,
            default: Default::Required,
            source: "BT-06",
            doc: "Location of the key ring: a region for a key that protects clusters or jobs.",
        },
        ParamSpec {
            name: "protection",
            kind: Kind::Choice(&["software", "hsm", "external", "external-vpc"]),
            default: Default::Value("\"software\""),
            source: "assumed",
            doc: "Protection level; the two external ones need `ekm`.",
        },
        ParamSpec {
            name: "ekm",
            kind: Kind::Reference("ekm"),
            default: Default::Absent,
            source: "EKM-01",
            doc: "The external manager that holds the key's material.",
        },
        ParamSpec {
            name: "state",
            kind: Kind::Choice(&["enabled", "disabled"]),
            default: Default::Value("\"enabled\""),
            source: "KMS-01",
            doc: "State at the start; a key that starts disabled has been so for longer than any propagation.",
        },
        ParamSpec {
            name: "destroy-wait",
            kind: Kind::Duration(days(1), days(120)),
            default: Default::Absent,
            source: "KMS-04, KMS-05",
            doc: "Wait between scheduling the destruction and the destruction; `model.kms.destroy-wait` when absent.",
        },
    ],
};

const MANAGERS: TableSpec = TableSpec { entity: Some(&MANAGER), params: &[] };

const KEY_PARAM: ParamSpec = ParamSpec {
    name: "key",
    kind: Kind::Reference("keys"),
    default: Default::Required,
    source: "",
    doc: "The key.",
};
const KEY_PARAMS: &[ParamSpec] = &[KEY_PARAM];
const ERROR_FRACTION: ParamSpec = ParamSpec {
    name: "error-fraction",
    kind: Kind::Fraction,
    default: Default::Value("1.0"),
    source: "KMS-32",
    doc: "Share of the requests that stay without an answer.",
};
const LOCATION_PARAM: ParamSpec = ParamSpec {
    name: "location",
    kind: Kind::ReferenceOr("kms", "everywhere"),
    default: Default::Required,
    source: "",
    doc: "A location that holds keys of the scenario, or `everywhere`.",
};

/// Cloud KMS with its external managers.
pub const SYSTEM: System = System {
    name: "kms",
    tables: &[
        ParamSpec {
            name: "keys",
            kind: Kind::Named(&KEYS),
            default: Default::Absent,
            source: "",
            doc: "Customer-managed keys.",
        },
        ParamSpec {
            name: "ekm",
            kind: Kind::Named(&MANAGERS),
            default: Default::Absent,
            source: "",
            doc: "External key managers.",
        },
    ],
    model: &[
        ParamSpec {
            name: "disable-propagation",
            kind: Kind::Distribution,
            default: Default::Value(
                "{ mixture = [ { weight = 0.99, lognormal = { median = \"30s\", p95 = \"60s\" } }, { weight = 0.01, log-uniform = { from = \"60s\", to = \"4h\" } } ] }",
            ),
            source: "assumed, KMS-12",
            doc: "From disabling (or scheduling the destruction of) a key until its callers are denied.",
        },
        ParamSpec {
            name: "enable-propagation",
            kind: Kind::Distribution,
            default: Default::Value("\"0s\""),
            source: "KMS-09",
            doc: "From enabling a key until its callers are granted.",
        },
        ParamSpec {
            name: "destroy-wait",
            kind: Kind::Duration(days(1), days(120)),
            default: Default::Value("\"30d\""),
            source: "KMS-04, KMS-05",
            doc: "Wait between scheduling a destruction and the destruction, for keys that do not say it.",
        },
    ],
    rules: RULES,
    actions: &[
        ActionSpec {
            name: "disable-key",
            lasts: false,
            params: KEY_PARAMS,
            rule: "KMS-02",
            doc: "Disables all versions of a key.",
        },
        ActionSpec {
            name: "enable-key",
            lasts: false,
            params: KEY_PARAMS,
            rule: "KMS-09",
            doc: "Enables all versions of a disabled key.",
        },
        ActionSpec {
            name: "schedule-destroy",
            lasts: false,
            params: KEY_PARAMS,
            rule: "KMS-03",
            doc: "Schedules the destruction of all versions of a key.",
        },
        ActionSpec {
            name: "restore-key",
            lasts: false,
            params: KEY_PARAMS,
            rule: "KMS-06",
            doc: "Takes the scheduled destruction back; the key is disabled afterwards.",
        },
        ActionSpec {
            name: "kms-outage",
            lasts: true,
            params: &[LOCATION_PARAM, ERROR_FRACTION],
            rule: "BT-43",
            doc: "Cloud KMS leaves requests without an answer.",
        },
        ActionSpec {
            name: "kms-stale",
            lasts: true,
            params: &[LOCATION_PARAM],
            rule: "KMS-14",
            doc: "Changes of keys that are on their way do not arrive for as long as this lasts.",
        },
        ActionSpec {
            name: "ekm-outage",
            lasts: true,
            params: &[
                ParamSpec {
                    name: "ekm",
                    kind: Kind::ReferenceOr("ekm", "everywhere"),
                    default: Default::Required,
                    source: "",
                    doc: "An external manager, or `everywhere`.",
                },
                ERROR_FRACTION,
            ],
            rule: "EKM-01",
            doc: "An external manager leaves requests without an answer.",
        },
    ],
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

const DISABLE: u16 = 1;
const ENABLE: u16 = 2;
const SCHEDULE: u16 = 3;
const RESTORE: u16 = 4;
const OUTAGE: u16 = 5;
const STALE: u16 = 6;

/// Commands for one checked action.
fn compile(action: &str, params: &Node, plan: &Plan) -> Vec<Command> {
    let key = |code| vec![Command::new(plan.entity(params.at("key").text()), code)];
    match action {
        "disable-key" => key(DISABLE),
        "enable-key" => key(ENABLE),
        "schedule-destroy" => key(SCHEDULE),
        "restore-key" => key(RESTORE),
        "kms-outage" => services(params.at("location"), "kms.", OUTAGE, params, plan),
        "ekm-outage" => services(params.at("ekm"), "ekm.", OUTAGE, params, plan),
        "kms-stale" => services(params.at("location"), "kms.", STALE, params, plan),
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
            plan.starts_in(entity, shown::DISABLED);
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

/// States of [`KEY`] by number.
mod shown {
    use crate::engine::StateId;
    pub(super) const ENABLED: StateId = 0;
    pub(super) const DISABLING: StateId = 1;
    pub(super) const IMPAIRED: StateId = 2;
    pub(super) const UNREACHABLE: StateId = 3;
    pub(super) const DISABLED: StateId = 4;
    pub(super) const DESTROY_SCHEDULED: StateId = 5;
    pub(super) const DESTROYED: StateId = 6;
}

struct ServicePlan {
    entity: EntityId,
    /// The rule that its outages play.
    rule: &'static str,
}

impl Spawn for ServicePlan {
    fn spawn<'a>(&'a self, _: Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Service { plan: self, outages: Vec::new(), stale: 0 })
    }
}

/// Cloud KMS in one location, or one external manager.
struct Service<'a> {
    plan: &'a ServicePlan,
    /// Occurrence and error fraction of each outage in progress.
    outages: Vec<(u32, f64)>,
    /// Number of spells of stale data in progress.
    stale: u32,
}

impl Service<'_> {
    fn outage(
        &mut self,
        command: Command,
        begins: bool,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let before = self.errors();
        if begins {
            self.outages.push((occurrence, command.value));
        } else {
            self.outages.retain(|(number, _)| *number != occurrence);
        }
        let after = self.errors();
        let state = if after >= 1.0 { 2 } else { StateId::from(after > 0.0) };
        let others = self.outages.len() > usize::from(begins);
        let detail = match (begins, others) {
            (true, false) => Cow::from("outage begins"),
            (true, true) => "another outage begins".into(),
            (false, false) => "outage is over".into(),
            (false, true) => "one outage is over, another goes on".into(),
        };
        let detail = if begins && command.value < 1.0 {
            format!("{detail}: {} of the requests fail", percent(command.value)).into()
        } else {
            detail
        };
        // While an outage lasts, requests stay without an answer.
        let seq = fx.enter(self.plan.entity, state, self.plan.rule, cause, detail);
        if before != after {
            fx.publish(self.plan.entity, Message::Errors(after), Some(seq));
        }
    }

    /// Outages in progress fail requests independently of each other.
    fn errors(&self) -> f64 {
        1.0 - self.outages.iter().map(|(_, errors)| 1.0 - errors).product::<f64>()
    }

    /// KMS-14: changes on their way are stuck while the data is stale.
    fn stale(&mut self, begins: bool, cause: Option<Seq>, fx: &mut Effects<Message>) {
        self.stale = if begins { self.stale + 1 } else { self.stale.saturating_sub(1) };
        let detail =
            if begins { "stale data: changes of keys are stuck" } else { "data is fresh again" };
        let seq = fx.note(self.plan.entity, "KMS-14", cause, detail);
        fx.publish(self.plan.entity, Message::Stale(self.stale > 0), Some(seq));
    }
}

/// A fraction as a percentage without needless digits.
fn percent(fraction: f64) -> String {
    format!("{} %", (fraction * 1e6).round() / 1e4)
}

impl Process<Message> for Service<'_> {
    fn start(&mut self, _: &mut Effects<Message>) {}

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        if let Happening::Message {
            message: Message::Command { command, begins, occurrence },
            cause,
            ..
        } = what
        {
            match command.code {
                OUTAGE => self.outage(command, begins, occurrence, cause, fx),
                STALE => self.stale(begins, cause, fx),
                other => panic!("command {other} is not for a service"),
            }
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}

struct KeyPlan {
    entity: EntityId,
    kms: EntityId,
    ekm: Option<EntityId>,
    disabled: bool,
    destroy_wait: SimDuration,
    disable: Dist,
    enable: Dist,
    delays: StreamNumber,
}

impl Spawn for KeyPlan {
    fn spawn<'a>(&'a self, streams: Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let (admin, denied) = if self.disabled {
            (Admin::Disabled, Some((Denial::Disabled, SimTime::START)))
        } else {
            (Admin::Enabled, None)
        };
        Box::new(Key {
            plan: self,
            delays: LazyStream::new(streams, self.delays),
            admin,
            standing: Standing { denied, ..Standing::GRANTED },
            moving: None,
            stale: false,
            scheduled: None,
        })
    }
}

/// State of a key in the administration of Cloud KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admin {
    Enabled,
    Disabled,
    Scheduled,
    Destroyed,
}

/// A change on its way to the callers.
struct Moving {
    /// What they will be told: denied or granted.
    denied: Option<Denial>,
    /// When it arrives; while data is stale, how long it still has to go.
    arrives: SimTime,
    left: SimDuration,
    cause: Seq,
}

/// One customer-managed key, all its versions together.
struct Key<'a> {
    plan: &'a KeyPlan,
    delays: LazyStream,
    admin: Admin,
    standing: Standing,
    moving: Option<Moving>,
    stale: bool,
    /// The record that scheduled the destruction.
    scheduled: Option<Seq>,
}

const ARRIVAL: u32 = 0;
const DESTRUCTION: u32 = 1;

impl Key<'_> {
    /// The state that callers see.
    fn shown(&self) -> StateId {
        let unreachable = self.standing.certain() == Some(Answer::Unreachable);
        match self.standing.denied {
            Some((Denial::Destroyed, _)) => shown::DESTROYED,
            _ if unreachable => shown::UNREACHABLE,
            Some((Denial::Disabled, _)) => shown::DISABLED,
            Some((Denial::DestroyScheduled, _)) => shown::DESTROY_SCHEDULED,
            None if self.standing.impaired() => shown::IMPAIRED,
            None if self.admin == Admin::Enabled => shown::ENABLED,
            None => shown::DISABLING,
        }
    }

    /// Records the state callers see now, and tells them if their answers change.
    fn tell(
        &mut self,
        before: Standing,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let seq = fx.enter(self.plan.entity, self.shown(), rule, cause, detail);
        if before != self.standing {
            fx.publish(self.plan.entity, Message::Standing(self.standing), Some(seq));
        }
        seq
    }

    fn refuse(
        &self,
        rule: &'static str,
        why: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        fx.note(self.plan.entity, rule, cause, why);
    }

    fn command(&mut self, code: u16, cause: Option<Seq>, fx: &mut Effects<Message>) {
        match (code, self.admin) {
            (DISABLE, Admin::Enabled) => {
                self.admin = Admin::Disabled;
                self.deny(Denial::Disabled, "KMS-02", "disabled", cause, fx);
            }
            (DISABLE, Admin::Disabled) => self.refuse(
                "KMS-01",
                "disable-key changes nothing: the key is disabled already",
                cause,
                fx,
            ),
            (DISABLE, Admin::Scheduled) => self.refuse(
                "KMS-01",
                "disable-key is refused: the key is scheduled for destruction",
                cause,
                fx,
            ),
            (DISABLE, Admin::Destroyed) => {
                self.refuse("KMS-01", "disable-key is refused: the key is destroyed", cause, fx)
            }
            (ENABLE, Admin::Disabled) => {
                self.admin = Admin::Enabled;
                self.grant(cause, fx);
            }
            (ENABLE, Admin::Enabled) => self.refuse(
                "KMS-01",
                "enable-key changes nothing: the key is enabled already",
                cause,
                fx,
            ),
            // KMS-06: two steps, restore first.
            (ENABLE, Admin::Scheduled) => self.refuse(
                "KMS-06",
                "enable-key is refused: the key is scheduled for destruction; restore it first",
                cause,
                fx,
            ),
            (ENABLE, Admin::Destroyed) => {
                self.refuse("KMS-07", "enable-key is refused: the key is destroyed", cause, fx)
            }
            (SCHEDULE, Admin::Enabled | Admin::Disabled) => {
                self.admin = Admin::Scheduled;
                fx.after(DESTRUCTION, self.plan.destroy_wait, Class::Change);
                let detail = format!("scheduled for destruction in {}", self.plan.destroy_wait);
                self.scheduled =
                    Some(self.deny(Denial::DestroyScheduled, "KMS-03", detail, cause, fx));
            }
            (SCHEDULE, Admin::Scheduled) => self.refuse(
                "KMS-03",
                "schedule-destroy is refused: the key is scheduled for destruction already",
                cause,
                fx,
            ),
            (SCHEDULE, Admin::Destroyed) => self.refuse(
                "KMS-03",
                "schedule-destroy is refused: the key is destroyed already",
                cause,
                fx,
            ),
            (RESTORE, Admin::Scheduled) => {
                self.admin = Admin::Disabled;
                fx.cancel(DESTRUCTION);
                self.deny(
                    Denial::Disabled,
                    "KMS-06",
                    "restored: disabled until it is enabled",
                    cause,
                    fx,
                );
            }
            (RESTORE, Admin::Enabled | Admin::Disabled) => self.refuse(
                "KMS-06",
                "restore-key is refused: the key is not scheduled for destruction",
                cause,
                fx,
            ),
            (RESTORE, Admin::Destroyed) => {
                self.refuse("KMS-07", "restore-key is refused: the key is destroyed", cause, fx)
            }
            (other, _) => panic!("command {other} is not for a key"),
        }
    }

    /// Callers are to be denied: at once if they are already (only the reason changes), else when
    /// the change has propagated. A denial on its way keeps its time.
    fn deny(
        &mut self,
        why: Denial,
        rule: &'static str,
        detail: impl Into<Cow<'static, str>>,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let before = self.standing;
        let detail = detail.into();
        match (before.denied, &mut self.moving) {
            (Some((_, since)), _) => {
                // A grant still on its way is superseded.
                self.moving = None;
                fx.cancel(ARRIVAL);
                self.standing.denied = Some((why, since));
                self.tell(before, rule, cause, detail, fx)
            }
            (None, Some(moving)) => {
                moving.denied = Some(why);
                self.tell(before, rule, cause, detail, fx)
            }
            (None, None) => {
                fx.used("model.kms.disable-propagation");
                let delay = self.plan.disable.sample(self.delays.get());
                self.set_out(Some(why), delay, rule, detail, cause, fx)
            }
        }
    }

    /// KMS-09: callers are granted again, at once unless the model says otherwise. A denial still
    /// on its way never arrives.
    fn grant(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let before = self.standing;
        if before.denied.is_none() {
            self.moving = None;
            fx.cancel(ARRIVAL);
            self.tell(before, "KMS-09", cause, "enabled before the change had propagated", fx);
        } else {
            fx.used("model.kms.enable-propagation");
            let delay = self.plan.enable.sample(self.delays.get());
            self.set_out(None, delay, "KMS-09", "enabled".into(), cause, fx);
        }
    }

    /// A change sets out to the callers.
    fn set_out(
        &mut self,
        denied: Option<Denial>,
        delay: SimDuration,
        rule: &'static str,
        detail: Cow<'static, str>,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let before = self.standing;
        if delay.is_zero() && (!self.stale || denied.is_none()) {
            self.standing.denied = denied.map(|why| (why, fx.now()));
            return self.tell(before, rule, cause, detail, fx);
        }
        let seq = self.tell(before, rule, cause, detail, fx);
        let arrives = fx.now().saturating_add(delay);
        self.moving = Some(Moving { denied, arrives, left: delay, cause: seq });
        if !self.stale {
            fx.at(ARRIVAL, arrives, Class::Change);
        }
        seq
    }

    /// BT-25: a change has propagated.
    fn arrive(&mut self, fx: &mut Effects<Message>) {
        let moving = self.moving.take().expect("a change was on its way");
        let before = self.standing;
        self.standing.denied = moving.denied.map(|why| (why, fx.now()));
        self.tell(before, "KMS-12", Some(moving.cause), "the change has propagated", fx);
    }

    fn destroy(&mut self, fx: &mut Effects<Message>) {
        let before = self.standing;
        self.admin = Admin::Destroyed;
        self.moving = None;
        fx.cancel(ARRIVAL);
        let since = before.denied.map_or(fx.now(), |(_, since)| since);
        self.standing.denied = Some((Denial::Destroyed, since));
        self.tell(
            before,
            "KMS-02",
            self.scheduled,
            "the wait is over: the material is destroyed",
            fx,
        );
    }

    /// KMS-14: what is on its way stops, or goes on.
    fn stale(&mut self, stale: bool, fx: &mut Effects<Message>) {
        if self.stale == stale {
            return;
        }
        self.stale = stale;
        let Some(moving) = &mut self.moving else { return };
        if stale {
            moving.left = moving.arrives.saturating_since(fx.now());
            fx.cancel(ARRIVAL);
        } else {
            moving.arrives = fx.now().saturating_add(moving.left);
            fx.at(ARRIVAL, moving.arrives, Class::Change);
        }
    }

    fn errors(&mut self, of: EntityId, errors: f64, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let before = self.standing;
        if of == self.plan.kms {
            self.standing.kms_errors = errors;
        }
        if Some(of) == self.plan.ekm {
            self.standing.ekm_errors = errors;
        }
        let failing = self.standing.kms_errors > 0.0 || self.standing.ekm_errors > 0.0;
        let silent = self.standing.kms_errors >= 1.0 || self.standing.ekm_errors >= 1.0;
        self.standing.silent_since = silent.then(|| before.silent_since.unwrap_or(fx.now()));
        let rule = if of == self.plan.kms { "BT-43" } else { "EKM-01" };
        let detail = if failing { "" } else { "every request is answered again" };
        self.tell(before, rule, cause, detail, fx);
    }
}

impl Process<Message> for Key<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        if self.standing.denied.is_some() {
            fx.publish(self.plan.entity, Message::Standing(self.standing), None);
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(ARRIVAL) => self.arrive(fx),
            Happening::Timer(_) => self.destroy(fx),
            Happening::Message { to, message, cause } => match message {
                Message::Errors(errors) => self.errors(to, errors, cause, fx),
                Message::Stale(stale) => self.stale(stale, fx),
                Message::Command { command, .. } => self.command(command.code, cause, fx),
                Message::Standing(_) => {}
            },
            Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}
