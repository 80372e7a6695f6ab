//! Creating jobs: errors, external keys, relaunch, snapshots; and the set-up rules.

use crate::dataflow_jobs::JOB;
use crate::world::{World, secs};

/// The job is absent at first.
fn absent() -> World {
    World::new("24h", JOB).set("dataflow.j.initially=absent").set("model.kms.policy-propagation=2m")
}

/// The same with an external key.
fn external() -> World {
    let text = JOB.replace("[keys.job]", "[keys.job]\nprotection = \"external\"\nekm = \"vault\"");
    World::new("24h", &(text + "[ekm.vault]\n")).set("dataflow.j.initially=absent")
}

#[test]
fn df_12_both_principals_need_the_role() {
    for principal in ["dataflow-service-account", "compute-engine-agent"] {
        let played = absent()
            .at("1h", &format!("revoke-grant key=job principal={principal}"))
            .at("2h", "launch-job job=j")
            .play();
        played.expect("dataflow.j", &[("2h", "failed", "DF-34")]);
        assert_eq!(played.measure("dataflow.j.launches-refused"), 1.0);
    }
}

#[test]
fn df_14_a_job_cannot_be_created_without_its_buckets() {
    // Any entity with states can stand for the bucket: here an instance whose key is disabled.
    let text = JOB
        .replace("temp-location = \"default-encryption\"", "temp-location = \"bigtable.temp\"")
        + "[keys.temp]\nlocation = \"us-east1\"\n[bigtable.temp.clusters.c]\nzone = \"us-east1-b\"\nkey = \"temp\"\n";
    let world = World::new("24h", &text)
        .set("dataflow.j.initially=absent")
        .at("1h", "disable-key key=temp")
        .at("2h", "launch-job job=j");
    let played = world.clone().play();
    played.expect("dataflow.j", &[("2h", "failed", "DF-14")]);
    let chain = played.chain("dataflow.j", "failed");
    assert_eq!(chain.last().unwrap().0, "keys.temp", "{chain:?}");
    let played = world.at("3h", "enable-key key=temp").at("4h", "launch-job job=j").play();
    assert_eq!(played.state_at("dataflow.j", "5h"), "running");
}

#[test]
fn df_19_an_external_key_that_fails_during_the_creation_cancels_the_job() {
    // Submitted during the outage.
    let world = external();
    let played = world
        .clone()
        .during("1h", "1h", "ekm-outage ekm=vault")
        .at("1h 30m", "launch-job job=j")
        .play();
    played.expect("dataflow.j", &[("1h 30m", "cancelled", "DF-19")]);
    // The outage begins while the workers are being started (4 m).
    let played = world
        .clone()
        .during("1h 2m", "1h", "ekm-outage ekm=vault")
        .at("1h", "launch-job job=j")
        .play();
    played.expect("dataflow.j", &[("1h", "pending", "DJ-11"), ("1h 2m", "cancelled", "DF-19")]);
    // One minute after they are there, the job has its grace.
    let played =
        world.during("1h 5m", "50m", "ekm-outage ekm=vault").at("1h", "launch-job job=j").play();
    assert_eq!(played.state_at("dataflow.j", "1h 20m"), "unconfirmed");
    assert_eq!(played.state_at("dataflow.j", "3h"), "running");
}

#[test]
fn q_15_no_job_is_created_during_an_outage_of_cloud_kms() {
    let world = absent().during("1h 2m", "1h", "kms-outage location=everywhere");
    let played = world.clone().at("1h 30m", "launch-job job=j").play();
    played.expect("dataflow.j", &[("1h 30m", "failed", "Q-15")]);
    // An outage that begins and ends while the workers are started does no harm; one that lasts
    // until they are there does.
    let played = world.at("1h", "launch-job job=j").play();
    played.expect("dataflow.j", &[("1h", "pending", "DJ-11"), ("1h 4m", "failed", "Q-15")]);
}

#[test]
fn df_33_a_key_that_cannot_be_validated_fails_the_job() {
    let played = absent().at("1h", "disable-key key=job").at("2h", "launch-job job=j").play();
    played.expect("dataflow.j", &[("2h", "failed", "DF-33")]);
    let told = played.told("dataflow.j", "failed");
    assert!(
        told.contains("Workflow failed. Causes: Cloud KMS key keys.job cannot be validated."),
        "{told}"
    );
}

#[test]
fn df_34_a_missing_permission_fails_the_job() {
    let played = absent()
        .at("1h", "revoke-grant key=job principal=dataflow-service-account")
        .at("2h", "launch-job job=j")
        .play();
    let told = played.told("dataflow.j", "failed");
    let words = "Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource 'keys.job' (or it may not exist). cannot be validated.";
    assert!(told.contains(words), "{told}");
}

#[test]
fn df_36_new_jobs_fail_until_the_grants_have_propagated() {
    // Nobody has the role; both get it at 1 h, and it takes two minutes.
    let text = JOB.replace("[keys.job]", "[keys.job]\ngrants = []");
    let played = World::new("24h", &text)
        .set("dataflow.j.initially=absent")
        .set("model.kms.policy-propagation=2m")
        .at("1h", "grant key=job principal=dataflow-service-account")
        .at("1h", "grant key=job principal=compute-engine-agent")
        .at("1h 1m", "launch-job job=j")
        .at("1h 3m", "launch-job job=j")
        .play();
    played.expect(
        "dataflow.j",
        &[
            ("1h 1m", "failed", "DF-34"),
            ("1h 3m", "pending", "DJ-11"),
            ("1h 7m", "running", "DJ-11"),
        ],
    );
}

#[test]
fn dj_03_automation_creates_a_new_job_and_gives_up_in_the_end() {
    // Cancelled at 1 h 9 m; tries at 1 h 29 m, 1 h 59 m, ...
    let policy = "[dataflow.j.relaunch]\nafter = \"20m\"\nevery = \"30m\"\nattempts = 3\n";
    let world = World::new("24h", JOB).add(policy).at("1h 2m", "disable-key key=job");
    let played = world.clone().at("1h 40m", "enable-key key=job").play();
    let found = played.transitions("dataflow.j");
    assert_eq!(found[3], (secs("1h 29m"), "failed", "DF-33"));
    assert_eq!(found[4], (secs("1h 59m"), "pending", "DJ-11"));
    assert_eq!(found[5], (secs("2h 3m"), "running", "DJ-11"));
    assert_eq!(played.measure("dataflow.j.launches"), 2.0);
    // The backlog of 57 m (halted at 1 h 6 m) at 100/s, with what came again.
    played.near("dataflow.j.backlog-peak", 100.0 * secs("57m") + 500.0);
    let played = world.play();
    assert_eq!(played.measure("dataflow.j.launches"), 3.0);
    assert_eq!(played.noted("dataflow.j").last().unwrap(), &(secs("2h 29m"), "DJ-03"));
    // A user who cancels wants no new job.
    let played = World::new("24h", JOB).add(policy).at("1h", "cancel-job job=j").play();
    assert_eq!(played.measure("dataflow.j.launches"), 0.0);
}

#[test]
fn dj_02_cancelling_what_does_not_run_changes_nothing() {
    // Cancelled for its key at 1 h 9 m; the user's order of 1 h 20 m finds no job, and automation
    // tries at 1 h 29 m all the same, when the key is back.
    let played = World::new("24h", JOB)
        .add("[dataflow.j.relaunch]\nafter = \"20m\"\n")
        .at("1h 2m", "disable-key key=job")
        .at("1h 15m", "enable-key key=job")
        .at("1h 20m", "cancel-job job=j")
        .play();
    assert!(played.noted("dataflow.j").contains(&(secs("1h 20m"), "DJ-02")));
    assert_eq!(played.transitions("dataflow.j")[3], (secs("1h 29m"), "pending", "DJ-11"));
}

const SNAPSHOT: &str = "[dataflow.j.snapshots.before]\n";

#[test]
fn df_24_a_snapshot_takes_streaming_engine() {
    let world = World::new("6h", JOB).add(SNAPSHOT).at("1h", "snapshot-job job=j snapshot=before");
    let played = world.clone().play();
    played.expect(
        "dataflow.j.snapshots.before",
        &[("1h", "pending", "DJ-08"), ("1h", "running", "DJ-08"), ("1h 2m", "ready", "DJ-06")],
    );
    let played = world.set("dataflow.j.streaming-engine=false").play();
    assert_eq!(played.transitions("dataflow.j.snapshots.before"), []);
    assert_eq!(played.noted("dataflow.j.snapshots.before"), [(secs("1h"), "DF-24")]);
}

#[test]
fn dj_06_a_new_job_starts_from_a_snapshot() {
    // Taken at 1 h; the key is disabled at 1 h 2 m and enabled at 2 h; a new job at 2 h 30 m.
    let world = World::new("6h", JOB)
        .set("dataflow.j.latency=10m")
        .set("dataflow.j.acknowledged-after=4m")
        .at("1h", "snapshot-job job=j snapshot=before")
        .at("1h 2m", "disable-key key=job")
        .at("2h", "enable-key key=job");
    let from = |sources: bool| {
        let text = format!("{SNAPSHOT}sources = {sources}\n");
        world.clone().add(&text).at("2h 30m", "launch-job job=j snapshot=before").play()
    };
    // Halted at 1 h 6 m with 10 m in flight. From scratch: 6 m of them are lost.
    let scratch = world.clone().add(SNAPSHOT).at("2h 30m", "launch-job job=j").play();
    scratch.near("dataflow.j.elements-lost", 100.0 * secs("6m"));
    scratch.near("dataflow.j.elements-duplicated", 0.0);
    // The snapshot has what was read from 50 to 56 m, and all of it was written by 1 h 6 m: it is
    // written twice, and what was in flight at 1 h 6 m is lost all the same.
    let state = from(false);
    state.near("dataflow.j.elements-duplicated", 100.0 * secs("6m"));
    state.near("dataflow.j.elements-lost", 100.0 * secs("6m"));
    // With the sources, everything from 56 m on comes again: nothing is lost. Written by 1 h 6 m was
    // what had been read by 56 m.
    let sources = from(true);
    sources.near("dataflow.j.elements-lost", 0.0);
    sources.near("dataflow.j.elements-duplicated", 100.0 * secs("6m"));
    // A snapshot that is not ready is no start.
    let early = World::new("6h", JOB)
        .add(SNAPSHOT)
        .at("1h", "cancel-job job=j")
        .at("2h", "launch-job job=j snapshot=before")
        .play();
    assert_eq!(early.noted("dataflow.j").last().unwrap(), &(secs("2h"), "DJ-06"));
}

#[test]
fn dj_06_automation_takes_the_newest_snapshot() {
    let played = World::new("6h", JOB)
        .add("[dataflow.j.relaunch]\nafter = \"2h\"\nfrom = \"snapshot\"\n")
        .add(SNAPSHOT)
        .at("1h", "snapshot-job job=j snapshot=before")
        .at("1h 2m", "disable-key key=job")
        .at("2h", "enable-key key=job")
        .play();
    assert!(played.told("dataflow.j", "running").contains("from a snapshot"));
}

#[test]
fn dj_07_a_snapshot_lives_for_seven_days() {
    let taken = |text: &str| {
        World::new("10d", JOB).add(text).at("1h", "snapshot-job job=j snapshot=before").play()
    };
    let played = taken(SNAPSHOT);
    let last = *played.transitions("dataflow.j.snapshots.before").last().unwrap();
    assert_eq!(last, (secs("7d 1h 2m"), "deleted", "DJ-07"));
    let played = taken("[dataflow.j.snapshots.before]\nttl = \"1d\"\n");
    assert_eq!(
        played.transitions("dataflow.j.snapshots.before").last().unwrap().0,
        secs("1d 1h 2m")
    );
}

#[test]
fn dj_08_a_key_fault_makes_a_snapshot_fail() {
    let path = "dataflow.j.snapshots.before";
    // Denied 30 s after 1 h 2 m; the snapshot of 1 h 2 m takes until 1 h 4 m.
    let world = World::new("6h", JOB).add(SNAPSHOT).at("1h 2m", "disable-key key=job");
    let played = world.clone().at("1h 2m", "snapshot-job job=j snapshot=before").play();
    assert_eq!(*played.transitions(path).last().unwrap(), (secs("1h 2m 30s"), "failed", "DJ-08"));
    // Asked for while the key is denied and no check has found it.
    let played = world.at("1h 3m", "snapshot-job job=j snapshot=before").play();
    played.expect(path, &[("1h 3m", "pending", "DJ-08"), ("1h 3m", "failed", "DJ-08")]);
    // The job ends before it is ready.
    let played = World::new("6h", JOB)
        .add(SNAPSHOT)
        .at("1h", "snapshot-job job=j snapshot=before")
        .at("1h 1m", "cancel-job job=j")
        .play();
    assert_eq!(*played.transitions(path).last().unwrap(), (secs("1h 1m"), "failed", "DJ-08"));
}

#[test]
fn dj_02_an_update_keeps_the_state_of_the_job() {
    let world = World::new("6h", JOB).at("1h", "update-job job=j");
    let played = world.play();
    played.expect(
        "dataflow.j",
        &[("1h", "updated", "DJ-02"), ("1h", "pending", "DJ-11"), ("1h 4m", "running", "DJ-11")],
    );
    played.near("dataflow.j.elements-lost", 0.0);
    played.near("dataflow.j.elements-redelivered", 0.0);
    played.near("dataflow.j.backlog-peak", 100.0 * secs("4m"));
    // Refused while the key is not usable: the old job goes on.
    let played = World::new("6h", JOB)
        .during("1h", "30m", "kms-outage location=everywhere")
        .at("1h 10m", "update-job job=j")
        .play();
    assert_eq!(played.noted("dataflow.j"), [(secs("1h 10m"), "Q-15")]);
}

#[test]
fn df_10_key_and_job_are_in_the_same_region() {
    for (location, code) in [
        ("global", "key-not-regional"),
        ("europe", "key-not-regional"),
        ("us-west1", "job-key-region"),
    ] {
        let world = World::new("1h", JOB).set(&format!("keys.job.location={location}"));
        assert_eq!(world.diagnostics(), [code], "{location}");
    }
    assert_eq!(World::new("1h", JOB).diagnostics(), [] as [&str; 0]);
}

#[test]
fn df_11_the_sdk_must_know_keys() {
    let with =
        |sdk: &str| World::new("1h", JOB).set(&format!("dataflow.j.sdk=\"{sdk}\"")).diagnostics();
    assert_eq!(with("java 2.13.0"), [] as [&str; 0]);
    assert_eq!(with("go 2.40.0"), [] as [&str; 0]);
    assert_eq!(with("java 2.12.9"), ["sdk-too-old"]);
    assert_eq!(with("python 2.9.13"), ["sdk-too-old"]);
    assert_eq!(with("go 2.39.7"), ["sdk-too-old"]);
    assert_eq!(with("cobol 3.0.0"), ["sdk-form"]);
    assert_eq!(with("java"), ["sdk-form"]);
}

#[test]
fn df_14_a_temporary_location_must_be_given_with_a_key() {
    let text = JOB.replace("temp-location = \"default-encryption\"\n", "");
    assert_eq!(World::new("1h", &text).diagnostics(), ["temp-location"]);
    let without_key = text.replace("key = \"job\"\n", "");
    assert_eq!(World::new("1h", &without_key).diagnostics(), [] as [&str; 0]);
}

#[test]
fn df_35_dataflow_says_that_a_key_of_another_region_cannot_protect_the_job() {
    let told = World::new("1h", JOB).set("keys.job.location=us-west1").messages();
    assert!(told[0].contains("can't protect resources for this job"), "{told:?}");
}

/// Is a class of data that a rule speaks of under the key of a job, or not?
fn protects(rule: &str) -> (bool, bool) {
    let protection = cmeksim::systems::dataflow::SYSTEM.protects.unwrap();
    let has = |list: &[(&str, &str)]| list.iter().any(|(_, id)| *id == rule);
    (has(protection.covered), has(protection.uncovered))
}

#[test]
fn df_03_what_is_read_from_the_sources_is_under_the_key() {
    assert_eq!(protects("DF-03"), (true, false));
}

#[test]
fn df_04_data_keys_of_batch_jobs_are_under_the_key() {
    assert_eq!(protects("DF-04"), (true, false));
    // So a batch job is never partly protected, whenever it was created.
    let batch = JOB.replace(
        "capacity = \"250/s\"",
        "capacity = \"250/s\"\nmode = \"batch\"\nelements = 5\ncreated = \"before-2024-03-07\"",
    );
    let played = World::new("1h", &batch).play();
    assert_eq!(played.measure("dataflow.j.partly-protected-time"), 0.0);
}

#[test]
fn df_07_job_metadata_is_not_under_the_key() {
    assert_eq!(protects("DF-07"), (false, true));
}

#[test]
fn df_13_each_project_has_service_accounts_of_its_own() {
    let world = World::new("4h", JOB)
        .set("dataflow.j.project=analytics")
        .set("model.kms.policy-propagation=2m");
    let revoke = "revoke-grant key=job principal=dataflow-service-account";
    let own = world.at("1h 1m", &format!("{revoke} project=analytics")).play();
    assert_eq!(own.transitions("dataflow.j")[0], (secs("1h 5m"), "cancelling", "DF-20"));
}

#[test]
fn df_29_checks_of_an_hsm_key_count_against_its_quota() {
    // Two operations every five minutes are more than one in ten minutes.
    let text = JOB.replace("[keys.job]", "[keys.job]\nprotection = \"hsm\"");
    let world = World::new("24h", &text)
        .set("model.kms.quota-enforcement=soft")
        .set("model.kms.quota-hsm=0.1/min");
    let over = |world: &World| world.play().measure("quotas.us-east1-hsm.over-quota-time");
    assert_eq!(over(&world), secs("24h"));
    // Until the job is cancelled: found at 1 h 5 m.
    assert_eq!(over(&world.clone().at("1h 2m", "disable-key key=job")), secs("1h 5m"));
    assert_eq!(over(&world.set("model.kms.quota-hsm=1/min")), 0.0);
}

#[test]
fn q_05_a_job_created_anew_has_its_own_luck_in_a_partial_outage() {
    // Of the job that is created at 1 h, each check has its own luck, whether or not all are made
    // (every world is played both ways).
    let world = absent()
        .set("model.dataflow.check-phase=random")
        .at("1h", "launch-job job=j")
        .during("2h", "20h", "kms-outage location=everywhere error-fraction=0.9");
    let cancelled = |seed| world.seeded(seed).measure("dataflow.j.cancelled");
    assert!((1..=10).map(cancelled).sum::<f64>() > 5.0);
}
