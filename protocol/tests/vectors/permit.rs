//! Digests and signatures of Permit2 permits with the `upto` witness, made with another implementation.

use x402_assay_protocol::{UptoPermit, permit2};

use crate::file::{Seen, Vector};
use crate::signing::signed;

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
    signed(&message["key"], &separator, &digest)
}
