//! Settlements that are pending before they are done.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Match;
use super::inject::{Flow, Inject, Shot};
use crate::answer::Answer;
use crate::event::{AuthorizationKey, Endpoint};
use crate::refusal::reason;

/// Most authorizations remembered; beyond it settlements are answered truly.
const REMEMBERED_MAX: usize = 10_000;
/// Most pending answers an authorization gets.
const TIMES_MAX: u32 = 1_000;

/// Each authorization settles at once, yet its first `times` calls say `settlement_pending` with the true hash;
/// the next one says how it ended. A settlement that fails is answered truly from the first call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// How many calls of one authorization are told that it is pending.
    pub times: u32,
    /// True when the pending answers leave the hash out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_hash: bool,
}

/// What one pending fault knows of the authorizations it has met.
#[derive(Debug, Default)]
pub(crate) struct Book {
    entries: Mutex<HashMap<AuthorizationKey, Entry>>,
}

#[derive(Debug)]
enum Entry {
    /// The call at this position settles it right now.
    Settling(u64),
    /// It is settled; this many more calls are told that it is pending.
    Settled { truth: Answer, left: u32 },
    /// The truth was told.
    Told,
}

impl Book {
    /// The answer to a call for an authorization that was settled by an earlier one.
    fn answer(&self, fault: Pending, key: AuthorizationKey, position: u64) -> Option<Answer> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.get_mut(&key) else {
            if entries.len() < REMEMBERED_MAX {
                entries.insert(key, Entry::Settling(position));
            }
            return None;
        };
        let Entry::Settled { truth, left } = entry else {
            return None;
        };
        let answer = truth.clone();
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                Some(fault.pending(answer))
            }
            None => {
                *entry = Entry::Told;
                Some(answer)
            }
        }
    }

    /// Remembers how the settlement of this call ended; true when it is to be called pending.
    fn settled(
        &self,
        fault: Pending,
        key: AuthorizationKey,
        position: u64,
        truth: &Answer,
    ) -> bool {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(entries.get(&key), Some(Entry::Settling(first)) if *first == position) {
            return false;
        }
        let good = succeeded(&mut truth.clone());
        if good && fault.times > 0 {
            let entry = Entry::Settled {
                truth: truth.clone(),
                left: fault.times - 1,
            };
            entries.insert(key, entry);
            return true;
        }
        entries.remove(&key);
        false
    }
}

impl Pending {
    fn pending(self, mut answer: Answer) -> Answer {
        if let Some(members) = answer.members() {
            members.insert("success".to_owned(), Value::Bool(false));
            members.insert("errorReason".to_owned(), reason::PENDING.into());
            let message = "the transaction is broadcast and not yet mined";
            members.insert("errorMessage".to_owned(), message.into());
            if self.no_hash {
                members.insert("transaction".to_owned(), "".into());
            }
        }
        answer
    }
}

fn succeeded(answer: &mut Answer) -> bool {
    answer
        .members()
        .is_some_and(|m| m.get("success").and_then(Value::as_bool) == Some(true))
}

#[async_trait]
impl Inject for Pending {
    fn validate(&self, matching: &Match) -> Result<(), String> {
        if !(1..=TIMES_MAX).contains(&self.times) {
            return Err(format!(
                "pending.times is {}: it must be 1 to {TIMES_MAX}",
                self.times
            ));
        }
        if !matching.covers(Endpoint::Settle) {
            return Err(
                "only settlements can be pending: match.endpoint must be settle".to_owned(),
            );
        }
        Ok(())
    }

    async fn before(&self, shot: &Shot) -> Flow {
        let Some(key) = shot
            .call
            .key
            .filter(|_| shot.call.endpoint == Endpoint::Settle)
        else {
            return Flow::Go;
        };
        match shot.armed.pending().answer(*self, key, shot.position) {
            Some(answer) => {
                shot.fire();
                Flow::Answer(answer)
            }
            None => Flow::Go,
        }
    }

    async fn after(&self, shot: &Shot, answer: &mut Answer) -> Flow {
        let Some(key) = shot
            .call
            .key
            .filter(|_| shot.call.endpoint == Endpoint::Settle)
        else {
            return Flow::Go;
        };
        if shot
            .armed
            .pending()
            .settled(*self, key, shot.position, answer)
        {
            shot.fire();
            *answer = self.pending(answer.clone());
        }
        Flow::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::trial::{Trial, json, settled, unsettled};

    /// Runs one call through both hooks; tells whether the facilitator worked.
    async fn call(fault: Pending, shot: &Shot, truth: Answer) -> (Value, bool) {
        match fault.before(shot).await {
            Flow::Answer(answer) => (json(&answer), false),
            Flow::Go => {
                let mut answer = truth;
                fault.after(shot, &mut answer).await;
                (json(&answer), true)
            }
            Flow::Cut => panic!("cut"),
        }
    }

    #[tokio::test]
    async fn so_many_pendings_with_the_true_hash_then_the_truth() {
        let fault = Pending {
            times: 3,
            no_hash: false,
        };
        let trial = Trial::settle();
        let armed = trial.arm(fault);
        let truth = json(&settled());
        for position in 1..=3 {
            let (answer, worked) = call(fault, &trial.shot_of(&armed, position), settled()).await;
            assert_eq!(answer["success"], false);
            assert_eq!(answer["errorReason"], "settlement_pending");
            assert_eq!(answer["transaction"], truth["transaction"]);
            assert_eq!(worked, position == 1, "only the first call settles");
        }
        let (answer, worked) = call(fault, &trial.shot_of(&armed, 4), settled()).await;
        assert_eq!((answer, worked), (truth, false));
        let (answer, worked) = call(fault, &trial.shot_of(&armed, 5), unsettled()).await;
        assert_eq!(
            (answer, worked),
            (json(&unsettled()), true),
            "from then on all is as ever"
        );
    }

    #[tokio::test]
    async fn a_failure_is_no_pending_settlement() {
        let fault = Pending {
            times: 3,
            no_hash: false,
        };
        let trial = Trial::settle();
        let armed = trial.arm(fault);
        for position in 1..=2 {
            let (answer, worked) = call(fault, &trial.shot_of(&armed, position), unsettled()).await;
            assert_eq!((answer, worked), (json(&unsettled()), true));
        }
        let (answer, _) = call(fault, &trial.shot_of(&armed, 3), settled()).await;
        assert_eq!(
            answer["errorReason"], "settlement_pending",
            "a later one counts afresh"
        );
    }

    #[tokio::test]
    async fn a_copy_that_comes_meanwhile_gets_the_true_answer() {
        let fault = Pending {
            times: 1,
            no_hash: true,
        };
        let trial = Trial::settle();
        let armed = trial.arm(fault);
        let first = trial.shot_of(&armed, 1);
        assert!(matches!(fault.before(&first).await, Flow::Go));
        let (copy, worked) = call(fault, &trial.shot_of(&armed, 2), unsettled()).await;
        assert_eq!((copy, worked), (json(&unsettled()), true));
        let mut answer = settled();
        fault.after(&first, &mut answer).await;
        assert_eq!(json(&answer)["errorReason"], "settlement_pending");
        assert_eq!(json(&answer)["transaction"], "");
    }

    #[test]
    fn only_settlements_are_pending() {
        let verify = Match {
            endpoint: Some(Endpoint::Verify),
            ..Match::default()
        };
        assert!(
            Pending {
                times: 1,
                no_hash: false
            }
            .validate(&verify)
            .is_err()
        );
        assert!(
            Pending {
                times: 0,
                no_hash: false
            }
            .validate(&Match::default())
            .is_err()
        );
    }
}
