//! A redirect.

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use super::Match;
use super::inject::{Flow, Inject, Shot};
use crate::answer::{Answer, Payload};
use crate::event::Endpoint;

/// Sends the caller elsewhere; nothing is done here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// Where to; `{endpoint}` stands for `verify`, `settle` or `supported`.
    pub location: String,
}

impl Redirect {
    fn location(&self, endpoint: Endpoint) -> Option<HeaderValue> {
        let name = match endpoint {
            Endpoint::Verify => "verify",
            Endpoint::Settle => "settle",
            Endpoint::Supported | Endpoint::Other => "supported",
        };
        HeaderValue::from_str(&self.location.replace("{endpoint}", name)).ok()
    }
}

#[async_trait]
impl Inject for Redirect {
    fn validate(&self, _: &Match) -> Result<(), String> {
        if !matches!(self.status, 301 | 302 | 303 | 307 | 308) {
            let status = self.status;
            return Err(format!(
                "redirect.status is {status}: use 301, 302, 303, 307 or 308"
            ));
        }
        if self.location.is_empty() || self.location(Endpoint::Verify).is_none() {
            return Err(
                "redirect.location must be a URL or path without control characters".to_owned(),
            );
        }
        Ok(())
    }

    fn works(&self) -> bool {
        false
    }

    async fn before(&self, shot: &Shot) -> Flow {
        let status = StatusCode::from_u16(self.status).ok();
        let Some((status, location)) = status.zip(self.location(shot.call.endpoint)) else {
            return Flow::Go;
        };
        shot.fire();
        let mut answer = Answer::new(status, &());
        answer.body = Payload::Raw(Bytes::new());
        answer.content_type = None;
        answer.headers.push((LOCATION, location));
        Flow::Answer(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::trial::Trial;

    #[tokio::test]
    async fn the_caller_is_sent_to_the_same_endpoint_elsewhere() {
        let location = "http://127.0.0.1:9/x/{endpoint}".to_owned();
        for status in [307, 308] {
            let fault = Redirect {
                status,
                location: location.clone(),
            };
            assert_eq!(fault.validate(&Match::default()), Ok(()));
            let Flow::Answer(answer) = fault.before(&Trial::settle().shot(fault.clone(), 1)).await
            else {
                panic!("no answer");
            };
            let bytes = answer.bytes();
            let response = answer.into_response(bytes);
            assert_eq!(response.status(), status);
            assert_eq!(
                response.headers()["location"],
                "http://127.0.0.1:9/x/settle"
            );
        }
    }

    #[test]
    fn what_is_no_redirect_is_refused() {
        for (status, location) in [(200, "/x"), (304, "/x"), (307, ""), (307, "/a\r\nb: c")] {
            let fault = Redirect {
                status,
                location: location.to_owned(),
            };
            assert!(
                fault.validate(&Match::default()).is_err(),
                "{status} {location:?}"
            );
        }
    }
}
