//! Topics and what else jobs read and write, second by second: whether they serve.

use super::flow::{Mistake, Tell};
use super::flow_keys::{Answer, Keys};
use super::flow_plan::{Constants, Kind, Plan, Principal, Store, Topic};

/// How a dataset or a bucket fares with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fare {
    Available,
    Losing { until: u64, by: Answer },
    Off(Answer),
    Returning { until: u64 },
    Slow { until: u64 },
    Inaccessible,
    Deleted,
}

/// A dataset, a bucket, or an instance without a key.
pub(crate) struct StoreState {
    pub(crate) path: String,
    kind: Kind,
    key: Option<usize>,
    streamed: u64,
    fare: Fare,
    denied_since: Option<u64>,
    /// Whether the key was usable, and rows taken, in each second.
    usable: Vec<bool>,
    rows: Vec<u64>,
    /// Rows of this second that came from jobs.
    taken: u64,
    slow_time: u64,
    c: Constants,
    mistake: Option<Mistake>,
}

impl StoreState {
    pub(crate) fn new(
        store: &Store,
        plan: &Plan,
        keys: &Keys,
        mistake: Option<Mistake>,
    ) -> StoreState {
        StoreState {
            path: store.path(),
            kind: store.kind,
            key: store.key.as_ref().map(|name| keys.find(name)),
            streamed: store.streamed,
            fare: Fare::Available,
            denied_since: None,
            usable: Vec::new(),
            rows: Vec::new(),
            taken: 0,
            slow_time: 0,
            c: plan.constants.clone(),
            mistake,
        }
    }

    fn principal(&self) -> Principal {
        if self.kind == Kind::Dataset { Principal::Bigquery } else { Principal::Storage }
    }

    fn delay(&self, answer: Answer) -> u64 {
        match (self.kind, answer) {
            (Kind::Dataset, Answer::None) => self.c.dataset_outage,
            (Kind::Dataset, _) => self.c.dataset_effect,
            _ => self.c.bucket_effect,
        }
    }

    /// Hears of the key, and sees what is due.
    pub(crate) fn hear(&mut self, keys: &Keys, now: u64) {
        let Some(key) = self.key else { return };
        if matches!(self.fare, Fare::Inaccessible | Fare::Deleted) {
            return;
        }
        if keys.destroyed(key) {
            self.fare = Fare::Inaccessible;
            return;
        }
        let answer = keys.answer(key, self.principal());
        let denied = keys.denied(key, self.principal());
        self.denied_since = if denied { self.denied_since.or(Some(now)) } else { None };
        let good = answer == Answer::Granted;
        self.fare = match self.fare {
            Fare::Available | Fare::Slow { .. } if !good => {
                Fare::Losing { until: now + self.delay(answer), by: answer }
            }
            Fare::Losing { .. } if good => Fare::Available,
            // What it lacks is another thing now.
            Fare::Losing { until, by } if by != answer => {
                Fare::Losing { until: until.min(now + self.delay(answer)), by: answer }
            }
            Fare::Off(_) if good => {
                let recovery = match self.kind {
                    Kind::Dataset => self.c.dataset_recovery,
                    _ => self.c.bucket_recovery,
                };
                Fare::Returning { until: now + recovery }
            }
            Fare::Off(_) => Fare::Off(answer),
            Fare::Returning { .. } if !good => Fare::Off(answer),
            other => other,
        };
    }

    /// What is due: effects, returns.
    pub(crate) fn due(&mut self, now: u64) {
        self.fare = match self.fare {
            Fare::Losing { until, by } if until <= now => Fare::Off(by),
            Fare::Returning { until } if until <= now && self.kind == Kind::Dataset => {
                Fare::Slow { until: until + self.c.dataset_slow }
            }
            Fare::Returning { until } if until <= now => Fare::Available,
            other => other,
        };
        if let Fare::Slow { until } = self.fare
            && until <= now
        {
            self.fare = Fare::Available;
        }
    }

    /// Strictly after so long without a usable key (BQ-06).
    pub(crate) fn clock(&mut self, now: u64) {
        let gone = matches!(self.fare, Fare::Inaccessible | Fare::Deleted);
        let over = self.denied_since.is_some_and(|since| now >= since + self.c.dataset_delete);
        if self.kind == Kind::Dataset && !gone && over {
            self.fare = Fare::Deleted;
        }
    }

    pub(crate) fn serves(&self) -> bool {
        matches!(self.fare, Fare::Available | Fare::Losing { .. } | Fare::Slow { .. })
    }

    pub(crate) fn gone(&self) -> bool {
        matches!(self.fare, Fare::Inaccessible | Fare::Deleted)
    }

    /// A streaming job writes so many rows (BQ-05).
    pub(crate) fn take(&mut self, rows: u64) {
        self.taken += rows;
    }

    /// One second passes.
    pub(crate) fn account(&mut self, keys: &Keys) {
        if self.kind != Kind::Dataset {
            return;
        }
        let good = |key| keys.answer(key, self.principal()) == Answer::Granted;
        self.usable.push(self.key.is_none_or(good));
        let streamed = if self.serves() { self.streamed } else { 0 };
        self.rows.push(streamed + std::mem::take(&mut self.taken));
        self.slow_time += u64::from(matches!(self.fare, Fare::Slow { .. }));
    }

    /// Rows whose key is not usable for long enough in the time after their insertion (BQ-05).
    fn at_risk(&self) -> u64 {
        let (window, needed) = (self.c.rows_window as usize, self.c.rows_usable as usize);
        let last = self.usable.last().copied().unwrap_or(true);
        let usable = |second: usize| self.usable.get(second).copied().unwrap_or(last);
        if self.usable.iter().all(|usable| *usable) || self.mistake == Some(Mistake::RowsAreSafe) {
            return 0;
        }
        let mut risk = 0;
        // How long the key is usable from each second on.
        let end = self.rows.len() + window + 1;
        let mut runs = vec![0; end + 1];
        for second in (0..end).rev() {
            runs[second] = if usable(second) { runs[second + 1] + 1 } else { 0 };
        }
        for (second, rows) in self.rows.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            // Inserted in the middle of the second, on average: half a second short at either end.
            let safe = (second..second + window).any(|start| {
                let first = runs[start];
                let within = first.min(second + window - start);
                if start == second { first > needed && within >= needed } else { within >= needed }
            });
            risk += if safe { 0 } else { *rows };
        }
        risk
    }

    pub(crate) fn state(&self) -> &'static str {
        match self.fare {
            Fare::Available => "available",
            Fare::Losing { .. } => "losing-access",
            Fare::Off(Answer::None) => "unreachable",
            Fare::Off(_) => "denied",
            Fare::Returning { .. } => "returning",
            Fare::Slow { .. } => "slow",
            Fare::Inaccessible => "inaccessible",
            Fare::Deleted => "deleted",
        }
    }

    pub(crate) fn is_instance(&self) -> bool {
        self.kind == Kind::Instance
    }

    pub(crate) fn measures(&self) -> Vec<(String, f64)> {
        if self.kind != Kind::Dataset {
            return Vec::new();
        }
        let of = |name: &str, value: u64| (format!("{}.{name}", self.path), value as f64);
        vec![
            of("rows-streamed", self.rows.iter().sum()),
            of("rows-at-risk", self.at_risk()),
            of("slow-time", self.slow_time),
            of("irreversible", u64::from(self.gone())),
        ]
    }
}

/// One side of a topic: publishing, or the delivery of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    Shut,
    Recovering { until: u64 },
    Lost,
}

/// A side with its zones: those without a data key are failed.
struct Side {
    way: Way,
    failed: Vec<bool>,
    recovery: u64,
}

impl Side {
    fn new(recovery: u64, zones: u64) -> Side {
        Side { way: Way::Open, failed: vec![false; zones as usize], recovery }
    }

    fn serves(&self) -> bool {
        self.way == Way::Open
    }

    fn hear(&mut self, answer: Answer, destroyed: bool, now: u64) {
        let good = answer == Answer::Granted;
        self.way = match self.way {
            _ if destroyed => Way::Lost,
            Way::Shut if good => Way::Recovering { until: now + self.recovery },
            Way::Recovering { .. } if !good => Way::Shut,
            other => other,
        };
    }

    fn decrypt(&mut self, zone: usize, answer: Answer, patient: bool) {
        self.failed[zone] = answer != Answer::Granted;
        let any = |failed: &[bool]| failed.iter().any(|failed| *failed);
        let all = self.failed.iter().all(|failed| *failed) || (!patient && any(&self.failed));
        if self.way == Way::Open && all {
            self.way = Way::Shut;
        }
    }

    fn due(&mut self, now: u64) {
        if matches!(self.way, Way::Recovering { until } if until <= now) {
            self.way = Way::Open;
            // The data keys that serve are new ones (decided by the product).
            self.failed.fill(false);
        }
    }

    fn degraded(&self) -> bool {
        self.way == Way::Open && self.failed.iter().any(|failed| *failed)
    }
}

/// A topic with its publishers.
pub(crate) struct TopicState {
    pub(crate) path: String,
    key: Option<usize>,
    rates: Vec<u64>,
    drops: bool,
    publishing: Side,
    /// By path.
    subscriptions: Vec<(String, Side)>,
    kept: u64,
    kept_peak: u64,
    dropped: u64,
    pub(crate) published: u64,
    c: Constants,
    mistake: Option<Mistake>,
}

impl TopicState {
    pub(crate) fn new(
        topic: &Topic,
        plan: &Plan,
        keys: &Keys,
        mistake: Option<Mistake>,
    ) -> TopicState {
        let c = &plan.constants;
        let delivery = match mistake {
            Some(Mistake::OneRecovery) => c.recovery_publish,
            _ => c.recovery_delivery,
        };
        let side = |name: &String| {
            (format!("{}.subscriptions.{name}", topic.path()), Side::new(delivery, c.zones))
        };
        TopicState {
            path: topic.path(),
            key: topic.key.as_ref().map(|name| keys.find(name)),
            rates: topic.publishes.clone(),
            drops: topic.drops,
            publishing: Side::new(c.recovery_publish, c.zones),
            subscriptions: topic.subscriptions.iter().map(|(name, _)| side(name)).collect(),
            kept: 0,
            kept_peak: 0,
            dropped: 0,
            published: 0,
            c: c.clone(),
            mistake,
        }
    }

    fn sides(&mut self) -> impl Iterator<Item = &mut Side> {
        let subscriptions = self.subscriptions.iter_mut().map(|(_, side)| side);
        std::iter::once(&mut self.publishing).chain(subscriptions)
    }

    pub(crate) fn hear(&mut self, keys: &Keys, now: u64) {
        let Some(key) = self.key else { return };
        let (answer, destroyed) = (keys.answer(key, Principal::Pubsub), keys.destroyed(key));
        self.sides().for_each(|side| side.hear(answer, destroyed, now));
    }

    /// Zones decrypt their data keys when their time has come (PS-02).
    pub(crate) fn check(&mut self, keys: &Keys, now: u64) {
        let Some(key) = self.key else { return };
        let answer = keys.answer(key, Principal::Pubsub);
        let (cache, zones) = (self.c.decrypt_cache, self.c.zones);
        let patient = self.mistake != Some(Mistake::OneZoneIsAll);
        for zone in 0..zones {
            let phase = if self.c.spread { zone * cache / zones } else { 0 };
            if now >= phase && (now - phase).is_multiple_of(cache) {
                self.sides().for_each(|side| side.decrypt(zone as usize, answer, patient));
            }
        }
    }

    pub(crate) fn due(&mut self, now: u64) {
        self.sides().for_each(|side| side.due(now));
    }

    pub(crate) fn serves(&self) -> bool {
        self.publishing.serves()
    }

    pub(crate) fn delivers(&self, path: &str) -> Option<(bool, bool)> {
        let (_, side) = self.subscriptions.iter().find(|(own, _)| own == path)?;
        Some((side.serves(), side.way == Way::Lost))
    }

    pub(crate) fn has_publishers(&self) -> bool {
        self.rates.iter().any(|rate| *rate > 0)
    }

    /// Messages published from outside in the second from `now` on.
    pub(crate) fn publish(&mut self, open: bool, now: u64) -> u64 {
        // The scenario starts at 8 h.
        let hour = (8 + now / 3_600) % 24;
        let rate = match self.rates[..] {
            [] => return 0,
            [rate] => rate,
            _ => self.rates[hour as usize],
        };
        let most = self.rates.iter().copied().max().unwrap_or(0) * self.c.publisher_catch_up;
        let drops = self.drops != (self.mistake == Some(Mistake::PublishersForget));
        let count = match (open, drops) {
            (true, _) if self.kept > 0 => (self.kept + rate).min(most),
            (true, _) => rate,
            (false, true) => {
                self.dropped += rate;
                return 0;
            }
            (false, false) => 0,
        };
        self.kept = self.kept + rate - count;
        self.kept_peak = self.kept_peak.max(self.kept);
        self.published += count;
        count
    }

    pub(crate) fn states(&self, tell: &mut Tell) {
        let name = |side: &Side, names: [&'static str; 4]| match side.way {
            Way::Lost => "lost",
            Way::Recovering { .. } => names[3],
            Way::Shut => names[2],
            Way::Open if side.degraded() => names[1],
            Way::Open => names[0],
        };
        let topic = ["publishing", "degraded", "refusing", "recovering"];
        tell(&|| self.path.clone(), name(&self.publishing, topic));
        for (path, side) in &self.subscriptions {
            let names = ["delivering", "degraded", "stopped", "recovering"];
            tell(&|| path.clone(), name(side, names));
        }
    }

    pub(crate) fn measures(&self) -> Vec<(String, f64)> {
        let of = |name: &str, value: u64| (format!("{}.{name}", self.path), value as f64);
        vec![
            of("messages-published", self.published),
            of("messages-dropped", self.dropped),
            of("messages-kept-peak", self.kept_peak),
        ]
    }
}
