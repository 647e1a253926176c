//! I9: after a fault, good payments settle again.

use x402_assay_reports::model::Verdict;

use super::{Holding, Invariant};
use crate::audit::Span;
use crate::audit::books::Book;
use crate::history::event::Signed;
use crate::history::observation::Fault;
use crate::history::{Exchange, Facts};

/// Seconds a payment must still be valid for to count as a good one.
const MIN_VALIDITY_S: u64 = 10;

/// Purchases of the battery with nothing odd about them; the others try what a server may refuse.
const PLAIN: &[&str] = &[
    "good",
    "good-2",
    "privacy/query",
    "trouble/after-hang",
    "trouble/after-outage",
];

/// The last good payment between one fault and the next must have settled; earlier ones may have met the recovery.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I9",
    title: "After a fault ends, good payments settle again",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    tried_until_served(span, &mut holding);
    let faults = span.faults();
    if faults.is_empty() {
        return holding;
    }
    let first_fault_us = faults.iter().map(|fault| fault.at_us).min();
    if first_fault_us.is_some_and(|at_us| never_sold(span, at_us)) {
        return holding;
    }
    let ends = fault_ends(facts, faults);
    let mut tried: Vec<Attempt<'_, '_>> = books
        .books
        .iter()
        .filter(|book| !is_of_recovery(span, book))
        .filter_map(|book| attempt(span, book, &ends))
        .collect();
    tried.sort_by_key(|attempt| (attempt.after_faults, attempt.sent_at_us));
    holding.observed += tried.len();
    for window in tried.chunk_by(|a, b| a.after_faults == b.after_faults) {
        let Some(last) = window.last() else { continue };
        if last.book.transfers.is_empty() && last.book.grants.is_empty() {
            let text = format!(
                "{} good payment(s) after the fault, the last one did not settle",
                window.len()
            );
            let evidence = last.book.evidence(facts);
            holding.breach(Verdict::Warn, Some(last.book), text, evidence);
        }
    }
    holding
}

/// Purchases that a scenario tried until one was served: each shows by itself whether the target sells again.
fn tried_until_served(span: &Span<'_, '_>, holding: &mut Holding) {
    let recoveries = span.round.map_or(&[][..], |round| &round.recoveries);
    for recovery in recoveries {
        holding.observed += 1;
        if recovery.served {
            continue;
        }
        let last = recovery.authorizations.last();
        let book = last.and_then(|number| span.books.book(*number));
        let text = format!(
            "step {}: no honest purchase was served within {:?}, {} tried",
            recovery.step,
            recovery.within,
            recovery.authorizations.len()
        );
        let evidence = book.map_or_else(Vec::new, |book| book.evidence(span.facts));
        holding.breach(Verdict::Warn, book, text, evidence);
    }
}

fn is_of_recovery(span: &Span<'_, '_>, book: &Book<'_>) -> bool {
    let recoveries = span.round.map_or(&[][..], |round| &round.recoveries);
    let number = book.signed.authorization;
    recoveries
        .iter()
        .any(|recovery| recovery.authorizations.contains(&number))
}

/// A good payment that began after a fault had ended.
struct Attempt<'b, 'h> {
    book: &'b Book<'h>,
    sent_at_us: u64,
    /// Faults that had ended before it began.
    after_faults: usize,
}

/// When each fault was over, in order: with the end of the call or exchange it touched.
fn fault_ends(facts: &Facts<'_>, faults: &[Fault<'_>]) -> Vec<u64> {
    let mut ends: Vec<u64> = faults
        .iter()
        .map(|fault| {
            let call = fault.call.and_then(|n| facts.call(n)?.ended_at_us());
            let exchange = fault.exchange.and_then(|n| facts.exchange(n));
            call.into_iter()
                .chain(exchange.map(|exchange| exchange.ended_at_us))
                .fold(fault.at_us, u64::max)
        })
        .collect();
    ends.sort_unstable();
    ends
}

fn attempt<'b, 'h>(
    span: &Span<'_, 'h>,
    book: &'b Book<'h>,
    ends: &[u64],
) -> Option<Attempt<'b, 'h>> {
    let (facts, faults) = (span.facts, span.faults());
    let exchanges: Vec<&Exchange<'h>> = facts.carrying(book.signed.authorization).collect();
    let (first, last) = (exchanges.first()?, exchanges.last()?);
    if span.round.is_none() && !PLAIN.contains(&first.probe()) {
        return None;
    }
    let after_faults = ends.partition_point(|end| *end <= first.sent_at_us);
    let ended_at_us = exchanges
        .iter()
        .map(|exchange| exchange.ended_at_us)
        .max()?;
    // A fault that took effect meanwhile, on whomever, may be why.
    let next_fault = faults.partition_point(|fault| fault.at_us <= first.sent_at_us);
    let undisturbed = faults
        .get(next_fault)
        .is_none_or(|fault| fault.at_us > ended_at_us);
    let refused = facts
        .calls_about(book.signed.key)
        .any(|call| call.is_valid() == Some(false) || call.success() == Some(false));
    let is_good = book.is_honest()
        && book.faults.is_empty()
        && book.at_rest
        && !book.answer_lost
        // A direct call that only verifies asks for no settlement.
        && !(book.called_directly && book.settle_calls == 0)
        && last.answer().is_some()
        && !refused
        && is_valid_at(book.signed, first.sent_at_us / 1_000_000);
    // Between two faults that overlap there is no moment without one.
    let is_clear = after_faults == next_fault;
    (after_faults > 0 && undisturbed && is_clear && is_good).then_some(Attempt {
        book,
        sent_at_us: first.sent_at_us,
        after_faults,
    })
}

/// True when the battery's purchases did not settle even before its first fault: then nothing was lost by it.
fn never_sold(span: &Span<'_, '_>, first_fault_us: u64) -> bool {
    let sent = |book: &Book<'_>| {
        let mut carrying = span.facts.carrying(book.signed.authorization);
        let first = carrying.next()?;
        (book.is_honest() && PLAIN.contains(&first.probe())).then_some(first.sent_at_us)
    };
    let before = span
        .books
        .books
        .iter()
        .filter_map(|book| Some((sent(book)?, book)));
    let last = before
        .filter(|(at_us, _)| *at_us < first_fault_us)
        .max_by_key(|(at_us, _)| *at_us);
    span.round.is_none() && last.is_some_and(|(_, book)| book.transfers.is_empty())
}

const fn is_valid_at(signed: &Signed, now_s: u64) -> bool {
    signed.valid_after <= now_s && now_s.saturating_add(MIN_VALIDITY_S) < signed.valid_before
}
