//! Why a target could not be started.

use std::time::Duration;

use crate::guard::GuardError;
use crate::http::SetupError;

/// A launched target did not come up, or could not be stopped.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The target is not one the bench starts.
    #[error("the target has no launch command")]
    NothingToLaunch,
    /// No free port.
    #[error("could not find a free port on 127.0.0.1: {0}")]
    Port(#[source] std::io::Error),
    /// Somebody else answers at the target's address already.
    #[error(
        "something listens at {address} already, so `{command}` cannot; \
         stop it, or write {{port}} for the port in the URL"
    )]
    PortTaken {
        /// The command.
        command: String,
        /// Host and port.
        address: String,
    },
    /// The shell could not be started, or the target not stopped.
    #[error("launch `{command}`: {source}")]
    Guard {
        /// The command.
        command: String,
        /// What went wrong.
        source: GuardError,
    },
    /// The readiness client could not be made.
    #[error(transparent)]
    Client(#[from] SetupError),
    /// The target ended before it answered.
    #[error("`{command}` {how} before it answered at {url}{}", log(tail))]
    Ended {
        /// The command.
        command: String,
        /// How it ended.
        how: String,
        /// Where an answer was expected.
        url: String,
        /// The last lines it wrote.
        tail: Vec<String>,
    },
    /// The target runs and does not answer.
    #[error(
        "`{command}` did not get ready within {}s: {last} at {url}; \
         does it listen on PORT, or is launch.timeout too short?{}",
        timeout.as_secs_f64(), log(tail)
    )]
    NotReady {
        /// The command.
        command: String,
        /// Where an answer was expected.
        url: String,
        /// How long we waited.
        timeout: Duration,
        /// What was seen last.
        last: String,
        /// The last lines it wrote.
        tail: Vec<String>,
    },
}

/// The log's tail as the end of a message.
fn log(tail: &[String]) -> String {
    if tail.is_empty() {
        return "; it wrote nothing".into();
    }
    format!("; its last lines:\n  {}", tail.join("\n  "))
}
