//! Section A: the v2 challenge.

use x402_assay_protocol::challenge::is_caip2;
use x402_assay_protocol::header::{Encoding, PAYMENT_REQUIRED};
use x402_assay_protocol::{ProblemKind, Version};

use super::check::{Check, Grade, Level, Role, V2};
use super::judged::{Judged, evidence_of};
use super::outcome::Outcome;
use super::unpaid;
use crate::history::Exchange;

const TRANSPORT: &str = "transports-v2/http, \"Payment Required Signaling\"";
const CORE: &str = "x402 v2 specification, section 5.1.2";

/// What the checks of this file have in common.
const BASE: Check = Check {
    id: "",
    title: "",
    requirement: "",
    observe: "",
    good: "",
    bad: "",
    source: CORE,
    role: Role::ResourceServer,
    versions: V2,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: status,
    cause: "the challenge is written by hand, or by a library of another protocol generation",
    fix: "",
    tags: &[],
    killed_by: &[],
};

pub(super) const STATUS: Check = Check {
    id: "SRV-V2-402-001",
    title: "An unpaid request is answered 402",
    requirement: "A protected route requested without payment answers 402.",
    observe: "The paid route is asked without a payment header, as a program would ask.",
    good: "HTTP/1.1 402 Payment Required",
    bad: "HTTP/1.1 200 OK, with or without the paid body",
    source: TRANSPORT,
    judge: status,
    cause: "the paywall does not cover this route or method, or sends its challenge with another status",
    fix: "put the payment middleware in front of the handler, for this method and path",
    tags: &["CWE-306"],
    killed_by: &[
        "serve-unpaid",
        "challenge-status-200",
        "challenge-status-401",
    ],
    ..BASE
};

pub(super) const HEADER: Check = Check {
    id: "SRV-V2-402-002",
    title: "The 402 carries one PAYMENT-REQUIRED header",
    requirement: "The 402 carries a `PAYMENT-REQUIRED` header, exactly once.",
    observe: "The header is looked for, and counted, in every unpaid 402.",
    good: "402 with one PAYMENT-REQUIRED",
    bad: "402 whose terms are only in the body, or with two PAYMENT-REQUIRED headers",
    source: TRANSPORT,
    judge: header,
    cause: "the challenge is only in the body, or a proxy drops or repeats the header",
    fix: "send the challenge in one PAYMENT-REQUIRED header",
    killed_by: &["challenge-missing", "challenge-twice"],
    ..BASE
};

pub(super) const ENCODING: Check = Check {
    id: "SRV-V2-402-003",
    title: "PAYMENT-REQUIRED is base64 of one JSON object",
    requirement: "The header is standard base64 of UTF-8 JSON holding one object.",
    observe: "The header's value is decoded strictly; if only a lenient decoding works, that warns.",
    good: "PAYMENT-REQUIRED: eyJ4NDAyVmVyc2lvbiI6Mi4uLn0=",
    bad: "PAYMENT-REQUIRED: {\"x402Version\":2,...} (no base64)",
    source: TRANSPORT,
    judge: encoding,
    fix: "encode compact JSON with standard base64 and padding",
    killed_by: &[
        "challenge-not-base64",
        "challenge-not-object",
        "challenge-base64url",
    ],
    ..BASE
};

pub(super) const VERSION: Check = Check {
    id: "SRV-V2-402-004",
    title: "The challenge says x402Version 2",
    requirement: "`x402Version` is the number 2.",
    observe: "Type and value of the member in every v2 challenge.",
    good: "\"x402Version\": 2",
    bad: "\"x402Version\": \"2\"",
    judge: version_number,
    fix: "set x402Version to the JSON number 2",
    killed_by: &["version-string", "version-wrong"],
    ..BASE
};

pub(super) const ACCEPTS: Check = Check {
    id: "SRV-V2-402-005",
    title: "accepts is a non-empty array of objects",
    requirement: "`accepts` is a non-empty array of objects.",
    observe: "The member in every v2 challenge.",
    good: "\"accepts\": [{\"scheme\": \"exact\", ...}]",
    bad: "\"accepts\": {\"scheme\": \"exact\", ...}",
    judge: accepts,
    cause: "no scheme is registered for the route's network, or accepts is written as an object",
    fix: "offer at least one way to pay",
    killed_by: &["accepts-not-array", "accepts-empty"],
    ..BASE
};

pub(super) const MEMBERS: Check = Check {
    id: "SRV-V2-402-006",
    title: "Every offer has its required members",
    requirement: "Each entry has string `scheme`, `network`, `amount`, `asset`, `payTo` and numeric `maxTimeoutSeconds`.",
    observe: "Every entry of accepts, member by member.",
    good: "\"amount\": \"10000\", \"maxTimeoutSeconds\": 60",
    bad: "\"amount\": 10000, or no payTo",
    judge: members,
    fix: "write every required member with its JSON type; amounts are strings",
    killed_by: &[
        "accepts-missing-amount",
        "accepts-missing-pay-to",
        "amount-number",
    ],
    ..BASE
};

pub(super) const NETWORK: Check = Check {
    id: "SRV-V2-402-007",
    title: "Offered networks are CAIP-2",
    requirement: "`network` is CAIP-2 shaped (`namespace:reference`).",
    observe: "The network of every entry against CAIP-2.",
    good: "\"network\": \"eip155:84532\"",
    bad: "\"network\": \"base-sepolia\"",
    source: "x402 v2 specification, sections 5.1.2 and 11.1",
    judge: network,
    cause: "a v1 network name in a v2 challenge",
    fix: "write the network as in eip155:84532",
    killed_by: &["network-not-caip2"],
    ..BASE
};

pub(super) const AMOUNT: Check = Check {
    id: "SRV-V2-402-008",
    title: "Offered amounts are decimal integers in base units",
    requirement: "`amount` is a decimal integer string in atomic units.",
    observe: "The amount of every entry, as text.",
    good: "\"amount\": \"10000\"",
    bad: "\"amount\": \"0.01\"",
    judge: amount,
    cause: "a price in dollars stands where base units belong",
    fix: "multiply the price by the token's decimals: \"10000\" is 0.01 USDC",
    killed_by: &["amount-decimal"],
    ..BASE
};

pub(super) const RESOURCE: Check = Check {
    id: "SRV-V2-402-010",
    title: "The challenge names its resource",
    requirement: "A `resource` object with string `url` is present.",
    observe: "The member in every v2 challenge.",
    good: "\"resource\": {\"url\": \"https://api.example/paid\"}",
    bad: "no resource, or \"resource\": \"/paid\"",
    judge: resource,
    fix: "add resource: {\"url\": …} at the top of the challenge",
    killed_by: &["resource-missing"],
    ..BASE
};

fn status(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::answers_402(judged, version)
}

fn header(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_402(judged, version, |exchange| {
        let evidence = evidence_of(exchange);
        match exchange.header_values(PAYMENT_REQUIRED).len() {
            0 => Outcome::fail("the 402 has no PAYMENT-REQUIRED header", evidence),
            1 => Outcome::pass("one PAYMENT-REQUIRED header", evidence),
            n => Outcome::fail(
                format!("the 402 has {n} PAYMENT-REQUIRED headers"),
                evidence,
            ),
        }
    })
}

fn encoding(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_402(judged, version, encoding_of)
}

fn encoding_of(exchange: &Exchange<'_>) -> Outcome {
    let evidence = evidence_of(exchange);
    match exchange.payment_required() {
        None => Outcome::skipped("control missing: the 402 has no PAYMENT-REQUIRED header"),
        Some(Err(error)) => Outcome::fail(error.to_string(), evidence),
        Some(Ok(decoded)) => match decoded.encoding {
            Encoding::Standard => Outcome::pass("standard base64 of one JSON object", evidence),
            Encoding::Unpadded => Outcome::warn("base64 without proper padding", evidence),
            Encoding::UrlSafe => Outcome::warn("base64url instead of standard base64", evidence),
        },
    }
}

fn version_number(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let evidence = evidence_of(exchange);
        match unpaid::problems_at(challenge, "x402Version").next() {
            None => Outcome::pass("x402Version is 2", evidence),
            Some(problem) => Outcome::fail(problem.to_string(), evidence),
        }
    })
}

fn accepts(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let evidence = evidence_of(exchange);
        let strange = challenge
            .accepts
            .iter()
            .position(|offer| !offer.raw.is_object());
        if let Some(index) = strange {
            return Outcome::fail(format!("accepts[{index}] is no object"), evidence);
        }
        match unpaid::problems_at(challenge, "accepts").next() {
            None => {
                let text = format!("{} offer(s)", challenge.accepts.len());
                Outcome::pass(text, evidence)
            }
            // Routes that only identify the caller use an empty list.
            Some(problem) if matches!(problem.kind, ProblemKind::WrongValue { .. }) => {
                Outcome::warn("accepts is an empty array", evidence)
            }
            Some(problem) => Outcome::fail(problem.to_string(), evidence),
        }
    })
}

fn members(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let evidence = evidence_of(exchange);
        if !unpaid::has_offers(challenge) {
            return Outcome::skipped("control missing: there is no offer to look at");
        }
        let problems: Vec<String> = unpaid::shape_problems(challenge)
            .map(ToString::to_string)
            .collect();
        if problems.is_empty() {
            Outcome::pass("every offer has its required members", evidence)
        } else {
            Outcome::fail(problems.join(", "), evidence)
        }
    })
}

fn network(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let networks = challenge.accepts.iter();
        let outcome: Outcome = networks
            .filter_map(|offer| offer.text("network"))
            .map(|network| network_of(network, exchange))
            .collect();
        match outcome.is_empty() {
            true => Outcome::skipped("control missing: no offer has a string network"),
            false => outcome,
        }
    })
}

fn network_of(network: &str, exchange: &Exchange<'_>) -> Outcome {
    let evidence = evidence_of(exchange);
    let strange = format!("network {network:?} is not CAIP-2");
    if is_caip2(network) {
        Outcome::pass(format!("network {network:?}"), evidence)
    } else if network.starts_with("cloudflare:") {
        // The specification's own cloudflare:402 has a longer namespace than CAIP-2 allows.
        Outcome::info(strange, evidence)
    } else if network.contains(':') {
        Outcome::warn(strange, evidence)
    } else {
        Outcome::fail(strange, evidence)
    }
}

fn amount(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_offer_text(judged, version, "amount", |amount| {
        if unpaid::is_base_units(amount) {
            Ok(())
        } else {
            Err(format!("amount {amount:?} is no decimal integer"))
        }
    })
}

fn resource(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    unpaid::each_challenge(judged, version, |exchange, challenge| {
        let evidence = evidence_of(exchange);
        match &challenge.resource_url {
            Some(url) => Outcome::pass(format!("resource.url is {url}"), evidence),
            None => {
                let problem = challenge
                    .problems
                    .iter()
                    .find(|problem| problem.path.starts_with("resource"));
                let text = problem
                    .map_or_else(|| "resource.url is missing".to_owned(), ToString::to_string);
                Outcome::fail(text, evidence)
            }
        }
    })
}
