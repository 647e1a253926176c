//! Where money moves: one contract, an in-process ledger and an EVM chain behind it.

mod api;
mod authorization;
mod evm;
mod memory;
mod permit;

pub use api::{Ledger, LedgerError, LedgerKind, OnStep, SettleOutcome, SettleStep};
pub use authorization::SignedAuthorization;
pub use evm::{EvmLedger, EvmOptions, dev_signers};
pub use memory::{MemoryLedger, MintError};
pub use permit::{PermitLedger, PermitRules, SignedPermit};
