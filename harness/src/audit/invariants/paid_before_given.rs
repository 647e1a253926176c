//! I1: nothing is given that was not paid.

use x402_assay_reports::model::Verdict;

use super::{Holding, Invariant};
use crate::audit::Span;

/// Counts logs, never transaction hashes: a batch settles many payments under one hash.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I1",
    title: "Nothing is given that was not paid: distinct grants never exceed transfers",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    for book in books.books.iter().filter(|book| !book.faulted) {
        let (grants, transfers) = (book.distinct_grants(), book.times_paid());
        // A payment that was refused was an attempt too, once nothing can come after it.
        let refused = book.at_rest && book.is_answered(facts) && span.counts_refusals();
        if grants > 0 || refused {
            holding.observed += 1;
        }
        if grants <= transfers {
            continue;
        }
        let counted = format!(
            "{grants} delivered, {transfers} transferred{}",
            book.signed
                .wrong
                .as_deref()
                .map_or_else(String::new, |wrong| format!(" (payment: {wrong})"))
        );
        let (verdict, text) = if book.at_rest {
            (Verdict::Fail, counted)
        } else {
            let unread = "the ledger was not read after it";
            (Verdict::Inconclusive, format!("{counted}; {unread}"))
        };
        holding.breach(verdict, Some(book), text, book.evidence(facts));
    }
    if span.counts_refusals() {
        let unpaid = span.attempts().filter(|exchange| {
            exchange.sent.authorization.is_none() && exchange.answer().is_some()
        });
        holding.observed += unpaid.count();
    }
    for exchange in books.strays.iter().filter_map(|n| facts.exchange(*n)) {
        let text = format!(
            "{} delivered the paid content without a payment of the bench",
            exchange.sent.probe
        );
        holding.breach_in(Verdict::Fail, exchange, text, vec![exchange.evidence()]);
    }
    holding
}
