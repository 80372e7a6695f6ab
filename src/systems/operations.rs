//! What systems ask of keys: told, priced and logged in one place for all of them.

use super::contract::{Answer, Denial, Message};
use crate::engine::{Call, Effects, EntityId, SimDuration, SimTime, Tally};
use crate::limits::AUDIT_ENTRIES_MAX;

/// Operations that the price list counts together (KMS-30).
const PRICED_TOGETHER: u128 = 10_000;
/// Parts of a US dollar that a price is kept in: a price has at most nine digits after the point.
const NANO: u128 = 1_000_000_000;
/// Below this, a float keeps every whole number.
const EXACT: u128 = 1 << 53;

/// What cryptographic operations cost: nano-dollars per 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price(u64);

impl Price {
    /// The price of so many US dollars per 10,000 operations, to the nano-dollar.
    pub fn per_ten_thousand(dollars: f64) -> Price {
        Price((dollars * NANO as f64).round() as u64)
    }

    /// US dollars for a number of operations: worked out in whole numbers and rounded once.
    pub fn of(self, operations: u64) -> f64 {
        let mut parts = u128::from(operations) * u128::from(self.0);
        let mut per_dollar = PRICED_TOGETHER * NANO;
        while parts >= EXACT && per_dollar > 1 && parts % 10 == 0 {
            parts /= 10;
            per_dollar /= 10;
        }
        if parts < EXACT {
            // Both are exact, so the quotient is the nearest there is.
            return parts as f64 / per_dollar as f64;
        }
        let exact = format!("{}.{:013}", parts / per_dollar, {
            parts % per_dollar * (PRICED_TOGETHER * NANO / per_dollar)
        });
        exact.parse().expect("digits and a point")
    }
}

/// Tells how many operations a system asked of a key: in all, and in each part of the run that it
/// is asked for. `made` counts up to each mark that is past and to the end, as
/// [`Rounds::made_at_marks`](super::guard::Rounds::made_at_marks) does. What they cost follows.
pub fn tell(key: EntityId, system: EntityId, made: &[u64], fx: &mut Effects<Message>) {
    let total = made.last().copied().unwrap_or(0);
    fx.measure(key, "kms-operations", Some(total as f64));
    fx.measure(system, "kms-operations", Some(total as f64));
    if !fx.tells_parts() {
        return;
    }
    let mut before = 0;
    for (part, &up_to) in (0..).zip(made) {
        fx.tally(Tally { of: key, by: system, part, count: up_to - before });
        before = up_to;
    }
}

/// Tells the operations of a system that asks a key at a steady rate (per second) while it serves,
/// and only then: each of them is granted. In a log they lie evenly.
pub fn tell_served(
    key: EntityId,
    system: EntityId,
    rate: f64,
    stretches: &[(SimTime, SimTime)],
    fx: &mut Effects<Message>,
) {
    let served = |until: SimTime| -> u64 {
        let length = |(from, to): &(SimTime, SimTime)| to.min(&until).saturating_since(*from).ns();
        stretches.iter().map(length).sum()
    };
    let asked = |ns: u64| (rate * (ns as f64 / 1e9)).floor() as u64;
    let now = fx.now();
    let marks = fx.marks().iter().copied().chain([now]);
    let made: Vec<u64> = marks.map(|mark| asked(served(mark))).collect();
    tell(key, system, &made, fx);
    let all = made.last().copied().unwrap_or(0);
    if !fx.logs_requests_of(key) || all == 0 {
        return;
    }
    let call = |at, count| Call {
        at,
        to: key,
        by: Some(system),
        job: None,
        grant: None,
        method: "Decrypt",
        part: 0,
        count,
        status: 0,
        why: "".into(),
        record: None,
    };
    if all > AUDIT_ENTRIES_MAX {
        // More than a log may hold: one by one they would only fill the memory.
        fx.call(call(now, u32::MAX));
        return;
    }
    let mut number = 1;
    let mut before = 0;
    for &(from, to) in stretches {
        let length = to.saturating_since(from).ns();
        while number <= all {
            let due = (number as f64 / rate * 1e9) as u64;
            if due > before + length && number < all {
                break;
            }
            let wait = SimDuration::from_ns(due.saturating_sub(before).min(length));
            fx.call(call(from.saturating_add(wait.unwrap_or_default()), 1));
            number += 1;
        }
        before += length;
    }
}

/// How Cloud KMS ends a request with this answer: the gRPC status code and its text, in which
/// `{key}` and `{version}` stand for the path of the key and the number of the version.
pub fn status(answer: Answer) -> (u8, &'static str) {
    const DENIED: u8 = 7;
    const PRECONDITION: u8 = 9;
    const UNAVAILABLE: u8 = 14;
    match answer {
        Answer::Granted => (0, ""),
        Answer::Unreachable => (UNAVAILABLE, "The service is currently unavailable."),
        Answer::Denied(denial) => match denial {
            Denial::Disabled => (PRECONDITION, NOT_ENABLED[0]),
            Denial::DestroyScheduled => (PRECONDITION, NOT_ENABLED[1]),
            Denial::Destroyed => (PRECONDITION, NOT_ENABLED[2]),
            Denial::NotReady => (PRECONDITION, NOT_ENABLED[3]),
            Denial::RoleRevoked | Denial::Mistaken => (
                DENIED,
                "Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '{key}' (or it may not exist).",
            ),
            Denial::Perimeter => {
                (DENIED, "Request is prohibited by organization's policy. vpcServiceControls")
            }
            Denial::Justification => (
                DENIED,
                "The access reason is not allowed by the key access justifications policy of '{key}'.",
            ),
            Denial::Manager | Denial::ManagerNow => {
                (DENIED, "The external key manager denied the request: permission denied.")
            }
        },
    }
}

const NOT_ENABLED: [&str; 4] = [
    "{key}/cryptoKeyVersions/{version} is not enabled, current state is: DISABLED.",
    "{key}/cryptoKeyVersions/{version} is not enabled, current state is: DESTROY_SCHEDULED.",
    "{key}/cryptoKeyVersions/{version} is not enabled, current state is: DESTROYED.",
    "{key}/cryptoKeyVersions/{version} is not enabled, current state is: PENDING_GENERATION.",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// KMS-30, BT-08: 1,000 tables x 4 clusters x 8,640 sweeps x 3 operations at USD 0.03 per
    /// 10,000; PS-03: 21,720 operations of a topic in 30 days.
    #[test]
    fn prices_are_exact() {
        let price = Price::per_ten_thousand(0.03);
        assert_eq!(price.of(1_000 * 4 * 8_640 * 3), 311.04);
        assert_eq!(price.of(21_720), 0.06516);
        assert_eq!(price.of(1), 0.000003);
        assert_eq!(price.of(0), 0.0);
    }

    /// Against decimal arithmetic by hand where the product no longer fits in 53 bits.
    #[test]
    fn large_numbers_are_rounded_once() {
        // 9,007,199,254,740,993 x 0.123456789 / 10,000 = 111,199,..: digits worked out by hand.
        let price = Price::per_ten_thousand(0.123456789);
        let exact: u128 = 9_007_199_254_740_993 * 123_456_789;
        let whole = exact / 10_000_000_000_000;
        let rest = exact % 10_000_000_000_000;
        let text = format!("{whole}.{rest:013}");
        assert_eq!(price.of(9_007_199_254_740_993), text.parse::<f64>().unwrap());
    }
}
