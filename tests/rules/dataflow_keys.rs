//! What Dataflow says of keys as such: jobs without one, sinks with their own, Autokey, external
//! managers, prices, logs, limits, and the disks of the workers.

use crate::dataflow_jobs::JOB;
use crate::world::{World, secs, seeds};

#[test]
fn df_01_a_job_without_a_key_hangs_on_none() {
    let played = World::new("24h", &JOB.replace("key = \"job\"\n", ""))
        .at("1h", "disable-key key=job")
        .during("2h", "10h", "kms-outage location=everywhere")
        .at("14h", "schedule-destroy key=job")
        .play();
    assert_eq!(played.transitions("dataflow.j"), []);
    assert_eq!(played.measure("dataflow.j.kms-operations"), 0.0);
    assert_eq!(played.measure("dataflow.j.elements-lost"), 0.0);
    // Everything but the last ten seconds is written.
    played.near("dataflow.j.elements-written", 100.0 * (secs("24h") - 10.0));
}

/// The job streams into a dataset with a key of its own.
fn into_bigquery() -> World {
    let text = JOB.replace("bigtable.b\"", "bigquery.d\"")
        + "[keys.sink]\nlocation = \"us-east1\"\n[bigquery.d]\nkey = \"sink\"\n";
    World::new("24h", &text)
        .set("model.kms.policy-propagation=2m")
        .set("model.bigquery.effect-delay=10m")
}

#[test]
fn df_15_the_service_agent_of_a_sink_needs_the_role_on_the_sinks_key() {
    // Revoked at 1 h, denied at 1 h 2 m, with an effect at 1 h 12 m; granted again at 3 h, so at
    // 3 h 2 m. The role on the job's own key is not touched.
    let played = into_bigquery()
        .at("1h", "revoke-grant key=sink principal=bigquery-agent")
        .at("3h", "grant key=sink principal=bigquery-agent")
        .play();
    played.expect(
        "dataflow.j",
        &[("1h 12m", "back-pressured", "DJ-09"), ("3h 2m", "running", "DJ-09")],
    );
    let root = played.chain("dataflow.j", "back-pressured").pop().unwrap().0;
    assert_eq!(root, "keys.sink.grants.bigquery-agent");
    assert_eq!(played.measure("dataflow.j.cancelled"), 0.0);
    // The Dataflow accounts hold nothing on the key of the sink, and need nothing.
    let played = into_bigquery()
        .at("1h", "revoke-grant key=job principal=compute-engine-agent")
        .at("3h", "grant key=job principal=compute-engine-agent")
        .play();
    assert_eq!(played.transitions("bigquery.d"), []);
}

#[test]
fn df_16_a_key_of_autokey_has_its_roles_from_the_start_and_behaves_like_any_other() {
    let world = World::new("24h", JOB)
        .set("dataflow.j.initially=absent")
        .at("1h", "launch-job job=j")
        .at("2h 2m", "disable-key key=job");
    let auto = world.clone().set("keys.job.autokey=true").play();
    // No grant, and it runs 4 m after; found disabled at 2 h 5 m.
    auto.expect(
        "dataflow.j",
        &[
            ("1h", "pending", "DJ-11"),
            ("1h 4m", "running", "DJ-11"),
            ("2h 5m", "cancelling", "DF-17"),
            ("2h 6m", "resource-cleaning-up", "DF-22"),
            ("2h 9m", "cancelled", "DF-23"),
        ],
    );
    assert_eq!(auto.transitions("dataflow.j"), world.play().transitions("dataflow.j"));
}

#[test]
fn df_18_the_external_manager_takes_the_key_away() {
    // Denied by the manager from 1 h 2 m on: the check of 1 h 5 m finds it, and that is when Cloud
    // KMS hears of it.
    let text = JOB.replace("[keys.job]", "[keys.job]\nprotection = \"external\"\nekm = \"vault\"");
    let played = World::new("24h", &(text + "[ekm.vault]\n"))
        .during("1h 2m", "30m", "ekm-deny key=job")
        .play();
    assert_eq!(played.transitions("dataflow.j")[0], (secs("1h 5m"), "cancelling", "DF-20"));
    assert_eq!(played.state_at("dataflow.j", "24h"), "cancelled");
    let root = played.chain("dataflow.j", "cancelling").pop().unwrap().0;
    assert_eq!(root, "keys.job");
}

#[test]
fn df_25_a_destroyed_version_costs_nothing_and_the_key_is_still_there() {
    // USD 0.06 a month of 30 days for the version: destroyed after half of the 60 days, and the key
    // is there with the next version.
    let played = World::new("60d", JOB)
        .set("keys.job.destroy-wait=1d")
        .at("29d", "schedule-destroy key=job")
        .play();
    played.near("keys.job.version-cost-usd", 0.06);
    assert_eq!(played.state_at("keys.job", "59d"), "destroyed");
    let again = World::new("60d", JOB)
        .set("keys.job.destroy-wait=1d")
        .at("29d", "schedule-destroy key=job")
        .at("31d", "rotate-key key=job")
        .at("32d", "launch-job job=j")
        .play();
    assert_eq!(again.state_at("dataflow.j", "33d"), "running");
}

#[test]
fn df_26_keys_cost_nothing_but_their_versions_and_operations() {
    let empty: String =
        (0..300).map(|number| format!("[keys.k{number}]\nlocation = \"us-east1\"\n")).collect();
    let played = World::new("30d", &(JOB.to_owned() + &empty)).play();
    // Any number of keys: each costs what its one version does.
    for number in [0, 299] {
        played.near(&format!("keys.k{number}.kms-cost-usd"), 0.06);
    }
    // 8,640 checks of two operations at USD 0.03 per 10,000.
    played.near("keys.job.kms-cost-usd", 0.06 + 17_280.0 * 0.03 / 10_000.0);
}

#[test]
fn df_30_each_use_of_the_key_is_billed_at_its_rate() {
    // 120 checks in ten hours, two operations each, at USD 0.03 per 10,000.
    let played = World::new("10h", JOB).play();
    assert_eq!(played.measure("dataflow.j.kms-operations"), 240.0);
    played.near("dataflow.j.operations-cost-usd", 240.0 * 0.03 / 10_000.0);
    played.near("keys.job.operations-cost-usd", 240.0 * 0.03 / 10_000.0);
}

#[test]
fn df_37_the_run_names_the_keys_of_a_job_and_of_its_ends() {
    let resolved = cmeksim::scenario::resolved::resolved(&into_bigquery().scenario());
    let table = |name: &str| {
        let start = resolved.find(&format!("\n[{name}]\n")).unwrap();
        resolved[start + 1..].split("\n[").next().unwrap().to_owned()
    };
    assert!(table("dataflow.j").contains("key = \"job\""), "{resolved}");
    assert!(table("bigquery.d").contains("key = \"sink\""), "{resolved}");
}

#[test]
fn dj_12_a_job_beyond_the_limit_is_not_created() {
    let second = "[dataflow.k]\nregion = \"us-east1\"\nsources = [\"bigtable.b\"]\ncapacity = \"1/s\"\n\
                  initially = \"absent\"\n\
                  [dataflow.k.relaunch]\nafter = \"20m\"\nevery = \"30m\"\nattempts = 3\n";
    let world = World::new("24h", JOB)
        .add(second)
        .at("1h", "launch-job job=k")
        .at("1h 40m", "cancel-job job=j");
    // Refused at 1 h and 1 h 20 m; the other job ends at 1 h 43 m, and the attempt of 1 h 50 m works.
    let played = world.clone().set("model.dataflow.concurrent-jobs=1").play();
    played.expect("dataflow.k", &[("1h 50m", "pending", "DJ-11"), ("1h 54m", "running", "DJ-11")]);
    assert_eq!(played.noted("dataflow.k"), [(3_600.0, "DJ-12"), (4_800.0, "DJ-12")]);
    assert_eq!(played.measure("dataflow.k.launches"), 3.0);
    assert_eq!(played.measure("dataflow.k.launches-refused"), 2.0);
    // No limit by default, two are enough, and other projects do not count.
    for set in
        ["scenario.seed=1", "model.dataflow.concurrent-jobs=2", "dataflow.k.project=another-one"]
    {
        let played = world.clone().set(set).play();
        let first = played.transitions("dataflow.k")[0];
        assert_eq!(first, (3_600.0, "pending", "DJ-11"), "{set}");
    }
}

/// The Compute Engine agent loses its role at 1 h, in effect at 1 h 2 m.
fn agent_revoked() -> World {
    World::new("24h", JOB)
        .set("model.kms.policy-propagation=2m")
        .at("1h", "revoke-grant key=job principal=compute-engine-agent")
}

#[test]
fn pd_01_a_disk_in_use_works_until_its_worker_restarts() {
    // Workers restart every seven hours: the first after the revocation at 7 h.
    let played = agent_revoked().set("model.dataflow.vm-stop=1h").play();
    assert_eq!(played.transitions("dataflow.j")[0], (secs("7h"), "cancelling", "DF-21"));
    assert!(played.told("dataflow.j", "cancelling").contains("cannot attach its disk"));
    // A restart while the agent has its role harms nobody.
    let played = agent_revoked().at("6h", "grant key=job principal=compute-engine-agent").play();
    assert_eq!(played.transitions("dataflow.j"), []);
}

#[test]
fn pd_02_vms_that_are_set_to_stop_do_so_within_seven_hours() {
    let stops = agent_revoked().set("dataflow.j.key-revocation-action=stop");
    let played = stops.clone().set("model.dataflow.vm-stop=1h").play();
    played.expect(
        "dataflow.j",
        &[
            ("2h 2m", "cancelling", "PD-02"),
            ("2h 3m", "resource-cleaning-up", "DF-22"),
            ("2h 6m", "cancelled", "DF-23"),
        ],
    );
    // Granted again before: nothing stops.
    let played = stops
        .clone()
        .set("model.dataflow.vm-stop=1h")
        .at("1h 30m", "grant key=job principal=compute-engine-agent")
        .play();
    assert_eq!(played.transitions("dataflow.j"), []);
    // By default any time within seven hours; workers that restart would be found out at 7 h.
    let stops = stops.set("model.dataflow.worker-restart=30d");
    let at = seeds(60).map(|seed| stops.seeded(seed).transitions("dataflow.j")[0].0 - 3_720.0);
    let at: Vec<f64> = at.collect();
    assert!(at.iter().all(|after| (0.0..=25_200.0).contains(after)), "{at:?}");
    assert!(at.iter().any(|after| *after < 8_400.0) && at.iter().any(|after| *after > 16_800.0));
}
