//! Section K: extensions that a challenge declares. What the bench cannot use itself is judged from the bytes it is shown.

pub(super) mod bazaar;
pub(super) mod echo;
pub(super) mod offers;
pub(super) mod receipts;
pub(super) mod sign_in;
mod signers;

use serde_json::Value;
use x402_assay_protocol::{Challenge, Version};

use super::judged::Judged;
use super::outcome::Outcome;
use super::unpaid;
use crate::history::Exchange;

/// What a challenge declares under an extension's name.
fn declared<'c>(challenge: &'c Challenge, name: &str) -> Option<&'c Value> {
    challenge.raw.get("extensions")?.get(name)
}

/// Judges every challenge that declares an extension; skipped when none does.
fn each_declared<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    name: &str,
    judge: impl Fn(&'f Exchange<'h>, &'f Challenge, &'f Value) -> Outcome,
) -> Outcome {
    let mut outcome = Outcome::new();
    for exchange in judged.facts.unpaid(version) {
        let challenge = exchange.challenge(version);
        if let Some((challenge, found)) = challenge.and_then(|c| Some((c, declared(c, name)?))) {
            outcome.add(judge(exchange, challenge, found));
        }
    }
    outcome.or_skipped(format!("no challenge declares the extension {name}"))
}

/// True when some challenge of the generation declares any extension.
fn any_declared(judged: &Judged<'_, '_>, version: Version) -> bool {
    let declares = |challenge: &Challenge| {
        let extensions = challenge.raw.get("extensions").and_then(Value::as_object);
        extensions.is_some_and(|extensions| !extensions.is_empty())
    };
    let mut unpaid = judged.facts.unpaid(version).into_iter();
    unpaid.any(|exchange| exchange.challenge(version).is_some_and(declares))
}

/// A string member.
fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// Digits of a base-unit amount, as the section about offers reads them.
fn is_amount(value: Option<&str>) -> bool {
    value.is_some_and(unpaid::is_base_units)
}
