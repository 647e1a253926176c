//! A correct, strict x402 facilitator for tests: verifies, settles on a chain or in a memory ledger, records every call.
//!
//! Not for production: its keys are public.
//!
//! [`Facilitator`] holds the ledgers and the event log; [`router`] is the protocol port, [`control_router`] the
//! control port, [`serve`] runs either until told to stop.

pub mod control;
pub mod event;
pub mod facilitator;
mod http;
pub mod ledger;
pub mod log;
pub mod refusal;
mod request;
mod serve;
mod settle;
mod supported;
mod verify;

pub use control::control_router;
pub use event::{AuthorizationKey, CallStep, Endpoint, FacilitatorEvent, LedgerRecord, Movement};
pub use facilitator::{Facilitator, Options};
pub use http::router;
pub use ledger::{
    EvmLedger, EvmOptions, Ledger, LedgerError, LedgerKind, MemoryLedger, SettleOutcome,
    SignedAuthorization, dev_signers,
};
pub use log::{EventLog, EventPage, LogLimits};
pub use refusal::Refusal;
pub use serve::serve;
pub use supported::SOLANA_FEE_PAYER;
