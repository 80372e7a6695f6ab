//! Values of expensive functions that are asked for again and again: every measure of a point asks
//! for those of the same number of replications.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// Values that are kept.
const KEPT_MAX: usize = 256;

/// The values of a pure function, by its arguments. For one thread.
pub(crate) struct Memo<K, V> {
    known: RefCell<BTreeMap<K, V>>,
}

impl<K: Ord, V: Clone> Memo<K, V> {
    /// Nothing is known yet.
    pub(crate) const fn new() -> Memo<K, V> {
        Memo { known: RefCell::new(BTreeMap::new()) }
    }

    /// The value for these arguments, computed when they are new.
    pub(crate) fn get(&self, key: K, compute: impl FnOnce() -> V) -> V {
        if let Some(value) = self.known.borrow().get(&key) {
            return value.clone();
        }
        let value = compute();
        let mut known = self.known.borrow_mut();
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(key, value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_computed_once_and_memory_is_bounded() {
        let (memo, mut calls) = (Memo::new(), 0);
        for round in 0..3 {
            assert_eq!(
                memo.get(7, || {
                    calls += 1;
                    49
                }),
                49,
                "{round}"
            );
        }
        assert_eq!(calls, 1);
        (0..10 * KEPT_MAX).for_each(|n| assert_eq!(memo.get(n, || n * n), n * n));
        assert!(memo.known.borrow().len() <= KEPT_MAX);
    }
}
