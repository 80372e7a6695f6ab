//! What can be done to keys, grants, locations and managers.

use super::build::{REASONS, reasons};
use super::code;
use super::manager::Calls;
use super::quota::check_calling_project;
use crate::diag::Diagnostic;
use crate::limits::VERSIONS_MAX;
use crate::systems::contract::{Command, Plan};
use crate::systems::spec::{
    ActionSpec, Default, Kind, Node, PRINCIPALS, ParamSpec, Value, World, param,
};

const KEY_PARAM: ParamSpec = param(
    "key",
    Kind::References("keys", "everywhere"),
    Default::Required,
    "",
    "The key, several, or `everywhere` for all.",
);
const VERSION_PARAM: ParamSpec = param(
    "version",
    Kind::Count(1, VERSIONS_MAX as u64),
    Default::Absent,
    "Q-09",
    "Number of one version; all of them when absent.",
);
const KEY_PARAMS: &[ParamSpec] = &[KEY_PARAM, VERSION_PARAM];
const KEY_ONLY: &[ParamSpec] = &[KEY_PARAM];
const VERSION_PARAM_OF_IMPORT: ParamSpec = param(
    "version",
    Kind::Count(1, VERSIONS_MAX as u64),
    Default::Absent,
    "KMS-07",
    "Number of the version that is imported again; a new one when absent.",
);
const FAILS_PARAM: ParamSpec =
    param("fails", Kind::Bool, Default::Value("false"), "KMS-01", "Does it fail in the end?");
const PRINCIPAL_PARAM: ParamSpec = param(
    "principal",
    Kind::Choice(PRINCIPALS),
    Default::Required,
    "BT-16",
    "The service account whose role it is.",
);
const PROJECT_PARAM: ParamSpec = param(
    "project",
    Kind::Text,
    Default::Absent,
    "",
    "The project whose service account it is; those of all projects when absent.",
);
const VIA_PARAM: ParamSpec = param(
    "via",
    Kind::Choice(&["policy", "group"]),
    Default::Value("\"policy\""),
    "IAM-01, IAM-02",
    "By the IAM policy itself, or by the membership of a group that it names.",
);
const GRANT_PARAMS: &[ParamSpec] = &[KEY_PARAM, PRINCIPAL_PARAM, PROJECT_PARAM, VIA_PARAM];
const ERROR_FRACTION: ParamSpec = param(
    "error-fraction",
    Kind::Fraction,
    Default::Value("1.0"),
    "KMS-32",
    "Share of the requests that stay without an answer.",
);
const EKM_PARAM: ParamSpec = param(
    "ekm",
    Kind::References("ekm", "everywhere"),
    Default::Required,
    "",
    "An external manager, several, or `everywhere`.",
);
const DENIED_FRACTION: ParamSpec = param(
    "denied-fraction",
    Kind::Fraction,
    Default::Value("1.0"),
    "INC-09",
    "Share of the requests that are denied.",
);
const LOCATION_PARAM: ParamSpec = param(
    "location",
    Kind::References("kms", "everywhere"),
    Default::Required,
    "",
    "A location that holds keys of the scenario, several, or `everywhere`.",
);

/// Events.
pub(super) const ACTIONS: &[ActionSpec] = &[
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
        name: "kms-latency",
        lasts: true,
        params: &[
            LOCATION_PARAM,
            ParamSpec {
                name: "latency",
                kind: Kind::Distribution,
                default: Default::Required,
                source: "KMS-33",
                doc: "How long one call takes while this lasts; where several overlap, the one that loses most requests.",
            },
        ],
        rule: "KMS-33",
        doc: "Calls of Cloud KMS take so long: a request whose every try takes longer than `model.kms.call-deadline` stays without an answer.",
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
        params: &[EKM_PARAM, ERROR_FRACTION],
        rule: "EKM-01",
        doc: "An external manager leaves requests without an answer.",
    },
    ActionSpec {
        name: "ekm-latency",
        lasts: true,
        params: &[
            EKM_PARAM,
            param(
                "latency",
                Kind::Distribution,
                Default::Required,
                "EKM-03",
                "How long one call takes while this lasts; where several overlap, the one that loses most requests.",
            ),
        ],
        rule: "EKM-03",
        doc: "Calls of an external manager take longer (or shorter) than usual: what exceeds the timeout fails (INC-06).",
    },
    ActionSpec {
        name: "key-load",
        lasts: true,
        params: &[
            KEY_PARAM,
            param(
                "rate",
                Kind::Rate,
                Default::Required,
                "KMS-22",
                "Requests that are added to each key.",
            ),
        ],
        rule: "KMS-22",
        doc: "Callers outside the scenario make requests to a key, which count against its quota.",
    },
    ActionSpec {
        name: "create-version",
        lasts: false,
        params: &[KEY_PARAM, FAILS_PARAM],
        rule: "KMS-01",
        doc: "Makes a new version of a key that does not become the primary.",
    },
    ActionSpec {
        name: "rotate-key",
        lasts: false,
        params: &[KEY_PARAM, FAILS_PARAM],
        rule: "KMS-17",
        doc: "Makes a new version of a key, which becomes the primary.",
    },
    ActionSpec {
        name: "set-primary",
        lasts: false,
        params: &[
            KEY_PARAM,
            param(
                "version",
                Kind::Count(1, VERSIONS_MAX as u64),
                Default::Required,
                "KMS-13",
                "Number of the version.",
            ),
        ],
        rule: "KMS-13",
        doc: "Makes another enabled version the primary.",
    },
    ActionSpec {
        name: "delete-key",
        lasts: false,
        params: KEY_ONLY,
        rule: "KMS-08",
        doc: "Deletes a key with its versions from the lists of Cloud KMS, for good; refused unless every version is destroyed (imported ones cannot be deleted) or never got material.",
    },
    ActionSpec {
        name: "import-version",
        lasts: false,
        params: &[KEY_PARAM, VERSION_PARAM_OF_IMPORT, FAILS_PARAM],
        rule: "KMS-07",
        doc: "Imports material into a new version, or again into one that is destroyed.",
    },
    ActionSpec {
        name: "revoke-grant",
        lasts: false,
        params: GRANT_PARAMS,
        rule: "IAM-01",
        doc: "Takes a principal's role on a key away.",
    },
    ActionSpec {
        name: "grant",
        lasts: false,
        params: GRANT_PARAMS,
        rule: "IAM-01",
        doc: "Gives a principal its role on a key back.",
    },
    ActionSpec {
        name: "vpc-sc-block",
        lasts: true,
        params: &[KEY_PARAM, PRINCIPAL_PARAM, PROJECT_PARAM],
        rule: "BT-35",
        doc: "A VPC Service Controls perimeter keeps a principal from a key.",
    },
    ActionSpec {
        name: "set-allowed-reasons",
        lasts: false,
        params: &[
            KEY_PARAM,
            param(
                "reasons",
                Kind::Words(REASONS),
                Default::Required,
                "KMS-20",
                "The reasons that the key's policy allows from now on; an empty list denies everything.",
            ),
        ],
        rule: "KMS-20",
        doc: "Replaces the list of reasons that a key allows.",
    },
    ActionSpec {
        name: "kaj-deny",
        lasts: true,
        params: &[
            KEY_PARAM,
            param(
                "reasons",
                Kind::Words(REASONS),
                Default::Required,
                "KMS-19",
                "The reasons that are refused.",
            ),
        ],
        rule: "KMS-19",
        doc: "Requests with some reasons are refused: of an external key by its manager, so that the denial sticks (EKM-09).",
    },
    ActionSpec {
        name: "ekm-deny",
        lasts: true,
        params: KEY_ONLY,
        rule: "EKM-09",
        doc: "The external manager answers \"permission denied\" for a key; the first request that meets it makes the denial stick.",
    },
    ActionSpec {
        name: "kms-false-denial",
        lasts: true,
        params: &[LOCATION_PARAM, DENIED_FRACTION],
        rule: "INC-09",
        doc: "Cloud KMS denies requests by mistake: callers take it for a denial, though nobody has taken anything away.",
    },
    super::policy::ACTION,
];

/// What is wrong with an event in this world.
pub(super) fn check(action: &str, params: &Node, world: &World, found: &mut Vec<Diagnostic>) {
    if !["revoke-grant", "grant", "vpc-sc-block"].contains(&action) {
        if action == "ekm-deny" {
            check_external(params, world, found);
        } else if action == "key-load" {
            let rate = params.at("rate");
            check_calling_project(rate.number(), rate, found);
        } else if action == "set-organization-policy" {
            super::policy::check_action(params, world.root, found);
        }
        return;
    }
    let principal = params.at("principal");
    let grants: Vec<&str> = world.entities.keys().map(String::as_str).collect();
    if grants_of(params, &grants).next().is_none() {
        let used: Vec<&str> =
            grants.iter().copied().filter(|path| path.contains(".grants.")).collect();
        let help = if used.is_empty() {
            "no system of the scenario uses a key".to_owned()
        } else {
            format!("the grants that matter here are {}", used.join(", "))
        };
        found.push(
            Diagnostic::error(
                "unused-grant",
                principal.span.clone(),
                format!("no `{}` uses such a key, so its role cannot matter", principal.text()),
            )
            .label("uses none of these keys")
            .help(help),
        );
    }
}

/// EKM-09 is about keys that an external manager holds.
fn check_external(params: &Node, world: &World, found: &mut Vec<Diagnostic>) {
    let key = params.at("key");
    for path in paths(key) {
        let name = path.strip_prefix("keys.").unwrap_or_default();
        let table = world.root.at("keys").get(name);
        if table.is_some_and(|table| !super::is_external(table)) {
            found.push(
                Diagnostic::error(
                    "not-external",
                    key.span.clone(),
                    format!("key `{name}` has no external manager that could deny (EKM-09)"),
                )
                .label("kept in Cloud KMS")
                .help("name an external key, or use `kaj-deny` or `set-allowed-reasons`"),
            );
        }
    }
}

/// The paths that one or more references name.
pub(super) fn paths(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::List(items) => items.iter().map(Node::text).collect(),
        Value::Reference(path) => vec![path],
        _ => Vec::new(),
    }
}

/// The grants among some paths that an event is about.
fn grants_of<'e>(params: &Node, among: &[&'e str]) -> impl Iterator<Item = &'e str> {
    let word = params.at("principal").text().to_owned();
    let project = params.get("project").map(|node| node.text().to_owned());
    let key = params.at("key");
    let everywhere = matches!(key.value, Value::Tagged(..));
    let keys: Vec<String> = paths(key).iter().map(|path| (*path).to_owned()).collect();
    let fits = move |path: &&str| {
        let Some((owner, name)) = path.split_once(".grants.") else { return false };
        let named = match (&project, name.strip_prefix(word.as_str())) {
            (_, None) => false,
            (None, Some(rest)) => rest.is_empty() || rest.starts_with("-in-"),
            (Some(project), Some(rest)) => rest.strip_prefix("-in-") == Some(project),
        };
        named && (everywhere || keys.iter().any(|key| key == owner))
    };
    among.iter().copied().filter(fits).collect::<Vec<_>>().into_iter()
}

/// Commands for one checked action.
pub(super) fn compile(action: &str, params: &Node, plan: &Plan) -> Vec<Command> {
    let count = |name: &str| params.get(name).map_or(0, |node| node.count() as u32);
    let flag = |name: &str| params.get(name).is_some_and(Node::bool);
    let key = |code| {
        let to = targets(params.at("key"), "keys.", plan).into_iter();
        let b = params.get("reasons").map_or(u32::from(flag("fails")), |set| reasons(set.list()));
        let value = params.get("rate").map_or(0.0, Node::number);
        to.map(|path| Command {
            value,
            a: count("version"),
            b,
            ..Command::new(plan.entity(path), code)
        })
        .collect()
    };
    let services = |name: &str, prefix: &str, code| {
        let share = params.get("error-fraction").or_else(|| params.get("denied-fraction"));
        let calls = if prefix == "kms." { Calls::of_kms(plan) } else { Calls::of(plan) };
        let latency = params.get("latency").map(|node| calls.too_late(node.dist()));
        let value = latency.or(share.map(Node::number)).unwrap_or(1.0);
        let to = targets(params.at(name), prefix, plan).into_iter();
        to.map(|path| Command { value, ..Command::new(plan.entity(path), code) }).collect()
    };
    let grants = |code| {
        let all: Vec<&str> = plan.entities().map(|(path, _)| path).collect();
        let b = u32::from(params.get("via").is_some_and(|via| via.text() == "group"));
        grants_of(params, &all)
            .map(|path| Command { b, ..Command::new(plan.entity(path), code) })
            .collect()
    };
    match action {
        "disable-key" => key(code::DISABLE),
        "enable-key" => key(code::ENABLE),
        "schedule-destroy" => key(code::SCHEDULE),
        "restore-key" => key(code::RESTORE),
        "create-version" => key(code::CREATE_VERSION),
        "rotate-key" => key(code::ROTATE),
        "set-primary" => key(code::SET_PRIMARY),
        "delete-key" => key(code::DELETE),
        "import-version" => key(code::IMPORT),
        "set-allowed-reasons" => key(code::ALLOW_REASONS),
        "kaj-deny" => key(code::REFUSE_REASONS),
        "ekm-deny" => key(code::MANAGER_DENIES),
        "revoke-grant" => grants(code::REVOKE),
        "grant" => grants(code::GRANT),
        "vpc-sc-block" => grants(code::PERIMETER),
        "kms-outage" => services("location", "kms.", code::OUTAGE),
        "kms-latency" => services("location", "kms.", code::LATENCY),
        "kms-stale" => services("location", "kms.", code::STALE),
        "kms-false-denial" => services("location", "kms.", code::MISTAKEN),
        "ekm-outage" => services("ekm", "ekm.", code::OUTAGE),
        "ekm-latency" => services("ekm", "ekm.", code::LATENCY),
        "key-load" => key(code::KEY_LOAD),
        "set-organization-policy" => super::policy::compile(params, plan),
        other => panic!("`{other}` is not an action of Cloud KMS"),
    }
}

/// The entities that references name: one, several, or all of a kind.
fn targets<'p>(node: &'p Node, prefix: &str, plan: &'p Plan) -> Vec<&'p str> {
    match &node.value {
        Value::Tagged(..) => {
            let own =
                |path: &&str| path.strip_prefix(prefix).is_some_and(|name| !name.contains('.'));
            plan.entities().map(|(path, _)| path).filter(own).collect()
        }
        _ => paths(node),
    }
}
