//! One topic with its subscriptions: which zones hold a data key, and what follows from it.

use super::backlog::{Era, Subscribed};
use crate::engine::{
    Call, Class, Dist, Effects, EntityId, Happening, Process, Seq, SimDuration, SimTime, StateId,
    StreamNumber, Streams,
};
use crate::systems::contract::{Answer, Denial, LazyStream, Load, Message, SweepMode};
use crate::systems::guard::{Check, Checks, Phasing, Rounds, Watch};
use crate::systems::operations;

/// The model constants of Pub/Sub.
pub(super) struct Constants {
    pub(super) decrypt_cache: SimDuration,
    pub(super) zones: u32,
    pub(super) phasing: Phasing,
    pub(super) encrypt_period: SimDuration,
    pub(super) delivery: Dist,
    pub(super) publish: Dist,
}

/// A subscription as the scenario describes it.
pub(super) struct SubscriptionPlan {
    pub(super) entity: EntityId,
    /// After how long without a reader it is deleted.
    pub(super) expires: Option<SimDuration>,
}

/// A topic as the scenario describes it.
pub(super) struct TopicPlan {
    pub(super) entity: EntityId,
    pub(super) subscriptions: Vec<SubscriptionPlan>,
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

/// States of topics and of subscriptions by number: they are the same, but for the last two, which
/// only subscriptions have.
pub(super) mod shown {
    use super::StateId;
    pub(in super::super) const WORKS: StateId = 0;
    pub(in super::super) const DEGRADED: StateId = 1;
    pub(in super::super) const DENIED: StateId = 2;
    pub(in super::super) const UNREACHABLE: StateId = 3;
    pub(in super::super) const RECOVERING: StateId = 4;
    pub(in super::super) const LOST: StateId = 5;
    pub(in super::super) const WITHHOLDING: StateId = 6;
    pub(in super::super) const EXPIRED: StateId = 7;
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
/// The first of the timers of the zones, of those of the subscriptions, and of those of older
/// messages.
const DECRYPT: u32 = 16;
pub(super) const IDLE: u32 = 1 << 16;
pub(super) const BACKLOG: u32 = 1 << 24;

/// How one half of the topic fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stop {
    /// The state it stopped in, if it did.
    state: Option<StateId>,
    /// It is on its way back.
    returns: bool,
}

pub(super) struct Guarded {
    pub(super) checks: Checks,
    /// Zones whose data key could not be decrypted when last asked.
    pub(super) failed: Vec<bool>,
    encrypt: Rounds,
    /// Since when messages are protected by the newest version, and those before.
    pub(super) era: SimTime,
    pub(super) eras: Vec<Era>,
}

impl Guarded {
    /// The record that the answer to a decryption goes back to.
    fn cause(&self) -> Option<Seq> {
        self.checks.watch.view().cause(self.checks.watch.version(0))
    }
}

pub(super) struct Topic<'a> {
    pub(super) plan: &'a TopicPlan,
    pub(super) guarded: Option<Guarded>,
    pub(super) subscribed: Vec<Subscribed>,
    publishing: Stop,
    delivery: Stop,
    publish_stream: LazyStream,
    pub(super) delivery_stream: LazyStream,
    lost: bool,
}

impl<'a> Topic<'a> {
    pub(super) fn new(plan: &'a TopicPlan, streams: &Streams, mode: SweepMode) -> Topic<'a> {
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
                era: SimTime::START,
                eras: Vec::new(),
            }
        });
        Topic {
            plan,
            guarded,
            subscribed: vec![Subscribed::default(); plan.subscriptions.len()],
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
        let version = guarded.checks.watch.version(zone);
        log(self.plan, "Decrypt", (version, answer), fx);
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

    /// PS-01: a new data key is protected by the primary version of its time. Without that the last
    /// data key stays in use, until the next is made.
    fn encrypt(&mut self, fx: &mut Effects<Message>) {
        let Some(guarded) = &mut self.guarded else { return };
        let (now, watch) = (fx.now(), &guarded.checks.watch);
        let (primary, before) = (watch.view().primary(), watch.version(0));
        let answer = watch.view().standing(primary).certain().unwrap_or(Answer::Granted);
        log(self.plan, "Encrypt", (primary, answer), fx);
        let new = primary != before;
        if new && answer == Answer::Granted {
            guarded.close_era(before, now);
            guarded.checks.watch.bind_all(primary);
        }
        if (new && answer != Answer::Granted) || is_logged(self.plan, fx) {
            let again = guarded.encrypt.after(Check { at: now, subject: 0 });
            if let Some(next) = again.filter(|next| next.at < fx.horizon()) {
                fx.at(ENCRYPT, next.at, Class::Check);
            }
        }
        self.watch_backlog(fx);
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
    pub(super) fn settle(&self, rule: &'static str, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let mut show = |entity, state| {
            if fx.state(entity) != state {
                fx.enter(entity, state, rule, cause, "");
            }
        };
        show(self.plan.entity, self.state_of(self.publishing));
        let delivery = self.state_of(self.delivery);
        for (own, plan) in self.subscribed.iter().zip(&self.plan.subscriptions) {
            let works = [shown::WORKS, shown::DEGRADED].contains(&delivery);
            let state = match own {
                Subscribed { expired: true, .. } => shown::EXPIRED,
                Subscribed { withheld: true, .. } if works => shown::WITHHOLDING,
                Subscribed { .. } => delivery,
            };
            show(plan.entity, state);
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
        self.watch_backlog(fx);
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

fn is_logged(plan: &TopicPlan, fx: &Effects<Message>) -> bool {
    plan.key.is_some_and(|key| fx.logs_requests_of(key))
}

/// BT-13: one operation, for the Data Access log of the key.
fn log(
    plan: &TopicPlan,
    method: &'static str,
    (version, answer): (u32, Answer),
    fx: &mut Effects<Message>,
) {
    let Some(key) = plan.key.filter(|_| is_logged(plan, fx)) else { return };
    let (status, why) = operations::status(answer);
    fx.call(Call {
        at: fx.now(),
        to: key,
        by: Some(plan.entity),
        job: None,
        grant: None,
        method,
        part: version,
        count: 1,
        status,
        why: why.into(),
        record: None,
    });
}

impl Process<Message> for Topic<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        for slot in 0..self.subscribed.len() {
            self.idle(slot, fx);
        }
        if let Some(guarded) = &mut self.guarded {
            guarded.checks.watch.rounds.mark(fx.marks());
            guarded.encrypt.mark(fx.marks());
            guarded.checks.start(fx);
            if let (true, Some(first)) = (is_logged(self.plan, fx), guarded.encrypt.from(fx.now()))
            {
                fx.at(ENCRYPT, first.at, Class::Check);
            }
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
            Happening::Timer(number) if number >= BACKLOG => {
                self.access_changes((number - BACKLOG) as usize, fx);
            }
            Happening::Timer(number) if number >= IDLE => {
                self.expire((number - IDLE) as usize, fx);
            }
            Happening::Timer(number) => self.decrypt(number - DECRYPT, fx),
            Happening::Message { to, message: Message::News(news), cause } => {
                self.news(to, news, cause, fx);
            }
            Happening::Message { message, cause, .. } => self.hear(message, cause, fx),
            Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        if let (Some(guarded), Some(key)) = (&mut self.guarded, self.plan.key) {
            let mut made = guarded.checks.made_at_marks(fx);
            for (sum, more) in made.iter_mut().zip(guarded.encrypt.made_at_marks(fx.now())) {
                *sum += more;
            }
            fx.checks(made.last().copied().unwrap_or(0));
            operations::tell(key, self.plan.entity, &made, fx);
        }
    }
}
