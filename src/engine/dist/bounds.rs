//! Truncation: a distribution under the condition that the duration lies within bounds.

use super::{Bounds, Dist, Shape, parts_of};
use crate::engine::time::SimDuration;

/// The least probability of an interval to which a distribution can be cut: below it, the bounds
/// are a mistake rather than a choice.
const BOUNDED_PROBABILITY_MIN: f64 = 1e-12;

impl Dist {
    /// This distribution under the condition that the duration is from `min` to `max`.
    ///
    /// A constant stays what it is, but must lie inside. A triangular distribution has bounds of
    /// its own and takes no others.
    pub fn bounded(
        self,
        min: Option<SimDuration>,
        max: Option<SimDuration>,
    ) -> Result<Dist, String> {
        if min.is_none() && max.is_none() {
            return Ok(self);
        }
        if matches!(self.shape, Shape::Triangular { .. }) {
            return Err(
                "a triangular distribution takes no bounds besides its own min and max".to_string()
            );
        }
        if self.is_bounded() {
            return Err(
                "the distribution has bounds already; give min and max together".to_string()
            );
        }
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            return Err(format!("min must not exceed max, but {min} is longer than {max}"));
        }
        let range = match (min, max) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("above {min}"),
            (None, Some(max)) => format!("below {max}"),
            (None, None) => String::new(),
        };
        if let Shape::Constant(value) = self.shape {
            let inside = min.is_none_or(|min| min <= value) && max.is_none_or(|max| value <= max);
            return if inside {
                Ok(self)
            } else {
                Err(format!("the duration must be {range}, but it is always {value}"))
            };
        }
        match self.truncated(min, max) {
            Some((dist, probability)) if probability >= BOUNDED_PROBABILITY_MIN => Ok(dist),
            _ => Err(format!(
                "a duration {range} has a probability below 1e-12; widen the bounds to where the \
                 distribution has its values"
            )),
        }
    }

    /// The distribution within `min` and `max` (and its own bounds), and the probability of being
    /// there; `None` if that is zero.
    fn truncated(&self, min: Option<SimDuration>, max: Option<SimDuration>) -> Option<(Dist, f64)> {
        let least = self.least.max(min.unwrap_or(SimDuration::ZERO));
        let most = self.most.min(max.unwrap_or(SimDuration::MAX));
        if least > most {
            return None;
        }
        let old = self.bounds;
        let mut bounds = Bounds {
            min: later(old.and_then(|old| old.min), min),
            max: earlier(old.and_then(|old| old.max), max),
            below: 0.0,
            above: 0.0,
            width: 1.0,
        };
        match &self.shape {
            Shape::Constant(_) => Some((self.clone(), 1.0)),
            Shape::Empirical { values, first, end } => {
                let before = values.partition_point(|value| *value < least).max(*first);
                let after = values.partition_point(|value| *value <= most).min(*end);
                let kept = values.get(before..after)?;
                let (least, most) = (*kept.first()?, *kept.last()?);
                let probability = kept.len() as f64 / (end - first) as f64;
                let values = values.clone();
                let shape = Shape::Empirical { values, first: before, end: after };
                Some((Dist { shape, bounds: Some(bounds), least, most }, probability))
            }
            Shape::Mixture { written, parts } => {
                let kept: Vec<(f64, Dist)> = parts
                    .iter()
                    .filter_map(|part| {
                        let (dist, probability) = part.dist.truncated(min, max)?;
                        Some((part.weight * probability, dist))
                    })
                    .collect();
                let probability = kept.iter().map(|(weight, _)| weight).sum();
                if probability <= 0.0 {
                    return None;
                }
                let dist = Dist::of_parts(written.clone(), parts_of(kept), Some(bounds));
                Some((dist, probability))
            }
            shape => {
                let (low, not_low) = bounds.min.map_or((0.0, 1.0), |min| shape.pair(min.seconds()));
                let (not_high, high) =
                    bounds.max.map_or((1.0, 0.0), |max| shape.pair(max.seconds()));
                // The difference of the smaller pair has the digits.
                let width = if low > 0.5 { not_low - high } else { not_high - low };
                if width.is_nan() || width <= 0.0 {
                    return None;
                }
                (bounds.below, bounds.above, bounds.width) = (low, high, width);
                let whole = old.map_or(1.0, |old| old.width);
                let dist = Dist { shape: shape.clone(), bounds: Some(bounds), least, most };
                Some((dist, width / whole))
            }
        }
    }
}

/// The later of two lower bounds, of which either may be absent.
fn later(a: Option<SimDuration>, b: Option<SimDuration>) -> Option<SimDuration> {
    a.max(b)
}

/// The earlier of two upper bounds, of which either may be absent.
fn earlier(a: Option<SimDuration>, b: Option<SimDuration>) -> Option<SimDuration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => a.or(b),
    }
}
