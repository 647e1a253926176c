//! Section K: signed offers of the `offer-receipt` extension (wire-format section 14.2).

use alloy_primitives::Address;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use x402_assay_protocol::challenge::is_caip2;
use x402_assay_protocol::offer_receipt::Artifact;
use x402_assay_protocol::{Challenge, Signature, Version, network};

use super::signers::{Signers, signer_of, unverifiable};
use super::{each_declared, is_amount, text};
use crate::checks::check::{BOTH, Check, Grade, Level, Role};
use crate::checks::judged::{Judged, evidence_of};
use crate::checks::outcome::Outcome;

pub(super) const NAME: &str = "offer-receipt";

pub(in crate::checks) const FORM: Check = Check {
    id: "SRV-EXT-OR-001",
    title: "Signed offers have the form of their format",
    requirement: "`format` is eip712 or jws; eip712 carries `payload` and a 65-byte signature, jws carries none and a compact serialisation.",
    observe: "Every entry of extensions[\"offer-receipt\"].info.offers in every challenge.",
    good: "{\"format\":\"eip712\",\"payload\":{...},\"signature\":\"0x...65 bytes...\"}",
    bad: "{\"format\":\"jws\",\"payload\":{...},\"signature\":\"a.b.c\"}",
    source: "offer-and-receipt, section 3.1",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Must,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: |judged, version| each_offer(judged, version, form),
    cause: "the artifact is put together by hand, or mixes the two formats",
    fix: "write eip712 with payload and hex signature, or jws as one compact string without payload",
    tags: &["extensions"],
    killed_by: &[],
};

pub(in crate::checks) const SIGNED: Check = Check {
    id: "SRV-EXT-OR-002",
    title: "Signatures of offers verify over the payload as sent",
    requirement: "The signature verifies under the domain `x402 offer`, version 1, chain id 1, over the payload as sent.",
    observe: "Each eip712 offer is recovered; its signer is compared with payTo and with that of the other offers.",
    good: "recovers to payTo, or to one and the same key for every offer",
    bad: "made for another chain id or domain name, or recovers to a new stranger each time",
    source: "offer-and-receipt, sections 3.2 and 4.5",
    judge: signed,
    cause: "signed under the payment network's chain id or another domain, or the payload changed after signing",
    fix: "sign with domain {name: \"x402 offer\", version: \"1\", chainId: 1} over exactly what is sent",
    tags: &["extensions", "CWE-347"],
    ..FORM
};

pub(in crate::checks) const MEMBERS: Check = Check {
    id: "SRV-EXT-OR-003",
    title: "The payload of an offer is whole and matches an advertised offer",
    requirement: "The payload has version 1, resourceUrl, scheme, CAIP-2 network, asset, payTo and amount, and matches one `accepts` entry.",
    observe: "Every eip712 payload, member by member, against accepts.",
    good: "the same terms as accepts[0], network in CAIP-2 even under v1",
    bad: "an amount that no entry of accepts has",
    source: "offer-and-receipt, sections 4.1 and 4.2",
    judge: matching,
    cause: "offers are signed once and the price changed, or v1 network names were copied",
    fix: "sign the offer from the same terms that go into accepts",
    ..FORM
};

pub(in crate::checks) const NO_TYPES: Check = Check {
    id: "SRV-EXT-OR-004",
    title: "Neither types nor signature travel inside the payload",
    requirement: "`types` and `primaryType` are not transmitted; `signature` is not inside `payload`.",
    observe: "Every offer and its payload.",
    good: "payload holds the terms alone",
    bad: "payload.signature, or types beside it",
    source: "offer-and-receipt, sections 3.2.1 and 10",
    judge: |judged, version| each_offer(judged, version, no_types),
    cause: "a wallet's typed-data object is passed on whole",
    fix: "send format, payload and signature alone",
    ..FORM
};

pub(in crate::checks) const SIGNER: Check = Check {
    id: "SRV-EXT-OR-005",
    title: "The signer of an offer may speak for the server",
    requirement: "The signer is authorised: it equals `payTo` or a key that is configured for the resource.",
    observe: "The recovered signer of each eip712 offer against payTo.",
    good: "signer = payTo",
    bad: "a key of which nothing says whose it is",
    source: "offer-and-receipt, section 4.5.1",
    grade: Grade::Warn,
    judge: signer,
    cause: "a separate signing key, whose authority a client cannot see",
    fix: "sign with the payTo key, or publish which key speaks for the resource",
    ..FORM
};

pub(in crate::checks) const LATE: Check = Check {
    id: "SRV-EXT-OR-008",
    title: "What comes of a payment after an offer's validUntil",
    requirement: "A server may refuse a payment after `validUntil`; what it does is recorded.",
    observe: "Payments sent after every signed offer of the newest challenge had ended.",
    good: "refused with a fresh challenge, or served",
    bad: "nothing: this is recorded only",
    source: "offer-and-receipt, section 4.6",
    level: Level::Open,
    grade: Grade::Info,
    judge: late,
    cause: "offers outlive their date, or end on time",
    fix: "nothing needs to change",
    ..FORM
};

/// The signed offers of one declaration.
fn offers(declared: &Value) -> Option<&Vec<Value>> {
    declared.pointer("/info/offers")?.as_array()
}

fn each_offer(
    judged: &Judged<'_, '_>,
    version: Version,
    judge: impl Fn(&Value) -> Result<&'static str, String>,
) -> Outcome {
    each_declared(judged, version, NAME, |exchange, _, declared| {
        let evidence = evidence_of(exchange);
        let Some(offers) = offers(declared) else {
            return Outcome::skipped("the extension is declared without signed offers");
        };
        offers
            .iter()
            .enumerate()
            .map(|(index, offer)| match judge(offer) {
                Ok(text) => Outcome::pass(text, evidence.clone()),
                Err(why) => Outcome::fail(format!("offers[{index}]: {why}"), evidence.clone()),
            })
            .reduce(Outcome::merge)
            .unwrap_or_else(|| Outcome::skipped("the list of signed offers is empty"))
    })
}

/// The form of an artifact, an offer or a receipt.
pub(super) fn form(artifact: &Value) -> Result<&'static str, String> {
    let signature = text(artifact, "signature").ok_or("no string signature")?;
    let has_payload = artifact.get("payload").is_some();
    match text(artifact, "format") {
        Some("eip712") => {
            if !artifact.get("payload").is_some_and(Value::is_object) {
                return Err("eip712 without an object payload".to_owned());
            }
            Signature::from_hex(signature)
                .map(|_| "eip712 with payload and signature")
                .ok_or_else(|| "the eip712 signature is not 65 bytes of hex".to_owned())
        }
        Some("jws") if has_payload => Err("jws with a payload beside it".to_owned()),
        Some("jws") => compact_jws(signature).map(|()| "jws in compact serialisation"),
        Some(other) => Err(format!("format {other:?} is neither eip712 nor jws")),
        None => Err("no string format".to_owned()),
    }
}

fn compact_jws(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('.').collect();
    let [head, _, _] = parts[..] else {
        return Err("the jws has not three parts".to_owned());
    };
    let head: Option<Value> = URL_SAFE_NO_PAD
        .decode(head)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let head = head.ok_or("the jws header is no base64url JSON")?;
    for name in ["alg", "kid"] {
        if head.get(name).and_then(Value::as_str).is_none() {
            return Err(format!("the jws header has no {name}"));
        }
    }
    Ok(())
}

fn no_types(offer: &Value) -> Result<&'static str, String> {
    for (place, value) in [
        ("the offer", Some(offer)),
        ("payload", offer.get("payload")),
    ] {
        for name in ["types", "primaryType"] {
            if value.is_some_and(|value| value.get(name).is_some()) {
                return Err(format!("{place} carries {name}"));
            }
        }
    }
    match offer.pointer("/payload/signature") {
        Some(_) => Err("the signature stands inside payload".to_owned()),
        None => Ok("neither types nor an inner signature"),
    }
}

fn pay_to(payload: &Value) -> Option<Address> {
    text(payload, "payTo")?.parse().ok()
}

fn signed(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut signers = Signers::default();
    let mut outcome = Outcome::new();
    for exchange in judged.facts.unpaid(version) {
        let declared = exchange
            .challenge(version)
            .and_then(|challenge| super::declared(challenge, NAME));
        for offer in declared.and_then(offers).into_iter().flatten() {
            let owner = offer.get("payload").and_then(pay_to);
            outcome.add(signers.take(exchange, offer, Artifact::Offer, owner));
        }
    }
    outcome.add(signers.told());
    outcome.or_skipped(format!("no challenge declares signed offers ({NAME})"))
}

fn matching(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each_declared(judged, version, NAME, |exchange, challenge, declared| {
        let evidence = evidence_of(exchange);
        let payloads = offers(declared).into_iter().flatten();
        payloads
            .filter_map(|offer| offer.get("payload"))
            .map(|payload| match matches_one(payload, challenge) {
                Ok(()) => Outcome::pass("whole, and matches an entry of accepts", evidence.clone()),
                Err(why) => Outcome::fail(why, evidence.clone()),
            })
            .reduce(Outcome::merge)
            .unwrap_or_else(|| Outcome::skipped("no signed offer shows its payload"))
    })
}

fn matches_one(payload: &Value, challenge: &Challenge) -> Result<(), String> {
    if payload.get("version") != Some(&Value::from(1)) {
        return Err("version is not the number 1".to_owned());
    }
    for name in [
        "resourceUrl",
        "scheme",
        "network",
        "asset",
        "payTo",
        "amount",
    ] {
        if text(payload, name).is_none() {
            return Err(format!("no string {name}"));
        }
    }
    let network = text(payload, "network").unwrap_or_default();
    if !is_caip2(network) {
        return Err(format!("network {network:?} is not CAIP-2"));
    }
    if !is_amount(text(payload, "amount")) {
        return Err("amount is no decimal integer".to_owned());
    }
    let fits = challenge.accepts.iter().any(|offer| {
        let same = |name: &str, with: Option<&str>| {
            let ours = text(payload, name).unwrap_or_default();
            with.is_some_and(|theirs| ours.eq_ignore_ascii_case(theirs))
        };
        let same_network = offer.text("network").is_some_and(|theirs| {
            theirs == network
                || network::chain_id(theirs).map(network::caip2).as_deref() == Some(network)
        });
        same("scheme", offer.text("scheme"))
            && same("asset", offer.text("asset"))
            && same("payTo", offer.text("payTo"))
            && same("amount", offer.amount())
            && same_network
    });
    match fits {
        true => Ok(()),
        false => Err("its terms are those of no entry of accepts".to_owned()),
    }
}

fn signer(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each_declared(judged, version, NAME, |exchange, _, declared| {
        let evidence = evidence_of(exchange);
        let all = offers(declared).into_iter().flatten();
        all.map(|offer| match signer_of(offer, Artifact::Offer) {
            None => unverifiable(offer),
            Some((_, None)) => {
                Outcome::skipped("control missing: the signature recovers to nobody")
            }
            Some((payload, Some(signer))) if pay_to(payload) == Some(signer) => {
                Outcome::pass("the signer is payTo", evidence.clone())
            }
            Some((payload, Some(signer))) => {
                let owner = text(payload, "payTo").unwrap_or("nobody");
                let text = format!("signed by {signer}, payTo is {owner}");
                Outcome::warn(text, evidence.clone())
            }
        })
        .reduce(Outcome::merge)
        .unwrap_or_else(|| Outcome::skipped("the extension is declared without signed offers"))
    })
}

fn late(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    let mut ended_at_s = None;
    for exchange in &judged.facts.exchanges {
        if exchange.version() != Some(version) {
            continue;
        }
        let sent_at_s = exchange.sent_at_us / 1_000_000;
        if exchange.is_paid() {
            if ended_at_s.is_some_and(|ended| sent_at_s > ended) {
                let text = format!(
                    "a payment after validUntil was answered {}",
                    exchange.ending()
                );
                outcome.add(Outcome::info(text, evidence_of(exchange)));
            }
            continue;
        }
        let declared = exchange
            .challenge(version)
            .and_then(|challenge| super::declared(challenge, NAME));
        if let Some(all) = declared.and_then(offers) {
            let ends = all.iter().map(|offer| offer.pointer("/payload/validUntil"));
            let ends: Option<Vec<u64>> = ends
                .map(|end| end.and_then(Value::as_u64).filter(|end| *end > 0))
                .collect();
            ended_at_s = ends.and_then(|ends| ends.into_iter().max());
        }
    }
    outcome.or_skipped("no payment was sent after the end of a signed offer")
}
