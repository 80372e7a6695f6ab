//! The checks of one watch as timers of a process: either only those that find something new, or
//! every one of them.

use super::{Check, Watch};
use crate::engine::{Class, Effects, SimDuration};
use crate::systems::contract::{Answer, SweepMode};

/// A watch whose checks are timers. The number of a timer is a base plus that of the subject.
pub struct Checks {
    /// The watch.
    pub watch: Watch,
    mode: SweepMode,
    base: u32,
    planned: Option<Check>,
    /// A subject that joined at an instant, and whose check of that instant has not had its turn.
    fresh: Option<Check>,
    /// Checks that were events.
    made: u64,
}

impl Checks {
    /// The checks of a watch; its timers are numbered from `base` on.
    pub fn new(watch: Watch, mode: SweepMode, base: u32) -> Checks {
        Checks { watch, mode, base, planned: None, fresh: None, made: 0 }
    }

    /// With every check an event: sets the first one of each subject.
    pub fn start<M: Copy>(&mut self, fx: &mut Effects<M>) {
        if self.mode == SweepMode::All {
            let mut check = self.watch.rounds.from(fx.now());
            for _ in 0..self.watch.rounds.count() {
                let Some(next) = check else { return };
                fx.at(self.base + next.subject, next.at, Class::Check);
                check = self.watch.rounds.after(next);
            }
        }
    }

    /// A subject joins that needs this version of the key: gives its number.
    pub fn join<M: Copy>(&mut self, version: u32, fx: &mut Effects<M>) -> u32 {
        let check = self.watch.rounds.join(fx.now());
        self.watch.bind(check.subject, version);
        self.fresh = Some(check);
        if self.mode == SweepMode::All {
            fx.at(self.base + check.subject, check.at, Class::Check);
        }
        check.subject
    }

    /// All subjects leave.
    pub fn leave<M: Copy>(&mut self, fx: &mut Effects<M>) {
        let (base, now) = (self.base, fx.now());
        loop {
            let had_turn = |subject| fx.passed(base + subject, Class::Check);
            let Some(subject) = self.watch.rounds.leave(now, had_turn) else { break };
            self.watch.left(subject);
            fx.cancel(base + subject);
        }
        self.planned = None;
    }

    /// A subject is checked now: gives the answer.
    pub fn check<M: Copy>(&mut self, subject: u32, fx: &mut Effects<M>) -> (Check, Answer) {
        let check = Check { at: fx.now(), subject };
        self.fresh = self.fresh.filter(|fresh| *fresh != check);
        match self.mode {
            SweepMode::All => {
                self.made += 1;
                let period = SimDuration::from_ns(self.watch.rounds.period).unwrap_or_default();
                fx.after(self.base + subject, period, Class::Check);
            }
            SweepMode::Decisive => self.planned = None,
        }
        (check, self.watch.answer(check))
    }

    /// Plans the next check after `done` (or from now on) that is news.
    pub fn plan<M: Copy>(
        &mut self,
        done: Option<Check>,
        news: impl Fn(&Watch, u32, Answer) -> bool,
        fx: &mut Effects<M>,
    ) {
        if self.mode == SweepMode::All {
            return;
        }
        let planned = self.next(done, news, fx);
        if planned == self.planned {
            return;
        }
        if let Some(old) = std::mem::replace(&mut self.planned, planned) {
            fx.cancel(self.base + old.subject);
        }
        if let Some(check) = planned {
            fx.at(self.base + check.subject, check.at, Class::Check);
        }
    }

    fn next<M: Copy>(
        &mut self,
        done: Option<Check>,
        news: impl Fn(&Watch, u32, Answer) -> bool,
        fx: &Effects<M>,
    ) -> Option<Check> {
        let count = self.watch.rounds.count();
        // Where luck has no part, what one round does not find is not found later either.
        let tries = if self.watch.is_certain() { u64::from(count) } else { u64::MAX };
        let mut next = match done {
            Some(check) => self.watch.rounds.after(check),
            None => self.watch.rounds.from(fx.now()),
        };
        // Checks of this very instant that have had their turn are over.
        while let Some(check) = next
            && check.at == fx.now()
            && self.fresh != Some(check)
            && fx.passed(self.base + check.subject, Class::Check)
        {
            next = self.watch.rounds.after(check);
        }
        for _ in 0..tries {
            let check = next.filter(|check| check.at < fx.horizon())?;
            let answer = self.watch.answer(check);
            if news(&self.watch, check.subject, answer) {
                return Some(check);
            }
            next = self.watch.rounds.after(check);
        }
        None
    }

    /// Checks made up to each mark that is past and so far, counted exactly.
    pub fn made_at_marks<M: Copy>(&mut self, fx: &Effects<M>) -> Vec<u64> {
        let parts = self.watch.rounds.made_at_marks(fx.now());
        let made = parts.last().copied().unwrap_or(0);
        if self.mode == SweepMode::All {
            assert_eq!(made, self.made, "checks are counted as they happen");
        }
        parts
    }
}
