//! I4: what moved is what the server advertised.

use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;

use super::{Holding, Invariant};
use crate::audit::Span;
use crate::audit::books::{Book, matches_offer};
use crate::audit::ledger::Moved;

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
        let refused = !book.is_honest() && book.at_rest && book.is_answered(facts);
        if !book.transfers.is_empty() || refused {
            holding.observed += 1;
        }
        for moved in &book.transfers {
            let differences = differences(book, moved);
            if !differences.is_empty() {
                let evidence = book.evidence(facts);
                holding.breach(Verdict::Fail, Some(book), differences.join(", "), evidence);
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
    if moved.value != offered.amount && !overpaid_v1 {
        found.push(format!(
            "amount {} instead of {}",
            moved.value, offered.amount
        ));
    }
    found
}
