//! Section D: the agreed terms.

use alloy_primitives::{Address, U256};
use serde_json::Value;
use x402_assay_protocol::eip3009::{parse_address, parse_decimal};
use x402_assay_protocol::{Version, network};

use super::check::{Check, Grade, Level, Need, Role, V1, V2};
use super::judged::Judged;
use super::outcome::Outcome;
use super::own_members::OwnMembers;
use crate::history::event::Signed;

const MATCHING: &str = "x402 specification, section 6.1.2 (parameter matching)";

pub(super) const AMOUNT: Check = Check {
    id: "SRV-TERM-001",
    title: "A payment of less than the offer is refused",
    requirement: "`accepted.amount` lower than offered is refused.",
    observe: "A payment of half the amount, claimed and signed so.",
    good: "402, and nothing moves",
    bad: "200 after half the price was settled",
    source: MATCHING,
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Derived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["wrong/amount-low"],
    judge: |judged, version| judged.all_refused(version, &["wrong/amount-low"]),
    cause: "the terms come from the payment instead of the server's own offer",
    fix: "build the requirements from your own prices; use the payment only to choose among them",
    tags: &["CWE-472"],
    killed_by: &["trust-client-terms", "ignore-amount", "accept-any-header"],
};

pub(super) const RECIPIENT: Check = Check {
    id: "SRV-TERM-003",
    title: "A payment to somebody else is refused",
    requirement: "A different `payTo` in `accepted` and authorization is refused.",
    observe: "A payment to a stranger, claimed and signed so.",
    good: "402, and nothing moves",
    bad: "200 after somebody else was paid",
    probes: &["wrong/pay-to"],
    judge: |judged, version| judged.all_refused(version, &["wrong/pay-to"]),
    killed_by: &[
        "trust-client-terms",
        "ignore-recipient",
        "accept-any-header",
    ],
    ..AMOUNT
};

pub(super) const ASSET: Check = Check {
    id: "SRV-TERM-004",
    title: "A payment in another token is refused",
    requirement: "A different `asset` is refused.",
    observe: "A payment in another token, claimed and signed so.",
    good: "402, and nothing moves",
    bad: "200 for a token that was never offered",
    probes: &["wrong/asset"],
    judge: |judged, version| judged.all_refused(version, &["wrong/asset"]),
    killed_by: &["accept-any-header"],
    ..AMOUNT
};

pub(super) const OWN_TERMS: Check = Check {
    id: "SRV-TERM-007",
    title: "The facilitator is asked about the server's own terms",
    requirement: "The `paymentRequirements` sent to the facilitator are the server's own offer, never the client's altered copy.",
    observe: "The paymentRequirements of every call to our facilitator against the offers of the run, also where the payment lies about one member of its terms.",
    good: "the offer itself",
    bad: "the amount, payTo or extra that the client wrote into accepted",
    source: "trust model of the x402 specification; every SDK",
    needs: &[Need::Facilitator],
    probes: &["good", "good-2"],
    judge: own_terms,
    killed_by: &[
        "trust-client-terms",
        "other-amount-forwarded",
        "settle-with-client-terms",
    ],
    ..AMOUNT
};

pub(super) const V1_TERMS: Check = Check {
    id: "SRV-TERM-009",
    title: "A v1 payment with other terms is refused",
    requirement: "A v1 payment of less, to somebody else or in another token is refused.",
    observe: "v1 payments signed for half the amount, a stranger, another token.",
    good: "402, and nothing moves",
    bad: "200 for any of them",
    source: "x402 v1 specification, section 6.1.2",
    versions: V1,
    probes: V1_PROBES,
    judge: |judged, version| judged.all_refused(version, V1_PROBES),
    killed_by: &["ignore-amount", "ignore-recipient", "accept-any-header"],
    ..AMOUNT
};

/// A v1 message claims no terms: what is wrong is what was signed.
const V1_PROBES: &[&str] = &[
    "wrong/amount-low-unclaimed",
    "wrong/pay-to-unclaimed",
    "wrong/asset-unclaimed",
];

/// What must agree: chain, token, recipient, base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Agreed {
    chain_id: Option<u64>,
    asset: Option<Address>,
    pay_to: Option<Address>,
    amount: Option<U256>,
}

impl Agreed {
    fn of(version: Version, requirements: &Value) -> Self {
        let text = |name: &str| requirements.get(name).and_then(Value::as_str);
        Self {
            chain_id: text("network").and_then(network::chain_id),
            asset: text("asset").and_then(parse_address),
            pay_to: text("payTo").and_then(parse_address),
            amount: text(version.amount_field()).and_then(parse_decimal),
        }
    }

    const fn offered_to(signed: &Signed) -> Self {
        Self {
            chain_id: Some(signed.offered.chain_id),
            asset: Some(signed.offered.asset),
            pay_to: Some(signed.offered.pay_to),
            amount: Some(signed.offered.amount),
        }
    }
}

fn own_terms(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    // Terms may change between two challenges: every offer of the run is the server's own.
    let offers: Vec<Agreed> = facts
        .exchanges
        .iter()
        .filter_map(|exchange| exchange.challenge(version))
        .flat_map(|challenge| &challenge.accepts)
        .map(|offer| Agreed::of(version, &offer.raw))
        .collect();
    let any_amount = facts.run.is_some_and(|run| run.dynamic_price);
    let own = OwnMembers::of(facts, version);
    let mut outcome = Outcome::new();
    for signed in facts
        .signed
        .iter()
        .filter(|signed| signed.version == version)
    {
        for call in facts.calls_about(signed.key) {
            let Some(requirements) = call.request().and_then(|r| r.get("paymentRequirements"))
            else {
                continue;
            };
            let mut asked = Agreed::of(version, requirements);
            let offered = Agreed::offered_to(signed);
            if any_amount {
                asked.amount = offered.amount;
            }
            let evidence = vec![call.evidence()];
            let copied: Vec<String> = facts
                .carrying(signed.authorization)
                .filter_map(|exchange| own.copied_from(exchange.payment()?, requirements))
                .filter(|name| name != version.amount_field() || !any_amount)
                .collect();
            outcome.add(if let Some(name) = copied.first() {
                let text = format!("{} was asked about the client's own {name}", call.path());
                Outcome::fail(text, evidence)
            } else if asked == offered || offers.contains(&asked) {
                Outcome::pass("requirements are the offer", evidence)
            } else {
                let named = differences(version, offered, asked, requirements);
                let text = format!("{} was asked about other terms: {named}", call.path());
                Outcome::fail(text, evidence)
            });
        }
    }
    outcome.or_skipped(format!(
        "our facilitator was not called about a {version} payment"
    ))
}

fn differences(version: Version, offered: Agreed, asked: Agreed, requirements: &Value) -> String {
    let members = [
        ("network", asked.chain_id != offered.chain_id),
        ("asset", asked.asset != offered.asset),
        ("payTo", asked.pay_to != offered.pay_to),
        (version.amount_field(), asked.amount != offered.amount),
    ];
    let named: Vec<String> = members
        .iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| format!("{name} {}", requirements.get(*name).unwrap_or(&Value::Null)))
        .collect();
    named.join(", ")
}
