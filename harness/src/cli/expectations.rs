//! The expectations file of a call: found, read, and written anew where that was asked for.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use x402_assay_reports::Report;

use super::exit::Exit;
use super::output;
use super::print;
use super::run::shown_path;
use crate::config::yaml::{self, FILE_BYTES_MAX};
use crate::expectations::{self, Day, Expectations, FILE};
use crate::verdict::expected::{Survey, updated};

/// Reads the file that was named, or the usual one where it is there. `None` when there is none.
///
/// `or_new` lets a file that does not exist be an empty one; `scenarios` are the run's own.
pub(super) fn read(
    named: Option<&Path>,
    or_new: bool,
    scenarios: &[String],
) -> Result<Option<Expectations>, Exit> {
    let path = named.map_or_else(|| PathBuf::from(FILE), Path::to_owned);
    let shown = shown_path(&path);
    let bytes = match yaml::read_bounded(&path, FILE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && or_new => {
            return Ok(Some(Expectations {
                file: shown,
                entries: Vec::new(),
            }));
        }
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return Ok(None),
        Err(error) => {
            print::message(&format!(
                "error: --expectations: {shown} cannot be read: {error}"
            ));
            return Err(Exit::Usage);
        }
    };
    let read =
        yaml::utf8(bytes, &shown).and_then(|text| expectations::parse(&text, &shown, scenarios));
    read.map(Some).map_err(|problems| {
        for problem in problems.lines() {
            print::message(&format!("error: {problem}"));
        }
        Exit::Usage
    })
}

/// Writes the file anew after a run; what it holds then. An error is a run that may not decide what is expected.
pub(super) fn update(
    named: Option<&Path>,
    old: &Expectations,
    (report, survey): (&Report, &Survey),
) -> Result<Expectations, String> {
    if report.interrupted {
        return Err("the run was stopped before its end; run it again to the end".to_owned());
    }
    if !report.controls.positive.held {
        return Err(format!(
            "no good payment was accepted in this run, so it shows little: {}",
            report.controls.positive.detail
        ));
    }
    let today = Day::of_unix_us(report.started_unix_s.saturating_mul(1_000_000));
    let (new, changes) = updated(old, survey, today);
    let path = named.map_or_else(|| PathBuf::from(FILE), Path::to_owned);
    output::write_file(&path, &expectations::text(&new)).map_err(|error| error.to_string())?;
    let said = [
        ("added, give each a reason", &changes.added),
        ("dropped, they held", &changes.dropped),
        (
            "kept without their last day, which is over",
            &changes.renewed,
        ),
    ];
    for (what, names) in said.into_iter().filter(|(_, names)| !names.is_empty()) {
        print::message(&format!("{}: {what}: {}", new.file, names.join(", ")));
    }
    if changes == crate::verdict::expected::Changes::default() {
        print::message(&format!("{}: nothing changed", new.file));
    }
    Ok(new)
}
