//! What a load on a facilitator showed of the accounts that settle.

use serde::{Deserialize, Serialize};

/// Transactions of a facilitator's accounts over a load, and what they left behind at rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FacilitatorFigures {
    /// Accounts that settle, as `/supported` and the profile name them.
    pub signers: u64,
    /// Their transactions that were mined.
    pub transactions: u64,
    /// Of them, those with receipt status 0: gas for nothing.
    pub reverted: u64,
    /// The same as a share of the mined ones, 0 to 1; absent where nothing was mined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted_share: Option<f64>,
    /// Gas of all their transactions for each authorization that settled; absent where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gas_per_settlement: Option<f64>,
    /// Accounts whose transactions still waited when everything else was at rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account_gaps: Vec<AccountGap>,
}

/// An account with transactions that wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountGap {
    /// The account.
    pub account: String,
    /// Transactions it has had mined.
    pub latest: u64,
    /// The same, with those that wait and can be mined.
    pub pending: u64,
    /// Transactions that wait behind an account nonce that nobody used.
    pub stuck: u64,
}
