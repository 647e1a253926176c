//! Checks, invariants, and what supports them.

use serde::{Deserialize, Serialize};

use super::Expected;

/// Verdict of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Holds, with evidence.
    Pass,
    /// Recorded, never counted against the target.
    Info,
    /// A control is missing, so the check was not tried.
    Skipped,
    /// Likely trouble; the sources are soft or split.
    Warn,
    /// Our own trouble kept us from judging.
    Inconclusive,
    /// A clear violation.
    Fail,
}

/// Result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The catalogue's id.
    pub id: String,
    /// The property, in the present tense.
    pub title: String,
    /// The requirement in one sentence.
    pub requirement: String,
    /// Document and section the requirement comes from.
    pub source: String,
    /// Worst verdict the check may give: `fail`, `warn` or `info`.
    pub grade: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What was seen, in one sentence; the reason when skipped.
    pub detail: String,
    /// What supports the verdict.
    pub evidence: Vec<Evidence>,
    /// Likely cause, for a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to change, for a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Command that repeats the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// Tags such as `CWE-294`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Why this finding is accepted, where all of it is; it then counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `exchange`, `facilitator_call`, `transaction`, `handler` or `timeline`.
    pub kind: String,
    /// Id inside the history (`exchange` number, call number), transaction hash, or moment of a timeline.
    pub id: String,
    /// What it shows, in a few words.
    pub text: String,
}

/// Result of one invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantResult {
    /// `I1` and so on.
    pub id: String,
    /// The statement.
    pub title: String,
    /// The verdict.
    pub verdict: Verdict,
    /// On how many authorizations, and requests without one, it could have been broken; 0 means not observed.
    pub observed: usize,
    /// What broke it.
    pub violations: Vec<Violation>,
    /// Why this finding is accepted, where all of it is; it then counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

impl InvariantResult {
    /// True when it was observed on something, or has something to tell.
    pub const fn is_seen(&self) -> bool {
        self.observed > 0 || !self.violations.is_empty()
    }
}

/// One violation of an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Authorization (`payer/nonce`), when it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// What happened, in one sentence.
    pub text: String,
    /// What supports it.
    pub evidence: Vec<Evidence>,
}
