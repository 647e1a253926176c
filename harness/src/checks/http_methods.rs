//! Section I: other methods on a paid path.

use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Role};
use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::outcome::Outcome;
use super::recorded::{endings, given_unpaid, no_gate};
use crate::audit::runs_in;
use crate::history::Exchange;

const METHODS: &[&str] = &[
    "http/head",
    "http/method/get",
    "http/method/post",
    "http/method/put",
    "http/method/override",
    "http/method/lower-case",
];

pub(super) const OPTIONS: Check = Check {
    id: "SRV-HTTP-007",
    title: "OPTIONS on a paid route",
    requirement: "What a preflight of a paid route is answered is recorded.",
    observe: "OPTIONS with Origin and Access-Control-Request-Method.",
    good: "204 with the methods and headers that are allowed, or 405",
    bad: "402 breaks pages from other origins; nothing is held against it",
    source: "open",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Open,
    grade: Grade::Info,
    raised_by: None,
    needs: &[],
    probes: &["http/options"],
    judge: |judged, version| endings(judged, version, &["http/options"]),
    cause: "the paywall covers every method of the path",
    fix: "answer preflights ahead of the paywall if pages from other origins should pay",
    tags: &[],
    killed_by: &[],
};

pub(super) const METHOD_ALIASES: Check = Check {
    id: "SRV-HTTP-008",
    title: "HEAD and other methods do not get past the paywall",
    requirement: "Without a payment, another method on a paid path runs no handler and shows nothing of the paid answer.",
    observe: "HEAD, the method in lower case, GET, POST and PUT where they are not the route's own, and X-HTTP-Method-Override, without a payment; the origin's counter around HEAD where `origin.executions` is declared.",
    good: "402, 404 or 405",
    bad: "200 to HEAD with length and ETag of the paid body, after the handler has run",
    grade: Grade::Warn,
    probes: METHODS,
    judge: methods,
    cause: "the paywall protects one verb of the path, and the router sends others to the same handler",
    fix: "protect the path with every method its handler answers, HEAD among them",
    tags: &["CWE-288"],
    killed_by: &["head-unpaid", "other-method-unpaid"],
    ..OPTIONS
};

fn methods(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = no_gate(judged, version) {
        return outcome;
    }
    let mut outcome = Outcome::new();
    for probe in METHODS {
        for exchange in judged.facts.probe(version, probe) {
            outcome.add(match *probe {
                "http/head" => head(judged, version, exchange),
                _ => alias(judged, exchange),
            });
        }
    }
    match outcome.is_empty() {
        true => not_tried(version, &METHODS.join(" or ")),
        false => outcome,
    }
}

fn head(judged: &Judged<'_, '_>, version: Version, exchange: &Exchange<'_>) -> Outcome {
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    let evidence = evidence_of(exchange);
    let text = format!("HEAD: {}", exchange.ending());
    if runs_in(judged.facts, exchange).is_some_and(|runs| runs > 0) {
        return Outcome::warn(format!("{text}, and the paid handler ran"), evidence);
    }
    if !exchange.is_success() {
        return Outcome::pass(text, evidence);
    }
    if exchange.header(version.settlement_header()).is_some() {
        return Outcome::warn(format!("{text} with a settlement header"), evidence);
    }
    let shown = |name: &str| {
        let value = exchange.header(name).filter(|value| *value != "0");
        value.filter(|value| {
            let mut sold = judged.accepted(version).into_iter();
            sold.any(|sold| sold.header(name) == Some(value))
        })
    };
    match ["etag", "content-length"]
        .into_iter()
        .find(|name| shown(name).is_some())
    {
        Some(name) => Outcome::warn(format!("{text} with the {name} of the paid body"), evidence),
        None => Outcome::info(text, evidence),
    }
}

fn alias<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Outcome {
    let text = format!("{}: {}", exchange.probe(), exchange.ending());
    if let Some(outcome) = given_unpaid(judged, exchange) {
        return outcome;
    }
    match (unjudgeable(exchange), exchange.status()) {
        // A server may end a connection over a method it does not know.
        (Some(_), _) => Outcome::info(text, evidence_of(exchange)),
        (None, Some(500..)) => Outcome::info(text, evidence_of(exchange)),
        (None, _) => Outcome::pass(text, evidence_of(exchange)),
    }
}
