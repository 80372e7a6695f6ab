//! The resolved text is a scenario of its own.

use super::resolved;
use crate::scenario::Scenario;
use crate::scenario::read::{Overrides, read};
use crate::systems::spec::{Node, Value};

const VALID: &str = include_str!("../../../tests/diagnostics/valid.toml");

fn scenario(text: &str, sets: &[&str]) -> Scenario {
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    let overrides = Overrides { sets, seed: None };
    match read("s.toml", text.as_bytes(), &overrides, &|_| Err("no files here".to_owned())) {
        Ok(scenario) => scenario,
        Err((found, sources)) => panic!("{}", crate::diag::render(&found, &sources, false)),
    }
}

/// The values of a tree without their places and authors.
fn values(node: &Node) -> String {
    match &node.value {
        Value::Table(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, inner)| format!("{key}: {}", values(inner))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::List(items) => format!("{:?}", items.iter().map(values).collect::<Vec<_>>()),
        Value::Tagged(word, inner) => format!("{word}({:?})", inner.as_deref().map(values)),
        other => format!("{other:?}"),
    }
}

fn without_comments(text: &str) -> String {
    let line = |line: &str| line.rsplit_once(" # ").map_or(line, |(value, _)| value).to_owned();
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn read_again_it_gives_the_same_scenario() {
    let first =
        scenario(VALID, &["model.bigtable.kms-grace=30m", "hazards.0.every.exponential.mean=9d"]);
    let text = resolved(&first);
    let second = scenario(&text, &[]);
    assert_eq!(values(&first.root), values(&second.root), "{text}");
    let again = resolved(&second);
    assert_eq!(without_comments(&text), without_comments(&again));
    assert_eq!(again, resolved(&scenario(&again, &[])));
    let conditions = |s: &Scenario| {
        let bounds = s.objectives.iter().chain(&s.expect);
        bounds.map(|b| format!("{} {} {:?}", b.entity, b.measure, b.condition)).collect::<Vec<_>>()
    };
    assert_eq!(conditions(&first), conditions(&second));
}

#[test]
fn every_line_with_a_value_says_who_said_it() {
    let text = resolved(&scenario(VALID, &["model.bigtable.kms-grace=30m"]));
    for line in text.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')) {
        let (_, said) = line.rsplit_once(" # ").unwrap_or_else(|| panic!("no author: {line}"));
        assert!(
            ["file", "--set", "default"].contains(&said) || said.starts_with("default: "),
            "{line}"
        );
    }
    for line in [
        "horizon = \"2d\" # file",
        "kms-grace = \"30m\" # --set",
        "sweep-period = \"5m\" # default: BT-27",
        "offline-ramp = { uniform = { from = \"0s\", to = \"5m\" } } # default: assumed, BT-45",
        "# ekm: not given",
        "error-fraction = 1.0 # default: KMS-32",
        "writes = \"300/s\" # file",
        "at = \"1d 4h\" # file",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} is not in\n{text}");
    }
}

#[test]
fn members_of_services_keep_their_full_paths() {
    let services =
        "\n[services.shop]\nat-least = 1\nof = [\"bigtable.orders\", \"kms.us-east1\"]\n";
    let first = scenario(&format!("{VALID}{services}"), &[]);
    let text = resolved(&first);
    assert!(text.contains("of = [\"bigtable.orders\", \"kms.us-east1\"] # file\n"), "{text}");
    assert_eq!(values(&first.root), values(&scenario(&text, &[]).root), "{text}");
}
