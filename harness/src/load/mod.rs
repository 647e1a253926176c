//! Load: what is sent when, what is demanded of it, and the engine that does it.

mod aim;
mod answers;
pub mod arrivals;
mod audit;
#[cfg(test)]
mod audit_tests;
mod blocks;
mod connection;
mod cpu;
pub mod crowd;
pub(crate) mod descriptors;
pub(crate) mod desk;
mod drive;
mod engine;
#[cfg(test)]
mod engine_tests;
pub mod fault;
mod figures;
mod injecting;
mod journey;
mod kept;
mod limits;
#[cfg(test)]
mod limits_tests;
mod memory;
pub mod mix;
mod pacer;
mod payment;
mod payment_step;
pub mod plan;
mod quote;
mod read;
mod recovery;
mod rest;
mod result;
mod run;
mod sale;
pub mod schedule;
mod search;
mod search_run;
mod series;
mod shard;
pub mod sheet;
mod tally;
#[cfg(test)]
mod tests;
mod text;
pub mod thresholds;
mod timer;
pub mod times;
pub mod users;
pub mod words;

pub use arrivals::{Arrivals, RATE_MAX, Segment, Step};
pub(crate) use audit::{Held, Totals};
pub(crate) use desk::AtFacilitator;
pub use fault::{FaultKind, LoadFault};
pub use mix::{Mix, Part, Shares};
pub use payment_step::PaymentStep;
pub use plan::{Closed, Connections, LoadPlan, Pace, Signing};
pub(crate) use run::{Field, OnChain, Ran, run};
pub(crate) use search_run::search;
pub use sheet::{LoadSheet, SheetPace};
pub use thresholds::Threshold;
pub use users::{Journey, Users};
