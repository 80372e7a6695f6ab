//! Charts as SVG and PNG: plain data in, bytes out.
//!
//! A chart first becomes a scene of rectangles, bands, strokes and texts in CSS pixels;
//! the same scene is then drawn by plotters twice, as SVG with 4-fold coordinates and as pixels at
//! 6-fold size that are averaged down to 2-fold. So both pictures always agree. No font of the
//! system, no clock and no environment is read: the same chart gives the same bytes.
//!
//! * [`TimelineChart`]: what state each entity is in, one row each.
//! * [`StepChart`]: how values run over time, held or joined by lines.
//! * [`FlowChart`]: backlog and watermark age over time, with retention and outages.
//! * [`Distribution`]: histogram and empirical curve of replications, with intervals.
//! * [`ExceedanceChart`]: how likely each value is exceeded.
//! * [`ConvergenceChart`]: how an estimate settles with the number of replications.
//! * [`FactorChart`]: a value over one factor, of numbers or of names.
//! * [`HeatMap`]: a value over two factors.
//! * [`Multiples`]: many small plots with the same axes.
//! * [`Tornado`]: which factor moves a result most.
//!
//! Text from outside is cleaned of control characters and escaped; undefined values are dropped and
//! counted in the picture; a chart without data says so.

mod axis;
mod canvas;
mod civil;
mod convergence;
mod distribution;
mod estimate;
mod exceedance;
mod factor;
mod flow;
mod font;
mod forest;
mod frame;
mod gradient;
mod heatmap;
mod lane;
mod marks;
mod merge;
mod multiples;
mod numbers;
mod palette;
mod panel;
mod raster;
mod rows;
mod ruler;
mod scatter;
mod series;
mod steps;
mod strokes;
mod svg;
mod tally;
mod timeline;
mod tornado;
mod yaxis;

#[cfg(test)]
mod tests;

pub use crate::systems::spec::Look;
pub use canvas::{ChartError, Picture};
pub use convergence::ConvergenceChart;
pub use distribution::Distribution;
pub use estimate::{Curve, Estimate};
pub use exceedance::{ExceedanceChart, Exceeding};
pub use factor::{Factor, FactorChart};
pub use flow::{Flow, FlowChart, Span};
pub use heatmap::{HeatMap, Levels};
pub use marks::Mark;
pub use multiples::{Multiples, Panels};
pub(super) use numbers::CHOSEN_LETTERS_MAX;
pub use numbers::Unit;
pub use panel::{Caption, Reference};
pub use ruler::{Quantity, Scale};
pub use steps::{Series, StepChart};
pub use timeline::{Bar, Row, TimelineChart};
pub use tornado::{Swing, Tornado};
pub use yaxis::YAxis;
