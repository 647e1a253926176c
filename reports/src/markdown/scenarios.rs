//! Scenarios: findings with expected, observed, interleaving, timeline and command; a table; what was left out.

use super::escape::{block, code, inline, lines};
use super::findings::{SENTENCE_MAX, evidence, item, said, word};
use super::page::Page;
use crate::finding::Finding;
use crate::model::{CaseResult, Evidence, Minimised, Report, ScenarioResult, Verdict};
use crate::skips::scenario_skips;
use crate::text::counted;

const FINDINGS_MAX: usize = 6;
const TIMELINE_MAX: usize = 40;

pub(super) fn finding(out: &mut String, finding: &Finding<'_>, scenario: &ScenarioResult) {
    let Some(case) = scenario.told() else { return };
    let broken = scenario
        .cases
        .iter()
        .filter(|other| other.verdict == case.verdict)
        .count();
    let cases = format!("{broken} of {}", counted(scenario.cases.len(), "case"));
    let cases = match (&scenario.smallest, case.label.is_empty()) {
        (Some(least), _) => format!("{cases}; the smallest: {}", code(least, 120)),
        (None, true) => cases,
        (None, false) => format!("{cases}; the first: {}", code(&case.label, 120)),
    };
    item(out, "Scenario", &code(&scenario.name, 60));
    item(out, "Cases", &cases);
    item(out, "Expected", &inline(&scenario.about, SENTENCE_MAX));
    if case.findings.is_empty() {
        item(out, "Observed", &inline(&case.seen(), SENTENCE_MAX));
    }
    for found in case.findings.iter().take(FINDINGS_MAX) {
        let mut seen = format!(
            "{}: {}",
            inline(&found.expectation, 80),
            inline(&found.text, SENTENCE_MAX)
        );
        if let Some(why) = &found.why {
            seen.push_str(&format!(" ({})", inline(why, SENTENCE_MAX)));
        }
        item(out, "Observed", &seen);
    }
    if let Some(least) = &case.minimised {
        item(out, "Smallest", &inline(&least.told(), SENTENCE_MAX));
    }
    if let Some(repeats) = &case.repeats {
        let repeats = format!("{} of {}", repeats.with_verdict, repeats.ran);
        item(out, "Repeats", &repeats);
    }
    if let Some(rate) = &case.rate {
        item(out, "Rate", &inline(rate, SENTENCE_MAX));
    }
    if !finding.breaks.is_empty() {
        item(out, "Breaks", &inline(&finding.breaks.join(", "), 100));
    }
    if !scenario.sources.is_empty() {
        item(
            out,
            "Seen before in",
            &inline(&scenario.sources.join(", "), 300),
        );
    }
    shown(out, case);
    let commands = [&scenario.replay, &case.replay].into_iter().flatten();
    for command in commands {
        out.push_str(&format!("\n{}", block(command, 2_000)));
    }
}

/// Evidence, interleaving and timeline.
fn shown(out: &mut String, case: &CaseResult) {
    let worst = case
        .findings
        .first()
        .map_or(&[][..], |found| &found.evidence);
    let (timeline, pieces): (Vec<Evidence>, Vec<Evidence>) = worst
        .iter()
        .cloned()
        .partition(|piece| piece.kind == "timeline");
    if !pieces.is_empty() {
        item(out, "Evidence", "");
        evidence(out, &pieces);
    }
    if !case.interleaving.is_empty() {
        out.push_str("\nIn this order:\n\n");
        let steps = case.interleaving.iter().take(TIMELINE_MAX).enumerate();
        for (index, step) in steps {
            out.push_str(&format!("{}. {}\n", index + 1, inline(step, 300)));
        }
    }
    if !timeline.is_empty() {
        let moments = timeline
            .iter()
            .take(TIMELINE_MAX)
            .map(|moment| format!("{:>12}  {}", moment.id, moment.text));
        out.push_str(&format!("\n{}", lines(moments, 160)));
    }
}

/// One row a scenario that ran, with its worst case; then what was left out.
pub(super) fn render(page: &mut Page, report: &Report) {
    if report.scenarios.is_empty() {
        return;
    }
    let ran = report
        .scenarios
        .iter()
        .filter(|row| row.verdict != Verdict::Skipped);
    page.block(
        "### Scenarios\n\n| | Verdict | Cases | Smallest | Seen |\n|---|---|---:|---|---|\n",
    );
    let rows = ran.map(|scenario| {
        let case = scenario.told();
        let seen = case.map_or_else(String::new, CaseResult::seen);
        let least = case.and_then(|case| case.minimised.as_ref());
        let least = least.map(Minimised::told);
        let least = least.or_else(|| scenario.smallest.clone());
        format!(
            "| {} | {} | {} | {} | {} |\n",
            code(&scenario.name, 60),
            word(scenario.verdict),
            scenario.cases.len(),
            inline(&least.unwrap_or_default(), 120),
            inline(&seen, SENTENCE_MAX)
        )
    });
    let left_out = page.blocks(rows);
    page.block("\n");
    said(page, left_out, "scenario");
    let skips = scenario_skips(report);
    if skips.is_empty() {
        return;
    }
    page.block("### Scenarios skipped\n\n");
    let rows = skips.into_iter().map(|(reason, names)| {
        let names: Vec<String> = names.iter().map(|name| code(name, 60)).collect();
        format!(
            "- {}: {} ({})\n",
            names.len(),
            inline(reason, SENTENCE_MAX),
            names.join(", ")
        )
    });
    let left_out = page.blocks(rows);
    page.block("\n");
    said(page, left_out, "reason");
}
