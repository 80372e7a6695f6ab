//! Numbers of elements as integers, so that none appears or disappears by rounding.
//!
//! The unit is 10^-18 of an element, and a rate is a whole number of units per nanosecond: 10^9 of
//! them for one element per second. So what flows in a whole number of nanoseconds is a whole number
//! of units, and every sum is exact.

/// A number of elements in units of 10^-18; as a rate, such units per nanosecond.
pub(super) type Amount = u128;

/// One element.
pub(super) const ELEMENT: Amount = 1_000_000_000_000_000_000;

/// The rate of so many elements per second, to a billionth of an element per second.
pub(super) fn rate(per_second: f64) -> Amount {
    (per_second * 1e9).round() as Amount
}

/// A number of elements for people and tables; exact for whole numbers below 2^53.
pub(super) fn elements(amount: Amount) -> f64 {
    (amount / ELEMENT) as f64 + (amount % ELEMENT) as f64 / ELEMENT as f64
}

/// Nanoseconds until an amount has flowed at a rate, rounded up, and at least one.
pub(super) fn time_to(amount: Amount, rate: Amount) -> u64 {
    u64::try_from(amount.div_ceil(rate.max(1))).unwrap_or(u64::MAX).max(1)
}

/// Shares a capacity among demands: everybody gets the same, or less where that is enough; nothing
/// is left over while somebody wants more.
pub(super) fn shares(demands: &[Amount], capacity: Amount) -> Vec<Amount> {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|&place| (demands[place], place));
    let mut given = vec![0; demands.len()];
    let mut left = capacity;
    for (done, &place) in order.iter().enumerate() {
        let waiting = (order.len() - done) as Amount;
        given[place] = demands[place].min(left / waiting);
        left -= given[place];
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_elements_are_exact() {
        assert_eq!(rate(300.0), 300_000_000_000);
        assert_eq!(rate(1e9), ELEMENT);
        assert_eq!(elements(rate(300.0) * 3_600_000_000_000), 1_080_000.0);
        assert_eq!(elements(ELEMENT / 4), 0.25);
        assert_eq!(time_to(10, 3), 4);
        assert_eq!(time_to(0, 3), 1);
    }

    #[test]
    fn shares_are_fair_and_leave_nothing_over() {
        assert_eq!(shares(&[10, 10], 7), [3, 4]);
        assert_eq!(shares(&[1, 10, 10], 9), [1, 4, 4]);
        assert_eq!(shares(&[1, 2, 3], 100), [1, 2, 3]);
        assert_eq!(shares(&[5, 0], 3), [3, 0]);
        assert_eq!(shares(&[], 3), [0; 0]);
    }
}
