//! A ledger in this process.

mod blocks;
mod ledger;
mod permits;
mod state;
mod steer;

pub use ledger::{MemoryLedger, MintError};
