//! The checks: one file per section of the catalogue, one registry. Pure: no clock, no I/O.

pub mod challenge_v1;
pub mod challenge_v2;
pub mod check;
pub mod facilitator_requests;
pub mod flow;
pub mod header_forms;
pub mod http_browser;
pub mod http_cache;
pub mod http_messages;
pub mod http_methods;
pub mod judged;
pub mod outcome;
pub mod paths;
pub mod payment_header;
mod recorded;
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
pub use run::{result_of, run_check};
pub use selection::select;
