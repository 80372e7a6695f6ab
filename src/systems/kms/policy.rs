//! The organization policy: its table, its changes at run time, and what it says of the set-up.

use super::path::key_path;
use crate::diag::Diagnostic;
use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Process, Seq, StateId, StreamNumber, Streams,
};
use crate::systems::contract::{Command, LazyStream, Message, Plan, Spawn, SweepMode, model};
use crate::systems::policy::{
    self, DISABLE_FIRST, KEY_PROJECTS, MINIMUM_WAIT, NON_CMEK_SERVICES, PATH, SERVICES, allows,
    code, constraint, named_project,
};
use crate::systems::spec::{
    ActionSpec, Default, EntityKind, Kind, Look, Node, ParamSpec, Role, StateSpec, TableSpec, param,
};

const IN_FORCE: StateId = 0;
const CHANGING: StateId = 1;

const fn state(name: &'static str, look: Look, doc: &'static str) -> StateSpec {
    StateSpec { name, alias: None, serves: true, irreversible: false, look, doc }
}

/// The organization policy.
pub(super) const POLICY: EntityKind = EntityKind {
    name: "organization policy",
    role: Role::Service,
    states: &[
        state("in-force", Look::Good, "Enforced as it is configured."),
        state(
            "changing",
            Look::Waning,
            "A change has been made and is not enforced yet: the old constraint still is.",
        ),
    ],
    measures: &[],
};

const fn constraint_spec(
    name: &'static str,
    kind: Kind,
    source: &'static str,
    doc: &'static str,
) -> ParamSpec {
    ParamSpec { name, kind, default: Default::Absent, source, doc }
}

const GCP: TableSpec = TableSpec {
    entity: None,
    params: &[
        constraint_spec(
            "restrictNonCmekServices",
            Kind::Words(SERVICES),
            "BT-20",
            "Services that must not create resources without a customer-managed key.",
        ),
        constraint_spec(
            "restrictCmekCryptoKeyProjects",
            Kind::List(&Kind::Text),
            "BT-20",
            "Projects whose keys may protect new resources: `projects/P` or `under:projects/P`; all when absent.",
        ),
    ],
};

const CLOUDKMS: TableSpec = TableSpec {
    entity: None,
    params: &[
        constraint_spec(
            "minimumDestroyScheduledDuration",
            Kind::Choice(&["1d", "7d", "15d", "30d", "60d", "90d", "120d"]),
            "KMS-05",
            "The least wait before destruction that a new key may have.",
        ),
        constraint_spec(
            "disableBeforeDestroy",
            Kind::Bool,
            "KMS-16",
            "Must a version be disabled before its destruction is scheduled?",
        ),
    ],
};

pub(super) const TABLE: TableSpec = TableSpec {
    entity: None,
    params: &[
        constraint_spec("gcp", Kind::Table(&GCP), "", "Constraints on resources and their keys."),
        constraint_spec("cloudkms", Kind::Table(&CLOUDKMS), "", "Constraints on keys."),
    ],
};

/// The event that changes a constraint.
pub(super) const ACTION: ActionSpec = ActionSpec {
    name: "set-organization-policy",
    lasts: false,
    params: &[
        param(
            "constraint",
            Kind::Choice(&[NON_CMEK_SERVICES, KEY_PROJECTS, DISABLE_FIRST]),
            Default::Required,
            "",
            "Which constraint.",
        ),
        constraint_spec(
            "services",
            Kind::Words(SERVICES),
            "BT-20",
            "Of `gcp.restrictNonCmekServices`: the services from now on; an empty list lifts it.",
        ),
        constraint_spec(
            "projects",
            Kind::List(&Kind::Text),
            "BT-20",
            "Of `gcp.restrictCmekCryptoKeyProjects`: the projects from now on; lifted when absent.",
        ),
        constraint_spec(
            "enforced",
            Kind::Bool,
            "KMS-16",
            "Of `cloudkms.disableBeforeDestroy`: is it on from now on?",
        ),
    ],
    rule: "IAM-04",
    doc: "Changes a constraint of the organization policy; needs the table `[organization-policy]`, which may be empty.",
};

/// What is wrong with a change of the policy.
pub(super) fn check_action(params: &Node, root: &Node, found: &mut Vec<Diagnostic>) {
    let of = params.at("constraint");
    if root.get(PATH).is_none() {
        found.push(
            Diagnostic::error(
                "no-organization-policy",
                of.span.clone(),
                "the scenario has no organization policy that could change",
            )
            .label("a constraint of which policy?")
            .help("add the table `[organization-policy]`, with what is enforced at the start"),
        );
    }
    let needed = match of.text() {
        NON_CMEK_SERVICES => Some("services"),
        DISABLE_FIRST => Some("enforced"),
        _ => None,
    };
    if let Some(needed) = needed.filter(|needed| params.get(needed).is_none()) {
        found.push(
            Diagnostic::error(
                "missing-constraint-value",
                of.span.clone(),
                format!("`{}` is to change, but not to what", of.text()),
            )
            .label("to what?")
            .help(format!("add `{needed}` to the event")),
        );
    }
    check_projects(params.get("projects"), found);
}

/// Only projects are known here, not folders and organizations.
fn check_projects(list: Option<&Node>, found: &mut Vec<Diagnostic>) {
    for item in list.into_iter().flat_map(Node::list) {
        if named_project(item.text()).is_none() {
            found.push(
                Diagnostic::error(
                    "policy-project-form",
                    item.span.clone(),
                    format!("`{}` names no project", item.text()),
                )
                .label("not a project")
                .help("write `projects/P` or `under:projects/P`; folders and organizations are not modelled, so list their projects"),
            );
        }
    }
}

/// What the policy at the start says of the keys. It binds only what is created under it, so what
/// is there already is told and kept.
pub(super) fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    let allowed = constraint(root, KEY_PROJECTS);
    check_projects(allowed, found);
    let default = model(root, "kms").at("destroy-wait");
    for (name, key) in root.named("keys") {
        let wait = key.get("destroy-wait").unwrap_or(default);
        let least = constraint(root, MINIMUM_WAIT).map(|node| (node, days(node.text())));
        if let Some((node, least)) = least
            && wait.duration().ns() < least * 86_400_000_000_000
        {
            found.push(
                Diagnostic::warning(
                    "policy-destroy-wait",
                    wait.span.clone().or_else(|| node.span.clone()),
                    format!(
                        "key `{name}` waits {} before destruction, less than constraints/{MINIMUM_WAIT} of {} asks of new keys (KMS-05)",
                        wait.duration(),
                        node.text()
                    ),
                )
                .label("too short for a new key")
                .help("the wait is fixed when a key is created (KMS-04): this key must be older than the policy"),
            );
        }
        if let Some(path) = key.get("path").and_then(|node| key_path(node.text()))
            && !allows(allowed, path.project)
        {
            found.push(
                Diagnostic::warning(
                    "policy-key-project",
                    key.at("path").span.clone(),
                    format!(
                        "key `{name}` is of project `{}`, which constraints/{KEY_PROJECTS} does not allow (BT-20)",
                        path.project
                    ),
                )
                .label("not among the allowed projects")
                .help("nothing new can be protected by it; what is protected already stays so"),
            );
        }
    }
}

/// Days of `"30d"`, one of the words of the constraint.
fn days(word: &str) -> u64 {
    word.strip_suffix('d').and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Commands for a change.
pub(super) fn compile(params: &Node, plan: &Plan) -> Vec<Command> {
    let policy = plan.entity(PATH);
    let command = |code, a, b| Command { a, b, ..Command::new(policy, code) };
    match params.at("constraint").text() {
        NON_CMEK_SERVICES => {
            let list = params.get("services").map_or(0, |list| policy::services(list.list()));
            vec![command(code::SERVICES, list, 0)]
        }
        DISABLE_FIRST => {
            let on = params.get("enforced").is_some_and(Node::bool);
            vec![command(code::DISABLE_FIRST, u32::from(on), 0)]
        }
        _ => {
            let allowed = params.get("projects");
            let of = |(key, project): (&EntityId, &String)| {
                command(code::KEY, key.0, u32::from(!allows(allowed, project)))
            };
            plan.projects.iter().map(of).collect()
        }
    }
}

/// Makes the process of the policy, if the scenario has one.
pub(super) fn build(root: &Node, plan: &mut Plan) {
    if root.get(PATH).is_none() {
        return;
    }
    let entity = plan.entity(PATH);
    let delay = model(root, "kms").at("organization-policy-propagation").dist().clone();
    let stream = StreamNumber::of(PATH, "propagation");
    plan.process(&[entity], Box::new(PolicyPlan { entity, delay, stream }));
}

struct PolicyPlan {
    entity: EntityId,
    delay: Dist,
    stream: StreamNumber,
}

impl Spawn for PolicyPlan {
    fn spawn<'a>(&'a self, streams: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let stream = LazyStream::new(streams, self.stream);
        Box::new(Policy { plan: self, stream, changes: Vec::new() })
    }
}

/// One change on its way; an event makes one of all its commands.
struct Change {
    occurrence: u32,
    cause: Seq,
    commands: Vec<Command>,
    arrived: bool,
}

struct Policy<'a> {
    plan: &'a PolicyPlan,
    stream: LazyStream,
    changes: Vec<Change>,
}

impl Policy<'_> {
    /// IAM-04: a constraint is set; those who enforce it follow later.
    fn set(
        &mut self,
        command: Command,
        occurrence: u32,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let same = |old: &Command| {
            old.code == command.code && (command.code != code::KEY || old.a == command.a)
        };
        for change in &mut self.changes {
            change.commands.retain(|old| !same(old));
        }
        let last = self.changes.last_mut();
        if let Some(change) = last.filter(|last| last.occurrence == occurrence && !last.arrived) {
            change.commands.push(command);
            return;
        }
        fx.used("model.kms.organization-policy-propagation");
        let detail = format!("constraints/{} is set", name_of(command.code));
        let seq = fx.enter(self.plan.entity, CHANGING, "IAM-04", cause, detail);
        let delay = self.plan.delay.sample(self.stream.get());
        fx.after(self.changes.len() as u32, delay, Class::Change);
        let commands = vec![command];
        self.changes.push(Change { occurrence, cause: seq, commands, arrived: false });
    }

    /// IAM-04: a change is enforced from now on.
    fn arrive(&mut self, place: usize, fx: &mut Effects<Message>) {
        let change = &mut self.changes[place];
        change.arrived = true;
        let (cause, commands) = (change.cause, std::mem::take(&mut change.commands));
        let under_way = self.changes.iter().any(|change| !change.arrived);
        let state = if under_way { CHANGING } else { IN_FORCE };
        let detail = if commands.is_empty() {
            "a change that another has overtaken"
        } else {
            "the change is enforced"
        };
        let seq = fx.enter(self.plan.entity, state, "IAM-04", Some(cause), detail);
        for command in commands {
            let message = Message::Command { command, begins: true, occurrence: 0 };
            fx.publish(self.plan.entity, message, Some(seq));
        }
    }
}

fn name_of(command: u16) -> &'static str {
    match command {
        code::SERVICES => NON_CMEK_SERVICES,
        code::KEY => KEY_PROJECTS,
        _ => DISABLE_FIRST,
    }
}

impl Process<Message> for Policy<'_> {
    fn start(&mut self, _: &mut Effects<Message>) {}

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(place) => self.arrive(place as usize, fx),
            Happening::Message {
                message: Message::Command { command, occurrence, .. },
                cause,
                ..
            } => self.set(command, occurrence, cause, fx),
            Happening::Message { .. } | Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}
