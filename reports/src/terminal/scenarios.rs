//! Scenarios: findings with their interleaving and timeline, what was seen, what held, and why others were left out.

use super::details::{INDENT, LABEL_WIDTH, evidence, tag};
use super::page::{Page, Style};
use crate::finding::Finding;
use crate::model::{CaseResult, Evidence, Report, ScenarioResult, Verdict};
use crate::skips::scenario_skips;
use crate::text;

/// Most findings of one case that are shown.
const FINDINGS_MAX: usize = 4;
/// Most lines of an interleaving that are shown.
const STEPS_MAX: usize = 20;

/// What was expected and seen in the smallest case that shows it.
pub(super) fn finding(page: &mut Page, finding: &Finding<'_>, scenario: &ScenarioResult) {
    let Some(case) = scenario.told() else { return };
    let broken = scenario
        .cases
        .iter()
        .filter(|other| other.verdict == case.verdict)
        .count();
    let of = format!(
        "{broken} of {}",
        text::counted(scenario.cases.len(), "case")
    );
    let place = match (scenario.smallest.as_deref(), case.label.as_str()) {
        (Some(least), _) => format!("{of}; the smallest: {least}"),
        (None, "") => of,
        (None, label) => format!("{of}; the first: {label}"),
    };
    page.field(INDENT, "cases", LABEL_WIDTH, &place);
    if let Some(least) = &case.minimised {
        page.field(INDENT, "smallest", LABEL_WIDTH, &least.told());
    }
    if let Some(repeats) = repeats(case) {
        page.field(INDENT, "repeats", LABEL_WIDTH, &repeats);
    }
    if let Some(rate) = &case.rate {
        page.field(INDENT, "rate", LABEL_WIDTH, rate);
    }
    if case.findings.is_empty() {
        page.field(INDENT, "seen", LABEL_WIDTH, &case.seen());
    }
    details(page, case);
    if !finding.breaks.is_empty() {
        page.field(INDENT, "breaks", LABEL_WIDTH, &finding.breaks.join(", "));
    }
    if let Some(again) = &scenario.replay {
        page.command(INDENT, "again", LABEL_WIDTH, again);
    }
    if let Some(replay) = &case.replay {
        page.command(INDENT, "replay", LABEL_WIDTH, replay);
    }
    if !scenario.sources.is_empty() {
        page.field(INDENT, "sources", LABEL_WIDTH, &scenario.sources.join(", "));
    }
}

/// In how many repeats it was seen.
fn repeats(case: &CaseResult) -> Option<String> {
    let repeats = case.repeats.as_ref()?;
    Some(format!("{} of {}", repeats.with_verdict, repeats.ran))
}

fn details(page: &mut Page, case: &CaseResult) {
    let all = page.verbose();
    let worst = case
        .findings
        .iter()
        .filter(|found| all || found.verdict > Verdict::Info);
    let worst: Vec<_> = worst.collect();
    let shown = if all {
        worst.len()
    } else {
        worst.len().min(FINDINGS_MAX)
    };
    for found in &worst[..shown] {
        let seen = format!("{}: {}", found.expectation, found.text);
        page.field(INDENT, "seen", LABEL_WIDTH, &seen);
        if let Some(why) = &found.why {
            page.field(INDENT, "because", LABEL_WIDTH, why);
        }
    }
    if shown < worst.len() {
        let more = format!("and {} more in report.json", worst.len() - shown);
        page.field(INDENT, "", LABEL_WIDTH, &more);
    }
    let steps = if all {
        case.interleaving.len()
    } else {
        case.interleaving.len().min(STEPS_MAX)
    };
    for (index, step) in case.interleaving[..steps].iter().enumerate() {
        let label = if index == 0 { "order" } else { "" };
        page.field(
            INDENT,
            label,
            LABEL_WIDTH,
            &format!("{}. {step}", index + 1),
        );
    }
    if steps < case.interleaving.len() {
        let more = format!(
            "and {} more in report.json",
            case.interleaving.len() - steps
        );
        page.field(INDENT, "", LABEL_WIDTH, &more);
    }
    let Some(first) = worst.first() else { return };
    let (timeline, pieces): (Vec<Evidence>, Vec<Evidence>) = first
        .evidence
        .iter()
        .cloned()
        .partition(|piece| piece.kind == "timeline");
    evidence(page, INDENT, &pieces);
    for (index, moment) in timeline.iter().enumerate() {
        let label = if index == 0 { "timeline" } else { "" };
        let line = format!("{:>12}  {}", moment.id, moment.text);
        page.aligned(INDENT, label, LABEL_WIDTH, &line);
    }
}

/// What was seen without counting, what held, and what was left out, by reason.
pub(super) fn render(page: &mut Page, report: &Report) {
    if report.scenarios.is_empty() {
        return;
    }
    let ran = report.scenarios.iter();
    let ran = ran.filter(|row| row.verdict != Verdict::Skipped).count();
    if ran > 0 {
        page.heading(&format!("scenarios ({ran})"));
    }
    let of = |verdict: Verdict| {
        report
            .scenarios
            .iter()
            .filter(move |row| row.verdict == verdict)
    };
    for verdict in [
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Warn,
        Verdict::Info,
    ] {
        for scenario in of(verdict) {
            row(page, scenario);
        }
    }
    let held: Vec<&str> = of(Verdict::Pass).map(|row| row.name.as_str()).collect();
    if !held.is_empty() {
        page.blanks(2);
        page.column(Style::of(Verdict::Pass), tag(Verdict::Pass), INDENT);
        page.list(Style::Plain, 2 + INDENT, &held);
    }
    let skips = scenario_skips(report);
    if skips.is_empty() {
        return;
    }
    let total: usize = skips.iter().map(|(_, names)| names.len()).sum();
    page.heading(&format!("scenarios skipped ({total})"));
    for (reason, names) in skips {
        page.field(2, &format!("{:>4}", names.len()), 6, &format!("{reason}:"));
        page.blanks(8);
        page.list(Style::Plain, 8, &names);
    }
}

/// One line, and what its worst case showed.
fn row(page: &mut Page, scenario: &ScenarioResult) {
    page.blanks(2);
    page.column(Style::of(scenario.verdict), tag(scenario.verdict), INDENT);
    let width = scenario.name.chars().count().min(60) + 2;
    page.column(Style::Bold, &scenario.name, width);
    let line = match scenario.told() {
        Some(case) if case.label.is_empty() => case.seen(),
        Some(case) => format!("{}: {}", case.label, case.seen()),
        None => String::new(),
    };
    page.paragraph(Style::Plain, 2 + INDENT + width, &line);
}
