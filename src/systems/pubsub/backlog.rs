//! What waits in the subscriptions of a topic: messages that depend on older versions of its key
//! (PS-07), and subscriptions that nobody reads (PS-08).

use super::topic::{BACKLOG, Guarded, IDLE, Topic, shown};
use crate::engine::{Class, Effects, EntityId, Seq, SimTime};
use crate::systems::contract::{Answer, Denial, Message};
use crate::systems::flow::{Access, News, Order};

/// How it is with the messages of an era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Readable,
    /// Their version is denied; a zone still has their data key.
    Failing,
    Withheld,
    /// Their version is usable again; they are not delivered yet.
    Returning,
    Lost,
}

/// Messages whose data keys were protected by a version that is not the newest any more.
pub(super) struct Era {
    from: SimTime,
    until: SimTime,
    version: u32,
    hold: Hold,
}

/// A subscription in a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subscribed {
    /// Something waits in it that cannot be delivered.
    pub(super) withheld: bool,
    pub(super) expired: bool,
    /// The record that the end of its reading goes back to.
    cause: Option<Seq>,
}

impl Guarded {
    /// New messages are protected by another version from now on.
    pub(super) fn close_era(&mut self, version: u32, now: SimTime) {
        let from = std::mem::replace(&mut self.era, now);
        self.eras.push(Era { from, until: now, version, hold: Hold::Readable });
    }

    /// When the last zone decrypts again.
    fn last_decryption(&mut self, now: SimTime) -> SimTime {
        let rounds = &mut self.checks.watch.rounds;
        let mut last = rounds.from(now);
        for _ in 1..rounds.count() {
            last = last.and_then(|check| rounds.after(check));
        }
        last.map_or(now, |check| check.at)
    }
}

impl Topic<'_> {
    /// PS-07: follows the versions that older messages depend on. While the key as a whole is
    /// denied nothing is delivered anyway.
    pub(super) fn watch_backlog(&mut self, fx: &mut Effects<Message>) {
        let constants = &self.plan.constants;
        let Some(guarded) = &mut self.guarded else { return };
        let mut lost = Vec::new();
        for number in 0..guarded.eras.len() {
            let (version, hold) = (guarded.eras[number].version, guarded.eras[number].hold);
            let view = guarded.checks.watch.view();
            let standing = view.standing(version);
            let partly = view.partly_denied(version);
            let granted = standing.certain() == Some(Answer::Granted);
            let timer = BACKLOG + number as u32;
            let destroyed = standing.denied.is_some_and(|(denial, _)| denial == Denial::Destroyed);
            guarded.eras[number].hold = if hold == Hold::Lost {
                Hold::Lost
            } else if destroyed {
                fx.cancel(timer);
                lost.push(number);
                Hold::Lost
            } else if hold == Hold::Readable && partly {
                fx.used("model.pubsub.decrypt-phase");
                // Where no zone has a data key, there is nothing to wait for.
                let all = guarded.failed.iter().all(|failed| *failed);
                let at = if all { fx.now() } else { guarded.last_decryption(fx.now()) };
                fx.at(timer, at, Class::Check);
                Hold::Failing
            } else if hold == Hold::Failing && !partly {
                fx.cancel(timer);
                Hold::Readable
            } else if hold == Hold::Withheld && granted {
                fx.used("model.pubsub.recovery-delivery");
                let wait = constants.delivery.sample(self.delivery_stream.get());
                fx.after(timer, wait, Class::Due);
                Hold::Returning
            } else if hold == Hold::Returning && !granted {
                fx.cancel(timer);
                Hold::Withheld
            } else {
                hold
            };
        }
        for number in lost {
            self.tell_access(number, Access::Lost, fx);
        }
    }

    /// The messages of an era cannot be delivered any more, or can again.
    pub(super) fn access_changes(&mut self, number: usize, fx: &mut Effects<Message>) {
        let Some(guarded) = &mut self.guarded else { return };
        let era = &mut guarded.eras[number];
        let (hold, access) = match era.hold {
            Hold::Failing => (Hold::Withheld, Access::Shut),
            Hold::Returning => (Hold::Readable, Access::Open),
            Hold::Readable | Hold::Withheld | Hold::Lost => return,
        };
        era.hold = hold;
        self.tell_access(number, access, fx);
    }

    fn tell_access(&self, number: usize, access: Access, fx: &mut Effects<Message>) {
        let Some(guarded) = &self.guarded else { return };
        let Era { from, until, version, .. } = guarded.eras[number];
        let cause = guarded.checks.watch.view().cause(version);
        for own in &self.plan.subscriptions {
            let order = Order::Access { from, until, access };
            fx.publish(own.entity, Message::Order(order), cause);
        }
    }

    /// The record that the older messages go back to: what holds them back, or what ended that.
    fn backlog_cause(&self) -> Option<Seq> {
        let guarded = self.guarded.as_ref()?;
        let view = guarded.checks.watch.view();
        let holds = |era: &&Era| matches!(era.hold, Hold::Withheld | Hold::Lost);
        let causes = guarded.eras.iter().filter(holds).map(|era| view.cause(era.version));
        let all = guarded.eras.iter().map(|era| view.cause(era.version));
        causes.max().or_else(|| all.max()).flatten()
    }

    /// What has become of a subscription.
    pub(super) fn news(
        &mut self,
        to: EntityId,
        news: News,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let Some(slot) = self.plan.subscriptions.iter().position(|own| own.entity == to) else {
            return;
        };
        match news {
            News::Withheld(withheld) => {
                self.subscribed[slot].withheld = withheld;
                self.settle("PS-07", self.backlog_cause(), fx);
            }
            News::Read(true) => fx.cancel(IDLE + slot as u32),
            News::Read(false) => {
                self.subscribed[slot].cause = cause;
                self.idle(slot, fx);
            }
            News::Course(_) | News::Behind(_) | News::Empty | News::Inflow(_) => {}
        }
    }

    /// PS-08: nobody reads from a subscription any more.
    pub(super) fn idle(&self, slot: usize, fx: &mut Effects<Message>) {
        if let Some(expires) = self.plan.subscriptions[slot].expires {
            fx.after(IDLE + slot as u32, expires, Class::Clock);
        }
    }

    /// PS-08: nobody has read from a subscription for too long.
    pub(super) fn expire(&mut self, slot: usize, fx: &mut Effects<Message>) {
        let entity = self.plan.subscriptions[slot].entity;
        if fx.state(entity) == shown::LOST {
            return;
        }
        self.subscribed[slot].expired = true;
        let detail = "expired: nobody has read from it for too long";
        fx.enter(entity, shown::EXPIRED, "PS-08", self.subscribed[slot].cause, detail);
    }
}
