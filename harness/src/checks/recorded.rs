//! What rows without a verdict have in common: they tell what was seen.

use x402_assay_protocol::Version;

use super::judged::{Judged, evidence_of, not_tried};
use super::outcome::Outcome;
use crate::audit::Delivery;
use crate::history::Exchange;

/// Tells how each of these probes ended.
pub(super) fn endings(judged: &Judged<'_, '_>, version: Version, probes: &[&str]) -> Outcome {
    let mut outcome = Outcome::new();
    for probe in probes {
        for exchange in judged.facts.probe(version, probe) {
            let text = format!("{}: {}", exchange.probe(), said(judged, exchange));
            outcome.add(Outcome::info(text, evidence_of(exchange)));
        }
    }
    match outcome.is_empty() {
        true => not_tried(version, &probes.join(" or ")),
        false => outcome,
    }
}

/// How an exchange ended, and whether the paid content came with it.
pub(super) fn said<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> String {
    let content = match judged.books.delivery(exchange) {
        Delivery::Content => " with the paid content",
        Delivery::OtherSuccess | Delivery::Nothing => "",
    };
    format!("{}{content}", exchange.ending())
}

/// Why requests around the paid one show nothing: the paid path itself costs nothing, or nothing was ever sold.
pub(super) fn no_gate(judged: &Judged<'_, '_>, version: Version) -> Option<Outcome> {
    let unpaid = judged.facts.unpaid(version);
    let open = unpaid
        .iter()
        .any(|exchange| judged.books.delivery(exchange) == Delivery::Content);
    if open {
        return Some(Outcome::skipped(
            "control missing: the paid route itself is served without payment",
        ));
    }
    let gated = unpaid.iter().any(|exchange| exchange.status() == Some(402));
    (!gated).then(|| Outcome::skipped("control missing: no unpaid request was answered 402"))
}

/// Judges one unpaid request that asks for something else than the profile declares; `None` when it was refused.
pub(super) fn given_unpaid<'h>(
    judged: &Judged<'_, 'h>,
    exchange: &Exchange<'h>,
) -> Option<Outcome> {
    let evidence = evidence_of(exchange);
    let probe = exchange.probe();
    match judged.books.delivery(exchange) {
        Delivery::Content if judged.books.contents.can_tell(exchange) => {
            let text = format!("{probe}: the paid content was delivered without a payment");
            Some(Outcome::given(text, evidence))
        }
        Delivery::Content => Some(Outcome::skipped(format!(
            "{probe}: answered {}; what the paid content looks like is not known: declare origin.marker",
            exchange.ending()
        ))),
        Delivery::OtherSuccess => Some(Outcome::info(
            format!(
                "{probe}: answered {} without the paid content",
                exchange.ending()
            ),
            evidence,
        )),
        Delivery::Nothing => None,
    }
}
