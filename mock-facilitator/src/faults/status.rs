//! Another HTTP status.

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use super::Match;
use super::inject::{Flow, Inject, Shot};
use super::words::Words;
use crate::answer::{Answer, Payload};

/// Largest body a fault may carry, in bytes.
const BODY_MAX_BYTES: usize = 1024 * 1024;

/// A status, with the true body or another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// 200 to 599.
    pub status: u16,
    /// Body in place of the true one, which is kept when this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Content type in place of `application/json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Adds `Retry-After`, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// False when the facilitator fails before it has done anything.
    #[serde(default = "yes")]
    pub work: bool,
    /// Only for a verdict that says no; a yes keeps its status.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refusals_only: bool,
}

pub(super) const fn yes() -> bool {
    true
}

impl Status {
    /// The status alone; the work is done and the body stays true.
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            body: None,
            content_type: None,
            retry_after_s: None,
            work: true,
            refusals_only: false,
        }
    }

    /// The status of a facilitator that has done nothing.
    pub fn without_work(status: u16) -> Self {
        Self {
            work: false,
            ..Self::new(status)
        }
    }
}

#[async_trait]
impl Inject for Status {
    fn validate(&self, _: &Match) -> Result<(), String> {
        if !(200..600).contains(&self.status) {
            return Err(format!(
                "status.status is {}: it must be 200 to 599",
                self.status
            ));
        }
        if self.refusals_only && !self.work {
            return Err("status.refusals_only needs a verdict: leave `work: false` out".to_owned());
        }
        if self
            .body
            .as_ref()
            .is_some_and(|body| body.len() > BODY_MAX_BYTES)
        {
            return Err(format!("status.body is longer than {BODY_MAX_BYTES} bytes"));
        }
        if self
            .content_type
            .as_ref()
            .is_some_and(|t| HeaderValue::from_str(t).is_err())
        {
            return Err("status.content_type holds characters no header may have".to_owned());
        }
        Ok(())
    }

    fn works(&self) -> bool {
        self.work
    }

    async fn after(&self, shot: &Shot, answer: &mut Answer) -> Flow {
        let Ok(status) = StatusCode::from_u16(self.status) else {
            return Flow::Go;
        };
        let flag = Words::of(shot.call.endpoint).flag;
        let refused = answer
            .members()
            .and_then(|members| members.get(flag)?.as_bool())
            == Some(false);
        if self.refusals_only && !refused {
            return Flow::Go;
        }
        shot.fire();
        answer.status = status;
        if let Some(body) = &self.body {
            answer.body = Payload::Raw(Bytes::from(body.clone()));
        }
        if let Some(Ok(content_type)) = self.content_type.as_deref().map(HeaderValue::from_str) {
            answer.content_type = Some(content_type);
        }
        if let Some(seconds) = self.retry_after_s {
            answer
                .headers
                .push((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        Flow::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::trial::{Trial, yes};

    #[tokio::test]
    async fn the_body_is_kept_or_replaced() {
        let mut kept = yes();
        let fault = Status::new(503);
        fault
            .after(&Trial::verify().shot(fault.clone(), 1), &mut kept)
            .await;
        assert_eq!((kept.status.as_u16(), kept.bytes()), (503, yes().bytes()));
        assert!(!kept.lied, "a status says nothing about the payment");

        let fault = Status {
            body: Some("<h1>busy</h1>".to_owned()),
            content_type: Some("text/html".to_owned()),
            retry_after_s: Some(3),
            ..Status::new(429)
        };
        let mut replaced = yes();
        fault
            .after(&Trial::verify().shot(fault.clone(), 1), &mut replaced)
            .await;
        assert_eq!(replaced.bytes(), "<h1>busy</h1>");
        let bytes = replaced.bytes();
        let response = replaced.into_response(bytes);
        assert_eq!(response.headers()["content-type"], "text/html");
        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(response.status(), 429);
    }

    #[tokio::test]
    async fn a_yes_keeps_its_status_where_only_refusals_are_meant() {
        let fault = Status {
            refusals_only: true,
            ..Status::new(400)
        };
        let mut answer = yes();
        let shot = Trial::verify().shot(fault.clone(), 1);
        fault.after(&shot, &mut answer).await;
        assert_eq!(answer.status.as_u16(), 200);
        if let Some(members) = answer.members() {
            members.insert("isValid".to_owned(), false.into());
        }
        fault.after(&shot, &mut answer).await;
        assert_eq!(answer.status.as_u16(), 400);
        let idle = Status {
            work: false,
            ..fault
        };
        let error = idle.validate(&Match::default()).unwrap_err();
        assert!(error.contains("refusals_only"), "{error}");
    }

    #[test]
    fn only_final_statuses_are_taken() {
        for status in [0, 99, 101, 199, 600, u16::MAX] {
            assert!(
                Status::new(status).validate(&Match::default()).is_err(),
                "{status}"
            );
        }
        assert_eq!(Status::new(599).validate(&Match::default()), Ok(()));
        let odd = Status {
            content_type: Some("a\nb".to_owned()),
            ..Status::new(200)
        };
        assert!(
            odd.validate(&Match::default())
                .unwrap_err()
                .contains("content_type")
        );
    }
}
