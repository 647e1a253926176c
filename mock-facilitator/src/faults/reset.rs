//! The connection is reset, or breaks off.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Match;
use super::inject::{Flow, Inject, Shot};
use crate::answer::Answer;
use crate::event::Endpoint;
use crate::ledger::SettleStep;

/// A connection that ends without a whole answer. Work that has begun goes on to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// At which moment.
    pub when: Moment,
}

/// A moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before the work, which is then never done.
    Before,
    /// As soon as the settlement was broadcast; not at all when it never was.
    AfterBroadcast,
    /// When the settlement was mined, before the answer; not at all when it never was.
    AfterMined,
    /// When the work is done, before the answer, however it ended.
    BeforeAnswer,
    /// Half-way through the answer's body.
    MidBody,
}

#[async_trait]
impl Inject for Reset {
    fn validate(&self, matching: &Match) -> Result<(), String> {
        let settling = matches!(self.when, Moment::AfterBroadcast | Moment::AfterMined);
        if settling && !matching.covers(Endpoint::Settle) {
            return Err(
                "reset.when names a moment of a settlement: match.endpoint must be settle"
                    .to_owned(),
            );
        }
        Ok(())
    }

    async fn before(&self, shot: &Shot) -> Flow {
        if self.when != Moment::Before {
            return Flow::Go;
        }
        shot.fire();
        Flow::Cut
    }

    fn on_step(&self, shot: &Shot, step: SettleStep) -> bool {
        let now = matches!(
            (self.when, step),
            (Moment::AfterBroadcast, SettleStep::Broadcast { .. })
                | (Moment::AfterMined, SettleStep::Mined { .. })
        );
        if now {
            shot.fire();
        }
        now
    }

    async fn after(&self, shot: &Shot, answer: &mut Answer) -> Flow {
        match self.when {
            Moment::BeforeAnswer => {
                shot.fire();
                Flow::Cut
            }
            Moment::MidBody => {
                shot.fire();
                answer.broken = true;
                Flow::Go
            }
            Moment::Before | Moment::AfterBroadcast | Moment::AfterMined => Flow::Go,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::trial::{Trial, yes};
    use alloy_primitives::B256;

    #[tokio::test]
    async fn each_moment_cuts_there_and_nowhere_else() {
        let transaction = B256::ZERO;
        for when in [
            Moment::Before,
            Moment::AfterBroadcast,
            Moment::AfterMined,
            Moment::BeforeAnswer,
            Moment::MidBody,
        ] {
            let fault = Reset { when };
            let shot = Trial::settle().shot(fault, 1);
            let mut answer = yes();
            let before = matches!(fault.before(&shot).await, Flow::Cut);
            let broadcast = fault.on_step(&shot, SettleStep::Broadcast { transaction });
            let mined = fault.on_step(
                &shot,
                SettleStep::Mined {
                    transaction,
                    success: true,
                },
            );
            let after = matches!(fault.after(&shot, &mut answer).await, Flow::Cut);
            let cuts = [before, broadcast, mined, after, answer.broken];
            let order = [
                Moment::Before,
                Moment::AfterBroadcast,
                Moment::AfterMined,
                Moment::BeforeAnswer,
                Moment::MidBody,
            ];
            for (cut, moment) in cuts.into_iter().zip(order) {
                assert_eq!(cut, moment == when, "{when:?} at {moment:?}");
            }
        }
    }

    #[test]
    fn a_verification_is_never_broadcast() {
        let matching = Match {
            endpoint: Some(Endpoint::Verify),
            ..Match::default()
        };
        for when in [Moment::AfterBroadcast, Moment::AfterMined] {
            assert!(
                Reset { when }
                    .validate(&matching)
                    .unwrap_err()
                    .contains("settle")
            );
            assert_eq!(Reset { when }.validate(&Match::default()), Ok(()));
        }
        assert_eq!(
            Reset {
                when: Moment::Before
            }
            .validate(&matching),
            Ok(())
        );
    }
}
