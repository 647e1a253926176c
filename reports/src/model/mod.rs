//! The report model, version 1 (`report.json`).

mod books;
mod checks;
mod expectations;
pub mod load;
mod run;
mod scenarios;

pub use books::{BookRow, Money, PhaseLatency};
pub use checks::{CheckResult, Evidence, InvariantResult, Verdict, Violation};
pub use expectations::{ExpectationNote, Expectations, Expected};
pub use load::LoadReport;
pub use run::{Control, Controls, Counts, Fidelity, Report, RunVerdict, Target};
pub use scenarios::{CaseResult, Minimised, Repeated, ScenarioFinding, ScenarioResult};

/// Schema number of this model.
pub const SCHEMA: u32 = 1;

/// Most rows of the books that a report keeps.
pub const BOOKS_MAX: usize = 10_000;
