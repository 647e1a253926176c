//! What was asked of a load run.

use serde::{Deserialize, Serialize};

/// Who decides when something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadModel {
    /// The schedule: what is late counts as late.
    Open,
    /// The answers: the next request waits for the last one, so a stall hides the requests it kept from being sent.
    Closed,
}

impl LoadModel {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// What figures of this model cannot show.
    pub const fn caveat(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Closed => Some(
                "closed model: requests wait for answers, so stalls hide the requests they held back; latencies and rates are not those of an open schedule",
            ),
        }
    }
}

/// What each arrival does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadKind {
    /// Asks for terms and pays.
    Paid,
    /// Asks for terms.
    Unpaid,
    /// Asks a facilitator to verify a fresh payment.
    Verify,
    /// Asks a facilitator to settle a fresh payment.
    Settle,
}

impl LoadKind {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Unpaid => "unpaid",
            Self::Verify => "verify",
            Self::Settle => "settle",
        }
    }
}

/// The plan, in the words in which it can be asked for again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanEcho {
    /// What each arrival does.
    pub kind: LoadKind,
    /// The schedule as `--rate` takes it; absent where answers set the pace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// Seconds it lasts, warm-up left out.
    pub duration_s: f64,
    /// Seconds before the measured span, at the schedule's first rate.
    pub warm_up_s: f64,
    /// Connections as `--connections` takes them.
    pub connections: String,
    /// What is sent, in percent; empty where nothing is paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mix: Vec<Share>,
    /// `inline` or `ahead`.
    pub signing: String,
    /// Most arrivals that may wait for a connection.
    pub queue: u64,
    /// Accounts that pay in turn.
    pub payers: u32,
    /// Name of the load scenario, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
}

/// A part of a mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// `buy`, `duplicate`, `retry-same`, `retry-fresh`, `abandon`, `malformed`, `expired`; a journey for users.
    pub part: String,
    /// Its share in percent.
    pub percent: f64,
}
