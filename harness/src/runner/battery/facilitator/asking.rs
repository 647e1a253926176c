//! One question: signed, recorded, asked; asked again where a rate limit wants that.

use bytes::Bytes;
use http::Method;
use x402_mock_facilitator::event::Endpoint;

use super::Battery;
use crate::client::facilitator::{Ask, How};
use crate::http::Exchange;
use crate::runner::session::SendError;

const TOO_MANY_REQUESTS: u16 = 429;
/// How often one question is asked where the answer is 429.
const ATTEMPTS: usize = 3;

/// A question with the number of its authorization.
pub(super) struct Signed {
    pub(super) ask: Ask,
    pub(super) number: u32,
}

impl Signed {
    pub(super) fn body(&self) -> Bytes {
        self.ask.body().into()
    }
}

impl Battery<'_> {
    /// Signs and records; `wrong` names what is wrong on purpose.
    pub(super) fn sign(&self, how: How, wrong: Option<&str>) -> Signed {
        self.record(self.desk().ask(how), wrong)
    }

    pub(super) fn record(&self, ask: Ask, wrong: Option<&str>) -> Signed {
        let number = self.session.record_signed(&ask.payment, wrong);
        Signed { ask, number }
    }

    pub(super) async fn verify(&self, name: &str, signed: &Signed) -> Result<Exchange, SendError> {
        let probe = format!("verify/{name}");
        let body = signed.body();
        self.post(&probe, Endpoint::Verify, body, Some(signed.number))
            .await
    }

    /// Asks to settle; the transaction it names is looked up when the ledger is read.
    pub(super) async fn settle(&self, name: &str, signed: &Signed) -> Result<Exchange, SendError> {
        let probe = format!("settle/{name}");
        let body = signed.body();
        self.post(&probe, Endpoint::Settle, body, Some(signed.number))
            .await
    }

    pub(super) async fn both(&self, name: &str, signed: &Signed) -> Result<(), SendError> {
        self.verify(name, signed).await?;
        self.settle(name, signed).await?;
        Ok(())
    }

    /// Posts any body.
    pub(super) async fn post(
        &self,
        name: &str,
        endpoint: Endpoint,
        body: Bytes,
        authorization: Option<u32>,
    ) -> Result<Exchange, SendError> {
        let path = match endpoint {
            Endpoint::Settle => "/settle",
            _ => "/verify",
        };
        let place = (Method::POST, path);
        self.call(name, place, Some(body), authorization).await
    }

    pub(super) async fn get(&self, name: &str, path: &str) -> Result<Exchange, SendError> {
        self.call(name, (Method::GET, path), None, None).await
    }

    async fn call(
        &self,
        name: &str,
        (method, path): (Method, &str),
        body: Option<Bytes>,
        authorization: Option<u32>,
    ) -> Result<Exchange, SendError> {
        let probe = self.probe(name);
        let session = self.session;
        for _ in 1..ATTEMPTS {
            let place = (method.clone(), path);
            let exchange = session
                .call_facilitator_at(&probe, place, body.clone(), authorization)
                .await?;
            if exchange.status() != Some(TOO_MANY_REQUESTS) {
                self.keep_transaction(&exchange);
                return Ok(exchange);
            }
        }
        let exchange = session
            .call_facilitator_at(&probe, (method, path), body, authorization)
            .await?;
        match exchange.status() {
            Some(TOO_MANY_REQUESTS) => Err(SendError::RateLimited),
            _ => {
                self.keep_transaction(&exchange);
                Ok(exchange)
            }
        }
    }

    fn keep_transaction(&self, exchange: &Exchange) {
        let body = exchange.response().map(|answer| &answer.body);
        let body = body.and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok());
        let named = body.as_ref().and_then(|body| body.get("transaction"));
        if let Some(hash) = named.and_then(serde_json::Value::as_str)
            && !hash.is_empty()
        {
            self.session.keep_receipt(hash.chars().take(100).collect());
        }
    }
}
