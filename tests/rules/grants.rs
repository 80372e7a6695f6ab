//! Grants: roles by policy and by group, service perimeters, and whom they hit.

use crate::world::{ONE, World, secs};

/// Changes of a policy take 2 m, additions to a group 5 m, changes of a perimeter 3 m.
fn steady(world: World) -> World {
    world
        .set("model.kms.policy-propagation=2m")
        .set("model.kms.group-propagation=5m")
        .set("model.kms.perimeter-propagation=3m")
}

fn world(horizon: &str) -> World {
    steady(World::new(horizon, ONE))
}

const GRANT: &str = "keys.east.grants.bigtable-agent";
const EAST: &str = "bigtable.a.clusters.east";
const REVOKE: &str = "revoke-grant key=east principal=bigtable-agent";
const GIVE: &str = "grant key=east principal=bigtable-agent";
const BLOCK: &str = "vpc-sc-block key=east principal=bigtable-agent";

/// Two instances of two projects that share a key.
const SHARED: &str = r#"
[keys.east]
location = "us-east1"
[bigtable.a]
project = "sales"
[bigtable.a.clusters.east]
zone = "us-east1-b"
key = "east"
[bigtable.b]
project = "stock"
[bigtable.b.clusters.east]
zone = "us-east1-b"
key = "east"
"#;

#[test]
fn iam_01_a_role_is_revoked_and_granted_by_policy() {
    // Denied from 1 h 2 m, found at 1 h 5 m; granted from 3 h 2 m, found at 3 h 5 m.
    let played = world("5h").at("1h", REVOKE).at("3h", GIVE).play();
    played.expect(
        GRANT,
        &[
            ("1h", "revoking", "IAM-01"),
            ("1h 2m", "revoked", "IAM-01"),
            ("3h", "restoring", "IAM-01"),
            ("3h 2m", "granted", "IAM-01"),
        ],
    );
    played.expect(
        EAST,
        &[
            ("1h 5m", "disabled", "BT-29"),
            ("3h 5m", "bringing-up", "BT-38"),
            ("3h 15m", "serving", "BT-39"),
        ],
    );
    assert_eq!(played.measure(&format!("{GRANT}.denied-time")), 7_200.0);
    // The key itself is as it was.
    assert_eq!(played.transitions("keys.east"), []);
    let chain = played.chain(EAST, "bringing-up");
    assert_eq!(chain[1..], [(GRANT.to_owned(), "IAM-01"), (GRANT.to_owned(), "IAM-01")]);
}

#[test]
fn iam_01_a_change_back_before_it_has_propagated_is_never_seen() {
    let played = world("5h").at("1h", REVOKE).at("1h 1m", GIVE).play();
    played.expect(GRANT, &[("1h", "revoking", "IAM-01"), ("1h 1m", "granted", "IAM-01")]);
    assert_eq!(played.transitions(EAST), []);
    // The other way round: revoked again before the grant has arrived.
    let played = world("8h").at("1h", REVOKE).at("3h", GIVE).at("3h 1m", REVOKE).play();
    assert_eq!(played.state_at(GRANT, "3h 30s"), "restoring");
    assert_eq!(played.state_at(GRANT, "7h"), "revoked");
    played.expect(EAST, &[("1h 5m", "disabled", "BT-29")]);
}

#[test]
fn iam_01_what_is_so_already_changes_nothing() {
    let played = world("5h").at("1h", GIVE).at("2h", REVOKE).at("2h 1m", REVOKE).play();
    assert_eq!(played.noted(GRANT), [(secs("1h"), "IAM-01"), (secs("2h 1m"), "IAM-01")]);
    // The second command does not delay the first.
    assert_eq!(played.state_at(GRANT, "2h 2m"), "revoked");
}

#[test]
fn iam_01_policies_propagate_within_an_hour() {
    let world = World::with_defaults("5h", ONE).at("1h", REVOKE);
    for seed in crate::world::seeds(20) {
        let at = world.seeded(seed).transitions(GRANT)[1].0;
        assert!(at > 3_600.0 && at <= 7_200.0, "{at}");
    }
}

#[test]
fn iam_02_membership_of_a_group_takes_its_own_time() {
    // Removed at 1 h, seen twice five minutes later; added at 3 h, seen five minutes later.
    let played = world("5h")
        .at("1h", &format!("{REVOKE} via=group"))
        .at("3h", &format!("{GIVE} via=group"))
        .play();
    played.expect(
        GRANT,
        &[
            ("1h", "revoking", "IAM-02"),
            ("1h 10m", "revoked", "IAM-02"),
            ("3h", "restoring", "IAM-02"),
            ("3h 5m", "granted", "IAM-02"),
        ],
    );
    // Seen at the sweep of the very instant.
    played.expect(
        EAST,
        &[
            ("1h 10m", "disabled", "BT-29"),
            ("3h 5m", "bringing-up", "BT-38"),
            ("3h 15m", "serving", "BT-39"),
        ],
    );
}

#[test]
fn iam_03_a_removal_takes_so_many_times_as_long_as_an_addition() {
    for (factor, at) in [("3", "1h 15m"), ("1", "1h 5m")] {
        let played = world("5h")
            .set(&format!("model.kms.group-removal-factor={factor}"))
            .at("1h", &format!("{REVOKE} via=group"))
            .play();
        assert_eq!(played.transitions(GRANT)[1], (secs(at), "revoked", "IAM-02"));
    }
}

#[test]
fn bt_16_only_the_agent_of_the_project_loses_its_role() {
    let world = |what: &str| steady(World::new("5h", SHARED)).at("1h", what).play();
    let played = world(&format!("{REVOKE} project=sales"));
    assert_eq!(played.state_at("keys.east.grants.bigtable-agent-in-sales", "4h"), "revoked");
    assert_eq!(played.state_at("bigtable.a", "4h"), "disabled");
    assert_eq!(played.transitions("keys.east.grants.bigtable-agent-in-stock"), []);
    assert_eq!(played.transitions("bigtable.b"), []);
    // Without a project: both.
    let played = world(REVOKE);
    assert_eq!(played.state_at("bigtable.a", "4h"), "disabled");
    assert_eq!(played.state_at("bigtable.b", "4h"), "disabled");
    // The key is one: disabling it hits both.
    let played = world("disable-key key=east");
    assert_eq!(played.state_at("bigtable.a", "4h"), "disabled");
    assert_eq!(played.state_at("bigtable.b", "4h"), "disabled");
}

#[test]
fn bt_16_without_the_role_from_the_start_the_agent_is_denied() {
    // Found by the first sweep, and back three minutes after the grant of 1 h has propagated.
    let world = world("5h").set("keys.east.grants=[]").at("1h", GIVE);
    assert_eq!(world.diagnostics(), ["missing-grant"]);
    let played = world.play();
    assert_eq!(played.state_at(GRANT, "0s"), "revoked");
    played.expect(
        EAST,
        &[
            ("0s", "disabled", "BT-29"),
            ("1h 5m", "bringing-up", "BT-38"),
            ("1h 15m", "serving", "BT-39"),
        ],
    );
    // A role that nobody needs cannot be revoked: that would be a mistake.
    let unused = World::new("5h", ONE).at("1h", "revoke-grant key=east principal=pubsub-agent");
    assert_eq!(unused.diagnostics(), ["unused-grant"]);
}

#[test]
fn bt_35_a_perimeter_blocks_for_as_long_as_it_lasts() {
    // From 1 h to 3 h, each end seen three minutes later.
    let played = world("5h").during("1h", "2h", BLOCK).play();
    played.expect(
        GRANT,
        &[
            ("1h", "revoking", "BT-35"),
            ("1h 3m", "blocked", "BT-35"),
            ("3h", "restoring", "BT-35"),
            ("3h 3m", "granted", "BT-35"),
        ],
    );
    played.expect(
        EAST,
        &[
            ("1h 5m", "disabled", "BT-29"),
            ("3h 5m", "bringing-up", "BT-38"),
            ("3h 15m", "serving", "BT-39"),
        ],
    );
}

#[test]
fn bt_35_two_perimeters_block_until_both_are_gone() {
    let played = world("6h").during("1h", "2h", BLOCK).during("2h", "2h", BLOCK).play();
    played.expect(
        GRANT,
        &[
            ("1h", "revoking", "BT-35"),
            ("1h 3m", "blocked", "BT-35"),
            ("4h", "restoring", "BT-35"),
            ("4h 3m", "granted", "BT-35"),
        ],
    );
}

#[test]
fn bt_35_role_and_perimeter_deny_each_by_itself() {
    // The perimeter from 1 h 3 m to 3 h 3 m, the role from 2 h 2 m to 4 h 2 m.
    let played = world("6h").during("1h", "2h", BLOCK).at("2h", REVOKE).at("4h", GIVE).play();
    played.expect(
        GRANT,
        &[
            ("1h", "revoking", "BT-35"),
            ("1h 3m", "blocked", "BT-35"),
            ("2h 2m", "revoked", "IAM-01"),
            ("4h", "restoring", "IAM-01"),
            ("4h 2m", "granted", "IAM-01"),
        ],
    );
    // One outage, until the sweep of 4 h 5 m.
    assert_eq!(played.measure("bigtable.a.downtime"), secs("3h"));
}

#[test]
fn bt_35_access_stays_blocked_until_key_and_role_are_both_there() {
    // The key from 1 h 30 s to 3 h, the role from 2 h 2 m to 4 h 2 m.
    let played = world("6h")
        .at("1h", "disable-key key=east")
        .at("2h", REVOKE)
        .at("3h", "enable-key key=east")
        .at("4h", GIVE)
        .play();
    assert_eq!(played.transitions("keys.east").last(), Some(&(secs("3h"), "enabled", "KMS-09")));
    played.expect(
        EAST,
        &[
            ("1h 5m", "disabled", "BT-29"),
            ("4h 5m", "bringing-up", "BT-38"),
            ("4h 15m", "serving", "BT-39"),
        ],
    );
}

#[test]
fn bt_41_a_revoked_role_counts_for_thirty_days() {
    // Denied from 1 h 2 m on.
    let played = world("40d").at("1h", REVOKE).play();
    let last = |path: &str| played.transitions(path).last().copied();
    assert_eq!(last("bigtable.a"), Some((secs("30d 1h 2m"), "deleted", "BT-41")));
    // Granted in time.
    let played = world("40d").at("1h", REVOKE).at("30d", GIVE).play();
    assert_eq!(played.measure("bigtable.a.irreversible"), 0.0);
    // What denies may change: the key is disabled from 20 d, the role granted from 25 d on; it is
    // without a break all the same.
    let played =
        world("40d").at("1h", REVOKE).at("20d", "disable-key key=east").at("25d", GIVE).play();
    let last = played.transitions("bigtable.a").last().copied();
    assert_eq!(last, Some((secs("30d 1h 2m"), "deleted", "BT-41")));
}
