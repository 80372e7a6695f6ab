//! Objectives and expectations: a measure and what must hold of it.

use super::reader::{Reader, listed};
use super::tree::{Item, Raw, Table, quote};
use crate::diag::Diagnostic;
use crate::scenario::{Bound, Condition};
use crate::systems::spec::{
    COMMON_MEASURES, Default, EntityKind, Kind, MeasureSpec, Node, ParamSpec, Value,
};
use std::collections::BTreeMap;

const fn text(name: &'static str, doc: &'static str) -> ParamSpec {
    ParamSpec { name, kind: Kind::Text, default: Default::Required, source: "", doc }
}

/// The keys of `[[objectives]]` besides those of its condition.
pub(crate) const OBJECTIVE: &[ParamSpec] = &[text("measure", "Path of the measure.")];

/// The keys of `[[expect]]` besides those of its condition.
pub(crate) const EXPECT: &[ParamSpec] =
    &[text("measure", "Path of the measure."), text("because", "Why it must hold.")];

/// The keys of a condition.
pub(crate) const CONDITIONS: &[&str] = &["at-least", "at-most", "between", "exactly", "never"];

impl Reader<'_> {
    /// The bounds of `objectives` or `expect`.
    pub(super) fn bounds(
        &mut self,
        root: &Item,
        name: &str,
        own: &'static [ParamSpec],
    ) -> Vec<(Bound, Node)> {
        let mut bounds = Vec::new();
        for (at, item) in self.tables(root, name).iter().enumerate() {
            bounds.extend(self.one_bound(item, &format!("{name}.{at}"), own));
        }
        bounds
    }

    fn one_bound(
        &mut self,
        item: &Item,
        path: &str,
        own: &'static [ParamSpec],
    ) -> Option<(Bound, Node)> {
        let nodes = self.params(&[own], item, path, CONDITIONS);
        let table = item.table()?;
        let measure = &table.get("measure")?.item;
        let Some((entity, spec)) = self.measure(measure.text()?, measure) else {
            // Without its unit, only the form of the condition can be checked.
            self.condition_form(table, item);
            return None;
        };
        let (condition, said) = self.condition(table, item, spec)?;
        let mut nodes = nodes?;
        let because = nodes.get("because").map(|node| node.text().to_owned());
        nodes.extend(said);
        let bound = Bound {
            entity,
            measure: spec.name.to_owned(),
            unit: spec.unit,
            condition,
            because: because.unwrap_or_default(),
            span: item.span.clone(),
        };
        let (value, span, origin) = (Value::Table(nodes), item.span.clone(), item.origin());
        Some((bound, Node { value, span, origin, source: "" }))
    }

    /// The entity and the measure of a path: the entity is the longest prefix that is one.
    fn measure(&mut self, path: &str, item: &Item) -> Option<(String, &'static MeasureSpec)> {
        let dots = path.rmatch_indices('.').map(|(at, _)| at);
        for at in dots {
            let (entity, name) = (path.get(..at)?, path.get(at + 1..)?);
            let Some(kind) = self.known.get(entity).copied() else { continue };
            let found = measures(kind).find(|spec| spec.name == name);
            if found.is_none() {
                let message = format!("`{entity}` has no measure {}", quote(name));
                let help = self.nearest_measure(path, entity, name, kind);
                self.tell("unknown-measure", &item.span, message, "no such measure", help);
            }
            return found.map(|spec| (entity.to_owned(), spec));
        }
        if !self.may_exist(path) {
            let entity = path.rsplit_once('.').map_or(path, |(entity, _)| entity);
            let message = format!("{} is no measure of any entity", quote(path));
            let help = self.nearest_entity(entity);
            self.tell("unknown-entity", &item.span, message, "no such entity", help);
        }
        None
    }

    /// The measure that is meant: of this entity, or of one whose path is near.
    fn nearest_measure(
        &self,
        path: &str,
        entity: &str,
        name: &str,
        kind: &'static EntityKind,
    ) -> String {
        let known = || measures(kind).map(|spec| spec.name);
        if let Some(name) = self.near(name, known()) {
            return format!("did you mean `{entity}.{name}`?");
        }
        let split = path.rsplit_once('.').filter(|(other, _)| *other != entity);
        let other = split.and_then(|(other, name)| {
            let near = self.near(other, self.known.keys().map(String::as_str))?;
            let mut measures = measures(self.known.get(near)?);
            measures.any(|spec| spec.name == name).then(|| format!("{near}.{name}"))
        });
        match other {
            Some(path) => format!("did you mean `{path}`?"),
            None => format!("its measures are {}", listed(known())),
        }
    }

    /// The keys of the one condition of a table.
    fn condition_form<'t>(
        &mut self,
        table: &'t Table,
        item: &Item,
    ) -> Option<Vec<(&'static str, &'t Item)>> {
        let given: Vec<(&str, &Item)> = CONDITIONS
            .iter()
            .filter_map(|key| table.get(*key).map(|entry| (*key, &entry.item)))
            .collect();
        let keys: Vec<&str> = given.iter().map(|(key, _)| *key).collect();
        match keys.as_slice() {
            [_] | ["at-least", "at-most"] => Some(given),
            [] => {
                let help = "add one of `at-least = X`, `at-most = X`, `between = [X, Y]`, \
                            `exactly = X` or `never = true`";
                let message = "nothing says what must hold of the measure";
                self.tell("condition-form", &item.span, message, "no condition", help);
                None
            }
            _ => {
                let message = format!("{} exclude each other", listed(keys.iter().copied()));
                let span = given.last().and_then(|(_, item)| item.span.clone());
                let help = "keep one condition; only `at-least` and `at-most` go together";
                self.tell("condition-form", &span, message, "one too many", help);
                None
            }
        }
    }

    /// What must hold, and how it was said.
    fn condition(
        &mut self,
        table: &Table,
        item: &Item,
        spec: &'static MeasureSpec,
    ) -> Option<(Condition, BTreeMap<String, Node>)> {
        let mut said = BTreeMap::new();
        let (mut low, mut high, mut never) = (None, None, false);
        let given = self.condition_form(table, item)?;
        let before = self.found.len();
        let mut last = None;
        for (key, item) in given {
            last = item.span.clone();
            let read = match key {
                "never" => self.never(item).map(|value| (value, None, None)),
                "between" => self.pair(item, spec).map(|(value, a, b)| (value, Some(a), Some(b))),
                "at-least" => self.limit(item, key, spec).map(|(value, x)| (value, Some(x), None)),
                "at-most" => self.limit(item, key, spec).map(|(value, x)| (value, None, Some(x))),
                _ => self.limit(item, key, spec).map(|(value, x)| (value, Some(x), Some(x))),
            };
            let Some((value, from, to)) = read else { continue };
            (low, high, never) = (low.or(from), high.or(to), never || key == "never");
            let (span, origin) = (item.span.clone(), item.origin());
            said.insert(key.to_owned(), Node { value, span, origin, source: "" });
        }
        if self.found.len() > before {
            return None;
        }
        if let (Some(a), Some(b)) = (low, high)
            && a > b
        {
            let message = "the lower bound is above the upper one, so nothing can hold";
            self.tell("empty-bound", &last, message, "no number is left", "swap the two bounds");
            return None;
        }
        let condition = if never { Condition::Never } else { Condition::Within { low, high } };
        Some((condition, said))
    }

    fn never(&mut self, item: &Item) -> Option<Value> {
        if let Raw::Bool(true) = item.raw {
            return Some(Value::Bool(true));
        }
        let message = "`never` takes only `true`";
        let help = "write `never = true`, or another condition instead";
        self.tell("condition-form", &item.span, message, "not `true`", help);
        None
    }

    /// One bound in the unit of the measure.
    fn limit(&mut self, item: &Item, key: &str, spec: &MeasureSpec) -> Option<(Value, f64)> {
        if spec.unit == "s" {
            let span = self.duration(item, key)?;
            return Some((Value::Duration(span), span.seconds()));
        }
        let number = self.number(item, key, if spec.unit == "fraction" { "0.999" } else { "5" })?;
        let most = if spec.unit == "fraction" { 1.0 } else { f64::INFINITY };
        if !(0.0..=most).contains(&number) {
            let message = format!("`{key}` is {number}, which `{}` never is", spec.name);
            let help = match spec.unit {
                "fraction" => "write a number from 0 to 1",
                _ => "write a number of zero or more",
            };
            self.tell("out-of-range", &item.span, message, "out of range", help);
            return None;
        }
        Some((Value::Number(number), number))
    }

    /// The two bounds of `between`.
    fn pair(&mut self, item: &Item, spec: &MeasureSpec) -> Option<(Value, f64, f64)> {
        let Raw::List(items) = &item.raw else {
            let example = if spec.unit == "s" { "[\"20h\", \"26h\"]" } else { "[0, 1]" };
            self.wrong_type(item, "between", "a list of two bounds", example);
            return None;
        };
        let [first, second] = items.as_slice() else {
            let message = format!("`between` has {} bounds, not two", items.len());
            let wrong = Diagnostic::error("condition-form", item.span.clone(), message);
            self.found.push(wrong.label("not two bounds").help("write `between = [LOW, HIGH]`"));
            return None;
        };
        let (a, b) = (self.limit(first, "between", spec), self.limit(second, "between", spec));
        let ((a, low), (b, high)) = (a?, b?);
        let node = |value, item: &Item| Node {
            value,
            span: item.span.clone(),
            origin: item.origin(),
            source: "",
        };
        Some((Value::List(vec![node(a, first), node(b, second)]), low, high))
    }
}

/// Everything measured of a kind of entity.
fn measures(kind: &'static EntityKind) -> impl Iterator<Item = &'static MeasureSpec> {
    kind.measures.iter().chain(COMMON_MEASURES)
}
