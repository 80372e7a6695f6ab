//! When enough replications have been played: sequential stopping.

use super::run::Row;
use super::study::Study;
pub use crate::scenario::read::Precision;
use crate::stats::Moments;
use crate::systems::spec::Role;

/// Is the mean of these values known so narrowly?
fn narrow(precision: Precision, moments: &Moments, unit: &str) -> bool {
    let Some((mean, half)) = moments.mean().zip(moments.half_width()) else { return false };
    match precision {
        Precision::Absolute(wanted) | Precision::Seconds(wanted) => half <= wanted,
        Precision::Relative(wanted) => {
            let share = unit == "fraction";
            let size = if share { mean.min(1.0 - mean) } else { libm::fabs(mean) };
            // What was never seen is not known to any share of itself.
            size > 0.0 && half <= wanted * size
        }
    }
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
}

impl<'a> Watch<'a> {
    /// Nothing known yet.
    pub fn new(study: &'a Study<'a>, precision: Precision, columns: Vec<usize>) -> Watch<'a> {
        let moments = vec![vec![Moments::default(); columns.len()]; study.points()];
        Watch { study, precision, columns, moments }
    }

    /// The columns that stopping is judged by.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Takes the rows of a point's next replications.
    pub fn push(&mut self, point: usize, rows: &[Row]) {
        for (column, moments) in self.columns.iter().zip(&mut self.moments[point]) {
            rows.iter().filter_map(|row| row.value(*column)).for_each(|value| moments.push(value));
        }
    }

    /// How many of the points and measures are known narrowly, and of how many.
    pub fn reached(&self) -> (usize, usize) {
        let of_point = |(point, moments): (usize, &Vec<Moments>)| {
            let own = self.study.own(point);
            let pairs = self.columns.iter().zip(moments);
            let here: Vec<bool> = pairs
                .filter(|(column, _)| own.contains(column))
                .map(|(column, moments)| {
                    narrow(self.precision, moments, self.study.columns[*column].unit)
                })
                .collect();
            (here.iter().filter(|reached| **reached).count(), here.len())
        };
        let counts = self.moments.iter().enumerate().map(of_point);
        counts.fold((0, 0), |sum, here| (sum.0 + here.0, sum.1 + here.1))
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
}
