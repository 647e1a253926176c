//! A ledger in this process.

mod ledger;
mod permits;
mod state;
mod steer;

pub use ledger::{MemoryLedger, MintError};
