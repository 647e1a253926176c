//! Reading a profile file.

use std::io;
use std::path::{Path, PathBuf};

use super::TargetProfile;
use super::decode::decode;
use crate::config::expand::{Lookup, expand};
use crate::config::yaml::{self, FILE_BYTES_MAX, Node, ProblemList, Problems};

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

/// Checks a profile that stands inside another file.
pub(crate) fn from_node(
    node: &Node,
    base_dir: &Path,
    lookup: Lookup<'_>,
    problems: &Problems,
) -> Option<TargetProfile> {
    let mut node = node.clone();
    expand(&mut node, lookup, problems);
    decode(&node, base_dir, problems)
}

/// Reads and checks a profile file; `shown` is how messages name it.
pub fn load(path: &Path, shown: &str, lookup: Lookup<'_>) -> Result<TargetProfile, ProfileError> {
    let bytes =
        yaml::read_bounded(path, FILE_BYTES_MAX).map_err(|source| ProfileError::Unreadable {
            path: shown.into(),
            source,
        })?;
    let text = yaml::utf8(bytes, shown)?;
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
