//! The scene as PNG: drawn by plotters at 6-fold size and averaged down to 2-fold, strip by strip:
//! memory grows little with the height of a chart, and every thread can draw one.

use super::canvas::{Anchor, ChartError, Item, Point, Scene, Shape, WIDTH, grid};
use super::font;
use plotters::backend::BitMapBackend;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBAColor, TextStyle};
use rayon::prelude::*;

/// Small pixels per CSS pixel.
const K: u32 = 6;
/// Small pixels per pixel of the file, along each side.
const BOX: u32 = 3;
/// CSS pixels of one strip: few enough that its small pixels stay near the core that draws them.
const STRIP: u32 = 40;
/// Bytes of a pixel.
const CHANNELS: usize = 3;

/// The PNG file.
pub(super) fn render(scene: &Scene) -> Result<Vec<u8>, ChartError> {
    let (width, height) = (WIDTH as u32, scene.height as u32);
    let tops: Vec<u32> = (0..height).step_by(STRIP as usize).collect();
    let strips = tops.into_par_iter().map_init(Vec::new, |buffer, top| {
        strip(scene, width, (top, STRIP.min(height - top)), buffer)
    });
    let strips = strips.collect::<Result<Vec<Vec<u8>>, ChartError>>()?;
    encode(&strips.concat(), width * K / BOX, height * K / BOX)
}

/// The pixels of the file in a strip, drawn in a buffer for small pixels.
fn strip(
    scene: &Scene,
    width: u32,
    (top, rows): (u32, u32),
    buffer: &mut Vec<u8>,
) -> Result<Vec<u8>, ChartError> {
    let (w, h) = (width * K, rows * K);
    buffer.clear();
    buffer.resize(w as usize * h as usize * CHANNELS, 255);
    {
        let mut backend = BitMapBackend::with_buffer(buffer, (w, h));
        // The first of them is the ground, in the colour that the buffer has.
        for item in scene.items.iter().skip(1) {
            let (low, high) = item.shape.reach();
            if high >= f64::from(top) && low <= f64::from(top + rows) {
                draw(&mut backend, item, f64::from(top))
                    .map_err(|e| ChartError::Backend(e.to_string()))?;
            }
        }
        backend.present().map_err(|e| ChartError::Backend(e.to_string()))?;
    }
    Ok(average(buffer, w as usize))
}

/// A place in small pixels.
type Small = (i32, i32);
/// A place of an area: where, and its two heights.
type Strip = (f64, f64, f64);
type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn draw(backend: &mut BitMapBackend<'_>, item: &Item, top: f64) -> Drawn {
    let color = item.color.mix(item.alpha);
    let k = f64::from(K);
    let place = |p: &Point| (grid(p.0, k), grid(p.1 - top, k));
    match &item.shape {
        Shape::Rect(a, b) => {
            fill(backend, place(a), place(b), &color)?;
        }
        Shape::Bands(bands) => {
            for band in bands.iter().filter(|band| band.len() > 2) {
                backend.fill_polygon(band.iter().map(place), &color)?;
            }
        }
        Shape::Area(strip) => tint(backend, strip, top, &color)?,
        Shape::Strokes(lines, width) => {
            for line in lines {
                for (i, pair) in line.windows(2).enumerate() {
                    let ends = (i > 0, i + 2 < line.len());
                    if let [from, to] = pair
                        && let Some(quad) = quad(*from, *to, *width, ends)
                    {
                        let [a, _, c, _] = quad;
                        if from.0 == to.0 || from.1 == to.1 {
                            fill(backend, place(&a), place(&c), &color)?;
                        } else {
                            backend.fill_polygon(quad.iter().map(place), &color)?;
                        }
                    }
                }
            }
        }
        Shape::Text { .. } => write(backend, &item.shape, top, &color)?,
    }
    Ok(())
}

/// Fills an area column by column, so that no pixel is tinted twice.
fn tint(backend: &mut BitMapBackend<'_>, strip: &[Strip], top: f64, color: &RGBAColor) -> Drawn {
    let k = f64::from(K);
    for pair in strip.windows(2) {
        let [a, b] = pair else { continue };
        let (from, to) = (grid(a.0, k), grid(b.0, k));
        let heights = |x: i32| {
            let share = (f64::from(x - from) + 0.5) / f64::from(to - from);
            let height = |a: f64, b: f64| grid(a + share * (b - a) - top, k);
            (height(a.1, b.1), height(a.2, b.2))
        };
        // Columns of the same heights are one rectangle.
        let columns: Vec<i32> = (from.max(0)..to.min(WIDTH as i32 * K.cast_signed())).collect();
        for alike in columns.chunk_by(|x, next| heights(*x) == heights(*next)) {
            let [x, ..] = alike else { continue };
            let (low, high) = heights(*x);
            fill(backend, (*x, low), (x + alike.len() as i32, high), color)?;
        }
    }
    Ok(())
}

/// Fills a rectangle, cut at the edges of the strip.
fn fill(backend: &mut BitMapBackend<'_>, a: Small, b: Small, color: &RGBAColor) -> Drawn {
    let (w, h) = backend.get_size();
    let (x0, x1) = (a.0.min(b.0).max(0), a.0.max(b.0).min(w.cast_signed()));
    let (y0, y1) = (a.1.min(b.1).max(0), a.1.max(b.1).min(h.cast_signed()));
    if x0 < x1 && y0 < y1 {
        backend.draw_rect((x0, y0), (x1, y1), &color.filled(), true)?;
    }
    Ok(())
}

/// Writes a text glyph by glyph.
fn write(backend: &mut BitMapBackend<'_>, shape: &Shape, top: f64, color: &RGBAColor) -> Drawn {
    let Shape::Text { at, text, size, bold, anchor } = shape else { return Ok(()) };
    let k = f64::from(K);
    let shift = match anchor {
        Anchor::Left => 0.0,
        Anchor::Middle => font::width(text, *size, *bold) / 2.0,
        Anchor::Right => font::width(text, *size, *bold),
    };
    let scaled = size * k * font::height_in_em(*bold);
    let weight = if *bold { FontStyle::Bold } else { FontStyle::Normal };
    // `FontDesc::style` would keep the outlines of the regular face.
    let style: TextStyle<'_> = FontDesc::new(FontFamily::SansSerif, scaled, weight).color(color);
    let style = style.pos(Pos::new(HPos::Left, VPos::Top));
    // plotters puts the baseline half a size below the place of a hanging text.
    let y = grid((at.1 - top) * k - scaled / 2.0, 1.0);
    let mut pen = (at.0 - shift) * k;
    for c in text.chars() {
        let glyph = font::glyph(c, *bold);
        let ink = (glyph.bearing * size * k).floor();
        backend.draw_text(c.encode_utf8(&mut [0; 4]), &style, (grid(pen + ink, 1.0), y))?;
        pen += glyph.advance * size * k;
    }
    Ok(())
}

/// A stretch of a line as a polygon, longer by half its width where the line goes on.
fn quad(from: Point, to: Point, width: f64, ends: (bool, bool)) -> Option<[Point; 4]> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).sqrt();
    if length.is_nan() || length < 1e-6 {
        return None;
    }
    let half = width / 2.0;
    let (ux, uy) = (dx / length * half, dy / length * half);
    let (before, after) = (f64::from(u8::from(ends.0)), f64::from(u8::from(ends.1)));
    let a = (from.0 - ux * before, from.1 - uy * before);
    let b = (to.0 + ux * after, to.1 + uy * after);
    Some([(a.0 + uy, a.1 - ux), (b.0 + uy, b.1 - ux), (b.0 - uy, b.1 + ux), (a.0 - uy, a.1 + ux)])
}

/// The mean of every box of small pixels.
fn average(buffer: &[u8], width: usize) -> Vec<u8> {
    const AREA: u16 = (BOX * BOX) as u16;
    let side = BOX as usize;
    let row = width * CHANNELS;
    let mut pixels = Vec::with_capacity(buffer.len() / usize::from(AREA));
    let mut sums = vec![0_u16; row];
    for band in buffer.chunks_exact(row * side) {
        // Down first: that is the same for each byte of a line. Nothing can overflow, and without
        // the check for it many bytes are added at a time.
        sums.fill(0);
        for line in band.chunks_exact(row) {
            let pairs = sums.iter_mut().zip(line);
            pairs.for_each(|(sum, value)| *sum = sum.wrapping_add(u16::from(*value)));
        }
        for wide in sums.chunks_exact(side * CHANNELS) {
            let mut all = [AREA / 2; CHANNELS];
            for pixel in wide.chunks_exact(CHANNELS) {
                all.iter_mut().zip(pixel).for_each(|(sum, value)| *sum = sum.wrapping_add(*value));
            }
            pixels.extend(all.map(|sum| (sum / AREA) as u8));
        }
    }
    pixels
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, ChartError> {
    let failed = |e: png::EncodingError| ChartError::Png(e.to_string());
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Two thirds larger than the smallest file, and written in a tenth of the time.
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Paeth);
    // Two pixels per CSS pixel of 1/96 inch: 192 per inch, 7559 per metre.
    let density = png::PixelDimensions { xppu: 7559, yppu: 7559, unit: png::Unit::Meter };
    encoder.set_pixel_dims(Some(density));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}
