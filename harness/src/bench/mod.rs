//! One whole run, from options to report: services, target, exchanges, verdict. Prints nothing.

mod builtin;
mod copies;
mod error;
mod front;
mod launched_facilitator;
mod links;
mod load;
mod lone;
mod services;
mod start;
mod target;

pub use error::BenchError;
pub use load::{LoadBench, LoadOutcome, run as run_load};
pub use services::{Services, obtain, service_options};
pub use start::{Bench, HISTORY_FILE, Outcome, run};
