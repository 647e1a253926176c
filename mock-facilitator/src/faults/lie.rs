//! An untrue answer.

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Match;
use super::inject::{Flow, Inject, Shot};
use super::status::yes;
use super::words::Words;
use crate::answer::Answer;
use crate::event::Endpoint;
use crate::refusal::reason;

/// A well-formed answer that says something untrue. At least one of its claims must be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lie {
    /// What `isValid` or `success` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<bool>,
    /// Reason code that goes with `claim: false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What `transaction` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Hash>,
    /// What `payer` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<Address>,
    /// What `network` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// False when the facilitator verifies and settles nothing.
    #[serde(default = "yes")]
    pub work: bool,
}

/// A transaction hash that is not the true one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hash {
    /// Well-formed, and no transaction's; drawn from the seed.
    Random,
    /// All zeros.
    Zero,
    /// An empty string.
    Empty,
    /// The member is left out.
    Missing,
}

impl Lie {
    /// `isValid` or `success` says this, after the work.
    pub const fn claiming(claim: bool) -> Self {
        Self {
            claim: Some(claim),
            reason: None,
            transaction: None,
            payer: None,
            network: None,
            work: true,
        }
    }

    /// As [`Self::claiming`], with nothing verified or settled.
    pub fn without_work(claim: bool) -> Self {
        Self {
            work: false,
            ..Self::claiming(claim)
        }
    }

    /// Writes the claim; true when it is not the truth.
    fn claim(&self, claim: bool, shot: &Shot, members: &mut Map<String, Value>) -> bool {
        let endpoint = shot.call.endpoint;
        let words = Words::of(endpoint);
        let truth = members.get(words.flag).and_then(Value::as_bool);
        // A settlement that never was did not succeed; a verdict that nobody reached is never the truth.
        let known = self.work || endpoint == Endpoint::Settle;
        members.insert(words.flag.to_owned(), Value::Bool(claim));
        if claim {
            members.shift_remove(words.reason);
            members.shift_remove(words.message);
            let hash = members.get("transaction").and_then(Value::as_str);
            if endpoint == Endpoint::Settle && hash.is_none_or(str::is_empty) {
                members.insert("transaction".to_owned(), random(shot));
            }
        } else {
            let default = match endpoint {
                Endpoint::Settle => reason::TRANSACTION,
                _ => reason::SIGNATURE,
            };
            let reason = self.reason.as_deref().unwrap_or(default);
            members.insert(words.reason.to_owned(), reason.into());
            if endpoint == Endpoint::Settle {
                members.insert("transaction".to_owned(), "".into());
            }
        }
        !known || truth != Some(claim)
    }

    fn details(&self, shot: &Shot, members: &mut Map<String, Value>) {
        match self.transaction {
            None => {}
            Some(Hash::Missing) => {
                members.shift_remove("transaction");
            }
            Some(hash) => {
                let text = match hash {
                    Hash::Random => random(shot),
                    Hash::Zero => B256::ZERO.to_string().into(),
                    Hash::Empty | Hash::Missing => "".into(),
                };
                members.insert("transaction".to_owned(), text);
            }
        }
        if let Some(payer) = self.payer {
            members.insert("payer".to_owned(), payer.to_checksum(None).into());
        }
        if let Some(network) = &self.network {
            members.insert("network".to_owned(), network.as_str().into());
        }
    }

    const fn has_details(&self) -> bool {
        self.transaction.is_some() || self.payer.is_some() || self.network.is_some()
    }
}

fn random(shot: &Shot) -> Value {
    B256::from(shot.draw("transaction").bytes32())
        .to_string()
        .into()
}

#[async_trait]
impl Inject for Lie {
    fn validate(&self, matching: &Match) -> Result<(), String> {
        if self.claim.is_none() && !self.has_details() {
            return Err(
                "the lie claims nothing: give claim, transaction, payer or network".to_owned(),
            );
        }
        if self.reason.is_some() && self.claim != Some(false) {
            return Err("lie.reason goes with claim: false".to_owned());
        }
        if matching.endpoint == Some(Endpoint::Supported) {
            return Err(
                "a lie is about a payment: match.endpoint must be verify or settle".to_owned(),
            );
        }
        Ok(())
    }

    fn works(&self) -> bool {
        self.work
    }

    async fn after(&self, shot: &Shot, answer: &mut Answer) -> Flow {
        if shot.call.endpoint == Endpoint::Supported {
            return Flow::Go;
        }
        let Some(members) = answer.members() else {
            return Flow::Go;
        };
        let mut lied = match self.claim {
            Some(claim) => self.claim(claim, shot, members),
            None => false,
        };
        if self.has_details() {
            let before = members.clone();
            self.details(shot, members);
            lied |= before != *members;
        }
        answer.status = StatusCode::OK;
        answer.lied |= lied;
        shot.fire();
        Flow::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Payload;
    use crate::faults::trial::{Trial, settled, unsettled, yes};
    use serde_json::json;

    async fn told(fault: &Lie, trial: Trial, truth: Answer) -> (Value, bool) {
        let mut answer = truth;
        fault
            .after(&trial.shot(fault.clone(), 1), &mut answer)
            .await;
        match answer.body {
            Payload::Json(value) => (value, answer.lied),
            Payload::Raw(bytes) => panic!("{bytes:?}"),
        }
    }

    #[tokio::test]
    async fn verdicts_are_turned_round() {
        let no = Lie {
            reason: Some("made_up".to_owned()),
            ..Lie::claiming(false)
        };
        let (answer, lied) = told(&no, Trial::verify(), yes()).await;
        assert_eq!(
            (&answer["isValid"], &answer["invalidReason"]),
            (&json!(false), &json!("made_up"))
        );
        assert!(lied);
        let (answer, lied) = told(&Lie::claiming(true), Trial::verify(), yes()).await;
        assert!(answer["isValid"] == true && !lied, "it happened to be true");
    }

    #[tokio::test]
    async fn settlements_are_made_up_and_denied() {
        let (answer, lied) = told(&Lie::claiming(true), Trial::settle(), unsettled()).await;
        assert_eq!(answer["success"], true);
        assert_eq!(answer["transaction"].as_str().unwrap().len(), 66);
        assert!(answer.get("errorReason").is_none() && lied);
        let (answer, lied) = told(&Lie::claiming(false), Trial::settle(), settled()).await;
        assert_eq!(
            (&answer["success"], &answer["transaction"]),
            (&json!(false), &json!(""))
        );
        assert!(answer["errorReason"].is_string() && lied);
        let (_, lied) = told(&Lie::without_work(false), Trial::settle(), unsettled()).await;
        assert!(!lied, "nothing was settled, and that is what it says");
        let (_, lied) = told(&Lie::without_work(false), Trial::verify(), yes()).await;
        assert!(lied, "nobody looked at the payment");
    }

    #[tokio::test]
    async fn details_change_alone() {
        let payer = Address::repeat_byte(7);
        let fault = Lie {
            claim: None,
            transaction: Some(Hash::Random),
            payer: Some(payer),
            network: Some("eip155:1".to_owned()),
            ..Lie::claiming(true)
        };
        let truth = settled();
        let (answer, lied) = told(&fault, Trial::settle(), truth).await;
        assert_eq!(answer["success"], true);
        assert_eq!(answer["payer"], payer.to_checksum(None));
        assert_eq!(answer["network"], "eip155:1");
        assert!(lied);
        let (again, _) = told(&fault, Trial::settle(), settled()).await;
        assert_eq!(
            answer["transaction"], again["transaction"],
            "the seed decides"
        );
        let (other, _) = told(&fault, Trial::settle().seeded(99), settled()).await;
        assert_ne!(answer["transaction"], other["transaction"]);
        for (hash, left) in [
            (Hash::Zero, json!(B256::ZERO.to_string())),
            (Hash::Empty, json!("")),
            (Hash::Missing, Value::Null),
        ] {
            let fault = Lie {
                claim: None,
                transaction: Some(hash),
                ..Lie::claiming(true)
            };
            let (answer, lied) = told(&fault, Trial::settle(), settled()).await;
            assert_eq!(answer["transaction"], left, "{hash:?}");
            assert!(lied, "{hash:?}");
        }
    }

    #[test]
    fn a_lie_claims_something_about_a_payment() {
        let nothing = Lie {
            claim: None,
            ..Lie::claiming(true)
        };
        assert!(nothing.validate(&Match::default()).is_err());
        let reason = Lie {
            reason: Some("x".to_owned()),
            ..Lie::claiming(true)
        };
        assert!(
            reason
                .validate(&Match::default())
                .unwrap_err()
                .contains("lie.reason")
        );
        let matching = Match {
            endpoint: Some(Endpoint::Supported),
            ..Match::default()
        };
        assert!(Lie::claiming(true).validate(&matching).is_err());
    }
}
