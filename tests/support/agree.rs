//! How the product is held against an independent implementation: over many random plans, and with
//! mistakes that have to be noticed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The manner of a disagreement: its first line without names and numbers.
pub(crate) fn manner(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let words = line
        .split(' ')
        .filter(|word| !word.contains('.') && !word.chars().any(|letter| letter.is_ascii_digit()));
    words.collect::<Vec<_>>().join(" ")
}

/// Compares the plans of so many seeds; of each manner of disagreement, one is explained.
pub(crate) fn all_agree<P>(
    seeds: u64,
    plan: impl Fn(u64) -> P,
    compare: impl Fn(&P) -> Result<(), String>,
    complaint: impl Fn(u64, &str) -> String,
) {
    let mut wrong: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for seed in 0..seeds {
        if let Err(text) = compare(&plan(seed)) {
            wrong.entry(manner(&text)).or_default().push(seed);
        }
    }
    let mut text = String::new();
    for (manner, seeds) in &wrong {
        writeln!(text, "{} of them, {manner}: {seeds:?}", seeds.len()).expect("strings take all");
        text += &complaint(seeds[0], manner);
    }
    assert!(wrong.is_empty(), "{text}");
}

/// Every mistake makes the implementation that has it disagree with the product at some seed at which
/// without it they agree.
pub(crate) fn all_are_noticed<P, R, M: Copy + std::fmt::Debug>(
    mistakes: &[M],
    seeds: u64,
    plan: impl Fn(u64) -> P,
    product: impl Fn(&P) -> Result<R, String>,
    compare: impl Fn(&R, &P, Option<M>) -> Result<(), String>,
) {
    let mut left = mistakes.to_vec();
    for seed in 0..seeds {
        let plan = plan(seed);
        let Ok(product) = product(&plan) else { continue };
        if compare(&product, &plan, None).is_ok() {
            left.retain(|mistake| compare(&product, &plan, Some(*mistake)).is_ok());
        }
        if left.is_empty() {
            return;
        }
    }
    panic!("nobody notices {left:?}");
}
