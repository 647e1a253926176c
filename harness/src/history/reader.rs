//! Reading a saved history back, up to the first damage.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use x402_assay_reports::text;

use super::event::{Event, What};

/// This version, as it is written into every history.
const OUR_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Longest line that is read; the longest the recorder writes is a 64 KiB body with every byte escaped.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// Most bytes that are read.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// A history that was read back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The events before the damage, or all of them.
    pub events: Vec<Event>,
    /// Where reading stopped, if it did not reach the end.
    pub damage: Option<Damage>,
}

/// The place where a history is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub cause: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "damaged at line {}: {}", self.line, self.cause)
    }
}

/// Why nothing of a history could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read the history {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds no event.
    #[error("{path} holds no history: {cause}; name a history.jsonl written by a run")]
    NoHistory {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        cause: String,
    },
}

/// Reads a history file; what comes before a damaged line is kept.
///
/// # Errors
/// When the file cannot be read, or not even its first line is an event.
pub fn read(path: &Path) -> Result<History, ReadError> {
    let io_error = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(io_error)?;
    let history = read_from(BufReader::new(file.take(MAX_FILE_BYTES))).map_err(io_error)?;
    if history.events.is_empty() {
        let cause = history
            .damage
            .map_or_else(|| "it is empty".to_owned(), |damage| damage.to_string());
        return Err(ReadError::NoHistory {
            path: path.to_owned(),
            cause,
        });
    }
    Ok(history)
}

/// Reads events line by line until the end or the first damage.
///
/// # Errors
/// When the source itself fails.
pub fn read_from(mut source: impl BufRead) -> io::Result<History> {
    let mut history = History::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = (&mut source)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(history);
        }
        match parse(&line, history.events.len() as u64) {
            Ok(event) => history.events.push(event),
            Err(cause) => {
                let cause = format!("{cause}{}", other_version(&history.events));
                history.damage = Some(Damage {
                    line: history.events.len() + 1,
                    cause,
                });
                return Ok(history);
            }
        }
    }
}

/// A line that cannot be read may be whole, in the words of another version: the history's first events tell which.
fn other_version(events: &[Event]) -> String {
    let written = events.iter().find_map(|event| match &event.what {
        What::RunStarted(run) => Some(run.bench_version.as_str()),
        _ => None,
    });
    match written {
        Some(version) if version != OUR_VERSION => format!(
            " (written by x402-assay {}, and this is {OUR_VERSION}: read it with that version)",
            text::line(version, 40)
        ),
        _ => String::new(),
    }
}

fn parse(line: &[u8], expected: u64) -> Result<Event, String> {
    let Some(text) = line.strip_suffix(b"\n") else {
        return Err("the line is cut off".to_owned());
    };
    let event: Event = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if event.seq == expected {
        Ok(event)
    } else {
        Err(format!(
            "event {} stands where {expected} belongs",
            event.seq
        ))
    }
}
