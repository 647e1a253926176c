//! Section P: `/supported`.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use serde_json::Value;
use x402_assay_protocol::challenge::is_caip2;
use x402_assay_protocol::{Version, network};

use super::asked::{ROW, Said, calls, each, evidence, recorded, said, settled};
use crate::checks::check::{BOTH, Check, Grade, Level, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::history::DirectCall;

const PROBE: &str = "supported";

pub(super) const LIST: Check = Check {
    id: "FAC-SUP-001",
    title: "/supported lists kinds",
    requirement: "GET /supported answers 200 with JSON that holds `kinds`, each with x402Version, scheme and network.",
    observe: "The answer to GET /supported.",
    good: "{\"kinds\": [{\"x402Version\": 2, \"scheme\": \"exact\", \"network\": \"eip155:84532\"}], ...}",
    bad: "an HTML page, or kinds as an object",
    source: "x402 specification, section 7.3",
    probes: &[PROBE],
    judge: list,
    cause: "another service answers at this path, or the list is written in an older form",
    fix: "answer with the list of kinds under the facilitator's base URL",
    killed_by: &["supported-without-versions"],
    ..ROW
};

pub(super) const MEMBERS: Check = Check {
    id: "FAC-SUP-002",
    title: "/supported names extensions and signers",
    requirement: "A v2 answer holds the list `extensions` and the object `signers`.",
    observe: "The answer to GET /supported; with v1 kinds alone their absence is a warning.",
    good: "\"extensions\": [], \"signers\": {\"eip155:*\": [\"0x...\"]}",
    bad: "only kinds",
    source: "x402 specification v2, section 7.3.1",
    probes: &[PROBE],
    versions: BOTH,
    judge: members,
    cause: "the answer is that of v1",
    fix: "add extensions, empty if there are none, and the accounts that settle",
    killed_by: &["supported-without-signers"],
    ..ROW
};

pub(super) const SPELLING: Check = Check {
    id: "FAC-SUP-003",
    title: "Kinds spell networks as their version does",
    requirement: "v2 kinds name CAIP-2 networks, v1 kinds short names.",
    observe: "Every kind.",
    good: "eip155:84532 with 2, base-sepolia with 1",
    bad: "base-sepolia with 2: clients of v2 find no kind",
    source: "x402 specification v2, section 7.3.1; v1, section 7.3",
    grade: Grade::Warn,
    probes: &[PROBE],
    judge: spelling,
    cause: "one list of names serves both versions",
    fix: "list each network twice, as each version spells it",
    killed_by: &["supported-mixes-spellings"],
    ..ROW
};

pub(super) const SIGNERS: Check = Check {
    id: "FAC-SUP-004",
    title: "Signers cover every kind",
    requirement: "The keys of `signers` are CAIP-2 patterns that cover each v2 kind's namespace, their values addresses.",
    observe: "signers, and the v2 kinds.",
    good: "\"eip155:*\": [\"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\"]",
    bad: "\"evm\": [\"0x...\"], or a kind on a namespace without a key",
    source: "x402 specification v2, section 7.3.1",
    versions: V2,
    grade: Grade::Warn,
    probes: &[PROBE],
    judge: signers,
    cause: "signers is written by hand",
    fix: "write one key per namespace, `namespace:*` or a whole network, with its addresses",
    killed_by: &["supported-without-signers"],
    ..ROW
};

pub(super) const KEEPS: Check = Check {
    id: "FAC-SUP-005",
    title: "What is advertised is settled",
    requirement: "Every advertised exact kind on a chain that the bench controls verifies and settles a good payment.",
    observe: "A good payment of each version on the network of the run.",
    good: "valid, settled, one Transfer",
    bad: "a kind of v1 in the list, and every v1 payment is refused",
    source: "follows from the purpose of /supported",
    level: Level::Derived,
    probes: &["verify/good"],
    judge: keeps,
    cause: "the list is not made from what is configured",
    fix: "list what has a handler, an account and a node, and nothing else",
    killed_by: &["v1-refused"],
    ..ROW
};

pub(super) const SENDER: Check = Check {
    id: "FAC-SUP-006",
    title: "Settlements are sent by an advertised account",
    requirement: "The sender of a settlement transaction is among `signers`; relayers may differ.",
    observe: "The sender of every transaction that a success names.",
    good: "one of the listed accounts",
    bad: "an account that nobody was told of: who whitelists signers refuses it",
    source: "x402 specification v2, section 7.3.1",
    versions: V2,
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["settle/good"],
    judge: sender,
    cause: "signers is a constant of another deployment",
    fix: "fill signers from the keys in use",
    killed_by: &["supported-other-signers"],
    ..ROW
};

pub(super) const FEE_PAYER: Check = Check {
    id: "FAC-SUP-007",
    title: "Solana kinds name their fee payer",
    requirement: "SVM kinds carry `extra.feePayer`.",
    observe: "Every exact kind on a Solana network.",
    good: "\"extra\": {\"feePayer\": \"2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4\"}",
    bad: "no extra: no client can build the transaction",
    source: "scheme_exact_svm, \"PaymentRequirements\"",
    level: Level::Must,
    probes: &[PROBE],
    judge: |judged, version| kinds_name(judged, version, is_solana, "feePayer"),
    cause: "the kind is written like one of EVM",
    fix: "put the public key that pays the fees into extra.feePayer",
    tags: &["facilitator", "svm"],
    killed_by: &["supported-without-fee-payer"],
    ..ROW
};

pub(super) const UPTO: Check = Check {
    id: "FAC-SUP-008",
    title: "upto kinds name the facilitator's address",
    requirement: "upto EVM kinds carry `extra.facilitatorAddress`.",
    observe: "Every upto kind on an EVM network.",
    good: "\"extra\": {\"facilitatorAddress\": \"0x...\"}",
    bad: "no extra: clients cannot sign the witness",
    source: "scheme_upto_evm, \"Facilitator Address Discovery\"",
    versions: V2,
    probes: &[PROBE],
    judge: |judged, version| kinds_name(judged, version, is_upto, "facilitatorAddress"),
    cause: "the kind is written like one of exact",
    fix: "put one of the facilitator's own addresses into extra.facilitatorAddress",
    tags: &["facilitator", "upto"],
    killed_by: &["supported-without-fee-payer"],
    ..ROW
};

pub(super) const UNLISTED: Check = Check {
    id: "FAC-SUP-009",
    title: "What becomes of kinds that are not listed",
    requirement: "SDK facilitators may answer for networks that they do not list; nothing is written.",
    observe: "The network in the other version's spelling, and a network that nobody has.",
    good: "either answer",
    bad: "nothing: it is recorded",
    source: "SDK facilitators",
    level: Level::Open,
    grade: Grade::Info,
    probes: &["verify/network-spelling"],
    judge: |judged, version| {
        let probes = ["verify/network-spelling", "verify/network-unknown"];
        recorded(judged, version, &probes)
    },
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

pub(super) const TWICE: Check = Check {
    id: "FAC-SUP-010",
    title: "Kinds that stand twice, and caching",
    requirement: "Nothing is written about duplicates, order and caching of /supported.",
    observe: "Two answers to GET /supported.",
    good: "anything",
    bad: "nothing: it is recorded",
    source: "silent",
    level: Level::Sdk,
    grade: Grade::Info,
    probes: &["supported-again"],
    judge: twice,
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

fn kinds<'f>(call: &DirectCall<'f, '_>) -> Option<&'f Vec<Value>> {
    call.exchange.body_json()?.get("kinds")?.as_array()
}

fn text<'v>(kind: &'v Value, name: &str) -> &'v str {
    kind.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(kind: &Value) -> Option<u64> {
    kind.get("x402Version").and_then(Value::as_u64)
}

/// Judges the answer with its kinds; skipped where FAC-SUP-001 has told that there are none.
fn with_kinds(
    judged: &Judged<'_, '_>,
    version: Version,
    judge: impl Fn(&DirectCall<'_, '_>, &[Value]) -> Outcome,
) -> Outcome {
    each(judged, version, PROBE, |call| match kinds(call) {
        Some(kinds) if call.exchange.is_success() => judge(call, kinds),
        _ => Outcome::skipped("there is no list of kinds (FAC-SUP-001)"),
    })
}

fn list(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, PROBE, |call| {
        let exchange = call.exchange;
        if said(call) == Said::Trouble {
            let text = format!("/supported: {}", exchange.ending());
            return Outcome::inconclusive(text, evidence(call));
        }
        if exchange.status() != Some(200) {
            return Outcome::fail(format!("/supported: {}", exchange.ending()), evidence(call));
        }
        let Some(kinds) = kinds(call) else {
            return Outcome::fail("/supported is no JSON with a list `kinds`", evidence(call));
        };
        let whole = |kind: &&Value| {
            number(kind).is_some()
                && !text(kind, "scheme").is_empty()
                && !text(kind, "network").is_empty()
        };
        let broken = kinds.iter().filter(|kind| !whole(kind)).count();
        match (kinds.len(), broken) {
            (0, _) => Outcome::warn("the list of kinds is empty", evidence(call)),
            (count, 0) => Outcome::pass(format!("{count} kinds"), evidence(call)),
            (count, broken) => Outcome::fail(
                format!("{broken} of {count} kinds lack x402Version, scheme or network"),
                evidence(call),
            ),
        }
    })
}

fn members(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    with_kinds(judged, version, |call, kinds| {
        let body = call.exchange.body_json();
        let is = |name: &str, is: fn(&Value) -> bool| {
            body.and_then(|body| body.get(name)).is_some_and(is)
        };
        let mut missing = Vec::new();
        if !is("extensions", Value::is_array) {
            missing.push("extensions");
        }
        if !is("signers", Value::is_object) {
            missing.push("signers");
        }
        let of_v2 = kinds.iter().any(|kind| number(kind) == Some(2));
        match (missing.as_slice(), of_v2) {
            ([], _) => Outcome::pass("extensions and signers are there", evidence(call)),
            (_, true) => Outcome::fail(format!("no {}", missing.join(", no ")), evidence(call)),
            (_, false) => Outcome::warn(format!("no {}", missing.join(", no ")), evidence(call)),
        }
    })
}

fn spelling(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    with_kinds(judged, version, |call, kinds| {
        let ours = kinds
            .iter()
            .filter(|kind| number(kind) == Some(version.number()));
        let (mut right, mut wrong) = (0, BTreeSet::new());
        for kind in ours {
            let network = text(kind, "network");
            let fits = match version {
                Version::V1 => !network.contains(':'),
                Version::V2 => is_caip2(network) || network.ends_with(":*"),
            };
            match fits {
                true => right += 1,
                false => {
                    wrong.insert(network.to_owned());
                }
            }
        }
        let wrong: Vec<String> = wrong.into_iter().take(8).collect();
        match (right, wrong.is_empty()) {
            (0, true) => Outcome::skipped(format!("no kind of {version} is listed")),
            (_, true) => Outcome::pass(format!("{right} kinds of {version}"), evidence(call)),
            _ => Outcome::warn(
                format!("{version} kinds on {}", wrong.join(", ")),
                evidence(call),
            ),
        }
    })
}

fn signers(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    with_kinds(judged, version, |call, kinds| {
        let signers = call
            .exchange
            .body_json()
            .and_then(|body| body.get("signers"));
        let Some(signers) = signers.and_then(Value::as_object) else {
            return Outcome::warn("there is no object `signers`", evidence(call));
        };
        let mut wrong = Vec::new();
        for (pattern, list) in signers {
            if !pattern.contains(':') {
                wrong.push(format!("{pattern:?} is no CAIP-2 pattern"));
            }
            let listed = list.as_array().map(Vec::as_slice).unwrap_or_default();
            let evm = pattern.starts_with("eip155:");
            let is_address = |value: &Value| {
                let text = value.as_str().unwrap_or_default();
                match evm {
                    true => text
                        .parse::<Address>()
                        .is_ok_and(|address| !address.is_zero()),
                    false => !text.is_empty(),
                }
            };
            if listed.is_empty() || !listed.iter().all(is_address) {
                wrong.push(format!("{pattern} names no address, or what is none"));
            }
        }
        let covered = |network: &str| {
            let space = network.split(':').next().unwrap_or_default();
            signers
                .keys()
                .any(|key| key == network || *key == format!("{space}:*"))
        };
        let of_v2 = kinds.iter().filter(|kind| number(kind) == Some(2));
        let bare: BTreeSet<&str> = of_v2
            .map(|kind| text(kind, "network"))
            .filter(|network| network.contains(':') && !covered(network))
            .collect();
        if !bare.is_empty() {
            let bare: Vec<&str> = bare.into_iter().take(5).collect();
            wrong.push(format!("no signer for {}", bare.join(", ")));
        }
        match wrong.is_empty() {
            true => Outcome::pass("every v2 kind has a signer", evidence(call)),
            false => Outcome::warn(wrong.join("; "), evidence(call)),
        }
    })
}

/// Only where another kind settled on this chain is it known that the chain is the facilitator's own.
fn keeps(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let listed = judged
        .facts
        .versions()
        .iter()
        .flat_map(|of| calls(judged, *of, PROBE).collect::<Vec<_>>())
        .any(|call| {
            let kinds = kinds(&call).map(Vec::as_slice).unwrap_or_default();
            let mut kinds = kinds.iter();
            kinds.any(|kind| {
                number(kind) == Some(version.number()) && text(kind, "scheme") == "exact"
            })
        });
    if !listed {
        return Outcome::skipped(format!("no exact kind of {version} is listed"));
    }
    let here = settled(judged, version);
    if let Some(call) = here.first() {
        return Outcome::pass(format!("a {version} payment was settled"), evidence(call));
    }
    let elsewhere = judged
        .facts
        .versions()
        .into_iter()
        .any(|other| !settled(judged, other).is_empty());
    if !elsewhere {
        return Outcome::skipped(
            "control missing: nothing was settled at all; the report's first line says why",
        );
    }
    let tried = calls(judged, version, "verify/good").chain(calls(judged, version, "settle/good"));
    let tried: Vec<DirectCall<'_, '_>> = tried.collect();
    match tried.is_empty() {
        true => Outcome::skipped(format!("no good {version} payment was tried")),
        false => Outcome::fail(
            format!("{version} is listed, and no good payment of it settles"),
            tried.iter().flat_map(evidence).collect(),
        ),
    }
}

fn sender(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let supported = calls(judged, version, PROBE).next();
    let listed: BTreeSet<Address> = supported
        .iter()
        .filter_map(|call| call.exchange.body_json()?.get("signers")?.as_object())
        .flatten()
        .filter_map(|(_, list)| list.as_array())
        .flatten()
        .filter_map(|signer| signer.as_str()?.parse().ok())
        .collect();
    if listed.is_empty() {
        return Outcome::skipped("/supported names no EVM signer");
    }
    let outcome: Outcome = settled(judged, version)
        .iter()
        .filter_map(|call| {
            let hash = call.transaction()?.to_ascii_lowercase();
            let record = judged.facts.transactions.get(&hash).copied().flatten()?;
            let from = record.from?;
            Some(match listed.contains(&from) {
                true => Outcome::pass(format!("sent by {from}"), evidence(call)),
                false => Outcome::warn(
                    format!("sent by {from}, which signers does not name"),
                    evidence(call),
                ),
            })
        })
        .collect();
    outcome.or_skipped("the sender of no settlement is known")
}

fn is_solana(kind: &Value) -> bool {
    let network = text(kind, "network");
    text(kind, "scheme") == "exact"
        && (network.starts_with("solana:") || network.starts_with("solana"))
}

fn is_upto(kind: &Value) -> bool {
    let network = text(kind, "network");
    text(kind, "scheme") == "upto"
        && (network.starts_with("eip155:") || network::chain_id(network).is_some())
}

fn kinds_name(
    judged: &Judged<'_, '_>,
    version: Version,
    is_about: fn(&Value) -> bool,
    member: &str,
) -> Outcome {
    with_kinds(judged, version, |call, kinds| {
        let about: Vec<&Value> = kinds
            .iter()
            .filter(|kind| number(kind) == Some(version.number()) && is_about(kind))
            .collect();
        let lacks = |kind: &&&Value| {
            let value = kind.get("extra").and_then(|extra| extra.get(member));
            value.and_then(Value::as_str).is_none_or(str::is_empty)
        };
        let without = about.iter().filter(lacks).count();
        match (about.len(), without) {
            (0, _) => Outcome::skipped("no such kind is listed"),
            (count, 0) => Outcome::pass(format!("{count} kinds name {member}"), evidence(call)),
            (count, lack) => Outcome::fail(
                format!("{lack} of {count} kinds lack extra.{member}"),
                evidence(call),
            ),
        }
    })
}

fn twice(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, "supported-again", |call| {
        let Some(kinds) = kinds(call) else {
            return Outcome::skipped("there is no list of kinds (FAC-SUP-001)");
        };
        let all: Vec<String> = kinds.iter().map(Value::to_string).collect();
        let distinct: BTreeSet<&String> = all.iter().collect();
        let cached = call.exchange.header("cache-control").unwrap_or("none");
        let text = format!(
            "{} kinds, {} of them repeated; Cache-Control: {cached}",
            all.len(),
            all.len() - distinct.len()
        );
        Outcome::info(text, evidence(call))
    })
}
