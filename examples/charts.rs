//! Draws one picture of each chart from made-up numbers: `cargo run --example charts -- FOLDER`.
//! What is drawn here is no result of any scenario.

use cmeksim::engine::{SimDuration, SimTime};
use cmeksim::report::chart::{
    Caption, ChartError, ConvergenceChart, Curve, Distribution, Estimate, ExceedanceChart, Factor,
    FactorChart, Flow, FlowChart, HeatMap, Levels, Mark, Multiples, Panels, Picture, Quantity,
    Reference, Scale, Span, Swing, Tornado, Unit,
};
use std::path::Path;

const MIN: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder for the pictures")?;
    for (name, picture) in all()? {
        let path = Path::new(&folder).join(name);
        std::fs::write(path.with_extension("svg"), picture.svg)?;
        std::fs::write(path.with_extension("png"), picture.png)?;
    }
    Ok(())
}

fn all() -> Result<Vec<(&'static str, Picture)>, ChartError> {
    Ok(vec![
        ("distribution", distribution().draw()?),
        ("distribution-zeros", distribution_of_zeros().draw()?),
        ("exceedance", exceedance().draw()?),
        ("convergence", convergence().draw()?),
        ("factor", factor().draw()?),
        ("factor-names", factor_of_names().draw()?),
        ("heat-map", heat_map().draw()?),
        ("multiples", multiples().draw()?),
        ("multiples-values", multiples_of_values().draw()?),
        ("tornado", tornado().draw()?),
        ("flow", flow().draw()?),
    ])
}

/// Numbers between 0 and 1 that look random and are the same everywhere.
fn uniform(n: u32, seed: u32) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (0..n).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state >> 8) + 0.5) / f64::from(1 << 24)
    })
}

/// Waiting times with a given mean.
fn waits(n: u32, seed: u32, mean: f64) -> Vec<(f64, u64)> {
    uniform(n, seed).map(|u| (-mean * libm::log(u), 1)).collect()
}

fn caption(title: &str, n: u64, method: &str) -> Caption {
    Caption { title: title.into(), subtitle: String::new(), n, method: method.into() }
}

fn reference(at: f64, label: &str) -> Reference {
    Reference { at, label: label.into() }
}

fn distribution() -> Distribution {
    Distribution {
        caption: caption(
            "Time to recovery after the key is enabled again",
            0,
            "95 % intervals: mean by Student's t, quantiles by order statistics",
        ),
        x: Quantity::new("time to recovery", Unit::Seconds),
        values: waits(2_000, 1, 20.0 * MIN).iter().map(|(v, n)| (v + 5.0 * MIN, *n)).collect(),
        mean: Some(Estimate::within(1_510.0, 1_455.0, 1_565.0)),
        quantiles: vec![
            (0.5, Estimate::within(1_130.0, 1_090.0, 1_175.0)),
            (0.95, Estimate::within(3_890.0, 3_700.0, 4_100.0)),
            (0.99, Estimate::within(5_800.0, 5_200.0, 6_700.0)),
        ],
        references: vec![
            reference(HOUR, "objective"),
            reference(2.0 * HOUR, "retention of alerts"),
        ],
    }
}

/// Yearly downtime: 97 of 100 years have none, the others have a long tail.
fn downtime(n: u32) -> Vec<(f64, u64)> {
    let shares = uniform(n, 7).zip(uniform(n, 11));
    shares.map(|(u, v)| if u < 0.97 { (0.0, 1) } else { (10.0 * MIN / v / v, 1) }).collect()
}

fn distribution_of_zeros() -> Distribution {
    Distribution {
        caption: caption(
            "Downtime of the instance per year",
            0,
            "95 % intervals: mean by the bootstrap, quantiles by order statistics",
        ),
        x: Quantity::new("downtime per year", Unit::Seconds),
        values: downtime(10_000),
        mean: Some(Estimate::within(2_000.0, 400.0, 9_000.0)),
        quantiles: vec![
            (0.5, Estimate::within(0.0, 0.0, 0.0)),
            (0.95, Estimate::within(0.0, 0.0, 0.0)),
            (0.99, Estimate::within(5_400.0, 4_000.0, 7_500.0)),
            (0.9999, Estimate::within(7e6, 1e6, f64::INFINITY)),
        ],
        references: vec![reference(4.38 * HOUR, "99.95 % of a year")],
    }
}

fn exceedance() -> ExceedanceChart {
    // A rough interval: the caller has better ones.
    let margin = |above: u64, n: u64| {
        let (k, n) = (above as f64, n as f64);
        let half = 1.96 * (k + 1.0).sqrt();
        (((k - half) / n).max(0.0), ((k + half + 2.0) / n).min(1.0))
    };
    let (any, points) = ExceedanceChart::points(&downtime(10_000), margin);
    ExceedanceChart {
        caption: caption("How much downtime a year may bring", 10_000, "95 % intervals per point"),
        x: Quantity::new("downtime per year", Unit::Seconds),
        any,
        points,
        period: "year".into(),
        references: vec![reference(4.38 * HOUR, "99.95 % of a year")],
    }
}

fn convergence() -> ConvergenceChart {
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut running = Vec::new();
    for (i, (value, _)) in (1_u64..).zip(waits(10_000, 3, 2.0 * HOUR)) {
        (sum, squares) = (sum + value, squares + value * value);
        let n = i as f64;
        let (mean, spread) = (sum / n, (squares / n - (sum / n) * (sum / n)).max(0.0).sqrt());
        let half = 1.96 * spread / n.sqrt();
        running.push((i, Estimate::within(mean, mean - half, mean + half)));
    }
    ConvergenceChart {
        caption: caption(
            "Mean downtime against replications",
            10_000,
            "95 % interval by Student's t",
        ),
        y: Quantity::new("mean downtime", Unit::Seconds),
        running,
        references: vec![reference(2.5 * HOUR, "objective")],
    }
}

fn factor() -> FactorChart {
    let curve = |label: &str, slope: f64| Curve {
        label: label.into(),
        points: [1.0, 2.0, 4.0, 8.0, 24.0, 72.0]
            .into_iter()
            .map(|hours: f64| {
                let share = 1.0 - slope * 1e-4 / hours;
                let half = slope * 1e-5 * 3.0 / hours.sqrt() / 2.0;
                (hours * HOUR, Estimate::within(share, share - half, share + half / 2.0))
            })
            .collect(),
    };
    FactorChart {
        caption: caption("Availability by grace period", 1_000, "95 % intervals by the bootstrap"),
        factor: Factor::Numbers(Quantity::new("grace period", Unit::Seconds)),
        y: Quantity::new("availability of the instance", Unit::Share).on(Scale::Nines),
        series: vec![curve("one key", 20.0), curve("key per cluster", 2.0), curve("no key", 0.2)],
        references: vec![reference(0.9999, "objective")],
    }
}

fn factor_of_names() -> FactorChart {
    let names = ["one-key", "key-per-cluster", "key-per-cluster-in-two-projects-with-a-long-name"];
    let row = |i: u32, factor: f64| {
        let mean = factor * HOUR * f64::from(4 - i);
        (f64::from(i), Estimate::within(mean, mean * 0.8, mean * 1.3))
    };
    let series = |label: &str, factor: f64| Curve {
        label: label.into(),
        points: (0..3).map(|i| row(i, factor)).collect(),
    };
    FactorChart {
        caption: caption("Downtime by key layout", 500, "95 % intervals by Student's t"),
        factor: Factor::Names("key layout".into(), names.map(String::from).into()),
        y: Quantity::new("downtime per year", Unit::Seconds),
        series: vec![series("instance", 1.0), series("cluster east", 1.4)],
        references: vec![reference(HOUR, "objective")],
    }
}

fn heat_map() -> HeatMap {
    let ekm = [0.99, 0.995, 0.999, 0.9995, 0.9999];
    let grace = [0.0, 5.0, 10.0, 30.0, 60.0, 120.0];
    let cell = |minutes: f64, ekm: f64| {
        let share = 1.0 - (1.0 - ekm) * libm::exp(-minutes / 40.0);
        Some(Estimate::within(share, share - (1.0 - share) * 0.1, share + (1.0 - share) * 0.1))
    };
    HeatMap {
        caption: caption("Availability by external key manager and grace", 1_000, "95 % intervals"),
        x: Levels {
            label: "availability of the external key manager".into(),
            names: ekm.map(|v| format!("{} %", v * 100.0)).into(),
        },
        y: Levels { label: "grace period".into(), names: grace.map(|v| format!("{v} min")).into() },
        value: Quantity::new("availability", Unit::Share).on(Scale::Nines),
        cells: grace
            .iter()
            .map(|minutes| ekm.iter().map(|ekm| cell(*minutes, *ekm)).collect())
            .collect(),
    }
}

fn multiples() -> Multiples {
    let point = |x: f64, slope: f64| {
        let y = slope * x / (1.0 + x / 12.0);
        (x * HOUR, Estimate::within(y * MIN, y * 0.8 * MIN, y * 1.25 * MIN))
    };
    let curve = |label: &str, slope: f64| Curve {
        label: label.into(),
        points: [1.0, 2.0, 4.0, 8.0, 16.0, 24.0].map(|x| point(x, slope)).into(),
    };
    let panel = |i: u32| {
        let curves = vec![curve("one key", f64::from(i)), curve("key per cluster", 2.0)];
        (format!("{i} clusters"), curves)
    };
    Multiples {
        caption: caption("Downtime by length of the outage", 400, "95 % intervals by Student's t"),
        x: Quantity::new("length of the outage", Unit::Seconds),
        y: Quantity::new("downtime", Unit::Seconds),
        panels: Panels::Lines((1..=7).map(panel).collect()),
        references: vec![reference(HOUR, "objective")],
    }
}

fn multiples_of_values() -> Multiples {
    let panel = |i: u32| {
        let mut values = waits(600, i, f64::from(i) * 10.0 * MIN);
        values.push((0.0, 400));
        (format!("{i} clusters"), values)
    };
    Multiples {
        caption: caption("Downtime by number of clusters", 1_000, ""),
        x: Quantity::new("downtime", Unit::Seconds),
        y: Quantity::default(),
        panels: Panels::Values((1..=6).map(panel).collect()),
        references: vec![reference(HOUR, "objective")],
    }
}

fn tornado() -> Tornado {
    let at = |text: &str, hours: f64| {
        let value = hours * HOUR;
        (text.to_string(), Estimate::within(value, value * 0.93, value * 1.07))
    };
    let swing = |label: &str, low, high| Swing { label: label.into(), low, high };
    Tornado {
        caption: caption("Which assumed constant matters for downtime?", 200, "95 % intervals"),
        x: Quantity::new("downtime per year", Unit::Seconds),
        baseline: Estimate::within(5.0 * HOUR, 4.7 * HOUR, 5.3 * HOUR),
        settings: Default::default(),
        swings: vec![
            swing("validation period", at("1 min", 4.4), at("15 min", 6.1)),
            swing("time to notice", at("5 min", 3.0), at("4 h", 9.5)),
            swing("propagation tail", at("5 min", 5.0), at("3 h", 5.05)),
            swing("cascade pace", at("1 per s", 5.6), at("20 per s", 5.9)),
            swing("mean time between outages of the manager", at("100 d", 8.0), at("2 y", 2.1)),
        ],
        references: vec![reference(8.76 * HOUR, "99.9 % of a year")],
    }
}

fn flow() -> FlowChart {
    let at = |hours: f64| SimTime::from_ns((hours * 3.6e12) as u64).unwrap_or(SimTime::MAX);
    let day = 24.0;
    let line = |points: &[(f64, f64)]| points.iter().map(|(h, v)| (at(*h), *v)).collect();
    let main = Flow {
        label: "orders-to-bigtable".into(),
        backlog: line(&[
            (0.0, 0.0),
            (20.0, 0.0),
            (6.0 * day, 124.0 * 3.6e6),
            (7.833 * day, 168.0 * 3.6e6),
            (8.0 * day, 168.0 * 3.6e6),
            (9.5 * day, 0.0),
            (12.0 * day, 0.0),
        ]),
        age: line(&[
            (0.0, 2.0),
            (20.0, 2.0),
            (7.833 * day, 7.0 * DAY),
            (8.0 * day, 7.0 * DAY),
            (9.5 * day, 2.0),
            (12.0 * day, 2.0),
        ]),
    };
    // A sawtooth of very many points.
    let saw = |i: u32| (at(f64::from(i) / 400.0), 1e7 + 2e7 * f64::from(i % 40) / 40.0);
    let second = Flow {
        label: "audit".into(),
        backlog: (0..115_000).map(saw).collect(),
        age: line(&[(0.0, 60.0), (12.0 * day, 120.0)]),
    };
    let span =
        |from: f64, to: f64, label: &str| Span { from: at(from), to: at(to), label: label.into() };
    let mark =
        |hours: f64, label: &str| Mark { at: at(hours), label: label.into(), hover: String::new() };
    FlowChart {
        caption: Caption {
            title: "Outage longer than the retention".into(),
            subtitle: "One replication, seed 1".into(),
            ..Caption::default()
        },
        start_unix_s: 1_772_409_600,
        horizon: SimDuration::from_secs(12 * 86_400),
        flows: vec![main, second],
        retentions: vec![reference(7.0 * DAY, "retention")],
        outages: vec![span(20.0, 8.0 * day, "sink key disabled"), span(30.0, 34.0, "zone outage")],
        marks: vec![mark(20.0, "key disabled"), mark(8.0 * day, "key enabled")],
    }
}
