//! What a facilitator under load is asked about: requirements that the bench makes up, and fresh payments for them.

use alloy_primitives::Address;
use bytes::Bytes;
use serde_json::{Value, json};
use url::Url;
use x402_assay_protocol::{Network, Requirement, Version};
use x402_assay_reports::model::load::LoadKind;

use crate::client::{Choice, facilitator};
use crate::config::profile::Header;

/// Where a resource would be.
const RESOURCE: &str = "http://127.0.0.1/paid";

/// A facilitator that takes a load, with no server in front.
#[derive(Debug, Clone)]
pub(crate) struct AtFacilitator {
    /// Its base.
    pub(crate) url: Url,
    /// Headers of every call.
    pub(crate) headers: Vec<Header>,
    /// Network that is paid on.
    pub(crate) network: &'static Network,
    /// Who is paid.
    pub(crate) pay_to: Address,
    /// Accounts that settle, as far as `/supported` and the profile tell.
    pub(crate) signers: Vec<Address>,
    /// It is the bench's own, which counts its calls itself.
    pub(crate) is_ours: bool,
    /// The ledger is a node, with accounts and receipts.
    pub(crate) on_node: bool,
}

impl AtFacilitator {
    /// Where this kind of call goes.
    pub(super) fn call_url(&self, kind: LoadKind) -> Url {
        let name = match kind {
            LoadKind::Verify => "verify",
            LoadKind::Paid | LoadKind::Unpaid | LoadKind::Settle => "settle",
        };
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{name}"));
        url
    }

    /// What its calls are made of.
    pub(super) fn desk(&self, version: Version) -> Result<Desk, String> {
        let raw = facilitator::requirements(self.network, version, self.pay_to);
        let offer = Requirement::from_raw(version, raw);
        let terms = offer
            .terms()
            .map_err(|why| format!("the requirements of the load: {why:?}"))?;
        let end = format!(r#","paymentRequirements":{}}}"#, offer.raw);
        let choice = Choice {
            index: 0,
            offer,
            terms,
        };
        Ok(Desk {
            choice,
            resource: json!({
                "url": RESOURCE, "description": "one paid request", "mimeType": "application/json",
            }),
            begin: format!(r#"{{"x402Version":{},"paymentPayload":"#, version.number()),
            end,
        })
    }
}

/// The parts of a call that do not change.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) choice: Choice,
    pub(super) resource: Value,
    begin: String,
    end: String,
}

impl Desk {
    /// The body of verify and settle about a payment, given as JSON text.
    pub(super) fn body(&self, payment: &str) -> Bytes {
        let length = self.begin.len() + payment.len() + self.end.len();
        let mut body = String::with_capacity(length);
        body.push_str(&self.begin);
        body.push_str(payment);
        body.push_str(&self.end);
        body.into()
    }

    /// The same about something that is no payment.
    pub(super) fn malformed(&self) -> Bytes {
        self.body(r#""!this is no payment!""#)
    }
}

#[cfg(test)]
mod tests {
    use x402_assay_protocol::{PayerKey, Payment, network};

    use super::*;
    use crate::load::payment::{LoadPayer, Window, message, sign};
    use crate::load::quote::Quotes;

    fn at() -> AtFacilitator {
        AtFacilitator {
            url: "http://127.0.0.1:1/x402/".parse().unwrap(),
            headers: Vec::new(),
            network: network::by_chain_id(84532).unwrap(),
            pay_to: Address::repeat_byte(9),
            signers: Vec::new(),
            is_ours: true,
            on_node: false,
        }
    }

    #[test]
    fn a_call_holds_the_payment_and_what_it_was_signed_for() {
        for version in [Version::V1, Version::V2] {
            let desk = at().desk(version).unwrap();
            let mut quotes = Quotes::new(version, None);
            let quote = quotes.made(&desk.choice, &desk.resource).unwrap();
            let payer = LoadPayer::new(PayerKey::derived("load", 1, 0));
            let window = Window::honest(&quote, 1_800_000_000);
            let signed = sign(&quote, &payer, window);
            let body = desk.body(&message(&quote, &payer, &signed));
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["x402Version"], version.number());
            let requirements = body["paymentRequirements"].clone();
            let terms = Requirement::from_raw(version, requirements.clone()).terms();
            assert_eq!(terms.unwrap(), quote.terms);
            let read = Payment::read(body["paymentPayload"].clone());
            assert_eq!(read.problems, []);
            let digest = read.authorization.clone().unwrap().digest(&quote.separator);
            let signer = read.ecdsa().unwrap().recover(&digest);
            assert_eq!(signer, Some(payer.address()));
            if version == Version::V2 {
                assert_eq!(body["paymentPayload"]["accepted"], requirements);
                assert_eq!(body["paymentPayload"]["resource"]["url"], RESOURCE);
            }
            let malformed: Value = serde_json::from_slice(&desk.malformed()).unwrap();
            assert!(malformed["paymentPayload"].is_string());
        }
    }

    #[test]
    fn calls_go_below_the_base() {
        let url = |kind| at().call_url(kind).to_string();
        assert_eq!(url(LoadKind::Verify), "http://127.0.0.1:1/x402/verify");
        assert_eq!(url(LoadKind::Settle), "http://127.0.0.1:1/x402/settle");
    }
}
