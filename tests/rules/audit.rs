//! What audit logs hold of keys, counted and written.

use crate::dataflow_jobs::JOB;
use crate::world::{ONE, World};
use cmeksim::engine::{AUDIT_ENTRIES, Budget};
use cmeksim::experiment::Model;
use cmeksim::report::{Run, audit};
use cmeksim::systems::contract::SweepMode;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PATH: &str = "projects/keys/locations/us-east1/keyRings/ring/cryptoKeys/orders";

/// The entries of a run, and its measures.
fn entries(world: &World) -> (Vec<Value>, BTreeMap<String, f64>) {
    let scenario = world.scenario();
    let model = Model::new(&scenario);
    let all = SweepMode::All;
    let trace = model.run_in_detail(1, all, Budget::default(), true).unwrap();
    let quiet = model.replicate(1, 0, SweepMode::Decisive, Budget::default()).unwrap();
    assert_eq!(trace.fingerprint(), quiet.fingerprint());
    let outcome = model.outcome(trace);
    let quiet = model.outcome(quiet);
    assert_eq!(outcome.measures, quiet.measures);
    let lines = audit::lines(&Run::new(&scenario, &model, &outcome, all));
    let text = String::from_utf8(lines).unwrap();
    let entries = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let defined = |(path, value): (&str, Option<f64>)| Some((path.to_owned(), value?));
    (entries, outcome.measures.iter().filter_map(defined).collect())
}

fn is_data(entry: &Value) -> bool {
    entry["logName"].as_str().unwrap().ends_with("/logs/cloudaudit.googleapis.com%2Fdata_access")
}

fn methods(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["protoPayload"]["methodName"].as_str().unwrap()).collect()
}

#[test]
fn bt_13_operations_are_logged_only_where_data_access_logs_are_on() {
    // 2 days x 288 sweeps x 3 operations, and two calls of administrators.
    let world =
        World::new("2d", ONE).at("3h", "disable-key key=east").at("4h", "enable-key key=east");
    let off = world.play();
    assert_eq!(off.measure("keys.east.admin-activity-entries"), 2.0);
    assert_eq!(off.measure("keys.east.data-access-entries"), 0.0);
    assert_eq!(off.measure("keys.east.audit-entries"), 2.0);
    let on = world.clone().set("keys.east.data-access-logs=true").play();
    assert_eq!(on.measure("keys.east.data-access-entries"), 1_728.0);
    assert_eq!(on.measure("keys.east.audit-entries"), 1_730.0);
    let (off, _) = entries(&world);
    assert_eq!(methods(&off), ["UpdateCryptoKeyVersion"; 2]);
    let (on, _) = entries(&world.set("keys.east.data-access-logs=true"));
    assert_eq!(on.iter().filter(|entry| is_data(entry)).count(), 1_728);
}

#[test]
fn bt_14_a_few_entries_every_five_minutes_per_table_and_cluster() {
    // Two tables, aligned: at each multiple of 5 min three entries each.
    let world =
        World::new("1h", ONE).set("bigtable.a.tables=2").set("keys.east.data-access-logs=true");
    let (entries, _) = entries(&world);
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &entries {
        *at.entry(entry["timestamp"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(at.len(), 12);
    assert!(at.values().all(|count| *count == 6));
    assert_eq!(at.keys().next(), Some(&"2026-03-02T08:00:00Z"));
    assert_eq!(methods(&entries)[..3], ["Encrypt", "Decrypt", "Decrypt"]);
}

#[test]
fn df_32_calls_of_administrators_are_always_logged_refused_ones_too() {
    // Disable, disable again (changes nothing), restore (refused: not scheduled), rotate (a new
    // version and a new primary), revoke by policy (one call), add by group (none of the key's).
    let world = World::new("1d", ONE)
        .at("1h", "disable-key key=east")
        .at("2h", "disable-key key=east")
        .at("3h", "restore-key key=east")
        .at("4h", "enable-key key=east")
        .at("5h", "rotate-key key=east")
        .at("6h", "revoke-grant key=east principal=bigtable-agent")
        .at("7h", "grant key=east principal=bigtable-agent via=group")
        .at("8h", "disable-key key=east version=3")
        .at("9h", "create-version key=east");
    let (entries, measures) = entries(&world);
    assert_eq!(
        methods(&entries),
        [
            "UpdateCryptoKeyVersion",
            "UpdateCryptoKeyVersion",
            "RestoreCryptoKeyVersion",
            "UpdateCryptoKeyVersion",
            "CreateCryptoKeyVersion",
            "UpdateCryptoKeyPrimaryVersion",
            "SetIamPolicy",
            "UpdateCryptoKeyVersion",
            "CreateCryptoKeyVersion",
        ]
    );
    assert_eq!(measures["keys.east.audit-entries"], 9.0);
    let code = |n: usize| entries[n]["protoPayload"]["status"]["code"].as_u64();
    assert_eq!([0, 1, 2, 7].map(code), [None, None, Some(9), Some(5)]);
    let delta = &entries[6]["protoPayload"]["serviceData"]["policyDelta"]["bindingDeltas"][0];
    assert_eq!(delta["action"], "REMOVE");
    assert_eq!(delta["role"], "roles/cloudkms.cryptoKeyEncrypterDecrypter");
    assert!(delta["member"].as_str().unwrap().contains("@gcp-sa-bigtable."));
}

#[test]
fn bt_03_requests_to_external_keys_are_logged_with_their_reason() {
    let tables = ONE.to_owned() + "[ekm.safe]\n";
    let world = World::new("1h", &tables)
        .set("keys.east.data-access-logs=true")
        .at("30m", "create-version key=east");
    let external = world.clone().set("keys.east.protection=external").set("keys.east.ekm=safe");
    for (world, told) in [(world, false), (external, true)] {
        let (entries, _) = entries(&world);
        // 12 validations of 3 operations each, and what the administrator does.
        assert_eq!(entries.len(), 12 * 3 + 1);
        for entry in &entries {
            let reason = &entry["protoPayload"]["metadata"]["entries"]["key_access_justification"];
            let expected = (told && is_data(entry)).then_some("GOOGLE_INITIATED_SYSTEM_OPERATION");
            assert_eq!(reason["reason"].as_str(), expected);
        }
    }
}

/// Every line is an entry of its own with the fields of the real messages; the counts are the
/// measures; what a reader filters by is right.
#[test]
fn every_entry_has_the_fields_of_a_log_entry_and_the_counts_are_the_measures() {
    let world = World::new("1d", crate::world::THREE)
        .set(&format!("keys.east.path={PATH}"))
        .set("keys.east.data-access-logs=true")
        .set("keys.west.data-access-logs=true")
        .set("keys.west.allowed-access-reasons=[\"google-initiated-system-operation\"]")
        .set("bigtable.a.tables=3")
        .at("1h", "disable-key key=east")
        .at("2h", "enable-key key=east")
        .at("3h", "revoke-grant key=west principal=bigtable-agent")
        .during("6h", "30m", "kms-outage location=us-east1");
    let (entries, measures) = entries(&world);
    assert_eq!(entries, self::entries(&world).0, "the same run has the same log");
    let ids: BTreeSet<&str> = entries.iter().map(|e| e["insertId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), entries.len(), "insertIds tell entries apart");
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for entry in &entries {
        let payload = &entry["protoPayload"];
        assert_eq!(payload["@type"], "type.googleapis.com/google.cloud.audit.AuditLog");
        assert_eq!(payload["serviceName"], "cloudkms.googleapis.com");
        let at = entry["timestamp"].as_str().unwrap();
        assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
        let key = entry["resource"]["labels"]["crypto_key_id"].as_str().unwrap();
        let name = if key == "orders" { "east" } else { key };
        *counts.entry(format!("keys.{name}.audit-entries")).or_default() += 1.0;
        let resource = payload["resourceName"].as_str().unwrap();
        let kind = entry["resource"]["type"].as_str().unwrap();
        assert_eq!(kind == "cloudkms_cryptokeyversion", resource.contains("/cryptoKeyVersions/"));
        if name == "east" {
            assert!(resource.starts_with(PATH), "{resource}");
            assert!(entry["logName"].as_str().unwrap().starts_with("projects/keys/logs/"));
        }
        let failed = payload["status"]["code"].is_u64();
        assert_eq!(entry["severity"] == "ERROR", failed);
        assert_eq!(payload["status"]["message"].is_string(), failed);
        let auth = &payload["authorizationInfo"][0];
        assert!(auth["permission"].as_str().unwrap().starts_with("cloudkms."));
        assert_eq!(auth["granted"] == false, payload["status"]["code"] == 7);
        let who = payload["authenticationInfo"]["principalEmail"].as_str().unwrap();
        assert_eq!(who.contains("@gcp-sa-bigtable."), is_data(entry), "{who}");
        let reason = &payload["metadata"]["entries"]["key_access_justification"]["reason"];
        assert_eq!(reason.is_string(), is_data(entry) && name == "west");
    }
    for key in ["east", "west", "eu"] {
        let measure = format!("keys.{key}.audit-entries");
        assert_eq!(counts.get(&measure).copied().unwrap_or(0.0), measures[&measure], "{key}");
    }
    let of = |key: &str, code: u64| {
        let own = entries.iter().filter(|entry| {
            is_data(entry)
                && entry["resource"]["labels"]["crypto_key_id"] == key
                && entry["protoPayload"]["status"]["code"] == code
        });
        own.count()
    };
    // Denied from 1 h 30 s until 2 h: 11 rounds (1 h 5 min to 1 h 55 min) of 3 tables x 3.
    assert_eq!(of("orders", 9), 11 * 9);
    // Without an answer from 6 h until 6 h 30 min: 6 rounds.
    assert_eq!(of("orders", 14), 6 * 9);
    assert!(of("west", 7) > 0);
}

#[test]
fn a_log_that_would_be_too_long_is_a_limit_that_was_reached() {
    let world = World::new("1d", ONE).set("keys.east.data-access-logs=true");
    let budget = |calls| Budget { calls, ..Budget::default() };
    let run = |calls, log| world.model().run_in_detail(1, SweepMode::All, budget(calls), log);
    // 864 entries fit into 864 and not into 863; nobody counts them where they are not wanted.
    assert!(run(864, true).is_ok());
    let halt = run(863, true).unwrap_err();
    assert_eq!((halt.what, halt.limit), (AUDIT_ENTRIES, 863));
    assert!(run(0, false).is_ok());
}

/// Systems that ask at a steady rate while they serve have an entry for each request as well.
#[test]
fn requests_at_a_steady_rate_are_logged_one_by_one() {
    let tables = "[keys.east]\nlocation = \"us-east1\"\ndata-access-logs = true\n\
                  [storage.files]\nkey = \"east\"\nrequests = \"6/m\"\n";
    let world =
        World::new("3h", tables).at("1h", "disable-key key=east").at("2h", "enable-key key=east");
    let (entries, measures) = entries(&world);
    let data = entries.iter().filter(|entry| is_data(entry)).count();
    assert_eq!(data as f64, measures["keys.east.data-access-entries"]);
    assert_eq!(entries.len() as f64, measures["keys.east.audit-entries"]);
    assert!((360..1_080).contains(&data), "{data}");
    let at: Vec<&str> = entries.iter().map(|e| e["timestamp"].as_str().unwrap()).collect();
    let at: Vec<jiff::Timestamp> = at.iter().map(|text| text.parse().unwrap()).collect();
    assert!(at.is_sorted(), "entries are in the order of time");
    // The first after 10 s, at 6 a minute.
    assert_eq!(entries[0]["timestamp"], "2026-03-02T08:00:10Z");
    let who = &entries[0]["protoPayload"]["authenticationInfo"]["principalEmail"];
    assert!(who.as_str().unwrap().contains("@gs-project-accounts."), "{who}");
}

/// A job that is cancelled and created anew, and the topic that it reads from, under one key.
#[test]
fn df_31_audit_logs_tell_each_job_by_its_id() {
    let text = JOB.replace("[pubsub.t]", "[pubsub.t]\nkey = \"job\"");
    let world = World::new("2h", &text)
        .set("keys.job.data-access-logs=true")
        .at("1h 2m", "disable-key key=job")
        .at("1h 20m", "enable-key key=job")
        .at("1h 30m", "launch-job job=j");
    let (entries, measures) = entries(&world);
    let mut by_job: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_data(entry)) {
        let id = entry["labels"]["cmeksim/job-id"].as_str().unwrap_or("").to_owned();
        assert_eq!(
            entry["protoPayload"]["metadata"]["context"]["dataflow_job_id"].as_str().unwrap_or(""),
            id
        );
        by_job.entry(id).or_default().push(entry);
    }
    // The first job checks from 0 to 1 h 5 m (14 times), the second from 1 h 35 m to 1 h 55 m (5
    // times), two operations each; the id begins with the time of the creation.
    let jobs: Vec<(&str, usize)> =
        by_job.iter().map(|(id, own)| (id.split('-').next().unwrap(), own.len())).collect();
    // The topic makes 20 x 3 decryptions in two hours, and an encryption at their start.
    assert_eq!(jobs, [("", 61), ("2026_03_02_08_00_00", 28), ("2026_03_02_09_30_00", 10)]);
    let denied = by_job.values().flatten().filter(|entry| entry["severity"] == "ERROR").count();
    assert!(denied >= 2, "{denied}");
    assert_eq!(measures["keys.job.data-access-entries"], 99.0);
    assert_eq!(measures["dataflow.j.kms-operations"], 38.0);
}
