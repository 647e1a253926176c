//! Messages, read the way the crate's users read them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use x402_assay_protocol::facilitator::{self, SettleResponse, SupportedResponse, VerifyResponse};
use x402_assay_protocol::header::{self, Encoding};
use x402_assay_protocol::{
    Authorization, Challenge, Payment, Problem, Requirement, Settlement, TokenDomain, Version,
    network, permit2,
};

use crate::file::{Seen, Vector};

fn problems(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

/// The message itself, or what its header holds.
fn value(vector: &Vector) -> Value {
    match &vector.header {
        Some(header) => {
            let decoded = header::decode(header.as_bytes()).expect("the header decodes");
            assert_eq!(
                header::encode(&decoded.value),
                *header,
                "encoding is not stable"
            );
            decoded.value
        }
        None => vector.message().clone(),
    }
}

pub(crate) fn header(vector: &Vector) -> Seen {
    let raw = vector
        .header
        .as_deref()
        .expect("a header vector holds a header");
    match header::decode(raw.as_bytes()) {
        Ok(decoded) => Seen {
            values: json!({
                "encoding": match decoded.encoding {
                    Encoding::Standard => "standard",
                    Encoding::Unpadded => "unpadded",
                    Encoding::UrlSafe => "url_safe",
                },
                "message": decoded.value,
            }),
            ..Seen::default()
        },
        Err(error) => Seen {
            error: Some(error.to_string()),
            ..Seen::default()
        },
    }
}

pub(crate) fn challenge(vector: &Vector) -> Seen {
    let raw = value(vector);
    let challenge = Challenge::read(vector.version(), raw.clone());
    assert_eq!(challenge.raw, raw, "reading changes nothing");
    Seen {
        problems: problems(&challenge.problems),
        error: None,
        values: json!({
            "error": challenge.error,
            "resourceUrl": challenge.resource_url,
            "offers": challenge.accepts.iter().map(offer).collect::<Vec<_>>(),
        }),
    }
}

fn offer(offer: &Requirement) -> Value {
    match offer.terms() {
        Ok(terms) => json!({
            "network": terms.network,
            "chainId": terms.domain.chain_id,
            "amount": terms.amount.to_string(),
            "asset": terms.domain.verifying_contract.to_checksum(None),
            "payTo": terms.pay_to.to_checksum(None),
            "name": terms.domain.name,
            "version": terms.domain.version,
            "maxTimeoutSeconds": terms.max_timeout_seconds,
            "paymentFlow": offer.payment_flow(),
        }),
        Err(error) => json!({ "notPayable": error.to_string() }),
    }
}

pub(crate) fn payment(vector: &Vector) -> Seen {
    let raw = value(vector);
    let payment = Payment::read(raw.clone());
    assert_eq!(payment.raw, raw, "reading changes nothing");
    if payment.problems.is_empty() {
        assert_eq!(payment.version, Some(vector.version()));
    }
    let (scheme, network) = payment.scheme_and_network();
    let digest = payment
        .authorization
        .as_ref()
        .zip(domain(&payment))
        .map(|(authorization, domain)| authorization.digest(&domain.separator()));
    let permitted = payment
        .permit
        .as_ref()
        .zip(network.and_then(network::chain_id))
        .map(|(permit, chain_id)| permit.digest(&permit2::separator(chain_id)));
    let signer = payment
        .ecdsa()
        .zip(digest.or(permitted))
        .and_then(|(signature, digest)| signature.recover(&digest));
    let mut values = json!({
            "version": payment.version.map(Version::number),
            "scheme": scheme,
            "network": network,
            "authorization": payment.authorization.as_ref().map(Authorization::to_json),
            "signer": signer.map(|address| address.to_checksum(None)),
            "lowS": payment.ecdsa().map(|signature| signature.is_low_s()),
    });
    if let Some(permit) = &payment.permit {
        values["permit"] = permit.to_json();
    }
    Seen {
        problems: problems(&payment.problems),
        error: None,
        values,
    }
}

/// v2 payments carry the token's domain; v1 payments are for the network's USDC here.
fn domain(payment: &Payment) -> Option<TokenDomain> {
    match payment.accepted() {
        Some(accepted) => {
            let offer = Requirement::from_raw(Version::V2, accepted.clone());
            offer.terms().ok().map(|terms| terms.domain)
        }
        None => {
            let chain_id = network::chain_id(payment.scheme_and_network().1?)?;
            network::by_chain_id(chain_id).map(|network| network.usdc_domain())
        }
    }
}

pub(crate) fn settlement(vector: &Vector) -> Seen {
    let raw = value(vector);
    let settlement = Settlement::read(vector.version(), raw.clone());
    assert_eq!(settlement.raw, raw, "reading changes nothing");
    Seen {
        problems: problems(&settlement.problems),
        error: None,
        values: json!({
            "success": settlement.success,
            "transaction": settlement.transaction,
            "network": settlement.network,
            "payer": settlement.payer,
            "errorReason": settlement.error_reason,
        }),
    }
}

/// Built from its own parts, the body comes out as it stands in the file.
pub(crate) fn facilitator_request(vector: &Vector) -> Seen {
    let message = vector.message();
    let built = facilitator::request(
        vector.version(),
        &message["paymentPayload"],
        &message["paymentRequirements"],
    );
    assert_eq!(built.to_string(), message.to_string());
    let payment = Payment::read(message["paymentPayload"].clone());
    Seen {
        problems: problems(&payment.problems),
        error: None,
        values: json!({}),
    }
}

pub(crate) fn verify_response(vector: &Vector) -> Seen {
    typed(vector, |answer: &VerifyResponse| {
        json!({
            "isValid": answer.is_valid,
            "invalidReason": answer.invalid_reason,
            "payer": answer.payer,
        })
    })
}

pub(crate) fn settle_response(vector: &Vector) -> Seen {
    typed(vector, |answer: &SettleResponse| {
        json!({
            "success": answer.success,
            "errorReason": answer.error_reason,
            "transaction": answer.transaction,
            "network": answer.network,
            "payer": answer.payer,
            "amount": answer.amount,
        })
    })
}

pub(crate) fn supported(vector: &Vector) -> Seen {
    typed(vector, |answer: &SupportedResponse| {
        let kinds = answer.kinds.iter();
        let kinds =
            kinds.map(|kind| format!("v{} {} {}", kind.x402_version, kind.scheme, kind.network));
        json!({
            "kinds": kinds.collect::<Vec<_>>(),
            "signers": answer.signers.keys().collect::<Vec<_>>(),
        })
    })
}

/// An answer that serde reads; written and read again it stays the same.
fn typed<T>(vector: &Vector, values: impl Fn(&T) -> Value) -> Seen
where
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    match serde_json::from_value::<T>(vector.message().clone()) {
        Ok(answer) => {
            let written = serde_json::to_value(&answer).expect("an answer can be written");
            let again: T = serde_json::from_value(written).expect("what was written can be read");
            assert_eq!(again, answer);
            Seen {
                values: values(&answer),
                ..Seen::default()
            }
        }
        Err(error) => Seen {
            error: Some(error.to_string()),
            ..Seen::default()
        },
    }
}
