//! A ledger in this process.

mod ledger;
mod state;

pub use ledger::{MemoryLedger, MintError};
