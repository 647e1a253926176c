//! The paid handlers (the origin contract).

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::options::MARKER;
use super::page::Page;

/// The longest a handler lets itself be delayed.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// What is for sale.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// `GET /paid`
    Paid,
    /// `GET /premium`: costs more than the others.
    Premium,
    /// `POST /generate`: echoes its JSON body.
    Generate(Bytes),
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
}

impl Content {
    /// Runs the handler. Only answers below 400 hold the marker.
    pub(super) async fn produce(&self) -> Page {
        match self {
            Self::Paid => good(json!({ "content": MARKER })),
            Self::Premium => good(json!({ "content": MARKER, "premium": true })),
            Self::Generate(body) => generate(body),
            Self::Item(id) => good(json!({ "content": MARKER, "item": id })),
            Self::File(path) => good(json!({ "content": MARKER, "file": path })),
            Self::Status(code) => status(code),
            Self::Delay(ms) => delay(ms).await,
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

fn generate(body: &Bytes) -> Page {
    match serde_json::from_slice::<Value>(body) {
        Ok(echo) => good(json!({ "content": MARKER, "echo": echo })),
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
