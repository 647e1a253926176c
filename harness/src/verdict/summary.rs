//! The first line of the report: the verdict, why, and what to do next.

use x402_assay_reports::model::{InvariantResult, Money, RunVerdict, Verdict};
use x402_assay_reports::text::counted;

use super::controls::ControlState;
use super::run_verdict::Grounds;
use crate::checks::{Check, Outcome};
use crate::history::Facts;
use crate::history::event::RunStarted;

const BLACK_BOX: &str =
    "black-box checks only, the target never asked our facilitator about a payment. ";

/// One line for people.
pub(super) fn line(grounds: &Grounds<'_>, verdict: RunVerdict, money: &Money) -> String {
    let body = match verdict {
        RunVerdict::Conformant => conformant(grounds, money),
        RunVerdict::Nonconformant => nonconformant(grounds),
        RunVerdict::Inconclusive => inconclusive(grounds),
    };
    let is_open = verdict == RunVerdict::Inconclusive;
    // An inconclusive run's own sentence says where the facilitator's calls went.
    let preface = match preface(grounds.facts) {
        BLACK_BOX if is_open => "",
        preface => preface,
    };
    format!("{preface}{body}")
}

/// What a reader must know before anything else.
pub(super) fn preface(facts: &Facts<'_>) -> &'static str {
    let is_black_box =
        facts.exchanges.iter().any(|exchange| exchange.is_paid()) && !facts.facilitator_called();
    if let Some(run) = facts.run.filter(|run| run.is_built_in()) {
        match run.is_about_facilitator() {
            true => "nothing of yours was tested, the target is the built-in facilitator. ",
            false => "nothing of yours was tested, the target is the built-in reference server. ",
        }
    } else if is_black_box {
        BLACK_BOX
    } else {
        ""
    }
}

fn conformant(grounds: &Grounds<'_>, money: &Money) -> String {
    let passed = count(grounds, Verdict::Pass);
    let warned = count(grounds, Verdict::Warn);
    let expected = match grounds.survey.expected.len() {
        0 => String::new(),
        n => format!(", {} expected", counted(n, "finding")),
    };
    let warnings = match warned {
        0 => String::new(),
        1 => ", 1 warning to look at".to_owned(),
        n => format!(", {n} warnings to look at"),
    };
    let built_in = grounds.facts.run.filter(|run| run.is_built_in());
    let next = match built_in.map(RunStarted::is_about_facilitator) {
        Some(true) => "; test yours with: x402-assay run --facilitator URL",
        Some(false) => "; test yours with: x402-assay run --server URL",
        None => "",
    };
    let checks = match grounds.checks.is_empty() {
        true => String::new(),
        false => format!(", {passed} checks passed"),
    };
    format!(
        "{} settled, {} served{checks}{expected}{warnings}{next}.",
        counted(money.settled, "purchase"),
        money.granted
    )
}

fn nonconformant(grounds: &Grounds<'_>) -> String {
    let mut failed: Vec<&(&Check, Outcome)> = grounds.checks_with(Verdict::Fail).collect();
    // What was given or moved comes first.
    failed.sort_by_key(|(_, outcome)| !outcome.is_given());
    let broken: Vec<&InvariantResult> = grounds.broken().collect();
    let total = failed.len() + broken.len();
    let more = match total.saturating_sub(1) {
        0 => String::new(),
        1 => " (and 1 more failure)".to_owned(),
        n => format!(" (and {n} more failures)"),
    };
    if let Some((check, outcome)) = failed.first() {
        return format!("{}: {}{more}; {}.", check.id, outcome.text(), check.fix);
    }
    let (id, text) = broken.first().map_or(("", ""), |result| {
        let text = result.violations.first().map_or("", |v| v.text.as_str());
        (result.id.as_str(), text)
    });
    format!("{id}: {text}{more}; look at its evidence in the report.")
}

fn inconclusive(grounds: &Grounds<'_>) -> String {
    let facts = grounds.facts;
    let missing = grounds.controls.iter().find_map(|controls| {
        [&controls.positive, &controls.mutation]
            .into_iter()
            .find_map(|state| match state {
                ControlState::Missing { detail, .. } => Some((controls.version, detail)),
                ControlState::Held(_) => None,
            })
    });
    let cut = if facts.is_interrupted() {
        match facts.damage {
            Some(damage) => format!("the history is {damage}; judged up to there. "),
            None => "the run was stopped before its end. ".to_owned(),
        }
    } else {
        String::new()
    };
    let why = if let Some((version, detail)) = missing {
        if grounds.controls.len() > 1 {
            format!("{version}: {detail}")
        } else {
            detail.clone()
        }
    } else if let Some(trouble) = facts.ending.and_then(|ending| ending.trouble) {
        format!("the run could not go on: {trouble}")
    } else if facts.is_interrupted() {
        "what ran held; run again to the end".to_owned()
    } else {
        "the ledger was not read to the end; run again".to_owned()
    };
    format!("{cut}{why}.")
}

fn count(grounds: &Grounds<'_>, wanted: Verdict) -> usize {
    grounds.checks_with(wanted).count()
}
