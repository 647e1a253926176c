//! I5 for direct calls of a facilitator: its answer to settle is the receipt.

use x402_assay_reports::model::{Evidence, Verdict};
use x402_mock_facilitator::event::Endpoint;

use super::Holding;
use crate::audit::books::Book;
use crate::audit::{Moved, Span};
use crate::history::DirectCall;
use crate::history::direct::{said, short};

/// Success names a mined transaction with this payment's Transfer; after a final failure nothing lands.
pub(super) fn judge(span: &Span<'_, '_>, book: &Book<'_>, holding: &mut Holding) {
    let settled: Vec<DirectCall<'_, '_>> = span
        .facts
        .carrying(book.signed.authorization)
        .filter_map(DirectCall::of)
        .filter(|call| call.endpoint() == Endpoint::Settle)
        .collect();
    let answered = settled.iter().any(|call| call.exchange.answer().is_some());
    if answered && book.at_rest {
        holding.observed += 1;
    }
    for call in settled.iter().filter(|call| call.says_yes()) {
        if let Some(text) = untrue(book, call) {
            // Said before the block went away: the operator's risk, which one confirmation leaves.
            let verdict = match span.was_reorganised(call.exchange.number()) {
                true => Verdict::Info,
                false => Verdict::Fail,
            };
            holding.breach(verdict, Some(book), text, evidence(span, book, call));
        }
    }
    let failed = |call: &DirectCall<'_, '_>| {
        call.says_no() && call.verdict() == Some(false) && !call.is_pending()
    };
    let [first, ..] = settled.as_slice() else {
        return;
    };
    // A token that moved too little was no payment: calling it failed is true. What a third party landed is not the
    // facilitator's.
    let paid = book.transfers.iter().any(|moved| pays(book, moved));
    if settled.iter().all(failed) && paid && !span.was_preempted(book.signed.authorization) {
        let text = format!(
            "settle said that it failed{}, and its transfer is on the ledger",
            said(&settled[..1])
        );
        holding.breach(Verdict::Fail, Some(book), text, evidence(span, book, first));
    }
}

/// What is not true of a success.
fn untrue(book: &Book<'_>, call: &DirectCall<'_, '_>) -> Option<String> {
    if book.signed.upto.is_some() && book.settled_for_nothing > 0 && book.transfers.is_empty() {
        return None;
    }
    let Some(hash) = call.transaction() else {
        return Some("settle said success and named no transaction".to_owned());
    };
    let named = |record: &str| record.eq_ignore_ascii_case(hash);
    let moved = book
        .transfers
        .iter()
        .find(|moved| named(&moved.record.transaction.to_string()));
    let offered = &book.signed.offered;
    match moved {
        None if book.at_rest => Some(format!(
            "settle said success, and the ledger shows no transfer of this payment in {}",
            short(hash)
        )),
        None => None,
        Some(moved) if !pays(book, moved) => Some(format!(
            "settle said success, and {} of the required {} came to {}",
            moved.value, offered.amount, moved.to
        )),
        Some(_) => None,
    }
}

/// The recipient got at least what was asked for; how much is asked of a payment by use, each call says anew.
fn pays(book: &Book<'_>, moved: &Moved<'_>) -> bool {
    let offered = &book.signed.offered;
    moved.to == offered.pay_to && (moved.value >= offered.amount || book.signed.upto.is_some())
}

fn evidence(span: &Span<'_, '_>, book: &Book<'_>, call: &DirectCall<'_, '_>) -> Vec<Evidence> {
    let about = call.exchange.evidence();
    let others = book.evidence(span.facts).into_iter();
    let others = others.filter(|piece| *piece != about);
    std::iter::once(about.clone()).chain(others).collect()
}
