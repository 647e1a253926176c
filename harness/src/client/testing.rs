//! Offers and a payer for the tests of this module.

use serde_json::{Value, json};
use x402_assay_protocol::{PayerKey, Requirement, Version};

use super::{Choice, Payer};

pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn offer_v2() -> Value {
    json!({
        "scheme": "exact",
        "network": "eip155:84532",
        "amount": "10000",
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "payTo": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "maxTimeoutSeconds": 60,
        "extra": { "name": "USDC", "version": "2" },
    })
}

pub(crate) fn offer_v1() -> Value {
    json!({
        "scheme": "exact",
        "network": "base-sepolia",
        "maxAmountRequired": "10000",
        "resource": "http://localhost/paid",
        "description": "",
        "mimeType": "",
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "payTo": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "maxTimeoutSeconds": 60,
        "extra": { "name": "USDC", "version": "2" },
    })
}

pub(crate) fn choice(version: Version) -> Choice {
    let raw = match version {
        Version::V1 => offer_v1(),
        Version::V2 => offer_v2(),
    };
    let offer = Requirement::from_raw(version, raw);
    let terms = offer.terms().unwrap();
    Choice {
        index: 0,
        offer,
        terms,
    }
}

pub(crate) fn payer() -> Payer {
    Payer::new(PayerKey::derived("client-test", 1, 0))
}
