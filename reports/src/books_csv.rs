//! The books as CSV, for spreadsheets and scripts.

use crate::model::{BookRow, Report};
use crate::text;

/// Longest field, in characters.
const FIELD_MAX: usize = 500;

const HEAD: [&str; 13] = [
    "authorization",
    "probe",
    "wrong",
    "payer",
    "nonce",
    "value",
    "verify",
    "handler",
    "settle",
    "transfers",
    "grants",
    "transaction",
    "outcome",
];

/// One line per authorization under a line of names (RFC 4180).
pub fn render(report: &Report) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(HEAD).and_then(|()| {
        report
            .books
            .iter()
            .try_for_each(|row| writer.write_record(fields(row)))
    });
    written.expect("every record has as many fields, and memory does not fail");
    let bytes = writer.into_inner().expect("memory does not fail");
    String::from_utf8(bytes).expect("the fields are text")
}

fn fields(row: &BookRow) -> [String; 13] {
    [
        row.authorization.to_string(),
        field(&row.probe),
        field(row.wrong.as_deref().unwrap_or_default()),
        field(&row.payer),
        field(&row.nonce),
        field(&row.value),
        row.verify.to_string(),
        row.handler.map(|runs| runs.to_string()).unwrap_or_default(),
        row.settle.to_string(),
        row.transfers.to_string(),
        row.grants.to_string(),
        field(row.transaction.as_deref().unwrap_or_default()),
        field(&row.outcome),
    ]
}

/// A spreadsheet runs a field that begins like a formula: such a field gets an apostrophe.
fn field(value: &str) -> String {
    let line = text::line(value, FIELD_MAX);
    match line.starts_with(['=', '+', '-', '@']) {
        true => format!("'{line}"),
        false => line,
    }
}
