//! `report.json`: stable, pretty, and readable again.

use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

use crate::model::{Report, SCHEMA};

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text ends before the JSON does.
    #[error(
        "the report ends early, at line {line} column {column}: the file is truncated, run again to get a whole one"
    )]
    Truncated {
        /// Line at which it ends, from 1.
        line: usize,
        /// Column at which it ends, from 1.
        column: usize,
    },
    /// The text is no JSON.
    #[error("the report is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// JSON that is no report of this tool.
    #[error("the file is no x402-assay report: {0}")]
    NotAReport(String),
    /// Written by a later version of this tool.
    #[error(
        "the report has schema {found} and this version reads up to {SCHEMA}: update x402-assay to read it"
    )]
    NewerSchema {
        /// The schema number found.
        found: u64,
    },
    /// The right schema number, and members that do not fit it.
    #[error("the report does not fit schema {SCHEMA}: {0}")]
    Shape(serde_json::Error),
}

/// Only what tells whether the rest can be read.
#[derive(Deserialize)]
struct Head {
    schema: Option<Value>,
}

/// The report as pretty JSON with a final line break; members always come in the model's order.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report)
        .expect("the model has string keys and no fallible serializer");
    text.push('\n');
    text
}

/// Reads a report back.
///
/// # Errors
/// Says whether the text is truncated, no JSON, no report, too new, or does not fit its schema.
pub fn read(text: &str) -> Result<Report, ReadError> {
    let head: Head = serde_json::from_str(text).map_err(head_error)?;
    match head.schema.as_ref().map(|schema| (schema, schema.as_u64())) {
        None => Err(ReadError::NotAReport("it has no `schema`".to_owned())),
        Some((_, Some(found))) if found > u64::from(SCHEMA) => {
            Err(ReadError::NewerSchema { found })
        }
        Some((_, Some(found))) if found == u64::from(SCHEMA) => {
            serde_json::from_str(text).map_err(ReadError::Shape)
        }
        Some((schema, _)) => Err(ReadError::NotAReport(format!(
            "its `schema` is {}, and schema numbers start at 1",
            crate::text::line(&schema.to_string(), 60)
        ))),
    }
}

fn head_error(error: serde_json::Error) -> ReadError {
    match error.classify() {
        Category::Eof => ReadError::Truncated {
            line: error.line(),
            column: error.column(),
        },
        Category::Data => ReadError::NotAReport("it is not a JSON object".to_owned()),
        Category::Syntax | Category::Io => ReadError::NotJson(error),
    }
}
