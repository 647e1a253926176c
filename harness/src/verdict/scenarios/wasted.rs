//! Gas that a facilitator paid for nothing.

use std::collections::BTreeSet;

use super::expectation::{Miss, count};
use super::scene::Scene;
use crate::scenario::expect::WastedTransactions;

/// Transactions of the facilitator's accounts, but for those that moved money of the round's payments.
pub(super) fn judge(scene: &Scene<'_, '_>, wanted: WastedTransactions) -> Vec<Miss> {
    let what = "wasted_transactions";
    let Some((before, after)) = scene.ran.transactions else {
        return vec![Miss::unseen(
            what,
            "the transactions of the facilitator's accounts were not counted",
        )];
    };
    let moved = scene.books.books.iter().flat_map(|book| &book.transfers);
    let useful: BTreeSet<_> = moved.map(|moved| moved.record.transaction).collect();
    let sent = usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX);
    let wasted = sent.saturating_sub(useful.len());
    let missed = count(
        what,
        "transactions without a Transfer",
        Some(wanted.count),
        wasted,
    );
    let told = missed.map(|text| {
        let text = format!("{text} ({sent} sent in all)");
        Miss::new(what, text, scene.evidence_of(&[]))
    });
    told.into_iter().collect()
}
