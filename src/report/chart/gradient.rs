//! A scale of colours from dark to light: equal steps look equal, also to colour-blind readers and
//! in grey. The anchors are those of viridis (van der Walt and Smith, 2015; free of rights).

use super::palette::{BLACK, WHITE, rgb};
use plotters::style::RGBColor;

const ANCHORS: [u32; 11] = [
    0x44_01_54, 0x48_24_75, 0x41_44_87, 0x35_5f_8d, 0x2a_78_8e, 0x21_91_8c, 0x22_a8_84, 0x44_bf_70,
    0x7a_d1_51, 0xbd_df_26, 0xfd_e7_25,
];

/// The colour at a place from 0 (dark) to 1 (light).
pub(super) fn color(share: f64) -> RGBColor {
    let place = share.clamp(0.0, 1.0) * 10.0;
    let at = (place as usize).min(9);
    let anchor = |i: usize| rgb(ANCHORS.get(i).copied().unwrap_or(0));
    let (a, b, part) = (anchor(at), anchor(at + 1), place - at as f64);
    let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// Black or white, whichever is easier to read on a colour.
pub(super) fn text_on(color: RGBColor) -> RGBColor {
    let light = luminance(color);
    if (light + 0.05) * (light + 0.05) > 1.05 * 0.06 { BLACK } else { WHITE }
}

/// Relative luminance (WCAG 2).
pub(super) fn luminance(color: RGBColor) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { libm::pow((c + 0.055) / 1.055, 2.4) }
    };
    0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
}
