//! Section M: the answers of verify, and what verify does not do.

use std::collections::BTreeSet;

use serde_json::Value;
use x402_assay_protocol::Version;
use x402_assay_protocol::eip3009::parse_address;
use x402_mock_facilitator::event::Endpoint;

use super::asked::{
    ROW, Said, all_at, book_of, calls, each, evidence, said, told, unjudgeable, verifies,
    whole_evidence, wrong,
};
use super::classes::class;
use crate::audit::Book;
use crate::checks::check::{Check, Grade, Level};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::client::facilitator::Meant;
use crate::history::DirectCall;

pub(super) const GOOD: Check = Check {
    id: "FAC-VERIFY-001",
    title: "A good payment is valid",
    requirement: "A valid exact EIP-3009 payment of a funded payer gets `isValid: true`.",
    observe: "Fresh payments for requirements that the bench makes up, on a chain where the payer holds the token.",
    good: "{\"isValid\": true, \"payer\": \"0x...\"}",
    bad: "isValid false for a payment that the chain would take",
    source: "x402 specification, section 7.1",
    probes: &["verify/good"],
    judge: good,
    cause: "verification depends on something that is no part of the payment, such as what was verified before",
    fix: "decide on the request and the chain's state alone",
    killed_by: &["malformed-spoils-next"],
    ..ROW
};

pub(super) const SHAPE: Check = Check {
    id: "FAC-VERIFY-002",
    title: "Verify answers in its documented shape",
    requirement: "The answer is JSON with a boolean `isValid`, and a string `invalidReason` when that is false and only then.",
    observe: "Every answer to verify that is a success or holds isValid.",
    good: "{\"isValid\": false, \"invalidReason\": \"insufficient_funds\"}",
    bad: "{\"isValid\": \"false\"}, which many clients read as true",
    source: "x402 specification v2, section 5.4.2",
    probes: &["verify/good"],
    judge: shape,
    cause: "the answer is written by hand, or a default of the JSON library shows",
    fix: "write isValid as a boolean, give a reason with every refusal, leave it out otherwise",
    killed_by: &["refusal-without-reason", "verdict-as-text"],
    ..ROW
};

pub(super) const PAYER: Check = Check {
    id: "FAC-VERIFY-003",
    title: "Verify names the payer",
    requirement: "`payer` is the `from` of the authorization, where that can be read.",
    observe: "payer in every answer to verify that has it, letter case aside.",
    good: "the payer's address",
    bad: "the recipient's, or the facilitator's own",
    source: "x402 specification v2, section 5.4.2",
    grade: Grade::Warn,
    probes: &["verify/good"],
    judge: payer,
    cause: "the member is filled from another field",
    fix: "take it from payload.authorization.from",
    killed_by: &["verify-wrong-payer"],
    ..ROW
};

pub(super) const READ_ONLY: Check = Check {
    id: "FAC-VERIFY-004",
    title: "Verify changes nothing on the chain",
    requirement: "Verify moves no money and uses no authorization.",
    observe: "Payments that were verified and never settled, read from the ledger at rest.",
    good: "no transaction",
    bad: "the transfer is on the chain before the server asked for it",
    source: "x402 specification, section 7.1; newer texts: MUST NOT",
    probes: &["verify/only"],
    judge: read_only,
    cause: "verify broadcasts instead of simulating",
    fix: "simulate with eth_call; broadcast in settle alone",
    tags: &["facilitator", "CWE-841"],
    killed_by: &["verify-settles"],
    ..ROW
};

pub(super) const REPEATABLE: Check = Check {
    id: "FAC-VERIFY-027",
    title: "Verify gives the same verdict twice",
    requirement: "The same request gets the same verdict while nothing was settled.",
    observe: "A good payment is verified twice in a row.",
    good: "isValid true both times",
    bad: "the second is refused as used: a server's retry loses the sale",
    source: "follows from verify changing nothing",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["verify/good-again"],
    judge: repeatable,
    cause: "verify notes the nonce as used",
    fix: "let settle alone use nonces up",
    killed_by: &["verify-burns-nonce"],
    ..ROW
};

pub(super) const REASONS: Check = Check {
    id: "FAC-VERIFY-028",
    title: "Which reasons are given",
    requirement: "The reason belongs to the class of what is wrong; spellings differ between implementations.",
    observe: "The reason of every wrong payment, by class.",
    good: "invalid_exact_evm_payload_authorization_valid_before for what is expired",
    bad: "nothing: it is recorded",
    source: "x402 specification, section 9",
    grade: Grade::Info,
    probes: &["verify/signature-flipped"],
    judge: reasons,
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

/// Without any good payment that was called valid it is the control that is missing, which the first line explains.
fn good(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if !verifies(judged, version) {
        let text = format!(
            "control missing: no good {version} payment was called valid; the report's first line says why"
        );
        return Outcome::skipped(text);
    }
    let probes = [
        "verify/good",
        "verify/only",
        "verify/after-malformed",
        "verify/after-http",
    ];
    let judge = |call: &DirectCall<'_, '_>| {
        unjudgeable(call).unwrap_or_else(|| match said(call) {
            Said::Yes => Outcome::pass("a good payment was called valid", evidence(call)),
            _ => Outcome::fail(
                format!(
                    "{}: {} for a good payment",
                    call.exchange.probe(),
                    told(call)
                ),
                evidence(call),
            ),
        })
    };
    probes
        .iter()
        .map(|probe| {
            calls(judged, version, probe)
                .map(|call| judge(&call))
                .collect()
        })
        .collect()
}

fn shape(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let outcome: Outcome = all_at(judged, version, Endpoint::Verify)
        .filter_map(|call| shape_of(&call))
        .collect();
    outcome.or_skipped("no answer to verify could be judged")
}

fn shape_of(call: &DirectCall<'_, '_>) -> Option<Outcome> {
    if said(call) == Said::Trouble {
        return None;
    }
    let about = |text: &str| format!("{}: {text}", call.exchange.probe());
    let body = call.exchange.body_json();
    let flag = body.and_then(|body| body.get("isValid"));
    if flag.is_none() && !call.exchange.is_success() {
        // An error that is no verdict: FAC-HTTP-002 tells of it.
        return None;
    }
    let evidence = evidence(call);
    let Some(body) = body.filter(|body| body.is_object()) else {
        let text = about("a success that is no JSON object");
        return Some(Outcome::fail(text, evidence));
    };
    let reason = body.get("invalidReason");
    Some(match (flag, reason) {
        (Some(Value::Bool(true)), None) => Outcome::pass(about("valid, no reason"), evidence),
        (Some(Value::Bool(true)), Some(_)) => {
            Outcome::warn(about("valid, and invalidReason is there"), evidence)
        }
        (Some(Value::Bool(false)), Some(Value::String(text))) if !text.is_empty() => {
            Outcome::pass(about("invalid, with its reason"), evidence)
        }
        (Some(Value::Bool(false)), _) => {
            Outcome::fail(about("invalid, without a reason"), evidence)
        }
        (Some(_), _) => Outcome::fail(about("isValid is no boolean"), evidence),
        (None, _) => Outcome::fail(about("a success without isValid"), evidence),
    })
}

fn payer(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let outcome: Outcome = all_at(judged, version, Endpoint::Verify)
        .filter_map(|call| {
            let book = book_of(judged, &call)?;
            let named = call.exchange.body_json()?.get("payer")?.as_str()?;
            let named = parse_address(named)?;
            let text = format!("{}: payer {named}", call.exchange.probe());
            Some(match named == book.signed.key.payer {
                true => Outcome::pass("payer is the signer of the authorization", evidence(&call)),
                false => Outcome::warn(
                    format!("{text}, and {} signed", book.signed.key.payer),
                    evidence(&call),
                ),
            })
        })
        .collect();
    outcome.or_skipped("no answer to verify names a payer")
}

fn read_only(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let only_verified: Vec<&Book<'_>> = judged
        .books
        .books
        .iter()
        .filter(|book| book.signed.version == version && book.called_directly)
        .filter(|book| book.verify_calls > 0 && book.settle_calls == 0)
        .collect();
    let mut outcome = Outcome::new();
    for book in only_verified {
        let evidence = book.evidence(judged.facts);
        outcome.add(match (book.at_rest, book.transfers.is_empty()) {
            (_, false) => Outcome::given("a payment that was verified alone moved money", evidence),
            (true, true) => Outcome::pass("verified, and nothing moved", evidence),
            (false, true) => Outcome::inconclusive("the ledger was not read", evidence),
        });
    }
    super::asked::with_control(
        judged,
        version,
        outcome.or_skipped("no payment was verified alone"),
    )
}

fn repeatable(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let first = calls(judged, version, "verify/good").next();
    let Some(first) = first.filter(|first| said(first) == Said::Yes) else {
        return Outcome::skipped("control missing: the payment to repeat was not called valid");
    };
    each(judged, version, "verify/good-again", |again| {
        if let Some(outcome) = unjudgeable(again) {
            return outcome;
        }
        let mut both = evidence(&first);
        both.extend(evidence(again));
        match said(again) {
            Said::Yes => Outcome::pass("valid both times", both),
            _ => Outcome::warn(format!("valid, then {}", told(again)), both),
        }
    })
}

fn reasons(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut other = Vec::new();
    let mut pieces = Vec::new();
    let (mut told_of, mut same) = (0, 0);
    let mut unknown = BTreeSet::new();
    for case in wrong(version) {
        let Meant::Refused(wanted) = case.meant else {
            continue;
        };
        let probe = format!("verify/{}", case.name);
        for exchange in judged.facts.probe(version, &probe) {
            let call = DirectCall { exchange };
            let Some(reason) = call.reason() else {
                continue;
            };
            told_of += 1;
            pieces.extend(evidence(&call));
            match class(reason) {
                Some(found) if found == wanted => same += 1,
                Some(found) => other.push(format!("{}: {found}", case.name)),
                None => {
                    unknown.insert(crate::history::direct::short(reason));
                }
            }
        }
    }
    if told_of == 0 {
        return Outcome::skipped("no refusal gave a reason");
    }
    let mut text = format!("{same} of {told_of} reasons are of the expected class");
    if !other.is_empty() {
        text.push_str(&format!("; others: {}", other.join(", ")));
    }
    if !unknown.is_empty() {
        let unknown: Vec<String> = unknown.into_iter().take(5).collect();
        text.push_str(&format!("; of no known class: {}", unknown.join(", ")));
    }
    Outcome::info(text, pieces)
}

/// A call with what the ledger shows, for other files of this section.
pub(super) fn of_case(
    judged: &Judged<'_, '_>,
    version: Version,
    probe: &str,
) -> Option<(Said, Vec<x402_assay_reports::model::Evidence>)> {
    let exchange = judged.facts.probe(version, probe).next()?;
    let call = DirectCall::of(exchange)?;
    Some((said(&call), whole_evidence(judged, &call)))
}
