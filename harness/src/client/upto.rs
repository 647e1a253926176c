//! Paying by use: choosing an `upto` offer and signing a permit for its ceiling (wire-format section 6).

use alloy_primitives::{Address, B256, U256};
use serde_json::Value;
use x402_assay_protocol::challenge::NotPayable;
use x402_assay_protocol::permit2::{self, UPTO_PROXY};
use x402_assay_protocol::{
    Challenge, Signature, Terms, UptoPermit, UptoTerms, header, payment, upto,
};
use x402_mock_facilitator::event::AuthorizationKey;

use super::choose::Choice;
use super::payer::Payer;
use super::sign::{BACKDATED_SECONDS, LONGEST_LIFE_SECONDS, SHORTEST_LIFE_SECONDS, SignOptions};
use crate::history::event::{Offered, Signed, SignedUpto};

/// A payment by use, ready to be sent.
#[derive(Debug, Clone)]
pub struct SignedPermit {
    /// What was signed.
    pub permit: UptoPermit,
    /// The signature that is sent.
    pub signature: Signature,
    /// The header's value.
    pub header_value: String,
    /// What makes it unique.
    pub key: AuthorizationKey,
    /// Terms of the offer it answers; the amount is the ceiling.
    pub terms: Terms,
}

impl SignedPermit {
    /// The history's record of it, as [`super::SignedPayment::record`]. `price` is what the use should cost, base units.
    pub fn record(&self, number: u32, price: Option<U256>, wrong: Option<&str>) -> Signed {
        Signed {
            authorization: number,
            version: x402_assay_protocol::Version::V2,
            key: self.key,
            to: self.permit.to,
            value: self.permit.amount,
            valid_after: self.permit.valid_after.saturating_to(),
            valid_before: self.permit.deadline.saturating_to(),
            offered: Offered {
                asset: self.terms.domain.verifying_contract,
                chain_id: self.terms.domain.chain_id,
                pay_to: self.terms.pay_to,
                amount: self.terms.amount,
            },
            upto: Some(SignedUpto { price }),
            wrong: wrong.map(str::to_owned),
        }
    }
}

/// Chooses the first `upto` offer that can be paid, and who settles it. With `chain_id` only offers on that chain count.
///
/// # Errors
/// Says what is wrong with the `upto` offers, or that there are none.
pub fn choose_upto(
    challenge: &Challenge,
    chain_id: Option<u64>,
) -> Result<(Choice, Address), String> {
    let mut unusable = Vec::new();
    for (index, offer) in challenge.accepts.iter().enumerate() {
        match UptoTerms::of(offer) {
            Ok(read) if chain_id.is_none_or(|wanted| wanted == read.terms.domain.chain_id) => {
                let choice = Choice {
                    index,
                    offer: offer.clone(),
                    terms: read.terms,
                };
                return Ok((choice, read.facilitator));
            }
            Err(NotPayable::Unusable(why)) => unusable.push(format!("accepts[{index}]: {why}")),
            Ok(_) | Err(NotPayable::NoPayer(_)) => {}
        }
    }
    Err(match unusable.as_slice() {
        [] => "no upto offer on the chain of this run".to_owned(),
        unusable => unusable.join("; "),
    })
}

/// Signs a permit for the offer's ceiling, which only `facilitator` may settle. Of the options value, window and nonce
/// count; `now` is unix seconds of the chain's clock.
pub fn sign_upto(
    payer: &Payer,
    (choice, facilitator): (&Choice, Address),
    resource: Option<&Value>,
    now: u64,
    options: &SignOptions,
) -> SignedPermit {
    let terms = &choice.terms;
    let life = terms
        .max_timeout_seconds
        .clamp(SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS);
    let valid_after = options.valid_after;
    let deadline = options.valid_before;
    let permit = UptoPermit {
        from: payer.address(),
        token: terms.domain.verifying_contract,
        amount: options.value.unwrap_or(terms.amount),
        spender: UPTO_PROXY,
        nonce: options.nonce.unwrap_or_else(payment::fresh_nonce).into(),
        deadline: U256::from(deadline.unwrap_or_else(|| now.saturating_add(life))),
        to: terms.pay_to,
        facilitator,
        valid_after: U256::from(
            valid_after.unwrap_or_else(|| now.saturating_sub(BACKDATED_SECONDS)),
        ),
    };
    let separator = permit2::separator(terms.domain.chain_id);
    let signature = payer.key().sign(&permit.digest(&separator));
    payer.count();
    let message = upto::build(&choice.offer, resource, &permit, &signature);
    SignedPermit {
        header_value: header::encode(&message),
        key: AuthorizationKey {
            payer: permit.from,
            nonce: B256::from(permit.nonce),
            asset: permit.token,
            chain_id: terms.domain.chain_id,
        },
        permit,
        signature,
        terms: terms.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::{NOW, offer_v2, payer};
    use serde_json::json;
    use x402_assay_protocol::{Payment, Version};

    fn offer(settler: &Value) -> Value {
        let mut offer = offer_v2();
        offer["scheme"] = json!("upto");
        offer["extra"]["facilitatorAddress"] = settler.clone();
        offer
    }

    fn chosen(offers: &[Value], chain_id: Option<u64>) -> Result<(Choice, Address), String> {
        let challenge = Challenge::read(Version::V2, json!({ "accepts": offers }));
        choose_upto(&challenge, chain_id)
    }

    #[test]
    fn the_upto_offer_is_chosen_whatever_stands_before_it() {
        let settler = json!(Address::repeat_byte(7).to_checksum(None));
        let (choice, facilitator) = chosen(&[offer_v2(), offer(&settler)], Some(84532)).unwrap();
        assert_eq!((choice.index, facilitator), (1, Address::repeat_byte(7)));
        let none = "no upto offer on the chain of this run";
        assert_eq!(chosen(&[offer_v2()], None).unwrap_err(), none);
        assert_eq!(chosen(&[offer(&settler)], Some(1)).unwrap_err(), none);
        assert_eq!(
            chosen(&[offer(&Value::Null)], None).unwrap_err(),
            "accepts[0]: extra.facilitatorAddress is missing or unusable"
        );
    }

    #[test]
    fn a_permit_reads_back_and_recovers_to_the_payer() {
        let settler = json!(Address::repeat_byte(7).to_checksum(None));
        let (choice, facilitator) = chosen(&[offer(&settler)], None).unwrap();
        let payer = payer();
        let options = SignOptions::default();
        let signed = sign_upto(&payer, (&choice, facilitator), None, NOW, &options);
        let decoded = header::decode(signed.header_value.as_bytes()).unwrap();
        let read = Payment::read(decoded.value);
        assert_eq!(read.problems, []);
        let permit = read.permit.unwrap();
        assert_eq!(permit, signed.permit);
        assert_eq!(permit.facilitator, facilitator);
        let digest = permit.digest(&permit2::separator(84532));
        assert_eq!(signed.signature.recover(&digest), Some(payer.address()));
        let record = signed.record(3, Some(U256::from(4_000)), None);
        assert_eq!(
            (record.value, record.offered.amount),
            (permit.amount, permit.amount)
        );
        assert_eq!(record.key.nonce, B256::from(permit.nonce));
        assert_eq!(record.valid_before, NOW + 60);
        assert_eq!(payer.signed(), 1);
    }
}
