//! Design points made by the program, for experiments that no scenario file spells out.

use super::factor::{Assignment, Level, level};
use super::tree::{self, Item, Mark, Raw};
use super::units;
use crate::engine::SimDuration;
use crate::scenario::sweep::Point;
use crate::systems::spec::Origin;

/// A TOML value that no file holds.
fn item(text: &str) -> Option<Item> {
    tree::value(text, Mark { place: None, origin: Origin::Set }, &mut Vec::new())
}

/// The point that writes these TOML values to these paths; nothing if one of them is no TOML.
pub fn point(values: &[(String, String)]) -> Option<Point> {
    let assignment = |(path, text): &(String, String)| {
        Some(Assignment { path: path.clone(), span: None, item: item(text)? })
    };
    let levels: Option<Vec<Level>> =
        values.iter().map(|pair| assignment(pair).map(|value| level(&value))).collect();
    let mut point = Point::default();
    for level in levels? {
        point.labels.push(level.label);
        point.amounts.push(level.amount);
        point.values.extend(level.values);
    }
    Some(point)
}

/// A TOML value with every time in it made so many times as long: of a distribution that of all
/// that can come of it.
pub fn scaled(text: &str, factor: f64) -> Option<String> {
    let mut item = item(text)?;
    scale(&mut item, factor);
    Some(tree::text(&item))
}

/// The time that a text with units says.
pub fn time(text: &str) -> Option<SimDuration> {
    units::duration(text).ok()
}

fn scale(item: &mut Item, factor: f64) {
    match &mut item.raw {
        Raw::Text(text) => {
            if let Ok(span) = units::duration(text) {
                *text = SimDuration::from_seconds_f64(span.seconds() * factor).to_string();
            }
        }
        Raw::List(items) => items.iter_mut().for_each(|item| scale(item, factor)),
        Raw::Table(table) => table.values_mut().for_each(|entry| scale(&mut entry.item, factor)),
        Raw::Whole(_) | Raw::Float(_) | Raw::Bool(_) | Raw::Date(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_scaled_and_nothing_else() {
        assert_eq!(scaled("\"5m\"", 2.0).unwrap(), "\"10m\"");
        let mixture = "{ mixture = [ { weight = 0.9, exponential = { mean = \"30s\" } }, \
                       { weight = 0.1, lognormal = { median = \"1m\", p95 = \"4h\" } } ] }";
        let half = scaled(mixture, 0.5).unwrap();
        for piece in ["weight = 0.9", "mean = \"15s\"", "median = \"30s\"", "p95 = \"2h\""] {
            assert!(half.contains(piece), "{piece} is not in {half}");
        }
        assert_eq!(scaled("\"no time\"", 2.0).unwrap(), "\"no time\"");
        assert_eq!(scaled("{ a = ", 2.0), None);
    }
}
