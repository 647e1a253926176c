//! Section H: what the server sends to the facilitator.

use serde_json::Value;
use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Need, Role};
use super::judged::Judged;
use super::outcome::Outcome;
use crate::history::{Exchange, FacilitatorCall};

const PAYMENTS: &[&str] = &["good", "good-2"];

pub(super) const SHAPE: Check = Check {
    id: "SRV-FAC-010",
    title: "Requests to the facilitator have the documented shape",
    requirement: "JSON with `paymentPayload` and `paymentRequirements`; outer `x402Version` present.",
    observe: "Every request to our facilitator, member by member.",
    good: "POST {\"x402Version\":2,\"paymentPayload\":{...},\"paymentRequirements\":{...}}",
    bad: "the header's text in place of paymentPayload",
    source: "x402 specification, section 7",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: PAYMENTS,
    judge: shape,
    cause: "the facilitator client is written by hand",
    fix: "send {\"x402Version\", \"paymentPayload\", \"paymentRequirements\"} as JSON",
    tags: &[],
    killed_by: &["facilitator-request-without-version"],
};

pub(super) const UNMODIFIED: Check = Check {
    id: "SRV-FAC-011",
    title: "The payment is forwarded unmodified",
    requirement: "The payload is forwarded unmodified (semantically equal JSON).",
    observe: "The paymentPayload of each call against the payment that was sent.",
    good: "the same JSON, whatever the order of members",
    bad: "members dropped or renamed on the way",
    source: "derived",
    level: Level::Derived,
    grade: Grade::Warn,
    judge: unmodified,
    cause: "the payment is parsed into a narrower type and written again",
    fix: "forward the JSON object that the client sent",
    killed_by: &["payload-rewritten"],
    ..SHAPE
};

/// Calls about honest payments of a generation, with the exchange they were made in.
fn calls<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
) -> Vec<(&'f Exchange<'h>, &'f FacilitatorCall<'h>)> {
    let facts = judged.facts;
    let mut found = Vec::new();
    for exchange in judged.honest(version) {
        let Some(signed) = exchange
            .sent
            .authorization
            .and_then(|number| facts.authorization(number))
        else {
            continue;
        };
        let about = facts.calls_about(signed.key);
        // A body without a readable authorization can only be told by its time.
        let unreadable = facts.anonymous_calls_in(exchange);
        found.extend(about.chain(unreadable).map(|call| (exchange, call)));
    }
    found
}

fn shape(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let calls = calls(judged, version);
    if calls.is_empty() {
        return Outcome::skipped("our facilitator was not called about a good payment");
    }
    calls.into_iter().map(|(_, call)| shape_of(call)).collect()
}

fn shape_of(call: &FacilitatorCall<'_>) -> Outcome {
    let evidence = vec![call.evidence()];
    let Some(request) = call.request().and_then(Value::as_object) else {
        let text = format!("{} was called without a JSON object", call.path());
        return Outcome::fail(text, evidence);
    };
    for member in ["paymentPayload", "paymentRequirements"] {
        if !request.get(member).is_some_and(Value::is_object) {
            let text = format!("{} was called without a {member} object", call.path());
            return Outcome::fail(text, evidence);
        }
    }
    match request.get("x402Version") {
        Some(Value::Number(_)) => {
            Outcome::pass(format!("{} is well-formed", call.path()), evidence)
        }
        Some(other) => Outcome::warn(
            format!("the outer x402Version of {} is {other}", call.path()),
            evidence,
        ),
        None => Outcome::warn(
            format!("{} was called without the outer x402Version", call.path()),
            evidence,
        ),
    }
}

fn unmodified(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for (exchange, call) in calls(judged, version) {
        let (Some(sent), Some(forwarded)) = (
            exchange.payment(),
            call.request()
                .and_then(|request| request.get("paymentPayload")),
        ) else {
            continue;
        };
        let evidence = vec![exchange.evidence(), call.evidence()];
        outcome.add(match first_difference(sent, forwarded, "") {
            None => Outcome::pass("forwarded as it was sent", evidence),
            Some(path) => Outcome::warn(format!("{path} differs from what was sent"), evidence),
        });
    }
    outcome.or_skipped("our facilitator was not called about a good payment")
}

/// Path of the first member that differs; `null` and absent are the same, and so are letter cases of hex.
fn first_difference(sent: &Value, forwarded: &Value, path: &str) -> Option<String> {
    match (sent, forwarded) {
        (Value::Object(sent), Value::Object(forwarded)) => {
            let names = sent.keys().chain(forwarded.keys());
            names.into_iter().find_map(|name| {
                let (a, b) = (sent.get(name), forwarded.get(name));
                let inner = format!("{path}.{name}");
                first_difference(
                    a.unwrap_or(&Value::Null),
                    b.unwrap_or(&Value::Null),
                    inner.trim_start_matches('.'),
                )
            })
        }
        (Value::Array(sent), Value::Array(forwarded)) if sent.len() == forwarded.len() => sent
            .iter()
            .zip(forwarded)
            .enumerate()
            .find_map(|(index, (a, b))| first_difference(a, b, &format!("{path}[{index}]"))),
        (Value::String(a), Value::String(b)) if is_same_hex(a, b) => None,
        (a, b) => (a != b).then(|| path.to_owned()),
    }
}

fn is_same_hex(first: &str, second: &str) -> bool {
    first.starts_with("0x") && first.eq_ignore_ascii_case(second)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::first_difference;

    #[test]
    fn null_and_letter_case_of_hex_are_no_difference() {
        let sent = json!({"a": null, "to": "0xAbC", "list": [1]});
        assert_eq!(
            first_difference(&sent, &json!({"to": "0xabc", "list": [1]}), ""),
            None
        );
    }

    #[test]
    fn the_first_differing_member_is_named() {
        let sent = json!({"payload": {"value": "10", "list": [1, 2]}});
        let changed = json!({"payload": {"value": 10, "list": [1, 2]}});
        assert_eq!(
            first_difference(&sent, &changed, "").as_deref(),
            Some("payload.value")
        );
        let shorter = json!({"payload": {"value": "10", "list": [1]}});
        assert_eq!(
            first_difference(&sent, &shorter, "").as_deref(),
            Some("payload.list")
        );
    }
}
