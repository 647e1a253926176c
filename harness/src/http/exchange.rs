//! One request and what became of it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Method;
use url::Url;

use super::headers::Headers;
use crate::history::event::Trouble;

/// A request of the bench.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Whole URL.
    pub url: Url,
    /// Request target, when it is not the URL's path and query: then target and headers leave exactly as they stand
    /// here, over a connection of their own.
    pub target: Option<String>,
    /// Headers in order; they replace the client's own `User-Agent` and `Accept`.
    pub headers: Vec<(String, String)>,
    /// Body, if there is one.
    pub body: Option<Bytes>,
    /// Where to connect instead of the URL's host and port; the request itself stays as it is, `Host` included.
    pub via: Option<SocketAddr>,
}

impl Request {
    /// A request without headers and body.
    pub const fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            target: None,
            headers: Vec::new(),
            body: None,
            via: None,
        }
    }

    /// A GET.
    pub const fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// The same request with one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same request with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The same request with this request target, byte by byte.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Path and query, or the request target, as they are sent.
    pub fn path_and_query(&self) -> String {
        if let Some(target) = &self.target {
            return target.clone();
        }
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, as bytes.
    pub headers: Headers,
    /// The body, or its beginning.
    pub body: Bytes,
    /// Bytes that were counted, when `body` holds only the beginning.
    pub truncated_from: Option<u64>,
    /// True when the bench stopped reading: the body is at least `truncated_from` bytes long.
    pub cut_off: bool,
}

impl Response {
    /// True for 200 to 299.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as text, bytes that are no UTF-8 replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// Why there is no whole answer.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Kind of trouble.
    pub trouble: Trouble,
    /// Message for people: what happened, where, and what to look at.
    pub message: String,
    /// What had arrived: status and headers, and the body so far.
    pub partial: Option<Box<Response>>,
}

/// A request with its outcome and its times.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// What came of it.
    pub outcome: Result<Response, Failure>,
    /// Microseconds from send to the last header; to the failure, when none came.
    pub headers_us: u64,
    /// Microseconds from send to the last byte, or to the failure.
    pub total_us: u64,
    /// Unix time in microseconds at which it was sent.
    pub started_at_us: u64,
}

impl Exchange {
    /// The answer, if there is a whole one.
    pub fn response(&self) -> Option<&Response> {
        self.outcome.as_ref().ok()
    }

    /// HTTP status of a whole answer.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }
}
