//! The states of a key version and the moves between them (KMS-01 to KMS-07).

use super::code;
use crate::engine::{Seq, SimDuration, SimTime};
use crate::systems::contract::Denial;

/// State of a key version in the administration of Cloud KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    PendingGeneration,
    PendingImport,
    Enabled,
    Disabled,
    DestroyScheduled,
    Destroyed,
    ImportFailed,
    GenerationFailed,
    PendingExternalDestruction,
    ExternalDestructionFailed,
}

/// The names of the states, as a scenario file and the trace write them.
pub(super) const STATES: &[(&str, State)] = &[
    ("pending-generation", State::PendingGeneration),
    ("pending-import", State::PendingImport),
    ("enabled", State::Enabled),
    ("disabled", State::Disabled),
    ("destroy-scheduled", State::DestroyScheduled),
    ("destroyed", State::Destroyed),
    ("import-failed", State::ImportFailed),
    ("generation-failed", State::GenerationFailed),
    ("pending-external-destruction", State::PendingExternalDestruction),
    ("external-destruction-failed", State::ExternalDestructionFailed),
];

impl State {
    /// Why a version in this state denies requests, if it does (KMS-01: only enabled serves).
    pub(super) fn denial(self) -> Option<Denial> {
        match self {
            State::Enabled => None,
            State::Disabled => Some(Denial::Disabled),
            State::DestroyScheduled => Some(Denial::DestroyScheduled),
            State::Destroyed
            | State::PendingExternalDestruction
            | State::ExternalDestructionFailed => Some(Denial::Destroyed),
            State::PendingGeneration
            | State::PendingImport
            | State::ImportFailed
            | State::GenerationFailed => Some(Denial::NotReady),
        }
    }

    /// Will a version in this state have material without anybody's doing?
    pub(super) fn is_pending(self) -> bool {
        matches!(self, State::PendingGeneration | State::PendingImport)
    }

    /// KMS-29: is a version in this state billed?
    pub(super) fn is_billed(self) -> bool {
        matches!(self, State::Enabled | State::Disabled | State::DestroyScheduled)
    }

    /// May a command be given to a version in this state?
    pub(super) fn allows(self, command: u16) -> bool {
        match command {
            code::DISABLE => self == State::Enabled,
            code::ENABLE => self == State::Disabled,
            // KMS-03: only enabled or disabled versions.
            code::SCHEDULE => matches!(self, State::Enabled | State::Disabled),
            code::RESTORE => self == State::DestroyScheduled,
            code::SET_PRIMARY => self == State::Enabled,
            _ => false,
        }
    }
}

/// Why a command is refused by a version in this state: the rule, and in words.
pub(super) fn refusal(command: u16, state: State) -> (&'static str, &'static str) {
    let (rule, what) = match (command, state) {
        (code::DISABLE, State::Disabled) => {
            ("KMS-01", "disable-key changes nothing: the key is disabled already")
        }
        (code::DISABLE, State::DestroyScheduled) => {
            ("KMS-01", "disable-key is refused: the key is scheduled for destruction")
        }
        (code::DISABLE, State::Destroyed) => {
            ("KMS-01", "disable-key is refused: the key is destroyed")
        }
        (code::ENABLE, State::Enabled) => {
            ("KMS-01", "enable-key changes nothing: the key is enabled already")
        }
        // KMS-06: two steps, restore first.
        (code::ENABLE, State::DestroyScheduled) => (
            "KMS-06",
            "enable-key is refused: the key is scheduled for destruction; restore it first",
        ),
        (code::ENABLE, State::Destroyed) => {
            ("KMS-07", "enable-key is refused: the key is destroyed")
        }
        (code::SCHEDULE, State::DestroyScheduled) => {
            ("KMS-03", "schedule-destroy is refused: the key is scheduled for destruction already")
        }
        (code::SCHEDULE, State::Destroyed) => {
            ("KMS-03", "schedule-destroy is refused: the key is destroyed already")
        }
        (code::RESTORE, State::Destroyed) => {
            ("KMS-07", "restore-key is refused: the key is destroyed")
        }
        (code::RESTORE, State::Enabled | State::Disabled) => {
            ("KMS-06", "restore-key is refused: the key is not scheduled for destruction")
        }
        (code::SET_PRIMARY, _) => ("KMS-01", "set-primary is refused: the version is not enabled"),
        _ => ("KMS-01", "refused: the version is in no state that allows it"),
    };
    (rule, what)
}

/// A change on its way to the callers.
pub(super) struct Moving {
    /// What they will be told: denied or granted.
    pub(super) denied: Option<Denial>,
    /// When it arrives; while data is stale, how long it still has to go.
    pub(super) arrives: SimTime,
    pub(super) left: SimDuration,
    pub(super) cause: Seq,
}

/// A key version.
pub(super) struct Version {
    pub(super) state: State,
    /// What callers are answered.
    pub(super) denied: Option<Denial>,
    pub(super) moving: Option<Moving>,
    /// The record that scheduled its destruction, or that began its generation or import.
    pub(super) pending: Option<Seq>,
    /// A rotation made it: it becomes the primary when it is ready.
    pub(super) primary_when_ready: bool,
    /// Its generation or import will fail.
    pub(super) fails: bool,
    /// EKM-09: disabled because the external manager denied a request.
    pub(super) stuck: bool,
    /// Since when it is billed, if it is.
    pub(super) billed_since: Option<SimTime>,
    /// Nanoseconds it was billed for before that.
    pub(super) billed: u64,
}

impl Version {
    pub(super) fn new(state: State, now: SimTime) -> Version {
        Version {
            state,
            denied: state.denial(),
            moving: None,
            pending: None,
            primary_when_ready: false,
            fails: false,
            stuck: false,
            billed_since: state.is_billed().then_some(now),
            billed: 0,
        }
    }

    /// Puts it into another state.
    pub(super) fn becomes(&mut self, state: State, now: SimTime) {
        self.state = state;
        match (state.is_billed(), self.billed_since) {
            (true, None) => self.billed_since = Some(now),
            (false, Some(since)) => {
                self.billed += now.saturating_since(since).ns();
                self.billed_since = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Nanoseconds it has been billed for up to now.
    pub(super) fn billed_until(&self, now: SimTime) -> u64 {
        self.billed + self.billed_since.map_or(0, |since| now.saturating_since(since).ns())
    }
}
