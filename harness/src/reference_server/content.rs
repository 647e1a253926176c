//! The paid handlers (the origin contract).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::metered::Usage;
use super::options::MARKER;
use super::page::Page;

/// The longest a handler lets itself be delayed.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// What reaches a handler that takes a body.
#[derive(Debug, Clone)]
pub(super) struct Order {
    method: Method,
    content_type: Option<String>,
    pub(super) body: Bytes,
}

impl Order {
    /// Reads it off a request.
    pub(super) fn new(method: Method, headers: &HeaderMap, body: Bytes) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE);
        Self {
            method,
            content_type: content_type
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            body,
        }
    }

    /// The same with another body.
    pub(super) fn with_body(&self, body: Bytes) -> Self {
        let order = self.clone();
        Self { body, ..order }
    }
}

/// What is for sale.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// `GET /paid`
    Paid,
    /// `GET /premium`: costs more than the others.
    Premium,
    /// `POST /generate`: echoes its JSON body, and says what reached it.
    Generate(Order),
    /// `GET /items/{id}`
    Item(String),
    /// `GET /files/{*path}`
    File(String),
    /// `GET /paid/status/{code}`: answers with that status.
    Status(String),
    /// `GET /paid/delay/{ms}`: answers after that time.
    Delay(String),
    /// `GET /paid/stream`
    Stream,
    /// `GET /metered`: costs what it uses.
    Metered(Usage),
}

impl Content {
    /// Runs the handler. Only answers below 400 hold the marker.
    pub(super) async fn produce(&self) -> Page {
        match self {
            Self::Paid => good(json!({ "content": MARKER })),
            Self::Premium => good(json!({ "content": MARKER, "premium": true })),
            Self::Generate(order) => generate(order),
            Self::Item(id) => good(json!({ "content": MARKER, "item": id })),
            Self::File(path) => good(json!({ "content": MARKER, "file": path })),
            Self::Status(code) => status(code),
            Self::Delay(ms) => delay(ms).await,
            Self::Metered(usage) => usage.produce(),
            Self::Stream => Page::new(StatusCode::OK, "text/plain", chunks().concat()),
        }
    }
}

/// The stream's parts; the first one holds the marker.
pub(super) fn chunks() -> Vec<String> {
    let mut parts = vec![format!("{MARKER}\n")];
    parts.extend((1..=4).map(|part| format!("part {part}\n")));
    parts
}

fn good(body: Value) -> Page {
    Page::json(StatusCode::OK, &body)
}

/// An empty body asks for what there is without parameters.
fn generate(order: &Order) -> Page {
    let body = &order.body;
    let read = match body.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_slice(body),
    };
    match read {
        Ok(echo) => good(json!({
            "content": MARKER,
            "method": order.method.as_str(),
            "contentType": order.content_type,
            "bodyBytes": body.len(),
            "bodySha256": alloy_primitives::hex::encode(Sha256::digest(body)),
            "echo": echo,
        })),
        Err(error) => Page::error(
            StatusCode::BAD_REQUEST,
            &format!("the body is not JSON: {error}"),
        ),
    }
}

fn status(code: &str) -> Page {
    let status = code
        .parse::<u16>()
        .ok()
        .filter(|code| (200..600).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok());
    match status {
        None => Page::error(StatusCode::BAD_REQUEST, "the status must be 200 to 599"),
        Some(status @ (StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)) => Page::empty(status),
        Some(status) if status.as_u16() >= 400 => Page::error(status, "as asked for"),
        Some(status) => Page::json(status, &json!({ "content": MARKER })),
    }
}

async fn delay(ms: &str) -> Page {
    let wait = ms.parse().map(Duration::from_millis);
    match wait {
        Ok(wait) if wait <= LONGEST_DELAY => {
            tokio::time::sleep(wait).await;
            good(json!({ "content": MARKER }))
        }
        _ => Page::error(
            StatusCode::BAD_REQUEST,
            "the delay must be 0 to 60000 milliseconds",
        ),
    }
}
