//! From the checked tables of a scenario to the plan of each instance.

use super::instance::{Instance, code};
use super::needs::needs;
use super::plan::{
    BackupPlan, ClusterPlan, Constants, GraceTimer, InstancePlan, ProfilePlan, Routing,
    backup_state, cluster_state, profile_state,
};
use super::protection::check_policy;
use super::writes::Lags;
use crate::diag::Diagnostic;
use crate::engine::{Dist, Process, SimDuration, StreamNumber, Streams};
use crate::limits;
use crate::systems::contract::{Command, Message, Plan, Spawn, SweepMode, model};
use crate::systems::guard::{GraceReset, Phasing};
use crate::systems::kms;
use crate::systems::policy::{self, Policy};
use crate::systems::spec::{Node, Use};
use std::collections::BTreeMap;

/// The region of a zone: `us-east1-b` lies in `us-east1`.
fn region(zone: &str) -> &str {
    zone.rsplit_once('-').map_or(zone, |(region, _)| region)
}

/// Documented set-up rules.
pub(super) fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    let keys: BTreeMap<&str, &Node> = root.named("keys").collect();
    let key_of = |cluster: &Node| {
        let name = cluster.get("key")?.text().strip_prefix("keys.")?;
        keys.get(name).copied()
    };
    for (name, instance) in root.named("bigtable") {
        let clusters: Vec<(&str, &Node)> = instance.named("clusters").collect();
        check_places(name, instance, &clusters, found);
        for (cluster_name, cluster) in &clusters {
            if let Some(key) = key_of(cluster) {
                check_region(cluster_name, cluster, key, found);
            }
        }
        let (with, without): (Vec<_>, Vec<_>) =
            clusters.iter().partition(|(_, cluster)| cluster.get("key").is_some());
        if let (Some(_), Some((cluster_name, cluster))) = (with.first(), without.first()) {
            found.push(
                Diagnostic::error(
                    "cluster-without-key",
                    cluster.span.clone(),
                    format!("cluster `{cluster_name}` has no key, but other clusters of `{name}` have one (BT-15, BT-19)"),
                )
                .label("this cluster")
                .help("add `key = \"NAME\"`, or take the key out of every cluster"),
            );
        }
        let external = |cluster: &Node| key_of(cluster).map(kms::is_external);
        let kinds: Vec<bool> =
            clusters.iter().filter_map(|(_, cluster)| external(cluster)).collect();
        if kinds.contains(&true) && kinds.contains(&false) {
            found.push(
                Diagnostic::warning(
                    "mixed-external-keys",
                    instance.span.clone(),
                    format!("instance `{name}` mixes external and other keys, which Google advises against (BT-52)"),
                )
                .label("this instance")
                .help("protect all clusters of an instance by keys of one kind"),
            );
        }
        check_events(name, instance, found);
        check_backups(name, instance, root, found);
    }
    check_policy(root, found);
}

/// BR-01: at most one cluster per zone, 8 regions.
fn check_places(
    name: &str,
    instance: &Node,
    clusters: &[(&str, &Node)],
    found: &mut Vec<Diagnostic>,
) {
    let mut zones: BTreeMap<&str, &str> = BTreeMap::new();
    let mut regions: Vec<&str> = Vec::new();
    for (cluster_name, cluster) in clusters {
        let zone = cluster.at("zone");
        if let Some(other) = zones.insert(zone.text(), cluster_name) {
            found.push(
                Diagnostic::error(
                    "zone-taken",
                    zone.span.clone(),
                    format!("clusters `{other}` and `{cluster_name}` of `{name}` are in one zone (BR-01)"),
                )
                .label("taken")
                .help("place each cluster of an instance in a zone of its own"),
            );
        }
        if !regions.contains(&region(zone.text())) {
            regions.push(region(zone.text()));
        }
    }
    if regions.len() > 8 || clusters.len() > limits::CLUSTERS_MAX {
        found.push(
            Diagnostic::error(
                "limit-clusters",
                instance.span.clone(),
                format!(
                    "instance `{name}` has {} clusters in {} regions (BR-01)",
                    clusters.len(),
                    regions.len()
                ),
            )
            .label("this instance")
            .help(format!(
                "an instance has at most {} clusters in at most 8 regions",
                limits::CLUSTERS_MAX
            )),
        );
    }
}

/// BT-06: the key of a cluster is in the cluster's region.
fn check_region(cluster_name: &str, cluster: &Node, key: &Node, found: &mut Vec<Diagnostic>) {
    let home = region(cluster.at("zone").text());
    let location = key.at("location").text();
    if location != home {
        // A region ends in a digit; `global`, `us`, `eur4` and their like are not the place of a
        // cluster, whatever they contain.
        let wide = !location.contains('-');
        let message = if wide {
            format!(
                "cluster `{cluster_name}` is in {home}, but its key is in {location}: only a regional key of the cluster's own region is accepted (BR-17, BT-06)"
            )
        } else {
            format!("cluster `{cluster_name}` is in {home}, but its key is in {location} (BT-06)")
        };
        found.push(
            Diagnostic::error("key-region", cluster.at("key").span.clone(), message)
                .label(format!("a key in {location}"))
                .help(format!("choose a key with `location = \"{home}\"`")),
        );
    }
}

/// BT-22: a backup that says its key version is there at the start, on a key that has the version.
fn check_backups(name: &str, instance: &Node, root: &Node, found: &mut Vec<Diagnostic>) {
    for (backup_name, backup) in instance.named("backups") {
        let Some(version) = backup.get("key-version") else { continue };
        let by = format!("backup `{backup_name}` of `{name}`");
        let cluster = last(backup.at("cluster").text());
        let key = instance.at("clusters").get(cluster).and_then(|cluster| cluster.get("key"));
        let (message, label) = if backup.at("initially").text() == "absent" {
            let why = "is taken in the run, and pinned to the version that is primary then (BT-22)";
            (format!("{by} {why}"), "not known before")
        } else if let Some(key) = key {
            kms::check_bound(&by, key.text(), root, version, found);
            continue;
        } else {
            (format!("{by} is on cluster `{cluster}`, which has no key"), "a version of what?")
        };
        found.push(
            Diagnostic::error("no-such-version", version.span.clone(), message)
                .label(label)
                .help("take `key-version` out"),
        );
    }
}

/// An instance whose clusters are all absent has nothing to play.
fn check_events(name: &str, instance: &Node, found: &mut Vec<Diagnostic>) {
    if instance.named("clusters").all(|(_, cluster)| cluster.at("initially").text() == "absent") {
        found.push(
            Diagnostic::error(
                "no-cluster-present",
                instance.span.clone(),
                format!("every cluster of instance `{name}` is absent at the start"),
            )
            .label("this instance")
            .help("let at least one cluster be `initially = \"present\"`"),
        );
    }
}

/// BT-16: the service agent of the instance's project uses the key of each cluster.
pub(super) fn uses(root: &Node) -> Vec<Use> {
    let mut found = Vec::new();
    for (name, instance) in root.named("bigtable") {
        for (cluster_name, cluster) in instance.named("clusters") {
            if let Some(key) = cluster.get("key") {
                found.push(Use {
                    key: key.text().to_owned(),
                    principal: "bigtable-agent",
                    project: instance.get("project").map(|project| project.text().to_owned()),
                    by: format!("bigtable.{name}.clusters.{cluster_name}"),
                });
            }
        }
    }
    found
}

/// The name at the end of a path.
fn last(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, name)| name)
}

/// Commands for one checked action.
pub(super) fn compile(action: &str, params: &Node, plan: &Plan) -> Vec<Command> {
    let instance = plan.entity(params.get("into").unwrap_or(params.at("instance")).text());
    let target = |name: &str| params.get(name).map_or(u32::MAX, |node| plan.entity(node.text()).0);
    let (code, a, b) = match action {
        "create-table" => (code::CREATE_TABLE, params.at("count").count() as u32, 0),
        "delete-table" => (code::DELETE_TABLE, params.at("count").count() as u32, 0),
        "modify-column-family" => (code::MODIFY_FAMILY, 0, 0),
        "restore-table" => (code::RESTORE_TABLE, target("backup"), 0),
        "create-cluster" => (code::CREATE_CLUSTER, target("cluster"), 0),
        "delete-cluster" => (code::DELETE_CLUSTER, target("cluster"), 0),
        "create-backup" => (code::CREATE_BACKUP, target("backup"), 0),
        "delete-backup" => (code::DELETE_BACKUP, target("backup"), 0),
        "delete-instance" => (code::DELETE_INSTANCE, 0, 0),
        "replication-partition" => (code::PARTITION, target("cluster"), target("peer")),
        other => panic!("`{other}` is not an action of Bigtable"),
    };
    vec![Command { a, b, ..Command::new(instance, code) }]
}

/// The pace of a cascade (BT-32): the median of a step; the 95th percentile is four times that.
fn pace(word: &str) -> Dist {
    let minutes = match word {
        "fast" => 5,
        "typical" => 30,
        "slow" => 120,
        other => panic!("`{other}` is not a pace"),
    };
    Dist::lognormal_p95(SimDuration::from_secs(60 * minutes), SimDuration::from_secs(240 * minutes))
        .expect("a median below its 95th percentile")
}

fn constants(root: &Node) -> Constants {
    let m = model(root, "bigtable");
    let word = |name: &str| m.at(name).text();
    let (cascade_step, cascade_step_name) = match m.get("cascade-step") {
        Some(step) => (step.dist().clone(), "model.bigtable.cascade-step"),
        None => (pace(word("cascade-pace")), "model.bigtable.cascade-pace"),
    };
    Constants {
        sweep_period: m.at("sweep-period").duration(),
        phasing: match word("sweep-phase") {
            "aligned" => Phasing::Aligned,
            "spread" => Phasing::Spread,
            _ => Phasing::Random,
        },
        operations_per_sweep: m.at("kms-ops-per-sweep").count(),
        cascade_step,
        cascade_step_name,
        cascade_total_max: m.at("cascade-total-max").duration(),
        cascade_random: word("cascade-order") == "random",
        grace: m.at("kms-grace").duration(),
        grace_timer: match word("grace-timer") {
            "table" => GraceTimer::Table,
            "instance" => GraceTimer::Instance,
            _ => GraceTimer::Cluster,
        },
        grace_from_outage: word("grace-from") == "outage-start",
        grace_takes_instance: word("grace-scope") == "instance",
        grace_reset: match word("grace-reset") {
            "outage-end" => GraceReset::OutageEnd,
            _ => GraceReset::AnySuccess,
        },
        offline_ramp: m.at("offline-ramp").dist().clone(),
        bringup: m.at("bringup").dist().clone(),
        bringup_timeouts: m.at("bringup-timeouts").number(),
        best_effort_errors: m.at("best-effort-errors").number(),
        delete_after: m.at("delete-after").duration(),
        deletes_any_disabled: word("deletion-clock") == "any-disabled",
        error_split: m.at("error-split").number(),
        route_around: m.at("route-around-disabled").bool(),
        reroute_delay: m.at("reroute-delay").duration(),
        writes_kept: word("acknowledged-writes") == "kept",
        rewrap_delay: m.at("rewrap-delay").dist().clone(),
        partial_spreads: m.at("partial-spreads").number(),
    }
}

/// Makes a process of each instance.
pub(super) fn build(root: &Node, plan: &mut Plan) {
    for (name, node) in root.named("bigtable") {
        let instance = instance(root, name, node, plan);
        let mut speaks_for = vec![instance.entity];
        speaks_for.extend(instance.clusters.iter().map(|cluster| cluster.entity));
        speaks_for.extend(instance.profiles.iter().map(|profile| profile.entity));
        speaks_for.extend(instance.backups.iter().map(|backup| backup.entity));
        for backup in instance.backups.iter().filter(|backup| !backup.present) {
            plan.starts_in(backup.entity, backup_state::ABSENT);
        }
        for cluster in instance.clusters.iter().filter(|cluster| !cluster.present) {
            plan.starts_in(cluster.entity, cluster_state::ABSENT);
        }
        for profile in &instance.profiles {
            if matches!(profile.routing, Routing::Single(c) if !instance.clusters[c].present) {
                plan.starts_in(profile.entity, profile_state::FAILING_DENIED);
            }
        }
        needs(&instance, plan);
        let process = plan.process(&speaks_for, Box::new(instance));
        policy::obey(root, process, plan);
        let path = format!("bigtable.{name}.");
        for used in uses(root).iter().filter(|used| used.by.starts_with(&path)) {
            plan.depend(process, used);
        }
    }
}

fn instance(root: &Node, name: &str, node: &Node, plan: &Plan) -> InstancePlan {
    let path = format!("bigtable.{name}");
    let used = uses(root);
    let clusters: Vec<ClusterPlan> = node
        .named("clusters")
        .map(|(cluster_name, cluster)| {
            let path = format!("{path}.clusters.{cluster_name}");
            let key = cluster.get("key").map(Node::text);
            let used = used.iter().find(|used| used.by == path);
            let table = |key: &str| root.at("keys").at(last(key));
            ClusterPlan {
                entity: plan.entity(&path),
                name: cluster_name.to_owned(),
                key: key.map(|key| plan.entity(key)),
                grant: used.map(|used| plan.entity(&used.grant())),
                quota: key.and_then(|key| kms::quota_path(table(key))).map(|q| plan.entity(&q)),
                version: key.map_or(1, |key| kms::primary_at_start(table(key))),
                present: cluster.at("initially").text() == "present",
                phases: StreamNumber::of(&path, "sweep-phase"),
                luck: StreamNumber::of(&path, "sweep-answer"),
                ramp: StreamNumber::of(&path, "offline-ramp"),
                bringup: StreamNumber::of(&path, "bringup"),
                at_risk: StreamNumber::of(&path, "writes-at-risk"),
                rewrap: StreamNumber::of(&path, "rewrap"),
                partial: StreamNumber::of(&path, "partial"),
            }
        })
        .collect();
    let names: Vec<&str> = node.named("clusters").map(|(name, _)| name).collect();
    let regions: Vec<&str> =
        node.named("clusters").map(|(_, cluster)| region(cluster.at("zone").text())).collect();
    let profiles = node
        .named("app-profiles")
        .map(|(profile_name, profile)| ProfilePlan {
            entity: plan.entity(&format!("{path}.app-profiles.{profile_name}")),
            routing: routing(profile, &names, &regions),
            reads: profile.at("reads").number(),
            writes: profile.at("writes").number(),
        })
        .collect();
    let backups = node
        .named("backups")
        .map(|(backup_name, backup)| BackupPlan {
            entity: plan.entity(&format!("{path}.backups.{backup_name}")),
            cluster: position(&names, backup.at("cluster")),
            version: backup.get("key-version").map(|version| version.count() as u32),
            present: backup.at("initially").text() == "present",
        })
        .collect();
    let own_lag = node.get("replication-lag").map(Node::dist);
    let constants_node = model(root, "bigtable");
    let keyed = clusters.iter().any(|cluster| cluster.key.is_some());
    // BT-04: comparable performance with keys.
    let factor = if keyed { constants_node.at("cmek-latency-factor").number() } else { 1.0 };
    let lags = Lags::new(regions.len(), factor, |from, to| {
        if let Some(lag) = own_lag {
            return (lag, None);
        }
        let (name, constant) = if regions[from] == regions[to] {
            ("replication-lag-same-region", "model.bigtable.replication-lag-same-region")
        } else {
            ("replication-lag-cross-region", "model.bigtable.replication-lag-cross-region")
        };
        (constants_node.at(name).dist(), Some(constant))
    });
    InstancePlan {
        entity: plan.entity(&path),
        tables: node.at("tables").count() as u32,
        policy: Policy::at_start(root, plan),
        constants: constants(root),
        clusters,
        profiles,
        backups,
        lags,
        cascade_order: StreamNumber::of(&path, "cascade-order"),
        cascade_step: StreamNumber::of(&path, "cascade-step"),
    }
}

/// Place of the cluster that a reference names.
fn position(names: &[&str], reference: &Node) -> usize {
    position_of(names, reference.text())
}

fn position_of(names: &[&str], path: &str) -> usize {
    names.iter().position(|name| *name == last(path)).expect("references are checked")
}

/// BR-05, BR-06: where the requests of a profile go. A request that cannot go to its nearest
/// cluster goes to another of the same region, then to the others in the order preferred.
fn routing(profile: &Node, names: &[&str], regions: &[&str]) -> Routing {
    if let ("single-cluster", Some(cluster)) = profile.at("routing").tagged() {
        return Routing::Single(position(names, cluster));
    }
    let mut preferred: Vec<usize> = profile
        .get("prefers")
        .map(|list| list.list().iter().map(|node| position(names, node)).collect())
        .unwrap_or_default();
    for cluster in 0..names.len() {
        if !preferred.contains(&cluster) {
            preferred.push(cluster);
        }
    }
    let from = |nearest: usize| {
        let mut order = preferred.clone();
        order.sort_by_key(|&cluster| (cluster != nearest, regions[cluster] != regions[nearest]));
        order
    };
    let origins = match profile.get("traffic") {
        Some(traffic) => traffic
            .shares()
            .iter()
            .map(|(path, share)| (*share, from(position_of(names, path))))
            .collect(),
        None => vec![(1.0, preferred)],
    };
    Routing::Multi { origins }
}

impl Spawn for InstancePlan {
    fn spawn<'a>(&'a self, streams: &Streams, sweeps: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Instance::new(self, streams, sweeps))
    }
}
