//! Section H: the money moved and the facilitator's answer was lost.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Level, Need, Role};
use super::judged::{Judged, unjudgeable};
use super::outcome::Outcome;
use crate::audit::Book;
use crate::history::Exchange;

/// The payment whose settle answer was lost, and the same one again.
const LOST: &str = "trouble/lost";
const AGAIN: &str = "trouble/lost-again";

pub(super) const CHARGED_ONCE: Check = Check {
    id: "SRV-FAC-008",
    title: "A settlement whose answer was lost is not charged again",
    requirement: "When the transfer landed and the settle answer was lost, the client's retry with the same proof does not lead to a second charge.",
    observe: "A payment whose settlement is mined and whose answer is lost, then the same payment again; transfers, and whether a new payment is asked for.",
    good: "5xx, and the retry is served or told that the payment is used; one Transfer",
    bad: "402 with a fresh challenge although the money has moved: a client that does as it is told pays twice",
    source: "x402 specification, section 10.1",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: &[LOST, AGAIN],
    judge: charged_once,
    cause: "an unknown settlement outcome is handled as a failed one",
    fix: "answer 5xx while the outcome is unknown, keep the purchase, and settle the identical payment again when the client repeats it",
    tags: &["CWE-841", "CWE-754"],
    killed_by: &["challenge-on-unknown", "impatient-with-facilitator"],
};

pub(super) const OBTAINABLE: Check = Check {
    id: "SRV-FAC-009",
    title: "Whether a payment whose answer was lost still buys",
    requirement: "Whether the client can still obtain the resource after a lost settle answer is recorded.",
    observe: "The answer to the same payment, sent again after its settlement's answer was lost.",
    good: "the retry is served",
    bad: "paid, and never delivered",
    source: "silent, except for payment-identifier",
    level: Level::Open,
    grade: Grade::Info,
    judge: obtainable,
    cause: "a copy is known by the chain's nonce alone, so the server cannot tell its own earlier settlement",
    fix: "keep the answer that is owed under (payer, nonce) until the settlement is known",
    tags: &[],
    killed_by: &[],
    ..CHARGED_ONCE
};

/// The payment that was settled and whose server never heard of it.
fn landed<'f, 'h>(judged: &Judged<'f, 'h>, version: Version) -> Result<&'f Book<'h>, &'static str> {
    let facts = judged.facts;
    let book = facts
        .paid(version, LOST)
        .find_map(|exchange| judged.true_book(exchange));
    let Some(book) = book else {
        return Err("the payment is not known");
    };
    let mut settled = facts
        .calls_about(book.signed.key)
        .filter(|call| call.endpoint == Endpoint::Settle);
    let lost = settled.next().is_some_and(|call| call.answer.is_none());
    if !lost {
        return Err("the target did not settle it, or got the answer");
    }
    if book.transfers.is_empty() {
        return Err("the settlement whose answer was lost moved nothing");
    }
    Ok(book)
}

fn charged_once(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let book = match landed(judged, version) {
        Ok(book) => book,
        Err(why) => return Outcome::skipped(why),
    };
    let evidence = book.evidence(judged.facts);
    if book.transfers.len() > 1 {
        let text = format!(
            "charged {} times for one authorization",
            book.transfers.len()
        );
        return Outcome::warn(text, evidence);
    }
    let facts = judged.facts;
    let answers: Vec<_> = facts
        .paid(version, LOST)
        .chain(facts.paid(version, AGAIN))
        .collect();
    let asked = answers
        .iter()
        .find(|exchange| asks_for_another(exchange, version));
    // What was given already is not asked for again.
    if let Some(exchange) = asked.filter(|_| book.grants.is_empty()) {
        let text = format!(
            "{}: the money has moved, and a fresh challenge asks for another payment",
            exchange.probe()
        );
        return Outcome::warn(text, evidence);
    }
    let Some(again) = facts.paid(version, AGAIN).next() else {
        return Outcome::skipped("the payment was not sent again");
    };
    unjudgeable(again).unwrap_or_else(|| {
        Outcome::pass(
            format!("one transfer; the retry ended with {}", again.ending()),
            evidence,
        )
    })
}

/// A 402 with terms and without a receipt: nothing in it tells that this payment was taken.
fn asks_for_another(exchange: &Exchange<'_>, version: Version) -> bool {
    exchange.status() == Some(402)
        && exchange.header(version.settlement_header()).is_none()
        && exchange
            .challenge(version)
            .is_some_and(|challenge| !challenge.accepts.is_empty())
}

fn obtainable(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let book = match landed(judged, version) {
        Ok(book) => book,
        Err(why) => return Outcome::skipped(why),
    };
    let endings: Vec<String> = judged
        .facts
        .carrying(book.signed.authorization)
        .map(Exchange::ending)
        .collect();
    let endings = endings.join(", then ");
    let text = match book.grants.is_empty() {
        true => format!("paid and not delivered: {endings}"),
        false => format!("delivered: {endings}"),
    };
    Outcome::info(text, book.evidence(judged.facts))
}
