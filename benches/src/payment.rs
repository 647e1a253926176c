//! An offer on Base Sepolia, and the payment an honest client makes of it.

use alloy_primitives::{B256, U256};
use serde_json::{Value, json};
use x402_assay_protocol::payment::{build, fresh_nonce};
use x402_assay_protocol::{
    Authorization, Challenge, PayerKey, Requirement, Signature, Terms, Version, header, network,
};

/// The payer: a test key.
pub fn payer() -> PayerKey {
    PayerKey::derived("bench", 0, 0)
}

/// A v2 challenge with one offer of 0.01 USDC.
pub fn challenge() -> Value {
    let usdc =
        network::by_chain_id(network::DEFAULT_CHAIN_ID).expect("the default is in the table");
    json!({
        "x402Version": 2,
        "error": "Payment required",
        "resource": {
            "url": "http://127.0.0.1:4021/paid",
            "description": "a paid page",
            "mimeType": "application/json",
        },
        "accepts": [{
            "scheme": "exact",
            "network": usdc.caip2,
            "amount": "10000",
            "asset": usdc.usdc.to_checksum(None),
            "payTo": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
            "maxTimeoutSeconds": 60,
            "extra": { "name": usdc.usdc_name, "version": usdc.usdc_version },
        }],
    })
}

/// The challenge as its header carries it.
pub fn challenge_header() -> String {
    header::encode(&challenge())
}

/// The offer, and its terms.
pub fn offer() -> (Requirement, Terms) {
    let challenge = Challenge::read(Version::V2, challenge());
    let offer = challenge
        .accepts
        .first()
        .expect("there is one offer")
        .clone();
    let terms = offer.terms().expect("the offer can be paid");
    (offer, terms)
}

/// A fresh authorization of the offer's terms, valid for a minute from `now`, unix seconds.
pub fn authorization(terms: &Terms, payer: &PayerKey, now: u64) -> Authorization {
    Authorization {
        from: payer.address(),
        to: terms.pay_to,
        value: terms.amount,
        valid_after: U256::ZERO,
        valid_before: U256::from(now + terms.max_timeout_seconds),
        nonce: fresh_nonce(),
    }
}

/// The digest of an authorization and its signature.
pub fn signed(authorization: &Authorization, separator: &B256, payer: &PayerKey) -> Signature {
    payer.sign(&authorization.digest(separator))
}

/// All that a client does between a 402 and the paid request: header to header.
///
/// # Panics
/// When the header holds no offer that can be paid.
pub fn pay(challenge_header: &str, payer: &PayerKey, now: u64) -> String {
    let decoded = header::decode(challenge_header.as_bytes()).expect("the header decodes");
    let challenge = Challenge::read(Version::V2, decoded.value);
    let offer = challenge.accepts.first().expect("there is one offer");
    let terms = offer.terms().expect("the offer can be paid");
    let authorization = authorization(&terms, payer, now);
    let signature = signed(&authorization, &terms.domain.separator(), payer);
    let message = build(offer, challenge.resource(), &authorization, &signature);
    header::encode(&message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use x402_assay_protocol::Payment;

    #[test]
    fn what_is_measured_is_a_valid_payment() {
        let header = pay(&challenge_header(), &payer(), 1_770_000_000);
        let payment = Payment::read(header::decode(header.as_bytes()).unwrap().value);
        assert_eq!(payment.problems, []);
        let (_, terms) = offer();
        let digest = payment
            .authorization
            .as_ref()
            .unwrap()
            .digest(&terms.domain.separator());
        let signer = payment.ecdsa().unwrap().recover(&digest);
        assert_eq!(signer, Some(payer().address()));
    }
}
