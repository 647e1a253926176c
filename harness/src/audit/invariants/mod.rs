//! The invariants over the books, one file each.

mod charged_without_service;
mod exactly_once;
mod paid_before_given;
mod terms_moved;
#[cfg(test)]
mod tests;
mod true_receipts;

use x402_assay_reports::model::{Evidence, InvariantResult, Verdict, Violation};

use super::books::{Book, Books};
use crate::history::Facts;

/// One invariant.
#[derive(Debug, Clone, Copy)]
pub struct Invariant {
    /// `I1` and so on.
    pub id: &'static str,
    /// The statement.
    pub title: &'static str,
    /// Judges the books of a run.
    pub judge: fn(&Facts<'_>, &Books<'_>) -> Holding,
}

/// Every invariant, in order.
pub const INVARIANTS: &[Invariant] = &[
    paid_before_given::INVARIANT,
    charged_without_service::INVARIANT,
    exactly_once::INVARIANT,
    terms_moved::INVARIANT,
    true_receipts::INVARIANT,
];

/// Most violations that are told one by one.
const MAX_VIOLATIONS: usize = 50;

/// How an invariant held.
#[derive(Debug, Default)]
pub struct Holding {
    /// Authorizations it was observed on.
    pub observed: usize,
    breaches: Vec<(Verdict, Violation)>,
}

impl Holding {
    /// Notes a breach about one authorization; its verdict is `fail`, `warn`, `inconclusive` or `info`.
    fn breach(
        &mut self,
        verdict: Verdict,
        book: Option<&Book<'_>>,
        text: String,
        evidence: Vec<Evidence>,
    ) {
        let violation = Violation {
            authorization: book.map(Book::name),
            text,
            evidence,
        };
        self.breaches.push((verdict, violation));
    }

    /// The worst verdict; `skipped` when nothing was observed.
    pub fn verdict(&self) -> Verdict {
        let quiet = if self.observed == 0 {
            Verdict::Skipped
        } else {
            Verdict::Pass
        };
        self.breaches
            .iter()
            .map(|(verdict, _)| *verdict)
            .filter(|verdict| *verdict > Verdict::Info)
            .fold(quiet, crate::checks::outcome::worst)
    }
}

/// Judges every invariant.
pub fn judge_all(facts: &Facts<'_>, books: &Books<'_>) -> Vec<InvariantResult> {
    INVARIANTS
        .iter()
        .map(|invariant| {
            let holding = (invariant.judge)(facts, books);
            InvariantResult {
                id: invariant.id.to_owned(),
                title: invariant.title.to_owned(),
                verdict: holding.verdict(),
                observed: holding.observed,
                violations: told(holding.breaches),
            }
        })
        .collect()
}

/// The worst violations first; what is beyond the bound is counted.
fn told(mut breaches: Vec<(Verdict, Violation)>) -> Vec<Violation> {
    breaches.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let more = breaches.len().saturating_sub(MAX_VIOLATIONS);
    breaches.truncate(MAX_VIOLATIONS);
    let mut violations: Vec<Violation> = breaches.into_iter().map(|(_, v)| v).collect();
    if more > 0 {
        violations.push(Violation {
            authorization: None,
            text: format!("and {more} more of the kind"),
            evidence: Vec::new(),
        });
    }
    violations
}
