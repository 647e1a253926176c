//! Section E: what the paid handler is given is what the client sent.

use serde_json::Value;
use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Role};
use super::judged::{Judged, evidence_of};
use super::outcome::Outcome;
use crate::history::Exchange;
use crate::http::REDACTED;

/// Member of a paid answer that names the SHA-256 of the request body, in hex: the handler says what reached it.
const BODY_SHA256: &str = "bodySha256";
/// Hex digits of a SHA-256.
const SHA256_DIGITS: usize = 64;

pub(super) const INTACT: Check = Check {
    id: "SRV-FLOW-014",
    title: "The paid request reaches the handler unchanged",
    requirement: "Request method, body, query and other headers reach the handler unchanged on the paid request.",
    observe: "Good payments whose request has a body, where the paid answer is JSON with a member `bodySha256` (and `method`, `contentType`): they are compared with what was sent.",
    good: "bodySha256 is the SHA-256 of the body that was sent, contentType its Content-Type",
    bad: "the SHA-256 of an empty body: the paywall has read the request and passes on what is left",
    source: "derived: the client pays for the request it made",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: &["good", "good-2"],
    judge: intact,
    cause: "the paywall consumes or re-encodes the request's body, or asks the handler with a request of its own",
    fix: "keep the bytes of the body and hand the handler the request as it came",
    tags: &[],
    killed_by: &["paid-body-dropped"],
};

fn intact(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    let mut with_body = 0_usize;
    for exchange in judged.accepted(version) {
        let Some(sent) = exchange.sent.body.as_deref() else {
            continue;
        };
        with_body += 1;
        if let Some((answer, told)) = told_sha256(exchange) {
            outcome.add(compared(exchange, sent, answer, told));
        }
    }
    if !outcome.is_empty() {
        return outcome;
    }
    Outcome::skipped(match with_body {
        0 => format!(
            "no good {version} payment for a request with a body was delivered: name a route with `body` in the profile, whose answer names {BODY_SHA256}"
        ),
        _ => format!(
            "the paid answer does not name {BODY_SHA256}: let the handler of a route with `body` answer with a JSON object that holds the request body's SHA-256 (hex) under that name"
        ),
    })
}

/// The answer, and the SHA-256 that it names.
fn told_sha256<'e>(exchange: &'e Exchange<'_>) -> Option<(&'e Value, &'e str)> {
    let answer = exchange.body_json()?;
    let told = answer.get(BODY_SHA256)?.as_str()?;
    // Anything else is some other digest, or about something else.
    let is_sha256 = told.len() == SHA256_DIGITS && told.bytes().all(|b| b.is_ascii_hexdigit());
    is_sha256.then_some((answer, told))
}

/// `sent` is the body's name in the history, the beginning of its SHA-256: it tells bodies apart that the history holds
/// shortened or without their secrets.
fn compared(exchange: &Exchange<'_>, sent: &str, answer: &Value, told: &str) -> Outcome {
    let probe = format!("{} {}", exchange.probe(), exchange.sent.route);
    let mut differences = Vec::new();
    if !told.to_ascii_lowercase().starts_with(sent) {
        differences.push(format!(
            "the SHA-256 of the body was {sent}…, the handler was given {told}"
        ));
    }
    let method = answer.get("method").and_then(Value::as_str);
    let own = exchange.sent.method.as_str();
    if let Some(method) = method.filter(|method| !method.eq_ignore_ascii_case(own)) {
        differences.push(format!("sent with {own}, the handler was given {method}"));
    }
    differences.extend(other_type(exchange, answer));
    let evidence = evidence_of(exchange);
    match differences.is_empty() {
        true => Outcome::pass(
            format!("{probe}: the handler was given what was sent"),
            evidence,
        ),
        false => Outcome::warn(format!("{probe}: {}", differences.join("; ")), evidence),
    }
}

/// What is wrong with the content type, where both sides name one.
fn other_type(exchange: &Exchange<'_>, answer: &Value) -> Option<String> {
    let mut headers = exchange.sent.headers.iter();
    let (_, sent) = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
    let sent = exchange.whole(sent);
    let told = match answer.get("contentType")? {
        Value::String(told) => told.as_str(),
        Value::Null => "none",
        _ => return None,
    };
    let is_same = told.trim().eq_ignore_ascii_case(sent.trim());
    (!is_same && !sent.contains(REDACTED))
        .then(|| format!("sent as {sent}, the handler was given {told}"))
}
