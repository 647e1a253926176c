//! What a 402 asks for, prepared for signing many payments of it.

use std::rc::Rc;

use alloy_primitives::{Address, B256};
use bytes::Bytes;
use http::HeaderName;
use x402_assay_protocol::header::PAYMENT_REQUIRED;
use x402_assay_protocol::{Terms, Version};

use super::connection::{Answer, Fields};
use crate::client::{self, Choice};

/// Challenges whose reading is remembered.
const REMEMBERED: usize = 4;

/// An offer that will be paid, with all that does not change from one payment of it to the next.
#[derive(Debug)]
pub(super) struct Quote {
    pub(super) version: Version,
    pub(super) header: HeaderName,
    pub(super) terms: Terms,
    pub(super) separator: B256,
    /// The message up to the signature's digits, from there to the payer, and so on: see [`super::payment`].
    pub(super) parts: Parts,
    /// Its place in the table of terms.
    pub(super) number: u16,
}

/// The fixed parts of a payment message.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) begin: String,
    pub(super) to_and_value: String,
    pub(super) end: String,
}

/// The terms of one offer: what must move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// EIP-155 chain id.
    pub(crate) chain_id: u64,
    /// Token contract.
    pub(crate) asset: Address,
    /// Recipient.
    pub(crate) pay_to: Address,
    /// Base units.
    pub(crate) amount: alloy_primitives::U256,
}

/// Why an answer holds nothing that can be paid.
#[derive(Debug)]
pub(super) enum NoQuote {
    /// No challenge, or an unreadable one.
    Unreadable,
    /// No offer that can be paid on the run's chain.
    NoOffer,
    /// More different offers than are told apart.
    TooMany,
}

/// The challenges read last.
///
/// Reading is skipped only where the bytes of a challenge equal those of an earlier one, which would give the same
/// quote: what a client with the least of caches does. A server that puts anything fresh into its challenge is read
/// anew every time.
#[derive(Debug)]
pub(super) struct Quotes {
    version: Version,
    chain_id: Option<u64>,
    known: Vec<(Bytes, Rc<Quote>)>,
    asked: Vec<Asked>,
    next: usize,
}

impl Quotes {
    pub(super) const fn new(version: Version, chain_id: Option<u64>) -> Self {
        Self {
            version,
            chain_id,
            known: Vec::new(),
            asked: Vec::new(),
            next: 0,
        }
    }

    /// The quote of an answer with status 402.
    pub(super) fn of(&mut self, answer: &Answer) -> Result<Rc<Quote>, NoQuote> {
        let bytes = challenge_bytes(self.version, &answer.headers, &answer.body);
        let bytes = bytes.ok_or(NoQuote::Unreadable)?;
        if let Some((_, quote)) = self.known.iter().find(|(known, _)| known == bytes) {
            return Ok(Rc::clone(quote));
        }
        let read = match self.version {
            Version::V2 => client::read_v2(&[bytes]),
            Version::V1 => client::read_v1(bytes),
        };
        let read = read.map_err(|_| NoQuote::Unreadable)?;
        let choice =
            client::choose(&read.challenge, self.chain_id).map_err(|_| NoQuote::NoOffer)?;
        let number = self.number(&choice.terms)?;
        let quote = Rc::new(Quote::new(&choice, read.challenge.resource(), number));
        self.remember(Bytes::copy_from_slice(bytes), &quote);
        Ok(quote)
    }

    /// The quote of an offer that nobody was asked for: requirements the bench makes up.
    pub(super) fn made(
        &mut self,
        choice: &Choice,
        resource: &serde_json::Value,
    ) -> Option<Rc<Quote>> {
        let number = self.number(&choice.terms).ok()?;
        Some(Rc::new(Quote::new(choice, Some(resource), number)))
    }

    /// Every different terms that were paid, in the order of their numbers.
    pub(super) fn into_asked(self) -> Vec<Asked> {
        self.asked
    }

    fn remember(&mut self, bytes: Bytes, quote: &Rc<Quote>) {
        let entry = (bytes, Rc::clone(quote));
        if self.known.len() < REMEMBERED {
            self.known.push(entry);
        } else {
            self.known[self.next % REMEMBERED] = entry;
            self.next += 1;
        }
    }

    fn number(&mut self, terms: &Terms) -> Result<u16, NoQuote> {
        let asked = Asked {
            chain_id: terms.domain.chain_id,
            asset: terms.domain.verifying_contract,
            pay_to: terms.pay_to,
            amount: terms.amount,
        };
        // The last ones are the likely ones.
        let known = self.asked.iter().rposition(|known| *known == asked);
        let number = known.unwrap_or_else(|| {
            self.asked.push(asked);
            self.asked.len() - 1
        });
        u16::try_from(number).map_err(|_| NoQuote::TooMany)
    }
}

impl Quote {
    fn new(choice: &Choice, resource: Option<&serde_json::Value>, number: u16) -> Self {
        let terms = choice.terms.clone();
        let version = choice.offer.version;
        let text = |value: Option<&str>| serde_json::json!(value).to_string();
        let (head, end) = match version {
            Version::V1 => {
                let scheme = text(choice.offer.text("scheme"));
                let network = text(choice.offer.text("network"));
                let head = format!(r#"{{"x402Version":1,"scheme":{scheme},"network":{network}"#);
                (head, r#""}}}"#.to_owned())
            }
            Version::V2 => {
                let resource = resource.map(|value| format!(r#","resource":{value}"#));
                let end = format!(
                    r#""}}}}{},"accepted":{}}}"#,
                    resource.unwrap_or_default(),
                    choice.offer.raw
                );
                (r#"{"x402Version":2"#.to_owned(), end)
            }
        };
        let parts = Parts {
            begin: format!(r#"{head},"payload":{{"signature":""#),
            to_and_value: format!(
                r#"","to":"{}","value":"{}","validAfter":""#,
                terms.pay_to.to_checksum(None),
                terms.amount
            ),
            end,
        };
        Self {
            version,
            header: HeaderName::try_from(version.payment_header())
                .expect("the payment headers are header names"),
            separator: terms.domain.separator(),
            terms,
            parts,
            number,
        }
    }
}

/// The bytes that hold the challenge: the one header of v2, the body of v1.
fn challenge_bytes<'a>(version: Version, headers: &'a Fields, body: &'a [u8]) -> Option<&'a [u8]> {
    match version {
        Version::V1 => Some(body),
        Version::V2 => {
            let mut values = headers.all(PAYMENT_REQUIRED);
            let first = values.next()?;
            values.next().is_none().then_some(first)
        }
    }
}
