//! The `upto` scheme on EVM networks (wire-format section 6): the payer signs a ceiling, the server settles the use.

use alloy_primitives::Address;
use serde_json::{Value, json};

use crate::challenge::{NotPayable, Requirement, Terms};
use crate::eip3009::parse_address;
use crate::network;
use crate::payment;
use crate::permit2::UptoPermit;
use crate::signing::Signature;
use crate::version::Version;

/// The scheme's name.
pub const SCHEME: &str = "upto";
/// Where an offer, and a kind of `/supported`, names who will settle.
pub const FACILITATOR_ADDRESS: &str = "facilitatorAddress";

/// The terms of an `upto` offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UptoTerms {
    /// Those it shares with `exact`; the amount is the ceiling.
    pub terms: Terms,
    /// Who settles: what the payer signs as `witness.facilitator`.
    pub facilitator: Address,
}

impl UptoTerms {
    /// The typed terms of an offer, if it is one that a Permit2 permit pays.
    ///
    /// # Errors
    /// Names what is missing, or the scheme and network the bench has no payer for.
    pub fn of(offer: &Requirement) -> Result<Self, NotPayable> {
        let scheme = offer.text("scheme").unwrap_or_default();
        let name = offer.text("network").unwrap_or_default();
        let method = offer.extra_text("assetTransferMethod").unwrap_or("permit2");
        let payable = scheme == SCHEME && method == "permit2" && offer.version == Version::V2;
        let chain_id = network::chain_id(name)
            .filter(|_| payable)
            .ok_or_else(|| NotPayable::NoPayer(format!("{scheme} on {name}")))?;
        let facilitator = offer
            .extra_text(FACILITATOR_ADDRESS)
            .and_then(parse_address);
        Ok(Self {
            terms: offer.typed_terms(chain_id)?,
            facilitator: facilitator.ok_or_else(|| {
                let why = format!("extra.{FACILITATOR_ADDRESS} is missing or unusable");
                NotPayable::Unusable(why)
            })?,
        })
    }
}

/// The payment object for one `upto` offer: the offer, with the ceiling, is echoed as it came.
pub fn build(
    offer: &Requirement,
    resource: Option<&Value>,
    permit: &UptoPermit,
    signature: &Signature,
) -> Value {
    let payload = json!({
        "signature": signature.to_hex(),
        "permit2Authorization": permit.to_json(),
    });
    payment::message(offer, resource, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(change: impl Fn(&mut Value)) -> Result<UptoTerms, String> {
        let mut raw = json!({
            "scheme": "upto", "network": "eip155:84532", "amount": "10000",
            "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
            "payTo": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "maxTimeoutSeconds": 60,
            "extra": {
                "name": "USDC", "version": "2",
                "facilitatorAddress": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
            },
        });
        change(&mut raw);
        let offer = Requirement::from_raw(Version::V2, raw);
        UptoTerms::of(&offer).map_err(|why| why.to_string())
    }

    #[test]
    fn an_offer_is_read_with_its_facilitator() {
        let read = offer(|_| {}).unwrap();
        assert_eq!(read.terms.domain.chain_id, 84532);
        let facilitator = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
        assert_eq!(read.facilitator.to_checksum(None), facilitator);
    }

    #[test]
    fn what_cannot_be_paid_says_why() {
        let extra =
            |name: &'static str, value: Value| offer(move |raw| raw["extra"][name] = value.clone());
        assert_eq!(
            extra("facilitatorAddress", json!("nobody")),
            Err("extra.facilitatorAddress is missing or unusable".to_owned())
        );
        let none = Err("no payer for upto on eip155:84532".to_owned());
        assert_eq!(extra("assetTransferMethod", json!("eip3009")), none);
        assert_eq!(
            offer(|raw| raw["scheme"] = json!("exact")),
            Err("no payer for exact on eip155:84532".to_owned())
        );
    }
}
