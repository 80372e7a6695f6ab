//! The typeface: registration with plotters, and glyph widths read from the font's own tables.
//!
//! plotters places glyphs without their left side bearing, which makes uneven gaps. The tables here
//! give advance and bearing, so the raster places each glyph itself and margins are exact.

use plotters::style::{FontStyle, register_font};
use std::sync::OnceLock;

/// The family name under which plotters knows the typeface.
pub(super) const FAMILY: &str = "sans-serif";

/// Offsets into one TrueType font file.
struct Face {
    bytes: &'static [u8],
    units: f64,
    height: f64,
    cmap: usize,
    hmtx: usize,
    long_metrics: u16,
}

/// Width of a glyph and the gap before its ink, in em.
#[derive(Clone, Copy, Default)]
pub(super) struct Glyph {
    pub(super) advance: f64,
    pub(super) bearing: f64,
}

struct Faces {
    regular: Option<Face>,
    bold: Option<Face>,
    registered: bool,
}

static FACES: OnceLock<Faces> = OnceLock::new();

fn faces() -> &'static Faces {
    FACES.get_or_init(|| {
        let (regular, bold) = (dejavu::sans::regular(), dejavu::sans::bold());
        let registered = register_font(FAMILY, FontStyle::Normal, regular).is_ok()
            && register_font(FAMILY, FontStyle::Bold, bold).is_ok();
        Faces { regular: Face::read(regular), bold: Face::read(bold), registered }
    })
}

fn face(bold: bool) -> Option<&'static Face> {
    let faces = faces();
    if bold { faces.bold.as_ref() } else { faces.regular.as_ref() }
}

/// Are both faces there? Registers them on the first call.
pub(super) fn ready() -> bool {
    let faces = faces();
    faces.registered && faces.regular.is_some() && faces.bold.is_some()
}

/// Width of a text in pixels at a font size in pixels per em.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    text.chars().map(|c| glyph(c, bold).advance).sum::<f64>() * size
}

/// Metrics of the glyph that stands for a character.
pub(super) fn glyph(c: char, bold: bool) -> Glyph {
    face(bold).and_then(|face| face.glyph(c)).unwrap_or(Glyph { advance: 0.6, bearing: 0.0 })
}

/// Line height of the face in em: what the rasteriser of plotters calls its size.
pub(super) fn height_in_em(bold: bool) -> f64 {
    face(bold).map_or(1.164, |face| face.height)
}

/// The longest beginning of a text that fits into `room` pixels, with an ellipsis if shortened.
pub(super) fn fit(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_string();
    }
    let mut used = width("…", size, bold);
    let mut kept = String::new();
    for c in text.chars() {
        used += glyph(c, bold).advance * size;
        if used > room {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

/// Like [`fit`], but keeps beginning and end: names often differ at the end only.
pub(super) fn fit_name(text: &str, size: f64, room: f64) -> String {
    if width(text, size, false) <= room {
        return text.to_string();
    }
    let mut room = room - width("…", size, false);
    let chars: Vec<char> = text.chars().collect();
    let (mut head, mut tail) = (0, chars.len());
    while head < tail {
        // Three characters of the beginning for two of the end.
        let at_head = head * 2 <= (chars.len() - tail) * 3;
        let Some(c) = chars.get(if at_head { head } else { tail - 1 }) else { break };
        room -= glyph(*c, false).advance * size;
        if room < 0.0 {
            break;
        }
        if at_head { head += 1 } else { tail -= 1 }
    }
    let part = |range: &[char]| range.iter().collect::<String>();
    let head = part(chars.get(..head).unwrap_or(&[]));
    let tail = part(chars.get(tail..).unwrap_or(&[]));
    format!("{}…{}", head.trim_end(), tail.trim_start())
}

impl Face {
    fn read(bytes: &'static [u8]) -> Option<Face> {
        let table = |tag: &[u8; 4]| {
            let count = usize::from(be16(bytes, 4)?);
            (0..count)
                .map(|i| 12 + 16 * i)
                .find_map(|at| (bytes.get(at..at + 4)? == tag).then(|| be32(bytes, at + 8))?)
        };
        let (head, hhea, cmap) = (table(b"head")?, table(b"hhea")?, table(b"cmap")?);
        let units = f64::from(be16(bytes, head + 18)?);
        let signed = |at| be16(bytes, at).map(|v| f64::from(v.cast_signed()));
        let height = signed(hhea + 4)? - signed(hhea + 6)?;
        let subtables = usize::from(be16(bytes, cmap + 2)?);
        let cmap = (0..subtables).find_map(|i| {
            let at = cmap.checked_add(be32(bytes, cmap + 4 + 8 * i + 4)?)?;
            (be16(bytes, at)? == 4).then_some(at)
        })?;
        let long_metrics = be16(bytes, hhea + 34)?;
        (units > 0.0 && height > 0.0 && long_metrics > 0).then_some(())?;
        let hmtx = table(b"hmtx")?;
        Some(Face { bytes, units, height: height / units, cmap, hmtx, long_metrics })
    }

    /// Glyph number by the segment mapping (format 4); 0 is the box for unknown characters.
    fn index(&self, c: char) -> Option<u16> {
        let Ok(code) = u16::try_from(u32::from(c)) else { return Some(0) };
        let doubled = usize::from(be16(self.bytes, self.cmap + 6)?);
        let ends = self.cmap + 14;
        let (mut low, mut high) = (0, doubled / 2);
        while low < high {
            let middle = usize::midpoint(low, high);
            if be16(self.bytes, ends + 2 * middle)? < code {
                low = middle + 1
            } else {
                high = middle
            }
        }
        if 2 * low >= doubled {
            return Some(0);
        }
        let starts = ends + doubled + 2 + 2 * low;
        let start = be16(self.bytes, starts)?;
        if start > code {
            return Some(0);
        }
        let delta = be16(self.bytes, starts + doubled)?;
        let place = starts + 2 * doubled;
        let range = be16(self.bytes, place)?;
        if range == 0 {
            return Some(code.wrapping_add(delta));
        }
        let found = be16(self.bytes, place + usize::from(range) + 2 * usize::from(code - start))?;
        Some(if found == 0 { 0 } else { found.wrapping_add(delta) })
    }

    fn glyph(&self, c: char) -> Option<Glyph> {
        let index = self.index(c)?;
        let long = usize::from(index.min(self.long_metrics - 1));
        let advance = f64::from(be16(self.bytes, self.hmtx + 4 * long)?);
        let at = if index < self.long_metrics {
            self.hmtx + 4 * usize::from(index) + 2
        } else {
            let short = usize::from(index - self.long_metrics);
            self.hmtx + 4 * usize::from(self.long_metrics) + 2 * short
        };
        let bearing = f64::from(be16(self.bytes, at)?.cast_signed());
        Some(Glyph { advance: advance / self.units, bearing: bearing / self.units })
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([*pair.first()?, *pair.get(1)?]))
}

fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    let (high, low) = (be16(bytes, at)?, be16(bytes, at + 2)?);
    usize::try_from(u32::from(high) << 16 | u32::from(low)).ok()
}
