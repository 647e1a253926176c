//! What `up` keeps running and a `run` attaches to: facilitator, control API, RPC proxy, chains.
//!
//! A run that starts its own service still talks to it through the control API: one code path, always exercised.

mod chains;
mod chaos;
mod client;
mod client_chaos;
mod client_defects;
mod client_personality;
mod client_senders;
mod control;
mod error;
mod loopback;
mod ports;
mod senders;
mod start;
mod wire;

pub use chains::{ChainUsed, SIGNERS, SIGNERS_MAX};
pub use client::{ControlClient, ControlError};
pub use error::ServiceError;
pub use ports::PortRequest;
pub use senders::{SenderState, Senders, Spent};
pub use start::{Service, ServiceOptions};
pub use wire::{
    FundRequest, GasRequest, NetworkAnswer, NetworkRequest, ServiceState, TokenRequest,
};
