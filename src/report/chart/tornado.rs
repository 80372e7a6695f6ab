//! Which factor moves a result most: two bars for each, from the baseline to its low and its high
//! setting, the widest first.

use super::axis::LABEL;
use super::canvas::{Anchor, ChartError, Picture, Scene, WIDTH, clean, ink};
use super::estimate::Estimate;
use super::font;
use super::frame::{EDGE, empty, heading, note};
use super::lane::{Lane, Upright};
use super::palette::{BLACK, GREY, RULE, WHITE, rgb};
use super::panel::{Caption, Panel, Reference};
use super::ruler::{Fit, Quantity, Ruler, ends};
use super::series::{self, BAND, Look, REFERENCE, SIZE};
use plotters::style::RGBColor;

/// One factor at its two settings, all else as in the baseline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Swing {
    /// Name of the factor.
    pub label: String,
    /// The low setting as text, and the result there.
    pub low: (String, Estimate),
    /// The high setting as text, and the result there.
    pub high: (String, Estimate),
}

/// How far each factor moves a result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tornado {
    /// Title, subtitle, number and method.
    pub caption: Caption,
    /// What the result is; `Scale::Auto` is linear.
    pub x: Quantity,
    /// The result with all factors as they are.
    pub baseline: Estimate,
    /// What the low and the high setting are called; if empty, just that.
    pub settings: [String; 2],
    /// Factors in any order; the [`Tornado::ROWS_MAX`] that move most are drawn.
    pub swings: Vec<Swing>,
    /// Limits and goals.
    pub references: Vec<Reference>,
}

const ROW: f64 = 38.0;
const BAR: f64 = 13.0;
const NAMES_MAX: f64 = 280.0;
const SETTING_MAX: f64 = 120.0;
const REFERENCES_MAX: usize = 5;
const LOW: RGBColor = rgb(0x4f_a6_dd);
const HIGH: RGBColor = rgb(0xe8_8b_4a);

impl Swing {
    /// How far the result moves: the longest way between low, high and baseline.
    fn reach(&self, baseline: f64) -> f64 {
        let defined = [self.low.1.value, self.high.1.value, baseline];
        let (low, high) = ends(defined.into_iter().filter(|v| v.is_finite()));
        high - low
    }

    fn is_empty(&self) -> bool {
        !self.low.1.value.is_finite() && !self.high.1.value.is_finite()
    }
}

impl Tornado {
    /// Factors that are drawn; a note counts the rest.
    pub const ROWS_MAX: usize = 40;

    /// Draws the chart as SVG and PNG.
    ///
    /// # Errors
    ///
    /// If the built-in typeface or the drawing library fail; never because of the data.
    pub fn draw(&self) -> Result<Picture, ChartError> {
        let (scene, height) = self.scene();
        scene.picture(height)
    }

    pub(super) fn scene(&self) -> (Scene, f64) {
        let base = self.baseline.value;
        let mut swings: Vec<&Swing> = self.swings.iter().filter(|s| !s.is_empty()).collect();
        swings.sort_by(|a, b| {
            let far = b.reach(base).total_cmp(&a.reach(base));
            far.then_with(|| a.label.cmp(&b.label))
        });
        let undefined = self.swings.len() - swings.len();
        let more = swings.len().saturating_sub(Self::ROWS_MAX);
        swings.truncate(Self::ROWS_MAX);
        let mut scene = Scene::new(&self.caption.title, &self.description(&swings));
        let y = heading(&mut scene, &self.caption.title, &self.caption.line("bar"));
        if swings.is_empty() || !base.is_finite() {
            let why = if base.is_finite() { "no factor has a result" } else { "no baseline" };
            let end = empty(&mut scene, y, why);
            return (scene, end + 6.0);
        }
        let [low, high] = &self.settings;
        let told = |own: &str, usual: &str| {
            let own = clean(own);
            if own.is_empty() { usual.to_string() } else { own }
        };
        let keys = [
            (Look::Tint { color: LOW, alpha: 1.0 }, told(low, "at the low setting")),
            (Look::Tint { color: HIGH, alpha: 1.0 }, told(high, "at the high setting")),
            (Look::Whisker, "interval".to_string()),
        ];
        let y = series::legend(&mut scene, &keys, y);
        let panel = self.panel(&swings);
        let lane = Lane::new(self.uprights(&panel), WIDTH - EDGE - 44.0);
        let top = y + lane.height().max(16.0) + 2.0;
        let bottom = top + ROW * swings.len() as f64 + 4.0;
        let panel = Panel { top, bottom, ..panel };
        let right = ink(LABEL, GREY).anchor(Anchor::Right);
        scene.text((WIDTH - EDGE, top - 5.0), "swing", right);
        let ticks = panel.x_ticks();
        panel.grid_up(&mut scene, &ticks);
        if let Some((low, high)) = self.baseline.known() {
            let (low, high) = (panel.across(low), panel.across(high));
            scene.area(vec![(low, top, bottom), (high, top, bottom)], REFERENCE, BAND);
        }
        lane.draw(&mut scene, &[(top, bottom)]);
        for (i, swing) in swings.iter().enumerate() {
            self.draw_row(&mut scene, &panel, swing, top + ROW * i as f64 + 4.0);
        }
        let x = panel.across(base);
        scene.strokes(vec![vec![(x, top), (x, bottom)]], 1.4, BLACK);
        panel.frame(&mut scene);
        let end = panel.x_labels(&mut scene, &ticks);
        let end = panel.x_title(&mut scene, end, &self.x.label);
        let end = note(&mut scene, end + 2.0, &left_out(more, undefined));
        (scene, end + 8.0)
    }

    fn description(&self, swings: &[&Swing]) -> String {
        let unit = self.x.unit;
        let mut words = format!("{}: baseline {}.", self.x.label, self.baseline.words(unit));
        for swing in swings.iter().take(5) {
            words.push_str(&format!(
                " {}: {} to {}.",
                swing.label,
                swing.low.1.told(unit),
                swing.high.1.told(unit)
            ));
        }
        words
    }

    fn uprights(&self, panel: &Panel) -> Vec<Upright> {
        let words = format!("baseline {}", self.baseline.words(self.x.unit));
        let x = panel.across(self.baseline.value);
        let mut uprights = vec![Upright { x, label: words, color: BLACK, dashed: false }];
        let shown = self.references.iter().take(REFERENCES_MAX).filter(|r| r.at.is_finite());
        uprights.extend(shown.map(|r| {
            let label = r.told(self.x.unit);
            Upright::reference(panel.across(r.at), &label)
        }));
        uprights
    }

    fn panel(&self, swings: &[&Swing]) -> Panel {
        let estimates = || swings.iter().flat_map(|s| [&s.low, &s.high]);
        let shown = self.references.iter().take(REFERENCES_MAX).map(|r| r.at);
        let values: Vec<f64> = estimates()
            .flat_map(|(_, e)| e.reach())
            .chain(self.baseline.reach())
            .chain(shown.filter(|v| v.is_finite()))
            .collect();
        let fit = Fit { steps: 8.0, round: false, zero: false };
        let x = Ruler::new(&self.x, values.iter().copied(), fit);
        let width = |text: &str| font::width(&clean(text), LABEL, false) * 1.06;
        let setting = estimates().map(|(text, _)| width(text)).fold(0.0, f64::max);
        let setting = setting.min(SETTING_MAX) + 10.0;
        let name = |s: &&Swing| font::width(&clean(&s.label), SIZE, false) * 1.06;
        let names = swings.iter().map(name).fold(0.0, f64::max).clamp(60.0, NAMES_MAX);
        let swing = |s: &&Swing| width(&self.x.unit.told(s.reach(self.baseline.value)));
        let column = swings.iter().map(swing).fold(30.0, f64::max);
        let x0 = EDGE + names + setting + 8.0;
        let x1 = WIDTH - EDGE - column - setting - 12.0;
        Panel { x0, x1, top: 0.0, bottom: 0.0, y: x.clone(), x }
    }

    fn draw_row(&self, scene: &mut Scene, panel: &Panel, swing: &Swing, top: f64) {
        let unit = self.x.unit;
        let base = panel.across(self.baseline.value);
        let center = top + BAR + 1.0;
        let name = clean(&swing.label);
        let width = font::width(&name, SIZE, false) * 1.06;
        let room = width.min(NAMES_MAX);
        let text = font::fit_name(&name, SIZE, room / 1.04);
        scene.hover(if text == name { "" } else { &name }, |scene| {
            scene.text((EDGE, center + 4.2), &text, ink(SIZE, BLACK));
        });
        scene.rect((EDGE, top + ROW - 5.5), (WIDTH - EDGE, top + ROW - 4.5), RULE);
        let halves = [(&swing.low, LOW, top), (&swing.high, HIGH, top + BAR + 1.5)];
        for ((setting, estimate), color, y) in halves {
            if !estimate.value.is_finite() {
                continue;
            }
            let setting = clean(setting);
            let end = panel.across(estimate.value);
            let words = format!("{name} = {setting}: {}", estimate.words(unit));
            scene.hover(&words, |scene| {
                let (a, b) = if end < base { (end, base) } else { (base, end) };
                scene.rect((a, y), (b.max(a + 1.0), y + BAR), color);
                let middle = y + BAR / 2.0;
                let (mut low, mut high) = (a, b);
                if let Some(known) = estimate.known() {
                    let (from, to) = (panel.across(known.0), panel.across(known.1));
                    series::whisker(scene, ((from, middle), (to, middle)), BLACK);
                    (low, high) = (low.min(from), high.max(to));
                }
                let text = font::fit_name(&setting, LABEL, SETTING_MAX / 1.06);
                let right = end > base || (end == base && color == HIGH);
                let (x, anchor) =
                    if right { (high + 6.0, Anchor::Left) } else { (low - 6.0, Anchor::Right) };
                // No line behind the text.
                let wide = font::width(&text, LABEL, false) * 1.05 + 2.0;
                let left = if right { x - 1.0 } else { x - wide };
                scene.rect((left, y + 0.5), (left + wide, y + BAR - 0.5), WHITE);
                scene.text((x, middle + 4.0), &text, ink(LABEL, BLACK).anchor(anchor));
            });
        }
        let told = unit.told(swing.reach(self.baseline.value));
        let right = ink(LABEL, BLACK).anchor(Anchor::Right);
        scene.text((WIDTH - EDGE, center + 4.0), &told, right);
    }
}

fn left_out(more: usize, undefined: usize) -> String {
    let mut words = Vec::new();
    if more > 0 {
        words.push(match more {
            1 => "+1 more factor that moves less".to_owned(),
            _ => format!("+{more} more factors that move less"),
        });
    }
    if undefined > 0 {
        words.push(format!("{undefined} without a defined result left out"));
    }
    words.join("; ")
}
