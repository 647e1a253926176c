//! Findings: what of a report somebody has to act on, worst and most consequential first.

use std::collections::HashSet;

use crate::model::{CheckResult, Evidence, InvariantResult, Report, Verdict};

/// One thing to act on.
#[derive(Debug, Clone)]
pub struct Finding<'r> {
    /// What it comes from.
    pub source: Source<'r>,
    /// Its verdict: `fail`, `warn` or `inconclusive`.
    pub verdict: Verdict,
    /// Ids of the violated invariants that share evidence with it.
    pub breaks: Vec<&'r str>,
}

/// Where a finding comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'r> {
    /// A check.
    Check(&'r CheckResult),
    /// An invariant that no failed check accounts for.
    Invariant(&'r InvariantResult),
}

impl<'r> Finding<'r> {
    /// The catalogue's id.
    pub fn id(&self) -> &'r str {
        match self.source {
            Source::Check(check) => &check.id,
            Source::Invariant(invariant) => &invariant.id,
        }
    }

    /// The property that does not hold.
    pub fn title(&self) -> &'r str {
        match self.source {
            Source::Check(check) => &check.title,
            Source::Invariant(invariant) => &invariant.title,
        }
    }
}

/// Findings in the order in which they should be fixed: failures that broke an invariant, violated invariants that
/// no failed check accounts for, other failures, warnings, and what could not be judged.
pub fn findings(report: &Report) -> Vec<Finding<'_>> {
    let mut found: Vec<Finding<'_>> = report
        .checks
        .iter()
        .filter(|check| is_finding(check.verdict))
        .map(|check| Finding {
            source: Source::Check(check),
            verdict: check.verdict,
            breaks: broken_by(check, &report.invariants),
        })
        .collect();
    let explained: HashSet<&str> = found
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail)
        .flat_map(|finding| finding.breaks.iter().copied())
        .collect();
    found.extend(
        report
            .invariants
            .iter()
            .filter(|invariant| {
                is_finding(invariant.verdict) && !explained.contains(invariant.id.as_str())
            })
            .map(|invariant| Finding {
                source: Source::Invariant(invariant),
                verdict: invariant.verdict,
                breaks: vec![invariant.id.as_str()],
            }),
    );
    // The sort is stable: inside one rank the catalogue's order stays.
    found.sort_by_key(rank);
    found
}

const fn is_finding(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Fail | Verdict::Warn | Verdict::Inconclusive
    )
}

fn rank(finding: &Finding<'_>) -> u8 {
    match (finding.verdict, finding.source) {
        (Verdict::Fail, Source::Check(_)) if !finding.breaks.is_empty() => 0,
        (Verdict::Fail, Source::Invariant(_)) => 1,
        (Verdict::Fail, Source::Check(_)) => 2,
        (Verdict::Warn, _) => 3,
        _ => 4,
    }
}

fn broken_by<'r>(check: &CheckResult, invariants: &'r [InvariantResult]) -> Vec<&'r str> {
    let seen: HashSet<(&str, &str)> = check.evidence.iter().map(key).collect();
    invariants
        .iter()
        .filter(|invariant| {
            invariant
                .violations
                .iter()
                .flat_map(|violation| &violation.evidence)
                .any(|evidence| seen.contains(&key(evidence)))
        })
        .map(|invariant| invariant.id.as_str())
        .collect()
}

fn key(evidence: &Evidence) -> (&str, &str) {
    (&evidence.kind, &evidence.id)
}
