//! Sections A and G: offers and payments of schemes the bench has no payer for, judged from the bytes a target shows.

use std::collections::BTreeMap;

use serde_json::Value;
use x402_assay_protocol::{Requirement, Version};

use super::check::{BOTH, Check, Grade, Level, Role, V2};
use super::judged::{Judged, evidence_of};
use super::outcome::Outcome;
use super::unpaid;
use crate::audit::Delivery;
use crate::history::Exchange;

/// Microseconds for which a Solana transaction is not to be settled again.
const DUPLICATE_US: u64 = 120_000_000;

pub(super) const FEE_PAYER: Check = Check {
    id: "SRV-V2-402-013",
    title: "Solana offers name their fee payer",
    requirement: "SVM `exact` entries carry `extra.feePayer`.",
    observe: "Every entry of accepts with scheme exact on a solana: network.",
    good: "\"extra\": {\"feePayer\": \"2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4\"}",
    bad: "\"extra\": {}",
    source: "scheme_exact_svm, \"PaymentRequirements\"",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Must,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: fee_payer,
    cause: "the facilitator's /supported is not asked, or its extra is not passed on",
    fix: "take feePayer from the facilitator's kind for this network",
    tags: &["svm"],
    killed_by: &[],
};

pub(super) const UPTO: Check = Check {
    id: "SRV-V2-402-014",
    title: "upto offers name facilitator, token and version",
    requirement: "`upto` EVM entries carry `extra.facilitatorAddress`, `name` and `version`.",
    observe: "Every entry of accepts with scheme upto on an eip155: network.",
    good: "\"extra\": {\"facilitatorAddress\": \"0x...\", \"name\": \"USDC\", \"version\": \"2\"}",
    bad: "\"extra\": {\"name\": \"USDC\"}",
    source: "scheme_upto_evm, section 2",
    level: Level::MustDerived,
    judge: upto,
    cause: "the entry is written like one of exact",
    fix: "take facilitatorAddress from the facilitator's kind, name and version from the token",
    tags: &["upto"],
    ..FEE_PAYER
};

pub(super) const SVM_DUPLICATE: Check = Check {
    id: "SRV-REPL-008",
    title: "One Solana transaction buys one delivery within two minutes",
    requirement: "Server or facilitator tells identical SVM transactions apart from new ones for about 120 s.",
    observe: "Payments that carry the same base64 transaction.",
    good: "the second is refused (duplicate_settlement)",
    bad: "both are served: the confirmation of the first had not been seen yet",
    source: "scheme_exact_svm, \"Duplicate Settlement Mitigation\"",
    versions: BOTH,
    level: Level::Should,
    grade: Grade::Warn,
    judge: svm_duplicate,
    cause: "the network accepts the same transaction again while it is being confirmed, and nothing else remembers it",
    fix: "keep transactions for 120 s and refuse a second settlement",
    tags: &["svm", "CWE-294"],
    ..FEE_PAYER
};

fn each_offer(
    judged: &Judged<'_, '_>,
    version: Version,
    what: &str,
    is_about: impl Fn(&Requirement) -> bool,
    members: &[&str],
) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let offers = challenge.accepts.iter().filter(|offer| is_about(offer));
        offers
            .map(|offer| {
                let missing: Vec<&str> = members
                    .iter()
                    .copied()
                    .filter(|name| offer.extra_text(name).is_none_or(str::is_empty))
                    .collect();
                match missing[..] {
                    [] => Outcome::pass(
                        format!("{what}: {}", members.join(", ")),
                        evidence_of(exchange),
                    ),
                    _ => Outcome::fail(
                        format!("{what} without extra.{}", missing.join(", extra.")),
                        evidence_of(exchange),
                    ),
                }
            })
            .reduce(Outcome::merge)
            .unwrap_or_else(|| Outcome::skipped(format!("no {what} is offered")))
    })
}

fn fee_payer(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let is_about = |offer: &Requirement| is(offer, "exact", "solana:");
    each_offer(judged, version, "Solana offer", is_about, &["feePayer"])
}

fn upto(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let is_about = |offer: &Requirement| is(offer, "upto", "eip155:");
    let members = ["facilitatorAddress", "name", "version"];
    each_offer(judged, version, "upto offer", is_about, &members)
}

fn is(offer: &Requirement, scheme: &str, namespace: &str) -> bool {
    let network = offer.text("network").unwrap_or_default();
    offer.text("scheme") == Some(scheme) && network.starts_with(namespace)
}

fn svm_duplicate(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut served: BTreeMap<&str, &Exchange<'_>> = BTreeMap::new();
    let mut outcome = Outcome::new();
    for exchange in &judged.facts.exchanges {
        let Some(transaction) = svm_transaction(exchange, version) else {
            continue;
        };
        let entered = judged.books.delivery(exchange) == Delivery::Content;
        match served.get(transaction) {
            Some(first) if exchange.sent_at_us.saturating_sub(first.ended_at_us) < DUPLICATE_US => {
                let evidence = vec![first.evidence(), exchange.evidence()];
                outcome.add(match entered {
                    true => Outcome::warn("one transaction was served twice", evidence),
                    false => Outcome::pass("the repeated transaction was refused", evidence),
                });
            }
            _ if entered => {
                served.insert(transaction, exchange);
            }
            _ => {}
        }
    }
    outcome.or_skipped("no payer for solana: no Solana transaction was sent twice")
}

/// The base64 transaction of a Solana payment.
fn svm_transaction<'f>(exchange: &'f Exchange<'_>, version: Version) -> Option<&'f str> {
    if exchange.version() != Some(version) {
        return None;
    }
    let payment = exchange.payment()?;
    payment
        .pointer("/payload/transaction")
        .and_then(Value::as_str)
}
