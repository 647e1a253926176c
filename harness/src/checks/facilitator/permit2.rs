//! Section Q: Permit2.

use std::collections::BTreeMap;

use x402_assay_protocol::Version;

use super::asked::ROW;
use super::bytes::{Seen, refused, same, seen, units};
use crate::checks::check::{Check, Grade, Level, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;

/// The proxy that settles `exact` with Permit2 (wire-format section 5.2).
const EXACT_PROXY: &str = "0x402085c248EeA27D92E8b30b2C58ed07f9E20001";
/// Seconds before a deadline at which refusing is common.
const MARGIN_S: u64 = 6;

pub(super) const SPENDER: Check = Check {
    id: "FAC-P2-001",
    title: "Permit2: the spender is the exact proxy",
    requirement: "A Permit2 authorization for another spender than the exact proxy gets a negative verdict.",
    observe: "Every call about an exact Permit2 payment, judged from its bytes: the bench signs none.",
    good: "invalid_permit2_spender",
    bad: "valid: whoever the spender is may take the money",
    source: "scheme_exact_evm, section 2",
    versions: V2,
    judge: |judged, version| rule(judged, version, spender),
    cause: "spender is not compared",
    fix: "compare it with the canonical proxy",
    tags: &["facilitator", "permit2"],
    ..ROW
};

pub(super) const RECIPIENT: Check = Check {
    id: "FAC-P2-002",
    title: "Permit2: the witness names payTo",
    requirement: "`witness.to` that is not `payTo` gets a negative verdict.",
    good: "invalid_permit2_recipient_mismatch",
    bad: "valid: somebody else is paid",
    judge: |judged, version| rule(judged, version, recipient),
    cause: "the witness is not compared",
    fix: "compare witness.to with payTo",
    ..SPENDER
};

pub(super) const WINDOW: Check = Check {
    id: "FAC-P2-003",
    title: "Permit2: time and token are checked",
    requirement: "An expired deadline, a future validAfter and another token get a negative verdict.",
    good: "permit2_deadline_expired",
    bad: "valid: the proxy will revert",
    source: "scheme_exact_evm, phase 3",
    judge: |judged, version| rule(judged, version, window),
    cause: "only the signature is looked at",
    fix: "check deadline, witness.validAfter and permitted.token",
    ..SPENDER
};

pub(super) const AMOUNT: Check = Check {
    id: "FAC-P2-004",
    title: "Permit2: the amount is covered",
    requirement: "A permitted amount below the required one gets a negative verdict; what a higher one gets is recorded.",
    good: "permit2_amount_mismatch",
    bad: "valid for less",
    source: "scheme_exact_evm, section 2",
    judge: amount,
    cause: "the amount is not compared",
    fix: "compare permitted.amount with the required amount",
    ..SPENDER
};

pub(super) const ALLOWANCE: Check = Check {
    id: "FAC-P2-005",
    title: "Permit2: how a missing allowance is told",
    requirement: "A missing allowance is told with 412 and PERMIT2_ALLOWANCE_REQUIRED, or with a verdict of that reason: the texts differ.",
    observe: "Every answer about a Permit2 payment whose reason names the allowance.",
    good: "either form",
    bad: "nothing: it is recorded",
    source: "scheme_exact_evm against the SDKs",
    level: Level::Open,
    grade: Grade::Info,
    judge: allowance,
    cause: "nothing to correct",
    fix: "nothing to do",
    ..SPENDER
};

pub(super) const NONCE: Check = Check {
    id: "FAC-P2-006",
    title: "Permit2: a nonce settles once",
    requirement: "A Permit2 nonce that was settled is refused by verify and by settle.",
    observe: "Calls about a payer and nonce after a settlement of them said success.",
    good: "permit2_invalid_nonce",
    bad: "success again, with another transaction",
    source: "follows from the nonce bitmap",
    level: Level::Derived,
    judge: nonce,
    cause: "the bitmap is not asked",
    fix: "read nonceBitmap, or simulate",
    ..SPENDER
};

pub(super) const SIMULATED: Check = Check {
    id: "FAC-P2-007",
    title: "Permit2: whether verify simulates",
    requirement: "Simulation is recommended.",
    observe: "Permit2 payments that were called valid, and what settle made of them.",
    good: "valid and settled",
    bad: "nothing: it is recorded",
    source: "scheme_exact_evm, phase 3 (SHOULD)",
    level: Level::Should,
    grade: Grade::Info,
    judge: simulated,
    cause: "nothing to correct",
    fix: "nothing to do",
    ..SPENDER
};

const WHAT: &str = "exact with Permit2";

fn is_permit2(seen: &Seen<'_>) -> bool {
    seen.payload("/permit2Authorization").is_some() && seen.term("scheme") == "exact"
}

fn rule(
    judged: &Judged<'_, '_>,
    version: Version,
    breaks: fn(&Seen<'_>) -> Option<String>,
) -> Outcome {
    refused(&seen(judged, version, is_permit2), WHAT, breaks)
}

fn spender(one: &Seen<'_>) -> Option<String> {
    let spender = one.payload_text("/permit2Authorization/spender");
    (!same(spender, EXACT_PROXY)).then(|| "the spender is not the exact proxy".to_owned())
}

fn recipient(one: &Seen<'_>) -> Option<String> {
    let to = one.payload_text("/permit2Authorization/witness/to");
    (!same(to, one.term("payTo"))).then(|| "witness.to is not payTo".to_owned())
}

/// Deadline, beginning and token; what is within the margin of the clock is left alone.
pub(super) fn window(one: &Seen<'_>) -> Option<String> {
    let now = one.call.received_at_us / 1_000_000;
    let number = |pointer: &str| units(one.payload_text(pointer))?.try_into().ok();
    let deadline: Option<u64> = number("/permit2Authorization/deadline");
    let after: Option<u64> = number("/permit2Authorization/witness/validAfter");
    let token = one.payload_text("/permit2Authorization/permitted/token");
    if deadline.is_some_and(|deadline| deadline < now) {
        return Some("the deadline has passed".to_owned());
    }
    if after.is_some_and(|after| after > now + MARGIN_S) {
        return Some("validAfter lies ahead".to_owned());
    }
    (!same(token, one.term("asset"))).then(|| "permitted.token is not the asset".to_owned())
}

fn amount(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_permit2);
    let compared = |one: &Seen<'_>| {
        let permitted = units(one.payload_text("/permit2Authorization/permitted/amount"))?;
        Some(permitted.cmp(&units(one.term("amount"))?))
    };
    let mut outcome = Outcome::new();
    for one in &all {
        if compared(one) == Some(std::cmp::Ordering::Greater) {
            let word = if one.call.says_yes() { "yes" } else { "no" };
            outcome.add(Outcome::info(
                format!("more than required: {word}"),
                one.evidence(),
            ));
        }
    }
    let low = refused(&all, WHAT, |one| {
        (compared(one) == Some(std::cmp::Ordering::Less))
            .then(|| "less than required is permitted".to_owned())
    });
    match outcome.is_empty() {
        true => low,
        false => outcome.merge(low),
    }
}

fn allowance(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_permit2);
    let outcome: Outcome = all
        .iter()
        .filter(|one| {
            let reason = one
                .call
                .reason()
                .or_else(|| one.call.response_text("error"));
            reason.is_some_and(|reason| reason.to_ascii_lowercase().contains("allowance"))
        })
        .map(|one| {
            let status = one.call.answer.map_or(0, |answer| answer.status);
            Outcome::info(
                format!("a missing allowance is told with {status}"),
                one.evidence(),
            )
        })
        .collect();
    outcome.or_skipped(format!(
        "no payer for {WHAT}: no missing allowance was seen"
    ))
}

fn nonce(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    once(&seen(judged, version, is_permit2), WHAT)
}

/// Nothing is said yes to after a settlement of the same payer and nonce, but for the same transaction.
pub(super) fn once(all: &[Seen<'_>], what: &str) -> Outcome {
    let mut settled: BTreeMap<(String, String), (u64, String)> = BTreeMap::new();
    let mut outcome = Outcome::new();
    for one in all {
        let place = |name: &str| one.payload_text(name).to_ascii_lowercase();
        let key = (
            place("/permit2Authorization/from"),
            place("/permit2Authorization/nonce"),
        );
        let hash = one.call.response_text("transaction").unwrap_or_default();
        let hash = hash.to_ascii_lowercase();
        let earlier = settled
            .get(&key)
            .filter(|(at, _)| *at < one.call.received_at_us);
        if let Some((_, first)) = earlier {
            outcome.add(match one.call.says_yes() {
                true if one.is_settle() && hash == *first => {
                    Outcome::info("the same transaction again", one.evidence())
                }
                true => Outcome::fail(
                    format!("{}: yes for a nonce that was settled", one.call.path()),
                    one.evidence(),
                ),
                false => Outcome::pass("a settled nonce was refused", one.evidence()),
            });
        } else if one.is_settle() && one.call.says_yes() && !hash.is_empty() {
            let at = one.call.ended_at_us().unwrap_or(one.call.received_at_us);
            settled.insert(key, (at, hash));
        }
    }
    outcome.or_skipped(format!("no payer for {what}: no nonce was used twice"))
}

fn simulated(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_permit2);
    let outcome: Outcome = all
        .iter()
        .filter(|one| !one.is_settle() && one.call.says_yes())
        .filter_map(|valid| {
            let settle = all
                .iter()
                .find(|other| other.is_settle() && other.payment == valid.payment)?;
            let word = if settle.call.says_yes() {
                "settled"
            } else {
                "not settled"
            };
            Some(Outcome::info(
                format!("valid, and {word}"),
                settle.evidence(),
            ))
        })
        .collect();
    outcome.or_skipped(format!(
        "no payer for {WHAT}: nothing was verified and settled"
    ))
}
