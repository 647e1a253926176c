//! Section E: what the 402 after a failed verification tells.

use x402_assay_protocol::{Challenge, Version};

use super::check::{Check, Grade, Level, Need, Role, V1, V2};
use super::judged::Judged;
use super::outcome::Outcome;
use crate::history::{Exchange, FacilitatorCall};

const PROBES: &[&str] = &[
    "mutation",
    "replay",
    "wrong/expired",
    "wrong/not-yet-valid",
    "wrong/amount-low-unclaimed",
    "wrong/pay-to-unclaimed",
    "wrong/asset-unclaimed",
];

pub(super) const CHALLENGE_V2: Check = Check {
    id: "SRV-FLOW-003",
    title: "A payment that fails verification is answered with a fresh challenge (v2)",
    requirement: "After failed verification the 402 carries `PAYMENT-REQUIRED` with current requirements.",
    observe: "The header of each 402 to a payment that our facilitator refused.",
    good: "402 with PAYMENT-REQUIRED, as on the first request",
    bad: "402 with {\"error\": \"...\"} alone: the client does not learn what to pay",
    source: "TypeScript, Python and Go SDKs",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Sdk,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: PROBES,
    judge: |judged, version| each_refusal(judged, version, challenged),
    cause: "a refused payment is answered by an error handler instead of the challenge",
    fix: "answer a failed verification with the same challenge as a request without payment, with the reason in `error`",
    tags: &[],
    killed_by: &["refusal-without-challenge"],
};

pub(super) const REASON: Check = Check {
    id: "SRV-FLOW-004",
    title: "Whether the challenge after a failed verification names the reason",
    requirement: "`error` in that challenge equals or contains the facilitator's reason; the text is meant for people.",
    observe: "`error` of each such challenge against what our facilitator answered.",
    good: "\"error\": \"invalid_exact_evm_signature\"",
    bad: "nothing is: it is recorded",
    source: "TypeScript, Python and Go SDKs; the specification calls it human text",
    grade: Grade::Info,
    judge: |judged, version| each_refusal(judged, version, named),
    cause: "the reason of the facilitator is not passed on",
    fix: "put invalidReason of the verify answer into `error`",
    killed_by: &[],
    ..CHALLENGE_V2
};

pub(super) const CHALLENGE_V1: Check = Check {
    id: "SRV-FLOW-005",
    title: "A payment that fails verification is answered with a fresh challenge (v1)",
    requirement: "After failed verification the body is again a v1 challenge.",
    observe: "The body of each 402 to a payment that our facilitator refused.",
    good: "402 with {\"x402Version\":1,\"error\":\"...\",\"accepts\":[...]}",
    bad: "402 with {\"error\": \"...\"} alone",
    source: "transports-v1/http, error format",
    versions: V1,
    level: Level::MustDerived,
    ..CHALLENGE_V2
};

fn each_refusal<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    judge: fn(&Exchange<'h>, &FacilitatorCall<'h>, Version) -> Outcome,
) -> Outcome {
    let facts = judged.facts;
    let refusals = facts
        .calls
        .iter()
        .filter(|call| call.is_valid() == Some(false) && !call.lied());
    let mut outcome = Outcome::new();
    for call in refusals {
        let Some(exchange) = facts.exchange_of_call(call) else {
            continue;
        };
        let is_one = exchange.version() == Some(version) && PROBES.contains(&exchange.probe());
        // Another status than 402 is SRV-FLOW-002's to judge.
        if is_one && exchange.status() == Some(402) {
            outcome.add(judge(exchange, call, version));
        }
    }
    outcome
        .or_skipped("no payment of this generation was refused by our facilitator and answered 402")
}

/// The challenge of an answer, when it offers something.
fn offering<'e>(exchange: &'e Exchange<'_>, version: Version) -> Option<&'e Challenge> {
    let challenge = exchange.challenge(version)?;
    (!challenge.accepts.is_empty()).then_some(challenge)
}

fn challenged(exchange: &Exchange<'_>, call: &FacilitatorCall<'_>, version: Version) -> Outcome {
    let (probe, evidence) = (exchange.probe(), vec![exchange.evidence(), call.evidence()]);
    match offering(exchange, version) {
        Some(challenge) => {
            let count = challenge.accepts.len();
            let text = format!("{probe}: refused with a challenge of {count} offer(s)");
            Outcome::pass(text, evidence)
        }
        None => Outcome::warn(
            format!("{probe}: the 402 holds no {version} challenge"),
            evidence,
        ),
    }
}

fn named(exchange: &Exchange<'_>, call: &FacilitatorCall<'_>, version: Version) -> Outcome {
    let (probe, evidence) = (exchange.probe(), vec![exchange.evidence(), call.evidence()]);
    let Some(challenge) = offering(exchange, version) else {
        return Outcome::skipped(format!("{probe}: there is no challenge to look at"));
    };
    let reason = call.reason().unwrap_or_default();
    match challenge.error.as_deref() {
        Some(error) if !reason.is_empty() && error.contains(reason) => {
            Outcome::pass(format!("`error` names {reason}"), evidence)
        }
        Some(error) => {
            let shown: String = error.chars().take(80).collect();
            let text = format!("`error` is {shown:?}, our facilitator said {reason}");
            Outcome::warn(text, evidence)
        }
        None => Outcome::warn(
            format!("there is no `error`, our facilitator said {reason}"),
            evidence,
        ),
    }
}
