//! Calls about kinds that the bench has no payer for: judged from the bytes of whoever made them.

use serde_json::Value;
use x402_assay_protocol::Version;
use x402_assay_reports::model::Evidence;
use x402_mock_facilitator::event::Endpoint;

use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::history::FacilitatorCall;

/// A call with the parts of its request.
#[derive(Clone, Copy)]
pub(super) struct Seen<'c> {
    pub(super) call: &'c FacilitatorCall<'c>,
    pub(super) payment: &'c Value,
    pub(super) terms: &'c Value,
}

impl<'c> Seen<'c> {
    /// A member of `payload`.
    pub(super) fn payload(&self, pointer: &str) -> Option<&'c Value> {
        self.payment.get("payload")?.pointer(pointer)
    }

    pub(super) fn payload_text(&self, pointer: &str) -> &'c str {
        self.payload(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn term(&self, name: &str) -> &'c str {
        self.terms
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn extra(&self, name: &str) -> Option<&'c str> {
        self.terms.get("extra")?.get(name)?.as_str()
    }

    pub(super) const fn is_settle(&self) -> bool {
        matches!(self.call.endpoint, Endpoint::Settle)
    }

    pub(super) fn evidence(&self) -> Vec<Evidence> {
        vec![self.call.evidence()]
    }
}

/// Calls of a generation whose payment is of the wanted kind.
pub(super) fn seen<'c>(
    judged: &Judged<'c, '_>,
    version: Version,
    is_about: fn(&Seen<'_>) -> bool,
) -> Vec<Seen<'c>> {
    let calls = judged.facts.calls.iter();
    calls
        .filter(|call| matches!(call.endpoint, Endpoint::Verify | Endpoint::Settle))
        .filter_map(|call| {
            let request = call.request()?;
            let payment = request.get("paymentPayload")?;
            let number = payment.get("x402Version").and_then(Value::as_u64);
            let seen = Seen {
                call: shorten(call),
                payment,
                terms: request.get("paymentRequirements")?,
            };
            (number == Some(version.number()) && is_about(&seen)).then_some(seen)
        })
        .collect()
}

const fn shorten<'c, 'h: 'c>(call: &'c FacilitatorCall<'h>) -> &'c FacilitatorCall<'c> {
    // A call is covariant in what it borrows.
    call
}

/// Judges that each call which breaks a rule got no yes. `breaks` says what is wrong with a call, if anything is.
pub(super) fn refused(
    seen: &[Seen<'_>],
    what: &str,
    breaks: impl Fn(&Seen<'_>) -> Option<String>,
) -> Outcome {
    let mut outcome = Outcome::new();
    for one in seen {
        let Some(wrong) = breaks(one) else { continue };
        outcome.add(match one.call.answer {
            None => Outcome::inconclusive(format!("{wrong}: no answer"), one.evidence()),
            Some(_) if one.call.says_yes() => Outcome::fail(
                format!("{}: yes though {wrong}", one.call.path()),
                one.evidence(),
            ),
            Some(_) => Outcome::pass(format!("refused: {wrong}"), one.evidence()),
        });
    }
    let why = match seen.is_empty() {
        true => format!("no payer for {what}: no call about such a payment was seen"),
        false => format!("no payer for {what}: no call with this fault was seen"),
    };
    outcome.or_skipped(why)
}

/// Base units, as they are written: decimal, or hex with its prefix.
pub(super) fn units(text: &str) -> Option<alloy_primitives::U256> {
    match text.strip_prefix("0x") {
        Some(hex) => alloy_primitives::U256::from_str_radix(hex, 16).ok(),
        None if !text.is_empty() => alloy_primitives::U256::from_str_radix(text, 10).ok(),
        None => None,
    }
}

/// True when two texts are the same address.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
