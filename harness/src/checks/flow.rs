//! Section E: flow and delivery.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Level, Need, Role};
use super::judged::{Judged, unjudgeable};
use super::outcome::Outcome;
use crate::history::{Exchange, FacilitatorCall};

const REFUSED: &[&str] = &[
    "mutation",
    "wrong/expired",
    "wrong/not-yet-valid",
    "wrong/amount-low-unclaimed",
    "wrong/pay-to-unclaimed",
];
const ANY_PAYMENT: &[&str] = &[
    "good",
    "good-2",
    "replay",
    "mutation",
    "wrong/expired",
    "wrong/not-yet-valid",
    "wrong/amount-low",
    "wrong/amount-low-unclaimed",
    "wrong/pay-to",
    "wrong/pay-to-unclaimed",
];

pub(super) const NOT_WITHOUT_VERIFICATION: Check = Check {
    id: "SRV-FLOW-001",
    title: "Nothing is delivered for a payment that cannot be verified",
    requirement: "The handler's content is never delivered unless verify or settle succeeded first.",
    observe: "Payments that cannot be verified: flipped signature, expired, not yet valid, too little, to a stranger.",
    good: "402 without the paid body",
    bad: "200 although /verify said isValid: false",
    source: "x402 v2 specification, section 2; newer text, section 6.1 invariant",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Must,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: REFUSED,
    judge: |judged, version| judged.all_refused(version, REFUSED),
    cause: "the facilitator's answer is not looked at, or only its HTTP status",
    fix: "deliver only after isValid is true and the settlement succeeded",
    tags: &["CWE-347", "CWE-863"],
    killed_by: &[
        "verify-ignored",
        "serve-expired",
        "serve-not-yet-valid",
        "serve-bad-signature",
        "accept-any-header",
        "ignore-amount",
        "ignore-recipient",
    ],
};

pub(super) const REFUSAL_STATUS: Check = Check {
    id: "SRV-FLOW-002",
    title: "A payment that fails verification is answered 402",
    requirement: "Verification failure is answered 402 (412 when the Permit2 allowance is missing).",
    observe: "The status of each answer to a payment that our facilitator refused.",
    good: "402 with a fresh challenge",
    bad: "500, or 200 with an error in the body",
    source: "transports HTTP status table",
    level: Level::MustDerived,
    needs: &[Need::Facilitator],
    probes: ANY_PAYMENT,
    judge: refusal_status,
    cause: "a negative verdict is handled as an error of the server, or not at all",
    fix: "answer 402 with a fresh challenge when isValid is false",
    killed_by: &[
        "verify-ignored",
        "serve-expired",
        "serve-not-yet-valid",
        "serve-bad-signature",
    ],
    ..NOT_WITHOUT_VERIFICATION
};

pub(super) const VERIFY_FIRST: Check = Check {
    id: "SRV-FLOW-006",
    title: "Only verified payments are settled",
    requirement: "In the authorization flow `/settle` is called only after `/verify` returned valid for the same payload.",
    observe: "The order of /verify and /settle for each payment in our facilitator's log.",
    good: "/verify answered isValid: true, then /settle",
    bad: "/settle after isValid: false, or before /verify answered",
    source: "x402 v2 specification, sections 2 and 7",
    level: Level::Derived,
    needs: &[Need::Facilitator],
    probes: ANY_PAYMENT,
    judge: verify_first,
    cause: "settlement does not wait for the verdict of /verify",
    fix: "call /settle only when /verify answered isValid: true for this payload",
    killed_by: &["settle-despite-invalid"],
    ..NOT_WITHOUT_VERIFICATION
};

fn refusal_status(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    let refusals = judged
        .facts
        .calls
        .iter()
        .filter(|call| call.is_valid() == Some(false) && !call.lied());
    for call in refusals {
        let Some(exchange) = judged.facts.exchange_of_call(call) else {
            continue;
        };
        if exchange.version() == Some(version) {
            outcome.add(status_of_refusal(judged, exchange, call));
        }
    }
    outcome.or_skipped("our facilitator refused no payment of this generation")
}

fn status_of_refusal<'h>(
    judged: &Judged<'_, 'h>,
    exchange: &Exchange<'h>,
    call: &FacilitatorCall<'_>,
) -> Outcome {
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    let evidence = vec![exchange.evidence(), call.evidence()];
    let reason = call.reason().unwrap_or("no reason");
    let text = format!(
        "{}: refused ({reason}), answered {}",
        exchange.probe(),
        exchange.ending()
    );
    match exchange.status() {
        Some(402) => Outcome::pass(text, evidence),
        Some(412) if reason.contains("permit2") || reason.contains("allowance") => {
            Outcome::pass(text, evidence)
        }
        // A repeat answered from a cache is no delivery for the refused call.
        Some(200..300) if is_cached_repeat(judged, exchange) => Outcome::pass(text, evidence),
        Some(200..300) if judged.books.is_distinct_grant(exchange) => {
            Outcome::given(text, evidence)
        }
        _ => Outcome::fail(text, evidence),
    }
}

fn is_cached_repeat<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> bool {
    judged
        .book_of(exchange)
        .is_some_and(|book| book.distinct_grants() > 0)
        && !judged.books.is_distinct_grant(exchange)
}

fn verify_first(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    if facts.run.is_some_and(|run| run.flow == "upfront") {
        return Outcome::skipped("the profile declares the upfront flow");
    }
    let mut outcome = Outcome::new();
    for signed in facts
        .signed
        .iter()
        .filter(|signed| signed.version == version)
    {
        let calls: Vec<&FacilitatorCall<'_>> = facts.calls_about(signed.key).collect();
        // What a server makes of a verdict that a fault made unreadable is SRV-FAC-001's.
        let is_unreadable = |call: &&FacilitatorCall<'_>| {
            call.endpoint == Endpoint::Verify && call.is_valid().is_none()
        };
        if !facts.faults_about(signed).is_empty() && calls.iter().any(is_unreadable) {
            continue;
        }
        for settle in calls
            .iter()
            .filter(|call| call.endpoint == Endpoint::Settle)
        {
            let upfront = settle.request().is_some_and(|request| {
                request.pointer("/paymentRequirements/extra/paymentFlow")
                    == Some(&serde_json::Value::from("upfront"))
            });
            if !upfront {
                outcome.add(verified_before(settle, &calls));
            }
        }
    }
    outcome.or_skipped("no payment of this generation was settled through our facilitator")
}

fn verified_before(settle: &FacilitatorCall<'_>, calls: &[&FacilitatorCall<'_>]) -> Outcome {
    let verdicts: Vec<&&FacilitatorCall<'_>> = calls
        .iter()
        .filter(|call| call.endpoint == Endpoint::Verify)
        .collect();
    let said = |valid: bool| {
        verdicts.iter().find(|verify| {
            verify.is_valid() == Some(valid)
                && verify
                    .answer
                    .is_some_and(|a| a.at_us <= settle.received_at_us)
        })
    };
    if let Some(verify) = said(true) {
        let evidence = vec![verify.evidence(), settle.evidence()];
        return Outcome::pass("settled after isValid: true", evidence);
    }
    let mut evidence = vec![settle.evidence()];
    if let Some(verify) = said(false) {
        evidence.insert(0, verify.evidence());
        return Outcome::fail("/settle was called after /verify said no", evidence);
    }
    if verdicts.is_empty() {
        // The sources stay neutral on settling without verifying: the facilitator verifies again.
        return Outcome::warn("/settle was called and /verify never was", evidence);
    }
    Outcome::fail("/settle was called before /verify had answered", evidence)
}
