//! Scenarios and their cases.

use serde::{Deserialize, Serialize};

use super::{Evidence, Expected, Verdict};

impl ScenarioResult {
    /// The case that is told of: the one with the smallest parameters, else the first with the scenario's verdict.
    pub fn told(&self) -> Option<&CaseResult> {
        let worst = || {
            self.cases
                .iter()
                .filter(|case| case.verdict == self.verdict)
        };
        worst()
            .find(|case| Some(&case.label) == self.smallest.as_ref())
            .or_else(|| worst().next())
    }
}

/// Result of one scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// Its id.
    pub name: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// Where the failure was seen: failure modes, issues, papers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The worst verdict of its cases; `skipped` only when every case was.
    pub verdict: Verdict,
    /// The smallest parameters with that verdict, when it is a finding and something is varied.
    /// `cases` tells how many rounds they took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest: Option<String>,
    /// Every case, in the order of the `vary` matrix.
    pub cases: Vec<CaseResult>,
    /// Command that runs this scenario again, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// Why this finding is accepted, where all of it is; it then counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// Result of one case of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResult {
    /// Its number, from 1.
    pub case: u32,
    /// The varied values, for example `copies=10 settle_delay=250ms`.
    pub label: String,
    /// The worst verdict of its rounds.
    pub verdict: Verdict,
    /// Rounds that were run.
    pub rounds: usize,
    /// Rounds with that verdict.
    pub with_verdict: usize,
    /// In how many repeats, when the case was repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeated>,
    /// What was seen, in one sentence; the reason when skipped or inconclusive.
    pub detail: String,
    /// How often it broke in how many rounds, in one sentence with its 95 % confidence, where there was more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// What did not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<ScenarioFinding>,
    /// For a finding about requests with one payment: who passed verify, settle and the paywall in which order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interleaving: Vec<String>,
    /// The smallest form of the case that still fails, if one was looked for and found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimised: Option<Minimised>,
    /// Command that repeats the finding alone, when a replay file was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

impl CaseResult {
    /// What was seen, with the share of repeats in which it was.
    pub fn seen(&self) -> String {
        let Some(repeats) = &self.repeats else {
            return self.detail.clone();
        };
        let seed = match (self.verdict, repeats.seeds.first()) {
            (Verdict::Pass | Verdict::Skipped, _) | (_, None) => String::new(),
            (_, Some(seed)) => format!(" (the first with --seed {seed})"),
        };
        let (with, of) = (repeats.with_verdict, repeats.ran);
        let unclear = match repeats.inconclusive {
            unclear if unclear > 0 && self.verdict != Verdict::Inconclusive => {
                format!(", {unclear} inconclusive")
            }
            _ => String::new(),
        };
        format!("in {with} of {of} repeats{unclear}{seed}: {}", self.detail)
    }
}

/// A case that was repeated, each time with a seed of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// Repeats that were run.
    pub ran: usize,
    /// Repeats with the case's verdict.
    pub with_verdict: usize,
    /// Repeats that showed nothing, for example because a fault was never met.
    #[serde(default)]
    pub inconclusive: usize,
    /// Seeds of the first few of those with the verdict.
    pub seeds: Vec<u64>,
}

/// What was taken away from a failing case while it went on failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minimised {
    /// The varied values that are left, for example `copies=2 settle_delay=250ms`.
    pub label: String,
    /// Steps before and after.
    pub steps: (usize, usize),
    /// Smaller forms that were tried on the target.
    pub tries: usize,
    /// The smallest form failed in so many of so many repeats.
    pub confirmed: (usize, usize),
}

impl Minimised {
    /// The whole of it in one line.
    pub fn told(&self) -> String {
        let label = match self.label.as_str() {
            "" => String::new(),
            label => format!("{label}, "),
        };
        let (before, after) = self.steps;
        let (with, of) = self.confirmed;
        format!(
            "{label}{after} of {before} steps; failed in {with} of {of} repeats ({} tries)",
            self.tries
        )
    }
}

/// One expectation of a case that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioFinding {
    /// How much it weighs.
    pub verdict: Verdict,
    /// The expectation, for example `invariant I1` or `responses`.
    pub expectation: String,
    /// What was expected and what was seen, in one sentence.
    pub text: String,
    /// Why it must hold, in the scenario's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What supports it.
    pub evidence: Vec<Evidence>,
}
