//! What Unix and Windows do differently, behind one set of names.

mod port;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub(crate) use self::port::HeldPort;
#[cfg(unix)]
pub(crate) use self::unix::*;
#[cfg(windows)]
pub(crate) use self::windows::*;

/// A command line as the system's shell takes it.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) program: &'static str,
    pub(crate) args: Vec<String>,
    /// What stands behind the arguments without being quoted as one; see [`raw_arg`].
    pub(crate) raw: Option<String>,
}

/// A program in one of these folders, as a shell would find it.
pub(crate) fn in_folders(folders: &OsStr, program: &str) -> Option<PathBuf> {
    std::env::split_paths(folders).find_map(|folder| in_folder(&folder, program))
}

/// A program in a folder, with the ending that programs have here.
fn in_folder(folder: &Path, program: &str) -> Option<PathBuf> {
    let endings = ENDINGS.iter();
    let mut files = endings.map(|ending| folder.join(format!("{program}{ending}")));
    files.find(|file| is_executable(file))
}
