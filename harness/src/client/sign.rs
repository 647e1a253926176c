//! Signing a payment for an offer (wire-format sections 3.4, 3.5, 5.1).

use alloy_primitives::{Address, B256, U256};
use serde_json::Value;
use x402_assay_protocol::write::{Mutation, encode_mutated};
use x402_assay_protocol::{Authorization, Signature, Terms, TokenDomain, Version, payment, write};
use x402_mock_facilitator::event::AuthorizationKey;

use super::choose::Choice;
use super::payer::Payer;
use crate::history::event::{Offered, Signed};

/// Seconds by which `validAfter` lies in the past: what v1 and Go clients do; it absorbs clock skew.
pub const BACKDATED_SECONDS: u64 = 600;
/// An authorization lives at least this long: facilitators refuse what ends within 6 s, and CI machines are slow.
pub const SHORTEST_LIFE_SECONDS: u64 = 60;
/// An authorization lives at most this long, whatever `maxTimeoutSeconds` says.
pub const LONGEST_LIFE_SECONDS: u64 = 3600;

/// What differs from an honest payment. The default is an honest one.
#[derive(Debug, Clone, Default)]
pub struct SignOptions {
    /// Unix seconds; `now - 600` when absent.
    pub valid_after: Option<u64>,
    /// Unix seconds; `now + maxTimeoutSeconds`, within 60 s and one hour, when absent.
    pub valid_before: Option<u64>,
    /// Base units; the offer's when absent.
    pub value: Option<U256>,
    /// Recipient; the offer's when absent.
    pub to: Option<Address>,
    /// Token whose domain is signed for; the offer's when absent.
    pub asset: Option<Address>,
    /// Chain id whose domain is signed for; the offer's when absent.
    pub chain_id: Option<u64>,
    /// Nonce; 32 random bytes of the operating system when absent.
    pub nonce: Option<B256>,
    /// Changes one byte of the signature after signing.
    pub flip_signature_byte: bool,
    /// Changes to the message or its encoding, after signing.
    pub mutations: Vec<Mutation>,
}

/// A payment ready to be sent, with all that is known about it.
#[derive(Debug, Clone)]
pub struct SignedPayment {
    /// Generation of the message.
    pub version: Version,
    /// What was signed.
    pub authorization: Authorization,
    /// The signature that is sent.
    pub signature: Signature,
    /// The message before mutations.
    pub message: Value,
    /// Header that carries it.
    pub header_name: &'static str,
    /// The header's value, mutations applied.
    pub header_value: String,
    /// What makes the authorization unique, for the token and chain that were signed for.
    pub key: AuthorizationKey,
    /// Terms of the offer it answers.
    pub terms: Terms,
}

impl SignedPayment {
    /// The history's record of it. `number` is the authorization's number in the run; `wrong` names a variation.
    pub fn record(&self, number: u32, wrong: Option<&str>) -> Signed {
        Signed {
            authorization: number,
            version: self.version,
            key: self.key,
            to: self.authorization.to,
            value: self.authorization.value,
            valid_after: self.authorization.valid_after.saturating_to(),
            valid_before: self.authorization.valid_before.saturating_to(),
            offered: Offered {
                asset: self.terms.domain.verifying_contract,
                chain_id: self.terms.domain.chain_id,
                pay_to: self.terms.pay_to,
                amount: self.terms.amount,
            },
            upto: None,
            wrong: wrong.map(str::to_owned),
        }
    }
}

/// Signs a payment for an offer. `resource` is the challenge's (v2), `now` is unix seconds of the chain's clock.
pub fn sign(
    payer: &Payer,
    choice: &Choice,
    resource: Option<&Value>,
    now: u64,
    options: &SignOptions,
) -> SignedPayment {
    let terms = &choice.terms;
    let life = terms
        .max_timeout_seconds
        .clamp(SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS);
    let valid_after = options
        .valid_after
        .unwrap_or_else(|| now.saturating_sub(BACKDATED_SECONDS));
    let valid_before = options
        .valid_before
        .unwrap_or_else(|| now.saturating_add(life));
    let authorization = Authorization {
        from: payer.address(),
        to: options.to.unwrap_or(terms.pay_to),
        value: options.value.unwrap_or(terms.amount),
        valid_after: U256::from(valid_after),
        valid_before: U256::from(valid_before),
        nonce: options.nonce.unwrap_or_else(payment::fresh_nonce),
    };
    let domain = TokenDomain {
        chain_id: options.chain_id.unwrap_or(terms.domain.chain_id),
        verifying_contract: options.asset.unwrap_or(terms.domain.verifying_contract),
        ..terms.domain.clone()
    };
    let mut signature = payer.key().sign(&authorization.digest(&domain.separator()));
    if options.flip_signature_byte {
        signature = signature.with_flipped_byte();
    }
    payer.count();
    let mut message = payment::build(&choice.offer, resource, &authorization, &signature);
    if let Some(wrapped) = payer.wrapped(&signature) {
        let text = Value::from(wrapped.to_string());
        write::set(&mut message, "/payload/signature", Some(text));
    }
    SignedPayment {
        version: choice.offer.version,
        header_name: choice.offer.version.payment_header(),
        header_value: encode_mutated(&message, &options.mutations),
        key: AuthorizationKey {
            payer: authorization.from,
            nonce: authorization.nonce,
            asset: domain.verifying_contract,
            chain_id: domain.chain_id,
        },
        authorization,
        signature,
        message,
        terms: terms.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::{NOW, choice, payer};
    use serde_json::json;
    use x402_assay_protocol::{Payment, header};

    fn read(payment: &SignedPayment) -> Payment {
        let decoded = header::decode(payment.header_value.as_bytes()).unwrap();
        Payment::read(decoded.value)
    }

    #[test]
    fn an_honest_payment_reads_back_and_recovers_to_the_payer() {
        for version in [Version::V1, Version::V2] {
            let (payer, choice) = (payer(), choice(version));
            let signed = sign(&payer, &choice, None, NOW, &SignOptions::default());
            let read = read(&signed);
            assert_eq!(read.problems, []);
            let authorization = read.authorization.unwrap();
            assert_eq!(authorization, signed.authorization);
            let digest = authorization.digest(&choice.terms.domain.separator());
            let signature = Signature::from_hex(&read.signature.unwrap()).unwrap();
            assert_eq!(signature.recover(&digest), Some(payer.address()));
            assert_eq!(signed.header_name, version.payment_header());
            assert_eq!(payer.signed(), 1);
        }
    }

    #[test]
    fn the_offer_and_the_resource_are_echoed_unchanged() {
        let choice = choice(Version::V2);
        let resource = json!({ "url": "http://localhost/paid", "odd": null });
        let signed = sign(
            &payer(),
            &choice,
            Some(&resource),
            NOW,
            &SignOptions::default(),
        );
        assert_eq!(
            signed.message["accepted"].to_string(),
            choice.offer.raw.to_string()
        );
        assert_eq!(signed.message["resource"], resource);
    }

    #[test]
    fn times_follow_real_clients_within_bounds() {
        let mut choice = choice(Version::V2);
        for (max_timeout, life) in [(0, 60), (60, 60), (300, 300), (u64::MAX, 3600)] {
            choice.terms.max_timeout_seconds = max_timeout;
            let signed = sign(&payer(), &choice, None, NOW, &SignOptions::default());
            let record = signed.record(0, None);
            assert_eq!(record.valid_after, NOW - 600);
            assert_eq!(record.valid_before, NOW + life);
        }
    }

    #[test]
    fn nonces_differ_and_overrides_are_signed_for() {
        let (payer, choice) = (payer(), choice(Version::V2));
        let plain = SignOptions::default();
        let nonce = || sign(&payer, &choice, None, NOW, &plain).authorization.nonce;
        assert_ne!(nonce(), nonce());
        let options = SignOptions {
            value: Some(U256::from(1)),
            chain_id: Some(1),
            flip_signature_byte: true,
            ..SignOptions::default()
        };
        let signed = sign(&payer, &choice, None, NOW, &options);
        assert_eq!(signed.key.chain_id, 1);
        let domain = TokenDomain {
            chain_id: 1,
            ..choice.terms.domain.clone()
        };
        let digest = signed.authorization.digest(&domain.separator());
        assert_ne!(signed.signature.recover(&digest), Some(payer.address()));
        let honest = signed.signature.with_flipped_byte();
        assert_eq!(honest.recover(&digest), Some(payer.address()));
        let record = signed.record(7, Some("amount-low"));
        assert_eq!(record.value, U256::from(1));
        assert_eq!(record.offered.amount, U256::from(10_000));
        assert_eq!(record.wrong.as_deref(), Some("amount-low"));
    }
}
