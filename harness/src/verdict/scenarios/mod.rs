//! Judges scenarios: each round of each case against what the scenario expects. Pure: no clock, no I/O.

mod answers;
mod expectation;
mod flags;
mod invariant;
mod pages;
mod rate;
mod responses;
mod rounds;
mod scene;
mod supported;
#[cfg(test)]
mod tests_scene;
mod wasted;

pub use rounds::{RoundJudged, judge_rounds};

use std::collections::BTreeMap;

use x402_assay_reports::model::{CaseResult, Repeated, ScenarioFinding, ScenarioResult, Verdict};

use self::scene::Scenes;
use crate::audit::invariants::Told;
use crate::history::Facts;
use crate::history::case_ran::CaseRan;
use crate::scenario::expect::{Flag, Grade};
use crate::scenario::{Case, Expect, Scenario};

/// Most seeds that are named for one case.
const SEEDS_MAX: usize = 5;

/// What one round showed.
struct Judged {
    verdict: Verdict,
    detail: String,
    findings: Vec<ScenarioFinding>,
    interleaving: Vec<String>,
    /// The invariants that the scenario asks for over this round, weighed by its grades.
    invariants: Vec<Told>,
}

impl Judged {
    const fn of(verdict: Verdict, detail: String) -> Self {
        Self {
            verdict,
            detail,
            findings: Vec::new(),
            interleaving: Vec::new(),
            invariants: Vec::new(),
        }
    }
}

/// What scenarios came to.
#[derive(Debug, Default)]
pub(super) struct Scenarios {
    pub(super) results: Vec<ScenarioResult>,
    /// The invariants, round by round, each with the place of its scenario.
    pub(super) invariants: Vec<(usize, Vec<Told>)>,
}

/// Judges every scenario of a run.
pub(super) fn judge(facts: &Facts<'_>) -> Scenarios {
    let mut scenes = Scenes::read(facts);
    let mut all = Scenarios::default();
    for (name, text) in &facts.scenarios {
        let mut invariants = Vec::new();
        let result = one(facts, &mut scenes, name, text, &mut invariants);
        let place = all.results.len();
        all.invariants
            .extend(invariants.into_iter().map(|told| (place, told)));
        all.results.push(result);
    }
    all
}

fn one<'f, 'h>(
    facts: &'f Facts<'h>,
    scenes: &mut Scenes<'f, 'h>,
    name: &str,
    text: &str,
    invariants: &mut Vec<Vec<Told>>,
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
            let mut judged: Vec<Judged> = judged.collect();
            let told = judged
                .iter_mut()
                .map(|round| std::mem::take(&mut round.invariants));
            invariants.extend(told);
            case_result(&rounds, judged)
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
        replay: replay(facts, name),
        expected: None,
    }
}

/// The recorded command with this scenario alone, on the same kind of chain, in the same order.
fn replay(facts: &Facts<'_>, name: &str) -> Option<String> {
    let run = facts.run?;
    let (variables, rest) = run.command.as_ref()?.split_once("x402-assay run")?;
    let about_chain = [" --chain ", " --attach", " --anvil "];
    let chain = match run.chain_used.as_str() {
        "memory" if !about_chain.iter().any(|flag| rest.contains(flag)) => " --chain memory",
        _ => "",
    };
    let seed = run.seed;
    Some(format!(
        "{variables}x402-assay run {name}{rest}{chain} --seed {seed}"
    ))
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
    let is_shown =
        |round: &&Judged| !matches!(round.verdict, Verdict::Inconclusive | Verdict::Skipped);
    let is_broken = |round: &&Judged| matches!(round.verdict, Verdict::Fail | Verdict::Warn);
    let shown = judged.iter().filter(is_shown).count();
    let rate = rate::sentence(judged.iter().filter(is_broken).count(), shown);
    let told = judged.into_iter().find(|round| round.verdict == verdict);
    let (detail, findings, interleaving) = told.map_or_else(Default::default, |round| {
        (round.detail, round.findings, round.interleaving)
    });
    let first = rounds.first();
    CaseResult {
        case: first.map_or(0, |ran| ran.case),
        label: first.map_or_else(String::new, |ran| ran.label.clone()),
        verdict,
        rounds: rounds.len(),
        with_verdict,
        repeats,
        detail,
        rate,
        findings,
        interleaving,
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
    Judged::of(Verdict::Inconclusive, why)
}

fn round<'f, 'h>(
    facts: &'f Facts<'h>,
    scenes: &mut Scenes<'f, 'h>,
    scenario: &Scenario,
    ran: &'h CaseRan,
) -> Judged {
    if let Some(reason) = &ran.skipped {
        return Judged::of(Verdict::Skipped, reason.clone());
    }
    let place = usize::try_from(ran.case).unwrap_or(0).checked_sub(1);
    let Some(case) = place.and_then(|place| scenario.expand().get(place)) else {
        return inconclusive(format!("the scenario has no case {}", ran.case));
    };
    let mut scene = scenes.take(facts, ran, case);
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
    let mut not_observed = ran.not_observed.clone();
    not_observed.extend(scene.not_asked());
    let quiet = match (unmet.is_empty(), not_observed.is_empty()) {
        (false, _) => Verdict::Inconclusive,
        (true, false) => Verdict::Info,
        (true, true) => Verdict::Pass,
    };
    let verdict = findings
        .iter()
        .map(|finding| finding.verdict)
        .fold(quiet, |worst, next| {
            std::cmp::max_by_key(worst, next, in_round)
        });
    findings.sort_by_key(|finding| std::cmp::Reverse(in_round(&finding.verdict)));
    let detail = match findings.first() {
        Some(worst) if worst.verdict == verdict => format!("{}: {}", worst.expectation, worst.text),
        _ if !unmet.is_empty() => unmet.join("; "),
        _ if !not_observed.is_empty() => format!("not observed: {}", not_observed.join("; ")),
        _ => scene.summary(),
    };
    let is_broken = verdict == Verdict::Fail || verdict == Verdict::Warn;
    let interleaving = match is_broken {
        true => scene.interleaving(),
        false => Vec::new(),
    };
    if let Some(worst) = findings.first_mut().filter(|_| is_broken)
        && !worst.evidence.iter().any(|piece| piece.kind == "timeline")
    {
        worst.evidence.extend(scene.timeline());
    }
    Judged {
        verdict,
        detail,
        findings,
        interleaving,
        invariants: weighed(std::mem::take(&mut scene.invariants), case),
    }
}

/// What the run's invariants take from a round: those that its scenario asks for, and no worse than it grades them. What a
/// scenario breaks on purpose it does not ask about.
fn weighed(told: Vec<Told>, case: &Case) -> Vec<Told> {
    let asked = told.into_iter().filter_map(|mut row| {
        let grade = asked_grade(case, row.id)?;
        for (verdict, _) in &mut row.breaches {
            *verdict = invariant::weigh(*verdict, grade);
        }
        let worst = row.breaches.iter().map(|(verdict, _)| *verdict);
        row.verdict = worst
            .filter(|verdict| *verdict > Verdict::Info)
            .max()
            .unwrap_or_else(|| quiet(row.observed));
        Some(row)
    });
    asked.collect()
}

/// The strictest grade of the expectations that name this invariant.
fn asked_grade(case: &Case, id: &str) -> Option<Grade> {
    let grades = case
        .expect
        .iter()
        .filter_map(|expected| match &expected.expect {
            Expect::Invariant(ids) => ids
                .iter()
                .any(|asked| asked.word() == id)
                .then_some(expected.grade),
            _ => None,
        });
    grades.max_by_key(|grade| graded(*grade))
}

const fn quiet(observed: usize) -> Verdict {
    match observed {
        0 => Verdict::Skipped,
        _ => Verdict::Pass,
    }
}

/// Whether a miss counts in a round whose fault was never met, or that broke off: what must hold whatever happens
/// does; what was expected of the fault does not.
fn holds_anyway(expectation: &str) -> bool {
    expectation.starts_with("invariant ")
        || ["liveness", Flag::TermsFromServer.word()].contains(&expectation)
}

/// The order of verdicts inside a round: what was seen and warns weighs more than what another expectation did not see.
fn in_round(verdict: &Verdict) -> (Verdict, bool) {
    match verdict {
        Verdict::Warn => (Verdict::Inconclusive, true),
        other => (*other, false),
    }
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
            rate: None,
            findings: Vec::new(),
            interleaving: Vec::new(),
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
        let judged = |verdict| Judged::of(verdict, format!("{verdict:?}"));
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
