//! Section H: a facilitator in trouble gives nothing away.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Level, Need, Role};
use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use crate::audit::{Book, Delivery};
use crate::history::event::Trouble;
use crate::history::{Exchange, FacilitatorCall};

const VERIFY: &[&str] = &[
    "trouble/verify-500",
    "trouble/verify-junk",
    "trouble/verify-schema",
    COERCED,
    "trouble/verify-reset",
    "trouble/verify-hang",
    OUTAGE,
];
const SETTLE: &[&str] = &[
    "trouble/settle-500",
    "trouble/settle-junk",
    "trouble/settle-schema",
    "trouble/settle-reset",
    "trouble/settle-hang",
];
const HANGS: &[&str] = &["trouble/verify-hang", "trouble/settle-hang"];
const DETOURS: &[&str] = &[
    "trouble/verify-redirect",
    "trouble/settle-redirect",
    "trouble/verify-429",
    "trouble/settle-429",
];
/// `isValid` is the text `"true"`: some readers take it for a yes, and the settlement still decides.
const COERCED: &str = "trouble/verify-coerced";
/// Connections are refused, so no call is seen; the fault is noted with the exchange.
const OUTAGE: &str = "trouble/outage";
/// Seconds after which a server that still waits has not given up in time.
const GIVES_UP_S: u64 = 120;

pub(super) const VERIFY_TROUBLE: Check = Check {
    id: "SRV-FAC-001",
    title: "Nothing is delivered when the facilitator cannot verify",
    requirement: "A facilitator that is unreachable, silent, failing or talking junk at verify leads to no delivery.",
    observe: "Good payments whose /verify is answered 500, HTML, {}, isValid: \"true\", not at all, or refused.",
    good: "502, or 402, without the paid body",
    bad: "200 because the call failed and the failure was caught",
    source: "transports HTTP status table (500 class)",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: VERIFY,
    judge: |judged, version| fails_closed(judged, version, VERIFY, Endpoint::Verify),
    cause: "an error of the facilitator's call is caught and the request goes on, or only the HTTP status is looked at",
    fix: "deliver only after a 2xx answer whose isValid is the boolean true; treat everything else as a refusal",
    tags: &["CWE-636", "CWE-754"],
    killed_by: &[
        "serve-on-facilitator-error",
        "verify-any-200-is-valid",
        "verdicts-coerced",
    ],
};

pub(super) const STATUS: Check = Check {
    id: "SRV-FAC-002",
    title: "Status when the facilitator cannot verify",
    requirement: "402, 500, 502, 503 and 504 are all accepted; the status is recorded.",
    observe: "Statuses of the answers of SRV-FAC-001.",
    good: "502 or 503: the payer is not to blame",
    bad: "402 with a fresh challenge, which asks the payer to sign again",
    level: Level::MustDerived,
    grade: Grade::Info,
    judge: statuses,
    cause: "the SDK answers so",
    fix: "answer a 5xx status so that the client sends the same payment again",
    tags: &[],
    killed_by: &[],
    ..VERIFY_TROUBLE
};

pub(super) const SETTLE_TROUBLE: Check = Check {
    id: "SRV-FAC-003",
    title: "Nothing is delivered when the facilitator cannot settle",
    requirement: "A facilitator that is unreachable, silent, failing or talking junk at settle leads to no delivery.",
    observe: "Good payments whose /settle is answered 500, HTML, {}, or not at all, while nothing moves.",
    good: "502, or 402, without the paid body",
    bad: "200: the payment was verified, so it is taken for paid",
    probes: SETTLE,
    judge: |judged, version| fails_closed(judged, version, SETTLE, Endpoint::Settle),
    cause: "the content leaves before the settlement's answer is read, or an error is taken for a success",
    fix: "deliver only after a 2xx answer whose success is the boolean true",
    killed_by: &[
        "serve-on-facilitator-error",
        "serve-on-settle-trouble",
        "settle-any-200-is-success",
    ],
    ..VERIFY_TROUBLE
};

pub(super) const GIVES_UP: Check = Check {
    id: "SRV-FAC-004",
    title: "The server gives up on a silent facilitator",
    requirement: "A server gives up on a facilitator that says nothing in bounded time.",
    observe: "How long a request stays open while /verify or /settle is never answered; as far as --patience goes.",
    good: "an error after 30 to 90 seconds",
    bad: "the request is open after two minutes",
    source: "time-outs of the SDKs: 30 s (Go), 90 s (TypeScript, Python)",
    level: Level::Open,
    grade: Grade::Warn,
    probes: HANGS,
    judge: gives_up,
    cause: "the HTTP client of the facilitator has no time-out",
    fix: "give calls of the facilitator a time-out, longer than a settlement takes",
    tags: &["CWE-400"],
    // Proven by hand-written histories: nobody waits two minutes for a defect.
    killed_by: &[],
    ..VERIFY_TROUBLE
};

pub(super) const DETOUR: Check = Check {
    id: "SRV-FAC-012",
    title: "Redirects and rate limits of the facilitator",
    requirement: "What the server makes of a redirect and of a 429 from its facilitator is recorded.",
    observe: "Payments whose /verify or /settle is answered 307 or 429: how often it was asked, and how the request ended.",
    good: "refused, or asked again after a pause",
    bad: "served without an answer",
    source: "behaviour of the SDKs",
    level: Level::Sdk,
    grade: Grade::Info,
    probes: DETOURS,
    judge: detours,
    cause: "the HTTP client of the SDK",
    fix: "nothing has to change",
    tags: &[],
    killed_by: &[],
    ..VERIFY_TROUBLE
};

/// The payment of an exchange, when the trouble really met it: a call of that endpoint and no yes, or a refused connection.
fn met<'f, 'h>(
    judged: &Judged<'f, 'h>,
    exchange: &Exchange<'h>,
    on: Endpoint,
) -> Option<&'f Book<'h>> {
    let book = judged.true_book(exchange)?;
    if exchange.probe() == OUTAGE {
        let facts = judged.facts;
        let struck = |call: &FacilitatorCall<'_>| exchange.spans(call.received_at_us);
        let reached = facts.calls_about(book.signed.key).any(struck);
        return (!book.faults.is_empty() && !reached).then_some(book);
    }
    let mut calls = calls(judged, book, on).peekable();
    calls.peek()?;
    calls.all(|call| !call.says_yes()).then_some(book)
}

fn calls<'f, 'h>(
    judged: &Judged<'f, 'h>,
    book: &Book<'h>,
    on: Endpoint,
) -> impl Iterator<Item = &'f FacilitatorCall<'h>> {
    let calls = judged.facts.calls_about(book.signed.key);
    calls.filter(move |call| call.endpoint == on)
}

fn endpoint_of(probe: &str) -> Endpoint {
    match probe.contains("/settle-") {
        true => Endpoint::Settle,
        false => Endpoint::Verify,
    }
}

fn fails_closed(
    judged: &Judged<'_, '_>,
    version: Version,
    probes: &[&'static str],
    on: Endpoint,
) -> Outcome {
    let mut outcome = Outcome::new();
    for probe in probes {
        for exchange in judged.facts.paid(version, probe) {
            if let Some(book) = met(judged, exchange, on) {
                outcome.add(closed(judged, exchange, book));
            }
        }
    }
    if outcome.is_empty() {
        return Outcome::skipped("none of these troubles met a payment: the target did not ask");
    }
    judged.with_control(version, outcome)
}

fn closed<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>, book: &Book<'h>) -> Outcome {
    let probe = exchange.probe();
    let text = format!("{probe}: ended with {}", exchange.ending());
    let evidence = book.evidence(judged.facts);
    if !judged.books.contents.left(exchange) {
        return match judged.books.delivery(exchange) {
            Delivery::OtherSuccess => {
                Outcome::warn(format!("{text}, without the paid content"), evidence)
            }
            _ if HANGS.contains(&probe) && exchange.trouble() == Some(Trouble::TimedOut) => {
                let waited = waited_ms(exchange);
                let text = format!("{probe}: nothing was delivered within {waited} ms");
                Outcome::pass(text, evidence)
            }
            _ => unjudgeable(exchange).unwrap_or_else(|| Outcome::pass(text, evidence)),
        };
    }
    let text = format!("{probe}: the paid content was delivered");
    match (probe, book.transfers.is_empty()) {
        (COERCED, false) => {
            let why = "the text \"true\" was taken for a yes; it was settled all the same";
            Outcome::warn(format!("{text}; {why}"), evidence)
        }
        (_, false) => Outcome::fail(format!("{text}, and settled without a verdict"), evidence),
        (_, true) if !book.at_rest => Outcome::inconclusive(
            format!("{text}; the ledger was not read after it"),
            evidence,
        ),
        (_, true) => Outcome::given(format!("{text}, and nothing was paid"), evidence),
    }
}

fn waited_ms(exchange: &Exchange<'_>) -> u64 {
    exchange.ended_at_us.saturating_sub(exchange.sent_at_us) / 1_000
}

fn statuses(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut seen = Vec::new();
    let mut evidence = Vec::new();
    for probe in VERIFY {
        for exchange in judged.facts.paid(version, probe) {
            if met(judged, exchange, Endpoint::Verify).is_some() {
                seen.push(format!("{}: {}", short(probe), exchange.ending()));
                evidence.push(exchange.evidence());
            }
        }
    }
    recorded(seen, evidence)
}

/// The probe without its section.
fn short(probe: &str) -> &str {
    probe.rsplit('/').next().unwrap_or(probe)
}

fn recorded(seen: Vec<String>, evidence: Vec<x402_assay_reports::model::Evidence>) -> Outcome {
    if seen.is_empty() {
        return Outcome::skipped("none of these troubles met a payment: the target did not ask");
    }
    Outcome::info(seen.join(", "), evidence)
}

fn gives_up(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for probe in HANGS {
        for exchange in judged.facts.paid(version, probe) {
            if met(judged, exchange, endpoint_of(probe)).is_some() {
                outcome.add(gave_up(exchange));
            }
        }
    }
    outcome.or_skipped("silence met no payment: the target did not ask")
}

fn gave_up(exchange: &Exchange<'_>) -> Outcome {
    let probe = short(exchange.probe());
    let seconds = waited_ms(exchange) / 1_000;
    let evidence = evidence_of(exchange);
    let answered = exchange.answer().is_some();
    if seconds > GIVES_UP_S {
        let text = format!("{probe}: the request was still open after {seconds} s");
        return Outcome::warn(text, evidence);
    }
    if answered {
        let text = format!("{probe}: {} after {seconds} s", exchange.ending());
        return Outcome::pass(text, evidence);
    }
    match exchange.trouble() {
        Some(Trouble::TimedOut) => {
            let text =
                format!("{probe}: an end was not observed within {seconds} s (--patience, --slow)");
            Outcome::info(text, evidence)
        }
        _ => unjudgeable(exchange)
            .unwrap_or_else(|| Outcome::inconclusive(format!("{probe}: no answer"), evidence)),
    }
}

fn detours(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut seen = Vec::new();
    let mut evidence = Vec::new();
    for probe in DETOURS {
        for exchange in judged.facts.paid(version, probe) {
            let on = endpoint_of(probe);
            let Some(book) = met(judged, exchange, on) else {
                continue;
            };
            let asked = calls(judged, book, on).count();
            let ending = exchange.ending();
            seen.push(format!("{}: asked {asked} time(s), {ending}", short(probe)));
            evidence.push(exchange.evidence());
        }
    }
    recorded(seen, evidence)
}
