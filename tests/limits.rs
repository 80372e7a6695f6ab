//! Shows that every limit is accepted where it lies and refused one past it, with words that say
//! which limit it was. Each test makes an input of exactly that size, and a model that would run
//! for ever has to be stopped within two seconds.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/scenario.rs"]
mod support;

use cmeksim::engine::{Budget, Halt, SimDuration};
use cmeksim::experiment::Model;
use cmeksim::limits;
use cmeksim::systems::contract::SweepMode;
use std::fmt::Write;
use support::{scenario, try_scenario};

fn head(name: &str, horizon: &str) -> String {
    format!(
        "schema = 1\n[scenario]\nname = \"{name}\"\nstart = 2026-03-02T08:00:00Z\nhorizon = \"{horizon}\"\n"
    )
}

const KEY: &str = "[keys.k]\nlocation = \"us-east1\"\n";

/// The text is a scenario.
fn accepted(text: &str) {
    scenario(text);
}

/// The text is refused, with this code and these words.
fn refused(text: &str, code: &str, words: &str) {
    let Err(said) = try_scenario(text) else { panic!("accepted, in spite of {code}") };
    assert!(said.contains(&format!("error[{code}]")), "not {code}: {said}");
    assert!(said.contains(words), "not {words:?}: {said}");
}

/// A key that is disabled every hour: each time two events and one record.
fn hourly() -> String {
    let hazard = "[[hazards]]\nname = \"h\"\nevery = \"1h\"\ndo = \"disable-key\"\nkey = \"k\"\n";
    head("hourly", "100h") + KEY + hazard + "[model]\nkms.disable-propagation = \"0s\"\n"
}

fn halted(text: &str, budget: Budget) -> Option<Halt> {
    let model = Model::new(&scenario(text));
    model.replicate(1, 0, SweepMode::Decisive, budget).err()
}

#[test]
fn events_of_a_run() {
    let events = |events| halted(&hourly(), Budget { events, ..Budget::default() });
    // 99 hours, each with the hazard's timer and the message to the key.
    assert_eq!(events(198), None);
    let halt = events(197).expect("one event too many");
    assert_eq!(
        halt.to_string(),
        "the run reached its limit of 197 events at 4d 3h after the start"
    );
    assert_eq!(events(0).expect("an event").at.ns(), 3_600_000_000_000);
}

#[test]
fn events_at_one_instant() {
    let events_at_one_instant =
        |limit| halted(&hourly(), Budget { events_at_one_instant: limit, ..Budget::default() });
    assert_eq!(events_at_one_instant(2), None);
    let halt = events_at_one_instant(1).expect("two events at one instant");
    assert_eq!(
        halt.to_string(),
        "the run reached its limit of 1 events at one instant at 1h after the start"
    );
}

#[test]
fn records_of_a_run() {
    let records = |records| halted(&hourly(), Budget { records, ..Budget::default() });
    assert_eq!(records(99), None);
    // Three records an hour, 99 in 4 d 3 h with the first at 2 h: the record past the limit stops
    // the run.
    let halt = records(97).expect("two records too many");
    assert_eq!(
        halt.to_string(),
        "the run reached its limit of 97 records at 4d 2h after the start"
    );
    assert!(records(98).is_some());
}

/// Two responses that undo each other without delay.
fn endless() -> String {
    let response = |state: &str, action: &str| {
        format!(
            "[[responses]]\nwhen = {{ entity = \"keys.k\", state = \"{state}\" }}\nafter = \"0s\"\ndo = \"{action}\"\nkey = \"k\"\n"
        )
    };
    let event = "[[events]]\nat = \"1h\"\ndo = \"disable-key\"\nkey = \"k\"\n";
    let responses = response("disabled", "enable-key") + &response("enabled", "disable-key");
    head("endless", "2h") + KEY + event + &responses + "[model]\nkms.disable-propagation = \"0s\"\n"
}

#[test]
fn a_loop_without_delay_is_stopped() {
    let halt = halted(&endless(), Budget::default()).expect("the loop ends by its budget only");
    assert_eq!(halt.what, "events at one instant");
    assert_eq!(halt.limit, limits::EVENTS_AT_ONE_INSTANT_MAX);
    assert_eq!(halt.at.ns(), 3_600_000_000_000);
}

#[test]
fn a_hazard_without_spacing_is_stopped() {
    let text = hourly().replace("every = \"1h\"", "every = \"0s\"");
    let halt = halted(&text, Budget::default()).expect("the hazard ends by its budget only");
    assert_eq!((halt.what, halt.at.ns()), ("events at one instant", 0));
}

#[test]
fn the_program_stops_a_loop_without_delay_with_exit_code_4() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("endless.toml");
    std::fs::write(&file, endless()).unwrap();
    let mut program = assert_cmd::Command::new(env!("CARGO_BIN_EXE_cmeksim"));
    let out = folder.path().join("out");
    program.arg("run").arg(&file).arg("--out").arg(&out);
    // The time limit kills a program that does not stop, which then has no exit code.
    let done = program.timeout(std::time::Duration::from_secs(2)).assert().code(4);
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(
        said.starts_with("error: the run reached its limit of 1000000 events at one"),
        "{said}"
    );
    assert!(!out.exists(), "a run that was stopped leaves no results");
}

#[test]
fn horizon() {
    let at = format!("{}ns", limits::HORIZON_NS_MAX);
    let past = format!("{}ns", limits::HORIZON_NS_MAX + 1);
    let text = head("horizon", &at) + KEY;
    assert_eq!(scenario(&text).horizon, SimDuration::MAX);
    assert_eq!(halted(&text, Budget::default()), None);
    refused(&(head("horizon", &past) + KEY), "limit-duration", "the longest time there is");
    accepted(&(head("horizon", "1ns") + KEY));
    refused(&(head("horizon", "0s") + KEY), "out-of-range", "horizon");
}

#[test]
fn a_run_up_to_the_longest_horizon() {
    // Everything that a default scenario schedules near the end stays within the clock.
    let cluster = "[bigtable.i.clusters.c]\nzone = \"us-east1-b\"\nkey = \"k\"\n";
    let text = head("far", &format!("{}ns", limits::HORIZON_NS_MAX)) + KEY + cluster;
    let event = |at: u64, action: &str| {
        format!("[[events]]\nat = \"{at}ns\"\ndo = \"{action}\"\nkey = \"k\"\n")
    };
    let late = limits::HORIZON_NS_MAX - 1;
    let text = text + &event(5, "schedule-destroy") + &event(late, "enable-key");
    assert_eq!(halted(&text, Budget::default()), None);
}

#[test]
fn bytes_of_a_scenario() {
    let text = head("bytes", "1h") + KEY + "# ";
    let padded = |size: usize| text.clone() + &"x".repeat(size - text.len());
    assert_eq!(limits::SCENARIO_BYTES_MAX, 1 << 20);
    accepted(&padded(1 << 20));
    refused(&padded((1 << 20) + 1), "limit-scenario-bytes", "1048577 bytes");
}

#[test]
fn bytes_of_a_name() {
    let (at, past) = ("n".repeat(63), "n".repeat(64));
    accepted(&head(&at, "1h"));
    refused(&head(&past, "1h"), "limit-name-bytes", "63");
    let key = |name: &str| {
        head("names", "1h")
            + &format!("[keys.{name}]\nlocation = \"us-east1\"\n")
            + &format!(
                "[bigtable.{name}.clusters.{name}]\nzone = \"us-east1-b\"\nkey = \"{name}\"\n"
            )
    };
    accepted(&key(&at));
    refused(&key(&past), "limit-name-bytes", "63");
}

#[test]
fn bytes_of_a_text() {
    let text =
        |size: usize| head("text", "1h") + &format!("description = \"{}\"\n", "é".repeat(size / 2));
    accepted(&text(4096));
    refused(&text(4098), "limit-text-bytes", "4098 bytes, more than 4096");
}

#[test]
fn clusters_of_an_instance() {
    // 8 regions of 3 zones each; the 25th goes to a fourth zone of the first region.
    let text = |count: usize| {
        let mut text = head("clusters", "1h");
        for c in 0..count {
            let (region, zone) = (c % 8, ["a", "b", "c", "d"][c / 8]);
            write!(text, "[bigtable.i.clusters.c{c}]\nzone = \"us-east{region}-{zone}\"\n")
                .unwrap();
        }
        text
    };
    accepted(&text(24));
    refused(&text(25), "limit-clusters", "25 clusters in 8 regions");
    let ninth = text(9).replace("us-east0-b", "us-east9-b");
    refused(&ninth, "limit-clusters", "9 clusters in 9 regions");
}

#[test]
fn tables_of_an_instance() {
    let text = |count| {
        head("tables", "1h")
            + &format!("[bigtable.i]\ntables = {count}\n")
            + "[bigtable.i.clusters.c]\nzone = \"us-east1-b\"\n"
    };
    accepted(&text(1000));
    refused(&text(1001), "out-of-range", "tables");
}

#[test]
fn entries_of_a_list() {
    let text = |count: usize| {
        head("entries", "1h")
            + KEY
            + &"[[events]]\nat = \"1m\"\ndo = \"enable-key\"\nkey = \"k\"\n".repeat(count)
    };
    accepted(&text(limits::ENTRIES_MAX));
    refused(&text(limits::ENTRIES_MAX + 1), "limit-entries", "10001 entries, more than 10000");
}

#[test]
fn entities_of_a_scenario() {
    let text = |count: usize| {
        // Names of four letters, for they have to fit in a megabyte.
        let name = |n: usize| -> String {
            (0..4)
                .rev()
                .map(|place| char::from(b'a' + (n / 26usize.pow(place) % 26) as u8))
                .collect()
        };
        (0..count).fold(head("entities", "1h") + "[ekm]\n", |text, n| text + &name(n) + "={}\n")
    };
    accepted(&text(limits::ENTITIES_MAX));
    refused(&text(limits::ENTITIES_MAX + 1), "limit-entities", "more than 100000 entities");
}

#[test]
fn components_of_a_mixture() {
    let text = |count: usize| {
        let part = format!("{{ weight = {}, constant = \"1s\" }}, ", 1.0 / count as f64);
        head("mixture", "1h")
            + &format!(
                "[model]\nkms.disable-propagation = {{ mixture = [ {} ] }}\n",
                part.repeat(count)
            )
    };
    accepted(&text(limits::MIXTURE_COMPONENTS_MAX));
    refused(&text(limits::MIXTURE_COMPONENTS_MAX + 1), "limit-mixture-components", "32");
}

#[test]
fn values_of_an_empirical_distribution() {
    let text = |count: usize| {
        head("empirical", "1h")
            + &format!(
                "[model]\nkms.disable-propagation = {{ empirical = {{ values = [ {} ] }} }}\n",
                "\"1s\",".repeat(count)
            )
    };
    accepted(&text(limits::EMPIRICAL_VALUES_MAX));
    refused(&text(limits::EMPIRICAL_VALUES_MAX + 1), "limit-empirical-values", "100000");
}

#[test]
fn nesting_of_a_value() {
    // Deeper values than the limit are refused for that; others only for what they mean.
    let text = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        head("nesting", "1h") + &format!("[model]\nkms.enable-propagation = {open}{close}\n")
    };
    let Err(said) = try_scenario(&text(limits::NESTING_MAX + 1)) else { panic!("accepted") };
    assert!(said.contains("nested deeper than 16"), "{said}");
    // `model`, `kms` and the value's own brackets all count.
    let Err(said) = try_scenario(&text(limits::NESTING_MAX - 3)) else { panic!("accepted") };
    assert!(!said.contains("nested deeper than"), "{said}");
}

#[test]
fn diagnostics_shown() {
    let text = |count: usize| {
        (0..count)
            .fold(head("many", "1h") + "[model.kms]\n", |text, n| text + &format!("x{n} = 1\n"))
    };
    let shown = |count: usize| {
        let said = try_scenario(&text(count)).err().expect("mistakes");
        (said.matches("error[").count(), said)
    };
    assert_eq!(shown(limits::DIAGNOSTICS_SHOWN_MAX).0, 100);
    let (count, said) = shown(limits::DIAGNOSTICS_SHOWN_MAX + 20);
    assert_eq!(count, 100);
    assert!(said.contains("20 more"), "{}", &said[said.len().saturating_sub(300)..]);
}
