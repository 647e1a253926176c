//! The history of a run: append-only events, the only thing that judges look at.

pub mod bodies;
pub mod canary;
pub mod case_ran;
pub mod direct;
pub mod event;
pub mod exchange;
pub mod facilitator_call;
pub mod facts;
pub mod har;
#[cfg(test)]
mod har_tests;
mod load_payment;
pub mod observation;
pub mod reader;
mod readings;
pub mod recorder;
#[cfg(test)]
mod recorder_tests;
#[cfg(test)]
pub(crate) mod script;
mod signed_line;

pub use direct::DirectCall;
pub use event::{Event, What};
pub use exchange::Exchange;
pub use facilitator_call::FacilitatorCall;
pub use facts::{Advert, Facts};
pub use load_payment::LoadPayment;
pub use reader::{Damage, History, ReadError};
pub use recorder::{Limits, Recorder, RecorderError, Redactor};
