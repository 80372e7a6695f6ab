//! Times of things that are measured against each other.

/// The shortest times, in seconds, of things that are done in turn, so that all meet the same
/// weather: what else runs on a machine, or on the one that hosts it, only ever adds time. What a
/// thing gives back is cleared away when its time is taken.
#[expect(clippy::disallowed_types, reason = "a benchmark is about the clock")]
pub(crate) fn best<T, const N: usize>(
    rounds: usize,
    mut things: [&mut dyn FnMut() -> T; N],
) -> [f64; N] {
    let mut shortest = [f64::INFINITY; N];
    for _ in 0..rounds {
        for (thing, shortest) in things.iter_mut().zip(&mut shortest) {
            let begin = std::time::Instant::now();
            let left = thing();
            *shortest = shortest.min(begin.elapsed().as_secs_f64());
            drop(left);
        }
    }
    shortest
}
