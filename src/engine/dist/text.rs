//! The text of a distribution: the value that a scenario file takes.

use super::{Dist, Shape};
use std::fmt;

impl Shape {
    /// The keyword and the inner keys of the TOML table, without bounds; not for constants.
    fn keys(&self) -> (&'static str, String) {
        match self {
            Shape::Uniform { from, to } => ("uniform", format!("from = \"{from}\", to = \"{to}\"")),
            Shape::LogUniform { from, to, .. } => {
                ("log-uniform", format!("from = \"{from}\", to = \"{to}\""))
            }
            Shape::Exponential { mean } => ("exponential", format!("mean = \"{mean}\"")),
            Shape::Lognormal { median, tail, percent, .. } => {
                ("lognormal", format!("median = \"{median}\", p{percent} = \"{tail}\""))
            }
            // `{:?}` keeps the decimal point that makes a TOML float.
            Shape::Weibull { scale, shape } => {
                ("weibull", format!("scale = \"{scale}\", shape = {shape:?}"))
            }
            Shape::Gamma { mean, shape, .. } => {
                ("gamma", format!("mean = \"{mean}\", shape = {shape:?}"))
            }
            Shape::Triangular { min, mode, max } => {
                ("triangular", format!("min = \"{min}\", mode = \"{mode}\", max = \"{max}\""))
            }
            Shape::Empirical { values, .. } => {
                let values: Vec<String> = values.iter().map(|v| format!("\"{v}\"")).collect();
                ("empirical", format!("values = [{}]", values.join(", ")))
            }
            Shape::Constant(value) => ("constant", format!("\"{value}\"")),
            Shape::Mixture { written, .. } => {
                let parts: Vec<String> = written
                    .iter()
                    .map(|(weight, dist)| format!("{{ weight = {weight:?}, {} }}", dist.entry()))
                    .collect();
                ("mixture", format!("[{}]", parts.join(", ")))
            }
        }
    }
}

impl Dist {
    /// The `key = value` of the TOML table. A constant within a mixture has the key `constant`,
    /// and the bounds of a mixture stand beside it, since its value is a list.
    fn entry(&self) -> String {
        let (word, mut keys) = self.shape.keys();
        let mut limits = String::new();
        if let Some(bounds) = self.bounds {
            for (name, bound) in [("min", bounds.min), ("max", bounds.max)] {
                if let Some(bound) = bound {
                    limits.push_str(&format!(", {name} = \"{bound}\""));
                }
            }
        }
        match self.shape {
            Shape::Constant(_) | Shape::Mixture { .. } => format!("{word} = {keys}{limits}"),
            _ => {
                keys.push_str(&limits);
                format!("{word} = {{ {keys} }}")
            }
        }
    }
}

/// Writes the value that a scenario file takes: `"5m"` or `{ exponential = { mean = "45m" } }`.
impl fmt::Display for Dist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Constant(value) => write!(f, "\"{value}\""),
            _ => write!(f, "{{ {} }}", self.entry()),
        }
    }
}
