//! Shows that a result depends on the scenario and the seed alone: not on the order of the file,
//! on unrelated entities, on which sweeps are events, on the folder or on the environment. It
//! plays some hundred scenarios made at random from fixed seeds, each in two ways, and compares.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/scenario.rs"]
mod support;

use cmeksim::engine::{Budget, RandomStream, StreamNumber, Streams, Trace};
use cmeksim::experiment::Model;
use cmeksim::experiment::outcome::Outcome;
use cmeksim::systems::contract::SweepMode;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::scenario;

/// A scenario as blocks of TOML: each is one table with its keys, or one entry of a list.
struct Blocks {
    /// What has to stand first.
    head: String,
    /// Tables, which may stand in any order.
    tables: Vec<String>,
    /// Entries of `events`, `hazards`, `responses`, whose order in the file counts.
    entries: Vec<String>,
}

impl Blocks {
    fn text(&self) -> String {
        format!("{}{}{}", self.head, self.tables.concat(), self.entries.concat())
    }

    /// The same with the tables in another order, and the entries somewhere between them.
    fn shuffled(&self, stream: &mut RandomStream) -> String {
        let mut tables = self.tables.clone();
        stream.shuffle(&mut tables);
        // An entry ends where the next header begins, so it may stand between any two tables.
        let mut places: Vec<u32> =
            self.entries.iter().map(|_| stream.below(tables.len() as u32 + 1)).collect();
        places.sort_unstable();
        let mut text = self.head.clone();
        let mut entries = places.into_iter().zip(&self.entries).peekable();
        for (place, table) in (0..).zip(&tables) {
            while let Some((_, entry)) = entries.next_if(|(at, _)| *at <= place) {
                text += entry;
            }
            text += table;
        }
        entries.for_each(|(_, entry)| text += entry);
        text
    }
}

/// Makes scenarios at random.
struct Maker {
    stream: RandomStream,
}

const REGIONS: [&str; 4] = ["us-east1", "us-west1", "europe-west1", "asia-east1"];

impl Maker {
    fn new(number: u64) -> Maker {
        Maker { stream: Streams::new(number, 0).stream(StreamNumber::of("test", "scenario")) }
    }

    fn below(&mut self, n: u32) -> u32 {
        self.stream.below(n)
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u32) as usize]
    }

    /// A length of time about so many seconds long: constant (often of a whole minute, so that
    /// instants coincide) or random.
    fn length(&mut self, seconds: u32) -> String {
        let short = 1 + self.below(seconds);
        match self.below(7) {
            0 => format!("\"{}m\"", short / 60),
            1 => format!("\"{short}s\""),
            2 => format!("{{ uniform = {{ from = \"0s\", to = \"{}s\" }} }}", 2 * short),
            3 => {
                format!("{{ lognormal = {{ median = \"{short}s\", p95 = \"{}s\" }} }}", 4 * short)
            }
            4 => format!("{{ weibull = {{ scale = \"{short}s\", shape = 0.8 }} }}"),
            5 => format!(
                "{{ mixture = [ {{ weight = 0.5, constant = \"0s\" }}, {{ weight = 0.5, exponential = {{ mean = \"{short}s\" }} }} ] }}"
            ),
            _ => format!("{{ exponential = {{ mean = \"{short}s\" }} }}"),
        }
    }

    /// Something to do, with its parameters.
    fn action(&mut self, keys: u32, instances: &[u32], locations: &[&str]) -> String {
        let key = format!("key = \"k{}\"\n", self.below(keys));
        let i = self.below(instances.len() as u32);
        let instance = format!("instance = \"i{i}\"\n");
        let cluster = format!("cluster = \"c{}\"\n", self.below(instances[i as usize]));
        let place = if self.chance(30) { "everywhere" } else { self.one(locations) };
        let share = match self.below(3) {
            0 => String::new(),
            1 => "error-fraction = 0.5\n".to_owned(),
            _ => format!("error-fraction = 0.{:02}\n", 1 + self.below(99)),
        };
        let lasts = format!("lasts = {}\n", self.length(9000));
        match self.below(20) {
            0..4 => format!("do = \"disable-key\"\n{key}"),
            4..8 => format!("do = \"enable-key\"\n{key}"),
            8 => format!("do = \"schedule-destroy\"\n{key}"),
            9 => format!("do = \"restore-key\"\n{key}"),
            10..13 => format!("do = \"kms-outage\"\nlocation = \"{place}\"\n{share}{lasts}"),
            13 => format!("do = \"kms-stale\"\nlocation = \"{place}\"\n{lasts}"),
            14 => format!("do = \"ekm-outage\"\nekm = \"e\"\n{share}{lasts}"),
            15 => format!("do = \"create-table\"\n{instance}count = {}\n", 1 + self.below(3)),
            16 => format!("do = \"delete-table\"\n{instance}"),
            17 => format!("do = \"create-cluster\"\n{instance}{cluster}"),
            18 => format!("do = \"delete-cluster\"\n{instance}{cluster}"),
            _ => format!("do = \"replication-partition\"\n{instance}{cluster}{lasts}"),
        }
    }

    fn model(&mut self) -> String {
        let mut text = format!("[model.bigtable]\nsweep-period = \"{}m\"\n", 1 + self.below(8));
        for (name, words) in [
            ("sweep-phase", &["random", "random", "aligned", "spread"][..]),
            ("cascade-pace", &["fast", "typical"]),
            ("cascade-order", &["random", "by-name"]),
            ("grace-timer", &["cluster", "table", "instance"]),
            ("grace-from", &["first-failed-call", "outage-start"]),
            ("grace-scope", &["instance", "cluster"]),
            ("grace-reset", &["any-success", "outage-end"]),
            ("deletion-clock", &["user-triggered-only", "any-disabled"]),
            ("acknowledged-writes", &["kept", "lost"]),
        ] {
            if self.chance(60) {
                text += &format!("{name} = \"{}\"\n", self.one(words));
            }
        }
        for (name, words) in [
            ("kms-grace", &["1h", "20m", "3m", "0s"][..]),
            ("delete-after", &["30d", "4h", "10m", "10m 0.3s"]),
            ("reroute-delay", &["10s", "0s", "5m"]),
            ("cascade-total-max", &["6h", "30m", "0s"]),
        ] {
            if self.chance(50) {
                text += &format!("{name} = \"{}\"\n", self.one(words));
            }
        }
        for (name, seconds) in [("offline-ramp", 300), ("bringup", 900), ("cascade-step", 3600)] {
            if self.chance(50) {
                text += &format!("{name} = {}\n", self.length(seconds));
            }
        }
        if self.chance(70) {
            text += &format!("[model.kms]\ndisable-propagation = {}\n", self.length(120));
        }
        text
    }

    /// A scenario with everything the systems know.
    fn scenario(&mut self) -> Blocks {
        let seed = self.stream.next_u32();
        let head = format!(
            "schema = 1\n[scenario]\nname = \"random\"\nstart = 2026-03-02T08:00:00Z\nhorizon = \"{}h\"\nseed = {seed}\n",
            6 + self.below(18)
        );
        let mut tables = vec![self.model(), "[ekm.e]\n".to_owned()];
        let external = self.chance(30);
        let keys = REGIONS.len() as u32;
        for (number, region) in REGIONS.iter().enumerate() {
            let manager = if external { "protection = \"external\"\nekm = \"e\"\n" } else { "" };
            let state = if self.chance(8) { "state = \"disabled\"\n" } else { "" };
            tables.push(format!("[keys.k{number}]\nlocation = \"{region}\"\n{manager}{state}"));
        }
        let instances: Vec<u32> = (0..1 + self.below(2)).map(|_| 1 + self.below(4)).collect();
        for (i, &clusters) in instances.iter().enumerate() {
            let lag = match self.below(3) {
                0 => format!("replication-lag = {}\n", self.length(10)),
                _ => String::new(),
            };
            tables.push(format!("[bigtable.i{i}]\ntables = {}\n{lag}", self.below(6)));
            for c in 0..clusters {
                let absent = if c > 0 && self.chance(15) { "initially = \"absent\"\n" } else { "" };
                let region = REGIONS[c as usize];
                tables.push(format!(
                    "[bigtable.i{i}.clusters.c{c}]\nzone = \"{region}-b\"\nkey = \"k{c}\"\n{absent}"
                ));
            }
            tables.push(format!(
                "[bigtable.i{i}.app-profiles.multi]\nreads = \"100/s\"\nwrites = \"{}/s\"\n",
                self.below(50)
            ));
            tables.push(format!(
                "[bigtable.i{i}.app-profiles.single]\nrouting = {{ single-cluster = \"c{}\" }}\nreads = \"9/s\"\nwrites = \"3/s\"\n",
                self.below(clusters)
            ));
            tables.push(format!("[bigtable.i{i}.backups.b]\ncluster = \"c0\"\n"));
        }
        Blocks { head, tables, entries: self.entries(keys, &instances) }
    }

    fn entries(&mut self, keys: u32, instances: &[u32]) -> Vec<String> {
        let mut entries = Vec::new();
        for _ in 0..2 + self.below(6) {
            let action = self.action(keys, instances, &REGIONS);
            entries.push(format!("[[events]]\nat = \"{}m\"\n{action}", self.below(600)));
        }
        for number in 0..self.below(3) {
            let (mean, action) = (30 + self.below(200), self.action(keys, instances, &REGIONS));
            entries.push(format!(
                "[[hazards]]\nname = \"h{number}\"\nevery = {{ gamma = {{ mean = \"{mean}m\", shape = 2.0 }} }}\n{action}"
            ));
        }
        for _ in 0..self.below(3) {
            let (key, mean) = (self.below(keys), 30 + self.below(3000));
            let state = self.one(&["disabled", "offline", "degraded", "serving"]);
            let what = self.one(&["enable-key", "restore-key", "disable-key"]);
            // Half a minute at least, so that two responses do not chase each other at one instant.
            let after = match self.below(3) {
                0 => format!("\"{}s\"", 30 + mean),
                _ => format!("{{ exponential = {{ mean = \"{mean}s\", min = \"30s\" }} }}"),
            };
            entries.push(format!(
                "[[responses]]\nwhen = {{ entity = \"bigtable.i0\", state = \"{state}\" }}\nafter = {after}\ndo = \"{what}\"\nkey = \"k{key}\"\n"
            ));
        }
        entries
    }
}

/// Everything one replication of a text yields, with the model that names its entities.
fn played(text: &str, sweeps: SweepMode, replication: u64) -> (Model, Outcome) {
    let scenario = scenario(text);
    let model = Model::new(&scenario);
    let trace = model
        .replicate(scenario.seed, replication, sweeps, Budget::default())
        .unwrap_or_else(|halt| panic!("{halt}\n{text}"));
    let outcome = model.outcome(trace);
    (model, outcome)
}

/// The records of each entity by path: instant, states, rule.
fn by_path(model: &Model, trace: &Trace) -> BTreeMap<String, Vec<(u64, u8, u8, &'static str)>> {
    let paths: Vec<&str> = model.entities().map(|(path, _)| path).collect();
    let mut found: BTreeMap<String, Vec<_>> =
        paths.iter().map(|path| ((*path).to_owned(), Vec::new())).collect();
    for record in &trace.records {
        let path = paths[record.entity.0 as usize];
        let row = (record.at.ns(), record.from, record.to, record.rule);
        found.get_mut(path).expect("every entity has a path").push(row);
    }
    found
}

/// The first record in which two traces differ, in words.
fn difference(model: &Model, one: &Trace, other: &Trace) -> String {
    let paths: Vec<&str> = model.entities().map(|(path, _)| path).collect();
    let words = |trace: &Trace, place: usize| match trace.records.get(place) {
        Some(r) => format!(
            "{} {} {}->{} {} cause {:?}: {}",
            r.at.seconds(),
            paths[r.entity.0 as usize],
            r.from,
            r.to,
            r.rule,
            r.cause,
            r.detail
        ),
        None => "nothing".to_owned(),
    };
    let longest = one.records.len().max(other.records.len());
    let first = (0..longest).find(|&place| one.records.get(place) != other.records.get(place));
    match first {
        Some(place) => format!("record {place}: {} | {}", words(one, place), words(other, place)),
        None => "no record differs".to_owned(),
    }
}

/// Two outcomes of one model are the same in every respect that `fields` of a trace have.
fn same(model: &Model, one: &Outcome, other: &Outcome, text: &str) {
    let differs = difference(model, &one.trace, &other.trace);
    assert_eq!(one.trace.records, other.trace.records, "{differs}\n{text}");
    assert_eq!(one.trace.fingerprint(), other.trace.fingerprint(), "{text}");
    assert_eq!(one.trace.levels, other.trace.levels, "{text}");
    assert_eq!(one.trace.charges, other.trace.charges, "{text}");
    assert_eq!(one.timeline, other.timeline, "{text}");
    assert_eq!(bits(one), bits(other), "{text}");
}

/// Measures by their bits, so that no difference is too small.
fn bits(outcome: &Outcome) -> BTreeMap<&str, Option<u64>> {
    outcome.measures.iter().map(|(path, v)| (path, v.map(f64::to_bits))).collect()
}

#[test]
fn repeat() {
    for number in 0..50 {
        let text = Maker::new(1_000 + number).scenario().text();
        let (model, one) = played(&text, SweepMode::Decisive, number);
        let (_, other) = played(&text, SweepMode::Decisive, number);
        same(&model, &one, &other, &text);
        assert_eq!(one.trace.checks, other.trace.checks);
    }
}

#[test]
fn a_replication_depends_on_no_other() {
    let text = Maker::new(1_999).scenario().text();
    let scenario = scenario(&text);
    let model = Model::new(&scenario);
    let play = |replication| {
        let trace = model.replicate(7, replication, SweepMode::Decisive, Budget::default());
        trace.unwrap_or_else(|halt| panic!("{halt}")).fingerprint()
    };
    let forward: Vec<u64> = (0..20).map(play).collect();
    let mut backward: Vec<u64> = (0..20).rev().map(play).collect();
    backward.reverse();
    assert_eq!(forward, backward);
}

#[test]
fn order_of_declarations_does_not_matter() {
    let mut stream = Streams::new(2, 0).stream(StreamNumber::of("test", "order"));
    for number in 0..10 {
        let blocks = Maker::new(2_000 + number).scenario();
        let (model, one) = played(&blocks.text(), SweepMode::Decisive, 0);
        for _ in 0..10 {
            let text = blocks.shuffled(&mut stream);
            let (_, other) = played(&text, SweepMode::Decisive, 0);
            same(&model, &one, &other, &text);
        }
    }
}

#[test]
fn unrelated_entities_change_nothing() {
    // Early in the alphabet and late in it, so that they get the first and the last numbers.
    for number in 0..200 {
        let mut blocks = Maker::new(3_000 + number).scenario();
        let (model, one) = played(&blocks.text(), SweepMode::Decisive, 0);
        let name = if number % 2 == 0 { "a" } else { "z" };
        blocks.tables.push(format!("[keys.{name}]\nlocation = \"us-central1\"\n"));
        blocks.tables.push(format!("[bigtable.{name}]\ntables = 3\n"));
        blocks.tables.push(format!(
            "[bigtable.{name}.clusters.c]\nzone = \"us-central1-a\"\nkey = \"{name}\"\n"
        ));
        blocks.tables.push(format!("[bigtable.{name}.app-profiles.p]\nwrites = \"7/s\"\n"));
        let (wider, other) = played(&blocks.text(), SweepMode::Decisive, 0);
        let (before, mut after) = (by_path(&model, &one.trace), by_path(&wider, &other.trace));
        after.retain(|path, _| before.contains_key(path));
        assert_eq!(before, after, "{}", blocks.text());
        let (before, mut after) = (bits(&one), bits(&other));
        after.retain(|path, _| before.contains_key(path));
        assert_eq!(before, after, "{}", blocks.text());
        // Something that happens to it does not reach the others either.
        let key = format!("[[events]]\nat = \"31m\"\ndo = \"disable-key\"\nkey = \"{name}\"\n");
        blocks.entries.push(key);
        let (wider, other) = played(&blocks.text(), SweepMode::Decisive, 0);
        let (before, mut after) = (by_path(&model, &one.trace), by_path(&wider, &other.trace));
        after.retain(|path, _| before.contains_key(path));
        assert_eq!(before, after, "{}", blocks.text());
    }
}

/// What was resolved is the same scenario: writing out a default moves no random stream.
#[test]
fn what_was_resolved_plays_the_same() {
    for number in 0..300 {
        let text = Maker::new(6_000 + number).scenario().text();
        let (model, one) = played(&text, SweepMode::Decisive, 0);
        let resolved = cmeksim::scenario::resolved::resolved(&scenario(&text));
        let (_, other) = played(&resolved, SweepMode::Decisive, 0);
        same(&model, &one, &other, &text);
    }
}

#[test]
fn decisive_sweeps_give_what_all_sweeps_give() {
    let mut records = 0;
    for number in 0..300 {
        let text = Maker::new(4_000 + number).scenario().text();
        let (model, decisive) = played(&text, SweepMode::Decisive, 0);
        let (_, all) = played(&text, SweepMode::All, 0);
        same(&model, &decisive, &all, &text);
        assert_eq!(decisive.trace.checks, all.trace.checks, "{text}");
        records += all.trace.records.len();
    }
    assert!(records > 10_000, "{records} records: the scenarios are too quiet to show anything");
}

/// A deletion clock (`Class::Clock`) goes after the sweeps of its instant, so these have been made;
/// but a table that leaves takes only the sweeps before the instant with it. With the default
/// `delete-after` of 30 days, a multiple of every usual period, `any-disabled` always meets this.
#[test]
fn sweeps_at_the_instant_of_a_deletion_are_counted() {
    let text = "schema = 1
[scenario]\nname = \"last-sweep\"\nstart = 2026-03-02T08:00:00Z\nhorizon = \"3h\"
[keys.k]\nlocation = \"us-east1\"
[bigtable.i.clusters.c]\nzone = \"us-east1-b\"\nkey = \"k\"
[[events]]\nat = \"60m\"\ndo = \"disable-key\"\nkey = \"k\"
[model]\nbigtable.sweep-phase = \"aligned\"\nbigtable.delete-after = \"10m\"\nkms.disable-propagation = \"0s\"\n";
    // At 0, 5, ..., 70 min; the instance is deleted at 70 min.
    let (_, decisive) = played(text, SweepMode::Decisive, 0);
    assert_eq!(decisive.measures["bigtable.i.sweeps"], Some(15.0));
    let (_, all) = played(text, SweepMode::All, 0);
    assert_eq!(all.measures["bigtable.i.sweeps"], Some(15.0));
}

#[test]
fn sabotage_is_noticed() {
    // A changed seed, a changed replication and one changed nanosecond all show.
    let mut unchanged = 0;
    for number in 0..50 {
        let text = Maker::new(5_000 + number).scenario().text();
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let print = |seed, replication| {
            let trace = model.replicate(seed, replication, SweepMode::Decisive, Budget::default());
            trace.unwrap_or_else(|halt| panic!("{halt}"))
        };
        let trace = print(scenario.seed, 0);
        let same_seed = trace.fingerprint() == print(scenario.seed + 1, 0).fingerprint();
        let same_number = trace.fingerprint() == print(scenario.seed, 1).fingerprint();
        unchanged += u32::from(same_seed || same_number);
        let mut moved = trace.clone();
        if let Some(record) = moved.records.last_mut() {
            record.at = cmeksim::engine::SimTime::from_ns(record.at.ns() ^ 1).unwrap();
            assert_ne!(moved.fingerprint(), trace.fingerprint());
        }
    }
    // A few scenarios hold nothing random before their horizon.
    assert!(unchanged <= 5, "{unchanged} of 50 scenarios do not depend on the seed");
}

/// The files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_file(), "{}", path.display());
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        found.insert(name, std::fs::read(&path).unwrap());
    }
    found
}

/// Runs the program on a copy of the shipped scenario.
fn run(folder: &Path, cwd: &Path, vars: &[(&str, &str)], more: &[&str]) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/one-key-disabled.toml");
    let (file, out) = (folder.join("s.toml"), folder.join("results"));
    std::fs::copy(shipped, &file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cmeksim"));
    command.env_clear().envs(vars.iter().copied()).current_dir(cwd);
    let done = command.arg("run").arg(&file).arg("--out").arg(&out).args(more).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() || !more.is_empty(), "{said}");
    out
}

#[test]
fn output_files_do_not_depend_on_the_place_or_the_environment() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let deep = other.path().join("a folder/with a longer name");
    std::fs::create_dir_all(&deep).unwrap();
    let plain = [("LANG", "C"), ("TZ", "UTC"), ("COLUMNS", "80"), ("HOME", "/")];
    let odd = [
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("TZ", "Asia/Kolkata"),
        ("COLUMNS", "31"),
        ("HOME", "/nonexistent"),
        ("NO_COLOR", "1"),
        ("RUST_BACKTRACE", "1"),
        ("SOURCE_DATE_EPOCH", "1"),
    ];
    let first = files(&run(one.path(), one.path(), &plain, &[]));
    let second = files(&run(&deep, Path::new("/"), &odd, &[]));
    assert!(first.len() >= 9 && first.contains_key("manifest.json"), "{:?}", first.keys());
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, bytes) in &first {
        assert!(bytes == &second[name], "{name} differs");
    }
    // The comparison can fail: another seed writes other files.
    let third = files(&run(other.path(), one.path(), &plain, &["--seed", "43"]));
    assert_ne!(first["events.csv"], third["events.csv"]);
    assert_ne!(first["manifest.json"], third["manifest.json"]);
}
