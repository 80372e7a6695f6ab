//! `[sweep]` and `[uncertain]`: from factors to design points.

use super::factor::{Factor, Kind, Level, Range};
use super::reader::{Reader, listed};
use super::tree::{self, Item, Raw, Table, quote};
use super::varied::Varied;
use crate::diag::Span;
use crate::engine::{StreamNumber, Streams};
use crate::limits::{FACTORS_MAX, POINTS_MAX};
use crate::scenario::sweep::{Design, Point, Sweep, Uncertain};
use crate::systems::spec::Origin;
use std::collections::BTreeSet;

/// The keys of `[sweep]`.
const SWEEP: [&str; 7] =
    ["design", "factors", "points", "replications", "baseline", "exclude", "rising"];
/// The keys of `[uncertain]`.
const UNCERTAIN: [&str; 2] = ["draws", "factors"];
/// Replications that a file may ask for at a point.
const REPLICATIONS_MAX: u64 = 10_000_000;
/// Draws of what is uncertain, unless the file says otherwise.
const DRAWS: u64 = 50;

/// One level of each factor.
type Choice = Vec<Level>;

impl Reader<'_> {
    /// The table `sweep`, if there is one without mistakes.
    pub(super) fn sweep(&mut self, root: &Item, seed: u64) -> Option<Sweep> {
        let (table, lines) = self.experiment_table(root, "sweep", &SWEEP)?;
        let before = self.found.len();
        let design = match table.get("design") {
            None => Some(Design::Grid),
            Some(entry) => match entry.item.text() {
                Some(word) => {
                    let design = Design::of_word(word);
                    if design.is_none() {
                        self.unknown_word(&entry.item, word, "design", &Design::WORDS);
                    }
                    design
                }
                None => {
                    self.wrong_type(&entry.item, "design", "a word", "\"grid\"");
                    None
                }
            },
        };
        let points = self.optional_count(table, "points", 1, POINTS_MAX as u64);
        let replications = self.optional_count(table, "replications", 1, REPLICATIONS_MAX);
        let factors = self.all_factors(table, root, "sweep");
        if self.found.len() > before {
            return None;
        }
        let names: Vec<String> = factors.iter().map(|factor| factor.name.clone()).collect();
        let mut choices = self.choices(design?, &factors, points, seed, table, root)?;
        let all: Vec<Point> = match table.get("baseline") {
            Some(_) => choices.iter().map(point).collect(),
            None => Vec::new(),
        };
        self.exclude(table, &names, &factors, &mut choices);
        self.rising(table, &names, &mut choices);
        if choices.is_empty() && self.found.len() == before {
            let span = key(root, "sweep");
            let help = "loosen `exclude` or `rising`, or give more levels";
            self.tell("sweep-form", &span, "the sweep has no point left", "no points", help);
        }
        let points: Vec<Point> = choices.iter().map(point).collect();
        let baseline = self.baseline(table, &names, &all, &points);
        (self.found.len() == before).then_some(Sweep {
            design: design?,
            factors: names,
            points,
            baseline,
            replications,
            lines,
            span: key(root, "sweep"),
        })
    }

    /// The table `uncertain`, if there is one without mistakes.
    pub(super) fn uncertain(&mut self, root: &Item, seed: u64) -> Option<Uncertain> {
        let (table, lines) = self.experiment_table(root, "uncertain", &UNCERTAIN)?;
        let before = self.found.len();
        let draws = self.optional_count(table, "draws", 2, POINTS_MAX as u64).unwrap_or(DRAWS);
        let factors = self.all_factors(table, root, "uncertain");
        if self.found.len() > before {
            return None;
        }
        let numbers: Vec<StreamNumber> =
            factors.iter().map(|factor| StreamNumber::of(&factor.name, "uncertain")).collect();
        // Draws of their own streams: more draws, or more parameters, leave the others alone.
        let draw = |draw: u64| {
            let streams = Streams::new(seed, draw);
            let pairs = factors.iter().zip(&numbers);
            pairs.map(|(factor, number)| factor.at(streams.stream(*number).open01())).collect()
        };
        let draws = (0..draws).map(draw).collect::<Option<Vec<Choice>>>()?;
        let paths = |place: usize| {
            let levels = draws.iter().filter_map(|choice| choice.get(place));
            let written = levels.flat_map(|level| level.values.iter().map(|at| at.path.as_str()));
            let paths: BTreeSet<&str> = written.collect();
            paths.into_iter().map(str::to_owned).collect()
        };
        Some(Uncertain {
            paths: (0..factors.len()).map(paths).collect(),
            factors: factors.into_iter().map(|factor| factor.name).collect(),
            draws: draws.iter().map(point).collect(),
            lines,
            span: key(root, "uncertain"),
        })
    }

    /// A table at the top that an experiment reads, and how it was written.
    fn experiment_table<'t>(
        &mut self,
        root: &'t Item,
        name: &str,
        known: &[&str],
    ) -> Option<(&'t Table, Vec<(String, Origin)>)> {
        let item = &root.table()?.get(name)?.item;
        let Some(table) = item.table() else {
            self.params(&[], item, name, &[]);
            return None;
        };
        self.unknown_keys(table, known, name);
        let line = |(key, entry): (&String, &tree::Entry)| {
            (format!("{key} = {}", tree::text(&entry.item)), entry.item.origin())
        };
        Some((table, table.iter().map(line).collect()))
    }

    fn optional_count(&mut self, table: &Table, name: &str, low: u64, high: u64) -> Option<u64> {
        let entry = table.get(name)?;
        self.count(&entry.item, name, low, high)
    }

    fn all_factors(&mut self, table: &Table, root: &Item, place: &'static str) -> Vec<Factor> {
        let before = self.found.len();
        let factors = match table.get("factors") {
            Some(entry) => self.factors(&entry.item, &format!("{place}.factors")),
            None => Vec::new(),
        };
        if factors.is_empty() && self.found.len() == before {
            let span = root.table().and_then(|root| root.get(place)?.key.clone());
            let message = format!("`{place}` has no factors");
            let help = format!("add `[{place}.factors]` with lines `\"PATH\" = [VALUE, VALUE]`");
            self.tell("missing-key", &span, message, "here", help);
        }
        if let Some(factor) = factors.get(FACTORS_MAX) {
            let message = format!("`{place}` has more than {FACTORS_MAX} factors");
            let help = "vary several parameters together as alternatives of one factor";
            self.tell("factor-form", &factor.span, message, "one too many", help);
        }
        self.varied.extend(factors.iter().map(|factor| Varied::new(place, factor)));
        factors
    }

    /// The levels of a factor that a grid or a zip goes through.
    fn listed_levels(&mut self, factor: &Factor) -> Option<Vec<Level>> {
        let steps = match &factor.kind {
            Kind::Listed(levels) => return Some(levels.clone()),
            Kind::Range(range) => match &range.steps {
                Some((steps, span)) => return self.spaced(factor, range, *steps, span),
                None => None,
            },
            Kind::Spread(..) => None,
        };
        if steps.is_none() {
            let message = format!("the factor {} is a range without steps", quote(&factor.name));
            let help = "add `steps = N`, or list its levels";
            self.tell("factor-form", &factor.span, message, "no steps", help);
        }
        steps
    }

    /// The levels of a range in steps, each of them once.
    fn spaced(
        &mut self,
        factor: &Factor,
        range: &Range,
        steps: u64,
        span: &Option<Span>,
    ) -> Option<Vec<Level>> {
        let Some(label) = range.twice(steps) else { return Some(range.spaced(steps)) };
        let most = (2..steps).rev().find(|fewer| range.twice(*fewer).is_none()).unwrap_or(2);
        let (name, label) = (quote(&factor.name), quote(&label));
        let message = format!("{steps} steps give {name} the level {label} twice");
        let help = format!("write `steps = {most}` or fewer: levels are rounded");
        self.tell("duplicate-item", span, message, "too many steps", help);
        None
    }

    /// All points of a design, before any is left out.
    fn choices(
        &mut self,
        design: Design,
        factors: &[Factor],
        points: Option<u64>,
        seed: u64,
        table: &Table,
        root: &Item,
    ) -> Option<Vec<Choice>> {
        if let Design::LatinHypercube | Design::Sobol = design {
            return self.sampled(design, factors, points, seed, table, root);
        }
        if let (Some(_), Some(entry)) = (points, table.get("points")) {
            let message = format!("a {} has as many points as its levels make", design.word());
            let help = "leave `points` out";
            self.tell("sweep-form", &entry.key, message, "not needed", help);
        }
        let levels: Vec<Option<Vec<Level>>> =
            factors.iter().map(|factor| self.listed_levels(factor)).collect();
        let levels: Vec<Vec<Level>> = levels.into_iter().collect::<Option<_>>()?;
        if design == Design::Grid {
            return self.gridded(&levels, root);
        }
        let count = levels.first().map_or(0, Vec::len);
        if let Some(odd) = levels.iter().position(|levels| levels.len() != count) {
            let message = format!(
                "the factors {} and {} have {count} and {} levels",
                quote(&factors[0].name),
                quote(&factors[odd].name),
                levels[odd].len()
            );
            let help = "give every factor of a zip as many levels, or use `design = \"grid\"`";
            self.tell("sweep-form", &factors[odd].span, message, "of other length", help);
            return None;
        }
        let at = |place: usize| levels.iter().map(|levels| levels[place].clone()).collect();
        Some((0..count).map(at).collect())
    }

    /// The points of a grid, if they are not too many.
    fn gridded(&mut self, levels: &[Vec<Level>], root: &Item) -> Option<Vec<Choice>> {
        let counts = levels.iter().map(|levels| levels.len() as u128);
        let count = counts.fold(1u128, u128::saturating_mul);
        if count <= POINTS_MAX as u128 {
            return Some(grid(levels));
        }
        let span = key(root, "sweep");
        let message = format!("the sweep has {count} points, more than {POINTS_MAX}");
        let help = "give fewer levels, or split the sweep into several files";
        self.tell("limit-points", &span, message, "too many", help);
        None
    }

    /// The points of a design that fills a space.
    fn sampled(
        &mut self,
        design: Design,
        factors: &[Factor],
        points: Option<u64>,
        seed: u64,
        table: &Table,
        root: &Item,
    ) -> Option<Vec<Choice>> {
        if points.is_none() && !table.contains_key("points") {
            let span = key(root, "sweep");
            let message = format!("`points` is missing from a {} sweep", design.word());
            let help = "add `points = N`: how many points the design has";
            self.tell("missing-key", &span, message, "here", help);
        }
        let (points, dims) = (points? as usize, factors.len());
        let shares = match design {
            Design::Sobol => crate::stats::design::sobol(points, dims, seed)?,
            Design::Grid | Design::Zip | Design::LatinHypercube => {
                let number = StreamNumber::of("sweep", "latin-hypercube");
                let mut stream = Streams::new(seed, 0).stream(number);
                crate::stats::design::latin_hypercube(points, dims, &mut stream)
            }
        };
        let choice = |shares: &Vec<f64>| -> Option<Choice> {
            factors.iter().zip(shares).map(|(factor, share)| factor.at(*share)).collect()
        };
        shares.iter().map(choice).collect()
    }

    /// A factor and one or more of its levels, as `exclude` and `baseline` name them.
    fn chosen(
        &mut self,
        item: &Item,
        place: &str,
        names: &[String],
        known: impl Fn(usize, &str) -> bool,
    ) -> Option<Vec<(usize, Vec<String>)>> {
        let Some(table) = item.table() else {
            self.wrong_type(item, place, "a table", "{ FACTOR = LEVEL }");
            return None;
        };
        let before = self.found.len();
        let mut chosen = Vec::new();
        let mut pairs = Vec::new();
        flatten(table, "", names, &mut pairs);
        for (name, entry) in pairs {
            let Some(factor) = names.iter().position(|known| *known == name) else {
                let message = format!("{} is no factor of the sweep", quote(&name));
                let help = match self.near(&name, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its factors are {}", listed(names.iter().map(String::as_str))),
                };
                self.tell("unknown-level", &entry.key, message, "no such factor", help);
                continue;
            };
            let items = match &entry.item.raw {
                Raw::List(items) => items.as_slice(),
                _ => std::slice::from_ref(&entry.item),
            };
            let mut labels = Vec::new();
            for item in items {
                let label = match item.text() {
                    Some(text) => text.to_owned(),
                    None => tree::text(item),
                };
                if !known(factor, &label) {
                    let message = format!("{} is no level of {}", quote(&label), quote(&name));
                    let help = "write one of the factor's levels as they stand there";
                    self.tell("unknown-level", &item.span, message, "no such level", help);
                }
                labels.push(label);
            }
            chosen.push((factor, labels));
        }
        (self.found.len() == before).then_some(chosen)
    }

    /// Leaves out the points that `exclude` names.
    fn exclude(
        &mut self,
        table: &Table,
        names: &[String],
        factors: &[Factor],
        choices: &mut Vec<Choice>,
    ) {
        let Some(entry) = table.get("exclude") else { return };
        let Raw::List(items) = &entry.item.raw else {
            self.wrong_type(&entry.item, "exclude", "a list of tables", "[{ FACTOR = LEVEL }]");
            return;
        };
        // A range has no levels to name: what it takes is known only from the points.
        let known = |factor: usize, label: &str| match &factors[factor].kind {
            Kind::Listed(levels) => levels.iter().any(|level| level.label == label),
            Kind::Range(_) | Kind::Spread(..) => true,
        };
        for item in items {
            let Some(rule) = self.chosen(item, "exclude", names, known) else { continue };
            let hit = |choice: &Choice| {
                let at = |(factor, labels): &(usize, Vec<String>)| {
                    labels.contains(&choice[*factor].label)
                };
                rule.iter().all(at)
            };
            choices.retain(|choice| rule.is_empty() || !hit(choice));
        }
    }

    /// Leaves out the points where the levels of factors that `rising` names do not rise.
    fn rising(&mut self, table: &Table, names: &[String], choices: &mut Vec<Choice>) {
        const HELP: &str = "write `rising = [[\"FACTOR\", \"FACTOR\"]]`, with factors whose levels \
                            are numbers or lengths of time";
        let Some(entry) = table.get("rising") else { return };
        let lists = match &entry.item.raw {
            Raw::List(items) => items.as_slice(),
            _ => &[],
        };
        if lists.is_empty() {
            let message = "`rising` names no factors";
            self.tell("sweep-form", &entry.item.span, message, "no lists", HELP);
        }
        for list in lists {
            let items = match &list.raw {
                Raw::List(items) => items.as_slice(),
                _ => &[],
            };
            let place =
                |item: &Item| names.iter().position(|name| Some(name.as_str()) == item.text());
            let numeric =
                |factor: &usize| choices.iter().all(|choice| choice[*factor].amount.is_some());
            let order: Option<Vec<usize>> =
                items.iter().map(|item| place(item).filter(numeric)).collect();
            let Some(order) = order.filter(|order| order.len() > 1) else {
                let message = "`rising` takes lists of two or more factors with numbers";
                self.tell("sweep-form", &list.span, message, "not such a list", HELP);
                continue;
            };
            let amounts = |choice: &Choice| -> Vec<f64> {
                order.iter().filter_map(|factor| Some(choice[*factor].amount?.0)).collect()
            };
            choices.retain(|choice| amounts(choice).is_sorted());
        }
    }

    /// The point that `baseline` names: `all` are those before any was left out.
    fn baseline(
        &mut self,
        table: &Table,
        names: &[String],
        all: &[Point],
        points: &[Point],
    ) -> Option<usize> {
        let entry = table.get("baseline")?;
        let known =
            |factor: usize, label: &str| all.iter().any(|point| point.labels[factor] == label);
        let chosen = self.chosen(&entry.item, "baseline", names, known)?;
        let fits = |point: &Point| {
            chosen.iter().all(|(factor, labels)| labels.contains(&point.labels[*factor]))
        };
        let fitting: Vec<usize> = (0..points.len()).filter(|at| fits(&points[*at])).collect();
        let (message, help) = match fitting.as_slice() {
            [only] => return Some(*only),
            [] if all.iter().any(fits) => {
                let rules = ["exclude", "rising"];
                let given: Vec<String> = rules
                    .iter()
                    .filter(|rule| table.contains_key(**rule))
                    .map(|r| quote(r))
                    .collect();
                let message =
                    format!("the point of `baseline` is left out by {}", given.join(" or "));
                (message, "name a point that is played, or do not leave this one out".to_owned())
            }
            [] => {
                let message = "no point of the sweep has the levels of `baseline`".to_owned();
                (message, "name the levels of one point".to_owned())
            }
            several => unclear(names, &chosen, points, several),
        };
        self.tell("sweep-form", &entry.item.span, message, "not one point", help);
        None
    }
}

/// Why a baseline fits several points, and what to write.
fn unclear(
    names: &[String],
    chosen: &[(usize, Vec<String>)],
    points: &[Point],
    fitting: &[usize],
) -> (String, String) {
    let message = format!("`baseline` fits {} points", fitting.len());
    let label = |at: &usize, factor: usize| points[*at].labels[factor].as_str();
    let differs =
        |factor: &usize| fitting.iter().any(|at| label(at, *factor) != label(&fitting[0], *factor));
    let open: Vec<usize> = (0..names.len()).filter(differs).collect();
    let lacks = |factor: &usize| chosen.iter().all(|(known, _)| known != factor);
    let missing: Vec<&str> =
        open.iter().filter(|factor| lacks(factor)).map(|factor| names[*factor].as_str()).collect();
    if !missing.is_empty() {
        let one = missing.len() == 1;
        let help = if one { "add one of its levels" } else { "add one level of each" };
        let message = format!("{message}: it has no level of {}", listed(missing));
        return (message, help.to_owned());
    }
    if open.is_empty() {
        let help = "these points are all the same: take out a level that is there twice";
        return (message, help.to_owned());
    }
    let several = listed(open.iter().map(|factor| names[*factor].as_str()));
    let message = format!("{message}: it has more than one level of {several}");
    (message, "keep one level of each factor".to_owned())
}

/// Where the name of a table at the top stands.
fn key(root: &Item, name: &str) -> Option<Span> {
    root.table()?.get(name)?.key.clone()
}

/// The pairs of a table whose keys name factors, also by dotted keys.
fn flatten<'t>(
    table: &'t Table,
    prefix: &str,
    names: &[String],
    pairs: &mut Vec<(String, &'t tree::Entry)>,
) {
    for (key, entry) in table {
        let name = super::reader::below(prefix, key);
        match entry.item.table() {
            Some(inner) if !names.contains(&name) && !inner.is_empty() => {
                flatten(inner, &name, names, pairs);
            }
            _ => pairs.push((name, entry)),
        }
    }
}

/// Every level with every level of the others; the last factor goes fastest.
fn grid(levels: &[Vec<Level>]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = vec![Vec::new()];
    for levels in levels {
        let longer = |choice: &Choice| {
            let choice = choice.clone();
            levels.iter().map(move |level| {
                let mut longer = choice.clone();
                longer.push(level.clone());
                longer
            })
        };
        choices = choices.iter().flat_map(longer).collect();
    }
    choices
}

fn point(choice: &Choice) -> Point {
    Point {
        labels: choice.iter().map(|level| level.label.clone()).collect(),
        amounts: choice.iter().map(|level| level.amount).collect(),
        values: choice.iter().flat_map(|level| level.values.iter().cloned()).collect(),
    }
}
