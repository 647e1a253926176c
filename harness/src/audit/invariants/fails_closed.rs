//! I7: whatever goes wrong, nothing is given.

use x402_assay_reports::model::Verdict;
use x402_mock_facilitator::event::Endpoint;

use super::{Holding, Invariant};
use crate::audit::books::Book;
use crate::audit::{Delivery, Span};
use crate::history::{Exchange, Facts};

/// A settlement that said yes entitles to the content, and so does money that moved; a lie that says yes is a yes.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I7",
    title: "A refusal, a fault or a payment that cannot be read fails closed: nothing is given",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    for book in &books.books {
        let mut seen = false;
        let carrying = facts.carrying(book.signed.authorization);
        for exchange in carrying.filter(|exchange| !exchange.is_direct()) {
            let Some(trouble) = only_trouble(facts, book, exchange) else {
                continue;
            };
            seen = true;
            if !books.contents.left(exchange) {
                continue;
            }
            let (verdict, why) = if !book.transfers.is_empty() {
                (
                    Verdict::Warn,
                    "; its transfer is on the ledger all the same",
                )
            } else if book.at_rest {
                (Verdict::Fail, "")
            } else {
                (Verdict::Inconclusive, "; the ledger was not read after it")
            };
            let text = format!("delivered although {trouble}{why}");
            holding.breach(verdict, Some(book), text, book.evidence(facts));
            break;
        }
        holding.observed += usize::from(seen);
    }
    for exchange in span.attempts().filter(|e| is_unreadable(facts, e)) {
        holding.observed += 1;
        if books.delivery(exchange) == Delivery::Content {
            let text = format!(
                "{} delivered for a payment header that holds no payment",
                exchange.sent.probe
            );
            let evidence = vec![exchange.evidence()];
            holding.breach_in(Verdict::Fail, exchange, text, evidence);
        }
    }
    fails_closed_unpaid(span, &mut holding);
    holding
}

/// While something is wrong, a request without a payment gets nothing either.
fn fails_closed_unpaid(span: &Span<'_, '_>, holding: &mut Holding) {
    if span.disturbances().is_empty() {
        return;
    }
    for exchange in span.attempts() {
        if exchange.is_paid() || exchange.answer().is_none() {
            continue;
        }
        holding.observed += 1;
        if span.books.strays.contains(&exchange.number()) {
            let text = format!(
                "{} delivered without a payment while a fault was injected",
                exchange.sent.probe
            );
            let evidence = vec![exchange.evidence()];
            holding.breach_in(Verdict::Fail, exchange, text, evidence);
        }
    }
}

/// What the facilitator's side had come to when an exchange ended, if it had not said that the payment was settled and
/// something had gone wrong.
fn only_trouble(
    facts: &Facts<'_>,
    book: &Book<'_>,
    exchange: &Exchange<'_>,
) -> Option<&'static str> {
    // A later call cannot have been why the content was given.
    let calls = || {
        facts
            .calls_about(book.signed.key)
            .filter(|call| call.received_at_us <= exchange.ended_at_us)
    };
    let of = |endpoint: Endpoint| calls().filter(move |call| call.endpoint == endpoint);
    if of(Endpoint::Settle).any(|call| call.says_yes()) {
        return None;
    }
    // An open call may still be answered.
    if calls().any(|call| call.is_open()) {
        return None;
    }
    if of(Endpoint::Settle).next().is_some() {
        let refused = of(Endpoint::Settle).all(|call| call.success() == Some(false));
        return Some(match refused {
            true => "every settlement was refused",
            false => "no settlement was answered with a yes",
        });
    }
    let mut verified = of(Endpoint::Verify).peekable();
    verified.peek()?;
    if of(Endpoint::Verify).any(|call| call.says_yes()) {
        return None;
    }
    let refused = verified.all(|call| call.is_valid() == Some(false));
    Some(match refused {
        true => "the facilitator refused the payment",
        false => "the facilitator never said yes",
    })
}

/// A payment header in which nobody can find an authorization, or none of ours.
fn is_unreadable(facts: &Facts<'_>, exchange: &Exchange<'_>) -> bool {
    let known = exchange
        .sent
        .authorization
        .and_then(|number| facts.authorization(number));
    // A header that was not kept says nothing.
    let holds_none = exchange.payment_text().is_some()
        && exchange
            .payment()
            .and_then(|payment| payment.pointer("/payload/authorization"))
            .is_none();
    exchange.sent.payment.is_some()
        && exchange.answer().is_some()
        && (known.is_none() || holds_none)
}
