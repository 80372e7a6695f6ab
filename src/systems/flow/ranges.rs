//! Sets of elements by their place in the order in which they arrived.

use super::amount::Amount;

/// From the first place on, up to and not including the second.
pub(super) type Range = (Amount, Amount);

/// A set of places: disjoint ranges in order, none of them empty, no two of them touching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    ranges: Vec<Range>,
    total: Amount,
}

impl Ranges {
    /// Number of elements.
    pub(super) fn total(&self) -> Amount {
        self.total
    }

    /// The ranges, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = Range> {
        self.ranges.iter().copied()
    }

    /// The lowest place.
    pub(super) fn first(&self) -> Option<Amount> {
        self.ranges.first().map(|range| range.0)
    }

    /// The end of the first range, if it is not the only one.
    pub(super) fn gap(&self) -> Option<Amount> {
        (self.ranges.len() > 1).then(|| self.ranges[0].1)
    }

    /// Numbers of the ranges that a range meets.
    fn met(&self, range: Range) -> std::ops::Range<usize> {
        let from = self.ranges.partition_point(|own| own.1 <= range.0);
        let to = self.ranges.partition_point(|own| own.0 < range.1);
        from..to.max(from)
    }

    /// How many elements of a range are in the set.
    pub(super) fn overlap(&self, range: Range) -> Amount {
        let met = &self.ranges[self.met(range)];
        met.iter().map(|own| own.1.min(range.1) - own.0.max(range.0)).sum()
    }

    /// The parts of a range that are not in the set.
    pub(super) fn missing(&self, range: Range) -> Vec<Range> {
        let mut parts = Vec::new();
        let mut from = range.0;
        for own in &self.ranges[self.met(range)] {
            if own.0 > from {
                parts.push((from, own.0));
            }
            from = own.1;
        }
        if from < range.1 {
            parts.push((from, range.1));
        }
        parts
    }

    /// A range in pieces, in order: each with whether it is in the set.
    pub(super) fn pieces(&self, range: Range) -> Vec<(Range, bool)> {
        let mut pieces = Vec::new();
        let mut from = range.0;
        for out in self.missing(range) {
            if from < out.0 {
                pieces.push(((from, out.0), true));
            }
            pieces.push((out, false));
            from = out.1;
        }
        if from < range.1 {
            pieces.push(((from, range.1), true));
        }
        pieces
    }

    /// Puts a range in; gives how many of its elements were not there.
    pub(super) fn add(&mut self, range: Range) -> Amount {
        if range.0 >= range.1 {
            return 0;
        }
        let new = range.1 - range.0 - self.overlap(range);
        // Ranges that touch it become one with it.
        let from = self.ranges.partition_point(|own| own.1 < range.0);
        let to = self.ranges.partition_point(|own| own.0 <= range.1).max(from);
        let low = self.ranges[from..to].first().map_or(range.0, |own| own.0.min(range.0));
        let high = self.ranges[from..to].last().map_or(range.1, |own| own.1.max(range.1));
        self.ranges.splice(from..to, [(low, high)]);
        self.total += new;
        new
    }

    /// Takes a range out; gives the parts that were there.
    pub(super) fn remove(&mut self, range: Range) -> Vec<Range> {
        if range.0 >= range.1 {
            return Vec::new();
        }
        let met = self.met(range);
        let mut out = Vec::new();
        let mut kept = Vec::new();
        for own in &self.ranges[met.clone()] {
            let part = (own.0.max(range.0), own.1.min(range.1));
            if own.0 < part.0 {
                kept.push((own.0, part.0));
            }
            if part.1 < own.1 {
                kept.push((part.1, own.1));
            }
            self.total -= part.1 - part.0;
            out.push(part);
        }
        self.ranges.splice(met, kept);
        out
    }

    /// Takes the lowest elements out, as many as there are at the most.
    pub(super) fn take_first(&mut self, amount: Amount) -> Vec<Range> {
        let mut left = amount;
        let mut end = None;
        for own in &self.ranges {
            if left == 0 {
                break;
            }
            let part = left.min(own.1 - own.0);
            left -= part;
            end = Some(own.0 + part);
        }
        end.map_or_else(Vec::new, |end| self.remove((0, end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// The same as a set of single places.
        #[test]
        fn ranges_are_sets(steps in proptest::collection::vec((0u8..4, 0u128..40, 0u128..12), 1..40)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (what, low, length) in steps {
                let range = (low, low + length);
                let inside: Vec<Amount> = (range.0..range.1).filter(|p| set.contains(p)).collect();
                prop_assert_eq!(ranges.overlap(range), inside.len() as Amount);
                let missing: Amount = ranges.missing(range).iter().map(|r| r.1 - r.0).sum();
                prop_assert_eq!(missing, length - inside.len() as Amount);
                let pieces = ranges.pieces(range);
                let again: Vec<(Amount, bool)> =
                    pieces.iter().flat_map(|(r, is)| (r.0..r.1).map(|p| (p, *is))).collect();
                let each = (range.0..range.1).map(|p| (p, set.contains(&p)));
                prop_assert_eq!(again, each.collect::<Vec<_>>());
                match what {
                    0 | 1 => {
                        prop_assert_eq!(ranges.add(range), length - inside.len() as Amount);
                        set.extend(range.0..range.1);
                    }
                    2 => {
                        let out: Amount = ranges.remove(range).iter().map(|r| r.1 - r.0).sum();
                        prop_assert_eq!(out, inside.len() as Amount);
                        set.retain(|p| !(range.0..range.1).contains(p));
                    }
                    _ => {
                        let out: Vec<Amount> =
                            ranges.take_first(length).iter().flat_map(|r| r.0..r.1).collect();
                        let first: Vec<Amount> =
                            set.iter().copied().take(length as usize).collect();
                        set.retain(|p| !first.contains(p));
                        prop_assert_eq!(out, first);
                    }
                }
                prop_assert_eq!(ranges.total(), set.len() as Amount);
                prop_assert_eq!(ranges.first(), set.first().copied());
                prop_assert!(ranges.ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
                prop_assert!(ranges.ranges.iter().all(|range| range.0 < range.1));
            }
        }
    }
}
