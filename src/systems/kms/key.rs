//! One key: its state in Cloud KMS, and how changes of it reach its callers.

use super::code::{DISABLE, ENABLE, RESTORE, SCHEDULE};
use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Process, Seq, SimDuration, SimTime, StateId,
    StreamNumber, Streams,
};
use crate::systems::contract::{Answer, Denial, LazyStream, Message, Spawn, Standing, SweepMode};
use std::borrow::Cow;

/// States of a key by number.
pub(super) mod shown {
    use crate::engine::StateId;
    pub(in super::super) const ENABLED: StateId = 0;
    pub(in super::super) const DISABLING: StateId = 1;
    pub(in super::super) const IMPAIRED: StateId = 2;
    pub(in super::super) const UNREACHABLE: StateId = 3;
    pub(in super::super) const DISABLED: StateId = 4;
    pub(in super::super) const DESTROY_SCHEDULED: StateId = 5;
    pub(in super::super) const DESTROYED: StateId = 6;
}
pub(super) struct KeyPlan {
    pub(super) entity: EntityId,
    pub(super) kms: EntityId,
    pub(super) ekm: Option<EntityId>,
    pub(super) disabled: bool,
    pub(super) destroy_wait: SimDuration,
    pub(super) disable: Dist,
    pub(super) enable: Dist,
    pub(super) delays: StreamNumber,
}

impl Spawn for KeyPlan {
    fn spawn<'a>(&'a self, streams: Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let (admin, denied) = if self.disabled {
            (Admin::Disabled, Some((Denial::Disabled, SimTime::START)))
        } else {
            (Admin::Enabled, None)
        };
        Box::new(Key {
            plan: self,
            delays: LazyStream::new(streams, self.delays),
            admin,
            standing: Standing { denied, ..Standing::GRANTED },
            moving: None,
            stale: false,
            scheduled: None,
        })
    }
}

/// State of a key in the administration of Cloud KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admin {
    Enabled,
    Disabled,
    Scheduled,
    Destroyed,
}

/// A change on its way to the callers.
struct Moving {
    /// What they will be told: denied or granted.
    denied: Option<Denial>,
    /// When it arrives; while data is stale, how long it still has to go.
    arrives: SimTime,
    left: SimDuration,
    cause: Seq,
}

/// One customer-managed key, all its versions together.
struct Key<'a> {
    plan: &'a KeyPlan,
    delays: LazyStream,
    admin: Admin,
    standing: Standing,
    moving: Option<Moving>,
    stale: bool,
    /// The record that scheduled the destruction.
    scheduled: Option<Seq>,
}

const ARRIVAL: u32 = 0;
const DESTRUCTION: u32 = 1;

impl Key<'_> {
    /// The state that callers see.
    fn shown(&self) -> StateId {
        let unreachable = self.standing.certain() == Some(Answer::Unreachable);
        match self.standing.denied {
            Some((Denial::Destroyed, _)) => shown::DESTROYED,
            _ if unreachable => shown::UNREACHABLE,
            Some((Denial::Disabled, _)) => shown::DISABLED,
            Some((Denial::DestroyScheduled, _)) => shown::DESTROY_SCHEDULED,
            None if self.standing.impaired() => shown::IMPAIRED,
            None if self.admin == Admin::Enabled => shown::ENABLED,
            None => shown::DISABLING,
        }
    }

    /// Records the state callers see now, and tells them if their answers change.
    fn tell(
        &mut self,
        before: Standing,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let seq = fx.enter(self.plan.entity, self.shown(), rule, cause, detail);
        if before != self.standing {
            fx.publish(self.plan.entity, Message::Standing(self.standing), Some(seq));
        }
        seq
    }

    fn refuse(
        &self,
        rule: &'static str,
        why: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        fx.note(self.plan.entity, rule, cause, why);
    }

    fn command(&mut self, code: u16, cause: Option<Seq>, fx: &mut Effects<Message>) {
        match (code, self.admin) {
            (DISABLE, Admin::Enabled) => {
                self.admin = Admin::Disabled;
                self.deny(Denial::Disabled, "KMS-02", "disabled", cause, fx);
            }
            (DISABLE, Admin::Disabled) => self.refuse(
                "KMS-01",
                "disable-key changes nothing: the key is disabled already",
                cause,
                fx,
            ),
            (DISABLE, Admin::Scheduled) => self.refuse(
                "KMS-01",
                "disable-key is refused: the key is scheduled for destruction",
                cause,
                fx,
            ),
            (DISABLE, Admin::Destroyed) => {
                self.refuse("KMS-01", "disable-key is refused: the key is destroyed", cause, fx)
            }
            (ENABLE, Admin::Disabled) => {
                self.admin = Admin::Enabled;
                self.grant(cause, fx);
            }
            (ENABLE, Admin::Enabled) => self.refuse(
                "KMS-01",
                "enable-key changes nothing: the key is enabled already",
                cause,
                fx,
            ),
            // KMS-06: two steps, restore first.
            (ENABLE, Admin::Scheduled) => self.refuse(
                "KMS-06",
                "enable-key is refused: the key is scheduled for destruction; restore it first",
                cause,
                fx,
            ),
            (ENABLE, Admin::Destroyed) => {
                self.refuse("KMS-07", "enable-key is refused: the key is destroyed", cause, fx)
            }
            (SCHEDULE, Admin::Enabled | Admin::Disabled) => {
                self.admin = Admin::Scheduled;
                fx.after(DESTRUCTION, self.plan.destroy_wait, Class::Change);
                let detail = format!("scheduled for destruction in {}", self.plan.destroy_wait);
                self.scheduled =
                    Some(self.deny(Denial::DestroyScheduled, "KMS-03", detail, cause, fx));
            }
            (SCHEDULE, Admin::Scheduled) => self.refuse(
                "KMS-03",
                "schedule-destroy is refused: the key is scheduled for destruction already",
                cause,
                fx,
            ),
            (SCHEDULE, Admin::Destroyed) => self.refuse(
                "KMS-03",
                "schedule-destroy is refused: the key is destroyed already",
                cause,
                fx,
            ),
            (RESTORE, Admin::Scheduled) => {
                self.admin = Admin::Disabled;
                fx.cancel(DESTRUCTION);
                self.deny(
                    Denial::Disabled,
                    "KMS-06",
                    "restored: disabled until it is enabled",
                    cause,
                    fx,
                );
            }
            (RESTORE, Admin::Enabled | Admin::Disabled) => self.refuse(
                "KMS-06",
                "restore-key is refused: the key is not scheduled for destruction",
                cause,
                fx,
            ),
            (RESTORE, Admin::Destroyed) => {
                self.refuse("KMS-07", "restore-key is refused: the key is destroyed", cause, fx)
            }
            (other, _) => panic!("command {other} is not for a key"),
        }
    }

    /// Callers are to be denied: at once if they are already (only the reason changes), else when
    /// the change has propagated. A denial on its way keeps its time.
    fn deny(
        &mut self,
        why: Denial,
        rule: &'static str,
        detail: impl Into<Cow<'static, str>>,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let before = self.standing;
        let detail = detail.into();
        match (before.denied, &mut self.moving) {
            (Some((_, since)), _) => {
                // A grant still on its way is superseded.
                self.moving = None;
                fx.cancel(ARRIVAL);
                self.standing.denied = Some((why, since));
                self.tell(before, rule, cause, detail, fx)
            }
            (None, Some(moving)) => {
                moving.denied = Some(why);
                self.tell(before, rule, cause, detail, fx)
            }
            (None, None) => {
                fx.used("model.kms.disable-propagation");
                let delay = self.plan.disable.sample(self.delays.get());
                self.set_out(Some(why), delay, rule, detail, cause, fx)
            }
        }
    }

    /// KMS-09: callers are granted again, at once unless the model says otherwise. A denial still
    /// on its way never arrives.
    fn grant(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let before = self.standing;
        if before.denied.is_none() {
            self.moving = None;
            fx.cancel(ARRIVAL);
            self.tell(before, "KMS-09", cause, "enabled before the change had propagated", fx);
        } else {
            fx.used("model.kms.enable-propagation");
            let delay = self.plan.enable.sample(self.delays.get());
            self.set_out(None, delay, "KMS-09", "enabled".into(), cause, fx);
        }
    }

    /// A change sets out to the callers.
    fn set_out(
        &mut self,
        denied: Option<Denial>,
        delay: SimDuration,
        rule: &'static str,
        detail: Cow<'static, str>,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let before = self.standing;
        if delay.is_zero() && (!self.stale || denied.is_none()) {
            self.standing.denied = denied.map(|why| (why, fx.now()));
            return self.tell(before, rule, cause, detail, fx);
        }
        let seq = self.tell(before, rule, cause, detail, fx);
        let arrives = fx.now().saturating_add(delay);
        self.moving = Some(Moving { denied, arrives, left: delay, cause: seq });
        if !self.stale {
            fx.at(ARRIVAL, arrives, Class::Change);
        }
        seq
    }

    /// BT-25: a change has propagated.
    fn arrive(&mut self, fx: &mut Effects<Message>) {
        let moving = self.moving.take().expect("a change was on its way");
        let before = self.standing;
        self.standing.denied = moving.denied.map(|why| (why, fx.now()));
        self.tell(before, "KMS-12", Some(moving.cause), "the change has propagated", fx);
    }

    fn destroy(&mut self, fx: &mut Effects<Message>) {
        let before = self.standing;
        self.admin = Admin::Destroyed;
        self.moving = None;
        fx.cancel(ARRIVAL);
        let since = before.denied.map_or(fx.now(), |(_, since)| since);
        self.standing.denied = Some((Denial::Destroyed, since));
        self.tell(
            before,
            "KMS-02",
            self.scheduled,
            "the wait is over: the material is destroyed",
            fx,
        );
    }

    /// KMS-14: what is on its way stops, or goes on.
    fn stale(&mut self, stale: bool, fx: &mut Effects<Message>) {
        if self.stale == stale {
            return;
        }
        self.stale = stale;
        let Some(moving) = &mut self.moving else { return };
        if stale {
            moving.left = moving.arrives.saturating_since(fx.now());
            fx.cancel(ARRIVAL);
        } else {
            moving.arrives = fx.now().saturating_add(moving.left);
            fx.at(ARRIVAL, moving.arrives, Class::Change);
        }
    }

    fn errors(&mut self, of: EntityId, errors: f64, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let before = self.standing;
        if of == self.plan.kms {
            self.standing.kms_errors = errors;
        }
        if Some(of) == self.plan.ekm {
            self.standing.ekm_errors = errors;
        }
        let failing = self.standing.kms_errors > 0.0 || self.standing.ekm_errors > 0.0;
        let silent = self.standing.kms_errors >= 1.0 || self.standing.ekm_errors >= 1.0;
        self.standing.silent_since = silent.then(|| before.silent_since.unwrap_or(fx.now()));
        let rule = if of == self.plan.kms { "BT-43" } else { "EKM-01" };
        let detail = if failing { "" } else { "every request is answered again" };
        self.tell(before, rule, cause, detail, fx);
    }
}

impl Process<Message> for Key<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        if self.standing.denied.is_some() {
            fx.publish(self.plan.entity, Message::Standing(self.standing), None);
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(ARRIVAL) => self.arrive(fx),
            Happening::Timer(_) => self.destroy(fx),
            Happening::Message { to, message, cause } => match message {
                Message::Errors(errors) => self.errors(to, errors, cause, fx),
                Message::Stale(stale) => self.stale(stale, fx),
                Message::Command { command, .. } => self.command(command.code, cause, fx),
                Message::Standing(_) => {}
            },
            Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}
