//! Asking the facilitator (wire-format sections 3.7 and 9). Everything odd is trouble, never a yes.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Address;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use serde_json::Value;
use url::Url;
use x402_assay_protocol::eip3009::parse_address;
use x402_assay_protocol::upto;
use x402_mock_facilitator::event::Endpoint;

use super::facilitator_auth::FacilitatorAuth;
use super::leniency::Leniency;
use super::options::{ReferenceServerOptions, StartError};
use super::witness::{Watched, Witness};
use crate::http::{SetupError, tls};

/// What the facilitator tells the server about extensions.
pub(super) const EXTENSION_RESPONSES: &str = "extension-responses";
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
    /// `amount`, which `upto` tells.
    pub(super) amount: Option<String>,
    /// The `EXTENSION-RESPONSES` header, which is meant for the server alone.
    pub(super) aside: Option<String>,
}

/// The facilitator could not be asked, or gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// No answer.
    #[error("the facilitator cannot be asked: {0}")]
    Transport(#[from] reqwest::Error),
    /// It wants headers that cannot be had.
    #[error("the facilitator cannot be asked: {0}")]
    Auth(String),
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
    auth: Option<Arc<dyn FacilitatorAuth>>,
    witness: Option<Arc<dyn Witness>>,
    leniency: Leniency,
}

impl FacilitatorClient {
    /// A client for the facilitator of a server, which waits `timeout` for each answer.
    pub(super) fn new(
        options: &ReferenceServerOptions,
        timeout: Duration,
        leniency: Leniency,
    ) -> Result<Self, StartError> {
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
            .no_gzip()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .default_headers(options.facilitator_headers.clone())
            .timeout(timeout)
            .build()
            .map_err(SetupError::from)?;
        Ok(Self {
            http,
            verify: endpoint("verify")?,
            settle: endpoint("settle")?,
            supported: endpoint("supported")?,
            auth: options.facilitator_auth.clone(),
            witness: options.witness.clone(),
            leniency,
        })
    }

    /// `POST /verify`
    pub(super) async fn verify(&self, request: &Value) -> Result<Verified, Trouble> {
        let answer = self.post(Endpoint::Verify, request).await?;
        if self.leniency.any_ok_verifies && answer.ok() {
            return Ok(Verified::Valid);
        }
        let (ok, answer) = (answer.ok(), answer.json()?);
        let reason = text(&answer, "invalidReason").unwrap_or_else(|| "invalid payment".to_owned());
        match self.leniency.verdict(answer.get("isValid")) {
            // The facilitator's own trouble says nothing about the payment.
            Some(false) if reason.starts_with("unexpected_") => Err(Trouble::Junk(reason)),
            Some(false) => Ok(Verified::Invalid(reason)),
            Some(true) if ok => Ok(Verified::Valid),
            _ => Err(Trouble::Junk(format!(
                "no verdict in {}",
                shortened(&answer)
            ))),
        }
    }

    /// `POST /settle`
    pub(super) async fn settle(&self, request: &Value, network: &str) -> Result<Settled, Trouble> {
        let answer = self.post(Endpoint::Settle, request).await?;
        let (ok, aside) = (answer.ok(), answer.aside.clone());
        let any = self.leniency.any_ok_settles && ok;
        let answer = match answer.json() {
            Err(_) if any => Value::Null,
            read => read?,
        };
        let settled = |success| Settled {
            success,
            transaction: text(&answer, "transaction").unwrap_or_default(),
            reason: text(&answer, "errorReason"),
            payer: text(&answer, "payer"),
            amount: text(&answer, "amount"),
            aside: aside.clone(),
        };
        let unusable = || Trouble::Junk(format!("no outcome in {}", shortened(&answer)));
        if any {
            return Ok(settled(true));
        }
        match self.leniency.verdict(answer.get("success")) {
            Some(true) if ok => {
                let settled = settled(true);
                let same_network = text(&answer, "network").is_some_and(|named| named == network);
                let moved = is_hash(&settled.transaction) || is_free(request, &settled);
                if self.leniency.truthy || (same_network && moved) {
                    Ok(settled)
                } else {
                    Err(unusable())
                }
            }
            Some(false) => {
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
        let answer = self.ask_supported().await?;
        let (ok, answer) = (answer.ok(), answer.json()?);
        let kinds = answer.get("kinds").and_then(Value::as_array);
        let (true, Some(kinds)) = (ok, kinds) else {
            return Err(Trouble::Junk(format!("no kinds in {}", shortened(&answer))));
        };
        let ours = |kind: &Value| {
            let network = text(kind, "network");
            kind.get("scheme").and_then(Value::as_str) == Some("exact")
                && network.is_some_and(|network| networks.contains(&network))
        };
        Ok(kinds.iter().any(ours))
    }

    /// `GET /supported`: who settles `upto` payments on this network, if anybody.
    pub(super) async fn upto_settler(&self, network: &str) -> Result<Option<Address>, Trouble> {
        let answer = self.ask_supported().await?;
        let (ok, answer) = (answer.ok(), answer.json()?);
        let kinds = answer.get("kinds").and_then(Value::as_array);
        let (true, Some(kinds)) = (ok, kinds) else {
            return Err(Trouble::Junk(format!("no kinds in {}", shortened(&answer))));
        };
        let ours = |kind: &&Value| kind["scheme"] == upto::SCHEME && kind["network"] == network;
        let named = kinds.iter().filter(ours);
        let mut settlers =
            named.filter_map(|kind| kind["extra"][upto::FACILITATOR_ADDRESS].as_str());
        Ok(settlers.find_map(parse_address))
    }

    /// `GET /supported`; the answer does not matter.
    pub(super) async fn supported(&self) -> Result<(), Trouble> {
        self.ask_supported().await.map(|_| ())
    }

    async fn headers(&self, method: &Method, url: &Url) -> Result<HeaderMap, Trouble> {
        match &self.auth {
            None => Ok(HeaderMap::new()),
            Some(auth) => auth
                .headers(method, url.path())
                .await
                .map_err(Trouble::Auth),
        }
    }

    async fn ask_supported(&self) -> Result<Answer, Trouble> {
        let headers = self.headers(&Method::GET, &self.supported).await?;
        let watched = Watched::begin(self.witness.as_ref(), Endpoint::Supported, b"");
        let request = self.http.get(self.supported.clone()).headers(headers);
        let answer = Answer::of(request.send().await?).await?;
        watched.answered(answer.status.as_u16(), &answer.body);
        Ok(answer)
    }

    async fn post(&self, on: Endpoint, request: &Value) -> Result<Answer, Trouble> {
        let url = match on {
            Endpoint::Verify => &self.verify,
            _ => &self.settle,
        };
        let body = request.to_string();
        let headers = self.headers(&Method::POST, url).await?;
        let watched = Watched::begin(self.witness.as_ref(), on, body.as_bytes());
        let request = self
            .http
            .post(url.clone())
            .headers(headers)
            .header(http::header::CONTENT_TYPE, "application/json");
        let answer = Answer::of(request.body(body).send().await?).await?;
        watched.answered(answer.status.as_u16(), &answer.body);
        Ok(answer)
    }
}

/// An answer as it came.
struct Answer {
    status: http::StatusCode,
    body: Bytes,
    aside: Option<String>,
}

impl Answer {
    /// Reads all of it, bounded.
    async fn of(mut answer: reqwest::Response) -> Result<Self, Trouble> {
        let mut body = BytesMut::new();
        let aside = answer.headers().get(EXTENSION_RESPONSES);
        let aside = aside.and_then(|value| value.to_str().ok().map(str::to_owned));
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Trouble::Junk("it is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self {
            status: answer.status(),
            body: body.freeze(),
            aside,
        })
    }

    fn ok(&self) -> bool {
        self.status.is_success()
    }

    fn json(&self) -> Result<Value, Trouble> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Trouble::Junk(format!("status {}: {error}", self.status)))
    }
}

/// True for the settlement of an `upto` payment that used nothing: that needs no transaction.
fn is_free(request: &Value, settled: &Settled) -> bool {
    let asked = &request["paymentRequirements"];
    asked["scheme"] == upto::SCHEME
        && asked["amount"] == "0"
        && settled.transaction.is_empty()
        && settled.amount.as_deref() == Some("0")
}

impl Settled {
    /// True when it was refused because the authorization was used before, or is being used.
    pub(super) fn is_used(&self) -> bool {
        let reason = self.reason.as_deref().unwrap_or_default();
        says_used(reason) || reason == "duplicate_settlement"
    }
}

/// True for the reason codes of a used nonce.
pub(super) fn says_used(reason: &str) -> bool {
    reason.contains("nonce_already_used") || reason == "permit2_invalid_nonce"
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
