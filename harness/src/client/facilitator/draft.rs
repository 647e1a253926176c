//! One question to a facilitator: requirements, a signed payment, and what is wrong with it.

use alloy_primitives::{Address, U256, address};
use serde_json::{Value, json};
use x402_assay_protocol::write::{self, Mutation, encode_mutated};
use x402_assay_protocol::{
    Authorization, Network, PayerKey, Requirement, Signature, Terms, TokenDomain, Version, network,
    payment,
};
use x402_mock_facilitator::event::AuthorizationKey;

use super::case::{How, Written};
use crate::client::variations::STRANGER;
use crate::client::{BACKDATED_SECONDS, Payer, SignedPayment};
use crate::history::direct;

/// What is asked for, in base units.
pub const AMOUNT: u64 = 10_000;
/// A second token of the bench, with the first one's name and version.
pub const OTHER_ASSET: Address = address!("0b5e55ed0b5e55ed0b5e55ed0b5e55ed0b5e55ed");
/// A chain that nobody has.
pub const STRANGE_CHAIN: u64 = 424_242_424_242;
/// Seconds for which a payment is good: what the SDKs ask for.
const LIFE: u64 = 300;
/// Where a resource would be.
const RESOURCE: &str = "http://127.0.0.1/paid";

/// Who asks, and about what.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// Network that is paid on.
    pub network: &'static Network,
    /// Generation of the messages.
    pub version: Version,
    /// Who is paid.
    pub pay_to: Address,
    /// Who pays.
    pub payer: &'a Payer,
    /// Who holds nothing.
    pub poor: &'a Payer,
    /// Whose wallet is not deployed.
    pub undeployed: &'a Payer,
    /// Unix seconds on the chain's clock.
    pub now: u64,
}

/// One question.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What was signed, for the record.
    pub payment: SignedPayment,
    /// The payment as it is sent.
    pub message: Value,
    /// The requirements as they are sent.
    pub requirements: Value,
    /// `x402Version` beside the two.
    pub outer: u64,
}

impl Ask {
    /// The body of verify and settle.
    pub fn body(&self) -> String {
        direct::body(
            self.outer,
            &self.message.to_string(),
            &self.requirements.to_string(),
        )
    }
}

/// Requirements of a server on this network.
pub fn requirements(network: &Network, version: Version, pay_to: Address) -> Value {
    let extra = json!({ "name": network.usdc_name, "version": network.usdc_version });
    let (asset, pay_to) = (network.usdc.to_checksum(None), pay_to.to_checksum(None));
    let amount = AMOUNT.to_string();
    match version {
        Version::V1 => json!({
            "scheme": "exact",
            "network": network.v1_name,
            "maxAmountRequired": amount,
            "resource": RESOURCE,
            "description": "one paid request",
            "mimeType": "application/json",
            "payTo": pay_to,
            "maxTimeoutSeconds": LIFE,
            "asset": asset,
            "extra": extra,
        }),
        Version::V2 => json!({
            "scheme": "exact",
            "network": network.caip2,
            "amount": amount,
            "asset": asset,
            "payTo": pay_to,
            "maxTimeoutSeconds": LIFE,
            "extra": extra,
        }),
    }
}

impl Desk<'_> {
    /// Signs the payment of a case.
    pub fn ask(&self, how: How) -> Ask {
        let mut draft = Draft::honest(self);
        draft.apply(how, self);
        draft.finish(self, how)
    }
}

/// A payment before it is signed.
struct Draft<'a> {
    version: Version,
    payer: &'a Payer,
    signer: PayerKey,
    authorization: Authorization,
    domain: TokenDomain,
    requirements: Value,
    /// Changes to the message alone.
    changes: Vec<(String, Option<Value>)>,
    outer: u64,
}

impl<'a> Draft<'a> {
    fn honest(desk: &Desk<'a>) -> Self {
        let now = U256::from(desk.now);
        Self {
            version: desk.version,
            payer: desk.payer,
            signer: desk.payer.key().clone(),
            authorization: Authorization {
                from: desk.payer.address(),
                to: desk.pay_to,
                value: U256::from(AMOUNT),
                valid_after: now.saturating_sub(U256::from(BACKDATED_SECONDS)),
                valid_before: now + U256::from(LIFE),
                nonce: payment::fresh_nonce(),
            },
            domain: desk.network.usdc_domain(),
            requirements: requirements(desk.network, desk.version, desk.pay_to),
            changes: Vec::new(),
            outer: desk.version.number(),
        }
    }

    /// Changes what is signed; the rest is about what is said beside it.
    fn apply(&mut self, how: How, desk: &Desk<'a>) {
        let unit = U256::from(1);
        match how {
            How::Honest
            | How::SignatureFlipped
            | How::SignatureText(_)
            | How::SignatureCut
            | How::HighS
            | How::SmallV => {}
            How::Undeployed { .. } => self.pay_by(desk.undeployed),
            How::Poor => self.pay_by(desk.poor),
            How::SignatureOfStranger => self.signer = desk.poor.key().clone(),
            How::SignedChain => self.domain.chain_id = other_chain(desk.network),
            How::SignedName => self.domain.name.push_str(" of others"),
            How::SignedVersion => self.domain.version.push_str(".1"),
            How::SignedContract => self.domain.verifying_contract = OTHER_ASSET,
            How::AmountLow => self.authorization.value -= unit,
            How::AmountHigh => self.authorization.value += unit,
            How::Recipient => self.authorization.to = STRANGER,
            How::EndsIn(seconds) => {
                let end = desk.now.saturating_add_signed(seconds);
                self.authorization.valid_before = U256::from(end);
                if seconds < 0 {
                    // Its beginning lies before its end, however long ago that was.
                    let begin = end.saturating_sub(BACKDATED_SECONDS);
                    self.authorization.valid_after = U256::from(begin);
                }
            }
            How::BeginsIn(seconds) => {
                let begin = U256::from(desk.now + seconds);
                self.authorization.valid_after = begin;
                self.authorization.valid_before = begin + U256::from(LIFE);
            }
            said => self.say(said, desk),
        }
    }

    fn say(&mut self, how: How, desk: &Desk<'a>) {
        match how {
            How::SchemeOfPayment => self.set_top("scheme", json!("bogus")),
            How::SchemeUnknown => {
                self.requirements["scheme"] = json!("bogus");
                self.set_top("scheme", json!("bogus"));
            }
            How::NetworkOfPayment => {
                let chain = other_chain(desk.network);
                let name = spelled(desk.version, chain);
                self.set_top("network", json!(name));
            }
            How::NetworkUnknown => {
                self.domain.chain_id = STRANGE_CHAIN;
                let name = match desk.version {
                    Version::V1 => "x402-assay-nowhere".to_owned(),
                    Version::V2 => network::caip2(STRANGE_CHAIN),
                };
                self.requirements["network"] = json!(name);
            }
            How::NetworkSpelling => {
                self.requirements["network"] = match desk.version {
                    Version::V1 => json!(desk.network.caip2),
                    Version::V2 => json!(desk.network.v1_name.unwrap_or("base-sepolia")),
                };
            }
            How::VersionNumber(number) => {
                self.outer = number;
                self.set("/x402Version", Some(json!(number)));
            }
            How::AssetSwapped => {
                let asset = self.requirements["asset"].clone();
                self.requirements["asset"] = json!(OTHER_ASSET.to_checksum(None));
                // What the payer accepted stays what was signed for.
                if desk.version == Version::V2 {
                    self.set("/accepted/asset", Some(asset));
                }
            }
            How::AssetWithoutCode => {
                self.domain.verifying_contract = STRANGER;
                self.requirements["asset"] = json!(STRANGER.to_checksum(None));
            }
            How::WithoutDomain => self.requirements["extra"] = json!({}),
            How::AcceptedDiffers => {
                let amount = (AMOUNT * 2).to_string();
                self.set("/accepted/amount", Some(json!(amount)));
            }
            How::Written(written) => {
                let (pointer, value) = Written::change(written, AMOUNT);
                self.set(pointer, value);
            }
            _ => {}
        }
    }

    fn pay_by(&mut self, payer: &'a Payer) {
        self.payer = payer;
        self.signer = payer.key().clone();
        self.authorization.from = payer.address();
    }

    fn set(&mut self, pointer: &str, value: Option<Value>) {
        self.changes.push((pointer.to_owned(), value));
    }

    /// Sets scheme or network where the generation's payment carries it.
    fn set_top(&mut self, member: &str, value: Value) {
        let pointer = match self.version {
            Version::V1 => format!("/{member}"),
            Version::V2 => format!("/accepted/{member}"),
        };
        self.set(&pointer, Some(value));
    }

    fn finish(self, desk: &Desk<'_>, how: How) -> Ask {
        let digest = self.authorization.digest(&self.domain.separator());
        let signature = odd(self.signer.sign(&digest), how);
        let offer = Requirement::from_raw(self.version, self.requirements.clone());
        let resource = json!({ "url": RESOURCE, "description": "one paid request", "mimeType": "application/json" });
        let mut message = payment::build(&offer, Some(&resource), &self.authorization, &signature);
        if let How::Undeployed { broken } = how {
            let inner = match broken {
                true => signature.with_flipped_byte(),
                false => signature,
            };
            let wrapped = self.payer.wrapped(&inner);
            let text = wrapped.map(|wrapped| json!(wrapped.to_string()));
            write::set(&mut message, "/payload/signature", text);
        }
        if let Some(text) = signature_text(&signature, how) {
            write::set(&mut message, "/payload/signature", Some(json!(text)));
        }
        for (pointer, value) in self.changes {
            write::set(&mut message, &pointer, value);
        }
        let terms = Terms {
            network: spelled(self.version, desk.network.chain_id),
            amount: U256::from(AMOUNT),
            pay_to: desk.pay_to,
            domain: desk.network.usdc_domain(),
            max_timeout_seconds: LIFE,
        };
        let none: [Mutation; 0] = [];
        Ask {
            payment: SignedPayment {
                version: self.version,
                header_name: self.version.payment_header(),
                header_value: encode_mutated(&message, &none),
                key: AuthorizationKey {
                    payer: self.authorization.from,
                    nonce: self.authorization.nonce,
                    asset: self.domain.verifying_contract,
                    chain_id: self.domain.chain_id,
                },
                authorization: self.authorization,
                signature,
                message: message.clone(),
                terms,
            },
            message,
            requirements: self.requirements,
            outer: self.outer,
        }
    }
}

fn odd(signature: Signature, how: How) -> Signature {
    let mut bytes = signature.0;
    match how {
        How::SignatureFlipped => return signature.with_flipped_byte(),
        How::SmallV => bytes[64] -= 27,
        How::HighS => {
            let s = U256::from_be_slice(&bytes[32..64]);
            bytes[32..64].copy_from_slice(&(ORDER - s).to_be_bytes::<32>());
            bytes[64] = if bytes[64] == 27 { 28 } else { 27 };
        }
        _ => {}
    }
    Signature(bytes)
}

/// The order of secp256k1.
const ORDER: U256 = U256::from_limbs([
    0xBFD2_5E8C_D036_4141,
    0xBAAE_DCE6_AF48_A03B,
    0xFFFF_FFFF_FFFF_FFFE,
    0xFFFF_FFFF_FFFF_FFFF,
]);

fn signature_text(signature: &Signature, how: How) -> Option<String> {
    match how {
        How::SignatureText(text) => Some(text.to_owned()),
        How::SignatureCut => {
            let text = signature.to_hex();
            Some(text[..text.len() - 2].to_owned())
        }
        _ => None,
    }
}

/// A chain of the table that is not this one, with a name in both generations.
fn other_chain(here: &Network) -> u64 {
    let mut others = network::NETWORKS.iter();
    let other = others.find(|other| other.chain_id != here.chain_id && other.v1_name.is_some());
    other.map_or(1, |other| other.chain_id)
}

/// A network as a generation spells it.
fn spelled(version: Version, chain_id: u64) -> String {
    let known = network::by_chain_id(chain_id).and_then(|network| network.v1_name);
    match (version, known) {
        (Version::V1, Some(name)) => name.to_owned(),
        _ => network::caip2(chain_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::facilitator::{CASES, MALFORMED_FACILITATOR};
    use crate::client::testing::NOW;

    fn asks(how: How, version: Version) -> Ask {
        let key = |label: &str| PayerKey::derived(label, 7, 0);
        let (payer, poor) = (Payer::new(key("payer")), Payer::new(key("poor")));
        let undeployed = Payer::with_wallet(key("wallet"), false);
        let desk = Desk {
            network: network::by_chain_id(84532).unwrap(),
            version,
            pay_to: Address::repeat_byte(9),
            payer: &payer,
            poor: &poor,
            undeployed: &undeployed,
            now: NOW,
        };
        desk.ask(how)
    }

    #[test]
    fn an_honest_question_can_be_paid_and_recovers_to_its_payer() {
        for version in [Version::V1, Version::V2] {
            let ask = asks(How::Honest, version);
            let offer = Requirement::from_raw(version, ask.requirements.clone());
            assert_eq!(offer.terms().unwrap(), ask.payment.terms);
            let digest = ask
                .payment
                .authorization
                .digest(&ask.payment.terms.domain.separator());
            let signer = ask.payment.signature.recover(&digest);
            assert_eq!(signer, Some(ask.payment.key.payer));
        }
    }

    #[test]
    fn every_odd_question_differs_from_an_honest_one() {
        for case in CASES.iter().chain(MALFORMED_FACILITATOR) {
            for version in case.versions {
                let ask = asks(case.how, *version);
                let domain = ask.payment.terms.domain.separator();
                let digest = ask.payment.authorization.digest(&domain);
                let signed = ask.payment.signature.recover(&digest) == Some(ask.payment.key.payer);
                let honest = asks(How::Honest, *version);
                let same_terms =
                    ask.requirements == honest.requirements && ask.outer == honest.outer;
                let times = ask.payment.authorization.valid_before
                    == honest.payment.authorization.valid_before
                    && ask.payment.authorization.valid_after
                        == honest.payment.authorization.valid_after;
                let shape = |ask: &Ask| {
                    let mut message = ask.message.clone();
                    message["payload"]["authorization"]["nonce"] = json!("");
                    if signed
                        && !matches!(
                            case.how,
                            How::SmallV
                                | How::HighS
                                | How::SignatureText(_)
                                | How::SignatureCut
                                | How::Poor
                        )
                    {
                        message["payload"]["signature"] = json!("");
                    }
                    message
                };
                if matches!(case.how, How::Written(_)) {
                    continue;
                }
                let same = signed && same_terms && times && shape(&ask) == shape(&honest);
                assert!(!same, "{} {version}", case.name);
            }
        }
    }

    #[test]
    fn the_high_form_recovers_and_is_high() {
        let ask = asks(How::HighS, Version::V2);
        let digest = ask
            .payment
            .authorization
            .digest(&ask.payment.terms.domain.separator());
        assert_eq!(
            ask.payment.signature.recover(&digest),
            Some(ask.payment.key.payer)
        );
        assert!(!ask.payment.signature.is_low_s());
    }
}
