//! What was signed, settled and granted, in authorizations and in base units.

use std::collections::{BTreeMap, HashSet};

use alloy_primitives::U256;
use x402_assay_reports::model::Money;

use super::books::{Book, Books};
use crate::history::Facts;

/// How a round tells that a reorganisation took place.
const REORG: &str = "reorg";

/// The totals of a run; authorizations that our own facilitator lied about stay out, and what was given for a Transfer
/// that the bench itself took out of the chain again (`undone`, authorization numbers) is no unpaid grant.
pub fn totals(books: &Books<'_>, undone: &HashSet<u32>) -> Money {
    let kept: Vec<&Book<'_>> = books.books.iter().filter(|book| !book.faulted).collect();
    let count = |is: &dyn Fn(&Book<'_>) -> bool| kept.iter().filter(|book| is(book)).count();
    let unpaid: usize = kept
        .iter()
        .filter(|book| book.at_rest && !undone.contains(&book.signed.authorization))
        .map(|book| book.distinct_grants().saturating_sub(book.times_paid()))
        .sum();
    let signed = kept
        .iter()
        .filter(|book| book.is_honest())
        .map(|book| book.signed.value);
    let settled = kept
        .iter()
        .flat_map(|book| book.transfers.iter().map(|moved| moved.value));
    let granted = kept
        .iter()
        .flat_map(|book| std::iter::repeat_n(worth(book), book.distinct_grants()));
    Money {
        signed: count(&|book| book.is_honest()),
        settled: count(&|book| !book.transfers.is_empty()),
        granted: count(&|book| !book.grants.is_empty()),
        double_charged: count(&|book| book.transfers.len() > 1),
        unpaid_grants: unpaid + books.strays.len(),
        charged_without_service: count(&|book| {
            !book.transfers.is_empty() && book.grants.is_empty() && !book.called_directly
        }),
        faulted: books.books.len() - kept.len(),
        amounts: BTreeMap::from([
            ("signed".to_owned(), sum(signed)),
            ("settled".to_owned(), sum(settled)),
            ("granted".to_owned(), sum(granted)),
        ]),
    }
}

/// Authorizations of rounds in which a reorganisation took blocks away.
pub fn undone(facts: &Facts<'_>) -> HashSet<u32> {
    let reorganised = facts.cases.iter().filter(|ran| {
        ran.faults
            .iter()
            .any(|met| met.kind == REORG && met.fired > 0)
    });
    let named = reorganised.flat_map(|ran| &ran.payments);
    named
        .flat_map(|(_, numbers)| numbers.iter().copied())
        .collect()
}

/// What one delivery is worth, base units: the price, or what its use was charged.
fn worth(book: &Book<'_>) -> U256 {
    match book.signed.upto {
        None => book.signed.offered.amount,
        Some(_) => book
            .transfers
            .first()
            .map_or(U256::ZERO, |moved| moved.value),
    }
}

fn sum(amounts: impl Iterator<Item = U256>) -> String {
    amounts.fold(U256::ZERO, U256::saturating_add).to_string()
}
