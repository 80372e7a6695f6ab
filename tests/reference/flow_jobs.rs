//! Jobs, second by second: whether they run, and who ends them.

use super::flow::{Mistake, Tell};
use super::flow_belt::{Belt, Kept};
use super::flow_keys::{Answer, Keys};
use super::flow_plan::{Constants, Job, Plan, Principal};

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Absent,
    Queued { until: u64 },
    Pending { until: u64 },
    Running,
    Draining,
    Cleaning { until: u64, since: u64 },
    Done,
    Drained,
    Failed,
    Cancelled,
}

/// Where a snapshot is in its life.
#[derive(Clone, Debug)]
enum Picture {
    Absent,
    Running { ready: u64, kept: Kept },
    Ready { gone: u64, kept: Kept },
    Failed,
    Deleted,
}

/// What the key says to a job as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Yes,
    Denied,
    Silent,
    /// An external key is out of reach.
    NoManager,
}

/// One job, and those that are created after it.
pub(crate) struct JobState {
    pub(crate) path: String,
    pub(crate) job: Job,
    key: Option<usize>,
    pub(crate) life: Life,
    /// A halt that has been decided: when, and since when it is being cancelled.
    halt: Option<(u64, u64)>,
    since: u64,
    /// When it made a check as it was created.
    checked: Option<u64>,
    grace: Option<u64>,
    by_user: bool,
    /// What the next job starts from.
    from: Option<Kept>,
    snapshots: Vec<Picture>,
    /// Snapshots in the order in which they became ready.
    order: Vec<usize>,
    next_attempt: Option<u64>,
    /// Attempts that automation may still make, in a row that has begun.
    attempts_left: Option<u64>,
    tries: u64,
    next_try: u64,
    pub(crate) blocked: bool,
    pub(crate) starved: bool,
    pub(crate) belt: Belt,
    pub(crate) fresh_input: bool,
    c: Constants,
    mistake: Option<Mistake>,
    pub(crate) counts: Counts,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) cancelled: u64,
    pub(crate) failed: u64,
    pub(crate) launches: u64,
    pub(crate) refused: u64,
    pub(crate) checks: u64,
}

impl JobState {
    pub(crate) fn new(job: &Job, plan: &Plan, keys: &Keys, mistake: Option<Mistake>) -> JobState {
        JobState {
            path: job.path(),
            job: job.clone(),
            key: job.key.as_ref().map(|name| keys.find(name)),
            life: if job.absent { Life::Absent } else { Life::Running },
            halt: None,
            since: 0,
            checked: None,
            grace: None,
            by_user: false,
            from: None,
            snapshots: job.snapshots.iter().map(|_| Picture::Absent).collect(),
            order: Vec::new(),
            next_attempt: None,
            attempts_left: None,
            tries: 0,
            next_try: 0,
            blocked: false,
            starved: false,
            belt: Belt::new(job, mistake),
            fresh_input: !job.absent,
            c: plan.constants.clone(),
            mistake,
            counts: Counts::default(),
        }
    }

    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Does it read and write, or would it?
    pub(crate) fn alive(&self) -> bool {
        matches!(self.life, Life::Running | Life::Draining)
    }

    fn ended(&self) -> bool {
        let ends = [Life::Absent, Life::Done, Life::Drained, Life::Failed, Life::Cancelled];
        ends.contains(&self.life)
    }

    fn word(&self, keys: &Keys, who: &[Principal]) -> Word {
        let Some(key) = self.key else { return Word::Yes };
        let answers: Vec<Answer> = who.iter().map(|who| keys.answer(key, *who)).collect();
        if answers.contains(&Answer::Denied) {
            Word::Denied
        } else if !answers.contains(&Answer::None) {
            Word::Yes
        } else if keys.external(key) {
            Word::NoManager
        } else {
            Word::Silent
        }
    }

    /// Both principals (DF-12).
    fn creation(&self, keys: &Keys) -> Word {
        self.word(keys, &[Principal::Dataflow, Principal::ComputeEngine])
    }

    /// `launch-job`.
    pub(crate) fn launch(&mut self, snapshot: Option<&str>, keys: &Keys, temp: bool, now: u64) {
        if !self.ended() {
            return;
        }
        let from = match snapshot {
            None => None,
            Some(name) => match self.picture(name) {
                Some(Picture::Ready { kept, .. }) => Some(kept.clone()),
                _ => {
                    self.counts.launches += 1;
                    self.counts.refused += 1;
                    return;
                }
            },
        };
        self.attempt(from, keys, temp, now);
    }

    fn number(&self, name: &str) -> usize {
        self.job.snapshots.iter().position(|s| s.name == name).expect("a known snapshot")
    }

    fn picture(&self, name: &str) -> Option<&Picture> {
        self.snapshots.get(self.number(name))
    }

    /// Creates a new job, or fails to.
    fn attempt(&mut self, from: Option<Kept>, keys: &Keys, temp: bool, now: u64) {
        self.counts.launches += 1;
        self.next_attempt = None;
        self.by_user = false;
        if !self.is(Mistake::TriesForEver) {
            self.attempts_left = self.attempts_left.map(|left| left.saturating_sub(1));
        }
        let word = self.creation(keys);
        if !self.admitted(word, temp || self.is(Mistake::TempIsOptional)) {
            self.refused(word, now);
            return;
        }
        self.from = from;
        self.life = Life::Queued { until: now + self.job.queue_time };
        self.due(keys, temp, now);
    }

    fn admitted(&self, word: Word, temp: bool) -> bool {
        let silent = word == Word::Silent && self.is(Mistake::CreationIgnoresOutage);
        (word == Word::Yes || silent) && temp
    }

    /// An attempt came to nothing.
    fn refused(&mut self, word: Word, now: u64) {
        self.counts.refused += 1;
        if word == Word::NoManager && !self.is(Mistake::ManagerFails) {
            self.end(Life::Cancelled, now);
        } else {
            self.counts.failed += 1;
            self.end(Life::Failed, now);
        }
    }

    /// The end of a job or an attempt, by a fault or by a user.
    fn end(&mut self, life: Life, now: u64) {
        self.counts.cancelled += u64::from(life == Life::Cancelled);
        self.belt.halt();
        self.fail_snapshots();
        self.life = life;
        self.next_attempt = None;
        let Some(relaunch) = &self.job.relaunch else { return };
        if self.by_user {
            return;
        }
        // Attempts that come to nothing count, whoever made them (decided by the product).
        match self.attempts_left {
            Some(0) => self.attempts_left = None,
            Some(_) => self.next_attempt = Some(now + relaunch.every),
            None => {
                self.attempts_left = Some(relaunch.attempts);
                self.next_attempt = Some(now + relaunch.after);
            }
        }
    }

    /// `update-job`: a new job takes over its state (DJ-02).
    pub(crate) fn update(&mut self, keys: &Keys, temp: bool, now: u64) {
        let running = self.life == Life::Running && self.halt.is_none();
        if !running || self.job.batch.is_some() {
            return;
        }
        self.counts.launches += 1;
        if self.creation(keys) != Word::Yes || !temp {
            self.counts.refused += 1;
            return;
        }
        (self.grace, self.by_user) = (None, false);
        if self.is(Mistake::UpdateLoses) {
            self.belt.halt();
        }
        self.fail_snapshots();
        self.life = Life::Queued { until: now + self.job.queue_time };
        self.due(keys, temp, now);
    }

    /// `drain-job`: with a usable key only (DJ-05).
    pub(crate) fn drain(&mut self, keys: &Keys, now: u64) {
        if self.life != Life::Running || self.halt.is_some() || self.job.batch.is_some() {
            return;
        }
        if self.word(keys, &[Principal::Dataflow]) != Word::Denied {
            self.life = Life::Draining;
            if self.is(Mistake::DrainCancels) {
                self.belt.halt();
            }
            self.drained();
        } else {
            self.cancel_for_key(now);
        }
    }

    /// `cancel-job`: at once (DJ-03).
    pub(crate) fn cancel(&mut self, now: u64) {
        match self.life {
            Life::Queued { .. } | Life::Pending { .. } => {
                self.by_user = true;
                self.end(Life::Cancelled, now);
            }
            Life::Running | Life::Draining if self.halt.is_none() => {
                self.by_user = true;
                self.stop(now, now);
            }
            _ => {}
        }
    }

    /// `force-cancel-job`.
    pub(crate) fn force(&mut self, now: u64) {
        if let Life::Cleaning { since, .. } = self.life
            && now >= since + self.c.force_cancel_after
        {
            self.end(Life::Cancelled, now);
        }
    }

    /// The key is found unusable: it halts as soon as possible (DF-22).
    fn cancel_for_key(&mut self, now: u64) {
        if self.halt.is_none() {
            self.by_user = false;
            let delay = if self.is(Mistake::HaltsAtOnce) { 0 } else { self.c.halt_delay };
            self.halt = Some((now + delay, now));
        }
    }

    /// Everything stops, and the clean-up begins (DF-23).
    fn stop(&mut self, since: u64, now: u64) {
        self.belt.halt();
        self.fail_snapshots();
        (self.halt, self.grace) = (None, None);
        self.life = Life::Cleaning { until: now + self.c.cleanup, since };
    }

    /// `snapshot-job`.
    pub(crate) fn snapshot(&mut self, name: &str, keys: &Keys, now: u64) {
        let running = self.life == Life::Running && self.halt.is_none();
        let number = self.number(name);
        let busy =
            matches!(self.snapshots[number], Picture::Running { .. } | Picture::Ready { .. });
        if !running || !self.job.engine || self.job.batch.is_some() || busy {
            return;
        }
        self.snapshots[number] = if self.word(keys, &[Principal::Dataflow]) == Word::Yes {
            let kept = self.belt.keep(self.job.snapshots[number].sources);
            Picture::Running { ready: now + self.c.snapshot_time, kept }
        } else {
            Picture::Failed
        };
    }

    fn fail_snapshots(&mut self) {
        if self.is(Mistake::SnapshotsSurvive) {
            return;
        }
        for picture in &mut self.snapshots {
            if matches!(picture, Picture::Running { .. }) {
                *picture = Picture::Failed;
            }
        }
    }

    /// Hears of its key: what is being created or taken needs it at every instant.
    pub(crate) fn hear(&mut self, keys: &Keys, now: u64) {
        let creating = matches!(self.life, Life::Queued { .. } | Life::Pending { .. });
        let word = self.creation(keys);
        if creating && matches!(word, Word::NoManager | Word::Denied) {
            self.refused(word, now);
        }
        if self.word(keys, &[Principal::Dataflow]) != Word::Yes {
            self.fail_snapshots();
        }
    }

    /// Validates the key (DF-20), restarts a worker (DF-21).
    pub(crate) fn check(&mut self, keys: &Keys, now: u64) {
        if !self.alive() || self.halt.is_some() || self.key.is_none() {
            return;
        }
        let age = now - self.since;
        let restart = age > 0 && age.is_multiple_of(self.c.worker_restart);
        let denied = self.word(keys, &[Principal::ComputeEngine]) == Word::Denied;
        if restart
            && denied
            && !self.c.as_dataflow
            && self.halt.is_none()
            && !self.is(Mistake::RestartsAreHarmless)
        {
            self.cancel_for_key(now);
        }
        if self.halt.is_none() && now.is_multiple_of(self.c.check_period) {
            // A job that has just been created has made it already.
            self.counts.checks += u64::from(self.checked != Some(now));
            let both = [Principal::Dataflow, Principal::ComputeEngine];
            let who = if self.c.as_dataflow { &both[..] } else { &both[..1] };
            match self.word(keys, who) {
                Word::Yes if self.is(Mistake::ContactKeepsGrace) => {}
                Word::Yes => self.grace = None,
                Word::Denied => self.cancel_for_key(now),
                _ if self.is(Mistake::NoGrace) => self.cancel_for_key(now),
                _ => self.grace = self.grace.or(Some(now + self.c.transient_grace)),
            }
        }
    }

    /// What is due.
    pub(crate) fn due(&mut self, keys: &Keys, temp: bool, now: u64) {
        if self.grace.is_some_and(|until| until <= now) && self.halt.is_none() {
            self.cancel_for_key(now);
        }
        if let Some((at, since)) = self.halt
            && at <= now
        {
            self.stop(since, now);
        }
        if let Life::Queued { until } = self.life
            && until <= now
        {
            self.life = Life::Pending { until: now + self.c.start_time };
        }
        if matches!(self.life, Life::Pending { until } if until <= now) {
            let word = self.creation(keys);
            if self.admitted(word, temp || self.is(Mistake::TempIsOptional)) {
                self.start(now);
            } else {
                self.refused(word, now);
            }
        }
        if let Life::Cleaning { until, since } = self.life {
            let stuck = self.c.stuck && !self.is(Mistake::NothingSticks);
            let forced = !self.c.force_by_event && now >= since + self.c.force_cancel_after;
            if (!stuck && until <= now) || (stuck && forced) {
                self.end(Life::Cancelled, now);
            }
        }
        self.pictures(now);
        if self.next_attempt.is_some_and(|at| at <= now) {
            self.next_attempt = None;
            if self.ended() {
                let from = self.newest();
                self.attempt(from, keys, temp, now);
            }
        }
    }

    fn pictures(&mut self, now: u64) {
        for number in 0..self.snapshots.len() {
            let ttl = self.job.snapshots[number].ttl.unwrap_or(self.c.snapshot_ttl);
            let for_ever = self.is(Mistake::SnapshotsLiveForEver);
            let picture = &mut self.snapshots[number];
            match picture {
                Picture::Running { ready, kept } if *ready <= now => {
                    *picture = Picture::Ready { gone: now + ttl, kept: kept.clone() };
                    self.order.retain(|other| *other != number);
                    self.order.push(number);
                }
                Picture::Ready { gone, .. } if *gone <= now && !for_ever => {
                    *picture = Picture::Deleted;
                }
                _ => {}
            }
        }
    }

    /// The newest snapshot that is ready, for automation that wants one.
    fn newest(&self) -> Option<Kept> {
        let wanted = self.job.relaunch.as_ref().is_some_and(|relaunch| relaunch.from_snapshot);
        let ready = self.order.iter().rev().find_map(|number| match &self.snapshots[*number] {
            Picture::Ready { kept, .. } => Some(kept.clone()),
            _ => None,
        });
        ready.filter(|_| wanted)
    }

    /// The workers are there.
    fn start(&mut self, now: u64) {
        self.life = Life::Running;
        (self.since, self.grace, self.attempts_left) = (now, None, None);
        self.tries = 0;
        // A check that is due at this very instant is made.
        if self.key.is_some() && now.is_multiple_of(self.c.check_period) {
            self.counts.checks += 1;
            self.checked = Some(now);
        }
        if self.job.batch.is_some() {
            self.fresh_input = !self.belt.rewind();
        }
        if let Some(kept) = self.from.take() {
            self.belt.restore(kept, now);
        }
    }

    /// How it fares from `now` on, and what follows from it: tries of a batch job that is stuck,
    /// and the end of one that has written everything.
    pub(crate) fn fares(&mut self, blocked: bool, shut: bool, starved: bool, now: u64) {
        self.blocked = self.alive() && blocked;
        self.starved = self.alive() && starved;
        if self.job.batch.is_some() && self.life == Life::Running && self.halt.is_none() {
            if !self.blocked && !shut {
                self.tries = 0;
            } else if self.tries == 0 {
                (self.tries, self.next_try) = (1, now + self.c.batch_retry);
            } else if self.next_try <= now {
                self.tries += 1;
                self.next_try = now + self.c.batch_retry;
            }
            let for_ever = self.is(Mistake::BatchTriesForEver);
            if self.tries >= self.c.batch_attempts && !for_ever {
                self.fail(now);
            } else if self.belt.queue.is_empty() && !self.belt.writing() && !self.fresh_input {
                self.life = Life::Done;
                self.belt.finish();
                self.fail_snapshots();
                (self.halt, self.grace) = (None, None);
            }
        }
        self.drained();
        if !self.alive() {
            (self.blocked, self.starved) = (false, false);
        }
    }

    /// A job that drains is done with when everything on its belt is written.
    fn drained(&mut self) {
        if self.life == Life::Draining && !self.belt.writing() {
            self.belt.acknowledge();
            self.life = Life::Drained;
            self.fail_snapshots();
            (self.halt, self.grace) = (None, None);
        }
    }

    fn fail(&mut self, now: u64) {
        self.counts.failed += 1;
        (self.halt, self.grace) = (None, None);
        self.end(Life::Failed, now);
    }

    pub(crate) fn state(&self) -> &'static str {
        match self.life {
            Life::Absent => "stopped",
            Life::Queued { .. } => "queued",
            Life::Pending { .. } => "pending",
            Life::Draining => "draining",
            Life::Running if self.halt.is_some() => "cancelling",
            Life::Running if self.blocked => "back-pressured",
            Life::Running if self.starved => "starved",
            Life::Running if self.grace.is_some() => "unconfirmed",
            Life::Running => "running",
            Life::Cleaning { .. } => "resource-cleaning-up",
            Life::Done => "done",
            Life::Drained => "drained",
            Life::Failed => "failed",
            Life::Cancelled => "cancelled",
        }
    }

    pub(crate) fn states(&self, tell: &mut Tell) {
        tell(&|| self.path.clone(), self.state());
        for (snapshot, picture) in self.job.snapshots.iter().zip(&self.snapshots) {
            let state = match picture {
                Picture::Absent => "absent",
                Picture::Running { .. } => "running",
                Picture::Ready { .. } => "ready",
                Picture::Failed => "failed",
                Picture::Deleted => "deleted",
            };
            tell(&|| format!("{}.snapshots.{}", self.path, snapshot.name), state);
        }
    }
}
