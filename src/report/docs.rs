//! The reference pages as Markdown, made from the descriptions that the program itself works from:
//! `docs/model.md`, and the tables of `docs/scenario.md` and `docs/outputs.md`.
//!
//! `tests/docs.rs` compares them with the files and rewrites the files under `CMEKSIM_BLESS=1`.

use crate::engine::Class;
use crate::limits;
use crate::scenario::read::{EVENT, EXPECT, HAZARD, LASTS, OBJECTIVE, RESPONSE, SCENARIO};
use crate::systems;
use crate::systems::spec::{
    ActionSpec, COMMON_MEASURES, Default, EntityKind, Kind, MeasureSpec, ParamSpec, Rule, System,
    TableSpec,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Generated parts of hand-written pages, by the name between their markers.
pub fn parts() -> Vec<(&'static str, String)> {
    vec![
        ("head", rows(&PARAM_HEADER, SCENARIO.iter().map(|p| param_row(p, "model.md")))),
        ("tables", all_tables("model.md")),
        ("constants", all_constants()),
        ("entries", entries()),
        ("actions", all_actions()),
        ("measures", all_measures()),
        ("limits", all_limits()),
    ]
}

/// `docs/model.md`.
pub fn model() -> String {
    let mut out = String::from(MODEL_INTRO);
    out.push_str("\n## Order of things at one instant\n\n");
    out.push_str(ORDER_INTRO);
    out.push('\n');
    let classes = CLASSES.iter().map(|class| {
        let (name, meaning) = class_in_words(*class);
        vec![name.to_owned(), meaning.to_owned()]
    });
    out.push_str(&rows(&["class", "what is in it"], classes));
    out.push_str(ORDER_REST);
    out.push_str("\n## Measures of everything with states\n\n");
    out.push_str(&rows(&MEASURE_HEADER, COMMON_MEASURES.iter().map(measure_row)));
    for system in systems::ALL {
        section(system, &mut out);
    }
    out
}

const MODEL_INTRO: &str = "<!-- Generated from the descriptions in src/systems; do not edit. -->
<!-- Rewrite with: CMEKSIM_BLESS=1 cargo test --test docs -->

# The model

Everything that the simulator assumes about the systems it plays, as the program itself reads it:
tables of a scenario, constants, events, states, measures and rules. `cmeksim rules ID` prints one
rule on the terminal.

Every rule says how sure its source makes us:

| confidence | meaning |
| --- | --- |
| documented | The source states it. |
| vague | The source gives a bound or an adverb, or is a secondary one. |
| assumed | A decision of this model where the sources are silent (ids that begin with `Q-`). |

A constant whose source begins with *assumed* has no documented number. When a run draws on such a
constant and the scenario leaves it at its default, the run's output names it.
";

const ORDER_INTRO: &str = "Time is a whole number of nanoseconds, so things can be due at the
same instant. What goes first is decided by the class of each timer, in this order:
";

const ORDER_REST: &str = "
Within a class, timers are due in the order of their keys: first the number of the process, then
the number of the timer within it. Keys do not depend on what happened before, so the order does
not either. Messages between processes are delivered at the instant they are sent, first sent
first, before the next timer. The run covers the time from the start up to, and not including, the
horizon.
";

/// Every class, in the order in which they go.
const CLASSES: [Class; 6] =
    [Class::Horizon, Class::Root, Class::Change, Class::Check, Class::Due, Class::Clock];

fn class_in_words(class: Class) -> (&'static str, &'static str) {
    match class {
        Class::Horizon => {
            ("horizon", "The end of the run: what is due at the horizon is not part of it.")
        }
        Class::Root => ("root", "Root events: the world changes before anybody looks at it."),
        Class::Change => (
            "change",
            "Later consequences of root events (a change has propagated, an outage is over): an observer at that very instant sees them done.",
        ),
        Class::Check => {
            ("check", "Observations: a check at the instant of a change sees the new state.")
        }
        Class::Due => (
            "due",
            "Periods that are over (a grace, a step, a bring-up): a check that succeeds at the very instant still counts.",
        ),
        Class::Clock => (
            "clock",
            "Clocks that run out only when more than their time has passed: anything at the same instant may still stop them.",
        ),
    }
}

/// One system.
fn section(system: &System, out: &mut String) {
    let _ = write!(out, "\n## System `{}`\n", system.name);
    out.push_str("\n### Tables\n");
    for param in system.tables {
        table(param.name, &param.kind, param.doc, "", out);
    }
    if !system.model.is_empty() {
        let _ = write!(out, "\n### Constants of `{}`\n\n", system.name);
        let _ = write!(out, "Set under `[model]`, for example `model.{}.", system.name);
        let _ = write!(out, "{} = VALUE`.\n\n", system.model[0].name);
        out.push_str(&rows(&PARAM_HEADER, system.model.iter().map(|p| param_row(p, ""))));
    }
    if !system.actions.is_empty() {
        let _ = write!(out, "\n### Events of `{}`\n\n", system.name);
        out.push_str(&rows(&ACTION_HEADER, system.actions.iter().map(|a| action_row(a, ""))));
    }
    for (path, kind) in entities(system) {
        entity(&path, kind, out);
    }
    let (decisions, rules): (Vec<&Rule>, Vec<&Rule>) =
        system.rules.iter().partition(|rule| rule.id.starts_with("Q-"));
    for (title, rules) in [("Rules", rules), ("Decisions on open questions", decisions)] {
        if !rules.is_empty() {
            let _ = write!(out, "\n### {title} of `{}`\n\n", system.name);
            out.push_str(&rows(
                &["id", "statement", "source", "confidence"],
                rules.into_iter().map(rule_row),
            ));
        }
    }
}

/// The kinds of entity of a system with the form of their paths: first those that tables name,
/// then those that follow from them.
fn entities(system: &System) -> Vec<(String, &'static EntityKind)> {
    let mut found = Vec::new();
    for param in system.tables {
        if let Kind::Named(spec) = &param.kind {
            named_entities(&format!("{}.NAME", param.name), spec, &mut found);
        }
    }
    for (path, kind) in derived_entities(system) {
        if found.iter().all(|(_, known)| known.name != kind.name) {
            found.push((path, kind));
        }
    }
    found
}

fn named_entities(
    path: &str,
    spec: &'static TableSpec,
    found: &mut Vec<(String, &'static EntityKind)>,
) {
    found.extend(spec.entity.map(|kind| (path.to_owned(), kind)));
    for param in spec.params {
        if let Kind::Named(inner) = &param.kind {
            named_entities(&format!("{path}.{}.NAME", param.name), inner, found);
        }
    }
}

/// Entities that no table names, found in a scenario of one entry per table.
fn derived_entities(system: &System) -> Vec<(String, &'static EntityKind)> {
    let mut text = String::from(
        "schema = 1\n[scenario]\nname = \"a\"\nstart = 2026-01-01T00:00:00Z\nhorizon = \"1h\"\n",
    );
    text.push_str("[organization-policy]\n");
    text.push_str("[keys.a]\nlocation = \"us-east1\"\nprotection = \"hsm\"\n");
    text.push_str("[storage.a]\nkey = \"a\"\n");
    let none = |_: &str| Err(String::new());
    let read = crate::scenario::read::read(
        "example",
        text.as_bytes(),
        &crate::scenario::read::Overrides::default(),
        &none,
    );
    let Ok(scenario) = read else { return Vec::new() };
    let words = [("us-east1", "LOCATION"), ("-hsm", "-LEVEL"), ("storage-agent", "PRINCIPAL")];
    let general = |path: String| {
        let path = path.replace("keys.a.", "keys.NAME.");
        words.iter().fold(path, |path, (word, general)| path.replace(word, general))
    };
    let found = (system.derived)(&scenario.root);
    found.into_iter().map(|(path, kind)| (general(path), kind)).collect()
}

fn entity(path: &str, kind: &EntityKind, out: &mut String) {
    let _ = write!(out, "\n### {}\n\nPath: `{path}`.\n\n", capital(kind.name));
    let header = ["state", "serves", "comes back", "meaning"];
    let yes = |truth: bool| if truth { "yes" } else { "no" }.to_owned();
    out.push_str(&rows(
        &header,
        kind.states.iter().map(|state| {
            let name = match state.alias {
                Some(alias) => format!("`{}` (also `{alias}`)", state.name),
                None => format!("`{}`", state.name),
            };
            vec![name, yes(state.serves), yes(!state.irreversible), state.doc.to_owned()]
        }),
    ));
    if !kind.measures.is_empty() {
        out.push('\n');
        out.push_str(&rows(&MEASURE_HEADER, kind.measures.iter().map(measure_row)));
    }
}

const PARAM_HEADER: [&str; 5] = ["parameter", "kind", "default", "source", "meaning"];
const ACTION_HEADER: [&str; 5] = ["`do`", "`lasts`", "parameters", "rule", "meaning"];
const MEASURE_HEADER: [&str; 3] = ["measure", "unit", "meaning"];

/// A table of a scenario with those inside it, each under its path.
fn table(path: &str, kind: &Kind, doc: &str, page: &str, out: &mut String) {
    let (path, spec) = match kind {
        Kind::Named(spec) => (format!("{path}.NAME"), *spec),
        Kind::Table(spec) => (path.to_owned(), *spec),
        _ => return,
    };
    let _ = write!(out, "\n`[{path}]`: {doc}\n");
    let plain: Vec<&ParamSpec> = spec.params.iter().filter(|param| !is_table(param)).collect();
    if plain.is_empty() {
        out.push_str("\nIt has no parameters of its own.\n");
    } else {
        out.push('\n');
        out.push_str(&rows(&PARAM_HEADER, plain.into_iter().map(|p| param_row(p, page))));
    }
    for param in spec.params.iter().filter(|param| is_table(param)) {
        let needed = match param.default {
            Default::Required => " At least the table itself is required.",
            Default::Absent | Default::Value(_) => "",
        };
        table(
            &format!("{path}.{}", param.name),
            &param.kind,
            &format!("{}{needed}", param.doc),
            page,
            out,
        );
    }
}

fn is_table(param: &ParamSpec) -> bool {
    matches!(param.kind, Kind::Named(_) | Kind::Table(_))
}

fn all_tables(page: &str) -> String {
    let mut out = String::new();
    for param in systems::tables() {
        table(param.name, &param.kind, param.doc, page, &mut out);
    }
    out.trim_start().to_owned()
}

fn all_constants() -> String {
    let all = systems::ALL.iter().flat_map(|system| {
        system.model.iter().map(|spec| {
            let mut row = param_row(spec, "model.md");
            row[0] = format!("`model.{}.{}`", system.name, spec.name);
            row
        })
    });
    rows(&PARAM_HEADER, all)
}

fn all_actions() -> String {
    let all = systems::ALL.iter().flat_map(|system| system.actions);
    rows(&ACTION_HEADER, all.map(|action| action_row(action, "model.md")))
}

/// The keys of events, hazards, responses, objectives and expectations besides those of the action.
fn entries() -> String {
    let mut out = String::new();
    for (list, params) in [
        ("events", EVENT),
        ("hazards", HAZARD),
        ("responses", RESPONSE),
        ("objectives", OBJECTIVE),
        ("expect", EXPECT),
    ] {
        let _ = write!(out, "`[[{list}]]`\n\n");
        let mut table = Vec::new();
        for param in params {
            entry_rows("", param, &mut table);
        }
        if ["events", "hazards", "responses"].contains(&list) {
            for param in LASTS {
                let mut row = param_row(param, "model.md");
                row[2] = "required where the action has a length".to_owned();
                table.push(row);
            }
        }
        out.push_str(&rows(&PARAM_HEADER, table));
        out.push('\n');
    }
    out.trim_end().to_owned() + "\n"
}

fn entry_rows(prefix: &str, param: &ParamSpec, table: &mut Vec<Vec<String>>) {
    if let Kind::Table(spec) = &param.kind {
        for inner in spec.params {
            entry_rows(&format!("{prefix}{}.", param.name), inner, table);
        }
        return;
    }
    let mut row = param_row(param, "model.md");
    row[0] = format!("`{prefix}{}`", param.name);
    table.push(row);
}

fn all_measures() -> String {
    let mut out = String::from("Every entity with states\n\n");
    out.push_str(&rows(&MEASURE_HEADER, COMMON_MEASURES.iter().map(measure_row)));
    for (path, kind) in systems::ALL.iter().flat_map(|system| entities(system)) {
        if !kind.measures.is_empty() {
            let _ = write!(out, "\n{}: `{path}`\n\n", capital(kind.name));
            out.push_str(&rows(&MEASURE_HEADER, kind.measures.iter().map(measure_row)));
        }
    }
    out
}

fn all_limits() -> String {
    let count = |value: usize| thousands(value as u64);
    let days = limits::HORIZON_NS_MAX / 86_400_000_000_000;
    let all = [
        ("scenario file", format!("{} bytes", count(limits::SCENARIO_BYTES_MAX))),
        ("name", format!("{} bytes", count(limits::NAME_BYTES_MAX))),
        ("free text", format!("{} bytes", count(limits::TEXT_BYTES_MAX))),
        ("entities", count(limits::ENTITIES_MAX)),
        (
            "entries in each of `events`, `hazards`, `responses`, `objectives`, `expect`",
            count(limits::ENTRIES_MAX),
        ),
        ("horizon, and any length of time", format!("{} days", thousands(days))),
        ("nesting of a value", count(limits::NESTING_MAX)),
        ("parts of a mixture", count(limits::MIXTURE_COMPONENTS_MAX)),
        ("values of an empirical distribution", count(limits::EMPIRICAL_VALUES_MAX)),
        (
            "elements that flow through all topics and jobs",
            format!("{:.0e}", limits::FLOW_ELEMENTS_MAX),
        ),
        ("events of one replication", thousands(limits::EVENTS_MAX)),
        ("events at one instant", thousands(limits::EVENTS_AT_ONE_INSTANT_MAX)),
        ("rows of `events.csv`", count(limits::RECORDS_MAX)),
        ("factors of a sweep", count(limits::FACTORS_MAX)),
        ("levels of a factor", count(limits::LEVELS_MAX)),
        ("points of a sweep, and worlds", count(limits::POINTS_MAX)),
        ("points times worlds", count(limits::POINTS_AND_WORLDS_MAX)),
        ("cells of an experiment", thousands(limits::CELLS_MAX)),
        ("lines of `audit-log.jsonl`", thousands(limits::AUDIT_ENTRIES_MAX)),
    ];
    rows(&["what", "at most"], all.into_iter().map(|(what, most)| vec![what.to_owned(), most]))
}

fn param_row(param: &ParamSpec, page: &str) -> Vec<String> {
    let default = match param.default {
        Default::Required => "required".to_owned(),
        Default::Absent => "absent".to_owned(),
        Default::Value(text) => format!("`{text}`"),
    };
    vec![
        format!("`{}`", param.name),
        kind_in_words(&param.kind),
        default,
        cited(param.source, page),
        param.doc.to_owned(),
    ]
}

fn action_row(action: &ActionSpec, page: &str) -> Vec<String> {
    let params = action.params.iter().map(|param| {
        let note = match param.default {
            Default::Required => String::new(),
            Default::Absent => ", absent by default".to_owned(),
            Default::Value(text) => format!(", default `{text}`"),
        };
        format!("`{}` ({}{note})", param.name, kind_in_words(&param.kind))
    });
    vec![
        format!("`{}`", action.name),
        if action.lasts { "required" } else { "no" }.to_owned(),
        params.collect::<Vec<_>>().join("; "),
        cited(action.rule, page),
        action.doc.to_owned(),
    ]
}

fn measure_row(measure: &MeasureSpec) -> Vec<String> {
    vec![format!("`{}`", measure.name), measure.unit.to_owned(), measure.doc.to_owned()]
}

fn rule_row(rule: &Rule) -> Vec<String> {
    vec![
        format!("<a id=\"{}\"></a>{}", rule.id.to_lowercase(), rule.id),
        rule.text.to_owned(),
        rule.source.to_owned(),
        rule.confidence.word().to_owned(),
    ]
}

/// The ids of a source as links to their rules on a page.
fn cited(source: &str, page: &str) -> String {
    let link = |id: &str| match systems::rule(id) {
        Some(rule) => format!("[{}]({page}#{})", rule.id, rule.id.to_lowercase()),
        None => id.to_owned(),
    };
    source.split(", ").map(link).collect::<Vec<_>>().join(", ")
}

fn kind_in_words(kind: &Kind) -> String {
    let words = |words: &[&str]| {
        words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ")
    };
    match kind {
        Kind::Bool => "truth value".to_owned(),
        Kind::Count(low, high) if *high >= i64::MAX as u64 => {
            format!("whole number from {low} to 2^63 - 1")
        }
        Kind::Count(low, high) => {
            format!("whole number from {} to {}", thousands(*low), thousands(*high))
        }
        Kind::Fraction => "fraction".to_owned(),
        Kind::Amount => "number of zero or more".to_owned(),
        Kind::Words(choice) => format!("list, possibly empty, of {}", words(choice)),
        Kind::Duration(low, high) => match (low.ns() <= 1, high.ns() == limits::HORIZON_NS_MAX) {
            (true, true) if low.is_zero() => "duration".to_owned(),
            (true, true) => "duration above zero".to_owned(),
            (_, true) => format!("duration of at least {low}"),
            (..) => format!("duration from {low} to {high}"),
        },
        Kind::Distribution => "distribution".to_owned(),
        Kind::Instant => "instant".to_owned(),
        Kind::Rate => "rate".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Location => "location".to_owned(),
        Kind::Zone => "zone".to_owned(),
        Kind::Choice(choice) => words(choice),
        Kind::Reference(pattern) => format!("name in `{}`", general(pattern)),
        Kind::References(pattern, word) => {
            format!("name in `{}`, list of names, or `\"{word}\"`", general(pattern))
        }
        Kind::List(inner) => format!("list of: {}", kind_in_words(inner)),
        Kind::Tagged(tags) => {
            let form = |(word, inner): &(&str, Option<&Kind>)| match inner {
                None => format!("`\"{word}\"`"),
                Some(inner) => format!("`{{ {word} = ... }}` ({})", kind_in_words(inner)),
            };
            tags.iter().map(form).collect::<Vec<_>>().join(" or ")
        }
        Kind::Entity(None) => "path of any entity".to_owned(),
        Kind::Entity(Some(word)) => format!("path of an entity, or `\"{word}\"`"),
        Kind::Shares(pattern) => format!("shares by name in `{}`", general(pattern)),
        Kind::Table(_) => "table".to_owned(),
        Kind::Named(_) => "named tables".to_owned(),
    }
}

/// A pattern as users read it: `{0}` is the table's own instance.
fn general(pattern: &str) -> String {
    pattern.replace("{0}", "NAME").replace(['{', '}'], "").replace(".instance.", ".INSTANCE.")
}

/// A Markdown table.
fn rows(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|{}\n", header.join(" | "), " --- |".repeat(header.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let line = format!("| {} |", cells.join(" | "));
        let _ = writeln!(out, "{}", line.replace("|  |", "| |").replace("|  |", "| |"));
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Ids that parameters and events cite and that no system has as a rule.
pub fn dangling() -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut look = |path: String, source: &'static str| {
        let ids = source.split(", ").filter(|id| !id.is_empty() && *id != "assumed");
        for id in ids.filter(|id| systems::rule(id).is_none()) {
            found.insert(format!("{path}: {id}"));
        }
    };
    for system in systems::ALL {
        for spec in system.model {
            look(format!("model.{}.{}", system.name, spec.name), spec.source);
        }
        for action in system.actions {
            look(action.name.to_owned(), action.rule);
            for spec in action.params {
                look(format!("{} {}", action.name, spec.name), spec.source);
            }
        }
        for spec in system.tables {
            cited_below(spec.name, spec, &mut look);
        }
    }
    found.into_iter().collect()
}

fn cited_below(path: &str, spec: &'static ParamSpec, look: &mut impl FnMut(String, &'static str)) {
    look(path.to_owned(), spec.source);
    if let Kind::Named(table) | Kind::Table(table) = &spec.kind {
        for inner in table.params {
            cited_below(&format!("{path}.{}", inner.name), inner, look);
        }
    }
}
