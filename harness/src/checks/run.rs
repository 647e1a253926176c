//! Runs checks over a judged history: needs, generations, grading, and a judge that panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use x402_assay_protocol::Version;
use x402_assay_reports::model::{CheckResult, Verdict};

use super::check::{Check, Grade, Grading, Need};
use super::judged::Judged;
use super::outcome::Outcome;
use crate::history::Facts;

/// Judges one check over every generation the target offers.
pub fn run_check(check: &Check, judged: &Judged<'_, '_>) -> Outcome {
    whole(&run_parts(check, judged))
}

/// What a check found in each generation, or why it was not tried at all.
pub type Parts = Result<Vec<(Version, Outcome)>, Box<Outcome>>;

/// The outcome over all generations.
pub fn whole(parts: &Parts) -> Outcome {
    match parts {
        Ok(parts) => parts.iter().map(|(_, outcome)| outcome.clone()).collect(),
        Err(skipped) => skipped.as_ref().clone(),
    }
}

/// Judges one check in every generation the target offers, each alone.
pub fn run_parts(check: &Check, judged: &Judged<'_, '_>) -> Parts {
    if let Some(reason) = unmet_need(check, judged) {
        return untried(reason);
    }
    let offered = offered_versions(judged);
    let versions: Vec<Version> = check
        .versions
        .iter()
        .copied()
        .filter(|version| offered.contains(version))
        .collect();
    if versions.is_empty() {
        let names: Vec<String> = check.versions.iter().map(Version::to_string).collect();
        return untried(format!(
            "the target was not probed with {}",
            names.join(" or ")
        ));
    }
    let grade = |verdict| graded(check, judged.grading, verdict);
    let parts: Vec<(Version, Outcome)> = versions
        .into_iter()
        .filter_map(|version| {
            let outcome = run_version(check, judged, version)?;
            Some((version, outcome.map_verdict(grade)))
        })
        .collect();
    if parts.is_empty() {
        return untried(why_not_probed(check, judged.facts));
    }
    Ok(parts)
}

fn untried(reason: impl Into<String>) -> Parts {
    Err(Box::new(Outcome::skipped(reason)))
}

/// Why none of a check's probes was made: what the runner noted of it or of its section, if it did.
fn why_not_probed(check: &Check, facts: &Facts<'_>) -> String {
    let about = |noted: &str| {
        let name = noted.split_once('/').map_or(noted, |(_, name)| name);
        let mut probes = check.probes.iter();
        probes.any(|probe| {
            let rest = probe.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let mut notes = facts.notes.iter();
    let noted = notes.find(|(probe, _)| probe.is_some_and(about));
    noted.map_or_else(
        || format!("the run holds no {} request", check.probes.join(" or ")),
        |(_, text)| (*text).to_owned(),
    )
}

/// The result of one check, as the report holds it; `replay` is the command that repeats it.
pub fn result_of(check: &Check, outcome: &Outcome, replay: Option<String>) -> CheckResult {
    let verdict = outcome.verdict();
    let is_finding = matches!(verdict, Verdict::Fail | Verdict::Warn);
    CheckResult {
        id: check.id.to_owned(),
        title: check.title.to_owned(),
        requirement: check.requirement.to_owned(),
        source: check.source.to_owned(),
        grade: check.grade.name().to_owned(),
        verdict,
        detail: outcome.text(),
        evidence: outcome.evidence(),
        cause: is_finding.then(|| check.cause.to_owned()),
        fix: is_finding.then(|| check.fix.to_owned()),
        replay: replay.filter(|_| is_finding),
        tags: check.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        expected: None,
    }
}

fn unmet_need(check: &Check, judged: &Judged<'_, '_>) -> Option<&'static str> {
    let facts = judged.facts;
    check.needs.iter().find_map(|need| match need {
        Need::Facilitator if !facts.facilitator_called() => {
            Some("needs our facilitator, and the target did not call it about a payment")
        }
        Need::Evm if facts.run.is_some_and(|run| run.chain_used == "memory") => Some("needs evm"),
        _ => None,
    })
}

/// Generations with probes; v2 when the target's generation could not be told at all.
fn offered_versions(judged: &Judged<'_, '_>) -> Vec<Version> {
    let versions = judged.facts.versions();
    if versions.is_empty() {
        vec![Version::V2]
    } else {
        versions
    }
}

fn run_version(check: &Check, judged: &Judged<'_, '_>, version: Version) -> Option<Outcome> {
    let probed = check.probes.iter().any(|probe| match *probe {
        "unpaid" => !judged.facts.unpaid(version).is_empty(),
        probe => judged.facts.probe(version, probe).next().is_some(),
    });
    if !probed {
        return None;
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| (check.judge)(judged, version)));
    Some(outcome.unwrap_or_else(|_| {
        let text = format!(
            "the judge of {} panicked; this is a defect of the bench",
            check.id
        );
        Outcome::inconclusive(text, Vec::new())
    }))
}

/// Keeps a verdict inside the check's grade, or raises it as the profile asks.
fn graded(check: &Check, grading: Grading, verdict: Verdict) -> Verdict {
    let raised = grading != Grading::Default && check.raised_by == Some(grading);
    match (verdict, check.grade) {
        (Verdict::Warn, _) if raised => Verdict::Fail,
        (Verdict::Fail, Grade::Warn) if !raised => Verdict::Warn,
        (Verdict::Fail | Verdict::Warn, Grade::Info) if !raised => Verdict::Info,
        (verdict, _) => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Books;
    use crate::checks::find;
    use crate::history::Facts;
    use crate::history::script::Script;

    fn verdict_of(script: &Script, grading: Grading, change: impl Fn(&mut Check)) -> Outcome {
        let events = script.events();
        let facts = Facts::new(&events, None);
        let books = Books::keep(&facts);
        let judged = Judged {
            facts: &facts,
            books: &books,
            grading,
        };
        let mut check = *find("SRV-HDR-001").unwrap();
        change(&mut check);
        run_check(&check, &judged)
    }

    fn honest() -> Script {
        Script::honest(Version::V2)
    }

    #[test]
    fn a_judge_that_panics_is_our_trouble() {
        let outcome = verdict_of(&honest(), Grading::Default, |check| {
            check.judge = |_, _| panic!("on purpose");
        });
        assert_eq!(outcome.verdict(), Verdict::Inconclusive);
        assert!(outcome.text().contains("SRV-HDR-001"));
    }

    #[test]
    fn needs_are_met_or_named() {
        let needing = |check: &mut Check| check.needs = &[Need::Evm];
        let memory = honest().setup(|run| run.chain_used = "memory".to_owned());
        let skipped = verdict_of(&memory, Grading::Default, needing);
        assert_eq!(skipped.verdict(), Verdict::Skipped);
        assert_eq!(skipped.text(), "needs evm");
        let tried = verdict_of(&honest(), Grading::Default, needing);
        assert_eq!(tried.verdict(), Verdict::Pass);
    }

    #[test]
    fn a_verdict_stays_inside_its_grade_unless_the_profile_raises_it() {
        let failing: fn(&Judged<'_, '_>, Version) -> Outcome =
            |_, _| Outcome::fail("broken", Vec::new());
        let graded = |grade, grading| {
            let outcome = verdict_of(&honest(), grading, |check| {
                check.judge = failing;
                check.grade = grade;
                check.raised_by = Some(Grading::StrictSdk);
            });
            outcome.verdict()
        };
        assert_eq!(graded(Grade::Fail, Grading::Default), Verdict::Fail);
        assert_eq!(graded(Grade::Warn, Grading::Default), Verdict::Warn);
        assert_eq!(graded(Grade::Info, Grading::StrictSpec), Verdict::Info);
        assert_eq!(graded(Grade::Warn, Grading::StrictSdk), Verdict::Fail);
    }

    #[test]
    fn a_probe_nobody_made_and_a_generation_nobody_offers_are_skipped() {
        let missing = verdict_of(&honest(), Grading::Default, |check| {
            check.probes = &["other"]
        });
        assert_eq!(missing.verdict(), Verdict::Skipped);
        let script = Script::honest(Version::V1);
        let other = verdict_of(&script, Grading::Default, |_| {});
        assert_eq!(other.text(), "the target was not probed with v2");
    }
}
