//! An answer of the protocol port, before it becomes bytes.

use axum::body::{Body, Bytes};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use serde_json::Value;

/// Content type of every answer that no fault has changed.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What will be answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// The body.
    pub(crate) body: Payload,
    /// Content type; none when absent.
    pub(crate) content_type: Option<HeaderValue>,
    /// Further headers.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// True when it says something untrue on purpose.
    pub(crate) lied: bool,
    /// True when the connection breaks half-way through the body.
    pub(crate) broken: bool,
}

/// A body.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    /// JSON, still open to change.
    Json(Value),
    /// Bytes as they go out.
    Raw(Bytes),
}

impl Answer {
    /// A JSON answer.
    pub(crate) fn new(status: StatusCode, body: &impl Serialize) -> Self {
        Self {
            body: Payload::Json(serde_json::to_value(body).unwrap_or_default()),
            ..Self::with(status)
        }
    }

    const fn with(status: StatusCode) -> Self {
        Self {
            status,
            body: Payload::Raw(Bytes::new()),
            content_type: Some(JSON),
            headers: Vec::new(),
            lied: false,
            broken: false,
        }
    }

    /// A JSON answer that nothing changes any more.
    pub(crate) fn fixed(status: StatusCode, body: &impl Serialize) -> Self {
        Self {
            body: Payload::Raw(serde_json::to_vec(body).unwrap_or_default().into()),
            ..Self::with(status)
        }
    }

    /// Names the methods that are allowed.
    pub(crate) fn allow(mut self, methods: &'static str) -> Self {
        self.headers
            .push((ALLOW, HeaderValue::from_static(methods)));
        self
    }

    /// The body's members, while it is a JSON object.
    pub(crate) const fn members(&mut self) -> Option<&mut serde_json::Map<String, Value>> {
        match &mut self.body {
            Payload::Json(Value::Object(members)) => Some(members),
            Payload::Json(_) | Payload::Raw(_) => None,
        }
    }

    /// The body as bytes.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.body {
            Payload::Json(value) => value.to_string().into(),
            Payload::Raw(bytes) => bytes.clone(),
        }
    }

    /// The HTTP response, with the body already rendered by [`Self::bytes`].
    pub(crate) fn into_response(self, bytes: Bytes) -> Response {
        let length = bytes.len();
        let body = if self.broken {
            breaking(bytes.slice(..length / 2))
        } else {
            Body::from(bytes)
        };
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if self.broken {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        headers.extend(self.headers);
        response
    }
}

/// A response that cannot be sent: the connection ends over it.
pub(crate) fn no_response() -> Response {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(Broken) })).into_response()
}

#[derive(Debug, thiserror::Error)]
#[error("an injected fault breaks the answer off")]
struct Broken;

/// A body that breaks off after its first bytes are on the wire.
fn breaking(first: Bytes) -> Body {
    let beginning = stream::once(async { Ok(first) });
    let end = stream::once(async {
        // The server flushes what it has when the body pauses, and only then.
        tokio::task::yield_now().await;
        Err::<Bytes, Broken>(Broken)
    });
    Body::from_stream(beginning.chain(end))
}
