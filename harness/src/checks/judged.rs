//! What a judge is given, and the questions most judges ask.

use x402_assay_protocol::Version;
use x402_assay_reports::model::Evidence;

use super::check::Grading;
use super::outcome::Outcome;
use crate::audit::{Book, Books, Delivery};
use crate::history::{Exchange, Facts};

/// Facts and books of one run.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'f, 'h> {
    /// The history.
    pub facts: &'f Facts<'h>,
    /// The books.
    pub books: &'f Books<'h>,
    /// How strictly soft rows are graded.
    pub grading: Grading,
}

impl<'f, 'h> Judged<'f, 'h> {
    /// Honest payments of a generation that the target answered with the paid content.
    pub fn accepted(&self, version: Version) -> Vec<&'f Exchange<'h>> {
        self.honest(version)
            .into_iter()
            .filter(|exchange| self.books.delivery(exchange) == Delivery::Content)
            .collect()
    }

    /// Honest, first-time payments of a generation.
    pub fn honest(&self, version: Version) -> Vec<&'f Exchange<'h>> {
        let facts = self.facts;
        facts
            .paid(version, "good")
            .chain(facts.paid(version, "good-2"))
            .collect()
    }

    /// The book of the payment an exchange carries.
    pub fn book_of(&self, exchange: &Exchange<'h>) -> Option<&'f Book<'h>> {
        self.books.book(exchange.sent.authorization?)
    }

    /// The authorization's book, unless our own facilitator lied about it.
    pub fn true_book(&self, exchange: &Exchange<'h>) -> Option<&'f Book<'h>> {
        self.book_of(exchange).filter(|book| !book.faulted)
    }

    /// Judges a refusal: nothing delivered, nothing moved. `None` when it is refused as it should be.
    pub fn wrongly_given(&self, exchange: &'f Exchange<'h>) -> Option<Outcome> {
        let probe = exchange.probe();
        let book = self.book_of(exchange);
        if book.is_some_and(|book| book.faulted) {
            let text = format!("{probe}: our facilitator lied about this payment");
            return Some(Outcome::skipped(text));
        }
        if let Some(book) = book
            && !book.transfers.is_empty()
        {
            let text = format!("{probe}: the payment was settled");
            return Some(Outcome::given(text, book.evidence(self.facts)));
        }
        match self.books.delivery(exchange) {
            Delivery::Content => {
                let text = format!("{probe}: the paid content was delivered");
                Some(Outcome::given(text, evidence_of(exchange)))
            }
            Delivery::OtherSuccess => {
                let text = format!(
                    "{probe}: answered {} without the paid content",
                    exchange.ending()
                );
                Some(Outcome::warn(text, evidence_of(exchange)))
            }
            Delivery::Nothing => unjudgeable(exchange),
        }
    }

    /// Judges that every payment of these probes is refused and moves nothing.
    pub fn all_refused(&self, version: Version, probes: &[&str]) -> Outcome {
        let mut outcome = Outcome::new();
        for probe in probes {
            let mut tried = false;
            for exchange in self.facts.paid(version, probe) {
                tried = true;
                outcome.add(self.wrongly_given(exchange).unwrap_or_else(|| {
                    let text = format!("{probe} refused with {}", exchange.ending());
                    Outcome::pass(text, evidence_of(exchange))
                }));
            }
            if !tried {
                outcome.add(not_tried(version, probe));
            }
        }
        self.with_control(version, outcome)
    }

    /// A refusal proves nothing where even a good payment is refused: without that control a pass becomes a skip.
    pub fn with_control(&self, version: Version, outcome: Outcome) -> Outcome {
        use x402_assay_reports::model::Verdict;
        let control = !self.accepted(version).is_empty();
        if control || outcome.is_empty() || outcome.verdict() > Verdict::Skipped {
            return outcome;
        }
        Outcome::skipped(format!(
            "control missing: no good {version} payment was accepted, so a refusal proves nothing"
        ))
    }
}

/// An exchange that tells nothing about the target: no answer, or a rate limit.
pub fn unjudgeable(exchange: &Exchange<'_>) -> Option<Outcome> {
    let ending = match exchange.status() {
        Some(429) => "answered HTTP 429 (a rate limit)".to_owned(),
        Some(_) => return None,
        None => exchange.ending(),
    };
    let text = format!("{}: {ending}", exchange.probe());
    Some(Outcome::inconclusive(text, evidence_of(exchange)))
}

/// The exchange as the only evidence.
pub fn evidence_of(exchange: &Exchange<'_>) -> Vec<Evidence> {
    vec![exchange.evidence()]
}

/// A probe that the run did not make.
pub fn not_tried(version: Version, probe: &str) -> Outcome {
    Outcome::skipped(format!("the run holds no {version}/{probe} request"))
}
