//! The invariants over the books, one file each.

mod charged_without_service;
mod exactly_once;
mod fails_closed;
mod no_early_bytes;
mod one_live_authorization;
mod paid_before_given;
mod recovers;
mod terms_moved;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_faults;
mod true_receipts;
mod verify_reads_only;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use x402_assay_reports::model::{Evidence, InvariantResult, Verdict, Violation};

use super::books::{Book, Books};
use super::timeline;
use crate::history::{Exchange, Facts};

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
    verify_reads_only::INVARIANT,
    fails_closed::INVARIANT,
    one_live_authorization::INVARIANT,
    recovers::INVARIANT,
    no_early_bytes::INVARIANT,
];

/// Most violations that are told one by one.
const MAX_VIOLATIONS: usize = 50;

/// How an invariant held.
#[derive(Debug, Default)]
pub struct Holding {
    /// Authorizations it was observed on.
    pub observed: usize,
    breaches: BTreeMap<Reverse<Verdict>, Breaches>,
}

/// Breaches of one verdict: the first ones whole, the others counted.
#[derive(Debug, Default)]
struct Breaches {
    count: usize,
    kept: Vec<(Violation, Option<Subject>)>,
}

/// What a breach is about.
#[derive(Debug, Clone, Copy)]
enum Subject {
    Authorization(u32),
    Exchange(u32),
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
        let subject = book.map(|book| Subject::Authorization(book.signed.authorization));
        let authorization = book.map(Book::name);
        self.note(verdict, authorization, subject, (text, evidence));
    }

    /// Notes a breach about an exchange without an authorization.
    fn breach_in(
        &mut self,
        verdict: Verdict,
        exchange: &Exchange<'_>,
        text: String,
        evidence: Vec<Evidence>,
    ) {
        let subject = Subject::Exchange(exchange.number());
        self.note(verdict, None, Some(subject), (text, evidence));
    }

    fn note(
        &mut self,
        verdict: Verdict,
        authorization: Option<String>,
        subject: Option<Subject>,
        (text, evidence): (String, Vec<Evidence>),
    ) {
        let breaches = self.breaches.entry(Reverse(verdict)).or_default();
        breaches.count += 1;
        if breaches.kept.len() < MAX_VIOLATIONS {
            let violation = Violation {
                authorization,
                text,
                evidence,
            };
            breaches.kept.push((violation, subject));
        }
    }

    /// The worst verdict; `skipped` when nothing was observed.
    pub fn verdict(&self) -> Verdict {
        let quiet = if self.observed == 0 {
            Verdict::Skipped
        } else {
            Verdict::Pass
        };
        self.breaches
            .keys()
            .map(|Reverse(verdict)| *verdict)
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
                violations: told(facts, books, holding),
            }
        })
        .collect()
}

/// The worst violations first, each with its timeline; what is beyond the bound is counted.
fn told(facts: &Facts<'_>, books: &Books<'_>, holding: Holding) -> Vec<Violation> {
    let total: usize = holding
        .breaches
        .values()
        .map(|breaches| breaches.count)
        .sum();
    let mut violations: Vec<Violation> = holding
        .breaches
        .into_iter()
        .flat_map(|(Reverse(verdict), breaches)| {
            let kept = breaches.kept.into_iter();
            kept.map(move |(violation, subject)| (verdict, violation, subject))
        })
        .take(MAX_VIOLATIONS)
        .map(|(verdict, mut violation, subject)| {
            if verdict > Verdict::Info {
                violation
                    .evidence
                    .extend(timeline_of(facts, books, subject));
            }
            violation
        })
        .collect();
    let more = total - violations.len();
    if more > 0 {
        violations.push(Violation {
            authorization: None,
            text: format!("and {more} more of the kind"),
            evidence: Vec::new(),
        });
    }
    violations
}

fn timeline_of(facts: &Facts<'_>, books: &Books<'_>, subject: Option<Subject>) -> Vec<Evidence> {
    let moments = match subject {
        Some(Subject::Authorization(number)) => books
            .book(number)
            .map(|book| timeline::of_book(facts, book)),
        Some(Subject::Exchange(number)) => facts
            .exchange(number)
            .map(|exchange| timeline::of_exchange(facts, exchange)),
        None => None,
    };
    timeline::evidence(&moments.unwrap_or_default())
}
