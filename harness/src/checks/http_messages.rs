//! Section I: connections that are kept, large and broken bodies, spoofed headers.

use alloy_primitives::U256;
use serde_json::Value;
use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Level, Need, Role};
use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::outcome::Outcome;
use super::recorded::{given_unpaid, no_gate, said};
use crate::audit::Delivery;
use crate::history::Exchange;
use crate::history::event::Trouble;

const KEPT: &[&str] = &[
    "http/kept/unpaid",
    "http/kept/paid",
    "http/kept/unpaid-again",
];
const LARGE: &[&str] = &["http/large-body", "http/expect-continue"];
const BODIES: &[&str] = &[
    "http/body/empty",
    "http/body/truncated",
    "http/body/batch",
    "http/body/wrong-charset",
];
const SPOOFED: &[&str] = &["http/spoofed", "http/spoofed-unpaid"];

pub(super) const KEPT_CONNECTION: Check = Check {
    id: "SRV-HTTP-013",
    title: "A purchase works on one connection that is kept",
    requirement: "On one HTTP/1.1 connection a challenge, a purchase and another challenge are answered as on three; a 402 does not end it without saying so.",
    observe: "Unpaid, paid, unpaid on one connection with `Connection: keep-alive`. HTTP/2 is not tried: the bench speaks HTTP/1.1.",
    good: "402, 200, 402; or `Connection: close` where the server means to end it",
    bad: "the connection ends after the 402, and the payment finds none",
    source: "HTTP; derived",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: KEPT,
    judge: kept,
    cause: "the 402 is written past the HTTP library, or the socket is ended after it",
    fix: "answer 402 like any other status; send Connection: close where the connection is to end",
    tags: &[],
    killed_by: &["drops-kept-connection"],
};

pub(super) const BODIES_UNPAID: Check = Check {
    id: "SRV-HTTP-014",
    title: "A large or broken body is answered without payment, and opens nothing",
    requirement: "An unpaid request with a large body is answered 402 without hanging; one whose body cannot be read, or asks for several things, gets nothing.",
    observe: "On the first route with a body: 1 MiB, the same with `Expect: 100-continue`, no body, half a body, a JSON list of two, another charset; all without payment.",
    good: "402; or 400, 413 or 415 ahead of the paywall",
    bad: "no answer, 500, or the paid body for a list of two calls",
    source: "derived",
    probes: &[
        "unpaid",
        "http/large-body",
        "http/expect-continue",
        "http/body/empty",
        "http/body/truncated",
        "http/body/batch",
        "http/body/wrong-charset",
    ],
    judge: bodies,
    cause: "the body is read whole before the paywall looks at the headers, or what parsing throws skips it",
    fix: "ask for payment before the body is read, and fail closed where it cannot be parsed",
    tags: &["CWE-636", "CWE-400"],
    killed_by: &["large-body-error", "body-error-unpaid", "batch-unpaid"],
    ..KEPT_CONNECTION
};

pub(super) const SPOOFED_HEADERS: Check = Check {
    id: "SRV-HTTP-015",
    title: "Response headers in a request change nothing",
    requirement: "`PAYMENT-RESPONSE` and `Settlement-Overrides` as request headers have no effect on the charge.",
    observe: "A request without and one with a good payment, both carrying a receipt of success and an override of the amount; what our facilitator is asked to settle.",
    good: "402 without the payment; with it, the advertised amount is settled",
    bad: "the amount of the client's own header is settled",
    source: "derived",
    needs: &[Need::Facilitator],
    probes: SPOOFED,
    judge: spoofed,
    cause: "headers that the handler sets for the settlement are looked up in the request",
    fix: "read settlement overrides from the handler's answer only",
    tags: &["CWE-348"],
    killed_by: &["settlement-overrides-honoured"],
    ..KEPT_CONNECTION
};

fn kept(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = no_gate(judged, version) {
        return outcome;
    }
    let sells = !judged.accepted(version).is_empty();
    let mut outcome = Outcome::new();
    let mut before: Option<&Exchange<'_>> = None;
    for exchange in KEPT
        .iter()
        .flat_map(|probe| judged.facts.probe(version, probe))
    {
        let text = format!("{}: {}", exchange.probe(), said(judged, exchange));
        let evidence = evidence_of(exchange);
        outcome.add(match (exchange.status(), exchange.trouble(), before) {
            (Some(429), ..) => unjudgeable(exchange).unwrap_or_default(),
            (None, Some(Trouble::Closed), Some(before)) => {
                let evidence = vec![before.evidence(), exchange.evidence()];
                let text = format!(
                    "the connection ended after {} without `Connection: close`",
                    before.ending()
                );
                Outcome::warn(text, evidence)
            }
            (None, ..) => unjudgeable(exchange).unwrap_or_default(),
            _ if is_as_ever(judged, exchange, sells) => Outcome::pass(text, evidence),
            _ => Outcome::warn(
                format!("{text}, unlike on a connection of its own"),
                evidence,
            ),
        });
        if says_close(exchange) {
            let text = format!("the server ends the connection after {}", exchange.ending());
            outcome.add(Outcome::info(text, evidence_of(exchange)));
        }
        before = Some(exchange);
    }
    match outcome.is_empty() {
        true => not_tried(version, &KEPT.join(" or ")),
        false => outcome,
    }
}

fn is_as_ever<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>, sells: bool) -> bool {
    match exchange.is_paid() {
        true => !sells || judged.books.delivery(exchange) == Delivery::Content,
        false => exchange.status() == Some(402),
    }
}

fn says_close(exchange: &Exchange<'_>) -> bool {
    let values = exchange.header_values("connection");
    values
        .iter()
        .any(|value| value.to_ascii_lowercase().contains("close"))
}

fn bodies(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = no_gate(judged, version) {
        return outcome;
    }
    let mut outcome = Outcome::new();
    for probe in LARGE.iter().chain(BODIES) {
        for exchange in judged.facts.probe(version, probe) {
            outcome.add(body(judged, exchange, LARGE.contains(probe)));
        }
    }
    if outcome.is_empty() && !tried_elsewhere(judged, version) {
        return Outcome::skipped("no entry of the profile's `routes` has a `body`");
    }
    outcome
}

/// True when the bodies went out under another version: they are sent for the newest alone.
fn tried_elsewhere(judged: &Judged<'_, '_>, version: Version) -> bool {
    let others = judged.facts.versions().into_iter();
    others
        .filter(|other| *other != version)
        .any(|other| judged.facts.probe(other, LARGE[0]).next().is_some())
}

fn body<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>, large: bool) -> Outcome {
    if let Some(outcome) = given_unpaid(judged, exchange) {
        return outcome;
    }
    let evidence = evidence_of(exchange);
    let text = format!("{}: {}", exchange.probe(), exchange.ending());
    match (exchange.status(), exchange.trouble()) {
        (Some(429), _) => unjudgeable(exchange).unwrap_or_default(),
        (Some(402), _) => Outcome::pass(text, evidence),
        (Some(500..), _) if large => Outcome::warn(text, evidence),
        (Some(_), _) => Outcome::info(text, evidence),
        (None, Some(Trouble::TimedOut | Trouble::Closed)) if large => Outcome::warn(text, evidence),
        (None, _) => unjudgeable(exchange).unwrap_or_default(),
    }
}

fn spoofed(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = no_gate(judged, version) {
        return outcome;
    }
    let mut outcome = Outcome::new();
    for exchange in judged.facts.probe(version, "http/spoofed-unpaid") {
        outcome.add(given_unpaid(judged, exchange).unwrap_or_else(|| {
            let text = format!("without a payment: {}", exchange.ending());
            Outcome::pass(text, evidence_of(exchange))
        }));
    }
    for exchange in judged.facts.paid(version, "http/spoofed") {
        outcome.add(charge(judged, version, exchange));
    }
    judged.with_control(version, outcome)
}

/// Judges what was settled, or asked to be, for a payment with spoofed headers.
fn charge(judged: &Judged<'_, '_>, version: Version, exchange: &Exchange<'_>) -> Outcome {
    let Some(book) = judged.true_book(exchange) else {
        return Outcome::skipped("http/spoofed: nothing is known of the payment");
    };
    let evidence = book.evidence(judged.facts);
    let offered = book.signed.offered.amount;
    let pointer = format!("/paymentRequirements/{}", version.amount_field());
    let calls = judged.facts.calls_about(book.signed.key);
    let asked = calls
        .filter(|call| call.endpoint == Endpoint::Settle)
        .filter_map(|call| call.request()?.pointer(&pointer).and_then(amount));
    let moved = book.transfers.iter().map(|moved| moved.value);
    let amounts: Vec<U256> = asked.chain(moved).collect();
    match amounts.iter().find(|amount| **amount != offered) {
        Some(other) => Outcome::warn(
            format!("{other} instead of {offered} base units were to be settled"),
            evidence,
        ),
        None if amounts.is_empty() => {
            let text = format!("{}, and nothing was settled", exchange.ending());
            Outcome::info(text, evidence)
        }
        None => Outcome::pass("the advertised amount was settled", evidence),
    }
}

fn amount(value: &Value) -> Option<U256> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().map(U256::from),
    }
}
