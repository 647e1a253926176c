//! I4: what moved is what the server advertised; of what is sold by use, what it asked for, below the signed ceiling.

use serde_json::Value;
use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;

use super::{Holding, Invariant, route_price};
use crate::audit::books::{Book, matches_offer};
use crate::audit::ledger::Moved;
use crate::audit::{Span, by_use};
use crate::history::{Exchange, Facts};

/// Whatever a payment claims, the terms come from the server.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I4",
    title: "Token, amount, recipient and chain moved are those the server advertised",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    for book in &books.books {
        // A payment with other terms that moved nothing was an attempt to break it.
        let has_other_terms = !book.is_honest()
            || claims_other_terms(facts, book)
            || route_price::is_too_low_somewhere(facts, book);
        let refused = has_other_terms && book.is_answered(facts) || book.called_directly;
        if !book.transfers.is_empty()
            || book.settled_for_nothing > 0
            || refused && book.at_rest && span.counts_refusals()
        {
            holding.observed += 1;
        }
        let mut as_signed = true;
        for moved in &book.transfers {
            let differences = differences(book, moved);
            if !differences.is_empty() {
                as_signed = false;
                let evidence = book.evidence(facts);
                holding.breach(Verdict::Fail, Some(book), differences.join(", "), evidence);
            }
        }
        for misused in by_use::misused(facts, book) {
            let evidence = book.evidence(facts);
            holding.breach(Verdict::Fail, Some(book), misused.0, evidence);
        }
        if as_signed {
            for sold in route_price::undersold(facts, book) {
                let evidence = sold.evidence.into_iter().chain(book.evidence(facts));
                holding.breach(Verdict::Fail, Some(book), sold.text, evidence.collect());
            }
        }
    }
    for moved in &books.unexplained {
        let text = format!(
            "{} of {} moved to {} without an authorization signed in this run",
            moved.value, moved.record.asset, moved.to
        );
        holding.breach(Verdict::Warn, None, text, vec![moved.evidence()]);
    }
    holding
}

/// True when it was sent beside terms that differ from those that were offered and signed.
fn claims_other_terms(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    let offered = &book.signed.offered;
    let terms = [
        ("/accepted/amount", offered.amount.to_string()),
        ("/accepted/payTo", offered.pay_to.to_string()),
        ("/accepted/asset", offered.asset.to_string()),
    ];
    let mut payments = facts
        .carrying(book.signed.authorization)
        .filter_map(Exchange::payment);
    payments.any(|payment| {
        terms.iter().any(|(place, offered)| {
            let claimed = payment.pointer(place).and_then(Value::as_str);
            claimed.is_some_and(|claimed| !claimed.eq_ignore_ascii_case(offered))
        })
    })
}

fn differences(book: &Book<'_>, moved: &Moved<'_>) -> Vec<String> {
    if matches_offer(book.signed, moved) {
        return Vec::new();
    }
    let offered = &book.signed.offered;
    let record = moved.record;
    // v1 offers a maximum by name, and its facilitators take more: the sources leave overpayment open.
    let overpaid_v1 = book.signed.version == Version::V1 && moved.value > offered.amount;
    let mut found = Vec::new();
    if record.chain_id != offered.chain_id {
        found.push(format!(
            "chain {} instead of {}",
            record.chain_id, offered.chain_id
        ));
    }
    if record.asset != offered.asset {
        found.push(format!(
            "token {} instead of {}",
            record.asset, offered.asset
        ));
    }
    if moved.to != offered.pay_to {
        found.push(format!(
            "recipient {} instead of {}",
            moved.to, offered.pay_to
        ));
    }
    let by_use = book.signed.upto.is_some();
    if moved.value != offered.amount && !overpaid_v1 && !by_use {
        found.push(format!(
            "amount {} instead of {}",
            moved.value, offered.amount
        ));
    }
    found
}
