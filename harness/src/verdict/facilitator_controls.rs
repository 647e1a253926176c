//! The controls of a facilitator under test: verify said valid, settle said success, and exactly the right money moved.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::controls::ControlState;
use super::facilitator_diagnosis;
use crate::audit::Book;
use crate::checks::Judged;
use crate::history::event::RunStarted;
use crate::history::{DirectCall, Exchange, FacilitatorCall, Facts};

/// True when the run was about a facilitator of the user's, with the bench's server in front.
pub(super) fn applies(facts: &Facts<'_>) -> bool {
    facts.run.is_some_and(RunStarted::is_about_facilitator)
}

/// True when the facilitator was asked directly, with no server in front.
pub(super) fn is_lone(facts: &Facts<'_>) -> bool {
    facts.exchanges.iter().all(Exchange::is_direct)
}

/// A good payment of the battery went the whole way.
fn lone_positive(judged: &Judged<'_, '_>, version: Version) -> ControlState {
    let ours = judged.books.books.iter();
    let tried: Vec<&Book<'_>> = ours
        .filter(|book| book.signed.version == version && book.is_honest() && book.faults.is_empty())
        .filter(|book| book.verify_calls > 0 && book.settle_calls > 0)
        .collect();
    if let Some(book) = tried.iter().find(|book| obstacle(judged, book).is_none()) {
        return ControlState::Held(whole_way(book));
    }
    let found = facilitator_diagnosis::diagnose(judged, version)
        .or_else(|| tried.first().and_then(|book| obstacle(judged, book)));
    let (cause, detail) = found.unwrap_or((
        "nothing-paid",
        "no good payment was verified and settled; look at the exchanges in history.jsonl"
            .to_owned(),
    ));
    ControlState::Missing { cause, detail }
}

fn whole_way(book: &Book<'_>) -> String {
    format!(
        "a payment of {} was called valid, settled with success and moved exactly once",
        book.signed.offered.amount
    )
}

/// A payment of the battery with a flipped signature byte was called invalid, was not settled, and moved nothing.
pub(super) fn lone_mutation(judged: &Judged<'_, '_>, version: Version) -> ControlState {
    let missing = |cause, detail: &str| ControlState::Missing {
        cause,
        detail: detail.to_owned(),
    };
    let facts = judged.facts;
    let call = |probe: &'static str| facts.probe(version, probe).next().and_then(DirectCall::of);
    let (Some(verified), Some(settled)) = (call(FLIPPED[0]), call(FLIPPED[1])) else {
        return missing(
            "not-tried",
            "no payment with a flipped signature byte was sent",
        );
    };
    let book = judged.book_of(verified.exchange);
    let moved = book.is_some_and(|book| !book.transfers.is_empty());
    if moved {
        return missing(
            "mutation-settled",
            "a payment with one signature byte flipped moved money",
        );
    }
    if verified.verdict() == Some(true) || settled.verdict() == Some(true) {
        return missing(
            "mutation-accepted",
            "a payment with one signature byte flipped was called valid, or settled",
        );
    }
    if verified.exchange.answer().is_none() || settled.exchange.answer().is_none() {
        return missing(
            "unanswered",
            "the payment with a flipped signature byte got no answer",
        );
    }
    if book.is_none_or(|book| !book.at_rest) {
        return missing(
            "ledger-not-read",
            "the ledger was not read after the payment with a flipped signature byte",
        );
    }
    ControlState::Held(
        "a payment with one signature byte flipped was refused and moved nothing".to_owned(),
    )
}

/// Probes of the battery's mutation control.
const FLIPPED: [&str; 2] = ["verify/signature-flipped", "settle/signature-flipped"];

/// A good payment went the whole way.
pub(super) fn positive(judged: &Judged<'_, '_>, version: Version) -> ControlState {
    let trouble = judged.facts.ending.and_then(|ending| ending.trouble);
    if let Some(trouble) = trouble.filter(|_| judged.facts.exchanges.is_empty()) {
        return ControlState::Missing {
            cause: "run-trouble",
            detail: format!("the run could not go on: {trouble}"),
        };
    }
    if is_lone(judged.facts) {
        return lone_positive(judged, version);
    }
    let tried: Vec<&Book<'_>> = judged
        .honest(version)
        .into_iter()
        .filter_map(|exchange| judged.book_of(exchange))
        .collect();
    if let Some(book) = tried.iter().find(|book| obstacle(judged, book).is_none()) {
        return ControlState::Held(whole_way(book));
    }
    let found = tried.last().and_then(|book| obstacle(judged, book));
    let (cause, detail) = found.unwrap_or((
        "nothing-bought",
        "the bench's server in front of the facilitator offered nothing that could be paid"
            .to_owned(),
    ));
    ControlState::Missing { cause, detail }
}

/// A payment with a flipped signature byte was called invalid.
pub(super) fn mutation(
    judged: &Judged<'_, '_>,
    version: Version,
    refused: ControlState,
) -> ControlState {
    let mut calls = judged
        .facts
        .paid(version, "mutation")
        .filter_map(|exchange| judged.book_of(exchange))
        .flat_map(|book| judged.facts.calls_about(book.signed.key));
    let judged_invalid = calls.any(|call| call.is_valid() == Some(false));
    if refused.is_held() && !judged_invalid {
        return ControlState::Missing {
            cause: "mutation-not-judged",
            detail:
                "the facilitator never called a payment with one signature byte flipped invalid"
                    .to_owned(),
        };
    }
    refused
}

/// What stood in the way of one good payment.
fn obstacle(judged: &Judged<'_, '_>, book: &Book<'_>) -> Option<(&'static str, String)> {
    let rows = [
        (Endpoint::Verify, "verify-refused", "/verify"),
        (Endpoint::Settle, "settle-refused", "/settle"),
    ];
    for (endpoint, cause, path) in rows {
        let calls = judged.facts.calls_about(book.signed.key);
        let calls: Vec<_> = calls.filter(|call| call.endpoint == endpoint).collect();
        if calls.iter().any(|call| call.says_yes()) {
            continue;
        }
        let told = calls.last().map_or_else(
            || "was not asked".to_owned(),
            |call| format!("answered {}", told(call)),
        );
        return Some((cause, format!("{path} of a good payment {told}")));
    }
    if !book.at_rest {
        let detail = "the ledger was not read after a good payment".to_owned();
        return Some(("ledger-not-read", detail));
    }
    match book.transfers.len() {
        1 if book.paid_as_offered() => None,
        0 => Some((
            "nothing-moved",
            "settle said success to a good payment, and the ledger shows no Transfer of it"
                .to_owned(),
        )),
        1 => Some((
            "wrong-transfer",
            "settle moved something else than the terms of a good payment".to_owned(),
        )),
        count => Some((
            "moved-twice",
            format!("{count} Transfers for one good payment"),
        )),
    }
}

fn told(call: &FacilitatorCall<'_>) -> String {
    let Some(answer) = call.answer else {
        return "nothing".to_owned();
    };
    let reason: String = call
        .reason()
        .unwrap_or("no reason")
        .chars()
        .take(80)
        .collect();
    format!("HTTP {} ({reason})", answer.status)
}
