//! One topic with its subscriptions: which zones hold a data key, and what follows from it.

use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Process, Seq, SimDuration, StateId, StreamNumber,
    Streams,
};
use crate::systems::contract::{Answer, Denial, LazyStream, Load, Message, SweepMode};
use crate::systems::guard::{Check, Checks, Phasing, Rounds, Watch};

/// The model constants of Pub/Sub.
pub(super) struct Constants {
    pub(super) decrypt_cache: SimDuration,
    pub(super) zones: u32,
    pub(super) phasing: Phasing,
    pub(super) encrypt_period: SimDuration,
    pub(super) delivery: Dist,
    pub(super) publish: Dist,
}

/// A topic as the scenario describes it.
pub(super) struct TopicPlan {
    pub(super) entity: EntityId,
    pub(super) subscriptions: Vec<EntityId>,
    pub(super) key: Option<EntityId>,
    /// The version of the key that protects the data keys at the start.
    pub(super) version: u32,
    /// The quota that its requests count against.
    pub(super) quota: Option<EntityId>,
    pub(super) constants: Constants,
    pub(super) phases: StreamNumber,
    pub(super) luck: StreamNumber,
    pub(super) delivery: StreamNumber,
    pub(super) publish: StreamNumber,
}

/// States of topics and of subscriptions by number: they are the same.
mod shown {
    use super::StateId;
    pub(super) const WORKS: StateId = 0;
    pub(super) const DEGRADED: StateId = 1;
    pub(super) const DENIED: StateId = 2;
    pub(super) const UNREACHABLE: StateId = 3;
    pub(super) const RECOVERING: StateId = 4;
    pub(super) const LOST: StateId = 5;
}

/// Publishing, or delivery: what comes back in its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Publishing,
    Delivery,
}

const PUBLISH_BACK: u32 = 0;
const DELIVERY_BACK: u32 = 1;
const ENCRYPT: u32 = 2;
/// The first of the timers of the zones.
const DECRYPT: u32 = 16;

/// How one half of the topic fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stop {
    /// The state it stopped in, if it did.
    state: Option<StateId>,
    /// It is on its way back.
    returns: bool,
}

struct Guarded {
    checks: Checks,
    /// Zones whose data key could not be decrypted when last asked.
    failed: Vec<bool>,
    encrypt: Rounds,
}

impl Guarded {
    /// The record that the answer to a decryption goes back to.
    fn cause(&self) -> Option<Seq> {
        self.checks.watch.view().cause(self.checks.watch.version(0))
    }
}

pub(super) struct Topic<'a> {
    plan: &'a TopicPlan,
    guarded: Option<Guarded>,
    publishing: Stop,
    delivery: Stop,
    publish_stream: LazyStream,
    delivery_stream: LazyStream,
    lost: bool,
}

impl<'a> Topic<'a> {
    pub(super) fn new(plan: &'a TopicPlan, streams: Streams, mode: SweepMode) -> Topic<'a> {
        let lazy = |number| LazyStream::new(streams, number);
        let constants = &plan.constants;
        let guarded = plan.key.map(|_| {
            let rounds =
                |period, count| Rounds::new(period, constants.phasing, count, lazy(plan.phases));
            let decrypt = rounds(constants.decrypt_cache, constants.zones);
            Guarded {
                checks: Checks::new(
                    Watch::new(decrypt, plan.version, lazy(plan.luck)),
                    mode,
                    DECRYPT,
                ),
                failed: vec![false; constants.zones as usize],
                encrypt: rounds(constants.encrypt_period, 1),
            }
        });
        Topic {
            plan,
            guarded,
            publishing: Stop::default(),
            delivery: Stop::default(),
            publish_stream: lazy(plan.publish),
            delivery_stream: lazy(plan.delivery),
            lost: false,
        }
    }

    /// Is something stopped, and not on its way back?
    fn stopped(&self) -> bool {
        let waits = |stop: Stop| stop.state.is_some() && !stop.returns;
        waits(self.publishing) || waits(self.delivery)
    }

    /// Plans the next decryption that finds something new.
    fn plan_check(&mut self, done: Option<Check>, fx: &mut Effects<Message>) {
        let (stopped, lost) = (self.stopped(), self.lost);
        if let Some(Guarded { checks, failed, .. }) = &mut self.guarded {
            let news = |_: &Watch, zone: u32, answer: Answer| {
                let granted = answer == Answer::Granted;
                let known = failed.get(zone as usize).is_some_and(|failed| *failed != granted);
                !lost && (!known || (granted && stopped))
            };
            checks.plan(done, news, fx);
        }
    }

    /// PS-02: a zone decrypts its data key.
    fn decrypt(&mut self, zone: u32, fx: &mut Effects<Message>) {
        let Some(guarded) = &mut self.guarded else { return };
        let (check, answer) = guarded.checks.check(zone, fx);
        let cause = guarded.cause();
        let failed = answer != Answer::Granted;
        if !self.lost {
            let before = std::mem::replace(&mut guarded.failed[zone as usize], failed);
            if before != failed {
                fx.used("model.pubsub.decrypt-phase");
            }
            let all = guarded.failed.iter().all(|failed| *failed);
            if let (Answer::Denied(Denial::Manager), Some(key)) = (answer, self.plan.key) {
                // EKM-09: whoever meets the manager's denial makes it stick.
                let version = guarded.checks.watch.version(zone);
                fx.send(key, Message::Refused { version }, cause);
            }
            match answer {
                Answer::Granted if self.stopped() => self.key_is_back(cause, fx),
                Answer::Granted => self.settle("PS-02", cause, fx),
                Answer::Denied(_) if all => self.stop(shown::DENIED, "PS-04", cause, fx),
                Answer::Unreachable if all => self.stop(shown::UNREACHABLE, "PS-06", cause, fx),
                Answer::Denied(_) | Answer::Unreachable => self.settle("PS-02", cause, fx),
            }
        }
        self.plan_check(Some(check), fx);
    }

    /// PS-01: a new data key is protected by the primary version of its time.
    fn encrypt(&mut self, fx: &mut Effects<Message>) {
        if let Some(Guarded { checks, .. }) = &mut self.guarded {
            let primary = checks.watch.view().primary();
            checks.watch.bind_all(primary);
        }
        self.plan_check(None, fx);
    }

    /// No zone is left that could serve.
    fn stop(
        &mut self,
        state: StateId,
        rule: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        for (stop, timer) in
            [(&mut self.publishing, PUBLISH_BACK), (&mut self.delivery, DELIVERY_BACK)]
        {
            *stop = Stop { state: Some(stop.state.unwrap_or(state)), returns: false };
            fx.cancel(timer);
        }
        self.settle(rule, cause, fx);
    }

    /// PS-05: publishing and delivery come back, each in its own time.
    fn key_is_back(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let constants = &self.plan.constants;
        let publish = constants.publish.sample(self.publish_stream.get());
        let delivery = constants.delivery.sample(self.delivery_stream.get());
        for constant in ["model.pubsub.recovery-publish", "model.pubsub.recovery-delivery"] {
            fx.used(constant);
        }
        for (stop, timer, wait) in [
            (&mut self.publishing, PUBLISH_BACK, publish),
            (&mut self.delivery, DELIVERY_BACK, delivery),
        ] {
            if stop.state.is_some() && !stop.returns {
                stop.returns = true;
                fx.after(timer, wait, Class::Due);
            }
        }
        self.settle("PS-05", cause, fx);
    }

    /// The key fails again before everything is back: what was on its way back is not any more.
    fn key_is_gone_again(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        for (stop, timer) in
            [(&mut self.publishing, PUBLISH_BACK), (&mut self.delivery, DELIVERY_BACK)]
        {
            if stop.returns {
                stop.returns = false;
                fx.cancel(timer);
            }
        }
        self.settle("PS-05", cause, fx);
    }

    fn back(&mut self, half: Half, fx: &mut Effects<Message>) {
        let cause = self.guarded.as_ref().and_then(Guarded::cause);
        match half {
            Half::Publishing => self.publishing = Stop::default(),
            Half::Delivery => self.delivery = Stop::default(),
        }
        // The data keys that serve are new ones.
        if let Some(guarded) = &mut self.guarded {
            guarded.failed.fill(false);
        }
        self.settle("PS-05", cause, fx);
        self.plan_check(None, fx);
    }

    fn state_of(&self, stop: Stop) -> StateId {
        let some = || self.guarded.as_ref().is_some_and(|own| own.failed.contains(&true));
        match stop.state {
            _ if self.lost => shown::LOST,
            Some(_) if stop.returns => shown::RECOVERING,
            Some(state) => state,
            None if some() => shown::DEGRADED,
            None => shown::WORKS,
        }
    }

    /// Shows what publishing and delivery have come to.
    fn settle(&self, rule: &'static str, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let halves = [
            (std::slice::from_ref(&self.plan.entity), self.publishing),
            (self.plan.subscriptions.as_slice(), self.delivery),
        ];
        for (entities, stop) in halves {
            let state = self.state_of(stop);
            for &entity in entities {
                if fx.state(entity) != state {
                    fx.enter(entity, state, rule, cause, "");
                }
            }
        }
    }

    fn hear(&mut self, message: Message, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let Some(guarded) = &mut self.guarded else { return };
        if !guarded.checks.watch.hear(&message, cause, fx.now()) {
            return;
        }
        // PS-01: the next data key is encrypted with the new primary version.
        if let Message::Primary(_) = message
            && let Some(next) = guarded.encrypt.from(fx.now())
        {
            fx.at(ENCRYPT, next.at, Class::Check);
        }
        let standing = guarded.checks.watch.standing(0);
        if guarded.checks.watch.view().whole() == Some(Denial::Destroyed) {
            if !self.lost {
                self.lost = true;
                fx.cancel(PUBLISH_BACK);
                fx.cancel(DELIVERY_BACK);
                self.settle("KMS-02", cause, fx);
            }
            return self.plan_check(None, fx);
        }
        let stopped = self.stopped();
        let returns = self.publishing.returns || self.delivery.returns;
        match standing.certain() {
            Some(Answer::Granted) if stopped => self.key_is_back(cause, fx),
            Some(Answer::Denied(_) | Answer::Unreachable) if returns => {
                self.key_is_gone_again(cause, fx);
            }
            Some(_) | None => {}
        }
        self.plan_check(None, fx);
    }
}

impl Process<Message> for Topic<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        if let Some(guarded) = &mut self.guarded {
            guarded.checks.start(fx);
            if let Some(quota) = self.plan.quota {
                let constants = &self.plan.constants;
                let decrypts = f64::from(constants.zones) / constants.decrypt_cache.seconds();
                let load = Load::steady(decrypts + 1.0 / constants.encrypt_period.seconds());
                fx.send(quota, Message::Load(load), None);
            }
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(PUBLISH_BACK) => self.back(Half::Publishing, fx),
            Happening::Timer(DELIVERY_BACK) => self.back(Half::Delivery, fx),
            Happening::Timer(ENCRYPT) => self.encrypt(fx),
            Happening::Timer(number) => self.decrypt(number - DECRYPT, fx),
            Happening::Message { message, cause, .. } => self.hear(message, cause, fx),
            Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        if let (Some(guarded), Some(key)) = (&mut self.guarded, self.plan.key) {
            let made = guarded.checks.made(fx) + guarded.encrypt.made_before(fx.now());
            fx.checks(made);
            fx.measure(key, "kms-operations", Some(made as f64));
            fx.measure(self.plan.entity, "kms-operations", Some(made as f64));
        }
    }
}
