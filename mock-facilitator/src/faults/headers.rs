//! Headers that the answer would not have.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::Match;
use super::inject::{Flow, Inject, Shot};
use crate::answer::Answer;

/// Most headers one fault may add.
const COUNT_MAX: usize = 32;
/// Longest value, in bytes.
const VALUE_MAX_BYTES: usize = 16 * 1024;

/// Further headers; the answer is the true one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// Names and values.
    pub add: BTreeMap<String, String>,
}

impl Headers {
    /// One header.
    pub fn one(name: &str, value: impl Into<String>) -> Self {
        Self {
            add: BTreeMap::from([(name.to_owned(), value.into())]),
        }
    }

    fn parsed(&self) -> impl Iterator<Item = Result<(HeaderName, HeaderValue), String>> {
        self.add.iter().map(|(name, value)| {
            let parsed_name: HeaderName = name
                .parse()
                .map_err(|_| format!("headers.add: `{name}` is no header name"))?;
            if ["content-length", "transfer-encoding", "connection"].contains(&parsed_name.as_str())
            {
                return Err(format!(
                    "headers.add: {name} would break the answer's framing; use reset for that"
                ));
            }
            let value = HeaderValue::from_str(value)
                .ok()
                .filter(|value| value.len() <= VALUE_MAX_BYTES)
                .ok_or_else(|| {
                    format!(
                        "headers.add: the value of {name} holds characters no header may have, or is longer than {VALUE_MAX_BYTES} bytes"
                    )
                })?;
            Ok((parsed_name, value))
        })
    }
}

#[async_trait]
impl Inject for Headers {
    fn validate(&self, _: &Match) -> Result<(), String> {
        if self.add.is_empty() || self.add.len() > COUNT_MAX {
            return Err(format!("headers.add must name 1 to {COUNT_MAX} headers"));
        }
        self.parsed().try_for_each(|parsed| parsed.map(|_| ()))
    }

    async fn after(&self, shot: &Shot, answer: &mut Answer) -> Flow {
        shot.fire();
        answer.headers.extend(self.parsed().flatten());
        Flow::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::trial::{Trial, yes};

    #[tokio::test]
    async fn headers_are_added_and_nothing_else_changes() {
        let fault = Headers::one("EXTENSION-RESPONSES", "e30=");
        let mut answer = yes();
        fault
            .after(&Trial::verify().shot(fault.clone(), 1), &mut answer)
            .await;
        assert_eq!((answer.bytes(), answer.lied), (yes().bytes(), false));
        let bytes = answer.bytes();
        let response = answer.into_response(bytes);
        assert_eq!(response.headers()["extension-responses"], "e30=");
        assert_eq!(response.status(), 200);
    }

    #[test]
    fn only_what_can_be_sent_is_taken() {
        let says = |name: &str, value: &str| {
            Headers::one(name, value)
                .validate(&Match::default())
                .unwrap_err()
        };
        assert!(says("a b", "x").contains("`a b` is no header name"));
        assert!(says("x-note", "a\nb").contains("x-note"));
        assert!(says("Content-Length", "3").contains("framing"));
        let none = Headers {
            add: BTreeMap::new(),
        };
        assert!(none.validate(&Match::default()).is_err());
        assert_eq!(Headers::one("x", "y").validate(&Match::default()), Ok(()));
    }
}
