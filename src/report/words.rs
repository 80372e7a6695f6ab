//! Numbers with the words for what they count.

use std::fmt::Display;

/// A number and its noun: `1 cell`, `2 cells`. The plural takes an s.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let many = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{many}")
}

/// The same with its verb: `1 cell is`, `2 cells are`.
pub fn are(count: u64, noun: &str) -> String {
    format!("{} {}", counted(count, noun), if count == 1 { "is" } else { "are" })
}

/// The same of a part: `1 of 3 cells is`, `2 of 3 cells are`.
pub fn are_of(count: u64, of: u64, noun: &str) -> String {
    format!("{count} of {} {}", counted(of, noun), if count == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_are_many() {
        let said = [0_u64, 1, 2, 21].map(|count| counted(count, "cell"));
        assert_eq!(said, ["0 cells", "1 cell", "2 cells", "21 cells"]);
        assert_eq!(counted(1_usize, "world"), "1 world");
        assert_eq!(
            [0, 1, 2].map(|count| are(count, "row")),
            ["0 rows are", "1 row is", "2 rows are"]
        );
        assert_eq!(
            [0, 1].map(|count| are_of(count, 3, "row")),
            ["0 of 3 rows are", "1 of 3 rows is"]
        );
    }
}
