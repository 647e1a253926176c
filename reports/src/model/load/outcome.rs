//! What came of requests.

use serde::{Deserialize, Serialize};

use super::Distribution;

/// Most rows of outcomes; what does not fit is counted as [`class::OTHER`].
pub const OUTCOMES_MAX: usize = 64;

/// Classes that are no HTTP status and no reason of a facilitator.
pub mod class {
    /// The connection was refused.
    pub const REFUSED: &str = "refused";
    /// No whole answer within the time allowed.
    pub const TIMEOUT: &str = "timeout";
    /// The connection ended before the answer did.
    pub const RESET: &str = "reset";
    /// What came was no HTTP, or a 402 without terms that can be read.
    pub const GARBAGE: &str = "garbage";
    /// The answer was larger than what is read.
    pub const TOO_LARGE: &str = "too-large";
    /// No file descriptor or port was left to connect with.
    pub const NO_SOCKET: &str = "no-socket";
    /// The payer had no money left.
    pub const OUT_OF_FUNDS: &str = "out-of-funds";
    /// Given up on purpose after the terms came.
    pub const ABANDONED: &str = "abandoned";
    /// Copies of one payment bought twice.
    pub const DELIVERED_TWICE: &str = "delivered twice";
    /// Copies of one payment were answered with two transactions.
    pub const SETTLED_TWICE: &str = "settled twice";
    /// Copies of one payment were answered alike, which is right where answers are repeated.
    pub const BOTH: &str = "200, both";
    /// Still under way when the run ended.
    pub const UNFINISHED: &str = "unfinished";
    /// Everything beyond [`super::OUTCOMES_MAX`] rows.
    pub const OTHER: &str = "other";
}

/// Requests of one kind that ended in one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadOutcome {
    /// What was sent: a part of the mix (`buy`, `duplicate`, …), `unpaid`, `verify` or `settle`.
    pub of: String,
    /// How it ended: an HTTP status (`200`, `402`, `429`), the reason an x402 refusal gave
    /// (`insufficient_funds`), or one of [`class`].
    pub class: String,
    /// True when it is what this kind of request was for: the paid body, the terms, or a refusal that was
    /// deserved. A 402 is an outcome, not a failure.
    pub meant: bool,
    /// How many.
    pub count: u64,
    /// Time from the intended send time to the end of it, where it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Distribution>,
}
