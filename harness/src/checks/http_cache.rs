//! Section I: what the headers of an answer allow others to do with it.

use x402_assay_protocol::Version;
use x402_assay_protocol::header::{PAYMENT_REQUIRED, PAYMENT_RESPONSE};

use super::check::{BOTH, Check, Grade, Level, Role, V2};
use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::outcome::Outcome;
use super::recorded::said;
use super::unpaid::each_402;
use crate::history::Exchange;

/// Response headers of a 402 that are recorded.
const TELLING: [&str; 3] = ["vary", "www-authenticate", "retry-after"];

pub(super) const CHALLENGE: Check = Check {
    id: "SRV-HTTP-001",
    title: "A challenge is not cacheable by anyone",
    requirement: "The 402 challenge is not publicly cacheable.",
    observe: "`Cache-Control` of every 402 to a request without payment.",
    good: "Cache-Control: no-store",
    bad: "Cache-Control: public, max-age=60",
    source: "SDKs",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Sdk,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: |judged, version| each_402(judged, version, |exchange| storable(exchange, "the 402")),
    cause: "a caching rule for the whole site covers the paid routes",
    fix: "send Cache-Control: no-store with every 402",
    tags: &["CWE-525"],
    killed_by: &["cache-public"],
};

pub(super) const PAID: Check = Check {
    id: "SRV-HTTP-002",
    title: "Paid content is not kept by shared caches",
    requirement: "Paid responses are not storable by shared caches.",
    observe: "`Cache-Control` of every answer to a good payment.",
    good: "Cache-Control: private",
    bad: "Cache-Control: public: the next client is served by the cache, without paying",
    probes: &["good", "good-2"],
    judge: paid,
    fix: "send Cache-Control: private or no-store with paid content",
    killed_by: &["cache-public", "paid-public"],
    ..CHALLENGE
};

pub(super) const CORS: Check = Check {
    id: "SRV-HTTP-010",
    title: "What pages from other origins may send and read",
    requirement: "Whether `Access-Control-Expose-Headers` lists the payment headers and the preflight allows the request header is recorded.",
    observe: "A preflight, an unpaid and a paid request with an Origin.",
    good: "the preflight allows the payment header, and the answers expose PAYMENT-REQUIRED and PAYMENT-RESPONSE",
    bad: "nothing is held against a server without CORS: pages from other origins cannot pay there",
    source: "open",
    versions: BOTH,
    level: Level::Open,
    grade: Grade::Info,
    probes: &["http/options", "http/cors", "http/expose-headers"],
    judge: cors,
    cause: "no CORS middleware, or one that does not know the payment headers",
    fix: "allow the payment header, and expose the challenge and settlement headers",
    tags: &[],
    killed_by: &[],
    ..CHALLENGE
};

pub(super) const EXPOSE_HEADERS: Check = Check {
    id: "SRV-HTTP-011",
    title: "`Access-Control-Expose-Headers` in a request does no harm",
    requirement: "A paid request that carries `Access-Control-Expose-Headers`, as clients of the SDKs send it, is served.",
    observe: "A good payment in a request with this header and an Origin.",
    good: "200 with the paid body",
    bad: "400 because the header belongs into responses",
    versions: BOTH,
    probes: &["http/expose-headers"],
    judge: expose_headers,
    cause: "request headers are checked against a list, or an Origin is refused",
    fix: "ignore request headers that are not known",
    tags: &[],
    killed_by: &["refuse-response-headers"],
    ..CHALLENGE
};

pub(super) const OTHER_HEADERS: Check = Check {
    id: "SRV-HTTP-012",
    title: "`Vary`, `WWW-Authenticate` and `Retry-After` of a 402",
    requirement: "Which of `Vary`, `WWW-Authenticate` and `Retry-After` a 402 carries is recorded.",
    observe: "The headers of every 402 to a request without payment.",
    good: "any of them, or none",
    bad: "nothing is held against any of them",
    source: "open",
    versions: BOTH,
    level: Level::Open,
    grade: Grade::Info,
    judge: other_headers,
    cause: "middleware around the paywall",
    fix: "nothing needs to change",
    tags: &[],
    killed_by: &[],
    ..CHALLENGE
};

/// Judges `Cache-Control`; without one nobody stores a 402, and shared caches no answer with an own header either.
fn storable(exchange: &Exchange<'_>, what: &str) -> Outcome {
    let evidence = evidence_of(exchange);
    let values = exchange.header_values("cache-control");
    if values.is_empty() {
        return Outcome::info(format!("{what} carries no Cache-Control"), evidence);
    }
    let value = values.join(", ");
    let text = format!("{what}: Cache-Control: {value}");
    let value = value.to_ascii_lowercase();
    let has = |name: &str| {
        let mut words = value.split(',').map(str::trim);
        words.any(|word| word.split('=').next() == Some(name))
    };
    match has("no-store") || has("private") {
        true => Outcome::pass(text, evidence),
        false if has("public") || has("s-maxage") => Outcome::warn(text, evidence),
        false => Outcome::info(text, evidence),
    }
}

fn paid(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let accepted = judged.accepted(version);
    if accepted.is_empty() {
        return Outcome::skipped(format!(
            "control missing: no good {version} payment was accepted"
        ));
    }
    let accepted = accepted.into_iter();
    accepted
        .map(|exchange| storable(exchange, "the paid answer"))
        .collect()
}

fn cors(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    let facts = judged.facts;
    let list = |exchange: &Exchange<'_>, name: &str| {
        exchange.header_values(name).join(", ").to_ascii_lowercase()
    };
    let holds = |list: &str, name: &str| {
        let mut words = list.split(',').map(str::trim);
        words.any(|word| word == "*" || word.eq_ignore_ascii_case(name))
    };
    for exchange in facts.probe(version, "http/options") {
        let allowed = list(exchange, "access-control-allow-headers");
        let says = match holds(&allowed, version.payment_header()) {
            true => "allows",
            false => "does not allow",
        };
        let text = format!(
            "preflight: {}, {says} {}",
            exchange.ending(),
            version.payment_header()
        );
        outcome.add(Outcome::info(text, evidence_of(exchange)));
    }
    let challenge = (version == Version::V2).then_some(PAYMENT_REQUIRED);
    let settlement = match version {
        Version::V1 => version.settlement_header(),
        Version::V2 => PAYMENT_RESPONSE,
    };
    for (probe, wanted) in [
        ("http/cors", challenge),
        ("http/expose-headers", Some(settlement)),
    ] {
        let Some(wanted) = wanted else { continue };
        for exchange in facts.probe(version, probe) {
            let exposed = list(exchange, "access-control-expose-headers");
            let says = match holds(&exposed, wanted) {
                true => "exposes",
                false => "does not expose",
            };
            let text = format!("{}: {says} {wanted}", exchange.ending());
            outcome.add(Outcome::info(text, evidence_of(exchange)));
        }
    }
    outcome
}

fn expose_headers(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for exchange in judged.facts.paid(version, "http/expose-headers") {
        let evidence = evidence_of(exchange);
        let text = format!("with the header: {}", said(judged, exchange));
        outcome.add(match unjudgeable(exchange) {
            Some(outcome) => outcome,
            None if exchange.is_success() => Outcome::pass(text, evidence),
            None => Outcome::warn(text, evidence),
        });
    }
    if outcome.is_empty() {
        return not_tried(version, "http/expose-headers");
    }
    if judged.accepted(version).is_empty() {
        return Outcome::skipped(format!(
            "control missing: no good {version} payment was accepted without the header"
        ));
    }
    outcome
}

fn other_headers(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each_402(judged, version, |exchange| {
        let found = TELLING.iter().filter_map(|name| {
            let values = exchange.header_values(name);
            (!values.is_empty()).then(|| format!("{name}: {}", values.join(", ")))
        });
        let found: Vec<String> = found.collect();
        let text = match found.is_empty() {
            true => format!("the 402 carries none of {}", TELLING.join(", ")),
            false => format!("the 402 carries {}", found.join("; ")),
        };
        Outcome::info(text, evidence_of(exchange))
    })
}
