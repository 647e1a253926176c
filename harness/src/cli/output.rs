//! Report files. Each is written whole or not at all, so that a full disk leaves the last good one.

use std::path::{Path, PathBuf};

use x402_assay_reports::junit::JunitOptions;
use x402_assay_reports::{Report, books_csv, html, json, junit, markdown, sarif};

use super::args::{Extra, FailOn};
use crate::history::{Event, har};

/// Files that are always written.
pub(super) const ALWAYS: [&str; 4] = ["report.json", "report.html", "report.md", "junit.xml"];

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub(super) struct WriteError {
    path: PathBuf,
    cause: std::io::Error,
}

/// What beside the report itself decides about the files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Files that were asked for.
    pub(super) also: &'a [Extra],
    /// What JUnit calls a failure.
    pub(super) fail_on: FailOn,
    /// The history that was judged, for HAR.
    pub(super) history: &'a [Event],
}

/// Creates the report folder.
pub(super) fn folder(out: &Path) -> Result<(), WriteError> {
    std::fs::create_dir_all(out).map_err(|cause| WriteError {
        path: out.to_owned(),
        cause,
    })
}

/// Writes the usual files and those that were asked for; tries all, tells the first trouble.
pub(super) fn write(out: &Path, report: &Report, wanted: &Wanted<'_>) -> Result<(), WriteError> {
    let mut first = Ok(());
    // One after the other: a rendering may be large.
    let mut put = |name: &str, text: String| {
        let written = write_file(&out.join(name), &text);
        if first.is_ok() {
            first = written;
        }
    };
    put("report.json", json::render(report));
    put("report.md", markdown::render(report));
    put(
        "junit.xml",
        junit::render(report, junit_options(wanted.fail_on)),
    );
    put("report.html", html::render(report));
    for extra in wanted.also {
        let text = match extra {
            Extra::Sarif => sarif::render(report),
            Extra::Csv => books_csv::render(report),
            Extra::Har => har::render(wanted.history),
        };
        put(name(*extra), text);
    }
    first
}

/// Warnings fail in JUnit where they fail the run.
pub(super) fn junit_options(fail_on: FailOn) -> JunitOptions {
    JunitOptions {
        fail_on_warn: fail_on == FailOn::Warn,
    }
}

/// The file's name.
pub(super) const fn name(extra: Extra) -> &'static str {
    match extra {
        Extra::Sarif => "report.sarif",
        Extra::Csv => "books.csv",
        Extra::Har => "report.har",
    }
}

/// Writes a file whole, or leaves what was there.
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
