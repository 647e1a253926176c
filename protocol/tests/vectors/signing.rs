//! What any typed message comes to when it is signed.

use alloy_primitives::{B256, hex};
use serde_json::{Value, json};
use x402_assay_protocol::PayerKey;

use crate::file::Seen;

/// Digest, signature and signer, with a key as the vector names it.
pub(crate) fn signed(key: &Value, separator: &B256, digest: &B256) -> Seen {
    let signature = payer(key).sign(digest);
    assert!(signature.is_low_s());
    let signer = signature.recover(digest).expect("a signature has a signer");
    Seen {
        values: json!({
            "separator": separator.to_string(),
            "digest": digest.to_string(),
            "signature": signature.to_hex(),
            "signer": signer.to_checksum(None),
        }),
        ..Seen::default()
    }
}

fn payer(key: &Value) -> PayerKey {
    let text = key.as_str().expect("a key is a string");
    let bytes: [u8; 32] = hex::decode_to_array(text).expect("a key is 32 bytes of hex");
    PayerKey::from_bytes(&bytes).expect("the key is in range")
}
