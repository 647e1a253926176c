//! One payment of a load: a compact line in place of its exchanges and calls.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// A payment that was sent under load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadPayment {
    /// Who signed it.
    pub payer: Address,
    /// Its nonce.
    pub nonce: B256,
    /// What it was for: a part of the mix.
    pub part: String,
    /// Microseconds from the first arrival of the load to the moment it was due.
    pub due_us: u64,
    /// To the moment it was first sent.
    pub sent_us: u64,
    /// To the last answer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_us: Option<u64>,
    /// Status of the answer that delivered, else of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Requests that carried it.
    pub sent: u8,
    /// Answers with the paid content.
    pub grants: u8,
    /// Transfers of its authorization.
    pub transfers: u8,
    /// Transaction of the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
}
