//! Purchases whose settlement our facilitator spoiled: what the judges of sections E and F ask about them.

use x402_assay_protocol::Version;
use x402_assay_reports::model::Evidence;
use x402_mock_facilitator::event::Endpoint;

use super::judged::{Judged, not_tried, unjudgeable};
use super::outcome::Outcome;
use crate::audit::{Book, Delivery, declares_upfront};
use crate::history::{Exchange, FacilitatorCall};

/// One purchase in whose settlement an injected fault took effect.
#[derive(Debug)]
pub(super) struct Troubled<'f, 'h> {
    pub(super) exchange: &'f Exchange<'h>,
    pub(super) book: &'f Book<'h>,
    /// Calls of `/settle` about it, in order; at least one.
    pub(super) settles: Vec<&'f FacilitatorCall<'h>>,
}

impl<'f, 'h> Troubled<'f, 'h> {
    /// The exchange and the settle calls.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        let calls = self.settles.iter().map(|call| call.evidence());
        std::iter::once(self.exchange.evidence())
            .chain(calls)
            .collect()
    }

    /// Where paid content is in what left the target, if anywhere: in the body, in a part of it, in a header.
    pub(super) fn leak(&self, judged: &Judged<'f, 'h>) -> Option<String> {
        let contents = &judged.books.contents;
        if contents.left(self.exchange) {
            return Some("in the body".to_owned());
        }
        let header = contents.header_with_marker(self.exchange)?;
        Some(format!("in the header {header}"))
    }

    /// True when our facilitator said that this payment is settled, whether that was true or not.
    pub(super) fn was_told_yes(&self) -> bool {
        self.settles.iter().any(|call| call.says_yes())
    }

    /// Judges that nothing was delivered. `None` when nothing was.
    pub(super) fn delivered(&self, judged: &Judged<'f, 'h>) -> Option<Outcome> {
        let probe = self.exchange.probe();
        let trouble = trouble_of(&self.settles);
        if let Some(place) = self.leak(judged) {
            let text = format!("{probe}: {trouble}, and the paid content was delivered {place}");
            return Some(Outcome::given(text, self.evidence()));
        }
        if let Some(outcome) = unjudgeable(self.exchange) {
            return Some(outcome);
        }
        let other = judged.books.delivery(self.exchange) == Delivery::OtherSuccess;
        other.then(|| {
            let ending = self.exchange.ending();
            let text = format!("{probe}: {trouble}, answered {ending} without the paid content");
            Outcome::warn(text, self.evidence())
        })
    }
}

/// How the last settle call ended, in a few words.
pub(super) fn trouble_of(settles: &[&FacilitatorCall<'_>]) -> String {
    let Some(last) = settles.last() else {
        return "/settle was not called".to_owned();
    };
    match (last.answer, last.success(), last.reason()) {
        (None, ..) => "/settle was cut off".to_owned(),
        (Some(answer), Some(false), Some(reason)) if answer.status == 200 => {
            format!("/settle said no ({reason})")
        }
        (Some(answer), Some(true), _) if answer.status == 200 => "/settle said yes".to_owned(),
        (Some(answer), ..) if answer.status == 200 => "/settle gave no verdict".to_owned(),
        (Some(answer), ..) => format!("/settle answered HTTP {}", answer.status),
    }
}

/// The spoilt purchases of one probe. When there is none, why.
#[expect(
    clippy::result_large_err,
    reason = "made once a probe, and only where there is none"
)]
pub(super) fn troubled<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probe: &str,
) -> Result<Vec<Troubled<'f, 'h>>, Outcome> {
    let facts = judged.facts;
    let mut found = Vec::new();
    let mut sent = false;
    for exchange in &facts.exchanges {
        let is_one = exchange.version() == Some(version) && exchange.probe() == probe;
        if !is_one || !exchange.is_paid() {
            continue;
        }
        sent = true;
        let Some(book) = judged.book_of(exchange) else {
            continue;
        };
        let settles: Vec<&FacilitatorCall<'h>> = facts
            .calls_about(book.signed.key)
            .filter(|call| call.endpoint == Endpoint::Settle)
            .collect();
        if !settles.is_empty() && !book.faults.is_empty() {
            found.push(Troubled {
                exchange,
                book,
                settles,
            });
        }
    }
    match (found.is_empty(), sent) {
        (false, _) => Ok(found),
        (true, true) => Err(Outcome::skipped(format!(
            "{probe}: the target did not ask our facilitator to settle it"
        ))),
        (true, false) => Err(not_tried(version, probe)),
    }
}

/// Judges each spoilt purchase of these probes; where a good payment is refused too, nothing is shown.
pub(super) fn each<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probes: &[&str],
    judge: impl Fn(&Troubled<'f, 'h>) -> Outcome,
) -> Outcome {
    let (mut outcome, mut missing) = (Outcome::new(), Outcome::new());
    for probe in probes {
        match troubled(judged, version, probe) {
            Ok(found) => found.iter().for_each(|one| outcome.add(judge(one))),
            Err(why) => missing.add(why),
        }
    }
    // What was not sent says nothing about what was.
    let outcome = if outcome.is_empty() { missing } else { outcome };
    judged.with_control(version, outcome)
}

/// True when the server declares that it takes the money before the handler runs.
pub(super) fn is_upfront(judged: &Judged<'_, '_>, book: &Book<'_>) -> bool {
    declares_upfront(judged.facts, book)
}
