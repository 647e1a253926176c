//! Builds the report of a run.

use x402_assay_protocol::{Version, network};
use x402_assay_reports::model::{
    self, CheckResult, Counts, Fidelity, InvariantResult, Report, SCHEMA, Target, Verdict,
};

use super::controls::{self, VersionControls};
use super::expected::{self, AllJudged, Survey};
use super::run_verdict::{self, Grounds};
use super::scenarios::Scenarios;
use super::{facilitator_controls, latency, summary};
use crate::audit::invariants::{self, Told};
use crate::audit::{Books, Span, money};
use crate::checks::{self, CHECKS, Check, Grading, Judged, Outcome, Parts, Role};
use crate::expectations::Expectations;
use crate::history::Facts;

/// Revision of the specification the checks were written against.
pub const SPEC_REVISION: &str =
    "coinbase/x402 dd927a26cfefc98c24b3ec38b3a8f204dad0c60d (2026-04-21)";

/// How a history is to be judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judging {
    /// How strictly soft rows are graded.
    pub grading: Grading,
    /// Ids of the checks to judge; `None` judges all.
    pub selected: Option<Vec<String>>,
    /// Command that makes this run again, in place of the one the history holds; ` --check ID` is added to it for each
    /// finding.
    pub replay_command: Option<String>,
    /// Findings that are accepted.
    pub expectations: Option<Expectations>,
}

impl Judging {
    fn selects(&self, check: &Check) -> bool {
        self.selected
            .as_ref()
            .is_none_or(|ids| ids.iter().any(|id| id == check.id))
    }
}

/// Judges a history and writes the report.
pub fn build_report(facts: &Facts<'_>, judging: &Judging) -> Report {
    build_with(facts, facts, judging, &mut Scenarios::default()).0
}

/// The same, with the scenarios of the `whole` beside this part of it: their invariants count, and they are told which of
/// them are expected.
pub(super) fn build_with(
    facts: &Facts<'_>,
    whole: &Facts<'_>,
    judging: &Judging,
    scenarios: &mut Scenarios,
) -> (Report, Survey) {
    let books = Books::keep(facts);
    let judged = Judged {
        facts,
        books: &books,
        grading: judging.grading,
    };
    let parts: Vec<(&'static Check, Parts)> = CHECKS
        .iter()
        .filter(|check| judging.selects(check) && is_about(check, facts))
        .map(|check| (check, checks::run_parts(check, &judged)))
        .collect();
    let outcomes: Vec<(&'static Check, Outcome)> = parts
        .iter()
        .map(|(check, parts)| (*check, checks::whole(parts)))
        .collect();
    let own = invariants::judge_all(&Span::whole(facts, &books));
    let (invariants, survey, expectations) =
        expecting(whole, judging, (&parts, &outcomes), &own, scenarios);
    let controls = controls::of_run(&judged);
    let grounds = Grounds {
        facts,
        checks: &outcomes,
        invariants: &invariants,
        controls: &controls,
        survey: &survey,
    };
    let verdict = run_verdict::decide(&grounds);
    let money = money::totals(&books, &money::undone(facts));
    let results: Vec<_> = outcomes
        .iter()
        .map(|(check, outcome)| CheckResult {
            expected: survey.expected.get(check.id).cloned(),
            ..checks::result_of(check, outcome, replay(facts, judging, check))
        })
        .collect();
    let run = facts.run;
    let (rows, books_left_out) = super::books::rows(facts, &books);
    let report = Report {
        schema: SCHEMA,
        verdict,
        summary: summary::line(&grounds, verdict, &money),
        interrupted: facts.is_interrupted(),
        fidelity: fidelity(facts),
        target: target(facts),
        controls: controls::for_report(&controls),
        seed: run.map_or(0, |run| run.seed),
        command: run.and_then(|run| run.again.clone()),
        bench_version: run.map_or_else(String::new, |run| run.bench_version.clone()),
        spec_revision: SPEC_REVISION.to_owned(),
        started_unix_s: facts.started_us / 1_000_000,
        duration_ms: facts.last_us.saturating_sub(facts.started_us) / 1_000,
        counts: Counts {
            expected: results.iter().filter(|row| row.expected.is_some()).count(),
            ..count(results.iter().map(|result| result.verdict))
        },
        checks: results,
        expectations,
        notes: notes(facts, &invariants, &controls),
        invariants,
        scenarios: Vec::new(),
        money,
        latency: latency::phases(&judged),
        books: rows,
        books_left_out,
        load: None,
    };
    (report, survey)
}

/// A check is about the run's own target. A facilitator that is reached through the bench's server alone, as scenarios do,
/// was asked nothing that its checks look at.
fn is_about(check: &Check, facts: &Facts<'_>) -> bool {
    match check.role {
        Role::ResourceServer => !facilitator_controls::applies(facts),
        Role::Facilitator => {
            facilitator_controls::applies(facts) && facilitator_controls::is_lone(facts)
        }
        Role::Client => false,
    }
}

type Judgements = [(&'static Check, Parts)];
type Outcomes = [(&'static Check, Outcome)];

/// The invariants over all parts of a run, and what is expected of it; marks what is.
fn expecting(
    whole: &Facts<'_>,
    judging: &Judging,
    (parts, outcomes): (&Judgements, &Outcomes),
    own: &[Told],
    scenarios: &mut Scenarios,
) -> (Vec<InvariantResult>, Survey, Option<model::Expectations>) {
    let rounds = scenarios.invariants.iter().map(|(_, told)| told.clone());
    let all = std::iter::once(own.to_vec()).chain(rounds).collect();
    let mut invariants = invariants::results(all);
    let survey = judging.expectations.as_ref().map(|expectations| {
        let checks = parts.iter().zip(outcomes);
        let judged = AllJudged {
            checks: checks.map(|((check, parts), (_, whole))| (*check, whole, parts)),
            invariants: &invariants,
            own,
            scenarios,
        };
        expected::survey(judged, whole, expectations)
    });
    let (survey, told) = survey.unzip();
    let survey = survey.unwrap_or_default();
    for invariant in &mut invariants {
        invariant.expected = survey.expected.get(&invariant.id).cloned();
    }
    for scenario in &mut scenarios.results {
        scenario.expected = survey.expected.get(&scenario.name).cloned();
    }
    (invariants, survey, told)
}

fn replay(facts: &Facts<'_>, judging: &Judging, check: &Check) -> Option<String> {
    let recorded = facts.run.and_then(|run| run.command.as_ref());
    let command = judging.replay_command.as_ref().or(recorded)?;
    Some(format!("{command} --check {}", check.id))
}

fn fidelity(facts: &Facts<'_>) -> Fidelity {
    let chain = facts
        .rests
        .last()
        .map(|rest| rest.chain_id)
        .or_else(|| facts.signed.first().map(|signed| signed.offered.chain_id));
    let unknown = || "unknown".to_owned();
    Fidelity {
        chain: facts.run.map_or_else(unknown, |run| run.chain_used.clone()),
        requested: facts
            .run
            .map_or_else(unknown, |run| run.chain_requested.clone()),
        reason: facts.run.and_then(|run| run.chain_reason.clone()),
        network: chain.map(network::caip2),
        node: facts.run.and_then(|run| run.node.clone()),
    }
}

fn target(facts: &Facts<'_>) -> Target {
    let asked = facts.exchanges.iter().any(|exchange| exchange.is_paid());
    Target {
        kind: facts
            .run
            .map_or_else(|| "unknown".to_owned(), |run| run.target_kind.clone()),
        name: facts
            .run
            .map_or_else(String::new, |run| run.target_name.clone()),
        url: facts.run.map(|run| run.target_url.clone()),
        versions: facts.versions().iter().map(Version::to_string).collect(),
        uses_our_facilitator: (asked && !facilitator_controls::applies(facts))
            .then(|| facts.facilitator_called()),
    }
}

fn count(verdicts: impl Iterator<Item = Verdict>) -> Counts {
    let mut counts = Counts::default();
    for verdict in verdicts {
        *match verdict {
            Verdict::Pass => &mut counts.pass,
            Verdict::Fail => &mut counts.fail,
            Verdict::Warn => &mut counts.warn,
            Verdict::Info => &mut counts.info,
            Verdict::Inconclusive => &mut counts.inconclusive,
            Verdict::Skipped => &mut counts.skipped,
        } += 1;
    }
    counts
}

fn notes(
    facts: &Facts<'_>,
    invariants: &[InvariantResult],
    controls: &[VersionControls],
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(damage) = facts.damage {
        notes.push(format!(
            "the history is {damage}; it was judged up to there"
        ));
    }
    if facts.exchanges.iter().any(|exchange| exchange.is_paid()) && !facts.facilitator_called() {
        notes.push("our facilitator was never asked about a payment: checks that need its log were skipped".to_owned());
    }
    for states in controls {
        for (name, state) in [
            ("positive", &states.positive),
            ("mutation", &states.mutation),
        ] {
            if let controls::ControlState::Missing { cause, .. } = state {
                notes.push(format!(
                    "{name} control of {} is missing: {cause}",
                    states.version
                ));
            }
        }
    }
    // What an invariant recorded without counting it against the target.
    for result in invariants {
        if matches!(result.verdict, Verdict::Pass | Verdict::Skipped) {
            let texts = result
                .violations
                .iter()
                .take(3)
                .map(|violation| &violation.text);
            notes.extend(texts.map(|text| format!("{}: {text}", result.id)));
        }
    }
    notes.extend(facts.notes.iter().map(|(probe, text)| {
        probe.map_or_else(|| (*text).to_owned(), |probe| format!("{probe}: {text}"))
    }));
    notes
}
