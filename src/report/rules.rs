//! The rules of the model in words, for the command line and for `docs/model.md`.

use crate::systems::spec::{Default, ParamSpec, Rule, System};
use serde::Serialize;
use std::fmt::Write as _;

/// A rule with the constants that come from it.
#[derive(Serialize)]
pub struct RuleJson {
    id: &'static str,
    statement: &'static str,
    source: &'static str,
    confidence: &'static str,
    system: &'static str,
    constants: Vec<ConstantJson>,
}

/// A constant.
#[derive(Serialize)]
pub struct ConstantJson {
    parameter: String,
    default: &'static str,
    source: &'static str,
    meaning: &'static str,
}

/// Does the source of a parameter name this rule?
fn cites(spec: &ParamSpec, id: &str) -> bool {
    spec.source.split(", ").any(|cited| cited == id)
}

fn default_of(spec: &ParamSpec) -> &'static str {
    match spec.default {
        Default::Value(text) => text,
        Default::Absent => "not given",
        Default::Required => "required",
    }
}

/// A rule as plain data.
pub fn plain(system: &'static System, rule: &'static Rule) -> RuleJson {
    let constants =
        system.model.iter().filter(|spec| cites(spec, rule.id)).map(|spec| ConstantJson {
            parameter: format!("model.{}.{}", system.name, spec.name),
            default: default_of(spec),
            source: spec.source,
            meaning: spec.doc,
        });
    RuleJson {
        id: rule.id,
        statement: rule.text,
        source: rule.source,
        confidence: rule.confidence.word(),
        system: system.name,
        constants: constants.collect(),
    }
}

/// A rule on a few lines.
pub fn text(system: &'static System, rule: &'static Rule) -> String {
    let rule = plain(system, rule);
    let mut out = format!(
        "{} ({})\n  {}\n  source: {}\n",
        rule.id, rule.confidence, rule.statement, rule.source
    );
    for constant in rule.constants {
        let _ =
            writeln!(out, "  {} = {}  ({})", constant.parameter, constant.default, constant.source);
    }
    out
}
