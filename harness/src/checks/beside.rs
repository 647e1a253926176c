//! Section G: different payments side by side.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;
use x402_mock_facilitator::refusal::reason;

use super::check::{BOTH, Check, Grade, Level, Need, Role};
use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use crate::audit::{Book, Delivery};
use crate::history::{Exchange, FacilitatorCall};

/// The payment whose settlement our facilitator keeps waiting.
const WAITING: &str = "race/waiting";
/// Others of the same payer.
const SAME: &str = "race/beside";
/// One of another payer.
const OTHER: &str = "race/other-payer";
/// A wait shorter than this shows nothing, in microseconds.
const WAIT_MIN_US: u64 = 1_000_000;

pub(super) const DISTINCT: Check = Check {
    id: "SRV-REPL-009",
    title: "Different payments of one payer are served side by side",
    requirement: "Different proofs of the same payer in parallel all succeed, each with a transaction of its own.",
    observe: "Several payments of one payer and one of another, while the settlement of the first is held back; what each got, and when it was looked at.",
    good: "every payment is served for its own transfer, none waits for another's",
    bad: "the second payment of a payer is refused, or everybody waits until the first is settled",
    source: "EIP-3009: nonces are random and independent",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: &[WAITING, SAME, OTHER],
    judge: distinct,
    cause: "payments are told apart by the payer alone, or a lock is held while the facilitator is asked",
    fix: "tell payments apart by (payer, nonce); hold no lock of the whole server across a call of the facilitator",
    tags: &["CWE-667"],
    killed_by: &["dedupe-by-payer", "one-purchase-at-a-time"],
};

fn distinct(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    if judged.accepted(version).is_empty() {
        return Outcome::skipped(format!(
            "control missing: no good {version} payment was accepted"
        ));
    }
    let all: Vec<_> = DISTINCT
        .probes
        .iter()
        .flat_map(|probe| facts.paid(version, probe))
        .collect();
    let mut outcome = Outcome::new();
    for exchange in &all {
        outcome.add(served(judged, exchange));
    }
    outcome.add(own_transactions(judged, &all));
    if let Some(waiting) = facts.paid(version, WAITING).next() {
        for other in facts.paid(version, OTHER) {
            outcome.add(held_up(judged, waiting, other));
        }
    }
    outcome
}

fn served<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Outcome {
    let probe = exchange.probe();
    let text = format!("{probe}: ended with {}", exchange.ending());
    let Some(book) = judged.true_book(exchange) else {
        return Outcome::skipped(format!("{probe}: the payment is not known"));
    };
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    let evidence = book.evidence(judged.facts);
    match judged.books.delivery(exchange) {
        Delivery::Content if book.transfers.len() == 1 => Outcome::pass(text, evidence),
        Delivery::Content if !book.at_rest => Outcome::inconclusive(
            format!("{text}; the ledger was not read after it"),
            evidence,
        ),
        Delivery::Content => {
            let moved = book.transfers.len();
            Outcome::warn(
                format!("{text}, with {moved} transfers of its own"),
                evidence,
            )
        }
        _ if turned_away(judged, book) => Outcome::skipped(format!(
            "{probe}: our facilitator turned the payment away, as one under load does"
        )),
        _ => Outcome::warn(
            format!("{text}, beside other payments of funded payers"),
            evidence,
        ),
    }
}

/// True when our facilitator gave no verdict on the payment, or could not send its transaction: the server had nothing
/// to serve for. So behave some of the facilitator's personalities.
fn turned_away(judged: &Judged<'_, '_>, book: &Book<'_>) -> bool {
    let unsent = |call: &FacilitatorCall<'_>| {
        let refused = call.success() == Some(false) && call.broadcast.is_none();
        refused && call.reason() == Some(reason::TRANSACTION)
    };
    let silent = |call: &FacilitatorCall<'_>| {
        call.answer.is_some() && call.is_valid().is_none() && call.success().is_none()
    };
    let mut calls = judged.facts.calls_about(book.signed.key);
    book.transfers.is_empty() && calls.any(|call| silent(call) || unsent(call))
}

/// A receipt that names the transaction of another of these payments, and not its own. One transaction may settle many
/// payments.
fn own_transactions<'h>(judged: &Judged<'_, 'h>, all: &[&Exchange<'h>]) -> Outcome {
    let moved_in = |exchange: &Exchange<'h>, hash: &str| {
        let moved = judged.book_of(exchange).map(|book| book.transfers.iter());
        moved.into_iter().flatten().any(|moved| {
            let transaction = moved.record.transaction.to_string();
            transaction.eq_ignore_ascii_case(hash)
        })
    };
    let mut outcome = Outcome::new();
    for exchange in all {
        let receipt = exchange
            .version()
            .and_then(|version| exchange.settlement(version)?.as_ref().ok());
        let Some(hash) = receipt.and_then(|receipt| receipt.transaction.as_deref()) else {
            continue;
        };
        let anothers = all.iter().any(|other| moved_in(other, hash));
        if anothers && !moved_in(exchange, hash) {
            let text = format!(
                "{}: the receipt names another payment's transaction",
                exchange.probe()
            );
            outcome.add(Outcome::warn(text, evidence_of(exchange)));
        }
    }
    outcome
}

/// Another payer's payment must not wait until somebody else's is settled.
fn held_up<'h>(judged: &Judged<'_, 'h>, waiting: &Exchange<'h>, other: &Exchange<'h>) -> Outcome {
    let facts = judged.facts;
    let (Some(first), Some(second)) = (judged.true_book(waiting), judged.true_book(other)) else {
        return Outcome::new();
    };
    let held = facts
        .calls_about(first.signed.key)
        .filter(|call| call.endpoint == Endpoint::Settle)
        .flat_map(|call| &call.holds)
        .find_map(|hold| Some((hold.held_at_us, hold.released?.0)));
    let Some((from, to)) = held else {
        return Outcome::skipped("the settlement of the first payment was not held back");
    };
    let wait_us = to.saturating_sub(from);
    let asked_meanwhile = facts
        .calls_about(second.signed.key)
        .any(|call| call.received_at_us < to);
    let sent_in_time = other.sent_at_us.saturating_add(WAIT_MIN_US) <= to;
    if asked_meanwhile || !sent_in_time {
        return Outcome::new();
    }
    let mut evidence = evidence_of(waiting);
    evidence.push(other.evidence());
    evidence.extend(
        facts
            .calls_about(second.signed.key)
            .map(|call| call.evidence()),
    );
    let text = format!(
        "while one payment waited {} ms for its settlement, another payer's was not looked at",
        wait_us / 1_000
    );
    Outcome::warn(text, evidence)
}
