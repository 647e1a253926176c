//! I3: one authorization buys at most one delivery.

use x402_assay_reports::model::Verdict;
use x402_mock_facilitator::event::Endpoint;

use super::{Holding, Invariant};
use crate::audit::books::Book;
use crate::audit::{Delivery, Span};
use crate::history::{Exchange, Facts};

/// Repeats from a cache are no second grant; handler runs above one are recorded only.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I3",
    title: "One authorization buys one delivery",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    for book in &books.books {
        let grants = book.distinct_grants();
        let repeated_in_vain = span.counts_refusals()
            && book.at_rest
            && book.exchanges.len() > 1
            && book.is_answered(facts);
        if grants == 0 && !repeated_in_vain {
            continue;
        }
        holding.observed += 1;
        let (verdict, text) = if grants > 1 {
            let (verdict, why) = weigh(span, book);
            let text = format!("delivered {grants} times for one authorization{why}");
            (verdict, text)
        } else if let Some(runs) = book.handler_runs.filter(|runs| *runs > 1) {
            let text = format!("the paid handler ran {runs} times for one authorization");
            (Verdict::Info, text)
        } else {
            continue;
        };
        holding.breach(verdict, Some(book), text, book.evidence(facts));
    }
    holding
}

/// A server may rely on its facilitator to settle once (SRV-REPL-007): a repeat that the facilitator called settled, and
/// lied, is recorded only. A server that has a guard of its own has to keep it shut.
fn weigh(span: &Span<'_, '_>, book: &Book<'_>) -> (Verdict, String) {
    if !book.faulted {
        return (Verdict::Fail, String::new());
    }
    let told = span
        .facts
        .calls_about(book.signed.key)
        .filter(|call| call.endpoint == Endpoint::Settle && call.says_yes())
        .count();
    let grants = book.distinct_grants();
    if told < grants {
        let why = format!("; the facilitator called {told} of them settled");
        return (Verdict::Fail, why);
    }
    let shut = span
        .facts
        .carrying(book.signed.authorization)
        .find(|exchange| is_own_refusal(span, book, exchange));
    match shut {
        Some(exchange) => {
            let why = format!(
                "; the server's own guard refused it in exchange {}, so the guard has a gap",
                exchange.number()
            );
            (Verdict::Fail, why)
        }
        None => {
            let why = "; our facilitator said yes to each on purpose, and the server relies on it";
            (Verdict::Info, why.to_owned())
        }
    }
}

/// Refused as a payment, and nobody told the server to: no call about it in the meantime ended in anything but a yes.
fn is_own_refusal(span: &Span<'_, '_>, book: &Book<'_>, exchange: &Exchange<'_>) -> bool {
    let refused = matches!(exchange.status(), Some(400 | 402 | 403 | 409));
    let nothing = span.books.delivery(exchange) == Delivery::Nothing;
    refused && nothing && !was_told_no(span.facts, book, exchange)
}

fn was_told_no(facts: &Facts<'_>, book: &Book<'_>, exchange: &Exchange<'_>) -> bool {
    facts
        .calls_about(book.signed.key)
        .any(|call| exchange.spans(call.received_at_us) && !call.says_yes())
}
