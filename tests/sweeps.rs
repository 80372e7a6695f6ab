//! From `[sweep]` to design points: every design, what is left out, and what points are called.

#![allow(clippy::unwrap_used, reason = "what is unexpected fails the test")]

use cmeksim::scenario::read::{Overrides, Template, factor, read};
use cmeksim::scenario::resolved::resolved;
use cmeksim::scenario::sweep::{Design, Sweep};
use cmeksim::scenario::{Scenario, sweep::Point};

const HEAD: &str = "schema = 1\n[scenario]\nname = \"s\"\nstart = 2026-01-01T00:00:00Z\n\
                    horizon = \"2d\"\nseed = 7\n[keys.k]\nlocation = \"us-east1\"\n";

fn none(_: &str) -> Result<Vec<u8>, String> {
    Err("no files".to_owned())
}

fn scenario(sweep: &str, sets: &[&str]) -> Scenario {
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    let overrides = Overrides { sets, ..Overrides::default() };
    let text = format!("{HEAD}{sweep}");
    match read("s.toml", text.as_bytes(), &overrides, &none) {
        Ok(scenario) => scenario,
        Err((found, _)) => panic!("{found:#?}"),
    }
}

fn sweep(text: &str) -> Sweep {
    scenario(text, &[]).sweep.unwrap()
}

/// The points, each as its levels with blanks between them.
fn labels(sweep: &Sweep) -> Vec<String> {
    sweep.points.iter().map(|point| point.labels.join(" ")).collect()
}

#[test]
fn a_grid_is_every_level_with_every_other() {
    let text = "[sweep]\nbaseline = { h = \"2h\", n = 1 }\n[sweep.factors]\n\
                h = { path = \"scenario.horizon\", levels = [\"1h\", \"2h\"] }\n\
                n = { path = \"scenario.seed\", from = 1, to = 5, steps = 3 }\n";
    let found = sweep(text);
    assert_eq!(found.design, Design::Grid);
    assert_eq!(found.factors, ["h", "n"]);
    assert_eq!(labels(&found), ["1h 1", "1h 3", "1h 5", "2h 1", "2h 3", "2h 5"]);
    assert_eq!(found.baseline, Some(3));
    assert_eq!(found.points[5].words(&found.factors), "h = 2h, n = 5");
}

#[test]
fn a_zip_takes_levels_together() {
    let text = "[sweep]\ndesign = \"zip\"\n[sweep.factors]\nscenario.horizon = [\"1h\", \"2h\"]\n\
                \"scenario.seed\" = [5, 6]\n";
    let found = sweep(text);
    assert_eq!(found.factors, ["scenario.horizon", "scenario.seed"]);
    assert_eq!(labels(&found), ["1h 5", "2h 6"]);
}

#[test]
fn steps_are_even_on_their_scale() {
    let text = |scale: &str| {
        format!(
            "[sweep.factors]\nh = {{ path = \"scenario.horizon\", from = \"1s\", to = \"100s\", \
             steps = 3, scale = \"{scale}\" }}\n"
        )
    };
    assert_eq!(labels(&sweep(&text("log"))), ["1s", "10s", "1m 40s"]);
    assert_eq!(labels(&sweep(&text("linear"))), ["1s", "50.5s", "1m 40s"]);
}

#[test]
fn constraints_leave_points_out() {
    let text = "[sweep]\nexclude = [{ a = 1, b = [2, 3] }]\nrising = [[\"a\", \"b\"]]\n\
                [sweep.factors]\na = { path = \"bigtable.one.tables\", levels = [1, 2, 3] }\n\
                b = { path = \"bigtable.two.tables\", levels = [1, 2, 3] }\n";
    assert_eq!(labels(&sweep(text)), ["1 1", "2 2", "2 3", "3 3"]);
}

#[test]
fn designs_fill_their_ranges() {
    for design in ["latin-hypercube", "sobol"] {
        let text = format!(
            "[sweep]\ndesign = \"{design}\"\npoints = 64\n[sweep.factors]\n\
             h = {{ path = \"scenario.horizon\", from = \"1m\", to = \"1h\" }}\n\
             l = {{ path = \"bigtable.one.tables\", levels = [1, 2] }}\n\
             n = {{ path = \"bigtable.two.tables\", from = 1, to = 4 }}\n"
        );
        let found = sweep(&text);
        assert_eq!(found.points.len(), 64);
        let column = |place: usize| {
            found.points.iter().map(move |point| point.labels[place].clone()).collect::<Vec<_>>()
        };
        let mut spans = column(0);
        spans.sort();
        spans.dedup();
        assert_eq!(spans.len(), 64, "every slice has its own");
        for level in ["1", "2"] {
            assert_eq!(column(1).iter().filter(|label| *label == level).count(), 32, "{design}");
        }
        for whole in ["1", "2", "3", "4"] {
            assert_eq!(column(2).iter().filter(|label| *label == whole).count(), 16, "{design}");
        }
        assert_eq!(labels(&found), labels(&sweep(&text)), "the seed decides");
    }
}

#[test]
fn levels_are_what_is_read() {
    let text = "[sweep.factors]\nkeys.alternatives.one = { \"keys.k.protection\" = \"hsm\", \
                \"scenario.horizon\" = \"5h\" }\nkeys.alternatives.two = {}\n";
    let text = format!("{HEAD}{text}");
    let template = Template::new("s.toml", text.as_bytes(), &Overrides::default()).ok().unwrap();
    let base = template.scenario(&[], &none).ok().unwrap();
    let points: Vec<Point> = base.sweep.unwrap().points;
    assert_eq!(points[0].labels, ["one"]);
    let one = template.scenario(&[&points[0]], &none).ok().unwrap();
    assert_eq!(one.horizon.to_string(), "5h");
    assert_eq!(one.root.at("keys").at("k").at("protection").text(), "hsm");
    let two = template.scenario(&[&points[1]], &none).ok().unwrap();
    assert_eq!(two.horizon.to_string(), "2d");
}

#[test]
fn resolved_scenarios_sweep_the_same() {
    let text = "[sweep]\ndesign = \"zip\"\nreplications = 9\n[sweep.factors]\n\
                h = { path = \"scenario.horizon\", levels = [\"1h\", \"2h\"] }\n\
                k.alternatives.a = { \"keys.k.protection\" = \"hsm\" }\n\
                k.alternatives.b = { \"keys.k.protection\" = \"software\" }\n\
                [uncertain]\ndraws = 3\n[uncertain.factors]\n\
                \"events.0.lasts\" = { distribution = { exponential = { mean = \"3h\" } } }\n";
    let first = scenario(text, &[]);
    let again = resolved(&first);
    let again = read("r.toml", again.as_bytes(), &Overrides::default(), &none).ok().unwrap();
    let (first, again) = ((first.sweep, first.uncertain), (again.sweep, again.uncertain));
    let ((a, x), (b, y)) =
        ((first.0.unwrap(), first.1.unwrap()), (again.0.unwrap(), again.1.unwrap()));
    assert_eq!((labels(&a), a.replications), (labels(&b), b.replications));
    let worlds = |draws: &[Point]| draws.iter().map(|d| d.labels.join(" ")).collect::<Vec<_>>();
    assert_eq!(worlds(&x.draws), worlds(&y.draws));
    assert_eq!(x.draws.len(), 3);
}

#[test]
fn factors_of_the_command_line_are_sets() {
    assert_eq!(factor("a.b=1,2"), "sweep.factors.a.b=[1, 2]");
    assert_eq!(factor("a.b = 5m, 1h"), "sweep.factors.a.b=[\"5m\", \"1h\"]");
    assert_eq!(factor("a=\"x,y\",[1,2]"), "sweep.factors.a=[\"x,y\", [1,2]]");
    assert_eq!(factor("a={b=1,c=2},true"), "sweep.factors.a=[{b=1,c=2}, true]");
    // Without levels the error is about a factor.
    assert_eq!(factor("nothing"), "sweep.factors.nothing");
    let set = factor("scenario.horizon=5m,1h");
    let found = scenario("", &[&set]).sweep.unwrap();
    assert_eq!(labels(&found), ["5m", "1h"]);
}

/// The examples of docs/experiments.md, on a scenario that has what they name.
#[test]
fn the_examples_of_the_page_are_read() {
    let page = include_str!("../docs/experiments.md");
    let mut blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let world = "[keys.east]\nlocation = \"us-east1\"\n[keys.west]\nlocation = \"us-west1\"\n\
                 [keys.shared]\nlocation = \"us-east1\"\n\
                 [bigtable.orders.clusters.east]\nzone = \"us-east1-b\"\nkey = \"east\"\n\
                 [bigtable.orders.clusters.west]\nzone = \"us-west1-b\"\nkey = \"west\"\n\
                 [[hazards]]\nname = \"kms\"\ndo = \"kms-outage\"\nlocation = \"everywhere\"\n\
                 every = { exponential = { mean = \"9d\" } }\n\
                 lasts = { exponential = { mean = \"45m\" } }\n\
                 [[responses]]\nwhen = { entity = \"keys.east\", state = \"disabled\" }\n\
                 after = \"1h\"\ndo = \"enable-key\"\nkey = \"east\"\n";
    // The tables of a sweep first: lists of tables come last in a file.
    let sweep = scenario(&format!("{}{world}", blocks.next().unwrap()), &[]).sweep.unwrap();
    // 3 numbers of tables, 2 lengths, 2 kinds of keys, less one pair for each number of tables.
    assert_eq!(sweep.factors, ["bigtable.orders.tables", "keys", "length"]);
    assert_eq!((sweep.points.len(), sweep.replications), (9, Some(200)));
    let uncertain = scenario(&format!("{}{world}", blocks.next().unwrap()), &[]).uncertain;
    assert_eq!(uncertain.unwrap().draws.len(), 50);
    assert!(blocks.next().is_none());
}

/// The messages about a scenario that is refused.
fn refused(sweep: &str, sets: &[&str]) -> Vec<String> {
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    let overrides = Overrides { sets, ..Overrides::default() };
    let text = format!("{HEAD}{sweep}");
    let (found, _) = read("s.toml", text.as_bytes(), &overrides, &none).err().unwrap();
    found.into_iter().map(|wrong| wrong.message).collect()
}

#[test]
fn no_two_factors_write_the_same() {
    let file = "[sweep.factors]\nh = { path = \"scenario.horizon\", levels = [\"1h\"] }\n";
    let found = refused(file, &[&factor("scenario.horizon=5m,1h")]);
    assert_eq!(found, ["the factors `h` and `scenario.horizon` both write `scenario.horizon`"]);
    let file = "[uncertain.factors]\n\"keys.k.protection\" = [\"hsm\"]\n";
    let found = refused(file, &[&factor("keys.k={ location = \"us-east1\" }")]);
    let message = "the factors `keys.k.protection` of `uncertain` and `keys.k` of `sweep` write \
                   `keys.k.protection` and `keys.k`, one within the other";
    assert_eq!(found, [message]);
    let found = refused("", &[&factor("objectives.0.at-most=1,2")]);
    let message = "`objectives.0.at-most` cannot be varied: objectives are the same at all points";
    assert_eq!(found, [message]);
    // Paths that only begin with the same letters are others.
    scenario("", &[&factor("scenario.horizon=1h"), &factor("scenario.horizons=1h")]);
    let levels = "[sweep.factors]\nh.alternatives.a = { \"keys.k\" = 1 }\n\
                  h.alternatives.b = { \"keys.k\" = 2, \"keys.k.protection\" = \"hsm\" }\n";
    assert_eq!(labels(&sweep(levels)), ["a", "b"]);
}

#[test]
fn a_baseline_that_is_not_one_point_is_told_why() {
    let told = |keys: &str| {
        let factors = "[sweep.factors]\na = { path = \"bigtable.one.tables\", levels = [1, 2] }\n\
                       b = { path = \"bigtable.two.tables\", levels = [1, 2] }\n\
                       c = { path = \"scenario.seed\", levels = [1, 2] }\n";
        refused(&format!("[sweep]\n{keys}\n{factors}"), &[])
    };
    let of = |message: &str| vec![message.to_owned()];
    let lacks = "`baseline` fits 4 points: it has no level of `a`, `c`";
    assert_eq!(told("baseline = { b = 1 }"), of(lacks));
    // What is left out leaves one level of `a`, so that this one need not be named.
    let lacks = "`baseline` fits 2 points: it has no level of `c`";
    assert_eq!(told("baseline = { b = 1 }\nexclude = [{ a = 2 }]"), of(lacks));
    let more = "`baseline` fits 2 points: it has more than one level of `b`";
    assert_eq!(told("baseline = { a = 1, b = [1, 2], c = 1 }"), of(more));
    let out = "the point of `baseline` is left out by `exclude`";
    assert_eq!(told("baseline = { a = 1, b = 1, c = 1 }\nexclude = [{ a = 1 }]"), of(out));
    let out = "the point of `baseline` is left out by `rising`";
    assert_eq!(told("baseline = { a = 2, b = 1, c = 1 }\nrising = [[\"a\", \"b\"]]"), of(out));
    let none = "no point of the sweep has the levels of `baseline`";
    assert_eq!(told("design = \"zip\"\nbaseline = { a = 1, b = 2, c = 1 }"), of(none));
    assert_eq!(told("baseline = { a = 3, b = 1, c = 1 }"), of("`3` is no level of `a`"));
}

#[test]
fn steps_are_levels_of_their_own() {
    let text = |range: &str| {
        format!("[sweep.factors]\nn = {{ path = \"bigtable.one.tables\", {range} }}\n")
    };
    let twice = refused(&text("from = 1, to = 4, steps = 7"), &[]);
    assert_eq!(twice, ["7 steps give `n` the level `2` twice"]);
    assert_eq!(labels(&sweep(&text("from = 1, to = 4, steps = 4"))), ["1", "2", "3", "4"]);
    let twice = refused(&text("from = 1, to = 100, steps = 20, scale = \"log\""), &[]);
    assert_eq!(twice, ["20 steps give `n` the level `1` twice"]);
    assert_eq!(labels(&sweep(&text("from = 1.0, to = 4, steps = 7"))).len(), 7);
    let design = "[sweep]\ndesign = \"sobol\"\npoints = 8\n";
    let found = sweep(&format!("{design}{}", text("from = 1, to = 4, steps = 7")));
    assert_eq!(found.points.len(), 8, "steps are for a grid");
}
