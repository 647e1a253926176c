//! I6: verify changes nothing.

use x402_assay_reports::model::Verdict;
use x402_mock_facilitator::event::Endpoint;

use super::{Holding, Invariant};
use crate::audit::Span;
use crate::audit::books::Book;
use crate::history::event::RunStarted;
use crate::history::{FacilitatorCall, Facts};

/// Observed where our facilitator tells which call sent what, and where no settle call was made at all.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I6",
    title: "Verify changes nothing: no money moves before a settle call",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    // A facilitator under test must not move money; a server may settle without asking one.
    let blames_facilitator = facts.run.is_some_and(RunStarted::is_about_facilitator);
    for book in books.books.iter().filter(|book| book.verify_calls > 0) {
        let blames_facilitator = blames_facilitator || book.called_directly;
        let broadcast_by_verify = facts
            .calls_about(book.signed.key)
            .find(|call| call.endpoint == Endpoint::Verify && moved_in(call));
        if let Some(call) = broadcast_by_verify {
            holding.observed += 1;
            let text = format!("verify call {} sent a transaction", call.call);
            holding.breach(Verdict::Fail, Some(book), text, book.evidence(facts));
        } else if was_only_verified(facts, book) {
            holding.observed += 1;
            if !book.transfers.is_empty() && !span.was_preempted(book.signed.authorization) {
                let verdict = if blames_facilitator {
                    Verdict::Fail
                } else {
                    Verdict::Info
                };
                let text =
                    "verified, never settled by our facilitator, and its transfer is on the ledger";
                holding.breach(verdict, Some(book), text.to_owned(), book.evidence(facts));
            }
        } else if is_traced(facts, book) || moved_nothing(book) {
            holding.observed += 1;
        }
    }
    holding
}

/// True when a verify call sent or mined something.
const fn moved_in(call: &FacilitatorCall<'_>) -> bool {
    call.broadcast.is_some() || call.mined.is_some()
}

/// True when our facilitator tells which call sent what.
fn is_traced(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    facts.calls_about(book.signed.key).any(moved_in)
}

/// True when a facilitator that was asked directly moved nothing at all, and so nothing in verify.
const fn moved_nothing(book: &Book<'_>) -> bool {
    book.called_directly && book.at_rest && book.transfers.is_empty()
}

/// True when the ledger shows at rest what verify alone did: an answer said yes, and no settle call was ever made.
fn was_only_verified(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    let verified = facts
        .calls_about(book.signed.key)
        .any(FacilitatorCall::says_yes);
    book.settle_calls == 0 && book.at_rest && verified
}
