//! Section A: what the offers of a v2 challenge promise, held against what is known of token, resource and extensions.

use serde_json::Value;
use x402_assay_protocol::eip3009::{parse_address, parse_decimal};
use x402_assay_protocol::{Requirement, TokenDomain, Version, network};

use super::check::{Check, Grade, Level, Need, Role, V2};
use super::judged::{Judged, evidence_of, not_tried};
use super::outcome::Outcome;
use super::unpaid;
use crate::history::Exchange;

/// What the checks of this file have in common.
const BASE: Check = Check {
    id: "",
    title: "",
    requirement: "",
    observe: "",
    good: "",
    bad: "",
    source: "x402 v2 specification, section 5.1.2",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::MustDerived,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: positive_amount,
    cause: "",
    fix: "",
    tags: &[],
    killed_by: &[],
};

pub(super) const POSITIVE: Check = Check {
    id: "SRV-V2-402-009",
    title: "An exact offer asks for more than nothing",
    requirement: "`amount` is greater than zero for `exact`.",
    observe: "The amount of every exact offer, as a number.",
    good: "\"amount\": \"10000\"",
    bad: "\"amount\": \"0\"",
    judge: positive_amount,
    cause: "a price that was rounded down to nothing, or a free tier that still asks for a signature",
    fix: "serve what is free without a challenge, or set a price of at least one base unit",
    killed_by: &["offer-free"],
    ..BASE
};

pub(super) const RESOURCE: Check = Check {
    id: "SRV-V2-402-011",
    title: "resource.url is what was asked for",
    requirement: "`resource.url` identifies the requested resource; scheme and host may differ behind proxies.",
    observe: "The path of resource.url against the path that was asked for, and against the route's pattern.",
    good: "GET /paid, \"url\": \"https://api.example/paid\"",
    bad: "GET /paid, \"url\": \"https://api.example/catalogue\"",
    level: Level::Derived,
    judge: resource,
    cause: "a configured URL that was copied from another route",
    fix: "build resource.url from the request, or configure it for each route",
    killed_by: &["resource-elsewhere"],
    ..BASE
};

pub(super) const DOMAIN: Check = Check {
    id: "SRV-V2-402-012",
    title: "Offers name their token's real EIP-712 domain",
    requirement: "EVM `exact` entries using eip3009 carry `extra.name` and `extra.version` equal to the token's real EIP-712 domain.",
    observe: "extra.name and extra.version of every such offer, against the network's canonical USDC where that is the token.",
    good: "USDC on Base: \"extra\": {\"name\": \"USD Coin\", \"version\": \"2\"}",
    bad: "USDC on Base: \"extra\": {\"name\": \"USDC\", \"version\": \"2\"}",
    source: "scheme_exact_evm examples; newer text marks both members required",
    level: Level::Sdk,
    judge: domain,
    cause: "name or version were copied from another network: testnet and mainnet USDC have different names",
    fix: "read name() and version() of the token and put them into extra",
    killed_by: &["offer-wrong-domain"],
    ..BASE
};

pub(super) const EXTENSIONS: Check = Check {
    id: "SRV-V2-402-015",
    title: "Extensions have info and schema",
    requirement: "`extensions` entries have `info` and `schema` objects.",
    observe: "Every entry of extensions, member by member.",
    good: "\"extensions\": {\"payment-identifier\": {\"info\": {}, \"schema\": {}}}",
    bad: "\"extensions\": {\"loyalty\": {\"points\": 3}}",
    judge: extensions,
    cause: "the extension's data stands directly under its name",
    fix: "put the data under info, and a JSON Schema of it under schema",
    killed_by: &["extension-bare"],
    ..BASE
};

pub(super) const SUPPORTED: Check = Check {
    id: "SRV-V2-402-022",
    title: "Every offer can be settled by the facilitator",
    requirement: "Every offered (scheme, network) pair is supported by the configured facilitator.",
    observe: "Scheme and network of every offer against what our facilitator, which stands in for the configured one, says it supports.",
    good: "exact on eip155:84532, and /supported lists it for x402Version 2",
    bad: "exact on a network that /supported does not list: whoever chooses it cannot pay",
    source: "every SDK server compares them when it starts",
    level: Level::Derived,
    needs: &[Need::Facilitator],
    probes: &["challenge/supported"],
    judge: supported,
    cause: "the offer was configured without looking at the facilitator's /supported",
    fix: "offer only what the facilitator's /supported lists",
    killed_by: &["offer-unsupported"],
    ..BASE
};

fn positive_amount(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let amounts = challenge
            .accepts
            .iter()
            .filter(|offer| offer.text("scheme") == Some("exact"))
            .filter_map(|offer| offer.amount().and_then(parse_decimal));
        let outcome: Outcome = amounts
            .map(|amount| match amount.is_zero() {
                true => Outcome::warn("an exact offer asks for 0", evidence_of(exchange)),
                false => Outcome::pass(format!("amount {amount}"), evidence_of(exchange)),
            })
            .collect();
        or_skipped(outcome, "control missing: no exact offer has an amount")
    })
}

fn resource(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let Some(url) = &challenge.resource_url else {
            return Outcome::skipped("control missing: the challenge names no resource.url");
        };
        let asked = without_query(&exchange.sent.path);
        let text = format!("asked for {asked}, resource.url is {url}");
        let evidence = evidence_of(exchange);
        match path_of(url) {
            None => Outcome::info(format!("{text}: not a web address"), evidence),
            Some(path) if is_same(&path, exchange) => Outcome::pass(text, evidence),
            Some(_) => Outcome::warn(text, evidence),
        }
    })
}

/// The path of a web address; `None` for another kind of name.
fn path_of(url: &str) -> Option<String> {
    if url.starts_with('/') {
        return Some(without_query(url).to_owned());
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    // Not parsed: a pattern such as {id} must stay as it is written.
    let rest = without_query(rest);
    Some(rest.find('/').map_or("/", |at| &rest[at..]).to_owned())
}

/// True for the path that was asked for, the route's own pattern, and either with a prefix that a proxy adds or cuts.
fn is_same(path: &str, exchange: &Exchange<'_>) -> bool {
    let tidy = |path: &str| {
        let path = without_query(path).trim_end_matches('/');
        path.to_ascii_lowercase()
    };
    let (named, asked) = (tidy(path), tidy(&exchange.sent.path));
    let ends = |long: &str, short: &str| short.starts_with('/') && long.ends_with(short);
    named == asked
        || named == tidy(&exchange.sent.route)
        || ends(&named, &asked)
        || ends(&asked, &named)
}

fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

fn domain(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let mut unknown = false;
        let mut outcome = Outcome::new();
        for (index, offer) in challenge.accepts.iter().enumerate() {
            let Some(chain_id) = eip3009_chain(offer) else {
                continue;
            };
            let (Some(name), Some(token_version)) =
                (offer.extra_text("name"), offer.extra_text("version"))
            else {
                let text = format!("accepts[{index}] has no extra.name and extra.version");
                outcome.add(Outcome::warn(text, evidence_of(exchange)));
                continue;
            };
            match known_domain(offer, chain_id) {
                None => unknown = true,
                Some(real) if real.name == name && real.version == token_version => {
                    let text = format!("{name:?} version {token_version:?} is the token's domain");
                    outcome.add(Outcome::pass(text, evidence_of(exchange)));
                }
                Some(real) => {
                    let text = format!(
                        "accepts[{index}] names the token {name:?} version {token_version:?}, which is {:?} version {:?}: signatures over it are void",
                        real.name, real.version
                    );
                    outcome.add(Outcome::warn(text, evidence_of(exchange)));
                }
            }
        }
        or_skipped(
            outcome,
            match unknown {
                true => {
                    "the offered token is none the bench knows: it was placed with the offer's own domain, so there is nothing to compare"
                }
                false => "no offer is paid with EIP-3009 on an EVM network",
            },
        )
    })
}

/// The chain of an `exact` EIP-3009 offer.
fn eip3009_chain(offer: &Requirement) -> Option<u64> {
    let method = offer.extra_text("assetTransferMethod").unwrap_or("eip3009");
    let chain_id = network::chain_id(offer.text("network")?)?;
    (offer.text("scheme") == Some("exact") && method == "eip3009").then_some(chain_id)
}

/// The real domain of the token, where it is the network's canonical USDC.
fn known_domain(offer: &Requirement, chain_id: u64) -> Option<TokenDomain> {
    let known = network::by_chain_id(chain_id)?;
    let asset = offer.text("asset").and_then(parse_address)?;
    (known.usdc == asset).then(|| known.usdc_domain())
}

fn extensions(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let declared = challenge.raw.get("extensions").and_then(Value::as_object);
        let Some(declared) = declared.filter(|declared| !declared.is_empty()) else {
            return Outcome::skipped("the challenge declares no extensions");
        };
        declared
            .iter()
            .map(|(name, entry)| {
                let lacks = |member: &str| !entry.get(member).is_some_and(Value::is_object);
                // The binding of this extension leaves its schema out.
                let schema_optional =
                    name == "http-message-signatures" && entry.get("schema").is_none();
                let missing: Vec<&str> = [
                    ("info", lacks("info")),
                    ("schema", lacks("schema") && !schema_optional),
                ]
                .into_iter()
                .filter_map(|(member, lacks)| lacks.then_some(member))
                .collect();
                match missing.is_empty() {
                    true => Outcome::pass(format!("{name} is whole"), evidence_of(exchange)),
                    false => Outcome::warn(
                        format!(
                            "extension {name:?} has no object {}",
                            missing.join(" and no object ")
                        ),
                        evidence_of(exchange),
                    ),
                }
            })
            .collect()
    })
}

fn supported(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut asked = judged.facts.probe(version, "challenge/supported");
    let Some(asked) = asked.next() else {
        return not_tried(version, "challenge/supported");
    };
    let kinds = asked
        .body_json()
        .and_then(|body| body.get("kinds")?.as_array());
    let Some(kinds) = kinds.filter(|_| asked.is_success()) else {
        let text = "the facilitator's /supported could not be read";
        return Outcome::inconclusive(text, evidence_of(asked));
    };
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let mut evidence = evidence_of(exchange);
        evidence.push(asked.evidence());
        let outcome: Outcome = challenge
            .accepts
            .iter()
            .filter_map(|offer| Some((offer.text("scheme")?, offer.text("network")?)))
            // A network that is not written as v2 writes it is another check's finding.
            .filter(|(_, network)| network.contains(':'))
            .map(|(scheme, network)| {
                let pair = format!("{scheme} on {network}");
                let of_scheme: Vec<&Value> = kinds
                    .iter()
                    .filter(|kind| kind["x402Version"] == 2 && kind["scheme"] == scheme)
                    .collect();
                if of_scheme.iter().any(|kind| covers(kind, network)) {
                    Outcome::pass(format!("{pair} is supported"), evidence.clone())
                } else if of_scheme.is_empty() {
                    // What the bench's facilitator leaves out as a whole, the real one may well do.
                    let text = format!(
                        "{pair}: the bench's facilitator has no such scheme; compare with your own"
                    );
                    Outcome::info(text, evidence.clone())
                } else {
                    let text =
                        format!("{pair} is offered, and the facilitator does not support it");
                    Outcome::warn(text, evidence.clone())
                }
            })
            .collect();
        or_skipped(
            outcome,
            "control missing: no offer names a scheme and a CAIP-2 network",
        )
    })
}

/// True when a supported kind is this network, or a pattern such as `eip155:*` that covers it.
fn covers(kind: &Value, network: &str) -> bool {
    let Some(named) = kind["network"].as_str() else {
        return false;
    };
    match named.strip_suffix('*') {
        Some(prefix) => network.starts_with(prefix),
        None => named == network,
    }
}

fn or_skipped(outcome: Outcome, why: &str) -> Outcome {
    match outcome.is_empty() {
        true => Outcome::skipped(why),
        false => outcome,
    }
}
