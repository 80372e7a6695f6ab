//! The requests of an app profile: how many fail, with which code, and for how long.

use super::plan::{Constants, ProfilePlan, profile_state};
use crate::engine::{Effects, EntityId, SimDuration, SimTime, StateId};
use crate::systems::contract::Message;

/// Above this error rate time counts as SLA downtime (BR-11) ...
const SLA_ERROR_RATE: f64 = 0.05;
/// ... in periods at least this long (BR-11).
const SLA_PERIOD_MIN: SimDuration = SimDuration::from_secs(300);
/// A falling share of errors is told as so many equal steps, each with its own mean.
const RAMP_STEPS: u64 = 10;

/// How the cluster that a share of the requests goes to treats them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Treatment {
    /// Serves.
    Serves,
    /// Serves on cached keys (BT-48).
    BestEffort,
    /// Is being brought back (BT-39).
    BringingUp {
        /// Since when.
        since: SimTime,
        /// Until when.
        until: SimTime,
    },
    /// Refuses (BT-31).
    Refuses,
    /// Is not there any more.
    Gone,
}

/// A share of time-outs that falls linearly to none.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ramp {
    start: f64,
    since: SimTime,
    until: SimTime,
}

impl Ramp {
    fn at(&self, t: SimTime) -> f64 {
        let left = self.until.saturating_since(t).ns() as f64;
        self.start * left / self.until.saturating_since(self.since).ns() as f64
    }
}

/// Shares of the requests that fail, by cause.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Errors {
    refused: f64,
    gone: f64,
    best_effort: f64,
    ramps: Vec<Ramp>,
}

impl Errors {
    /// Adds a share of the requests, treated like this.
    pub(super) fn add(&mut self, share: f64, treatment: Treatment, constants: &Constants) {
        match treatment {
            Treatment::Serves => {}
            Treatment::BestEffort => self.best_effort += share * constants.best_effort_errors,
            Treatment::BringingUp { since, until } => {
                let start = share * constants.bringup_timeouts;
                if start > 0.0 {
                    self.ramps.push(Ramp { start, since, until });
                }
            }
            Treatment::Refuses => self.refused += share,
            Treatment::Gone => self.gone += share,
        }
    }

    /// The state of the profile: best-effort losses (BT-48) do not count as an error of it.
    pub(super) fn state(&self) -> StateId {
        if self.refused + self.gone >= 1.0 - 1e-12 {
            profile_state::FAILING_DENIED
        } else if self.refused + self.gone > 0.0 || !self.ramps.is_empty() {
            profile_state::DEGRADED
        } else {
            profile_state::SERVING
        }
    }

    fn timeouts(&self, t: SimTime) -> f64 {
        self.ramps.iter().map(|ramp| ramp.at(t)).sum()
    }

    fn total(&self, t: SimTime) -> f64 {
        (self.refused + self.gone + self.best_effort + self.timeouts(t)).min(1.0)
    }
}

/// What has become of the requests of one profile so far.
#[derive(Default)]
pub(super) struct Ledger {
    since: SimTime,
    errors: Errors,
    /// Request-seconds per unit of rate, by code.
    failed_precondition: f64,
    not_found: f64,
    deadline_exceeded: f64,
    unavailable: f64,
    /// Start of the period above the SLA's error rate that is going on.
    bad_since: Option<SimTime>,
    sla_downtime: u64,
}

impl Ledger {
    /// The errors are these from now on; tells whether that is a change.
    pub(super) fn set(
        &mut self,
        errors: Errors,
        profile: &ProfilePlan,
        constants: &Constants,
        fx: &mut Effects<Message>,
    ) -> bool {
        if errors == self.errors {
            return false;
        }
        self.close(profile.entity, constants, fx);
        self.errors = errors;
        true
    }

    /// Books the time up to now.
    fn close(&mut self, entity: EntityId, constants: &Constants, fx: &mut Effects<Message>) {
        let (from, to) = (self.since, fx.now());
        self.since = to;
        if from == to {
            return;
        }
        let seconds = to.saturating_since(from).seconds();
        let errors = &self.errors;
        self.failed_precondition += seconds * errors.refused * constants.error_split;
        self.not_found += seconds * (errors.refused * (1.0 - constants.error_split) + errors.gone);
        self.unavailable += seconds * errors.best_effort;
        self.deadline_exceeded += seconds * (errors.timeouts(from) + errors.timeouts(to)) / 2.0;
        tell_level(errors, entity, from, to, fx);
        self.sla(from, to);
    }

    /// BR-11: follows the error rate, which within a stretch is constant or falls linearly.
    fn sla(&mut self, from: SimTime, to: SimTime) {
        let (first, last) = (self.errors.total(from), self.errors.total(to));
        if first <= SLA_ERROR_RATE {
            self.end_bad_period(from);
            return;
        }
        self.bad_since.get_or_insert(from);
        if last <= SLA_ERROR_RATE && first > last {
            let share = (first - SLA_ERROR_RATE) / (first - last);
            let span = to.saturating_since(from).seconds() * share;
            self.end_bad_period(from.saturating_add(SimDuration::from_seconds_f64(span)));
        }
    }

    fn end_bad_period(&mut self, at: SimTime) {
        if let Some(since) = self.bad_since.take() {
            let length = at.saturating_since(since);
            if length >= SLA_PERIOD_MIN {
                self.sla_downtime += length.ns();
            }
        }
    }

    /// Tells the measures.
    pub(super) fn finish(
        &mut self,
        profile: &ProfilePlan,
        constants: &Constants,
        fx: &mut Effects<Message>,
    ) {
        self.close(profile.entity, constants, fx);
        let now = fx.now();
        self.end_bad_period(now);
        let rate = profile.reads + profile.writes;
        let failed =
            self.failed_precondition + self.not_found + self.deadline_exceeded + self.unavailable;
        let seconds = now.saturating_since(SimTime::START).seconds();
        let mut measure = |name, value| fx.measure(profile.entity, name, Some(value));
        measure("requests", rate * seconds);
        measure("failed-requests", rate * failed);
        measure("failed-requests.failed-precondition", rate * self.failed_precondition);
        measure("failed-requests.not-found", rate * self.not_found);
        measure("failed-requests.deadline-exceeded", rate * self.deadline_exceeded);
        measure("failed-requests.unavailable", rate * self.unavailable);
        measure("availability", (1.0 - failed / seconds).max(0.0));
        let sla = SimDuration::from_ns(self.sla_downtime).unwrap_or(SimDuration::MAX);
        measure("sla-downtime", sla.seconds());
    }
}

/// Tells the share of requests served over a stretch: one level, or steps where it rises.
fn tell_level(
    errors: &Errors,
    entity: EntityId,
    from: SimTime,
    to: SimTime,
    fx: &mut Effects<Message>,
) {
    if errors.ramps.is_empty() {
        fx.level_at(from, entity, "availability", 1.0 - errors.total(from));
        return;
    }
    let length = to.saturating_since(from).ns();
    let place = |step: u64| {
        let part = (u128::from(length) * u128::from(step) / u128::from(RAMP_STEPS)) as u64;
        from.saturating_add(SimDuration::from_ns(part).unwrap_or_default())
    };
    for step in 0..RAMP_STEPS {
        let (begin, end) = (place(step), place(step + 1));
        if begin < end {
            let mean = (errors.total(begin) + errors.total(end)) / 2.0;
            fx.level_at(begin, entity, "availability", 1.0 - mean);
        }
    }
}
