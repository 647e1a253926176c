//! What both challenge sections share: unpaid answers, and which of them reached a payment gate.

use serde_json::Value;
use x402_assay_protocol::{Challenge, Problem, ProblemKind, Version};

use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use crate::audit::Delivery;
use crate::history::Exchange;

/// Judges that every unpaid request is answered 402.
pub(super) fn answers_402(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    judged
        .facts
        .unpaid(version)
        .into_iter()
        .map(|exchange| status_of_unpaid(judged, version, exchange))
        .collect()
}

fn status_of_unpaid<'h>(
    judged: &Judged<'_, 'h>,
    version: Version,
    exchange: &Exchange<'h>,
) -> Outcome {
    let evidence = evidence_of(exchange);
    let Some(status) = exchange.status() else {
        return unjudgeable(exchange).unwrap_or_default();
    };
    let holds_challenge = exchange.challenge(version).is_some();
    match status {
        402 => Outcome::pass("answered 402", evidence),
        200..300 if judged.books.delivery(exchange) == Delivery::Content => {
            Outcome::given(format!("served without payment (HTTP {status})"), evidence)
        }
        200..300 => Outcome::fail(format!("answered {status} instead of 402"), evidence),
        _ if holds_challenge => Outcome::fail(
            format!("the challenge comes with status {status} instead of 402"),
            evidence,
        ),
        429 | 500.. => Outcome::inconclusive(
            format!("answered {status}: the request did not get to the payment gate"),
            evidence,
        ),
        _ => Outcome::skipped(format!(
            "control missing: answered {status}, so the request did not get to a payment gate"
        )),
    }
}

/// Judges every 402 to an unpaid request.
pub(super) fn each_402<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    judge: impl Fn(&'f Exchange<'h>) -> Outcome,
) -> Outcome {
    let challenged: Vec<&'f Exchange<'h>> = judged
        .facts
        .unpaid(version)
        .into_iter()
        .filter(|exchange| exchange.status() == Some(402))
        .collect();
    if challenged.is_empty() {
        return Outcome::skipped("control missing: no unpaid request was answered 402");
    }
    challenged.into_iter().map(judge).collect()
}

/// Judges every challenge that can be read.
pub(super) fn each_challenge<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    judge: impl Fn(&'f Exchange<'h>, &'f Challenge) -> Outcome,
) -> Outcome {
    each_402(judged, version, |exchange| {
        match exchange.challenge(version) {
            Some(challenge) => judge(exchange, challenge),
            None => Outcome::skipped("control missing: the challenge cannot be read"),
        }
    })
}

/// Judges one member of every offer; offers without it are left to the check of required members.
pub(super) fn each_offer_text<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    member: &str,
    judge: impl Fn(&str) -> Result<(), String>,
) -> Outcome {
    each_challenge(judged, version, |exchange, challenge| {
        let texts = challenge
            .accepts
            .iter()
            .filter_map(|offer| offer.text(member));
        let outcomes: Outcome = texts
            .map(|text| match judge(text) {
                Ok(()) => Outcome::pass(format!("{member} {text:?}"), evidence_of(exchange)),
                Err(why) => Outcome::fail(why, evidence_of(exchange)),
            })
            .collect();
        if outcomes.is_empty() {
            Outcome::skipped(format!("control missing: no offer has a string {member}"))
        } else {
            outcomes
        }
    })
}

/// Problems about members of the offers that are absent or of another type.
pub(super) fn shape_problems(challenge: &Challenge) -> impl Iterator<Item = &Problem> {
    challenge.problems.iter().filter(|problem| {
        problem.path.starts_with("accepts[")
            && matches!(
                problem.kind,
                ProblemKind::Missing | ProblemKind::WrongType { .. }
            )
    })
}

/// Problems about one member.
pub(super) fn problems_at<'f>(
    challenge: &'f Challenge,
    path: &'f str,
) -> impl Iterator<Item = &'f Problem> {
    challenge
        .problems
        .iter()
        .filter(move |problem| problem.path == path)
}

/// Digits only, at least one.
pub(super) fn is_base_units(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// True when `accepts` is an array with entries.
pub(super) fn has_offers(challenge: &Challenge) -> bool {
    challenge
        .raw
        .get("accepts")
        .and_then(Value::as_array)
        .is_some_and(|offers| !offers.is_empty())
}
