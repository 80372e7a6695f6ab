//! Laws of charts of estimates: any input gives a picture in which no text touches another and
//! nothing is outside.

use super::super::canvas::Scene;
use super::plots::{caption, check};
use super::*;
use proptest::prelude::*;

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..1.0_f64,
        4 => 0.0..1e6_f64,
        2 => Just(0.0),
        2 => Just(1.0),
        1 => -1e3..1e3_f64,
        1 => prop::num::f64::NORMAL,
    ]
}

fn estimates() -> impl Strategy<Value = Estimate> {
    (numbers(), numbers(), numbers(), 0..4_u8).prop_map(|(a, b, c, kind)| match kind {
        0 => Estimate::bare(a),
        1 => Estimate::within(a, f64::NEG_INFINITY, b),
        _ => Estimate::within(a, b.min(c), b.max(c)),
    })
}

fn quantities() -> impl Strategy<Value = Quantity> {
    let units = [Unit::Number, Unit::Count, Unit::Share, Unit::Points, Unit::Seconds, Unit::Usd];
    let scales = [Scale::Auto, Scale::Linear, Scale::Log, Scale::Nines];
    ("[ -~]{0,60}", prop::sample::select(units.to_vec()), prop::sample::select(scales.to_vec()))
        .prop_map(|(label, unit, scale)| Quantity { label, unit, scale })
}

fn references() -> impl Strategy<Value = Vec<Reference>> {
    let one = (numbers(), "[ -~äß…]{0,60}").prop_map(|(at, label)| Reference { at, label });
    prop::collection::vec(one, 0..7)
}

fn curves(places: usize) -> impl Strategy<Value = Vec<Curve>> {
    let point = (0..places, numbers(), any::<bool>(), estimates());
    let point = point.prop_map(|(i, x, whole, e)| (if whole { i as f64 } else { x }, e));
    let curve = ("[ -~]{0,40}", prop::collection::vec(point, 0..30))
        .prop_map(|(label, points)| Curve { label, points });
    prop::collection::vec(curve, 0..6)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ -~]{0,40}", 0..9)
}

fn weighted() -> impl Strategy<Value = Vec<(f64, u64)>> {
    prop::collection::vec((numbers(), 0..20_u64), 0..80)
}

fn fine(scene: &(Scene, f64)) -> Result<(), TestCaseError> {
    check(scene).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_distribution_is_tidy(
        values in weighted(),
        x in quantities(),
        mean in prop::option::of(estimates()),
        quantiles in prop::collection::vec((0.0..=1.0_f64, estimates()), 0..10),
        references in references(),
    ) {
        let chart = Distribution { caption: caption(), x, values, mean, quantiles, references };
        fine(&chart.scene())?;
    }

    #[test]
    fn any_exceedance_curve_is_tidy(
        values in weighted(), x in quantities(), references in references(),
    ) {
        let margin = |above: u64, n: u64| (0.0, (above + 3) as f64 / n as f64);
        let (any, points) = ExceedanceChart::points(&values, margin);
        let (caption, period) = (caption(), "year".to_string());
        fine(&ExceedanceChart { caption, x, any, points, period, references }.scene())?;
    }

    #[test]
    fn any_convergence_is_tidy(
        running in prop::collection::vec((0..1_000_000_u64, estimates()), 0..40),
        y in quantities(),
        references in references(),
    ) {
        fine(&ConvergenceChart { caption: caption(), y, running, references }.scene())?;
    }

    #[test]
    fn any_factor_is_tidy(
        series in curves(8), x in quantities(), y in quantities(), names in names(),
        references in references(), named in any::<bool>(),
    ) {
        let factor = if named { Factor::Names(x.label, names) } else { Factor::Numbers(x) };
        fine(&FactorChart { caption: caption(), factor, y, series, references }.scene())?;
    }

    #[test]
    fn any_heat_map_is_tidy(
        x in names(), y in names(), value in quantities(),
        cells in prop::collection::vec(
            prop::collection::vec(prop::option::of(estimates()), 0..9), 0..9),
    ) {
        let levels = |names: Vec<String>| Levels { label: "a factor".into(), names };
        let (x, y) = (levels(x), levels(y));
        fine(&HeatMap { caption: caption(), x, y, value, cells }.scene())?;
    }

    #[test]
    fn any_multiples_are_tidy(
        lines in prop::collection::vec(("[ -~]{0,40}", curves(8)), 0..9),
        values in prop::collection::vec(("[ -~]{0,40}", weighted()), 0..9),
        x in quantities(), y in quantities(), references in references(), kind in 0..4_u8,
        names in names(),
        dots in prop::collection::vec((quantities(), prop::collection::vec((numbers(), estimates()), 0..150)), 0..9),
    ) {
        let panels = match kind {
            0 => Panels::Lines(lines),
            1 => Panels::Rows(names, lines),
            2 => Panels::Dots(dots),
            _ => Panels::Values(values),
        };
        fine(&Multiples { caption: caption(), x, y, panels, references }.scene())?;
    }

    #[test]
    fn any_tornado_is_tidy(
        x in quantities(), baseline in estimates(), references in references(),
        settings in ["[ -~]{0,60}", "[ -~]{0,60}"],
        swings in prop::collection::vec(
            ("[ -~]{0,60}", "[ -~]{0,30}", estimates(), "[ -~]{0,30}", estimates()), 0..12),
    ) {
        let swings = swings.into_iter().map(|(label, a, low, b, high)| Swing {
            label, low: (a, low), high: (b, high),
        });
        let (caption, swings) = (caption(), swings.collect());
        fine(&Tornado { caption, x, baseline, settings, swings, references }.scene())?;
    }

    #[test]
    fn any_flow_is_tidy(
        lines in prop::collection::vec(
            ("[ -~]{0,40}", prop::collection::vec((0..2_000_u64, numbers()), 0..40)), 0..12),
        retentions in references(),
        spans in prop::collection::vec((0..1_500_u64, 0..1_500_u64, "[ -~]{0,40}"), 0..9),
        marks in prop::collection::vec((0..1_500_u64, "[ -~]{0,40}"), 0..6),
    ) {
        let at = |minute: u64| at(minute * 60_000_000_000);
        let flow = |(label, points): (String, Vec<(u64, f64)>)| {
            let points: Vec<(SimTime, f64)> =
                points.iter().map(|(minute, v)| (at(*minute), *v)).collect();
            Flow { label, backlog: points.clone(), age: points }
        };
        let chart = FlowChart {
            caption: caption(),
            start_unix_s: START,
            horizon: SimDuration::from_secs(86_400),
            flows: lines.into_iter().map(flow).collect(),
            retentions,
            outages: spans
                .into_iter()
                .map(|(from, to, label)| Span { from: at(from), to: at(to), label })
                .collect(),
            marks: marks
                .into_iter()
                .map(|(minute, label)| Mark { at: at(minute), label, hover: String::new() })
                .collect(),
        };
        fine(&chart.scene())?;
    }
}
