//! The probing client.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use tokio::time::timeout_at;

use super::body::Body;
use super::exchange::{Exchange, Failure, Request, Response};
use super::failure::{Stage, classify, timed_out, unsendable};
use super::headers::Headers;
use super::options::{ProbeClientOptions, SetupError};
use super::raw::{KeptConnection, RawClient};
use super::stopwatch::Stopwatch;
use super::tls;

/// Idle connections are dropped before common servers drop them (Node: 5 s), so that no request meets a closing one.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// An HTTP/1.1 client that follows nothing, keeps bytes as they came, and always comes back.
#[derive(Debug, Clone)]
pub struct ProbeClient {
    inner: reqwest::Client,
    raw: RawClient,
    options: ProbeClientOptions,
}

impl ProbeClient {
    /// A client with its own connection pool.
    ///
    /// # Errors
    /// When the CA file is unusable or TLS cannot be set up.
    pub fn new(options: ProbeClientOptions) -> Result<Self, SetupError> {
        let tls = tls::client_config(options.extra_ca.as_deref(), options.insecure)?;
        let inner = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .no_gzip()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .user_agent(options.user_agent.clone())
            .pool_idle_timeout(POOL_IDLE)
            .build()?;
        let raw = RawClient::new(options.clone())?;
        Ok(Self {
            inner,
            raw,
            options,
        })
    }

    /// The options it was made with.
    pub const fn options(&self) -> &ProbeClientOptions {
        &self.options
    }

    /// A connection that is kept for several requests, each sent byte by byte as it stands.
    pub fn keep(&self) -> KeptConnection {
        self.raw.keep()
    }

    /// Sends one request and reads the answer, within the bounds of the options; one with a target of its own goes
    /// over a raw connection.
    pub async fn send(&self, request: Request) -> Exchange {
        if request.target.is_some() {
            return self.raw.send(request).await;
        }
        let mut watch = Stopwatch::start();
        let outcome = self.exchange(&request, &mut watch).await;
        watch.exchange(request, outcome)
    }

    async fn exchange(
        &self,
        request: &Request,
        watch: &mut Stopwatch,
    ) -> Result<Response, Failure> {
        let place = place(&request.url);
        let deadline = watch.deadline(self.options.timeout);
        let sending = self.prepare(request)?.send();
        let mut answer = match timeout_at(deadline, sending).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(classify(&error, &place, Stage::Head)),
            Err(_) => return Err(timed_out(&place, self.options.timeout, Stage::Head)),
        };
        watch.note_headers();
        let mut body = Body::new(&self.options);
        loop {
            let failure = match timeout_at(deadline, answer.chunk()).await {
                Ok(Ok(Some(chunk))) if body.take(&chunk) => continue,
                Ok(Ok(_)) => return Ok(into_response(body, &answer)),
                Ok(Err(error)) => classify(&error, &place, Stage::Body),
                Err(_) => timed_out(&place, self.options.timeout, Stage::Body),
            };
            return Err(Failure {
                partial: Some(Box::new(into_response(body, &answer))),
                ..failure
            });
        }
    }

    fn prepare(&self, request: &Request) -> Result<reqwest::RequestBuilder, Failure> {
        let mut headers = http::HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| unsendable(&format!("{name:?} is no header name")))?;
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| unsendable(&format!("the value of header {name} is not allowed")))?;
            headers.append(name, value);
        }
        let mut url = request.url.clone();
        if let Some(via) = request.via {
            if let (false, Ok(host)) = (
                headers.contains_key(HOST),
                HeaderValue::from_str(&authority(&url)),
            ) {
                headers.insert(HOST, host);
            }
            // Fails only for URLs without a host, which are not sent anyway.
            let _ = url.set_ip_host(via.ip());
            let _ = url.set_port(Some(via.port()));
        }
        let mut builder = self
            .inner
            .request(request.method.clone(), url)
            .headers(headers);
        if let Some(body) = &request.body {
            builder = builder.body(Bytes::clone(body));
        }
        Ok(builder)
    }
}

fn into_response(body: Body, answer: &reqwest::Response) -> Response {
    body.into_response(
        answer.status().as_u16(),
        Headers::from_map(answer.headers()),
    )
}

/// Host and port, for messages.
pub(super) fn place(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// As a `Host` field names it.
fn authority(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
