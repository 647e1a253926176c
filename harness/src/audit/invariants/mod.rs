//! The invariants over the books, one file each.

mod charged_without_service;
mod direct_receipts;
mod exactly_once;
mod fails_closed;
mod no_early_bytes;
mod one_live_authorization;
mod paid_before_given;
mod recovers;
mod route_price;
mod terms_moved;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_by_use;
#[cfg(test)]
mod tests_direct;
#[cfg(test)]
mod tests_faults;
#[cfg(test)]
mod tests_identifier;
#[cfg(test)]
mod tests_in_rounds;
#[cfg(test)]
mod tests_rounds;
#[cfg(test)]
mod tests_route_price;
mod true_receipts;
mod verify_reads_only;

pub(crate) use charged_without_service::declares_upfront;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use x402_assay_reports::model::{Evidence, InvariantResult, Verdict, Violation};
use x402_mock_facilitator::event::Endpoint;

use super::books::Book;
use super::{Span, timeline};
use crate::history::{Exchange, Facts};

/// True when a fault cut off every settle call that may have moved money, so that the server was never told.
fn answer_was_lost(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    let settles = || {
        let calls = facts.calls_about(book.signed.key);
        calls.filter(|call| call.endpoint == Endpoint::Settle)
    };
    !book.faults.is_empty()
        && settles().any(|call| call.cut_at_us.is_some())
        && settles().all(|call| call.cut_at_us.is_some() || call.success() == Some(false))
}

/// One invariant.
#[derive(Debug, Clone, Copy)]
pub struct Invariant {
    /// `I1` and so on.
    pub id: &'static str,
    /// The statement.
    pub title: &'static str,
    /// Judges a run without its scenarios, or a round.
    pub judge: fn(&Span<'_, '_>) -> Holding,
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
    /// Authorizations, and requests without one, on which it could have been broken.
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

/// One invariant over one part of a history.
#[derive(Debug, Clone)]
pub struct Told {
    /// `I1` and so on.
    pub id: &'static str,
    /// The worst verdict; `skipped` when nothing was observed.
    pub verdict: Verdict,
    /// How often it was observed.
    pub observed: usize,
    /// Breaches, the worst first, each with its timeline unless it is `info`; bounded.
    pub breaches: Vec<(Verdict, Violation)>,
    /// Breaches beyond the bound.
    pub more: usize,
}

/// Judges every invariant.
pub fn judge_all(span: &Span<'_, '_>) -> Vec<Told> {
    INVARIANTS
        .iter()
        .map(|invariant| tell(span, invariant, MAX_VIOLATIONS))
        .collect()
}

/// Breaches that are told one by one, and how many more there are.
type Kept = (Vec<(Verdict, Violation)>, usize);

/// Every invariant over several parts of a history, none of which is about the other.
pub fn results(parts: Vec<Vec<Told>>) -> Vec<InvariantResult> {
    let mut merged: Vec<InvariantResult> = INVARIANTS
        .iter()
        .map(|invariant| InvariantResult {
            id: invariant.id.to_owned(),
            title: invariant.title.to_owned(),
            verdict: Verdict::Skipped,
            observed: 0,
            violations: Vec::new(),
            expected: None,
        })
        .collect();
    let mut breaches: BTreeMap<&str, Kept> = BTreeMap::new();
    for told in parts.into_iter().flatten() {
        let Some(row) = merged.iter_mut().find(|row| row.id == told.id) else {
            continue;
        };
        row.verdict = match (row.verdict, told.verdict) {
            (Verdict::Skipped, verdict) | (verdict, Verdict::Skipped) => verdict,
            (one, other) => crate::checks::outcome::worst(one, other),
        };
        row.observed += told.observed;
        let (kept, more) = breaches.entry(told.id).or_default();
        kept.extend(told.breaches);
        *more += told.more;
    }
    for row in &mut merged {
        let (mut kept, mut more) = breaches.remove(row.id.as_str()).unwrap_or_default();
        kept.sort_by_key(|(verdict, _)| Reverse(*verdict));
        more += kept.len().saturating_sub(MAX_VIOLATIONS);
        kept.truncate(MAX_VIOLATIONS);
        row.violations = kept.into_iter().map(|(_, violation)| violation).collect();
        if more > 0 {
            row.violations.push(Violation {
                authorization: None,
                text: format!("and {more} more of the kind"),
                evidence: Vec::new(),
            });
        }
    }
    merged
}

/// Judges one invariant; its worst breaches come with their timelines.
fn tell(span: &Span<'_, '_>, invariant: &Invariant, most: usize) -> Told {
    let holding = (invariant.judge)(span);
    let (verdict, observed) = (holding.verdict(), holding.observed);
    let total: usize = holding
        .breaches
        .values()
        .map(|breaches| breaches.count)
        .sum();
    let breaches: Vec<(Verdict, Violation)> = holding
        .breaches
        .into_iter()
        .flat_map(|(Reverse(verdict), breaches)| {
            let kept = breaches.kept.into_iter();
            kept.map(move |(violation, subject)| (verdict, violation, subject))
        })
        .take(most)
        .map(|(verdict, mut violation, subject)| {
            if verdict > Verdict::Info {
                violation.evidence.extend(timeline_of(span, subject));
            }
            (verdict, violation)
        })
        .collect();
    Told {
        id: invariant.id,
        verdict,
        observed,
        more: total - breaches.len(),
        breaches,
    }
}

fn timeline_of(span: &Span<'_, '_>, subject: Option<Subject>) -> Vec<Evidence> {
    let moments = match subject {
        Some(Subject::Authorization(number)) => span
            .books
            .book(number)
            .map(|book| timeline::of_book(span.facts, book)),
        Some(Subject::Exchange(number)) => span
            .facts
            .exchange(number)
            .map(|exchange| timeline::of_exchange(span.facts, exchange)),
        None => None,
    };
    timeline::evidence(&moments.unwrap_or_default())
}
