//! The run as a whole.

use serde::{Deserialize, Serialize};

use super::{
    BookRow, CheckResult, Expectations, InvariantResult, LoadReport, Money, PhaseLatency,
    ScenarioResult, Verdict,
};

/// Everything one run found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Schema number, [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// The run's verdict.
    pub verdict: RunVerdict,
    /// One sentence: why this verdict, and what to do next. The first line of every rendering.
    pub summary: String,
    /// True when the run was stopped before its end.
    pub interrupted: bool,
    /// What stood in for the real world.
    pub fidelity: Fidelity,
    /// What was tested.
    pub target: Target,
    /// The controls without which nothing is conformant.
    pub controls: Controls,
    /// Seed of schedule, order and faults.
    pub seed: u64,
    /// Command that makes the run again, secrets left out; absent where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The bench's own version.
    pub bench_version: String,
    /// Revision of the specification the checks were written against.
    pub spec_revision: String,
    /// Unix seconds at which the run began.
    pub started_unix_s: u64,
    /// Wall-clock length of the run in milliseconds.
    pub duration_ms: u64,
    /// Verdicts counted.
    pub counts: Counts,
    /// Every check, in catalogue order.
    pub checks: Vec<CheckResult>,
    /// The invariants, in order.
    pub invariants: Vec<InvariantResult>,
    /// Scenarios, in the order in which they were run.
    #[serde(default)]
    pub scenarios: Vec<ScenarioResult>,
    /// Authorizations and amounts.
    pub money: Money,
    /// The books: one row per authorization, at most [`BOOKS_MAX`](super::BOOKS_MAX) of them, those with something wrong first to stay.
    #[serde(default)]
    pub books: Vec<BookRow>,
    /// Rows that were left out.
    #[serde(default)]
    pub books_left_out: usize,
    /// Latency per phase, in microseconds.
    pub latency: Vec<PhaseLatency>,
    /// What the run's expectations file did, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectations: Option<Expectations>,
    /// Remarks that change no verdict, such as a facilitator that was never called.
    pub notes: Vec<String>,
    /// Result of a load run, if it was one.
    #[serde(default)]
    pub load: Option<LoadReport>,
}

/// Verdict over a whole run (design section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunVerdict {
    /// Controls hold and nothing failed.
    Conformant,
    /// Something was given or moved that should not have been, or a check failed.
    Nonconformant,
    /// No positive control, or the run could not be carried out.
    Inconclusive,
}

/// What stood in for the real world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fidelity {
    /// `anvil`, `memory` or `url`.
    pub chain: String,
    /// What the user asked for.
    pub requested: String,
    /// Why the two differ, if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// CAIP-2 network the chain stood in for, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The node's own version string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// What was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `builtin`, `server`, `facilitator`, `builtin-facilitator` or `client`.
    pub kind: String,
    /// Name from the profile, or the URL.
    pub name: String,
    /// URL or command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Protocol generations that were seen, for example `["v2"]`.
    pub versions: Vec<String>,
    /// Whether the target's calls arrived at our facilitator.
    pub uses_our_facilitator: Option<bool>,
}

/// The controls of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controls {
    /// A fresh payment was served, settled once and seen by our facilitator.
    pub positive: Control,
    /// The same payment with one signature byte flipped was refused and moved nothing.
    pub mutation: Control,
}

/// One control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Whether it holds.
    pub held: bool,
    /// Diagnosis code when it does not, for example `facilitator-never-called`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What was seen, and what to do.
    pub detail: String,
}

/// Check verdicts counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Checks that hold.
    pub pass: usize,
    /// Clear violations.
    pub fail: usize,
    /// Warnings.
    pub warn: usize,
    /// Observations.
    pub info: usize,
    /// Not judged because of our own trouble.
    pub inconclusive: usize,
    /// Not tried.
    pub skipped: usize,
    /// Failures and warnings that were expected; they are among the others too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expected: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Report {
    /// True when no charge without service counts against the target: I2 says so, and faults of the bench excuse it.
    pub(crate) fn uncounted_charges(&self) -> bool {
        let i2 = self.invariants.iter().find(|row| row.id == "I2");
        i2.is_some_and(|row| row.verdict != Verdict::Fail)
    }

    /// Scenarios by verdict.
    pub fn scenario_counts(&self) -> Counts {
        let count = |verdict| {
            let same = self.scenarios.iter().filter(|row| row.verdict == verdict);
            same.count()
        };
        Counts {
            pass: count(Verdict::Pass),
            fail: count(Verdict::Fail),
            warn: count(Verdict::Warn),
            info: count(Verdict::Info),
            inconclusive: count(Verdict::Inconclusive),
            skipped: count(Verdict::Skipped),
            expected: self
                .scenarios
                .iter()
                .filter(|row| row.expected.is_some())
                .count(),
        }
    }

    /// True when a warning counts: a check or a scenario warned, and it was not expected.
    pub fn warns(&self) -> bool {
        let checks = self.checks.iter().map(|row| (row.verdict, &row.expected));
        let scenarios = self
            .scenarios
            .iter()
            .map(|row| (row.verdict, &row.expected));
        let mut rows = checks.chain(scenarios);
        rows.any(|(verdict, expected)| verdict == Verdict::Warn && expected.is_none())
    }
}
