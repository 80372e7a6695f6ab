//! The pictures are the same on every run, well formed, and survive any input.

mod laws;
mod plots;

use super::*;
use crate::engine::{SimDuration, SimTime};

const HOUR: u64 = 3_600_000_000_000;
const START: i64 = 1_772_409_600;

fn at(ns: u64) -> SimTime {
    SimTime::from_ns(ns).unwrap()
}

fn bar(from: u64, to: u64, state: &str, look: Look) -> Bar {
    Bar { from: at(from), to: at(to), state: state.into(), look, hover: format!("{state} <&>") }
}

fn mark(ns: u64, label: &str) -> Mark {
    Mark { at: at(ns), label: label.into(), hover: String::new() }
}

fn timeline() -> TimelineChart {
    let bars = vec![
        bar(0, 10 * HOUR, "serving", Look::Good),
        bar(10 * HOUR, 15 * HOUR, "disabled", Look::Denied),
        bar(15 * HOUR, 15 * HOUR + 1, "blink", Look::Gone),
        bar(15 * HOUR + 1, 48 * HOUR, "bringing-up", Look::Returning),
    ];
    TimelineChart {
        title: "Keys & \"clusters\" <of> orders".into(),
        subtitle: "A subtitle".into(),
        start_unix_s: START,
        horizon: SimDuration::from_secs(48 * 3600),
        rows: vec![Row { label: "east".into(), group: "keys".into(), bars }],
        marks: vec![mark(10 * HOUR, "key east disabled")],
    }
}

fn steps() -> StepChart {
    let series = |label: &str, steps| Series {
        label: label.into(),
        points: vec![(at(0), 1.0), (at(HOUR), f64::NAN), (at(2 * HOUR), 0.25)],
        steps,
    };
    StepChart {
        title: "Served".into(),
        start_unix_s: START,
        horizon: SimDuration::from_secs(48 * 3600),
        y_label: "Share of requests".into(),
        series: vec![series("held", true), series("joined", false)],
        marks: vec![mark(HOUR, "event")],
        ..StepChart::default()
    }
}

/// Every tag is closed in order, and nothing but the known entities is escaped.
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some((text, tail)) = rest.split_once('<') {
        assert!(!text.contains('>'), "stray '>' in {text}");
        assert_entities(text);
        let (tag, tail) = tail.split_once('>').unwrap();
        assert_entities(tag);
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        rest = tail;
    }
    assert!(open.is_empty());
    assert_eq!(rest.trim(), "");
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()));
}

fn assert_entities(text: &str) {
    for part in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "apos;"];
        assert!(known.iter().any(|name| part.starts_with(name)), "{part}");
    }
}

fn assert_sound(picture: &Picture) {
    assert_well_formed(&picture.svg);
    assert!(!picture.svg.contains("NaN") && !picture.svg.contains("inf\""));
    let (width, height) = png_size(&picture.png);
    assert_eq!(width, 2200);
    assert!((80..=16_000).contains(&height), "{height}");
    assert!(picture.svg.contains(&format!("width=\"1100\" height=\"{}\"", height / 2)));
}

fn png_size(png: &[u8]) -> (u32, u32) {
    assert_eq!(png.get(..8), Some(b"\x89PNG\r\n\x1a\n".as_slice()));
    assert_eq!(png.get(12..16), Some(b"IHDR".as_slice()));
    let number = |at: usize| u32::from_be_bytes(png.get(at..at + 4).unwrap().try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn two_runs_give_the_same_bytes() {
    assert_eq!(timeline().draw().unwrap(), timeline().draw().unwrap());
    assert_eq!(steps().draw().unwrap(), steps().draw().unwrap());
}

#[test]
fn pictures_are_well_formed_and_tell_what_they_show() {
    let picture = timeline().draw().unwrap();
    assert_sound(&picture);
    let svg = picture.svg;
    assert!(svg.contains("role=\"img\""));
    assert!(svg.contains("font-family=\"DejaVu Sans, Verdana, sans-serif\""));
    assert!(svg.contains("<title>Keys &amp; &quot;clusters&quot; &lt;of&gt; orders</title>"));
    assert!(svg.contains("<desc>Timeline of 1 row,"));
    assert!(svg.contains("<g><title>disabled &lt;&amp;&gt;</title>"));
    assert!(svg.contains("<g><title>blink &lt;&amp;&gt;</title>"));
    assert!(svg.contains("2026-03-02 10:00 UTC: key east disabled</title>"));
    assert!(svg.contains(">Mar 03</text>") && svg.contains(">06:00</text>"));
    let picture = steps().draw().unwrap();
    assert_sound(&picture);
    assert!(picture.svg.contains("2 undefined values left out"));
    assert!(picture.svg.contains(">100\u{2009}%</text>"));
}

#[test]
fn the_legend_lists_only_what_occurs() {
    let svg = timeline().draw().unwrap().svg;
    assert!(svg.contains(">denied</text>") && svg.contains(">(disabled)</text>"));
    assert!(!svg.contains(">unreachable</text>") && !svg.contains(">works in part</text>"));
}

#[test]
fn empty_charts_say_so() {
    for picture in [TimelineChart::default().draw(), StepChart::default().draw()] {
        let picture = picture.unwrap();
        assert_sound(&picture);
        assert!(picture.svg.contains("Nothing to show"));
    }
    let still = TimelineChart { horizon: SimDuration::ZERO, ..timeline() };
    assert!(still.draw().unwrap().svg.contains("Nothing to show"));
    let mut undefined = steps();
    undefined.series.iter_mut().for_each(|s| s.points = vec![(at(0), f64::INFINITY)]);
    let svg = undefined.draw().unwrap().svg;
    assert!(svg.contains("Nothing to show") && svg.contains("2 undefined values left out"));
}

#[test]
fn every_horizon_and_start_has_an_axis() {
    let horizons = (0..62).map(|shift| 1_u64 << shift).chain([3, 999, 1_500_000_000, 1 << 62]);
    let starts = [i64::MIN, -1, 0, START + 12_345, i64::MAX];
    for ns in horizons {
        for start in starts {
            let axis = axis::TimeAxis::new(start, SimDuration::from_ns(ns).unwrap(), 100.0, 1064.0);
            let ticks = axis.ticks();
            assert!(!ticks.is_empty(), "{ns} {start}");
            let mut free = 0.0;
            for tick in &ticks {
                let half = font::width(&tick.label, axis::LABEL, false) / 2.0;
                assert!(tick.label_x - half >= free, "{ns} {start}: {ticks:?}");
                free = tick.label_x + half;
            }
            assert!(free <= 1100.0);
        }
    }
}

#[test]
fn hostile_texts_are_tamed() {
    let nasty = "\u{0}\u{1b}[31m]]>\u{202e}<script>&\u{fffe}\u{1f600}\n\t\u{3000}".repeat(200);
    let mut chart = timeline();
    chart.title = nasty.clone();
    chart.subtitle = nasty.clone();
    chart.start_unix_s = i64::MAX;
    chart.horizon = SimDuration::MAX;
    chart.marks = vec![mark(0, &nasty), mark(1 << 62, &nasty), mark(1 << 62, "")];
    for row in &mut chart.rows {
        row.label = nasty.clone();
        row.group = nasty.clone();
        for bar in &mut row.bars {
            bar.state = nasty.clone();
            bar.hover = nasty.clone();
        }
    }
    assert_sound(&chart.draw().unwrap());
    let mut chart = steps();
    chart.y_label = nasty.clone();
    chart.series.iter_mut().for_each(|s| s.label = nasty.clone());
    assert_sound(&chart.draw().unwrap());
}

#[test]
fn hostile_values_are_tamed() {
    let values = [f64::MAX, f64::MIN, f64::NAN, f64::NEG_INFINITY, 0.0, -0.0, 5e-324, 1e15];
    for y in [YAxis::Share, YAxis::Count, YAxis::Seconds] {
        for steps_wanted in [false, true] {
            let mut chart = StepChart { y, ..steps() };
            let place = |(i, v): (usize, &f64)| (at((values.len() - i) as u64), *v);
            let points = values.iter().enumerate().map(place).collect();
            chart.series = vec![Series { points, steps: steps_wanted, ..Series::default() }; 40];
            assert_sound(&chart.draw().unwrap());
        }
    }
}

#[test]
fn many_rows_bars_and_marks_stay_bounded() {
    let flood = |i: u64| {
        let look = Look::ALL.get((i % 8) as usize).copied().unwrap();
        bar(i * HOUR / 1000, (i + 1) * HOUR / 1000, "flood", look)
    };
    let row = |i: u64| Row {
        label: format!("row {i}"),
        group: format!("group {}", i / 10),
        bars: (0..if i == 0 { 48_000 } else { 40 }).map(flood).collect(),
    };
    let mut chart = timeline();
    chart.rows = (0..700).map(row).collect();
    chart.marks = (0..500).map(|i| mark(i * HOUR / 11, "one of many")).collect();
    let picture = chart.draw().unwrap();
    assert_sound(&picture);
    assert!(picture.svg.contains("+640 more rows in timeline.csv"));
    assert!(picture.svg.contains(" more</text>"));
    assert!(picture.svg.len() < 3_000_000, "{}", picture.svg.len());
    // Reversed, empty and late bars are left out; overlapping ones are bounded.
    let mut bars = vec![bar(5, 5, "none", Look::Gone), bar(9, 3, "reversed", Look::Gone)];
    bars.extend((0..20_000).map(|i| bar(i, 1 << 62, "over", Look::Partial)));
    chart.rows = vec![Row { bars, ..Row::default() }];
    assert_sound(&chart.draw().unwrap());
}

#[test]
fn a_short_outage_is_seen_among_many_good_states() {
    let mut chart = timeline();
    let good = |i: u64| bar(i * 1_000, (i + 1) * 1_000, "serving", Look::Good);
    let mut bars: Vec<Bar> = (0..1_000).map(good).collect();
    bars.push(bar(1_000_000, 1_000_001, "outage", Look::Denied));
    chart.rows = vec![Row { label: "r".into(), group: String::new(), bars }];
    let svg = chart.draw().unwrap().svg;
    assert!(svg.contains("1001 short states here, the worst: outage"));
}

#[test]
fn held_lines_have_right_angles_only() {
    let points = [(0.0, 5.0), (2.0, 5.0), (4.0, 1.0), (6.0, 1.0), (8.0, 3.0)];
    let line = strokes::held(&points, 9.0);
    assert!(line.windows(2).all(|p| p[0].0 == p[1].0 || p[0].1 == p[1].1), "{line:?}");
    assert_eq!(line.first(), Some(&(0.0, 5.0)));
    assert_eq!(line.last(), Some(&(9.0, 3.0)));
    let drawn: usize = strokes::dashed(&line, &[2.0, 1.0]).len();
    assert_eq!(drawn, 6);
}

#[test]
fn civil_time_runs_both_ways() {
    for (year, month0) in [(1, 0), (1969, 11), (1970, 0), (2000, 1), (2026, 2), (9999, 11)] {
        let civil = civil::Civil::at(civil::month_start(year, month0));
        assert_eq!((civil.year, civil.month, civil.day), (year, month0 + 1, 1));
    }
    assert_eq!(civil::Civil::at(START + 3_723).full(), "2026-03-02 01:02:03");
    assert_eq!(civil::Civil::at(951_782_400).date(), "Feb 29");
}

#[test]
fn numbers_read_well() {
    let words = |y, high: f64| {
        let axis = yaxis::ValueAxis::new(y, [0.0, high].into_iter());
        axis.ticks().last().unwrap().1.replace('\u{2009}', " ")
    };
    assert_eq!(words(YAxis::Share, 0.3), "100 %");
    assert_eq!(words(YAxis::Count, 3.0), "3");
    assert_eq!(words(YAxis::Count, 58_000.0), "60 000");
    assert_eq!(words(YAxis::Count, 2_900_000.0), "3 M");
    assert_eq!(words(YAxis::Seconds, 18_000.0), "5 h");
    assert_eq!(words(YAxis::Seconds, 0.21), "250 ms");
}

#[test]
fn an_interval_of_nothing_has_as_many_digits_as_matter() {
    // 5 min 13.577 s: three digits, not the twelve that a value of zero would ask for.
    let zero = Estimate::within(0.0, 0.0, 313.576_994_518);
    assert_eq!(zero.words(Unit::Seconds), "0 (0 to 5.23\u{2009}min)");
    assert_eq!(
        Estimate::within(0.0, 0.0, 0.003_672_3).words(Unit::Share),
        "0\u{2009}% (0\u{2009}% to 0.367\u{2009}%)"
    );
    assert_eq!(Estimate::within(0.0, 0.0, 0.0).words(Unit::Seconds), "0 (0 to 0)");
}
