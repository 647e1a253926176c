//! Digests and signatures of Permit2 permits with the `upto` witness, made with another implementation.

use serde_json::json;
use x402_assay_protocol::{UptoPermit, permit2};

use crate::authorization::key;
use crate::file::{Seen, Vector};

pub(crate) fn seen(vector: &Vector) -> Seen {
    let message = vector.message();
    let mut problems = Vec::new();
    let raw = &message["permit"];
    let permit = UptoPermit::read(raw, "permit", &mut problems);
    let permit = permit.unwrap_or_else(|| panic!("{problems:?}"));
    assert_eq!(permit.to_json(), *raw, "writing gives what was read");

    let chain_id = message["chainId"].as_u64().expect("a chain id is a number");
    let separator = permit2::separator(chain_id);
    let digest = permit.digest(&separator);
    let signature = key(&message["key"]).sign(&digest);
    let signer = signature
        .recover(&digest)
        .expect("a signature has a signer");
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
