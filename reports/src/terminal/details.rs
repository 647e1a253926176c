//! What follows the result: controls, notes, findings, invariants, observations, skipped checks.

use std::collections::BTreeMap;

use super::page::{ID_MAX, Page, Style};
use super::scenarios;
use crate::finding::{Finding, Source};
use crate::model::{CheckResult, Evidence, InvariantResult, Report, Verdict};
use crate::text;

pub(super) const LABEL_WIDTH: usize = 10;
pub(super) const INDENT: usize = 6;
const EVIDENCE_MAX: usize = 6;
const VIOLATIONS_MAX: usize = 5;
/// Observations above this count are told on request.
const OBSERVED_MAX: usize = 6;
/// Reasons for skipping that are told without being asked.
const REASONS_MAX: usize = 8;
/// Notes that are told without being asked.
const NOTES_MAX: usize = 8;

pub(super) fn render(page: &mut Page, report: &Report, findings: &[Finding<'_>]) {
    controls(page, report);
    let expectations = report.expectations.iter();
    let remarks = expectations.flat_map(|file| file.remarks());
    let remarks: Vec<String> = remarks
        .map(|(kind, note)| format!("{kind}: {}", note.told()))
        .collect();
    let file = report.expectations.as_ref();
    let title = file.map_or_else(String::new, |file| {
        format!("entries of {} to look at", file.file)
    });
    list(page, &title, remarks.iter().map(String::as_str));
    notes(page, report);
    let (expected, open): (Vec<_>, Vec<_>) = findings
        .iter()
        .partition(|finding| finding.expected().is_some());
    if !open.is_empty() {
        page.heading(&format!("findings ({})", open.len()));
        for (index, finding) in open.into_iter().enumerate() {
            if index > 0 {
                page.end();
            }
            self::finding(page, finding);
        }
    }
    accepted(page, &expected);
    scenarios::render(page, report);
    invariants(page, &report.invariants, findings);
    results(page, "observed", report, Verdict::Info);
    skipped(page, report);
    if page.verbose() {
        results(page, "passed", report, Verdict::Pass);
        latency(page, report);
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

/// Each note once, with how often it was made.
fn notes(page: &mut Page, report: &Report) {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for note in &report.notes {
        match counted.iter_mut().find(|(text, _)| text == note) {
            Some((_, count)) => *count += 1,
            None => counted.push((note, 1)),
        }
    }
    let shown = match page.verbose() {
        true => counted.len(),
        false => counted.len().min(NOTES_MAX),
    };
    let mut lines: Vec<String> = counted[..shown]
        .iter()
        .map(|(text, count)| match count {
            1 => (*text).to_owned(),
            count => format!("{text} ({count} times)"),
        })
        .collect();
    if shown < counted.len() {
        lines.push(format!("and {} more in report.json", counted.len() - shown));
    }
    list(page, "notes", lines.iter().map(String::as_str));
}

fn finding(page: &mut Page, finding: &Finding<'_>) {
    page.column(Style::of(finding.verdict), tag(finding.verdict), INDENT);
    let width = finding.id().chars().count().min(ID_MAX) + 2;
    page.column(Style::Bold, finding.id(), width);
    page.paragraph(Style::Plain, INDENT + width, finding.title());
    match finding.source {
        Source::Check(check) => check_finding(page, finding, check),
        Source::Invariant(invariant) => violations(page, INDENT, invariant, true),
        Source::Scenario(scenario) => scenarios::finding(page, finding, scenario),
    }
}

/// One line each, and why it is accepted.
fn accepted(page: &mut Page, expected: &[&Finding<'_>]) {
    if expected.is_empty() {
        return;
    }
    page.heading(&format!("expected ({})", expected.len()));
    for finding in expected {
        page.blanks(2);
        page.column(Style::Dim, tag(finding.verdict), INDENT);
        let width = finding.id().chars().count().min(ID_MAX) + 2;
        page.column(Style::Plain, finding.id(), width);
        let why = finding
            .expected()
            .map_or_else(String::new, |why| why.told());
        page.paragraph(Style::Plain, 2 + INDENT + width, &why);
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

pub(super) fn evidence(page: &mut Page, indent: usize, items: &[Evidence]) {
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

pub(super) const fn tag(verdict: Verdict) -> &'static str {
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
            count => format!("observed {}", text::counted(count, "time")),
        };
        let title = format!("{} ({observed})", invariant.title);
        page.paragraph(Style::Plain, 2 + INDENT + 5, &title);
        // What held is told in a line; the notes name what was only recorded.
        let held = matches!(invariant.verdict, Verdict::Pass | Verdict::Skipped);
        let is_finding = findings.iter().any(|finding| finding.id() == invariant.id);
        if !is_finding && (!held || page.verbose()) {
            // The findings of scenarios hold the timelines.
            violations(page, 2 + INDENT, invariant, page.verbose());
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

fn violations(page: &mut Page, indent: usize, invariant: &InvariantResult, timelines: bool) {
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
        let pieces = violation.evidence.iter();
        let pieces: Vec<Evidence> = pieces
            .filter(|piece| timelines || piece.kind != "timeline")
            .cloned()
            .collect();
        evidence(page, indent, &pieces);
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
    if verdict == Verdict::Info && results.len() > OBSERVED_MAX && !page.verbose() {
        page.heading(&format!("{title} ({})", results.len()));
        page.blanks(2);
        let text = "what the specification leaves open, or what is only recorded: --verbose and the report files tell it";
        page.paragraph(Style::Plain, 2, text);
        return;
    }
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
fn skipped(page: &mut Page, report: &Report) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let skipped = report.checks.iter();
    for check in skipped.filter(|c| c.verdict == Verdict::Skipped) {
        let reason = match &check.detail {
            detail if is_of_battery(report, detail) && !page.verbose() => {
                "scenarios were run, and not the requests these look at"
            }
            detail => detail,
        };
        reasons.entry(reason).or_default().push(&check.id);
    }
    if reasons.is_empty() {
        return;
    }
    let total: usize = reasons.values().map(Vec::len).sum();
    page.heading(&format!("checks skipped ({total})"));
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    let shown = match page.verbose() {
        true => reasons.len(),
        false => reasons.len().min(REASONS_MAX),
    };
    let more: usize = reasons[shown..].iter().map(|(_, ids)| ids.len()).sum();
    for (reason, ids) in &reasons[..shown] {
        let value = if page.verbose() {
            format!("{reason}: {}", ids.join(", "))
        } else {
            (*reason).to_owned()
        };
        page.field(2, &format!("{:>4}", ids.len()), 6, &value);
    }
    if more > 0 {
        page.field(
            2,
            &format!("{more:>4}"),
            6,
            "for other reasons: --verbose tells them",
        );
    }
}

/// Where scenarios were run, the controls alone were sent of the battery.
fn is_of_battery(report: &Report, detail: &str) -> bool {
    !report.scenarios.is_empty() && detail.starts_with("the run holds no ")
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
