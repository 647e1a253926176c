//! Every round of a run's scenarios, judged one by one: for replays, which look for one finding among all.

use x402_assay_reports::model::{ScenarioFinding, Verdict};

use super::scene::Scenes;
use crate::history::{Event, Facts};
use crate::scenario::Scenario;

/// One round, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundJudged {
    /// The repeat it belongs to, from 1.
    pub repeat: u32,
    /// Its verdict.
    pub verdict: Verdict,
    /// What was seen, in one sentence.
    pub detail: String,
    /// What did not hold.
    pub findings: Vec<ScenarioFinding>,
}

/// Judges each round of every scenario of a history, in order.
pub fn judge_rounds(events: &[Event]) -> Vec<RoundJudged> {
    let facts = Facts::new(events, None);
    let mut scenes = Scenes::read(&facts);
    let mut rounds = Vec::new();
    for (name, text) in &facts.scenarios {
        let Ok(scenario) = Scenario::parse(text, name) else {
            continue;
        };
        for ran in facts.cases.iter().filter(|ran| ran.scenario == *name) {
            let judged = super::round(&facts, &mut scenes, &scenario, ran);
            rounds.push(RoundJudged {
                repeat: ran.repeat.max(1),
                verdict: judged.verdict,
                detail: judged.detail,
                findings: judged.findings,
            });
        }
    }
    rounds
}
