//! One question: signed, recorded, asked; asked again where a rate limit wants that.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use x402_mock_facilitator::event::Endpoint;

use super::Battery;
use crate::client::facilitator::{Ask, How};
use crate::history::event::Trouble;
use crate::http::Exchange;
use crate::runner::session::SendError;

const TOO_MANY_REQUESTS: u16 = 429;
/// How often one question is asked where the answer is 429.
const ATTEMPTS: usize = 3;

/// How often a pending settlement is asked about again, and the pause before.
const PENDING_AGAIN: usize = 3;
const PENDING_PAUSE: Duration = Duration::from_millis(200);
/// Calls in a row without an answer before the run is given up.
const SILENT_MAX: u32 = 3;

/// True when the settlement is said to be under way.
fn is_pending(exchange: &Exchange) -> bool {
    let body = exchange.response().map(|answer| &answer.body);
    let body = body.and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok());
    let reason = body.as_ref().and_then(|body| body.get("errorReason"));
    reason.and_then(serde_json::Value::as_str) == Some("settlement_pending")
}

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
        let mut exchange = self
            .post(&probe, Endpoint::Settle, signed.body(), Some(signed.number))
            .await?;
        // Pending is no end: servers ask once more, and so does the bench.
        for _ in 0..PENDING_AGAIN {
            if !is_pending(&exchange) || name.starts_with("held") {
                break;
            }
            tokio::time::sleep(PENDING_PAUSE).await;
            exchange = self
                .post(&probe, Endpoint::Settle, signed.body(), Some(signed.number))
                .await?;
        }
        Ok(exchange)
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
                return self.heard(exchange);
            }
        }
        let exchange = session
            .call_facilitator_at(&probe, (method, path), body, authorization)
            .await?;
        match exchange.status() {
            Some(TOO_MANY_REQUESTS) => Err(SendError::RateLimited),
            _ => self.heard(exchange),
        }
    }

    /// Keeps what an answer names, and gives up on who never answers.
    fn heard(&self, exchange: Exchange) -> Result<Exchange, SendError> {
        self.keep_transaction(&exchange);
        let timed_out =
            matches!(&exchange.outcome, Err(failure) if failure.trouble == Trouble::TimedOut);
        match timed_out {
            false => self.silent.store(0, Ordering::Relaxed),
            true if self.silent.fetch_add(1, Ordering::Relaxed) + 1 >= SILENT_MAX => {
                return Err(SendError::Silent);
            }
            true => {}
        }
        Ok(exchange)
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
