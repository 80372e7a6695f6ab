//! Dataflow jobs: key checks, halt, clean-up, cancellation, grace, draining, batch retries.

use crate::world::{World, secs, seeds};

/// A protected streaming job from a topic without a key to a Bigtable instance without one.
pub(crate) const JOB: &str = r#"
[keys.job]
location = "us-east1"
[pubsub.t]
publishes = "100/s"
[pubsub.t.subscriptions.s]
[bigtable.b.clusters.c]
zone = "us-east1-b"
[dataflow.j]
region = "us-east1"
key = "job"
temp-location = "default-encryption"
sources = ["pubsub.t.subscriptions.s"]
sinks = ["bigtable.b"]
capacity = "250/s"
"#;

/// The key is disabled at 1 h 2 m, denied at 1 h 2 m 30 s, found at the check of 1 h 5 m.
fn disabled() -> World {
    World::new("24h", JOB).at("1h 2m", "disable-key key=job")
}

#[test]
fn df_17_a_disabled_key_cancels_the_job_for_good() {
    // Found at 1 h 5 m, halted 1 m later, cleaned up 3 m after that; enabling changes nothing.
    let played = disabled().at("3h", "enable-key key=job").play();
    played.expect(
        "dataflow.j",
        &[
            ("1h 5m", "cancelling", "DF-17"),
            ("1h 6m", "resource-cleaning-up", "DF-22"),
            ("1h 9m", "cancelled", "DF-23"),
        ],
    );
    assert_eq!(played.measure("dataflow.j.cancelled"), 1.0);
    assert_eq!(played.measure("dataflow.j.running-time"), secs("1h 6m"));
    assert_eq!(played.measure("dataflow.j.no-job-time"), secs("22h 54m"));
    let chain = played.chain("dataflow.j", "cancelled");
    assert_eq!(chain.last().unwrap(), &("keys.job".to_owned(), "KMS-02"), "{chain:?}");
    // So does a destruction that is only scheduled.
    let played = World::new("3h", JOB).at("1h 2m", "schedule-destroy key=job").play();
    assert_eq!(played.transitions("dataflow.j")[0], (secs("1h 5m"), "cancelling", "DF-17"));
}

#[test]
fn df_20_a_denied_service_account_is_found_by_the_next_check() {
    let played = World::new("3h", JOB)
        .set("model.kms.policy-propagation=2m")
        .at("1h 1m", "revoke-grant key=job principal=dataflow-service-account")
        .play();
    assert_eq!(played.transitions("dataflow.j")[0], (secs("1h 5m"), "cancelling", "DF-20"));
}

#[test]
fn df_21_a_denied_compute_engine_agent_stops_the_job_at_the_next_restart_of_a_worker() {
    // Workers restart every 7 h: at 7 h, 14 h. Denied at 8 h 2 m.
    let world = World::new("24h", JOB)
        .set("model.kms.policy-propagation=2m")
        .at("8h", "revoke-grant key=job principal=compute-engine-agent");
    let played = world.clone().play();
    played.expect(
        "dataflow.j",
        &[
            ("14h", "cancelling", "DF-21"),
            ("14h 1m", "resource-cleaning-up", "DF-22"),
            ("14h 4m", "cancelled", "DF-23"),
        ],
    );
    // Denied at the very instant of a restart, it is found by that one.
    let sharp = World::new("24h", JOB)
        .set("model.kms.policy-propagation=2m")
        .at("6h 58m", "revoke-grant key=job principal=compute-engine-agent")
        .play();
    assert_eq!(sharp.transitions("dataflow.j")[0], (secs("7h"), "cancelling", "DF-21"));
    // Granted again before that, nothing happens.
    let back = world.clone().at("12h", "grant key=job principal=compute-engine-agent").play();
    assert_eq!(back.transitions("dataflow.j"), []);
    // Treated like the other account: found by the check of 8 h 5 m.
    let alike = world.set("model.dataflow.compute-engine-revoked=as-dataflow").play();
    assert_eq!(alike.transitions("dataflow.j")[0], (secs("8h 5m"), "cancelling", "DF-21"));
    // That check is made like those before it: 0, 5, ..., 485 m.
    assert_eq!(alike.measure("dataflow.j.checks"), 98.0);
}

#[test]
fn df_22_everything_stops_when_the_job_is_halted() {
    let played = disabled().play();
    // 100/s until 1 h 6 m: 396,000, of which 10 s were in flight.
    played.near("dataflow.j.elements-written", 395_000.0);
    played.near("dataflow.j.elements-in-flight", 0.0);
    // A longer delay lets more through.
    let played = disabled().set("model.dataflow.halt-delay=10m").play();
    played.near("dataflow.j.elements-written", 100.0 * secs("1h 15m") - 1_000.0);
}

#[test]
fn df_23_the_clean_up_takes_its_time() {
    let played = disabled().set("model.dataflow.cleanup=20m").play();
    assert_eq!(played.transitions("dataflow.j")[2], (secs("1h 26m"), "cancelled", "DF-23"));
}

#[test]
fn df_27_checks_make_key_operations() {
    // Every five minutes of 24 h: 288 checks of two operations.
    let played = World::new("24h", JOB).play();
    assert_eq!(played.measure("dataflow.j.checks"), 288.0);
    assert_eq!(played.measure("keys.job.kms-operations"), 576.0);
    // A cancelled job checks no more: 0, 5, ..., 65 m.
    assert_eq!(disabled().play().measure("dataflow.j.checks"), 14.0);
}

#[test]
fn q_05_without_contact_a_job_goes_on_for_its_grace() {
    // Cloud KMS is down from 1 h 2 m: first failed check 1 h 5 m, grace until 2 h 5 m.
    let outage = |lasts: &str| {
        World::new("6h", JOB).during("1h 2m", lasts, "kms-outage location=everywhere")
    };
    let played = outage("50m").play();
    played.expect("dataflow.j", &[("1h 5m", "unconfirmed", "Q-05"), ("1h 55m", "running", "Q-05")]);
    assert_eq!(played.measure("dataflow.j.downtime"), 0.0);
    let played = outage("2h").play();
    played.expect(
        "dataflow.j",
        &[
            ("1h 5m", "unconfirmed", "Q-05"),
            ("2h 5m", "cancelling", "Q-05"),
            ("2h 6m", "resource-cleaning-up", "DF-22"),
            ("2h 9m", "cancelled", "DF-23"),
        ],
    );
    // The literal reading: the first failed check halts the job.
    let played = outage("50m").set("model.dataflow.transient-grace=0s").play();
    assert_eq!(played.transitions("dataflow.j")[0], (secs("1h 5m"), "cancelling", "Q-05"));
    // Ten minutes are a reading in between.
    let played = outage("50m").set("model.dataflow.transient-grace=10m").play();
    assert_eq!(played.transitions("dataflow.j")[1], (secs("1h 15m"), "cancelling", "Q-05"));
}

#[test]
fn q_05_a_denial_in_an_outage_is_found_after_it() {
    // Disabled while nothing can be heard of it: the grace runs from 1 h 5 m, the denial is found
    // at the first check after the outage.
    let played = World::new("6h", JOB)
        .during("1h 2m", "50m", "kms-outage location=everywhere")
        .at("1h 20m", "disable-key key=job")
        .play();
    let found = played.transitions("dataflow.j");
    assert_eq!(found[1], (secs("1h 55m"), "cancelling", "DF-17"), "{}", played.story());
}

#[test]
fn q_05_in_a_partial_outage_each_check_has_its_own_luck() {
    let world = World::new("24h", JOB).set("model.dataflow.check-phase=random").during(
        "1h",
        "20h",
        "kms-outage location=everywhere error-fraction=0.9",
    );
    let mut cancelled = 0.0;
    for seed in seeds(40) {
        cancelled += world.seeded(seed).measure("dataflow.j.cancelled");
    }
    // A grace of one hour is over if twelve checks after the first failed one fail: 0.9^12 = 28 %,
    // and in 20 h there are some ten tries: nearly all are cancelled.
    assert!(cancelled > 30.0, "{cancelled}");
}

#[test]
fn q_06_the_period_of_the_check_may_be_set() {
    let played = disabled().set("model.dataflow.check-period=7m").play();
    assert_eq!(played.transitions("dataflow.j")[0].0, secs("1h 3m"));
}

#[test]
fn q_08_a_disabled_key_is_found_by_propagation_and_check_alone() {
    // Four hours of propagation: denied at 5 h 2 m.
    let played = disabled().set("model.kms.disable-propagation=4h").play();
    assert_eq!(played.transitions("dataflow.j")[0].0, secs("5h 5m"));
    // Enabled before the next check, the change is never seen.
    let played = disabled().at("1h 4m", "enable-key key=job").play();
    assert_eq!(played.transitions("dataflow.j"), []);
    // Random phases: found within five minutes, 2.5 on average (standard error 5 s).
    let random = disabled().set("model.dataflow.check-phase=random");
    let wait = |seed| random.seeded(seed).transitions("dataflow.j")[0].0 - secs("1h 2m 30s");
    let waits: Vec<f64> = seeds(300).map(wait).collect();
    assert!(waits.iter().all(|wait| (0.0..300.0).contains(wait)));
    let mean = waits.iter().sum::<f64>() / 300.0;
    assert!((mean - 150.0).abs() < 25.0, "{mean}");
}

#[test]
fn dj_01_a_job_goes_through_its_states() {
    let played = World::new("24h", JOB)
        .set("dataflow.j.initially=absent")
        .set("dataflow.j.queue-time=30m")
        .at("1h", "launch-job job=j")
        .at("5h", "drain-job job=j")
        .play();
    assert_eq!(played.state_at("dataflow.j", "0s"), "absent");
    played.expect(
        "dataflow.j",
        &[
            ("1h", "queued", "DJ-01"),
            ("1h 30m", "pending", "DJ-11"),
            ("1h 34m", "running", "DJ-11"),
            ("5h", "draining", "DJ-05"),
            ("5h 10s", "drained", "DJ-05"),
        ],
    );
}

/// The legal moves of DJ-02, with what this model adds: the clean-up between cancelling (or a drain
/// that was given up) and cancelled, new jobs after one that has ended, a cancelled creation (DF-19),
/// and how a running job fares.
fn is_legal(from: &str, to: &str) -> bool {
    let running = ["running", "unconfirmed", "starved", "back-pressured"];
    let ended = ["absent", "done", "failed", "cancelled", "updated", "drained"];
    match from {
        "queued" => ["pending", "cancelled"].contains(&to),
        "pending" => ["running", "failed", "cancelled"].contains(&to),
        "draining" => ["drained", "resource-cleaning-up", "failed"].contains(&to),
        "cancelling" => ["resource-cleaning-up", "failed"].contains(&to),
        "resource-cleaning-up" => ["cancelled", "failed"].contains(&to),
        from if running.contains(&from) => {
            running.contains(&to)
                || ["done", "failed", "updated", "draining", "cancelling"].contains(&to)
        }
        from if ended.contains(&from) => ["queued", "pending", "failed", "cancelled"].contains(&to),
        _ => false,
    }
}

#[test]
fn dj_02_every_move_is_a_legal_one() {
    let world = World::with_defaults("30d", JOB)
        .set("model.dataflow.stuck-cancel=0.3")
        .add("[dataflow.j.relaunch]\nafter = \"20m\"\nattempts = 3\n")
        .add("[[hazards]]\nname = \"off\"\ndo = \"disable-key\"\nkey = \"job\"\nevery = { exponential = { mean = \"1d\" } }")
        .add("[[hazards]]\nname = \"on\"\ndo = \"enable-key\"\nkey = \"job\"\nevery = { exponential = { mean = \"4h\" } }")
        .add("[[hazards]]\nname = \"silence\"\ndo = \"kms-outage\"\nlocation = \"everywhere\"\nlasts = { exponential = { mean = \"1h\" } }\nevery = { exponential = { mean = \"1d\" } }")
        .add("[[hazards]]\nname = \"new\"\ndo = \"launch-job\"\njob = \"j\"\nevery = { exponential = { mean = \"8h\" } }")
        .add("[[hazards]]\nname = \"update\"\ndo = \"update-job\"\njob = \"j\"\nevery = { exponential = { mean = \"1d\" } }")
        .add("[[hazards]]\nname = \"drain\"\ndo = \"drain-job\"\njob = \"j\"\nevery = { exponential = { mean = \"2d\" } }")
        .add("[[hazards]]\nname = \"cancel\"\ndo = \"cancel-job\"\njob = \"j\"\nevery = { exponential = { mean = \"2d\" } }");
    let mut moves = 0;
    for seed in seeds(20) {
        let played = world.seeded(seed);
        let mut from = "running";
        for (at, to, rule) in played.transitions("dataflow.j") {
            assert!(is_legal(from, to), "seed {seed} at {at}: {from} to {to} by {rule}");
            from = to;
            moves += 1;
        }
    }
    assert!(moves > 1_000, "{moves}");
}

#[test]
fn dj_03_a_user_cancels_at_once_and_work_in_flight_is_lost() {
    let played = World::new("3h", JOB).at("1h 2m", "cancel-job job=j").play();
    played.expect(
        "dataflow.j",
        &[
            ("1h 2m", "cancelling", "DJ-03"),
            ("1h 2m", "resource-cleaning-up", "DJ-03"),
            ("1h 5m", "cancelled", "DJ-03"),
        ],
    );
    // In flight for 10 s, acknowledged after 5: half is lost, half waits again.
    played.near("dataflow.j.elements-lost", 500.0);
    played.near("dataflow.j.elements-redelivered", 500.0);
}

#[test]
fn dj_04_a_cancellation_that_is_stuck_can_be_forced_after_30_minutes() {
    let stuck = disabled().set("model.dataflow.stuck-cancel=1");
    let played = stuck.clone().play();
    // Cancelling since 1 h 5 m.
    assert_eq!(
        *played.transitions("dataflow.j").last().unwrap(),
        (secs("1h 35m"), "cancelled", "DJ-04")
    );
    // By an event only: refused after 20 minutes, done after 40.
    let by_event = stuck.set("model.dataflow.force-cancel=by-event");
    let played = by_event
        .clone()
        .at("1h 25m", "force-cancel-job job=j")
        .at("1h 45m", "force-cancel-job job=j")
        .play();
    assert_eq!(
        *played.transitions("dataflow.j").last().unwrap(),
        (secs("1h 45m"), "cancelled", "DJ-04")
    );
    let noted = played.noted("dataflow.j");
    assert!(noted.contains(&(secs("1h 25m"), "DJ-04")), "{noted:?}");
    assert_eq!(by_event.play().state_at("dataflow.j", "20h"), "resource-cleaning-up");
    // One in fifty by default: of 500, 10 with a standard deviation of 3.1.
    let usual = disabled().set("model.dataflow.stuck-cancel=0.02");
    let is_stuck = |seed| usual.seeded(seed).transitions("dataflow.j")[2].2 == "DJ-04";
    let count = seeds(500).filter(|seed| is_stuck(*seed)).count();
    assert!((1..=22).contains(&count), "{count}");
}

#[test]
fn dj_05_a_job_drains_with_a_usable_key_only() {
    let world = World::new("4h", JOB).set("dataflow.j.latency=20m");
    let played = world.clone().at("1h 2m", "drain-job job=j").play();
    played.expect("dataflow.j", &[("1h 2m", "draining", "DJ-05"), ("1h 22m", "drained", "DJ-05")]);
    played.near("dataflow.j.elements-lost", 0.0);
    // The key is denied at 1 h 8 m 30 s and found so at 1 h 10 m: the drain is given up.
    let failing = world.clone().at("1h 2m", "drain-job job=j").at("1h 8m", "disable-key key=job");
    let played = failing.play();
    played.expect(
        "dataflow.j",
        &[
            ("1h 2m", "draining", "DJ-05"),
            ("1h 11m", "resource-cleaning-up", "DF-22"),
            ("1h 14m", "cancelled", "DF-23"),
        ],
    );
    // Of 20 m in flight, 9 m were written while it drained; the rest was acknowledged and is lost.
    played.near("dataflow.j.elements-lost", 100.0 * secs("11m"));
    // Denied already, though no check has found it: cancelled instead.
    let late = world.at("1h", "disable-key key=job").at("1h 3m", "drain-job job=j").play();
    assert_eq!(late.transitions("dataflow.j")[0], (secs("1h 3m"), "cancelling", "DJ-05"));
}

#[test]
fn dj_11_a_new_job_takes_time_to_start() {
    let random = World::with_defaults("3h", JOB)
        .set("dataflow.j.initially=absent")
        .at("1h", "launch-job job=j");
    let wait = |seed| random.seeded(seed).transitions("dataflow.j")[1].0 - secs("1h");
    let mut waits: Vec<f64> = seeds(200).map(wait).collect();
    waits.sort_by(f64::total_cmp);
    // A median of 3 m (sigma ln 2 / 1.645 = 0.42; of 200 runs, 1.2533 x 0.42 / 14.1 = 3.7 %).
    assert!((160.0..203.0).contains(&waits[100]), "{}", waits[100]);
}

#[test]
fn dj_05_a_drained_job_gives_nothing_back_later() {
    // Drained at 1 h 10 s with 2 m 50 s of elements written and not acknowledged. The next job runs
    // from 1 h 5 m 10 s on and is cancelled 20 s later, with nothing written but what waited: of its
    // own 20 s at 250/s, the first 10 s are written, and all of it comes again.
    let played = World::new("2h", JOB)
        .set("dataflow.j.acknowledged-after=3m")
        .at("1h", "drain-job job=j")
        .at("1h 1m 10s", "launch-job job=j")
        .at("1h 5m 30s", "cancel-job job=j")
        .play();
    assert_eq!(played.state_at("dataflow.j", "1h 5m 10s"), "running");
    played.near("dataflow.j.elements-redelivered", 250.0 * 20.0);
    played.near("dataflow.j.elements-duplicated", 0.0);
}

/// A batch job that reads a million elements at 250/s from one Bigtable instance into another.
const BATCH: &str = r#"
[keys.job]
location = "us-east1"
[keys.sink]
location = "us-east1"
[bigtable.a.clusters.c]
zone = "us-east1-b"
[bigtable.b.clusters.c]
zone = "us-east1-c"
key = "sink"
[dataflow.j]
region = "us-east1"
key = "job"
temp-location = "default-encryption"
mode = "batch"
elements = 1000000
sources = ["bigtable.a"]
sinks = ["bigtable.b"]
capacity = "250/s"
"#;

#[test]
fn dj_09_a_batch_job_fails_after_four_tries() {
    // The sink goes down at 1 h 5 m: tries at 1 h 5 m, 5 m 30 s, 6 m, 6 m 30 s.
    let world = World::new("24h", BATCH).at("1h 2m", "disable-key key=sink");
    let played = world.clone().at("3h", "enable-key key=sink").play();
    played.expect(
        "dataflow.j",
        &[("1h 5m", "back-pressured", "FL-03"), ("1h 6m 30s", "failed", "DJ-09")],
    );
    assert_eq!(played.measure("dataflow.j.failed"), 1.0);
    // More tries, and it lives to see the sink back at 1 h 20 m; 4,000 s of reading, 10 s in
    // flight, 15 m of standing still.
    let played =
        world.set("model.dataflow.batch-attempts=100").at("1h 19m", "enable-key key=sink").play();
    let last = *played.transitions("dataflow.j").last().unwrap();
    assert!((last.0 - (4_010.0 + 900.0)).abs() < 1e-6 && last.1 == "done", "{last:?}");
    // A job that is done has acknowledged everything, and its next run has nothing of it again.
    let played = World::new("24h", BATCH)
        .set("dataflow.j.acknowledged-after=1m")
        .at("2h", "launch-job job=j")
        .play();
    played.near("dataflow.j.elements-arrived", 2_000_000.0);
    played.near("dataflow.j.elements-redelivered", 0.0);
    played.near("dataflow.j.elements-duplicated", 0.0);
    // A streaming job stalls for as long as it takes.
    let streaming = JOB.replace("zone = \"us-east1-b\"", "zone = \"us-east1-b\"\nkey = \"sink\"")
        + "[keys.sink]\nlocation = \"us-east1\"\n";
    let played = World::new("24h", &streaming)
        .at("1h 2m", "disable-key key=sink")
        .at("3h 1m", "enable-key key=sink")
        .play();
    played.expect(
        "dataflow.j",
        &[("1h 5m", "back-pressured", "DJ-09"), ("3h 5m", "running", "DJ-09")],
    );
    played.near("dataflow.j.backlog-peak", 100.0 * secs("2h"));
}

#[test]
fn df_02_a_job_hangs_on_its_own_key_and_on_those_of_its_sources_and_sinks() {
    // The same fault on each of three keys: cancelled, starved, back-pressured.
    let all = JOB
        .replace("[pubsub.t]", "[pubsub.t]\nkey = \"source\"")
        .replace("zone = \"us-east1-b\"", "zone = \"us-east1-b\"\nkey = \"sink\"")
        + "[keys.source]\nlocation = \"us-east1\"\n[keys.sink]\nlocation = \"us-east1\"\n";
    for (key, at, state) in [
        ("job", "1h 5m", "cancelling"),
        ("source", "1h 6m", "starved"),
        ("sink", "1h 5m", "back-pressured"),
    ] {
        let played = World::new("3h", &all).at("1h 2m", &format!("disable-key key={key}")).play();
        let first = played.transitions("dataflow.j")[0];
        assert_eq!((first.0, first.1), (secs(at), state), "{key}");
        // A job that stalls because of others is charged to what they are charged to.
        let chain = played.chain("dataflow.j", state);
        assert_eq!(chain.last().unwrap().0, format!("keys.{key}"), "{chain:?}");
    }
}

#[test]
fn df_08_the_disks_of_workers_and_streaming_engine_are_covered_alike() {
    for engine in ["true", "false"] {
        let world = disabled().set(&format!("dataflow.j.streaming-engine={engine}"));
        assert_eq!(world.play().transitions("dataflow.j")[0].0, secs("1h 5m"));
    }
}

#[test]
fn df_09_a_job_keeps_the_version_it_was_created_with() {
    // Version 2 is primary from 1 h on, and the job is still bound to version 1.
    let world = World::new("24h", JOB)
        .set("model.kms.primary-propagation=30s")
        .at("1h", "rotate-key key=job")
        .at("3h 2m", "disable-key key=job version=1");
    let played = world.clone().play();
    assert_eq!(played.transitions("dataflow.j")[0].0, secs("3h 5m"), "{}", played.story());
    // A job that is created after the rotation is bound to version 2.
    let played = world.set("dataflow.j.initially=absent").at("2h", "launch-job job=j").play();
    assert_eq!(played.state_at("dataflow.j", "23h"), "running");
}

#[test]
fn df_06_a_job_created_before_2024_is_partly_protected_until_it_is_created_anew() {
    let old = World::new("24h", JOB).set("dataflow.j.created=before-2024-03-07");
    assert_eq!(old.play().measure("dataflow.j.partly-protected-time"), secs("24h"));
    let played = old.at("10h", "drain-job job=j").at("11h", "launch-job job=j").play();
    // Drained 10 s after it was asked to.
    assert_eq!(played.measure("dataflow.j.partly-protected-time"), secs("10h 10s"));
    // The behaviour on a key fault is the same.
    let faulty = disabled().set("dataflow.j.created=before-2024-03-07").play();
    assert_eq!(faulty.transitions("dataflow.j"), disabled().play().transitions("dataflow.j"));
}

#[test]
fn df_05_a_job_created_anew_is_protected_as_a_whole() {
    assert_eq!(World::new("24h", JOB).play().measure("dataflow.j.partly-protected-time"), 0.0);
    let played = World::new("24h", JOB)
        .set("dataflow.j.created=before-2024-03-07")
        .at("10h", "drain-job job=j")
        .at("11h", "launch-job job=j")
        .play();
    assert!(played.noted("dataflow.j").contains(&(secs("11h 4m"), "DF-05")));
}
