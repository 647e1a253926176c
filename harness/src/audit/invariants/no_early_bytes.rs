//! I10: no byte of the paid body before settlement.

use x402_assay_reports::model::Verdict;
use x402_mock_facilitator::event::Endpoint;

use super::charged_without_service::declares_upfront;
use super::{Holding, Invariant};
use crate::audit::books::Book;
use crate::audit::{Delivery, Span};
use crate::history::{Exchange, Facts};

/// Clocks of one machine differ by less, microseconds.
const TOLERANCE_US: u64 = 2_000;

/// Compares the arrival of the answer's head with the moment at which the settlement was known to anybody.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I10",
    title: "No byte of the paid body leaves before settlement",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    for book in &books.books {
        let Some(settled_at_us) = settled_at_us(facts, book) else {
            never_settled(span, book, &mut holding);
            continue;
        };
        // Money first: there is nothing that it could be too early for.
        if book.grants.is_empty() || declares_upfront(facts, book) {
            continue;
        }
        holding.observed += 1;
        let early = book
            .grants
            .iter()
            .filter_map(|grant| facts.exchange(grant.exchange))
            .filter(|exchange| books.delivery(exchange) == Delivery::Content)
            .filter_map(|exchange| Some((exchange, head_at_us(exchange)?)))
            .find(|(_, head)| head.saturating_add(TOLERANCE_US) < settled_at_us);
        if let Some((exchange, head)) = early {
            let text = format!(
                "the answer to exchange {} began {} ms before the payment was settled",
                exchange.number(),
                (settled_at_us - head) / 1_000
            );
            holding.breach(Verdict::Fail, Some(book), text, book.evidence(facts));
        }
    }
    holding
}

/// Our facilitator was asked to settle, nobody said yes and nothing moved: any paid byte is one too early.
fn never_settled(span: &Span<'_, '_>, book: &Book<'_>, holding: &mut Holding) {
    if book.settle_calls == 0 || !book.at_rest || !book.transfers.is_empty() {
        return;
    }
    let carrying = || {
        let all = span.facts.carrying(book.signed.authorization);
        all.filter(|exchange| !exchange.is_direct())
    };
    let is_heard =
        |exchange: &Exchange<'_>| exchange.answer().is_some() || exchange.partial.is_some();
    if !carrying().any(is_heard) {
        return;
    }
    holding.observed += 1;
    let leaked = carrying().find(|exchange| span.books.contents.left(exchange));
    if let Some(exchange) = leaked {
        let text = format!(
            "the answer to exchange {} carries the paid body, and nothing was settled",
            exchange.number()
        );
        holding.breach(Verdict::Fail, Some(book), text, book.evidence(span.facts));
    }
}

/// The first moment at which the settlement could be known: a yes of the facilitator, or the block.
fn settled_at_us(facts: &Facts<'_>, book: &Book<'_>) -> Option<u64> {
    facts
        .calls_about(book.signed.key)
        .filter(|call| call.endpoint == Endpoint::Settle)
        .flat_map(|call| {
            let yes = call.says_yes().then_some(call.answer).flatten();
            let mined = call.mined.filter(|mined| mined.success);
            [
                yes.map(|answer| answer.at_us),
                mined.map(|mined| mined.at_us),
            ]
        })
        .flatten()
        .min()
}

/// The latest moment at which the answer's head can have arrived.
fn head_at_us(exchange: &Exchange<'_>) -> Option<u64> {
    let answer = exchange.answer()?;
    let from_start = exchange.sent_at_us.saturating_add(answer.headers_us);
    let body_us = answer.total_us.saturating_sub(answer.headers_us);
    Some(from_start.max(exchange.ended_at_us.saturating_sub(body_us)))
}
