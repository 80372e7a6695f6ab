//! Named random streams: every use of chance has its own sequence, found by name.
//!
//! A stream depends on the seed, the replication, and the name of its use, and on nothing else.
//! Adding an entity to a scenario, or drawing more for one purpose, therefore moves no other
//! draw: two variants of a scenario meet the same luck (common random numbers).

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::rc::Rc;

/// Fills the second half of the ChaCha key. Changing it changes every result of every run.
const KEY_TAG: [u8; 16] = *b"cmeksim stream 1";
/// Distance between neighbouring 53-bit fractions: 2^-53, exactly.
const FRACTION_STEP: f64 = f64::EPSILON / 2.0;

/// The number of a random stream within one replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamNumber(u64);

impl StreamNumber {
    /// The number of the stream that `entity` reads for `purpose`.
    ///
    /// Hashed, so that it does not depend on the order in which a file lists its entities. The NUL
    /// byte, which no name holds, keeps ("ab", "c") and ("a", "bc") apart.
    pub fn of(entity: &str, purpose: &str) -> StreamNumber {
        let mut hash = Sha256::new();
        hash.update(entity.as_bytes());
        hash.update([0]);
        hash.update(purpose.as_bytes());
        let digest = hash.finalize();
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        StreamNumber(u64::from_le_bytes(first))
    }
}

/// All random streams of one replication.
#[derive(Clone, Debug)]
pub struct Streams(Rc<Source>);

/// What all streams of a replication have in common.
#[derive(Debug)]
struct Source {
    key: [u8; 32],
    /// Was a number taken from any stream that is gone?
    drawn: Cell<bool>,
}

impl Streams {
    /// The streams of a replication (counted from 0) of a run with this seed.
    ///
    /// Seed and replication stand in the key as they are: distinct pairs are distinct keys, which
    /// a hash could only make likely.
    pub fn new(seed: u64, replication: u64) -> Streams {
        let mut key = [0; 32];
        let parts = seed.to_le_bytes().into_iter().chain(replication.to_le_bytes()).chain(KEY_TAG);
        for (to, from) in key.iter_mut().zip(parts) {
            *to = from;
        }
        Streams(Rc::new(Source { key, drawn: Cell::new(false) }))
    }

    /// The stream with this number, at its first draw.
    pub fn stream(&self, n: StreamNumber) -> RandomStream {
        let mut rng = ChaCha8Rng::from_seed(self.0.key);
        rng.set_stream(n.0);
        RandomStream { rng, sought: false, source: self.0.clone() }
    }

    /// Did chance have a part in it? Asked when all its streams are gone: each tells at its end.
    ///
    /// A replication that took no number is the same whatever its streams hold, so that all
    /// replications are.
    pub fn drawn(&self) -> bool {
        self.0.drawn.get()
    }
}

/// One sequence of random numbers.
///
/// A draw is 64 bits. [`RandomStream::next_u32`] and [`RandomStream::fill_u32`] take half a draw
/// per number; everything else takes whole ones.
#[derive(Clone, Debug)]
pub struct RandomStream {
    rng: ChaCha8Rng,
    /// Was it moved, so that its place does not tell whether anything was drawn?
    sought: bool,
    source: Rc<Source>,
}

/// Whether it was drawn from is seen from its place at the end, so that a draw costs nothing more.
impl Drop for RandomStream {
    fn drop(&mut self) {
        if self.sought || self.rng.get_word_pos() != 0 {
            self.source.drawn.set(true);
        }
    }
}

impl RandomStream {
    /// The next 64 random bits: one draw.
    pub fn next_u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// The next 32 random bits: half a draw, the lower half first.
    pub fn next_u32(&mut self) -> u32 {
        self.rng.next_u32()
    }

    /// The next fraction, strictly between 0 and 1: one draw.
    ///
    /// Neither end can occur, so that every inverse distribution function is finite on it.
    pub fn open01(&mut self) -> f64 {
        open01_of(self.next_u64())
    }

    /// Fills a slice with what as many calls of [`RandomStream::next_u32`] would return.
    pub fn fill_u32(&mut self, slots: &mut [u32]) {
        self.rng.fill(slots);
    }

    /// A number from 0 to `n - 1`, each equally likely; 0 if `n` is 0. One draw, save for one in
    /// more than 2^32 calls, which takes another.
    pub fn below(&mut self, n: u32) -> u32 {
        // The result is below `n`, so that nothing is cut off.
        self.below_u64(u64::from(n)) as u32
    }

    /// Puts a slice in random order, each order equally likely: `len - 1` draws of
    /// [`RandomStream::below`].
    ///
    /// Fisher-Yates from the end: for i = len - 1 down to 1, place i changes places with a random
    /// one of the places 0 to i.
    pub fn shuffle<T>(&mut self, slots: &mut [T]) {
        for i in (1..slots.len()).rev() {
            let j = self.below_u64(i as u64 + 1) as usize;
            slots.swap(i, j);
        }
    }

    /// Moves to a draw: the next [`RandomStream::next_u64`] returns draw number `draw` of this
    /// stream, counted from 0, whatever was drawn before.
    pub fn seek(&mut self, draw: u64) {
        self.sought = true;
        self.rng.set_word_pos(2 * u128::from(draw));
    }

    /// A number below `n` without bias, after Lemire: the upper half of a 128-bit product, drawn
    /// again in the few cases that would favour some results.
    fn below_u64(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let surplus = n.wrapping_neg() % n;
            while (product as u64) < surplus {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }
}

/// The fraction of 64 bits: the middle of one of 2^53 equal steps.
fn open01_of(bits: u64) -> f64 {
    // In the upper half the middles fall between two floats and round to even; the last would
    // round to 1.
    (((bits >> 11) as f64 + 0.5) * FRACTION_STEP).min(1.0 - FRACTION_STEP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Dist, SimDuration};

    fn stream(seed: u64, replication: u64, entity: &str, purpose: &str) -> RandomStream {
        Streams::new(seed, replication).stream(StreamNumber::of(entity, purpose))
    }

    fn draws<const N: usize>(mut stream: RandomStream) -> [u64; N] {
        std::array::from_fn(|_| stream.next_u64())
    }

    /// The vectors were computed by another program (ChaCha8 and SHA-256 in Python), not read off
    /// this one.
    #[test]
    fn streams_are_frozen_bit_for_bit() {
        assert_eq!(StreamNumber::of("key-a", "repair").0, 0x5d0e_05b8_1ca3_1c12);
        assert_eq!(StreamNumber::of("cluster/é", "arrivals").0, 0xb9de_4f55_afe2_3046);
        assert_eq!(
            draws(stream(1, 0, "key-a", "repair")),
            [
                0xbbbe744dee65af35u64,
                0xb7c4942aed30de91,
                0xcea8fcf04f4d03a5,
                0x24128881f9b8ebf3,
                0x5b036448cef29e91,
                0xe91d3731ee835cd6,
                0x4ec3d84909151f04,
                0x5cdecdd09153a499,
            ]
        );
        assert_eq!(
            draws(stream(1, 1, "key-a", "repair")),
            [
                0x6e25302302296406u64,
                0x75d16b82bc3be926,
                0xa159f5c960a86e84,
                0xe1eb21091b02d90d,
                0x83cf49475ad394dd,
                0xd76f2fffec08400e,
                0x8394a69196987140,
                0x7d41435cfd962fd3,
            ]
        );
        assert_eq!(
            draws(stream(u64::MAX, 1 << 63, "cluster/é", "arrivals")),
            [
                0x9342e880518286cu64,
                0xe58e6ecb0fe2f554,
                0x33ec979e3519c504,
                0x9d2faedfb052482b,
                0x24957b91e398141,
                0xb64aefd99ffb0c34,
                0x93aed849bfaa49ee,
                0x2edcdb6bf079abc2,
            ]
        );
    }

    #[test]
    fn every_part_of_the_name_makes_another_stream() {
        let all = [
            stream(1, 0, "ab", "c"),
            stream(2, 0, "ab", "c"),
            stream(1, 1, "ab", "c"),
            stream(0, 1, "ab", "c"),
            stream(1, 0, "a", "bc"),
            stream(1, 0, "ab", "d"),
            stream(1, 0, "c", "ab"),
        ]
        .map(draws::<4>);
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert!(a.iter().zip(b).all(|(x, y)| x != y), "{a:x?} {b:x?}");
            }
        }
    }

    #[test]
    fn seek_equals_drawing_up_to_there() {
        let fresh = stream(7, 3, "kms", "latency");
        let sequence: [u64; 200] = draws(fresh.clone());
        let mut sought = fresh;
        for draw in [0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 5, 0, 199, 100] {
            sought.seek(draw as u64);
            for expected in sequence.iter().skip(draw).take(40) {
                assert_eq!(sought.next_u64(), *expected, "after seek({draw})");
            }
            // Leaves the stream in the middle of a draw: the next seek must not mind.
            sought.next_u32();
        }
    }

    #[test]
    fn every_way_to_draw_leaves_a_trace() {
        let drawn = |draw: &dyn Fn(&mut RandomStream)| {
            let streams = Streams::new(7, 3);
            let number = StreamNumber::of("kms", "latency");
            draw(&mut streams.stream(number));
            // What another stream does not draw takes nothing back.
            streams.stream(number);
            streams.drawn()
        };
        let second = SimDuration::from_secs(1);
        let constant = Dist::constant(second);
        assert!(!drawn(&|_| {}));
        assert!(!drawn(&|stream| stream.shuffle(&mut [1])));
        assert!(!drawn(&|stream| assert_eq!(constant.sample(stream), second)));
        assert!(drawn(&|stream| _ = stream.next_u32()));
        assert!(drawn(&|stream| _ = stream.open01()));
        assert!(drawn(&|stream| _ = stream.below(1)));
        assert!(drawn(&|stream| stream.shuffle(&mut [1, 2])));
        assert!(drawn(&|stream| _ = stream.clone().next_u64()));
        for draws in [31, 32, 33, 64, 1_000] {
            assert!(drawn(&|stream| (0..draws).for_each(|_| _ = stream.next_u64())), "{draws}");
        }
        let back = |stream: &mut RandomStream| {
            stream.next_u64();
            stream.seek(0);
        };
        assert!(drawn(&back), "a place at the start does not hide what was drawn");
    }

    #[test]
    fn seek_reaches_the_last_draw() {
        let mut far = stream(7, 3, "kms", "latency");
        far.seek(u64::MAX);
        let last = far.next_u64();
        far.seek(u64::MAX - 1);
        assert_ne!(far.next_u64(), last);
        assert_eq!(far.next_u64(), last);
    }

    #[test]
    fn halves_and_bulk_are_the_same_bits() {
        let fresh = stream(1, 2, "a", "b");
        let whole: [u64; 100] = draws(fresh.clone());
        let mut halves = fresh.clone();
        for draw in whole {
            let low = u64::from(halves.next_u32());
            assert_eq!(draw, low | u64::from(halves.next_u32()) << 32);
        }
        let (mut bulk, mut single) = (fresh.clone(), fresh);
        for len in [0, 1, 3, 64, 150] {
            let mut slots = vec![0; len];
            bulk.fill_u32(&mut slots);
            let expected: Vec<u32> = slots.iter().map(|_| single.next_u32()).collect();
            assert_eq!(slots, expected);
        }
    }

    #[test]
    fn fractions_exclude_both_ends() {
        assert_eq!(open01_of(0), FRACTION_STEP / 2.0);
        assert_eq!(open01_of(u64::MAX), 1.0 - FRACTION_STEP);
        assert!(open01_of(u64::MAX) < 1.0);
        assert_eq!(open01_of(1 << 63), 0.5);
        let mut stream = stream(5, 0, "a", "b");
        let sum: f64 = (0..100_000).map(|_| stream.open01()).sum();
        // 5 standard errors: 5 * sqrt(1/12 / 1e5).
        assert!((sum / 1e5 - 0.5).abs() < 0.0046, "{sum}");
    }

    #[test]
    fn below_is_even_and_in_range() {
        let mut stream = stream(5, 0, "a", "below");
        for n in [0, 1] {
            assert_eq!(stream.below(n), 0);
        }
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        let chi2: f64 =
            counts.iter().map(|&c| (f64::from(c) - 1e4) * (f64::from(c) / 1e4 - 1.0)).sum();
        // p = 0.001 with 6 degrees of freedom.
        assert!(chi2 < 22.46, "{counts:?}");
        assert!((0..1000).all(|_| stream.below(u32::MAX) < u32::MAX));
        // Without the second draw, every third result would come twice as often as the others.
        let third = (0..30_000).filter(|_| stream.below_u64(3 << 62).is_multiple_of(3)).count();
        assert!((9_500..10_500).contains(&third), "{third}");
    }

    #[test]
    fn shuffle_makes_each_order_equally_often() {
        let mut stream = stream(5, 0, "a", "shuffle");
        stream.shuffle::<u8>(&mut []);
        stream.shuffle(&mut [1]);
        let mut counts = [[0u32; 3]; 3];
        for _ in 0..60_000 {
            let mut slots = [0, 1, 2];
            stream.shuffle(&mut slots);
            counts[slots[0]][slots[1]] += 1;
        }
        let orders: Vec<u32> = counts.into_iter().flatten().filter(|&c| c > 0).collect();
        assert_eq!(orders.len(), 6);
        assert!(orders.iter().all(|c| (9_500..10_500).contains(c)), "{orders:?}");
    }

    #[test]
    fn shuffle_swaps_from_the_end() {
        let fresh = stream(1, 0, "key-a", "repair");
        let mut slots: Vec<usize> = (0..50).collect();
        fresh.clone().shuffle(&mut slots);
        let mut expected: Vec<usize> = (0..50).collect();
        let mut stream = fresh;
        for i in (1..50).rev() {
            let j = stream.below(i as u32 + 1) as usize;
            expected.swap(i, j);
        }
        assert_eq!(slots, expected);
    }
}
