//! Section D: which offer a payment answers, where it is sent, and when.

use serde_json::Value;
use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Level, Need, V2};
use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use super::terms;
use super::told::{fate, noted};
use crate::audit::Delivery;
use crate::history::Exchange;

const SECOND: &str = "terms/second-offer";
const FREE: &str = "free/with-payment";
const OUTDATED: &str = "terms/outdated-price";
/// Members of an offer that tell it from another one, beside those of `extra`.
const MEMBERS: [&str; 6] = [
    "scheme",
    "network",
    "amount",
    "asset",
    "payTo",
    "maxTimeoutSeconds",
];

pub(super) const CHOSEN: Check = Check {
    id: "SRV-TERM-008",
    title: "The facilitator is asked about the offer that the client chose",
    requirement: "Requirements forwarded equal the offered entry the client chose (when several are offered).",
    observe: "A payment for the second offer that can be paid, and the paymentRequirements of each call about it.",
    good: "the second entry",
    bad: "the first entry, whatever was chosen",
    source: "every SDK",
    versions: V2,
    grade: Grade::Warn,
    needs: &[Need::Facilitator],
    probes: &["good", SECOND],
    judge: chosen,
    cause: "the requirements are taken from the first entry of accepts",
    fix: "look for the entry that `accepted` names and forward that one",
    tags: &[],
    killed_by: &["other-offer-forwarded"],
    ..terms::AMOUNT
};

pub(super) const FREE_ROUTE: Check = Check {
    id: "SRV-TERM-013",
    title: "A payment on a free route is not charged",
    requirement: "A payment header on an unprotected route is ignored; a settle call is a warning.",
    observe: "A good payment along with a request for the first free route of the profile.",
    good: "the free answer, and nobody is asked",
    bad: "the free answer, and the payment is settled",
    source: "the documents are silent",
    versions: BOTH,
    level: Level::Open,
    grade: Grade::Warn,
    probes: &["good", FREE],
    judge: free_route,
    cause: "the payment middleware runs for every route and settles what it finds",
    fix: "look for a payment only on routes that have a price",
    tags: &[],
    killed_by: &["free-route-charges"],
    ..terms::AMOUNT
};

pub(super) const OUTDATED_PRICE: Check = Check {
    id: "SRV-TERM-014",
    title: "A payment for an outdated price is answered with the new one",
    requirement: "With dynamic pricing, a proof for an outdated price is refused with a fresh challenge.",
    observe: "Challenges until the price differs from the first one, and a payment for the first one.",
    good: "402 with the new terms, or the old price honoured",
    bad: "500, or a refusal that does not say what to pay",
    source: "SDK behaviour",
    versions: V2,
    grade: Grade::Warn,
    probes: &["good", OUTDATED],
    judge: outdated,
    cause: "a payment that matches no offer is handled as an error",
    fix: "answer 402 with a fresh challenge when a payment matches no current offer",
    tags: &[],
    killed_by: &["stale-price-error"],
    ..terms::AMOUNT
};

fn chosen(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    let mut outcome = Outcome::new();
    for exchange in facts.paid(version, SECOND) {
        let accepted = exchange
            .payment()
            .and_then(|payment| payment.get("accepted"));
        let signed = exchange
            .sent
            .authorization
            .and_then(|n| facts.authorization(n));
        let (Some(accepted), Some(signed)) = (accepted, signed) else {
            continue;
        };
        let mut asked = false;
        for call in facts.calls_about(signed.key) {
            let Some(requirements) = call.request().and_then(|r| r.get("paymentRequirements"))
            else {
                continue;
            };
            asked = true;
            let evidence = vec![exchange.evidence(), call.evidence()];
            let is_other = |offer: &Value| offer != accepted && agrees(offer, requirements);
            let mut offers = facts
                .exchanges
                .iter()
                .filter_map(|exchange| exchange.challenge(version))
                .flat_map(|challenge| &challenge.accepts);
            outcome.add(
                if agrees(accepted, requirements) || same_members(accepted, requirements) {
                    Outcome::pass("asked about the offer that was chosen", evidence)
                } else if offers.any(|offer| is_other(&offer.raw)) {
                    let text = format!(
                        "{} was asked about another offer than the chosen one",
                        call.path()
                    );
                    Outcome::warn(text, evidence)
                } else {
                    let text = format!("{} was asked about terms of no offer", call.path());
                    Outcome::info(text, evidence)
                },
            );
        }
        if !asked {
            outcome.add(unjudgeable(exchange).unwrap_or_else(|| {
                let ending = exchange.ending();
                Outcome::skipped(format!(
                    "our facilitator was not asked about the second offer: {ending}"
                ))
            }));
        }
    }
    if outcome.is_empty() {
        return noted(judged, version, SECOND)
            .unwrap_or_else(|| Outcome::skipped("the run holds no payment for a second offer"));
    }
    outcome
}

/// True when requirements are an offer, whatever the server added to its `extra`.
fn agrees(offer: &Value, requirements: &Value) -> bool {
    let extra = offer.get("extra").and_then(Value::as_object);
    let mut extra = extra.into_iter().flatten();
    same_members(offer, requirements)
        && extra.all(|(name, value)| requirements["extra"].get(name) == Some(value))
}

/// True when the members beside `extra` are the same; where those of two offers are, `extra` may be fresh.
fn same_members(offer: &Value, requirements: &Value) -> bool {
    MEMBERS.iter().all(|name| {
        let text = |value: &Value| {
            value
                .get(*name)
                .map(|value| value.to_string().to_lowercase())
        };
        text(offer) == text(requirements)
    })
}

fn free_route(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    let mut outcome = Outcome::new();
    for exchange in facts.paid(version, FREE) {
        let signed = exchange
            .sent
            .authorization
            .and_then(|n| facts.authorization(n));
        let Some(signed) = signed else { continue };
        let moved = judged
            .book_of(exchange)
            .is_some_and(|book| !book.transfers.is_empty());
        let settles: Vec<_> = facts
            .calls_about(signed.key)
            .filter(|call| call.endpoint == Endpoint::Settle)
            .collect();
        let mut evidence = evidence_of(exchange);
        evidence.extend(settles.iter().map(|call| call.evidence()));
        outcome.add(if moved || !settles.is_empty() {
            let charged = if moved {
                "was charged"
            } else {
                "was sent to /settle"
            };
            let text = format!("the payment {charged}, answered {}", exchange.ending());
            Outcome::warn(text, evidence)
        } else {
            unjudgeable(exchange).unwrap_or_else(|| {
                let asked = facts.calls_about(signed.key).next().is_some();
                let asked = if asked {
                    "verified and not settled"
                } else {
                    "ignored"
                };
                Outcome::info(format!("{asked}, answered {}", exchange.ending()), evidence)
            })
        });
    }
    if outcome.is_empty() {
        return noted(judged, version, FREE).unwrap_or_else(|| {
            Outcome::skipped("no free route is known: name one under `free` in the profile")
        });
    }
    outcome
}

fn outdated(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if !judged.facts.run.is_some_and(|run| run.dynamic_price) {
        return Outcome::skipped(
            "the price does not change: declare `dynamic_price: true` if it does",
        );
    }
    let mut outcome = Outcome::new();
    for exchange in judged.facts.paid(version, OUTDATED) {
        outcome.add(outdated_payment(judged, exchange, version));
    }
    if outcome.is_empty() {
        return noted(judged, version, OUTDATED)
            .unwrap_or_else(|| Outcome::skipped("the run holds no payment for an outdated price"));
    }
    judged.with_control(version, outcome)
}

fn outdated_payment<'h>(
    judged: &Judged<'_, 'h>,
    exchange: &Exchange<'h>,
    version: Version,
) -> Outcome {
    let evidence = evidence_of(exchange);
    let Some(book) = judged.true_book(exchange) else {
        return Outcome::skipped("the payment is not known, or our facilitator lied about it");
    };
    let fate = fate(judged, exchange, version);
    match judged.books.delivery(exchange) {
        Delivery::Content if book.paid_as_offered() => {
            Outcome::info("the old price was honoured, and charged", evidence)
        }
        Delivery::Nothing if book.transfers.is_empty() => {
            unjudgeable(exchange).unwrap_or_else(|| {
                let fresh = exchange.status() == Some(402) && exchange.challenge(version).is_some();
                match fresh {
                    true => Outcome::pass("refused with a fresh challenge", evidence),
                    false => Outcome::warn(format!("no fresh challenge: {fate}"), evidence),
                }
            })
        }
        _ => Outcome::warn(fate, evidence),
    }
}
