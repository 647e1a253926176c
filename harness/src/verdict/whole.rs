//! A whole history: the controls or the battery, and the scenarios after them.

use x402_assay_reports::model::{Counts, Report, RunVerdict, ScenarioResult, Verdict};
use x402_assay_reports::text::counted;

use super::expected::Survey;
use super::report::{Judging, build_with};
use super::scenarios::{self, Scenarios};
use super::summary::preface;
use crate::audit::{Books, money};
use crate::history::{Damage, Event, Facts, What};

/// Judges a history. What scenarios did is kept away from the checks: it was made to go wrong.
pub fn judge_history(events: &[Event], damage: Option<&Damage>, judging: &Judging) -> Report {
    survey_history(events, damage, judging).0
}

/// The same, and what the expectations are worth in it.
pub fn survey_history(
    events: &[Event],
    damage: Option<&Damage>,
    judging: &Judging,
) -> (Report, Survey) {
    let whole = Facts::new(events, damage);
    let begin = events
        .iter()
        .position(|event| matches!(event.what, What::Scenario { .. }));
    let Some(begin) = begin else {
        return build_with(&whole, &whole, judging, &mut Scenarios::default());
    };
    let mut before = Facts::new(&events[..begin], damage);
    before.ending = whole.ending;
    before.last_us = whole.last_us;
    let mut judged = scenarios::judge(&whole);
    let (mut report, survey) = build_with(&before, &whole, judging, &mut judged);
    let books = Books::keep(&whole);
    report.money = money::totals(&books, &money::undone(&whole));
    (report.books, report.books_left_out) = super::books::rows(&whole, &books);
    report.scenarios = judged.results;
    decide(&mut report, &before);
    (report, survey)
}

/// A failed scenario makes the run nonconformant; one that shows nothing keeps it from being conformant.
fn decide(report: &mut Report, before: &Facts<'_>) {
    let counts = report.scenario_counts();
    let first = |verdict: Verdict| {
        let mut found: Vec<&ScenarioResult> = report
            .scenarios
            .iter()
            .filter(|scenario| scenario.verdict == verdict && scenario.expected.is_none())
            .collect();
        // What was given or moved comes first.
        found.sort_by_key(|scenario| most_consequential(scenario));
        found.first().map(|scenario| told(scenario))
    };
    let ran = report.scenarios.len() - counts.skipped;
    let controls_lack = report.verdict == RunVerdict::Inconclusive;
    let (verdict, reason) = if let Some(first) = first(Verdict::Fail) {
        (RunVerdict::Nonconformant, format!("fix first: {first}."))
    } else if report.verdict != RunVerdict::Conformant {
        (report.verdict, report.summary.clone())
    } else if let Some(first) = first(Verdict::Inconclusive) {
        (RunVerdict::Inconclusive, format!("not shown: {first}."))
    } else if ran == 0 {
        let why = first(Verdict::Skipped).unwrap_or_default();
        let reason = format!("no scenario could be run: {why}.");
        (RunVerdict::Inconclusive, reason)
    } else if let Some(first) = first(Verdict::Warn) {
        (RunVerdict::Conformant, format!("look first at {first}."))
    } else {
        (RunVerdict::Conformant, charged(report))
    };
    // What the controls lack is said first: without them a scenario proves little.
    report.summary = match controls_lack && verdict == RunVerdict::Inconclusive {
        true => reason,
        false => format!("{}{}; {reason}", preface(before), counted_out(&counts)),
    };
    report.verdict = verdict;
}

/// `27 of 28 scenarios held, 1 failed, 31 skipped`.
fn counted_out(counts: &Counts) -> String {
    let held = counts.pass + counts.info;
    let ran = held + counts.fail + counts.warn + counts.inconclusive;
    let mut line = format!("{held} of {} held", counted(ran, "scenario"));
    let warnings = counted(counts.warn, "warning");
    for (count, what) in [
        (counts.warn, warnings),
        (counts.fail, format!("{} failed", counts.fail)),
        (
            counts.inconclusive,
            format!("{} inconclusive", counts.inconclusive),
        ),
        (counts.skipped, format!("{} skipped", counts.skipped)),
        (counts.expected, format!("{} expected", counts.expected)),
    ] {
        if count > 0 {
            line.push_str(&format!(", {what}"));
        }
    }
    line
}

fn charged(report: &Report) -> String {
    let money = &report.money;
    let settled = counted(money.settled, "purchase");
    format!("{settled} settled, {} served.", money.granted)
}

/// The scenario, its smallest parameters, and what was seen.
fn told(scenario: &ScenarioResult) -> String {
    let Some(case) = scenario.told() else {
        return scenario.name.clone();
    };
    match case.label.as_str() {
        "" => format!("{}: {}", scenario.name, case.seen()),
        label => format!("{} ({label}): {}", scenario.name, case.seen()),
    }
}

/// Smaller where an invariant was broken, and there by its number.
fn most_consequential(scenario: &ScenarioResult) -> u32 {
    let findings = scenario.told().into_iter().flat_map(|case| &case.findings);
    let broken = findings
        .filter(|finding| finding.verdict == scenario.verdict)
        .filter_map(|finding| {
            finding
                .expectation
                .strip_prefix("invariant I")?
                .parse()
                .ok()
        });
    broken.min().unwrap_or(u32::MAX)
}
