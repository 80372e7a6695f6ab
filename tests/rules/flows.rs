//! What flows: starvation and back-pressure along chains, loss, autoscaling, and the numbers that
//! must add up.

use crate::dataflow_jobs::JOB;
use crate::world::{Played, World, secs, seeds};
use cmeksim::engine::Budget;
use cmeksim::experiment::Model;
use cmeksim::report::{Run, summary, work};
use cmeksim::systems::contract::SweepMode;

/// Two jobs one after the other, each with its own key: t1 -> first -> t2 -> second -> b.
const CHAIN: &str = r#"
[keys.first]
location = "us-east1"
[keys.second]
location = "us-east1"
[keys.sink]
location = "us-east1"
[pubsub.t1]
publishes = "100/s"
[pubsub.t1.subscriptions.s]
[pubsub.t2.subscriptions.s]
[bigtable.b.clusters.c]
zone = "us-east1-b"
key = "sink"
[dataflow.first]
region = "us-east1"
key = "first"
temp-location = "default-encryption"
sources = ["pubsub.t1.subscriptions.s"]
sinks = ["pubsub.t2"]
capacity = "250/s"
[dataflow.second]
region = "us-east1"
key = "second"
temp-location = "default-encryption"
sources = ["pubsub.t2.subscriptions.s"]
sinks = ["bigtable.b"]
capacity = "250/s"
"#;

/// What arrived is somewhere, to a billionth.
fn adds_up(played: &Played, job: &str) {
    let get = |name: &str| played.measure(&format!("dataflow.{job}.elements-{name}"));
    let sum: f64 = ["written", "waiting", "in-flight", "expired", "lost"].map(get).iter().sum();
    let arrived = get("arrived");
    assert!((sum - arrived).abs() <= 1e-9 * arrived.max(1.0), "{job}: {sum} of {arrived}");
}

#[test]
fn fl_01_every_element_is_in_one_place() {
    let world = World::with_defaults("7d", CHAIN)
        .set("pubsub.t1.subscriptions.s.retention=6h")
        .add("[dataflow.first.relaunch]\nafter = { exponential = { mean = \"2h\" } }\nattempts = 30\n")
        .add("[dataflow.second.relaunch]\nafter = \"1h\"\nattempts = 30\n")
        .add("[[hazards]]\nname = \"off1\"\ndo = \"disable-key\"\nkey = \"first\"\nevery = { exponential = { mean = \"1d\" } }")
        .add("[[hazards]]\nname = \"on1\"\ndo = \"enable-key\"\nkey = \"first\"\nevery = { exponential = { mean = \"6h\" } }")
        .add("[[hazards]]\nname = \"off2\"\ndo = \"disable-key\"\nkey = \"sink\"\nevery = { exponential = { mean = \"1d\" } }")
        .add("[[hazards]]\nname = \"on2\"\ndo = \"enable-key\"\nkey = \"sink\"\nevery = { exponential = { mean = \"3h\" } }");
    let (mut lost, mut expired) = (0.0, 0.0);
    for seed in seeds(30) {
        let played = world.seeded(seed);
        adds_up(&played, "first");
        adds_up(&played, "second");
        // What the first writes, with what it writes twice, is what the second gets.
        let written = played.measure("dataflow.first.elements-written")
            + played.measure("dataflow.first.elements-duplicated");
        let arrived = played.measure("dataflow.second.elements-arrived");
        assert!((written - arrived).abs() <= 1e-9 * written.max(1.0), "{written} {arrived}");
        lost += played.measure("dataflow.first.elements-lost");
        expired += played.measure("dataflow.first.elements-expired");
    }
    assert!(lost > 0.0 && expired > 0.0);
}

#[test]
fn fl_02_a_job_behind_a_cancelled_one_is_starved_and_is_told_why() {
    // The first is halted at 1 h 6 m; nothing is in flight to the second any more.
    let played = World::new("4h", CHAIN)
        .at("1h 2m", "disable-key key=first")
        .at("2h", "enable-key key=first")
        .at("2h 30m", "launch-job job=first")
        .play();
    played.expect(
        "dataflow.second",
        &[("1h 6m", "starved", "FL-02"), ("2h 34m", "running", "FL-02")],
    );
    let chain = played.chain("dataflow.second", "starved");
    let entities: Vec<&str> = chain.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(entities[..2], ["dataflow.second", "dataflow.first"], "{chain:?}");
    assert_eq!(chain.last().unwrap(), &("keys.first".to_owned(), "KMS-02"));
    // Its own key has never been in doubt.
    assert_eq!(played.measure("keys.second.downtime"), 0.0);
    assert_eq!(played.measure("dataflow.second.cancelled"), 0.0);
}

#[test]
fn fl_02_a_starved_job_feeds_nobody_while_it_is_cancelled() {
    // The first gets nothing from 1 h on, and the second from 10 s later. The key of the first is
    // found disabled at 1 h 5 m, and it is halted at 1 h 6 m: nothing comes for all that.
    let played = World::new("4h", CHAIN)
        .during("1h", "2h", "flow-outage entity=pubsub.t1.subscriptions.s")
        .at("1h 2m", "disable-key key=first")
        .play();
    assert_eq!(played.state_at("dataflow.first", "1h 5m 30s"), "cancelling");
    played.expect("dataflow.second", &[("1h 10s", "starved", "FL-02")]);
}

#[test]
fn fl_02_starvation_waits_until_what_was_in_flight_has_come_through() {
    // The first topic stops at 1 h 6 m; the first job starves at once, and writes for 10 s more.
    let text = CHAIN.replace("[pubsub.t1]", "[pubsub.t1]\nkey = \"sink\"").replacen(
        "zone = \"us-east1-b\"\nkey = \"sink\"",
        "zone = \"us-east1-b\"",
        1,
    );
    let played = World::new("4h", &text).at("1h 2m", "disable-key key=sink").play();
    played.expect("dataflow.first", &[("1h 6m", "starved", "FL-02")]);
    played.expect("dataflow.second", &[("1h 6m 10s", "starved", "FL-02")]);
}

#[test]
fn fl_03_back_pressure_ends_at_the_first_queue() {
    // The sink is down from 1 h 5 m to 3 h 5 m: the second job stalls, the topic between them takes
    // what the first writes.
    let played = World::new("24h", CHAIN)
        .at("1h 2m", "disable-key key=sink")
        .at("3h 1m", "enable-key key=sink")
        .play();
    played.expect(
        "dataflow.second",
        &[("1h 5m", "back-pressured", "DJ-09"), ("3h 5m", "running", "DJ-09")],
    );
    assert_eq!(played.transitions("dataflow.first"), []);
    // 2 h at 100/s wait, and are gone after 720,000 / (250 - 100) = 4,800 s.
    played.near("dataflow.second.backlog-peak", 720_000.0);
    played.near("dataflow.second.catch-up-time", 4_800.0);
    // The oldest had been read 10 s before the stop.
    played.near("dataflow.second.watermark-age-peak", 7_210.0);
    played.near("dataflow.second.elements-lost", 0.0);
}

#[test]
fn fl_03_a_closed_topic_blocks_who_writes_to_it() {
    let text = CHAIN.replace(
        "[pubsub.t2.subscriptions.s]",
        "[pubsub.t2]\nkey = \"sink\"\n[pubsub.t2.subscriptions.s]",
    );
    let text = text.replacen("zone = \"us-east1-b\"\nkey = \"sink\"", "zone = \"us-east1-b\"", 1);
    let played = World::new("4h", &text).at("1h 2m", "disable-key key=sink").play();
    assert_eq!(played.transitions("dataflow.first")[0], (secs("1h 6m"), "back-pressured", "DJ-09"));
    assert_eq!(played.transitions("dataflow.second")[0], (secs("1h 6m"), "starved", "FL-02"));
}

/// For an hour nothing can be published: of 100/s, publishers that drop lose 360,000, and the job
/// reads the rest of the 4 h.
#[test]
fn fl_05_a_topic_that_is_out_of_service_takes_nothing() {
    let played = World::new("4h", JOB)
        .set("pubsub.t.publishers=drop")
        .during("1h", "1h", "flow-outage entity=pubsub.t")
        .play();
    assert_eq!(played.measure("pubsub.t.messages-dropped"), 360_000.0);
    assert_eq!(played.measure("dataflow.j.elements-arrived"), 3.0 * 360_000.0);
    adds_up(&played, "j");
}

/// The first job takes 1 min to write and 10 min to acknowledge: cancelled, it reads again what it
/// had written 1 to 10 min before. Into a topic that is 9 min of 100/s = 54,000 messages more, or,
/// where writing again has no effect, none.
#[test]
fn fl_04_what_is_written_again_without_effect_goes_no_further() {
    let world = World::with_defaults("12h", CHAIN)
        .set("dataflow.first.latency=1m")
        .set("dataflow.first.acknowledged-after=10m")
        .at("2h", "cancel-job job=first")
        .at("3h", "launch-job job=first");
    for (writes, more) in [("at-least-once", 54_000.0), ("idempotent", 0.0)] {
        let played = world.clone().set(&format!("dataflow.first.writes={writes}")).play();
        let get = |name: &str| played.measure(name);
        assert_eq!(get("dataflow.first.elements-duplicated"), more, "{writes}");
        let written = get("dataflow.first.elements-written");
        let came = get("pubsub.t2.subscriptions.s.messages-arrived");
        assert!((came - written - more).abs() < 1e-6, "{writes}: {came} of {written}");
        adds_up(&played, "first");
        adds_up(&played, "second");
    }
}

#[test]
fn fl_04_work_in_flight_is_lost_or_comes_again() {
    // 60 s in flight, acknowledged after 20 s: at the halt 20 s come again and 40 s are lost.
    let world = World::new("4h", JOB)
        .set("dataflow.j.latency=60s")
        .set("dataflow.j.acknowledged-after=20s")
        .at("1h 2m", "disable-key key=job");
    let played = world.clone().play();
    played.near("dataflow.j.elements-redelivered", 2_000.0);
    played.near("dataflow.j.elements-lost", 4_000.0);
    // Acknowledged 30 s after they were written: all 60 s in flight and 30 s written come again.
    let again = world
        .set("dataflow.j.acknowledged-after=90s")
        .at("2h", "enable-key key=job")
        .at("2h 10m", "launch-job job=j");
    let played = again.clone().play();
    played.near("dataflow.j.elements-redelivered", 9_000.0);
    played.near("dataflow.j.elements-duplicated", 3_000.0);
    played.near("dataflow.j.elements-lost", 0.0);
    // Where writing twice changes nothing, nothing is there twice.
    let played = again.set("dataflow.j.writes=idempotent").play();
    played.near("dataflow.j.elements-duplicated", 0.0);
}

#[test]
fn q_18_what_is_not_acknowledged_stays_until_the_retention_ends() {
    // Halted at 1 h 6 m; 5 s of messages are given back and wait with what comes later, for 10 m.
    let played = World::new("4h", JOB)
        .set("pubsub.t.subscriptions.s.retention=10m")
        .at("1h 2m", "disable-key key=job")
        .play();
    played.near("dataflow.j.elements-redelivered", 500.0);
    played.near("dataflow.j.elements-waiting", 60_000.0);
    // Everything else since 5 s before the halt has expired: 4 h - 1 h 5 m 55 s - 10 m.
    played.near("dataflow.j.elements-expired", 100.0 * (secs("4h") - secs("1h 5m 55s") - 600.0));
    adds_up(&played, "j");
}

#[test]
fn dj_10_the_watermark_age_grows_with_real_time_while_a_job_stands_still() {
    // Halted at 1 h 6 m, running again at 2 h 34 m: the oldest message was given back, 5 s old.
    let played = World::new("24h", JOB)
        .at("1h 2m", "disable-key key=job")
        .at("2h", "enable-key key=job")
        .at("2h 30m", "launch-job job=j")
        .play();
    let stop = secs("2h 34m") - secs("1h 6m");
    // It is written 10 s after it is read.
    played.near("dataflow.j.watermark-age-peak", stop + 5.0 + 10.0);
    played.near("dataflow.j.catch-up-time", (100.0 * stop + 500.0) / 150.0);
}

#[test]
fn fl_02_a_starved_job_does_not_catch_up() {
    // The subscription delivers nothing from 1 h to 3 h: 720,000 wait, and are gone after
    // 720,000 / (250 - 100) = 4,800 s. The two hours before are no catching up.
    let played = World::new("24h", CHAIN)
        .during("1h", "2h", "flow-outage entity=pubsub.t1.subscriptions.s")
        .play();
    played.expect("dataflow.first", &[("1h", "starved", "FL-02"), ("3h", "running", "FL-02")]);
    played.near("dataflow.first.backlog-peak", 720_000.0);
    played.near("dataflow.first.catch-up-time", 4_800.0);
}

#[test]
fn dj_10_the_oldest_element_is_the_last_to_be_written() {
    // 100/s come in the first hour (of 8 o'clock) and none after it, and 50/s are read: the last
    // element is read 2 h after the start and written 10 s later, when it is 1 h 10 s old.
    let rates: Vec<&str> = (0..24).map(|hour| if hour == 8 { "100/s" } else { "0/s" }).collect();
    let text = CHAIN.replace("publishes = \"100/s\"", &format!("publishes-by-hour = {rates:?}"));
    let played = World::new("4h", &text).set("dataflow.first.capacity=50/s").play();
    played.near("dataflow.first.elements-written", 360_000.0);
    played.near("dataflow.first.watermark-age-peak", secs("1h") + 10.0);
}

#[test]
fn q_07_autoscaling_takes_the_compute_engine_agent() {
    // A stop from 1 h 5 m to 3 h 5 m leaves 720,000. At 250/s they take 4,800 s; with 1,000/s from
    // three minutes on, (720,000 - 180 x 150) / 900 = 770 s more.
    let text = JOB.replace("zone = \"us-east1-b\"", "zone = \"us-east1-b\"\nkey = \"sink\"")
        + "[keys.sink]\nlocation = \"us-east1\"\n";
    let world = World::new("24h", &text)
        .set("dataflow.j.capacity-max=1000/s")
        .set("model.dataflow.scale-up-after=3m")
        .set("model.kms.policy-propagation=2m")
        .at("1h 2m", "disable-key key=sink")
        .at("3h 1m", "enable-key key=sink");
    let played = world.clone().play();
    // More workers are there since 1 h 8 m, and they are of no use before the sink is back.
    played.near("dataflow.j.catch-up-time", 720_000.0 / 900.0);
    // Without the agent's role there are no more workers.
    let played = world.at("30m", "revoke-grant key=job principal=compute-engine-agent").play();
    assert!(played.noted("dataflow.j").contains(&(secs("1h 8m"), "Q-07")));
    played.near("dataflow.j.catch-up-time", 4_800.0);
}

#[test]
fn df_02_jobs_read_what_others_write_without_a_topic() {
    // The second reads the instance that the first writes to: what is written waits in it.
    let text = CHAIN.replace("sinks = [\"pubsub.t2\"]", "sinks = [\"bigtable.b\"]").replace(
        "sources = [\"pubsub.t2.subscriptions.s\"]\nsinks = [\"bigtable.b\"]",
        "sources = [\"bigtable.b\"]",
    );
    let played = World::new("4h", &text).at("1h 2m", "disable-key key=second").play();
    adds_up(&played, "second");
    played.near("dataflow.second.elements-arrived", 100.0 * secs("4h") - 1_000.0);
    assert_eq!(played.state_at("dataflow.second", "3h"), "cancelled");
    assert_eq!(played.transitions("dataflow.first"), []);
}

#[test]
fn fl_03_flows_that_cannot_be_are_told() {
    let world = || World::new("4h", CHAIN);
    let codes = |text: &str| World::new("4h", text).diagnostics();
    assert_eq!(world().diagnostics(), [] as [&str; 0]);
    let circle =
        CHAIN.replace("sinks = [\"bigtable.b\"]", "sinks = [\"bigtable.b\", \"pubsub.t1\"]");
    assert_eq!(codes(&circle), ["flow-cycle"]);
    let itself = CHAIN.replace("sinks = [\"pubsub.t2\"]", "sinks = [\"pubsub.t2\", \"pubsub.t1\"]");
    assert_eq!(codes(&itself), ["flow-cycle"]);
    let twice = CHAIN.replace(
        "sources = [\"pubsub.t2.subscriptions.s\"]",
        "sources = [\"pubsub.t1.subscriptions.s\"]",
    );
    assert_eq!(codes(&twice), ["source-taken"]);
    let topic =
        CHAIN.replace("sources = [\"pubsub.t2.subscriptions.s\"]", "sources = [\"pubsub.t2\"]");
    assert_eq!(codes(&topic), ["no-end-of-a-flow"]);
    let key = CHAIN.replace("sinks = [\"bigtable.b\"]", "sinks = [\"keys.sink\"]");
    assert_eq!(codes(&key), ["no-end-of-a-flow"]);
}

#[test]
fn fl_05_a_sink_can_fail_without_a_key() {
    let world = World::new("24h", CHAIN).during("1h", "2h", "flow-outage entity=bigtable.b");
    let played = world.play();
    played.expect(
        "dataflow.second",
        &[("1h", "back-pressured", "DJ-09"), ("3h", "running", "DJ-09")],
    );
    played.near("dataflow.second.backlog-peak", 720_000.0);
    assert_eq!(played.transitions("bigtable.b"), []);
    assert_eq!(played.noted("dataflow.first"), []);
    let chain = played.chain("dataflow.second", "back-pressured");
    assert_eq!(chain.last().unwrap(), &("dataflow.second".to_owned(), "FL-05"));
    // Two at a time are over with the last of them.
    let played = World::new("24h", CHAIN)
        .during("1h", "2h", "flow-outage entity=bigtable.b")
        .during("2h", "2h", "flow-outage entity=bigtable.b")
        .play();
    assert_eq!(played.transitions("dataflow.second")[1].0, secs("4h"));
}

#[test]
fn fl_06_a_job_writes_rows_in_the_ratio_of_each_sink() {
    // 100/s are cleaned: one row of sixty goes on, and three of each are kept.
    let text = CHAIN.replace(
        "sinks = [\"pubsub.t2\"]",
        "sinks = [\"pubsub.t2\", \"storage.raw\"]\nratios = [\"1/60\", \"3\"]",
    ) + "[storage.raw]\n";
    let world = World::new("10h", &text);
    let played = world.clone().play();
    let written = 100.0 * (secs("10h") - 10.0);
    played.near("dataflow.first.elements-written", written);
    played.near("dataflow.first.rows-written", written / 60.0 + 3.0 * written);
    // The carry is less than a billionth of a row per second.
    played.near("dataflow.second.elements-arrived", written / 60.0);
    adds_up(&played, "first");
    adds_up(&played, "second");
    // The second job stands still from 1 h 5 m to 3 h 5 m: 7,200 s at 100/60 a second wait.
    let played =
        world.at("1h 2m", "disable-key key=sink").at("3h 1m", "enable-key key=sink").play();
    played.near("dataflow.second.backlog-peak", 12_000.0);
    adds_up(&played, "second");
}

#[test]
fn fl_06_ratios_that_cannot_be_are_told() {
    let world = |ratios: &str| {
        let text = JOB
            .replace("capacity = \"250/s\"", &format!("capacity = \"250/s\"\nratios = {ratios}"));
        World::new("1h", &text).diagnostics()
    };
    assert_eq!(world("[\"1/3\"]"), [""; 0]);
    assert_eq!(world("[\"1/3\", \"2\"]"), ["sink-ratios"]);
    assert_eq!(world("[\"0.5\"]"), ["ratio-form"]);
    assert_eq!(world("[\"1/0\"]"), ["ratio-form"]);
}

#[test]
fn fl_02_the_summary_tells_what_keeps_a_healthy_job_from_its_work() {
    // As above: the second job starves from 1 h 6 m to 2 h 34 m.
    let world = World::new("4h", CHAIN)
        .at("1h 2m", "disable-key key=first")
        .at("2h", "enable-key key=first")
        .at("2h 30m", "launch-job job=first");
    let scenario = world.scenario();
    let model = Model::new(&scenario);
    let mode = SweepMode::Decisive;
    let trace = model.replicate(1, 0, mode, Budget::default()).unwrap();
    let outcome = model.outcome(trace);
    let run = Run::new(&scenario, &model, &outcome, mode);
    let stalls = work::stalls(&run);
    assert_eq!(stalls.len(), 1, "{stalls:?}");
    assert_eq!((stalls[0].entity.as_str(), stalls[0].state), ("dataflow.second", "starved"));
    assert_eq!(stalls[0].seconds, secs("1h 28m"));
    let screen = summary::screen(&run);
    let line = "  dataflow.second was starved for 1h 28m, and no key of its own is to blame: keys.first: disabled, +1h 2m\n";
    assert!(screen.contains(line), "{screen}");
    // 1,440,000 come in; 500 are lost at the halt, and 1,000 are in flight at the end.
    let line = "  dataflow.first: 1,438,500 of 1,440,000 elements written; at most ";
    assert!(screen.contains(line), "{screen}");
    assert!(screen.contains("; 500 lost"), "{screen}");
}
