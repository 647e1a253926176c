//! Section I: what browsers are answered, and who else is taken for one.

use x402_assay_protocol::Version;
use x402_assay_protocol::header::PAYMENT_REQUIRED;

use super::check::{BOTH, Check, Grade, Level, Role, V1, V2};
use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use super::recorded::{no_gate, said};
use crate::history::Exchange;

const BROWSER: &str = "http/browser";
const ACCEPT_ANY: &str = "http/accept-any";

pub(super) const PAGE: Check = Check {
    id: "SRV-HTTP-003",
    title: "A browser is answered 402 too",
    requirement: "What a browser gets is recorded; the status is 402.",
    observe: "A request without payment that accepts text/html and calls itself a browser.",
    good: "402 with a page that asks for payment, or with the usual body",
    bad: "200 with a page that asks for payment",
    source: "SDKs",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Sdk,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: &[BROWSER],
    judge: page,
    cause: "the page for browsers is an ordinary page of the site",
    fix: "send the page for browsers with status 402",
    tags: &[],
    killed_by: &["browser-page-status-200"],
};

pub(super) const PAGE_HEADER: Check = Check {
    id: "SRV-HTTP-004",
    title: "The page for browsers carries the challenge",
    requirement: "An HTML 402 carries `PAYMENT-REQUIRED` as well.",
    observe: "The headers of the 402 that a browser gets.",
    good: "an HTML body, and the challenge in PAYMENT-REQUIRED",
    bad: "an HTML body, and no challenge that a program could read",
    source: "transports-v2/http, which exempts no page",
    level: Level::MustDerived,
    judge: page_header,
    cause: "the page for browsers is sent before the header is set",
    fix: "set PAYMENT-REQUIRED on every 402, whatever its body is",
    killed_by: &["browser-page-without-header"],
    ..PAGE
};

pub(super) const V1_PAGE: Check = Check {
    id: "SRV-HTTP-005",
    title: "What a browser gets in version 1",
    requirement: "Whether the 402 for browsers is a page, without the terms in its body, is recorded.",
    observe: "The body of the 402 that a browser gets.",
    good: "a page, or the usual JSON",
    bad: "nothing is held against either",
    versions: V1,
    grade: Grade::Info,
    judge: v1_page,
    cause: "the SDK sends browsers a paywall page",
    fix: "nothing needs to change",
    killed_by: &[],
    ..PAGE
};

pub(super) const NOT_A_BROWSER: Check = Check {
    id: "SRV-HTTP-006",
    title: "A program that accepts anything gets no page",
    requirement: "A client that merely sends `Accept: */*`, and is no browser, can read the challenge.",
    observe: "Requests without payment that accept */*, alone or after application/json and text/plain.",
    good: "402 with a challenge a program can read",
    bad: "402 with a page for people, and no terms",
    versions: BOTH,
    probes: &[ACCEPT_ANY, "unpaid"],
    judge: not_a_browser,
    cause: "browsers are told by what they accept alone, and */* counts as text/html",
    fix: "send the page only where Accept names text/html and the client calls itself a browser",
    killed_by: &["page-for-any-accept"],
    ..PAGE
};

fn is_page(exchange: &Exchange<'_>) -> bool {
    let named = exchange.header("content-type").unwrap_or_default();
    named
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("text/html")
}

fn kind(exchange: &Exchange<'_>) -> String {
    exchange
        .header("content-type")
        .map_or_else(|| "no content type".to_owned(), str::to_owned)
}

fn each(
    judged: &Judged<'_, '_>,
    version: Version,
    judge: impl Fn(&Exchange<'_>) -> Outcome,
) -> Outcome {
    if let Some(outcome) = no_gate(judged, version) {
        return outcome;
    }
    let probes = judged.facts.probe(version, BROWSER);
    probes
        .map(|exchange| unjudgeable(exchange).unwrap_or_else(|| judge(exchange)))
        .collect()
}

fn page(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = no_gate(judged, version) {
        return outcome;
    }
    let probes = judged.facts.probe(version, BROWSER);
    let judge = |exchange| {
        let text = format!("a browser: {}, {}", said(judged, exchange), kind(exchange));
        let evidence = evidence_of(exchange);
        match (unjudgeable(exchange), exchange.status()) {
            (Some(outcome), _) => outcome,
            (None, Some(402)) => Outcome::info(text, evidence),
            (None, _) => Outcome::warn(text, evidence),
        }
    };
    probes.map(judge).collect()
}

fn page_header(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, |exchange| {
        if exchange.status() != Some(402) {
            return Outcome::skipped(format!("a browser was answered {}", exchange.ending()));
        }
        let evidence = evidence_of(exchange);
        match (is_page(exchange), exchange.header(PAYMENT_REQUIRED)) {
            (_, Some(_)) => Outcome::pass("PAYMENT-REQUIRED is there", evidence),
            (true, None) => Outcome::warn("a page without PAYMENT-REQUIRED", evidence),
            (false, None) => Outcome::skipped(format!(
                "a browser gets no page ({}) and no PAYMENT-REQUIRED",
                kind(exchange)
            )),
        }
    })
}

fn v1_page(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, |exchange| {
        let terms = match exchange.challenge(version) {
            Some(_) => "with the terms in its body",
            None => "without terms that a program could read",
        };
        let text = format!(
            "a browser: {}, {}, {terms}",
            exchange.ending(),
            kind(exchange)
        );
        Outcome::info(text, evidence_of(exchange))
    })
}

fn not_a_browser(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = no_gate(judged, version) {
        return outcome;
    }
    let asked = judged.facts.probe(version, ACCEPT_ANY);
    let asked = asked.chain(judged.facts.probe(version, "unpaid"));
    let mut outcome = Outcome::new();
    for exchange in asked.filter(|exchange| exchange.status() == Some(402)) {
        let evidence = evidence_of(exchange);
        let text = format!("{}: {}", exchange.probe(), kind(exchange));
        outcome.add(match (is_page(exchange), exchange.challenge(version)) {
            (false, _) => Outcome::pass(text, evidence),
            // The body of a v2 challenge is free: a program reads the header.
            (true, Some(_)) => Outcome::info(
                format!("{text}, with a challenge that a program can read"),
                evidence,
            ),
            (true, None) => Outcome::warn(format!("{text}, and no challenge"), evidence),
        });
    }
    match outcome.is_empty() {
        true => Outcome::skipped("control missing: no such request was answered 402"),
        false => outcome,
    }
}
