//! Work that is done on all cores and taken in order.

use rayon::prelude::*;
use std::ops::Range;

/// Numbers that are worked on at once: what is finished is taken after each such piece, so that
/// memory does not grow with the number of pieces.
const PIECE: u64 = 512;

/// Does the work of each number of a range on the threads of a pool, and takes the results in the
/// order of the numbers. The first error by number ends it.
///
/// # Errors
/// The first that some work failed with.
pub fn ordered<T: Send, E: Send>(
    numbers: Range<u64>,
    pool: &rayon::ThreadPool,
    work: impl Fn(u64) -> Result<T, E> + Sync,
    mut take: impl FnMut(u64, T),
) -> Result<(), E> {
    let taken = |number, result| {
        take(number, result);
        Ok(())
    };
    in_pieces(PIECE, numbers, pool, work, taken)
}

/// The same in pieces of so many numbers, where taking a result may fail as well.
///
/// # Errors
/// The first that some work, or the taking of its result, failed with.
pub fn in_pieces<T: Send, E: Send>(
    piece: u64,
    numbers: Range<u64>,
    pool: &rayon::ThreadPool,
    work: impl Fn(u64) -> Result<T, E> + Sync,
    mut take: impl FnMut(u64, T) -> Result<(), E>,
) -> Result<(), E> {
    let mut from = numbers.start;
    while from < numbers.end {
        let to = numbers.end.min(from + piece.max(1));
        let done: Vec<Result<T, E>> =
            pool.install(|| (from..to).into_par_iter().map(&work).collect());
        for (number, result) in (from..to).zip(done) {
            take(number, result?)?;
        }
        from = to;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_the_first_error_ends_it() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let mut taken = Vec::new();
        let work = |n: u64| if n < 1_300 { Ok(n * n) } else { Err(n) };
        let end = ordered(5..2_000, &pool, work, |number, square| taken.push((number, square)));
        assert_eq!(end, Err(1_300));
        assert!(taken.iter().copied().eq((5..1_300).map(|n| (n, n * n))));
    }
}
