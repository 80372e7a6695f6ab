//! What keys cost: versions by the month, operations by ten thousands, in whole numbers.

use crate::world::{ONE, World};
use cmeksim::engine::Budget;
use cmeksim::systems::contract::SweepMode;

/// One key for four clusters of one region.
fn four(tables: u32) -> String {
    let clusters: String = ["a", "b", "c", "f"]
        .iter()
        .map(|z| {
            format!("[bigtable.a.clusters.{z}]\nzone = \"us-central1-{z}\"\nkey = \"central\"\n")
        })
        .collect();
    format!(
        "[keys.central]\nlocation = \"us-central1\"\n[bigtable.a]\ntables = {tables}\n{clusters}"
    )
}

#[test]
fn bt_07_cloud_kms_bills_for_the_key_and_for_each_operation_and_bigtable_for_nothing() {
    // 30 days: one software version for a month is USD 0.06; one table on one cluster is 8,640
    // sweeps of 3 operations: 25,920 at USD 0.03 per 10,000 = USD 0.07776.
    let played = World::new("30d", ONE).play();
    assert_eq!(played.measure("keys.east.version-cost-usd"), 0.06);
    assert_eq!(played.measure("keys.east.operations-cost-usd"), 0.07776);
    assert_eq!(played.measure("keys.east.kms-cost-usd"), 0.06 + 0.07776);
    assert_eq!(played.measure("bigtable.a.operations-cost-usd"), 0.07776);
    // Without keys there is nothing to pay.
    let plain = "[bigtable.a.clusters.east]\nzone = \"us-east1-b\"\n";
    let played = World::new("30d", plain).play();
    assert_eq!(played.measure("bigtable.a.kms-operations"), 0.0);
    assert_eq!(played.measure("bigtable.a.operations-cost-usd"), 0.0);
}

#[test]
fn bt_08_operations_grow_with_tables_times_clusters() {
    // 10 tables x 4 clusters x 288 sweeps a day x 3 = 34,560 operations = USD 0.10368, the same
    // with every sweep an event (`play` compares both).
    let played = World::new("1d", &four(10)).set("model.bigtable.sweep-phase=random").play();
    assert_eq!(played.measure("keys.central.kms-operations"), 34_560.0);
    assert_eq!(played.measure("bigtable.a.kms-operations"), 34_560.0);
    assert_eq!(played.measure("bigtable.a.operations-cost-usd"), 0.10368);
}

/// With every sweep an event, a day has a thirtieth of the operations of thirty days.
#[test]
fn bt_08_every_sweep_of_a_thousand_tables_in_a_day_costs_10_dollars_and_36_cents() {
    let model = World::with_defaults("1d", &four(1000)).model();
    for sweeps in [SweepMode::Decisive, SweepMode::All] {
        let trace = model.replicate(1, 0, sweeps, Budget::default()).unwrap();
        let measures = model.outcome(trace).measures;
        // 1,000 x 4 x 288 x 3 operations at USD 0.03 per 10,000.
        assert_eq!(measures["keys.central.kms-operations"], Some(3_456_000.0));
        assert_eq!(measures["keys.central.operations-cost-usd"], Some(10.368));
        assert_eq!(measures["bigtable.a.sweeps"], Some(1_152_000.0));
    }
}

/// 1,000 tables x 4 clusters x 8,640 sweeps x 3 operations.
fn thousand_tables(sweeps: SweepMode) {
    let model = World::with_defaults("30d", &four(1000)).model();
    let trace = model.replicate(1, 0, sweeps, Budget::default()).unwrap();
    let measures = model.outcome(trace).measures;
    assert_eq!(measures["keys.central.kms-operations"], Some(103_680_000.0));
    assert_eq!(measures["keys.central.operations-cost-usd"], Some(311.04));
    assert_eq!(measures["bigtable.a.operations-cost-usd"], Some(311.04));
    assert_eq!(measures["bigtable.a.sweeps"], Some(34_560_000.0));
}

#[test]
fn bt_08_a_thousand_tables_on_four_clusters_cost_311_dollars_and_4_cents_a_month() {
    thousand_tables(SweepMode::Decisive);
}

/// `cargo test --release --test rules every_sweep_of_a_thousand_tables -- --ignored`
#[test]
#[ignore = "34.56 million events: seconds in release, minutes else"]
fn every_sweep_of_a_thousand_tables_on_four_clusters_counts_the_same() {
    thousand_tables(SweepMode::All);
}

#[test]
fn bt_09_a_validation_is_a_few_operations_however_much_data_a_table_holds() {
    // Traffic does not matter: three operations a validation.
    let traffic = "[bigtable.a.app-profiles.p]\nrouting = { single-cluster = \"east\" }\n\
                   reads = \"10000/s\"\nwrites = \"10000/s\"\n";
    let played = World::new("1d", &format!("{ONE}{traffic}")).play();
    assert_eq!(played.measure("keys.east.kms-operations"), 288.0 * 3.0);
}

#[test]
fn kms_29_versions_are_billed_by_the_month_until_they_are_destroyed() {
    const KEY: &str = "[keys.east]\nlocation = \"us-east1\"\n";
    let of = |protection: &str| World::new("30d", KEY).set(protection).play();
    assert_eq!(of("keys.east.protection=software").measure("keys.east.version-cost-usd"), 0.06);
    assert_eq!(of("keys.east.protection=hsm").measure("keys.east.version-cost-usd"), 1.0);
    let external = World::new("30d", &format!("[ekm.safe]\n{KEY}"))
        .set("keys.east.protection=external")
        .set("keys.east.ekm=safe")
        .play();
    assert_eq!(external.measure("keys.east.version-cost-usd"), 3.0);
    // Disabled versions still cost; of two HSM versions one is destroyed after 5 + 10 days:
    // 1.00 + 0.50.
    let played = World::new("30d", KEY)
        .set("keys.east.protection=hsm")
        .set("keys.east.versions=[\"disabled\", \"enabled\"]")
        .set("keys.east.destroy-wait=10d")
        .at("5d", "schedule-destroy key=east version=2")
        .play();
    assert_eq!(played.measure("keys.east.version-cost-usd"), 1.5);
    assert_eq!(played.measure("keys.east.kms-cost-usd"), 1.5);
}

#[test]
fn kms_30_operations_cost_the_same_at_every_protection_level_and_prices_can_be_overridden() {
    let of =
        |protection: &str| World::new("1d", ONE).set(&format!("keys.east.protection={protection}"));
    // 864 operations x 0.03 / 10,000.
    for protection in ["software", "hsm"] {
        let played = of(protection).play();
        assert_eq!(played.measure("keys.east.operations-cost-usd"), 0.002592);
    }
    let played = of("hsm").set("model.kms.price-operations=10.0").play();
    assert_eq!(played.measure("keys.east.operations-cost-usd"), 0.864);
}

#[test]
fn kms_30_systems_that_share_a_key_add_up_exactly() {
    // 144 sweeps x 3 each: 0.001296 twice, which as the key's own count is 864 x 0.000003.
    let two = format!("{ONE}\n[bigtable.b.clusters.east]\nzone = \"us-east1-c\"\nkey = \"east\"\n");
    let played = World::new("12h", &two).play();
    assert_eq!(played.measure("bigtable.a.operations-cost-usd"), 0.001296);
    assert_eq!(played.measure("bigtable.b.operations-cost-usd"), 0.001296);
    assert_eq!(played.measure("keys.east.operations-cost-usd"), 0.002592);
}

/// The operations of each calendar month are what a run up to the end of the month counts, whoever
/// comes and goes later. The start is 2 March, 08:00; April begins after 29 d 16 h, May 30 d later.
#[test]
fn operations_by_month_are_those_of_runs_that_end_with_the_month() {
    let world = |horizon: &str| {
        World::with_defaults(horizon, ONE)
            .set("bigtable.a.tables=5")
            .at("10d", "create-table instance=a count=3")
            .at("29d 16h", "create-table instance=a count=2")
            .at("45d", "delete-table instance=a count=6")
            .at("70d", "delete-table instance=a count=4")
            .at("75d", "create-table instance=a count=1")
    };
    for mode in [SweepMode::Decisive, SweepMode::All] {
        let model = world("80d").model();
        let trace = model.run_in_detail(3, mode, Budget::default(), false).unwrap();
        let plain = model.replicate(3, 0, mode, Budget::default()).unwrap();
        assert_eq!(trace.fingerprint(), plain.fingerprint());
        assert!(plain.tallies.is_empty());
        let by_month: Vec<u64> = trace.tallies.iter().map(|tally| tally.count).collect();
        let parts: Vec<u32> = trace.tallies.iter().map(|tally| tally.part).collect();
        assert_eq!(parts, [0, 1, 2]);
        let up_to = |horizon: &str| {
            let model = world(horizon).model();
            let trace = model.replicate(3, 0, mode, Budget::default()).unwrap();
            model.outcome(trace).measures["keys.east.kms-operations"].unwrap() as u64
        };
        let (march, april, all) = (up_to("29d 16h"), up_to("59d 16h"), up_to("80d"));
        assert_eq!(by_month, [march, april - march, all - april]);
        // March: 5 tables for 29 d 16 h and 3 for 19 d 16 h, 864 operations a day each: 128,160 and
        // 50,976. All times are whole periods, so each table makes one sweep per period exactly.
        assert_eq!(march, 128_160 + 50_976);
    }
}
