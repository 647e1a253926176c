//! Section J: payment identifiers, where the challenge advertises them: the declaration, and what is left open.

use serde_json::Value;
use x402_assay_protocol::Version;

use super::check::{Check, Grade, Level, Role, V2};
use super::judged::{Judged, evidence_of};
use super::outcome::Outcome;
use super::told::{recorded, recorded_with};
use crate::client::identifier::PAYMENT_IDENTIFIER;
use crate::history::Exchange;

/// Requests without payment show whether identifiers are declared; every check starts from there.
const UNPAID: &[&str] = &["unpaid"];

pub(super) const DECLARATION: Check = Check {
    id: "SRV-PID-001",
    title: "The declaration of payment identifiers is whole",
    requirement: "The declaration has an `info.required` boolean and a `schema` object.",
    observe: "extensions[\"payment-identifier\"] of every challenge.",
    good: "{\"info\":{\"required\":false},\"schema\":{...}}",
    bad: "{\"info\":{}}",
    source: "extension payment_identifier, \"PaymentRequired\"",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: UNPAID,
    judge: declaration,
    cause: "the extension is written by hand",
    fix: "declare info.required as true or false, and the JSON Schema of info",
    tags: &[],
    killed_by: &["id-without-schema"],
};

const OPEN: Check = Check {
    good: "whatever the server documents",
    bad: "nothing of it counts against a server",
    level: Level::Open,
    grade: Grade::Info,
    cause: "the documents leave it open",
    fix: "nothing needs to change",
    killed_by: &[],
    ..DECLARATION
};

pub(super) const MALFORMED: Check = Check {
    id: "SRV-PID-005",
    title: "Recorded: identifiers that are none",
    requirement: "Ids outside 16 to 128 characters of `[A-Za-z0-9_-]` are refused.",
    observe: "Good payments with an id of 15 and of 129 characters, with blanks, and with letters beyond ASCII.",
    good: "400, and nothing moves",
    source: "extension payment_identifier, format; no status is given",
    level: Level::MustDerived,
    judge: |judged, version| open(judged, version, NO_IDENTIFIERS),
    ..OPEN
};

const NO_IDENTIFIERS: &[&str] = &["id/short", "id/long", "id/space", "id/unicode"];

pub(super) const CACHED_RECEIPT: Check = Check {
    id: "SRV-PID-006",
    title: "Recorded: whether the cached answer repeats PAYMENT-RESPONSE",
    requirement: "The cached answer repeats `PAYMENT-RESPONSE`.",
    observe: "The settlement header of the answer to a repeated payment.",
    source: "the TypeScript example does not, newer text does",
    level: Level::Sdk,
    judge: cached_receipt,
    ..OPEN
};

pub(super) const SCOPE: Check = Check {
    id: "SRV-PID-009",
    title: "Recorded: the scope of an identifier",
    requirement: "Id scope (route, tenant), lifetime.",
    observe: "The payment that bought is sent to another route, and with another body. Lifetimes are not waited for.",
    source: "the documents are silent",
    judge: scope,
    ..OPEN
};

pub(super) const ECHO: Check = Check {
    id: "SRV-PID-011",
    title: "Recorded: an echo that changes info.required",
    requirement: "Client changes `info.required` in the echo.",
    observe: "A good payment whose extensions say the opposite about `required`.",
    source: "x402 v2 specification, section 5.1.2; SDKs answer 402 extension_echo_mismatch",
    level: Level::MustDerived,
    judge: |judged, version| open(judged, version, &["id/required-changed"]),
    ..OPEN
};

/// Declarations in challenges of a generation, with the exchange they came in; each text once.
pub(super) fn declarations<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
) -> Vec<(&'f Exchange<'h>, &'f Value)> {
    let mut found: Vec<(&'f Exchange<'h>, &'f Value)> = Vec::new();
    let facts = judged.facts;
    for exchange in facts.unpaid(version) {
        let declared = exchange.challenge(version).and_then(|challenge| {
            challenge
                .raw
                .pointer("/extensions")?
                .get(PAYMENT_IDENTIFIER)
        });
        if let Some(declared) = declared
            && !found.iter().any(|(_, known)| *known == declared)
        {
            found.push((exchange, declared));
        }
    }
    found
}

/// Why nothing about identifiers can be judged; `None` when a payment with one bought.
pub(super) fn not_sold(judged: &Judged<'_, '_>, version: Version) -> Option<Outcome> {
    if declarations(judged, version).is_empty() {
        return Some(not_advertised());
    }
    let bought = judged
        .facts
        .paid(version, "id/good")
        .any(|exchange| judged.books.delivery(exchange) == crate::audit::Delivery::Content);
    (!bought).then(|| {
        Outcome::skipped("control missing: no good payment with an identifier was accepted")
    })
}

pub(super) fn not_advertised() -> Outcome {
    Outcome::skipped("the challenge does not advertise payment-identifier")
}

fn declaration(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let declared = declarations(judged, version);
    if declared.is_empty() {
        return not_advertised();
    }
    declared
        .into_iter()
        .map(|(exchange, declared)| {
            let required = declared.pointer("/info/required");
            let lacks = [
                (
                    "info.required is no boolean",
                    required.is_some_and(Value::is_boolean),
                ),
                ("schema is no object", declared["schema"].is_object()),
            ];
            let lacks: Vec<&str> = lacks
                .iter()
                .filter(|(_, is_there)| !is_there)
                .map(|(what, _)| *what)
                .collect();
            match lacks.as_slice() {
                [] => Outcome::pass("required and schema are declared", evidence_of(exchange)),
                lacks => Outcome::fail(lacks.join(", "), evidence_of(exchange)),
            }
        })
        .collect()
}

fn open(judged: &Judged<'_, '_>, version: Version, probes: &[&str]) -> Outcome {
    not_sold(judged, version).unwrap_or_else(|| recorded(judged, version, probes))
}

fn cached_receipt(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = not_sold(judged, version) {
        return outcome;
    }
    let answers = judged
        .facts
        .paid(version, "id/repeat")
        .filter(|exchange| exchange.is_success());
    answers
        .map(|exchange| {
            let text = match exchange.header(version.settlement_header()) {
                Some(_) => "the cached answer repeats the receipt",
                None => "the cached answer carries no receipt",
            };
            Outcome::info(text, evidence_of(exchange))
        })
        .reduce(Outcome::merge)
        .unwrap_or_else(|| Outcome::skipped("no repeat was answered from a cache"))
}

fn scope(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = not_sold(judged, version) {
        return outcome;
    }
    let probes: Vec<&str> = ["id/other-route", "id/other-body"]
        .into_iter()
        .filter(|probe| judged.facts.probe(version, probe).next().is_some())
        .collect();
    if probes.is_empty() {
        return Outcome::skipped(
            "one paid route is known: name another one under `routes` in the profile",
        );
    }
    recorded_with(judged, version, &probes, |exchange| {
        format!(" on {} {}", exchange.sent.method, exchange.sent.path)
    })
}
