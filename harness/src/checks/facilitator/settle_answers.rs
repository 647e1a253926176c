//! Section N: the answers of settle.

use serde_json::Value;
use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::asked::{
    ROW, Said, all_at, book_of, each, evidence, recorded, said, settled, told, unjudgeable,
    whole_evidence,
};
use super::settle_truth::{book_at, hold_over};
use crate::checks::check::{Check, Grade, Level, Need, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::history::DirectCall;

pub(super) const FAILURE: Check = Check {
    id: "FAC-SETTLE-005",
    title: "A failed settlement answers in its documented shape",
    requirement: "A failure has `success: false`, a string `errorReason`, and the strings `transaction` and `network`.",
    observe: "Every answer to settle with success false; empty strings are fine.",
    good: "{\"success\": false, \"errorReason\": \"insufficient_funds\", \"transaction\": \"\", \"network\": \"eip155:84532\"}",
    bad: "{\"success\": false}",
    source: "x402 specification, section 5.3.2",
    probes: &["settle/signature-flipped"],
    judge: failure,
    cause: "an error is written by another code path than a success",
    fix: "answer with all four members, transaction empty where nothing was sent",
    killed_by: &["failure-without-shape", "failure-without-reason"],
    ..ROW
};

pub(super) const UNVERIFIED: Check = Check {
    id: "FAC-SETTLE-008",
    title: "What becomes of a settle without a verify before",
    requirement: "Whether settle wants a verify before it is left open.",
    observe: "A fresh good payment that goes to settle at once.",
    good: "either answer",
    bad: "nothing: it is recorded",
    source: "x402 specification, section 7.2 (silent)",
    level: Level::Open,
    grade: Grade::Info,
    probes: &["settle/unverified"],
    judge: |judged, version| recorded(judged, version, &["settle/unverified"]),
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

pub(super) const PENDING: Check = Check {
    id: "FAC-SETTLE-009",
    title: "An unknown outcome is called pending, with its hash",
    requirement: "When the broadcast succeeded and the confirmation is unknown, the answer is settlement_pending with hash and network.",
    observe: "Mining stands still while a payment is settled; whether the answer comes meanwhile depends on the facilitator's own patience.",
    good: "{\"success\": false, \"errorReason\": \"settlement_pending\", \"transaction\": \"0x...\", \"network\": \"eip155:84532\"}",
    bad: "a final failure, and the transfer lands afterwards",
    source: "newer core text, section 9",
    versions: V2,
    level: Level::Should,
    grade: Grade::Warn,
    needs: &[Need::Evm],
    probes: &["settle/held"],
    judge: pending,
    cause: "a time-out while waiting for the receipt is taken for a failure",
    fix: "answer settlement_pending with the hash, and remember it for the next request",
    tags: &["facilitator", "CWE-393"],
    killed_by: &["receipt-wait-too-short"],
    ..ROW
};

pub(super) const RETRIED: Check = Check {
    id: "FAC-SETTLE-010",
    title: "Settling again what is under way sends nothing more",
    requirement: "A second settle of a payment that is pending or was just mined does not lead to a second transfer or another transaction.",
    observe: "The payment that was settled while mining stood still is settled once more.",
    good: "success with the same hash, or a refusal",
    bad: "success with another hash",
    source: "newer core text, section 9",
    level: Level::Derived,
    grade: Grade::Warn,
    needs: &[Need::Evm],
    probes: &["settle/held-again"],
    judge: retried,
    cause: "pending settlements are not remembered",
    fix: "remember the hash by payer and nonce until the authorization ends",
    killed_by: &["duplicate-new-success"],
    ..ROW
};

pub(super) const NETWORK: Check = Check {
    id: "FAC-SETTLE-013",
    title: "Settle names the network as it was asked",
    requirement: "`network` of the answer is that of the request, in the same spelling.",
    observe: "Every success.",
    good: "base-sepolia for v1, eip155:84532 for v2",
    bad: "eip155:84532 in the answer to a v1 request",
    source: "x402 specification, section 5.3.2",
    grade: Grade::Warn,
    probes: &["settle/good"],
    judge: network,
    cause: "the answer is written from the chain's own configuration",
    fix: "echo paymentRequirements.network",
    killed_by: &["receipt-wrong-network"],
    ..ROW
};

fn failure(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let outcome: Outcome = all_at(judged, version, Endpoint::Settle)
        .filter(|call| said(call) == Said::No)
        .map(|call| shape_of(&call))
        .collect();
    outcome.or_skipped("no settlement was answered with success false")
}

fn shape_of(call: &DirectCall<'_, '_>) -> Outcome {
    let body = call.exchange.body_json();
    let member = |name: &str| body.and_then(|body| body.get(name)).and_then(Value::as_str);
    let probe = call.exchange.probe();
    if member("errorReason").is_none_or(str::is_empty) {
        let text = format!("{probe}: a failure without errorReason");
        return Outcome::fail(text, evidence(call));
    }
    let missing: Vec<&str> = ["transaction", "network"]
        .into_iter()
        .filter(|name| member(name).is_none())
        .collect();
    match missing[..] {
        [] => Outcome::pass(
            "failures name reason, transaction and network",
            evidence(call),
        ),
        _ => {
            let text = format!("{probe}: a failure without {}", missing.join(" and "));
            Outcome::warn(text, evidence(call))
        }
    }
}

fn pending(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let over = hold_over(judged, version);
    each(judged, version, "settle/held", |call| {
        let pieces = whole_evidence(judged, call);
        let answered = over.is_some_and(|over| call.exchange.ended_at_us < over);
        if !answered {
            let text = "no answer while mining stood still; it was not held longer (--patience)";
            return Outcome::info(text, pieces);
        }
        if let Some(outcome) = unjudgeable(call) {
            return outcome;
        }
        let body = call.exchange.body_json();
        let names_network =
            body.is_some_and(|body| body.get("network").is_some_and(Value::is_string));
        let landed = book_of(judged, call).is_some_and(|book| !book.transfers.is_empty());
        match said(call) {
            Said::Yes => Outcome::skipped("success was said without a block: FAC-SETTLE-003"),
            _ if call.is_pending() && call.transaction().is_some() && names_network => {
                Outcome::pass("settlement_pending with its hash", pieces)
            }
            _ if call.is_pending() => {
                Outcome::warn("settlement_pending without hash or network", pieces)
            }
            _ if landed => {
                let text = format!("{}, and the transfer landed afterwards", told(call));
                Outcome::warn(text, pieces)
            }
            _ => Outcome::info(format!("{}, and nothing landed", told(call)), pieces),
        }
    })
}

fn retried(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let first = judged.facts.probe(version, "settle/held").next();
    let first = first.and_then(DirectCall::of);
    let first_hash = first.and_then(|call| call.transaction().map(str::to_ascii_lowercase));
    let transfers = book_at(judged, version, "settle/held").map_or(0, |book| book.transfers.len());
    each(judged, version, "settle/held-again", |again| {
        if let Some(outcome) = unjudgeable(again) {
            return outcome;
        }
        let pieces = whole_evidence(judged, again);
        if transfers > 1 {
            return Outcome::given(format!("{transfers} Transfers for one payment"), pieces);
        }
        let hash = again.transaction().map(str::to_ascii_lowercase);
        match (said(again), hash == first_hash) {
            (Said::Yes, false) if first_hash.is_some() => {
                Outcome::warn("success again, with another transaction", pieces)
            }
            _ => Outcome::pass(format!("once more: {}", told(again)), pieces),
        }
    })
}

fn network(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let outcome: Outcome = settled(judged, version)
        .iter()
        .filter_map(|call| {
            let named = call.exchange.body_json()?.get("network")?.as_str()?;
            let request = serde_json::from_str::<Value>(call.exchange.request_text()?).ok()?;
            let asked = request
                .pointer("/paymentRequirements/network")?
                .as_str()?
                .to_owned();
            Some(match named == asked {
                true => Outcome::pass(format!("network {asked}"), evidence(call)),
                false => Outcome::warn(
                    format!("network {named:?} in the answer, {asked:?} in the request"),
                    evidence(call),
                ),
            })
        })
        .collect();
    outcome.or_skipped("no success names a network")
}
