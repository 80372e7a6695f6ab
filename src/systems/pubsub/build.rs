//! From the checked tables of a scenario to the plan of each topic.

use super::topic::{Constants, SubscriptionPlan, Topic, TopicPlan};
use crate::diag::Diagnostic;
use crate::engine::{Process, StreamNumber, Streams};
use crate::systems::contract::{Message, Plan, Spawn, SweepMode, model};
use crate::systems::flow::{self, Publisher, Subscription};
use crate::systems::guard::Phasing;
use crate::systems::kms;
use crate::systems::spec::{Node, Use};

/// Set-up rules.
pub(super) fn check(root: &Node, found: &mut Vec<Diagnostic>) {
    for (_, topic) in root.named("pubsub") {
        flow::check_arrivals(topic, "publishes", found);
    }
}

/// PS-04: the service agent of the topic's project uses its key.
pub(super) fn uses(root: &Node) -> Vec<Use> {
    root.named("pubsub")
        .filter_map(|(name, topic)| use_of(&format!("pubsub.{name}"), topic))
        .collect()
}

fn use_of(path: &str, topic: &Node) -> Option<Use> {
    Some(Use {
        key: topic.get("key")?.text().to_owned(),
        principal: "pubsub-agent",
        project: topic.get("project").map(|project| project.text().to_owned()),
        by: path.to_owned(),
    })
}

/// Makes a process of each topic, and says what flows through it.
pub(super) fn build(root: &Node, plan: &mut Plan) {
    let m = model(root, "pubsub");
    for (name, topic) in root.named("pubsub") {
        let path = format!("pubsub.{name}");
        let entity = plan.entity(&path);
        let mut subscriptions = Vec::new();
        for (name, subscription) in topic.named("subscriptions") {
            let own = plan.entity(&format!("{path}.subscriptions.{name}"));
            let retention = subscription.get("retention").unwrap_or_else(|| m.at("retention"));
            // PS-08: what the topic keeps is there for every subscription.
            let kept = topic.get("retention").map(Node::duration);
            let retention = Some(retention.duration()).max(kept);
            plan.flows.subscriptions.push(Subscription { entity: own, of: entity, retention });
            let expires = subscription.get("expires").unwrap_or_else(|| m.at("expires"));
            let expires = expires.tagged().1.map(Node::duration);
            subscriptions.push(SubscriptionPlan { entity: own, expires });
        }
        plan.flows.publishers.push(Publisher {
            to: entity,
            arrivals: flow::arrivals(root, topic, "publishes"),
            buffers: topic.at("publishers").text() == "buffer",
            catch_up: m.at("publisher-catch-up").count(),
        });
        let key = topic.get("key").map(|key| plan.entity(key.text()));
        let version =
            topic.get("key").map_or(1, |key| kms::primary_at_start(kms::table(root, key.text())));
        let mut speaks_for = vec![entity];
        speaks_for.extend(subscriptions.iter().map(|own| own.entity));
        let used = use_of(&path, topic);
        let topic = TopicPlan {
            entity,
            subscriptions,
            key,
            version,
            quota: topic
                .get("key")
                .and_then(|key| kms::quota_path(kms::table(root, key.text())))
                .map(|path| plan.entity(&path)),
            constants: constants(m),
            phases: StreamNumber::of(&path, "decrypt-phase"),
            luck: StreamNumber::of(&path, "decrypt-answer"),
            delivery: StreamNumber::of(&path, "recovery-delivery"),
            publish: StreamNumber::of(&path, "recovery-publish"),
        };
        let process = plan.process(&speaks_for, Box::new(topic));
        if let Some(used) = used {
            plan.depend(process, &used);
        }
    }
}

fn constants(m: &Node) -> Constants {
    Constants {
        decrypt_cache: m.at("decrypt-cache").duration(),
        zones: m.at("zones").count() as u32,
        phasing: Phasing::named(m.at("decrypt-phase").text()),
        encrypt_period: m.at("encrypt-period").duration(),
        delivery: m.at("recovery-delivery").dist().clone(),
        publish: m.at("recovery-publish").dist().clone(),
    }
}

impl Spawn for TopicPlan {
    fn spawn<'a>(&'a self, streams: &Streams, sweeps: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(Topic::new(self, streams, sweeps))
    }
}
