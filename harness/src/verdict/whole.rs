//! A whole history: the controls or the battery, and the scenarios after them.

use x402_assay_reports::model::{CaseResult, Report, RunVerdict, ScenarioResult, Verdict};
use x402_assay_reports::text::counted;

use super::report::{Judging, build_report};
use super::scenarios;
use crate::audit::{Books, money};
use crate::history::{Damage, Event, Facts, What};

/// Judges a history. What scenarios did is kept away from the checks: it was made to go wrong.
pub fn judge_history(events: &[Event], damage: Option<&Damage>, judging: &Judging) -> Report {
    let whole = Facts::new(events, damage);
    let begin = events
        .iter()
        .position(|event| matches!(event.what, What::Scenario { .. }));
    let Some(begin) = begin else {
        return build_report(&whole, judging);
    };
    let mut before = Facts::new(&events[..begin], damage);
    before.ending = whole.ending;
    before.last_us = whole.last_us;
    let mut report = build_report(&before, judging);
    let books = Books::keep(&whole);
    report.money = money::totals(&books);
    (report.books, report.books_left_out) = super::books::rows(&whole, &books);
    report.scenarios = scenarios::judge(&whole);
    decide(&mut report);
    report
}

/// A failed scenario makes the run nonconformant; one that shows nothing keeps it from being conformant.
fn decide(report: &mut Report) {
    let of = |verdict: Verdict| -> Vec<&ScenarioResult> {
        report
            .scenarios
            .iter()
            .filter(|scenario| scenario.verdict == verdict)
            .collect()
    };
    let (failed, unclear, skipped) = (
        of(Verdict::Fail),
        of(Verdict::Inconclusive),
        of(Verdict::Skipped),
    );
    let ran = report.scenarios.len() - skipped.len();
    let told = |scenario: &ScenarioResult| {
        let worst = scenario
            .cases
            .iter()
            .find(|case| case.verdict == scenario.verdict);
        worst.map_or_else(String::new, CaseResult::seen)
    };
    let line = if let Some(first) = failed.first() {
        let more = match failed.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some((
            RunVerdict::Nonconformant,
            format!("{}: {}{more}.", first.name, told(first)),
        ))
    } else if report.verdict != RunVerdict::Conformant {
        None
    } else if let Some(first) = unclear.first() {
        Some((
            RunVerdict::Inconclusive,
            format!("{}: {}.", first.name, told(first)),
        ))
    } else if ran == 0 {
        let why = skipped.first().map(|first| told(first)).unwrap_or_default();
        Some((
            RunVerdict::Inconclusive,
            format!("no scenario could be run: {why}."),
        ))
    } else {
        let held = counted(ran, "scenario");
        Some((
            RunVerdict::Conformant,
            format!("{held} held, {} skipped. {}", skipped.len(), report.summary),
        ))
    };
    if let Some((verdict, summary)) = line {
        let was_nonconformant = report.verdict == RunVerdict::Nonconformant;
        report.verdict = verdict;
        if !was_nonconformant {
            report.summary = summary;
        }
    }
}
