//! How versions come and go: generation, import, rotation, destruction.

use super::calls::{EXHAUSTED, NOT_FOUND, PRECONDITION, method};
use super::key::{DESTRUCTION, EXTERNAL, Key, PRIMARY, READY, timer};
use super::version::{Moving, State, Version};
use crate::engine::{Class, Effects, Seq, SimDuration};
use crate::limits::VERSIONS_MAX;
use crate::systems::contract::{Command, Denial, Message};
use std::borrow::Cow;

/// Nanoseconds of a month of the price list: 30 days (assumed; the list says "per month").
const MONTH_NS: f64 = 30.0 * 86_400e9;

/// The method of an import.
const IMPORT: &str = "ImportCryptoKeyVersion";

impl Key<'_> {
    /// A new version is generated (KMS-01); of a rotation (KMS-17), it becomes the primary.
    pub(super) fn create(
        &mut self,
        rotate: bool,
        by_hand: bool,
        fails: bool,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        let Some(number) = self.room("CreateCryptoKeyVersion", cause, fx) else { return };
        if rotate && by_hand {
            self.asked("UpdateCryptoKeyPrimaryVersion", number, (0, ""), fx);
        }
        let place = number as usize - 1;
        fx.used("model.kms.generation-time");
        let delay = self.plan.generation.sample(self.making.get());
        let before = self.told();
        self.versions.push(Version::new(State::PendingGeneration, fx.now()));
        self.versions[place].primary_when_ready = rotate;
        self.versions[place].fails = fails;
        if !delay.is_zero() || fails {
            let rule = if rotate { "KMS-17" } else { "KMS-01" };
            let detail = format!("version {number} is being generated");
            let seq = self.tell(&before, rule, cause, detail, fx);
            self.versions[place].pending = Some(seq);
            fx.after(timer(READY, place), delay, Class::Change);
        } else {
            self.is_ready(place, cause, fx);
        }
    }

    /// KMS-01: tells of versions that cannot be used from the start.
    pub(super) fn tell_start(&self, fx: &mut Effects<Message>) -> Option<Seq> {
        let detail = match self.standing.denied {
            Some((denial, _)) => format!("from the start: {}", denial.words()),
            None => {
                let off: Vec<usize> = (0..self.versions.len())
                    .filter(|&place| self.versions[place].denied.is_some())
                    .collect();
                if off.is_empty() {
                    return None;
                }
                self.which(&off)("unusable from the start").into_owned()
            }
        };
        let seq = fx.note(self.plan.entity, "KMS-01", None, detail);
        fx.no_fault(seq);
        Some(seq)
    }

    /// What versions are in the middle of at the start goes on.
    pub(super) fn go_on(&mut self, start: Option<Seq>, fx: &mut Effects<Message>) {
        for place in 0..self.versions.len() {
            self.versions[place].pending = start;
            match self.versions[place].state {
                State::PendingGeneration => {
                    let takes = self.plan.generation.sample(self.making.get());
                    fx.after(timer(READY, place), takes, Class::Change);
                }
                State::PendingImport => {
                    let takes = self.plan.import.sample(self.making.get());
                    fx.after(timer(READY, place), takes, Class::Change);
                }
                State::DestroyScheduled => {
                    fx.after(timer(DESTRUCTION, place), self.plan.destroy_wait, Class::Change);
                }
                State::PendingExternalDestruction => {
                    let takes = self.plan.coordinated.as_ref().map(|how| &how.takes);
                    let takes = takes.map_or(SimDuration::ZERO, |d| d.sample(self.making.get()));
                    fx.after(timer(EXTERNAL, place), takes, Class::Change);
                }
                State::Enabled
                | State::Disabled
                | State::Destroyed
                | State::ImportFailed
                | State::GenerationFailed
                | State::ExternalDestructionFailed => {}
            }
        }
    }

    /// The number of the next version, if there may be one more.
    fn room(
        &mut self,
        method: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Option<u32> {
        let number = self.versions.len() as u32 + 1;
        if self.versions.len() < VERSIONS_MAX {
            self.asked(method, number, (0, ""), fx);
            return Some(number);
        }
        self.asked(method, 0, (EXHAUSTED, "the key of this model has no room for it"), fx);
        let detail = format!("refused: a key of this model has at most {VERSIONS_MAX} versions");
        fx.note(self.plan.entity, "KMS-21", cause, detail);
        None
    }

    /// KMS-07: material is imported into a new version, or again into one that was destroyed.
    pub(super) fn import(
        &mut self,
        command: Command,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        if !self.plan.imported {
            let why = "import-version is refused: the key's material was not imported";
            return self.refuse_import(command.a, why, cause, fx);
        }
        let place = match command.a {
            0 => {
                let Some(number) = self.room(IMPORT, cause, fx) else { return };
                self.versions.push(Version::new(State::PendingImport, fx.now()));
                number as usize - 1
            }
            number => {
                let state = self.versions.get(number as usize - 1).map(|version| version.state);
                let again = [State::Destroyed, State::ImportFailed, State::PendingImport];
                let why = match state {
                    Some(state) if again.contains(&state) => None,
                    Some(_) => Some("import-version is refused: the version has material"),
                    None => Some("import-version is refused: no such version"),
                };
                if let Some(why) = why {
                    return self.refuse_import(number, why, cause, fx);
                }
                self.asked(IMPORT, number, (0, ""), fx);
                number as usize - 1
            }
        };
        fx.used("model.kms.import-time");
        let delay = self.plan.import.sample(self.making.get());
        let before = self.told();
        self.versions[place].becomes(State::PendingImport, fx.now());
        self.versions[place].denied = Some(Denial::NotReady);
        self.versions[place].fails = command.b != 0;
        let detail = format!("version {}: its material is being imported", place + 1);
        let seq = self.tell(&before, "KMS-07", cause, detail, fx);
        self.versions[place].pending = Some(seq);
        fx.after(timer(READY, place), delay, Class::Change);
    }

    fn refuse_import(
        &mut self,
        number: u32,
        why: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        self.asked(IMPORT, number, (PRECONDITION, why), fx);
        fx.note(self.plan.entity, "KMS-07", cause, why);
    }

    /// Generation or import is over.
    pub(super) fn ready(&mut self, place: usize, fx: &mut Effects<Message>) {
        let (cause, now) = (self.versions[place].pending, fx.now());
        if !self.versions[place].fails {
            return self.is_ready(place, cause, fx);
        }
        let before = self.told();
        let (state, what) = match self.versions[place].state {
            State::PendingImport => (State::ImportFailed, "the import has failed"),
            _ => (State::GenerationFailed, "the generation has failed"),
        };
        self.versions[place].becomes(state, now);
        self.tell(&before, "KMS-01", cause, format!("version {}: {what}", place + 1), fx);
    }

    /// A version has its material.
    fn is_ready(&mut self, place: usize, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let before = self.told();
        let imported = self.versions[place].state == State::PendingImport;
        let rotates = std::mem::take(&mut self.versions[place].primary_when_ready);
        self.versions[place].becomes(State::Enabled, fx.now());
        self.versions[place].denied = None;
        if rotates {
            self.unstick(fx);
        }
        let (rule, what) = match (imported, rotates) {
            (true, _) => ("KMS-07", "imported"),
            (false, true) => ("KMS-17", "made by a rotation"),
            (false, false) => ("KMS-01", "generated"),
        };
        let seq = self.tell(&before, rule, cause, format!("version {}: {what}", place + 1), fx);
        if rotates {
            self.make_primary(place as u32 + 1, "KMS-13", Some(seq), fx);
        }
    }

    /// EKM-09: a rotation ends the denial that stuck to older versions (assumed: the page says that
    /// the key has to be rotated after the grant is repaired, so this must bring its data back).
    fn unstick(&mut self, fx: &Effects<Message>) {
        for version in self.versions.iter_mut().filter(|version| version.stuck) {
            version.stuck = false;
            version.becomes(State::Enabled, fx.now());
            version.denied = None;
        }
    }

    /// Says of which versions something is told, where a key has several.
    pub(super) fn which(&self, places: &[usize]) -> impl Fn(&str) -> Cow<'static, str> + use<> {
        let several = self.versions.len() > 1;
        let numbers: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
        move |what| match (several, numbers.len()) {
            (false, _) => Cow::Owned(what.to_owned()),
            (true, 1) => Cow::Owned(format!("version {}: {what}", numbers.concat())),
            (true, _) => Cow::Owned(format!("versions {}: {what}", numbers.join(", "))),
        }
    }

    /// KMS-13: another version becomes the primary; callers follow when that has propagated.
    pub(super) fn make_primary(
        &mut self,
        number: u32,
        rule: &'static str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        self.primary = number;
        fx.used("model.kms.primary-propagation");
        let delay = self.plan.primary_change.sample(self.primary_delays.get());
        let before = self.told();
        let detail = format!("version {number} becomes the primary version");
        let seq = self.tell(&before, rule, cause, detail, fx);
        let arrives = fx.now().saturating_add(delay);
        self.primary_moving = Some(Moving { denied: None, arrives, left: delay, cause: seq });
        if self.stale {
            fx.cancel(timer(PRIMARY, 0));
        } else {
            fx.at(timer(PRIMARY, 0), arrives, Class::Change);
        }
    }

    /// KMS-13: callers encrypt with the new primary version.
    pub(super) fn primary_arrives(&mut self, fx: &mut Effects<Message>) {
        self.callers_primary = self.primary;
        let before = self.told();
        let cause = self.primary_moving.take().map(|moving| moving.cause);
        let detail = format!("callers encrypt with version {}", self.primary);
        let seq = self.tell(&before, "KMS-13", cause, detail, fx);
        fx.publish(self.plan.entity, Message::Primary(self.primary), Some(seq));
    }

    /// KMS-17: the time of an automatic rotation has come.
    pub(super) fn rotate_by_itself(&mut self, fx: &mut Effects<Message>) {
        let Some((_, period)) = self.plan.rotation.filter(|_| !self.deleted) else { return };
        let enabled = self.versions.iter().any(|version| version.state == State::Enabled);
        fx.no_fault(fx.next_record());
        if enabled {
            self.create(true, false, false, None, fx);
        } else {
            let detail = "no rotation: no version is enabled (assumed)";
            fx.note(self.plan.entity, "KMS-17", None, detail);
        }
        self.rotate_at(fx.now().saturating_add(period), fx);
    }

    /// KMS-04: the wait before destruction is over.
    pub(super) fn destroy(&mut self, place: usize, fx: &mut Effects<Message>) {
        let cause = self.versions[place].pending;
        match &self.plan.coordinated {
            None => {
                let detail = "the wait is over: the material is destroyed";
                self.end(place, State::Destroyed, "KMS-02", detail, cause, fx);
            }
            Some(coordinated) => {
                fx.used("model.kms.external-destruction-time");
                let takes = coordinated.takes.sample(self.making.get());
                let detail = "the wait is over: the external manager is told to destroy";
                let state = State::PendingExternalDestruction;
                let seq = self.end(place, state, "KMS-01", detail, cause, fx);
                self.versions[place].pending = Some(seq);
                fx.after(timer(EXTERNAL, place), takes, Class::Change);
            }
        }
    }

    /// KMS-01: the external manager has destroyed the material, or could not.
    pub(super) fn destroyed_outside(&mut self, place: usize, fx: &mut Effects<Message>) {
        let cause = self.versions[place].pending;
        let fails = self.plan.coordinated.as_ref().is_some_and(|coordinated| coordinated.fails);
        let (state, detail) = if fails {
            (State::ExternalDestructionFailed, "the external manager could not destroy")
        } else {
            (State::Destroyed, "the external manager has destroyed the material")
        };
        self.end(place, state, "KMS-01", detail, cause, fx);
    }

    /// A version gives its material up.
    fn end(
        &mut self,
        place: usize,
        state: State,
        rule: &'static str,
        detail: &str,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) -> Seq {
        let before = self.told();
        let version = &mut self.versions[place];
        version.becomes(state, fx.now());
        version.moving = None;
        version.denied = state.denial();
        fx.cancel(timer(super::key::ARRIVAL, place));
        fx.cancel(timer(DESTRUCTION, place));
        let detail = self.which(&[place])(detail);
        self.tell(&before, rule, cause, detail, fx)
    }

    /// KMS-08: the key and its versions leave the lists of Cloud KMS. Nothing changes for its callers,
    /// for no version of it serves any more.
    pub(super) fn delete(&mut self, cause: Option<Seq>, fx: &mut Effects<Message>) {
        let deletable = |version: &Version| match version.state {
            State::Destroyed => !self.plan.imported,
            State::ImportFailed | State::GenerationFailed => true,
            State::PendingGeneration
            | State::PendingImport
            | State::Enabled
            | State::Disabled
            | State::DestroyScheduled
            | State::PendingExternalDestruction
            | State::ExternalDestructionFailed => false,
        };
        let kept = (0..self.versions.len()).find(|&place| !deletable(&self.versions[place]));
        if let Some(place) = kept {
            let why = "delete-key is refused: the version cannot be deleted; only destroyed versions that were not imported and failed ones can";
            self.asked("DeleteCryptoKeyVersion", place as u32 + 1, (PRECONDITION, why), fx);
            fx.note(self.plan.entity, "KMS-08", cause, self.which(&[place])(why));
            return;
        }
        for place in 0..self.versions.len() {
            self.asked("DeleteCryptoKeyVersion", place as u32 + 1, (0, ""), fx);
        }
        self.asked("DeleteCryptoKey", 0, (0, ""), fx);
        self.deleted = true;
        let detail =
            "deleted with its versions: it is listed no more, and its name cannot be used again";
        fx.note(self.plan.entity, "KMS-08", cause, detail);
    }

    /// KMS-08: whatever administrators ask of a deleted key.
    pub(super) fn refuse_deleted(
        &mut self,
        command: Command,
        cause: Option<Seq>,
        fx: &mut Effects<Message>,
    ) {
        self.asked(method(command.code), command.a, (NOT_FOUND, "CryptoKey {key} not found."), fx);
        fx.note(self.plan.entity, "KMS-08", cause, "refused: the key is deleted");
    }

    /// KMS-29, DF-32: what the versions cost, and what administrators left in the audit log.
    pub(super) fn tell_costs(&self, fx: &mut Effects<Message>) {
        let billed: u64 = self.versions.iter().map(|version| version.billed_until(fx.now())).sum();
        let cost = billed as f64 / MONTH_NS * self.plan.price;
        fx.measure(self.plan.entity, "version-cost-usd", Some(cost));
        fx.measure(self.plan.entity, "admin-activity-entries", Some(self.admin_calls as f64));
    }
}
