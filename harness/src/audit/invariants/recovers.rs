//! I9: after a fault, good payments settle again.

use x402_assay_reports::model::Verdict;

use super::{Holding, Invariant};
use crate::audit::books::{Book, Books};
use crate::history::event::Signed;
use crate::history::{Exchange, Facts};

/// Seconds a payment must still be valid for to count as a good one.
const MIN_VALIDITY_S: u64 = 10;

/// The last good payment between one fault and the next must have settled; earlier ones may have met the recovery.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I9",
    title: "After a fault ends, good payments settle again",
    judge,
};

fn judge(facts: &Facts<'_>, books: &Books<'_>) -> Holding {
    let mut holding = Holding::default();
    if facts.faults.is_empty() {
        return holding;
    }
    let ends = fault_ends(facts);
    let mut tried: Vec<Attempt<'_, '_>> = books
        .books
        .iter()
        .filter_map(|book| attempt(facts, book, &ends))
        .collect();
    tried.sort_by_key(|attempt| (attempt.after_faults, attempt.sent_at_us));
    holding.observed = tried.len();
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

/// A good payment that began after a fault had ended.
struct Attempt<'b, 'h> {
    book: &'b Book<'h>,
    sent_at_us: u64,
    /// Faults that had ended before it began.
    after_faults: usize,
}

/// When each fault was over, in order: with the end of the call or exchange it touched.
fn fault_ends(facts: &Facts<'_>) -> Vec<u64> {
    let mut ends: Vec<u64> = facts
        .faults
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

fn attempt<'b, 'h>(facts: &Facts<'h>, book: &'b Book<'h>, ends: &[u64]) -> Option<Attempt<'b, 'h>> {
    let exchanges: Vec<&Exchange<'h>> = facts.carrying(book.signed.authorization).collect();
    let (first, last) = (exchanges.first()?, exchanges.last()?);
    let after_faults = ends.partition_point(|end| *end <= first.sent_at_us);
    let ended_at_us = exchanges
        .iter()
        .map(|exchange| exchange.ended_at_us)
        .max()?;
    // A fault that took effect meanwhile, on whomever, may be why.
    let next_fault = facts
        .faults
        .partition_point(|fault| fault.at_us <= first.sent_at_us);
    let undisturbed = facts
        .faults
        .get(next_fault)
        .is_none_or(|fault| fault.at_us > ended_at_us);
    let refused = facts
        .calls_about(book.signed.key)
        .any(|call| call.is_valid() == Some(false) || call.success() == Some(false));
    let is_good = book.is_honest()
        && book.faults.is_empty()
        && book.at_rest
        && !book.answer_lost
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

const fn is_valid_at(signed: &Signed, now_s: u64) -> bool {
    signed.valid_after <= now_s && now_s.saturating_add(MIN_VALIDITY_S) < signed.valid_before
}
