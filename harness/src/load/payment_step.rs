//! What the engine does between a 402 and the paid request, apart from the network: for whoever measures it.

use std::time::Instant;

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderValue};
use x402_assay_protocol::header::PAYMENT_REQUIRED;
use x402_assay_protocol::{PayerKey, Version};

use super::connection::Answer;
use super::payment::{LoadPayer, Window, header_value, sign};
use super::quote::Quotes;

/// One payer in front of one server that always asks for the same.
#[derive(Debug)]
pub struct PaymentStep {
    quotes: Quotes,
    answer: Answer,
    payer: LoadPayer,
}

impl PaymentStep {
    /// Takes the value of a `PAYMENT-REQUIRED` header (version 2).
    ///
    /// # Errors
    /// When it cannot be a header's value.
    pub fn new(challenge: &str, payer: PayerKey) -> Result<Self, InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(PAYMENT_REQUIRED, HeaderValue::try_from(challenge)?);
        let now = Instant::now();
        Ok(Self {
            quotes: Quotes::new(Version::V2, None),
            answer: Answer {
                status: 402,
                headers: (&headers).into(),
                body: Bytes::new(),
                head_at: now,
                done_at: now,
            },
            payer: LoadPayer::new(payer),
        })
    }

    /// The value of the payment's header, with a fresh nonce; nothing if the challenge holds no offer that can be paid.
    /// `now` is in unix seconds.
    pub fn pay(&mut self, now: u64) -> Option<HeaderValue> {
        let quote = self.quotes.of(&self.answer).ok()?;
        let signed = sign(&quote, &self.payer, Window::honest(&quote, now));
        Some(header_value(&quote, &self.payer, &signed))
    }
}
