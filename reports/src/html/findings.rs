//! Findings by severity, each with cause, fix, evidence and the command that repeats it.

use maud::{Markup, html};

use super::head::{anchor, badge, command, expected, line};
use super::sequence;
use crate::finding::{Finding, Source};
use crate::model::{CheckResult, Evidence, InvariantResult, Report};
use crate::{reproduce, text};

/// Findings shown whole.
const SHOWN: usize = 200;
/// Violations shown of one invariant.
const VIOLATIONS: usize = 5;

/// Findings of checks and invariants; those of scenarios have a section of their own.
pub(super) fn render(report: &Report, found: &[Finding<'_>]) -> Markup {
    let found: Vec<&Finding<'_>> = found
        .iter()
        .filter(|finding| !matches!(finding.source, Source::Scenario(_)))
        .collect();
    html! {
        section #findings aria-labelledby="findings-title" {
            h2 #findings-title { "Findings" }
            @if found.is_empty() && report.scenarios.is_empty() { p { "None." } }
            @if found.is_empty() && !report.scenarios.is_empty() { p { "None of the checks; what scenarios showed is " a href="#scenarios" { "below" } "." } }
            @for (index, finding) in found.iter().take(SHOWN).enumerate() {
                details.finding id={"finding-" (anchor(finding.id()))} open[index < 5 && finding.expected().is_none()] {
                    summary { (badge(finding.verdict)) (expected(finding.expected())) " " strong { (line(finding.id())) } " " (line(finding.title()))
                        @if finding.breaks.iter().any(|id| *id != finding.id()) { " " span.breaks { "breaks " (line(&finding.breaks.join(", "))) } } }
                    @if let Some(why) = finding.expected() { p.seen { "Expected: " (line(&why.told())) } }
                    @match finding.source {
                        Source::Check(check) => (of_check(report, check)),
                        Source::Invariant(invariant) => (of_invariant(invariant)),
                        Source::Scenario(_) => {},
                    }
                }
            }
            @if found.len() > SHOWN { p { (text::counted(found.len() - SHOWN, "finding")) " more in " code { "report.json" } } }
        }
    }
}

fn of_check(report: &Report, check: &CheckResult) -> Markup {
    let repeat = check.replay.clone();
    let repeat = repeat.unwrap_or_else(|| reproduce::command(report, Some(&check.id)));
    html! {
        p.seen { (line(&check.detail)) }
        dl {
            (member("Requirement", &check.requirement))
            (member("Source", &check.source))
            @if let Some(cause) = &check.cause { (member("Likely cause", cause)) }
            @if let Some(fix) = &check.fix { (member("Fix", fix)) }
            @if !check.tags.is_empty() { (member("Tags", &check.tags.join(", "))) }
        }
        (evidence(&check.evidence))
        (command(&repeat))
    }
}

fn of_invariant(invariant: &InvariantResult) -> Markup {
    html! {
        @for violation in invariant.violations.iter().take(VIOLATIONS) {
            p.seen { (line(&violation.text)) @if let Some(name) = &violation.authorization { " " code { (text::line(name, 160)) } } }
            (evidence(&violation.evidence))
        }
        @if invariant.violations.len() > VIOLATIONS {
            p { (text::counted(invariant.violations.len() - VIOLATIONS, "violation")) " more in " code { "report.json" } }
        }
    }
}

fn member(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (line(value)) } } }
}

/// Evidence: what is a timeline is drawn, the rest is listed.
pub(super) fn evidence(pieces: &[Evidence]) -> Markup {
    let (timeline, other): (Vec<&Evidence>, Vec<&Evidence>) = pieces
        .iter()
        .partition(|piece| piece.kind == sequence::KIND);
    html! {
        @if !other.is_empty() {
            ul.evidence { @for piece in other { li { code { (line(&piece.kind)) " " (line(&piece.id)) } " " (line(&piece.text)) } } }
        }
        @if !timeline.is_empty() { (sequence::render(&timeline)) }
    }
}
