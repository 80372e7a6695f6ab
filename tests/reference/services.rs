//! What keys hang on, second by second: Cloud KMS in a location, external managers with their
//! replicas and links, request quotas.

use super::plan::{Plan, SweepPhase, TIMEOUT_MS};
use super::{Luck, Mistake, plan};

/// Cloud KMS in a location.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) name: String,
    /// Ends of the outages in progress.
    pub(crate) outages: Vec<u64>,
    /// Ends of the stale spells in progress.
    pub(crate) stale: Vec<u64>,
}

impl Place {
    pub(crate) fn state(&self) -> &'static str {
        if self.outages.is_empty() { "available" } else { "unavailable" }
    }
}

/// Does something to the place of this name, or to all.
pub(crate) fn begin(places: &mut [Place], name: Option<&str>, mut what: impl FnMut(&mut Place)) {
    for place in places {
        if name.is_none_or(|name| name == place.name) {
            what(place);
        }
    }
}

/// Replicas or links: for each the seconds at which it fails and is repaired.
#[derive(Clone, Debug)]
struct Units {
    needed: usize,
    down: Vec<Vec<(u64, u64)>>,
}

impl Units {
    fn up(&self, now: u64) -> usize {
        let down =
            |spells: &&Vec<(u64, u64)>| spells.iter().any(|(from, to)| (*from..*to).contains(&now));
        self.down.len() - self.down.iter().filter(down).count()
    }
}

/// An external manager.
#[derive(Clone, Debug)]
pub(crate) struct Manager {
    pub(crate) name: String,
    /// Ends of the outages in progress; ends and milliseconds of the spells of other latency.
    pub(crate) outages: Vec<u64>,
    pub(crate) slow: Vec<(u64, u64)>,
    units: [Units; 2],
    latency_ms: u64,
    now: u64,
    mistake: Option<Mistake>,
}

impl Manager {
    pub(crate) fn new(manager: &plan::Manager, luck: &Luck, mistake: Option<Mistake>) -> Manager {
        let units = |kind: usize| {
            let units = &manager.units[kind];
            let spells = |unit: u64| luck.down(&manager.name, kind, unit);
            let needed = match mistake {
                Some(Mistake::OneUnitIsEnough) => 1,
                _ => units.needed as usize,
            };
            Units { needed, down: (1..=units.count).map(spells).collect() }
        };
        Manager {
            name: manager.name.clone(),
            outages: Vec::new(),
            slow: Vec::new(),
            units: [units(0), units(1)],
            latency_ms: manager.latency_ms,
            now: 0,
            mistake,
        }
    }

    /// It is `now`.
    pub(crate) fn pass(&mut self, now: u64) {
        self.now = now;
        self.outages.retain(|end| *end > now);
        self.slow.retain(|(end, _)| *end > now);
    }

    /// Does every call take longer than the timeout (EKM-02)? Of several spells, the slowest
    /// counts (EKM-03).
    fn too_slow(&self) -> bool {
        let slowest = self.slow.iter().map(|(_, ms)| *ms).max().unwrap_or(self.latency_ms);
        slowest > TIMEOUT_MS && self.mistake != Some(Mistake::NoTimeout)
    }

    /// Does it leave every request without an answer? Enough replicas behind enough links must be
    /// up (EKM-05, EKM-06).
    pub(crate) fn is_out(&self) -> bool {
        let [replicas, links] = &self.units;
        let cut = links.up(self.now) < links.needed && self.mistake != Some(Mistake::NoLinks);
        !self.outages.is_empty()
            || self.too_slow()
            || replicas.up(self.now) < replicas.needed
            || cut
    }

    pub(crate) fn state(&self) -> &'static str {
        if self.is_out() { "unavailable" } else { "available" }
    }
}

/// The request quota of the keys of a location and a protection level (KMS-24 to KMS-26).
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    pub(crate) path: String,
    /// Names of the keys that count against it.
    pub(crate) keys: Vec<String>,
    /// Ends and rates of the spells of load by direct callers, and what they ask all the time.
    pub(crate) spells: Vec<(u64, u64)>,
    direct: u64,
    limit: f64,
    soft: bool,
    /// Tables in clusters that are validated with its keys.
    tables: u64,
    told: u64,
    /// Requests of this second.
    demand: f64,
    mistake: Option<Mistake>,
}

impl Quota {
    /// The quotas of a plan: software keys have none (DF-28).
    pub(crate) fn all(plan: &Plan, mistake: Option<Mistake>) -> Vec<Quota> {
        let mut quotas: Vec<Quota> = Vec::new();
        for key in &plan.keys {
            let (level, limit) = match (&key.manager, key.hsm) {
                (Some(_), _) => ("external", plan.constants.quota_ekm),
                (None, true) => ("hsm", plan.constants.quota_hsm),
                (None, false) => continue,
            };
            let name = format!("{}-{level}", key.location);
            let own = plan.limits.iter().find(|(quota, _)| *quota == name);
            let own = own.filter(|_| mistake != Some(Mistake::OneLimitForAll));
            let path = format!("quotas.{name}");
            if quotas.iter().all(|quota| quota.path != path) {
                quotas.push(Quota {
                    path: path.clone(),
                    keys: Vec::new(),
                    spells: Vec::new(),
                    direct: 0,
                    limit: own.map_or(limit, |(_, limit)| *limit) as f64,
                    soft: plan.constants.soft,
                    tables: 0,
                    told: 0,
                    demand: 0.0,
                    mistake,
                });
            }
            let quota = quotas.iter_mut().find(|quota| quota.path == path).expect("just made");
            quota.keys.push(key.name.clone());
            quota.direct += key.direct;
        }
        quotas.sort_by(|a, b| a.path.cmp(&b.path));
        quotas
    }

    /// So many tables in clusters are validated with its keys from now on. Tells whether that, or
    /// what direct callers ask, is new.
    pub(crate) fn hear(&mut self, tables: u64) -> bool {
        let asked = self.asked();
        let new = tables != self.tables || asked != self.told;
        (self.tables, self.told) = (tables, asked);
        new
    }

    fn asked(&self) -> u64 {
        self.direct + self.spells.iter().map(|(_, rate)| rate).sum::<u64>()
    }

    /// What is asked in the second of `now`: three operations of each table per period (BT-14).
    pub(crate) fn pass(&mut self, phase: SweepPhase, period: u64, now: u64) {
        let validations = match phase {
            SweepPhase::Aligned if now.is_multiple_of(period) => (3 * self.tables) as f64,
            SweepPhase::Aligned => 0.0,
            SweepPhase::Spread => (3 * self.tables) as f64 / period as f64,
        };
        self.demand = validations + self.asked() as f64;
    }

    /// The share of the requests over the limit.
    fn share(&self) -> f64 {
        let share = if self.demand > self.limit { 1.0 - self.limit / self.demand } else { 0.0 };
        // Less than one in a million counts as none.
        if share < 1e-6 { 0.0 } else { share }
    }

    /// The share of the requests that stays without an answer: the excess, unless enforcement is
    /// soft (KMS-27).
    pub(crate) fn refused(&self) -> f64 {
        let ignored = self.mistake == Some(Mistake::QuotasIgnored);
        let soft = self.soft && self.mistake != Some(Mistake::AlwaysHard);
        if soft || ignored { 0.0 } else { self.share() }
    }

    pub(crate) fn state(&self) -> &'static str {
        if self.share() > 0.0 { "over-quota" } else { "within-quota" }
    }
}
