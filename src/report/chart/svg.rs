//! The scene as SVG: drawn by plotters at 4-fold coordinates, then given what plotters lacks.
//!
//! plotters writes one element per line (a text is three lines), in the order of the calls. The
//! second pass walks elements and items in step, joins the parts of a texture into one path, wraps
//! hover groups and writes its own header.

use super::canvas::{Anchor, ChartError, Item, Scene, Shape, WIDTH, clean, grid};
use plotters::prelude::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, ShapeStyle, TextStyle};
use std::fmt::Write as _;

/// Small units per CSS pixel.
const K: f64 = 4.0;
/// plotters divides a font size by this before it writes it.
const SIZE_FACTOR: f64 = 1.24;
/// plotters moves a text that hangs from its top down by this many em.
const TOP_EM: f64 = 0.76;

/// The whole document.
pub(super) fn render(scene: &Scene) -> Result<String, ChartError> {
    let size = (grid(WIDTH, K).unsigned_abs(), grid(scene.height, K).unsigned_abs());
    let mut raw = String::new();
    let mut backend = SVGBackend::with_string(&mut raw, size);
    for item in &scene.items {
        draw(&mut backend, item).map_err(|e| ChartError::Backend(e.to_string()))?;
    }
    backend.present().map_err(|e| ChartError::Backend(e.to_string()))?;
    drop(backend);
    Ok(finish(scene, size, &raw))
}

type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn draw(backend: &mut SVGBackend<'_>, item: &Item) -> Drawn {
    let color = item.color.mix(item.alpha);
    let place = |p: &(f64, f64)| (grid(p.0, K), grid(p.1, K));
    match &item.shape {
        Shape::Rect(a, b) => backend.draw_rect(place(a), place(b), &color.filled(), true)?,
        Shape::Bands(bands) => {
            for band in bands {
                backend.fill_polygon(band.iter().map(place), &color)?;
            }
        }
        Shape::Area(strip) => {
            let there = strip.iter().map(|(x, low, _)| place(&(*x, *low)));
            let back = strip.iter().rev().map(|(x, _, high)| place(&(*x, *high)));
            backend.fill_polygon(there.chain(back), &color)?;
        }
        Shape::Strokes(lines, width) => {
            let style = ShapeStyle::from(color).stroke_width(grid(*width, K).unsigned_abs().max(1));
            for line in lines {
                backend.draw_path(line.iter().map(place), &style)?;
            }
        }
        Shape::Text { at, text, size, bold, anchor } => {
            let weight = if *bold { FontStyle::Bold } else { FontStyle::Normal };
            let h_pos = match anchor {
                Anchor::Left => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::Right => HPos::Right,
            };
            let style: TextStyle<'_> =
                FontDesc::new(FontFamily::SansSerif, size * K * SIZE_FACTOR, weight).color(&color);
            let style = style.pos(Pos::new(h_pos, VPos::Top));
            backend.draw_text(text, &style, place(&(at.0, at.1 - TOP_EM * size)))?;
        }
    }
    Ok(())
}

/// How many elements plotters wrote for an item.
fn elements(item: &Item) -> usize {
    match &item.shape {
        Shape::Rect(..) | Shape::Area(_) | Shape::Text { .. } => 1,
        Shape::Bands(parts) | Shape::Strokes(parts, _) => parts.len(),
    }
}

fn finish(scene: &Scene, size: (u32, u32), raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{}\" height=\"{}\" \
         viewBox=\"0 0 {} {}\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n\
         <title>{}</title>\n<desc>{}</desc>\n",
        WIDTH,
        scene.height,
        size.0,
        size.1,
        escape(&scene.title),
        escape(&scene.description)
    );
    // plotters indents nothing and writes "<svg ...>" first and "</svg>" last.
    let mut lines = raw.lines().skip(1);
    let mut open: Option<usize> = None;
    for item in &scene.items {
        if item.group != open {
            out.push_str(if open.is_some() { "</g>\n" } else { "" });
            if let Some(hover) = item.group.and_then(|group| scene.hovers.get(group)) {
                let _ = writeln!(out, "<g><title>{}</title>", escape(hover));
            }
            open = item.group;
        }
        if let Shape::Text { .. } = item.shape {
            let (head, text) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
            lines.next();
            let _ = writeln!(out, "{}{text}</text>", slim(head));
        } else {
            write_shape(&mut out, item, &mut lines);
        }
    }
    out.push_str(if open.is_some() { "</g>\n" } else { "" });
    out.push_str("</svg>\n");
    out
}

/// One element as it is, several as one path.
fn write_shape<'a>(out: &mut String, item: &Item, lines: &mut impl Iterator<Item = &'a str>) {
    let count = elements(item);
    if count == 1 {
        let line = lines.next().unwrap_or("");
        let _ = writeln!(out, "{}", slim(line));
        return;
    }
    let closed = matches!(item.shape, Shape::Bands(_));
    let (mut style, mut path) = (String::new(), String::new());
    for line in lines.take(count) {
        let Some((head, points)) = line.split_once(" points=\"") else { continue };
        if style.is_empty() {
            style = head.trim_start_matches("<polygon").trim_start_matches("<polyline").to_string();
        }
        let points = points.split_once('"').map_or(points, |(inside, _)| inside);
        let _ = write!(path, "M{}{}", points.trim_end(), if closed { "Z" } else { "" });
    }
    let _ = writeln!(out, "{}", slim(&format!("<path{style} d=\"{path}\"/>")));
}

/// Leaves out attributes that say what holds anyway.
fn slim(element: &str) -> String {
    [" opacity=\"1\"", " stroke=\"none\"", " text-anchor=\"start\"", " font-family=\"sans-serif\""]
        .iter()
        .fold(element.to_string(), |text, attribute| text.replacen(attribute, "", 1))
}

/// Text as XML content.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            other => out.push(other),
        }
    }
    out
}
