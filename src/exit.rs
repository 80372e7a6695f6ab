//! Exit codes: one type, documented, the same for every command.

/// How the program ends, as its exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All went well.
    Success = 0,
    /// The scenario or the arguments are wrong.
    Input = 2,
    /// The world refused: disk, permissions.
    World = 3,
    /// A limit was reached.
    Limit = 4,
    /// An objective or an expectation failed.
    Failed = 5,
    /// An objective is inconclusive.
    Inconclusive = 6,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        self as u8
    }
}
