//! Money, the books, and latency as a run without load tells it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Money of the run; counts are authorizations, amounts base units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Authorizations that were signed honestly, to be paid.
    pub signed: usize,
    /// Authorizations with a matching Transfer.
    pub settled: usize,
    /// Authorizations for which the paid content came.
    pub granted: usize,
    /// Purchases charged more than once.
    pub double_charged: usize,
    /// Grants without a matching Transfer.
    pub unpaid_grants: usize,
    /// Settled and never granted.
    pub charged_without_service: usize,
    /// Authorizations that our own facilitator lied about; they are counted nowhere else.
    #[serde(default)]
    pub faulted: usize,
    /// Base-unit strings by name: `signed`, `settled`, `granted`.
    pub amounts: BTreeMap<String, String>,
}

/// One authorization: what was signed, asked, moved and given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookRow {
    /// Number of the authorization inside the run, from 0.
    pub authorization: u32,
    /// Probe that signed it, for example `v2/good`.
    pub probe: String,
    /// What is wrong with it on purpose; absent for an honest payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// Payer's address.
    pub payer: String,
    /// 32-byte nonce, hex.
    pub nonce: String,
    /// Base units that were signed.
    pub value: String,
    /// `/verify` calls about it.
    pub verify: usize,
    /// Handler runs in its exchanges, where the origin counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<u64>,
    /// `/settle` calls about it.
    pub settle: usize,
    /// Transfers it was used for.
    pub transfers: usize,
    /// Deliveries it bought, idempotent repeats left out.
    pub grants: usize,
    /// Hash of the first Transfer's transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// `balanced`, `refused`, `unpaid-grant`, `double-charged`, `served-twice`, `charged-not-served`, `faulted` or
    /// `not-at-rest`.
    pub outcome: String,
}

/// Latency of one phase, microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseLatency {
    /// `unpaid`, `paid`, `verify`, `settle`, `mined`.
    pub phase: String,
    /// Samples.
    pub count: usize,
    /// Median.
    pub p50_us: u64,
    /// 99th percentile (nearest rank).
    pub p99_us: u64,
    /// Largest.
    pub max_us: u64,
}
