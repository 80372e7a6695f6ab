//! The pages say what the program does: generated parts equal what the code generates, and the
//! README shows what the program prints and draws.
//!
//! `CMEKSIM_BLESS=1 cargo test --test docs` rewrites what differs.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

use cmeksim::report::docs;
use cmeksim::scenario::read::{Overrides, read};
use cmeksim::stats::quantile::enough_for;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> (PathBuf, String) {
    let path = root().join(name);
    let text = fs::read_to_string(&path).unwrap_or_default();
    (path, text)
}

/// A file must be this text; under `CMEKSIM_BLESS` it becomes it.
fn must_be(path: &Path, bytes: &[u8]) {
    if std::env::var_os("CMEKSIM_BLESS").is_some() {
        fs::write(path, bytes).unwrap();
    }
    let found = fs::read(path).unwrap_or_default();
    assert!(
        found == bytes,
        "{} is out of date; CMEKSIM_BLESS=1 cargo test --test docs rewrites it",
        path.display()
    );
}

/// A text with what stands between two marks replaced.
fn replaced(text: &str, from: &str, to: &str, with: &str) -> String {
    let (before, rest) = text.split_once(from).unwrap_or_else(|| panic!("no mark {from:?}"));
    let (_, after) = rest.split_once(to).unwrap_or_else(|| panic!("no end after {from:?}"));
    format!("{before}{from}{with}{to}{after}")
}

#[test]
fn the_model_page_is_generated() {
    must_be(&root().join("docs/model.md"), docs::model().as_bytes());
}

#[test]
fn generated_parts_of_pages_are_up_to_date() {
    let parts = docs::parts();
    let mut used = 0;
    for name in ["docs/scenario.md", "docs/outputs.md"] {
        let (path, mut text) = page(name);
        for (part, generated) in &parts {
            let mark = format!("<!-- generated: {part} -->\n");
            if text.contains(&mark) {
                used += 1;
                let end = "<!-- end of generated -->";
                text = replaced(&text, &mark, end, &format!("\n{generated}\n"));
            }
        }
        must_be(&path, text.as_bytes());
    }
    assert_eq!(used, parts.len(), "every part stands on one page");
}

#[test]
fn every_cited_rule_is_a_rule_of_the_model() {
    assert_eq!(docs::dangling(), Vec::<String>::new());
}

#[test]
fn the_readme_shows_what_the_program_prints_and_draws() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cmeksim"))
        .current_dir(root())
        .args(["run", "scenarios/one-key-disabled.toml", "--out", out])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed = printed.replace(out, "output/one-key-disabled/run");

    let (path, text) = page("README.md");
    let mark = "<!-- output of: run scenarios/one-key-disabled.toml -->\n```text\n";
    must_be(&path, replaced(&text, mark, "```\n", &printed).as_bytes());

    let picture = fs::read(folder.path().join("timeline.svg")).unwrap();
    assert!(picture.len() < 300_000, "the picture has {} bytes", picture.len());
    must_be(&root().join("docs/images/one-key-disabled.svg"), &picture);
}

/// The first fenced block of a language on a page.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

fn told(text: &str, sets: Vec<String>) -> Result<(), String> {
    let files = |_: &str| Err("no file is read here".to_owned());
    match read("example", text.as_bytes(), &Overrides { sets, seed: None }, &files) {
        Ok(scenario) if scenario.warnings.is_empty() => Ok(()),
        Ok(scenario) => Err(format!("{:?}", scenario.warnings)),
        Err((found, sources)) => Err(cmeksim::diag::render(&found, &sources, false)),
    }
}

/// How many replications an interval of a quantile needs is what warnings say.
#[test]
fn the_page_of_experiments_has_the_numbers_of_the_warnings() {
    let (_, text) = page("docs/experiments.md");
    let (near, far) = (enough_for(0.05), enough_for(0.99));
    let told =
        format!("{near} for both ends of the 5 % and 95 % quantile, {far} for the 99 % quantile");
    assert!(text.contains(&told), "{told}");
}

#[test]
fn the_example_of_the_scenario_page_is_a_scenario() {
    let (_, text) = page("docs/scenario.md");
    assert_eq!(told(block(&text, "toml"), Vec::new()), Ok(()));
}

#[test]
fn the_distributions_of_the_scenario_page_are_read() {
    let (_, text) = page("docs/scenario.md");
    let (_, section) = text.split_once("## Distributions\n").unwrap();
    let section = section.split_once("\n## ").unwrap().0;
    let forms: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| line.split_once("` |").unwrap().0)
        .collect();
    assert_eq!(forms.len(), 12);
    for form in forms {
        let set = format!("model.bigtable.bringup={form}");
        assert_eq!(told(block(&text, "toml"), vec![set]), Ok(()), "{form}");
    }
}

/// Links of the pages to files of the repository, and to places in them.
#[test]
fn links_lead_somewhere() {
    for name in
        ["README.md", "CHANGELOG.md", "docs/scenario.md", "docs/outputs.md", "docs/model.md"]
    {
        let (path, text) = page(name);
        let targets = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            assert!(to.exists(), "{name}: {target}");
            if !anchor.is_empty() {
                let text = fs::read_to_string(&to).unwrap();
                let heading = |line: &str| {
                    line.starts_with('#')
                        && line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-")
                            == anchor
                };
                let id = format!("<a id=\"{anchor}\">");
                assert!(text.contains(&id) || text.lines().any(heading), "{name}: {target}");
            }
        }
    }
}
