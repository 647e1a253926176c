//! Scenarios: what each showed, and its worst case in full.

use maud::{Markup, html};

use super::findings::evidence;
use super::head::{anchor, badge, line, verdict_word};
use crate::model::{CaseResult, Report, ScenarioResult, Verdict};
use crate::text;

/// Cases shown in full of one scenario.
const CASES_SHOWN: usize = 5;

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
    let open = scenario.verdict == Verdict::Fail;
    html! {
        details.finding id={"scenario-" (anchor(&scenario.name))} open[open] {
            summary { (badge(scenario.verdict)) " " strong { (line(&scenario.name)) } " " (line(&scenario.about)) }
            p { (counted(scenario)) @if let Some(smallest) = &scenario.smallest { "; smallest: " code { (line(smallest)) } } }
            @if !scenario.sources.is_empty() { p.sources { "Seen in: " (line(&scenario.sources.join(", "))) } }
            @for case in told {
                div.case {
                    p.seen { @if !case.label.is_empty() { code { (line(&case.label)) } " " } (line(&case.detail))
                        @if case.rounds > 1 { " (" (case.with_verdict) " of " (case.rounds) " rounds)" } }
                    @for finding in case.findings.iter().take(CASES_SHOWN) {
                        p { (badge(finding.verdict)) " " strong { (line(&finding.expectation)) } ": " (line(&finding.text)) }
                        @if let Some(why) = &finding.why { p.why { (line(why)) } }
                        (evidence(&finding.evidence))
                    }
                }
            }
        }
    }
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
