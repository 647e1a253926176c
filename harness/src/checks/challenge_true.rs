//! Section A: whether a v2 challenge holds: the flow it declares, and what the next challenge says.

use serde_json::Value;
use x402_assay_protocol::{Challenge, Version};
use x402_mock_facilitator::event::Endpoint;

use super::check::{Check, Grade, Level, Need, Role, V2};
use super::judged::{Judged, evidence_of};
use super::offered::{by_kind, domains, listed};
use super::outcome::Outcome;
use crate::history::{Exchange, FacilitatorCall};

pub(super) const FLOW: Check = Check {
    id: "SRV-V2-402-016",
    title: "A server that settles first says so in its offers",
    requirement: "If an entry's flow is not `authorization`, `extra.paymentFlow` names it (`upfront`, `escrow`).",
    observe: "The order of /verify and /settle of every good payment, against extra.paymentFlow of the offer it accepts.",
    good: "/verify and then /settle; or /settle alone, and \"extra\": {\"paymentFlow\": \"upfront\"}",
    bad: "/settle without an earlier /verify, and no paymentFlow in the offer",
    source: "newer text of the x402 v2 specification, section 6.1",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Must,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: &["good", "good-2"],
    judge: flow,
    cause: "the server was set to settle before it serves, and the offer is still that of the authorization flow",
    fix: "add paymentFlow \"upfront\" to extra, or verify first and settle when the handler has run",
    tags: &[],
    killed_by: &["upfront-undeclared"],
};

pub(super) const STABLE: Check = Check {
    id: "SRV-V2-402-021",
    title: "The same request is offered the same terms twice",
    requirement: "Two consecutive challenges for the same request offer the same terms unless pricing is documented as dynamic; nonces, offers and blockhash hints may differ.",
    observe: "Two unpaid requests to the same route: what is asked in each scheme, network and token, whatever the order of the offers.",
    good: "the same amounts in another order, with a fresh quote id in extra",
    bad: "\"amount\": \"10000\", and \"10001\" a moment later",
    source: "SDK servers match a payment against the offers of the moment",
    level: Level::Derived,
    needs: &[],
    probes: &["unpaid", "unpaid-again"],
    judge: stable,
    cause: "prices are computed for each request, from a rate or a clock",
    fix: "keep a price for as long as a payment takes, or declare dynamic_price in the profile if it is meant so",
    killed_by: &["offer-drifts"],
    ..FLOW
};

fn flow(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let outcome: Outcome = judged
        .honest(version)
        .into_iter()
        .filter_map(|exchange| flow_of(judged, exchange))
        .collect();
    outcome.or_skipped("no good payment of this generation was settled through our facilitator")
}

fn flow_of(judged: &Judged<'_, '_>, exchange: &Exchange<'_>) -> Option<Outcome> {
    let signed = judged.facts.authorization(exchange.sent.authorization?)?;
    let first = |endpoint| {
        let calls = judged.facts.calls_about(signed.key);
        calls
            .filter(|call| call.endpoint == endpoint && !call.direct)
            .min_by_key(|call| call.received_at_us)
    };
    let settle: &FacilitatorCall<'_> = first(Endpoint::Settle)?;
    let verified_first = first(Endpoint::Verify)
        .is_some_and(|verify| verify.received_at_us <= settle.received_at_us);
    let declared = exchange
        .payment()
        .and_then(|payment| payment.pointer("/accepted/extra/paymentFlow"))
        .and_then(Value::as_str)
        .unwrap_or("authorization");
    let evidence = vec![exchange.evidence(), settle.evidence()];
    let order = match verified_first {
        true => "verified, then settled",
        false => "settled without an earlier /verify",
    };
    let text = format!("{order}; the offer's flow is {declared}");
    Some(match verified_first || declared != "authorization" {
        true => Outcome::pass(text, evidence),
        false => Outcome::warn(text, evidence),
    })
}

fn stable(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    if facts.run.is_some_and(|run| run.dynamic_price) {
        return Outcome::skipped("the profile declares dynamic_price");
    }
    let mut challenges: Vec<(&Exchange<'_>, &Challenge)> = facts
        .unpaid(version)
        .into_iter()
        .filter(|exchange| exchange.status() == Some(402))
        .filter_map(|exchange| Some((exchange, exchange.challenge(version)?)))
        .collect();
    challenges.sort_by_key(|(exchange, _)| {
        (
            &exchange.sent.route,
            &exchange.sent.method,
            exchange.number(),
        )
    });
    let outcome: Outcome = challenges
        .windows(2)
        .filter_map(|pair| match pair {
            [first, second] if is_same_request(first.0, second.0) => {
                Some(compared(*first, *second))
            }
            _ => None,
        })
        .collect();
    outcome.or_skipped("control missing: no request was answered with two challenges")
}

fn is_same_request(first: &Exchange<'_>, second: &Exchange<'_>) -> bool {
    let key = |exchange: &Exchange<'_>| (exchange.sent.route.clone(), exchange.sent.method.clone());
    key(first) == key(second)
}

/// Offers may come and go, and recipients may rotate; what is asked for the same thing may not change.
fn compared(first: (&Exchange<'_>, &Challenge), second: (&Exchange<'_>, &Challenge)) -> Outcome {
    let mut evidence = evidence_of(first.0);
    evidence.push(second.0.evidence());
    let mut changes = Vec::new();
    for (name, before, after) in [
        (
            "amount",
            by_kind(first.1, "amount"),
            by_kind(second.1, "amount"),
        ),
        ("token domain", domains(first.1), domains(second.1)),
    ] {
        for (kind, was) in &before {
            if let Some(is) = after.get(kind).filter(|is| *is != was) {
                changes.push(format!(
                    "{name} of {kind}: {}, then {}",
                    listed(was),
                    listed(is)
                ));
            }
        }
    }
    if !changes.is_empty() {
        return Outcome::warn(changes.join(", "), evidence);
    }
    let (before, after) = (by_kind(first.1, "payTo"), by_kind(second.1, "payTo"));
    let kept = before
        .keys()
        .filter(|kind| after.contains_key(kind))
        .count();
    if kept == 0 && !(before.is_empty() && after.is_empty()) {
        return Outcome::warn("the two challenges have no offer in common", evidence);
    }
    if kept < before.len() || kept < after.len() {
        return Outcome::info("offers come and go between two challenges", evidence);
    }
    if before != after {
        return Outcome::info("the recipient differs between two challenges", evidence);
    }
    Outcome::pass("two challenges with the same terms", evidence)
}
