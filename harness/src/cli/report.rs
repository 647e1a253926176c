//! `report`: renders a saved report or history in another format, without any network.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use x402_assay_reports::terminal::{self, TerminalOptions};
use x402_assay_reports::{Report, books_csv, github, html, json, junit, markdown, sarif};

use super::args::{Format, ReportOptions};
use super::exit::Exit;
use super::{output, print};
use crate::history::{Event, har, reader};
use crate::verdict::{self, Judging};

/// Largest report that is read; one with the most books has about 6 MB.
const REPORT_MAX_BYTES: u64 = 256 << 20;

/// How every line of a history begins.
const HISTORY_BEGINS: &[u8] = b"{\"seq\":";

/// What was read.
struct Input {
    report: Report,
    /// Absent when a report was read.
    history: Option<Vec<Event>>,
}

/// The verdict is not the exit code's business: it was told when the run ended, and `judge` tells it again.
pub(super) fn report(options: &ReportOptions) -> Exit {
    let done = read(&options.input)
        .and_then(|input| rendered(&input, options))
        .and_then(|text| put(&text, options));
    match done {
        Ok(()) => Exit::Ok,
        Err(problem) => {
            print::message(&format!("error: {problem}"));
            Exit::Usage
        }
    }
}

/// A report by its file, or by the folder that holds it.
pub(super) fn read_report(path: &Path) -> Result<Report, String> {
    let file = match path.is_dir() {
        true => path.join(usual_name(Format::Json)),
        false => path.to_owned(),
    };
    read(&file).map(|input| input.report)
}

fn read(path: &Path) -> Result<Input, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("cannot read {shown}: {error}");
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    (&mut file)
        .take(HISTORY_BEGINS.len() as u64)
        .read_to_end(&mut start)
        .map_err(failed)?;
    if start == HISTORY_BEGINS {
        return from_history(path);
    }
    file.rewind().map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(REPORT_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > REPORT_MAX_BYTES {
        let most = REPORT_MAX_BYTES >> 20;
        return Err(format!(
            "{shown} is larger than a report can be ({most} MiB)"
        ));
    }
    let hint = "name the report.json or the history.jsonl of a run";
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is no UTF-8 text: {hint}"))?;
    if text.trim().is_empty() {
        return Err(format!("{shown} is empty: {hint}"));
    }
    let report = json::read(&text).map_err(|error| match error {
        json::ReadError::NotAReport(_) | json::ReadError::NotJson(_) => {
            format!("{shown}: {error}; {hint}")
        }
        _ => format!("{shown}: {error}"),
    })?;
    Ok(Input {
        report,
        history: None,
    })
}

fn from_history(path: &Path) -> Result<Input, String> {
    let history = reader::read(path).map_err(|error| error.to_string())?;
    if let Some(damage) = &history.damage {
        print::message(&format!(
            "warning: {} is {damage}; it is judged up to there",
            path.display()
        ));
    }
    let judging = Judging::default();
    let report = verdict::judge_history(&history.events, history.damage.as_ref(), &judging);
    Ok(Input {
        report,
        history: Some(history.events),
    })
}

fn rendered(input: &Input, options: &ReportOptions) -> Result<String, String> {
    let report = &input.report;
    Ok(match options.format {
        Format::Terminal => terminal::render(report, TerminalOptions::default()),
        Format::Html => html::render(report),
        Format::Md => markdown::render(report),
        Format::Json => json::render(report),
        Format::Junit => junit::render(report, output::junit_options(options.fail_on)),
        Format::Sarif => sarif::render(report),
        Format::Github => github::render(report),
        Format::Csv => books_csv::render(report),
        Format::Har => match &input.history {
            Some(events) => har::render(events),
            None => {
                return Err(format!(
                    "--format har: {} holds no messages; name the history.jsonl beside it",
                    options.input.display()
                ));
            }
        },
    })
}

fn put(text: &str, options: &ReportOptions) -> Result<(), String> {
    let Some(out) = &options.out else {
        return print::result(text).map_err(|error| format!("stdout: {error}"));
    };
    let file: PathBuf = match out.is_dir() {
        true => out.join(usual_name(options.format)),
        false => out.clone(),
    };
    output::write_file(&file, text).map_err(|error| format!("--out: {error}"))
}

const fn usual_name(format: Format) -> &'static str {
    match format {
        Format::Terminal => "report.txt",
        Format::Html => "report.html",
        Format::Md => "report.md",
        Format::Json => "report.json",
        Format::Junit => "junit.xml",
        Format::Sarif => "report.sarif",
        Format::Github => "annotations.txt",
        Format::Csv => "books.csv",
        Format::Har => "report.har",
    }
}
