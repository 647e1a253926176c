//! Was the finding made again?

use std::collections::BTreeMap;

use x402_assay_reports::model::{ScenarioFinding, Verdict};

use super::Found;
use crate::verdict::RoundJudged;

/// What one replay showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Repeats in which the finding was made again.
    pub reproduced: usize,
    /// Repeats that showed anything.
    pub ran: usize,
    /// What was seen: the finding, else the worst there was, else why nothing was.
    pub detail: String,
}

/// Compares the judged rounds of a replay with what was found: the same expectation, with the same verdict or worse.
pub fn compare(rounds: &[RoundJudged], found: &Found) -> Replayed {
    let again = |finding: &&ScenarioFinding| {
        finding.expectation == found.expectation && weighs(finding.verdict) >= weighs(found.verdict)
    };
    // Of each repeat: whether it showed anything, and the finding.
    let mut repeats: BTreeMap<u32, (bool, bool)> = BTreeMap::new();
    let mut detail = None;
    for round in rounds {
        let seen = repeats.entry(round.repeat).or_default();
        let finding = round.findings.iter().find(again);
        seen.0 |=
            finding.is_some() || !matches!(round.verdict, Verdict::Skipped | Verdict::Inconclusive);
        seen.1 |= finding.is_some();
        if let (Some(finding), None) = (finding, &detail) {
            detail = Some(finding.text.clone());
        }
    }
    let worst = || {
        let conclusive = rounds.iter().filter(|round| weighs(round.verdict) > 0);
        let worst = conclusive.max_by_key(|round| weighs(round.verdict));
        worst
            .or_else(|| rounds.last())
            .map(|round| round.detail.clone())
    };
    Replayed {
        reproduced: repeats.values().filter(|(_, again)| *again).count(),
        ran: repeats.values().filter(|(ran, _)| *ran).count(),
        detail: detail
            .or_else(worst)
            .unwrap_or_else(|| "nothing was run".to_owned()),
    }
}

/// How bad a finding is; what was not seen is none.
const fn weighs(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Skipped | Verdict::Inconclusive => 0,
        Verdict::Pass => 1,
        Verdict::Info => 2,
        Verdict::Warn => 3,
        Verdict::Fail => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(verdict: Verdict) -> Found {
        Found {
            scenario: "s".to_owned(),
            case: 1,
            parameters: Vec::new(),
            expectation: "invariant I1".to_owned(),
            verdict,
            text: String::new(),
        }
    }

    fn round(repeat: u32, verdict: Verdict, findings: &[(&str, Verdict)]) -> RoundJudged {
        let finding = |(expectation, verdict): &(&str, Verdict)| ScenarioFinding {
            verdict: *verdict,
            expectation: (*expectation).to_owned(),
            text: format!("{expectation} of {repeat}"),
            why: None,
            evidence: Vec::new(),
        };
        RoundJudged {
            repeat,
            verdict,
            detail: format!("detail of {repeat}"),
            findings: findings.iter().map(finding).collect(),
        }
    }

    fn shown(rounds: &[RoundJudged], found: &Found) -> (usize, usize, String) {
        let replayed = compare(rounds, found);
        (replayed.reproduced, replayed.ran, replayed.detail)
    }

    #[test]
    fn only_the_same_expectation_with_the_same_verdict_or_worse_counts() {
        let fail = found(Verdict::Fail);
        let rounds = [
            round(1, Verdict::Fail, &[("responses", Verdict::Fail)]),
            round(2, Verdict::Warn, &[("invariant I1", Verdict::Warn)]),
            round(
                3,
                Verdict::Fail,
                &[
                    ("responses", Verdict::Fail),
                    ("invariant I1", Verdict::Fail),
                ],
            ),
        ];
        assert_eq!(
            shown(&rounds, &fail),
            (1, 3, "invariant I1 of 3".to_owned())
        );
        assert_eq!(shown(&rounds[..2], &fail), (0, 2, "detail of 1".to_owned()));
        assert_eq!(shown(&rounds, &found(Verdict::Warn)).0, 2);
        // What could not be seen is not what was found.
        let unseen = [round(
            1,
            Verdict::Inconclusive,
            &[("invariant I1", Verdict::Inconclusive)],
        )];
        assert_eq!(
            shown(&unseen, &found(Verdict::Info)),
            (0, 0, "detail of 1".to_owned())
        );
    }

    #[test]
    fn rounds_of_one_repeat_count_once_and_what_did_not_run_not_at_all() {
        let fail = found(Verdict::Fail);
        let rounds = [
            round(1, Verdict::Pass, &[]),
            round(1, Verdict::Fail, &[("invariant I1", Verdict::Fail)]),
            round(2, Verdict::Skipped, &[]),
        ];
        assert_eq!(shown(&rounds, &fail).0, 1);
        assert_eq!(shown(&rounds, &fail).1, 1);
        assert_eq!(shown(&rounds[2..], &fail), (0, 0, "detail of 2".to_owned()));
        assert_eq!(shown(&[], &fail), (0, 0, "nothing was run".to_owned()));
    }
}
