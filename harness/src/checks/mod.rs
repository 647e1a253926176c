//! The checks: one file per section of the catalogue, one registry. Pure: no clock, no I/O.

mod batch;
pub mod challenge_notes;
pub mod challenge_offers;
pub mod challenge_true;
pub mod challenge_v1;
pub mod challenge_v2;
pub mod check;
mod extensions;
pub mod facilitator_requests;
pub mod flow;
pub mod handler;
pub mod inside;
pub mod judged;
mod leaks;
mod offered;
mod other_schemes;
pub mod outcome;
pub mod payment_header;
pub mod privacy;
pub mod privacy_requests;
pub mod refusal_challenge;
pub mod registry;
pub mod replay;
pub mod run;
pub mod scheme_network;
pub mod selection;
pub mod settle_refused;
pub mod settle_trouble;
pub mod settlement_header;
pub mod terms;
#[cfg(test)]
mod tests;
mod troubled;
mod unpaid;

pub use check::{Check, Grade, Grading, Level, Need, Role};
pub use judged::Judged;
pub use outcome::{Finding, Outcome};
pub use registry::{CHECKS, find, is_shown_by_histories};
pub use run::{result_of, run_check};
pub use selection::select;
