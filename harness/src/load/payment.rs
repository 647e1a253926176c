//! Signing a payment, as light as a payment can be: the signature is nearly all of its cost.

use alloy_primitives::{Address, B256, U256, hex};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use x402_assay_protocol::{Authorization, PayerKey, Signature, payment};

use super::quote::Quote;
use crate::client::{BACKDATED_SECONDS, LONGEST_LIFE_SECONDS, SHORTEST_LIFE_SECONDS};

/// A payer of the run, with its address as it is written.
#[derive(Debug, Clone)]
pub(super) struct LoadPayer {
    key: PayerKey,
    text: String,
}

impl LoadPayer {
    pub(super) fn new(key: PayerKey) -> Self {
        let text = key.address().to_checksum(None);
        Self { key, text }
    }

    pub(super) const fn address(&self) -> Address {
        self.key.address()
    }
}

/// When an authorization may be used, unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) after: u64,
    pub(super) before: u64,
}

impl Window {
    /// That of an honest client at `now`, unix seconds of the chain's clock.
    pub(super) fn honest(quote: &Quote, now: u64) -> Self {
        let life = quote
            .terms
            .max_timeout_seconds
            .clamp(SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS);
        Self {
            after: now.saturating_sub(BACKDATED_SECONDS),
            before: now.saturating_add(life),
        }
    }

    /// One that is over.
    pub(super) const fn expired(now: u64) -> Self {
        Self {
            after: now.saturating_sub(BACKDATED_SECONDS),
            before: now.saturating_sub(1),
        }
    }
}

/// A signature with what it was made of, but for the quote and the payer.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignedNonce {
    pub(super) nonce: B256,
    pub(super) window: Window,
    signature: Signature,
}

/// Signs a payment of a quote with a fresh nonce of the operating system's.
pub(super) fn sign(quote: &Quote, payer: &LoadPayer, window: Window) -> SignedNonce {
    let nonce = payment::fresh_nonce();
    let authorization = Authorization {
        from: payer.address(),
        to: quote.terms.pay_to,
        value: quote.terms.amount,
        valid_after: U256::from(window.after),
        valid_before: U256::from(window.before),
        nonce,
    };
    SignedNonce {
        nonce,
        window,
        signature: payer.key.sign(&authorization.digest(&quote.separator)),
    }
}

/// The header's value: the message in base64.
pub(super) fn header_value(quote: &Quote, payer: &LoadPayer, signed: &SignedNonce) -> HeaderValue {
    let message = message(quote, payer, signed);
    HeaderValue::try_from(STANDARD.encode(message)).expect("base64 is a header value")
}

/// The message `protocol` builds, written from the parts that do not change.
pub(super) fn message(quote: &Quote, payer: &LoadPayer, signed: &SignedNonce) -> String {
    use std::fmt::Write as _;

    let parts = &quote.parts;
    let mut text =
        String::with_capacity(parts.begin.len() + parts.to_and_value.len() + parts.end.len() + 400);
    text.push_str(&parts.begin);
    push_hex(&mut text, &signed.signature.0);
    text.push_str(r#"","authorization":{"from":""#);
    text.push_str(&payer.text);
    text.push_str(&parts.to_and_value);
    let Window { after, before } = signed.window;
    // Writing to a string does not fail.
    let _ = write!(text, r#"{after}","validBefore":"{before}","nonce":""#);
    push_hex(&mut text, signed.nonce.as_slice());
    text.push_str(&parts.end);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    let mut buffer = [0u8; 130];
    let digits = &mut buffer[..bytes.len() * 2];
    if hex::encode_to_slice(bytes, digits).is_ok() {
        text.push_str("0x");
        text.push_str(std::str::from_utf8(digits).expect("hex digits are ASCII"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::{NOW, offer_v1, offer_v2};
    use crate::load::connection::Answer;
    use crate::load::quote::Quotes;
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::{Value, json};
    use std::rc::Rc;
    use std::time::Instant;
    use x402_assay_protocol::{Payment, Requirement, Version, header};

    fn answer(version: Version, challenge: &Value) -> Answer {
        let mut headers = HeaderMap::new();
        let mut body = Bytes::from_static(b"{}");
        match version {
            Version::V1 => body = Bytes::from(challenge.to_string()),
            Version::V2 => {
                let value = header::encode(challenge).parse().unwrap();
                headers.insert("payment-required", value);
            }
        }
        let now = Instant::now();
        Answer {
            status: 402,
            headers: (&headers).into(),
            body,
            head_at: now,
            done_at: now,
        }
    }

    fn quote(version: Version) -> (Rc<Quote>, Value, Value) {
        let resource = json!({ "url": "http://localhost/\"paid\"", "odd": null });
        let offer = match version {
            Version::V1 => offer_v1(),
            Version::V2 => offer_v2(),
        };
        let challenge = json!({
            "x402Version": version.number(), "error": "pay", "resource": resource, "accepts": [offer],
        });
        let quote = Quotes::new(version, None).of(&answer(version, &challenge));
        (quote.unwrap(), offer, resource)
    }

    #[test]
    fn the_message_is_the_one_that_protocol_builds() {
        for version in [Version::V1, Version::V2] {
            let (quote, offer, resource) = quote(version);
            let payer = LoadPayer::new(PayerKey::derived("load", 1, 0));
            let signed = sign(&quote, &payer, Window::honest(&quote, NOW));
            let value = header_value(&quote, &payer, &signed);
            let decoded = header::decode(value.as_bytes()).unwrap().value;
            let read = Payment::read(decoded.clone());
            assert_eq!(read.problems, []);
            let authorization = read.authorization.clone().unwrap();
            let digest = authorization.digest(&quote.terms.domain.separator());
            assert_eq!(
                read.ecdsa().unwrap().recover(&digest),
                Some(payer.address())
            );
            let built = payment::build(
                &Requirement::from_raw(version, offer),
                Some(&resource),
                &authorization,
                &signed.signature,
            );
            assert_eq!(decoded, built);
            assert_eq!(authorization.valid_before, U256::from(signed.window.before));
            assert_eq!(authorization.nonce, signed.nonce);
        }
    }

    #[test]
    fn nonces_are_fresh_and_an_expired_window_is_over() {
        let (quote, ..) = quote(Version::V2);
        let payer = LoadPayer::new(PayerKey::derived("load", 1, 0));
        let window = Window::expired(NOW);
        assert!(window.before < NOW);
        let nonce = || sign(&quote, &payer, window).nonce;
        assert_ne!(nonce(), nonce());
    }

    #[test]
    fn equal_bytes_are_read_once_and_other_terms_have_their_own_number() {
        let mut quotes = Quotes::new(Version::V2, None);
        let challenge = |amount: &str| {
            let mut offer = offer_v2();
            offer["amount"] = json!(amount);
            json!({ "x402Version": 2, "resource": { "url": "http://h/" }, "accepts": [offer] })
        };
        let mut of = |amount: &str| quotes.of(&answer(Version::V2, &challenge(amount))).unwrap();
        let first = of("10");
        assert!(Rc::ptr_eq(&first, &of("10")));
        let second = of("11");
        assert_eq!((first.number, second.number), (0, 1));
        for amount in 12..20 {
            of(&amount.to_string());
        }
        let again = of("10");
        assert!(!Rc::ptr_eq(&first, &again));
        assert_eq!(again.number, 0);
        let asked = quotes.into_asked();
        assert_eq!(asked.len(), 10);
        assert_eq!(asked[1].amount, U256::from(11));
    }
}
