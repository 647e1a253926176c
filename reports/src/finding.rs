//! Findings: what of a report somebody has to act on, worst and most consequential first.

use std::collections::HashSet;

use crate::model::{
    CheckResult, Evidence, Expected, InvariantResult, Report, ScenarioResult, Verdict,
};

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
    /// A scenario.
    Scenario(&'r ScenarioResult),
}

impl<'r> Finding<'r> {
    /// The catalogue's id.
    pub fn id(&self) -> &'r str {
        match self.source {
            Source::Check(check) => &check.id,
            Source::Invariant(invariant) => &invariant.id,
            Source::Scenario(scenario) => &scenario.name,
        }
    }

    /// Why it is accepted, if it is: then nobody has to act on it.
    pub const fn expected(&self) -> Option<&'r Expected> {
        match self.source {
            Source::Check(check) => check.expected.as_ref(),
            Source::Invariant(invariant) => invariant.expected.as_ref(),
            Source::Scenario(scenario) => scenario.expected.as_ref(),
        }
    }

    /// What was seen, in one sentence; empty where nothing was told.
    pub fn detail(&self) -> &'r str {
        match self.source {
            Source::Check(check) => &check.detail,
            Source::Invariant(invariant) => {
                let first = invariant.violations.first();
                first.map_or("", |violation| &violation.text)
            }
            Source::Scenario(scenario) => {
                let mut cases = scenario.cases.iter();
                let worst = cases.find(|case| case.verdict == scenario.verdict);
                worst.map_or("", |case| match case.findings.first() {
                    Some(finding) => finding.text.as_str(),
                    None => case.detail.as_str(),
                })
            }
        }
    }

    /// What to change, where a check says so.
    pub fn fix(&self) -> Option<&'r str> {
        match self.source {
            Source::Check(check) => check.fix.as_deref(),
            Source::Invariant(_) | Source::Scenario(_) => None,
        }
    }

    /// The property that does not hold.
    pub fn title(&self) -> &'r str {
        match self.source {
            Source::Check(check) => &check.title,
            Source::Invariant(invariant) => &invariant.title,
            Source::Scenario(scenario) => &scenario.about,
        }
    }
}

/// Findings in the order in which they should be fixed: failures that broke an invariant, violated invariants that
/// no failed check accounts for, other failures, warnings, what could not be judged, and what is expected.
pub fn findings(report: &Report) -> Vec<Finding<'_>> {
    let mut found: Vec<Finding<'_>> = report
        .checks
        .iter()
        .filter(|check| is_finding(check.verdict))
        .map(|check| Finding {
            source: Source::Check(check),
            verdict: check.verdict,
            breaks: broken_by(&check.evidence, &report.invariants),
        })
        .collect();
    let scenarios = report.scenarios.iter();
    found.extend(
        scenarios
            .filter(|scenario| is_finding(scenario.verdict))
            .map(|scenario| Finding {
                source: Source::Scenario(scenario),
                verdict: scenario.verdict,
                breaks: broken_in(scenario, &report.invariants),
            }),
    );
    // A failed invariant is accounted for by a failure alone, a warned one by a warning too; one that is not expected
    // by nothing that is.
    let explained: HashSet<(&str, Verdict)> = found
        .iter()
        .filter(|finding| finding.expected().is_none())
        .filter(|finding| matches!(finding.verdict, Verdict::Fail | Verdict::Warn))
        .flat_map(|finding| {
            let and_warned = (finding.verdict == Verdict::Fail).then_some(Verdict::Warn);
            let verdicts = std::iter::once(finding.verdict).chain(and_warned);
            let breaks = &finding.breaks;
            verdicts.flat_map(|verdict| breaks.iter().map(move |id| (*id, verdict)))
        })
        .collect();
    found.extend(
        report
            .invariants
            .iter()
            .filter(|invariant| {
                is_finding(invariant.verdict)
                    && invariant.expected.is_none()
                    && !explained.contains(&(invariant.id.as_str(), invariant.verdict))
            })
            .map(|invariant| Finding {
                source: Source::Invariant(invariant),
                verdict: invariant.verdict,
                breaks: vec![invariant.id.as_str()],
            }),
    );
    found.extend(
        report
            .invariants
            .iter()
            .filter(|row| row.expected.is_some())
            .map(|row| Finding {
                source: Source::Invariant(row),
                verdict: row.verdict,
                breaks: vec![row.id.as_str()],
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
    if finding.expected().is_some() {
        return 5;
    }
    match (finding.verdict, finding.source) {
        (Verdict::Fail, Source::Check(_) | Source::Scenario(_)) if !finding.breaks.is_empty() => 0,
        (Verdict::Fail, Source::Invariant(_)) => 1,
        (Verdict::Fail, Source::Check(_) | Source::Scenario(_)) => 2,
        (Verdict::Warn, _) => 3,
        _ => 4,
    }
}

/// The invariants that a scenario's expectations name as broken.
fn broken_in<'r>(scenario: &ScenarioResult, invariants: &'r [InvariantResult]) -> Vec<&'r str> {
    let findings = scenario.cases.iter().flat_map(|case| &case.findings);
    let broken: HashSet<&str> = findings
        .filter(|finding| matches!(finding.verdict, Verdict::Fail | Verdict::Warn))
        .filter_map(|finding| finding.expectation.strip_prefix("invariant "))
        .collect();
    let ids = invariants.iter().map(|row| row.id.as_str());
    ids.filter(|id| broken.contains(id)).collect()
}

fn broken_by<'r>(evidence: &[Evidence], invariants: &'r [InvariantResult]) -> Vec<&'r str> {
    let seen: HashSet<(&str, &str)> = evidence
        .iter()
        .filter(|piece| piece.kind != "timeline")
        .map(key)
        .collect();
    invariants
        .iter()
        .filter(|invariant| is_finding(invariant.verdict))
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
