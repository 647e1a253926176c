//! Findings with evidence, invariants, and what was skipped.

use std::collections::BTreeMap;

use super::escape::{block, code, inline};
use super::page::Page;
use super::scenarios;
use crate::finding::{Finding, Source};
use crate::model::{CheckResult, Evidence, InvariantResult, Report, Verdict};
use crate::text::counted;

pub(super) const SENTENCE_MAX: usize = 600;
const EVIDENCE_MAX: usize = 8;
const VIOLATIONS_MAX: usize = 5;

pub(super) fn render(page: &mut Page, report: &Report, findings: &[Finding<'_>]) {
    let (expected, open): (Vec<_>, Vec<_>) = findings
        .iter()
        .partition(|finding| finding.expected().is_some());
    if !open.is_empty() {
        page.block(&format!("### Findings ({})\n\n", open.len()));
        let left_out = page.blocks(open.into_iter().map(finding));
        said(page, left_out, "finding");
    }
    if !expected.is_empty() {
        page.block(&format!("### Expected ({})\n\n", expected.len()));
        let left_out = page.blocks(expected.into_iter().map(accepted));
        page.block("\n");
        said(page, left_out, "expected finding");
    }
    scenarios::render(page, report);
    if !report.invariants.is_empty() {
        page.block(
            "### Invariants\n\n| | | Verdict | Observed | Violations |\n|---|---|---|---:|---:|\n",
        );
        let left_out = page.blocks(report.invariants.iter().map(row));
        page.block("\n");
        said(page, left_out, "invariant");
        let violated = report
            .invariants
            .iter()
            .filter(|invariant| !invariant.violations.is_empty())
            .filter(|invariant| !findings.iter().any(|finding| finding.id() == invariant.id));
        let left_out = page.blocks(violated.map(|invariant| {
            format!(
                "{} is violated:\n\n{}\n",
                code(&invariant.id, 60),
                violations(invariant)
            )
        }));
        said(page, left_out, "violated invariant");
    }
    skipped(page, &report.checks);
}

pub(super) fn said(page: &mut Page, left_out: usize, what: &str) {
    if left_out > 0 {
        page.tail(&format!(
            "{} more in `report.json`.\n\n",
            counted(left_out, what)
        ));
    }
}

fn finding(finding: &Finding<'_>) -> String {
    let mut out = format!(
        "#### {}: {} {}\n\n",
        word(finding.verdict),
        code(finding.id(), 80),
        inline(finding.title(), SENTENCE_MAX)
    );
    match finding.source {
        Source::Check(check) => check_finding(&mut out, finding, check),
        Source::Invariant(invariant) => out.push_str(&violations(invariant)),
        Source::Scenario(scenario) => scenarios::finding(&mut out, finding, scenario),
    }
    out.push('\n');
    out
}

/// One line, and why it is accepted.
fn accepted(finding: &Finding<'_>) -> String {
    let why = finding
        .expected()
        .map_or_else(String::new, |why| why.told());
    format!(
        "- {}: {} {} (expected: {})\n",
        word(finding.verdict),
        code(finding.id(), 80),
        inline(finding.title(), SENTENCE_MAX),
        inline(&why, SENTENCE_MAX)
    )
}

fn check_finding(out: &mut String, finding: &Finding<'_>, check: &CheckResult) {
    let requirement = inline(&check.requirement, SENTENCE_MAX);
    let source = inline(&check.source, 200);
    item(out, "Expected", &format!("{requirement} ({source})"));
    item(out, "Seen", &inline(&check.detail, SENTENCE_MAX));
    if !finding.breaks.is_empty() {
        item(out, "Breaks", &inline(&finding.breaks.join(", "), 100));
    }
    if let Some(cause) = &check.cause {
        item(out, "Likely cause", &inline(cause, SENTENCE_MAX));
    }
    if let Some(fix) = &check.fix {
        item(out, "Fix", &inline(fix, SENTENCE_MAX));
    }
    if !check.evidence.is_empty() {
        item(out, "Evidence", "");
        evidence(out, &check.evidence);
    }
    if !check.tags.is_empty() {
        item(out, "Tags", &inline(&check.tags.join(", "), 200));
    }
    if let Some(replay) = &check.replay {
        out.push_str(&format!("\n{}", block(replay, 2_000)));
    }
}

pub(super) fn item(out: &mut String, label: &str, value: &str) {
    let line = format!("- **{label}:** {value}");
    out.push_str(line.trim_end());
    out.push('\n');
}

pub(super) fn evidence(out: &mut String, items: &[Evidence]) {
    for item in items.iter().take(EVIDENCE_MAX) {
        out.push_str(&format!(
            "  - {} {}: {}\n",
            inline(&item.kind.replace('_', " "), 40),
            code(&item.id, 140),
            inline(&item.text, 300)
        ));
    }
    if items.len() > EVIDENCE_MAX {
        let more = items.len() - EVIDENCE_MAX;
        out.push_str(&format!("  - and {more} more in `report.json`\n"));
    }
}

fn violations(invariant: &InvariantResult) -> String {
    let mut out = String::new();
    for violation in invariant.violations.iter().take(VIOLATIONS_MAX) {
        out.push_str(&format!("- {}", inline(&violation.text, SENTENCE_MAX)));
        if let Some(authorization) = &violation.authorization {
            out.push_str(&format!(" {}", code(authorization, 140)));
        }
        out.push('\n');
        evidence(&mut out, &violation.evidence);
    }
    if invariant.violations.len() > VIOLATIONS_MAX {
        let more = invariant.violations.len() - VIOLATIONS_MAX;
        out.push_str(&format!("- and {more} more in `report.json`\n"));
    }
    out
}

fn row(invariant: &InvariantResult) -> String {
    format!(
        "| {} | {} | {} | {} | {} |\n",
        code(&invariant.id, 60),
        inline(&invariant.title, SENTENCE_MAX),
        word(invariant.verdict),
        invariant.observed,
        invariant.violations.len()
    )
}

pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Info => "info",
        Verdict::Skipped => "skipped",
        Verdict::Warn => "warn",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "fail",
    }
}

fn skipped(page: &mut Page, checks: &[CheckResult]) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for check in checks.iter().filter(|c| c.verdict == Verdict::Skipped) {
        *reasons.entry(&check.detail).or_default() += 1;
    }
    if reasons.is_empty() {
        return;
    }
    page.block("### Checks skipped\n\n");
    let lines = reasons
        .iter()
        .map(|(reason, count)| format!("- {count}: {}\n", inline(reason, SENTENCE_MAX)));
    let left_out = page.blocks(lines);
    said(page, left_out, "reason");
    page.block("\n");
}
