//! The checks: one file per section of the catalogue, one registry. Pure: no clock, no I/O.

pub mod challenge_v1;
pub mod challenge_v2;
pub mod check;
pub mod facilitator_requests;
pub mod flow;
pub mod judged;
pub mod outcome;
pub mod payment_header;
pub mod registry;
pub mod replay;
pub mod run;
pub mod scheme_network;
pub mod selection;
pub mod settlement_header;
pub mod terms;
#[cfg(test)]
mod tests;
mod unpaid;

pub use check::{Check, Grade, Grading, Level, Need, Role};
pub use judged::Judged;
pub use outcome::{Finding, Outcome};
pub use registry::{CHECKS, find};
pub use run::{Parts, result_of, run_check, run_parts, whole};
pub use selection::select;
