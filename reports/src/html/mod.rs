//! The report as one HTML page: no network, light and dark, usable by keyboard and screen reader.
//!
//! Every text of the report goes through [`text::line`](crate::text::line) and maud's escaping. As a second wall, the
//! page's own content security policy names the hash of its one script: nothing else can run.

mod books;
mod checks;
mod findings;
mod head;
pub mod kill_matrix;
mod latency;
mod load;
mod scenarios;
mod sequence;
pub(crate) mod shell;

pub(crate) use head::line;
use maud::html;

use crate::finding::findings;
use crate::model::Report;
use crate::text;

/// The whole page.
pub fn render(report: &Report) -> String {
    let found = findings(report);
    let body = html! {
        (head::render(report))
        (load::render(report))
        (head::fix_first(report, &found))
        (head::expectations(report))
        (findings::render(report, &found))
        (scenarios::render(report))
        (checks::render(report))
        (checks::invariants(report))
        (books::render(report))
        (latency::render(report))
        (head::notes(report))
    };
    let title = format!(
        "{}: {} - x402-assay",
        head::word(report.verdict),
        text::line(&report.target.name, 80)
    );
    let frame = shell::Frame {
        title: &title,
        skip: ("#findings", "Skip to the findings"),
        bench_version: &report.bench_version,
        sources: html! { "Full messages are in " code { "history.jsonl" } ", the data of this page in " code { "report.json" } "." },
    };
    shell::page(&frame, &body).into_string()
}
