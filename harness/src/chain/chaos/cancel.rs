//! Signing the cancellation of an authorization (EIP-3009 `CancelAuthorization`).

use alloy_primitives::{Address, B256, b256, keccak256};
use x402_assay_protocol::{PayerKey, Signature};

/// Hash of `CancelAuthorization(address authorizer,bytes32 nonce)`.
const CANCEL_TYPEHASH: B256 =
    b256!("158b0a9edf7a828aad02f63cd515c68ef2f50ba807396f6d12842833a1597429");

/// What an authorizer signs to cancel a nonce, for a token with this domain separator.
pub fn cancel_digest(separator: &B256, authorizer: Address, nonce: B256) -> B256 {
    let mut fields = [0u8; 96];
    fields[..32].copy_from_slice(CANCEL_TYPEHASH.as_slice());
    fields[44..64].copy_from_slice(authorizer.as_slice());
    fields[64..].copy_from_slice(nonce.as_slice());
    let mut message = [0u8; 66];
    message[..2].copy_from_slice(&[0x19, 0x01]);
    message[2..34].copy_from_slice(separator.as_slice());
    message[34..].copy_from_slice(keccak256(fields).as_slice());
    keccak256(message)
}

/// The payer's signature of a cancellation.
pub fn sign_cancel(payer: &PayerKey, separator: &B256, nonce: B256) -> Signature {
    payer.sign(&cancel_digest(separator, payer.address(), nonce))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_hash_is_that_of_the_type() {
        let text = "CancelAuthorization(address authorizer,bytes32 nonce)";
        assert_eq!(keccak256(text), CANCEL_TYPEHASH);
    }
}
