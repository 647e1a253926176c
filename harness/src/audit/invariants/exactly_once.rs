//! I3: one authorization buys at most one delivery.

use x402_assay_reports::model::Verdict;

use super::{Holding, Invariant};
use crate::audit::books::Books;
use crate::history::Facts;

/// Repeats from a cache are no second grant; handler runs above one are recorded only.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I3",
    title: "One authorization buys one delivery",
    judge,
};

fn judge(facts: &Facts<'_>, books: &Books<'_>) -> Holding {
    let mut holding = Holding::default();
    for book in books.books.iter().filter(|book| !book.faulted) {
        let grants = book.distinct_grants();
        if grants == 0 {
            continue;
        }
        holding.observed += 1;
        let (verdict, text) = if grants > 1 {
            let text = format!("delivered {grants} times for one authorization");
            (Verdict::Fail, text)
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
