//! Section A: what comes along with a challenge: body, size, error text, content type, the other generation.

use x402_assay_protocol::Version;
use x402_assay_protocol::header::PAYMENT_REQUIRED;
use x402_assay_protocol::network::{self, SOLANA};

use super::check::{BOTH, Check, Grade, Level, Role, V1, V2};
use super::judged::{Judged, evidence_of};
use super::leaks;
use super::outcome::Outcome;
use super::unpaid;
use crate::history::Exchange;

/// Sizes of the header above which proxies begin to refuse it, in bytes.
const LARGE: usize = 4 << 10;
const TOO_LARGE: usize = 8 << 10;

/// What the checks of this file have in common.
const BASE: Check = Check {
    id: "",
    title: "",
    requirement: "",
    observe: "",
    good: "",
    bad: "",
    source: "transports-v2/http",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Open,
    grade: Grade::Info,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: body,
    cause: "recorded only",
    fix: "nothing to change",
    tags: &[],
    killed_by: &[],
};

pub(super) const BODY: Check = Check {
    id: "SRV-V2-402-017",
    title: "Body of the 402",
    requirement: "Body of the 402: v2 leaves it free; type and content are recorded.",
    observe: "Content type, length and beginning of the body of every unpaid 402.",
    good: "{}, a page for people, or nothing",
    bad: "none: any body is allowed",
    source: "transports-v2/http, \"Response Body\"",
    judge: body,
    ..BASE
};

pub(super) const ERROR: Check = Check {
    id: "SRV-V2-402-018",
    title: "Error text of the first challenge",
    requirement: "`error` text present on the first challenge; it is optional.",
    observe: "The member in every v2 challenge to an unpaid request.",
    good: "\"error\": \"Payment required\", or no error",
    bad: "none: it is optional",
    source: "x402 v2 specification, section 5.1.2",
    level: Level::Sdk,
    judge: error_text,
    ..BASE
};

pub(super) const NO_CONTENT: Check = Check {
    id: "SRV-V2-402-019",
    title: "The challenge holds no paid content",
    requirement: "The challenge does not contain paid content.",
    observe: "The declared marker, or else a whole paid body, is looked for in body, headers and decoded challenge of every unpaid 402.",
    good: "402 with terms only",
    bad: "402 whose body or challenge shows what is for sale",
    source: "the purpose of a paywall",
    level: Level::Derived,
    grade: Grade::Warn,
    judge: no_content,
    cause: "the handler has run before the paywall, or a preview shows too much; or origin.marker also stands in free text",
    fix: "build the challenge without running the handler; choose a marker that only a paid body holds",
    tags: &["CWE-200"],
    killed_by: &["challenge-preview"],
    ..BASE
};

pub(super) const SIZE: Check = Check {
    id: "SRV-V2-402-020",
    title: "Size of the challenge header",
    requirement: "Header size: above 4 KiB some proxies refuse it, above 8 KiB most do; one document mentions 2 KiB.",
    observe: "The length of PAYMENT-REQUIRED in every unpaid 402.",
    good: "some hundred bytes",
    bad: "more than 8192 bytes",
    source: "scheme_batch_settlement_cloudflare, \"Header Size\"",
    judge: size,
    ..BASE
};

pub(super) const V1_NETWORK: Check = Check {
    id: "SRV-V1-402-004",
    title: "v1 offers use v1 network names",
    requirement: "`network` is a v1 short name; unknown names are recorded.",
    observe: "The network of every v1 offer against the names of the SDKs.",
    good: "\"network\": \"base-sepolia\"",
    bad: "\"network\": \"eip155:84532\"",
    source: "x402 v1 specification, section 11.1",
    versions: V1,
    level: Level::MustDerived,
    grade: Grade::Warn,
    judge: v1_network,
    cause: "a v2 network name in a v1 challenge",
    fix: "write the short name in v1 challenges: base-sepolia for eip155:84532",
    killed_by: &["v1-network-caip2"],
    ..BASE
};

pub(super) const V1_CONTENT_TYPE: Check = Check {
    id: "SRV-V1-402-005",
    title: "The v1 challenge is typed as JSON",
    requirement: "Response `Content-Type` is JSON.",
    observe: "The content type of every unpaid 402 whose body is a v1 challenge.",
    good: "Content-Type: application/json",
    bad: "Content-Type: text/plain",
    source: "transports-v1/http, example",
    versions: V1,
    level: Level::MustDerived,
    grade: Grade::Warn,
    judge: v1_content_type,
    cause: "the body is written as text",
    fix: "send Content-Type: application/json with the challenge",
    killed_by: &["v1-content-type"],
    ..BASE
};

pub(super) const BOTH_AT_ONCE: Check = Check {
    id: "SRV-BOTH-402-001",
    title: "Generations offered in one answer",
    requirement: "Server offers v1 body and v2 header together: recorded; each must be self-consistent, which the rows of each generation judge.",
    observe: "Which challenges every unpaid 402 holds.",
    good: "a v2 header, with or without a v1 body",
    bad: "none: the documents are silent",
    source: "silent",
    versions: BOTH,
    judge: both_at_once,
    ..BASE
};

/// v1 names of the SDKs that are in no network table of the bench.
const MORE_V1_NAMES: &[&str] = &[
    "abstract",
    "abstract-testnet",
    "celo",
    "educhain",
    "flare",
    "iotex",
    "megaeth",
    "monad",
    "monad-testnet",
    "peaq",
    "sei",
    "sei-testnet",
    "skale-base-sepolia",
    "solana-testnet",
    "stable",
    "stable-testnet",
    "story",
];

fn body(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_402(judged, version, |exchange| {
        let text = exchange.body_text().unwrap_or_default();
        let kind = exchange.header("content-type").unwrap_or("no content type");
        let told = match text.len() {
            0 => format!("{kind}, no body"),
            length => format!("{kind}, {length} bytes: {:?}", beginning(text)),
        };
        Outcome::info(told, evidence_of(exchange))
    })
}

fn beginning(text: &str) -> String {
    text.chars().take(60).collect()
}

fn error_text(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let text = match &challenge.error {
            Some(error) => format!("error is {:?}", beginning(error)),
            None => "there is no error text".to_owned(),
        };
        Outcome::info(text, evidence_of(exchange))
    })
}

fn no_content(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let marker = judged.facts.run.and_then(|run| run.marker.as_deref());
    unpaid::each_402(judged, version, |exchange| {
        let sold = marker.map_or_else(
            || paid_bodies(judged, version, exchange),
            |marker| vec![marker],
        );
        if sold.is_empty() {
            return Outcome::skipped(
                "origin.marker is not declared, and no good purchase shows what is sold",
            );
        }
        let evidence = evidence_of(exchange);
        let places = leaks::places(exchange);
        let place = places
            .iter()
            .find(|(_, text)| sold.iter().any(|sold| text.contains(sold)));
        match place {
            Some((place, _)) => {
                Outcome::warn(format!("the paid content stands in {place}"), evidence)
            }
            None => Outcome::pass("no paid content in the 402", evidence),
        }
    })
}

/// Whole bodies of good purchases of the same route; short ones may stand anywhere.
fn paid_bodies<'f>(
    judged: &Judged<'f, '_>,
    version: Version,
    unpaid: &Exchange<'_>,
) -> Vec<&'f str> {
    const SHORTEST: usize = 16;
    let bought = judged.accepted(version).into_iter();
    bought
        .filter(|exchange| exchange.sent.route == unpaid.sent.route)
        .filter_map(Exchange::body_text)
        .filter(|body| body.len() >= SHORTEST)
        .collect()
}

fn size(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_402(judged, version, |exchange| {
        let Some(value) = exchange.header(PAYMENT_REQUIRED) else {
            return Outcome::skipped("control missing: the 402 has no PAYMENT-REQUIRED header");
        };
        let advice = match value.len() {
            length if length > TOO_LARGE => {
                ": most proxies refuse a header of this size; make it smaller"
            }
            length if length > LARGE => ": some proxies refuse a header of this size",
            _ => "",
        };
        let text = format!("{PAYMENT_REQUIRED} has {} bytes{advice}", value.len());
        Outcome::info(text, evidence_of(exchange))
    })
}

fn v1_network(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let evidence = || evidence_of(exchange);
        let names = challenge
            .accepts
            .iter()
            .filter_map(|offer| offer.text("network"));
        let outcome: Outcome = names
            .map(|name| {
                if is_v1_name(name) {
                    Outcome::pass(format!("network {name:?}"), evidence())
                } else if name.contains(':') {
                    Outcome::warn(format!("network {name:?} is no v1 name"), evidence())
                } else {
                    Outcome::info(format!("network {name:?} is not known"), evidence())
                }
            })
            .collect();
        match outcome.is_empty() {
            true => Outcome::skipped("control missing: no offer has a string network"),
            false => outcome,
        }
    })
}

fn is_v1_name(name: &str) -> bool {
    let table = network::NETWORKS
        .iter()
        .filter_map(|network| network.v1_name);
    let mut known = table
        .chain(SOLANA.iter().map(|(_, name)| *name))
        .chain(MORE_V1_NAMES.iter().copied());
    known.any(|known| known == name)
}

fn v1_content_type(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, _| {
        let evidence = evidence_of(exchange);
        let Some(value) = exchange.header("content-type") else {
            return Outcome::warn("the challenge has no Content-Type", evidence);
        };
        let essence = value.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        let text = format!("Content-Type: {value}");
        match essence == "application/json" || essence.ends_with("+json") {
            true => Outcome::pass(text, evidence),
            false => Outcome::warn(text, evidence),
        }
    })
}

fn both_at_once(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_402(judged, version, |exchange| {
        let offers = |version| {
            let challenge = exchange.challenge(version);
            challenge.map(|challenge| challenge.accepts.len())
        };
        let v1_body = offers(Version::V1).filter(|_| is_v1_body(exchange));
        let text = match (v1_body, offers(Version::V2)) {
            (Some(v1), Some(v2)) => {
                format!("a v1 body with {v1} offer(s) and a v2 header with {v2}")
            }
            (Some(v1), None) => format!("a v1 body with {v1} offer(s), no v2 header"),
            (None, Some(v2)) => format!("a v2 header with {v2} offer(s), no v1 body"),
            (None, None) => return Outcome::skipped("control missing: there is no challenge"),
        };
        Outcome::info(text, evidence_of(exchange))
    })
}

/// A v2 server may repeat its challenge in the body: that is no v1 challenge.
fn is_v1_body(exchange: &Exchange<'_>) -> bool {
    let named = exchange
        .body_json()
        .and_then(|body| body.get("x402Version"));
    named.is_some_and(|version| version == 1)
}
