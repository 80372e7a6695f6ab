//! Tests of reading that need no golden text.

use super::*;
use crate::engine::SimTime;
use crate::systems::spec::{Origin, Value};

const VALID: &str = include_str!("../../../tests/diagnostics/valid.toml");

fn with(text: &str, sets: &[&str], seed: Option<u64>) -> Result<Scenario, Vec<String>> {
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    let files = |name: &str| match name {
        "outages.csv" => Ok(b"# measured\n5m\n\"1h 30m\"\r\n\n250ms\n".to_vec()),
        _ => Err("there is no such file".to_owned()),
    };
    read("s.toml", text.as_bytes(), &Overrides { sets, seed }, &files)
        .map_err(|(found, _)| found.iter().map(|f| format!("{}: {}", f.code, f.message)).collect())
}

fn scenario(sets: &[&str]) -> Scenario {
    with(VALID, sets, None).unwrap_or_else(|found| panic!("{}", found.join("\n")))
}

#[test]
fn every_part_is_read() {
    let read = scenario(&[]);
    assert!(read.warnings.is_empty());
    assert_eq!((read.name.as_str(), read.seed), ("everything", 42));
    assert_eq!(read.horizon, SimDuration::from_secs(48 * 3600));
    let at: Vec<u64> = read.events.iter().map(|event| event.at.ns() / 1_000_000_000).collect();
    assert_eq!(at, [7_200, 28 * 3_600, 31 * 3_600]);
    assert!(read.entities.contains_key("kms.us-west1"));
    // Two keys have a grant each, and external keys a quota in each of two locations.
    assert_eq!(read.entities.len(), 17);
    let partition = &read.events[2];
    assert_eq!(partition.params.at("peer").text(), "bigtable.orders.clusters.west");
    assert_eq!(
        partition.lasts.as_ref().and_then(|d| d.as_constant()),
        Some(SimDuration::from_secs(300))
    );
    let profile = &read.root.at("bigtable").at("orders").at("app-profiles");
    assert_eq!(profile.at("serving").at("writes").number(), 300.0);
    assert_eq!(profile.at("serving").at("traffic").shares()["bigtable.orders.clusters.east"], 0.6);
    let (word, inner) = profile.at("batch").at("routing").tagged();
    assert_eq!(
        (word, inner.map(Node::text)),
        ("single-cluster", Some("bigtable.orders.clusters.east"))
    );
    assert_eq!(read.hazards[0].entry.params.at("location").tagged().0, "everywhere");
    assert_eq!(read.responses[1].entry.at.as_constant(), Some(SimDuration::ZERO));
    assert_eq!(read.objectives[1].measure, "failed-requests.not-found");
    assert_eq!(read.events[0].at, SimTime::from_ns(7_200_000_000_000).unwrap());
}

#[test]
fn every_default_of_every_system_reads_without_error() {
    let read = scenario(&[]);
    for system in systems::ALL {
        let model = read.root.at("model").at(system.name);
        for spec in system.model {
            let given = !matches!(spec.default, Default::Absent);
            assert!(model.get(spec.name).is_some() || !given, "{}", spec.name);
        }
        let tables = system.tables.iter().chain(system.actions.iter().flat_map(|a| a.params));
        tables.for_each(check_defaults);
    }
}

/// Reads the default of a parameter and of those below it by itself.
fn check_defaults(spec: &'static ParamSpec) {
    if let Kind::Table(table) | Kind::Named(table) = &spec.kind {
        table.params.iter().for_each(check_defaults);
    }
    let Default::Value(text) = spec.default else { return };
    let files = |_: &str| Err(String::new());
    let mut reader = Reader {
        found: Vec::new(),
        files: &files,
        known: BTreeMap::new(),
        knows: Knows::Named,
        waiting: Vec::new(),
        actions_read: Vec::new(),
        start: None,
        horizon: None,
        varied: Vec::new(),
    };
    let item = Item {
        raw: Raw::Table(tree::Table::new()),
        span: None,
        origin: Origin::Default,
        implied: false,
    };
    let only: &'static [ParamSpec] = std::slice::from_ref(spec);
    let nodes = reader.params(&[only], &item, "a.b", &[]);
    assert!(reader.found.is_empty(), "`{}` = {text}: {:?}", spec.name, reader.found);
    assert!(nodes.is_some_and(|nodes| nodes.contains_key(spec.name)), "{}", spec.name);
}

#[test]
fn set_replaces_and_adds_values() {
    let read = scenario(&[
        "model.bigtable.kms-grace=30m",
        "scenario.seed=7",
        "bigtable.orders.tables=0xC_0",
        "model.bigtable.error-split=0.2_5",
        "bigtable.orders.clusters.east.key = orders-spare",
        "events.0.at=3h",
        "keys.spare={ location = \"us-east1\" }",
        "bigtable.orders.replication-lag=\"1s\"",
    ]);
    let grace = read.root.at("model").at("bigtable").at("kms-grace");
    assert_eq!((grace.duration(), grace.origin), (SimDuration::from_secs(1_800), Origin::Set));
    assert_eq!(read.sources.0[grace.span.as_ref().unwrap().source].name, "--set");
    assert_eq!(read.seed, 7);
    assert_eq!(read.events[0].at.ns(), 10_800_000_000_000);
    let orders = read.root.at("bigtable").at("orders");
    assert_eq!(orders.at("clusters").at("east").at("key").text(), "keys.orders-spare");
    assert!(read.entities.contains_key("keys.spare"));
    assert_eq!(orders.at("tables").count(), 192);
    assert_eq!(read.root.at("model").at("bigtable").at("error-split").number(), 0.25);
    assert!(
        matches!(&orders.at("replication-lag").value, Value::Dist(d) if d.as_constant().is_some())
    );
}

#[test]
fn the_seed_of_the_command_line_wins() {
    let read = with(VALID, &["scenario.seed=7"], Some(9)).unwrap();
    assert_eq!((read.seed, read.root.at("scenario").at("seed").origin), (9, Origin::Set));
    let wrong = with(VALID, &[], Some(u64::MAX)).err().unwrap();
    assert!(wrong[0].starts_with("out-of-range"), "{wrong:?}");
}

#[test]
fn measured_values_come_from_a_file() {
    let read = scenario(&["responses.0.after={ empirical = { file = \"outages.csv\" } }"]);
    let text = read.responses[0].entry.at.to_string();
    assert_eq!(text, "{ empirical = { values = [\"250ms\", \"5m\", \"1h 30m\"] } }");
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    let text = format!("\u{feff}{}", VALID.replace('\n', "\r\n"));
    assert!(with(&text, &[], None).is_ok());
}

/// A description with a table inside a table, which no system needs yet.
const INNER: TableSpec = TableSpec {
    entity: None,
    params: &[
        ParamSpec {
            name: "count",
            kind: Kind::Count(2, 4),
            default: Default::Value("3"),
            source: "",
            doc: "",
        },
        ParamSpec { name: "on", kind: Kind::Bool, default: Default::Absent, source: "", doc: "" },
    ],
};
static OUTER: [ParamSpec; 1] = [ParamSpec {
    name: "inner",
    kind: Kind::Table(&INNER),
    default: Default::Value("{}"),
    source: "",
    doc: "",
}];

#[test]
fn tables_inside_tables_are_read_with_their_defaults() {
    let read = |text: &str| {
        let mut found = Vec::new();
        let item = tree::document(text, &mut found).unwrap();
        let files = |_: &str| Err(String::new());
        let mut reader = Reader {
            found,
            files: &files,
            known: BTreeMap::new(),
            knows: Knows::All,
            waiting: Vec::new(),
            actions_read: Vec::new(),
            start: None,
            horizon: None,
            varied: Vec::new(),
        };
        let nodes = reader.params(&[&OUTER], &item, "a", &[]);
        let codes: Vec<&str> = reader.found.iter().map(|found| found.code).collect();
        nodes.map(|nodes| nodes["inner"].at("count").count()).ok_or(codes)
    };
    assert_eq!(read(""), Ok(3));
    assert_eq!(read("inner = { count = 2, on = true }"), Ok(2));
    assert_eq!(read("[inner]\ncount = 5\nof = 1"), Err(vec!["unknown-key", "out-of-range"]));
    assert_eq!(read("inner = 1"), Err(vec!["wrong-type"]));
}

#[test]
fn a_mistake_in_the_tables_hides_no_others() {
    let text = VALID.replace("zone = \"us-east1-b\"", "zone = \"b\"");
    let text = text.replace("location = \"us-west1\"\nlasts", "location = \"mars\"\nlasts");
    let found = with(&text, &["objectives.0.at-least=7"], None).err().unwrap();
    // The location is no mistake as long as the locations are not known.
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("zone-form") && found[1].starts_with("out-of-range"));
}
