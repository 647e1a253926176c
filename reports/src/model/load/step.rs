//! Rates that were tried one after the other.

use serde::{Deserialize, Serialize};

use super::ThresholdVerdict;

/// Most steps a report keeps.
pub const STEPS_MAX: usize = 256;

/// One rate that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadStep {
    /// Round of a search, from 1; all 1 in a schedule of steps.
    pub round: u32,
    /// Seconds it lasted.
    pub duration_s: f64,
    /// Arrivals due per second.
    pub offered_per_s: f64,
    /// Arrivals sent per second.
    pub achieved_per_s: f64,
    /// Goodput per second.
    pub goodput_per_s: f64,
    /// 99th percentile of the whole, from the intended send time; absent without samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<u64>,
    /// Dropped arrivals.
    pub dropped: u64,
    /// Ends that were not meant to come.
    pub errors: u64,
    /// Whether the thresholds held at this rate.
    pub verdict: ThresholdVerdict,
    /// Which threshold was missed and by how much, or why it cannot be told; empty where all held.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
