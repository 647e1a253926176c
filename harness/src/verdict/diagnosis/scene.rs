//! What a diagnosis looks at: how the unpaid request ended, and how a good payment ended.

use x402_assay_protocol::{Challenge, Version};

use crate::audit::Book;
use crate::checks::Judged;
use crate::history::{Exchange, FacilitatorCall};

/// The exchanges that tell why a good payment did not work.
#[derive(Debug)]
pub struct Scene<'f, 'h> {
    /// Facts and books.
    pub judged: &'f Judged<'f, 'h>,
    /// Generation that is diagnosed.
    pub version: Version,
    /// The last unpaid request that was answered, else the last one.
    pub unpaid: Option<&'f Exchange<'h>>,
    /// The good payment that got furthest: the last that was answered, else the last one.
    pub paid: Option<&'f Exchange<'h>>,
    /// The book of that payment.
    pub book: Option<&'f Book<'h>>,
}

impl<'f, 'h> Scene<'f, 'h> {
    /// Picks the exchanges out of a run.
    pub fn new(judged: &'f Judged<'f, 'h>, version: Version) -> Self {
        let facts = judged.facts;
        let unpaid = telling(facts.unpaid(version)).or_else(|| {
            telling(
                facts
                    .exchanges
                    .iter()
                    .filter(|exchange| exchange.probe() == "preflight")
                    .collect(),
            )
        });
        let paid = telling(judged.honest(version));
        Self {
            judged,
            version,
            unpaid,
            paid,
            book: paid.and_then(|exchange| judged.book_of(exchange)),
        }
    }

    /// The exchange that decides whether the target can be reached at all: the payment, once one was sent.
    pub fn reach(&self) -> Option<&'f Exchange<'h>> {
        self.paid.or(self.unpaid)
    }

    /// Status of the unpaid answer.
    pub fn unpaid_status(&self) -> Option<u16> {
        self.unpaid?.status()
    }

    /// The exchange whose status tells what stands before the paywall: the payment, unless it got through to our
    /// facilitator, else the unpaid request.
    pub fn decisive(&self) -> Option<&'f Exchange<'h>> {
        if self.calls().is_empty() {
            self.reach()
        } else {
            None
        }
    }

    /// Status of the decisive exchange.
    pub fn decisive_status(&self) -> Option<u16> {
        self.decisive()?.status()
    }

    /// The challenge of this generation.
    pub fn challenge(&self) -> Option<&'f Challenge> {
        self.unpaid?.challenge(self.version)
    }

    /// Calls to our facilitator about the payment.
    pub fn calls(&self) -> Vec<&'f FacilitatorCall<'h>> {
        self.book.map_or_else(Vec::new, |book| {
            self.judged.facts.calls_about(book.signed.key).collect()
        })
    }

    /// True when the answer to the payment is 2xx.
    pub fn is_served(&self) -> bool {
        self.paid.is_some_and(Exchange::is_success)
    }

    /// URL at which our facilitator is advertised.
    pub fn facilitator_url(&self) -> &'h str {
        self.judged
            .facts
            .run
            .map_or("the bench's facilitator", |run| {
                run.facilitator_url.as_str()
            })
    }

    /// URL of the target.
    pub fn target_url(&self) -> &'h str {
        self.judged
            .facts
            .run
            .map_or("the target", |run| run.target_url.as_str())
    }
}

fn telling<'f, 'h>(exchanges: Vec<&'f Exchange<'h>>) -> Option<&'f Exchange<'h>> {
    let answered = exchanges.iter().rev().find(|e| e.answer().is_some());
    answered.or(exchanges.last()).copied()
}
