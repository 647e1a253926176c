//! `send`: requests to the server, paid or not.

use std::time::Duration;

use super::super::keys::{number, number_or, only_with};
use super::super::scope::{NameKind, Scope};
use super::super::words::PathForm;
use super::send_carried::{Carried, decode_carried};
use super::send_options::{decode_encode, decode_header, decode_replica, decode_retry};
use super::{ANY_ROLE, BodyForm, Encode, HeaderForm, Replica, Retry, Route, Step, StepKind};
use crate::config::yaml::{MapView, View};

/// The most copies of one payment, and the most requests of one `send`.
pub(super) const REQUESTS_MAX: u32 = 500;

/// Requests to the target server, or to the reference server in front of a target facilitator.
#[derive(Debug, Clone, PartialEq)]
pub struct Send {
    /// What pays.
    pub content: Content,
    /// The route; without it that of the payment's offer, or the main one.
    pub route: Option<Route>,
    /// How often each payment (or the unpaid request) is sent.
    pub copies: u32,
    /// How many requests are open at once; they start at the same instant.
    pub concurrency: u32,
    /// Whether the next step begins before the answers are there.
    pub background: bool,
    /// What a refused request leads to.
    pub retry: Option<Retry>,
    /// How payments are written.
    pub encode: Option<Encode>,
    /// How the payment header appears.
    pub header: HeaderForm,
    /// The second payment of a doubled header; the same one if absent.
    pub also: Option<String>,
    /// Which copy of the target is asked.
    pub replica: Replica,
    /// The request's method; the route's own if absent.
    pub method: Option<String>,
    /// How the path is written.
    pub path_form: Option<PathForm>,
    /// The request's body; the route's own if absent.
    pub body: Option<BodyForm>,
    /// What its requests carry besides.
    pub carried: Carried,
    /// The client closes the connection after this.
    pub give_up_after: Option<Duration>,
    /// The name of what came back.
    pub name: Option<String>,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A payment, or each of a batch.
    Payment(String),
    /// No payment.
    Nothing,
}

pub(super) const KIND: StepKind = StepKind {
    name: "send",
    about: "sends paid requests (or unpaid ones) to the server, `concurrency` at the same instant",
    keys: &[
        "payment",
        "without_payment",
        "route",
        "copies",
        "concurrency",
        "background",
        "retry",
        "encode",
        "header",
        "also",
        "replica",
        "method",
        "path_form",
        "body",
        "headers",
        "query",
        "path_text",
        "header_size",
        "give_up_after",
        "as",
    ],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let content = decode_content(map, scope);
    let (copies, concurrency) = decode_copies(map, content.as_ref(), scope);
    let background = map.optional_bool("background").unwrap_or(false);
    scope.flight.send(concurrency, background);
    let route = map
        .optional("route")
        .map(|view| Route::decode_value(&view, scope));
    let send = Send {
        content: content.clone().unwrap_or(Content::Nothing),
        route: route.clone().flatten(),
        copies,
        concurrency,
        background,
        retry: map.optional("retry").and_then(|view| decode_retry(&view)),
        encode: map.optional("encode").and_then(|view| decode_encode(&view)),
        header: decode_header(map),
        also: map
            .optional("also")
            .and_then(|view| scope.refer(&view, NameKind::Payment)),
        replica: map
            .optional("replica")
            .and_then(|view| decode_replica(&view, scope))
            .unwrap_or_default(),
        method: map.optional("method").and_then(|view| decode_method(&view)),
        path_form: map
            .optional("path_form")
            .and_then(|view| view.one_of(PathForm::ALL)),
        body: map
            .optional("body")
            .and_then(|view| view.one_of(BodyForm::ALL)),
        carried: decode_carried(map, route.as_ref().and_then(Option::as_ref)),
        give_up_after: map.optional_positive_duration("give_up_after"),
        name: scope.define_optional(map, NameKind::Responses, 1),
    };
    refuse_without_payment(map, &send.content);
    let readable = content.is_some() && route.is_none_or(|route| route.is_some());
    readable.then_some(Step::Send(send))
}

fn decode_content(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Content> {
    let unpaid = map.optional_bool("without_payment") == Some(true);
    match (map.optional("payment"), unpaid) {
        (Some(view), false) => scope.refer(&view, NameKind::Payment).map(Content::Payment),
        (None, true) => Some(Content::Nothing),
        (Some(_), true) => {
            let message = "`without_payment` cannot stand beside `payment`";
            map.problem_at_key("without_payment", message);
            None
        }
        (None, false) => {
            map.view()
                .problem("needs `payment: NAME` or `without_payment: true`");
            None
        }
    }
}

/// Copies, and how many are open at once: all of them unless the step says so.
pub(super) fn decode_copies(
    map: &MapView<'_>,
    content: Option<&Content>,
    scope: &Scope<'_>,
) -> (u32, u32) {
    let size = match content {
        Some(Content::Payment(name)) => scope.size_of(name),
        _ => 1,
    };
    let copies = number_or(map, "copies", 1..=REQUESTS_MAX, 1);
    let requests = copies.saturating_mul(size);
    if requests > REQUESTS_MAX {
        map.view().problem(format!(
            "sends {copies} copies of {size} payments; at most {REQUESTS_MAX} requests in one step"
        ));
    }
    let concurrency = map
        .optional("concurrency")
        .and_then(|view| decode_concurrency(&view, requests))
        .unwrap_or(requests);
    (copies, concurrency)
}

fn decode_concurrency(view: &View<'_>, requests: u32) -> Option<u32> {
    let concurrency = number(view, 1..=REQUESTS_MAX)?;
    if concurrency > requests {
        view.problem(format!(
            "{concurrency} requests at once, but only {requests} are sent"
        ));
        return None;
    }
    Some(concurrency)
}

fn decode_method(view: &View<'_>) -> Option<String> {
    let method = view.as_non_empty_str()?;
    if method.len() > 20 || !method.bytes().all(|b| b.is_ascii_alphabetic()) {
        view.problem("expected a method such as HEAD or POST");
        return None;
    }
    Some(method.to_owned())
}

/// Keys about the payment mean nothing without one.
fn refuse_without_payment(map: &MapView<'_>, content: &Content) {
    if *content == Content::Nothing && map.optional("without_payment").is_some() {
        for key in ["retry", "encode", "header", "also"] {
            only_with(map, key, "`payment`", false);
        }
    }
}
