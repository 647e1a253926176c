//! How a load came back after a fault that was injected on purpose.

use serde::{Deserialize, Serialize};

/// Share of the rate before a fault at which goodput counts as back.
pub const RECOVERED_SHARE: f64 = 0.9;

/// What a fault did to the goodput, and when that was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveryState {
    /// Goodput came back to [`RECOVERED_SHARE`] of its rate before.
    Recovered,
    /// It did not, as long as the load went on.
    NotRecovered,
    /// It never fell below that share.
    Unharmed,
    /// There is nothing to compare with, or the fault was not injected.
    Unknown,
}

impl RecoveryState {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::NotRecovered => "not recovered",
            Self::Unharmed => "unharmed",
            Self::Unknown => "unknown",
        }
    }
}

/// A fault that was injected while a load ran. Times are seconds from the first arrival, as in the series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadRecovery {
    /// What went wrong: `mining stopped`, `settle answered 2s late`.
    pub fault: String,
    /// When it began.
    pub began_s: f64,
    /// When it ended.
    pub ended_s: f64,
    /// What came of it.
    pub state: RecoveryState,
    /// Goodput per second over the whole intervals before it, warm-up left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_per_s: Option<f64>,
    /// Least goodput per second of an interval, from its beginning until goodput was back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest_per_s: Option<f64>,
    /// Seconds from its end to the end of the first interval with enough goodput: it was back by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_within_s: Option<f64>,
    /// Why it is not known, if it is not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
