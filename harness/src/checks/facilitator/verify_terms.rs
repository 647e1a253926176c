//! Section M: what was signed against what is required.

use x402_assay_protocol::Version;

use super::asked::{ROW, all_refused, recorded};
use crate::checks::check::{Check, Grade, Level, V1, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;

const SIGNATURES: &[&str] = &[
    "signature-flipped",
    "signature-stranger",
    "signature-cut",
    "signature-empty",
    "signature-not-hex",
    "signed-chain",
    "signed-name",
    "signed-version",
    "signed-contract",
    "undeployed-broken",
];

pub(super) const SIGNATURE: Check = Check {
    id: "FAC-VERIFY-005",
    title: "A bad signature is refused",
    requirement: "A signature that is not the payer's, over another domain, or no signature, gets a negative verdict.",
    observe: "Ten payments: a flipped byte, another key, other chain id, name, version or contract in the domain, cut, empty, no hex, and a broken signature inside the form of an undeployed wallet.",
    good: "isValid false with a reason",
    bad: "isValid true for a signature of somebody else",
    source: "x402 specification, section 6.1.2 step 1",
    probes: &["verify/signature-flipped"],
    judge: |judged, version| all_refused(judged, version, SIGNATURES),
    cause: "the signature is not recovered, or not compared with `from`, or the domain is taken from the request alone",
    fix: "recover the signer over the token's own EIP-712 domain and compare it with `from`; ask contract wallets by simulation",
    tags: &["facilitator", "CWE-347"],
    killed_by: &[
        "signature-not-checked",
        "anything-is-valid",
        "undeployed-is-valid",
    ],
    ..ROW
};

pub(super) const AMOUNT_LOW: Check = Check {
    id: "FAC-VERIFY-006",
    title: "Less than the required amount is refused",
    requirement: "An authorization of less than the required amount gets a negative verdict.",
    observe: "A payment that signs one base unit less than required.",
    good: "isValid false",
    bad: "isValid true: the server sells below its price",
    source: "x402 specification, section 6.1.2 step 3",
    probes: &["verify/amount-low"],
    judge: |judged, version| all_refused(judged, version, &["amount-low"]),
    cause: "the signed value is not compared with the required amount",
    fix: "compare value and amount as whole numbers, not as texts or floats",
    tags: &["facilitator", "CWE-20"],
    killed_by: &["amount-not-compared", "anything-is-valid"],
    ..ROW
};

pub(super) const AMOUNT_HIGH: Check = Check {
    id: "FAC-VERIFY-007",
    title: "More than the required amount is refused",
    requirement: "Under `exact` the authorized amount equals the required one.",
    observe: "A payment that signs one base unit more than required.",
    good: "isValid false",
    bad: "isValid true: the payer is charged more than the price",
    source: "x402 specification v2, sections 6.1.2 step 3 and 9",
    versions: V2,
    probes: &["verify/amount-high"],
    judge: |judged, version| all_refused(judged, version, &["amount-high"]),
    cause: "the comparison is `at least` instead of `equal`",
    fix: "require equality under exact",
    tags: &["facilitator", "CWE-20"],
    killed_by: &[
        "amount-at-least",
        "amount-not-compared",
        "anything-is-valid",
    ],
    ..ROW
};

pub(super) const AMOUNT_HIGH_V1: Check = Check {
    id: "FAC-VERIFY-008",
    title: "What v1 makes of more than the required amount",
    requirement: "The text of v1 allows an amount that meets or exceeds the required one; implementations differ.",
    observe: "A v1 payment that signs one base unit more than required.",
    good: "either verdict",
    bad: "nothing: it is recorded",
    source: "x402 specification v1, section 6.1.2",
    versions: V1,
    level: Level::Open,
    grade: Grade::Info,
    probes: &["verify/amount-high-v1"],
    judge: |judged, version| recorded(judged, version, &["verify/amount-high-v1"]),
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

pub(super) const RECIPIENT: Check = Check {
    id: "FAC-VERIFY-009",
    title: "A payment to somebody else is refused",
    requirement: "An authorization whose recipient is not `payTo` gets a negative verdict.",
    observe: "A payment that is validly signed to a stranger.",
    good: "isValid false",
    bad: "isValid true: the server delivers and somebody else is paid",
    source: "x402 specification, section 9 (recipient_mismatch)",
    probes: &["verify/recipient"],
    judge: |judged, version| all_refused(judged, version, &["recipient"]),
    cause: "`to` is not compared with `payTo`",
    fix: "compare the two addresses, whatever their letter case",
    tags: &["facilitator", "CWE-345"],
    killed_by: &["recipient-not-compared", "anything-is-valid"],
    ..ROW
};

pub(super) const SCHEME: Check = Check {
    id: "FAC-VERIFY-018",
    title: "Another scheme is refused",
    requirement: "A payment whose scheme is not that of the requirements, or that nobody supports, is never valid.",
    observe: "The scheme `bogus` in the payment alone, and in both.",
    good: "isValid false, or an error",
    bad: "isValid true",
    source: "x402 specification, section 9 (invalid_scheme, unsupported_scheme)",
    probes: &["verify/scheme-of-payment", "verify/scheme-unknown"],
    judge: |judged, version| all_refused(judged, version, &["scheme-of-payment", "scheme-unknown"]),
    cause: "the handler is chosen by the network alone",
    fix: "choose it by scheme and network, and compare both with the payment",
    tags: &["facilitator", "CWE-20"],
    killed_by: &["scheme-not-compared"],
    ..ROW
};

pub(super) const NETWORK: Check = Check {
    id: "FAC-VERIFY-019",
    title: "Another network is refused",
    requirement: "A payment whose network is not that of the requirements, or that nobody supports, is never valid.",
    observe: "Another network in the payment alone; a network that nobody has in both; and the right one in the other generation's spelling, which is recorded only.",
    good: "isValid false, or an error",
    bad: "isValid true: it is settled on another chain, or nowhere",
    source: "x402 specification, section 9 (invalid_network)",
    probes: &["verify/network-of-payment", "verify/network-unknown"],
    judge: |judged, version| {
        let names = ["network-of-payment", "network-unknown", "network-spelling"];
        all_refused(judged, version, &names)
    },
    cause: "the network of the requirements is trusted and that of the payment not looked at",
    fix: "compare the two, and refuse what /supported does not list",
    tags: &["facilitator", "CWE-20"],
    killed_by: &["network-not-compared"],
    ..ROW
};

pub(super) const VERSION: Check = Check {
    id: "FAC-VERIFY-020",
    title: "Unknown versions are refused",
    requirement: "An `x402Version` that is not supported is never valid.",
    observe: "The versions 0 and 3 around a payment that is otherwise right.",
    good: "isValid false, or an error",
    bad: "isValid true: a future message is read by the rules of today",
    source: "x402 specification, section 9 (invalid_x402_version)",
    probes: &["verify/version-0", "verify/version-3"],
    judge: |judged, version| all_refused(judged, version, &["version-0", "version-3"]),
    cause: "the version is not looked at, or read as `at least`",
    fix: "accept the versions that /supported lists, and no others",
    tags: &["facilitator", "CWE-20"],
    killed_by: &["version-not-checked"],
    ..ROW
};

pub(super) const ASSET: Check = Check {
    id: "FAC-VERIFY-021",
    title: "A signature for another token is refused",
    requirement: "A payment signed for another token than the required one gets a negative verdict.",
    observe: "The requirements name a second token of the same name; the signature is for the first.",
    good: "isValid false",
    bad: "isValid true: a worthless token pays for goods",
    source: "x402 specification, section 6.1.2 step 5",
    level: Level::Derived,
    probes: &["verify/asset-swapped"],
    judge: |judged, version| all_refused(judged, version, &["asset-swapped"]),
    cause: "the domain is built from the token that the payment names",
    fix: "build the EIP-712 domain from the asset of the requirements",
    tags: &["facilitator", "CWE-345"],
    killed_by: &["asset-not-compared", "anything-is-valid"],
    ..ROW
};

pub(super) const ACCEPTED: Check = Check {
    id: "FAC-VERIFY-022",
    title: "What becomes of `accepted` that differs from the requirements",
    requirement: "Whether `accepted` must equal the requirements at the facilitator is left open.",
    observe: "`accepted` names twice the amount; signature and requirements agree.",
    good: "either verdict",
    bad: "nothing: it is recorded",
    source: "x402 specification v2, section 7.1 (silent)",
    versions: V2,
    level: Level::Open,
    grade: Grade::Info,
    probes: &["verify/accepted-differs"],
    judge: recorded_accepted,
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

fn recorded_accepted(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    recorded(judged, version, &["verify/accepted-differs"])
}
