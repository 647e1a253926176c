//! What was demanded of a load run.

use serde::{Deserialize, Serialize};

/// Whether a threshold held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThresholdVerdict {
    /// It held.
    Held,
    /// It did not.
    Missed,
    /// There was nothing to measure it by.
    Inconclusive,
}

impl ThresholdVerdict {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Missed => "missed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// One threshold and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdResult {
    /// The threshold in its canonical words, for example `p99(paid) < 250ms`.
    pub threshold: String,
    /// Whether it held.
    pub verdict: ThresholdVerdict,
    /// What was measured, with its unit, for people: `312ms`; absent without samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<String>,
    /// What was measured, as a number in the metric's base unit: microseconds, per second, a share of 1, or a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Samples behind it.
    pub samples: u64,
    /// Why it cannot be judged; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
