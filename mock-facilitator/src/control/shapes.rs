//! Bodies of the control API, for both ends. Events travel as [`crate::log::EventPage`], transactions as
//! [`crate::event::TransactionRecord`].

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::event::LedgerRecord;
use crate::ledger::LedgerKind;

/// How the control API names itself: an attaching bench looks for it.
pub const SERVICE: &str = "x402-assay";

/// `GET /health`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// [`SERVICE`].
    pub service: String,
    /// Version of the crate.
    pub version: String,
}

/// `GET /state`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The chains it settles on.
    pub networks: Vec<NetworkState>,
    /// Accounts that send settlements, over all chains.
    pub signers: Vec<Address>,
    /// Calls so far.
    pub calls: CallCounts,
    /// Events logged so far.
    pub events: u64,
    /// Events dropped to keep the log bounded.
    pub events_dropped: u64,
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkState {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// What the ledger is made of.
    pub kind: LedgerKind,
}

/// Calls per endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCounts {
    /// `/verify`
    pub verify: u64,
    /// `/settle`
    pub settle: u64,
    /// `/supported`
    pub supported: u64,
}

/// `GET /ledger/{chain_id}/records?from_block=N&to_block=M`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Newest block; the records end there or at `to_block`.
    pub head: u64,
    /// Token logs, in order.
    pub records: Vec<LedgerRecord>,
}

/// `GET /ledger/{chain_id}/balance?asset=ADDRESS&owner=ADDRESS`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Base units, decimal.
    pub balance: String,
}

/// `GET /ledger/{chain_id}/nonces`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNonces {
    /// One entry a signer.
    pub nonces: Vec<AccountNonce>,
}

/// How far one account got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNonce {
    /// The account.
    pub signer: Address,
    /// Transactions it has had mined.
    pub nonce: u64,
}

/// Body of every answer that is not 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlError {
    /// What is wrong.
    pub error: String,
}
