//! Signing and recovery on secp256k1 (the libsecp256k1 path: several times faster than pure Rust).

use alloy_primitives::{Address, B256, hex, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};

/// A 65-byte ECDSA signature, `r ‖ s ‖ v` with v 27 or 28. `Debug` shows a prefix only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 65]);

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature(0x{}…)", hex::encode(&self.0[..4]))
    }
}

impl Signature {
    /// `0x` and 130 hex digits, as a payload carries it.
    pub fn to_hex(&self) -> String {
        hex::encode_prefixed(self.0)
    }

    /// Reads `0x` and 130 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        // The length is checked here because the hex decoder takes a second `0x` as well.
        let digits = text.strip_prefix("0x").filter(|hex| hex.len() == 130)?;
        let bytes = hex::decode(digits).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The same signature with one byte of `r` changed: it recovers to somebody else, or to nobody.
    #[must_use]
    pub const fn with_flipped_byte(mut self) -> Self {
        self.0[10] ^= 0x01;
        self
    }

    /// The address whose key made this signature over `digest`; `None` when there is none.
    ///
    /// High-s forms recover too: refusing them is the caller's decision (see [`Self::is_low_s`]).
    pub fn recover(&self, digest: &B256) -> Option<Address> {
        let v = match self.0[64] {
            v @ (0 | 1) => v,
            v @ (27 | 28) => v - 27,
            _ => return None,
        };
        let id = RecoveryId::try_from(i32::from(v)).ok()?;
        let signature = RecoverableSignature::from_compact(&self.0[..64], id).ok()?;
        let key = SECP256K1
            .recover_ecdsa(&Message::from_digest(digest.0), &signature)
            .ok()?;
        Some(address_of(&key))
    }

    /// True when `s` lies in the lower half, as tokens demand.
    pub fn is_low_s(&self) -> bool {
        let mut compact = match secp256k1::ecdsa::Signature::from_compact(&self.0[..64]) {
            Ok(compact) => compact,
            Err(_) => return false,
        };
        compact.normalize_s();
        compact.serialize_compact()[..] == self.0[..64]
    }
}

/// A payer's test key. Never a real one: every key of the bench is public.
#[derive(Clone)]
pub struct PayerKey {
    secret: SecretKey,
    address: Address,
}

impl std::fmt::Debug for PayerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PayerKey({})", self.address)
    }
}

impl PayerKey {
    /// A key from its 32 bytes; `None` when they are zero or above the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let secret = SecretKey::from_slice(bytes).ok()?;
        let address = address_of(&PublicKey::from_secret_key(SECP256K1, &secret));
        Some(Self { secret, address })
    }

    /// A built-in test key: the hash of a public label, a run's seed and an index.
    pub fn derived(label: &str, seed: u64, index: u32) -> Self {
        let mut counter = 0u32;
        loop {
            let text = format!("x402-assay test key/{label}/{seed}/{index}/{counter}");
            if let Some(key) = Self::from_bytes(&keccak256(text).0) {
                return key;
            }
            counter += 1;
        }
    }

    /// The payer's address.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// The key in `0x` hex, for programs that are handed one. It is a test key.
    pub fn to_hex(&self) -> String {
        hex::encode_prefixed(self.secret.secret_bytes())
    }

    /// Signs a digest; deterministic (RFC 6979), low-s.
    pub fn sign(&self, digest: &B256) -> Signature {
        let signature =
            SECP256K1.sign_ecdsa_recoverable(&Message::from_digest(digest.0), &self.secret);
        let (id, compact) = signature.serialize_compact();
        let mut bytes = [0u8; 65];
        bytes[..64].copy_from_slice(&compact);
        bytes[64] = if id == RecoveryId::Zero { 27 } else { 28 };
        Signature(bytes)
    }
}

fn address_of(key: &PublicKey) -> Address {
    let hash = keccak256(&key.serialize_uncompressed()[1..]);
    Address::from_slice(&hash[12..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eip3009::Authorization;
    use alloy_primitives::{U256, b256};

    /// Worked example B of the wire-format reference.
    #[test]
    fn signs_the_published_example() {
        let bytes = hex::decode("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
        let key = PayerKey::from_bytes(&bytes.unwrap().try_into().unwrap()).unwrap();
        let authorization = Authorization {
            from: key.address(),
            to: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
                .parse()
                .unwrap(),
            value: U256::from(10_000),
            valid_after: U256::ZERO,
            valid_before: U256::from(4_102_444_800u64),
            nonce: B256::repeat_byte(0x11),
        };
        let separator = crate::network::by_chain_id(84532)
            .unwrap()
            .usdc_domain()
            .separator();
        let digest = authorization.digest(&separator);
        assert_eq!(
            digest,
            b256!("1831c2f3e187c15e7608b2008f59cd947cb9190aa43329a34bd38becfdde1cae")
        );
        let signature = key.sign(&digest);
        assert_eq!(
            signature.to_hex(),
            "0xdf79cf974d736f9231cbf3a31e1e2bdf8dfeeb6ffb3f4a7a03656d210a57880c6fbd28c6da46717e5e9659ae1a36cb0c8ff6b658111c8a227f5f12246e8103d51b"
        );
        assert_eq!(signature.recover(&digest), Some(key.address()));
        assert!(signature.is_low_s());
        assert_ne!(
            signature.with_flipped_byte().recover(&digest),
            Some(key.address())
        );
    }

    #[test]
    fn debug_never_shows_a_whole_signature_or_a_key() {
        let key = PayerKey::derived("test", 1, 0);
        let signature = key.sign(&B256::ZERO);
        assert!(format!("{signature:?}").len() < 30);
        assert!(!format!("{key:?}").contains(&key.to_hex()[2..]));
    }
}
