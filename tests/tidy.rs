//! Shows that the sources keep the project's own rules: layers, bans, sizes, reasons for crates.
//! It reads them as text, without comments and literals, and names file and line of each breach.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The layers of design.md, section 3: a file may use what stands after its own layer, and its own.
const LAYERS: [&str; 11] = [
    "main",
    "cli",
    "report",
    "experiment",
    "scenario",
    "systems",
    "stats",
    "engine",
    "diag",
    "limits",
    "exit",
];

/// What all systems share: parts of `src/systems` that are no systems.
const SHARED: [&str; 7] = ["contract", "flow", "guard", "operations", "policy", "spec", "store"];

/// A system may not know another, but for the service that holds the keys of all.
const KEY_SERVICE: &str = "kms";

/// What `report` may know of the engine: the plain types of a trace, not how it came about.
const PLAIN: [&str; 10] = [
    "Call",
    "Charge",
    "EntityId",
    "Level",
    "Record",
    "Seq",
    "SimDuration",
    "SimTime",
    "StateId",
    "Trace",
];
/// What it uses besides: file and name.
const NOT_PLAIN: &[(&str, &str)] = &[("src/report/docs.rs", "Class")];

/// Words that no source contains, with the files that may contain them and the reason. Words with
/// `::` are paths, found also in the groups of a `use`.
const BANS: &[(&str, &[&str], &str)] = &[
    ("HashMap", &[], "its order could reach a result; use BTreeMap"),
    ("HashSet", &[], "its order could reach a result; use BTreeSet"),
    ("RandomState", &[], "it is seeded by the machine"),
    ("std::time", &[], "no result may depend on a clock"),
    ("std::thread", &[], "no result may depend on threads"),
    ("std::env", &["src/cli.rs", "src/main.rs"], "the environment ends at the command line"),
    (
        "std::fs",
        // The ledger is appended to while an experiment runs; all else is written at its end.
        &["src/cli.rs", "src/report/files.rs", "src/report/folder.rs", "src/report/ledger.rs"],
        "files are read by cli, written by report",
    ),
    ("std::net", &[], "nothing uses the network"),
    ("std::process", &["src/main.rs"], "the program ends in main"),
    ("print!", &[], "write to a locked stdout in cli.rs"),
    ("println!", &[], "write to a locked stdout in cli.rs"),
    ("eprint!", &[], "talk through `say` in cli.rs"),
    ("eprintln!", &[], "talk through `say` in cli.rs"),
    ("dbg!", &[], "it is for debugging"),
    ("todo!", &[], "nothing is left undone"),
    ("unimplemented!", &[], "nothing is left undone"),
    ("unsafe", &[], "none of it is ours"),
    ("rand_distr", &[], "its values are not ours to keep; use engine::dist"),
];

/// Where a match names every case, so that a new state, message, command or event is a compile
/// error until its meaning has been thought of. Elsewhere (readers of text, numbers, drawings) the
/// cases are open-ended, and `_` says so.
const EXHAUSTIVE: [&str; 6] = [
    "src/systems/",
    "src/experiment/",
    "src/engine/simulation.rs",
    "src/engine/process.rs",
    "src/engine/calendar.rs",
    "src/engine/trace.rs",
];

/// `_ =>` that are there all the same: they may become fewer.
const WILDCARDS: &[(&str, usize)] = &[
    // Matches on text, on numbers of timers and commands, and on pairs of conditions.
    ("src/systems/policy.rs", 1),
    ("src/systems/kms/actions.rs", 2),
    ("src/systems/kms/build.rs", 1),
    ("src/systems/kms/calls.rs", 2),
    ("src/systems/kms/grant.rs", 1),
    ("src/systems/kms/key.rs", 3),
    ("src/systems/kms/lifecycle.rs", 1),
    ("src/systems/kms/policy.rs", 3),
    ("src/systems/kms/version.rs", 2),
    ("src/systems/bigtable/account.rs", 2),
    ("src/systems/bigtable/admin.rs", 2),
    ("src/systems/bigtable/build.rs", 3),
    ("src/systems/bigtable/versions.rs", 1),
    ("src/systems/kms.rs", 1),
    ("src/systems/bigtable/writes.rs", 1),
    ("src/systems/guard/on_use.rs", 2),
    ("src/experiment/script.rs", 1),
];

const FILE_LINES_MAX: usize = 600;
/// Longer files: they may become shorter.
const LONG_FILES: &[(&str, usize)] = &[
    // Descriptions of tables, rules and constants make up half of each.
    ("src/systems/bigtable/describe.rs", 700),
];

const FUNCTION_LINES_MAX: usize = 80;
/// Longer functions: they may become shorter.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// Crates that end in `-sys` and are bindings to what every machine has, or are not built on
/// Linux at all.
const SYS_CRATES: [&str; 4] = ["linux-raw-sys", "js-sys", "web-sys", "windows-sys"];
/// Crates that look for system packages or for tools besides the linker.
const SYSTEM_BUILDERS: [&str; 4] = ["pkg-config", "cmake", "bindgen", "vcpkg"];
/// Crates that may compile C: only with `cc`, which links every Rust program on Linux.
const C_COMPILERS: [&str; 1] = [
    // One file, of the benchmarks (criterion): it is in no build of the program.
    "alloca",
];

/// A source file, ready to be looked at.
struct Source {
    path: String,
    /// Without comments and the contents of literals, but with the same lines and columns.
    code: String,
    text: String,
    /// Lines that only tests are made of.
    tests: Vec<bool>,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        let code = scrub(text);
        let tests = test_lines(path, &code);
        Source { path: path.to_owned(), code, text: text.to_owned(), tests }
    }

    fn line(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    fn is_test(&self, line: usize) -> bool {
        self.tests.get(line - 1).copied().unwrap_or(false)
    }

    fn error(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: error: {what}", self.path)
    }

    /// The path of its module: `src/engine/dist.rs` is `engine::dist`.
    fn module(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        inner.split('/').filter(|part| *part != "lib").collect()
    }
}

/// Puts spaces in place of comments and of what stands in literals.
fn scrub(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut blank = |from: usize, to: usize| {
        for byte in &mut out[from..to.min(bytes.len())] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    };
    let starts = |at: usize, with: &str| bytes[at..].starts_with(with.as_bytes());
    let find = |from: usize, what: &str| {
        text.as_bytes()[from..]
            .windows(what.len())
            .position(|window| window == what.as_bytes())
            .map_or(bytes.len(), |place| from + place)
    };
    let mut at = 0;
    while at < bytes.len() {
        let word_before =
            at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        if starts(at, "//") {
            let end = find(at, "\n");
            blank(at, end);
            at = end;
        } else if starts(at, "/*") {
            let end = find(at, "*/") + 2;
            blank(at, end);
            at = end;
        } else if !word_before && (starts(at, "r\"") || starts(at, "r#")) {
            let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
            if bytes.get(at + 1 + hashes) == Some(&b'"') {
                let end = find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)));
                blank(at + 2 + hashes, end);
                at = end + 1 + hashes;
            } else {
                at += 1;
            }
        } else if bytes[at] == b'"' {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            blank(at + 1, end);
            at = end + 1;
        } else if bytes[at] == b'\'' {
            // A character, or a lifetime: that has no second quote where a character has it.
            let length = match text[at + 1..].chars().next() {
                Some('\\') => find(at + 3, "'") - at - 1,
                Some(c) => c.len_utf8(),
                None => 0,
            };
            if length > 0 && bytes.get(at + 1 + length) == Some(&b'\'') {
                blank(at + 1, at + 1 + length);
                at += length + 2;
            } else {
                at += 1;
            }
        } else {
            at += 1;
        }
    }
    String::from_utf8(out).expect("only whole characters are blanked")
}

/// The end of a block that opens at a brace.
fn block_end(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (place, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return place,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Which lines are tests: whole files, or modules and functions behind `#[cfg(test)]`.
fn test_lines(path: &str, code: &str) -> Vec<bool> {
    let whole = path.ends_with("/tests.rs") || path.contains("/tests/");
    let mut tests = vec![whole; code.lines().count()];
    for (start, mark) in code.match_indices("#[cfg(test)]") {
        let rest = &code[start + mark.len()..];
        let Some(open) = rest.find(['{', ';']) else { continue };
        if rest.as_bytes()[open] == b';' {
            continue;
        }
        let end = block_end(code, start + mark.len() + open);
        let (first, last) =
            (code[..start].matches('\n').count(), code[..end].matches('\n').count());
        tests.iter_mut().take(last + 1).skip(first).for_each(|test| *test = true);
    }
    tests
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where a word stands alone.
fn words<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = usize> + 'c {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let bytes = code.as_bytes();
        let before = at.checked_sub(1).is_none_or(|before| !is_word(bytes[before]));
        let after = bytes.get(at + word.len()).is_none_or(|after| !is_word(*after));
        before && after
    })
}

/// The paths that begin at a place, with groups spelled out: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(code: &str, at: usize) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    walk(code.as_bytes(), at, &mut Vec::new(), &mut found);
    found
}

/// Reads one tree of a path from `at` on; gives the place after it.
fn walk(
    code: &[u8],
    mut at: usize,
    before: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> usize {
    let depth = before.len();
    let skip = |mut at: usize| {
        while code.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    };
    loop {
        at = skip(at);
        if code.get(at) == Some(&b'{') && !before.is_empty() {
            at += 1;
            loop {
                at = skip(walk(code, at, before, found));
                // An alias: `a as b`.
                while code.get(at).is_some_and(|byte| is_word(*byte) || *byte == b' ') {
                    at += 1;
                }
                match code.get(at) {
                    Some(b',') => at = skip(at + 1),
                    _ => break,
                }
                if code.get(at) == Some(&b'}') {
                    break;
                }
            }
            before.truncate(depth);
            return at + 1;
        }
        let end = at + code[at..].iter().take_while(|byte| is_word(**byte)).count();
        before.push(String::from_utf8_lossy(&code[at..end]).into_owned());
        at = end;
        if code.get(at) == Some(&b':') && code.get(at + 1) == Some(&b':') {
            at += 2;
        } else {
            found.push(before.clone());
            before.truncate(depth);
            return at;
        }
    }
}

/// How many inline modules a place stands in.
fn inline_depth(code: &str, at: usize) -> usize {
    let opens = words(code, "mod").filter_map(|start| {
        let open = start + code[start..].find(['{', ';'])?;
        (code.as_bytes()[open] == b'{').then_some(open)
    });
    opens.filter(|open| *open < at && at < block_end(code, *open)).count()
}

/// Every path of a file that begins at the root of the crate (or leads there by `super`), as
/// segments below the root, with its place.
fn crate_paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let code = &source.code;
    let mut all = Vec::new();
    for root in ["crate", "cmeksim"] {
        for at in words(code, root) {
            if code[at + root.len()..].starts_with("::") {
                all.extend(paths(code, at).into_iter().map(|path| (at, path[1..].to_vec())));
            }
        }
    }
    for at in words(code, "super") {
        let inner = code[..at].ends_with("::") || code[..at].ends_with("in ");
        if inner || !code[at + 5..].starts_with("::") {
            continue;
        }
        for path in paths(code, at) {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let module = source.module();
            let down = ups.saturating_sub(inline_depth(code, at));
            let kept = module.len().saturating_sub(down);
            let mut full: Vec<String> = module[..kept].iter().map(|s| (*s).to_owned()).collect();
            full.extend_from_slice(&path[ups..]);
            all.push((at, full));
        }
    }
    all
}

fn layers(source: &Source) -> Vec<String> {
    let module = source.module();
    let Some(own) = module.first() else { return Vec::new() };
    let rank = |layer: &str| LAYERS.iter().position(|name| *name == layer);
    let Some(own_rank) = rank(own) else {
        return vec![source.error(1, &format!("{own} is no layer of LAYERS"))];
    };
    let wrong = |(at, path): &(usize, Vec<String>)| {
        let other = path.first()?;
        let breach = rank(other)? < own_rank;
        let what = format!("{own} may not import {other}");
        breach.then(|| source.error(source.line(*at), &what))
    };
    crate_paths(source).iter().filter_map(wrong).collect()
}

fn siblings(source: &Source) -> Vec<String> {
    let module = source.module();
    let (Some(&"systems"), Some(&own)) = (module.first(), module.get(1)) else { return Vec::new() };
    let wrong = |(at, path): &(usize, Vec<String>)| {
        let other = path.get(1).filter(|_| path[0] == "systems")?.as_str();
        // Only modules: `crate::systems::rule` is a function of the root.
        let module = other != own && path.len() > 2;
        let allowed = SHARED.contains(&other) || (other == KEY_SERVICE && !SHARED.contains(&&*own));
        let what = format!("system {own} may not import system {other}");
        (module && !allowed).then(|| source.error(source.line(*at), &what))
    };
    // `use crate::systems::kms;` ends at the module itself.
    let ends = |(at, path): &(usize, Vec<String>)| {
        let long = path.len() == 2 && path[0] == "systems" && path[1] != own;
        (*at, if long { [path.clone(), vec!["self".to_owned()]].concat() } else { path.clone() })
    };
    let modules = ["contract", "guard", "spec", "kms", "bigtable", "bigquery", "storage"];
    let known =
        |path: &Vec<String>| path.len() != 3 || path[2] != "self" || modules.contains(&&*path[1]);
    let all = crate_paths(source);
    all.iter().map(ends).filter(|(_, path)| known(path)).filter_map(|found| wrong(&found)).collect()
}

fn plain_types(source: &Source) -> Vec<String> {
    if source.module().first() != Some(&"report") {
        return Vec::new();
    }
    let wrong = |(at, path): &(usize, Vec<String>)| {
        let (engine, rest) = path.split_first().filter(|(first, _)| *first == "engine")?;
        // `engine::SimTime::START` and `engine::trace::Seq` alike: the first name that is no module.
        let name = rest.iter().find(|part| *part != "trace").unwrap_or(engine);
        let known = PLAIN.contains(&&**name)
            || NOT_PLAIN
                .iter()
                .any(|(file, own)| *file == source.path && rest.last().is_some_and(|l| l == own));
        let what = format!("report may not know engine::{}", rest.join("::"));
        (!known).then(|| source.error(source.line(*at), &what))
    };
    crate_paths(source).iter().filter_map(wrong).collect()
}

fn bans(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let standard: Vec<(usize, Vec<String>)> = words(&source.code, "std")
        .filter(|at| source.code[at + 3..].starts_with("::"))
        .flat_map(|at| paths(&source.code, at).into_iter().map(move |path| (at, path)))
        .collect();
    for (word, allowed, why) in BANS {
        if allowed.contains(&&*source.path) {
            continue;
        }
        let places: Vec<usize> = if let Some(module) = word.strip_prefix("std::") {
            let uses = |path: &[String]| path.get(1).is_some_and(|part| part == module);
            standard.iter().filter(|(_, path)| uses(path)).map(|(at, _)| *at).collect()
        } else if let Some(name) = word.strip_suffix('!') {
            let called = |at: &usize| source.code[at + name.len()..].starts_with('!');
            words(&source.code, name).filter(called).collect()
        } else {
            words(&source.code, word).collect()
        };
        let error = |at| source.error(source.line(at), &format!("`{word}` is banned: {why}"));
        found.extend(places.into_iter().map(error));
    }
    for (at, _) in source.code.match_indices(".unwrap()") {
        let line = source.line(at);
        if !source.is_test(line) {
            found.push(source.error(line, "`.unwrap()` is for tests; say why with `expect`"));
        }
    }
    found
}

fn wildcards(source: &Source, allowed: &[(&str, usize)]) -> Vec<String> {
    if !EXHAUSTIVE.iter().any(|place| source.path.starts_with(place)) {
        return Vec::new();
    }
    let lines: Vec<usize> = words(&source.code, "_")
        .filter(|at| source.code[at + 1..].trim_start().starts_with("=>"))
        .map(|at| source.line(at))
        .filter(|line| !source.is_test(*line))
        .collect();
    let most = allowed.iter().find(|(path, _)| *path == source.path).map_or(0, |(_, most)| *most);
    match lines.len() {
        count if count > most => {
            let what = format!("{count} arms `_ =>`, {most} allowed: name the cases");
            vec![source.error(lines[count - 1], &what)]
        }
        count if count < most => {
            vec![
                source.error(
                    1,
                    &format!("{count} arms `_ =>` are left: lower WILDCARDS from {most}"),
                ),
            ]
        }
        _ => Vec::new(),
    }
}

fn file_length(source: &Source, allowed: &[(&str, usize)]) -> Vec<String> {
    let lines = source.text.lines().count();
    let exception = allowed.iter().find(|(path, _)| *path == source.path);
    let most = exception.map_or(FILE_LINES_MAX, |(_, most)| *most);
    if lines > most {
        vec![source.error(most + 1, &format!("{lines} lines, more than {most}: split the file"))]
    } else if exception.is_some() && lines <= FILE_LINES_MAX {
        vec![source.error(1, "short enough now: take it out of LONG_FILES")]
    } else {
        Vec::new()
    }
}

/// The functions of a file: name, first line, number of lines.
fn functions(source: &Source) -> Vec<(String, usize, usize)> {
    let code = &source.code;
    let mut found = Vec::new();
    for at in words(code, "fn") {
        let name: String = code[at + 2..]
            .trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        // The body, or the end of a declaration: not the `;` of an array type.
        let (mut depth, mut open) = (0, None);
        for (place, byte) in code.bytes().enumerate().skip(at) {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth -= 1,
                b';' | b',' if depth <= 0 => break,
                b'{' if depth <= 0 => {
                    open = Some(place);
                    break;
                }
                _ => {}
            }
        }
        if let Some(open) = open.filter(|_| !name.is_empty()) {
            let (first, last) = (source.line(at), source.line(block_end(code, open)));
            found.push((name, first, last + 1 - first));
        }
    }
    found
}

fn function_length(source: &Source, allowed: &[(&str, &str, usize)]) -> Vec<String> {
    let mut errors = Vec::new();
    for (name, line, length) in functions(source) {
        let exception = allowed.iter().find(|(path, own, _)| *path == source.path && *own == name);
        let most = exception.map_or(FUNCTION_LINES_MAX, |(_, _, most)| *most);
        if source.is_test(line) {
            continue;
        }
        if length > most {
            let what = format!("function {name} has {length} lines, more than {most}");
            errors.push(source.error(line, &what));
        } else if exception.is_some() && length <= FUNCTION_LINES_MAX {
            let what = format!("function {name} is short now: take it out of LONG_FUNCTIONS");
            errors.push(source.error(line, &what));
        }
    }
    errors
}

/// Every file begins by saying what it is.
fn opening(source: &Source) -> Vec<String> {
    let opens = source.text.starts_with("//! ");
    if opens {
        Vec::new()
    } else {
        vec![source.error(1, "begin the file with `//! ` and what it is")]
    }
}

/// Every crate in the manifest has its reason right above it.
fn reasons(manifest: &str) -> Vec<String> {
    let (mut section, mut before, mut errors) = ("", "", Vec::new());
    for (line, text) in (1..).zip(manifest.lines()) {
        if text.starts_with('[') {
            section = text;
        } else if section.ends_with("dependencies]")
            && text.contains('=')
            && !text.starts_with([' ', '#', ']', '}'])
            && !(before.starts_with("# ") && before.len() > 5)
        {
            let name = text.split(['=', '.', ' ']).next().unwrap_or_default();
            errors.push(format!("Cargo.toml:{line}: error: write above {name} what it is for"));
        }
        before = text;
    }
    errors
}

/// No crate in the lock file needs a system package, and the banned ones are not there.
fn lock(lock: &str) -> Vec<String> {
    let (mut errors, mut package) = (Vec::new(), "");
    for (line, text) in (1..).zip(lock.lines()) {
        if text == " \"cc\"," && !C_COMPILERS.contains(&package) {
            errors.push(format!("Cargo.lock:{line}: error: {package} compiles C"));
        }
        let Some(name) = text.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'))
        else {
            continue;
        };
        package = name;
        if (name.ends_with("-sys") && !SYS_CRATES.contains(&name))
            || SYSTEM_BUILDERS.contains(&name)
        {
            errors.push(format!("Cargo.lock:{line}: error: {name} may need a system package"));
        }
        if name == "rand_distr" {
            errors.push(format!("Cargo.lock:{line}: error: rand_distr is banned"));
        }
    }
    errors
}

/// Exceptions for files or functions that are no more.
fn stale(sources: &[Source]) -> Vec<String> {
    let files = LONG_FILES.iter().chain(WILDCARDS).map(|(path, _)| (*path, None));
    let functions_listed = LONG_FUNCTIONS.iter().map(|(path, name, _)| (*path, Some(*name)));
    let imports = NOT_PLAIN.iter().map(|(path, _)| (*path, None));
    let missing = |(path, name): &(&str, Option<&str>)| {
        let source = sources.iter().find(|source| source.path == *path);
        !source.is_some_and(|source| {
            name.is_none_or(|name| functions(source).iter().any(|(own, ..)| own == name))
        })
    };
    files
        .chain(functions_listed)
        .chain(imports)
        .filter(missing)
        .map(|(path, name)| format!("tests/tidy.rs:1: error: {path} {name:?} is no more"))
        .collect()
}

/// All Rust files below a folder of the project, in order.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder of the project");
            waiting.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("below the root");
            let name = name.to_string_lossy().replace('\\', "/");
            found.push(Source::new(&name, &std::fs::read_to_string(&path).expect("UTF-8")));
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect(name)
}

fn none(errors: Vec<String>) {
    let mut text = String::new();
    errors.iter().for_each(|error| writeln!(text, "{error}").expect("a text takes it"));
    assert!(errors.is_empty(), "{} breaches\n{text}", errors.len());
}

fn each(check: impl Fn(&Source) -> Vec<String>) {
    let sources = sources("src");
    assert!(sources.len() > 30, "the sources are found");
    none(sources.iter().flat_map(check).collect());
}

#[test]
fn layers_point_to_the_right() {
    each(layers);
}

#[test]
fn systems_do_not_know_each_other() {
    each(siblings);
}

#[test]
fn report_knows_plain_types_only() {
    each(plain_types);
}

#[test]
fn banned_words_are_absent() {
    each(bans);
}

#[test]
fn state_machines_name_every_case() {
    each(|source| wildcards(source, WILDCARDS));
}

#[test]
fn files_are_short() {
    each(|source| file_length(source, LONG_FILES));
}

#[test]
fn functions_are_short() {
    each(|source| function_length(source, LONG_FUNCTIONS));
}

#[test]
fn files_say_what_they_are() {
    each(opening);
    none(sources("tests").iter().flat_map(opening).collect());
}

#[test]
fn crates_have_reasons_and_need_no_system() {
    none(reasons(&read("Cargo.toml")));
    none(lock(&read("Cargo.lock")));
}

#[test]
fn exceptions_are_not_stale() {
    none(stale(&sources("src")));
}

/// The checks of this file on snippets that break the rules.
mod canaries {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(path, text)
    }

    #[test]
    fn layers_are_found_in_every_form() {
        let path = "src/engine/calendar.rs";
        let one = |text: &str| layers(&source(path, text)).join("\n");
        let wrong = "src/engine/calendar.rs:3: error: engine may not import scenario";
        assert_eq!(one("//! A.\n\nuse crate::scenario::Scenario;\n"), wrong);
        assert_eq!(one("\n\nuse crate::{limits, scenario};\n"), wrong);
        assert_eq!(
            one("\n\nuse crate::{\n    scenario::{read, resolved},\n};\n").lines().count(),
            2
        );
        assert_eq!(one("\n\nfn f() { crate::scenario::read() }\n"), wrong);
        assert_eq!(one("\n\nuse super::super::scenario;\n"), wrong);
        assert_eq!(one("\nmod a {\n use super::super::super::scenario; }\n"), wrong);
        assert_eq!(
            one("use super::time;\nuse crate::{diag, limits};\nmod a { use super::b; }\n"),
            ""
        );
        assert_eq!(one("// use crate::scenario;\nconst A: &str = \"crate::scenario\";\n"), "");
        assert_eq!(one("mod a { pub(in super::super) const A: u8 = 0; }\n"), "");
        let error = layers(&source("src/limits.rs", "use crate::diag::Span;\n"));
        assert_eq!(error, ["src/limits.rs:1: error: limits may not import diag"]);
        assert_eq!(
            layers(&source("src/main.rs", "fn main() { cmeksim::cli::main(); }\n")),
            [""; 0]
        );
        assert!(layers(&source("src/helpers.rs", "//! A.\n"))[0].contains("no layer"));
    }

    #[test]
    fn systems_that_know_each_other_are_found() {
        let one = |path: &str, text: &str| siblings(&source(path, text)).join("\n");
        let wrong = "src/systems/kms.rs:1: error: system kms may not import system bigtable";
        assert_eq!(one("src/systems/kms.rs", "use crate::systems::bigtable::SYSTEM;\n"), wrong);
        assert_eq!(
            one("src/systems/kms.rs", "use crate::systems::{spec::Node, bigtable};\n"),
            wrong
        );
        assert_eq!(one("src/systems/kms.rs", "use super::bigtable;\n"), wrong);
        assert_eq!(one("src/systems/kms.rs", "use super::spec::Node;\n"), "");
        assert_eq!(one("src/systems/bigtable/plan.rs", "use super::writes::Lags;\n"), "");
        assert!(
            one("src/systems/storage.rs", "use super::bigtable::SYSTEM;\n").contains("bigtable")
        );
        assert_eq!(one("src/systems/bigtable/build.rs", "use crate::systems::kms;\n"), "");
        assert!(one("src/systems/guard.rs", "use super::kms::KEY;\n").contains("guard"));
        assert_eq!(one("src/report.rs", "use crate::systems::kms;\n"), "");
    }

    #[test]
    fn reports_that_look_into_the_engine_are_found() {
        let count = |path: &str, text: &str| plain_types(&source(path, text)).len();
        assert_eq!(count("src/report/a.rs", "use crate::engine::{SimTime, trace::Seq};\n"), 0);
        assert_eq!(count("src/report/a.rs", "let a = crate::engine::SimTime::START;\n"), 0);
        assert_eq!(count("src/report/a.rs", "use crate::engine::{Calendar, SimTime};\n"), 1);
        assert_eq!(count("src/report/a.rs", "use crate::engine::simulation::entity;\n"), 1);
        assert_eq!(count("src/report/a.rs", "use crate::engine;\n"), 1);
        assert_eq!(count("src/experiment.rs", "use crate::engine::Simulation;\n"), 0);
    }

    #[test]
    fn banned_words_are_found() {
        let count = |path: &str, text: &str| bans(&source(path, text)).len();
        for text in [
            "use std::collections::HashMap;",
            "let s: std::collections::HashSet<u8>;",
            "use std::time::Instant;",
            "use std::{fmt, time::Instant};",
            "use std::{env, fmt};",
            "let a = std::fs::read(b);",
            "println!(\"a\");",
            "eprintln!(\"a\");",
            "dbg!(a);",
            "todo!()",
            "unimplemented!()",
            "unsafe { a() }",
            "let a = b.unwrap();",
            "use rand_distr::Exp;",
        ] {
            assert_eq!(count("src/engine/time.rs", text), 1, "{text}");
        }
        for text in [
            "use std::fmt;",
            "// HashMap, std::fs, .unwrap()",
            "let a = \"dbg!(unsafe)\";",
            "#![forbid(unsafe_code)]",
            "env!(\"A\")",
            "a.unwrap_or(b)",
            "#[cfg(test)]\nmod tests {\n fn a() { b.unwrap(); }\n}\n",
        ] {
            assert_eq!(count("src/engine/time.rs", text), 0, "{text}");
        }
        assert_eq!(count("src/cli.rs", "std::fs::read(std::env::args())"), 0);
        assert_eq!(count("src/report/files.rs", "use std::fs;\nuse std::env;"), 1);
        let after = "#[cfg(test)]\nmod tests { }\nfn a() { b.unwrap(); }\n";
        let errors = bans(&source("src/engine/time.rs", after));
        assert!(errors[0].starts_with("src/engine/time.rs:3: error: "), "{errors:?}");
    }

    #[test]
    fn wildcards_are_found() {
        let text = "match a {\n    A => 1,\n    _ => 2,\n}\n";
        let count = |path: &str, most: &[(&str, usize)]| wildcards(&source(path, text), most).len();
        assert_eq!(count("src/systems/kms.rs", &[]), 1);
        assert_eq!(count("src/systems/kms.rs", &[("src/systems/kms.rs", 1)]), 0);
        assert_eq!(count("src/systems/kms.rs", &[("src/systems/kms.rs", 2)]), 1);
        assert_eq!(count("src/report/rules.rs", &[]), 0);
        let guarded = source("src/systems/kms.rs", "match a { (_, b) => 1, x_ => 2, A(_) => 3 }");
        assert_eq!(wildcards(&guarded, &[]).len(), 0);
    }

    #[test]
    fn long_files_and_functions_are_found() {
        let file = source("src/a.rs", &"\n".repeat(601));
        assert_eq!(file_length(&file, &[]).len(), 1);
        assert_eq!(file_length(&file, &[("src/a.rs", 700)]).len(), 0);
        assert_eq!(file_length(&source("src/a.rs", "\n"), &[("src/a.rs", 700)]).len(), 1);
        let body = "    a();\n".repeat(79);
        let long = format!("fn short() {{}}\n\nfn long(a: [u8; 3]) -> u8 {{\n{body}}}\n");
        let errors = function_length(&source("src/a.rs", &long), &[]);
        assert_eq!(errors, ["src/a.rs:3: error: function long has 81 lines, more than 80"]);
        assert_eq!(
            function_length(&source("src/a.rs", &long), &[("src/a.rs", "long", 81)]).len(),
            0
        );
        let kept = [("src/a.rs", "short", 90), ("src/a.rs", "long", 90)];
        assert_eq!(function_length(&source("src/a.rs", &long), &kept).len(), 1);
        let brace = long.replacen("a();", "a('{', \"}\"); // }", 1);
        assert_eq!(function_length(&source("src/a.rs", &brace), &[]).len(), 1);
    }

    #[test]
    fn crates_without_reason_or_with_needs_are_found() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\n# Why it is there.\na = \"1\"\nb = \"1\"\n\n[dev-dependencies]\nc = { version = \"1\" }\n";
        assert_eq!(
            reasons(manifest),
            [
                "Cargo.toml:6: error: write above b what it is for",
                "Cargo.toml:9: error: write above c what it is for"
            ]
        );
        let found = |name: &str| lock(&format!("[[package]]\nname = \"{name}\"\n")).len();
        for name in ["openssl-sys", "pkg-config", "cmake", "bindgen", "rand_distr"] {
            assert_eq!(found(name), 1, "{name}");
        }
        let compiles =
            |name: &str| lock(&format!("name = \"{name}\"\ndependencies = [\n \"cc\",\n]\n")).len();
        assert_eq!((compiles("alloca"), compiles("zstd")), (0, 1));
        assert_eq!(found("windows-sys") + found("wasm-bindgen") + found("rand"), 0);
        assert_eq!(opening(&source("src/a.rs", "use a;\n")).len(), 1);
    }
}
