//! Signed offers and receipts of the `offer-receipt` extension and their EIP-712 digests (wire-format section 14.2).

use alloy_primitives::{B256, U256, b256, keccak256};
use serde_json::Value;

/// Hash of `EIP712Domain(string name,string version,uint256 chainId)`.
const DOMAIN_TYPEHASH: B256 =
    b256!("c2f8787176b8ac6bf7215b4adcc1e069bf4ab82d9ab1df05a57a91d425935b6e");
/// Hash of `Offer(uint256 version,string resourceUrl,…,uint256 validUntil)`.
const OFFER_TYPEHASH: B256 =
    b256!("85143d3249b5e62ed5edd3d59a352d4e1181c775ff4f762f9c8a617f6bf1e97d");
/// Hash of `Receipt(uint256 version,string network,…,string transaction)`.
const RECEIPT_TYPEHASH: B256 =
    b256!("616944bc4bb51b3d5fcbba8c559f76d57a93ac1e0d6659f1abbe95f92300c06f");

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Artifact {
    /// Terms a server commits to before payment.
    Offer,
    /// Proof of service after payment.
    Receipt,
}

impl Artifact {
    /// `name` of its EIP-712 domain.
    pub const fn domain_name(self) -> &'static str {
        match self {
            Self::Offer => "x402 offer",
            Self::Receipt => "x402 receipt",
        }
    }

    /// The digest of a payload under the domain that the extension prescribes (version `1`, chain id 1).
    ///
    /// `None` when a member is missing or of another type than its EIP-712 field.
    pub fn digest(self, payload: &Value) -> Option<B256> {
        self.digest_under(payload, self.domain_name(), 1)
    }

    /// The digest under another domain name or chain id, to tell what a wrong signature was made for.
    pub fn digest_under(self, payload: &Value, domain: &str, chain_id: u64) -> Option<B256> {
        let mut fields = Fields::new(payload, self.typehash());
        match self {
            Self::Offer => {
                fields.number("version", None)?;
                for name in [
                    "resourceUrl",
                    "scheme",
                    "network",
                    "asset",
                    "payTo",
                    "amount",
                ] {
                    fields.text(name, None)?;
                }
                fields.number("validUntil", Some(0))?;
            }
            Self::Receipt => {
                fields.number("version", None)?;
                for name in ["network", "resourceUrl", "payer"] {
                    fields.text(name, None)?;
                }
                fields.number("issuedAt", None)?;
                fields.text("transaction", Some(""))?;
            }
        }
        let mut message = vec![0x19, 0x01];
        message.extend_from_slice(separator(domain, chain_id).as_slice());
        message.extend_from_slice(keccak256(fields.encoded).as_slice());
        Some(keccak256(message))
    }

    const fn typehash(self) -> B256 {
        match self {
            Self::Offer => OFFER_TYPEHASH,
            Self::Receipt => RECEIPT_TYPEHASH,
        }
    }
}

fn separator(name: &str, chain_id: u64) -> B256 {
    let words = [
        DOMAIN_TYPEHASH,
        keccak256(name.as_bytes()),
        keccak256(b"1"),
        B256::from(U256::from(chain_id)),
    ];
    keccak256(words.map(|word| word.0).concat())
}

/// The members of a payload as EIP-712 words, in the order of the type.
struct Fields<'p> {
    payload: &'p Value,
    encoded: Vec<u8>,
}

impl<'p> Fields<'p> {
    fn new(payload: &'p Value, typehash: B256) -> Self {
        Self {
            payload,
            encoded: typehash.to_vec(),
        }
    }

    fn text(&mut self, name: &str, absent: Option<&str>) -> Option<()> {
        let text = match self.payload.get(name) {
            Some(Value::String(text)) => text.as_str(),
            None | Some(Value::Null) => absent?,
            Some(_) => return None,
        };
        self.encoded
            .extend_from_slice(keccak256(text.as_bytes()).as_slice());
        Some(())
    }

    fn number(&mut self, name: &str, absent: Option<u64>) -> Option<()> {
        let number = match self.payload.get(name) {
            Some(Value::Number(number)) => number.as_u64()?,
            None | Some(Value::Null) => absent?,
            Some(_) => return None,
        };
        self.encoded
            .extend_from_slice(&U256::from(number).to_be_bytes::<32>());
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::PayerKey;
    use serde_json::json;

    fn offer() -> Value {
        json!({
            "version": 1, "resourceUrl": "https://api.example/paid", "scheme": "exact", "network": "eip155:8453",
            "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "payTo": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
            "amount": "10000",
        })
    }

    #[test]
    fn type_hashes_are_those_of_the_types_as_written() {
        let hash = |text: &str| keccak256(text.as_bytes());
        assert_eq!(
            hash("EIP712Domain(string name,string version,uint256 chainId)"),
            DOMAIN_TYPEHASH
        );
        assert_eq!(
            hash(
                "Offer(uint256 version,string resourceUrl,string scheme,string network,string asset,string payTo,string amount,uint256 validUntil)"
            ),
            OFFER_TYPEHASH
        );
        assert_eq!(
            hash(
                "Receipt(uint256 version,string network,string resourceUrl,string payer,uint256 issuedAt,string transaction)"
            ),
            RECEIPT_TYPEHASH
        );
    }

    #[test]
    fn an_absent_optional_member_is_its_zero_value() {
        let (mut zero, plain) = (offer(), offer());
        zero["validUntil"] = json!(0);
        assert_eq!(
            Artifact::Offer.digest(&zero),
            Artifact::Offer.digest(&plain)
        );
        zero["validUntil"] = json!(5);
        assert_ne!(
            Artifact::Offer.digest(&zero),
            Artifact::Offer.digest(&plain)
        );
    }

    #[test]
    fn the_digest_binds_every_member_and_the_domain() {
        let digest = Artifact::Offer.digest(&offer()).unwrap();
        for (name, value) in offer().as_object().unwrap() {
            let mut other = offer();
            other[name] = match value {
                Value::Number(_) => json!(2),
                _ => json!("other"),
            };
            assert_ne!(Artifact::Offer.digest(&other), Some(digest), "{name}");
            other.as_object_mut().unwrap().remove(name);
            assert_eq!(Artifact::Offer.digest(&other), None, "{name}");
        }
        let elsewhere = Artifact::Offer.digest_under(&offer(), "x402 offer", 8453);
        assert_ne!(elsewhere, Some(digest));
        let key = PayerKey::derived("offers", 1, 0);
        assert_eq!(key.sign(&digest).recover(&digest), Some(key.address()));
    }
}
