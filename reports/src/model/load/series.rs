//! The run over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LoadEnds;

/// Most intervals of a series; a longer run has wider ones.
pub const SERIES_MAX: usize = 3_600;

/// One interval of the run, usually a second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadInterval {
    /// Where it begins, in seconds from the first arrival.
    pub at_s: f64,
    /// How long it is, in seconds; the last one may be shorter.
    pub width_s: f64,
    /// True before the measured span.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warm_up: bool,
    /// Arrivals that were due.
    pub offered: u64,
    /// Arrivals that were sent.
    pub sent: u64,
    /// Arrivals that were dropped.
    pub dropped: u64,
    /// Good ends: goodput as the client saw it when it happened; the books may correct its sum.
    pub goodput: u64,
    /// Ends that were not meant to come.
    pub errors: u64,
    /// Under way at its end.
    pub in_flight: u64,
    /// Median of whole times from the intended send time, of what ended in it; absent where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<u64>,
    /// 99th percentile of the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<u64>,
    /// How what ended in it ended; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<LoadEnds>,
    /// Ends by class, over all kinds of requests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, u64>,
}
