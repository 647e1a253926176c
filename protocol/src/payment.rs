//! The payment a client sends (wire-format sections 3.4 and 3.5).

use alloy_primitives::B256;
use serde_json::{Value, json};

use crate::challenge::Requirement;
use crate::eip3009::Authorization;
use crate::permit2::UptoPermit;
use crate::problem::{Problem, Reader, whole_number};
use crate::signing::Signature;
use crate::upto;
use crate::version::Version;

/// A payment as it was read: the object, and the typed parts that could be made out.
#[derive(Debug, Clone)]
pub struct Payment {
    /// The JSON object as it came.
    pub raw: Value,
    /// Generation named by `x402Version`, if known.
    pub version: Option<Version>,
    /// The EIP-3009 authorization, when `payload` holds a readable one.
    pub authorization: Option<Authorization>,
    /// The Permit2 permit of an `upto` payment, when `payload` holds a readable one.
    pub permit: Option<UptoPermit>,
    /// `payload.signature`, as text: it may be no 65-byte signature at all.
    pub signature: Option<String>,
    /// Everything that differs from the description.
    pub problems: Vec<Problem>,
}

impl Payment {
    /// Reads a payment object; the generation is what `x402Version` says.
    pub fn read(raw: Value) -> Self {
        let mut problems = Vec::new();
        let mut reader = Reader::new(&raw, "", &mut problems);
        if !reader.is_object() {
            return Self {
                raw,
                version: None,
                authorization: None,
                permit: None,
                signature: None,
                problems,
            };
        }
        let version = reader.number("x402Version").and_then(Version::from_number);
        let number = raw.get("x402Version").and_then(whole_number);
        if version.is_none() && number.is_some() {
            reader.refuse("x402Version", "not 1 or 2");
        }
        if version == Some(Version::V1) {
            reader.string("scheme");
            reader.string("network");
        } else {
            reader.optional_object("resource");
            reader.optional_object("extensions");
            reader.object("accepted");
        }
        let payload = reader.object("payload");
        let (mut authorization, mut permit, mut signature) = (None, None, None);
        let is_upto = accepted(version, &raw).is_some_and(|a| a["scheme"] == upto::SCHEME);
        if let Some(payload) = payload {
            let mut inner = Reader::new(payload, "payload", &mut problems);
            signature = inner.string("signature");
            if is_upto {
                if let Some(value) = inner.object("permit2Authorization") {
                    permit = UptoPermit::read(value, "payload.permit2Authorization", &mut problems);
                }
            } else if let Some(value) = inner.object("authorization") {
                authorization = Authorization::read(value, "payload.authorization", &mut problems);
            }
        }
        Self {
            raw,
            version,
            authorization,
            permit,
            signature,
            problems,
        }
    }

    /// The terms that v2 repeats; v1 has scheme and network at the top.
    pub fn accepted(&self) -> Option<&Value> {
        accepted(self.version, &self.raw)
    }

    /// Scheme and network the payment claims to use.
    pub fn scheme_and_network(&self) -> (Option<&str>, Option<&str>) {
        let holder = self.accepted().unwrap_or(&self.raw);
        let text = |name: &str| holder.get(name).and_then(Value::as_str);
        (text("scheme"), text("network"))
    }

    /// The 65-byte signature, when there is one.
    pub fn ecdsa(&self) -> Option<Signature> {
        self.signature.as_deref().and_then(Signature::from_hex)
    }
}

fn accepted(version: Option<Version>, raw: &Value) -> Option<&Value> {
    let is_v1 = version == Some(Version::V1);
    raw.get("accepted")
        .filter(|accepted| !is_v1 && accepted.is_object())
}

/// The payment object for one offer: the offer is echoed as it came.
pub fn build(
    offer: &Requirement,
    resource: Option<&Value>,
    authorization: &Authorization,
    signature: &Signature,
) -> Value {
    let payload = json!({
        "signature": signature.to_hex(),
        "authorization": authorization.to_json(),
    });
    message(offer, resource, &payload)
}

/// The payment object around a payload, as the offer's generation has it.
pub(crate) fn message(offer: &Requirement, resource: Option<&Value>, payload: &Value) -> Value {
    match offer.version {
        Version::V1 => json!({
            "x402Version": 1,
            "scheme": offer.text("scheme"),
            "network": offer.text("network"),
            "payload": payload,
        }),
        Version::V2 => {
            let mut message = json!({ "x402Version": 2, "payload": payload });
            if let Some(resource) = resource {
                message["resource"] = resource.clone();
            }
            message["accepted"] = offer.raw.clone();
            message
        }
    }
}

/// 32 random bytes from the operating system: never from the seed, since a long-running server may remember them.
pub fn fresh_nonce() -> B256 {
    B256::random()
}
