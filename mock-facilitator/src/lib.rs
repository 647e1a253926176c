//! A correct, strict x402 facilitator for tests: verifies, settles on a chain or in a memory ledger, records every call.
//!
//! Not for production: its keys are public.
//!
//! [`Facilitator`] holds the ledgers and the event log; [`router`] is the protocol port, [`control_router`] the
//! control port, [`serve`] runs either until told to stop. What goes wrong on purpose is in [`faults`], [`holds`]
//! and [`defects`]; [`serve_facilitator`] runs the protocol port so that all of it works.

mod answer;
mod connection;
pub mod control;
pub mod defects;
pub mod event;
pub mod facilitator;
pub mod faults;
pub mod holds;
mod http;
pub mod ledger;
pub mod log;
mod nearest;
pub mod personality;
mod plain;
pub mod refusal;
mod request;
mod restart;
mod serve;
mod settle;
mod supported;
mod tally;
mod upto;
mod verify;

pub use connection::Connection;
pub use control::control_router;
pub use defects::{Defect, DefectSet};
pub use event::{
    AuthorizationKey, CallStep, Endpoint, FacilitatorEvent, LedgerRecord, Movement, ReleaseCause,
};
pub use facilitator::{Facilitator, Options};
pub use faults::{Fault, FaultSpec, FaultView, Faults, Match, Nth, ODD_BODIES, Payers};
pub use holds::{HoldSpec, HoldView, Release};
pub use http::router;
pub use ledger::{
    EvmLedger, EvmOptions, Ledger, LedgerError, LedgerKind, MemoryLedger, PermitLedger,
    PermitRules, SettleOutcome, SignedAuthorization, SignedPermit, dev_signers,
};
pub use log::{EventLog, EventPage, LogLimits};
pub use personality::Personality;
pub use refusal::Refusal;
pub use restart::Ending;
pub use serve::{serve, serve_facilitator};
pub use supported::SOLANA_FEE_PAYER;
pub use tally::{CallTally, EndpointTally, Recording, Times};
