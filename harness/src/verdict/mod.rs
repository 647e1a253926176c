//! From judged checks and invariants to the run's verdict and its report. Pure: no clock, no I/O.

mod books;
pub mod controls;
pub mod diagnosis;
pub mod expected;
mod facilitator_controls;
mod facilitator_diagnosis;
mod latency;
pub(crate) mod load;
mod report;
mod run_verdict;
mod scenarios;
mod summary;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_selection;
mod whole;

pub use controls::{ControlState, VersionControls};
pub use report::{Judging, SPEC_REVISION, build_report};
pub use scenarios::{RoundJudged, judge_rounds};
pub use whole::{judge_history, survey_history};
