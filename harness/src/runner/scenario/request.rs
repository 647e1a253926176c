//! A request to the target as a step wants it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::carry;
use crate::config::profile::Route;
use crate::http::{Exchange, Request};
use crate::runner::path;
use crate::runner::session::{PaymentHeader, SendError, Session};
use crate::scenario::PathForm;
use crate::scenario::steps::{BodyForm, Carried, HeaderForm};

/// What differs from the route's own request.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub(super) method: Option<String>,
    pub(super) body: Option<BodyForm>,
    pub(super) header: Option<HeaderForm>,
    /// Value of the second payment header.
    pub(super) also: Option<String>,
    pub(super) path_form: Option<PathForm>,
    pub(super) carried: Carried,
    pub(super) give_up: Option<Duration>,
    /// Which copy of the target; the session's own way if absent.
    pub(super) via: Option<SocketAddr>,
}

/// Sends one request of a step.
pub(super) async fn send(
    session: &Session<'_>,
    probe: &str,
    route: &Route,
    payment: Option<&PaymentHeader>,
    shape: &Shape,
) -> Result<Exchange, SendError> {
    let mut request = session.request(route, payment).await?;
    request.via = shape.via.or(request.via);
    if let Some(method) = shape
        .method
        .as_ref()
        .and_then(|m| Method::from_bytes(m.as_bytes()).ok())
    {
        request.method = method;
    }
    if let Some(payment) = payment {
        double(&mut request, payment, shape);
    }
    if let Some(form) = shape.body {
        write_body(&mut request, form);
    }
    if let Some(form) = shape.path_form {
        request.target = Some(raw_target(route, &request, form)?);
    } else if shape.header.is_some() || shape.body.is_some() {
        // A client library would fold headers together, and leave out the length of an empty body.
        request.target = Some(request.path_and_query());
    }
    if !shape.carried.is_plain() {
        carry::put_in(&mut request, route, &shape.carried);
    }
    session
        .perform(probe, &route.path, request, payment, shape.give_up)
        .await
}

fn raw_target(route: &Route, request: &Request, form: PathForm) -> Result<String, SendError> {
    path::target(route, &request.url, form)
        .ok_or_else(|| SendError::Form(request.url.path().to_owned(), form.word()))
}

fn double(request: &mut Request, payment: &PaymentHeader, shape: &Shape) {
    let second = shape.also.as_deref().unwrap_or(&payment.value);
    match shape.header.unwrap_or(HeaderForm::Once) {
        HeaderForm::Once => {}
        HeaderForm::Twice => request
            .headers
            .push((payment.name.to_owned(), second.to_owned())),
        HeaderForm::Joined => {
            let ours = |name: &str| name.eq_ignore_ascii_case(payment.name);
            if let Some((_, value)) = request.headers.iter_mut().find(|(name, _)| ours(name)) {
                *value = format!("{}, {second}", payment.value);
            }
        }
    }
}

fn write_body(request: &mut Request, form: BodyForm) {
    let own = request.body.take();
    let own = own.unwrap_or_else(|| Bytes::from_static(b"{\"assay\":true}"));
    let text = String::from_utf8_lossy(&own).into_owned();
    let (body, content_type) = match form {
        BodyForm::Empty => (String::new(), "application/json"),
        BodyForm::Truncated => (
            text.chars().take(text.chars().count() / 2).collect(),
            "application/json",
        ),
        BodyForm::WrongCharset => (text, "text/plain; charset=utf-7"),
        BodyForm::Batch => (format!("[{text},{text}]"), "application/json"),
        BodyForm::Other => match text.strip_suffix('}') {
            Some(open) if open.trim() != "{" => {
                (format!("{open},\"assayOther\":1}}"), "application/json")
            }
            _ => (format!("{text} "), "application/json"),
        },
    };
    request
        .headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    request
        .headers
        .push(("Content-Type".to_owned(), content_type.to_owned()));
    request.body = Some(Bytes::from(body));
}
