//! Every mistake is told with its place and with what to write instead; no input panics.
//!
//! The golden texts lie beside the scenarios. With `CMEKSIM_BLESS=1`, `cargo test --test
//! diagnostics as_agreed` writes them anew; read the difference as a user would.

// Helpers of tests are tests.
#![allow(clippy::unwrap_used)]

use cmeksim::diag::{Severity, Source, Sources, render, to_json};
use cmeksim::scenario::read::{Overrides, read};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

/// What the user is told of a scenario. Lines `# --set PATH=VALUE` at its top are overrides.
fn told(name: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let sets = text.lines().map_while(|line| line.strip_prefix("# --set ")).map(str::to_owned);
    let overrides = Overrides { sets: sets.collect(), seed: None };
    let files =
        |file: &str| fs::read(folder().join(file)).map_err(|_| "there is no such file".to_owned());
    match read(name, bytes, &overrides, &files) {
        Ok(scenario) => render(&scenario.warnings, &scenario.sources, false),
        Err((found, sources)) => {
            assert!(found.iter().any(|wrong| wrong.severity == Severity::Error));
            let _ = render(&found, &sources, true);
            let json = to_json(&found, &sources);
            assert_eq!(json.diagnostics.len() + json.more, found.len());
            render(&found, &sources, false)
        }
    }
}

/// Scenarios that are too large to lie in a file.
fn generated() -> Vec<(&'static str, String)> {
    let head = "schema = 1\n[scenario]\nname = \"case\"\nstart = 2026-03-02T08:00:00Z\n\
                horizon = \"48h\"\n";
    let digits: Vec<char> = "0123456789abcdefghijklmnopqrstuvwxyz".chars().collect();
    let names = (0..100_001).map(|n| {
        let digit = |place: usize| digits[n / place % 36];
        format!("{}{}{}{}={{}}\n", digit(46_656), digit(1_296), digit(36), digit(1))
    });
    let unknown: String = (0..20_000).map(|n| format!("k{n} = 1\n")).collect();
    let values = vec!["'1s'"; 100_001].join(",");
    vec![
        ("limit-scenario-bytes", "#".repeat((1 << 20) + 1)),
        ("limit-entities", format!("{head}[ekm]\n{}", names.collect::<String>())),
        ("limit-entries", format!("{head}{}", "[[objectives]]\n".repeat(10_001))),
        (
            "limit-empirical-values",
            format!("{head}[model]\nkms.enable-propagation.empirical.values = [{values}]\n"),
        ),
        ("all-equals", format!("{head}{}\n", "=".repeat(1 << 19))),
        ("all-brackets", format!("{head}a = {}\n", "[".repeat(1 << 19))),
        ("all-braces", format!("{head}a = {}\n", "{a=".repeat(1 << 17))),
        ("all-dots", format!("{head}a{}\n", ".a".repeat(1 << 18))),
        ("all-headers", format!("{head}{}\n", "[a".repeat(1 << 18))),
        ("all-unknown", format!("{head}{unknown}")),
    ]
}

fn cases() -> Vec<(String, Vec<u8>)> {
    let mut cases: Vec<(String, Vec<u8>)> =
        generated().into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            cases.push((name, fs::read(&path).unwrap()));
        }
    }
    cases.sort();
    cases
}

#[test]
fn every_case_is_told_as_agreed() {
    let bless = std::env::var_os("CMEKSIM_BLESS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    for (name, bytes) in cases() {
        let told = told(&format!("{name}.toml"), &bytes);
        let golden = folder().join(format!("{name}.stderr"));
        if bless {
            fs::write(&golden, &told).unwrap();
        } else if fs::read_to_string(&golden).ok().as_ref() != Some(&told) {
            wrong.push(format!("--- {name}\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "not as in the golden texts:\n{}", wrong.join("\n"));
}

#[test]
fn the_valid_scenario_is_told_nothing() {
    assert_eq!(told("valid.toml", &fs::read(folder().join("valid.toml")).unwrap()), "");
}

/// The codes in the source: the text that follows the name of what makes a diagnostic.
fn codes(path: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            self::codes(&path, codes);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in ["tell(", "Diagnostic::error(", "Diagnostic::warning(", "problem("] {
            for rest in text.split(call).skip(1) {
                let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                codes.extend(rest.split_once('"').map(|(code, _)| code.to_owned()));
            }
        }
    }
}

#[test]
fn every_code_has_a_golden_case() {
    let mut known = BTreeSet::new();
    codes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut known);
    assert!(known.len() > 40, "{known:?}");
    let golden: String = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "stderr"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let missing: Vec<&String> =
        known.iter().filter(|code| !golden.contains(&format!("[{code}]: "))).collect();
    assert!(missing.is_empty(), "no golden case for {missing:?}");
}

#[test]
fn all_mistakes_of_a_file_are_told_in_one_go() {
    let told = fs::read_to_string(folder().join("many-mistakes.stderr")).unwrap();
    assert!(told.matches("error[").count() >= 14, "{told}");
}

#[test]
fn every_diagnostic_says_what_to_write() {
    for (name, bytes) in cases() {
        let overrides = Overrides::default();
        let Err((found, _)) = read(&name, &bytes, &overrides, &|_| Err("none".to_owned())) else {
            continue;
        };
        for wrong in found {
            assert!(wrong.help.is_some(), "{name}: {wrong:?}");
            assert!(!wrong.label.is_empty() || wrong.span.is_none(), "{name}: {wrong:?}");
            assert!(!wrong.message.starts_with(char::is_uppercase), "{name}: {wrong:?}");
            assert!(!wrong.message.to_lowercase().contains("invalid"), "{name}: {wrong:?}");
        }
    }
}

#[test]
fn nothing_of_an_input_controls_the_terminal() {
    for (name, bytes) in cases() {
        let told = told(&format!("{name}\u{1b}.toml"), &bytes);
        let controls = |c: char| c.is_control() && c != '\n';
        assert!(!told.contains(controls), "{name}: {told:?}");
    }
    let source = Source { name: "a".to_owned(), text: String::new() };
    assert_eq!(render(&[], &Sources(vec![source]), true), "");
}

mod random {
    use super::told;
    use proptest::prelude::*;
    use proptest::sample::Index;

    const VALID: &str = include_str!("diagnostics/valid.toml");

    /// The pieces that a text is made of: words, numbers, signs, white space.
    fn tokens(text: &str) -> Vec<&str> {
        let class = |c: char| (c.is_alphanumeric() || c == '-', c.is_whitespace());
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| class(c) != class(first)).unwrap_or(rest.len());
            let end = if class(first) == (false, false) { first.len_utf8() } else { end };
            let (token, after) = rest.split_at(end);
            tokens.push(token);
            rest = after;
        }
        tokens
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            told("x.toml", &bytes);
        }

        #[test]
        fn no_text_like_toml_panics(text in "[a-c=.\\[\\]{}\"'#, \n0-9\u{1b}é-]{0,120}") {
            told("x.toml", text.as_bytes());
        }

        #[test]
        fn no_flipped_bytes_panic(
            flips in prop::collection::vec((0..VALID.len(), any::<u8>()), 1..6),
        ) {
            let mut bytes = VALID.as_bytes().to_vec();
            for (at, byte) in flips {
                bytes[at] = byte;
            }
            told("x.toml", &bytes);
        }

        #[test]
        fn no_deletion_panics(at in 0..VALID.len(), length in 1usize..200) {
            let mut bytes = VALID.as_bytes().to_vec();
            bytes.drain(at..(at + length).min(VALID.len()));
            told("x.toml", &bytes);
        }

        #[test]
        fn no_swapped_tokens_panic(
            swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 1..4),
        ) {
            let mut tokens = tokens(VALID);
            for (a, b) in swaps {
                let (a, b) = (a.index(tokens.len()), b.index(tokens.len()));
                tokens.swap(a, b);
            }
            told("x.toml", tokens.concat().as_bytes());
        }

        #[test]
        fn no_override_panics(
            path in "(events|scenario|model|keys|bigtable)(\\.[a-z0-9-]{0,7}){0,4}",
            value in "=?[\\[\"{}a-z0-9= .]{0,12}",
        ) {
            let text = format!("# --set {path}{value}\n{VALID}");
            told("x.toml", text.as_bytes());
        }
    }
}
