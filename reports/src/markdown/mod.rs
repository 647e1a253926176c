//! The report as Markdown of at most 60 kB, to be pasted into an issue or a pull request as it is.

pub(crate) mod escape;
mod findings;
pub mod issue;
mod load;
mod page;
mod scenarios;
mod summary;

use crate::model::Report;

/// Largest rendering, in bytes: an issue takes 65,536 characters.
pub const BYTES_MAX: usize = 60_000;

/// The whole report. What does not fit is counted, and `report.json` named as its place.
pub fn render(report: &Report) -> String {
    let all = crate::finding::findings(report);
    let mut page = page::Page::new(BYTES_MAX);
    summary::render(&mut page, report);
    load::render(&mut page, report);
    findings::render(&mut page, report, &all);
    summary::render_tail(&mut page, report);
    page.finish()
}
