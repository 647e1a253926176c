//! Reading a profile file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::TargetProfile;
use super::decode::decode;
use crate::config::expand::{Lookup, expand};
use crate::config::yaml::{self, FILE_BYTES_MAX, ProblemList, Problems};

/// Why a profile could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read the target profile {path}: {source}")]
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

impl ProfileError {
    /// One line for each thing wrong.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Unreadable { .. } => vec![self.to_string()],
            Self::Problems(list) => list.lines(),
        }
    }
}

/// Reads and checks a profile file; `shown` is how messages name it.
pub fn load(path: &Path, shown: &str, lookup: Lookup<'_>) -> Result<TargetProfile, ProfileError> {
    let unreadable = |source| ProfileError::Unreadable {
        path: shown.into(),
        source,
    };
    let mut bytes = Vec::new();
    // One byte over the limit is enough for the reader to refuse the file.
    let limit = u64::try_from(FILE_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    File::open(path)
        .map_err(unreadable)?
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let problems = Problems::new(shown);
            let good = error.utf8_error().valid_up_to();
            problems.of_file(format!(
                "is not UTF-8 text (byte {good}); is this the right file?"
            ));
            return Err(problems.into_list().into());
        }
    };
    let base_dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    Ok(parse(
        &text,
        shown,
        base_dir.unwrap_or(Path::new(".")),
        lookup,
    )?)
}

/// Checks the text of a profile; relative paths in it start from `base_dir`.
pub fn parse(
    text: &str,
    shown: &str,
    base_dir: &Path,
    lookup: Lookup<'_>,
) -> Result<TargetProfile, ProblemList> {
    let problems = Problems::new(shown);
    let profile = yaml::parse(text, &problems).and_then(|mut root| {
        expand(&mut root, lookup, &problems);
        decode(&root, base_dir, &problems)
    });
    problems.finish(profile)
}
