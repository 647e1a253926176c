//! A body that is not what it should be.

use async_trait::async_trait;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::Match;
use super::inject::{Flow, Inject, Shot};
use super::odd_bodies::{Frame, ODD_BODIES, OddBody};
use super::status::yes;
use super::words::Words;
use crate::answer::{Answer, Payload};
use crate::event::Endpoint;
use crate::nearest::hint;

/// One of the [`ODD_BODIES`] in place of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Which one.
    pub case: Case,
    /// False when the facilitator does nothing but send it.
    #[serde(default = "yes")]
    pub work: bool,
}

/// Name of an odd body.
#[derive(Debug, Clone, Copy)]
pub struct Case(&'static OddBody);

impl Case {
    /// The table's row.
    pub const fn row(self) -> &'static OddBody {
        self.0
    }
}

impl PartialEq for Case {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl std::str::FromStr for Case {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        ODD_BODIES
            .iter()
            .find(|row| row.name == name)
            .map(Self)
            .ok_or_else(|| {
                let shown: String = name.chars().take(80).collect();
                format!(
                    "no odd body `{shown}`{}",
                    hint(name, ODD_BODIES.iter().map(|row| row.name))
                )
            })
    }
}

impl Serialize for Case {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

impl<'de> Deserialize<'de> for Case {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[async_trait]
impl Inject for Body {
    fn validate(&self, matching: &Match) -> Result<(), String> {
        if matching.endpoint == Some(Endpoint::Supported) && self.case.0.about_a_verdict {
            return Err(format!(
                "the odd body `{}` changes a verdict: match.endpoint must be verify or settle",
                self.case.0.name
            ));
        }
        Ok(())
    }

    fn works(&self) -> bool {
        self.work
    }

    async fn after(&self, shot: &Shot, answer: &mut Answer) -> Flow {
        let verdict = shot.call.endpoint != Endpoint::Supported;
        if self.case.0.about_a_verdict && !verdict {
            return Flow::Go;
        }
        let truth = match &answer.body {
            Payload::Json(Value::Object(members)) => members.clone(),
            Payload::Json(_) | Payload::Raw(_) => Map::new(),
        };
        shot.fire();
        let words = Words::of(shot.call.endpoint);
        let odd = (self.case.0.make)(Frame { truth, words });
        answer.body = Payload::Raw(odd.bytes);
        answer.content_type = odd.content_type;
        answer.headers.extend(odd.header);
        if let Some(status) = odd.status {
            answer.status = status;
        }
        Flow::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::trial::{Trial, settled, yes};

    #[tokio::test]
    async fn the_answer_is_replaced_and_is_no_lie() {
        for row in ODD_BODIES {
            let fault = Body {
                case: row.name.parse().unwrap(),
                work: true,
            };
            for (trial, truth) in [(Trial::verify(), yes()), (Trial::settle(), settled())] {
                let mut answer = truth;
                fault.after(&trial.shot(fault, 1), &mut answer).await;
                assert!(matches!(answer.body, Payload::Raw(_)), "{}", row.name);
                assert!(!answer.lied, "{}", row.name);
            }
        }
    }

    #[tokio::test]
    async fn supported_has_no_verdict_to_change() {
        let fault = Body {
            case: "flag-string".parse().unwrap(),
            work: true,
        };
        let supported = Match {
            endpoint: Some(Endpoint::Supported),
            ..Match::default()
        };
        assert!(
            fault
                .validate(&supported)
                .unwrap_err()
                .contains("flag-string")
        );
        let html = Body {
            case: "html".parse().unwrap(),
            work: true,
        };
        assert_eq!(html.validate(&supported), Ok(()));
    }

    #[test]
    fn an_unknown_case_names_the_nearest() {
        let error = "flag-strng".parse::<Case>().unwrap_err();
        assert!(error.ends_with("; did you mean `flag-string`?"), "{error}");
    }
}
