//! Chain faults: what happens on a chain, or to it, on purpose.

mod action;
mod cancel;
mod error;
mod lasting;
mod memory;
mod mining;
mod node;
mod pool;
mod sender;
mod storage;
mod token;

pub use action::{ChaosAction, ChaosAnswer, MiningOrder, SignedTransfer, TokenCode};
pub use cancel::{cancel_digest, sign_cancel};
pub use error::ChaosError;
pub use memory::run_in_memory;
pub use node::Chaos;
