//! Section F: the settlement is refused (`success: false` with HTTP 200).

use x402_assay_protocol::{Settlement, Version};

use super::check::{BOTH, Check, Grade, Level, Need, Role, V1, V2};
use super::judged::{Judged, unjudgeable};
use super::outcome::Outcome;
use super::troubled::{Troubled, each, trouble_of};

const REFUSED: &[&str] = &["settle/refused", "flow/late-failure"];

pub(super) const NO_DELIVERY: Check = Check {
    id: "SRV-SETF-001",
    title: "Nothing is delivered when the settlement fails",
    requirement: "When /settle answers `success: false`, nothing of the paid content leaves: not in the body, not in a header, not in part.",
    observe: "A good payment whose settlement our facilitator refuses with HTTP 200 and success: false.",
    good: "402 with the failed receipt and an empty body",
    bad: "200 with the content, or a 402 whose body or header holds it",
    source: "transports HTTP status table, \"Payment Failed\"",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: REFUSED,
    judge: no_delivery,
    cause: "the outcome of /settle is not looked at, or the buffered answer of the handler is sent with another status",
    fix: "send the handler's answer only after success is true; on failure discard its body and its headers",
    tags: &["CWE-841", "CWE-863"],
    killed_by: &[
        "settle-ignored",
        "settle-any-200-is-success",
        "leak-on-settle-failure",
        "leak-in-header",
    ],
};

pub(super) const STATUS: Check = Check {
    id: "SRV-SETF-002",
    title: "A failed settlement is answered 402",
    requirement: "When /settle answers `success: false`, the status is 402.",
    observe: "The status of the answer to a payment whose settlement our facilitator refuses.",
    good: "402",
    bad: "200, or 500",
    judge: status,
    cause: "a failed settlement is handled as an error of the server, or not at all",
    fix: "answer 402 when success is false",
    killed_by: &["settle-ignored", "settle-any-200-is-success"],
    ..NO_DELIVERY
};

pub(super) const RECEIPT: Check = Check {
    id: "SRV-SETF-003",
    title: "A failed settlement is told in PAYMENT-RESPONSE",
    requirement: "The answer to a failed settlement carries `PAYMENT-RESPONSE` with `success: false` and `errorReason`.",
    observe: "The settlement header of the answer to a payment whose settlement our facilitator refuses.",
    good: "PAYMENT-RESPONSE: {\"success\":false,\"errorReason\":\"...\",\"transaction\":\"\",\"network\":\"...\"}",
    bad: "no header, or one that says success: true",
    source: "transports-v2/http, example of a failed payment",
    versions: V2,
    grade: Grade::Warn,
    judge: receipt,
    cause: "the settlement header is set on success alone, or written by hand",
    fix: "set PAYMENT-RESPONSE from the facilitator's settle answer, whatever it says",
    tags: &[],
    killed_by: &["receipt-claims-success"],
    ..NO_DELIVERY
};

pub(super) const RECEIPT_V1: Check = Check {
    id: "SRV-SETF-004",
    title: "Whether a failed settlement is told in X-PAYMENT-RESPONSE",
    requirement: "`X-PAYMENT-RESPONSE` is present when the settlement failed: the example shows it, v1 SDKs omit it.",
    observe: "The settlement header of the answer to a payment whose settlement our facilitator refuses.",
    good: "X-PAYMENT-RESPONSE with success: false",
    bad: "nothing is: either is recorded",
    source: "transports-v1/http, example of a failed payment",
    versions: V1,
    grade: Grade::Info,
    judge: |judged, version| presence(judged, version, Version::V1.settlement_header()),
    cause: "the settlement header is set on success alone",
    fix: "none needed",
    tags: &[],
    killed_by: &[],
    ..NO_DELIVERY
};

pub(super) const CHALLENGE: Check = Check {
    id: "SRV-SETF-005",
    title: "Whether a failed settlement is answered with a fresh challenge",
    requirement: "`PAYMENT-REQUIRED` is present on the 402 after a failed settlement: the documents are silent, SDKs do not send it.",
    observe: "The header of the answer to a payment whose settlement our facilitator refuses.",
    good: "either: it is recorded",
    bad: "nothing is",
    source: "the specification is silent",
    versions: V2,
    level: Level::Open,
    grade: Grade::Info,
    judge: |judged, version| {
        presence(
            judged,
            version,
            x402_assay_protocol::header::PAYMENT_REQUIRED,
        )
    },
    cause: "the specification leaves it open",
    fix: "none needed",
    tags: &[],
    killed_by: &[],
    ..NO_DELIVERY
};

pub(super) const TRANSACTION: Check = Check {
    id: "SRV-SETF-006",
    title: "A failed receipt names no transaction, or the one that was broadcast",
    requirement: "On failure `transaction` is \"\", or the broadcast hash for reverted and pending cases.",
    observe: "`transaction` of the settlement header against what our facilitator answered.",
    good: "\"transaction\": \"\" when nothing was broadcast",
    bad: "a hash that our facilitator never named, or null",
    source: "x402 v2 specification, section 5.3.2",
    grade: Grade::Warn,
    judge: transaction,
    cause: "the receipt of a failure is written by hand",
    fix: "pass on `transaction` of the facilitator's settle answer",
    tags: &["CWE-345"],
    killed_by: &["receipt-invents-transaction"],
    ..NO_DELIVERY
};

fn no_delivery(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, REFUSED, |one| {
        one.delivered(judged).unwrap_or_else(|| {
            let (probe, ending) = (one.exchange.probe(), one.exchange.ending());
            let text = format!("{probe}: {}, answered {ending}", trouble_of(&one.settles));
            Outcome::pass(text, one.evidence())
        })
    })
}

fn status(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, REFUSED, |one| {
        if let Some(outcome) = unjudgeable(one.exchange) {
            return outcome;
        }
        let (probe, ending) = (one.exchange.probe(), one.exchange.ending());
        let text = format!("{probe}: {}, answered {ending}", trouble_of(&one.settles));
        match one.exchange.status() {
            Some(402) => Outcome::pass(text, one.evidence()),
            Some(200..300) => Outcome::given(text, one.evidence()),
            _ => Outcome::warn(text, one.evidence()),
        }
    })
}

fn receipt(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let name = version.settlement_header();
    each(judged, version, REFUSED, |one| {
        if let Some(outcome) = unjudgeable(one.exchange) {
            return outcome;
        }
        let said = |text: String| Outcome::warn(text, one.evidence());
        match one.exchange.settlement(version) {
            None => said(format!("answered {} without {name}", one.exchange.ending())),
            Some(Err(error)) => said(format!("{name}: {error}")),
            Some(Ok(receipt)) if receipt.success != Some(false) => {
                said(format!("{name} does not say success: false"))
            }
            Some(Ok(receipt)) => match receipt.error_reason.as_deref() {
                None | Some("") => said(format!("{name} gives no errorReason")),
                Some(reason) => {
                    let text = format!("{name} says success: false ({reason})");
                    Outcome::pass(text, one.evidence())
                }
            },
        }
    })
}

/// Records whether the answer to a failed settlement has a header.
fn presence(judged: &Judged<'_, '_>, version: Version, name: &str) -> Outcome {
    each(judged, version, REFUSED, |one| {
        if let Some(outcome) = unjudgeable(one.exchange) {
            return outcome;
        }
        let is = match one.exchange.header(name) {
            Some(_) => "with",
            None => "without",
        };
        let text = format!("answered {} {is} {name}", one.exchange.ending());
        Outcome::warn(text, one.evidence())
    })
}

fn transaction(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, REFUSED, |one| {
        if let Some(outcome) = unjudgeable(one.exchange) {
            return outcome;
        }
        match one.exchange.settlement(version) {
            Some(Ok(receipt)) if receipt.success == Some(false) => named(one, receipt),
            _ => Outcome::skipped("no settlement header says that this settlement failed"),
        }
    })
}

fn named(one: &Troubled<'_, '_>, receipt: &Settlement) -> Outcome {
    let broadcast = |hash: &str| {
        let mut calls = one.settles.iter();
        calls.any(|call| {
            let said = call.response_text("transaction");
            let seen = call.broadcast.map(|seen| seen.transaction.to_string());
            said.is_some_and(|said| said.eq_ignore_ascii_case(hash))
                || seen.is_some_and(|seen| seen.eq_ignore_ascii_case(hash))
        })
    };
    match receipt.transaction.as_deref() {
        Some("") => Outcome::pass("transaction is empty", one.evidence()),
        Some(hash) if broadcast(hash) => {
            Outcome::pass("transaction is the one that was broadcast", one.evidence())
        }
        Some(hash) => {
            let text = format!("the failed receipt names {hash}, which our facilitator never did");
            Outcome::warn(text, one.evidence())
        }
        None => Outcome::warn(
            "the failed receipt has no text in `transaction`",
            one.evidence(),
        ),
    }
}
