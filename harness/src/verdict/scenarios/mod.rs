//! Judges scenarios: each round of each case against what the scenario expects. Pure: no clock, no I/O.

mod answers;
mod expectation;
mod flags;
mod invariant;
mod responses;
mod rounds;
mod scene;

pub use rounds::{RoundJudged, judge_rounds};

use std::collections::BTreeMap;

use x402_assay_reports::model::{CaseResult, Repeated, ScenarioFinding, ScenarioResult, Verdict};

use self::scene::Scenes;
use crate::history::Facts;
use crate::history::case_ran::CaseRan;
use crate::scenario::Scenario;
use crate::scenario::expect::{Flag, Grade};

/// Most seeds that are named for one case.
const SEEDS_MAX: usize = 5;

/// What one round showed.
struct Judged {
    verdict: Verdict,
    detail: String,
    findings: Vec<ScenarioFinding>,
}

/// Judges every scenario of a run.
pub(super) fn judge(facts: &Facts<'_>) -> Vec<ScenarioResult> {
    let mut scenes = Scenes::read(facts);
    facts
        .scenarios
        .iter()
        .map(|(name, text)| one(facts, &mut scenes, name, text))
        .collect()
}

fn one<'f, 'h>(
    facts: &'f Facts<'h>,
    scenes: &mut Scenes<'f, 'h>,
    name: &str,
    text: &str,
) -> ScenarioResult {
    let read = Scenario::parse(text, &format!("{name}.yaml"));
    let mut by_case: BTreeMap<u32, Vec<&CaseRan>> = BTreeMap::new();
    for ran in facts.cases.iter().filter(|ran| ran.scenario == name) {
        by_case.entry(ran.case).or_default().push(ran);
    }
    let cases: Vec<CaseResult> = by_case
        .into_values()
        .map(|rounds| {
            let judged = rounds.iter().map(|ran| match &read {
                Ok(scenario) => round(facts, scenes, scenario, ran),
                Err(_) => {
                    inconclusive("the scenario's text in the history cannot be read".to_owned())
                }
            });
            case_result(&rounds, judged.collect())
        })
        .collect();
    let mut ran = cases
        .iter()
        .map(|case| case.verdict)
        .filter(|verdict| *verdict != Verdict::Skipped);
    let worst = ran.next().map(|first| ran.fold(first, Verdict::max));
    let verdict = match worst {
        Some(verdict) => verdict,
        None if cases.is_empty() => Verdict::Inconclusive,
        None => Verdict::Skipped,
    };
    let read = read.ok();
    ScenarioResult {
        name: name.to_owned(),
        about: read
            .as_ref()
            .map(|read| read.about.clone())
            .unwrap_or_default(),
        sources: read.map(|read| read.sources).unwrap_or_default(),
        verdict,
        smallest: smallest(&cases, verdict),
        cases,
    }
}

/// The least parameters among the cases with the scenario's verdict, when that verdict is a finding.
fn smallest(cases: &[CaseResult], verdict: Verdict) -> Option<String> {
    if !matches!(verdict, Verdict::Fail | Verdict::Warn) {
        return None;
    }
    let found = cases
        .iter()
        .filter(|case| case.verdict == verdict && !case.label.is_empty());
    let least = found.min_by_key(|case| {
        case.label
            .split_whitespace()
            .map(size)
            .collect::<Vec<u64>>()
    });
    least.map(|case| case.label.clone())
}

/// `name=250ms` as a number, in milliseconds where it is a duration; words are all the same size.
fn size(parameter: &str) -> u64 {
    let value = parameter
        .split_once('=')
        .map_or(parameter, |(_, value)| value);
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = value[..digits].parse().unwrap_or(0);
    match &value[digits..] {
        "s" => number.saturating_mul(1_000),
        "m" => number.saturating_mul(60_000),
        "h" => number.saturating_mul(3_600_000),
        _ => number,
    }
}

fn case_result(rounds: &[&CaseRan], judged: Vec<Judged>) -> CaseResult {
    let repeats = by_repeat(rounds, &judged);
    let worst = repeats.values().map(|(verdict, _)| *verdict).max();
    let unclear = repeats
        .values()
        .filter(|(verdict, _)| *verdict == Verdict::Inconclusive);
    let unclear = unclear.count();
    // Among many repeats a few that showed nothing do not hide what the others showed.
    let verdict = match worst {
        Some(Verdict::Inconclusive) if unclear * 2 < repeats.len() => {
            let clear = repeats.values().map(|(verdict, _)| *verdict);
            clear
                .filter(|verdict| *verdict != Verdict::Inconclusive)
                .max()
        }
        worst => worst,
    };
    let verdict = verdict.unwrap_or(Verdict::Inconclusive);
    let repeats = (repeats.len() > 1).then(|| repeated(&repeats, verdict, unclear));
    let with_verdict = judged
        .iter()
        .filter(|round| round.verdict == verdict)
        .count();
    let told = judged.into_iter().find(|round| round.verdict == verdict);
    let (detail, findings) =
        told.map_or_else(Default::default, |round| (round.detail, round.findings));
    let first = rounds.first();
    CaseResult {
        case: first.map_or(0, |ran| ran.case),
        label: first.map_or_else(String::new, |ran| ran.label.clone()),
        verdict,
        rounds: rounds.len(),
        with_verdict,
        repeats,
        detail,
        findings,
        minimised: None,
        replay: None,
    }
}

/// The worst verdict and the seed of each repeat.
fn by_repeat(rounds: &[&CaseRan], judged: &[Judged]) -> BTreeMap<u32, (Verdict, Option<u64>)> {
    let mut by_repeat = BTreeMap::new();
    for (ran, round) in rounds.iter().zip(judged) {
        let first = (round.verdict, ran.seed);
        let seen = by_repeat.entry(ran.repeat.max(1)).or_insert(first);
        seen.0 = seen.0.max(round.verdict);
    }
    by_repeat
}

/// In how many of its repeats a case had the verdict.
fn repeated(
    by_repeat: &BTreeMap<u32, (Verdict, Option<u64>)>,
    verdict: Verdict,
    inconclusive: usize,
) -> Repeated {
    let with = || by_repeat.values().filter(|(seen, _)| *seen == verdict);
    Repeated {
        ran: by_repeat.len(),
        with_verdict: with().count(),
        inconclusive,
        seeds: with()
            .filter_map(|(_, seed)| *seed)
            .take(SEEDS_MAX)
            .collect(),
    }
}

fn inconclusive(why: String) -> Judged {
    Judged {
        verdict: Verdict::Inconclusive,
        detail: why,
        findings: Vec::new(),
    }
}

fn round<'f, 'h>(
    facts: &'f Facts<'h>,
    scenes: &mut Scenes<'f, 'h>,
    scenario: &Scenario,
    ran: &'h CaseRan,
) -> Judged {
    if let Some(reason) = &ran.skipped {
        return Judged {
            verdict: Verdict::Skipped,
            detail: reason.clone(),
            findings: Vec::new(),
        };
    }
    let place = usize::try_from(ran.case).unwrap_or(0).checked_sub(1);
    let Some(case) = place.and_then(|place| scenario.expand().get(place)) else {
        return inconclusive(format!("the scenario has no case {}", ran.case));
    };
    let scene = scenes.take(facts, ran, case);
    let mut findings: Vec<ScenarioFinding> = case
        .expect
        .iter()
        .flat_map(|expected| expectation::judge(&scene, expected))
        .collect();
    findings.extend(scene.liveness());
    findings.extend(scene.catch_alls());
    let unmet = scene.unmet();
    if !unmet.is_empty() {
        findings.retain(|finding| holds_anyway(&finding.expectation));
    }
    let quiet = match (unmet.is_empty(), ran.not_observed.is_empty()) {
        (false, _) => Verdict::Inconclusive,
        (true, false) => Verdict::Info,
        (true, true) => Verdict::Pass,
    };
    let verdict = findings
        .iter()
        .map(|finding| finding.verdict)
        .fold(quiet, Verdict::max);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let detail = match findings.first() {
        Some(worst) if worst.verdict == verdict => format!("{}: {}", worst.expectation, worst.text),
        _ if !unmet.is_empty() => unmet.join("; "),
        _ if !ran.not_observed.is_empty() => {
            format!("not observed: {}", ran.not_observed.join("; "))
        }
        _ => scene.summary(),
    };
    Judged {
        verdict,
        detail,
        findings,
    }
}

/// Whether a miss counts in a round whose fault was never met, or that broke off: what must hold whatever happens
/// does; what was expected of the fault does not.
fn holds_anyway(expectation: &str) -> bool {
    expectation.starts_with("invariant ")
        || ["liveness", Flag::TermsFromServer.word()].contains(&expectation)
}

/// What a missed expectation of this grade is.
const fn graded(grade: Grade) -> Verdict {
    match grade {
        Grade::Fail => Verdict::Fail,
        Grade::Warn => Verdict::Warn,
        Grade::Info => Verdict::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(label: &str, verdict: Verdict) -> CaseResult {
        CaseResult {
            case: 1,
            label: label.to_owned(),
            verdict,
            rounds: 1,
            with_verdict: 1,
            repeats: None,
            detail: String::new(),
            findings: Vec::new(),
            minimised: None,
            replay: None,
        }
    }

    #[test]
    fn repeats_are_counted_apart_from_rounds() {
        let ran = |repeat| CaseRan {
            repeat,
            seed: Some(u64::from(repeat) * 10),
            ..CaseRan::default()
        };
        let judged = |verdict| Judged {
            verdict,
            detail: format!("{verdict:?}"),
            findings: Vec::new(),
        };
        let (first, second, third) = (ran(1), ran(2), ran(3));
        let rounds = [&first, &first, &second, &second, &third, &third];
        let of = [0, 0, 1, 1, 0, 1].map(|bad| judged([Verdict::Pass, Verdict::Fail][bad]));
        let result = case_result(&rounds, of.into());
        assert_eq!((result.rounds, result.with_verdict), (6, 3));
        let repeats = result.repeats.clone().unwrap();
        assert_eq!((repeats.ran, repeats.with_verdict), (3, 2));
        assert_eq!(repeats.seeds, [20, 30]);
        assert_eq!(
            result.seen(),
            "in 2 of 3 repeats (the first with --seed 20): Fail"
        );
        assert_eq!(
            case_result(&rounds[..1], vec![judged(Verdict::Fail)]).repeats,
            None
        );
    }

    #[test]
    fn the_smallest_parameters_are_by_size_and_of_the_worst_verdict() {
        let cases = [
            case("copies=2 delay=2s", Verdict::Pass),
            case("copies=50 delay=0ms", Verdict::Fail),
            case("copies=10 delay=2s", Verdict::Fail),
            case("copies=10 delay=250ms", Verdict::Fail),
        ];
        let found = smallest(&cases, Verdict::Fail);
        assert_eq!(found.as_deref(), Some("copies=10 delay=250ms"));
        assert_eq!(smallest(&cases, Verdict::Pass), None);
    }
}
