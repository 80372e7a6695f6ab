//! The scene as PNG: drawn by plotters at 6-fold size and averaged down to 2-fold, strip by strip,
//! so that memory does not grow with the height of a chart.

use super::canvas::{Anchor, ChartError, Item, Point, Scene, Shape, WIDTH, grid};
use super::font;
use plotters::backend::BitMapBackend;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBAColor, TextStyle};

/// Small pixels per CSS pixel.
const K: u32 = 6;
/// Small pixels per pixel of the file, along each side.
const BOX: u32 = 3;
/// CSS pixels of one strip.
const STRIP: u32 = 160;

/// The PNG file.
pub(super) fn render(scene: &Scene) -> Result<Vec<u8>, ChartError> {
    let height = scene.height as u32;
    let width = WIDTH as u32;
    let mut pixels = Vec::new();
    let mut top = 0;
    while top < height {
        let rows = STRIP.min(height - top);
        let (w, h) = (width * K, rows * K);
        let mut buffer = vec![255; w as usize * h as usize * 3];
        {
            let mut backend = BitMapBackend::with_buffer(&mut buffer, (w, h));
            for item in &scene.items {
                let (low, high) = item.shape.reach();
                if high >= f64::from(top) && low <= f64::from(top + rows) {
                    draw(&mut backend, item, f64::from(top))
                        .map_err(|e| ChartError::Backend(e.to_string()))?;
                }
            }
            backend.present().map_err(|e| ChartError::Backend(e.to_string()))?;
        }
        average(&buffer, w as usize, &mut pixels);
        top += rows;
    }
    encode(&pixels, width * K / BOX, height * K / BOX)
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
        for x in from.max(0)..to.min(WIDTH as i32 * K.cast_signed()) {
            let share = (f64::from(x - from) + 0.5) / f64::from(to - from);
            let height = |a: f64, b: f64| grid(a + share * (b - a) - top, k);
            let (low, high) = (height(a.1, b.1), height(a.2, b.2));
            fill(backend, (x, low), (x + 1, high), color)?;
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

/// Appends the mean of every box of small pixels.
fn average(buffer: &[u8], width: usize, pixels: &mut Vec<u8>) {
    let side = BOX as usize;
    let row = width * 3;
    for band in buffer.chunks_exact(row * side) {
        let mut sums = vec![0_u16; row / side];
        for line in band.chunks_exact(row) {
            for (x, pixel) in line.chunks_exact(3).enumerate() {
                for (channel, value) in pixel.iter().enumerate() {
                    if let Some(sum) = sums.get_mut(x / side * 3 + channel) {
                        *sum += u16::from(*value);
                    }
                }
            }
        }
        let area = (BOX * BOX) as u16;
        pixels.extend(sums.iter().map(|sum| ((sum + area / 2) / area) as u8));
    }
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, ChartError> {
    let failed = |e: png::EncodingError| ChartError::Png(e.to_string());
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Two pixels per CSS pixel of 1/96 inch: 192 per inch, 7559 per metre.
    let density = png::PixelDimensions { xppu: 7559, yppu: 7559, unit: png::Unit::Meter };
    encoder.set_pixel_dims(Some(density));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}
