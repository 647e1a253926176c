//! Scenarios: what each showed, and its worst case in full.

use maud::{Markup, html};

use super::findings::evidence;
use super::head::{anchor, badge, command, expected, line, verdict_word};
use crate::model::{CaseResult, Evidence, Report, ScenarioFinding, ScenarioResult, Verdict};
use crate::text;

/// Cases shown in full of one scenario.
const CASES_SHOWN: usize = 5;
/// Lines shown of the order in which a race went.
const ORDER_SHOWN: usize = 40;

pub(super) fn render(report: &Report) -> Markup {
    html! {
        @if !report.scenarios.is_empty() {
            section #scenarios { h2 { "Scenarios" }
                @for scenario in &report.scenarios { (one(scenario)) }
            }
        }
    }
}

fn one(scenario: &ScenarioResult) -> Markup {
    let told: Vec<&CaseResult> = scenario
        .cases
        .iter()
        .filter(|case| case.verdict == scenario.verdict)
        .take(CASES_SHOWN)
        .collect();
    let open = scenario.verdict == Verdict::Fail && scenario.expected.is_none();
    let more = scenario
        .cases
        .iter()
        .filter(|case| case.verdict == scenario.verdict)
        .count()
        - told.len();
    html! {
        details.finding id={"scenario-" (anchor(&scenario.name))} open[open] {
            summary { (badge(scenario.verdict)) (expected(scenario.expected.as_ref())) " " strong { (line(&scenario.name)) } " " (line(&scenario.about)) }
            p { (counted(scenario)) @if let Some(smallest) = &scenario.smallest { "; smallest: " code { (line(smallest)) } } }
            @if !scenario.sources.is_empty() { p.sources { "Seen in: " (line(&scenario.sources.join(", "))) } }
            @for (index, case) in told.iter().enumerate() {
                details.case open[open && index == 0] {
                    summary { @if case.label.is_empty() { "case " (case.case) } @else { code { (line(&case.label)) } }
                        @if case.rounds > 1 { " (" (case.with_verdict) " of " (case.rounds) " rounds)" } }
                    (case_body(case))
                }
            }
            @if more > 0 { p { (text::counted(more, "case")) " more in " code { "report.json" } } }
        }
    }
}

/// What did not hold; evidence that several findings share is shown once.
fn case_body(case: &CaseResult) -> Markup {
    let findings = &case.findings[..case.findings.len().min(CASES_SHOWN)];
    html! {
        @if findings.is_empty() { p.seen { (line(&case.detail)) } }
        @for (index, finding) in findings.iter().enumerate() {
            p.seen { (badge(finding.verdict)) " " strong { (line(&finding.expectation)) } ": " (line(&finding.text)) }
            @if let Some(why) = &finding.why { p.why { (line(why)) } }
            (evidence(&new_to(&findings[..index], &finding.evidence)))
        }
        @if let Some(rate) = &case.rate { p { (line(rate)) } }
        @if !case.interleaving.is_empty() {
            p { "In this order:" }
            ol.order { @for step in case.interleaving.iter().take(ORDER_SHOWN) { li { (line(step)) } } }
        }
        @if let Some(replay) = &case.replay { (command(replay)) }
        @if case.findings.len() > CASES_SHOWN {
            p { (text::counted(case.findings.len() - CASES_SHOWN, "finding")) " more in " code { "report.json" } }
        }
    }
}

/// The evidence that no finding before this one has shown.
fn new_to(before: &[ScenarioFinding], pieces: &[Evidence]) -> Vec<Evidence> {
    let shown = |piece: &Evidence| before.iter().any(|other| other.evidence.contains(piece));
    pieces
        .iter()
        .filter(|piece| !shown(piece))
        .cloned()
        .collect()
}

fn counted(scenario: &ScenarioResult) -> String {
    let of = |verdict| {
        scenario
            .cases
            .iter()
            .filter(|case| case.verdict == verdict)
            .count()
    };
    let all = [
        Verdict::Fail,
        Verdict::Warn,
        Verdict::Inconclusive,
        Verdict::Info,
        Verdict::Skipped,
        Verdict::Pass,
    ];
    let parts: Vec<String> = all
        .into_iter()
        .filter(|verdict| of(*verdict) > 0)
        .map(|verdict| format!("{} {}", of(verdict), verdict_word(verdict)))
        .collect();
    format!(
        "{}: {}",
        text::counted(scenario.cases.len(), "case"),
        parts.join(", ")
    )
}
