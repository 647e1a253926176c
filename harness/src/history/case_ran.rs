//! What a history keeps of one round of a scenario's case, beside the exchanges it made.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

/// How the probe of a control ends that asks for an undeclared path in the form of its step.
pub const SIBLING: &str = "sibling";

/// One round of a case: how it went. Its exchanges carry the probe `scenario/<name>/<case>/<step>`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseRan {
    /// The scenario's id.
    pub scenario: String,
    /// Number of the case, from 1, in the order of the `vary` matrix.
    pub case: u32,
    /// Number of the round, from 1.
    pub round: u32,
    /// Number of the repeat the round belongs to, from 1.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub repeat: u32,
    /// Seed of that repeat: a run with this seed makes it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The varied values, for example `copies=10 settle_delay=250ms`.
    pub label: String,
    /// Why nothing was sent, if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// What kept the round from showing anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<String>,
    /// What was waited for and did not come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_observed: Vec<String>,
    /// Authorization numbers by the name the scenario gave the payment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<(String, Vec<u32>)>,
    /// Addresses by payer name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payers: Vec<(String, Address)>,
    /// Price of the first offer that was quoted, in base units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<U256>,
    /// Faults, each with how often it struck.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultMet>,
    /// Holds, each with the calls it kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<HoldMet>,
    /// Unix microseconds of the first step.
    #[serde(default)]
    pub started_us: u64,
    /// Unix microseconds at which all was at rest.
    #[serde(default)]
    pub ended_us: u64,
    /// The origin's count before and after, where it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executions: Option<(u64, u64)>,
    /// Transactions that the facilitator's accounts had had mined before and after, where a scenario asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<(u64, u64)>,
}

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_once(repeat: &u32) -> bool {
    *repeat <= 1
}

/// A fault of the facilitator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultMet {
    /// Number of the step that injected it, from 1.
    pub step: usize,
    /// What it does, in a word.
    pub kind: String,
    /// Calls it struck.
    pub fired: u64,
}

/// A hold of the facilitator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldMet {
    /// Number of the step that put it there, from 1.
    pub step: usize,
    /// Facilitator calls it kept, in the order in which they were let go.
    pub calls: Vec<u64>,
}
