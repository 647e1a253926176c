//! x402 messages, version 1 and 2, as the wire shows them.
//!
//! Reading is lossless: raw bytes, then a JSON value, then a typed view, so that a missing field, a wrong type and a
//! wrong value stay three different findings. Writing can emit any invalid message on purpose.
//! This crate knows neither tokio nor HTTP.

pub mod challenge;
pub mod eip3009;
pub mod facilitator;
pub mod header;
pub mod network;
pub mod offer_receipt;
pub mod payment;
pub mod permit2;
pub mod problem;
pub mod settlement;
pub mod sign_in;
pub mod signing;
pub mod upto;
pub mod version;
pub mod write;

pub use challenge::{Challenge, Requirement, Terms};
pub use eip3009::{Authorization, TokenDomain};
pub use network::Network;
pub use payment::Payment;
pub use permit2::UptoPermit;
pub use problem::{Problem, ProblemKind};
pub use settlement::Settlement;
pub use signing::{PayerKey, Signature};
pub use upto::UptoTerms;
pub use version::Version;
