//! Charts of estimates: no text touches another, nothing leaves the picture, whatever the input.

use super::super::canvas::{Anchor, Scene, Shape, WIDTH};
use super::super::ruler::{Fit, Ruler};
use super::super::tally::{Bars, Tally};
use super::super::{font, gradient};
use super::*;

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

/// Left, top, right and bottom of the ink of each text.
fn boxes(scene: &Scene) -> Vec<(f64, f64, f64, f64, &str)> {
    let texts = scene.items.iter().filter_map(|item| match &item.shape {
        Shape::Text { at, text, size, bold, anchor } => {
            let width = font::width(text, *size, *bold);
            let left = match anchor {
                Anchor::Left => at.0,
                Anchor::Middle => at.0 - width / 2.0,
                Anchor::Right => at.0 - width,
            };
            let (top, bottom) = (at.1 - 0.73 * size, at.1 + 0.2 * size);
            Some((left, top, left + width, bottom, text.as_str()))
        }
        _ => None,
    });
    texts.collect()
}

/// Everything is inside, and no text touches another.
pub(super) fn check((scene, height): &(Scene, f64)) -> Result<(), String> {
    let texts = boxes(scene);
    for (i, a) in texts.iter().enumerate() {
        if a.0 < 0.0 || a.1 < 0.0 || a.2 > WIDTH || a.3 > *height {
            return Err(format!("outside the {height} high picture: {a:?}"));
        }
        for b in texts.iter().skip(i + 1) {
            let slack = 0.01;
            let across = a.0 < b.2 - slack && b.0 < a.2 - slack;
            if across && a.1 < b.3 - slack && b.1 < a.3 - slack {
                return Err(format!("{a:?} touches {b:?}"));
            }
        }
    }
    let point = |x: f64, y: f64| {
        let inside = (-2.0..=WIDTH + 2.0).contains(&x) && (-2.0..=height + 2.0).contains(&y);
        if inside { Ok(()) } else { Err(format!("a shape at {x} {y} of {height}")) }
    };
    for item in &scene.items {
        match &item.shape {
            Shape::Rect(a, b) => point(a.0, a.1).and_then(|()| point(b.0, b.1))?,
            Shape::Bands(parts) | Shape::Strokes(parts, _) => {
                parts.iter().flatten().try_for_each(|p| point(p.0, p.1))?;
            }
            Shape::Area(strip) => {
                strip.iter().try_for_each(|p| point(p.0, p.1).and_then(|()| point(p.0, p.2)))?;
            }
            Shape::Text { .. } => {}
        }
    }
    Ok(())
}

fn tidy(scene: (Scene, f64)) -> Vec<String> {
    check(&scene).unwrap();
    boxes(&scene.0).into_iter().map(|text| text.4.replace('\u{2009}', " ")).collect()
}

fn says(texts: &[String], part: &str) -> bool {
    texts.iter().any(|text| text.contains(part))
}

pub(super) fn caption() -> Caption {
    Caption {
        title: "Downtime of an instance with a name that is neither short nor simple".into(),
        subtitle: "what the reader should know".into(),
        n: 12_345,
        method: "95 % intervals by Student's t".into(),
    }
}

fn seconds(label: &str) -> Quantity {
    Quantity::new(label, Unit::Seconds)
}

fn distribution(values: &[(f64, u64)]) -> Distribution {
    let tally = Tally::new(values);
    let estimate = |share: f64| {
        let value = tally.quantile(share);
        (share, Estimate::within(value, value * 0.9, value * 1.1))
    };
    Distribution {
        caption: caption(),
        x: seconds("downtime per year"),
        values: values.into(),
        mean: Some(Estimate::within(tally.quantile(0.6), tally.quantile(0.5), tally.quantile(0.7))),
        quantiles: [0.05, 0.5, 0.95, 0.99].map(estimate).into(),
        references: vec![Reference { at: tally.quantile(0.61), label: "an objective".into() }],
    }
}

#[test]
fn one_value_is_drawn_and_told() {
    let texts = tidy(distribution(&[(300.0, 1)]).scene());
    assert!(says(&texts, "every value is 5 min") && says(&texts, "100 %"), "{texts:?}");
    let texts = tidy(distribution(&[(0.0, 5_000)]).scene());
    assert!(says(&texts, "every value is 0"));
}

#[test]
fn two_values_get_a_bar_each() {
    let texts = tidy(distribution(&[(60.0, 75), (3_600.0, 25)]).scene());
    assert!(texts.iter().any(|t| t == "75 %") && texts.iter().any(|t| t == "25 %"), "{texts:?}");
}

#[test]
fn many_zeros_stand_apart() {
    let mut values: Vec<(f64, u64)> = (1..=30).map(|i| (f64::from(i) * 60.0, 1)).collect();
    values.push((0.0, 970));
    let texts = tidy(distribution(&values).scene());
    assert!(texts.iter().any(|t| t == "97 %") && texts.iter().any(|t| t == "exactly 0"));
    assert!(says(&texts, "exactly 0 in 97 % (970 of 1000)"));
    // The other bars have an axis of their own, which ends far below.
    assert!(says(&texts, "0.2 %") && !texts.iter().any(|t| t == "50 %"), "{texts:?}");
}

#[test]
fn long_tails_get_a_log_axis() {
    let values: Vec<(f64, u64)> = (0..400).map(|i| (libm::exp(f64::from(i) / 30.0), 1)).collect();
    assert!(says(&tidy(distribution(&values).scene()), "(log scale)"));
    let even: Vec<(f64, u64)> = (0..400).map(|i| (f64::from(i), 1)).collect();
    assert!(!says(&tidy(distribution(&even).scene()), "(log scale)"));
}

#[test]
fn no_data_is_told_in_words() {
    let empty = [
        Distribution::default().scene(),
        ExceedanceChart::default().scene(),
        ConvergenceChart::default().scene(),
        FactorChart::default().scene(),
        HeatMap::default().scene(),
        Multiples::default().scene(),
        Multiples { panels: Panels::Values(vec![]), ..Multiples::default() }.scene(),
        Tornado::default().scene(),
        FlowChart::default().scene(),
    ];
    for scene in empty {
        assert!(says(&tidy(scene), "Nothing to show"));
    }
}

#[test]
fn bars_hold_every_value_once() {
    let values: Vec<(f64, u64)> = (0..1_000).map(|i| (f64::from(i * i), 2)).collect();
    let tally = Tally::new(&values);
    for scale in [Scale::Linear, Scale::Log] {
        let at = tally.points.iter().map(|p| p.0).filter(|v| scale != Scale::Log || *v > 0.0);
        let fit = Fit { steps: 8.0, round: false, zero: false };
        let ruler = Ruler::new(&seconds("").on(scale), at.collect::<Vec<_>>().into_iter(), fit);
        let Bars::Binned(bins) = tally.bars(Unit::Seconds, &ruler) else { panic!("bins") };
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 2_000);
        assert!(bins.windows(2).all(|pair| near(pair[0].high, pair[1].low)));
    }
}

#[test]
fn exceedance_counts_what_lies_above() {
    let margin = |above: u64, n: u64| (above as f64 / n as f64 / 2.0, 0.9);
    let values = [(0.0, 6), (10.0, 2), (60.0, 1), (f64::NAN, 3), (3_600.0, 1)];
    let (any, points) = ExceedanceChart::points(&values, margin);
    assert_eq!(any, Estimate::within(0.4, 0.2, 0.9));
    let told: Vec<(f64, f64)> = points.iter().map(|p| (p.at, p.share.value)).collect();
    assert_eq!(told, [(10.0, 0.2), (60.0, 0.1), (3_600.0, 0.0)]);
    let many: Vec<(f64, u64)> = (0..1_000_000).map(|i| (f64::from(i), 1)).collect();
    let (_, points) = ExceedanceChart::points(&many, margin);
    assert!((500..700).contains(&points.len()), "{}", points.len());
}

#[test]
fn years_without_any_have_a_bound_in_words() {
    let (any, points) = ExceedanceChart::points(&[(0.0, 1_000)], |_, _| (0.0, 0.0037));
    let chart = ExceedanceChart { any, points, ..ExceedanceChart::default() };
    let texts = tidy(chart.scene());
    assert!(says(&texts, "none in any replication; P(X > 0) is at most 0.37 %"), "{texts:?}");
}

#[test]
fn the_axis_of_nines_ends_in_one_hundred_per_cent() {
    let quantity = Quantity::new("", Unit::Share).on(Scale::Nines);
    let fit = Fit { steps: 5.0, round: true, zero: false };
    let ruler = Ruler::new(&quantity, [0.93, 0.9995, 1.0].into_iter(), fit);
    let ticks = ruler.ticks(150.0, false);
    let labels: Vec<String> = ticks.iter().map(|t| t.label.replace('\u{2009}', " ")).collect();
    assert_eq!(labels, ["90 %", "99 %", "99.9 %", "99.99 %", "100 %"]);
    let steps: Vec<f64> = ticks.windows(2).map(|p| p[1].share - p[0].share).collect();
    assert!(near(steps[0], steps[1]) && near(steps[1], steps[2]), "{steps:?}");
    for share in [0.91, 0.99, 0.9999] {
        assert!(near(ruler.value(ruler.share(share)), share));
    }
    assert!(near(ruler.share(1.0), 1.0) && ruler.share(0.9999) < 0.91);
}

#[test]
fn values_read_well() {
    let told = |unit: Unit, value: f64| unit.told(value).replace('\u{2009}', " ");
    assert_eq!(told(Unit::Seconds, 300.0), "5 min");
    assert_eq!(told(Unit::Seconds, 7_200.0), "2 h");
    assert_eq!(told(Unit::Seconds, 259_200.0), "3 d");
    assert_eq!(told(Unit::Seconds, 0.25), "250 ms");
    assert_eq!(told(Unit::Seconds, 52_000_000.0), "602 d");
    assert_eq!(told(Unit::Seconds, 0.0), "0");
    assert_eq!(told(Unit::Share, 0.9995), "99.95 %");
    assert_eq!(told(Unit::Share, 0.999_999_123), "99.9999123 %");
    assert_eq!(told(Unit::Share, 1.0), "100 %");
    assert_eq!(told(Unit::Share, 0.000_37), "0.037 %");
    assert_eq!(told(Unit::Points, 0.000_37), "0.037 pp");
    assert_eq!(told(Unit::Points, -0.999_123), "\u{2212}99.9 pp");
    assert_eq!(told(Unit::Count, 12_345.0), "12 345");
    assert_eq!(told(Unit::Count, 250_000.0), "250 k");
    assert_eq!(told(Unit::Count, 3_210_000.0), "3.21 M");
    assert_eq!(told(Unit::Usd, -1_234.5), "\u{2212}$1234");
    let estimate = Estimate::within(5_400.0, 5_000.0, 5_800.0);
    assert_eq!(estimate.words(Unit::Seconds).replace('\u{2009}', " "), "1.5 h (1.39 h to 1.61 h)");
    let open = Estimate::within(60.0, 30.0, f64::INFINITY);
    assert_eq!(open.words(Unit::Seconds).replace('\u{2009}', " "), "1 min (at least 30 s)");
}

#[test]
fn ticks_lie_inside_and_apart() {
    let ends = [-1e15, -3.0, 0.0, 1e-9, 0.1, 0.9, 0.99, 1.0, 7.0, 59.0, 3_600.0, 1e6, 1e15];
    let units = [Unit::Number, Unit::Count, Unit::Share, Unit::Points, Unit::Seconds, Unit::Usd];
    for scale in [Scale::Linear, Scale::Log, Scale::Nines] {
        for unit in units {
            for (low, high) in ends.iter().flat_map(|a| ends.iter().map(move |b| (*a, *b))) {
                for (round, length) in [(false, 900.0), (true, 120.0)] {
                    let fit = Fit { steps: 4.0, round, zero: round };
                    let quantity = Quantity::new("", unit).on(scale);
                    let ruler = Ruler::new(&quantity, [low, high].into_iter(), fit);
                    let ticks = ruler.ticks(length, !round);
                    let context = format!("{scale:?} {unit:?} {low} {high} {ticks:?}");
                    assert!(ticks.len() > 1, "{context}");
                    assert!(ticks.windows(2).all(|p| p[0].share < p[1].share), "{context}");
                    assert!(ticks.windows(2).all(|p| p[0].label != p[1].label), "{context}");
                    assert!(ruler.share(low).is_finite() && ruler.share(high).is_finite());
                }
            }
        }
    }
}

#[test]
fn colours_grow_lighter_evenly() {
    let lightness = |i: u32| {
        let y = gradient::luminance(gradient::color(f64::from(i) / 20.0));
        if y > 0.008_856 { 116.0 * libm::cbrt(y) - 16.0 } else { 903.3 * y }
    };
    for i in 0..20 {
        let step = lightness(i + 1) - lightness(i);
        assert!((2.0..6.0).contains(&step), "{i}: {step}");
    }
}

#[test]
fn a_peak_among_very_many_points_is_drawn() {
    let at = |i: u32| SimTime::from_ns(u64::from(i) * 1_000_000_000).unwrap();
    let value = |i: u32| if i == 123_457 { 9_000.0 } else { f64::from(i % 7) };
    let flow = Flow {
        label: "orders".into(),
        backlog: (0..300_000).map(|i| (at(i), value(i))).collect(),
        age: vec![(at(0), 0.0), (at(299_999), 50.0)],
    };
    let chart = FlowChart {
        horizon: SimDuration::from_secs(300_000),
        flows: vec![flow],
        retentions: vec![Reference { at: 604_800.0, label: "retention".into() }],
        outages: vec![Span { from: at(9), to: at(99_999), label: "key disabled".into() }],
        ..FlowChart::default()
    };
    let scene = chart.scene();
    let lines = scene.0.items.iter().filter_map(|item| match &item.shape {
        Shape::Strokes(lines, width) if *width == 3.0 => Some(lines),
        _ => None,
    });
    let line: Vec<&(f64, f64)> = lines.take(1).flatten().flatten().collect();
    assert!(line.len() < 5_000, "{}", line.len());
    let top = line.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let bottom = line.iter().map(|p| p.1).fold(0.0, f64::max);
    // 9 of the 10 thousand that the axis shows on 190 pixels.
    assert!((bottom - top - 190.0 * 0.9).abs() < 1.0, "{top} {bottom}");
    assert!(says(&tidy(scene), "retention: 7 d is far above all ages and not drawn"));
}

#[test]
fn large_inputs_stay_legible() {
    let name = |i: usize| format!("an-alternative-with-a-long-and-tedious-name-number-{i}");
    let curve = |i: usize, points: usize| Curve {
        label: name(i),
        points: (0..points)
            .map(|x| (x as f64, Estimate::within((x + i) as f64, x as f64, (x + 2 * i) as f64)))
            .collect(),
    };
    let curves: Vec<Curve> = (0..30).map(|i| curve(i, 100)).collect();
    let references: Vec<Reference> =
        (0..12).map(|i| Reference { at: f64::from(i) * 3.0, label: name(3) }).collect();
    let mut chart = FactorChart {
        caption: caption(),
        factor: Factor::Numbers(Quantity::new("clusters", Unit::Count)),
        y: seconds("downtime"),
        series: curves.clone(),
        references: references.get(..4).unwrap().into(),
    };
    tidy(chart.scene());
    chart.factor = Factor::Names("layout".into(), (0..100).map(name).collect());
    chart.references = references.clone();
    assert!(says(&tidy(chart.scene()), "+18 more series; +40 more rows"));
    let names: Vec<String> = (0..100).map(name).collect();
    let cells = |i: usize| (0..100).map(|j| Some(Estimate::bare((i * j) as f64))).collect();
    for levels in [3, 12, 40, 100] {
        let levels = |label: &str| Levels {
            label: label.into(),
            names: names.iter().take(levels).cloned().collect(),
        };
        let (x, y) = (levels("the first factor"), levels("the second factor"));
        let cells = (0..100).map(cells).collect();
        tidy(HeatMap { caption: caption(), x, y, value: seconds("downtime"), cells }.scene());
    }
    let panels = (0..50).map(|i| (name(i), curves.iter().take(i).cloned().collect())).collect();
    let many = Multiples {
        caption: caption(),
        x: Quantity::new("clusters", Unit::Count),
        y: seconds("downtime"),
        panels: Panels::Lines(panels),
        references: references.clone(),
    };
    assert!(says(&tidy(many.scene()), "+10 more plots"));
    let swing = |i: usize| Swing {
        label: name(i),
        low: (name(1), Estimate::within(i as f64, 0.0, 90.0)),
        high: (name(2), Estimate::bare((i * i) as f64)),
    };
    let tornado = Tornado {
        caption: caption(),
        x: seconds("downtime"),
        baseline: Estimate::within(50.0, 40.0, 60.0),
        settings: ["down".into(), "up".into()],
        swings: (0..60).map(swing).collect(),
        references,
    };
    assert!(says(&tidy(tornado.scene()), "+20 more factors"));
}

#[test]
fn tornado_rows_are_sorted_by_how_far_they_move() {
    let swing = |label: &str, low: f64, high: f64| Swing {
        label: label.into(),
        low: ("low".into(), Estimate::bare(low)),
        high: ("high".into(), Estimate::bare(high)),
    };
    let chart = Tornado {
        x: seconds("downtime"),
        baseline: Estimate::bare(10.0),
        swings: vec![
            swing("little", 9.0, 11.0),
            swing("same side", 40.0, 30.0),
            swing("much", 2.0, 20.0),
        ],
        ..Tornado::default()
    };
    let scene = chart.scene();
    let texts = boxes(&scene.0);
    let y = |name: &str| texts.iter().find(|text| text.4 == name).unwrap().1;
    assert!(y("same side") < y("much") && y("much") < y("little"));
    assert!(says(&tidy(scene), "18 s"));
}

#[test]
fn every_chart_becomes_a_sound_picture() {
    let curve = Curve {
        label: "<one> & \"all\"".into(),
        points: (1..6_u8)
            .map(f64::from)
            .map(|x| (x, Estimate::within(x * 60.0, x, x * 99.0)))
            .collect(),
    };
    let (x, y) = (Quantity::new("clusters", Unit::Count), seconds("downtime <s>"));
    let (any, points) = ExceedanceChart::points(&[(0.0, 9), (60.0, 1)], |_, _| (0.0, 0.4));
    let (caption, levels) =
        (caption(), |n: usize| Levels { label: "<levels>".into(), names: vec!["<&>".into(); n] });
    let factor = FactorChart {
        caption: caption.clone(),
        factor: Factor::Numbers(x.clone()),
        y: y.clone(),
        series: vec![curve.clone()],
        references: vec![Reference { at: 3.0, label: "<goal>".into() }],
    };
    let names = Factor::Names("<names>".into(), vec!["<a>".into(), "&".into()]);
    let lines = Panels::Lines(vec![("<p>".into(), vec![curve])]);
    let multiples = Multiples { panels: lines, x: x.clone(), y: y.clone(), ..Multiples::default() };
    let values = Panels::Values(vec![("<p>".into(), vec![(1.0, 2), (2.0, 5)])]);
    let cells = vec![vec![Some(Estimate::bare(3.0)), None]];
    let setting = ("<low>".to_string(), Estimate::within(5.0, 4.0, 6.0));
    let swing = Swing { label: "<f>".into(), low: setting.clone(), high: setting };
    let running = vec![(2, Estimate::within(3.0, 1.0, 5.0)), (9, Estimate::within(4.0, 3.0, 5.0))];
    let line = vec![(at(0), 1.0), (at(HOUR), 90.0)];
    let flow = FlowChart {
        horizon: SimDuration::from_secs(7_200),
        flows: vec![Flow { label: "<f>".into(), backlog: line.clone(), age: line }],
        outages: vec![Span { from: at(5), to: at(HOUR), label: "<o>".into() }],
        ..FlowChart::default()
    };
    let pictures = [
        ExceedanceChart { x: y.clone(), any, points, ..ExceedanceChart::default() }.draw(),
        ConvergenceChart { y: y.clone(), running, ..ConvergenceChart::default() }.draw(),
        FactorChart { factor: names, ..factor.clone() }.draw(),
        factor.draw(),
        HeatMap { caption, x: levels(2), y: levels(1), value: y.clone(), cells }.draw(),
        Multiples { panels: values, ..multiples.clone() }.draw(),
        multiples.draw(),
        Tornado { baseline: Estimate::bare(4.0), swings: vec![swing], ..Tornado::default() }.draw(),
        flow.draw(),
    ];
    for picture in pictures {
        assert_sound(&picture.unwrap());
    }
}

#[test]
fn a_curve_does_not_jump_to_the_edge_of_its_axis() {
    let mut values: Vec<(f64, u64)> = (1..=30).map(|i| (1.0 - 0.01 / f64::from(i), 1)).collect();
    values.push((1.0, 970));
    let mut chart = distribution(&values);
    chart.x = Quantity::new("availability", Unit::Share);
    let texts = tidy(chart.scene());
    assert!(says(&texts, "exactly 100 %") && says(&texts, "3 %"), "{texts:?}");
    chart.values.retain(|p| p.0 < 1.0);
    chart.values.push((1.0, 30));
    // With half of all values at 100 %, the curve reaches all.
    let texts = tidy(chart.scene());
    assert!(texts.iter().any(|t| t == "100 %"), "{texts:?}");
}

#[test]
fn bytes_are_the_same_twice_and_pictures_sound() {
    let values: Vec<(f64, u64)> = (0..500).map(|i| (f64::from(i * i % 997), 1)).collect();
    let chart = distribution(&values);
    let picture = chart.draw().unwrap();
    assert_sound(&picture);
    assert_eq!(picture, chart.draw().unwrap());
    assert!(picture.svg.contains("<desc>Distribution of 500 values of downtime per year."));
}

/// Levels that somebody chose read as they were chosen, not in a longer unit with more digits.
#[test]
fn levels_of_a_factor_read_as_they_were_chosen() {
    let told = |seconds: f64| Unit::Seconds.chosen(seconds).replace('\u{2009}', " ");
    for (seconds, words) in [
        (1.0, "1 s"),
        (100.0, "100 s"),
        (1_000.0, "1000 s"),
        (2_700.0, "45 min"),
        (3_600.0, "1 h"),
        (108_000.0, "30 h"),
        (604_800.0, "7 d"),
        (0.0, "0"),
        (1.0 / 3.0, "333 ms"),
    ] {
        assert_eq!(told(seconds), words);
    }
    // What was computed, or is beyond all measure, is told in three digits.
    assert_eq!(told(258_506.223_673_716_03), "2.99 d");
    assert_eq!(told(0.123_456_789_012), "123 ms");
    assert_eq!(told(1e40), "1.00e40");
    assert_eq!(Unit::Count.chosen(250.0), "250");
}

/// Six levels within a third of a per cent of each other would all read `100 d`: the axis has round ticks.
#[test]
fn levels_that_read_alike_have_no_ticks_of_their_own() {
    let at = |values: &[f64]| {
        let quantity = seconds("").on(Scale::Linear);
        let ruler = Ruler::new(
            &quantity,
            values.iter().copied(),
            Fit { steps: 8.0, round: false, zero: false },
        );
        ruler.at(values, 2_000.0).map(|ticks| ticks.len())
    };
    let near: Vec<f64> = (0..6).map(|n| 8_640_000.0 + f64::from(n) * 4_321.098_765).collect();
    assert_eq!(at(&near), None);
    assert_eq!(at(&[3_600.0, 7_200.0, 86_400.0]), Some(3));
}

/// A plot in which nothing stands says so; the name of a factor has the width of the picture.
#[test]
fn nothing_is_empty_without_a_word() {
    let spread = (0..40).map(|i| (f64::from(i), 1)).collect();
    let values =
        vec![("still".into(), vec![(0.0, 40)]), ("none".into(), vec![]), ("all".into(), spread)];
    let x = seconds("downtime");
    let chart = Multiples { x: x.clone(), panels: Panels::Values(values), ..Multiples::default() };
    let texts = tidy(chart.scene());
    assert!(says(&texts, "no other value") && says(&texts, "no value"), "{texts:?}");
    let long = "hazards.0.lasts.exponential.mean of the region in the east";
    let chart = FactorChart {
        factor: Factor::Names(long.into(), vec!["a".into(), "b".into()]),
        y: x,
        series: vec![Curve { label: String::new(), points: vec![(0.0, Estimate::bare(1.0))] }],
        references: vec![Reference { at: 0.5, label: "objective".into() }],
        ..FactorChart::default()
    };
    assert!(says(&tidy(chart.scene()), long));
}

/// The name of the lower plot keeps clear of the topmost label of its axis.
#[test]
fn names_of_plots_keep_clear_of_their_axes() {
    let line = vec![(at(0), 1.0), (at(HOUR), 7_200.0)];
    let flow = FlowChart {
        horizon: SimDuration::from_secs(7_200),
        flows: vec![Flow { label: "f".into(), backlog: line.clone(), age: line }],
        ..FlowChart::default()
    };
    let (scene, _) = flow.scene();
    let texts = boxes(&scene);
    let name = texts.iter().find(|text| text.4.starts_with("age of")).unwrap();
    let below = texts.iter().filter(|text| text.0 < 60.0 && text.1 > name.1 + 1.0);
    let nearest = below.map(|text| text.1 - name.3).fold(f64::INFINITY, f64::min);
    assert!(nearest >= 3.0, "{nearest}");
}

/// A point without a value is counted, and takes no room on the axis.
#[test]
fn an_undefined_point_takes_no_room() {
    let points = vec![
        (1.0, Estimate::bare(60.0)),
        (2.0, Estimate::bare(90.0)),
        (500.0, Estimate::bare(f64::NAN)),
    ];
    let chart = FactorChart {
        factor: Factor::Numbers(Quantity::new("tables", Unit::Count)),
        y: seconds("downtime"),
        series: vec![Curve { label: String::new(), points }],
        ..FactorChart::default()
    };
    let texts = tidy(chart.scene());
    assert!(says(&texts, "1 undefined value left out"), "{texts:?}");
    assert!(texts.contains(&"2".to_string()) && !says(&texts, "500"), "{texts:?}");
}
