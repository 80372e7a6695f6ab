//! Clocks that run only while an entity is in given states.

use crate::engine::{EntityId, SimDuration, SimTime, StateId};

/// When a clock runs.
pub(super) struct ClockPlan {
    pub(super) entity: EntityId,
    pub(super) states: Vec<StateId>,
}

impl ClockPlan {
    /// Does it run while the entities are in these states?
    pub(super) fn runs(&self, states: &[StateId]) -> bool {
        self.states.contains(&states[self.entity.0 as usize])
    }
}

/// A clock: what is left until it is due, if it is set at all.
#[derive(Clone, Copy, Default)]
pub(super) enum Clock {
    /// Not set.
    #[default]
    Off,
    /// Stands still.
    Stopped(SimDuration),
    /// Is due then.
    Runs(SimTime),
}

impl Clock {
    /// Sets it.
    pub(super) fn set(&mut self, left: SimDuration, runs: bool, now: SimTime) {
        *self = if runs { Clock::Runs(now.saturating_add(left)) } else { Clock::Stopped(left) };
    }

    /// Lets it run or stand still from now on. Did that change anything?
    pub(super) fn turn(&mut self, runs: bool, now: SimTime) -> bool {
        let before = *self;
        match before {
            Clock::Stopped(left) if runs => self.set(left, true, now),
            Clock::Runs(due) if !runs => self.set(due.saturating_since(now), false, now),
            Clock::Off | Clock::Stopped(_) | Clock::Runs(_) => return false,
        }
        true
    }
}
