//! Every rule that a record can carry has a test, and every rule id in use is in the list.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The texts of the Rust files below a folder.
fn sources(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn below(folder: &str) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut texts);
    texts
}

/// Is this the id of a rule: letters, a hyphen, digits?
fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(letters, digits)| {
        !letters.is_empty()
            && letters.bytes().all(|b| b.is_ascii_uppercase())
            && digits.len() == 2
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The rule ids that a text holds as string literals, but for the lists of rules themselves and
/// the sources of parameters.
fn literals(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let code = line.trim_start();
        if code.starts_with("//") || code.starts_with("id:") || code.starts_with("source:") {
            continue;
        }
        found.extend(
            code.split('"').skip(1).step_by(2).filter(|text| is_id(text)).map(str::to_owned),
        );
    }
    found
}

#[test]
fn every_rule_id_in_use_is_in_the_list() {
    for (path, text) in below("src") {
        for id in literals(&text) {
            assert!(cmeksim::systems::rule(&id).is_some(), "{id} of {path} is in no list");
        }
    }
}

#[test]
fn every_rule_of_an_action_is_in_the_list() {
    for system in cmeksim::systems::ALL {
        for action in system.actions {
            assert!(cmeksim::systems::rule(action.rule).is_some(), "{}", action.rule);
        }
    }
}

#[test]
fn rule_ids_are_listed_once() {
    let mut seen = BTreeSet::new();
    for rule in cmeksim::systems::rules() {
        assert!(seen.insert(rule.id), "{} is listed twice", rule.id);
    }
}

/// Names of the tests of this folder.
fn test_names() -> Vec<String> {
    let tests: String = below("tests/rules").into_iter().map(|(_, text)| text + "\n").collect();
    let functions = tests.split("#[test]\nfn ").skip(1);
    functions.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())).collect()
}

fn is_tested(id: &str, names: &[String]) -> bool {
    let prefix = format!("{}_", id.to_lowercase().replace('-', "_"));
    names.iter().any(|name| name.starts_with(&prefix))
}

#[test]
fn every_rule_that_a_record_can_carry_has_a_test() {
    let names = test_names();
    // `describe.rs` and `rules.rs` say what there is; records are made elsewhere.
    let made = below("src/systems");
    let made = made.iter().filter(|(path, _)| !path.ends_with("describe.rs"));
    let ids: BTreeSet<String> = made.flat_map(|(_, text)| literals(text)).collect();
    assert!(ids.len() > 25, "{ids:?}");
    let missing: Vec<_> = ids.iter().filter(|id| !is_tested(id, &names)).collect();
    assert!(missing.is_empty(), "rules without a test: {missing:?}");
}

#[test]
fn every_rule_that_the_product_lists_has_a_test() {
    let names = test_names();
    let ids = cmeksim::systems::rules().map(|rule| rule.id);
    let missing: Vec<_> = ids.filter(|id| !is_tested(id, &names)).collect();
    assert!(missing.is_empty(), "rules without a test: {missing:?}");
}
