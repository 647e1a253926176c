//! Section M: what the chain's state decides, what is written wrongly, and odd signatures.

use x402_assay_protocol::Version;

use super::asked::{
    ROW, Said, all_refused, calls, each, evidence, is_cut, recorded, said, told, unjudgeable,
    with_control,
};
use super::verify_answers::of_case;
use crate::checks::check::{Check, Grade, Level};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::client::facilitator::MALFORMED_FACILITATOR;
use crate::history::DirectCall;

pub(super) const FUNDS: Check = Check {
    id: "FAC-VERIFY-016",
    title: "A payer without the money is refused",
    requirement: "A payer who holds less than the amount gets a negative verdict.",
    observe: "A validly signed payment of an account that holds none of the token.",
    good: "isValid false",
    bad: "isValid true: the server works for nothing, the facilitator burns gas",
    source: "x402 specification, section 6.1.2 step 2",
    probes: &["verify/poor"],
    judge: |judged, version| all_refused(judged, version, &["poor"]),
    cause: "neither balance nor simulation is asked for",
    fix: "read the balance, or simulate the transfer",
    tags: &["facilitator", "CWE-754"],
    killed_by: &["verify-without-simulation", "anything-is-valid"],
    ..ROW
};

pub(super) const USED: Check = Check {
    id: "FAC-VERIFY-017",
    title: "A used authorization is refused",
    requirement: "An authorization whose nonce is used on the chain gets a negative verdict.",
    observe: "A payment that was settled is verified again.",
    good: "isValid false",
    bad: "isValid true: a second server delivers for it",
    source: "x402 specification, sections 6.1.2 step 6 and 10.1",
    probes: &["verify/used"],
    judge: used,
    cause: "authorizationState is not asked and the transfer not simulated",
    fix: "ask the token for the state of the nonce, or simulate",
    tags: &["facilitator", "CWE-294"],
    killed_by: &[
        "verify-without-simulation",
        "verify-cached",
        "anything-is-valid",
    ],
    ..ROW
};

pub(super) const MALFORMED: Check = Check {
    id: "FAC-VERIFY-023",
    title: "A malformed payment is refused and hurts nobody",
    requirement: "A payment with missing members, wrong types or impossible numbers never verifies, and the service goes on.",
    observe: "Eleven malformed payments, then a good one; the very amount as a number or in hex may be read and is recorded.",
    good: "isValid false with invalid_payload, or a 400",
    bad: "isValid true for a negative value, or no answer any more",
    source: "x402 specification, section 9 (invalid_payload)",
    level: Level::Derived,
    probes: &["verify/no-signature"],
    judge: malformed,
    cause: "the payload is used before it is checked",
    fix: "check every member's type and range first, and answer invalid_payload",
    tags: &["facilitator", "CWE-20", "CWE-248"],
    killed_by: &["malformed-crashes", "missing-parts-are-valid"],
    ..ROW
};

pub(super) const WITHOUT_DOMAIN: Check = Check {
    id: "FAC-VERIFY-024",
    title: "Requirements without name and version are answered",
    requirement: "Without `extra.name` and `extra.version` the verdict is negative or taken from the chain; nothing breaks.",
    observe: "A good payment for requirements with an empty `extra`.",
    good: "isValid false (missing_eip712_domain), or true with the token's own values",
    bad: "500 without a reason, or a closed connection",
    source: "SDK facilitators",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["verify/without-domain"],
    judge: without_domain,
    cause: "`extra` is used as if it were always there",
    fix: "answer missing_eip712_domain, or read name and version from the token",
    tags: &["facilitator", "CWE-248"],
    killed_by: &["missing-domain-crashes"],
    ..ROW
};

pub(super) const MALLEABLE: Check = Check {
    id: "FAC-VERIFY-025",
    title: "Other forms of a signature settle where they verify",
    requirement: "High-s and small-v forms may be taken or refused; what is called valid must settle.",
    observe: "A signature with s in the upper half, and one that ends in 0 or 1, at verify and settle.",
    good: "refused by both, or settled",
    bad: "valid, and then refused by the token",
    source: "EIP-2, FiatToken",
    level: Level::Sdk,
    grade: Grade::Warn,
    probes: &["verify/high-s", "verify/small-v"],
    judge: malleable,
    cause: "the library recovers forms that the token refuses, and the transfer is not simulated",
    fix: "normalise the signature before it is sent, or refuse the form",
    killed_by: &["high-s-is-valid"],
    ..ROW
};

pub(super) const WALLETS: Check = Check {
    id: "FAC-VERIFY-026",
    title: "What becomes of wallets that are contracts",
    requirement: "Support for ERC-1271 and undeployed ERC-6492 wallets is left to the facilitator.",
    observe: "A payment of a wallet that is not deployed, with its owner's signature inside; the scenarios smart-wallet and smart-wallet-undeployed look further.",
    good: "either verdict",
    bad: "nothing: it is recorded",
    source: "SDK facilitators",
    level: Level::Sdk,
    grade: Grade::Info,
    probes: &["verify/undeployed"],
    judge: |judged, version| recorded(judged, version, &["verify/undeployed"]),
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

pub(super) const NO_TOKEN: Check = Check {
    id: "FAC-VERIFY-029",
    title: "An asset without code is refused",
    requirement: "An asset that is no contract, or has no EIP-3009, gets a negative verdict.",
    observe: "Requirements and signature name an address without code as the token.",
    good: "isValid false",
    bad: "isValid true: a call to no code always succeeds",
    source: "follows from the simulation step; the TypeScript and Python SDKs check it",
    level: Level::Derived,
    probes: &["verify/asset-without-code"],
    judge: |judged, version| all_refused(judged, version, &["asset-without-code"]),
    cause: "a call to an address without code returns success, and nothing else is looked at",
    fix: "ask for the code of the asset, and read the Transfer log after settling",
    tags: &["facilitator", "CWE-252"],
    killed_by: &["codeless-asset-succeeds", "anything-is-valid"],
    ..ROW
};

pub(super) const CANCELLED: Check = Check {
    id: "FAC-VERIFY-030",
    title: "A cancelled authorization is refused",
    requirement: "An authorization that its payer cancelled gets a negative verdict.",
    observe: "A payment that was valid is cancelled on the chain and verified again.",
    good: "isValid false",
    bad: "isValid true: the payer took it back",
    source: "follows from the simulation step",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["verify/cancelled"],
    judge: cancelled,
    cause: "the state of the nonce is remembered from an earlier call",
    fix: "ask the token each time",
    killed_by: &[
        "verify-without-simulation",
        "verify-cached",
        "anything-is-valid",
    ],
    ..ROW
};

fn used(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let settled = calls(judged, version, "settle/good").any(|call| {
        let moved = super::asked::book_of(judged, &call);
        moved.is_some_and(|book| !book.transfers.is_empty())
    });
    if !settled {
        return Outcome::skipped("control missing: the payment was not settled before");
    }
    each(judged, version, "verify/used", |call| {
        unjudgeable(call).unwrap_or_else(|| match said(call) {
            Said::Yes => Outcome::fail("a settled payment was called valid again", evidence(call)),
            Said::Nothing => Outcome::skipped("a success without a verdict (FAC-VERIFY-002)"),
            _ => Outcome::pass(format!("settled, then {}", told(call)), evidence(call)),
        })
    })
}

fn malformed(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let names: Vec<&str> = MALFORMED_FACILITATOR.iter().map(|case| case.name).collect();
    let mut outcome = Outcome::new();
    for name in &names {
        let probe = format!("verify/{name}");
        for exchange in judged.facts.probe(version, &probe) {
            let call = DirectCall { exchange };
            if is_cut(exchange) {
                let text = format!("{name}: {}", exchange.ending());
                outcome.add(Outcome::fail(text, evidence(&call)));
            } else if matches!(exchange.status(), Some(500..)) {
                let text = format!("{name}: {}", told(&call));
                outcome.add(Outcome::warn(text, evidence(&call)));
            }
        }
    }
    for probe in [
        "http/verify/no-payload",
        "http/verify/no-requirements",
        "http/verify/empty-object",
    ] {
        let valid = calls(judged, version, probe).filter(|call| said(call) == Said::Yes);
        outcome.add(
            valid
                .map(|call| Outcome::fail(format!("{probe}: called valid"), evidence(&call)))
                .collect(),
        );
    }
    let after = calls(judged, version, "verify/after-malformed").map(|call| match said(&call) {
        Said::Yes => Outcome::pass("a good payment was valid afterwards", evidence(&call)),
        Said::Trouble if is_cut(call.exchange) => {
            Outcome::fail("the service did not answer afterwards", evidence(&call))
        }
        _ => Outcome::new(),
    });
    outcome.add(after.collect());
    let verdicts = all_refused(judged, version, &names);
    // What was cut off is judged above; here it would be our own trouble.
    let cut = names.iter().any(|name| {
        let probe = format!("verify/{name}");
        judged.facts.probe(version, &probe).any(is_cut)
    });
    match cut {
        true => outcome,
        false => with_control(judged, version, outcome.merge(verdicts)),
    }
}

fn without_domain(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, "verify/without-domain", |call| {
        let exchange = call.exchange;
        let crashed = matches!(exchange.status(), Some(500..)) && call.reason().is_none();
        if is_cut(exchange) || crashed {
            let text = format!("{} for requirements without extra.name", exchange.ending());
            return Outcome::warn(text, evidence(call));
        }
        unjudgeable(call).unwrap_or_else(|| Outcome::pass(told(call), evidence(call)))
    })
}

fn malleable(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for name in ["high-s", "small-v"] {
        let (verify, settle) = (format!("verify/{name}"), format!("settle/{name}"));
        let verified = of_case(judged, version, &verify);
        let settled = of_case(judged, version, &settle);
        let (Some((verified, mut pieces)), Some((settled, more))) = (verified, settled) else {
            continue;
        };
        for piece in more {
            if !pieces.contains(&piece) {
                pieces.push(piece);
            }
        }
        outcome.add(match (verified, settled) {
            (Said::Trouble, _) | (_, Said::Trouble) => Outcome::new(),
            (Said::Yes, Said::Yes) => Outcome::info(format!("{name}: valid and settled"), pieces),
            (Said::Yes, _) => Outcome::warn(format!("{name}: valid, and not settled"), pieces),
            (_, Said::Yes) => Outcome::info(format!("{name}: refused, and settled"), pieces),
            _ => Outcome::info(format!("{name}: refused"), pieces),
        });
    }
    outcome.or_skipped("no other form of a signature was answered")
}

fn cancelled(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let before =
        calls(judged, version, "verify/before-cancel").any(|call| said(&call) == Said::Yes);
    if !before {
        return Outcome::skipped("control missing: the payment was not valid before");
    }
    each(judged, version, "verify/cancelled", |call| {
        unjudgeable(call).unwrap_or_else(|| match said(call) {
            Said::Yes => Outcome::warn("a cancelled payment was called valid", evidence(call)),
            _ => Outcome::pass(format!("cancelled, then {}", told(call)), evidence(call)),
        })
    })
}
