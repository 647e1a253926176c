//! Exit codes (design section 9): scripts depend on them.

use std::process::ExitCode;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Conformant.
    Ok = 0,
    /// A defect of the bench.
    Internal = 1,
    /// Bad flag, profile, port or tool.
    Usage = 2,
    /// Nonconformant.
    Nonconformant = 3,
    /// Nothing selected, or nothing ran.
    Nothing = 4,
    /// No positive control, target unreachable, chain died.
    Inconclusive = 5,
    /// A load threshold was missed, or a comparison found a regression.
    Missed = 6,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
