//! Report files. Each is written whole or not at all, so that a full disk leaves the last good one.

use std::path::{Path, PathBuf};

use x402_assay_reports::{Report, json, markdown};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub(super) struct WriteError {
    path: PathBuf,
    cause: std::io::Error,
}

/// Creates the report folder.
pub(super) fn folder(out: &Path) -> Result<(), WriteError> {
    std::fs::create_dir_all(out).map_err(|cause| WriteError {
        path: out.to_owned(),
        cause,
    })
}

/// Writes `report.json` and `report.md`; tries both, tells the first trouble.
pub(super) fn write(out: &Path, report: &Report) -> Result<(), WriteError> {
    let files = [
        ("report.json", json::render(report)),
        ("report.md", markdown::render(report)),
    ];
    let written = files.map(|(name, text)| write_file(&out.join(name), &text));
    written.into_iter().collect()
}

pub(super) fn write_file(path: &Path, text: &str) -> Result<(), WriteError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = std::fs::write(&partial, text).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|cause| {
        // Nothing half-written stays behind; the first error is the one that counts.
        let _ = std::fs::remove_file(&partial);
        WriteError {
            path: path.to_owned(),
            cause,
        }
    })
}
