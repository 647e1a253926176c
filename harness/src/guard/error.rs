//! What can go wrong between the bench and a guarded child.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A guarded child could not be started or ended.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// No loopback socket for the lifeline.
    #[error("could not open a loopback socket to hold the guarded child: {0}")]
    Lifeline(#[source] io::Error),
    /// The guard executable itself did not start.
    #[error("could not start the guard {}: {source}", guard.display())]
    Spawn {
        /// The executable that was to be the guard.
        guard: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The guard started, but not the program.
    #[error("could not start {program}: {reason}")]
    Program {
        /// The program as asked for.
        program: String,
        /// The operating system's reason.
        reason: String,
    },
    /// The guard did not report in time; is the executable ours?
    #[error("the guard {} did not report within {waited:?}; it must be the x402-assay executable", guard.display())]
    Silent {
        /// The executable that was to be the guard.
        guard: PathBuf,
        /// How long we waited.
        waited: Duration,
    },
    /// The program still ran after its group was killed.
    #[error("process {pid} did not end within {waited:?} of being killed")]
    Unkillable {
        /// Process id of the program.
        pid: u32,
        /// How long we waited.
        waited: Duration,
    },
}
