//! Section A: the v1 challenge.

use x402_assay_protocol::{Problem, ProblemKind, Version};

use super::check::{Check, Grade, Level, Role, V1};
use super::judged::{Judged, evidence_of};
use super::outcome::Outcome;
use super::unpaid;
use crate::history::Exchange;

/// What the checks of this file have in common.
const BASE: Check = Check {
    id: "",
    title: "",
    requirement: "",
    observe: "",
    good: "",
    bad: "",
    source: "x402 v1 specification, section 5.1.2",
    role: Role::ResourceServer,
    versions: V1,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: body,
    cause: "the challenge is written by hand, or by a library of another protocol generation",
    fix: "",
    tags: &[],
    killed_by: &[],
};

pub(super) const BODY: Check = Check {
    id: "SRV-V1-402-001",
    title: "An unpaid request is answered 402 with a v1 challenge",
    requirement: "402 with a JSON body containing `x402Version` 1, `error` string, `accepts` array.",
    observe: "The body of every unpaid answer.",
    good: "402 {\"x402Version\":1,\"error\":\"...\",\"accepts\":[...]}",
    bad: "402 with an empty body",
    source: "transports-v1/http; x402 v1 specification, section 5.1.2",
    judge: body,
    fix: "answer 402 with a JSON object holding x402Version 1, error and accepts",
    tags: &["CWE-306"],
    killed_by: &["v1-not-json", "accepts-not-array"],
    ..BASE
};

pub(super) const MEMBERS: Check = Check {
    id: "SRV-V1-402-002",
    title: "Every v1 offer has its required members",
    requirement: "Each entry has `scheme, network, maxAmountRequired, asset, payTo, resource, description` strings and numeric `maxTimeoutSeconds`.",
    observe: "Every entry of accepts, member by member.",
    good: "\"maxAmountRequired\": \"10000\", \"resource\": \"https://api.example/paid\"",
    bad: "\"amount\" in place of \"maxAmountRequired\"",
    judge: members,
    fix: "write every required member with its JSON type; amounts are strings",
    killed_by: &["v1-missing-field"],
    ..BASE
};

pub(super) const AMOUNT: Check = Check {
    id: "SRV-V1-402-003",
    title: "v1 amounts are decimal integers in base units",
    requirement: "`maxAmountRequired` is a decimal integer string.",
    observe: "The amount of every entry, as text.",
    good: "\"maxAmountRequired\": \"10000\"",
    bad: "\"maxAmountRequired\": \"$0.01\"",
    judge: amount,
    cause: "a price in dollars stands where base units belong",
    fix: "multiply the price by the token's decimals: \"10000\" is 0.01 USDC",
    killed_by: &["v1-amount-decimal"],
    ..BASE
};

fn body(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let status = unpaid::answers_402(judged, version);
    let has_402 = judged
        .facts
        .unpaid(version)
        .iter()
        .any(|exchange| exchange.status() == Some(402));
    if has_402 {
        status.merge(unpaid::each_402(judged, version, body_of))
    } else {
        status
    }
}

fn body_of(exchange: &Exchange<'_>) -> Outcome {
    let evidence = evidence_of(exchange);
    let Some(json) = exchange.body_json() else {
        return Outcome::fail("the body of the 402 is not JSON", evidence);
    };
    if !json.is_object() {
        return Outcome::fail("the body of the 402 is no JSON object", evidence);
    }
    let Some(challenge) = exchange.challenge(Version::V1) else {
        return Outcome::fail("the body of the 402 has no x402Version", evidence);
    };
    let mut outcome = Outcome::new();
    for problem in &challenge.problems {
        outcome.add(match problem.path.as_str() {
            "x402Version" => Outcome::fail(problem.to_string(), evidence.clone()),
            "error" if problem.kind == ProblemKind::Missing => {
                Outcome::warn("error is missing", evidence.clone())
            }
            "error" => Outcome::fail(problem.to_string(), evidence.clone()),
            // An empty list is no violation of this row.
            "accepts" if !matches!(problem.kind, ProblemKind::WrongValue { .. }) => {
                Outcome::fail(problem.to_string(), evidence.clone())
            }
            _ => continue,
        });
    }
    if outcome.is_empty() {
        Outcome::pass("402 with a v1 challenge", evidence)
    } else {
        outcome
    }
}

fn members(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        if !unpaid::has_offers(challenge) {
            return Outcome::skipped("control missing: there is no offer to look at");
        }
        let outcome: Outcome = unpaid::shape_problems(challenge)
            .map(|problem| {
                let text = problem.to_string();
                if is_absent_description(problem) {
                    Outcome::warn(text, evidence_of(exchange))
                } else {
                    Outcome::fail(text, evidence_of(exchange))
                }
            })
            .collect();
        if outcome.is_empty() {
            Outcome::pass(
                "every offer has its required members",
                evidence_of(exchange),
            )
        } else {
            outcome
        }
    })
}

fn is_absent_description(problem: &Problem) -> bool {
    problem.path.ends_with(".description") && problem.kind == ProblemKind::Missing
}

fn amount(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_offer_text(judged, version, "maxAmountRequired", |amount| {
        if unpaid::is_base_units(amount) {
            Ok(())
        } else {
            Err(format!(
                "maxAmountRequired {amount:?} is no decimal integer"
            ))
        }
    })
}
