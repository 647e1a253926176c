//! Section J: what a payment identifier buys a second time, and what it must not.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{Check, Grade, Level};
use super::identifier::{DECLARATION, declarations, not_advertised, not_sold};
use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::outcome::Outcome;
use super::told::{fate, noted};
use crate::audit::{Book, Delivery};
use crate::history::Exchange;

const TABLE: &str = "extension payment_identifier, behaviour table";

pub(super) const SAME: Check = Check {
    id: "SRV-PID-002",
    title: "A repeat with the same identifier gets the cached answer",
    requirement: "Same id and identical payload: the cached response, and no second settlement.",
    observe: "A payment that bought is sent again unchanged, and the settle calls meanwhile are counted.",
    good: "200 with the first answer, /settle not asked again",
    bad: "402 or 409: whoever lost the answer has paid for nothing",
    source: TABLE,
    grade: Grade::Warn,
    judge: same,
    cause: "the extension is declared, and nothing keeps the answers",
    fix: "keep each answer under payer and identifier, and look there before verifying",
    killed_by: &["id-ignored"],
    ..DECLARATION
};

pub(super) const OTHER_PAYMENT: Check = Check {
    id: "SRV-PID-003",
    title: "Another payment with a used identifier is a conflict",
    requirement: "Same id and different payload (fresh nonce): 409, no settlement, no delivery.",
    observe: "The same payer signs anew and sends the identifier that bought.",
    good: "409 Conflict",
    bad: "200: charged a second time, or served without a charge",
    source: TABLE,
    judge: other_payment,
    cause: "identifiers are not compared with the payments that came with them",
    fix: "keep the payment beside its identifier and answer 409 to any other",
    killed_by: &["id-ignored", "id-for-any-payer"],
    ..DECLARATION
};

pub(super) const REQUIRED: Check = Check {
    id: "SRV-PID-004",
    title: "A required identifier is asked for",
    requirement: "`required: true` and no id: 400, and no settlement.",
    observe: "A good payment without the extension, where the challenge requires one.",
    good: "400 Bad Request",
    bad: "200 all the same",
    source: TABLE,
    grade: Grade::Warn,
    judge: required,
    cause: "the extension is declared, and nothing enforces it",
    fix: "answer 400 to payments without an identifier, or declare required: false",
    killed_by: &["id-required-unenforced"],
    ..DECLARATION
};

pub(super) const FORGED: Check = Check {
    id: "SRV-PID-007",
    title: "A known identifier opens nothing for a forged payment",
    requirement: "Cached content is only served for the exact proof that paid: a forged payload with a known id gets none.",
    observe: "The payment that bought with a broken signature, with other accepted terms, and a stranger's broken payment with its identifier.",
    good: "409 or 402 without the paid body",
    bad: "200: whoever learns an identifier reads what others paid for",
    source: "derived: newer text on lost responses",
    level: Level::Derived,
    judge: forged,
    cause: "the cache is keyed by the identifier alone and asked before the payment is verified",
    fix: "serve from the cache only for the very payment that bought, whole and unchanged",
    tags: &["CWE-287", "CWE-639"],
    killed_by: &["id-for-any-payer"],
    ..DECLARATION
};

pub(super) const AT_ONCE: Check = Check {
    id: "SRV-PID-008",
    title: "Parallel duplicates of an identifier are charged once",
    requirement: "Parallel duplicates while the first is running: one processing, the others wait or get a retryable error.",
    observe: "Ten copies of one payment at once, then three payments signed anew for one identifier at once.",
    good: "one Transfer for each identifier",
    bad: "three Transfers: a client that retried too early has paid three times",
    source: "newer text of extension payment_identifier",
    level: Level::Open,
    grade: Grade::Warn,
    judge: at_once,
    cause: "the identifier is noted only when its purchase is over",
    fix: "take the identifier before verifying, and give it back when the purchase fails",
    tags: &["CWE-362"],
    killed_by: &["id-ignored"],
    ..DECLARATION
};

pub(super) const AFTER_FAILURE: Check = Check {
    id: "SRV-PID-010",
    title: "A failed first attempt does not use up its identifier",
    requirement: "A failed first attempt (verify or settle failed) does not poison the id.",
    observe: "A payment while our facilitator's /verify answers 503, and the same payment after it works again.",
    good: "200 on the second attempt",
    bad: "409 for an identifier that bought nothing",
    source: "derived: the documents are silent",
    level: Level::Derived,
    grade: Grade::Warn,
    judge: after_failure,
    cause: "the identifier is noted before the payment is verified, and stays",
    fix: "give the identifier back when its purchase fails",
    killed_by: &["id-poisoned"],
    ..DECLARATION
};

fn same(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, "id/repeat", |exchange| {
        let settles = |book: &Book<'_>| {
            let calls = judged.facts.calls_about(book.signed.key);
            calls
                .filter(|call| {
                    call.endpoint == Endpoint::Settle && exchange.spans(call.received_at_us)
                })
                .count()
        };
        let again = judged.true_book(exchange).map_or(0, settles);
        let evidence = evidence_of(exchange);
        match judged.books.delivery(exchange) {
            Delivery::Content if again == 0 => Outcome::pass(
                "the repeat got the answer, and nothing was settled",
                evidence,
            ),
            Delivery::Content => {
                Outcome::warn("the repeat was sent to /settle a second time", evidence)
            }
            _ => unjudgeable(exchange).unwrap_or_else(|| {
                let text = format!("the repeat got no cached answer: {}", exchange.ending());
                Outcome::warn(text, evidence)
            }),
        }
    })
}

fn other_payment(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, "id/other-payment", |exchange| {
        let Some(book) = judged.true_book(exchange) else {
            return Outcome::skipped("the payment is not known, or our facilitator lied about it");
        };
        let evidence = book.evidence(judged.facts);
        let charged = !book.transfers.is_empty();
        match judged.books.delivery(exchange) {
            Delivery::Content if !charged => {
                Outcome::given("another payment was served and never charged", evidence)
            }
            Delivery::Nothing if !charged => unjudgeable(exchange).unwrap_or_else(|| {
                let settled = book.settle_calls > 0;
                match exchange.status() {
                    Some(409) if !settled => Outcome::pass("refused with HTTP 409", evidence),
                    _ if settled => Outcome::warn("sent to /settle, and refused", evidence),
                    _ => Outcome::warn(
                        format!("refused with {} instead of 409", exchange.ending()),
                        evidence,
                    ),
                }
            }),
            _ => {
                let text = format!(
                    "a second payment for one identifier: {}",
                    fate(judged, exchange, version)
                );
                Outcome::warn(text, evidence)
            }
        }
    })
}

fn required(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let declared = declarations(judged, version);
    let requires = declared
        .iter()
        .any(|(_, declared)| declared.pointer("/info/required") == Some(&true.into()));
    if !declared.is_empty() && !requires {
        return Outcome::skipped("the challenge does not require an identifier");
    }
    each(judged, version, "id/absent", |exchange| {
        let moved = judged
            .book_of(exchange)
            .is_some_and(|book| !book.transfers.is_empty());
        let nothing = judged.books.delivery(exchange) == Delivery::Nothing && !moved;
        let evidence = evidence_of(exchange);
        match unjudgeable(exchange) {
            Some(outcome) if nothing => outcome,
            _ if nothing && exchange.status() == Some(400) => {
                Outcome::pass("refused with HTTP 400", evidence)
            }
            _ => {
                let fate = fate(judged, exchange, version);
                Outcome::warn(format!("without an identifier: {fate}"), evidence)
            }
        }
    })
}

fn forged(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = not_sold(judged, version) {
        return outcome;
    }
    let probes = ["id/forged-signature", "id/forged-terms", "id/forged-payer"];
    probes
        .into_iter()
        .map(|probe| {
            each(judged, version, probe, |exchange| {
                let evidence = evidence_of(exchange);
                match judged.books.delivery(exchange) {
                    Delivery::Content => {
                        Outcome::given(format!("{probe}: the paid content was served"), evidence)
                    }
                    Delivery::OtherSuccess => {
                        Outcome::warn(format!("{probe}: answered {}", exchange.ending()), evidence)
                    }
                    Delivery::Nothing => unjudgeable(exchange).unwrap_or_else(|| {
                        Outcome::pass(
                            format!("{probe} refused with {}", exchange.ending()),
                            evidence,
                        )
                    }),
                }
            })
        })
        .collect()
}

fn at_once(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = not_sold(judged, version) {
        return outcome;
    }
    ["id/copies", "id/signed-anew"]
        .into_iter()
        .map(|probe| charged_once(judged, version, probe))
        .collect()
}

fn charged_once(judged: &Judged<'_, '_>, version: Version, probe: &'static str) -> Outcome {
    let exchanges: Vec<&Exchange<'_>> = judged.facts.paid(version, probe).collect();
    if exchanges.is_empty() {
        return noted(judged, version, probe).unwrap_or_else(|| not_tried(version, probe));
    }
    let mut books: Vec<&Book<'_>> = Vec::new();
    for book in exchanges
        .iter()
        .filter_map(|exchange| judged.true_book(exchange))
    {
        if !books.iter().any(|known| std::ptr::eq(*known, book)) {
            books.push(book);
        }
    }
    let transfers: usize = books.iter().map(|book| book.transfers.len()).sum();
    let settles: usize = books.iter().map(|book| book.settle_calls).sum();
    let is_served =
        |exchange: &&&Exchange<'_>| judged.books.delivery(exchange) == Delivery::Content;
    let served = exchanges.iter().filter(is_served).count();
    let text = format!(
        "{probe}: {} at once, {served} served, {settles} settle calls, {transfers} charged",
        exchanges.len()
    );
    let evidence = books
        .iter()
        .flat_map(|book| book.evidence(judged.facts))
        .collect();
    match transfers {
        0 | 1 => Outcome::info(text, evidence),
        _ => Outcome::warn(text, evidence),
    }
}

fn after_failure(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if declarations(judged, version).is_empty() {
        return not_advertised();
    }
    let facts = judged.facts;
    let mut first = facts.paid(version, "id/failed");
    let Some(failed) = first.next() else {
        return noted(judged, version, "id/failed")
            .unwrap_or_else(|| not_tried(version, "id/failed"));
    };
    let signed = failed
        .sent
        .authorization
        .and_then(|n| facts.authorization(n));
    let was_refused = signed.is_some_and(|signed| {
        let mut calls = facts.calls_about(signed.key);
        calls.any(|call| failed.spans(call.received_at_us) && !call.says_yes())
    });
    if !was_refused || judged.books.delivery(failed) != Delivery::Nothing {
        return Outcome::skipped("control missing: the first attempt did not fail");
    }
    each(judged, version, "id/retried", |exchange| {
        let evidence = vec![failed.evidence(), exchange.evidence()];
        match judged.books.delivery(exchange) {
            Delivery::Content => Outcome::pass("the second attempt bought", evidence),
            _ => unjudgeable(exchange).unwrap_or_else(|| {
                let fate = fate(judged, exchange, version);
                Outcome::warn(format!("the second attempt: {fate}"), evidence)
            }),
        }
    })
}

/// Judges each payment of a probe, once a payment with an identifier has bought.
fn each<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probe: &'static str,
    judge: impl Fn(&'f Exchange<'h>) -> Outcome,
) -> Outcome {
    if let Some(outcome) = not_sold(judged, version) {
        return outcome;
    }
    judged
        .facts
        .paid(version, probe)
        .map(judge)
        .reduce(Outcome::merge)
        .unwrap_or_else(|| {
            noted(judged, version, probe).unwrap_or_else(|| not_tried(version, probe))
        })
}
