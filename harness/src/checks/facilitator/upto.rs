//! Section Q: upto.

use alloy_primitives::U256;
use x402_assay_protocol::Version;

use super::asked::ROW;
use super::bytes::{Seen, refused, same, seen, units};
use super::permit2::{once, window};
use crate::checks::check::{Check, Grade, Level, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::history::DirectCall;

pub(super) const CEILING: Check = Check {
    id: "FAC-UPTO-001",
    title: "upto: never more than the ceiling",
    requirement: "A settlement of more than the signed ceiling fails.",
    observe: "Every settle call about an upto payment, judged from its bytes: the bench signs none.",
    good: "invalid_upto_evm_payload_settlement_exceeds_amount",
    bad: "success for more than was signed",
    source: "scheme_upto, section 4",
    versions: V2,
    level: Level::Must,
    judge: ceiling,
    cause: "the charge is not compared with the permitted amount",
    fix: "refuse what exceeds permitted.amount",
    tags: &["facilitator", "upto"],
    ..ROW
};

pub(super) const PARTIAL: Check = Check {
    id: "FAC-UPTO-002",
    title: "upto: what is charged is what was asked",
    requirement: "The answer's `amount` equals the amount that settle was asked for.",
    good: "\"amount\": \"400\" for a charge of 400",
    bad: "the ceiling is charged, or named",
    source: "scheme_upto_evm, section 3",
    judge: partial,
    cause: "the ceiling is passed on instead of the charge",
    fix: "settle paymentRequirements.amount, and name it in the answer",
    ..CEILING
};

pub(super) const ZERO: Check = Check {
    id: "FAC-UPTO-003",
    title: "upto: nothing used, nothing sent",
    requirement: "A settlement of zero succeeds without a transaction.",
    good: "{\"success\": true, \"transaction\": \"\", \"amount\": \"0\"}",
    bad: "a failure, or a transaction for nothing",
    source: "scheme_upto_evm, phase 4",
    grade: Grade::Warn,
    judge: zero,
    cause: "the proxy reverts on zero, and that is passed on",
    fix: "answer success without a transaction",
    ..CEILING
};

pub(super) const ONCE: Check = Check {
    id: "FAC-UPTO-004",
    title: "upto: an authorization settles once",
    requirement: "A second settlement of the same authorization fails, also after a partial one.",
    good: "permit2_invalid_nonce",
    bad: "success again",
    source: "scheme_upto, section 1",
    judge: |judged, version| once(&seen(judged, version, is_upto), WHAT),
    cause: "the nonce is not looked at",
    fix: "refuse nonces that are used",
    ..CEILING
};

pub(super) const VERIFIED: Check = Check {
    id: "FAC-UPTO-005",
    title: "upto: verify wants the whole ceiling",
    requirement: "Verify demands that the permitted amount equals the required one.",
    observe: "Every verify call about an upto payment, judged from its bytes.",
    good: "permit2_amount_mismatch for another ceiling",
    bad: "valid for less",
    source: "scheme_upto_evm, phase 3 step 4",
    judge: verified,
    cause: "the comparison is missing",
    fix: "require equality at verify",
    ..CEILING
};

pub(super) const FACILITATOR: Check = Check {
    id: "FAC-UPTO-006",
    title: "upto: the witness names the facilitator",
    requirement: "`witness.facilitator` that is none of its own addresses gets a negative verdict.",
    observe: "Every call about an upto payment, against the addresses of /supported.",
    good: "upto_facilitator_mismatch",
    bad: "valid: the proxy refuses the settlement",
    source: "scheme_upto_evm, \"Facilitator Address Discovery\"",
    judge: facilitator,
    cause: "the witness is not compared",
    fix: "compare witness.facilitator with the accounts in use",
    ..CEILING
};

pub(super) const EIP3009: Check = Check {
    id: "FAC-UPTO-007",
    title: "upto: an EIP-3009 payload is refused",
    requirement: "An EIP-3009 authorization under upto gets a negative verdict.",
    good: "unsupported_payload_type",
    bad: "valid: a fixed amount cannot be charged in part",
    source: "scheme_upto_evm",
    judge: eip3009,
    cause: "the payload's kind decides, not the scheme",
    fix: "refuse payloads without permit2Authorization under upto",
    ..CEILING
};

pub(super) const BOUNDS: Check = Check {
    id: "FAC-UPTO-008",
    title: "upto: recipient and time are checked",
    requirement: "Recipient, deadline, validAfter and token are enforced as under exact with Permit2.",
    good: "invalid_permit2_recipient_mismatch",
    bad: "valid for somebody else",
    source: "scheme_upto, core properties",
    judge: bounds,
    cause: "only the signature is looked at",
    fix: "check witness.to, deadline, witness.validAfter and permitted.token",
    ..CEILING
};

const WHAT: &str = "upto";
const CEILING_AT: &str = "/permit2Authorization/permitted/amount";

fn is_upto(seen: &Seen<'_>) -> bool {
    seen.term("scheme") == "upto"
}

fn permitted(one: &Seen<'_>) -> Option<U256> {
    units(one.payload_text(CEILING_AT))
}

fn ceiling(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused(&seen(judged, version, is_upto), WHAT, |one| {
        let exceeds = units(one.term("amount"))? > permitted(one)?;
        (one.is_settle() && exceeds).then(|| "more than the ceiling is charged".to_owned())
    })
}

fn partial(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_upto);
    let settled = all
        .iter()
        .filter(|one| one.is_settle() && one.call.says_yes());
    let outcome: Outcome = settled
        .map(|one| {
            let named = one.call.response_text("amount");
            match named.and_then(units) == units(one.term("amount")) {
                true => Outcome::pass("the charge is named", one.evidence()),
                false => Outcome::fail(
                    format!(
                        "amount {named:?} in the answer, {:?} was asked",
                        one.term("amount")
                    ),
                    one.evidence(),
                ),
            }
        })
        .collect();
    outcome.or_skipped(format!("no payer for {WHAT}: nothing was settled"))
}

fn zero(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_upto);
    let of_zero = all
        .iter()
        .filter(|one| one.is_settle() && units(one.term("amount")) == Some(U256::ZERO));
    let outcome: Outcome = of_zero
        .map(|one| {
            let hash = one.call.response_text("transaction").unwrap_or_default();
            match (one.call.says_yes(), hash.is_empty()) {
                (true, true) => Outcome::pass("nothing charged, nothing sent", one.evidence()),
                (true, false) => Outcome::warn("a transaction for nothing", one.evidence()),
                (false, _) => Outcome::warn("a settlement of zero failed", one.evidence()),
            }
        })
        .collect();
    outcome.or_skipped(format!(
        "no payer for {WHAT}: no settlement of zero was seen"
    ))
}

fn verified(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused(&seen(judged, version, is_upto), WHAT, |one| {
        let differs = units(one.term("amount"))? != permitted(one)?;
        (!one.is_settle() && differs).then(|| "the ceiling is not the required amount".to_owned())
    })
}

fn facilitator(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let own: Vec<String> = judged
        .facts
        .exchanges
        .iter()
        .filter_map(DirectCall::of)
        .filter(|call| call.exchange.sent.path.ends_with("/supported"))
        .filter_map(|call| {
            Some(
                call.exchange
                    .body_json()?
                    .get("signers")?
                    .to_string()
                    .to_ascii_lowercase(),
            )
        })
        .collect();
    let all = seen(judged, version, is_upto);
    if own.is_empty() {
        return Outcome::skipped("/supported names no signers to compare with");
    }
    refused(&all, WHAT, |one| {
        let named = one.payload_text("/permit2Authorization/witness/facilitator");
        let known = own
            .iter()
            .any(|own| own.contains(&named.to_ascii_lowercase()));
        (!named.is_empty() && !known).then(|| "witness.facilitator is nobody's".to_owned())
    })
}

fn eip3009(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused(&seen(judged, version, is_upto), WHAT, |one| {
        let plain = one.payload("/authorization").is_some()
            && one.payload("/permit2Authorization").is_none();
        plain.then(|| "the payload is one of EIP-3009".to_owned())
    })
}

fn bounds(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused(&seen(judged, version, is_upto), WHAT, |one| {
        one.payload("/permit2Authorization")?;
        let to = one.payload_text("/permit2Authorization/witness/to");
        if !same(to, one.term("payTo")) {
            return Some("witness.to is not payTo".to_owned());
        }
        window(one)
    })
}

/// What verify and settle were asked for one payment.
pub(super) fn recorded_amounts(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_upto);
    let outcome: Outcome = all
        .iter()
        .filter(|one| !one.is_settle())
        .filter_map(|verify| {
            let settle = all
                .iter()
                .find(|other| other.is_settle() && other.payment == verify.payment)?;
            let text = format!(
                "{} at verify, {} at settle",
                verify.term("amount"),
                settle.term("amount")
            );
            Some(Outcome::info(text, settle.evidence()))
        })
        .collect();
    outcome.or_skipped(format!(
        "no payer for {WHAT}: no payment was verified and settled"
    ))
}
