//! Distributions: a duration, or one externally tagged table.

use super::reader::{Reader, listed};
use super::tree::{Item, Raw, Table, quote};
use super::units;
use crate::engine::{Dist, SimDuration};
use crate::limits::{EMPIRICAL_VALUES_MAX, MIXTURE_COMPONENTS_MAX};

/// A distribution's word, what stands below it, and how it is written.
struct Form {
    word: &'static str,
    keys: &'static [&'static str],
    example: &'static str,
}

const FORMS: &[Form] = &[
    Form { word: "constant", keys: &[], example: "{ constant = \"5m\" }" },
    Form {
        word: "uniform",
        keys: &["from", "to"],
        example: "{ uniform = { from = \"1m\", to = \"5m\" } }",
    },
    Form {
        word: "log-uniform",
        keys: &["from", "to"],
        example: "{ log-uniform = { from = \"1m\", to = \"4h\" } }",
    },
    Form { word: "exponential", keys: &["mean"], example: "{ exponential = { mean = \"180d\" } }" },
    Form {
        word: "lognormal",
        keys: &["median", "p95", "p99"],
        example: "{ lognormal = { median = \"30m\", p95 = \"4h\" } }",
    },
    Form {
        word: "weibull",
        keys: &["scale", "shape"],
        example: "{ weibull = { scale = \"30d\", shape = 1.5 } }",
    },
    Form {
        word: "gamma",
        keys: &["mean", "shape"],
        example: "{ gamma = { mean = \"1h\", shape = 2.0 } }",
    },
    Form {
        word: "triangular",
        keys: &["min", "mode", "max"],
        example: "{ triangular = { min = \"1m\", mode = \"5m\", max = \"1h\" } }",
    },
    Form {
        word: "mixture",
        keys: &[],
        example: "{ mixture = [{ weight = 0.9, constant = \"1m\" }, \
                  { weight = 0.1, constant = \"1h\" }] }",
    },
    Form {
        word: "empirical",
        keys: &["file", "values"],
        example: "{ empirical = { values = [\"1m\", \"5m\"] } }",
    },
];
const BOUNDS: [&str; 2] = ["min", "max"];

impl Reader<'_> {
    /// A distribution of durations.
    pub(super) fn dist(&mut self, item: &Item, name: &str) -> Option<Dist> {
        match &item.raw {
            Raw::Table(table) => self.shape(table, item, name, false),
            Raw::Text(_) | Raw::Whole(_) | Raw::Float(_) => {
                self.duration(item, name).map(Dist::constant)
            }
            _ => {
                self.wrong_type(item, name, "a length of time or a distribution", "\"5m\"");
                None
            }
        }
    }

    /// The distribution that a table names, with a weight beside it in a mixture.
    fn shape(&mut self, table: &Table, item: &Item, name: &str, weighted: bool) -> Option<Dist> {
        let mut named = FORMS.iter().filter(|form| table.contains_key(form.word));
        let (form, other) = (named.next(), named.next());
        let Some(form) = form else {
            self.no_shape(table, item, name);
            return None;
        };
        if let Some(other) = other {
            let message = format!("`{name}` names two distributions");
            let label = format!("`{}` and `{}`", form.word, other.word);
            let help = "keep one of the two, or write a `mixture` of both";
            self.tell("distribution-form", &item.span, message, label, help);
            return None;
        }
        let mut known = vec![form.word];
        // What is no table has its bounds beside it.
        let beside = form.keys.is_empty();
        known.extend(BOUNDS.iter().filter(|_| beside));
        known.extend(weighted.then_some("weight"));
        let before = self.found.len();
        self.unknown_keys(table, &known, name);
        let inner = &table.get(form.word)?.item;
        let dist = match form.word {
            "constant" => self.duration(inner, form.word).map(Dist::constant),
            "mixture" => self.mixture(inner, name, form),
            _ => self.tabled(form, inner, name),
        };
        let (dist, clean) = (dist?, self.found.len() == before);
        let dist = if beside { self.bound(dist, table, item, name, form)? } else { dist };
        clean.then_some(dist)
    }

    fn no_shape(&mut self, table: &Table, item: &Item, name: &str) {
        let words = || FORMS.iter().map(|form| form.word);
        let near = table.iter().find_map(|(key, entry)| {
            let word = self.near(key, words())?;
            Some((word, entry.key.clone(), key))
        });
        let example = |word| FORMS.iter().find(|form| form.word == word).map(|form| form.example);
        if let Some((word, span, key)) = near {
            let message = format!("{} is not a distribution", quote(key));
            let help = format!("did you mean `{}`?", example(word).unwrap_or(word));
            self.tell("distribution-form", &span, message, "not known here", help);
            return;
        }
        let message = format!("`{name}` names no distribution");
        let help = format!("write a length of time, or one of {}", listed(words()));
        self.tell("distribution-form", &item.span, message, "no distribution", help);
    }

    /// A distribution whose parameters are a table.
    fn tabled(&mut self, form: &Form, inner: &Item, name: &str) -> Option<Dist> {
        let Some(table) = inner.table() else {
            let message = format!("`{}` takes a table, not {}", form.word, inner.found());
            let help = format!("write `{}`", form.example);
            self.tell("wrong-type", &inner.span, message, inner.found(), help);
            return None;
        };
        let own_bounds = form.keys.contains(&"min");
        let mut known = form.keys.to_vec();
        known.extend(BOUNDS.iter().filter(|_| !own_bounds));
        let before = self.found.len();
        self.unknown_keys(table, &known, form.word);
        let made = match form.word {
            "lognormal" => self.lognormal(table, inner, form),
            "empirical" => self.empirical(table, inner, form),
            "triangular" => {
                let [min, mode, max] = self.lengths(["min", "mode", "max"], table, inner, form);
                Dist::triangular(min?, mode?, max?)
            }
            "exponential" => {
                let [mean] = self.lengths(["mean"], table, inner, form);
                Dist::exponential(mean?)
            }
            "weibull" | "gamma" => {
                let first = if form.word == "gamma" { "mean" } else { "scale" };
                let [length] = self.lengths([first], table, inner, form);
                let shape = self.field("shape", table, inner, form);
                let shape = shape.and_then(|item| self.number(item, "shape", "1.5"));
                match form.word {
                    "gamma" => Dist::gamma(length?, shape?),
                    _ => Dist::weibull(length?, shape?),
                }
            }
            word => {
                let [from, to] = self.lengths(["from", "to"], table, inner, form);
                match word {
                    "uniform" => Dist::uniform(from?, to?),
                    _ => Dist::log_uniform(from?, to?),
                }
            }
        };
        if self.found.len() > before {
            return None;
        }
        let dist = self.made(made, inner, name, form)?;
        if own_bounds { Some(dist) } else { self.bound(dist, table, inner, name, form) }
    }

    /// The distribution that was made of its parameters, or why there is none.
    fn made(
        &mut self,
        made: Result<Dist, String>,
        item: &Item,
        name: &str,
        form: &Form,
    ) -> Option<Dist> {
        made.map_err(|why| {
            let message = format!("`{name}` is no distribution: {why}");
            let help = format!("change these values to what holds, such as `{}`", form.example);
            self.tell("distribution-values", &item.span, message, "these values", help);
        })
        .ok()
    }

    /// A distribution under the condition that the duration is within `min` and `max`.
    fn bound(
        &mut self,
        dist: Dist,
        table: &Table,
        item: &Item,
        name: &str,
        form: &Form,
    ) -> Option<Dist> {
        let before = self.found.len();
        let [min, max] =
            BOUNDS.map(|key| table.get(key).and_then(|entry| self.duration(&entry.item, key)));
        if self.found.len() > before {
            return None;
        }
        self.made(dist.bounded(min, max), item, name, form)
    }

    /// A key that must be there.
    fn field<'t>(
        &mut self,
        key: &str,
        table: &'t Table,
        inner: &Item,
        form: &Form,
    ) -> Option<&'t Item> {
        let found = table.get(key).map(|entry| &entry.item);
        if found.is_none() {
            let message = format!("`{key}` is missing from `{}`", form.word);
            let help = format!("write `{}`", form.example);
            self.tell("missing-key", &inner.span, message, "here", help);
        }
        found
    }

    /// Lengths of time that must be there; every mistake among them is told.
    fn lengths<const N: usize>(
        &mut self,
        keys: [&str; N],
        table: &Table,
        inner: &Item,
        form: &Form,
    ) -> [Option<SimDuration>; N] {
        keys.map(|key| {
            let item = self.field(key, table, inner, form)?;
            self.duration(item, key)
        })
    }

    fn lognormal(&mut self, table: &Table, inner: &Item, form: &Form) -> Result<Dist, String> {
        let tail = match (table.contains_key("p95"), table.contains_key("p99")) {
            (true, true) => return Err("p95 and p99 exclude each other".to_owned()),
            (_, true) => "p99",
            _ => "p95",
        };
        match self.lengths(["median", tail], table, inner, form) {
            [Some(median), Some(p99)] if tail == "p99" => Dist::lognormal_p99(median, p99),
            [Some(median), Some(p95)] => Dist::lognormal_p95(median, p95),
            // What is missing has been told.
            _ => Err(String::new()),
        }
    }

    fn mixture(&mut self, inner: &Item, name: &str, form: &Form) -> Option<Dist> {
        let Raw::List(items) = &inner.raw else {
            self.wrong_type(inner, "mixture", "a list", "[{ weight = 1.0, constant = \"5m\" }]");
            return None;
        };
        if items.len() > MIXTURE_COMPONENTS_MAX {
            let count = items.len();
            let message =
                format!("`{name}` mixes {count} distributions, more than {MIXTURE_COMPONENTS_MAX}");
            let help = "merge the lightest ones";
            self.tell("limit-mixture-components", &inner.span, message, "too many", help);
            return None;
        }
        let before = self.found.len();
        let mut parts = Vec::new();
        for item in items {
            let Some(table) = item.table() else {
                let example = "{ weight = 0.5, constant = \"5m\" }";
                self.wrong_type(item, "mixture", "tables with a weight", example);
                continue;
            };
            let weight = match table.get("weight") {
                Some(entry) => self.number(&entry.item, "weight", "0.5"),
                None => {
                    let message = "`weight` is missing from a part of the mixture";
                    let help = "add `weight = 0.5`; the weights add up to 1";
                    self.tell("missing-key", &item.span, message, "here", help);
                    None
                }
            };
            let dist = self.shape(table, item, "mixture", true);
            parts.extend(weight.zip(dist));
        }
        if self.found.len() > before {
            return None;
        }
        self.made(Dist::mixture(parts), inner, name, form)
    }

    /// Measured values: in the scenario, or in a file beside it.
    fn empirical(&mut self, table: &Table, inner: &Item, form: &Form) -> Result<Dist, String> {
        let values = match (table.get("file"), table.get("values")) {
            (Some(_), Some(_)) => return Err("file and values exclude each other".to_owned()),
            (Some(entry), None) => self.measured(&entry.item),
            (None, Some(entry)) => match &entry.item.raw {
                Raw::List(items) if !self.room(items.len(), &entry.item) => None,
                Raw::List(items) => {
                    // Not the first mistake only: every value is read.
                    let read = items.iter().map(|item| self.duration(item, "values"));
                    read.collect::<Vec<_>>().into_iter().collect()
                }
                _ => {
                    self.wrong_type(&entry.item, "values", "a list", "[\"1m\", \"5m\"]");
                    None
                }
            },
            (None, None) => {
                let message = "`values` and `file` are both missing from `empirical`";
                let help = format!("write `{}`", form.example);
                self.tell("missing-key", &inner.span, message, "here", help);
                None
            }
        };
        Dist::empirical(values.unwrap_or_default())
    }

    /// Is there room for so many values?
    fn room(&mut self, count: usize, item: &Item) -> bool {
        if count > EMPIRICAL_VALUES_MAX {
            let message =
                format!("there are {count} measured values, more than {EMPIRICAL_VALUES_MAX}");
            let help = "take every second value, or the percentiles";
            self.tell("limit-empirical-values", &item.span, message, "too many", help);
        }
        count <= EMPIRICAL_VALUES_MAX
    }

    /// One length of time per line; empty lines and lines after `#` do not count.
    fn measured(&mut self, item: &Item) -> Option<Vec<SimDuration>> {
        const HELP: &str = "name a text file with one length of time per line, such as \"5m\"";
        let Some(name) = item.text() else {
            self.wrong_type(item, "file", "a text", "\"outages.csv\"");
            return None;
        };
        let text = (self.files)(name).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
        });
        let text = match text {
            Ok(text) => text,
            Err(why) => {
                let message = format!("{} cannot be read: {why}", quote(name));
                self.tell("empirical-file", &item.span, message, "this file", HELP);
                return None;
            }
        };
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).enumerate();
        let lines: Vec<_> =
            lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect();
        if !self.room(lines.len(), item) {
            return None;
        }
        let mut values = Vec::with_capacity(lines.len());
        for (at, line) in lines {
            match units::duration(line.trim_matches('"')) {
                Ok(value) => values.push(value),
                Err(problem) => {
                    let message =
                        format!("line {} of {}: {}", at + 1, quote(name), problem.message);
                    self.tell("empirical-file", &item.span, message, "this file", problem.help);
                    return None;
                }
            }
        }
        Some(values)
    }
}
