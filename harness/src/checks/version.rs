//! Section C: the version a payment names.

use x402_assay_protocol::Version;

use super::check::{Check, Grade, Level, Role, V1, V2};
use super::judged::{Judged, evidence_of, not_tried};
use super::outcome::Outcome;
use super::told::{class, fate, in_short, reason, recorded_with};
use crate::audit::Delivery;
use crate::history::Exchange;

/// Versions that nobody supports.
const UNSUPPORTED: &[&str] = &[
    "version/0",
    "version/3",
    "version/99",
    "version/text",
    "version/null",
];
/// The one that a lenient JSON reader takes for the number.
const TEXT: &str = "version/text";
const V1_SHAPES: &[&str] = &["version/v1-shape", "version/v1-shape-caip2"];
const REASONS: &[&str] = &[
    "version/0",
    "version/3",
    "version/99",
    "version/text",
    "version/null",
    "version/v1-shape",
    "version/v1-shape-caip2",
    "wrong/scheme",
    "wrong/network",
];

pub(super) const SUPPORTED: Check = Check {
    id: "SRV-VER-001",
    title: "A payment of an unsupported version is refused",
    requirement: "`x402Version` other than supported is refused.",
    observe: "Payments that are validly signed and name version 0, 3, 99, \"2\" and null.",
    good: "402 or 400, and nothing moves",
    bad: "200, or 500 because the version found no branch",
    source: "x402 specification, section 9 (invalid_x402_version); no status is given",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Derived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: UNSUPPORTED,
    judge: unsupported,
    cause: "the version of the payment is not looked at, or replaced with the server's own",
    fix: "compare x402Version with the versions you offer before anything else, and answer 402",
    tags: &["CWE-20"],
    killed_by: &["version-overwritten", "accept-any-header"],
};

pub(super) const V1_SHAPED: Check = Check {
    id: "SRV-VER-002",
    title: "A v1 payment in the v2 header is refused",
    requirement: "A v1-shaped payload in `PAYMENT-SIGNATURE` is refused unless the server declares v1.",
    observe: "v1 messages in PAYMENT-SIGNATURE, with the network named as v1 does and as v2 does.",
    good: "402 or 400, and nothing moves",
    bad: "200: a message without the agreed terms has bought",
    source: "every SDK",
    probes: V1_SHAPES,
    judge: v1_shaped,
    cause: "the message is taken for whatever shape it has",
    fix: "read PAYMENT-SIGNATURE as a v2 message only, unless you offer v1 too",
    killed_by: &["accept-any-header"],
    ..SUPPORTED
};

pub(super) const V1_OVERWRITTEN: Check = Check {
    id: "SRV-VER-005",
    title: "Recorded: what becomes of a v1 payment that names another version",
    requirement: "TypeScript v1 servers overwrite the payload's version with 1.",
    observe: "A v1 payment that names version 99, and the version that our facilitator was asked with.",
    good: "refused, or served after the version was overwritten",
    bad: "nothing of it counts against a server",
    source: "TypeScript v1 packages",
    versions: V1,
    level: Level::Sdk,
    grade: Grade::Info,
    probes: &["version/v1-99"],
    judge: overwritten,
    killed_by: &[],
    ..SUPPORTED
};

pub(super) const REASON: Check = Check {
    id: "SRV-VER-006",
    title: "Recorded: the reasons given for a wrong version, scheme or network",
    requirement: "Reason given (body, header `error`) for SRV-VER-001 to 004.",
    observe: "Status and error text of each refusal, and the class that the text belongs to.",
    good: "an error that names what was wrong",
    bad: "nothing of it counts against a server",
    source: "x402 specification, section 9: codes are not tied to statuses",
    level: Level::Open,
    grade: Grade::Info,
    probes: REASONS,
    judge: reasons,
    killed_by: &[],
    ..SUPPORTED
};

fn unsupported(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refusals(judged, version, UNSUPPORTED, |exchange| {
        // A lenient reader of JSON takes "2" for 2: who was paid as agreed has lost nothing.
        let lenient = exchange.probe() == TEXT && is_paid_for(judged, exchange);
        lenient.then(|| {
            let text = format!("{}: served, and charged as offered", exchange.probe());
            Outcome::warn(text, evidence_of(exchange))
        })
    })
}

fn v1_shaped(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let declares_v1 = judged.facts.versions().contains(&Version::V1)
        || judged
            .facts
            .exchanges
            .iter()
            .any(|exchange| !exchange.is_paid() && exchange.challenge(Version::V1).is_some());
    refusals(judged, version, V1_SHAPES, |exchange| {
        (declares_v1 && is_paid_for(judged, exchange)).then(|| {
            let text = format!(
                "{}: served and charged; the server offers v1",
                exchange.probe()
            );
            Outcome::info(text, evidence_of(exchange))
        })
    })
}

/// Every payment of these probes is refused, without a 5xx; `tolerated` excuses one that is not.
fn refusals<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probes: &[&str],
    tolerated: impl Fn(&'f Exchange<'h>) -> Option<Outcome>,
) -> Outcome {
    let mut outcome = Outcome::new();
    for probe in probes {
        let mut tried = false;
        let exchanges = judged.facts.exchanges.iter().filter(|exchange| {
            exchange.version() == Some(version) && exchange.probe() == *probe && exchange.is_paid()
        });
        for exchange in exchanges {
            tried = true;
            let excused = tolerated(exchange);
            outcome.add(
                excused
                    .or_else(|| judged.wrongly_given(exchange))
                    .unwrap_or_else(|| {
                        let (text, evidence) = (
                            format!("{probe} refused with {}", exchange.ending()),
                            evidence_of(exchange),
                        );
                        match exchange.status() {
                            Some(500..) => Outcome::warn(text, evidence),
                            _ => Outcome::pass(text, evidence),
                        }
                    }),
            );
        }
        if !tried {
            outcome.add(
                super::told::noted(judged, version, probe)
                    .unwrap_or_else(|| not_tried(version, probe)),
            );
        }
    }
    judged.with_control(version, outcome)
}

/// Served, and exactly the offered terms moved.
fn is_paid_for<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> bool {
    judged.books.delivery(exchange) == Delivery::Content
        && judged
            .true_book(exchange)
            .is_some_and(|book| book.paid_as_offered())
}

fn overwritten(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    recorded_with(judged, version, &["version/v1-99"], |exchange| {
        let number = exchange.sent.authorization;
        let signed = number.and_then(|number| judged.facts.authorization(number));
        let asked = signed.and_then(|signed| {
            let mut calls = judged.facts.calls_about(signed.key);
            calls.find_map(|call| call.request()?.pointer("/paymentPayload/x402Version"))
        });
        asked.map_or_else(
            || "; our facilitator was not asked".to_owned(),
            |asked| format!("; our facilitator was asked about version {asked}"),
        )
    })
}

fn reasons(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for probe in REASONS {
        for exchange in judged.facts.paid(version, probe) {
            let text = match reason(exchange, version) {
                Some(said) => {
                    let class = class(said).unwrap_or("no known class");
                    format!(
                        "{probe}: {}, {:?}: {class}",
                        exchange.ending(),
                        in_short(said)
                    )
                }
                None => format!("{probe}: {}, no reason", fate(judged, exchange, version)),
            };
            outcome.add(Outcome::info(text, evidence_of(exchange)));
        }
    }
    judged.with_control(version, outcome)
}
