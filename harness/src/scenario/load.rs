//! Reading scenario files from disk.

use std::io;
use std::path::{Path, PathBuf};

use super::Scenario;
use super::parse::FILE_BYTES_MAX;
use crate::config::yaml::{self, ProblemList};

/// Why a scenario could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario {path}: {source}")]
    Unreadable {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file was read and is wrong; every problem with its line and column.
    #[error(transparent)]
    Problems(#[from] ProblemList),
}

impl ScenarioError {
    /// One line for each thing wrong.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Unreadable { .. } => vec![self.to_string()],
            Self::Problems(list) => list.lines(),
        }
    }
}

/// Reads and checks one scenario file; `shown` is how messages name it.
///
/// # Errors
/// When it cannot be read, or with every problem it has.
pub fn load(path: &Path, shown: &str) -> Result<Scenario, ScenarioError> {
    let bytes =
        yaml::read_bounded(path, FILE_BYTES_MAX).map_err(|source| ScenarioError::Unreadable {
            path: shown.into(),
            source,
        })?;
    let text = yaml::utf8(bytes, shown)?;
    Ok(Scenario::parse(&text, shown)?)
}
