//! Charts as SVG and PNG: plain data in, bytes out.
//!
//! A chart first becomes a scene of rectangles, bands, strokes and texts in CSS pixels;
//! the same scene is then drawn by plotters twice, as SVG with 4-fold coordinates and as pixels at
//! 6-fold size that are averaged down to 2-fold. So both pictures always agree. No font of the
//! system, no clock and no environment is read: the same chart gives the same bytes.
//!
//! * [`TimelineChart`]: what state each entity is in, one row each.
//! * [`StepChart`]: how values run over time, held or joined by lines.
//!
//! Text from outside is cleaned of control characters and escaped; undefined values are dropped and
//! counted in the picture; a chart without data says so.

mod axis;
mod canvas;
mod civil;
mod font;
mod frame;
mod marks;
mod merge;
mod palette;
mod raster;
mod steps;
mod strokes;
mod svg;
mod timeline;
mod yaxis;

#[cfg(test)]
mod tests;

pub use crate::systems::spec::Look;
pub use canvas::{ChartError, Picture};
pub use marks::Mark;
pub use steps::{Series, StepChart};
pub use timeline::{Bar, Row, TimelineChart};
pub use yaxis::YAxis;
