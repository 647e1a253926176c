//! The way to the facilitator: of the built-in one, or of the one under test.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Address;
use bytes::Bytes;
use http::Method;
use url::Url;
use x402_mock_facilitator::event::Endpoint;

use super::facilitator_events::CallCounts;
use super::session::{PaymentHeader, SendError, Session};
use super::witness::Bystander;
use crate::config::profile::Header;
use crate::history::direct;
use crate::http::{Exchange, Request};
use crate::reference_server::{FacilitatorAuth, Watched, Witness};

/// How the facilitator is reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// `/verify` and its siblings are appended to it.
    pub url: Url,
    /// Headers it wants.
    pub headers: Vec<Header>,
    /// Further headers, fresh for every call.
    pub auth: Option<Arc<dyn FacilitatorAuth>>,
    /// Accounts that settle, as far as they are known; those of the bench's own are not named here.
    pub accounts: Vec<Address>,
    /// Whose it is.
    pub owner: Owner,
}

/// Whose facilitator it is.
#[derive(Debug, Clone)]
pub enum Owner {
    /// The bench's own; it keeps a log.
    Bench {
        /// It is tested, with the bench's own server in front.
        tested: bool,
    },
    /// Under test; calls are witnessed at our end.
    User(Arc<Bystander>),
}

impl Access {
    /// True when facilitator scenarios have their target.
    pub(crate) const fn is_tested(&self) -> bool {
        matches!(self.owner, Owner::User(_) | Owner::Bench { tested: true })
    }

    /// True when it takes faults, holds and defects.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self.owner, Owner::Bench { .. })
    }

    pub(super) fn counts(&self) -> CallCounts {
        self.witness()
            .map_or_else(CallCounts::default, |seen| seen.counts())
    }

    pub(super) fn was_asked(&self) -> bool {
        self.witness().is_some_and(|seen| seen.was_asked())
    }

    /// Waits until no witnessed call is open; tells whether that came true in time.
    pub(super) async fn rest(&self, within: Duration) -> bool {
        match self.witness() {
            None => true,
            Some(seen) => tokio::time::timeout(within, seen.rest()).await.is_ok(),
        }
    }

    const fn witness(&self) -> Option<&Arc<Bystander>> {
        match &self.owner {
            Owner::User(bystander) => Some(bystander),
            Owner::Bench { .. } => None,
        }
    }

    /// Every header of one call.
    ///
    /// # Errors
    /// When the profile's command gives none, with why.
    pub async fn call_headers(
        &self,
        method: &Method,
        path: &str,
    ) -> Result<Vec<(String, String)>, String> {
        let text = |header: &Header| (header.name.to_string(), header.value.expose().to_owned());
        let mut headers: Vec<_> = self.headers.iter().map(text).collect();
        if let Some(auth) = &self.auth {
            for (name, value) in &auth.headers(method, path).await? {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                headers.push((name.to_string(), value));
            }
        }
        Ok(headers)
    }

    /// The whole URL of a path below the base, query included.
    fn url_at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        url.set_path(&format!("{base}{path}"));
        url.set_query(query);
        url
    }
}

const fn path_of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Verify => "/verify",
        Endpoint::Settle => "/settle",
        Endpoint::Supported | Endpoint::Other => "/supported",
    }
}

impl Session<'_> {
    /// Calls the facilitator directly; with an authorization, `body` is about it.
    pub(super) async fn call_facilitator(
        &self,
        probe: &str,
        endpoint: Endpoint,
        body: Option<Bytes>,
        authorization: Option<u32>,
    ) -> Result<Exchange, SendError> {
        let method = match body {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let place = (method, path_of(endpoint));
        self.call_facilitator_at(probe, place, body, authorization)
            .await
    }

    /// As [`Self::call_facilitator`], with any method at any path below the facilitator's base.
    pub(super) async fn call_facilitator_at(
        &self,
        probe: &str,
        (method, path): (Method, &str),
        body: Option<Bytes>,
        authorization: Option<u32>,
    ) -> Result<Exchange, SendError> {
        let endpoint = match (&method, path) {
            (&Method::POST, "/verify") => Endpoint::Verify,
            (&Method::POST, "/settle") => Endpoint::Settle,
            (&Method::GET, "/supported") => Endpoint::Supported,
            _ => Endpoint::Other,
        };
        let url = self.access.url_at(path);
        let headers = self.access.call_headers(&method, url.path()).await;
        let mut request = Request::new(method, url);
        request.headers = headers.map_err(SendError::Auth)?;
        let witness: Option<Arc<dyn Witness>> = match self.access.witness() {
            Some(bystander) => Some(bystander.clone()),
            None => None,
        };
        let sent = body.clone().unwrap_or_default();
        if let Some(body) = body {
            request = request
                .with_header("content-type", "application/json")
                .with_body(body);
        }
        let watched = Watched::begin(witness.as_ref(), endpoint, &sent);
        let payment = authorization.map(PaymentHeader::in_body);
        let exchange = self
            .perform(probe, direct::ROUTE, request, payment.as_ref(), None)
            .await?;
        if let Some(answer) = exchange.response() {
            watched.answered(answer.status, &answer.body);
        }
        Ok(exchange)
    }
}
