//! Section Q: gas sponsoring.

use alloy_primitives::hex;
use serde_json::Value;
use x402_assay_protocol::Version;

use super::asked::ROW;
use super::bytes::{Seen, refused, same, seen, units};
use crate::checks::check::{Check, Grade, Level, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;

/// Permit2 (wire-format section 5.2).
const PERMIT2: &str = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
/// Selector of `approve`.
const APPROVE: &str = "095ea7b3";

pub(super) const SPENDER: Check = Check {
    id: "FAC-GAS-001",
    title: "EIP-2612: the spender is Permit2",
    requirement: "EIP-2612 information whose spender is not Permit2 gets a negative verdict.",
    observe: "Every call with eip2612GasSponsoring, judged from its bytes: the bench signs none.",
    good: "eip2612_spender_not_permit2",
    bad: "valid: the allowance goes to somebody else",
    source: "eip2612GasSponsoring, \"Verification Logic\"",
    versions: V2,
    level: Level::Must,
    judge: spender,
    cause: "spender is not compared",
    fix: "compare it with the canonical Permit2 address",
    tags: &["facilitator", "permit2", "gas"],
    ..ROW
};

pub(super) const AMOUNT: Check = Check {
    id: "FAC-GAS-002",
    title: "EIP-2612: which amount is approved",
    requirement: "The document names the greatest number, the deployed proxy the exact amount.",
    good: "either",
    bad: "nothing: it is recorded",
    source: "eip2612GasSponsoring against the deployed contract",
    level: Level::Open,
    grade: Grade::Info,
    judge: amount,
    cause: "nothing to correct",
    fix: "nothing to do",
    ..SPENDER
};

pub(super) const APPROVAL: Check = Check {
    id: "FAC-GAS-003",
    title: "ERC-20 approval: spender, target and call data agree",
    requirement: "An approval whose spender, target or call data is not an approval of the asset for Permit2 gets a negative verdict.",
    observe: "Every call with erc20ApprovalGasSponsoring, judged from its bytes: information against the signed transaction.",
    good: "erc20_approval_tx_wrong_spender",
    bad: "valid: the facilitator broadcasts a stranger's transaction",
    source: "erc20ApprovalGasSponsoring",
    judge: approval,
    cause: "the signed transaction is broadcast as it came",
    fix: "decode it, and compare target, selector, spender and signer",
    ..SPENDER
};

pub(super) const ATOMIC: Check = Check {
    id: "FAC-GAS-004",
    title: "ERC-20 approval: funding, approval and settlement are one",
    requirement: "There is no state in which the payer was funded and the settlement failed.",
    observe: "Every settle call with erc20ApprovalGasSponsoring: a failure that names a transaction left something behind.",
    good: "success, or a failure before anything was sent",
    bad: "the payer has the gas, the facilitator nothing",
    source: "erc20ApprovalGasSponsoring",
    level: Level::MustDerived,
    grade: Grade::Warn,
    judge: atomic,
    cause: "three transactions are sent one after the other",
    fix: "bundle them",
    ..SPENDER
};

const EIP2612: &str = "eip2612GasSponsoring";
const ERC20: &str = "erc20ApprovalGasSponsoring";

fn info<'c>(seen: &Seen<'c>, name: &str) -> Option<&'c Value> {
    let extension = seen.payment.get("extensions")?.get(name)?;
    // Some write the members beside `info`.
    Some(
        extension
            .get("info")
            .filter(|info| info.get("spender").is_some())
            .unwrap_or(extension),
    )
}

fn text<'c>(info: &'c Value, name: &str) -> &'c str {
    info.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn has_eip2612(seen: &Seen<'_>) -> bool {
    info(seen, EIP2612).is_some()
}

fn has_erc20(seen: &Seen<'_>) -> bool {
    info(seen, ERC20).is_some()
}

fn spender(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused(&seen(judged, version, has_eip2612), EIP2612, |one| {
        let spender = text(info(one, EIP2612)?, "spender");
        (!same(spender, PERMIT2)).then(|| "the spender is not Permit2".to_owned())
    })
}

fn amount(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, has_eip2612);
    let outcome: Outcome = all
        .iter()
        .filter_map(|one| {
            let approved = units(text(info(one, EIP2612)?, "amount"))?;
            let exact = Some(approved) == units(one.term("amount"));
            let word = if exact {
                "the exact amount"
            } else {
                "another amount"
            };
            let answer = if one.call.says_yes() { "yes" } else { "no" };
            Some(Outcome::info(
                format!("{word} is approved: {answer}"),
                one.evidence(),
            ))
        })
        .collect();
    outcome.or_skipped(format!("no payer for {EIP2612}: no such call was seen"))
}

fn approval(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused(&seen(judged, version, has_erc20), ERC20, |one| {
        let info = info(one, ERC20)?;
        let bare = |address: &str| address.trim_start_matches("0x").to_ascii_lowercase();
        if !same(text(info, "spender"), PERMIT2) {
            return Some("the spender is not Permit2".to_owned());
        }
        if !same(text(info, "asset"), one.term("asset")) {
            return Some("the asset is not the required one".to_owned());
        }
        let signed = bare(text(info, "signedTransaction"));
        hex::decode(&signed).ok()?;
        let call = format!("{APPROVE}{:0>64}", bare(PERMIT2));
        if !signed.contains(&call) {
            return Some("the signed transaction approves nothing for Permit2".to_owned());
        }
        let target = format!("94{}", bare(one.term("asset")));
        (!signed.contains(&target))
            .then(|| "the signed transaction calls another contract".to_owned())
    })
}

fn atomic(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, has_erc20);
    let settles = all
        .iter()
        .filter(|one| one.is_settle() && one.call.answer.is_some());
    let outcome: Outcome = settles
        .map(|one| {
            let hash = one.call.response_text("transaction").unwrap_or_default();
            match (one.call.says_yes(), hash.is_empty()) {
                (true, _) => Outcome::pass("settled", one.evidence()),
                (false, true) => Outcome::pass("failed before anything was sent", one.evidence()),
                (false, false) => Outcome::warn(
                    "the settlement failed, and a transaction was sent",
                    one.evidence(),
                ),
            }
        })
        .collect();
    outcome.or_skipped(format!("no payer for {ERC20}: no such call was settled"))
}
