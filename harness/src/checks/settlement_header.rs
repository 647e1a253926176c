//! Section E: the settlement header of a successful purchase.

use x402_assay_protocol::header::{self, Encoding};
use x402_assay_protocol::{Settlement, Version, network};
use x402_assay_reports::model::Evidence;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Level, Role};
use super::judged::{Judged, evidence_of};
use super::outcome::Outcome;
use crate::audit::Book;
use crate::history::Exchange;

pub(super) const PRESENT: Check = Check {
    id: "SRV-FLOW-009",
    title: "A successful purchase carries the settlement header",
    requirement: "On success the client gets the handler's response plus the settlement header.",
    observe: "The header in every answer to an honest payment.",
    good: "200 with PAYMENT-RESPONSE (v1: X-PAYMENT-RESPONSE)",
    bad: "200 without it",
    source: "transports, \"Settlement Response Delivery\"",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["good", "good-2"],
    judge: present,
    cause: "the response is sent before settlement, or a proxy drops the header",
    fix: "set PAYMENT-RESPONSE (v2) or X-PAYMENT-RESPONSE (v1) from the facilitator's settle answer",
    tags: &[],
    killed_by: &["receipt-missing", "receipt-not-base64"],
};

pub(super) const SHAPE: Check = Check {
    id: "SRV-FLOW-010",
    title: "The settlement header says success, transaction and network",
    requirement: "Success settlement object: `success:true`, string `transaction`, string `network`; v1 also `payer`.",
    observe: "The header's object, member by member.",
    good: "{\"success\":true,\"transaction\":\"0x...\",\"network\":\"eip155:84532\",\"payer\":\"0x...\"}",
    bad: "{\"success\":\"true\",\"txHash\":\"0x...\"}",
    source: "x402 specification, section 5.3.2",
    judge: shape,
    cause: "the settlement object is written by hand",
    fix: "pass on the facilitator's settle answer",
    killed_by: &[
        "receipt-without-network",
        "receipt-wrong-network",
        "receipt-error-reason",
    ],
    ..PRESENT
};

pub(super) const TRUE: Check = Check {
    id: "SRV-FLOW-011",
    title: "The settlement header repeats what the facilitator said",
    requirement: "`transaction` and `payer` reported to the client equal what the facilitator returned, or what is on chain.",
    observe: "Hash and payer of the header against our facilitator's answer and the ledger.",
    good: "the hash of the Transfer that paid",
    bad: "a hash that no ledger knows, or of another payment",
    source: "x402 specification, section 5.3.2",
    level: Level::Derived,
    judge: truthful,
    cause: "the receipt is made up, or belongs to another payment",
    fix: "pass on the facilitator's settle answer for this payment",
    tags: &["CWE-345"],
    killed_by: &["receipt-wrong-transaction", "receipt-wrong-payer"],
    ..PRESENT
};

fn each_purchase<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    judge: impl Fn(&'f Exchange<'h>) -> Outcome,
) -> Outcome {
    let accepted = judged.accepted(version);
    if accepted.is_empty() {
        return Outcome::skipped(format!(
            "control missing: no good {version} payment was accepted"
        ));
    }
    accepted.into_iter().map(judge).collect()
}

fn each_receipt<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    judge: impl Fn(&'f Exchange<'h>, &'f Settlement) -> Outcome,
) -> Outcome {
    each_purchase(judged, version, |exchange| {
        match exchange.settlement(version) {
            Some(Ok(settlement)) => judge(exchange, settlement),
            _ => Outcome::skipped("control missing: no settlement header could be read"),
        }
    })
}

fn present(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let name = version.settlement_header();
    each_purchase(judged, version, |exchange| {
        let evidence = evidence_of(exchange);
        let Some(value) = exchange.header(name) else {
            return Outcome::fail(format!("the paid answer has no {name} header"), evidence);
        };
        match header::decode(value.as_bytes()) {
            Err(error) => Outcome::fail(format!("{name}: {error}"), evidence),
            Ok(decoded) if decoded.encoding != Encoding::Standard => {
                Outcome::warn(format!("{name} is not padded standard base64"), evidence)
            }
            Ok(_) => Outcome::pass(format!("{name} is there"), evidence),
        }
    })
}

fn shape(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each_receipt(judged, version, |exchange, settlement| {
        let evidence = || evidence_of(exchange);
        let required = ["success", "transaction", "network", "payer"];
        let mut outcome: Outcome = settlement
            .problems
            .iter()
            .filter(|problem| required.contains(&problem.path.as_str()))
            // v2 makes the payer optional: only a wrong type is a problem there, and the reader notes no other.
            .map(|problem| Outcome::fail(problem.to_string(), evidence()))
            .collect();
        if settlement.success == Some(false) {
            outcome.add(Outcome::fail(
                "success is false in a paid answer",
                evidence(),
            ));
        }
        if settlement
            .raw
            .get("errorReason")
            .is_some_and(|reason| !reason.is_null())
        {
            outcome.add(Outcome::warn(
                "a success carries an errorReason",
                evidence(),
            ));
        }
        if let (Some(named), Some(book)) = (&settlement.network, judged.book_of(exchange)) {
            outcome.add(network_of(exchange, named, book));
        }
        if outcome.is_empty() {
            outcome = Outcome::pass("the settlement object is whole", evidence());
        }
        outcome
    })
}

fn network_of(exchange: &Exchange<'_>, named: &str, book: &Book<'_>) -> Outcome {
    let paid = book.signed.offered.chain_id;
    let evidence = evidence_of(exchange);
    if network::chain_id(named) != Some(paid) {
        let text = format!(
            "network {named:?} is not the paid one ({})",
            network::caip2(paid)
        );
        return Outcome::fail(text, evidence);
    }
    let spelled_as_v2 = named.starts_with("eip155:");
    if spelled_as_v2 == (book.signed.version == Version::V2) {
        Outcome::pass(format!("network {named}"), evidence)
    } else {
        let text = format!("network {named:?} is spelled as in the other protocol generation");
        Outcome::warn(text, evidence)
    }
}

fn truthful(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each_receipt(judged, version, |exchange, settlement| {
        let Some(book) = judged.true_book(exchange) else {
            return Outcome::skipped("control missing: our facilitator lied about this payment");
        };
        let Some((transaction, payer, mut evidence)) = settled_as(judged, book) else {
            return Outcome::skipped(
                "neither our facilitator nor the ledger knows a settlement of this payment",
            );
        };
        evidence.insert(0, exchange.evidence());
        let named = settlement.transaction.as_deref().unwrap_or_default();
        if !named.eq_ignore_ascii_case(&transaction) {
            let text = format!("the receipt names {named:?}, the settlement was {transaction}");
            return Outcome::fail(text, evidence);
        }
        match settlement.payer.as_deref() {
            Some(other) if !other.eq_ignore_ascii_case(&payer) => {
                let text = format!("the receipt names the payer {other}, it was {payer}");
                Outcome::fail(text, evidence)
            }
            _ => Outcome::pass(
                "transaction and payer are those of the settlement",
                evidence,
            ),
        }
    })
}

/// Transaction and payer of the settlement: as our facilitator answered, else as the ledger shows.
fn settled_as(judged: &Judged<'_, '_>, book: &Book<'_>) -> Option<(String, String, Vec<Evidence>)> {
    let payer = book.signed.key.payer.to_string();
    let said = judged
        .facts
        .calls_about(book.signed.key)
        .filter(|call| call.endpoint == Endpoint::Settle && call.success() == Some(true))
        .find_map(|call| {
            let transaction = call.response_text("transaction")?.to_owned();
            Some((transaction, payer.clone(), vec![call.evidence()]))
        });
    said.or_else(|| {
        let moved = book.transfers.first()?;
        let transaction = moved.record.transaction.to_string();
        Some((transaction, payer.clone(), vec![moved.evidence()]))
    })
}
