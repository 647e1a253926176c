//! Section B: decoding of the payment header.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Grading, Level, Need, Role, V1, V2};
use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::outcome::Outcome;
use crate::audit::Delivery;
use crate::history::{Exchange, FacilitatorCall};

const MALFORMED: &[&str] = &[
    "malformed/not-base64",
    "malformed/not-json",
    "malformed/json-array",
    "malformed/json-null",
    "malformed/json-string",
    "malformed/empty-object",
    "malformed/truncated-base64",
];
const SHAPES: &[&str] = &[
    "shape/missing-accepted",
    "shape/missing-payload",
    "shape/missing-authorization",
    "shape/missing-signature",
    "shape/number-for-string",
];

pub(super) const ACCEPTED_V2: Check = Check {
    id: "SRV-HDR-001",
    title: "A valid payment in PAYMENT-SIGNATURE is accepted",
    requirement: "A valid payment in `PAYMENT-SIGNATURE` is accepted (status of the handler, 2xx).",
    observe: "Honest v2 payments are sent in PAYMENT-SIGNATURE.",
    good: "200 with the paid body",
    bad: "402 for a payment that our facilitator found valid",
    source: "transports-v2/http",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["good", "good-2"],
    judge: accepted,
    cause: "the server takes other payments but not this one: matching of terms, or a guard that outlives its request",
    fix: "look at the facilitator calls in the evidence: they say who refused the payment and why",
    tags: &[],
    killed_by: &["dedupe-by-payer"],
};

pub(super) const ACCEPTED_V1: Check = Check {
    id: "SRV-HDR-002",
    title: "A valid payment in X-PAYMENT is accepted",
    requirement: "A valid payment in `X-PAYMENT` is accepted.",
    observe: "Honest v1 payments are sent in X-PAYMENT.",
    good: "200 with the paid body",
    bad: "402 for a payment that our facilitator found valid",
    source: "transports-v1/http",
    versions: V1,
    killed_by: &["dedupe-by-payer"],
    ..ACCEPTED_V2
};

pub(super) const UNDECODABLE: Check = Check {
    id: "SRV-HDR-004",
    title: "An undecodable payment header is refused",
    requirement: "A payment header that is no base64, no JSON or no object is refused without delivery, with 400 or 402.",
    observe: "A table of headers that hold no JSON object: no base64, no JSON, an array, a number, a cut value.",
    good: "402 (or 400) and no paid body",
    bad: "200, or 500 with a stack trace",
    source: "transports HTTP status table (400); SDKs answer 402",
    versions: BOTH,
    level: Level::MustDerived,
    raised_by: Some(Grading::StrictSpec),
    probes: MALFORMED,
    judge: undecodable,
    cause: "a parse error is not caught, or is caught by a branch that lets the request through",
    fix: "treat every header that cannot be read as no payment, or answer 400",
    tags: &["CWE-636", "CWE-20"],
    killed_by: &[
        "serve-undecodable",
        "accept-any-header",
        "status-500-on-malformed",
    ],
    ..ACCEPTED_V2
};

pub(super) const NOTHING_SETTLED: Check = Check {
    id: "SRV-HDR-005",
    title: "An undecodable payment header settles nothing",
    requirement: "After an undecodable header no `/settle` is called.",
    observe: "Our facilitator's log after each of these headers.",
    good: "no call of /settle",
    bad: "/settle is called with whatever could be decoded",
    source: "derived",
    versions: BOTH,
    level: Level::Derived,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: MALFORMED,
    judge: nothing_settled,
    cause: "the header is forwarded to the facilitator unread",
    fix: "decode and validate the header before the facilitator is asked",
    killed_by: &["settle-undecodable"],
    ..UNDECODABLE
};

pub(super) const SHAPE: Check = Check {
    id: "SRV-HDR-006",
    title: "A payment with missing or mistyped members is refused",
    requirement: "A payload missing `accepted` or `payload`, or with wrong types, is refused with 400 or 402.",
    observe: "Good payments with one member removed or of the wrong type.",
    good: "402 (or 400) and no paid body",
    bad: "200 for a payment without a signature",
    source: "x402 v2 specification, section 5.2.2; transports HTTP status table",
    versions: V2,
    probes: SHAPES,
    judge: shape,
    killed_by: &["accept-any-header", "status-500-on-malformed"],
    ..UNDECODABLE
};

fn accepted(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let honest = judged.honest(version);
    if honest.is_empty() {
        return not_tried(version, "good");
    }
    let another = another_accepted(judged);
    honest
        .into_iter()
        .map(|exchange| accepted_one(judged, exchange, another))
        .collect()
}

pub(super) fn accepted_one<'h>(
    judged: &Judged<'_, 'h>,
    exchange: &Exchange<'h>,
    another: bool,
) -> Outcome {
    let evidence = judged
        .book_of(exchange)
        .map_or_else(|| evidence_of(exchange), |book| book.evidence(judged.facts));
    if exchange.is_success() {
        return Outcome::pass(format!("accepted with {}", exchange.ending()), evidence);
    }
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    let text = format!("a valid payment was answered {}", exchange.ending());
    if exchange.status() != Some(402) && was_verified(judged, exchange) {
        // Nothing was refused: the handler behind the paywall did not answer 2xx.
        return Outcome::inconclusive(format!("{text}, after it was verified"), evidence);
    }
    if another {
        Outcome::fail(text, evidence)
    } else {
        let text = format!("{text}, and so was every other: the positive control is missing");
        Outcome::inconclusive(text, evidence)
    }
}

fn was_verified(judged: &Judged<'_, '_>, exchange: &Exchange<'_>) -> bool {
    exchange
        .sent
        .authorization
        .and_then(|number| judged.facts.authorization(number))
        .is_some_and(|signed| {
            let mut calls = judged.facts.calls_about(signed.key);
            calls.any(|call| call.is_valid() == Some(true))
        })
}

/// True when any payment of the run got the paid content.
pub(super) fn another_accepted(judged: &Judged<'_, '_>) -> bool {
    judged
        .facts
        .exchanges
        .iter()
        .any(|exchange| exchange.is_paid() && judged.books.delivery(exchange) == Delivery::Content)
}

fn undecodable(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused_as_malformed(judged, version, MALFORMED)
}

fn shape(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused_as_malformed(judged, version, SHAPES)
}

fn refused_as_malformed(judged: &Judged<'_, '_>, version: Version, probes: &[&str]) -> Outcome {
    let mut outcome = Outcome::new();
    for probe in probes {
        let exchanges: Vec<_> = judged.facts.paid(version, probe).collect();
        if exchanges.is_empty() {
            outcome.add(not_tried(version, probe));
        }
        for exchange in exchanges {
            outcome.add(malformed_status(judged, exchange));
        }
    }
    judged.with_control(version, outcome)
}

fn malformed_status<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Outcome {
    let (probe, evidence) = (exchange.probe(), evidence_of(exchange));
    if judged.books.delivery(exchange) == Delivery::Content {
        return Outcome::given(format!("{probe}: the paid content was delivered"), evidence);
    }
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    let text = format!("{probe}: {}", exchange.ending());
    match exchange.status() {
        Some(400) => Outcome::pass(text, evidence),
        // The specification's table says 400, the deployed SDKs say 402.
        Some(402) if judged.grading == Grading::StrictSpec => {
            Outcome::warn(format!("{text}; the specification says 400"), evidence)
        }
        Some(402) => Outcome::pass(text, evidence),
        Some(200..300) => Outcome::fail(text, evidence),
        _ => Outcome::warn(text, evidence),
    }
}

fn nothing_settled(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for exchange in MALFORMED
        .iter()
        .flat_map(|probe| judged.facts.paid(version, probe))
    {
        let settled: Vec<&FacilitatorCall<'_>> = judged
            .facts
            .calls
            .iter()
            .filter(|call| call.endpoint == Endpoint::Settle)
            .filter(|call| is_about(judged, exchange, call))
            .collect();
        let mut evidence = evidence_of(exchange);
        if settled.is_empty() {
            if exchange.answer().is_some() {
                outcome.add(Outcome::pass("no /settle call", evidence));
            }
            continue;
        }
        evidence.extend(settled.iter().map(|call| call.evidence()));
        let text = format!("{}: /settle was called", exchange.probe());
        outcome.add(Outcome::fail(text, evidence));
    }
    if outcome.is_empty() {
        return Outcome::inconclusive("no undecodable header was answered", Vec::new());
    }
    judged.with_control(version, outcome)
}

/// A call without a readable authorization belongs to the exchange that was under way.
fn is_about(judged: &Judged<'_, '_>, exchange: &Exchange<'_>, call: &FacilitatorCall<'_>) -> bool {
    if !exchange.spans(call.received_at_us) {
        return false;
    }
    let carried = exchange.sent.authorization;
    match call.authorization {
        None => true,
        Some(key) => carried
            .and_then(|number| judged.facts.authorization(number))
            .is_some_and(|s| s.key.payer == key.payer && s.key.nonce == key.nonce),
    }
}
