//! Things whose key is asked when they are used: nothing checks it in the background, and an answer
//! is trusted for a while.

use super::KeyView;
use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Seq, SimDuration, SimTime, StateId,
};
use crate::systems::contract::{Answer, Denial, LazyStream, Load, Message};
use crate::systems::spec::{Look, StateSpec};

/// Numbers of the states that every such thing has.
pub mod state {
    use crate::engine::StateId;
    /// Works.
    pub const AVAILABLE: StateId = 0;
    /// The key is unusable; a trusted answer still lets everything through.
    pub const LOSING: StateId = 1;
    /// Works, with less performance.
    pub const SLOW: StateId = 2;
    /// The key is usable again; that is not noticed yet.
    pub const RETURNING: StateId = 3;
    /// The key is denied.
    pub const DENIED: StateId = 4;
    /// The key cannot be reached.
    pub const UNREACHABLE: StateId = 5;
    /// The key is destroyed.
    pub const INACCESSIBLE: StateId = 6;
    /// Deleted.
    pub const DELETED: StateId = 7;
}

const fn spec(
    name: &'static str,
    serves: bool,
    irreversible: bool,
    look: Look,
    doc: &'static str,
) -> StateSpec {
    StateSpec { name, alias: None, serves, irreversible, look, doc }
}

/// The states that every such thing has.
pub const STATES: &[StateSpec] = &[
    spec("available", true, false, Look::Good, "Reads and writes succeed."),
    spec(
        "losing-access",
        true,
        false,
        Look::Waning,
        "The key cannot be used; reads and writes succeed until the effect is there.",
    ),
    spec("slow", true, false, Look::Partial, "Works with reduced performance after its return."),
    spec(
        "returning",
        false,
        false,
        Look::Returning,
        "The key can be used again, and reads and writes do not succeed yet.",
    ),
    spec("denied", false, false, Look::Denied, "Reads and writes fail: the key is denied."),
    spec(
        "unreachable",
        false,
        false,
        Look::Unreachable,
        "Reads and writes fail: the key cannot be reached.",
    ),
    spec("inaccessible", false, true, Look::Gone, "Lost with its destroyed key."),
    spec("deleted", false, true, Look::Gone, "Deleted after too long without a usable key."),
];

/// A delay of the model with its constant and its rule.
pub struct Delay {
    /// How long.
    pub dist: Dist,
    /// Path of the constant.
    pub constant: &'static str,
    /// The rule that a transition after it plays.
    pub rule: &'static str,
}

/// What a thing does when its key goes and comes; the same for every replication.
pub struct Habits {
    /// The thing.
    pub entity: EntityId,
    /// Its key.
    pub key: EntityId,
    /// The quota that requests to the key count against, if any.
    pub quota: Option<EntityId>,
    /// Its key version, and whether the key's rotations leave it there.
    pub version: u32,
    /// From a denial until reads and writes fail.
    pub denied: Delay,
    /// From lost contact until reads and writes fail.
    pub unreachable: Delay,
    /// From a usable key until reads and writes succeed.
    pub back: Delay,
    /// How long it is slow after that.
    pub slow: Option<Delay>,
    /// After how long without a usable key, by the user's doing, it is deleted.
    pub deletion: Option<(SimDuration, &'static str)>,
}

const EFFECT: u32 = 0;
const DELETION: u32 = 1;

/// One thing with its key.
pub struct OnUse<'a> {
    habits: &'a Habits,
    view: KeyView,
    delays: LazyStream,
    /// The record that what is pending goes back to.
    cause: Option<Seq>,
    gone_since: Option<SimTime>,
    /// While it loses access: when reads and writes fail, and whether by a lost contact.
    losing: Option<(SimTime, bool)>,
}

impl<'a> OnUse<'a> {
    /// A thing whose key is usable so far.
    pub fn new(habits: &'a Habits, delays: LazyStream) -> OnUse<'a> {
        let view = KeyView::of(habits.version);
        OnUse { habits, view, delays, cause: None, gone_since: None, losing: None }
    }

    /// Can its key be used, as far as anybody can be sure? While some requests have luck, it can.
    pub fn is_usable(&self) -> bool {
        let certain = self.view.standing(self.habits.version).certain();
        matches!(certain, Some(Answer::Granted) | None)
    }

    /// KMS-22: tells the quota of the key how many requests a second it makes. Those who are refused
    /// go on asking.
    pub fn start(&self, requests: f64, fx: &mut Effects<Message>) {
        if let (Some(quota), true) = (self.habits.quota, requests > 0.0) {
            fx.send(quota, Message::Load(Load::steady(requests)), None);
        }
    }

    /// EKM-09: the requests that fail tell the key that its external manager denies them.
    fn meet_denial(&self, fx: &mut Effects<Message>) {
        let version = self.habits.version;
        let denied = self.view.standing(version).denied.map(|(denial, _)| denial);
        if denied == Some(Denial::Manager) && fx.state(self.habits.entity) == state::DENIED {
            fx.send(self.habits.key, Message::Refused { version }, self.cause);
        }
    }

    /// Takes in whatever happens to it; gives whether it concerned the key.
    pub fn on_event(&mut self, what: &Happening<Message>, fx: &mut Effects<Message>) -> bool {
        match what {
            Happening::Timer(EFFECT) => {
                self.effect(fx);
                self.meet_denial(fx);
                true
            }
            Happening::Timer(DELETION) => {
                self.delete(fx);
                true
            }
            Happening::Message { message, cause, .. } => {
                let heard = self.view.hear(message, *cause, fx.now());
                if heard {
                    self.settle(fx);
                    self.meet_denial(fx);
                }
                heard
            }
            Happening::Timer(_) | Happening::Entered { .. } => false,
        }
    }

    fn after(&mut self, delay: impl Fn(&Habits) -> Option<&Delay>, fx: &mut Effects<Message>) {
        let Some(delay) = delay(self.habits) else { return };
        fx.used(delay.constant);
        let length = delay.dist.sample(self.delays.get());
        if length.is_zero() {
            fx.cancel(EFFECT);
            self.effect(fx);
        } else {
            fx.after(EFFECT, length, Class::Due);
        }
    }

    /// The state that it is in while its key cannot be used, with the rule.
    fn lost_state(&self) -> (StateId, &'static str) {
        let standing = self.view.standing(self.habits.version);
        match (standing.denied, standing.certain()) {
            (Some((Denial::Destroyed, _)), _) => (state::INACCESSIBLE, self.habits.denied.rule),
            (_, Some(Answer::Unreachable)) => (state::UNREACHABLE, self.habits.unreachable.rule),
            (_, Some(Answer::Granted | Answer::Denied(_)) | None) => {
                (state::DENIED, self.habits.denied.rule)
            }
        }
    }

    /// The key answers differently from now on.
    fn settle(&mut self, fx: &mut Effects<Message>) {
        let entity = self.habits.entity;
        let now = fx.state(entity);
        if now >= state::INACCESSIBLE {
            return;
        }
        self.watch_deletion(fx);
        let cause = self.view.cause(self.habits.version);
        match (self.is_usable(), now) {
            (true, state::LOSING) => {
                fx.cancel(EFFECT);
                let detail = "the key is usable again before the effect was there";
                let rule = self.habits.denied.rule;
                self.cause = Some(fx.enter(entity, state::AVAILABLE, rule, cause, detail));
            }
            (true, state::DENIED | state::UNREACHABLE) => {
                let rule = self.habits.back.rule;
                let detail = "the key is usable again";
                self.cause = Some(fx.enter(entity, state::RETURNING, rule, cause, detail));
                self.after(|habits| Some(&habits.back), fx);
            }
            (false, state::AVAILABLE | state::SLOW) => {
                let (lost, rule) = self.lost_state();
                let detail = "the key cannot be used any more";
                self.cause = Some(fx.enter(entity, state::LOSING, rule, cause, detail));
                self.lose(lost == state::UNREACHABLE, None, fx);
            }
            (false, state::LOSING) => {
                let silent = self.lost_state().0 == state::UNREACHABLE;
                // A trusted answer is trusted as long in one case as in the other, if one constant
                // says so.
                let one = self.habits.denied.constant == self.habits.unreachable.constant;
                if let Some((until, _)) = self.losing.filter(|(_, was)| *was != silent && !one) {
                    self.cause = cause;
                    self.lose(silent, Some(until), fx);
                }
            }
            (false, state::RETURNING | state::DENIED | state::UNREACHABLE) => {
                let (lost, rule) = self.lost_state();
                if lost != now {
                    fx.cancel(EFFECT);
                    self.cause = Some(fx.enter(entity, lost, rule, cause, ""));
                }
            }
            _ => {}
        }
    }

    /// Reads and writes fail some time after the key was lost, and not later than was due before.
    fn lose(&mut self, silent: bool, before: Option<SimTime>, fx: &mut Effects<Message>) {
        let delay = if silent { &self.habits.unreachable } else { &self.habits.denied };
        fx.used(delay.constant);
        let at = fx.now().saturating_add(delay.dist.sample(self.delays.get()));
        let at = before.map_or(at, |before| before.min(at));
        self.losing = Some((at, silent));
        if at <= fx.now() {
            fx.cancel(EFFECT);
            self.effect(fx);
        } else {
            fx.at(EFFECT, at, Class::Due);
        }
    }

    /// A delay is over.
    fn effect(&mut self, fx: &mut Effects<Message>) {
        let (entity, habits, cause) = (self.habits.entity, self.habits, self.cause);
        match fx.state(entity) {
            state::LOSING => {
                let (lost, rule) = self.lost_state();
                self.cause = Some(fx.enter(entity, lost, rule, cause, "reads and writes fail"));
            }
            state::RETURNING => {
                let detail = "reads and writes succeed again";
                match &habits.slow {
                    Some(slow) => {
                        self.cause = Some(fx.enter(entity, state::SLOW, slow.rule, cause, detail));
                        self.after(|habits| habits.slow.as_ref(), fx);
                    }
                    None => {
                        fx.enter(entity, state::AVAILABLE, habits.back.rule, cause, detail);
                    }
                }
            }
            state::SLOW => {
                let rule = habits.slow.as_ref().map_or(habits.back.rule, |slow| slow.rule);
                fx.enter(entity, state::AVAILABLE, rule, cause, "as fast as before");
            }
            _ => {}
        }
    }

    /// While the user keeps the key unusable, a clock runs.
    fn watch_deletion(&mut self, fx: &mut Effects<Message>) {
        let Some((after, _)) = self.habits.deletion else { return };
        let denied = self.view.standing(self.habits.version).denied;
        let since = denied.filter(|(denial, _)| denial.by_user()).map(|(_, since)| since);
        if since == self.gone_since {
            return;
        }
        self.gone_since = since;
        match since {
            Some(since) => {
                fx.at(DELETION, since.saturating_add(after).max(fx.now()), Class::Clock);
            }
            None => fx.cancel(DELETION),
        }
    }

    fn delete(&mut self, fx: &mut Effects<Message>) {
        let Some((after, rule)) = self.habits.deletion else { return };
        if fx.state(self.habits.entity) == state::DELETED {
            return;
        }
        fx.cancel(EFFECT);
        let cause = self.view.cause(self.habits.version);
        let detail = format!("deleted: without a usable key for {after}");
        fx.enter(self.habits.entity, state::DELETED, rule, cause, detail);
    }
}

/// The stretches of time in which a thing served.
#[derive(Debug, Default)]
pub struct Served {
    done: Vec<(SimTime, SimTime)>,
    /// The start of the stretch that goes on; from the start of the run if nothing is known.
    since: Option<SimTime>,
    stopped: bool,
}

impl Served {
    /// Follows the state of the thing.
    pub fn follow(&mut self, entity: EntityId, states: &[StateSpec], fx: &Effects<Message>) {
        let serves = states[usize::from(fx.state(entity))].serves;
        if serves == self.stopped {
            if serves {
                self.since = Some(fx.now());
            } else {
                let since = self.since.take().unwrap_or(SimTime::START);
                self.done.push((since, fx.now()));
            }
            self.stopped = !serves;
        }
    }

    /// Every stretch up to now.
    pub fn stretches(&self, now: SimTime) -> Vec<(SimTime, SimTime)> {
        let open = (!self.stopped).then(|| (self.since.unwrap_or(SimTime::START), now));
        self.done.iter().copied().chain(open).collect()
    }

    /// Seconds served up to now.
    pub fn until(&self, now: SimTime) -> f64 {
        let length = |(from, to): &(SimTime, SimTime)| to.saturating_since(*from).ns();
        let ns = self.stretches(now).iter().map(length).sum();
        SimDuration::from_ns(ns).unwrap_or(SimDuration::MAX).seconds()
    }
}
