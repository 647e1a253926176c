//! The report on a terminal: the result in ten lines, then the findings, then what explains them.

mod details;
mod head;
mod load;
mod page;
mod scenarios;

use crate::model::Report;

/// How to render for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Use ANSI colours.
    pub color: bool,
    /// Columns to wrap at; the first line is never wrapped.
    pub width: usize,
    /// Also list what passed, all evidence and the latencies.
    pub verbose: bool,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self {
            color: false,
            width: 100,
            verbose: false,
        }
    }
}

/// The whole report; ends with a line break.
pub fn render(report: &Report, options: TerminalOptions) -> String {
    let mut page = page::Page::new(options);
    let findings = crate::finding::findings(report);
    head::render(&mut page, report, &findings);
    load::render(&mut page, report);
    details::render(&mut page, report, &findings);
    page.finish()
}
