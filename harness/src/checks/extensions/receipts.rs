//! Section K: signed receipts of the `offer-receipt` extension (wire-format section 14.2).

use alloy_primitives::Address;
use serde_json::Value;
use x402_assay_protocol::challenge::is_caip2;
use x402_assay_protocol::offer_receipt::Artifact;
use x402_assay_protocol::{Settlement, Version};

use super::offers::{FORM, NAME, form};
use super::signers::Signers;
use super::text;
use crate::checks::check::{Check, Grade, Level};
use crate::checks::judged::{Judged, evidence_of};
use crate::checks::outcome::Outcome;
use crate::history::Exchange;

/// How far `issuedAt` may lie from the answer: clocks differ, receipts are made on the spot.
const NEAR_SECONDS: u64 = 300;

pub(in crate::checks) const TRUE: Check = Check {
    id: "SRV-EXT-OR-006",
    title: "Receipts come with success alone, and are true",
    requirement: "A receipt appears only on success, verifies under the domain `x402 receipt`, and has an `issuedAt` near now and a CAIP-2 network.",
    observe: "The receipt in every settlement header, against the payer and the moment of the answer.",
    good: "success: true with a receipt for this payer",
    bad: "success: false with a receipt, or a receipt of last week",
    source: "offer-and-receipt, section 5",
    level: Level::Must,
    probes: &["good", "good-2"],
    judge: truthful,
    cause: "the receipt is made before settlement, from a cache, or under another domain",
    fix: "make the receipt when the settlement succeeded, for this payer and this moment",
    tags: &["extensions", "CWE-345"],
    ..FORM
};

pub(in crate::checks) const TRANSACTION: Check = Check {
    id: "SRV-EXT-OR-007",
    title: "Whether receipts name the transaction",
    requirement: "A receipt may include `transaction`; it is left out by default for privacy.",
    observe: "The payload of every receipt.",
    good: "no transaction, or the true one",
    bad: "nothing: this is recorded only",
    source: "offer-and-receipt, sections 5.2 and 11",
    level: Level::Open,
    grade: Grade::Info,
    probes: &["good", "good-2"],
    judge: names_transaction,
    cause: "the server includes it on purpose",
    fix: "nothing needs to change",
    tags: &["extensions", "privacy"],
    ..FORM
};

const NO_RECEIPT: &str = "no settlement header carries a signed receipt";

/// Every settlement header that carries a receipt.
fn receipts<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
) -> Vec<(&'f Exchange<'h>, &'f Settlement, &'f Value)> {
    let path = format!("/extensions/{NAME}/info/receipt");
    let all = judged.facts.exchanges.iter();
    all.filter(|exchange| exchange.version() == Some(version))
        .filter_map(|exchange| {
            let settlement = exchange.settlement(version)?.as_ref().ok()?;
            Some((exchange, settlement, settlement.raw.pointer(&path)?))
        })
        .collect()
}

fn truthful(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut signers = Signers::default();
    let mut outcome = Outcome::new();
    for (exchange, settlement, receipt) in receipts(judged, version) {
        let evidence = evidence_of(exchange);
        if settlement.success != Some(true) {
            let text = "a settlement that is no success carries a receipt";
            outcome.add(Outcome::fail(text, evidence));
            continue;
        }
        if let Err(why) = form(receipt) {
            outcome.add(Outcome::fail(why, evidence));
            continue;
        }
        let book = judged.book_of(exchange);
        let pay_to = book.map(|book| book.signed.offered.pay_to);
        outcome.add(signers.take(exchange, receipt, Artifact::Receipt, pay_to));
        let payer = book.map(|book| book.signed.key.payer);
        if let Some(payload) = receipt.get("payload") {
            outcome.add(
                match problem_of(payload, payer, exchange.ended_at_us / 1_000_000) {
                    Some(why) => Outcome::fail(why, evidence),
                    None => {
                        Outcome::pass("the receipt is for this payer and this moment", evidence)
                    }
                },
            );
        }
    }
    outcome.add(signers.told());
    outcome.or_skipped(NO_RECEIPT)
}

fn problem_of(payload: &Value, payer: Option<Address>, now_s: u64) -> Option<String> {
    let network = text(payload, "network").unwrap_or_default();
    if !is_caip2(network) {
        return Some(format!("network {network:?} is not CAIP-2"));
    }
    let issued = payload.get("issuedAt").and_then(Value::as_u64).unwrap_or(0);
    if issued.abs_diff(now_s) > NEAR_SECONDS {
        return Some(format!(
            "issuedAt {issued} is not near the answer's time {now_s}"
        ));
    }
    let named: Option<Address> = text(payload, "payer").and_then(|text| text.parse().ok());
    match (payer, named) {
        (Some(payer), Some(named)) if payer != named => {
            Some(format!("it names the payer {named}, this was {payer}"))
        }
        _ => None,
    }
}

fn names_transaction(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let receipts = receipts(judged, version);
    let told = receipts.into_iter().map(|(exchange, _, receipt)| {
        let named = receipt
            .pointer("/payload/transaction")
            .and_then(Value::as_str);
        let text = match named {
            Some(hash) if !hash.is_empty() => "the receipt names its transaction",
            _ => "the receipt names no transaction",
        };
        Outcome::info(text, evidence_of(exchange))
    });
    told.reduce(Outcome::merge)
        .unwrap_or_else(|| Outcome::skipped(NO_RECEIPT))
}
