//! Proofs of the `sign-in-with-x` extension for EVM accounts (wire-format section 14.6, EIP-4361, EIP-191).

use alloy_primitives::{B256, keccak256};
use serde_json::{Value, json};

use crate::header;
use crate::signing::PayerKey;

/// Name of the extension in a challenge.
pub const EXTENSION: &str = "sign-in-with-x";
/// Request header that carries a proof.
pub const HEADER: &str = "SIGN-IN-WITH-X";

/// The proof a key gives for a challenge's `info` on a chain, as the header carries it: base64 of one JSON object.
pub fn prove(info: &Value, chain_id: u64, key: &PayerKey) -> Value {
    let mut proof = info.clone();
    proof["chainId"] = json!(format!("eip155:{chain_id}"));
    proof["type"] = json!("eip191");
    proof["address"] = json!(key.address().to_checksum(None));
    let signature = key.sign(&digest(&message(&proof, chain_id)));
    proof["signature"] = json!(signature.to_hex());
    proof
}

/// The header's value for a proof.
pub fn encode(proof: &Value) -> String {
    header::encode(proof)
}

/// The text that is signed (EIP-4361).
fn message(proof: &Value, chain_id: u64) -> String {
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    let mut lines = vec![
        format!(
            "{} wants you to sign in with your Ethereum account:",
            text("domain").unwrap_or_default()
        ),
        text("address").unwrap_or_default().to_owned(),
        String::new(),
    ];
    lines.extend(text("statement").map(str::to_owned));
    lines.push(String::new());
    lines.push(format!("URI: {}", text("uri").unwrap_or_default()));
    lines.push(format!("Version: {}", text("version").unwrap_or("1")));
    lines.push(format!("Chain ID: {chain_id}"));
    for (label, name) in [
        ("Nonce", "nonce"),
        ("Issued At", "issuedAt"),
        ("Expiration Time", "expirationTime"),
        ("Not Before", "notBefore"),
        ("Request ID", "requestId"),
    ] {
        lines.extend(text(name).map(|value| format!("{label}: {value}")));
    }
    if let Some(resources) = proof.get("resources").and_then(Value::as_array) {
        lines.push("Resources:".to_owned());
        let all = resources.iter().filter_map(Value::as_str);
        lines.extend(all.map(|resource| format!("- {resource}")));
    }
    lines.join("\n")
}

/// EIP-191: what a wallet's `personal_sign` signs.
fn digest(message: &str) -> B256 {
    keccak256(format!(
        "\x19Ethereum Signed Message:\n{}{message}",
        message.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Signature;

    fn info() -> Value {
        json!({
            "domain": "127.0.0.1:4021", "uri": "http://127.0.0.1:4021/paid", "version": "1",
            "nonce": "0123456789abcdef0123456789abcdef", "issuedAt": "2026-11-21T10:00:00Z",
        })
    }

    #[test]
    fn the_text_is_that_of_eip_4361() {
        let key = PayerKey::derived("sign-in", 1, 0);
        let mut proof = prove(&info(), 84_532, &key);
        proof["address"] = json!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        let wanted = "127.0.0.1:4021 wants you to sign in with your Ethereum account:\n\
            0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n\n\nURI: http://127.0.0.1:4021/paid\nVersion: 1\n\
            Chain ID: 84532\nNonce: 0123456789abcdef0123456789abcdef\nIssued At: 2026-11-21T10:00:00Z";
        assert_eq!(message(&proof, 84_532), wanted);
        proof["statement"] = json!("Sign in to read.");
        let stated = wanted.replace("\n\n\nURI", "\n\nSign in to read.\n\nURI");
        assert_eq!(message(&proof, 84_532), stated);
    }

    #[test]
    fn a_proof_recovers_to_its_address() {
        let key = PayerKey::derived("sign-in", 1, 0);
        let proof = prove(&info(), 84_532, &key);
        let signature = Signature::from_hex(proof["signature"].as_str().unwrap()).unwrap();
        let signed = digest(&message(&proof, 84_532));
        assert_eq!(signature.recover(&signed), Some(key.address()));
    }
}
