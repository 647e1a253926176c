//! The verdict over a whole run (design section 6, rules a to d).

use x402_assay_reports::model::{InvariantResult, RunVerdict, Verdict};

use super::controls::VersionControls;
use super::expected::Survey;
use crate::checks::{Check, Outcome};
use crate::history::Facts;

/// What the verdict is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grounds<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) checks: &'a [(&'static Check, Outcome)],
    pub(super) invariants: &'a [InvariantResult],
    pub(super) controls: &'a [VersionControls],
    /// What is expected of it.
    pub(super) survey: &'a Survey,
}

impl Grounds<'_> {
    /// Checks with a verdict that counts: what is expected does not.
    pub(super) fn checks_with(
        &self,
        verdict: Verdict,
    ) -> impl Iterator<Item = &(&'static Check, Outcome)> {
        let with = move |outcome: &Outcome| outcome.verdict() == verdict;
        let checks = self.checks.iter();
        checks.filter(move |(check, outcome)| with(outcome) && !self.survey.covers(check.id))
    }

    /// Invariants that failed and were not expected to.
    pub(super) fn broken(&self) -> impl Iterator<Item = &InvariantResult> {
        let failed = |row: &&InvariantResult| row.verdict == Verdict::Fail;
        let invariants = self.invariants.iter().filter(failed);
        invariants.filter(|row| row.expected.is_none())
    }

    /// True when something was given or moved that should not have been.
    ///
    /// Every invariant is about money or content, save the receipts, which may be wrong without either.
    pub(super) fn gave_or_moved(&self) -> bool {
        let mut failed = self.checks_with(Verdict::Fail);
        failed.any(|(_, outcome)| outcome.is_given()) || self.broken().any(|row| row.id != "I5")
    }

    fn any_fail(&self) -> bool {
        self.checks_with(Verdict::Fail).next().is_some() || self.broken().next().is_some()
    }
}

/// Rules a to d, in this order.
pub(super) fn decide(grounds: &Grounds<'_>) -> RunVerdict {
    if grounds.gave_or_moved() {
        return RunVerdict::Nonconformant;
    }
    if !grounds
        .controls
        .iter()
        .any(|controls| controls.positive.is_held())
    {
        return RunVerdict::Inconclusive;
    }
    if grounds.any_fail() {
        return RunVerdict::Nonconformant;
    }
    let controls_hold = grounds
        .controls
        .iter()
        .all(|controls| controls.positive.is_held() && controls.mutation.is_held());
    let unread_ledger = grounds
        .invariants
        .iter()
        .any(|result| result.verdict == Verdict::Inconclusive);
    let cut_short = grounds.facts.is_interrupted()
        || grounds
            .facts
            .ending
            .is_some_and(|ending| ending.trouble.is_some());
    if controls_hold && !unread_ledger && !cut_short {
        RunVerdict::Conformant
    } else {
        RunVerdict::Inconclusive
    }
}
