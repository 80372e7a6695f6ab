//! When enough replications have been played: sequential stopping.

use super::rows::Rows;
use super::study::Study;
pub use crate::scenario::read::Precision;
use crate::stats::Moments;
use crate::systems::spec::Role;

/// The half-width of the interval of a mean, and the size that it is compared with. Nothing if there
/// is no interval, or if the mean has no size: what was never seen is not known to any share of itself.
fn width(precision: Precision, moments: &Moments, unit: &str) -> Option<(f64, f64)> {
    let (mean, half) = moments.mean().zip(moments.half_width())?;
    let size = match precision {
        Precision::Absolute(_) | Precision::Seconds(_) => 1.0,
        Precision::Relative(_) if unit == "fraction" => mean.min(1.0 - mean),
        Precision::Relative(_) => libm::fabs(mean),
    };
    (size > 0.0).then_some((half, size))
}

/// Is the mean of these values known so narrowly?
fn narrow(precision: Precision, moments: &Moments, unit: &str) -> bool {
    let (Precision::Relative(wanted) | Precision::Absolute(wanted) | Precision::Seconds(wanted)) =
        precision;
    width(precision, moments, unit).is_some_and(|(half, size)| half <= wanted * size)
}

/// The measures that stopping is judged by.
///
/// Those asked for; else those of the objectives; else the downtime of every system.
///
/// # Errors
/// There is no such measure, or its unit does not fit.
pub fn measures(
    study: &Study,
    asked: &[String],
    precision: Precision,
) -> Result<Vec<usize>, String> {
    let column = |path: &String| {
        study.column(path).ok_or_else(|| {
            let known = study.columns.iter().map(|column| column.path.as_str());
            match crate::diag::nearest(path, known) {
                Some(near) => format!("there is no measure `{path}`; did you mean `{near}`?"),
                None => format!(
                    "there is no measure `{path}`; name one as in estimates.csv, such as `{}`",
                    study.columns.first().map_or("", |column| column.path.as_str())
                ),
            }
        })
    };
    let objectives = study.base.objectives.iter();
    let objectives: Vec<String> =
        objectives.map(|bound| format!("{}.{}", bound.entity, bound.measure)).collect();
    let paths = if asked.is_empty() { &objectives } else { asked };
    let mut found = paths.iter().map(column).collect::<Result<Vec<usize>, String>>()?;
    if found.is_empty() {
        let downtime = |(_, column): &(usize, &super::study::Column)| {
            column.role == Role::System && column.path.ends_with(".downtime")
        };
        found = study.columns.iter().enumerate().filter(downtime).map(|(at, _)| at).collect();
    }
    found.sort_unstable();
    found.dedup();
    for column in &found {
        let column = &study.columns[*column];
        match (precision, column.unit) {
            (Precision::Relative(_), _) | (Precision::Seconds(_), "s") => {}
            (Precision::Absolute(_), unit) if unit != "s" => {}
            (Precision::Seconds(_) | Precision::Absolute(_), unit) => {
                let such = if unit == "s" {
                    "10m"
                } else if unit == "fraction" {
                    "0.001"
                } else {
                    "10"
                };
                return Err(format!(
                    "the unit of {} is {unit}; give a precision in that unit, such as {such}, or \
                     a share such as 5%, or name other measures with --measure",
                    column.path
                ));
            }
        }
    }
    if found.is_empty() {
        return Err("no measure to stop by: name one with --measure".to_owned());
    }
    Ok(found)
}

/// Follows how well the measures that stopping is judged by are known.
pub struct Watch<'a> {
    study: &'a Study<'a>,
    precision: Precision,
    columns: Vec<usize>,
    /// Of each point, the moments of each of the columns.
    moments: Vec<Vec<Moments>>,
    /// Of each point, is nothing left to chance?
    certain: Vec<bool>,
}

/// How well the measures that stopping is judged by are known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// Intervals of points and measures that are narrow enough.
    pub reached: usize,
    /// Of how many.
    pub of: usize,
    /// Those of which nothing can be said yet.
    pub unknown: usize,
    /// The widest half-width of the others, as a share of the estimate if a share is asked for, and
    /// the unit of its measure.
    pub widest: Option<(f64, &'static str)>,
}

impl<'a> Watch<'a> {
    /// Nothing known yet.
    pub fn new(study: &'a Study<'a>, precision: Precision, columns: Vec<usize>) -> Watch<'a> {
        let moments = vec![vec![Moments::default(); columns.len()]; study.points()];
        let certain = vec![false; study.points()];
        Watch { study, precision, columns, moments, certain }
    }

    /// The columns that stopping is judged by.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// What is asked for.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Takes the rows of a point's next replications.
    pub fn push(&mut self, point: usize, rows: Rows<'_>) {
        // Without a draw in one replication there is none in any other.
        self.certain[point] = rows.iter().all(|row| !self.study.drawn(row.used));
        for (column, moments) in self.columns.iter().zip(&mut self.moments[point]) {
            rows.known(*column).for_each(|value| moments.push(value));
        }
    }

    /// How well the points and measures are known.
    pub fn known(&self) -> Known {
        let mut known = Known::default();
        for (point, moments) in self.moments.iter().enumerate() {
            let own = self.study.own(point);
            for (column, moments) in self.columns.iter().zip(moments) {
                if own.contains(column) {
                    known.count(self.precision, moments, self.unit(*column), self.certain[point]);
                }
            }
        }
        known
    }

    fn unit(&self, column: usize) -> &'static str {
        self.study.columns[column].unit
    }
}

impl Known {
    /// Counts the interval of a measure at a point. Where nothing is left to chance, it is known
    /// whatever it is.
    fn count(
        &mut self,
        precision: Precision,
        moments: &Moments,
        unit: &'static str,
        certain: bool,
    ) {
        self.of += 1;
        self.reached += usize::from(certain || narrow(precision, moments, unit));
        match width(precision, moments, unit).filter(|_| !certain) {
            Some((half, size)) => {
                let wide = half / size;
                if self.widest.is_none_or(|(widest, _)| wide > widest) {
                    self.widest = Some((wide, unit));
                }
            }
            None => self.unknown += usize::from(!certain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_is_relative_to_what_a_share_lacks() {
        let mut moments = Moments::default();
        (0..1000).for_each(|n| moments.push(0.999 + f64::from(n % 2) * 1e-4));
        // Half-width 3.1e-6, unavailability 9.5e-4.
        assert!(narrow(Precision::Relative(0.005), &moments, "fraction"));
        assert!(!narrow(Precision::Relative(0.003), &moments, "fraction"));
        assert!(narrow(Precision::Relative(0.000_005), &moments, "count"));
        assert!(narrow(Precision::Absolute(4e-6), &moments, "fraction"));
        assert!(!narrow(Precision::Absolute(3e-6), &moments, "fraction"));
    }

    #[test]
    fn what_was_never_seen_is_never_known() {
        let mut moments = Moments::default();
        (0..1000).for_each(|_| moments.push(0.0));
        assert!(!narrow(Precision::Relative(0.5), &moments, "s"));
        assert!(!narrow(Precision::Relative(0.5), &Moments::default(), "s"));
    }

    #[test]
    fn the_widest_interval_is_told_and_what_is_not_known() {
        let of = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|value| moments.push(*value));
            moments
        };
        // Half-width t(0.975, 1) x sqrt(2) / sqrt(2) = 12.7062 around 3, and ten times that around 20.
        let (narrower, wider) = (of(&[2.0, 4.0]), of(&[10.0, 30.0]));
        let known = |precision: Precision, all: &[(&Moments, &'static str, bool)]| {
            let mut known = Known::default();
            all.iter().for_each(|(m, unit, certain)| known.count(precision, m, unit, *certain));
            known
        };
        let none = known(Precision::Relative(0.1), &[(&of(&[]), "s", false)]);
        assert_eq!(none, Known { reached: 0, of: 1, unknown: 1, widest: None });
        let all = [(&narrower, "s", false), (&wider, "count", false), (&of(&[0.0; 9]), "s", false)];
        let share = known(Precision::Relative(5.0), &all);
        assert_eq!((share.reached, share.of, share.unknown), (1, 3, 1));
        let (widest, unit) = share.widest.unwrap();
        assert!((widest - 6.353_1).abs() < 1e-4 && unit == "count", "{widest}");
        let seconds = known(Precision::Seconds(20.0), &all[..1]);
        assert!(seconds.reached == 1 && (seconds.widest.unwrap().0 - 12.706_2).abs() < 1e-4);
        let certain = known(Precision::Relative(0.1), &[(&of(&[0.0; 9]), "s", true)]);
        assert_eq!(certain, Known { reached: 1, of: 1, unknown: 0, widest: None });
    }
}
