//! Why a run cannot even begin.

use crate::history::RecorderError;
use crate::http::SetupError;
use crate::runner::NotOurs;
use crate::service::ServiceError;

/// A run that did not begin: nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The user's choice of flags, ports, files or tools.
    #[error("{0}")]
    Usage(String),
    /// A defect of the bench.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<NotOurs> for BenchError {
    fn from(error: NotOurs) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<SetupError> for BenchError {
    fn from(error: SetupError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<RecorderError> for BenchError {
    fn from(error: RecorderError) -> Self {
        Self::Usage(format!("--out: {error}"))
    }
}

impl From<ServiceError> for BenchError {
    fn from(error: ServiceError) -> Self {
        Self::Usage(error.to_string())
    }
}
