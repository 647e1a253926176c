//! A ledger on an EVM chain behind an HTTP RPC URL.

mod abi;
mod accounts;
mod head;
mod lane;
mod ledger;
mod mined;
mod pending;
mod records;
mod rpc;
mod settle;

pub use accounts::dev_signers;
pub use ledger::{EvmLedger, EvmOptions};
