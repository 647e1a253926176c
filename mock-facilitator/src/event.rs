//! What the facilitator records of every call.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// One thing that happened at the facilitator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacilitatorEvent {
    /// Position in this facilitator's log, from 0, without gaps.
    pub seq: u64,
    /// Unix time in microseconds.
    pub at_us: u64,
    /// Number of the call it belongs to.
    pub call: u64,
    /// What happened.
    pub what: CallStep,
}

/// Step of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum CallStep {
    /// A request arrived whole.
    Received {
        /// Which endpoint.
        endpoint: Endpoint,
        /// Whose authorization, when the body names one.
        authorization: Option<AuthorizationKey>,
        /// The request body as text (lossy UTF-8, bounded).
        body: String,
    },
    /// A settlement transaction was broadcast.
    Broadcast {
        /// Its hash.
        transaction: B256,
    },
    /// That transaction was mined.
    Mined {
        /// Its hash.
        transaction: B256,
        /// Receipt status: true is 1.
        success: bool,
    },
    /// The answer was handed to the connection.
    Answered {
        /// HTTP status.
        status: u16,
        /// The answer's body as text.
        body: String,
        /// True when an injected fault lied about the outcome.
        lied: bool,
    },
    /// The connection was cut; there is no answer. A call ends with this or with `answered`.
    Cut,
    /// An injected fault took effect.
    Fault {
        /// Its name.
        fault: String,
        /// What it is: the word of its kind.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        kind: String,
    },
    /// The call was parked.
    Held {
        /// Name of the hold.
        hold: String,
    },
    /// The parked call goes on.
    Released {
        /// Name of the hold.
        hold: String,
        /// Its place in the order of release, from 1.
        position: u32,
        /// Calls released in the same round.
        of: u32,
        /// Why now.
        cause: ReleaseCause,
    },
}

/// Why parked calls were released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseCause {
    /// As many as wanted were in flight.
    Count,
    /// Nothing more came for a while.
    Quiet,
    /// The first had waited as long as is allowed.
    Deadline,
    /// The hold was removed.
    Removed,
}

/// Endpoint of the facilitator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// `POST /verify`
    Verify,
    /// `POST /settle`
    Settle,
    /// `GET /supported`
    Supported,
    /// Anything else.
    Other,
}

/// What makes an authorization unique: the token consumes (payer, nonce) once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuthorizationKey {
    /// `from` of the authorization.
    pub payer: Address,
    /// Its nonce.
    pub nonce: B256,
    /// Token contract named by the payment requirements.
    pub asset: Address,
    /// EIP-155 chain id named by the payment requirements.
    pub chain_id: u64,
}

/// One entry read from a ledger: what really moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRecord {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Block number.
    pub block: u64,
    /// Transaction hash.
    pub transaction: B256,
    /// Position of the log in its block.
    pub log_index: u64,
    /// Token contract that emitted it.
    pub asset: Address,
    /// What the log says.
    pub what: Movement,
}

/// A log of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "log", rename_all = "snake_case")]
pub enum Movement {
    /// `Transfer(from, to, value)`
    Transfer {
        /// Sender.
        from: Address,
        /// Recipient.
        to: Address,
        /// Base units, decimal.
        value: alloy_primitives::U256,
    },
    /// `AuthorizationUsed(authorizer, nonce)`
    AuthorizationUsed {
        /// Payer.
        payer: Address,
        /// Nonce.
        nonce: B256,
    },
    /// A permit's nonce was used. Permit2 logs nothing of the kind: only a memory ledger notes it.
    PermitUsed {
        /// Payer.
        payer: Address,
        /// Nonce, as 32 bytes.
        nonce: B256,
    },
    /// `AuthorizationCanceled(authorizer, nonce)`
    AuthorizationCanceled {
        /// Payer.
        payer: Address,
        /// Nonce.
        nonce: B256,
    },
}

/// A transaction as the ledger knows it at a named block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRecord {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Transaction hash.
    pub transaction: B256,
    /// Block it was mined in.
    pub block: u64,
    /// Receipt status: true is 1.
    pub success: bool,
    /// Account that sent it, where the ledger tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
}
