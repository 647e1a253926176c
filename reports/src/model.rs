//! The report model, version 1 (`report.json`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Schema number of this model.
pub const SCHEMA: u32 = 1;

/// Most rows of the books that a report keeps.
pub const BOOKS_MAX: usize = 10_000;

/// Everything one run found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Schema number, [`SCHEMA`].
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
    /// The books: one row per authorization, at most [`BOOKS_MAX`] of them, those with something wrong first to stay.
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
    pub load: Option<serde_json::Value>,
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

/// Why a finding is accepted for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// In the user's words.
    pub reason: String,
    /// Where it is followed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Last day on which it is accepted, `YYYY-MM-DD` in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl Expected {
    /// Reason, issue and last day in one line.
    pub fn told(&self) -> String {
        let issue = self.issue.iter().map(|issue| format!(" ({issue})"));
        let expires = self.expires.iter().map(|day| format!(", until {day}"));
        let more: String = issue.chain(expires).collect();
        format!("{}{more}", self.reason)
    }
}

/// What an expectations file did in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectations {
    /// The file, as it was named.
    pub file: String,
    /// How many entries it holds.
    pub entries: usize,
    /// Entries about something that was looked at and held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<ExpectationNote>,
    /// Entries whose last day is over: they cover nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expired: Vec<ExpectationNote>,
    /// Entries that cover a part of a finding, which is therefore not expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<ExpectationNote>,
}

impl Expectations {
    /// Every remark with a word for its kind.
    pub fn remarks(&self) -> impl Iterator<Item = (&'static str, &ExpectationNote)> {
        let expired = self.expired.iter().map(|note| ("expired", note));
        let partial = self.partial.iter().map(|note| ("partial", note));
        let stale = self.stale.iter().map(|note| ("stale", note));
        expired.chain(partial).chain(stale)
    }
}

/// One entry of an expectations file that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectationNote {
    /// Check, invariant or scenario.
    pub check: String,
    /// Generation it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Route it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// What is the matter, and what to do.
    pub text: String,
}

impl ExpectationNote {
    /// The entry and the remark in one line.
    pub fn told(&self) -> String {
        let narrowed = self.version.iter().chain(&self.route);
        let narrowed: Vec<&str> = narrowed.map(String::as_str).collect();
        match narrowed.is_empty() {
            true => format!("{}: {}", self.check, self.text),
            false => format!("{} ({}): {}", self.check, narrowed.join(" "), self.text),
        }
    }
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

/// Money of the run; counts are authorizations, amounts base units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Authorizations that were signed honestly, to be paid.
    pub signed: usize,
    /// Authorizations with a matching Transfer.
    pub settled: usize,
    /// Authorizations for which the paid content came.
    pub granted: usize,
    /// Purchases charged more than once.
    pub double_charged: usize,
    /// Grants without a matching Transfer.
    pub unpaid_grants: usize,
    /// Settled and never granted.
    pub charged_without_service: usize,
    /// Authorizations that our own facilitator lied about; they are counted nowhere else.
    #[serde(default)]
    pub faulted: usize,
    /// Base-unit strings by name: `signed`, `settled`, `granted`.
    pub amounts: BTreeMap<String, String>,
}

/// One authorization: what was signed, asked, moved and given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookRow {
    /// Number of the authorization inside the run, from 0.
    pub authorization: u32,
    /// Probe that signed it, for example `v2/good`.
    pub probe: String,
    /// What is wrong with it on purpose; absent for an honest payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// Payer's address.
    pub payer: String,
    /// 32-byte nonce, hex.
    pub nonce: String,
    /// Base units that were signed.
    pub value: String,
    /// `/verify` calls about it.
    pub verify: usize,
    /// Handler runs in its exchanges, where the origin counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<u64>,
    /// `/settle` calls about it.
    pub settle: usize,
    /// Transfers it was used for.
    pub transfers: usize,
    /// Deliveries it bought, idempotent repeats left out.
    pub grants: usize,
    /// Hash of the first Transfer's transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// `balanced`, `refused`, `unpaid-grant`, `double-charged`, `served-twice`, `charged-not-served`, `faulted` or
    /// `not-at-rest`.
    pub outcome: String,
}

/// Latency of one phase, microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseLatency {
    /// `unpaid`, `paid`, `verify`, `settle`, `mined`.
    pub phase: String,
    /// Samples.
    pub count: usize,
    /// Median.
    pub p50_us: u64,
    /// 99th percentile (nearest rank).
    pub p99_us: u64,
    /// Largest.
    pub max_us: u64,
}
