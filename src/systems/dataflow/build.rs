//! From the checked tables of a scenario to the plan of each job.

use super::job::{Job, code};
use super::plan::{Bucket, Constants, JobPlan, JobStreams, KeyPlan, Relaunch, SnapshotPlan, state};
use crate::engine::{EntityId, Process, SimDuration, StreamNumber, Streams};
use crate::systems::contract::{Command, Message, Plan, Spawn, SweepMode, model};
use crate::systems::flow::{self, Ratio, Sink};
use crate::systems::guard::Phasing;
use crate::systems::kms;
use crate::systems::spec::{Node, Use, Value};

/// DF-12: two principals use the key of a job.
pub(super) const PRINCIPALS: [&str; 2] = ["dataflow-service-account", "compute-engine-agent"];

/// Every use of a key by a job.
pub(super) fn uses(root: &Node) -> Vec<Use> {
    root.named("dataflow")
        .flat_map(|(name, job)| uses_of(&format!("dataflow.{name}"), job))
        .collect()
}

/// Every use of a key by one job.
fn uses_of(path: &str, job: &Node) -> Vec<Use> {
    let Some(key) = job.get("key") else { return Vec::new() };
    let used = |principal| Use {
        key: key.text().to_owned(),
        principal,
        project: job.get("project").map(|project| project.text().to_owned()),
        by: path.to_owned(),
    };
    PRINCIPALS.map(used).into()
}

/// The entity at a path, unless a word stands in its place.
fn entity(node: &Node, plan: &Plan) -> Option<EntityId> {
    if let Value::Reference(path) = &node.value { Some(plan.entity(path)) } else { None }
}

fn entities(list: Option<&Node>, plan: &Plan) -> Vec<EntityId> {
    list.map_or(&[][..], Node::list).iter().filter_map(|node| entity(node, plan)).collect()
}

/// Makes a process of each job, and says what flows through it.
pub(super) fn build(root: &Node, plan: &mut Plan) {
    for (name, node) in root.named("dataflow") {
        let path = format!("dataflow.{name}");
        let job = job(root, &path, node, plan);
        flows(root, &job, node, plan);
        let mut speaks_for = vec![job.entity];
        speaks_for.extend(job.snapshots.iter().map(|snapshot| snapshot.entity));
        if !job.runs_at_start {
            plan.starts_in(job.entity, state::STOPPED);
        }
        let process = plan.process(&speaks_for, Box::new(job));
        for used in uses_of(&path, node) {
            plan.depend(process, &used);
        }
    }
}

/// What the job reads and writes.
fn flows(root: &Node, job: &JobPlan, node: &Node, plan: &mut Plan) {
    let sources = entities(node.get("sources"), plan);
    let mut ratios = node.get("ratios").map_or(&[][..], Node::list).iter();
    let mut ratio = || ratios.next().and_then(|ratio| Ratio::read(ratio.text()));
    let sink = |entity| Sink { entity, ratio: ratio().unwrap_or(Ratio::ONE) };
    let sinks: Vec<Sink> = entities(node.get("sinks"), plan).into_iter().map(sink).collect();
    // DF-14: a batch job writes temporary files while it runs.
    let temp = node.get("temp-location").and_then(|temp| entity(temp, plan));
    let needs = temp.filter(|_| !job.streaming).into_iter().collect();
    let usual = node.at("capacity").number();
    plan.flows.jobs.push(flow::Job {
        entity: job.entity,
        sources,
        sinks,
        needs,
        arrivals: flow::arrivals(root, node, "arrivals"),
        retention: node.get("retention").map(Node::duration),
        batch: node.get("elements").filter(|_| !job.streaming).map(Node::count),
        capacity: (usual, node.get("capacity-max").map_or(usual, Node::number)),
        latency: node.at("latency").duration(),
        acknowledged_after: node.at("acknowledged-after").duration(),
        duplicates: node.at("writes").text() == "at-least-once",
        snapshots: job.snapshots.len(),
    });
}

fn job(root: &Node, path: &str, node: &Node, plan: &Plan) -> JobPlan {
    let m = model(root, "dataflow");
    let buckets = ["temp-location", "staging-location"].into_iter().filter_map(|what| {
        let entity = entity(node.get(what)?, plan)?;
        let serves = plan.kind(entity).states.iter().map(|state| state.serves).collect();
        Some(Bucket { what, entity, serves })
    });
    let snapshots = node.named("snapshots").map(|(name, snapshot)| {
        let path = format!("{path}.snapshots.{name}");
        SnapshotPlan {
            entity: plan.entity(&path),
            ttl: snapshot.get("ttl").unwrap_or_else(|| m.at("snapshot-ttl")).duration(),
            sources: snapshot.at("sources").bool(),
            time: StreamNumber::of(&path, "snapshot-time"),
        }
    });
    let relaunch = node.get("relaunch").map(|policy| Relaunch {
        after: policy.at("after").dist().clone(),
        every: policy.at("every").dist().clone(),
        attempts: policy.at("attempts").count(),
        from_snapshot: policy.at("from").text() == "snapshot",
    });
    JobPlan {
        entity: plan.entity(path),
        streaming: node.at("mode").text() == "streaming",
        streaming_engine: node.at("streaming-engine").bool(),
        key: node.get("key").map(|key| key_plan(root, path, node, key, plan)),
        ends: super::check::ends(node)
            .into_iter()
            .map(|path| (plan.entity(path), path.to_owned()))
            .collect(),
        buckets: buckets.collect(),
        siblings: siblings(root, path, node, plan),
        stops_on_revocation: node.at("key-revocation-action").text() == "stop",
        runs_at_start: node.at("initially").text() == "running",
        partly_protected: node.at("created").text() == "before-2024-03-07"
            && node.get("key").is_some()
            && node.at("mode").text() == "streaming",
        autoscales: node.get("capacity-max").is_some(),
        queue_time: node.at("queue-time").dist().clone(),
        relaunch,
        snapshots: snapshots.collect(),
        constants: constants(m),
        streams: streams(path),
    }
}

/// DJ-12: the other jobs of the same project.
fn siblings(root: &Node, path: &str, node: &Node, plan: &Plan) -> Vec<EntityId> {
    let project = |job: &Node| job.get("project").map(|project| project.text().to_owned());
    let own = project(node);
    let same = root.named("dataflow").filter(|(_, job)| project(job) == own);
    let paths = same.map(|(name, _)| format!("dataflow.{name}"));
    paths.filter(|other| other != path).map(|other| plan.entity(&other)).collect()
}

fn key_plan(root: &Node, path: &str, job: &Node, key: &Node, plan: &Plan) -> KeyPlan {
    let table = kms::table(root, key.text());
    let uses = uses_of(path, job);
    let grant = |principal: &str| {
        let used = uses.iter().find(|used| used.principal == principal);
        plan.entity(&used.expect("a job with a key uses it").grant())
    };
    KeyPlan {
        entity: plan.entity(key.text()),
        path: table.get("path").map_or_else(|| key.text(), Node::text).to_owned(),
        external: kms::is_external(table),
        quota: kms::quota_path(table).map(|path| plan.entity(&path)),
        version: kms::primary_at_start(table),
        grants: PRINCIPALS.map(grant),
    }
}

fn streams(path: &str) -> JobStreams {
    let of = |purpose| StreamNumber::of(path, purpose);
    JobStreams {
        phases: of("check-phase"),
        luck: of("check-answer"),
        creation: of("creation-answer"),
        queue: of("queue-time"),
        start: of("start-time"),
        halt: of("halt-delay"),
        cleanup: of("cleanup"),
        stuck: of("stuck-cancel"),
        retry: of("batch-retry"),
        restart: of("worker-restart"),
        scaling: of("scaling"),
        relaunch: of("relaunch"),
        vm_stop: of("vm-stop"),
    }
}

fn constants(m: &Node) -> Constants {
    let dist = |name: &str| m.at(name).dist().clone();
    let span = |name: &str| -> SimDuration { m.at(name).duration() };
    Constants {
        check_period: span("check-period"),
        phasing: Phasing::named(m.at("check-phase").text()),
        operations_per_check: m.at("kms-ops-per-check").count(),
        halt_delay: dist("halt-delay"),
        cleanup: dist("cleanup"),
        stuck_cancel: m.at("stuck-cancel").number(),
        force_cancel_after: span("force-cancel-after"),
        force_cancel_at_once: m.at("force-cancel").text() == "at-once",
        transient_grace: span("transient-grace"),
        snapshot_time: dist("snapshot-time"),
        batch_attempts: m.at("batch-attempts").count(),
        batch_retry: dist("batch-retry"),
        start_time: dist("start-time"),
        worker_restart: dist("worker-restart"),
        agent_as_service_account: m.at("compute-engine-revoked").text() == "as-dataflow",
        vm_stop: dist("vm-stop"),
        concurrent_jobs: m.get("concurrent-jobs").map(Node::count),
        scale_up_after: dist("scale-up-after"),
        scale_down_after: dist("scale-down-after"),
    }
}

/// Commands for one checked action.
pub(super) fn compile(action: &str, params: &Node, plan: &Plan) -> Vec<Command> {
    if action == "flow-outage" {
        // Every job is told; those whom it concerns listen.
        let entity = plan.entity(params.at("entity").text());
        let jobs = plan.entities().filter(|(_, kind)| kind.name == super::describe::JOB.name);
        let command = |job| Command { a: entity.0, ..Command::new(job, code::OUTAGE) };
        return jobs.map(|(path, _)| command(plan.entity(path))).collect();
    }
    let job = params.at("job").text();
    let slot = params.get("snapshot").map_or(u32::MAX, |snapshot| {
        // Snapshots are numbered in the order of their names, which is that of their entities.
        let prefix = format!("{job}.snapshots.");
        let own = plan.entities().map(|(path, _)| path).filter(|path| path.starts_with(&prefix));
        (0..).zip(own).find(|(_, path)| *path == snapshot.text()).map_or(u32::MAX, |(slot, _)| slot)
    });
    let code = match action {
        "launch-job" => code::LAUNCH,
        "update-job" => code::UPDATE,
        "drain-job" => code::DRAIN,
        "cancel-job" => code::CANCEL,
        "force-cancel-job" => code::FORCE_CANCEL,
        "snapshot-job" => code::SNAPSHOT,
        other => panic!("`{other}` is not an action of Dataflow"),
    };
    vec![Command { a: slot, ..Command::new(plan.entity(job), code) }]
}

impl Spawn for JobPlan {
    fn spawn<'a>(&'a self, streams: &Streams, sweeps: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Job::new(self, streams, sweeps))
    }
}
