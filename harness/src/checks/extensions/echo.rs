//! Section K: what a server makes of a payment that does not echo the declared extensions.

use x402_assay_protocol::Version;

use crate::audit::Delivery;
use crate::checks::check::{Check, Grade, Level, Role, V2};
use crate::checks::judged::{Judged, evidence_of};
use crate::checks::outcome::Outcome;
use crate::history::Exchange;

pub(in crate::checks) const NONE: Check = Check {
    id: "SRV-EXT-001",
    title: "What comes of a payment without the declared extensions",
    requirement: "A client echoes the extensions that the challenge declares; what a server does without the echo is recorded.",
    observe: "Good payments without an `extensions` member, where the challenge declares some.",
    good: "served, as the SDKs do, or refused with a reason",
    bad: "nothing: this is recorded only",
    source: "x402 v2 specification, section 5.1.2",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::MustDerived,
    grade: Grade::Info,
    raised_by: None,
    needs: &[],
    probes: &["good", "good-2"],
    judge: without,
    cause: "the extension is optional for this server, or it insists on the echo",
    fix: "nothing needs to change",
    tags: &["extensions"],
    killed_by: &[],
};

pub(in crate::checks) const CHANGED: Check = Check {
    id: "SRV-EXT-002",
    title: "What comes of an echo that changes the declared information",
    requirement: "An echo that drops or changes an extension's `info` is recorded; SDK servers answer 402.",
    observe: "A good payment that echoes the extensions with a changed member.",
    good: "402 extension_echo_mismatch, or served",
    bad: "nothing: this is recorded only",
    source: "TypeScript and Python SDKs",
    level: Level::Sdk,
    probes: &["extension/changed", "unpaid"],
    judge: changed,
    ..NONE
};

fn without(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if !super::any_declared(judged, version) {
        return Outcome::skipped("no challenge declares an extension");
    }
    let honest = judged.honest(version);
    let plain = honest.into_iter().filter(|exchange| {
        exchange
            .payment()
            .is_some_and(|payment| payment.get("extensions").is_none())
    });
    plain
        .map(|exchange| told(judged, exchange, "without the extensions"))
        .reduce(Outcome::merge)
        .unwrap_or_else(|| Outcome::skipped("every good payment echoed the extensions"))
}

fn changed(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if !super::any_declared(judged, version) {
        return Outcome::skipped("no challenge declares an extension");
    }
    judged
        .facts
        .paid(version, "extension/changed")
        .map(|exchange| told(judged, exchange, "with a changed echo"))
        .reduce(Outcome::merge)
        .unwrap_or_else(|| {
            Outcome::skipped("no declared extension has an `info` that could be changed")
        })
}

fn told<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>, how: &str) -> Outcome {
    let word = match judged.books.delivery(exchange) {
        Delivery::Content => "served",
        _ => "answered",
    };
    let mut outcome = Outcome::new();
    let text = format!("a payment {how} was {word} with {}", exchange.ending());
    outcome.add(Outcome::info(text, evidence_of(exchange)));
    outcome
}
