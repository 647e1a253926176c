//! I2: nobody is charged without service.

use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;

use super::{Holding, Invariant, answer_was_lost};
use crate::audit::Span;
use crate::audit::books::Book;
use crate::audit::receipt::receipts;
use crate::history::event::Trouble;
use crate::history::{FacilitatorCall, Facts};

/// A declared upfront flow and a recoverable pending state are not breaches.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I2",
    title: "Nobody is charged without service: a transfer comes with a grant",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    for book in &books.books {
        if book.called_directly {
            continue;
        }
        if !book.transfers.is_empty() || could_have_charged(span, book) {
            holding.observed += 1;
        }
        if book.transfers.is_empty() || !book.grants.is_empty() {
            continue;
        }
        let (verdict, why) = if declares_upfront(facts, book) {
            (Verdict::Info, "; the server declares an upfront flow")
        } else if is_recoverable(facts, book) {
            (Verdict::Info, "; the server reports it as pending")
        } else if is_answered_kindly(facts, book) {
            (
                Verdict::Info,
                "; it was answered below 400, which may be the service",
            )
        } else if was_left(facts, book) {
            (
                Verdict::Info,
                "; the bench went away before the answer, on purpose",
            )
        } else if book.answer_lost {
            (Verdict::Inconclusive, "; the bench did not get the answer")
        } else if span.round.is_none() && answer_was_lost(facts, book) {
            // The battery does that on purpose, and SRV-FAC-009 records what came of it.
            (
                Verdict::Info,
                "; the facilitator's answer was lost on purpose",
            )
        } else if book.faulted {
            (Verdict::Warn, "; our facilitator lied about it on purpose")
        } else if !book.faults.is_empty() || !span.disturbances().is_empty() {
            (Verdict::Warn, "; a fault was injected")
        } else {
            (Verdict::Fail, "")
        };
        let faults = match (book.faults.as_slice(), span.disturbances()) {
            ([], []) => String::new(),
            ([], ours) => format!(" ({})", ours.join(", ")),
            (names, _) => format!(" ({})", names.join(", ")),
        };
        let text = format!(
            "charged {} time(s), nothing delivered{why}{faults}",
            book.transfers.len()
        );
        holding.breach(verdict, Some(book), text, book.evidence(facts));
    }
    holding
}

/// True when our facilitator was asked about it in a round, said yes once, and nothing more can move: whoever was refused
/// could have been charged all the same.
fn could_have_charged(span: &Span<'_, '_>, book: &Book<'_>) -> bool {
    let mut calls = span.facts.calls_about(book.signed.key);
    let asked = calls.any(FacilitatorCall::says_yes);
    span.counts_refusals() && asked && book.at_rest && book.is_answered(span.facts)
}

/// True when nobody was there any more to be served.
fn was_left(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    let mut carrying = facts.carrying(book.signed.authorization);
    carrying.any(|exchange| exchange.trouble() == Some(Trouble::Left))
}

/// True when profile or offer says that money moves before the handler runs.
pub(crate) fn declares_upfront(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    let profile = facts.run.is_some_and(|run| run.flow == "upfront");
    profile
        || book.signed.version == Version::V2
            && facts
                .carrying(book.signed.authorization)
                .filter_map(|exchange| exchange.payment())
                .any(|payment| {
                    payment.pointer("/accepted/extra/paymentFlow")
                        == Some(&serde_json::Value::from("upfront"))
                })
}

/// True when an answer was no refusal, though the paid content was not recognised in it: a redirect, another body.
fn is_answered_kindly(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    facts
        .carrying(book.signed.authorization)
        .any(|exchange| exchange.status().is_some_and(|status| status < 400))
}

/// True when a receipt says `settlement_pending` and names the transaction: the same payment can be sent again.
fn is_recoverable(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    receipts(facts, book).iter().any(|receipt| {
        receipt.settlement.error_reason.as_deref() == Some("settlement_pending")
            && receipt.transaction().is_some()
    })
}
