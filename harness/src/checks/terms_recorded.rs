//! Section D: what the documents leave open about the terms of a payment. Recorded, never held against a server.

use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, V2};
use super::judged::Judged;
use super::outcome::Outcome;
use super::terms;
use super::told::recorded;

const OPEN: Check = Check {
    good: "served and charged as offered, or refused",
    bad: "nothing of it counts against a server",
    source: "the documents are silent",
    versions: V2,
    level: Level::Open,
    grade: Grade::Info,
    cause: "the documents leave it open",
    fix: "nothing needs to change",
    tags: &[],
    killed_by: &[],
    ..terms::AMOUNT
};

pub(super) const MORE: Check = Check {
    id: "SRV-TERM-002",
    title: "Recorded: a payment of more than the offer",
    requirement: "`accepted.amount` higher than offered.",
    observe: "A payment of twice the amount, claimed and signed so.",
    source: "SDKs refuse it; a facilitator must demand equality",
    level: Level::Sdk,
    probes: &["terms/amount-high"],
    judge: |judged, version| recorded(judged, version, &["terms/amount-high"]),
    ..OPEN
};

pub(super) const LETTER_CASE: Check = Check {
    id: "SRV-TERM-005",
    title: "Recorded: addresses in other letter case",
    requirement: "Address letter case changed in `accepted`.",
    observe: "A payment whose accepted.asset and accepted.payTo are the offered addresses in other letter case.",
    source: "SDK servers compare text and refuse, facilitators accept",
    level: Level::Sdk,
    probes: &["terms/address-case"],
    judge: |judged, version| recorded(judged, version, &["terms/address-case"]),
    ..OPEN
};

pub(super) const TIMEOUT_AND_EXTRA: Check = Check {
    id: "SRV-TERM-006",
    title: "Recorded: another maxTimeoutSeconds or extra",
    requirement: "Changed `maxTimeoutSeconds` or `extra` in `accepted`.",
    observe: "Payments that claim another maxTimeoutSeconds, one member more in extra, another extra.name.",
    source: "TypeScript and Python refuse, Go accepts",
    level: Level::Sdk,
    probes: CHANGED,
    judge: |judged, version| recorded(judged, version, CHANGED),
    ..OPEN
};

const CHANGED: &[&str] = &[
    "terms/max-timeout",
    "terms/extra-added",
    "terms/extra-changed",
];

pub(super) const OTHER_RESOURCE: Check = Check {
    id: "SRV-TERM-010",
    title: "Recorded: a payment that names another resource",
    requirement: "Payment whose `resource.url` names another route with identical terms.",
    observe: "A good payment whose resource.url names another path of the same server.",
    source: "the specification is silent, and no SDK looks",
    probes: &["terms/other-resource"],
    judge: other_resource,
    ..OPEN
};

pub(super) const NO_RESOURCE: Check = Check {
    id: "SRV-TERM-011",
    title: "Recorded: a payment without a resource",
    requirement: "Payment with no `resource`.",
    observe: "A good payment whose message has no resource.",
    source: "x402 v2 specification, section 5.2.2: optional",
    probes: &["terms/no-resource"],
    judge: |judged, version| recorded(judged, version, &["terms/no-resource"]),
    ..OPEN
};

pub(super) const UNANNOUNCED: Check = Check {
    id: "SRV-TERM-012",
    title: "Recorded: a payment without a challenge before it",
    requirement: "Payment sent on the first request, without a prior 402.",
    observe: "A good payment for terms that are known from an earlier challenge, without asking again.",
    source: "only the Cloudflare binding mentions it",
    versions: BOTH,
    probes: &["terms/unannounced"],
    judge: |judged, version| recorded(judged, version, &["terms/unannounced"]),
    ..OPEN
};

fn other_resource(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    super::told::recorded_with(judged, version, &["terms/other-resource"], |exchange| {
        let served = judged.books.delivery(exchange) == crate::audit::Delivery::Content;
        let said = if served {
            ": the proof is not bound to the resource"
        } else {
            ""
        };
        said.to_owned()
    })
}
