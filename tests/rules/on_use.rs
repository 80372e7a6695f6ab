//! BigQuery datasets and Cloud Storage buckets: keys that are asked on use.

use crate::world::{World, secs};

const DATASET: &str = r#"
[keys.eu]
location = "europe-west1"
destroy-wait = "1d"
[bigquery.sales]
key = "eu"
queries = "2/s"
streamed-rows = "10/s"
"#;

const BUCKET: &str = r#"
[keys.eu]
location = "europe-west1"
[storage.temp]
key = "eu"
requests = "4/s"
"#;

/// Constant delays: 30 s of propagation (of the calm world), effects after 40 min and 3 min.
fn dataset(horizon: &str) -> World {
    World::new(horizon, DATASET).set("model.bigquery.effect-delay=40m")
}

#[test]
fn bq_01_the_key_is_asked_by_queries_and_by_nothing_else() {
    // 2 tables per second for 10 h; no check in the background.
    let played = dataset("10h").play();
    assert_eq!(played.measure("bigquery.sales.kms-operations"), 72_000.0);
    assert_eq!(played.measure("keys.eu.kms-operations"), 72_000.0);
    // Disabled at 1 h, denied 30 s later, without effect until 40 min later: 6,030 s + the rest of
    // nothing.
    let played = dataset("10h").at("1h", "disable-key key=eu").play();
    assert_eq!(played.measure("bigquery.sales.kms-operations"), 2.0 * secs("1h 40m 30s"));
}

#[test]
fn bq_02_the_effect_of_a_denial_comes_within_an_hour() {
    let played = dataset("10h")
        .at("1h", "disable-key key=eu")
        .at("3h", "enable-key key=eu")
        .set("model.bigquery.recovery=10m")
        .play();
    played.expect(
        "bigquery.sales",
        &[
            ("1h 30s", "losing-access", "BQ-02"),
            ("1h 40m 30s", "denied", "BQ-02"),
            ("3h", "returning", "BQ-03"),
            ("3h 10m", "slow", "BQ-04"),
        ],
    );
    // Enabled again before the effect: nobody notices.
    let played =
        dataset("10h").at("1h", "disable-key key=eu").at("1h 30m", "enable-key key=eu").play();
    played.expect(
        "bigquery.sales",
        &[("1h 30s", "losing-access", "BQ-02"), ("1h 30m", "available", "BQ-02")],
    );
    assert_eq!(played.measure("bigquery.sales.downtime"), 0.0);
    // By default the effect is uniform on an hour: never later.
    let late = (1..=40).map(|seed| {
        let world = World::with_defaults("10h", DATASET)
            .set("model.kms.disable-propagation=0s")
            .at("1h", "disable-key key=eu");
        let denied = world.seeded(seed).transitions("bigquery.sales");
        denied.iter().find(|t| t.1 == "denied").unwrap().0 - 3_600.0
    });
    let late: Vec<f64> = late.collect();
    assert!(late.iter().all(|delay| (0.0..=3_600.0).contains(delay)), "{late:?}");
    assert!(late.iter().any(|delay| *delay > 1_800.0) && late.iter().any(|delay| *delay < 1_800.0));
}

#[test]
fn bq_02_without_contact_the_next_decrypt_fails() {
    let played = dataset("10h").during("1h", "20m", "kms-outage location=europe-west1").play();
    played.expect(
        "bigquery.sales",
        &[
            ("1h", "losing-access", "BQ-02"),
            ("1h", "unreachable", "BQ-02"),
            ("1h 20m", "returning", "BQ-03"),
            ("1h 20m", "slow", "BQ-04"),
        ],
    );
    assert_eq!(played.measure("bigquery.sales.downtime"), 1_200.0);
}

#[test]
fn bq_02_an_outage_does_not_wait_for_the_effect_of_a_denial() {
    // Denied at 1 h 30 s, with effect at 1 h 40 m 30 s; at 1 h 10 m Cloud KMS falls silent, and the
    // next decrypt fails.
    let world = dataset("10h").at("1h", "disable-key key=eu").during(
        "1h 10m",
        "5m",
        "kms-outage location=europe-west1",
    );
    let played = world.clone().play();
    played.expect(
        "bigquery.sales",
        &[
            ("1h 30s", "losing-access", "BQ-02"),
            ("1h 10m", "unreachable", "BQ-02"),
            ("1h 15m", "denied", "BQ-02"),
        ],
    );
    // The other way round: 20 m of trust without contact, lost at 1 h; the denial of 1 h 5 m 30 s
    // cannot be heard, and once it can, reads and writes do not succeed for longer than before.
    let played = dataset("10h")
        .set("model.bigquery.outage-delay=20m")
        .during("1h", "10m", "kms-outage location=europe-west1")
        .at("1h 5m", "disable-key key=eu")
        .play();
    played.expect(
        "bigquery.sales",
        &[("1h", "losing-access", "BQ-02"), ("1h 20m", "denied", "BQ-02")],
    );
}

#[test]
fn bq_03_a_destroyed_key_takes_the_tables_with_it() {
    // Scheduled at 1 h: denied 30 s later, effect 40 min later; destroyed 24 h after 1 h.
    let played = dataset("48h").at("1h", "schedule-destroy key=eu").play();
    played.expect(
        "bigquery.sales",
        &[
            ("1h 30s", "losing-access", "BQ-02"),
            ("1h 40m 30s", "denied", "BQ-02"),
            ("25h", "inaccessible", "BQ-02"),
        ],
    );
    assert_eq!(played.measure("bigquery.sales.irreversible"), 1.0);
}

#[test]
fn bq_04_queries_are_slow_for_two_days_after_the_return() {
    let played = dataset("5d").at("1h", "disable-key key=eu").at("3h", "enable-key key=eu").play();
    assert_eq!(played.state_at("bigquery.sales", "2d 2h 59m"), "slow");
    assert_eq!(played.state_at("bigquery.sales", "2d 3h 1m"), "available");
    assert_eq!(played.measure("bigquery.sales.slow-time"), secs("2d"));
}

#[test]
fn bq_05_streamed_rows_need_a_day_in_the_two_days_after_their_insertion() {
    // The key is out of reach from 60 h to 61 h. A row of hour t has the usable stretches
    // (t, 60) and (61, t + 48). Both are shorter than 24 h for t from 36 to 37, one hour of
    // 10 rows per second. Rows of 60 to 61 are not taken.
    let played = dataset("200h").during("60h", "1h", "kms-outage location=europe-west1").play();
    assert_eq!(played.measure("bigquery.sales.rows-at-risk"), 36_000.0);
    assert_eq!(played.measure("bigquery.sales.rows-streamed"), 10.0 * secs("199h"));
    // 30 h without the key: t + 48 - 90 < 24 for t < 66, and 60 - t < 24 for t > 36; rows are taken
    // until 60 h.
    let played = dataset("200h").during("60h", "30h", "kms-outage location=europe-west1").play();
    assert_eq!(played.measure("bigquery.sales.rows-at-risk"), 10.0 * secs("24h"));
    // Without a fault none is at risk, up to the horizon.
    assert_eq!(dataset("200h").play().measure("bigquery.sales.rows-at-risk"), 0.0);
}

#[test]
fn bq_06_after_sixty_days_without_the_key_the_tables_are_deleted() {
    let world = dataset("70d").at("1h", "disable-key key=eu");
    let played = world.play();
    assert_eq!(played.transitions("bigquery.sales").last().unwrap().0, secs("60d 1h 30s"));
    assert_eq!(played.state_at("bigquery.sales", "61d"), "deleted");
    // An outage is nobody's doing, and a day's return starts the clock anew.
    let played = dataset("70d").during("1h", "65d", "kms-outage location=europe-west1").play();
    assert_eq!(played.state_at("bigquery.sales", "64d"), "unreachable");
    let played = world.at("30d", "enable-key key=eu").at("31d", "disable-key key=eu").play();
    assert_eq!(played.state_at("bigquery.sales", "69d"), "denied");
}

#[test]
fn bq_07_tables_stay_on_the_version_they_were_created_with() {
    // After a rotation at 1 h the old version is still needed: disabling it at 3 h denies.
    let played = dataset("10h")
        .set("model.kms.primary-propagation=1m")
        .at("1h", "rotate-key key=eu")
        .at("3h", "disable-key key=eu version=1")
        .play();
    assert_eq!(played.state_at("bigquery.sales", "3h 41m"), "denied");
    // The new one is not.
    let played = dataset("10h")
        .set("model.kms.primary-propagation=1m")
        .at("1h", "rotate-key key=eu")
        .at("3h", "disable-key key=eu version=2")
        .play();
    assert_eq!(played.measure("bigquery.sales.downtime"), 0.0);
}

#[test]
fn bq_02_a_revoked_role_works_like_a_disabled_key() {
    let played = dataset("10h")
        .set("model.kms.policy-propagation=2m")
        .at("1h", "revoke-grant key=eu principal=bigquery-agent")
        .at("3h", "grant key=eu principal=bigquery-agent")
        .play();
    played.expect(
        "bigquery.sales",
        &[
            ("1h 2m", "losing-access", "BQ-02"),
            ("1h 42m", "denied", "BQ-02"),
            ("3h 2m", "returning", "BQ-03"),
            ("3h 2m", "slow", "BQ-04"),
        ],
    );
}

#[test]
fn gcs_01_a_bucket_trusts_the_last_answer_for_minutes() {
    let world = World::new("10h", BUCKET).set("model.storage.effect-delay=3m");
    let played = world.clone().at("1h", "disable-key key=eu").at("2h", "enable-key key=eu").play();
    played.expect(
        "storage.temp",
        &[
            ("1h 30s", "losing-access", "GCS-01"),
            ("1h 3m 30s", "denied", "GCS-01"),
            ("2h", "returning", "GCS-01"),
            ("2h", "available", "GCS-01"),
        ],
    );
    // 4 a second, but for 2 h - 1 h 3 min 30 s.
    let down = secs("2h") - secs("1h 3m 30s");
    assert_eq!(played.measure("storage.temp.downtime"), down);
    assert_eq!(played.measure("keys.eu.kms-operations"), 4.0 * (secs("10h") - down));
    // A blip within the trusted time is not noticed.
    let played = world.during("1h", "2m", "kms-outage location=europe-west1").play();
    assert_eq!(played.measure("storage.temp.downtime"), 0.0);
}

/// A job streams a row of ten elements into the dataset; nobody else writes to it.
const STREAMED: &str = r#"
[keys.eu]
location = "europe-west1"
[pubsub.t]
publishes = "100/s"
[pubsub.t.subscriptions.s]
[bigquery.sales]
key = "eu"
[dataflow.j]
region = "us-east1"
sources = ["pubsub.t.subscriptions.s"]
sinks = ["bigquery.sales"]
ratios = ["1/10"]
capacity = "250/s"
"#;

#[test]
fn bq_05_rows_that_jobs_stream_are_at_risk_as_others_are() {
    // As above: rows of the hours from 36 to 37, now 10 a second of a job. From 60 h to 61 h nothing
    // is written; those who wait come after that.
    let world =
        World::new("200h", STREAMED).during("60h", "1h", "kms-outage location=europe-west1");
    let played = world.clone().play();
    played.near("bigquery.sales.rows-at-risk", 36_000.0);
    played.near("bigquery.sales.rows-streamed", 10.0 * (secs("200h") - 10.0));
    played.near("dataflow.j.rows-written", 10.0 * (secs("200h") - 10.0));
    // What others stream comes on top.
    let both = world.clone().set("bigquery.sales.streamed-rows=5/s").play();
    both.near("bigquery.sales.rows-at-risk", 54_000.0);
    // Without a key nothing is at risk, and rows are counted all the same.
    let text = STREAMED.replace("key = \"eu\"\n", "");
    let played = World::new("200h", &text).play();
    assert_eq!(played.measure("bigquery.sales.rows-at-risk"), 0.0);
    played.near("bigquery.sales.rows-streamed", 10.0 * (secs("200h") - 10.0));
    // A batch job loads its rows, which are no streamed ones.
    let text = STREAMED.replace("capacity", "mode = \"batch\"\nelements = 1000000\ncapacity");
    let text = text.replace("pubsub.t.subscriptions.s\"", "storage.in\"") + "[storage.in]\n";
    let played = World::new("200h", &text).play();
    played.near("dataflow.j.rows-written", 100_000.0);
    assert_eq!(played.measure("bigquery.sales.rows-streamed"), 0.0);
}

#[test]
fn bq_08_the_sla_leaves_a_ten_thousandth_of_the_time() {
    // 86.4 s of ten days.
    let world = World::new("10d", DATASET);
    assert_eq!(world.clone().play().measure("bigquery.sales.downtime-beyond-sla"), 0.0);
    let played = world.clone().during("60h", "20m", "kms-outage location=europe-west1").play();
    played.near("bigquery.sales.downtime-beyond-sla", 1_200.0 - 86.4);
    let played = world.during("60h", "80s", "kms-outage location=europe-west1").play();
    assert_eq!(played.measure("bigquery.sales.downtime-beyond-sla"), 0.0);
}
