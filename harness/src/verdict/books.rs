//! The books as rows of the report.

use x402_assay_reports::model::{BOOKS_MAX, BookRow};

use crate::audit::{Book, Books};
use crate::history::Facts;

/// At most [`BOOKS_MAX`] rows in the order of signing, and how many were left out; what is not in order stays before
/// what is.
pub(super) fn rows(facts: &Facts<'_>, books: &Books<'_>) -> (Vec<BookRow>, usize) {
    let all = &books.books;
    let left_out = all.len().saturating_sub(BOOKS_MAX);
    if left_out == 0 {
        return (all.iter().map(|book| row(facts, book)).collect(), 0);
    }
    let mut kept: Vec<&Book<'_>> = all.iter().collect();
    // Stable: within both groups the first to be signed stay.
    kept.sort_by_key(|book| matches!(outcome(book), "balanced" | "refused"));
    kept.truncate(BOOKS_MAX);
    kept.sort_by_key(|book| book.signed.authorization);
    (
        kept.into_iter().map(|book| row(facts, book)).collect(),
        left_out,
    )
}

fn row(facts: &Facts<'_>, book: &Book<'_>) -> BookRow {
    let first = book
        .exchanges
        .first()
        .and_then(|number| facts.exchange(*number));
    BookRow {
        authorization: book.signed.authorization,
        probe: first.map_or_else(String::new, |exchange| exchange.sent.probe.clone()),
        wrong: book.signed.wrong.clone(),
        payer: book.signed.key.payer.to_string(),
        nonce: book.signed.key.nonce.to_string(),
        value: book.signed.value.to_string(),
        verify: book.verify_calls,
        handler: book.handler_runs,
        settle: book.settle_calls,
        transfers: book.transfers.len(),
        grants: book.distinct_grants(),
        transaction: book
            .transfers
            .first()
            .map(|moved| moved.record.transaction.to_string()),
        outcome: outcome(book).to_owned(),
    }
}

fn outcome(book: &Book<'_>) -> &'static str {
    let (grants, transfers) = (book.distinct_grants(), book.times_paid());
    if book.faulted {
        "faulted"
    } else if transfers > 1 {
        "double-charged"
    } else if grants > transfers {
        if transfers == 0 {
            "unpaid-grant"
        } else {
            "served-twice"
        }
    } else if !book.at_rest {
        "not-at-rest"
    } else if transfers > grants {
        "charged-not-served"
    } else if transfers == 0 {
        "refused"
    } else {
        "balanced"
    }
}
