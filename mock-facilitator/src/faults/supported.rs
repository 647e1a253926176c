//! `/supported` lacks something.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Match;
use super::inject::{Flow, Inject, Shot};
use crate::answer::Answer;
use crate::event::Endpoint;

/// Kinds that `/supported` leaves out. Use `latency`, `hang`, `status` and `body` to make it slow or broken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Supported {
    /// Networks left out, as they are spelled in the answer; `*` leaves out all kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Protocol versions left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop_versions: Vec<u64>,
    /// The answer has no `signers`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_signers: bool,
    /// The answer has no `kinds` at all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_kinds: bool,
}

impl Supported {
    fn keeps(&self, kind: &Value) -> bool {
        let network = kind["network"].as_str().unwrap_or_default();
        let version = kind["x402Version"].as_u64().unwrap_or_default();
        !self
            .drop
            .iter()
            .any(|dropped| dropped == "*" || dropped == network)
            && !self.drop_versions.contains(&version)
    }
}

#[async_trait]
impl Inject for Supported {
    fn validate(&self, matching: &Match) -> Result<(), String> {
        if *self == Self::default() {
            return Err("the supported fault leaves nothing out: \
                        give drop, drop_versions, no_signers or no_kinds"
                .to_owned());
        }
        if !matching.covers(Endpoint::Supported) {
            return Err(
                "the supported fault changes /supported: match.endpoint must be supported"
                    .to_owned(),
            );
        }
        Ok(())
    }

    async fn after(&self, shot: &Shot, answer: &mut Answer) -> Flow {
        if shot.call.endpoint != Endpoint::Supported {
            return Flow::Go;
        }
        let Some(members) = answer.members() else {
            return Flow::Go;
        };
        if let Some(Value::Array(kinds)) = members.get_mut("kinds") {
            kinds.retain(|kind| self.keeps(kind));
        }
        if self.no_kinds {
            members.shift_remove("kinds");
        }
        if self.no_signers {
            members.shift_remove("signers");
        }
        shot.fire();
        Flow::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Payload;
    use crate::faults::trial::Trial;
    use axum::http::StatusCode;
    use serde_json::json;

    async fn left(fault: Supported) -> Value {
        let whole = json!({
            "kinds": [
                { "x402Version": 1, "network": "base-sepolia" },
                { "x402Version": 2, "network": "eip155:84532" },
            ],
            "signers": {},
        });
        let mut answer = Answer::new(StatusCode::OK, &whole);
        fault
            .after(
                &Trial::new(Endpoint::Supported).shot(fault.clone(), 1),
                &mut answer,
            )
            .await;
        match answer.body {
            Payload::Json(value) => value,
            Payload::Raw(bytes) => panic!("{bytes:?}"),
        }
    }

    fn networks(answer: &Value) -> Vec<&str> {
        answer["kinds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|k| k["network"].as_str().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn kinds_go_by_network_and_by_version() {
        let drop = |name: &str| Supported {
            drop: vec![name.to_owned()],
            ..Supported::default()
        };
        assert_eq!(
            networks(&left(drop("base-sepolia")).await),
            ["eip155:84532"]
        );
        assert_eq!(
            networks(&left(drop("eip155:84532")).await),
            ["base-sepolia"]
        );
        assert!(networks(&left(drop("*")).await).is_empty());
        let versions = Supported {
            drop_versions: vec![2],
            ..Supported::default()
        };
        assert_eq!(networks(&left(versions).await), ["base-sepolia"]);
    }

    #[tokio::test]
    async fn members_can_be_missing() {
        let bare = left(Supported {
            no_kinds: true,
            no_signers: true,
            ..Supported::default()
        })
        .await;
        assert_eq!(bare, json!({}));
    }

    #[test]
    fn it_must_leave_something_out_of_supported() {
        assert!(Supported::default().validate(&Match::default()).is_err());
        let fault = Supported {
            no_kinds: true,
            ..Supported::default()
        };
        assert_eq!(fault.validate(&Match::default()), Ok(()));
        let verify = Match {
            endpoint: Some(Endpoint::Verify),
            ..Match::default()
        };
        assert!(fault.validate(&verify).is_err());
    }
}
