//! Valid messages to start from.

use serde_json::{Value, json};

pub(crate) const PAYER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
pub(crate) const PAYEE: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

pub(crate) fn challenge_v2() -> Value {
    json!({
        "x402Version": 2,
        "error": "Payment required",
        "resource": { "url": "http://127.0.0.1/paid", "description": "", "mimeType": "" },
        "accepts": [offer_v2()],
        "extensions": {},
    })
}

pub(crate) fn offer_v2() -> Value {
    json!({
        "scheme": "exact",
        "network": "eip155:84532",
        "amount": "10000",
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "payTo": PAYEE,
        "maxTimeoutSeconds": 60,
        "extra": { "name": "USDC", "version": "2" },
    })
}

pub(crate) fn challenge_v1() -> Value {
    json!({ "x402Version": 1, "error": "X-PAYMENT header is required", "accepts": [offer_v1()] })
}

pub(crate) fn offer_v1() -> Value {
    json!({
        "scheme": "exact",
        "network": "base-sepolia",
        "maxAmountRequired": "10000",
        "resource": "http://127.0.0.1/paid",
        "description": "",
        "mimeType": "",
        "payTo": PAYEE,
        "maxTimeoutSeconds": 60,
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "outputSchema": {},
        "extra": { "name": "USDC", "version": "2" },
    })
}

fn payload() -> Value {
    json!({
        "signature": format!("0x{}1b", "11".repeat(64)),
        "authorization": {
            "from": PAYER,
            "to": PAYEE,
            "value": "10000",
            "validAfter": "0",
            "validBefore": "4102444800",
            "nonce": format!("0x{}", "11".repeat(32)),
        },
    })
}

pub(crate) fn payment_v2() -> Value {
    json!({
        "x402Version": 2,
        "payload": payload(),
        "resource": { "url": "http://127.0.0.1/paid" },
        "accepted": offer_v2(),
        "extensions": {},
    })
}

pub(crate) fn payment_v1() -> Value {
    json!({ "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": payload() })
}

pub(crate) fn settlement() -> Value {
    json!({
        "success": false,
        "errorReason": "settlement_pending",
        "transaction": format!("0x{}", "5d".repeat(32)),
        "network": "eip155:84532",
        "payer": PAYER,
        "amount": "10000",
        "extensions": {},
    })
}
