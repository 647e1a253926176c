//! Section B: good payments in unusual headers, unusual headers, and what a refusal carries.

use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Role, V2};
use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::outcome::Outcome;
use super::payment_header::{ACCEPTED_V2, accepted_one, another_accepted};
use super::recorded::{endings, said};
use super::unpaid::has_offers;
use crate::audit::Delivery;
use crate::history::Exchange;
use crate::history::event::Trouble;

const NAMES: &[&str] = &["header/name-upper", "header/name-mixed"];
const LARGE: &[&str] = &[
    "header/large-8k",
    "header/large-16k",
    "header/large-64k",
    "header/after-large",
];
const REFUSED: &[&str] = &[
    "mutation",
    "wrong/expired",
    "wrong/not-yet-valid",
    "wrong/amount-low",
    "wrong/amount-low-unclaimed",
    "wrong/pay-to",
    "wrong/pay-to-unclaimed",
    "wrong/asset",
    "wrong/network",
    "wrong/scheme",
    "malformed/not-base64",
    "malformed/not-json",
    "malformed/empty-object",
];

pub(super) const NAME_CASE: Check = Check {
    id: "SRV-HDR-003",
    title: "The payment header is found in any letter case",
    requirement: "The name of the payment header is matched case-insensitively.",
    observe: "Good payments under the name in upper case and in mixed case, sent byte by byte; other good payments go out in lower case.",
    good: "200 with the paid body for PAYMENT-SIGNATURE, payment-signature and PaYmEnT-SiGnAtUrE",
    bad: "402 for a name in another letter case",
    source: "HTTP semantics, field names",
    versions: BOTH,
    level: Level::Derived,
    probes: NAMES,
    judge: name_case,
    cause: "the header is looked up by its exact bytes, as in raw header lists and some serverless events",
    fix: "look headers up without regard to letter case",
    killed_by: &["header-name-lower-case"],
    ..ACCEPTED_V2
};

pub(super) const EXTRA_MEMBER: Check = Check {
    id: "SRV-HDR-007",
    title: "Unknown members of a payment are tolerated or refused",
    requirement: "What becomes of a payment with an unknown extra member is recorded; the sources are silent.",
    observe: "A good payment with one member that nobody defines.",
    good: "200 with the paid body",
    bad: "nothing is held against a refusal",
    source: "SDKs",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Sdk,
    grade: Grade::Info,
    raised_by: None,
    needs: &[],
    probes: &["header/extra-member"],
    judge: |judged, version| endings(judged, version, &["header/extra-member"]),
    cause: "the payment is parsed by a closed schema",
    fix: "ignore members that are not known",
    tags: &[],
    killed_by: &[],
};

pub(super) const ENCODING: Check = Check {
    id: "SRV-HDR-008",
    title: "Base64url and missing padding are tolerated or refused",
    requirement: "What becomes of a payment in base64url, or without padding, is recorded; the sources are silent.",
    observe: "A good payment in the URL-safe alphabet, and one without padding.",
    probes: &["header/base64url", "header/unpadded"],
    judge: |judged, version| endings(judged, version, &["header/base64url", "header/unpadded"]),
    cause: "the decoder knows one alphabet, or wants padding",
    fix: "nothing needs to change; a decoder that takes both helps clients",
    ..EXTRA_MEMBER
};

pub(super) const TWICE: Check = Check {
    id: "SRV-HDR-009",
    title: "Two payment headers do no harm",
    requirement: "Two payment headers neither deliver without a settlement nor crash the server.",
    observe: "One good payment, its header standing in the request twice.",
    good: "400 or 402, or 200 after one settlement",
    bad: "500, or 200 although nothing was settled",
    source: "open",
    level: Level::Open,
    grade: Grade::Warn,
    probes: &["header/twice"],
    judge: twice,
    cause: "verification and settlement read different ones of several header values",
    fix: "refuse requests with more than one payment header, or read the header once",
    tags: &["CWE-444"],
    killed_by: &["repeated-header-unsettled"],
    ..EXTRA_MEMBER
};

pub(super) const OVERSIZED: Check = Check {
    id: "SRV-HDR-010",
    title: "An oversized payment header does not crash the server",
    requirement: "A header of 8, 16 or 64 KiB is answered with a 4xx status, and the server stays usable.",
    observe: "Payment headers of 8, 16 and 64 KiB that hold no payment, each followed by a plain request.",
    good: "400, 402, 413 or 431, and the next request is answered as usual",
    bad: "500, or the next request finds no server",
    source: "open",
    level: Level::Open,
    grade: Grade::Warn,
    probes: LARGE,
    judge: oversized,
    cause: "the value is decoded, logged or stored without a bound, and what that throws is not caught",
    fix: "refuse payment headers beyond a bound, before they are decoded",
    tags: &["CWE-770"],
    killed_by: &["large-header-error"],
    ..EXTRA_MEMBER
};

pub(super) const FOREIGN_NAME: Check = Check {
    id: "SRV-HDR-011",
    title: "X-PAYMENT on a server of version 2",
    requirement: "What becomes of a v2 payment in `X-PAYMENT` on a server that speaks v2 only is recorded.",
    observe: "A good v2 payment in X-PAYMENT.",
    good: "402: treated as unpaid",
    bad: "nothing is held against either",
    versions: V2,
    level: Level::Open,
    probes: &["header/foreign-name"],
    judge: foreign_name,
    cause: "both header names are read",
    fix: "nothing needs to change",
    ..EXTRA_MEMBER
};

pub(super) const EMPTY: Check = Check {
    id: "SRV-HDR-012",
    title: "An empty payment header",
    requirement: "What becomes of an empty payment header is recorded; SDKs treat it as no payment.",
    observe: "A request with the payment header and no value.",
    good: "402 with a challenge",
    bad: "nothing is held against 400",
    probes: &["header/empty"],
    judge: |judged, version| endings(judged, version, &["header/empty"]),
    cause: "the header's presence is tested, not its value",
    fix: "treat an empty value as no payment",
    ..EXTRA_MEMBER
};

pub(super) const REFUSAL_CHALLENGES: Check = Check {
    id: "SRV-HDR-013",
    title: "A refused payment is answered with fresh requirements",
    requirement: "A refused payment that is answered 402 still carries usable requirements in `PAYMENT-REQUIRED`.",
    observe: "The header of every 402 to a payment that is wrong or cannot be read.",
    good: "402 with PAYMENT-REQUIRED",
    bad: "402 that leaves the client without terms",
    source: "derived; SDKs",
    versions: V2,
    level: Level::Derived,
    grade: Grade::Warn,
    probes: REFUSED,
    judge: refusal_challenges,
    cause: "refusals are answered by another function than requests without a payment",
    fix: "answer every 402 with the same challenge, and the reason in `error`",
    killed_by: &["refusal-without-challenge"],
    ..EXTRA_MEMBER
};

fn name_case(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let another = another_accepted(judged);
    let mut outcome = Outcome::new();
    for probe in NAMES {
        for exchange in judged.facts.paid(version, probe) {
            let found = accepted_one(judged, exchange, another);
            outcome.add(found);
        }
    }
    if judged.accepted(version).is_empty() {
        return Outcome::skipped(format!(
            "control missing: no good {version} payment was accepted under the name in lower case"
        ));
    }
    match outcome.is_empty() {
        true => not_tried(version, &NAMES.join(" or ")),
        false => outcome,
    }
}

fn twice(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for exchange in judged.facts.paid(version, "header/twice") {
        outcome.add(twice_one(judged, exchange));
    }
    judged.with_control(version, outcome)
}

fn twice_one<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Outcome {
    let book = judged.book_of(exchange);
    let evidence = book.map_or_else(|| evidence_of(exchange), |book| book.evidence(judged.facts));
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    let delivered = judged.books.delivery(exchange) == Delivery::Content;
    let unsettled = book.is_some_and(|book| {
        book.at_rest && !book.faulted && book.distinct_grants() > book.transfers.len()
    });
    let text = format!("two payment headers: {}", said(judged, exchange));
    match exchange.status() {
        _ if delivered && unsettled => {
            Outcome::given(format!("{text}, and nothing was settled"), evidence)
        }
        Some(500..) => Outcome::warn(text, evidence),
        _ => Outcome::info(text, evidence),
    }
}

fn oversized(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    let gated = judged.facts.unpaid(version);
    let gated = gated.iter().any(|exchange| exchange.status() == Some(402));
    for probe in LARGE {
        for exchange in judged.facts.probe(version, probe) {
            outcome.add(match *probe {
                "header/after-large" => after_large(exchange, gated),
                _ => large(judged, exchange),
            });
        }
    }
    match outcome.is_empty() {
        true => not_tried(version, &LARGE.join(" or ")),
        false => outcome,
    }
}

fn large<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Outcome {
    let evidence = evidence_of(exchange);
    let text = format!("{}: {}", exchange.probe(), said(judged, exchange));
    match (exchange.status(), exchange.trouble()) {
        (_, _) if judged.books.delivery(exchange) == Delivery::Content => {
            Outcome::given(text, evidence)
        }
        (Some(429), _) | (_, Some(Trouble::Refused | Trouble::Cancelled)) => Outcome::skipped(text),
        (Some(500..), _) | (_, Some(Trouble::TimedOut)) => Outcome::warn(text, evidence),
        (Some(400..), _) => Outcome::pass(text, evidence),
        // Some servers end such a connection without a word: what counts is that they live on.
        _ => Outcome::info(text, evidence),
    }
}

fn after_large(exchange: &Exchange<'_>, gated: bool) -> Outcome {
    let evidence = evidence_of(exchange);
    let text = format!(
        "the request after an oversized header: {}",
        exchange.ending()
    );
    match exchange.status() {
        Some(500..) if gated => Outcome::warn(text, evidence),
        Some(_) => Outcome::pass(text, evidence),
        None if gated => Outcome::warn(text, evidence),
        None => Outcome::skipped(text),
    }
}

fn foreign_name(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if judged.facts.versions().contains(&Version::V1) {
        return Outcome::skipped("the target speaks v1 too, whose header this is");
    }
    endings(judged, version, &["header/foreign-name"])
}

fn refusal_challenges(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    let unpaid = facts.unpaid(version);
    if !unpaid.iter().any(|exchange| is_usable(exchange, version)) {
        return Outcome::skipped(
            "control missing: no unpaid request got a challenge that can be used",
        );
    }
    let mut outcome = Outcome::new();
    for probe in REFUSED {
        let refused = facts.paid(version, probe);
        for exchange in refused.filter(|exchange| exchange.status() == Some(402)) {
            // A settlement that failed is another matter: it is answered with a receipt.
            let settled = judged.book_of(exchange).map(|book| book.settle_calls);
            if settled.is_some_and(|calls| calls > 0) {
                continue;
            }
            let evidence = evidence_of(exchange);
            outcome.add(match is_usable(exchange, version) {
                true => Outcome::pass("refused with a challenge", evidence),
                false => Outcome::warn(
                    format!("{probe}: 402 without requirements that can be used"),
                    evidence,
                ),
            });
        }
    }
    match outcome.is_empty() {
        true => Outcome::skipped("no refused payment was answered 402"),
        false => outcome,
    }
}

fn is_usable(exchange: &Exchange<'_>, version: Version) -> bool {
    exchange.status() == Some(402) && exchange.challenge(version).is_some_and(has_offers)
}
