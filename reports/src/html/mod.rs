//! The report as one HTML page: no network, light and dark, usable by keyboard and screen reader.
//!
//! Every text of the report goes through [`text::line`](crate::text::line) and maud's escaping. As a second wall, the
//! page's own content security policy names the hash of its one script: nothing else can run.

mod books;
mod checks;
mod findings;
mod head;
mod latency;
mod load;
mod scenarios;
mod sequence;
mod shell;

use maud::html;

use crate::finding::findings;
use crate::model::Report;

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
    shell::page(report, &body).into_string()
}
