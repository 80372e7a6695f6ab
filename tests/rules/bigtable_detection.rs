//! From the change of a key to the clusters that go down: sweeps, cascade, order and pace.

use crate::world::{ONE, THREE, World, secs, seeds};

/// The key of the east cluster is disabled at 1 h 2 m: denied at 1 h 2 m 30 s, found at 1 h 5 m.
fn one_of_three() -> World {
    World::new("12h", THREE).at("1h 2m", "disable-key key=east")
}

#[test]
fn bt_08_sweeps_and_operations_are_counted_for_every_table_of_every_cluster() {
    // 2 clusters x 3 tables x 24 h x 12 sweeps an hour (at 0, 5 m, ..., 23 h 55 m) = 1,728.
    let two = r#"
[keys.east]
location = "us-east1"
[keys.west]
location = "us-west1"
[bigtable.a]
tables = 3
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.a.clusters.west]
zone = "us-west1-a"
key = "west"
"#;
    let played = World::new("24h", two).play();
    assert_eq!(played.measure("bigtable.a.sweeps"), 1_728.0);
    // Three operations each, on the key of the cluster.
    assert_eq!(played.measure("keys.east.kms-operations"), 3.0 * 864.0);
    assert_eq!(played.measure("keys.west.kms-operations"), 3.0 * 864.0);
    // Random phases lie within the period, so the count over whole periods is the same.
    let random = World::with_defaults("24h", two);
    assert_eq!(random.play().measure("bigtable.a.sweeps"), 1_728.0);
}

#[test]
fn bt_14_operations_per_sweep_may_be_set() {
    let played = World::new("24h", ONE).set("model.bigtable.kms-ops-per-sweep=5").play();
    assert_eq!(played.measure("keys.east.kms-operations"), 5.0 * 288.0);
}

#[test]
fn bt_25_nothing_is_found_before_the_change_has_propagated() {
    // Disabled 20 s before the sweep of 1 h 5 m, denied 10 s after it: found at 1 h 10 m.
    let played = World::new("4h", ONE).at("1h 4m 40s", "disable-key key=east").play();
    played.expect("bigtable.a.clusters.east", &[("1h 10m", "disabled", "BT-29")]);
    // Denied at the very instant of a sweep: the sweep sees it.
    let played = World::new("4h", ONE).at("1h 4m 30s", "disable-key key=east").play();
    played.expect("bigtable.a.clusters.east", &[("1h 5m", "disabled", "BT-29")]);
}

#[test]
fn bt_26_a_slow_propagation_delays_everything_after_it() {
    // Four hours: 1 h 2 m + 4 h = 5 h 2 m, found at 5 h 5 m; the rest of the cascade from there.
    let played = one_of_three().set("model.kms.disable-propagation=4h").play();
    played.expect("bigtable.a.clusters.east", &[("5h 5m", "disabled", "BT-29")]);
    assert_eq!(played.measure("bigtable.a.time-to-first-error"), secs("4h 3m"));
    assert_eq!(played.measure("bigtable.a.time-to-lockout"), secs("5h 3m"));
}

#[test]
fn bt_27_aligned_sweeps_lie_on_multiples_of_the_period() {
    let played = one_of_three().set("model.bigtable.sweep-period=7m").play();
    // 9 x 7 m = 63 m is the first after 62 m 30 s.
    assert_eq!(played.transitions("bigtable.a.clusters.east")[0].0, secs("1h 3m"));
    // 12 h = 720 m: 0, 7, ..., 714 are 103 sweeps for each of three clusters.
    assert_eq!(played.measure("bigtable.a.sweeps"), 309.0);
}

#[test]
fn bt_27_spread_sweeps_divide_the_period_among_the_tables() {
    // Five tables: one sweep every minute; 1 h 2 m 30 s is found at 1 h 3 m.
    let world = one_of_three().set("model.bigtable.sweep-phase=spread");
    let played = world.clone().set("bigtable.a.tables=5").play();
    assert_eq!(played.transitions("bigtable.a.clusters.east")[0].0, secs("1h 3m"));
    // 12 h x 12 x 5 tables x 3 clusters.
    assert_eq!(played.measure("bigtable.a.sweeps"), 2_160.0);
    // One table: its phase is zero.
    assert_eq!(world.play().transitions("bigtable.a.clusters.east")[0].0, secs("1h 5m"));
}

#[test]
fn bt_28_an_instance_without_tables_is_not_validated() {
    let played = one_of_three()
        .set("bigtable.a.tables=0")
        .during("5h", "3h", "kms-outage location=everywhere")
        .play();
    assert_eq!(played.transitions("bigtable.a"), []);
    assert_eq!(played.transitions("bigtable.a.clusters.east"), []);
    assert_eq!(played.measure("bigtable.a.sweeps"), 0.0);
}

#[test]
fn bt_28_the_first_table_starts_the_validation() {
    // The key has long been denied; the table of 3 h 1 m is swept at 3 h 5 m.
    let played =
        one_of_three().set("bigtable.a.tables=0").at("3h 1m", "create-table instance=a").play();
    played.expect("bigtable.a.clusters.east", &[("3h 5m", "disabled", "BT-29")]);
}

#[test]
fn bt_29_one_denied_key_takes_the_whole_instance_down() {
    // East at 1 h 5 m, then one cluster every 30 m in the order of the names.
    let played = one_of_three().play();
    played.expect("bigtable.a.clusters.east", &[("1h 5m", "disabled", "BT-29")]);
    played.expect("bigtable.a.clusters.eu", &[("1h 35m", "disabled", "BT-29")]);
    played.expect("bigtable.a.clusters.west", &[("2h 5m", "disabled", "BT-29")]);
    let states: Vec<_> = played.transitions("bigtable.a").iter().map(|t| (t.0, t.1)).collect();
    assert_eq!(states, [(secs("1h 5m"), "degraded"), (secs("2h 5m"), "disabled")]);
    // The other keys are as healthy as ever.
    assert_eq!(played.measure("keys.west.downtime"), 0.0);
    assert_eq!(played.measure("bigtable.a.downtime"), secs("12h") - secs("2h 5m"));
    assert_eq!(played.measure("bigtable.a.degraded-time"), 3_600.0);
    // The event, the denial, the cluster, and on to the last cluster.
    let chain = played.chain("bigtable.a.clusters.west", "disabled");
    assert_eq!(chain.last().unwrap(), &("keys.east".to_owned(), "KMS-02"), "{chain:?}");
}

#[test]
fn bt_29_a_key_that_starts_disabled_is_found_by_the_first_sweep() {
    let played = World::new("4h", THREE).set("keys.eu.state=disabled").play();
    played.expect("bigtable.a.clusters.eu", &[("0s", "disabled", "BT-29")]);
    played.expect("bigtable.a.clusters.east", &[("30m", "disabled", "BT-29")]);
    played.expect("bigtable.a.clusters.west", &[("1h", "disabled", "BT-29")]);
}

#[test]
fn bt_29_enabling_during_the_cascade_stops_it() {
    // Enabled at 1 h 42 m, seen at 1 h 45 m: east and eu are down and come back, west never goes.
    let played = one_of_three().at("1h 42m", "enable-key key=east").play();
    assert_eq!(played.transitions("bigtable.a.clusters.west"), []);
    assert_eq!(played.state_at("bigtable.a.clusters.eu", "1h 44m"), "disabled");
    assert_eq!(played.state_at("bigtable.a.clusters.eu", "1h 45m"), "bringing-up");
    assert_eq!(played.state_at("bigtable.a.clusters.east", "1h 55m"), "serving");
    assert_eq!(played.measure("bigtable.a.downtime"), 0.0);
    // Degraded from 1 h 5 m to 1 h 55 m.
    assert_eq!(played.measure("bigtable.a.degraded-time"), secs("50m"));
}

#[test]
fn bt_32_the_pace_stretches_the_cascade_in_proportion() {
    // The same draw with a median of 5 m, 30 m and 2 h: 1 to 6 to 24, unless the six hours cut it.
    let two = THREE.split("[keys.west]").next().unwrap().to_owned()
        + "[bigtable.a.clusters.east]\nzone = \"us-east1-b\"\nkey = \"east\"\n\
           [bigtable.a.clusters.eu]\nzone = \"europe-west1-c\"\nkey = \"eu\"\n";
    let world = World::with_defaults("12h", &two)
        .set("model.kms.disable-propagation=30s")
        .set("model.bigtable.sweep-phase=aligned")
        .at("1h 2m", "disable-key key=east");
    let step = |pace: &str, seed| {
        let world = world.clone().set(&format!("model.bigtable.cascade-pace={pace}"));
        let played = world.seeded(seed);
        played.transitions("bigtable.a.clusters.eu")[0].0 - secs("1h 5m")
    };
    let mut fast = Vec::new();
    for seed in seeds(200) {
        let one = step("fast", seed);
        let cut = |step: f64| step.min(21_600.0);
        assert!((step("typical", seed) - cut(6.0 * one)).abs() < 1e-3, "seed {seed}");
        assert!((step("slow", seed) - cut(24.0 * one)).abs() < 1e-3, "seed {seed}");
        fast.push(one);
    }
    // Sigma is ln 4 / 1.645 = 0.843, so the log of the median of 200 has a standard deviation of
    // 1.2533 x 0.843 / sqrt(200) = 0.075: within a factor exp(0.3) = 1.35 of 5 m.
    fast.sort_by(f64::total_cmp);
    assert!((222.0..405.0).contains(&fast[100]), "{}", fast[100]);
    // 95 % within 20 m: 190 of 200, sd 3.1.
    let within = fast.iter().filter(|step| **step <= 1_200.0).count();
    assert!((178..=200).contains(&within), "{within}");
}

#[test]
fn bt_32_the_whole_cascade_takes_no_longer_than_its_total() {
    // Steps of 5 h: the second cluster after 5 h, the third not after 10 h but after 6 h.
    let world = one_of_three().set("model.bigtable.cascade-step=5h");
    let played = world.clone().play();
    assert_eq!(played.transitions("bigtable.a.clusters.eu")[0].0, secs("6h 5m"));
    assert_eq!(played.transitions("bigtable.a.clusters.west")[0].0, secs("7h 5m"));
    // A total of zero takes all of them at once.
    let played = world.set("model.bigtable.cascade-total-max=0s").play();
    for cluster in ["east", "eu", "west"] {
        let path = format!("bigtable.a.clusters.{cluster}");
        assert_eq!(played.transitions(&path)[0].0, secs("1h 5m"));
    }
    assert_eq!(played.measure("bigtable.a.degraded-time"), 0.0);
}

#[test]
fn bt_33_with_all_keys_disabled_every_cluster_goes_down_at_its_own_sweep() {
    let played =
        one_of_three().at("1h 2m", "disable-key key=eu").at("1h 2m", "disable-key key=west").play();
    for cluster in ["east", "eu", "west"] {
        let path = format!("bigtable.a.clusters.{cluster}");
        assert_eq!(played.transitions(&path)[0].0, secs("1h 5m"));
        assert_eq!(played.transitions(&path)[0].1, "disabled");
    }
    assert_eq!(played.measure("bigtable.a.degraded-time"), 0.0);
    let last = played.transitions("bigtable.a.clusters.west")[0].2;
    assert_eq!(last, "BT-33", "{}", played.story());
    // A second key that is disabled during the cascade takes its cluster at its own sweep: west
    // at 1 h 15 m, not at 2 h 5 m; eu keeps its turn at 1 h 35 m.
    let played = one_of_three().at("1h 12m", "disable-key key=west").play();
    played.expect("bigtable.a.clusters.west", &[("1h 15m", "disabled", "BT-33")]);
    // Its turn in the cascade, at 2 h 5 m, has become void.
    assert_eq!(played.noted("bigtable.a.clusters.west"), []);
    played.expect("bigtable.a.clusters.eu", &[("1h 35m", "disabled", "BT-29")]);
}

#[test]
fn q_03_the_affected_cluster_comes_first_and_the_rest_by_name_or_at_random() {
    // West is affected: then east, then eu.
    let world = World::new("12h", THREE).at("1h 2m", "disable-key key=west");
    let played = world.clone().play();
    assert_eq!(played.transitions("bigtable.a.clusters.west")[0].0, secs("1h 5m"));
    assert_eq!(played.transitions("bigtable.a.clusters.east")[0].0, secs("1h 35m"));
    assert_eq!(played.transitions("bigtable.a.clusters.eu")[0].0, secs("2h 5m"));
    // At random: either order, each about half of the time (200 runs, sd 7), west always first.
    let random = world.set("model.bigtable.cascade-order=random");
    let mut east_second = 0;
    for seed in seeds(200) {
        let played = random.seeded(seed);
        let at = |cluster: &str| played.transitions(&format!("bigtable.a.clusters.{cluster}"))[0].0;
        assert_eq!(at("west"), secs("1h 5m"));
        let mut rest = [at("east"), at("eu")];
        east_second += u32::from(rest[0] < rest[1]);
        rest.sort_by(f64::total_cmp);
        assert_eq!(rest, [secs("1h 35m"), secs("2h 5m")]);
    }
    assert!((72..=128).contains(&east_second), "{east_second}");
}

#[test]
fn q_16_random_phases_find_a_change_after_the_least_of_as_many_uniform_waits() {
    // Four tables: mean 300/5 = 60 s, standard deviation 49 s; of 400 runs 2.4 s.
    let world = World::new("4h", ONE)
        .set("model.bigtable.sweep-phase=random")
        .set("bigtable.a.tables=4")
        .at("1h 2m", "disable-key key=east");
    let waits: Vec<f64> = seeds(400)
        .map(|seed| {
            let at = world.seeded(seed).transitions("bigtable.a.clusters.east")[0].0;
            at - secs("1h 2m 30s")
        })
        .collect();
    assert!(waits.iter().all(|wait| (0.0..300.0).contains(wait)));
    let mean = waits.iter().sum::<f64>() / 400.0;
    assert!((mean - 60.0).abs() < 10.0, "{mean}");
}

#[test]
fn br_13_a_cluster_taken_down_because_of_a_key_is_called_disabled() {
    let played = one_of_three().play();
    assert_eq!(played.state_at("bigtable.a.clusters.west", "3h"), "disabled");
    assert_eq!(played.measure("bigtable.a.clusters.west.downtime"), secs("12h") - secs("2h 5m"));
    assert_eq!(played.measure("bigtable.a.clusters.east.outages"), 1.0);
}
