//! What sections are made of: a fresh challenge, a payment for it, honest or not.

use serde_json::Value;
use x402_assay_protocol::Challenge;
use x402_assay_protocol::write::Mutation;

use super::Battery;
use crate::client::{self, Choice, SignOptions, SignedPayment, Variation, identifier};
use crate::http::{Exchange, Request};
use crate::runner::session::{PaymentHeader, SendError};

/// A challenge that can be answered.
pub(super) struct Quote {
    pub(super) choice: Choice,
    pub(super) resource: Option<Value>,
    pub(super) challenge: Challenge,
}

impl Quote {
    pub(super) const fn chain_id(&self) -> u64 {
        self.choice.terms.domain.chain_id
    }

    /// What the challenge says beside its terms.
    pub(super) fn extensions(&self) -> Option<&Value> {
        self.challenge.raw.get("extensions")
    }

    /// The header of a payment for this challenge, with an identifier where one is required.
    pub(super) fn header(&self, payment: &SignedPayment, authorization: u32) -> PaymentHeader {
        let mut header = PaymentHeader::of(payment, authorization);
        if identifier::requires_id(self.extensions())
            && let Some(value) =
                identifier::with_id(&header.value, self.extensions(), &identifier::fresh_id())
        {
            header.value = value;
        }
        header
    }
}

impl Battery<'_> {
    /// One good purchase of this route.
    pub(super) async fn buy(&self, name: &str) -> Result<Option<PaymentHeader>, SendError> {
        Ok(self.purchase(name).await?.map(|(header, _)| header))
    }

    /// One good purchase; tells whether it was answered with a 2xx status.
    pub(super) async fn buy_seen(&self, name: &str) -> Result<bool, SendError> {
        let purchase = self.purchase(name).await?;
        let answer = purchase
            .as_ref()
            .and_then(|(_, exchange)| exchange.response());
        Ok(answer.is_some_and(|answer| answer.is_success()))
    }

    /// One good purchase and its exchange.
    pub(super) async fn purchase(
        &self,
        name: &str,
    ) -> Result<Option<(PaymentHeader, Exchange)>, SendError> {
        let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
            return Ok(None);
        };
        let header = ready.header;
        let probe = self.probe(name);
        let exchange = self.session.send(&probe, self.route, Some(&header)).await?;
        Ok(Some((header, exchange)))
    }

    /// An honest payment for an offer, whose message is changed afterwards: the authorization is as good as ever.
    pub(super) fn signed(&self, quote: &Quote, changes: &[Mutation]) -> PaymentHeader {
        let (now, honest) = self.session.clocks.honest(quote.chain_id());
        let options = SignOptions {
            mutations: changes.to_vec(),
            ..honest
        };
        let resource = quote.resource.as_ref();
        let payment = client::sign(self.payer(0), &quote.choice, resource, now, &options);
        let number = self.session.record_signed(&payment, None);
        quote.header(&payment, number)
    }

    /// One honest payment of this route, in a request that is changed before it leaves.
    pub(super) async fn pay_as(
        &self,
        name: &str,
        changes: &[Mutation],
        value: &(dyn Fn(String) -> String + Sync),
        change: &(dyn Fn(&mut Request) + Sync),
    ) -> Result<(), SendError> {
        let probe = self.probe(name);
        let Some(quote) = self.quote(&probe).await? else {
            return Ok(());
        };
        let mut header = self.signed(&quote, changes);
        header.value = value(header.value);
        let session = self.session;
        session
            .send_as(&probe, self.route, Some(&header), change)
            .await?;
        Ok(())
    }

    /// Sends one payment that is wrong on purpose; one that cannot be made of this offer is noted.
    pub(super) async fn cheat(
        &self,
        probe: &str,
        variation: &Variation,
        quote: &Quote,
    ) -> Result<(), SendError> {
        let resource = quote.resource.as_ref();
        let now = self.session.clocks.now_s(quote.chain_id());
        match client::vary(variation, self.payer(1), &quote.choice, resource, now) {
            Ok(payment) => {
                let number = self.session.record_signed(&payment, Some(variation.name));
                let header = quote.header(&payment, number);
                self.session.send(probe, self.route, Some(&header)).await?;
            }
            Err(why) => self.session.note(Some(probe), why.to_string()),
        }
        Ok(())
    }

    /// A fresh challenge for a probe; `None`, with a note, when there is nothing to pay.
    pub(super) async fn quote(&self, probe: &str) -> Result<Option<Quote>, SendError> {
        let exchange = self
            .session
            .send(&self.probe("quote"), self.route, None)
            .await?;
        Ok(self.quoted(probe, &exchange))
    }

    /// The challenge an exchange ended with; `None`, with a note, when there is nothing to pay.
    pub(super) fn quoted(&self, probe: &str, exchange: &Exchange) -> Option<Quote> {
        let Some(response) = exchange.response() else {
            self.session
                .note(Some(probe), "no challenge: the target did not answer");
            return None;
        };
        let read = match client::read(self.version, response) {
            Ok(read) => read.challenge,
            Err(why) => {
                self.session
                    .note(Some(probe), format!("no {} challenge: {why}", self.version));
                return None;
            }
        };
        match client::choose(&read, self.chain_id) {
            Ok(choice) => Some(Quote {
                choice,
                resource: read.resource().cloned(),
                challenge: read,
            }),
            Err(why) => {
                self.session.note(Some(probe), why.to_string());
                None
            }
        }
    }
}
