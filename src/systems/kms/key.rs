//! One key: its versions in Cloud KMS, and how changes of them reach its callers.

use super::calls::{NOT_FOUND, method};
use super::code;
use super::version::{Moving, State, Version};
use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Process, Seq, SimDuration, SimTime, StateId,
    StreamNumber, Streams,
};
use crate::systems::contract::{
    Answer, Command, Denial, LazyStream, Message, Spawn, Standing, SweepMode,
};
use crate::systems::policy::code as policy;
use std::borrow::Cow;

/// States of a key by number.
pub(super) mod shown {
    use crate::engine::StateId;
    pub(in super::super) const ENABLED: StateId = 0;
    pub(in super::super) const DISABLING: StateId = 1;
    pub(in super::super) const PARTLY_DISABLED: StateId = 2;
    pub(in super::super) const IMPAIRED: StateId = 3;
    pub(in super::super) const UNREACHABLE: StateId = 4;
    pub(in super::super) const NO_PRIMARY: StateId = 5;
    pub(in super::super) const DENYING: StateId = 6;
    pub(in super::super) const DISABLED: StateId = 7;
    pub(in super::super) const DESTROY_SCHEDULED: StateId = 8;
    pub(in super::super) const DESTROYED: StateId = 9;
}

pub(super) struct KeyPlan {
    pub(super) entity: EntityId,
    pub(super) kms: EntityId,
    pub(super) ekm: Option<EntityId>,
    pub(super) quota: Option<EntityId>,
    /// States of the versions at the start, from version 1 on.
    pub(super) versions: Vec<State>,
    pub(super) primary: u32,
    pub(super) imported: bool,
    /// KMS-01: the manager destroys the material as well, and tells whether it could.
    pub(super) coordinated: Option<Coordinated>,
    pub(super) destroy_wait: SimDuration,
    /// KMS-17: the first rotation, and the time between two.
    pub(super) rotation: Option<(SimTime, SimDuration)>,
    pub(super) disable: Dist,
    pub(super) enable: Dist,
    pub(super) primary_change: Dist,
    pub(super) generation: Dist,
    pub(super) import: Dist,
    /// The reason that requests give, a bit, and the reasons that the key allows (KMS-20).
    pub(super) reason: u32,
    pub(super) allowed: u32,
    /// EKM-09: a denial of the external manager disables the version that was asked for.
    pub(super) sticks: bool,
    /// US dollars per version and month (KMS-29).
    pub(super) price: f64,
    /// KMS-16: versions have to be disabled before their destruction is scheduled, at the start.
    pub(super) disable_first: bool,
    pub(super) delays: StreamNumber,
    pub(super) primary_delays: StreamNumber,
    pub(super) making: StreamNumber,
}

/// How an external manager destroys material when Cloud KMS asks it to.
pub(super) struct Coordinated {
    pub(super) takes: Dist,
    pub(super) fails: bool,
}

impl Spawn for KeyPlan {
    fn spawn<'a>(&'a self, streams: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        Box::new(self.key(streams))
    }
}

impl KeyPlan {
    /// The state that callers see at the start.
    pub(super) fn first_state(&self) -> StateId {
        self.key(&Streams::new(0, 0)).shown()
    }

    /// The key at the start.
    fn key(&self, streams: &Streams) -> Key<'_> {
        let version = |state: &State| Version::new(*state, SimTime::START);
        let mut key = Key {
            plan: self,
            delays: LazyStream::new(streams, self.delays),
            primary_delays: LazyStream::new(streams, self.primary_delays),
            making: LazyStream::new(streams, self.making),
            versions: self.versions.iter().map(version).collect(),
            primary: self.primary,
            callers_primary: self.primary,
            primary_moving: None,
            allowed: self.allowed,
            refused_reasons: Vec::new(),
            manager_denies: Vec::new(),
            errors: Errors::default(),
            standing: Standing::GRANTED,
            stale: false,
            told: 1,
            disable_first: self.disable_first,
            deleted: false,
            admin_calls: 0,
        };
        key.standing.denied = key.denial().map(|denial| (denial, SimTime::START));
        key
    }
}

/// Shares of the requests that something leaves without an answer.
#[derive(Clone, Copy, Default)]
struct Errors {
    kms: f64,
    ekm: f64,
    quota: f64,
}

/// One customer-managed key with its versions.
pub(super) struct Key<'a> {
    pub(super) plan: &'a KeyPlan,
    delays: LazyStream,
    pub(super) primary_delays: LazyStream,
    pub(super) making: LazyStream,
    pub(super) versions: Vec<Version>,
    /// The primary version in the administration, and the one that callers use.
    pub(super) primary: u32,
    pub(super) callers_primary: u32,
    /// The change of the primary that is on its way to callers.
    pub(super) primary_moving: Option<Moving>,
    /// KMS-20: reasons that the key allows.
    pub(super) allowed: u32,
    /// Reasons that are refused for a while, and spells in which the manager denies everything, by
    /// occurrence.
    pub(super) refused_reasons: Vec<(u32, u32)>,
    pub(super) manager_denies: Vec<u32>,
    errors: Errors,
    pub(super) standing: Standing,
    pub(super) stale: bool,
    /// Number of versions that subscribers know of.
    told: usize,
    /// KMS-16, as it is enforced at present.
    disable_first: bool,
    /// KMS-08: it is listed no more.
    pub(super) deleted: bool,
    /// Calls that administrators made, refused ones too.
    pub(super) admin_calls: u64,
}

/// What a timer of a key is for; the place of the version stands in the low bits.
pub(super) const ARRIVAL: u32 = 0;
pub(super) const DESTRUCTION: u32 = 1;
pub(super) const READY: u32 = 2;
pub(super) const PRIMARY: u32 = 3;
const ROTATION: u32 = 4;
pub(super) const EXTERNAL: u32 = 5;
const VERSION_BITS: u32 = 20;

pub(super) fn timer(kind: u32, place: usize) -> u32 {
    kind << VERSION_BITS | place as u32
}

/// What callers are told, to see what a change changes.
pub(super) struct Told {
    standing: Standing,
    versions: Vec<Option<Denial>>,
}

impl Key<'_> {
    /// Why callers are denied whatever version they need, if they are.
    fn denial(&self) -> Option<Denial> {
        if self.versions.iter().all(|version| version.denied.is_some()) {
            return Some(self.whole_denial());
        }
        let refused = self.refused_reasons.iter().any(|(_, set)| set & self.plan.reason != 0);
        if self.allowed & self.plan.reason == 0 {
            Some(Denial::Justification)
        } else if !self.manager_denies.is_empty() || (refused && self.plan.ekm.is_some()) {
            Some(if self.plan.sticks { Denial::Manager } else { Denial::ManagerNow })
        } else if refused {
            Some(Denial::Justification)
        } else {
            None
        }
    }

    /// Why, if all versions are denied: that of the primary, or of the newest that still has its
    /// material. A key is destroyed only when none has or is about to get any.
    fn whole_denial(&self) -> Denial {
        let primary = self.versions.get(self.callers_primary as usize - 1);
        let denials = primary.into_iter().chain(self.versions.iter().rev());
        let denials = denials.filter_map(|version| version.denied);
        let gone = |denial: &Denial| matches!(denial, Denial::NotReady | Denial::Destroyed);
        let pending = self.versions.iter().any(|version| version.state.is_pending());
        let any_gone = denials.clone().any(|denial| denial == Denial::Destroyed);
        match denials.clone().find(|denial| !gone(denial)) {
            Some(kept) => kept,
            None if any_gone && !pending => Denial::Destroyed,
            None => Denial::NotReady,
        }
    }

    /// The state that callers see.
    fn shown(&self) -> StateId {
        let certain = self.standing.certain();
        let unreachable = certain == Some(Answer::Unreachable);
        let states = || self.versions.iter().map(|version| version.state);
        let off = |version: &Version| {
            let denied = [Some(Denial::Disabled), Some(Denial::DestroyScheduled)];
            matches!(version.state, State::Disabled | State::DestroyScheduled)
                || denied.contains(&version.denied)
        };
        match self.standing.denied.map(|(denial, _)| denial) {
            Some(Denial::Destroyed) => shown::DESTROYED,
            _ if unreachable => shown::UNREACHABLE,
            Some(Denial::Disabled) => shown::DISABLED,
            Some(Denial::DestroyScheduled) => shown::DESTROY_SCHEDULED,
            Some(_) => shown::DENYING,
            None if matches!(certain, Some(Answer::Denied(_))) => shown::DENYING,
            None if self.standing.impaired() || self.standing.mistaken > 0.0 => shown::IMPAIRED,
            None if self.versions[self.callers_primary as usize - 1].denied.is_some() => {
                shown::NO_PRIMARY
            }
            None if states().all(|state| state != State::Enabled) => shown::DISABLING,
            None if self.versions.iter().any(off) => shown::PARTLY_DISABLED,
            None => shown::ENABLED,
        }
    }

    pub(super) fn told(&self) -> Told {
        let several = self.versions.len() > 1;
        let versions = if several {
            self.versions.iter().map(|version| version.denied).collect()
        } else {
            Vec::new()
        };
        Told { standing: self.standing, versions }
    }

    /// Records the state callers see now, and tells them if their answers change.
    pub(super) fn tell(
        &mut self,
        before: &Told,
        rule: &'static str,
        cause: Option<Seq>,
        detail: impl Into<Cow<'static, str>>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let since = before.standing.denied.map_or(fx.now(), |(_, since)| since);
        self.standing.denied = self.denial().map(|denial| (denial, since));
        let seq = fx.enter(self.plan.entity, self.shown(), rule, cause, detail);
        // In such an order that nobody takes a denial of the whole key for one of some versions.
        let denied = self.standing.denied.is_some();
        if !denied {
            self.tell_versions(before, Some(seq), fx);
        }
        if before.standing != self.standing {
            fx.publish(self.plan.entity, Message::Standing(self.standing), Some(seq));
        }
        if denied {
            self.tell_versions(before, Some(seq), fx);
        }
        seq
    }

    /// Versions are told of one by one as soon as there are several.
    fn tell_versions(&mut self, before: &Told, cause: Option<Seq>, fx: &mut Effects<Message>) {
        if self.versions.len() == 1 {
            return;
        }
        let known = if self.told == 1 { 0 } else { self.told };
        for (place, version) in self.versions.iter().enumerate() {
            let denied = version.denied;
            if place >= known || before.versions.get(place) != Some(&denied) {
                let message = Message::Version { number: place as u32 + 1, denied };
                fx.publish(self.plan.entity, message, cause);
            }
        }
        self.told = self.versions.len();
    }

    /// A command of an administrator to one version, or (number 0) to all.
    fn command(&mut self, command: Command, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let all: Vec<usize> = match command.a {
            0 => (0..self.versions.len()).collect(),
            number if number as usize > self.versions.len() => {
                let status =
                    (NOT_FOUND, "CryptoKeyVersion {key}/cryptoKeyVersions/{version} not found.");
                self.asked(method(command.code), number, status, fx);
                let detail = format!("refused: the key has no version {number}");
                fx.note(self.plan.entity, "KMS-01", cause, detail);
                return;
            }
            number => vec![number as usize - 1],
        };
        if command.code == code::DISABLE {
            // Who wants it disabled does not want a rotation to enable it.
            all.iter().for_each(|&place| self.versions[place].stuck = false);
        }
        let first = self.disable_first && command.code == code::SCHEDULE;
        let allows = |place: &usize| {
            let state = self.versions[*place].state;
            state.allows(command.code) && !(first && state == State::Enabled)
        };
        let targets: Vec<usize> = all.iter().copied().filter(allows).collect();
        for &place in &targets {
            self.asked(method(command.code), place as u32 + 1, (0, ""), fx);
        }
        if targets.is_empty() {
            self.refuse(command.code, &all, first, cause, fx);
            return;
        }
        let now = fx.now();
        let which = self.which(&targets);
        match command.code {
            code::DISABLE => {
                self.become_all(&targets, State::Disabled, now);
                self.change(
                    &targets,
                    Some(Denial::Disabled),
                    "KMS-02",
                    which("disabled"),
                    cause,
                    fx,
                );
            }
            code::ENABLE => {
                self.become_all(&targets, State::Enabled, now);
                let on_its_way = targets.iter().all(|&place| self.versions[place].denied.is_none());
                let detail =
                    if on_its_way { "enabled before the change had propagated" } else { "enabled" };
                self.change(&targets, None, "KMS-09", which(detail), cause, fx);
            }
            code::SCHEDULE => {
                self.become_all(&targets, State::DestroyScheduled, now);
                let detail = format!("scheduled for destruction in {}", self.plan.destroy_wait);
                let why = Some(Denial::DestroyScheduled);
                let seq = self.change(&targets, why, "KMS-03", which(&detail), cause, fx);
                for place in targets {
                    self.versions[place].pending = Some(seq);
                    fx.after(timer(DESTRUCTION, place), self.plan.destroy_wait, Class::Change);
                }
            }
            code::RESTORE => {
                self.become_all(&targets, State::Disabled, now);
                for &place in &targets {
                    fx.cancel(timer(DESTRUCTION, place));
                }
                let detail = which("restored: disabled until it is enabled");
                self.change(&targets, Some(Denial::Disabled), "KMS-06", detail, cause, fx);
            }
            _ if targets[0] as u32 + 1 == self.primary => {
                let why = "set-primary changes nothing: the version is the primary already";
                fx.note(self.plan.entity, "KMS-13", cause, which(why));
            }
            _ => self.make_primary(targets[0] as u32 + 1, "KMS-13", cause, fx),
        }
    }

    fn become_all(&mut self, places: &[usize], state: State, now: SimTime) {
        for &place in places {
            self.versions[place].becomes(state, now);
            self.versions[place].stuck = false;
        }
    }

    /// Callers are to be denied or granted what needs some versions. A denial sets out to those who
    /// are granted and changes the reason of those who are denied at once; one that is on its way
    /// keeps its time. KMS-09: a grant arrives at once unless the model says otherwise, and a
    /// denial still on its way never arrives. One change has one delay for all its versions.
    fn change(
        &mut self,
        places: &[usize],
        denied: Option<Denial>,
        rule: &'static str,
        detail: Cow<'static, str>,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let before = self.told();
        let mut delay = None;
        let mut setting_out = Vec::new();
        for &place in places {
            let version = &mut self.versions[place];
            match (denied, version.denied, &mut version.moving) {
                (Some(_), Some(_), _) | (None, None, _) => {
                    version.moving = None;
                    fx.cancel(timer(ARRIVAL, place));
                    version.denied = denied;
                    continue;
                }
                (Some(_), None, Some(moving)) => {
                    moving.denied = denied;
                    continue;
                }
                (Some(_), None, None) | (None, Some(_), _) => {}
            }
            let (plan, delays) = (self.plan, &mut self.delays);
            let delay = *delay.get_or_insert_with(|| {
                let (constant, dist) = match denied {
                    Some(_) => ("model.kms.disable-propagation", &plan.disable),
                    None => ("model.kms.enable-propagation", &plan.enable),
                };
                fx.used(constant);
                dist.sample(delays.get())
            });
            if delay.is_zero() && (!self.stale || denied.is_none()) {
                version.denied = denied;
            } else {
                setting_out.push((place, delay));
            }
        }
        let seq = self.tell(&before, rule, cause, detail, fx);
        for (place, delay) in setting_out {
            let arrives = fx.now().saturating_add(delay);
            self.versions[place].moving = Some(Moving { denied, arrives, left: delay, cause: seq });
            if !self.stale {
                fx.at(timer(ARRIVAL, place), arrives, Class::Change);
            }
        }
        seq
    }

    /// BT-25: a change has propagated, for all the versions that it was made to.
    fn arrive(&mut self, first: usize, fx: &mut Effects<Message>) {
        let before = self.told();
        let now = fx.now();
        let mut cause = None;
        let mut places = Vec::new();
        for place in first..self.versions.len() {
            let version = &mut self.versions[place];
            let due = version.moving.as_ref().is_some_and(|moving| moving.arrives == now);
            let same = |moving: &Moving| cause.is_none_or(|cause| cause == moving.cause);
            if due && version.moving.as_ref().is_some_and(same) {
                let moving = version.moving.take().expect("just seen");
                version.denied = moving.denied;
                cause = Some(moving.cause);
                fx.cancel(timer(ARRIVAL, place));
                places.push(place);
            }
        }
        let detail = self.which(&places)("the change has propagated");
        self.tell(&before, "KMS-12", cause, detail, fx);
    }

    /// KMS-14: what is on its way stops, or goes on.
    fn stale(&mut self, stale: bool, fx: &mut Effects<Message>) {
        if self.stale == stale {
            return;
        }
        self.stale = stale;
        let versions = self.versions.iter_mut().enumerate();
        let versions =
            versions.map(|(place, version)| (timer(ARRIVAL, place), &mut version.moving));
        for (timer, moving) in versions.chain([(timer(PRIMARY, 0), &mut self.primary_moving)]) {
            let Some(moving) = moving else { continue };
            if stale {
                moving.left = moving.arrives.saturating_since(fx.now());
                fx.cancel(timer);
            } else {
                moving.arrives = fx.now().saturating_add(moving.left);
                fx.at(timer, moving.arrives, Class::Change);
            }
        }
    }

    fn errors(&mut self, of: EntityId, errors: f64, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let before = self.told();
        let (shares, plan) = (&mut self.errors, self.plan);
        let rule = if of == plan.kms {
            shares.kms = errors;
            "BT-43"
        } else if Some(of) == plan.quota {
            shares.quota = errors;
            "Q-17"
        } else {
            shares.ekm = errors;
            "EKM-01"
        };
        // What is over the quota is refused by Cloud KMS itself.
        self.standing.kms_errors = match shares.quota {
            0.0 => shares.kms,
            quota => 1.0 - (1.0 - shares.kms) * (1.0 - quota),
        };
        self.standing.ekm_errors = shares.ekm;
        let failing = self.standing.kms_errors > 0.0 || self.standing.ekm_errors > 0.0;
        let silent = self.standing.kms_errors >= 1.0 || self.standing.ekm_errors >= 1.0;
        let since = before.standing.silent_since;
        self.standing.silent_since = silent.then(|| since.unwrap_or(fx.now()));
        let detail = if failing { "" } else { "every request is answered again" };
        self.tell(&before, rule, cause, detail, fx);
    }

    fn on_timer(&mut self, number: u32, fx: &mut Effects<Message>) {
        let place = (number & ((1 << VERSION_BITS) - 1)) as usize;
        match number >> VERSION_BITS {
            ARRIVAL => self.arrive(place, fx),
            DESTRUCTION => self.destroy(place, fx),
            READY => self.ready(place, fx),
            PRIMARY => self.primary_arrives(fx),
            ROTATION => self.rotate_by_itself(fx),
            _ => self.destroyed_outside(place, fx),
        }
    }

    /// KMS-17: the next automatic rotation.
    pub(super) fn rotate_at(&self, at: SimTime, fx: &mut Effects<Message>) {
        fx.at(timer(ROTATION, 0), at, Class::Change);
    }
}

impl Process<Message> for Key<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        let nothing = Told { standing: Standing::GRANTED, versions: Vec::new() };
        let start = self.tell_start(fx);
        // Nobody has asked yet: what is told of one version at a time is not taken for a change.
        self.tell_versions(&nothing, start, fx);
        if self.standing.denied.is_some() {
            fx.publish(self.plan.entity, Message::Standing(self.standing), start);
        }
        if self.callers_primary != 1 {
            fx.publish(self.plan.entity, Message::Primary(self.callers_primary), None);
        }
        if let Some((first, _)) = self.plan.rotation {
            self.rotate_at(first, fx);
        }
        self.go_on(start, fx);
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(number) => self.on_timer(number, fx),
            Happening::Message { to, message, cause } => match message {
                Message::Errors(errors) => self.errors(to, errors, cause, fx),
                Message::Mistaken(share) => self.mistaken(share, cause, fx),
                Message::Stale(stale) => self.stale(stale, fx),
                Message::Refused { version } => self.refused(version, cause, fx),
                Message::Command { command, begins, occurrence } => match command.code {
                    policy::DISABLE_FIRST => self.disable_first = command.a != 0,
                    policy::SERVICES | policy::KEY => {}
                    code::KEY_LOAD => self.direct_load(command, begins, cause, fx),
                    code::REFUSE_REASONS | code::MANAGER_DENIES => {
                        self.refuse_for_a_while(command, begins, occurrence, cause, fx);
                    }
                    _ if self.deleted => self.refuse_deleted(command, cause, fx),
                    code::DELETE => self.delete(cause, fx),
                    code::CREATE_VERSION => self.create(false, true, command.b != 0, cause, fx),
                    code::ROTATE => self.create(true, true, command.b != 0, cause, fx),
                    code::IMPORT => self.import(command, cause, fx),
                    code::ALLOW_REASONS => self.allow(command.b, cause, fx),
                    _ => self.command(command, cause, fx),
                },
                Message::Standing(_)
                | Message::Version { .. }
                | Message::Primary(_)
                | Message::Grant(_)
                | Message::Load(_)
                | Message::Order(_)
                | Message::News(_) => {}
            },
            Happening::Entered { .. } => {}
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        self.tell_costs(fx);
    }
}
