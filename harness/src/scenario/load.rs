//! Reading scenario files from disk.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Scenario;
use super::parse::FILE_BYTES_MAX;
use crate::config::yaml::{ProblemList, Problems};

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
    let unreadable = |source| ScenarioError::Unreadable {
        path: shown.into(),
        source,
    };
    let mut bytes = Vec::new();
    // One byte over the limit is enough for the parser to refuse the file.
    let limit = u64::try_from(FILE_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    File::open(path)
        .map_err(unreadable)?
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let problems = Problems::new(shown);
        let good = error.utf8_error().valid_up_to();
        problems.of_file(format!(
            "is not UTF-8 text (byte {good}); is this the right file?"
        ));
        problems.into_list()
    })?;
    Ok(Scenario::parse(&text, shown)?)
}
