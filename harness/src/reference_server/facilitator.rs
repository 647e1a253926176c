//! Asking the facilitator (wire-format sections 3.7 and 9). Everything odd is trouble, never a yes.

use std::sync::Arc;

use bytes::BytesMut;
use serde_json::Value;
use url::Url;
use x402_mock_facilitator::event::Endpoint;

use super::options::{ReferenceServerOptions, StartError};
use super::witness::{Watched, Witness};
use crate::http::{SetupError, tls};

/// Bytes of an answer that are read.
const LARGEST_ANSWER: usize = 256 << 10;

/// The answer to `/verify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verified {
    /// `isValid: true`.
    Valid,
    /// `isValid: false`, with the reason.
    Invalid(String),
}

/// The answer to `/settle`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    /// `success`.
    pub(super) success: bool,
    /// `transaction`, empty when there was none.
    pub(super) transaction: String,
    /// `errorReason`.
    pub(super) reason: Option<String>,
    /// `payer`.
    pub(super) payer: Option<String>,
}

/// The facilitator could not be asked, or gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// No answer.
    #[error("the facilitator cannot be asked: {0}")]
    Transport(#[from] reqwest::Error),
    /// An answer that says nothing.
    #[error("the facilitator's answer is not usable: {0}")]
    Junk(String),
}

/// A client of one facilitator.
#[derive(Debug)]
pub(super) struct FacilitatorClient {
    http: reqwest::Client,
    verify: Url,
    settle: Url,
    supported: Url,
    witness: Option<Arc<dyn Witness>>,
}

impl FacilitatorClient {
    /// A client for the facilitator of a server.
    pub(super) fn new(options: &ReferenceServerOptions) -> Result<Self, StartError> {
        let base = options.facilitator_url.as_str();
        let endpoint = |name: &str| {
            let url = format!("{}/{name}", base.trim_end_matches('/'));
            url.parse::<Url>()
                .map_err(|source| StartError::FacilitatorUrl {
                    url: base.to_owned(),
                    source,
                })
        };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(None, false)?)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .default_headers(options.facilitator_headers.clone())
            .timeout(options.facilitator_timeout)
            .build()
            .map_err(SetupError::from)?;
        Ok(Self {
            http,
            verify: endpoint("verify")?,
            settle: endpoint("settle")?,
            supported: endpoint("supported")?,
            witness: options.witness.clone(),
        })
    }

    /// `POST /verify`
    pub(super) async fn verify(&self, request: &Value) -> Result<Verified, Trouble> {
        let (ok, answer) = self.post(Endpoint::Verify, request).await?;
        let reason = text(&answer, "invalidReason").unwrap_or_else(|| "invalid payment".to_owned());
        match answer.get("isValid") {
            // The facilitator's own trouble says nothing about the payment.
            Some(Value::Bool(false)) if reason.starts_with("unexpected_") => {
                Err(Trouble::Junk(reason))
            }
            Some(Value::Bool(false)) => Ok(Verified::Invalid(reason)),
            Some(Value::Bool(true)) if ok => Ok(Verified::Valid),
            _ => Err(Trouble::Junk(format!(
                "no verdict in {}",
                shortened(&answer)
            ))),
        }
    }

    /// `POST /settle`
    pub(super) async fn settle(&self, request: &Value, network: &str) -> Result<Settled, Trouble> {
        let (ok, answer) = self.post(Endpoint::Settle, request).await?;
        let settled = |success| Settled {
            success,
            transaction: text(&answer, "transaction").unwrap_or_default(),
            reason: text(&answer, "errorReason"),
            payer: text(&answer, "payer"),
        };
        let unusable = || Trouble::Junk(format!("no outcome in {}", shortened(&answer)));
        match answer.get("success") {
            Some(Value::Bool(true)) if ok => {
                let settled = settled(true);
                let same_network = text(&answer, "network").is_some_and(|named| named == network);
                if same_network && is_hash(&settled.transaction) {
                    Ok(settled)
                } else {
                    Err(unusable())
                }
            }
            Some(Value::Bool(false)) => {
                let settled = settled(false);
                match &settled.reason {
                    Some(reason) if reason.starts_with("unexpected_") => {
                        Err(Trouble::Junk(reason.clone()))
                    }
                    _ => Ok(settled),
                }
            }
            _ => Err(unusable()),
        }
    }

    /// `GET /supported`: whether it settles `exact` payments on one of these networks.
    pub(super) async fn supports(&self, networks: &[String]) -> Result<bool, Trouble> {
        let (status, body) = self.ask_supported().await?;
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|error| Trouble::Junk(format!("status {status}: {error}")))?;
        let kinds = answer.get("kinds").and_then(Value::as_array);
        let (true, Some(kinds)) = (status.is_success(), kinds) else {
            return Err(Trouble::Junk(format!("no kinds in {}", shortened(&answer))));
        };
        let ours = |kind: &Value| {
            let network = text(kind, "network");
            kind.get("scheme").and_then(Value::as_str) == Some("exact")
                && network.is_some_and(|network| networks.contains(&network))
        };
        Ok(kinds.iter().any(ours))
    }

    /// `GET /supported`; the answer does not matter.
    pub(super) async fn supported(&self) -> Result<(), Trouble> {
        self.ask_supported().await.map(|_| ())
    }

    async fn ask_supported(&self) -> Result<(http::StatusCode, BytesMut), Trouble> {
        let watched = Watched::begin(self.witness.as_ref(), Endpoint::Supported, b"");
        let answer = self.http.get(self.supported.clone()).send().await?;
        let (status, body) = whole(answer).await?;
        watched.answered(status.as_u16(), &body);
        Ok((status, body))
    }

    async fn post(&self, on: Endpoint, request: &Value) -> Result<(bool, Value), Trouble> {
        let url = match on {
            Endpoint::Verify => &self.verify,
            _ => &self.settle,
        };
        let body = request.to_string();
        let watched = Watched::begin(self.witness.as_ref(), on, body.as_bytes());
        let request = self
            .http
            .post(url.clone())
            .header(http::header::CONTENT_TYPE, "application/json");
        let answer = request.body(body).send().await?;
        let (status, body) = whole(answer).await?;
        watched.answered(status.as_u16(), &body);
        let value: Value = serde_json::from_slice(&body)
            .map_err(|error| Trouble::Junk(format!("status {status}: {error}")))?;
        Ok((status.is_success(), value))
    }
}

/// Status and body of an answer, bounded.
async fn whole(mut answer: reqwest::Response) -> Result<(http::StatusCode, BytesMut), Trouble> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Trouble::Junk("it is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((answer.status(), body))
}

fn text(answer: &Value, name: &str) -> Option<String> {
    answer.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn is_hash(text: &str) -> bool {
    text.parse::<alloy_primitives::B256>().is_ok()
}

fn shortened(answer: &Value) -> String {
    answer.to_string().chars().take(200).collect()
}
