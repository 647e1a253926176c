//! What follows the result: controls, notes, findings, invariants, observations, skipped checks.

use std::collections::BTreeMap;

use super::page::{ID_MAX, Page, Style};
use crate::finding::{Finding, Source};
use crate::model::{CheckResult, Evidence, InvariantResult, Report, Verdict};
use crate::text;

const LABEL_WIDTH: usize = 10;
const INDENT: usize = 6;
const EVIDENCE_MAX: usize = 6;
const VIOLATIONS_MAX: usize = 5;

pub(super) fn render(page: &mut Page, report: &Report, findings: &[Finding<'_>]) {
    controls(page, report);
    list(page, "notes", report.notes.iter().map(String::as_str));
    scenarios(page, report);
    if !findings.is_empty() {
        page.heading(&format!("findings ({})", findings.len()));
        for (index, finding) in findings.iter().enumerate() {
            if index > 0 {
                page.end();
            }
            self::finding(page, finding);
        }
    }
    invariants(page, &report.invariants, findings);
    results(page, "observed", report, Verdict::Info);
    skipped(page, &report.checks);
    if page.verbose() {
        results(page, "passed", report, Verdict::Pass);
        latency(page, report);
    }
}

/// One line a scenario; below a finding, what was expected and seen in its first case.
fn scenarios(page: &mut Page, report: &Report) {
    if report.scenarios.is_empty() {
        return;
    }
    page.heading(&format!("scenarios ({})", report.scenarios.len()));
    for scenario in &report.scenarios {
        page.column(Style::of(scenario.verdict), tag(scenario.verdict), INDENT);
        let width = scenario.name.chars().count().min(60) + 2;
        page.column(Style::Bold, &scenario.name, width);
        let cases = text::counted(scenario.cases.len(), "case");
        let worst = scenario.cases.iter().find(|case| {
            case.verdict == scenario.verdict
                && scenario
                    .smallest
                    .as_ref()
                    .is_none_or(|least| *least == case.label)
        });
        let line = match (scenario.verdict, worst) {
            (Verdict::Pass, _) | (_, None) => cases,
            (_, Some(case)) => format!("{cases}; {}: {}", case.label, case.seen()),
        };
        page.paragraph(Style::Plain, INDENT + width, line.trim_start());
        let Some(case) = worst else {
            continue;
        };
        if let Some(least) = &case.minimised {
            page.field(INDENT + 2, "smallest", LABEL_WIDTH, &least.told());
        }
        if let Some(replay) = &case.replay {
            page.command(INDENT + 2, "replay", LABEL_WIDTH, replay);
        }
    }
}

fn controls(page: &mut Page, report: &Report) {
    let controls = [
        ("positive", &report.controls.positive),
        ("mutation", &report.controls.mutation),
    ];
    if controls.iter().all(|(_, control)| control.held) && !page.verbose() {
        return;
    }
    page.heading("controls");
    for (name, control) in controls {
        page.field(2, name, LABEL_WIDTH, &control.detail);
    }
}

fn list<'a>(page: &mut Page, title: &str, lines: impl Iterator<Item = &'a str>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    page.heading(title);
    for line in lines {
        page.blanks(2);
        page.paragraph(Style::Plain, 2, line);
    }
}

fn finding(page: &mut Page, finding: &Finding<'_>) {
    page.column(Style::of(finding.verdict), tag(finding.verdict), INDENT);
    let width = finding.id().chars().count().min(ID_MAX) + 2;
    page.column(Style::Bold, finding.id(), width);
    page.paragraph(Style::Plain, INDENT + width, finding.title());
    match finding.source {
        Source::Check(check) => check_finding(page, finding, check),
        Source::Invariant(invariant) => violations(page, INDENT, invariant),
    }
}

fn check_finding(page: &mut Page, finding: &Finding<'_>, check: &CheckResult) {
    let requirement = format!("{} [{}]", check.requirement, check.source);
    page.field(INDENT, "expected", LABEL_WIDTH, &requirement);
    page.field(INDENT, "seen", LABEL_WIDTH, &check.detail);
    if !finding.breaks.is_empty() {
        page.field(INDENT, "breaks", LABEL_WIDTH, &finding.breaks.join(", "));
    }
    if let Some(cause) = &check.cause {
        page.field(INDENT, "cause", LABEL_WIDTH, cause);
    }
    if let Some(fix) = &check.fix {
        page.field(INDENT, "fix", LABEL_WIDTH, fix);
    }
    evidence(page, INDENT, &check.evidence);
    if let Some(replay) = &check.replay {
        page.command(INDENT, "replay", LABEL_WIDTH, replay);
    }
    if !check.tags.is_empty() {
        page.field(INDENT, "tags", LABEL_WIDTH, &check.tags.join(", "));
    }
}

fn evidence(page: &mut Page, indent: usize, items: &[Evidence]) {
    let shown = if page.verbose() {
        items.len()
    } else {
        items.len().min(EVIDENCE_MAX)
    };
    for (index, item) in items[..shown].iter().enumerate() {
        let label = if index == 0 { "evidence" } else { "" };
        let value = format!("{}: {}", name(item), item.text);
        page.field(indent, label, LABEL_WIDTH, &value);
    }
    if shown < items.len() {
        let more = format!("and {} more in report.json", items.len() - shown);
        page.field(indent, "", LABEL_WIDTH, &more);
    }
}

/// `exchange 12`, `call 7`, or a transaction's hash.
fn name(evidence: &Evidence) -> String {
    match evidence.kind.as_str() {
        "facilitator_call" => format!("call {}", evidence.id),
        "handler" => format!("handler {}", evidence.id),
        "timeline" => evidence.id.clone(),
        "transaction" => format!("tx {}", evidence.id),
        kind => format!("{kind} {}", evidence.id),
    }
}

const fn tag(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Info => "INFO",
        Verdict::Skipped => "SKIP",
        Verdict::Warn => "WARN",
        Verdict::Inconclusive => "OPEN",
        Verdict::Fail => "FAIL",
    }
}

fn invariants(page: &mut Page, invariants: &[InvariantResult], findings: &[Finding<'_>]) {
    if invariants.is_empty() {
        return;
    }
    page.heading("invariants");
    let (seen, unseen): (Vec<_>, Vec<_>) = invariants.iter().partition(|row| row.is_seen());
    for invariant in seen {
        page.blanks(2);
        page.column(Style::of(invariant.verdict), tag(invariant.verdict), INDENT);
        page.column(Style::Bold, &invariant.id, 5);
        let observed = match invariant.observed {
            0 => "not observed".to_owned(),
            count => format!("on {}", text::counted(count, "authorization")),
        };
        let title = format!("{} ({observed})", invariant.title);
        page.paragraph(Style::Plain, 2 + INDENT + 5, &title);
        if !findings.iter().any(|finding| finding.id() == invariant.id) {
            violations(page, 2 + INDENT, invariant);
        }
    }
    if !unseen.is_empty() {
        let ids: Vec<&str> = unseen.iter().map(|row| row.id.as_str()).collect();
        page.blanks(2);
        page.column(Style::of(Verdict::Skipped), tag(Verdict::Skipped), INDENT);
        let text = format!("{} (not observed)", ids.join(", "));
        page.paragraph(Style::Plain, 2 + INDENT, &text);
    }
}

fn violations(page: &mut Page, indent: usize, invariant: &InvariantResult) {
    let all = &invariant.violations;
    let shown = if page.verbose() {
        all.len()
    } else {
        all.len().min(VIOLATIONS_MAX)
    };
    for violation in &all[..shown] {
        let mut value = violation.text.clone();
        if let Some(authorization) = &violation.authorization {
            value.push_str(&format!(" [{authorization}]"));
        }
        page.field(indent, "violated", LABEL_WIDTH, &value);
        evidence(page, indent, &violation.evidence);
    }
    if shown < all.len() {
        let more = format!("and {} more in report.json", all.len() - shown);
        page.field(indent, "", LABEL_WIDTH, &more);
    }
}

fn results(page: &mut Page, title: &str, report: &Report, verdict: Verdict) {
    let results: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.verdict == verdict)
        .collect();
    let Some(width) = results.iter().map(|check| check.id.chars().count()).max() else {
        return;
    };
    page.heading(&format!("{title} ({})", results.len()));
    let width = width.min(ID_MAX) + 2;
    for check in results {
        page.blanks(2);
        page.column(Style::Plain, &check.id, width);
        let text = match verdict {
            Verdict::Pass => format!("{}: {}", check.title, check.detail),
            _ => check.detail.clone(),
        };
        page.paragraph(Style::Plain, 2 + width, &text);
    }
}

/// One line a reason: what a profile does not offer is counted and said, never passed over.
fn skipped(page: &mut Page, checks: &[CheckResult]) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for check in checks.iter().filter(|c| c.verdict == Verdict::Skipped) {
        reasons.entry(&check.detail).or_default().push(&check.id);
    }
    if reasons.is_empty() {
        return;
    }
    let total: usize = reasons.values().map(Vec::len).sum();
    page.heading(&format!("skipped ({total})"));
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    for (reason, ids) in reasons {
        let value = if page.verbose() {
            format!("{reason}: {}", ids.join(", "))
        } else {
            reason.to_owned()
        };
        page.field(2, &format!("{:>4}", ids.len()), 6, &value);
    }
}

fn latency(page: &mut Page, report: &Report) {
    if report.latency.is_empty() {
        return;
    }
    page.heading("latency");
    for phase in &report.latency {
        let value = format!(
            "{:>6} samples   p50 {:>9}   p99 {:>9}   max {:>9}",
            phase.count,
            text::micros(phase.p50_us),
            text::micros(phase.p99_us),
            text::micros(phase.max_us)
        );
        page.blanks(2);
        page.column(Style::Dim, &phase.phase, LABEL_WIDTH);
        page.put(Style::Plain, &value);
        page.end();
    }
}
